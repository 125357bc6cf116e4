//! A backup that her browser sends: written down as it comes, in files of its own.

use std::{
    fs::File,
    future::poll_fn,
    io::{self, Write as _},
    pin::Pin,
};

use actix_multipart::MultipartError;
use futures_core::Stream;

use super::refusal::Refusal;
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
    /// Longer slots than any.
    #[error("the key slots are too long")]
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
}

impl Upload {
    pub(super) fn begin(incoming: Incoming) -> Result<Self, UploadError> {
        let file = incoming.write_backup()?;
        let (begin, slots, seen) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Self { incoming, file, begin, slots, seen })
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

/// The next part of a form, or the next piece of a part. One that is cut, or no form at all, is an error.
pub(super) async fn next<T>(
    stream: &mut (impl Stream<Item = Result<T, MultipartError>> + Unpin),
) -> Result<Option<T>, Refusal> {
    let item = poll_fn(|context| Pin::new(&mut *stream).poll_next(context)).await;
    item.transpose().map_err(|error| match error {
        MultipartError::Payload(error) => Refusal::from_body(&error),
        _ => Refusal::MALFORMED,
    })
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll};

    use actix_multipart::Multipart;
    use actix_web::{
        dev::Payload,
        error::PayloadError,
        http::header::{CONTENT_TYPE, HeaderMap, HeaderValue},
        web::Bytes,
    };

    use super::*;
    use crate::http::body::{Patience, Wait, bounded};

    /// Lines that are no boundary, for ever.
    struct Preamble;

    impl Stream for Preamble {
        type Item = Result<Bytes, PayloadError>;

        fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            Poll::Ready(Some(Ok(Bytes::from_static(b"and another line\r\n"))))
        }
    }

    #[actix_web::test]
    async fn what_stands_before_the_first_field_counts() {
        let mut headers = HeaderMap::new();
        let media_type = HeaderValue::from_static("multipart/form-data; boundary=b");
        headers.insert(CONTENT_TYPE, media_type);
        let body: Payload = Payload::Stream { payload: Box::pin(Preamble) };
        let body = bounded(body, 1 << 20, Wait::Piece(Patience::default().piece));
        let refused = next(&mut Multipart::new(&headers, body)).await.err();
        assert_eq!(refused, Some(Refusal::TOO_LARGE));
    }
}
