//! What everybody may read: manifest, requests, notices, and the log that proves them.

use std::sync::{Arc, PoisonError};

use besace_protocol::{
    consent::{
        ConsentRequest, MirrorError, NoticeError, NoticeText, Published, RECORD_LEN_MAX,
        RecordKind, Terms, guesses,
    },
    crypto::{Digest, sha256},
    document::{Document, DocumentRule, SignDocumentError, Unverified, Verified, sign},
    encoding::{JsonError, from_json},
    id::RequestId,
    jws::Role,
    log::{ServeTileError, TilePath, serve_tile},
    offer::{
        Offer, RefuseOfferError,
        catalogue::{CATALOGUE_DAYS_MAX, CATALOGUE_LEN_MAX, Catalogue, Edition},
    },
    party::{Manifest, ShopCode},
    problem::ProblemType,
    time::{DAY_SECONDS, Timestamp},
    wire::{Attested, OpenRequests},
};
use rand_core::CryptoRngCore;
use serde::{Deserialize, Serialize};

use crate::{
    NegotiationPolicy, OutOfScope, Retailer, ShopPermit, ShopScope,
    retailer::Own,
    store::{DocumentKind, Session, StoreError, StoredDocument},
};

/// A consent request as its author writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestDraft {
    /// What is taken beside the terms.
    #[serde(default)]
    pub negotiation: NegotiationPolicy,
    /// What has to be told with it (GDPR art. 13, `spec/notice.md`).
    pub notice: NoticeText,
    /// Days that the request can be answered.
    pub open_days: u16,
    /// What is asked and what is promised.
    pub terms: Terms,
}

/// A consent request was not published.
#[derive(Debug, thiserror::Error)]
pub enum PublishRequestError {
    /// The notice does not tell what it must.
    #[error("request was not published without a whole notice")]
    Notice(#[source] NoticeError),
    /// The terms name a shop that the retailer does not have.
    #[error("terms name a shop that is not in the manifest")]
    Shop,
    /// No agent would show it: nobody can say what could be guessed from what is asked (`spec/mirror.md`).
    #[error("no shopper would be shown the request")]
    Mirror(#[source] MirrorError),
    /// What is enough is no list of terms that ask no more than the request.
    #[error("what is enough does not fit the terms")]
    Enough(#[source] DocumentRule),
    /// No such request may be signed.
    #[error("request was not signed")]
    Request(#[source] SignDocumentError),
    /// The store failed.
    #[error("request was not stored")]
    Store(#[from] StoreError),
}

/// A catalogue was not published.
#[derive(Debug, thiserror::Error)]
pub enum PublishCatalogueError {
    /// The key is not for this.
    #[error("shop key may not publish offers")]
    Forbidden(#[from] OutOfScope),
    /// Not a strict JSON list.
    #[error("not a list of offers")]
    List(#[source] JsonError),
    /// One of the list is no offer, or breaks a rule of `spec/offers.md`.
    #[error("number {index} of the list is refused")]
    Offer {
        /// Which, from 0.
        index: usize,
        /// Why.
        #[source]
        source: RefuseOfferError,
    },
    /// An offer names a shop that the retailer does not have.
    #[error("an offer names a shop that is not in the manifest")]
    Shop,
    /// No such catalogue may be signed.
    #[error("catalogue was not signed")]
    Catalogue(#[source] SignDocumentError),
    /// The store failed.
    #[error("catalogue was not stored")]
    Store(#[from] StoreError),
}

impl PublishCatalogueError {
    /// What the caller reads.
    pub const fn problem(&self) -> ProblemType {
        match self {
            Self::Forbidden(_) => ProblemType::Forbidden,
            Self::List(JsonError::TooLong { .. })
            | Self::Catalogue(SignDocumentError::Encoding(_)) => ProblemType::TooLarge,
            Self::List(_)
            | Self::Offer { .. }
            | Self::Shop
            | Self::Catalogue(SignDocumentError::Rule(_)) => ProblemType::Malformed,
            Self::Store(_) => ProblemType::LogUnavailable,
        }
    }
}

/// A tile was not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadTileError {
    /// The log has no such tile, or not yet.
    #[error("the log has no such tile")]
    Missing,
    /// The store failed.
    #[error("tile was not read")]
    Store(#[from] StoreError),
}

impl Retailer {
    /// Signs, logs and opens a consent request to everybody, with its notice.
    pub fn publish_request(
        &mut self,
        draft: RequestDraft,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<RequestId, PublishRequestError> {
        let legal = self.identity().legal.clone();
        let notice = draft.notice.of(legal, &draft.terms).map_err(PublishRequestError::Notice)?;
        let body = notice.to_bytes().map_err(|e| PublishRequestError::Notice(e.into()))?;
        // JSON is UTF-8: nothing is lost.
        let body = String::from_utf8_lossy(&body);
        let known = |code| self.identity().shops.iter().any(|shop| shop.code == code);
        if !draft.terms.shops.iter().all(|code| known(*code)) {
            return Err(PublishRequestError::Shop);
        }
        guesses(&self.identity().shops, &draft.terms).map_err(PublishRequestError::Mirror)?;
        draft.negotiation.check(&draft.terms).map_err(PublishRequestError::Enough)?;
        let NegotiationPolicy { alternatives, enough } = draft.negotiation;
        let request = ConsentRequest {
            alternatives,
            controller: self.identity().domain.clone(),
            controller_key: self.verifying_key(),
            expires: now.plus(u64::from(draft.open_days).saturating_mul(DAY_SECONDS)),
            id: RequestId::generate(rng),
            issued: now,
            notice: notice.reference().map_err(|e| PublishRequestError::Notice(e.into()))?,
            terms: draft.terms,
            v: 1,
        };
        let id = request.id;
        let own = &self.own;
        let request = sign(request, Role::Controller, &own.signing, now)
            .map_err(PublishRequestError::Request)?;
        self.store.write(|session| {
            session.add_notice(&body)?;
            let jws = request.as_bytes();
            own.publish(session, DocumentKind::Request, id.as_bytes(), jws, now, rng)?;
            session.add_enough(id, &enough)?;
            own.ledger.seal(session)?;
            Ok(id)
        })
    }

    /// Signs and logs the offers of a JSON list as the retailer's catalogue, in place of the last one.
    /// All of them or none: what a publisher gets wrong, it wants to know. Says how many there are.
    pub fn publish_catalogue(
        &mut self,
        list: &[u8],
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<usize, PublishCatalogueError> {
        let values: Vec<serde_json::Value> =
            from_json(list, CATALOGUE_LEN_MAX).map_err(PublishCatalogueError::List)?;
        let offers = values.iter().enumerate().map(|(index, value)| {
            Offer::read(value).map_err(|source| PublishCatalogueError::Offer { index, source })
        });
        let offers = offers.collect::<Result<Vec<_>, _>>()?;
        let known = |code: &ShopCode| self.identity().shops.iter().any(|shop| shop.code == *code);
        if !offers.iter().flat_map(|offer| &offer.draft().shops).all(known) {
            return Err(PublishCatalogueError::Shop);
        }
        let own = &self.own;
        self.store.write(|session| {
            let edition = Edition {
                sequence: session.next_catalogue_sequence()?,
                issued: now,
                expires: now.plus(CATALOGUE_DAYS_MAX.saturating_mul(DAY_SECONDS)),
            };
            let signed = Catalogue::sign(&own.identity.domain, edition, &offers, &own.signing)
                .map_err(PublishCatalogueError::Catalogue)?;
            own.publish(session, DocumentKind::Catalogue, &[], signed.as_bytes(), now, rng)?;
            own.ledger.seal(session)?;
            Ok(offers.len())
        })
    }

    /// As [`publish_catalogue`](Self::publish_catalogue), for whoever holds a shop key of that scope.
    pub fn publish_offers(
        &mut self,
        permit: &ShopPermit,
        list: &[u8],
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<usize, PublishCatalogueError> {
        permit.check(ShopScope::Catalogue)?;
        self.publish_catalogue(list, now, rng)
    }

    /// The catalogue, with its proof, once there is one.
    pub fn catalogue(&self) -> Result<Option<Attested>, StoreError> {
        self.attested(DocumentKind::Catalogue)
    }

    /// The manifest, with its proof.
    pub fn manifest(&self) -> Result<Attested, StoreError> {
        self.attested(DocumentKind::Manifest).and_then(|found| found.ok_or(StoreError::Corrupt))
    }

    /// The manifest's payload, for the retailer's own use.
    pub fn manifest_document(&self) -> Result<Manifest, StoreError> {
        let session = self.store.read();
        let stored = session.document(DocumentKind::Manifest, &[])?.ok_or(StoreError::Corrupt)?;
        self.own.own_document(&stored.jws)
    }

    /// The consent requests that can be answered at `now`, each with its proof.
    pub fn open_requests(&self, now: Timestamp) -> Result<OpenRequests, StoreError> {
        let session = self.store.read();
        let head = self.own.ledger.head(session)?;
        let mut requests = Vec::new();
        for stored in session.documents(DocumentKind::Request)? {
            if now < self.own.own_document::<ConsentRequest>(&stored.jws)?.expires {
                requests.push(self.own.ledger.attest(session, stored.jws, stored.leaf, &head)?);
            }
        }
        Ok(OpenRequests { requests })
    }

    /// A notice: canonical JSON.
    pub fn notice(&self, digest: &Digest) -> Result<Option<String>, StoreError> {
        self.store.read().notice(digest)
    }

    /// The signed head of the log, as it is served (C2SP tlog-checkpoint): with the lines of witnesses, where
    /// they cosigned this one.
    pub fn checkpoint(&self) -> Result<String, StoreError> {
        let session = self.store.read();
        let head = session.checkpoint()?;
        let cosigned = session.cosigned()?.filter(|cosigned| cosigned.starts_with(&head));
        Ok(cosigned.unwrap_or(head))
    }

    /// The bytes of a tile of the log (C2SP tlog-tiles).
    pub fn tile(&self, path: &TilePath) -> Result<Vec<u8>, ReadTileError> {
        let session = self.store.read();
        let size = session.log_size().map_err(ReadTileError::Store)?;
        serve_tile(path, size, |id| session.log_node(id), |leaf| session.log_entry(leaf)).map_err(
            |error| match error {
                ServeTileError::NotFound => ReadTileError::Missing,
                ServeTileError::Read(error) => ReadTileError::Store(error),
            },
        )
    }

    fn attested(&self, kind: DocumentKind) -> Result<Option<Attested>, StoreError> {
        let session = self.store.read();
        let Some(stored) = session.document(kind, &[])? else { return Ok(None) };
        let head = self.own.ledger.head(session)?;
        self.own.ledger.attest(session, stored.jws, stored.leaf, &head).map(Some)
    }
}

/// Verified consent requests that are held in memory.
const REQUESTS_KNOWN: usize = 64;

impl Own {
    /// Logs a signed document, whole or by digest, and makes it the current one of its name.
    pub(crate) fn publish(
        &self,
        session: Session<'_>,
        kind: DocumentKind,
        name: &[u8],
        jws: &[u8],
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<(), StoreError> {
        let opened = if jws.len() > RECORD_LEN_MAX {
            let digest = sha256(&[jws]);
            session.keep_long_document(&digest, jws)?;
            let record = RecordKind::Published(Published { at: now, digest });
            self.ledger.append_plain(session, &record, rng)?
        } else {
            self.ledger.append(session, jws.to_vec(), rng)?
        };
        let document = StoredDocument { jws: jws.to_vec(), leaf: opened.leaf };
        session.set_document(kind, name, &document)
    }

    /// The payload of a document that we signed and stored.
    pub(crate) fn own_document<D: Document + Clone>(&self, jws: &[u8]) -> Result<D, StoreError> {
        self.verify_own::<D>(jws).map(|document| document.payload().clone())
    }

    /// A consent request that we signed and stored. These bytes are verified once: each grant answers one.
    pub(crate) fn own_request(
        &self,
        jws: &[u8],
    ) -> Result<Arc<Verified<ConsentRequest>>, StoreError> {
        let digest = sha256(&[jws]);
        let mut known = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(request) = known.get(&digest) {
            return Ok(Arc::clone(request));
        }
        let request = Arc::new(self.verify_own::<ConsentRequest>(jws)?);
        if known.len() >= REQUESTS_KNOWN {
            known.clear();
        }
        known.insert(digest, Arc::clone(&request));
        Ok(request)
    }

    /// A document that we signed and stored, as verified as any other.
    pub(crate) fn verify_own<D: Document>(&self, jws: &[u8]) -> Result<Verified<D>, StoreError> {
        Unverified::parse(jws)
            .map_err(|_| StoreError::Corrupt)?
            .verify(&[(Role::Controller, &self.signing.verifying_key())])
            .map_err(|_| StoreError::Corrupt)
    }
}
