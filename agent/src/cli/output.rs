//! What goes to the console, and nothing else does.

use std::{
    error::Error,
    fmt::{self, Write as _},
    io::{BufRead as _, Write},
};

use serde::Serialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::engine::EngineError;

/// Where the program writes to.
pub struct Console<'a> {
    /// Answers.
    pub out: &'a mut dyn Write,
    /// Failures.
    pub err: &'a mut dyn Write,
}

impl fmt::Debug for Console<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Console")
    }
}

/// A command that did not do what was asked.
#[derive(Debug)]
pub(super) struct Failure {
    status: u8,
    what: String,
    remedy: String,
}

impl Failure {
    /// The request cannot be granted, or what it names does not exist.
    pub(super) fn refused(what: impl fmt::Display, remedy: impl fmt::Display) -> Self {
        Self { status: 1, what: what.to_string(), remedy: remedy.to_string() }
    }

    /// The machine did not let us; the causes stand behind a colon each.
    pub(super) fn could_not(error: &(dyn Error + 'static), remedy: impl fmt::Display) -> Self {
        Self { status: 2, what: with_causes(error), remedy: remedy.to_string() }
    }

    /// What it would say.
    pub(super) fn into_texts(self) -> (String, String) {
        (self.what, self.remedy)
    }

    /// What went wrong, without what to do.
    pub(super) fn what(&self) -> &str {
        &self.what
    }

    /// The first of `failed` failures in `all` tries of one kind.
    #[must_use]
    pub(super) fn of(self, failed: usize, all: usize) -> Self {
        Self { what: format!("{failed} of {all} failed; the first: {}", self.what), ..self }
    }

    /// As [`refused`](Self::refused), from an error with its causes.
    pub(super) fn refused_because(
        error: &(dyn Error + 'static),
        remedy: impl fmt::Display,
    ) -> Self {
        Self { status: 1, ..Self::could_not(error, remedy) }
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        match &error {
            EngineError::NotFound => Self::refused(&error, "look up its name with `list`"),
            EngineError::Profile(cause) => Self::refused(cause, "write the value another way"),
            EngineError::Card(cause) => Self::refused(cause, "write the card another way"),
            EngineError::Wish(cause) => Self::refused(cause, "write the wish another way"),
            EngineError::WentBack => Self::refused(
                &error,
                "nothing was written or sent; `besace rollback` says why, and takes your decision",
            ),
            EngineError::Damaged => {
                Self::could_not(&error, "nothing was written; read `besace doctor`")
            }
            EngineError::ClockInDoubt => Self::could_not(
                &error,
                "set the clock; or, if it is right now, say so with `besace clock accept`",
            ),
            EngineError::Unmarked(_) => Self::could_not(
                &error,
                "what was done may be kept; see the disk of the mark, and `besace doctor`",
            ),
            EngineError::NoRoom(_) => {
                // It says all there is to say; its causes say it again.
                Self { status: 2, ..Self::refused(&error, "make room on the disk and try again") }
            }
            EngineError::ReadOnly => {
                Self::could_not(&error, "see who may write to it, and `besace doctor`")
            }
            EngineError::Locked => Self::refused(&error, "unlock it and try again"),
            _ => Self::could_not(&error, "nothing was changed; look at the disk and try again"),
        }
    }
}

fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // Writing to a String cannot fail.
        let _infallible = write!(text, ": {error}");
        cause = error.source();
    }
    text
}

/// Answers and failures, as text or as JSON.
pub(super) struct Output<'a> {
    console: Console<'a>,
    json: bool,
}

impl<'a> Output<'a> {
    pub(super) const fn new(console: Console<'a>, json: bool) -> Self {
        Self { console, json }
    }

    /// One answer: the members of an object for programs, a text for people.
    pub(super) fn line(
        &mut self,
        members: &impl Serialize,
        text: &impl fmt::Display,
    ) -> Result<(), Failure> {
        let written = if self.json {
            let mut answer = serde_json::to_value(members).unwrap_or(Value::Null);
            if let Value::Object(members) = &mut answer {
                members.insert("v".to_owned(), json!(1));
            }
            writeln!(self.console.out, "{answer}")
        } else {
            let text = text.to_string();
            if text.is_empty() { Ok(()) } else { writeln!(self.console.out, "{}", text.trim_end()) }
        };
        written.and_then(|()| self.console.out.flush()).map_err(|error| {
            Failure::could_not(&error, "what was asked is done; only the answer was lost")
        })
    }

    /// Whether a program reads the answers.
    pub(super) const fn is_json(&self) -> bool {
        self.json
    }

    /// Something for people beside the answer.
    pub(super) fn note(&mut self, text: &str) -> Result<(), Failure> {
        if self.json {
            return Ok(());
        }
        let written = writeln!(self.console.out, "{text}").and_then(|()| self.console.out.flush());
        written.map_err(|error| Failure::could_not(&error, "run this where it can be read"))
    }

    /// A line that is typed in answer to `text`, and seen while it is typed.
    pub(super) fn ask(&mut self, text: &str) -> Result<Zeroizing<String>, Failure> {
        const REMEDY: &str = "run this in a terminal, or see its --help";
        let mut line = Zeroizing::new(String::new());
        write!(self.console.err, "{text}")
            .and_then(|()| self.console.err.flush())
            .and_then(|()| std::io::stdin().lock().read_line(&mut line))
            .map_err(|error| Failure::could_not(&error, REMEDY))?;
        if line.is_empty() {
            return Err(Failure::refused("there is nobody to ask", REMEDY));
        }
        Ok(line)
    }

    /// Two lines, or an object; gives the exit status.
    pub(super) fn fail(&mut self, failure: &Failure) -> u8 {
        let Failure { status, what, remedy } = failure;
        // If even this cannot be written, the status says it.
        let _unwritable = if self.json {
            writeln!(self.console.err, "{}", json!({"error": what, "remedy": remedy, "v": 1}))
        } else {
            writeln!(self.console.err, "besace: {what}\n  {remedy}")
        };
        *status
    }

    /// What clap says about arguments it does not understand, or help that was asked for.
    pub(super) fn usage(&mut self, error: &clap::Error) -> u8 {
        let (to, status): (&mut dyn Write, u8) =
            if error.use_stderr() { (self.console.err, 1) } else { (self.console.out, 0) };
        let _unwritable = write!(to, "{}", error.render());
        status
    }
}
