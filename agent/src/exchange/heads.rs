//! Comparing the heads of a retailer's log, with tiles that everybody may fetch. `spec/log.md#comparing-heads`.

use std::{sync::Arc, time::Duration};

use besace_protocol::{
    log::{HashTiles, NOTE_LEN_MAX, TILE_WIDTH},
    party::ControllerId,
    wire::LOG_PATH,
};
use tokio::time::timeout;

use super::{Exchange, ExchangeError};
use crate::{
    engine::{Engine, LogStanding, StepError, Turn},
    net::NetError,
};

/// Longest tile of hashes, in bytes.
const TILE_LEN_MAX: usize = TILE_WIDTH as usize * 32;

/// Most tiles that are fetched for one comparison: three times what two heads need. What is left is compared
/// the next time.
const TILES_MAX: usize = 64;

/// Longest time for one comparison: what is left is compared the next time.
const COMPARING: Duration = Duration::from_secs(30);

impl Exchange {
    /// Takes an answer; if it is proven under a head that does not count yet, compares that first.
    ///
    /// Nothing of an answer is kept before its heads count, so `step` may be taken twice.
    pub(super) async fn take<T: Send + 'static, E: Into<StepError> + Send + 'static>(
        &self,
        domain: &ControllerId,
        step: impl Fn(&Engine) -> Result<T, E> + Clone + Send + 'static,
    ) -> Result<T, ExchangeError> {
        match self.step(step.clone()).await {
            Err(ExchangeError::Step(StepError::Uncompared)) => {
                self.compare_log(domain).await?;
                self.step(step).await
            }
            taken => taken,
        }
    }

    /// As [`take`](Self::take), of what everybody is shown: if it counts only under a head that witnesses
    /// cosigned, fetches that. A bare GET, as anybody's.
    pub(super) async fn take_public<T: Send + 'static, E: Into<StepError> + Send + 'static>(
        &self,
        domain: &ControllerId,
        step: impl Fn(&Engine) -> Result<T, E> + Clone + Send + 'static,
    ) -> Result<T, ExchangeError> {
        match self.take(domain, step.clone()).await {
            Err(ExchangeError::Step(StepError::Unwitnessed)) => {}
            taken => return taken,
        }
        let path = format!("{LOG_PATH}/cosigned");
        let head = match self.fetch(domain, &path, NOTE_LEN_MAX, "log").await {
            // Also where this one address does not answer: what she takes back is told all the same.
            Err(ExchangeError::Net(_)) => return Err(StepError::Unwitnessed.into()),
            fetched => fetched?,
        };
        let name = domain.clone();
        self.step(move |engine| engine.take_cosigned(&name, head)).await?;
        self.take(domain, step).await
    }

    /// As [`take`](Self::take), of what left in a turn: a withdrawal waits until what came is written down.
    pub(super) async fn take_in_turn<T: Send + 'static>(
        &self,
        domain: &ControllerId,
        turn: Turn,
        step: impl Fn(&Engine) -> Result<T, StepError> + Clone + Send + 'static,
    ) -> Result<T, ExchangeError> {
        let turn = Arc::new(turn);
        self.take(domain, move |engine| {
            let _until_done = Arc::clone(&turn);
            step(engine)
        })
        .await
    }

    /// Proves every head that `domain` showed, under whichever pseudonym, to be of one history with the one it
    /// shows to everybody. Bare GETs, of tiles of that last one: a tile is asked for as anybody would.
    ///
    /// # Errors
    /// [`StepError::Contradiction`] if the log signed two histories; anything else leaves the heads waiting.
    pub async fn compare_log(&self, domain: &ControllerId) -> Result<(), ExchangeError> {
        // She may be waiting for it.
        match timeout(COMPARING, self.compare_patiently(domain)).await {
            Ok(compared) => compared,
            Err(_) => Err(StepError::Uncompared.into()),
        }
    }

    async fn compare_patiently(&self, domain: &ControllerId) -> Result<(), ExchangeError> {
        let name = domain.clone();
        match self.step(move |engine| engine.log_standing(&name)).await? {
            LogStanding::Sound => return Ok(()),
            LogStanding::Forked { .. } => return Err(StepError::Contradiction.into()),
            LogStanding::Waits { .. } => {}
        }
        let path = format!("{LOG_PATH}/checkpoint");
        let head = self.fetch_log(domain, &path, NOTE_LEN_MAX).await?;
        let name = domain.clone();
        self.step(move |engine| engine.accept_public_head(&name, &head)).await?;
        let mut tiles = HashTiles::new();
        let mut fetched: usize = 0;
        loop {
            let (name, have) = (domain.clone(), tiles.clone());
            let lacks = self.step(move |engine| engine.compare_log(&name, &have)).await?;
            if lacks.is_empty() {
                break;
            }
            if fetched >= TILES_MAX {
                return Err(StepError::Uncompared.into());
            }
            for tile in lacks.into_iter().take(TILES_MAX.saturating_sub(fetched)) {
                let path = format!("{LOG_PATH}/{tile}");
                let bytes = self.fetch_log(domain, &path, TILE_LEN_MAX).await?;
                tiles.insert(tile, &bytes).map_err(|_| StepError::Uncompared)?;
                fetched = fetched.saturating_add(1);
            }
        }
        // More than are compared in one go may wait.
        let name = domain.clone();
        match self.step(move |engine| engine.log_standing(&name)).await? {
            LogStanding::Sound => Ok(()),
            LogStanding::Waits { .. } => Err(StepError::Uncompared.into()),
            LogStanding::Forked { .. } => Err(StepError::Contradiction.into()),
        }
    }

    /// What was answered while the vault was locked, and waited for the heads it is proven under: it need not be
    /// asked for again.
    pub(super) async fn take_waiting(&self, domain: &ControllerId) -> Result<(), ExchangeError> {
        self.compare_log(domain).await?;
        self.step(|engine| {
            if let Err(error) = engine.merge_inbox() {
                tracing::warn!(%error, "what arrived while the vault was locked waits");
            }
            Ok::<_, StepError>(())
        })
        .await
    }

    /// A file of a log. What a retailer does not give, or gives in another form, is not compared: only that nobody
    /// answers is told apart.
    async fn fetch_log(
        &self,
        domain: &ControllerId,
        path: &str,
        max: usize,
    ) -> Result<Vec<u8>, ExchangeError> {
        match self.fetch(domain, path, max, "log").await {
            Err(ExchangeError::Net(
                NetError::Refused(_) | NetError::TooLong { .. } | NetError::NotUnderstood,
            )) => Err(StepError::Uncompared.into()),
            fetched => fetched,
        }
    }
}
