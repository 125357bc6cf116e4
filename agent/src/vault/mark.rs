//! The mark of a vault on the disk. `spec/rollback.md#mark-file`.
//!
//! Three slots of a sector each. Two are written in turn, each synced before the other is touched, so one
//! of them is always whole; the third is overwritten after every change and not waited for. What a power
//! cut leaves of the third counts only if it is whole.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use besace_protocol::{
    id::VaultId,
    mark::{Mark, MarkKeys, SLOT_LEN, UnverifiedMark},
};

use crate::file::{
    WriteFileError, plain_file, private_folder, standing_file, sync_above, write_atomically,
};

const SLOTS: usize = 3;
/// Index of the slot that is not waited for.
const HASTY: usize = 2;

/// The file with the mark.
#[derive(Debug)]
pub(super) struct MarkFile {
    path: PathBuf,
    file: Option<File>,
    /// The synced slot to be written next.
    next: usize,
    /// Of the newest mark in it.
    serial: u64,
    /// Whether it was found, or made.
    stands: bool,
}

/// What a mark file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// There is none.
    Missing,
    /// None of its slots holds a mark of this vault.
    Foreign,
    /// The newest mark, and the one that was synced before it.
    Marks { newest: Mark, before: Option<Mark> },
}

impl MarkFile {
    /// The mark file at `path`, and what it says to whoever has these keys.
    pub(super) fn open(path: &Path, keys: &MarkKeys, vault: VaultId) -> io::Result<(Self, Found)> {
        let mut this = Self { path: path.to_owned(), file: None, next: 0, serial: 0, stands: true };
        let mut content = Vec::new();
        match plain_file(path) {
            Ok(file) => {
                let limit = (SLOT_LEN * SLOTS) as u64;
                file.take(limit).read_to_end(&mut content)?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                this.stands = false;
                return Ok((this, Found::Missing));
            }
            Err(error) => return Err(error),
        }
        let mut newest: Option<(usize, Mark)> = None;
        let mut synced: [Option<Mark>; 2] = [None; 2];
        for (index, slot) in content.chunks(SLOT_LEN).enumerate() {
            let read = UnverifiedMark::parse(slot).ok();
            let Some(mark) = read.and_then(|mark| mark.verify(keys, vault).ok()) else { continue };
            if newest.is_none_or(|(_, other)| other.serial < mark.serial) {
                newest = Some((index, mark));
            }
            if let Some(synced) = synced.get_mut(index) {
                *synced = Some(mark);
            }
        }
        let Some((at, newest)) = newest else { return Ok((this, Found::Foreign)) };
        let serial_of = |mark: &Option<Mark>| mark.map(|mark| mark.serial);
        let [first, second] = synced;
        this.next = usize::from(serial_of(&first) > serial_of(&second));
        this.serial = newest.serial;
        // A swap is announced by a synced mark; the one before stands in the other slot.
        let before = match at {
            0 => second,
            1 => first,
            _ => None,
        };
        Ok((this, Found::Marks { newest, before }))
    }

    /// Writes a mark and waits until it is on the disk: in the file that has the name now. A file that was removed, or a
    /// disk that was pulled out, would take marks that nobody finds again.
    pub(super) fn write_synced(&mut self, mark: Mark, keys: &MarkKeys) -> io::Result<()> {
        self.file = None;
        self.put(self.next, mark, keys)?;
        self.file()?.sync_all()?;
        self.next = 1_usize.saturating_sub(self.next);
        Ok(())
    }

    /// Writes a mark, which the disk may have later.
    pub(super) fn write(&mut self, mark: Mark, keys: &MarkKeys) -> io::Result<()> {
        self.put(HASTY, mark, keys)
    }

    fn put(&mut self, slot: usize, mark: Mark, keys: &MarkKeys) -> io::Result<()> {
        let serial = self.serial.saturating_add(1);
        let bytes = Mark { serial, ..mark }.to_bytes(keys);
        let at = slot.saturating_mul(SLOT_LEN);
        let stands = self.stands;
        match self.file() {
            Ok(file) => {
                file.seek(SeekFrom::Start(at as u64))?;
                file.write_all(&bytes)?;
            }
            // One that was there is missed: its disk may be gone, and come back.
            Err(error) if error.kind() == io::ErrorKind::NotFound && !stands => {
                make(&self.path, at, &bytes)?;
            }
            Err(error) => return Err(error),
        }
        (self.serial, self.stands) = (serial, true);
        Ok(())
    }

    /// The open file.
    fn file(&mut self) -> io::Result<&mut File> {
        if self.file.is_none() {
            self.file = Some(standing_file(&self.path)?);
        }
        self.file.as_mut().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

/// Makes the file and its folder, with this mark at its place: whole, or not at all. What is not a mark would speak
/// against the vault.
fn make(path: &Path, at: usize, mark: &[u8; SLOT_LEN]) -> io::Result<()> {
    // Room for all slots from the beginning: a disk that is full later does not stop a mark.
    let mut content = [0; SLOT_LEN * SLOTS];
    if let Some(slot) = content.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
        *slot = *mark;
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or_else(|| Path::new("."));
    private_folder(folder)?;
    match write_atomically(path, &content) {
        Ok(()) => {}
        Err(WriteFileError::Io(error)) => return Err(error),
        Err(WriteFileError::Name | WriteFileError::Format) => {
            return Err(io::ErrorKind::InvalidInput.into());
        }
    }
    sync_above(folder)
}
