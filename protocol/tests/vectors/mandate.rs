//! Mandates, their withdrawals, and calls of delegates. `what` is `document` (`typ`, the pinned `subject`, `digest`; with `seed`
//! and `time` signing gives the body again) or `call`: `mandate` is the document that it is made under, `path` where and
//! `now` when it arrives; `message` and `says` are those of one that holds and is allowed. `why` says what refuses.

use besace_protocol::{
    crypto::{SecretBytes, SigningKey, VerifyingKey},
    document::{Document, ParseDocumentError, Unverified, sign},
    encoding::to_canonical_json,
    jws::Role,
    mandate::{
        Act, Beyond, Mandate, MandateWithdrawal, UnverifiedDelegateCall, VerifyDelegateCallError,
    },
    time::Timestamp,
};

use super::{Case, same};

pub(crate) fn check(case: &Case) -> Result<(), String> {
    let checked = match case.text("what") {
        "document" => match case.text("typ") {
            "besace-mandate+jws" => document::<Mandate>(case),
            "besace-mandate-withdrawal+jws" => document::<MandateWithdrawal>(case),
            other => panic!("unknown type {other}"),
        },
        "call" => call(case),
        other => panic!("unknown rule {other}"),
    };
    if let Err(why) = &checked {
        assert_eq!(*why, case.text("why"), "refused by another rule");
    }
    checked.map_err(str::to_owned)
}

fn document<D: Document + Clone>(case: &Case) -> Result<(), &'static str> {
    let read = Unverified::<D>::parse(&case.body).map_err(|error| match error {
        ParseDocumentError::Jws(_) => "form",
        ParseDocumentError::Payload(_) => "members",
        ParseDocumentError::Typ => "type",
        ParseDocumentError::Rule(_) => "rule",
    })?;
    let subject = VerifyingKey::parse(case.text("subject")).unwrap();
    let read = read.verify(&[(Role::Subject, &subject)]).map_err(|_| "signature")?;
    same("digest", &read.digest().to_string(), case.text("digest")).unwrap();
    let key = key(case.text("seed"));
    let at = Timestamp::from_unix_seconds(case.text("time").parse().unwrap());
    let signed = sign(read.payload().clone(), Role::Subject, &key, at).unwrap();
    assert_eq!(signed.as_bytes(), case.body);
    Ok(())
}

fn call(case: &Case) -> Result<(), &'static str> {
    let mandate = Unverified::<Mandate>::parse(case.text("mandate").as_bytes()).unwrap();
    let now = Timestamp::from_unix_seconds(case.text("now").parse().unwrap());
    let why = |error| match error {
        VerifyDelegateCallError::Parse(_) => "form",
        VerifyDelegateCallError::Signature(_) => "signature",
        VerifyDelegateCallError::Body(_) => "members",
        VerifyDelegateCallError::Beyond => "word",
        VerifyDelegateCallError::Address => "address",
        VerifyDelegateCallError::Mandate => "mandate",
        VerifyDelegateCallError::Clock => "clock",
    };
    let call = UnverifiedDelegateCall::parse(&case.body).map_err(why)?;
    let call = call.verify::<Act>(mandate.claimed(), case.text("path"), now).map_err(why)?;
    if !mandate.claimed().is_live(now) {
        return Err("over");
    }
    mandate.claimed().allows(&call.body).map_err(|beyond| match beyond {
        Beyond::Act => "act",
        Beyond::Retailer => "retailer",
        Beyond::Wider => "wider",
    })?;
    same("message", &call.message.to_string(), case.text("message")).unwrap();
    let says = String::from_utf8(to_canonical_json(&call.body).unwrap()).unwrap();
    same("body", &says, case.text("says")).unwrap();
    Ok(())
}

fn key(seed: &str) -> SigningKey {
    let seed = hex::decode(seed).unwrap();
    SigningKey::from_seed(&SecretBytes::init_with(|to| to.copy_from_slice(&seed)))
}
