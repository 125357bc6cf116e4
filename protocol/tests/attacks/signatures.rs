//! Signatures and keys that are almost right.

use besace_protocol::{
    consent::Grant,
    crypto::{SealingPublicKey, VerifyingKey},
    encoding::{from_base64url, to_base64url},
};
use serde_json::{Value, json};

use super::{List, Scene, closed, opened, read};

/// The order of the base point, little-endian: RFC 8032, section 5.1.
const L: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// Every encoding of a point of small order of edwards25519, canonical or not.
const SMALL_ORDER: [(&str, &str); 14] = [
    ("order 1", "0100000000000000000000000000000000000000000000000000000000000000"),
    ("order 1, sign set", "0100000000000000000000000000000000000000000000000000000000000080"),
    ("order 1, y beyond p", "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    (
        "order 1, y beyond p, sign set",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    ),
    ("order 2", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    ("order 2, sign set", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"),
    ("order 4", "0000000000000000000000000000000000000000000000000000000000000000"),
    ("order 4, other root", "0000000000000000000000000000000000000000000000000000000000000080"),
    ("order 4, y is p", "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    (
        "order 4, y is p, other root",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    ),
    ("order 8, first", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    ("order 8, second", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85"),
    ("order 8, third", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
    ("order 8, fourth", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"),
];

/// Points of small order of curve25519 and of its twist, and second spellings: RFC 7748, section 5.
const NOT_CONTRIBUTING: [(&str, &str); 9] = [
    ("zero", "0000000000000000000000000000000000000000000000000000000000000000"),
    ("one", "0100000000000000000000000000000000000000000000000000000000000000"),
    ("order 8, first", "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    ("order 8, second", "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
    ("p - 1", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    ("p", "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    ("p + 1", "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    ("nine and p", "f6ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    (
        "nine with the highest bit",
        "0900000000000000000000000000000000000000000000000000000000000080",
    ),
];

pub(super) fn tries(scene: &Scene, list: &mut List) {
    let roles = [(0, "controller"), (1, "subject")];
    for (index, role) in roles {
        let good = signature(&opened(scene.grant.as_bytes()), index);
        let others = signature(&opened(scene.grant.as_bytes()), 1 - index);
        for (name, bytes) in changed(&good, &others) {
            let rule = if bytes.len() == 64 { "\"Signature\"" } else { "\"Jws(Base64)\"" };
            let attempt = read::<Grant>(&with(scene, index, &bytes), &scene.signers());
            list.tries(format!("signature of {role}: {name}"), rule, attempt);
        }
        for (name, text) in respelled(&to_base64url(&good)) {
            let mut grant = opened(scene.grant.as_bytes());
            grant["signatures"][index]["signature"] = json!(text);
            let attempt = read::<Grant>(&closed(&grant), &scene.signers());
            list.tries(format!("signature of {role}: {name}"), "\"Jws(Json(", attempt);
        }
        for (name, point) in SMALL_ORDER {
            let small = [hex(point).as_slice(), &[0; 32]].concat();
            let attempt = read::<Grant>(&with(scene, index, &small), &scene.signers());
            list.tries(
                format!("signature of {role}: R of {name}, S zero"),
                "\"Signature\"",
                attempt,
            );
        }
    }
    for (name, point) in SMALL_ORDER {
        list.tries(
            format!("key of {name}"),
            "ParseKeyError",
            VerifyingKey::from_slice(&hex(point)),
        );
    }
    for (name, point) in NOT_CONTRIBUTING {
        let attempt = SealingPublicKey::from_slice(&hex(point));
        list.tries(format!("sealing key: {name}"), "ParseKeyError", attempt);
    }
    for (name, member) in [("controller", "controller_key"), ("subject", "subject_key")] {
        let mut grant = opened(scene.grant.as_bytes());
        let mut payload = opened(scene.grant.as_bytes())["payload"]
            .as_str()
            .map(|text| opened(&from_base64url(text).unwrap()))
            .unwrap();
        payload[member] = json!(to_base64url(&hex(SMALL_ORDER[0].1)));
        grant["payload"] = json!(to_base64url(&closed(&payload)));
        let attempt = read::<Grant>(&closed(&grant), &scene.signers());
        list.tries(format!("grant that names a {name} key of order 1"), "\"Payload(", attempt);
    }
    swaps(scene, list);
}

/// Parts of two documents, or of one, in other places.
fn swaps(scene: &Scene, list: &mut List) {
    let signers = scene.signers();
    let mut swapped = opened(scene.grant.as_bytes());
    let parts = swapped["signatures"].as_array().unwrap().clone();
    swapped["signatures"] = json!([parts[1], parts[0]]);
    let attempt = read::<Grant>(&closed(&swapped), &signers);
    list.tries("roles in another order", "\"Jws(Signatures)\"", attempt);
    for (name, kept) in [("twice the controller", [0, 0]), ("twice the subject", [1, 1])] {
        swapped["signatures"] = json!([parts[kept[0]], parts[kept[1]]]);
        let attempt = read::<Grant>(&closed(&swapped), &signers);
        list.tries(name, "\"Jws(Signatures)\"", attempt);
    }
    for (name, kept) in [("the controller alone", 0), ("the subject alone", 1)] {
        swapped["signatures"] = json!([parts[kept]]);
        list.tries(name, "\"Roles\"", read::<Grant>(&closed(&swapped), &signers));
    }
    swapped["signatures"] = json!([parts[0], parts[1], parts[1]]);
    let attempt = read::<Grant>(&closed(&swapped), &signers);
    list.tries("a third signature", "\"Jws(Signatures)\"", attempt);
    swapped["signatures"] = json!([]);
    let attempt = read::<Grant>(&closed(&swapped), &signers);
    list.tries("no signature", "\"Jws(Signatures)\"", attempt);

    let mut rng = scene.rng.clone();
    let second = scene.her.give(&scene.request, &scene.shop, &mut rng);
    let (mut first, second) = (opened(scene.grant.as_bytes()), opened(second.as_bytes()));
    let whole = first.clone();
    first["payload"] = second["payload"].clone();
    let attempt = read::<Grant>(&closed(&first), &signers);
    list.tries("signatures of one grant under another", "\"Signature\"", attempt);
    for (index, role) in [(0, "controller"), (1, "subject")] {
        let mut mixed = whole.clone();
        mixed["signatures"][index] = second["signatures"][index].clone();
        let attempt = read::<Grant>(&closed(&mixed), &signers);
        list.tries(format!("{role} of another grant"), "\"Signature\"", attempt);
        let mut mixed = whole.clone();
        mixed["signatures"][index]["protected"] =
            whole["signatures"][1 - index]["protected"].clone();
        let attempt = read::<Grant>(&closed(&mixed), &signers);
        list.tries(format!("{role} under the header of the other"), "\"Jws(Signatures)\"", attempt);
    }
}

/// What can be made of a signature without its key.
fn changed(good: &[u8], others: &[u8]) -> Vec<(String, Vec<u8>)> {
    let (r, s) = good.split_at(32);
    let mut cases = vec![
        ("of the other party".to_owned(), others.to_vec()),
        ("all zero".to_owned(), vec![0; 64]),
        ("all ones".to_owned(), vec![0xff; 64]),
        ("halves swapped".to_owned(), [s, r].concat()),
        ("R twice".to_owned(), [r, r].concat()),
        ("S negated".to_owned(), [r, &minus(&L, s)].concat()),
        ("empty".to_owned(), vec![]),
        ("one byte short".to_owned(), good[..63].to_vec()),
        ("one byte long".to_owned(), [good, &[0]].concat()),
        ("twice".to_owned(), [good, good].concat()),
    ];
    // The same S modulo L, as often as 256 bits take it: a second spelling for a lax verifier.
    let mut larger = s.to_vec();
    for times in 1..=15 {
        larger = plus(&larger, &L);
        cases.push((format!("S plus {times} L"), [r, &larger].concat()));
    }
    for bit in [253, 254, 255] {
        let mut high = s.to_vec();
        high[bit / 8] |= 1 << (bit % 8);
        cases.push((format!("S with bit {bit}"), [r, &high].concat()));
    }
    cases
}

/// Other texts for the same bytes.
fn respelled(good: &str) -> Vec<(&'static str, String)> {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (start, last) = good.split_at(good.len() - 1);
    let place = alphabet.iter().position(|c| *c == last.as_bytes()[0]).unwrap();
    vec![
        ("padded", format!("{good}==")),
        ("with unused bits", format!("{start}{}", char::from(alphabet[place + 1]))),
        ("with a line feed", format!("{good}\n")),
        ("with a space", format!(" {good}")),
        ("in the other alphabet", format!("+/{}", &good[2..])),
    ]
}

fn with(scene: &Scene, index: usize, signature: &[u8]) -> Vec<u8> {
    let mut grant = opened(scene.grant.as_bytes());
    grant["signatures"][index]["signature"] = json!(to_base64url(signature));
    closed(&grant)
}

fn signature(grant: &Value, index: usize) -> Vec<u8> {
    from_base64url(grant["signatures"][index]["signature"].as_str().unwrap()).unwrap()
}

/// Little-endian sum, modulo 2^256.
fn plus(one: &[u8], other: &[u8]) -> Vec<u8> {
    let mut carry = 0_u16;
    let digits = one.iter().zip(other).map(|(a, b)| {
        carry += u16::from(*a) + u16::from(*b);
        let [digit, _] = carry.to_le_bytes();
        carry >>= 8;
        digit
    });
    digits.collect()
}

/// Little-endian difference of a larger number and a smaller one.
fn minus(larger: &[u8], smaller: &[u8]) -> Vec<u8> {
    let inverted: Vec<u8> = smaller.iter().map(|byte| !byte).collect();
    let one = [[1].as_slice(), &[0; 31]].concat();
    plus(&plus(larger, &inverted), &one)
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|n| u8::from_str_radix(&text[2 * n..2 * n + 2], 16).unwrap()).collect()
}
