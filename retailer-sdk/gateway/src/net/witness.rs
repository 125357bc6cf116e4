//! Asks the operator's witnesses to cosign the head of the log. `spec/witness.md#asking`.
//!
//! A witness that is slow, gone or wrong costs its own line and nothing else: all are asked at once, each
//! for a bounded time, and what they answer counts only if it verifies.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use besace_protocol::log::{
    ADD_CHECKPOINT_PATH, Cosignature, SignedCheckpoint, TREE_SIZE_MEDIA_TYPE,
    WITNESS_ANSWER_LEN_MAX, WitnessKey, WitnessName, WitnessPolicy, add_checkpoint, cosignature_in,
    parse_tree_size,
};
use besace_retailer::{ReadTileError, Retailer};
use reqwest::{Client, header, redirect};
use tokio::task::JoinSet;

use crate::clock::Clock;

/// Longest time for one exchange.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How often it is looked whether there is something to cosign.
const PERIOD: Duration = Duration::from_mins(1);

/// A head that did not change is cosigned again after so many seconds: agents ask for a day, so several
/// attempts may fail.
const RENEWAL_SECONDS: u64 = 6 * 60 * 60;

/// No client could be made.
#[derive(Debug, thiserror::Error)]
#[error("the network client could not be set up")]
pub struct SetUpWitnessesError(#[source] reqwest::Error);

/// Why a witness did not cosign.
#[derive(Debug, thiserror::Error)]
enum AskError {
    #[error("no answer")]
    Unreachable(#[source] reqwest::Error),
    #[error("it answered {0}")]
    Refused(u16),
    #[error("its answer is no cosignature")]
    NotUnderstood,
    #[error("it says that it cosigned a larger head than there is")]
    Ahead,
    #[error("the log could not be read")]
    Log(#[source] ReadTileError),
    #[error("the log was not read to the end")]
    Stopped(#[source] tokio::task::JoinError),
}

/// The witnesses of an operator. Clones share what is known of them.
#[derive(Clone, Debug)]
pub struct Witnesses(Arc<Asking>);

#[derive(Debug)]
struct Asking {
    policy: WitnessPolicy,
    client: Client,
    /// Size of the largest head that each cosigned, as far as we know; each says so when it is wrong.
    sizes: Mutex<BTreeMap<WitnessName, u64>>,
}

impl Witnesses {
    /// Those of `policy` that have an address are asked; its quorum says from when on a head is served as
    /// cosigned.
    pub fn new(policy: WitnessPolicy) -> Result<Self, SetUpWitnessesError> {
        Self::new_within(policy, TIMEOUT)
    }

    /// As [`new`](Self::new), with another longest time for one exchange.
    pub fn new_within(
        policy: WitnessPolicy,
        timeout: Duration,
    ) -> Result<Self, SetUpWitnessesError> {
        // Fails only when a provider is installed already, which serves as well.
        let _installed_before = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .timeout(timeout)
            .connect_timeout(timeout)
            // One request a minute: who keeps the connection meets the moment at which the other side closes it.
            .pool_max_idle_per_host(0)
            .build()
            .map_err(SetUpWitnessesError)?;
        Ok(Self(Arc::new(Asking { policy, client, sizes: Mutex::default() })))
    }

    /// Has every new head cosigned, and old ones again, until the retailer is gone.
    pub async fn keep_asking(self, retailer: Weak<Mutex<Retailer>>, clock: Arc<dyn Clock>) {
        let mut timer = tokio::time::interval(PERIOD);
        loop {
            timer.tick().await;
            let Some(retailer) = retailer.upgrade() else { return };
            self.ask(retailer, clock.as_ref()).await;
        }
    }

    /// Has the head cosigned, unless it was not long ago. Says whether it is, by the quorum of the policy.
    pub async fn ask(&self, retailer: Arc<Mutex<Retailer>>, clock: &dyn Clock) -> bool {
        let policy = &self.0.policy;
        let read = on(&retailer, |retailer| Ok((retailer.head()?, retailer.cosigned()?)));
        let (head, kept) = match read.await {
            Ok(read) => read,
            Err(error) => {
                tracing::error!(%error, "the head was not read, so nobody cosigns it");
                return false;
            }
        };
        let kept = kept.filter(|kept| kept.size() == head.size() && kept.root() == head.root());
        let now = clock.now();
        if kept.as_ref().is_some_and(|kept| policy.verify(kept, now, RENEWAL_SECONDS).is_ok()) {
            return true;
        }
        // Lines that grow old count with agents for a while yet: they go when newer ones of the same witnesses come.
        let lines = policy.witnesses().iter().filter_map(|witness| {
            kept.as_ref().and_then(|kept| kept.cosigned_by(&witness.key).ok().flatten())
        });
        let with_lines = lines.fold(head.clone(), |head, line| head.with(&line).unwrap_or(head));
        let mut asked = JoinSet::new();
        for witness in policy.witnesses() {
            let Some(address) = witness.url.clone() else { continue };
            let (asking, retailer) = (Arc::clone(&self.0), Arc::clone(&retailer));
            let (key, head) = (witness.key.clone(), head.clone());
            asked.spawn(async move {
                let answer = asking.ask_one(&retailer, &key, &address, &head).await;
                answer.map_err(
                    |error| tracing::warn!(witness = %key.name(), %error, "no cosignature"),
                )
            });
        }
        let (mut cosigned, mut enough) = (with_lines, false);
        while let Some(answer) = asked.join_next().await {
            let Ok(Ok(cosignature)) = answer else { continue };
            let Ok(with) = cosigned.with(&cosignature) else { continue };
            cosigned = with;
            // As soon as they are enough: who is slow is not waited for.
            let Ok(witnessed) = policy.verify(&cosigned, clock.now(), RENEWAL_SECONDS) else {
                continue;
            };
            let kept = on(&retailer, move |retailer| Ok(retailer.keep_cosigned(&witnessed)?)).await;
            match kept {
                Ok(()) => enough = true,
                Err(error) => tracing::error!(%error, "a cosigned head was not kept"),
            }
        }
        enough
    }
}

impl Asking {
    /// Asks one witness; once more if it knows another size than we thought.
    async fn ask_one(
        &self,
        retailer: &Arc<Mutex<Retailer>>,
        key: &WitnessKey,
        address: &str,
        head: &SignedCheckpoint,
    ) -> Result<Cosignature, AskError> {
        let known =
            self.sizes.lock().unwrap_or_else(PoisonError::into_inner).get(key.name()).copied();
        let old = known.unwrap_or(0).min(head.size());
        let answer = match self.submit(retailer, address, old, head).await? {
            Said::OtherSize(size) if size > head.size() => return Err(AskError::Ahead),
            Said::OtherSize(size) => self.submit(retailer, address, size, head).await?,
            said @ Said::Lines(_) => said,
        };
        match answer {
            Said::Lines(lines) => {
                let cosignature =
                    cosignature_in(&lines, key, head).ok_or(AskError::NotUnderstood)?;
                let mut sizes = self.sizes.lock().unwrap_or_else(PoisonError::into_inner);
                sizes.insert(key.name().clone(), head.size());
                Ok(cosignature)
            }
            Said::OtherSize(_) => Err(AskError::Refused(CONFLICT)),
        }
    }

    async fn submit(
        &self,
        retailer: &Arc<Mutex<Retailer>>,
        address: &str,
        old: u64,
        head: &SignedCheckpoint,
    ) -> Result<Said, AskError> {
        let size = head.size();
        let proof = on(retailer, move |retailer| retailer.consistency(old, size)).await?;
        let address = format!("{}{ADD_CHECKPOINT_PATH}", address.trim_end_matches('/'));
        let request = self.client.post(address).body(add_checkpoint(old, &proof, head));
        let mut response = request.send().await.map_err(AskError::Unreachable)?;
        let status = response.status().as_u16();
        let is_size = response
            .headers()
            .get(header::CONTENT_TYPE)
            .is_some_and(|value| value.as_bytes() == TREE_SIZE_MEDIA_TYPE.as_bytes());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(AskError::Unreachable)? {
            if body.len().saturating_add(chunk.len()) > WITNESS_ANSWER_LEN_MAX {
                return Err(AskError::NotUnderstood);
            }
            body.extend_from_slice(&chunk);
        }
        match status {
            SUCCESS => Ok(Said::Lines(body)),
            CONFLICT if is_size => {
                parse_tree_size(&body).map(Said::OtherSize).ok_or(AskError::NotUnderstood)
            }
            status => Err(AskError::Refused(status)),
        }
    }
}

/// What C2SP tlog-witness calls "200 Success".
const SUCCESS: u16 = 200;
/// What C2SP tlog-witness calls "409 Conflict".
const CONFLICT: u16 = 409;

/// What a witness said.
enum Said {
    Lines(Vec<u8>),
    OtherSize(u64),
}

/// Asks the retailer, on a thread that may block.
async fn on<T, F>(retailer: &Arc<Mutex<Retailer>>, question: F) -> Result<T, AskError>
where
    T: Send + 'static,
    F: FnOnce(&mut Retailer) -> Result<T, ReadTileError> + Send + 'static,
{
    let retailer = Arc::clone(retailer);
    tokio::task::spawn_blocking(move || {
        // A panic left no half-done change: whatever lasts is in a transaction that was not committed.
        let mut retailer = retailer.lock().unwrap_or_else(PoisonError::into_inner);
        question(&mut retailer)
    })
    .await
    .map_err(AskError::Stopped)?
    .map_err(AskError::Log)
}
