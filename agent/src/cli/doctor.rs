//! `besace doctor`: what is wrong with a vault and the machine under it, what that means, and what to do.
//!
//! First what can be seen from outside, without a key; then, if there is one, what is inside.

mod inside;
mod outside;

use std::{fmt::Write as _, sync::Arc};

use serde::Serialize;
use serde_json::json;

use super::{
    output::{Failure, Output},
    passphrase, start_failure,
};
use crate::{
    clock::Clock,
    config::VaultFolder,
    engine::{Engine, StartEngineError},
    entropy::Entropy,
};

/// Arguments of `besace doctor`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Look from outside only; ask for no passphrase.
    #[arg(long)]
    outside: bool,
}

/// How it stands with one part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Grade {
    /// All is well.
    Well,
    /// Nothing is wrong yet, or it could not be seen.
    Note,
    /// Something is wrong.
    Wrong,
}

/// What was found out about one part.
#[derive(Clone, Debug, Serialize)]
struct Finding {
    part: &'static str,
    grade: Grade,
    /// What is so, and what it means.
    what: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    todo: Option<String>,
}

impl Finding {
    fn well(part: &'static str, what: impl Into<String>) -> Self {
        Self { part, grade: Grade::Well, what: what.into(), todo: None }
    }

    fn note(part: &'static str, what: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { part, grade: Grade::Note, what: what.into(), todo: Some(todo.into()) }
    }

    fn wrong(part: &'static str, what: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { part, grade: Grade::Wrong, what: what.into(), todo: Some(todo.into()) }
    }
}

/// What is told at the end whatever was found, when there is nothing better.
const BACKUP: &str = "keep this folder as it is, and put the newest backup back beside it";

pub(super) fn run(
    arguments: &Arguments,
    folder: &VaultFolder,
    (clock, entropy): (Arc<dyn Clock>, Arc<dyn Entropy>),
    passphrase: &passphrase::Source,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let mut findings = outside::look(folder, clock.now());
    match Engine::start(folder.clone(), clock, entropy) {
        Ok(_) if arguments.outside => findings.push(not_inside()),
        Ok(engine) => findings.extend(inside::look(&engine, folder, passphrase)),
        Err(StartEngineError::InUse) => findings.push(Finding::note(
            "use",
            "another program has the vault open, so nobody looked inside",
            "ask it with `besace health`, or end it and ask again",
        )),
        Err(error) => findings.push(start_failure(&error).into_finding("start")),
    }
    say(&findings, output)
}

fn not_inside() -> Finding {
    Finding::note("inside", "nobody looked inside", "ask again without --outside")
}

fn say(findings: &[Finding], output: &mut Output<'_>) -> Result<(), Failure> {
    let wrong = findings.iter().filter(|finding| finding.grade == Grade::Wrong).count();
    let mut text = String::new();
    for Finding { part, grade, what, todo } in findings {
        let mark = match grade {
            Grade::Well => "well ",
            Grade::Note => "note ",
            Grade::Wrong => "WRONG",
        };
        // Writing to a String cannot fail.
        let _infallible = writeln!(text, "{mark}  {part:<12} {what}");
        if let Some(todo) = todo {
            let _infallible = writeln!(text, "{:<19} -> {todo}", "");
        }
    }
    output.line(&json!({"findings": findings, "wrong": wrong}), &text)?;
    match wrong {
        0 => Ok(()),
        1 => Err(Failure::refused("something is wrong", "do what stands beside it")),
        _ => {
            Err(Failure::refused(format!("{wrong} things are wrong"), "do what stands beside each"))
        }
    }
}

impl Failure {
    fn into_finding(self, part: &'static str) -> Finding {
        let (what, remedy) = self.into_texts();
        Finding::wrong(part, what, remedy)
    }
}

#[cfg(test)]
mod tests;
