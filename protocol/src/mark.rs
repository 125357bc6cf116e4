//! The mark of a vault: what its newest state was, kept outside of its file. `spec/rollback.md`.
//!
//! A file that authenticates page by page can still be an older file, or pages of two moments. The
//! digests here commit to every page at once, and the mark says which of all states of a file was the
//! last. Reading files is the agent's; this is arithmetic on what it read.

use core::fmt;

use crate::{
    crypto::{
        DerivationKey, Digest, Label, SecretBytes, equal_in_constant_time, hmac_sha256,
        hmac_sha256_with,
    },
    id::VaultId,
    time::Timestamp,
};

/// Length of the field with which a page of `SQLCipher` 4 authenticates itself, in bytes: HMAC-SHA512.
pub const PAGE_TAG_LEN: usize = 64;

/// Length of one slot of a mark file, in bytes: a sector of the disk.
pub const SLOT_LEN: usize = 512;

/// The time from an unlock to the next lock: every one has a random name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Sitting([u8; 16]);

impl Sitting {
    /// The sitting with these 16 random bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for Sitting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sitting(..)")
    }
}

/// What marks are made and checked with: derived from the key of the vault file.
#[derive(Debug)]
pub struct MarkKeys {
    pages: SecretBytes<32>,
    states: SecretBytes<32>,
    tags: SecretBytes<32>,
}

impl MarkKeys {
    /// The keys of the vault whose file has this key.
    pub fn derive(vault_key: &SecretBytes<32>) -> Self {
        let key =
            DerivationKey::init_with(|bytes| bytes.copy_from_slice(vault_key.danger_expose()));
        Self {
            pages: key.derive(Label::MarkPages, &[]),
            states: key.derive(Label::MarkStates, &[]),
            tags: key.derive(Label::MarkTags, &[]),
        }
    }

    /// The print of page `number`, from 1, that authenticates itself with `tag`.
    ///
    /// The tag is a MAC over content, initialisation vector and number of the page, and the vector is fresh
    /// whenever the page is written: no two versions of a page have one print.
    pub fn print(&self, number: u32, tag: &[u8; PAGE_TAG_LEN]) -> Prints {
        Prints(hmac_sha256_with(self.pages.danger_expose(), &[&number.to_be_bytes(), tag]))
    }

    /// What a mark says of a state of `pages` pages with these prints, so that it does not show the prints.
    pub fn state(&self, pages: u32, prints: &Prints) -> Digest {
        Digest::from_bytes(hmac_sha256(&self.states, &[&pages.to_be_bytes(), &prints.0]))
    }

    /// What the first page carries after change `counter` of `sitting`.
    pub fn first_page(&self, sitting: &Sitting, counter: u64) -> [u8; 4] {
        let mac = hmac_sha256(&self.states, &[sitting.as_bytes(), &counter.to_be_bytes()]);
        let [a, b, c, d, ..] = mac;
        [a, b, c, d]
    }
}

/// The sum (bitwise exclusive or) of prints of pages, at most one version of each.
///
/// Whoever knew sums of several states could solve for a mixture of their pages with the same sum. So they
/// stand in the encrypted file only, and never in a mark.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Prints([u8; 32]);

impl Prints {
    /// The sum with these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Puts `other` in if it was not there, and takes it out if it was.
    pub fn toggle(&mut self, other: &Self) {
        for (byte, other) in self.0.iter_mut().zip(other.0) {
            *byte ^= other;
        }
    }
}

impl fmt::Debug for Prints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Prints(..)")
    }
}

/// What a mark says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Of which vault.
    pub vault: VaultId,
    /// How many marks were made before it; the highest in a file counts.
    pub serial: u64,
    /// The sitting that made it.
    pub sitting: Sitting,
    /// How many changes the vault had had.
    pub counter: u64,
    /// All pages ([`MarkKeys::state`]).
    pub state: Digest,
    /// When it was made.
    pub at: Timestamp,
    /// What else is going on.
    pub note: Note,
}

/// What else a mark says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// Nothing.
    Plain,
    /// All pages are being written anew, without a change of what they say.
    Rewriting,
    /// Somebody outside knows a later state, and the owner has not decided yet.
    WentBack,
    /// This file is being put in the place of the one of the mark before, which may still stand there.
    Swapping,
}

impl Note {
    const ALL: [Self; 4] = [Self::Plain, Self::Rewriting, Self::WentBack, Self::Swapping];

    const fn as_byte(self) -> u8 {
        match self {
            Self::Plain => 0,
            Self::Rewriting => 1,
            Self::WentBack => 2,
            Self::Swapping => 3,
        }
    }
}

/// A slot does not hold a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseMarkError {
    /// It is not 512 bytes long.
    #[error("a mark has 512 bytes")]
    Length,
    /// It begins with something else.
    #[error("not a mark of version 1")]
    Magic,
    /// An unknown note, or bytes where there are none.
    #[error("a mark says nothing more")]
    Rest,
}

/// The mark was not made with these keys, or not for this vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a mark of this vault")]
pub struct VerifyMarkError;

/// A mark as it stands in its slot: well formed, but **not** checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnverifiedMark {
    mark: Mark,
    tag: [u8; 32],
}

const MAGIC: &[u8; 8] = b"BSCMARK1";
/// Vault, serial, sitting, counter, state, at, note.
const CONTENT_LEN: usize = MAGIC.len() + 16 + 8 + 16 + 8 + 32 + 8 + 1;

impl UnverifiedMark {
    /// Reads a slot.
    pub fn parse(slot: &[u8]) -> Result<Self, ParseMarkError> {
        let slot: &[u8; SLOT_LEN] = slot.try_into().map_err(|_| ParseMarkError::Length)?;
        let mut rest = Reader(slot);
        if rest.take() != *MAGIC {
            return Err(ParseMarkError::Magic);
        }
        let mark = Mark {
            vault: VaultId::from_bytes(rest.take()),
            serial: u64::from_be_bytes(rest.take()),
            sitting: Sitting(rest.take()),
            counter: u64::from_be_bytes(rest.take()),
            state: Digest::from_bytes(rest.take()),
            at: Timestamp::from_unix_seconds(u64::from_be_bytes(rest.take())),
            note: {
                let [byte] = rest.take();
                let known = Note::ALL.into_iter().find(|note| note.as_byte() == byte);
                known.ok_or(ParseMarkError::Rest)?
            },
        };
        let tag = rest.take();
        if rest.0.iter().any(|byte| *byte != 0) {
            return Err(ParseMarkError::Rest);
        }
        Ok(Self { mark, tag })
    }

    /// Checks that it was made with `keys` for `vault`.
    pub fn verify(self, keys: &MarkKeys, vault: VaultId) -> Result<Mark, VerifyMarkError> {
        let expected = hmac_sha256(&keys.tags, &[&content(&self.mark)]);
        let made = equal_in_constant_time(&expected, &self.tag);
        if made && self.mark.vault == vault { Ok(self.mark) } else { Err(VerifyMarkError) }
    }

    /// The slot it was read from.
    pub fn to_bytes(&self) -> [u8; SLOT_LEN] {
        let mut slot = [0; SLOT_LEN];
        let content = content(&self.mark);
        for (to, from) in slot.iter_mut().zip(content.iter().chain(&self.tag)) {
            *to = *from;
        }
        slot
    }
}

impl Mark {
    /// The slot that says this, made with `keys`.
    pub fn to_bytes(self, keys: &MarkKeys) -> [u8; SLOT_LEN] {
        let tag = hmac_sha256(&keys.tags, &[&content(&self)]);
        UnverifiedMark { mark: self, tag }.to_bytes()
    }
}

fn content(mark: &Mark) -> [u8; CONTENT_LEN] {
    let mut content = [0; CONTENT_LEN];
    let fields: [&[u8]; 8] = [
        MAGIC,
        mark.vault.as_bytes(),
        &mark.serial.to_be_bytes(),
        mark.sitting.as_bytes(),
        &mark.counter.to_be_bytes(),
        mark.state.as_bytes(),
        &mark.at.as_unix_seconds().to_be_bytes(),
        &[mark.note.as_byte()],
    ];
    for (to, from) in content.iter_mut().zip(fields.into_iter().flatten()) {
        *to = *from;
    }
    content
}

/// Takes fields of known length off the front; what is not there is zero.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let mut field = [0; N];
        if let Some((head, rest)) = self.0.split_at_checked(N) {
            field.copy_from_slice(head);
            self.0 = rest;
        }
        field
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const VAULT: VaultId = VaultId::from_bytes([3; 16]);

    fn keys(byte: u8) -> MarkKeys {
        MarkKeys::derive(&SecretBytes::init_with(|key| key.fill(byte)))
    }

    fn mark(serial: u64, note: Note) -> Mark {
        Mark {
            vault: VAULT,
            serial,
            sitting: Sitting::from_bytes([4; 16]),
            counter: serial.wrapping_mul(3),
            state: Digest::from_bytes([5; 32]),
            at: Timestamp::from_unix_seconds(1_795_300_000),
            note,
        }
    }

    #[test]
    fn only_the_keys_and_the_vault_it_was_made_for_verify_a_mark() {
        let slot = mark(9, Note::Plain).to_bytes(&keys(1));
        let read = || UnverifiedMark::parse(&slot).unwrap();
        assert_eq!(read().verify(&keys(1), VAULT).unwrap(), mark(9, Note::Plain));
        assert!(read().verify(&keys(2), VAULT).is_err());
        assert!(read().verify(&keys(1), VaultId::from_bytes([4; 16])).is_err());
    }

    #[test]
    fn no_changed_byte_is_a_mark() {
        let slot = mark(9, Note::Rewriting).to_bytes(&keys(1));
        for at in 0..SLOT_LEN {
            let mut changed = slot;
            changed[at] ^= 1;
            let read = UnverifiedMark::parse(&changed).ok();
            let verified = read.and_then(|mark| mark.verify(&keys(1), VAULT).ok());
            assert_eq!(verified, None, "byte {at}");
        }
    }

    #[test]
    fn a_page_put_in_and_taken_out_leaves_nothing() {
        let keys = keys(1);
        let (a, b) = (keys.print(1, &[1; 64]), keys.print(2, &[1; 64]));
        assert_ne!(a, b);
        let mut sum = a;
        sum.toggle(&b);
        sum.toggle(&a);
        assert_eq!(sum, b);
        assert_ne!(keys.state(1, &sum), keys.state(2, &sum));
    }

    proptest! {
        #[test]
        fn a_mark_reads_as_it_was_written(serial in any::<u64>(), note in 0_usize..4) {
            let mark = mark(serial, Note::ALL[note]);
            let slot = mark.to_bytes(&keys(1));
            let read = UnverifiedMark::parse(&slot).unwrap();
            prop_assert_eq!(read.to_bytes(), slot);
            prop_assert_eq!(read.verify(&keys(1), VAULT).unwrap(), mark);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _read = UnverifiedMark::parse(&bytes);
        }
    }
}
