//! Who negotiates with whom, about what.

use serde::{Deserialize, Serialize};

use crate::{
    consent::ConsentRequest,
    crypto::{Digest, VerifyingKey},
    document::{DocumentRule, Verified},
    id::NegotiationId,
    jws::Role,
    party::ControllerId,
};

/// What every message of one negotiation says alike. A message of another negotiation has another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Matter {
    /// Who asks.
    pub controller: ControllerId,
    /// The key it signs with.
    pub controller_key: VerifyingKey,
    /// Name of the negotiation, drawn by the agent, never used again.
    pub id: NegotiationId,
    /// Digest of the payload of the request.
    pub request: Digest,
    /// The pseudonym.
    pub subject_key: VerifyingKey,
}

impl Matter {
    /// A negotiation about `request`.
    pub fn of(
        request: &Verified<ConsentRequest>,
        id: NegotiationId,
        subject_key: VerifyingKey,
    ) -> Self {
        let asked = request.payload();
        Self {
            controller: asked.controller.clone(),
            controller_key: asked.controller_key,
            id,
            request: request.digest(),
            subject_key,
        }
    }

    pub(super) fn check(&self) -> Result<(), DocumentRule> {
        if self.subject_key == self.controller_key { Err(DocumentRule::Terms) } else { Ok(()) }
    }

    /// The key that `role` signs with.
    pub(super) const fn named_key(&self, role: Role) -> Option<&VerifyingKey> {
        match role {
            Role::Controller => Some(&self.controller_key),
            Role::Subject => Some(&self.subject_key),
            Role::Delegate | Role::Successor => None,
        }
    }

    /// The key of `side`.
    pub const fn key(&self, side: Side) -> &VerifyingKey {
        match side {
            Side::Controller => &self.controller_key,
            Side::Subject => &self.subject_key,
        }
    }
}

/// One of the two who negotiate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The retailer.
    Controller,
    /// The shopper, by her agent.
    Subject,
}

impl Side {
    /// The role it signs in.
    pub const fn role(self) -> Role {
        match self {
            Self::Controller => Role::Controller,
            Self::Subject => Role::Subject,
        }
    }
}
