//! What is held in memory only: gone with the process, written nowhere.

use std::collections::{BTreeMap, BTreeSet};

use besace_protocol::{
    id::{GrantId, Handle},
    party::ShopCode,
    presence::{
        EphemeralId, Epoch, InsertKeysError, ReleasedKeys, ShopChain, Till, till::TypedCode,
    },
    private::Private,
    time::{Day, Timestamp, Week},
    voucher::{BenefitClass, VoucherClass, VoucherKeys},
    wire::{Greeting, Recognised},
};
use rand_core::CryptoRngCore;

use crate::{
    presence::{Resolver, Sighting},
    retailer::SKEW_SECONDS,
};

/// Seconds that a greeting stays on the staff screen.
const ARRIVAL_SECONDS: u64 = 5 * 60;

/// Seconds after which no epoch accepts an identifier any more that was heard now.
const REPEAT_SECONDS: u64 = 30 * 60;

/// Whether what is kept for so many `seconds`, `until` then, is kept at `now`: not by a clock that went back since.
fn holds(until: Timestamp, seconds: u64, now: Timestamp) -> bool {
    now < until && until <= now.plus(seconds).plus(SKEW_SECONDS)
}

#[derive(Debug, Default)]
pub(crate) struct Live {
    resolver: Resolver,
    /// Keys with a till key: nothing that is heard on the air is looked for here.
    tills: Resolver,
    /// The codes that may be typed, and whose they are.
    codes: BTreeSet<(Day, TypedCode, Handle)>,
    /// The chains that the resolver has.
    chains: BTreeSet<(Day, ShopCode)>,
    /// Uses of a grant in a shop on a day.
    uses: BTreeMap<(Day, GrantId, ShopCode), u16>,
    /// Uses of a grant on a day before the process began, in shops that were not kept: they count in each.
    uses_before: BTreeMap<(Day, GrantId), u16>,
    arrivals: Vec<Arrival>,
    /// The published voucher keys, by week, and what their classes give.
    voucher_keys: BTreeMap<Week, VoucherKeys>,
    /// What was answered lately, so that a second receiver of the shop makes no second use.
    answered: BTreeMap<EphemeralId, Answered>,
}

#[derive(Debug)]
struct Arrival {
    shop: ShopCode,
    /// Who was recognised.
    handle: Handle,
    /// The grants without which the greeting has to go.
    grants: [GrantId; 2],
    greeting: Private<Greeting>,
    until: Timestamp,
}

#[derive(Debug)]
struct Answered {
    shop: ShopCode,
    grants: Vec<GrantId>,
    answer: Recognised,
    until: Timestamp,
}

impl Live {
    pub(crate) fn insert(
        &mut self,
        handle: Handle,
        keys: &ReleasedKeys,
        rng: &mut impl CryptoRngCore,
    ) -> Result<(), InsertKeysError> {
        match keys.till() {
            Till::Excluded => self.resolver.add_keys(handle, keys, rng),
            Till::Included => {
                self.tills.add_keys(handle, keys, rng)?;
                let codes = (0..TypedCode::PER_DAY).filter_map(|n| TypedCode::of(keys, n));
                self.codes.extend(codes.map(|code| (keys.day(), code, handle)));
                Ok(())
            }
        }
    }

    /// Whose locator it is that was shown at a till, and of which day; nothing for a stranger's.
    pub(crate) fn shown(
        &self,
        locator: &[u8; 12],
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Option<(Handle, Day)> {
        self.tills.holder(locator, now, rng)
    }

    /// Whose code it is, and of which day; nothing for a stranger's, and where it is of two.
    pub(crate) fn typed(&self, code: TypedCode, now: Timestamp) -> Option<(Handle, Day)> {
        let days: BTreeSet<Day> = Epoch::live(now).map(Epoch::day).into();
        let mut holders = days.into_iter().flat_map(|day| {
            let first = (day, code, Handle::from_bytes([0; 16]));
            let last = (day, code, Handle::from_bytes([u8::MAX; 16]));
            self.codes.range(first..=last)
        });
        let (day, _, handle) = holders.next()?;
        holders.next().is_none().then_some((*handle, *day))
    }

    /// Whether the chain of this shop and day is here.
    pub(crate) fn has_chain(&self, day: Day, shop: ShopCode) -> bool {
        self.chains.contains(&(day, shop))
    }

    pub(crate) fn insert_chain(&mut self, chain: ShopChain) {
        self.chains.insert((chain.day(), chain.shop().code));
        self.resolver.add_chain(chain);
    }

    pub(crate) fn set_voucher_keys(&mut self, keys: Vec<VoucherKeys>) {
        self.voucher_keys = keys.into_iter().map(|keys| (keys.week(), keys)).collect();
    }

    /// The published voucher keys, by week.
    pub(crate) fn voucher_keys(&self) -> impl Iterator<Item = &VoucherKeys> {
        self.voucher_keys.values()
    }

    /// Every class of every week that is known.
    pub(crate) fn voucher_classes(&self) -> BTreeMap<(Week, BenefitClass), VoucherClass> {
        let classes = self.voucher_keys.values().flat_map(|keys| {
            keys.classes().iter().map(|class| ((keys.week(), class.class), class.clone()))
        });
        classes.collect()
    }

    /// Forgets everything about a grant.
    pub(crate) fn forget(&mut self, grant: GrantId, handle: &Handle) {
        self.resolver.remove_handle(handle);
        self.tills.remove_handle(handle);
        self.codes.retain(|(_, _, of)| of != handle);
        self.uses.retain(|(_, id, _), _| *id != grant);
        self.uses_before.retain(|(_, id), _| *id != grant);
        self.arrivals.retain(|arrival| !arrival.grants.contains(&grant));
        self.answered.retain(|_, answered| !answered.grants.contains(&grant));
    }

    /// Forgets what is over, and makes ready for the epoch to come.
    pub(crate) fn tidy(&mut self, first_day: Day, now: Timestamp, rng: &mut impl CryptoRngCore) {
        let over = self.resolver.days().into_iter().chain(self.chains.iter().map(|(day, _)| *day));
        for day in over.filter(|day| *day < first_day).collect::<BTreeSet<_>>() {
            self.resolver.forget_day(day);
        }
        for day in self.tills.days().into_iter().filter(|day| *day < first_day) {
            self.tills.forget_day(day);
        }
        self.codes.retain(|(day, _, _)| *day >= first_day);
        self.chains.retain(|(day, _)| *day >= first_day);
        self.resolver.prepare(now, rng);
        self.tills.prepare(now, rng);
        self.uses.retain(|(day, _, _), _| *day >= Day::of(now));
        self.uses_before.retain(|(day, _), _| *day >= Day::of(now));
        self.arrivals.retain(|arrival| holds(arrival.until, ARRIVAL_SECONDS, now));
        self.answered.retain(|_, answered| holds(answered.until, REPEAT_SECONDS, now));
    }

    /// What an identifier means that was heard in `shop`; nothing for a stranger's.
    pub(crate) fn resolve(
        &self,
        shop: ShopCode,
        token: EphemeralId,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Option<Sighting> {
        self.resolver.resolve(shop, &[token], now, rng).into_iter().next().flatten()
    }

    /// Takes over how often a grant was used on a day before the process began.
    pub(crate) fn carry_over(&mut self, day: Day, grant: GrantId, uses: u16) {
        self.uses_before.insert((day, grant), uses);
    }

    /// How often a grant was used in a shop today, or may have been: never less.
    pub(crate) fn uses(&self, grant: GrantId, shop: ShopCode, now: Timestamp) -> u16 {
        let today = Day::of(now);
        let here = self.uses.get(&(today, grant, shop)).copied().unwrap_or(0);
        here.saturating_add(self.uses_before.get(&(today, grant)).copied().unwrap_or(0))
    }

    pub(crate) fn count_use(&mut self, grant: GrantId, shop: ShopCode, now: Timestamp) {
        let count = self.uses.entry((Day::of(now), grant, shop)).or_default();
        *count = count.saturating_add(1);
    }

    /// The answer that this identifier got in this shop, and under which grants.
    pub(crate) fn answered(
        &self,
        token: &EphemeralId,
        shop: ShopCode,
        now: Timestamp,
    ) -> Option<(&Recognised, &[GrantId])> {
        let answered = self.answered.get(token)?;
        let counts = holds(answered.until, REPEAT_SECONDS, now) && answered.shop == shop;
        counts.then_some((&answered.answer, &answered.grants))
    }

    pub(crate) fn remember(
        &mut self,
        token: EphemeralId,
        shop: ShopCode,
        grants: Vec<GrantId>,
        answer: Recognised,
        now: Timestamp,
        allowed_until: Timestamp,
    ) {
        let until = now.plus(REPEAT_SECONDS).min(allowed_until);
        self.answered.insert(token, Answered { shop, grants, answer, until });
    }

    pub(crate) fn arrive(
        &mut self,
        shop: ShopCode,
        handle: Handle,
        grants: [GrantId; 2],
        greeting: Greeting,
        now: Timestamp,
        allowed_until: Timestamp,
    ) {
        self.arrivals.retain(|arrival| arrival.grants != grants || arrival.shop != shop);
        let until = now.plus(ARRIVAL_SECONDS).min(allowed_until);
        let greeting = Private::new(greeting);
        self.arrivals.push(Arrival { shop, handle, grants, greeting, until });
    }

    pub(crate) fn arrivals(
        &self,
        shop: ShopCode,
        now: Timestamp,
    ) -> Vec<(Handle, [GrantId; 2], Greeting)> {
        self.arrivals
            .iter()
            .filter(|arrival| arrival.shop == shop && holds(arrival.until, ARRIVAL_SECONDS, now))
            .map(|arrival| (arrival.handle, arrival.grants, arrival.greeting.reveal().clone()))
            .collect()
    }

    /// Whether anything is held about a grant, for tests: forgets its keys.
    #[cfg(test)]
    pub(crate) fn knew(&self, grant: GrantId, handle: &Handle) -> bool {
        !self.resolver.remove_handle(handle).is_empty()
            || !self.tills.remove_handle(handle).is_empty()
            || self.codes.iter().any(|(_, _, of)| of == handle)
            || self.uses.keys().any(|(_, id, _)| *id == grant)
            || self.uses_before.keys().any(|(_, id)| *id == grant)
            || self.arrivals.iter().any(|arrival| arrival.grants.contains(&grant))
            || self.answered.values().any(|answered| answered.answer.handle == *handle)
    }
}
