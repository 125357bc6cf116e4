//! The folder where letters wait, a file each, in the order in which they came.
//!
//! A letter is on the disk, file and folder, before [`Inbox::keep`] returns. Its name says its number, which device
//! left it (as a tag that names nobody) and its id; what cannot be read is moved to the folder `aside`, where
//! nothing but a person removes it.

use std::{
    collections::BTreeMap,
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use besace_protocol::id::LetterId;

use super::{
    SenderTag,
    letter::{SEALED_LEN_MAX, SealLetterError},
};
use crate::file::{
    private_file, private_folder, read_limited, remove_if_there, sync_above, sync_folder,
};

/// The letter that is being written. It has arrived when it has another name.
const ARRIVING: &str = "arriving";
/// What could not be merged.
const ASIDE: &str = "aside";

/// No letter has this number or a larger one: after a file that somebody named so, none could follow.
const NUMBER_END: u64 = 1 << 48;

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most letters.
    pub letters: usize,
    /// Most bytes of all letters together.
    pub bytes: u64,
}

impl Limits {
    /// A month of a telephone that reports every five minutes is 8,640 letters of half a kilobyte.
    pub const ALL: Self = Self { letters: 32_768, bytes: 128 << 20 };
    /// Of one device: whoever took one telephone leaves room for the others.
    pub const OF_ONE: Self = Self { letters: 10_922, bytes: 42 << 20 };

    const fn allow(self, count: InboxCount, more: u64) -> bool {
        count.letters < self.letters && count.bytes.saturating_add(more) <= self.bytes
    }
}

/// How much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InboxCount {
    /// Letters.
    pub letters: usize,
    /// Bytes of all of them.
    pub bytes: u64,
}

impl InboxCount {
    const fn add(&mut self, bytes: u64) {
        self.letters = self.letters.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes);
    }
}

/// The name of a letter that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Waiting {
    /// Its place in the order of arrival.
    pub number: u64,
    /// Who left it.
    pub sender: SenderTag,
    /// Its id.
    pub id: LetterId,
}

impl Waiting {
    fn parse(name: &str) -> Option<Self> {
        let mut parts = name.strip_suffix(".age")?.splitn(3, '-');
        let (number, sender, id) = (parts.next()?, parts.next()?, parts.next()?);
        let mut tag = [0; 4];
        hex::decode_to_slice(sender, &mut tag).ok()?;
        let waiting = Self {
            number: u64::from_str_radix(number, 16).ok().filter(|number| *number < NUMBER_END)?,
            sender: SenderTag(tag),
            id: LetterId::parse(&format!("letter_{id}")).ok()?,
        };
        (waiting.file_name() == name).then_some(waiting)
    }

    fn file_name(&self) -> String {
        let (tag, id) = (hex::encode(self.sender.0), hex::encode(self.id.as_bytes()));
        format!("{:016x}-{tag}-{id}.age", self.number)
    }
}

/// A letter was not kept; what was there before is there.
#[derive(Debug, thiserror::Error)]
pub enum KeepLetterError {
    /// There is no room, for this device or at all.
    #[error("the sealed inbox is full")]
    Full,
    /// It was not sealed.
    #[error("the letter was not sealed")]
    Seal(#[source] SealLetterError),
    /// The disk refused.
    #[error("the letter could not be written")]
    Io(#[source] io::Error),
}

/// The letters of one vault. Only the process that has the vault's folder uses it.
#[derive(Debug)]
pub struct Inbox {
    folder: PathBuf,
    all: Limits,
    of_one: Limits,
    /// What is in the folder; none until somebody looked.
    known: Mutex<Option<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    next: u64,
    all: InboxCount,
    of: BTreeMap<SenderTag, InboxCount>,
}

impl Inbox {
    /// The inbox in this folder, which need not exist yet.
    pub const fn new(folder: PathBuf) -> Self {
        Self::within(folder, Limits::ALL, Limits::OF_ONE)
    }

    /// An inbox with other limits.
    pub const fn within(folder: PathBuf, all: Limits, of_one: Limits) -> Self {
        Self { folder, all, of_one, known: Mutex::new(None) }
    }

    /// The list of devices that may leave letters.
    pub fn door(&self) -> PathBuf {
        self.folder.join("door.json")
    }

    /// Makes the folder.
    pub fn prepare(&self) -> io::Result<()> {
        private_folder(&self.folder)
    }

    /// Keeps what `seal` makes for a number. It is durable when this returns.
    pub fn keep(
        &self,
        sender: SenderTag,
        id: LetterId,
        seal: impl FnOnce(u64) -> Result<Vec<u8>, SealLetterError>,
    ) -> Result<(), KeepLetterError> {
        let mut known = self.known().map_err(KeepLetterError::Io)?;
        let Some(known) = known.as_mut() else { return Err(KeepLetterError::Full) };
        let of = known.of.get(&sender).copied().unwrap_or_default();
        // Before the work of sealing: a full inbox must be cheap to knock at.
        if !self.all.allow(known.all, 0) || !self.of_one.allow(of, 0) {
            return Err(KeepLetterError::Full);
        }
        let number = known.next;
        let sealed = seal(number).map_err(KeepLetterError::Seal)?;
        let length = u64::try_from(sealed.len()).unwrap_or(u64::MAX);
        if !self.all.allow(known.all, length) || !self.of_one.allow(of, length) {
            return Err(KeepLetterError::Full);
        }
        let name = Waiting { number, sender, id }.file_name();
        self.write(&name, &sealed).map_err(KeepLetterError::Io)?;
        known.next = number.saturating_add(1);
        known.all.add(length);
        known.of.entry(sender).or_default().add(length);
        Ok(())
    }

    /// Another process may have removed something: what there is, is counted again when it matters.
    pub fn recount(&self) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The letters that wait, in the order in which they came.
    pub fn waiting(&self) -> io::Result<Vec<Waiting>> {
        let mut waiting: Vec<Waiting> = files(&self.folder)?
            .into_iter()
            .filter_map(|(name, _)| Waiting::parse(&name))
            .collect();
        waiting.sort();
        Ok(waiting)
    }

    /// The sealed bytes of a letter; a file that is longer than any letter is cut, and will not open.
    pub fn read(&self, letter: &Waiting) -> io::Result<Vec<u8>> {
        read_limited(&self.folder.join(letter.file_name()), SEALED_LEN_MAX)
    }

    /// Removes letters that were merged. They are gone for good when this returns.
    pub fn remove(&self, letters: &[Waiting]) -> io::Result<()> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // Counted again by whoever needs it next.
        *known = None;
        for letter in letters {
            remove_if_there(&self.folder.join(letter.file_name()))?;
        }
        sync_folder(&self.folder)
    }

    /// Moves a letter out of the way. It goes on counting as one that is there.
    pub fn set_aside(&self, letter: &Waiting) -> io::Result<()> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        *known = None;
        let (aside, name) = (self.folder.join(ASIDE), letter.file_name());
        private_folder(&aside)?;
        std::fs::rename(self.folder.join(&name), aside.join(&name))?;
        sync_folder(&aside)?;
        sync_folder(&self.folder)
    }

    /// How many letters wait, and how many were set aside.
    pub fn count(&self) -> io::Result<(InboxCount, InboxCount)> {
        let (mut waiting, mut aside) = (InboxCount::default(), InboxCount::default());
        for (name, bytes) in files(&self.folder)? {
            if Waiting::parse(&name).is_some() {
                waiting.add(bytes);
            }
        }
        for (_, bytes) in files(&self.folder.join(ASIDE))? {
            aside.add(bytes);
        }
        Ok((waiting, aside))
    }

    /// Destroys what was set aside. Says how many letters there were.
    pub fn clear_aside(&self) -> io::Result<usize> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        *known = None;
        let aside = self.folder.join(ASIDE);
        let found = files(&aside)?;
        for (name, _) in &found {
            remove_if_there(&aside.join(name))?;
        }
        if !found.is_empty() {
            sync_folder(&aside)?;
        }
        Ok(found.len())
    }

    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let arriving = self.folder.join(ARRIVING);
        let write = || {
            let mut file = private_file(&arriving)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            std::fs::rename(&arriving, self.folder.join(name))?;
            sync_folder(&self.folder)
        };
        write().inspect_err(|_| {
            // Half a letter takes room that a full disk does not have.
            let _still_there = std::fs::remove_file(&arriving);
        })
    }

    /// What is in the folder, read once.
    fn known(&self) -> io::Result<MutexGuard<'_, Option<Known>>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.is_none() {
            self.prepare()?;
            // The process that made it may have ended before its name was synced.
            sync_above(&self.folder)?;
            let aside = files(&self.folder.join(ASIDE))?;
            let mut count = Known::default();
            for (name, bytes) in files(&self.folder)?.into_iter().chain(aside) {
                if let Some(letter) = Waiting::parse(&name) {
                    count.next = count.next.max(letter.number.saturating_add(1));
                    count.all.add(bytes);
                    count.of.entry(letter.sender).or_default().add(bytes);
                }
            }
            *known = Some(count);
        }
        Ok(known)
    }
}

/// Names and lengths of the files in a folder, which need not exist.
pub(super) fn files(folder: &Path) -> io::Result<Vec<(String, u64)>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry?;
        let about = entry.metadata()?;
        if let (true, Ok(name)) = (about.is_file(), entry.file_name().into_string()) {
            files.push((name, about.len()));
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests;
