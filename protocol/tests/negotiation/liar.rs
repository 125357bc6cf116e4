//! One side follows the rules; the other has good keys and says whatever it likes, whenever it likes.

use besace_protocol::{
    consent::Terms,
    crypto::{Digest, sha256},
    negotiation::{
        Action, Agreement, Decision, Due, Event, History, Message, Negotiation, Outcome, Proposal,
        Refusal, RefusalReason, Reply, Rule, Side, decide, reply,
    },
    time::{DAY_SECONDS, Timestamp},
};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

use super::world::{NOW, World, alternative, credit, rule, terms};

struct Liar<'a> {
    world: &'a mut World,
    rng: StdRng,
    /// The side that lies.
    side: Side,
    honest: Negotiation,
    now: Timestamp,
    /// Digests that were heard of.
    known: Vec<Digest>,
    /// What the honest side said.
    said: Vec<Message>,
    rules: Vec<Rule>,
}

/// A shop that lies to her agent: what does it get? True if they settled all the same.
pub(crate) fn shop(world: &mut World, seed: u64) -> Result<bool, String> {
    let mut liar = Liar::new(world, seed, Side::Controller);
    liar.go()?;
    let asked = liar.world.request.payload().terms.clone();
    let grants: Vec<&Message> =
        liar.said.iter().filter(|one| matches!(one, Message::Grant(_))).collect();
    for grant in &grants {
        let Message::Grant(grant) = grant else { continue };
        let terms = &grant.payload().terms;
        let ruled = terms.retention_days <= 10 && terms.benefit.at_least(&credit(100));
        if !ruled || !terms.asks_no_more_than(&asked) {
            return Err(format!("gave more than her rule: {terms:?}"));
        }
    }
    if grants.iter().any(|grant| grant.digest() != grants[0].digest()) {
        return Err("gave twice".to_owned());
    }
    match (liar.honest.outcome(), grants.first()) {
        (Some(Outcome::Settled { grant }), Some(given)) if grant == given.digest() => Ok(true),
        (Some(Outcome::Settled { .. }), _) => Err("settled what she did not give".to_owned()),
        (Some(Outcome::Refused { .. } | Outcome::Lapsed), _) | (None, Some(_)) => Ok(false),
        (None, None) => Err("open for ever, though she gave nothing".to_owned()),
    }
}

/// An agent that lies to a gateway: what does it get signed? True if they settled all the same.
pub(crate) fn agent(world: &mut World, seed: u64) -> Result<bool, String> {
    let mut liar = Liar::new(world, seed, Side::Subject);
    liar.go()?;
    let taken: Vec<Digest> = liar.said.iter().filter_map(taken).collect();
    for message in &liar.said {
        let Message::Grant(grant) = message else { continue };
        let grant = grant.payload();
        let good = match grant.proposal {
            None => grant.terms == liar.world.request.payload().terms,
            Some(proposal) => taken.contains(&proposal),
        };
        if !good {
            return Err(format!("signed what it did not take: {:?}", grant.terms));
        }
    }
    Ok(matches!(liar.honest.outcome(), Some(Outcome::Settled { .. })))
}

/// The proposal that a message of the gateway takes or makes.
fn taken(message: &Message) -> Option<Digest> {
    match message {
        Message::Agreement(agreement) => Some(agreement.payload().prev),
        Message::Proposal(_) => Some(message.digest()),
        Message::Grant(_) | Message::Refusal(_) => None,
    }
}

impl<'a> Liar<'a> {
    fn new(world: &'a mut World, seed: u64, side: Side) -> Self {
        let honest = if side == Side::Subject { Side::Controller } else { Side::Subject };
        let honest = world.open(honest, 7);
        let known = vec![world.request.digest(), sha256(&[b"nothing"])];
        let rng = StdRng::seed_from_u64(seed);
        let rules = vec![rule(10, 100, true)];
        Self { world, rng, side, honest, now: NOW, known, said: Vec::new(), rules }
    }

    fn go(&mut self) -> Result<(), String> {
        for _ in 0..self.rng.gen_range(3..25) {
            let some = [0, 1, 3600, DAY_SECONDS];
            self.now = self.now.plus(some[self.rng.gen_range(0..some.len())]);
            let event = match self.rng.gen_range(0..3) {
                0 => Event::Tick,
                _ => match self.lie() {
                    Some(message) => Event::Hear(message),
                    None => continue,
                },
            };
            self.event(event)?;
        }
        self.now = self.now.plus(60 * DAY_SECONDS);
        self.event(Event::Tick)?;
        self.event(Event::Tick)
    }

    fn event(&mut self, event: Event) -> Result<(), String> {
        let hears = matches!(event, Event::Hear(_));
        let actions = match self.honest.handle(event, self.now) {
            Ok(actions) => actions,
            Err(_) if hears => return Ok(()),
            Err(error) => return Err(format!("{error:?}")),
        };
        for action in actions {
            let said = match action {
                Action::Record(message) => {
                    self.known.push(message.digest());
                    continue;
                }
                Action::Send(message) => {
                    self.said.push(message);
                    continue;
                }
                Action::Close(_) | Action::Withdraw(_) => continue,
                Action::Refuse(refusal) => Some(self.world.refusal(*refusal)),
                Action::Decide(due) => self.decide(due)?,
            };
            if let Some(message) = said {
                self.event(Event::Say(message))?;
            }
        }
        Ok(())
    }

    fn decide(&mut self, due: Due) -> Result<Option<Message>, String> {
        let (honest, now) = (self.honest.clone(), self.now);
        if let Due::Countersign = due {
            return Ok(Some(self.world.countersigned(&honest, now)));
        }
        if let Due::AnswerProposal { .. } = due {
            let enough = Terms { retention_days: 8, ..terms() };
            return Ok(Some(match reply(&honest, &[enough]).ok_or("no reply")? {
                Reply::Agree => self.world.agreement(honest.agree(now)),
                Reply::Refuse => self.world.refusal(honest.refuse(RefusalReason::Declined, now)),
                Reply::Counter(terms) => self.propose(Side::Controller, &honest, terms)?,
            }));
        }
        match decide(&honest, &self.rules, History::default(), now).ok_or("no decision")? {
            Decision::Give { .. } if due == Due::Begin => {
                self.propose(Side::Subject, &honest, terms()).map(Some)
            }
            Decision::Give { .. } => Ok(Some(self.world.grant(&honest, now))),
            Decision::Propose { terms, .. } => {
                self.propose(Side::Subject, &honest, terms).map(Some)
            }
            Decision::Ask { .. } | Decision::Refuse { .. } | Decision::Silent(_) => Ok(None),
        }
    }

    fn propose(&mut self, by: Side, honest: &Negotiation, terms: Terms) -> Result<Message, String> {
        let proposal = honest.propose(terms, DAY_SECONDS, self.now).ok_or("no proposal")?;
        Ok(self.world.proposal(by, proposal))
    }

    /// Anything that its key can sign: most of it out of turn, much of it about nothing.
    fn lie(&mut self) -> Option<Message> {
        let prev = if self.rng.gen_bool(0.6) {
            *self.known.last()?
        } else {
            self.known[self.rng.gen_range(0..self.known.len())]
        };
        let matter = self.honest.matter().clone();
        let skewed = self.rng.gen_range(0..400);
        let at = self.now.plus(100).minus(skewed);
        match self.rng.gen_range(0..8) {
            0 | 1 if self.side == Side::Controller => {
                Some(self.world.agreement(Agreement { agreed: at, matter, prev, v: 1 }))
            }
            2 if self.rng.gen_bool(0.1) => {
                let (by, reason) = (self.side, RefusalReason::Declined);
                Some(self.world.refusal(Refusal { by, matter, prev, reason, refused: at, v: 1 }))
            }
            3 | 4 => {
                let due = matches!(self.honest.due(), Some(Due::Countersign));
                match self.side {
                    Side::Controller => {
                        let given = self.said.iter().any(|one| matches!(one, Message::Grant(_)));
                        let waits = matches!(self.honest.said().last(), Some(Message::Grant(_)));
                        let still = self.honest.outcome().is_none();
                        (given && waits && still)
                            .then(|| self.world.countersigned(&self.honest, at))
                    }
                    // Of the terms that stand there, whether anybody took them or not.
                    Side::Subject if !due => Some(self.world.grant(&self.honest, at)),
                    Side::Subject => None,
                }
            }
            _ => {
                let first = prev == self.world.request.digest();
                let turn = match self.side {
                    Side::Controller if first => return None,
                    Side::Controller => 2,
                    Side::Subject if first => 1,
                    Side::Subject => 3,
                };
                let retention_days = self.rng.gen_range(1..31);
                let frequency_per_day = self.rng.gen_range(1..7);
                let minor = self.rng.gen_range(0..9) * 100;
                let drawn =
                    Terms { retention_days, frequency_per_day, benefit: credit(minor), ..terms() };
                let some = [drawn, alternative(), terms()];
                let terms = some[self.rng.gen_range(0..3)].clone();
                let expires = at.plus(self.rng.gen_range(1..5) * DAY_SECONDS);
                let proposal = Proposal { expires, issued: at, matter, prev, terms, turn, v: 1 };
                Some(self.world.proposal(self.side, proposal))
            }
        }
    }
}
