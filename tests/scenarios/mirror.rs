//! What could be guessed is said before she is asked, and where nobody can say it she is not: `spec/mirror.md`.

use std::sync::Arc;

use besace_agent::{
    engine::StepError,
    exchange::{ExchangeError, WithdrawalOutcome},
    ui::{consent, view::ConsentView, voice::Voice},
    vault::ProfileField,
};
use besace_e2e::world::{House, World};
use besace_gateway::entropy::{Rng, SeededEntropy};
use besace_protocol::{
    consent::{Indication, MirrorError},
    lang::Language,
    party::ShopKind,
    purpose::Purpose,
    time::Timestamp,
};
use jiff::tz::TimeZone;

const MORNING: Timestamp = Timestamp::from_unix_seconds(1_795_334_400); // 2026-11-22T08:00:00Z

fn page(world: &World) -> ConsentView {
    let voice = Voice::new(Language::Fr, TimeZone::get("Europe/Paris").unwrap());
    consent::view(&voice, world.engine()).unwrap()
}

/// The shop says from now on that it is of this kind, or nothing.
fn say(world: &World, house: &House, kind: Option<ShopKind>) {
    let now = world.clock.now();
    let mut rng = Rng::new(Arc::new(SeededEntropy::new(now.as_unix_seconds())));
    let mut retailer = house.lock();
    let mut manifest = retailer.manifest_document().unwrap();
    for shop in &mut manifest.shops {
        shop.kind = kind;
        shop.till_keys.clear();
    }
    retailer.set_profile(manifest.legal, manifest.shops, now, &mut rng).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_can_say_what_could_be_guessed_nothing_is_asked() {
    let world = World::start(MORNING, false).await.unwrap();
    let domain = world.pont.domain.clone();
    world.exchange.meet(&domain).await.unwrap();
    let asked = world.open_request(&world.pont, Purpose::Recognition).unwrap();
    let guessed: Vec<_> = page(&world).requests.into_iter().map(|one| one.mirror).collect();
    let said = "Avec cela, Quincaillerie du Pont pourrait deviner vos horaires, le temps que vous restez et des travaux \
                ou un déménagement.";
    assert!(guessed.iter().any(|mirror| mirror == said), "{guessed:?}");
    let greeting = world.open_request(&world.pont, Purpose::StaffGreeting).unwrap();
    let given = world.exchange.give(greeting, Indication::Page).await.unwrap();

    for (kind, why) in [
        (None, MirrorError::Unknown),
        (Some(ShopKind::Health), MirrorError::Special),
        (Some(ShopKind::Faith), MirrorError::Special),
    ] {
        say(&world, &world.pont, kind);
        world.exchange.meet(&domain).await.unwrap();
        assert!(page(&world).requests.is_empty(), "{kind:?}");
        // Nor by who still has its name.
        match world.exchange.give(asked, Indication::Page).await {
            Err(ExchangeError::Step(StepError::Mirror(error))) => assert_eq!(error, why),
            done => panic!("{kind:?}: {done:?}"),
        }
    }
    // What she gave before is hers to stop.
    let stopped = world.exchange.withdraw(given).await.unwrap();
    assert_eq!(stopped, WithdrawalOutcome::Acknowledged);
    say(&world, &world.pont, Some(ShopKind::Hardware));
    world.exchange.meet(&domain).await.unwrap();
    world.exchange.give(asked, Indication::Page).await.unwrap();
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_minors_vault_gives_nothing_and_can_stop_what_was_given() {
    let world = World::start(MORNING, false).await.unwrap();
    let domain = world.lumen.domain.clone();
    world.exchange.meet(&domain).await.unwrap();
    let asked = world.open_request(&world.lumen, Purpose::Recognition).unwrap();
    let greeting = world.open_request(&world.lumen, Purpose::StaffGreeting).unwrap();
    let given = world.exchange.give(greeting, Indication::Page).await.unwrap();
    let set = |field, value: &str| {
        world.engine().set_profile(field, value.to_owned().into()).unwrap();
    };
    for (field, value) in
        [(ProfileField::MinorUntil, "2027-02-01"), (ProfileField::Birthday, "2012-02-01")]
    {
        set(field, value);
        let view = page(&world);
        let said = "Cette besace est celle d’une personne mineure jusqu’au 1er février 2027\u{a0}: elle n’accorde rien, et \
                    aucune demande n’est montrée. Offres et bons n’en ont pas besoin.";
        assert_eq!(view.minor.as_deref(), Some(said));
        assert!(view.requests.is_empty() && !view.live.is_empty());
        let refused = world.exchange.give(asked, Indication::Page).await;
        assert!(matches!(refused, Err(ExchangeError::Step(StepError::Minor))), "{refused:?}");
        set(field, "");
        assert!(!page(&world).requests.is_empty());
    }
    set(ProfileField::MinorUntil, "2026-11-23");
    let stopped = world.exchange.withdraw(given).await.unwrap();
    assert_eq!(stopped, WithdrawalOutcome::Acknowledged);
    // The day has come.
    world.clock.reach(MORNING.plus(86_400));
    assert_eq!(page(&world).minor, None);
    world.exchange.give(asked, Indication::Page).await.unwrap();
    world.close().await;
}
