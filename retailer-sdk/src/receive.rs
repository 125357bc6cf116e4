//! What arrives under a grant: keys of a day, and data. Neither is accepted without the proof that it stood
//! in the shopper's own log first, and both stand in ours before she hears of it.

use std::collections::BTreeMap;

use besace_protocol::{
    call::{UnverifiedCall, VerifyCallError},
    consent::{
        Claim, Disclosed, Disclosure, DisclosureReceived, Reach, RecordKind, Release, Released,
        disclosure_context, release_context,
    },
    crypto::{OpenError, Sealed, SealingSecretKey, sha256},
    document::{Document, ParseDocumentError, Unverified, Verified},
    id::GrantId,
    jws::{Role, VerifyJwsError},
    log::{LogKey, Origin, SignedCheckpoint, UnverifiedProof},
    presence::ReleasedKeys,
    private::Private,
    problem::ProblemType,
    purpose::{DataCategory, Granularity},
    time::{Day, Timestamp},
    wire::{DISCLOSURES_PATH, Disclose, Proven, RELEASES_PATH, Received, ReleaseKeys},
};
use rand_core::CryptoRngCore;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::{
    CallError, ReleaseCall, Retailer,
    call::{admit, verify_subject},
    store::{Session, StoreError, StoredDisclosure, StoredGrant, StoredKeys, StoredState, Subject},
};

/// A release or a disclosure was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// The call does not hold.
    #[error("call was not admitted")]
    Call(#[from] CallError),
    /// Nobody gave such a grant.
    #[error("there is no such grant")]
    Missing,
    /// The grant is over.
    #[error("grant has expired")]
    Expired,
    /// She took it back.
    #[error("grant was withdrawn")]
    Withdrawn,
    /// The grant is for another purpose, other days or other data.
    #[error("grant does not cover this")]
    Scope,
    /// It is sealed to another key, by another key, or for another grant.
    #[error("sealed message does not open")]
    Sealed(#[source] OpenError),
    /// What was sealed is not a document of its type.
    #[error("sealed document is not of its type")]
    Document(#[source] ParseDocumentError),
    /// She did not sign what was sealed.
    #[error("sealed document is not signed by the subject")]
    Signature(#[source] VerifyJwsError),
    /// Call, document and keys contradict one another.
    #[error("call, document and keys contradict one another")]
    Contradiction,
    /// The proof is missing, of another log, or of another record.
    #[error("nothing proves that this was logged first")]
    Proof,
    /// It was logged in a log that the pseudonym has left.
    #[error("logged in a log that was left")]
    Superseded,
    /// Other keys of this day are here already, a wish has the name of another, or an answer is another than was given.
    #[error("it stands here otherwise already")]
    Conflict,
    /// Nothing was recorded.
    #[error("reception was not recorded")]
    Log(#[from] StoreError),
}

impl ReceiveError {
    /// What the caller reads.
    pub fn problem(&self) -> ProblemType {
        match self {
            Self::Call(error) => error.problem(),
            Self::Missing => ProblemType::GrantMissing,
            Self::Expired => ProblemType::GrantExpired,
            Self::Withdrawn => ProblemType::GrantWithdrawn,
            Self::Scope => ProblemType::GrantScope,
            Self::Sealed(_) | Self::Signature(_) => ProblemType::SignatureInvalid,
            Self::Document(_) | Self::Contradiction => ProblemType::Malformed,
            Self::Proof => ProblemType::ProofMissing,
            Self::Superseded => ProblemType::Superseded,
            Self::Conflict => ProblemType::GrantConflict,
            Self::Log(_) => ProblemType::LogUnavailable,
        }
    }
}

impl Retailer {
    /// Accepts the keys of one day under a grant whose purpose releases keys, and only those that it needs.
    ///
    /// The same keys again, in a new call, get the same record back under a fresh proof.
    pub fn receive_release(
        &mut self,
        call: &[u8],
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Received, ReceiveError> {
        self.receive_checked_release(&ReleaseCall::unchecked(call.to_vec()), now, rng)
    }

    /// As [`receive_release`](Self::receive_release), for a call that was looked at before.
    pub fn receive_checked_release(
        &mut self,
        call: &ReleaseCall,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Received, ReceiveError> {
        let checked = call.checked(self, now)?;
        let admitted;
        let (checked, call, stored) = if let Some((checked, stored)) = checked {
            (Some(checked), &checked.call, live(stored, now)?)
        } else {
            let grant_of = |body: &ReleaseKeys| body.grant;
            admitted = self.admit_under_grant(&call.bytes, RELEASES_PATH, now, grant_of)?;
            (None, &admitted.0, admitted.1.clone())
        };
        let ReleaseKeys { day, grant, logged, sealed } = &call.body;
        let own = &self.own;
        let received = self.store.write(|session| {
            admit(session, call)??;
            let terms = &stored.grant.terms;
            let ahead = day.as_number().checked_sub(Day::of(now).as_number());
            let in_time = ahead.is_some_and(|days| days <= u32::from(terms.release_ahead_days));
            let (Some(till), true) = (terms.purpose.releases(), in_time) else {
                return Err(ReceiveError::Scope);
            };
            let exact = |category: &DataCategory| (*category, Granularity::Exact);
            let keys = terms.purpose.categories().iter().map(exact).collect();
            check_terms(&stored, keys, *day, 0, now)?;
            let secret = session.day_key(*day)?.ok_or(ReceiveError::Scope)?;
            let context = release_context(*grant, *day);
            let opened: Verified<Release>;
            let release = if let Some(checked) = checked {
                checked.release.payload()
            } else {
                opened = open(sealed, &context, &secret, &stored.subject)?;
                opened.payload()
            };
            let keys = ReleasedKeys::from_slice(*day, &release.keys.0)
                .map_err(|_| ReceiveError::Contradiction)?;
            let consistent = release.day == *day
                && release.grant == *grant
                && release.handle == stored.grant.handle
                && release.commit == keys.commitment(&stored.grant.handle);
            if !consistent {
                return Err(ReceiveError::Contradiction);
            }
            if keys.till() != till {
                return Err(ReceiveError::Scope);
            }
            let (record, shown) = match checked {
                Some(checked) => checked.logged.clone(),
                None => check_logged(session, logged, &stored)?,
            };
            match record {
                RecordKind::Released(Released {
                    at: _,
                    commit,
                    day: logged_day,
                    grant: logged_grant,
                }) if commit == release.commit && logged_day == *day && logged_grant == *grant => {}
                _ => return Err(ReceiveError::Proof),
            }
            session.keep_head(stored.subject.log, &stored.subject.log_key, &shown)?;
            if let Some(known) = session.keys(*grant, *day)? {
                if known.commitment != release.commit {
                    return Err(ReceiveError::Conflict);
                }
                let head = own.ledger.head(session)?;
                let logged = own.ledger.proven(session, known.leaf, &head)?;
                return Ok((Received { logged }, known.keys));
            }
            let record = RecordKind::ReleaseReceived(Released {
                at: now,
                commit: release.commit,
                day: *day,
                grant: *grant,
            });
            let opened = own.ledger.append_passing(session, &record, &stored, *day, rng)?;
            let commitment = release.commit;
            let stored = StoredKeys { grant: *grant, keys, commitment, leaf: opened.leaf };
            session.add_keys(&stored)?;
            let head = own.ledger.seal(session)?;
            let logged = own.ledger.proven_opened(session, opened, &head)?;
            Ok((Received { logged }, stored.keys))
        });
        let (received, keys) = received?;
        let inserted = self.live.insert(stored.grant.handle, &keys, rng);
        inserted.map_err(|_| StoreError::Corrupt)?;
        Ok(received)
    }

    /// Accepts data under a grant that names its categories. A later disclosure replaces an earlier one.
    pub fn receive_disclosure(
        &mut self,
        call: &[u8],
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Received, ReceiveError> {
        let (call, stored) =
            self.admit_under_grant::<Disclose>(call, DISCLOSURES_PATH, now, |body| body.grant)?;
        let Disclose { grant, logged, sealed } = &call.body;
        let own = &self.own;
        let received = self.store.write(|session| {
            admit(session, &call)??;
            let context = disclosure_context(*grant);
            let signed: Verified<Disclosure> =
                open(sealed, &context, &own.sealing, &stored.subject)?;
            let disclosure = signed.payload();
            let digest = sha256(&[signed.as_bytes()]);
            if disclosure.grant != *grant {
                return Err(ReceiveError::Contradiction);
            }
            let categories = disclosure.categories();
            let known = session.disclosure(*grant)?;
            let again = known.as_ref().is_some_and(|known| known.digest == digest);
            // What has reached its own day is not here any more, whether or not somebody tidied up.
            session.delete_answers_due(Day::of(now))?;
            session.delete_remarks_due(Day::of(now))?;
            session.delete_receipts_due(Day::of(now))?;
            // What only takes back is always taken; so is what was taken before.
            let free = again
                || disclosure.tells_nothing_new(&session.wishes_of(*grant)?)
                || disclosure.answers_nothing_new(&session.answers_of(*grant)?)
                || disclosure.remarks_nothing_new(&session.remarks_of(*grant)?)
                || disclosure.receipts_nothing_new(&session.receipts_of(*grant)?);
            let day = Day::of(disclosure.disclosed);
            let (told_day, told) = told_on(known.as_ref(), day.min(Day::of(now)));
            let finely = disclosure.granularities();
            check_terms(&stored, finely, day, if free { 0 } else { told }, now)?;
            let remarks = disclosure.feedback.as_deref().unwrap_or_default();
            let receipts = disclosure.receipts.as_deref().unwrap_or_default();
            if !remarks.iter().all(|remark| stored.grant.hears(remark))
                || !receipts.iter().all(|receipt| stored.grant.tells_of(receipt))
            {
                return Err(ReceiveError::Scope);
            }
            let (record, shown) = check_logged(session, logged, &stored)?;
            match record {
                RecordKind::Disclosed(Disclosed {
                    at: _,
                    categories: logged_categories,
                    digest: logged_digest,
                    grant: logged_grant,
                }) if logged_digest == digest
                    && logged_grant == *grant
                    && logged_categories == categories => {}
                _ => return Err(ReceiveError::Proof),
            }
            session.keep_head(stored.subject.log, &stored.subject.log_key, &shown)?;
            if let Some(known) = known.filter(|known| known.digest == digest) {
                let head = own.ledger.head(session)?;
                return Ok(own.ledger.proven(session, known.leaf, &head)?);
            }
            let record = RecordKind::DisclosureReceived(DisclosureReceived {
                at: now,
                digest,
                grant: *grant,
            });
            let retention = u32::from(stored.grant.terms.retention_days);
            let last = Day::of(now).plus(retention);
            let opened = own.ledger.append_passing(session, &record, &stored, last, rng)?;
            session.set_disclosure(
                *grant,
                &StoredDisclosure {
                    digest,
                    chosen_name: disclosure.chosen_name.clone().map(Private::new),
                    topics: Private::new(disclosure.topics.clone()),
                    destroy_day: Day::of(now).plus(retention),
                    leaf: opened.leaf,
                    told: (told_day, if free { told } else { told.saturating_add(1) }),
                },
            )?;
            // A wish of somebody else's name would be hers to change.
            if !session.set_wishes(*grant, disclosure.wishes.as_deref().unwrap_or_default())? {
                return Err(ReceiveError::Conflict);
            }
            session.set_remarks(*grant, remarks, last)?;
            session.set_receipts(*grant, receipts, last)?;
            // An answer is given once: it may be taken back, and not become another.
            if !session.set_answers(*grant, &disclosure.answers, last)? {
                return Err(ReceiveError::Conflict);
            }
            let head = own.ledger.seal(session)?;
            Ok::<Proven, ReceiveError>(own.ledger.proven_opened(session, opened, &head)?)
        });
        let logged = received?;
        // What it replaces stands in the write-ahead log until that is emptied; `tidy` tries again.
        drop(self.store.forget_history());
        Ok(Received { logged })
    }

    /// Verifies a call with the key of the grant that it names, which must be live.
    fn admit_under_grant<B: DeserializeOwned>(
        &self,
        call: &[u8],
        path: &str,
        now: Timestamp,
        grant_of: impl FnOnce(&B) -> GrantId,
    ) -> Result<(besace_protocol::call::Call<B>, StoredGrant), ReceiveError> {
        let call = UnverifiedCall::parse(call).map_err(CallError::Verify)?;
        let body =
            call.peek_body().map_err(|error| CallError::Verify(VerifyCallError::Body(error)))?;
        let stored = self.store.read().grant(grant_of(&body))?.ok_or(ReceiveError::Missing)?;
        let address = self.own.address(path);
        let call = verify_subject::<B, ReceiveError>(
            self.store.read(),
            call,
            &stored.subject,
            &address,
            now,
        )?;
        Ok((call, live(stored, now)?))
    }
}

fn live(stored: StoredGrant, now: Timestamp) -> Result<StoredGrant, ReceiveError> {
    match stored.state_at(now) {
        StoredState::Active => Ok(stored),
        StoredState::Expired | StoredState::Superseded | StoredState::Revoked => {
            Err(ReceiveError::Expired)
        }
        StoredState::Withdrawn => Err(ReceiveError::Withdrawn),
    }
}

/// Opens what the grant's pseudonym sealed to us, and checks that she signed what is inside.
pub(crate) fn open<D: Document>(
    sealed: &Sealed,
    context: &[u8],
    secret: &SealingSecretKey,
    subject: &Subject,
) -> Result<Verified<D>, ReceiveError> {
    let plain = sealed.open(context, secret, &subject.sealing_key).map_err(ReceiveError::Sealed)?;
    let plain = Zeroizing::new(plain);
    Unverified::<D>::parse(&plain)
        .map_err(ReceiveError::Document)?
        .verify(&[(Role::Subject, &subject.key)])
        .map_err(ReceiveError::Signature)
}

/// The record that the proof shows to stand in the log of the grant's pseudonym, and the head it stands
/// under.
fn check_logged(
    session: Session<'_>,
    logged: &Proven,
    stored: &StoredGrant,
) -> Result<(RecordKind, SignedCheckpoint), ReceiveError> {
    let proof = UnverifiedProof::parse(logged.proof.as_bytes()).map_err(|_| ReceiveError::Proof)?;
    if let Some(log) = proof.claimed_origin().log()
        && session.continuation_from(log)?.is_some()
    {
        return Err(ReceiveError::Superseded);
    }
    verify_logged(logged, &stored.subject)
}

/// As [`check_logged`], for the log that counts for a pseudonym now.
pub(crate) fn verify_logged(
    logged: &Proven,
    subject: &Subject,
) -> Result<(RecordKind, SignedCheckpoint), ReceiveError> {
    let key = LogKey::new(Origin::of_log(&subject.log), subject.log_key);
    let proof = UnverifiedProof::parse(logged.proof.as_bytes()).map_err(|_| ReceiveError::Proof)?;
    let (proof, _) =
        proof.verify_opening(&key, &logged.record.0).map_err(|_| ReceiveError::Proof)?;
    let record = RecordKind::parse(&logged.record.0).map_err(|_| ReceiveError::Proof)?;
    Ok((record, proof.checkpoint().clone()))
}

/// How often data came on the day that counts for `day`: a clock that goes back gives none a second time.
fn told_on(known: Option<&StoredDisclosure>, day: Day) -> (Day, u16) {
    known.map(|known| known.told).filter(|(last, _)| *last >= day).unwrap_or((day, 0))
}

/// Whether the grant allows what arrived, about `day` and after so many on that day: the thing itself, for all its shops.
fn check_terms(
    stored: &StoredGrant,
    categories: BTreeMap<DataCategory, Granularity>,
    day: Day,
    before: u16,
    now: Timestamp,
) -> Result<(), ReceiveError> {
    let claim = Claim {
        at: now,
        before,
        categories,
        earliest: day,
        // How far ahead keys may come is held against the days that we have keys for.
        latest: day.min(Day::of(now)),
        recipient: stored.grant.controller.clone(),
        reach: Reach::Scope(stored.grant.terms.scope.clone()),
    };
    stored.grant.covers(&claim).map_err(|_| ReceiveError::Scope)
}

/// What a shop may say at `now` about a grant's pseudonym: not what has reached its deadline, whether or
/// not somebody tidied up.
pub(crate) fn disclosed(
    session: Session<'_>,
    grant: GrantId,
    now: Timestamp,
) -> Result<Option<StoredDisclosure>, StoreError> {
    let may =
        |found: &StoredDisclosure| found.chosen_name.is_some() && Day::of(now) < found.destroy_day;
    session.disclosure(grant).map(|found| found.filter(may))
}
