//! What she answered, under each grant once.

use besace_protocol::{consent::Question, id::GrantId, time::Timestamp};

use super::{Vault, VaultError, column};

/// One answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredAnswer {
    /// To what.
    pub question: Question,
    /// Which choice; 0: none, or none any more.
    pub choice: u8,
    /// When she chose.
    pub at: Timestamp,
}

impl StoredAnswer {
    /// Whether it came back with a backup, at `back`: she may have taken it back since, and it waits for her.
    pub fn is_set_aside(&self, back: Option<Timestamp>) -> bool {
        self.choice > 0 && back.is_some_and(|back| self.at <= back)
    }
}

impl Vault {
    /// What was answered under `grant`.
    pub fn answers(&self, grant: GrantId) -> Result<Vec<StoredAnswer>, VaultError> {
        self.read(move |db| {
            let sql =
                "SELECT question, choice, at FROM answers WHERE grant_id = ?1 ORDER BY question";
            let mut statement = db.prepare(sql)?;
            let answers = statement.query_map([grant.as_bytes()], |row| {
                Ok(StoredAnswer {
                    question: column::parsed(row, 0, |word| {
                        Question::of_word(word).ok_or(UnknownQuestion)
                    })?,
                    choice: row.get(1)?,
                    at: column::time(row, 2)?,
                })
            })?;
            Ok(answers.collect::<Result<_, _>>()?)
        })
    }

    /// Keeps an answer, if the grant is not over and there is none yet; whether it was kept.
    pub fn put_answer(&self, grant: GrantId, answer: StoredAnswer) -> Result<bool, VaultError> {
        self.write(move |db| {
            let kept = db.execute(
                "INSERT INTO answers (grant_id, question, choice, at)
                 SELECT ?1, ?2, ?3, ?4
                   WHERE EXISTS (SELECT 1 FROM grants WHERE id = ?1 AND state IN ('given', 'active'))
                 ON CONFLICT (grant_id, question) DO NOTHING",
                (
                    grant.as_bytes(),
                    answer.question.as_str(),
                    answer.choice,
                    column::from_time(answer.at),
                ),
            )?;
            Ok(kept == 1)
        })
    }

    /// An answer that was set aside counts again, as it was; whether there was one.
    pub fn confirm_answer(&self, grant: GrantId, answer: StoredAnswer) -> Result<bool, VaultError> {
        self.write(move |db| {
            let confirmed = db.execute(
                "UPDATE answers SET at = ?4 WHERE grant_id = ?1 AND question = ?2 AND choice = ?3
                   AND EXISTS (SELECT 1 FROM grants WHERE id = ?1 AND state IN ('given', 'active'))",
                (
                    grant.as_bytes(),
                    answer.question.as_str(),
                    answer.choice,
                    column::from_time(answer.at),
                ),
            )?;
            Ok(confirmed == 1)
        })
    }

    /// Takes an answer back; whether there was one.
    pub fn take_answer_back(&self, grant: GrantId, question: Question) -> Result<bool, VaultError> {
        self.write(move |db| {
            let sql = "UPDATE answers SET choice = 0
                       WHERE grant_id = ?1 AND question = ?2 AND choice > 0";
            Ok(db.execute(sql, (grant.as_bytes(), question.as_str()))? == 1)
        })
    }
}

#[derive(Debug, thiserror::Error)]
#[error("no question of the list")]
struct UnknownQuestion;
