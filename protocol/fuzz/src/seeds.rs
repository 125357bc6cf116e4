//! What the vectors of the specification hold, as input for parsers.

use std::{collections::BTreeSet, fs, io, path::Path};

use besace_protocol::encoding::from_base64url;

use super::parsers::Parser;

/// What stands in the vectors of its topics, and in `seeds/` under its own name.
pub fn of_parser(vectors: &Path, seeds: &Path, parser: &Parser) -> io::Result<Vec<Vec<u8>>> {
    let mut all = Vec::new();
    for topic in parser.topics {
        all.extend(of_topic(vectors, topic)?);
    }
    let own = seeds.join(parser.name);
    if own.exists() {
        all.push(fs::read(own)?);
    }
    Ok(all)
}

/// Every body of a topic's vectors, every value of their headers, and each of them out of hexadecimal,
/// base64url and the payload of a JWS; without repetition.
fn of_topic(vectors: &Path, topic: &str) -> io::Result<Vec<Vec<u8>>> {
    let mut seeds = BTreeSet::new();
    for entry in fs::read_dir(vectors.join(topic))? {
        let bytes = fs::read(entry?.path())?;
        let Some(end) = bytes.windows(2).position(|pair| pair == b"\n\n") else { continue };
        let (header, body) = bytes.split_at(end);
        add(&mut seeds, body.get(2..).unwrap_or_default());
        for line in header.split(|b| *b == b'\n') {
            let value = line.windows(2).position(|pair| pair == b": ");
            if let Some(value) = value.and_then(|at| line.get(at.saturating_add(2)..)) {
                add(&mut seeds, value);
            }
        }
    }
    Ok(seeds.into_iter().collect())
}

fn add(seeds: &mut BTreeSet<Vec<u8>>, bytes: &[u8]) {
    seeds.insert(bytes.to_vec());
    if let Ok(decoded) = hex::decode(bytes) {
        seeds.insert(decoded);
    }
    if let Some(Ok(decoded)) = str::from_utf8(bytes).ok().map(from_base64url) {
        seeds.insert(decoded);
    }
    let jws: Option<serde_json::Value> = serde_json::from_slice(bytes).ok();
    let payload = jws.as_ref().and_then(|jws| jws.get("payload")?.as_str());
    if let Some(Ok(payload)) = payload.map(from_base64url) {
        seeds.insert(payload);
    }
}
