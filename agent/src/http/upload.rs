//! A backup that her browser sends: written down as it comes, in files of its own.

use std::{
    fs::File,
    io::{self, Write as _},
};

use super::multipart::{Multipart, MultipartError, Piece};
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
    /// Not a form of ours.
    #[error("the form could not be read")]
    Form(#[from] MultipartError),
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
    form: Multipart,
    sink: Sink,
    length: usize,
}

#[derive(Debug)]
struct Sink {
    incoming: Incoming,
    file: File,
    begin: Vec<u8>,
    slots: Vec<u8>,
    seen: Vec<Field>,
}

impl Upload {
    /// One whose body has this media type.
    pub(super) fn begin(incoming: Incoming, content_type: &str) -> Result<Self, UploadError> {
        let form = Multipart::new(content_type)?;
        let file = incoming.write_backup()?;
        let sink = Sink { incoming, file, begin: Vec::new(), slots: Vec::new(), seen: Vec::new() };
        Ok(Self { form, sink, length: 0 })
    }

    /// More of it came.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<(), UploadError> {
        self.length = self.length.saturating_add(bytes.len());
        if self.length > UPLOAD_LEN_MAX {
            return Err(UploadError::TooLong);
        }
        let sink = &mut self.sink;
        self.form.push(bytes, &mut |piece| sink.take(piece))
    }

    /// That was all: what came.
    pub(super) fn finish(self) -> Result<Incoming, UploadError> {
        self.form.finish()?;
        let Sink { incoming, file, begin, slots, seen } = self.sink;
        if begin.is_empty() || !seen.contains(&Field::Backup) {
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

impl Sink {
    fn take(&mut self, piece: Piece<'_>) -> Result<(), UploadError> {
        match piece {
            Piece::Begin(name) => {
                let field = match name {
                    "backup" => Field::Backup,
                    "slots" => Field::Slots,
                    _ => return Err(UploadError::Field),
                };
                if self.seen.contains(&field) {
                    return Err(UploadError::Field);
                }
                self.seen.push(field);
            }
            Piece::Data(bytes) if self.seen.last() == Some(&Field::Slots) => {
                if self.slots.len().saturating_add(bytes.len()) > SLOTS_LEN_MAX {
                    return Err(UploadError::TooLong);
                }
                self.slots.extend_from_slice(bytes);
            }
            Piece::Data(bytes) => {
                let missing = MAGIC.len().saturating_sub(self.begin.len());
                self.begin.extend(bytes.iter().take(missing));
                self.file.write_all(bytes)?;
            }
            Piece::End => {}
        }
        Ok(())
    }
}
