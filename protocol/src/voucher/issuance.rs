//! Between agent and issuer: what is asked, what is answered.

use alloc::vec::Vec;

use rand_core::CryptoRngCore;

use super::{VoucherClass, VoucherKeys};
use crate::{
    crypto::{BLIND_RSA_LEN, Blinded, Digest, IssuerSecretKey, IssuingError, sha256},
    encoding::Bytes,
    time::Week,
};

/// A batch that is no batch of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseVoucherRequestError {
    /// It names another week.
    #[error("batch of another week")]
    Week,
    /// Every pseudonym gets the same number of vouchers of every class.
    #[error("a batch has exactly as many vouchers as the week says")]
    Count,
    /// A blinded message has another length than the key.
    #[error("a blinded message has {BLIND_RSA_LEN} bytes")]
    Length,
}

/// What an agent asks an issuer to sign: as many blinded messages of every class as the week says, in the
/// order of the classes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoucherRequest {
    week: Week,
    blinded: Vec<Blinded>,
}

impl VoucherRequest {
    pub(super) const fn new(week: Week, blinded: Vec<Blinded>) -> Self {
        Self { week, blinded }
    }

    /// Reads what a call holds.
    pub fn parse(
        week: Week,
        blinded: &[Bytes],
        keys: &VoucherKeys,
    ) -> Result<Self, ParseVoucherRequestError> {
        if week != keys.week() {
            return Err(ParseVoucherRequestError::Week);
        }
        if blinded.len() != keys.vouchers() {
            return Err(ParseVoucherRequestError::Count);
        }
        let blinded =
            blinded.iter().map(|bytes| bytes.as_ref().try_into().ok().map(Blinded::from_bytes));
        let blinded = blinded.collect::<Option<_>>().ok_or(ParseVoucherRequestError::Length)?;
        Ok(Self { week, blinded })
    }

    /// As it stands in a call.
    pub fn to_wire(&self) -> Vec<Bytes> {
        self.blinded.iter().map(|blinded| Bytes(blinded.as_bytes().to_vec())).collect()
    }

    /// The week.
    pub const fn week(&self) -> Week {
        self.week
    }

    /// SHA-256 over the blinded messages: whether a batch is the same one again.
    pub fn digest(&self) -> Digest {
        let parts: Vec<&[u8]> = self.blinded.iter().map(|b| &b.as_bytes()[..]).collect();
        sha256(&parts)
    }
}

/// An answer that is none to a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not as many signatures of {BLIND_RSA_LEN} bytes as were asked for")]
pub struct ParseVoucherResponseError;

/// What an issuer answers: a signature for every blinded message, in the same order. **Not** checked: only
/// whoever blinded them can.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoucherResponse(Vec<[u8; BLIND_RSA_LEN]>);

impl VoucherResponse {
    /// Reads what an answer holds.
    pub fn parse(signatures: &[Bytes]) -> Result<Self, ParseVoucherResponseError> {
        let read = signatures.iter().map(|bytes| bytes.as_ref().try_into().ok());
        read.collect::<Option<_>>().map(Self).ok_or(ParseVoucherResponseError)
    }

    /// As it stands in an answer.
    pub fn to_wire(&self) -> Vec<Bytes> {
        self.0.iter().map(|signature| Bytes(signature.to_vec())).collect()
    }

    pub(super) fn signatures(&self) -> &[[u8; BLIND_RSA_LEN]] {
        &self.0
    }
}

/// Private keys that are not those of the week's public ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the private keys of this week")]
pub struct WeekSecretsError;

/// The private keys of a week, one for each class.
#[derive(Debug)]
pub struct WeekSecrets {
    week: Week,
    batch: u8,
    keys: Vec<IssuerSecretKey>,
}

impl WeekSecrets {
    /// Puts private keys to their public ones; both in the order of the classes.
    pub fn new(
        keys: &VoucherKeys,
        secrets: Vec<IssuerSecretKey>,
    ) -> Result<Self, WeekSecretsError> {
        let belongs =
            |(class, secret): (&VoucherClass, &IssuerSecretKey)| class.spki == *secret.public_key();
        if secrets.len() != keys.classes().len()
            || !keys.classes().iter().zip(&secrets).all(belongs)
        {
            return Err(WeekSecretsError);
        }
        Ok(Self { week: keys.week(), batch: keys.batch(), keys: secrets })
    }

    /// Signs a batch. The same batch gets the same answer.
    pub fn issue(
        &self,
        request: &VoucherRequest,
        rng: &mut impl CryptoRngCore,
    ) -> Result<VoucherResponse, IssuingError> {
        let batch = usize::from(self.batch);
        if request.week != self.week
            || request.blinded.len() != self.keys.len().saturating_mul(batch)
        {
            return Err(IssuingError);
        }
        let keys = self.keys.iter().flat_map(|key| core::iter::repeat_n(key, batch));
        let signed = request.blinded.iter().zip(keys).map(|(b, key)| key.blind_sign(b, rng));
        signed.collect::<Result<_, _>>().map(VoucherResponse)
    }
}
