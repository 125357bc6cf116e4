//! Which offers answer her: every verified catalogue against what the vault knows. Nothing leaves.

mod context;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, MutexGuard, PoisonError},
};

use besace_protocol::{
    crypto::Digest,
    id::OfferId,
    lang::Language,
    offer::{
        Offer,
        catalogue::{Catalogue, UnverifiedCatalogue, VerifyCatalogueError},
        matching::{Match, Matcher, Rank, why_not},
        predicate::Uses,
    },
    party::ControllerId,
    presence::ShopId,
    private::Private,
    time::Timestamp,
};

use super::{Engine, EngineError, StepError};
use crate::vault::{ShopVisit, StoredCatalogue};

/// How long after its last frame a shop counts as just entered, in seconds.
pub const ARRIVAL_SECONDS: u64 = 900;

/// A stay is not written down more often than this, in seconds; frames come several times a second.
const STAY_SECONDS: u64 = 30;

/// The offers that answer her now.
#[derive(Clone, Debug, Default)]
pub struct Offers {
    /// Those of all retailers, best first.
    pub offers: Vec<MatchedOffer>,
    /// How many catalogues were read.
    pub catalogues: usize,
    /// Whose catalogue is over and was not read.
    pub expired: Vec<ControllerId>,
}

/// An offer that answers her, and why.
#[derive(Clone, Debug)]
pub struct MatchedOffer {
    /// Whose.
    pub domain: ControllerId,
    /// The name over the door.
    pub retailer: String,
    /// The offer.
    pub offer: Offer,
    /// One reason for each of its clauses.
    pub why: Vec<Why>,
    rank: Rank,
}

/// A reason, in the language that was asked for.
#[derive(Clone, Debug)]
pub struct Why {
    /// Which knowledge decided.
    pub uses: Uses,
    /// The sentence; it quotes her own words.
    pub sentence: Private<String>,
}

/// What an open vault remembers until it is locked.
#[derive(Default)]
pub(super) struct Memory {
    /// Catalogues that were verified, by retailer.
    catalogues: BTreeMap<ControllerId, (Digest, Arc<Catalogue>)>,
    /// Shops whose frames were heard.
    stays: BTreeMap<ShopId, Stay>,
}

#[derive(Clone, Copy)]
struct Stay {
    arrived_at: Timestamp,
    last: Timestamp,
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Memory({} catalogues, [private])", self.catalogues.len())
    }
}

impl MatchedOffer {
    /// The reasons, as text for her page.
    pub fn sentences(&self) -> Vec<String> {
        self.why.iter().map(|why| why.sentence.reveal().clone()).collect()
    }
}

impl Engine {
    /// The offers that answer her now, with reasons in `language`.
    pub fn offers(&self, language: Language) -> Result<Offers, StepError> {
        let (now, context) = (self.now(), self.matching_context()?);
        let matcher = Matcher::new(&context, now);
        let mut found = Offers::default();
        let objected = self.objected()?;
        for stored in self.vault()?.catalogues()? {
            if objected.contains(&stored.domain) {
                continue;
            }
            let (catalogue, retailer) = match self.read_catalogue(&stored) {
                Ok(read) => read,
                Err(StepError::Catalogue(VerifyCatalogueError::Expired)) => {
                    found.expired.push(stored.domain);
                    continue;
                }
                Err(error) => return Err(error),
            };
            found.catalogues = found.catalogues.saturating_add(1);
            let answers = matcher.offers(&catalogue);
            let of = |matched: &Match<'_>| MatchedOffer::new(matched, &retailer, language);
            found.offers.extend(answers.iter().map(of));
        }
        found.offers.sort_by_key(|offer| offer.rank);
        Ok(found)
    }

    /// Why one offer does not answer her now; no sentence: it does.
    pub fn why_not(
        &self,
        domain: &ControllerId,
        offer: OfferId,
        language: Language,
    ) -> Result<Vec<Private<String>>, StepError> {
        let stored = self.vault()?.catalogue(domain)?.ok_or(StepError::Stranger)?;
        let (catalogue, _) = self.read_catalogue(&stored)?;
        let offer = catalogue.offers().iter().find(|known| known.id() == offer);
        let offer = offer.ok_or(EngineError::NotFound)?;
        let obstacles = why_not(domain, offer, &self.matching_context()?, self.now());
        let sentence = |text: &str| Private::new(text.to_owned());
        Ok(obstacles.iter().map(|obstacle| sentence(obstacle.sentence(language))).collect())
    }

    /// A verified frame of this shop was heard: she is in it. Offers that wait for her there match
    /// from now on, and the visit is kept.
    pub fn note_frame(&self, shop: &ShopId) -> Result<(), EngineError> {
        let (now, open) = (self.now(), self.open()?);
        let mut memory = open.memory();
        let stay = memory.stays.get(shop).copied();
        let stay = match stay {
            Some(stay) if now <= stay.last.plus(STAY_SECONDS) => return Ok(()),
            Some(stay) if now <= stay.last.plus(ARRIVAL_SECONDS) => Stay { last: now, ..stay },
            Some(_) | None => Stay { arrived_at: now, last: now },
        };
        open.vault.put_visit(ShopVisit {
            domain: shop.domain.clone(),
            shop: shop.code,
            arrived_at: stay.arrived_at,
            left_at: Some(stay.last),
        })?;
        memory.stays.insert(shop.clone(), stay);
        Ok(())
    }

    /// The catalogue of a retailer, if there is one and it is not over.
    pub(super) fn current_catalogue(
        &self,
        domain: &ControllerId,
    ) -> Result<Option<Arc<Catalogue>>, StepError> {
        let Some(stored) = self.vault()?.catalogue(domain)? else { return Ok(None) };
        match self.read_catalogue(&stored) {
            Ok((catalogue, _)) => Ok(Some(catalogue)),
            Err(StepError::Catalogue(VerifyCatalogueError::Expired)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A stored catalogue, verified again unless these bytes were before, and the retailer's name.
    pub(super) fn read_catalogue(
        &self,
        stored: &StoredCatalogue,
    ) -> Result<(Arc<Catalogue>, String), StepError> {
        let manifest = self.manifest(&stored.domain)?;
        let retailer = manifest.payload().legal.display_name.clone();
        let open = self.open()?;
        let known = open.memory().catalogues.get(&stored.domain).cloned();
        if let Some((digest, catalogue)) = known
            && digest == stored.digest
        {
            return if catalogue.is_current(self.now()) {
                Ok((catalogue, retailer))
            } else {
                Err(StepError::Catalogue(VerifyCatalogueError::Expired))
            };
        }
        let catalogue = UnverifiedCatalogue::parse(&stored.jws)
            .map_err(StepError::Document)?
            .verify(&manifest.payload().controller_key, &stored.domain, self.now())
            .map_err(StepError::Catalogue)?;
        let catalogue = Arc::new(catalogue);
        let kept = (catalogue.digest(), Arc::clone(&catalogue));
        open.memory().catalogues.insert(stored.domain.clone(), kept);
        Ok((catalogue, retailer))
    }
}

impl MatchedOffer {
    fn new(matched: &Match<'_>, retailer: &str, language: Language) -> Self {
        let why = matched
            .reasons()
            .iter()
            .map(|reason| Why { uses: reason.uses(), sentence: reason.sentence(language) });
        Self {
            domain: matched.controller().clone(),
            retailer: retailer.to_owned(),
            offer: matched.offer().clone(),
            why: why.collect(),
            rank: matched.rank(),
        }
    }
}

impl super::Open {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
