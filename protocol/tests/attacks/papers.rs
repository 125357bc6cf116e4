//! What ends, objects, renews, restores and lets act for her: signed by another, of another kind, changed, or of
//! something else.

use besace_protocol::{
    consent::{
        Erasure, Grant, Kept, LogHead, LostLog, NewLog, Objection, Restoration, RestorationChain,
        Revocation, RevocationReason, Supersedes, UseHead,
    },
    crypto::{SigningKey, sha256},
    document::{Document, Unverified, Verified, sign},
    id::{GrantId, MandateId, MessageId, RequestId},
    jws::Role,
    log::{LogNumber, Origin},
    mandate::{Act, Mandate, MandateAct, UnverifiedDelegateCall, sign_delegate_call},
    time::{DAY_SECONDS, Timestamp},
};

use super::{List, NOW, Scene, closed, opened, read, world::SKEW};

const ACTS: &str = "/v1/delegate/acts";

pub(super) fn holds(scene: &Scene) {
    let (grant, revoked) = (&scene.grant, revocation(scene, |_| {}));
    let erased = erasure(scene, |_| {});
    assert_eq!(erased.answers(grant, None, Some(&revoked), NOW.plus(60), SKEW), Ok(()));
    assert_eq!(revoked.payload().ends(grant), Ok(()));
    assert_eq!(renewal(scene, |_| {}).renews(grant), Ok(()));
    assert!(chained(scene, vec![restoration(scene, |_| {})]).is_ok());
    let act = withdraw(scene, &scene.shop.domain);
    assert_eq!(mandate(scene).allows(&act), Ok(()));
    assert!(called(scene, &delegate(scene), NOW, ACTS).is_ok());
}

pub(super) fn tries(scene: &Scene, list: &mut List) {
    let (her, shop) = (&scene.her.keys.signing, &scene.shop.signing);
    let all = all(scene);
    paper::<Erasure>("erasure", &all, Role::Controller, shop, scene, list);
    paper::<Revocation>("revocation", &all, Role::Controller, shop, scene, list);
    paper::<Restoration>("restoration", &all, Role::Controller, shop, scene, list);
    paper::<Objection>("objection", &all, Role::Subject, her, scene, list);
    paper::<Mandate>("mandate", &all, Role::Subject, her, scene, list);
    paper::<Grant>("renewal", &all, Role::Subject, her, scene, list);
    erasures(scene, list);
    revocations(scene, list);
    renewals(scene, list);
    restorations(scene, list);
    objections(scene, list);
    mandates(scene, list);
}

/// One honest paper of each kind, by name.
fn all(scene: &Scene) -> Vec<(&'static str, Vec<u8>)> {
    let (her, shop) = (&scene.her.keys.signing, &scene.shop.signing);
    vec![
        ("erasure", signed(erasure(scene, |_| {}), Role::Controller, shop)),
        ("mandate", signed(mandate(scene), Role::Subject, her)),
        ("objection", signed(objection(scene), Role::Subject, her)),
        ("renewal", signed(renewal(scene, |_| {}), Role::Subject, her)),
        ("restoration", signed(restoration(scene, |_| {}), Role::Controller, shop)),
        ("revocation", revocation(scene, |_| {}).as_bytes().to_vec()),
    ]
}

fn signed<D: Document>(paper: D, role: Role, key: &SigningKey) -> Vec<u8> {
    sign(paper, role, key, NOW).unwrap().as_bytes().to_vec()
}

/// What is tried with every paper: other keys, another role, another kind, bytes that are fewer or others.
fn paper<D: Document + Clone>(
    name: &str,
    all: &[(&'static str, Vec<u8>)],
    role: Role,
    key: &SigningKey,
    scene: &Scene,
    list: &mut List,
) {
    let pinned = [(role, key.verifying_key())];
    let bytes = &all.iter().find(|(one, _)| *one == name).unwrap().1;
    let whole = read::<D>(bytes, &pinned).unwrap();
    let (her, shop) = (&scene.her.keys.signing, &scene.shop.signing);
    for (who, other) in [
        ("the other side", if role == Role::Subject { shop } else { her }),
        ("another retailer", &scene.other.signing),
        ("another pseudonym", &scene.her_elsewhere.keys.signing),
        ("the key of her log", &scene.her.log.key),
        ("the key of the shop's log", &scene.shop.log.key),
    ] {
        let forged = signed(whole.payload().clone(), role, other);
        list.tries(format!("{name} signed by {who}"), "\"Key\"", read::<D>(&forged, &pinned));
    }
    let other = if role == Role::Subject { Role::Controller } else { Role::Subject };
    let forged = signed(whole.payload().clone(), other, key);
    list.tries(format!("{name} signed in another role"), "\"Roles\"", read::<D>(&forged, &pinned));
    for (kind, bytes) in all.iter().filter(|(kind, _)| *kind != name) {
        let attempt = read::<D>(bytes, &pinned);
        list.tries(format!("{kind} shown as {name}"), "\"Typ\"", attempt);
    }
    for (much, end) in [("half", bytes.len() / 2), ("all but a byte", bytes.len() - 1), ("none", 0)]
    {
        let attempt = read::<D>(&bytes[..end], &pinned);
        list.tries(format!("{name} of which {much} came"), "\"Jws(Json(", attempt);
    }
    let mut changed = opened(bytes);
    let another = signed(whole.payload().clone(), role, &scene.other.signing);
    changed["signatures"][0]["signature"] = opened(&another)["signatures"][0]["signature"].clone();
    let attempt = read::<D>(&closed(&changed), &pinned);
    list.tries(format!("{name} with the signature of another"), "\"Signature\"", attempt);
    let mut changed = opened(bytes);
    let later = sign(whole.payload().clone(), role, key, NOW.plus(1)).unwrap();
    changed["signatures"][0]["protected"] =
        opened(later.as_bytes())["signatures"][0]["protected"].clone();
    let attempt = read::<D>(&closed(&changed), &pinned);
    list.tries(format!("{name} signed at another moment"), "\"Signature\"", attempt);
}

fn erasure(scene: &Scene, change: impl FnOnce(&mut Erasure)) -> Erasure {
    let given = scene.grant.payload();
    let mut erasure = Erasure {
        categories: given.terms.categories.keys().copied().collect(),
        controller: scene.shop.domain.clone(),
        erased: NOW.plus(60),
        grant: given.id,
        grant_digest: scene.grant.digest(),
        kept: vec![Kept::ConsentProof],
        recipients: Vec::new(),
        revocation: Some(revocation(scene, |_| {}).digest()),
        v: 1,
        withdrawal: None,
    };
    change(&mut erasure);
    erasure
}

type ChangeErasure = fn(&mut Erasure, &Scene);

fn erasures(scene: &Scene, list: &mut List) {
    let cases: [(&str, &str, ChangeErasure); 10] = [
        ("by another retailer", "Controller", |e, s| e.controller = s.other.domain.clone()),
        ("of another grant", "Grant", |e, _| e.grant = GrantId::from_bytes([9; 16])),
        ("of other bytes", "Grant", |e, _| e.grant_digest = sha256(&[b"another"])),
        ("after another revocation", "Revocation", |e, _| {
            e.revocation = Some(sha256(&[b"another"]));
        }),
        ("after a withdrawal that nobody wrote", "Withdrawal", |e, _| {
            (e.revocation, e.withdrawal) = (None, Some(sha256(&[b"another"])));
        }),
        ("of what still lives", "Withdrawal", |e, _| e.revocation = None),
        ("from before the revocation", "Early", |e, _| e.erased = NOW.plus(29)),
        ("from the future", "Moment", |e, _| e.erased = NOW.plus(60 + SKEW + 1)),
        ("of less than was given", "Categories", |e, _| e.categories.clear()),
        ("told to somebody who received nothing", "Recipients", |e, s| {
            e.recipients = vec![s.other.domain.clone()];
        }),
    ];
    let revoked = revocation(scene, |_| {});
    for (name, rule, change) in cases {
        let erased = erasure(scene, |e| change(e, scene));
        let attempt = erased.answers(&scene.grant, None, Some(&revoked), NOW.plus(60), SKEW);
        list.tries(format!("erasure {name}"), rule, attempt);
    }
    let cases: [(&str, &str, ChangeErasure); 3] = [
        ("that keeps no proof", "Rule(List)", |e, _| e.kept.clear()),
        ("of nothing", "Rule(List)", |e, _| e.categories.clear()),
        ("after two ends", "Rule(Order)", |e, _| e.withdrawal = e.revocation),
    ];
    for (name, rule, change) in cases {
        let erased = erasure(scene, |e| change(e, scene));
        let attempt = sign(erased, Role::Controller, &scene.shop.signing, NOW);
        list.tries(format!("erasure {name}"), rule, attempt);
    }
}

fn revocation(scene: &Scene, change: impl FnOnce(&mut Revocation)) -> Verified<Revocation> {
    let given = scene.grant.payload();
    let mut revocation = Revocation {
        controller: scene.shop.domain.clone(),
        deleted_days: Vec::new(),
        grant: given.id,
        grant_digest: scene.grant.digest(),
        reason: RevocationReason::ShopClosed,
        revoked: NOW.plus(30),
        uses: UseHead::start(given.id),
        v: 1,
    };
    change(&mut revocation);
    sign(revocation, Role::Controller, &scene.shop.signing, NOW).unwrap()
}

fn revocations(scene: &Scene, list: &mut List) {
    let (other, end) = (scene.other.domain.clone(), scene.grant.payload().expires);
    let digest = sha256(&[b"another"]);
    for (name, rule, revoked) in [
        ("by another retailer", "Controller", revocation(scene, |r| r.controller = other)),
        (
            "of another grant",
            "Grant",
            revocation(scene, |r| r.grant = GrantId::from_bytes([9; 16])),
        ),
        ("of other bytes", "Grant", revocation(scene, |r| r.grant_digest = digest)),
        ("of what had run out", "Moment", revocation(scene, |r| r.revoked = end)),
    ] {
        list.tries(format!("revocation {name}"), rule, revoked.payload().ends(&scene.grant));
    }
}

fn renewal(scene: &Scene, change: impl FnOnce(&mut Grant)) -> Grant {
    let old = &scene.grant;
    let mut new = Grant {
        id: GrantId::from_bytes([8; 16]),
        supersedes: Some(Supersedes { digest: old.digest(), grant: old.payload().id }),
        ..old.payload().clone()
    };
    change(&mut new);
    new
}

fn renewals(scene: &Scene, list: &mut List) {
    type Change = fn(&mut Grant, &Scene);
    let cases: [(&str, &str, Change); 9] = [
        ("of nothing", "Grant", |g, _| g.supersedes = None),
        ("of another grant", "Grant", |g, s| {
            let (digest, grant) = (s.grant.digest(), GrantId::from_bytes([9; 16]));
            g.supersedes = Some(Supersedes { digest, grant });
        }),
        ("of other bytes", "Grant", |g, s| {
            let (digest, grant) = (sha256(&[b"another"]), s.grant.payload().id);
            g.supersedes = Some(Supersedes { digest, grant });
        }),
        ("to another retailer", "Controller", |g, s| g.controller = s.other.domain.clone()),
        ("by another pseudonym", "Subject", |g, s| {
            g.subject_key = s.her_elsewhere.keys.signing.verifying_key();
        }),
        ("for another purpose", "Purpose", |g, _| {
            g.terms.purpose = besace_protocol::purpose::Purpose::StaffGreeting;
        }),
        ("from before it was given", "Moment", |g, _| g.given = NOW.minus(1)),
        ("of what had run out", "Moment", |g, s| g.given = s.grant.payload().expires),
        ("from the end of time", "Moment", |g, _| {
            g.given = Timestamp::from_unix_seconds(u64::MAX >> 11);
        }),
    ];
    for (name, rule, change) in cases {
        let new = renewal(scene, |g| change(g, scene));
        list.tries(format!("renewal {name}"), rule, new.renews(&scene.grant));
    }
}

fn key_of(seed: u8) -> SigningKey {
    let seed = besace_protocol::crypto::SecretBytes::init_with(|bytes| bytes.fill(seed));
    SigningKey::from_seed(&seed)
}

fn restoration(scene: &Scene, change: impl FnOnce(&mut Restoration)) -> Restoration {
    let next = LogNumber::FIRST.next().unwrap();
    let mut restoration = Restoration {
        at: NOW.plus(60),
        controller: scene.shop.domain.clone(),
        controller_key: scene.shop.signing.verifying_key(),
        from: LostLog {
            head: LogHead { root: sha256(&[b"lost"]), size: 5 },
            kept: 3,
            log: scene.shop.log.origin.clone(),
            log_key: scene.shop.log.key.verifying_key(),
        },
        to: NewLog {
            log: Origin::retailer_nth(&scene.shop.domain, next),
            log_key: key_of(91).verifying_key(),
        },
        v: 1,
    };
    change(&mut restoration);
    restoration
}

fn chained(scene: &Scene, said: Vec<Restoration>) -> Result<(), String> {
    let mut shown = Vec::new();
    for one in said {
        let bytes = signed(one, Role::Controller, &scene.shop.signing);
        shown.push(Unverified::<Restoration>::parse(&bytes).unwrap());
    }
    RestorationChain::verify(shown, &scene.shop.domain, &scene.shop.signing.verifying_key())
        .map(|_| ())
        .map_err(|error| format!("{error:?}"))
}

/// The restoration after `one`, in which all is in order.
fn next_of(one: &Restoration) -> Restoration {
    let next = one.to.log.number().and_then(LogNumber::next).unwrap();
    Restoration {
        at: one.at.plus(60),
        from: LostLog { log: one.to.log.clone(), log_key: one.to.log_key, ..one.from.clone() },
        to: NewLog {
            log: Origin::retailer_nth(&one.controller, next),
            log_key: key_of(92).verifying_key(),
        },
        ..one.clone()
    }
}

fn restorations(scene: &Scene, list: &mut List) {
    type Change = fn(&mut Restoration, &Scene);
    let cases: [(&str, &str, Change); 8] = [
        ("of an empty log", "Rule(Bounds)", |r, _| r.from.head.size = 0),
        ("that keeps more than there was", "Rule(Bounds)", |r, _| r.from.kept = 6),
        ("into the log that was lost", "Rule(Terms)", |r, _| r.to.log = r.from.log.clone()),
        ("with the key of the lost log", "Rule(Terms)", |r, _| r.to.log_key = r.from.log_key),
        ("with the retailer's key in its log", "Rule(Terms)", |r, _| {
            r.to.log_key = r.controller_key;
        }),
        ("of the log of another retailer", "Rule(Terms)", |r, s| {
            r.from.log = s.other.log.origin.clone();
        }),
        ("into the log of another retailer", "Rule(Terms)", |r, s| {
            r.to.log = Origin::retailer_nth(&s.other.domain, LogNumber::FIRST.next().unwrap());
        }),
        ("that skips a log", "Rule(Terms)", |r, s| {
            let third = LogNumber::FIRST.next().and_then(LogNumber::next).unwrap();
            r.to.log = Origin::retailer_nth(&s.shop.domain, third);
        }),
    ];
    for (name, rule, change) in cases {
        let said = restoration(scene, |r| change(r, scene));
        let attempt = sign(said, Role::Controller, &scene.shop.signing, NOW);
        list.tries(format!("restoration {name}"), rule, attempt);
    }
    let first = restoration(scene, |_| {});
    let second = next_of(&first);
    assert!(chained(scene, vec![first.clone(), second.clone()]).is_ok());
    let mut earlier = second.clone();
    earlier.at = first.at;
    let mut reused = second.clone();
    reused.to.log_key = first.from.log_key;
    for (name, rule, said) in [
        ("none", "\"Count\"", vec![]),
        ("without the first", "\"Order\"", vec![second.clone()]),
        ("the wrong way round", "\"Order\"", vec![second, first.clone()]),
        ("twice the same", "\"Order\"", vec![first.clone(), first.clone()]),
        ("of one moment", "\"Order\"", vec![first.clone(), earlier]),
        ("with a key that was lost", "\"Keys\"", vec![first, reused]),
    ] {
        list.tries(format!("restorations: {name}"), rule, chained(scene, said));
    }
}

fn objection(scene: &Scene) -> Objection {
    Objection {
        controller: scene.shop.domain.clone(),
        objects: true,
        said: NOW,
        subject_key: scene.her.keys.signing.verifying_key(),
        v: 1,
    }
}

fn objections(scene: &Scene, list: &mut List) {
    let known = objection(scene);
    let replaces = |one: Objection| if one.replaces(&known) { Ok(()) } else { Err("older") };
    for (name, one) in [
        ("said again", known.clone()),
        ("taken back in the same second", Objection { objects: false, ..known.clone() }),
        ("taken back before", Objection { objects: false, said: NOW.minus(1), ..known.clone() }),
    ] {
        list.tries(format!("objection {name}"), "\"older\"", replaces(one));
    }
    let other = Objection { v: 2, ..known };
    let attempt = sign(other, Role::Subject, &scene.her.keys.signing, NOW);
    list.tries("objection of another version", "Rule(Version)", attempt);
}

fn delegate(scene: &Scene) -> SigningKey {
    SigningKey::generate(&mut scene.rng.clone())
}

fn mandate(scene: &Scene) -> Mandate {
    Mandate {
        acts: [MandateAct::Withdraw].into(),
        controllers: Some([scene.shop.domain.clone()].into()),
        delegate_key: delegate(scene).verifying_key(),
        expires: NOW.plus(30 * DAY_SECONDS),
        id: MandateId::from_bytes([3; 16]),
        issued: NOW,
        subject_key: scene.her.keys.signing.verifying_key(),
        v: 1,
    }
}

fn withdraw(scene: &Scene, controller: &besace_protocol::party::ControllerId) -> Act {
    Act::Withdraw { controller: controller.clone(), grant: scene.grant.payload().id }
}

/// A call of a delegate, heard at `ACTS` now.
fn called(scene: &Scene, key: &SigningKey, signed: Timestamp, to: &str) -> Result<(), String> {
    let (mandate, act) = (mandate(scene), withdraw(scene, &scene.shop.domain));
    called_under(&mandate, mandate.id, &act, key, signed, to)
}

fn called_under(
    mandate: &Mandate,
    named: MandateId,
    act: &Act,
    key: &SigningKey,
    signed: Timestamp,
    to: &str,
) -> Result<(), String> {
    let message = MessageId::from_bytes([1; 16]);
    let call = sign_delegate_call(to, named, message, act, key, signed).unwrap();
    UnverifiedDelegateCall::parse(call.as_bytes())
        .and_then(|call| call.verify::<Act>(mandate, ACTS, NOW))
        .map(|_| ())
        .map_err(|error| format!("{error:?}"))
}

fn mandates(scene: &Scene, list: &mut List) {
    type Change = fn(&mut Mandate, &Scene);
    let cases: [(&str, &str, Change); 6] = [
        ("for no act", "Rule(List)", |m, _| m.acts.clear()),
        ("about no retailer", "Rule(List)", |m, _| m.controllers = Some([].into())),
        ("that ended before it began", "Rule(Order)", |m, _| m.expires = m.issued),
        ("that lives too long", "Rule(Order)", |m, _| {
            m.expires = m.issued.plus(396 * DAY_SECONDS + 1);
        }),
        ("for herself", "Rule(Terms)", |m, _| m.delegate_key = m.subject_key),
        ("of another version", "Rule(Version)", |m, _| m.v = 2),
    ];
    for (name, rule, change) in cases {
        let mut said = mandate(scene);
        change(&mut said, scene);
        let attempt = sign(said, Role::Subject, &scene.her.keys.signing, NOW);
        list.tries(format!("mandate {name}"), rule, attempt);
    }
    let given = mandate(scene);
    let asked = scene.request.payload().id;
    for (name, rule, act) in [
        ("about another retailer", "Retailer", withdraw(scene, &scene.other.domain)),
        (
            "for what it does not name",
            "Act",
            Act::Refuse {
                controller: scene.shop.domain.clone(),
                request: RequestId::from_bytes(*asked.as_bytes()),
            },
        ),
    ] {
        list.tries(format!("act {name}"), rule, given.allows(&act));
    }
    for (name, at) in [("before it began", NOW.minus(1)), ("when it was over", given.expires)] {
        let live = if given.is_live(at) { Ok(()) } else { Err("over") };
        list.tries(format!("mandate used {name}"), "\"over\"", live);
    }
    let (key, act) = (delegate(scene), withdraw(scene, &scene.shop.domain));
    let other = MandateId::from_bytes([4; 16]);
    for (name, rule, attempt) in [
        ("by her", "Signature(Key)", called(scene, &scene.her.keys.signing, NOW, ACTS)),
        ("by the shop", "Signature(Key)", called(scene, &scene.shop.signing, NOW, ACTS)),
        ("to another address", "Address", called(scene, &key, NOW, "/v1/delegate/view")),
        ("replayed after two minutes", "Clock", called(scene, &key, NOW.minus(91), ACTS)),
        ("from the future", "Clock", called(scene, &key, NOW.plus(91), ACTS)),
        ("under another mandate", "Mandate", called_under(&given, other, &act, &key, NOW, ACTS)),
    ] {
        list.tries(format!("call of a delegate {name}"), format!("\"{rule}"), attempt);
    }
}
