//! What she decided once for many requests, and what was done by it. Rules never leave the vault.

use std::collections::{BTreeMap, BTreeSet};

use besace_protocol::{
    consent::Indication,
    encoding::{from_json, to_canonical_json},
    id::{GrantId, RequestId},
    log::Salt,
    negotiation::{Decision, Rule, RuleName},
    time::Timestamp,
};
use rand_core::CryptoRngCore;
use rusqlite::{OptionalExtension as _, Row, Transaction};
use serde::{Serialize, de::DeserializeOwned};

use super::{Vault, VaultError, column};

/// Longest rule or decision that is read, in bytes: terms with a thousand shops, and their frame.
const JSON_LEN_MAX: usize = 128 << 10;

/// A rule that gave a grant, and what opens the commitment that the grant holds.
#[derive(Clone, Debug)]
pub struct GivingRule {
    /// Its name.
    pub name: RuleName,
    /// Of this grant alone.
    pub salt: Salt,
}

impl GivingRule {
    /// The rule of this name, with a salt for one grant.
    pub fn of(name: RuleName, rng: &mut impl CryptoRngCore) -> Self {
        Self { name, salt: Salt::generate(rng) }
    }

    /// How the grant says it.
    pub fn indication(&self) -> Indication {
        Indication::Rule(self.name.commitment(&self.salt))
    }
}

/// What was decided about a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredDecision {
    /// What was done, and because of what.
    pub decision: Decision,
    /// When.
    pub at: Timestamp,
}

impl Vault {
    /// Keeps a rule that she confirms at `now`. A new one gets the next number, whatever its name says; a change of rule
    /// `number` its next version. `None`, and nothing kept, where there is no such rule, or it was taken away.
    pub fn confirm_rule(
        &self,
        mut rule: Rule,
        number: Option<u32>,
        now: Timestamp,
    ) -> Result<Option<RuleName>, VaultError> {
        self.write_marked(move |db| {
            let Some((number, version)) = next_name(db, number)? else { return Ok(None) };
            rule.name = RuleName { confirmed: now, number, version };
            db.execute(
                "INSERT INTO rules (number, version, rule, removed_at) VALUES (?1, ?2, ?3, NULL)",
                (number, version, to_json(&rule)?),
            )?;
            Ok(Some(rule.name))
        })
    }

    /// Takes a rule away; false if there is none.
    pub fn remove_rule(&self, number: u32, now: Timestamp) -> Result<bool, VaultError> {
        self.write_marked(move |db| {
            let changed = db.execute(
                "UPDATE rules SET removed_at = ?2 WHERE number = ?1 AND removed_at IS NULL",
                (number, column::from_time(now)),
            )?;
            Ok(changed > 0)
        })
    }

    /// The last version of each rule that she did not take away, by number.
    pub fn rules(&self) -> Result<Vec<Rule>, VaultError> {
        self.read(|db| {
            let mut statement = db.prepare(
                "SELECT rule FROM rules AS one WHERE removed_at IS NULL AND NOT EXISTS
                   (SELECT 1 FROM rules WHERE number = one.number AND version > one.version)
                 ORDER BY number",
            )?;
            let rules = statement.query_map([], |row| from_column(row, 0))?;
            Ok(rules.collect::<Result<_, _>>()?)
        })
    }

    /// Numbers of rules that stand as they did in a backup: none counts before she confirmed it again.
    pub fn unconfirmed_rules(&self) -> Result<BTreeSet<u32>, VaultError> {
        self.read(|db| {
            let mut statement = db.prepare(
                "SELECT number FROM rules AS one WHERE set_aside_at IS NOT NULL AND NOT EXISTS
                   (SELECT 1 FROM rules WHERE number = one.number AND version > one.version)",
            )?;
            Ok(statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
        })
    }

    /// Which rule gave each grant that one gave.
    pub fn giving_rules(&self) -> Result<BTreeMap<GrantId, GivingRule>, VaultError> {
        self.read(|db| {
            let mut statement = db
                .prepare("SELECT grant_id, number, version, confirmed_at, salt FROM grant_rules")?;
            let rules = statement.query_map([], |row| {
                let name = RuleName {
                    confirmed: column::time(row, 3)?,
                    number: row.get(1)?,
                    version: row.get(2)?,
                };
                let salt = Salt::from_bytes(row.get(4)?);
                Ok((GrantId::from_bytes(row.get(0)?), GivingRule { name, salt }))
            })?;
            Ok(rules.collect::<Result<_, _>>()?)
        })
    }

    /// Keeps what was decided about a request, in place of what was decided before.
    pub fn put_decision(
        &self,
        request: RequestId,
        decision: Decision,
        now: Timestamp,
    ) -> Result<(), VaultError> {
        self.write(move |db| {
            db.execute(
                "INSERT INTO decisions (request_id, decision, at) VALUES (?1, ?2, ?3)
                 ON CONFLICT (request_id) DO UPDATE SET decision = excluded.decision,
                   at = excluded.at",
                (request.as_bytes(), to_json(&decision)?, column::from_time(now)),
            )?;
            Ok(())
        })
    }

    /// What was decided last about each request.
    pub fn decisions(&self) -> Result<BTreeMap<RequestId, StoredDecision>, VaultError> {
        self.read(|db| {
            let mut statement = db.prepare("SELECT request_id, decision, at FROM decisions")?;
            let decisions = statement.query_map([], |row| {
                let decision = from_column(row, 1)?;
                let stored = StoredDecision { decision, at: column::time(row, 2)? };
                Ok((RequestId::from_bytes(row.get(0)?), stored))
            })?;
            Ok(decisions.collect::<Result<_, _>>()?)
        })
    }
}

/// Number and version of what she confirms next.
pub(super) fn next_name(
    db: &Transaction<'_>,
    number: Option<u32>,
) -> Result<Option<(u32, u32)>, VaultError> {
    let Some(number) = number else {
        let last: u32 =
            db.query_row("SELECT COALESCE(max(number), 0) FROM rules", [], |row| row.get(0))?;
        return Ok(last.checked_add(1).map(|number| (number, 1)));
    };
    let last: Option<u32> = db
        .query_row(
            "SELECT max(version) FROM rules WHERE number = ?1 AND removed_at IS NULL",
            [number],
            |row| row.get(0),
        )
        .optional()?
        .flatten();
    Ok(last.and_then(|last| last.checked_add(1)).map(|version| (number, version)))
}

/// Notes which rule gives a grant; false if that version of it does not count any more.
pub(super) fn note_giving(
    db: &Transaction<'_>,
    grant: GrantId,
    rule: &GivingRule,
) -> Result<bool, VaultError> {
    let GivingRule { name, salt } = rule;
    let counts: bool = db.query_row(
        "SELECT EXISTS (SELECT 1 FROM rules AS one
           WHERE number = ?1 AND version = ?2 AND removed_at IS NULL AND NOT EXISTS
             (SELECT 1 FROM rules WHERE number = one.number AND version > one.version))",
        (name.number, name.version),
        |row| row.get(0),
    )?;
    if counts {
        db.execute(
            "INSERT INTO grant_rules (grant_id, number, version, confirmed_at, salt)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            (
                grant.as_bytes(),
                name.number,
                name.version,
                column::from_time(name.confirmed),
                salt.as_bytes(),
            ),
        )?;
    }
    Ok(counts)
}

pub(super) fn to_json<T: Serialize>(value: &T) -> Result<Vec<u8>, VaultError> {
    let json = to_canonical_json(value);
    json.map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)).into())
}

pub(super) fn from_column<T: DeserializeOwned>(row: &Row<'_>, index: usize) -> rusqlite::Result<T> {
    column::bytes(row, index, |bytes| from_json(bytes, JSON_LEN_MAX).ok())
}
