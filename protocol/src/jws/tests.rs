use std::{format, string::ToString as _, vec};

use proptest::prelude::*;

use super::*;
use crate::crypto::SecretBytes;

fn key(fill: u8) -> SigningKey {
    SigningKey::from_seed(&SecretBytes::init_with(|seed| seed.fill(fill)))
}

const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_300_000);

fn grant() -> VerifiedJws {
    sign(Typ::Grant, &serde_json::json!({"v": 1}), Role::Subject, &key(1), NOW)
        .unwrap()
        .countersign(Role::Controller, &key(2), NOW.plus(1))
        .unwrap()
}

fn verify(
    bytes: &[u8],
    typ: Typ,
    signers: &[(Role, &VerifyingKey)],
) -> Result<VerifiedJws, &'static str> {
    UnverifiedJws::parse(bytes, JWS_LEN_MAX)
        .map_err(|_| "parse")?
        .verify(typ, signers)
        .map_err(|_| "verify")
}

#[test]
fn two_parties_sign_the_same_bytes() {
    let (subject, controller) = (key(1).verifying_key(), key(2).verifying_key());
    let signers = [(Role::Subject, &subject), (Role::Controller, &controller)];
    let verified = verify(grant().as_bytes(), Typ::Grant, &signers).unwrap();
    assert_eq!(verified.payload_bytes(), b"{\"v\":1}");
    assert_eq!(verified.signed_at(Role::Subject), Some(NOW));
    assert_eq!(verified.signed_at(Role::Controller), Some(NOW.plus(1)));
}

#[test]
fn another_type_role_or_key_is_refused() {
    let (subject, controller) = (key(1).verifying_key(), key(2).verifying_key());
    let other = key(3).verifying_key();
    let both = [(Role::Subject, &subject), (Role::Controller, &controller)];
    let jws = grant();
    assert!(verify(jws.as_bytes(), Typ::Withdrawal, &both).is_err());
    assert!(verify(jws.as_bytes(), Typ::Grant, &both[..1]).is_err());
    assert!(verify(jws.as_bytes(), Typ::Grant, &[(Role::Subject, &other), both[1]]).is_err());
    assert!(
        verify(
            jws.as_bytes(),
            Typ::Grant,
            &[(Role::Subject, &controller), (Role::Controller, &subject)]
        )
        .is_err()
    );
    assert!(verify(jws.as_bytes(), Typ::Grant, &[both[0], (Role::Controller, &subject)]).is_err());
    // A role that may not sign this type at all.
    let forged = sign(Typ::Manifest, &serde_json::json!({}), Role::Subject, &key(1), NOW).unwrap();
    assert!(verify(forged.as_bytes(), Typ::Manifest, &both[..1]).is_err());
}

#[test]
fn headers_outside_the_profile_are_refused() {
    let payload = to_base64url(b"{}");
    let signer = key(1);
    let kid = signer.verifying_key().key_id().to_string();
    let make = |header: &str| {
        let protected = to_base64url(header.as_bytes());
        let signature = signer.sign(&signing_input(&protected, &payload));
        format!(
            r#"{{"payload":"{payload}","signatures":[{{"protected":"{protected}","signature":"{}"}}]}}"#,
            to_base64url(signature.as_bytes())
        )
    };
    let public = signer.verifying_key();
    let signers = [(Role::Subject, &public)];
    let good = format!(
        r#"{{"alg":"Ed25519","iat":1,"kid":"{kid}","role":"subject","typ":"besace-call+jws"}}"#
    );
    assert!(verify(make(&good).as_bytes(), Typ::Call, &signers).is_ok());
    for bad in [
        good.replace("Ed25519", "EdDSA"),
        good.replace("Ed25519", "none"),
        good.replace("Ed25519", "HS256"),
        good.replace("\"iat\":1", "\"iat\":1.0"),
        good.replace("\"iat\":1", "\"iat\":9007199254740992"),
        good.replace("\"iat\":1", "\"crit\":[],\"iat\":1"),
        good.replace("\"iat\":1", "\"b64\":false,\"iat\":1"),
        good.replace("\"iat\":1", "\"iat\":1,\"jwk\":{}"),
        good.replace("\"iat\":1", "\"iat\":1,\"iat\":1"),
        good.replace("\"iat\":1,", ""),
        good.replace("besace-call+jws", "JWT"),
        good.replace("subject", "auditor"),
        good.replace(',', ", "),
        good.replace(&kid, "AA"),
    ] {
        assert!(verify(make(&bad).as_bytes(), Typ::Call, &signers).is_err(), "{bad}");
    }
    let outside = make(&good);
    for bad in [
        outside.replace(r#"{"protected""#, r#"{"header":{},"protected""#),
        outside.replace(r#"{"payload""#, r#"{"extra":1,"payload""#),
        outside.replace("\"signatures\":[", "\"signatures\":[],\"signatures\":["),
        format!(r#"{{"payload":"{payload}","signatures":[]}}"#),
        format!("{outside}\n"),
        outside.replace(&payload, &format!("{payload}=")),
    ] {
        assert!(verify(bad.as_bytes(), Typ::Call, &signers).is_err(), "{bad}");
    }
}

#[test]
fn one_role_signs_once_and_types_do_not_mix() {
    let text = String::from_utf8(grant().as_bytes().to_vec()).unwrap();
    let general: serde_json::Value = serde_json::from_str(&text).unwrap();
    let parts = general["signatures"].as_array().unwrap();
    let with = |signatures: Vec<serde_json::Value>| {
        to_canonical_json(
            &serde_json::json!({"payload": general["payload"], "signatures": signatures}),
        )
        .unwrap()
    };
    assert!(UnverifiedJws::parse(&with(parts.clone()), JWS_LEN_MAX).is_ok());
    assert!(
        UnverifiedJws::parse(&with(vec![parts[0].clone(), parts[0].clone()]), JWS_LEN_MAX).is_err()
    );
    assert!(
        UnverifiedJws::parse(&with(vec![parts[1].clone(), parts[0].clone()]), JWS_LEN_MAX).is_err()
    );
    let other =
        sign(Typ::Withdrawal, &serde_json::json!({"v": 1}), Role::Subject, &key(1), NOW).unwrap();
    let other: serde_json::Value = serde_json::from_slice(other.as_bytes()).unwrap();
    assert!(
        UnverifiedJws::parse(
            &with(vec![parts[0].clone(), other["signatures"][0].clone()]),
            JWS_LEN_MAX
        )
        .is_err()
    );
}

#[test]
fn every_flipped_bit_is_refused() {
    let (subject, controller) = (key(1).verifying_key(), key(2).verifying_key());
    let signers = [(Role::Subject, &subject), (Role::Controller, &controller)];
    let good = grant();
    for i in 0..good.as_bytes().len() {
        for bit in [0, 3, 5] {
            let mut bytes = good.as_bytes().to_vec();
            bytes[i] ^= 1 << bit;
            assert!(verify(&bytes, Typ::Grant, &signers).is_err(), "byte {i} bit {bit}");
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_make_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = UnverifiedJws::parse(&bytes, JWS_LEN_MAX).is_ok();
    }
}
