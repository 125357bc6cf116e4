//! She objects to direct marketing, or takes that back. `spec/ends.md#objection`.

use besace_protocol::{
    call::{UnverifiedCall, VerifyCallError},
    consent::Objection,
    document::{ParseDocumentError, Unverified, Verified},
    id::Handle,
    jws::{Role, VerifyJwsError},
    problem::ProblemType,
    time::Timestamp,
    wire::{OBJECTIONS_PATH, Object, Objected},
};
use rand_core::CryptoRngCore;

use crate::{
    CallError, Moment, Retailer,
    call::{admit, verify_subject},
    retailer::{Own, SKEW_SECONDS},
    store::{Session, StoreError, StoredObjection},
};

/// An objection was not recorded.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// The call does not hold.
    #[error("call was not admitted")]
    Call(#[from] CallError),
    /// What it carries is no objection.
    #[error("not an objection")]
    Objection(#[source] ParseDocumentError),
    /// She did not sign it.
    #[error("objection is not signed by its subject")]
    Signature(#[source] VerifyJwsError),
    /// It is addressed to somebody else.
    #[error("objection names another controller")]
    Controller,
    /// It would outlive every later one.
    #[error("objection is from the future")]
    Future,
    /// Nothing was recorded.
    #[error("objection was not recorded")]
    Log(#[from] StoreError),
}

impl ObjectError {
    /// What the caller reads.
    pub fn problem(&self) -> ProblemType {
        match self {
            Self::Call(error) => error.problem(),
            Self::Objection(_) => ProblemType::Malformed,
            Self::Signature(_) => ProblemType::SignatureInvalid,
            Self::Controller => ProblemType::WrongController,
            Self::Future => ProblemType::ClockSkew,
            Self::Log(_) => ProblemType::LogUnavailable,
        }
    }
}

impl Retailer {
    /// Records that a pseudonym objects to direct marketing, or takes that back; it needs no grant. The answer is the
    /// one that counts now: an older one that comes late changes nothing.
    pub fn object(
        &mut self,
        call: &[u8],
        now: impl Into<Moment>,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Objected, ObjectError> {
        let Moment { heard, stamp } = now.into();
        let call = UnverifiedCall::parse(call).map_err(CallError::Verify)?;
        let Object { objection: bytes } =
            call.peek_body().map_err(|error| CallError::Verify(VerifyCallError::Body(error)))?;
        let objection = Unverified::<Objection>::parse(&bytes.0).map_err(ObjectError::Objection)?;
        let key = objection.claimed().subject_key;
        let address = self.own.address(OBJECTIONS_PATH);
        let session = self.store.read();
        let call = match session.subject_of(key.key_id())? {
            // She calls under the key that she has now; what she signed before she went on stays hers.
            Some(subject) => {
                verify_subject::<Object, ObjectError>(session, call, &subject, &address, heard)?
            }
            // As for a grant, the body itself names the key, and the call must be its work.
            None => call.verify::<Object>(&key, &address, heard).map_err(CallError::Verify)?,
        };
        let objection =
            objection.verify(&[(Role::Subject, &key)]).map_err(ObjectError::Signature)?;
        let own = &self.own;
        self.store.write(|session| {
            admit(session, &call)??;
            own.object(session, &objection, heard.max(stamp), rng)
        })
    }

    /// Whether the pseudonym of this handle objects to direct marketing: nothing may be proposed to it, nor sent.
    pub fn objects_to_marketing(&self, handle: Handle) -> Result<bool, StoreError> {
        let session = self.store.read();
        let Some(stored) = session.grant_of_handle(handle)? else { return Ok(false) };
        session.objects(stored.grant.subject_key.key_id())
    }
}

impl Own {
    fn object(
        &self,
        session: Session<'_>,
        objection: &Verified<Objection>,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Objected, ObjectError> {
        let said = objection.payload();
        if said.controller != self.identity.domain {
            return Err(ObjectError::Controller);
        }
        if said.said > now.plus(SKEW_SECONDS) {
            return Err(ObjectError::Future);
        }
        let known = session.objection(said.subject_key.key_id())?;
        let counts = match known {
            Some(known) if !said.replaces(&known.claimed()?) => known,
            Some(_) | None => {
                let jws = objection.as_bytes().to_vec();
                let leaf = self.ledger.append(session, jws.clone(), rng)?.leaf;
                let stored = StoredObjection { jws, leaf };
                session.set_objection(said, &stored)?;
                self.ledger.seal(session)?;
                stored
            }
        };
        let head = self.ledger.head(session)?;
        let objection = self.ledger.attest(session, counts.jws, counts.leaf, &head)?;
        Ok(Objected { objection })
    }
}
