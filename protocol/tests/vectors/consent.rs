//! Documents of consent and what joins them. `what` names the rule, `typ` the document; `subject`
//! and `controller` are the pinned keys of those who must have signed.

use besace_protocol::{
    consent::{
        Acknowledgement, ConsentRequest, Disclosure, Erasure, Grant, GrantEvent, GrantState,
        Notice, Objection, Opening, Record, RecordKind, Release, Restoration, Revocation, UseHead,
        UseStatement, Withdrawal, disclosure_context, mail_context, release_context,
    },
    crypto::{Sealed, SealingPublicKey, SealingSecretKey, SecretBytes, SigningKey, VerifyingKey},
    document::{Document, Unverified, Verified, sign},
    encoding::from_json_exact,
    id::{GrantId, MailId},
    jws::Role,
    party::{ControllerId, Manifest},
    time::{Day, Timestamp},
};

use super::{Case, same};

pub(crate) fn check(case: &Case) -> Result<(), String> {
    match case.text("what") {
        "document" => document(case),
        "answer" => answer(case),
        "change" => change(case),
        "notice" => notice(case),
        "record" => record(case),
        "uses" => uses(case),
        "sealed" => sealed(case),
        "life" => life(case),
        "renewal" => renewal(case),
        other => panic!("unknown rule {other}"),
    }
}

const ROLES: [(Role, &str); 2] = [(Role::Subject, "subject"), (Role::Controller, "controller")];

fn verify<D: Document>(
    bytes: &[u8],
    signers: &[(Role, &VerifyingKey)],
) -> Result<Verified<D>, String> {
    Unverified::<D>::parse(bytes).map_err(reason)?.verify(signers).map_err(reason)
}

/// The error with its causes.
fn reason(error: impl std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// The keys that the case pins.
fn pinned(case: &Case) -> Vec<(Role, VerifyingKey)> {
    ROLES
        .into_iter()
        .filter_map(|(role, name)| Some((role, VerifyingKey::parse(case.find(name)?).unwrap())))
        .collect()
}

/// As the case pins them.
fn verify_pinned<D: Document>(bytes: &[u8], case: &Case) -> Result<Verified<D>, String> {
    let keys = pinned(case);
    let signers: Vec<_> = keys.iter().map(|(role, key)| (*role, key)).collect();
    verify(bytes, &signers)
}

/// As the case pins them, but only the roles that sign this type.
fn verify_by_type<D: Document>(bytes: &[u8], case: &Case) -> Result<Verified<D>, String> {
    let keys = pinned(case);
    let signs = |role: &Role| D::TYP.roles().contains(role);
    let signers: Vec<_> =
        keys.iter().filter(|(role, _)| signs(role)).map(|(role, key)| (*role, key)).collect();
    verify(bytes, &signers)
}

fn document(case: &Case) -> Result<(), String> {
    match case.text("typ") {
        "besace-acknowledgement+jws" => document_of::<Acknowledgement>(case),
        "besace-disclosure+jws" => document_of::<Disclosure>(case),
        "besace-erasure+jws" => document_of::<Erasure>(case),
        "besace-grant+jws" => document_of::<Grant>(case),
        "besace-manifest+jws" => document_of::<Manifest>(case),
        "besace-objection+jws" => document_of::<Objection>(case),
        "besace-opening+jws" => document_of::<Opening>(case),
        "besace-release+jws" => document_of::<Release>(case),
        "besace-request+jws" => document_of::<ConsentRequest>(case),
        "besace-restoration+jws" => document_of::<Restoration>(case),
        "besace-revocation+jws" => document_of::<Revocation>(case),
        "besace-use-statement+jws" => document_of::<UseStatement>(case),
        "besace-withdrawal+jws" => document_of::<Withdrawal>(case),
        other => panic!("unknown type {other}"),
    }
}

fn document_of<D: Document + Clone>(case: &Case) -> Result<(), String> {
    let verified: Verified<D> = verify_pinned(&case.body, case)?;
    same("digest", &verified.digest().to_string(), case.text("digest"))?;
    let mut signed = None::<Verified<D>>;
    for (role, name) in ROLES {
        let Some(seed) = case.find(&format!("{name}-seed")) else { continue };
        let key = SigningKey::from_seed(&secret(seed));
        let time = seconds(case, &format!("{name}-time"));
        signed = Some(match signed {
            None => sign(verified.payload().clone(), role, &key, time).unwrap(),
            Some(signed) => signed.countersign(role, &key, time).unwrap(),
        });
    }
    let Some(signed) = signed else { return Ok(()) };
    let text = |bytes: &[u8]| str::from_utf8(bytes).unwrap().to_owned();
    same("document", &text(signed.as_bytes()), &text(&case.body))
}

fn answer(case: &Case) -> Result<(), String> {
    let to = case.text("to").as_bytes();
    match case.text("typ") {
        "besace-grant+jws" => {
            let request = verify_by_type::<ConsentRequest>(to, case)?;
            let grant = verify_by_type::<Grant>(&case.body, case)?;
            grant
                .payload()
                .answers(&request, seconds(case, "now"), number(case, "skew"))
                .map_err(reason)
        }
        "besace-withdrawal+jws" => {
            let grant = verify_by_type::<Grant>(to, case)?;
            let withdrawal = verify_by_type::<Withdrawal>(&case.body, case)?;
            withdrawal.payload().ends(&grant).map_err(reason)
        }
        "besace-acknowledgement+jws" => {
            let withdrawal = verify_by_type::<Withdrawal>(to, case)?;
            let acknowledgement = verify_by_type::<Acknowledgement>(&case.body, case)?;
            acknowledgement.payload().answers(&withdrawal).map_err(reason)
        }
        "besace-revocation+jws" => {
            let grant = verify_by_type::<Grant>(to, case)?;
            let revocation = verify_by_type::<Revocation>(&case.body, case)?;
            revocation.payload().ends(&grant).map_err(reason)
        }
        "besace-objection+jws" => {
            let known = verify_by_type::<Objection>(to, case)?;
            let said = verify_by_type::<Objection>(&case.body, case)?;
            let replaces = said.payload().replaces(known.payload());
            if replaces { Ok(()) } else { Err("what was said before counts".to_owned()) }
        }
        "besace-erasure+jws" => {
            let grant = verify_by_type::<Grant>(to, case)?;
            let withdrawal = match case.find("withdrawal") {
                Some(bytes) => Some(verify_by_type::<Withdrawal>(bytes.as_bytes(), case)?),
                None => None,
            };
            let revocation = match case.find("revocation") {
                Some(bytes) => Some(verify_by_type::<Revocation>(bytes.as_bytes(), case)?),
                None => None,
            };
            let erasure = verify_by_type::<Erasure>(&case.body, case)?;
            let (now, skew) = (seconds(case, "now"), number(case, "skew"));
            erasure
                .payload()
                .answers(&grant, withdrawal.as_ref(), revocation.as_ref(), now, skew)
                .map_err(reason)?;
            let acknowledged = case.find("acknowledged").map(|_| seconds(case, "acknowledged"));
            acknowledged.map_or(Ok(()), |at| erasure.payload().follows(at).map_err(reason))
        }
        other => panic!("nothing is answered by {other}"),
    }
}

/// A grant against the one whose place it takes.
fn renewal(case: &Case) -> Result<(), String> {
    let new = verify_pinned::<Grant>(&case.body, case)?;
    let key = |role: &str| {
        let other = case.find(&format!("old-{role}"));
        VerifyingKey::parse(other.unwrap_or_else(|| case.text(role))).unwrap()
    };
    let (subject, controller) = (key("subject"), key("controller"));
    let signers = [(Role::Subject, &subject), (Role::Controller, &controller)];
    let old = verify::<Grant>(case.text("old").as_bytes(), &signers)?;
    new.payload().renews(&old).map_err(reason)
}

fn change(case: &Case) -> Result<(), String> {
    let manifest = verify_pinned::<Manifest>(&case.body, case)?;
    let pinned = case.find("pinned").map(|bytes| {
        let key = case.find("pinned-key").unwrap_or_else(|| case.text("controller"));
        let key = VerifyingKey::parse(key).unwrap();
        verify::<Manifest>(bytes.as_bytes(), &[(Role::Controller, &key)]).unwrap()
    });
    let domain = ControllerId::parse(case.text("domain")).unwrap();
    manifest
        .payload()
        .check_change(&domain, pinned.as_ref(), seconds(case, "now"), number(case, "skew"))
        .map_err(reason)
}

fn notice(case: &Case) -> Result<(), String> {
    let request = verify_pinned::<ConsentRequest>(case.text("request").as_bytes(), case).unwrap();
    let notice = Notice::parse(&case.body).map_err(reason)?;
    notice.explains(request.payload()).map_err(reason)
}

fn record(case: &Case) -> Result<(), String> {
    let kind = match Record::parse(&case.body).map_err(reason)? {
        Record::Signed(_) => "signed",
        Record::Plain(RecordKind::Released(_)) => "released",
        Record::Plain(RecordKind::Disclosed(_)) => "disclosed",
        Record::Plain(RecordKind::ReleaseReceived(_)) => "release_received",
        Record::Plain(RecordKind::DisclosureReceived(_)) => "disclosure_received",
        Record::Plain(RecordKind::Use(_)) => "use",
        Record::Plain(RecordKind::Deleted(_)) => "deleted",
        Record::Plain(RecordKind::Published(_)) => "published",
        Record::Plain(RecordKind::Anchor(_)) => "anchor",
        Record::Plain(RecordKind::Discrepancy(_)) => "discrepancy",
        Record::Plain(RecordKind::Delegated(_)) => "delegated",
    };
    same("kind", kind, case.text("kind"))
}

fn uses(case: &Case) -> Result<(), String> {
    let grant = GrantId::parse(case.text("grant")).unwrap();
    let mut head = UseHead::start(grant);
    for line in str::from_utf8(&case.body).unwrap().lines() {
        let (salt, text) = line.split_once(' ').unwrap();
        let salt: [u8; 32] = hex::decode(salt).unwrap().try_into().unwrap();
        let record = match Record::parse(text.as_bytes()).map_err(reason)? {
            Record::Plain(RecordKind::Use(record)) => record,
            other => return Err(format!("not a use: {other:?}")),
        };
        if record.grant != grant || !head.precedes(&record) {
            return Err("not the use that comes next".to_owned());
        }
        head = head.after(&salt, text.as_bytes());
    }
    same("count", &head.count.to_string(), case.text("count"))?;
    same("head", &head.head.to_string(), case.text("head"))
}

fn sealed(case: &Case) -> Result<(), String> {
    let grant = GrantId::parse(case.text("grant")).unwrap();
    let day = || Day::from_number(case.text("day").parse().unwrap());
    match case.text("typ") {
        "besace-release+jws" => {
            let inside: Verified<Release> = open(case, &release_context(grant, day()))?;
            let inside = inside.payload();
            same("grant", &inside.grant.to_string(), &grant.to_string())?;
            same("day", &inside.day.as_number().to_string(), case.text("day"))
        }
        "besace-disclosure+jws" => {
            let inside: Verified<Disclosure> = open(case, &disclosure_context(grant))?;
            same("grant", &inside.payload().grant.to_string(), &grant.to_string())
        }
        "besace-opening+jws" => {
            let mail = MailId::parse(case.text("mail")).unwrap();
            let inside: Verified<Opening> = open(case, &mail_context(grant, mail))?;
            same("grant", &inside.payload().grant.to_string(), &grant.to_string())
        }
        other => panic!("{other} does not travel sealed"),
    }
}

fn open<D: Document>(case: &Case, context: &[u8]) -> Result<Verified<D>, String> {
    if let Some(expected) = case.find("context") {
        same("context", &hex::encode(context), expected)?;
    }
    let sealed: Sealed = from_json_exact(&case.body, 1 << 20).map_err(reason)?;
    let recipient = SealingSecretKey::from_bytes(secret(case.text("recipient-secret")));
    let sender = SealingPublicKey::parse(case.text("sender")).unwrap();
    let inside = sealed.open(context, &recipient, &sender).map_err(reason)?;
    verify_pinned(&inside, case)
}

fn life(case: &Case) -> Result<(), String> {
    for line in str::from_utf8(&case.body).unwrap().lines() {
        let mut words = line.split(' ');
        let mut word = || words.next().unwrap();
        let (state, event, now, outcome) = (state(word()), word(), word(), word());
        let event = match event {
            "countersigned" => GrantEvent::Countersigned,
            "withdrawn" => GrantEvent::Withdrawn,
            "revoked" => GrantEvent::Revoked,
            "superseded" => GrantEvent::Superseded,
            "tick" => GrantEvent::Tick,
            other => panic!("unknown event {other}"),
        };
        let now = Timestamp::from_unix_seconds(now.parse().unwrap());
        let after = state.after(event, seconds(case, "expires"), now).ok();
        let expected = (outcome != "refused").then(|| self::state(outcome));
        if after != expected {
            return Err(format!("{line}: {after:?}"));
        }
    }
    Ok(())
}

fn state(text: &str) -> GrantState {
    serde_json::from_value(serde_json::Value::from(text)).unwrap()
}

fn secret(text: &str) -> SecretBytes<32> {
    SecretBytes::init_with(|to| to.copy_from_slice(&hex::decode(text).unwrap()))
}

fn number(case: &Case, key: &str) -> u64 {
    case.text(key).parse().unwrap()
}

fn seconds(case: &Case, key: &str) -> Timestamp {
    Timestamp::from_unix_seconds(number(case, key))
}
