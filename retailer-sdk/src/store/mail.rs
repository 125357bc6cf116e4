//! Sealed mail that waits to be collected.

use besace_protocol::{
    consent::Mail,
    crypto::{KeyId, Sealed},
    encoding::Bytes,
    id::{GrantId, MailId},
    time::Day,
};
use rusqlite::params;

use super::{Session, StoreError, grants::OF_SUBJECT, to_integer};

/// One sealed message and when it has to go.
#[derive(Clone, Debug)]
pub(crate) struct StoredMail {
    pub(crate) mail: Mail,
    /// First day on which it is gone.
    pub(crate) destroy_day: Day,
}

impl Session<'_> {
    pub(crate) fn add_mail(self, stored: &StoredMail) -> Result<(), StoreError> {
        let Mail { grant, id, sealed } = &stored.mail;
        self.execute(
            "INSERT INTO mail (id, grant_id, encapsulated, ciphertext, destroy_day)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                id.as_bytes(),
                grant.as_bytes(),
                sealed.encapsulated.0,
                sealed.ciphertext.0,
                stored.destroy_day.as_number(),
            ],
        )?;
        Ok(())
    }

    /// The oldest mail of one pseudonym, at most `most`.
    pub(crate) fn mail_of_subject(self, key: KeyId, most: usize) -> Result<Vec<Mail>, StoreError> {
        let most = to_integer(u64::try_from(most).unwrap_or(u64::MAX))?;
        let mut statement = self.0.prepare_cached(&format!(
            "SELECT mail.id, grant_id, encapsulated, ciphertext
             FROM mail JOIN grants ON grants.id = grant_id
             WHERE {OF_SUBJECT} ORDER BY sequence LIMIT ?2",
        ))?;
        let rows = statement.query_map(params![key.to_string(), most], |row| {
            Ok(Mail {
                id: MailId::from_bytes(row.get(0)?),
                grant: GrantId::from_bytes(row.get(1)?),
                sealed: Sealed { encapsulated: Bytes(row.get(2)?), ciphertext: Bytes(row.get(3)?) },
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Destroys one message of one pseudonym; whether there was one.
    pub(crate) fn delete_mail(self, key: KeyId, id: MailId) -> Result<bool, StoreError> {
        let mut statement = self.0.prepare_cached(&format!(
            "DELETE FROM mail WHERE id = ?2
                AND grant_id IN (SELECT id FROM grants WHERE {OF_SUBJECT})",
        ))?;
        Ok(statement.execute(params![key.to_string(), id.as_bytes()])? > 0)
    }

    /// Destroys what has reached its deadline; how many.
    pub(crate) fn delete_mail_due(self, today: Day) -> Result<usize, StoreError> {
        Ok(self.execute("DELETE FROM mail WHERE destroy_day <= ?1", params![today.as_number()])?)
    }
}
