//! What the thread of a vault owns: the connection, and what keeps its file from going back unnoticed.

use std::{
    fmt, mem,
    path::Path,
    sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError},
    time::Duration,
};

use besace_protocol::crypto::SecretBytes;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::{
    OpenVaultError, VaultError,
    condition::Known,
    keeper::{Keeper, Watch},
};

/// The connection and its keeper. The connection is dropped first: the keeper's own handle of the file
/// must outlive the locks of SQLite.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) connection: Connection,
    pub(super) keeper: Keeper,
    later: Later,
}

pub(super) type Job = Box<dyn FnOnce(&mut Store) + Send>;

/// For so long nobody asked for anything: pages ask several times, with pauses in which they are written.
const QUIET: Duration = Duration::from_secs(1);

/// What nobody waits for.
#[derive(Default)]
struct Later(Vec<Job>);

impl fmt::Debug for Later {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Later({})", self.0.len())
    }
}

impl Store {
    pub(super) fn new(
        connection: Connection,
        path: &Path,
        key: &SecretBytes<32>,
        watch: Option<Watch>,
        known: Known,
    ) -> Result<Self, OpenVaultError> {
        let keeper = Keeper::open(&connection, path, key, watch, known)?;
        Ok(Self { connection, keeper, later: Later::default() })
    }

    /// Does what is asked until nobody can ask any more. When nobody asks it looks through the file, and then does what
    /// nobody waits for.
    pub(super) fn serve(mut self, inbox: &Receiver<Job>) {
        loop {
            match inbox.try_recv() {
                Ok(job) => job(&mut self),
                Err(TryRecvError::Disconnected) => break,
                Err(TryRecvError::Empty) if !self.keeper.is_judged() => {
                    self.keeper.look_on(&self.connection);
                }
                // What nobody waits for must not make the next page wait.
                Err(TryRecvError::Empty) if !self.later.0.is_empty() => {
                    match inbox.recv_timeout(QUIET) {
                        Ok(job) => job(&mut self),
                        Err(RecvTimeoutError::Timeout) => self.catch_up(),
                        Err(RecvTimeoutError::Disconnected) => break,
                    }
                }
                Err(TryRecvError::Empty) => {
                    let Ok(job) = inbox.recv() else { break };
                    job(&mut self);
                }
            }
        }
        self.catch_up();
        self.keeper.close(&self.connection);
    }

    /// Does `job` when nobody asks for anything, but before the next change, and before the file is closed.
    pub(super) fn put_off(&mut self, job: Job) {
        self.later.0.push(job);
    }

    fn catch_up(&mut self) {
        for job in mem::take(&mut self.later.0) {
            job(self);
        }
    }

    /// One transaction, sealed, where `job` says that it counts; `synced` waits until its mark is on the
    /// disk, and if that fails nothing is written or leaves until it is.
    pub(super) fn write<T>(
        &mut self,
        job: impl FnOnce(&Transaction<'_>) -> Result<(T, bool), VaultError>,
        synced: bool,
    ) -> Result<T, VaultError> {
        self.catch_up();
        self.keeper.begin(&self.connection)?;
        let before = self.connection.total_changes();
        let behavior = TransactionBehavior::Immediate;
        let transaction = self.connection.transaction_with_behavior(behavior)?;
        let (done, counts) = job(&transaction)?;
        if !counts {
            transaction.rollback()?;
            return Ok(done);
        }
        let changed = transaction.total_changes() != before;
        let sealed = self.keeper.seal(&transaction, changed)?;
        transaction.commit()?;
        // What was committed stays committed, whatever becomes of its mark.
        if let Err(error) = self.keeper.committed(&mut self.connection, sealed) {
            tracing::warn!(%error, "a change was committed, and its mark was not made");
        }
        if synced {
            self.keeper.sync_before_leaving(&self.connection)?;
        }
        Ok(done)
    }

    /// The first seal of a file that was just made. A mark that lies there is of another one, or of one that was never
    /// finished: it says nothing about this.
    pub(super) fn write_first_seal(&mut self) -> Result<(), VaultError> {
        self.keeper.go_on(&self.connection);
        self.keeper.begin(&self.connection)?;
        let sealed = self.keeper.seal_once(&mut self.connection)?;
        self.keeper.committed(&mut self.connection, sealed)?;
        self.keeper.settle(None)
    }

    /// Whatever needs the connection itself. What it writes is sealed afterwards.
    pub(super) fn run<T>(
        &mut self,
        job: impl FnOnce(&mut Connection) -> Result<T, VaultError>,
    ) -> Result<T, VaultError> {
        self.keeper.look(&self.connection);
        self.keeper.remember()?;
        let done = job(&mut self.connection);
        if self.keeper.was_written()? {
            self.keeper.committed(&mut self.connection, None)?;
        }
        done
    }
}
