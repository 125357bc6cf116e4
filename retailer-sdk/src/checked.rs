//! Calls whose signatures were looked at before the retailer was asked: on other threads, while it does something else.
//!
//! What was checked counts only for the keys that it was checked with, and for a moment. Else, and for whatever did not
//! hold, the retailer checks again itself and says what is wrong.

use besace_protocol::{
    call::{Call, UnverifiedCall},
    consent::{Grant, RecordKind, Release, release_context},
    crypto::SealingSecretKey,
    document::{Unverified, Verified},
    jws::Role,
    log::SignedCheckpoint,
    party::ControllerId,
    time::Timestamp,
    wire::{GRANTS_PATH, GiveGrant, RELEASES_PATH, ReleaseKeys, call_address},
};

use crate::{
    ReceiveError, Retailer,
    receive::{open, verify_logged},
    store::{StoreError, StoredGrant, Subject},
};

/// Seconds for which a check counts: a queue that is longer is no queue any more.
pub(crate) const FRESH_SECONDS: u64 = 30;

/// A call that gives a grant.
#[derive(Debug)]
pub struct GrantCall {
    pub(crate) bytes: Vec<u8>,
    checked: Option<CheckedGrant>,
}

#[derive(Debug)]
pub(crate) struct CheckedGrant {
    at: Timestamp,
    pub(crate) call: Call<GiveGrant>,
    pub(crate) grant: Verified<Grant>,
}

impl GrantCall {
    /// A call to the retailer with this domain, looked at `now`. It may be no call at all.
    pub fn check(bytes: Vec<u8>, domain: &ControllerId, now: Timestamp) -> Self {
        let checked = || {
            let call = UnverifiedCall::parse(&bytes).ok()?;
            let GiveGrant { grant } = call.peek_body().ok()?;
            let grant = Unverified::<Grant>::parse(&grant.0).ok()?;
            let subject = grant.claimed().subject_key;
            let call = call.verify(&subject, &call_address(domain, GRANTS_PATH), now).ok()?;
            let grant = grant.verify(&[(Role::Subject, &subject)]).ok()?;
            Some(CheckedGrant { at: now, call, grant })
        };
        Self { checked: checked(), bytes }
    }

    pub(crate) const fn unchecked(bytes: Vec<u8>) -> Self {
        Self { bytes, checked: None }
    }

    /// What was checked, if it still counts.
    pub(crate) fn checked(&self, now: Timestamp) -> Option<&CheckedGrant> {
        self.checked.as_ref().filter(|checked| is_fresh(checked.at, now))
    }
}

/// A call that releases keys.
#[derive(Debug)]
pub struct ReleaseCall {
    pub(crate) bytes: Vec<u8>,
    checked: Option<CheckedRelease>,
}

#[derive(Debug)]
pub(crate) struct CheckedRelease {
    at: Timestamp,
    /// Whose keys it was checked with.
    subject: Subject,
    pub(crate) call: Call<ReleaseKeys>,
    pub(crate) release: Verified<Release>,
    pub(crate) logged: (RecordKind, SignedCheckpoint),
}

/// What it takes to check a call that releases keys.
#[derive(Debug)]
pub struct ReleaseToCheck {
    bytes: Vec<u8>,
    with: Option<(UnverifiedCall, Subject, SealingSecretKey, ControllerId)>,
}

impl Retailer {
    /// Looks up what a call that releases keys is checked with.
    pub fn look_up_release(&self, bytes: Vec<u8>) -> Result<ReleaseToCheck, StoreError> {
        let Ok(call) = UnverifiedCall::parse(&bytes) else {
            return Ok(ReleaseToCheck { bytes, with: None });
        };
        let Ok(ReleaseKeys { day, grant, .. }) = call.peek_body() else {
            return Ok(ReleaseToCheck { bytes, with: None });
        };
        let session = self.store.read();
        let with = match (session.grant(grant)?, session.day_key(day)?) {
            (Some(stored), Some(secret)) => {
                Some((call, stored.subject, secret, self.own.identity.domain.clone()))
            }
            _ => None,
        };
        Ok(ReleaseToCheck { bytes, with })
    }
}

impl ReleaseToCheck {
    /// Looks at its signatures and its seal. They may not hold.
    pub fn check(self, now: Timestamp) -> ReleaseCall {
        let Self { bytes, with } = self;
        let checked = || {
            let (call, subject, secret, domain) = with?;
            let address = call_address(&domain, RELEASES_PATH);
            let call: Call<ReleaseKeys> = call.verify(&subject.key, &address, now).ok()?;
            let context = release_context(call.body.grant, call.body.day);
            let release = open(&call.body.sealed, &context, &secret, &subject).ok()?;
            let logged = verify_logged(&call.body.logged, &subject).ok()?;
            Some(CheckedRelease { at: now, subject, call, release, logged })
        };
        ReleaseCall { checked: checked(), bytes }
    }
}

impl ReleaseCall {
    pub(crate) const fn unchecked(bytes: Vec<u8>) -> Self {
        Self { bytes, checked: None }
    }

    /// What was checked and the grant it is under, if it still counts: the keys of the pseudonym are the same.
    pub(crate) fn checked(
        &self,
        retailer: &Retailer,
        now: Timestamp,
    ) -> Result<Option<(&CheckedRelease, StoredGrant)>, ReceiveError> {
        let Some(checked) = self.checked.as_ref().filter(|checked| is_fresh(checked.at, now))
        else {
            return Ok(None);
        };
        let stored = retailer.store.read().grant(checked.call.body.grant)?;
        let same = stored.filter(|stored| stored.subject == checked.subject);
        Ok(same.map(|stored| (checked, stored)))
    }
}

fn is_fresh(at: Timestamp, now: Timestamp) -> bool {
    at <= now && now <= at.plus(FRESH_SECONDS)
}
