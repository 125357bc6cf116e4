//! The manifest: who a retailer is, with which keys, in which shops. `spec/consent.md#manifest`.

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use super::{ControllerId, ShopCode};
use crate::{
    crypto::{SealingPublicKey, VerifyingKey},
    document::{Document, DocumentRule, Verified, check_text, check_version},
    encoding::Bytes,
    jws::Typ,
    time::{Day, Timestamp},
};

/// What stands at the well-known address of a retailer's domain, signed with its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The domain it stands on.
    pub controller: ControllerId,
    /// Signs this and every other document of the retailer.
    pub controller_key: VerifyingKey,
    /// Keys and anchors of the days around now, sorted by day.
    pub days: Vec<DayKeys>,
    /// From this second on it counts no more.
    pub expires: Timestamp,
    /// When it was made.
    pub issued: Timestamp,
    /// Who that is in law (GDPR art. 13).
    pub legal: LegalIdentity,
    /// Verifies the checkpoints of the log `DOMAIN/besace`.
    pub log_key: VerifyingKey,
    /// What disclosures are sealed to, and mail is sealed from.
    pub sealing_key: SealingPublicKey,
    /// Grows with every manifest.
    pub sequence: u64,
    /// The shops, sorted by code.
    pub shops: Vec<Shop>,
    /// Version, 1.
    pub v: u8,
}

/// The controller in law.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LegalIdentity {
    /// Postal address.
    pub address: String,
    /// Where a data subject writes to.
    pub contact: String,
    /// The name over the door, as shoppers read it.
    pub display_name: String,
    /// Registered name.
    pub name: String,
}

/// One shop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shop {
    /// Its code on air.
    pub code: ShopCode,
    /// Degrees of latitude times 10^7 (WGS 84).
    pub latitude_e7: i32,
    /// Degrees of longitude times 10^7 (WGS 84).
    pub longitude_e7: i32,
    /// As shoppers read it.
    pub name: String,
    /// How far from that place its emitter may be heard, in metres.
    pub radius_metres: u16,
    /// Which shops share the keys of a grant.
    pub scope: String,
}

/// What is made for one day and destroyed after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DayKeys {
    /// The anchors of the shops' emitters, sorted by code.
    pub anchors: Vec<ShopAnchor>,
    /// Which day.
    pub day: Day,
    /// What that day's releases are sealed to; its secret half is destroyed when the day is over.
    pub sealing_key: SealingPublicKey,
}

/// `v[0]` of a shop's chain for one day (`spec/presence.md`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShopAnchor {
    /// The first value of the chain, 16 bytes.
    pub anchor: Bytes,
    /// Which shop.
    pub shop: ShopCode,
}

/// Why a manifest may not replace the one that is pinned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestChange {
    /// It stands on another domain than it names.
    #[error("manifest names another domain")]
    Domain,
    /// It is older than the pinned one.
    #[error("manifest is older than the one already seen")]
    Older,
    /// Not yet or no longer valid.
    #[error("manifest is not valid now")]
    Moment,
    /// Another signing key or log key: a person has to look at it.
    #[error("manifest has other keys than the pinned ones")]
    Keys,
}

impl Manifest {
    /// Most shops of one retailer.
    pub const SHOPS_MAX: usize = 1024;

    /// The shop with this code.
    pub fn shop(&self, code: ShopCode) -> Option<&Shop> {
        self.shops.iter().find(|shop| shop.code == code)
    }

    /// The keys of `day`.
    pub fn day(&self, day: Day) -> Option<&DayKeys> {
        self.days.iter().find(|keys| keys.day == day)
    }

    /// Whether it may be used at `now` for `domain`, after `pinned`.
    ///
    /// `skew_seconds` is how far the retailer's clock may run ahead.
    pub fn check_change(
        &self,
        domain: &ControllerId,
        pinned: Option<&Verified<Self>>,
        now: Timestamp,
        skew_seconds: u64,
    ) -> Result<(), ManifestChange> {
        if self.controller != *domain {
            return Err(ManifestChange::Domain);
        }
        if self.issued > now.plus(skew_seconds) || now >= self.expires {
            return Err(ManifestChange::Moment);
        }
        let Some(pinned) = pinned.map(Verified::payload) else { return Ok(()) };
        if self.controller_key != pinned.controller_key || self.log_key != pinned.log_key {
            return Err(ManifestChange::Keys);
        }
        if self.sequence < pinned.sequence || (self.sequence == pinned.sequence && self != pinned) {
            return Err(ManifestChange::Older);
        }
        Ok(())
    }
}

impl Document for Manifest {
    const TYP: Typ = Typ::Manifest;
    const LEN_MAX: usize = 1 << 20;

    fn check(&self) -> Result<(), DocumentRule> {
        check_version(self.v)?;
        if self.issued >= self.expires {
            return Err(DocumentRule::Order);
        }
        for text in
            [&self.legal.address, &self.legal.contact, &self.legal.display_name, &self.legal.name]
        {
            check_text(text, 256)?;
        }
        let sorted = self.shops.is_sorted_by(|a, b| a.code < b.code)
            && self.days.is_sorted_by(|a, b| a.day < b.day);
        let bounded = (1..=Self::SHOPS_MAX).contains(&self.shops.len()) && self.days.len() <= 16;
        if !sorted || !bounded {
            return Err(DocumentRule::List);
        }
        self.shops.iter().try_for_each(Shop::check)?;
        for day in &self.days {
            let known =
                day.anchors.iter().all(|a| self.shop(a.shop).is_some() && a.anchor.0.len() == 16);
            if !known || !day.anchors.is_sorted_by(|a, b| a.shop < b.shop) {
                return Err(DocumentRule::List);
            }
        }
        if self.controller_key == self.log_key { Err(DocumentRule::Terms) } else { Ok(()) }
    }
}

impl Shop {
    fn check(&self) -> Result<(), DocumentRule> {
        check_text(&self.name, 128)?;
        check_text(&self.scope, 253)?;
        let on_earth = self.latitude_e7.unsigned_abs() <= 900_000_000
            && self.longitude_e7.unsigned_abs() <= 1_800_000_000;
        if on_earth && (10..=2000).contains(&self.radius_metres) {
            Ok(())
        } else {
            Err(DocumentRule::Bounds)
        }
    }
}
