//! The story of the demo, step by step. Each step is checked by reading the other side's state, the air
//! or the wire; a step that only claims to have worked fails.

mod afterwards;
mod ending;
mod shop;
mod start;
mod till;

use std::future::Future;

use anyhow::Result;
use besace_agent::{engine::PreparedCall, listener::Listener, radio::Radio};
use besace_protocol::{
    id::GrantId,
    presence::{EphemeralId, RadioTime, ReleasedKeys},
    time::Timestamp,
};
use serde::Serialize;

use crate::{
    ether::{Air, Ether, PhoneId, Place, ReceiverId},
    walk::Point,
    world::World,
};

/// What came of one step.
#[derive(Clone, Debug, Serialize)]
pub struct StepReport {
    /// What was done, as a name for programs.
    pub name: &'static str,
    /// Whether it held.
    pub ok: bool,
    /// What was seen.
    pub detail: String,
}

/// The shop of Maison Lumen in Lyon, and the one across the river.
const LUMEN_AIR: Place = Place(1);
const PONT_AIR: Place = Place(2);

/// Everything the story keeps in hand.
#[derive(Debug)]
pub struct Story {
    /// The world it plays in.
    pub world: World,
    /// Where to keep what the auditor is handed, if anywhere.
    pub evidence: Option<std::path::PathBuf>,
    track: Vec<Point>,
    ether: Ether,
    phone: PhoneId,
    receivers: [ReceiverId; 2],
    radio: Radio,
    listener: Listener,
    grants: Option<Grants>,
    /// Identifiers that a receiver of Maison Lumen heard, in order.
    heard: Vec<EphemeralId>,
    /// What the test took from the vault while the grant lived, to forge an identifier with later.
    stolen: Option<ReleasedKeys>,
    /// A release that was under way when she withdrew.
    late: Option<PreparedCall>,
    /// The voucher that a till has taken.
    redeemed: Option<String>,
}

/// The grants she gave.
#[derive(Clone, Copy, Debug)]
struct Grants {
    recognition: GrantId,
    greeting: GrantId,
}

impl Story {
    /// A world on the morning of the track. With `runs`, its clock goes on by itself.
    pub async fn begin(runs: bool) -> Result<Self> {
        let track = crate::walk::points(crate::shopper::TRACK)?;
        let first = track.first().map_or(Timestamp::default(), |point| point.at);
        let world = World::start(first, runs).await?;
        world.lumen.give_vouchers(first)?;
        let (radio, antenna) = besace_agent::radio::channel();
        let mut ether = Ether::new(4, Air::CLEAR, RadioTime::from(first));
        let phone = ether.add_phone(None, antenna);
        let receivers = [ether.add_receiver(LUMEN_AIR), ether.add_receiver(PONT_AIR)];
        let listener = Listener::new(world.engine().clone());
        Ok(Self {
            world,
            evidence: None,
            track,
            ether,
            phone,
            receivers,
            radio,
            listener,
            grants: None,
            heard: Vec::new(),
            stolen: None,
            late: None,
            redeemed: None,
        })
    }

    /// Plays everything, and tells `hear` of each step. Stops at the first that does not hold.
    pub async fn play<F, W>(&mut self, mut hear: F) -> Vec<StepReport>
    where
        F: FnMut(StepReport) -> W,
        W: Future<Output = ()>,
    {
        let mut reports = Vec::new();
        macro_rules! steps {
            ($($name:ident)*) => {$(
                let report = match self.$name().await {
                    Ok(detail) => StepReport { name: stringify!($name), ok: true, detail },
                    Err(error) => {
                        StepReport { name: stringify!($name), ok: false, detail: format!("{error:#}") }
                    }
                };
                reports.push(report.clone());
                let ok = report.ok;
                hear(report).await;
                if !ok {
                    return reports;
                }
            )*};
        }
        steps! {
            vault_filled
            retailers_met
            vouchers_issued_blind
            walked_into_the_shop
            shop_heard_in_silence
            offers_matched_at_home
            consent_given
            identifier_emitted
            recognised_by_one_retailer
            greeted_by_the_chosen_name
            looked_up_and_proven
            voucher_redeemed
            voucher_refused_again
            visits_unlinkable
            seen_again_the_next_morning
            retailers_share_nothing
            consent_withdrawn
            late_keys_refused
            nothing_more_emitted
            forged_identifier_refused
            auditor_verifies
            flipped_byte_named
            wire_holds_no_planted_word
            vault_holds_no_planted_word
        }
        reports
    }

    /// Lets the air carry for `seconds`, the emitter of Maison Lumen sending twice a second, and the phone
    /// listening. Everything on air in between is real: frames come from the gateway, answers go to it.
    async fn air(&mut self, seconds: u64) -> Result<()> {
        let start = self.world.clock.now();
        let mut frame = Vec::new();
        let mut slot = None;
        for second in 0..seconds {
            let now = start.plus(second);
            self.world.clock.reach(now);
            let current = now.as_unix_seconds() / besace_protocol::presence::SLOT_SECONDS;
            if slot != Some(current) {
                frame = self.world.lumen.emitter_frame().await?;
                slot = Some(current);
            }
            for half in [0, 500] {
                let until = RadioTime::from(now).plus(half);
                self.ether.advance(until);
                self.ether.inject(LUMEN_AIR, &frame);
                self.ether.advance(until.plus(1));
                self.listen()?;
            }
        }
        self.world.clock.reach(start.plus(seconds));
        self.ether.advance(RadioTime::from(start.plus(seconds)));
        let heard = self.ether.take_heard(self.receivers[0]);
        for (_, identifier) in heard {
            if !self.heard.contains(&identifier) {
                self.heard.push(identifier);
            }
        }
        Ok(())
    }

    /// What the agent does with all that its radio heard.
    fn listen(&mut self) -> Result<()> {
        while let Ok(heard) = self.radio.heard.try_recv() {
            for command in self.listener.hear(&heard)?.commands {
                self.radio.commands.send(command)?;
            }
        }
        Ok(())
    }

    /// What a change of grants means for the radio.
    fn reload(&mut self) -> Result<()> {
        for command in self.listener.reload()? {
            self.radio.commands.send(command)?;
        }
        Ok(())
    }

    fn grants(&self) -> Result<Grants> {
        self.grants.ok_or_else(|| anyhow::anyhow!("no grants were given"))
    }
}

/// Says what was expected when it is not so.
macro_rules! hold {
    ($condition:expr, $($what:tt)+) => {
        if !$condition {
            anyhow::bail!($($what)+);
        }
    };
}
use hold;
