//! From an ephemeral identifier that a receiver heard to an answer that was logged first.

use std::collections::BTreeMap;

use besace_protocol::{
    consent::{Action, Claim, Reach, RecordKind, UseRecord},
    id::{GrantId, Handle, IntentionId},
    log::Salt,
    party::ShopCode,
    presence::{EphemeralId, Level, Slot},
    private::Private,
    problem::ProblemType,
    purpose::{DataCategory, Granularity, Purpose},
    time::{Day, Timestamp},
    wire::{Arrivals, Arrived, EmitterFrame, Greeting, Recognised},
};
use rand_core::CryptoRngCore;

use crate::{
    OutOfScope, Retailer, ShopPermit, ShopScope,
    group::DueOpening,
    live::Live,
    presence::Sighting,
    receive::disclosed,
    retailer::Own,
    store::{Opened, Session, StoreError, StoredGrant},
};

/// A sighting got no answer.
#[derive(Debug, thiserror::Error)]
pub enum SightingError {
    /// The key is not for sightings.
    #[error("shop key may not report sightings")]
    Forbidden(#[from] OutOfScope),
    /// No live grant answers here; why, the shop does not learn.
    #[error("nobody is recognised")]
    Unresolved,
    /// Made for another shop or another minute.
    #[error("identifier was made for another place or time")]
    Relay,
    /// Nothing was recorded, so nobody is recognised.
    #[error("use was not recorded")]
    Log(#[from] StoreError),
}

impl SightingError {
    /// What the shop reads.
    pub const fn problem(&self) -> ProblemType {
        match self {
            Self::Forbidden(_) => ProblemType::Forbidden,
            Self::Unresolved => ProblemType::Unresolved,
            Self::Relay => ProblemType::RelaySuspected,
            Self::Log(_) => ProblemType::LogUnavailable,
        }
    }
}

/// A screen or an emitter got no answer.
#[derive(Debug, thiserror::Error)]
pub enum ReadShopError {
    /// The key is not for this.
    #[error("shop key may not read this")]
    Forbidden(#[from] OutOfScope),
    /// The store failed.
    #[error("store failed")]
    Store(#[from] StoreError),
}

impl ReadShopError {
    /// What the shop reads.
    pub const fn problem(&self) -> ProblemType {
        match self {
            Self::Forbidden(_) => ProblemType::Forbidden,
            Self::Store(_) => ProblemType::Internal,
        }
    }
}

impl Retailer {
    /// Resolves what a receiver of the permit's shop heard.
    ///
    /// Who is recognised was logged before the answer exists, and the opening of that entry waits in her
    /// mailbox. Whoever is not leaves no trace: the identifier is dropped here. `receiver` says which
    /// device heard it; nothing is kept of it.
    pub fn sighting(
        &mut self,
        permit: &ShopPermit,
        token: EphemeralId,
        receiver: u16,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Recognised, SightingError> {
        permit.check(ShopScope::Sightings)?;
        let _ = receiver;
        self.in_group(now, rng, |retailer, rng| retailer.sighted(permit.shop(), token, now, rng))
    }

    fn sighted(
        &mut self,
        shop: ShopCode,
        token: EphemeralId,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Recognised, SightingError> {
        if let Some((answer, grants)) = self.live.answered(&token, shop, now)
            && self.all_live(grants, now)?
        {
            // She may have objected since.
            let objects = self.objects_to_marketing(answer.handle)?;
            return Ok(Recognised { objects, ..answer.clone() });
        }
        let (handle, action) = match self.live.resolve(shop, token, now, rng) {
            None => return Err(SightingError::Unresolved),
            Some(Sighting::RelaySuspected { .. }) => return Err(SightingError::Relay),
            Some(Sighting::Recognised(recognition)) => match recognition.level {
                Level::Bound => (recognition.handle, Action::Recognised),
                Level::Unbound => (recognition.handle, Action::RecognisedUnbound),
            },
        };
        let (own, live) = (&self.own, &self.live);
        let visit = Visit { shop, now };
        let (Known { grant, greeted, objects, until }, due) =
            self.store.write(|session| own.recognise(session, live, handle, action, visit, rng))?;
        self.due.extend(due);
        self.live.count_use(grant, shop, now);
        let mut grants = vec![grant];
        let mut greeting = None;
        if let Some((greeting_grant, said)) = greeted {
            self.live.count_use(greeting_grant, shop, now);
            grants.push(greeting_grant);
            self.live.arrive(shop, handle, [grant, greeting_grant], said.clone(), now, until);
            greeting = Some(said);
        }
        let answer = Recognised { bound: action == Action::Recognised, handle, greeting, objects };
        self.live.remember(token, shop, grants, answer.clone(), now, until);
        Ok(answer)
    }

    /// Who asked to be greeted and came into the permit's shop within the last minutes.
    pub fn arrivals(&self, permit: &ShopPermit, now: Timestamp) -> Result<Arrivals, ReadShopError> {
        permit.check(ShopScope::Arrivals)?;
        let shop = permit.shop();
        let mut greetings = Vec::new();
        for (handle, grants, greeting) in self.live.arrivals(shop, now) {
            if !self.all_live(&grants, now)? {
                continue;
            }
            let Greeting { chosen_name, topics } = greeting;
            // She may have objected since she came in.
            let objects = self.objects_to_marketing(handle)?;
            greetings.push(Arrived { chosen_name, objects, topics });
        }
        Ok(Arrivals { greetings, shop })
    }

    /// What the emitter of the permit's shop sends now.
    pub fn emitter_frame(
        &self,
        permit: &ShopPermit,
        now: Timestamp,
    ) -> Result<EmitterFrame, ReadShopError> {
        permit.check(ShopScope::Emitter)?;
        let chain = self
            .own
            .chain(self.store.read(), Day::of(now), permit.shop())?
            .ok_or(StoreError::Corrupt)?;
        let slot = Slot::of(now);
        let frame = hex(&chain.frame(slot).to_advertisement());
        Ok(EmitterFrame { frame, slot: slot.as_number() })
    }
}

/// Where and when somebody came in.
#[derive(Clone, Copy)]
pub(crate) struct Visit {
    pub(crate) shop: ShopCode,
    pub(crate) now: Timestamp,
}

/// Under which grants somebody is known here.
struct Known {
    grant: GrantId,
    /// Under which other grant she is greeted, and how.
    greeted: Option<(GrantId, Greeting)>,
    /// Whether she objects to direct marketing.
    objects: bool,
    /// When the first of these grants, or the time for which her name may be kept, is over.
    until: Timestamp,
}

impl Own {
    /// Logs the recognition, and the greeting that follows it. Both openings go home with the head of the group.
    fn recognise(
        &self,
        session: Session<'_>,
        live: &Live,
        handle: Handle,
        action: Action,
        visit: Visit,
        rng: &mut impl CryptoRngCore,
    ) -> Result<(Known, Vec<DueOpening>), SightingError> {
        // Read again under the lock: what stands in memory is only where to look.
        let recognition = session.grant_of_handle(handle)?.ok_or(StoreError::Corrupt)?;
        if !covers(&recognition, Purpose::Recognition, live, visit) {
            return Err(SightingError::Unresolved);
        }
        let mut uses = vec![(recognition.clone(), action)];
        let mut until = recognition.grant.expires;
        let mut greeted = None;
        let subject = recognition.grant.subject_key.key_id();
        let objects = session.objects(subject)?;
        for other in session.grants_of_subject(subject)? {
            if greeted.is_some() || !covers(&other, Purpose::StaffGreeting, live, visit) {
                continue;
            }
            let Some(disclosure) = disclosed(session, other.grant.id, visit.now)? else { continue };
            until = until.min(other.grant.expires).min(disclosure.destroy_day.start());
            let chosen_name =
                disclosure.chosen_name.map(Private::into_revealed).unwrap_or_default();
            let topics = disclosure.topics.into_revealed();
            greeted = Some((other.grant.id, Greeting { chosen_name, topics }));
            uses.push((other, Action::Greeted));
        }
        let mut due = Vec::new();
        for (under, action) in uses {
            let opened = self.log_use(session, &under, action, visit, rng)?;
            due.push(DueOpening { under, opened, now: visit.now });
        }
        Ok((Known { grant: recognition.grant.id, greeted, objects, until }, due))
    }

    /// Appends a use under a grant. What opens the entry is not kept: it goes home.
    pub(crate) fn log_use(
        &self,
        session: Session<'_>,
        under: &StoredGrant,
        action: Action,
        visit: Visit,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Opened, StoreError> {
        self.log_use_about(session, under, (action, None), visit, rng)
    }

    /// As [`log_use`](Self::log_use), of a wish.
    pub(crate) fn log_use_about(
        &self,
        session: Session<'_>,
        under: &StoredGrant,
        (action, intention): (Action, Option<IntentionId>),
        visit: Visit,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Opened, StoreError> {
        let record = RecordKind::Use(UseRecord {
            action,
            at: visit.now,
            counter: under.uses.count.saturating_add(1),
            grant: under.grant.id,
            intention,
            prev: under.uses.head,
            shop: visit.shop,
        });
        let record = record.to_bytes().map_err(StoreError::Record)?;
        let salt = Salt::generate(rng);
        let uses = under.uses.after(salt.as_bytes(), &record);
        session.set_uses(under.grant.id, uses)?;
        session.count_day_use(under.grant.id, Day::of(visit.now))?;
        self.ledger.append_sealed(session, record, salt)
    }
}

/// Whether a grant of this purpose is live, and its terms allow that all it names is used now, in this shop.
pub(crate) fn covers(stored: &StoredGrant, purpose: Purpose, live: &Live, visit: Visit) -> bool {
    let exact = |category: &DataCategory| (*category, Granularity::Exact);
    let categories = stored.grant.terms.categories.keys().map(exact).collect();
    covers_told(stored, purpose, categories, live, visit)
}

/// As [`covers`], of what is here no finer than the terms name it.
pub(crate) fn covers_as_named(
    stored: &StoredGrant,
    purpose: Purpose,
    live: &Live,
    visit: Visit,
) -> bool {
    covers_told(stored, purpose, stored.grant.terms.categories.clone(), live, visit)
}

fn covers_told(
    stored: &StoredGrant,
    purpose: Purpose,
    categories: BTreeMap<DataCategory, Granularity>,
    live: &Live,
    visit: Visit,
) -> bool {
    let grant = &stored.grant;
    // A clock of hers that runs ahead gave it tomorrow.
    let day = Day::of(visit.now).max(Day::of(grant.given));
    let claim = Claim {
        at: visit.now,
        before: live.uses(grant.id, visit.shop, visit.now),
        categories,
        earliest: day,
        latest: Day::of(visit.now),
        recipient: grant.controller.clone(),
        reach: Reach::Shop(visit.shop),
    };
    grant.terms.purpose == purpose && stored.is_live(visit.now) && grant.covers(&claim).is_ok()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}
