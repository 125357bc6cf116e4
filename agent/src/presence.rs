//! The emission side: from what the radio hears to what it is told, by the policy of `spec/presence.md`.
//!
//! An [`Emitter`] lives while the vault is open; it holds the presence roots of live grants and the shops'
//! anchors of these days. It decides, its caller does: each call returns [`Step`]s to be taken in order.

use std::collections::{BTreeMap, BTreeSet};

use besace_protocol::{
    id::{GrantId, Handle},
    presence::{
        Advertisement, AskReason, ChainAnchor, Emission, EmissionAction, EmissionEvent,
        EmissionPolicy, EmittingGrant, Epoch, PresenceRoot, Proximity, RadioTime, Scope, ShopFrame,
        ShopId, VerifiedFrame,
    },
    time::{Day, Timestamp},
};
use rand_core::CryptoRngCore;

use crate::radio::{Broadcast, Heard, RadioCommand};

/// After a frame that did not verify, how long that shop code is not listened to, in milliseconds: what a
/// forger can make the processor work.
const FORGERY_PAUSE_MILLIS: u64 = 1_000;

/// A live grant with presence, as the vault has it.
#[derive(Debug)]
pub struct LiveGrant {
    /// The grant.
    pub grant: GrantId,
    /// Its pairwise name.
    pub handle: Handle,
    /// The shops that it names.
    pub shops: BTreeSet<ShopId>,
    /// The scope of its keys.
    pub scope: Scope,
    /// Its secret.
    pub root: PresenceRoot,
    /// Secrets of later days, by the first of their days.
    pub later: Vec<(Day, PresenceRoot)>,
    /// The first second in which it is over.
    pub expires: Timestamp,
    /// The last epoch that it emitted in.
    pub last_epoch: Option<Epoch>,
}

/// What is to be done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Write to the vault that the grant emits in this epoch; if that fails, take no further step.
    Note {
        /// The grant.
        grant: GrantId,
        /// The epoch.
        epoch: Epoch,
    },
    /// Tell the radio.
    Tell(RadioCommand),
    /// Ask the owner for a gesture in this shop.
    Ask {
        /// Where.
        shop: ShopId,
        /// Why.
        reason: AskReason,
    },
}

/// What came of an advertisement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hearing {
    /// The shop frame in it, verified: offers are matched at home on this, grant or not.
    pub frame: Option<VerifiedFrame>,
    /// What is to be done.
    pub steps: Vec<Step>,
}

/// Hears shops, and answers for the grants that allow it.
#[derive(Debug, Default)]
pub struct Emitter {
    policy: EmissionPolicy,
    secrets: BTreeMap<Handle, Secret>,
    anchors: BTreeMap<(ShopId, Day), ChainAnchor>,
    distrusted_until: BTreeMap<besace_protocol::party::ShopCode, RadioTime>,
}

#[derive(Debug)]
struct Secret {
    grant: GrantId,
    root: PresenceRoot,
    later: Vec<(Day, PresenceRoot)>,
    scope: Scope,
}

impl Secret {
    /// What the keys of `day` follow from.
    fn root_of(&self, day: Day) -> &PresenceRoot {
        let later = self.later.iter().rev().find(|(from, _)| *from <= day);
        later.map_or(&self.root, |(_, root)| root)
    }
}

impl Emitter {
    /// No grants, no shops: silence.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the anchor of a shop's day, and forgets those of days before the one before `now`.
    ///
    /// An anchor that is already known keeps what was verified since.
    pub fn learn(&mut self, anchor: ChainAnchor, now: Timestamp) {
        let oldest = Day::of(now.minus(besace_protocol::time::DAY_SECONDS));
        self.anchors.retain(|(_, day), _| *day >= oldest);
        self.anchors.entry((anchor.shop().clone(), anchor.day())).or_insert(anchor);
    }

    /// A grant came alive, or was read from the vault.
    pub fn give(&mut self, live: LiveGrant, now: RadioTime, rng: &mut impl CryptoRngCore) {
        let LiveGrant { grant, handle, shops, scope, root, later, expires, last_epoch } = live;
        self.secrets.insert(handle, Secret { grant, root, later, scope });
        let emitting = EmittingGrant { handle, shops, expires, last_epoch };
        let nothing = self.policy.handle(EmissionEvent::Granted(emitting), now, rng);
        debug_assert!(nothing.is_empty(), "a grant alone causes nothing");
    }

    /// A grant was withdrawn or ended: its secret is wiped, its emission ends at once.
    pub fn withdraw(
        &mut self,
        handle: Handle,
        now: RadioTime,
        rng: &mut impl CryptoRngCore,
    ) -> Vec<Step> {
        self.secrets.remove(&handle);
        self.react(EmissionEvent::Withdrawn(handle), now, rng)
    }

    /// The owner said yes, in this shop: the next frame is answered.
    pub fn gesture(
        &mut self,
        shop: ShopId,
        now: RadioTime,
        rng: &mut impl CryptoRngCore,
    ) -> Vec<Step> {
        self.react(EmissionEvent::Gesture(shop), now, rng)
    }

    /// Quiet hours, or a pause, begin or end.
    pub fn quiet(
        &mut self,
        begins: bool,
        now: RadioTime,
        rng: &mut impl CryptoRngCore,
    ) -> Vec<Step> {
        self.react(EmissionEvent::Quiet(begins), now, rng)
    }

    /// The owner opened the application in a shop without an emitter.
    pub fn arm(
        &mut self,
        handles: Vec<Handle>,
        now: RadioTime,
        rng: &mut impl CryptoRngCore,
    ) -> Vec<Step> {
        self.react(EmissionEvent::Armed(handles), now, rng)
    }

    /// Time passed: the next grant of an armed round.
    pub fn tick(&mut self, now: RadioTime, rng: &mut impl CryptoRngCore) -> Vec<Step> {
        self.react(EmissionEvent::Tick, now, rng)
    }

    /// When [`tick`](Self::tick) is wanted.
    pub fn next_tick(&self) -> Option<RadioTime> {
        self.policy.next_tick()
    }

    /// An advertisement came in. Everything but a shop's frame that verifies is forgotten.
    pub fn hear(
        &mut self,
        heard: &Heard,
        proximity: impl FnOnce(&ShopId) -> Proximity,
        rng: &mut impl CryptoRngCore,
    ) -> Hearing {
        let Ok(Advertisement::Shop(frame)) = Advertisement::parse(&heard.payload) else {
            return Hearing::default();
        };
        let Some(frame) = self.verify(&frame, heard.at) else { return Hearing::default() };
        let proximity = proximity(frame.shop());
        let event = EmissionEvent::Heard { frame: frame.clone(), proximity };
        let steps = self.react(event, heard.at, rng);
        Hearing { frame: Some(frame), steps }
    }

    /// Codes are chosen by retailers, so two shops may share one: each anchor is tried.
    fn verify(&mut self, frame: &ShopFrame, at: RadioTime) -> Option<VerifiedFrame> {
        if self.distrusted_until.get(&frame.code).is_some_and(|until| at < *until) {
            return None;
        }
        let mut candidates: Vec<&mut ChainAnchor> =
            self.anchors.values_mut().filter(|anchor| anchor.shop().code == frame.code).collect();
        if candidates.is_empty() {
            return None; // no shop that we know: not even a forgery
        }
        // Today's first: to find that a frame is not yesterday's takes the most steps.
        let today = Day::of(at.timestamp());
        candidates.sort_by_key(|anchor| anchor.day() != today);
        for anchor in candidates {
            if let Ok(verified) = anchor.verify(frame, at.timestamp()) {
                *anchor = anchor.clone().advanced(&verified);
                self.distrusted_until.remove(&frame.code);
                return Some(verified);
            }
        }
        self.distrusted_until.insert(frame.code, at.plus(FORGERY_PAUSE_MILLIS));
        None
    }

    fn react(
        &mut self,
        event: EmissionEvent,
        now: RadioTime,
        rng: &mut impl CryptoRngCore,
    ) -> Vec<Step> {
        let actions = self.policy.handle(event, now, rng);
        actions.into_iter().filter_map(|action| self.step(action)).collect()
    }

    fn step(&self, action: EmissionAction) -> Option<Step> {
        match action {
            EmissionAction::Persist { handle, epoch } => {
                Some(Step::Note { grant: self.secrets.get(&handle)?.grant, epoch })
            }
            EmissionAction::Emit(emission) => {
                Some(Step::Tell(RadioCommand::Emit(self.broadcast(&emission)?)))
            }
            EmissionAction::Stop => Some(Step::Tell(RadioCommand::Stop)),
            EmissionAction::Ask { shop, reason } => Some(Step::Ask { shop, reason }),
        }
    }

    fn broadcast(&self, emission: &Emission) -> Option<Broadcast> {
        let secret = self.secrets.get(&emission.handle)?;
        let day = emission.epoch.day();
        let key = secret.root_of(day).day_key(day, &secret.scope);
        let id = key.ephemeral_id(emission.epoch, emission.heard.as_ref())?;
        Some(Broadcast {
            address: emission.address,
            payload: id.to_advertisement(),
            start: emission.start,
            stop: emission.stop,
        })
    }
}

#[cfg(test)]
mod tests;
