//! What cannot match, found without reading the offer.
//!
//! The conditions of a catalogue side by side in a few bytes each. A sieve holds back only what surely
//! does not match; what falls through is looked at closely by the evaluator, which alone decides.

use alloc::{collections::BTreeMap, vec, vec::Vec};
use core::fmt;

use super::{
    Offer,
    calendar::{LocalTime, Sales, Season, Weekday},
    category::Category,
    condition::{Choices, Clause, Literal},
    context::{Context, RetailerFacts},
    gtin::Gtin,
    predicate::{Predicate, Sky},
    text::Tier,
};
use crate::{
    party::ShopCode,
    time::{DAY_SECONDS, Timestamp},
};

/// The conditions of the offers of one catalogue.
#[derive(Clone, Debug, Default)]
pub(super) struct Sieve {
    offers: Vec<Mesh>,
    checks: Vec<Check>,
    /// Lists of the checks: articles, categories, and positions in `shops` and `tiers`.
    gtins: Vec<Gtin>,
    categories: Vec<Category>,
    positions: Vec<u16>,
    shops: Vec<ShopCode>,
    tiers: Vec<Tier>,
}

/// One offer: when it stands, and where its checks are.
#[derive(Clone, Copy, Debug)]
struct Mesh {
    not_before: Timestamp,
    not_after: Timestamp,
    checks: List,
}

/// A piece of one of the lists.
#[derive(Clone, Copy, Debug)]
struct List {
    first: u32,
    count: u16,
}

/// One literal.
#[derive(Clone, Copy, Debug)]
struct Check {
    test: Test,
    positive: bool,
    /// Whether it is the last of its clause.
    ends_clause: bool,
}

/// What must be so for a literal to hold, as far as it can be said without the offer.
#[derive(Clone, Copy, Debug)]
enum Test {
    Never,
    WishGtin(List),
    WishCategory(List),
    Interest(List),
    Bought(List),
    Basket(List),
    Tier(List),
    Near { metres: u32, shops: List },
    Arrival(List),
    TimeOfDay { from: u16, to: u16 },
    Weekday(Set),
    Season(Set),
    Sales(Set),
    Weather(Set),
    Temperature { at_least: i8, at_most: i8 },
    BirthdayWeek,
    Household { at_least: u8, at_most: u8 },
    FirstVisit,
    Lapsed { weeks_at_least: u16 },
}

/// Values of a closed list of at most eight.
#[derive(Clone, Copy, Debug)]
struct Set(u8);

impl Set {
    fn of<T: Copy + PartialEq>(all: &[T], is_member: impl Fn(T) -> bool) -> Self {
        let bits = all.iter().zip(0_u32..).filter(|(value, _)| is_member(**value));
        Self(bits.fold(0, |set, (_, bit)| set | 1_u8.checked_shl(bit).unwrap_or(0)))
    }

    const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl Sieve {
    pub(super) fn of(offers: &[Offer]) -> Self {
        let (mut sieve, mut known) = (Self::default(), Known::default());
        for offer in offers {
            let first = sieve.checks.len();
            for clause in offer.conditions().clauses() {
                sieve.add_clause(offer, clause, &mut known);
            }
            let validity = offer.validity();
            sieve.offers.push(Mesh {
                not_before: validity.not_before,
                not_after: validity.not_after,
                checks: List::since(first, sieve.checks.len()),
            });
        }
        sieve
    }

    /// The positions of the offers that may match, in their order.
    pub(super) fn fall_through(
        &self,
        sketch: &Sketch,
        retailer: Option<&RetailerFacts>,
        now: Timestamp,
    ) -> impl Iterator<Item = usize> {
        let facts = self.facts(retailer, now);
        let positions = self.offers.iter().enumerate().filter(move |(_, mesh)| {
            let stands = mesh.not_before <= now && now < mesh.not_after;
            stands && self.lets_through(mesh.checks, sketch, &facts)
        });
        positions.map(|(position, _)| position)
    }

    fn lets_through(&self, checks: List, sketch: &Sketch, facts: &Facts) -> bool {
        let mut holds = false;
        for check in checks.of(&self.checks) {
            holds = holds
                || self.answer(check.test, sketch, facts).is_some_and(|is| is == check.positive);
            if check.ends_clause && !core::mem::take(&mut holds) {
                return false;
            }
        }
        true
    }

    /// Whether a test holds; nothing where that is not known.
    fn answer(&self, test: Test, sketch: &Sketch, facts: &Facts) -> Option<bool> {
        let meets = |list: List, set: &CategorySet| {
            Some(list.of(&self.categories).iter().any(|category| set.contains(*category)))
        };
        let any = |list: List, holds: &dyn Fn(usize) -> bool| {
            Some(list.of(&self.positions).iter().any(|position| holds(usize::from(*position))))
        };
        match test {
            Test::Never => Some(false),
            Test::WishGtin(list) => {
                Some(list.of(&self.gtins).iter().any(|gtin| sketch.wished_articles.contains(gtin)))
            }
            Test::WishCategory(list) => meets(list, &sketch.wished),
            Test::Interest(list) => meets(list, &sketch.interests),
            Test::Bought(list) => meets(list, &sketch.bought),
            Test::Basket(list) => meets(list, &sketch.basket),
            Test::Tier(list) => any(list, &|at| facts.tiers.get(at).copied().unwrap_or(false)),
            Test::Near { metres, shops } => any(shops, &|at| {
                facts.shops.get(at).is_some_and(|shop| shop.0.is_some_and(|away| away <= metres))
            }),
            Test::Arrival(list) => any(list, &|at| facts.shops.get(at).is_some_and(|shop| shop.1)),
            Test::TimeOfDay { from, to } => sketch.local.map(|local| {
                let (after, before) = (local.minute() >= from, local.minute() < to);
                if from < to { after && before } else { after || before }
            }),
            Test::Weekday(days) => sketch.weekday.map(|day| days.meets(day)),
            Test::Season(seasons) => sketch.season.map(|season| seasons.meets(season)),
            Test::Sales(periods) => sketch.sales.map(|sales| periods.meets(sales)),
            Test::Weather(skies) => sketch.sky.map(|sky| skies.meets(sky)),
            Test::Temperature { at_least, at_most } => {
                sketch.temperature.map(|degrees| (at_least..=at_most).contains(&degrees))
            }
            Test::BirthdayWeek => sketch.birthday_week,
            Test::Household { at_least, at_most } => {
                sketch.household.map(|people| (at_least..=at_most).contains(&people))
            }
            Test::FirstVisit => facts.is_first_visit,
            Test::Lapsed { weeks_at_least } => {
                Some(facts.weeks_away.is_some_and(|weeks| weeks >= u64::from(weeks_at_least)))
            }
        }
    }

    /// What is known about this retailer, in the order of the sieve's own lists.
    fn facts(&self, retailer: Option<&RetailerFacts>, now: Timestamp) -> Facts {
        let shop = |code: &ShopCode| {
            let shop = retailer.and_then(|retailer| retailer.shops.get(code));
            shop.map_or((None, false), |shop| (shop.metres, shop.heard == Some(true)))
        };
        let held = retailer.and_then(|retailer| retailer.tiers.as_ref());
        let visits = retailer.and_then(|retailer| retailer.visits);
        let seconds_away = visits
            .and_then(|visits| visits.last)
            .map(|last| now.as_unix_seconds().saturating_sub(last.as_unix_seconds()));
        Facts {
            shops: self.shops.iter().map(shop).collect(),
            tiers: self
                .tiers
                .iter()
                .map(|tier| held.is_some_and(|held| held.contains(tier)))
                .collect(),
            is_first_visit: visits.map(|visits| visits.last.is_none()),
            weeks_away: seconds_away.map(|seconds| seconds / (7 * DAY_SECONDS)),
        }
    }

    /// Adds the checks of a clause, or none if it may hold for a reason that is not checked here.
    fn add_clause(&mut self, offer: &Offer, clause: &Clause, known: &mut Known) {
        let first = self.checks.len();
        for literal in clause.literals() {
            let price_drop = match literal.predicate() {
                Predicate::PriceDrop { percent_at_least } => {
                    offer.price_drop_percent().map(|percent| percent >= *percent_at_least)
                }
                _ => None,
            };
            let positive = literal.is_positive();
            let test = match (literal, price_drop) {
                (_, Some(holds)) if holds == positive => None, // it holds, whoever asks
                (_, Some(_)) => Some(Test::Never),
                (Literal::Holds(predicate), None) => self.test(predicate, known),
                (Literal::Fails(predicate), None) if is_exact(predicate) => {
                    self.test(predicate, known)
                }
                (Literal::Fails(_), None) => None,
            };
            let Some(test) = test else {
                self.checks.truncate(first);
                return;
            };
            let positive = positive || matches!(test, Test::Never);
            self.checks.push(Check { test, positive, ends_clause: false });
        }
        if let Some(last) = self.checks.last_mut() {
            last.ends_clause = true;
        }
    }

    fn test(&mut self, predicate: &Predicate, known: &mut Known) -> Option<Test> {
        Some(match predicate {
            Predicate::WishGtin { gtins } => Test::WishGtin(List::add(&mut self.gtins, gtins)),
            Predicate::WishCategory { categories } => Test::WishCategory(self.add(categories)),
            Predicate::Interest { categories } => Test::Interest(self.add(categories)),
            Predicate::Bought { categories, .. } => Test::Bought(self.add(categories)),
            Predicate::BasketCategory { categories } => Test::Basket(self.add(categories)),
            Predicate::Tier { tiers } => Test::Tier(List::positions(
                &mut self.positions,
                &mut self.tiers,
                &mut known.tiers,
                tiers.as_slice(),
            )?),
            Predicate::Near { metres, shops } => {
                Test::Near { metres: *metres, shops: self.add_shops(shops, known)? }
            }
            Predicate::Arrival { shops } => Test::Arrival(self.add_shops(shops, known)?),
            Predicate::TimeOfDay { from, to } => Test::TimeOfDay { from: *from, to: *to },
            Predicate::Weekday { days } => {
                Test::Weekday(Set::of(Weekday::ALL, |day| days.contains(&day)))
            }
            Predicate::Season { seasons } => {
                Test::Season(Set::of(Season::ALL, |season| seasons.contains(&season)))
            }
            Predicate::Sales { periods } => {
                Test::Sales(Set::of(Sales::ALL, |period| periods.contains(&period)))
            }
            Predicate::Weather { skies } => {
                Test::Weather(Set::of(Sky::ALL, |sky| skies.contains(&sky)))
            }
            Predicate::Temperature { at_least, at_most } => {
                Test::Temperature { at_least: *at_least, at_most: *at_most }
            }
            Predicate::BirthdayWeek => Test::BirthdayWeek,
            Predicate::Household { at_least, at_most } => {
                Test::Household { at_least: *at_least, at_most: *at_most }
            }
            Predicate::FirstVisit => Test::FirstVisit,
            Predicate::Lapsed { weeks_at_least } => {
                Test::Lapsed { weeks_at_least: *weeks_at_least }
            }
            Predicate::WishPrice | Predicate::BasketTotal { .. } | Predicate::PriceDrop { .. } => {
                return None;
            }
        })
    }

    fn add(&mut self, categories: &Choices<Category>) -> List {
        List::add(&mut self.categories, categories)
    }

    fn add_shops(&mut self, shops: &Choices<ShopCode>, known: &mut Known) -> Option<List> {
        let Self { positions, shops: all, .. } = self;
        List::positions(positions, all, &mut known.shops, shops.as_slice())
    }
}

/// Whether a test says exactly what its predicate asks, so that its contrary can be tested as well.
const fn is_exact(predicate: &Predicate) -> bool {
    matches!(
        predicate,
        Predicate::TimeOfDay { .. }
            | Predicate::Weekday { .. }
            | Predicate::Season { .. }
            | Predicate::Sales { .. }
            | Predicate::Weather { .. }
            | Predicate::Temperature { .. }
            | Predicate::BirthdayWeek
            | Predicate::Household { .. }
            | Predicate::FirstVisit
    )
}

/// Where shops and tiers stand in the lists of a sieve that is being made.
#[derive(Default)]
struct Known {
    shops: BTreeMap<ShopCode, u16>,
    tiers: BTreeMap<Tier, u16>,
}

impl List {
    fn since(first: usize, end: usize) -> Self {
        let count = u16::try_from(end.saturating_sub(first)).unwrap_or(u16::MAX);
        Self { first: u32::try_from(first).unwrap_or(u32::MAX), count }
    }

    fn add<T: Copy + Ord>(all: &mut Vec<T>, choices: &Choices<T>) -> Self {
        let first = all.len();
        all.extend_from_slice(choices.as_slice());
        Self::since(first, all.len())
    }

    /// A list of positions in `values`, where each value stands once; none if there are too many.
    fn positions<T: Clone + Ord>(
        all: &mut Vec<u16>,
        values: &mut Vec<T>,
        known: &mut BTreeMap<T, u16>,
        choices: &[T],
    ) -> Option<Self> {
        let first = all.len();
        for choice in choices {
            let position = if let Some(position) = known.get(choice) {
                *position
            } else {
                let position = u16::try_from(values.len()).ok()?;
                values.push(choice.clone());
                known.insert(choice.clone(), position);
                position
            };
            all.push(position);
        }
        Some(Self::since(first, all.len()))
    }

    fn of<T>(self, all: &[T]) -> &[T] {
        let first = usize::try_from(self.first).unwrap_or(usize::MAX);
        let end = first.saturating_add(usize::from(self.count));
        all.get(first..end).unwrap_or_default()
    }
}

/// A context in the shape that a sieve asks for: made once, for every catalogue.
pub(super) struct Sketch {
    wished_articles: Vec<Gtin>,
    wished: CategorySet,
    interests: CategorySet,
    bought: CategorySet,
    basket: CategorySet,
    local: Option<LocalTime>,
    weekday: Option<Set>,
    season: Option<Set>,
    sales: Option<Set>,
    sky: Option<Set>,
    temperature: Option<i8>,
    birthday_week: Option<bool>,
    household: Option<u8>,
}

impl Sketch {
    pub(super) fn of(context: &Context) -> Self {
        let wishes = context.wishes.iter().flatten();
        let visible = wishes.filter(|wish| !wish.category.is_some_and(Category::is_sensitive));
        let purchases = context.purchases.iter().flat_map(|purchases| &purchases.list);
        let date = context.local.map(LocalTime::date);
        Self {
            wished_articles: visible.clone().filter_map(|wish| wish.gtin).collect(),
            wished: visible.filter_map(|wish| wish.category).collect(),
            interests: context.interests.iter().flatten().copied().collect(),
            bought: purchases.filter_map(|purchase| purchase.category).collect(),
            basket: context.basket.iter().flatten().copied().collect(),
            local: context.local,
            weekday: date.map(|date| Set::of(Weekday::ALL, |day| day == date.weekday())),
            season: date.map(|date| Set::of(Season::ALL, |season| season == date.season())),
            sales: date.map(|date| Set::of(Sales::ALL, |period| date.is_in(period))),
            sky: context.sky.map(|known| Set::of(Sky::ALL, |sky| sky == known)),
            temperature: context.temperature,
            birthday_week: date.zip(context.birthday).and_then(|(date, birthday)| {
                date.days_from_birthday(birthday.month, birthday.day).map(|days| days <= 3)
            }),
            household: context.household,
        }
    }
}

impl fmt::Debug for Sketch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sketch([private])")
    }
}

/// What is known about one retailer.
struct Facts {
    /// Metres, and whether a frame was just heard.
    shops: Vec<(Option<u32>, bool)>,
    tiers: Vec<bool>,
    is_first_visit: Option<bool>,
    weeks_away: Option<u64>,
}

/// Categories with all that contain them; sensitive ones are invisible.
struct CategorySet(Vec<bool>);

impl CategorySet {
    fn contains(&self, category: Category) -> bool {
        self.0.get(category as usize).copied().unwrap_or(false)
    }
}

impl FromIterator<Category> for CategorySet {
    fn from_iter<I: IntoIterator<Item = Category>>(categories: I) -> Self {
        let mut set = vec![false; Category::ALL.len()];
        let mut seen = set.clone();
        for category in categories {
            // Of thousands of purchases, most are of a category that was seen before.
            let is_new =
                seen.get_mut(category as usize).is_some_and(|seen| !core::mem::replace(seen, true));
            if is_new && !category.is_sensitive() {
                for (is_in, wider) in set.iter_mut().zip(Category::ALL) {
                    *is_in |= category.is_within(*wider);
                }
            }
        }
        Self(set)
    }
}
