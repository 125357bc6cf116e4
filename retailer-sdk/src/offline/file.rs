//! What a till took: a file that only grows, one line a redemption, on disk before the till says yes.

use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use besace_protocol::{
    encoding::{from_json_exact, parse_decimal, to_canonical_json},
    money::Money,
    voucher::{Nullifier, UnverifiedPresentation},
    wire::{OfflineRedemption, UploadRedemptions},
};

/// Longest line, in bytes: a voucher takes 533.
const LINE_LEN_MAX: usize = 2048;

/// The file of what was taken failed.
#[derive(Debug, thiserror::Error)]
pub enum SpentFileError {
    /// The disk refused.
    #[error("the disk refused")]
    Io(#[source] io::Error),
    /// Another till has it open.
    #[error("another program has the file open")]
    Busy,
    /// A line that was never written by a till.
    #[error("line {line} is none of a till")]
    Line {
        /// Which, from 1.
        line: usize,
    },
    /// What is marked as uploaded is not what stands first among what was not.
    #[error("that is not what is to be uploaded first")]
    Order,
    /// A failed write could not be undone; open it again.
    #[error("an earlier write failed")]
    Broken,
}

impl From<io::Error> for SpentFileError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The open file.
#[derive(Debug)]
pub(super) struct SpentFile {
    file: File,
    path: PathBuf,
    /// Of the lines that are whole.
    len: u64,
    broken: bool,
    spent: BTreeSet<Nullifier>,
    /// What each line takes off, in minor units, as far as it is known.
    worth: Vec<u64>,
    /// How many lines were uploaded.
    uploaded: usize,
}

impl SpentFile {
    pub(super) fn open(path: &Path) -> Result<Self, SpentFileError> {
        let mut file = private().read(true).append(true).create(true).open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(SpentFileError::Busy),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let whole = whole_lines(&bytes);
        let len = u64::try_from(whole.len()).map_err(|_| SpentFileError::Line { line: 1 })?;
        if whole.len() < bytes.len() {
            // A line without its end: the till died before it said yes.
            file.set_len(len)?;
        }
        file.sync_all()?;
        sync_folder(path)?;
        let (mut spent, mut worth) = (BTreeSet::new(), Vec::new());
        for (number, line) in lines(whole).enumerate() {
            let wrong = || SpentFileError::Line { line: number.saturating_add(1) };
            let Line { redemption, worth: minor } = read(line).ok_or_else(wrong)?;
            let shown = UnverifiedPresentation::parse_text(&redemption.voucher.0);
            spent.insert(shown.map_err(|_| wrong())?.claimed_nullifier());
            worth.push(minor);
        }
        let uploaded = uploaded(path)?;
        Ok(Self { file, path: path.to_owned(), len, broken: false, spent, worth, uploaded })
    }

    pub(super) fn has(&self, nullifier: &Nullifier) -> bool {
        self.spent.contains(nullifier)
    }

    /// Writes a redemption down, durably or not at all.
    pub(super) fn append(
        &mut self,
        redemption: OfflineRedemption,
        nullifier: Nullifier,
        worth: Option<Money>,
    ) -> Result<(), SpentFileError> {
        if self.broken {
            return Err(SpentFileError::Broken);
        }
        let minor = worth.map_or(0, |worth| worth.minor);
        let line = Line { redemption, worth: minor };
        let mut line = to_canonical_json(&line).map_err(io::Error::other)?;
        line.push(b'\n');
        if let Err(error) = self.file.write_all(&line).and_then(|()| self.file.sync_data()) {
            // Half a line must not stand in the middle of the file.
            self.broken = self.file.set_len(self.len).is_err();
            return Err(error.into());
        }
        let written = u64::try_from(line.len()).unwrap_or(0); // a line is short
        self.len = self.len.saturating_add(written);
        self.spent.insert(nullifier);
        self.worth.push(minor);
        Ok(())
    }

    /// Vouchers that were taken and not uploaded.
    pub(super) fn exposed_vouchers(&self) -> usize {
        self.worth.len().saturating_sub(self.uploaded)
    }

    /// What they took off, in minor units.
    pub(super) fn exposed_amount(&self) -> u64 {
        self.worth.iter().skip(self.uploaded).fold(0, |sum, worth| sum.saturating_add(*worth))
    }

    pub(super) fn look_for_uploads(&mut self) -> Result<(), SpentFileError> {
        self.uploaded = uploaded(&self.path)?;
        Ok(())
    }
}

/// A line of the file.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    redemption: OfflineRedemption,
    /// What it takes off, in minor units of the ceiling's currency; 0 where that is not known.
    worth: u64,
}

/// The oldest of what was not uploaded.
pub(super) fn pending(path: &Path) -> Result<UploadRedemptions, SpentFileError> {
    let bytes = fs::read(path)?;
    let mut redemptions = Vec::new();
    for (number, line) in lines(whole_lines(&bytes)).enumerate().skip(uploaded(path)?) {
        if redemptions.len() == UploadRedemptions::LEN_MAX {
            break;
        }
        let wrong = || SpentFileError::Line { line: number.saturating_add(1) };
        let line = read(line).ok_or_else(wrong)?;
        redemptions.push(line.redemption);
    }
    Ok(UploadRedemptions { redemptions })
}

/// Counts what was uploaded, if it is what stands first.
pub(super) fn mark_uploaded(path: &Path, upload: &UploadRedemptions) -> Result<(), SpentFileError> {
    let first = pending(path)?;
    if !first.redemptions.starts_with(&upload.redemptions) {
        return Err(SpentFileError::Order);
    }
    let count = uploaded(path)?.saturating_add(upload.redemptions.len());
    let (mark, draft) = (beside(path, ".uploaded"), beside(path, ".uploaded.new"));
    let mut file = private().write(true).create(true).truncate(true).open(&draft)?;
    file.write_all(format!("{count}\n").as_bytes())?;
    file.sync_all()?;
    fs::rename(draft, mark)?;
    sync_folder(path)
}

/// How many lines were uploaded.
fn uploaded(path: &Path) -> Result<usize, SpentFileError> {
    match fs::read_to_string(beside(path, ".uploaded")) {
        Ok(text) => parse_decimal(text.trim_end())
            .and_then(|count| usize::try_from(count).ok())
            .ok_or(SpentFileError::Order),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error.into()),
    }
}

fn read(line: &[u8]) -> Option<Line> {
    from_json_exact(line, LINE_LEN_MAX).ok()
}

/// Up to the last line that has its end.
fn whole_lines(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|byte| *byte == b'\n');
    end.and_then(|end| bytes.get(..=end)).unwrap_or_default()
}

fn lines(whole: &[u8]) -> impl Iterator<Item = &[u8]> {
    whole.split_inclusive(|byte| *byte == b'\n').filter_map(|line| line.strip_suffix(b"\n"))
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// The name of a new file is on disk once its folder is.
fn sync_folder(path: &Path) -> Result<(), SpentFileError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    Ok(File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()?)
}

/// Vouchers are worth money until they are uploaded: only the owner reads them.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options
}
