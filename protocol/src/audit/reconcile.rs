//! What only shows when things are laid side by side: documents and the records that name them, her
//! log and the retailer's, signed counts and the uses that were shown.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use super::{
    Assertion, BundlePath, Fault, Gap, PinnedController, Place, Policy, books::Books,
    conduct::Life, report::Findings,
};
use crate::{
    consent::{Notice, UseHead, UseStatement},
    crypto::Digest,
    document::Unverified,
    id::GrantId,
    jws::{JWS_LEN_MAX, Role, Typ, UnverifiedJws},
    party::Manifest,
    time::{DAY_SECONDS, Day, Timestamp},
};

/// The signed counts of a bundle, by grant.
pub(super) type Statements = BTreeMap<GrantId, Vec<(UseStatement, Place)>>;

/// Keys of a day have to be gone this long after it, in seconds.
const DELETION_SECONDS: u64 = 30 * 60;

/// Each document against what names it: B1, G1, and G4 for notices. Returns the signed counts.
pub(super) fn documents(
    documents: &BTreeMap<Digest, &[u8]>,
    books: &[Books<'_>],
    policy: &Policy,
    out: &mut Findings,
) -> Statements {
    let mut statements = Statements::new();
    let mut unread: u64 = 0;
    let notices: BTreeSet<Digest> = books.iter().flat_map(Books::notices).collect();
    for (digest, bytes) in documents {
        let place = Place::new(&BundlePath::Document(*digest), None);
        if notices.contains(digest) {
            notice(digest, bytes, books, &place, out);
            continue;
        }
        match signed(digest, bytes, books, policy) {
            Ok(None) => out.checked(Assertion::G1),
            Ok(Some(statement)) => {
                out.checked(Assertion::G1);
                statements.entry(statement.grant).or_default().push((statement, place));
            }
            // What would name it may stand in a log that could not be read.
            Err((_, Fault::UnnamedDocument)) if out.has_blocking_gap() => {
                unread = unread.saturating_add(1);
            }
            Err((assertion, fault)) => out.find(assertion, place, fault),
        }
    }
    if unread > 0 {
        out.gap(Gap::UnreadDocuments { count: unread });
    }
    for (id, (_, grant)) in books.iter().flat_map(|books| &books.grants) {
        let notice = grant.payload().notice;
        if documents.contains_key(&notice) {
            out.checked(Assertion::G4);
        } else {
            out.gap(Gap::NoNotice { grant: *id, notice });
        }
    }
    statements
}

/// G4: a notice is complete, and tells what each request that names it asks.
fn notice(digest: &Digest, bytes: &[u8], books: &[Books<'_>], place: &Place, out: &mut Findings) {
    let notice = match Notice::parse(bytes) {
        Ok(notice) => notice,
        Err(error) => return out.find(Assertion::G4, place.clone(), Fault::Notice(error)),
    };
    for request in books.iter().flat_map(Books::requests) {
        if request.notice.digest != *digest {
            continue;
        }
        let fault = |source| Fault::NotItsNotice { request: request.id, source };
        out.check(Assertion::G4, place, notice.explains(request).err().map(fault));
    }
}

/// A signed document beside the logs: a count of uses, or a public one that a record names.
fn signed(
    digest: &Digest,
    bytes: &[u8],
    books: &[Books<'_>],
    policy: &Policy,
) -> Result<Option<UseStatement>, (Assertion, Fault)> {
    let unnamed = || (Assertion::B1, Fault::UnnamedDocument);
    let jws = UnverifiedJws::parse(bytes, JWS_LEN_MAX).map_err(|_| unnamed())?;
    let named_by = |books: &&Books<'_>| books.published().any(|published| published == *digest);
    match jws.typ() {
        Typ::UseStatement => {
            let document = Unverified::<UseStatement>::parse(bytes)
                .map_err(|error| (Assertion::G2, Fault::ParseDocument(error)))?;
            let grant = document.claimed().grant;
            let grant = books.iter().find_map(|books| books.grants.get(&grant));
            let (_, grant) = grant.ok_or_else(unnamed)?;
            let statement = document
                .verify(&[(Role::Controller, &grant.payload().controller_key)])
                .map_err(|error| (Assertion::G1, Fault::Signature(error)))?;
            Ok(Some(statement.payload().clone()))
        }
        Typ::Manifest | Typ::Catalogue | Typ::VoucherKeys => {
            let retailer =
                books.iter().find(named_by).and_then(|b| b.retailer).ok_or_else(unnamed)?;
            check_public(bytes, &jws, retailer, policy)?;
            Ok(None)
        }
        _ => Err(unnamed()),
    }
}

fn check_public(
    bytes: &[u8],
    jws: &UnverifiedJws,
    retailer: &PinnedController,
    policy: &Policy,
) -> Result<(), (Assertion, Fault)> {
    if jws.typ() == Typ::Manifest {
        let document = Unverified::<Manifest>::parse(bytes)
            .map_err(|error| (Assertion::G2, Fault::ParseDocument(error)))?;
        let manifest = document.claimed();
        let pinned = policy.controller(&manifest.controller) == Some(retailer)
            && manifest.controller_key == retailer.key
            && manifest.log_key == retailer.log_key;
        if !pinned {
            return Err((Assertion::G1, Fault::Manifest));
        }
    }
    jws.clone()
        .verify(jws.typ(), &[(Role::Controller, &retailer.key)])
        .map(|_| ())
        .map_err(|error| (Assertion::G1, Fault::Signature(error)))
}

/// The lives of grants as her log and the retailer's tell them.
pub(super) fn lives(
    hers: &BTreeMap<GrantId, &Life<'_>>,
    theirs: &BTreeMap<GrantId, &Life<'_>>,
    statements: &Statements,
    policy: &Policy,
    now: Timestamp,
    out: &mut Findings,
) {
    let ids: BTreeSet<&GrantId> = hers.keys().chain(theirs.keys()).collect();
    for id in ids {
        let pair = Pair { id: *id, hers: hers.get(id).copied(), theirs: theirs.get(id).copied() };
        pair.both_sides(policy, out);
        pair.withdrawal(policy, now, out);
        pair.deletion(policy, now, out);
        pair.counts(statements.get(id).map_or(&[], Vec::as_slice), policy, out);
    }
}

struct Pair<'a> {
    id: GrantId,
    hers: Option<&'a Life<'a>>,
    theirs: Option<&'a Life<'a>>,
}

impl Pair<'_> {
    /// U5 and U6: everything received was sent, and logged as sent before.
    fn both_sides(&self, policy: &Policy, out: &mut Findings) {
        let (hers, theirs) = match (self.hers, self.theirs) {
            (Some(hers), Some(theirs)) => (hers, theirs),
            (Some(_), None) => return out.gap(Gap::OneSided { grant: self.id }),
            _ => return out.gap(Gap::HersAbsent { grant: self.id }),
        };
        let other_words = hers.grant.digest() != theirs.grant.digest();
        let fault = other_words.then_some(Fault::GrantTwice { grant: self.id });
        out.check(Assertion::G3, theirs.place, fault);
        let mut lost: u64 = 0;
        for (digest, (received, place)) in &theirs.passed {
            let sent = hers.passed.get(digest);
            let in_time = sent.is_some_and(|(sent, _)| *sent <= received.plus(policy.skew_seconds));
            if hers.lost && !in_time {
                // That it was sent may have stood in what she lost: that is no breach of theirs.
                lost = lost.saturating_add(1);
                continue;
            }
            out.check(Assertion::U5, place, sent.is_none().then_some(Fault::NeverSent));
            if let Some((sent, _)) = sent {
                let early = sent.as_unix_seconds().saturating_sub(received.as_unix_seconds());
                let early = (early > policy.skew_seconds).then_some(early);
                out.check(
                    Assertion::U6,
                    place,
                    early.map(|seconds| Fault::ArrivedFirst { seconds }),
                );
            }
        }
        if lost > 0 {
            out.gap(Gap::SentLost { grant: self.id, count: lost });
        }
        let missing = hers.passed.keys().filter(|d| !theirs.passed.contains_key(d)).count();
        if let Ok(count @ 1..) = u64::try_from(missing) {
            out.gap(Gap::NotShownReceived { grant: self.id, count });
        }
    }

    /// W1, and U2 where a retailer delays logging a withdrawal.
    fn withdrawal(&self, policy: &Policy, now: Timestamp, out: &mut Findings) {
        let sides = || [self.hers, self.theirs].into_iter().flatten();
        let Some((_, withdrawn, place)) = sides().find_map(|life| life.withdrawn) else { return };
        let deadline = withdrawn.plus(policy.acknowledge_within_seconds);
        let late = |at: Timestamp| at.as_unix_seconds().saturating_sub(withdrawn.as_unix_seconds());
        let grant = self.id;
        match sides().find_map(|life| life.acknowledged) {
            Some((acknowledgement, place)) => {
                let at = acknowledgement.acknowledged;
                let fault =
                    (at > deadline).then(|| Fault::AcknowledgedLate { grant, seconds: late(at) });
                out.check(Assertion::W1, place, fault);
            }
            None if now > deadline => {
                out.check(Assertion::W1, place, Some(Fault::NeverAcknowledged { grant }));
            }
            None => out.gap(Gap::AcknowledgementPending { grant }),
        }
        let unlogged = self.theirs.filter(|life| life.withdrawn.is_none());
        for (at, _, place) in unlogged.iter().flat_map(|life| &life.uses) {
            let fault =
                (*at > deadline).then(|| Fault::LongAfterWithdrawal { grant, seconds: late(*at) });
            out.check(Assertion::U2, place, fault);
        }
    }

    /// W2: keys of a day are gone soon after it, all others with the acknowledgement.
    fn deletion(&self, policy: &Policy, now: Timestamp, out: &mut Findings) {
        let Some(theirs) = self.theirs else { return };
        let sides = [self.hers, self.theirs];
        let acknowledged = sides.into_iter().flatten().find_map(|life| life.acknowledged);
        let mut not_shown: u64 = 0;
        for (day, released) in &theirs.days {
            let end = day.start().plus(DAY_SECONDS);
            let due = end.plus(DELETION_SECONDS).plus(policy.skew_seconds);
            let deleted = theirs.deleted.get(day);
            let by_acknowledgement =
                acknowledged.filter(|(answer, _)| answer.deleted_days.contains(day));
            let fault = match (deleted, by_acknowledgement, acknowledged) {
                (Some((at, _)), ..) if *at > due => Some(self.deleted_late(*day, *at, end)),
                (None, Some((answer, _)), _) if answer.acknowledged > due => {
                    Some(self.deleted_late(*day, answer.acknowledged, end))
                }
                (Some(_), ..) | (_, Some(_), _) => None,
                // Held at the time of the answer, and left out of it.
                (None, None, Some((answer, _))) if answer.acknowledged <= end => {
                    Some(Fault::NotDeleted { grant: self.id, day: *day })
                }
                (None, None, _) => {
                    if now > due {
                        not_shown = not_shown.saturating_add(1);
                    }
                    continue;
                }
            };
            let place = deleted.map_or(*released, |(_, place)| *place);
            out.check(Assertion::W2, place, fault);
        }
        if not_shown > 0 {
            out.gap(Gap::DeletionNotShown { grant: self.id, count: not_shown });
        }
    }

    fn deleted_late(&self, day: Day, at: Timestamp, end: Timestamp) -> Fault {
        let seconds = at.as_unix_seconds().saturating_sub(end.as_unix_seconds());
        Fault::DeletedLate { grant: self.id, day, seconds }
    }

    /// U9: what the retailer signed against what was shown.
    fn counts(&self, statements: &[(UseStatement, Place)], policy: &Policy, out: &mut Findings) {
        let Some(theirs) = self.theirs else { return };
        let sides = [self.hers, self.theirs];
        let acknowledged = sides.into_iter().flatten().find_map(|life| life.acknowledged);
        if statements.is_empty() && acknowledged.is_none() {
            out.gap(Gap::NoStatement { grant: self.id });
        }
        let stated = statements.iter().map(|(s, place)| (s.uses, s.stated, place));
        let answered = acknowledged.map(|(a, place)| (a.uses, a.acknowledged, place));
        for (uses, at, place) in stated.chain(answered) {
            // What opens a use goes home to her: where her side is not in the bundle, neither is it.
            let beyond = uses.count.saturating_sub(theirs.shown());
            if self.hers.is_none() && beyond > 0 {
                out.gap(Gap::UsesNotShown { grant: self.id, count: beyond });
            } else {
                out.check(Assertion::U9, place, self.count(theirs, uses));
            }
            // A use that had happened when it was signed, and was not counted.
            let left_out = theirs.uses.iter().find(|(used, counter, _)| {
                *counter > uses.count && used.plus(policy.skew_seconds) < at
            });
            if let Some((.., place)) = left_out {
                let shown = theirs.shown();
                let fault = Fault::Stated { grant: self.id, stated: uses.count, shown };
                out.find(Assertion::U9, (*place).clone(), fault);
            }
        }
    }

    fn count(&self, theirs: &Life<'_>, uses: UseHead) -> Option<Fault> {
        match theirs.head_at(uses.count) {
            Some(head) if *head == uses => None,
            Some(_) => Some(Fault::StatedHead { grant: self.id }),
            None => {
                let shown = theirs.shown();
                Some(Fault::Stated { grant: self.id, stated: uses.count, shown })
            }
        }
    }
}
