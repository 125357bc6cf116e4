//! Mandates: what a relative or an association may do for her, and how it is called for. `spec/mandate.md`.
//!
//! A mandate only takes away: its acts refuse, withdraw, narrow, and write rules that refuse. What is done under one
//! is a call that its delegate signs; her agent does it, and her vault's own log keeps the call.
//! Remembering message ids is the caller's part, until [`DelegateCall::forget_at`].

use alloc::{boxed::Box, collections::BTreeSet, string::String};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    call::CALL_WINDOW_SECONDS,
    crypto::{Digest, SigningKey, VerifyingKey},
    document::{Document, DocumentRule, check_version},
    encoding::{JsonError, to_canonical_json},
    id::{GrantId, MandateId, MessageId, RequestId},
    jws::{self, ParseJwsError, Role, Typ, UnverifiedJws, VerifiedJws, VerifyJwsError},
    negotiation::{Bounds, Rule, RuleName, Verdict},
    party::ControllerId,
    purpose::Purpose,
    time::{DAY_SECONDS, Timestamp},
};

/// Longest life of a mandate, in seconds: as long as a grant may.
pub const MANDATE_SECONDS_MAX: u64 = 396 * DAY_SECONDS;
/// Most retailers that one names.
pub const MANDATE_CONTROLLERS_MAX: usize = 64;
/// Longest call of a delegate, in bytes: two bounds with a thousand shops each. Its record holds it as base64url, and
/// stays below the longest record.
pub const DELEGATE_CALL_LEN_MAX: usize = 40 << 10;
/// Where a delegate reads what the acts need.
pub const DELEGATE_VIEW_PATH: &str = "/v1/delegate/view";
/// Where a delegate acts.
pub const DELEGATE_ACTS_PATH: &str = "/v1/delegate/acts";

/// What a mandate may allow. There is no word for giving, widening, reading or exporting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MandateAct {
    /// Make a rule of hers that gives give less.
    Narrow,
    /// Say no to an open request, or to what a retailer proposed.
    Refuse,
    /// Take back a grant.
    Withdraw,
    /// Write a rule that refuses.
    WriteRules,
}

impl MandateAct {
    /// Every act there is, in their order.
    pub const ALL: [Self; 4] = [Self::Narrow, Self::Refuse, Self::Withdraw, Self::WriteRules];

    /// As it stands in a mandate.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Narrow => "narrow",
            Self::Refuse => "refuse",
            Self::Withdraw => "withdraw",
            Self::WriteRules => "write_rules",
        }
    }

    /// The act of this name.
    pub fn of_word(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|act| act.as_str() == text)
    }
}

/// What she signs for a delegate, with a key of this mandate alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mandate {
    /// What may be done, at least one thing.
    pub acts: BTreeSet<MandateAct>,
    /// Towards which retailers; `None` is all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub controllers: Option<BTreeSet<ControllerId>>,
    /// Who acts.
    pub delegate_key: VerifyingKey,
    /// From this second on it allows nothing.
    pub expires: Timestamp,
    /// Its name.
    pub id: MandateId,
    /// From when on it counts.
    pub issued: Timestamp,
    /// The key of this mandate.
    pub subject_key: VerifyingKey,
    /// Version, 1.
    pub v: u8,
}

impl Mandate {
    /// Whether it counts at `now`, if she did not take it back.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.issued <= now && now < self.expires
    }

    /// Whether it is about all of these retailers; `None` is about all there are.
    pub fn covers(&self, controllers: Option<&BTreeSet<ControllerId>>) -> bool {
        match (&self.controllers, controllers) {
            // Nobody is no list of retailers.
            (_, Some(asked)) if asked.is_empty() => false,
            (None, _) => true,
            (Some(_), None) => false,
            (Some(named), Some(asked)) => asked.is_subset(named),
        }
    }

    /// Whether it allows what is called for.
    pub fn allows(&self, called: &Act) -> Result<(), Beyond> {
        if !self.acts.contains(&called.kind()) {
            return Err(Beyond::Act);
        }
        let covered = match called {
            Act::Refuse { controller, .. } | Act::Withdraw { controller, .. } => {
                self.controllers.as_ref().is_none_or(|named| named.contains(controller))
            }
            Act::Narrow(narrowing) => self.covers(narrowing.controllers.as_ref()),
            Act::WriteRule { controllers, .. } => self.covers(controllers.as_ref()),
        };
        if !covered {
            return Err(Beyond::Retailer);
        }
        match called {
            Act::Narrow(narrowing) if !narrowing.narrows() => Err(Beyond::Wider),
            _ => Ok(()),
        }
    }
}

impl Document for Mandate {
    const TYP: Typ = Typ::Mandate;
    const LEN_MAX: usize = 32 << 10;

    fn check(&self) -> Result<(), DocumentRule> {
        check_version(self.v)?;
        let named = self.controllers.as_ref().map(BTreeSet::len);
        if self.acts.is_empty() || named.is_some_and(|n| n == 0 || n > MANDATE_CONTROLLERS_MAX) {
            return Err(DocumentRule::List);
        }
        if self.expires <= self.issued || self.expires > self.issued.plus(MANDATE_SECONDS_MAX) {
            return Err(DocumentRule::Order);
        }
        // Who acts for her is not she.
        if self.delegate_key == self.subject_key {
            return Err(DocumentRule::Terms);
        }
        Ok(())
    }

    fn named_key(&self, role: Role) -> Option<&VerifyingKey> {
        match role {
            Role::Subject => Some(&self.subject_key),
            Role::Controller | Role::Delegate | Role::Successor => None,
        }
    }
}

/// She takes a mandate back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MandateWithdrawal {
    /// Which.
    pub mandate: MandateId,
    /// Of its payload, as she signed it last.
    pub mandate_digest: Digest,
    /// The key of the mandate.
    pub subject_key: VerifyingKey,
    /// Version, 1.
    pub v: u8,
    /// When.
    pub withdrawn: Timestamp,
}

impl Document for MandateWithdrawal {
    const TYP: Typ = Typ::MandateWithdrawal;
    const LEN_MAX: usize = 8 << 10;

    fn check(&self) -> Result<(), DocumentRule> {
        check_version(self.v)
    }

    fn named_key(&self, role: Role) -> Option<&VerifyingKey> {
        match role {
            Role::Subject => Some(&self.subject_key),
            Role::Controller | Role::Delegate | Role::Successor => None,
        }
    }
}

/// What a delegate calls for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case", deny_unknown_fields)]
pub enum Act {
    /// A rule of hers gives less from now on.
    Narrow(Box<Narrowing>),
    /// No to a request, or to what its retailer proposed.
    Refuse {
        /// Who asks.
        controller: ControllerId,
        /// What.
        request: RequestId,
    },
    /// A grant is taken back.
    Withdraw {
        /// Who has it.
        controller: ControllerId,
        /// Which.
        grant: GrantId,
    },
    /// A purpose is refused from now on.
    WriteRule {
        /// To whom; `None` is all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        controllers: Option<BTreeSet<ControllerId>>,
        /// Which.
        purpose: Purpose,
    },
}

/// A rule that gives, as it stands and as it is to stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Narrowing {
    /// What it is to give at most.
    pub bounds: Bounds,
    /// Whose requests it answers; `None` is everybody's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub controllers: Option<BTreeSet<ControllerId>>,
    /// What for.
    pub purpose: Purpose,
    /// Its number.
    pub rule: u32,
    /// What it gives at most until then.
    pub was: Bounds,
}

impl Narrowing {
    /// Whether it gives less afterwards and nothing else, and is a rule before and after.
    pub fn narrows(&self) -> bool {
        let is_rule = |bounds: &Bounds| {
            let name = RuleName {
                confirmed: Timestamp::from_unix_seconds(0),
                number: self.rule,
                version: 1,
            };
            let verdict = Verdict::Give { bounds: bounds.clone(), narrow: false };
            let controllers = self.controllers.clone();
            Rule { controllers, name, purpose: self.purpose, verdict }.check().is_ok()
        };
        is_rule(&self.was)
            && is_rule(&self.bounds)
            && self.bounds != self.was
            && self.bounds.narrower_than(&self.was, self.purpose)
    }
}

impl Act {
    /// What a mandate has to allow for it.
    pub const fn kind(&self) -> MandateAct {
        match self {
            Self::Narrow(_) => MandateAct::Narrow,
            Self::Refuse { .. } => MandateAct::Refuse,
            Self::Withdraw { .. } => MandateAct::Withdraw,
            Self::WriteRule { .. } => MandateAct::WriteRules,
        }
    }
}

/// In what an act goes beyond its mandate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Beyond {
    /// It is not among its acts.
    #[error("the mandate does not allow this act")]
    Act,
    /// It is not about this retailer.
    #[error("the mandate does not cover this retailer")]
    Retailer,
    /// A rule would not give less than before.
    #[error("the rule would not be narrower than before")]
    Wider,
}

/// What a delegate sends to read: nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct View {}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Payload<B> {
    body: B,
    htm: Method,
    htu: String,
    jti: MessageId,
    mandate: MandateId,
}

#[derive(Serialize, Deserialize)]
enum Method {
    #[serde(rename = "POST")]
    Post,
}

/// The word for what is called for, where the rest is not understood.
#[derive(Deserialize)]
struct Called {
    body: Word,
}

#[derive(Deserialize)]
struct Word {
    act: String,
}

/// The name of a mandate in a call that nobody has checked.
#[derive(Deserialize)]
struct Claim {
    mandate: MandateId,
}

/// A call of a delegate that does not hold.
#[derive(Debug, thiserror::Error)]
pub enum VerifyDelegateCallError {
    /// Not a JWS of the profile.
    #[error("call is not a JWS of the profile")]
    Parse(#[source] ParseJwsError),
    /// Signature, type, role or key.
    #[error("call is not signed as it must be")]
    Signature(#[source] VerifyJwsError),
    /// The payload is not what this address takes.
    #[error("call does not have the members of this address")]
    Body(#[source] JsonError),
    /// It calls for what no mandate allows.
    #[error("call is for something that no mandate allows")]
    Beyond,
    /// Signed for another address.
    #[error("call is signed for another address")]
    Address,
    /// Signed under another mandate.
    #[error("call is signed under another mandate")]
    Mandate,
    /// Signed too long ago, or in the future.
    #[error("call is signed for another moment")]
    Clock,
}

/// A call of a delegate as it arrived: well formed, but **not** checked.
#[derive(Clone, Debug)]
pub struct UnverifiedDelegateCall(UnverifiedJws);

/// A call whose signature, mandate, address and moment were checked. Whether the mandate allows it is another
/// question: [`Mandate::allows`].
#[derive(Clone, Debug)]
pub struct DelegateCall<B> {
    /// The message id: refuse it when it was seen before.
    pub message: MessageId,
    /// When it was signed.
    pub signed_at: Timestamp,
    /// Until when its message id must be remembered.
    pub forget_at: Timestamp,
    /// What it says.
    pub body: B,
}

impl UnverifiedDelegateCall {
    /// Reads a call.
    pub fn parse(bytes: &[u8]) -> Result<Self, VerifyDelegateCallError> {
        UnverifiedJws::parse(bytes, DELEGATE_CALL_LEN_MAX)
            .map(Self)
            .map_err(VerifyDelegateCallError::Parse)
    }

    /// The mandate it claims to act under: a name to look up, not a proof.
    pub fn claimed_mandate(&self) -> Result<MandateId, VerifyDelegateCallError> {
        let claim = self.0.peek::<Claim>().map_err(VerifyDelegateCallError::Body)?;
        Ok(claim.mandate)
    }

    /// Checks signature, mandate, address and moment.
    pub fn verify<B: Serialize + DeserializeOwned>(
        self,
        mandate: &Mandate,
        path: &str,
        now: Timestamp,
    ) -> Result<DelegateCall<B>, VerifyDelegateCallError> {
        let verified = self
            .0
            .verify(Typ::DelegateCall, &[(Role::Delegate, &mandate.delegate_key)])
            .map_err(VerifyDelegateCallError::Signature)?;
        let payload = match read::<B>(&verified) {
            Ok(payload) => payload,
            Err(error) => {
                let called = verified.payload::<Called>();
                let beyond = called.is_ok_and(|called| !is_act(&called.body.act));
                let error = VerifyDelegateCallError::Body(error);
                return Err(if beyond { VerifyDelegateCallError::Beyond } else { error });
            }
        };
        if payload.mandate != mandate.id {
            return Err(VerifyDelegateCallError::Mandate);
        }
        if payload.htu != path {
            return Err(VerifyDelegateCallError::Address);
        }
        let signed_at = verified.signed_at(Role::Delegate).ok_or(VerifyDelegateCallError::Clock)?;
        let last = signed_at.plus(CALL_WINDOW_SECONDS);
        if signed_at > now.plus(CALL_WINDOW_SECONDS) || now > last {
            return Err(VerifyDelegateCallError::Clock);
        }
        let forget_at = last.plus(CALL_WINDOW_SECONDS);
        Ok(DelegateCall { message: payload.jti, signed_at, forget_at, body: payload.body })
    }
}

/// The payload in its one spelling.
fn read<B: Serialize + DeserializeOwned>(signed: &VerifiedJws) -> Result<Payload<B>, JsonError> {
    let payload: Payload<B> = signed.payload()?;
    let same = to_canonical_json(&payload)? == signed.payload_bytes();
    if same { Ok(payload) } else { Err(JsonError::NotCanonical) }
}

/// Whether a word names an act that a mandate can allow.
fn is_act(word: &str) -> bool {
    matches!(word, "narrow" | "refuse" | "withdraw" | "write_rule")
}

/// Signs a call to `path` of the agent that gave the mandate.
pub fn sign_delegate_call<B: Serialize>(
    path: &str,
    mandate: MandateId,
    message: MessageId,
    body: &B,
    key: &SigningKey,
    now: Timestamp,
) -> Result<VerifiedJws, JsonError> {
    let htu = String::from(path);
    let payload = Payload { body, htm: Method::Post, htu, jti: message, mandate };
    jws::sign(Typ::DelegateCall, &payload, Role::Delegate, key, now)
}

#[cfg(test)]
mod tests;
