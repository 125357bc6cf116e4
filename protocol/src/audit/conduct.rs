//! What was done under each grant, entry by entry of one log: liveness, terms, counters, moments.

use alloc::{boxed::Box, collections::BTreeMap, vec, vec::Vec};

use super::{
    Assertion, Fault,
    books::Book,
    findings::Findings,
    place::{Places, Spot},
};
use crate::{
    consent::{
        Acknowledgement, Action, Deleted, Deletion, Disclosed, DisclosureReceived, Erasure,
        ErasureMismatch, Grant, RecordKind, Released, Renewable, Revocation, Terms, UseHead,
        UseRecord,
    },
    crypto::Digest,
    document::Verified,
    id::GrantId,
    log::COSIGNATURE_AHEAD_MAX,
    party::{ControllerId, ShopCode},
    purpose::{DataCategory, Purpose},
    time::{Day, Timestamp},
};

/// The life of one grant as one log tells it.
///
/// While it lives, all is kept that may be asked about it; once it was withdrawn, what may still be asked.
#[derive(Debug)]
pub(super) struct Life {
    /// Of the grant's payload.
    pub(super) digest: Digest,
    pub(super) spot: Spot,
    /// Which of the pinned retailers it was given to.
    pub(super) pinned: usize,
    pub(super) subject_key: [u8; 32],
    given: Timestamp,
    pub(super) expires: Timestamp,
    /// What is to be erased after it.
    categories: Box<[DataCategory]>,
    /// Who is to be told then.
    recipients: Box<[ControllerId]>,
    /// Until it is withdrawn.
    open: Option<Box<Open>>,
    pub(super) withdrawn: Option<Withdrawn>,
    /// When she withdrew it again, by the digests of those withdrawals: a vault that was restored does not know the first.
    again: Vec<(Digest, Timestamp)>,
    pub(super) erased: Option<Erased>,
    pub(super) revoked: Option<Box<Revoked>>,
    pub(super) acknowledged: Option<Box<(Acknowledgement, Spot)>>,
    passed: Option<Box<Passed>>,
    /// Head of the uses after each of them; the first is before any, or before the withdrawal.
    heads: Vec<UseHead>,
    /// Those since `heads` begins.
    pub(super) uses: Vec<Use>,
    /// The highest number of a use that was shown.
    pub(super) shown: u64,
    /// Counts that the retailer signed apart from the log.
    pub(super) watches: Vec<Watch>,
    pub(super) renewed: Option<Renewed>,
    /// The entry by which what it took the place of was withdrawn.
    pub(super) cut: Option<u64>,
    /// The entry by which the retailer ended all grants.
    pub(super) restored: Option<u64>,
}

/// Which grant took its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Renewed {
    pub(super) by: GrantId,
    pub(super) index: u64,
}

/// What is needed while a grant lives only.
#[derive(Debug)]
struct Open {
    terms: Terms,
    per_day: BTreeMap<(ShopCode, Day), u16>,
}

/// How it ended.
#[derive(Debug)]
pub(super) struct Withdrawn {
    pub(super) at: Timestamp,
    /// Of the withdrawal's payload.
    pub(super) digest: Digest,
    pub(super) spot: Spot,
    /// The latest moment before this entry of the log that tells it.
    pub(super) before: Option<Timestamp>,
    /// The latest use before this entry.
    pub(super) last_use: Option<(Timestamp, Spot)>,
}

/// What the retailer signed about the end of what it held.
#[derive(Debug)]
pub(super) struct Erased {
    pub(super) at: Timestamp,
    /// It names a withdrawal; else the grant had run out.
    pub(super) withdrawn: bool,
    pub(super) spot: Spot,
}

/// How the retailer ended it.
#[derive(Debug)]
pub(super) struct Revoked {
    pub(super) said: Revocation,
    /// Of its payload.
    pub(super) digest: Digest,
    pub(super) spot: Spot,
}

/// Most withdrawals of one grant after the first that are known: one for each restore.
const AGAIN_MAX: usize = 16;

/// What went from her to the retailer.
#[derive(Debug, Default)]
pub(super) struct Passed {
    /// What left (her log) or arrived (the retailer's), by digest or commitment.
    pub(super) things: BTreeMap<Digest, (Timestamp, Spot)>,
    /// When she answered a till: her log says no more.
    pub(super) answered: Vec<Timestamp>,
    /// What she is said to have signed at a till.
    pub(super) debited: Vec<Timestamp>,
    /// Days whose keys left or arrived.
    pub(super) days: BTreeMap<Day, Spot>,
    /// When the keys of a day were deleted.
    pub(super) deleted: BTreeMap<Day, (Timestamp, Spot)>,
    /// The day on which the data that arrived last has to be gone, as long as no entry says that it is.
    pub(super) held_until: Option<Day>,
}

/// What has to be deleted by itself is gone this long after it was over, in seconds.
pub(super) const DELETION_SECONDS: u64 = 30 * 60;

/// One use.
#[derive(Clone, Copy, Debug)]
pub(super) struct Use {
    pub(super) at: Timestamp,
    pub(super) counter: u64,
    pub(super) spot: Spot,
}

/// A count that the retailer signed in a document beside the log, held against the uses as they pass.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    pub(super) uses: UseHead,
    pub(super) stated: Timestamp,
    /// Names the document.
    pub(super) document: Digest,
    /// Whether the uses had this head when they had this count; nothing before they had.
    pub(super) met: Option<bool>,
    /// The first use that had happened when it was signed, and was not counted.
    pub(super) left_out: Option<Spot>,
}

impl Watch {
    fn head(&mut self, head: &UseHead) {
        if self.met.is_none() && head.count == self.uses.count {
            self.met = Some(*head == self.uses);
        }
    }
}

impl Life {
    pub(super) fn of(
        grant: Verified<Grant>,
        digest: Digest,
        pinned: usize,
        mut watches: Vec<Watch>,
        spot: Spot,
    ) -> Self {
        let (grant, _) = grant.into_parts();
        let start = UseHead::start(grant.id);
        let categories = grant.terms.categories.keys().copied().collect();
        let recipients = grant.terms.recipients.clone().into_boxed_slice();
        for watch in &mut watches {
            watch.head(&start);
        }
        Self {
            digest,
            spot,
            pinned,
            subject_key: *grant.subject_key.as_bytes(),
            given: grant.given,
            expires: grant.expires,
            categories,
            recipients,
            open: Some(Box::new(Open { terms: grant.terms, per_day: BTreeMap::new() })),
            withdrawn: None,
            again: Vec::new(),
            erased: None,
            revoked: None,
            acknowledged: None,
            passed: None,
            heads: vec![start],
            uses: Vec::new(),
            shown: 0,
            watches,
            renewed: None,
            cut: None,
            restored: None,
        }
    }

    /// Whether `new` may take its place at an entry: W6 if not. `one`: whether both are of one pseudonym.
    pub(super) fn renewable_by(
        &self,
        new: &Grant,
        controller: &ControllerId,
        one: bool,
    ) -> Option<Fault> {
        let old = new.supersedes?.grant;
        let known = Renewable {
            controller,
            digest: self.digest,
            expires: self.expires,
            given: self.given,
            grant: old,
            purpose: self.open.as_ref().map(|open| open.terms.purpose),
        };
        let grant = new.id;
        if let Err(source) = new.renews_one(&known, one) {
            return Some(Fault::NotARenewal { grant, source });
        }
        if let Some(withdrawn) = self.withdrawn.as_ref().map(|withdrawn| withdrawn.spot.index) {
            return Some(Fault::RenewsWithdrawn { grant, withdrawn });
        }
        if let Some(revoked) = self.revoked.as_ref().map(|revoked| revoked.spot.index) {
            return Some(Fault::AfterRevocation { grant: old, revoked });
        }
        // It had ended with what it took the place of, or with the log.
        if let Some(withdrawn) = self.cut {
            return Some(Fault::RenewsWithdrawn { grant, withdrawn });
        }
        if let Some(restored) = self.restored {
            return Some(Fault::AfterRestoration { grant: old, restored });
        }
        self.renewed.is_some().then_some(Fault::RenewedTwice { grant: old })
    }

    /// Whether it was given before a moment.
    pub(super) fn was_given_before(&self, at: Timestamp) -> bool {
        self.given < at
    }

    /// What passed under it, if anything did.
    pub(super) fn passed(&self) -> Option<&Passed> {
        self.passed.as_deref()
    }

    /// Ends it. What is asked about a grant that ended begins here: who then signs fewer uses than stand before
    /// this entry leaves some out, whichever they are.
    pub(super) fn withdraw(
        &mut self,
        at: Timestamp,
        digest: Digest,
        spot: Spot,
        before: Option<Timestamp>,
    ) {
        if self.withdrawn.is_some() {
            if self.said(&digest).is_none() && self.again.len() < AGAIN_MAX {
                self.again.push((digest, at));
            }
            return;
        }
        let last_use = self.uses.iter().map(|used| (used.at, used.spot)).max();
        self.withdrawn = Some(Withdrawn { at, digest, spot, before, last_use });
        self.open = None;
        // With no room to spare: there may be many that ended.
        self.heads = self.heads.last().map_or_else(Vec::new, |head| vec![*head]);
        self.uses = Vec::new();
    }

    /// When she said the withdrawal with this digest, if it stands in this book.
    pub(super) fn said(&self, digest: &Digest) -> Option<Timestamp> {
        let first = self.withdrawn.iter().map(|first| (&first.digest, first.at));
        let mut all = first.chain(self.again.iter().map(|(digest, at)| (digest, *at)));
        all.find(|(other, _)| *other == digest).map(|(_, at)| at)
    }

    /// Whether an erasure is of this grant: G1 if it is not.
    pub(super) fn ends_with(
        &self,
        erasure: &Erasure,
        controller: &ControllerId,
    ) -> Result<(), ErasureMismatch> {
        let ended = match (&erasure.withdrawal, &erasure.revocation) {
            (Some(withdrawal), _) => self.said(withdrawal).is_some(),
            (None, Some(revocation)) => self.revoked.as_ref().is_some_and(|revoked| {
                revoked.digest == *revocation && revoked.said.revoked <= erasure.erased
            }),
            (None, None) => erasure.erased >= self.expires,
        };
        if erasure.controller != *controller {
            Err(ErasureMismatch::Controller)
        } else if erasure.grant_digest != self.digest {
            Err(ErasureMismatch::Grant)
        } else if ended {
            Ok(())
        } else {
            Err(ErasureMismatch::Withdrawal)
        }
    }

    /// Whether an erasure of it is of all that it allowed: W8 if it is not.
    pub(super) fn leaves_nothing(&self, erasure: &Erasure) -> Result<(), ErasureMismatch> {
        if *erasure.categories != *self.categories {
            Err(ErasureMismatch::Categories)
        } else if *erasure.recipients != *self.recipients {
            Err(ErasureMismatch::Recipients)
        } else {
            Ok(())
        }
    }

    /// The head after `count` uses, if it was shown.
    pub(super) fn head_at(&self, count: u64) -> Option<&UseHead> {
        self.heads.iter().find(|head| head.count == count)
    }

    /// Takes one more use into the chain: U8. `head` is what its own record leads to.
    fn follow(&mut self, record: &UseRecord, head: Digest, skew: u64, spot: Spot) -> Option<Fault> {
        let grant = record.grant;
        let before = self.heads.last().copied().unwrap_or_else(|| UseHead::start(grant));
        let next = before.count.saturating_add(1);
        let fault = if record.counter < next {
            Some(Fault::CountedTwice { grant })
        } else if record.counter > next {
            Some(Fault::Hidden { grant, first: next, last: record.counter.saturating_sub(1) })
        } else if record.prev != before.head {
            Some(Fault::Chain { grant })
        } else {
            None
        };
        let count = record.counter.saturating_sub(1).saturating_add(1);
        let head = UseHead { count, head };
        for watch in &mut self.watches {
            watch.head(&head);
            let left_out = record.counter > watch.uses.count && record.at.plus(skew) < watch.stated;
            if left_out {
                watch.left_out.get_or_insert(spot);
            }
        }
        self.shown = self.shown.max(count);
        self.heads.push(head);
        self.uses.push(Use { at: record.at, counter: record.counter, spot });
        fault
    }
}

/// What is asked of a grant at an entry.
struct Asked<'l, 'o, 'p> {
    life: &'l mut Life,
    out: &'o mut Findings,
    places: Places<'p>,
    spot: Spot,
}

impl Asked<'_, '_, '_> {
    fn check(&mut self, assertion: Assertion, fault: Option<Fault>) -> bool {
        let (places, spot) = (self.places, self.spot);
        self.out.check(assertion, fault, || places.of(spot))
    }

    /// U1 and U2: whether the grant was live at this entry and moment.
    fn live(&mut self, grant: GrantId, at: Timestamp, skew: u64) -> bool {
        let dead = if at < self.life.given.minus(skew) {
            Some(Fault::BeforeGiven { grant })
        } else if at >= self.life.expires {
            Some(Fault::Expired { grant })
        } else {
            None
        };
        let withdrawn = self.life.withdrawn.as_ref().map(|withdrawn| withdrawn.spot.index);
        let after = withdrawn.map(|withdrawn| Fault::AfterWithdrawal { grant, withdrawn });
        let revoked = self.life.revoked.as_ref().map(|revoked| revoked.spot.index);
        let after =
            after.or_else(|| revoked.map(|revoked| Fault::AfterRevocation { grant, revoked }));
        let restored = self.life.restored;
        let restored = restored.map(|restored| Fault::AfterRestoration { grant, restored });
        // She withdraws what is to take its place with it: either way nothing may follow.
        let renewed = self.life.renewed.map(|it| Fault::AfterRenewal { grant, renewed: it.index });
        let cut = self.life.cut.map(|withdrawn| Fault::RenewsWithdrawn { grant, withdrawn });
        let replaced = cut.or(renewed);
        let stands = replaced.is_none_or(|fault| self.check(Assertion::W6, Some(fault)));
        let alive = self.check(Assertion::U1, dead);
        self.check(Assertion::U2, after.or(restored)) && alive && stands
    }
}

impl Book<'_> {
    /// What was done, other than a use.
    pub(super) fn plain(&mut self, record: &RecordKind, spot: Spot) {
        let hers = self.retailer.is_none();
        match record {
            RecordKind::Released(released) if hers => self.released(released, spot),
            RecordKind::ReleaseReceived(released) if !hers => self.released(released, spot),
            RecordKind::Disclosed(disclosed) if hers => self.disclosed(disclosed, spot),
            RecordKind::DisclosureReceived(received) if !hers => self.received(received, spot),
            RecordKind::Deleted(deleted) if !hers => self.deleted(deleted, spot),
            RecordKind::Published(published) if !hers => self.moment(published.at, spot),
            RecordKind::Anchor(anchor) if hers && spot.index == 0 => self.moment(anchor.at, spot),
            RecordKind::Discrepancy(said) if !hers => self.moment(said.at, spot),
            RecordKind::Delegated(said) if hers => self.delegated(said, spot),
            _ => self.foreign(spot),
        }
    }

    fn foreign(&mut self, spot: Spot) {
        let place = self.context.places.of(spot);
        self.conduct.find(Assertion::G2, place, Fault::ForeignDocument);
    }

    /// The life of a grant at an entry; U1 if there is none.
    fn asked(&mut self, grant: GrantId, spot: Spot) -> Option<Asked<'_, '_, '_>> {
        let places = self.context.places;
        let out = &mut self.conduct;
        let Some(life) = self.lives.get_mut(&grant) else {
            out.check(Assertion::U1, Some(Fault::NoGrant { grant }), || places.of(spot));
            return None;
        };
        Some(Asked { life, out, places, spot })
    }

    fn released(&mut self, released: &Released, spot: Spot) {
        self.moment(released.at, spot);
        let (id, skew) = (released.grant, self.context.policy.skew_seconds);
        let Some(mut asked) = self.asked(id, spot) else { return };
        if !asked.live(id, released.at, skew) {
            return;
        }
        let Some(open) = &asked.life.open else { return };
        let other = open.terms.purpose.releases().is_none();
        let other = other.then_some(Fault::Purpose { grant: id });
        let first = Day::of(released.at.minus(skew));
        let last = Day::of(released.at.plus(skew)).plus(u32::from(open.terms.release_ahead_days));
        let outside = released.day < first
            || released.day > last
            || released.day.start() >= asked.life.expires;
        let outside = outside.then_some(Fault::ReleasedDay { grant: id });
        asked.check(Assertion::U4, other);
        asked.check(Assertion::U3, outside);
        // Logged anew in a log that goes on: the first time counts.
        let passed = asked.life.passed.get_or_insert_default();
        passed.things.entry(released.commit).or_insert((released.at, spot));
        passed.days.insert(released.day, spot);
    }

    fn disclosed(&mut self, disclosed: &Disclosed, spot: Spot) {
        self.moment(disclosed.at, spot);
        let (id, skew) = (disclosed.grant, self.context.policy.skew_seconds);
        let Some(mut asked) = self.asked(id, spot) else { return };
        if !asked.live(id, disclosed.at, skew) {
            return;
        }
        let Some(open) = &asked.life.open else { return };
        let named = &open.terms.categories;
        let beyond = disclosed.categories.iter().any(|category| !named.contains_key(category));
        asked.check(Assertion::U3, beyond.then_some(Fault::Category { grant: id }));
        let passed = asked.life.passed.get_or_insert_default();
        if disclosed.categories == [DataCategory::TillAnswers] {
            passed.answered.push(disclosed.at);
        } else {
            passed.things.entry(disclosed.digest).or_insert((disclosed.at, spot));
        }
    }

    fn received(&mut self, received: &DisclosureReceived, spot: Spot) {
        self.moment(received.at, spot);
        let (id, skew) = (received.grant, self.context.policy.skew_seconds);
        let Some(mut asked) = self.asked(id, spot) else { return };
        if !asked.live(id, received.at, skew) {
            return;
        }
        let Some(open) = &asked.life.open else { return };
        // What arrives takes the place of what had arrived.
        let over = Day::of(received.at).plus(u32::from(open.terms.retention_days));
        let passed = asked.life.passed.get_or_insert_default();
        passed.held_until = Some(over);
        passed.things.insert(received.digest, (received.at, spot));
    }

    fn deleted(&mut self, deleted: &Deleted, spot: Spot) {
        self.moment(deleted.at, spot);
        let (grant, skew) = (deleted.grant, self.context.policy.skew_seconds);
        let Some(mut asked) = self.asked(grant, spot) else { return };
        let passed = asked.life.passed.get_or_insert_default();
        for day in &deleted.days {
            passed.deleted.entry(*day).or_insert((deleted.at, spot));
        }
        // Where days are named, keys went; with the end of a grant data may have gone with them.
        let (data, keys) = (deleted.days.is_empty(), deleted.reason == Deletion::DayOver);
        let over = if data || !keys { passed.held_until.take() } else { None };
        if let Some(over) = over.map(Day::start).filter(|_| data) {
            let seconds = deleted.at.as_unix_seconds().saturating_sub(over.as_unix_seconds());
            let late = seconds > DELETION_SECONDS.saturating_add(skew);
            asked.check(Assertion::W2, late.then_some(Fault::HeldTooLong { grant, seconds }));
        }
    }

    /// One use; `head` is what its record leads to.
    pub(super) fn used(&mut self, record: &UseRecord, head: Digest, spot: Spot) {
        if self.retailer.is_none() {
            return self.foreign(spot);
        }
        self.moment(record.at, spot);
        let (id, skew) = (record.grant, self.context.policy.skew_seconds);
        let Some(mut asked) = self.asked(id, spot) else { return };
        if asked.live(id, record.at, skew)
            && let Some(open) = &mut asked.life.open
        {
            let purpose = match record.action {
                Action::Recognised | Action::RecognisedUnbound => Purpose::Recognition,
                Action::Greeted => Purpose::StaffGreeting,
                Action::Identified | Action::Debited => Purpose::LoyaltyAccount,
                Action::WishAccepted => Purpose::WishBroadcast,
                Action::ReceiptFound => Purpose::Receipts,
            };
            let other = open.terms.purpose != purpose;
            let foreign = !open.terms.shops.contains(&record.shop);
            let count = open.per_day.entry((record.shop, Day::of(record.at))).or_default();
            *count = count.saturating_add(1);
            let allowed = open.terms.frequency_per_day;
            let often = *count > allowed;
            asked.check(Assertion::U4, other.then_some(Fault::Purpose { grant: id }));
            asked.check(Assertion::U3, foreign.then_some(Fault::Shop { grant: id }));
            asked.check(Assertion::U3, often.then_some(Fault::Frequency { grant: id, allowed }));
            if record.action == Action::Debited {
                let passed = asked.life.passed.get_or_insert_default();
                passed.debited.push(record.at);
            }
        }
        let chain = asked.life.follow(record, head, skew, spot);
        asked.check(Assertion::U8, chain);
    }

    /// L8: within the skew, no entry is older than one before it, nor of a moment after witnesses had seen it,
    /// whose clocks may differ as far as a cosignature counts.
    pub(super) fn moment(&mut self, at: Timestamp, spot: Spot) {
        let last = self.last.unwrap_or(at);
        let back = last.as_unix_seconds().saturating_sub(at.as_unix_seconds());
        let late = back > self.context.policy.skew_seconds;
        let places = self.context.places;
        let fault = late.then_some(Fault::Backwards { seconds: back });
        self.conduct.check(Assertion::L8, fault, || places.of(spot));
        if let Some(seen) = self.seen
            && let ahead @ 1.. = at.as_unix_seconds().saturating_sub(seen.as_unix_seconds())
            && ahead > self.context.policy.skew_seconds.saturating_add(COSIGNATURE_AHEAD_MAX)
        {
            let fault = Fault::SeenBefore { seconds: ahead };
            self.conduct.find(Assertion::L8, places.of(spot), fault);
        }
        self.last = Some(last.max(at));
    }
}
