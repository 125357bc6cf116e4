//! Consent requests that came, and what became of them.

use besace_protocol::{id::RequestId, party::ControllerId, purpose::Purpose, time::Timestamp};
use rusqlite::{OptionalExtension as _, Row};

use super::{Vault, VaultError, column, negotiations};

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestState {
    /// She has not answered.
    Open,
    /// She gave consent.
    Given,
    /// She said no.
    Refused,
}

impl RequestState {
    const ALL: [Self; 3] = [Self::Open, Self::Given, Self::Refused];

    /// One lower-case word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Given => "given",
            Self::Refused => "refused",
        }
    }

    fn parse(text: &str) -> Result<Self, column::BrokenColumn> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or(column::BrokenColumn)
    }
}

/// A request that was verified when it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRequest {
    /// Its name.
    pub id: RequestId,
    /// Who asks.
    pub domain: ControllerId,
    /// The signed bytes.
    pub jws: Vec<u8>,
    /// When it came.
    pub received_at: Timestamp,
    /// What became of it.
    pub state: RequestState,
    /// When she decided.
    pub decided_at: Option<Timestamp>,
}

const COLUMNS: &str = "SELECT id, domain, jws, received_at, state, decided_at FROM requests";

impl Vault {
    /// Keeps a request that came; one that is known stays as it is. True if it was new.
    pub fn add_request(&self, request: StoredRequest) -> Result<bool, VaultError> {
        self.write(move |db| {
            let added = db.execute(
                "INSERT INTO requests (id, domain, jws, received_at, state, decided_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (id) DO NOTHING",
                (
                    request.id.as_bytes(),
                    request.domain.as_str(),
                    request.jws,
                    column::from_time(request.received_at),
                    request.state.as_str(),
                    request.decided_at.map(column::from_time),
                ),
            )?;
            Ok(added == 1)
        })
    }

    /// Every request, the newest first.
    pub fn requests(&self) -> Result<Vec<StoredRequest>, VaultError> {
        self.read(|db| {
            let sql = format!("{COLUMNS} ORDER BY received_at DESC, id");
            let mut statement = db.prepare(&sql)?;
            Ok(statement.query_map([], from_row)?.collect::<Result<_, _>>()?)
        })
    }

    /// One request.
    pub fn request(&self, id: RequestId) -> Result<Option<StoredRequest>, VaultError> {
        self.read(move |db| {
            let sql = format!("{COLUMNS} WHERE id = ?1");
            Ok(db.query_row(&sql, [id.as_bytes()], from_row).optional()?)
        })
    }

    /// Refuses a request that is open; false if it is not. What is negotiated with its retailer about `purpose` ends with it.
    pub fn refuse_request(
        &self,
        id: RequestId,
        domain: &ControllerId,
        purpose: Purpose,
        now: Timestamp,
    ) -> Result<bool, VaultError> {
        let domain = domain.clone();
        self.write(move |db| {
            let changed = db.execute(
                "UPDATE requests SET state = 'refused', decided_at = ?2
                 WHERE id = ?1 AND state = 'open'",
                (id.as_bytes(), column::from_time(now)),
            )?;
            if changed == 1 {
                let purpose = column::from_word(&purpose)?;
                negotiations::stop(db, domain.as_str(), Some(&purpose), now)?;
            }
            Ok(changed == 1)
        })
    }
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<StoredRequest> {
    Ok(StoredRequest {
        id: RequestId::from_bytes(row.get(0)?),
        domain: column::parsed(row, 1, ControllerId::parse)?,
        jws: row.get(2)?,
        received_at: column::time(row, 3)?,
        state: column::parsed(row, 4, RequestState::parse)?,
        decided_at: column::optional_time(row, 5)?,
    })
}
