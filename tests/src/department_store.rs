//! The two retailers of the demo, and everything they offer.
//!
//! Maison Lumen is a department store with three shops and 2,000 offers; Quincaillerie du Pont a
//! hardware shop with twenty. All of it follows from a seed and a day: the same for everybody who asks.

mod hardware;
mod household;
mod wardrobe;

use besace_protocol::{
    id::OfferId,
    money::Money,
    offer::{
        Benefit, Body, Category, Condition, Gtin, Localized, Offer, OfferDraft, Tier, Title,
        Validity,
        calendar::{Sales, Season, Weekday},
        condition::{Choices, Clause, Literal},
        predicate::{Predicate, Sky},
    },
    party::{ControllerId, Shop, ShopCode, ShopKind},
    time::{DAY_SECONDS, Timestamp},
    voucher::BenefitClass,
};
use besace_retailer::{PlannedClass, VoucherPlan};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};

/// A retailer as it appears to shoppers.
#[derive(Clone, Debug)]
pub struct Retailer {
    /// Its domain.
    pub domain: ControllerId,
    /// The name over the door.
    pub name: &'static str,
    /// Its shops, sorted by code.
    pub shops: Vec<Shop>,
    families: &'static [&'static [Family]],
    offers_per_family: usize,
    first_reference: u64,
    seed: u64,
}

/// Things of one kind.
#[derive(Debug)]
struct Family {
    category: Category,
    fr: &'static str,
    en: &'static str,
    /// Lowest and highest price.
    euros: (u64, u64),
    makers: &'static [&'static str],
    /// Sentences in French and in English.
    details: [(&'static str, &'static str); 4],
}

/// The shop of Maison Lumen that the track of the demo enters.
pub const LYON: ShopCode = ShopCode::from_bytes(*b"LML1");

/// Maison Lumen in Lyon, Paris and Lille.
pub fn maison_lumen() -> Retailer {
    let domain = "maison-lumen.example";
    let shop = |code, name: &str, latitude_e7, longitude_e7, radius_metres| Shop {
        code: ShopCode::from_bytes(code),
        kind: Some(ShopKind::DepartmentStore),
        latitude_e7,
        longitude_e7,
        name: name.to_owned(),
        radius_metres,
        scope: format!("{domain}/fr/*"),
        till_keys: Vec::new(),
    };
    Retailer {
        domain: ControllerId::parse(domain).expect("a domain"),
        name: "Maison Lumen",
        shops: vec![
            shop(*b"LML1", "Lyon", 457_636_420, 48_356_180, 60),
            shop(*b"LML2", "Paris", 488_727_310, 23_329_540, 80),
            shop(*b"LML3", "Lille", 506_369_870, 30_664_120, 60),
        ],
        families: &[&wardrobe::FAMILIES, &household::FAMILIES],
        offers_per_family: 50,
        first_reference: 376_012_300_000,
        seed: 0x4c55_4d45_4e00_0001,
    }
}

/// What Maison Lumen's vouchers give.
pub fn vouchers() -> VoucherPlan {
    let class = |number, benefit, minimum| PlannedClass {
        benefit,
        class: BenefitClass::from_number(number).expect("at most 15"),
        minimum,
    };
    let euros = |n: u64| Money::euro_cents(n * 100);
    VoucherPlan {
        batch: 3,
        classes: vec![
            class(0, Benefit::AmountOff(euros(5)), Some(euros(30))),
            class(1, Benefit::AmountOff(euros(10)), Some(euros(60))),
            class(2, Benefit::PercentOff(10), None),
            class(3, Benefit::PercentOff(20), None),
        ],
    }
}

/// Quincaillerie du Pont, one shop in Lyon.
pub fn quincaillerie_du_pont() -> Retailer {
    let domain = "quincaillerie-du-pont.example";
    Retailer {
        domain: ControllerId::parse(domain).expect("a domain"),
        name: "Quincaillerie du Pont",
        shops: vec![Shop {
            code: ShopCode::from_bytes(*b"QDP1"),
            kind: Some(ShopKind::Hardware),
            latitude_e7: 457_558_930,
            longitude_e7: 48_421_760,
            name: "Lyon Guillotière".to_owned(),
            radius_metres: 40,
            scope: format!("{domain}/fr/*"),
            till_keys: Vec::new(),
        }],
        families: &[&hardware::FAMILIES],
        offers_per_family: 4,
        first_reference: 376_045_600_000,
        seed: 0x5044_5000_0000_0001,
    }
}

impl Retailer {
    /// All that it offers on the day of `now`, in the order of the shelves.
    pub fn offers(&self, now: Timestamp) -> Vec<Offer> {
        let mut rng = StdRng::seed_from_u64(self.seed);
        let today = now.as_unix_seconds() / DAY_SECONDS * DAY_SECONDS;
        let families: Vec<_> = self.families.iter().copied().flatten().enumerate().collect();
        let mut offers = Vec::new();
        for place in 0..self.offers_per_family {
            for (row, family) in &families {
                let reference = self.first_reference + offers.len() as u64;
                let midnight = Timestamp::from_unix_seconds(today);
                let draft = self.draft(family, (*row, place), reference, midnight, &mut rng);
                offers.push(Offer::new(draft).expect("our own offers keep the rules"));
            }
        }
        offers
    }

    fn draft(
        &self,
        family: &Family,
        (row, place): (usize, usize),
        reference: u64,
        today: Timestamp,
        rng: &mut StdRng,
    ) -> OfferDraft {
        let gtin = Gtin::from_reference(reference).expect("twelve digits");
        let price = price_between(family.euros, rng);
        let prior_price = rng.gen_bool(0.6).then(|| raised(price, rng));
        let benefit = benefit(price, prior_price, rng);
        let shops = if self.shops.len() > 1 && rng.gen_bool(0.2) {
            vec![self.shops.choose(rng).expect("there are shops").code]
        } else {
            Vec::new()
        };
        let conditions = self.conditions(family, gtin, &shops, prior_price.is_some(), rng);
        OfferDraft {
            benefit,
            body: body(family, place),
            category: family.category,
            conditions,
            gtin: Some(gtin),
            id: OfferId::generate(rng),
            price,
            prior_price,
            shops,
            title: title(family, row, place),
            validity: Validity {
                not_before: today.minus(rng.gen_range(1..6) * DAY_SECONDS),
                not_after: today.plus(rng.gen_range(3..28) * DAY_SECONDS),
            },
        }
    }

    /// What must hold: always something about her, so that a place never shouts at everybody.
    fn conditions(
        &self,
        family: &Family,
        gtin: Gtin,
        shops: &[ShopCode],
        reduced: bool,
        rng: &mut StdRng,
    ) -> Condition {
        let mut here: Vec<_> = self.shops.iter().map(|shop| shop.code).collect();
        here.retain(|code| shops.is_empty() || shops.contains(code));
        let here = Choices::new(here).expect("a few shops, sorted");
        let categories = Choices::one(family.category);
        let wished = || holds(Predicate::WishCategory { categories: categories.clone() });
        let close = || {
            vec![
                holds(Predicate::Arrival { shops: here.clone() }),
                holds(Predicate::Near { metres: 1_500, shops: here.clone() }),
            ]
        };
        let days = |days: &[Weekday]| Choices::new(days.to_vec()).expect("sorted");
        let clauses = match rng.gen_range(0..100) {
            0..=24 => vec![vec![wished()], close()],
            25..=39 => {
                vec![vec![wished(), holds(Predicate::WishGtin { gtins: Choices::one(gtin) })]]
            }
            40..=49 => vec![vec![holds(Predicate::WishPrice)], close()],
            50..=59 => vec![vec![holds(Predicate::Interest { categories })], close()],
            60..=67 => {
                let tiers = Choices::new(tiers(&["argent", "or"])).expect("sorted");
                let week = days(&[Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday]);
                vec![
                    vec![holds(Predicate::Tier { tiers })],
                    vec![holds(Predicate::Weekday { days: week })],
                ]
            }
            68..=75 => {
                let within_days = rng.gen_range(30..365);
                vec![vec![holds(Predicate::Bought { categories, within_days })]]
            }
            76..=81 => {
                let skies = Choices::new(vec![Sky::Rain, Sky::Snow]).expect("sorted");
                vec![
                    vec![holds(Predicate::Interest { categories })],
                    vec![holds(Predicate::Weather { skies })],
                ]
            }
            82..=86 => {
                let periods = Choices::one(Sales::EndOfYear);
                let seasons = Choices::one(Season::Autumn);
                vec![
                    vec![wished()],
                    vec![
                        holds(Predicate::Sales { periods }),
                        Literal::Fails(Predicate::Season { seasons }),
                    ],
                ]
            }
            87..=90 => vec![
                vec![holds(Predicate::Lapsed { weeks_at_least: rng.gen_range(8..40) })],
                close(),
            ],
            91..=93 => vec![
                vec![holds(Predicate::BirthdayWeek)],
                vec![holds(Predicate::Interest { categories })],
            ],
            94..=96 => vec![
                vec![holds(Predicate::BasketCategory { categories })],
                vec![holds(Predicate::TimeOfDay { from: 10 * 60, to: 19 * 60 })],
            ],
            _ if reduced => {
                vec![vec![wished()], vec![holds(Predicate::PriceDrop { percent_at_least: 20 })]]
            }
            _ => vec![vec![wished()]],
        };
        let clause = |literals| Clause::new(literals).expect("at most two literals");
        Condition::new(clauses.into_iter().map(clause).collect()).expect("at most two clauses")
    }
}

fn holds(predicate: Predicate) -> Literal {
    Literal::Holds(predicate)
}

fn tiers(names: &[&str]) -> Vec<Tier> {
    names.iter().map(|name| Tier::parse(name).expect("a short name")).collect()
}

/// So many euros, and the cents that shops like.
fn price_between((low, high): (u64, u64), rng: &mut StdRng) -> Money {
    let cents = *[0, 50, 90, 95].choose(rng).expect("four");
    Money::euro_cents(rng.gen_range(low..high) * 100 + cents)
}

/// A price before the reduction, in whole euros.
fn raised(price: Money, rng: &mut StdRng) -> Money {
    let percent = *[112, 118, 125, 134, 150].choose(rng).expect("five");
    Money::euro_cents((price.minor * percent / 100).div_ceil(100) * 100)
}

fn benefit(price: Money, prior: Option<Money>, rng: &mut StdRng) -> Benefit {
    match (prior, rng.gen_range(0..10)) {
        (Some(_), _) => Benefit::Price,
        (None, 0..=3) => Benefit::PercentOff(*[5, 10, 15, 20].choose(rng).expect("four")),
        (None, 4..=6) if price.minor >= 3_000 => {
            Benefit::AmountOff(Money::euro_cents(*[500, 1_000].choose(rng).expect("two")))
        }
        (None, 7) => Benefit::Gift(Localized {
            en: Title::parse("gift wrapping").expect("short"),
            fr: Title::parse("emballage cadeau").expect("short"),
        }),
        (None, _) => Benefit::Points(rng.gen_range(2..30) * 10),
    }
}

/// "Chaussures de marche Granit Aubépine" and "Granit Aubépine walking shoes".
fn title(family: &Family, row: usize, place: usize) -> Localized<Title> {
    let maker = family.makers[place % family.makers.len()];
    // 61 is prime: no model comes back on one row.
    let model = MODELS[(place * 7 + row * 13) % MODELS.len()];
    let text = |text: String| Title::parse(&text).expect("at most 80 characters");
    Localized {
        en: text(format!("{maker} {model} {}", family.en)),
        fr: text(format!("{} {maker} {model}", family.fr)),
    }
}

/// Two sentences about the thing, one about how to get it.
fn body(family: &Family, place: usize) -> Localized<Body> {
    let first = place % 4;
    let second = (first + 1 + place / 4 % 3) % 4;
    let (a, b) = (family.details[first], family.details[second]);
    let (fr, en) = SERVICES[place % SERVICES.len()];
    let text = |text: String| Body::parse(&text).expect("at most 600 characters");
    Localized {
        en: text(format!("{} {} {en}", a.1, b.1)),
        fr: text(format!("{} {} {fr}", a.0, b.0)),
    }
}

const SERVICES: [(&str, &str); 5] = [
    ("Retrait en boutique sous deux heures.", "Collect in the shop within two hours."),
    ("Essai et conseil sans rendez-vous.", "Try it and ask, no appointment."),
    ("Échange possible pendant soixante jours.", "Exchange within sixty days."),
    ("Quantités limitées à cette livraison.", "Only what this delivery brought."),
    ("À voir au rayon, au deuxième étage.", "See it on the second floor."),
];

const MODELS: [&str; 61] = [
    "Abricot",
    "Aiguille",
    "Alizé",
    "Amande",
    "Anémone",
    "Ardoise",
    "Argile",
    "Arpège",
    "Aubépine",
    "Aurore",
    "Balise",
    "Basalte",
    "Bleuet",
    "Boréal",
    "Bouleau",
    "Bruyère",
    "Cabestan",
    "Calanque",
    "Canopée",
    "Carline",
    "Cascade",
    "Cerisaie",
    "Chamade",
    "Cigogne",
    "Clairière",
    "Cobalt",
    "Combe",
    "Coquelicot",
    "Corail",
    "Cormoran",
    "Cyprès",
    "Dolmen",
    "Écume",
    "Églantine",
    "Embrun",
    "Épicéa",
    "Estive",
    "Falaise",
    "Fougère",
    "Garance",
    "Genêt",
    "Givre",
    "Glycine",
    "Hirondelle",
    "Indigo",
    "Jachère",
    "Lavande",
    "Lisière",
    "Marée",
    "Mélèze",
    "Mistral",
    "Moraine",
    "Orée",
    "Pervenche",
    "Rivage",
    "Safran",
    "Saule",
    "Sillage",
    "Tilleul",
    "Tramontane",
    "Vallon",
];

#[cfg(test)]
mod tests;
