use besace_protocol::{
    audit::{Bundle, Gap, PinnedController, PinnedWitnesses, Policy, Verdict, audit},
    consent::RecordKind,
    crypto::{SecretBytes, SigningKey},
    log::{Cosignature, UnverifiedProof, WitnessKey, WitnessName},
};

use super::{
    sighting::{collect, visit},
    *,
};

fn policy(world: &World) -> Policy {
    Policy::new(vec![PinnedController {
        domain: domain(),
        key: world.retailer.verifying_key(),
        log: besace_protocol::log::LogNumber::FIRST,
        log_key: *world.retailer.log_key().verifying_key(),
    }])
}

/// A world in which everything happened once, over two days; what opens its uses, and when it ended.
fn story() -> (World, Shopper, Vec<besace_protocol::log::Opening>, Timestamp) {
    let mut world = World::new();
    let (mut shopper, recognition, greeting) = regular(&mut world, 2);
    let permit = world.permit(first_shop());
    visit(&mut world, &shopper, &permit, NOW).unwrap();
    let tomorrow = Day::of(NOW).plus(1).start().plus(1530);
    world.retailer.tidy(tomorrow, &mut world.rng).unwrap();
    world.release(&mut shopper, &recognition.0, tomorrow);
    visit(&mut world, &shopper, &permit, tomorrow).unwrap();
    let collected = collect(&mut world, &mut shopper, tomorrow);
    let manifest = world.manifest();
    let openings = collected.mail.iter().map(|mail| {
        let (opening, record) = shopper.open_mail(mail, &manifest);
        assert!(matches!(record, RecordKind::Use(_)));
        let proof = UnverifiedProof::parse(opening.proof.as_bytes()).unwrap();
        proof.verify_opening(world.retailer.log_key(), &opening.record.0).unwrap().1
    });
    let openings = openings.collect();
    world.withdraw(&mut shopper, &recognition, tomorrow);
    world.withdraw(&mut shopper, &greeting, tomorrow);
    (world, shopper, openings, tomorrow)
}

#[test]
fn an_auditor_finds_nothing_wrong_with_an_honest_retailer() {
    let (world, _, openings, now) = story();
    let mut bundle = world.retailer.audit_bundle().unwrap();
    // What opens the uses went home: the report says so, and nothing is wrong.
    let report = audit(&bundle, &policy(&world), now);
    assert!(report.findings.is_empty(), "{:#?}", report.findings);
    let not_shown = |gap: &&Gap| matches!(gap, Gap::UsesNotShown { .. });
    let gaps: Vec<_> = report.not_checked.iter().filter(not_shown).collect();
    assert_eq!(gaps.len(), 2, "one for each grant: {gaps:?}");
    // With it, every entry is opened.
    bundle.add_openings(world.retailer.log_key().origin(), openings).unwrap();
    let report = audit(&bundle, &policy(&world), now);
    assert!(report.findings.is_empty(), "{:#?}", report.findings);
    assert_eq!(report.verdict, Verdict::Holds);
    assert_eq!(report.logs[0].opened, report.logs[0].size);
}

#[test]
fn the_bundle_has_the_head_that_witnesses_cosigned() {
    let (mut world, _, _, now) = story();
    let signer = SigningKey::from_seed(&SecretBytes::init_with(|seed| seed.fill(77)));
    let name = WitnessName::parse("witness.example/w1").unwrap();
    let key = WitnessKey::new(name.clone(), signer.verifying_key());
    let text = format!("witness w1 {key}\nquorum w1\n");
    let mut policy = policy(&world);
    policy.witnesses = Some(PinnedWitnesses::parse(text.as_bytes()).unwrap());
    let judge = |world: &World| audit(&world.retailer.audit_bundle().unwrap(), &policy, now);
    let missing = |gap: &Gap| matches!(gap, Gap::NotCosigned { .. });
    let before = judge(&world);
    assert!(before.findings.is_empty() && before.not_checked.iter().any(missing));
    let head = world.retailer.head().unwrap();
    let line = Cosignature::sign(&head, &name, &signer, now).unwrap();
    let pinned = policy.witnesses.as_ref().unwrap().policy();
    let witnessed = pinned.verify(&head.with(&line).unwrap(), now, 0).unwrap();
    world.retailer.keep_cosigned(&witnessed).unwrap();
    let report = judge(&world);
    assert!(report.findings.is_empty(), "{:#?}", report.findings);
    assert!(!report.not_checked.iter().any(|gap| *gap == Gap::Witnesses || missing(gap)));
}

#[test]
fn a_changed_byte_of_the_evidence_is_named() {
    let (world, _, _, now) = story();
    let bundle = world.retailer.audit_bundle().unwrap();
    for name in bundle.files().keys() {
        let mut files = bundle.files().clone();
        let bytes = files.get_mut(name).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        let report = audit(&Bundle::from(files), &policy(&world), now);
        assert_eq!(report.verdict, Verdict::Findings, "{name}");
    }
}
