//! What the papers are written from: nothing else is asked.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
};

use besace_protocol::{
    consent::{BenefitKind, Guess, guesses},
    log::WitnessPolicy,
    party::{ControllerId, Shop, ShopCode},
    purpose::{DataCategory, Granularity, Purpose},
    time::Timestamp,
};
use besace_retailer::{Identity, PublishedRequest, Retailer, RightsDesk, StoreError};

use crate::{config::Config, http::Limits};

/// What the gateway publishes, holds and was told, at one moment.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The moment.
    pub now: Timestamp,
    /// Who the retailer is: legal identity and shops, as in its manifest.
    pub identity: Identity,
    /// Every request under which something may be held, with its notice.
    pub requests: Vec<PublishedRequest>,
    /// Where rights stand.
    pub rights: RightsDesk,
    /// Where the server listens.
    pub listen: SocketAddr,
    /// How fast callers may be.
    pub limits: Limits,
    /// Whether it gives vouchers.
    pub vouchers: bool,
    /// Names of the witnesses that are asked to cosign its log.
    pub witnesses: Vec<String>,
}

/// All that is done for one purpose: the most that any of its requests asks.
#[derive(Clone, Debug)]
pub(super) struct Treatment<'a> {
    pub(super) purpose: Purpose,
    pub(super) requests: Vec<&'a PublishedRequest>,
    pub(super) categories: BTreeMap<DataCategory, Granularity>,
    pub(super) recipients: BTreeSet<ControllerId>,
    pub(super) shops: BTreeSet<ShopCode>,
    pub(super) benefits: BTreeSet<BenefitKind>,
    /// What could be guessed (`spec/mirror.md`).
    pub(super) guesses: BTreeSet<Guess>,
    pub(super) frequency_per_day: u16,
    pub(super) lookback_days: u16,
    pub(super) release_ahead_days: u8,
    pub(super) retention_days: u16,
    pub(super) valid_days: u16,
}

impl Facts {
    /// What is so at `now`.
    pub fn read(
        retailer: &Retailer,
        config: &Config,
        witnesses: Option<&WitnessPolicy>,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let name = |one: &besace_protocol::log::Witness| one.key.name().as_str().to_owned();
        Ok(Self {
            now,
            identity: retailer.identity().clone(),
            requests: retailer.requests_in_force(now)?,
            rights: retailer.rights_desk(now)?,
            listen: config.listen,
            limits: config.limits,
            vouchers: config.vouchers.is_some(),
            witnesses: witnesses
                .map(|policy| policy.witnesses().iter().map(name).collect())
                .unwrap_or_default(),
        })
    }

    /// One for each purpose that somebody is asked for, in the order of purposes.
    pub(super) fn treatments(&self) -> Vec<Treatment<'_>> {
        let of = |purpose: &Purpose| Treatment::of(self, *purpose);
        Purpose::ALL.iter().filter_map(of).collect()
    }

    /// The shop of a code, as people read it.
    pub(super) fn shop(&self, code: ShopCode) -> String {
        let shop = self.identity.shops.iter().find(|shop: &&Shop| shop.code == code);
        shop.map_or_else(|| code.to_string(), |shop| format!("{} ({code})", shop.name))
    }
}

impl<'a> Treatment<'a> {
    fn of(facts: &'a Facts, purpose: Purpose) -> Option<Self> {
        let requests: Vec<_> =
            facts.requests.iter().filter(|one| one.request.terms.purpose == purpose).collect();
        let mut treatment = Self {
            purpose,
            categories: BTreeMap::new(),
            recipients: BTreeSet::new(),
            shops: BTreeSet::new(),
            benefits: BTreeSet::new(),
            guesses: BTreeSet::new(),
            frequency_per_day: 0,
            lookback_days: 0,
            release_ahead_days: 0,
            retention_days: 0,
            valid_days: 0,
            requests: Vec::new(),
        };
        for terms in requests.iter().flat_map(|one| one.request.options()) {
            for (category, granularity) in &terms.categories {
                let finest = treatment.categories.entry(*category).or_insert(*granularity);
                *finest = (*finest).max(*granularity);
            }
            treatment.recipients.extend(terms.recipients.iter().cloned());
            treatment.shops.extend(terms.shops.iter().copied());
            treatment.benefits.insert(terms.benefit.kind);
            treatment.guesses.extend(guesses(&facts.identity.shops, terms).unwrap_or_default());
            treatment.frequency_per_day = treatment.frequency_per_day.max(terms.frequency_per_day);
            treatment.lookback_days = treatment.lookback_days.max(terms.lookback_days);
            treatment.release_ahead_days =
                treatment.release_ahead_days.max(terms.release_ahead_days);
            treatment.retention_days = treatment.retention_days.max(terms.retention_days);
            treatment.valid_days = treatment.valid_days.max(terms.valid_days);
        }
        treatment.requests = requests;
        (!treatment.requests.is_empty()).then_some(treatment)
    }

    /// Whether keys of presence are released for it.
    pub(super) const fn releases(&self) -> bool {
        self.purpose.releases().is_some()
    }
}
