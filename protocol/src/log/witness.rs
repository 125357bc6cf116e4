//! C2SP tlog-witness: what a log hands to a witness, what the witness says of it, what it answers.
//!
//! ```text
//! old 5
//! <base64 of each hash of the consistency proof>
//!
//! <the checkpoint, verbatim>
//! ```
//!
//! Pure: a witness finds what it knows of the log, calls [`UnverifiedAddCheckpoint::judge`], and
//! writes down the head **in the transaction in which it read the one before**, before it cosigns.
//! It does not do: bastions, monitoring, more than one key for a log.

use alloc::{format, string::String, vec::Vec};

use super::{
    Cosignature, LogKey, NOTE_LEN_MAX, Origin, SignedCheckpoint, TREE_SIZE_MAX,
    UnverifiedCheckpoint, UnverifiedCosignature, WitnessKey, empty_root, verify_consistency,
};
use crate::{
    crypto::Digest,
    encoding::{from_base64, parse_decimal, to_base64},
};

/// Where below its address a witness takes heads.
pub const ADD_CHECKPOINT_PATH: &str = "/add-checkpoint";

/// Media type of the size that a witness answers when it is asked from another one.
pub const TREE_SIZE_MEDIA_TYPE: &str = "text/x.tlog.size";

/// Longest request that is read, in bytes: the checkpoint, 63 hashes of 45 bytes, and two lines.
pub const ADD_CHECKPOINT_LEN_MAX: usize = NOTE_LEN_MAX + HASHES_MAX * 45 + 32;

/// Longest answer that is read, in bytes.
pub const WITNESS_ANSWER_LEN_MAX: usize = 8 << 10;

/// Most hashes of a proof.
const HASHES_MAX: usize = 63;

/// Bytes that are not a request to a witness. C2SP: 400.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an old size, hashes, an empty line and a checkpoint")]
pub struct ParseAddCheckpointError;

/// What a witness answers instead of a cosignature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WitnessRefusal {
    /// It does not watch this log. C2SP: 404.
    #[error("this log is not watched")]
    UnknownLog,
    /// Not signed with the key that it knows. C2SP: 403.
    #[error("not signed by the log")]
    NotSigned,
    /// The old size is larger than the new one. C2SP: 400.
    #[error("the old size is larger than the new one")]
    Backwards,
    /// The largest head that it cosigned has another size than the old one. C2SP: 409, with that size.
    #[error("the last head has {size} entries")]
    OtherSize {
        /// The size.
        size: u64,
    },
    /// The head does not continue the last one. C2SP: 422.
    #[error("not a continuation")]
    Inconsistent,
}

/// A request as it arrived: well formed, but **not** checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnverifiedAddCheckpoint {
    old_size: u64,
    proof: Vec<Digest>,
    checkpoint: UnverifiedCheckpoint,
}

impl UnverifiedAddCheckpoint {
    /// Reads a request.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseAddCheckpointError> {
        if bytes.len() > ADD_CHECKPOINT_LEN_MAX {
            return Err(ParseAddCheckpointError);
        }
        let text = core::str::from_utf8(bytes).map_err(|_| ParseAddCheckpointError)?;
        let (head, checkpoint) = text.split_once("\n\n").ok_or(ParseAddCheckpointError)?;
        let mut lines = head.split('\n');
        let old_size = lines
            .next()
            .and_then(|line| line.strip_prefix("old "))
            .and_then(parse_decimal)
            .filter(|size| *size <= TREE_SIZE_MAX)
            .ok_or(ParseAddCheckpointError)?;
        let mut proof = Vec::new();
        for line in lines {
            let hash: Option<[u8; 32]> = from_base64(line).ok().and_then(|h| h.try_into().ok());
            match hash {
                Some(hash) if proof.len() < HASHES_MAX => proof.push(Digest::from_bytes(hash)),
                _ => return Err(ParseAddCheckpointError),
            }
        }
        let checkpoint = UnverifiedCheckpoint::parse(checkpoint.as_bytes())
            .map_err(|_| ParseAddCheckpointError)?;
        Ok(Self { old_size, proof, checkpoint })
    }

    /// The log that it claims to be of: only to find its key and its last head.
    pub const fn claimed_origin(&self) -> &Origin {
        self.checkpoint.claimed_origin()
    }

    /// Judges as the witness that knows `log`, if it does, and cosigned `last` as its largest head.
    ///
    /// What comes back has to be durable before it is cosigned.
    pub fn judge(
        self,
        log: Option<&LogKey>,
        last: Option<&SignedCheckpoint>,
    ) -> Result<SignedCheckpoint, WitnessRefusal> {
        let log = log.ok_or(WitnessRefusal::UnknownLog)?;
        let new = self.checkpoint.verify(log).map_err(|_| WitnessRefusal::NotSigned)?;
        if self.old_size > new.size() {
            return Err(WitnessRefusal::Backwards);
        }
        let empty = empty_root();
        let (size, root) = last.map_or((0, &empty), |last| (last.size(), last.root()));
        if self.old_size != size {
            return Err(WitnessRefusal::OtherSize { size });
        }
        verify_consistency(size, root, new.size(), new.root(), &self.proof)
            .map_err(|_| WitnessRefusal::Inconsistent)?;
        Ok(new)
    }
}

/// What asks a witness to cosign `checkpoint`, with the proof that it continues the tree of `old_size`.
pub fn add_checkpoint(old_size: u64, proof: &[Digest], checkpoint: &SignedCheckpoint) -> String {
    let mut text = format!("old {old_size}\n");
    for hash in proof {
        text.push_str(&to_base64(hash.as_bytes()));
        text.push('\n');
    }
    text.push('\n');
    text.push_str(checkpoint.as_str());
    text
}

/// The body of the answer that names another size.
pub fn tree_size(size: u64) -> String {
    format!("{size}\n")
}

/// Reads the body of the answer that names another size.
pub fn parse_tree_size(bytes: &[u8]) -> Option<u64> {
    let text = core::str::from_utf8(bytes).ok()?.strip_suffix('\n')?;
    parse_decimal(text).filter(|size| *size <= TREE_SIZE_MAX)
}

/// The cosignature of `witness` in what it answered. As C2SP demands, lines of other keys are passed
/// over; a wrong line of this one, or a second one, spoils the answer.
pub fn cosignature_in(
    answer: &[u8],
    witness: &WitnessKey,
    checkpoint: &SignedCheckpoint,
) -> Option<Cosignature> {
    if answer.len() > WITNESS_ANSWER_LEN_MAX {
        return None;
    }
    let mut found = None;
    for line in answer.split_inclusive(|byte| *byte == b'\n') {
        let Ok(line) = UnverifiedCosignature::parse(line) else {
            continue;
        };
        if line.is_claimed_by(witness) && found.replace(line.verify(witness, checkpoint)).is_some()
        {
            return None;
        }
    }
    found?.ok()
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, string::ToString as _};

    use proptest::prelude::*;

    use super::{
        super::{Checkpoint, Commitment, Frontier, NodeId, WitnessName, consistency_proof},
        *,
    };
    use crate::{
        crypto::{SecretBytes, SigningKey, sha256},
        party::ControllerId,
        time::Timestamp,
    };

    const AT: Timestamp = Timestamp::from_unix_seconds(1_795_300_000);

    fn signer(fill: u8) -> SigningKey {
        SigningKey::from_seed(&SecretBytes::init_with(|seed| seed.fill(fill)))
    }

    fn log_key() -> LogKey {
        let domain = ControllerId::parse("shop.example").unwrap();
        LogKey::new(Origin::retailer(&domain), signer(9).verifying_key())
    }

    /// A log that is another from entry `fork` on.
    struct Log {
        nodes: BTreeMap<NodeId, Digest>,
        heads: Vec<SignedCheckpoint>,
    }

    impl Log {
        fn of(size: u64, fork: u64) -> Self {
            let mut tree = Frontier::empty();
            let mut nodes = BTreeMap::new();
            let sign = |size, root| {
                let origin = log_key().origin().clone();
                Checkpoint { origin, size, root }.sign(&signer(9)).unwrap()
            };
            let mut heads = Vec::from([sign(0, tree.root())]);
            for i in 0..size {
                let entry = Commitment::from(sha256(&[&i.to_be_bytes(), &[u8::from(i >= fork)]]));
                nodes.extend(tree.append(&entry));
                heads.push(sign(heads.len() as u64, tree.root()));
            }
            Self { nodes, heads }
        }

        fn head(&self, size: u64) -> &SignedCheckpoint {
            &self.heads[usize::try_from(size).unwrap()]
        }

        fn request(&self, old: u64, new: u64) -> UnverifiedAddCheckpoint {
            let read = |id: NodeId| self.nodes.get(&id).copied().ok_or(());
            let proof =
                if old <= new { consistency_proof(old, new, read).unwrap() } else { Vec::new() };
            let text = add_checkpoint(old, &proof, self.head(new));
            UnverifiedAddCheckpoint::parse(text.as_bytes()).unwrap()
        }
    }

    #[test]
    fn a_witness_answers_as_c2sp_says() {
        use WitnessRefusal as R;
        let (log, other) = (Log::of(9, u64::MAX), Log::of(9, 3));
        let key = log_key();
        let judge = |request: UnverifiedAddCheckpoint, last| {
            request.judge(Some(&key), last).map(|head| head.size())
        };
        assert_eq!(judge(log.request(0, 5), None), Ok(5), "the first head");
        assert_eq!(judge(log.request(5, 9), Some(log.head(5))), Ok(9));
        assert_eq!(judge(log.request(5, 5), Some(log.head(5))), Ok(5), "once more, for the time");
        assert_eq!(judge(log.request(0, 0), None), Ok(0));
        assert_eq!(log.request(0, 5).judge(None, None), Err(R::UnknownLog));
        let stranger = LogKey::new(log_key().origin().clone(), signer(8).verifying_key());
        assert_eq!(log.request(0, 5).judge(Some(&stranger), None), Err(R::NotSigned));
        assert_eq!(judge(log.request(7, 5), Some(log.head(7))), Err(R::Backwards));
        assert_eq!(judge(log.request(0, 9), Some(log.head(5))), Err(R::OtherSize { size: 5 }));
        assert_eq!(judge(log.request(3, 5), Some(log.head(9))), Err(R::OtherSize { size: 9 }));
        assert_eq!(judge(log.request(5, 9), None), Err(R::OtherSize { size: 0 }));
        assert_eq!(judge(other.request(5, 9), Some(log.head(5))), Err(R::Inconsistent));
        assert_eq!(judge(other.request(5, 5), Some(log.head(5))), Err(R::Inconsistent));
        assert_eq!(judge(other.request(3, 9), Some(log.head(3))), Ok(9), "it was told first");
    }

    #[test]
    fn a_proof_from_nothing_is_empty_and_one_of_equal_sizes_too() {
        let log = Log::of(5, u64::MAX);
        for (old, last) in [(0, None), (5, Some(log.head(5)))] {
            let text = add_checkpoint(old, &[empty_root()], log.head(5));
            let request = UnverifiedAddCheckpoint::parse(text.as_bytes()).unwrap();
            let said = request.judge(Some(&log_key()), last);
            assert_eq!(said, Err(WitnessRefusal::Inconsistent), "{old}");
        }
    }

    #[test]
    fn what_is_not_of_the_format_is_refused() {
        let log = Log::of(5, u64::MAX);
        let good = add_checkpoint(3, &[empty_root()], log.head(5));
        assert!(UnverifiedAddCheckpoint::parse(good.as_bytes()).is_ok());
        for (from, to) in [
            ("old 3", "old 03"),
            ("old 3", "old +3"),
            ("old 3", "old  3"),
            ("old 3", "new 3"),
            ("old 3", "old 9007199254740992"),
            ("=\n\n", "\n\n"),
            ("=\n\n", "=\n"),
            ("\n\nshop", "\n\n\nshop"),
            ("\n5\n", "\n05\n"),
        ] {
            let changed = good.replacen(from, to, 1);
            assert_ne!(changed, good, "{from:?}");
            assert!(UnverifiedAddCheckpoint::parse(changed.as_bytes()).is_err(), "{to:?}");
        }
        for (hashes, reads) in [(63, true), (64, false)] {
            let text = add_checkpoint(3, &std::vec![empty_root(); hashes], log.head(5));
            assert_eq!(UnverifiedAddCheckpoint::parse(text.as_bytes()).is_ok(), reads);
        }
    }

    #[test]
    fn of_an_answer_the_line_of_the_witness_counts() {
        let log = Log::of(5, u64::MAX);
        let name = |text| WitnessName::parse(text).unwrap();
        let line = |text, fill, size, at| {
            Cosignature::sign(log.head(size), &name(text), &signer(fill), at).unwrap()
        };
        let key = WitnessKey::new(name("w"), signer(1).verifying_key());
        let read = |answer: &str| cosignature_in(answer.as_bytes(), &key, log.head(5));
        let (good, other) = (line("w", 1, 5, AT), line("x", 2, 5, AT));
        assert_eq!(read(&format!("{good}")), Some(good.clone()));
        assert_eq!(read(&format!("{other}nonsense\n{good}")), Some(good.clone()));
        assert_eq!(read(&format!("{good}{}", line("w", 1, 5, AT.plus(1)))), None, "two of it");
        assert_eq!(read(&format!("{}", line("w", 1, 4, AT))), None, "of another head");
        assert_eq!(read(&format!("{other}")), None);
        assert_eq!(read(good.to_string().trim_end()), None, "without line feed");
        assert_eq!(read(""), None);
        assert_eq!(read(&good.to_string().repeat(100)), None, "too long");
    }

    #[test]
    fn a_size_has_one_spelling() {
        assert_eq!(parse_tree_size(tree_size(42).as_bytes()), Some(42));
        for bad in ["", "42", "042\n", "42\n\n", " 42\n", "9007199254740992\n"] {
            assert_eq!(parse_tree_size(bad.as_bytes()), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn a_witness_never_cosigns_two_histories(
            fork in 0_u64..20,
            steps in prop::collection::vec((any::<bool>(), 0_u64..20, 0_u64..20), 1..30),
        ) {
            let logs = [Log::of(20, u64::MAX), Log::of(20, fork)];
            let mut last: Option<SignedCheckpoint> = None;
            for (which, old, new) in steps {
                let log = &logs[usize::from(which)];
                let Ok(head) = log.request(old, new).judge(Some(&log_key()), last.as_ref()) else {
                    continue;
                };
                if let Some(last) = &last {
                    // A prefix of what is signed now is what was signed before.
                    prop_assert!(head.size() >= last.size());
                    prop_assert_eq!(log.head(last.size()).root(), last.root());
                }
                last = Some(head);
            }
        }

        #[test]
        fn no_text_makes_the_parsers_panic(text in "old [0-9]{0,3}\n[A-Za-z=\n]{0,80}") {
            let _ = UnverifiedAddCheckpoint::parse(text.as_bytes()).is_ok();
            let _ = parse_tree_size(text.as_bytes());
        }
    }
}
