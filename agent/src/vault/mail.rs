//! Mail that was collected: what it held is evidence; here stands only what must be acknowledged.

use besace_protocol::{
    id::{Generation, MailId},
    time::Timestamp,
};

use super::{HeadStanding, Shown, Vault, VaultError, column, evidence};

impl Vault {
    /// Keeps what one message held, and that it must be acknowledged, if the head it is proven under counts.
    pub fn receive_mail(
        &self,
        id: MailId,
        generation: Generation,
        held: Shown,
        now: Timestamp,
    ) -> Result<HeadStanding, VaultError> {
        self.write(move |db| {
            let standing = evidence::put(db, &held)?;
            if standing != HeadStanding::Counts {
                return Ok(standing);
            }
            db.execute(
                "INSERT INTO mail (id, generation, received_at) VALUES (?1, ?2, ?3)
                 ON CONFLICT (id) DO NOTHING",
                (id.as_bytes(), generation.as_bytes(), column::from_time(now)),
            )?;
            Ok(standing)
        })
    }

    /// Mail of one pseudonym that the retailer has not been told to destroy, the oldest first.
    pub fn unacknowledged_mail(&self, generation: Generation) -> Result<Vec<MailId>, VaultError> {
        self.read(move |db| {
            let mut statement = db.prepare(
                "SELECT id FROM mail WHERE generation = ?1 AND acknowledged_at IS NULL
                 ORDER BY received_at, id LIMIT 64",
            )?;
            let ids = statement
                .query_map([generation.as_bytes()], |row| row.get(0).map(MailId::from_bytes))?;
            Ok(ids.collect::<Result<_, _>>()?)
        })
    }

    /// The retailer was told.
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
}
