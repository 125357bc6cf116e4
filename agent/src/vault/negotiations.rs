//! What is said between her agent and retailers before she gives.

use besace_protocol::{
    crypto::VerifyingKey,
    id::{Generation, NegotiationId, RequestId},
    negotiation::{Outcome, RefusalReason, Side},
    party::ControllerId,
    purpose::Purpose,
    time::Timestamp,
};
use rusqlite::{Connection, Row, Transaction};

use super::{Vault, VaultError, column};

/// How a negotiation ended, as it is kept; which grant it made stands in what was said last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Both signed the grant.
    Settled,
    /// One side said no.
    Refused(Side, RefusalReason),
    /// Time ran out.
    Lapsed,
}

impl From<Outcome> for Ended {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Settled { .. } => Self::Settled,
            Outcome::Refused { by, reason } => Self::Refused(by, reason),
            Outcome::Lapsed => Self::Lapsed,
        }
    }
}

impl Ended {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Settled => "settled",
            Self::Refused(..) => "refused",
            Self::Lapsed => "lapsed",
        }
    }
}

/// A negotiation in the vault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredNegotiation {
    /// Its name.
    pub id: NegotiationId,
    /// About which request.
    pub request: RequestId,
    /// Who negotiates.
    pub generation: Generation,
    /// With whom.
    pub domain: ControllerId,
    /// What for.
    pub purpose: Purpose,
    /// The key of the pseudonym when it began.
    pub subject_key: VerifyingKey,
    /// When.
    pub begun_at: Timestamp,
    /// When she did something by hand that ends it.
    pub stopped_at: Option<Timestamp>,
    /// How it ended, if it did.
    pub ended: Option<Ended>,
    /// Whether her no was heard.
    pub delivered: bool,
    /// Everything that was said, in order.
    pub said: Vec<Vec<u8>>,
}

const COLUMNS: &str = "SELECT id, request_id, generation, domain, purpose, subject_key, begun_at,
    stopped_at, outcome, refused_by, reason, delivered_at FROM negotiations";

impl Vault {
    /// Begins a negotiation with what she says first; false, and nothing kept, if the request is not open or was negotiated
    /// before.
    pub fn begin_negotiation(&self, begun: StoredNegotiation) -> Result<bool, VaultError> {
        self.write_if(true, move |db| {
            let added = db.execute(
                "INSERT INTO negotiations (id, request_id, generation, domain, purpose, subject_key,
                   begun_at)
                 SELECT ?1, requests.id, ?3, ?4, ?5, ?6, ?7 FROM requests
                 WHERE requests.id = ?2 AND state = 'open'
                   AND NOT EXISTS (SELECT 1 FROM negotiations WHERE request_id = ?2)
                   AND EXISTS (SELECT 1 FROM pseudonyms WHERE generation = ?3 AND ended_at IS NULL)",
                (
                    begun.id.as_bytes(),
                    begun.request.as_bytes(),
                    begun.generation.as_bytes(),
                    begun.domain.as_str(),
                    column::from_word(&begun.purpose)?,
                    begun.subject_key.as_bytes(),
                    column::from_time(begun.begun_at),
                ),
            )?;
            let mut kept = added == 1;
            for (number, jws) in begun.said.iter().enumerate() {
                kept = kept && say(db, begun.id, number, jws)?;
            }
            Ok((kept, kept))
        })
    }

    /// Writes down what was said as message `number`, and how it ended if it did; false, and nothing kept, if another one
    /// stands there, or it is over.
    pub fn say_in_negotiation(
        &self,
        id: NegotiationId,
        number: usize,
        jws: Vec<u8>,
    ) -> Result<bool, VaultError> {
        self.write_if(true, move |db| say(db, id, number, &jws).map(|said| (said, said)))
    }

    /// Writes down how a negotiation ended. Its first end stands.
    pub fn end_negotiation(
        &self,
        id: NegotiationId,
        ended: Ended,
        now: Timestamp,
    ) -> Result<(), VaultError> {
        self.write(move |db| {
            let (by, reason) = match &ended {
                Ended::Refused(by, reason) => {
                    (Some(column::from_word(by)?), Some(column::from_word(reason)?))
                }
                Ended::Settled | Ended::Lapsed => (None, None),
            };
            db.execute(
                "UPDATE negotiations SET outcome = ?2, refused_by = ?3, reason = ?4, ended_at = ?5
                 WHERE id = ?1 AND outcome IS NULL",
                (id.as_bytes(), ended.as_str(), by, reason, column::from_time(now)),
            )?;
            Ok(())
        })
    }

    /// Her no was heard: it need not be said again.
    pub fn deliver_refusal(&self, id: NegotiationId, now: Timestamp) -> Result<(), VaultError> {
        self.write(move |db| {
            db.execute(
                "UPDATE negotiations SET delivered_at = ?2 WHERE id = ?1 AND delivered_at IS NULL",
                (id.as_bytes(), column::from_time(now)),
            )?;
            Ok(())
        })
    }

    /// Every negotiation, the oldest first.
    pub fn negotiations(&self) -> Result<Vec<StoredNegotiation>, VaultError> {
        self.read(|db| {
            let sql = format!("{COLUMNS} ORDER BY begun_at, id");
            let mut statement = db.prepare(&sql)?;
            let found: Vec<_> = statement.query_map([], from_row)?.collect::<Result<_, _>>()?;
            found.into_iter().map(|one| with_messages(db, one)).collect()
        })
    }

    /// One negotiation.
    pub fn negotiation(&self, id: NegotiationId) -> Result<Option<StoredNegotiation>, VaultError> {
        Ok(self.negotiations()?.into_iter().find(|one| one.id == id))
    }
}

fn with_messages(
    db: &Connection,
    mut negotiation: StoredNegotiation,
) -> Result<StoredNegotiation, VaultError> {
    let mut statement = db.prepare(
        "SELECT jws FROM negotiation_messages WHERE negotiation_id = ?1 ORDER BY number",
    )?;
    let said = statement.query_map([negotiation.id.as_bytes()], |row| row.get(0))?;
    negotiation.said = said.collect::<Result<_, _>>()?;
    Ok(negotiation)
}

/// Appends message `number`, if it is the next one and nothing ended yet.
pub(super) fn say(
    db: &Transaction<'_>,
    id: NegotiationId,
    number: usize,
    jws: &[u8],
) -> Result<bool, VaultError> {
    let number = i64::try_from(number).unwrap_or(i64::MAX);
    let said = db.execute(
        "INSERT INTO negotiation_messages (negotiation_id, number, jws)
         SELECT id, ?2, ?3 FROM negotiations WHERE id = ?1 AND outcome IS NULL
           AND ?2 = (SELECT count(*) FROM negotiation_messages WHERE negotiation_id = ?1)",
        (id.as_bytes(), number, jws),
    )?;
    Ok(said == 1)
}

/// As [`say`], a grant of hers: not where she did something by hand that ends the negotiation.
pub(super) fn give(
    db: &Transaction<'_>,
    id: NegotiationId,
    number: usize,
    jws: &[u8],
) -> Result<bool, VaultError> {
    let stopped: bool = db.query_row(
        "SELECT EXISTS (SELECT 1 FROM negotiations WHERE id = ?1 AND stopped_at IS NOT NULL)",
        [id.as_bytes()],
        |row| row.get(0),
    )?;
    if stopped { Ok(false) } else { say(db, id, number, jws) }
}

/// From here on nothing but a no is said to `domain` in what is open about `purpose`; about anything, if there is none.
pub(super) fn stop(
    db: &Transaction<'_>,
    domain: &str,
    purpose: Option<&str>,
    now: Timestamp,
) -> Result<(), VaultError> {
    db.execute(
        "UPDATE negotiations SET stopped_at = ?3 WHERE domain = ?1 AND outcome IS NULL
           AND stopped_at IS NULL AND (?2 IS NULL OR purpose = ?2)",
        (domain, purpose, column::from_time(now)),
    )?;
    Ok(())
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<StoredNegotiation> {
    let word: Option<String> = row.get(8)?;
    let ended = match word.as_deref() {
        None => None,
        Some("settled") => Some(Ended::Settled),
        Some("refused") => Some(Ended::Refused(column::word(row, 9)?, column::word(row, 10)?)),
        Some("lapsed") => Some(Ended::Lapsed),
        Some(_) => return Err(column::broken_blob(column::BrokenColumn)),
    };
    Ok(StoredNegotiation {
        id: NegotiationId::from_bytes(row.get(0)?),
        request: RequestId::from_bytes(row.get(1)?),
        generation: Generation::from_bytes(row.get(2)?),
        domain: column::parsed(row, 3, ControllerId::parse)?,
        purpose: column::word(row, 4)?,
        subject_key: column::bytes(row, 5, |bytes| VerifyingKey::from_slice(bytes).ok())?,
        begun_at: column::time(row, 6)?,
        stopped_at: column::optional_time(row, 7)?,
        ended,
        delivered: row.get::<_, Option<i64>>(11)?.is_some(),
        said: Vec::new(),
    })
}
