//! The closed list of what a condition may ask, and which knowledge each question uses.

use serde::{Deserialize, Serialize};

use super::{
    calendar::{DAY_MINUTES, Sales, Season, Weekday, closed},
    category::Category,
    condition::Choices,
    gtin::Gtin,
    text::Tier,
};
use crate::{money::Money, party::ShopCode};

/// Least distance that a condition may ask for, in metres: closer than this says where a home is.
pub const NEAR_METRES_MIN: u32 = 300;

/// Greatest distance that a condition may ask for, in metres.
pub const NEAR_METRES_MAX: u32 = 50_000;

closed! {
    /// What falls from the sky, or does not.
    Sky {
        Sun: "le soleil", "sunshine";
        Cloud: "le ciel couvert", "cloud";
        Fog: "le brouillard", "fog";
        Wind: "le vent", "wind";
        Rain: "la pluie", "rain";
        Storm: "l'orage", "thunder";
        Snow: "la neige", "snow";
    }

    /// Which knowledge of the agent a question uses; it stays there.
    Uses {
        Wishes: "vos souhaits", "your wishes";
        Interests: "vos centres d'intérêt", "your interests";
        Purchases: "vos achats", "your purchases";
        Tier: "votre statut de fidélité", "your loyalty tier";
        Place: "votre distance aux boutiques", "your distance from the shops";
        Arrival: "votre arrivée en boutique", "your arrival in a shop";
        Visits: "vos visites", "your visits";
        Birthday: "votre anniversaire", "your birthday";
        Household: "votre foyer", "your household";
        Basket: "votre panier", "your basket";
        Weather: "le temps près de vous", "the weather near you";
        Clock: "l'heure et la date", "the time and the date";
        Offer: "l'offre elle-même", "the offer itself";
    }
}

impl Uses {
    /// Whether the answer depends on the person rather than on the world or on the offer.
    pub const fn is_about_a_person(self) -> bool {
        !matches!(self, Self::Weather | Self::Clock | Self::Offer)
    }
}

/// One typed question about what the agent knows. `spec/offers.md#predicates`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Predicate {
    /// A wish names one of these articles, and its ceiling, if it has one, is not below the price.
    WishGtin {
        /// The articles.
        gtins: Choices<Gtin>,
    },
    /// A wish is filed in one of these categories, and its ceiling, if any, is not below the price.
    WishCategory {
        /// The categories, with what they contain.
        categories: Choices<Category>,
    },
    /// A wish for this very article or category has a ceiling, and the price respects it.
    WishPrice,
    /// She takes an interest in one of these categories.
    Interest {
        /// The categories, with what they contain.
        categories: Choices<Category>,
    },
    /// She bought something of one of these categories lately.
    Bought {
        /// The categories, with what they contain.
        categories: Choices<Category>,
        /// How far back, in days, 1 to 730.
        within_days: u16,
    },
    /// Her card with this retailer has one of these tiers.
    Tier {
        /// The tiers.
        tiers: Choices<Tier>,
    },
    /// She is within some distance of one of these shops.
    Near {
        /// The distance, in metres, 300 to 50,000.
        metres: u32,
        /// Shops of this retailer.
        shops: Choices<ShopCode>,
    },
    /// She is in one of these shops: her phone has just heard it, or knows that she stays there.
    Arrival {
        /// Shops of this retailer.
        shops: Choices<ShopCode>,
    },
    /// The local time is in `from..to`; a range that ends before it starts goes over midnight.
    TimeOfDay {
        /// First minute of the day, 0 to 1439.
        from: u16,
        /// First minute no longer in it, 0 to 1439.
        to: u16,
    },
    /// The local day is one of these.
    Weekday {
        /// The days.
        days: Choices<Weekday>,
    },
    /// The local date is in one of these seasons.
    Season {
        /// The seasons.
        seasons: Choices<Season>,
    },
    /// The local date is in one of these periods.
    Sales {
        /// The periods.
        periods: Choices<Sales>,
    },
    /// The sky near her is one of these.
    Weather {
        /// The skies.
        skies: Choices<Sky>,
    },
    /// The temperature near her lies between two bounds, both included.
    Temperature {
        /// Degrees Celsius, -40 to 50.
        at_least: i8,
        /// Degrees Celsius, -40 to 50.
        at_most: i8,
    },
    /// Her birthday is at most three days ago or ahead.
    BirthdayWeek,
    /// How many people live in her home lies between two bounds, both included.
    Household {
        /// People, 1 to 12.
        at_least: u8,
        /// People, 1 to 12.
        at_most: u8,
    },
    /// Her basket holds something of one of these categories.
    BasketCategory {
        /// The categories, with what they contain.
        categories: Choices<Category>,
    },
    /// Her basket comes to at least so much.
    BasketTotal {
        /// The amount.
        at_least: Money,
    },
    /// The price is lower than the prior price by at least so much.
    PriceDrop {
        /// Hundredths of the prior price, 1 to 90.
        percent_at_least: u8,
    },
    /// Her agent knows no earlier visit to this retailer.
    FirstVisit,
    /// Her last visit to this retailer is at least so long ago.
    Lapsed {
        /// Weeks, 1 to 520.
        weeks_at_least: u16,
    },
}

impl Predicate {
    /// Which knowledge it uses.
    pub const fn uses(&self) -> Uses {
        match self {
            Self::WishGtin { .. } | Self::WishCategory { .. } | Self::WishPrice => Uses::Wishes,
            Self::Interest { .. } => Uses::Interests,
            Self::Bought { .. } => Uses::Purchases,
            Self::Tier { .. } => Uses::Tier,
            Self::Near { .. } => Uses::Place,
            Self::Arrival { .. } => Uses::Arrival,
            Self::TimeOfDay { .. }
            | Self::Weekday { .. }
            | Self::Season { .. }
            | Self::Sales { .. } => Uses::Clock,
            Self::Weather { .. } | Self::Temperature { .. } => Uses::Weather,
            Self::BirthdayWeek => Uses::Birthday,
            Self::Household { .. } => Uses::Household,
            Self::BasketCategory { .. } | Self::BasketTotal { .. } => Uses::Basket,
            Self::PriceDrop { .. } => Uses::Offer,
            Self::FirstVisit | Self::Lapsed { .. } => Uses::Visits,
        }
    }

    /// The categories it names.
    pub fn categories(&self) -> &[Category] {
        match self {
            Self::WishCategory { categories }
            | Self::Interest { categories }
            | Self::Bought { categories, .. }
            | Self::BasketCategory { categories } => categories.as_slice(),
            _ => &[],
        }
    }

    /// The shops it names.
    pub fn shops(&self) -> &[ShopCode] {
        match self {
            Self::Near { shops, .. } | Self::Arrival { shops } => shops.as_slice(),
            _ => &[],
        }
    }

    /// Whether its numbers lie within the bounds that its documentation gives.
    pub(super) fn is_within_bounds(&self) -> bool {
        match self {
            Self::Bought { within_days, .. } => (1..=730).contains(within_days),
            Self::Near { metres, .. } => (NEAR_METRES_MIN..=NEAR_METRES_MAX).contains(metres),
            Self::TimeOfDay { from, to } => *from < DAY_MINUTES && *to < DAY_MINUTES && from != to,
            Self::Temperature { at_least, at_most } => {
                -40 <= *at_least && at_least <= at_most && *at_most <= 50
            }
            Self::Household { at_least, at_most } => {
                1 <= *at_least && at_least <= at_most && *at_most <= 12
            }
            Self::PriceDrop { percent_at_least } => (1..=90).contains(percent_at_least),
            Self::Lapsed { weeks_at_least } => (1..=520).contains(weeks_at_least),
            Self::WishGtin { .. }
            | Self::WishCategory { .. }
            | Self::WishPrice
            | Self::Interest { .. }
            | Self::Tier { .. }
            | Self::Arrival { .. }
            | Self::Weekday { .. }
            | Self::Season { .. }
            | Self::Sales { .. }
            | Self::Weather { .. }
            | Self::BirthdayWeek
            | Self::BasketCategory { .. }
            | Self::BasketTotal { .. }
            | Self::FirstVisit => true,
        }
    }
}
