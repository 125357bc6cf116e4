//! Signed documents: `typ`, and the public key pinned for each role that must have signed. With
//! `…-seed` and `…-time`, signing gives the body again, byte for byte.

use besace_protocol::{
    crypto::{SecretBytes, SigningKey, VerifyingKey},
    jws::{self, JWS_LEN_MAX, Role, Typ, UnverifiedJws},
    time::Timestamp,
};

use super::{Case, same};

const ROLES: [(Role, &str); 2] = [(Role::Subject, "subject"), (Role::Controller, "controller")];

pub(crate) fn check(case: &Case) -> Result<(), String> {
    let typ = *Typ::ALL.iter().find(|typ| typ.as_str() == case.text("typ")).unwrap();
    let pinned: Vec<(Role, VerifyingKey)> = ROLES
        .into_iter()
        .filter_map(|(role, name)| Some((role, VerifyingKey::parse(case.find(name)?).unwrap())))
        .collect();
    let signers: Vec<(Role, &VerifyingKey)> = pinned.iter().map(|(r, key)| (*r, key)).collect();
    let verified = UnverifiedJws::parse(&case.body, JWS_LEN_MAX)
        .map_err(|e| e.to_string())?
        .verify(typ, &signers)
        .map_err(|e| e.to_string())?;
    verified.payload::<serde_json::Value>().map_err(|e| e.to_string())?;
    same("payload", str::from_utf8(verified.payload_bytes()).unwrap(), case.text("payload"))?;
    if case.find("subject-seed").or_else(|| case.find("controller-seed")).is_some() {
        same("document", &sign(case, typ), str::from_utf8(&case.body).unwrap())?;
    }
    Ok(())
}

/// The document as the roles of the case sign it, the shopper first.
fn sign(case: &Case, typ: Typ) -> String {
    let payload: serde_json::Value = serde_json::from_str(case.text("payload")).unwrap();
    let mut document = None::<jws::VerifiedJws>;
    for (role, name) in ROLES {
        let Some(seed) = case.find(&format!("{name}-seed")) else { continue };
        let seed = hex::decode(seed).unwrap();
        let key = SigningKey::from_seed(&SecretBytes::init_with(|to| to.copy_from_slice(&seed)));
        let seconds = case.text(&format!("{name}-time")).parse().unwrap();
        let time = Timestamp::from_unix_seconds(seconds);
        document = Some(match document {
            None => jws::sign(typ, &payload, role, &key, time).unwrap(),
            Some(signed) => signed.countersign(role, &key, time).unwrap(),
        });
    }
    String::from_utf8(document.unwrap().as_bytes().to_vec()).unwrap()
}
