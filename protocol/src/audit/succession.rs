//! Pseudonyms that went on: which log continues which, and whether that is what was signed and logged.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use super::{Assertion, Fault, Gap, Policy, books, evidence::CheckedLog, report::Findings};
use crate::{
    consent::{Anchor, Cause, Continuation, Discrepancy, LogHead, Record, RecordKind},
    crypto::{Digest, VerifyingKey},
    document::Unverified,
    jws::{Typ, UnverifiedJws},
    log::{LogKey, Origin, UnverifiedCheckpoint},
    party::ControllerId,
};

/// Where a pseudonym stands: towards whom, its key, its log and the log's key.
type Standing = (ControllerId, VerifyingKey, Origin, VerifyingKey);

/// How logs go on in others, as the retailers logged it.
#[derive(Debug, Default)]
pub(super) struct Succession {
    /// By the log that goes on.
    links: BTreeMap<Origin, Link>,
    /// The key that a pseudonym began with, by each that it went on under.
    first_keys: BTreeMap<VerifyingKey, VerifyingKey>,
}

#[derive(Debug)]
struct Link {
    continuation: Continuation,
    digest: Digest,
    /// The retailer had been shown more than the head that is named.
    contradicted: bool,
}

impl Succession {
    /// Reads the continuations in retailers' logs, entry by entry: S1.
    pub(super) fn read(
        logs: &BTreeMap<Origin, CheckedLog>,
        policy: &Policy,
        out: &mut Findings,
    ) -> Self {
        let mut succession = Self::default();
        for (origin, log) in logs {
            let Some(domain) = origin.controller() else { continue };
            let mut standings: BTreeSet<Standing> = BTreeSet::new();
            let mut left: BTreeSet<Origin> = BTreeSet::new();
            for opened in log.openings.values() {
                let bytes = opened.opening.record.as_ref();
                let checked = match &opened.record {
                    Record::Signed(jws) if jws.typ() == Typ::Grant => {
                        if let Ok(grant) = books::verify_grant(bytes, jws, policy) {
                            let given = grant.payload();
                            let log = Origin::of_log(&given.subject_log);
                            let key = given.subject_key;
                            // One that was signed before a move and arrived after it brings no log back.
                            if left.contains(&log) {
                                continue;
                            }
                            standings.insert((domain.clone(), key, log, given.subject_log_key));
                        }
                        continue;
                    }
                    Record::Signed(jws) if jws.typ() == Typ::Continuation => {
                        succession.follow(jws, bytes, &domain, &mut standings, &mut left)
                    }
                    Record::Plain(RecordKind::Discrepancy(said)) => succession.contradict(said),
                    Record::Signed(_) | Record::Plain(_) => continue,
                };
                out.check(Assertion::S1, &opened.place, checked.err());
            }
        }
        succession
    }

    /// One continuation: signed by the keys it names, and beginning where its pseudonym stands.
    fn follow(
        &mut self,
        jws: &UnverifiedJws,
        bytes: &[u8],
        domain: &ControllerId,
        standings: &mut BTreeSet<Standing>,
        left: &mut BTreeSet<Origin>,
    ) -> Result<(), Fault> {
        let digest = jws.claimed_digest();
        let document = Unverified::<Continuation>::parse(bytes).map_err(Fault::ParseDocument)?;
        let signed = document.verify_parties().map_err(Fault::Signature)?;
        let said = signed.payload();
        let (from, to) = (&said.from, &said.to);
        if said.controller != *domain {
            return Err(Fault::ForeignDocument);
        }
        let old = Origin::of_log(&from.log);
        if left.contains(&old) {
            return Err(Fault::LeftTwice);
        }
        if !standings.remove(&(domain.clone(), from.key, old.clone(), from.log_key)) {
            return Err(Fault::NoPseudonym);
        }
        left.insert(old);
        let new = Origin::of_log(&to.log);
        standings.insert((domain.clone(), to.key, new.clone(), to.log_key));
        let first = self.first_keys.get(&from.key).copied().unwrap_or(from.key);
        self.first_keys.insert(to.key, first);
        let link = Link { continuation: said.clone(), digest, contradicted: false };
        if self.links.insert(new, link).is_some() { Err(Fault::LeftTwice) } else { Ok(()) }
    }

    /// What a retailer held against a continuation is signed by the log that was left, and says more than the
    /// continuation does.
    fn contradict(&mut self, said: &Discrepancy) -> Result<(), Fault> {
        let link = self.links.values_mut().find(|link| link.digest == said.continuation);
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

    /// The keys of the logs that go on.
    pub(super) fn log_keys(&self) -> impl Iterator<Item = LogKey> + '_ {
        self.links
            .iter()
            .map(|(origin, link)| LogKey::new(origin.clone(), link.continuation.to.log_key))
    }

    /// Whether two keys are those of one pseudonym.
    pub(super) fn are_one(&self, a: &VerifyingKey, b: &VerifyingKey) -> bool {
        let first = |key: &VerifyingKey| self.first_keys.get(key).copied().unwrap_or(*key);
        first(a) == first(b)
    }

    /// The logs in the order in which each goes on: S2. A pseudonym's logs are one book.
    pub(super) fn chains<'a>(
        &self,
        logs: &'a BTreeMap<Origin, CheckedLog>,
        out: &mut Findings,
    ) -> Vec<Chain<'a>> {
        let mut chains = Vec::new();
        for (origin, log) in logs {
            self.check_anchor(origin, log, logs, out);
            if self.continues_another(origin, logs) {
                continue;
            }
            let mut chain = Chain { logs: Vec::from([log]), lost: false };
            let mut last = origin;
            // Counted: a liar may let logs go on in a circle.
            for _ in 0..self.links.len() {
                let mut links = self.links.iter();
                let Some((next, link)) =
                    links.find(|(_, link)| from_of(&link.continuation) == *last)
                else {
                    break;
                };
                chain.lost |= Self::lost(link, logs, out);
                chain.logs.extend(logs.get(next));
                last = next;
            }
            chains.push(chain);
        }
        chains
    }

    /// Whether a log goes on from one that is here, be it by way of some that were lost.
    fn continues_another(&self, origin: &Origin, logs: &BTreeMap<Origin, CheckedLog>) -> bool {
        let mut at = origin.clone();
        for _ in 0..self.links.len() {
            let Some(link) = self.links.get(&at) else { return false };
            at = from_of(&link.continuation);
            if logs.contains_key(&at) {
                return true;
            }
        }
        false
    }

    /// The first entry of a log that goes on is the anchor that its continuation says.
    fn check_anchor(
        &self,
        origin: &Origin,
        log: &CheckedLog,
        logs: &BTreeMap<Origin, CheckedLog>,
        out: &mut Findings,
    ) {
        if origin.controller().is_some() {
            return;
        }
        let Some(first) = log.openings.get(&0) else { return };
        let anchor = match &first.record {
            Record::Plain(RecordKind::Anchor(anchor)) => Some(anchor),
            Record::Plain(_) | Record::Signed(_) => None,
        };
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
        out.check(Assertion::S2, &first.place, fault);
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

/// The logs of one pseudonym, the oldest first, or one log of a retailer.
#[derive(Debug)]
pub(super) struct Chain<'a> {
    pub(super) logs: Vec<&'a CheckedLog>,
    /// Entries are known to be gone.
    pub(super) lost: bool,
}

fn from_of(said: &Continuation) -> Origin {
    Origin::of_log(&said.from.log)
}
