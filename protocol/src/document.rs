//! A signed document of a known type: [`Unverified`] as it arrived, [`Verified`] once its signatures
//! and its own rules were checked.
//!
//! Only [`Unverified::verify`] and [`sign`] make a [`Verified`], so "did somebody verify this?" is a
//! question for the compiler:
//!
//! ```compile_fail
//! use besace_protocol::{consent::Withdrawal, document::Verified};
//! fn forge(payload: Withdrawal, jws: besace_protocol::jws::VerifiedJws) -> Verified<Withdrawal> {
//!     Verified { payload, jws }
//! }
//! ```

use alloc::vec::Vec;

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    crypto::{Digest, KeyId, SigningKey, VerifyingKey},
    encoding::{JsonError, from_json_exact, to_canonical_json},
    jws::{self, ParseJwsError, Role, Typ, UnverifiedJws, VerifiedJws, VerifyJwsError},
    time::Timestamp,
};

/// What travels inside a JWS of one type.
pub trait Document: Serialize + DeserializeOwned {
    /// The type in the protected header.
    const TYP: Typ;
    /// Longest JWS of this type that is read, in bytes.
    const LEN_MAX: usize;

    /// Reads the payload, which must be the one that we would write.
    fn read(bytes: &[u8]) -> Result<Self, JsonError> {
        read_exact(bytes)
    }

    /// The rules of the document that need nothing but itself.
    fn check(&self) -> Result<(), DocumentRule>;

    /// The key that the document itself names for `role`: nobody else may sign it as `role`.
    fn named_key(&self, _role: Role) -> Option<&VerifyingKey> {
        None
    }
}

/// What [`Document::read`] does where nothing else is said.
pub(crate) fn read_exact<D: Document>(bytes: &[u8]) -> Result<D, JsonError> {
    let payload: D = from_json_exact(bytes, bytes.len())?;
    // An absent member has one spelling: neither `null` nor an empty list stands for it.
    if to_canonical_json(&payload)? == bytes { Ok(payload) } else { Err(JsonError::NotCanonical) }
}

/// A rule of its own that a document breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentRule {
    /// `v` is not a version we speak.
    #[error("version is not 1")]
    Version,
    /// A text is empty, too long, or has control characters.
    #[error("a text is empty, too long or has control characters")]
    Text,
    /// A number lies outside its bounds.
    #[error("a number lies outside its bounds")]
    Bounds,
    /// Two moments are in the wrong order.
    #[error("two moments are in the wrong order")]
    Order,
    /// A list is empty, too long, out of order or has duplicates.
    #[error("a list is empty, too long, out of order or has duplicates")]
    List,
    /// A commitment is not that of what it commits to.
    #[error("a commitment is not that of the content")]
    Commitment,
    /// Terms that the specification forbids.
    #[error("terms that no grant may have")]
    Terms,
}

/// Bytes that are not a document of this type.
#[derive(Debug, thiserror::Error)]
pub enum ParseDocumentError {
    /// Not a JWS of the profile.
    #[error("not a signed document")]
    Jws(#[source] ParseJwsError),
    /// Not the members of this type.
    #[error("signed content does not have the members of its type")]
    Payload(#[source] JsonError),
    /// Another type.
    #[error("document of another type")]
    Typ,
    /// A rule of the type is broken.
    #[error("document breaks a rule of its type")]
    Rule(#[source] DocumentRule),
}

/// A document as it arrived: well formed, but **not** checked.
#[derive(Clone, Debug)]
pub struct Unverified<D> {
    jws: UnverifiedJws,
    payload: D,
}

/// A document whose signatures were checked against pinned keys.
#[derive(Clone, Debug)]
pub struct Verified<D> {
    jws: VerifiedJws,
    payload: D,
}

impl<D: Document> Unverified<D> {
    /// Reads a document of at most [`Document::LEN_MAX`] bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseDocumentError> {
        let jws = UnverifiedJws::parse(bytes, D::LEN_MAX).map_err(ParseDocumentError::Jws)?;
        if jws.typ() != D::TYP {
            return Err(ParseDocumentError::Typ);
        }
        let payload = D::read(jws.claimed_payload()).map_err(ParseDocumentError::Payload)?;
        payload.check().map_err(ParseDocumentError::Rule)?;
        Ok(Self { jws, payload })
    }

    /// What it claims: only to find which pinned key must have signed it.
    pub const fn claimed(&self) -> &D {
        &self.payload
    }

    /// The key that `role` claims to have signed with, if it claims to have signed.
    pub fn claimed_key(&self, role: Role) -> Option<KeyId> {
        self.jws.claimed_key(role)
    }

    /// Checks that exactly `signers` signed, each with its pinned key, which is also the one that the
    /// document names.
    pub fn verify(self, signers: &[(Role, &VerifyingKey)]) -> Result<Verified<D>, VerifyJwsError> {
        let named_otherwise = |(role, key): &(Role, &VerifyingKey)| {
            self.payload.named_key(*role).is_some_and(|named| named != *key)
        };
        if signers.iter().any(named_otherwise) {
            return Err(VerifyJwsError::Key);
        }
        let jws = self.jws.verify(D::TYP, signers)?;
        Ok(Verified { jws, payload: self.payload })
    }
}

impl<D: Document> Verified<D> {
    /// What was signed, and the bytes that travelled.
    pub(crate) fn into_parts(self) -> (D, Vec<u8>) {
        (self.payload, self.jws.into_bytes())
    }

    /// What was signed.
    pub const fn payload(&self) -> &D {
        &self.payload
    }

    /// The bytes that travelled.
    pub fn as_bytes(&self) -> &[u8] {
        self.jws.as_bytes()
    }

    /// SHA-256 of the payload: how one document names another.
    pub fn digest(&self) -> Digest {
        self.jws.payload_digest()
    }

    /// When `role` says it signed.
    pub fn signed_at(&self, role: Role) -> Option<Timestamp> {
        self.jws.signed_at(role)
    }

    /// The same document with one more signature over the same bytes.
    pub fn countersign(
        &self,
        role: Role,
        key: &SigningKey,
        now: Timestamp,
    ) -> Result<Self, JsonError>
    where
        D: Clone,
    {
        let jws = self.jws.countersign(role, key, now)?;
        Ok(Self { jws, payload: self.payload.clone() })
    }
}

/// A document that its own signer may not sign.
#[derive(Debug, thiserror::Error)]
pub enum SignDocumentError {
    /// It breaks a rule of its type.
    #[error("document breaks a rule of its type")]
    Rule(#[source] DocumentRule),
    /// It cannot be written, or is longer than its type allows.
    #[error("document cannot be written")]
    Encoding(#[source] JsonError),
}

/// Signs `payload` as `role`.
pub fn sign<D: Document>(
    payload: D,
    role: Role,
    key: &SigningKey,
    now: Timestamp,
) -> Result<Verified<D>, SignDocumentError> {
    payload.check().map_err(SignDocumentError::Rule)?;
    let jws = jws::sign(D::TYP, &payload, role, key, now).map_err(SignDocumentError::Encoding)?;
    if jws.as_bytes().len() > D::LEN_MAX {
        return Err(SignDocumentError::Encoding(JsonError::TooLong { max: D::LEN_MAX }));
    }
    Ok(Verified { jws, payload })
}

/// `v` must be 1.
pub(crate) const fn check_version(v: u8) -> Result<(), DocumentRule> {
    if v == 1 { Ok(()) } else { Err(DocumentRule::Version) }
}

/// One line of text of 1 to `max` bytes without control characters, nor those that make what is read
/// differ from what is signed.
pub(crate) fn check_text(text: &str, max: usize) -> Result<(), DocumentRule> {
    if text.is_empty() || text.len() > max || text.chars().any(deceives) {
        return Err(DocumentRule::Text);
    }
    Ok(())
}

/// Control characters, line ends, and bidirectional controls (UAX #9, section 2): the latter turn a
/// name around on the screen.
fn deceives(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{061c}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
                | '\u{feff}'
        )
}

/// `items` strictly increasing, so that a set has one spelling.
pub(crate) fn check_set<T: Ord>(items: &[T], max: usize) -> Result<(), DocumentRule> {
    if items.len() > max || !items.is_sorted_by(|a, b| a < b) {
        return Err(DocumentRule::List);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        consent::{
            Acknowledgement, ConsentRequest, Continuation, Disclosure, Erasure, Grant, Objection,
            Opening, Release, Restoration, UseStatement, Withdrawal,
        },
        crypto::SecretBytes,
        jws::{Typ, sign as sign_payload},
        mandate::{Mandate, MandateWithdrawal},
        negotiation::{Agreement, Proposal, Refusal},
        party::Manifest,
    };

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_300_000);

    fn key() -> SigningKey {
        SigningKey::from_seed(&SecretBytes::init_with(|seed| seed.fill(1)))
    }

    /// A signed disclosure, its payload with `more` members.
    fn parse(more: &serde_json::Value) -> Result<Unverified<Disclosure>, ParseDocumentError> {
        let mut payload = serde_json::json!({
            "chosen_name": "Nour",
            "disclosed": 5,
            "grant": "grant_01010101010101010101010101010101",
            "v": 1,
        });
        let members = payload.as_object_mut().unwrap();
        members.extend(more.as_object().unwrap().clone());
        let jws = sign_payload(Typ::Disclosure, &payload, Role::Subject, &key(), NOW).unwrap();
        Unverified::parse(jws.as_bytes())
    }

    #[test]
    fn an_absent_member_has_one_spelling() {
        assert!(parse(&serde_json::json!({})).is_ok());
        assert!(parse(&serde_json::json!({"topics": ["ski"]})).is_ok());
        for second in [
            serde_json::json!({"topics": []}),
            serde_json::json!({"chosen_name": null, "topics": ["ski"]}),
        ] {
            assert!(matches!(parse(&second), Err(ParseDocumentError::Payload(_))), "{second}");
        }
    }

    #[test]
    fn another_member_version_or_type_is_refused() {
        let unknown = parse(&serde_json::json!({"email": "x"}));
        assert!(matches!(unknown, Err(ParseDocumentError::Payload(JsonError::Malformed { .. }))));
        let version = parse(&serde_json::json!({"v": 2}));
        assert!(matches!(version, Err(ParseDocumentError::Rule(DocumentRule::Version))));
        let typ = sign_payload(Typ::Call, &1, Role::Subject, &key(), NOW).unwrap();
        let typ = Unverified::<Disclosure>::parse(typ.as_bytes());
        assert!(matches!(typ, Err(ParseDocumentError::Typ)));
    }

    #[test]
    fn a_text_reads_as_it_is_signed() {
        for good in ["Nour", "Café de la Gare", "שלום", "مقهى", "👩‍🌾"] {
            assert_eq!(check_text(good, 64), Ok(()), "{good}");
        }
        for bad in ["", "a\nb", "a\u{85}b", "a\u{2028}b", "a\u{202e}b", "a\u{2066}b", "\u{200f}a"] {
            assert_eq!(check_text(bad, 64), Err(DocumentRule::Text), "{bad:?}");
        }
        assert_eq!(check_text("aa", 1), Err(DocumentRule::Text));
    }

    fn parses<D: Document>(bytes: &[u8]) -> bool {
        Unverified::<D>::parse(bytes).is_ok()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))] // a dozen signatures each

        /// What somebody who may sign can still get wrong: everything inside the payload.
        #[test]
        fn no_signed_payload_makes_a_reader_panic(
            name in "[a-z_]{0,12}",
            number in any::<i64>(),
            text in ".{0,40}",
            depth in 0_usize..4,
        ) {
            let mut value = serde_json::json!({ name: number % (1 << 53), "text": text, "v": 1 });
            for _ in 0..depth {
                value = serde_json::json!({ "terms": value, "v": [1, null, true] });
            }
            for typ in Typ::ALL {
                let jws = sign_payload(*typ, &value, Role::Subject, &key(), NOW).unwrap();
                let bytes = jws.as_bytes();
                let read = [
                    parses::<Acknowledgement>(bytes),
                    parses::<Agreement>(bytes),
                    parses::<ConsentRequest>(bytes),
                    parses::<Continuation>(bytes),
                    parses::<Disclosure>(bytes),
                    parses::<Erasure>(bytes),
                    parses::<Grant>(bytes),
                    parses::<Manifest>(bytes),
                    parses::<Objection>(bytes),
                    parses::<Mandate>(bytes),
                    parses::<MandateWithdrawal>(bytes),
                    parses::<Opening>(bytes),
                    parses::<Proposal>(bytes),
                    parses::<Refusal>(bytes),
                    parses::<Release>(bytes),
                    parses::<Restoration>(bytes),
                    parses::<UseStatement>(bytes),
                    parses::<Withdrawal>(bytes),
                ];
                prop_assert_eq!(read, [false; 18]);
            }
        }
    }
}
