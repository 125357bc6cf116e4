//! `besace voucher`: what she has, showing one, and what became of it.

use std::fmt::Write as _;

use besace_protocol::{
    encoding::{from_base64url, to_base64url},
    lang::Language,
    money::Money,
    offer::Benefit,
    party::ControllerId,
    voucher::{BenefitClass, Nullifier},
};
use serde_json::json;

use super::{Session, exchange, import::day_of, output::Failure};
use crate::engine::{BITS_A_YEAR, EngineError, HeldClass, ShowVoucherError};

/// Commands of `besace voucher`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// What you have, and what showing one would tell the shop.
    List,
    /// Show a voucher to a till: the text of its QR code.
    Show {
        /// Whose.
        domain: ControllerId,
        /// Its number, as `list` shows it.
        #[arg(value_parser = parse_class)]
        class: BenefitClass,
        /// Although another was shown a short while ago: the shop will see that both are of one person.
        #[arg(long)]
        linked: bool,
    },
    /// Say that the till took a voucher.
    Used {
        /// Its name, as `show --json` gives it.
        #[arg(value_parser = parse_nullifier, allow_hyphen_values = true)]
        voucher: Nullifier,
        /// Or that you still have it.
        #[arg(long)]
        not: bool,
    },
}

fn parse_class(text: &str) -> Result<BenefitClass, String> {
    let class = text.parse().ok().and_then(BenefitClass::from_number);
    class.ok_or_else(|| "a number from 0 to 15".to_owned())
}

fn parse_nullifier(text: &str) -> Result<Nullifier, String> {
    let bytes = from_base64url(text).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.map(Nullifier::from_bytes).ok_or_else(|| "not the name of a voucher".to_owned())
}

pub(super) fn run(session: &mut Session<'_, '_>, command: Command) -> Result<(), Failure> {
    let engine = session.unlocked()?.clone();
    match command {
        Command::List => {
            let views = engine.vouchers().map_err(|error| exchange::step_failure(&error))?;
            let (mut text, mut list) = (String::new(), Vec::new());
            for view in &views {
                let told = bits(view.told_millibits);
                let _infallible = writeln!(
                    text,
                    "{}: your vouchers told it {told} of {BITS_A_YEAR} bits this year.",
                    view.retailer
                );
                for held in &view.classes {
                    let _infallible = writeln!(text, "  {}", line(held));
                }
                let classes: Vec<_> = view.classes.iter().map(describe).collect();
                list.push(json!({
                    "classes": classes, "domain": view.domain, "retailer": view.retailer,
                    "told_millibits": view.told_millibits,
                }));
            }
            if views.is_empty() {
                text.push_str(
                    "No voucher yet. `besace retailer refresh` asks for them when they are due.",
                );
            }
            session.output.line(&json!({"retailers": list}), &text)
        }
        Command::Show { domain, class, linked } => {
            let shown =
                engine.show_voucher(&domain, class, linked).map_err(|error| failure(&error))?;
            let members = json!({
                "benefit": benefit(&shown.benefit), "minimum": shown.minimum, "text": shown.text,
                "until": day_of(shown.until.minus(1)),
                "voucher": to_base64url(shown.nullifier.as_bytes()),
            });
            session.output.line(&members, &shown.text)
        }
        Command::Used { voucher, not } => {
            engine.mark_voucher(voucher, !not).map_err(|error| match error {
                EngineError::NotFound => Failure::refused(
                    "there is no such voucher",
                    "its name is in the answer of `besace --json voucher show`",
                ),
                error => error.into(),
            })?;
            let text = if not { "You still have it." } else { "It was taken." };
            session.output.line(&json!({"used": !not}), &text)
        }
    }
}

/// `2  5 € off (3 left, until 2026-11-23; tells 1.6 bits)`.
fn line(held: &HeldClass) -> String {
    let minimum = held
        .minimum
        .map_or_else(String::new, |least| format!(", from {}", Language::En.money(least)));
    let over = if held.affordable { "" } else { "; beyond this year's budget" };
    format!(
        "{}  {} ({} left{minimum}, until {}; tells {} bits{over})",
        held.class,
        benefit(&held.benefit),
        held.left,
        day_of(held.until.minus(1)),
        bits(held.millibits.into()),
    )
}

fn describe(held: &HeldClass) -> serde_json::Value {
    json!({
        "affordable": held.affordable,
        "benefit": benefit(&held.benefit),
        "class": held.class,
        "left": held.left,
        "millibits": held.millibits,
        "minimum": held.minimum,
        "until": day_of(held.until.minus(1)),
    })
}

/// No benefit of a class speaks of the price.
fn benefit(benefit: &Benefit) -> String {
    benefit.sentence(Money::euro_cents(0), None, Language::En)
}

/// Tenths of a bit, rounded up.
fn bits(millibits: u64) -> String {
    let tenths = millibits.div_ceil(100);
    format!("{}.{}", tenths / 10, tenths % 10)
}

fn failure(error: &ShowVoucherError) -> Failure {
    match error {
        ShowVoucherError::Step(error) => exchange::step_failure(error),
        ShowVoucherError::None => {
            Failure::refused(error, "see what you have with `besace voucher list`")
        }
        ShowVoucherError::Budget => {
            Failure::refused(error, "the vouchers that most offers share always work")
        }
        ShowVoucherError::Links => Failure::refused(
            error,
            "the shop would see that both are of one person; say --linked if that is all right",
        ),
    }
}
