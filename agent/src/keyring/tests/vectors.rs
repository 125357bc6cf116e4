//! The vectors of `spec/vectors/slots`. They are checked here, because slots are the agent's alone.

use std::collections::BTreeMap;

use besace_protocol::lang::Language;

use super::*;

type Header = BTreeMap<String, String>;

#[test]
fn every_vector_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec/vectors/slots");
    let (mut faults, mut good, mut bad) = (Vec::new(), 0, 0);
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let end = bytes.windows(2).position(|pair| pair == b"\n\n").unwrap();
        let head = std::str::from_utf8(&bytes[..end]).unwrap();
        let header: Header = head
            .split('\n')
            .map(|line| line.split_once(": ").unwrap())
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        let checked = check(&header, &bytes[end + 2..]);
        match (header["expect"].as_str(), &checked) {
            ("ok", Ok(())) => good += 1,
            ("refused", Err(_)) => bad += 1,
            _ => faults.push(format!("{}: {checked:?}", path.display())),
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(good > 0 && bad > 0);
}

fn check(header: &Header, body: &[u8]) -> Result<(), String> {
    match header["figure"].as_str() {
        "words" => words(header, std::str::from_utf8(body).unwrap()),
        "device" => device(header, std::str::from_utf8(body).unwrap()),
        "file" => slot_file(header, body),
        other => panic!("unknown figure {other}"),
    }
}

fn same(what: &str, ours: &str, header: &Header) -> Result<(), String> {
    let theirs = &header[what];
    if ours == theirs { Ok(()) } else { Err(format!("{what}: {ours}, expected {theirs}")) }
}

fn words(header: &Header, text: &str) -> Result<(), String> {
    let kit = RecoveryKit::parse(text).map_err(|error| error.to_string())?;
    same("french", &kit.words(Language::Fr).join(" "), header)?;
    same("english", &kit.words(Language::En).join(" "), header)?;
    same("code", &kit.to_qr_text().unwrap(), header)?;
    same("recipient", &kit.age_identity().unwrap().to_public().to_string(), header)
}

fn device(header: &Header, text: &str) -> Result<(), String> {
    let key = DeviceKey::parse(text).map_err(|error| error.to_string())?;
    let prefix = bech32::Hrp::parse("besace-device-key-").unwrap();
    let bytes = hex::decode(&header["key"]).unwrap();
    let theirs = bech32::encode_upper::<bech32::Bech32m>(prefix, &bytes).unwrap();
    let ours = key.to_file_text(VaultId::from_bytes([0; 16]), NOW).unwrap();
    if ours.lines().last() == Some(&theirs) { Ok(()) } else { Err("another key".to_owned()) }
}

fn slot_file(header: &Header, bytes: &[u8]) -> Result<(), String> {
    let shown = header["shown"].as_str();
    let keyring = Keyring::parse(bytes).map_err(|error| error.to_string())?;
    let root = match header["secret"].as_str() {
        "passphrase" => keyring.unlock(Secret::Passphrase(&passphrase(shown))),
        "kit" => keyring.unlock(Secret::Kit(&RecoveryKit::parse(shown).unwrap())),
        "device" => keyring.unlock(Secret::Device(&DeviceKey::parse(shown).unwrap())),
        other => panic!("unknown secret {other}"),
    }
    .map_err(|error| error.to_string())?;
    same("root", &hex::encode(root.danger_expose()), header)?;
    let recipients = keyring.kit_recipients(&root);
    let recipients: Vec<String> = recipients.iter().map(ToString::to_string).collect();
    let recipients = if recipients.is_empty() { "none".to_owned() } else { recipients.join(" ") };
    same("recipients", &recipients, header)
}
