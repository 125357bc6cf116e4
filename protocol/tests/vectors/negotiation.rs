//! The order of terms, the messages of a negotiation, and which of them follow each other. `what` is
//! `order`, `document`, `transcript` or `rule`; what the other lines mean stands in `tests/vectors/topic_negotiation.py`.

use besace_protocol::{
    consent::{ConsentRequest, Dimension, Terms},
    crypto::{SecretBytes, SigningKey, VerifyingKey},
    document::{Document, Unverified, Verified, sign},
    encoding::{from_json_exact, to_canonical_json},
    id::NegotiationId,
    jws::Role,
    log::Salt,
    negotiation::{
        Agreement, Due, Matter, Message, Negotiation, Outcome, Proposal, Refusal, RuleName, Side,
        UnverifiedMessage,
    },
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

use super::{Case, same};

pub(crate) fn check(case: &Case) -> Result<(), String> {
    match case.text("what") {
        "order" => order(case),
        "document" => match case.text("typ") {
            "besace-agreement+jws" => document::<Agreement>(case, |one| &one.matter),
            "besace-proposal+jws" => document::<Proposal>(case, |one| &one.matter),
            "besace-refusal+jws" => document::<Refusal>(case, |one| &one.matter),
            other => panic!("unknown type {other}"),
        },
        "transcript" => transcript(case),
        "rule" => rule(case),
        other => panic!("unknown rule {other}"),
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pair {
    a: Terms,
    b: Terms,
}

fn order(case: &Case) -> Result<(), String> {
    let Pair { a, b } = from_json_exact(&case.body, 1 << 16).map_err(|e| e.to_string())?;
    let word = |dimension: &Dimension| {
        serde_json::to_value(dimension).unwrap().as_str().unwrap().to_owned()
    };
    let mut beyond: Vec<String> = a.exceeds(&b).iter().map(word).collect();
    beyond.sort();
    let beyond = if beyond.is_empty() { "nothing".to_owned() } else { beyond.join(" ") };
    same("beyond", &beyond, case.text("exceeds"))?;
    same("narrower", &a.narrower_than(&b).to_string(), &(beyond == "nothing").to_string())?;
    let meet = a.meet(&b).map(|meet| String::from_utf8(to_canonical_json(&meet).unwrap()).unwrap());
    same("meet", meet.as_deref().unwrap_or("none"), case.text("meet"))
}

/// The name of a rule, and how a grant with this salt names it.
fn rule(case: &Case) -> Result<(), String> {
    let name: RuleName = from_json_exact(&case.body, 256).map_err(|e| e.to_string())?;
    let salt = Salt::from_bytes(hex::decode(case.text("salt")).unwrap().try_into().unwrap());
    same("commitment", &name.commitment(&salt).to_string(), case.text("commitment"))
}

fn document<D: Document + Clone>(case: &Case, matter: fn(&D) -> &Matter) -> Result<(), String> {
    let (side, role) = match case.text("by") {
        "subject" => (Side::Subject, Role::Subject),
        "controller" => (Side::Controller, Role::Controller),
        other => panic!("unknown side {other}"),
    };
    let parsed = Unverified::<D>::parse(&case.body).map_err(|e| format!("{e:?}"))?;
    let mut expected = matter(parsed.claimed()).clone();
    let pinned = VerifyingKey::parse(case.text(case.text("by"))).unwrap();
    match side {
        Side::Subject => expected.subject_key = pinned,
        Side::Controller => expected.controller_key = pinned,
    }
    let message = UnverifiedMessage::parse(&case.body).map_err(|e| e.to_string())?;
    let message = message.verify(&expected).map_err(|e| e.to_string())?;
    if message.by() != side {
        return Err("signed by the other side".to_owned());
    }
    same("digest", &message.digest().to_string(), case.text("digest"))?;
    let seed = hex::decode(case.text("seed")).unwrap();
    let key = SigningKey::from_seed(&SecretBytes::init_with(|to| to.copy_from_slice(&seed)));
    let at = Timestamp::from_unix_seconds(case.text("time").parse().unwrap());
    let signed = sign(parsed.claimed().clone(), role, &key, at).unwrap();
    let text = |bytes: &[u8]| str::from_utf8(bytes).unwrap().to_owned();
    same("document", &text(signed.as_bytes()), &text(&case.body))
}

fn transcript(case: &Case) -> Result<(), String> {
    let key = |name: &str| VerifyingKey::parse(case.text(name)).unwrap();
    let request: Verified<ConsentRequest> =
        Unverified::<ConsentRequest>::parse(case.text("request").as_bytes())
            .unwrap()
            .verify(&[(Role::Controller, &key("controller"))])
            .unwrap();
    let id = NegotiationId::parse(case.text("id")).unwrap();
    let matter = Matter::of(&request, id, key("subject"));
    let mut said: Vec<Message> = Vec::new();
    for line in case.body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let message = UnverifiedMessage::parse(line).map_err(|e| e.to_string())?;
        said.push(message.verify(&matter).map_err(|e| e.to_string())?);
    }
    let resume = |side| {
        Negotiation::resume(side, request.clone(), matter.clone(), said.clone(), None)
            .map_err(|e| format!("{e:?}"))
    };
    let (hers, theirs) = (resume(Side::Subject)?, resume(Side::Controller)?);
    let stands = match (hers.outcome(), hers.due(), theirs.due()) {
        (Some(Outcome::Settled { .. }), None, None) => "settled",
        (Some(Outcome::Refused { .. }), None, None) => "refused",
        (None, Some(Due::Begin), None) => "asked",
        (None, Some(Due::Give), None) => "agreed",
        (None, Some(Due::AnswerCounter), None) | (None, None, Some(Due::AnswerProposal { .. })) => {
            "proposed"
        }
        (None, None, Some(Due::Countersign)) => "given",
        other => panic!("both may speak, or nobody: {other:?}"),
    };
    assert_eq!(hers.outcome(), theirs.outcome());
    same("stands", stands, case.text("stands"))
}
