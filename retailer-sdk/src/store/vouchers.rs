//! Keys, batches and plan of vouchers.

use besace_protocol::{
    crypto::{Digest, KeyId},
    time::Week,
    voucher::BenefitClass,
};
use rusqlite::{OptionalExtension as _, params};
use zeroize::Zeroizing;

use super::{Session, StoreError};

impl Session<'_> {
    pub(crate) fn voucher_plan(self) -> Result<Option<Vec<u8>>, StoreError> {
        let row = self.query_row("SELECT plan FROM voucher_plan", [], |row| row.get(0));
        Ok(row.optional()?)
    }

    pub(crate) fn set_voucher_plan(self, plan: Option<&[u8]>) -> Result<(), StoreError> {
        match plan {
            Some(plan) => self.execute(
                "INSERT INTO voucher_plan (one, plan) VALUES (1, ?1)
                 ON CONFLICT (one) DO UPDATE SET plan = excluded.plan",
                params![plan],
            )?,
            None => self.execute("DELETE FROM voucher_plan", [])?,
        };
        Ok(())
    }

    pub(crate) fn add_voucher_secret(
        self,
        week: Week,
        class: BenefitClass,
        secret: &Zeroizing<Vec<u8>>,
    ) -> Result<(), StoreError> {
        self.execute(
            "INSERT INTO voucher_secrets (week, class, secret) VALUES (?1, ?2, ?3)",
            params![week.as_number(), class.as_number(), secret.as_slice()],
        )?;
        Ok(())
    }

    /// The private keys of a week, in the order of the classes.
    pub(crate) fn voucher_secrets(self, week: Week) -> Result<Vec<Zeroizing<Vec<u8>>>, StoreError> {
        let mut statement = self
            .0
            .prepare_cached("SELECT secret FROM voucher_secrets WHERE week = ?1 ORDER BY class")?;
        let secrets = statement.query_map(params![week.as_number()], |row| row.get(0))?;
        Ok(secrets.map(|secret| secret.map(Zeroizing::new)).collect::<Result<_, _>>()?)
    }

    /// Remembers who asked for which batch; what was remembered before, if it is another one.
    pub(crate) fn add_voucher_batch(
        self,
        week: Week,
        subject: KeyId,
        digest: &Digest,
    ) -> Result<bool, StoreError> {
        self.execute(
            "INSERT INTO voucher_batches (week, subject, digest) VALUES (?1, ?2, ?3)
             ON CONFLICT (week, subject) DO NOTHING",
            params![week.as_number(), subject.as_bytes(), digest.as_bytes()],
        )?;
        let stored: [u8; 32] = self.query_row(
            "SELECT digest FROM voucher_batches WHERE week = ?1 AND subject = ?2",
            params![week.as_number(), subject.as_bytes()],
            |row| row.get(0),
        )?;
        Ok(stored == *digest.as_bytes())
    }

    /// Destroys the private keys of the weeks before `week`, and who got batches of them. How many weeks.
    pub(crate) fn end_voucher_weeks(self, week: Week) -> Result<usize, StoreError> {
        let weeks: i64 = self.query_row(
            "SELECT count(DISTINCT week) FROM voucher_secrets WHERE week < ?1",
            params![week.as_number()],
            |row| row.get(0),
        )?;
        for sql in [
            "DELETE FROM voucher_secrets WHERE week < ?1",
            "DELETE FROM voucher_batches WHERE week < ?1",
        ] {
            self.execute(sql, params![week.as_number()])?;
        }
        usize::try_from(weeks).map_err(|_| StoreError::Corrupt)
    }
}
