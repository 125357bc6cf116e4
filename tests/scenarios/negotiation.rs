//! From what is asked of everybody to what she gives, over real HTTP, from `spec/negotiation.md`. Her side is the machine of
//! the protocol, driven by hand; the shop's is the gateway, started again from its file between any two messages.

use besace_e2e::world::{Answer, House, World, notice};
use besace_protocol::{
    audit::{PinnedController, Policy, audit},
    call::sign_call,
    consent::{Benefit, BenefitKind, ConsentRequest, Grant, Indication, Terms, Withdrawal},
    crypto::{SealingSecretKey, SigningKey},
    document::{Document, Unverified, Verified, sign},
    encoding::Bytes,
    id::{GrantId, Handle, LogId, MessageId, NegotiationId, RequestId, WithdrawalId},
    jws::Role,
    negotiation::{
        Action, Event, Matter, Message, Negotiation, Outcome, RefusalReason, Side,
        UnverifiedMessage,
    },
    problem::ProblemType,
    purpose::{Granularity, Purpose},
    time::{DAY_SECONDS, Timestamp},
    wire::{
        NEGOTIATIONS_PATH, Negotiate, Negotiated, WITHDRAWALS_PATH, Withdraw, Withdrawn,
        call_address,
    },
};
use besace_retailer::{NegotiationPolicy, RequestDraft, Retailer, SqliteStore};
use rand::{SeedableRng as _, rngs::StdRng};
use serde::{Serialize, de::DeserializeOwned};

const MORNING: Timestamp = Timestamp::from_unix_seconds(1_795_334_400); // 2026-11-22T08:00:00Z

/// What a shop asks here: recognition in all its shops, kept for thirty days.
fn terms(house: &House, retention_days: u16) -> Terms {
    let purpose = Purpose::Recognition;
    let shops = house.lock().identity().shops.iter().map(|shop| shop.code).collect();
    Terms {
        base_benefit_conditional: false,
        benefit: Benefit { amount: None, kind: BenefitKind::Service, until: None },
        categories: purpose.categories().iter().map(|one| (*one, Granularity::Exact)).collect(),
        frequency_per_day: 6,
        lookback_days: 0,
        purpose,
        recipients: Vec::new(),
        release_ahead_days: 1,
        retention_days,
        scope: format!("{}/fr/*", house.domain),
        shops,
        valid_days: 90,
    }
}

/// Asks for thirty days, and would be content with twenty.
fn ask(house: &House, now: Timestamp) -> Verified<ConsentRequest> {
    let mut rng = StdRng::seed_from_u64(77);
    let negotiation =
        NegotiationPolicy { alternatives: Vec::new(), enough: vec![terms(house, 20)] };
    let what = "vous reconnaître";
    let terms = terms(house, 30);
    let draft = RequestDraft { negotiation, notice: notice(what), open_days: 60, terms };
    let id = house.lock().publish_request(draft, now, &mut rng).unwrap();
    request(house, id, now)
}

fn request(house: &House, id: RequestId, now: Timestamp) -> Verified<ConsentRequest> {
    let open = house.lock().open_requests(now).unwrap();
    let key = house.lock().verifying_key();
    let requests = open.requests.iter().map(|attested| {
        let request = Unverified::<ConsentRequest>::parse(&attested.document.0).unwrap();
        request.verify(&[(Role::Controller, &key)]).unwrap()
    });
    requests.into_iter().find(|request| request.payload().id == id).unwrap()
}

/// The gateway's program ends, and is started again from its file.
async fn start_again(world: &World, house: &House) {
    house.close().await;
    let now = world.clock.now();
    let store = SqliteStore::open(&house.store).unwrap();
    let retailer = Retailer::open(store, now, &mut StdRng::seed_from_u64(9)).unwrap();
    *house.lock() = retailer;
    house.reopen(world.clock.clone()).unwrap();
}

/// One pseudonym, and what it says in one negotiation.
struct Hers {
    rng: StdRng,
    signing: SigningKey,
    live: Negotiation,
}

impl Hers {
    fn new(request: &Verified<ConsentRequest>, seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let signing = SigningKey::generate(&mut rng);
        Self::again(request, signing, rng)
    }

    /// The same pseudonym begins another one.
    fn again(request: &Verified<ConsentRequest>, signing: SigningKey, mut rng: StdRng) -> Self {
        let id = NegotiationId::generate(&mut rng);
        let matter = Matter::of(request, id, signing.verifying_key());
        let live = Negotiation::open(Side::Subject, request.clone(), matter).unwrap();
        Self { rng, signing, live }
    }

    fn sign<D: Document>(&self, document: D, now: Timestamp) -> Verified<D> {
        sign(document, Role::Subject, &self.signing, now).unwrap()
    }

    fn proposal(&self, terms: Terms, now: Timestamp) -> Message {
        self.sign(self.live.propose(terms, DAY_SECONDS, now).unwrap(), now).into()
    }

    /// The grant of what was proposed last.
    fn grant(&mut self, now: Timestamp) -> Verified<Grant> {
        let (asked, proposal) = (self.live.request().clone(), self.live.proposal().unwrap());
        let (asked, request) = (asked.payload().clone(), asked.digest());
        let (terms, proposal) = (proposal.payload().terms.clone(), proposal.digest());
        let grant = Grant {
            controller: asked.controller,
            controller_key: asked.controller_key,
            expires: now.plus(u64::from(terms.valid_days) * DAY_SECONDS),
            given: now,
            handle: Handle::generate(&mut self.rng),
            id: GrantId::generate(&mut self.rng),
            indication: Indication::Page,
            notice: asked.notice.digest,
            proposal: Some(proposal),
            request,
            request_id: asked.id,
            subject_key: self.signing.verifying_key(),
            subject_log: LogId::generate(&mut self.rng),
            subject_log_key: SigningKey::generate(&mut self.rng).verifying_key(),
            subject_sealing_key: SealingSecretKey::generate(&mut self.rng).public_key(),
            supersedes: None,
            terms,
            v: 1,
        };
        self.sign(grant, now)
    }

    fn call(
        &mut self,
        house: &House,
        path: &str,
        body: &impl Serialize,
        now: Timestamp,
    ) -> Vec<u8> {
        let message = MessageId::generate(&mut self.rng);
        let address = call_address(&house.domain, path);
        sign_call(&address, message, body, &self.signing, now).unwrap().as_bytes().to_vec()
    }

    /// Sends it in a call of its own.
    async fn send(
        &mut self,
        house: &House,
        message: &Message,
        now: Timestamp,
    ) -> Result<Negotiated, ProblemType> {
        let body = Negotiate { message: Bytes(message.as_bytes().to_vec()) };
        let call = self.call(house, NEGOTIATIONS_PATH, &body, now);
        post(house, NEGOTIATIONS_PATH, call).await
    }

    /// Says it, and hears the answer.
    async fn say(&mut self, house: &House, message: &Message, now: Timestamp) -> Negotiated {
        let said = self.live.handle(Event::Say(message.clone()), now).unwrap();
        assert!(matches!(said[..2], [Action::Record(_), Action::Send(_)]));
        let answer = self.send(house, message, now).await.unwrap();
        if let Some(message) = self.read(&answer) {
            self.live.handle(Event::Hear(message), now).unwrap();
        }
        answer
    }

    fn read(&self, answer: &Negotiated) -> Option<Message> {
        let bytes = &answer.message.as_ref()?.document.0;
        Some(UnverifiedMessage::parse(bytes).unwrap().verify(self.live.matter()).unwrap())
    }

    fn no(&self, answer: &Negotiated) -> RefusalReason {
        match self.read(answer) {
            Some(Message::Refusal(refusal)) => refusal.payload().reason,
            other => panic!("{other:?}"),
        }
    }
}

async fn post<T: DeserializeOwned>(
    house: &House,
    path: &str,
    call: Vec<u8>,
) -> Result<T, ProblemType> {
    match house.post(path, call).await.unwrap() {
        Answer::Given(answer) => Ok(serde_json::from_value(answer).unwrap()),
        Answer::Refused(problem) => Err(problem.key),
    }
}

/// The answering message's bytes.
fn document(answer: &Negotiated) -> &[u8] {
    &answer.message.as_ref().unwrap().document.0
}

/// What an auditor finds in the retailer's own bundle.
fn found(house: &House, now: Timestamp) -> Vec<&'static str> {
    let retailer = house.lock();
    let policy = Policy::new(vec![PinnedController {
        domain: house.domain.clone(),
        key: retailer.verifying_key(),
        log: besace_protocol::log::LogNumber::FIRST,
        log_key: *retailer.log_key().verifying_key(),
    }]);
    let report = audit(&retailer.audit_bundle().unwrap(), &policy, now);
    report.findings.iter().map(|finding| finding.assertion.id()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn she_proposes_is_countered_counters_gives_and_withdraws_with_a_restart_between_any_two() {
    let world = World::start(MORNING, false).await.unwrap();
    let (house, now) = (&world.lumen, MORNING);
    let asked = ask(house, now);
    let mut hers = Hers::new(&asked, 1);

    // Ten days; it answers twenty.
    let first = hers.proposal(terms(house, 10), now);
    let countered = hers.say(house, &first, now).await;
    let Some(Message::Proposal(counter)) = hers.read(&countered) else { panic!("{countered:?}") };
    assert_eq!((counter.payload().turn, counter.payload().terms.retention_days), (2, 20));
    start_again(&world, house).await;
    // The answer was lost on its way: the same again.
    let again = hers.send(house, &first, now).await.unwrap();
    assert_eq!(document(&again), document(&countered));

    // She takes the twenty days. Two copies of that at one time are one grant.
    let given = hers.grant(now);
    let message = Message::from(given.clone());
    hers.live.handle(Event::Say(message.clone()), now).unwrap();
    let body = Negotiate { message: Bytes(message.as_bytes().to_vec()) };
    let [one, two] = [(); 2].map(|()| hers.call(house, NEGOTIATIONS_PATH, &body, now));
    let (one, two) = tokio::join!(
        post::<Negotiated>(house, NEGOTIATIONS_PATH, one),
        post::<Negotiated>(house, NEGOTIATIONS_PATH, two),
    );
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(document(&one), document(&two));
    assert_eq!(house.lock().count_grants().unwrap(), (1, 1));
    let both = hers.read(&one).unwrap();
    hers.live.handle(Event::Hear(both), now).unwrap();
    assert_eq!(hers.live.outcome(), Some(Outcome::Settled { grant: given.digest() }));
    start_again(&world, house).await;
    assert_eq!(document(&hers.send(house, &message, now).await.unwrap()), document(&one));
    // An auditor finds the proposal that the grant names, and nothing wrong.
    assert_eq!(found(house, now), Vec::<&str>::new());

    // It is withdrawn like any other, and not given again.
    let withdrawal = Withdrawal {
        controller: house.domain.clone(),
        grant: given.payload().id,
        grant_digest: given.digest(),
        id: WithdrawalId::generate(&mut hers.rng),
        subject_key: hers.signing.verifying_key(),
        v: 1,
        withdrawn: now,
    };
    let withdrawal = Bytes(hers.sign(withdrawal, now).as_bytes().to_vec());
    let body = Withdraw { head: None, withdrawal };
    let call = hers.call(house, WITHDRAWALS_PATH, &body, now);
    post::<Withdrawn>(house, WITHDRAWALS_PATH, call).await.unwrap();
    start_again(&world, house).await;
    assert_eq!(house.lock().count_grants().unwrap(), (1, 0));
    for message in [&message, &first] {
        let refused = hers.send(house, message, now).await.unwrap_err();
        assert_eq!(refused, ProblemType::GrantWithdrawn);
    }
    assert_eq!(found(house, now), Vec::<&str>::new());
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_she_counters_is_agreed_given_and_found_good() {
    let world = World::start(MORNING, false).await.unwrap();
    let (house, now) = (&world.lumen, MORNING);
    let asked = ask(house, now);
    let mut hers = Hers::new(&asked, 1);
    let first = hers.proposal(terms(house, 10), now);
    hers.say(house, &first, now).await;
    start_again(&world, house).await;
    // The third turn asks no more than the second: fewer visits, and still the twenty days.
    let third = Terms { frequency_per_day: 3, ..terms(house, 20) };
    let third = hers.proposal(third, now);
    let answer = hers.say(house, &third, now).await;
    // Less than enough: a second counter there is none.
    assert_eq!(hers.no(&answer), RefusalReason::Declined);
    assert_eq!(found(house, now), Vec::<&str>::new());

    let mut hers = Hers::new(&asked, 2);
    let first = hers.proposal(terms(house, 25), now);
    let agreed = hers.say(house, &first, now).await;
    assert!(matches!(hers.read(&agreed), Some(Message::Agreement(_))));
    start_again(&world, house).await;
    let grant = hers.grant(now);
    hers.say(house, &grant.clone().into(), now).await;
    assert_eq!(hers.live.outcome(), Some(Outcome::Settled { grant: grant.digest() }));
    assert_eq!(found(house, now), Vec::<&str>::new());
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_stays_over_and_who_widens_or_begins_too_often_is_refused() {
    let world = World::start(MORNING, false).await.unwrap();
    let (house, now) = (&world.lumen, MORNING);
    let asked = ask(house, now);

    // She says no: nothing answers, and nothing follows.
    let mut hers = Hers::new(&asked, 1);
    let first = hers.proposal(terms(house, 25), now);
    hers.say(house, &first, now).await;
    let late = Message::from(hers.grant(now));
    let no = hers.sign(hers.live.refuse(RefusalReason::Declined, now), now).into();
    assert!(hers.say(house, &no, now).await.message.is_none());
    start_again(&world, house).await;
    for message in [&no, &first, &late] {
        assert!(hers.send(house, message, now).await.unwrap().message.is_none());
    }
    assert_eq!(house.lock().count_grants().unwrap(), (0, 0));

    // A counter that asks more than what it answers.
    let mut hers = Hers::new(&asked, 2);
    let first = hers.proposal(terms(house, 10), now);
    hers.say(house, &first, now).await;
    let wider = hers.proposal(terms(house, 21), now);
    let answer = hers.send(house, &wider, now).await.unwrap();
    assert_eq!(hers.no(&answer), RefusalReason::Diverged);

    // What another retailer was told says nothing here, under whatever address it is sent.
    let elsewhere = ask(&world.pont, now);
    let mut other = Hers::new(&elsewhere, 3);
    let theirs = other.proposal(terms(&world.pont, 10), now);
    assert_eq!(other.send(house, &theirs, now).await, Err(ProblemType::WrongController));
    let body = Negotiate { message: Bytes(theirs.as_bytes().to_vec()) };
    let call = other.call(&world.pont, NEGOTIATIONS_PATH, &body, now);
    let relayed = post::<Negotiated>(house, NEGOTIATIONS_PATH, call).await;
    assert_eq!(relayed, Err(ProblemType::SignatureInvalid));
    // The shop's own words to her, sent back to it or to another shop.
    let answer = other.say(&world.pont, &theirs, now).await;
    let own = other.read(&answer).unwrap();
    assert_eq!(other.send(&world.pont, &own, now).await, Err(ProblemType::Malformed));
    assert_eq!(other.send(house, &own, now).await, Err(ProblemType::WrongController));

    // Eight a day.
    let mut hers = Hers::new(&asked, 4);
    for _ in 0..8 {
        let first = hers.proposal(terms(house, 10), now);
        hers.say(house, &first, now).await;
        hers = Hers::again(&asked, hers.signing, hers.rng);
    }
    start_again(&world, house).await;
    let ninth = hers.proposal(terms(house, 10), now);
    assert_eq!(hers.send(house, &ninth, now).await, Err(ProblemType::TooFast));
    world.clock.reach(now.plus(DAY_SECONDS));
    let tomorrow = world.clock.now();
    let ninth = hers.proposal(terms(house, 10), tomorrow);
    assert!(hers.say(house, &ninth, tomorrow).await.message.is_some());
    for house in [&world.lumen, &world.pont] {
        assert_eq!(found(house, tomorrow), Vec::<&str>::new());
    }
    world.close().await;
}
