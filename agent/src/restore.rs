//! The way back of [`crate::export`]: a sealed file, read as if an enemy had written it.
//!
//! `spec/export.md#restore`. Anybody can seal something to a public key, so that a file opens is no sign
//! that she made it. What is: it holds the root that her key slots give, or whose key opened it; nobody
//! else knows that. A file without this proof is refused before a row of it is read.

mod envelope;
mod identities;
mod lines;

use std::{
    collections::BTreeMap,
    io::{self, Read},
};

use age::secrecy::SecretString;
use besace_protocol::{
    crypto::{Digest, sha256},
    encoding::from_base64url,
    id::VaultId,
    keys::RootKey,
    time::Timestamp,
};
use serde::{Deserialize, Deserializer, de::Error as _};
use zeroize::Zeroizing;

use self::{
    envelope::{Content, Keys},
    lines::{Line, Lines, ReadLineError},
};
pub use self::{
    envelope::{HEADER_LEN_MAX, OpenBackupError, STANZAS_MAX, WORK_FACTOR_MAX},
    identities::{IDENTITIES_LEN_MAX, IDENTITIES_MAX, Identities, ParseIdentitiesError},
    lines::LINE_LEN_MAX,
};
use crate::{
    export::{self, SpellIdentityError},
    keyring::{Keyring, ReadKeyringError, RecoveryKit, Secret, SpellKitError},
    vault::{Cell, LoadError, Loader},
};

/// Most rows of one backup: a fix a second for three years.
pub const ROWS_MAX: u64 = 100_000_000;

/// Longest first line, in bytes: the slots in base64url, and the rest.
const FIRST_LEN_MAX: usize = 32 << 10;

/// A backup was not read to its end; nothing of it was put in place.
#[derive(Debug, thiserror::Error)]
pub enum ReadBackupError {
    /// The envelope was not opened.
    #[error("the backup does not open")]
    Open(#[source] OpenBackupError),
    /// It was cut or changed, or the disk refused.
    #[error("the backup was cut, changed, or could not be read")]
    Content(#[source] io::Error),
    /// It opens, and does not begin as an export.
    #[error("it is not an export of a besace")]
    NotExport,
    /// The key slots in it are not what we write.
    #[error("the key slots in it are not in order")]
    Slots(#[source] ReadKeyringError),
    /// Sealed to her, by somebody who does not know her root.
    #[error("it was not written by the vault that it names")]
    Stranger,
    /// A line is longer than any of ours.
    #[error("line {line} is longer than a row can be")]
    LineTooLong {
        /// Which, from 1.
        line: u64,
    },
    /// A line is not one that we write.
    #[error("line {line} is not a row")]
    Line {
        /// Which, from 1.
        line: u64,
    },
    /// The schema does not take a row.
    #[error("line {line} does not fit")]
    Row {
        /// Which, from 1.
        line: u64,
        /// Why.
        #[source]
        source: LoadError,
    },
    /// More rows than any vault has.
    #[error("it has more than {ROWS_MAX} rows")]
    TooManyRows,
    /// It ends without saying how many rows there were, with another number, or goes on behind it.
    #[error("its end is not where it says")]
    End,
    /// The file as a whole was not made, or does not hold together.
    #[error("the rows do not make a vault")]
    Load(#[source] LoadError),
}

/// What opens a backup, and proves that it is hers.
pub struct Opener {
    identities: Identities,
    passphrase: Option<SecretString>,
    proof: Proof,
}

/// How it is known that who wrote the file knows what only she knows.
enum Proof {
    /// The root in the file is the one with this digest.
    Root(Digest),
    /// The root in the file gives one of the keys that were presented.
    Identity,
    /// The slots in the file give this kit the root in the file: only who knows the root can wrap it so.
    Kit(Box<RecoveryKit>),
    /// Whoever seals with a passphrase knows it.
    Passphrase,
}

impl std::fmt::Debug for Opener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Opener([REDACTED])")
    }
}

impl Opener {
    /// With the root, which a key slot gave.
    pub fn root(root: &RootKey) -> Result<Self, SpellIdentityError> {
        let identities = Identities::one(export::x25519_identity(root)?);
        Ok(Self { identities, passphrase: None, proof: Proof::Root(digest_of(root)) })
    }

    /// With the recovery kit, which opens every backup made while it was a key of the vault.
    pub fn kit(kit: RecoveryKit) -> Result<Self, SpellKitError> {
        let identities = Identities::one(kit.age_identity()?);
        Ok(Self { identities, passphrase: None, proof: Proof::Kit(Box::new(kit)) })
    }

    /// With keys from a file.
    pub fn identities(identities: Identities) -> Self {
        Self { identities, passphrase: None, proof: Proof::Identity }
    }

    /// With a passphrase that `age --passphrase` was given.
    pub fn passphrase(passphrase: SecretString) -> Self {
        let identities = Identities::none();
        Self { identities, passphrase: Some(passphrase), proof: Proof::Passphrase }
    }

    /// Opens `file`, and reads its first line.
    pub fn open<R: Read>(&self, file: R) -> Result<Backup<R>, ReadBackupError> {
        let mut lines = Lines::new(self.content(file).map_err(ReadBackupError::Open)?);
        let first = lines.read_line().map_err(|error| failed(error, 1))?;
        let header = Header::parse(first.unwrap_or_default())?;
        if self.is_proof_of(&header) {
            Ok(Backup { header, lines })
        } else {
            Err(ReadBackupError::Stranger)
        }
    }

    fn content<R: Read>(&self, file: R) -> Result<Content<R>, OpenBackupError> {
        let identities = self.identities.as_slice();
        envelope::open(file, &Keys { identities, passphrase: self.passphrase.as_ref() })
    }

    /// The kit, if it is one that opens this.
    pub(crate) const fn as_kit(&self) -> Option<&RecoveryKit> {
        match &self.proof {
            Proof::Kit(kit) => Some(kit),
            Proof::Root(_) | Proof::Identity | Proof::Passphrase => None,
        }
    }

    fn is_proof_of(&self, header: &Header) -> bool {
        match &self.proof {
            // The bytes are compared through a digest, so that how long it takes says nothing of them.
            Proof::Root(root) => *root == digest_of(&header.root),
            Proof::Identity => export::x25519_identity(&header.root).is_ok_and(|theirs| {
                let theirs = theirs.to_public().to_string();
                self.identities.as_slice().iter().any(|ours| ours.to_public().to_string() == theirs)
            }),
            Proof::Kit(kit) => header
                .slots
                .unlock(Secret::Kit(kit))
                .is_ok_and(|root| digest_of(&root) == digest_of(&header.root)),
            Proof::Passphrase => true,
        }
    }
}

fn digest_of(root: &RootKey) -> Digest {
    sha256(&[root.vault_key().danger_expose()])
}

/// What the first line says.
#[derive(Debug)]
pub struct Header {
    /// When it was written.
    pub at: Timestamp,
    /// Which vault.
    pub vault: VaultId,
    /// The schema of its rows.
    pub schema: u64,
    /// The key slots of the vault when it was written.
    pub slots: Keyring,
    /// The root of the vault.
    pub root: RootKey,
}

/// The member `root`, never in a text of its own.
struct RootText(RootKey);

impl<'de> Deserialize<'de> for RootText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&str>::deserialize(deserializer)?;
        let bytes = Zeroizing::new(from_base64url(text).map_err(D::Error::custom)?);
        let bytes: &[u8; 32] = bytes
            .as_slice()
            .try_into()
            .map_err(|_| D::Error::custom("a root of another length"))?;
        Ok(Self(RootKey::init_with(|root| root.copy_from_slice(bytes))))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct First {
    at: Timestamp,
    format: String,
    root: RootText,
    schema: u64,
    slots: String,
    v: u64,
    vault: VaultId,
}

impl Header {
    fn parse(line: &[u8]) -> Result<Self, ReadBackupError> {
        if line.len() > FIRST_LEN_MAX {
            return Err(ReadBackupError::NotExport);
        }
        let first: First = serde_json::from_slice(line).map_err(|_| ReadBackupError::NotExport)?;
        if first.format != export::FORMAT || first.v != 1 {
            return Err(ReadBackupError::NotExport);
        }
        let slots = from_base64url(&first.slots).map_err(|_| ReadBackupError::NotExport)?;
        let slots = Keyring::parse(&slots).map_err(ReadBackupError::Slots)?;
        if slots.vault_id() != first.vault {
            return Err(ReadBackupError::Stranger);
        }
        let First { at, root: RootText(root), schema, vault, .. } = first;
        Ok(Self { at, vault, schema, slots, root })
    }
}

/// An open backup, with its rows still to come.
pub struct Backup<R> {
    header: Header,
    lines: Lines<Content<R>>,
}

impl<R> std::fmt::Debug for Backup<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Backup").field("header", &self.header).finish_non_exhaustive()
    }
}

/// What was read of a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rows {
    /// How many rows.
    pub count: u64,
    /// A digest of all of them, in their order.
    pub digest: Digest,
}

impl<R: Read> Backup<R> {
    /// What the first line says.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The rows, into `loader`. What is in it is of use only when this is well.
    pub fn load(self, loader: &mut Loader) -> Result<(Header, Rows), ReadBackupError> {
        self.each_row(|table, cells| loader.insert(table, cells))
    }

    /// Reads to the end, and keeps nothing.
    pub fn check(self) -> Result<(Header, Rows), ReadBackupError> {
        self.each_row(|_, _| Ok(()))
    }

    fn each_row(
        mut self,
        mut take: impl FnMut(&str, BTreeMap<String, Cell>) -> Result<(), LoadError>,
    ) -> Result<(Header, Rows), ReadBackupError> {
        let mut rows = RowDigest::default();
        let mut number: u64 = 1;
        loop {
            number = number.saturating_add(1);
            let Some(bytes) = self.lines.read_line().map_err(|error| failed(error, number))? else {
                return Err(ReadBackupError::End);
            };
            let line: Line = serde_json::from_slice(bytes)
                .map_err(|_| ReadBackupError::Line { line: number })?;
            match (line.row, line.table, line.rows) {
                (Some(cells), Some(table), None) => {
                    rows.add(bytes);
                    if rows.0.count > ROWS_MAX {
                        return Err(ReadBackupError::TooManyRows);
                    }
                    take(&table, cells.0)
                        .map_err(|source| ReadBackupError::Row { line: number, source })?;
                }
                (None, None, Some(count)) if count == rows.0.count => break,
                (None, None, Some(_)) => return Err(ReadBackupError::End),
                _ => return Err(ReadBackupError::Line { line: number }),
            }
        }
        match self.lines.read_line().map_err(|error| failed(error, number.saturating_add(1)))? {
            None => Ok((self.header, rows.0)),
            Some(_) => Err(ReadBackupError::End),
        }
    }
}

fn failed(error: ReadLineError, line: u64) -> ReadBackupError {
    match error {
        ReadLineError::Read(error) => ReadBackupError::Content(error),
        ReadLineError::TooLong => ReadBackupError::LineTooLong { line },
        ReadLineError::Cut => ReadBackupError::End,
    }
}

/// Rows one after the other: `digest = SHA-256(digest before || line)`, 32 zero bytes before the first.
#[derive(Debug)]
pub struct RowDigest(Rows);

impl Default for RowDigest {
    fn default() -> Self {
        Self(Rows { count: 0, digest: Digest::from_bytes([0; 32]) })
    }
}

impl RowDigest {
    /// One more row, as it stands in the file, with its line end.
    pub fn add(&mut self, line: &[u8]) {
        self.0.digest = sha256(&[self.0.digest.as_bytes(), line]);
        self.0.count = self.0.count.saturating_add(1);
    }

    /// What came so far.
    pub const fn rows(&self) -> Rows {
        self.0
    }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "small figures of tests")]
mod tests;
#[cfg(test)]
mod vectors;
