//! Fetching what a retailer shows to everybody into a folder that is then audited as any bundle.
//! `spec/audit.md#fetching`.

mod place;
mod public;

use std::{
    io,
    path::{Path, PathBuf},
};

use besace_protocol::{
    audit::{LogFile, PinnedController},
    crypto::Digest,
    document::Unverified,
    encoding::from_json,
    jws::{JWS_LEN_MAX, Role},
    log::{LogKey, LogNumber, NOTE_LEN_MAX, SignedCheckpoint, TILE_WIDTH, UnverifiedCheckpoint},
    party::Manifest,
    wire::{Attested, LOG_PATH, MANIFEST_PATH},
};

use crate::{
    FILES_MAX,
    net::{GetError, Site},
};
use place::Place;
use public::Public;

/// Largest log that is fetched, in entries: what a folder can hold of it.
const ENTRIES_MAX: u64 = FILES_MAX as u64 / 3 * TILE_WIDTH as u64;

/// Longest manifest with its proof, in bytes: document and record in base64, and a proof.
const ATTESTED_LEN_MAX: usize = 3 * JWS_LEN_MAX;

/// Nothing is fetched, or not all of it.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// A file was not got.
    #[error("{path} was not got")]
    Get {
        /// Below the domain.
        path: String,
        /// Why.
        #[source]
        source: GetError,
    },
    /// What stands at the well-known address is no manifest of this domain that its key signed.
    #[error("no manifest of this domain, signed with the key that it names")]
    Manifest,
    /// The manifest names other keys than those that are pinned.
    #[error("the manifest names other keys than those of the policy")]
    OtherKeys,
    /// The retailer lost its store and writes another log than the pinned one. `spec/restoration.md`.
    #[error(
        "the retailer writes its log {}, under another key, and the policy names log {}",
        is.get(), pinned.get()
    )]
    OtherLog {
        /// Which of its logs is pinned.
        pinned: LogNumber,
        /// Which one its manifest names.
        is: LogNumber,
    },
    /// What is shown to everybody is not proven to stand in the log.
    #[error("{path} shows what is not proven to stand in the log")]
    Unproven {
        /// Below the domain.
        path: String,
    },
    /// What is shown to everybody has not its form.
    #[error("{path} is not what should stand there")]
    Public {
        /// Below the domain.
        path: String,
    },
    /// Not a head of the log, signed with its key.
    #[error("{path} is not a head that the log signed")]
    Head {
        /// Below the domain.
        path: String,
    },
    /// More entries than are fetched.
    #[error("the log has {size} entries; at most {ENTRIES_MAX} are fetched")]
    TooLarge {
        /// How many.
        size: u64,
    },
    /// A tile has another length than a tile of its name.
    #[error("{path} has another length than such a tile")]
    Tile {
        /// Below the domain.
        path: String,
    },
    /// The log is smaller than it was at the last visit: a stale copy on the way, or it was cut.
    #[error("the log has {is} entries and had {was}; its smaller head is kept as {}", kept.display())]
    Smaller {
        /// How many it had.
        was: u64,
        /// How many it is said to have.
        is: u64,
        /// Where the smaller head was written, with its signature.
        kept: PathBuf,
    },
    /// What lies in the folder is not of this log.
    #[error("{} is not a head that the log signed with the key that it names now", path.display())]
    OtherFolder {
        /// Of the head that lies there.
        path: PathBuf,
    },
    /// The folder failed.
    #[error("{} could not be read or written", path.display())]
    Folder {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// What was fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The keys of the manifest.
    pub keys: PinnedController,
    /// How many entries the log has.
    pub size: u64,
    /// How many it had when this folder was fetched before.
    pub before: Option<u64>,
    /// How many tiles were got; those that are whole already are not got again.
    pub tiles: usize,
    /// The size of the head that witnesses cosigned, if there is one.
    pub cosigned: Option<u64>,
    /// The head that was cosigned when this folder was fetched before.
    pub cosigned_before: Option<SignedCheckpoint>,
    /// How many entries are opened, by what is shown to everybody now and was before.
    pub opened: usize,
    /// Notices that open requests name, and that the retailer has not.
    pub no_notice: Vec<Digest>,
    /// Heads of the log that another one of their size in the folder contradicts, and where each was written.
    pub others: Vec<(SignedCheckpoint, PathBuf)>,
}

/// Fetches the log of `site` into `folder`. With `pinned` only a retailer that has these keys.
///
/// What is proven, the audit of the folder says: a head that lay there before stays as one that was seen.
pub fn fetch(
    site: &Site,
    pinned: Option<&PinnedController>,
    folder: &Path,
) -> Result<Fetched, FetchError> {
    let (keys, attested) = manifest(site, pinned)?;
    let key = keys.log();
    // What is proven stands under a head of now, or of before.
    let public = Public::of(site, &key, &attested, MANIFEST_PATH)?;
    // Before the head that everybody is shown, so that it is not larger.
    let cosigned = match get(site, "cosigned", NOTE_LEN_MAX) {
        Ok(bytes) => Some(head(&bytes, &key, "cosigned")?),
        Err(FetchError::Get { source: GetError::Status { status: 404 }, .. }) => None,
        Err(error) => return Err(error),
    };
    let place = Place { folder, origin: key.origin() };
    let old = place.head(&key)?;
    let before = old.as_ref().map(SignedCheckpoint::size);
    let cosigned_before = place.cosigned(&key);
    let largest = cosigned.iter().chain(&public.heads).max_by_key(|head| head.size());
    let new = current(site, &key, largest, before)?;
    if new.size() > ENTRIES_MAX {
        return Err(FetchError::TooLarge { size: new.size() });
    }
    if let Some(was) = before.filter(|was| new.size() < *was) {
        let kept = place.keep_smaller(&new)?;
        return Err(FetchError::Smaller { was, is: new.size(), kept });
    }
    let (seen, others) = place.unseen(&key, old.iter().chain(&public.heads), &new);
    let kept = |head: SignedCheckpoint| Ok((head.clone(), place.keep_other(&head)?));
    let others = others.into_iter().map(kept).collect::<Result<Vec<_>, FetchError>>()?;
    // Before the tiles, which may be of another history by now.
    let openings = place.openings(before.unwrap_or_default())?;
    // Until it is taken away nobody is judged by what lies here.
    place.begin()?;
    let tiles = place.tiles(site, &new)?;
    for head in seen {
        place.write(LogFile::Seen(head.size()), head.alone().as_str().as_bytes())?;
    }
    let opened = place.open(openings, &public, new.size())?;
    // Its lines are nowhere else.
    if let Some(before) = &cosigned_before
        && cosigned.as_ref().is_none_or(|head| head.as_str() != before.as_str())
    {
        place.keep_cosigned(before)?;
    }
    match &cosigned {
        Some(head) => place.write(LogFile::Cosigned, head.as_str().as_bytes())?,
        None => place.remove(LogFile::Cosigned)?,
    }
    place.write(LogFile::Checkpoint, new.alone().as_str().as_bytes())?;
    place.tidy(new.size())?;
    place.end()?;
    Ok(Fetched {
        keys,
        size: new.size(),
        before,
        tiles,
        cosigned: cosigned.map(|head| head.size()),
        cosigned_before,
        opened,
        no_notice: public.no_notice,
        others,
    })
}

/// The head that everybody is shown. A stale copy may lie somewhere on the way: a larger one that witnesses cosigned
/// or that something was proven under counts, and where it is smaller than `before` it is asked for once more.
fn current(
    site: &Site,
    key: &LogKey,
    known: Option<&SignedCheckpoint>,
    before: Option<u64>,
) -> Result<SignedCheckpoint, FetchError> {
    let ask = || head(&get(site, "checkpoint", NOTE_LEN_MAX)?, key, "checkpoint");
    let largest = |shown: SignedCheckpoint| {
        known.filter(|known| known.size() > shown.size()).cloned().unwrap_or(shown)
    };
    let shown = largest(ask()?);
    if before.is_some_and(|before| shown.size() < before) { Ok(largest(ask()?)) } else { Ok(shown) }
}

fn manifest(
    site: &Site,
    pinned: Option<&PinnedController>,
) -> Result<(PinnedController, Attested), FetchError> {
    let bytes = site
        .get(MANIFEST_PATH, ATTESTED_LEN_MAX)
        .map_err(|source| FetchError::Get { path: MANIFEST_PATH.to_owned(), source })?;
    // Whether it stands in the log is asked as soon as the key of that is known.
    let attested: Attested =
        from_json(&bytes, ATTESTED_LEN_MAX).map_err(|_| FetchError::Manifest)?;
    let manifest =
        Unverified::<Manifest>::parse(&attested.document.0).map_err(|_| FetchError::Manifest)?;
    let Manifest { controller: domain, controller_key: key, log, log_key, .. } =
        manifest.claimed().clone();
    let keys = PinnedController { domain, key, log, log_key };
    let signed = manifest.verify(&[(Role::Controller, &keys.key)]).is_ok();
    if !signed || keys.domain != *site.domain() {
        return Err(FetchError::Manifest);
    }
    match pinned {
        Some(pinned) if pinned.key == keys.key && pinned.log < keys.log => {
            Err(FetchError::OtherLog { pinned: pinned.log, is: keys.log })
        }
        Some(pinned) if *pinned != keys => Err(FetchError::OtherKeys),
        Some(_) | None => Ok((keys, attested)),
    }
}

fn get(site: &Site, name: &str, most: usize) -> Result<Vec<u8>, FetchError> {
    let path = format!("{LOG_PATH}/{name}");
    site.get(&path, most).map_err(|source| FetchError::Get { path, source })
}

fn head(bytes: &[u8], key: &LogKey, name: &str) -> Result<SignedCheckpoint, FetchError> {
    UnverifiedCheckpoint::parse(bytes)
        .ok()
        .and_then(|head| head.verify(key).ok())
        .ok_or_else(|| FetchError::Head { path: format!("{LOG_PATH}/{name}") })
}
