//! The life of a grant: active, then exactly one end.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// Where a grant stands. The last four are final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantState {
    /// Signed by her, not yet by the controller.
    Given,
    /// Signed by both.
    Active,
    /// Over by its own terms (DPV `ConsentExpired`).
    Expired,
    /// Ended by her (DPV `ConsentWithdrawn`).
    Withdrawn,
    /// Ended by somebody else (DPV `ConsentRevoked`).
    Revoked,
    /// Another one, which she gave, took its place.
    Superseded,
}

/// What may happen to a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantEvent {
    /// The controller signed it too.
    Countersigned,
    /// She withdrew it.
    Withdrawn,
    /// The controller ended it.
    Revoked,
    /// The controller signed one that names it as the one it replaces.
    Superseded,
    /// Time went by.
    Tick,
}

/// An event that does not fit the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the grant is over")]
pub struct GrantStateError {
    /// The final state it is in.
    pub state: GrantState,
}

impl GrantState {
    /// The state after `event` at `now`. Expiry wins over everything but an earlier end; a final
    /// state refuses every event but the passing of time, except that she may withdraw what expired, what the
    /// controller ended, and what another one replaced.
    pub fn after(
        self,
        event: GrantEvent,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<Self, GrantStateError> {
        let current = match self {
            Self::Given | Self::Active if now >= expires => Self::Expired,
            state => state,
        };
        match (current, event) {
            (state, GrantEvent::Tick) => Ok(state),
            (Self::Given | Self::Active, GrantEvent::Countersigned) => Ok(Self::Active),
            // Taking back what has already expired is granted: she must never hear "no".
            (
                Self::Given | Self::Active | Self::Expired | Self::Revoked | Self::Superseded,
                GrantEvent::Withdrawn,
            ) => Ok(Self::Withdrawn),
            (Self::Given | Self::Active, GrantEvent::Revoked) => Ok(Self::Revoked),
            (Self::Given | Self::Active, GrantEvent::Superseded) => Ok(Self::Superseded),
            (state @ (Self::Expired | Self::Withdrawn | Self::Revoked | Self::Superseded), _) => {
                Err(GrantStateError { state })
            }
        }
    }

    /// Whether data may be used under it at `now`.
    pub fn is_live(self, expires: Timestamp, now: Timestamp) -> bool {
        self == Self::Active && now < expires
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const END: Timestamp = Timestamp::from_unix_seconds(1000);
    const BEFORE: Timestamp = Timestamp::from_unix_seconds(999);

    #[test]
    fn a_grant_is_refused_from_the_second_it_expires() {
        assert!(GrantState::Active.is_live(END, BEFORE));
        assert!(!GrantState::Active.is_live(END, END));
        assert_eq!(GrantState::Active.after(GrantEvent::Tick, END, END), Ok(GrantState::Expired));
    }

    #[test]
    fn every_event_has_one_outcome_in_every_state() {
        use GrantEvent::{
            Countersigned, Revoked as Revoke, Superseded as Supersede, Tick, Withdrawn as Withdraw,
        };
        use GrantState::{Active, Expired, Given, Revoked, Superseded, Withdrawn};
        // One line a state; what follows each event before the end, then from the end on.
        // `None` is a refusal, which names the state the grant is in.
        let table = [
            (Given, Tick, Some(Given), Some(Expired)),
            (Given, Countersigned, Some(Active), None),
            (Given, Withdraw, Some(Withdrawn), Some(Withdrawn)),
            (Given, Revoke, Some(Revoked), None),
            (Active, Tick, Some(Active), Some(Expired)),
            (Active, Countersigned, Some(Active), None),
            (Active, Withdraw, Some(Withdrawn), Some(Withdrawn)),
            (Active, Revoke, Some(Revoked), None),
            (Expired, Tick, Some(Expired), Some(Expired)),
            (Expired, Countersigned, None, None),
            (Expired, Withdraw, Some(Withdrawn), Some(Withdrawn)),
            (Expired, Revoke, None, None),
            (Withdrawn, Tick, Some(Withdrawn), Some(Withdrawn)),
            (Withdrawn, Countersigned, None, None),
            (Withdrawn, Withdraw, None, None),
            (Withdrawn, Revoke, None, None),
            (Revoked, Tick, Some(Revoked), Some(Revoked)),
            (Revoked, Countersigned, None, None),
            (Revoked, Withdraw, Some(Withdrawn), Some(Withdrawn)),
            (Revoked, Revoke, None, None),
            (Given, Supersede, Some(Superseded), None),
            (Active, Supersede, Some(Superseded), None),
            (Expired, Supersede, None, None),
            (Withdrawn, Supersede, None, None),
            (Revoked, Supersede, None, None),
            (Superseded, Tick, Some(Superseded), Some(Superseded)),
            (Superseded, Countersigned, None, None),
            (Superseded, Withdraw, Some(Withdrawn), Some(Withdrawn)),
            (Superseded, Revoke, None, None),
            (Superseded, Supersede, None, None),
        ];
        for (state, event, before, from_the_end) in table {
            for (now, outcome) in [(BEFORE, before), (END, from_the_end)] {
                let after = state.after(event, END, now);
                assert_eq!(after.ok(), outcome, "{state:?} {event:?} at {now}");
                if let Err(error) = after {
                    assert!(!matches!(error.state, Given | Active), "{state:?} {event:?}");
                    assert!(!error.state.is_live(END, now));
                }
            }
        }
    }

    #[test]
    fn nothing_but_active_is_live() {
        for state in [
            GrantState::Given,
            GrantState::Expired,
            GrantState::Withdrawn,
            GrantState::Revoked,
            GrantState::Superseded,
        ] {
            assert!(!state.is_live(END, BEFORE), "{state:?}");
        }
    }
}
