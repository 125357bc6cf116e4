//! What time brings: keys of new days, the end of old ones, expiry, deadlines, and the manifest that says
//! so.

use besace_protocol::{
    consent::{Deleted, Deletion, RecordKind},
    crypto::{SealingSecretKey, SigningKey},
    document::{SignDocumentError, sign},
    encoding::Bytes,
    id::{GrantId, Handle},
    jws::Role,
    party::{DayKeys, Manifest, Shop, ShopAnchor, ShopCode},
    presence::{ShopChain, ShopId},
    time::{DAY_SECONDS, Day, Timestamp},
};
use rand_core::CryptoRngCore;

use crate::{
    Retailer,
    clock::note_clock,
    group::DueOpening,
    retailer::Own,
    store::{DocumentKind, Session, StoreError, StoredState},
};

/// Seconds after midnight UTC until which the keys of the day before live: its last epoch is accepted for
/// twenty minutes, and by half past all has to be gone (`spec/presence.md`), timers being late.
const GRACE_SECONDS: u64 = 25 * 60;

/// Days ahead that have keys. A grant releases at most six days ahead; the next manifest may be a day late.
const DAYS_AHEAD: u32 = 7;

/// Days ahead that no clock a little off has made keys for: those were made in another year.
const FAR_DAYS: u32 = 30;

/// Seconds that a manifest is valid.
const MANIFEST_SECONDS: u64 = 2 * DAY_SECONDS;

/// Seconds for which a consent has to be shown after the end that it names: five years, as long as somebody may go to
/// court about it (Code civil, article 2224). A grant lives for less, so none that is destroyed could be given again.
pub(crate) const PROOF_SECONDS: u64 = 1_827 * DAY_SECONDS;

/// What was due was not done.
#[derive(Debug, thiserror::Error)]
pub enum TidyError {
    /// The identity makes no manifest.
    #[error("manifest was not signed")]
    Manifest(#[source] SignDocumentError),
    /// The store failed.
    #[error("what was due was not stored")]
    Store(#[from] StoreError),
}

/// What [`Retailer::tidy`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tidied {
    /// Days whose secrets were destroyed.
    pub days: usize,
    /// Deletions of released keys or data that were logged.
    pub deletions: usize,
    /// Erasures that were signed.
    pub erasures: usize,
    /// Grants that expired.
    pub expired: usize,
    /// Sealed messages destroyed at their deadline.
    pub mail: usize,
    /// Negotiations that lapsed, or were forgotten.
    pub negotiations: usize,
    /// What opens entries of the log, destroyed by rule.
    pub openings: usize,
    /// Whether a new manifest was published.
    pub manifest: bool,
    /// Whether voucher keys of a week were published.
    pub voucher_keys: bool,
    /// Kinds of which nothing was done, because something of them cannot be read: [`Retailer::undone`].
    pub undone: usize,
}

/// What is due, by kind. Each kind is done wholly or not at all, whatever becomes of the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Grants that are over.
    Grants,
    /// Released keys of days that are over.
    Keys,
    /// Data that has reached its deadline.
    Data,
    /// Erasures of grants that are over.
    Erasures,
    /// Sealed messages at their deadline.
    Mail,
    /// What opens entries of the log.
    Openings,
    /// What is remembered of calls, tills and the uses of a day.
    Passing,
    /// Negotiations.
    Negotiations,
    /// The secrets of days, and the manifest that names them.
    Days,
    /// Voucher keys.
    Vouchers,
}

impl Due {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Grants => "grants",
            Self::Keys => "keys",
            Self::Data => "data",
            Self::Erasures => "erasures",
            Self::Mail => "mail",
            Self::Openings => "openings",
            Self::Passing => "passing",
            Self::Negotiations => "negotiations",
            Self::Days => "days",
            Self::Vouchers => "vouchers",
        }
    }
}

/// A kind of which nothing was done.
#[derive(Debug)]
pub struct Undone {
    /// Which one.
    pub kind: Due,
    /// Why.
    pub error: StoreError,
}

impl Retailer {
    /// Does what is due at `now`. To be called at the start and every few minutes; once is as good as
    /// often.
    ///
    /// Something stored that cannot be read keeps its kind, and no other: [`undone`](Self::undone) says which. A store that
    /// takes nothing is an error.
    pub fn tidy(
        &mut self,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Tidied, TidyError> {
        let tidied = self.in_group(now, rng, |retailer, rng| retailer.do_what_is_due(now, rng))?;
        self.tidied = Some(now);
        Ok(tidied)
    }

    fn do_what_is_due(
        &mut self,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Tidied, TidyError> {
        let first = first_live_day(now);
        let today = Day::of(now);
        self.undone.clear();
        let mut tidied = Tidied::default();
        let ended = self.due(Due::Grants, |own, session, _| own.end_grants(session, now, rng))?;
        if let Some((ended, deletions)) = ended {
            tidied.expired = ended.len();
            tidied.deletions = deletions;
            for (grant, handle) in ended {
                self.live.forget(grant, &handle);
            }
        }
        let keys = self.due(Due::Keys, |own, session, _| own.end_keys(session, first, now, rng))?;
        let data = self.due(Due::Data, |own, session, _| own.end_data(session, now, rng))?;
        for deletions in [keys, data].into_iter().flatten() {
            tidied.deletions = tidied.deletions.saturating_add(deletions);
        }
        let erasures = self.due(Due::Erasures, |own, session, due| {
            let signed = own.sign_due_erasures(session, due, now, rng)?;
            if signed > 0 {
                own.ledger.seal(session)?;
            }
            Ok(signed)
        })?;
        tidied.erasures = erasures.unwrap_or_default();
        let mail = self.due(Due::Mail, |_, session, _| Ok(session.delete_mail_due(today)?))?;
        tidied.mail = mail.unwrap_or_default();
        let openings = self.due(Due::Openings, |_, session, _| {
            let due = session.destroy_openings_due(today)?;
            let proofs = session.destroy_grants_before(now.minus(PROOF_SECONDS), today)?;
            Ok(due.saturating_add(proofs))
        })?;
        tidied.openings = openings.unwrap_or_default();
        // By itself: what else passes may be damaged, and the clock is not in doubt for that.
        self.due(Due::Passing, |_, session, _| Ok(note_clock(session, now)?))?;
        self.due(Due::Passing, |_, session, _| {
            session.forget_messages(now)?;
            session.forget_tills(now)?;
            Ok(session.delete_day_uses_but(today)?)
        })?;
        let negotiations = self
            .due(Due::Negotiations, |own, session, _| Ok(own.tidy_negotiations(session, now)?))?;
        tidied.negotiations = negotiations.unwrap_or_default();
        let days =
            self.due(Due::Days, |own, session, _| own.renew_days(session, first, now, rng))?;
        (tidied.days, tidied.manifest) = days.unwrap_or_default();
        let weeks = self.due_voucher_weeks(now, rng);
        let vouchers = self.due(Due::Vouchers, |own, session, _| {
            let published = own.tidy_vouchers(session, &weeks?, now, rng)?;
            if published {
                own.ledger.seal(session)?;
            }
            Ok(published)
        })?;
        tidied.voucher_keys = vouchers.unwrap_or_default();
        self.load_voucher_keys()?;
        tidied.undone = self.undone.len();
        self.load_chains(first, now)?;
        self.forget_revoked()?;
        self.live.tidy(first, now, rng);
        self.store.forget_history()?;
        Ok(tidied)
    }

    /// Does what is due of one kind, wholly or not at all. Not at all, where something of it cannot be read.
    fn due<T>(
        &mut self,
        kind: Due,
        work: impl FnOnce(&Own, Session<'_>, &[DueOpening]) -> Result<T, TidyError>,
    ) -> Result<Option<T>, TidyError> {
        let Self { store, own, due, .. } = self;
        match store.write(|session| work(own, session, due)) {
            Ok(done) => Ok(Some(done)),
            Err(TidyError::Store(error)) if error.is_of_what_is_stored() => {
                self.undone.push(Undone { kind, error });
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// What could not be done when this was last tidied up.
    pub fn undone(&self) -> &[Undone] {
        &self.undone
    }

    pub(crate) fn store_profile(
        &mut self,
        profile: &[u8],
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<(), TidyError> {
        let own = &self.own;
        self.store.write(|session| {
            session.set_profile(profile)?;
            own.make_days(session, now, rng)?;
            own.issue_manifest(session, now, rng)?;
            own.ledger.seal(session)?;
            Ok::<_, TidyError>(())
        })?;
        self.load_chains(first_live_day(now), now)?;
        Ok(())
    }

    /// Gives the resolver the chains of the days that a token heard now or soon can be bound to.
    pub(crate) fn load_chains(&mut self, first: Day, now: Timestamp) -> Result<(), StoreError> {
        let Self { store, own, live, .. } = self;
        let days = [first, Day::of(now), Day::of(now).plus(1)];
        for (day, shop) in
            days.into_iter().flat_map(|day| own.identity.shops.iter().map(move |s| (day, s.code)))
        {
            if !live.has_chain(day, shop)
                && let Some(chain) = own.chain(store.read(), day, shop)?
            {
                live.insert_chain(chain);
            }
        }
        Ok(())
    }
}

/// The first day whose keys still live at `now`.
pub(crate) fn first_live_day(now: Timestamp) -> Day {
    Day::of(now.minus(GRACE_SECONDS))
}

/// When nothing of `day` counts any more.
pub(crate) fn grace(day: Day) -> Timestamp {
    day.plus(1).start().plus(GRACE_SECONDS)
}

impl Own {
    /// Ends the grants that are over: whose, and how many had something to delete.
    fn end_grants(
        &self,
        session: Session<'_>,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<(Vec<(GrantId, Handle)>, usize), TidyError> {
        let (mut ended, mut deletions) = (Vec::new(), 0_usize);
        for overdue in session.overdue_grants(now)? {
            let grant = overdue.grant.id;
            let gone = self.erase(session, grant, Deletion::Expired, now, rng)?;
            deletions = deletions.saturating_add(usize::from(gone.something));
            session.set_state(grant, StoredState::Expired)?;
            ended.push((grant, overdue.grant.handle));
        }
        if deletions > 0 {
            self.ledger.seal(session)?;
        }
        Ok((ended, deletions))
    }

    /// Deletes the keys of the days before `first`; of how many grants.
    fn end_keys(
        &self,
        session: Session<'_>,
        first: Day,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<usize, TidyError> {
        let mut deleted: Vec<(GrantId, Vec<Day>)> = Vec::new();
        for (grant, day) in session.delete_keys_before(first)? {
            match deleted.last_mut() {
                Some((last, days)) if *last == grant => days.push(day),
                _ => deleted.push((grant, vec![day])),
            }
        }
        self.log_deleted(session, deleted, now, rng)
    }

    /// Deletes data at its deadline; under how many grants.
    fn end_data(
        &self,
        session: Session<'_>,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<usize, TidyError> {
        session.delete_answers_due(Day::of(now))?;
        session.delete_remarks_due(Day::of(now))?;
        session.delete_receipts_due(Day::of(now))?;
        let deleted = session.delete_disclosures_due(Day::of(now))?;
        let deleted = deleted.into_iter().map(|grant| (grant, Vec::new())).collect();
        self.log_deleted(session, deleted, now, rng)
    }

    fn log_deleted(
        &self,
        session: Session<'_>,
        deleted: Vec<(GrantId, Vec<Day>)>,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<usize, TidyError> {
        let count = deleted.len();
        for (grant, days) in deleted {
            let reason = Deletion::DayOver;
            let record = RecordKind::Deleted(Deleted { at: now, days, grant, reason });
            let stored = session.grant(grant)?.ok_or(StoreError::Corrupt)?;
            self.ledger.append_passing(session, &record, &stored, Day::of(now), rng)?;
        }
        if count > 0 {
            self.ledger.seal(session)?;
        }
        Ok(count)
    }

    /// Destroys the secrets of the days before `first`, makes those of days to come, and publishes a manifest that says so:
    /// how many were destroyed, and whether one was published.
    fn renew_days(
        &self,
        session: Session<'_>,
        first: Day,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<(usize, bool), TidyError> {
        let mut days = session.delete_days_before(first)?;
        let ahead = session.delete_days_after(Day::of(now).plus(FAR_DAYS))?;
        days = days.saturating_add(ahead);
        self.make_days(session, now, rng)?;
        let manifest = self.renew_manifest(session, now, rng)?;
        if manifest {
            self.ledger.seal(session)?;
        }
        Ok((days, manifest))
    }

    /// Makes what is missing of the days from today on: sealing keys, and a chain for each shop.
    pub(crate) fn make_days(
        &self,
        session: Session<'_>,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<(), StoreError> {
        for ahead in 0..=DAYS_AHEAD {
            let day = Day::of(now).plus(ahead);
            if session.day_key(day)?.is_none() {
                session.add_day_key(day, &SealingSecretKey::generate(rng))?;
            }
            for shop in &self.identity.shops {
                if session.chain(day, shop.code)?.is_none() {
                    let id = ShopId { domain: self.identity.domain.clone(), code: shop.code };
                    let chain = ShopChain::generate(rng, id, day);
                    session.add_chain(&chain)?;
                }
            }
        }
        Ok(())
    }

    /// Publishes a manifest if the last one names other days or shops, or has half of its time behind it.
    fn renew_manifest(
        &self,
        session: Session<'_>,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<bool, TidyError> {
        if let Some(last) = session.document(DocumentKind::Manifest, &[])? {
            let last = self.own_document::<Manifest>(&last.jws)?;
            let named: Vec<Day> = last.days.iter().map(|keys| keys.day).collect();
            let fresh = now >= last.issued && last.expires > now.plus(MANIFEST_SECONDS / 2);
            let same = named == session.days()? && last.shops == self.shops(session)?;
            if fresh && same {
                return Ok(false);
            }
        }
        self.issue_manifest(session, now, rng)?;
        Ok(true)
    }

    pub(crate) fn issue_manifest(
        &self,
        session: Session<'_>,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<(), TidyError> {
        let mut days = Vec::new();
        for day in session.days()? {
            let sealing = session.day_key(day)?.ok_or(StoreError::Corrupt)?;
            let known = |code| self.identity.shops.iter().any(|shop| shop.code == code);
            let anchors = session.anchors(day)?.into_iter().filter(|(code, _)| known(*code));
            let anchors = anchors
                .map(|(shop, value)| ShopAnchor { anchor: Bytes(value.as_bytes().to_vec()), shop })
                .collect();
            days.push(DayKeys { anchors, day, sealing_key: sealing.public_key() });
        }
        let manifest = Manifest {
            controller: self.identity.domain.clone(),
            controller_key: self.signing.verifying_key(),
            days,
            expires: now.plus(MANIFEST_SECONDS),
            issued: now,
            legal: self.identity.legal.clone(),
            log: self.ledger.key().origin().number().unwrap_or_default(),
            log_key: *self.ledger.key().verifying_key(),
            sealing_key: self.sealing.public_key(),
            sequence: session.next_manifest_sequence()?,
            shops: self.shops(session)?,
            v: 1,
        };
        let manifest =
            sign(manifest, Role::Controller, &self.signing, now).map_err(TidyError::Manifest)?;
        self.publish(session, DocumentKind::Manifest, &[], manifest.as_bytes(), now, rng)?;
        Ok(())
    }

    /// The shops, each with the keys of its tills: those of the profile, and those that are kept here.
    pub(crate) fn shops(&self, session: Session<'_>) -> Result<Vec<Shop>, StoreError> {
        let mut shops = self.identity.shops.clone();
        for shop in &mut shops {
            let kept = session.till_keys_of(shop.code)?;
            shop.till_keys.extend(kept.iter().map(SigningKey::verifying_key));
            shop.till_keys.sort();
            shop.till_keys.dedup();
        }
        Ok(shops)
    }

    /// A shop's chain for `day`, if that day lives.
    pub(crate) fn chain(
        &self,
        session: Session<'_>,
        day: Day,
        code: ShopCode,
    ) -> Result<Option<ShopChain>, StoreError> {
        let id = ShopId { domain: self.identity.domain.clone(), code };
        let last = session.chain(day, code)?;
        Ok(last.map(|last| ShopChain::from_end(id, day, &last)))
    }
}
