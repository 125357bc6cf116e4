//! The spent set: every step is one conditional write.

use besace_protocol::{
    id::{HoldId, RedemptionId},
    money::{Currency, Money},
    party::ShopCode,
    time::{Timestamp, Week},
    voucher::{BenefitClass, VerifiedPresentation},
    wire::Outcome,
};
use rusqlite::{OptionalExtension as _, Row, params};

use super::{Session, StoreError, from_integer, to_integer, to_seconds};

/// What every step says of itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step<'a> {
    pub(crate) shop: ShopCode,
    /// Name of the shop key.
    pub(crate) key: &'a str,
    pub(crate) now: Timestamp,
}

/// A voucher that was spent or taken back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spent {
    pub(crate) redemption: RedemptionId,
    pub(crate) week: Week,
    pub(crate) class: BenefitClass,
    pub(crate) at: Timestamp,
    pub(crate) discount: Money,
}

/// An answer that was given.
#[derive(Clone, Debug)]
pub(crate) struct KeptAnswer {
    /// SHA-256 of what was asked.
    pub(crate) asked: [u8; 32],
    /// What was said.
    pub(crate) answer: Vec<u8>,
}

/// Either name of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpentId {
    /// Of a hold, redeemed or not.
    Hold(HoldId),
    /// Of a redemption.
    Redemption(RedemptionId),
}

impl SpentId {
    const fn as_bytes(&self) -> &[u8; 16] {
        match self {
            Self::Hold(id) => id.as_bytes(),
            Self::Redemption(id) => id.as_bytes(),
        }
    }
}

impl Session<'_> {
    /// Absent, or held no longer -> reserved. Whether it was.
    pub(crate) fn reserve(
        self,
        shown: &VerifiedPresentation,
        hold: HoldId,
        until: Timestamp,
        discount: Money,
        step: Step<'_>,
    ) -> Result<bool, StoreError> {
        let changed = self.execute(
            "INSERT INTO redemptions (nullifier, state, hold, redemption, week, class, shop,
                key_name, at, until, currency, discount)
             VALUES (?1, 'reserved', ?2, NULL, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             ON CONFLICT (nullifier) DO UPDATE SET hold = excluded.hold, shop = excluded.shop,
                key_name = excluded.key_name, at = excluded.at, until = excluded.until,
                currency = excluded.currency, discount = excluded.discount
             WHERE state = 'reserved' AND until <= excluded.at",
            params![
                shown.nullifier().as_bytes(),
                hold.as_bytes(),
                shown.week().as_number(),
                shown.class().as_number(),
                step.shop.as_bytes(),
                step.key,
                to_seconds(step.now)?,
                to_seconds(until)?,
                discount.currency.as_str(),
                to_integer(discount.minor)?,
            ],
        )?;
        Ok(changed == 1)
    }

    /// Absent, or held no longer -> committed. Whether it was. `now` decides whether a hold is over.
    pub(crate) fn commit(
        self,
        shown: &VerifiedPresentation,
        redemption: RedemptionId,
        at: Timestamp,
        discount: Money,
        step: Step<'_>,
    ) -> Result<bool, StoreError> {
        let changed = self.execute(
            "INSERT INTO redemptions (nullifier, state, hold, redemption, week, class, shop,
                key_name, at, until, currency, discount)
             VALUES (?1, 'committed', NULL, ?2, ?3, ?4, ?5, ?6, ?7, NULL, ?8, ?9)
             ON CONFLICT (nullifier) DO UPDATE SET state = 'committed', hold = NULL,
                redemption = excluded.redemption, shop = excluded.shop,
                key_name = excluded.key_name, at = excluded.at, until = NULL,
                currency = excluded.currency, discount = excluded.discount
             WHERE state = 'reserved' AND until <= ?10",
            params![
                shown.nullifier().as_bytes(),
                redemption.as_bytes(),
                shown.week().as_number(),
                shown.class().as_number(),
                step.shop.as_bytes(),
                step.key,
                to_seconds(at)?,
                discount.currency.as_str(),
                to_integer(discount.minor)?,
                to_seconds(step.now)?,
            ],
        )?;
        Ok(changed == 1)
    }

    /// Reserved by this hold of this shop, and not over -> committed. Redeemed already: the first redemption.
    pub(crate) fn commit_hold(
        self,
        hold: HoldId,
        redemption: RedemptionId,
        step: Step<'_>,
    ) -> Result<Option<Spent>, StoreError> {
        self.execute(
            "UPDATE redemptions SET state = 'committed', redemption = ?2, key_name = ?3, at = ?4,
                until = NULL
             WHERE hold = ?1 AND shop = ?5 AND state = 'reserved' AND until > ?4",
            params![
                hold.as_bytes(),
                redemption.as_bytes(),
                step.key,
                to_seconds(step.now)?,
                step.shop.as_bytes(),
            ],
        )?;
        let row = self.query_row(
            "SELECT redemption, week, class, at, currency, discount FROM redemptions
             WHERE hold = ?1 AND shop = ?2 AND state = 'committed'",
            params![hold.as_bytes(), step.shop.as_bytes()],
            |row| Ok(spent(row)),
        );
        row.optional()?.transpose()
    }

    /// What an earlier upload said of this redemption: it counted, also if it was taken back since, or it
    /// came too late.
    pub(crate) fn uploaded(self, redemption: RedemptionId) -> Result<Option<Outcome>, StoreError> {
        let id = redemption.as_bytes();
        let [counted, conflict]: [bool; 2] = self.query_row(
            "SELECT EXISTS (SELECT 1 FROM redemptions WHERE redemption = ?1)
                OR EXISTS (SELECT 1 FROM reversals WHERE id = ?1),
                EXISTS (SELECT 1 FROM conflicts WHERE id = ?1)",
            params![id],
            |row| Ok([row.get(0)?, row.get(1)?]),
        )?;
        Ok(match (counted, conflict) {
            (true, _) => Some(Outcome::Redeemed),
            (false, true) => Some(Outcome::AlreadyRedeemed),
            (false, false) => None,
        })
    }

    /// Remembers what came too late.
    pub(crate) fn add_conflict(
        self,
        shown: &VerifiedPresentation,
        redemption: RedemptionId,
        at: Timestamp,
        discount: Money,
        step: Step<'_>,
    ) -> Result<(), StoreError> {
        self.execute(
            "INSERT INTO conflicts (id, week, class, shop, key_name, at, currency, discount)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                redemption.as_bytes(),
                shown.week().as_number(),
                shown.class().as_number(),
                step.shop.as_bytes(),
                step.key,
                to_seconds(at)?,
                discount.currency.as_str(),
                to_integer(discount.minor)?,
            ],
        )?;
        Ok(())
    }

    /// Reserved or committed -> absent, with a record. When, now or the first time; nothing where the shop has
    /// no such hold or redemption.
    pub(crate) fn reverse(
        self,
        id: SpentId,
        step: Step<'_>,
    ) -> Result<Option<Timestamp>, StoreError> {
        let (name, shop) = (id.as_bytes(), step.shop.as_bytes());
        // The two kinds of names never meet in one column.
        let column = match id {
            SpentId::Hold(_) => "hold",
            SpentId::Redemption(_) => "redemption",
        };
        self.execute(
            &format!(
                "INSERT INTO reversals (id, hold, week, class, shop, key_name, at, currency, discount)
                 SELECT coalesce(redemption, hold), hold, week, class, shop, ?3, ?4, currency, discount
                 FROM redemptions WHERE {column} = ?1 AND shop = ?2"
            ),
            params![name, shop, step.key, to_seconds(step.now)?],
        )?;
        self.execute(
            &format!("DELETE FROM redemptions WHERE {column} = ?1 AND shop = ?2"),
            params![name, shop],
        )?;
        let column = match id {
            SpentId::Hold(_) => "hold",
            SpentId::Redemption(_) => "id",
        };
        let at: Option<i64> = self
            .query_row(
                &format!("SELECT at FROM reversals WHERE {column} = ?1 AND shop = ?2"),
                params![name, shop],
                |row| row.get(0),
            )
            .optional()?;
        at.map(|at| Ok(Timestamp::from_unix_seconds(from_integer(at)?))).transpose()
    }

    /// Forgets what belongs to the weeks before `week`. How many redemptions.
    pub(crate) fn forget_redemptions(self, week: Week) -> Result<usize, StoreError> {
        self.execute("DELETE FROM reversals WHERE week < ?1", params![week.as_number()])?;
        self.execute("DELETE FROM conflicts WHERE week < ?1", params![week.as_number()])?;
        let gone =
            self.execute("DELETE FROM redemptions WHERE week < ?1", params![week.as_number()])?;
        Ok(gone)
    }

    /// The answer to a write, if it was carried out.
    pub(crate) fn answer(self, key: &str, write: &str) -> Result<Option<KeptAnswer>, StoreError> {
        let row = self.query_row(
            "SELECT digest, answer FROM answers WHERE key_name = ?1 AND write_key = ?2",
            params![key, write],
            |row| Ok(KeptAnswer { asked: row.get(0)?, answer: row.get(1)? }),
        );
        Ok(row.optional()?)
    }

    pub(crate) fn add_answer(
        self,
        key: &str,
        write: &str,
        digest: &[u8; 32],
        answer: &[u8],
        forget_at: Timestamp,
    ) -> Result<(), StoreError> {
        self.execute(
            "INSERT INTO answers (key_name, write_key, digest, answer, forget_at)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            params![key, write, digest, answer, to_seconds(forget_at)?],
        )?;
        Ok(())
    }

    pub(crate) fn forget_answers(self, now: Timestamp) -> Result<(), StoreError> {
        self.execute("DELETE FROM answers WHERE forget_at <= ?1", params![to_seconds(now)?])?;
        Ok(())
    }
}

fn spent(row: &Row<'_>) -> Result<Spent, StoreError> {
    let currency: String = row.get(4)?;
    Ok(Spent {
        redemption: RedemptionId::from_bytes(row.get(0)?),
        week: Week::from_number(row.get(1)?),
        class: BenefitClass::from_number(row.get(2)?).ok_or(StoreError::Corrupt)?,
        at: Timestamp::from_unix_seconds(from_integer(row.get(3)?)?),
        discount: Money {
            currency: Currency::parse(&currency).ok_or(StoreError::Corrupt)?,
            minor: from_integer(row.get(5)?)?,
        },
    })
}
