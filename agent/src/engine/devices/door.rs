//! Who may report, and how often a wrong password may be tried.
//!
//! The vault is asked once: a stranger's knocking never reaches it. Wrong passwords are counted by name, and
//! names that no device has count as one; nothing is kept of where a knock came from. Whoever shows the
//! right password is let in even while others knock, or anybody could keep a telephone out: a password of
//! 100 random bits is not found by trying.

use std::collections::BTreeMap;

use besace_protocol::{
    crypto::{equal_in_constant_time, sha256},
    time::Timestamp,
};

use crate::vault::{DeviceApp, DeviceKeys};

/// Wrong passwords in a row that are answered one by one.
const FREE: u32 = 10;
/// How long knocking is then answered with a wait, in seconds.
const WAIT_SECONDS: u64 = 60;

/// What is remembered of devices while the vault is open.
#[derive(Debug, Default)]
pub(super) struct Door {
    keys: BTreeMap<String, DeviceKeys>,
    /// By the name of a device; under no name, those that are none.
    wrong: BTreeMap<Option<String>, Wrong>,
}

/// Wrong passwords under one name.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::engine) struct Wrong {
    in_a_row: u32,
    until: Timestamp,
}

impl Wrong {
    /// One more; says how it is answered.
    pub(in crate::engine) fn one_more(&mut self, now: Timestamp) -> Closed {
        if now < self.until {
            return Closed::Wait(self.until.distance(now));
        }
        self.in_a_row = self.in_a_row.saturating_add(1);
        if self.in_a_row >= FREE {
            *self = Self { in_a_row: 0, until: now.plus(WAIT_SECONDS) };
        }
        Closed::Stranger
    }
}

/// Nobody was let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Closed {
    /// No such device, or another password.
    Stranger,
    /// Too many wrong ones; wait so many seconds.
    Wait(u64),
}

impl Door {
    /// A door for these devices.
    pub(super) fn new(keys: impl IntoIterator<Item = (String, DeviceKeys)>) -> Self {
        Self { keys: keys.into_iter().collect(), wrong: BTreeMap::new() }
    }

    /// The keys of the device of this app, name and password.
    pub(super) fn knock(
        &mut self,
        app: DeviceApp,
        name: &str,
        password: &str,
        now: Timestamp,
    ) -> Result<DeviceKeys, Closed> {
        let known = self.keys.get(name).filter(|keys| keys.app == app);
        let given = sha256(&[password.as_bytes()]);
        let right =
            known.filter(|keys| equal_in_constant_time(keys.password.as_bytes(), given.as_bytes()));
        let who = known.map(|_| name.to_owned());
        if let Some(keys) = right {
            self.wrong.remove(&who);
            return Ok(keys.clone());
        }
        Err(self.wrong.entry(who).or_default().one_more(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_300_000);

    fn door() -> Door {
        let keys = |password: &str| DeviceKeys {
            app: DeviceApp::OwnTracks,
            password: sha256(&[password.as_bytes()]),
            secret: None,
            shows_shops: false,
        };
        Door::new([("a".to_owned(), keys("right")), ("b".to_owned(), keys("right"))])
    }

    fn knock(door: &mut Door, name: &str, password: &str, now: Timestamp) -> Option<Closed> {
        door.knock(DeviceApp::OwnTracks, name, password, now).err()
    }

    #[test]
    fn ten_wrong_passwords_make_a_wait_of_a_minute_for_that_name_only() {
        let mut door = door();
        for _ in 0..FREE {
            assert_eq!(knock(&mut door, "a", "x", NOW), Some(Closed::Stranger));
        }
        assert_eq!(knock(&mut door, "a", "x", NOW.plus(1)), Some(Closed::Wait(59)));
        assert_eq!(knock(&mut door, "b", "x", NOW.plus(1)), Some(Closed::Stranger));
        assert_eq!(knock(&mut door, "a", "x", NOW.plus(60)), Some(Closed::Stranger));
    }

    #[test]
    fn the_right_password_passes_in_the_middle_of_a_flood() {
        let mut door = door();
        for n in 0..1000 {
            let _ = knock(&mut door, "a", &n.to_string(), NOW);
        }
        assert_eq!(knock(&mut door, "a", "x", NOW), Some(Closed::Wait(60)));
        assert_eq!(knock(&mut door, "a", "right", NOW), None);
        assert_eq!(knock(&mut door, "a", "x", NOW), Some(Closed::Stranger));
    }

    #[test]
    fn names_that_are_none_count_as_one_and_are_not_kept() {
        let mut door = door();
        for n in 0..1000 {
            let _ = knock(&mut door, &n.to_string(), "x", NOW);
        }
        assert_eq!(knock(&mut door, "yet another", "x", NOW), Some(Closed::Wait(60)));
        assert_eq!(door.wrong.len(), 1);
        assert_eq!(knock(&mut door, "a", "right", NOW), None);
    }

    #[test]
    fn a_device_of_another_app_is_a_stranger() {
        let refused = door().knock(DeviceApp::Overland, "a", "right", NOW);
        assert_eq!(refused.err(), Some(Closed::Stranger));
    }
}
