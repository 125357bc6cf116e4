//! `besace rule`: what she decided once for many requests.

use std::{collections::BTreeSet, fmt::Write as _};

use besace_protocol::{
    consent::{Benefit, BenefitKind, Dimension, VALID_DAYS_MAX},
    document::Verified,
    lang::Language,
    money::Money,
    negotiation::{Bounds, Rule, RuleName, Verdict},
    party::{ControllerId, Manifest, ShopCode},
    purpose::{Granularity, Purpose},
};
use jiff::tz::TimeZone;
use serde_json::json;

use super::{Session, exchange, import::day_of, output::Failure, wish::euro};
use crate::{
    engine::{BeyondRule, ConfirmRuleError, EngineError, RuleDraft, rule_ends},
    ui::{rules::mirrors, voice::Voice},
};

/// Commands of `besace rule`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Decide for all requests of a purpose: a yes within bounds, or a no.
    Add(Box<Words>),
    /// Change a rule; it counts from now on.
    Change {
        /// Its number, as `list` shows it.
        number: u32,
        #[command(flatten)]
        words: Box<Words>,
    },
    /// Show them all.
    List,
    /// Take a rule away. What it gave stays given until you withdraw it.
    Remove {
        /// Its number, as `list` shows it.
        number: u32,
    },
}

/// A rule as it is typed.
#[derive(Debug, clap::Args)]
pub(super) struct Words {
    /// What for.
    #[arg(value_parser = purpose, help = format!("What for: {}", purposes()))]
    purpose: Purpose,
    /// Say no to it. Without this: yes, within the bounds below, and everything else you are asked.
    #[arg(long)]
    refuse: bool,
    /// Only for this retailer, such as shop.example; may stand several times.
    #[arg(long, value_name = "DOMAIN")]
    retailer: Vec<ControllerId>,
    /// Only in this shop of the retailer, such as 00000001; may stand several times.
    #[arg(long, value_name = "CODE", value_parser = shop, conflicts_with = "refuse")]
    shop: Vec<ShopCode>,
    /// At most so often a day.
    #[arg(long, value_name = "TIMES", default_value_t = 4, conflicts_with = "refuse")]
    a_day: u16,
    /// Kept for at most so many days.
    #[arg(long, value_name = "DAYS", default_value_t = 10, conflicts_with = "refuse")]
    kept: u16,
    /// Given for at most so many days.
    #[arg(long, value_name = "DAYS", default_value_t = 180, conflicts_with = "refuse")]
    valid: u16,
    /// Keys handed over at most so many days ahead, 0 to 6.
    #[arg(long, value_name = "DAYS", default_value_t = 1, conflicts_with = "refuse")]
    ahead: u8,
    /// For at least so much as a welcome, such as 5 or 5.50 (euro).
    #[arg(long, value_name = "AMOUNT", value_parser = euro, conflicts_with_all = ["refuse", "monthly"])]
    welcome: Option<Money>,
    /// For at least so much a month.
    #[arg(long, value_name = "AMOUNT", value_parser = euro, conflicts_with = "refuse")]
    monthly: Option<Money>,
    /// Where more is asked, propose what is left within the rule.
    #[arg(long, conflicts_with = "refuse")]
    less: bool,
}

#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("a purpose is {}", purposes())]
struct PurposeError;

fn purposes() -> String {
    let mut names: Vec<&str> = Purpose::ALL.iter().map(|purpose| purpose.as_str()).collect();
    let last = names.pop().unwrap_or_default();
    format!("{} or {last}", names.join(", "))
}

fn purpose(text: &str) -> Result<Purpose, PurposeError> {
    let known = Purpose::ALL.iter().find(|purpose| purpose.as_str() == text);
    known.copied().ok_or(PurposeError)
}

#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("a shop is eight hexadecimal digits, such as 00000001")]
struct ShopError;

fn shop(text: &str) -> Result<ShopCode, ShopError> {
    ShopCode::parse(text).map_err(|_| ShopError)
}

pub(super) fn run(session: &mut Session<'_, '_>, command: Command) -> Result<(), Failure> {
    match command {
        Command::Add(words) => {
            let name = session.unlocked()?.add_rule(words.into_draft()).map_err(|e| failure(&e))?;
            confirmed(session, name)
        }
        Command::Change { number, words } => {
            let changed = session.unlocked()?.change_rule(number, words.into_draft());
            let name = changed.map_err(|error| failure(&error))?;
            confirmed(session, name)
        }
        Command::List => list(session),
        Command::Remove { number } => {
            let removed = session.unlocked()?.remove_rule(number);
            removed.map_err(|error| failure(&error.into()))?;
            session.output.line(
                &json!({"removed": number}),
                &format!("Rule {number} is gone. What it gave stays given: besace consent list"),
            )
        }
    }
}

impl Words {
    fn into_draft(self) -> RuleDraft {
        let benefit = |kind, amount| Benefit { amount, kind, until: None };
        let purpose = self.purpose;
        let verdict = if self.refuse {
            Verdict::Refuse
        } else {
            let shops: BTreeSet<ShopCode> = self.shop.into_iter().collect();
            let exact = |category: &_| (*category, Granularity::Exact);
            Verdict::Give {
                bounds: Bounds {
                    benefit: match (self.welcome, self.monthly) {
                        (Some(amount), _) => benefit(BenefitKind::WelcomeCredit, Some(amount)),
                        (None, Some(amount)) => benefit(BenefitKind::MonthlyCredit, Some(amount)),
                        (None, None) => benefit(BenefitKind::Service, None),
                    },
                    categories: purpose.categories().iter().map(exact).collect(),
                    frequency_per_day: self.a_day,
                    lookback_days: 0,
                    recipients: Vec::new(),
                    release_ahead_days: if purpose.releases().is_some() { self.ahead } else { 0 },
                    retention_days: self.kept,
                    shops: (!shops.is_empty()).then(|| shops.into_iter().collect()),
                    valid_days: self.valid,
                },
                narrow: self.less,
            }
        };
        let retailers: BTreeSet<ControllerId> = self.retailer.into_iter().collect();
        let controllers = (!retailers.is_empty()).then_some(retailers);
        RuleDraft { controllers, purpose, verdict }
    }
}

fn confirmed(session: &mut Session<'_, '_>, name: RuleName) -> Result<(), Failure> {
    let engine = session.unlocked()?;
    let manifests = engine.retailers().map_err(|error| exchange::step_failure(&error))?;
    let known: Vec<&Manifest> = manifests.iter().map(Verified::payload).collect();
    let rule = engine.rules()?.into_iter().find(|rule| rule.name == name);
    let mirror = rule.and_then(|rule| match &rule.verdict {
        Verdict::Give { bounds, .. } => {
            let voice = Voice::new(Language::En, TimeZone::UTC);
            Some(format!("  {}\n", mirrors(&voice, &rule, bounds, &known)))
        }
        Verdict::Refuse => None,
    });
    session.output.line(
        &json!({"rule": name}),
        &format!(
            "Confirmed: {}. It counts from the next `besace retailer refresh` on.\n{}\
             One command takes it away: besace rule remove {}",
            named(name),
            mirror.unwrap_or_default(),
            name.number,
        ),
    )
}

fn list(session: &mut Session<'_, '_>) -> Result<(), Failure> {
    let engine = session.unlocked()?;
    let (rules, unconfirmed) = (engine.rules()?, engine.unconfirmed_rules()?);
    let text = rules.iter().fold(String::new(), |mut text, rule| {
        let _infallible = writeln!(text, "{}", described(rule));
        if unconfirmed.contains(&rule.name.number) {
            text.push_str("   It came back with a backup, and counts once you confirm it: `besace rule change`.\n");
        }
        text
    });
    session.output.line(&json!({"rules": rules, "unconfirmed": unconfirmed}), &text)
}

fn described(rule: &Rule) -> String {
    let retailers = rule.controllers.as_ref().map_or_else(
        || "every retailer".to_owned(),
        |named| named.iter().map(ControllerId::as_str).collect::<Vec<_>>().join(", "),
    );
    let until = day_of(rule_ends(rule));
    let head =
        format!("{}  {}, {retailers}, until {until}", rule.name.number, rule.purpose.as_str());
    let Verdict::Give { bounds, narrow } = &rule.verdict else { return format!("{head}: no") };
    let mut text = format!(
        "{head}: yes to {} a day, kept {} days, given for {} days",
        bounds.frequency_per_day, bounds.retention_days, bounds.valid_days,
    );
    if let Some(shops) = &bounds.shops {
        let shops: Vec<String> = shops.iter().map(ToString::to_string).collect();
        let _infallible = write!(text, ", in {}", shops.join(", "));
    }
    if let Some(amount) = bounds.benefit.amount {
        let (whole, cents) = (amount.minor / 100, amount.minor % 100);
        let _infallible = write!(text, ", for at least {whole}.{cents:02} {}", amount.currency);
    }
    text.push_str(if *narrow { "; else less is proposed" } else { "; else you are asked" });
    text
}

/// "rule 3 of 2026-03-12".
pub(super) fn named(rule: RuleName) -> String {
    format!("rule {} of {}", rule.number, day_of(rule.confirmed))
}

/// Why she is asked although there is a rule.
pub(super) fn beyond(beyond: &[BeyondRule]) -> String {
    beyond.iter().fold(String::new(), |mut text, one| {
        let what = words(&one.dimensions);
        let _infallible = writeln!(text, "  Beyond your {}: {what}.", named(one.rule));
        text
    })
}

/// Dimensions, as words.
pub(super) fn words(dimensions: &[Dimension]) -> String {
    let words: Vec<&str> = dimensions.iter().map(|one| word(*one)).collect();
    words.join(", ")
}

const fn word(dimension: Dimension) -> &'static str {
    match dimension {
        Dimension::BaseBenefit => "what else hangs on it",
        Dimension::Benefit => "what you get",
        Dimension::Categories => "what it tells",
        Dimension::Frequency => "how often a day",
        Dimension::Lookback => "how far back",
        Dimension::Purpose => "what for",
        Dimension::Recipients => "who else gets it",
        Dimension::ReleaseAhead => "how many days ahead",
        Dimension::Retention => "how long it is kept",
        Dimension::Scope => "under which name",
        Dimension::Shops => "in which shops",
        Dimension::Validity => "for how long",
    }
}

fn failure(error: &ConfirmRuleError) -> Failure {
    match error {
        ConfirmRuleError::Engine(EngineError::NotFound) => {
            Failure::refused("there is no rule of this number", "see them with `besace rule list`")
        }
        ConfirmRuleError::Engine(cause) => {
            Failure::could_not(cause, "nothing was changed; look at the disk and try again")
        }
        ConfirmRuleError::Rule(_) => Failure::refused(
            error,
            format!(
                "at most 1440 a day, kept 1 to 30 days, given for 1 to {VALID_DAYS_MAX} days, 0 to 6 ahead"
            ),
        ),
        ConfirmRuleError::Shops => {
            Failure::refused(error, "say which one: --retailer shop.example")
        }
        ConfirmRuleError::Many => {
            Failure::refused(error, "take one away: besace rule remove NUMBER")
        }
    }
}
