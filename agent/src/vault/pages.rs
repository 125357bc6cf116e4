//! The authentication tags of all pages of a vault file, and of the write-ahead log over it.
//!
//! `spec/rollback.md#pages`. SQLite's log has page numbers and ends of transactions in clear, and each
//! page ends in the tag that SQLCipher gave it; so what a transaction wrote is known without a key.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufReader, Read, Seek as _, SeekFrom},
    path::{Path, PathBuf},
};

use besace_protocol::mark::{MarkKeys, PAGE_TAG_LEN, Prints};

mod log;

use self::log::{FRAME_LEN, Frame, LOG_HEADER_LEN, Salts};

/// Page size of SQLCipher 4, in bytes.
pub(super) const PAGE_LEN: usize = 4096;

/// Pages that are read at once while the file is looked through: 256 KiB.
const CHUNK_PAGES: u32 = 64;

/// The prints of the pages of one file, kept in step with what its one connection writes.
#[derive(Debug)]
pub(super) struct Pages {
    keys: MarkKeys,
    /// Open as long as the connection: closing it would drop the locks of SQLite (POSIX).
    file: File,
    log_path: PathBuf,
    log: Option<File>,
    /// Of the log as it was last seen.
    salts: Option<Salts>,
    /// Frames of whole transactions in it.
    frames: u64,
    /// Whole transactions in it when it was opened.
    commits: u64,
    /// What stood behind them before this transaction.
    stale: Vec<[u8; PAGE_TAG_LEN]>,
    /// By number, from page 1; the empty print where there is no page.
    prints: Vec<Prints>,
    sum: Prints,
    /// Pages of the log at opening, until the file was looked through.
    over: BTreeMap<u32, [u8; PAGE_TAG_LEN]>,
    looked_at: u32,
    count: u32,
}

impl Pages {
    /// Reads the log of the file at `path`; [`look_on`](Self::look_on) reads the file.
    pub(super) fn open(path: &Path, keys: MarkKeys) -> io::Result<Self> {
        let file = File::open(path)?;
        let mut log_path = path.as_os_str().to_os_string();
        log_path.push("-wal");
        let mut pages = Self {
            keys,
            file,
            log_path: PathBuf::from(log_path),
            log: None,
            salts: None,
            frames: 0,
            commits: 0,
            stale: Vec::new(),
            prints: Vec::new(),
            sum: Prints::default(),
            over: BTreeMap::new(),
            looked_at: 0,
            count: 0,
        };
        pages.look_again()?;
        Ok(pages)
    }

    /// Begins anew, with nothing but what stands in the files.
    pub(super) fn look_again(&mut self) -> io::Result<()> {
        let length = self.file.metadata()?.len();
        let whole = length.checked_div(PAGE_LEN as u64).unwrap_or_default();
        self.count = u32::try_from(whole).map_err(|_| io::ErrorKind::FileTooLarge)?;
        (self.prints, self.sum, self.looked_at) = (Vec::new(), Prints::default(), 0);
        (self.salts, self.frames, self.commits) = (None, 0, 0);
        self.over.clear();
        if let Some(file) = self.open_log()? {
            let mut file = BufReader::with_capacity(1 << 18, file);
            file.seek(SeekFrom::Start(0))?;
            if let Some(committed) = log::read_committed(&mut file)? {
                self.salts = Some(committed.salts);
                self.frames = committed.frames;
                self.commits = committed.commits;
                self.count = committed.count.unwrap_or(self.count);
                self.over = committed.pages;
            }
        }
        Ok(())
    }

    /// Reads the next pages of the file. Says whether all were read.
    pub(super) fn look_on(&mut self) -> io::Result<bool> {
        let first = self.looked_at;
        let until = self.count.min(first.saturating_add(CHUNK_PAGES));
        let mut chunk = vec![0; (until.saturating_sub(first) as usize).saturating_mul(PAGE_LEN)];
        self.file.seek(SeekFrom::Start(u64::from(first).saturating_mul(PAGE_LEN as u64)))?;
        let read = read_as_far_as_possible(&mut self.file, &mut chunk)?;
        chunk.truncate(read);
        let mut in_file = chunk.chunks_exact(PAGE_LEN);
        for index in first..until {
            let number = index.saturating_add(1);
            let from_file = in_file.next().and_then(<[u8]>::last_chunk);
            let tag = self.over.remove(&number).or_else(|| from_file.copied());
            let print = tag.map_or_else(Prints::default, |tag| print_of(&self.keys, number, &tag));
            self.prints.push(print);
            self.sum.toggle(&print);
        }
        self.looked_at = until;
        Ok(self.has_looked())
    }

    /// Whether all pages are known.
    pub(super) const fn has_looked(&self) -> bool {
        self.looked_at >= self.count
    }

    /// How many transactions stood in the log when it was opened.
    pub(super) const fn commits(&self) -> u64 {
        self.commits
    }

    /// How many frames of whole transactions stand in the log now.
    pub(super) const fn frames(&self) -> u64 {
        self.frames
    }

    /// What a mark says of all pages.
    pub(super) fn state(&self) -> besace_protocol::crypto::Digest {
        self.keys.state(self.count, &self.sum)
    }

    /// The keys of marks of this file.
    pub(super) const fn keys(&self) -> &MarkKeys {
        &self.keys
    }

    /// The sum of the prints of every page but these.
    pub(super) fn sum_without(&self, pages: &[u32]) -> Prints {
        let mut sum = self.sum;
        for number in pages {
            sum.toggle(&self.print(*number));
        }
        sum
    }

    /// [`sum_without`](Self::sum_without), as if `frames` had been committed.
    pub(super) fn sum_with(&self, frames: &[Frame], pages: &[u32]) -> Prints {
        let mut sum = self.sum_without(pages);
        for (number, tag) in newest(frames) {
            if !pages.contains(&number) {
                sum.toggle(&self.print(number));
                sum.toggle(&print_of(&self.keys, number, &tag));
            }
        }
        sum
    }

    /// Remembers what stands behind the last whole transaction, before another is begun.
    pub(super) fn begin(&mut self) -> io::Result<()> {
        let behind = if self.has_more()? { self.frames_behind()? } else { Vec::new() };
        self.stale = behind.into_iter().map(|frame| frame.tag).collect();
        Ok(())
    }

    /// Whether something was written since [`begin`](Self::begin).
    pub(super) fn was_written(&mut self) -> io::Result<bool> {
        Ok(self.has_more()? && !self.written()?.is_empty())
    }

    /// The frames that this transaction has written so far.
    pub(super) fn written(&mut self) -> io::Result<Vec<Frame>> {
        let mut frames = self.frames_behind()?;
        // A transaction that was rolled back leaves frames behind; a fresh frame has a fresh tag.
        let fresh = frames.iter().enumerate().take_while(|(index, frame)| {
            self.stale.get(*index).is_none_or(|stale| *stale != frame.tag)
        });
        let count = fresh.count();
        frames.truncate(count);
        Ok(frames)
    }

    /// Takes what was committed.
    pub(super) fn commit(&mut self) -> io::Result<()> {
        let salts = self.log_salts()?;
        let mut frames = self.written()?;
        let last = frames.iter().rposition(|frame| frame.count.is_some());
        frames.truncate(last.map_or(0, |last| last.saturating_add(1)));
        if salts != self.salts {
            (self.salts, self.frames) = (salts, 0);
        }
        self.frames = self.frames.saturating_add(u64::try_from(frames.len()).unwrap_or(u64::MAX));
        for (number, tag) in newest(&frames) {
            let print = print_of(&self.keys, number, &tag);
            self.put(number, print);
        }
        if let Some(count) = frames.last().and_then(|frame| frame.count) {
            for number in count.saturating_add(1)..=self.count {
                self.put(number, Prints::default());
            }
            self.count = count;
            self.looked_at = count;
            self.prints.resize(count as usize, Prints::default());
        }
        self.begin()
    }

    /// The log was emptied into the file.
    pub(super) fn emptied(&mut self) -> io::Result<()> {
        if self.log_salts()?.is_none() {
            (self.salts, self.frames) = (None, 0);
        }
        Ok(())
    }

    /// Puts the file and its log on the disk.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        if let Some(log) = self.open_log()? {
            log.sync_data()?;
        }
        self.file.sync_data()
    }

    fn print(&self, number: u32) -> Prints {
        let index = number.checked_sub(1).map(|index| index as usize);
        index.and_then(|index| self.prints.get(index)).copied().unwrap_or_default()
    }

    fn put(&mut self, number: u32, print: Prints) {
        let Some(index) = number.checked_sub(1).map(|index| index as usize) else { return };
        if index >= self.prints.len() {
            self.prints.resize(index.saturating_add(1), Prints::default());
        }
        if let Some(old) = self.prints.get_mut(index) {
            self.sum.toggle(old);
            self.sum.toggle(&print);
            *old = print;
        }
    }

    /// Whether anything at all can stand behind the last whole transaction.
    fn has_more(&mut self) -> io::Result<bool> {
        let end = LOG_HEADER_LEN.saturating_add(self.frames.saturating_mul(FRAME_LEN));
        let Some(file) = self.open_log()? else { return Ok(false) };
        Ok(file.metadata()?.len() > end || self.log_salts()? != self.salts)
    }

    /// Whatever stands behind the last whole transaction and belongs to the log of now.
    fn frames_behind(&mut self) -> io::Result<Vec<Frame>> {
        let Some(salts) = self.log_salts()? else { return Ok(Vec::new()) };
        let start = if Some(salts) == self.salts { self.frames } else { 0 };
        let Some(file) = self.open_log()? else { return Ok(Vec::new()) };
        log::read_frames(file, salts, start)
    }

    fn log_salts(&mut self) -> io::Result<Option<Salts>> {
        let Some(file) = self.open_log()? else { return Ok(None) };
        log::read_salts(file)
    }

    fn open_log(&mut self) -> io::Result<Option<&File>> {
        if self.log.is_none() {
            self.log = match File::open(&self.log_path) {
                Ok(file) => Some(file),
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                Err(error) => return Err(error),
            };
        }
        Ok(self.log.as_ref())
    }
}

/// The newest version of each page.
fn newest(frames: &[Frame]) -> BTreeMap<u32, [u8; PAGE_TAG_LEN]> {
    frames.iter().map(|frame| (frame.page, frame.tag)).collect()
}

/// A page that nobody ever wrote has no print: a hole in the file, or behind its end.
fn print_of(keys: &MarkKeys, number: u32, tag: &[u8; PAGE_TAG_LEN]) -> Prints {
    if *tag == [0; PAGE_TAG_LEN] { Prints::default() } else { keys.print(number, tag) }
}

fn read_as_far_as_possible(file: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut read = 0;
    while let Some(rest) = buffer.get_mut(read..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(more) => read = read.saturating_add(more),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(read)
}
