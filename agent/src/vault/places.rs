//! Where she was: fixes, and the visits to shops found in them. Never leaves the vault.

use besace_protocol::{
    id::ImportId,
    party::{ControllerId, ShopCode},
    private::Private,
    time::Timestamp,
};
use rusqlite::{Row, Statement, Transaction};

use super::{Vault, VaultError, column};

/// A point on the earth, WGS 84, in 10^-7 degrees (about a centimetre).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    latitude_e7: i32,
    longitude_e7: i32,
}

/// The numbers are no point on the earth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("latitude is -90 to 90 degrees, longitude -180 to 180")]
pub struct PositionError;

impl Position {
    /// From 10^-7 degrees north and east.
    pub const fn from_e7(latitude_e7: i32, longitude_e7: i32) -> Result<Self, PositionError> {
        let inside = latitude_e7 >= -900_000_000
            && latitude_e7 <= 900_000_000
            && longitude_e7 >= -1_800_000_000
            && longitude_e7 <= 1_800_000_000;
        if inside { Ok(Self { latitude_e7, longitude_e7 }) } else { Err(PositionError) }
    }

    /// From degrees north and east, rounded to 10^-7.
    pub fn from_degrees(latitude: f64, longitude: f64) -> Result<Self, PositionError> {
        let inside = (-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude);
        if !inside {
            return Err(PositionError);
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "at most 1.8 * 10^9 after the check above, which an i32 holds"
        )]
        let e7 = |degrees: f64| (degrees * 1e7).round() as i32;
        Self::from_e7(e7(latitude), e7(longitude))
    }

    /// 10^-7 degrees north.
    pub const fn latitude_e7(self) -> i32 {
        self.latitude_e7
    }

    /// 10^-7 degrees east.
    pub const fn longitude_e7(self) -> i32 {
        self.longitude_e7
    }

    /// Metres to another point along the surface, on a sphere of the earth's mean radius (haversine):
    /// within 0.6 % of the ellipsoid.
    pub fn metres_to(self, other: Self) -> f64 {
        const EARTH_RADIUS_METRES: f64 = 6_371_008.8; // mean radius of WGS 84, (2a + b) / 3
        let radians = |e7: i32| (f64::from(e7) * 1e-7).to_radians();
        let (from, to) = (radians(self.latitude_e7), radians(other.latitude_e7));
        let north = ((to - from) / 2.0).sin();
        let east = ((radians(other.longitude_e7) - radians(self.longitude_e7)) / 2.0).sin();
        let half_chord = (north * north + from.cos() * to.cos() * east * east).min(1.0).sqrt();
        2.0 * EARTH_RADIUS_METRES * half_chord.asin()
    }
}

/// Where she was at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// When.
    pub at: Timestamp,
    /// Where.
    pub position: Private<Position>,
    /// Radius of the circle she was in, in metres, if the source said it.
    pub accuracy_metres: Option<u32>,
}

/// Time spent in one shop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShopVisit {
    /// Whose shop.
    pub domain: ControllerId,
    /// Which shop.
    pub shop: ShopCode,
    /// From when.
    pub arrived_at: Timestamp,
    /// Until when; none while she is there.
    pub left_at: Option<Timestamp>,
}

impl Vault {
    /// Fixes in a span of time, `until` not included, the oldest first; of one moment, as they came.
    pub fn fixes(&self, from: Timestamp, until: Timestamp) -> Result<Vec<Fix>, VaultError> {
        self.read(move |db| {
            // As the index has them; the sorter of the library allocates for every moment anew.
            let mut statement = db.prepare(
                "SELECT at, lat_e7, lon_e7, accuracy_m, id FROM fixes
                 WHERE at >= ?1 AND at < ?2 ORDER BY at",
            )?;
            let span = (column::from_time(from), column::from_time(until));
            let row = |row: &Row<'_>| Ok((fix(row)?, row.get::<_, i64>(4)?));
            let mut fixes: Vec<_> = statement.query_map(span, row)?.collect::<Result<_, _>>()?;
            fixes.sort_by_key(|(fix, id)| (fix.at, *id));
            Ok(fixes.into_iter().map(|(fix, _)| fix).collect())
        })
    }

    /// How many fixes there are, with the first and the last moment.
    pub fn fix_span(&self) -> Result<Option<(u64, Timestamp, Timestamp)>, VaultError> {
        self.read(|db| {
            Ok(db.query_row("SELECT count(*), min(at), max(at) FROM fixes", [], |row| {
                let count = column::number(row, 0)?;
                let (first, last) =
                    (column::optional_time(row, 1)?, column::optional_time(row, 2)?);
                Ok(first.zip(last).map(|(first, last)| (count, first, last)))
            })?)
        })
    }

    /// Keeps one fix that was heard live. False if it was known.
    pub fn add_fix(&self, fix: Fix) -> Result<bool, VaultError> {
        self.write(move |db| FixTaker::new(db)?.take(&fix, None))
    }

    /// Keeps fixes that were heard live, all or none. Gives how many were new.
    pub fn add_fixes(&self, fixes: Vec<Fix>) -> Result<usize, VaultError> {
        self.write(move |db| {
            let (mut fixes_in, mut added) = (FixTaker::new(db)?, 0_usize);
            for fix in &fixes {
                added = added.saturating_add(usize::from(fixes_in.take(fix, None)?));
            }
            Ok(added)
        })
    }

    /// Keeps a visit, or when it ended.
    pub fn put_visit(&self, visit: ShopVisit) -> Result<(), VaultError> {
        self.write(move |db| put_visit(db, &visit))
    }

    /// Every visit, the newest first.
    pub fn visits(&self) -> Result<Vec<ShopVisit>, VaultError> {
        self.read(|db| {
            let mut statement = db.prepare(
                "SELECT domain, shop, arrived_at, left_at FROM visits ORDER BY arrived_at DESC, id",
            )?;
            let visits = statement.query_map([], |row| {
                Ok(ShopVisit {
                    domain: column::parsed(row, 0, ControllerId::parse)?,
                    shop: ShopCode::from_bytes(row.get(1)?),
                    arrived_at: column::time(row, 2)?,
                    left_at: column::optional_time(row, 3)?,
                })
            })?;
            Ok(visits.collect::<Result<_, _>>()?)
        })
    }
}

pub(super) fn put_visit(db: &Transaction<'_>, visit: &ShopVisit) -> Result<(), VaultError> {
    db.execute(
        "INSERT INTO visits (domain, shop, arrived_at, left_at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (domain, shop, arrived_at) DO UPDATE SET left_at = excluded.left_at",
        (
            visit.domain.as_str(),
            visit.shop.as_bytes(),
            column::from_time(visit.arrived_at),
            visit.left_at.map(column::from_time),
        ),
    )?;
    Ok(())
}

/// Takes fixes in, one after the other.
pub(super) struct FixTaker<'db>(Statement<'db>);

impl<'db> FixTaker<'db> {
    /// Into the open transaction.
    pub(super) fn new(db: &'db Transaction<'_>) -> Result<Self, VaultError> {
        Ok(Self(db.prepare(
            "INSERT INTO fixes (at, lat_e7, lon_e7, accuracy_m, import_id)
             VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (at, lat_e7, lon_e7) DO NOTHING",
        )?))
    }

    /// False if the same fix was known.
    pub(super) fn take(&mut self, fix: &Fix, import: Option<ImportId>) -> Result<bool, VaultError> {
        let added = self.0.execute((
            column::from_time(fix.at),
            fix.position.reveal().latitude_e7,
            fix.position.reveal().longitude_e7,
            fix.accuracy_metres,
            import.as_ref().map(ImportId::as_bytes),
        ))?;
        Ok(added == 1)
    }
}

fn fix(row: &Row<'_>) -> rusqlite::Result<Fix> {
    let (latitude, longitude) = (row.get(1)?, row.get(2)?);
    let position = Position::from_e7(latitude, longitude)
        .map_err(|_| rusqlite::Error::IntegralValueOutOfRange(1, latitude.into()))?;
    Ok(Fix {
        at: column::time(row, 0)?,
        position: Private::new(position),
        accuracy_metres: row.get(3)?,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn degrees_come_back(latitude in -900_000_000..=900_000_000, longitude in -1_800_000_000..=1_800_000_000) {
            let position =
                Position::from_degrees(f64::from(latitude) / 1e7, f64::from(longitude) / 1e7).unwrap();
            prop_assert_eq!(position, Position::from_e7(latitude, longitude).unwrap());
        }

        #[test]
        fn no_number_makes_a_position_panic(latitude: f64, longitude: f64) {
            let on_earth = latitude.abs() <= 90.0 && longitude.abs() <= 180.0;
            prop_assert_eq!(Position::from_degrees(latitude, longitude).is_ok(), on_earth);
        }
    }
}
