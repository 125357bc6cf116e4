//! What tills send and read about vouchers. `spec/redemption.md#for-tills`.

use alloc::{string::String, vec::Vec};
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    id::{HoldId, RedemptionId},
    money::Money,
    offer::Benefit,
    time::Timestamp,
    voucher::BenefitClass,
};

/// The text of a scanned QR code: worth money, so it does not print.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VoucherText(pub String);

impl fmt::Debug for VoucherText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VoucherText([REDACTED])")
    }
}

/// Body of `POST` [`HOLDS_PATH`](super::HOLDS_PATH).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    /// What the basket comes to.
    pub basket: Money,
    /// For how long, 1 to 900; 900 if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u16>,
    /// What was scanned.
    pub voucher: VoucherText,
}

/// Answer: the voucher is laid aside for this till.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Held {
    /// What the class gives.
    pub benefit: Benefit,
    /// The class.
    pub class: BenefitClass,
    /// What is taken off this basket.
    pub discount: Money,
    /// The first second in which the hold is over.
    pub expires: Timestamp,
    /// Names the hold.
    pub hold: HoldId,
}

/// Body of `POST` [`REDEMPTIONS_PATH`](super::REDEMPTIONS_PATH): a hold, or basket and voucher at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redeem {
    /// What the basket comes to; not with a hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basket: Option<Money>,
    /// The hold to redeem.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<HoldId>,
    /// What was scanned; not with a hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voucher: Option<VoucherText>,
}

/// Answer: the voucher is spent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redeemed {
    /// What the class gives.
    pub benefit: Benefit,
    /// The class.
    pub class: BenefitClass,
    /// What is taken off the basket.
    pub discount: Money,
    /// When.
    pub redeemed: Timestamp,
    /// Names the redemption.
    pub redemption: RedemptionId,
}

/// Body of `POST` [`REDEMPTIONS_PATH`](super::REDEMPTIONS_PATH)`/{id}/reverse`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reverse {}

/// Answer: the voucher is as good as before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reversed {
    /// When.
    pub reversed: Timestamp,
}

/// Body of `POST` [`OFFLINE_REDEMPTIONS_PATH`](super::OFFLINE_REDEMPTIONS_PATH).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UploadRedemptions {
    /// At most [`LEN_MAX`](Self::LEN_MAX).
    pub redemptions: Vec<OfflineRedemption>,
}

impl UploadRedemptions {
    /// Most redemptions of one upload.
    pub const LEN_MAX: usize = 256;
}

/// What a till took while it had no network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfflineRedemption {
    /// What the basket came to; left out where the shop's own software applies the benefit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basket: Option<Money>,
    /// Drawn by the till: to upload again changes nothing.
    pub id: RedemptionId,
    /// When, by the clock of the till.
    pub redeemed: Timestamp,
    /// What was scanned.
    pub voucher: VoucherText,
}

/// Answer: what became of each, in the same order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Uploaded {
    /// One for each redemption.
    pub outcomes: Vec<Outcome>,
}

/// What became of a redemption that was uploaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It counts, now or since an earlier upload.
    Redeemed,
    /// The voucher had been redeemed elsewhere: the retailer bears it.
    AlreadyRedeemed,
    /// The voucher does not hold.
    VoucherInvalid,
    /// Its week was not that moment's.
    VoucherExpired,
    /// The basket was too small, or in another currency.
    BasketRulesNotMet,
}
