//! A store went back in time and nothing newer is left: its log is left, and the next one begun. `spec/restoration.md`.

use std::path::Path;

use besace_protocol::{
    audit::Bundle,
    consent::{ConsentRequest, Discrepancy, LogHead, LostLog, NewLog, RecordKind, Restoration},
    crypto::SigningKey,
    document::{SignDocumentError, Verified, sign},
    encoding::Bytes,
    jws::Role,
    log::{LogKey, LogNumber, Origin, UnverifiedCheckpoint},
    offer::catalogue::{Catalogue, Edition, UnverifiedCatalogue, VerifyCatalogueError},
    time::{Day, Timestamp},
    voucher::UnverifiedVoucherKeys,
    wire::Restorations,
};
use rand_core::CryptoRngCore;

use crate::{
    MarkError, OpenRetailerError, Retailer, TidyError,
    ledger::Ledger,
    retailer::Own,
    store::{
        DocumentKind, Session, Spoken, SpokenContinuation, SqliteStore, StoreError, StoredClock,
        StoredDocument, StoredRestoration, left, marked,
    },
};

/// No log was begun after the one of the store.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The store has all that anybody here knows of.
    #[error(
        "nothing went back: the store has every entry that is known to be signed; if entries are lost all the same, say so: \
         `--lost`"
    )]
    NothingLost,
    /// What was given as the last head is no head of this log.
    #[error("what was given is no head that the last log signed")]
    Head,
    /// The store is no beginning of what was signed: two histories.
    #[error(
        "the store continues another history than the one that signed {signed} entries, so it cannot be restored"
    )]
    Fork {
        /// Entries of the head that was signed.
        signed: u64,
    },
    /// The log of the store was left, and of the one after it nothing is here.
    #[error(
        "log {log} was begun after the one of the store, and how far it came is not known here: give its last head"
    )]
    NoHead {
        /// Number of the log.
        log: u8,
    },
    /// There have been as many logs as there may be.
    #[error("the retailer has begun as many logs as there may be")]
    TooMany,
    /// The clock is behind what the store has seen.
    #[error("the clock of this machine is behind what the store has seen: put it right first")]
    Clock,
    /// Another program has the store open.
    #[error("another program has the store open: end it first")]
    InUse,
    /// The mark failed.
    #[error(transparent)]
    Mark(#[from] MarkError),
    /// The log was begun, but where its mark is to stand nothing can be written.
    #[error("the log was begun; its mark is missing")]
    Unmarked(#[source] MarkError),
    /// The restoration could not be signed.
    #[error("restoration was not signed")]
    Sign(#[source] SignDocumentError),
    /// What is published could not be signed anew.
    #[error("what the retailer publishes was not signed anew")]
    Publish(#[source] SignDocumentError),
    /// The store failed.
    #[error("store failed")]
    Store(#[from] StoreError),
    /// The retailer was not opened afterwards.
    #[error("the log was begun; the retailer was not opened")]
    Open(#[source] OpenRetailerError),
}

impl From<TidyError> for RestoreError {
    fn from(error: TidyError) -> Self {
        match error {
            TidyError::Manifest(error) => Self::Publish(error),
            TidyError::Store(error) => Self::Store(error),
        }
    }
}

/// A retailer whose store went back in time. Nothing can be done with it but to look at it and to begin the next log.
#[derive(Debug)]
pub struct LostRetailer(Retailer);

/// Where the last log had come to, as far as anybody here knows. Only [`LostRetailer::last_known`] says so.
#[derive(Debug)]
pub struct LastKnown {
    /// Restorations that the store does not have, the oldest first.
    unknown: Vec<StoredRestoration>,
    /// Number of the last log.
    number: LogNumber,
    key: LogKey,
    head: LogHead,
    kept: u64,
}

impl LastKnown {
    /// Entries of the last log.
    pub const fn size(&self) -> u64 {
        self.head.size
    }

    /// Of these, how many the store has.
    pub const fn kept(&self) -> u64 {
        self.kept
    }

    /// Number of the last log.
    pub const fn number(&self) -> LogNumber {
        self.number
    }
}

impl LostRetailer {
    /// Opens a store that went back, and catches up on nothing.
    pub fn open(store: SqliteStore) -> Result<Self, OpenRetailerError> {
        Retailer::read(store).map(Self)
    }

    /// As it stands in the store.
    pub const fn retailer(&self) -> &Retailer {
        &self.0
    }

    /// All that is left of the log, for an auditor.
    pub fn audit_bundle(&self) -> Result<Bundle, StoreError> {
        self.0.audit_bundle()
    }

    /// Finds how far the last log had come: by the marks in `marks`, by a head that somebody `gave`, by the store.
    ///
    /// # Errors
    /// [`RestoreError::NothingLost`] where the store has all of it, unless somebody `insists` that entries are lost.
    pub fn last_known(
        &self,
        marks: Option<&Path>,
        gave: Option<&[u8]>,
        insists: bool,
    ) -> Result<LastKnown, RestoreError> {
        let session = self.0.store.read();
        let own = &self.0.own;
        let mut key = own.ledger.key().clone();
        let mut number = key.origin().number().ok_or(StoreError::Corrupt)?;
        let mut unknown: Vec<StoredRestoration> = Vec::new();
        while let Some(said) = left_after(marks, &key, own)? {
            key = said.payload().begun();
            number = key.origin().number().ok_or(StoreError::Corrupt)?;
            let (jws, at) = (said.as_bytes().to_vec(), said.payload().at);
            unknown.push(StoredRestoration { log: number, jws, at });
        }
        let mut heads = Vec::new();
        if let Some(marks) = marks {
            heads.extend(marked(marks, &key)?);
        }
        if let Some(gave) = gave {
            let head = UnverifiedCheckpoint::parse(gave).ok();
            heads.push(head.and_then(|head| head.verify(&key).ok()).ok_or(RestoreError::Head)?);
        }
        let mut kept = 0;
        if unknown.is_empty() {
            let head = own.ledger.head(session)?;
            kept = head.size();
            for known in heads.iter().filter(|known| known.size() <= kept) {
                session.continues(known).map_err(|error| match error {
                    MarkError::Other { signed } => RestoreError::Fork { signed },
                    other => other.into(),
                })?;
            }
            heads.push(head);
        }
        let largest = heads.iter().max_by_key(|head| head.size());
        let largest = largest.ok_or(RestoreError::NoHead { log: number.get() })?;
        let signed = largest.size();
        if heads.iter().any(|head| head.size() == signed && head.root() != largest.root()) {
            return Err(RestoreError::Fork { signed });
        }
        if !insists && unknown.is_empty() && signed == kept {
            return Err(RestoreError::NothingLost);
        }
        let head = LogHead { root: *largest.root(), size: signed };
        Ok(LastKnown { unknown, number, key, head, kept })
    }

    /// Leaves the last log and begins the next one, in one transaction: every grant ends, what was held under it is
    /// destroyed, what outlives it is logged anew. The mark stands before anything is answered.
    pub fn begin_next_log(
        self,
        last: LastKnown,
        marks: Option<&Path>,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Retailer, RestoreError> {
        let Retailer { mut store, mut own, .. } = self.0;
        let LastKnown { unknown, number, key, head, kept } = last;
        let seen = store.read().clock()?.map(|clock| clock.seen);
        let before = store.read().restored_at()?.max(unknown.last().map(|one| one.at));
        // Two in one second are a second apart: the later one is told by that.
        let now = if before == Some(now) { now.plus(1) } else { now };
        if seen.max(before).is_some_and(|last| now < last) {
            return Err(RestoreError::Clock);
        }
        let number = number.next().ok_or(RestoreError::TooMany)?;
        let domain = &own.identity.domain;
        let origin = Origin::retailer_nth(domain, number);
        let signer = SigningKey::generate(rng);
        let restoration = Restoration {
            at: now,
            controller: domain.clone(),
            controller_key: own.signing.verifying_key(),
            from: LostLog { head, kept, log: key.origin().clone(), log_key: *key.verifying_key() },
            to: NewLog { log: origin.clone(), log_key: signer.verifying_key() },
            v: 1,
        };
        let restoration =
            sign(restoration, Role::Controller, &own.signing, now).map_err(RestoreError::Sign)?;
        if !store.keep_alone()? {
            return Err(RestoreError::InUse);
        }
        let stored = SigningKey::from_seed(&signer.danger_seed());
        own.ledger = Ledger::new(origin, signer);
        store.write(|session| own.begin_log(session, &restoration, &unknown, &stored, now, rng))?;
        store.share()?;
        if let Some(marks) = marks {
            store.keep_mark(marks).map_err(RestoreError::Unmarked)?;
        }
        Retailer::open(store, now, rng).map_err(RestoreError::Open)
    }
}

/// What the log of `key` was left with, as far as `marks` knows.
fn left_after(
    marks: Option<&Path>,
    key: &LogKey,
    own: &Own,
) -> Result<Option<Verified<Restoration>>, MarkError> {
    let Some(marks) = marks else { return Ok(None) };
    left(marks, key.verifying_key(), &own.signing.verifying_key())
}

impl Own {
    fn begin_log(
        &self,
        session: Session<'_>,
        restoration: &Verified<Restoration>,
        unknown: &[StoredRestoration],
        seed: &SigningKey,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<(), RestoreError> {
        let kind = |kind| session.documents(kind);
        let (requests, voucher_keys) =
            (kind(DocumentKind::Request)?, kind(DocumentKind::VoucherKeys)?);
        let catalogue = session.document(DocumentKind::Catalogue, &[])?;
        let spoken = session.spoken()?;
        session.leave_log(seed, Day::of(now))?;
        session.set_clock(StoredClock::sure(now))?;
        for one in unknown {
            session.add_restoration(one)?;
        }
        let jws = restoration.as_bytes().to_vec();
        // Entry 0: nothing else begins a log after the first.
        self.ledger.append(session, jws.clone(), rng)?;
        let log = restoration.payload().to.log.number().ok_or(StoreError::Corrupt)?;
        session.add_restoration(&StoredRestoration { log, jws, at: now })?;
        self.make_days(session, now, rng)?;
        self.issue_manifest(session, now, rng)?;
        for StoredDocument { jws, .. } in requests {
            let request = self.own_document::<ConsentRequest>(&jws)?;
            // One that nobody can answer any more is in the archive.
            if now < request.expires {
                let name = request.id.as_bytes();
                self.publish(session, DocumentKind::Request, name, &jws, now, rng)?;
            }
        }
        for StoredDocument { jws, .. } in voucher_keys {
            let keys = UnverifiedVoucherKeys::parse(&jws).map_err(|_| StoreError::Corrupt)?;
            let name = keys.claimed_week().as_number().to_be_bytes();
            self.publish(session, DocumentKind::VoucherKeys, &name, &jws, now, rng)?;
        }
        if let Some(catalogue) = catalogue {
            self.republish_catalogue(session, &catalogue.jws, now, rng)?;
        }
        self.log_spoken(session, spoken, now, rng)?;
        self.ledger.seal(session)?;
        Ok(())
    }

    /// Signs the offers that still stand as the first catalogue of the log.
    fn republish_catalogue(
        &self,
        session: Session<'_>,
        jws: &[u8],
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<(), RestoreError> {
        let domain = &self.identity.domain;
        let read = UnverifiedCatalogue::parse(jws).map_err(|_| StoreError::Corrupt)?;
        let old = match read.verify(&self.signing.verifying_key(), domain, now) {
            Ok(old) => old,
            Err(VerifyCatalogueError::Expired | VerifyCatalogueError::NotYet) => return Ok(()),
            Err(VerifyCatalogueError::Signature(_) | VerifyCatalogueError::Controller) => {
                return Err(StoreError::Corrupt.into());
            }
        };
        let sequence = session.next_catalogue_sequence()?;
        // No longer than its author said.
        let edition = Edition { sequence, issued: now, expires: old.expires() };
        let new = Catalogue::sign(domain, edition, old.offers(), &self.signing)
            .map_err(RestoreError::Publish)?;
        Ok(self.publish(session, DocumentKind::Catalogue, &[], new.as_bytes(), now, rng)?)
    }

    /// Logs anew what shoppers said: where they went on, and that they object.
    fn log_spoken(
        &self,
        session: Session<'_>,
        spoken: Spoken,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<(), StoreError> {
        for SpokenContinuation { digest, jws, discrepancy } in spoken.continuations {
            let leaf = self.ledger.append(session, jws, rng)?.leaf;
            let discrepancy = match discrepancy {
                None => None,
                Some(record) => {
                    let said = match RecordKind::parse(&record) {
                        Ok(RecordKind::Discrepancy(said)) => Discrepancy { at: now, ..said },
                        Ok(_) | Err(_) => return Err(StoreError::Corrupt),
                    };
                    let said = RecordKind::Discrepancy(said);
                    Some(self.ledger.append_plain(session, &said, rng)?.leaf)
                }
            };
            session.set_continuation_leaves(digest, leaf, discrepancy)?;
        }
        for (key_id, jws) in spoken.objections {
            let leaf = self.ledger.append(session, jws, rng)?.leaf;
            session.set_objection_leaf(&key_id, leaf)?;
        }
        Ok(())
    }
}

impl Retailer {
    /// How the logs went on: the restoration that the present one begins with, with its proof, and those before it.
    pub fn restorations(&self) -> Result<Restorations, StoreError> {
        let session = self.store.read();
        let mut former = session.restorations()?;
        let Some(last) = former.pop() else { return Ok(Restorations::default()) };
        let head = self.own.ledger.head(session)?;
        let last = Some(self.own.ledger.attest(session, last.jws, 0, &head)?);
        let former = former.into_iter().map(|one| Bytes(one.jws)).collect();
        Ok(Restorations { former, last })
    }
}
