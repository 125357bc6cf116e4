//! What others do for her, in the log of her vault: an act that its mandate does not allow is named.

use alloc::{format, string::String, vec, vec::Vec};

use super::{
    super::*,
    found,
    story::{Book, NOW, domain, key},
};
use crate::{
    consent::{Delegated, RecordKind},
    crypto::SigningKey,
    document::{Verified, sign},
    encoding::Bytes,
    id::{GrantId, LogId, MandateId, MessageId},
    jws::Role,
    log::{LogKey, Origin},
    mandate::{
        Act, DELEGATE_ACTS_PATH, Mandate, MandateAct, MandateWithdrawal, sign_delegate_call,
    },
    party::ControllerId,
    time::{DAY_SECONDS, Timestamp},
};

const ID: MandateId = MandateId::from_bytes([7; 16]);

/// The log of a vault: the heads of other logs, which stay closed; a mandate; one act.
pub(super) struct Given {
    pub(super) log: Book,
    mandate: Verified<Mandate>,
    calls: u8,
}

/// What is wrong about an act, before it is signed.
pub(super) struct Call {
    mandate: MandateId,
    signer: SigningKey,
    signed: Timestamp,
    message: MessageId,
    act: Act,
}

impl Given {
    pub(super) fn told() -> Self {
        let mandate = Mandate {
            acts: [MandateAct::Refuse, MandateAct::Withdraw].into(),
            controllers: Some([domain()].into()),
            delegate_key: key(61).verifying_key(),
            expires: NOW.plus(DAY_SECONDS),
            id: ID,
            issued: NOW,
            subject_key: key(60).verifying_key(),
            v: 1,
        };
        let mandate = sign(mandate, Role::Subject, &key(60), NOW).unwrap();
        let mut log = Book::new(Origin::of_log(&LogId::from_bytes([66; 16])), key(62));
        log.strangers(3);
        log.append(mandate.as_bytes());
        let mut given = Self { log, mandate, calls: 0 };
        given.act("shop.example", NOW.plus(10), |_| {});
        given
    }

    /// Her agent logs an act, whatever it is; `change` makes it another one.
    pub(super) fn act(&mut self, at: &str, now: Timestamp, change: impl FnOnce(&mut Call)) -> u64 {
        self.calls = self.calls.saturating_add(1);
        let controller = ControllerId::parse(at).unwrap();
        let mut call = Call {
            mandate: ID,
            signer: key(61),
            signed: now,
            message: MessageId::from_bytes([self.calls; 16]),
            act: Act::Withdraw { controller, grant: GrantId::from_bytes([9; 16]) },
        };
        change(&mut call);
        let Call { mandate, signer, signed, message, act } = call;
        let jws = sign_delegate_call(DELEGATE_ACTS_PATH, mandate, message, &act, &signer, signed)
            .unwrap();
        let call = Bytes(jws.as_bytes().to_vec());
        self.log.plain(&RecordKind::Delegated(Delegated { at: now, call }))
    }

    fn take_back(&mut self, at: Timestamp) {
        let subject_key = key(60).verifying_key();
        let mandate_digest = self.mandate.digest();
        let said =
            MandateWithdrawal { mandate: ID, mandate_digest, subject_key, v: 1, withdrawn: at };
        let said = sign(said, Role::Subject, &key(60), at).unwrap();
        self.log.append(said.as_bytes());
    }

    pub(super) fn bundle(&self) -> Bundle {
        let mut bundle = Bundle::new();
        self.log.write(&mut bundle);
        bundle
    }

    /// The log is pinned: a vault's own log is named by no grant.
    pub(super) fn policy(&self) -> Policy {
        let mut policy = Policy::new(vec![]);
        policy.logs.push(LogKey::new(self.log.origin.clone(), self.log.signer.verifying_key()));
        policy
    }

    fn audit(&self) -> Report {
        audit(&self.bundle(), &self.policy(), NOW.plus(2 * DAY_SECONDS))
    }
}

fn one(index: u64) -> Vec<String> {
    let origin = Origin::of_log(&LogId::from_bytes([66; 16]));
    vec![format!("U10 logs/{origin}/openings/0.jsonl#{index}")]
}

#[test]
fn what_a_mandate_allows_is_found_well_done() {
    let report = Given::told().audit();
    assert_eq!((report.verdict, found(&report)), (Verdict::Holds, vec![]), "{report:?}");
    assert!(report.held.iter().any(|held| held.assertion == Assertion::U10 && held.checked == 1));
}

#[test]
fn an_act_outside_its_mandate_is_named_whatever_it_is() {
    let (soon, act) = (
        NOW.plus(20),
        Act::Refuse { controller: domain(), request: crate::id::RequestId::from_bytes([5; 16]) },
    );
    let mut given = Given::told();
    let index = given.act("other.example", soon, |_| {});
    assert_eq!(found(&given.audit()), one(index), "another retailer");

    let mut given = Given::told();
    let purpose = crate::purpose::Purpose::Recognition;
    let rule = Act::WriteRule { controllers: Some([domain()].into()), purpose };
    let index = given.act("shop.example", soon, |call| call.act = rule);
    assert_eq!(found(&given.audit()), one(index), "another act");

    let mut given = Given::told();
    let index = given.act("shop.example", NOW.plus(DAY_SECONDS), |_| {});
    assert_eq!(found(&given.audit()), one(index), "after its end");

    let mut given = Given::told();
    given.take_back(soon);
    let index = given.act("shop.example", NOW.plus(30), |_| {});
    assert_eq!(found(&given.audit()), one(index), "after she took it back");

    let mut given = Given::told();
    let index = given.act("shop.example", soon, |call| call.signer = key(60));
    assert_eq!(found(&given.audit()), one(index), "signed by somebody else");

    let mut given = Given::told();
    let index =
        given.act("shop.example", soon, |call| call.mandate = MandateId::from_bytes([8; 16]));
    assert_eq!(found(&given.audit()), one(index), "under no mandate");

    let mut given = Given::told();
    let index = given.act("shop.example", soon, |call| call.signed = NOW.minus(80));
    assert_eq!(found(&given.audit()), one(index), "signed at another moment");

    let mut given = Given::told();
    let index = given.act("shop.example", soon, |call| {
        call.message = MessageId::from_bytes([1; 16]);
        call.act = act;
    });
    assert_eq!(found(&given.audit()), one(index), "a message that came before");
}

#[test]
fn a_mandate_or_its_end_that_she_did_not_sign_is_evidence_refused() {
    let mut given = Given::told();
    given.mandate = sign(
        Mandate { expires: NOW.plus(7), ..given.mandate.payload().clone() },
        Role::Subject,
        &key(60),
        NOW,
    )
    .unwrap();
    given.take_back(NOW.plus(20));
    let report = given.audit();
    assert_eq!(report.findings[0].assertion, Assertion::G1, "ends another mandate: {report:?}");
}

#[test]
fn what_she_confirms_again_counts_and_what_she_took_back_stays_taken_back() {
    let mut given = Given::told();
    let again = given.mandate.as_bytes().to_vec();
    given.log.append(&again);
    given.act("shop.example", NOW.plus(30), |_| {});
    assert_eq!(found(&given.audit()), Vec::<String>::new());
    given.take_back(NOW.plus(40));
    given.log.append(&again);
    let index = given.act("shop.example", NOW.plus(50), |_| {});
    assert_eq!(found(&given.audit()), one(index));
}
