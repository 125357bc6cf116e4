//! What a retailer sent to her mailbox: letters, and openings of entries in the retailer's log.

use besace_protocol::{
    id::{Generation, GrantId, MailId},
    party::ControllerId,
    time::Timestamp,
};
use rusqlite::Row;

use super::{Vault, VaultError, column};

/// One sealed message, opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedMail {
    /// Its name.
    pub id: MailId,
    /// From whom.
    pub domain: ControllerId,
    /// To which pseudonym.
    pub generation: Generation,
    /// What was sealed.
    pub body: Vec<u8>,
    /// When it came.
    pub received_at: Timestamp,
}

/// What one entry of a retailer's log was over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedOpening {
    /// Whose log.
    pub domain: ControllerId,
    /// Index in that log.
    pub entry: u64,
    /// Under which grant, if any.
    pub grant: Option<GrantId>,
    /// The record, as it travelled.
    pub record: Vec<u8>,
    /// The salt of the commitment.
    pub salt: [u8; 32],
    /// The letter that brought it, if one did.
    pub mail: Option<MailId>,
    /// When it came.
    pub received_at: Timestamp,
}

impl Vault {
    /// Keeps a letter and the openings in it, together; what is known stays. True if it was new.
    pub fn receive_mail(
        &self,
        mail: ReceivedMail,
        openings: Vec<ReceivedOpening>,
    ) -> Result<bool, VaultError> {
        self.write(move |db| {
            let added = db.execute(
                "INSERT INTO mail (id, domain, generation, body, received_at)
                 VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (id) DO NOTHING",
                (
                    mail.id.as_bytes(),
                    mail.domain.as_str(),
                    mail.generation.as_bytes(),
                    mail.body,
                    column::from_time(mail.received_at),
                ),
            )?;
            for opening in &openings {
                db.execute(
                    "INSERT INTO openings (domain, entry, grant_id, record, salt, mail_id, received_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (domain, entry) DO NOTHING",
                    (
                        opening.domain.as_str(),
                        column::from_number(opening.entry),
                        opening.grant.as_ref().map(GrantId::as_bytes),
                        &opening.record,
                        opening.salt,
                        opening.mail.as_ref().map(MailId::as_bytes),
                        column::from_time(opening.received_at),
                    ),
                )?;
            }
            Ok(added == 1)
        })
    }

    /// Letters whose safe arrival the retailer has not been told yet, the oldest first.
    pub fn unacknowledged_mail(
        &self,
        generation: Generation,
    ) -> Result<Vec<ReceivedMail>, VaultError> {
        self.read(move |db| {
            let mut statement = db.prepare(
                "SELECT id, domain, generation, body, received_at FROM mail
                 WHERE generation = ?1 AND acknowledged_at IS NULL ORDER BY received_at, id",
            )?;
            let mail = statement.query_map([generation.as_bytes()], |row| {
                Ok(ReceivedMail {
                    id: MailId::from_bytes(row.get(0)?),
                    domain: column::parsed(row, 1, ControllerId::parse)?,
                    generation: Generation::from_bytes(row.get(2)?),
                    body: row.get(3)?,
                    received_at: column::time(row, 4)?,
                })
            })?;
            Ok(mail.collect::<Result<_, _>>()?)
        })
    }

    /// Remembers that the retailer was told.
    pub fn acknowledge_mail(&self, ids: Vec<MailId>, now: Timestamp) -> Result<(), VaultError> {
        self.write(move |db| {
            for id in &ids {
                db.execute(
                    "UPDATE mail SET acknowledged_at = ?2 WHERE id = ?1 AND acknowledged_at IS NULL",
                    (id.as_bytes(), column::from_time(now)),
                )?;
            }
            Ok(())
        })
    }

    /// The openings of one retailer's log, by index.
    pub fn openings(&self, domain: &ControllerId) -> Result<Vec<ReceivedOpening>, VaultError> {
        let domain = domain.clone();
        self.read(move |db| {
            let mut statement = db.prepare(
                "SELECT domain, entry, grant_id, record, salt, mail_id, received_at FROM openings
                 WHERE domain = ?1 ORDER BY entry",
            )?;
            Ok(statement.query_map([domain.as_str()], opening)?.collect::<Result<_, _>>()?)
        })
    }
}

fn opening(row: &Row<'_>) -> rusqlite::Result<ReceivedOpening> {
    Ok(ReceivedOpening {
        domain: column::parsed(row, 0, ControllerId::parse)?,
        entry: column::number(row, 1)?,
        grant: row.get::<_, Option<[u8; 16]>>(2)?.map(GrantId::from_bytes),
        record: row.get(3)?,
        salt: row.get(4)?,
        mail: row.get::<_, Option<[u8; 16]>>(5)?.map(MailId::from_bytes),
        received_at: column::time(row, 6)?,
    })
}
