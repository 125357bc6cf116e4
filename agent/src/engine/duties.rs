//! What a retailer owes her after a withdrawal, and since when it is late.

use besace_protocol::{
    consent::{ACKNOWLEDGEMENT_SECONDS, ERASURE_DAYS, GrantState, Kept},
    time::{DAY_SECONDS, Timestamp},
};

use super::GrantView;
use crate::vault::RevokedBy;

/// Its signature that it received the withdrawal and erased what it held, which is one and the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
    /// There is time yet.
    Due {
        /// The last moment.
        until: Timestamp,
    },
    /// It is late.
    Late {
        /// When the time was over.
        since: Timestamp,
        /// Whole days since then.
        days: u64,
        /// Whether the month is over that the law gives for erasing (GDPR art. 12(3), 17).
        erasure_late: bool,
    },
}

impl Duty {
    /// After a withdrawal at `withdrawn` that nobody acknowledged.
    pub fn after(withdrawn: Timestamp, now: Timestamp) -> Self {
        let until = withdrawn.plus(ACKNOWLEDGEMENT_SECONDS);
        if now < until {
            return Self::Due { until };
        }
        let days = now.distance(until).checked_div(DAY_SECONDS).unwrap_or(0);
        let month = ERASURE_DAYS.saturating_mul(DAY_SECONDS);
        Self::Late { since: until, days, erasure_late: now >= withdrawn.plus(month) }
    }
}

/// Where its signature stands that what it held is erased, once it signed that it received the withdrawal, or the
/// grant ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Erasing {
    /// There is time yet.
    Due {
        /// The last moment.
        until: Timestamp,
    },
    /// It is late.
    Late {
        /// When the month was over that the law gives.
        since: Timestamp,
        /// Whole days since then.
        days: u64,
    },
    /// It signed, and what it signed was checked.
    Done {
        /// When it says that it erased.
        at: Timestamp,
        /// When she learnt of it, where the month was over then and it says that it was not.
        shown_late: Option<Timestamp>,
        /// Whether others had received something, and it told them (GDPR art. 19).
        others_told: bool,
        /// Whether uses wait for her there, sealed.
        mail_waits: bool,
    },
}

impl Erasing {
    /// Of a grant that ended at `ended`, and that nobody signed an erasure for.
    pub fn after(ended: Timestamp, now: Timestamp) -> Self {
        let until = due(ended);
        if now < until {
            return Self::Due { until };
        }
        let days = now.distance(until).checked_div(DAY_SECONDS).unwrap_or(0);
        Self::Late { since: until, days }
    }

    /// Its last moment, while it is owed.
    pub const fn until(&self) -> Option<Timestamp> {
        match self {
            Self::Due { until } | Self::Late { since: until, .. } => Some(*until),
            Self::Done { .. } => None,
        }
    }
}

/// When the month is over that the law gives: 31 days, the longest one.
fn due(ended: Timestamp) -> Timestamp {
    ended.plus(ERASURE_DAYS.saturating_mul(DAY_SECONDS))
}

/// When an erasure was shown, if that was after the month and it says that it was made within it.
fn shown_late(erased: Timestamp, shown: Timestamp, ended: Timestamp) -> Option<Timestamp> {
    let until = due(ended);
    (erased < until && shown >= until).then_some(shown)
}

impl GrantView {
    /// How the erasure stands that the retailer owes her; none while something else is owed first, or nothing is.
    pub fn erasing(&self, now: Timestamp) -> Option<Erasing> {
        let ended = match self.state {
            // Its signature under the end says that it had the grant, also where the one under the grant was lost. The
            // month runs from when it heard of the end, and what had run out is not given another one.
            GrantState::Withdrawn => {
                let ends = self.acknowledged_at.into_iter().chain(self.revoked_at);
                ends.min().map(|at| at.min(self.grant.expires))
            }
            // No later than after a withdrawal of that moment.
            GrantState::Revoked if self.revoked_at.is_some() => self.revoked_at,
            GrantState::Revoked if self.revoked_by == Some(RevokedBy::Revocation) => {
                (self.both_signed && now >= self.grant.expires).then_some(self.grant.expires)
            }
            // What it never signed it may never have had.
            GrantState::Expired if self.both_signed => Some(self.grant.expires),
            // It was deleted then; what is signed for is what ran out.
            GrantState::Superseded if now >= self.grant.expires => Some(self.grant.expires),
            GrantState::Given
            | GrantState::Active
            | GrantState::Expired
            | GrantState::Revoked
            | GrantState::Superseded => None,
        };
        if let Some(erasure) = &self.erasure {
            return Some(Erasing::Done {
                at: erasure.erased,
                shown_late: ended
                    .zip(self.erasure_shown_at)
                    .and_then(|(ended, shown)| shown_late(erasure.erased, shown, ended)),
                others_told: !erasure.recipients.is_empty(),
                mail_waits: erasure.kept.contains(&Kept::SealedMail),
            });
        }
        ended.filter(|_| !self.destroyed).map(|ended| Erasing::after(ended, now))
    }

    /// What the retailer owes her, if anything.
    pub fn owed(&self, now: Timestamp) -> Option<Duty> {
        let waits = self.state == GrantState::Withdrawn && !self.acknowledged;
        self.ended_at.filter(|_| waits).map(|withdrawn| Duty::after(withdrawn, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::from_unix_seconds(1_795_341_630);
    const DAY: u64 = DAY_SECONDS;

    #[test]
    fn a_month_to_sign_for_the_erasure() {
        let until = AT.plus(31 * DAY);
        for (after, standing) in [
            (0, Erasing::Due { until }),
            (31 * DAY - 1, Erasing::Due { until }),
            (31 * DAY, Erasing::Late { since: until, days: 0 }),
            (32 * DAY - 1, Erasing::Late { since: until, days: 0 }),
            (34 * DAY, Erasing::Late { since: until, days: 3 }),
        ] {
            assert_eq!(Erasing::after(AT, AT.plus(after)), standing, "{after} s");
        }
    }

    #[test]
    fn what_is_dated_in_time_and_shown_afterwards_is_told_apart() {
        let until = AT.plus(31 * DAY);
        assert_eq!(shown_late(AT, until.minus(1), AT), None);
        assert_eq!(shown_late(AT, until, AT), Some(until));
        // It says so itself.
        assert_eq!(shown_late(until, until, AT), None);
    }

    #[test]
    fn a_day_to_sign_and_a_month_to_erase() {
        let since = AT.plus(DAY);
        let late = |days, erasure_late| Duty::Late { since, days, erasure_late };
        for (after, duty) in [
            (0, Duty::Due { until: since }),
            (DAY - 1, Duty::Due { until: since }),
            (DAY, late(0, false)),
            (2 * DAY - 1, late(0, false)),
            (2 * DAY, late(1, false)),
            (31 * DAY - 1, late(29, false)),
            (31 * DAY, late(30, true)),
            (32 * DAY, late(31, true)),
        ] {
            assert_eq!(Duty::after(AT, AT.plus(after)), duty, "{after} s");
        }
    }
}
