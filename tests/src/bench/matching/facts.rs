//! What an agent knows, flattened once so that no peer has to search in lists for every offer.

use std::collections::{BTreeMap, BTreeSet};

use besace_protocol::{
    lang::Language,
    offer::{Category, Context, context::Wish},
    party::{ControllerId, ShopCode},
    time::{DAY_SECONDS, Timestamp},
};

/// Stands for a ceiling that was not given and for a purchase that was not made.
pub(super) const ENDLESS: i64 = i64::MAX;

/// A context in the shape of the peers' variables. What is not known is absent or [`NOTHING`]; the time
/// and the date always are.
pub(super) struct Facts {
    /// Articles wished for, at any price.
    pub(super) wished_articles: BTreeSet<String>,
    /// Categories wished for, with all that contain them, and the highest ceiling.
    pub(super) wished_categories: BTreeMap<&'static str, i64>,
    pub(super) interests: BTreeSet<&'static str>,
    /// Seconds since the last purchase in a category.
    pub(super) bought: BTreeMap<&'static str, i64>,
    /// `retailer/tier`.
    pub(super) tiers: BTreeSet<String>,
    /// Shops and the metres to them.
    pub(super) metres: BTreeMap<i64, i64>,
    /// Retailers and the weeks since the last visit.
    pub(super) absences: BTreeMap<String, i64>,
    /// Retailers that she has never visited.
    pub(super) unvisited: BTreeSet<String>,
    pub(super) minute: i64,
    pub(super) weekday: &'static str,
    pub(super) sky: &'static str,
    pub(super) degrees: Option<i64>,
    pub(super) birthday_week: bool,
}

/// What stands for a sky or a day that is not known.
pub(super) const NOTHING: &str = "unknown";

impl Facts {
    pub(super) fn of(context: &Context, now: Timestamp) -> Self {
        let mut facts = Self {
            wished_articles: BTreeSet::new(),
            wished_categories: BTreeMap::new(),
            interests: BTreeSet::new(),
            bought: BTreeMap::new(),
            tiers: BTreeSet::new(),
            metres: BTreeMap::new(),
            absences: BTreeMap::new(),
            unvisited: BTreeSet::new(),
            minute: context.local.map_or(-1, |local| local.minute().into()),
            weekday: context
                .local
                .map_or(NOTHING, |local| local.date().weekday().name(Language::En)),
            sky: context.sky.map_or(NOTHING, |sky| sky.name(Language::En)),
            degrees: context.temperature.map(i64::from),
            birthday_week: context
                .local
                .zip(context.birthday)
                .and_then(|(local, birthday)| {
                    local.date().days_from_birthday(birthday.month, birthday.day)
                })
                .is_some_and(|days| days <= 3),
        };
        context.wishes.iter().flatten().for_each(|wish| facts.add_wish(wish));
        let interests = context.interests.iter().flatten();
        facts.interests = interests.flat_map(|category| containing(*category)).collect();
        for purchase in context.purchases.iter().flat_map(|purchases| &purchases.list) {
            let age = signed(now.as_unix_seconds() - purchase.at.as_unix_seconds());
            for category in purchase.category.into_iter().flat_map(containing) {
                let known = facts.bought.entry(category).or_insert(age);
                *known = age.min(*known);
            }
        }
        facts.add_retailers(context, now);
        facts
    }

    fn add_wish(&mut self, wish: &Wish) {
        let ceiling = wish.price_at_most.map_or(ENDLESS, |money| signed(money.minor));
        self.wished_articles.extend(wish.gtin.map(|gtin| gtin.to_string()));
        for category in wish.category.into_iter().flat_map(containing) {
            let known = self.wished_categories.entry(category).or_insert(ceiling);
            *known = ceiling.max(*known);
        }
    }

    fn add_retailers(&mut self, context: &Context, now: Timestamp) {
        for (domain, retailer) in &context.retailers {
            for tier in retailer.tiers.iter().flatten() {
                self.tiers.insert(card(domain, tier.as_str()));
            }
            for (code, shop) in &retailer.shops {
                let metres = shop.metres.map(i64::from);
                self.metres.extend(metres.map(|metres| (shop_number(*code), metres)));
            }
            match retailer.visits.map(|visits| visits.last) {
                Some(Some(last)) => {
                    let age = now.as_unix_seconds() - last.as_unix_seconds();
                    let weeks = signed(age / (7 * DAY_SECONDS));
                    self.absences.insert(domain.to_string(), weeks);
                }
                Some(None) => {
                    self.unvisited.insert(domain.to_string());
                }
                None => {}
            }
        }
    }
}

/// A card of a retailer, as the peers spell it.
pub(super) fn card(domain: &ControllerId, tier: &str) -> String {
    format!("{domain}/{tier}")
}

/// A shop, as the peers spell it.
pub(super) fn shop_number(code: ShopCode) -> i64 {
    u32::from_be_bytes(*code.as_bytes()).into()
}

/// A number as the peers take it.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(ENDLESS)
}

/// A category and those that contain it.
fn containing(category: Category) -> impl Iterator<Item = &'static str> {
    let wider = Category::ALL.iter().filter(move |wider| category.is_within(**wider));
    wider.map(|wider| wider.as_str())
}
