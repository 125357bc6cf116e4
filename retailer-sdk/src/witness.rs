//! What witnesses are asked with, and what is kept of their answers. `spec/witness.md`.

use besace_protocol::{
    crypto::Digest,
    log::{
        ProveError, SignedCheckpoint, UnverifiedCheckpoint, WitnessedCheckpoint, consistency_proof,
    },
};

use crate::{ReadTileError, Retailer, store::StoreError};

impl Retailer {
    /// The signed head of the log, to have it cosigned.
    pub fn head(&self) -> Result<SignedCheckpoint, StoreError> {
        self.own.ledger.head(self.store.read())
    }

    /// That the head of `new` entries continues the one of `old`.
    ///
    /// # Errors
    /// [`ReadTileError::Missing`] if the log never had that many entries, or `old` is larger than `new`.
    pub fn consistency(&self, old: u64, new: u64) -> Result<Vec<Digest>, ReadTileError> {
        let session = self.store.read();
        if new > session.log_size().map_err(ReadTileError::Store)? {
            return Err(ReadTileError::Missing);
        }
        consistency_proof(old, new, |id| session.log_node(id)).map_err(|error| match error {
            ProveError::OutOfRange => ReadTileError::Missing,
            ProveError::Read(error) => ReadTileError::Store(error),
        })
    }

    /// The largest head that enough witnesses cosigned, with their lines; nothing if there is none.
    ///
    /// One that does not hold is none: witnesses are asked again, and the answer replaces it.
    pub fn cosigned(&self) -> Result<Option<SignedCheckpoint>, StoreError> {
        let Some(note) = self.store.read().cosigned()? else { return Ok(None) };
        let head = UnverifiedCheckpoint::parse(note.as_bytes()).ok();
        Ok(head.and_then(|head| head.verify(self.own.ledger.key()).ok()))
    }

    /// Serves a head of this log with the lines of its witnesses, unless a larger one has some already. Of one
    /// size, the later answer is served.
    pub fn keep_cosigned(&mut self, witnessed: &WitnessedCheckpoint) -> Result<(), StoreError> {
        let new = witnessed.checkpoint();
        if new.origin() != self.own.ledger.key().origin() {
            return Ok(());
        }
        if self.cosigned()?.is_some_and(|kept| kept.size() > new.size()) {
            return Ok(());
        }
        self.store.write(|session| session.set_cosigned(new.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng as _, rngs::StdRng};

    use super::*;
    use crate::{
        Identity, SqliteStore,
        testing::{NOW, domain, legal, shops},
    };

    #[test]
    fn a_kept_head_that_does_not_hold_is_replaced() {
        let identity = Identity { domain: domain(), legal: legal(), shops: shops() };
        let store = SqliteStore::in_memory().unwrap();
        let mut rng = StdRng::seed_from_u64(1);
        let mut retailer = Retailer::init(store, &identity, NOW, &mut rng).unwrap();
        retailer.store.write(|session| session.set_cosigned("a page of another file")).unwrap();
        assert_eq!(retailer.cosigned().unwrap(), None);
        let head = retailer.head().unwrap();
        let policy = besace_protocol::log::WitnessPolicy::parse(b"quorum none\n").unwrap();
        let witnessed = policy.verify(&head, NOW, 0).unwrap();
        retailer.keep_cosigned(&witnessed).unwrap();
        assert_eq!(retailer.cosigned().unwrap(), Some(head));
    }
}
