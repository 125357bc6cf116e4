//! Opened entries, one after the other, become the book of one log, or of the logs of one pseudonym: who signed
//! what, and which grants live. Only what a later entry may need is kept.

use alloc::{
    boxed::Box,
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use super::{
    Assertion, Fault, Gap, PinnedController, Policy,
    conduct::{Erased, Life, Renewed, Revoked, Watch},
    entry::{Claimed, Content, Entry, Refused},
    findings::Findings,
    mandates::Mandates,
    place::{Places, Spot},
    succession::Succession,
    transcript::{Follows, Transcripts},
};
use crate::{
    consent::{
        Acknowledgement, ConsentRequest, Erasure, ErasureMismatch, Grant, Objection, RecordKind,
        Restoration, Revocation, Terms, Withdrawal, WithdrawalMismatch,
    },
    crypto::{Digest, KeyId},
    document::Verified,
    id::GrantId,
    jws::{Role, VerifyJwsError},
    log::{LogKey, Origin},
    negotiation::{Proposal, Side},
    party::ControllerId,
    purpose::Purpose,
    time::Timestamp,
};

/// What every book is held against.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context<'a> {
    pub(super) policy: &'a Policy,
    pub(super) now: Timestamp,
    pub(super) places: Places<'a>,
    /// The documents of the bundle.
    pub(super) documents: &'a BTreeSet<Digest>,
    /// The counts of uses that documents of the bundle claim, by grant.
    pub(super) watches: &'a BTreeMap<GrantId, Vec<Watch>>,
}

/// The opened part of one log, or of the logs of one pseudonym.
#[derive(Debug)]
pub(super) struct Book<'a> {
    pub(super) context: Context<'a>,
    /// The logs it stands in: one, or those in which a pseudonym went on.
    pub(super) origins: Vec<Origin>,
    /// Entries of it are known to be gone.
    pub(super) lost: bool,
    /// The retailer, if it is a retailer's log; else the log is a pseudonym's.
    pub(super) retailer: Option<&'a PinnedController>,
    /// A retailer's, by the digests of their payloads.
    pub(super) requests: BTreeMap<Digest, Verified<ConsentRequest>>,
    /// What was proposed about them.
    pub(super) transcripts: Transcripts,
    /// What counts of what each pseudonym said about direct marketing, so far.
    pub(super) objections: BTreeMap<KeyId, Box<Objection>>,
    /// Digests of the public documents it says were published.
    pub(super) published: BTreeSet<Digest>,
    /// Digests of the notices that its requests and grants name.
    pub(super) notices: BTreeSet<Digest>,
    /// What was granted under each notice, and where first.
    pub(super) granted: BTreeMap<Told, (GrantId, Spot)>,
    pub(super) lives: BTreeMap<GrantId, Box<Life>>,
    /// What she let others do, in the log of her vault.
    pub(super) mandates: Mandates,
    /// By which the retailer began its logs anew.
    pub(super) restorations: Vec<(Verified<Restoration>, Spot)>,
    /// Latest moment of an entry so far.
    pub(super) last: Option<Timestamp>,
    /// By when witnesses had seen the log with the entry that is being taken.
    pub(super) seen: Option<Timestamp>,
    /// About its documents. Counts if the evidence holds.
    pub(super) form: Findings,
    /// About the notices of its grants. Counts if its documents hold.
    pub(super) papers: Findings,
    /// About what was done. Counts if the papers hold.
    pub(super) conduct: Findings,
}

/// What a notice tells of the terms of a grant that names it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Told {
    pub(super) notice: Digest,
    /// It takes a proposal, which asks no more than what the notice tells.
    pub(super) proposed: bool,
    pub(super) purpose: Purpose,
    pub(super) recipients: Vec<ControllerId>,
    pub(super) retention_days: u16,
}

impl<'a> Book<'a> {
    /// A book before its first entry, of the logs `origins` in their order.
    pub(super) fn new(origins: Vec<Origin>, context: Context<'a>) -> Self {
        let domain = origins.first().and_then(Origin::controller);
        let retailer = domain.and_then(|domain| context.policy.controller(&domain));
        Self {
            context,
            origins,
            lost: false,
            retailer,
            requests: BTreeMap::new(),
            transcripts: Transcripts::default(),
            objections: BTreeMap::new(),
            published: BTreeSet::new(),
            notices: BTreeSet::new(),
            granted: BTreeMap::new(),
            lives: BTreeMap::new(),
            mandates: Mandates::default(),
            restorations: Vec::new(),
            last: None,
            seen: None,
            form: Findings::default(),
            papers: Findings::default(),
            conduct: Findings::default(),
        }
    }

    /// Takes the next entry: G1, G2 for a document, G3 for a grant, and what was done.
    pub(super) fn take(&mut self, entry: Entry, spot: Spot, succession: &Succession) {
        self.seen = entry.seen;
        if entry.signed {
            self.form.checked(Assertion::G1);
        }
        if let Ok(content) = &entry.content {
            self.begins(content, spot);
        }
        let taken = entry.content.and_then(|content| self.take_content(content, spot, succession));
        if let Err((assertion, fault)) = taken {
            self.form.find(assertion, self.context.places.of(spot), fault);
        }
    }

    fn take_content(
        &mut self,
        content: Content,
        spot: Spot,
        succession: &Succession,
    ) -> Result<(), Refused> {
        match content {
            Content::Request(request) => self.requested(*request),
            Content::Proposal(said) => {
                self.proposed(said.payload(), spot);
                self.transcripts.take(said);
            }
            Content::Grant(grant) => self.granted(*grant, spot, succession)?,
            Content::Withdrawal(withdrawal) => self.withdrawn(*withdrawal, spot, succession)?,
            Content::Acknowledgement(answer) => self.acknowledged(*answer, spot)?,
            Content::Erasure(erasure) => self.erased(*erasure, spot)?,
            Content::Revocation(revocation) => self.revoked(*revocation, spot)?,
            Content::Objection(objection) => self.objected(objection)?,
            // The retailer's were looked at before.
            Content::Continuation(_) if self.retailer.is_some() => {}
            Content::Continuation(read) => match *read {
                Ok(signed) => self.own(&Origin::of_log(&signed.payload().to.log))?,
                Err(fault @ Fault::ParseDocument(_)) => return Err((Assertion::G2, fault)),
                Err(fault) => return Err((Assertion::G1, fault)),
            },
            Content::Mandate(mandate) => self.mandates.given(*mandate),
            Content::MandateWithdrawal(withdrawal) => self
                .mandates
                .withdrawn(withdrawal.payload(), spot)
                .map_err(|fault| (Assertion::G1, fault))?,
            Content::Restoration(said) => self.restored(*said, spot)?,
            Content::Public | Content::Said => {}
            Content::Use(record, head) => self.used(&record, head, spot),
            Content::Plain(record) => {
                if let RecordKind::Published(published) = record.as_ref() {
                    self.published.insert(published.digest);
                }
                self.plain(&record, spot);
            }
        }
        Ok(())
    }

    /// A retailer's log after its first begins with what ended the one before: S3.
    fn begins(&mut self, content: &Content, spot: Spot) {
        let number = self.origins.first().and_then(Origin::number);
        if spot.index != 0 || number.is_none_or(|number| number.is_first()) {
            return;
        }
        let other = !matches!(content, Content::Restoration(_));
        let (fault, places) = (other.then_some(Fault::NoRestoration), self.context.places);
        self.form.check(Assertion::S3, fault, || places.of(spot));
    }

    /// The retailer lost its store: what was given before is over. Whether it is the only one of its log, and follows
    /// those before it, shows beside the other books.
    fn restored(&mut self, signed: Verified<Restoration>, spot: Spot) -> Result<(), Refused> {
        let said = signed.payload();
        self.is_of_this_retailer(&said.controller)?;
        let begins = spot.index == 0 && self.origins.first() == Some(&said.to.log);
        if self.retailer.is_some() && !begins {
            return Err((Assertion::S3, Fault::RestorationElsewhere));
        }
        let policy = self.context.policy;
        let fits = |log: &LogKey| {
            let pinned = policy.log_keys().find(|key| key.origin() == log.origin());
            pinned.is_none_or(|key| key == *log)
        };
        if !fits(&said.left()) || !fits(&said.begun()) {
            return Err((Assertion::S3, Fault::OtherLogKey));
        }
        if said.lost() > 0 {
            let (origin, first) = (said.from.log.clone(), said.from.kept);
            let last = said.from.head.size.saturating_sub(1);
            self.form.gap(Gap::LostByRetailer { origin, first, last });
        }
        let (at, pinned) = (said.at, policy.position(&said.controller));
        for life in self.lives.values_mut().filter(|life| life.pinned == pinned) {
            if life.was_given_before(at) {
                life.restored.get_or_insert(spot.index);
            }
        }
        if self.retailer.is_some() {
            self.moment(at, spot);
        }
        self.restorations.push((signed, spot));
        Ok(())
    }

    fn requested(&mut self, request: Verified<ConsentRequest>) {
        self.notices.insert(request.payload().notice.digest);
        self.requests.entry(request.digest()).or_insert(request);
    }

    fn own(&self, origin: &Origin) -> Result<(), Refused> {
        let foreign = (Assertion::G2, Fault::ForeignDocument);
        if self.origins.contains(origin) { Ok(()) } else { Err(foreign) }
    }

    fn granted(
        &mut self,
        grant: Verified<Grant>,
        spot: Spot,
        succession: &Succession,
    ) -> Result<(), Refused> {
        let given = grant.payload();
        let (id, digest) = (given.id, grant.digest());
        match self.retailer {
            Some(retailer) => {
                let both = grant.signed_at(Role::Controller).is_some();
                if !both || given.controller != retailer.domain {
                    return Err((Assertion::G2, Fault::ForeignDocument));
                }
            }
            None => self.own(&Origin::of_log(&given.subject_log))?,
        }
        if self.lives.get(&id).is_some_and(|life| life.digest != digest) {
            return Err((Assertion::G3, Fault::GrantTwice { grant: id }));
        }
        if self.retailer.is_some() {
            self.answers_request(&grant, spot);
        }
        if self.lives.contains_key(&id) {
            return Ok(());
        }
        self.renewed(given, spot, succession);
        self.notices.insert(given.notice);
        if self.context.documents.contains(&given.notice) {
            self.papers.checked(Assertion::G4);
        } else {
            self.papers.gap(Gap::NoNotice { grant: id, notice: given.notice });
        }
        let Terms { purpose, retention_days, valid_days, .. } = given.terms;
        let (notice, recipients) = (given.notice, given.terms.recipients.clone());
        let proposed = given.proposal.is_some();
        let told = Told { notice, proposed, purpose, recipients, retention_days };
        self.granted.entry(told).or_insert((id, spot));
        let Context { policy, places, .. } = self.context;
        let allowed = policy.valid_days_max;
        let long = Fault::TooLong { grant: id, days: valid_days, allowed };
        let long = (valid_days > allowed).then_some(long);
        self.conduct.check(Assertion::G7, long, || places.of(spot));
        let watches = self.context.watches.get(&id).filter(|_| self.retailer.is_some());
        let watches = watches.cloned().unwrap_or_default();
        let pinned = self.context.policy.position(&given.controller);
        let mut life = Box::new(Life::of(grant, digest, pinned, watches, spot));
        // Nothing that was given before its log began counts in it.
        let mut begun = self.restorations.iter().filter(|_| self.retailer.is_some());
        let begun = begun.find(|(said, _)| life.was_given_before(said.payload().at));
        life.restored = begun.map(|(_, spot)| spot.index);
        self.lives.insert(id, life);
        Ok(())
    }

    /// A grant that takes the place of another one, from this entry on: W6.
    fn renewed(&mut self, given: &Grant, spot: Spot, succession: &Succession) {
        let Some(named) = given.supersedes else { return };
        let Context { policy, places, .. } = self.context;
        // What was destroyed by its time, or is not shown, says nothing.
        let Some(old) = self.lives.get_mut(&named.grant) else { return };
        let pinned = policy.controllers.get(old.pinned);
        let controller = pinned.map_or(&given.controller, |pinned| &pinned.domain);
        let one = succession.are_one(given.subject_key.as_bytes(), &old.subject_key);
        let fault = old.renewable_by(given, controller, one);
        if fault.is_none() {
            old.renewed = Some(Renewed { by: given.id, index: spot.index });
        }
        self.conduct.check(Assertion::W6, fault, || places.of(spot));
    }

    /// A grant of a retailer's log against the request that it names, and the proposal if it names one; both stand
    /// before it: G3.
    fn answers_request(&mut self, grant: &Verified<Grant>, spot: Spot) {
        let (given, Context { policy, now, places, .. }) = (grant.payload(), self.context);
        let Some(request) = self.requests.get(&given.request) else {
            return self.form.gap(Gap::NoRequest { grant: given.id });
        };
        let skew = policy.skew_seconds;
        let grant = given.id;
        let (answers, follows) = match given.proposal.and_then(|it| self.transcripts.get(&it)) {
            Some(proposal) => (
                given.answers_as_proposed(request, proposal, now, skew),
                self.transcripts.follows(proposal.payload()),
            ),
            // A proposal that is not shown is none.
            None => (given.answers(request, now, skew), Follows::Yes),
        };
        let fault = match (answers, follows) {
            (Err(source), _) => Some(Fault::NotTheRequest { grant, source }),
            (Ok(()), Follows::No) => Some(Fault::Spliced { grant }),
            (Ok(()), Follows::Yes) => None,
            (Ok(()), Follows::NotShown) => {
                self.form.gap(Gap::NoTranscript { grant });
                None
            }
        };
        self.form.check(Assertion::G3, fault, || places.of(spot));
    }

    fn withdrawn(
        &mut self,
        Claimed { payload, verified }: Claimed<Withdrawal>,
        spot: Spot,
        succession: &Succession,
    ) -> Result<(), Refused> {
        let grant = payload.grant;
        let life = self.lives.get_mut(&grant).ok_or_else(|| no_grant(grant))?;
        // With a key that the giver of the grant has or had.
        if !succession.are_one(payload.subject_key.as_bytes(), &life.subject_key) {
            return Err((Assertion::G1, Fault::Signature(VerifyJwsError::Key)));
        }
        let digest = verified.map_err(|fault| (Assertion::G1, fault))?;
        let pinned = self.context.policy.controllers.get(life.pinned);
        let controller = pinned.map_or(&payload.controller, |pinned| &pinned.domain);
        payload
            .ends_grant(controller, grant, &life.digest)
            .map_err(|source| mismatch(grant, source))?;
        life.withdraw(payload.withdrawn, digest, spot, self.last);
        // With it ends what took its place, and what took the place of that; each stands after the one before.
        let mut next = life.renewed;
        while let Some(after) = next.and_then(|renewed| self.lives.get_mut(&renewed.by)) {
            after.cut.get_or_insert(spot.index);
            next = after.renewed;
        }
        Ok(())
    }

    /// By the retailer that the grant was given to: G1. From here on nothing may follow.
    fn revoked(
        &mut self,
        Claimed { payload, verified }: Claimed<Revocation>,
        spot: Spot,
    ) -> Result<(), Refused> {
        let (grant, at) = (payload.grant, payload.revoked);
        let life = self.lives.get_mut(&grant).ok_or_else(|| no_grant(grant))?;
        let digest = verified.map_err(|fault| (Assertion::G1, fault))?;
        let pinned = self.context.policy.controllers.get(life.pinned);
        let controller = pinned.map_or(&payload.controller, |pinned| &pinned.domain);
        payload
            .ends_grant(controller, grant, &life.digest, life.expires)
            .map_err(|source| (Assertion::G1, Fault::NotTheRevocation { grant, source }))?;
        if life.revoked.is_none() {
            life.revoked = Some(Box::new(Revoked { said: payload, digest, spot }));
        }
        // In her log it stands when it arrived.
        if self.retailer.is_some() {
            self.moment(at, spot);
        }
        Ok(())
    }

    /// By the retailer that the grant was given to, of all that the grant allowed: G1, W8.
    fn erased(
        &mut self,
        Claimed { payload, verified }: Claimed<Erasure>,
        spot: Spot,
    ) -> Result<(), Refused> {
        let (grant, Context { policy, now, places, .. }) = (payload.grant, self.context);
        let life = self.lives.get_mut(&grant).ok_or_else(|| no_grant(grant))?;
        verified.map_err(|fault| (Assertion::G1, fault))?;
        let fault = |source| Fault::NotTheErasure { grant, source };
        let pinned = policy.controllers.get(life.pinned);
        let controller = pinned.map_or(&payload.controller, |pinned| &pinned.domain);
        life.ends_with(&payload, controller).map_err(|source| (Assertion::G1, fault(source)))?;
        let future = payload.erased > now.plus(policy.skew_seconds);
        let whole = match life.leaves_nothing(&payload) {
            Ok(()) if future => Err(ErasureMismatch::Moment),
            whole => whole,
        };
        self.conduct.check(Assertion::W8, whole.err().map(fault), || places.of(spot));
        let withdrawn = payload.withdrawal.is_some();
        if life.erased.as_ref().is_none_or(|erased| payload.erased < erased.at) {
            life.erased = Some(Erased { at: payload.erased, withdrawn, spot });
        }
        // In her log it stands when it arrived.
        if self.retailer.is_some() {
            self.moment(payload.erased, spot);
        }
        Ok(())
    }

    /// An objection is to the retailer of the log, a restoration by it.
    fn is_of_this_retailer(&self, controller: &ControllerId) -> Result<(), Refused> {
        let pinned = self.retailer.or_else(|| {
            let life = self.lives.values().next();
            life.and_then(|life| self.context.policy.controllers.get(life.pinned))
        });
        match pinned {
            Some(pinned) if pinned.domain != *controller => {
                Err((Assertion::G2, Fault::ForeignDocument))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// What a pseudonym says about direct marketing.
    fn objected(&mut self, objection: Box<Objection>) -> Result<(), Refused> {
        self.is_of_this_retailer(&objection.controller)?;
        let key = objection.subject_key.key_id();
        if self.objections.get(&key).is_none_or(|known| objection.replaces(known)) {
            self.objections.insert(key, objection);
        }
        Ok(())
    }

    /// The retailer proposes nothing to who objects by its own log: W4.
    fn proposed(&mut self, said: &Proposal, spot: Spot) {
        if said.by() != Side::Controller {
            return;
        }
        let counts = self.objections.get(&said.matter.subject_key.key_id());
        let fault = counts.filter(|said| said.objects).map(|_| Fault::ProposedToObjector);
        let places = self.context.places;
        self.conduct.check(Assertion::W4, fault, || places.of(spot));
    }

    fn acknowledged(
        &mut self,
        Claimed { payload, verified }: Claimed<Acknowledgement>,
        spot: Spot,
    ) -> Result<(), Refused> {
        let grant = payload.grant;
        let life = self.lives.get_mut(&grant).ok_or_else(|| no_grant(grant))?;
        verified.map_err(|fault| (Assertion::G1, fault))?;
        let Some(first) = &life.withdrawn else {
            return Err((Assertion::G2, Fault::ForeignDocument));
        };
        // One of hers, if there are several.
        let known = life.said(&payload.withdrawal).is_some();
        let named = if known { &payload.withdrawal } else { &first.digest };
        let pinned = self.context.policy.controllers.get(life.pinned);
        let controller = pinned.map_or(&payload.controller, |pinned| &pinned.domain);
        payload.answers_one(controller, grant, named).map_err(|source| mismatch(grant, source))?;
        let at = payload.acknowledged;
        if life.acknowledged.is_none() {
            life.acknowledged = Some(Box::new((payload, spot)));
        }
        // In her log it stands when it arrived.
        if self.retailer.is_some() {
            self.moment(at, spot);
        }
        Ok(())
    }
}

const fn no_grant(grant: GrantId) -> Refused {
    (Assertion::U1, Fault::NoGrant { grant })
}

const fn mismatch(grant: GrantId, source: WithdrawalMismatch) -> Refused {
    (Assertion::G1, Fault::NotTheGrant { grant, source })
}
