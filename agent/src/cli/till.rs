//! `besace till`: what a till scans, and what it is answered.

use std::fmt::Write as _;

use besace_protocol::{id::GrantId, money::Money};
use serde_json::json;

use super::{Session, exchange, output::Failure};
use crate::engine::{Engine, TillError, TillQuestion};

/// Commands of `besace till`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// What a till scans to know you; another every thirty seconds.
    Show {
        /// Under which grant, where there are several; `besace consent list` has their names.
        grant: Option<GrantId>,
    },
    /// The codes of today, to be typed at a till or printed.
    Codes {
        /// Under which grant, where there are several.
        grant: Option<GrantId>,
    },
    /// Read what a till asks; with --yes, answer it.
    Answer {
        /// The text of the till's code.
        #[arg(allow_hyphen_values = true)]
        scanned: String,
        /// Yes: say that it is you, or sign for the amount.
        #[arg(long)]
        yes: bool,
    },
}

pub(super) fn run(session: &mut Session<'_, '_>, command: &Command) -> Result<(), Failure> {
    let engine = session.unlocked()?.clone();
    match command {
        Command::Show { grant } => {
            let grant = one_of(&engine, *grant)?;
            let shown = engine.till_presentation(grant).map_err(|error| failure(&error))?;
            let members = json!({
                "grant": grant, "retailer": shown.account.retailer, "text": shown.text,
                "until": shown.until,
            });
            session.output.line(&members, &shown.text)
        }
        Command::Codes { grant } => {
            let grant = one_of(&engine, *grant)?;
            let day = engine.till_codes(grant).map_err(|error| failure(&error))?;
            let codes: Vec<String> = day.codes.iter().map(ToString::to_string).collect();
            let members = json!({"codes": codes, "grant": grant, "retailer": day.account.retailer});
            session.output.line(&members, &codes.join("\n"))
        }
        Command::Answer { scanned, yes: false } => {
            let question = engine.till_question(scanned).map_err(|error| failure(&error))?;
            let mut text = sentence(&question);
            let _infallible = write!(text, "\nTo say yes: the same command with --yes.");
            session.output.line(&members(&question, None), &text)
        }
        Command::Answer { scanned, yes: true } => {
            let reply = engine.till_answer(scanned).map_err(|error| failure(&error))?;
            session.output.line(&members(&reply.question, Some(&reply.text)), &reply.text)
        }
    }
}

fn members(question: &TillQuestion, text: Option<&str>) -> serde_json::Value {
    let mut members = json!({
        "amount": question.amount, "expires": question.expires,
        "retailer": question.account.retailer, "shop": question.shop,
    });
    if let (Some(members), Some(text)) = (members.as_object_mut(), text) {
        members.insert("text".to_owned(), json!(text));
    }
    members
}

fn sentence(question: &TillQuestion) -> String {
    let TillQuestion { account, shop, .. } = question;
    let who = format!("{}, at {shop},", account.retailer);
    question.amount.map_or_else(
        || format!("{who} asks whether it is you. Nothing will be taken."),
        |amount| format!("{who} asks for {}. Yes signs this amount and no other.", written(amount)),
    )
}

/// `5.00 EUR`.
fn written(amount: Money) -> String {
    let decimals = usize::from(amount.currency.decimals());
    let digits = format!("{:0>width$}", amount.minor, width = decimals.saturating_add(1));
    let (whole, cents) = digits.split_at(digits.len().saturating_sub(decimals));
    if cents.is_empty() {
        format!("{whole} {}", amount.currency)
    } else {
        format!("{whole}.{cents} {}", amount.currency)
    }
}

/// The grant that was named, or the only one there is.
fn one_of(engine: &Engine, named: Option<GrantId>) -> Result<GrantId, Failure> {
    if let Some(grant) = named {
        return Ok(grant);
    }
    let accounts = engine.till_accounts().map_err(|error| exchange::step_failure(&error))?;
    match accounts.as_slice() {
        [one] => Ok(one.grant),
        [] => Err(Failure::refused(
            "no shop has your leave to know you at its tills",
            "see what is asked with `besace consent requests`",
        )),
        several => Err(Failure::refused(
            "several shops have your leave to know you at their tills",
            several.iter().fold("name one:".to_owned(), |mut text, account| {
                let _infallible = write!(text, "\n  {}  {}", account.grant, account.retailer);
                text
            }),
        )),
    }
}

fn failure(error: &TillError) -> Failure {
    match error {
        TillError::Step(error) => exchange::step_failure(error),
        TillError::Challenge(_) => {
            Failure::refused_because(error, "copy all of it, spaces included, between quotes")
        }
        TillError::Refused(_) => Failure::refused_because(
            error,
            "ask the till for another; `besace retailer refresh` learns of new tills",
        ),
        TillError::NotGranted => {
            Failure::refused(error, "see what is asked with `besace consent requests`")
        }
        TillError::Clock => Failure::could_not(error, "look at the clock of this machine"),
    }
}
