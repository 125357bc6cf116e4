//! Answers that shoppers gave, as long as the disclosure that told them is kept and each until its own day.

use besace_protocol::{
    consent::{Answers, Question},
    id::GrantId,
    time::Day,
};
use rusqlite::{Row, params};

use super::{Session, StoreError};

/// One answer.
#[derive(Clone, Copy)]
pub(crate) struct StoredAnswer {
    pub(crate) grant: GrantId,
    pub(crate) question: Question,
    pub(crate) choice: u8,
    /// First day on which it is gone.
    pub(crate) destroy_day: Day,
}

impl Session<'_> {
    /// Makes these the answers given under `grant`; one that was given before keeps its day. False, and the caller takes the
    /// transaction back, if one is another than was given before.
    pub(crate) fn set_answers(
        self,
        grant: GrantId,
        answers: &Answers,
        destroy_day: Day,
    ) -> Result<bool, StoreError> {
        for (question, _) in self.answers_of(grant)? {
            if !answers.contains_key(&question) {
                self.execute(
                    "DELETE FROM given_answers WHERE grant_id = ?1 AND question = ?2",
                    params![grant.as_bytes(), question.as_str()],
                )?;
            }
        }
        for (question, choice) in answers {
            let put = self.execute(
                "INSERT INTO given_answers (grant_id, question, choice, destroy_day)
                 VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (grant_id, question) DO UPDATE SET choice = excluded.choice
                   WHERE excluded.choice IN (0, choice)",
                params![grant.as_bytes(), question.as_str(), choice, destroy_day.as_number()],
            )?;
            if put == 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// What was answered under `grant`.
    pub(crate) fn answers_of(self, grant: GrantId) -> Result<Answers, StoreError> {
        let sql =
            "SELECT grant_id, question, choice, destroy_day FROM given_answers WHERE grant_id = ?1";
        let mut statement = self.0.prepare_cached(sql)?;
        let rows = statement.query_map([grant.as_bytes()], columns)?;
        rows.map(|row| from_columns(row?).map(|one| (one.question, one.choice))).collect()
    }

    /// Every answer.
    pub(crate) fn answers(self) -> Result<Vec<StoredAnswer>, StoreError> {
        let sql = "SELECT grant_id, question, choice, destroy_day FROM given_answers";
        let mut statement = self.0.prepare_cached(sql)?;
        let rows = statement.query_map([], columns)?;
        rows.map(|row| from_columns(row?)).collect()
    }

    /// Deletes those that have reached their own deadline.
    pub(crate) fn delete_answers_due(self, today: Day) -> Result<(), StoreError> {
        self.execute(
            "DELETE FROM given_answers WHERE destroy_day <= ?1",
            params![today.as_number()],
        )?;
        Ok(())
    }
}

type Columns = ([u8; 16], String, u8, u32);

fn columns(row: &Row<'_>) -> rusqlite::Result<Columns> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
}

fn from_columns((grant, question, choice, day): Columns) -> Result<StoredAnswer, StoreError> {
    Ok(StoredAnswer {
        grant: GrantId::from_bytes(grant),
        question: Question::of_word(&question).ok_or(StoreError::Corrupt)?,
        choice,
        destroy_day: Day::from_number(day),
    })
}
