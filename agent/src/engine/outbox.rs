//! What must leave while the vault is locked: signed while it is open, sent by an agent without a key.
//!
//! What waits follows from the vault: [`Engine::refresh_outbox`] compares the two, at each lock and whenever
//! something may have changed. What a retailer answers waits in the sealed inbox.

use std::{
    collections::BTreeSet,
    sync::{MutexGuard, PoisonError},
};

use besace_protocol::{
    call::{HELD_CALL_SECONDS_MAX, UnverifiedCall},
    id::{Generation, GrantId, LetterId},
    party::ControllerId,
    time::{DAY_SECONDS, Day, Timestamp},
    wire::{
        AcknowledgeMail, MAILBOX_ACKNOWLEDGEMENTS_PATH, OBJECTIONS_PATH, Object, RELEASES_PATH,
        WITHDRAWALS_PATH,
    },
};
use rand_core::RngCore as _;

use super::{Delivery, Engine, EngineError, PreparedCall, StepError, Turn, turns::Leaving};
use crate::{
    sealed::{Content, DoorList, Held, HoldCallError, SenderTag},
    vault::{DeliveryState, Direction, JournalEntry, LogStanding, Pseudonym},
};

/// How long before a lock one that she left signs what waits, at most, in seconds.
const SIGNED_BEFORE_SECONDS_MAX: u64 = 6 * 3_600;

impl Engine {
    /// Makes the outbox hold what must leave and nothing else. Says how many calls wait.
    pub fn refresh_outbox(&self) -> Result<usize, StepError> {
        let _one_at_a_time = self.turn_at_outbox();
        // What is in a vault that went back or is damaged is not what she decided.
        if self.vault()?.ensure_sound().is_err() {
            return Ok(0);
        }
        let wanted = self.wanted()?;
        let now = self.now();
        let outbox = &self.0.outside.outbox;
        // Near its end a call is signed again, so that it holds for weeks after each lock.
        let lasts = |held: &Held| match held.content {
            Content::Released { .. } => held.expires >= now,
            _ => held.expires > now.plus(HELD_CALL_SECONDS_MAX.saturating_sub(DAY_SECONDS)),
        };
        let root = self.root()?;
        // What was signed with a key that she has no longer is signed again.
        let signs = |held: &Held, pseudonym: &Pseudonym| {
            let Pseudonym { domain, facet, generation, .. } = pseudonym;
            let key = root.pairwise(domain, *facet, generation).signing.verifying_key().key_id();
            let claimed =
                UnverifiedCall::parse(&held.call).ok().and_then(|call| call.claimed_key());
            held.pseudonym == *generation && claimed == Some(key)
        };
        let kept = outbox
            .retain(|held| {
                let found = wanted.iter().find(|(content, _)| *content == held.content);
                lasts(held) && found.is_some_and(|(_, pseudonym)| signs(held, pseudonym))
            })
            .map_err(HoldCallError::Io)?;
        let mut count = kept.len();
        for (content, pseudonym) in wanted {
            if kept.iter().any(|held| held.content == content) {
                continue;
            }
            // Keys wait until the retailer said what it remembers: the vault may have gone back.
            let is_release = matches!(content, Content::Released { .. });
            if is_release && !self.has_heard(pseudonym.generation)? {
                continue;
            }
            let Some(held) = self.sign_held(content, &pseudonym)? else { continue };
            let kind = kind_of(&held.content);
            let bytes = u64::try_from(held.call.len()).unwrap_or(u64::MAX);
            // Noted before it can leave.
            self.note(JournalEntry {
                at: now,
                direction: Direction::Out,
                domain: held.domain.clone(),
                kind: kind.to_owned(),
                bytes,
            })?;
            outbox.hold(&held, &mut self.rng()).inspect_err(|error| {
                tracing::warn!(%error, "something waits for the next unlock");
            })?;
            count = count.saturating_add(1);
        }
        Ok(count)
    }

    /// As [`refresh_outbox`](Self::refresh_outbox), where nothing else depends on it.
    pub(super) fn try_refresh_outbox(&self) {
        match self.refresh_outbox() {
            Ok(_) | Err(StepError::Engine(EngineError::Locked)) => {}
            Err(error) => tracing::warn!(%error, "what waits to leave was not written down"),
        }
    }

    /// Held while the outbox is made to fit the vault, and while a withdrawal changes both.
    pub(super) fn turn_at_outbox(&self) -> MutexGuard<'_, ()> {
        self.0.outside.refreshing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keys that wait under a grant must not leave any more.
    pub(super) fn unhold_releases(&self, ended: GrantId) {
        self.unhold(
            |content| matches!(content, Content::Released { grant, .. } if *grant == ended),
        );
    }

    /// A retailer has it: it need not leave again.
    pub(super) fn unhold_said(&self, said: &Content) {
        self.unhold(|content| content == said);
    }

    fn unhold(&self, ended: impl Fn(&Content) -> bool) {
        let outbox = &self.0.outside.outbox;
        if outbox.retain(|held| !ended(&held.content)).is_err() {
            // Rather nothing leaves than what must not.
            let cleared = outbox.clear().is_ok();
            tracing::warn!(cleared, "the outbox could not be changed");
        }
    }

    /// Retailers to whom something waits.
    pub fn held_retailers(&self) -> Result<Vec<ControllerId>, StepError> {
        let mut all: Vec<ControllerId> =
            self.held_calls()?.into_iter().map(|held| held.domain).collect();
        all.sort();
        all.dedup();
        Ok(all)
    }

    /// Whose calls wait, by retailer.
    pub fn held_pseudonyms(&self) -> Result<Vec<(ControllerId, Generation)>, StepError> {
        let held = self.held_calls()?.into_iter().map(|held| (held.domain, held.pseudonym));
        let all: BTreeSet<_> = held.collect();
        Ok(all.into_iter().collect())
    }

    /// Calls to `domain` that wait and still hold. Those that do not are given up.
    pub fn held_for(&self, domain: &ControllerId) -> Result<Vec<Held>, StepError> {
        let now = self.now();
        let mut calls = Vec::new();
        for held in self.held_calls()? {
            if held.expires < now {
                self.0.outside.outbox.remove(&held).map_err(HoldCallError::Io)?;
            } else if held.domain == *domain {
                calls.push(held);
            }
        }
        Ok(calls)
    }

    /// The right to send a call that waits; none if it may not leave. Only what leaves under a grant needs a turn.
    pub fn turn_to_send_held(&self, held: &Held) -> Option<Turn> {
        let turn = match held.content {
            Content::Released { grant, day } => {
                let day = Day::from_number(day);
                let leaving = Leaving::Delivery(Delivery::Keys { grant, day });
                self.0.turns.enter(leaving, &held.domain, held.call.len())?
            }
            _ => Turn::free(),
        };
        self.may_send_held(held).then_some(turn)
    }

    /// Whether a call may leave now: it waits, and the vault is locked. An open vault says it afresh. Keys do not
    /// leave while the clock is in doubt, as far as a locked vault can tell.
    pub fn may_send_held(&self, held: &Held) -> bool {
        let is_release = matches!(held.content, Content::Released { .. });
        if is_release && self.clock_doubt().is_some() {
            return false;
        }
        self.state() == super::EngineState::Locked && self.0.outside.outbox.holds(held)
    }

    /// A call needs not be sent again. What was answered waits, sealed, to be checked when the vault is opened.
    pub fn settle_held(&self, held: &Held, answer: Option<Vec<u8>>) -> Result<(), StepError> {
        if let Some(answer) = answer {
            let kept = DoorList::read(&self.0.outside.inbox.door()).is_ok_and(|list| {
                self.keep_letter(&list, SenderTag::AGENT, held.content.clone(), answer).is_ok()
            });
            if !kept {
                // It is asked for again when the vault is open.
                tracing::debug!("an answer was not kept");
            }
        }
        Ok(self.0.outside.outbox.remove(held).map_err(HoldCallError::Io)?)
    }

    fn held_calls(&self) -> Result<Vec<Held>, StepError> {
        Ok(self.0.outside.outbox.held().map_err(HoldCallError::Io)?)
    }

    /// What the vault wants to have said, with the pseudonym that says it.
    fn wanted(&self) -> Result<Vec<(Content, Pseudonym)>, StepError> {
        let vault = self.vault()?;
        let (today, now) = (Day::of(self.now()), self.now());
        let pseudonyms = vault.pseudonyms()?;
        let mut wanted = Vec::new();
        for stored in vault.grants()? {
            let under = pseudonyms.iter().find(|one| one.generation == stored.generation);
            let Some(pseudonym) = under else { continue };
            let unsaid = stored.withdrawal.is_some()
                && stored.acknowledgement.is_none()
                && stored.unreceived_at.is_none();
            if unsaid {
                wanted.push((Content::Withdrawn { grant: stored.id }, pseudonym.clone()));
            }
            // Under a log that its retailer does not know yet they would be refused.
            let may_release = self.clock_doubt().is_none()
                && !self.is_going_on(stored.generation)?
                && self.log_standing(&stored.domain)? == LogStanding::Sound;
            if may_release && stored.state.is_live(stored.expires_at, now) {
                for release in vault.key_releases(stored.id)? {
                    if release.state == DeliveryState::Logged && release.day >= today {
                        let content = Content::released(stored.id, release.day);
                        wanted.push((content, pseudonym.clone()));
                    }
                }
            }
        }
        for said in vault.objections()?.into_iter().filter(|said| said.told_at.is_none()) {
            let under = pseudonyms.iter().find(|one| one.generation == said.generation);
            // Under a key that its retailer cannot place it would stand there as somebody else's.
            if let Some(pseudonym) = under
                && self.speaks_under_its_key(pseudonym.generation)?
            {
                wanted.push((Content::objected(&said), pseudonym.clone()));
            }
        }
        for pseudonym in pseudonyms {
            let mail = vault.unacknowledged_mail(pseudonym.generation)?;
            if !mail.is_empty() {
                let domain = pseudonym.domain.clone();
                wanted.push((Content::MailAcknowledged { domain, mail }, pseudonym));
            }
        }
        Ok(wanted)
    }

    /// When a call is signed that waits. One that she left signs a little before, so that no second is signed by it and
    /// by who she is to that retailer now.
    fn signed_at(&self, pseudonym: &Pseudonym) -> Timestamp {
        let now = self.now();
        let Some(ended_at) = pseudonym.ended_at else { return now };
        let back = self.rng().next_u64().checked_rem(SIGNED_BEFORE_SECONDS_MAX).unwrap_or(0);
        now.minus(back).max(ended_at.min(now))
    }

    fn sign_held(
        &self,
        content: Content,
        pseudonym: &Pseudonym,
    ) -> Result<Option<Held>, StepError> {
        let at = self.signed_at(pseudonym);
        let longest = at.plus(HELD_CALL_SECONDS_MAX);
        let (expires, call) = match &content {
            Content::Report { .. } => return Ok(None),
            Content::Withdrawn { grant } => {
                let stored = self.vault()?.grant(*grant)?.ok_or(StepError::GrantOver)?;
                let Some(withdrawal) = stored.withdrawal else { return Ok(None) };
                let body = self.withdraw_body(pseudonym, withdrawal)?;
                (longest, self.prepare_held_call(pseudonym, WITHDRAWALS_PATH, &body, at, longest)?)
            }
            Content::Objected { domain, .. } => {
                let Some(said) = self.vault()?.objection(domain)? else { return Ok(None) };
                let body = Object { objection: said.jws.into() };
                (longest, self.prepare_held_call(pseudonym, OBJECTIONS_PATH, &body, at, longest)?)
            }
            Content::Released { day, grant } => {
                let day = Day::from_number(*day);
                let Some(body) = self.logged_release(*grant, day)? else { return Ok(None) };
                // Afterwards nobody takes them.
                let end = last_second(day).min(longest);
                (end, self.prepare_held_call(pseudonym, RELEASES_PATH, &body, at, end)?)
            }
            Content::MailAcknowledged { mail, .. } => {
                let (path, body) =
                    (MAILBOX_ACKNOWLEDGEMENTS_PATH, AcknowledgeMail { mail: mail.clone() });
                (longest, self.prepare_held_call(pseudonym, path, &body, at, longest)?)
            }
        };
        let PreparedCall { pseudonym, domain, body, .. } = call;
        let id = LetterId::generate(&mut self.rng());
        Ok(Some(Held { id, content, domain, pseudonym, expires, call: body }))
    }
}

/// The word of the journal.
pub(super) const fn kind_of(content: &Content) -> &'static str {
    match content {
        Content::Report { .. } => "report",
        Content::Withdrawn { .. } => "withdrawal",
        Content::Objected { .. } => "objection",
        Content::Released { .. } => "release",
        Content::MailAcknowledged { .. } => "mailbox_acknowledgement",
    }
}

fn last_second(day: Day) -> Timestamp {
    day.plus(1).start().minus(1)
}
