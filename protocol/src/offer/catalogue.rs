//! All offers of a retailer in one signed document, the same bytes for everybody.

use alloc::{collections::BTreeSet, string::String, vec::Vec};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _, ser::Error as _};
use serde_json::Value;

use super::{Offer, RefuseOfferError, sieve::Sieve};
use crate::{
    crypto::{Digest, SigningKey, VerifyingKey, sha256},
    document::{
        Document, DocumentRule, ParseDocumentError, SignDocumentError, Unverified, Verified,
        check_version, read_exact, sign,
    },
    encoding::{JSON_INTEGER_MAX, JsonError, split_list},
    id::OfferId,
    jws::{JWS_LEN_MAX, Role, Typ, VerifyJwsError},
    party::ControllerId,
    time::{DAY_SECONDS, Timestamp},
};

/// Longest catalogue, in bytes.
pub const CATALOGUE_LEN_MAX: usize = JWS_LEN_MAX;

/// Most offers of one catalogue.
pub const OFFERS_MAX: usize = 20_000;

/// Longest life of one catalogue, in days: its retailer must sign again, changed or not.
pub const CATALOGUE_DAYS_MAX: u64 = 31;

/// How far in the future a catalogue may say it was issued, in seconds: clocks differ.
pub const CLOCK_SLACK_SECONDS: u64 = 300;

/// What is signed. Offers are typed one by one, so that a bad one costs only itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Payload {
    controller: ControllerId,
    expires: Timestamp,
    issued: Timestamp,
    offers: Vec<Spelled>,
    sequence: u64,
    v: u8,
}

/// One offer in canonical JSON, not read yet.
#[derive(Clone, Debug)]
struct Spelled(String);

impl Serialize for Spelled {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde_json::from_str::<Value>(&self.0).map_err(S::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Spelled {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        serde_json::to_string(&value).map(Self).map_err(D::Error::custom)
    }
}

impl Document for Payload {
    const TYP: Typ = Typ::Catalogue;
    const LEN_MAX: usize = CATALOGUE_LEN_MAX;

    fn read(bytes: &[u8]) -> Result<Self, JsonError> {
        // A thousand offers are a megabyte: each is read once, for itself, out of the bytes.
        let Some((rest, offers)) = split_list(bytes, "offers") else { return read_exact(bytes) };
        let mut payload: Self = read_exact(&rest)?;
        payload.offers = offers.into_iter().map(|offer| Spelled(String::from(offer))).collect();
        Ok(payload)
    }

    fn check(&self) -> Result<(), DocumentRule> {
        check_version(self.v)?;
        if self.offers.len() > OFFERS_MAX || self.sequence > JSON_INTEGER_MAX {
            return Err(DocumentRule::Bounds);
        }
        let longest = self.issued.plus(CATALOGUE_DAYS_MAX.saturating_mul(DAY_SECONDS));
        if self.issued >= self.expires || self.expires > longest {
            return Err(DocumentRule::Order);
        }
        Ok(())
    }
}

/// A catalogue that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyCatalogueError {
    /// Signature, role or key.
    #[error("catalogue is not signed as it must be")]
    Signature(#[source] VerifyJwsError),
    /// It is the catalogue of somebody else.
    #[error("catalogue of another retailer")]
    Controller,
    /// It says it was issued in the future.
    #[error("catalogue issued in the future")]
    NotYet,
    /// Its life is over.
    #[error("catalogue has expired")]
    Expired,
}

/// A catalogue as it arrived: well formed, but **not** checked.
#[derive(Clone, Debug)]
pub struct UnverifiedCatalogue(Unverified<Payload>);

/// A catalogue whose signature and life were checked. Only [`UnverifiedCatalogue::verify`] and
/// [`Catalogue::sign`] make one.
///
/// ```compile_fail
/// use besace_protocol::offer::catalogue::Catalogue;
/// let forged = Catalogue { offers: vec![] };
/// ```
#[derive(Debug)]
pub struct Catalogue {
    controller: ControllerId,
    edition: Edition,
    bytes: Vec<u8>,
    offers: Vec<Offer>,
    sieve: Sieve,
    refused: Vec<RefusedOffer>,
}

/// An offer that is left out, while the rest of its catalogue stands.
#[derive(Debug)]
pub struct RefusedOffer {
    /// Which of the catalogue, from 0.
    pub index: usize,
    /// Its name, if it could be read that far.
    pub id: Option<OfferId>,
    /// Why.
    pub reason: RefuseOfferError,
}

/// When a catalogue is made and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Edition {
    /// Grows with every catalogue of a retailer; an agent never goes back.
    pub sequence: u64,
    /// When it is made.
    pub issued: Timestamp,
    /// The first second after its life.
    pub expires: Timestamp,
}

impl UnverifiedCatalogue {
    /// Reads a catalogue of at most [`CATALOGUE_LEN_MAX`] bytes. Single offers are not looked at yet.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseDocumentError> {
        Unverified::parse(bytes).map(Self)
    }

    /// The place it claims among the catalogues of its retailer.
    pub const fn claimed_sequence(&self) -> u64 {
        self.0.claimed().sequence
    }

    /// Checks signature, retailer and life; reads each offer, and sets aside those it refuses.
    pub fn verify(
        self,
        key: &VerifyingKey,
        controller: &ControllerId,
        now: Timestamp,
    ) -> Result<Catalogue, VerifyCatalogueError> {
        let document =
            self.0.verify(&[(Role::Controller, key)]).map_err(VerifyCatalogueError::Signature)?;
        let payload = document.payload();
        if payload.controller != *controller {
            return Err(VerifyCatalogueError::Controller);
        }
        if payload.issued > now.plus(CLOCK_SLACK_SECONDS) {
            return Err(VerifyCatalogueError::NotYet);
        }
        if payload.expires <= now {
            return Err(VerifyCatalogueError::Expired);
        }
        Ok(Catalogue::read(document))
    }
}

impl Catalogue {
    /// Signs a catalogue.
    pub fn sign(
        controller: &ControllerId,
        edition: Edition,
        offers: &[Offer],
        key: &SigningKey,
    ) -> Result<Self, SignDocumentError> {
        let names: BTreeSet<_> = offers.iter().map(Offer::id).collect();
        if names.len() != offers.len() {
            return Err(SignDocumentError::Rule(DocumentRule::List));
        }
        let spelled = |offer: &Offer| serde_json::to_string(offer).map(Spelled);
        let offers = offers.iter().map(spelled).collect::<Result<_, _>>();
        let Ok(offers) = offers else {
            // Texts, integers and lists always have a value.
            return Err(SignDocumentError::Rule(DocumentRule::Bounds));
        };
        let Edition { sequence, issued, expires } = edition;
        let payload =
            Payload { controller: controller.clone(), expires, issued, offers, sequence, v: 1 };
        sign(payload, Role::Controller, key, issued).map(Self::read)
    }

    /// Whose it is.
    pub const fn controller(&self) -> &ControllerId {
        &self.controller
    }

    /// Its place among the catalogues of its retailer.
    pub const fn sequence(&self) -> u64 {
        self.edition.sequence
    }

    /// When it was made.
    pub const fn issued(&self) -> Timestamp {
        self.edition.issued
    }

    /// The first second after its life.
    pub const fn expires(&self) -> Timestamp {
        self.edition.expires
    }

    /// Whether its life has not ended.
    pub fn is_current(&self, now: Timestamp) -> bool {
        now < self.expires()
    }

    /// The offers, in the order of the catalogue.
    pub fn offers(&self) -> &[Offer] {
        &self.offers
    }

    /// What finds the few offers that may match.
    pub(super) const fn sieve(&self) -> &Sieve {
        &self.sieve
    }

    /// What was left out, and why.
    pub fn refused(&self) -> &[RefusedOffer] {
        &self.refused
    }

    /// The bytes that travel, the same for everybody.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// SHA-256 of the bytes that travel: what stands in the retailer's log.
    pub fn digest(&self) -> Digest {
        sha256(&[self.as_bytes()])
    }

    /// Keeps of the document what it says and the bytes that travelled, once: a thousand offers are a
    /// megabyte in each form.
    fn read(document: Verified<Payload>) -> Self {
        let (Payload { controller, expires, issued, offers: texts, sequence, .. }, bytes) =
            document.into_parts();
        let (mut offers, mut refused, mut names) = (Vec::new(), Vec::new(), BTreeSet::new());
        for (index, Spelled(text)) in texts.iter().enumerate() {
            let read = Offer::read_spelled(text).and_then(|offer| {
                if names.insert(offer.id()) { Ok(offer) } else { Err(RefuseOfferError::Duplicate) }
            });
            match read {
                Ok(offer) => offers.push(offer),
                Err(reason) => refused.push(RefusedOffer { index, id: id_of(text), reason }),
            }
        }
        let sieve = Sieve::of(&offers);
        let edition = Edition { sequence, issued, expires };
        Self { controller, edition, bytes, offers, sieve, refused }
    }
}

fn id_of(text: &str) -> Option<OfferId> {
    let value: Value = serde_json::from_str(text).ok()?;
    value.get("id")?.as_str().and_then(|text| OfferId::parse(text).ok())
}
