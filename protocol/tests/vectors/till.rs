//! The till: challenges, answers, presentations and typed codes; the header is explained in
//! `tests/vectors/topic_till.py`.

use besace_protocol::{
    crypto::{SealingSecretKey, SecretBytes, SigningKey, VerifyingKey},
    document::{Verified, sign},
    encoding::{from_base45, to_base45},
    jws::Role,
    party::{ControllerId, LegalIdentity, Manifest, Shop, ShopCode},
    presence::{
        PresenceRoot, ReleasedKeys, Scope, Till,
        till::{
            Answer, Challenge, Debit, Presentation, TypedCode, UnverifiedAnswer,
            UnverifiedChallenge, UnverifiedDebit, UnverifiedPresentation,
        },
    },
    time::{Day, Timestamp},
};

use super::{Case, same};

pub(crate) fn check(case: &Case) -> Result<(), String> {
    match case.text("kind") {
        "challenge" => challenge(case),
        "answer" => answer(case),
        "debit" => debit(case),
        "presentation" => presentation(case),
        "code" => code(case),
        "base45" => base45(case),
        other => panic!("unknown kind {other}"),
    }
}

fn challenge(case: &Case) -> Result<(), String> {
    let body = body(case);
    let read = UnverifiedChallenge::parse(&body).map_err(reason)?;
    if let Some(text) = case.find("text") {
        assert_eq!(UnverifiedChallenge::parse_text(text).map_err(reason)?, read);
    }
    let challenge = read.verify(&manifest(case), now(case)).map_err(reason)?;
    assert_eq!(challenge.to_bytes(), body);
    let amount = challenge.amount();
    same("amount", &format!("{} {}", amount.minor, amount.currency), case.text("amount"))?;
    same("digest", &hex::encode(challenge.digest().as_bytes()), case.text("digest"))
}

fn answer(case: &Case) -> Result<(), String> {
    let body = body(case);
    let (keys, asked) = (keys(case), asked(case));
    let read = UnverifiedAnswer::parse(&body).map_err(reason)?;
    if let Some(text) = case.find("text") {
        assert_eq!(UnverifiedAnswer::parse_text(text).map_err(reason)?, read);
    }
    let answer = read.verify(&keys, &asked, now(case)).map_err(reason)?;
    assert_eq!(answer.to_bytes(), body);
    if case.find("text").is_some() {
        let made = Answer::make(&keys, &asked, now(case)).map(|answer| answer.to_bytes());
        assert_eq!(made.as_deref(), Some(&body[..]));
    }
    Ok(())
}

fn debit(case: &Case) -> Result<(), String> {
    let body = body(case);
    let (keys, asked) = (keys(case), asked(case));
    let read = UnverifiedDebit::parse(&body).map_err(reason)?;
    if let Some(text) = case.find("text") {
        assert_eq!(UnverifiedDebit::parse_text(text).map_err(reason)?, read);
    }
    let subject = VerifyingKey::from_slice(&bytes(case.text("subject"))).unwrap();
    let debit = read.verify(&keys, &subject, &asked, now(case)).map_err(reason)?;
    assert_eq!(debit.to_bytes(), body);
    if let Some(seed) = case.find("subject-seed") {
        let made = Answer::make(&keys, &asked, now(case)).unwrap();
        let made = Debit::make(made, &asked, &signing_key(&bytes(seed)));
        assert_eq!(made.to_bytes(), body);
    }
    Ok(())
}

fn presentation(case: &Case) -> Result<(), String> {
    let body = body(case);
    let keys = keys(case);
    let read = UnverifiedPresentation::parse(&body).map_err(reason)?;
    if let Some(text) = case.find("text") {
        assert_eq!(UnverifiedPresentation::parse_text(text).map_err(reason)?, read);
    }
    let shown = read.verify(&keys, now(case)).map_err(reason)?;
    assert_eq!(shown.to_bytes(), body);
    if case.find("text").is_some() {
        let made = Presentation::make(&keys, now(case)).map(|made| made.to_bytes());
        assert_eq!(made.as_deref(), Some(&body[..]));
    }
    Ok(())
}

fn code(case: &Case) -> Result<(), String> {
    let number = case.text("number").parse().unwrap();
    let made = TypedCode::of(&keys(case), number).ok_or("no such code")?;
    let read = TypedCode::parse(str::from_utf8(&case.body).unwrap()).map_err(reason)?;
    if read == made { Ok(()) } else { Err("another code".to_owned()) }
}

fn base45(case: &Case) -> Result<(), String> {
    let read = from_base45(case.text("text")).map_err(reason)?;
    same("bytes", &hex::encode(&read), case.text("bytes"))?;
    same("text", &to_base45(&read), case.text("text"))
}

/// The bytes of the body, which is in hexadecimal.
fn body(case: &Case) -> Vec<u8> {
    bytes(str::from_utf8(&case.body).unwrap())
}

/// The challenge that is answered: its own check is another case.
fn asked(case: &Case) -> Challenge {
    let read = UnverifiedChallenge::parse(&bytes(case.text("challenge"))).unwrap();
    let till = signing_key(&[11; 32]).verifying_key();
    let shop = read.claimed_shop();
    let manifest = manifest_of("shop.example", shop, vec![till]);
    read.verify(&manifest, Timestamp::from_unix_seconds(1_795_262_410)).unwrap()
}

fn manifest(case: &Case) -> Verified<Manifest> {
    let key = |digits| VerifyingKey::from_slice(&bytes(digits)).unwrap();
    let keys = case.text("till-keys").split(' ').map(key).collect();
    manifest_of(case.text("domain"), ShopCode::parse(case.text("shop")).unwrap(), keys)
}

fn manifest_of(domain: &str, code: ShopCode, till_keys: Vec<VerifyingKey>) -> Verified<Manifest> {
    let sealing = SecretBytes::init_with(|to: &mut [u8; 32]| to.fill(6));
    let shop = Shop {
        code,
        kind: None,
        latitude_e7: 0,
        longitude_e7: 0,
        name: "shop".to_owned(),
        radius_metres: 60,
        scope: "shop.example/fr/*".to_owned(),
        till_keys,
    };
    let manifest = Manifest {
        controller: ControllerId::parse(domain).unwrap(),
        controller_key: signing_key(&[2; 32]).verifying_key(),
        days: Vec::new(),
        expires: Timestamp::from_unix_seconds(2),
        issued: Timestamp::from_unix_seconds(1),
        legal: LegalIdentity {
            address: "address".to_owned(),
            contact: "contact".to_owned(),
            display_name: "name".to_owned(),
            name: "name".to_owned(),
        },
        log: besace_protocol::log::LogNumber::FIRST,
        log_key: signing_key(&[4; 32]).verifying_key(),
        sealing_key: SealingSecretKey::from_bytes(sealing).public_key(),
        sequence: 1,
        shops: vec![shop],
        v: 1,
    };
    let moment = Timestamp::from_unix_seconds(1);
    sign(manifest, Role::Controller, &signing_key(&[2; 32]), moment).unwrap()
}

fn keys(case: &Case) -> ReleasedKeys {
    let root = PresenceRoot::init_with(|to| *to = bytes(case.text("root")).try_into().unwrap());
    let day = Day::from_number(case.text("day").parse().unwrap());
    let till = if case.find("till") == Some("no") { Till::Excluded } else { Till::Included };
    root.day_key(day, &Scope::of(case.text("scope"))).release(till)
}

fn signing_key(seed: &[u8]) -> SigningKey {
    SigningKey::from_seed(&SecretBytes::init_with(|to| *to = seed.try_into().unwrap()))
}

fn now(case: &Case) -> Timestamp {
    Timestamp::from_unix_seconds(case.text("now").parse().unwrap())
}

fn bytes(digits: &str) -> Vec<u8> {
    hex::decode(digits).unwrap()
}

fn reason(error: impl std::error::Error) -> String {
    error.to_string()
}
