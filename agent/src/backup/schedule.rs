//! When a backup is due, and which of the older ones go.

use besace_protocol::time::{DAY_SECONDS, Timestamp};

use super::{BackupName, Place};

/// Minutes of a day: the minute of each place is one of them.
pub const MINUTES_A_DAY: u16 = 1440;
/// After one that failed, the next is tried so many seconds later.
pub const RETRY_SECONDS: u64 = 3_600;
/// A backup older than this is too old.
pub const OLD_SECONDS: u64 = 7 * DAY_SECONDS;

/// The last moment, up to `now`, at which a backup should have been made.
fn appointed(minute: u16, now: Timestamp) -> Timestamp {
    let into_day = u64::from(minute).saturating_mul(60);
    let now = now.as_unix_seconds();
    let today = now.saturating_sub(now.checked_rem(DAY_SECONDS).unwrap_or(0));
    let at = today.saturating_add(into_day);
    let last = if at <= now { at } else { at.saturating_sub(DAY_SECONDS) };
    Timestamp::from_unix_seconds(last)
}

/// Whether a backup is to be made now: none was made since the last appointed moment (perhaps this machine
/// was off, or the vault locked), and the last attempt is not too fresh.
pub fn due(place: &Place, now: Timestamp) -> bool {
    let since = appointed(place.minute, now);
    // A moment ahead of the clock is of a clock that was wrong: it counts for nothing.
    let past = |at: &Timestamp| *at <= now.plus(DAY_SECONDS);
    let made = place.last.as_ref().map(|last| last.at).filter(past);
    let tried = place.tried_at.filter(past);
    made.is_none_or(|made| made < since)
        && tried.is_none_or(|tried| tried < since || now >= tried.plus(RETRY_SECONDS))
}

/// When the next one will be made, if the vault is open then.
pub fn next(place: &Place, now: Timestamp) -> Timestamp {
    if due(place, now) {
        return now;
    }
    let tomorrow = appointed(place.minute, now).plus(DAY_SECONDS);
    match place.tried_at {
        Some(tried) if place.failure.is_some() => tried.plus(RETRY_SECONDS).min(tomorrow),
        Some(_) | None => tomorrow,
    }
}

/// Which of `there` go when `keep` stay: the oldest, but none of `needed`.
pub fn surplus(there: &[BackupName], keep: u16, needed: &[BackupName]) -> Vec<BackupName> {
    let mut names = there.to_vec();
    names.sort();
    names.dedup();
    let count = names.len().saturating_sub(usize::from(keep.max(1)));
    names.truncate(count);
    names.retain(|name| !needed.contains(name));
    names
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "small figures of tests")]
mod tests {
    use std::path::PathBuf;

    use besace_protocol::{crypto::Digest, id::VaultId};
    use proptest::prelude::*;

    use super::*;
    use crate::backup::{Kept, Target, Trouble};

    const VAULT: VaultId = VaultId::from_bytes([1; 16]);
    /// 2026-11-21, midnight UTC.
    const MIDNIGHT: u64 = 1_795_219_200;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_unix_seconds(MIDNIGHT + seconds)
    }

    fn kept(at: Timestamp) -> Kept {
        let name = BackupName::new(VAULT, at);
        let digest = Digest::from_bytes([0; 32]);
        Kept { name, at, bytes: 1, rows: 0, digest, rehearsed_at: None }
    }

    /// A place whose backups are made at three in the morning.
    fn place() -> Place {
        Place {
            name: "usb".to_owned(),
            target: Target::Folder(PathBuf::from("/b")),
            keep: 3,
            minute: 180,
            added_at: at(0),
            tried_at: None,
            failure: None,
            last: None,
            rehearsed_at: None,
        }
    }

    #[test]
    fn one_a_day_and_what_was_missed_is_made_up_for() {
        let mut place = place();
        assert!(due(&place, at(0)), "a new place gets one at once");
        place.last = Some(kept(at(60)));
        place.tried_at = Some(at(60));
        assert!(!due(&place, at(3 * 3600 - 1)));
        assert!(due(&place, at(3 * 3600)));
        assert_eq!(next(&place, at(61)), at(3 * 3600));
        assert!(due(&place, at(5 * DAY_SECONDS)), "the machine was off for days");
        place.last = Some(kept(at(5 * DAY_SECONDS)));
        assert!(!due(&place, at(5 * DAY_SECONDS + 60)));
        assert_eq!(next(&place, at(5 * DAY_SECONDS + 60)), at(5 * DAY_SECONDS + 3 * 3600));
    }

    #[test]
    fn one_that_failed_is_tried_again_an_hour_later() {
        let mut place = place();
        place.last = Some(kept(at(0)));
        place.tried_at = Some(at(3 * 3600));
        place.failure = Some(Trouble::Unreachable);
        assert!(!due(&place, at(3 * 3600 + 3_599)));
        assert_eq!(next(&place, at(3 * 3600 + 60)), at(4 * 3600));
        assert!(due(&place, at(4 * 3600)));
    }

    #[test]
    fn a_clock_that_was_wrong_does_not_stop_backups() {
        let mut place = place();
        place.last = Some(kept(at(400 * DAY_SECONDS)));
        place.tried_at = Some(at(400 * DAY_SECONDS));
        assert!(due(&place, at(60)));
    }

    #[test]
    fn the_oldest_go_but_never_the_last_good_one() {
        let names: Vec<_> = (0..5).map(|day| kept(at(day * DAY_SECONDS)).name).collect();
        assert_eq!(surplus(&names, 3, &[]), names[..2]);
        assert_eq!(surplus(&names, 3, &names[1..2]), names[..1]);
        assert!(surplus(&names, 5, &[]).is_empty());
        assert_eq!(surplus(&names, 0, &[]), names[..4], "one always stays");
    }

    proptest! {
        #[test]
        fn whatever_the_clock_says_some_stay_and_the_next_is_within_a_day(
            minute in 0_u16..MINUTES_A_DAY,
            now in any::<u64>(),
            days in prop::collection::vec(0_u64..1_000, 0..40),
            keep in 0_u16..50,
        ) {
            let now = Timestamp::from_unix_seconds(now);
            let place = Place { minute, ..place() };
            prop_assert!(next(&place, now) <= now.plus(DAY_SECONDS));
            let names: Vec<_> = days.iter().map(|day| kept(at(day * DAY_SECONDS)).name).collect();
            let gone = surplus(&names, keep, &[]);
            prop_assert!(names.is_empty() || gone.len() < names.len());
            prop_assert!(names.iter().max().is_none_or(|newest| !gone.contains(newest)));
        }
    }
}
