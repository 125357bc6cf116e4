//! The published vectors of `age`, through the way in of a backup: each by its name.

use std::io::Read as _;

use age::secrecy::SecretString;
use besace_protocol::{crypto::sha256, encoding::from_base64url};
use serde::Deserialize;

use super::{Identities, OpenBackupError, Opener, ParseIdentitiesError, Proof};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    name: String,
    expect: String,
    payload: Option<String>,
    identities: Vec<String>,
    passphrases: Vec<String>,
    armored: bool,
    compressed: bool,
    file: String,
}

/// What came of a vector, in the words of the vectors.
fn outcome(file: &[u8], opener: &Opener) -> (&'static str, Vec<u8>) {
    let mut content = match opener.content(file) {
        Ok(content) => content,
        Err(OpenBackupError::NoKey) => return ("no match", Vec::new()),
        Err(OpenBackupError::Changed) => return ("HMAC failure", Vec::new()),
        Err(OpenBackupError::Armored) => return ("armored", Vec::new()),
        Err(
            OpenBackupError::Header
            | OpenBackupError::NotAge
            | OpenBackupError::Work
            | OpenBackupError::NeedsPassphrase,
        ) => return ("header failure", Vec::new()),
        Err(error) => panic!("{error}"),
    };
    let mut released = Vec::new();
    match content.read_to_end(&mut released) {
        Ok(_) => ("success", released),
        Err(_) => ("payload failure", released),
    }
}

#[test]
fn every_published_vector_of_age_gives_its_answer() {
    let vectors = include_str!("../../../tests/fixtures/age/vectors.jsonl");
    let mut answered = std::collections::BTreeMap::<&str, usize>::new();
    for line in vectors.lines() {
        let vector: Vector = serde_json::from_str(line).unwrap();
        let Vector { name, expect, .. } = &vector;
        let mut file = from_base64url(&vector.file).unwrap();
        if vector.compressed {
            file = miniz_oxide::inflate::decompress_to_vec_zlib(&file).unwrap();
        }
        // Keys of another kind are refused by their name, before any file is looked at.
        let keys = vector.identities.join("\n");
        let identities = match Identities::parse(&keys) {
            Ok(identities) => identities,
            Err(ParseIdentitiesError::Count) if keys.is_empty() => Identities::none(),
            Err(error) => {
                let unknown = matches!(error, ParseIdentitiesError::Unknown { .. });
                assert!(unknown, "{name}: {error}");
                assert!(keys.contains("AGE-SECRET-KEY-PQ-1"), "{name}");
                *answered.entry("another kind of key").or_default() += 1;
                continue;
            }
        };
        let passphrase = vector.passphrases.first().map(|text| SecretString::from(text.as_str()));
        let opener = Opener { identities, passphrase, proof: Proof::Identity };
        let (found, released) = outcome(&file, &opener);
        if vector.armored {
            // The text form is not taken at all; with something before its first line it is nothing.
            assert!(found == "armored" || found == "header failure", "{name}: {found}");
            *answered.entry("armored").or_default() += 1;
            continue;
        }
        assert_eq!(found, expect, "{name}");
        if let Some(payload) = &vector.payload {
            assert_eq!(hex::encode(sha256(&[&released]).as_bytes()), *payload, "{name}");
        }
        *answered.entry(found).or_default() += 1;
    }
    let counts: Vec<String> = answered.iter().map(|(what, n)| format!("{what}: {n}")).collect();
    insta::assert_snapshot!(counts.join(", "), @"HMAC failure: 1, another kind of key: 19, armored: 32, header failure: 51, no match: 7, payload failure: 18, success: 15");
}
