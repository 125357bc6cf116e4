//! What the agent may say without asking her, and why it said it.
//!
//! It gives only what lies below a rule that she confirmed, counters only by narrowing to such a rule,
//! refuses only what she ruled out, and asks her about everything else.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use serde::{Deserialize, Serialize};

use super::{Due, Message, Negotiation, Side, TooFast};
use crate::{
    consent::{Benefit, ConsentRequest, Dimension, Terms},
    crypto::{Digest, Label, labelled_hash},
    document::DocumentRule,
    log::Salt,
    party::{ControllerId, ShopCode},
    purpose::{DataCategory, Granularity, Purpose},
    time::{DAY_SECONDS, Timestamp},
};

/// How long a purpose she refused is not asked again by the same retailer, in seconds: six months, whichever they are.
pub const REFUSAL_PAUSE_SECONDS: u64 = 184 * DAY_SECONDS;
/// How long a rule holds after she confirmed it, in seconds: as long as a grant may.
pub const RULE_SECONDS_MAX: u64 = 396 * DAY_SECONDS;

/// By what she and an auditor find a rule: "rule 3 of 12 March".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleName {
    /// When she confirmed this version of it.
    pub confirmed: Timestamp,
    /// Its number; never that of another one of hers.
    pub number: u32,
    /// Counts what she changed in it, from 1.
    pub version: u32,
}

impl RuleName {
    /// How a grant that the rule gave names it. With a salt of that grant's no two grants name a rule alike, and nobody
    /// tries numbers and days until one fits; who is shown name and salt can check it.
    pub fn commitment(&self, salt: &Salt) -> Digest {
        let parts: [&[u8]; 4] = [
            salt.as_bytes(),
            &self.number.to_be_bytes(),
            &self.version.to_be_bytes(),
            &self.confirmed.as_unix_seconds().to_be_bytes(),
        ];
        labelled_hash(Label::RuleName, &parts)
    }
}

/// What she decided once for many requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// For which retailers; `None` is for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub controllers: Option<BTreeSet<ControllerId>>,
    /// By what it is found.
    pub name: RuleName,
    /// For what purpose.
    pub purpose: Purpose,
    /// What is to be said.
    pub verdict: Verdict,
}

/// What a rule says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// No.
    Refuse,
    /// Yes, within bounds.
    Give {
        /// The most she gives, for the least in return.
        bounds: Bounds,
        /// Whether to propose what is left within the bounds, where more is asked.
        narrow: bool,
    },
}

/// The most that a rule gives, wherever it is asked: [`Terms`] without the names of one retailer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bounds {
    /// The least in return.
    pub benefit: Benefit,
    /// Categories, each with the finest granularity.
    pub categories: BTreeMap<DataCategory, Granularity>,
    /// Most uses a day.
    pub frequency_per_day: u16,
    /// Furthest back, in days.
    pub lookback_days: u16,
    /// Who else may receive it, sorted.
    pub recipients: Vec<ControllerId>,
    /// Most days that keys are released ahead.
    pub release_ahead_days: u8,
    /// Most days that it is kept.
    pub retention_days: u16,
    /// In which shops, sorted; `None` is in all that ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shops: Option<Vec<ShopCode>>,
    /// Most days that a grant lives.
    pub valid_days: u16,
}

/// What is remembered of a retailer, where it bears on this request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Whether a grant for this purpose lives, or waits for the retailer's signature.
    pub has_grant: bool,
    /// When she last refused it this purpose.
    pub refused: Option<Timestamp>,
    /// That it asks too often.
    pub too_fast: Option<TooFast>,
    /// When she last withdrew a grant for this purpose.
    pub withdrawn: Option<Timestamp>,
}

/// What to do, and because of what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Give a grant of the terms that stand: those of the request, of the counter, or agreed.
    Give {
        /// The rule that they lie below.
        by: RuleName,
    },
    /// Propose these.
    Propose {
        /// The rule that they lie below.
        by: RuleName,
        /// What of the answered terms is left away, for at least some of it goes beyond the rule; nothing where an
        /// alternative is taken.
        left_away: BTreeSet<Dimension>,
        /// What is proposed.
        terms: Terms,
    },
    /// Refuse.
    Refuse {
        /// The rule that says so.
        by: RuleName,
    },
    /// Ask her.
    Ask {
        /// What goes beyond each rule for this purpose; none where she has no such rule.
        beyond: Vec<Beyond>,
        /// What she did by hand, so that no rule counts.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hers: Option<ByHand>,
    },
    /// Say nothing, and show nothing.
    Silent(Silence),
}

/// In what something goes beyond a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Beyond {
    /// In what; not empty.
    pub dimensions: BTreeSet<Dimension>,
    /// Which rule.
    pub rule: RuleName,
}

/// What she did by hand, which no rule undoes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ByHand {
    /// There is a grant for this purpose: a rule bounds what a retailer has, not what it has each time.
    HasGrant,
    /// She refused the purpose while this was under way.
    Refused,
    /// She withdrew a grant for the purpose less than [`REFUSAL_PAUSE_SECONDS`] ago, or while this was under way.
    Withdrew,
}

/// Why nothing is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Silence {
    /// She refused this purpose less than [`REFUSAL_PAUSE_SECONDS`] ago.
    Paused {
        /// From when on it may be asked again.
        until: Timestamp,
    },
    /// The retailer asks too often.
    TooFast {
        /// From when on the next is heard.
        until: Timestamp,
    },
}

/// What to say where `negotiation` stands; `None` where it is not her turn. `history` keeps out what begins; of what has
/// begun she decides herself once she did something else by hand.
pub fn decide(
    negotiation: &Negotiation,
    rules: &[Rule],
    history: History,
    now: Timestamp,
) -> Option<Decision> {
    let due = negotiation.due().filter(|_| negotiation.outcome().is_none())?;
    let asked = negotiation.request().payload();
    let rules = that_hold(rules, asked, now);
    match due {
        Due::Begin => Some(begin(asked, &rules, history, now)),
        Due::AnswerCounter => {
            let proposed = &negotiation.proposal()?.payload().terms;
            Some(answer_counter(negotiation, proposed, &rules, history))
        }
        Due::Give => {
            let agreed = &negotiation.proposal()?.payload().terms;
            Some(give(agreed, &rules, history.since(begun(negotiation))))
        }
        Due::AnswerProposal { .. } | Due::Countersign => None,
    }
}

/// What she is asked, and told, about a request to which her rules would propose something and did so in vain: it is not
/// proposed twice, and what is asked goes as far beyond them as before.
pub fn ask_after_all(asked: &ConsentRequest, rules: &[Rule], now: Timestamp) -> Decision {
    Decision::Ask { beyond: beyond(&asked.terms, &that_hold(rules, asked, now)), hers: None }
}

/// The rules that speak about what is asked, by number.
fn that_hold<'a>(rules: &'a [Rule], asked: &ConsentRequest, now: Timestamp) -> Vec<&'a Rule> {
    // What she changed counts as it is now, also where it is no longer about this.
    let is_last = |rule: &&Rule| {
        let later = |other: &Rule| {
            other.name.number == rule.name.number && other.name.version > rule.name.version
        };
        !rules.iter().any(later)
    };
    let last = rules.iter().filter(is_last).filter(|rule| rule.is_for(asked, now));
    let mut rules: Vec<&Rule> = last.collect();
    rules.sort_by_key(|rule| rule.name.number);
    rules
}

fn begin(asked: &ConsentRequest, rules: &[&Rule], history: History, now: Timestamp) -> Decision {
    if let Some(until) = history.refused.map(|at| at.plus(REFUSAL_PAUSE_SECONDS))
        && now < until
    {
        return Decision::Silent(Silence::Paused { until });
    }
    // Before any rule speaks: who asks again and again would hear from a no that somebody is there.
    if let Some(TooFast { again: until }) = history.too_fast.filter(|fast| now < fast.again) {
        return Decision::Silent(Silence::TooFast { until });
    }
    if let Some(by) = refusing(rules) {
        return Decision::Refuse { by };
    }
    if let Some(hers) = history.since(now.minus(REFUSAL_PAUSE_SECONDS).plus(1)) {
        return Decision::Ask { beyond: Vec::new(), hers: Some(hers) };
    }
    for (by, bounds, _) in giving(rules) {
        let within = asked.options().filter(|option| option.narrower_than(&bounds.on(option)));
        let within: Vec<&Terms> = within.collect();
        let least = within.iter().find(|one| within.iter().all(|other| is_better(one, other)));
        if least.is_none() && !within.is_empty() {
            // Which of those that stand beside each other is hers to say; by rule it would tell how far each bound goes.
            return Decision::Ask { beyond: Vec::new(), hers: None };
        }
        if let Some(&terms) = least {
            if *terms == asked.terms {
                return Decision::Give { by };
            }
            return Decision::Propose { by, left_away: BTreeSet::new(), terms: terms.clone() };
        }
    }
    for (by, bounds, narrow) in giving(rules) {
        let narrowed = asked.options().find_map(|option| bounds.narrow(option));
        if let (true, Some((left_away, terms))) = (narrow, narrowed) {
            return Decision::Propose { by, left_away, terms };
        }
    }
    Decision::Ask { beyond: beyond(&asked.terms, rules), hers: None }
}

/// Of what is enough for the retailer, that which asks the least of her; for as much, that which promises the most.
fn is_better(option: &Terms, than: &Terms) -> bool {
    option.asks_no_more_than(than)
        && (!than.asks_no_more_than(option) || option.benefit.at_least(&than.benefit))
}

/// When the first word of it was said.
fn begun(negotiation: &Negotiation) -> Timestamp {
    let first = negotiation.said().first();
    first.map_or_else(|| negotiation.request().payload().issued, Message::moment)
}

fn answer_counter(
    negotiation: &Negotiation,
    proposed: &Terms,
    rules: &[&Rule],
    history: History,
) -> Decision {
    if let Some(by) = refusing(rules) {
        return Decision::Refuse { by };
    }
    if let Some(hers) = history.since(begun(negotiation)) {
        return Decision::Ask { beyond: Vec::new(), hers: Some(hers) };
    }
    if let Some(by) = allowing(proposed, rules) {
        return Decision::Give { by };
    }
    // What the controller answered with more, it would have to be told a second time.
    let told = |terms: &Terms| {
        negotiation.said().iter().any(|message| match message {
            Message::Proposal(one) if one.payload().by() == Side::Subject => {
                terms.asks_no_more_than(&one.payload().terms)
            }
            Message::Agreement(_)
            | Message::Grant(_)
            | Message::Proposal(_)
            | Message::Refusal(_) => false,
        })
    };
    let mut narrowing = giving(rules).filter(|(_, _, narrow)| *narrow);
    let narrowed = narrowing.find_map(|(by, bounds, _)| Some((by, bounds.narrow(proposed)?)));
    match narrowed {
        Some((by, (left_away, terms))) if !told(&terms) => {
            Decision::Propose { by, left_away, terms }
        }
        Some(_) | None => Decision::Ask { beyond: beyond(proposed, rules), hers: None },
    }
}

/// What was proposed for her was agreed; she may have changed her rules since, or her mind.
fn give(agreed: &Terms, rules: &[&Rule], hers: Option<ByHand>) -> Decision {
    if let Some(by) = refusing(rules) {
        return Decision::Refuse { by };
    }
    match allowing(agreed, rules) {
        Some(by) if hers.is_none() => Decision::Give { by },
        Some(_) | None => Decision::Ask { beyond: beyond(agreed, rules), hers },
    }
}

fn refusing(rules: &[&Rule]) -> Option<RuleName> {
    rules.iter().find(|rule| rule.verdict == Verdict::Refuse).map(|rule| rule.name)
}

fn giving<'a>(rules: &[&'a Rule]) -> impl Iterator<Item = (RuleName, &'a Bounds, bool)> {
    rules.iter().filter_map(|rule| match &rule.verdict {
        Verdict::Refuse => None,
        Verdict::Give { bounds, narrow } => Some((rule.name, bounds, *narrow)),
    })
}

fn allowing(terms: &Terms, rules: &[&Rule]) -> Option<RuleName> {
    giving(rules)
        .find(|(_, bounds, _)| terms.narrower_than(&bounds.on(terms)))
        .map(|(name, _, _)| name)
}

fn beyond(terms: &Terms, rules: &[&Rule]) -> Vec<Beyond> {
    giving(rules)
        .map(|(rule, bounds, _)| Beyond { dimensions: terms.exceeds(&bounds.on(terms)), rule })
        .filter(|beyond| !beyond.dimensions.is_empty())
        .collect()
}

impl History {
    /// What she did by hand at `since` or later; a grant whenever it was given.
    fn since(&self, since: Timestamp) -> Option<ByHand> {
        let later = |at: Option<Timestamp>| at.is_some_and(|at| at >= since);
        match self {
            _ if later(self.withdrawn) => Some(ByHand::Withdrew),
            _ if later(self.refused) => Some(ByHand::Refused),
            Self { has_grant: true, .. } => Some(ByHand::HasGrant),
            _ => None,
        }
    }
}

impl Rule {
    /// The rules that no rule may break: its bounds are terms that somebody could ask, and shops are those of one retailer.
    pub fn check(&self) -> Result<(), DocumentRule> {
        let named = self.controllers.as_ref();
        if self.name.number == 0 || self.name.version == 0 {
            return Err(DocumentRule::Bounds);
        }
        if named.is_some_and(BTreeSet::is_empty) {
            return Err(DocumentRule::List);
        }
        let Verdict::Give { bounds, .. } = &self.verdict else { return Ok(()) };
        if bounds.shops.is_some() && named.is_none_or(|named| named.len() != 1) {
            return Err(DocumentRule::List);
        }
        bounds.as_terms(self.purpose, "*", &[ShopCode::from_bytes([0; 4])]).check()
    }

    /// Whether it speaks of this request at `now`: confirmed, and not too long ago.
    fn is_for(&self, asked: &ConsentRequest, now: Timestamp) -> bool {
        let named = self.controllers.as_ref();
        let holds = self.name.confirmed <= now && now < self.name.confirmed.plus(RULE_SECONDS_MAX);
        // The same number is another shop of another retailer.
        let names_shops =
            matches!(&self.verdict, Verdict::Give { bounds, .. } if bounds.shops.is_some());
        let of_one = named.is_some_and(|named| named.len() == 1);
        holds
            && (!names_shops || of_one)
            && self.purpose == asked.terms.purpose
            && named.is_none_or(|named| named.contains(&asked.controller))
    }
}

impl Bounds {
    /// Whether whatever lies within these lies within `other`, too, for a rule of this purpose.
    pub fn narrower_than(&self, other: &Self, purpose: Purpose) -> bool {
        // A rule without shops is for all that ask: more than any list of them.
        if self.shops.is_none() && other.shops.is_some() {
            return false;
        }
        let shops = self.shops.as_deref().unwrap_or(&[]);
        self.as_terms(purpose, "*", &[]).narrower_than(&other.as_terms(purpose, "*", shops))
    }

    /// These bounds as terms towards who asks for `terms`.
    fn on(&self, terms: &Terms) -> Terms {
        self.as_terms(terms.purpose, &terms.scope, &terms.shops)
    }

    /// These bounds as terms for this purpose under this scope, in `shops` where they name none.
    fn as_terms(&self, purpose: Purpose, scope: &str, shops: &[ShopCode]) -> Terms {
        Terms {
            base_benefit_conditional: false,
            benefit: self.benefit.clone(),
            categories: self.categories.clone(),
            frequency_per_day: self.frequency_per_day,
            lookback_days: self.lookback_days,
            purpose,
            recipients: self.recipients.clone(),
            release_ahead_days: self.release_ahead_days,
            retention_days: self.retention_days,
            scope: scope.into(),
            shops: self.shops.clone().unwrap_or_else(|| shops.to_vec()),
            valid_days: self.valid_days,
        }
    }

    /// What of `terms` is left, and what is left away; `None` where nothing is left, or too little is promised.
    ///
    /// Where a number goes beyond, the five are those of a [`STEPS`]: her own would be the same at every retailer, and two
    /// that compared them would know her again.
    fn narrow(&self, terms: &Terms) -> Option<(BTreeSet<Dimension>, Terms)> {
        let bounds = self.on(terms);
        let numbers = terms.exceeds(&bounds).iter().any(|dimension| NUMBERS.contains(dimension));
        let to = if numbers {
            STEPS.iter().find_map(|step| step.within(&bounds))?
        } else {
            bounds.clone()
        };
        let narrowed = terms.narrowed_to(&to)?;
        let left_away = terms.exceeds(&narrowed);
        narrowed.narrower_than(&bounds).then_some((left_away, narrowed))
    }
}

/// The members of [`Terms`] that are numbers.
const NUMBERS: [Dimension; 5] = [
    Dimension::Frequency,
    Dimension::Lookback,
    Dimension::ReleaseAhead,
    Dimension::Retention,
    Dimension::Validity,
];

/// Numbers that everybody's agent proposes, all of them together.
struct Step {
    frequency_per_day: u16,
    lookback_days: u16,
    release_ahead_days: u8,
    retention_days: u16,
    valid_days: u16,
}

/// From the widest. `spec/negotiation.md#steps`.
const STEPS: [Step; 5] = [
    Step {
        frequency_per_day: 12,
        lookback_days: 90,
        release_ahead_days: 6,
        retention_days: 30,
        valid_days: 396,
    },
    Step {
        frequency_per_day: 4,
        lookback_days: 30,
        release_ahead_days: 2,
        retention_days: 30,
        valid_days: 180,
    },
    Step {
        frequency_per_day: 2,
        lookback_days: 0,
        release_ahead_days: 1,
        retention_days: 10,
        valid_days: 180,
    },
    Step {
        frequency_per_day: 1,
        lookback_days: 0,
        release_ahead_days: 1,
        retention_days: 7,
        valid_days: 90,
    },
    Step {
        frequency_per_day: 1,
        lookback_days: 0,
        release_ahead_days: 0,
        retention_days: 1,
        valid_days: 30,
    },
];

impl Step {
    /// `bounds` with these numbers; nothing if one of them goes beyond.
    fn within(&self, bounds: &Terms) -> Option<Terms> {
        let stepped = Terms {
            frequency_per_day: self.frequency_per_day,
            lookback_days: self.lookback_days,
            release_ahead_days: self.release_ahead_days,
            retention_days: self.retention_days,
            valid_days: self.valid_days,
            ..bounds.clone()
        };
        stepped.asks_no_more_than(bounds).then_some(stepped)
    }
}

#[cfg(test)]
mod tests;
