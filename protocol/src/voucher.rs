//! Vouchers: redeemed at a till without a name. `spec/redemption.md`.
//!
//! Blind RSA (RFC 9474) in the form of RFC 9578, token type 2. Each stage is a type:
//!
//! | stage | whose | type |
//! |---|---|---|
//! | keys of a week | public | [`UnverifiedVoucherKeys`] -> [`VoucherKeys`] |
//! | batch with its secrets | the agent's | [`PendingBatch`] |
//! | what is asked | agent to issuer | [`VoucherRequest`] |
//! | what is answered | issuer to agent | [`VoucherResponse`], made by [`WeekSecrets`] |
//! | voucher | the agent's | [`Voucher`] |
//! | what is shown | agent to till | [`Presentation`] -> [`UnverifiedPresentation`] -> [`VerifiedPresentation`] |
//!
//! It does not do: remember what was spent, hide who asks for a batch, count bits over a year.

mod batch;
mod benefit;
mod challenge;
mod issuance;
mod keys;
mod token;

pub use self::{
    batch::{BlindBatchError, FinishBatchError, ParsePendingBatchError, PendingBatch},
    benefit::{BasketError, BenefitClass, Reach, VoucherClass},
    challenge::{TOKEN_TYPE, TokenChallenge, TokenInput},
    issuance::{
        ParseVoucherRequestError, ParseVoucherResponseError, VoucherRequest, VoucherResponse,
        WeekSecrets, WeekSecretsError,
    },
    keys::{
        BATCH_MAX, CLASSES_MAX, UnverifiedVoucherKeys, VOUCHERS_MAX, VerifyVoucherKeysError,
        VoucherKeys, VoucherKeysDraft, check_classes,
    },
    token::{
        Nullifier, ParseVoucherError, Presentation, ReadVoucherError, UnverifiedPresentation,
        VerifiedPresentation, VerifyVoucherError, Voucher,
    },
};

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "small figures of tests")]
mod tests;
