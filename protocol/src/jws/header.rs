//! The protected header: exactly `alg iat kid role typ`.

use alloc::{
    string::{String, ToString as _},
    vec::Vec,
};

use serde::{Deserialize, Serialize};

use super::{Role, Typ};
use crate::{
    crypto::KeyId,
    encoding::{JsonError, from_json_exact, to_canonical_json},
    time::Timestamp,
};

/// Longest protected header, in bytes.
const HEADER_LEN_MAX: usize = 256;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ProtectedHeader {
    pub(super) iat: Timestamp,
    pub(super) kid: KeyId,
    pub(super) role: Role,
    pub(super) typ: Typ,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    alg: Algorithm,
    iat: Timestamp,
    kid: String,
    role: Role,
    typ: Typ,
}

/// The one algorithm (RFC 9864, section 2.2).
#[derive(Serialize, Deserialize)]
enum Algorithm {
    Ed25519,
}

impl ProtectedHeader {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, JsonError> {
        let wire: Wire = from_json_exact(bytes, HEADER_LEN_MAX)?;
        if to_canonical_json(&wire)? != bytes {
            return Err(JsonError::NotCanonical);
        }
        let kid = KeyId::parse(&wire.kid).ok_or(JsonError::NotCanonical)?;
        Ok(Self { iat: wire.iat, kid, role: wire.role, typ: wire.typ })
    }

    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, JsonError> {
        to_canonical_json(&Wire {
            alg: Algorithm::Ed25519,
            iat: self.iat,
            kid: self.kid.to_string(),
            role: self.role,
            typ: self.typ,
        })
    }
}
