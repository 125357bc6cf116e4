//! One run: two sides, a wire that loses, doubles and reorders, clocks that are apart, programs that are killed
//! between any two actions, or put back from a backup. Everything follows from the seed.

use std::collections::{BTreeMap, BTreeSet};

use besace_protocol::{
    consent::Terms,
    crypto::Digest,
    document::Verified,
    negotiation::{
        Action, Decision, Due, Event, History, Message, Negotiation, NegotiationError, Outcome,
        RefusalReason, Reply, Rule, Side, UnverifiedMessage, Verdict, decide, reply,
    },
    time::{DAY_SECONDS, Timestamp},
};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

use super::told::{next, told, word};
use super::world::{NOW, STANDS, World, alternative, rule, ruled, terms};

/// What travels: the bytes, read and verified again each time, or what was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    Bytes,
    Values,
}

/// A fault that is planted, to see that it is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Planted {
    Nothing,
    /// The gateway sends before it writes down, and may be killed in between.
    SendsFirst,
    /// The agent takes what it gave to be over when the proposal is.
    GivesUp,
    /// The agent does not write down that it gave.
    ForgetsItGave,
}

/// What a run came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) settled: u32,
    pub(crate) refused: u32,
    pub(crate) lapsed: u32,
    pub(crate) turns: [u32; 4],
    pub(crate) kills: u32,
    pub(crate) restored: u32,
    pub(crate) withdrawn: u32,
    pub(crate) lost: u32,
    pub(crate) doubled: u32,
    /// Every step that was taken or was about to be, and which of the run it was first.
    pub(crate) steps: BTreeMap<Step, u64>,
    /// Those before which the program was killed.
    pub(crate) killed: BTreeSet<Step>,
}

/// Where a program may be killed: its side, what was said last as far as it knows, and what it would have done next.
pub(crate) type Step = (bool, &'static str, &'static str);

#[derive(Clone, Default)]
struct Disk {
    said: Vec<Message>,
    closed: Option<Outcome>,
}

struct Party {
    side: Side,
    live: Negotiation,
    disk: Disk,
    backup: Disk,
    /// Whether it went back to its backup.
    restored: bool,
    /// Seconds that its clock is ahead.
    ahead: u64,
}

pub(crate) struct Run<'a> {
    world: &'a mut World,
    rng: StdRng,
    wire: Wire,
    planted: Planted,
    subject: Party,
    controller: Party,
    /// On its way, and to whom.
    flying: Vec<(Side, Message)>,
    time: Timestamp,
    rules: Vec<Rule>,
    enough: Vec<Terms>,
    /// Of a hundred: messages lost, messages doubled, kills between two actions.
    chances: [u32; 3],
    /// Nobody hesitates, nothing is lost.
    calm: bool,
    /// Whether backups are restored in it.
    goes_back: bool,
    /// Grants that she withdrew.
    withdrawn: BTreeSet<Digest>,
    /// Steps so far.
    taken: u64,
    /// The step before which the program is killed, whatever else happens.
    pub(crate) kill_at: Option<u64>,
    pub(crate) seen: Seen,
    pub(crate) trace: Option<Vec<String>>,
}

impl<'a> Run<'a> {
    pub(crate) fn new(world: &'a mut World, seed: u64, wire: Wire, planted: Planted) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let party = |side, ahead| Party {
            side,
            live: world.open(side, 7),
            disk: Disk::default(),
            backup: Disk::default(),
            restored: false,
            ahead,
        };
        let subject = party(Side::Subject, rng.gen_range(0..2) * 80);
        let controller = party(Side::Controller, rng.gen_range(0..2) * 80);
        let rules = match rng.gen_range(0..8) {
            0 => vec![],
            1 => vec![rule(30, 100, true)],
            2 => vec![rule(10, 100, true)],
            3 => vec![rule(10, 200, true)],
            4 => vec![rule(5, 600, true)],
            5 => vec![rule(9, 0, false)],
            6 => vec![rule(6, 0, true)],
            _ if rng.gen_range(0..4) == 0 => vec![ruled(Verdict::Refuse)],
            _ => vec![rule(12, 0, true)],
        };
        let enough = match rng.gen_range(0..4) {
            0 => vec![],
            1 => vec![Terms { retention_days: 1, ..terms() }],
            2 => vec![Terms { retention_days: 11, ..terms() }],
            _ => vec![Terms { retention_days: 8, ..alternative() }, alternative()],
        };
        let chances = [[0, 20, 50, 90], [0, 10, 30, 60], [0, 3, 10, 30]]
            .map(|chances| chances[rng.gen_range(0..4)]);
        let goes_back = planted == Planted::Nothing && rng.gen_range(0..4) == 0;
        Self {
            world,
            rng,
            goes_back,
            wire,
            planted,
            subject,
            controller,
            flying: Vec::new(),
            time: NOW,
            rules,
            enough,
            chances,
            calm: false,
            withdrawn: BTreeSet::new(),
            taken: 0,
            kill_at: None,
            seen: Seen::default(),
            trace: None,
        }
    }

    /// To its end. An error says which promise was broken.
    pub(crate) fn go(&mut self) -> Result<(), String> {
        for _ in 0..self.rng.gen_range(5..40) {
            self.storm()?;
            self.check()?;
        }
        self.chances = [0; 3];
        if self.rng.gen_bool(0.5) {
            self.cut()?;
        }
        self.calm = true;
        for _ in 0..100 {
            self.time = self.time.plus(6 * 3600);
            for side in [Side::Subject, Side::Controller] {
                self.event(side, Event::Tick)?;
            }
            for (to, message) in std::mem::take(&mut self.flying) {
                self.deliver(to, message)?;
            }
            self.check()?;
            let open = [&self.subject, &self.controller].map(|one| one.live.outcome().is_none());
            if self.flying.is_empty() && open == [false; 2] {
                break;
            }
        }
        self.meet_again()?;
        let (hers, theirs) = (self.subject.live.outcome(), self.controller.live.outcome());
        let gave = matches!(self.subject.live.said().last(), Some(Message::Grant(_)));
        if self.is_restored() && hers.is_none() && gave {
            // A gateway that knows nothing of it, or that she told no before, answers nothing; it ends with the grant.
            return Ok(());
        }
        // Of what never arrived a gateway knows nothing.
        let unheard = self.controller.live.said().is_empty();
        let theirs = if unheard { theirs.or(Some(Outcome::Lapsed)) } else { theirs };
        let (Some(hers), Some(theirs)) = (hers, theirs) else {
            return Err(format!("not over for both: hers {hers:?}, theirs {theirs:?}"));
        };
        for outcome in [hers, theirs] {
            match outcome {
                Outcome::Settled { .. } => self.seen.settled += 1,
                Outcome::Refused { .. } => self.seen.refused += 1,
                Outcome::Lapsed => self.seen.lapsed += 1,
            }
        }
        let turn = self.subject.live.proposal().map_or(0, |one| one.payload().turn);
        self.seen.turns[usize::from(turn)] += 1;
        Ok(())
    }

    /// Nothing arrives any more, for longer than anything stands.
    fn cut(&mut self) -> Result<(), String> {
        self.flying.clear();
        self.calm = true;
        for _ in 0..7 {
            self.time = self.time.plus(DAY_SECONDS);
            for side in [Side::Subject, Side::Controller] {
                self.event(side, Event::Tick)?;
            }
            self.flying.clear();
            self.check()?;
        }
        let gave = matches!(self.subject.live.said().last(), Some(Message::Grant(_)));
        let open = [&self.subject, &self.controller].map(|one| one.live.outcome().is_none());
        if open[1] && !self.controller.live.said().is_empty() || open[0] && self.begun() && !gave {
            return Err(format!("open long after everything expired: {open:?}"));
        }
        Ok(())
    }

    /// The next time the two have to do with each other, whatever about: she hears of a grant that the shop holds.
    fn meet_again(&mut self) -> Result<(), String> {
        if let Some(Outcome::Settled { grant }) = self.controller.live.outcome() {
            let known = self.subject.live.outcome() == Some(Outcome::Settled { grant });
            if !known && !self.withdrawn.contains(&grant) {
                let told = self.controller.live.said().last().cloned();
                let told = told.ok_or("settled without a word")?;
                self.deliver(Side::Subject, told.clone())?;
                // She may have been killed while she heard it, and then they meet once more.
                let known = self.subject.live.outcome() == Some(Outcome::Settled { grant });
                if !known && !self.withdrawn.contains(&grant) {
                    self.deliver(Side::Subject, told)?;
                }
            }
            let known = self.subject.live.outcome() == Some(Outcome::Settled { grant });
            if !known && !self.withdrawn.contains(&grant) {
                return Err("the shop holds a grant that she takes to be over".to_owned());
            }
        }
        Ok(())
    }

    fn begun(&self) -> bool {
        !self.subject.live.said().is_empty()
    }

    /// One thing that may happen at any time.
    fn storm(&mut self) -> Result<(), String> {
        match self.rng.gen_range(0..10) {
            0..=4 if !self.flying.is_empty() => {
                // Any of them: order means nothing.
                let index = self.rng.gen_range(0..self.flying.len());
                let (to, message) = if self.happens(1) {
                    self.seen.doubled += 1;
                    self.flying[index].clone()
                } else {
                    self.flying.swap_remove(index)
                };
                if self.happens(0) {
                    self.seen.lost += 1;
                    return Ok(());
                }
                self.deliver(to, message)
            }
            5 => {
                // Multiples of each other, so that what expires is often met in its very second.
                let some = [6 * 3600, 6 * 3600, DAY_SECONDS, STANDS];
                self.time = self.time.plus(some[self.rng.gen_range(0..some.len())]);
                Ok(())
            }
            6 => {
                let side = self.some_side();
                match self.rng.gen_range(0..8) {
                    0 => {
                        let party = self.party(side);
                        party.backup = party.disk.clone();
                        Ok(())
                    }
                    1 if self.goes_back => {
                        self.seen.restored += 1;
                        let party = self.party(side);
                        party.disk = party.backup.clone();
                        party.restored = true;
                        self.restart(side)
                    }
                    _ => self.restart(side),
                }
            }
            _ => {
                let side = self.some_side();
                self.event(side, Event::Tick)
            }
        }
    }

    fn some_side(&mut self) -> Side {
        if self.rng.gen_bool(0.6) { Side::Subject } else { Side::Controller }
    }

    fn happens(&mut self, what: usize) -> bool {
        self.rng.gen_range(0..100) < self.chances[what]
    }

    fn party(&mut self, side: Side) -> &mut Party {
        match side {
            Side::Subject => &mut self.subject,
            Side::Controller => &mut self.controller,
        }
    }

    fn now(&mut self, side: Side) -> Timestamp {
        self.time.plus(self.party(side).ahead)
    }

    fn note(&mut self, line: impl FnOnce() -> String) {
        let time = self.time.as_unix_seconds() - NOW.as_unix_seconds();
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{time:>8} {}", line()));
        }
    }

    fn deliver(&mut self, to: Side, message: Message) -> Result<(), String> {
        let message = self.travel(message)?;
        self.event(to, Event::Hear(message))
    }

    fn travel(&self, message: Message) -> Result<Message, String> {
        match self.wire {
            Wire::Values => Ok(message),
            Wire::Bytes => {
                let read =
                    UnverifiedMessage::parse(message.as_bytes()).map_err(|e| e.to_string())?;
                read.verify(self.subject.live.matter()).map_err(|e| e.to_string())
            }
        }
    }

    /// Started again: only what was written down is known.
    fn restart(&mut self, side: Side) -> Result<(), String> {
        self.seen.kills += 1;
        self.note(|| format!("{side:?} is killed"));
        let Disk { said, closed } = self.party(side).disk.clone();
        let said = said.into_iter().map(|one| self.travel(one)).collect::<Result<Vec<_>, _>>()?;
        let (request, matter) = (self.world.request.clone(), self.world.matter(7));
        let live = Negotiation::resume(side, request, matter, said, closed);
        self.party(side).live = live.map_err(|e| format!("does not resume: {e:?}"))?;
        Ok(())
    }

    fn event(&mut self, side: Side, event: Event) -> Result<(), String> {
        let now = self.now(side);
        self.note(|| format!("{side:?} {}", told(&event)));
        let hears = matches!(event, Event::Hear(_));
        let signed = match &event {
            Event::Hear(Message::Grant(grant)) if side == Side::Subject => Some(grant.digest()),
            _ => None,
        };
        let mut actions = match self.party(side).live.handle(event, now) {
            Ok(actions) => actions,
            // Only a clock may be wrong between two that follow the rules.
            Err(NegotiationError::Future) => return Ok(()),
            // Of what was said before a backup was restored.
            Err(error) if hears && self.is_restored() => {
                // What both signed and no negotiation of hers knows, the program withdraws.
                self.withdrawn.extend(signed.filter(|_| error == NegotiationError::Matter));
                return Ok(());
            }
            Err(error) => return Err(format!("{side:?}: {error:?}")),
        };
        if self.planted == Planted::SendsFirst && side == Side::Controller {
            actions.sort_by_key(|action| !matches!(action, Action::Send(_)));
        }
        for action in actions {
            let last = self.party(side).disk.said.last().map_or("nothing", word);
            let step = (side == Side::Subject, last, next(&action));
            let number = self.taken;
            self.taken += 1;
            self.seen.steps.entry(step).or_insert(number);
            if self.happens(2) || self.kill_at == Some(number) {
                self.seen.killed.insert(step);
                return self.restart(side);
            }
            self.act(side, action)?;
        }
        Ok(())
    }

    fn act(&mut self, side: Side, action: Action) -> Result<(), String> {
        match action {
            Action::Record(message) => {
                let grant = matches!(message, Message::Grant(_)) && side == Side::Subject;
                if !(grant && self.planted == Planted::ForgetsItGave) {
                    self.party(side).disk.said.push(message);
                }
            }
            Action::Close(outcome) => self.party(side).disk.closed = Some(outcome),
            Action::Withdraw(grant) => {
                self.seen.withdrawn += 1;
                self.withdrawn.insert(grant.digest());
            }
            Action::Send(message) => {
                let to = if side == Side::Subject { Side::Controller } else { Side::Subject };
                // Who calls again and again does not fill the wire.
                if self.flying.len() < 12 {
                    self.flying.push((to, message));
                }
            }
            Action::Refuse(refusal) => {
                let message = self.world.refusal(*refusal);
                return self.event(side, Event::Say(message));
            }
            Action::Decide(due) => {
                if let Some(message) = self.decides(side, due)? {
                    return self.event(side, Event::Say(message));
                }
            }
        }
        Ok(())
    }

    fn decides(&mut self, side: Side, due: Due) -> Result<Option<Message>, String> {
        let now = self.now(side);
        if !self.calm && self.rng.gen_bool(0.3) {
            return Ok(None);
        }
        let negotiation = self.party(side).live.clone();
        match due {
            Due::Begin | Due::AnswerCounter | Due::Give => self.she_decides(&negotiation, due, now),
            Due::AnswerProposal { may_counter } => {
                let said = match reply(&negotiation, &self.enough)
                    .ok_or("no reply to what is due")?
                {
                    Reply::Agree => self.world.agreement(negotiation.agree(now)),
                    Reply::Refuse => self.no(&negotiation, now),
                    Reply::Counter(_) if !may_counter => return Err("a second counter".to_owned()),
                    Reply::Counter(terms) => self.propose(side, &negotiation, terms, now)?,
                };
                Ok(Some(said))
            }
            Due::Countersign if self.rng.gen_bool(0.05) => Ok(Some(self.no(&negotiation, now))),
            Due::Countersign => Ok(Some(self.world.countersigned(&negotiation, now))),
        }
    }

    fn she_decides(
        &mut self,
        negotiation: &Negotiation,
        due: Due,
        now: Timestamp,
    ) -> Result<Option<Message>, String> {
        let decision = decide(negotiation, &self.rules, History::default(), now);
        let said = match decision.ok_or("no decision on what is due")? {
            // What is asked, word for word, and yet with a number of its own: here it is proposed.
            Decision::Give { .. } if due == Due::Begin => {
                self.propose(Side::Subject, negotiation, terms(), now)?
            }
            Decision::Give { .. } => self.world.grant(negotiation, now),
            Decision::Refuse { .. } => self.no(negotiation, now),
            Decision::Propose { terms, .. } => {
                self.check_narrow(negotiation, &terms)?;
                self.propose(Side::Subject, negotiation, terms, now)?
            }
            Decision::Silent(_) => return Ok(None),
            // A person: says yes, no, or something narrower.
            Decision::Ask { .. } => match self.rng.gen_range(0..3) {
                0 => self.no(negotiation, now),
                1 if due != Due::Give => {
                    let last = negotiation.proposal().map(|one| one.payload().terms.clone());
                    let mut terms = last.unwrap_or_else(terms);
                    terms.frequency_per_day = terms.frequency_per_day.saturating_sub(1).max(1);
                    terms.retention_days = terms.retention_days.saturating_sub(1).max(1);
                    self.propose(Side::Subject, negotiation, terms, now)?
                }
                _ if due == Due::Begin => self.propose(Side::Subject, negotiation, terms(), now)?,
                _ => self.world.grant(negotiation, now),
            },
        };
        Ok(Some(said))
    }

    /// What the policy says asks no more than what it answers, and lies below the rule.
    fn check_narrow(&self, negotiation: &Negotiation, terms: &Terms) -> Result<(), String> {
        let answered: Vec<&Terms> = match negotiation.proposal() {
            Some(counter) => vec![&counter.payload().terms],
            None => self.world.request.payload().options().collect(),
        };
        let narrow =
            |option: &&Terms| terms.asks_no_more_than(option) && terms.benefit == option.benefit;
        let ruled = self.rules.iter().any(|rule| match &rule.verdict {
            Verdict::Give { bounds, .. } => terms.retention_days <= bounds.retention_days,
            Verdict::Refuse => false,
        });
        if answered.iter().any(narrow) && ruled {
            Ok(())
        } else {
            Err(format!("widened: {terms:?}"))
        }
    }

    fn no(&mut self, negotiation: &Negotiation, now: Timestamp) -> Message {
        self.world.refusal(negotiation.refuse(RefusalReason::Declined, now))
    }

    fn propose(
        &mut self,
        by: Side,
        negotiation: &Negotiation,
        terms: Terms,
        now: Timestamp,
    ) -> Result<Message, String> {
        let proposal = negotiation.propose(terms, STANDS, now).ok_or("no proposal is due")?;
        Ok(self.world.proposal(by, proposal))
    }

    /// What holds at every moment.
    fn check(&mut self) -> Result<(), String> {
        if self.planted == Planted::GivesUp {
            let stood = self.subject.live.proposal().map(|one| one.payload().expires);
            let gave = matches!(self.subject.live.said().last(), Some(Message::Grant(_)));
            if gave && self.subject.live.outcome().is_none() && stood < Some(self.time) {
                self.subject.disk.closed = Some(Outcome::Lapsed);
                self.restart(Side::Subject)?;
            }
        }
        let (hers, theirs) = (self.subject.live.outcome(), self.controller.live.outcome());
        match (hers, theirs) {
            // What the two hold is looked at when they meet again.
            _ if self.is_restored() => self.check_grants(),
            (_, Some(Outcome::Settled { grant })) if self.withdrawn.contains(&grant) => {
                self.check_grants()
            }
            (Some(Outcome::Settled { grant }), Some(Outcome::Settled { grant: other }))
                if grant != other =>
            {
                Err("two grants".to_owned())
            }
            (Some(Outcome::Settled { .. }), Some(Outcome::Refused { .. } | Outcome::Lapsed))
            | (Some(Outcome::Refused { .. } | Outcome::Lapsed), Some(Outcome::Settled { .. })) => {
                Err(format!("contradiction: hers {hers:?}, theirs {theirs:?}"))
            }
            _ => self.check_grants(),
        }
    }

    const fn is_restored(&self) -> bool {
        self.subject.restored || self.controller.restored
    }

    /// Whatever both signed asks no more than the request, and stands in both transcripts alike.
    fn check_grants(&self) -> Result<(), String> {
        for party in [&self.subject, &self.controller] {
            let Some(Outcome::Settled { .. }) = party.live.outcome() else { continue };
            let Some(Message::Grant(grant)) = party.live.said().last() else {
                return Err(format!("{:?} settled without a grant", party.side));
            };
            let terms = &grant.payload().terms;
            if !terms.asks_no_more_than(&self.world.request.payload().terms) {
                return Err("a grant of more than was asked".to_owned());
            }
            if grant.payload().proposal != party.live.proposal().map(Verified::digest) {
                return Err("a grant of another proposal".to_owned());
            }
        }
        Ok(())
    }
}
