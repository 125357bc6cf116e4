//! What the steps of an exchange have in common: a call that is ready to leave, and why a step failed.

use besace_protocol::{
    call::{sign_call, sign_held_call},
    consent::{ErasureMismatch, Excess, MirrorError, NoticeError, RecordKind},
    document::ParseDocumentError,
    encoding::{JsonError, from_json},
    id::{Generation, GrantId, MessageId},
    jws::VerifyJwsError,
    keys::Facet,
    log::{LogKey, UnverifiedProof},
    offer::catalogue::VerifyCatalogueError,
    party::{ControllerId, Manifest, ManifestChange},
    time::Timestamp,
    wire::{Attested, Proven, call_address},
};
use serde::{Serialize, de::DeserializeOwned};

use super::{Engine, EngineError};
use crate::{
    sealed::HoldCallError,
    vault::{Evidence, Pseudonym, Shown, VaultError},
};

/// Longest answer to a call, in bytes.
pub(crate) const ANSWER_LEN_MAX: usize = 4 << 20;

/// The facet everything happens under, until she asks for more.
pub(super) const FACET: Facet = Facet(0);

/// A signed call that is ready to leave.
#[derive(Clone, PartialEq, Eq)]
pub struct PreparedCall {
    /// Under which pseudonym: it has connections of its own.
    pub pseudonym: Generation,
    /// To whom.
    pub domain: ControllerId,
    /// Which address.
    pub path: &'static str,
    /// The bytes.
    pub body: Vec<u8>,
}

impl std::fmt::Debug for PreparedCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PreparedCall({}, {} bytes)", self.path, self.body.len())
    }
}

/// A step that was not done. What had been durable before stays.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// Locked, or the vault failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// She has not met this retailer.
    #[error("this retailer is not known yet")]
    Stranger,
    /// The manifest may not replace the one that is pinned.
    #[error("the retailer's manifest is refused")]
    Manifest(#[source] ManifestChange),
    /// It goes on in another log, and how it came there was not looked at, or it does not say.
    #[error("the retailer goes on in another log, and does not show how it came to that")]
    OtherLog,
    /// Not a document of the expected type.
    #[error("the retailer sent something that is not the expected document")]
    Document(#[source] ParseDocumentError),
    /// Not signed as it must be.
    #[error("the retailer sent a document that is not signed as it must be")]
    Signature(#[source] VerifyJwsError),
    /// The catalogue does not hold.
    #[error("the retailer's catalogue is refused")]
    Catalogue(#[source] VerifyCatalogueError),
    /// Not proven to stand in the retailer's log.
    #[error("the retailer did not prove that it logged this")]
    Proof,
    /// Its log says two things: one entry with two contents, or two heads that are not of one history.
    #[error("the retailer's log contradicts what it showed before")]
    Contradiction,
    /// Its log could not be compared with what it showed before: this does not count yet.
    #[error("the retailer's log could not be compared with what it showed before")]
    Uncompared,
    /// Not enough witnesses cosigned lately what its log says: this does not count yet.
    #[error("the retailer's log is not cosigned by enough witnesses, or was too long ago")]
    Unwitnessed,
    /// Signed for less than it owes, or for something else.
    #[error("the retailer's erasure is not the one that it owes")]
    Erasure(#[source] ErasureMismatch),
    /// Not an answer to what was said.
    #[error("the retailer's answer does not fit")]
    Answer,
    /// The answer has another form.
    #[error("the retailer's answer is not understood")]
    AnswerForm(#[source] JsonError),
    /// The request is decided, over, or unknown.
    #[error("this request is not open")]
    RequestClosed,
    /// The notice that must be shown first is not here, or does not tell what is asked.
    #[error("the notice of this request is missing, or does not tell what is asked")]
    NoticeMissing,
    /// Nobody can say what could be guessed from what is asked.
    #[error("nobody can say what could be guessed from what is asked: it is not shown")]
    Mirror(#[source] MirrorError),
    /// The vault is a minor's.
    #[error("this vault is marked as a minor's: it gives no consent")]
    Minor,
    /// The retailer gave a notice that does not tell what GDPR art. 13 asks.
    #[error("the retailer's notice does not tell what it must")]
    Notice(#[source] NoticeError),
    /// The grant is over, or unknown.
    #[error("this grant is over")]
    GrantOver,
    /// The grant allows less.
    #[error("the grant does not allow this")]
    Beyond(#[source] Excess),
    /// She refused this purpose less than six months ago.
    #[error("this purpose was refused before; the request is not shown again yet")]
    Paused,
    /// It asked more than four times in thirty days.
    #[error("this retailer asks too often; the request is not shown yet")]
    TooOften,
    /// This retailer knows nobody: there is nobody to leave.
    #[error("this retailer knows nobody of yours")]
    Nobody,
    /// She started afresh with this retailer, and it hears of nobody yet.
    #[error("you started afresh with this retailer, and it hears of nobody yet")]
    NotYet {
        /// Before which moment.
        from: Timestamp,
    },
    /// She started afresh with this retailer not long ago.
    #[error("you started afresh with this retailer less than four weeks ago")]
    TooSoon {
        /// Before which moment it is not done again.
        from: Timestamp,
    },
    /// Something of ours could not be spelled or sealed.
    #[error("a message could not be made")]
    Make,
    /// What leaves while the vault is locked could not be read or written.
    #[error("the outbox could not be used")]
    Outbox(#[from] HoldCallError),
}

impl StepError {
    /// Whether it is about one request only, to which nothing can be given now: it holds up no other.
    pub(super) const fn is_of_the_request(&self) -> bool {
        matches!(
            self,
            Self::RequestClosed
                | Self::Paused
                | Self::TooOften
                | Self::Minor
                | Self::Mirror(_)
                | Self::NoticeMissing
                | Self::Answer
                | Self::Make
        )
    }
}

impl From<VaultError> for StepError {
    fn from(error: VaultError) -> Self {
        Self::Engine(error.into())
    }
}

impl Engine {
    /// A call under `pseudonym`.
    pub(super) fn prepare_call<B: Serialize>(
        &self,
        pseudonym: &Pseudonym,
        path: &'static str,
        body: &B,
    ) -> Result<PreparedCall, StepError> {
        self.prepare(pseudonym, path, body, self.now(), None)
    }

    /// A call under `pseudonym`, signed at `at`, that may be sent until `end`; `path` is one that takes such calls.
    pub(super) fn prepare_held_call<B: Serialize>(
        &self,
        pseudonym: &Pseudonym,
        path: &'static str,
        body: &B,
        at: Timestamp,
        end: Timestamp,
    ) -> Result<PreparedCall, StepError> {
        self.prepare(pseudonym, path, body, at, Some(end))
    }

    fn prepare<B: Serialize>(
        &self,
        pseudonym: &Pseudonym,
        path: &'static str,
        body: &B,
        now: Timestamp,
        end: Option<Timestamp>,
    ) -> Result<PreparedCall, StepError> {
        let keys = self.root()?.pairwise(&pseudonym.domain, pseudonym.facet, &pseudonym.generation);
        let message = MessageId::generate(&mut self.rng());
        let address = call_address(&pseudonym.domain, path);
        let key = &keys.signing;
        let call = match end {
            None => sign_call(&address, message, body, key, now),
            Some(end) => sign_held_call(&address, message, body, key, now, end),
        };
        let call = call.map_err(|_| StepError::Make)?;
        Ok(PreparedCall {
            pseudonym: pseudonym.generation,
            domain: pseudonym.domain.clone(),
            path,
            body: call.as_bytes().to_vec(),
        })
    }
}

/// Reads the answer to a call.
pub(super) fn answer<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, StepError> {
    from_json(bytes, ANSWER_LEN_MAX).map_err(StepError::AnswerForm)
}

/// The key of the log a retailer keeps.
pub(super) fn retailer_log_key(manifest: &Manifest) -> LogKey {
    manifest.log()
}

/// A word for the journal and for evidence.
pub(super) fn kind_of(record: &RecordKind) -> &'static str {
    match record {
        RecordKind::Released(_) => "released",
        RecordKind::Disclosed(_) => "disclosed",
        RecordKind::ReleaseReceived(_) => "release_received",
        RecordKind::DisclosureReceived(_) => "disclosure_received",
        RecordKind::Use(_) => "use",
        RecordKind::Deleted(_) => "deleted",
        RecordKind::Published(_) => "published",
        RecordKind::Anchor(_) => "anchor",
        RecordKind::Discrepancy(_) => "discrepancy",
        RecordKind::Delegated(_) => "delegated",
    }
}

/// Checks that a record stands in a retailer's log, and makes it evidence.
pub(super) fn check_proven(
    proven: &Proven,
    log: &LogKey,
    domain: &ControllerId,
    grant: Option<GrantId>,
    kind: &str,
    now: Timestamp,
) -> Result<Shown, StepError> {
    let (proof, opening) = UnverifiedProof::parse(proven.proof.as_bytes())
        .map_err(|_| StepError::Proof)?
        .verify_opening(log, proven.record.as_ref())
        .map_err(|_| StepError::Proof)?;
    let evidence = Evidence {
        domain: domain.clone(),
        entry: proof.index(),
        grant,
        kind: kind.to_owned(),
        record: opening.record.0,
        proof: proven.proof.clone(),
        received_at: now,
    };
    Ok(Shown { evidence, head: proof.checkpoint().clone() })
}

/// Checks that a document stands in a retailer's log, whole or by digest, and makes it evidence.
pub(super) fn check_attested(
    attested: &Attested,
    log: &LogKey,
    domain: &ControllerId,
    grant: Option<GrantId>,
    kind: &str,
    now: Timestamp,
) -> Result<Shown, StepError> {
    // Only what is long and public is logged by its digest; an auditor must find the others whole.
    let may_be_named = matches!(kind, "manifest" | "catalogue" | "voucher_keys");
    let is_whole = attested.record == attested.document;
    if !attested.is_logged_document() || !(is_whole || may_be_named) {
        return Err(StepError::Proof);
    }
    let proven = Proven { proof: attested.proof.clone(), record: attested.record.clone() };
    check_proven(&proven, log, domain, grant, kind, now)
}
