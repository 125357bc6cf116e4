//! `besace answer`: the questions of shops, and what she chooses.

use std::fmt::Write as _;

use besace_protocol::{consent::Question, id::GrantId, lang::Language};
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::{Session, exchange, output::Failure};
use crate::{
    engine::{AskedQuestion, Stands},
    ui::{answers, voice::Voice},
};

/// Commands of `besace answer`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// What the shops that you allowed it ask, with the answers that may leave.
    List,
    /// Let one answer leave, with the next refresh.
    Give {
        /// The grant, as `list` shows it.
        grant: GrantId,
        /// The question, as `list` shows it.
        #[arg(value_parser = question)]
        question: Question,
        /// The number of the answer, as `list` shows it.
        #[arg(value_parser = clap::value_parser!(u8).range(1..=8))]
        choice: u8,
    },
    /// Rather not say, or take an answer back. Nobody hears which.
    Withhold {
        /// The grant, as `list` shows it.
        grant: GrantId,
        /// The question, as `list` shows it.
        #[arg(value_parser = question)]
        question: Question,
    },
}

#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("a question is advice, moment, reach or visits")]
struct QuestionError;

fn question(text: &str) -> Result<Question, QuestionError> {
    Question::of_word(text).ok_or(QuestionError)
}

pub(super) fn run(session: &mut Session<'_, '_>, command: &Command) -> Result<(), Failure> {
    match *command {
        Command::List => list(session),
        Command::Give { grant, question, choice } => {
            let given = session.unlocked()?.choose_answer(grant, question, choice);
            given.map_err(|error| exchange::step_failure(&error))?;
            session.output.line(
                &json!({"answered": question, "choice": choice, "grant": grant}),
                &"It leaves with the next refresh. To take it back: besace answer withhold",
            )
        }
        Command::Withhold { grant, question } => {
            let kept = session.unlocked()?.choose_answer(grant, question, 0);
            kept.map_err(|error| exchange::step_failure(&error))?;
            session.output.line(
                &json!({"grant": grant, "withheld": question}),
                &"This answer stays at home. If it had left, it is taken back at the next refresh.",
            )
        }
    }
}

fn list(session: &mut Session<'_, '_>) -> Result<(), Failure> {
    let engine = session.unlocked()?;
    let asked = engine.questions().map_err(|error| exchange::step_failure(&error))?;
    let voice = Voice::new(Language::En, TimeZone::UTC);
    let text = asked.iter().fold(String::new(), |mut text, one| {
        let question = one.question;
        let words = answers::question(&voice, question);
        let _infallible = writeln!(text, "{} {} ({})", one.grant, question.as_str(), one.domain);
        let _infallible = writeln!(text, "  {words}");
        for choice in one.stands.choices(question) {
            let words = answers::choice(&voice, question, choice);
            let _infallible = writeln!(text, "  {choice}: {words}");
        }
        let _infallible = writeln!(text, "  {}", stands(&voice, one));
        text
    });
    let asked: Vec<Value> = asked.iter().map(describe).collect();
    session.output.line(&json!({"questions": asked}), &text)
}

fn stands(voice: &Voice, one: &AskedQuestion) -> String {
    match one.stands {
        Stands::Open => "waits for you; you may rather not say".to_owned(),
        Stands::Computed(None) => "nothing is known to answer with".to_owned(),
        Stands::Computed(Some(_)) => "worked out here; it leaves only if you give it".to_owned(),
        Stands::Said(choice) => {
            format!("you answered: {}", answers::choice(voice, one.question, choice))
        }
        Stands::Aside(choice) => format!(
            "came back with a backup, and leaves only if you give it again: {}",
            answers::choice(voice, one.question, choice)
        ),
        Stands::Kept => "not said".to_owned(),
    }
}

fn describe(one: &AskedQuestion) -> Value {
    let (stands, said) = match one.stands {
        Stands::Open => ("open", None),
        Stands::Computed(_) => ("computed", None),
        Stands::Said(choice) => ("said", Some(choice)),
        Stands::Aside(choice) => ("aside", Some(choice)),
        Stands::Kept => ("kept", None),
    };
    json!({
        "choices": one.stands.choices(one.question),
        "domain": one.domain,
        "grant": one.grant,
        "question": one.question,
        "said": said,
        "stands": stands,
    })
}
