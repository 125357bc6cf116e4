//! The retailer's side of Besace, in the retailer's process.
//!
//! A [`Retailer`] over a [`SqliteStore`] negotiates, accepts grants and withdrawals, takes in what travels under
//! them, resolves what its shops hear, publishes manifest, requests and offers, and logs each of these
//! before it answers. Time and randomness are parameters; the crate opens no socket and reads no clock.
//!
//! ```
//! use besace_retailer::{Identity, Retailer, ShopScope, SqliteStore};
//! # use rand::{SeedableRng as _, rngs::StdRng};
//! # use besace_protocol::{encoding::from_json, time::Timestamp};
//! # let mut rng = StdRng::seed_from_u64(1);
//! # let now = Timestamp::from_unix_seconds(1_795_341_630);
//! # let file = br#"{"domain":"shop.example","legal":{"address":"1 rue du March\u00e9, Paris",
//! #   "contact":"dpo@shop.example","display_name":"Au Bon Exemple","name":"Au Bon Exemple SA"},
//! #   "shops":[{"code":"00000001","kind":"grocery","latitude_e7":488566000,"longitude_e7":23522000,
//! #   "name":"Paris","radius_metres":60,"scope":"shop.example/fr/*"}]}"#;
//! let identity: Identity = from_json(file, 4096)?;
//! let shop = identity.shops[0].code;
//! let mut retailer = Retailer::init(SqliteStore::in_memory()?, &identity, now, &mut rng)?;
//!
//! // What everybody may read, with the proof that it stands in the log.
//! let manifest = retailer.manifest()?;
//! assert!(manifest.proof.starts_with("c2sp.org/tlog-proof@v1"));
//!
//! // A receiver at the door of one shop, and what it says when it hears a stranger.
//! let key = retailer.add_shop_key("door", shop, &[ShopScope::Sightings], &mut rng)?;
//! let permit = retailer.authenticate(&key)?;
//! let heard = besace_protocol::presence::EphemeralId::from_bytes([7; 16]);
//! assert!(retailer.sighting(&permit, heard, 1, now, &mut rng).is_err());
//!
//! // Every few minutes: keys of new days, the end of old ones, deadlines.
//! retailer.tidy(now.plus(300), &mut rng)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What this crate never receives: who a shopper is, where she was elsewhere, what she was offered or
//! bought elsewhere, a hardware address, or the keys of a day that her agent did not release. The name
//! that she chose for a greeting is here while her grant and its deadline allow, and nowhere in the log.
//! What it does not keep: identifiers that nobody is recognised by, and when and where somebody was.
#![forbid(unsafe_code)]

pub mod offline;
pub mod presence;

#[cfg(feature = "sqlite")]
mod answers;
#[cfg(feature = "sqlite")]
mod audit;
#[cfg(feature = "sqlite")]
mod call;
#[cfg(feature = "sqlite")]
mod checked;
#[cfg(feature = "sqlite")]
mod clock;
#[cfg(feature = "sqlite")]
mod consent;
#[cfg(feature = "sqlite")]
mod days;
#[cfg(feature = "sqlite")]
mod erasure;
#[cfg(feature = "sqlite")]
mod feedback;
#[cfg(feature = "sqlite")]
mod group;
#[cfg(feature = "sqlite")]
mod health;
#[cfg(feature = "sqlite")]
mod ledger;
#[cfg(feature = "sqlite")]
mod live;
#[cfg(feature = "sqlite")]
mod mailbox;
#[cfg(feature = "sqlite")]
mod negotiation;
#[cfg(feature = "sqlite")]
mod objection;
#[cfg(feature = "sqlite")]
mod once;
#[cfg(feature = "sqlite")]
mod papers;
#[cfg(feature = "sqlite")]
mod publish;
#[cfg(feature = "sqlite")]
mod receive;
#[cfg(feature = "sqlite")]
mod redemption;
mod renewal;
#[cfg(feature = "sqlite")]
mod restoration;
#[cfg(feature = "sqlite")]
mod retailer;
#[cfg(feature = "sqlite")]
mod revocation;
#[cfg(feature = "sqlite")]
mod shop_key;
#[cfg(feature = "sqlite")]
mod sighting;
#[cfg(feature = "sqlite")]
mod store;
#[cfg(feature = "sqlite")]
mod succession;
#[cfg(test)]
#[cfg(feature = "sqlite")]
mod testing;
#[cfg(test)]
#[cfg(feature = "sqlite")]
mod tests;
#[cfg(feature = "sqlite")]
mod till;
#[cfg(feature = "sqlite")]
mod till_receipts;
#[cfg(feature = "sqlite")]
mod voucher;
#[cfg(feature = "sqlite")]
mod wishes;
#[cfg(feature = "sqlite")]
mod witness;

#[cfg(feature = "sqlite")]
pub use self::{
    answers::ANSWERS_MIN,
    call::CallError,
    checked::{GrantCall, ReleaseCall, ReleaseToCheck},
    clock::{ClockError, Leap, Moment},
    consent::{GiveGrantError, WithdrawError},
    days::{Due, Tidied, TidyError, Undone},
    erasure::{AskErasureError, OwedErasure, RecipientsToldError},
    group::{Group, GroupError, MakeOpeningError},
    health::Fault,
    mailbox::MailboxError,
    negotiation::{NegotiateError, NegotiationPolicy},
    objection::ObjectError,
    once::{Once, ParseWriteKeyError, Refused, Write, WriteError, WriteKey},
    papers::{PublishedRequest, RightsDesk},
    publish::{PublishCatalogueError, PublishRequestError, ReadTileError, RequestDraft},
    receive::ReceiveError,
    redemption::HOLD_SECONDS_MAX,
    restoration::{LastKnown, LostRetailer, RestoreError},
    retailer::{Identity, OpenRetailerError, Retailer},
    revocation::RevokeError,
    shop_key::{
        AddShopKeyError, AuthenticateError, OutOfScope, ParseShopKeyError, ShopKey, ShopKeyEntry,
        ShopPermit, ShopScope,
    },
    sighting::{ReadShopError, SightingError},
    store::{
        DatabaseError, GrantsToEnd, MarkError, OpenStoreError, SpentId, SqliteStore, StoreError,
    },
    succession::ContinueError,
    till::TillError,
    till_receipts::FindReceiptError,
    voucher::{IssueVouchersError, PlannedClass, SetVoucherPlanError, VoucherPlan},
    wishes::AcceptWishError,
};
