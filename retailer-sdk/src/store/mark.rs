//! The largest head that was signed, written down outside the store: a store that was put back in time does not have
//! it. `spec/log.md#a-store-that-went-back`.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use besace_protocol::{
    log::{Frontier, LogKey, Origin, SignedCheckpoint, UnverifiedCheckpoint},
    party::ControllerId,
};

use super::{Session, SqliteStore, StoreError};

/// The store may not be used with its mark.
#[derive(Debug, thiserror::Error)]
pub enum MarkError {
    /// The store is older than what was signed.
    #[error(
        "the store went back in time: its log has {found} entries, and a head over {signed} was signed; nothing is signed with \
         it again, so put the newer file back"
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

impl SqliteStore {
    /// Holds the store against the mark that its log has in `folder`, and keeps that mark from now on. To be called before
    /// anything is signed.
    ///
    /// A mark is named by the key of the log. A missing one says nothing, and neither does what a power cut can leave of
    /// one: nothing, or zeros.
    pub fn keep_mark(&mut self, folder: &Path) -> Result<(), MarkError> {
        let Some(identity) = self.read().identity()? else { return Ok(()) };
        let domain = ControllerId::parse(&identity.domain).map_err(|_| StoreError::Corrupt)?;
        let key = LogKey::new(Origin::retailer(&domain), identity.log.verifying_key());
        let path = folder.join(format!("{}.mark", key.verifying_key().key_id()));
        let io = |source| MarkError::Io { path: path.clone(), source };
        let said = match fs::read(&path) {
            Ok(bytes) if bytes.iter().all(|byte| *byte == 0) => None,
            Ok(bytes) => {
                let head = UnverifiedCheckpoint::parse(&bytes).ok();
                let signed = head.and_then(|head| head.verify_exact(&key).ok());
                Some(signed.ok_or_else(|| MarkError::Unreadable { path: path.clone() })?)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(io(error)),
        };
        if let Some(signed) = said {
            self.read().continues(&signed)?;
        }
        self.mark = Some(Mark { path: path.clone(), head: String::new() });
        let kept = fs::create_dir_all(folder).and_then(|()| self.write_mark());
        self.mark_behind = kept.is_err();
        kept.map_err(|source| MarkError::Io { path, source })
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
    fn continues(self, signed: &SignedCheckpoint) -> Result<(), MarkError> {
        let (found, signed_size) = (self.log_size()?, signed.size());
        if found < signed_size {
            return Err(MarkError::WentBack { found, signed: signed_size });
        }
        let root = Frontier::from_nodes(signed_size, |id| self.log_node(id))?.root();
        if root == *signed.root() { Ok(()) } else { Err(MarkError::Other { signed: signed_size }) }
    }
}
