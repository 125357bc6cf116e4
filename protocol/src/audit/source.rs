//! Where evidence lies and who does the work: the caller's files, the caller's threads.

use alloc::borrow::Cow;
use core::convert::Infallible;

use super::Bundle;

/// The files of a bundle, read one by one: a million entries need not fit into memory.
pub trait Files: Sync {
    /// Why a file could not be read.
    type Error: Send;

    /// The names of all files, with `/` between folders; each once.
    fn names(&self) -> impl Iterator<Item = &str>;

    /// The bytes of one of them.
    fn read(&self, name: &str) -> Result<Cow<'_, [u8]>, Self::Error>;
}

impl Files for Bundle {
    type Error = Infallible;

    fn names(&self) -> impl Iterator<Item = &str> {
        self.files().keys().map(alloc::string::String::as_str)
    }

    fn read(&self, name: &str) -> Result<Cow<'_, [u8]>, Infallible> {
        Ok(Cow::Borrowed(self.files().get(name).map(alloc::vec::Vec::as_slice).unwrap_or_default()))
    }
}

/// Who does work that may be done in any order.
pub trait Workers {
    /// Does `work` to each number below `count`, and hands the results to `take` in the order of the
    /// numbers. Few results may wait at a time: they are what takes memory.
    fn in_order<R: Send>(&self, count: u64, work: impl Fn(u64) -> R + Sync, take: impl FnMut(R));
}

/// Whoever asks does it, one after the other.
#[derive(Clone, Copy, Debug)]
pub struct OneByOne;

impl Workers for OneByOne {
    fn in_order<R: Send>(&self, count: u64, work: impl Fn(u64) -> R + Sync, take: impl FnMut(R)) {
        (0..count).map(work).for_each(take);
    }
}
