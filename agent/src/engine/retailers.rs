//! What a retailer publishes: manifest, consent requests with their notices, catalogue. Everything
//! counts only when its signature holds and it is proven to stand in the retailer's log.

use std::collections::BTreeMap;

use besace_protocol::{
    call::CALL_WINDOW_SECONDS,
    consent::{ConsentRequest, Notice},
    crypto::Digest,
    document::{Document, Unverified, Verified},
    encoding::from_json,
    jws::Role,
    money::Money,
    negotiation::REFUSAL_PAUSE_SECONDS,
    offer::{
        Gtin,
        catalogue::{Catalogue, UnverifiedCatalogue},
    },
    party::{ControllerId, Manifest, ShopCode},
    purpose::Purpose,
    time::Timestamp,
    wire::{Attested, OpenRequests},
};

use super::{
    Engine, EngineError,
    step::{StepError, check_attested, retailer_log_key},
};
use crate::vault::{RequestState, Retailer, StoredCatalogue, StoredRequest};

/// Whether a request asks for the retailer's own shops, under the scope that the manifest gives them.
pub(super) fn check_request(
    request: &Verified<ConsentRequest>,
    manifest: &Manifest,
) -> Result<(), StepError> {
    let asked = request.payload();
    let shop_fits =
        |code: &ShopCode| manifest.shop(*code).is_some_and(|shop| shop.scope == asked.terms.scope);
    // `DOMAIN` or `DOMAIN/…`.
    let own_scope = asked
        .terms
        .scope
        .strip_prefix(manifest.controller.as_str())
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let ours = asked.controller == manifest.controller
        && asked.controller_key == manifest.controller_key
        && own_scope
        && asked.terms.shops.iter().all(shop_fits);
    if ours { Ok(()) } else { Err(StepError::Answer) }
}

/// Whether a manifest names another log than the pinned one, and claims that the same retailer began it since.
fn goes_on(claimed: &Manifest, pinned: &Manifest) -> bool {
    claimed.controller == pinned.controller
        && claimed.controller_key == pinned.controller_key
        && claimed.log() != pinned.log()
        && !claimed.log.is_first()
}

impl Engine {
    /// Longest answer with a manifest, in bytes: base64url twice, and the proof.
    pub const MANIFEST_ANSWER_MAX: usize = Manifest::LEN_MAX * 3;

    /// The pinned manifest of a retailer she has met.
    pub fn manifest(&self, domain: &ControllerId) -> Result<Verified<Manifest>, StepError> {
        let retailer = self.vault()?.retailer(domain)?.ok_or(StepError::Stranger)?;
        // What stands in the vault was checked when it came; checking again costs little and finds
        // a vault that was tampered with.
        Unverified::<Manifest>::parse(&retailer.manifest)
            .map_err(StepError::Document)?
            .verify(&[(Role::Controller, &retailer.pinned_key)])
            .map_err(StepError::Signature)
    }

    /// Domains of retailers she has met.
    pub fn retailer_domains(&self) -> Result<Vec<ControllerId>, EngineError> {
        Ok(self.vault()?.retailers()?.into_iter().map(|retailer| retailer.domain).collect())
    }

    /// Retailers she has met, with their manifests, by domain.
    pub fn retailers(&self) -> Result<Vec<Verified<Manifest>>, StepError> {
        let retailers = self.vault()?.retailers()?;
        retailers.iter().map(|retailer| self.manifest(&retailer.domain)).collect()
    }

    /// Takes a manifest that `domain` answered with: pins it at first contact, else accepts only one
    /// with the pinned keys.
    ///
    /// # Errors
    /// [`StepError::OtherLog`] where it names another log of that retailer: then
    /// [`accept_restorations`](Self::accept_restorations) comes first.
    pub fn accept_manifest(
        &self,
        domain: &ControllerId,
        answer: &[u8],
    ) -> Result<Verified<Manifest>, StepError> {
        let attested: Attested =
            from_json(answer, Self::MANIFEST_ANSWER_MAX).map_err(StepError::AnswerForm)?;
        let unverified = Unverified::<Manifest>::parse(attested.document.as_ref())
            .map_err(StepError::Document)?;
        let pinned = match self.manifest(domain) {
            Ok(manifest) => Some(manifest),
            Err(StepError::Stranger) => None,
            Err(error) => return Err(error),
        };
        if pinned.as_ref().is_some_and(|pinned| goes_on(unverified.claimed(), pinned.payload())) {
            return Err(StepError::OtherLog);
        }
        unverified
            .claimed()
            .check_change(domain, pinned.as_ref(), self.now(), CALL_WINDOW_SECONDS)
            .map_err(StepError::Manifest)?;
        let key = unverified.claimed().controller_key;
        let manifest =
            unverified.verify(&[(Role::Controller, &key)]).map_err(StepError::Signature)?;
        let log = retailer_log_key(manifest.payload());
        let evidence = check_attested(&attested, &log, domain, None, "manifest", self.now())?;
        let witnessed = self.witnessed(&log, &evidence)?;
        if pinned.is_some() {
            self.see_heads(domain, vec![evidence.head.clone()])?;
            self.check_witnessed(&log, &evidence)?;
        }
        let vault = self.vault()?;
        vault.put_retailer(Retailer {
            domain: domain.clone(),
            pinned_key: key,
            manifest: manifest.as_bytes().to_vec(),
            fetched_at: self.now(),
        })?;
        self.keep_evidence(vec![evidence])?;
        if let Some(head) = witnessed {
            // At first contact there was no head to hold it against.
            self.see_heads(domain, vec![head])?;
        }
        Ok(manifest)
    }

    /// Takes the open consent requests of `domain`. Returns the digests of notices that have to be
    /// fetched before these requests are shown.
    pub fn accept_requests(
        &self,
        domain: &ControllerId,
        answer: &[u8],
    ) -> Result<Vec<Digest>, StepError> {
        let manifest = self.manifest(domain)?;
        let log = retailer_log_key(manifest.payload());
        let answer: OpenRequests = super::step::answer(answer)?;
        if answer.requests.len() > OpenRequests::MAX {
            return Err(StepError::Answer);
        }
        let vault = self.vault()?;
        let known = vault.requests()?;
        let (mut missing, mut shown, mut open) = (Vec::new(), Vec::new(), Vec::new());
        for attested in answer.requests {
            let request = Unverified::<ConsentRequest>::parse(attested.document.as_ref())
                .map_err(StepError::Document)?
                .verify(&[(Role::Controller, &manifest.payload().controller_key)])
                .map_err(StepError::Signature)?;
            let asked = request.payload();
            let evidence = check_attested(&attested, &log, domain, None, "request", self.now())?;
            check_request(&request, manifest.payload())?;
            if asked.expires <= self.now() || self.is_paused(&known, domain, asked.terms.purpose)? {
                continue;
            }
            if vault.notice(asked.notice.digest)?.is_none() {
                missing.push(asked.notice.digest);
            }
            shown.push(evidence);
            open.push(StoredRequest {
                id: asked.id,
                domain: domain.clone(),
                jws: request.as_bytes().to_vec(),
                received_at: self.now(),
                state: RequestState::Open,
                decided_at: None,
            });
        }
        self.keep_evidence(shown)?;
        for request in open {
            vault.add_request(request)?;
        }
        Ok(missing)
    }

    /// Takes a notice that was asked for by its digest: a whole one, or none.
    pub fn accept_notice(&self, digest: Digest, body: Vec<u8>) -> Result<(), StepError> {
        if besace_protocol::crypto::sha256(&[&body]) != digest {
            return Err(StepError::Answer);
        }
        Notice::parse(&body).map_err(StepError::Notice)?;
        Ok(self.vault()?.put_notice(digest, body, self.now())?)
    }

    /// Takes the catalogue of `domain`. Older ones than the last are refused. Returns how many offers
    /// it has, and how many of them were set aside.
    pub fn accept_catalogue(
        &self,
        domain: &ControllerId,
        answer: &[u8],
    ) -> Result<(usize, usize), StepError> {
        let manifest = self.manifest(domain)?;
        let key = manifest.payload().controller_key;
        let attested: Attested = from_json(answer, crate::exchange::CATALOGUE_ANSWER_MAX)
            .map_err(StepError::AnswerForm)?;
        let log = retailer_log_key(manifest.payload());
        let evidence = check_attested(&attested, &log, domain, None, "catalogue", self.now())?;
        let catalogue = UnverifiedCatalogue::parse(attested.document.as_ref())
            .map_err(StepError::Document)?
            .verify(&key, domain, self.now())
            .map_err(StepError::Catalogue)?;
        let vault = self.vault()?;
        if let Some(last) = vault.catalogue(domain)? {
            let known = UnverifiedCatalogue::parse(&last.jws)
                .map_err(StepError::Document)?
                .claimed_sequence();
            // Going back, or two catalogues under one number.
            let other = catalogue.sequence() == known && catalogue.digest() != last.digest;
            if catalogue.sequence() < known || other {
                return Err(StepError::Answer);
            }
        }
        self.check_witnessed(&log, &evidence)?;
        self.keep_evidence(vec![evidence])?;
        let stored = StoredCatalogue {
            domain: domain.clone(),
            jws: catalogue.as_bytes().to_vec(),
            digest: catalogue.digest(),
            fetched_at: self.now(),
        };
        vault.put_catalogue(stored, lowest_prices(&catalogue, self.now()))?;
        Ok((catalogue.offers().len(), catalogue.refused().len()))
    }

    /// Whether she refused this purpose to this retailer less than six months ago; `known` are all requests.
    pub(super) fn is_paused(
        &self,
        known: &[StoredRequest],
        domain: &ControllerId,
        purpose: Purpose,
    ) -> Result<bool, StepError> {
        for known in known {
            let refused = known.state == RequestState::Refused
                && known.domain == *domain
                && known.decided_at.is_some_and(|at| self.now() < at.plus(REFUSAL_PAUSE_SECONDS));
            if !refused {
                continue;
            }
            let before =
                Unverified::<ConsentRequest>::parse(&known.jws).map_err(StepError::Document)?;
            if before.claimed().terms.purpose == purpose {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The lowest price of each article that stands in the catalogue now.
pub(super) fn lowest_prices(catalogue: &Catalogue, now: Timestamp) -> BTreeMap<Gtin, Money> {
    let mut lowest: BTreeMap<Gtin, Money> = BTreeMap::new();
    for offer in catalogue.offers().iter().filter(|offer| offer.validity().holds(now)) {
        let Some(gtin) = offer.gtin() else { continue };
        let price = offer.price();
        let known = lowest.entry(gtin).or_insert(price);
        if price.currency == known.currency && price.minor < known.minor {
            *known = price;
        }
    }
    lowest
}
