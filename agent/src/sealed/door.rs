//! Who may leave a letter while the vault is locked: a small file that names nobody.
//!
//! A device is one digest of its app, its name and its password together. The password has 100 random bits,
//! so nobody who reads the file finds out any of the three. The list is filled with digests that stand for nobody, so
//! that it does not say how many there are.

use std::{collections::BTreeSet, io, path::Path, str::FromStr as _};

use besace_protocol::{
    crypto::{Digest, Label, sha256},
    encoding::{JsonError, from_json_exact, to_canonical_json},
    keys::RootKey,
};
use serde::{Deserialize, Serialize};

use crate::{
    export::{SpellIdentityError, recipient},
    file::{WriteFileError, read_limited, write_atomically},
    vault::{DeviceApp, DeviceKeys},
};

/// Longest file, in bytes: 1,024 devices of 46 bytes, with room.
const LEN_MAX: usize = 64 << 10;
/// Most devices in it; more are let in only while the vault is open.
const DEVICES_MAX: usize = 1_024;
/// The list is filled up to a multiple of this.
const STEP: usize = 8;

/// The recipient of letters, and the devices that may leave one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoorList {
    recipient: age::x25519::Recipient,
    salt: [u8; 32],
    devices: BTreeSet<Digest>,
}

/// Says of two letters that one device left them, and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SenderTag(pub(super) [u8; 4]);

impl SenderTag {
    /// Of what the agent itself keeps: answers of retailers.
    pub const AGENT: Self = Self([0; 4]);
}

/// The list was not read: nobody is let in.
#[derive(Debug, thiserror::Error)]
pub enum ReadDoorListError {
    /// There is none.
    #[error("there is no list of devices")]
    Missing,
    /// The file could not be read.
    #[error("the list of devices could not be read")]
    Io(#[source] io::Error),
    /// Not the JSON that we write.
    #[error("the list of devices is not in the form we write")]
    Malformed(#[source] JsonError),
    /// Not a key of `age`, or digests that contradict each other.
    #[error("the list of devices contradicts itself")]
    Content,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    devices: Vec<Digest>,
    recipient: String,
    salt: Digest,
    v: u8,
}

impl DoorList {
    /// The list for these devices, which follows from them and `root`: writing it again changes nothing.
    pub fn of(
        root: &RootKey,
        devices: &[(String, DeviceKeys)],
    ) -> Result<Self, SpellIdentityError> {
        let mut list =
            Self { recipient: recipient(root)?, salt: root.inbox_salt(), devices: BTreeSet::new() };
        for (name, keys) in devices.iter().take(DEVICES_MAX) {
            let digest = list.digest(keys.app, name, keys.password);
            list.devices.insert(digest);
        }
        for n in 0..=u8::MAX {
            if !list.devices.is_empty() && list.devices.len().is_multiple_of(STEP) {
                break;
            }
            list.devices.insert(Digest::from_bytes(root.inbox_filler(n)));
        }
        Ok(list)
    }

    /// To whom letters are sealed.
    pub const fn recipient(&self) -> &age::x25519::Recipient {
        &self.recipient
    }

    /// The tag of a device, if it is on the list.
    pub fn find(&self, app: DeviceApp, name: &str, password: Digest) -> Option<SenderTag> {
        let digest = self.digest(app, name, password);
        let [a, b, c, d, ..] = *digest.as_bytes();
        self.devices.contains(&digest).then_some(SenderTag([a, b, c, d]))
    }

    /// Reads the bytes that [`to_bytes`](Self::to_bytes) writes, and no others.
    pub fn parse(bytes: &[u8]) -> Result<Self, ReadDoorListError> {
        let Document { devices, recipient, salt, v } =
            from_json_exact(bytes, LEN_MAX).map_err(ReadDoorListError::Malformed)?;
        let sorted = devices.windows(2).all(|pair| pair.first() < pair.last());
        let few = devices.len() <= DEVICES_MAX.saturating_add(STEP);
        let key = age::x25519::Recipient::from_str(&recipient).ok();
        match key {
            Some(key) if v == 1 && sorted && few && key.to_string() == recipient => Ok(Self {
                recipient: key,
                salt: *salt.as_bytes(),
                devices: devices.into_iter().collect(),
            }),
            _ => Err(ReadDoorListError::Content),
        }
    }

    /// Canonical JSON.
    pub fn to_bytes(&self) -> Result<Vec<u8>, JsonError> {
        to_canonical_json(&Document {
            devices: self.devices.iter().copied().collect(),
            recipient: self.recipient.to_string(),
            salt: Digest::from_bytes(self.salt),
            v: 1,
        })
    }

    /// Reads the file.
    pub fn read(path: &Path) -> Result<Self, ReadDoorListError> {
        match read_limited(path, LEN_MAX) {
            Ok(bytes) => Self::parse(&bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(ReadDoorListError::Missing)
            }
            Err(error) => Err(ReadDoorListError::Io(error)),
        }
    }

    /// Writes the file, unless it says the same already.
    pub fn write(&self, path: &Path) -> Result<(), WriteFileError> {
        let bytes = self.to_bytes().map_err(|_| WriteFileError::Format)?;
        if read_limited(path, LEN_MAX).is_ok_and(|known| known == bytes) {
            return Ok(());
        }
        write_atomically(path, &bytes)
    }

    /// `SHA-256(Label("besace sealed/v1 device") || salt || app || BE16(length) || name || password)`,
    /// `password` being the SHA-256 that the vault keeps.
    fn digest(&self, app: DeviceApp, name: &str, password: Digest) -> Digest {
        let app = match app {
            DeviceApp::OwnTracks => [1],
            DeviceApp::Overland => [2],
        };
        // A longer name than any device has is a stranger's, whatever its length reads as.
        let length = u16::try_from(name.len()).unwrap_or(u16::MAX).to_be_bytes();
        let label = Label::InboxDevice.to_bytes();
        sha256(&[&label, &self.salt, &app, &length, name.as_bytes(), password.as_bytes()])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keys(password: &str) -> DeviceKeys {
        let password = sha256(&[password.as_bytes()]);
        DeviceKeys { app: DeviceApp::OwnTracks, password, secret: None, shows_shops: false }
    }

    fn list(devices: &[&str]) -> DoorList {
        let root = RootKey::init_with(|bytes| bytes.fill(3));
        let devices: Vec<_> =
            devices.iter().map(|name| ((*name).to_owned(), keys("right"))).collect();
        DoorList::of(&root, &devices).unwrap()
    }

    #[test]
    fn app_name_and_password_together_are_known_and_nothing_else_is() {
        let list = list(&["phone", "watch"]);
        let find =
            |app, name: &str, password: &str| list.find(app, name, sha256(&[password.as_bytes()]));
        let phone = find(DeviceApp::OwnTracks, "phone", "right").unwrap();
        assert_ne!(find(DeviceApp::OwnTracks, "watch", "right"), Some(phone));
        assert_eq!(find(DeviceApp::OwnTracks, "phone", "wrong"), None);
        assert_eq!(find(DeviceApp::OwnTracks, "phon", "right"), None);
        assert_eq!(find(DeviceApp::Overland, "phone", "right"), None);
    }

    #[test]
    fn the_file_says_neither_a_name_nor_how_many_devices_there_are() {
        let (none, two) = (list(&[]), list(&["phone", "telephone-de-nour"]));
        let text = String::from_utf8(two.to_bytes().unwrap()).unwrap();
        assert_eq!(none.to_bytes().unwrap().len(), text.len());
        assert!(!text.contains("phone") && !text.contains("nour") && text.contains("age1"));
        assert_eq!(list(&["a", "b", "c", "d", "e", "f", "g", "h", "i"]).devices.len(), 16);
    }

    #[test]
    fn what_is_written_is_read_and_a_changed_file_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("door.json");
        assert!(matches!(DoorList::read(&path), Err(ReadDoorListError::Missing)));
        let list = list(&["phone"]);
        list.write(&path).unwrap();
        assert_eq!(DoorList::read(&path).unwrap(), list);
        let text = String::from_utf8(list.to_bytes().unwrap()).unwrap();
        let upper = list.recipient().to_string().to_uppercase();
        for changed in [
            text.replace("\"v\":1", "\"v\":2"),
            text.replace("age1", "age2"),
            text.replace(&list.recipient().to_string(), &upper),
            text.replace("{\"devices\":[\"", "{\"devices\":[\"____\",\""),
            format!("{text}\n"),
        ] {
            std::fs::write(&path, &changed).unwrap();
            assert!(DoorList::read(&path).is_err(), "{changed}");
        }
        std::fs::write(&path, " ".repeat(LEN_MAX + 1)).unwrap();
        assert!(matches!(DoorList::read(&path), Err(ReadDoorListError::Malformed(_))));
    }

    proptest! {
        #[test]
        fn no_bytes_make_reading_panic(bytes: Vec<u8>) {
            let _ = DoorList::parse(&bytes).is_ok();
        }

        #[test]
        fn every_list_comes_back(names in proptest::collection::btree_set("[a-z]{1,32}", 0..20)) {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let list = list(&names);
            prop_assert_eq!(DoorList::parse(&list.to_bytes().unwrap()).unwrap(), list);
        }
    }
}
