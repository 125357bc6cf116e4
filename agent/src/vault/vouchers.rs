//! Vouchers: keys of a week, the batch that waits, what was issued, what showing one told the shop.

use besace_protocol::{
    id::Generation,
    party::ControllerId,
    private::Private,
    time::{Timestamp, Week},
    voucher::{BenefitClass, Nullifier},
};
use rusqlite::{OptionalExtension as _, Row};
use zeroize::Zeroizing;

use super::{Vault, VaultError, column};

/// A week of a retailer whose keys are here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoucherWeek {
    /// Whose.
    pub domain: ControllerId,
    /// Which.
    pub week: Week,
    /// The signed keys, as they travelled.
    pub keys: Vec<u8>,
    /// What makes the key fresh that asks for the batch.
    pub generation: Generation,
    /// From when on the batch is asked for.
    pub ask_at: Timestamp,
    /// When it was issued, or given up.
    pub done_at: Option<Timestamp>,
}

/// A voucher of hers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredVoucher {
    /// Its name in the spent set.
    pub nullifier: Nullifier,
    /// Whose.
    pub domain: ControllerId,
    /// When it counts.
    pub week: Week,
    /// What it gives.
    pub class: BenefitClass,
    /// What a till reads.
    pub bytes: Private<Vec<u8>>,
    /// The last time a till could see it.
    pub shown_at: Option<Timestamp>,
    /// When she said that it was taken.
    pub used_at: Option<Timestamp>,
}

const WEEKS: &str =
    "SELECT domain, week, keys, generation, ask_at, done_at FROM voucher_weeks WHERE domain = ?1";

impl Vault {
    /// Keeps the keys of a week; those that are here already stay.
    pub fn add_voucher_week(&self, week: VoucherWeek) -> Result<(), VaultError> {
        self.write(move |db| {
            db.execute(
                "INSERT INTO voucher_weeks (domain, week, keys, generation, ask_at)
                 VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (domain, week) DO NOTHING",
                (
                    week.domain.as_str(),
                    week.week.as_number(),
                    week.keys,
                    week.generation.as_bytes(),
                    column::from_time(week.ask_at),
                ),
            )?;
            Ok(())
        })
    }

    /// The weeks of one retailer, the oldest first.
    pub fn voucher_weeks(&self, domain: &ControllerId) -> Result<Vec<VoucherWeek>, VaultError> {
        let domain = domain.clone();
        self.read(move |db| {
            let mut statement = db.prepare(&format!("{WEEKS} ORDER BY week"))?;
            Ok(statement.query_map([domain.as_str()], voucher_week)?.collect::<Result<_, _>>()?)
        })
    }

    /// The batches that nobody has asked for yet though their moment has come, and that moment; none of a retailer to whose
    /// marketing she objects, nor of weeks before `first`.
    pub fn batches_to_ask(
        &self,
        first: Week,
        now: Timestamp,
    ) -> Result<Vec<(ControllerId, Week, Timestamp)>, VaultError> {
        self.read(move |db| {
            let mut statement = db.prepare(
                "SELECT domain, week, ask_at FROM voucher_weeks
                 WHERE done_at IS NULL AND week >= ?1 AND ask_at <= ?2
                   AND domain NOT IN (SELECT domain FROM objections WHERE objects)
                 ORDER BY domain, week",
            )?;
            let due = (first.as_number(), column::from_time(now));
            let due = statement.query_map(due, |row| {
                let domain = column::parsed(row, 0, ControllerId::parse)?;
                Ok((domain, Week::from_number(row.get(1)?), column::time(row, 2)?))
            })?;
            Ok(due.collect::<Result<_, _>>()?)
        })
    }

    /// Keeps a batch before it leaves, unless one waits already. Gives the one that waits.
    pub fn keep_pending_batch(
        &self,
        domain: &ControllerId,
        week: Week,
        batch: Zeroizing<Vec<u8>>,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        let domain = domain.clone();
        self.write(move |db| {
            db.execute(
                "UPDATE voucher_weeks SET pending = ?3
                 WHERE domain = ?1 AND week = ?2 AND pending IS NULL AND done_at IS NULL",
                (domain.as_str(), week.as_number(), &*batch),
            )?;
            pending(db, &domain, week)
        })
    }

    /// The batch that waits for its answer.
    pub fn pending_batch(
        &self,
        domain: &ControllerId,
        week: Week,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        let domain = domain.clone();
        self.read(move |db| pending(db, &domain, week))
    }

    /// The batch was issued, or is given up where `vouchers` is empty: keeps the vouchers and forgets what
    /// took the blinding off. False if no batch waits.
    pub fn finish_batch(
        &self,
        domain: &ControllerId,
        week: Week,
        vouchers: Vec<StoredVoucher>,
        now: Timestamp,
    ) -> Result<bool, VaultError> {
        let domain = domain.clone();
        self.write(move |db| {
            let waited = db.execute(
                "UPDATE voucher_weeks SET pending = NULL, done_at = ?3
                 WHERE domain = ?1 AND week = ?2 AND pending IS NOT NULL",
                (domain.as_str(), week.as_number(), column::from_time(now)),
            )? == 1;
            if !waited {
                return Ok(false);
            }
            for voucher in vouchers {
                db.execute(
                    "INSERT INTO vouchers (nullifier, domain, week, class, bytes)
                     VALUES (?1, ?2, ?3, ?4, ?5)",
                    (
                        voucher.nullifier.as_bytes(),
                        domain.as_str(),
                        week.as_number(),
                        voucher.class.as_number(),
                        voucher.bytes.reveal(),
                    ),
                )?;
            }
            Ok(true)
        })
    }

    /// Every voucher: by retailer, the oldest week and the lowest class first.
    pub fn vouchers(&self) -> Result<Vec<StoredVoucher>, VaultError> {
        self.read(|db| {
            let mut statement = db.prepare(
                "SELECT nullifier, domain, week, class, bytes, shown_at, used_at FROM vouchers
                 ORDER BY domain, week, class, nullifier",
            )?;
            Ok(statement.query_map([], voucher)?.collect::<Result<_, _>>()?)
        })
    }

    /// A till can see it from now on; the first time counts `millibits`.
    pub fn show_voucher(
        &self,
        nullifier: Nullifier,
        millibits: u32,
        now: Timestamp,
    ) -> Result<(), VaultError> {
        self.write_marked(move |db| {
            db.execute(
                "UPDATE vouchers SET shown_at = ?2 WHERE nullifier = ?1",
                (nullifier.as_bytes(), column::from_time(now)),
            )?;
            db.execute(
                "INSERT INTO voucher_bits (nullifier, domain, at, millibits)
                 SELECT nullifier, domain, ?2, ?3 FROM vouchers WHERE nullifier = ?1
                 ON CONFLICT (nullifier) DO NOTHING",
                (nullifier.as_bytes(), column::from_time(now), millibits),
            )?;
            Ok(())
        })
    }

    /// She says that it was taken, or that it was not after all. False if it is not here.
    pub fn mark_voucher(
        &self,
        nullifier: Nullifier,
        used_at: Option<Timestamp>,
    ) -> Result<bool, VaultError> {
        self.write(move |db| {
            let changed = db.execute(
                "UPDATE vouchers SET used_at = ?2 WHERE nullifier = ?1",
                (nullifier.as_bytes(), used_at.map(column::from_time)),
            )?;
            Ok(changed == 1)
        })
    }

    /// What vouchers told a retailer since `from`, in thousandths of a bit.
    pub fn voucher_millibits(
        &self,
        domain: &ControllerId,
        from: Timestamp,
    ) -> Result<u64, VaultError> {
        let domain = domain.clone();
        self.read(move |db| {
            Ok(db.query_row(
                "SELECT coalesce(sum(millibits), 0) FROM voucher_bits WHERE domain = ?1 AND at >= ?2",
                (domain.as_str(), column::from_time(from)),
                |row| column::number(row, 0),
            )?)
        })
    }

    /// Forgets vouchers and batches of weeks before `vouchers`, keys of weeks before `keys`, and what was
    /// told before `bits`.
    pub fn prune_vouchers(
        &self,
        vouchers: Week,
        keys: Week,
        bits: Timestamp,
    ) -> Result<(), VaultError> {
        self.write(move |db| {
            let over = vouchers.as_number();
            db.execute("DELETE FROM vouchers WHERE week < ?1", [over])?;
            db.execute("UPDATE voucher_weeks SET pending = NULL WHERE week < ?1", [over])?;
            db.execute("DELETE FROM voucher_weeks WHERE week < ?1", [keys.as_number().min(over)])?;
            db.execute("DELETE FROM voucher_bits WHERE at < ?1", [column::from_time(bits)])?;
            Ok(())
        })
    }
}

fn pending(
    db: &rusqlite::Connection,
    domain: &ControllerId,
    week: Week,
) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
    let found = db
        .query_row(
            "SELECT pending FROM voucher_weeks WHERE domain = ?1 AND week = ?2",
            (domain.as_str(), week.as_number()),
            |row| row.get::<_, Option<Vec<u8>>>(0),
        )
        .optional()?;
    Ok(found.flatten().map(Zeroizing::new))
}

fn voucher_week(row: &Row<'_>) -> rusqlite::Result<VoucherWeek> {
    Ok(VoucherWeek {
        domain: column::parsed(row, 0, ControllerId::parse)?,
        week: Week::from_number(row.get(1)?),
        keys: row.get(2)?,
        generation: Generation::from_bytes(row.get(3)?),
        ask_at: column::time(row, 4)?,
        done_at: column::optional_time(row, 5)?,
    })
}

fn voucher(row: &Row<'_>) -> rusqlite::Result<StoredVoucher> {
    let class: u8 = row.get(3)?;
    Ok(StoredVoucher {
        nullifier: Nullifier::from_bytes(row.get(0)?),
        domain: column::parsed(row, 1, ControllerId::parse)?,
        week: Week::from_number(row.get(2)?),
        class: BenefitClass::from_number(class)
            .ok_or_else(|| rusqlite::Error::IntegralValueOutOfRange(3, class.into()))?,
        bytes: Private::new(row.get(4)?),
        shown_at: column::optional_time(row, 5)?,
        used_at: column::optional_time(row, 6)?,
    })
}
