//! What the terms of a grant are narrower than stays at home: held against the grant as it is kept, in one transaction
//! with the record.

use std::collections::BTreeMap;

use besace_protocol::{
    consent::{Benefit, BenefitKind, Indication, Reach, Terms},
    crypto::{SealingSecretKey, SecretBytes, sha256},
    document::sign,
    id::{Handle, RequestId},
    jws::Role,
    party::{ControllerId, ShopCode},
    purpose::{DataCategory, Granularity, Purpose},
    time::DAY_SECONDS,
};
use rand::{SeedableRng as _, rngs::StdRng};
use rusqlite::Connection;

use super::*;
use crate::vault::{Direction, migrations::MIGRATIONS};

pub(in crate::vault) const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_341_630);
pub(in crate::vault) const GRANT: GrantId = GrantId::from_bytes([1; 16]);
const LOG: LogId = LogId::from_bytes([2; 16]);

fn key(fill: u8) -> SigningKey {
    SigningKey::from_seed(&SecretBytes::init_with(|bytes| bytes.fill(fill)))
}

fn shop() -> ControllerId {
    ControllerId::parse("shop.example").unwrap()
}

/// Two greetings a day in one shop, with what is three days old.
fn grant() -> Grant {
    let sealing = SealingSecretKey::from_bytes(SecretBytes::init_with(|bytes| bytes.fill(5)));
    Grant {
        controller: shop(),
        controller_key: key(8).verifying_key(),
        expires: NOW.plus(90 * DAY_SECONDS),
        given: NOW,
        handle: Handle::from_bytes([2; 16]),
        id: GRANT,
        indication: Indication::Page,
        notice: sha256(&[b"notice"]),
        proposal: None,
        request: sha256(&[b"request"]),
        request_id: RequestId::from_bytes([3; 16]),
        subject_key: key(1).verifying_key(),
        subject_log: LOG,
        subject_log_key: key(6).verifying_key(),
        subject_sealing_key: sealing.public_key(),
        supersedes: None,
        terms: Terms {
            base_benefit_conditional: false,
            benefit: Benefit { amount: None, kind: BenefitKind::Service, until: None },
            categories: BTreeMap::from([(DataCategory::ChosenName, Granularity::Day)]),
            frequency_per_day: 2,
            lookback_days: 3,
            purpose: Purpose::StaffGreeting,
            recipients: Vec::new(),
            release_ahead_days: 0,
            retention_days: 30,
            scope: "shop.example/fr/*".to_owned(),
            shops: vec![ShopCode::from_bytes([0, 0, 0, 1])],
            valid_days: 90,
        },
        v: 1,
    }
}

/// As wide as the grant allows.
pub(super) fn claim() -> Claim {
    let terms = grant().terms;
    Claim {
        at: NOW,
        before: 0,
        categories: terms.categories,
        earliest: Day::from_number(Day::of(NOW).as_number().saturating_sub(3)),
        latest: Day::of(NOW),
        recipient: shop(),
        reach: Reach::Scope(terms.scope),
    }
}

pub(in crate::vault) fn vault_with_a_grant() -> Connection {
    let db = Connection::open_in_memory().unwrap();
    for migration in MIGRATIONS {
        db.execute_batch(migration.sql).unwrap();
    }
    let grant = sign(grant(), Role::Subject, &key(1), NOW)
        .unwrap()
        .countersign(Role::Controller, &key(8), NOW)
        .unwrap();
    let (now, end) = (column::from_time(NOW), column::from_time(grant.payload().expires));
    let id = [3_u8; 16];
    db.execute("INSERT INTO retailers VALUES ('shop.example', ?1, x'', ?2, ?2)", ([4_u8; 32], now))
        .unwrap();
    db.execute(
        "INSERT INTO pseudonyms (generation, domain, facet, log_id, started_at)
         VALUES (?1, 'shop.example', 0, ?2, ?3)",
        (id, LOG.as_bytes(), now),
    )
    .unwrap();
    for (log, generation) in [(LOG, Some(id)), (LogId::from_bytes([5; 16]), None)] {
        db.execute(
            "INSERT INTO logs (id, generation, created_at) VALUES (?1, ?2, ?3)",
            (log.as_bytes(), generation, now),
        )
        .unwrap();
    }
    db.execute("INSERT INTO requests VALUES (?1, 'shop.example', x'', ?2, 'given', ?2)", (id, now))
        .unwrap();
    db.execute(
        "INSERT INTO grants (id, request_id, domain, generation, purpose, jws, state, given_at,
           expires_at)
         VALUES (?1, ?2, 'shop.example', ?2, 'staff_greeting', ?3, 'active', ?4, ?5)",
        (GRANT.as_bytes(), id, grant.as_bytes(), now, end),
    )
    .unwrap();
    db
}

pub(super) fn through_the_gate(
    db: &Transaction<'_>,
    change: GrantChange,
    rng: &mut StdRng,
) -> Result<Proven, Shut> {
    let signers = LogSigners { pairwise: key(6), vault: key(7) };
    let salts = GateSalts { record: Salt::generate(rng), head: Salt::generate(rng) };
    pass(db, GRANT, change, b"{}".to_vec(), &signers, &salts, NOW).unwrap()
}

fn disclose(db: &Transaction<'_>, number: u8, claim: Claim) -> Result<(), Shut> {
    let digest = Digest::from_bytes([number; 32]);
    let change =
        GrantChange::Disclose { jws: Private::new(Vec::new()), digest, claim, counted: true };
    through_the_gate(db, change, &mut StdRng::seed_from_u64(number.into())).map(drop)
}

/// What a till is shown.
pub(super) fn show(claim: Claim) -> GrantChange {
    let entry = JournalEntry {
        at: NOW,
        direction: Direction::Out,
        domain: shop(),
        kind: "till_answer".to_owned(),
        bytes: 29,
    };
    GrantChange::Show { claim, entry }
}

fn rows(db: &Transaction<'_>) -> u64 {
    let sql = "SELECT (SELECT count(*) FROM log_entries) + (SELECT count(*) FROM disclosures)
               + (SELECT count(*) FROM disclosure_counts) + (SELECT count(*) FROM key_releases)
               + (SELECT count(*) FROM journal)";
    db.query_row(sql, [], |row| column::number(row, 0)).unwrap()
}

#[test]
fn each_dimension_one_step_too_wide_stays_at_home_and_leaves_no_trace() {
    type Widen = fn(&mut Claim);
    let cases: [(Excess, Widen); 8] = [
        (Excess::Category, |c| c.categories.clear()),
        (Excess::Category, |c| {
            c.categories.insert(DataCategory::GreetingTopics, Granularity::Month);
        }),
        (Excess::Granularity, |c| {
            c.categories.insert(DataCategory::ChosenName, Granularity::Exact);
        }),
        (Excess::Recipient, |c| c.recipient = ControllerId::parse("other.example").unwrap()),
        (Excess::Shop, |c| c.reach = Reach::Shop(ShopCode::from_bytes([0, 0, 0, 2]))),
        (Excess::LookBack, |c| c.earliest = Day::from_number(c.earliest.as_number() - 1)),
        (Excess::Ahead, |c| c.latest = c.latest.plus(1)),
        (Excess::Time, |c| c.at = grant().expires),
    ];
    let mut db = vault_with_a_grant();
    let db = db.transaction().unwrap();
    for (excess, widen) in cases {
        let mut wider = claim();
        widen(&mut wider);
        assert_eq!(disclose(&db, 1, wider.clone()), Err(Shut::Beyond(excess)));
        let change = GrantChange::Release {
            day: Day::of(NOW),
            commitment: Digest::from_bytes([1; 32]),
            claim: wider.clone(),
        };
        let released = through_the_gate(&db, change, &mut StdRng::seed_from_u64(1));
        assert_eq!(released.map(drop), Err(Shut::Beyond(excess)));
        let shown = through_the_gate(&db, show(wider), &mut StdRng::seed_from_u64(1));
        assert_eq!(shown.map(drop), Err(Shut::Beyond(excess)));
        assert_eq!(rows(&db), 0, "{excess}");
    }
    assert_eq!(disclose(&db, 1, claim()), Ok(()));
}

#[test]
fn a_day_has_so_many_disclosures_and_a_clock_that_goes_back_gives_no_more() {
    let mut db = vault_with_a_grant();
    let db = db.transaction().unwrap();
    let on = |day: u64| Claim { at: NOW.plus(day * DAY_SECONDS), ..claim() };
    let often = Err(Shut::Beyond(Excess::Frequency));
    // Whatever the caller says that he counted.
    assert_eq!(disclose(&db, 1, Claim { before: 9, ..on(1) }), Ok(()));
    assert_eq!(disclose(&db, 2, on(1)), Ok(()));
    assert_eq!(disclose(&db, 3, on(1)), often);
    assert_eq!(disclose(&db, 3, on(0)), often, "the day before counts as the last one");
    assert_eq!(disclose(&db, 3, on(2)), Ok(()));
    assert_eq!(disclose(&db, 4, on(2)), Ok(()));
    assert_eq!(disclose(&db, 5, on(2)), often);
}

#[test]
fn what_only_takes_back_counts_for_no_day_and_is_held_against_the_rest() {
    let mut db = vault_with_a_grant();
    let db = db.transaction().unwrap();
    let take_back = |number: u8, claim: Claim| {
        let digest = Digest::from_bytes([number; 32]);
        let jws = Private::new(Vec::new());
        let change = GrantChange::Disclose { jws, digest, claim, counted: false };
        through_the_gate(&db, change, &mut StdRng::seed_from_u64(number.into())).map(drop)
    };
    for number in 1..6 {
        assert_eq!(take_back(number, claim()), Ok(()));
    }
    for number in 6..8 {
        assert_eq!(disclose(&db, number, claim()), Ok(()), "none of them counted");
    }
    assert_eq!(disclose(&db, 8, claim()), Err(Shut::Beyond(Excess::Frequency)));
    assert_eq!(take_back(9, claim()), Ok(()));
    let other = Claim { recipient: ControllerId::parse("other.example").unwrap(), ..claim() };
    assert_eq!(take_back(10, other), Err(Shut::Beyond(Excess::Recipient)));
}

#[test]
fn once_a_clock_that_was_ahead_is_right_what_it_counted_was_today() {
    let mut db = vault_with_a_grant();
    let db = db.transaction().unwrap();
    let on = |day: u64| Claim { at: NOW.plus(day * DAY_SECONDS), ..claim() };
    let often = Err(Shut::Beyond(Excess::Frequency));
    assert_eq!(disclose(&db, 1, on(9)), Ok(()));
    assert_eq!(disclose(&db, 2, on(9)), Ok(()));
    assert_eq!(disclose(&db, 3, on(2)), often);
    count_as_today(&db, Day::of(NOW.plus(DAY_SECONDS))).unwrap();
    assert_eq!(disclose(&db, 3, on(1)), often);
    assert_eq!(disclose(&db, 3, on(2)), Ok(()));
}

#[test]
fn debug_does_not_show_what_she_discloses() {
    let change = GrantChange::Disclose {
        jws: Private::new(b"Nora".to_vec()),
        digest: Digest::from_bytes([0; 32]),
        claim: claim(),
        counted: true,
    };
    let shown = format!("{change:?}");
    assert!(!shown.contains("78, 111") && shown.contains("[private]"), "{shown}");
}
