//! Operations that arrive together share one transaction and one wait for the disk. `spec/log.md#groups`.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    panic::{self, AssertUnwindSafe},
    sync::OnceLock,
    thread,
};

use besace_protocol::{
    consent::{Mail, Opening, mail_context},
    crypto::{SealError, Sealed},
    document::{SignDocumentError, sign},
    encoding::Bytes,
    id::MailId,
    jws::Role,
    time::{Day, Timestamp},
};
use rand::{SeedableRng as _, rngs::StdRng};
use rand_core::CryptoRngCore;

use crate::{
    Retailer,
    retailer::Own,
    store::{Opened, StoreError, StoredGrant, StoredMail},
};

/// Threads that make openings. One head signs for all of them, so they can be made side by side.
const THREADS_MAX: usize = 4;

/// Openings that are worth a thread.
const OPENINGS_PER_THREAD: usize = 4;

/// An opening could not be made for whom it belongs to.
#[derive(Debug, thiserror::Error)]
pub enum MakeOpeningError {
    /// It could not be signed.
    #[error("opening was not signed")]
    Sign(#[source] SignDocumentError),
    /// It could not be sealed.
    #[error("opening was not sealed")]
    Seal(#[source] SealError),
    /// The thread that made it ended.
    #[error("opening was not made")]
    Ended,
}

/// An operation of a group has no result.
#[derive(Debug, thiserror::Error)]
pub enum GroupError {
    /// It panicked. Nothing of it is stored; the others go on.
    #[error("the operation panicked")]
    Panicked,
    /// The store failed.
    #[error("store failed")]
    Store(#[from] StoreError),
}

/// A retailer in the middle of a group: what is done through it lasts when the group does.
#[derive(Debug)]
pub struct Group<'r> {
    retailer: &'r mut Retailer,
}

impl Group<'_> {
    /// Does one operation. What it returns may be told to nobody before the group is done.
    ///
    /// An operation that fails leaves nothing of what failed, one that panics leaves nothing at all, and neither
    /// harms the others.
    pub fn run<T>(&mut self, operation: impl FnOnce(&mut Retailer) -> T) -> Result<T, GroupError> {
        let due = self.retailer.due.len();
        self.retailer.store.begin_operation()?;
        let Ok(done) = panic::catch_unwind(AssertUnwindSafe(|| operation(self.retailer))) else {
            self.retailer.unsure = true;
            self.retailer.due.truncate(due);
            self.retailer.store.undo_operation()?;
            return Err(GroupError::Panicked);
        };
        self.retailer.store.end_operation().inspect_err(|_| self.retailer.unsure = true)?;
        Ok(done)
    }
}

/// What opens a use, waiting for the head that it stands under.
#[derive(Debug)]
pub(crate) struct DueOpening {
    pub(crate) under: StoredGrant,
    pub(crate) opened: Opened,
    pub(crate) now: Timestamp,
}

impl Retailer {
    /// Does what `work` does in one transaction: all of it is durable when this returns, or nothing of it
    /// happened and the error says so. Whatever `work` returns may be told from then on, and not before.
    pub fn group<T, R: CryptoRngCore>(
        &mut self,
        now: Timestamp,
        rng: &mut R,
        work: impl FnOnce(&mut Group<'_>, &mut R) -> T,
    ) -> Result<T, StoreError> {
        self.settle(now, rng)?;
        self.store.begin_group()?;
        let done = panic::catch_unwind(AssertUnwindSafe(|| {
            let done = work(&mut Group { retailer: self }, rng);
            self.seal_group(rng)?;
            self.store.commit_group()?;
            Ok(done)
        }));
        if !matches!(done, Ok(Ok(_))) {
            self.due.clear();
            self.unsure = true;
            self.tidied = None;
            self.store.abandon_group();
        }
        let settled = self.settle(now, rng);
        match done {
            // The answers are true, whatever becomes of the memory: who comes next is told.
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => settled.and(Err(error)),
            Err(panic) => panic::resume_unwind(panic),
        }
    }

    /// Does one operation in the group that is open, or in one of its own.
    pub(crate) fn in_group<T, E: From<StoreError>, R: CryptoRngCore>(
        &mut self,
        now: Timestamp,
        rng: &mut R,
        operation: impl FnOnce(&mut Self, &mut R) -> Result<T, E>,
    ) -> Result<T, E> {
        if self.store.is_grouped() {
            operation(self, rng)
        } else {
            self.group(now, rng, |group, rng| operation(group.retailer, rng))?
        }
    }

    /// Makes memory say what the store does, if it may say something else.
    fn settle(&mut self, now: Timestamp, rng: &mut impl CryptoRngCore) -> Result<(), StoreError> {
        if self.unsure {
            self.load(now, rng)?;
            self.unsure = false;
        }
        Ok(())
    }

    /// Signs the head over the uses of the group, and mails what opens them.
    fn seal_group(&mut self, rng: &mut impl CryptoRngCore) -> Result<(), StoreError> {
        if self.due.is_empty() {
            return Ok(());
        }
        let (due, own) = (std::mem::take(&mut self.due), &self.own);
        self.store.write(|session| {
            let head = own.ledger.seal(session)?;
            // Neighbours in the log share most of their way to the root.
            let nodes = RefCell::new(BTreeMap::new());
            let proved = due.into_iter().map(|due| {
                let proof = own.ledger.prove_from(&due.opened, &head, |id| {
                    if let Some(hash) = nodes.borrow().get(&id) {
                        return Ok(*hash);
                    }
                    let hash = session.log_node(id)?;
                    nodes.borrow_mut().insert(id, hash);
                    Ok(hash)
                });
                Ok((due, proof?))
            });
            let proved = proved.collect::<Result<Vec<_>, StoreError>>()?;
            for mail in own.make_openings(&proved, rng).map_err(StoreError::Opening)? {
                session.add_mail(&mail)?;
            }
            Ok(())
        })
    }
}

/// Threads that make openings. Asked once: the system answers by reading a dozen files.
fn threads() -> usize {
    static THREADS: OnceLock<usize> = OnceLock::new();
    let cores = || thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX);
    *THREADS.get_or_init(cores)
}

impl Own {
    /// Signs what opens uses, each with its proof, and seals it to the pseudonym of its grant. In their order.
    fn make_openings(
        &self,
        proved: &[(DueOpening, String)],
        rng: &mut impl CryptoRngCore,
    ) -> Result<Vec<StoredMail>, MakeOpeningError> {
        let per_thread = proved.len().div_ceil(threads()).max(OPENINGS_PER_THREAD);
        let one_after_another =
            |some: &[(DueOpening, String)], mut rng: StdRng| -> Result<Vec<_>, _> {
                some.iter().map(|(due, proof)| self.make_opening(due, proof, &mut rng)).collect()
            };
        let mut seeds = Vec::new();
        for some in proved.chunks(per_thread) {
            let mut seed = <StdRng as rand::SeedableRng>::Seed::default();
            rng.fill_bytes(&mut seed);
            seeds.push((some, StdRng::from_seed(seed)));
        }
        let mut made = Vec::new();
        thread::scope(|scope| {
            // The last ones are made on this thread.
            let last = seeds.pop();
            let others: Vec<_> = seeds
                .into_iter()
                .map(|(some, rng)| scope.spawn(move || one_after_another(some, rng)))
                .collect();
            let last = last.map_or(Ok(Vec::new()), |(some, rng)| one_after_another(some, rng));
            for other in others {
                made.extend(other.join().map_err(|_| MakeOpeningError::Ended)??);
            }
            made.extend(last?);
            Ok(made)
        })
    }

    fn make_opening(
        &self,
        due: &DueOpening,
        proof: &str,
        rng: &mut StdRng,
    ) -> Result<StoredMail, MakeOpeningError> {
        let DueOpening { under, opened, now } = due;
        let grant = under.grant.id;
        let record = Bytes(opened.record.clone());
        let opening = Opening { grant, proof: proof.to_owned(), record, v: 1 };
        let opening =
            sign(opening, Role::Controller, &self.signing, *now).map_err(MakeOpeningError::Sign)?;
        let id = MailId::generate(rng);
        let context = mail_context(grant, id);
        let to = &under.subject.sealing_key;
        let sealed = Sealed::seal(opening.as_bytes(), &context, &self.sealing, to, rng)
            .map_err(MakeOpeningError::Seal)?;
        let retention = u32::from(under.grant.terms.retention_days);
        Ok(StoredMail {
            mail: Mail { grant, id, sealed },
            destroy_day: Day::of(*now).plus(retention),
        })
    }
}
