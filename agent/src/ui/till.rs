//! At the till, as pages show it.

use besace_protocol::{presence::till::VerifyChallengeError, time::Timestamp};

use super::{
    barcode,
    view::{CodeView, TillAccountView, TillCodesView, TillQuestionView, TillShownView, plain},
    voice::Voice,
};
use crate::{
    engine::{DayCodes, Shown, TillAccount, TillError, TillQuestion, TillReply},
    vault::Symbology,
};

/// Where she may show herself.
pub fn accounts(accounts: &[TillAccount]) -> Vec<TillAccountView> {
    let view = |account: &TillAccount| TillAccountView {
        grant: account.grant.to_string(),
        retailer: plain(&account.retailer, 200),
    };
    accounts.iter().map(view).collect()
}

/// What her phone shows without being asked.
pub fn shown(voice: &Voice, shown: &Shown, now: Timestamp) -> TillShownView {
    let retailer = plain(&shown.account.retailer, 200);
    let left = shown.until.as_unix_seconds().saturating_sub(now.as_unix_seconds());
    TillShownView {
        grant: shown.account.grant.to_string(),
        label: voice.say_with("till-qr", [("retailer", retailer.as_str().into())]),
        retailer,
        code: draw(&shown.text),
        text: shown.text.clone(),
        // One second more, so that no page is fetched twice within one step.
        refresh: Some(left.saturating_add(1)),
        hint: voice.say("till-shown-hint"),
    }
}

/// What her phone shows after her yes.
pub fn reply(voice: &Voice, reply: &TillReply) -> TillShownView {
    let retailer = plain(&reply.question.account.retailer, 200);
    let hint = match reply.question.amount {
        None => voice.say("till-answered-hint"),
        Some(amount) => {
            voice.say_with("till-debited-hint", [("amount", voice.money(amount).into())])
        }
    };
    TillShownView {
        grant: reply.question.account.grant.to_string(),
        label: voice.say_with("till-qr", [("retailer", retailer.as_str().into())]),
        retailer,
        code: draw(&reply.text),
        text: reply.text.clone(),
        refresh: None,
        hint,
    }
}

/// What a till asks, in one sentence.
pub fn question(voice: &Voice, question: &TillQuestion, scanned: &str) -> TillQuestionView {
    let retailer = plain(&question.account.retailer, 200);
    let shop = plain(&question.shop, 200);
    let variables = [("retailer", retailer.as_str().into()), ("shop", shop.as_str().into())];
    let (sentence, amount) = match question.amount {
        None => (voice.say_with("till-ask-who", variables), None),
        Some(amount) => {
            let amount = voice.money(amount);
            let [retailer, shop] = variables;
            let variables = [retailer, shop, ("amount", amount.as_str().into())];
            (voice.say_with("till-ask-amount", variables), Some(amount))
        }
    };
    let until = voice.say_with("till-ask-until", [("time", voice.time(question.expires).into())]);
    TillQuestionView { sentence, amount, until, scanned: scanned.to_owned() }
}

/// The codes of a day.
pub fn codes(voice: &Voice, codes: &DayCodes, now: Timestamp) -> TillCodesView {
    TillCodesView {
        retailer: plain(&codes.account.retailer, 200),
        lead: voice
            .say_with("till-codes-lead", [("date", voice.date(codes.day.start(), now).into())]),
        codes: codes.codes.iter().map(ToString::to_string).collect(),
    }
}

/// Why nothing is answered; `None` where the fault is not of what was scanned.
pub fn refusal(voice: &Voice, error: &TillError) -> Option<String> {
    Some(match error {
        TillError::Challenge(_) => voice.say("till-refused-form"),
        TillError::Refused(VerifyChallengeError::Expired) => voice.say("till-refused-expired"),
        TillError::Refused(VerifyChallengeError::TooFarAhead) => voice.say("till-refused-clock"),
        TillError::Refused(VerifyChallengeError::Shop | VerifyChallengeError::Till) => {
            voice.say("till-refused-till")
        }
        TillError::NotGranted => voice.say("till-refused-grant"),
        TillError::Step(_) | TillError::Clock => return None,
    })
}

fn draw(text: &str) -> CodeView {
    barcode::draw(Symbology::QrCode, text, None).map_or(CodeView::Undrawable, CodeView::Drawn)
}
