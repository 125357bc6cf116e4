//! Hearing shops while the vault is open: the radio's loop around an [`Emitter`].
//!
//! What the emitter decides is carried out here, in its order: noted in the vault before it is told to
//! the radio. A withdrawal is felt at once: the engine says that grants changed, and the vault refuses
//! to note an emission of a grant that is over.

use std::collections::BTreeMap;

use besace_protocol::{
    consent::Grant,
    id::{GrantId, Handle},
    presence::{
        AskReason, ChainAnchor, Proximity, RadioTime, Scope, ShopId, ShopValue, VerifiedFrame,
    },
};

use crate::{
    engine::{Engine, StepError},
    presence::{Emitter, LiveGrant, Step},
    radio::{Heard, Radio, RadioCommand},
    vault::Position,
};

/// How old the last fix may be for the agent to know where she is, in seconds.
const FIX_AGE_SECONDS: u64 = 900;
/// How far outside its radius a shop is still near, in metres: fixes are not exact.
const NEAR_SLACK_METRES: f64 = 200.0;
/// How far outside its radius a shop's frame must have been relayed, in metres.
const ELSEWHERE_METRES: f64 = 1_000.0;

/// Hears shops for one agent.
#[derive(Debug)]
pub struct Listener {
    engine: Engine,
    emitter: Emitter,
    known: BTreeMap<Handle, GrantId>,
    asks: Vec<(ShopId, AskReason)>,
}

/// What came of one advertisement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The shop, if a frame of one verified: offers are matched on this.
    pub frame: Option<VerifiedFrame>,
    /// What to tell the radio, in order.
    pub commands: Vec<RadioCommand>,
    /// Where a gesture of hers is needed before anything is emitted.
    pub ask: Option<(ShopId, AskReason)>,
}

impl Listener {
    /// Hears nothing until [`reload`](Self::reload).
    pub fn new(engine: Engine) -> Self {
        Self { engine, emitter: Emitter::new(), known: BTreeMap::new(), asks: Vec::new() }
    }

    /// Reads shops and grants again. What ended is silenced: the commands that come back do it.
    pub fn reload(&mut self) -> Result<Vec<RadioCommand>, StepError> {
        let now = self.engine.now();
        let at = RadioTime::from(now);
        let mut rng = self.engine.rng();
        let mut live = BTreeMap::new();
        for manifest in self.engine.retailers()? {
            let manifest = manifest.payload();
            for day in &manifest.days {
                for anchor in &day.anchors {
                    let shop = ShopId { domain: manifest.controller.clone(), code: anchor.shop };
                    if let Some(value) = ShopValue::from_slice(anchor.anchor.as_ref()) {
                        self.emitter.learn(ChainAnchor::new(shop, day.day, value), now);
                    }
                }
            }
            for grant in self.engine.emitting_grants(&manifest.controller)? {
                live.insert(grant.grant.handle, grant);
            }
        }
        let mut commands = Vec::new();
        let ended: Vec<Handle> =
            self.known.keys().filter(|handle| !live.contains_key(handle)).copied().collect();
        for handle in ended {
            self.known.remove(&handle);
            let steps = self.emitter.withdraw(handle, at, &mut rng);
            commands.extend(self.carry_out(steps)?);
        }
        for (handle, found) in live {
            if self.known.insert(handle, found.grant.id).is_some() {
                continue;
            }
            let Grant { controller, terms, .. } = &found.grant;
            let shops = terms
                .shops
                .iter()
                .map(|code| ShopId { domain: controller.clone(), code: *code })
                .collect();
            let grant = LiveGrant {
                grant: found.grant.id,
                handle,
                shops,
                scope: Scope::of(&terms.scope),
                root: found.root,
                later: found.later,
                expires: found.grant.expires,
                last_epoch: found.last_epoch,
            };
            self.emitter.give(grant, at, &mut rng);
        }
        Ok(commands)
    }

    /// An advertisement came in.
    pub fn hear(&mut self, heard: &Heard) -> Result<Outcome, StepError> {
        let mut rng = self.engine.rng();
        let engine = self.engine.clone();
        let mut failed = None;
        let hearing = self.emitter.hear(
            heard,
            |shop| {
                proximity(&engine, shop).unwrap_or_else(|error| {
                    failed = Some(error);
                    Proximity::Elsewhere // whatever is not known for sure is silent
                })
            },
            &mut rng,
        );
        if let Some(error) = failed {
            return Err(error);
        }
        if let Some(frame) = &hearing.frame {
            self.engine.note_frame(frame.shop())?;
        }
        let commands = self.carry_out(hearing.steps)?;
        Ok(Outcome { frame: hearing.frame, commands, ask: self.asks.pop() })
    }

    /// She said yes, in this shop.
    pub fn gesture(&mut self, shop: ShopId) -> Result<Vec<RadioCommand>, StepError> {
        let at = RadioTime::from(self.engine.now());
        let steps = self.emitter.gesture(shop, at, &mut self.engine.rng());
        self.carry_out(steps)
    }

    /// Listens until the radio is gone.
    pub async fn run(mut self, mut radio: Radio) {
        let mut changes = self.engine.grant_changes();
        changes.mark_changed(); // the first thing is to look what there is
        loop {
            let commands = tokio::select! {
                heard = radio.heard.recv() => match heard {
                    Some(heard) => self.hear(&heard).map(|outcome| outcome.commands),
                    None => return,
                },
                woken = changes.changed() => match woken {
                    Ok(()) => self.reload(),
                    Err(_) => return,
                },
            };
            // A locked or failing vault means silence, not a guess.
            let commands = commands.unwrap_or_else(|_| vec![RadioCommand::Stop]);
            for command in commands {
                if radio.commands.send(command).is_err() {
                    return;
                }
            }
        }
    }

    /// Takes steps in order: a note that is refused ends them.
    fn carry_out(&mut self, steps: Vec<Step>) -> Result<Vec<RadioCommand>, StepError> {
        let mut commands = Vec::new();
        for step in steps {
            match step {
                Step::Note { grant, epoch } => {
                    if !self.engine.note_emission(grant, epoch)? {
                        break;
                    }
                }
                Step::Tell(command) => commands.push(command),
                Step::Ask { shop, reason } => self.asks.push((shop, reason)),
            }
        }
        Ok(commands)
    }
}

/// What her own last fix says about a shop.
fn proximity(engine: &Engine, shop: &ShopId) -> Result<Proximity, StepError> {
    let manifest = engine.manifest(&shop.domain)?;
    let Some(place) = manifest.payload().shop(shop.code) else { return Ok(Proximity::Elsewhere) };
    let now = engine.now();
    let fixes = engine.fixes(now.minus(FIX_AGE_SECONDS), now.plus(1))?;
    let Some(last) = fixes.last() else { return Ok(Proximity::Unknown) };
    let Ok(shop) = Position::from_e7(place.latitude_e7, place.longitude_e7) else {
        return Ok(Proximity::Elsewhere);
    };
    let metres = last.position.reveal().metres_to(shop);
    let radius = f64::from(place.radius_metres);
    Ok(if metres <= radius + NEAR_SLACK_METRES {
        Proximity::Near
    } else if metres >= radius + ELSEWHERE_METRES {
        Proximity::Elsewhere
    } else {
        Proximity::Unknown
    })
}
