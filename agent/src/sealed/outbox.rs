//! Calls that wait to be sent while the vault is locked: signed before it was, each in a file.
//!
//! Whoever sends them has no root, so what they are sealed with lies on the disk too, in a file of its own: that
//! file can be kept elsewhere, and removing it ends all of them at once. `spec/sealed.md#outbox`.

use std::{
    io::{self, Read as _},
    path::PathBuf,
    str::FromStr as _,
    sync::{Mutex, MutexGuard, PoisonError},
};

use age::secrecy::ExposeSecret as _;
use besace_protocol::{
    call::CALL_LEN_MAX,
    crypto::SecretBytes,
    encoding::{from_json_exact, to_canonical_json},
    id::{Generation, LetterId},
    party::ControllerId,
    time::Timestamp,
    wire::{MAILBOX_ACKNOWLEDGEMENTS_PATH, OBJECTIONS_PATH, RELEASES_PATH, WITHDRAWALS_PATH},
};
use rand_core::CryptoRngCore;
use serde::{Deserialize, Serialize};

use super::{Content, inbox::files};
use crate::{
    export,
    file::{
        WriteFileError, private_folder, read_limited, remove_if_there, sync_above, sync_folder,
        write_atomically,
    },
};

/// Most calls that wait.
pub const HELD_MAX: usize = 1_024;
/// Longest first line, in bytes: 64 ids of mail, and room.
const HEAD_LEN_MAX: usize = 16 << 10;
/// Longest file, in bytes.
const SEALED_LEN_MAX: usize = HEAD_LEN_MAX + CALL_LEN_MAX + (4 << 10);
/// Longest key file, in bytes.
const KEY_LEN_MAX: usize = 256;

/// A call that waits.
#[derive(Clone, PartialEq, Eq)]
pub struct Held {
    /// Its name here.
    pub id: LetterId,
    /// What it says; with whom, and under which pseudonym.
    pub content: Content,
    /// To whom.
    pub domain: ControllerId,
    /// Under which pseudonym: it has connections of its own.
    pub pseudonym: Generation,
    /// Until when it holds.
    pub expires: Timestamp,
    /// The bytes.
    pub call: Vec<u8>,
}

impl Held {
    /// Which address; none where nothing is sent.
    pub const fn path(&self) -> Option<&'static str> {
        path_of(&self.content)
    }

    fn file_name(&self) -> String {
        // What ends something leaves before what goes on.
        let ends = matches!(self.content, Content::Withdrawn { .. } | Content::Objected { .. });
        let rank = u8::from(!ends);
        format!("{rank}-{}.age", hex::encode(self.id.as_bytes()))
    }
}

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Held({:?}, {} bytes)", self.content, self.call.len())
    }
}

const fn path_of(content: &Content) -> Option<&'static str> {
    match content {
        Content::Report { .. } => None,
        Content::Withdrawn { .. } => Some(WITHDRAWALS_PATH),
        Content::Objected { .. } => Some(OBJECTIONS_PATH),
        Content::Released { .. } => Some(RELEASES_PATH),
        Content::MailAcknowledged { .. } => Some(MAILBOX_ACKNOWLEDGEMENTS_PATH),
    }
}

/// A call was not kept: it leaves when the vault is open.
#[derive(Debug, thiserror::Error)]
pub enum HoldCallError {
    /// Too many wait.
    #[error("the outbox is full")]
    Full,
    /// It was not sealed.
    #[error("a call could not be sealed")]
    Seal,
    /// The disk refused.
    #[error("a call could not be written")]
    Write(#[source] WriteFileError),
    /// The folder could not be used.
    #[error("the outbox could not be used")]
    Io(#[source] io::Error),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    content: Content,
    domain: ControllerId,
    expires: Timestamp,
    id: LetterId,
    pseudonym: Generation,
    v: u8,
}

/// The calls of one vault that wait.
#[derive(Debug)]
pub struct Outbox {
    folder: PathBuf,
    key: PathBuf,
    using: Mutex<()>,
}

impl Outbox {
    /// The outbox in this folder, with its key in this file. Neither need exist yet.
    pub const fn new(folder: PathBuf, key: PathBuf) -> Self {
        Self { folder, key, using: Mutex::new(()) }
    }

    /// Keeps a call. It is durable when this returns.
    pub fn hold(&self, held: &Held, rng: &mut impl CryptoRngCore) -> Result<(), HoldCallError> {
        let _one_at_a_time = self.using();
        private_folder(&self.folder).map_err(HoldCallError::Io)?;
        sync_above(&self.folder).map_err(HoldCallError::Io)?;
        if files(&self.folder).map_err(HoldCallError::Io)?.len() >= HELD_MAX {
            return Err(HoldCallError::Full);
        }
        let key = match self.identity() {
            Some(key) => key,
            None => self.new_identity(rng)?,
        };
        let first = Head {
            content: held.content.clone(),
            domain: held.domain.clone(),
            expires: held.expires,
            id: held.id,
            pseudonym: held.pseudonym,
            v: 1,
        };
        let mut plain = to_canonical_json(&first).map_err(|_| HoldCallError::Seal)?;
        if plain.len() > HEAD_LEN_MAX || held.call.len() > CALL_LEN_MAX {
            return Err(HoldCallError::Seal);
        }
        plain.push(b'\n');
        plain.extend_from_slice(&held.call);
        let sealed = age::encrypt(&key.to_public(), &plain).map_err(|_| HoldCallError::Seal)?;
        write_atomically(&self.folder.join(held.file_name()), &sealed).map_err(HoldCallError::Write)
    }

    /// Every call that waits and can be read; withdrawals first.
    pub fn held(&self) -> io::Result<Vec<Held>> {
        let _one_at_a_time = self.using();
        let Some(key) = self.identity() else { return Ok(Vec::new()) };
        let mut names: Vec<String> =
            files(&self.folder)?.into_iter().map(|(name, _)| name).collect();
        names.sort();
        Ok(names.iter().filter_map(|name| self.read(&key, name)).collect())
    }

    /// Whether a call still waits.
    pub fn holds(&self, held: &Held) -> bool {
        self.key.exists() && self.folder.join(held.file_name()).exists()
    }

    /// Removes every call but those to be kept, and what cannot be read. They are gone for good when this returns.
    pub fn retain(&self, keep: impl Fn(&Held) -> bool) -> io::Result<Vec<Held>> {
        let _one_at_a_time = self.using();
        let key = self.identity();
        let (mut kept, mut removed) = (Vec::new(), false);
        for (name, _) in files(&self.folder)? {
            match key.as_ref().and_then(|key| self.read(key, &name)).filter(|held| keep(held)) {
                Some(held) => kept.push(held),
                None if self.is_key(&name) => {}
                None => {
                    remove_if_there(&self.folder.join(&name))?;
                    removed = true;
                }
            }
        }
        if removed {
            sync_folder(&self.folder)?;
        }
        Ok(kept)
    }

    /// Removes one call, for good when this returns.
    pub fn remove(&self, held: &Held) -> io::Result<()> {
        let _one_at_a_time = self.using();
        remove_if_there(&self.folder.join(held.file_name()))?;
        sync_folder(&self.folder)
    }

    /// How many calls wait, read or not.
    pub fn count(&self) -> io::Result<usize> {
        Ok(files(&self.folder)?.iter().filter(|(name, _)| !self.is_key(name)).count())
    }

    /// Ends all of them: first the key, without which none can be read. Says how many there were.
    pub fn clear(&self) -> io::Result<usize> {
        let _one_at_a_time = self.using();
        remove_if_there(&self.key)?;
        let mut count: usize = 0;
        for (name, _) in files(&self.folder)? {
            remove_if_there(&self.folder.join(&name))?;
            count = count.saturating_add(1);
        }
        if count > 0 {
            sync_folder(&self.folder)?;
        }
        Ok(count)
    }

    fn is_key(&self, name: &str) -> bool {
        self.folder.join(name) == self.key
    }

    fn read(&self, key: &age::x25519::Identity, name: &str) -> Option<Held> {
        if self.is_key(name) {
            return None;
        }
        let sealed = read_limited(&self.folder.join(name), SEALED_LEN_MAX).ok()?;
        if sealed.len() > SEALED_LEN_MAX {
            return None;
        }
        let decryptor = age::Decryptor::new(&*sealed).ok()?;
        let mut reader = decryptor.decrypt(std::iter::once(key as &dyn age::Identity)).ok()?;
        let mut plain = Vec::new();
        reader.read_to_end(&mut plain).ok()?;
        let end = plain.iter().position(|byte| *byte == b'\n')?;
        let call = plain.split_off(end.saturating_add(1));
        plain.pop();
        let first: Head = from_json_exact(&plain, HEAD_LEN_MAX).ok()?;
        let Head { content, domain, expires, id, pseudonym, v } = first;
        let held = Held { id, content, domain, pseudonym, expires, call };
        (v == 1 && held.file_name() == name && held.path().is_some()).then_some(held)
    }

    fn identity(&self) -> Option<age::x25519::Identity> {
        let text = read_limited(&self.key, KEY_LEN_MAX).ok()?;
        age::x25519::Identity::from_str(std::str::from_utf8(&text).ok()?.trim_end()).ok()
    }

    fn new_identity(
        &self,
        rng: &mut impl CryptoRngCore,
    ) -> Result<age::x25519::Identity, HoldCallError> {
        let secret = SecretBytes::init_with(|bytes: &mut [u8; 32]| rng.fill_bytes(bytes));
        let spelled = export::spell(&secret).map_err(|_| HoldCallError::Seal)?;
        if let Some(folder) = self.key.parent() {
            private_folder(folder).map_err(HoldCallError::Io)?;
        }
        write_atomically(&self.key, spelled.expose_secret().as_bytes())
            .map_err(HoldCallError::Write)?;
        self.identity().ok_or(HoldCallError::Seal)
    }

    fn using(&self) -> MutexGuard<'_, ()> {
        self.using.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use besace_protocol::id::GrantId;
    use rand::{SeedableRng as _, rngs::StdRng};

    use super::*;

    fn held(n: u8, content: Content) -> Held {
        Held {
            id: LetterId::from_bytes([n; 16]),
            content,
            domain: ControllerId::parse("maison-lumen.example").unwrap(),
            pseudonym: Generation::from_bytes([n; 16]),
            expires: Timestamp::from_unix_seconds(1_795_300_000),
            call: b"{\"payload\":\"maison-lumen.example\"}".to_vec(),
        }
    }

    fn withdrawn(n: u8) -> Content {
        Content::Withdrawn { grant: GrantId::from_bytes([n; 16]) }
    }

    fn released(n: u8) -> Content {
        Content::Released { day: 20_000, grant: GrantId::from_bytes([n; 16]) }
    }

    struct Place {
        folder: tempfile::TempDir,
        rng: StdRng,
    }

    impl Place {
        fn new() -> Self {
            Self { folder: tempfile::tempdir().unwrap(), rng: StdRng::seed_from_u64(1) }
        }

        fn outbox(&self) -> Outbox {
            let folder = self.folder.path().join("outbox");
            Outbox::new(folder.clone(), folder.join("key"))
        }
    }

    #[test]
    fn what_waits_is_read_by_the_next_process_withdrawals_first_and_is_not_in_clear() {
        let mut place = Place::new();
        assert_eq!(place.outbox().held().unwrap(), []);
        let (a, b) = (held(1, released(1)), held(2, withdrawn(2)));
        for one in [&a, &b] {
            place.outbox().hold(one, &mut place.rng).unwrap();
        }
        assert_eq!(place.outbox().held().unwrap(), [b.clone(), a.clone()]);
        assert!(place.outbox().holds(&a));
        assert_eq!(place.outbox().count().unwrap(), 2);
        for entry in std::fs::read_dir(place.folder.path().join("outbox")).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            assert!(!bytes.windows(5).any(|window| window == b"lumen"));
        }
        assert_eq!(
            place.outbox().retain(|held| held.id == b.id).unwrap(),
            std::slice::from_ref(&b)
        );
        assert_eq!(place.outbox().held().unwrap(), [b]);
        assert!(!place.outbox().holds(&a));
    }

    #[test]
    fn without_its_key_an_outbox_says_nothing_and_clearing_removes_the_key() {
        let mut place = Place::new();
        let one = held(1, withdrawn(1));
        place.outbox().hold(&one, &mut place.rng).unwrap();
        let path = place.folder.path().join("outbox");
        let key = std::fs::read(path.join("key")).unwrap();
        assert_eq!(place.outbox().clear().unwrap(), 1);
        assert_eq!(std::fs::read_dir(&path).unwrap().count(), 0);
        place.outbox().hold(&one, &mut place.rng).unwrap();
        assert_ne!(std::fs::read(path.join("key")).unwrap(), key);
        std::fs::write(path.join("key"), key).unwrap();
        assert_eq!(place.outbox().held().unwrap(), []);
        assert_eq!(place.outbox().retain(|_| true).unwrap(), []);
        assert_eq!(place.outbox().count().unwrap(), 0);
    }

    #[test]
    fn a_damaged_or_renamed_call_is_not_read() {
        let mut place = Place::new();
        let one = held(1, withdrawn(1));
        place.outbox().hold(&one, &mut place.rng).unwrap();
        let path = place.folder.path().join("outbox");
        let name = path.join(one.file_name());
        let bytes = std::fs::read(&name).unwrap();
        std::fs::write(path.join(held(2, withdrawn(2)).file_name()), &bytes).unwrap();
        assert_eq!(place.outbox().held().unwrap(), [one]);
        std::fs::write(&name, &bytes[..bytes.len() - 1]).unwrap();
        assert_eq!(place.outbox().held().unwrap(), []);
    }

    #[test]
    fn an_outbox_is_bounded() {
        let mut place = Place::new();
        let path = place.folder.path().join("outbox");
        std::fs::create_dir(&path).unwrap();
        for n in 0..HELD_MAX {
            std::fs::write(path.join(n.to_string()), []).unwrap();
        }
        let full = place.outbox().hold(&held(1, withdrawn(1)), &mut place.rng);
        assert!(matches!(full, Err(HoldCallError::Full)));
    }
}
