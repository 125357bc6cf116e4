//! Continuations. `what` is `document` or `follows`; in the first, `subject` is the pinned key of the
//! pseudonym, in the second, `before` is the continuation that the case must follow.

use besace_protocol::{
    consent::Continuation,
    crypto::{SecretBytes, SigningKey, VerifyingKey},
    document::{Unverified, Verified, sign},
    jws::Role,
    time::Timestamp,
};

use super::{Case, same};

pub(crate) fn check(case: &Case) -> Result<(), String> {
    match case.text("what") {
        "document" => document(case),
        "follows" => follows(case),
        other => panic!("unknown rule {other}"),
    }
}

/// As the keys sign it that it names itself.
fn verify(bytes: &[u8]) -> Result<Verified<Continuation>, String> {
    let read = Unverified::<Continuation>::parse(bytes).map_err(|error| error.to_string())?;
    read.verify_parties().map_err(|error| error.to_string())
}

fn document(case: &Case) -> Result<(), String> {
    let verified = verify(&case.body)?;
    let pinned = VerifyingKey::parse(case.text("subject")).unwrap();
    if verified.payload().from.key != pinned {
        return Err("not the pseudonym's key".to_owned());
    }
    same("digest", &verified.digest().to_string(), case.text("digest"))?;
    let at = Timestamp::from_unix_seconds(case.text("time").parse().unwrap());
    let key = |name: &str| {
        let seed = hex::decode(case.text(name)).unwrap();
        SigningKey::from_seed(&SecretBytes::init_with(|to| to.copy_from_slice(&seed)))
    };
    let payload = verified.payload().clone();
    let mut signed = sign(payload, Role::Subject, &key("subject-seed"), at).unwrap();
    if case.find("successor-seed").is_some() {
        signed = signed.countersign(Role::Successor, &key("successor-seed"), at).unwrap();
    }
    let text = |bytes: &[u8]| str::from_utf8(bytes).unwrap().to_owned();
    same("document", &text(signed.as_bytes()), &text(&case.body))
}

fn follows(case: &Case) -> Result<(), String> {
    let before = verify(case.text("before").as_bytes())?;
    let after = verify(&case.body)?;
    let follows = after.payload().follows(before.payload());
    follows.then_some(()).ok_or_else(|| "begins elsewhere".to_owned())
}
