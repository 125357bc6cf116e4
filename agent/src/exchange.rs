//! Exchanges with retailers: what the engine prepared leaves through `net`, what comes back goes to
//! the engine to be verified. No rule of the domain stands here.
//!
//! The engine and its vault block, so each of their steps runs on a thread for blocking work.

mod afresh;
mod ends;
mod evidence;
mod giving;
mod heads;
mod negotiation;
mod restorations;
mod standing;
mod vouchers;

use besace_protocol::{
    consent::Notice,
    id::GrantId,
    offer::catalogue::CATALOGUE_LEN_MAX,
    party::ControllerId,
    problem::ProblemType,
    wire::{CATALOGUE_PATH, MANIFEST_PATH, NOTICES_PATH, REQUESTS_PATH},
};

use self::standing::{said_after_all, said_at_the_end};
use crate::{
    engine::{Delivery, Engine, EngineError, Errand, PreparedCall, StepError, Turn},
    net::{Net, NetError},
    sealed::Held,
    vault::{Direction, JournalEntry},
};

/// Longest answer with a catalogue, in bytes: base64url, and the proof.
pub(crate) const CATALOGUE_ANSWER_MAX: usize = CATALOGUE_LEN_MAX * 2;
/// Longest answer to a call, in bytes.
const ANSWER_LEN_MAX: usize = 4 << 20;
/// Longest answer that is kept for a locked vault, in bytes: two documents with their proofs.
const HELD_ANSWER_LEN_MAX: usize = 64 << 10;
/// Most rounds of one collection: 64 messages each.
const MAIL_ROUNDS_MAX: usize = 64;

/// An exchange that was not done.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// The engine did not prepare it, or did not accept the answer.
    #[error(transparent)]
    Step(#[from] StepError),
    /// The network, or a clear no.
    #[error(transparent)]
    Net(#[from] NetError),
    /// The thread for blocking work broke down.
    #[error("a step broke down")]
    Broken,
}

/// What became of a withdrawal. On her side it is done in either case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WithdrawalOutcome {
    /// The retailer signed that it received it.
    Acknowledged,
    /// It never had the grant: there is nothing to end there.
    NeverReceived,
    /// It does not answer; it will be told again.
    Pending,
}

/// What a refresh brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refreshed {
    /// Offers of the catalogue.
    pub offers: usize,
    /// Offers that were set aside.
    pub offers_refused: usize,
    /// Sets of keys delivered.
    pub keys: usize,
    /// Disclosures delivered.
    pub disclosures: usize,
    /// Messages collected.
    pub mail: usize,
    /// Vouchers issued.
    pub vouchers: usize,
}

/// The agent together with its way out. Clones are the same.
#[derive(Clone, Debug)]
pub struct Exchange {
    engine: Engine,
    net: Net,
}

impl Exchange {
    /// `engine`, going out through `net`.
    pub const fn new(engine: Engine, net: Net) -> Self {
        Self { engine, net }
    }

    /// The engine.
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Lets the vault, if it is open, know the time.
    pub(crate) async fn note_time(&self) {
        // A locked vault learns it when it is opened.
        let _later = self.step(|engine| engine.note_time().map_err(StepError::from)).await;
    }

    /// Retailers she has met, by domain.
    pub async fn domains(&self) -> Result<Vec<ControllerId>, ExchangeError> {
        self.step(Engine::retailer_domains).await
    }

    /// Fetches what a retailer publishes: manifest, requests with notices, catalogue. At first contact
    /// this pins its keys.
    pub async fn meet(&self, domain: &ControllerId) -> Result<Refreshed, ExchangeError> {
        let answer = self.fetch(domain, MANIFEST_PATH, Engine::MANIFEST_ANSWER_MAX, "manifest");
        self.take_manifest(domain, answer.await?).await?;
        self.fetch_requests(domain).await?;
        let answer = self.fetch(domain, CATALOGUE_PATH, CATALOGUE_ANSWER_MAX, "catalogue").await;
        let mut refreshed = Refreshed::default();
        match answer {
            Ok(answer) => {
                let name = domain.clone();
                (refreshed.offers, refreshed.offers_refused) = self
                    .take_public(domain, move |engine| engine.accept_catalogue(&name, &answer))
                    .await?;
            }
            // A retailer need not have offers.
            Err(ExchangeError::Net(NetError::Refused(ProblemType::NotFound))) => {}
            Err(error) => return Err(error),
        }
        Ok(refreshed)
    }

    /// Everything that is due with one retailer, because she asks for it now: [`refresh_as_known`](Self::refresh_as_known),
    /// and the vouchers. Both reach the retailer in one moment.
    pub async fn refresh(&self, domain: &ControllerId) -> Result<Refreshed, ExchangeError> {
        let mut refreshed = self.refresh_as_known(domain).await?;
        refreshed.vouchers = self.ask_for_vouchers(domain, None).await?;
        Ok(refreshed)
    }

    /// Everything that is due with one retailer as who she is to it now: [`meet`](Self::meet), what was not answered
    /// yet, keys, disclosures, mail; and what everybody fetches, keys of vouchers too.
    pub async fn refresh_as_known(
        &self,
        domain: &ControllerId,
    ) -> Result<Refreshed, ExchangeError> {
        let errand = Errand::from(domain);
        let mut refreshed = match self.meet(domain).await {
            Ok(refreshed) => refreshed,
            Err(error) => {
                // What she takes back waits for no catalogue.
                if !matches!(&error, ExchangeError::Net(error) if error.is_unreachable()) {
                    let _told_again_next_time = self.tell_withdrawals(&errand).await;
                    let _told_again_next_time = self.tell_objection(&errand).await;
                    // Nor what is owed to her for it.
                    let _asked_again_tomorrow = self.ask_erasures(&errand).await;
                }
                // What was used under her consents comes home, which no witness can see: a shop keeps it only so long.
                if matches!(&error, ExchangeError::Step(StepError::Unwitnessed)) {
                    let _collected_next_time = self.collect_mail(domain).await;
                }
                return Err(error);
            }
        };
        let gone_on = said_at_the_end(self.go_on(&errand).await)?;
        // What she takes back waits for no comparison either.
        let withdrawn = self.tell_withdrawals(&errand).await;
        let objected = said_after_all(self.tell_objection(&errand).await)?;
        self.take_waiting(domain).await?;
        // One that is not taken holds up nothing else that is due here.
        let withdrawn = said_at_the_end(withdrawn)?;
        let told = self.tell_again(domain).await?;
        let erased = said_after_all(self.ask_erasures(&errand).await)?;
        // First, what may say that there is nothing to deliver under a grant any more.
        let mail = self.collect_waiting(&errand).await;
        (refreshed.keys, refreshed.disclosures) = self.deliver_due(domain).await?;
        refreshed.mail = mail?;
        self.fetch_voucher_keys(domain).await?;
        gone_on.and(withdrawn).and(objected).and(told).and(erased).map(|()| refreshed)
    }

    /// Takes consent back. On her side it is done when this returns, even as
    /// [`WithdrawalOutcome::Pending`].
    pub async fn withdraw(&self, grant: GrantId) -> Result<WithdrawalOutcome, ExchangeError> {
        let call = self.step(move |engine| engine.withdraw(grant)).await?;
        self.tell_withdrawn(grant, call).await
    }

    /// Tells a withdrawal that stands at home. Says what came of it.
    pub async fn tell_withdrawn(
        &self,
        grant: GrantId,
        call: PreparedCall,
    ) -> Result<WithdrawalOutcome, ExchangeError> {
        let (domain, generation) = (call.domain.clone(), call.pseudonym);
        match self.tell_withdrawal(grant, call).await {
            Ok(()) => {
                // What was taken back with it is told too, now or later; by no other pseudonym in the same moment.
                let errand = self.step(move |engine| engine.errand_as(&domain, generation)).await?;
                drop(self.tell_withdrawals(&errand).await);
                Ok(WithdrawalOutcome::Acknowledged)
            }
            Err(ExchangeError::Net(NetError::Refused(ProblemType::GrantMissing))) => {
                let never = self.step(move |engine| engine.accept_missing(grant)).await?;
                let (done, waits) = (WithdrawalOutcome::NeverReceived, WithdrawalOutcome::Pending);
                Ok(if never { done } else { waits })
            }
            Err(ExchangeError::Step(StepError::Engine(error))) => {
                Err(StepError::Engine(error).into())
            }
            Err(_) => Ok(WithdrawalOutcome::Pending),
        }
    }

    /// Delivers keys and disclosures that are due. Says how many of each.
    pub async fn deliver(&self, domain: &ControllerId) -> Result<(usize, usize), ExchangeError> {
        let stands = self.stand(domain).await?;
        let counts = self.deliver_due(domain).await?;
        stands.map(|()| counts)
    }

    async fn deliver_due(&self, domain: &ControllerId) -> Result<(usize, usize), ExchangeError> {
        let name = domain.clone();
        let due = move |engine: &Engine| {
            engine.finish_delegated()?;
            engine.due_releases(&name)
        };
        let keys = self.step(due).await?;
        let name = domain.clone();
        let data = self.step(move |engine| engine.due_disclosures(&name)).await?;
        let (mut counts, mut refused) = ((0_usize, 0_usize), Ok(()));
        for (delivery, call) in keys.into_iter().chain(data) {
            // She may have withdrawn since the calls were prepared: what waits must not leave any more.
            let taken = move |engine: &Engine| {
                engine.turn_to_deliver(delivery, &call).map(|turn| turn.map(|turn| (turn, call)))
            };
            let Some((turn, call)) = self.step(taken).await? else { continue };
            let answer = match self.send(&turn, call, kind_of(delivery)).await {
                Ok(Some(answer)) => answer,
                Ok(None) => continue,
                // One that is not taken holds up no other, least of all what she takes back.
                Err(error @ ExchangeError::Net(NetError::Refused(_))) => {
                    refused = refused.and(Err(error));
                    continue;
                }
                Err(error) => return Err(error),
            };
            let name = domain.clone();
            self.take_in_turn(domain, turn, move |engine| {
                engine.accept_delivery(&name, delivery, &answer)
            })
            .await?;
            let count = match delivery {
                Delivery::Keys { .. } => &mut counts.0,
                Delivery::Data { .. } => &mut counts.1,
            };
            *count = count.saturating_add(1);
        }
        refused.map(|()| counts)
    }

    /// Retailers to whom something waits in the outbox.
    pub async fn held_domains(&self) -> Result<Vec<ControllerId>, ExchangeError> {
        self.step(Engine::held_retailers).await
    }

    /// Writes down what must leave while the vault is locked.
    pub async fn hold(&self) -> Result<usize, ExchangeError> {
        self.step(Engine::refresh_outbox).await
    }

    /// While the vault is locked: sends what was signed for `domain` before it was. Says how much arrived. What is
    /// not answered waits; one that is refused holds up no other.
    pub async fn send_held(&self, domain: &ControllerId) -> Result<usize, ExchangeError> {
        let name = domain.clone();
        let waiting = self.step(move |engine| engine.held_for(&name)).await?;
        self.send_waiting(domain, waiting).await
    }

    async fn send_waiting(
        &self,
        domain: &ControllerId,
        waiting: Vec<Held>,
    ) -> Result<usize, ExchangeError> {
        let (mut sent, mut failed) = (0_usize, Ok(()));
        for held in waiting {
            // It may have been cleared, or the vault opened, since: then it is not for us to send.
            let one = held.clone();
            let turn =
                self.step(move |engine| Ok::<_, StepError>(engine.turn_to_send_held(&one))).await?;
            let (Some(turn), Some(path)) = (turn, held.path()) else { continue };
            let call = held.call.clone();
            let call = self.net.call(&held.pseudonym, domain, path, call, HELD_ANSWER_LEN_MAX);
            // The vault was opened, and she withdrew.
            let Some(answer) = turn.send(call).await else { continue };
            let answer = match answer {
                Ok(answer) => Some(answer),
                // It was received before, and the answer was lost; or it never will be taken.
                Err(NetError::Refused(problem)) if is_final(problem) => None,
                Err(error @ NetError::Unreachable { .. }) => return Err(error.into()),
                Err(error) => {
                    failed = Err(error.into());
                    continue;
                }
            };
            self.step(move |engine| engine.settle_held(&held, answer)).await?;
            sent = sent.saturating_add(1);
        }
        failed.map(|()| sent)
    }

    /// Collects and acknowledges mail. Says how many messages there were.
    pub async fn collect_mail(&self, domain: &ControllerId) -> Result<usize, ExchangeError> {
        let stands = self.stand(domain).await?;
        let count = self.collect_waiting(&domain.into()).await?;
        stands.map(|()| count)
    }

    async fn collect_waiting(&self, errand: &Errand) -> Result<usize, ExchangeError> {
        let mut count: usize = 0;
        for _ in 0..MAIL_ROUNDS_MAX {
            let of = errand.clone();
            let Some(call) = self.step(move |engine| engine.collect_mail(&of)).await? else {
                break;
            };
            let answer = self.call(call, "mailbox").await?;
            let of = errand.clone();
            let (mail, more) =
                self.take(&errand.domain, move |engine| engine.accept_mail(&of, &answer)).await?;
            count = count.saturating_add(mail);
            let of = errand.clone();
            if let Some((ids, call)) = self.step(move |engine| engine.acknowledge_mail(&of)).await?
            {
                self.call(call, "mailbox_acknowledgement").await?;
                self.step(move |engine| engine.accept_mail_acknowledged(ids)).await?;
            }
            // More that never comes is no reason to go on asking.
            if !more || mail == 0 {
                break;
            }
        }
        Ok(count)
    }

    /// Tells the retailer again what it has not signed for: grants and withdrawals. One that is refused
    /// holds up no other, nor anything else that is due; the first refusal is said at the end.
    async fn tell_again(
        &self,
        domain: &ControllerId,
    ) -> Result<Result<(), ExchangeError>, ExchangeError> {
        let mut refused = said_at_the_end(self.tell_withdrawals(&domain.into()).await)?;
        // A withdrawal waits for nothing; whatever discloses waits for this.
        self.compare_heads(domain).await?;
        // What her rules give is told with what is not signed yet.
        let name = domain.clone();
        let given = self.step(move |engine| engine.follow_rules(&name)).await;
        refused = refused.and(said_at_the_end(given)?);
        refused = refused.and(said_at_the_end(self.negotiate(domain).await)?);
        let name = domain.clone();
        let grants = self.step(move |engine| engine.unsigned_grants(&name)).await?;
        for (id, call) in grants {
            match self.tell_grant(id, call).await {
                Ok(_told) => {}
                Err(error @ ExchangeError::Net(NetError::Refused(_))) => {
                    refused = refused.and(Err(error));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(refused)
    }

    async fn tell_withdrawals(&self, errand: &Errand) -> Result<(), ExchangeError> {
        let mut refused = Ok(());
        let of = errand.clone();
        let told = move |engine: &Engine| {
            engine.finish_delegated()?;
            engine.unacknowledged_withdrawals(&of)
        };
        let withdrawals = self.step(told).await?;
        for (id, call) in withdrawals {
            match self.tell_withdrawal(id, call).await {
                Err(ExchangeError::Net(NetError::Refused(ProblemType::GrantMissing))) => {
                    self.step(move |engine| engine.accept_missing(id)).await?;
                }
                Err(error @ ExchangeError::Step(StepError::Engine(_))) => return Err(error),
                // One whose answer does not count holds up no other.
                Err(
                    error @ (ExchangeError::Net(NetError::Refused(_)) | ExchangeError::Step(_)),
                ) => refused = refused.and(Err(error)),
                told => told?,
            }
        }
        refused
    }

    async fn tell_withdrawal(
        &self,
        grant: GrantId,
        call: PreparedCall,
    ) -> Result<(), ExchangeError> {
        let generation = call.pseudonym;
        if let Err(refusal) = said_at_the_end(self.go_on_as(generation).await)?
            && !self.step(move |engine| engine.speaks_under_its_key(generation)).await?
        {
            return Err(refusal);
        }
        let domain = call.domain.clone();
        let answer = self.call(call, "withdrawal").await?;
        self.take(&domain, move |engine| engine.accept_acknowledgement(grant, &answer)).await
    }

    async fn fetch_requests(&self, domain: &ControllerId) -> Result<(), ExchangeError> {
        let answer = self.fetch(domain, REQUESTS_PATH, ANSWER_LEN_MAX, "requests").await?;
        let name = domain.clone();
        let missing =
            self.take(domain, move |engine| engine.accept_requests(&name, &answer)).await?;
        for digest in missing {
            let path = format!("{NOTICES_PATH}/{digest}");
            let notice = self.fetch(domain, &path, Notice::LEN_MAX, "notice").await?;
            match self.step(move |engine| engine.accept_notice(digest, notice)).await {
                // Its requests are not shown; the others are.
                Ok(()) | Err(ExchangeError::Step(StepError::Notice(_))) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn fetch(
        &self,
        domain: &ControllerId,
        path: &str,
        max: usize,
        kind: &'static str,
    ) -> Result<Vec<u8>, ExchangeError> {
        self.note(domain, Direction::Out, kind, 0).await?;
        let answer = self.net.fetch(domain, path, max).await?;
        self.note(domain, Direction::In, kind, answer.len()).await?;
        Ok(answer)
    }

    async fn call(&self, call: PreparedCall, kind: &'static str) -> Result<Vec<u8>, ExchangeError> {
        self.call_within(call, kind, ANSWER_LEN_MAX).await
    }

    async fn call_within(
        &self,
        call: PreparedCall,
        kind: &'static str,
        max: usize,
    ) -> Result<Vec<u8>, ExchangeError> {
        let PreparedCall { pseudonym, domain, path, body } = call;
        // Noted before it leaves: the journal may hold more than what arrived, never less.
        self.note(&domain, Direction::Out, kind, body.len()).await?;
        let answer = self.net.call(&pseudonym, &domain, path, body, max).await?;
        self.note(&domain, Direction::In, kind, answer.len()).await?;
        Ok(answer)
    }

    /// As [`call`](Self::call), in a turn; the journal says already that it leaves. `None`: she withdrew.
    async fn send(
        &self,
        turn: &Turn,
        call: PreparedCall,
        kind: &'static str,
    ) -> Result<Option<Vec<u8>>, ExchangeError> {
        let PreparedCall { pseudonym, domain, path, body } = call;
        let call = self.net.call(&pseudonym, &domain, path, body, ANSWER_LEN_MAX);
        let Some(answer) = turn.send(call).await else { return Ok(None) };
        let answer = answer?;
        self.note(&domain, Direction::In, kind, answer.len()).await?;
        Ok(Some(answer))
    }

    async fn note(
        &self,
        domain: &ControllerId,
        direction: Direction,
        kind: &'static str,
        bytes: usize,
    ) -> Result<(), ExchangeError> {
        let domain = domain.clone();
        self.step(move |engine| {
            engine.note(JournalEntry {
                at: engine.now(),
                direction,
                domain,
                kind: kind.to_owned(),
                bytes: u64::try_from(bytes).unwrap_or(u64::MAX),
            })
        })
        .await
    }

    async fn step<T: Send + 'static, E: Into<StepError> + Send + 'static>(
        &self,
        step: impl FnOnce(&Engine) -> Result<T, E> + Send + 'static,
    ) -> Result<T, ExchangeError> {
        let engine = self.engine.clone();
        tokio::task::spawn_blocking(move || step(&engine))
            .await
            .map_err(|_| ExchangeError::Broken)?
            .map_err(|error| ExchangeError::Step(error.into()))
    }
}

/// The word of the journal.
const fn kind_of(delivery: Delivery) -> &'static str {
    match delivery {
        Delivery::Keys { .. } => "release",
        Delivery::Data { .. } => "disclosure",
    }
}

/// Whether a held call need not be sent again after this answer.
const fn is_final(problem: ProblemType) -> bool {
    !matches!(
        problem,
        ProblemType::TooFast
            | ProblemType::LogUnavailable
            | ProblemType::Internal
            | ProblemType::ClockSkew
            // The retailer's: somebody will look at it.
            | ProblemType::ClockInDoubt
            | ProblemType::InProgress
            | ProblemType::NotFound
            // She went on under another log or key, and the retailer was not told yet.
            | ProblemType::ProofMissing
            | ProblemType::SignatureInvalid
    )
}

impl From<EngineError> for ExchangeError {
    fn from(error: EngineError) -> Self {
        Self::Step(error.into())
    }
}
