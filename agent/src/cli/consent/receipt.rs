//! `besace consent receipt`: what she gave, for a lawyer or another program.

use besace_protocol::id::GrantId;
use serde_json::{Value, json};

use crate::{
    cli::{Session, exchange, output::Failure},
    engine::StepError,
};

pub(super) fn print(
    session: &mut Session<'_, '_>,
    grant: GrantId,
    rule: bool,
) -> Result<(), Failure> {
    let engine = session.unlocked()?;
    let receipt =
        if rule { engine.receipt_with_rule(grant) } else { engine.receipt(grant).map(Some) };
    let receipt = receipt.map_err(|error| match error {
        StepError::NoticeMissing => Failure::refused(
            "the notice you were shown is not kept, or was plain text: there is no receipt of it",
            "see what you gave with `besace consent list`",
        ),
        error => exchange::step_failure(&error),
    })?;
    let receipt = receipt.ok_or_else(|| {
        Failure::refused(
            "no rule of yours said yes to this",
            "without --rule there is a receipt of what you gave by hand",
        )
    })?;
    let again = "nothing was changed; try again";
    let receipt: Value =
        serde_json::from_slice(&receipt).map_err(|error| Failure::could_not(&error, again))?;
    // Spread out for people, who redirect it into a file; the same members.
    let text = format!("{receipt:#}");
    session.output.line(&json!({"receipt": receipt}), &text)
}
