//! What leaves under a grant: keys of days, and data. Logged first, sealed, delivered until the
//! retailer proves that it logged it too.

mod data;

use std::collections::BTreeMap;

use besace_protocol::{
    consent::{
        Claim, DisclosureReceived, Grant, Reach, RecordKind, Release, Released, release_context,
    },
    crypto::{Digest, Sealed},
    document::{Unverified, sign},
    id::GrantId,
    jws::Role,
    party::{ControllerId, Manifest},
    presence::{PresenceRoot, ReleasedKeys, Scope},
    purpose::{DataCategory, Granularity},
    time::Day,
    wire::{RELEASES_PATH, Received, ReleaseKeys},
};

use super::{
    Engine, Turn,
    step::{PreparedCall, StepError, answer, check_proven, retailer_log_key},
    turns::Leaving,
};
use crate::{
    sealed::Content,
    vault::{DeliveryState, GrantChange, Pseudonym, StoredGrant},
};

/// What is delivered by a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Keys of one day.
    Keys {
        /// Under which grant.
        grant: GrantId,
        /// Which day.
        day: Day,
    },
    /// A disclosure.
    Data {
        /// Under which grant.
        grant: GrantId,
        /// SHA-256 of the signed bytes.
        digest: Digest,
    },
}

impl Engine {
    /// Calls that deliver the keys of today and of the days released ahead, under every live
    /// grant to `domain` whose purpose releases keys: logged now, if they were not before.
    pub fn due_releases(
        &self,
        domain: &ControllerId,
    ) -> Result<Vec<(Delivery, PreparedCall)>, StepError> {
        let manifest = self.manifest(domain)?;
        let mut calls = Vec::new();
        for (stored, grant) in self.told_grants(domain)? {
            if grant.terms.purpose.releases().is_none() {
                continue;
            }
            let today = Day::of(self.now());
            for ahead in 0..=u32::from(grant.terms.release_ahead_days) {
                let day = today.plus(ahead);
                let delivery = Delivery::Keys { grant: grant.id, day };
                if day.start() >= grant.expires {
                    break;
                }
                let call = self.release(&stored, &grant, day, manifest.payload());
                if let Some(call) = within_terms(call)? {
                    calls.push((delivery, call));
                }
            }
        }
        Ok(calls)
    }

    /// Calls that deliver what she chose to be greeted with, the wishes she shows and her answers, under every live grant to
    /// `domain` that is for it: again only when she changed it.
    pub fn due_disclosures(
        &self,
        domain: &ControllerId,
    ) -> Result<Vec<(Delivery, PreparedCall)>, StepError> {
        let manifest = self.manifest(domain)?;
        let mut calls = Vec::new();
        for (stored, grant) in self.told_grants(domain)? {
            let call = self.tell(&stored, &grant, manifest.payload());
            if let Some((digest, call)) = within_terms(call)? {
                calls.push((Delivery::Data { grant: grant.id, digest }, call));
            }
        }
        Ok(calls)
    }

    /// The right to send a delivery that was prepared: it leaves now, and the journal says so. None if it may not leave
    /// any more.
    pub fn turn_to_deliver(
        &self,
        delivery: Delivery,
        call: &PreparedCall,
    ) -> Result<Option<Turn>, StepError> {
        let leaving = Leaving::Delivery(delivery);
        let Some(turn) = self.0.turns.enter(leaving, &call.domain, call.body.len()) else {
            return Ok(None);
        };
        // Looked at in its turn: a withdrawal is written down before it, or waits until it is over.
        if !self.may_leave(delivery)? {
            return Ok(None);
        }
        self.note_turn(&turn)?;
        Ok(Some(turn))
    }

    /// Whether a delivery that was prepared may still leave: its grant lives, and nobody else delivered
    /// it. A withdrawal may have come between.
    pub fn may_leave(&self, delivery: Delivery) -> Result<bool, StepError> {
        let (vault, now) = (self.vault()?, self.now());
        Ok(match delivery {
            Delivery::Keys { grant, day } => vault.release_may_leave(grant, day, now)?,
            Delivery::Data { grant, digest } => vault.disclosure_may_leave(grant, digest, now)?,
        })
    }

    /// Takes the answer to a delivery: the proof that the retailer logged what it received.
    pub fn accept_delivery(
        &self,
        domain: &ControllerId,
        delivery: Delivery,
        bytes: &[u8],
    ) -> Result<(), StepError> {
        let received: Received = answer(bytes)?;
        let record =
            RecordKind::parse(received.logged.record.as_ref()).map_err(StepError::AnswerForm)?;
        let manifest = self.manifest(domain)?;
        let log = retailer_log_key(manifest.payload());
        let vault = self.vault()?;
        let now = self.now();
        let (grant, kind) = match (delivery, &record) {
            (Delivery::Keys { grant, day }, RecordKind::ReleaseReceived(said)) => {
                let ours = vault.key_releases(grant)?.into_iter().find(|ours| ours.day == day);
                let fits = ours.is_some_and(|ours| ours.commitment == said.commit);
                if !fits || said.grant != grant || said.day != day {
                    return Err(StepError::Answer);
                }
                (grant, "release_received")
            }
            (Delivery::Data { grant, digest }, RecordKind::DisclosureReceived(said)) => {
                let DisclosureReceived { at: _, digest: theirs, grant: under } = said;
                if *theirs != digest || *under != grant {
                    return Err(StepError::Answer);
                }
                (grant, "disclosure_received")
            }
            (Delivery::Keys { .. } | Delivery::Data { .. }, _) => return Err(StepError::Answer),
        };
        let evidence = check_proven(&received.logged, &log, domain, Some(grant), kind, now)?;
        self.keep_evidence(vec![evidence])?;
        match delivery {
            Delivery::Keys { grant, day } => {
                vault.deliver_key_release(grant, day, now)?;
                self.unhold_said(&Content::released(grant, day));
            }
            Delivery::Data { grant, digest } => vault.deliver_disclosure(grant, digest, now)?,
        }
        Ok(())
    }

    /// Live grants to `domain`, but those whose pseudonym went on unbeknown to it: what is said under them
    /// would not be understood yet.
    fn told_grants(&self, domain: &ControllerId) -> Result<Vec<(StoredGrant, Grant)>, StepError> {
        let mut told = Vec::new();
        for (stored, grant) in self.live_grants(domain)? {
            if !self.is_going_on(stored.generation)? {
                told.push((stored, grant));
            }
        }
        if !told.is_empty() {
            self.log_stands(domain)?;
        }
        Ok(told)
    }

    /// Grants to `domain` that live now, with what was agreed. None while its log contradicts itself.
    pub(super) fn live_grants(
        &self,
        domain: &ControllerId,
    ) -> Result<Vec<(StoredGrant, Grant)>, StepError> {
        self.follows_its_clock()?;
        // What a till is shown writes nothing: an older vault must not answer for the newer one.
        self.vault()?.ensure_sound()?;
        // Here an end is written down, so that it stays one whatever the clock shows later.
        self.vault()?.expire_grants(self.now())?;
        let mut live = Vec::new();
        if self.is_forked(domain)? {
            return Ok(live);
        }
        for stored in self.vault()?.grants()? {
            if stored.domain == *domain && stored.state.is_live(stored.expires_at, self.now()) {
                let grant = Unverified::<Grant>::parse(&stored.jws).map_err(StepError::Document)?;
                let grant = grant.claimed().clone();
                live.push((stored, grant));
            }
        }
        Ok(live)
    }

    /// The keys of `day` that the purpose of a live grant releases.
    pub(super) fn released_keys(
        &self,
        grant: &Grant,
        day: Day,
    ) -> Result<Option<ReleasedKeys>, StepError> {
        let Some(till) = grant.terms.purpose.releases() else { return Ok(None) };
        let Some(root) = self.vault()?.presence_root(grant.id, day)? else { return Ok(None) };
        let root = PresenceRoot::init_with(|bytes| bytes.copy_from_slice(root.danger_expose()));
        Ok(Some(root.day_key(day, &Scope::of(&grant.terms.scope)).release(till)))
    }

    fn release(
        &self,
        stored: &StoredGrant,
        grant: &Grant,
        day: Day,
        manifest: &Manifest,
    ) -> Result<Option<PreparedCall>, StepError> {
        let Some(body) = self.release_body(stored, grant, day, manifest, true)? else {
            return Ok(None);
        };
        let pseudonym = self.pseudonym_of(stored.generation)?;
        self.prepare_call(&pseudonym, RELEASES_PATH, &body).map(Some)
    }

    /// The keys of `day`, sealed, if they stand in her log and may leave.
    pub(super) fn logged_release(
        &self,
        id: GrantId,
        day: Day,
    ) -> Result<Option<ReleaseKeys>, StepError> {
        let stored = self.vault()?.grant(id)?.ok_or(StepError::GrantOver)?;
        let manifest = self.manifest(&stored.domain)?;
        let grant = Unverified::<Grant>::parse(&stored.jws).map_err(StepError::Document)?;
        self.release_body(&stored, grant.claimed(), day, manifest.payload(), false)
    }

    /// What is sent with the keys of `day`; logged now, if it was not before and `log` says so.
    fn release_body(
        &self,
        stored: &StoredGrant,
        grant: &Grant,
        day: Day,
        manifest: &Manifest,
        log: bool,
    ) -> Result<Option<ReleaseKeys>, StepError> {
        let vault = self.vault()?;
        // A retailer that has not published its key of that day gets the keys when it has.
        let Some(recipient) = manifest.day(day).map(|keys| keys.sealing_key) else {
            return Ok(None);
        };
        let Some(keys) = self.released_keys(grant, day)? else { return Ok(None) };
        let commit = keys.commitment(&grant.handle);
        let pseudonym = self.pseudonym_of(stored.generation)?;
        let before = vault.key_releases(grant.id)?.into_iter().find(|one| one.day == day);
        let (logged, released) = match before {
            Some(one) if one.state != DeliveryState::Logged => return Ok(None),
            Some(one) => {
                let proven = self.prove(&pseudonym, one.entry)?;
                let record = RecordKind::parse(proven.record.as_ref());
                let Ok(RecordKind::Released(released)) = record else {
                    return Err(StepError::Make);
                };
                (proven, released.at)
            }
            None if !log => return Ok(None),
            None => {
                let at = self.now();
                let record = RecordKind::Released(Released { at, commit, day, grant: grant.id })
                    .to_bytes()
                    .map_err(|_| StepError::Make)?;
                let told = grant.terms.purpose.categories();
                let exact = |category: &DataCategory| (*category, Granularity::Exact);
                let claim = self.claim(stored, grant, told.iter().map(exact).collect(), day);
                let change = GrantChange::Release { day, commitment: commit, claim };
                let proven = self.pass_gate(grant.id, change, record)?;
                (proven.ok_or(StepError::GrantOver)?, at)
            }
        };
        let release = Release {
            commit,
            day,
            grant: grant.id,
            handle: grant.handle,
            keys: keys.danger_bytes().to_vec().into(),
            released,
            v: 1,
        };
        let root = self.root()?;
        let pair = root.pairwise(&pseudonym.domain, pseudonym.facet, &pseudonym.generation);
        let signed =
            sign(release, Role::Subject, &pair.signing, self.now()).map_err(|_| StepError::Make)?;
        let sealed = Sealed::seal(
            signed.as_bytes(),
            &release_context(grant.id, day),
            &pair.sealing,
            &recipient,
            &mut self.rng(),
        )
        .map_err(|_| StepError::Make)?;
        Ok(Some(ReleaseKeys { day, grant: grant.id, logged, sealed }))
    }

    /// What leaves today tells the thing itself, to the retailer, in all shops of the grant.
    pub(super) fn claim(
        &self,
        stored: &StoredGrant,
        grant: &Grant,
        categories: BTreeMap<DataCategory, Granularity>,
        day: Day,
    ) -> Claim {
        Claim {
            at: self.now(),
            before: 0,
            categories,
            earliest: day,
            latest: day,
            recipient: stored.domain.clone(),
            reach: Reach::Scope(grant.terms.scope.clone()),
        }
    }

    fn prove(
        &self,
        pseudonym: &Pseudonym,
        entry: u64,
    ) -> Result<besace_protocol::wire::Proven, StepError> {
        let key = self.pairwise_log_signer(pseudonym)?.verifying_key();
        self.vault()?.prove(pseudonym.log, entry, key)?.ok_or(StepError::Make)
    }
}

/// What the terms do not allow does not leave, and keeps nothing else from leaving.
fn within_terms<T>(prepared: Result<Option<T>, StepError>) -> Result<Option<T>, StepError> {
    match prepared {
        Err(StepError::Beyond(excess)) => {
            tracing::debug!(%excess, "something stays here");
            Ok(None)
        }
        prepared => prepared,
    }
}
