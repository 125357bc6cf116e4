//! Answers instead of data: questions of a closed list, each with a few choices. `spec/answers.md`.

use alloc::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Terms;
use crate::{document::DocumentRule, purpose::DataCategory};

/// What she answered: to each question the number of a choice, from 1. 0 takes an answer back.
pub type Answers = BTreeMap<Question, u8>;

/// What a shop may ask. The list is closed and the words are the agent's own: nobody writes a question that asks for what
/// GDPR art. 9 protects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// Whether she would rather be advised or left alone.
    Advice,
    /// When she would rather come.
    Moment,
    /// How she comes.
    Reach,
    /// On about how many days she came.
    Visits,
}

impl Question {
    /// Every question there is.
    pub const ALL: &'static [Self] = &[Self::Advice, Self::Moment, Self::Reach, Self::Visits];
    /// How far back her agent looks where it answers by itself, in days.
    pub const DAYS: u32 = 90;

    /// As it stands on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Advice => "advice",
            Self::Moment => "moment",
            Self::Reach => "reach",
            Self::Visits => "visits",
        }
    }

    /// The question of this word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|question| question.as_str() == word)
    }

    /// What a grant has to name, so that it may be answered.
    pub const fn category(self) -> DataCategory {
        match self {
            Self::Advice => DataCategory::AnswerAdvice,
            Self::Moment => DataCategory::AnswerMoment,
            Self::Reach => DataCategory::AnswerReach,
            Self::Visits => DataCategory::AnswerVisits,
        }
    }

    /// How many choices there are beside none.
    pub const fn choices(self) -> u8 {
        match self {
            Self::Advice => 2,
            Self::Visits => 3,
            Self::Moment | Self::Reach => 4,
        }
    }

    /// Whether her agent answers from what it knows; she decides whether that leaves.
    pub const fn is_computed(self) -> bool {
        match self {
            Self::Visits => true,
            Self::Advice | Self::Moment | Self::Reach => false,
        }
    }

    /// The choice that so many days with a visit are, of the last [`DAYS`](Self::DAYS). None: who was never seen there may
    /// have been there unseen.
    pub const fn of_visits(days: usize) -> Option<u8> {
        match days {
            0 => None,
            1..=2 => Some(1),
            3..=11 => Some(2),
            12.. => Some(3),
        }
    }
}

impl Terms {
    /// The questions that are asked, in the order of the wire.
    pub fn questions(&self) -> impl Iterator<Item = Question> {
        let asked = |question: &Question| self.categories.contains_key(&question.category());
        Question::ALL.iter().copied().filter(asked)
    }

    /// Into how many groups the answers sort people at most, silence being an answer too. 1 where nothing is asked.
    pub fn answer_groups(&self) -> u32 {
        self.questions().fold(1, |groups, question| {
            groups.saturating_mul(u32::from(question.choices()).saturating_add(1))
        })
    }
}

/// An answer is one of the choices of its question.
pub(super) fn check_answers(answers: &Answers) -> Result<(), DocumentRule> {
    let fits = |(question, choice): (&Question, &u8)| *choice <= question.choices();
    if answers.iter().all(fits) { Ok(()) } else { Err(DocumentRule::Bounds) }
}

/// What of `wanted` gives no answer beyond those that are `known`.
pub fn answered_before(wanted: &Answers, known: &Answers) -> Answers {
    let told = |(question, choice): &(&Question, &u8)| {
        **choice == 0 || known.get(question) == Some(choice)
    };
    wanted.iter().filter(told).map(|(question, choice)| (*question, *choice)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        consent::sample::terms,
        purpose::{Granularity, Purpose},
    };

    #[test]
    fn each_question_is_a_category_of_its_own_and_has_a_few_choices() {
        let asked: alloc::vec::Vec<_> = Question::ALL.iter().map(|one| one.category()).collect();
        assert_eq!(asked, Purpose::Answers.categories());
        for question in Question::ALL {
            assert!((2..=8).contains(&question.choices()), "{question:?}");
            let category = question.category().as_str();
            assert_eq!(category.strip_prefix("answer_"), Some(question.as_str()));
            assert_eq!(Question::of_word(question.as_str()), Some(*question));
        }
        assert_eq!(Question::of_word("health"), None);
    }

    #[test]
    fn all_that_can_be_asked_tells_less_than_nine_bits() {
        let exact = |category: &DataCategory| (*category, Granularity::Exact);
        let mut asked = terms();
        assert_eq!(asked.answer_groups(), 1);
        asked.categories = Purpose::Answers.categories().iter().map(exact).collect();
        assert_eq!(asked.answer_groups(), 300);
        asked.categories.remove(&DataCategory::AnswerReach);
        assert_eq!(asked.answer_groups(), 60);
        assert!(asked.questions().eq([Question::Advice, Question::Moment, Question::Visits]));
    }

    #[test]
    fn visits_are_counted_in_bands() {
        let bands = [0, 1, 2, 3, 11, 12, 90].map(Question::of_visits);
        assert_eq!(bands, [None, Some(1), Some(1), Some(2), Some(2), Some(3), Some(3)]);
        let last = Question::of_visits(usize::MAX);
        assert_eq!(last, Some(Question::Visits.choices()));
    }

    #[test]
    fn what_was_not_told_is_left_out() {
        let known = Answers::from([(Question::Advice, 1), (Question::Visits, 2)]);
        let wanted =
            Answers::from([(Question::Advice, 1), (Question::Reach, 3), (Question::Visits, 0)]);
        let least = Answers::from([(Question::Advice, 1), (Question::Visits, 0)]);
        assert_eq!(answered_before(&wanted, &known), least);
        assert_eq!(
            answered_before(&wanted, &Answers::new()),
            Answers::from([(Question::Visits, 0)])
        );
    }
}
