//! Who may act for her, and what was done. An act is one transaction: the mandate is read again, the call is remembered,
//! its record stands in the vault's own log, and what it is for is done.

use besace_protocol::{
    crypto::SigningKey,
    id::{GrantId, MandateId, MessageId, RequestId},
    log::Salt,
    mandate::MandateAct,
    negotiation::{Bounds, Rule, RuleName, Verdict},
    party::ControllerId,
    private::Private,
    purpose::Purpose,
    time::{DAY_SECONDS, Timestamp},
};
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction};

use super::{
    Vault, VaultError, column, logs, negotiations,
    rules::{from_column, next_name, to_json},
};

/// Most calls of one delegate that are remembered at a time: those of three minutes.
const CALLS_MAX: u32 = 30;
/// Most acts under one mandate in a day.
const ACTS_MAX: u32 = 64;
/// Most rules that a delegate wrote at a time.
const WRITTEN_MAX: u32 = 16;

/// A mandate as it is kept.
#[derive(Clone, Debug)]
pub struct StoredMandate {
    /// Its name.
    pub id: MandateId,
    /// What she calls the delegate.
    pub name: Private<String>,
    /// As she signed it last.
    pub jws: Vec<u8>,
    /// When she made it.
    pub made_at: Timestamp,
    /// The last call that held.
    pub seen_at: Option<Timestamp>,
    /// Since when it waits for her to confirm it again.
    pub set_aside_at: Option<Timestamp>,
    /// When she took it back.
    pub withdrawn_at: Option<Timestamp>,
}

/// Something that was done under a mandate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAct {
    /// Names it here.
    pub id: i64,
    /// Under which.
    pub mandate: MandateId,
    /// When.
    pub at: Timestamp,
    /// What.
    pub act: MandateAct,
    /// What was refused.
    pub request: Option<RequestId>,
    /// What was withdrawn.
    pub grant: Option<GrantId>,
    /// Number and version of the rule that was written or narrowed.
    pub rule: Option<(u32, u32)>,
    /// When she undid it.
    pub undone_at: Option<Timestamp>,
}

/// What appends one record to the vault's own log.
#[derive(Debug)]
pub struct OwnEntry {
    /// Of the log.
    pub signer: SigningKey,
    /// Of the record.
    pub salt: Salt,
    /// What is written down.
    pub record: Vec<u8>,
}

/// A call that held, to be remembered.
#[derive(Clone, Copy, Debug)]
pub struct HeldCall {
    /// Under which mandate.
    pub mandate: MandateId,
    /// Its id.
    pub message: MessageId,
    /// Until when it is remembered.
    pub forget_at: Timestamp,
}

/// What is done for her.
#[derive(Clone, Debug)]
pub enum DelegatedChange {
    /// A request is refused.
    Refuse {
        /// Which.
        request: RequestId,
        /// Whose.
        domain: ControllerId,
        /// What it is for.
        purpose: Purpose,
    },
    /// A grant is to be withdrawn, which passes the gate afterwards.
    Withdraw(GrantId),
    /// A rule that gives `was` gives `bounds`.
    Narrow {
        /// Its number.
        rule: u32,
        /// What it has to give at most until then.
        was: Bounds,
        /// From then on.
        bounds: Bounds,
    },
    /// A rule is written.
    Write(Rule),
}

/// Why a call changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unheard {
    /// The mandate does not count, or no more.
    Over,
    /// It came before.
    Replayed,
    /// Too much of it.
    TooFast,
    /// What it is about is not there, or not so.
    Gone,
}

impl Vault {
    /// Keeps a mandate that she signed, in her log first.
    pub fn put_mandate(
        &self,
        id: MandateId,
        name: Private<String>,
        jws: Vec<u8>,
        entry: OwnEntry,
        now: Timestamp,
    ) -> Result<(), VaultError> {
        self.write_marked(move |db| {
            append(db, &entry, now)?;
            db.execute(
                "INSERT INTO mandates (id, name, jws, made_at) VALUES (?1, ?2, ?3, ?4)",
                (id.as_bytes(), name.into_revealed(), jws, column::from_time(now)),
            )?;
            Ok(())
        })
    }

    /// What she signed again counts again; false where it was not set aside.
    pub fn confirm_mandate(
        &self,
        id: MandateId,
        jws: Vec<u8>,
        entry: OwnEntry,
        now: Timestamp,
    ) -> Result<bool, VaultError> {
        self.write_marked(move |db| {
            let changed = db.execute(
                "UPDATE mandates SET jws = ?2, set_aside_at = NULL
                 WHERE id = ?1 AND set_aside_at IS NOT NULL AND withdrawn_at IS NULL",
                (id.as_bytes(), jws),
            )?;
            if changed == 1 {
                append(db, &entry, now)?;
            }
            Ok(changed == 1)
        })
    }

    /// She took it back; false where she had before, or there is none.
    pub fn withdraw_mandate(
        &self,
        id: MandateId,
        jws: Vec<u8>,
        entry: OwnEntry,
        now: Timestamp,
    ) -> Result<bool, VaultError> {
        self.write_marked(move |db| {
            let changed = db.execute(
                "UPDATE mandates SET withdrawal = ?2, withdrawn_at = ?3
                 WHERE id = ?1 AND withdrawn_at IS NULL",
                (id.as_bytes(), jws, column::from_time(now)),
            )?;
            if changed == 1 {
                append(db, &entry, now)?;
            }
            Ok(changed == 1)
        })
    }

    /// All of them, the newest first.
    pub fn mandates(&self) -> Result<Vec<StoredMandate>, VaultError> {
        self.read(|db| {
            let mut statement = db.prepare(
                "SELECT id, name, jws, made_at, seen_at, set_aside_at, withdrawn_at
                 FROM mandates ORDER BY made_at DESC, id",
            )?;
            Ok(statement.query_map([], mandate)?.collect::<Result<_, _>>()?)
        })
    }

    /// One of them.
    pub fn mandate(&self, id: MandateId) -> Result<Option<StoredMandate>, VaultError> {
        Ok(self.mandates()?.into_iter().find(|one| one.id == id))
    }

    /// Remembers a call that only reads.
    pub fn hear_delegate(
        &self,
        call: HeldCall,
        now: Timestamp,
    ) -> Result<Result<(), Unheard>, VaultError> {
        self.write(move |db| hear(db, call, now))
    }

    /// Does what a delegate called for.
    pub fn act_for_her(
        &self,
        call: HeldCall,
        act: MandateAct,
        change: DelegatedChange,
        entry: OwnEntry,
        now: Timestamp,
    ) -> Result<Result<(), Unheard>, VaultError> {
        self.write_marked(move |db| {
            if let Err(unheard) = hear(db, call, now)? {
                return Ok(Err(unheard));
            }
            if acts_since(db, &call.mandate, now.minus(DAY_SECONDS))? >= ACTS_MAX {
                return Ok(Err(Unheard::TooFast));
            }
            if let Err(unheard) = possible(db, &change)? {
                return Ok(Err(unheard));
            }
            append(db, &entry, now)?;
            let done = apply(db, change, now)?;
            let version = done.rule.map(|(_, version)| version);
            db.execute(
                "INSERT INTO mandate_acts
                   (mandate_id, at, act, request_id, grant_id, rule_number, rule_version)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                (
                    call.mandate.as_bytes(),
                    column::from_time(now),
                    act.as_str(),
                    done.request.map(|id| *id.as_bytes()),
                    done.grant.map(|id| *id.as_bytes()),
                    done.rule.map(|(number, _)| number),
                    version,
                ),
            )?;
            Ok(Ok(()))
        })
    }

    /// Grants that live though a delegate withdrew them: what was written down first was not followed by the withdrawal.
    pub fn delegated_withdrawals(&self) -> Result<Vec<GrantId>, VaultError> {
        self.read(unfinished)
    }

    /// What was done, the newest first.
    pub fn mandate_acts(&self) -> Result<Vec<StoredAct>, VaultError> {
        self.read(|db| {
            let mut statement = db.prepare(
                "SELECT id, mandate_id, at, act, request_id, grant_id, rule_number, rule_version,
                   undone_at FROM mandate_acts ORDER BY id DESC",
            )?;
            Ok(statement.query_map([], stored_act)?.collect::<Result<_, _>>()?)
        })
    }

    /// She undoes an act: a refused request is open again, a rule that was written goes, one that was narrowed gives what it
    /// gave before, as she confirms now. False where it cannot be undone, or stands otherwise since.
    pub fn undo_act(&self, id: i64, now: Timestamp) -> Result<bool, VaultError> {
        self.write_marked(move |db| {
            let act = db
                .query_row(
                    "SELECT id, mandate_id, at, act, request_id, grant_id, rule_number, rule_version,
                       undone_at FROM mandate_acts WHERE id = ?1",
                    [id],
                    stored_act,
                )
                .optional()?;
            let Some(act) = act.filter(|act| act.undone_at.is_none()) else { return Ok(false) };
            let undone = match (act.act, act.request, act.rule) {
                (MandateAct::Refuse, Some(request), _) => {
                    db.execute(
                        "UPDATE requests SET state = 'open', decided_at = NULL
                         WHERE id = ?1 AND state = 'refused'",
                        [request.as_bytes()],
                    )? == 1
                }
                (MandateAct::WriteRules, _, Some((number, _))) => {
                    db.execute(
                        "UPDATE rules SET removed_at = ?2 WHERE number = ?1 AND removed_at IS NULL",
                        (number, column::from_time(now)),
                    )? > 0
                }
                (MandateAct::Narrow, _, Some((number, version))) => {
                    widen_again(db, number, version, now)?
                }
                _ => false,
            };
            if undone {
                db.execute(
                    "UPDATE mandate_acts SET undone_at = ?2 WHERE id = ?1",
                    (id, column::from_time(now)),
                )?;
            }
            Ok(undone)
        })
    }
}

/// From here on no mandate counts before she confirmed it again.
pub(super) fn set_aside(db: &Transaction<'_>, now: Timestamp) -> Result<(), VaultError> {
    db.execute(
        "UPDATE mandates SET set_aside_at = ?1 WHERE set_aside_at IS NULL AND withdrawn_at IS NULL",
        [column::from_time(now)],
    )?;
    Ok(())
}

fn append(db: &Transaction<'_>, entry: &OwnEntry, now: Timestamp) -> Result<(), VaultError> {
    let own = logs::own_log_in_use(db)?.ok_or(VaultError::BrokenLog)?;
    logs::append(db, &own, &entry.signer, &entry.salt, &entry.record, now)?;
    Ok(())
}

/// Remembers a call under a mandate that counts.
fn hear(
    db: &Transaction<'_>,
    call: HeldCall,
    now: Timestamp,
) -> Result<Result<(), Unheard>, VaultError> {
    let HeldCall { mandate, message, forget_at } = call;
    let at = column::from_time(now);
    let counts = db.execute(
        "UPDATE mandates SET seen_at = ?2
         WHERE id = ?1 AND set_aside_at IS NULL AND withdrawn_at IS NULL",
        (mandate.as_bytes(), at),
    )?;
    if counts == 0 {
        return Ok(Err(Unheard::Over));
    }
    db.execute("DELETE FROM mandate_calls WHERE forget_at < ?1", [at])?;
    let known: u32 = db.query_row(
        "SELECT count(*) FROM mandate_calls WHERE mandate_id = ?1 AND message_id = ?2",
        (mandate.as_bytes(), message.as_bytes()),
        |row| row.get(0),
    )?;
    if known > 0 {
        return Ok(Err(Unheard::Replayed));
    }
    let calls: u32 = db.query_row(
        "SELECT count(*) FROM mandate_calls WHERE mandate_id = ?1",
        [mandate.as_bytes()],
        |row| row.get(0),
    )?;
    if calls >= CALLS_MAX {
        return Ok(Err(Unheard::TooFast));
    }
    db.execute(
        "INSERT INTO mandate_calls (mandate_id, message_id, forget_at) VALUES (?1, ?2, ?3)",
        (mandate.as_bytes(), message.as_bytes(), column::from_time(forget_at)),
    )?;
    Ok(Ok(()))
}

fn acts_since(db: &Connection, id: &MandateId, since: Timestamp) -> Result<u32, VaultError> {
    Ok(db.query_row(
        "SELECT count(*) FROM mandate_acts WHERE mandate_id = ?1 AND at > ?2",
        (id.as_bytes(), column::from_time(since)),
        |row| row.get(0),
    )?)
}

/// Whether what is to be changed is there, and so.
fn possible(
    db: &Transaction<'_>,
    change: &DelegatedChange,
) -> Result<Result<(), Unheard>, VaultError> {
    let there = match change {
        DelegatedChange::Refuse { request, .. } => db.query_row(
            "SELECT EXISTS (SELECT 1 FROM requests WHERE id = ?1 AND state = 'open')",
            [request.as_bytes()],
            |row| row.get(0),
        )?,
        DelegatedChange::Withdraw(grant) => db.query_row(
            "SELECT EXISTS (SELECT 1 FROM grants WHERE id = ?1 AND withdrawal IS NULL)",
            [grant.as_bytes()],
            |row| row.get(0),
        )?,
        DelegatedChange::Narrow { rule, was, .. } => {
            let standing = last_version(db, *rule)?;
            standing.is_some_and(|(rule, _)| gives(&rule, was))
        }
        DelegatedChange::Write(_) => {
            let written: u32 = db.query_row(
                "SELECT count(*) FROM mandate_acts JOIN rules
                   ON rules.number = rule_number AND rules.version = rule_version
                 WHERE act = 'write_rules' AND rules.removed_at IS NULL",
                [],
                |row| row.get(0),
            )?;
            if written >= WRITTEN_MAX {
                return Ok(Err(Unheard::TooFast));
            }
            true
        }
    };
    Ok(if there { Ok(()) } else { Err(Unheard::Gone) })
}

fn gives(rule: &Rule, at_most: &Bounds) -> bool {
    matches!(&rule.verdict, Verdict::Give { bounds, .. } if bounds == at_most)
}

/// A rule as it stands, and since when it waits for her; none that she took away.
fn last_version(
    db: &Transaction<'_>,
    number: u32,
) -> Result<Option<(Rule, Option<i64>)>, VaultError> {
    let last = db
        .query_row(
            "SELECT rule, set_aside_at FROM rules WHERE number = ?1 AND removed_at IS NULL
             ORDER BY version DESC LIMIT 1",
            [number],
            |row| Ok((from_column(row, 0)?, row.get(1)?)),
        )
        .optional()?;
    Ok(last)
}

/// What was changed, by its names.
#[derive(Default)]
struct Done {
    request: Option<RequestId>,
    grant: Option<GrantId>,
    rule: Option<(u32, u32)>,
}

fn apply(
    db: &Transaction<'_>,
    change: DelegatedChange,
    now: Timestamp,
) -> Result<Done, VaultError> {
    match change {
        DelegatedChange::Refuse { request, domain, purpose } => {
            db.execute(
                "UPDATE requests SET state = 'refused', decided_at = ?2 WHERE id = ?1",
                (request.as_bytes(), column::from_time(now)),
            )?;
            let purpose = column::from_word(&purpose)?;
            negotiations::stop(db, domain.as_str(), Some(&purpose), now)?;
            Ok(Done { request: Some(request), ..Done::default() })
        }
        DelegatedChange::Withdraw(grant) => Ok(Done { grant: Some(grant), ..Done::default() }),
        DelegatedChange::Narrow { rule, bounds, .. } => {
            let (mut standing, aside) = last_version(db, rule)?.ok_or(VaultError::BrokenLog)?;
            // It holds no longer than she confirmed it for, and waits for her where it did.
            let confirmed = standing.name.confirmed;
            if let Verdict::Give { bounds: given, .. } = &mut standing.verdict {
                *given = bounds;
            }
            let version = put_rule(db, standing, Some(rule), confirmed, aside)?;
            Ok(Done { rule: Some(version), ..Done::default() })
        }
        DelegatedChange::Write(rule) => {
            let version = put_rule(db, rule, None, now, None)?;
            Ok(Done { rule: Some(version), ..Done::default() })
        }
    }
}

fn put_rule(
    db: &Transaction<'_>,
    mut rule: Rule,
    number: Option<u32>,
    confirmed: Timestamp,
    aside: Option<i64>,
) -> Result<(u32, u32), VaultError> {
    let (number, version) = next_name(db, number)?.ok_or(VaultError::BrokenLog)?;
    rule.name = RuleName { confirmed, number, version };
    db.execute(
        "INSERT INTO rules (number, version, rule, removed_at, set_aside_at)
         VALUES (?1, ?2, ?3, NULL, ?4)",
        (number, version, to_json(&rule)?, aside),
    )?;
    Ok((number, version))
}

/// What a rule gave before its version `version` it gives again, as she confirms now.
fn widen_again(
    db: &Transaction<'_>,
    number: u32,
    version: u32,
    now: Timestamp,
) -> Result<bool, VaultError> {
    let Some((standing, aside)) = last_version(db, number)? else { return Ok(false) };
    if standing.name.version != version {
        return Ok(false);
    }
    let before: Option<Rule> = db
        .query_row(
            "SELECT rule FROM rules WHERE number = ?1 AND version < ?2 ORDER BY version DESC LIMIT 1",
            (number, version),
            |row| from_column(row, 0),
        )
        .optional()?;
    let Some(before) = before else { return Ok(false) };
    // One that came back with a backup waits for her as it did.
    put_rule(db, before, Some(number), now, aside)?;
    Ok(true)
}

fn mandate(row: &Row<'_>) -> rusqlite::Result<StoredMandate> {
    Ok(StoredMandate {
        id: MandateId::from_bytes(row.get(0)?),
        name: Private::new(row.get(1)?),
        jws: row.get(2)?,
        made_at: column::time(row, 3)?,
        seen_at: column::optional_time(row, 4)?,
        set_aside_at: column::optional_time(row, 5)?,
        withdrawn_at: column::optional_time(row, 6)?,
    })
}

fn stored_act(row: &Row<'_>) -> rusqlite::Result<StoredAct> {
    let request: Option<[u8; 16]> = row.get(4)?;
    let grant: Option<[u8; 16]> = row.get(5)?;
    let number: Option<u32> = row.get(6)?;
    Ok(StoredAct {
        id: row.get(0)?,
        mandate: MandateId::from_bytes(row.get(1)?),
        at: column::time(row, 2)?,
        act: column::word(row, 3)?,
        request: request.map(RequestId::from_bytes),
        grant: grant.map(GrantId::from_bytes),
        rule: number.zip(row.get(7)?),
        undone_at: column::optional_time(row, 8)?,
    })
}

fn unfinished(db: &Connection) -> Result<Vec<GrantId>, VaultError> {
    let mut statement = db.prepare(
        "SELECT id FROM grants WHERE state IN ('given', 'active') AND withdrawal IS NULL
           AND id IN (SELECT grant_id FROM mandate_acts WHERE act = 'withdraw') ORDER BY id",
    )?;
    let ids = statement.query_map([], |row| row.get(0).map(GrantId::from_bytes))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::gate::tests::{GRANT, vault_with_a_grant};

    #[test]
    fn a_withdrawal_that_a_delegate_began_is_found_until_it_is_one() {
        let db = vault_with_a_grant();
        db.execute(
            "INSERT INTO mandates (id, name, jws, made_at) VALUES (?1, 'K', x'00', 0)",
            [[7_u8; 16]],
        )
        .unwrap();
        for (act, found) in [("narrow", vec![]), ("withdraw", vec![GRANT])] {
            db.execute(
                "INSERT INTO mandate_acts (mandate_id, at, act, grant_id) VALUES (?1, 0, ?2, ?3)",
                ([7_u8; 16], act, GRANT.as_bytes()),
            )
            .unwrap();
            assert_eq!(unfinished(&db).unwrap(), found, "{act}");
        }
        db.execute("UPDATE grants SET state = 'withdrawn'", []).unwrap();
        assert_eq!(unfinished(&db).unwrap(), []);
    }
}
