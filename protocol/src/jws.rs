//! The strict profile of JWS: General JSON serialization (RFC 7515, section 7.2.1), Ed25519 only
//! (RFC 9864), one signature per party over the same bytes. `spec/encoding.md#signed-documents`.
//!
//! Signatures are checked over the bytes that travelled; nothing is serialised again to verify.
//! It does not do: other algorithms, unprotected headers, `crit`, embedded keys, compact form.

mod header;
mod kind;

use alloc::{collections::BTreeSet, string::String, vec::Vec};
use core::fmt;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use self::header::ProtectedHeader;
pub use self::kind::{Role, Typ};
use crate::{
    crypto::{Digest, KeyId, Signature, SigningKey, VerifyingKey, sha256},
    encoding::{
        Bytes, JsonError, from_base64url, from_json, from_json_exact, to_base64url,
        to_canonical_json,
    },
    time::Timestamp,
};

/// Longest JWS that is read when its type sets no smaller limit, in bytes: a catalogue of 2,000
/// offers with texts in two languages takes about 1.3 MB.
pub const JWS_LEN_MAX: usize = 8 << 20;

/// Bytes that are not a JWS of our profile. Somebody else's fault, always.
#[derive(Debug, thiserror::Error)]
pub enum ParseJwsError {
    /// Not strict JSON with exactly the members of the profile.
    #[error("not a JWS in General JSON serialization")]
    Json(#[source] JsonError),
    /// A protected header holds something else than the profile says.
    #[error("protected header {index} is not of the profile")]
    Header {
        /// Which signature, from 0.
        index: usize,
        /// What the reader said.
        #[source]
        source: JsonError,
    },
    /// Payload or signature is not canonical base64url of the right length.
    #[error("payload or signature is not canonical base64url")]
    Base64,
    /// No signature, two for one role, two types, or roles in another order than `Role`'s.
    #[error("signatures do not fit one document")]
    Signatures,
}

/// A well-formed JWS that does not hold. Says which rule, never why the cryptography failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyJwsError {
    /// The document is of another type.
    #[error("document of another type")]
    Typ,
    /// The roles that signed are not those that had to.
    #[error("signed by other roles than demanded")]
    Roles,
    /// A signature names a key that is not the one pinned for its role, or one key has two roles.
    #[error("signed with another key than the pinned one")]
    Key,
    /// A signature does not verify.
    #[error("signature does not verify")]
    Signature,
}

/// A JWS as it arrived: well formed, but **not** checked.
#[derive(Clone)]
pub struct UnverifiedJws {
    bytes: Vec<u8>,
    payload_text: String,
    payload: Vec<u8>,
    typ: Typ,
    signatures: Vec<UnverifiedSignature>,
}

#[derive(Clone, Debug)]
struct UnverifiedSignature {
    protected_text: String,
    header: ProtectedHeader,
    signature: Signature,
}

/// A JWS whose signatures were checked against pinned keys. Only [`UnverifiedJws::verify`] and
/// [`sign`] make one.
///
/// ```compile_fail
/// use besace_protocol::jws::VerifiedJws;
/// let forged = VerifiedJws { bytes: vec![], payload: vec![] };
/// ```
#[derive(Clone)]
pub struct VerifiedJws {
    bytes: Vec<u8>,
    payload: Vec<u8>,
    typ: Typ,
    signed_at: Vec<(Role, Timestamp)>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct General {
    payload: String,
    signatures: Vec<GeneralSignature>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct GeneralSignature {
    protected: String,
    signature: Bytes,
}

impl UnverifiedJws {
    /// Reads a JWS of at most `max` bytes. The bytes must be in canonical form (RFC 8785), so that a
    /// signed document has one spelling.
    pub fn parse(bytes: &[u8], max: usize) -> Result<Self, ParseJwsError> {
        let general: General = from_json_exact(bytes, max).map_err(ParseJwsError::Json)?;
        let payload = from_base64url(&general.payload).map_err(|_| ParseJwsError::Base64)?;
        let mut signatures = Vec::new();
        for (index, part) in general.signatures.into_iter().enumerate() {
            let header = from_base64url(&part.protected).map_err(|_| ParseJwsError::Base64)?;
            let header = ProtectedHeader::parse(&header)
                .map_err(|source| ParseJwsError::Header { index, source })?;
            let signature =
                Signature::from_slice(part.signature.as_ref()).ok_or(ParseJwsError::Base64)?;
            signatures.push(UnverifiedSignature {
                protected_text: part.protected,
                header,
                signature,
            });
        }
        let typ = signatures.first().ok_or(ParseJwsError::Signatures)?.header.typ;
        let in_order = signatures.is_sorted_by(|a, b| a.header.role < b.header.role);
        if !in_order || signatures.iter().any(|s| s.header.typ != typ) {
            return Err(ParseJwsError::Signatures);
        }
        Ok(Self { bytes: bytes.to_vec(), payload_text: general.payload, payload, typ, signatures })
    }

    /// What the document says it is.
    pub const fn typ(&self) -> Typ {
        self.typ
    }

    /// The key that `role` claims to have signed with: a name to look up, not a proof.
    pub fn claimed_key(&self, role: Role) -> Option<KeyId> {
        self.signatures.iter().find(|s| s.header.role == role).map(|s| s.header.kid)
    }

    /// When `role` claims to have signed.
    pub(crate) fn claimed_time(&self, role: Role) -> Option<Timestamp> {
        self.signatures.iter().find(|s| s.header.role == role).map(|s| s.header.iat)
    }

    /// What the document claims, before any signature was checked: only to find which pinned key
    /// must have signed it.
    pub fn peek<T: DeserializeOwned>(&self) -> Result<T, JsonError> {
        from_json_exact(&self.payload, self.payload.len())
    }

    /// The bytes behind [`peek`](Self::peek).
    pub(crate) fn claimed_payload(&self) -> &[u8] {
        &self.payload
    }

    /// Checks that exactly `signers` signed, each with its pinned key, and that the type is `typ`.
    pub fn verify(
        self,
        typ: Typ,
        signers: &[(Role, &VerifyingKey)],
    ) -> Result<VerifiedJws, VerifyJwsError> {
        if self.typ != typ {
            return Err(VerifyJwsError::Typ);
        }
        let demanded: BTreeSet<Role> = signers.iter().map(|(role, _)| *role).collect();
        let signed: BTreeSet<Role> = self.signatures.iter().map(|s| s.header.role).collect();
        if demanded != signed || demanded.len() != signers.len() || !typ.allows(&signed) {
            return Err(VerifyJwsError::Roles);
        }
        let distinct: BTreeSet<&VerifyingKey> = signers.iter().map(|(_, key)| *key).collect();
        if distinct.len() != signers.len() {
            return Err(VerifyJwsError::Key);
        }
        let mut signed_at = Vec::new();
        for part in &self.signatures {
            let key = signers
                .iter()
                .find(|(role, _)| *role == part.header.role)
                .map(|(_, key)| *key)
                .ok_or(VerifyJwsError::Roles)?;
            if key.key_id() != part.header.kid {
                return Err(VerifyJwsError::Key);
            }
            key.verify(&signing_input(&part.protected_text, &self.payload_text), &part.signature)
                .map_err(|_| VerifyJwsError::Signature)?;
            signed_at.push((part.header.role, part.header.iat));
        }
        Ok(VerifiedJws { bytes: self.bytes, payload: self.payload, typ, signed_at })
    }
}

impl VerifiedJws {
    /// The bytes that travelled, and nothing else any more.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// The bytes that travelled.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What was signed, as bytes.
    pub fn payload_bytes(&self) -> &[u8] {
        &self.payload
    }

    /// The type of the document.
    pub const fn typ(&self) -> Typ {
        self.typ
    }

    /// SHA-256 of the payload: how one document names another.
    pub fn payload_digest(&self) -> Digest {
        sha256(&[&self.payload])
    }

    /// What was signed, as its type.
    pub fn payload<T: DeserializeOwned>(&self) -> Result<T, JsonError> {
        from_json_exact(&self.payload, self.payload.len())
    }

    /// When `role` says it signed.
    pub fn signed_at(&self, role: Role) -> Option<Timestamp> {
        self.signed_at.iter().find(|(r, _)| *r == role).map(|(_, at)| *at)
    }

    /// The same document with one more signature over the same bytes.
    pub fn countersign(
        &self,
        role: Role,
        key: &SigningKey,
        now: Timestamp,
    ) -> Result<Self, JsonError> {
        let mut general: General = from_json(&self.bytes, self.bytes.len())?;
        let part = sign_part(self.typ, &general.payload, role, key, now)?;
        general.signatures.push(part);
        let mut signed_at = self.signed_at.clone();
        signed_at.push((role, now));
        // The order of `Role` is part of the one spelling.
        let mut order: Vec<(Role, GeneralSignature)> =
            signed_at.iter().map(|(role, _)| *role).zip(general.signatures).collect();
        order.sort_by_key(|(role, _)| *role);
        signed_at.sort();
        general.signatures = order.into_iter().map(|(_, part)| part).collect();
        Ok(Self { bytes: to_canonical_json(&general)?, signed_at, ..self.clone() })
    }
}

/// The type and the length: what was signed may be personal.
fn write_outline(f: &mut fmt::Formatter<'_>, name: &str, typ: Typ, bytes: &[u8]) -> fmt::Result {
    write!(f, "{name}({}, {} bytes)", typ.as_str(), bytes.len())
}

impl fmt::Debug for UnverifiedJws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_outline(f, "UnverifiedJws", self.typ, &self.bytes)
    }
}

impl fmt::Debug for VerifiedJws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_outline(f, "VerifiedJws", self.typ, &self.bytes)
    }
}

/// Signs `payload`, canonically serialised, as `role`. Other roles [`countersign`](VerifiedJws::countersign).
pub fn sign<T: Serialize + ?Sized>(
    typ: Typ,
    payload: &T,
    role: Role,
    key: &SigningKey,
    now: Timestamp,
) -> Result<VerifiedJws, JsonError> {
    let payload = to_canonical_json(payload)?;
    let payload_text = to_base64url(&payload);
    let signatures = alloc::vec![sign_part(typ, &payload_text, role, key, now)?];
    let bytes = to_canonical_json(&General { payload: payload_text, signatures })?;
    Ok(VerifiedJws { bytes, payload, typ, signed_at: alloc::vec![(role, now)] })
}

fn sign_part(
    typ: Typ,
    payload_text: &str,
    role: Role,
    key: &SigningKey,
    now: Timestamp,
) -> Result<GeneralSignature, JsonError> {
    let header = ProtectedHeader { iat: now, kid: key.verifying_key().key_id(), role, typ };
    let protected = to_base64url(&header.to_bytes()?);
    let signature = key.sign(&signing_input(&protected, payload_text));
    Ok(GeneralSignature { protected, signature: Bytes(signature.as_bytes().to_vec()) })
}

/// `protected || '.' || payload`, both as they travel (RFC 7515, section 5.1).
fn signing_input(protected: &str, payload: &str) -> Vec<u8> {
    [protected.as_bytes(), b".", payload.as_bytes()].concat()
}

#[cfg(test)]
mod tests;
