//! Heads of retailers' logs, held against one another: a log that shows two people two histories, or one person
//! two, is found out by whoever sees both. `spec/log.md#comparing-heads`.

use besace_protocol::{
    log::{
        Comparison, HashTiles, LogKey, SignedCheckpoint, TilePath, UnverifiedCheckpoint, compare,
    },
    party::ControllerId,
};

use super::{
    Engine,
    step::{StepError, retailer_log_key},
};
use crate::vault::{Fork, HeadStanding, LogStanding, Shown};

impl Engine {
    /// How a retailer's log stands.
    pub fn log_standing(&self, domain: &ControllerId) -> Result<LogStanding, StepError> {
        Ok(self.vault()?.log_standing(domain)?)
    }

    /// The two signed heads by which a retailer's log contradicts itself, if it does.
    pub fn fork(&self, domain: &ControllerId) -> Result<Option<Fork>, StepError> {
        Ok(self.vault()?.fork(domain)?)
    }

    /// Takes the head that `domain` shows to everybody: what else it showed is to be of one history with it.
    pub fn accept_public_head(&self, domain: &ControllerId, bytes: &[u8]) -> Result<(), StepError> {
        let head = UnverifiedCheckpoint::parse(bytes).map_err(|_| StepError::Proof)?;
        let key = self.log_key_of(domain)?;
        let head = head.verify(&key).map_err(|_| StepError::Proof)?;
        // Tiles of a head that only she was shown would say which one that is; and there each victim's own history is
        // compared with itself.
        let shown = self.vault()?.heads_to_compare(domain)?;
        for larger in shown.counts.iter().chain(shown.waiting.first()) {
            if stored(larger, &key)?.size() > head.size() {
                return Err(StepError::Uncompared);
            }
        }
        match self.see_heads(domain, vec![head]) {
            Err(StepError::Uncompared) => Ok(()),
            seen => seen,
        }
    }

    /// Compares the heads of `domain` that wait, with the help of `tiles` of the largest of all. Returns the tiles
    /// that lack, the most useful first; when there are none, every head counts.
    pub fn compare_log(
        &self,
        domain: &ControllerId,
        tiles: &HashTiles,
    ) -> Result<Vec<TilePath>, StepError> {
        let vault = self.vault()?;
        if let LogStanding::Forked { .. } = vault.log_standing(domain)? {
            return Err(StepError::Contradiction);
        }
        let found = vault.heads_to_compare(domain)?;
        let key = self.log_key_of(domain)?;
        let waiting = found.waiting.iter().map(|head| stored(head, &key));
        let mut waiting = waiting.collect::<Result<Vec<_>, _>>()?;
        let counts = found.counts.map(|head| stored(&head, &key)).transpose()?;
        if waiting.is_empty() {
            return Ok(Vec::new());
        }
        let mut comparing =
            Comparing { tiles, lacks: Vec::new(), proven: Vec::new(), fork: None, unproven: false };
        let target = match counts {
            Some(counts) if waiting.iter().all(|head| head.size() < counts.size()) => counts,
            counts => {
                // The largest comes first. Unless it continues what counts, being part of it means nothing.
                let largest = waiting.remove(0);
                if let Some(counts) = counts {
                    comparing.add(counts, &largest);
                }
                largest
            }
        };
        let anchored = comparing.lacks.is_empty() && !comparing.unproven;
        for head in waiting {
            comparing.add(head, &target);
        }
        if let Some((one, other)) = comparing.fork {
            vault.put_fork(domain, one, other, self.now())?;
            self.try_refresh_outbox();
            return Err(StepError::Contradiction);
        }
        if anchored {
            comparing.proven.push(target);
            vault.count_heads(domain, comparing.proven, self.now())?;
        }
        if comparing.unproven && comparing.lacks.is_empty() {
            return Err(StepError::Uncompared);
        }
        Ok(comparing.lacks)
    }

    /// Whether everything that `domain` showed of its log is of one history: else nothing is disclosed to it.
    pub(super) fn log_stands(&self, domain: &ControllerId) -> Result<(), StepError> {
        match self.vault()?.log_standing(domain)? {
            LogStanding::Sound => Ok(()),
            LogStanding::Waits { .. } => Err(StepError::Uncompared),
            LogStanding::Forked { .. } => Err(StepError::Contradiction),
        }
    }

    /// Whether the log of `domain` signed two histories.
    pub(super) fn is_forked(&self, domain: &ControllerId) -> Result<bool, StepError> {
        Ok(matches!(self.vault()?.log_standing(domain)?, LogStanding::Forked { .. }))
    }

    /// Keeps what a retailer proved. The heads it is proven under are kept whatever they are worth; the rest
    /// only once they count.
    pub(super) fn keep_evidence(&self, shown: Vec<Shown>) -> Result<(), StepError> {
        let standing = self.vault()?.put_evidence(shown)?;
        self.worth(standing)
    }

    /// Keeps verified heads, and says what they are worth.
    pub(super) fn see_heads(
        &self,
        domain: &ControllerId,
        heads: Vec<SignedCheckpoint>,
    ) -> Result<(), StepError> {
        let standing = self.vault()?.see_heads(domain, heads, self.now())?;
        self.worth(standing)
    }

    /// As it is said to whoever took a step.
    pub(super) fn worth(&self, standing: HeadStanding) -> Result<(), StepError> {
        match standing {
            HeadStanding::Counts => Ok(()),
            HeadStanding::Waits => Err(StepError::Uncompared),
            HeadStanding::Contradicts => {
                // What was signed before must not leave while the vault is locked.
                self.try_refresh_outbox();
                Err(StepError::Contradiction)
            }
        }
    }

    fn log_key_of(&self, domain: &ControllerId) -> Result<LogKey, StepError> {
        Ok(retailer_log_key(self.manifest(domain)?.payload()))
    }
}

/// One comparison of several heads with one that is larger.
struct Comparing<'a> {
    tiles: &'a HashTiles,
    lacks: Vec<TilePath>,
    proven: Vec<SignedCheckpoint>,
    fork: Option<(SignedCheckpoint, SignedCheckpoint)>,
    unproven: bool,
}

impl Comparing<'_> {
    fn add(&mut self, smaller: SignedCheckpoint, larger: &SignedCheckpoint) {
        match compare(&smaller, larger, self.tiles) {
            Comparison::Lacks(paths) => {
                for path in paths {
                    if !self.lacks.contains(&path) {
                        self.lacks.push(path);
                    }
                }
            }
            Comparison::Continues => self.proven.push(smaller),
            Comparison::Contradicts => self.fork = Some((smaller, larger.clone())),
            // These tiles prove nothing, neither way. What others prove is heard all the same.
            Comparison::Unproven => self.unproven = true,
        }
    }
}

/// A head that was verified when it was kept; again here, for a vault that was tampered with.
pub(super) fn stored(head: &str, key: &LogKey) -> Result<SignedCheckpoint, StepError> {
    let head = UnverifiedCheckpoint::parse(head.as_bytes()).map_err(|_| StepError::Proof)?;
    head.verify(key).map_err(|_| StepError::Proof)
}
