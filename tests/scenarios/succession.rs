//! A vault goes on in new logs, over real HTTP, from `spec/succession.md`.

use besace_agent::{exchange::WithdrawalOutcome, vault::ProfileField};
use besace_e2e::world::World;
use besace_protocol::{
    audit::{PinnedController, Policy, Verdict, audit},
    consent::{Cause, Indication},
    private::Private,
    purpose::Purpose,
    time::{Day, Timestamp},
};

const MORNING: Timestamp = Timestamp::from_unix_seconds(1_795_334_400); // 2026-11-22T08:00:00Z

/// What an auditor says who knows the shop's keys.
async fn audited(world: &World) -> (Verdict, Vec<String>) {
    let domain = &world.lumen.domain;
    let bundle = world.exchange.evidence(domain).await.unwrap();
    let manifest = world.engine().manifest(domain).unwrap();
    let policy = Policy::new(vec![PinnedController {
        domain: domain.clone(),
        key: manifest.payload().controller_key,
        log_key: manifest.payload().log_key,
    }]);
    let report = audit(&bundle, &policy, world.engine().now());
    (report.verdict, report.findings.iter().map(ToString::to_string).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_vault_goes_on_releasing_disclosing_and_withdrawing() {
    let world = World::start(MORNING, false).await.unwrap();
    let domain = world.lumen.domain.clone();
    let name = Private::new("Nour".to_owned());
    world.engine().set_profile(ProfileField::ChosenName, name).unwrap();
    world.exchange.meet(&domain).await.unwrap();
    let mut grants = Vec::new();
    for purpose in [Purpose::Recognition, Purpose::StaffGreeting] {
        let request = world.open_request(&world.lumen, purpose).unwrap();
        grants.push(world.exchange.give(request, Indication::Page).await.unwrap());
    }
    assert_eq!(audited(&world).await, (Verdict::Holds, vec![]));

    for (days, cause) in [(1, Cause::Restore), (2, Cause::Rollback)] {
        world.engine().start_new_logs(cause).unwrap();
        let later = Day::of(MORNING).plus(days).start().plus(3_600);
        world.clock.reach(later);
        world.lumen.tidy(later).unwrap();
        let name = Private::new(format!("Nour {days}"));
        world.engine().set_profile(ProfileField::ChosenName, name).unwrap();
        let refreshed = world.exchange.refresh(&domain).await.unwrap();
        assert_eq!((refreshed.keys, refreshed.disclosures), (1, 1), "{cause:?}");
        for check in world.engine().verify_logs().unwrap() {
            assert_eq!(check.fault, None, "{}", check.id);
        }
        assert_eq!(audited(&world).await, (Verdict::Holds, vec![]), "{cause:?}");
    }

    // The shop is away while she goes on once more and takes one back: told in order when it is there.
    world.engine().start_new_logs(Cause::Restore).unwrap();
    world.lumen.close().await;
    let outcome = world.exchange.withdraw(grants[0]).await.unwrap();
    assert_eq!(outcome, WithdrawalOutcome::Pending);
    world.lumen.reopen(world.clock.clone()).unwrap();
    world.exchange.refresh(&domain).await.unwrap();
    assert_eq!(world.lumen.lock().count_grants().unwrap(), (2, 1));
    let outcome = world.exchange.withdraw(grants[1]).await.unwrap();
    assert_eq!(outcome, WithdrawalOutcome::Acknowledged);
    assert_eq!(audited(&world).await, (Verdict::Holds, vec![]));
    world.close().await;
}
