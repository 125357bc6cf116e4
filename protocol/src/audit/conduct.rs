//! What was done under each grant, entry by entry of one log: liveness, terms, counters, moments.

use alloc::{collections::BTreeMap, vec, vec::Vec};

use super::{
    Assertion, Fault, Place, Policy,
    books::{Books, Content, Item},
    report::Findings,
};
use crate::{
    consent::{
        Acknowledgement, Action, Deleted, Disclosed, DisclosureReceived, Grant, RecordKind,
        Released, UseHead, UseRecord,
    },
    crypto::Digest,
    document::Verified,
    id::GrantId,
    party::ShopCode,
    purpose::Purpose,
    time::{Day, Timestamp},
};

/// The life of one grant as one log tells it.
#[derive(Debug)]
pub(super) struct Life<'a> {
    pub(super) grant: &'a Verified<Grant>,
    pub(super) place: &'a Place,
    /// Entry and moment of the withdrawal.
    pub(super) withdrawn: Option<(u64, Timestamp, &'a Place)>,
    pub(super) acknowledged: Option<(&'a Acknowledgement, &'a Place)>,
    /// What left (her log) or arrived (the retailer's), by digest or commitment.
    pub(super) passed: BTreeMap<Digest, (Timestamp, &'a Place)>,
    /// Days whose keys left or arrived.
    pub(super) days: BTreeMap<Day, &'a Place>,
    /// When the keys of a day were deleted.
    pub(super) deleted: BTreeMap<Day, (Timestamp, &'a Place)>,
    /// Head of the uses after each of them; the first is before any.
    pub(super) heads: Vec<UseHead>,
    /// Moment and number of each use.
    pub(super) uses: Vec<(Timestamp, u64, &'a Place)>,
    /// Entries of the log that tells it are known to be gone.
    pub(super) lost: bool,
    per_day: BTreeMap<(ShopCode, Day), u16>,
}

/// Judges one log, entry by entry.
pub(super) fn judge<'a>(
    books: &'a Books<'a>,
    policy: &Policy,
    out: &mut Findings,
) -> BTreeMap<GrantId, Life<'a>> {
    let mut judge =
        Judge { books, skew: policy.skew_seconds, lives: BTreeMap::new(), last: None, out };
    for item in &books.items {
        judge.item(item);
    }
    judge.lives
}

struct Judge<'a, 'o> {
    books: &'a Books<'a>,
    skew: u64,
    lives: BTreeMap<GrantId, Life<'a>>,
    /// Latest moment of an entry so far.
    last: Option<Timestamp>,
    out: &'o mut Findings,
}

impl<'a> Judge<'a, '_> {
    fn item(&mut self, item: &'a Item<'a>) {
        match &item.content {
            Content::Request(_) | Content::Public => {}
            Content::Grant(id) => self.given(*id, item),
            Content::Withdrawal(withdrawal) => {
                let withdrawn = (item.index, withdrawal.payload().withdrawn, item.place);
                if let Some(life) = self.lives.get_mut(&withdrawal.payload().grant) {
                    life.withdrawn.get_or_insert(withdrawn);
                }
            }
            Content::Acknowledgement(acknowledgement) => {
                let acknowledgement = acknowledgement.payload();
                if let Some(life) = self.lives.get_mut(&acknowledgement.grant) {
                    life.acknowledged.get_or_insert((acknowledgement, item.place));
                }
            }
            Content::Plain(record) => self.plain(record, item),
        }
    }

    fn given(&mut self, id: GrantId, item: &'a Item<'a>) {
        let Some((_, grant)) = self.books.grants.get(&id) else { return };
        self.lives.entry(id).or_insert_with(|| Life {
            grant,
            place: item.place,
            withdrawn: None,
            acknowledged: None,
            passed: BTreeMap::new(),
            days: BTreeMap::new(),
            deleted: BTreeMap::new(),
            heads: vec![UseHead::start(id)],
            uses: Vec::new(),
            lost: self.books.lost,
            per_day: BTreeMap::new(),
        });
    }

    fn plain(&mut self, record: &'a RecordKind, item: &'a Item<'a>) {
        let hers = self.books.retailer.is_none();
        match record {
            RecordKind::Released(released) if hers => self.released(released, item),
            RecordKind::ReleaseReceived(released) if !hers => self.released(released, item),
            RecordKind::Disclosed(disclosed) if hers => self.disclosed(disclosed, item),
            RecordKind::DisclosureReceived(received) if !hers => self.received(received, item),
            RecordKind::Use(record) if !hers => self.used(record, item),
            RecordKind::Deleted(deleted) if !hers => self.deleted(deleted, item),
            RecordKind::Published(published) if !hers => self.moment(published.at, item),
            RecordKind::Anchor(anchor) if hers && item.index == 0 => self.moment(anchor.at, item),
            RecordKind::Discrepancy(said) if !hers => self.moment(said.at, item),
            _ => {
                let place = item.place.clone();
                self.out.find(Assertion::G2, place, Fault::ForeignDocument);
            }
        }
    }

    fn released(&mut self, released: &'a Released, item: &'a Item<'a>) {
        self.moment(released.at, item);
        if !self.live(released.grant, released.at, item) {
            return;
        }
        let skew = self.skew;
        let Some(life) = self.lives.get_mut(&released.grant) else { return };
        let (id, terms) = (released.grant, &life.grant.payload().terms);
        let other = terms.purpose.releases().is_none();
        let other = other.then_some(Fault::Purpose { grant: id });
        let first = Day::of(released.at.minus(skew));
        let last = Day::of(released.at.plus(skew)).plus(u32::from(terms.release_ahead_days));
        let outside = released.day < first
            || released.day > last
            || released.day.start() >= life.grant.payload().expires;
        let outside = outside.then_some(Fault::ReleasedDay { grant: id });
        self.out.check(Assertion::U4, item.place, other);
        self.out.check(Assertion::U3, item.place, outside);
        // Logged anew in a log that goes on: the first time counts.
        life.passed.entry(released.commit).or_insert((released.at, item.place));
        life.days.insert(released.day, item.place);
    }

    fn disclosed(&mut self, disclosed: &'a Disclosed, item: &'a Item<'a>) {
        self.moment(disclosed.at, item);
        if !self.live(disclosed.grant, disclosed.at, item) {
            return;
        }
        let Some(life) = self.lives.get_mut(&disclosed.grant) else { return };
        let named = &life.grant.payload().terms.categories;
        let beyond = disclosed.categories.iter().any(|category| !named.contains_key(category));
        let beyond = beyond.then_some(Fault::Category { grant: disclosed.grant });
        self.out.check(Assertion::U3, item.place, beyond);
        life.passed.entry(disclosed.digest).or_insert((disclosed.at, item.place));
    }

    fn received(&mut self, received: &'a DisclosureReceived, item: &'a Item<'a>) {
        self.moment(received.at, item);
        if self.live(received.grant, received.at, item)
            && let Some(life) = self.lives.get_mut(&received.grant)
        {
            life.passed.insert(received.digest, (received.at, item.place));
        }
    }

    fn deleted(&mut self, deleted: &'a Deleted, item: &'a Item<'a>) {
        self.moment(deleted.at, item);
        let Some(life) = self.lives.get_mut(&deleted.grant) else {
            let fault = Fault::NoGrant { grant: deleted.grant };
            self.out.check(Assertion::U1, item.place, Some(fault));
            return;
        };
        for day in &deleted.days {
            life.deleted.entry(*day).or_insert((deleted.at, item.place));
        }
    }

    fn used(&mut self, record: &'a UseRecord, item: &'a Item<'a>) {
        self.moment(record.at, item);
        let alive = self.live(record.grant, record.at, item);
        let Some(life) = self.lives.get_mut(&record.grant) else { return };
        let (id, terms) = (record.grant, &life.grant.payload().terms);
        if alive {
            let purpose = match record.action {
                Action::Recognised | Action::RecognisedUnbound => Purpose::Recognition,
                Action::Greeted => Purpose::StaffGreeting,
                Action::Identified | Action::Debited => Purpose::LoyaltyAccount,
            };
            let other = (terms.purpose != purpose).then_some(Fault::Purpose { grant: id });
            self.out.check(Assertion::U4, item.place, other);
            let foreign = !terms.shops.contains(&record.shop);
            self.out.check(Assertion::U3, item.place, foreign.then_some(Fault::Shop { grant: id }));
            let count = life.per_day.entry((record.shop, Day::of(record.at))).or_default();
            *count = count.saturating_add(1);
            let allowed = terms.frequency_per_day;
            let often = (*count > allowed).then_some(Fault::Frequency { grant: id, allowed });
            self.out.check(Assertion::U3, item.place, often);
        }
        let chain = life.follow(record, item);
        self.out.check(Assertion::U8, item.place, chain);
    }

    /// U1 and U2: whether the grant was live at this entry and moment.
    fn live(&mut self, grant: GrantId, at: Timestamp, item: &'a Item<'a>) -> bool {
        let Some(life) = self.lives.get(&grant) else {
            return self.out.check(Assertion::U1, item.place, Some(Fault::NoGrant { grant }));
        };
        let given = life.grant.payload();
        let dead = if at < given.given.minus(self.skew) {
            Some(Fault::BeforeGiven { grant })
        } else if at >= given.expires {
            Some(Fault::Expired { grant })
        } else {
            None
        };
        let after =
            life.withdrawn.map(|(withdrawn, ..)| Fault::AfterWithdrawal { grant, withdrawn });
        let alive = self.out.check(Assertion::U1, item.place, dead);
        self.out.check(Assertion::U2, item.place, after) && alive
    }

    /// L8: within the skew, no entry is older than one before it.
    fn moment(&mut self, at: Timestamp, item: &'a Item<'a>) {
        let last = self.last.unwrap_or(at);
        let back = last.as_unix_seconds().saturating_sub(at.as_unix_seconds());
        let fault = (back > self.skew).then_some(Fault::Backwards { seconds: back });
        self.out.check(Assertion::L8, item.place, fault);
        self.last = Some(last.max(at));
    }
}

impl<'a> Life<'a> {
    /// Takes one more use into the chain: U8.
    fn follow(&mut self, record: &UseRecord, item: &'a Item<'a>) -> Option<Fault> {
        let grant = record.grant;
        let head = self.heads.last().copied().unwrap_or_else(|| UseHead::start(grant));
        let next = head.count.saturating_add(1);
        let fault = if record.counter < next {
            Some(Fault::CountedTwice { grant })
        } else if record.counter > next {
            Some(Fault::Hidden { grant, first: next, last: record.counter.saturating_sub(1) })
        } else if record.prev != head.head {
            Some(Fault::Chain { grant })
        } else {
            None
        };
        let before = UseHead { count: record.counter.saturating_sub(1), head: record.prev };
        let salt = item.opening.salt.as_bytes();
        self.heads.push(before.after(salt, item.opening.record.as_ref()));
        self.uses.push((record.at, record.counter, item.place));
        fault
    }

    /// The head after `count` uses, if it was shown.
    pub(super) fn head_at(&self, count: u64) -> Option<&UseHead> {
        self.heads.iter().find(|head| head.count == count)
    }

    /// How many uses were shown.
    pub(super) fn shown(&self) -> u64 {
        self.heads.iter().map(|head| head.count).max().unwrap_or(0)
    }
}
