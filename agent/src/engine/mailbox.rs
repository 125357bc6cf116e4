//! The mailbox: openings of the retailer's log that come home, and who looked her up.

use besace_protocol::{
    consent::{
        Action, Grant, GrantState, Mail, Opening, Record, RecordKind, UseHead, UseRecord,
        UseStatement, mail_context,
    },
    crypto::SealingSecretKey,
    document::Unverified,
    id::{GrantId, MailId},
    jws::Role,
    log::UnverifiedProof,
    party::{ControllerId, Manifest},
    time::Timestamp,
    wire::{
        AcknowledgeMail, CollectMail, MAILBOX_ACKNOWLEDGEMENTS_PATH, MAILBOX_PATH, MailCollected,
        Proven,
    },
};

use super::{
    Engine, Errand,
    step::{PreparedCall, StepError, answer, check_proven, kind_of, retailer_log_key},
};
use crate::vault::{Evidence, Pseudonym, Shown, StoredGrant};

/// One time that somebody looked her up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookUp {
    /// The name over the shop's door.
    pub display_name: String,
    /// The shop's name.
    pub shop: String,
    /// What was done.
    pub action: Action,
    /// When, as the retailer logged it.
    pub at: Timestamp,
    /// Under which grant.
    pub grant: GrantId,
    /// When she gave that grant.
    pub allowed_at: Timestamp,
    /// Where it stands in the retailer's log.
    pub entry: u64,
    /// The proof that it stands there, as it can be given to an auditor.
    pub proof: String,
}

/// What the signed counts of a retailer and its openings say about one grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reconciliation {
    /// Every use that the retailer counted has been opened to her, in an unbroken chain.
    Complete {
        /// How many.
        uses: u64,
    },
    /// Fewer openings than the retailer counted, in its signed count or in a use that it opened.
    Missing {
        /// Uses that the retailer counted.
        counted: u64,
        /// Uses that were opened to her.
        opened: u64,
    },
    /// Enough openings, and they are not the uses that the retailer counted: it signed for another chain.
    Other {
        /// Uses that the retailer counted.
        counted: u64,
    },
}

impl Engine {
    /// A call that collects mail under her pseudonym towards a retailer, if the retailer has ever had a
    /// grant under it: before that it knows nobody of this name, and has no mail for her.
    pub fn collect_mail(
        &self,
        errand: impl Into<Errand>,
    ) -> Result<Option<PreparedCall>, StepError> {
        let vault = self.vault()?;
        let Some(pseudonym) = self.pseudonym_in(&errand.into())? else { return Ok(None) };
        let had = |grant: &StoredGrant| {
            grant.generation == pseudonym.generation
                && grant.state != GrantState::Given
                && grant.unreceived_at.is_none()
                && grant.destroyed_at.is_none()
        };
        // Before the retailer knows how she went on, its mail waits there.
        if !vault.grants()?.iter().any(had) || self.is_going_on(pseudonym.generation)? {
            return Ok(None);
        }
        self.prepare_call(&pseudonym, MAILBOX_PATH, &CollectMail {}).map(Some)
    }

    /// Takes collected mail: opens, verifies and keeps it. Says how many messages there were and
    /// whether more wait.
    pub fn accept_mail(
        &self,
        errand: impl Into<Errand>,
        bytes: &[u8],
    ) -> Result<(usize, bool), StepError> {
        let collected: MailCollected = answer(bytes)?;
        let (vault, errand) = (self.vault()?, errand.into());
        let domain = &errand.domain;
        let manifest = self.manifest(domain)?;
        let pseudonym = self.pseudonym_in(&errand)?.ok_or(StepError::Stranger)?;
        for shown in &collected.revocations {
            self.accept_revocation(pseudonym.generation, manifest.payload(), shown)?;
        }
        let mut opened = Vec::new();
        for mail in &collected.mail {
            opened.push((mail.id, self.open_mail(&pseudonym, manifest.payload(), mail)?));
        }
        // All heads at once: they are compared together.
        let heads = opened.iter().map(|(_, held)| held.head.clone()).collect();
        self.see_heads(domain, heads)?;
        for (id, held) in opened {
            let kept = vault.receive_mail(id, pseudonym.generation, held, self.now())?;
            self.worth(kept)?;
        }
        for statement in &collected.statements {
            let statement = Unverified::<UseStatement>::parse(statement.as_ref())
                .map_err(StepError::Document)?
                .verify(&[(Role::Controller, &manifest.payload().controller_key)])
                .map_err(StepError::Signature)?;
            let said = statement.payload();
            let known = vault
                .grant(said.grant)?
                .is_some_and(|grant| grant.generation == pseudonym.generation);
            if !known {
                return Err(StepError::Answer);
            }
            let jws = statement.as_bytes().to_vec();
            // A count that goes down says that there were uses, and that there were not.
            if !vault.put_use_statement(said.grant, jws, said.uses.count, self.now())? {
                return Err(StepError::Contradiction);
            }
        }
        if !collected.more {
            vault.forget_former_sealing_keys(pseudonym.generation)?;
        }
        Ok((collected.mail.len(), collected.more))
    }

    /// A call that tells the retailer which mail is safe here, if there is any.
    pub fn acknowledge_mail(
        &self,
        errand: impl Into<Errand>,
    ) -> Result<Option<(Vec<MailId>, PreparedCall)>, StepError> {
        let vault = self.vault()?;
        let Some(pseudonym) = self.pseudonym_in(&errand.into())? else { return Ok(None) };
        let mail = vault.unacknowledged_mail(pseudonym.generation)?;
        if mail.is_empty() {
            return Ok(None);
        }
        let body = AcknowledgeMail { mail: mail.clone() };
        let call = self.prepare_call(&pseudonym, MAILBOX_ACKNOWLEDGEMENTS_PATH, &body)?;
        Ok(Some((mail, call)))
    }

    /// Mail of `domain` that is safe here and that it was not told to destroy yet, or did not say that it has.
    pub(super) fn mail_to_acknowledge(
        &self,
        domain: &ControllerId,
    ) -> Result<Vec<MailId>, StepError> {
        let vault = self.vault()?;
        let mut waits = Vec::new();
        for pseudonym in vault.pseudonyms()?.into_iter().filter(|one| one.domain == *domain) {
            waits.extend(vault.unacknowledged_mail(pseudonym.generation)?);
        }
        Ok(waits)
    }

    /// The retailer destroyed its copies.
    pub fn accept_mail_acknowledged(&self, mail: Vec<MailId>) -> Result<(), StepError> {
        Ok(self.vault()?.acknowledge_mail(mail, self.now())?)
    }

    /// Who looked her up, the newest first.
    pub fn look_ups(&self) -> Result<Vec<LookUp>, StepError> {
        let mut all = Vec::new();
        for manifest in self.retailers()? {
            let manifest = manifest.payload();
            for (evidence, used) in self.uses(&manifest.controller)? {
                let grant = self.vault()?.grant(used.grant)?.ok_or(StepError::GrantOver)?;
                let shop = manifest.shop(used.shop);
                all.push(LookUp {
                    display_name: manifest.legal.display_name.clone(),
                    shop: shop.map_or_else(|| used.shop.to_string(), |shop| shop.name.clone()),
                    action: used.action,
                    at: used.at,
                    grant: used.grant,
                    allowed_at: grant.given_at,
                    entry: evidence.entry,
                    proof: evidence.proof,
                });
            }
        }
        all.sort_by_key(|look_up| std::cmp::Reverse((look_up.at, look_up.entry)));
        Ok(all)
    }

    /// Holds the retailer's signed count against what it opened to her.
    pub fn reconcile(&self, grant: GrantId) -> Result<Reconciliation, StepError> {
        let vault = self.vault()?;
        let stored = vault.grant(grant)?.ok_or(StepError::GrantOver)?;
        let stated = match vault.use_statement(grant)? {
            Some(jws) => {
                let statement =
                    Unverified::<UseStatement>::parse(&jws).map_err(StepError::Document)?;
                statement.claimed().uses
            }
            None => UseHead::start(grant),
        };
        let mut head = UseHead::start(grant);
        let (mut reached, mut unbroken) = (head == stated, true);
        let (mut counted, mut opened) = (stated.count, 0_u64);
        for (evidence, used) in self.uses(&stored.domain)? {
            if used.grant != grant {
                continue;
            }
            opened = opened.saturating_add(1);
            counted = counted.max(used.counter);
            unbroken = unbroken && head.precedes(&used);
            if !unbroken {
                continue;
            }
            let salt = UnverifiedProof::parse(evidence.proof.as_bytes())
                .ok()
                .and_then(|proof| proof.salt().cloned())
                .ok_or(StepError::Proof)?;
            head = head.after(salt.as_bytes(), &evidence.record);
            reached = reached || head == stated;
        }
        Ok(if reached && unbroken {
            Reconciliation::Complete { uses: head.count }
        } else if opened < counted {
            Reconciliation::Missing { counted, opened }
        } else {
            Reconciliation::Other { counted: stated.count }
        })
    }

    /// Uses that `domain` opened to her, in the order of its log.
    pub(super) fn uses(
        &self,
        domain: &ControllerId,
    ) -> Result<Vec<(Evidence, UseRecord)>, StepError> {
        let mut uses = Vec::new();
        for evidence in self.vault()?.all_evidence(domain)? {
            if let Ok(RecordKind::Use(used)) = RecordKind::parse(&evidence.record) {
                uses.push((evidence, used));
            }
        }
        Ok(uses)
    }

    fn open_mail(
        &self,
        pseudonym: &Pseudonym,
        manifest: &Manifest,
        mail: &Mail,
    ) -> Result<Shown, StepError> {
        let stored = self.vault()?.grant(mail.grant)?.ok_or(StepError::Answer)?;
        let grant = Unverified::<Grant>::parse(&stored.jws).map_err(StepError::Document)?;
        if stored.generation != pseudonym.generation {
            return Err(StepError::Answer);
        }
        let root = self.root()?;
        let keys = root.pairwise(&pseudonym.domain, pseudonym.facet, &pseudonym.generation);
        let context = mail_context(mail.grant, mail.id);
        // What waited while her keys changed is sealed to those she had.
        let former = self.vault()?.former_sealing_keys(pseudonym.generation)?;
        let former = former.into_iter().map(SealingSecretKey::from_bytes);
        let opened = std::iter::once(keys.sealing)
            .chain(former)
            .find_map(|key| mail.sealed.open(&context, &key, &manifest.sealing_key).ok())
            .ok_or(StepError::Answer)?;
        let opening = Unverified::<Opening>::parse(&opened)
            .map_err(StepError::Document)?
            .verify(&[(Role::Controller, &grant.claimed().controller_key)])
            .map_err(StepError::Signature)?;
        let said = opening.payload();
        if said.grant != mail.grant {
            return Err(StepError::Answer);
        }
        let kind = match Record::parse(said.record.as_ref()) {
            // What stands under another grant is not hers to be shown, or not hers at all.
            Ok(Record::Plain(record)) if grant_of(&record) != Some(mail.grant) => {
                return Err(StepError::Answer);
            }
            Ok(Record::Plain(record)) => kind_of(&record),
            Ok(Record::Signed(jws)) => jws.typ().as_str(),
            Err(_) => return Err(StepError::Answer),
        };
        let proven = Proven { proof: said.proof.clone(), record: said.record.clone() };
        let log = retailer_log_key(manifest);
        check_proven(&proven, &log, &pseudonym.domain, Some(mail.grant), kind, self.now())
    }
}

/// The grant that a plain record stands under.
const fn grant_of(record: &RecordKind) -> Option<GrantId> {
    match record {
        RecordKind::Released(said) | RecordKind::ReleaseReceived(said) => Some(said.grant),
        RecordKind::Disclosed(said) => Some(said.grant),
        RecordKind::DisclosureReceived(said) => Some(said.grant),
        RecordKind::Use(said) => Some(said.grant),
        RecordKind::Deleted(said) => Some(said.grant),
        RecordKind::Published(_)
        | RecordKind::Anchor(_)
        | RecordKind::Delegated(_)
        | RecordKind::Discrepancy(_) => None,
    }
}
