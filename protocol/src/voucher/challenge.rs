//! What a token is bound to: `TokenChallenge` (RFC 9577, section 2.1.1), token input (RFC 9578, section 6.1).

use alloc::vec::Vec;

use super::BenefitClass;
use crate::{
    crypto::{Digest, IssuerPublicKey, Label, labelled_hash, sha256},
    party::ControllerId,
    time::Week,
};

/// Publicly verifiable tokens with Blind RSA of 2048 bits.
pub const TOKEN_TYPE: u16 = 0x0002;

/// Who issues, for what, and where it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenChallenge<'a> {
    /// Name of the issuer.
    pub issuer_name: &'a str,
    /// What ties the token to a moment or a purpose, if anything.
    pub redemption_context: Option<Digest>,
    /// Where it is redeemed.
    pub origin_info: &'a str,
}

impl<'a> TokenChallenge<'a> {
    /// The challenge of a class: the retailer is issuer and origin, week and class are the context.
    ///
    /// `context = SHA-256(Label("besace voucher/v1 context") || SHA-256(domain) || BE32(week) || class)`.
    pub fn of_class(domain: &'a ControllerId, week: Week, class: BenefitClass) -> Self {
        let name = sha256(&[domain.as_str().as_bytes()]);
        let fields: [&[u8]; 3] =
            [name.as_bytes(), &week.as_number().to_be_bytes(), &[class.as_number()]];
        Self {
            issuer_name: domain.as_str(),
            redemption_context: Some(labelled_hash(Label::VoucherContext, &fields)),
            origin_info: domain.as_str(),
        }
    }

    /// As it is hashed. `None` if a name is longer than its two bytes of length can say.
    pub fn to_bytes(&self) -> Option<Vec<u8>> {
        let mut bytes = TOKEN_TYPE.to_be_bytes().to_vec();
        push_text(&mut bytes, self.issuer_name)?;
        match &self.redemption_context {
            Some(context) => {
                bytes.push(32);
                bytes.extend_from_slice(context.as_bytes());
            }
            None => bytes.push(0),
        }
        push_text(&mut bytes, self.origin_info)?;
        Some(bytes)
    }

    /// `challenge_digest` of RFC 9578.
    pub fn digest(&self) -> Option<Digest> {
        self.to_bytes().map(|bytes| sha256(&[&bytes]))
    }
}

fn push_text(bytes: &mut Vec<u8>, text: &str) -> Option<()> {
    bytes.extend_from_slice(&u16::try_from(text.len()).ok()?.to_be_bytes());
    bytes.extend_from_slice(text.as_bytes());
    Some(())
}

/// What is signed: `BE16(2) || nonce || challenge_digest || token_key_id`, 98 bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TokenInput([u8; Self::LEN]);

impl TokenInput {
    /// `2 + 32 + 32 + 32`.
    pub const LEN: usize = 98;

    /// The input of a token with this nonce.
    pub fn new(nonce: &[u8; 32], challenge: &Digest, key: &IssuerPublicKey) -> Self {
        let mut bytes = [0; Self::LEN];
        let key_id = key.key_id();
        let parts: [&[u8]; 4] =
            [&TOKEN_TYPE.to_be_bytes(), nonce, challenge.as_bytes(), key_id.as_bytes()];
        for (to, from) in bytes.iter_mut().zip(parts.concat()) {
            *to = from;
        }
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

impl core::fmt::Debug for TokenInput {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("TokenInput([private])")
    }
}
