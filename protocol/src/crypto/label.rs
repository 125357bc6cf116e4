//! Domain separation.

use alloc::vec::Vec;

macro_rules! labels {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// What a hash, a derivation or a sealed message is for; written `besace <document>/v<n> <what>`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Label {
            $($(#[$doc])* $name,)*
        }

        impl Label {
            /// Every label there is.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The text.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => {
                        const { assert!($text.len() < 256 && $text.is_ascii(), "one length byte") };
                        $text
                    })*
                }
            }
        }
    };
}

labels! {
    /// Key of the vault file, from the root.
    VaultKey = "besace keys/v1 vault key";
    /// Signing key of the vault's own log, from the root and the log id.
    VaultLog = "besace keys/v1 vault log";
    /// Key of the sealed inbox and of exports, from the root.
    Inbox = "besace keys/v1 inbox";
    /// Salt of the digests that say which devices may report while the vault is locked, from the root.
    InboxSalt = "besace keys/v1 inbox salt";
    /// A digest that stands for no device, from the root.
    InboxFiller = "besace keys/v1 inbox filler";
    /// A device that may report while the vault is locked.
    InboxDevice = "besace sealed/v1 device";
    /// Key of the prints of pages, from the vault key.
    MarkPages = "besace mark/v1 pages";
    /// Key of the digests of states, from the vault key.
    MarkStates = "besace mark/v1 states";
    /// Key of the tags of marks, from the vault key.
    MarkTags = "besace mark/v1 tags";
    /// Signing key of a pseudonym.
    PairwiseSigning = "besace keys/v1 pairwise signing";
    /// Sealing key of a pseudonym.
    PairwiseSealing = "besace keys/v1 pairwise sealing";
    /// Signing key of one mandate, from the root and the mandate id.
    MandateSigning = "besace keys/v1 mandate signing";
    /// Key of the log of a pseudonym.
    PairwiseLog = "besace keys/v1 pairwise log";
    /// Short name of a verifying key.
    KeyId = "besace keys/v1 key id";
    /// Associated data of a wrapped root.
    KeySlot = "besace keys/v1 slot";
    /// Wrapping key of a recovery kit, and associated data of what it wraps.
    KitSlot = "besace keys/v1 kit slot";
    /// X25519 secret of a recovery kit: opens backups.
    KitBackup = "besace keys/v1 kit backup";
    /// Wrapping key of a device key file, and associated data of what it wraps.
    DeviceSlot = "besace keys/v1 device slot";
    /// Key, from the root, that vouches for what a slot says in clear, and its message.
    SlotSeal = "besace keys/v1 slot seal";
    /// `info` of a sealed message.
    Seal = "besace seal/v1 message";
    /// Commitment in a consent log.
    ConsentLeaf = "besace log/v1 consent leaf";
    /// Commitment to the name of the rule that gave a grant.
    RuleName = "besace consent/v1 rule";
    /// Link of the per-grant chain of uses.
    UseChain = "besace log/v1 use chain";
    /// Scope of a grant's presence.
    PresenceScope = "besace presence/v1 scope";
    /// Key of one day.
    PresenceDayKey = "besace presence/v1 day key";
    /// Key of the locator.
    PresenceLocator = "besace presence/v1 locator";
    /// Key of the binder, and its message.
    PresenceBinder = "besace presence/v1 binder";
    /// Key of the till tag, and its message.
    PresenceTill = "besace presence/v1 till";
    /// Commitment to a released day.
    PresenceCommit = "besace presence/v1 commit";
    /// Link of a shop's hash chain.
    PresenceShop = "besace presence/v1 shop";
    /// The UUID by which every shop's iBeacon wakes a phone.
    PresenceWake = "besace presence/v1 wake";
    /// Presentation shown by the phone as a QR code.
    PresenceQr = "besace presence/v1 qr";
    /// What a till signs, so that a phone knows who asks.
    TillChallenge = "besace presence/v1 challenge";
    /// What a shopper signs, so that something is taken from her.
    TillDebit = "besace presence/v1 debit";
    /// Code that is typed where nothing can be scanned.
    TillCode = "besace presence/v1 code";
    /// Signing key of one retailer and week: asks for vouchers and for nothing else.
    VoucherSigning = "besace keys/v1 voucher signing";
    /// What a voucher is good for: retailer, week and class.
    VoucherContext = "besace voucher/v1 context";
    /// What a spent voucher leaves.
    VoucherNullifier = "besace voucher/v1 nullifier";
}

impl Label {
    /// `Label(x)` of `spec/keys.md`: one length byte, then the ASCII text.
    pub fn to_bytes(self) -> Vec<u8> {
        let text = self.as_str().as_bytes();
        let mut bytes = Vec::with_capacity(text.len().saturating_add(1));
        bytes.push(u8::try_from(text.len()).unwrap_or(u8::MAX)); // below 256, checked at compile time
        bytes.extend_from_slice(text);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, vec::Vec};

    use super::*;

    #[test]
    fn no_two_purposes_share_a_label_and_all_follow_the_grammar() {
        let texts: BTreeSet<_> = Label::ALL.iter().map(|label| label.as_str()).collect();
        assert_eq!(texts.len(), Label::ALL.len());
        for text in texts {
            let words: Vec<_> = text.splitn(3, ' ').collect();
            assert!(
                words[0] == "besace" && words[1].ends_with("/v1") && words.len() == 3,
                "{text}"
            );
        }
    }

    #[test]
    fn the_length_stands_first() {
        assert_eq!(Label::PresenceShop.to_bytes()[0], 23);
        assert_eq!(Label::PresenceShop.to_bytes().len(), 24);
    }
}
