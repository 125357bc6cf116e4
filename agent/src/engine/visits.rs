//! Visits to shops, found in where she was. Pure: fixes and circles in, visits out.
//!
//! Noise must not look like coming and going: a fix that is too vague does not count, a visit begins
//! only after she stayed, and it ends only well outside of the circle and after a while.

use besace_protocol::{
    party::{ControllerId, ShopCode},
    time::{DAY_SECONDS, Timestamp},
};

use super::{Engine, step::StepError};
use crate::vault::{Fix, Position, ShopVisit};

/// A shop on the map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShopCircle {
    /// Whose shop.
    pub domain: ControllerId,
    /// Which shop.
    pub shop: ShopCode,
    /// Its middle.
    pub centre: Position,
    /// How far it reaches, in metres.
    pub radius_metres: u16,
}

/// When a fix counts, and when staying is a visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VisitRules {
    /// Vaguer fixes are passed over, in metres; a fix that says nothing counts.
    pub accuracy_max_metres: u32,
    /// Outside begins this far beyond the circle, in metres.
    pub margin_metres: u16,
    /// Shorter is passing by, in seconds.
    pub dwell_seconds: u64,
    /// Shorter outside is still the same visit, in seconds.
    pub absence_seconds: u64,
    /// Longer silence ends a visit at the last fix inside, in seconds.
    pub silence_seconds: u64,
}

impl VisitRules {
    /// Three minutes inside; out for five, thirty metres off; an hour of silence.
    pub const STANDARD: Self = Self {
        accuracy_max_metres: 100,
        margin_metres: 30,
        dwell_seconds: 180,
        absence_seconds: 300,
        silence_seconds: 3600,
    };
}

impl Engine {
    /// Finds visits to the shops of retailers she has met in a span of time, and keeps them.
    pub fn find_visits(
        &self,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<ShopVisit>, StepError> {
        let vault = self.vault()?;
        let circles = self.shop_circles()?;
        let fixes = vault.fixes(from, until).map_err(super::EngineError::from)?;
        let visits = detect_visits(&fixes, &circles, VisitRules::STANDARD);
        for visit in &visits {
            vault.put_visit(visit.clone()).map_err(super::EngineError::from)?;
        }
        Ok(visits)
    }

    /// Finds the visit she is in, or has just ended, at each shop of retailers she has met, and keeps it.
    ///
    /// Looks no further back than to where the last visit at that shop began or ended: what was decided
    /// is not decided again because older fixes are out of sight.
    pub(super) fn follow_visits(&self, rules: VisitRules) -> Result<(), StepError> {
        self.follow_visits_since(rules, self.now().minus(DAY_SECONDS))
    }

    /// As [`follow_visits`](Self::follow_visits), where nothing is known of a shop from `recent`.
    pub(super) fn follow_visits_since(
        &self,
        rules: VisitRules,
        recent: Timestamp,
    ) -> Result<(), StepError> {
        let vault = self.vault()?;
        let known = vault.visits().map_err(super::EngineError::from)?;
        for circle in self.shop_circles()? {
            let of_shop =
                |visit: &&ShopVisit| visit.domain == circle.domain && visit.shop == circle.shop;
            let mut newest = known.iter().find(of_shop);
            let from = newest.map_or(recent, |visit| match visit.left_at {
                None => visit.arrived_at,
                Some(left) => left.plus(1).max(recent),
            });
            let fixes = vault.fixes(from, self.fixes_end()).map_err(super::EngineError::from)?;
            for mut visit in detect_visits(&fixes, std::slice::from_ref(&circle), rules) {
                // Her telephone heard the shop before it knew the place: one arrival, not two.
                let heard = newest.take().filter(|known| {
                    known
                        .left_at
                        .is_none_or(|left| visit.arrived_at < left.plus(rules.absence_seconds))
                });
                if let Some(heard) = heard {
                    visit.arrived_at = heard.arrived_at;
                }
                vault.put_visit(visit).map_err(super::EngineError::from)?;
            }
        }
        Ok(())
    }

    fn shop_circles(&self) -> Result<Vec<ShopCircle>, StepError> {
        let mut circles = Vec::new();
        for retailer in self.retailers()? {
            for shop in &retailer.payload().shops {
                // The manifest was verified, but nobody checked that its shops are on the earth.
                if let Ok(centre) = Position::from_e7(shop.latitude_e7, shop.longitude_e7) {
                    circles.push(ShopCircle {
                        domain: retailer.payload().controller.clone(),
                        shop: shop.code,
                        centre,
                        radius_metres: shop.radius_metres,
                    });
                }
            }
        }
        Ok(circles)
    }
}

/// Visits to any of `circles`, by arrival. `fixes` must be sorted by time. A visit has no end while
/// the last fix lies within it.
pub fn detect_visits(fixes: &[Fix], circles: &[ShopCircle], rules: VisitRules) -> Vec<ShopVisit> {
    let clear =
        |fix: &&Fix| fix.accuracy_metres.is_none_or(|metres| metres <= rules.accuracy_max_metres);
    let mut visits = Vec::new();
    for circle in circles {
        let mut stay: Option<Stay> = None;
        for fix in fixes.iter().filter(clear) {
            let metres = distance_metres(*fix.position.reveal(), circle.centre);
            stay = stay.and_then(|stay| stay.go_on(fix.at, metres, circle, rules, &mut visits));
            if stay.is_none() && metres <= f64::from(circle.radius_metres) {
                stay = Some(Stay { arrived_at: fix.at, inside_at: fix.at });
            }
        }
        if let Some(stay) = stay {
            visits.extend(stay.visit(circle, rules, None));
        }
    }
    visits.sort_by_key(|visit| visit.arrived_at);
    visits
}

/// Being in one circle, for now.
#[derive(Clone, Copy)]
struct Stay {
    arrived_at: Timestamp,
    /// The last moment when she was inside or not clearly outside.
    inside_at: Timestamp,
}

impl Stay {
    fn go_on(
        self,
        at: Timestamp,
        metres: f64,
        circle: &ShopCircle,
        rules: VisitRules,
        visits: &mut Vec<ShopVisit>,
    ) -> Option<Self> {
        let since = at.distance(self.inside_at);
        let limit = f64::from(circle.radius_metres) + f64::from(rules.margin_metres);
        let outside = metres > limit;
        if since > rules.silence_seconds || (outside && since >= rules.absence_seconds) {
            visits.extend(self.visit(circle, rules, Some(self.inside_at)));
            return None;
        }
        Some(if outside { self } else { Self { inside_at: at, ..self } })
    }

    /// The visit, if she stayed long enough for one.
    fn visit(
        self,
        circle: &ShopCircle,
        rules: VisitRules,
        left_at: Option<Timestamp>,
    ) -> Option<ShopVisit> {
        let stayed = self.inside_at.distance(self.arrived_at) >= rules.dwell_seconds;
        stayed.then(|| ShopVisit {
            domain: circle.domain.clone(),
            shop: circle.shop,
            arrived_at: self.arrived_at,
            left_at,
        })
    }
}

/// Metres between two points near each other: on a plane that touches the earth there (error below
/// one in a thousand for the few hundred metres that matter).
fn distance_metres(a: Position, b: Position) -> f64 {
    /// Mean radius of the earth, in metres (IUGG).
    const EARTH: f64 = 6_371_008.8;
    let radians = |e7: i32| (f64::from(e7) / 1e7).to_radians();
    let north = radians(a.latitude_e7()) - radians(b.latitude_e7());
    let turn = radians(a.longitude_e7()) - radians(b.longitude_e7());
    // The short way around, where the longitudes jump from 180 to -180.
    let east =
        (turn + std::f64::consts::PI).rem_euclid(std::f64::consts::TAU) - std::f64::consts::PI;
    EARTH * north.hypot(east * radians(b.latitude_e7()).cos())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOON: Timestamp = Timestamp::from_unix_seconds(1_795_262_400);

    fn circle() -> ShopCircle {
        ShopCircle {
            domain: ControllerId::parse("shop.example").unwrap(),
            shop: ShopCode::from_bytes([1; 4]),
            centre: Position::from_e7(457_640_000, 48_357_000).unwrap(),
            radius_metres: 50,
        }
    }

    /// So many seconds after noon, so many metres north of the shop.
    fn fix(seconds: u64, metres: i32) -> Fix {
        let latitude_e7 = metres.saturating_mul(90).saturating_add(457_640_000); // 90e-7 degrees are one metre
        Fix {
            at: NOON.plus(seconds),
            position: Position::from_e7(latitude_e7, 48_357_000).unwrap().into(),
            accuracy_metres: Some(10),
        }
    }

    fn visits(fixes: &[Fix]) -> Vec<(u64, Option<u64>)> {
        detect_visits(fixes, &[circle()], VisitRules::STANDARD)
            .iter()
            .map(|visit| {
                let after = |at: Timestamp| at.distance(NOON);
                (after(visit.arrived_at), visit.left_at.map(after))
            })
            .collect()
    }

    #[test]
    fn passing_by_is_no_visit() {
        assert_eq!(visits(&[fix(0, 200), fix(60, 10), fix(120, 10), fix(180, 200)]), []);
    }

    #[test]
    fn staying_is_one_visit_with_an_end() {
        let track =
            [fix(0, 200), fix(60, 10), fix(300, 20), fix(600, 5), fix(700, 200), fix(1000, 900)];
        assert_eq!(visits(&track), [(60, Some(600))]);
        assert_eq!(visits(&track[..4]), [(60, None)]);
    }

    #[test]
    fn noise_at_the_edge_is_not_coming_and_going() {
        let track: Vec<Fix> =
            (0..60).map(|n| fix(n * 30, if n % 2 == 0 { 45 } else { 75 })).collect();
        assert_eq!(visits(&track).len(), 1);
        let mut out_and_back: Vec<Fix> = (0..20).map(|n| fix(n * 30, 10)).collect();
        out_and_back.push(fix(620, 400));
        out_and_back.extend((22..40).map(|n| fix(n * 30, 10)));
        assert_eq!(visits(&out_and_back).len(), 1);
    }

    #[test]
    fn a_vague_fix_counts_for_nothing() {
        let vague = |seconds| Fix { accuracy_metres: Some(101), ..fix(seconds, 0) };
        assert_eq!(visits(&[vague(0), vague(300), vague(600)]), []);
    }

    #[test]
    fn silence_ends_a_visit_where_it_was_last_known() {
        let track = [fix(0, 0), fix(300, 0), fix(300 + 3601, 0), fix(300 + 3601 + 200, 0)];
        assert_eq!(visits(&track), [(0, Some(300)), (3901, None)]);
    }

    #[test]
    fn distances_are_right_and_cross_the_date_line() {
        let point = |latitude, longitude| Position::from_degrees(latitude, longitude).unwrap();
        let degree = distance_metres(point(45.0, 4.0), point(46.0, 4.0));
        assert!((degree - 111_195.0).abs() < 1.0, "{degree}");
        let across = distance_metres(point(0.0, 179.9999), point(0.0, -179.9999));
        assert!((across - 22.24).abs() < 0.01, "{across}");
    }

    proptest! {
        #[test]
        fn visits_never_overlap_and_are_long_enough(
            steps in proptest::collection::vec((1_u64..2000, -200_i32..200), 0..60)
        ) {
            let mut now: u64 = 0;
            let track: Vec<Fix> = steps
                .iter()
                .map(|(step, metres)| { now = now.saturating_add(*step); fix(now, *metres) })
                .collect();
            let found = visits(&track);
            for (arrived, left) in &found {
                prop_assert!(left.is_none_or(|left| left.saturating_sub(180) >= *arrived));
            }
            for pair in found.windows(2) {
                prop_assert!(pair[0].1.is_some_and(|left| left < pair[1].0));
            }
        }
    }
}
