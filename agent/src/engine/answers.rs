//! Questions of shops: what waits for her, what she chose, and what her agent would answer from what it knows.

use std::collections::BTreeSet;

use besace_protocol::{
    consent::{Grant, Question},
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
    /// This answer came back with a backup: it leaves once she gives it again.
    Aside(u8),
    /// She would rather not say, or took it back: nobody hears which.
    Kept,
}

impl Stands {
    /// The choices that may leave.
    pub fn choices(self, question: Question) -> Vec<u8> {
        match self {
            Self::Open => (1..=question.choices()).collect(),
            Self::Computed(choice) => choice.into_iter().collect(),
            Self::Aside(choice) => vec![choice],
            Self::Said(_) | Self::Kept => Vec::new(),
        }
    }
}

impl Engine {
    /// Every question under grants that live, the newest grant first.
    pub fn questions(&self) -> Result<Vec<AskedQuestion>, StepError> {
        let (vault, now) = (self.vault()?, self.now());
        let back = vault.came_back_at()?;
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
                    Some(one) if one.is_set_aside(back) => Stands::Aside(one.choice),
                    Some(one) => Stands::Said(one.choice),
                    None if question.is_computed() => {
                        Stands::Computed(self.computed(question, &grant)?)
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
        // A minor's vault gives nothing, also where it is marked as one since.
        if choice > 0 && self.minor_until()?.is_some() {
            return Err(StepError::Minor);
        }
        let asked = self.questions()?;
        let asked = asked.iter().find(|one| one.grant == grant && one.question == question);
        let stands = asked.ok_or_else(missing)?.stands;
        let vault = self.vault()?;
        let done = match (stands, choice) {
            (Stands::Said(_) | Stands::Aside(_), 0) => vault.take_answer_back(grant, question)?,
            (Stands::Aside(known), again) if known == again => {
                vault.confirm_answer(grant, StoredAnswer { question, choice, at: self.now() })?
            }
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

    /// What her agent would answer under `grant`: of no day before those that it looks back on.
    fn computed(&self, question: Question, grant: &Grant) -> Result<Option<u8>, StepError> {
        match question {
            Question::Visits => {
                let today = Day::of(self.now()).as_number();
                let given = Day::of(grant.given).as_number();
                let back = given.saturating_sub(u32::from(grant.terms.lookback_days));
                let first = today.saturating_sub(Question::DAYS).max(back);
                let days: BTreeSet<u32> = self
                    .vault()?
                    .visits()?
                    .into_iter()
                    .filter(|visit| visit.domain == grant.controller)
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
