//! Commitments, openings, the tree, its proofs, signed notes, checkpoints, tiles; `figure` says which.
//! Entry i of a tree is SHA-256 of BE64(i).

use besace_protocol::{
    crypto::{Digest, VerifyingKey, sha256},
    encoding::{from_base64, from_base64url},
    log::{
        Commitment, Frontier, LogKey, Opening, Origin, Salt, SignedCheckpoint, TilePath, TileRow,
        UnverifiedAddCheckpoint, UnverifiedCheckpoint, UnverifiedCosignature, UnverifiedProof,
        WitnessKey, WitnessName, WitnessPolicy, WitnessRefusal, bundle_of, commitment,
        parse_bundle, parse_tree_size, tiles_of, tree_size, verify_consistency, verify_inclusion,
    },
    time::Timestamp,
};

use super::{Case, same};

pub(crate) fn check(case: &Case) -> Result<(), String> {
    match case.text("figure") {
        "commitment" => hides(case),
        "opening" => opening(case),
        "log-key" => log_key(case),
        "checkpoint" => checkpoint(case),
        "root" => root(case),
        "inclusion" => inclusion(case),
        "consistency" => consistency(case),
        "proof" => proof(case),
        "tile-path" => tile_path(case),
        "tiles" => tiles(case),
        "bundle" => bundle(case),
        "witness-key" => witness_key(case),
        "cosignature" => cosignature(case),
        "cosignature-line" => cosignature_line(case),
        "policy" => policy(case),
        "quorum" => quorum(case),
        "add-checkpoint" => add_checkpoint(case),
        "tree-size" => size(case),
        other => panic!("unknown figure {other}"),
    }
}

fn digest(case: &Case, key: &str) -> Digest {
    Digest::parse(case.text(key)).unwrap()
}

fn number(case: &Case, key: &str) -> u64 {
    case.text(key).parse().unwrap()
}

fn text(case: &Case) -> Result<&str, String> {
    str::from_utf8(&case.body).map_err(|e| e.to_string())
}

fn key_of(case: &Case) -> LogKey {
    LogKey::parse(case.text("log-key")).unwrap()
}

/// One base64 hash a line.
fn hashes(case: &Case) -> Vec<Digest> {
    let hash = |line| Digest::from_bytes(from_base64(line).unwrap().try_into().unwrap());
    text(case).unwrap().lines().map(hash).collect()
}

fn hides(case: &Case) -> Result<(), String> {
    let salt = Salt::from_bytes(hex::decode(case.text("salt")).unwrap().try_into().unwrap());
    same("commitment", &commitment(&salt, &case.body).to_string(), case.text("commitment"))
}

fn opening(case: &Case) -> Result<(), String> {
    let opening = Opening::parse(&case.body).map_err(|e| e.to_string())?;
    same("index", &opening.index.to_string(), case.text("index"))?;
    opening.check(&digest(case, "commitment").into()).map_err(|e| e.to_string())?;
    let again = opening.to_bytes().unwrap();
    same("bytes", str::from_utf8(&again).unwrap(), text(case)?)
}

fn log_key(case: &Case) -> Result<(), String> {
    let key = LogKey::parse(text(case)?).map_err(|e| e.to_string())?;
    same("origin", key.origin().as_str(), case.text("origin"))?;
    same("key", &key.verifying_key().to_string(), case.text("key"))?;
    let origin = Origin::parse(case.text("origin")).unwrap();
    let again = LogKey::new(origin, VerifyingKey::parse(case.text("key")).unwrap());
    same("text", &again.to_string(), text(case)?)
}

fn checkpoint(case: &Case) -> Result<(), String> {
    let parsed = UnverifiedCheckpoint::parse(&case.body).map_err(|e| e.to_string())?;
    let verified: Result<SignedCheckpoint, _> = match case.text("lines") {
        "one" => parsed.verify_exact(&key_of(case)),
        "any" => parsed.verify(&key_of(case)),
        other => panic!("unknown lines {other}"),
    };
    let signed = verified.map_err(|e| e.to_string())?;
    same("size", &signed.size().to_string(), case.text("size"))?;
    same("root", &signed.root().to_string(), case.text("root"))?;
    same("text", signed.as_str(), text(case)?)
}

fn root(case: &Case) -> Result<(), String> {
    let mut tree = Frontier::empty();
    for i in 0..number(case, "size") {
        assert!(!tree.append(&sha256(&[&i.to_be_bytes()]).into()).is_empty());
    }
    same("root", &tree.root().to_string(), text(case)?)
}

fn inclusion(case: &Case) -> Result<(), String> {
    let entry = Commitment::from(digest(case, "entry"));
    let (index, size) = (number(case, "index"), number(case, "size"));
    verify_inclusion(&entry, index, size, &hashes(case), &digest(case, "root"))
        .map_err(|e| e.to_string())
}

fn consistency(case: &Case) -> Result<(), String> {
    let (old, new) = (number(case, "old-size"), number(case, "new-size"));
    let (old_root, new_root) = (digest(case, "old-root"), digest(case, "new-root"));
    verify_consistency(old, &old_root, new, &new_root, &hashes(case)).map_err(|e| e.to_string())
}

fn proof(case: &Case) -> Result<(), String> {
    let parsed = UnverifiedProof::parse(&case.body).map_err(|e| e.to_string())?;
    let key = key_of(case);
    let again = if let Some(record) = case.find("record") {
        let opened = parsed.verify_opening(&key, record.as_bytes());
        let (proof, opening) = opened.map_err(|e| e.to_string())?;
        proof.to_text_with_salt(&opening.salt)
    } else {
        let entry = digest(case, "entry").into();
        parsed.verify(&key, &entry).map_err(|e| e.to_string())?.to_string()
    };
    same("text", &again, text(case)?)
}

fn tile_path(case: &Case) -> Result<(), String> {
    let path = TilePath::parse(text(case)?).map_err(|e| e.to_string())?;
    let row = match path.row() {
        TileRow::Entries => "entries".to_owned(),
        TileRow::Hashes(level) => level.to_string(),
    };
    let tile = format!("{row} {} {}", path.index(), path.width());
    same("tile", &tile, case.text("tile"))?;
    same("text", &path.to_string(), text(case)?)
}

fn tiles(case: &Case) -> Result<(), String> {
    let list: Vec<String> = tiles_of(number(case, "size")).map(|path| path.to_string()).collect();
    same("list", &list.join("\n"), text(case)?.trim_end())
}

fn bundle(case: &Case) -> Result<(), String> {
    let width = case.text("width").parse().unwrap();
    let entries = parse_bundle(&case.body, width).map_err(|e| e.to_string())?;
    let texts: Vec<String> = entries.iter().map(ToString::to_string).collect();
    same("entries", &texts.join(" "), case.text("entries"))?;
    same("bytes", &hex::encode(bundle_of(&entries)), &hex::encode(&case.body))
}

fn witness_key(case: &Case) -> Result<(), String> {
    let key = WitnessKey::parse(text(case)?).map_err(|e| e.to_string())?;
    same("name", key.name().as_str(), case.text("name"))?;
    same("key", &key.verifying_key().to_string(), case.text("key"))?;
    let name = WitnessName::parse(case.text("name")).unwrap();
    let again = WitnessKey::new(name, VerifyingKey::parse(case.text("key")).unwrap());
    same("text", &again.to_string(), text(case)?)
}

fn signed(case: &Case, checkpoint: &[u8]) -> Result<SignedCheckpoint, String> {
    let parsed = UnverifiedCheckpoint::parse(checkpoint).map_err(|e| e.to_string())?;
    parsed.verify(&key_of(case)).map_err(|e| e.to_string())
}

fn cosignature(case: &Case) -> Result<(), String> {
    let witness = WitnessKey::parse(case.text("witness-key")).unwrap();
    let found = signed(case, &case.body)?.cosigned_by(&witness).map_err(|e| e.to_string())?;
    let at = found.ok_or("no line of this witness")?.at();
    same("time", &at.as_unix_seconds().to_string(), case.text("at"))
}

fn cosignature_line(case: &Case) -> Result<(), String> {
    let checkpoint = signed(case, &from_base64url(case.text("checkpoint")).unwrap()).unwrap();
    let witness = WitnessKey::parse(case.text("witness-key")).unwrap();
    let line = UnverifiedCosignature::parse(&case.body).map_err(|e| e.to_string())?;
    let cosignature = line.verify(&witness, &checkpoint).map_err(|e| e.to_string())?;
    same("text", &cosignature.to_string(), text(case)?)?;
    same("time", &cosignature.at().as_unix_seconds().to_string(), case.text("at"))
}

fn policy(case: &Case) -> Result<(), String> {
    let policy = WitnessPolicy::parse(&case.body).map_err(|e| e.to_string())?;
    let names: Vec<&str> = policy.witnesses().iter().map(|w| w.key.name().as_str()).collect();
    same("witnesses", &names.join(" "), case.find("witnesses").unwrap_or_default())?;
    same("quorum", if policy.asks() { "asked" } else { "none" }, case.text("quorum"))
}

fn quorum(case: &Case) -> Result<(), String> {
    let policy = WitnessPolicy::parse(&from_base64url(case.text("policy")).unwrap());
    let now = Timestamp::from_unix_seconds(number(case, "now"));
    let head = signed(case, &case.body)?;
    let witnessed = policy.map_err(|e| e.to_string())?;
    let witnessed = witnessed.verify(&head, now, number(case, "age-max"));
    let at = witnessed.map_err(|e| e.to_string())?.at();
    same("time", &at.as_unix_seconds().to_string(), case.text("at"))
}

/// What a witness says that knows `log-key`, and cosigned `last` if there is one.
fn add_checkpoint(case: &Case) -> Result<(), String> {
    let request = UnverifiedAddCheckpoint::parse(&case.body).map_err(|e| e.to_string())?;
    let last = case.find("last").map(|last| signed(case, &from_base64url(last).unwrap()).unwrap());
    let key = case.find("log-key").map(|_| key_of(case));
    let answer = match request.judge(key.as_ref(), last.as_ref()) {
        Ok(head) => format!("cosign {}", head.size()),
        Err(WitnessRefusal::UnknownLog) => "unknown-log".to_owned(),
        Err(WitnessRefusal::NotSigned) => "not-signed".to_owned(),
        Err(WitnessRefusal::Backwards) => "backwards".to_owned(),
        Err(WitnessRefusal::OtherSize { size }) => format!("other-size {size}"),
        Err(WitnessRefusal::Inconsistent) => "inconsistent".to_owned(),
    };
    same("answer", &answer, case.text("answer"))
}

fn size(case: &Case) -> Result<(), String> {
    let size = parse_tree_size(&case.body).ok_or("not a size")?;
    same("size", &size.to_string(), case.text("size"))?;
    same("text", &tree_size(size), text(case)?)
}
