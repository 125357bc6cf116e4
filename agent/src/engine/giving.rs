//! Giving: a grant is made, kept, told to its retailer, and signed by it too.

use besace_protocol::{
    consent::{ConsentRequest, Grant, GrantState, Indication},
    crypto::SecretBytes,
    document::{Unverified, Verified, sign},
    id::{GrantId, Handle, NegotiationId, RequestId},
    jws::Role,
    negotiation::{Proposal, RuleName},
    party::ControllerId,
    presence::PresenceRoot,
    time::DAY_SECONDS,
    wire::{GRANTS_PATH, GiveGrant, GrantGiven},
};

use super::{
    Engine, Turn,
    retailers::check_request,
    step::{PreparedCall, StepError, answer, check_attested, retailer_log_key},
    turns::Leaving,
};
use crate::vault::{GivingRule, Pseudonym, RequestState, StoredGrant, StoredNegotiation};

/// A grant that she signed, on its way into the vault.
pub(super) struct Giving {
    pub(super) signed: Verified<Grant>,
    stored: StoredGrant,
    presence_root: Option<SecretBytes<32>>,
    rule: Option<GivingRule>,
    /// To a request that she gave before.
    again: bool,
}

impl Engine {
    /// Says yes: signs the grant and keeps it, then gives the call that tells the retailer. Nothing is
    /// released before the retailer has signed too.
    pub fn give(
        &self,
        request: RequestId,
        indication: Indication,
    ) -> Result<(GrantId, PreparedCall), StepError> {
        self.give_as(request, indication, None, None)
    }

    /// As [`give`](Self::give), in the place of a grant that she has, and of nothing else; also where the shop asks no more than
    /// it did then.
    pub fn renew(
        &self,
        grant: GrantId,
        indication: Indication,
    ) -> Result<(GrantId, PreparedCall), StepError> {
        let request = self.renewable_by(grant)?.ok_or(StepError::RequestClosed)?;
        self.give_as(request, indication, None, Some(grant))
    }

    /// As [`give`](Self::give), because a rule of hers says so: the grant names it so that only she can tell which.
    pub(super) fn give_by_rule(
        &self,
        request: RequestId,
        name: RuleName,
    ) -> Result<(GrantId, PreparedCall), StepError> {
        let rule = GivingRule::of(name, &mut self.rng());
        self.give_as(request, rule.indication(), Some(rule), None)
    }

    fn give_as(
        &self,
        request: RequestId,
        indication: Indication,
        rule: Option<GivingRule>,
        renewed: Option<GrantId>,
    ) -> Result<(GrantId, PreparedCall), StepError> {
        self.follows_its_clock()?;
        let again = renewed.is_some();
        let stored = self.vault()?.request(request)?;
        let stored = stored.filter(|stored| {
            stored.state == RequestState::Open || again && stored.state == RequestState::Given
        });
        let (request, _) = self.verify_request(&stored.ok_or(StepError::RequestClosed)?)?;
        if self.negotiated()?.contains(&request.payload().id) {
            return Err(StepError::RequestClosed);
        }
        self.check_giving(&request)?;
        let pseudonym = self.pseudonym(&request.payload().controller)?;
        self.is_not_renewing(&request.payload().controller, request.payload().terms.purpose)?;
        let made = self.make_grant(&pseudonym, &request, None, indication, rule)?;
        // She may have taken it back meanwhile: then there is nothing to renew.
        let replaced = made.signed.payload().supersedes.map(|old| old.grant);
        if again && replaced != renewed {
            return Err(StepError::RequestClosed);
        }
        let giving = Giving { again, ..made };
        let (id, jws) = (giving.stored.id, giving.stored.jws.clone());
        // Two hands on one button: the first grant stands.
        if !self.keep_given(giving, None)? {
            return Err(StepError::RequestClosed);
        }
        let body = GiveGrant { grant: jws.into() };
        Ok((id, self.prepare_call(&pseudonym, GRANTS_PATH, &body)?))
    }

    /// Whether anything may be given to an open request, by her hand or by a rule.
    pub(super) fn check_giving(&self, request: &Verified<ConsentRequest>) -> Result<(), StepError> {
        self.follows_its_clock()?;
        let (asked, now) = (request.payload(), self.now());
        // The shops change with the manifest.
        check_request(request, self.manifest(&asked.controller)?.payload())?;
        if self.is_forked(&asked.controller)? {
            return Err(StepError::Contradiction);
        }
        if asked.expires <= now {
            return Err(StepError::RequestClosed);
        }
        let known = self.vault()?.requests()?;
        if self.is_paused(&known, &asked.controller, asked.terms.purpose)? {
            return Err(StepError::Paused);
        }
        let past = self.past()?;
        let history = past.history(asked.id, &asked.controller, asked.terms.purpose, now);
        if history.too_fast.is_some_and(|fast| now < fast.again) {
            return Err(StepError::TooOften);
        }
        if self.notice_of(request)?.is_none() {
            return Err(StepError::NoticeMissing);
        }
        self.mirror(asked)?;
        if self.minor_until()?.is_some() {
            return Err(StepError::Minor);
        }
        Ok(())
    }

    /// A grant of what is asked, or of what was proposed, signed by her; nothing is kept yet.
    pub(super) fn make_grant(
        &self,
        pseudonym: &Pseudonym,
        request: &Verified<ConsentRequest>,
        proposal: Option<&Verified<Proposal>>,
        indication: Indication,
        rule: Option<GivingRule>,
    ) -> Result<Giving, StepError> {
        let asked = request.payload();
        let terms = proposal.map_or(&asked.terms, |proposed| &proposed.payload().terms).clone();
        let keys = self.pairwise(pseudonym)?;
        let now = self.now();
        let mut rng = self.rng();
        let life = u64::from(terms.valid_days).saturating_mul(DAY_SECONDS);
        let grant = Grant {
            controller: asked.controller.clone(),
            controller_key: asked.controller_key,
            expires: now.plus(life),
            given: now,
            handle: Handle::generate(&mut rng),
            id: GrantId::generate(&mut rng),
            indication,
            notice: asked.notice.digest,
            proposal: proposal.map(Verified::digest),
            request: request.digest(),
            request_id: asked.id,
            subject_key: keys.signing.verifying_key(),
            subject_log: pseudonym.log,
            subject_log_key: self.pairwise_log_signer(pseudonym)?.verifying_key(),
            subject_sealing_key: keys.sealing.public_key(),
            supersedes: self.to_supersede(pseudonym, terms.purpose)?,
            terms,
            v: 1,
        };
        let signed = sign(grant, Role::Subject, &keys.signing, now).map_err(|_| StepError::Make)?;
        let given = signed.payload();
        let presence = given.terms.purpose.releases().is_some();
        let presence_root = presence.then(|| {
            let root = PresenceRoot::generate(&mut rng);
            SecretBytes::init_with(|bytes| bytes.copy_from_slice(root.danger_expose()))
        });
        let jws = signed.as_bytes().to_vec();
        let stored = StoredGrant::given(given, jws, asked.id, pseudonym.generation);
        Ok(Giving { signed, stored, presence_root, rule, again: false })
    }

    /// Keeps a grant that was made; false, and nothing kept, if its request was decided meanwhile, or its rule changed.
    /// Where it is said in a negotiation, as that message of it.
    pub(super) fn keep_given(
        &self,
        giving: Giving,
        said: Option<(NegotiationId, usize)>,
    ) -> Result<bool, StepError> {
        let Giving { signed: _, stored, presence_root, rule, again } = giving;
        Ok(self.vault()?.add_grant(stored, presence_root, rule, said, again)?)
    }

    /// Calls for grants the retailer has not signed yet: a retailer that was not reached is told again.
    pub fn unsigned_grants(
        &self,
        domain: &ControllerId,
    ) -> Result<Vec<(GrantId, PreparedCall)>, StepError> {
        self.follows_its_clock()?;
        self.log_stands(domain)?;
        let mut calls = Vec::new();
        for stored in self.vault()?.grants()? {
            if stored.domain != *domain || stored.state != GrantState::Given {
                continue;
            }
            // What was negotiated is said there.
            let grant = Unverified::<Grant>::parse(&stored.jws).map_err(StepError::Document)?;
            if grant.claimed().proposal.is_some() {
                continue;
            }
            let pseudonym = self.pseudonym_of(stored.generation)?;
            // It names a log that the retailer would not find there.
            if self.is_going_on(stored.generation)? {
                continue;
            }
            let body = GiveGrant { grant: stored.jws.into() };
            calls.push((stored.id, self.prepare_call(&pseudonym, GRANTS_PATH, &body)?));
        }
        Ok(calls)
    }

    /// What the retailer refuses to sign is taken back: the call that tells it, if the grant waits still.
    pub fn end_refused(&self, id: GrantId) -> Result<Option<PreparedCall>, StepError> {
        let waits = self.vault()?.grant(id)?.is_some_and(|one| one.state == GrantState::Given);
        if waits { self.withdraw_orphan(id).map(Some) } else { Ok(None) }
    }

    /// The right to tell a retailer of a grant now; none if it was told, or she took it back.
    pub fn turn_to_tell(
        &self,
        id: GrantId,
        call: &PreparedCall,
    ) -> Result<Option<Turn>, StepError> {
        let leaving = Leaving::Grant(id);
        let Some(turn) = self.0.turns.enter(leaving, &call.domain, call.body.len()) else {
            return Ok(None);
        };
        let stored = self.vault()?.grant(id)?.ok_or(StepError::GrantOver)?;
        if stored.state != GrantState::Given {
            return Ok(None);
        }
        self.note_turn(&turn)?;
        Ok(Some(turn))
    }

    /// Takes the retailer's answer to a grant: its signature over the same bytes, logged.
    pub fn accept_grant(&self, id: GrantId, bytes: &[u8]) -> Result<(), StepError> {
        let answer: GrantGiven = answer(bytes)?;
        let vault = self.vault()?;
        let stored = vault.grant(id)?.ok_or(StepError::GrantOver)?;
        let ours = Unverified::<Grant>::parse(&stored.jws).map_err(StepError::Document)?;
        let manifest = self.manifest(&stored.domain)?;
        let log = retailer_log_key(manifest.payload());
        let signed = Unverified::<Grant>::parse(answer.grant.document.as_ref())
            .map_err(StepError::Document)?
            .verify(&[
                (Role::Subject, &ours.claimed().subject_key),
                (Role::Controller, &ours.claimed().controller_key),
            ])
            .map_err(StepError::Signature)?;
        if signed.payload() != ours.claimed() {
            return Err(StepError::Answer);
        }
        let evidence =
            check_attested(&answer.grant, &log, &stored.domain, Some(id), "grant", self.now())?;
        self.keep_evidence(vec![evidence])?;
        // The same answer again, after one whose acceptance was not heard of: that is fine.
        if stored.state == GrantState::Active {
            return Ok(());
        }
        self.activate(&signed)?.map(drop).ok_or(StepError::GrantOver)
    }

    /// Whether she withdrew what she gave in a negotiation: then its withdrawal is told, and the grant no more.
    pub(super) fn is_taken_back(&self, stored: &StoredNegotiation) -> Result<bool, StepError> {
        let last = stored.said.last().map(|said| Unverified::<Grant>::parse(said));
        let Some(Ok(grant)) = last else { return Ok(false) };
        let given = self.vault()?.grant(grant.claimed().id)?;
        Ok(given.is_some_and(|given| given.withdrawal.is_some()))
    }
}
