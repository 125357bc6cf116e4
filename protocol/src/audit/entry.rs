//! What one opened entry holds, by itself: its form, and its signatures by the keys that it names or
//! the auditor pinned. Everything that needs no other entry, so that it may be done anywhere.

use alloc::boxed::Box;

use super::{Assertion, Fault, PinnedController, Policy};
use crate::{
    consent::{
        Acknowledgement, ConsentRequest, Continuation, Erasure, Grant, Objection, Record,
        RecordKind, Restoration, Revocation, UseHead, UseRecord, Withdrawal,
    },
    crypto::{Digest, VerifyingKey},
    document::{Document, Unverified, Verified},
    jws::{Role, Typ, UnverifiedJws},
    log::{Opening, Origin},
    mandate::{Mandate, MandateWithdrawal},
    negotiation::{Agreement, Matter, Proposal, Refusal, Side},
    time::Timestamp,
};

/// One opened entry.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) index: u64,
    /// Or why it belongs into no book.
    pub(super) content: Result<Content, Refused>,
    /// It is a signed document.
    pub(super) signed: bool,
    /// By when witnesses had seen its log with it.
    pub(super) seen: Option<Timestamp>,
}

/// What does not hold about an entry, and why.
pub(super) type Refused = (Assertion, Fault);

/// What it holds.
#[derive(Debug)]
pub(super) enum Content {
    Request(Box<Verified<ConsentRequest>>),
    Proposal(Box<Verified<Proposal>>),
    Grant(Box<Verified<Grant>>),
    Withdrawal(Box<Claimed<Withdrawal>>),
    Acknowledgement(Box<Claimed<Acknowledgement>>),
    Erasure(Box<Claimed<Erasure>>),
    Revocation(Box<Claimed<Revocation>>),
    Objection(Box<Objection>),
    Continuation(Box<Result<Verified<Continuation>, Fault>>),
    /// What somebody may do for her.
    Mandate(Box<Verified<Mandate>>),
    /// Who may no more.
    MandateWithdrawal(Box<Verified<MandateWithdrawal>>),
    /// A retailer lost its store.
    Restoration(Box<Verified<Restoration>>),
    /// A public document that was logged whole.
    Public,
    /// What was said to a proposal, and no grant names.
    Said,
    /// With the head of its chain after it.
    Use(UseRecord, Digest),
    Plain(Box<RecordKind>),
}

/// A document about a grant, which stands elsewhere: whether it is signed with the key that it names, or that
/// is pinned for whom it names.
#[derive(Debug)]
pub(super) struct Claimed<D> {
    pub(super) payload: D,
    /// Its digest, if the signature holds.
    pub(super) verified: Result<Digest, Fault>,
}

/// Reads the entries of one log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    pub(super) policy: &'a Policy,
    /// The retailer, if it is a retailer's log; else the log is a pseudonym's.
    pub(super) retailer: Option<&'a PinnedController>,
}

impl<'a> Reader<'a> {
    pub(super) fn of(origin: &Origin, policy: &'a Policy) -> Self {
        let retailer = origin.controller().and_then(|domain| policy.controller(&domain));
        Self { policy, retailer }
    }

    /// Reads what an opening holds, or says that it is no record.
    pub(super) fn read(&self, opening: &Opening) -> Result<Entry, Fault> {
        let (index, bytes) = (opening.index, opening.record.as_ref());
        match Record::parse(bytes).map_err(Fault::ParseRecord)? {
            Record::Plain(RecordKind::Use(record)) => {
                let count = record.counter.saturating_sub(1);
                let before = UseHead { count, head: record.prev };
                let after = before.after(opening.salt.as_bytes(), bytes).head;
                Ok(Entry {
                    index,
                    content: Ok(Content::Use(record, after)),
                    signed: false,
                    seen: None,
                })
            }
            Record::Plain(record) => Ok(Entry {
                index,
                content: Ok(Content::Plain(Box::new(record))),
                signed: false,
                seen: None,
            }),
            Record::Signed(jws) => Ok(Entry {
                index,
                content: self.read_signed(bytes, &jws),
                signed: true,
                seen: None,
            }),
        }
    }

    fn read_signed(&self, bytes: &[u8], jws: &UnverifiedJws) -> Result<Content, Refused> {
        let foreign = || (Assertion::G2, Fault::ForeignDocument);
        match jws.typ() {
            Typ::Grant => verify_grant(bytes, jws, self.policy).map(Box::new).map(Content::Grant),
            Typ::Withdrawal => {
                let document = parse::<Withdrawal>(bytes)?;
                let key = document.claimed().subject_key;
                Ok(Content::Withdrawal(Box::new(Claimed::of(document, Role::Subject, &key))))
            }
            Typ::Acknowledgement => {
                let document = parse::<Acknowledgement>(bytes)?;
                let pinned = self.policy.controller(&document.claimed().controller);
                let claimed = Claimed::of_pinned(document, pinned);
                Ok(Content::Acknowledgement(Box::new(claimed)))
            }
            Typ::Erasure => {
                let document = parse::<Erasure>(bytes)?;
                let pinned = self.policy.controller(&document.claimed().controller);
                Ok(Content::Erasure(Box::new(Claimed::of_pinned(document, pinned))))
            }
            Typ::Revocation => {
                let document = parse::<Revocation>(bytes)?;
                let pinned = self.policy.controller(&document.claimed().controller);
                Ok(Content::Revocation(Box::new(Claimed::of_pinned(document, pinned))))
            }
            Typ::Objection => {
                // It needs no grant: whose it is, it says itself.
                let document = parse::<Objection>(bytes)?;
                let key = document.claimed().subject_key;
                verify(document, &[(Role::Subject, &key)])
                    .map(|document| Content::Objection(Box::new(document.payload().clone())))
            }
            Typ::Request => {
                let retailer = self.retailer.ok_or_else(foreign)?;
                let document = parse::<ConsentRequest>(bytes)?;
                verify(document, &[(Role::Controller, &retailer.key)])
                    .map(Box::new)
                    .map(Content::Request)
            }
            Typ::Manifest | Typ::Catalogue | Typ::UseStatement | Typ::VoucherKeys => {
                let retailer = self.retailer.ok_or_else(foreign)?;
                jws.clone()
                    .verify(jws.typ(), &[(Role::Controller, &retailer.key)])
                    .map(|_| Content::Public)
                    .map_err(|error| (Assertion::G1, Fault::Signature(error)))
            }
            // In her log too, whose grants it ended.
            Typ::Restoration => {
                let document = parse::<Restoration>(bytes)?;
                let pinned = self.policy.controller(&document.claimed().controller);
                let pinned = pinned.ok_or((Assertion::G1, Fault::NoPinnedKey))?;
                verify(document, &[(Role::Controller, &pinned.key)])
                    .map(Box::new)
                    .map(Content::Restoration)
            }
            Typ::Continuation => {
                let read = Unverified::<Continuation>::parse(bytes)
                    .map_err(Fault::ParseDocument)
                    .and_then(|document| document.verify_parties().map_err(Fault::Signature));
                Ok(Content::Continuation(Box::new(read)))
            }
            Typ::Proposal => {
                let of = |said: &Proposal| (said.matter.clone(), said.by());
                self.said(bytes, of).map(Box::new).map(Content::Proposal)
            }
            Typ::Agreement => {
                let of = |said: &Agreement| (said.matter.clone(), Side::Controller);
                self.said(bytes, of).map(|_| Content::Said)
            }
            Typ::Refusal => {
                let of = |said: &Refusal| (said.matter.clone(), said.by);
                self.said(bytes, of).map(|_| Content::Said)
            }
            // Of no retailer: with a key that she made for it, in a log that is pinned.
            Typ::Mandate => {
                let document = self.own::<Mandate>(bytes)?;
                let key = document.claimed().subject_key;
                let mandate = verify(document, &[(Role::Subject, &key)])?;
                Ok(Content::Mandate(Box::new(mandate)))
            }
            Typ::MandateWithdrawal => {
                let document = self.own::<MandateWithdrawal>(bytes)?;
                let key = document.claimed().subject_key;
                let withdrawal = verify(document, &[(Role::Subject, &key)])?;
                Ok(Content::MandateWithdrawal(Box::new(withdrawal)))
            }
            Typ::Call | Typ::DelegateCall | Typ::Disclosure | Typ::Opening | Typ::Release => {
                Err(foreign())
            }
        }
    }

    /// A document that stands in no retailer's log.
    fn own<D: Document>(&self, bytes: &[u8]) -> Result<Unverified<D>, Refused> {
        if self.retailer.is_some() {
            return Err((Assertion::G2, Fault::ForeignDocument));
        }
        parse(bytes)
    }

    /// What was said in a negotiation with the retailer of the log, signed by the one who had to say it.
    fn said<D: Document>(
        &self,
        bytes: &[u8],
        of: impl Fn(&D) -> (Matter, Side),
    ) -> Result<Verified<D>, Refused> {
        let retailer = self.retailer.ok_or((Assertion::G2, Fault::ForeignDocument))?;
        let document = parse::<D>(bytes)?;
        let (matter, by) = of(document.claimed());
        if matter.controller != retailer.domain {
            return Err((Assertion::G2, Fault::ForeignDocument));
        }
        if matter.controller_key != retailer.key {
            return Err((Assertion::G1, Fault::NoPinnedKey));
        }
        verify(document, &[(by.role(), matter.key(by))])
    }
}

impl<D: Document + Clone> Claimed<D> {
    /// Signed by a retailer.
    fn of_pinned(document: Unverified<D>, pinned: Option<&PinnedController>) -> Self {
        if let Some(pinned) = pinned {
            Self::of(document, Role::Controller, &pinned.key)
        } else {
            let payload = document.claimed().clone();
            Self { payload, verified: Err(Fault::NoPinnedKey) }
        }
    }

    fn of(document: Unverified<D>, role: Role, key: &VerifyingKey) -> Self {
        let payload = document.claimed().clone();
        let verified = document.verify(&[(role, key)]);
        let verified = verified.map(|verified| verified.digest()).map_err(Fault::Signature);
        Self { payload, verified }
    }
}

fn parse<D: Document>(bytes: &[u8]) -> Result<Unverified<D>, Refused> {
    Unverified::parse(bytes).map_err(|error| (Assertion::G2, Fault::ParseDocument(error)))
}

fn verify<D: Document>(
    document: Unverified<D>,
    signers: &[(Role, &VerifyingKey)],
) -> Result<Verified<D>, Refused> {
    document.verify(signers).map_err(|error| (Assertion::G1, Fault::Signature(error)))
}

/// A grant by the keys of both, or of the shopper alone: hers is logged before the retailer signs.
fn verify_grant(
    bytes: &[u8],
    jws: &UnverifiedJws,
    policy: &Policy,
) -> Result<Verified<Grant>, Refused> {
    let document = parse::<Grant>(bytes)?;
    let subject = document.claimed().subject_key;
    let controller = policy
        .controller(&document.claimed().controller)
        .ok_or((Assertion::G1, Fault::NoPinnedKey))?
        .key;
    if document.claimed().controller_key != controller {
        return Err((Assertion::G1, Fault::NoPinnedKey));
    }
    if jws.claimed_key(Role::Controller).is_some() {
        verify(document, &[(Role::Controller, &controller), (Role::Subject, &subject)])
    } else {
        verify(document, &[(Role::Subject, &subject)])
    }
}
