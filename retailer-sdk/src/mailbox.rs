//! The mailbox: openings wait sealed until she collects them, and are destroyed when she has them. And
//! what else a pseudonym asks for itself.

use besace_protocol::{
    call::{Call, UnverifiedCall},
    consent::UseStatement,
    document::{SignDocumentError, sign},
    encoding::Bytes,
    jws::Role,
    problem::ProblemType,
    time::{Day, Timestamp},
    wire::{
        AcknowledgeMail, AskLastHead, CollectMail, LAST_HEAD_PATH, LastHead,
        MAILBOX_ACKNOWLEDGEMENTS_PATH, MAILBOX_PATH, MailAcknowledged, MailCollected,
    },
};
use serde::de::DeserializeOwned;

use crate::{
    CallError, Retailer,
    call::{admit, verify_subject},
    store::StoreError,
};

/// Most messages of one answer.
const MAIL_MAX: usize = 64;

/// Most revocations of one answer.
const REVOCATIONS_MAX: usize = 64;

/// Most acknowledgements of one call.
const ACKNOWLEDGEMENTS_MAX: usize = 1024;

/// The mailbox did not answer.
#[derive(Debug, thiserror::Error)]
pub enum MailboxError {
    /// The call does not hold.
    #[error("call was not admitted")]
    Call(#[from] CallError),
    /// The caller's key gave no grant here.
    #[error("this pseudonym gave no grant")]
    Missing,
    /// More than 1024 messages in one call.
    #[error("too many messages in one call")]
    TooMany,
    /// A count could not be signed.
    #[error("use statement was not signed")]
    Statement(#[source] SignDocumentError),
    /// The store failed.
    #[error("mailbox was not read or written")]
    Log(#[from] StoreError),
}

impl MailboxError {
    /// What the caller reads.
    pub fn problem(&self) -> ProblemType {
        match self {
            Self::Call(error) => error.problem(),
            Self::Missing => ProblemType::GrantMissing,
            Self::TooMany => ProblemType::TooLarge,
            Self::Statement(_) => ProblemType::Internal,
            Self::Log(_) => ProblemType::LogUnavailable,
        }
    }
}

impl Retailer {
    /// The oldest messages of the caller's grants, a signed count of uses for each of them, and what we ended of them.
    pub fn collect_mail(
        &mut self,
        call: &[u8],
        now: Timestamp,
    ) -> Result<MailCollected, MailboxError> {
        let call = self.admit_subject::<CollectMail>(call, MAILBOX_PATH, now)?;
        let key = call.subject.key_id();
        let own = &self.own;
        self.store.write(|session| {
            admit(session, &call)??;
            let mut mail = session.mail_of_subject(key, MAIL_MAX.saturating_add(1))?;
            let more = mail.len() > MAIL_MAX;
            mail.truncate(MAIL_MAX);
            let mut statements = Vec::new();
            for stored in session.grants_of_subject(key)? {
                let statement = UseStatement {
                    day: Day::of(now),
                    grant: stored.grant.id,
                    stated: now,
                    uses: stored.uses,
                    v: 1,
                };
                let signed = sign(statement, Role::Controller, &own.signing, now)
                    .map_err(MailboxError::Statement)?;
                statements.push(Bytes(signed.as_bytes().to_vec()));
            }
            let head = own.ledger.head(session)?;
            let revocations = session.revocations_of_subject(key, REVOCATIONS_MAX)?;
            let revocations = revocations
                .into_iter()
                .map(|ours| own.ledger.attest(session, ours.jws, ours.leaf, &head))
                .collect::<Result<Vec<_>, _>>()?;
            Ok(MailCollected { mail, more, revocations, statements })
        })
    }

    /// Destroys messages that are safe at home. Unknown ones are not counted.
    pub fn acknowledge_mail(
        &mut self,
        call: &[u8],
        now: Timestamp,
    ) -> Result<MailAcknowledged, MailboxError> {
        let call =
            self.admit_subject::<AcknowledgeMail>(call, MAILBOX_ACKNOWLEDGEMENTS_PATH, now)?;
        if call.body.mail.len() > ACKNOWLEDGEMENTS_MAX {
            return Err(MailboxError::TooMany);
        }
        let key = call.subject.key_id();
        let destroyed = self.store.write(|session| {
            admit(session, &call)??;
            let mut destroyed: u32 = 0;
            for id in &call.body.mail {
                destroyed = destroyed.saturating_add(u32::from(session.delete_mail(key, *id)?));
            }
            Ok::<_, MailboxError>(destroyed)
        })?;
        // What was deleted stands in the write-ahead log until it is emptied; `tidy` tries again.
        drop(self.store.forget_history());
        Ok(MailAcknowledged { destroyed })
    }

    /// What is remembered of the caller's own log and of how it went on: her vault compares it with what it
    /// holds. A key that was left learns how it was, and nothing of what came after.
    pub fn last_head(&mut self, call: &[u8], now: Timestamp) -> Result<LastHead, MailboxError> {
        let call = UnverifiedCall::parse(call).map_err(CallError::Verify)?;
        let claimed = call.claimed_key().ok_or(MailboxError::Missing)?;
        let subject = self.store.read().subject_of(claimed)?.ok_or(MailboxError::Missing)?;
        let left = (claimed != subject.key.key_id())
            .then(|| self.store.read().pseudonym_key(claimed))
            .transpose()?
            .flatten();
        let address = self.own.address(LAST_HEAD_PATH);
        let call = call
            .verify::<AskLastHead>(left.as_ref().unwrap_or(&subject.key), &address, now)
            .map_err(CallError::Verify)?;
        self.store.write(|session| {
            admit(session, &call)??;
            let subject = session.subject_of(claimed)?.ok_or(MailboxError::Missing)?;
            let stands = subject.key.key_id() == claimed;
            let continuations = session.continuations_of(claimed, subject.log)?;
            Ok(LastHead {
                checkpoint: if stands {
                    session.head_of(subject.log, &subject.log_key)?
                } else {
                    None
                },
                continuations: continuations.into_iter().map(Bytes).collect(),
            })
        })
    }

    /// Verifies a call with the key of a pseudonym that gave a grant here, live or not.
    fn admit_subject<B: DeserializeOwned>(
        &self,
        call: &[u8],
        path: &str,
        now: Timestamp,
    ) -> Result<Call<B>, MailboxError> {
        let call = UnverifiedCall::parse(call).map_err(CallError::Verify)?;
        let claimed = call.claimed_key().ok_or(MailboxError::Missing)?;
        let grants = self.store.read().grants_of_subject(claimed)?;
        let subject = &grants.last().ok_or(MailboxError::Missing)?.subject;
        verify_subject(self.store.read(), call, subject, &self.own.address(path), now)
    }
}
