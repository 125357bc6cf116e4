//! What her rules say to a request, and what she did by hand that keeps them from speaking.
//! `spec/negotiation.md#what-the-agent-says-without-asking`.

use std::collections::{BTreeMap, BTreeSet};

use besace_protocol::{
    consent::{ConsentRequest, Dimension, GrantState},
    document::{Unverified, Verified},
    id::{Generation, GrantId, NegotiationId, RequestId},
    negotiation::{
        Decision, History, Matter, Negotiation, Pace, PaceLimit, Rule, RuleName, Side, TooFast,
        ask_after_all, decide,
    },
    party::ControllerId,
    purpose::Purpose,
    time::Timestamp,
};

use super::{
    Engine,
    step::{FACET, StepError},
};
use crate::vault::{Ended, GivingRule, RequestState, StoredGrant};

/// A request that a rule of hers refused; nobody was told, and she was not asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedByRule {
    /// Which request.
    pub id: RequestId,
    /// The name over the shop's door.
    pub display_name: String,
    /// What for.
    pub purpose: Purpose,
    /// By which rule.
    pub rule: RuleName,
}

/// A request as far as it bears on others of the same retailer.
struct Asked {
    id: RequestId,
    domain: ControllerId,
    purpose: Purpose,
    issued: Timestamp,
    received_at: Timestamp,
    refused_at: Option<Timestamp>,
}

/// What was asked and what she did, as it stands in the vault: read once for many decisions.
pub(super) struct Past {
    asked: Vec<Asked>,
    grants: Vec<StoredGrant>,
    /// To whose marketing she objects.
    objected: BTreeSet<ControllerId>,
    /// Of which negotiating came to nothing.
    in_vain: BTreeSet<RequestId>,
    rules: Vec<Rule>,
}

impl Past {
    /// Since when, if she asked too often, another request of `domain` is heard; of this request.
    fn too_fast(&self, request: RequestId) -> Option<TooFast> {
        let domain = &self.asked.iter().find(|one| one.id == request)?.domain;
        let mut all: Vec<&Asked> = self.asked.iter().filter(|one| one.domain == *domain).collect();
        // As they came; of those that came together, as the retailer made them.
        all.sort_by_key(|one| (one.received_at, one.issued, one.id));
        let mut pace = Pace::default();
        all.into_iter().find_map(|one| {
            let admitted = pace.admit(PaceLimit::REQUESTS, one.received_at);
            (one.id == request).then(|| admitted.err())
        })?
    }

    /// What bears on a request of `domain` for `purpose`.
    pub(super) fn history(
        &self,
        request: RequestId,
        domain: &ControllerId,
        purpose: Purpose,
        now: Timestamp,
    ) -> History {
        let refused = self.asked.iter().filter(|one| one.domain == *domain);
        let refused = refused.filter(|one| one.purpose == purpose);
        let mut grants = self.grants.iter().filter(|one| one.domain == *domain);
        let of_purpose = |one: &&StoredGrant| one.purpose == purpose;
        let lives = |one: &StoredGrant| {
            matches!(one.state, GrantState::Given | GrantState::Active) && now < one.expires_at
        };
        let withdrawn = grants.clone().filter(of_purpose);
        let withdrawn = withdrawn.filter(|one| one.state == GrantState::Withdrawn);
        // While she objects to a retailer no rule gives it anything: her own hand may.
        let objects = self.objected.contains(domain).then_some(now);
        History {
            has_grant: grants.any(|one| of_purpose(&one) && lives(one)),
            refused: refused.filter_map(|one| one.refused_at).max(),
            too_fast: self.too_fast(request),
            withdrawn: withdrawn.filter_map(|one| one.ended_at).max().max(objects),
        }
    }

    pub(super) fn rules(&self) -> &[Rule] {
        &self.rules
    }
}

impl Engine {
    pub(super) fn past(&self) -> Result<Past, StepError> {
        let vault = self.vault()?;
        let mut asked = Vec::new();
        for stored in vault.requests()? {
            let request =
                Unverified::<ConsentRequest>::parse(&stored.jws).map_err(StepError::Document)?;
            let refused = stored.state == RequestState::Refused;
            asked.push(Asked {
                id: stored.id,
                domain: stored.domain,
                purpose: request.claimed().terms.purpose,
                issued: request.claimed().issued,
                received_at: stored.received_at,
                refused_at: stored.decided_at.filter(|_| refused),
            });
        }
        let objections = vault.objections()?.into_iter().filter(|said| said.objects);
        let talks = vault.negotiations()?.into_iter();
        let in_vain =
            talks.filter(|one| one.ended.as_ref().is_some_and(|ended| *ended != Ended::Settled));
        let rules = vault.rules()?.into_iter();
        let unconfirmed = vault.unconfirmed_rules()?;
        Ok(Past {
            asked,
            grants: vault.grants()?,
            objected: objections.map(|said| said.domain).collect(),
            in_vain: in_vain.map(|one| one.request).collect(),
            rules: rules.filter(|rule| !unconfirmed.contains(&rule.name.number)).collect(),
        })
    }

    /// What is to be said to a request to which nothing was said.
    pub(super) fn decision(
        &self,
        request: &Verified<ConsentRequest>,
        past: &Past,
    ) -> Result<Decision, StepError> {
        let (asked, now) = (request.payload(), self.now());
        let pseudonym = self.vault()?.pseudonym(&asked.controller, FACET)?;
        // Nothing is said under it: where there is no pseudonym yet, none is made for it.
        let generation = pseudonym.map_or(Generation::from_bytes([0; 16]), |one| one.generation);
        let keys = self.root()?.pairwise(&asked.controller, FACET, &generation);
        let nameless = NegotiationId::from_bytes([0; 16]);
        let matter = Matter::of(request, nameless, keys.signing.verifying_key());
        let begun = Negotiation::open(Side::Subject, request.clone(), matter);
        let begun = begun.map_err(|_| StepError::Make)?;
        let history = past.history(asked.id, &asked.controller, asked.terms.purpose, now);
        let decision = decide(&begun, past.rules(), history, now).ok_or(StepError::Make)?;
        if matches!(decision, Decision::Propose { .. }) && past.in_vain.contains(&asked.id) {
            return Ok(ask_after_all(asked, past.rules(), now));
        }
        Ok(decision)
    }

    /// Does what her rules say to the open requests of `domain`, and notes why. What they give is a
    /// [grant that nobody signed yet](Self::unsigned_grants); what they refuse is told to nobody, for nobody was answered.
    pub fn follow_rules(&self, domain: &ControllerId) -> Result<(), StepError> {
        let vault = self.vault()?;
        if vault.rules()?.is_empty() {
            return Ok(());
        }
        for open in self.undecided()?.into_iter().filter(|open| open.domain == *domain) {
            // What was given meanwhile counts.
            let decision = self.decision(&open.request, &self.past()?)?;
            let id = open.request.payload().id;
            let known = vault.decisions()?.remove(&id);
            if let Decision::Give { by } = decision {
                match self.give_by_rule(id, by) {
                    Ok((_given, _told_with_others)) => {}
                    // She did something else by hand meanwhile.
                    Err(error) if error.is_of_the_request() => continue,
                    Err(error) => return Err(error),
                }
            }
            if let Decision::Propose { terms, .. } = &decision {
                match self.begin_negotiation(&open.request, terms.clone()) {
                    Ok(()) => {}
                    // One about which nothing may be said now holds up no other.
                    Err(error) if error.is_of_the_request() => continue,
                    Err(error) => return Err(error),
                }
            }
            if known.is_none_or(|known| known.decision != decision) {
                vault.put_decision(id, decision, self.now())?;
            }
        }
        Ok(())
    }

    /// Requests that a rule of hers refuses, the newest first.
    pub fn refused_by_rule(&self) -> Result<Vec<RefusedByRule>, StepError> {
        let past = self.past()?;
        let mut refused = Vec::new();
        for open in self.undecided()? {
            if let Decision::Refuse { by } = self.decision(&open.request, &past)? {
                let asked = open.request.payload();
                let (id, purpose) = (asked.id, asked.terms.purpose);
                refused.push(RefusedByRule {
                    id,
                    display_name: open.display_name,
                    purpose,
                    rule: by,
                });
            }
        }
        Ok(refused)
    }

    /// Which rule gave each grant that one gave.
    pub(super) fn names_of_giving_rules(&self) -> Result<BTreeMap<GrantId, RuleName>, StepError> {
        let rules = self.vault()?.giving_rules()?.into_iter();
        Ok(rules.map(|(grant, GivingRule { name, .. })| (grant, name)).collect())
    }
}

/// In what a request goes beyond a rule of hers, as it is told her.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BeyondRule {
    /// Which rule.
    pub rule: RuleName,
    /// In what.
    pub dimensions: Vec<Dimension>,
}

/// What a decision has to tell her who is asked.
pub(super) fn beyond(decision: &Decision) -> Vec<BeyondRule> {
    let Decision::Ask { beyond, .. } = decision else { return Vec::new() };
    let told = beyond.iter().map(|one| BeyondRule {
        rule: one.rule,
        dimensions: one.dimensions.iter().copied().collect(),
    });
    told.collect()
}
