//! Evidence for an auditor: her logs towards one retailer, and what it proved to her.

use std::collections::BTreeMap;

use besace_protocol::{
    audit::Bundle,
    consent::{
        Acknowledgement, ConsentRequest, Continuation, Erasure, Record, RecordKind, Restoration,
        Revocation, Withdrawal,
    },
    crypto::sha256,
    document::{Document, Unverified},
    id::GrantId,
    jws::Typ,
    log::{
        Commitment, LogKey, Opening, Origin, SignedCheckpoint, UnverifiedCheckpoint,
        UnverifiedProof,
    },
    party::ControllerId,
    time::Timestamp,
};

use super::{
    Engine,
    step::{StepError, retailer_log_key},
};
use crate::vault::{Pseudonym, StoredLog};

impl Engine {
    /// Her side of a bundle about `domain`, and the key of the retailer's log, which is fetched apart.
    pub fn own_evidence(&self, domain: &ControllerId) -> Result<(Bundle, LogKey), StepError> {
        let mut bundle = Bundle::new();
        self.add_own_logs(&mut bundle, domain)?;
        let manifest = self.manifest(domain)?;
        let key = retailer_log_key(manifest.payload());
        let vault = self.vault()?;
        let given = vault.shown("grant")?;
        let mut openings = Vec::new();
        for evidence in vault.evidence(domain)? {
            if ends_unheard(&evidence.record, &given) {
                continue;
            }
            let (proof, opening) = UnverifiedProof::parse(evidence.proof.as_bytes())
                .map_err(|_| StepError::Proof)?
                .verify_opening(&key, &evidence.record)
                .map_err(|_| StepError::Proof)?;
            bundle.add_seen(proof.checkpoint());
            self.add_named_documents(&mut bundle, domain, &opening)?;
            openings.push(opening);
        }
        bundle.add_openings(key.origin(), openings).map_err(|_| StepError::Make)?;
        for head in vault.seen_heads(domain)? {
            let head = UnverifiedCheckpoint::parse(head.as_bytes())
                .ok()
                .and_then(|head| head.verify(&key).ok())
                .ok_or(StepError::Proof)?;
            bundle.add_seen(&head);
        }
        let restored = vault.restorations(domain)?.pop();
        let restored = restored.map(|last| Unverified::<Restoration>::parse(&last.jws));
        let restored = restored.transpose().map_err(StepError::Document)?;
        let since = restored.map(|last| last.claimed().at);
        for grant in vault.grants()? {
            // What was counted in a log that is no longer served is held against nothing.
            if grant.domain == *domain
                && since.is_none_or(|since| grant.given_at >= since)
                && let Some(statement) = vault.use_statement(grant.id)?
            {
                bundle.add_document(statement);
            }
        }
        Ok((bundle, key))
    }

    /// Adds a retailer's log, as its public tiles give it.
    pub fn add_retailer_log(
        bundle: &mut Bundle,
        head: &SignedCheckpoint,
        entries: &[Commitment],
    ) -> Result<(), StepError> {
        bundle.add_log(head, entries).map_err(|_| StepError::Proof)
    }

    /// The keys of her logs towards `domain`, each of which may be in its evidence. A grant in the retailer's log names them too;
    /// where it has none any more (it lost a store), an auditor has them from her.
    pub fn own_log_keys(&self, domain: &ControllerId) -> Result<Vec<LogKey>, StepError> {
        Ok(self.own_logs(domain)?.into_iter().map(|(_, key)| key).collect())
    }

    fn add_own_logs(&self, bundle: &mut Bundle, domain: &ControllerId) -> Result<(), StepError> {
        let given = self.vault()?.shown("grant")?;
        for (log, key) in self.own_logs(domain)? {
            let Some(head) = &log.checkpoint else { continue };
            let head = UnverifiedCheckpoint::parse(head.as_bytes())
                .ok()
                .and_then(|head| head.verify(&key).ok())
                .ok_or(StepError::Make)?;
            let entries: Vec<Commitment> =
                log.entries.iter().map(|entry| entry.commitment).collect();
            bundle.add_log(&head, &entries).map_err(|_| StepError::Make)?;
            let openings = log.entries.into_iter().filter_map(|entry| entry.opening);
            let openings = openings.filter(|one| !ends_unheard(one.record.as_ref(), &given));
            bundle.add_openings(key.origin(), openings).map_err(|_| StepError::Make)?;
        }
        Ok(())
    }

    /// Her logs towards `domain` that have a head, each with its key.
    fn own_logs(&self, domain: &ControllerId) -> Result<Vec<(StoredLog, LogKey)>, StepError> {
        let vault = self.vault()?;
        let root = self.root()?;
        let pseudonyms = vault.pseudonyms()?;
        let mut own = Vec::new();
        for (id, generation) in vault.log_ids()? {
            let of_domain =
                |one: &&Pseudonym| one.domain == *domain && Some(one.generation) == generation;
            let Some(pseudonym) = pseudonyms.iter().find(of_domain) else { continue };
            let Some(log) = vault.log(id)? else { continue };
            if log.checkpoint.is_none() || self.was_never_told(pseudonym, &log)? {
                continue;
            }
            let Pseudonym { domain, facet, generation, .. } = pseudonym;
            let key = match vault.log_key(id)? {
                Some(left) => left,
                None => root.pairwise_log_key(domain, *facet, generation, &id).verifying_key(),
            };
            let key = LogKey::new(Origin::of_log(&log.id), key);
            own.push((log, key));
        }
        Ok(own)
    }

    /// Whether a log was begun and given up before its retailer heard of it, since she had gone on elsewhere: it is
    /// no part of what is between them.
    fn was_never_told(&self, pseudonym: &Pseudonym, log: &StoredLog) -> Result<bool, StepError> {
        let first = log.entries.first().and_then(|entry| entry.opening.as_ref());
        let first = first.map(|opening| RecordKind::parse(opening.record.as_ref()));
        if log.id == pseudonym.log || !matches!(first, Some(Ok(RecordKind::Anchor(_)))) {
            return Ok(false);
        }
        for jws in self.vault()?.continuations(pseudonym.generation)? {
            let said = Unverified::<Continuation>::parse(&jws).map_err(StepError::Document)?;
            if said.claimed().to.log == log.id {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Documents that a record names by digest, as far as they are here.
    fn add_named_documents(
        &self,
        bundle: &mut Bundle,
        domain: &ControllerId,
        opening: &Opening,
    ) -> Result<(), StepError> {
        let vault = self.vault()?;
        match Record::parse(opening.record.as_ref()) {
            Ok(Record::Plain(RecordKind::Published(published))) => {
                let manifest = vault.retailer(domain)?.map(|retailer| retailer.manifest);
                let catalogue = vault.catalogue(domain)?.map(|catalogue| catalogue.jws);
                [manifest, catalogue]
                    .into_iter()
                    .flatten()
                    .filter(|document| sha256(&[document]) == published.digest)
                    .for_each(|document| bundle.add_document(document));
            }
            Ok(Record::Signed(jws)) if jws.typ() == Typ::Request => {
                let request: ConsentRequest = jws.peek().map_err(StepError::AnswerForm)?;
                if let Some(notice) = vault.notice(request.notice.digest)? {
                    bundle.add_document(notice);
                }
            }
            Ok(_) | Err(_) => {}
        }
        Ok(())
    }
}

/// Whether `record` ends a grant that is not among those shown to her as `given`: she took it back before the retailer's
/// signature reached her, and is told it no more. No reader of either log finds what was ended, and would hold the end
/// against whoever wrote it down.
fn ends_unheard(record: &[u8], given: &BTreeMap<GrantId, Timestamp>) -> bool {
    ended_by(record).is_some_and(|grant| !given.contains_key(&grant))
}

/// The grant that a record ends, answers for, or says is erased.
fn ended_by(record: &[u8]) -> Option<GrantId> {
    let Ok(Record::Signed(jws)) = Record::parse(record) else { return None };
    match jws.typ() {
        Typ::Withdrawal => claimed(record, |one: &Withdrawal| one.grant),
        Typ::Acknowledgement => claimed(record, |one: &Acknowledgement| one.grant),
        Typ::Revocation => claimed(record, |one: &Revocation| one.grant),
        Typ::Erasure => claimed(record, |one: &Erasure| one.grant),
        _ => None,
    }
}

fn claimed<D: Document>(record: &[u8], grant: impl Fn(&D) -> GrantId) -> Option<GrantId> {
    Unverified::<D>::parse(record).ok().map(|one| grant(one.claimed()))
}
