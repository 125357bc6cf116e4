//! What a retailer shows to everybody and its log holds: manifest, requests with their notices, catalogue, restoration.
//! Each comes with its proof, and so with what opens its entry.

use besace_protocol::{
    consent::{ConsentRequest, Notice, RECORD_LEN_MAX},
    crypto::{Digest, sha256},
    document::Unverified,
    encoding::from_json,
    log::{LogKey, Opening, SignedCheckpoint, UnverifiedProof},
    wire::{
        Attested, CATALOGUE_PATH, NOTICES_PATH, OpenRequests, REQUESTS_PATH, RESTORATIONS_PATH,
        Restorations,
    },
};

use super::{ATTESTED_LEN_MAX, FetchError};
use crate::net::{GetError, Site};

/// Longest list of requests or of restorations, in bytes.
const LIST_LEN_MAX: usize = OpenRequests::MAX * 3 * RECORD_LEN_MAX;

/// What was proven to stand in the log.
#[derive(Debug, Default)]
pub(super) struct Public {
    pub(super) openings: Vec<Opening>,
    /// What a record names by its digest.
    pub(super) documents: Vec<Vec<u8>>,
    /// Notices that open requests name, and that are not there.
    pub(super) no_notice: Vec<Digest>,
    /// The heads of the proofs, each once.
    pub(super) heads: Vec<SignedCheckpoint>,
}

impl Public {
    /// Gets all of it, but for the manifest, which came before.
    pub(super) fn of(
        site: &Site,
        key: &LogKey,
        manifest: &Attested,
        path: &str,
    ) -> Result<Self, FetchError> {
        let mut public = Self::default();
        public.take(key, manifest, path)?;
        if let Some(Restorations { last: Some(last), .. }) =
            shown(site, RESTORATIONS_PATH, LIST_LEN_MAX)?
        {
            public.take(key, &last, RESTORATIONS_PATH)?;
        }
        if let Some(catalogue) = shown(site, CATALOGUE_PATH, ATTESTED_LEN_MAX)? {
            public.take(key, &catalogue, CATALOGUE_PATH)?;
        }
        let open: Option<OpenRequests> = shown(site, REQUESTS_PATH, LIST_LEN_MAX)?;
        let requests = open.map_or_else(Vec::new, |open| open.requests);
        if requests.len() > OpenRequests::MAX {
            return Err(FetchError::Public { path: REQUESTS_PATH.to_owned() });
        }
        for request in &requests {
            public.take(key, request, REQUESTS_PATH)?;
            public.notice(site, request)?;
        }
        Ok(public)
    }

    /// Takes a document if it is proven to stand in the log, whole or by its digest.
    fn take(&mut self, key: &LogKey, shown: &Attested, path: &str) -> Result<(), FetchError> {
        let unproven = || FetchError::Unproven { path: path.to_owned() };
        if !shown.is_logged_document() {
            return Err(unproven());
        }
        if shown.record != shown.document {
            self.documents.push(shown.document.0.clone());
        }
        let proof = UnverifiedProof::parse(shown.proof.as_bytes()).map_err(|_| unproven())?;
        let (proof, opening) =
            proof.verify_opening(key, &shown.record.0).map_err(|_| unproven())?;
        self.openings.push(opening);
        if !self.heads.contains(proof.checkpoint()) {
            self.heads.push(proof.checkpoint().clone());
        }
        Ok(())
    }

    /// The notice that a request names. It is archived by the retailer, or nobody can be told what was asked.
    fn notice(&mut self, site: &Site, request: &Attested) -> Result<(), FetchError> {
        // What is asked for is logged whole.
        if request.record != request.document {
            return Err(FetchError::Unproven { path: REQUESTS_PATH.to_owned() });
        }
        let Ok(request) = Unverified::<ConsentRequest>::parse(&request.document.0) else {
            return Err(FetchError::Public { path: REQUESTS_PATH.to_owned() });
        };
        let digest: Digest = request.claimed().notice.digest;
        let path = format!("{NOTICES_PATH}/{digest}");
        let Some(notice) = ask(site, &path, Notice::LEN_MAX)? else {
            self.no_notice.push(digest);
            return Ok(());
        };
        if sha256(&[&notice]) != digest {
            return Err(FetchError::Public { path });
        }
        self.documents.push(notice);
        Ok(())
    }
}

/// A file that a retailer may not have.
fn ask(site: &Site, path: &str, most: usize) -> Result<Option<Vec<u8>>, FetchError> {
    match site.get(path, most) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(GetError::Status { status: 404 }) => Ok(None),
        Err(source) => Err(FetchError::Get { path: path.to_owned(), source }),
    }
}

fn shown<T: serde::de::DeserializeOwned>(
    site: &Site,
    path: &str,
    most: usize,
) -> Result<Option<T>, FetchError> {
    let bytes = ask(site, path, most)?;
    let read = bytes.map(|bytes| from_json(&bytes, most)).transpose();
    read.map_err(|_| FetchError::Public { path: path.to_owned() })
}
