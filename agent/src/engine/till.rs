//! At the till: what her phone shows, and what it answers after she made a gesture. `spec/till.md`.
//!
//! Everything here works without a network. An answer, and a debit, passes the gate before it is shown, and stands in her log. A
//! presentation and a code of the day do not: they say no more than the keys of that day, which the gate released.

use besace_protocol::{
    consent::{Claim, Disclosed, Grant, Reach, RecordKind},
    crypto::sha256,
    id::GrantId,
    money::Money,
    party::{ControllerId, Manifest},
    presence::{
        Epoch, ReleasedKeys,
        till::{
            Answer, Challenge, Debit, ParseChallengeError, Presentation, TypedCode,
            UnverifiedChallenge, VerifyChallengeError,
        },
    },
    purpose::{DataCategory, Granularity, Purpose},
    time::{Day, Timestamp},
};

use super::{Engine, StepError};
use crate::vault::{Direction, GrantChange, JournalEntry, StoredGrant};

/// A shop whose tills know her pseudonym, by a live grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TillAccount {
    /// The grant.
    pub grant: GrantId,
    /// To whom.
    pub domain: ControllerId,
    /// The name over the door.
    pub retailer: String,
}

/// What her phone shows without being asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Where it is good.
    pub account: TillAccount,
    /// The text of the QR code.
    pub text: String,
    /// When there is another.
    pub until: Timestamp,
}

/// Codes to be typed at the till, or to be printed for who goes without a phone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayCodes {
    /// Where they are good.
    pub account: TillAccount,
    /// On which day (UTC).
    pub day: Day,
    /// The four codes; each counts once.
    pub codes: Vec<TypedCode>,
}

/// What a till asks, checked: she sees it before she answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TillQuestion {
    /// Who asks, and under which grant it would be answered.
    pub account: TillAccount,
    /// The name of the shop, from the manifest that was pinned.
    pub shop: String,
    /// What would be taken; nothing, if it only asks who she is.
    pub amount: Option<Money>,
    /// From this second on no answer counts.
    pub expires: Timestamp,
}

/// What her phone shows after her yes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TillReply {
    /// What she agreed to.
    pub question: TillQuestion,
    /// The text of the QR code: an answer, or a debit that she signed.
    pub text: String,
}

/// Nothing is shown at the till.
#[derive(Debug, thiserror::Error)]
pub enum TillError {
    /// Locked, or the vault failed.
    #[error(transparent)]
    Step(#[from] StepError),
    /// Not a challenge.
    #[error("this is not what a till shows")]
    Challenge(#[from] ParseChallengeError),
    /// No shop that she has met asks this, or not now.
    #[error("no till of a shop you know asks this")]
    Refused(#[source] VerifyChallengeError),
    /// A shop she has met asks, and she has not allowed its tills to know her.
    #[error("you have not allowed this shop's tills to know you")]
    NotGranted,
    /// The year has more seconds than these bytes can name.
    #[error("this cannot be made at this time")]
    Clock,
}

impl Engine {
    /// Where she may show herself at a till.
    pub fn till_accounts(&self) -> Result<Vec<TillAccount>, StepError> {
        let mut accounts = Vec::new();
        for domain in self.retailer_domains()? {
            let manifest = self.manifest(&domain)?;
            let grants = self.loyalty_grants(&domain)?;
            accounts.extend(grants.iter().map(|(_, grant)| account(grant, manifest.payload())));
        }
        Ok(accounts)
    }

    /// What her phone shows at this shop's tills now; another every thirty seconds.
    pub fn till_presentation(&self, grant: GrantId) -> Result<Shown, TillError> {
        let (account, keys) = self.till_keys(grant)?;
        let now = self.now();
        let shown = Presentation::make(&keys, now).ok_or(TillError::Clock)?;
        let steps = now.as_unix_seconds() / Presentation::STEP_SECONDS;
        let next = steps.saturating_add(1).saturating_mul(Presentation::STEP_SECONDS);
        Ok(Shown { account, text: shown.to_text(), until: Timestamp::from_unix_seconds(next) })
    }

    /// The codes of today.
    pub fn till_codes(&self, grant: GrantId) -> Result<DayCodes, TillError> {
        let (account, keys) = self.till_keys(grant)?;
        let codes = (0..TypedCode::PER_DAY).filter_map(|n| TypedCode::of(&keys, n)).collect();
        Ok(DayCodes { account, day: keys.day(), codes })
    }

    /// What a till asks: who, where, how much. Nothing is answered.
    pub fn till_question(&self, scanned: &str) -> Result<TillQuestion, TillError> {
        self.read_challenge(scanned).map(|(.., question)| question)
    }

    /// Answers a till, after her gesture: an answer where it asks who she is, a debit that she signs
    /// where it asks for an amount. Stands in her log before it is shown.
    pub fn till_answer(&self, scanned: &str) -> Result<TillReply, TillError> {
        let (stored, grant, challenge, question) = self.read_challenge(scanned)?;
        let (_, keys) = self.till_keys(stored.id)?;
        let answer = Answer::make(&keys, &challenge, self.now()).ok_or(TillError::Clock)?;
        let (text, kind, bytes) = if question.amount.is_none() {
            (answer.to_text(), "till_answer", answer.to_bytes())
        } else {
            let pseudonym = self.pseudonym_of(stored.generation)?;
            let pair = self.root().map_err(StepError::from)?.pairwise(
                &pseudonym.domain,
                pseudonym.facet,
                &pseudonym.generation,
            );
            let debit = Debit::make(answer, &challenge, &pair.signing);
            (debit.to_text(), "till_debit", debit.to_bytes())
        };
        let entry = JournalEntry {
            at: self.now(),
            direction: Direction::Out,
            domain: stored.domain.clone(),
            kind: kind.to_owned(),
            bytes: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        };
        self.pass_gate_at_till(&stored, &grant, &challenge, &bytes, entry)?;
        Ok(TillReply { question, text })
    }

    /// Passes the gate with what a till is shown: a withdrawal comes before it or after it. How often is counted where it
    /// counts, at the shop.
    fn pass_gate_at_till(
        &self,
        stored: &StoredGrant,
        grant: &Grant,
        challenge: &Challenge,
        bytes: &[u8],
        entry: JournalEntry,
    ) -> Result<(), StepError> {
        let at = entry.at;
        let exact = [(DataCategory::TillAnswers, Granularity::Exact)].into();
        let claim = self.claim(stored, grant, exact, Day::of(at));
        let claim = Claim { reach: Reach::Shop(challenge.shop()), ..claim };
        let record = RecordKind::Disclosed(Disclosed {
            at,
            categories: vec![DataCategory::TillAnswers],
            digest: sha256(&[bytes]),
            grant: grant.id,
        });
        let record = record.to_bytes().map_err(|_| StepError::Make)?;
        let passed = self.pass_gate(grant.id, GrantChange::Show { claim, entry }, record)?;
        passed.map(drop).ok_or(StepError::GrantOver)
    }

    /// The challenge, verified against the manifests that she pinned, and the grant to answer under.
    fn read_challenge(
        &self,
        scanned: &str,
    ) -> Result<(StoredGrant, Grant, Challenge, TillQuestion), TillError> {
        let scanned = UnverifiedChallenge::parse_text(scanned)?;
        let mut refused = VerifyChallengeError::Shop;
        let mut known = false;
        // Codes of shops are chosen by retailers: two may have the same, only one has the key.
        for domain in self.retailer_domains().map_err(StepError::from)? {
            let manifest = self.manifest(&domain)?;
            let challenge = match scanned.clone().verify(&manifest, self.now()) {
                Ok(challenge) => challenge,
                Err(VerifyChallengeError::Shop) => continue,
                Err(error) => {
                    refused = error;
                    continue;
                }
            };
            known = true;
            let covers =
                |(_, grant): &(StoredGrant, Grant)| grant.terms.shops.contains(&challenge.shop());
            let Some((stored, grant)) = self.loyalty_grants(&domain)?.into_iter().find(covers)
            else {
                continue;
            };
            let manifest = manifest.payload();
            let shop = manifest.shop(challenge.shop()).map(|shop| shop.name.clone());
            let amount = challenge.amount();
            let question = TillQuestion {
                account: account(&grant, manifest),
                shop: shop.unwrap_or_default(),
                amount: (amount.minor != 0).then_some(amount),
                expires: challenge.expires(),
            };
            return Ok((stored, grant, challenge, question));
        }
        if known { Err(TillError::NotGranted) } else { Err(TillError::Refused(refused)) }
    }

    /// Grants to `domain` that live now and let its tills know her.
    fn loyalty_grants(
        &self,
        domain: &ControllerId,
    ) -> Result<Vec<(StoredGrant, Grant)>, StepError> {
        let mut live = self.live_grants(domain)?;
        live.retain(|(_, grant)| grant.terms.purpose == Purpose::LoyaltyAccount);
        Ok(live)
    }

    /// The till keys of today under a live grant.
    fn till_keys(&self, id: GrantId) -> Result<(TillAccount, ReleasedKeys), TillError> {
        let stored = self.vault().map_err(StepError::from)?.grant(id).map_err(StepError::from)?;
        let domain = stored.ok_or(StepError::GrantOver)?.domain;
        let (_, grant) = self
            .loyalty_grants(&domain)?
            .into_iter()
            .find(|(stored, _)| stored.id == id)
            .ok_or(StepError::GrantOver)?;
        let day = Epoch::of(self.now()).day();
        let keys = self.released_keys(&grant, day)?.ok_or(StepError::GrantOver)?;
        Ok((account(&grant, self.manifest(&domain)?.payload()), keys))
    }
}

fn account(grant: &Grant, manifest: &Manifest) -> TillAccount {
    TillAccount {
        grant: grant.id,
        domain: grant.controller.clone(),
        retailer: manifest.legal.display_name.clone(),
    }
}
