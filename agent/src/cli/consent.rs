//! `besace consent`: what she is asked, what she gave, and taking it back.

mod receipt;
mod renewal;

use std::{
    fmt::{self, Write as _},
    str::FromStr,
};

use besace_protocol::{
    consent::{GrantState, Indication, Notice, Terms},
    id::{GrantId, NegotiationId, ParseIdError, RequestId},
    lang::Language,
    party::ControllerId,
    purpose::Purpose,
};
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::{
    Session, exchange,
    import::{day_of, moment},
    output::Failure,
    rule,
};
use crate::{
    engine::{
        Acquaintance, BeyondRule, Duty, Engine, Erasing, GrantView, Reconciliation, StepError,
    },
    exchange::WithdrawalOutcome,
    ui::{terms, voice::Voice},
};

/// Commands of `besace consent`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// What is asked of you and waits for a yes or a no.
    Requests,
    /// Say yes to a request.
    Give {
        /// Its name, as `requests` shows it.
        request: Asked,
    },
    /// Say no to a request.
    Refuse {
        /// Its name, as `requests` shows it.
        request: Asked,
    },
    /// What you gave, until when, and what became of it.
    List,
    /// Say yes again, in the place of a grant that ends, where nothing more is asked than then.
    Renew {
        /// Its name, as `list` shows it.
        grant: GrantId,
    },
    /// Take a yes back. It takes effect at once, whether the retailer answers or not.
    Withdraw {
        /// Its name, as `list` shows it.
        grant: GrantId,
    },
    /// The receipt of what you gave, for a lawyer or another program: ISO/IEC TS 27560 as JSON-LD.
    Receipt {
        /// Its name, as `list` shows it.
        grant: GrantId,
        /// Name the rule that said yes for you, so that others can check it. It has the same number and day in every receipt.
        #[arg(long)]
        rule: bool,
    },
    /// Refuse the marketing of a retailer: none of its offers is shown any more. It needs no consent before.
    Object {
        /// Its domain, such as shop.example.
        domain: ControllerId,
    },
    /// Take that back: its offers are shown again.
    Offers {
        /// Its domain, such as shop.example.
        domain: ControllerId,
    },
    /// Start afresh with a retailer: everything you gave it stops, and days later it may know you anew, as somebody else.
    Afresh {
        /// Its domain, such as shop.example.
        domain: ControllerId,
        /// Do it; without this, it is only said what would be lost.
        #[arg(long)]
        go_on: bool,
    },
    /// Who looked you up.
    Uses,
}

/// What she is asked: a request, or what a shop answered to a proposal of hers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Asked {
    Request(RequestId),
    Counter(NegotiationId),
}

impl FromStr for Asked {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let counter = NegotiationId::parse(text).map(Self::Counter);
        counter.or_else(|_| RequestId::parse(text).map(Self::Request))
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(id) => fmt::Display::fmt(id, f),
            Self::Counter(id) => fmt::Display::fmt(id, f),
        }
    }
}

pub(super) fn run(session: &mut Session<'_, '_>, command: &Command) -> Result<(), Failure> {
    match *command {
        Command::Requests => requests(session),
        Command::Give { request } => {
            let grant = exchange::run(session, |exchange| async move {
                match request {
                    Asked::Request(id) => exchange.give(id, Indication::Command).await,
                    Asked::Counter(id) => exchange.give_counter(id, Indication::Command).await,
                }
            })?;
            session.output.line(
                &json!({"grant": grant}),
                &format!(
                    "You said yes: {grant}.\nOne command stops it: besace consent withdraw {grant}"
                ),
            )
        }
        Command::Refuse { request } => {
            match request {
                Asked::Request(id) => {
                    let refused = session.unlocked()?.refuse(id);
                    refused.map_err(|error| exchange::step_failure(&error))?;
                }
                Asked::Counter(id) => {
                    exchange::run(
                        session,
                        |exchange| async move { exchange.refuse_counter(id).await },
                    )?;
                }
            }
            session.output.line(
                &json!({"refused": request.to_string()}),
                &"It's a no, and it's understood. This will not be asked again for six months.",
            )
        }
        Command::List => list(session),
        Command::Renew { grant } => renewal::renew(session, grant),
        Command::Withdraw { grant } => {
            let outcome =
                exchange::run(session, |exchange| async move { exchange.withdraw(grant).await })?;
            let (acknowledged, text) = match outcome {
                WithdrawalOutcome::Acknowledged => {
                    (true, "It has stopped. What you have earned stays yours.")
                }
                WithdrawalOutcome::NeverReceived => {
                    (true, "It has stopped. The retailer never received your yes.")
                }
                WithdrawalOutcome::Pending => (
                    false,
                    "For you, it has stopped. The retailer has not signed for it yet: it will be told again\n\
                     at every `besace retailer refresh`, until it signs for it.",
                ),
            };
            session.output.line(&json!({"acknowledged": acknowledged, "withdrawn": grant}), &text)
        }
        Command::Receipt { grant, rule } => receipt::print(session, grant, rule),
        Command::Object { ref domain } => marketing(session, domain, true),
        Command::Offers { ref domain } => marketing(session, domain, false),
        Command::Afresh { ref domain, go_on } => afresh(session, domain, go_on),
        Command::Uses => uses(session),
    }
}

fn afresh(
    session: &mut Session<'_, '_>,
    domain: &ControllerId,
    go_on: bool,
) -> Result<(), Failure> {
    if go_on {
        let name = domain.clone();
        let (made, told) =
            exchange::run(session, |exchange| async move { exchange.start_afresh(&name).await })?;
        let known = if told {
            "The retailer signed for all of it."
        } else {
            "The retailer isn't answering: it will be told again, under the old key alone, until it signs."
        };
        return session.output.line(
            &json!({"from": made.from, "retailer": domain, "told": told, "withdrawn": made.withdrawn}),
            &format!(
                "It has stopped: {} taken back. {known}\n\
                 {domain} hears of nobody before {} UTC. After that it may ask you, and a yes is given under a new key.",
                made.withdrawn.len(),
                moment(made.from),
            ),
        );
    }
    let engine = session.unlocked()?;
    let shown = |error| exchange::step_failure(&error);
    engine.manifest(domain).map_err(shown)?;
    let (word, from) = match engine.acquaintance(domain).map_err(shown)? {
        Acquaintance::Nobody => return Err(shown(StepError::Nobody)),
        Acquaintance::Waiting { from } => return Err(shown(StepError::NotYet { from })),
        Acquaintance::Known { again_from: Some(from) } => ("too_soon", Some(from)),
        Acquaintance::Known { again_from: None } => ("known", None),
    };
    let live = |view: &&GrantView| {
        view.grant.controller == *domain
            && matches!(view.state, GrantState::Given | GrantState::Active)
    };
    let grants: Vec<GrantId> =
        engine.grants().map_err(shown)?.iter().filter(live).map(|view| view.grant.id).collect();
    let last = match from {
        Some(from) => format!(
            "The last time was too short ago: it will be possible from {} UTC.",
            moment(from)
        ),
        None => format!("Nothing was done yet. To do it: besace consent afresh {domain} --go-on"),
    };
    let text = format!(
        "{} that you gave {domain} would be taken back, at once, whether it answers or not.\n\
         You would lose what hangs on the old key there: points, tiers, credit, advantages promised for a consent.\n\
         Vouchers that you have stay good, and what you refused stays refused.\n\
         Between one and seven days, drawn by lot, it would hear of nobody; after that, of somebody new.\n\
         It could connect the two only by what you show it: the same card, for paying or for loyalty; your face or\n\
         your name; the same address on the network.\n{last}",
        grants.len(),
    );
    session.output.line(
        &json!({"again_from": from, "grants": grants, "retailer": domain, "standing": word}),
        &text,
    )
}

fn marketing(
    session: &mut Session<'_, '_>,
    domain: &ControllerId,
    objects: bool,
) -> Result<(), Failure> {
    let name = domain.clone();
    let told =
        exchange::run(session, |exchange| async move { exchange.object(&name, objects).await })?;
    let done = if objects {
        "None of its offers is shown any more. What you have earned stays yours."
    } else {
        "Its offers are shown again."
    };
    let known = if told {
        "The retailer knows: it stands in its log."
    } else {
        "It does not stand in the retailer's log yet: it will be told again at every `besace retailer refresh`."
    };
    session.output.line(
        &json!({"objects": objects, "retailer": domain, "told": told}),
        &format!("{done}\n{known}"),
    )
}

/// What has to be told before, item by item.
fn told(text: &mut String, notice: &Notice) {
    let who = notice.controller();
    let _infallible = writeln!(text, "  {}, {}, {}", who.name, who.address, who.contact);
    for (item, told) in notice.items() {
        let _infallible = writeln!(text, "    {}: {told}", item.as_str().replace('_', " "));
    }
}

fn beyond_json(beyond: &[BeyondRule]) -> Vec<Value> {
    let one = |one: &BeyondRule| json!({"dimensions": one.dimensions, "rule": one.rule});
    beyond.iter().map(one).collect()
}

fn requests(session: &mut Session<'_, '_>) -> Result<(), Failure> {
    let open =
        session.unlocked()?.open_requests().map_err(|error| exchange::step_failure(&error))?;
    let voice = Voice::new(Language::En, TimeZone::UTC);
    let mut text = String::new();
    let mut list: Vec<Value> = Vec::new();
    for one in &open {
        let asked = one.request.payload();
        let _infallible = writeln!(
            text,
            "{}  {} would like {} in {} shops, for {} days.{}\n  \
             Say no, and what you earned stays yours.",
            asked.id,
            one.display_name,
            what(asked.terms.purpose),
            asked.terms.shops.len(),
            asked.terms.valid_days,
            benefit(&asked.terms),
        );
        let mirror = terms::mirror_of(&voice, &one.display_name, &one.guesses, &asked.terms);
        let _infallible = writeln!(text, "  {mirror}");
        text.push_str(&rule::beyond(&one.beyond));
        if let Some(one) = &one.change {
            renewal::change(&mut text, one);
        }
        told(&mut text, &one.notice);
        list.push(json!({
            "guesses": one.guesses,
            "beyond": beyond_json(&one.beyond),
            "change": one.change.as_ref().map(renewal::change_json),
            "name": one.display_name,
            "notice": one.notice,
            "request": asked.id,
            "retailer": asked.controller,
            "terms": asked.terms,
        }));
    }
    let counters = session.unlocked()?.open_counters();
    let counters = counters.map_err(|error| exchange::step_failure(&error))?;
    let mut answers: Vec<Value> = Vec::new();
    for one in &counters {
        let _infallible = writeln!(
            text,
            "{}  {} answers your proposal: {} in {} shops, kept {} days, for {} days.{}",
            one.id,
            one.display_name,
            what(one.terms.purpose),
            one.terms.shops.len(),
            one.terms.retention_days,
            one.terms.valid_days,
            benefit(&one.terms),
        );
        text.push_str(&rule::beyond(&one.beyond));
        let mirror = terms::mirror_of(&voice, &one.display_name, &one.guesses, &one.terms);
        let _infallible = writeln!(
            text,
            "  At most {} a day. Say no, and what you earned stays yours.\n  {mirror}",
            one.terms.frequency_per_day
        );
        told(&mut text, &one.notice);
        answers.push(json!({
            "beyond": beyond_json(&one.beyond),
            "expires": one.expires,
            "guesses": one.guesses,
            "name": one.display_name,
            "negotiation": one.id,
            "notice": one.notice,
            "terms": one.terms,
        }));
    }
    let refused = session.unlocked()?.refused_by_rule();
    let refused = refused.map_err(|error| exchange::step_failure(&error))?;
    let mut refusals: Vec<Value> = Vec::new();
    for one in &refused {
        let _infallible = writeln!(
            text,
            "{}  {}: {}; refused by your {}.",
            one.id,
            one.display_name,
            what(one.purpose),
            rule::named(one.rule),
        );
        refusals.push(json!({"request": one.id, "rule": one.rule}));
    }
    let minor = session.unlocked()?.minor_until();
    let minor = minor.map_err(|error| exchange::step_failure(&error))?;
    if let Some(until) = minor {
        let _infallible = writeln!(
            text,
            "This besace is a minor's until {}: it gives nothing, and no request is shown.\n\
             Offers and vouchers need none.",
            day_of(until)
        );
    }
    let all = json!({
        "counters": answers,
        "minor_until": minor,
        "refused_by_rule": refusals,
        "requests": list,
    });
    session.output.line(&all, &text)
}

fn list(session: &mut Session<'_, '_>) -> Result<(), Failure> {
    let engine = session.unlocked()?;
    let grants = engine.grants().map_err(|error| exchange::step_failure(&error))?;
    let mut text = String::new();
    let mut list: Vec<Value> = Vec::new();
    for view in &grants {
        let uses = reconcile(engine, view.grant.id)?;
        let _infallible = writeln!(
            text,
            "{}  {}: {}, {} until {}; {}",
            view.grant.id,
            view.display_name,
            what(view.grant.terms.purpose),
            if view.unanswered { "not signed by the retailer" } else { state(view.state) },
            day_of(view.grant.expires),
            uses,
        );
        if let Some(rule) = view.rule {
            let _infallible = writeln!(text, "  Accepted by your {}.", rule::named(rule));
        }
        let by = view.ends_soon(engine.now()).then(|| engine.renewable_by(view.grant.id));
        let by = by.transpose().map_err(|error| exchange::step_failure(&error))?.flatten();
        if by.is_some() {
            let _infallible = writeln!(
                text,
                "  It ends then by itself. To go on: besace consent renew {}",
                view.grant.id
            );
        }
        let owed = view.owed(engine.now());
        if let Some(duty) = owed {
            let _infallible = writeln!(text, "  {}", duty_text(duty));
        }
        let erasing = view.erasing(engine.now());
        if let Some(standing) = erasing {
            let _infallible = writeln!(text, "  {}", erasing_text(standing));
        }
        list.push(json!({
            "acknowledged": view.acknowledged,
            "erased": match erasing {
                Some(Erasing::Done { at, .. }) => Some(at),
                Some(Erasing::Due { .. } | Erasing::Late { .. }) | None => None,
            },
            "erasure_due": match erasing {
                Some(Erasing::Due { until } | Erasing::Late { since: until, .. }) => Some(until),
                Some(Erasing::Done { .. }) | None => None,
            },
            "late_days": match owed {
                Some(Duty::Late { days, .. }) => Some(days),
                Some(Duty::Due { .. }) | None => None,
            },
            "expires": view.grant.expires,
            "given": view.grant.given,
            "grant": view.grant.id,
            "name": view.display_name,
            "purpose": view.grant.terms.purpose,
            "renewable_by": by,
            "retailer": view.grant.controller,
            "rule": view.rule,
            "state": view.state,
            "supersedes": view.grant.supersedes.map(|old| old.grant),
            "uses": uses,
        }));
    }
    session.output.line(&json!({"grants": list}), &text)
}

fn uses(session: &mut Session<'_, '_>) -> Result<(), Failure> {
    let engine = session.unlocked()?;
    let look_ups = engine.look_ups().map_err(|error| exchange::step_failure(&error))?;
    let mut text = String::new();
    let mut list: Vec<Value> = Vec::new();
    for one in &look_ups {
        let _infallible = writeln!(
            text,
            "{}  {} ({}): you had allowed it on {}; entry {} of its log",
            day_of(one.at),
            one.display_name,
            one.shop,
            day_of(one.allowed_at),
            one.entry,
        );
        list.push(json!({
            "action": one.action,
            "at": one.at,
            "entry": one.entry,
            "grant": one.grant,
            "name": one.display_name,
            "shop": one.shop,
        }));
    }
    session.output.line(&json!({"uses": list}), &text)
}

fn reconcile(engine: &Engine, grant: GrantId) -> Result<String, Failure> {
    let told = engine.reconcile(grant).map_err(|error| exchange::step_failure(&error))?;
    Ok(match told {
        Reconciliation::Complete { uses } => format!("{uses} uses, all proven"),
        Reconciliation::Missing { counted, opened } => {
            format!("{counted} uses counted, only {opened} shown")
        }
        Reconciliation::Other { counted } => {
            format!("{counted} uses counted, and not those that were shown")
        }
    })
}

/// Until when the retailer has time to sign for a withdrawal, or how late it is.
fn duty_text(duty: Duty) -> String {
    match duty {
        Duty::Due { until } => {
            format!("Not signed for yet: the retailer has until {} UTC.", moment(until))
        }
        Duty::Late { since, days, erasure_late } => {
            let month = if erasure_late {
                " The month that the law gives to erase is over: you may complain to the data protection authority."
            } else {
                ""
            };
            format!("Not signed for: due by {}, {days} days late.{month}", day_of(since))
        }
    }
}

/// How the erasure stands that the retailer owes.
fn erasing_text(standing: Erasing) -> String {
    match standing {
        Erasing::Due { until } => {
            format!("Erasure not signed for yet: the retailer has until {}.", day_of(until))
        }
        Erasing::Late { since, days } => format!(
            "Erasure not signed for: due by {}, {days} days late. You may complain to the data protection authority.",
            day_of(since),
        ),
        Erasing::Done { at, shown_late, others_told, mail_waits } => {
            let late = shown_late
                .map(|at| format!(" It was learnt of only on {}.", day_of(at)))
                .unwrap_or_default();
            let others =
                if others_told { " It told those to whom it had passed it on." } else { "" };
            let mail =
                if mail_waits { " Proofs of use still wait there, sealed to you." } else { "" };
            format!(
                "Erased on {}, as the retailer signed; that it signed stands in its log.{late}{others} \
                 It keeps the proof of your yes and of its end.{mail}",
                day_of(at),
            )
        }
    }
}

const fn what(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Recognition => "to know when you come in",
        Purpose::StaffGreeting => "to greet you by the name you chose",
        Purpose::LoyaltyAccount => "to know you at the till",
        Purpose::WishBroadcast => "to hear what you look for",
        Purpose::Answers => "to hear your answers to a few questions",
        Purpose::Feedback => "to read what you say of it",
        Purpose::Receipts => "to know which of its till receipts are yours",
    }
}

const fn state(state: GrantState) -> &'static str {
    match state {
        GrantState::Given => "waiting for the retailer's signature",
        GrantState::Active => "live",
        GrantState::Expired => "over",
        GrantState::Withdrawn => "taken back",
        GrantState::Revoked => "ended by the shop",
        GrantState::Superseded => "replaced by another",
    }
}

fn benefit(terms: &Terms) -> String {
    terms.benefit.amount.map_or_else(String::new, |amount| {
        let (whole, cents) = (amount.minor / 100, amount.minor % 100);
        format!(" In return: {whole}.{cents:02} {}.", amount.currency)
    })
}

#[cfg(test)]
mod tests {
    use clap::Subcommand as _;

    use super::*;

    /// How many words have to be typed behind `besace consent`: the command, and what it cannot do without.
    fn words(name: &str) -> usize {
        let all = Command::augment_subcommands(clap::Command::new("consent"));
        let command = all.find_subcommand(name).unwrap();
        let needed = command.get_arguments().filter(|argument| argument.is_required_set());
        std::iter::once(command.get_name()).chain(needed.map(|n| n.get_id().as_str())).count()
    }

    #[test]
    fn taking_back_takes_no_more_words_than_giving() {
        assert!(words("afresh") <= words("withdraw"));
        assert_eq!(words("give"), 2);
        assert!(words("withdraw") <= words("give"));
        assert!(words("object") <= words("withdraw") && words("offers") <= words("withdraw"));
    }
}
