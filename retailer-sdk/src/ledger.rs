//! The retailer's log as the operations use it: append, seal, prove. `spec/log.md`.
//!
//! An operation appends and seals within the transaction that makes its change, so that neither exists
//! without the other; a head that was signed in a transaction that failed leaves no trace.

use besace_protocol::{
    consent::RecordKind,
    crypto::{Digest, SigningKey},
    encoding::Bytes,
    log::{
        Checkpoint, InclusionProof, LogKey, NodeId, Origin, ProveError, Salt, SignedCheckpoint,
        UnverifiedCheckpoint, commitment, inclusion_proof,
    },
    time::Day,
    wire::{Attested, Proven},
};
use rand_core::CryptoRngCore;

use crate::store::{Opened, Session, StoreError, StoredGrant};

/// Days that an opening is kept at most after what it is about is over.
const PASSING_DAYS_MAX: u16 = 30;

/// First day without what opens passing records of a grant that are over with `last`.
pub(crate) fn openings_end(stored: &StoredGrant, last: Day) -> Day {
    last.plus(1).plus(u32::from(stored.grant.terms.retention_days.min(PASSING_DAYS_MAX)))
}

#[derive(Debug)]
pub(crate) struct Ledger {
    key: LogKey,
    signer: SigningKey,
}

impl Ledger {
    pub(crate) fn new(origin: Origin, signer: SigningKey) -> Self {
        Self { key: LogKey::new(origin, signer.verifying_key()), signer }
    }

    pub(crate) const fn key(&self) -> &LogKey {
        &self.key
    }

    /// Appends a record and keeps what opens it.
    pub(crate) fn append(
        &self,
        session: Session<'_>,
        record: Vec<u8>,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Opened, StoreError> {
        let opened = self.append_sealed(session, record, Salt::generate(rng))?;
        session.add_opening(&opened)?;
        Ok(opened)
    }

    /// As [`append`](Self::append), for a plain record.
    pub(crate) fn append_plain(
        &self,
        session: Session<'_>,
        record: &RecordKind,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Opened, StoreError> {
        self.append(session, record.to_bytes().map_err(StoreError::Record)?, rng)
    }

    /// As [`append_plain`](Self::append_plain), for what only says that something came or went under a grant: what
    /// opens it is destroyed so many days after `last`, the day on which that is over.
    pub(crate) fn append_passing(
        &self,
        session: Session<'_>,
        record: &RecordKind,
        stored: &StoredGrant,
        last: Day,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Opened, StoreError> {
        let opened = self.append_plain(session, record, rng)?;
        session.bound_opening(opened.leaf, stored.grant.id, openings_end(stored, last))?;
        Ok(opened)
    }

    /// Appends the commitment only: what opens it is the caller's to send home and to forget.
    #[expect(clippy::unused_self, reason = "appending belongs to whoever may seal")]
    pub(crate) fn append_sealed(
        &self,
        session: Session<'_>,
        record: Vec<u8>,
        salt: Salt,
    ) -> Result<Opened, StoreError> {
        let leaf = session.append(&commitment(&salt, &record))?;
        Ok(Opened { leaf, salt, record })
    }

    /// Signs the head over everything appended so far.
    pub(crate) fn seal(&self, session: Session<'_>) -> Result<SignedCheckpoint, StoreError> {
        let (size, root) = session.log_root()?;
        let head = Checkpoint { origin: self.key.origin().clone(), size, root };
        let head = head.sign(&self.signer).map_err(|_| StoreError::Corrupt)?;
        session.set_checkpoint(head.as_str())?;
        Ok(head)
    }

    /// The head that was sealed last.
    pub(crate) fn head(&self, session: Session<'_>) -> Result<SignedCheckpoint, StoreError> {
        let note = session.checkpoint()?;
        let head = UnverifiedCheckpoint::parse(note.as_bytes()).map_err(|_| StoreError::Corrupt)?;
        head.verify_exact(&self.key).map_err(|_| StoreError::Corrupt)
    }

    /// A C2SP tlog-proof of a leaf under `head`, its salt in the `extra` line.
    pub(crate) fn prove(
        &self,
        session: Session<'_>,
        opened: &Opened,
        head: &SignedCheckpoint,
    ) -> Result<String, StoreError> {
        self.prove_from(opened, head, |id| session.log_node(id))
    }

    /// As [`prove`](Self::prove), from nodes that `read` gives.
    #[expect(clippy::unused_self, reason = "proofs are of this log")]
    pub(crate) fn prove_from(
        &self,
        opened: &Opened,
        head: &SignedCheckpoint,
        read: impl FnMut(NodeId) -> Result<Digest, StoreError>,
    ) -> Result<String, StoreError> {
        let siblings =
            inclusion_proof(opened.leaf, head.size(), read).map_err(|error| match error {
                ProveError::OutOfRange => StoreError::Corrupt,
                ProveError::Read(error) => error,
            })?;
        let entry = commitment(&opened.salt, &opened.record);
        let proof = InclusionProof::new(opened.leaf, siblings, head.clone(), &entry)
            .map_err(|_| StoreError::Corrupt)?;
        Ok(proof.to_text_with_salt(&opened.salt))
    }

    /// A document with the proof of the leaf that holds it, or its digest.
    pub(crate) fn attest(
        &self,
        session: Session<'_>,
        document: Vec<u8>,
        leaf: u64,
        head: &SignedCheckpoint,
    ) -> Result<Attested, StoreError> {
        let Proven { proof, record } = self.proven(session, leaf, head)?;
        Ok(Attested { document: Bytes(document), proof, record })
    }

    /// As [`attest`](Self::attest), for what was appended just now.
    pub(crate) fn attest_opened(
        &self,
        session: Session<'_>,
        document: Vec<u8>,
        opened: Opened,
        head: &SignedCheckpoint,
    ) -> Result<Attested, StoreError> {
        let Proven { proof, record } = self.proven_opened(session, opened, head)?;
        Ok(Attested { document: Bytes(document), proof, record })
    }

    /// As [`proven`](Self::proven), for what was appended just now.
    pub(crate) fn proven_opened(
        &self,
        session: Session<'_>,
        opened: Opened,
        head: &SignedCheckpoint,
    ) -> Result<Proven, StoreError> {
        let proof = self.prove(session, &opened, head)?;
        Ok(Proven { proof, record: Bytes(opened.record) })
    }

    /// The record of a leaf whose opening we keep, with its proof.
    pub(crate) fn proven(
        &self,
        session: Session<'_>,
        leaf: u64,
        head: &SignedCheckpoint,
    ) -> Result<Proven, StoreError> {
        self.proven_opened(session, session.opening(leaf)?, head)
    }
}
