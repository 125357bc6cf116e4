//! Data that leaves: what she is greeted with, the wishes that a shop may answer, and her answers. Told again only when it is not
//! what was told.

use std::collections::BTreeSet;

use besace_protocol::{
    consent::{
        Action, Answers, Disclosed, Disclosure, Excess, Grant, INTENTIONS_MAX, Intention,
        IntentionDetail, PriceBand, RecordKind, Remark, TillReceipt, answered_before,
        disclosure_context, told_before,
    },
    crypto::{Digest, Sealed, sha256},
    document::{Unverified, Verified, sign},
    id::IntentionId,
    jws::Role,
    offer::{Category, Gtin},
    party::Manifest,
    private::Private,
    purpose::{DataCategory, Purpose},
    time::Day,
    wire::{DISCLOSURES_PATH, Disclose},
};

use super::{Engine, PreparedCall, StepError, StoredGrant};
use crate::vault::{
    DeliveryState, GrantChange, ProfileField, StoredAnswer, StoredDisclosure, Wish, WishContent,
};

impl Engine {
    /// A call that tells what a live grant allows to be told now, if it was not told.
    pub(super) fn tell(
        &self,
        stored: &StoredGrant,
        grant: &Grant,
        manifest: &Manifest,
    ) -> Result<Option<(Digest, PreparedCall)>, StepError> {
        let wanted = match grant.terms.purpose {
            Purpose::StaffGreeting => self.greeting(grant)?,
            Purpose::WishBroadcast => Some(self.wished(stored, grant)?),
            Purpose::Answers => self.answered(grant)?,
            Purpose::Feedback => Some(self.remarked(grant)?),
            Purpose::Receipts => Some(Disclosure {
                receipts: Some(self.receipts_told(grant)?),
                ..self.nothing(grant)
            }),
            Purpose::Recognition | Purpose::LoyaltyAccount => None,
        };
        let Some(wanted) = wanted else { return Ok(None) };
        let made = self.vault()?.disclosures(grant.id)?;
        let told = self.arrived(grant, &made)?;
        match self.say(stored, grant, manifest, (&wanted, &made, &told)) {
            // What she takes back waits for no other day.
            Err(StepError::Beyond(Excess::Frequency)) if wanted.wishes.is_some() => {
                let wishes =
                    wanted.wishes.as_deref().map(|wishes| told_before(wishes, &told.wishes));
                let least = Disclosure { wishes, ..wanted };
                self.say(stored, grant, manifest, (&least, &made, &told))
            }
            Err(StepError::Beyond(Excess::Frequency)) if wanted.feedback.is_some() => {
                let mut remarks = wanted.feedback.clone().unwrap_or_default();
                remarks.retain(|remark| told.remarks.contains(remark));
                let least = Disclosure { feedback: Some(remarks), ..wanted };
                self.say(stored, grant, manifest, (&least, &made, &told))
            }
            Err(StepError::Beyond(Excess::Frequency)) if wanted.receipts.is_some() => {
                let mut receipts = wanted.receipts.clone().unwrap_or_default();
                receipts.retain(|receipt| told.receipts.contains(receipt));
                let least = Disclosure { receipts: Some(receipts), ..wanted };
                self.say(stored, grant, manifest, (&least, &made, &told))
            }
            Err(StepError::Beyond(Excess::Frequency)) if !wanted.answers.is_empty() => {
                let answers = answered_before(&wanted.answers, &told.answers);
                if answers.is_empty() {
                    return Ok(None);
                }
                let least = Disclosure { answers, ..wanted };
                self.say(stored, grant, manifest, (&least, &made, &told))
            }
            said => said,
        }
    }

    /// Signs, logs and seals a disclosure, unless it says what the last of those that were `made` says and that one arrived.
    /// What tells nothing beyond what was `told` counts for no day.
    fn say(
        &self,
        stored: &StoredGrant,
        grant: &Grant,
        manifest: &Manifest,
        (wanted, made, told): (&Disclosure, &[StoredDisclosure], &Told),
    ) -> Result<Option<(Digest, PreparedCall)>, StepError> {
        let pseudonym = self.pseudonym_of(stored.generation)?;
        let root = self.root()?;
        let pair = root.pairwise(&pseudonym.domain, pseudonym.facet, &pseudonym.generation);
        let whole =
            wanted.wishes.is_some() || wanted.feedback.is_some() || wanted.receipts.is_some();
        let gone = |one: &StoredDisclosure| whole && self.is_gone(grant, one);
        let last = made.first().filter(|one| !gone(one));
        let (jws, logged) = match last {
            Some(last)
                if last.state != DeliveryState::Left && read(last)?.says_the_same(wanted) =>
            {
                if last.state == DeliveryState::Delivered {
                    return Ok(None);
                }
                (last.jws.reveal().clone(), self.prove(&pseudonym, last.entry)?)
            }
            // There is nothing to take back.
            None if wanted.takes_all_back() => return Ok(None),
            Some(_) | None => {
                let at = self.now();
                let categories = wanted.categories();
                let claim = self.claim(stored, grant, wanted.granularities(), Day::of(at));
                let known = wanted.tells_nothing_new(&told.wishes)
                    || wanted.answers_nothing_new(&told.answers)
                    || wanted.remarks_nothing_new(&told.remarks)
                    || wanted.receipts_nothing_new(&told.receipts);
                let disclosure = Disclosure { disclosed: at, ..wanted.clone() };
                let signed: Verified<Disclosure> =
                    sign(disclosure, Role::Subject, &pair.signing, at)
                        .map_err(|_| StepError::Make)?;
                let jws = signed.as_bytes().to_vec();
                let digest = sha256(&[&jws]);
                // Said, and no longer so, within this very second: the next one tells them apart.
                if made.iter().any(|one| one.digest == digest) {
                    return Ok(None);
                }
                let record =
                    RecordKind::Disclosed(Disclosed { at, categories, digest, grant: grant.id })
                        .to_bytes()
                        .map_err(|_| StepError::Make)?;
                let private = Private::new(jws.clone());
                let change = GrantChange::Disclose { jws: private, digest, claim, counted: !known };
                let proven = self.pass_gate(grant.id, change, record)?;
                (jws, proven.ok_or(StepError::GrantOver)?)
            }
        };
        let context = disclosure_context(grant.id);
        let to = &manifest.sealing_key;
        let sealed = Sealed::seal(&jws, &context, &pair.sealing, to, &mut self.rng())
            .map_err(|_| StepError::Make)?;
        let body = Disclose { grant: grant.id, logged, sealed };
        let call = self.prepare_call(&pseudonym, DISCLOSURES_PATH, &body)?;
        Ok(Some((sha256(&[&jws]), call)))
    }

    /// What she is greeted with, if she has said how.
    fn greeting(&self, grant: &Grant) -> Result<Option<Disclosure>, StepError> {
        let profile = self.vault()?.profile()?;
        let named = |category| grant.terms.categories.contains_key(&category);
        let text = |field| profile.get(field).map(|value| value.reveal().clone());
        let chosen_name = named(DataCategory::ChosenName)
            .then(|| text(ProfileField::ChosenName))
            .flatten()
            .filter(|name| !name.is_empty());
        let mut topics: Vec<String> = named(DataCategory::GreetingTopics)
            .then(|| text(ProfileField::GreetingTopics))
            .flatten()
            .unwrap_or_default()
            .split(',')
            .map(|topic| topic.trim().to_owned())
            .filter(|topic| !topic.is_empty() && topic.len() <= 64)
            .collect();
        topics.sort();
        topics.dedup();
        topics.truncate(8);
        // Without a name there is nobody to greet.
        let greeting = |name| Disclosure { chosen_name: Some(name), topics, ..self.nothing(grant) };
        Ok(chosen_name.map(greeting))
    }

    /// What she chose to answer, each as long as the retailer may keep it; what she took back, once more.
    fn answered(&self, grant: &Grant) -> Result<Option<Disclosure>, StepError> {
        let (vault, today) = (self.vault()?, Day::of(self.now()));
        let back = vault.came_back_at()?;
        let made = vault.disclosures(grant.id)?;
        let last = made.first().map(read).transpose()?.map(|last| last.answers).unwrap_or_default();
        let mut answers = Answers::new();
        for answer in vault.answers(grant.id)? {
            if answer.is_set_aside(back) {
                continue;
            }
            let StoredAnswer { question, choice, at } = answer;
            let kept_until = Day::of(at).plus(u32::from(grant.terms.retention_days));
            // What never left is not taken back: nobody hears that she would rather not say.
            if last.contains_key(&question) && choice == 0 || choice > 0 && today < kept_until {
                answers.insert(question, choice);
            }
        }
        let said = Disclosure { answers, ..self.nothing(grant) };
        Ok((!said.answers.is_empty()).then_some(said))
    }

    /// Everything that she says of the shop.
    fn remarked(&self, grant: &Grant) -> Result<Disclosure, StepError> {
        Ok(Disclosure { feedback: Some(self.said(grant)?), ..self.nothing(grant) })
    }

    /// Every wish that she shows and that shops may hear of, as finely as this one may.
    fn wished(&self, stored: &StoredGrant, grant: &Grant) -> Result<Disclosure, StepError> {
        let (vault, now) = (self.vault()?, self.now());
        let accepted = if grant.terms.categories.contains_key(&DataCategory::WishDetail) {
            self.accepted(stored, grant)?
        } else {
            BTreeSet::new()
        };
        let mut wishes = Vec::new();
        // The newest, where there are too many.
        for Wish { id, content, shown, .. } in vault.wishes()?.into_iter().rev() {
            let over = content.deadline.is_some_and(|deadline| now >= deadline);
            let category =
                content.category.as_ref().and_then(|words| Category::find(words.reveal()));
            let Some(category) = category.filter(|one| shown && !over && !one.is_sensitive())
            else {
                continue;
            };
            if wishes.len() == INTENTIONS_MAX {
                break;
            }
            let id = vault.intention(grant.id, id, IntentionId::generate(&mut self.rng()))?;
            let coarse = Intention {
                category,
                detail: None,
                id,
                price_band: content.max_price.and_then(PriceBand::around),
            };
            let whole = Intention { detail: Some(detail(content)), ..coarse.clone() };
            wishes.push(if accepted.contains(&id) && whole.is_sound() { whole } else { coarse });
        }
        wishes.sort_by_key(|wish| wish.id);
        Ok(Disclosure { wishes: Some(wishes), ..self.nothing(grant) })
    }

    /// Intentions that the retailer accepted: its uses came home, each with its proof.
    fn accepted(
        &self,
        stored: &StoredGrant,
        grant: &Grant,
    ) -> Result<BTreeSet<IntentionId>, StepError> {
        let uses = self.uses(&stored.domain)?.into_iter();
        let accepted = uses.filter_map(|(_, used)| {
            let here = used.grant == grant.id && used.action == Action::WishAccepted;
            used.intention.filter(|_| here)
        });
        Ok(accepted.collect())
    }

    /// What the retailer has, as far as it said so and need not have destroyed it.
    fn arrived(&self, grant: &Grant, made: &[StoredDisclosure]) -> Result<Told, StepError> {
        let arrived = |one: &&StoredDisclosure| one.state == DeliveryState::Delivered;
        match made.iter().find(arrived).filter(|one| !self.is_gone(grant, one)) {
            Some(last) => {
                let Disclosure { answers, feedback, receipts, wishes, .. } = read(last)?;
                let receipts = receipts.unwrap_or_default();
                let remarks = feedback.unwrap_or_default();
                Ok(Told { answers, receipts, remarks, wishes: wishes.unwrap_or_default() })
            }
            None => Ok(Told::default()),
        }
    }

    /// Whether the retailer had to destroy it by now.
    fn is_gone(&self, grant: &Grant, one: &StoredDisclosure) -> bool {
        let kept_until = Day::of(one.at).plus(u32::from(grant.terms.retention_days));
        one.state != DeliveryState::Logged && kept_until <= Day::of(self.now())
    }

    fn nothing(&self, grant: &Grant) -> Disclosure {
        Disclosure {
            answers: Answers::new(),
            chosen_name: None,
            disclosed: self.now(),
            feedback: None,
            grant: grant.id,
            receipts: None,
            topics: Vec::new(),
            v: 1,
            wishes: None,
        }
    }
}

/// What the retailer was told that may be told again on any day.
#[derive(Default)]
struct Told {
    answers: Answers,
    receipts: Vec<TillReceipt>,
    remarks: Vec<Remark>,
    wishes: Vec<Intention>,
}

fn detail(content: WishContent) -> IntentionDetail {
    IntentionDetail {
        gtin: content.gtin.and_then(|digits| Gtin::from_printed(digits.reveal()).ok()),
        max_price: content.max_price,
        text: content.text.into_revealed(),
        until: content.deadline.map(Day::of),
    }
}

fn read(made: &StoredDisclosure) -> Result<Disclosure, StepError> {
    let made = Unverified::<Disclosure>::parse(made.jws.reveal()).map_err(StepError::Document)?;
    Ok(made.claimed().clone())
}
