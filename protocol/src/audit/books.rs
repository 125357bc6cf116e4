//! Opened entries become documents and records whose signatures hold.

use alloc::{
    boxed::Box,
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use super::{
    Assertion, Fault, Gap, PinnedController, Place, Policy,
    evidence::{CheckedLog, Opened},
    report::Findings,
    succession::{Chain, Succession},
};
use crate::{
    consent::{
        Acknowledgement, ConsentRequest, Continuation, Erasure, Grant, Record, RecordKind,
        Withdrawal,
    },
    crypto::{Digest, VerifyingKey},
    document::{Document, Unverified, Verified},
    id::GrantId,
    jws::{Role, Typ, UnverifiedJws},
    log::{LogKey, Opening, Origin},
    time::Timestamp,
};

/// The opened part of one log, or of the logs of one pseudonym, in the order of their entries.
#[derive(Debug)]
pub(super) struct Books<'a> {
    /// The logs it stands in: one, or those in which a pseudonym went on.
    origins: BTreeSet<&'a Origin>,
    /// Entries of it are known to be gone.
    pub(super) lost: bool,
    /// The retailer, if it is a retailer's log; else the log is a pseudonym's.
    pub(super) retailer: Option<&'a PinnedController>,
    pub(super) items: Vec<Item<'a>>,
    /// The grants in it, with the entry each stands at first.
    pub(super) grants: BTreeMap<GrantId, (u64, Verified<Grant>)>,
}

/// One opened entry.
#[derive(Debug)]
pub(super) struct Item<'a> {
    pub(super) index: u64,
    pub(super) place: &'a Place,
    pub(super) opening: &'a Opening,
    pub(super) content: Content<'a>,
}

/// What it holds.
#[derive(Debug)]
pub(super) enum Content<'a> {
    Request(Box<Verified<ConsentRequest>>),
    Grant(GrantId),
    Withdrawal(Verified<Withdrawal>),
    Acknowledgement(Verified<Acknowledgement>),
    /// A public document that was logged whole.
    Public,
    Plain(&'a RecordKind),
}

/// The keys of pseudonyms' logs, as grants in the retailers' logs name them under both signatures.
pub(super) fn log_keys_of_grants(
    logs: &BTreeMap<Origin, CheckedLog>,
    policy: &Policy,
) -> Vec<LogKey> {
    let mut keys: BTreeMap<Origin, LogKey> = BTreeMap::new();
    for opened in logs.values().flat_map(|log| log.openings.values()) {
        if let Record::Signed(jws) = &opened.record
            && jws.typ() == Typ::Grant
            && let Ok(grant) = verify_grant(opened.opening.record.as_ref(), jws, policy)
        {
            let origin = Origin::of_log(&grant.payload().subject_log);
            let key = LogKey::new(origin.clone(), grant.payload().subject_log_key);
            keys.entry(origin).or_insert(key);
        }
    }
    keys.into_values().filter(|key| !logs.contains_key(key.origin())).collect()
}

impl<'a> Books<'a> {
    /// Reads the opened entries of `chain`: G1, G2 for each document, G3 for each grant.
    pub(super) fn read(
        chain: &Chain<'a>,
        succession: &Succession,
        policy: &'a Policy,
        now: Timestamp,
        out: &mut Findings,
    ) -> Self {
        let origins: BTreeSet<&Origin> = chain.logs.iter().map(|log| log.head.origin()).collect();
        let domain = origins.first().and_then(|origin| origin.controller());
        let retailer = domain.and_then(|domain| policy.controller(&domain));
        let (items, grants, lost) = (Vec::new(), BTreeMap::new(), chain.lost);
        let mut books = Self { origins, lost, retailer, items, grants };
        let entries = chain.logs.iter().flat_map(|log| &log.openings);
        for (index, opened) in entries {
            let content = match &opened.record {
                Record::Plain(record) => Ok(Content::Plain(record)),
                Record::Signed(jws) => {
                    out.checked(Assertion::G1);
                    books.read_signed(*index, opened, jws, succession, policy)
                }
            };
            match content {
                Ok(content) => books.items.push(Item {
                    index: *index,
                    place: &opened.place,
                    opening: &opened.opening,
                    content,
                }),
                Err((assertion, fault)) => out.find(assertion, opened.place.clone(), fault),
            }
        }
        books.check_requests(policy, now, out);
        books
    }

    fn read_signed(
        &mut self,
        index: u64,
        opened: &Opened,
        jws: &UnverifiedJws,
        succession: &Succession,
        policy: &Policy,
    ) -> Result<Content<'a>, (Assertion, Fault)> {
        let bytes = opened.opening.record.as_ref();
        let foreign = || (Assertion::G2, Fault::ForeignDocument);
        match jws.typ() {
            Typ::Grant => {
                let grant = verify_grant(bytes, jws, policy)?;
                let (id, both) = (grant.payload().id, grant.signed_at(Role::Controller).is_some());
                let own = match self.retailer {
                    Some(retailer) => both && grant.payload().controller == retailer.domain,
                    None => self.origins.contains(&Origin::of_log(&grant.payload().subject_log)),
                };
                if !own {
                    return Err(foreign());
                }
                if let Some((_, earlier)) = self.grants.get(&id)
                    && earlier.digest() != grant.digest()
                {
                    return Err((Assertion::G3, Fault::GrantTwice { grant: id }));
                }
                self.grants.entry(id).or_insert((index, grant));
                Ok(Content::Grant(id))
            }
            Typ::Withdrawal => {
                let document = parse::<Withdrawal>(bytes)?;
                let grant = self.grant_before(document.claimed().grant)?;
                // With a key that the giver of the grant has or had.
                let (claimed, given) =
                    (document.claimed().subject_key, grant.payload().subject_key);
                let key = if succession.are_one(&claimed, &given) { claimed } else { given };
                let withdrawal = verify(document, &[(Role::Subject, &key)])?;
                withdrawal
                    .payload()
                    .ends_as(grant, &key)
                    .map_err(|source| mismatch(grant.payload().id, source))?;
                Ok(Content::Withdrawal(withdrawal))
            }
            Typ::Acknowledgement => {
                let document = parse::<Acknowledgement>(bytes)?;
                let grant = self.grant_before(document.claimed().grant)?.payload();
                let key = grant.controller_key;
                let acknowledgement = verify(document, &[(Role::Controller, &key)])?;
                let (id, answered) = (grant.id, acknowledgement.payload());
                let answers = self.items.iter().find_map(|item| match &item.content {
                    Content::Withdrawal(w) if w.payload().grant == id => Some(answered.answers(w)),
                    _ => None,
                });
                match answers {
                    Some(Ok(())) => Ok(Content::Acknowledgement(acknowledgement)),
                    Some(Err(source)) => Err(mismatch(id, source)),
                    None => Err(foreign()),
                }
            }
            Typ::Erasure => {
                let document = parse::<Erasure>(bytes)?;
                let key = self.grant_before(document.claimed().grant)?.payload().controller_key;
                verify(document, &[(Role::Controller, &key)]).map(|_| Content::Public)
            }
            Typ::Request => {
                let retailer = self.retailer.ok_or_else(foreign)?;
                let document = parse::<ConsentRequest>(bytes)?;
                let request = verify(document, &[(Role::Controller, &retailer.key)])?;
                Ok(Content::Request(Box::new(request)))
            }
            Typ::Manifest | Typ::Catalogue | Typ::UseStatement | Typ::VoucherKeys => {
                let retailer = self.retailer.ok_or_else(foreign)?;
                jws.clone()
                    .verify(jws.typ(), &[(Role::Controller, &retailer.key)])
                    .map(|_| Content::Public)
                    .map_err(|error| (Assertion::G1, Fault::Signature(error)))
            }
            // The retailer's were looked at before any book was opened.
            Typ::Continuation if self.retailer.is_some() => Ok(Content::Public),
            Typ::Continuation => {
                let signed = parse::<Continuation>(bytes)?
                    .verify_parties()
                    .map_err(|error| (Assertion::G1, Fault::Signature(error)))?;
                let own = self.origins.contains(&Origin::of_log(&signed.payload().to.log));
                if own { Ok(Content::Public) } else { Err(foreign()) }
            }
            // What was negotiated is not logged yet: of it, the grant counts.
            Typ::Agreement
            | Typ::Call
            | Typ::Disclosure
            | Typ::Opening
            | Typ::Proposal
            | Typ::Refusal
            | Typ::Release => Err(foreign()),
        }
    }

    fn grant_before(&self, grant: GrantId) -> Result<&Verified<Grant>, (Assertion, Fault)> {
        let found = self.grants.get(&grant).map(|(_, grant)| grant);
        found.ok_or((Assertion::U1, Fault::NoGrant { grant }))
    }

    /// Each grant of a retailer's log against the request it names, which stands before it.
    fn check_requests(&self, policy: &Policy, now: Timestamp, out: &mut Findings) {
        if self.retailer.is_none() {
            return;
        }
        for item in &self.items {
            let Content::Grant(id) = item.content else { continue };
            let Some((_, grant)) = self.grants.get(&id) else { continue };
            let request =
                self.items.iter().take_while(|asked| asked.index < item.index).find_map(|asked| {
                    match &asked.content {
                        Content::Request(r) if r.digest() == grant.payload().request => Some(r),
                        _ => None,
                    }
                });
            let Some(request) = request else {
                out.gap(Gap::NoRequest { grant: id });
                continue;
            };
            let answers = grant.payload().answers(request, now, policy.skew_seconds);
            let fault = answers.err().map(|source| Fault::NotTheRequest { grant: id, source });
            out.check(Assertion::G3, item.place, fault);
        }
    }

    /// Digests of the public documents it says were published.
    pub(super) fn published(&self) -> impl Iterator<Item = Digest> + '_ {
        self.items.iter().filter_map(|item| match item.content {
            Content::Plain(RecordKind::Published(published)) => Some(published.digest),
            _ => None,
        })
    }

    /// The requests it holds.
    pub(super) fn requests(&self) -> impl Iterator<Item = &ConsentRequest> {
        self.items.iter().filter_map(|item| match &item.content {
            Content::Request(request) => Some(request.payload()),
            _ => None,
        })
    }

    /// Digests of the notices that its requests and grants name.
    pub(super) fn notices(&self) -> impl Iterator<Item = Digest> + '_ {
        let requests = self.requests().map(|request| request.notice.digest);
        requests.chain(self.grants.values().map(|(_, grant)| grant.payload().notice))
    }
}

fn mismatch(grant: GrantId, source: crate::consent::WithdrawalMismatch) -> (Assertion, Fault) {
    (Assertion::G1, Fault::NotTheGrant { grant, source })
}

fn parse<D: Document>(bytes: &[u8]) -> Result<Unverified<D>, (Assertion, Fault)> {
    Unverified::parse(bytes).map_err(|error| (Assertion::G2, Fault::ParseDocument(error)))
}

fn verify<D: Document>(
    document: Unverified<D>,
    signers: &[(Role, &VerifyingKey)],
) -> Result<Verified<D>, (Assertion, Fault)> {
    document.verify(signers).map_err(|error| (Assertion::G1, Fault::Signature(error)))
}

/// A grant by the keys of both, or of the shopper alone: hers is logged before the retailer signs.
pub(super) fn verify_grant(
    bytes: &[u8],
    jws: &UnverifiedJws,
    policy: &Policy,
) -> Result<Verified<Grant>, (Assertion, Fault)> {
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
