//! A retailer: its keys, its store, its log, and what it holds in memory.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use besace_protocol::{
    call::CALL_WINDOW_SECONDS,
    consent::ConsentRequest,
    crypto::{Digest, SealingSecretKey, SigningKey, VerifyingKey},
    document::{SignDocumentError, Verified},
    encoding::{from_json_exact, to_canonical_json},
    log::{LogKey, LogNumber},
    party::{ControllerId, LegalIdentity, Shop},
    time::{Day, Timestamp},
    wire::call_address,
};
use rand_core::CryptoRngCore;
use serde::{Deserialize, Serialize};

use crate::{
    Leap, TidyError,
    days::{Undone, first_live_day},
    group::DueOpening,
    ledger::Ledger,
    live::Live,
    store::{SqliteStore, StoreError, StoredIdentity},
};

/// How far another clock may run ahead of ours, in seconds.
pub(crate) const SKEW_SECONDS: u64 = CALL_WINDOW_SECONDS;

/// Longest profile that is read, in bytes: 1024 shops of some 600 bytes.
const PROFILE_LEN_MAX: usize = 1 << 20;

/// Who a retailer is, as its operator says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Its domain: the name it signs under.
    pub domain: ControllerId,
    /// Who that is in law.
    pub legal: LegalIdentity,
    /// Its shops, sorted by code.
    pub shops: Vec<Shop>,
}

/// A retailer was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenRetailerError {
    /// The store holds no retailer yet: [`Retailer::init`] makes one.
    #[error("the store holds no retailer")]
    Empty,
    /// The store holds a retailer already.
    #[error("the store holds a retailer already")]
    Taken,
    /// A legal identity or shop list that no manifest may have.
    #[error("identity does not make a manifest")]
    Identity(#[source] SignDocumentError),
    /// The store failed.
    #[error("store failed")]
    Store(#[from] StoreError),
}

impl From<TidyError> for OpenRetailerError {
    fn from(error: TidyError) -> Self {
        match error {
            TidyError::Manifest(error) => Self::Identity(error),
            TidyError::Store(error) => Self::Store(error),
        }
    }
}

/// The one writer of a retailer's store. Every operation takes the moment and the randomness it needs,
/// and has committed what it says before it returns.
#[derive(Debug)]
pub struct Retailer {
    pub(crate) store: SqliteStore,
    pub(crate) own: Own,
    pub(crate) live: Live,
    /// Uses of the open group whose openings wait for its head.
    pub(crate) due: Vec<DueOpening>,
    /// Whether `live` may say what was never stored.
    pub(crate) unsure: bool,
    /// When the clock was looked at last, and believed.
    pub(crate) believed: Option<Timestamp>,
    /// When what was due was done last.
    pub(crate) tidied: Option<Timestamp>,
    /// What of it could not be done then.
    pub(crate) undone: Vec<Undone>,
    /// Before which leaf of the log all revocations were followed in memory.
    pub(crate) revoked_to: u64,
}

/// What a retailer is, apart from what it stores: shared by all steps of a transaction.
#[derive(Debug)]
pub(crate) struct Own {
    pub(crate) identity: Identity,
    pub(crate) ledger: Ledger,
    pub(crate) signing: SigningKey,
    pub(crate) sealing: SealingSecretKey,
    /// Consent requests of ours that were verified before, by the digest of their bytes.
    pub(crate) requests: Mutex<BTreeMap<Digest, Arc<Verified<ConsentRequest>>>>,
}

impl Own {
    /// The absolute address that a call to `path` is signed for.
    pub(crate) fn address(&self, path: &str) -> String {
        call_address(&self.identity.domain, path)
    }
}

impl Retailer {
    /// Makes a retailer with fresh keys in an empty store, and publishes its first manifest.
    pub fn init(
        mut store: SqliteStore,
        identity: &Identity,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Self, OpenRetailerError> {
        let stored = StoredIdentity {
            domain: identity.domain.to_string(),
            signing: SigningKey::generate(rng),
            log: SigningKey::generate(rng),
            sealing: SealingSecretKey::generate(rng),
            log_number: LogNumber::FIRST,
            profile: to_canonical_json(identity).map_err(StoreError::Record)?,
        };
        store.write(|session| {
            if session.identity()?.is_some() {
                return Err(OpenRetailerError::Taken);
            }
            session.add_identity(&stored)?;
            Ok(())
        })?;
        Self::open(store, now, rng)
    }

    /// Opens the retailer of a store, catches up on what was due while nobody looked, and fills the
    /// resolver.
    pub fn open(
        store: SqliteStore,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Self, OpenRetailerError> {
        let mut retailer = Self::read(store)?;
        retailer.tidy(now, rng)?;
        retailer.load(now, rng)?;
        Ok(retailer)
    }

    /// As [`open`](Self::open), but catches up on nothing if the clock leapt, and says so.
    pub fn open_unless_leapt(
        store: SqliteStore,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<(Self, Option<Leap>), OpenRetailerError> {
        let mut retailer = Self::read(store)?;
        let leap = retailer.tidy_unless_leapt(now, rng)?.err();
        retailer.load(now, rng)?;
        Ok((retailer, leap))
    }

    /// Opens the retailer of a store that may not be used any more, to look at it: nothing is caught up on, and whatever
    /// would write or sign fails.
    pub fn open_to_read(store: SqliteStore) -> Result<Self, OpenRetailerError> {
        store.only_read()?;
        Self::read(store)
    }

    pub(crate) fn read(store: SqliteStore) -> Result<Self, OpenRetailerError> {
        let stored = store.read().identity()?.ok_or(OpenRetailerError::Empty)?;
        let identity: Identity =
            from_json_exact(&stored.profile, PROFILE_LEN_MAX).map_err(StoreError::Record)?;
        if identity.domain.as_str() != stored.domain {
            return Err(StoreError::Corrupt.into());
        }
        let origin = stored.log_key()?.origin().clone();
        let own = Own {
            ledger: Ledger::new(origin, stored.log),
            signing: stored.signing,
            sealing: stored.sealing,
            requests: Mutex::default(),
            identity,
        };
        Ok(Self {
            store,
            own,
            live: Live::default(),
            due: Vec::new(),
            unsure: false,
            believed: None,
            tidied: None,
            undone: Vec::new(),
            revoked_to: 0,
        })
    }

    /// Takes into memory what is stored, and nothing else.
    pub(crate) fn load(
        &mut self,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<(), StoreError> {
        self.live = Live::default();
        let first = first_live_day(now);
        self.load_voucher_keys()?;
        self.load_chains(first, now)?;
        self.live.tidy(first, now, rng);
        let Self { store, live, .. } = self;
        for stored in store.read().all_keys()? {
            let grant = store.read().grant(stored.grant)?.ok_or(StoreError::Corrupt)?.grant;
            live.insert(grant.handle, &stored.keys, rng).map_err(|_| StoreError::Corrupt)?;
        }
        let today = Day::of(now);
        for (grant, uses) in store.read().day_uses(today)? {
            live.carry_over(today, grant, uses);
        }
        Ok(())
    }

    /// Replaces legal identity and shops, and publishes a manifest that says so. The domain stays.
    pub fn set_profile(
        &mut self,
        legal: LegalIdentity,
        shops: Vec<Shop>,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<(), TidyError> {
        let identity = Identity { domain: self.own.identity.domain.clone(), legal, shops };
        let profile = to_canonical_json(&identity).map_err(StoreError::Record)?;
        let before = std::mem::replace(&mut self.own.identity, identity);
        let done = self.store_profile(&profile, now, rng);
        if done.is_err() {
            self.own.identity = before;
        }
        done
    }

    /// Who it is.
    pub const fn identity(&self) -> &Identity {
        &self.own.identity
    }

    /// Verifies its documents.
    pub fn verifying_key(&self) -> VerifyingKey {
        self.own.signing.verifying_key()
    }

    /// Verifies the checkpoints of its log.
    pub const fn log_key(&self) -> &LogKey {
        self.own.ledger.key()
    }

    /// How many grants it ever accepted, and how many are active: for operators.
    pub fn count_grants(&self) -> Result<(u64, u64), StoreError> {
        self.store.read().count_grants()
    }

    /// The store, to copy or inspect its file.
    pub const fn store(&self) -> &SqliteStore {
        &self.store
    }
}
