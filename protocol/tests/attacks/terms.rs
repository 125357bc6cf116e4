//! More than was asked, more than was given, less than was told.

use std::collections::BTreeMap;

use besace_protocol::{
    consent::{BenefitKind, Claim, ConsentRequest, Notice, NoticeItem, NoticeText, Reach, Terms},
    document::{Document as _, sign},
    encoding::to_canonical_json,
    jws::Role,
    money::{Currency, Money},
    party::{ControllerId, ShopCode},
    purpose::{DataCategory, Granularity, Purpose},
    time::{DAY_SECONDS, Day},
};

use super::{
    List, NOW, Scene,
    world::{SHOP, SKEW},
};

type Change = fn(&mut Terms);

/// Each in one dimension away from what was asked.
const WIDER: [(&str, Change); 14] = [
    ("more uses a day", |t| t.frequency_per_day += 1),
    ("fewer uses a day", |t| t.frequency_per_day -= 1),
    ("a look back", |t| t.lookback_days = 1),
    ("a longer life", |t| t.valid_days += 1),
    ("a shorter life", |t| t.valid_days -= 1),
    ("shorter keeping", |t| t.retention_days -= 1),
    ("keys further ahead", |t| t.release_ahead_days += 1),
    ("another recipient", |t| t.recipients.push(ControllerId::parse("broker.example").unwrap())),
    ("another shop", |t| t.shops.push(ShopCode::from_bytes([9; 4]))),
    ("another scope", |t| t.scope = "shop.example/*".into()),
    ("coarser data", |t| {
        t.categories.insert(DataCategory::Presence, Granularity::Month);
    }),
    ("another category", |t| {
        t.categories.insert(DataCategory::ChosenName, Granularity::Exact);
    }),
    ("another purpose", |t| t.purpose = Purpose::LoyaltyAccount),
    ("another benefit", |t| {
        t.benefit.kind = BenefitKind::WelcomeCredit;
        t.benefit.amount = Some(Money { currency: Currency::EUR, minor: 500 });
    }),
];

/// Terms that no request may have.
const FORBIDDEN: [(&str, &str, Change); 18] = [
    ("that make loyalty depend on it", "Rule(Terms)", |t| t.base_benefit_conditional = true),
    ("without a category", "Rule(Terms)", |t| t.categories.clear()),
    ("with a category of another purpose", "Rule(Terms)", |t| {
        t.categories.insert(DataCategory::TillAnswers, Granularity::Exact);
    }),
    ("with two purposes at once", "Rule(Terms)", |t| t.purpose = Purpose::StaffGreeting),
    ("with a credit of nothing", "Rule(Terms)", |t| t.benefit.kind = BenefitKind::MonthlyCredit),
    ("with money for nothing", "Rule(Terms)", |t| {
        t.benefit.amount = Some(Money { currency: Currency::EUR, minor: 1 });
    }),
    ("without an end", "Rule(Bounds)", |t| t.valid_days = u16::MAX),
    ("of no day", "Rule(Bounds)", |t| t.valid_days = 0),
    ("of 397 days", "Rule(Bounds)", |t| t.valid_days = 397),
    ("without a limit a day", "Rule(Bounds)", |t| t.frequency_per_day = u16::MAX),
    ("of no use a day", "Rule(Bounds)", |t| t.frequency_per_day = 0),
    ("that look back for ever", "Rule(Bounds)", |t| t.lookback_days = u16::MAX),
    ("that take keys of a week", "Rule(Bounds)", |t| t.release_ahead_days = 7),
    ("that keep for 31 days", "Rule(Bounds)", |t| t.retention_days = 31),
    ("that keep for no day", "Rule(Bounds)", |t| t.retention_days = 0),
    ("without a shop", "Rule(List)", |t| t.shops.clear()),
    ("with a shop twice", "Rule(List)", |t| t.shops.push(SHOP)),
    ("with a scope of nothing", "Rule(Text)", |t| t.scope.clear()),
];

pub(super) fn holds(scene: &Scene) {
    assert_eq!(scene.grant.payload().covers(&claim(scene)), Ok(()));
    let notice = scene.shop.notice(Purpose::Recognition);
    assert_eq!(notice.explains(scene.request.payload()), Ok(()));
    assert!(scene.request.payload().check().is_ok());
}

pub(super) fn tries(scene: &Scene, list: &mut List) {
    for (name, change) in WIDER {
        let mut grant = scene.grant.payload().clone();
        change(&mut grant.terms);
        let attempt = grant.answers(&scene.request, NOW, SKEW);
        list.tries(format!("grant of {name} than asked"), "Terms", attempt);
    }
    for (name, rule, change) in FORBIDDEN {
        let mut request = scene.request.payload().clone();
        change(&mut request.terms);
        let attempt = sign(request, Role::Controller, &scene.shop.signing, NOW);
        list.tries(format!("request {name}"), rule, attempt);
    }
    requests(scene, list);
    claims(scene, list);
    notices(scene, list);
}

fn requests(scene: &Scene, list: &mut List) {
    type Change = fn(&mut ConsentRequest);
    let cases: [(&str, &str, Change); 6] = [
        ("that ended before it began", "Rule(Order)", |r| r.expires = r.issued),
        ("that stands open for ever", "Rule(Bounds)", |r| {
            r.expires = r.issued.plus(400 * DAY_SECONDS);
        }),
        ("in a language that nobody reads", "Rule(Text)", |r| r.notice.language = "la".into()),
        ("without a version of its notice", "Rule(Text)", |r| r.notice.version.clear()),
        ("with a line in its version", "Rule(Text)", |r| r.notice.version = "1\n2".into()),
        ("of another version", "Rule(Version)", |r| r.v = 2),
    ];
    for (name, rule, change) in cases {
        let mut request = scene.request.payload().clone();
        change(&mut request);
        let attempt = sign(request, Role::Controller, &scene.shop.signing, NOW);
        list.tries(format!("request {name}"), rule, attempt);
    }
    for (name, key) in
        [("another retailer", &scene.other.signing), ("her", &scene.her.keys.signing)]
    {
        let forged = sign(scene.request.payload().clone(), Role::Controller, key, NOW).unwrap();
        let attempt = super::read::<ConsentRequest>(forged.as_bytes(), &scene.signers()[..1]);
        list.tries(format!("request signed by {name}"), "\"Key\"", attempt);
    }
}

fn claim(scene: &Scene) -> Claim {
    let today = Day::of(NOW);
    Claim {
        at: NOW,
        before: 3,
        categories: BTreeMap::from([(DataCategory::Presence, Granularity::Exact)]),
        earliest: today,
        latest: today.plus(1),
        recipient: scene.shop.domain.clone(),
        reach: Reach::Shop(SHOP),
    }
}

/// What leaves or is done is wider than the grant.
fn claims(scene: &Scene, list: &mut List) {
    type Change = fn(&mut Claim, &Scene);
    let cases: [(&str, &str, Change); 12] = [
        ("of nothing", "Category", |c, _| c.categories.clear()),
        ("of a name beside", "Category", |c, _| {
            c.categories.insert(DataCategory::ChosenName, Granularity::Month);
        }),
        ("of another category", "Category", |c, _| {
            c.categories = BTreeMap::from([(DataCategory::TillAnswers, Granularity::Month)]);
        }),
        ("for a broker", "Recipient", |c, _| {
            c.recipient = ControllerId::parse("broker.example").unwrap();
        }),
        ("for another retailer", "Recipient", |c, s| c.recipient = s.other.domain.clone()),
        ("in another shop", "Shop", |c, _| c.reach = Reach::Shop(ShopCode::from_bytes([9; 4]))),
        ("in every shop", "Shop", |c, _| c.reach = Reach::Scope("shop.example/*".to_owned())),
        ("of yesterday", "LookBack", |c, _| {
            c.earliest = Day::from_number(c.earliest.as_number() - 1);
        }),
        ("of the day after tomorrow", "Ahead", |c, _| c.latest = c.latest.plus(1)),
        ("for the fifth time", "Frequency", |c, _| c.before = 4),
        ("as often as can be counted", "Frequency", |c, _| c.before = u16::MAX),
        ("in the second in which it ends", "Time", |c, s| c.at = s.grant.payload().expires),
    ];
    for (name, rule, change) in cases {
        let mut wider = claim(scene);
        change(&mut wider, scene);
        let attempt = scene.grant.payload().covers(&wider);
        list.tries(format!("use {name}"), rule, attempt);
    }
    let mut coarse = scene.grant.payload().clone();
    coarse.terms.categories.insert(DataCategory::Presence, Granularity::Day);
    list.tries("use that is finer than given", "Granularity", coarse.covers(&claim(scene)));
}

/// Notices that do not tell what GDPR art. 13 asks, or tell something else than is asked.
fn notices(scene: &Scene, list: &mut List) {
    let whole = scene.shop.notice(Purpose::Recognition);
    let text = |change: &dyn Fn(&mut NoticeText)| {
        let items = whole.items().map(|(item, text)| (item, text.to_owned())).collect();
        let mut text =
            NoticeText { items, language: "fr".to_owned(), version: "2026-11".to_owned() };
        change(&mut text);
        text.of(whole.controller().clone(), &scene.request.payload().terms)
    };
    for item in NoticeItem::ALL {
        let rule = format!("Incomplete({item:?})");
        let silent = text(&|t| drop(t.items.remove(item)));
        list.tries(format!("notice without {}", item.as_str()), rule.clone(), silent);
        for (name, said) in [
            ("nothing", ""),
            ("signs", "- - -"),
            ("what cannot be seen", "\u{200b}\u{2060}\u{3164}"),
        ] {
            let hollow = text(&|t| drop(t.items.insert(*item, said.to_owned())));
            list.tries(
                format!("notice that says {name} of {}", item.as_str()),
                rule.clone(),
                hollow,
            );
        }
    }
    let wide = text(&|t| drop(t.items.insert(NoticeItem::Rights, "droits\u{7}".to_owned())));
    list.tries("notice with a control character", "Rule(Text)", wide);
    let endless = text(&|t| drop(t.items.insert(NoticeItem::Rights, "x".repeat(5000))));
    list.tries("notice that nobody can read", "Rule(Text)", endless);
    let bytes = to_canonical_json(&whole).unwrap();
    let longer = [bytes.as_slice(), b" "].concat();
    list.tries("notice with something behind it", "Json(", Notice::parse(&longer));
    let elsewhere = scene.other.notice(Purpose::Recognition);
    list.tries(
        "notice of another retailer",
        "Another",
        elsewhere.explains(scene.request.payload()),
    );
    let greeting = scene.shop.notice(Purpose::StaffGreeting);
    list.tries("notice of another purpose", "Another", greeting.explains(scene.request.payload()));
    for (name, change) in [
        (
            "fewer recipients than asked",
            (|t| t.recipients.push(ControllerId::parse("broker.example").unwrap())) as Change,
        ),
        ("shorter keeping than asked", |t| t.retention_days = 29),
        ("another purpose than asked", |t| t.purpose = Purpose::LoyaltyAccount),
    ] {
        let mut request = scene.request.payload().clone();
        change(&mut request.terms);
        list.tries(format!("notice that tells {name}"), "Terms", whole.explains(&request));
    }
}
