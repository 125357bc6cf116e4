//! Negotiations, what was said in them, and what is enough.

use besace_protocol::{
    consent::{Grant, Terms},
    crypto::{Digest, KeyId},
    document::Verified,
    encoding::{from_json_exact, to_canonical_json},
    id::{NegotiationId, RequestId},
    time::Timestamp,
};
use rusqlite::{OptionalExtension as _, Row, params};

use super::{Session, StoreError, from_integer, to_integer, to_seconds};

/// Longest list of terms that was written, in bytes: 16 of at most 64 KiB.
const ENOUGH_LEN_MAX: usize = 1 << 20;

/// Most negotiations that one round of tidying looks at, or forgets.
const NEGOTIATIONS_AT_ONCE: usize = 64;

/// By what a negotiation is found: another pseudonym's of the same name is another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    /// The pseudonym that began it.
    pub(crate) subject: KeyId,
    pub(crate) id: NegotiationId,
}

/// How a negotiation ended. What was said tells more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Settled,
    Refused,
    Lapsed,
}

impl End {
    const ALL: [Self; 3] = [Self::Settled, Self::Refused, Self::Lapsed];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Settled => "settled",
            Self::Refused => "refused",
            Self::Lapsed => "lapsed",
        }
    }
}

/// A negotiation as it was written down.
#[derive(Clone, Debug)]
pub(crate) struct StoredNegotiation {
    pub(crate) name: Name,
    pub(crate) request: RequestId,
    pub(crate) end: Option<End>,
    pub(crate) said: Vec<StoredMessage>,
}

/// A message as it was signed.
#[derive(Clone, Debug)]
pub(crate) struct StoredMessage {
    /// Of its payload.
    pub(crate) digest: Digest,
    pub(crate) jws: Vec<u8>,
    /// None of a grant that she alone signed.
    pub(crate) leaf: Option<u64>,
}

impl Session<'_> {
    pub(crate) fn negotiation(self, name: Name) -> Result<Option<StoredNegotiation>, StoreError> {
        let row = self
            .0
            .query_row(
                "SELECT request_id, outcome FROM negotiations WHERE subject_key_id = ?1 AND id = ?2",
                params![name.subject.to_string(), name.id.as_bytes()],
                |row| Ok((row.get(0)?, row.get::<_, Option<String>>(1)?)),
            )
            .optional()?;
        let Some((request, outcome)) = row else { return Ok(None) };
        let end = |text: String| End::ALL.into_iter().find(|end| end.as_str() == text);
        let end = outcome.map(|text| end(text).ok_or(StoreError::Corrupt)).transpose()?;
        let request = RequestId::from_bytes(request);
        Ok(Some(StoredNegotiation { name, request, end, said: self.negotiation_messages(name)? }))
    }

    fn negotiation_messages(self, name: Name) -> Result<Vec<StoredMessage>, StoreError> {
        let mut statement = self.0.prepare(
            "SELECT digest, jws, leaf FROM negotiation_messages
             WHERE subject_key_id = ?1 AND negotiation = ?2 ORDER BY number",
        )?;
        let mut rows = statement.query(params![name.subject.to_string(), name.id.as_bytes()])?;
        let mut said = Vec::new();
        while let Some(row) = rows.next()? {
            said.push(StoredMessage {
                digest: Digest::from_bytes(row.get(0)?),
                jws: row.get(1)?,
                leaf: row.get::<_, Option<i64>>(2)?.map(from_integer).transpose()?,
            });
        }
        Ok(said)
    }

    /// In which of a pseudonym's negotiations a message with this digest was said.
    pub(crate) fn negotiation_of_message(
        self,
        subject: KeyId,
        digest: Digest,
    ) -> Result<Option<NegotiationId>, StoreError> {
        let id = self.0.query_row(
            "SELECT negotiation FROM negotiation_messages WHERE subject_key_id = ?1 AND digest = ?2",
            params![subject.to_string(), digest.as_bytes()],
            |row| row.get(0),
        );
        Ok(id.optional()?.map(NegotiationId::from_bytes))
    }

    /// When a pseudonym began its negotiations, in that order.
    pub(crate) fn negotiations_begun(self, subject: KeyId) -> Result<Vec<Timestamp>, StoreError> {
        let mut statement = self
            .0
            .prepare("SELECT begun FROM negotiations WHERE subject_key_id = ?1 ORDER BY begun")?;
        let mut rows = statement.query(params![subject.to_string()])?;
        let mut begun = Vec::new();
        while let Some(row) = rows.next()? {
            begun.push(Timestamp::from_unix_seconds(from_integer(row.get(0)?)?));
        }
        Ok(begun)
    }

    pub(crate) fn add_negotiation(
        self,
        name: Name,
        request: RequestId,
        begun: Timestamp,
        forget_at: Timestamp,
    ) -> Result<(), StoreError> {
        self.0.execute(
            "INSERT INTO negotiations (subject_key_id, id, request_id, begun, look_at, forget_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
            params![
                name.subject.to_string(),
                name.id.as_bytes(),
                request.as_bytes(),
                to_seconds(begun)?,
                to_seconds(forget_at)?,
            ],
        )?;
        Ok(())
    }

    pub(crate) fn add_negotiation_message(
        self,
        name: Name,
        number: usize,
        message: &StoredMessage,
    ) -> Result<(), StoreError> {
        let number = u64::try_from(number).map_err(|_| StoreError::Corrupt)?;
        self.0.execute(
            "INSERT INTO negotiation_messages
                (subject_key_id, negotiation, number, digest, jws, leaf)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                name.subject.to_string(),
                name.id.as_bytes(),
                to_integer(number)?,
                message.digest.as_bytes(),
                message.jws,
                message.leaf.map(to_integer).transpose()?,
            ],
        )?;
        Ok(())
    }

    /// Where a negotiation stands now: whether it ended, and from when on it may have lapsed.
    pub(crate) fn set_negotiation(
        self,
        name: Name,
        end: Option<End>,
        look_at: Timestamp,
    ) -> Result<(), StoreError> {
        self.0.execute(
            "UPDATE negotiations SET outcome = ?3, look_at = ?4
             WHERE subject_key_id = ?1 AND id = ?2",
            params![
                name.subject.to_string(),
                name.id.as_bytes(),
                end.map(End::as_str),
                to_seconds(look_at)?,
            ],
        )?;
        Ok(())
    }

    /// Negotiations that go on and may have lapsed.
    pub(crate) fn negotiations_to_look_at(self, now: Timestamp) -> Result<Vec<Name>, StoreError> {
        self.negotiations_where("outcome IS NULL AND look_at <= ?1", now)
    }

    /// Negotiations about requests that are long over.
    pub(crate) fn negotiations_to_forget(self, now: Timestamp) -> Result<Vec<Name>, StoreError> {
        self.negotiations_where("forget_at <= ?1", now)
    }

    fn negotiations_where(self, holds: &str, now: Timestamp) -> Result<Vec<Name>, StoreError> {
        // The others wait for the next round: pseudonyms cost nothing, and whoever makes many holds up nobody.
        let sql = format!(
            "SELECT subject_key_id, id FROM negotiations WHERE {holds} LIMIT {NEGOTIATIONS_AT_ONCE}"
        );
        let mut statement = self.0.prepare(&sql)?;
        let mut rows = statement.query(params![to_seconds(now)?])?;
        let mut names = Vec::new();
        while let Some(row) = rows.next()? {
            names.push(name(row)?);
        }
        Ok(names)
    }

    /// Deletes a negotiation, and what opens its leaves but those of the grant that was settled and of its proposal.
    pub(crate) fn forget_negotiation(
        self,
        stored: &StoredNegotiation,
        settled: Option<&Verified<Grant>>,
    ) -> Result<(), StoreError> {
        self.0.execute(
            "DELETE FROM negotiations WHERE subject_key_id = ?1 AND id = ?2",
            params![stored.name.subject.to_string(), stored.name.id.as_bytes()],
        )?;
        for StoredMessage { digest, leaf, .. } in &stored.said {
            let Some(leaf) = leaf.map(to_integer).transpose()? else { continue };
            match settled {
                Some(grant) if grant.digest() == *digest => {}
                Some(grant) if grant.payload().proposal == Some(*digest) => {
                    self.0.execute(
                        "INSERT INTO grant_proposals (grant_id, leaf) VALUES (?1, ?2)",
                        params![grant.payload().id.as_bytes(), leaf],
                    )?;
                }
                Some(_) | None => {
                    self.0.execute("DELETE FROM log_openings WHERE leaf = ?1", params![leaf])?;
                }
            }
        }
        Ok(())
    }

    /// Keeps what is enough where this is asked.
    pub(crate) fn add_enough(self, request: RequestId, enough: &[Terms]) -> Result<(), StoreError> {
        let enough = to_canonical_json(&enough).map_err(StoreError::Record)?;
        self.0.execute(
            "INSERT INTO negotiation_policies (request_id, enough) VALUES (?1, ?2)",
            params![request.as_bytes(), enough],
        )?;
        Ok(())
    }

    /// What is enough where this is asked, beside what the request offers.
    pub(crate) fn enough(self, request: RequestId) -> Result<Vec<Terms>, StoreError> {
        let row = self.0.query_row(
            "SELECT enough FROM negotiation_policies WHERE request_id = ?1",
            params![request.as_bytes()],
            |row| row.get::<_, Vec<u8>>(0),
        );
        let Some(enough) = row.optional()? else { return Ok(Vec::new()) };
        from_json_exact(&enough, ENOUGH_LEN_MAX).map_err(|_| StoreError::Corrupt)
    }
}

fn name(row: &Row<'_>) -> Result<Name, StoreError> {
    let subject: String = row.get(0)?;
    Ok(Name {
        subject: KeyId::parse(&subject).ok_or(StoreError::Corrupt)?,
        id: NegotiationId::from_bytes(row.get(1)?),
    })
}
