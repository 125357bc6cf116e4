//! The mirror: what could be guessed from what is asked, which is more than what it says. `spec/mirror.md`.

use alloc::{collections::BTreeSet, vec::Vec};

use serde::{Deserialize, Serialize};

use super::Terms;
use crate::{
    party::{Shop, ShopKind},
    purpose::{DataCategory, Granularity},
};

/// Something about a person that nobody told, and that could be guessed. The order is the one in which it is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Guess {
    /// When she is out in the day.
    Hours,
    /// How long she stays.
    Stay,
    /// Which days she is free.
    Days,
    /// How regularly she comes.
    Rhythm,
    /// The area she lives in.
    Area,
    /// Whether she lives or works next door.
    Nearby,
    /// How many live with her.
    Household,
    /// Whether she is rather a woman or a man.
    Gender,
    /// Whether she has a child, or expects one.
    Child,
    /// Whether she has a pet.
    Pet,
    /// What she does in her free time.
    Leisure,
    /// How often she eats out.
    Outings,
    /// How much she drinks.
    Drinking,
    /// Whether she moves, or has her home done up.
    Works,
    /// What she can afford.
    Means,
    /// Her age or where her family comes from, by her name.
    Origin,
    /// What occupies her these days.
    Mind,
    /// How her household lives, by what it buys.
    Basket,
}

impl Guess {
    /// Everything that there are words for.
    pub const ALL: &'static [Self] = &[
        Self::Hours,
        Self::Stay,
        Self::Days,
        Self::Rhythm,
        Self::Area,
        Self::Nearby,
        Self::Household,
        Self::Gender,
        Self::Child,
        Self::Pet,
        Self::Leisure,
        Self::Outings,
        Self::Drinking,
        Self::Works,
        Self::Means,
        Self::Origin,
        Self::Mind,
        Self::Basket,
    ];

    /// As it stands in JSON and in the names of its words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hours => "hours",
            Self::Stay => "stay",
            Self::Days => "days",
            Self::Rhythm => "rhythm",
            Self::Area => "area",
            Self::Nearby => "nearby",
            Self::Household => "household",
            Self::Gender => "gender",
            Self::Child => "child",
            Self::Pet => "pet",
            Self::Leisure => "leisure",
            Self::Outings => "outings",
            Self::Drinking => "drinking",
            Self::Works => "works",
            Self::Means => "means",
            Self::Origin => "origin",
            Self::Mind => "mind",
            Self::Basket => "basket",
        }
    }
}

/// Why nobody can say what could be guessed. Such a request is neither published nor shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MirrorError {
    /// A shop of the terms is not in the manifest, or does not say of what kind it is.
    #[error("a shop does not say of what kind it is")]
    Unknown,
    /// Going there tells what GDPR art. 9 protects. That has no price, so it is not asked for.
    #[error("visits to a shop of this kind tell what has no price (GDPR art. 9)")]
    Special,
}

/// What could be guessed of who gives `terms` to the retailer of `shops`, in the order in which it is said.
///
/// Empty where nothing can be guessed beyond what the terms say.
pub fn guesses(shops: &[Shop], terms: &Terms) -> Result<Vec<Guess>, MirrorError> {
    let mut kinds = BTreeSet::new();
    for code in &terms.shops {
        let shop = shops.iter().find(|shop| shop.code == *code);
        kinds.insert(shop.and_then(|shop| shop.kind).ok_or(MirrorError::Unknown)?);
    }
    if kinds.iter().any(|kind| kind.is_special()) {
        return Err(MirrorError::Special);
    }
    let mut guesses = BTreeSet::new();
    for (category, granularity) in &terms.categories {
        match category {
            DataCategory::Presence => {
                guesses.extend(of_times(*granularity, terms));
                // A visit in a month is hardly a habit.
                if *granularity > Granularity::Month {
                    guesses.extend(kinds.iter().filter_map(|kind| of_kind(*kind)));
                }
            }
            // How she wants to be served is what it says.
            DataCategory::AnswerAdvice => {}
            DataCategory::AnswerMoment => {
                guesses.insert(Guess::Days);
            }
            DataCategory::AnswerReach => {
                guesses.insert(Guess::Area);
            }
            DataCategory::AnswerVisits => {
                guesses.insert(Guess::Rhythm);
                guesses.extend(kinds.iter().filter_map(|kind| of_kind(*kind)));
            }
            DataCategory::ChosenName => {
                guesses.insert(Guess::Origin);
            }
            DataCategory::Feedback | DataCategory::FeedbackWords | DataCategory::GreetingTopics => {
                guesses.insert(Guess::Mind);
            }
            DataCategory::WishDetail | DataCategory::WishKind => {
                guesses.extend([Guess::Means, Guess::Mind]);
            }
            // The shop knows the basket of its own receipt, whose it was not; and when she came.
            DataCategory::ReceiptTotals => {
                guesses.extend([Guess::Means, Guess::Basket]);
            }
            DataCategory::Receipts => {
                guesses.insert(Guess::Basket);
                guesses.extend(of_times((*granularity).min(Granularity::Day), terms));
                guesses.extend(kinds.iter().filter_map(|kind| of_kind(*kind)));
            }
            // The till knows the basket beside which she answers.
            DataCategory::TillAnswers => {
                guesses.insert(Guess::Basket);
                guesses.extend(kinds.iter().filter_map(|kind| of_kind(*kind)));
            }
        }
    }
    Ok(guesses.into_iter().collect())
}

/// What the moments of visits tell.
fn of_times(granularity: Granularity, terms: &Terms) -> impl Iterator<Item = Guess> {
    let moment = match granularity {
        Granularity::Month => None,
        Granularity::Week => Some(Guess::Rhythm),
        Granularity::Day => Some(Guess::Days),
        Granularity::Exact => Some(Guess::Hours),
    };
    // Two moments of one day are a coming and a going.
    let stay = granularity == Granularity::Exact && terms.frequency_per_day > 1;
    let area = granularity > Granularity::Month && terms.shops.len() > 1;
    [moment, stay.then_some(Guess::Stay), area.then_some(Guess::Area)].into_iter().flatten()
}

/// What going to such a shop again and again tells.
const fn of_kind(kind: ShopKind) -> Option<Guess> {
    match kind {
        ShopKind::Bakery => Some(Guess::Nearby),
        ShopKind::Grocery => Some(Guess::Household),
        ShopKind::Clothing | ShopKind::Beauty => Some(Guess::Gender),
        ShopKind::Children => Some(Guess::Child),
        ShopKind::Pets => Some(Guess::Pet),
        ShopKind::Books | ShopKind::Sports | ShopKind::Garden => Some(Guess::Leisure),
        ShopKind::Restaurant => Some(Guess::Outings),
        ShopKind::Drinks => Some(Guess::Drinking),
        ShopKind::Hardware | ShopKind::Furniture => Some(Guess::Works),
        ShopKind::Jewellery | ShopKind::Electronics => Some(Guess::Means),
        // Everything is sold there; and of the others nothing is said.
        ShopKind::DepartmentStore
        | ShopKind::Health
        | ShopKind::Faith
        | ShopKind::Intimate
        | ShopKind::Politics => None,
    }
}

#[cfg(test)]
mod tests {
    use alloc::{collections::BTreeMap, string::String, vec};

    use super::*;
    use crate::{consent::sample, party::ShopCode, purpose::Purpose};

    fn shops(kinds: &[Option<ShopKind>]) -> Vec<Shop> {
        let shop = |(kind, n): (&Option<ShopKind>, u8)| Shop {
            code: ShopCode::from_bytes([0, 0, 0, n]),
            kind: *kind,
            latitude_e7: 0,
            longitude_e7: 0,
            name: String::new(),
            radius_metres: 60,
            scope: String::new(),
            till_keys: vec![],
        };
        kinds.iter().zip(1..).map(shop).collect()
    }

    fn presence(granularity: Granularity, frequency: u16, shops: &[Shop]) -> Terms {
        Terms {
            categories: BTreeMap::from([(DataCategory::Presence, granularity)]),
            frequency_per_day: frequency,
            shops: shops.iter().map(|shop| shop.code).collect(),
            ..sample::terms()
        }
    }

    #[test]
    fn a_month_hides_what_a_moment_tells() {
        let shops = shops(&[Some(ShopKind::Children)]);
        let of = |granularity, frequency| {
            guesses(&shops, &presence(granularity, frequency, &shops)).unwrap()
        };
        assert_eq!(of(Granularity::Exact, 2), [Guess::Hours, Guess::Stay, Guess::Child]);
        assert_eq!(of(Granularity::Exact, 1), [Guess::Hours, Guess::Child]);
        assert_eq!(of(Granularity::Day, 2), [Guess::Days, Guess::Child]);
        assert_eq!(of(Granularity::Week, 2), [Guess::Rhythm, Guess::Child]);
        assert_eq!(of(Granularity::Month, 2), []);
    }

    #[test]
    fn several_shops_tell_the_area_and_what_each_of_them_sells() {
        let shops = shops(&[Some(ShopKind::Bakery), Some(ShopKind::Pets)]);
        let of = |granularity| guesses(&shops, &presence(granularity, 1, &shops)).unwrap();
        assert_eq!(of(Granularity::Week), [Guess::Rhythm, Guess::Area, Guess::Nearby, Guess::Pet]);
        assert_eq!(of(Granularity::Month), []);
    }

    #[test]
    fn a_name_topics_a_wish_and_a_till_tell_more_than_they_say() {
        let shops = shops(&[Some(ShopKind::Grocery)]);
        let of = |categories| {
            let terms = presence(Granularity::Exact, 1, &shops);
            guesses(&shops, &Terms { categories, ..terms }).unwrap()
        };
        let name = (DataCategory::ChosenName, Granularity::Exact);
        let topics = (DataCategory::GreetingTopics, Granularity::Exact);
        let till = (DataCategory::TillAnswers, Granularity::Exact);
        assert_eq!(of(BTreeMap::from([name, topics])), [Guess::Origin, Guess::Mind]);
        assert_eq!(of(BTreeMap::from([till])), [Guess::Household, Guess::Basket]);
        let wish = (DataCategory::WishKind, Granularity::Exact);
        assert_eq!(of(BTreeMap::from([wish])), [Guess::Means, Guess::Mind]);
        let answers = |asked: &[DataCategory]| {
            of(asked.iter().map(|category| (*category, Granularity::Exact)).collect())
        };
        assert_eq!(answers(&[DataCategory::AnswerAdvice]), []);
        assert_eq!(answers(Purpose::Feedback.categories()), [Guess::Mind]);
        let receipts = (DataCategory::Receipts, Granularity::Month);
        let bought = [Guess::Household, Guess::Basket];
        assert_eq!(of(BTreeMap::from([receipts])), bought);
        let days = [Guess::Days, Guess::Household, Guess::Means, Guess::Basket];
        assert_eq!(answers(Purpose::Receipts.categories()), days);
        assert_eq!(
            answers(Purpose::Answers.categories()),
            [Guess::Days, Guess::Rhythm, Guess::Area, Guess::Household]
        );
    }

    #[test]
    fn where_nobody_can_say_what_could_be_guessed_nothing_is_asked() {
        let known = Some(ShopKind::Grocery);
        let of = |shops: &[Shop]| guesses(shops, &presence(Granularity::Month, 1, shops));
        assert_eq!(of(&shops(&[known, None])), Err(MirrorError::Unknown));
        let stranger = Terms {
            shops: vec![ShopCode::from_bytes([9; 4])],
            ..presence(Granularity::Month, 1, &shops(&[known]))
        };
        assert_eq!(guesses(&shops(&[known]), &stranger), Err(MirrorError::Unknown));
        for kind in ShopKind::ALL.iter().filter(|kind| kind.is_special()) {
            assert_eq!(of(&shops(&[known, Some(*kind)])), Err(MirrorError::Special), "{kind:?}");
        }
    }

    #[test]
    fn every_guess_can_be_made() {
        let mut made = BTreeSet::new();
        for kind in ShopKind::ALL.iter().filter(|kind| !kind.is_special()) {
            let shops = shops(&[Some(*kind), Some(*kind)]);
            for granularity in
                [Granularity::Week, Granularity::Day, Granularity::Exact, Granularity::Month]
            {
                let mut terms = presence(granularity, 2, &shops);
                for category in [
                    DataCategory::ChosenName,
                    DataCategory::GreetingTopics,
                    DataCategory::TillAnswers,
                ] {
                    terms.categories.insert(category, granularity);
                }
                made.extend(guesses(&shops, &terms).unwrap());
            }
        }
        assert!(made.into_iter().eq(Guess::ALL.iter().copied()));
    }
}
