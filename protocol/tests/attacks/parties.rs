//! Documents of one retailer, pseudonym or moment, shown to another.

use besace_protocol::{
    call::{HELD_CALL_SECONDS_MAX, UnverifiedCall, VerifyCallError, sign_call, sign_held_call},
    consent::{
        Acknowledgement, Cause, Continuation, Grant, GrantEvent, GrantState, Left, LogHead,
        Successor, UseHead, Withdrawal,
    },
    crypto::{SigningKey, VerifyingKey, sha256},
    document::{Unverified, Verified, sign},
    id::{GrantId, LogId, MessageId, RequestId, WithdrawalId},
    jws::Role,
    time::Timestamp,
};

use super::{
    List, NOW, Scene, read,
    world::{SKEW, verify_grant},
};

const WITHDRAWALS: &str = "https://shop.example/besace/v1/withdrawals";
type Change = fn(&mut Grant, &Scene);

const GRANTS: &str = "https://shop.example/besace/v1/grants";

pub(super) fn holds(scene: &Scene) {
    assert_eq!(scene.grant.payload().answers(&scene.request, NOW, SKEW), Ok(()));
    assert_eq!(withdrawal(scene, |_| {}).payload().ends(&scene.grant), Ok(()));
    let withdrawn = withdrawal(scene, |_| {});
    assert_eq!(acknowledgement(&withdrawn, |_| {}).answers(&withdrawn), Ok(()));
    let now = Called { key: &scene.her.keys.signing, ..Called::of(scene) };
    assert!(now.heard().is_ok());
    let signed = continuation(scene, |_| {}).unwrap();
    assert!(Unverified::<Continuation>::parse(signed.as_bytes()).unwrap().verify_parties().is_ok());
}

pub(super) fn tries(scene: &Scene, list: &mut List) {
    grants(scene, list);
    ends(scene, list);
    calls(scene, list);
    continuations(scene, list);
    lives(list);
}

fn grants(scene: &Scene, list: &mut List) {
    let hers = |key: &SigningKey, theirs: &SigningKey| {
        let signed = sign(scene.grant.payload().clone(), Role::Subject, key, NOW).unwrap();
        signed.countersign(Role::Controller, theirs, NOW).unwrap()
    };
    let (shop, other) = (&scene.shop.signing, &scene.other.signing);
    let (her, elsewhere) = (&scene.her.keys.signing, &scene.her_elsewhere.keys.signing);
    for (name, subject, controller) in [
        ("signed by another retailer", her, other),
        ("signed by another pseudonym", elsewhere, shop),
        ("signed by the shop in both roles", shop, shop),
        ("signed by her in both roles", her, her),
        ("signed the other way round", shop, her),
    ] {
        let grant = hers(subject, controller);
        let attempt = verify_grant(grant.as_bytes(), &scene.her, &scene.shop);
        list.tries(format!("grant {name}"), "Key", attempt);
    }
    let attempt = verify_grant(scene.grant.as_bytes(), &scene.her, &scene.other);
    list.tries("grant shown to another retailer", "Key", attempt);
    let attempt = verify_grant(scene.grant.as_bytes(), &scene.her_elsewhere, &scene.shop);
    list.tries("grant shown as another pseudonym's", "Key", attempt);

    let cases: [(&str, &str, Change); 13] = [
        ("controller of another retailer", "Controller", |g, s| {
            g.controller = s.other.domain.clone();
        }),
        ("key of another retailer", "Controller", |g, s| {
            g.controller_key = s.other.signing.verifying_key();
        }),
        ("another request", "Request", |g, _| g.request = sha256(&[b"another"])),
        ("another name of the request", "Request", |g, _| {
            g.request_id = RequestId::from_bytes([9; 16]);
        }),
        ("another notice", "Request", |g, _| g.notice = sha256(&[b"another"])),
        ("digest and name of two requests", "Request", |g, s| {
            let mut rng = s.rng.clone();
            g.request_id = s.shop.request(g.terms.purpose, &mut rng).payload().id;
        }),
        ("request of the other retailer", "Request", |g, s| {
            let mut rng = s.rng.clone();
            g.request = s.other.request(g.terms.purpose, &mut rng).digest();
        }),
        ("given before it was asked", "Moment", |g, s| {
            g.given = s.request.payload().issued.minus(1);
        }),
        ("given when nobody asked any more", "Moment", |g, s| {
            g.given = s.request.payload().expires;
        }),
        ("given long after", "Moment", |g, s| g.given = s.request.payload().expires.plus(86_400)),
        ("given in the future", "Moment", |g, _| g.given = NOW.plus(SKEW + 1)),
        ("given at the beginning of time", "Moment", |g, _| {
            g.given = Timestamp::from_unix_seconds(0);
        }),
        ("given at the end of time", "Moment", |g, _| {
            g.given = Timestamp::from_unix_seconds(u64::MAX >> 11);
        }),
    ];
    for (name, rule, change) in cases {
        let mut grant = scene.grant.payload().clone();
        change(&mut grant, scene);
        list.tries(format!("grant with {name}"), rule, grant.answers(&scene.request, NOW, SKEW));
    }
    let cases: [(&str, &str, Change); 6] = [
        ("that lives a second longer", "Rule(Order)", |g, _| g.expires = g.expires.plus(1)),
        ("that ended before it began", "Rule(Order)", |g, _| g.expires = g.given.minus(1)),
        ("whose parties are one", "Rule(Terms)", |g, _| g.subject_key = g.controller_key),
        ("whose log is signed with her key", "Rule(Terms)", |g, _| {
            g.subject_log_key = g.subject_key;
        }),
        ("whose log is signed by the shop", "Rule(Terms)", |g, _| {
            g.subject_log_key = g.controller_key;
        }),
        ("of another version", "Rule(Version)", |g, _| g.v = 0),
    ];
    for (name, rule, change) in cases {
        let mut grant = scene.grant.payload().clone();
        change(&mut grant, scene);
        list.tries(format!("grant {name}"), rule, sign(grant, Role::Subject, her, NOW));
    }
}

fn withdrawal(scene: &Scene, change: impl FnOnce(&mut Withdrawal)) -> Verified<Withdrawal> {
    let mut withdrawal = Withdrawal {
        controller: scene.shop.domain.clone(),
        grant: scene.grant.payload().id,
        grant_digest: scene.grant.digest(),
        id: WithdrawalId::from_bytes([1; 16]),
        subject_key: scene.her.keys.signing.verifying_key(),
        v: 1,
        withdrawn: NOW.plus(60),
    };
    change(&mut withdrawal);
    sign(withdrawal, Role::Subject, &scene.her.keys.signing, NOW).unwrap()
}

fn acknowledgement(
    withdrawal: &Verified<Withdrawal>,
    change: impl FnOnce(&mut Acknowledgement),
) -> Acknowledgement {
    let mut acknowledgement = Acknowledgement {
        acknowledged: NOW.plus(61),
        controller: withdrawal.payload().controller.clone(),
        deleted_days: vec![],
        grant: withdrawal.payload().grant,
        uses: UseHead::start(withdrawal.payload().grant),
        v: 1,
        withdrawal: withdrawal.digest(),
    };
    change(&mut acknowledgement);
    acknowledgement
}

/// Withdrawals by somebody else, and answers to something else.
fn ends(scene: &Scene, list: &mut List) {
    let other = scene.other.domain.clone();
    let elsewhere = scene.her_elsewhere.keys.signing.verifying_key();
    let digest = sha256(&[b"another"]);
    for (name, rule, withdrawn) in [
        (
            "from another retailer",
            "Controller",
            withdrawal(scene, |w| w.controller = other.clone()),
        ),
        ("of another pseudonym", "Subject", withdrawal(scene, |w| w.subject_key = elsewhere)),
        (
            "of another grant",
            "Grant",
            withdrawal(scene, |w| w.grant = GrantId::from_bytes([9; 16])),
        ),
        ("of other bytes under that name", "Grant", withdrawal(scene, |w| w.grant_digest = digest)),
    ] {
        let attempt = withdrawn.payload().ends(&scene.grant);
        list.tries(format!("withdrawal {name}"), rule, attempt);
    }
    let withdrawn = withdrawal(scene, |_| {});
    for (name, key) in [
        ("signed by the shop", &scene.shop.signing),
        ("signed by another pseudonym", &scene.her_elsewhere.keys.signing),
        ("signed with the key of her log", &scene.her.log.key),
    ] {
        let forged = sign(withdrawn.payload().clone(), Role::Subject, key, NOW).unwrap();
        let attempt = read::<Withdrawal>(forged.as_bytes(), &scene.signers()[1..]);
        list.tries(format!("withdrawal {name}"), "\"Key\"", attempt);
    }
    for (name, rule, answer) in [
        (
            "by another retailer",
            "Controller",
            acknowledgement(&withdrawn, |a| a.controller = other),
        ),
        (
            "of another grant",
            "Grant",
            acknowledgement(&withdrawn, |a| a.grant = GrantId::from_bytes([9; 16])),
        ),
        (
            "of another withdrawal",
            "Withdrawal",
            acknowledgement(&withdrawn, |a| a.withdrawal = digest),
        ),
    ] {
        list.tries(format!("acknowledgement {name}"), rule, answer.answers(&withdrawn));
    }
    let answer = acknowledgement(&withdrawn, |_| {});
    let forged = sign(answer, Role::Controller, &scene.other.signing, NOW).unwrap();
    let attempt = read::<Acknowledgement>(forged.as_bytes(), &scene.signers()[..1]);
    list.tries("acknowledgement signed by another retailer", "\"Key\"", attempt);
}

/// A call, and how it is heard.
struct Called<'a> {
    key: &'a SigningKey,
    pinned: VerifyingKey,
    to: &'a str,
    heard_at: &'a str,
    signed: Timestamp,
    now: Timestamp,
    end: Option<Timestamp>,
}

impl<'a> Called<'a> {
    fn of(scene: &'a Scene) -> Self {
        Self {
            key: &scene.her.keys.signing,
            pinned: scene.her.keys.signing.verifying_key(),
            to: WITHDRAWALS,
            heard_at: WITHDRAWALS,
            signed: NOW,
            now: NOW,
            end: None,
        }
    }

    fn heard(&self) -> Result<(), VerifyCallError> {
        let message = MessageId::from_bytes([1; 16]);
        let call = match self.end {
            None => sign_call(self.to, message, &7_u64, self.key, self.signed),
            Some(end) => sign_held_call(self.to, message, &7_u64, self.key, self.signed, end),
        };
        let call = UnverifiedCall::parse(call.unwrap().as_bytes())?;
        call.verify::<u64>(&self.pinned, self.heard_at, self.now).map(|_| ())
    }
}

fn calls(scene: &Scene, list: &mut List) {
    let call = || Called::of(scene);
    let month = HELD_CALL_SECONDS_MAX;
    for (name, rule, called) in [
        (
            "of another pseudonym",
            "Signature(Key)",
            Called { key: &scene.her_elsewhere.keys.signing, ..call() },
        ),
        ("of the shop", "Signature(Key)", Called { key: &scene.shop.signing, ..call() }),
        (
            "to another retailer",
            "Address",
            Called { to: "https://other.example/besace/v1/withdrawals", ..call() },
        ),
        ("to another address", "Address", Called { to: GRANTS, ..call() }),
        (
            "to the address without encryption",
            "Address",
            Called { to: "http://shop.example/besace/v1/withdrawals", ..call() },
        ),
        (
            "to the address with a port",
            "Address",
            Called { to: "https://shop.example:443/besace/v1/withdrawals", ..call() },
        ),
        (
            "to the address with a query",
            "Address",
            Called { to: "https://shop.example/besace/v1/withdrawals?x", ..call() },
        ),
        (
            "to the address with a slash",
            "Address",
            Called { to: "https://shop.example/besace/v1/withdrawals/", ..call() },
        ),
        (
            "to the address in capitals",
            "Address",
            Called { to: "https://SHOP.example/besace/v1/withdrawals", ..call() },
        ),
        ("replayed after two minutes", "Clock", Called { now: NOW.plus(91), ..call() }),
        ("replayed after a year", "Clock", Called { now: NOW.plus(365 * 86_400), ..call() }),
        ("from the future", "Clock", Called { signed: NOW.plus(91), ..call() }),
        (
            "from another century",
            "Clock",
            Called { signed: NOW.plus(u64::from(u32::MAX)), ..call() },
        ),
        (
            "held beyond its end",
            "Clock",
            Called { end: Some(NOW.plus(60)), now: NOW.plus(61), ..call() },
        ),
        (
            "held for longer than a month",
            "Held",
            Called { end: Some(NOW.plus(month + 1)), ..call() },
        ),
        (
            "held for ever",
            "Held",
            Called { end: Some(Timestamp::from_unix_seconds(u64::MAX >> 11)), ..call() },
        ),
        ("held until before it began", "Held", Called { end: Some(NOW.minus(1)), ..call() }),
        (
            "that gives and is held",
            "Held",
            Called { to: GRANTS, heard_at: GRANTS, end: Some(NOW.plus(60)), ..call() },
        ),
    ] {
        list.tries(format!("call {name}"), rule, called.heard());
    }
}

fn continuation(
    scene: &Scene,
    change: impl FnOnce(&mut Continuation),
) -> Result<Verified<Continuation>, besace_protocol::document::SignDocumentError> {
    let mut rng = scene.rng.clone();
    let (new, log) = (SigningKey::generate(&mut rng), SigningKey::generate(&mut rng));
    let keys = &scene.her.keys;
    let mut continuation = Continuation {
        cause: Cause::Rekey,
        continued: NOW,
        controller: scene.shop.domain.clone(),
        from: Left {
            head: LogHead::empty(),
            key: keys.signing.verifying_key(),
            log: scene.her.log_id,
            log_key: scene.her.log.key.verifying_key(),
        },
        to: Successor {
            key: new.verifying_key(),
            log: LogId::from_bytes([7; 16]),
            log_key: log.verifying_key(),
            sealing_key: keys.sealing.public_key(),
        },
        v: 1,
    };
    change(&mut continuation);
    let signed = sign(continuation, Role::Subject, &keys.signing, NOW)?;
    Ok(signed.countersign(Role::Successor, &new, NOW).unwrap())
}

/// Pseudonyms that go on where they should not.
fn continuations(scene: &Scene, list: &mut List) {
    let elsewhere = scene.her_elsewhere.keys.signing.verifying_key();
    for (name, signed) in [
        ("into the log that it leaves", continuation(scene, |c| c.to.log = c.from.log)),
        ("with the key of the old log", continuation(scene, |c| c.to.log_key = c.from.log_key)),
        ("with one key in two roles", continuation(scene, |c| c.to.key = c.from.log_key)),
        ("with the new key in the new log", continuation(scene, |c| c.to.log_key = c.to.key)),
        ("that changes keys after a restore", continuation(scene, |c| c.cause = Cause::Restore)),
        ("that changes keys after a rollback", continuation(scene, |c| c.cause = Cause::Rollback)),
        ("that is a new key and changes none", continuation(scene, |c| c.to.key = c.from.key)),
    ] {
        list.tries(format!("continuation {name}"), "Rule(Terms)", signed);
    }
    let head = |size| LogHead { root: sha256(&[b"not empty"]), size };
    for (name, size) in
        [("of an empty log with entries", 0), ("of a log beyond counting", u64::MAX)]
    {
        let signed = continuation(scene, |c| c.from.head = head(size));
        list.tries(format!("continuation {name}"), "Rule(Bounds)", signed);
    }
    let parties = |signed: &[u8]| {
        Unverified::<Continuation>::parse(signed)
            .map_err(|error| format!("{error:?}"))?
            .verify_parties()
            .map_err(|error| format!("{error:?}"))
    };
    let whole = continuation(scene, |_| {}).unwrap();
    let alone = sign(whole.payload().clone(), Role::Subject, &scene.her.keys.signing, NOW).unwrap();
    list.tries("continuation without the new key's word", "\"Roles\"", parties(alone.as_bytes()));
    let stolen = continuation(scene, |c| c.from.key = elsewhere).unwrap();
    list.tries("continuation of another pseudonym", "\"Key\"", parties(stolen.as_bytes()));
    let taken = continuation(scene, |c| c.to.key = elsewhere).unwrap();
    list.tries("continuation into another pseudonym", "\"Key\"", parties(taken.as_bytes()));
}

/// What happens to a grant that is over.
fn lives(list: &mut List) {
    use GrantEvent::{Countersigned, Revoked as Revoke, Withdrawn as Withdraw};
    use GrantState::{Active, Expired, Given, Revoked, Withdrawn};
    let (end, before) = (NOW.plus(90), NOW);
    for (name, state, event, now) in [
        ("countersigned after it expired", Given, Countersigned, end),
        ("revived after it expired", Active, Countersigned, end),
        ("revived when expiry was written down", Expired, Countersigned, before),
        ("countersigned after she withdrew", Withdrawn, Countersigned, before),
        ("countersigned after it was revoked", Revoked, Countersigned, before),
        ("revoked after she withdrew", Withdrawn, Revoke, before),
        ("revoked after it expired", Active, Revoke, end),
        ("revoked twice", Revoked, Revoke, before),
        ("withdrawn twice", Withdrawn, Withdraw, before),
    ] {
        let attempt = state.after(event, end, now);
        list.tries(format!("grant {name}"), "GrantStateError", attempt);
    }
}
