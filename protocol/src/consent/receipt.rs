//! The receipt of a consent, for people and programs that know nothing of Besace: ISO/IEC TS 27560:2023 through the
//! Data Privacy Vocabulary 2.3, as JSON-LD. `spec/receipt.md`.

use alloc::{format, string::String, vec, vec::Vec};

use serde_json::{Value, json};

use super::{
    Grant, Indication, Notice, NoticeItem, Restoration, Revocation, Supersedes, Withdrawal,
};
use crate::{
    crypto::VerifyingKey,
    document::Verified,
    encoding::{JsonError, to_canonical_json},
    jws::Role,
    log::Salt,
    negotiation::RuleName,
    offer::calendar::Date,
    party::ControllerId,
    purpose::{DataCategory, Purpose},
    time::{DAY_SECONDS, Day, Timestamp},
};

/// What a receipt is made of: a grant, the notice it was given after, and what ended it.
#[derive(Clone, Copy, Debug)]
pub struct Receipt<'a> {
    grant: &'a Verified<Grant>,
    notice: &'a Notice,
    withdrawal: Option<&'a Verified<Withdrawal>>,
    successor: Option<&'a Verified<Grant>>,
    ended: Option<Ended<'a>>,
    rule: Option<(RuleName, &'a Salt)>,
}

/// What its controller signed when it ended, and not by her.
#[derive(Clone, Copy, Debug)]
enum Ended<'a> {
    Revoked(&'a Verified<Revocation>),
    Restored(&'a Verified<Restoration>),
}

impl<'a> Ended<'a> {
    fn at(self) -> Timestamp {
        match self {
            Self::Revoked(revocation) => revocation.payload().revoked,
            Self::Restored(restoration) => restoration.payload().at,
        }
    }

    fn as_bytes(self) -> &'a [u8] {
        match self {
            Self::Revoked(revocation) => revocation.as_bytes(),
            Self::Restored(restoration) => restoration.as_bytes(),
        }
    }
}

/// Documents that do not belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// The grant names another notice.
    #[error("the grant was given after another notice")]
    Notice,
    /// The withdrawal ends another grant.
    #[error("the withdrawal ends another grant")]
    Withdrawal,
    /// The other grant does not take the place of this one.
    #[error("the other grant takes the place of another one")]
    Successor,
    /// The revocation ends another grant.
    #[error("the revocation ends another grant")]
    Revocation,
    /// The grant commits to another rule, to none, or to one that she confirmed later.
    #[error("the rule did not give this grant")]
    Rule,
    /// The restoration is of another controller, or of before the grant.
    #[error("the restoration does not end this grant")]
    Restoration,
}

impl<'a> Receipt<'a> {
    /// Of `grant`, which was given after `notice` and, if there is a withdrawal, ended by it.
    pub fn of(
        grant: &'a Verified<Grant>,
        notice: &'a Notice,
        withdrawal: Option<&'a Verified<Withdrawal>>,
    ) -> Result<Self, ReceiptError> {
        let given = grant.payload();
        let named = notice.reference().is_ok_and(|reference| reference.digest == given.notice);
        if !named {
            return Err(ReceiptError::Notice);
        }
        // Her pseudonym may have gone on under another key since.
        let ends = |one: &Verified<Withdrawal>| {
            let said = one.payload();
            said.controller == given.controller
                && said.grant == given.id
                && said.grant_digest == grant.digest()
        };
        if withdrawal.is_some_and(|one| !ends(one)) {
            return Err(ReceiptError::Withdrawal);
        }
        Ok(Self { grant, notice, withdrawal, successor: None, ended: None, rule: None })
    }

    /// Of a grant that a rule of hers gave, with what opens its commitment (`spec/negotiation.md#grant`): whoever reads it can
    /// check which rule it was, and that she confirmed it before.
    pub fn by_rule(self, name: RuleName, salt: &'a Salt) -> Result<Self, ReceiptError> {
        let given = self.grant.payload();
        if given.indication != Indication::Rule(name.commitment(salt))
            || name.confirmed > given.given
        {
            return Err(ReceiptError::Rule);
        }
        Ok(Self { rule: Some((name, salt)), ..self })
    }

    /// Of a grant whose place `successor` took, which both signed (`spec/renewal.md`).
    pub fn superseded_by(self, successor: &'a Verified<Grant>) -> Result<Self, ReceiptError> {
        let named = Supersedes { digest: self.grant.digest(), grant: self.grant.payload().id };
        let signed = successor.signed_at(Role::Controller).is_some();
        if successor.payload().supersedes != Some(named) || !signed {
            return Err(ReceiptError::Successor);
        }
        Ok(Self { successor: Some(successor), ..self })
    }

    /// Of a grant that its controller ended (`spec/revocation.md`).
    pub fn revoked_by(self, revocation: &'a Verified<Revocation>) -> Result<Self, ReceiptError> {
        revocation.payload().ends(self.grant).map_err(|_| ReceiptError::Revocation)?;
        Ok(Self { ended: Some(Ended::Revoked(revocation)), ..self })
    }

    /// Of a grant that was to take the place of one that its controller ended, and ended with it (`spec/revocation.md#at-home`).
    pub fn revoked_with(self, revocation: &'a Verified<Revocation>) -> Result<Self, ReceiptError> {
        let given = self.grant.payload();
        let said = revocation.payload();
        if given.supersedes.is_none() || said.controller != given.controller {
            return Err(ReceiptError::Revocation);
        }
        Ok(Self { ended: Some(Ended::Revoked(revocation)), ..self })
    }

    /// Of a grant of before its controller lost a store, which ended all (`spec/restoration.md`).
    pub fn restored_by(self, restoration: &'a Verified<Restoration>) -> Result<Self, ReceiptError> {
        let (given, said) = (self.grant.payload(), restoration.payload());
        if said.controller != given.controller || said.at <= given.given {
            return Err(ReceiptError::Restoration);
        }
        Ok(Self { ended: Some(Ended::Restored(restoration)), ..self })
    }

    /// As it stands at `now`: canonical JSON-LD.
    pub fn to_bytes(&self, now: Timestamp) -> Result<Vec<u8>, JsonError> {
        to_canonical_json(&self.to_json(now))
    }

    fn to_json(self, now: Timestamp) -> Value {
        let given = self.grant.payload();
        let states = self.states(now);
        let state = states.last().map_or("ConsentUnknown", |(state, _)| state);
        let name = format!("urn:besace:{}", given.id);
        let states: Vec<Value> = states.iter().map(|(state, at)| self.event(state, *at)).collect();
        json!({
            "@context": {
                "besace": "urn:besace:term:",
                "dct": "http://purl.org/dc/terms/",
                "dpv": "https://w3id.org/dpv#",
                "eu-gdpr": "https://w3id.org/dpv/legal/eu/gdpr#",
                "pd": "https://w3id.org/dpv/pd#",
                "skos": "http://www.w3.org/2004/02/skos/core#",
                "xsd": "http://www.w3.org/2001/XMLSchema#",
            },
            "@id": format!("{name}#{state}"),
            "@type": ["dpv:ConsentReceipt"],
            "dct:conformsTo": CONFORMS_TO,
            "dct:created": [moment(now)],
            "dct:identifier": [format!("{}#{state}", given.id)],
            "dpv:hasRecordOfActivity": [{
                "@id": name,
                "@type": ["dpv:ConsentRecord"],
                "besace:evidence": self.evidence(),
                "besace:signedByController": [self.grant.signed_at(Role::Controller).is_some()],
                "dct:conformsTo": CONFORMS_TO,
                "dct:identifier": [given.id],
                "dpv:hasConsentStatus": states,
                "dpv:hasDataSubject": [subject(&given.subject_key)],
                "dpv:hasNotice": [self.told()],
                "dpv:hasProcess": [self.process()],
            }],
        })
    }

    /// What it went through by `now`, each with its moment.
    fn states(&self, now: Timestamp) -> Vec<(&'static str, Timestamp)> {
        let given = self.grant.payload();
        let first = if given.supersedes.is_some() { "RenewedConsentGiven" } else { "ConsentGiven" };
        let mut states = vec![(first, given.given)];
        let withdrawn = self.withdrawal.map(|one| one.payload().withdrawn);
        // What another one replaced is valid no more from then on, whatever its date.
        let replaced = self.successor.and_then(|after| after.signed_at(Role::Controller));
        let over = replaced.map_or(given.expires, |at| at.min(given.expires));
        // Whoever ended it first ended it; she may withdraw what somebody else has.
        let revoked = self.ended.map(Ended::at);
        if let Some(at) = revoked.filter(|at| withdrawn.is_none_or(|hers| *at < hers)) {
            states.push(("ConsentRevoked", at));
            states.extend(withdrawn.map(|at| ("ConsentWithdrawn", at)));
            return states;
        }
        // She may withdraw what has run out.
        if replaced.is_some() || withdrawn.unwrap_or(now) >= over {
            states.push(("ConsentExpired", over));
        }
        states.extend(withdrawn.map(|at| ("ConsentWithdrawn", at)));
        states
    }

    fn event(&self, state: &str, at: Timestamp) -> Value {
        let given = self.grant.payload();
        let mut event = json!({
            "@type": [format!("dpv:{state}")],
            "dpv:isIndicatedAtTime": [moment(at)],
        });
        let Value::Object(members) = &mut event else { return event };
        let mut add = |name: &str, value: Value| drop(members.insert(name.into(), json!([value])));
        match state {
            "ConsentGiven" | "RenewedConsentGiven" => {
                add("dpv:isIndicatedBy", subject(&given.subject_key));
                let method = self.rule.map_or_else(|| method(given.indication), |_| NAMED_RULE);
                add("dpv:hasIndicationMethod", json!(method));
                if let Some((name, salt)) = self.rule {
                    add("besace:rule", rule(name, salt));
                }
                let until = json!({
                    "@type": ["dpv:UntilTimeDuration"],
                    "dct:valid": [moment(given.expires)],
                });
                add("dpv:hasDuration", until);
            }
            // Her pseudonym may have gone on under another key by then.
            "ConsentWithdrawn" => {
                let key =
                    self.withdrawal.map_or(&given.subject_key, |one| &one.payload().subject_key);
                add("dpv:isIndicatedBy", subject(key));
            }
            "ConsentRevoked" => add("dpv:isIndicatedBy", party(&given.controller)),
            // Nobody says that it is over.
            _ => {}
        }
        event
    }

    /// The signed bytes, so that whoever has the keys believes nobody.
    fn evidence(&self) -> Vec<Value> {
        let withdrawal = self.withdrawal.map(Verified::as_bytes);
        let successor = self.successor.map(Verified::as_bytes);
        let ended = self.ended.map(Ended::as_bytes);
        let documents = [Some(self.grant.as_bytes()), successor, ended, withdrawal];
        let values = documents
            .into_iter()
            .flatten()
            .filter_map(|bytes| serde_json::from_slice::<Value>(bytes).ok());
        values.map(|value| json!({"@type": "@json", "@value": value})).collect()
    }

    fn told(&self) -> Value {
        let items = self.notice.items().map(|(item, text)| {
            json!({
                "@type": ["besace:NoticeItem"],
                "dct:description": [text],
                "dct:identifier": [item.as_str()],
                "dct:references": [format!("GDPR art. {}", item.article())],
            })
        });
        json!({
            "@type": ["dpv:ConsentNotice"],
            "besace:digest": [self.grant.payload().notice],
            "besace:tells": items.collect::<Vec<_>>(),
            "dct:hasVersion": [self.notice.version()],
            "dct:language": [self.notice.language()],
        })
    }

    fn process(&self) -> Value {
        let given = self.grant.payload();
        let terms = &given.terms;
        let data = terms.categories.iter().map(|(category, granularity)| {
            json!({
                "@id": format!("besace:{}", category.as_str()),
                "besace:granularity": [granularity],
                "skos:broader": [{"@id": broader_data(*category)}],
            })
        });
        let retention = format!("P{}D", terms.retention_days);
        let transfers: Vec<&str> = self
            .notice
            .items()
            .filter_map(|(item, text)| (item == NoticeItem::Transfers).then_some(text))
            .collect();
        let recipients: Vec<Value> = terms.recipients.iter().map(party).collect();
        json!({
            "@type": ["dpv:Process"],
            "besace:terms": [{"@type": "@json", "@value": terms}],
            "dpv:hasConsentControl": [{
                "@type": ["dpv:WithdrawConsent"],
                "dpv:isExercisedAt": WITHDRAWAL,
            }],
            "dpv:hasDataController": [self.controller()],
            "dpv:hasJurisdiction": ["EU"],
            "dpv:hasLegalBasis": [{"@id": "eu-gdpr:A6-1-a"}],
            "dpv:hasPersonalData": data.collect::<Vec<_>>(),
            "dpv:hasProcessing": [{"@id": "dpv:Use"}],
            "dpv:hasPurpose": [{
                "@id": format!("besace:{}", terms.purpose.as_str()),
                "skos:broader": [{"@id": broader_purpose(terms.purpose)}],
            }],
            "dpv:hasRecipient": recipients,
            "dpv:hasRight": RIGHTS.map(|right| json!({"@id": right})),
            "dpv:hasStorageCondition": [
                {
                    "@type": ["dpv:StorageDuration"],
                    "dct:extent": [{"@type": "xsd:duration", "@value": retention}],
                },
                {"@type": ["dpv:StorageLocation"], "dct:description": transfers},
            ],
        })
    }

    fn controller(&self) -> Value {
        let (domain, legal) = (&self.grant.payload().controller, self.notice.controller());
        let mut controller = party(domain);
        if let Value::Object(members) = &mut controller {
            let told = [
                ("dpv:hasAddress", &legal.address),
                ("dpv:hasContact", &legal.contact),
                ("dpv:hasName", &legal.name),
            ];
            members.insert("@type".into(), json!(["dpv:DataController"]));
            members.extend(told.map(|(name, text)| (String::from(name), json!([text]))));
        }
        controller
    }
}

/// The schema, and the version of this form of it.
const CONFORMS_TO: [&str; 2] = ["ISO/IEC TS 27560:2023", "urn:besace:receipt:v1"];
/// Where she takes it back.
const WITHDRAWAL: [&str; 2] = ["the page /consent of her agent", "its command consent withdraw"];
/// What she may ask for, beside taking it back.
const RIGHTS: [&str; 7] = [
    "eu-gdpr:A7-3",
    "eu-gdpr:A15",
    "eu-gdpr:A16",
    "eu-gdpr:A17",
    "eu-gdpr:A18",
    "eu-gdpr:A20",
    "eu-gdpr:A77",
];

/// The pseudonym towards this one controller: it says nothing anywhere else.
fn subject(key: &VerifyingKey) -> Value {
    json!({"@type": ["dpv:DataSubject"], "dct:identifier": [key]})
}

fn party(domain: &ControllerId) -> Value {
    json!({"@id": format!("https://{domain}"), "dct:identifier": [domain]})
}

const fn method(indication: Indication) -> &'static str {
    match indication {
        Indication::Page => "a button on a page of her own agent, beside an equal no",
        Indication::Command => "a command that she typed to her own agent",
        Indication::Rule(_) => "a rule for her own agent, which she had confirmed before",
    }
}

/// The method where the rule is named.
const NAMED_RULE: &str = "a rule for her own agent, which she had confirmed before, named here";

/// What the commitment in the grant was made of.
fn rule(name: RuleName, salt: &Salt) -> Value {
    json!({
        "@type": ["besace:Rule"],
        "besace:confirmed": [moment(name.confirmed)],
        "besace:number": [name.number],
        "besace:salt": [salt],
        "besace:version": [name.version],
    })
}

const fn broader_purpose(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Recognition | Purpose::StaffGreeting => "dpv:ServicePersonalisation",
        Purpose::LoyaltyAccount => "dpv:PersonalisedBenefits",
        Purpose::WishBroadcast => "dpv:RequestedServiceProvision",
        Purpose::Answers | Purpose::Feedback => "dpv:ImproveExistingProductsAndServices",
        Purpose::Receipts => "dpv:CustomerClaimsManagement",
    }
}

const fn broader_data(category: DataCategory) -> &'static str {
    match category {
        DataCategory::AnswerAdvice | DataCategory::AnswerMoment | DataCategory::AnswerReach => {
            "pd:Preference"
        }
        DataCategory::AnswerVisits => "pd:ServiceConsumptionBehaviour",
        DataCategory::ChosenName => "pd:Name",
        DataCategory::Feedback | DataCategory::FeedbackWords => "pd:Opinion",
        DataCategory::GreetingTopics => "pd:Interest",
        DataCategory::Presence => "pd:CurrentLocation",
        DataCategory::ReceiptTotals | DataCategory::Receipts | DataCategory::TillAnswers => {
            "pd:Purchase"
        }
        DataCategory::WishDetail | DataCategory::WishKind => "pd:Intention",
    }
}

/// As `xsd:dateTime` in UTC; of a year that has five digits, the seconds.
fn moment(at: Timestamp) -> Value {
    let seconds = at.as_unix_seconds();
    let Some(date) = Date::of(Day::of(at)) else { return json!(seconds) };
    let rest = seconds % DAY_SECONDS;
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    let (year, month, day) = (date.year(), date.month(), date.day());
    let text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z");
    json!({"@type": "xsd:dateTime", "@value": text})
}

#[cfg(test)]
mod tests;
