//! Shoppers with one grant each, made of the protocol alone: no vault stands between the clock and the log.

use anyhow::{Context as _, Result};
use besace_protocol::{
    call::sign_call,
    consent::{ConsentRequest, Grant, Indication, RecordKind, Release, Released, release_context},
    crypto::{Sealed, SealingSecretKey, SigningKey},
    document::{Verified, sign},
    encoding::Bytes,
    id::{GrantId, Handle, LogId, MessageId},
    jws::Role,
    log::{Checkpoint, Frontier, InclusionProof, Origin, Salt, commitment},
    party::Manifest,
    presence::{EphemeralId, Epoch, PresenceRoot, Scope, Till},
    time::{DAY_SECONDS, Day, Timestamp},
    wire::{GRANTS_PATH, GiveGrant, Proven, RELEASES_PATH, ReleaseKeys, call_address},
};
use rand::rngs::StdRng;
use serde::Serialize;

use super::SCOPE;

pub(super) struct Shopper {
    signing: SigningKey,
    sealing: SealingSecretKey,
    log: SigningKey,
    root: PresenceRoot,
    grant: Grant,
}

impl Shopper {
    /// Somebody who takes a request as it stands.
    pub(super) fn new(
        request: &Verified<ConsentRequest>,
        now: Timestamp,
        rng: &mut StdRng,
    ) -> Self {
        let [signing, log] = [(); 2].map(|()| SigningKey::generate(rng));
        let sealing = SealingSecretKey::generate(rng);
        let asked = request.payload();
        let grant = Grant {
            controller: asked.controller.clone(),
            controller_key: asked.controller_key,
            expires: now.plus(u64::from(asked.terms.valid_days) * DAY_SECONDS),
            given: now,
            handle: Handle::generate(rng),
            id: GrantId::generate(rng),
            indication: Indication::Page,
            notice: asked.notice.digest,
            proposal: None,
            request: request.digest(),
            request_id: asked.id,
            subject_key: signing.verifying_key(),
            subject_log_key: log.verifying_key(),
            subject_log: LogId::generate(rng),
            subject_sealing_key: sealing.public_key(),
            supersedes: None,
            terms: asked.terms.clone(),
            v: 1,
        };
        Self { signing, sealing, log, root: PresenceRoot::generate(rng), grant }
    }

    /// The call that gives the grant.
    pub(super) fn gives(&self, now: Timestamp, rng: &mut StdRng) -> Result<Vec<u8>> {
        let signed = sign(self.grant.clone(), Role::Subject, &self.signing, now)?;
        self.call(GRANTS_PATH, &GiveGrant { grant: Bytes(signed.as_bytes().to_vec()) }, now, rng)
    }

    /// The call that releases the keys of a day.
    pub(super) fn releases(
        &self,
        manifest: &Manifest,
        day: Day,
        now: Timestamp,
        rng: &mut StdRng,
    ) -> Result<Vec<u8>> {
        let Grant { id: grant, handle, .. } = self.grant;
        let keys = self.root.day_key(day, &Scope::of(SCOPE)).release(Till::Excluded);
        let commit = keys.commitment(&handle);
        let keys = Bytes(keys.danger_bytes().to_vec());
        let release = Release { commit, day, grant, handle, keys, released: now, v: 1 };
        let signed = sign(release, Role::Subject, &self.signing, now)?;
        let recipient = manifest.day(day).context("sealing key of the day")?.sealing_key;
        let context = release_context(grant, day);
        let sealed = Sealed::seal(signed.as_bytes(), &context, &self.sealing, &recipient, rng)?;
        let logged =
            self.logged(&RecordKind::Released(Released { at: now, commit, day, grant }), rng)?;
        self.call(RELEASES_PATH, &ReleaseKeys { day, grant, logged, sealed }, now, rng)
    }

    /// What her phone sends, unbound.
    pub(super) fn emits(&self, now: Timestamp) -> Result<EphemeralId> {
        let key = self.root.day_key(Day::of(now), &Scope::of(SCOPE));
        key.ephemeral_id(Epoch::of(now), None).context("epoch of the day")
    }

    /// The first record of her own log.
    fn logged(&self, record: &RecordKind, rng: &mut StdRng) -> Result<Proven> {
        let (record, salt) = (record.to_bytes()?, Salt::generate(rng));
        let entry = commitment(&salt, &record);
        let mut tree = Frontier::empty();
        let _stored_by_nobody = tree.append(&entry);
        let origin = Origin::of_log(&self.grant.subject_log);
        let head = Checkpoint { origin, size: tree.size(), root: tree.root() }.sign(&self.log)?;
        let proof = InclusionProof::new(0, Vec::new(), head, &entry)?;
        Ok(Proven { proof: proof.to_text_with_salt(&salt), record: Bytes(record) })
    }

    fn call<B: Serialize>(
        &self,
        path: &str,
        body: &B,
        now: Timestamp,
        rng: &mut StdRng,
    ) -> Result<Vec<u8>> {
        let address = call_address(&self.grant.controller, path);
        let call = sign_call(&address, MessageId::generate(rng), body, &self.signing, now)?;
        Ok(call.as_bytes().to_vec())
    }
}
