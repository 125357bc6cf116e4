//! Mandates, over real HTTP with a fixed clock: what a delegate may do, and all that it may not. `spec/mandate.md`.
#![expect(clippy::unwrap_used, reason = "a scenario that cannot go on fails")]

use std::net::TcpListener;

use actix_web::dev::ServerHandle;
use besace_agent::{
    engine::{MandateDraft, RuleDraft},
    http::{Method, ROUTES, ServeOptions, Who},
};
use besace_e2e::world::World;
use besace_protocol::{
    audit::{Policy, Verdict as Judged, audit},
    consent::{Benefit, BenefitKind, Cause, GrantState, Indication},
    crypto::{SecretBytes, SigningKey},
    id::{GrantId, MandateId, MessageId, RequestId},
    mandate::{
        Act, DELEGATE_ACTS_PATH, DELEGATE_VIEW_PATH, MandateAct, Narrowing, View,
        sign_delegate_call,
    },
    negotiation::{Bounds, Verdict},
    party::ControllerId,
    private::Private,
    problem::{Problem, ProblemType},
    purpose::{Granularity, Purpose},
    time::{DAY_SECONDS, Timestamp},
    wire::JWS_MEDIA_TYPE,
};
use jiff::tz::TimeZone;
use reqwest::{Client, header};
use secrecy::ExposeSecret as _;
use serde::Serialize;

use super::{
    heads::unlock,
    succession::restore,
    voucher_pages::{Browser, NOW},
};

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&SecretBytes::init_with(|bytes| bytes.fill(seed)))
}

/// Her brother, with a key of his own.
struct Delegate {
    client: Client,
    site: String,
    server: ServerHandle,
    key: SigningKey,
    mandate: MandateId,
    calls: std::cell::Cell<u8>,
}

impl Delegate {
    /// She gives him a mandate; what he calls is served.
    fn of(world: &World, acts: &[MandateAct], controllers: Option<Vec<ControllerId>>) -> Self {
        let options = ServeOptions { hosts: Vec::new(), zone: TimeZone::UTC, claim: None };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (server, address) =
            besace_agent::http::serve(world.exchange.clone(), listener, options).unwrap();
        let handle = server.handle();
        tokio::spawn(server);
        let draft = MandateDraft {
            name: Private::new("Karim".to_owned()),
            delegate_key: key(71).verifying_key(),
            acts: acts.iter().copied().collect(),
            controllers: controllers.map(|named| named.into_iter().collect()),
            days: 30,
        };
        Self {
            client: Client::builder().no_proxy().build().unwrap(),
            site: format!("http://{address}"),
            server: handle,
            key: key(71),
            mandate: world.engine().give_mandate(draft).unwrap(),
            calls: std::cell::Cell::new(0),
        }
    }

    fn sign<B: Serialize>(&self, path: &str, body: &B, now: Timestamp) -> Vec<u8> {
        self.calls.set(self.calls.get() + 1);
        let message = MessageId::from_bytes([self.calls.get(); 16]);
        let call = sign_delegate_call(path, self.mandate, message, body, &self.key, now).unwrap();
        call.as_bytes().to_vec()
    }

    async fn send(&self, path: &str, body: Vec<u8>) -> Result<serde_json::Value, ProblemType> {
        let request = self.client.post(format!("{}{path}", self.site)).body(body);
        let answer = request.header(header::CONTENT_TYPE, JWS_MEDIA_TYPE).send().await.unwrap();
        if answer.status() == 200 {
            return Ok(serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap());
        }
        let status = answer.status().as_u16();
        let problem: Problem = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        assert_eq!(problem.status, status);
        Err(problem.key)
    }

    async fn act(&self, world: &World, act: &Act) -> Result<serde_json::Value, ProblemType> {
        let body = self.sign(DELEGATE_ACTS_PATH, act, world.clock.now());
        self.send(DELEGATE_ACTS_PATH, body).await
    }

    async fn view(&self, world: &World) -> Result<serde_json::Value, ProblemType> {
        let body = self.sign(DELEGATE_VIEW_PATH, &View {}, world.clock.now());
        self.send(DELEGATE_VIEW_PATH, body).await
    }
}

fn bounds() -> Bounds {
    Bounds {
        benefit: Benefit { amount: None, kind: BenefitKind::Service, until: None },
        categories: [(besace_protocol::purpose::DataCategory::TillAnswers, Granularity::Exact)]
            .into(),
        frequency_per_day: 3,
        lookback_days: 0,
        recipients: Vec::new(),
        release_ahead_days: 1,
        retention_days: 12,
        shops: None,
        valid_days: 180,
    }
}

/// A grant, an open request, and a rule that gives; and who has a mandate for all acts.
async fn world() -> (World, Delegate, GrantId, RequestId) {
    let world = World::start(NOW, false).await.unwrap();
    for house in [&world.lumen, &world.pont] {
        world.exchange.meet(&house.domain).await.unwrap();
    }
    let request = world.open_request(&world.lumen, Purpose::Recognition).unwrap();
    let grant = world.exchange.give(request, Indication::Page).await.unwrap();
    let open = world.open_request(&world.lumen, Purpose::StaffGreeting).unwrap();
    let verdict = Verdict::Give { bounds: bounds(), narrow: true };
    let controllers = Some([world.lumen.domain.clone()].into());
    let draft = RuleDraft { controllers, purpose: Purpose::LoyaltyAccount, verdict };
    world.engine().add_rule(draft).unwrap();
    let lumen = world.lumen.domain.clone();
    let delegate = Delegate::of(&world, &MandateAct::ALL, Some(vec![lumen]));
    (world, delegate, grant, open)
}

fn withdraw(world: &World, grant: GrantId) -> Act {
    Act::Withdraw { controller: world.lumen.domain.clone(), grant }
}

fn narrow(world: &World, to: Bounds, was: Bounds) -> Act {
    Act::Narrow(Box::new(Narrowing {
        bounds: to,
        controllers: Some([world.lumen.domain.clone()].into()),
        purpose: Purpose::LoyaltyAccount,
        rule: 1,
        was,
    }))
}

fn refuse_greetings(world: &World) -> Act {
    let controllers = Some([world.lumen.domain.clone()].into());
    Act::WriteRule { controllers, purpose: Purpose::StaffGreeting }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delegate_narrows_refuses_and_withdraws_and_never_widens_reads_places_or_exports() {
    let (world, delegate, grant, open) = world().await;
    let engine = world.engine();
    let view = delegate.view(&world).await.unwrap();
    assert_eq!(view["grants"][0]["grant"], grant.to_string());
    assert_eq!(view["rules"][0]["rule"], 1);
    let domain = world.lumen.domain.to_string();
    let of_lumen = |list: &str| {
        let list = view[list].as_array().unwrap();
        list.iter().all(|one| one["controller"] == domain)
    };
    assert!(of_lumen("grants") && of_lumen("requests"), "of the retailers of the mandate: {view}");

    let less = Bounds { retention_days: 7, ..bounds() };
    delegate.act(&world, &narrow(&world, less.clone(), bounds())).await.unwrap();
    let rules = engine.rules().unwrap();
    assert_eq!((rules[0].name.version, rules[0].name.confirmed), (2, NOW), "it lasts no longer");
    assert!(matches!(&rules[0].verdict, Verdict::Give { bounds, .. } if *bounds == less));
    let refuse = Act::Refuse { controller: world.lumen.domain.clone(), request: open };
    delegate.act(&world, &refuse).await.unwrap();
    assert!(world.open_request(&world.lumen, Purpose::StaffGreeting).is_err());
    delegate.act(&world, &withdraw(&world, grant)).await.unwrap();
    let stored = &engine.grants().unwrap()[0];
    assert_eq!((stored.state, stored.acknowledged), (GrantState::Withdrawn, true), "and told");
    delegate.act(&world, &refuse_greetings(&world)).await.unwrap();
    assert_eq!(engine.rules().unwrap()[1].verdict, Verdict::Refuse);

    // Back to what it was, or anything that no mandate allows.
    let widen = narrow(&world, bounds(), less);
    assert_eq!(delegate.act(&world, &widen).await, Err(ProblemType::Forbidden));
    for act in ["give", "widen", "read_places", "export"] {
        let call =
            delegate.sign(DELEGATE_ACTS_PATH, &serde_json::json!({"act": act}), world.clock.now());
        let refused = delegate.send(DELEGATE_ACTS_PATH, call).await;
        assert_eq!(refused, Err(ProblemType::Forbidden), "{act}");
    }
    // Another retailer, and everybody.
    let other = Act::Withdraw { controller: world.pont.domain.clone(), grant };
    let all = Act::WriteRule { controllers: None, purpose: Purpose::Recognition };
    for beyond in [other, all] {
        assert_eq!(delegate.act(&world, &beyond).await, Err(ProblemType::Forbidden));
    }

    // Each act under his name, in order, and in the log with his signature.
    let given = engine.mandates().unwrap();
    let acts: Vec<MandateAct> = given[0].acts.iter().map(|act| act.act).collect();
    let done =
        [MandateAct::WriteRules, MandateAct::Withdraw, MandateAct::Refuse, MandateAct::Narrow];
    assert_eq!(acts, done, "the newest first, and none that was refused");
    let (bundle, keys) = engine.mandate_evidence().unwrap();
    let mut policy = Policy::new(vec![]);
    policy.logs = keys;
    let report = audit(&bundle, &policy, world.clock.now());
    assert_eq!(report.verdict, Judged::Holds, "{report:?}");
    assert_eq!(report.logs[0].opened, 5, "the mandate and four acts, and nothing else");
    assert!(engine.verify_logs().unwrap().iter().all(|log| log.fault.is_none()));
    delegate.server.stop(false).await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_delegate_withdraws_is_withdrawn_at_home_before_anybody_is_told() {
    let (world, delegate, grant, _) = world().await;
    let call = delegate.sign(DELEGATE_ACTS_PATH, &withdraw(&world, grant), world.clock.now());
    // Whoever called is gone before the shop is asked, and the next errand tells it.
    drop(world.engine().delegate_act(&call).unwrap());
    let state = || world.engine().grants().unwrap()[0].state;
    assert_eq!(state(), GrantState::Withdrawn);
    assert!(!world.engine().grants().unwrap()[0].acknowledged);
    world.exchange.refresh(&world.lumen.domain).await.unwrap();
    assert!(world.engine().grants().unwrap()[0].acknowledged);
    delegate.server.stop(false).await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_other_address_is_forbidden_to_who_signs_calls() {
    let (world, delegate, grant, _) = world().await;
    let browser = Browser::open(&world).await;
    for route in ROUTES.iter().filter(|route| route.who != Who::Delegate) {
        let path = route.path.replace("{id}", &grant.to_string()).replace("{number}", "1");
        let body = delegate.sign(&path, &withdraw(&world, grant), world.clock.now());
        let address = format!("{}{path}", delegate.site);
        let request = match route.method {
            Method::Get => delegate.client.get(address),
            Method::Post => delegate.client.post(address),
        };
        let request = request.header(header::CONTENT_TYPE, JWS_MEDIA_TYPE).body(body);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 403, "{}", route.name);
        let problem: Problem = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        assert_eq!(problem.key, ProblemType::Forbidden, "{}", route.name);
    }
    assert!(world.engine().grants().unwrap()[0].ended_at.is_none());
    browser.leave().await;
    delegate.server.stop(false).await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mandate_is_over_with_the_next_call_after_she_took_it_back_and_at_its_end() {
    let (world, delegate, grant, _) = world().await;
    let engine = world.engine();
    delegate.view(&world).await.unwrap();
    engine.withdraw_mandate(delegate.mandate).unwrap();
    assert_eq!(delegate.view(&world).await, Err(ProblemType::Forbidden));
    let refused = delegate.act(&world, &withdraw(&world, grant)).await;
    assert_eq!(refused, Err(ProblemType::Forbidden));
    assert!(engine.withdraw_mandate(delegate.mandate).is_err(), "once");
    assert!(engine.mandates().unwrap()[0].withdrawn_at.is_some());

    let again = Delegate::of(&world, &[MandateAct::Withdraw], None);
    world.clock.reach(NOW.plus(30 * DAY_SECONDS - 1));
    again.view(&world).await.unwrap();
    world.clock.reach(NOW.plus(30 * DAY_SECONDS));
    assert_eq!(again.view(&world).await, Err(ProblemType::Forbidden), "from that second on");
    assert!(engine.grants().unwrap()[0].ended_at.is_none());
    delegate.server.stop(false).await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_counts_once_in_its_minute_under_its_mandate_and_by_its_key() {
    let (world, delegate, grant, _) = world().await;
    let engine = world.engine();
    let now = world.clock.now();
    let act = refuse_greetings(&world);
    let call = delegate.sign(DELEGATE_ACTS_PATH, &act, now);
    delegate.send(DELEGATE_ACTS_PATH, call.clone()).await.unwrap();
    assert_eq!(delegate.send(DELEGATE_ACTS_PATH, call.clone()).await, Err(ProblemType::Replayed));
    // The vault forgets nothing when it is locked.
    engine.lock();
    let locked = delegate.act(&world, &act).await;
    assert_eq!(locked, Err(ProblemType::Locked), "and nothing is kept for later");
    unlock(&world);
    assert_eq!(delegate.send(DELEGATE_ACTS_PATH, call).await, Err(ProblemType::Replayed));
    assert_eq!(engine.rules().unwrap().len(), 2, "one rule was written");

    for at in [now.minus(91), now.plus(91)] {
        let call = delegate.sign(DELEGATE_ACTS_PATH, &withdraw(&world, grant), at);
        assert_eq!(delegate.send(DELEGATE_ACTS_PATH, call).await, Err(ProblemType::ClockSkew));
    }
    // For the other address, cut short, enormous, empty, or no call at all.
    let call = delegate.sign(DELEGATE_VIEW_PATH, &withdraw(&world, grant), now);
    assert_eq!(delegate.send(DELEGATE_ACTS_PATH, call.clone()).await, Err(ProblemType::Malformed));
    for bad in [call[..call.len() - 9].to_vec(), Vec::new(), b"{}".to_vec()] {
        assert_eq!(delegate.send(DELEGATE_ACTS_PATH, bad).await, Err(ProblemType::Malformed));
    }
    let enormous = vec![b'{'; (40 << 10) + 1];
    assert_eq!(delegate.send(DELEGATE_ACTS_PATH, enormous).await, Err(ProblemType::TooLarge));

    // Another mandate's key, and another mandate's name.
    let mut thief = Delegate::of(&world, &MandateAct::ALL, None);
    thief.key = key(72);
    let refused = thief.act(&world, &withdraw(&world, grant)).await;
    assert_eq!(refused, Err(ProblemType::SignatureInvalid));
    thief.mandate = MandateId::from_bytes([9; 16]);
    let refused = thief.act(&world, &withdraw(&world, grant)).await;
    assert_eq!(refused, Err(ProblemType::Forbidden), "nobody gave that one");
    assert!(engine.grants().unwrap()[0].ended_at.is_none());

    // So many in three minutes and no more.
    let mut said = Vec::new();
    for _ in 0..31 {
        said.push(delegate.view(&world).await);
    }
    assert_eq!(said.last().unwrap().as_ref().unwrap_err(), &ProblemType::TooFast);
    delegate.server.stop(false).await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn she_gives_a_mandate_on_a_page_reads_who_did_what_and_takes_it_back() {
    let (world, mut delegate, grant, _) = world().await;
    let browser = Browser::open(&world).await;
    let (status, page) = browser.press("/mandates", "name=Salma&key=AAAA&retailer=&days=30").await;
    assert!(status == 400 && page.contains("role=\"alert\"") && page.contains("Salma"), "{status}");
    let form = format!(
        "name=Salma&key={}&retailer=&days=30&refuse=yes&withdraw=yes",
        key(73).verifying_key()
    );
    assert_eq!(browser.press("/mandates", &form).await.0, 303);
    let given = world.engine().mandates().unwrap();
    let salma = given.iter().find(|one| one.name.reveal() == "Salma").unwrap();
    (delegate.key, delegate.mandate) = (key(73), salma.mandate.id);
    delegate.act(&world, &withdraw(&world, grant)).await.unwrap();
    let (_, page) = browser.get("/consent").await;
    assert!(page.contains("Salma qui l’a fait, sous votre mandat du 18 novembre"), "{page}");
    let (_, page) = browser.get("/mandates").await;
    assert!(page.contains("Un accord a été retiré le 18 novembre"), "{page}");
    assert!(!page.contains("/undo"), "a withdrawal is final");
    let path = format!("/mandates/{}/withdraw", delegate.mandate);
    assert_eq!(browser.press(&path, "").await.0, 303);
    assert_eq!(delegate.view(&world).await, Err(ProblemType::Forbidden));
    assert_eq!(browser.press("/mandates/acts/1/undo", "").await.0, 404);
    browser.leave().await;
    delegate.server.stop(false).await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn she_undoes_what_can_be_undone() {
    let (world, delegate, grant, open) = world().await;
    let engine = world.engine();
    let less = Bounds { retention_days: 7, ..bounds() };
    let refuse = Act::Refuse { controller: world.lumen.domain.clone(), request: open };
    let acts =
        [narrow(&world, less, bounds()), refuse, refuse_greetings(&world), withdraw(&world, grant)];
    for act in acts {
        delegate.act(&world, &act).await.unwrap();
    }
    let done: Vec<i64> = engine.mandates().unwrap()[0].acts.iter().map(|act| act.id).collect();
    assert!(engine.undo_act(done[0]).is_err(), "a withdrawal is final");
    for act in &done[1..] {
        engine.undo_act(*act).unwrap();
        assert!(engine.undo_act(*act).is_err(), "once");
    }
    let rules = engine.rules().unwrap();
    assert_eq!(rules.len(), 1);
    assert!(matches!(&rules[0].verdict, Verdict::Give { bounds: given, .. } if *given == bounds()));
    assert_eq!(world.open_request(&world.lumen, Purpose::StaffGreeting).unwrap(), open);
    delegate.server.stop(false).await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mandate_that_came_back_with_a_backup_waits_for_her() {
    let (mut world, delegate, grant, _) = world().await;
    delegate.server.stop(false).await;
    unlock(&world);
    let backup = world.engine().export(Vec::new()).unwrap();
    let identity = world.engine().export_identity().unwrap();
    restore(&mut world, &backup, identity.expose_secret());
    let call = |now| {
        let message = MessageId::from_bytes([200; 16]);
        let act = withdraw(&world, grant);
        let path = DELEGATE_ACTS_PATH;
        sign_delegate_call(path, delegate.mandate, message, &act, &delegate.key, now).unwrap()
    };
    let call = call(world.clock.now());
    let engine = world.engine();
    assert!(engine.mandates().unwrap()[0].set_aside);
    assert!(engine.delegate_act(call.as_bytes()).is_err());
    engine.confirm_mandate(delegate.mandate).unwrap();
    assert!(!engine.mandates().unwrap()[0].set_aside);
    engine.delegate_act(call.as_bytes()).unwrap();
    // What was confirmed stands in the log that is written now, before the act.
    let (bundle, keys) = engine.mandate_evidence().unwrap();
    let mut policy = Policy::new(vec![]);
    policy.logs = keys;
    let report = audit(&bundle, &policy, world.clock.now());
    assert_eq!((report.verdict, report.logs.len()), (Judged::Holds, 2), "{report:?}");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_waits_for_her_goes_on_waiting_where_its_narrowing_is_undone() {
    let (world, delegate, _, _) = world().await;
    let engine = world.engine();
    let less = Bounds { retention_days: 7, ..bounds() };
    delegate.act(&world, &narrow(&world, less, bounds())).await.unwrap();
    engine.start_new_logs(Cause::Restore).unwrap();
    let waiting = engine.unconfirmed_rules().unwrap();
    assert_eq!(waiting.len(), 1);
    engine.undo_act(engine.mandates().unwrap()[0].acts[0].id).unwrap();
    assert_eq!(engine.unconfirmed_rules().unwrap(), waiting, "the wider one counts no sooner");
    delegate.server.stop(false).await;
    world.close().await;
}
