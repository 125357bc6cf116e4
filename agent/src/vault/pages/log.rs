//! SQLite's write-ahead log, as far as it is in clear: its header, and the head of each frame.
//!
//! <https://sqlite.org/fileformat2.html#the_write_ahead_log>. What is not understood ends the log, as it
//! does for SQLite when it recovers one.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read, Seek as _, SeekFrom},
};

use besace_protocol::mark::PAGE_TAG_LEN;

use super::{PAGE_LEN, read_as_far_as_possible};

/// Length of the header of the log, in bytes.
pub(super) const LOG_HEADER_LEN: u64 = HEADER_LEN as u64;
const HEADER_LEN: usize = 32;
/// Length of a frame, in bytes: its head and a page.
pub(super) const FRAME_LEN: u64 = (HEAD_LEN + PAGE_LEN) as u64;
const HEAD_LEN: usize = 24;

/// Begins the header of a log whose checksums are over little-endian words; one more, big-endian.
const MAGIC: u32 = 0x377f_0682;
const FORMAT: u32 = 3_007_000;

/// Names one log: fresh whenever it is begun anew.
pub(super) type Salts = [u8; 8];

/// The clear part of a frame.
#[derive(Clone, Debug)]
pub(in crate::vault) struct Frame {
    /// Number of the page, from 1.
    pub(in crate::vault) page: u32,
    /// How many pages the file has after it, if it ends a transaction.
    pub(in crate::vault) count: Option<u32>,
    /// The tag of the page.
    pub(in crate::vault) tag: [u8; PAGE_TAG_LEN],
}

/// The whole transactions of a log.
#[derive(Debug)]
pub(super) struct Committed {
    pub(super) salts: Salts,
    pub(super) frames: u64,
    pub(super) commits: u64,
    /// Pages of the file after the last.
    pub(super) count: Option<u32>,
    pub(super) pages: BTreeMap<u32, [u8; PAGE_TAG_LEN]>,
}

/// Reads the whole transactions that SQLite would recover; `None` where there is no log in the file.
pub(super) fn read_committed(file: &mut impl Read) -> io::Result<Option<Committed>> {
    let mut header = [0; HEADER_LEN];
    if read_as_far_as_possible(file, &mut header)? < header.len() {
        return Ok(None);
    }
    let [magic, format, page_len, _, _, _, first, second] = words(&header);
    if magic & !1 != MAGIC || format != FORMAT || page_len as usize != PAGE_LEN {
        return Ok(None);
    }
    let mut sum = Checksum { first: 0, second: 0, is_big_endian: magic & 1 == 1 };
    sum.add(header.get(..24).unwrap_or_default());
    if (sum.first, sum.second) != (first, second) {
        return Ok(None);
    }
    let salts = header.get(16..).and_then(|rest| rest.first_chunk()).copied().unwrap_or_default();
    let mut committed =
        Committed { salts, frames: 0, commits: 0, count: None, pages: BTreeMap::new() };
    let mut frame = vec![0; HEAD_LEN + PAGE_LEN];
    let mut read: u64 = 0;
    let mut pending = Vec::new();
    while read_as_far_as_possible(file, &mut frame)? == frame.len() {
        let Some((head, page)) = frame.split_first_chunk::<HEAD_LEN>() else { break };
        let [number, count, _, _, first, second] = words(head);
        if number == 0 || head.get(8..16) != Some(&salts) {
            break;
        }
        sum.add(head.get(..8).unwrap_or_default());
        sum.add(page);
        if (sum.first, sum.second) != (first, second) {
            break;
        }
        read = read.saturating_add(1);
        pending.push((number, page.last_chunk().copied().unwrap_or([0; PAGE_TAG_LEN])));
        if count > 0 {
            committed.pages.extend(pending.drain(..));
            (committed.frames, committed.count) = (read, Some(count));
            committed.commits = committed.commits.saturating_add(1);
        }
    }
    Ok(Some(committed))
}

/// The salts of the log in `file`, if there is one.
pub(super) fn read_salts(mut file: &File) -> io::Result<Option<Salts>> {
    let mut header = [0; HEADER_LEN];
    file.seek(SeekFrom::Start(0))?;
    let read = read_as_far_as_possible(&mut file, &mut header)?;
    let [magic, ..]: [u32; 8] = words(&header);
    let is_log = read == header.len() && magic & !1 == MAGIC;
    Ok(header.get(16..).and_then(|rest| rest.first_chunk()).copied().filter(|_| is_log))
}

/// The frames from `start` that have these salts. Whoever calls this writes the log itself: sums are
/// not looked at, for SQLite mends them only when a transaction ends.
pub(super) fn read_frames(mut file: &File, salts: Salts, start: u64) -> io::Result<Vec<Frame>> {
    let mut frames = Vec::new();
    let mut at = LOG_HEADER_LEN.saturating_add(start.saturating_mul(FRAME_LEN));
    let end = file.metadata()?.len();
    while at.saturating_add(FRAME_LEN) <= end {
        let (mut head, mut tag) = ([0; HEAD_LEN], [0; PAGE_TAG_LEN]);
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut head)?;
        let [page, count, _, _, _, _] = words(&head);
        // Frames behind one that was written over have neither salts nor sums until the end.
        let is_of_log = head.get(8..16) == Some(&salts) || head.get(8..) == Some(&[0; 16]);
        if page == 0 || !is_of_log {
            break;
        }
        at = at.saturating_add(FRAME_LEN);
        file.seek(SeekFrom::Start(at.saturating_sub(PAGE_TAG_LEN as u64)))?;
        file.read_exact(&mut tag)?;
        frames.push(Frame { page, count: (count > 0).then_some(count), tag });
    }
    Ok(frames)
}

/// The big-endian words that `bytes` begins with.
fn words<const N: usize>(bytes: &[u8]) -> [u32; N] {
    let mut words = [0; N];
    let (chunks, _) = bytes.as_chunks();
    for (word, bytes) in words.iter_mut().zip(chunks) {
        *word = u32::from_be_bytes(*bytes);
    }
    words
}

/// SQLite's running sum over pairs of words. Finds accidents, not attackers.
struct Checksum {
    first: u32,
    second: u32,
    is_big_endian: bool,
}

impl Checksum {
    fn add(&mut self, bytes: &[u8]) {
        let (pairs, _) = bytes.as_chunks::<8>();
        for [a, b, c, d, e, f, g, h] in pairs {
            let (x, y) = ([*a, *b, *c, *d], [*e, *f, *g, *h]);
            let (x, y) = if self.is_big_endian {
                (u32::from_be_bytes(x), u32::from_be_bytes(y))
            } else {
                (u32::from_le_bytes(x), u32::from_le_bytes(y))
            };
            self.first = self.first.wrapping_add(x).wrapping_add(self.second);
            self.second = self.second.wrapping_add(y).wrapping_add(self.first);
        }
    }
}
