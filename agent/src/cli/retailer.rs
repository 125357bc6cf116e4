//! `besace retailer`: shops she deals with.

use std::fmt::Write as _;

use besace_protocol::party::ControllerId;
use serde_json::{Value, json};

use super::{Session, exchange, output::Failure};
use crate::engine::{Engine, LogStanding};

/// Commands of `besace retailer`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Get to know a retailer: its keys, its offers, what it asks for.
    Meet {
        /// Its domain, such as shop.example.
        domain: ControllerId,
    },
    /// Show them all.
    List,
    /// Do everything that is due: offers, keys, mail.
    Refresh {
        /// Its domain; all of them if none is named.
        domain: Option<ControllerId>,
    },
}

pub(super) fn run(session: &mut Session<'_, '_>, command: Command) -> Result<(), Failure> {
    match command {
        Command::Meet { domain } => {
            let name = domain.clone();
            let met = exchange::run(session, |exchange| async move { exchange.meet(&name).await })?;
            session.output.line(
                &json!({"offers": met.offers, "offers_refused": met.offers_refused, "retailer": domain}),
                &format!(
                    "You have met {domain}: {} offers. It learned nothing but that somebody asked.",
                    met.offers
                ),
            )
        }
        Command::List => {
            let engine = session.unlocked()?;
            let retailers = engine.retailers().map_err(|error| exchange::step_failure(&error))?;
            let mut text = String::new();
            let mut list: Vec<Value> = Vec::new();
            for manifest in &retailers {
                let manifest = manifest.payload();
                let name = &manifest.legal.display_name;
                let _infallible = writeln!(text, "{}  {name}", manifest.controller);
                let (log, said) = standing(engine, &manifest.controller)?;
                text.push_str(said);
                list.push(json!({
                    "log": log,
                    "name": name,
                    "retailer": manifest.controller,
                    "shops": manifest.shops.len(),
                }));
            }
            session.output.line(&json!({"retailers": list}), &text)
        }
        Command::Refresh { domain } => {
            let domains = match domain {
                Some(domain) => vec![domain],
                None => session
                    .unlocked()?
                    .retailers()
                    .map_err(|error| exchange::step_failure(&error))?
                    .iter()
                    .map(|manifest| manifest.payload().controller.clone())
                    .collect(),
            };
            let refreshed = exchange::run(session, |exchange| async move {
                let mut refreshed = Vec::new();
                // A shop that is away or wrong keeps no other from what is due there.
                let former = exchange.alone().await?;
                for domain in domains {
                    let done = exchange.refresh(&domain).await;
                    // As who she was only where nobody else speaks: else the two would be seen together.
                    for errand in former.iter().filter(|errand| errand.domain == domain) {
                        let _told_again_next_time = exchange.run(errand).await;
                    }
                    refreshed.push((domain, done));
                }
                Ok(refreshed)
            })?;
            let mut text = String::new();
            let mut list: Vec<Value> = Vec::new();
            let mut first = None;
            let mut failed: usize = 0;
            for (domain, done) in &refreshed {
                let done = match done {
                    Ok(done) => done,
                    Err(error) => {
                        failed = failed.saturating_add(1);
                        let failure = exchange::failure(error);
                        let _infallible = writeln!(text, "{domain}: {}", failure.what());
                        list.push(json!({"error": failure.what(), "retailer": domain}));
                        first.get_or_insert(failure);
                        continue;
                    }
                };
                let _infallible = writeln!(
                    text,
                    "{domain}: {} offers, {} sets of keys, {} disclosures, {} messages",
                    done.offers, done.keys, done.disclosures, done.mail
                );
                list.push(json!({
                    "disclosures": done.disclosures,
                    "keys": done.keys,
                    "mail": done.mail,
                    "offers": done.offers,
                    "retailer": domain,
                }));
            }
            // Of one that failed the failure says it all.
            if refreshed.len() > failed {
                session.output.line(&json!({"refreshed": list}), &text)?;
            }
            match first {
                None => Ok(()),
                Some(first) if refreshed.len() == 1 => Err(first),
                Some(first) => Err(first.of(failed, refreshed.len())),
            }
        }
    }
}

/// How a retailer's log stands, for programs and in words.
fn standing(engine: &Engine, domain: &ControllerId) -> Result<(Value, &'static str), Failure> {
    let shown = |error| exchange::step_failure(&error);
    Ok(match engine.log_standing(domain).map_err(shown)? {
        LogStanding::Sound => (json!({"standing": "sound"}), ""),
        LogStanding::Waits { since } => (
            json!({"since": since, "standing": "waits"}),
            "    Its log could not be compared yet with what it showed before. Nothing new is told to it until then.\n",
        ),
        LogStanding::Forked { noticed_at } => {
            let fork = engine.fork(domain).map_err(shown)?;
            let heads = fork.map(|fork| [fork.one, fork.other]);
            (
                json!({"heads": heads, "noticed_at": noticed_at, "standing": "forked"}),
                "    Its log signed two different histories. Nothing is told to it any more. Both signed heads are \
                 kept: add --json to see them.\n",
            )
        }
    })
}
