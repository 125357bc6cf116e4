//! What a backup is called.

use std::fmt;

use besace_protocol::{id::VaultId, time::Timestamp};

/// `besace-1a2b3c4d-20261122T050000Z`: the beginning of the vault's name, and the moment in UTC. Names of one
/// vault sort as their moments do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BackupName(String);

/// How the files of the two halves end.
const FILE: &str = ".age";
const SLOTS: &str = ".slots.json";

/// How many characters the moment takes.
const MOMENT_LEN: usize = "20261122T050000Z".len();

impl BackupName {
    /// The name of a backup of `vault` at `at`.
    pub fn new(vault: VaultId, at: Timestamp) -> Self {
        let moment = i64::try_from(at.as_unix_seconds())
            .ok()
            .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok())
            .unwrap_or(jiff::Timestamp::MAX);
        Self(format!("{}{}", Self::start(vault), moment.strftime("%Y%m%dT%H%M%SZ")))
    }

    /// How the names of all backups of `vault` begin.
    pub fn start(vault: VaultId) -> String {
        let [a, b, c, d, ..] = *vault.as_bytes();
        format!("besace-{}-", hex::encode([a, b, c, d]))
    }

    /// Reads a name of a backup of `vault`.
    pub fn parse(text: &str, vault: VaultId) -> Option<Self> {
        let moment = text.strip_prefix(&Self::start(vault))?;
        let is_moment = moment.len() == MOMENT_LEN
            && moment.bytes().enumerate().all(|(index, byte)| match index {
                8 => byte == b'T',
                15 => byte == b'Z',
                _ => byte.is_ascii_digit(),
            });
        is_moment.then(|| Self(text.to_owned()))
    }

    /// Reads the name of a file that holds a backup of `vault`.
    pub fn of_file(file: &str, vault: VaultId) -> Option<Self> {
        Self::parse(file.strip_suffix(FILE)?, vault)
    }

    /// Reads the name of a file that holds a backup of `vault`, or the key slots beside one.
    pub fn of_half(file: &str, vault: VaultId) -> Option<Self> {
        let name = file.strip_suffix(FILE).or_else(|| file.strip_suffix(SLOTS))?;
        Self::parse(name, vault)
    }

    /// The file of the backup.
    pub fn file(&self) -> String {
        format!("{}{FILE}", self.0)
    }

    /// The copy of the key slots beside it.
    pub fn slots(&self) -> String {
        format!("{}{SLOTS}", self.0)
    }

    /// The beginning, which two files have that she takes home on one day: whose, and which day. It is no name
    /// of a backup, so no place lets it go.
    pub fn day(&self) -> &str {
        self.0.split_once('T').map_or(self.0.as_str(), |(day, _)| day)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BackupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "small figures of tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const VAULT: VaultId = VaultId::from_bytes([0x1a; 16]);

    #[test]
    fn a_name_says_whose_and_when() {
        let name = BackupName::new(VAULT, Timestamp::from_unix_seconds(1_795_300_000));
        assert_eq!(name.as_str(), "besace-1a1a1a1a-20261121T222640Z");
        assert_eq!(BackupName::of_file(&name.file(), VAULT), Some(name.clone()));
        assert_eq!(name.day(), "besace-1a1a1a1a-20261121");
        for other in [
            "besace-1a1a1a1a-20261121T222640Z",
            "besace-1a1a1a1a-20261121.age",
            "besace-1a1a1a1a-20261121T222640Z.slots.json",
            "besace-1a1a1a1a-20261121T222640Z.age.part",
            "besace-2a1a1a1a-20261121T222640Z.age",
            "besace-1a1a1a1a-2026112100222640Z.age",
            "besace-1a1a1a1a-../../etc/passwd.age",
            "besace-1a1a1a1a-.age",
            "photo.age",
        ] {
            assert_eq!(BackupName::of_file(other, VAULT), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn later_names_sort_later(at in 0_u64..250_000_000_000, more in 1_u64..1_000_000) {
            let name = |at| BackupName::new(VAULT, Timestamp::from_unix_seconds(at));
            prop_assert!(name(at) < name(at + more));
            prop_assert_eq!(BackupName::parse(name(at).as_str(), VAULT), Some(name(at)));
        }
    }
}
