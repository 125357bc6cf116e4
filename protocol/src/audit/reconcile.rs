//! What only shows when things are laid side by side: documents and the records that name them, her
//! log and the retailer's, signed counts and the uses that were shown.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::ToString as _,
    vec::Vec,
};

use super::{
    Assertion, BundlePath, Fault, Gap, PinnedController, Place, Policy,
    books::{Book, Context, Told},
    conduct::{DELETION_SECONDS, Life, Watch},
    entry::Refused,
    findings::Findings,
    place::Spot,
    source::Files,
    tills,
};
use crate::{
    consent::{Acknowledgement, ConsentRequest, Notice, UseHead, UseStatement},
    crypto::{Digest, sha256},
    document::{Unverified, Verified},
    id::GrantId,
    jws::{JWS_LEN_MAX, Role, Typ, UnverifiedJws},
    party::Manifest,
    time::{DAY_SECONDS, Day, Timestamp},
};

/// The counts of uses that documents of a bundle claim, by grant; and whether each document has the digest
/// it is named by: B1. Their signatures are for [`documents`].
pub(super) fn claimed_counts<F: Files>(
    files: &F,
    documents: &BTreeSet<Digest>,
    out: &mut Findings,
) -> Result<BTreeMap<GrantId, Vec<Watch>>, F::Error> {
    let mut watches: BTreeMap<GrantId, Vec<Watch>> = BTreeMap::new();
    for digest in documents {
        let path = BundlePath::Document(*digest);
        let bytes = files.read(&path.to_string())?;
        if sha256(&[&bytes]) != *digest {
            out.find(Assertion::B1, Place::new(&path, None), Fault::OtherBytes);
        } else if let Ok(statement) = Unverified::<UseStatement>::parse(&bytes) {
            let UseStatement { grant, uses, stated, .. } = *statement.claimed();
            let watch = Watch { uses, stated, document: *digest, met: None, left_out: None };
            watches.entry(grant).or_default().push(watch);
        }
    }
    Ok(watches)
}

/// What documents of a bundle are named by, in all its books.
struct Named<'a> {
    /// Requests by the notice they name; a notice that grants alone name has none.
    notices: BTreeMap<Digest, Vec<&'a ConsentRequest>>,
    /// Grants by the notice they name.
    granted: BTreeMap<Digest, Vec<(&'a Told, GrantId, Spot)>>,
    published: BTreeMap<Digest, &'a PinnedController>,
    /// Of the grants that documents speak of: the retailer.
    grants: BTreeMap<GrantId, &'a PinnedController>,
}

impl<'a> Named<'a> {
    fn by(books: &'a [Book<'a>], context: Context<'a>) -> Self {
        let mut named = Self {
            notices: BTreeMap::new(),
            granted: BTreeMap::new(),
            published: BTreeMap::new(),
            grants: BTreeMap::new(),
        };
        for book in books {
            for digest in &book.notices {
                named.notices.entry(*digest).or_default();
            }
            for request in book.requests.values().map(Verified::payload) {
                named.notices.entry(request.notice.digest).or_default().push(request);
            }
            for (told, (grant, spot)) in &book.granted {
                named.granted.entry(told.notice).or_default().push((told, *grant, *spot));
            }
            if let Some(retailer) = book.retailer {
                for digest in &book.published {
                    named.published.entry(*digest).or_insert(retailer);
                }
            }
            let counted = |id: &&GrantId| context.watches.contains_key(*id);
            for id in book.lives.keys().filter(counted) {
                let pinned = book.lives.get(id).map(|life| life.pinned);
                let pinned = pinned.and_then(|at| context.policy.controllers.get(at));
                named.grants.extend(pinned.map(|pinned| (*id, pinned)));
            }
        }
        named
    }
}

/// Each document against what names it: B1, G1, and G4 for notices.
pub(super) fn documents<F: Files>(
    files: &F,
    books: &[Book<'_>],
    context: Context<'_>,
    out: &mut Findings,
) -> Result<(), F::Error> {
    let named = Named::by(books, context);
    let mut unread: u64 = 0;
    for digest in context.documents {
        let path = BundlePath::Document(*digest);
        let (bytes, place) = (files.read(&path.to_string())?, Place::new(&path, None));
        if sha256(&[&bytes]) != *digest {
            // It was another one a moment ago.
            out.find(Assertion::B1, place, Fault::OtherBytes);
            continue;
        }
        if let Some(requests) = named.notices.get(digest) {
            let granted = named.granted.get(digest).map_or(&[][..], Vec::as_slice);
            notice(&bytes, (requests, granted), &place, context, out);
            continue;
        }
        match signed(digest, &bytes, &named, context.policy) {
            Ok(()) => out.checked(Assertion::G1),
            // What would name it may stand in a log that could not be read.
            Err((_, Fault::UnnamedDocument)) if out.has_unread() => {
                unread = unread.saturating_add(1);
            }
            Err((assertion, fault)) => out.find(assertion, place, fault),
        }
    }
    if unread > 0 {
        out.gap(Gap::UnreadDocuments { count: unread });
    }
    Ok(())
}

/// G4 and G5: a notice is complete, and tells what each request that names it asks, and what each grant gives.
fn notice(
    bytes: &[u8],
    (requests, granted): (&[&ConsentRequest], &[(&Told, GrantId, Spot)]),
    place: &Place,
    context: Context<'_>,
    out: &mut Findings,
) {
    let notice = match Notice::parse(bytes) {
        Ok(notice) => notice,
        Err(error) => return out.find(Assertion::G4, place.clone(), Fault::Notice(error)),
    };
    for request in requests {
        let fault = |source| Fault::NotItsNotice { request: request.id, source };
        out.check(Assertion::G4, notice.explains(request).err().map(fault), || place.clone());
    }
    for (told, grant, spot) in granted {
        let Told { proposed, purpose, recipients, retention_days, .. } = told;
        let fault = Fault::NotAsTold { grant: *grant };
        let as_told = if *proposed {
            notice.covers(*purpose, recipients, *retention_days)
        } else {
            notice.tells(*purpose, recipients, *retention_days)
        };
        let other = (!as_told).then_some(fault);
        out.check(Assertion::G5, other, || context.places.of(*spot));
    }
}

/// A signed document beside the logs: a count of uses, or a public one that a record names.
fn signed(
    digest: &Digest,
    bytes: &[u8],
    named: &Named<'_>,
    policy: &Policy,
) -> Result<(), Refused> {
    let unnamed = || (Assertion::B1, Fault::UnnamedDocument);
    let jws = UnverifiedJws::parse(bytes, JWS_LEN_MAX).map_err(|_| unnamed())?;
    match jws.typ() {
        Typ::UseStatement => {
            let document = Unverified::<UseStatement>::parse(bytes)
                .map_err(|error| (Assertion::G2, Fault::ParseDocument(error)))?;
            let pinned = named.grants.get(&document.claimed().grant).ok_or_else(unnamed)?;
            document
                .verify(&[(Role::Controller, &pinned.key)])
                .map(|_| ())
                .map_err(|error| (Assertion::G1, Fault::Signature(error)))
        }
        Typ::Manifest | Typ::Catalogue | Typ::VoucherKeys => {
            let retailer = named.published.get(digest).ok_or_else(unnamed)?;
            check_public(bytes, &jws, retailer, policy)
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
            // The log that it writes, or one that it wrote before.
            && policy.log_keys().any(|log| log == manifest.log());
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
pub(super) fn lives(books: &[Book<'_>], context: Context<'_>, out: &mut Findings) {
    let side = |retailer: bool| -> BTreeMap<GrantId, (&Life, &Book<'_>)> {
        let books = books.iter().filter(|book| book.retailer.is_some() == retailer);
        books
            .flat_map(|book| book.lives.iter().map(move |(id, life)| (*id, (life.as_ref(), book))))
            .collect()
    };
    let (hers, theirs) = (side(false), side(true));
    let ids: BTreeSet<&GrantId> = hers.keys().chain(theirs.keys()).collect();
    pseudonyms(books, context, out);
    let said = books.iter().flat_map(|book| &book.restorations);
    let restored: BTreeSet<(usize, Timestamp)> = said
        .map(|(signed, _)| signed.payload())
        .map(|said| (context.policy.position(&said.controller), said.at))
        .collect();
    for id in ids {
        let told = [&hers, &theirs].map(|side| side.get(id).copied());
        let reached = told.iter().flatten().filter_map(|(_, book)| book.last).max();
        let lost = hers.get(id).is_some_and(|(_, book)| book.lost);
        let [hers, theirs] = told.map(|side| side.map(|(life, _)| life));
        let ends = |life: &Life| {
            let of_it = restored.iter().filter(|(pinned, _)| *pinned == life.pinned);
            of_it.map(|(_, at)| *at).find(|at| life.was_given_before(*at))
        };
        let restored = hers.or(theirs).and_then(ends);
        let pair = Pair { id: *id, hers, lost, theirs, reached, restored, context };
        pair.both_sides(out);
        pair.withdrawal(out);
        pair.deletion(out);
        pair.erasure(out);
        pair.counts(out);
    }
}

/// U7: no retailer can find in its log whom another one knows.
fn pseudonyms(books: &[Book<'_>], context: Context<'_>, out: &mut Findings) {
    let mut known: BTreeMap<&[u8; 32], usize> = BTreeMap::new();
    let mut theirs: Vec<_> = books.iter().filter(|book| book.retailer.is_some()).collect();
    theirs.sort_by(|one, other| one.origins.cmp(&other.origins));
    for book in theirs {
        for (grant, life) in &book.lives {
            let elsewhere = *known.entry(&life.subject_key).or_insert(life.pinned) != life.pinned;
            let fault = elsewhere.then_some(Fault::KnownElsewhere { grant: *grant });
            out.check(Assertion::U7, fault, || context.places.of(life.spot));
        }
    }
}

fn between(from: Timestamp, to: Timestamp) -> u64 {
    to.as_unix_seconds().saturating_sub(from.as_unix_seconds())
}

struct Pair<'a> {
    id: GrantId,
    hers: Option<&'a Life>,
    /// Entries of the log that tells hers are known to be gone.
    lost: bool,
    theirs: Option<&'a Life>,
    /// The latest moment of the books that tell it.
    reached: Option<Timestamp>,
    /// When the retailer lost its store, and ended it with all others: nothing is owed after that.
    restored: Option<Timestamp>,
    context: Context<'a>,
}

/// A signed end.
struct Closed<'l> {
    at: Timestamp,
    days: &'l [Day],
    uses: UseHead,
    spot: Spot,
}

impl Pair<'_> {
    fn check(&self, assertion: Assertion, fault: Option<Fault>, spot: Spot, out: &mut Findings) {
        out.check(assertion, fault, || self.context.places.of(spot));
    }

    fn sides(&self) -> impl Iterator<Item = &Life> {
        [self.hers, self.theirs].into_iter().flatten()
    }

    fn acknowledged(&self) -> Option<(&Acknowledgement, Spot)> {
        self.sides()
            .find_map(|life| life.acknowledged.as_deref())
            .map(|(answer, spot)| (answer, *spot))
    }

    /// What the retailer signed about what it did and held when the grant ended: with its answer, else by ending it.
    fn closed(&self) -> Option<Closed<'_>> {
        self.closings().next()
    }

    /// The same, each time that it signed: who ended what she withdrew as well said it twice.
    fn closings(&self) -> impl Iterator<Item = Closed<'_>> {
        let answer = self.acknowledged().map(|(answer, spot)| Closed {
            at: answer.acknowledged,
            days: &answer.deleted_days,
            uses: answer.uses,
            spot,
        });
        let revoked = self.sides().find_map(|life| life.revoked.as_deref());
        let revoked = revoked.map(|revoked| {
            let said = &revoked.said;
            let (days, uses, spot) = (said.deleted_days.as_slice(), said.uses, revoked.spot);
            Closed { at: said.revoked, days, uses, spot }
        });
        answer.into_iter().chain(revoked)
    }

    /// U5 and U6: everything received was sent, and logged as sent before.
    fn both_sides(&self, out: &mut Findings) {
        let (hers, theirs) = match (self.hers, self.theirs) {
            (Some(hers), Some(theirs)) => (hers, theirs),
            (Some(_), None) if self.restored.is_some() => {
                return out.gap(Gap::BeforeRestoration { grant: self.id });
            }
            (Some(_), None) => return out.gap(Gap::OneSided { grant: self.id }),
            _ => return out.gap(Gap::HersAbsent { grant: self.id }),
        };
        let skew = self.context.policy.skew_seconds;
        let other_words = hers.digest != theirs.digest;
        let fault = other_words.then_some(Fault::GrantTwice { grant: self.id });
        self.check(Assertion::G3, fault, theirs.spot, out);
        let none = BTreeMap::new();
        let sent_by_her = hers.passed().map_or(&none, |passed| &passed.things);
        let arrived = theirs.passed().map_or(&none, |passed| &passed.things);
        let mut lost: u64 = 0;
        for (digest, (received, spot)) in arrived {
            let sent = sent_by_her.get(digest);
            let in_time = sent.is_some_and(|(sent, _)| *sent <= received.plus(skew));
            if self.lost && !in_time {
                // That it was sent may have stood in what she lost: that is no breach of theirs.
                lost = lost.saturating_add(1);
                continue;
            }
            let never = sent.is_none().then_some(Fault::NeverSent);
            self.check(Assertion::U5, never, *spot, out);
            if let Some((sent, _)) = sent {
                let early = sent.as_unix_seconds().saturating_sub(received.as_unix_seconds());
                let early = (early > skew).then_some(Fault::ArrivedFirst { seconds: early });
                self.check(Assertion::U6, early, *spot, out);
            }
        }
        // Speaks against nobody: the shop took no proof, and no log of hers is known to be whole.
        if let count @ 1.. = tills::unanswered(hers, theirs, skew) {
            out.gap(Gap::DebitsNotAnswered { grant: self.id, count });
        }
        if lost > 0 {
            out.gap(Gap::SentLost { grant: self.id, count: lost });
        }
        let missing = sent_by_her.keys().filter(|digest| !arrived.contains_key(digest)).count();
        if let Ok(count @ 1..) = u64::try_from(missing) {
            out.gap(Gap::NotShownReceived { grant: self.id, count });
        }
    }

    /// From when on the retailer owed what a withdrawal asks for: the earliest that it answered or logged. Without an
    /// answer not before what stands before the withdrawal in its log; and nothing shows what is only in hers.
    fn heard(&self) -> Option<Timestamp> {
        let logged = self.theirs.and_then(|life| life.withdrawn.as_ref());
        let answer = self.acknowledged().map(|(answer, _)| &answer.withdrawal);
        let answered = answer.and_then(|digest| self.sides().find_map(|life| life.said(digest)));
        match answered {
            Some(at) => Some(logged.map_or(at, |logged| at.min(logged.at))),
            None => logged.map(|logged| logged.before.map_or(logged.at, |at| at.max(logged.at))),
        }
    }

    /// Whether what was due then should be shown here: it is due, and one of the books goes on after that day.
    fn is_overdue(&self, due: Timestamp) -> bool {
        self.context.now > due && self.reached.is_some_and(|reached| reached > due)
    }

    /// Whether it had ended with all others when something was due, and what was held was destroyed.
    fn is_settled(&self, due: Timestamp) -> bool {
        self.restored.is_some_and(|at| at <= due)
    }

    /// W1, and U2 where a retailer uses what it had answered the withdrawal of.
    fn withdrawal(&self, out: &mut Findings) {
        let Some(first) = self.sides().find_map(|life| life.withdrawn.as_ref()) else { return };
        let Context { policy, now, .. } = self.context;
        let (grant, heard) = (self.id, self.heard());
        let deadline = heard.unwrap_or(first.at).plus(policy.acknowledge_within_seconds);
        match (self.acknowledged(), heard) {
            (Some((acknowledgement, spot)), since) => {
                let at = acknowledgement.acknowledged;
                let seconds = between(since.unwrap_or(first.at), at);
                let fault = (at > deadline).then_some(Fault::AcknowledgedLate { grant, seconds });
                self.check(Assertion::W1, fault, spot, out);
            }
            (None, _) if self.is_settled(deadline) => {}
            (None, Some(_)) if self.is_overdue(deadline) => {
                let fault = Some(Fault::NeverAcknowledged { grant });
                self.check(Assertion::W1, fault, first.spot, out);
            }
            (None, None) if now > deadline => out.gap(Gap::NotHeard { grant }),
            (None, Some(_)) if now > deadline => out.gap(Gap::NotShownYet { grant }),
            (None, _) => out.gap(Gap::AcknowledgementPending { grant }),
        }
        // What stands in its log behind the withdrawal is found there. Of what stands before it, only what its own answer contradicts:
        // it may have heard of it late.
        let answered = self.acknowledged().map(|(answer, _)| answer.acknowledged);
        let after = |at: Timestamp| {
            let answered = answered.filter(|answered| answered.plus(policy.skew_seconds) < at)?;
            Some(Fault::AfterAnswer { grant, seconds: between(answered, at) })
        };
        match self.theirs.map(|life| (life, &life.withdrawn)) {
            Some((_, Some(logged))) => {
                if let Some((at, spot)) = logged.last_use {
                    self.check(Assertion::U2, after(at), spot, out);
                }
            }
            Some((life, None)) => {
                for used in &life.uses {
                    self.check(Assertion::U2, after(used.at), used.spot, out);
                }
            }
            None => {}
        }
    }

    /// W8: in time after the end nothing is left, and that is signed.
    fn erasure(&self, out: &mut Findings) {
        let (acknowledged, grant) = (self.acknowledged(), self.id);
        // What it never signed it may never have had.
        let revoked = self.sides().find_map(|life| life.revoked.as_deref());
        let signed = acknowledged.is_some() || revoked.is_some();
        let Some(life) = self.theirs.or_else(|| self.hers.filter(|_| signed)) else {
            return;
        };
        let Context { policy, now, .. } = self.context;
        let told = acknowledged.map(|(answer, spot)| (answer.acknowledged, spot));
        let first = self.sides().find_map(|life| life.withdrawn.as_ref());
        let heard = first.and_then(|first| self.heard().map(|at| (at, first.spot)));
        let revoked = revoked.map(|revoked| (revoked.said.revoked, revoked.spot));
        // Whoever ended it first: a revocation gives no more time than a withdrawal of that moment.
        let ends = [told.or(heard), revoked, Some((life.expires, life.spot))];
        let first = ends.into_iter().flatten().min_by_key(|(at, _)| *at);
        let (ended, spot) = first.unwrap_or((life.expires, life.spot));
        let due = ended.plus(policy.erase_within_seconds);
        // Of several the first: one that a clock signed which was ahead is signed anew.
        let erased = self.sides().filter_map(|life| life.erased.as_ref());
        match erased.min_by_key(|erased| erased.at) {
            Some(erased) => {
                let before = told.filter(|(told, _)| {
                    erased.withdrawn && erased.at.plus(policy.skew_seconds) < *told
                });
                let fault = if let Some((told, _)) = before {
                    Some(Fault::ErasedBefore { grant, seconds: between(erased.at, told) })
                } else if erased.at > due {
                    Some(Fault::ErasedLate { grant, seconds: between(due, erased.at) })
                } else {
                    None
                };
                self.check(Assertion::W8, fault, erased.spot, out);
            }
            None if self.is_settled(due) => {}
            None if self.is_overdue(due) => {
                self.check(Assertion::W8, Some(Fault::NeverErased { grant }), spot, out);
            }
            None if now > due => out.gap(Gap::NotShownYet { grant }),
            None if now >= ended => out.gap(Gap::ErasurePending { grant }),
            None => {}
        }
    }

    /// W2: keys of a day are gone soon after it, all others with the acknowledgement. What says that data is gone is
    /// handed to nobody and destroyed soon, so where it is not shown nothing is known.
    fn deletion(&self, out: &mut Findings) {
        let Some(passed) = self.theirs.and_then(Life::passed) else { return };
        let closed = self.closed();
        let mut not_shown: u64 = 0;
        for (day, released) in &passed.days {
            let end = day.start().plus(DAY_SECONDS);
            let due = end.plus(DELETION_SECONDS).plus(self.context.policy.skew_seconds);
            let deleted = passed.deleted.get(day);
            let closed = closed.as_ref();
            let with_it = closed.filter(|closed| closed.days.contains(day));
            let fault = match (deleted, with_it, closed) {
                (Some((at, _)), ..) if *at > due => Some(self.deleted_late(*day, *at, end)),
                (None, Some(closed), _) if closed.at > due => {
                    Some(self.deleted_late(*day, closed.at, end))
                }
                (Some(_), ..) | (_, Some(_), _) => None,
                // Held at the time of the answer, and left out of it.
                (None, None, Some(closed)) if closed.at <= end => {
                    Some(Fault::NotDeleted { grant: self.id, day: *day })
                }
                (None, None, _) => {
                    if self.context.now > due {
                        not_shown = not_shown.saturating_add(1);
                    }
                    continue;
                }
            };
            let spot = deleted.map_or(*released, |(_, spot)| *spot);
            self.check(Assertion::W2, fault, spot, out);
        }
        if not_shown > 0 {
            out.gap(Gap::DeletionNotShown { grant: self.id, count: not_shown });
        }
        // What is still there when it ends is for its erasure.
        let ended = closed.is_some() || self.sides().any(|life| life.erased.is_some());
        let skew = self.context.policy.skew_seconds;
        let due = passed.held_until.map(|day| day.start().plus(DELETION_SECONDS).plus(skew));
        if due.is_some_and(|due| self.context.now > due && !ended && !self.is_settled(due)) {
            out.gap(Gap::RetentionNotShown { grant: self.id });
        }
    }

    fn deleted_late(&self, day: Day, at: Timestamp, end: Timestamp) -> Fault {
        Fault::DeletedLate { grant: self.id, day, seconds: between(end, at) }
    }

    /// U9: what the retailer signed against what was shown.
    fn counts(&self, out: &mut Findings) {
        let Some(theirs) = self.theirs else { return };
        if theirs.watches.is_empty() && self.closed().is_none() {
            out.gap(Gap::NoStatement { grant: self.id });
        }
        let place_of = |spot| self.context.places.of(spot);
        for watch in &theirs.watches {
            let place = || Place::new(&BundlePath::Document(watch.document), None);
            self.count(theirs, watch.uses, watch.met, place, out);
            if let Some(spot) = watch.left_out {
                out.find(Assertion::U9, place_of(spot), self.stated(theirs, watch.uses));
            }
        }
        for closed in self.closings() {
            let met = theirs.head_at(closed.uses.count).map(|head| *head == closed.uses);
            self.count(theirs, closed.uses, met, || place_of(closed.spot), out);
            let skew = self.context.policy.skew_seconds;
            let left_out = theirs
                .uses
                .iter()
                .find(|used| used.counter > closed.uses.count && used.at.plus(skew) < closed.at);
            if let Some(used) = left_out {
                out.find(Assertion::U9, place_of(used.spot), self.stated(theirs, closed.uses));
            }
        }
    }

    /// One signed count; `met` says whether the uses had its head.
    fn count(
        &self,
        theirs: &Life,
        uses: UseHead,
        met: Option<bool>,
        place: impl FnOnce() -> Place,
        out: &mut Findings,
    ) {
        // What opens a use goes home to her: where her side is not in the bundle, neither is it.
        let beyond = uses.count.saturating_sub(theirs.shown);
        if self.hers.is_none() && beyond > 0 {
            return out.gap(Gap::UsesNotShown { grant: self.id, count: beyond });
        }
        let fault = match met {
            Some(true) => None,
            Some(false) => Some(Fault::StatedHead { grant: self.id }),
            None => Some(self.stated(theirs, uses)),
        };
        out.check(Assertion::U9, fault, place);
    }

    const fn stated(&self, theirs: &Life, uses: UseHead) -> Fault {
        Fault::Stated { grant: self.id, stated: uses.count, shown: theirs.shown }
    }
}
