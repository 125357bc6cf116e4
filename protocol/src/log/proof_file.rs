//! C2SP tlog-proof: what one party hands another so that an entry can be checked offline.
//!
//! ```text
//! c2sp.org/tlog-proof@v1
//! index 7
//! <base64 of each sibling, the leaf's own first>
//!
//! <the checkpoint, verbatim>
//! ```
//!
//! With an opening, a line `extra <base64 of the salt>` stands before `index`. The format covers it by
//! nothing; we read it only together with the record, when salt and record must give the entry.

use alloc::{format, string::String, vec::Vec};

use super::{
    Commitment, LogKey, NOTE_LEN_MAX, Opening, Origin, ParseCheckpointError, Salt,
    SignedCheckpoint, TREE_SIZE_MAX, UnverifiedCheckpoint, VerifyCheckpointError, VerifyProofError,
    commitment, verify_inclusion,
};
use crate::{
    crypto::Digest,
    encoding::{Bytes, from_base64, parse_decimal, to_base64},
};

/// Longest proof that is read, in bytes: the checkpoint, 64 siblings of 45 bytes, and three lines.
pub const PROOF_LEN_MAX: usize = NOTE_LEN_MAX + 64 * 45 + 128;

const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";

/// Bytes that are not a proof of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseProofError {
    /// Longer than [`PROOF_LEN_MAX`].
    #[error("longer than {PROOF_LEN_MAX} bytes")]
    TooLong,
    /// Not the lines of the format, or an `extra` line that is no salt.
    #[error("not the lines of an inclusion proof")]
    Lines,
    /// A sibling is not base64 of 32 bytes, or there are more than 64.
    #[error("hash {line} of the proof is not one")]
    Hash {
        /// Which, from 1.
        line: usize,
    },
    /// What follows the empty line is not a checkpoint.
    #[error("the checkpoint of the proof is not one")]
    Checkpoint(#[source] ParseCheckpointError),
}

/// A well-formed proof that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyProofFileError {
    /// The checkpoint does not hold.
    #[error("the checkpoint of the proof does not hold")]
    Checkpoint(#[source] VerifyCheckpointError),
    /// The entry is not where the proof says.
    #[error("the entry is not in the log")]
    Inclusion(#[source] VerifyProofError),
    /// A salt where none belongs, or none where one does.
    #[error("the proof has a salt too many or too few")]
    Salt,
}

/// A proof as it arrived: well formed, but **not** checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnverifiedProof {
    salt: Option<Salt>,
    index: u64,
    siblings: Vec<Digest>,
    checkpoint: UnverifiedCheckpoint,
}

/// That an entry stands in a log, checked. Only [`new`](Self::new) and [`UnverifiedProof::verify`]
/// make one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InclusionProof {
    index: u64,
    siblings: Vec<Digest>,
    checkpoint: SignedCheckpoint,
}

impl UnverifiedProof {
    /// Reads a proof.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseProofError> {
        if bytes.len() > PROOF_LEN_MAX {
            return Err(ParseProofError::TooLong);
        }
        let text = core::str::from_utf8(bytes).map_err(|_| ParseProofError::Lines)?;
        let (head, checkpoint) = text.split_once("\n\n").ok_or(ParseProofError::Lines)?;
        let mut lines = head.split('\n');
        if lines.next() != Some(FIRST_LINE) {
            return Err(ParseProofError::Lines);
        }
        let mut line = lines.next().ok_or(ParseProofError::Lines)?;
        let mut salt = None;
        if let Some(extra) = line.strip_prefix("extra ") {
            let extra: [u8; 32] = from_base64(extra)
                .ok()
                .and_then(|extra| extra.try_into().ok())
                .ok_or(ParseProofError::Lines)?;
            salt = Some(Salt::from_bytes(extra));
            line = lines.next().ok_or(ParseProofError::Lines)?;
        }
        let index = line
            .strip_prefix("index ")
            .and_then(parse_decimal)
            .filter(|index| *index < TREE_SIZE_MAX)
            .ok_or(ParseProofError::Lines)?;
        let mut siblings = Vec::new();
        for line in lines {
            let number = siblings.len().saturating_add(1);
            let hash: Option<[u8; 32]> = from_base64(line).ok().and_then(|h| h.try_into().ok());
            match hash {
                Some(hash) if number <= 64 => siblings.push(Digest::from_bytes(hash)),
                _ => return Err(ParseProofError::Hash { line: number }),
            }
        }
        let checkpoint = UnverifiedCheckpoint::parse(checkpoint.as_bytes())
            .map_err(ParseProofError::Checkpoint)?;
        Ok(Self { salt, index, siblings, checkpoint })
    }

    /// The log that it claims to be of: only to find its pinned key.
    pub const fn claimed_origin(&self) -> &Origin {
        self.checkpoint.claimed_origin()
    }

    /// The salt of the `extra` line, as it claims.
    pub const fn salt(&self) -> Option<&Salt> {
        self.salt.as_ref()
    }

    /// Checks that `entry` stands in the log of `key` where the proof says. Lines of witnesses may
    /// stand below the checkpoint.
    pub fn verify(
        self,
        key: &LogKey,
        entry: &Commitment,
    ) -> Result<InclusionProof, VerifyProofFileError> {
        if self.salt.is_some() {
            return Err(VerifyProofFileError::Salt);
        }
        let checkpoint = self.checkpoint.verify(key).map_err(VerifyProofFileError::Checkpoint)?;
        InclusionProof::new(self.index, self.siblings, checkpoint, entry)
            .map_err(VerifyProofFileError::Inclusion)
    }

    /// As [`verify`](Self::verify), with the log's signature line alone below the checkpoint.
    pub fn verify_exact(
        self,
        key: &LogKey,
        entry: &Commitment,
    ) -> Result<InclusionProof, VerifyProofFileError> {
        if self.salt.is_some() {
            return Err(VerifyProofFileError::Salt);
        }
        let checkpoint =
            self.checkpoint.verify_exact(key).map_err(VerifyProofFileError::Checkpoint)?;
        InclusionProof::new(self.index, self.siblings, checkpoint, entry)
            .map_err(VerifyProofFileError::Inclusion)
    }

    /// Checks that `record`, under the salt of the `extra` line, is the entry that the proof is for.
    pub fn verify_opening(
        self,
        key: &LogKey,
        record: &[u8],
    ) -> Result<(InclusionProof, Opening), VerifyProofFileError> {
        let salt = self.salt.ok_or(VerifyProofFileError::Salt)?;
        let entry = commitment(&salt, record);
        let proof = Self { salt: None, ..self }.verify(key, &entry)?;
        Ok((proof, Opening { index: self.index, record: Bytes(record.to_vec()), salt }))
    }
}

impl InclusionProof {
    /// Puts a proof together, and checks it: a wrong one cannot be handed out.
    pub fn new(
        index: u64,
        siblings: Vec<Digest>,
        checkpoint: SignedCheckpoint,
        entry: &Commitment,
    ) -> Result<Self, VerifyProofError> {
        verify_inclusion(entry, index, checkpoint.size(), &siblings, checkpoint.root())?;
        Ok(Self { index, siblings, checkpoint })
    }

    /// Of the leaf, from 0.
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// The head under which the entry was shown to stand.
    pub const fn checkpoint(&self) -> &SignedCheckpoint {
        &self.checkpoint
    }

    /// The file with the salt of the entry in its `extra` line, for
    /// [`verify_opening`](UnverifiedProof::verify_opening).
    pub fn to_text_with_salt(&self, salt: &Salt) -> String {
        self.to_text(&format!("extra {}\n", to_base64(salt.as_bytes())))
    }

    fn to_text(&self, extra: &str) -> String {
        let mut text = format!("{FIRST_LINE}\n{extra}index {}\n", self.index);
        for sibling in &self.siblings {
            text.push_str(&to_base64(sibling.as_bytes()));
            text.push('\n');
        }
        text.push('\n');
        text.push_str(self.checkpoint.as_str());
        text
    }
}

impl core::fmt::Display for InclusionProof {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.to_text(""))
    }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "small numbers in tests")]
mod tests {
    use std::{collections::BTreeMap, string::ToString as _};

    use proptest::prelude::*;

    use super::{
        super::{Checkpoint, Frontier, Origin, inclusion_proof},
        *,
    };
    use crate::{
        crypto::{SecretBytes, SigningKey, sha256},
        id::LogId,
    };

    fn entry(i: u64) -> Commitment {
        sha256(&[&i.to_be_bytes()]).into()
    }

    fn proof(index: u64, size: u64) -> (LogKey, InclusionProof) {
        let signer = SigningKey::from_seed(&SecretBytes::init_with(|seed| seed.fill(8)));
        let origin = Origin::of_log(&LogId::from_bytes([8; 16]));
        let key = LogKey::new(origin.clone(), signer.verifying_key());
        let mut nodes = BTreeMap::new();
        let mut tree = Frontier::empty();
        for i in 0..size {
            nodes.extend(tree.append(&entry(i)));
        }
        let checkpoint = Checkpoint { origin, size, root: tree.root() }.sign(&signer).unwrap();
        let siblings =
            inclusion_proof(index, size, |id| nodes.get(&id).copied().ok_or(())).unwrap();
        (key, InclusionProof::new(index, siblings, checkpoint, &entry(index)).unwrap())
    }

    #[test]
    fn a_proof_has_the_lines_of_the_format() {
        insta::assert_snapshot!(proof(2, 5).1, @r"
        c2sp.org/tlog-proof@v1
        index 2
        fSQ1df5CZwbgPS+67cXVdYBghkBG1jlqkI9VbbjvS8E=
        g5dX14OU+K1ZvEYhgx2SOW9dNVb+AFmEZGOjKiHcngQ=
        HdGKZwFKL39gWVO83pIxN+Sw1mve5bIiAudlOCukn10=

        log_08080808080808080808080808080808
        5
        qjP2CLPHOYpSMIBK5b8svjcuPlF+q1XvIdfooTGLANk=

        — log_08080808080808080808080808080808 fiU/JSA46l6XdEHYFYFmK3dyS75pzZSuxU6nKZIKC/biTyqoA/ngQHVWe0wUeDJ2a037zVZEYN4sWNfNV2VEH8FhlQc=
        ");
    }

    #[test]
    fn a_tree_of_one_leaf_needs_no_sibling() {
        let (key, one) = proof(0, 1);
        let parsed = UnverifiedProof::parse(one.to_string().as_bytes()).unwrap();
        assert_eq!(parsed.verify_exact(&key, &entry(0)), Ok(one));
    }

    #[test]
    fn a_salt_is_read_only_together_with_the_record_it_hides() {
        let signer = SigningKey::from_seed(&SecretBytes::init_with(|seed| seed.fill(8)));
        let origin = Origin::of_log(&LogId::from_bytes([8; 16]));
        let key = LogKey::new(origin.clone(), signer.verifying_key());
        let salt = Salt::from_bytes([3; 32]);
        let entry = commitment(&salt, b"record");
        let mut tree = Frontier::empty();
        assert_eq!(tree.append(&entry).len(), 1);
        let head = Checkpoint { origin, size: 1, root: tree.root() }.sign(&signer).unwrap();
        let proof = InclusionProof::new(0, Vec::new(), head, &entry).unwrap();

        let parse = |text: &str| UnverifiedProof::parse(text.as_bytes()).unwrap();
        let text = proof.to_text_with_salt(&salt);
        let (opened, opening) = parse(&text).verify_opening(&key, b"record").unwrap();
        assert_eq!((opened, opening.check(&entry)), (proof.clone(), Ok(())));
        assert!(parse(&text).verify_opening(&key, b"other").is_err());
        let other = proof.to_text_with_salt(&Salt::from_bytes([4; 32]));
        assert!(parse(&other).verify_opening(&key, b"record").is_err());
        assert_eq!(parse(&text).verify(&key, &entry), Err(VerifyProofFileError::Salt));
        let without = parse(&proof.to_string()).verify_opening(&key, b"record");
        assert_eq!(without, Err(VerifyProofFileError::Salt));
    }

    #[test]
    fn what_is_not_of_the_format_is_refused() {
        let good = proof(2, 5).1.to_string();
        for (from, to, error) in [
            ("@v1", "@v2", ParseProofError::Lines),
            ("index 2", "index 02", ParseProofError::Lines),
            ("index 2", "index  2", ParseProofError::Lines),
            ("index 2", "extra AAAA\nindex 2", ParseProofError::Lines),
            ("=\n", "\n", ParseProofError::Hash { line: 1 }),
            ("index 2\n", "index 2\nAAAA\n", ParseProofError::Hash { line: 1 }),
        ] {
            let changed = good.replacen(from, to, 1);
            assert_eq!(UnverifiedProof::parse(changed.as_bytes()), Err(error), "{to:?}");
        }
        assert_eq!(
            UnverifiedProof::parse(&std::vec![b' '; PROOF_LEN_MAX + 1]),
            Err(ParseProofError::TooLong)
        );
    }

    proptest! {
        #[test]
        fn every_flipped_byte_of_a_proof_is_refused(
            sizes in (1_u64..40, any::<u64>()),
            at in any::<prop::sample::Index>(),
            bit in 0..8_u8,
        ) {
            let index = sizes.1 % sizes.0;
            let (key, good) = proof(index, sizes.0);
            let mut bytes = good.to_string().into_bytes();
            let parsed = UnverifiedProof::parse(&bytes).unwrap();
            prop_assert_eq!(parsed.verify_exact(&key, &entry(index)), Ok(good));
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            let holds = UnverifiedProof::parse(&bytes)
                .is_ok_and(|p| p.verify_exact(&key, &entry(index)).is_ok());
            prop_assert!(!holds);
        }

        #[test]
        fn no_text_makes_the_parser_panic(tail in "[a0-9\n \u{2014}+=/.]{0,80}") {
            let _ = UnverifiedProof::parse(format!("{FIRST_LINE}\nindex {tail}").as_bytes()).is_ok();
        }
    }
}
