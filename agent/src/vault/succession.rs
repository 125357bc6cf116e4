//! Her logs go on in others, all at once. `spec/succession.md`.

use std::fmt;

use besace_protocol::{
    consent::{Anchor, Cause, LogHead, RecordKind},
    crypto::{SecretBytes, SigningKey, VerifyingKey},
    id::{Generation, GrantId, LogId},
    log::{LogKey, Origin, Salt, SignedCheckpoint, UnverifiedCheckpoint},
    party::ControllerId,
    time::Timestamp,
};
use rusqlite::{OptionalExtension as _, Transaction};

use super::{Vault, VaultError, column, logs, mandates};

/// A log to be begun, and what its first entries are made with.
#[derive(Debug)]
pub struct FreshLog {
    /// Its id.
    pub id: LogId,
    /// Signs it.
    pub signer: SigningKey,
    /// Of its first entry, its second, and its head in the vault's own log.
    pub salts: [Salt; 3],
}

/// Signs the continuation of a pseudonym, given the head that its log is left at.
pub type MakeContinuation = Box<dyn FnOnce(LogHead) -> Option<Vec<u8>> + Send>;

/// How one pseudonym goes on.
pub struct GoingOn {
    /// Which.
    pub generation: Generation,
    /// The log it leaves.
    pub from: LogId,
    /// The log it goes on in.
    pub to: FreshLog,
    /// Makes what is told to the retailer.
    pub make: MakeContinuation,
    /// What opens the mail that is sealed to the key it leaves, if it leaves one.
    pub former_sealing_key: Option<SecretBytes<32>>,
}

/// How a pseudonym goes on from a log that was begun elsewhere.
pub struct GoingOnFromElsewhere {
    /// Which.
    pub generation: Generation,
    /// The log it has here, and its key.
    pub here: (LogId, VerifyingKey),
    /// What the new log begins with.
    pub anchor: Anchor,
    /// The log it goes on in.
    pub to: FreshLog,
    /// The vault's own, and what signs it.
    pub own: (LogId, SigningKey),
    /// How many of those that wait here, the oldest first, were told elsewhere, too, and are told again.
    pub told_alike: usize,
    /// What was told elsewhere after that and is told again, the oldest first.
    pub before: Vec<Vec<u8>>,
    /// What is told now.
    pub jws: Vec<u8>,
}

/// How all logs go on.
pub struct NewLogs {
    /// Why.
    pub cause: Cause,
    /// The keys of every log there is: they may not follow from the root any more.
    pub keys: Vec<(LogId, VerifyingKey)>,
    /// The vault's own.
    pub own: FreshLog,
    /// Those of pseudonyms.
    pub pseudonyms: Vec<GoingOn>,
}

impl fmt::Debug for GoingOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GoingOn({} in {})", self.from, self.to.id)
    }
}

impl fmt::Debug for GoingOnFromElsewhere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GoingOnFromElsewhere({} in {})", self.anchor.log, self.to.id)
    }
}

impl fmt::Debug for NewLogs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NewLogs({:?}, {:?})", self.cause, self.pseudonyms)
    }
}

impl Vault {
    /// Leaves every log and begins the new ones, in one transaction: anchors first, continuations behind them,
    /// heads in the vault's own. What was logged in an old log and not delivered is logged anew when it is.
    pub fn start_new_logs(&self, plan: NewLogs, now: Timestamp) -> Result<usize, VaultError> {
        self.write(move |db| {
            let NewLogs { cause, keys, own, pseudonyms } = plan;
            for (log, key) in &keys {
                db.execute(
                    "UPDATE logs SET key = ?2 WHERE id = ?1 AND key IS NULL",
                    (log.as_bytes(), key.as_bytes()),
                )?;
            }
            let count = pseudonyms.len();
            if let Some(old) = logs::own_log_in_use(db)? {
                let anchor = leave(db, &old, cause, now)?;
                begin(db, &own, None, now)?;
                append_anchor(db, &own, &anchor, now)?;
            } else {
                begin(db, &own, None, now)?;
            }
            for one in pseudonyms {
                go_on(db, one, &own, cause, now)?;
            }
            // What was told may have been said otherwise since: it is told again, but not by who is done with speaking.
            db.execute(
                "UPDATE objections SET told_at = NULL WHERE generation IN
                   (SELECT generation FROM pseudonyms WHERE settled_at IS NULL)",
                [],
            )?;
            // Under another root they are signed with other keys; and what she took back since a backup nobody else knows.
            mandates::set_aside(db, now)?;
            // A new root decides nothing about what a retailer told.
            if cause != Cause::Rekey {
                db.execute(
                    "UPDATE told_logs SET decided_at = ?1 WHERE decided_at IS NULL",
                    [column::from_time(now)],
                )?;
                // What was said since is not known: from here on nothing but a no, and what is heard is withdrawn.
                db.execute(
                    "UPDATE negotiations SET stopped_at = ?1
                     WHERE outcome IS NULL AND stopped_at IS NULL",
                    [column::from_time(now)],
                )?;
                // She may have changed or removed them since the backup was made, and nobody else knows.
                db.execute(
                    "UPDATE rules SET set_aside_at = ?1 WHERE set_aside_at IS NULL",
                    [column::from_time(now)],
                )?;
                // She may have kept them back since: shops hear of them again once she says so again.
                db.execute("UPDATE wishes SET shown = 0", [])?;
                db.execute("UPDATE till_receipts SET told_at = NULL", [])?;
            }
            Ok(count)
        })
    }

    /// A pseudonym goes on from a log that was begun elsewhere; the one here, of which its retailer never heard, is
    /// left.
    pub fn go_on_from_elsewhere(
        &self,
        plan: GoingOnFromElsewhere,
        now: Timestamp,
    ) -> Result<(), VaultError> {
        let GoingOnFromElsewhere { generation, here, anchor, to, own, told_alike, before, jws } =
            plan;
        let told_alike = i64::try_from(told_alike).unwrap_or(i64::MAX);
        self.write_marked(move |db| {
            let (log, key) = here;
            let left = (log.as_bytes(), key.as_bytes(), column::from_time(now));
            db.execute(
                "UPDATE logs SET key = COALESCE(key, ?2), left_at = ?3 WHERE id = ?1",
                left,
            )?;
            db.execute(
                "DELETE FROM continuations WHERE generation = ?1 AND settled_at IS NULL
                   AND sequence NOT IN
                     (SELECT sequence FROM continuations
                      WHERE generation = ?1 AND settled_at IS NULL ORDER BY sequence LIMIT ?2)",
                (generation.as_bytes(), told_alike),
            )?;
            for jws in before {
                put_continuation(db, &generation, &jws, now)?;
            }
            begin_in(db, generation, &to, &anchor, (&own.0, &own.1), &jws, now)
        })
    }

    /// When this vault came back last, with a backup or a file of before: what is older may have been taken back since.
    pub fn came_back_at(&self) -> Result<Option<Timestamp>, VaultError> {
        self.read(|db| {
            let mut statement = db.prepare(
                "SELECT record FROM log_entries JOIN logs ON logs.id = log_id
                 WHERE generation IS NULL AND entry = 0 AND record IS NOT NULL",
            )?;
            let firsts = statement.query_map([], |row| row.get::<_, Vec<u8>>(0))?;
            let mut last = None;
            for first in firsts {
                if let Ok(RecordKind::Anchor(anchor)) = RecordKind::parse(&first?)
                    && anchor.cause != Cause::Rekey
                {
                    last = last.max(Some(anchor.at));
                }
            }
            Ok(last)
        })
    }

    /// Keeps a head of one of her own logs that a retailer told back.
    pub fn put_known_head(
        &self,
        log: LogId,
        head: &SignedCheckpoint,
        domain: &ControllerId,
        now: Timestamp,
    ) -> Result<(), VaultError> {
        let (head, domain) = (head.clone(), domain.clone());
        self.write(move |db| {
            db.execute(
                "INSERT INTO known_heads (log_id, size, root, checkpoint, domain, told_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
                (
                    log.as_bytes(),
                    column::from_number(head.size()),
                    head.root().as_bytes(),
                    head.as_str(),
                    domain.as_str(),
                    column::from_time(now),
                ),
            )?;
            Ok(())
        })
    }

    /// Keeps which logs of hers a retailer told back that are not here.
    pub fn put_told_logs(
        &self,
        logs: Vec<LogId>,
        domain: &ControllerId,
        now: Timestamp,
    ) -> Result<(), VaultError> {
        let domain = domain.clone();
        self.write(move |db| {
            for log in logs {
                db.execute(
                    "INSERT INTO told_logs (log_id, domain, told_at) VALUES (?1, ?2, ?3)
                     ON CONFLICT DO NOTHING",
                    (log.as_bytes(), domain.as_str(), column::from_time(now)),
                )?;
            }
            Ok(())
        })
    }

    /// Logs that are not here, that a retailer told back, and in whose view she decided how to go on.
    pub fn decided_logs(&self) -> Result<Vec<LogId>, VaultError> {
        self.read(|db| {
            let mut statement =
                db.prepare("SELECT log_id FROM told_logs WHERE decided_at IS NOT NULL")?;
            let rows = statement.query_map([], |row| Ok(LogId::from_bytes(row.get(0)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Every continuation of a pseudonym, the oldest first.
    pub fn continuations(&self, generation: Generation) -> Result<Vec<Vec<u8>>, VaultError> {
        self.read(move |db| {
            let mut statement = db
                .prepare("SELECT jws FROM continuations WHERE generation = ?1 ORDER BY sequence")?;
            let rows = statement.query_map([generation.as_bytes()], |row| row.get(0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Continuations of a pseudonym that its retailer has not logged yet, the oldest first.
    pub fn untold_continuations(&self, generation: Generation) -> Result<Vec<Vec<u8>>, VaultError> {
        self.read(move |db| {
            let mut statement = db.prepare(
                "SELECT jws FROM continuations WHERE generation = ?1 AND settled_at IS NULL
                 ORDER BY sequence",
            )?;
            let rows = statement.query_map([generation.as_bytes()], |row| row.get(0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// The retailer logged the oldest `count` of them, or never knew the pseudonym.
    pub fn settle_continuations(
        &self,
        generation: Generation,
        count: usize,
        now: Timestamp,
    ) -> Result<(), VaultError> {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        self.write(move |db| {
            db.execute(
                "UPDATE continuations SET settled_at = ?2 WHERE sequence IN
                   (SELECT sequence FROM continuations
                    WHERE generation = ?1 AND settled_at IS NULL ORDER BY sequence LIMIT ?3)",
                (generation.as_bytes(), column::from_time(now), count),
            )?;
            Ok(())
        })
    }

    /// A grant that only she signed, signed anew under the keys she has now.
    pub fn renew_given_grant(&self, id: GrantId, jws: Vec<u8>) -> Result<(), VaultError> {
        self.write(move |db| {
            db.execute(
                "UPDATE grants SET jws = ?2 WHERE id = ?1 AND state = 'given'",
                (id.as_bytes(), jws),
            )?;
            Ok(())
        })
    }

    /// What opens mail that was sealed before a pseudonym's keys changed, the newest first.
    pub fn former_sealing_keys(
        &self,
        generation: Generation,
    ) -> Result<Vec<SecretBytes<32>>, VaultError> {
        self.read(move |db| {
            let mut statement = db.prepare(
                "SELECT secret FROM former_sealing_keys WHERE generation = ?1
                 ORDER BY left_at DESC",
            )?;
            let rows = statement.query_map([generation.as_bytes()], |row| {
                column::bytes(row, 0, |bytes| {
                    let bytes: &[u8; 32] = bytes.try_into().ok()?;
                    Some(SecretBytes::init_with(|secret| secret.copy_from_slice(bytes)))
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// The mailbox was emptied after the retailer had heard of the new keys.
    pub fn forget_former_sealing_keys(&self, generation: Generation) -> Result<(), VaultError> {
        self.write(move |db| {
            db.execute(
                "DELETE FROM former_sealing_keys WHERE generation = ?1 AND NOT EXISTS
                   (SELECT 1 FROM continuations
                    WHERE continuations.generation = ?1 AND settled_at IS NULL)",
                [generation.as_bytes()],
            )?;
            Ok(())
        })
    }

    /// The key of a log that was left.
    pub fn log_key(&self, log: LogId) -> Result<Option<VerifyingKey>, VaultError> {
        self.read(move |db| log_key(db, &log))
    }
}

/// The old log is left: what its successor begins with.
fn leave(
    db: &Transaction<'_>,
    old: &LogId,
    cause: Cause,
    now: Timestamp,
) -> Result<Anchor, VaultError> {
    let head = last_head(db, old)?;
    db.execute(
        "UPDATE logs SET left_at = ?2 WHERE id = ?1",
        (old.as_bytes(), column::from_time(now)),
    )?;
    Ok(Anchor { at: now, cause, head, log: *old })
}

/// The largest head of a log that is known: here, or told back by a retailer.
fn last_head(db: &Transaction<'_>, log: &LogId) -> Result<LogHead, VaultError> {
    let Some(key) = log_key(db, log)? else { return Ok(LogHead::empty()) };
    let key = LogKey::new(Origin::of_log(log), key);
    let mut statement = db.prepare(
        "SELECT checkpoint FROM logs WHERE id = ?1 AND checkpoint IS NOT NULL
         UNION ALL SELECT checkpoint FROM known_heads WHERE log_id = ?1",
    )?;
    let texts = statement.query_map([log.as_bytes()], |row| row.get::<_, String>(0))?;
    let mut last = LogHead::empty();
    for text in texts {
        // A head that does not hold is of a file put together from two moments: it counts for nothing.
        let head = UnverifiedCheckpoint::parse(text?.as_bytes()).ok();
        if let Some(head) = head.and_then(|head| head.verify(&key).ok())
            && head.size() > last.size
        {
            last = LogHead::from(&head);
        }
    }
    Ok(last)
}

fn log_key(db: &rusqlite::Connection, log: &LogId) -> Result<Option<VerifyingKey>, VaultError> {
    let key = db
        .query_row(
            "SELECT key FROM logs WHERE id = ?1 AND key IS NOT NULL",
            [log.as_bytes()],
            |row| column::bytes(row, 0, |bytes| VerifyingKey::from_slice(bytes).ok()),
        )
        .optional()?;
    Ok(key)
}

fn begin(
    db: &Transaction<'_>,
    log: &FreshLog,
    generation: Option<Generation>,
    now: Timestamp,
) -> Result<(), VaultError> {
    db.execute(
        "INSERT INTO logs (id, generation, created_at) VALUES (?1, ?2, ?3)",
        (log.id.as_bytes(), generation.map(|g| *g.as_bytes()), column::from_time(now)),
    )?;
    Ok(())
}

fn append_anchor(
    db: &Transaction<'_>,
    log: &FreshLog,
    anchor: &Anchor,
    now: Timestamp,
) -> Result<(), VaultError> {
    let record = RecordKind::Anchor(anchor.clone()).to_bytes();
    let record = record.map_err(|_| VaultError::BrokenLog)?;
    let [salt, ..] = &log.salts;
    logs::append(db, &log.id, &log.signer, salt, &record, now)?;
    Ok(())
}

fn go_on(
    db: &Transaction<'_>,
    one: GoingOn,
    own: &FreshLog,
    cause: Cause,
    now: Timestamp,
) -> Result<(), VaultError> {
    let GoingOn { generation, from, to, make, former_sealing_key } = one;
    let at = column::from_time(now);
    let anchor = leave(db, &from, cause, now)?;
    let jws = make(anchor.head).ok_or(VaultError::BrokenLog)?;
    begin_in(db, generation, &to, &anchor, (&own.id, &own.signer), &jws, now)?;
    // One that she left has something to say again.
    db.execute(
        "UPDATE pseudonyms SET settled_at = NULL WHERE generation = ?1",
        [generation.as_bytes()],
    )?;
    if let Some(secret) = former_sealing_key {
        db.execute(
            "INSERT INTO former_sealing_keys (generation, secret, left_at) VALUES (?1, ?2, ?3)",
            (generation.as_bytes(), secret.danger_expose(), at),
        )?;
    }
    Ok(())
}

/// The new log of a pseudonym, from its anchor on.
fn begin_in(
    db: &Transaction<'_>,
    generation: Generation,
    to: &FreshLog,
    anchor: &Anchor,
    (own, own_signer): (&LogId, &SigningKey),
    jws: &[u8],
    now: Timestamp,
) -> Result<(), VaultError> {
    begin(db, to, Some(generation), now)?;
    db.execute(
        "UPDATE pseudonyms SET log_id = ?2 WHERE generation = ?1",
        (generation.as_bytes(), to.id.as_bytes()),
    )?;
    append_anchor(db, to, anchor, now)?;
    let [_, salt, head_salt] = &to.salts;
    let (_, head) = logs::append(db, &to.id, &to.signer, salt, jws, now)?;
    logs::append(db, own, own_signer, head_salt, head.as_str().as_bytes(), now)?;
    put_continuation(db, &generation, jws, now)?;
    // Their proofs are of a log that counts no more. Data may have arrived all the same: what she takes back of it is told.
    db.execute(
        "DELETE FROM key_releases WHERE state = 'logged'
           AND grant_id IN (SELECT id FROM grants WHERE generation = ?1)",
        [generation.as_bytes()],
    )?;
    db.execute(
        "UPDATE disclosures SET state = 'left' WHERE state = 'logged'
           AND grant_id IN (SELECT id FROM grants WHERE generation = ?1)",
        [generation.as_bytes()],
    )?;
    Ok(())
}

fn put_continuation(
    db: &Transaction<'_>,
    generation: &Generation,
    jws: &[u8],
    now: Timestamp,
) -> Result<(), VaultError> {
    db.execute(
        "INSERT INTO continuations (generation, jws, made_at) VALUES (?1, ?2, ?3)",
        (generation.as_bytes(), jws, column::from_time(now)),
    )?;
    Ok(())
}
