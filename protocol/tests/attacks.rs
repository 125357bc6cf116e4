//! The list of attacks on consent: what somebody tries who has documents, keys or a log of his own, and the rule that
//! refuses it. `spec/threat-model.md#attacks`.
//!
//! Each attempt goes through what the programs go through, and is refused by the rule that is named beside it and by no
//! other: a case that another rule stops first says nothing about its own. `--nocapture` prints the list.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    reason = "an attack that cannot be tried is a failed test, and the list is for people"
)]

#[path = "attacks/headers.rs"]
mod headers;
#[path = "attacks/logs.rs"]
mod logs;
#[path = "attacks/papers.rs"]
mod papers;
#[path = "attacks/parties.rs"]
mod parties;
#[path = "attacks/sealed.rs"]
mod sealed;
#[path = "attacks/signatures.rs"]
mod signatures;
#[path = "attacks/talk.rs"]
mod talk;
#[path = "negotiation/world.rs"]
#[expect(dead_code, reason = "a run of a negotiation needs more of it")]
mod talks;
#[path = "attacks/terms.rs"]
mod terms;
#[path = "attacks/witnesses.rs"]
mod witnesses;
#[path = "consent_life/world.rs"]
#[expect(dead_code, reason = "the life of a grant needs more of it")]
mod world;

use std::{collections::BTreeSet, fmt::Debug};

use besace_protocol::{
    consent::{ConsentRequest, Grant},
    crypto::VerifyingKey,
    document::{Document, Unverified, Verified, sign},
    encoding::to_base64url,
    jws::Role,
    keys::RootKey,
    purpose::Purpose,
};
use rand::{SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json};
use world::{NOW, Pseudonym, Retailer};

/// Two retailers, her pseudonym towards each, and a grant that she gave the first.
struct Scene {
    rng: StdRng,
    shop: Retailer,
    other: Retailer,
    her: Pseudonym,
    her_elsewhere: Pseudonym,
    request: Verified<ConsentRequest>,
    grant: Verified<Grant>,
}

impl Scene {
    fn new() -> Self {
        let mut rng = StdRng::seed_from_u64(11);
        let root = RootKey::generate(&mut rng);
        let shop = Retailer::new("shop.example", &mut rng);
        let other = Retailer::new("other.example", &mut rng);
        let her = Pseudonym::new(&root, &shop.domain, &mut rng);
        let her_elsewhere = Pseudonym::new(&root, &other.domain, &mut rng);
        let request = shop.request(Purpose::Recognition, &mut rng);
        let grant = her.give(&request, &shop, &mut rng);
        Self { rng, shop, other, her, her_elsewhere, request, grant }
    }

    /// The keys that a grant of hers to the shop has to be signed with.
    fn signers(&self) -> [(Role, VerifyingKey); 2] {
        [
            (Role::Controller, self.shop.signing.verifying_key()),
            (Role::Subject, self.her.keys.signing.verifying_key()),
        ]
    }
}

/// What was tried, and what became of it.
struct Attempt {
    name: String,
    rule: String,
    outcome: Result<(), String>,
}

#[derive(Default)]
struct List(Vec<Attempt>);

impl List {
    /// `rule` is how the error shows itself, or how that begins.
    fn tries<T, E: Debug>(
        &mut self,
        name: impl Into<String>,
        rule: impl Into<String>,
        attempt: Result<T, E>,
    ) {
        let outcome = attempt.map(|_| ()).map_err(|error| format!("{error:?}"));
        self.0.push(Attempt { name: name.into(), rule: rule.into(), outcome });
    }
}

/// Reads and checks a document as both programs do: the first error, whichever step finds it.
fn read<D: Document>(
    bytes: &[u8],
    signers: &[(Role, VerifyingKey)],
) -> Result<Verified<D>, String> {
    let signers: Vec<_> = signers.iter().map(|(role, key)| (*role, key)).collect();
    let parsed = Unverified::<D>::parse(bytes).map_err(|error| format!("{error:?}"))?;
    parsed.verify(&signers).map_err(|error| format!("{error:?}"))
}

/// The JSON of a signed document, to be changed.
fn opened(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

/// Canonical, as long as names and texts are ASCII: members are sorted.
fn closed(value: &Value) -> Vec<u8> {
    serde_json::to_vec(value).unwrap()
}

/// A document of any header and any payload, signed honestly by `key` over both.
fn forged(header: &str, payload: &[u8], key: &besace_protocol::crypto::SigningKey) -> Vec<u8> {
    let (header, payload) = (to_base64url(header.as_bytes()), to_base64url(payload));
    let signature = key.sign(format!("{header}.{payload}").as_bytes());
    closed(&json!({
        "payload": payload,
        "signatures": [{"protected": header, "signature": to_base64url(signature.as_bytes())}],
    }))
}

#[test]
fn every_attack_of_the_list_is_refused_by_the_rule_that_is_named_for_it() {
    let scene = Scene::new();
    let mut list = List::default();
    signatures::tries(&scene, &mut list);
    headers::tries(&scene, &mut list);
    parties::tries(&scene, &mut list);
    terms::tries(&scene, &mut list);
    logs::tries(&scene, &mut list);
    sealed::tries(&scene, &mut list);
    papers::tries(&scene, &mut list);
    witnesses::tries(&scene, &mut list);
    talk::tries(&mut list);

    let mut names = BTreeSet::new();
    let mut wrong = Vec::new();
    for Attempt { name, rule, outcome } in &list.0 {
        assert!(names.insert(name), "two attacks are called {name}");
        match outcome {
            Err(error) if error.starts_with(rule.as_str()) => println!("refused  {name}: {error}"),
            Err(error) => wrong.push(format!("{name}: refused by {error}, not by {rule}")),
            Ok(()) => wrong.push(format!("{name}: ACCEPTED")),
        }
    }
    println!("attacks: {} refused, {} not", list.0.len() - wrong.len(), wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(list.0.len() >= 880, "{} attacks: the list became shorter", list.0.len());
}

#[test]
fn what_is_attacked_holds_as_long_as_nobody_touches_it() {
    let scene = Scene::new();
    assert!(read::<Grant>(scene.grant.as_bytes(), &scene.signers()).is_ok());
    assert_eq!(closed(&opened(scene.grant.as_bytes())), scene.grant.as_bytes());
    let again = sign(scene.request.payload().clone(), Role::Controller, &scene.shop.signing, NOW);
    assert!(again.is_ok());
    logs::holds(&scene);
    sealed::holds(&scene);
    terms::holds(&scene);
    parties::holds(&scene);
    headers::holds(&scene);
    papers::holds(&scene);
    witnesses::holds(&scene);
}
