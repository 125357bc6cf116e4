//! At the till, from `spec/till.md`: her agent and the gateway over real HTTP, and what passes between
//! them on two screens.

use besace_agent::engine::{EngineError, StepError, TillError};
use besace_e2e::{
    department_store,
    world::{Answer, PASSPHRASE, World},
};
use besace_protocol::{
    audit::{Bundle, Gap, PinnedController, Policy, audit},
    consent::{Action, Indication},
    encoding::{from_base45, to_base45},
    id::GrantId,
    money::Money,
    presence::till::VerifyChallengeError,
    problem::ProblemType,
    purpose::Purpose,
    time::Timestamp,
    wire::{
        Settlement, TILL_ANSWERS_PATH, TILL_CHALLENGES_PATH, TILL_CODES_PATH,
        TILL_PRESENTATIONS_PATH, TillAsk, TillAsked, TillCode, TillOutcome, TillScan,
    },
};

const NOON: Timestamp = Timestamp::from_unix_seconds(1_795_348_800); // 2026-11-22T12:00:00Z

/// She gave Maison Lumen leave to know her at its tills.
async fn customer() -> (World, GrantId) {
    let world = World::start(NOON, false).await.unwrap();
    let shop = department_store::maison_lumen();
    world.lumen.ask(&shop, Purpose::LoyaltyAccount, NOON).unwrap();
    for house in [&world.lumen, &world.pont] {
        world.exchange.meet(&house.domain).await.unwrap();
    }
    let request = world.open_request(&world.lumen, Purpose::LoyaltyAccount).unwrap();
    let grant = world.exchange.give(request, Indication::Page).await.unwrap();
    world.exchange.refresh(&world.lumen.domain).await.unwrap();
    (world, grant)
}

/// How many entries her logs towards the shop have.
fn entries_in_her_log(world: &World) -> u64 {
    let logs = world.engine().verify_logs().unwrap();
    assert!(logs.iter().all(|log| log.fault.is_none()), "{logs:?}");
    let towards = logs.iter().filter(|log| log.domain.as_ref() == Some(&world.lumen.domain));
    towards.map(|log| log.size).sum()
}

/// What she hands to an auditor, who knows the shop's keys.
async fn evidence(world: &World) -> (Bundle, Policy) {
    let domain = &world.lumen.domain;
    let manifest = world.engine().manifest(domain).unwrap();
    let manifest = manifest.payload();
    let policy = Policy::new(vec![PinnedController {
        domain: domain.clone(),
        key: manifest.controller_key,
        log: manifest.log,
        log_key: manifest.log_key,
    }]);
    (world.exchange.evidence(domain).await.unwrap(), policy)
}

async fn asks(house: &besace_e2e::world::House, cents: u64) -> TillAsked {
    let ask = TillAsk { amount: Money::euro_cents(cents) };
    match house.till::<TillAsked>(TILL_CHALLENGES_PATH, &ask).await.unwrap() {
        Answer::Given(asked) => asked,
        Answer::Refused(problem) => panic!("{}", problem.key.key()),
    }
}

async fn scans(world: &World, path: &str, text: &str) -> Result<Settlement, ProblemType> {
    let scan = TillScan { scanned: text.to_owned() };
    match world.lumen.till(path, &scan).await.unwrap() {
        Answer::Given(settlement) => Ok(settlement),
        Answer::Refused(problem) => Err(problem.key),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn she_sees_shop_and_amount_says_yes_and_it_counts_once() {
    let (world, grant) = customer().await;
    // At the till, and nowhere else: her phone says nothing on the air under this grant.
    assert!(world.engine().emitting_grants(&world.lumen.domain).unwrap().is_empty());
    let asked = asks(&world.lumen, 500).await;
    let question = world.engine().till_question(&asked.text).unwrap();
    assert_eq!(question.account.retailer, "Maison Lumen");
    assert_eq!(question.amount, Some(Money::euro_cents(500)));
    assert_eq!(question.expires, NOON.plus(60));

    let before = entries_in_her_log(&world);
    let reply = world.engine().till_answer(&asked.text).unwrap();
    assert_eq!(world.engine().journal(1).unwrap()[0].kind, "till_debit");
    assert_eq!(entries_in_her_log(&world), before + 1, "before anybody scanned it");
    let settlement = scans(&world, TILL_ANSWERS_PATH, &reply.text).await.unwrap();
    assert_eq!(settlement.settled, TillOutcome::Debited);
    assert_eq!(settlement.amount, Some(Money::euro_cents(500)));
    let again = scans(&world, TILL_ANSWERS_PATH, &reply.text).await;
    assert_eq!(again, Err(ProblemType::AlreadySettled));

    // Who she is, and nothing more.
    let asked = asks(&world.lumen, 0).await;
    let question = world.engine().till_question(&asked.text).unwrap();
    assert_eq!(question.amount, None);
    let reply = world.engine().till_answer(&asked.text).unwrap();
    assert_eq!(world.engine().journal(1).unwrap()[0].kind, "till_answer");
    let settlement = scans(&world, TILL_ANSWERS_PATH, &reply.text).await.unwrap();
    assert_eq!((settlement.settled, settlement.amount), (TillOutcome::Identified, None));

    // What was done comes home, and is all there is.
    world.exchange.refresh(&world.lumen.domain).await.unwrap();
    let looked: Vec<Action> =
        world.engine().look_ups().unwrap().iter().map(|look| look.action).collect();
    assert_eq!(looked, [Action::Identified, Action::Debited]);
    let told = world.engine().reconcile(grant).unwrap();
    assert_eq!(told, besace_agent::engine::Reconciliation::Complete { uses: 2 });

    // Both answers stand in her log, and an auditor finds the debit among them.
    assert_eq!(entries_in_her_log(&world), before + 2);
    let (bundle, policy) = evidence(&world).await;
    let report = audit(&bundle, &policy, NOON.plus(60));
    assert!(report.findings.is_empty(), "{report:#?}");
    let unanswered = |gap: &Gap| matches!(gap, Gap::DebitsNotAnswered { .. });
    assert!(!report.not_checked.iter().any(unanswered), "{report:#?}");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_phone_shows_and_what_she_dictates_count_once() {
    let (world, grant) = customer().await;
    let shown = world.engine().till_presentation(grant).unwrap();
    assert_eq!(shown.until, NOON.plus(30));
    let settlement = scans(&world, TILL_PRESENTATIONS_PATH, &shown.text).await.unwrap();
    assert_eq!((settlement.settled, settlement.amount), (TillOutcome::Identified, None));
    let again = scans(&world, TILL_PRESENTATIONS_PATH, &shown.text).await;
    assert_eq!(again, Err(ProblemType::AlreadySettled));
    world.clock.reach(NOON.plus(30));
    let next = world.engine().till_presentation(grant).unwrap();
    assert_ne!(next.text, shown.text);
    scans(&world, TILL_PRESENTATIONS_PATH, &next.text).await.unwrap();

    let codes = world.engine().till_codes(grant).unwrap().codes;
    assert_eq!(codes.len(), 4);
    for outcome in [None, Some(ProblemType::AlreadySettled)] {
        let code = TillCode { code: codes[0].to_string() };
        match world.lumen.till::<Settlement>(TILL_CODES_PATH, &code).await.unwrap() {
            Answer::Given(_) => assert_eq!(outcome, None),
            Answer::Refused(problem) => assert_eq!(Some(problem.key), outcome),
        }
    }
    // A stop at noon is a stop at the till.
    world.exchange.withdraw(grant).await.unwrap();
    assert!(matches!(
        world.engine().till_presentation(grant),
        Err(TillError::Step(StepError::GrantOver))
    ));
    let refused = scans(&world, TILL_PRESENTATIONS_PATH, &next.text).await;
    assert_eq!(refused, Err(ProblemType::Unresolved));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn her_phone_answers_no_till_that_it_should_not() {
    let (world, _) = customer().await;
    let engine = world.engine();
    let (before, logged) = (engine.journal(1).unwrap(), entries_in_her_log(&world));
    // A shop that she knows and has not given leave to.
    let asked = asks(&world.pont, 100).await;
    assert!(matches!(engine.till_answer(&asked.text), Err(TillError::NotGranted)));
    // Another amount, another shop, another till than the one that signed.
    let asked = asks(&world.lumen, 100).await;
    for byte in [2, 6, 36] {
        let mut bytes = from_base45(&asked.text).unwrap();
        bytes[byte] ^= 1;
        let refused = engine.till_answer(&to_base45(&bytes));
        assert!(
            matches!(
                refused,
                Err(TillError::Refused(VerifyChallengeError::Shop | VerifyChallengeError::Till))
            ),
            "{byte}"
        );
    }
    assert!(matches!(engine.till_answer("BONJOUR"), Err(TillError::Challenge(_))));
    // Too late.
    world.clock.reach(NOON.plus(60));
    let late = engine.till_answer(&asked.text);
    assert!(matches!(late, Err(TillError::Refused(VerifyChallengeError::Expired))));
    assert_eq!(engine.journal(1).unwrap(), before, "nothing was shown");
    assert_eq!(entries_in_her_log(&world), logged, "and nothing logged");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_that_was_photographed_or_kept_is_worth_nothing() {
    let (world, _) = customer().await;
    let asked = asks(&world.lumen, 500).await;
    let reply = world.engine().till_answer(&asked.text).unwrap();
    // The next customer is asked for the same amount at the same till: her reply is about another.
    world.clock.reach(NOON.plus(130));
    world.lumen.tidy(NOON.plus(130)).unwrap();
    asks(&world.lumen, 500).await;
    let refused = scans(&world, TILL_ANSWERS_PATH, &reply.text).await;
    assert_eq!(refused, Err(ProblemType::Unresolved));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_vault_shows_and_answers_nothing() {
    let (world, grant) = customer().await;
    let asked = asks(&world.lumen, 500).await;
    world.engine().lock();
    let locked =
        |error: TillError| matches!(error, TillError::Step(StepError::Engine(EngineError::Locked)));
    assert!(locked(world.engine().till_answer(&asked.text).unwrap_err()));
    assert!(locked(world.engine().till_question(&asked.text).unwrap_err()));
    assert!(locked(world.engine().till_presentation(grant).unwrap_err()));
    assert!(locked(world.engine().till_codes(grant).unwrap_err()));
    let passphrase = besace_agent::keyring::Passphrase::new(PASSPHRASE.to_owned()).unwrap();
    world.engine().unlock(&passphrase).unwrap();
    assert!(world.engine().till_answer(&asked.text).is_ok());
    world.close().await;
}
