//! A till without a network: public keys in one file, what it took in another.
//! `spec/redemption.md#offline`.
//!
//! ```no_run
//! # use std::path::Path;
//! # use besace_retailer::offline::{Ceiling, OfflineTill, TillKeys};
//! # use besace_protocol::{money::Money, time::Timestamp};
//! # fn serve(scanned: &str, now: Timestamp, rng: &mut rand::rngs::StdRng) -> Result<(), Box<dyn std::error::Error>> {
//! let keys = TillKeys::parse(&std::fs::read("keys.json")?)?;
//! let ceiling = Ceiling { vouchers: 50, amount: Money::euro_cents(25_000) };
//! let mut till = OfflineTill::open(Path::new("spent"), keys, ceiling)?;
//! let taken = till.redeem(scanned, Some(Money::euro_cents(4_000)), now, rng)?;
//! println!("class {}", taken.class);
//! # Ok(())
//! # }
//! ```
//!
//! It does not know what other tills took: whoever copies a voucher can show it once at each. The loss is at most
//! the ceiling times the number of tills, between two uploads.

mod file;

use std::path::Path;

use besace_protocol::{
    crypto::VerifyingKey,
    encoding::{Bytes, JsonError, from_json_exact, to_canonical_json},
    id::RedemptionId,
    money::Money,
    offer::Benefit,
    party::ControllerId,
    time::Timestamp,
    voucher::{
        BasketError, BenefitClass, ParseVoucherError, UnverifiedPresentation,
        UnverifiedVoucherKeys, VerifiedPresentation, VerifyVoucherError, VoucherClass, VoucherKeys,
    },
    wire::{OfflineRedemption, UploadRedemptions, VoucherText},
};
use rand_core::CryptoRngCore;
use serde::{Deserialize, Serialize};

use self::file::SpentFile;
pub use self::file::SpentFileError;

/// Longest file of keys, in bytes.
pub const KEYS_LEN_MAX: usize = 1 << 20;

/// The file of keys is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseTillKeysError {
    /// Not canonical JSON with the members of the file.
    #[error("not a file of voucher keys")]
    Form,
    /// Keys of a week that the retailer did not sign.
    #[error("voucher keys number {index} do not hold")]
    Keys {
        /// Which, from 0.
        index: usize,
    },
}

/// The public keys of the weeks that a till serves.
#[derive(Clone, Debug)]
pub struct TillKeys(Vec<VoucherKeys>);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    controller: ControllerId,
    controller_key: VerifyingKey,
    keys: Vec<Bytes>,
    v: u8,
}

impl TillKeys {
    /// Reads a file of keys, and checks each week in it.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseTillKeysError> {
        let form = |_| ParseTillKeysError::Form;
        let KeyFile { controller, controller_key, keys, v } =
            from_json_exact(bytes.trim_ascii_end(), KEYS_LEN_MAX).map_err(form)?;
        if v != 1 {
            return Err(ParseTillKeysError::Form);
        }
        let keys = keys.iter().enumerate().map(|(index, jws)| {
            let wrong = ParseTillKeysError::Keys { index };
            let keys = UnverifiedVoucherKeys::parse(jws.as_ref()).map_err(|_| wrong)?;
            let week = keys.claimed_week();
            keys.verify(&controller_key, &controller, week).map_err(|_| wrong)
        });
        keys.collect::<Result<_, _>>().map(Self)
    }

    /// Writes the file.
    pub(crate) fn write(
        controller: &ControllerId,
        controller_key: VerifyingKey,
        keys: Vec<Vec<u8>>,
    ) -> Result<Vec<u8>, JsonError> {
        let keys = keys.into_iter().map(Bytes).collect();
        to_canonical_json(&KeyFile { controller: controller.clone(), controller_key, keys, v: 1 })
    }
}

/// What a till takes at most before it uploads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ceiling {
    /// So many vouchers.
    pub vouchers: usize,
    /// So much money, of one currency, as far as it is known what vouchers take off.
    pub amount: Money,
}

/// A voucher that the till took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Its class.
    pub class: BenefitClass,
    /// What the class gives.
    pub benefit: Benefit,
    /// What is taken off the basket, if the till knew it.
    pub discount: Option<Money>,
    /// Names the redemption in uploads.
    pub id: RedemptionId,
}

/// A voucher that the till did not take.
#[derive(Debug, thiserror::Error)]
pub enum TakeError {
    /// Not a voucher.
    #[error("not a voucher")]
    Parse(#[source] ParseVoucherError),
    /// It does not hold, or not now.
    #[error("voucher does not hold")]
    Verify(#[source] VerifyVoucherError),
    /// This till took it before.
    #[error("voucher was redeemed before")]
    AlreadyRedeemed,
    /// The basket is too small, or in another currency.
    #[error("voucher does not apply to this basket")]
    Basket(#[source] BasketError),
    /// The till has taken as much as it may before it uploads.
    #[error("till has reached its ceiling")]
    Ceiling,
    /// It could not be written down, so it was not taken.
    #[error("voucher was not written down")]
    File(#[source] SpentFileError),
}

/// A till without a network.
#[derive(Debug)]
pub struct OfflineTill {
    keys: TillKeys,
    ceiling: Ceiling,
    file: SpentFile,
}

impl OfflineTill {
    /// Opens the file of what was taken, or makes it. No other till may have it open.
    pub fn open(path: &Path, keys: TillKeys, ceiling: Ceiling) -> Result<Self, SpentFileError> {
        Ok(Self { keys, ceiling, file: SpentFile::open(path)? })
    }

    /// What a voucher would give, if this till may take it: nothing is written down.
    pub fn look(&self, scanned: &str, now: Timestamp) -> Result<&VoucherClass, TakeError> {
        self.check(scanned, now).map(|(_, class)| class)
    }

    /// From now on, with these keys.
    pub fn set_keys(&mut self, keys: TillKeys) {
        self.keys = keys;
    }

    /// Takes a voucher: it is on disk when this returns.
    ///
    /// Without a basket the shop's own software applies the benefit, and its rules.
    pub fn redeem(
        &mut self,
        scanned: &str,
        basket: Option<Money>,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Taken, TakeError> {
        let (verified, class) = self.check(scanned, now)?;
        let discount = basket.map(|basket| class.discount(basket));
        let discount = discount.transpose().map_err(TakeError::Basket)?;
        let worth = discount.or_else(|| class.face_value());
        let id = RedemptionId::generate(rng);
        let voucher = VoucherText(scanned.to_owned());
        let redemption = OfflineRedemption { basket, id, redeemed: now, voucher };
        let taken = Taken { class: class.class, benefit: class.benefit.clone(), discount, id };
        if !self.has_room_for(worth)? {
            return Err(TakeError::Ceiling);
        }
        self.file.append(redemption, verified.nullifier(), worth).map_err(TakeError::File)?;
        Ok(taken)
    }

    /// What is to be uploaded first: the oldest of what was not, at most
    /// [`LEN_MAX`](UploadRedemptions::LEN_MAX). Whoever uploads need not be the program that takes vouchers.
    pub fn pending(path: &Path) -> Result<UploadRedemptions, SpentFileError> {
        file::pending(path)
    }

    /// Notes that all of `upload` was answered.
    pub fn mark_uploaded(path: &Path, upload: &UploadRedemptions) -> Result<(), SpentFileError> {
        file::mark_uploaded(path, upload)
    }

    fn check(
        &self,
        scanned: &str,
        now: Timestamp,
    ) -> Result<(VerifiedPresentation, &VoucherClass), TakeError> {
        let shown = UnverifiedPresentation::parse_text(scanned).map_err(TakeError::Parse)?;
        let verified = shown.verify(&self.keys.0, now).map_err(TakeError::Verify)?;
        if self.file.has(&verified.nullifier()) {
            return Err(TakeError::AlreadyRedeemed);
        }
        let of_week = |keys: &&VoucherKeys| keys.week() == verified.week();
        let class = self.keys.0.iter().find(of_week).and_then(|keys| keys.class(verified.class()));
        Ok((verified, class.ok_or(TakeError::Verify(VerifyVoucherError::Key))?))
    }

    fn has_room_for(&mut self, worth: Option<Money>) -> Result<bool, TakeError> {
        let room = |file: &SpentFile, ceiling: &Ceiling| {
            let more = worth.map_or(0, |worth| worth.minor);
            let foreign = worth.is_some_and(|worth| worth.currency != ceiling.amount.currency);
            file.exposed_vouchers() < ceiling.vouchers
                && file.exposed_amount().saturating_add(more) <= ceiling.amount.minor
                && !foreign
        };
        if room(&self.file, &self.ceiling) {
            return Ok(true);
        }
        // Somebody may have uploaded meanwhile.
        self.file.look_for_uploads().map_err(TakeError::File)?;
        Ok(room(&self.file, &self.ceiling))
    }
}

#[cfg(test)]
mod tests;
