use alloc::collections::BTreeSet;
use std::string::ToString as _;

use super::*;
use crate::{
    consent::sample::{
        NOW, grant as grant_payload, key, legal, notice, notice_text, signed_grant, terms,
    },
    document::sign,
    id::WithdrawalId,
};

const TERMS: &str = include_str!("../../../../spec/receipt-terms.txt");
/// Names that the vocabularies have, and how many of them are pinned.
const PUBLISHED: [(&str, usize); 2] = [
    (include_str!("../../../../spec/dpv-2.3-terms.txt"), 433),
    (include_str!("../../../../spec/dct-skos-terms.txt"), 130),
];
const PAGE: &str = include_str!("../../../../spec/receipt.md");

/// Terms that the guide of the vocabulary uses and the vocabulary does not have.
const GHOSTS: [&str; 17] = [
    "Analytics",
    "AutomationOfProcessing",
    "ConsentTerminated",
    "ConsentType",
    "DataProcessorDataSource",
    "FederatedLocation",
    "FullyAutomatedProcessing",
    "JointDataController",
    "ProcessingFrequency",
    "ScaleOfProcessing",
    "WithdrawingFromActivity",
    "hasAutomation",
    "hasDataProcessingCondition",
    "hasDataStorageCondition",
    "hasLegalName",
    "hasProcessingAutomation",
    "isImplementedBy",
];

fn withdrawal(of: &Verified<Grant>) -> Verified<Withdrawal> {
    let given = of.payload();
    let said = Withdrawal {
        controller: given.controller.clone(),
        grant: given.id,
        grant_digest: of.digest(),
        id: WithdrawalId::from_bytes([6; 16]),
        subject_key: given.subject_key,
        v: 1,
        withdrawn: NOW.plus(DAY_SECONDS),
    };
    sign(said, Role::Subject, &key(1), NOW).unwrap()
}

/// A receipt as it stands at `now`.
fn receipt(withdrawn: bool, now: Timestamp) -> Value {
    let (grant, notice) = (signed_grant(), notice());
    let ended = withdrawal(&grant);
    let receipt = Receipt::of(&grant, &notice, withdrawn.then_some(&ended)).unwrap();
    serde_json::from_slice(&receipt.to_bytes(now).unwrap()).unwrap()
}

fn states(receipt: &Value) -> Vec<String> {
    let states = receipt["dpv:hasRecordOfActivity"][0]["dpv:hasConsentStatus"].as_array().unwrap();
    let typed = |one: &Value| one["@type"][0].as_str().unwrap().to_string();
    states.iter().map(typed).collect()
}

/// Every IRI that stands as a key, a type or a name; what JSON-LD has itself, and our own values, apart.
fn iris(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(all) => all.iter().for_each(|one| iris(one, found)),
        Value::Object(members) if members.get("@type") == Some(&json!("@json")) => {}
        Value::Object(members) => {
            for (name, value) in members.iter().filter(|(name, _)| *name != "@context") {
                match value {
                    value if name == "@id" || name == "@type" => {
                        let all = value
                            .as_array()
                            .map_or_else(|| core::slice::from_ref(value), Vec::as_slice);
                        found.extend(all.iter().map(|one| one.as_str().unwrap().to_string()));
                    }
                    Value::String(_) if name == "@value" => {}
                    other => {
                        found.insert(name.clone());
                        iris(other, found);
                    }
                }
            }
        }
        _ => {}
    }
}

#[test]
fn no_term_is_written_that_the_vocabulary_does_not_have() {
    let pinned: BTreeSet<&str> = TERMS.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(GHOSTS.iter().all(|ghost| !pinned.contains(format!("dpv:{ghost}").as_str())));
    let mut found = BTreeSet::new();
    for (withdrawn, days) in [(false, 1), (true, 2), (false, 91)] {
        iris(&receipt(withdrawn, NOW.plus(days * DAY_SECONDS)), &mut found);
    }
    for (_, told) in stories() {
        iris(&told, &mut found);
    }
    for purpose in Purpose::ALL {
        found.insert(broader_purpose(*purpose).to_string());
        let broader = purpose.categories().iter().map(|one| broader_data(*one).to_string());
        found.extend(broader);
        found.insert(format!("besace:{}", purpose.as_str()));
        found.extend(purpose.categories().iter().map(|one| format!("besace:{}", one.as_str())));
    }
    let of = |prefixes: &[&str]| -> BTreeSet<&str> {
        let ours = found.iter().filter(|iri| prefixes.iter().any(|prefix| iri.starts_with(prefix)));
        ours.map(String::as_str).collect()
    };
    let written = of(&["dpv:", "pd:", "eu-gdpr:", "besace:", "xsd:"]);
    assert_eq!(written, pinned, "what is written, and what was looked up");
    // What was looked up is what the vocabularies have, as they were published.
    let mut published = BTreeSet::new();
    for (names, count) in PUBLISHED {
        let names = names.lines().filter(|line| !line.starts_with('#'));
        let names: BTreeSet<&str> = names.flat_map(str::split_whitespace).collect();
        assert_eq!(names.len(), count);
        published.extend(names);
    }
    assert!(GHOSTS.iter().all(|ghost| !published.contains(format!("dpv:{ghost}").as_str())));
    let all = of(&["dpv:", "pd:", "eu-gdpr:", "dct:", "skos:"]);
    assert_eq!(all.difference(&published).collect::<Vec<_>>(), [&""; 0]);
    // No other prefix is written, and beside these only the names of the grant and the address of its retailer.
    let known: BTreeSet<&str> = all.union(&written).copied().collect();
    let is_of_this =
        |iri: &str| iri.starts_with("urn:besace:grant_") || iri == "https://shop.example";
    let others = found.iter().filter(|iri| !known.contains(iri.as_str()) && !is_of_this(iri));
    assert_eq!(others.collect::<Vec<_>>(), Vec::<&String>::new());
    let context = receipt(false, NOW)["@context"].clone();
    let prefixes: Vec<&String> = context.as_object().unwrap().keys().collect();
    assert_eq!(prefixes, ["besace", "dct", "dpv", "eu-gdpr", "pd", "skos", "xsd"]);
}

/// Of a grant that its retailer ended a minute after it was given; and she, so many seconds after that.
fn revoked(withdrawn: Option<u64>) -> Value {
    let (grant, notice) = (signed_grant(), notice());
    let ends = crate::consent::revocation::tests::revocation();
    let ends = sign(ends, Role::Controller, &key(2), NOW.plus(60)).unwrap();
    let said = withdrawn.map(|seconds| {
        let said = withdrawal(&grant).payload().clone();
        let said = Withdrawal { withdrawn: NOW.plus(seconds), ..said };
        sign(said, Role::Subject, &key(1), NOW.plus(seconds)).unwrap()
    });
    let receipt = Receipt::of(&grant, &notice, said.as_ref()).unwrap().revoked_by(&ends).unwrap();
    serde_json::from_slice(&receipt.to_bytes(NOW.plus(200)).unwrap()).unwrap()
}

#[test]
fn what_its_retailer_ended_is_told_as_revoked_by_it() {
    let told = revoked(None);
    assert_eq!(states(&told), ["dpv:ConsentGiven", "dpv:ConsentRevoked"]);
    let record = &told["dpv:hasRecordOfActivity"][0];
    let by = &record["dpv:hasConsentStatus"][1]["dpv:isIndicatedBy"][0];
    assert_eq!(by["@id"], "https://shop.example");
    assert_eq!(record["besace:evidence"].as_array().unwrap().len(), 2);
    // Whoever ended it first ended it.
    let after = ["dpv:ConsentGiven", "dpv:ConsentRevoked", "dpv:ConsentWithdrawn"];
    assert_eq!(states(&revoked(Some(90))), after);
    assert_eq!(states(&revoked(Some(30))), ["dpv:ConsentGiven", "dpv:ConsentWithdrawn"]);
    let (grant, notice) = (signed_grant(), notice());
    let mut other = crate::consent::revocation::tests::revocation();
    other.grant = crate::id::GrantId::from_bytes([9; 16]);
    let other = sign(other, Role::Controller, &key(2), NOW).unwrap();
    let refused = Receipt::of(&grant, &notice, None).unwrap().revoked_by(&other);
    assert_eq!(refused.unwrap_err(), ReceiptError::Revocation);
}

#[test]
fn what_another_grant_replaced_is_told_as_expired_when_the_retailer_signed_that_one() {
    let (grant, notice) = (signed_grant(), notice());
    let given = grant.payload();
    let supersedes = Some(Supersedes { digest: grant.digest(), grant: given.id });
    let id = crate::id::GrantId::from_bytes([7; 16]);
    let after = Grant { id, supersedes, ..given.clone() };
    let of = |after: &Grant, both: bool| {
        let signed = sign(after.clone(), Role::Subject, &key(1), NOW).unwrap();
        let signed =
            if both { signed.countersign(Role::Controller, &key(2), NOW).unwrap() } else { signed };
        let receipt = Receipt::of(&grant, &notice, None).unwrap().superseded_by(&signed);
        receipt.map(|receipt| receipt.to_bytes(NOW.plus(60)).unwrap())
    };
    let told: Value = serde_json::from_slice(&of(&after, true).unwrap()).unwrap();
    assert_eq!(states(&told), ["dpv:ConsentGiven", "dpv:ConsentExpired"]);
    assert!(told["@id"].as_str().unwrap().ends_with("#ConsentExpired"));
    let evidence = &told["dpv:hasRecordOfActivity"][0]["besace:evidence"];
    assert_eq!(evidence.as_array().unwrap().len(), 2);
    assert_eq!(of(&after, false), Err(ReceiptError::Successor), "not signed by both");
    let plain = Grant { supersedes: None, ..after };
    assert_eq!(of(&plain, true), Err(ReceiptError::Successor));
}

/// The sample grant in the place of another one, signed by both.
fn renewal(of: &Verified<Grant>, both: bool) -> Verified<Grant> {
    let given = of.payload();
    let supersedes = Some(Supersedes { digest: of.digest(), grant: given.id });
    let id = crate::id::GrantId::from_bytes([7; 16]);
    let after =
        sign(Grant { id, supersedes, ..given.clone() }, Role::Subject, &key(1), NOW).unwrap();
    if both { after.countersign(Role::Controller, &key(2), NOW).unwrap() } else { after }
}

/// A restoration of the sample shop, an hour later.
fn restored() -> Verified<Restoration> {
    let lost = crate::consent::restoration::tests::restoration();
    let at = NOW.plus(3_600);
    sign(Restoration { at, ..lost }, Role::Controller, &key(2), at).unwrap()
}

/// The rule that she confirmed a second before it gave the sample grant, and its salt.
fn giving_rule() -> (RuleName, Salt) {
    let confirmed = grant_payload().given.minus(1);
    (RuleName { confirmed, number: 3, version: 2 }, Salt::from_bytes([4; 32]))
}

/// A grant that this rule gave, signed by both.
fn given_by(name: RuleName, salt: &Salt) -> Verified<Grant> {
    let indication = Indication::Rule(name.commitment(salt));
    let given = Grant { indication, ..grant_payload() };
    let given = sign(given, Role::Subject, &key(1), NOW).unwrap();
    given.countersign(Role::Controller, &key(2), NOW).unwrap()
}

fn by_rule() -> Value {
    let (name, salt) = giving_rule();
    let (grant, notice) = (given_by(name, &salt), notice());
    let receipt = Receipt::of(&grant, &notice, None).unwrap().by_rule(name, &salt).unwrap();
    serde_json::from_slice(&receipt.to_bytes(NOW).unwrap()).unwrap()
}

#[test]
fn a_receipt_names_the_rule_that_gave_and_no_other() {
    let told = by_rule();
    let event = &told["dpv:hasRecordOfActivity"][0]["dpv:hasConsentStatus"][0];
    assert_eq!(event["dpv:hasIndicationMethod"][0], NAMED_RULE);
    let rule = &event["besace:rule"][0];
    assert_eq!((&rule["besace:number"][0], &rule["besace:version"][0]), (&json!(3), &json!(2)));
    let (name, salt) = giving_rule();
    assert_eq!(rule["besace:salt"][0], json!(salt));
    assert_eq!(rule["besace:confirmed"][0], moment(name.confirmed));
    // Without being asked it says that it was a rule, and not which.
    let (grant, notice) = (given_by(name, &salt), notice());
    let silent = Receipt::of(&grant, &notice, None).unwrap();
    let silent: Value = serde_json::from_slice(&silent.to_bytes(NOW).unwrap()).unwrap();
    let event = &silent["dpv:hasRecordOfActivity"][0]["dpv:hasConsentStatus"][0];
    assert_eq!(event["dpv:hasIndicationMethod"][0], method(grant.payload().indication));
    assert!(event.get("besace:rule").is_none());

    let refused = |grant: &Verified<Grant>, name: RuleName, salt: &Salt| {
        Receipt::of(grant, &notice, None).unwrap().by_rule(name, salt).unwrap_err()
    };
    for other in [
        RuleName { number: 4, ..name },
        RuleName { version: 1, ..name },
        RuleName { confirmed: NOW.plus(1), ..name },
    ] {
        assert_eq!(refused(&grant, other, &salt), ReceiptError::Rule);
    }
    assert_eq!(refused(&grant, name, &Salt::from_bytes([5; 32])), ReceiptError::Rule);
    assert_eq!(refused(&signed_grant(), name, &salt), ReceiptError::Rule, "given on a page");
    let late = RuleName { confirmed: grant.payload().given.plus(1), ..name };
    assert_eq!(refused(&given_by(late, &salt), late, &salt), ReceiptError::Rule, "after it");
}

/// A receipt of each story that a grant can have, with the name of its file.
fn stories() -> Vec<(&'static str, Value)> {
    let (grant, notice) = (signed_grant(), notice());
    let life = 90 * DAY_SECONDS;
    let read = |receipt: Receipt<'_>, now: Timestamp| -> Value {
        serde_json::from_slice(&receipt.to_bytes(now).unwrap()).unwrap()
    };
    let plain = |of| Receipt::of(of, &notice, None).unwrap();
    let unsigned = sign(grant_payload(), Role::Subject, &key(1), NOW).unwrap();
    let (after, waiting) = (renewal(&grant, true), renewal(&grant, false));
    let lost = restored();
    let ends = crate::consent::revocation::tests::revocation();
    let ends = sign(ends, Role::Controller, &key(2), NOW.plus(60)).unwrap();
    let late = withdrawal(&grant).payload().clone();
    let late = Withdrawal { withdrawn: NOW.plus(life), ..late };
    let late = sign(late, Role::Subject, &key(1), NOW.plus(life)).unwrap();
    let withdrawn_late = Receipt::of(&grant, &notice, Some(&late)).unwrap();
    vec![
        ("given", receipt(false, NOW)),
        ("given-unsigned", read(plain(&unsigned), NOW)),
        ("given-by-rule", by_rule()),
        ("renewed", read(plain(&after), NOW)),
        ("withdrawn", receipt(true, NOW.plus(2 * DAY_SECONDS))),
        ("expired", receipt(false, NOW.plus(life))),
        ("expired-withdrawn", read(withdrawn_late, NOW.plus(life))),
        ("superseded", read(plain(&grant).superseded_by(&after).unwrap(), NOW.plus(60))),
        ("revoked", revoked(None)),
        ("revoked-withdrawn", revoked(Some(90))),
        ("revoked-with", read(plain(&waiting).revoked_with(&ends).unwrap(), NOW.plus(60))),
        ("restored", read(plain(&grant).restored_by(&lost).unwrap(), NOW.plus(3_600))),
    ]
}

#[test]
fn the_receipt_of_each_story_is_the_one_that_is_published() {
    let folder = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../spec/receipts"));
    let mut published: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    for (name, told) in stories() {
        let file = format!("{name}.json");
        let text = std::fs::read_to_string(folder.join(&file)).unwrap();
        let kept: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(kept, told, "{name}");
        assert!(published.remove(&file), "{name}");
    }
    assert_eq!(published, BTreeSet::new(), "of these no story is told");
}

#[test]
fn what_its_retailer_ended_with_another_or_with_a_store_is_told_as_revoked() {
    let (grant, notice) = (signed_grant(), notice());
    let of = |name: &str| stories().into_iter().find(|(story, _)| *story == name).unwrap().1;
    let told = of("restored");
    assert_eq!(states(&told), ["dpv:ConsentGiven", "dpv:ConsentRevoked"]);
    assert!(told["@id"].as_str().unwrap().ends_with("#ConsentRevoked"));
    assert_eq!(states(&of("revoked-with")), ["dpv:RenewedConsentGiven", "dpv:ConsentRevoked"]);
    assert_eq!(states(&of("renewed")), ["dpv:RenewedConsentGiven"]);
    // One of another shop, or of before the grant, ended nothing here.
    let early = Restoration { at: NOW, ..restored().payload().clone() };
    let controller = ControllerId::parse("other.example").unwrap();
    let other = Restoration { controller, ..restored().payload().clone() };
    for wrong in [early, other] {
        let wrong = sign(wrong, Role::Controller, &key(2), NOW);
        // A restoration whose logs are another's cannot be signed at all.
        let Ok(wrong) = wrong else { continue };
        let refused = Receipt::of(&grant, &notice, None).unwrap().restored_by(&wrong);
        assert_eq!(refused.unwrap_err(), ReceiptError::Restoration);
    }
    // What takes the place of nothing ended with nothing.
    let ends = crate::consent::revocation::tests::revocation();
    let ends = sign(ends, Role::Controller, &key(2), NOW.plus(60)).unwrap();
    let refused = Receipt::of(&grant, &notice, None).unwrap().revoked_with(&ends);
    assert_eq!(refused.unwrap_err(), ReceiptError::Revocation);
}

#[test]
fn a_receipt_tells_what_became_of_the_consent() {
    let at = |withdrawn, seconds| states(&receipt(withdrawn, NOW.plus(seconds)));
    let life = 90 * DAY_SECONDS;
    assert_eq!(at(false, life - 1), ["dpv:ConsentGiven"]);
    assert_eq!(at(false, life), ["dpv:ConsentGiven", "dpv:ConsentExpired"]);
    assert_eq!(at(true, 2 * life), ["dpv:ConsentGiven", "dpv:ConsentWithdrawn"]);
    let (grant, notice) = (signed_grant(), notice());
    let said = withdrawal(&grant).payload().clone();
    let after =
        Withdrawal { withdrawn: NOW.plus(life), subject_key: key(8).verifying_key(), ..said };
    let after = sign(after, Role::Subject, &key(8), NOW.plus(life)).unwrap();
    let late =
        Receipt::of(&grant, &notice, Some(&after)).unwrap().to_bytes(NOW.plus(life)).unwrap();
    let late: Value = serde_json::from_slice(&late).unwrap();
    let story = ["dpv:ConsentGiven", "dpv:ConsentExpired", "dpv:ConsentWithdrawn"];
    assert_eq!(states(&late), story);
    // By the key that she had by then.
    let by = &late["dpv:hasRecordOfActivity"][0]["dpv:hasConsentStatus"][2]["dpv:isIndicatedBy"][0];
    assert_eq!(by["dct:identifier"][0], json!(key(8).verifying_key()));
    let receipt = receipt(true, NOW);
    assert!(receipt["@id"].as_str().unwrap().ends_with("#ConsentWithdrawn"));
    let record = &receipt["dpv:hasRecordOfActivity"][0];
    assert_eq!(record["besace:signedByController"][0], true);
    let documents = record["besace:evidence"].as_array().unwrap();
    let signed = signed_grant();
    let kept: Value = serde_json::from_slice(signed.as_bytes()).unwrap();
    assert_eq!((documents.len(), &documents[0]["@value"]), (2, &kept));
}

#[test]
fn documents_that_do_not_belong_together_make_no_receipt() {
    let grant = signed_grant();
    let mut text = notice_text();
    text.version = "2".to_string();
    let other = text.of(legal(), &terms()).unwrap();
    assert_eq!(Receipt::of(&grant, &other, None).unwrap_err(), ReceiptError::Notice);
    let another = Grant { id: crate::id::GrantId::from_bytes([9; 16]), ..grant_payload() };
    let another = sign(another, Role::Subject, &key(1), NOW).unwrap();
    let ends = withdrawal(&another);
    let refused = Receipt::of(&grant, &notice(), Some(&ends)).unwrap_err();
    assert_eq!(refused, ReceiptError::Withdrawal);
}

#[test]
fn moments_are_those_of_the_calendar() {
    let text = |seconds| moment(Timestamp::from_unix_seconds(seconds))["@value"].clone();
    assert_eq!(text(0), "1970-01-01T00:00:00Z");
    assert_eq!(text(951_826_999), "2000-02-29T12:23:19Z");
    assert_eq!(text(1_795_300_000), "2026-11-21T22:26:40Z");
    assert_eq!(text(253_402_300_799), "9999-12-31T23:59:59Z");
    assert_eq!(moment(Timestamp::from_unix_seconds(u64::MAX)), json!(u64::MAX));
}

#[test]
fn the_page_shows_a_receipt_as_it_is_made() {
    let shown = PAGE.split("```jsonld\n").nth(1).unwrap().split("```").next().unwrap();
    let shown: Value = serde_json::from_str(shown).unwrap();
    let mut made = receipt(true, NOW.plus(DAY_SECONDS));
    let record = &mut made["dpv:hasRecordOfActivity"][0];
    // Signed documents are long, and of the eleven things that are told one is enough: the page has dots for the others.
    record["besace:evidence"] =
        json!([{"@type": "@json", "@value": "…"}, {"@type": "@json", "@value": "…"}]);
    record["dpv:hasNotice"][0]["besace:tells"].as_array_mut().unwrap().truncate(1);
    assert_eq!(shown, made, "{}", serde_json::to_string_pretty(&made).unwrap());
}
