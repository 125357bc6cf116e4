//! A backup that her browser sends: written down as it comes, in files of its own.

use std::{
    fs::File,
    io::{self, Write as _},
};

use crate::{
    engine::Incoming,
    keyring::{Keyring, ReadKeyringError, SLOTS_LEN_MAX},
};

/// Longest body, in bytes. What is longer is restored in a terminal.
pub(super) const UPLOAD_LEN_MAX: usize = 2 << 30;

/// How every file of `age` begins.
const MAGIC: &[u8] = b"age-encryption.org/v1\n";

/// What was sent was not kept.
#[derive(Debug, thiserror::Error)]
pub(super) enum UploadError {
    /// A field of another name, or one twice.
    #[error("the form has another field")]
    Field,
    /// Longer than it may be.
    #[error("the form is too long")]
    TooLong,
    /// No file was chosen.
    #[error("no backup was chosen")]
    Nothing,
    /// The file is none of `age`.
    #[error("the file is no backup")]
    NoBackup,
    /// The second file is no slot file.
    #[error("the key slots are not in order")]
    Slots(#[source] ReadKeyringError),
    /// The disk refused.
    #[error("the backup could not be kept")]
    Io(#[from] io::Error),
}

/// Where the content of the field at hand goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Backup,
    Slots,
}

/// A form that is coming in.
#[derive(Debug)]
pub(super) struct Upload {
    incoming: Incoming,
    file: File,
    begin: Vec<u8>,
    slots: Vec<u8>,
    seen: Vec<Field>,
    length: usize,
}

impl Upload {
    pub(super) fn begin(incoming: Incoming) -> Result<Self, UploadError> {
        let file = incoming.write_backup()?;
        let (begin, slots, seen) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Self { incoming, file, begin, slots, seen, length: 0 })
    }

    /// A field begins.
    pub(super) fn begin_field(&mut self, name: Option<&str>) -> Result<(), UploadError> {
        let field = match name {
            Some("backup") => Field::Backup,
            Some("slots") => Field::Slots,
            _ => return Err(UploadError::Field),
        };
        if self.seen.contains(&field) {
            return Err(UploadError::Field);
        }
        self.seen.push(field);
        Ok(())
    }

    /// More of it came.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<(), UploadError> {
        self.length = self.length.saturating_add(bytes.len());
        if self.length > UPLOAD_LEN_MAX {
            return Err(UploadError::TooLong);
        }
        if self.seen.last() == Some(&Field::Slots) {
            if self.slots.len().saturating_add(bytes.len()) > SLOTS_LEN_MAX {
                return Err(UploadError::TooLong);
            }
            self.slots.extend_from_slice(bytes);
            return Ok(());
        }
        let missing = MAGIC.len().saturating_sub(self.begin.len());
        self.begin.extend(bytes.iter().take(missing));
        Ok(self.file.write_all(bytes)?)
    }

    /// That was all: what came.
    pub(super) fn finish(self) -> Result<Incoming, UploadError> {
        let Self { incoming, file, begin, slots, .. } = self;
        if begin.is_empty() {
            return Err(UploadError::Nothing);
        }
        if begin != MAGIC {
            return Err(UploadError::NoBackup);
        }
        drop(file);
        // A browser sends an empty file where none was chosen.
        if !slots.is_empty() {
            Keyring::parse(&slots).map_err(UploadError::Slots)?;
            incoming.write_slots(&slots)?;
        }
        Ok(incoming)
    }
}
