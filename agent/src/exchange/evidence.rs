//! Fetching a retailer's public log, to hand it to an auditor beside her own.

use besace_protocol::{
    audit::Bundle,
    log::{Commitment, NOTE_LEN_MAX, TileRow, UnverifiedCheckpoint, parse_bundle, tiles_of},
    party::ControllerId,
    problem::ProblemType,
    wire::LOG_PATH,
};

use super::{Exchange, ExchangeError};
use crate::{
    engine::{Engine, StepError},
    net::NetError,
};

/// Longest bundle of entries, in bytes: 256 entries of 2 + 32 bytes.
const ENTRY_BUNDLE_LEN_MAX: usize = 256 * 34;

/// Largest log that is fetched, in entries: 100,000 files of 256.
const ENTRIES_MAX: u64 = 25_600_000;

impl Exchange {
    /// Everything an auditor needs about one retailer: its public log, what it opened to her, her own
    /// log. Bare GETs: the retailer learns only that somebody reads its log.
    pub async fn evidence(&self, domain: &ControllerId) -> Result<Bundle, ExchangeError> {
        let name = domain.clone();
        // Read before the head is fetched, so that the head covers everything she was shown.
        let (mut bundle, key) = self.step(move |engine| engine.own_evidence(&name)).await?;
        let verified = |bytes: &[u8]| {
            let head = UnverifiedCheckpoint::parse(bytes).ok();
            head.and_then(|head| head.verify(&key).ok()).ok_or(StepError::Proof)
        };
        // Before the head that everybody is shown, so that it is not larger. A retailer without witnesses has none.
        let path = format!("{LOG_PATH}/cosigned");
        let cosigned = unless_absent(self.fetch(domain, &path, NOTE_LEN_MAX, "log").await)?;
        let cosigned = cosigned.as_deref().map(verified).transpose()?;
        let path = format!("{LOG_PATH}/checkpoint");
        let mut head = verified(&self.fetch(domain, &path, NOTE_LEN_MAX, "log").await?)?;
        if let Some(cosigned) = cosigned {
            bundle.add_cosigned(&cosigned);
            // A stale copy of `checkpoint` somewhere on the way.
            if cosigned.size() > head.size() {
                head = cosigned;
            }
        }
        if head.size() > ENTRIES_MAX {
            return Err(StepError::Proof.into());
        }
        let mut entries: Vec<Commitment> = Vec::new();
        for tile in tiles_of(head.size()) {
            if tile.row() != TileRow::Entries {
                continue;
            }
            let path = format!("{LOG_PATH}/{tile}");
            let bytes = self.fetch(domain, &path, ENTRY_BUNDLE_LEN_MAX, "log").await?;
            let part = parse_bundle(&bytes, tile.width()).map_err(|_| StepError::Proof)?;
            entries.extend(part);
        }
        Engine::add_retailer_log(&mut bundle, &head, &entries)?;
        Ok(bundle)
    }
}

/// Nothing only where the retailer says that there is nothing: one that does not answer, or has no time, may well
/// have it, and a bundle without it would speak against the retailer.
fn unless_absent(
    fetched: Result<Vec<u8>, ExchangeError>,
) -> Result<Option<Vec<u8>>, ExchangeError> {
    match fetched {
        Ok(bytes) => Ok(Some(bytes)),
        Err(ExchangeError::Net(NetError::Refused(ProblemType::NotFound))) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_absent_only_if_the_retailer_says_so() {
        let absent = |error| unless_absent(Err(ExchangeError::Net(error)));
        assert!(matches!(absent(NetError::Refused(ProblemType::NotFound)), Ok(None)));
        let others = [
            NetError::Refused(ProblemType::TooLarge),
            NetError::Refused(ProblemType::Internal),
            NetError::NotUnderstood,
            NetError::TooLong { max: NOTE_LEN_MAX },
        ];
        for other in others {
            assert!(absent(other).is_err());
        }
        assert!(matches!(unless_absent(Ok(vec![1])), Ok(Some(bytes)) if bytes == [1]));
    }
}
