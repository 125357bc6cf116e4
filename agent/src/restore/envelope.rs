//! The envelope of a backup: `age`, read with limits of our own.
//!
//! The header is taken in whole before `age` sees it, because `age` itself sets no limit to it. Keys are
//! X25519 identities and, for a file that somebody sealed with `age --passphrase`, a passphrase whose
//! work is capped. Plugins are not built in, and what names one is refused by that name.

use std::io::{self, BufReader, Cursor, Read};

use age::{
    DecryptError, Decryptor, Identity,
    secrecy::{ExposeSecret as _, SecretString},
    stream::StreamReader,
};

/// Longest header, in bytes: sixteen recipients of about 200 bytes, with room for what `age` adds.
pub const HEADER_LEN_MAX: usize = 16 << 10;

/// Most recipients of one file. Each costs one agreement of keys an identity.
pub const STANZAS_MAX: usize = 32;

/// Largest work factor of a passphrase: 2^18 blocks, 256 MiB, what `age` itself takes.
pub const WORK_FACTOR_MAX: u8 = 18;

const MAGIC: &[u8] = b"age-encryption.org/v1\n";
const ARMOR: &[u8] = b"-----BEGIN AGE ENCRYPTED FILE-----";
const PLAIN_DATABASE: &[u8] = b"SQLite format 3\0";

/// A backup was not opened; nothing of its content was read.
#[derive(Debug, thiserror::Error)]
pub enum OpenBackupError {
    /// Not a file of `age`, or one of a later version.
    #[error("it is not an age file")]
    NotAge,
    /// A database, in clear: whoever made it may have put anything in it.
    #[error("it is a database, not a backup")]
    Database,
    /// In the text form of `age`.
    #[error("it is in the text form of age (armor)")]
    Armored,
    /// The header is longer than any of ours.
    #[error("its header is longer than {max} bytes")]
    HeaderTooLong {
        /// The limit, in bytes.
        max: usize,
    },
    /// More recipients than any of ours.
    #[error("it has more than {max} recipients")]
    Recipients {
        /// The limit.
        max: usize,
    },
    /// The header is not one of `age`, or was cut.
    #[error("its header is not well formed")]
    Header,
    /// The header was changed after it was made.
    #[error("its header was changed")]
    Changed,
    /// It asks for more work than a passphrase is worth.
    #[error("it asks for more work than we do for a passphrase")]
    Work,
    /// Sealed with a passphrase, and none was given.
    #[error("it is sealed with a passphrase")]
    NeedsPassphrase,
    /// None of the keys opens it.
    #[error("none of the keys opens it")]
    NoKey,
    /// The file could not be read.
    #[error("it could not be read")]
    Read(#[source] io::Error),
}

/// What may open an envelope.
pub(super) struct Keys<'a> {
    pub(super) identities: &'a [age::x25519::Identity],
    pub(super) passphrase: Option<&'a SecretString>,
}

/// What follows the header, decrypted as it is read. Its end is checked: a reader that comes to it
/// without an error has read everything that was sealed.
pub(super) type Content<R> = StreamReader<BufReader<io::Chain<Cursor<Vec<u8>>, R>>>;

/// Opens the envelope of `file`.
pub(super) fn open<R: Read>(mut file: R, keys: &Keys<'_>) -> Result<Content<R>, OpenBackupError> {
    let start = read_header(&mut file)?;
    let rest = BufReader::new(Cursor::new(start).chain(file));
    let envelope = Decryptor::new_buffered(rest).map_err(refused)?;
    if !envelope.is_scrypt() {
        let identities = keys.identities.iter().map(|identity| identity as &dyn Identity);
        return envelope.decrypt(identities).map_err(refused);
    }
    let passphrase = keys.passphrase.ok_or(OpenBackupError::NeedsPassphrase)?;
    let mut identity = age::scrypt::Identity::new(SecretString::from(passphrase.expose_secret()));
    identity.set_max_work_factor(WORK_FACTOR_MAX);
    envelope.decrypt(std::iter::once(&identity as &dyn Identity)).map_err(refused)
}

/// The header with its last line, and nothing behind it that was not needed to find its end.
fn read_header(file: &mut impl Read) -> Result<Vec<u8>, OpenBackupError> {
    let mut start = Vec::new();
    let mut seen = 0;
    let mut stanzas: usize = 0;
    let mut in_body = false;
    loop {
        let mut more = [0; 512];
        let count = match file.read(&mut more) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(OpenBackupError::Read(error)),
        };
        start.extend_from_slice(more.get(..count).unwrap_or_default());
        check_beginning(&start, count == 0)?;
        while let Some(line) = next_line(&start, seen) {
            if seen == 0 {
                // `check_beginning` looked at it.
            } else if in_body {
                // `age` forgives a missing last line of a body; the format does not.
                in_body = line.len() == BODY_LINE_LEN;
                if line.len() > BODY_LINE_LEN || line.iter().any(|byte| !is_base64(*byte)) {
                    return Err(OpenBackupError::Header);
                }
            } else if line.starts_with(b"---") {
                return Ok(start);
            } else if line.starts_with(b"->") {
                in_body = true;
                stanzas = stanzas.saturating_add(1);
            } else {
                return Err(OpenBackupError::Header);
            }
            if stanzas > STANZAS_MAX {
                return Err(OpenBackupError::Recipients { max: STANZAS_MAX });
            }
            seen = seen.saturating_add(line.len()).saturating_add(1);
        }
        if start.len() > HEADER_LEN_MAX {
            return Err(OpenBackupError::HeaderTooLong { max: HEADER_LEN_MAX });
        }
        if count == 0 {
            return Err(OpenBackupError::Header);
        }
    }
}

/// A full line of the body of a stanza, in characters; a shorter one ends it.
const BODY_LINE_LEN: usize = 64;

const fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/'
}

/// The line that begins at `from`, without its end, if it is all there.
fn next_line(start: &[u8], from: usize) -> Option<&[u8]> {
    let rest = start.get(from..)?;
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    rest.get(..end)
}

/// Says early, and by name, what the file is instead.
fn check_beginning(start: &[u8], is_all: bool) -> Result<(), OpenBackupError> {
    let begins_like = |what: &[u8]| {
        let length = what.len().min(start.len());
        (is_all || start.len() < what.len() || start.starts_with(what))
            && start.get(..length) == what.get(..length)
    };
    let whole = |what: &[u8]| start.starts_with(what);
    if whole(PLAIN_DATABASE) {
        return Err(OpenBackupError::Database);
    }
    if whole(ARMOR) {
        return Err(OpenBackupError::Armored);
    }
    let possible = [MAGIC, PLAIN_DATABASE, ARMOR].into_iter().any(begins_like);
    if whole(MAGIC) || (possible && !is_all) { Ok(()) } else { Err(OpenBackupError::NotAge) }
}

fn refused(error: DecryptError) -> OpenBackupError {
    match error {
        DecryptError::ExcessiveWork { .. } => OpenBackupError::Work,
        DecryptError::InvalidHeader => OpenBackupError::Header,
        DecryptError::InvalidMac => OpenBackupError::Changed,
        DecryptError::UnknownFormat => OpenBackupError::NotAge,
        DecryptError::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            OpenBackupError::Header
        }
        DecryptError::Io(error) => OpenBackupError::Read(error),
        // No recipient of it is ours, or the one that is was changed.
        _ => OpenBackupError::NoKey,
    }
}
