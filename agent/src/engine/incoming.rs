//! A backup that comes in from outside, and waits here to be opened.

use std::{fs::File, io};

use super::{Engine, EngineState, RestoreError, restore::Fresh};
use crate::{
    file::private_file,
    keyring::{Keyring, ReadKeyringError},
};

/// A backup that came in, sealed as it was, with the slots that lay beside it if they came, too. Its folder
/// goes with this.
pub struct Incoming(Fresh);

impl std::fmt::Debug for Incoming {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Incoming")
    }
}

impl Incoming {
    /// The file of the backup, to be written from its beginning.
    pub fn write_backup(&self) -> io::Result<File> {
        private_file(&self.0.path().join("backup.age"))
    }

    /// Keeps the slots.
    pub fn write_slots(&self, bytes: &[u8]) -> io::Result<()> {
        let mut file = private_file(&self.0.path().join("slots.json"))?;
        io::Write::write_all(&mut file, bytes)
    }

    /// The backup, to be read.
    pub fn backup(&self) -> io::Result<File> {
        File::open(self.0.path().join("backup.age"))
    }

    /// The slots that came with it.
    pub fn slots(&self) -> Result<Option<Keyring>, ReadKeyringError> {
        match Keyring::read(&self.0.path().join("slots.json")) {
            Ok(slots) => Ok(Some(slots)),
            Err(ReadKeyringError::Missing) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Engine {
    /// A place for a backup that comes in; one at a time, the former one goes. Only where there is no vault.
    pub fn receive_backup(&self) -> Result<Incoming, RestoreError> {
        if self.state() != EngineState::Missing {
            return Err(RestoreError::Exists);
        }
        Fresh::make(self.0.folder.receiving()).map(Incoming).map_err(RestoreError::Io)
    }
}
