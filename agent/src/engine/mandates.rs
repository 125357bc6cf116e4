//! Mandates: who may refuse, narrow and withdraw for her, and what they did. `spec/mandate.md`.

use std::collections::{BTreeMap, BTreeSet};

use besace_protocol::{
    audit::Bundle,
    consent::{Delegated, Grant, GrantState, Record, RecordKind, Terms},
    crypto::VerifyingKey,
    document::{Document, DocumentRule, SignDocumentError, Unverified, Verified, sign},
    id::{GrantId, LogId, MandateId, RequestId},
    jws::{Role, Typ},
    log::{Commitment, LogKey, Origin, Salt, UnverifiedCheckpoint},
    mandate::{
        Act, DELEGATE_ACTS_PATH, DELEGATE_VIEW_PATH, DelegateCall, Mandate, MandateAct,
        MandateWithdrawal, UnverifiedDelegateCall, VerifyDelegateCallError, View,
    },
    negotiation::{Bounds, Rule, RuleName, Verdict},
    party::ControllerId,
    private::Private,
    purpose::Purpose,
    time::{DAY_SECONDS, Timestamp},
};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    Engine, EngineError,
    rules::rule_ends,
    step::{PreparedCall, StepError},
};
use crate::vault::{
    DelegatedChange, HeldCall, OwnEntry, StoredAct, StoredMandate, Unheard, VaultError,
};

/// Most mandates that count at a time.
const MANDATES_MAX: usize = 16;
/// Longest name of a delegate, in bytes.
const NAME_LEN_MAX: usize = 64;

/// A mandate as she fills it in.
#[derive(Clone, Debug)]
pub struct MandateDraft {
    /// What she calls the delegate.
    pub name: Private<String>,
    /// The delegate's key.
    pub delegate_key: VerifyingKey,
    /// What may be done.
    pub acts: BTreeSet<MandateAct>,
    /// Towards which retailers; `None` is all.
    pub controllers: Option<BTreeSet<ControllerId>>,
    /// For how many days.
    pub days: u16,
}

/// A mandate, as she reads it.
#[derive(Clone, Debug)]
pub struct MandateView {
    /// What she calls the delegate.
    pub name: Private<String>,
    /// What she signed.
    pub mandate: Mandate,
    /// When she made it.
    pub made_at: Timestamp,
    /// The last call that held.
    pub seen_at: Option<Timestamp>,
    /// It waits for her to confirm it again.
    pub set_aside: bool,
    /// When she took it back.
    pub withdrawn_at: Option<Timestamp>,
    /// What was done under it, the newest first.
    pub acts: Vec<StoredAct>,
}

/// A mandate was not made.
#[derive(Debug, thiserror::Error)]
pub enum GiveMandateError {
    /// Locked, or the vault failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// It is no mandate.
    #[error("no mandate can say this")]
    Rule(#[source] DocumentRule),
    /// The name is empty, or longer than it may be.
    #[error("a delegate has a name of 1 to {NAME_LEN_MAX} bytes")]
    Name,
    /// She has as many as there may be.
    #[error("there are {MANDATES_MAX} mandates")]
    Many,
    /// It could not be signed.
    #[error("the mandate could not be made")]
    Make,
}

impl From<VaultError> for GiveMandateError {
    fn from(error: VaultError) -> Self {
        Self::Engine(error.into())
    }
}

/// A delegate was refused.
#[derive(Debug, thiserror::Error)]
pub enum DelegateError {
    /// Locked, or the vault failed.
    #[error(transparent)]
    Step(#[from] StepError),
    /// The call does not hold.
    #[error("the call does not hold")]
    Call(#[source] VerifyDelegateCallError),
    /// The mandate does not count, or does not allow this.
    #[error("no mandate allows this")]
    Forbidden,
    /// The call came before.
    #[error("the call came before")]
    Replayed,
    /// Too many calls, or acts.
    #[error("too much under this mandate")]
    TooFast,
    /// What is to be refused is not open.
    #[error("there is no such request, or no more")]
    NoRequest,
    /// What is to be withdrawn is not there.
    #[error("there is no such grant, or no more")]
    NoGrant,
    /// What is to be narrowed is not so.
    #[error("there is no such rule, or not as it was")]
    NoRule,
}

impl From<EngineError> for DelegateError {
    fn from(error: EngineError) -> Self {
        Self::Step(error.into())
    }
}

impl From<VaultError> for DelegateError {
    fn from(error: VaultError) -> Self {
        EngineError::from(error).into()
    }
}

/// What a delegate reads: what the acts need.
#[derive(Clone, Debug, Serialize)]
pub struct DelegateView {
    /// What may be done.
    pub acts: BTreeSet<MandateAct>,
    /// Until when.
    pub expires: Timestamp,
    /// What can be withdrawn.
    pub grants: Vec<GrantForDelegate>,
    /// What can be refused.
    pub requests: Vec<RequestForDelegate>,
    /// What can be narrowed.
    pub rules: Vec<RuleForDelegate>,
}

/// A live grant.
#[derive(Clone, Debug, Serialize)]
#[expect(missing_docs, reason = "members of the grant itself")]
pub struct GrantForDelegate {
    pub controller: ControllerId,
    pub expires: Timestamp,
    pub given: Timestamp,
    pub grant: GrantId,
    pub shop: String,
    pub terms: Terms,
}

/// An open request.
#[derive(Clone, Debug, Serialize)]
#[expect(missing_docs, reason = "members of the request itself")]
pub struct RequestForDelegate {
    pub controller: ControllerId,
    pub expires: Timestamp,
    pub request: RequestId,
    pub shop: String,
    pub terms: Terms,
}

/// A rule that gives.
#[derive(Clone, Debug, Serialize)]
#[expect(missing_docs, reason = "members of the rule itself")]
pub struct RuleForDelegate {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub controllers: Option<BTreeSet<ControllerId>>,
    pub purpose: Purpose,
    pub rule: u32,
    pub was: Bounds,
}

/// What became of an act: it is done here.
#[derive(Debug)]
pub enum Acted {
    /// There is nobody to tell.
    Done(MandateAct),
    /// This is told to the grant's retailer.
    Withdraw(GrantId, PreparedCall),
}

impl Engine {
    /// Signs a mandate, writes it into the log of the vault, and keeps it.
    pub fn give_mandate(&self, draft: MandateDraft) -> Result<MandateId, GiveMandateError> {
        let MandateDraft { name, delegate_key, acts, controllers, days } = draft;
        let fits = (1..=NAME_LEN_MAX).contains(&name.reveal().len())
            && !name.reveal().chars().any(char::is_control);
        if !fits {
            return Err(GiveMandateError::Name);
        }
        let now = self.now();
        let vault = self.vault()?;
        let counts = |one: &StoredMandate| one.withdrawn_at.is_none() && !is_over(one, now);
        if vault.mandates()?.iter().filter(|one| counts(one)).count() >= MANDATES_MAX {
            return Err(GiveMandateError::Many);
        }
        let id = MandateId::generate(&mut self.rng());
        let key = self.root()?.mandate_key(&id);
        let mandate = Mandate {
            acts,
            controllers,
            delegate_key,
            expires: now.plus(u64::from(days).saturating_mul(DAY_SECONDS)),
            id,
            issued: now,
            subject_key: key.verifying_key(),
            v: 1,
        };
        let signed = sign(mandate, Role::Subject, &key, now).map_err(|error| match error {
            SignDocumentError::Rule(rule) => GiveMandateError::Rule(rule),
            SignDocumentError::Encoding(_) => GiveMandateError::Make,
        })?;
        let jws = signed.as_bytes().to_vec();
        vault.put_mandate(id, name, jws.clone(), self.own_entry(jws)?, now)?;
        Ok(id)
    }

    /// A mandate that was set aside counts again: she signs it anew.
    pub fn confirm_mandate(&self, id: MandateId) -> Result<(), EngineError> {
        let vault = self.vault()?;
        let stored = vault.mandate(id)?.ok_or(EngineError::NotFound)?;
        let before = signed_mandate(&stored).ok_or(EngineError::NotFound)?;
        let key = self.root()?.mandate_key(&id);
        let again = Mandate { subject_key: key.verifying_key(), ..before };
        let signed = sign(again, Role::Subject, &key, self.now());
        let jws = signed.map_err(|_| EngineError::NotFound)?.as_bytes().to_vec();
        let entry = self.own_entry(jws.clone())?;
        let confirmed = vault.confirm_mandate(id, jws, entry, self.now())?;
        if confirmed { Ok(()) } else { Err(EngineError::NotFound) }
    }

    /// Takes a mandate back: the next call under it is refused.
    pub fn withdraw_mandate(&self, id: MandateId) -> Result<(), EngineError> {
        let vault = self.vault()?;
        let stored = vault.mandate(id)?.ok_or(EngineError::NotFound)?;
        let mandate = Unverified::<Mandate>::parse(&stored.jws);
        let mandate = mandate.map_err(|_| EngineError::NotFound)?;
        let named = mandate.claimed().subject_key;
        let mandate_digest =
            mandate.verify(&[(Role::Subject, &named)]).map_err(|_| EngineError::NotFound)?.digest();
        let key = self.root()?.mandate_key(&id);
        let withdrawal = MandateWithdrawal {
            mandate: id,
            mandate_digest,
            subject_key: key.verifying_key(),
            v: 1,
            withdrawn: self.now(),
        };
        let signed = sign(withdrawal, Role::Subject, &key, self.now());
        let jws = signed.map_err(|_| EngineError::NotFound)?.as_bytes().to_vec();
        let entry = self.own_entry(jws.clone())?;
        let done = vault.withdraw_mandate(id, jws, entry, self.now())?;
        if done { Ok(()) } else { Err(EngineError::NotFound) }
    }

    /// All mandates with what was done under them, the newest first.
    pub fn mandates(&self) -> Result<Vec<MandateView>, EngineError> {
        let vault = self.vault()?;
        let mut acts: BTreeMap<MandateId, Vec<StoredAct>> = BTreeMap::new();
        for act in vault.mandate_acts()? {
            acts.entry(act.mandate).or_default().push(act);
        }
        let mut views = Vec::new();
        for stored in vault.mandates()? {
            let Some(mandate) = signed_mandate(&stored) else { continue };
            views.push(MandateView {
                acts: acts.remove(&stored.id).unwrap_or_default(),
                mandate,
                made_at: stored.made_at,
                name: stored.name,
                seen_at: stored.seen_at,
                set_aside: stored.set_aside_at.is_some(),
                withdrawn_at: stored.withdrawn_at,
            });
        }
        Ok(views)
    }

    /// Undoes what a delegate did, where that can be: a withdrawal is final.
    pub fn undo_act(&self, act: i64) -> Result<(), EngineError> {
        let undone = self.vault()?.undo_act(act, self.now())?;
        if undone { Ok(()) } else { Err(EngineError::NotFound) }
    }

    /// What a delegate reads.
    pub fn delegate_view(&self, bytes: &[u8]) -> Result<DelegateView, DelegateError> {
        let (mandate, call) = self.admit_delegate::<View>(DELEGATE_VIEW_PATH, bytes)?;
        self.vault()?.hear_delegate(held(&mandate, &call), self.now())?.map_err(refused)?;
        let acts = &mandate.acts;
        let may = |act| acts.contains(&act);
        let covers = |controller: &ControllerId| {
            mandate.controllers.as_ref().is_none_or(|named| named.contains(controller))
        };
        let mut view = DelegateView {
            acts: acts.clone(),
            expires: mandate.expires,
            grants: Vec::new(),
            requests: Vec::new(),
            rules: Vec::new(),
        };
        if may(MandateAct::Refuse) || may(MandateAct::WriteRules) {
            let asked = self.askable()?.into_iter();
            view.requests = asked.filter(|one| covers(&one.controller)).collect();
        }
        if may(MandateAct::Withdraw) {
            for one in self.grants()? {
                let Grant { controller, expires, given, id, terms, .. } = one.grant;
                let live = matches!(one.state, GrantState::Given | GrantState::Active);
                if live && covers(&controller) {
                    let shop = one.display_name;
                    let grant =
                        GrantForDelegate { controller, expires, given, grant: id, shop, terms };
                    view.grants.push(grant);
                }
            }
        }
        if may(MandateAct::Narrow) {
            let now = self.now();
            for rule in self.rules()?.into_iter().filter(|rule| now < rule_ends(rule)) {
                let Rule { controllers, name, purpose, verdict } = rule;
                if let Verdict::Give { bounds: was, .. } = verdict
                    && mandate.covers(controllers.as_ref())
                {
                    let rule = name.number;
                    view.rules.push(RuleForDelegate { controllers, purpose, rule, was });
                }
            }
        }
        Ok(view)
    }

    /// Does what a delegate calls for, as far as that needs no retailer.
    pub fn delegate_act(&self, bytes: &[u8]) -> Result<Acted, DelegateError> {
        let (mandate, call) = self.admit_delegate::<Act>(DELEGATE_ACTS_PATH, bytes)?;
        mandate.allows(&call.body).map_err(|_beyond| DelegateError::Forbidden)?;
        let (change, missing) = match &call.body {
            Act::Refuse { controller, request } => {
                let asked = self.askable()?;
                let open = asked
                    .iter()
                    .find(|one| one.request == *request && one.controller == *controller);
                let open = open.ok_or(DelegateError::NoRequest)?;
                let (domain, purpose) = (controller.clone(), open.terms.purpose);
                let change = DelegatedChange::Refuse { request: *request, domain, purpose };
                (change, DelegateError::NoRequest)
            }
            Act::Withdraw { controller, grant } => {
                let stored = self.vault()?.grant(*grant)?;
                let of_it = stored.is_some_and(|stored| stored.domain == *controller);
                if !of_it {
                    return Err(DelegateError::NoGrant);
                }
                (DelegatedChange::Withdraw(*grant), DelegateError::NoGrant)
            }
            Act::Narrow(to) => {
                let rules = self.rules()?;
                let standing = rules.iter().find(|rule| rule.name.number == to.rule);
                // Whose requests it answers is what the mandate was held against.
                let same = standing.is_some_and(|rule| {
                    rule.controllers == to.controllers && rule.purpose == to.purpose
                });
                if !same {
                    return Err(DelegateError::NoRule);
                }
                let (was, bounds) = (to.was.clone(), to.bounds.clone());
                (DelegatedChange::Narrow { rule: to.rule, was, bounds }, DelegateError::NoRule)
            }
            Act::WriteRule { controllers, purpose } => {
                let name = RuleName { confirmed: self.now(), number: 1, version: 1 };
                let (controllers, purpose) = (controllers.clone(), *purpose);
                let rule = Rule { controllers, name, purpose, verdict: Verdict::Refuse };
                rule.check().map_err(|_| DelegateError::Forbidden)?;
                (DelegatedChange::Write(rule), DelegateError::NoRule)
            }
        };
        let act = call.body.kind();
        let record = Delegated { at: self.now(), call: bytes.to_vec().into() };
        let record = RecordKind::Delegated(record).to_bytes().map_err(|_| StepError::Make)?;
        let entry = self.own_entry(record)?;
        let held = held(&mandate, &call);
        let done = self.vault()?.act_for_her(held, act, change, entry, self.now())?;
        done.map_err(|unheard| match unheard {
            Unheard::Gone => missing,
            Unheard::Over | Unheard::Replayed | Unheard::TooFast => refused(unheard),
        })?;
        Ok(match call.body {
            Act::Withdraw { grant, .. } => Acted::Withdraw(grant, self.withdraw(grant)?),
            Act::Narrow(_) | Act::Refuse { .. } | Act::WriteRule { .. } => Acted::Done(act),
        })
    }

    /// Withdraws what a delegate withdrew, where only that was written down before the program ended or the vault was
    /// locked. Told with all that is not acknowledged.
    pub fn finish_delegated(&self) -> Result<(), StepError> {
        for grant in self.vault()?.delegated_withdrawals()? {
            drop(self.withdraw(grant)?);
        }
        Ok(())
    }

    /// The log of the vault as evidence of what was done under mandates, and its keys: nothing else in it is opened.
    pub fn mandate_evidence(&self) -> Result<(Bundle, Vec<LogKey>), StepError> {
        let (vault, root) = (self.vault()?, self.root()?);
        let (mut bundle, mut keys) = (Bundle::new(), Vec::new());
        for (id, _) in vault.log_ids()?.into_iter().filter(|(_, owner)| owner.is_none()) {
            let Some(log) = vault.log(id)? else { continue };
            let Some(head) = &log.checkpoint else { continue };
            let of_mandates = |record: &[u8]| match Record::parse(record) {
                Ok(Record::Plain(RecordKind::Delegated(_))) => true,
                Ok(Record::Signed(jws)) => {
                    matches!(jws.typ(), Typ::Mandate | Typ::MandateWithdrawal)
                }
                Ok(Record::Plain(_)) | Err(_) => false,
            };
            let openings: Vec<_> = log
                .entries
                .iter()
                .filter_map(|entry| entry.opening.clone())
                .filter(|opening| of_mandates(opening.record.as_ref()))
                .collect();
            if openings.is_empty() {
                continue;
            }
            let key = match vault.log_key(id)? {
                Some(left) => left,
                None => root.vault_log_key(&id).verifying_key(),
            };
            let origin = Origin::of_log(&id);
            let key = LogKey::new(origin.clone(), key);
            let head = UnverifiedCheckpoint::parse(head.as_bytes())
                .ok()
                .and_then(|head| head.verify(&key).ok())
                .ok_or(StepError::Make)?;
            let entries: Vec<Commitment> =
                log.entries.iter().map(|entry| entry.commitment).collect();
            bundle.add_log(&head, &entries).map_err(|_| StepError::Make)?;
            bundle.add_openings(&origin, openings).map_err(|_| StepError::Make)?;
            keys.push(key);
        }
        Ok((bundle, keys))
    }

    /// The mandate that a call is made under, and the call, which holds.
    fn admit_delegate<B: Serialize + DeserializeOwned>(
        &self,
        path: &str,
        bytes: &[u8],
    ) -> Result<(Mandate, DelegateCall<B>), DelegateError> {
        let vault = self.vault()?;
        vault.ensure_sound()?;
        self.follows_its_clock()?;
        let call = UnverifiedDelegateCall::parse(bytes).map_err(DelegateError::Call)?;
        let id = call.claimed_mandate().map_err(DelegateError::Call)?;
        let stored = vault.mandate(id)?.ok_or(DelegateError::Forbidden)?;
        let mandate = signed_mandate(&stored).ok_or(DelegateError::Forbidden)?;
        let now = self.now();
        let call = call.verify(&mandate, path, now).map_err(|error| match error {
            VerifyDelegateCallError::Beyond | VerifyDelegateCallError::Mandate => {
                DelegateError::Forbidden
            }
            other => DelegateError::Call(other),
        })?;
        let counts = stored.withdrawn_at.is_none() && stored.set_aside_at.is_none();
        if counts && mandate.is_live(now) {
            Ok((mandate, call))
        } else {
            Err(DelegateError::Forbidden)
        }
    }

    /// What she would be asked: requests, and what retailers proposed about them.
    fn askable(&self) -> Result<Vec<RequestForDelegate>, StepError> {
        let of = |request: &Verified<besace_protocol::consent::ConsentRequest>, shop, terms| {
            let asked = request.payload();
            RequestForDelegate {
                controller: asked.controller.clone(),
                expires: asked.expires,
                request: asked.id,
                shop,
                terms,
            }
        };
        let open = self.open_requests()?.into_iter().map(|one| {
            let terms = one.request.payload().terms.clone();
            of(&one.request, one.display_name, terms)
        });
        let counters = self.open_counters()?.into_iter();
        let counters = counters.map(|one| of(&one.request, one.display_name, one.terms));
        Ok(open.chain(counters).collect())
    }

    /// What appends a record to the vault's own log, which is made where there is none yet.
    fn own_entry(&self, record: Vec<u8>) -> Result<OwnEntry, EngineError> {
        let mut rng = self.rng();
        let own = self.vault()?.own_log(LogId::generate(&mut rng), self.now())?;
        let signer = self.root()?.vault_log_key(&own);
        Ok(OwnEntry { signer, salt: Salt::generate(&mut rng), record })
    }
}

/// What she signed, which was checked when it was kept.
fn signed_mandate(stored: &StoredMandate) -> Option<Mandate> {
    let mandate = Unverified::<Mandate>::parse(&stored.jws).ok()?;
    let named = *mandate.claimed().named_key(Role::Subject)?;
    let mandate = mandate.verify(&[(Role::Subject, &named)]).ok()?;
    (mandate.payload().id == stored.id).then(|| mandate.payload().clone())
}

fn is_over(stored: &StoredMandate, now: Timestamp) -> bool {
    signed_mandate(stored).is_none_or(|mandate| now >= mandate.expires)
}

const fn held<B>(mandate: &Mandate, call: &DelegateCall<B>) -> HeldCall {
    HeldCall { mandate: mandate.id, message: call.message, forget_at: call.forget_at }
}

const fn refused(unheard: Unheard) -> DelegateError {
    match unheard {
        Unheard::Over | Unheard::Gone => DelegateError::Forbidden,
        Unheard::Replayed => DelegateError::Replayed,
        Unheard::TooFast => DelegateError::TooFast,
    }
}
