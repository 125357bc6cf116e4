//! What the vault knows, in the form that conditions ask for. What it does not know stays unknown.

use std::collections::BTreeSet;

use besace_protocol::{
    offer::{
        Category, Context, Gtin,
        calendar::{Date, LocalTime},
        context::{Birthday, RetailerFacts, ShopFacts, Visits, Wish},
    },
    party::{Manifest, Shop},
    presence::ShopId,
    private::Private,
    time::Timestamp,
};
use jiff::{Zoned, tz::TimeZone};

use super::{ARRIVAL_SECONDS, Stay, StepError};
use crate::{
    engine::{Engine, VisitRules},
    vault::{Fix, Position, Profile, ProfileField, ShopVisit, WishContent},
};

/// Where the clock on her wall is.
const ZONE: &str = "Europe/Paris";

/// How long a fix says where she is, in seconds.
const FIX_SECONDS: u64 = 1_800;

/// A fix less certain than this says nothing about shops, in metres.
const ACCURACY_METRES_MAX: u32 = 200;

/// A stay within a circle smaller than this is no arrival, in metres: fixes are not exact, and a circle
/// around one front door is no shop.
const STAY_RADIUS_METRES_MIN: u16 = 30;

/// A visit that ended less than this ago is the one going on, in seconds.
const EARLIER_VISIT_SECONDS: u64 = 3 * 60 * 60;

impl Engine {
    /// What is known now.
    pub(in crate::engine) fn matching_context(&self) -> Result<Context, StepError> {
        let (now, open) = (self.now(), self.open()?);
        let wishes = open.vault.wishes()?;
        let standing = wishes.iter().map(|wish| &wish.content).filter(|wish| stands(wish, now));
        let mut context = Context {
            local: local_time(now),
            wishes: Some(standing.map(wish).collect()),
            birthday: birthday(&open.vault.profile()?),
            ..Context::default()
        };
        let here = self.here()?;
        let present = self.present_at()?;
        let visits = open.vault.visits()?;
        // Who has heard some shop listens; who says where she is would say that she is there. Else
        // nobody may know.
        let listens = here.is_some() || !open.memory().stays.is_empty();
        for manifest in self.retailers()? {
            let manifest = manifest.payload();
            let facts = facts(manifest, here, &visits, listens.then_some(&present), now);
            context.retailers.insert(manifest.controller.clone(), facts);
        }
        Ok(context)
    }

    /// The shops she is in: just heard, or stayed in for a while by what her telephone says.
    pub(in crate::engine) fn present_at(&self) -> Result<BTreeSet<ShopId>, StepError> {
        let (now, open) = (self.now(), self.open()?);
        let heard = |stay: &Stay| now <= stay.last.plus(ARRIVAL_SECONDS);
        let mut present: BTreeSet<ShopId> = open
            .memory()
            .stays
            .iter()
            .filter(|(_, stay)| heard(stay))
            .map(|(shop, _)| shop.clone())
            .collect();
        let entered = self.circles_entered(VisitRules::STANDARD)?;
        let going_on = open.vault.visits()?.into_iter().filter(|visit| visit.left_at.is_none());
        let going_on = going_on.map(|visit| ShopId { domain: visit.domain, code: visit.shop });
        let fixes = self.certain_fixes()?;
        let stays = entered.into_iter().map(|shop| (shop, true));
        for (shop, is_sure) in stays.chain(going_on.map(|shop| (shop, false))) {
            let manifest = match self.manifest(&shop.domain) {
                Ok(manifest) => manifest,
                // A visit outlives what is known of the shop.
                Err(StepError::Stranger) => continue,
                Err(error) => return Err(error),
            };
            let Some(place) = manifest.payload().shop(shop.code) else { continue };
            // A visit that nobody saw end may be of last year: she was inside a moment ago, or it is over.
            let inside = |here: &Position| metres_to(*here, place) <= place.radius_metres.into();
            let is_there = is_sure || fixes.iter().any(inside);
            if is_there && place.radius_metres >= STAY_RADIUS_METRES_MIN {
                present.insert(shop);
            }
        }
        Ok(present)
    }

    /// Her last certain place, unless it is long ago.
    fn here(&self) -> Result<Option<Position>, StepError> {
        Ok(self.certain_fixes()?.pop())
    }

    /// Where she certainly was, not long ago, the oldest first.
    fn certain_fixes(&self) -> Result<Vec<Position>, StepError> {
        let now = self.now();
        let fixes = self.vault()?.fixes(now.minus(FIX_SECONDS), now.plus(1))?;
        Ok(fixes.iter().filter(|fix| is_certain(fix)).map(|fix| *fix.position.reveal()).collect())
    }
}

fn stands(wish: &WishContent, now: Timestamp) -> bool {
    wish.deadline.is_none_or(|deadline| now < deadline)
}

fn wish(content: &WishContent) -> Wish {
    let read = |text: &Option<Private<String>>| text.as_ref().map(|text| text.reveal().clone());
    Wish {
        title: content.text.reveal().clone(),
        gtin: read(&content.gtin).and_then(|digits| Gtin::from_printed(&digits).ok()),
        category: read(&content.category).and_then(|words| Category::find(&words)),
        price_at_most: content.max_price,
    }
}

fn birthday(profile: &Profile) -> Option<Birthday> {
    let text = profile.get(ProfileField::Birthday)?.reveal();
    let date: jiff::civil::Date = text.parse().ok()?;
    let part = |number: i8| u8::try_from(number).ok();
    Some(Birthday { month: part(date.month())?, day: part(date.day())? })
}

fn local_time(now: Timestamp) -> Option<LocalTime> {
    let seconds = i64::try_from(now.as_unix_seconds()).ok()?;
    let moment = jiff::Timestamp::from_second(seconds).ok()?;
    let local: Zoned = moment.to_zoned(TimeZone::get(ZONE).ok()?);
    let part = |number: i8| u8::try_from(number).ok();
    let date =
        Date::new(u16::try_from(local.year()).ok()?, part(local.month())?, part(local.day())?)?;
    let minute = u16::from(part(local.hour())?).checked_mul(60)?;
    LocalTime::new(date, minute.checked_add(part(local.minute())?.into())?)
}

fn is_certain(fix: &Fix) -> bool {
    fix.accuracy_metres.is_none_or(|metres| metres <= ACCURACY_METRES_MAX)
}

fn facts(
    manifest: &Manifest,
    here: Option<Position>,
    visits: &[ShopVisit],
    present: Option<&BTreeSet<ShopId>>,
    now: Timestamp,
) -> RetailerFacts {
    let earlier = visits
        .iter()
        .filter(|visit| visit.domain == manifest.controller)
        .map(|visit| visit.left_at.unwrap_or(visit.arrived_at))
        .filter(|left| left.plus(EARLIER_VISIT_SECONDS) <= now);
    let shops = manifest.shops.iter().map(|shop| {
        let id = ShopId { domain: manifest.controller.clone(), code: shop.code };
        let facts = ShopFacts {
            name: Some(shop.name.clone()),
            metres: here.map(|here| metres_to(here, shop)),
            heard: present.map(|present| present.contains(&id)),
        };
        (shop.code, facts)
    });
    RetailerFacts {
        name: Some(manifest.legal.display_name.clone()),
        // Cards say who issued them in her words only: which programme they are of is not known.
        tiers: None,
        visits: Some(Visits { last: earlier.max() }),
        shops: shops.collect(),
    }
}

/// Metres between a fix and a shop, rounded up; flat, which is exact enough below 50 km.
fn metres_to(here: Position, shop: &Shop) -> u32 {
    /// One degree of a meridian.
    const DEGREE_METRES: f64 = 111_320.0;
    let degrees = |a: i32, b: i32| (f64::from(a) - f64::from(b)) / 1e7;
    let latitude = f64::from(shop.latitude_e7) / 1e7;
    let north = degrees(here.latitude_e7(), shop.latitude_e7) * DEGREE_METRES;
    let east = degrees(here.longitude_e7(), shop.longitude_e7)
        * DEGREE_METRES
        * latitude.to_radians().cos();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative, and at most 5 * 10^7"
    )]
    let metres = north.hypot(east).ceil() as u32;
    metres
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_on_the_wall_is_the_one_of_paris_in_winter_and_in_summer() {
        let at = |seconds| local_time(Timestamp::from_unix_seconds(seconds)).unwrap();
        // 2026-11-21T23:30Z and 2026-07-14T22:15Z.
        let (winter, summer) = (at(1_795_303_800), at(1_784_067_300));
        assert_eq!((winter.date().day(), winter.minute()), (22, 30));
        assert_eq!((summer.date().day(), summer.minute()), (15, 15));
    }

    #[test]
    fn a_kilometre_is_a_kilometre_in_either_direction() {
        let shop = Shop {
            code: besace_protocol::party::ShopCode::from_bytes([1; 4]),
            kind: None,
            latitude_e7: 457_636_420,
            longitude_e7: 48_356_180,
            name: "Lyon".to_owned(),
            radius_metres: 60,
            scope: "shop.example/fr/*".to_owned(),
            till_keys: Vec::new(),
        };
        let metres = |lat, lon| metres_to(Position::from_e7(lat, lon).unwrap(), &shop);
        assert_eq!(metres(457_636_420, 48_356_180), 0);
        assert_eq!(metres(457_726_252, 48_356_180), 1_001);
        assert_eq!(metres(457_636_420, 48_484_960), 1_001);
    }
}
