//! Renewing: a grant takes the place of one that she gave before. `spec/renewal.md`.

use std::collections::BTreeSet;

use besace_protocol::{
    consent::{Dimension, Grant, GrantState, Supersedes, Terms},
    document::{Unverified, Verified},
    id::{GrantId, RequestId},
    jws::Role,
    party::ControllerId,
    purpose::Purpose,
    time::{DAY_SECONDS, Timestamp},
    wire::Proven,
};

use super::{
    Engine,
    consent::{GrantView, verify_given},
    step::StepError,
};
use crate::vault::{GrantChange, Pseudonym, RequestState, StoredGrant};

/// So long before its end a grant is said to end.
pub const RENEWABLE_SECONDS: u64 = 30 * DAY_SECONDS;

/// What another grant would change of one that she has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The grant that would end.
    pub grant: GrantId,
    /// What it allows now.
    pub terms: Terms,
    /// In what the other one asks more of her, or promises less.
    pub worse: Vec<Dimension>,
    /// In what it asks less of her, or promises more.
    pub better: Vec<Dimension>,
}

impl Change {
    /// Of `old` to `new`. What is only different is worse: she has not agreed to it.
    fn between(grant: GrantId, old: &Terms, new: &Terms) -> Self {
        let worse = new.exceeds(old);
        let better = old.exceeds(new).difference(&worse).copied().collect();
        let worse = worse.into_iter().collect();
        Self { grant, terms: old.clone(), worse, better }
    }
}

impl GrantView {
    /// Whether it ends within thirty days, and may be used until then.
    pub fn ends_soon(&self, now: Timestamp) -> bool {
        self.state == GrantState::Active
            && now < self.grant.expires
            && self.grant.expires <= now.plus(RENEWABLE_SECONDS)
    }
}

impl Engine {
    /// What she would change by saying yes to these terms of a retailer; none where she has no such grant.
    pub fn change_by(
        &self,
        domain: &ControllerId,
        terms: &Terms,
    ) -> Result<Option<Change>, StepError> {
        let mut lives = self.lives_for(domain, terms.purpose)?;
        let Some(old) = lives.pop() else { return Ok(None) };
        let old = Unverified::<Grant>::parse(&old.jws).map_err(StepError::Document)?;
        let old = old.claimed();
        Ok(Some(Change::between(old.id, &old.terms, terms)))
    }

    /// The request by which a grant can be renewed now without asking more of her: the newest of its retailer and purpose that
    /// waits for her, else the one that she gave then, while it stands open. What asks for more she answers where it is shown.
    pub fn renewable_by(&self, grant: GrantId) -> Result<Option<RequestId>, StepError> {
        let vault = self.vault()?;
        let Some(old) = vault.grant(grant)? else { return Ok(None) };
        if !old.state.is_live(old.expires_at, self.now()) || self.is_renewing(&old)? {
            return Ok(None);
        }
        let has = Unverified::<Grant>::parse(&old.jws).map_err(StepError::Document)?;
        let has = &has.claimed().terms;
        let open = self.open_requests()?.into_iter().filter(|one| {
            let asked = one.request.payload();
            asked.controller == old.domain && asked.terms.narrower_than(has)
        });
        let newest =
            open.max_by_key(|one| (one.request.payload().issued, one.request.payload().id));
        if let Some(newest) = newest {
            return Ok(Some(newest.request.payload().id));
        }
        let given = vault.request(old.request)?;
        let given = given.filter(|stored| stored.state == RequestState::Given);
        let Some(given) = given else { return Ok(None) };
        let Ok((request, _)) = self.verify_request(&given) else { return Ok(None) };
        let asks_no_more = request.payload().terms.narrower_than(has);
        Ok((asks_no_more && self.check_giving(&request).is_ok()).then_some(old.request))
    }

    /// Her grants to a retailer for a purpose that can be used now, the one that ends last at the end.
    fn lives_for(
        &self,
        domain: &ControllerId,
        purpose: Purpose,
    ) -> Result<Vec<StoredGrant>, StepError> {
        let mut lives = self.vault()?.grants()?;
        lives.retain(|one| {
            one.domain == *domain
                && one.purpose == purpose
                && one.state.is_live(one.expires_at, self.now())
        });
        lives.sort_by_key(|one| (one.expires_at, one.id));
        Ok(lives)
    }

    /// Which grant of a pseudonym another one for `purpose` takes the place of.
    pub(super) fn to_supersede(
        &self,
        pseudonym: &Pseudonym,
        purpose: Purpose,
    ) -> Result<Option<Supersedes>, StepError> {
        let mut lives = self.lives_for(&pseudonym.domain, purpose)?;
        lives.retain(|one| one.generation == pseudonym.generation);
        let Some(old) = lives.pop() else { return Ok(None) };
        let signed = Unverified::<Grant>::parse(&old.jws).map_err(StepError::Document)?;
        Ok(Some(Supersedes { digest: verify_given(signed)?.digest(), grant: old.id }))
    }

    /// A second yes for one purpose waits until the retailer has answered the first: no two would live side by side.
    pub(super) fn is_not_renewing(
        &self,
        domain: &ControllerId,
        purpose: Purpose,
    ) -> Result<(), StepError> {
        self.vault()?.expire_grants(self.now())?;
        let former = self.former()?;
        let waits = |one: &StoredGrant| {
            one.domain == *domain
                && one.purpose == purpose
                && one.state == GrantState::Given
                && !former.contains(&one.generation)
        };
        let waiting = self.vault()?.grants()?.iter().any(waits);
        if waiting { Err(StepError::RequestClosed) } else { Ok(()) }
    }

    fn is_renewing(&self, old: &StoredGrant) -> Result<bool, StepError> {
        let with = self.renewals_of(old.id)?;
        Ok(with.iter().any(|one| one.state == GrantState::Given))
    }

    /// The grants that name this one as the one whose place they take.
    fn renewals_of(&self, old: GrantId) -> Result<Vec<StoredGrant>, StepError> {
        let mut found = self.vault()?.grants()?;
        found.retain(|one| names(one) == Some(old));
        Ok(found)
    }

    /// The grant that took the place of this one, as both signed it.
    pub(super) fn successor_of(&self, old: GrantId) -> Result<Option<Verified<Grant>>, StepError> {
        for after in self.renewals_of(old)? {
            let signed = Unverified::<Grant>::parse(&after.jws).map_err(StepError::Document)?;
            if signed.claimed_key(Role::Controller).is_some() {
                return verify_given(signed).map(Some);
            }
        }
        Ok(None)
    }

    /// What she takes back with a grant: what is to take its place, or has; and what it is to take the place of.
    pub(super) fn taken_back_with(&self, grant: GrantId) -> Result<Vec<GrantId>, StepError> {
        let all = self.vault()?.grants()?;
        let lives =
            |one: &&StoredGrant| matches!(one.state, GrantState::Given | GrantState::Active);
        let mut family = BTreeSet::from([grant]);
        if let Some(this) = all.iter().find(|one| one.id == grant)
            && this.state == GrantState::Given
            && let Some(old) = names(this)
        {
            family.insert(old);
        }
        // From one to the next: there are no more steps than grants.
        for _ in &all {
            let after =
                all.iter().filter(|one| names(one).is_some_and(|old| family.contains(&old)));
            let before = family.len();
            family = after.map(|one| one.id).chain(family.iter().copied()).collect();
            if family.len() == before {
                break;
            }
        }
        family.remove(&grant);
        let with = all.iter().filter(lives).map(|one| one.id);
        Ok(with.filter(|one| family.contains(one)).collect())
    }

    /// Keeps a grant that both signed: it lives from now on, and what it takes the place of is over.
    pub(super) fn activate(&self, signed: &Verified<Grant>) -> Result<Option<Proven>, StepError> {
        let (grant, record) = (signed.payload(), signed.as_bytes().to_vec());
        let turn = grant.supersedes.map(|old| {
            let turn = self.turn_at_outbox();
            self.unhold_releases(old.grant);
            turn
        });
        let passed = self.pass_gate(grant.id, GrantChange::Activate, record);
        if turn.is_some() {
            drop(turn);
            self.try_refresh_outbox();
        }
        passed
    }
}

/// Which grant it names as the one whose place it takes.
fn names(stored: &StoredGrant) -> Option<GrantId> {
    let signed = Unverified::<Grant>::parse(&stored.jws).ok()?;
    Some(signed.claimed().supersedes?.grant)
}
