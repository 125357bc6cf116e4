//! Places she named in the app of a telephone.

use besace_protocol::{private::Private, time::Timestamp};

use rusqlite::Transaction;

use super::{Position, Vault, VaultError, column};

/// A place with a name of hers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedPlace {
    /// When she made it: the app's own key for it.
    pub made_at: Timestamp,
    /// What she calls it.
    pub name: Private<String>,
    /// Its middle.
    pub position: Private<Position>,
    /// How far it reaches, in metres.
    pub radius_metres: u32,
}

impl Vault {
    /// Most places that are kept for one device; further ones are passed over.
    pub const NAMED_PLACES_MAX: u32 = 200;

    /// Keeps places of a device: those it had before go, unless `among_others`.
    pub fn put_named_places(
        &self,
        device: String,
        places: Vec<NamedPlace>,
        among_others: bool,
    ) -> Result<(), VaultError> {
        self.write(move |db| put(db, &device, &places, among_others))
    }

    /// Every named place with its device, by device and age.
    pub fn named_places(&self) -> Result<Vec<(String, NamedPlace)>, VaultError> {
        self.read(|db| {
            let mut statement = db.prepare(
                "SELECT device, made_at, name, lat_e7, lon_e7, radius_m FROM named_places
                 ORDER BY device, made_at",
            )?;
            let places = statement.query_map([], |row| {
                let (latitude, longitude) = (row.get(3)?, row.get(4)?);
                let position = Position::from_e7(latitude, longitude)
                    .map_err(|_| rusqlite::Error::IntegralValueOutOfRange(3, latitude.into()))?;
                let place = NamedPlace {
                    made_at: column::time(row, 1)?,
                    name: Private::new(row.get(2)?),
                    position: position.into(),
                    radius_metres: row.get(5)?,
                };
                Ok((row.get(0)?, place))
            })?;
            Ok(places.collect::<Result<_, _>>()?)
        })
    }
}

pub(super) fn put(
    db: &Transaction<'_>,
    device: &str,
    places: &[NamedPlace],
    among_others: bool,
) -> Result<(), VaultError> {
    if !among_others {
        db.execute("DELETE FROM named_places WHERE device = ?1", [device])?;
    }
    let mut insert = db.prepare(
        "INSERT INTO named_places (device, made_at, name, lat_e7, lon_e7, radius_m)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6
         WHERE (SELECT count(*) FROM named_places WHERE device = ?1 AND made_at <> ?2) < ?7
         ON CONFLICT (device, made_at) DO UPDATE SET name = excluded.name,
           lat_e7 = excluded.lat_e7, lon_e7 = excluded.lon_e7, radius_m = excluded.radius_m",
    )?;
    for place in places {
        insert.execute((
            device,
            column::from_time(place.made_at),
            place.name.reveal(),
            place.position.reveal().latitude_e7(),
            place.position.reveal().longitude_e7(),
            place.radius_metres,
            Vault::NAMED_PLACES_MAX,
        ))?;
    }
    Ok(())
}
