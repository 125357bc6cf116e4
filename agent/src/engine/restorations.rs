//! A retailer whose store was lost goes on in another log: what it shows is held against what she knows, and followed, or
//! not. `spec/restoration.md#at-home`.

use besace_protocol::{
    call::CALL_WINDOW_SECONDS,
    consent::{GrantState, Restoration, RestorationChain},
    document::{Unverified, Verified},
    encoding::from_json,
    id::{GrantId, LogId},
    jws::Role,
    log::{LogKey, Salt},
    party::{ControllerId, Manifest, ManifestChange},
    wire::{Attested, Restorations},
};

use super::{
    Engine,
    heads::stored,
    step::{StepError, check_attested, retailer_log_key},
};
use crate::vault::{
    FollowRestorations, GateSalts, Pseudonym, RecordAt, Retailer, StoredRestoration,
};

/// The manifest names a log to which nothing leads from the one that is pinned.
const OTHER_KEYS: StepError = StepError::Manifest(ManifestChange::Keys);

/// A retailer that knew less of its log than it had shown her.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnewLess {
    /// As it said how it went on.
    pub restoration: Restoration,
    /// Entries of the log that she had been shown.
    pub shown: u64,
}

impl Engine {
    /// Longest answer with restorations, in bytes: 63 documents in base64url, and the last as record and with its proof.
    pub const RESTORATIONS_ANSWER_MAX: usize =
        <Restoration as besace_protocol::document::Document>::LEN_MAX * 90;

    /// Takes the restorations that lead from the log that is pinned for `domain` to the one that `manifest`, as it was
    /// answered, names: grants there end, and the new log is pinned, all in one step.
    ///
    /// # Errors
    /// [`StepError::Contradiction`] where they do not fit what `domain` signed before: both are kept.
    pub fn accept_restorations(
        &self,
        domain: &ControllerId,
        manifest: &[u8],
        answer: &[u8],
    ) -> Result<(), StepError> {
        let (vault, now) = (self.vault()?, self.now());
        let pinned = self.manifest(domain)?;
        let key = pinned.payload().controller_key;
        let attested: Attested =
            from_json(manifest, Self::MANIFEST_ANSWER_MAX).map_err(StepError::AnswerForm)?;
        let manifest = Unverified::<Manifest>::parse(attested.document.as_ref())
            .map_err(StepError::Document)?;
        // Its number begins anew.
        manifest
            .claimed()
            .check_change(domain, None, now, CALL_WINDOW_SECONDS)
            .map_err(StepError::Manifest)?;
        let manifest =
            manifest.verify(&[(Role::Controller, &key)]).map_err(StepError::Signature)?;
        let log = retailer_log_key(manifest.payload());
        check_attested(&attested, &log, domain, None, "manifest", now)?;

        let said: Restorations =
            from_json(answer, Self::RESTORATIONS_ANSWER_MAX).map_err(StepError::AnswerForm)?;
        let last = said.last.ok_or(OTHER_KEYS)?;
        let shown = check_attested(&last, &log, domain, None, "restoration", now)?;
        if shown.evidence.entry != 0 {
            return Err(StepError::Proof);
        }
        // Who asks for witnesses follows nobody into a log that they have not seen.
        self.witnessed(&log, &shown)?;
        let all = said.former.iter().chain([&last.document]);
        let all = all
            .map(|jws| Unverified::<Restoration>::parse(jws.as_ref()).map_err(StepError::Document))
            .collect::<Result<Vec<_>, _>>()?;
        let texts: Vec<_> = all.iter().map(|one| one.claimed().clone()).collect();
        let chain = RestorationChain::verify(all, domain, &key).map_err(|_| OTHER_KEYS)?;
        if chain.present().as_ref() != Some(&log) {
            return Err(OTHER_KEYS);
        }
        let documents = said.former.iter().chain([&last.document]);
        let signed: Vec<_> = texts.iter().zip(documents.map(AsRef::as_ref)).collect();
        self.hold_against_followed(domain, &signed)?;
        let before = retailer_log_key(pinned.payload());
        let since = chain.since(&before).ok_or(OTHER_KEYS)?;
        let (Some(first), Some(newest)) = (since.first(), since.last()) else { return Ok(()) };
        if newest.payload().at > now.plus(CALL_WINDOW_SECONDS) {
            return Err(StepError::Manifest(ManifestChange::Moment));
        }
        let larger = self.hold_against_heads(domain, &before, first)?;

        let followed = since.iter().enumerate().map(|(index, one)| StoredRestoration {
            domain: domain.clone(),
            jws: one.as_bytes().to_vec(),
            shown: larger.filter(|_| index == 0),
            followed_at: now,
        });
        let mut rng = self.rng();
        let own = vault.own_log(LogId::generate(&mut rng), now)?;
        let mut records = Vec::new();
        for pseudonym in self.still_heard(domain)? {
            for one in since {
                let (record, head) = (Salt::generate(&mut rng), Salt::generate(&mut rng));
                records.push(RecordAt {
                    log: pseudonym.log,
                    signer: self.pairwise_log_signer(&pseudonym)?,
                    record: one.as_bytes().to_vec(),
                    salts: GateSalts { record, head },
                });
            }
        }
        let plan = FollowRestorations {
            pinned: pinned.as_bytes().to_vec(),
            left: pinned.payload().log,
            retailer: Retailer {
                domain: domain.clone(),
                pinned_key: key,
                manifest: manifest.as_bytes().to_vec(),
                fetched_at: now,
            },
            followed: followed.collect(),
            shown,
            records,
            signer: self.root()?.vault_log_key(&own),
        };
        let lives = |state| matches!(state, GrantState::Given | GrantState::Active);
        let ending: Vec<GrantId> = vault
            .grants()?
            .iter()
            .filter(|grant| grant.domain == *domain && lives(grant.state))
            .map(|grant| grant.id)
            .collect();
        // Nothing leaves from here until it is written down, and what was on its way is stopped.
        let closing = self.close_for_end(&ending);
        let done = vault.follow_restorations(plan, now);
        drop(closing);
        self.0.grant_changes.send_replace(());
        self.try_refresh_outbox();
        done?;
        Ok(())
    }

    /// Restorations by which a retailer showed that it knew less of its log than it had shown her, the oldest first.
    pub fn knew_less(&self, domain: &ControllerId) -> Result<Vec<KnewLess>, StepError> {
        let mut all = Vec::new();
        for one in self.vault()?.restorations(domain)? {
            let Some(shown) = one.shown else { continue };
            let said = Unverified::<Restoration>::parse(&one.jws).map_err(StepError::Document)?;
            all.push(KnewLess { restoration: said.claimed().clone(), shown });
        }
        Ok(all)
    }

    /// Two restorations that leave one log are two histories.
    fn hold_against_followed(
        &self,
        domain: &ControllerId,
        signed: &[(&Restoration, &[u8])],
    ) -> Result<(), StepError> {
        let vault = self.vault()?;
        for known in vault.restorations(domain)? {
            let before =
                Unverified::<Restoration>::parse(&known.jws).map_err(StepError::Document)?;
            let before = before.claimed();
            let other =
                signed.iter().find(|(said, _)| said.left() == before.left() && *said != before);
            if let Some((_, other)) = other {
                return self.contradicts(domain, &known.jws, other);
            }
        }
        Ok(())
    }

    /// What she was shown of the log that is left is to be of one history with the last head that its retailer knows.
    /// The size of her largest head, where that is larger.
    fn hold_against_heads(
        &self,
        domain: &ControllerId,
        log: &LogKey,
        said: &Verified<Restoration>,
    ) -> Result<Option<u64>, StepError> {
        let known = &said.payload().from.head;
        let mut largest = 0;
        for head in self.vault()?.seen_heads(domain)? {
            let verified = stored(&head, log)?;
            if verified.size() == known.size && *verified.root() != known.root {
                self.contradicts(domain, head.as_bytes(), said.as_bytes())?;
            }
            largest = largest.max(verified.size());
        }
        Ok(Some(largest).filter(|largest| *largest > known.size))
    }

    fn contradicts(
        &self,
        domain: &ControllerId,
        one: &[u8],
        other: &[u8],
    ) -> Result<(), StepError> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        self.vault()?.put_contradiction(domain, text(one), text(other), self.now())?;
        self.try_refresh_outbox();
        Err(StepError::Contradiction)
    }

    /// Who she is to a retailer, and who she was as long as something is left to say or to fetch.
    fn still_heard(&self, domain: &ControllerId) -> Result<Vec<Pseudonym>, StepError> {
        let vault = self.vault()?;
        let former = vault.former_pseudonyms()?;
        let waits = |one: &Pseudonym| {
            one.ended_at.is_none()
                || former
                    .iter()
                    .any(|left| left.generation == one.generation && left.settled_at.is_none())
        };
        let mut all = vault.pseudonyms()?;
        all.retain(|one| one.domain == *domain && waits(one));
        Ok(all)
    }
}
