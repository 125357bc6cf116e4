//! C2SP tlog-checkpoint: the signed head of a log.
//!
//! ```text
//! shop.example/besace
//! 42
//! BAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ=
//!
//! — shop.example/besace zRkVwmnsSs5nmo0e5w1ENTTLV/MY6ptFn59LChio8rIkgbGaJzp+iDNUcc9HhrqyEhzJxFdh44YO8A8sH+g03wRBiww=
//! ```

use alloc::format;

use super::{LogKey, Origin, ParseNoteError, SignedNote, VerifyNoteError, empty_root};
use crate::{
    crypto::{Digest, SigningKey},
    encoding::{JSON_INTEGER_MAX, from_base64, parse_decimal, to_base64},
};

/// Largest tree that is read: every index has to fit an integer of JSON.
pub const TREE_SIZE_MAX: u64 = JSON_INTEGER_MAX;

/// Bytes that are not a checkpoint of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseCheckpointError {
    /// Not a signed note.
    #[error("not a signed note")]
    Note(#[source] ParseNoteError),
    /// Not exactly origin, size and root hash, one line each. Extension lines are refused.
    #[error("not the three lines of a checkpoint")]
    Lines,
    /// The first line names no log.
    #[error("the first line is not a log origin")]
    Origin,
    /// The second line is not a decimal number up to [`TREE_SIZE_MAX`].
    #[error("the second line is not a tree size")]
    Size,
    /// The third line is not base64 of 32 bytes, or not the empty root of size 0.
    #[error("the third line is not a root hash")]
    Root,
}

/// A well-formed checkpoint that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyCheckpointError {
    /// Names another log than the key's.
    #[error("checkpoint of another log")]
    Origin,
    /// The note does not hold.
    #[error("note does not hold")]
    Note(#[source] VerifyNoteError),
}

/// How long a log is and what it holds. A log must never sign two of one size with two roots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The name of the log.
    pub origin: Origin,
    /// How many leaves.
    pub size: u64,
    /// The root hash over them.
    pub root: Digest,
}

impl Checkpoint {
    /// Signs it. **Only after the tree is on disk, and once per size.**
    ///
    /// # Errors
    /// None for a size up to [`TREE_SIZE_MAX`].
    pub fn sign(self, signer: &SigningKey) -> Result<SignedCheckpoint, ParseCheckpointError> {
        let key = LogKey::new(self.origin.clone(), signer.verifying_key());
        let text = format!("{}\n{}\n{}\n", self.origin, self.size, to_base64(self.root.as_bytes()));
        let note = SignedNote::sign(&text, &key, signer).map_err(ParseCheckpointError::Note)?;
        // What we could not read, we do not sign.
        let checkpoint = Self::parse_text(note.text())?;
        Ok(SignedCheckpoint { checkpoint, note, key_id: key.key_id() })
    }

    fn parse_text(text: &str) -> Result<Self, ParseCheckpointError> {
        let mut lines = text.split('\n');
        let [Some(origin), Some(size), Some(root), Some(""), None] =
            core::array::from_fn(|_| lines.next())
        else {
            return Err(ParseCheckpointError::Lines);
        };
        let origin = Origin::parse(origin).map_err(|_| ParseCheckpointError::Origin)?;
        let size = parse_decimal(size)
            .filter(|size| *size <= TREE_SIZE_MAX)
            .ok_or(ParseCheckpointError::Size)?;
        let root = from_base64(root).ok().and_then(|root| root.try_into().ok());
        let root = Digest::from_bytes(root.ok_or(ParseCheckpointError::Root)?);
        if size == 0 && root != empty_root() {
            return Err(ParseCheckpointError::Root);
        }
        Ok(Self { origin, size, root })
    }
}

/// A checkpoint as it arrived: well formed, signature **not** checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnverifiedCheckpoint {
    checkpoint: Checkpoint,
    note: SignedNote,
}

impl UnverifiedCheckpoint {
    /// Reads a checkpoint with its signature lines.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseCheckpointError> {
        let note = SignedNote::parse(bytes).map_err(ParseCheckpointError::Note)?;
        Ok(Self { checkpoint: Checkpoint::parse_text(note.text())?, note })
    }

    /// What the log claims to be called: only to find its pinned key.
    pub const fn claimed_origin(&self) -> &Origin {
        &self.checkpoint.origin
    }

    /// How many leaves it claims.
    pub const fn claimed_size(&self) -> u64 {
        self.checkpoint.size
    }

    /// The note, as it arrived.
    pub fn as_str(&self) -> &str {
        self.note.as_str()
    }

    /// Checks that the log signed it. Lines of witnesses may stand beside.
    pub fn verify(self, key: &LogKey) -> Result<SignedCheckpoint, VerifyCheckpointError> {
        self.check(key, SignedNote::verify)
    }

    /// As [`verify`](Self::verify), and nothing else may stand there: for files of which every byte
    /// must be covered.
    pub fn verify_exact(self, key: &LogKey) -> Result<SignedCheckpoint, VerifyCheckpointError> {
        self.check(key, SignedNote::verify_exact)
    }

    fn check(
        self,
        key: &LogKey,
        verify: impl FnOnce(&SignedNote, &LogKey) -> Result<(), VerifyNoteError>,
    ) -> Result<SignedCheckpoint, VerifyCheckpointError> {
        if self.checkpoint.origin != *key.origin() {
            return Err(VerifyCheckpointError::Origin);
        }
        verify(&self.note, key).map_err(VerifyCheckpointError::Note)?;
        let Self { checkpoint, note } = self;
        Ok(SignedCheckpoint { checkpoint, note, key_id: key.key_id() })
    }
}

/// A checkpoint whose log signed it. Only [`Checkpoint::sign`] and [`UnverifiedCheckpoint::verify`]
/// make one.
///
/// ```compile_fail
/// use besace_protocol::log::SignedCheckpoint;
/// fn forge(checkpoint: besace_protocol::log::Checkpoint, note: besace_protocol::log::SignedNote) {
///     let forged = SignedCheckpoint { checkpoint, note };
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    checkpoint: Checkpoint,
    note: SignedNote,
    /// Of the log's key, to tell its line from others.
    key_id: [u8; 4],
}

impl SignedCheckpoint {
    /// The name of the log.
    pub const fn origin(&self) -> &Origin {
        &self.checkpoint.origin
    }

    /// How many leaves.
    pub const fn size(&self) -> u64 {
        self.checkpoint.size
    }

    /// The root hash.
    pub const fn root(&self) -> &Digest {
        &self.checkpoint.root
    }

    /// The note, as it is served and stored.
    pub fn as_str(&self) -> &str {
        self.note.as_str()
    }

    /// The same head with the log's line alone below it: for files of which every byte must be covered.
    #[must_use]
    pub fn alone(&self) -> Self {
        self.with_note(self.note.with_line_alone(self.origin().as_str(), self.key_id))
    }

    pub(super) const fn note(&self) -> &SignedNote {
        &self.note
    }

    /// The same head with other lines below it.
    pub(super) fn with_note(&self, note: SignedNote) -> Self {
        Self { checkpoint: self.checkpoint.clone(), note, key_id: self.key_id }
    }
}

#[cfg(test)]
mod tests {
    use std::string::{String, ToString as _};

    use proptest::prelude::*;

    use super::*;
    use crate::{crypto::SecretBytes, party::ControllerId};

    fn signer() -> SigningKey {
        SigningKey::from_seed(&SecretBytes::init_with(|seed| seed.fill(9)))
    }

    fn origin() -> Origin {
        Origin::retailer(&ControllerId::parse("shop.example").unwrap())
    }

    fn signed(size: u64) -> SignedCheckpoint {
        let root = if size == 0 { empty_root() } else { Digest::from_bytes([4; 32]) };
        Checkpoint { origin: origin(), size, root }.sign(&signer()).unwrap()
    }

    #[test]
    fn a_checkpoint_has_the_three_lines_of_the_format() {
        insta::assert_snapshot!(signed(42).as_str(), @r"
        shop.example/besace
        42
        BAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ=

        — shop.example/besace zRkVwmnsSs5nmo0e5w1ENTTLV/MY6ptFn59LChio8rIkgbGaJzp+iDNUcc9HhrqyEhzJxFdh44YO8A8sH+g03wRBiww=
        ");
        let key = LogKey::new(origin(), signer().verifying_key());
        let parsed = UnverifiedCheckpoint::parse(signed(42).as_str().as_bytes()).unwrap();
        assert_eq!(parsed.verify_exact(&key), Ok(signed(42)));
    }

    #[test]
    fn another_log_with_the_same_key_is_another_log() {
        let other = Origin::retailer(&ControllerId::parse("other.example").unwrap());
        let key = LogKey::new(other, signer().verifying_key());
        let parsed = UnverifiedCheckpoint::parse(signed(42).as_str().as_bytes()).unwrap();
        assert_eq!(parsed.verify(&key), Err(VerifyCheckpointError::Origin));
    }

    #[test]
    fn a_size_or_root_that_nobody_could_have_meant_is_refused() {
        let text = signed(42).as_str().to_string();
        for (from, to, error) in [
            ("\n42\n", "\n042\n", ParseCheckpointError::Size),
            ("\n42\n", "\n+42\n", ParseCheckpointError::Size),
            ("\n42\n", "\n9007199254740992\n", ParseCheckpointError::Size),
            ("\n42\n", "\n0\n", ParseCheckpointError::Root),
            ("BAQE", "BAQEBAQE", ParseCheckpointError::Root),
            ("=\n\n", "=\nextension\n\n", ParseCheckpointError::Lines),
            ("shop.example/besace\n", "shop.example\n", ParseCheckpointError::Origin),
        ] {
            let changed = text.replacen(from, to, 1);
            assert_eq!(UnverifiedCheckpoint::parse(changed.as_bytes()), Err(error), "{to:?}");
        }
        let zero = Checkpoint { origin: origin(), size: 0, root: Digest::from_bytes([4; 32]) };
        assert_eq!(zero.sign(&signer()), Err(ParseCheckpointError::Root));
        assert_eq!(signed(0).size(), 0);
    }

    proptest! {
        #[test]
        fn every_flipped_byte_is_refused(at in any::<prop::sample::Index>(), bit in 0..8_u8) {
            let key = LogKey::new(origin(), signer().verifying_key());
            let mut bytes = String::from(signed(42).as_str()).into_bytes();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            let holds = UnverifiedCheckpoint::parse(&bytes).is_ok_and(|c| c.verify_exact(&key).is_ok());
            prop_assert!(!holds);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "[a0-9\n \u{2014}+=/.]{0,80}") {
            let _ = UnverifiedCheckpoint::parse(text.as_bytes()).is_ok();
        }
    }
}
