//! A pseudonym goes on: in a new log, or under new keys. `spec/succession.md`.

use besace_protocol::{
    call::{UnverifiedCall, VerifyCallError},
    consent::{CONTINUATIONS_MAX, Cause, Continuation, Discrepancy, RecordKind},
    document::{ParseDocumentError, Unverified, Verified},
    jws::VerifyJwsError,
    log::{LogKey, Origin, UnverifiedCheckpoint},
    problem::ProblemType,
    time::Timestamp,
    wire::{CONTINUATIONS_PATH, Continue, Continued, ContinuedLog},
};
use rand_core::CryptoRngCore;

use crate::{
    CallError, Retailer,
    call::admit,
    retailer::Own,
    store::{Session, StoreError, StoredContinuation, Subject},
};

/// A continuation was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum ContinueError {
    /// The call does not hold.
    #[error("call was not admitted")]
    Call(#[from] CallError),
    /// None, more than 64, or such that do not follow one another.
    #[error("not continuations that follow one another")]
    Sequence,
    /// What it carries is no continuation.
    #[error("not a continuation")]
    Continuation(#[source] ParseDocumentError),
    /// Not signed with the keys that it names.
    #[error("continuation is not signed with both keys")]
    Signature(#[source] VerifyJwsError),
    /// It is addressed to somebody else.
    #[error("continuation names another controller")]
    Controller,
    /// The key that it leaves gave no grant here.
    #[error("this pseudonym gave no grant")]
    Missing,
    /// It begins where the pseudonym does not stand, or ends where another does.
    #[error("continuation does not begin where the pseudonym stands")]
    Conflict,
    /// It was accepted, and the pseudonym went on since.
    #[error("the pseudonym went on since")]
    Superseded,
    /// Nothing was recorded.
    #[error("continuation was not recorded")]
    Log(#[from] StoreError),
}

impl ContinueError {
    /// What the caller reads.
    pub fn problem(&self) -> ProblemType {
        match self {
            Self::Call(error) => error.problem(),
            Self::Sequence | Self::Continuation(_) => ProblemType::Malformed,
            Self::Signature(_) => ProblemType::SignatureInvalid,
            Self::Controller => ProblemType::WrongController,
            Self::Missing => ProblemType::GrantMissing,
            Self::Conflict => ProblemType::ContinuationConflict,
            Self::Superseded => ProblemType::Superseded,
            Self::Log(_) => ProblemType::LogUnavailable,
        }
    }
}

impl Retailer {
    /// Lets a pseudonym go on: both keys checked, logged, then answered. Its grants count under the new key
    /// and the new log from then on, and under no other.
    ///
    /// The same continuations again, in a new call, get the same records under fresh proofs. A head that is
    /// smaller than the one we were shown is accepted, and what we were shown is logged beside it: whoever
    /// lost a part of her past must still be able to withdraw.
    pub fn continue_pseudonym(
        &mut self,
        call: &[u8],
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Continued, ContinueError> {
        let call = UnverifiedCall::parse(call).map_err(CallError::Verify)?;
        let Continue { continuations } =
            call.peek_body().map_err(|error| CallError::Verify(VerifyCallError::Body(error)))?;
        if continuations.len() > CONTINUATIONS_MAX {
            return Err(ContinueError::Sequence);
        }
        let continuations = continuations
            .iter()
            .map(|bytes| Unverified::<Continuation>::parse(&bytes.0))
            .collect::<Result<Vec<_>, _>>()
            .map_err(ContinueError::Continuation)?;
        let last = continuations.last().ok_or(ContinueError::Sequence)?.claimed().to.clone();
        let in_order = continuations.windows(2).all(|pair| match pair {
            [before, after] => after.claimed().follows(before.claimed()),
            _ => true,
        });
        if !in_order {
            return Err(ContinueError::Sequence);
        }
        // As for a grant, the body itself names the key, and the call must be its work.
        let call = call
            .verify::<Continue>(&last.key, &self.own.address(CONTINUATIONS_PATH), now)
            .map_err(CallError::Verify)?;
        let continuations = continuations
            .into_iter()
            .map(Unverified::verify_parties)
            .collect::<Result<Vec<_>, _>>()
            .map_err(ContinueError::Signature)?;
        let own = &self.own;
        self.store.write(|session| {
            admit(session, &call)??;
            let mut accepted = Vec::new();
            for continuation in &continuations {
                accepted.push(own.accept(session, continuation, now, rng)?);
            }
            if session.subject_of(last.key.key_id())? != Some(Subject::from(&last)) {
                return Err(ContinueError::Superseded);
            }
            own.ledger.seal(session)?;
            let head = own.ledger.head(session)?;
            let mut continued = Vec::new();
            for one in accepted {
                let discrepancy = match one.discrepancy_leaf {
                    Some(leaf) => Some(own.ledger.proven(session, leaf, &head)?),
                    None => None,
                };
                let continuation = own.ledger.attest(session, one.jws, one.leaf, &head)?;
                continued.push(ContinuedLog { continuation, discrepancy });
            }
            Ok(Continued { continued })
        })
    }
}

impl Own {
    fn accept(
        &self,
        session: Session<'_>,
        signed: &Verified<Continuation>,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<StoredContinuation, ContinueError> {
        let said = signed.payload();
        if said.controller != self.identity.domain {
            return Err(ContinueError::Controller);
        }
        if let Some(known) = session.continuation(signed.digest())? {
            return Ok(known);
        }
        let known = session.subjects_of(said.from.key.key_id())?;
        if known.is_empty() {
            return Err(ContinueError::Missing);
        }
        let standing = known.iter().find(|subject| subject.stands_at(&said.from));
        let standing = standing.ok_or(ContinueError::Conflict)?;
        let ours = [self.signing.verifying_key(), *self.ledger.key().verifying_key()];
        let taken = session.knows_log(said.to.log, &said.to.log_key)?
            || ours.contains(&said.to.key)
            || ours.contains(&said.to.log_key)
            // Two pseudonyms never become one.
            || (said.changes_key() && session.subject_of(said.to.key.key_id())?.is_some())
            || (said.cause != Cause::Rekey && said.to.sealing_key != standing.sealing_key);
        if taken {
            return Err(ContinueError::Conflict);
        }
        let opened = self.ledger.append(session, signed.as_bytes().to_vec(), rng)?;
        let mut discrepancy_leaf = None;
        if let Some(shown) = session.head_of(said.from.log, &said.from.log_key)? {
            let key = LogKey::new(Origin::of_log(&said.from.log), said.from.log_key);
            let head = UnverifiedCheckpoint::parse(shown.as_bytes())
                .ok()
                .and_then(|head| head.verify(&key).ok())
                .ok_or(StoreError::Corrupt)?;
            if said.from.head.leaves_out(&head) {
                let continuation = signed.digest();
                let record = RecordKind::Discrepancy(Discrepancy { at: now, continuation, shown });
                discrepancy_leaf = Some(self.ledger.append_plain(session, &record, rng)?.leaf);
            }
        }
        let stored = StoredContinuation {
            digest: signed.digest(),
            jws: signed.as_bytes().to_vec(),
            leaf: opened.leaf,
            discrepancy_leaf,
        };
        session.add_continuation(&stored, said)?;
        Ok(stored)
    }
}
