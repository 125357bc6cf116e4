//! `besace consent renew`, and what a yes would change. `spec/renewal.md`.

use std::fmt::Write as _;

use besace_protocol::{consent::Indication, id::GrantId};
use serde_json::{Value, json};

use crate::{
    cli::{Session, exchange, output::Failure, rule},
    engine::Change,
};

pub(super) fn renew(session: &mut Session<'_, '_>, grant: GrantId) -> Result<(), Failure> {
    let engine = session.unlocked()?;
    let by = engine.renewable_by(grant).map_err(|error| exchange::step_failure(&error))?;
    if by.is_none() {
        return Err(Failure::refused(
            "nothing that asks no more than this grant stands open, or it is over, or its renewal is on the way",
            "see what is asked with `besace consent requests`",
        ));
    }
    let new = exchange::run(session, |exchange| async move {
        exchange.renew(grant, Indication::Command).await
    })?;
    session.output.line(
        &json!({"grant": new, "supersedes": grant}),
        &format!(
            "You said yes again: {new}, in the place of {grant}.\n\
             One command stops it: besace consent withdraw {new}"
        ),
    )
}

/// What she would change by a yes.
pub(super) fn change(text: &mut String, change: &Change) {
    let _infallible = writeln!(text, "  It would take the place of {}.", change.grant);
    for (what, dimensions) in [("More, or otherwise", &change.worse), ("Less", &change.better)] {
        if !dimensions.is_empty() {
            let _infallible = writeln!(text, "  {what}: {}.", rule::words(dimensions));
        }
    }
    if change.worse.is_empty() && change.better.is_empty() {
        let _infallible = writeln!(text, "  The same as before, for as long again.");
    }
}

pub(super) fn change_json(change: &Change) -> Value {
    json!({"better": change.better, "grant": change.grant, "terms": change.terms, "worse": change.worse})
}
