//! Giving, refusing and taking back consent.

use besace_protocol::{
    consent::{
        Acknowledgement, ConsentRequest, Erasure, Grant, GrantState, Guess, Notice,
        RevocationReason, Withdrawal,
    },
    crypto::SigningKey,
    document::{Unverified, Verified, sign},
    id::{Generation, GrantId, LogId, RequestId, WithdrawalId},
    jws::Role,
    keys::PairwiseKeys,
    log::Salt,
    negotiation::{Decision, REFUSAL_PAUSE_SECONDS, RuleName},
    party::ControllerId,
    time::Timestamp,
    wire::{Proven, WITHDRAWALS_PATH, Withdraw, Withdrawn},
};

use super::{
    Acquaintance, Engine, Errand, Turn, Withdrawing,
    decisions::{BeyondRule, beyond},
    renewal::Change,
    retailers::check_request,
    revocation,
    step::{FACET, PreparedCall, StepError, answer, check_attested, retailer_log_key},
};
use crate::{
    sealed::Content,
    vault::{
        GateSalts, GrantChange, LogSigners, Pseudonym, RequestState, RevokedBy, Shut, StoredGrant,
        StoredRequest,
    },
};

/// A request that waits for her decision, with all that has to be shown.
#[derive(Clone, Debug)]
pub struct OpenRequest {
    /// What is asked, verified.
    pub request: Verified<ConsentRequest>,
    /// The name over the shop's door.
    pub display_name: String,
    /// What is told before: it explains the request.
    pub notice: Notice,
    /// What could be guessed of who says yes.
    pub guesses: Vec<Guess>,
    /// In what it goes beyond her rules for this purpose: why she is asked.
    pub beyond: Vec<BeyondRule>,
    /// What it would change of a grant that she has, and whose place it would take.
    pub change: Option<Change>,
}

/// An open request with its notice, whether or not she is asked.
pub(super) struct Undecided {
    pub(super) domain: ControllerId,
    pub(super) request: Verified<ConsentRequest>,
    pub(super) display_name: String,
    pub(super) notice: Notice,
    pub(super) guesses: Vec<Guess>,
}

/// A request she said no to, while it may not be asked again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedRequest {
    /// Its name.
    pub id: RequestId,
    /// The name over the shop's door.
    pub display_name: String,
    /// Before this moment its purpose is not shown again.
    pub paused_until: Timestamp,
}

/// A grant she gave, with its retailer.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own about the grant")]
pub struct GrantView {
    /// What was agreed.
    pub grant: Grant,
    /// Where it stands now.
    pub state: GrantState,
    /// When it ended, if it has.
    pub ended_at: Option<Timestamp>,
    /// Whether nothing about the withdrawal is left to say: the retailer signed that it received it,
    /// or never had the grant.
    pub acknowledged: bool,
    /// Whether the retailer signed it too.
    pub both_signed: bool,
    /// Whether the negotiation in which she gave it ended without the retailer's signature: it was withdrawn with that.
    pub unanswered: bool,
    /// When the retailer received the withdrawal, as it signed; never later than its signature came.
    pub acknowledged_at: Option<Timestamp>,
    /// What it signed when it had erased what it held.
    pub erasure: Option<Erasure>,
    /// When that came.
    pub erasure_shown_at: Option<Timestamp>,
    /// The name over the shop's door.
    pub display_name: String,
    /// Which rule of hers gave it; none if her hand did.
    pub rule: Option<RuleName>,
    /// By what somebody else ended it.
    pub revoked_by: Option<RevokedBy>,
    /// When its retailer ended it, as it signed; never later than that came.
    pub revoked_at: Option<Timestamp>,
    /// Why, as it signed.
    pub revoked_for: Option<RevocationReason>,
    /// Whether its retailer lost its store since, and with it what it held.
    pub destroyed: bool,
}

impl Engine {
    /// Requests that wait for her decision. One whose notice is not here yet, or does not tell what is asked, is not
    /// shown, nor one whose purpose she refused less than six months ago, which came too soon after others, which a
    /// rule of hers refuses, or of which nobody can say what could be guessed. A minor's vault shows none.
    pub fn open_requests(&self) -> Result<Vec<OpenRequest>, StepError> {
        let mut open = Vec::new();
        let past = self.past()?;
        for Undecided { request, display_name, notice, guesses, .. } in self.undecided()? {
            let decision = self.decision(&request, &past)?;
            if matches!(decision, Decision::Silent(_) | Decision::Refuse { .. }) {
                continue;
            }
            let beyond = beyond(&decision);
            let asked = request.payload();
            let change = self.change_by(&asked.controller, &asked.terms)?;
            open.push(OpenRequest { request, display_name, notice, guesses, beyond, change });
        }
        Ok(open)
    }

    /// Open requests of which she knows what they ask, and which are not negotiated.
    pub(super) fn undecided(&self) -> Result<Vec<Undecided>, StepError> {
        let mut open = Vec::new();
        if self.minor_until()?.is_some() {
            return Ok(open);
        }
        let (known, negotiated) = (self.vault()?.requests()?, self.negotiated()?);
        let not_yet = self.not_yet()?;
        let is_open = |stored: &&StoredRequest| {
            stored.state == RequestState::Open
                && !negotiated.contains(&stored.id)
                && !not_yet.contains(&stored.domain)
        };
        for stored in known.iter().filter(is_open) {
            let (request, display_name) = match self.verify_request(stored) {
                Ok(verified) => verified,
                // One that no longer fits the shops hides itself, not the others.
                Err(StepError::Answer) => continue,
                Err(error) => return Err(error),
            };
            let asked = request.payload();
            if asked.expires <= self.now()
                || self.is_paused(&known, &stored.domain, asked.terms.purpose)?
            {
                continue;
            }
            let Some(notice) = self.notice_of(&request)? else { continue };
            let guesses = match self.mirror(asked) {
                Ok(guesses) => guesses,
                Err(StepError::Mirror(_)) => continue,
                Err(error) => return Err(error),
            };
            let domain = stored.domain.clone();
            open.push(Undecided { domain, request, display_name, notice, guesses });
        }
        Ok(open)
    }

    /// Requests she refused less than six months ago, the newest first.
    pub fn refused_requests(&self) -> Result<Vec<RefusedRequest>, StepError> {
        let mut refused = Vec::new();
        for stored in self.vault()?.requests()? {
            let Some(decided_at) = stored.decided_at else { continue };
            let paused_until = decided_at.plus(REFUSAL_PAUSE_SECONDS);
            if stored.state == RequestState::Refused && self.now() < paused_until {
                let manifest = self.manifest(&stored.domain)?;
                let display_name = manifest.payload().legal.display_name.clone();
                refused.push(RefusedRequest { id: stored.id, display_name, paused_until });
            }
        }
        Ok(refused)
    }

    /// Every grant, the newest first.
    pub fn grants(&self) -> Result<Vec<GrantView>, StepError> {
        let vault = self.vault()?;
        vault.expire_grants(self.now())?;
        let mut views = Vec::new();
        let (received, shown) = (vault.shown("acknowledgement")?, vault.shown("erasure")?);
        let revoked = vault.shown("revocation")?;
        let mut rules = self.names_of_giving_rules()?;
        let unanswered = self.unanswered_grants()?;
        for stored in vault.grants()? {
            let grant = Unverified::<Grant>::parse(&stored.jws).map_err(StepError::Document)?;
            let acknowledged_at = acknowledged_at(&stored)?
                .map(|at| received.get(&stored.id).map_or(at, |received| at.min(*received)));
            let display_name = self.manifest(&stored.domain)?.payload().legal.display_name.clone();
            // It was checked when it was kept.
            let erasure = stored.erasure.as_deref().map(Unverified::<Erasure>::parse).transpose();
            let erasure = erasure.map_err(StepError::Document)?;
            let ended = revocation::kept(&stored)?;
            views.push(GrantView {
                grant: grant.claimed().clone(),
                state: stored.state,
                ended_at: stored.ended_at,
                acknowledged: stored.acknowledgement.is_some() || stored.unreceived_at.is_some(),
                both_signed: grant.claimed_key(Role::Controller).is_some(),
                unanswered: unanswered.contains(&stored.id),
                acknowledged_at,
                erasure_shown_at: shown.get(&stored.id).copied(),
                erasure: erasure.map(|erasure| erasure.claimed().clone()),
                display_name,
                rule: rules.remove(&stored.id),
                revoked_by: stored.revoked_by,
                revoked_at: ended.as_ref().map(|said| {
                    let at = said.payload().revoked;
                    revoked.get(&stored.id).map_or(at, |came| at.min(*came))
                }),
                revoked_for: ended.as_ref().map(|said| said.payload().reason),
                destroyed: stored.destroyed_at.is_some(),
            });
        }
        Ok(views)
    }

    /// Who asks in this request.
    pub fn asking(&self, request: RequestId) -> Result<ControllerId, StepError> {
        let stored = self.vault()?.request(request)?;
        Ok(stored.ok_or(StepError::RequestClosed)?.domain)
    }

    /// Says no. The purpose is not shown again for six months.
    pub fn refuse(&self, request: RequestId) -> Result<(), StepError> {
        let vault = self.vault()?;
        vault.ensure_sound()?;
        let stored = vault.request(request)?.ok_or(StepError::RequestClosed)?;
        let asked =
            Unverified::<ConsentRequest>::parse(&stored.jws).map_err(StepError::Document)?;
        let purpose = asked.claimed().terms.purpose;
        let done = vault.refuse_request(request, &stored.domain, purpose, self.now())?;
        if done { Ok(()) } else { Err(StepError::RequestClosed) }
    }

    /// The journal says that it leaves, before it does.
    pub(super) fn note_turn(&self, turn: &Turn) -> Result<(), StepError> {
        turn.note(self.now()).map_or(Ok(()), |entry| Ok(self.note(entry)?))
    }

    /// Whether she took a grant back.
    pub fn is_withdrawn(&self, id: GrantId) -> Result<bool, StepError> {
        let stored = self.vault()?.grant(id)?.ok_or(StepError::GrantOver)?;
        Ok(stored.withdrawal.is_some())
    }

    /// Takes consent back. From here on nothing leaves under the grant, whoever answers or not; the
    /// call that comes back tells the retailer.
    pub fn withdraw(&self, id: GrantId) -> Result<PreparedCall, StepError> {
        // Before anything else is awaited: she never waits for a retailer.
        let withdrawing = self.begin_withdrawal(id);
        withdrawing.wait();
        self.finish_withdrawal(withdrawing)
    }

    /// As [`withdraw`](Self::withdraw), of what the retailer says that it never signed: what that was to take the place
    /// of stays. Where it did sign, that is over too.
    pub fn withdraw_orphan(&self, id: GrantId) -> Result<PreparedCall, StepError> {
        let stored = self.vault()?.grant(id)?.ok_or(StepError::GrantOver)?;
        let grant = Unverified::<Grant>::parse(&stored.jws).map_err(StepError::Document)?;
        if grant.claimed_key(Role::Controller).is_some() {
            return self.withdraw(id);
        }
        let mut withdrawing = self.0.turns.close(id);
        withdrawing.alone = true;
        withdrawing.wait();
        self.finish_withdrawal(withdrawing)
    }

    /// From here on nothing begins to leave under the grant, and what is on its way is stopped.
    pub fn begin_withdrawal(&self, id: GrantId) -> Withdrawing {
        let mut withdrawing = self.0.turns.close(id);
        // Where the vault cannot be read nothing is written down either.
        let others = self.taken_back_with(id).unwrap_or_default();
        withdrawing.others = others.into_iter().map(|other| self.0.turns.close(other)).collect();
        withdrawing
    }

    /// Writes a withdrawal down, when what was on its way is gone.
    pub fn finish_withdrawal(
        &self,
        mut withdrawing: Withdrawing,
    ) -> Result<PreparedCall, StepError> {
        let id = withdrawing.grant;
        // She may have renewed it between the two.
        let closed: Vec<GrantId> = withdrawing.others.iter().map(|other| other.grant).collect();
        let late = if withdrawing.alone { Vec::new() } else { self.taken_back_with(id)? };
        for other in late.into_iter().filter(|other| !closed.contains(other)) {
            let other = self.0.turns.close(other);
            other.wait();
            withdrawing.others.push(other);
        }
        let (pseudonym, record) = self.make_withdrawal(id)?;
        let mut all = vec![self.withdraw_step(id, record.clone(), &withdrawing)];
        for other in &withdrawing.others {
            let (_, record) = self.make_withdrawal(other.grant)?;
            all.push(self.withdraw_step(other.grant, record, other));
        }
        // Before it stands in her log: whatever happens in between, no key leaves afterwards.
        let turn = self.turn_at_outbox();
        for (grant, ..) in &all {
            self.unhold_releases(*grant);
        }
        self.withdraw_together(&pseudonym, all)?;
        // It was over before, or it is now.
        let stands = self.vault()?.grant(id)?.and_then(|stored| stored.withdrawal);
        if stands.as_ref() != Some(&record) {
            return Err(StepError::GrantOver);
        }
        drop(withdrawing);
        drop(turn);
        self.try_refresh_outbox();
        let body = self.withdraw_body(&pseudonym, record)?;
        self.prepare_call(&pseudonym, WITHDRAWALS_PATH, &body)
    }

    fn withdraw_step(
        &self,
        grant: GrantId,
        record: Vec<u8>,
        withdrawing: &Withdrawing,
    ) -> (GrantId, GrantChange, Vec<u8>, GateSalts) {
        let mut rng = self.rng();
        let salts = GateSalts { record: Salt::generate(&mut rng), head: Salt::generate(&mut rng) };
        let stopped = withdrawing.stopped(self.now());
        (grant, GrantChange::Withdraw { stopped }, record, salts)
    }

    /// All of them, or none.
    fn withdraw_together(
        &self,
        pseudonym: &Pseudonym,
        all: Vec<(GrantId, GrantChange, Vec<u8>, GateSalts)>,
    ) -> Result<(), StepError> {
        let vault = self.vault()?;
        let own = vault.own_log(LogId::generate(&mut self.rng()), self.now())?;
        let signers = LogSigners {
            pairwise: self.pairwise_log_signer(pseudonym)?,
            vault: self.root()?.vault_log_key(&own),
        };
        let done = vault.withdraw_together(all, signers, self.now());
        // Also where only the mark failed: the change was made.
        self.0.grant_changes.send_replace(());
        Ok(done.map(drop)?)
    }

    /// A withdrawal of a grant, signed by her pseudonym of today; nothing is written down yet.
    fn make_withdrawal(&self, id: GrantId) -> Result<(Pseudonym, Vec<u8>), StepError> {
        let stored = self.vault()?.grant(id)?.ok_or(StepError::GrantOver)?;
        let pseudonym = self.pseudonym_of(stored.generation)?;
        self.writes_its_log(&pseudonym)?;
        self.sign_withdrawal(&stored, &pseudonym).map(|record| (pseudonym, record))
    }

    /// A withdrawal of a grant, signed by the pseudonym that gave it.
    pub(super) fn sign_withdrawal(
        &self,
        stored: &StoredGrant,
        pseudonym: &Pseudonym,
    ) -> Result<Vec<u8>, StepError> {
        let grant = Unverified::<Grant>::parse(&stored.jws).map_err(StepError::Document)?;
        let keys = self.pairwise(pseudonym)?;
        // A grant that the retailer never signed is withdrawn like any other.
        let grant_digest = verify_given(grant)?.digest();
        let withdrawal = Withdrawal {
            controller: stored.domain.clone(),
            grant: stored.id,
            grant_digest,
            id: WithdrawalId::generate(&mut self.rng()),
            // The key of today: her pseudonym may have gone on since she gave the grant.
            subject_key: keys.signing.verifying_key(),
            v: 1,
            withdrawn: self.now(),
        };
        let signed = sign(withdrawal, Role::Subject, &keys.signing, self.now())
            .map_err(|_| StepError::Make)?;
        Ok(signed.as_bytes().to_vec())
    }

    /// Calls for withdrawals the retailer has not acknowledged: told again until it signs.
    pub fn unacknowledged_withdrawals(
        &self,
        errand: impl Into<Errand>,
    ) -> Result<Vec<(GrantId, PreparedCall)>, StepError> {
        let errand = errand.into();
        let mut calls = Vec::new();
        for stored in self.vault()?.grants()? {
            let waits = stored.domain == errand.domain
                && stored.acknowledgement.is_none()
                && stored.unreceived_at.is_none()
                && self.speaks_in(&errand, stored.generation)?;
            let (true, Some(withdrawal)) = (waits, stored.withdrawal) else { continue };
            let pseudonym = self.pseudonym_of(stored.generation)?;
            let body = self.withdraw_body(&pseudonym, withdrawal)?;
            calls.push((stored.id, self.prepare_call(&pseudonym, WITHDRAWALS_PATH, &body)?));
        }
        Ok(calls)
    }

    /// A withdrawal with the head of her log as it is now: the retailer remembers that there was one, also for a
    /// vault that does not.
    pub(super) fn withdraw_body(
        &self,
        pseudonym: &Pseudonym,
        withdrawal: Vec<u8>,
    ) -> Result<Withdraw, StepError> {
        let head = self.vault()?.log_head(pseudonym.log)?;
        Ok(Withdraw { head, withdrawal: withdrawal.into() })
    }

    /// Takes the retailer's acknowledgement of a withdrawal.
    pub fn accept_acknowledgement(&self, id: GrantId, bytes: &[u8]) -> Result<(), StepError> {
        let answer: Withdrawn = answer(bytes)?;
        let vault = self.vault()?;
        let stored = vault.grant(id)?.ok_or(StepError::GrantOver)?;
        let withdrawal = stored.withdrawal.as_deref().ok_or(StepError::Answer)?;
        let manifest = self.manifest(&stored.domain)?;
        let controller = manifest.payload().controller_key;
        let acknowledgement =
            Unverified::<Acknowledgement>::parse(answer.acknowledgement.document.as_ref())
                .map_err(StepError::Document)?
                .verify(&[(Role::Controller, &controller)])
                .map_err(StepError::Signature)?;
        let ours = Unverified::<Withdrawal>::parse(withdrawal).map_err(StepError::Document)?;
        let subject = ours.claimed().subject_key;
        let ours = ours.verify(&[(Role::Subject, &subject)]).map_err(StepError::Signature)?;
        // A vault that was restored says again what its retailer took before: the first one ended the grant.
        let taken = answer.withdrawal.document.as_ref();
        let other = (taken != withdrawal)
            .then(|| self.another_withdrawal(&stored, ours.payload().grant_digest, taken))
            .transpose()?;
        if acknowledgement.payload().answers(other.as_ref().unwrap_or(&ours)).is_err() {
            return Err(StepError::Answer);
        }
        let log = retailer_log_key(manifest.payload());
        let now = self.now();
        let evidence =
            [(&answer.withdrawal, "withdrawal"), (&answer.acknowledgement, "acknowledgement")]
                .into_iter()
                .map(|(attested, kind)| {
                    check_attested(attested, &log, &stored.domain, Some(id), kind, now)
                })
                .collect::<Result<Vec<_>, _>>()?;
        self.keep_evidence(evidence)?;
        // The same acknowledgement again finds the grant acknowledged already: that is fine.
        let change = GrantChange::Acknowledge { other: other.map(|other| self.in_place(&other)) };
        self.pass_gate(id, change, acknowledgement.as_bytes().to_vec())?;
        self.unhold_said(&Content::Withdrawn { grant: id });
        Ok(())
    }

    /// Passes the gate of the vault with fresh salts and the right signers.
    pub(super) fn pass_gate(
        &self,
        id: GrantId,
        change: GrantChange,
        record: Vec<u8>,
    ) -> Result<Option<Proven>, StepError> {
        let vault = self.vault()?;
        let stored = vault.grant(id)?.ok_or(StepError::GrantOver)?;
        let pseudonym = self.pseudonym_of(stored.generation)?;
        let changes_emission = matches!(
            change,
            GrantChange::Activate | GrantChange::Withdraw { .. } | GrantChange::Revoke { .. }
        );
        let mut rng = self.rng();
        let own = vault.own_log(LogId::generate(&mut rng), self.now())?;
        let signers = LogSigners {
            pairwise: self.pairwise_log_signer(&pseudonym)?,
            vault: self.root()?.vault_log_key(&own),
        };
        let salts = GateSalts { record: Salt::generate(&mut rng), head: Salt::generate(&mut rng) };
        let proven = vault.pass_gate(id, change, record, signers, salts, self.now());
        // Also where only the mark failed: the change was made.
        if changes_emission {
            self.0.grant_changes.send_replace(());
        }
        match proven? {
            Ok(proven) => Ok(Some(proven)),
            Err(Shut::Over) => Ok(None),
            Err(Shut::Beyond(excess)) => Err(StepError::Beyond(excess)),
        }
    }

    /// Signs the log of a pseudonym.
    pub(super) fn pairwise_log_signer(
        &self,
        pseudonym: &Pseudonym,
    ) -> Result<SigningKey, StepError> {
        let Pseudonym { domain, facet, generation, log, .. } = pseudonym;
        Ok(self.root()?.pairwise_log_key(domain, *facet, generation, log))
    }

    /// The keys of a pseudonym as they are now.
    pub(super) fn pairwise(&self, pseudonym: &Pseudonym) -> Result<PairwiseKeys, StepError> {
        let Pseudonym { domain, facet, generation, .. } = pseudonym;
        Ok(self.root()?.pairwise(domain, *facet, generation))
    }

    /// The pseudonym a grant was given under.
    pub(super) fn pseudonym_of(&self, generation: Generation) -> Result<Pseudonym, StepError> {
        let all = self.vault()?.pseudonyms()?;
        all.into_iter().find(|one| one.generation == generation).ok_or(StepError::GrantOver)
    }

    /// Her pseudonym towards a retailer; a fresh one if she has none yet. None is made as long as the retailer is to
    /// hear of nobody.
    pub(super) fn pseudonym(&self, domain: &ControllerId) -> Result<Pseudonym, StepError> {
        let vault = self.vault()?;
        if let Some(pseudonym) = vault.pseudonym(domain, FACET)? {
            return Ok(pseudonym);
        }
        if let Acquaintance::Waiting { from } = self.acquaintance(domain)? {
            return Err(StepError::NotYet { from });
        }
        let mut rng = self.rng();
        let pseudonym = Pseudonym {
            domain: domain.clone(),
            facet: FACET,
            generation: Generation::generate(&mut rng),
            log: LogId::generate(&mut rng),
            started_at: self.now(),
            ended_at: None,
        };
        vault.start_pseudonym(pseudonym.clone())?;
        // Nobody can remember anything of it.
        self.accept_no_head(pseudonym.generation)?;
        Ok(pseudonym)
    }

    /// The notice of a verified request, if it is here, tells what is asked, and names the company of the manifest.
    pub(super) fn notice_of(
        &self,
        request: &Verified<ConsentRequest>,
    ) -> Result<Option<Notice>, StepError> {
        let asked = request.payload();
        let body = self.vault()?.notice(asked.notice.digest)?;
        let notice = body.and_then(|body| Notice::parse(&body).ok());
        let manifest = self.manifest(&asked.controller)?;
        Ok(notice.filter(|notice| {
            notice.explains(asked).is_ok()
                && notice.controller().name == manifest.payload().legal.name
        }))
    }

    pub(super) fn verify_request(
        &self,
        stored: &StoredRequest,
    ) -> Result<(Verified<ConsentRequest>, String), StepError> {
        let manifest = self.manifest(&stored.domain)?;
        let request = Unverified::<ConsentRequest>::parse(&stored.jws)
            .map_err(StepError::Document)?
            .verify(&[(Role::Controller, &manifest.payload().controller_key)])
            .map_err(StepError::Signature)?;
        // Looked at again: shops change with the manifest.
        check_request(&request, manifest.payload())?;
        Ok((request, manifest.payload().legal.display_name.clone()))
    }
}

/// A grant that she gave and kept, with the signatures that it carries: hers, and the retailer's if that came home.
pub(super) fn verify_given(grant: Unverified<Grant>) -> Result<Verified<Grant>, StepError> {
    let (subject, controller) = (grant.claimed().subject_key, grant.claimed().controller_key);
    let both = [(Role::Subject, &subject), (Role::Controller, &controller)];
    let countersigned = grant.claimed_key(Role::Controller).is_some();
    let signers = if countersigned { &both[..] } else { &both[..1] };
    grant.verify(signers).map_err(StepError::Signature)
}

/// When its retailer received the withdrawal of a grant, as it signed. It was checked when it was kept.
pub(super) fn acknowledged_at(stored: &StoredGrant) -> Result<Option<Timestamp>, StepError> {
    let Some(kept) = &stored.acknowledgement else { return Ok(None) };
    let kept = Unverified::<Acknowledgement>::parse(kept).map_err(StepError::Document)?;
    Ok(Some(kept.claimed().acknowledged))
}
