//! Algorithms, types and spellings that somebody else would accept.

use besace_protocol::{
    consent::{Grant, Withdrawal},
    document::sign,
    encoding::{from_base64url, to_base64url},
    id::WithdrawalId,
    jws::{Role, Typ},
};
use serde_json::json;

use super::{List, NOW, Scene, closed, forged, opened, read};

/// Her withdrawal, signed with her key under `header`, with this payload.
fn attempt(scene: &Scene, header: &str, payload: &[u8]) -> Result<(), String> {
    let bytes = forged(header, payload, &scene.her.keys.signing);
    read::<Withdrawal>(&bytes, &scene.signers()[1..]).map(|_| ())
}

fn withdrawal(scene: &Scene) -> Withdrawal {
    let given = scene.grant.payload();
    Withdrawal {
        controller: given.controller.clone(),
        grant: given.id,
        grant_digest: scene.grant.digest(),
        id: WithdrawalId::from_bytes([1; 16]),
        subject_key: given.subject_key,
        v: 1,
        withdrawn: NOW.plus(60),
    }
}

/// The right header and the right payload.
fn good(scene: &Scene) -> (String, Vec<u8>) {
    let kid = scene.her.keys.signing.verifying_key().key_id();
    let iat = NOW.as_unix_seconds();
    let header = format!(
        r#"{{"alg":"Ed25519","iat":{iat},"kid":"{kid}","role":"subject","typ":"besace-withdrawal+jws"}}"#
    );
    let signed = sign(withdrawal(scene), Role::Subject, &scene.her.keys.signing, NOW).unwrap();
    let payload = opened(signed.as_bytes())["payload"].as_str().unwrap().to_owned();
    (header, from_base64url(&payload).unwrap())
}

pub(super) fn holds(scene: &Scene) {
    let (header, payload) = good(scene);
    assert_eq!(attempt(scene, &header, &payload), Ok(()));
}

pub(super) fn tries(scene: &Scene, list: &mut List) {
    let (header, payload) = good(scene);
    algorithms(scene, list, &header, &payload);
    let key = to_base64url(scene.her.keys.signing.verifying_key().as_bytes());
    let kid = scene.her.keys.signing.verifying_key().key_id().to_string();
    let iat = NOW.as_unix_seconds();
    for (name, header) in [
        (
            "an embedded key",
            header.replace(
                ",\"kid\"",
                &format!(
                    ",\"jwk\":{{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"{key}\"}},\"kid\""
                ),
            ),
        ),
        (
            "an address of keys",
            header.replace(",\"kid\"", ",\"jku\":\"https://evil.example/keys\",\"kid\""),
        ),
        ("a certificate", header.replace("\"}", "\",\"x5c\":[\"AA\"]}")),
        (
            "an address of certificates",
            header.replace("\"}", "\",\"x5u\":\"https://evil.example\"}"),
        ),
        ("an empty list of critical members", header.replace(",\"iat\"", ",\"crit\":[],\"iat\"")),
        ("a critical member", header.replace(",\"iat\"", ",\"crit\":[\"exp\"],\"exp\":1,\"iat\"")),
        ("a payload that is not encoded", header.replace(",\"iat\"", ",\"b64\":false,\"iat\"")),
        ("compression", header.replace("\"}", "\",\"zip\":\"DEF\"}")),
        ("a content type", header.replace(",\"iat\"", ",\"cty\":\"json\",\"iat\"")),
        ("no algorithm", header.replace("\"alg\":\"Ed25519\",", "")),
        ("no moment", header.replace(&format!("\"iat\":{iat},"), "")),
        ("no key", header.replace(&format!("\"kid\":\"{kid}\","), "")),
        ("no role", header.replace("\"role\":\"subject\",", "")),
        ("no type", header.replace(",\"typ\":\"besace-withdrawal+jws\"", "")),
        ("two algorithms", header.replace("{\"alg\"", "{\"alg\":\"none\",\"alg\"")),
        ("two types", header.replace("\"}", "\",\"typ\":\"besace-grant+jws\"}")),
        ("two roles", header.replace("\"role\"", "\"role\":\"controller\",\"role\"")),
        ("a moment in text", header.replace(&iat.to_string(), &format!("\"{iat}\""))),
        ("a moment with a fraction", header.replace(&iat.to_string(), &format!("{iat}.0"))),
        ("a moment with an exponent", header.replace(&iat.to_string(), "1e9")),
        ("a negative moment", header.replace(&iat.to_string(), &format!("-{iat}"))),
        ("a moment beyond what JSON counts", header.replace(&iat.to_string(), "9007199254740993")),
        ("a role that there is not", header.replace("subject", "auditor")),
        ("a role in capitals", header.replace("subject", "Subject")),
        ("a type without suffix", header.replace("+jws", "")),
        ("a type of somebody else", header.replace("besace-withdrawal+jws", "JWT")),
        ("a type in capitals", header.replace("besace-withdrawal", "Besace-Withdrawal")),
        (
            "members in another order",
            format!(
                "{{\"typ\":\"besace-withdrawal+jws\",{}",
                &header[1..].replace(",\"typ\":\"besace-withdrawal+jws\"", "")
            ),
        ),
        ("spaces", header.replace(',', ", ")),
        ("a line feed at the end", format!("{header}\n")),
        ("a byte order mark", format!("\u{feff}{header}")),
        ("an escape", header.replace("subject", "\\u0073ubject")),
        ("a list", format!("[{header}]")),
        ("nothing", String::new()),
        ("a name of a key that is too short", header.replace(&kid, "AA")),
        ("a name of a key with padding", header.replace(&kid, &format!("{kid}=="))),
        ("a very long name of a key", header.replace(&kid, &"A".repeat(4096))),
    ] {
        let outcome = attempt(scene, &header, &payload);
        list.tries(format!("header with {name}"), "\"Jws(Header {", outcome);
    }
    let other = scene.shop.signing.verifying_key().key_id().to_string();
    let outcome = attempt(scene, &header.replace(&kid, &other), &payload);
    list.tries("header that names the key of the shop", "\"Key\"", outcome);
    for (role, rule) in [("controller", "\"Roles\""), ("successor", "\"Roles\"")] {
        let outcome = attempt(scene, &header.replace("subject", role), &payload);
        list.tries(format!("header in the role of {role}"), rule, outcome);
    }
    for typ in Typ::ALL.iter().filter(|typ| **typ != Typ::Withdrawal) {
        let header = header.replace("besace-withdrawal+jws", typ.as_str());
        let outcome = attempt(scene, &header, &payload);
        list.tries(format!("a withdrawal called {}", typ.as_str()), "\"Typ\"", outcome);
    }
    payloads(scene, list, &header, &payload);
    envelopes(scene, list);
}

/// What else could be said to have signed it.
fn algorithms(scene: &Scene, list: &mut List, header: &str, payload: &[u8]) {
    for alg in [
        "none",
        "None",
        "NONE",
        "",
        "EdDSA",
        "ed25519",
        "Ed448",
        "HS256",
        "HS512",
        "RS256",
        "PS256",
        "ES256",
        "ES256K",
        "Ed25519ph",
        "ML-DSA-44",
        "dir",
    ] {
        let header = header.replace("Ed25519", alg);
        let outcome = attempt(scene, &header, payload);
        list.tries(format!("algorithm {alg:?}"), "\"Jws(Header {", outcome);
    }
}

/// Payloads that say it otherwise, signed honestly.
fn payloads(scene: &Scene, list: &mut List, header: &str, payload: &[u8]) {
    let text = String::from_utf8(payload.to_vec()).unwrap();
    let deep = format!("{}{}", "[".repeat(2000), "]".repeat(2000));
    for (name, payload) in [
        ("with spaces", text.replace(',', ", ").into_bytes()),
        ("with a member more", text.replace("\"v\":1", "\"v\":1,\"why\":\"x\"").into_bytes()),
        ("with a member less", text.replace(",\"v\":1", "").into_bytes()),
        ("with a member twice", text.replace("\"v\":1", "\"v\":1,\"v\":1").into_bytes()),
        ("with a fraction", text.replace("\"v\":1", "\"v\":1.0").into_bytes()),
        ("with null", text.replace("\"v\":1", "\"v\":null").into_bytes()),
        ("with an escape", text.replace("shop.example", "shop\\u002eexample").into_bytes()),
        ("with a domain in capitals", text.replace("shop.example", "Shop.example").into_bytes()),
        (
            "with a domain that ends in a dot",
            text.replace("shop.example", "shop.example.").into_bytes(),
        ),
        (
            "with a domain in other letters",
            text.replace("shop.example", "ѕhop.example").into_bytes(),
        ),
        ("with a byte order mark", [b"\xef\xbb\xbf".as_slice(), payload].concat()),
        ("with a line feed", [payload, b"\n"].concat()),
        ("with a zero byte", [payload, b"\0"].concat()),
        ("that is not UTF-8", [b"\xff".as_slice(), payload].concat()),
        ("in UTF-16", text.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("that is empty", Vec::new()),
        ("that is null", b"null".to_vec()),
        ("that is very deep", deep.into_bytes()),
        ("that ends early", payload[..payload.len() - 1].to_vec()),
    ] {
        let outcome = attempt(scene, header, &payload);
        list.tries(format!("payload {name}"), "\"Payload(", outcome);
    }
    let outcome = attempt(scene, header, text.replace("\"v\":1", "\"v\":2").as_bytes());
    list.tries("payload of version 2", "\"Rule(Version)\"", outcome);
    let outcome = attempt(scene, header, &vec![b' '; 1 << 20]);
    list.tries("payload of a megabyte", "\"Jws(Json(TooLong", outcome);
}

/// What stands around payload and signatures.
fn envelopes(scene: &Scene, list: &mut List) {
    let grant = String::from_utf8(scene.grant.as_bytes().to_vec()).unwrap();
    let value = opened(scene.grant.as_bytes());
    let part = &value["signatures"][0];
    let flat = json!({
        "payload": value["payload"], "protected": part["protected"], "signature": part["signature"],
    });
    let compact = [&part["protected"], &value["payload"], &part["signature"]]
        .map(|text| text.as_str().unwrap())
        .join(".");
    for (name, bytes) in [
        ("in flattened form", closed(&flat)),
        ("in compact form", compact.into_bytes()),
        (
            "with an unprotected header",
            grant.replacen("{\"protected\"", "{\"header\":{},\"protected\"", 1).into_bytes(),
        ),
        (
            "with a member more",
            grant.replacen("{\"payload\"", "{\"note\":1,\"payload\"", 1).into_bytes(),
        ),
        (
            "with two payloads",
            grant.replacen("{\"payload\"", "{\"payload\":\"\",\"payload\"", 1).into_bytes(),
        ),
        (
            "with two lists of signatures",
            grant.replacen("\"signatures\"", "\"signatures\":[],\"signatures\"", 1).into_bytes(),
        ),
        ("with spaces", grant.replace(':', ": ").into_bytes()),
        ("with something behind it", format!("{grant}{grant}").into_bytes()),
        ("that ends early", grant.as_bytes()[..grant.len() - 2].to_vec()),
        ("of a hundred kilobytes", format!("{grant}{}", " ".repeat(100 << 10)).into_bytes()),
    ] {
        let outcome = read::<Grant>(&bytes, &scene.signers());
        list.tries(format!("envelope {name}"), "\"Jws(Json(", outcome);
    }
    let mut padded = value.clone();
    padded["payload"] = json!(format!("{}=", value["payload"].as_str().unwrap()));
    let outcome = read::<Grant>(&closed(&padded), &scene.signers());
    list.tries("envelope with a padded payload", "\"Jws(Base64)\"", outcome);
}
