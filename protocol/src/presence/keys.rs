//! From the presence root of a grant to what is released for one day.

use alloc::vec::Vec;
use core::fmt;

use rand_core::CryptoRngCore;
use zeroize::Zeroizing;

use super::{Binding, EphemeralId, Epoch, ShopValue, first, token};
use crate::{
    crypto::{DerivationKey, Digest, Label, SecretBytes, labelled_hash, sha256},
    id::Handle,
    time::Day,
};

/// Where a grant may be recognised, as it enters its keys: a franchisee is its own scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope([u8; 8]);

impl Scope {
    /// `SHA-256(Label("besace presence/v1 scope") || text)[..8]`, of a text such as `shop.example/fr/*`.
    pub fn of(text: &str) -> Self {
        Self(first(labelled_hash(Label::PresenceScope, &[text.as_bytes()]).as_bytes()))
    }

    /// The eight bytes.
    pub const fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }
}

/// The secret of a grant's presence: 32 fresh bytes, in the vault only, destroyed at withdrawal.
#[derive(Debug)]
pub struct PresenceRoot(DerivationKey);

impl PresenceRoot {
    /// A fresh root: never derived from another key, never used for a second grant.
    pub fn generate(rng: &mut impl CryptoRngCore) -> Self {
        Self(DerivationKey::generate(rng))
    }

    /// The root that the vault gave back, written in place.
    pub fn init_with(fill: impl FnOnce(&mut [u8; 32])) -> Self {
        Self(DerivationKey::init_with(fill))
    }

    /// The bytes, for the vault and for nobody else.
    pub fn danger_expose(&self) -> &[u8; 32] {
        self.0.danger_expose()
    }

    /// The key of one day; days are independent, no day helps for another.
    ///
    /// `HKDF-SHA256(root, "", Label("besace presence/v1 day key") || scope || BE32(d), 32)`.
    pub fn day_key(&self, day: Day, scope: &Scope) -> DayKey {
        let key = self.0.derive(Label::PresenceDayKey, &[&scope.0, &day.as_number().to_be_bytes()]);
        DayKey { day, key: key.into() }
    }
}

/// The key of one day of one grant: what is broadcast and what is released comes from it.
#[derive(Debug)]
pub struct DayKey {
    day: Day,
    key: DerivationKey,
}

impl DayKey {
    /// The day it is for.
    pub const fn day(&self) -> Day {
        self.day
    }

    /// What the retailer gets for this day; with the till key only if the grant's purpose needs a till.
    pub fn release(&self, till: Till) -> ReleasedKeys {
        ReleasedKeys {
            day: self.day,
            locator: self.key.expand(Label::PresenceLocator, &[]),
            binder: self.key.expand(Label::PresenceBinder, &[]),
            till: match till {
                Till::Included => Some(self.key.expand(Label::PresenceTill, &[])),
                Till::Excluded => None,
            },
        }
    }

    /// The identifier to broadcast during `epoch`: [`ReleasedKeys::ephemeral_id`].
    pub fn ephemeral_id(&self, epoch: Epoch, heard: Option<&ShopValue>) -> Option<EphemeralId> {
        self.release(Till::Excluded).ephemeral_id(epoch, heard)
    }
}

/// Whether a release lets the retailer check answers at the till.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Till {
    /// The purpose includes loyalty or payment.
    Included,
    /// Recognition only.
    Excluded,
}

/// The bytes are not released keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("released keys have {without} bytes, or {with} with the till key", without = ReleasedKeys::LEN_WITHOUT_TILL, with = ReleasedKeys::LEN_WITH_TILL)]
pub struct ParseReleasedKeysError;

/// What a retailer holds of a grant for one day: `locator_key(16) || binder_key(32) [|| till_key(32)]`.
pub struct ReleasedKeys {
    day: Day,
    locator: SecretBytes<16>,
    binder: SecretBytes<32>,
    till: Option<SecretBytes<32>>,
}

impl ReleasedKeys {
    /// Length for recognition only, in bytes.
    pub const LEN_WITHOUT_TILL: usize = 16 + 32;
    /// Length with the till key, in bytes.
    pub const LEN_WITH_TILL: usize = Self::LEN_WITHOUT_TILL + 32;

    /// Reads the keys of `day`.
    pub fn from_slice(day: Day, bytes: &[u8]) -> Result<Self, ParseReleasedKeysError> {
        let (locator, rest) = bytes.split_first_chunk::<16>().ok_or(ParseReleasedKeysError)?;
        let (binder, rest) = rest.split_first_chunk::<32>().ok_or(ParseReleasedKeysError)?;
        let till = match rest {
            [] => None,
            rest => {
                let till: &[u8; 32] = rest.try_into().map_err(|_| ParseReleasedKeysError)?;
                Some(SecretBytes::init_with(|to| *to = *till))
            }
        };
        Ok(Self {
            day,
            locator: SecretBytes::init_with(|to| *to = *locator),
            binder: SecretBytes::init_with(|to| *to = *binder),
            till,
        })
    }

    /// The bytes that travel, sealed; wiped on drop.
    pub fn danger_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(Self::LEN_WITH_TILL));
        bytes.extend_from_slice(self.locator.danger_expose());
        bytes.extend_from_slice(self.binder.danger_expose());
        if let Some(till) = &self.till {
            bytes.extend_from_slice(till.danger_expose());
        }
        bytes
    }

    /// The day they are for.
    pub const fn day(&self) -> Day {
        self.day
    }

    /// Whether the till key is among them.
    pub const fn till(&self) -> Till {
        if self.till.is_some() { Till::Included } else { Till::Excluded }
    }

    pub(super) fn danger_locator_key(&self) -> &[u8; 16] {
        self.locator.danger_expose()
    }

    pub(super) fn danger_till_key(&self) -> Option<&[u8; 32]> {
        self.till.as_ref().map(SecretBytes::danger_expose)
    }

    pub(super) fn danger_binder_key(&self) -> &[u8; 32] {
        self.binder.danger_expose()
    }

    /// The identifier to broadcast during `epoch`, bound to the shop value that was heard, or unbound.
    ///
    /// `locator || binder`, as `spec/presence.md` gives them; 16 bytes. `None` when the epoch is not one
    /// of this day: nobody would resolve it.
    pub fn ephemeral_id(&self, epoch: Epoch, heard: Option<&ShopValue>) -> Option<EphemeralId> {
        if epoch.day() != self.day {
            return None;
        }
        let locator = token::locator(self.danger_locator_key(), epoch);
        let binder = token::binder(self.danger_binder_key(), epoch, &locator, heard);
        Some(EphemeralId::from_parts(&locator, binder))
    }

    /// What the retailer sees in `token` during `epoch`, at a shop that emitted one of `values` lately.
    ///
    /// `None` when the token is not of these keys and this epoch.
    pub fn binding(
        &self,
        epoch: Epoch,
        token: &EphemeralId,
        values: &[ShopValue],
    ) -> Option<Binding> {
        let mine = epoch.day() == self.day
            && token::locator(self.danger_locator_key(), epoch) == token.locator();
        mine.then(|| token::binding(self.danger_binder_key(), epoch, token, values))
    }

    /// What the log says about the release: an auditor sees which days were released, never a key.
    ///
    /// `SHA-256(Label("besace presence/v1 commit") || handle || BE32(d) || kind || SHA-256(bytes))`, kind 1
    /// for recognition only, 2 with the till key.
    pub fn commitment(&self, handle: &Handle) -> Digest {
        let kind: u8 = match self.till() {
            Till::Excluded => 1,
            Till::Included => 2,
        };
        let keys = sha256(&[&self.danger_bytes()]);
        let parts: [&[u8]; 4] =
            [handle.as_bytes(), &self.day.as_number().to_be_bytes(), &[kind], keys.as_bytes()];
        labelled_hash(Label::PresenceCommit, &parts)
    }
}

impl fmt::Debug for ReleasedKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReleasedKeys")
            .field("day", &self.day)
            .field("till", &self.till())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, format, vec::Vec};

    use proptest::prelude::*;
    use rand::{SeedableRng as _, rngs::StdRng};

    use super::*;

    fn root(byte: u8) -> PresenceRoot {
        PresenceRoot::init_with(|bytes| bytes.fill(byte))
    }

    #[test]
    fn debug_does_not_show_the_keys() {
        let root = root(7);
        let day = root.day_key(Day::from_number(1), &Scope::of("shop.example"));
        insta::assert_snapshot!(format!("{root:?}"), @"PresenceRoot(DerivationKey(SecretBox<[u8; 32]>([REDACTED])))");
        insta::assert_snapshot!(format!("{day:?}"), @"DayKey { day: Day(1), key: DerivationKey(SecretBox<[u8; 32]>([REDACTED])) }");
        insta::assert_snapshot!(format!("{:?}", day.release(Till::Included)), @"ReleasedKeys { day: Day(1), till: Included, .. }");
    }

    #[test]
    fn recognition_alone_releases_no_till_key() {
        let day = root(7).day_key(Day::from_number(1), &Scope::of("shop.example"));
        assert_eq!(day.release(Till::Excluded).danger_bytes().len(), 48);
        assert_eq!(day.release(Till::Included).danger_bytes().len(), 80);
        assert_eq!(
            day.release(Till::Included).danger_bytes()[..48],
            day.release(Till::Excluded).danger_bytes()[..]
        );
    }

    #[test]
    fn an_epoch_of_another_day_has_no_identifier() {
        let day = Day::from_number(20_000);
        let key = root(7).day_key(day, &Scope::of("shop.example"));
        assert!(Epoch::of_day(day).all(|epoch| key.ephemeral_id(epoch, None).is_some()));
        assert_eq!(key.ephemeral_id(Epoch::of(day.plus(1).start()), None), None);
        assert_eq!(key.ephemeral_id(Epoch::of(day.start().minus(1)), None), None);
    }

    #[test]
    fn days_scopes_and_grants_share_nothing() {
        let mut seen = BTreeSet::new();
        for grant in 0..5 {
            for scope in ["shop.example/fr/*", "shop.example/be/*"] {
                for day in 20_000..20_005 {
                    let key = root(grant).day_key(Day::from_number(day), &Scope::of(scope));
                    assert!(seen.insert(key.release(Till::Included).danger_bytes().to_vec()));
                }
            }
        }
        assert_eq!(seen.len(), 50);
    }

    #[test]
    fn two_retailers_never_hold_the_same_eight_bytes() {
        let mut rng = StdRng::seed_from_u64(1);
        // One shopper, a grant towards each of two retailers, everything both receive in ten days.
        let [a, b] = [0, 1].map(|_| {
            let (root, handle) = (PresenceRoot::generate(&mut rng), Handle::generate(&mut rng));
            let scope = Scope::of("shop.example/fr/*"); // even the same text
            let mut received = handle.as_bytes().to_vec();
            for day in (20_000..20_010).map(Day::from_number) {
                let keys = root.day_key(day, &scope).release(Till::Included);
                received.extend_from_slice(&keys.danger_bytes());
                for epoch in Epoch::of_day(day) {
                    received.extend_from_slice(keys.ephemeral_id(epoch, None).unwrap().as_bytes());
                }
            }
            received
        });
        let windows: BTreeSet<&[u8]> = a.windows(8).collect();
        assert_eq!(b.windows(8).filter(|window| windows.contains(window)).count(), 0);
    }

    #[test]
    fn a_commitment_says_grant_day_and_kind() {
        let key = root(7).day_key(Day::from_number(1), &Scope::of("shop.example"));
        let other_day = root(7).day_key(Day::from_number(2), &Scope::of("shop.example"));
        let (handle, other) = (Handle::from_bytes([1; 16]), Handle::from_bytes([2; 16]));
        let commitments: BTreeSet<_> = [
            key.release(Till::Excluded).commitment(&handle),
            key.release(Till::Included).commitment(&handle),
            key.release(Till::Excluded).commitment(&other),
            other_day.release(Till::Excluded).commitment(&handle),
        ]
        .into();
        assert_eq!(commitments.len(), 4);
    }

    proptest! {
        #[test]
        fn released_keys_have_one_of_two_lengths(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            match ReleasedKeys::from_slice(Day::from_number(1), &bytes) {
                Ok(keys) => prop_assert_eq!(keys.danger_bytes().to_vec(), bytes),
                Err(ParseReleasedKeysError) => prop_assert!(bytes.len() != 48 && bytes.len() != 80),
            }
        }
    }

    #[test]
    fn a_released_key_says_the_same_as_the_day_key() {
        let day = Day::from_number(20_000);
        let key = root(9).day_key(day, &Scope::of("shop.example"));
        let released =
            ReleasedKeys::from_slice(day, &key.release(Till::Excluded).danger_bytes()).unwrap();
        let tokens: Vec<_> = Epoch::of_day(day).map(|e| released.ephemeral_id(e, None)).collect();
        assert_eq!(
            tokens,
            Epoch::of_day(day).map(|e| key.ephemeral_id(e, None)).collect::<Vec<_>>()
        );
    }
}
