//! The largest head that was signed, written down outside the store: a store that was put back in time does not have
//! it. `spec/log.md#a-store-that-went-back`.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use besace_protocol::{
    consent::Restoration,
    crypto::VerifyingKey,
    document::{Unverified, Verified},
    jws::Role,
    log::{Frontier, LogKey, SignedCheckpoint, UnverifiedCheckpoint},
};

use super::{Session, SqliteStore, StoreError, StoredRestoration};

/// The store may not be used with its mark.
#[derive(Debug, thiserror::Error)]
pub enum MarkError {
    /// The store is older than what was signed.
    #[error(
        "the store went back in time: its log has {found} entries, and a head over {signed} was signed; nothing is signed with \
         it again, so put the newer file back, or if it is lost: `besace-gateway restore`"
    )]
    WentBack {
        /// Entries of the store.
        found: u64,
        /// Entries of the head that was signed.
        signed: u64,
    },
    /// The store continues another history than the one that was signed.
    #[error(
        "the store is another than the one that signed {signed} entries; nothing is signed with it again, so put that one back"
    )]
    Other {
        /// Entries of the head that was signed.
        signed: u64,
    },
    /// The log of the store was left, and another one begun after it.
    #[error(
        "the store went back in time: its log was left, and log {next} begun after it; nothing is signed with it again, so put \
         the newer file back, or if it is lost: `besace-gateway restore`"
    )]
    Left {
        /// Number of the log that was begun.
        next: u8,
    },
    /// What stands in the place of the mark is none of this log: it is not written over.
    #[error("the mark {path} is none of this log; who knows why may remove it")]
    Unreadable {
        /// Which file.
        path: PathBuf,
    },
    /// The mark could not be read or written.
    #[error("the mark {path} could not be read or written")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The store failed.
    #[error("store failed")]
    Store(#[from] StoreError),
}

/// Where a mark stands, and what it says.
#[derive(Debug)]
pub(super) struct Mark {
    path: PathBuf,
    head: String,
}

/// The head that the log of `key` signed last, as its mark in `folder` says. A missing mark says nothing, and neither does
/// what a power cut can leave of one: nothing, or zeros.
pub(crate) fn marked(folder: &Path, key: &LogKey) -> Result<Option<SignedCheckpoint>, MarkError> {
    let path = mark_of(folder, key.verifying_key());
    let Some(bytes) = read(&path)? else { return Ok(None) };
    let head = UnverifiedCheckpoint::parse(&bytes).ok();
    let signed = head.and_then(|head| head.verify_exact(key).ok());
    signed.map(Some).ok_or(MarkError::Unreadable { path })
}

/// What the log of `log_key` was left with, if it was, as far as `folder` knows.
pub(crate) fn left(
    folder: &Path,
    log_key: &VerifyingKey,
    controller_key: &VerifyingKey,
) -> Result<Option<Verified<Restoration>>, MarkError> {
    let path = left_of(folder, log_key);
    let Some(bytes) = read(&path)? else { return Ok(None) };
    let signed = Unverified::<Restoration>::parse(&bytes).ok();
    let signed = signed.and_then(|said| said.verify(&[(Role::Controller, controller_key)]).ok());
    let ours = signed.filter(|said| said.payload().from.log_key == *log_key);
    ours.map(Some).ok_or(MarkError::Unreadable { path })
}

fn mark_of(folder: &Path, key: &VerifyingKey) -> PathBuf {
    folder.join(format!("{}.mark", key.key_id()))
}

fn left_of(folder: &Path, key: &VerifyingKey) -> PathBuf {
    folder.join(format!("{}.left", key.key_id()))
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, MarkError> {
    match fs::read(path) {
        Ok(bytes) if bytes.iter().all(|byte| *byte == 0) => Ok(None),
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(MarkError::Io { path: path.to_owned(), source }),
    }
}

impl SqliteStore {
    /// Holds the store against the mark that its log has in `folder`, and keeps that mark from now on. To be called before
    /// anything is signed.
    ///
    /// A mark is named by the key of the log.
    pub fn keep_mark(&mut self, folder: &Path) -> Result<(), MarkError> {
        let Some(key) = self.check_mark(folder)? else { return Ok(()) };
        let path = mark_of(folder, key.verifying_key());
        self.mark = Some(Mark { path: path.clone(), head: String::new() });
        // First that the former logs were left: whoever puts one back now is held.
        let kept = fs::create_dir_all(folder)
            .and_then(|()| self.write_left(folder))
            .and_then(|()| self.write_mark());
        self.mark_behind = kept.is_err();
        kept.map_err(|source| MarkError::Io { path, source })
    }

    /// Holds the store against its mark, and writes nothing: the key of its log, if it has one.
    pub(super) fn check_mark(&self, folder: &Path) -> Result<Option<LogKey>, MarkError> {
        let Some(identity) = self.read().identity()? else { return Ok(None) };
        let (key, controller_key) = (identity.log_key()?, identity.signing.verifying_key());
        if let Some(left) = left(folder, key.verifying_key(), &controller_key)? {
            let next = left.payload().to.log.number().ok_or(StoreError::Corrupt)?;
            return Err(MarkError::Left { next: next.get() });
        }
        if let Some(signed) = marked(folder, &key)? {
            self.read().continues(&signed)?;
        }
        Ok(Some(key))
    }

    /// Writes down which logs were left before the one that is written.
    fn write_left(&self, folder: &Path) -> io::Result<()> {
        let all = self.read().restorations().map_err(io::Error::other)?;
        for StoredRestoration { jws, .. } in all {
            let said = Unverified::<Restoration>::parse(&jws).map_err(io::Error::other)?;
            let path = left_of(folder, &said.claimed().from.log_key);
            if fs::read(&path).is_ok_and(|there| there == jws) {
                continue;
            }
            let new = path.with_extension("new");
            let mut file = fs::File::create(&new)?;
            file.write_all(&jws)?;
            file.sync_all()?;
            fs::rename(&new, &path)?;
        }
        Ok(())
    }

    /// Writes the mark after a transaction. That is done, also where the mark stays behind: an older one is true. It is
    /// remembered, and tried again each time.
    pub(crate) fn mark_head(&mut self) {
        self.mark_behind = self.write_mark().is_err();
    }

    /// Whether the mark could not be written: if the store is put back now, nobody notices.
    pub(crate) const fn is_mark_behind(&self) -> bool {
        self.mark_behind
    }

    /// Writes down the head, if it is another. Not synced: what a power cut takes from it is older, and an older mark is true.
    pub(super) fn write_mark(&mut self) -> io::Result<()> {
        if self.mark.is_none() {
            return Ok(());
        }
        let Ok(head) = self.read().checkpoint() else { return Ok(()) };
        let Some(mark) = self.mark.as_mut().filter(|mark| mark.head != head) else {
            return Ok(());
        };
        let new = mark.path.with_extension("new");
        fs::write(&new, &head)?;
        fs::rename(&new, &mark.path)?;
        mark.head = head;
        Ok(())
    }
}

impl Session<'_> {
    /// Whether the log has what `signed` is the head of.
    pub(crate) fn continues(self, signed: &SignedCheckpoint) -> Result<(), MarkError> {
        let (found, signed_size) = (self.log_size()?, signed.size());
        if found < signed_size {
            return Err(MarkError::WentBack { found, signed: signed_size });
        }
        let root = Frontier::from_nodes(signed_size, |id| self.log_node(id))?.root();
        if root == *signed.root() { Ok(()) } else { Err(MarkError::Other { signed: signed_size }) }
    }
}
