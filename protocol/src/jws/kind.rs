//! The closed lists of document types and signing roles.

use alloc::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// In which capacity a party signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The retailer, in the role of controller.
    Controller,
    /// Who acts for the shopper under a mandate.
    Delegate,
    /// The shopper, under a pairwise pseudonym, or under the key of a mandate.
    Subject,
    /// The same shopper, under the key with which the pseudonym goes on.
    Successor,
}

macro_rules! types {
    ($($(#[$doc:meta])* $name:ident = $text:literal: $($role:ident)+;)*) => {
        /// What a signed document is (`typ`).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Typ {
            $($(#[$doc])* #[serde(rename = $text)] $name,)*
        }

        impl Typ {
            /// Every type there is.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// As it stands in the header.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The roles that may sign it.
            pub const fn roles(self) -> &'static [Role] {
                match self { $(Self::$name => &[$(Role::$role,)+],)* }
            }
        }
    };
}

types! {
    /// Answer to a withdrawal: keys deleted, uses counted.
    Acknowledgement = "besace-acknowledgement+jws": Controller;
    /// A controller takes a proposal of hers.
    Agreement = "besace-agreement+jws": Controller;
    /// An agent's call to a gateway.
    Call = "besace-call+jws": Subject;
    /// The offers of a retailer.
    Catalogue = "besace-catalogue+jws": Controller;
    /// A pseudonym goes on in a new log, or under a new key.
    Continuation = "besace-continuation+jws": Subject Successor;
    /// A delegate's call to the agent that gave the mandate.
    DelegateCall = "besace-delegate-call+jws": Delegate;
    /// Personal data that leaves under a grant.
    Disclosure = "besace-disclosure+jws": Subject;
    /// What was held under a grant that is over is erased.
    Erasure = "besace-erasure+jws": Controller;
    /// A grant: the shopper first, then the controller over the same bytes.
    Grant = "besace-grant+jws": Controller Subject;
    /// What a delegate may do for her.
    Mandate = "besace-mandate+jws": Subject;
    /// She takes a mandate back.
    MandateWithdrawal = "besace-mandate-withdrawal+jws": Subject;
    /// Who a retailer is.
    Manifest = "besace-manifest+jws": Controller;
    /// She objects to direct marketing, or takes that back.
    Objection = "besace-objection+jws": Subject;
    /// The opening of a log entry, sent home.
    Opening = "besace-opening+jws": Controller;
    /// Terms that one party proposes to the other.
    Proposal = "besace-proposal+jws": Controller Subject;
    /// One party says no.
    Refusal = "besace-refusal+jws": Controller Subject;
    /// Keys of one day, released.
    Release = "besace-release+jws": Subject;
    /// A consent request.
    Request = "besace-request+jws": Controller;
    /// A retailer lost its store, ends every grant and begins another log.
    Restoration = "besace-restoration+jws": Controller;
    /// The controller ends a grant.
    Revocation = "besace-revocation+jws": Controller;
    /// A day's count of uses under a grant.
    UseStatement = "besace-use-statement+jws": Controller;
    /// The keys that vouchers of one week are signed with.
    VoucherKeys = "besace-voucher-keys+jws": Controller;
    /// A withdrawal.
    Withdrawal = "besace-withdrawal+jws": Subject;
}

impl Typ {
    /// Whether these roles may stand together under a document of this type.
    pub(super) fn allows(self, roles: &BTreeSet<Role>) -> bool {
        !roles.is_empty() && roles.iter().all(|role| self.roles().contains(role))
    }
}
