//! The manifest: who a retailer is, with which keys, in which shops. `spec/consent.md#manifest`.

use alloc::{collections::BTreeSet, string::String, vec::Vec};

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use super::{ControllerId, ShopCode, ShopKind};
use crate::{
    crypto::{SealingPublicKey, VerifyingKey},
    document::{Document, DocumentRule, Verified, check_text, check_version},
    encoding::Bytes,
    jws::{Role, Typ},
    log::{LogKey, LogNumber, Origin},
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
    /// Which of the retailer's logs is written now; absent from JSON while it is the first (`spec/restoration.md`).
    #[serde(default, skip_serializing_if = "LogNumber::is_first")]
    pub log: LogNumber,
    /// Verifies the checkpoints of that log.
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
    /// What it sells, which is what going there tells (`spec/mirror.md`). A shop that does not say it asks nothing; absent
    /// from JSON then.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present_kind")]
    pub kind: Option<ShopKind>,
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
    /// Verify the challenges of its tills (`spec/till.md`), sorted; absent from JSON when there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "present_keys")]
    pub till_keys: Vec<VerifyingKey>,
}

/// A kind that is there is one: `null` would be a second spelling of none.
fn present_kind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ShopKind>, D::Error> {
    ShopKind::deserialize(deserializer).map(Some)
}

/// A list that is there has something in it: an empty one would be a second spelling of none.
fn present_keys<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<VerifyingKey>, D::Error> {
    let keys = Vec::deserialize(deserializer)?;
    if keys.is_empty() {
        return Err(D::Error::custom("a list of till keys is not empty"));
    }
    Ok(keys)
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

impl LegalIdentity {
    /// Four texts of 1 to 256 bytes.
    pub(crate) fn check(&self) -> Result<(), DocumentRule> {
        [&self.address, &self.contact, &self.display_name, &self.name]
            .into_iter()
            .try_for_each(|text| check_text(text, 256))
    }
}

impl Manifest {
    /// Most shops of one retailer.
    pub const SHOPS_MAX: usize = 1024;

    /// Most tills of one shop.
    pub const TILL_KEYS_MAX: usize = 64;

    /// The log that it names, and the key that it is signed with.
    pub fn log(&self) -> LogKey {
        LogKey::new(Origin::retailer_nth(&self.controller, self.log), self.log_key)
    }

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
        if self.controller_key != pinned.controller_key || self.log() != pinned.log() {
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
        self.legal.check()?;
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
        // A day's key that stays, or serves two days, opens releases after their day is over.
        let sealing: BTreeSet<_> = self.days.iter().map(|day| day.sealing_key).collect();
        let one_role = sealing.len() == self.days.len() && !sealing.contains(&self.sealing_key);
        if self.controller_key == self.log_key || !one_role {
            return Err(DocumentRule::Terms);
        }
        // One till stands in one shop, and what a thief finds in a till signs nothing else.
        let mut signing = BTreeSet::from([self.controller_key, self.log_key]);
        if !self.shops.iter().flat_map(|shop| &shop.till_keys).all(|key| signing.insert(*key)) {
            return Err(DocumentRule::Terms);
        }
        Ok(())
    }

    fn named_key(&self, role: Role) -> Option<&VerifyingKey> {
        match role {
            Role::Controller => Some(&self.controller_key),
            Role::Delegate | Role::Subject | Role::Successor => None,
        }
    }
}

impl Shop {
    fn check(&self) -> Result<(), DocumentRule> {
        check_text(&self.name, 128)?;
        check_text(&self.scope, 253)?;
        if !self.till_keys.is_sorted_by(|a, b| a < b)
            || self.till_keys.len() > Manifest::TILL_KEYS_MAX
        {
            return Err(DocumentRule::List);
        }
        let on_earth = self.latitude_e7.unsigned_abs() <= 900_000_000
            && self.longitude_e7.unsigned_abs() <= 1_800_000_000;
        if on_earth && (10..=2000).contains(&self.radius_metres) {
            Ok(())
        } else {
            Err(DocumentRule::Bounds)
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::{string::ToString as _, vec};

    use super::*;
    use crate::{
        crypto::{SealingSecretKey, SecretBytes, SigningKey},
        document::sign,
        time::DAY_SECONDS,
    };

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_300_000);
    const SKEW: u64 = 90;

    fn key(fill: u8) -> SigningKey {
        SigningKey::from_seed(&SecretBytes::init_with(|seed| seed.fill(fill)))
    }

    fn sealing_key(fill: u8) -> SealingPublicKey {
        SealingSecretKey::from_bytes(SecretBytes::init_with(|b| b.fill(fill))).public_key()
    }

    fn code(n: u8) -> ShopCode {
        ShopCode::from_bytes([0, 0, 0, n])
    }

    fn domain() -> ControllerId {
        ControllerId::parse("shop.example").unwrap()
    }

    fn shop(n: u8) -> Shop {
        Shop {
            code: code(n),
            kind: None,
            latitude_e7: 488_566_000,
            longitude_e7: 23_522_000,
            name: "Rivoli".to_string(),
            radius_metres: 60,
            scope: "shop.example/fr/*".to_string(),
            till_keys: Vec::new(),
        }
    }

    fn day(number: u32, fill: u8) -> DayKeys {
        DayKeys {
            anchors: vec![ShopAnchor { anchor: Bytes(vec![7; 16]), shop: code(1) }],
            day: Day::from_number(number),
            sealing_key: sealing_key(fill),
        }
    }

    /// Two shops, two days, valid from an hour before [`NOW`] for a day.
    fn manifest() -> Manifest {
        Manifest {
            controller: domain(),
            controller_key: key(2).verifying_key(),
            days: vec![day(20_779, 20), day(20_780, 21)],
            expires: NOW.minus(3600).plus(DAY_SECONDS),
            issued: NOW.minus(3600),
            legal: LegalIdentity {
                address: "1 rue de Rivoli, 75001 Paris".to_string(),
                contact: "donnees@shop.example".to_string(),
                display_name: "Au Bon Rayon".to_string(),
                name: "Au Bon Rayon SAS".to_string(),
            },
            log: LogNumber::FIRST,
            log_key: key(4).verifying_key(),
            sealing_key: sealing_key(6),
            sequence: 5,
            shops: vec![shop(1), shop(2)],
            v: 1,
        }
    }

    fn pinned() -> Verified<Manifest> {
        sign(manifest(), Role::Controller, &key(2), NOW).unwrap()
    }

    fn change(edit: impl FnOnce(&mut Manifest)) -> Result<(), ManifestChange> {
        let mut next = manifest();
        edit(&mut next);
        next.check_change(&domain(), Some(&pinned()), NOW, SKEW)
    }

    #[test]
    fn a_manifest_replaces_an_older_one_of_the_same_keys() {
        assert_eq!(change(|_| {}), Ok(()));
        assert_eq!(change(|m| m.sequence = 6), Ok(()));
        let moved = |m: &mut Manifest| {
            m.sequence = 6;
            m.shops = vec![shop(1), shop(2), shop(3)];
            m.sealing_key = sealing_key(9);
        };
        assert_eq!(change(moved), Ok(()));
        assert_eq!(change(|m| m.sequence = 4), Err(ManifestChange::Older));
        assert_eq!(change(|m| m.shops = vec![shop(1)]), Err(ManifestChange::Older));
    }

    #[test]
    fn another_key_is_never_taken_over_silently() {
        let signing = |m: &mut Manifest| {
            m.sequence = 6;
            m.controller_key = key(9).verifying_key();
        };
        assert_eq!(change(signing), Err(ManifestChange::Keys));
        let log = |m: &mut Manifest| {
            m.sequence = 6;
            m.log_key = key(9).verifying_key();
        };
        assert_eq!(change(log), Err(ManifestChange::Keys));
        // Nor by going back: the keys are looked at first.
        let older = |m: &mut Manifest| {
            m.sequence = 4;
            m.log_key = key(9).verifying_key();
        };
        assert_eq!(change(older), Err(ManifestChange::Keys));
    }

    #[test]
    fn a_manifest_counts_on_its_own_domain_and_in_its_time() {
        let other = ControllerId::parse("other.example").unwrap();
        for pinned in [None, Some(&pinned())] {
            let verdict = |domain: &ControllerId, now: Timestamp| {
                manifest().check_change(domain, pinned, now, SKEW)
            };
            let (issued, expires) = (manifest().issued, manifest().expires);
            assert_eq!(verdict(&domain(), NOW), Ok(()));
            assert_eq!(verdict(&other, NOW), Err(ManifestChange::Domain));
            assert_eq!(verdict(&domain(), issued.minus(SKEW)), Ok(()));
            assert_eq!(verdict(&domain(), issued.minus(SKEW + 1)), Err(ManifestChange::Moment));
            assert_eq!(verdict(&domain(), expires.minus(1)), Ok(()));
            assert_eq!(verdict(&domain(), expires), Err(ManifestChange::Moment));
        }
    }

    #[test]
    fn a_manifest_breaks_no_rule_of_its_own() {
        let rule = |edit: fn(&mut Manifest)| {
            let mut manifest = manifest();
            edit(&mut manifest);
            manifest.check()
        };
        assert_eq!(rule(|_| {}), Ok(()));
        assert_eq!(rule(|m| m.days.clear()), Ok(()));
        assert_eq!(rule(|m| m.v = 2), Err(DocumentRule::Version));
        assert_eq!(rule(|m| m.expires = m.issued), Err(DocumentRule::Order));
        assert_eq!(rule(|m| m.legal.contact.clear()), Err(DocumentRule::Text));
        assert_eq!(rule(|m| m.shops.clear()), Err(DocumentRule::List));
        assert_eq!(rule(|m| m.shops.reverse()), Err(DocumentRule::List));
        assert_eq!(rule(|m| m.days.reverse()), Err(DocumentRule::List));
        assert_eq!(rule(|m| m.days[0].anchors[0].shop = code(3)), Err(DocumentRule::List));
        assert_eq!(rule(|m| m.days[0].anchors[0].anchor.0.push(0)), Err(DocumentRule::List));
        assert_eq!(rule(|m| m.shops[0].latitude_e7 = 900_000_001), Err(DocumentRule::Bounds));
        assert_eq!(rule(|m| m.shops[0].longitude_e7 = i32::MIN), Err(DocumentRule::Bounds));
        assert_eq!(rule(|m| m.shops[0].radius_metres = 9), Err(DocumentRule::Bounds));
        assert_eq!(rule(|m| m.shops[0].radius_metres = 2001), Err(DocumentRule::Bounds));
    }

    #[test]
    fn one_key_has_one_role() {
        let rule = |edit: fn(&mut Manifest)| {
            let mut manifest = manifest();
            edit(&mut manifest);
            manifest.check()
        };
        assert_eq!(rule(|m| m.log_key = m.controller_key), Err(DocumentRule::Terms));
        assert_eq!(
            rule(|m| m.days[1].sealing_key = m.days[0].sealing_key),
            Err(DocumentRule::Terms)
        );
        assert_eq!(rule(|m| m.days[0].sealing_key = m.sealing_key), Err(DocumentRule::Terms));
    }

    #[test]
    fn till_keys_are_sorted_and_each_belongs_to_one_till() {
        let rule = |first: &[u8], second: &[u8]| {
            let mut manifest = manifest();
            let keys = |fills: &[u8]| fills.iter().map(|fill| key(*fill).verifying_key()).collect();
            manifest.shops[0].till_keys = keys(first);
            manifest.shops[0].till_keys.sort();
            manifest.shops[1].till_keys = keys(second);
            manifest.check()
        };
        assert_eq!(rule(&[11, 12], &[13]), Ok(()));
        assert_eq!(rule(&[11, 11], &[]), Err(DocumentRule::List));
        assert_eq!(rule(&[11], &[11]), Err(DocumentRule::Terms));
        assert_eq!(rule(&[2], &[]), Err(DocumentRule::Terms));
        assert_eq!(rule(&[], &[4]), Err(DocumentRule::Terms));
        let many: Vec<u8> = (10..75).collect();
        assert_eq!(rule(&many[..64], &[]), Ok(()));
        assert_eq!(rule(&many, &[]), Err(DocumentRule::List));
    }

    #[test]
    fn no_till_keys_are_spelled_by_saying_nothing() {
        let json = serde_json::to_string(&shop(1)).unwrap();
        assert!(!json.contains("till_keys"), "{json}");
        let empty = json.replacen('}', ",\"till_keys\":[]}", 1);
        assert!(serde_json::from_str::<Shop>(&json).is_ok());
        assert!(serde_json::from_str::<Shop>(&empty).is_err());
    }
}
