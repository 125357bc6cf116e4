//! Questions of shops: what waits for her, what she chose, and what her agent would answer from what it knows.

use std::collections::BTreeSet;

use besace_protocol::{
    consent::Question,
    id::GrantId,
    party::ControllerId,
    time::{Day, Timestamp},
};

use super::{Engine, EngineError, StepError};
use crate::vault::StoredAnswer;

/// A question under a live grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedQuestion {
    /// Under which grant.
    pub grant: GrantId,
    /// Whose.
    pub domain: ControllerId,
    /// The name over the shop's door.
    pub display_name: String,
    /// Until when it may be answered.
    pub expires: Timestamp,
    /// What is asked.
    pub question: Question,
    /// How it stands.
    pub stands: Stands,
}

/// How a question stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stands {
    /// She chooses.
    Open,
    /// This is what her agent knows, if anything: she lets it leave, or not.
    Computed(Option<u8>),
    /// She answered.
    Said(u8),
    /// She would rather not say, or took it back: nobody hears which.
    Kept,
}

impl Stands {
    /// The choices that may leave.
    pub fn choices(self, question: Question) -> Vec<u8> {
        match self {
            Self::Open => (1..=question.choices()).collect(),
            Self::Computed(choice) => choice.into_iter().collect(),
            Self::Said(_) | Self::Kept => Vec::new(),
        }
    }
}

impl Engine {
    /// Every question under grants that live, the newest grant first.
    pub fn questions(&self) -> Result<Vec<AskedQuestion>, StepError> {
        let (vault, now) = (self.vault()?, self.now());
        let mut asked = Vec::new();
        for known in self.grants()? {
            let grant = known.grant;
            if !known.state.is_live(grant.expires, now) {
                continue;
            }
            let answered = vault.answers(grant.id)?;
            for question in grant.terms.questions() {
                let stands = match answered.iter().find(|one| one.question == question) {
                    Some(StoredAnswer { choice: 0, .. }) => Stands::Kept,
                    Some(one) => Stands::Said(one.choice),
                    None if question.is_computed() => {
                        Stands::Computed(self.computed(question, &grant.controller)?)
                    }
                    None => Stands::Open,
                };
                asked.push(AskedQuestion {
                    grant: grant.id,
                    domain: grant.controller.clone(),
                    display_name: known.display_name.clone(),
                    expires: grant.expires,
                    question,
                    stands,
                });
            }
        }
        Ok(asked)
    }

    /// She chooses an answer, or 0: none, or no longer. An answer leaves with the next refresh, as she saw it here.
    pub fn choose_answer(
        &self,
        grant: GrantId,
        question: Question,
        choice: u8,
    ) -> Result<(), StepError> {
        let missing = || StepError::Engine(EngineError::NotFound);
        let asked = self.questions()?;
        let asked = asked.iter().find(|one| one.grant == grant && one.question == question);
        let stands = asked.ok_or_else(missing)?.stands;
        let vault = self.vault()?;
        let done = match (stands, choice) {
            (Stands::Said(_), 0) => vault.take_answer_back(grant, question)?,
            (Stands::Open | Stands::Computed(_), 0) => {
                vault.put_answer(grant, StoredAnswer { question, choice, at: self.now() })?
            }
            _ if stands.choices(question).contains(&choice) => {
                vault.put_answer(grant, StoredAnswer { question, choice, at: self.now() })?
            }
            _ => false,
        };
        if done { Ok(()) } else { Err(missing()) }
    }

    /// What her agent would answer to `domain`.
    fn computed(&self, question: Question, domain: &ControllerId) -> Result<Option<u8>, StepError> {
        match question {
            Question::Visits => {
                let today = Day::of(self.now()).as_number();
                let first = today.saturating_sub(Question::DAYS);
                let days: BTreeSet<u32> = self
                    .vault()?
                    .visits()?
                    .into_iter()
                    .filter(|visit| visit.domain == *domain)
                    .map(|visit| Day::of(visit.arrived_at).as_number())
                    // Today may go on: it tells of days that are over.
                    .filter(|day| (first..today).contains(day))
                    .collect();
                Ok(Question::of_visits(days.len()))
            }
            Question::Advice | Question::Moment | Question::Reach => Ok(None),
        }
    }
}
