//! Questions of shops as pages show them: each answer exactly as it would leave.

use besace_protocol::{consent::Question, time::Timestamp};

use super::{view::plain, voice::Voice};
use crate::engine::{AskedQuestion, Engine, Stands, StepError};

/// Longest name of a retailer, in characters.
const NAME_MAX: usize = 80;

/// What is asked under one grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswersView {
    /// Identifier of the grant.
    pub grant: String,
    /// By whom.
    pub retailer: String,
    /// Until when.
    pub until: String,
    /// The questions.
    pub questions: Vec<QuestionView>,
}

/// One question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuestionView {
    /// Its word, for forms.
    pub word: &'static str,
    /// The question itself.
    pub sentence: String,
    /// Where the answer comes from, or what became of it.
    pub note: Option<String>,
    /// What may leave: numbers and words.
    pub choices: Vec<(u8, String)>,
    /// The button for no answer, or none any more, if there is something to decide.
    pub keep: Option<String>,
}

/// The page, as things stand now.
pub fn view(voice: &Voice, engine: &Engine) -> Result<Vec<AnswersView>, StepError> {
    let mut views: Vec<AnswersView> = Vec::new();
    for asked in engine.questions()? {
        let grant = asked.grant.to_string();
        let shown = one(voice, &asked);
        match views.last_mut() {
            Some(view) if view.grant == grant => view.questions.push(shown),
            _ => views.push(AnswersView {
                grant,
                retailer: plain(&asked.display_name, NAME_MAX),
                until: until(voice, asked.expires, engine.now()),
                questions: vec![shown],
            }),
        }
    }
    Ok(views)
}

fn until(voice: &Voice, expires: Timestamp, now: Timestamp) -> String {
    voice.say_with("answers-until", [("date", voice.date(expires, now).into())])
}

fn one(voice: &Voice, asked: &AskedQuestion) -> QuestionView {
    let (note, keep) = match asked.stands {
        Stands::Open => (None, Some(voice.say("answer-keep"))),
        Stands::Computed(Some(_)) => {
            (Some(voice.say("answer-computed")), Some(voice.say("answer-keep")))
        }
        Stands::Computed(None) => (Some(voice.say("answer-unknown")), None),
        Stands::Said(said) => {
            let said = ("answer", choice(voice, asked.question, said).into());
            (Some(voice.say_with("answer-said", [said])), Some(voice.say("answer-take-back")))
        }
        Stands::Aside(said) => {
            let said = ("answer", choice(voice, asked.question, said).into());
            (Some(voice.say_with("answer-aside", [said])), Some(voice.say("answer-take-back")))
        }
        Stands::Kept => (Some(voice.say("answer-kept")), None),
    };
    let words = |number| (number, choice(voice, asked.question, number));
    QuestionView {
        word: asked.question.as_str(),
        sentence: question(voice, asked.question),
        note,
        choices: asked.stands.choices(asked.question).into_iter().map(words).collect(),
        keep,
    }
}

/// What is asked, in words.
pub fn question(voice: &Voice, question: Question) -> String {
    voice.say(&format!("question-{}", question.as_str()))
}

/// One choice, in words.
pub fn choice(voice: &Voice, question: Question, choice: u8) -> String {
    voice.say(&format!("answer-{}-{choice}", question.as_str()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use besace_protocol::lang::Language;
    use jiff::tz::TimeZone;

    use super::*;

    #[test]
    fn there_are_words_for_every_question_and_choice() {
        for &language in Language::ALL {
            let voice = Voice::new(language, TimeZone::UTC);
            let mut said = BTreeSet::new();
            for asked in Question::ALL {
                said.insert(question(&voice, *asked));
                for number in 1..=asked.choices() {
                    said.insert(choice(&voice, *asked, number));
                }
            }
            assert_eq!(said.len(), 4 + 2 + 4 + 4 + 3, "{said:?}");
            assert!(
                said.iter().all(|words| !words.contains('-') || words.contains(' ')),
                "{said:?}"
            );
        }
    }
}
