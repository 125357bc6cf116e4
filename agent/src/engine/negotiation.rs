//! Her side of a negotiation: the machine of the protocol, run over what stands in the vault.
//! `spec/negotiation.md#both-sides`.
//!
//! Each message is written down before it leaves or is acted on, so a program that starts again goes on from what it wrote.

use std::collections::{BTreeSet, VecDeque};

use besace_protocol::{
    consent::{ConsentRequest, Grant, GrantState, Guess, Indication, Notice, Terms},
    document::{Document, Unverified, Verified, sign},
    id::{GrantId, NegotiationId, RequestId},
    jws::Role,
    negotiation::{
        Action, Decision, Due, Event, Matter, Message, Negotiation, Outcome, RefusalReason, Side,
        UnverifiedMessage, decide,
    },
    party::ControllerId,
    time::{DAY_SECONDS, Timestamp},
    wire::{Attested, NEGOTIATIONS_PATH, Negotiate, Negotiated},
};

use super::{
    BeyondRule, Engine,
    consent::verify_given,
    decisions::beyond,
    giving::Giving,
    step::{PreparedCall, StepError, answer, check_attested, retailer_log_key},
};
use crate::vault::{Ended, GivingRule, Pseudonym, StoredGrant, StoredNegotiation};

/// How long a proposal of hers stands, in seconds.
const PROPOSAL_SECONDS: u64 = 7 * DAY_SECONDS;

/// What leaves next in a negotiation.
#[derive(Debug)]
pub struct Talk {
    /// In which.
    pub negotiation: NegotiationId,
    /// The grant that it is, if it is one: it leaves in a turn of its own.
    pub grant: Option<GrantId>,
    /// The call.
    pub call: PreparedCall,
}

/// What a retailer answered to a proposal of hers, and waits for her decision.
#[derive(Clone, Debug)]
pub struct OpenCounter {
    /// In which negotiation.
    pub id: NegotiationId,
    /// What was asked first.
    pub request: Verified<ConsentRequest>,
    /// What stands now.
    pub terms: Terms,
    /// Until when it may be answered.
    pub expires: Timestamp,
    /// The name over the shop's door.
    pub display_name: String,
    /// What is told before.
    pub notice: Notice,
    /// What could be guessed of who says yes.
    pub guesses: Vec<Guess>,
    /// In what it goes beyond her rules.
    pub beyond: Vec<BeyondRule>,
}

/// What she answers by hand.
#[derive(Clone, Copy, Debug)]
enum Hand {
    Yes(Indication),
    No,
}

impl Engine {
    /// Begins to negotiate about a request with terms that a rule allows. Nothing is done where it was negotiated before.
    pub(super) fn begin_negotiation(
        &self,
        request: &Verified<ConsentRequest>,
        terms: Terms,
    ) -> Result<(), StepError> {
        let asked = request.payload();
        let vault = self.vault()?;
        if vault.negotiations()?.iter().any(|one| one.request == asked.id) {
            return Ok(());
        }
        self.check_giving(request)?;
        let pseudonym = self.pseudonym(&asked.controller)?;
        // The retailer does not know her under this key yet.
        if self.is_going_on(pseudonym.generation)? {
            return Ok(());
        }
        let keys = self.pairwise(&pseudonym)?;
        let id = NegotiationId::generate(&mut self.rng());
        let matter = Matter::of(request, id, keys.signing.verifying_key());
        let mut machine = Negotiation::open(Side::Subject, request.clone(), matter)
            .map_err(|_| StepError::Make)?;
        let now = self.now();
        let proposal = machine.propose(terms, PROPOSAL_SECONDS, now).ok_or(StepError::Make)?;
        let said: Message = self.signed(&pseudonym, proposal)?.into();
        let jws = said.as_bytes().to_vec();
        machine.handle(Event::Say(said), now).map_err(|_| StepError::Make)?;
        vault.begin_negotiation(StoredNegotiation {
            id,
            request: asked.id,
            generation: pseudonym.generation,
            domain: asked.controller.clone(),
            purpose: asked.terms.purpose,
            subject_key: keys.signing.verifying_key(),
            begun_at: now,
            stopped_at: None,
            ended: None,
            delivered: false,
            said: vec![jws],
        })?;
        Ok(())
    }

    /// Whether a request is being negotiated about, or was settled: then it is not asked besides.
    pub(super) fn negotiated(&self) -> Result<Vec<RequestId>, StepError> {
        let under_way = |one: &StoredNegotiation| matches!(one.ended, None | Some(Ended::Settled));
        let all = self.negotiations_in_use()?;
        Ok(all.into_iter().filter(under_way).map(|one| one.request).collect())
    }

    /// Negotiations with `domain` in which something may be due, the oldest first.
    pub fn due_negotiations(&self, domain: &ControllerId) -> Result<Vec<NegotiationId>, StepError> {
        let due = |one: &StoredNegotiation| {
            one.domain == *domain
                && match one.ended {
                    None => true,
                    Some(Ended::Refused(Side::Subject, _)) => !one.delivered,
                    Some(Ended::Refused(Side::Controller, _) | Ended::Settled | Ended::Lapsed) => {
                        false
                    }
                }
        };
        let mut all = Vec::new();
        for one in self.negotiations_in_use()?.into_iter().filter(due) {
            if !self.is_taken_back(&one)? {
                all.push(one.id);
            }
        }
        Ok(all)
    }

    /// Goes on with a negotiation: what is to be said now, by her rules or because it was not answered yet.
    pub fn negotiate(&self, id: NegotiationId) -> Result<Option<Talk>, StepError> {
        self.follows_its_clock()?;
        let stored = self.vault()?.negotiation(id)?.ok_or(StepError::RequestClosed)?;
        self.log_stands(&stored.domain)?;
        let pseudonym = self.pseudonym_of(stored.generation)?;
        // Under another key she is somebody else to it: what was said is over (`spec/negotiation.md#both-sides`).
        let same_key = self.pairwise(&pseudonym)?.signing.verifying_key() == stored.subject_key;
        if stored.ended.is_none() && !same_key {
            self.vault()?.end_negotiation(id, Ended::Lapsed, self.now())?;
            return Ok(None);
        }
        if self.is_going_on(stored.generation)? {
            return Ok(None);
        }
        let next = self.run(&stored, Event::Tick, None)?;
        // By now the other side ended by itself, whether it heard her no or not.
        if next.is_none() && matches!(stored.ended, Some(Ended::Refused(Side::Subject, _))) {
            self.vault()?.deliver_refusal(id, self.now())?;
        }
        Ok(next)
    }

    /// Takes the answer to what was said, which the retailer proves to stand in its log; what leaves next, if anything.
    pub fn accept_negotiated(
        &self,
        id: NegotiationId,
        bytes: &[u8],
    ) -> Result<Option<Talk>, StepError> {
        let answer: Negotiated = answer(bytes)?;
        let stored = self.vault()?.negotiation(id)?.ok_or(StepError::RequestClosed)?;
        let machine = self.resume(&stored)?;
        let heard = answer.message.as_ref().map(|said| verified(said, &machine)).transpose()?;
        let manifest = self.manifest(&stored.domain)?;
        let log = retailer_log_key(manifest.payload());
        // The proof that her own proposal counted: without it no auditor could tell what a grant was made from.
        let said_by_her = machine.said().iter().rev().find(|said| said.by() == Side::Subject);
        let goes_on = matches!(heard, Some(Message::Agreement(_) | Message::Proposal(_)));
        let shown_hers = match &answer.heard {
            Some(said) => {
                Some(verified(said, &machine)?.digest()) == said_by_her.map(Message::digest)
            }
            None => false,
        };
        if goes_on && !shown_hers {
            return Err(StepError::Answer);
        }
        let mut shown = Vec::new();
        for said in answer.heard.iter().chain(&answer.message) {
            let (kind, grant) = kind_of(&verified(said, &machine)?);
            shown.push(check_attested(said, &log, &stored.domain, grant, kind, self.now())?);
        }
        // A grant that both signed, and that went away with what a backup does not hold: kept, so that it is withdrawn.
        let unknown = match &heard {
            Some(Message::Grant(grant)) => self.vault()?.grant(grant.payload().id)?.is_none(),
            _ => false,
        };
        let adopted = match &heard {
            Some(Message::Grant(grant))
                if unknown && grant.signed_at(Role::Controller).is_some() =>
            {
                self.adopt(&stored, grant)?;
                true
            }
            _ => false,
        };
        self.keep_evidence(shown)?;
        if matches!(stored.ended, Some(Ended::Refused(Side::Subject, _))) {
            self.vault()?.deliver_refusal(id, self.now())?;
        }
        let Some(message) = heard else { return Ok(None) };
        if adopted {
            // What is known here was said before the grant, and is nothing to go on from.
            if stored.ended.is_none() {
                self.vault()?.end_negotiation(id, Ended::Lapsed, self.now())?;
            }
            return Ok(None);
        }
        self.run(&stored, Event::Hear(message), None)
    }

    /// The retailer knows nothing of the negotiation, or of its request, any more: it is over.
    pub fn accept_no_negotiation(&self, id: NegotiationId) -> Result<(), StepError> {
        let (vault, now) = (self.vault()?, self.now());
        vault.end_negotiation(id, Ended::Lapsed, now)?;
        Ok(vault.deliver_refusal(id, now)?)
    }

    /// Grants to `domain` that she signed in a negotiation which did not end with both signatures: they are withdrawn, so
    /// that no end of the retailer's contradicts hers. Never one that her hand gave to a request word for word.
    pub fn orphans(&self, domain: &ControllerId) -> Result<Vec<GrantId>, StepError> {
        let negotiations = self.vault()?.negotiations()?;
        let mut orphans = Vec::new();
        for stored in self.vault()?.grants()? {
            let lives = matches!(stored.state, GrantState::Given | GrantState::Active);
            if stored.domain != *domain || !lives {
                continue;
            }
            let grant = Unverified::<Grant>::parse(&stored.jws).map_err(StepError::Document)?;
            if grant.claimed().proposal.is_none() {
                continue;
            }
            let grant = verify_given(grant)?;
            let made_it = |one: &StoredNegotiation| {
                matches!(one.ended, None | Some(Ended::Settled))
                    && one.said.iter().any(|said| is_grant(said, &grant))
            };
            if !negotiations.iter().any(made_it) {
                orphans.push(stored.id);
            }
        }
        Ok(orphans)
    }

    /// Grants that she said in negotiations which the retailer ended, or let end, before it signed them.
    pub(super) fn unanswered_grants(&self) -> Result<BTreeSet<GrantId>, StepError> {
        let over = |one: &StoredNegotiation| {
            matches!(one.ended, Some(Ended::Refused(Side::Controller, _) | Ended::Lapsed))
        };
        let negotiations = self.vault()?.negotiations()?.into_iter().filter(over);
        let grants = negotiations.flat_map(|one| one.said);
        let grants = grants.filter_map(|said| Unverified::<Grant>::parse(&said).ok());
        let unsigned = grants.filter(|grant| grant.claimed_key(Role::Controller).is_none());
        Ok(unsigned.map(|grant| grant.claimed().id).collect())
    }

    /// What retailers answered to proposals, and no rule decides.
    pub fn open_counters(&self) -> Result<Vec<OpenCounter>, StepError> {
        let mut open = Vec::new();
        if self.minor_until()?.is_some() {
            return Ok(open);
        }
        let past = self.past()?;
        for stored in self.vault()?.negotiations()? {
            if stored.ended.is_some() || stored.stopped_at.is_some() {
                continue;
            }
            let machine = match self.resume(&stored) {
                Ok(machine) => machine,
                Err(error @ StepError::Engine(_)) => return Err(error),
                // One that cannot be read hides itself, and not what she may take back.
                Err(_) => continue,
            };
            let due = matches!(machine.due(), Some(Due::AnswerCounter | Due::Give));
            let (true, Some(proposal)) = (due, machine.proposal()) else { continue };
            let asked = machine.request().payload();
            let stands = proposal.payload();
            let Some(notice) = self.notice_of(machine.request())? else { continue };
            if self.now() >= stands.expires {
                continue;
            }
            // Of what asks less no more can be guessed.
            let guesses = match self.mirror(asked) {
                Ok(guesses) => guesses,
                Err(StepError::Mirror(_)) => continue,
                Err(error) => return Err(error),
            };
            let history = past.history(asked.id, &stored.domain, stored.purpose, self.now());
            let decision = decide(&machine, past.rules(), history, self.now());
            let manifest = self.manifest(&stored.domain)?;
            open.push(OpenCounter {
                id: stored.id,
                request: machine.request().clone(),
                terms: stands.terms.clone(),
                expires: stands.expires,
                display_name: manifest.payload().legal.display_name.clone(),
                notice,
                guesses,
                beyond: decision.as_ref().map(beyond).unwrap_or_default(),
            });
        }
        Ok(open)
    }

    /// With whom she negotiates.
    pub fn negotiating(&self, id: NegotiationId) -> Result<ControllerId, StepError> {
        let stored = self.vault()?.negotiation(id)?;
        Ok(stored.ok_or(StepError::RequestClosed)?.domain)
    }

    /// Says yes to what stands in a negotiation: signs the grant and keeps it, then gives what tells the retailer.
    pub fn give_counter(
        &self,
        id: NegotiationId,
        indication: Indication,
    ) -> Result<Option<Talk>, StepError> {
        self.answer_by_hand(id, Hand::Yes(indication))
    }

    /// Says no to what stands in a negotiation. The purpose is not shown again for six months.
    pub fn refuse_counter(&self, id: NegotiationId) -> Result<Option<Talk>, StepError> {
        let stored = self.vault()?.negotiation(id)?.ok_or(StepError::RequestClosed)?;
        self.refuse(stored.request)?;
        match self.answer_by_hand(id, Hand::No) {
            // It was over by itself: her no counts all the same.
            Err(StepError::RequestClosed) => Ok(None),
            said => said,
        }
    }

    fn answer_by_hand(&self, id: NegotiationId, hand: Hand) -> Result<Option<Talk>, StepError> {
        self.follows_its_clock()?;
        let stored = self.vault()?.negotiation(id)?.ok_or(StepError::RequestClosed)?;
        let machine = self.resume(&stored)?;
        let open =
            stored.ended.is_none() && matches!(machine.due(), Some(Due::AnswerCounter | Due::Give));
        if !open {
            return Err(StepError::RequestClosed);
        }
        let talk = self.run(&stored, Event::Tick, Some(hand))?;
        // Time ran out, or she did something else meanwhile.
        if talk.is_none() { Err(StepError::RequestClosed) } else { Ok(talk) }
    }

    /// The machine as it stands after everything that was written down.
    fn resume(&self, stored: &StoredNegotiation) -> Result<Negotiation, StepError> {
        let vault = self.vault()?;
        let asked = vault.request(stored.request)?.ok_or(StepError::RequestClosed)?;
        let manifest = self.manifest(&stored.domain)?;
        let request = Unverified::<ConsentRequest>::parse(&asked.jws)
            .map_err(StepError::Document)?
            .verify(&[(Role::Controller, &manifest.payload().controller_key)])
            .map_err(StepError::Signature)?;
        let matter = Matter::of(&request, stored.id, stored.subject_key);
        let mut said = Vec::new();
        for jws in &stored.said {
            let message = UnverifiedMessage::parse(jws).map_err(|_| StepError::Answer)?;
            said.push(message.verify(&matter).map_err(|_| StepError::Answer)?);
        }
        let closed = stored.ended.and_then(|ended| match ended {
            // Which grant it is, the transcript says.
            Ended::Settled => None,
            Ended::Refused(by, reason) => Some(Outcome::Refused { by, reason }),
            Ended::Lapsed => Some(Outcome::Lapsed),
        });
        Negotiation::resume(Side::Subject, request, matter, said, closed)
            .map_err(|_| StepError::Answer)
    }

    /// Lets the machine hear of `event`, and does what it says, in that order.
    fn run(
        &self,
        stored: &StoredNegotiation,
        event: Event,
        mut hand: Option<Hand>,
    ) -> Result<Option<Talk>, StepError> {
        let (vault, now) = (self.vault()?, self.now());
        let mut machine = self.resume(stored)?;
        // What was written down last ended it, and that was not.
        if let (None, Some(outcome)) = (stored.ended, machine.outcome()) {
            vault.end_negotiation(stored.id, outcome.into(), now)?;
        }
        let given = matches!(machine.said().last(), Some(Message::Grant(_)));
        let over = machine.outcome().is_some() || given;
        let stopped = !over
            && (stored.stopped_at.is_some()
                || (hand.is_none() && !self.may_go_on(machine.request())?));
        let event = match event {
            // What was proposed and not answered is not said any more.
            Event::Tick if stopped && hand.is_none() => Event::Say(self.no(stored, &machine)?),
            event => event,
        };
        let actions = machine.handle(event, now).map_err(|_| StepError::Answer)?;
        let mut work = VecDeque::from(actions);
        let mut leaves = None;
        let mut giving = None;
        while let Some(action) = work.pop_front() {
            match action {
                Action::Record(message) => {
                    let kept = match &message {
                        Message::Grant(_) if message.by() == Side::Subject => {
                            let giving: Giving = giving.take().ok_or(StepError::Make)?;
                            let number = number_of(&machine, &message);
                            self.keep_given(giving, Some((stored.id, number)))?
                        }
                        _ => self.write_down(stored, &machine, &message)?,
                    };
                    // Somebody else went on with it, or she did something by hand.
                    if !kept {
                        return Ok(None);
                    }
                }
                Action::Send(message) => leaves = Some(message),
                Action::Decide(due) => {
                    let said = match (due, hand.take()) {
                        // What stands as the first word was written down when it began.
                        (Due::Begin | Due::AnswerProposal { .. } | Due::Countersign, _) => None,
                        (Due::AnswerCounter | Due::Give, Some(Hand::No)) => {
                            Some(self.no(stored, &machine)?)
                        }
                        (Due::AnswerCounter | Due::Give, Some(Hand::Yes(indication))) => {
                            Some(self.yes(stored, &machine, indication, None, &mut giving)?)
                        }
                        (Due::AnswerCounter | Due::Give, None) => {
                            self.by_rule(stored, &machine, &mut giving)?
                        }
                    };
                    if let Some(said) = said {
                        let next = machine.handle(Event::Say(said), now);
                        work.extend(next.map_err(|_| StepError::RequestClosed)?);
                    }
                }
                Action::Refuse(refusal) => {
                    let pseudonym = self.pseudonym_of(stored.generation)?;
                    let said = self.signed(&pseudonym, *refusal)?;
                    let next = machine.handle(Event::Say(said.into()), now);
                    work.extend(next.map_err(|_| StepError::Answer)?);
                }
                Action::Withdraw(grant) => self.adopt(stored, &grant)?,
                Action::Close(outcome) => vault.end_negotiation(stored.id, outcome.into(), now)?,
            }
        }
        leaves.map(|message| self.talk(stored, &message)).transpose()
    }

    /// Whether what `request` asks could be given still. Where it could not, nothing is said but a no.
    fn may_go_on(&self, request: &Verified<ConsentRequest>) -> Result<bool, StepError> {
        match self.check_giving(request) {
            // Of one that is closed the time runs out by itself.
            Ok(()) | Err(StepError::RequestClosed) => Ok(true),
            Err(error) if error.is_of_the_request() => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn write_down(
        &self,
        stored: &StoredNegotiation,
        machine: &Negotiation,
        message: &Message,
    ) -> Result<bool, StepError> {
        if let Message::Grant(grant) = message {
            // Before it is written down: killed in between, it is heard again. One that she took back meanwhile stays so.
            let passed = self.activate(grant)?;
            let waits = |grant: StoredGrant| grant.state == GrantState::Given;
            // What the gate does not let live is not settled: it is heard again, or its time runs out.
            if passed.is_none() && self.vault()?.grant(grant.payload().id)?.is_some_and(waits) {
                return Ok(false);
            }
        }
        let number = number_of(machine, message);
        let jws = message.as_bytes().to_vec();
        Ok(self.vault()?.say_in_negotiation(stored.id, number, jws)?)
    }

    /// What her rules say to a counter, or to an agreement.
    fn by_rule(
        &self,
        stored: &StoredNegotiation,
        machine: &Negotiation,
        giving: &mut Option<Giving>,
    ) -> Result<Option<Message>, StepError> {
        if stored.stopped_at.is_some() || !self.may_go_on(machine.request())? {
            return self.no(stored, machine).map(Some);
        }
        let (past, now) = (self.past()?, self.now());
        let history = past.history(stored.request, &stored.domain, stored.purpose, now);
        let Some(decision) = decide(machine, past.rules(), history, now) else { return Ok(None) };
        self.vault()?.put_decision(stored.request, decision.clone(), now)?;
        match decision {
            Decision::Give { by } => {
                let rule = GivingRule::of(by, &mut self.rng());
                let indication = rule.indication();
                self.yes(stored, machine, indication, Some(rule), giving).map(Some)
            }
            Decision::Propose { terms, .. } => {
                let proposal = machine.propose(terms, PROPOSAL_SECONDS, now);
                let pseudonym = self.pseudonym_of(stored.generation)?;
                let said = self.signed(&pseudonym, proposal.ok_or(StepError::Make)?)?;
                Ok(Some(said.into()))
            }
            Decision::Refuse { .. } => self.no(stored, machine).map(Some),
            Decision::Ask { .. } | Decision::Silent(_) => Ok(None),
        }
    }

    fn no(&self, stored: &StoredNegotiation, machine: &Negotiation) -> Result<Message, StepError> {
        let pseudonym = self.pseudonym_of(stored.generation)?;
        let refusal = machine.refuse(RefusalReason::Declined, self.now());
        Ok(self.signed(&pseudonym, refusal)?.into())
    }

    /// The grant of what stands; it is kept when it is written down.
    fn yes(
        &self,
        stored: &StoredNegotiation,
        machine: &Negotiation,
        indication: Indication,
        rule: Option<GivingRule>,
        giving: &mut Option<Giving>,
    ) -> Result<Message, StepError> {
        self.check_giving(machine.request())?;
        let pseudonym = self.pseudonym_of(stored.generation)?;
        let proposal = machine.proposal().ok_or(StepError::Make)?;
        let made =
            self.make_grant(&pseudonym, machine.request(), Some(proposal), indication, rule)?;
        let message = made.signed.clone().into();
        *giving = Some(made);
        Ok(message)
    }

    /// A grant that the retailer holds and the vault does not know: kept, so that it is withdrawn as any other.
    fn adopt(&self, stored: &StoredNegotiation, grant: &Verified<Grant>) -> Result<(), StepError> {
        let given = grant.payload();
        let adopted =
            StoredGrant::given(given, grant.as_bytes().to_vec(), stored.request, stored.generation);
        Ok(self.vault()?.adopt_grant(adopted)?)
    }

    fn talk(&self, stored: &StoredNegotiation, message: &Message) -> Result<Talk, StepError> {
        let pseudonym = self.pseudonym_of(stored.generation)?;
        let body = Negotiate { message: message.as_bytes().to_vec().into() };
        let grant = match message {
            Message::Grant(grant) => Some(grant.payload().id),
            Message::Agreement(_) | Message::Proposal(_) | Message::Refusal(_) => None,
        };
        let call = self.prepare_call(&pseudonym, NEGOTIATIONS_PATH, &body)?;
        Ok(Talk { negotiation: stored.id, grant, call })
    }

    fn signed<D: Document>(
        &self,
        pseudonym: &Pseudonym,
        document: D,
    ) -> Result<Verified<D>, StepError> {
        let keys = self.pairwise(pseudonym)?;
        sign(document, Role::Subject, &keys.signing, self.now()).map_err(|_| StepError::Make)
    }
}

/// Which message of the negotiation it is, from 0.
fn number_of(machine: &Negotiation, message: &Message) -> usize {
    let same = |said: &Message| said.by() == message.by() && said.digest() == message.digest();
    machine.said().iter().position(same).unwrap_or(usize::MAX)
}

fn verified(said: &Attested, machine: &Negotiation) -> Result<Message, StepError> {
    let message =
        UnverifiedMessage::parse(said.document.as_ref()).map_err(|_| StepError::Answer)?;
    message.verify(machine.matter()).map_err(|_| StepError::Answer)
}

/// The word of evidence, and the grant that it is about.
fn kind_of(message: &Message) -> (&'static str, Option<GrantId>) {
    match message {
        Message::Agreement(_) => ("agreement", None),
        Message::Grant(grant) => ("grant", Some(grant.payload().id)),
        Message::Proposal(_) => ("proposal", None),
        Message::Refusal(_) => ("refusal", None),
    }
}

fn is_grant(said: &[u8], grant: &Verified<Grant>) -> bool {
    let said = Unverified::<Grant>::parse(said);
    said.is_ok_and(|said| said.claimed() == grant.payload())
}
