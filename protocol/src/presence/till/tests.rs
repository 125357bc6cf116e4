//! The till and the phone, each with the other's bytes.

use std::{collections::BTreeSet, string::ToString as _, vec, vec::Vec};

use proptest::prelude::*;
use rand::{SeedableRng as _, rngs::StdRng};

use super::*;
use crate::{
    crypto::{SealingSecretKey, SecretBytes, SigningKey},
    document::{Verified, sign},
    encoding::to_base45,
    jws::Role,
    money::{Currency, Money},
    party::{ControllerId, LegalIdentity, Manifest, Shop, ShopCode},
    presence::{PresenceRoot, ReleasedKeys, Scope, Till},
    time::{Day, Timestamp},
};

/// Ten seconds into an epoch and a step, in the middle of a day.
const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_262_410);

fn key(fill: u8) -> SigningKey {
    SigningKey::from_seed(&SecretBytes::init_with(|seed| seed.fill(fill)))
}

fn domain(name: &str) -> ControllerId {
    ControllerId::parse(name).unwrap()
}

fn code(n: u8) -> ShopCode {
    ShopCode::from_bytes([0, 0, 0, n])
}

/// Shop 1 has the tills 11 and 12, shop 2 has 13, shop 3 has none.
fn manifest(name: &str) -> Verified<Manifest> {
    let shop = |n: u8, fills: &[u8]| {
        let mut till_keys: Vec<_> = fills.iter().map(|fill| key(*fill).verifying_key()).collect();
        till_keys.sort();
        Shop {
            code: code(n),
            kind: None,
            latitude_e7: 0,
            longitude_e7: 0,
            name: "Rivoli".to_string(),
            radius_metres: 60,
            scope: "shop.example/*".to_string(),
            till_keys,
        }
    };
    let manifest = Manifest {
        controller: domain(name),
        controller_key: key(2).verifying_key(),
        days: vec![],
        expires: NOW.plus(3600),
        issued: NOW.minus(3600),
        legal: LegalIdentity {
            address: "a".to_string(),
            contact: "b".to_string(),
            display_name: "c".to_string(),
            name: "d".to_string(),
        },
        log: crate::log::LogNumber::FIRST,
        log_key: key(4).verifying_key(),
        sealing_key: SealingSecretKey::from_bytes(SecretBytes::init_with(|b| b.fill(6)))
            .public_key(),
        sequence: 1,
        shops: vec![shop(1, &[11, 12]), shop(2, &[13]), shop(3, &[])],
        v: 1,
    };
    sign(manifest, Role::Controller, &key(2), NOW).unwrap()
}

fn challenge(shop: u8, till: u8, cents: u64) -> Challenge {
    let mut rng = StdRng::seed_from_u64(1);
    let domain = domain("shop.example");
    Challenge::issue(&domain, code(shop), Money::euro_cents(cents), &key(till), &mut rng, NOW)
        .unwrap()
}

fn verify(bytes: &[u8], now: Timestamp) -> Result<Challenge, VerifyChallengeError> {
    UnverifiedChallenge::parse(bytes).unwrap().verify(&manifest("shop.example"), now)
}

fn keys(grant: u8, till: Till) -> ReleasedKeys {
    let root = PresenceRoot::init_with(|bytes| bytes.fill(grant));
    root.day_key(Day::of(NOW), &Scope::of("shop.example/*")).release(till)
}

fn again(answer: &Answer) -> UnverifiedAnswer {
    UnverifiedAnswer::parse(&answer.to_bytes()).unwrap()
}

#[test]
fn a_phone_takes_the_challenge_of_a_certified_till() {
    let made = challenge(1, 12, 500);
    assert_eq!(made.to_bytes().len(), Challenge::LEN);
    let read = UnverifiedChallenge::parse_text(&made.to_text()).unwrap();
    assert_eq!(read.claimed_shop(), code(1));
    let read = read.verify(&manifest("shop.example"), NOW).unwrap();
    assert_eq!(read, made);
    assert_eq!((read.shop(), read.amount()), (code(1), Money::euro_cents(500)));
    assert_eq!(read.till(), TillId::of(&key(12).verifying_key()));
    assert_eq!(read.digest(), made.digest());
}

#[test]
fn another_shop_till_or_domain_is_refused() {
    let refused = |challenge: Challenge| verify(&challenge.to_bytes(), NOW).unwrap_err();
    assert_eq!(refused(challenge(9, 11, 0)), VerifyChallengeError::Shop);
    assert_eq!(refused(challenge(1, 13, 0)), VerifyChallengeError::Till); // of shop 2
    assert_eq!(refused(challenge(3, 11, 0)), VerifyChallengeError::Till); // shop without tills
    assert_eq!(refused(challenge(1, 99, 0)), VerifyChallengeError::Till); // certified nowhere
    let challenge = UnverifiedChallenge::parse(&challenge(1, 11, 0).to_bytes()).unwrap();
    // The same shop code and the same till keys, in the manifest of somebody else.
    let theirs = challenge.verify(&manifest("other.example"), NOW);
    assert_eq!(theirs, Err(VerifyChallengeError::Till));
}

#[test]
fn a_challenge_lives_a_minute() {
    let bytes = challenge(1, 11, 0).to_bytes();
    for (now, verdict) in [
        (NOW.minus(61), Err(VerifyChallengeError::TooFarAhead)),
        (NOW.minus(60), Ok(())),
        (NOW.plus(59), Ok(())),
        (NOW.plus(60), Err(VerifyChallengeError::Expired)),
    ] {
        assert_eq!(verify(&bytes, now).map(|_| ()), verdict, "{now}");
    }
}

#[test]
fn no_bit_of_a_challenge_can_be_changed() {
    let bytes = challenge(1, 11, 500).to_bytes();
    let manifest = manifest("shop.example");
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let verdict = UnverifiedChallenge::parse(&changed).map(|c| c.verify(&manifest, NOW));
        assert!(!matches!(verdict, Ok(Ok(_))), "bit {bit}");
    }
}

#[test]
fn no_bit_of_an_answer_a_debit_or_a_presentation_can_be_changed() {
    let (challenge, keys) = (challenge(1, 11, 500), keys(7, Till::Included));
    let answer = Answer::make(&keys, &challenge, NOW).unwrap();
    let debit = Debit::make(answer.clone(), &challenge, &key(30));
    let presentation = Presentation::make(&keys, NOW).unwrap();
    let subject = key(30).verifying_key();
    let takes = |bytes: &[u8]| match bytes.len() {
        Answer::LEN => UnverifiedAnswer::parse(bytes)
            .is_ok_and(|answer| answer.verify(&keys, &challenge, NOW).is_ok()),
        Debit::LEN => UnverifiedDebit::parse(bytes)
            .is_ok_and(|debit| debit.verify(&keys, &subject, &challenge, NOW).is_ok()),
        _ => UnverifiedPresentation::parse(bytes).is_ok_and(|p| p.verify(&keys, NOW).is_ok()),
    };
    for bytes in [answer.to_bytes(), debit.to_bytes(), presentation.to_bytes()] {
        assert!(takes(&bytes));
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(!takes(&changed), "bit {bit} of {}", bytes.len());
        }
    }
}

#[test]
fn an_answer_is_of_one_grant_one_challenge_and_its_moment() {
    let asked = challenge(1, 11, 0);
    let mine = keys(7, Till::Included);
    let answer = Answer::make(&mine, &asked, NOW).unwrap();
    let verdict = |keys: &ReleasedKeys, challenge: &Challenge, now: Timestamp| {
        again(&answer).verify(keys, challenge, now).map(|_| ())
    };
    assert_eq!(verdict(&mine, &asked, NOW), Ok(()));
    assert_eq!(verdict(&mine, &asked, NOW.plus(600)), Ok(()));
    assert_eq!(verdict(&mine, &asked, NOW.plus(1200)), Err(VerifyAnswerError::Locator));
    assert_eq!(verdict(&keys(8, Till::Included), &asked, NOW), Err(VerifyAnswerError::Locator));
    assert_eq!(verdict(&mine, &challenge(2, 13, 0), NOW), Err(VerifyAnswerError::Tag));
    assert_eq!(verdict(&mine, &challenge(1, 11, 1), NOW), Err(VerifyAnswerError::Tag));
    let recognition = keys(7, Till::Excluded);
    assert_eq!(verdict(&recognition, &asked, NOW), Err(VerifyAnswerError::NoTillKey));
    assert_eq!(Answer::make(&recognition, &asked, NOW), None);
    assert_eq!(Answer::make(&mine, &asked, NOW.plus(86_400)), None);
}

#[test]
fn a_debit_needs_her_own_signature() {
    let asked = challenge(1, 11, 500);
    let mine = keys(7, Till::Included);
    let subject = key(30).verifying_key();
    let answer = Answer::make(&mine, &asked, NOW).unwrap();
    let verdict = |debit: Debit| {
        let debit = UnverifiedDebit::parse_text(&debit.to_text()).unwrap();
        debit.verify(&mine, &subject, &asked, NOW).map(|_| ())
    };
    assert_eq!(verdict(Debit::make(answer.clone(), &asked, &key(30))), Ok(()));
    // A thief who holds the till key can answer, and cannot sign.
    let forged = Debit::make(answer.clone(), &asked, &key(31));
    assert_eq!(verdict(forged), Err(VerifyAnswerError::Signature));
    let cheaper = Debit::make(answer, &challenge(1, 11, 5), &key(30));
    assert_eq!(verdict(cheaper), Err(VerifyAnswerError::Signature));
}

#[test]
fn a_challenge_is_settled_once_in_its_minute_and_in_its_form() {
    let (subject, mine) = (key(30), keys(7, Till::Included));
    let mut open = OpenChallenges::default();
    let free = challenge(1, 11, 0);
    let priced = challenge(1, 11, 500);
    let strange = challenge(2, 13, 0);
    let late = NOW.plus(60);
    let answer = |asked: &Challenge| Answer::make(&mine, asked, NOW).unwrap();
    let debit = |asked: &Challenge| {
        let debit = Debit::make(answer(asked), asked, &subject);
        UnverifiedDebit::parse(&debit.to_bytes()).unwrap()
    };
    let who = subject.verifying_key();
    let (free_id, priced_id) = (open.open(free.clone(), NOW), open.open(priced.clone(), NOW));

    let unknown = open.identify(&strange.digest(), again(&answer(&strange)), &mine, NOW);
    assert_eq!(unknown, Err(SettleError::Unknown));
    // The form follows the amount: an answer alone never takes anything.
    let answered = open.identify(&priced_id, again(&answer(&priced)), &mine, NOW);
    assert_eq!(answered, Err(SettleError::Form));
    let signed = open.debit(&free_id, debit(&free), &mine, &who, NOW);
    assert_eq!(signed, Err(SettleError::Form));
    // A wrong answer leaves the challenge open for the right one.
    let wrong = open.identify(&free_id, again(&answer(&priced)), &mine, NOW);
    assert_eq!(wrong, Err(SettleError::Answer(VerifyAnswerError::Tag)));
    let expired = open.debit(&priced_id, debit(&priced), &mine, &who, late);
    assert_eq!(expired, Err(SettleError::Expired));

    let identified = open.identify(&free_id, again(&answer(&free)), &mine, NOW);
    assert_eq!(identified, Ok(Settled::Identified));
    let debited = open.debit(&priced_id, debit(&priced), &mine, &who, NOW);
    assert_eq!(debited, Ok(Settled::Debited(Money::euro_cents(500))));
    // Shown again or not, it is answered.
    assert_eq!(open.open(priced.clone(), NOW), priced_id);
    let twice = open.debit(&priced_id, debit(&priced), &mine, &who, NOW);
    assert_eq!(twice, Err(SettleError::AlreadyAnswered));
    open.open(strange, NOW.plus(120));
    let forgotten = open.debit(&priced_id, debit(&priced), &mine, &who, NOW);
    assert_eq!(forgotten, Err(SettleError::Unknown));
}

#[test]
fn a_presentation_counts_one_step_around_its_own_and_once() {
    let mine = keys(7, Till::Included);
    let shown = Presentation::make(&mine, NOW).unwrap();
    let read =
        |now| UnverifiedPresentation::parse_text(&shown.to_text()).unwrap().verify(&mine, now);
    let step = NOW.minus(10); // its first second
    for (now, good) in [
        (step.minus(31), false),
        (step.minus(30), true),
        (step, true),
        (step.plus(59), true),
        (step.plus(60), false),
    ] {
        let verdict = read(now).map(|_| ());
        let expected = if good { Ok(()) } else { Err(VerifyPresentationError::Moment) };
        assert_eq!(verdict, expected, "{now}");
    }
    let mut seen = PresentationsSeen::default();
    assert!(seen.first_time(&read(NOW).unwrap(), NOW));
    assert!(!seen.first_time(&read(NOW.plus(30)).unwrap(), NOW.plus(30)));
    let next = Presentation::make(&mine, NOW.plus(30)).unwrap();
    assert!(seen.first_time(&next, NOW.plus(30)));
    assert_eq!(Presentation::make(&keys(7, Till::Excluded), NOW), None);
    let other = UnverifiedPresentation::parse(&shown.to_bytes()).unwrap();
    let other = other.verify(&keys(8, Till::Included), NOW);
    assert_eq!(other, Err(VerifyPresentationError::Locator));
}

#[test]
fn everything_fits_the_codes_that_the_specification_names() {
    // Alphanumeric capacity of QR codes: 61 characters at 3-M, 154 at 6-M, 178 at 7-M, 122 at 5-M.
    let mine = keys(7, Till::Included);
    let asked = challenge(1, 11, 500);
    let answer = Answer::make(&mine, &asked, NOW).unwrap();
    assert_eq!(Presentation::make(&mine, NOW).unwrap().to_text().len(), 50);
    assert_eq!(asked.to_text().len(), 156);
    assert_eq!(answer.to_text().len(), 44);
    assert_eq!(Debit::make(answer, &asked, &key(30)).to_text().len(), 140);
}

#[test]
fn grants_and_days_share_no_typed_code() {
    let mut seen = BTreeSet::new();
    for grant in 0..50 {
        for number in 0..TypedCode::PER_DAY {
            let code = TypedCode::of(&keys(grant, Till::Included), number).unwrap();
            assert_eq!(TypedCode::parse(&code.to_string()), Ok(code));
            assert!(seen.insert(code));
        }
    }
    assert_eq!(TypedCode::of(&keys(1, Till::Included), TypedCode::PER_DAY), None);
    assert_eq!(TypedCode::of(&keys(1, Till::Excluded), 0), None);
}

proptest! {
    #[test]
    fn every_challenge_comes_back(
        seed in any::<u64>(), minor in any::<u64>(), shop in any::<[u8; 4]>(), currency in "[A-Z]{3}"
    ) {
        let amount = Money { currency: Currency::parse(&currency).unwrap(), minor };
        let mut rng = StdRng::seed_from_u64(seed);
        let (domain, shop) = (domain("shop.example"), ShopCode::from_bytes(shop));
        let made = Challenge::issue(&domain, shop, amount, &key(11), &mut rng, NOW).unwrap();
        let read = UnverifiedChallenge::parse(&made.to_bytes()).unwrap();
        prop_assert_eq!(read.claimed_shop(), shop);
        prop_assert_eq!(UnverifiedChallenge::parse_text(&made.to_text()), Ok(read));
        prop_assert_eq!(made.amount(), amount);
    }

    #[test]
    fn no_bytes_make_a_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
        for bytes in [&bytes[..], &[&[1], &bytes[..]].concat()] {
            let parsed = [
                UnverifiedChallenge::parse(bytes).is_ok(),
                UnverifiedAnswer::parse(bytes).is_ok(),
                UnverifiedDebit::parse(bytes).is_ok(),
                UnverifiedPresentation::parse(bytes).is_ok(),
            ];
            prop_assert!(parsed.into_iter().filter(|ok| *ok).count() <= 1);
            let text = to_base45(bytes);
            prop_assert_eq!(UnverifiedAnswer::parse_text(&text).is_ok(), parsed[1]);
        }
    }

    #[test]
    fn no_text_makes_a_parser_panic(text in ".*") {
        let _ = UnverifiedChallenge::parse_text(&text).is_ok();
        let _ = UnverifiedAnswer::parse_text(&text).is_ok();
        let _ = UnverifiedDebit::parse_text(&text).is_ok();
        let _ = UnverifiedPresentation::parse_text(&text).is_ok();
    }
}
