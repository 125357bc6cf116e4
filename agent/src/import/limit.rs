//! A reader that refuses to go on.

use std::io::{self, Read};

/// Refuses more than so many bytes.
#[derive(Debug)]
pub(super) struct ByteLimit<R> {
    inner: R,
    left: u64,
}

/// The input is longer than the importer takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the file is longer than an import takes")]
pub(super) struct TooLong;

impl<R: Read> ByteLimit<R> {
    pub(super) const fn new(inner: R, max: u64) -> Self {
        Self { inner, left: max }
    }
}

impl<R: Read> Read for ByteLimit<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let count = u64::try_from(read).unwrap_or(u64::MAX);
        self.left = self.left.checked_sub(count).ok_or_else(|| io::Error::other(TooLong))?;
        Ok(read)
    }
}

/// Whether `error` came from [`ByteLimit`].
pub(super) fn is_too_long(error: &io::Error) -> bool {
    error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<TooLong>)
}
