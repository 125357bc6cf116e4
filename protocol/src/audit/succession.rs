//! Pseudonyms that went on: which log continues which, and whether that is what was signed and logged.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use core::mem;

use super::{
    Assertion, Fault, Gap,
    entry::{Content, Entry},
    evidence::CheckedLog,
    findings::Findings,
    place::{Places, Spot},
};
use crate::{
    consent::{Anchor, Cause, Continuation, Discrepancy, Grant, LogHead, RecordKind},
    crypto::{Digest, VerifyingKey, sha256},
    document::Verified,
    id::LogId,
    log::{LogKey, LogNumber, Origin, UnverifiedCheckpoint},
    party::ControllerId,
};

/// How logs go on in others, as the retailers logged it.
#[derive(Debug, Default)]
pub(super) struct Succession {
    /// By the log that goes on.
    links: BTreeMap<Origin, Link>,
    /// From each log that was left to the one that goes on from it.
    next: BTreeMap<Origin, Origin>,
    /// From each continuation, by its digest, to the log that goes on by it.
    said: BTreeMap<Digest, Origin>,
    /// The key that a pseudonym began with, by each that it went on under.
    first_keys: BTreeMap<[u8; 32], [u8; 32]>,
}

#[derive(Debug)]
struct Link {
    continuation: Continuation,
    digest: Digest,
    spot: Spot,
    /// The retailer had been shown more than the head that is named.
    contradicted: bool,
}

/// Reads the continuations of one retailer's log, entry by entry: S1.
#[derive(Debug)]
pub(super) struct SuccessionReader {
    domain: ControllerId,
    /// The retailer began this log after a loss, and logged anew where pseudonyms it knew had moved.
    carried: bool,
    /// Where pseudonyms stand: their key, their log and its key, hashed, since there are many.
    standings: BTreeSet<Digest>,
    left: BTreeSet<LogId>,
    pub(super) succession: Succession,
    pub(super) found: Findings,
}

fn standing(key: &VerifyingKey, log: &LogId, log_key: &VerifyingKey) -> Digest {
    sha256(&[key.as_bytes(), log.as_bytes(), log_key.as_bytes()])
}

impl SuccessionReader {
    pub(super) fn new(domain: ControllerId, log: LogNumber) -> Self {
        Self {
            domain,
            carried: !log.is_first(),
            standings: BTreeSet::new(),
            left: BTreeSet::new(),
            succession: Succession::default(),
            found: Findings::default(),
        }
    }

    /// Takes the next entry. A continuation that cannot be read is told here, and is public to the book.
    pub(super) fn take(&mut self, entry: &mut Entry, spot: Spot, places: Places<'_>) {
        let Ok(content) = &mut entry.content else { return };
        let fault = match content {
            Content::Grant(grant) => return self.stands(grant.payload()),
            Content::Continuation(_) => {
                let Content::Continuation(read) = mem::replace(content, Content::Public) else {
                    return;
                };
                read.and_then(|signed| self.follow(&signed, spot)).err()
            }
            Content::Plain(record) => match record.as_ref() {
                RecordKind::Discrepancy(said) => self.succession.contradict(said).err(),
                _ => return,
            },
            _ => return,
        };
        self.found.check(Assertion::S1, fault, || places.of(spot));
    }

    fn stands(&mut self, given: &Grant) {
        // One that was signed before a move and arrived after it brings no log back.
        if !self.left.contains(&given.subject_log) {
            let stands = standing(&given.subject_key, &given.subject_log, &given.subject_log_key);
            self.standings.insert(stands);
        }
    }

    /// One continuation: it begins where its pseudonym stands.
    fn follow(&mut self, signed: &Verified<Continuation>, spot: Spot) -> Result<(), Fault> {
        let said = signed.payload();
        let (from, to) = (&said.from, &said.to);
        if said.controller != self.domain {
            return Err(Fault::ForeignDocument);
        }
        if self.left.contains(&from.log) {
            return Err(Fault::LeftTwice);
        }
        let stood = self.standings.remove(&standing(&from.key, &from.log, &from.log_key));
        // The grant that said where it stood was lost.
        if !stood && !self.carried {
            return Err(Fault::NoPseudonym);
        }
        self.left.insert(from.log);
        self.standings.insert(standing(&to.key, &to.log, &to.log_key));
        let keys = &mut self.succession.first_keys;
        let first = keys.get(from.key.as_bytes()).copied().unwrap_or(*from.key.as_bytes());
        keys.insert(*to.key.as_bytes(), first);
        let digest = signed.digest();
        let link = Link { continuation: said.clone(), digest, spot, contradicted: false };
        let new = Origin::of_log(&to.log);
        if self.succession.link(new, link) { Ok(()) } else { Err(Fault::LeftTwice) }
    }
}

impl Succession {
    /// Adds a link; false if that log went on from another one already.
    fn link(&mut self, new: Origin, link: Link) -> bool {
        self.next.entry(from_of(&link.continuation)).or_insert_with(|| new.clone());
        self.said.entry(link.digest).or_insert_with(|| new.clone());
        self.links.insert(new, link).is_none()
    }

    /// Takes over what another retailer's log says.
    pub(super) fn absorb(&mut self, other: Self, places: Places<'_>, out: &mut Findings) {
        self.first_keys.extend(other.first_keys);
        for (origin, link) in other.links {
            let spot = link.spot;
            if !self.link(origin, link) {
                out.find(Assertion::S1, places.of(spot), Fault::LeftTwice);
            }
        }
    }

    /// What a retailer held against a continuation is signed by the log that was left, and says more than the
    /// continuation does.
    fn contradict(&mut self, said: &Discrepancy) -> Result<(), Fault> {
        let link = self.said.get(&said.continuation).and_then(|origin| self.links.get_mut(origin));
        let link = link.ok_or(Fault::ForeignDocument)?;
        let from = &link.continuation.from;
        let key = LogKey::new(Origin::of_log(&from.log), from.log_key);
        let shown = UnverifiedCheckpoint::parse(said.shown.as_bytes())
            .map_err(Fault::ParseCheckpoint)?
            .verify_exact(&key)
            .map_err(Fault::Checkpoint)?;
        if !from.head.leaves_out(&shown) {
            return Err(Fault::ForeignDocument);
        }
        link.contradicted = true;
        if link.continuation.cause == Cause::Rekey { Err(Fault::LeftOut) } else { Ok(()) }
    }

    /// The keys of the logs that go on, and where they are named.
    pub(super) fn log_keys(&self) -> impl Iterator<Item = (LogKey, Spot)> + '_ {
        self.links.iter().map(|(origin, link)| {
            (LogKey::new(origin.clone(), link.continuation.to.log_key), link.spot)
        })
    }

    /// Whether two keys are those of one pseudonym.
    pub(super) fn are_one(&self, a: &[u8; 32], b: &[u8; 32]) -> bool {
        let first = |key: &[u8; 32]| self.first_keys.get(key).copied().unwrap_or(*key);
        first(a) == first(b)
    }

    /// The logs of which a key is known, in the order in which each goes on: those of one pseudonym are one book.
    pub(super) fn chains(&self, known: &BTreeSet<Origin>) -> Vec<Vec<Origin>> {
        let mut chains = Vec::new();
        for origin in known.iter().filter(|origin| !self.continues_another(origin, known)) {
            let mut chain = Vec::from([origin.clone()]);
            chain.extend(
                self.after(origin).map(|(next, _)| next).filter(|o| known.contains(o)).cloned(),
            );
            chains.push(chain);
        }
        chains
    }

    /// The logs in which `origin` went on, one after the other.
    fn after<'a>(
        &'a self,
        origin: &Origin,
    ) -> impl Iterator<Item = (&'a Origin, &'a Link)> + use<'a> {
        let mut last = origin.clone();
        // Counted: a liar may let logs go on in a circle.
        (0..self.links.len()).map_while(move |_| {
            let next = self.next.get(&last)?;
            let (next, link) = self.links.get_key_value(next)?;
            last = next.clone();
            Some((next, link))
        })
    }

    /// Whether a log goes on from one that is here, be it by way of some that were lost.
    fn continues_another(&self, origin: &Origin, known: &BTreeSet<Origin>) -> bool {
        let mut at = origin.clone();
        for _ in 0..self.links.len() {
            let Some(link) = self.links.get(&at) else { return false };
            at = from_of(&link.continuation);
            if known.contains(&at) {
                return true;
            }
        }
        false
    }

    /// Whether entries of the book that begins with `origin` are known to be gone: said, and held against nobody.
    pub(super) fn has_lost(
        &self,
        origin: &Origin,
        logs: &BTreeMap<Origin, CheckedLog>,
        out: &mut Findings,
    ) -> bool {
        let mut lost = false;
        for (_, link) in self.after(origin) {
            lost |= Self::lost(link, logs, out);
        }
        lost
    }

    /// The first entry of a log that goes on is the anchor that its continuation says: S2. `first` is what
    /// that entry holds, if it is opened.
    pub(super) fn check_anchor(
        &self,
        origin: &Origin,
        first: &First,
        logs: &BTreeMap<Origin, CheckedLog>,
        places: Places<'_>,
        out: &mut Findings,
    ) {
        let anchor = first.anchor.as_ref();
        let link = self.links.get(origin).map(|link| &link.continuation);
        let fault = match (link, anchor) {
            (None, None) => return,
            (None, Some(_)) => Some(Fault::NoContinuation),
            (Some(_), None) => Some(Fault::NoAnchor),
            (Some(said), Some(Anchor { at: _, cause, head, log })) => {
                let same = *log == said.from.log && *head == said.from.head && *cause == said.cause;
                let old = logs.get(&from_of(said));
                match old {
                    _ if !same => Some(Fault::NoAnchor),
                    // Restored once more, she has not even the log that the first restore began.
                    None if said.cause != Cause::Rekey => {
                        out.gap(Gap::LostEntries { origin: from_of(said) });
                        None
                    }
                    None => Some(Fault::NoOldLog),
                    Some(old) if old.head.size() > head.size => Some(Fault::WrittenOn),
                    Some(old) if old.head.size() == head.size && *old.head.root() != head.root => {
                        Some(Fault::Forked)
                    }
                    Some(_) => None,
                }
            }
        };
        out.check(Assertion::S2, fault, || places.of(first.spot));
    }

    /// Whether what a link leaves behind is not all there: that is said, and nobody is blamed for it.
    fn lost(link: &Link, logs: &BTreeMap<Origin, CheckedLog>, out: &mut Findings) -> bool {
        let said = &link.continuation;
        let origin = from_of(said);
        let LogHead { size, .. } = said.from.head;
        let Some(old) = logs.get(&origin) else { return true };
        let lost = link.contradicted || old.head.size() < size;
        if lost {
            out.gap(Gap::LostEntries { origin });
        }
        lost
    }
}

/// The first entry of a pseudonym's log.
#[derive(Debug)]
pub(super) struct First {
    pub(super) spot: Spot,
    pub(super) anchor: Option<Anchor>,
}

fn from_of(said: &Continuation) -> Origin {
    Origin::of_log(&said.from.log)
}
