//! What agent and retailer really leave behind, before an auditor who trusts neither.

use besace_agent::vault::ProfileField;
use besace_protocol::{
    audit::{Assertion, Bundle, Gap, PinnedController, Policy, Report, Verdict, audit},
    private::Private,
    purpose::Purpose,
};
use besace_retailer::ShopScope;

use super::courier::{House, Shop};

/// The bundle that her agent writes about `shop`.
pub(super) fn evidence(house: &House, shop: &Shop) -> Bundle {
    let (mut bundle, key) = house.engine.own_evidence(&shop.domain).unwrap();
    let (head, entries) = shop.public_log();
    bundle.add_log(&head.verify(&key).unwrap(), &entries).unwrap();
    bundle
}

/// An auditor who knows the retailer's keys, and looks at what her agent hands out.
pub(super) fn audited(house: &House, shop: &Shop, bundle: &Bundle) -> Report {
    let manifest = house.engine.manifest(&shop.domain).unwrap();
    let policy = Policy::new(vec![PinnedController {
        domain: shop.domain.clone(),
        key: manifest.payload().controller_key,
        log: manifest.payload().log,
        log_key: manifest.payload().log_key,
    }]);
    audit(bundle, &policy, house.engine.now())
}

pub(super) fn found(report: &Report) -> Vec<String> {
    report.findings.iter().map(ToString::to_string).collect()
}

/// Two grants, keys and a name delivered, one visit; nothing collected yet.
fn visited() -> (House, Shop, besace_protocol::id::GrantId) {
    let mut shop = Shop::new("shop.example", 1);
    let house = House::new();
    let name = Private::new("Nour".to_owned());
    house.engine.set_profile(ProfileField::ChosenName, name).unwrap();
    shop.ask(Purpose::Recognition);
    shop.ask(Purpose::StaffGreeting);
    house.meet(&shop);
    let recognition = house.give(&mut shop, Purpose::Recognition);
    house.give(&mut shop, Purpose::StaffGreeting);
    house.deliver(&mut shop);
    let permit = shop.permit(&[ShopScope::Sightings]);
    let token = house.answer_to(&mut shop, recognition);
    shop.sighting(&permit, token).unwrap();
    (house, shop, recognition)
}

#[test]
fn an_honest_story_holds_and_says_what_it_cannot_show() {
    let (house, mut shop, recognition) = visited();
    house.collect(&mut shop, |_| {});
    let report = audited(&house, &shop, &evidence(&house, &shop));
    assert_eq!((found(&report), report.verdict), (vec![], Verdict::Holds));

    let call = house.engine.withdraw(recognition).unwrap();
    let answer = shop.withdraw(&call).unwrap();
    house.take(&shop, || house.engine.accept_acknowledgement(recognition, &answer)).unwrap();
    let report = audited(&house, &shop, &evidence(&house, &shop));
    assert_eq!((found(&report), report.verdict), (vec![], Verdict::Holds));
    for (grant, call) in house.engine.owed_erasures(&shop.domain).unwrap() {
        let answer = shop.erasure(&call);
        assert!(house.take(&shop, || house.engine.accept_erasure(grant, &answer)).unwrap());
    }
    let report = audited(&house, &shop, &evidence(&house, &shop));
    assert_eq!((found(&report), report.verdict), (vec![], Verdict::Holds));
    let checked: Vec<_> = report.held.iter().map(|held| held.assertion).collect();
    // Her log did not go on in another one, and nothing was renewed: those stories are told in `succession`, `restoration` and `renewal`;
    // no witness is asked here, nobody acts for her, and nobody proposes less: that is told in `mandate` and
    // `negotiation`.
    let told = |assertion: &&Assertion| {
        let elsewhere = [
            Assertion::S1,
            Assertion::S2,
            Assertion::S3,
            Assertion::L2,
            Assertion::U10,
            Assertion::W4,
            Assertion::W6,
        ];
        !elsewhere.contains(assertion)
    };
    for assertion in Assertion::ALL.iter().filter(told) {
        assert!(checked.contains(assertion), "{assertion:?} was never checked");
    }
    assert!(report.not_checked.iter().any(|gap| matches!(gap, Gap::Unopened { .. })));
}

#[test]
fn a_look_up_that_the_shop_keeps_back_is_missed() {
    let (house, mut shop, _) = visited();
    house.collect(&mut shop, |answer| answer.mail.clear());
    let report = audited(&house, &shop, &evidence(&house, &shop));
    let ids: Vec<_> = report.findings.iter().map(|finding| finding.assertion).collect();
    assert_eq!(ids, [Assertion::U9, Assertion::U9], "both signed counts: {:?}", found(&report));
}

#[test]
fn a_flipped_byte_of_any_file_is_named() {
    let (house, mut shop, _) = visited();
    house.collect(&mut shop, |_| {});
    let files = evidence(&house, &shop).files().clone();
    for (name, bytes) in &files {
        for at in [0, bytes.len() / 2, bytes.len() - 1] {
            let mut changed = files.clone();
            changed.get_mut(name).unwrap()[at] ^= 1;
            let report = audited(&house, &shop, &Bundle::from(changed));
            let places: Vec<_> = report.findings.iter().map(|f| f.place.file.as_str()).collect();
            assert_eq!(places, [name.as_str()], "byte {at}");
        }
    }
}

#[test]
fn the_end_of_what_she_never_heard_of_is_held_against_nobody() {
    let mut shop = Shop::new("shop.example", 1);
    let house = House::new();
    shop.ask(Purpose::Recognition);
    shop.ask(Purpose::StaffGreeting);
    house.meet(&shop);
    // The shop signs, its answer is lost, and she takes the grant back.
    let (lost, call) = house.say_yes(Purpose::Recognition);
    shop.give_grant(&call).unwrap();
    let call = house.engine.withdraw(lost).unwrap();
    let answer = shop.withdraw(&call).unwrap();
    house.take(&shop, || house.engine.accept_acknowledgement(lost, &answer)).unwrap();
    for (grant, call) in house.engine.owed_erasures(&shop.domain).unwrap() {
        let answer = shop.erasure(&call);
        assert!(house.take(&shop, || house.engine.accept_erasure(grant, &answer)).unwrap());
    }
    assert!(house.engine.grants().unwrap()[0].erasure.is_some());
    house.give(&mut shop, Purpose::StaffGreeting);
    let report = audited(&house, &shop, &evidence(&house, &shop));
    assert_eq!((found(&report), report.verdict), (vec![], Verdict::Holds));
}
