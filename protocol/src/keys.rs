//! The root of a vault and what is derived from it. `spec/keys.md`.

use rand_core::CryptoRngCore;

use crate::{
    crypto::{DerivationKey, Label, SealingSecretKey, SecretBytes, SigningKey},
    id::{Generation, LogId, MandateId},
    party::ControllerId,
    time::Week,
};

/// 32 random bytes, wrapped in key slots; everything that need not be fresh is derived from them.
#[derive(Debug)]
pub struct RootKey(DerivationKey);

/// Which "me" a shop meets; 0 is the ordinary one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Facet(pub u16);

impl RootKey {
    /// A fresh root.
    pub fn generate(rng: &mut impl CryptoRngCore) -> Self {
        Self(DerivationKey::generate(rng))
    }

    /// The root that a key slot gave back, written in place.
    pub fn init_with(fill: impl FnOnce(&mut [u8; 32])) -> Self {
        Self(DerivationKey::init_with(fill))
    }

    /// The bytes, to wrap them in a key slot.
    pub fn danger_expose(&self) -> &[u8; 32] {
        self.0.danger_expose()
    }

    /// The raw key of the vault file.
    pub fn vault_key(&self) -> SecretBytes<32> {
        self.0.derive(Label::VaultKey, &[])
    }

    /// X25519 secret that opens the sealed inbox and exports.
    pub fn inbox_key(&self) -> SecretBytes<32> {
        self.0.derive(Label::Inbox, &[])
    }

    /// Vouches for what a key slot says in clear (`spec/vault.md#slots`).
    pub fn slot_seal_key(&self) -> SecretBytes<32> {
        self.0.derive(Label::SlotSeal, &[])
    }

    /// Salts the digests by which devices are known while the vault is locked. Not secret.
    pub fn inbox_salt(&self) -> [u8; 32] {
        *self.0.derive(Label::InboxSalt, &[]).danger_expose()
    }

    /// Digest number `n` that stands for no device, and that nobody without the root tells from one that does.
    pub fn inbox_filler(&self, n: u8) -> [u8; 32] {
        *self.0.derive(Label::InboxFiller, &[&[n]]).danger_expose()
    }

    /// Signs the vault's own log, which no retailer sees.
    pub fn vault_log_key(&self, log: &LogId) -> SigningKey {
        SigningKey::from_seed(&self.0.derive(Label::VaultLog, &[log.as_bytes()]))
    }

    /// Signs one mandate and its withdrawal; no retailer sees it.
    pub fn mandate_key(&self, mandate: &MandateId) -> SigningKey {
        SigningKey::from_seed(&self.0.derive(Label::MandateSigning, &[mandate.as_bytes()]))
    }

    /// The pseudonym towards one retailer.
    pub fn pairwise(
        &self,
        domain: &ControllerId,
        facet: Facet,
        generation: &Generation,
    ) -> PairwiseKeys {
        PairwiseKeys {
            signing: SigningKey::from_seed(&self.derive_pairwise(
                Label::PairwiseSigning,
                domain,
                facet,
                generation,
                &[],
            )),
            sealing: SealingSecretKey::from_bytes(self.derive_pairwise(
                Label::PairwiseSealing,
                domain,
                facet,
                generation,
                &[],
            )),
        }
    }

    /// Signs the log of one pseudonym.
    pub fn pairwise_log_key(
        &self,
        domain: &ControllerId,
        facet: Facet,
        generation: &Generation,
        log: &LogId,
    ) -> SigningKey {
        SigningKey::from_seed(&self.derive_pairwise(
            Label::PairwiseLog,
            domain,
            facet,
            generation,
            log.as_bytes(),
        ))
    }

    /// Asks one retailer for the vouchers of one week, and does nothing else: what is issued to it leads to
    /// no grant and to no other week.
    pub fn voucher_key(
        &self,
        domain: &ControllerId,
        facet: Facet,
        generation: &Generation,
        week: Week,
    ) -> SigningKey {
        SigningKey::from_seed(&self.derive_pairwise(
            Label::VoucherSigning,
            domain,
            facet,
            generation,
            &week.as_number().to_be_bytes(),
        ))
    }

    /// `fields = BE16(length) || domain || BE16(facet) || generation || extra`.
    fn derive_pairwise(
        &self,
        label: Label,
        domain: &ControllerId,
        facet: Facet,
        generation: &Generation,
        extra: &[u8],
    ) -> SecretBytes<32> {
        let name = domain.as_str().as_bytes();
        // A domain has at most 253 bytes (RFC 1035), so its length fits.
        let length = u16::try_from(name.len()).unwrap_or(u16::MAX).to_be_bytes();
        let facet = facet.0.to_be_bytes();
        self.0.derive(label, &[&length, name, &facet, generation.as_bytes(), extra])
    }
}

/// The keys of one pseudonym.
#[derive(Debug)]
pub struct PairwiseKeys {
    /// Signs grants, withdrawals and calls.
    pub signing: SigningKey,
    /// Opens the mailbox, seals disclosures.
    pub sealing: SealingSecretKey,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pseudonyms_towards_two_retailers_have_nothing_in_common() {
        let root = RootKey::init_with(|bytes| bytes.fill(1));
        let generation = Generation::from_bytes([2; 16]);
        let a = root.pairwise(&ControllerId::parse("a.example").unwrap(), Facet(0), &generation);
        let b = root.pairwise(&ControllerId::parse("b.example").unwrap(), Facet(0), &generation);
        let c = root.pairwise(&ControllerId::parse("a.example").unwrap(), Facet(1), &generation);
        let keys = [&a, &b, &c].map(|keys| *keys.signing.verifying_key().as_bytes());
        assert!(keys[0] != keys[1] && keys[0] != keys[2] && keys[1] != keys[2]);
        assert_ne!(a.sealing.public_key(), b.sealing.public_key());
    }
}
