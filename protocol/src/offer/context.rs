//! What the agent knows when it matches. It never leaves the agent; `None` means "not known".

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    vec::Vec,
};
use core::fmt;

use super::{calendar::LocalTime, category::Category, gtin::Gtin, predicate::Sky, text::Tier};
use crate::{
    money::Money,
    party::{ControllerId, ShopCode},
    time::Timestamp,
};

/// What is known of the shopper and of her surroundings. The default knows nothing.
#[derive(Clone, Default)]
pub struct Context {
    /// The clock on her wall.
    pub local: Option<LocalTime>,
    /// Her wishes that still stand.
    pub wishes: Option<Vec<Wish>>,
    /// The categories she takes an interest in.
    pub interests: Option<BTreeSet<Category>>,
    /// What she bought.
    pub purchases: Option<Purchases>,
    /// The sky near her.
    pub sky: Option<Sky>,
    /// The temperature near her, in degrees Celsius.
    pub temperature: Option<i8>,
    /// Her birthday.
    pub birthday: Option<Birthday>,
    /// How many people live in her home, herself included.
    pub household: Option<u8>,
    /// The categories of what lies in her basket.
    pub basket: Option<BTreeSet<Category>>,
    /// What her basket comes to.
    pub basket_total: Option<Money>,
    /// What is known about her and one retailer.
    pub retailers: BTreeMap<ControllerId, RetailerFacts>,
}

/// One wish.
#[derive(Clone)]
pub struct Wish {
    /// In her words.
    pub title: String,
    /// The article, if she named one.
    pub gtin: Option<Gtin>,
    /// Where it is filed, if she said.
    pub category: Option<Category>,
    /// The most she wants to pay.
    pub price_at_most: Option<Money>,
}

/// What she bought, as far back as it is known.
#[derive(Clone)]
pub struct Purchases {
    /// From when on the list is complete.
    pub known_since: Timestamp,
    /// The purchases.
    pub list: Vec<Purchase>,
}

/// One article bought.
#[derive(Clone)]
pub struct Purchase {
    /// When.
    pub at: Timestamp,
    /// Where it is filed, if known.
    pub category: Option<Category>,
}

/// A birthday without its year.
#[derive(Clone, Copy)]
pub struct Birthday {
    /// From 1.
    pub month: u8,
    /// From 1.
    pub day: u8,
}

/// What is known about her and one retailer.
#[derive(Clone, Default)]
pub struct RetailerFacts {
    /// How the retailer calls itself; the domain is said otherwise.
    pub name: Option<String>,
    /// The tiers of her cards there; an empty set when she is known to have none.
    pub tiers: Option<BTreeSet<Tier>>,
    /// Her earlier visits.
    pub visits: Option<Visits>,
    /// Its shops.
    pub shops: BTreeMap<ShopCode, ShopFacts>,
}

/// Earlier visits, the one going on not counted.
#[derive(Clone, Copy, Default)]
pub struct Visits {
    /// The end of the last one; `None` when none is known.
    pub last: Option<Timestamp>,
}

/// What is known about her and one shop.
#[derive(Clone, Default)]
pub struct ShopFacts {
    /// How the shop is called.
    pub name: Option<String>,
    /// How far she is from it, in metres.
    pub metres: Option<u32>,
    /// Whether she has arrived: a frame of it was just heard, or her own fixes say that she stays in it.
    /// `None` when nobody would know.
    pub heard: Option<bool>,
}

macro_rules! private_debug {
    ($($name:ident)*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "([private])"))
            }
        }
    )*};
}

private_debug!(Context Wish Purchases Purchase Birthday RetailerFacts Visits ShopFacts);

#[cfg(test)]
mod tests {
    use std::format;

    use super::*;

    #[test]
    fn debug_shows_nothing_of_a_person() {
        let wish = Wish { title: "x".into(), gtin: None, category: None, price_at_most: None };
        let context = Context { wishes: Some([wish.clone()].into()), ..Context::default() };
        insta::assert_snapshot!(
            format!("{context:?} {wish:?}"),
            @"Context([private]) Wish([private])"
        );
    }
}
