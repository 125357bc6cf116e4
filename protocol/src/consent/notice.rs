//! What is told before a consent is asked (GDPR art. 13). `spec/notice.md`.

use alloc::{collections::BTreeMap, string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use super::{ConsentRequest, Terms, request::NoticeReference};
use crate::{
    crypto::sha256,
    document::{DocumentRule, check_set, check_text, check_version},
    encoding::{JsonError, from_json_exact, to_canonical_json},
    party::{ControllerId, LegalIdentity},
    purpose::Purpose,
};

/// The notice of a consent request. It is complete: [`Notice::parse`] and [`NoticeText::of`] make no other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Notice {
    controller: LegalIdentity,
    purpose: Purpose,
    recipients: Vec<ControllerId>,
    retention_days: u16,
    #[serde(flatten)]
    text: NoticeText,
    v: u8,
}

/// What the controller writes of a notice; the rest follows from who it is and what it asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoticeText {
    /// What has to be told, in words.
    pub items: BTreeMap<NoticeItem, String>,
    /// Language of these words: `fr` or `en`.
    pub language: String,
    /// The author's own version, such as `2026-11`.
    pub version: String,
}

/// One thing that GDPR art. 13 asks to be told, in the order in which a person wants to read them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeItem {
    /// What for: art. 13(1)(c).
    Purpose,
    /// On what legal basis: art. 13(1)(c).
    LegalBasis,
    /// Whether anything must be given, and what follows from a no: art. 13(2)(e).
    Obligation,
    /// Who else receives it: art. 13(1)(e).
    Recipients,
    /// Whether it goes to a third country, and under which safeguards: art. 13(1)(f).
    Transfers,
    /// How long it is kept: art. 13(2)(a).
    Retention,
    /// Whether something is decided or profiled automatically, and how: art. 13(2)(f).
    AutomatedDecisions,
    /// How to take the consent back: art. 13(2)(c).
    Withdrawal,
    /// Access, rectification, erasure, restriction, portability, objection: art. 13(2)(b).
    Rights,
    /// How to complain to an authority: art. 13(2)(d).
    Complaint,
    /// Who the data protection officer is, or that there is none: art. 13(1)(b).
    DataProtectionOfficer,
}

/// As it stands on the wire: canonical JSON (`spec/encoding.md`).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    controller: LegalIdentity,
    items: BTreeMap<NoticeItem, String>,
    language: String,
    purpose: Purpose,
    recipients: Vec<ControllerId>,
    retention_days: u16,
    v: u8,
    version: String,
}

/// A notice that may not be shown, and so no consent be asked with it.
#[derive(Debug, thiserror::Error)]
pub enum NoticeError {
    /// Not the canonical JSON of a notice.
    #[error("not a notice")]
    Json(#[from] JsonError),
    /// Something that has to be told is missing, or says nothing.
    #[error("the notice does not tell {} (GDPR art. {})", .0.as_str(), .0.article())]
    Incomplete(NoticeItem),
    /// A rule of every document.
    #[error("not a notice: {0}")]
    Rule(DocumentRule),
}

/// Why a notice is not the one of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoticeMismatch {
    /// The request names other bytes, another language or version.
    #[error("the request names another notice")]
    Another,
    /// Purpose, recipients or retention are not what is asked.
    #[error("the notice tells other terms than are asked")]
    Terms,
}

impl NoticeItem {
    /// Everything that has to be told.
    pub const ALL: &'static [Self] = &[
        Self::Purpose,
        Self::LegalBasis,
        Self::Obligation,
        Self::Recipients,
        Self::Transfers,
        Self::Retention,
        Self::AutomatedDecisions,
        Self::Withdrawal,
        Self::Rights,
        Self::Complaint,
        Self::DataProtectionOfficer,
    ];

    /// As it stands on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Purpose => "purpose",
            Self::LegalBasis => "legal_basis",
            Self::Obligation => "obligation",
            Self::Recipients => "recipients",
            Self::Transfers => "transfers",
            Self::Retention => "retention",
            Self::AutomatedDecisions => "automated_decisions",
            Self::Withdrawal => "withdrawal",
            Self::Rights => "rights",
            Self::Complaint => "complaint",
            Self::DataProtectionOfficer => "data_protection_officer",
        }
    }

    /// Where in article 13 it is asked.
    pub const fn article(self) -> &'static str {
        match self {
            Self::Purpose | Self::LegalBasis => "13(1)(c)",
            Self::Obligation => "13(2)(e)",
            Self::Recipients => "13(1)(e)",
            Self::Transfers => "13(1)(f)",
            Self::Retention => "13(2)(a)",
            Self::AutomatedDecisions => "13(2)(f)",
            Self::Withdrawal => "13(2)(c)",
            Self::Rights => "13(2)(b)",
            Self::Complaint => "13(2)(d)",
            Self::DataProtectionOfficer => "13(1)(b)",
        }
    }
}

impl NoticeText {
    /// Longest item, in bytes.
    pub const ITEM_LEN_MAX: usize = 4 << 10;
    /// Fewest letters that tell anything (*non*): A to Z, a to z, and those of Latin with marks.
    pub const LETTERS_MIN: usize = 3;

    /// The notice of `controller` for `terms`, with these words.
    pub fn of(self, controller: LegalIdentity, terms: &Terms) -> Result<Notice, NoticeError> {
        let notice = Notice {
            controller,
            purpose: terms.purpose,
            recipients: terms.recipients.clone(),
            retention_days: terms.retention_days,
            text: self,
            v: 1,
        };
        notice.check()?;
        Ok(notice)
    }

    fn check(&self) -> Result<(), NoticeError> {
        check_text(&self.version, 64).map_err(NoticeError::Rule)?;
        if self.language != "fr" && self.language != "en" {
            return Err(NoticeError::Rule(DocumentRule::Text));
        }
        for item in NoticeItem::ALL {
            let text = self.items.get(item).map_or("", String::as_str);
            if text.chars().filter(|c| is_letter(*c)).count() < Self::LETTERS_MIN {
                return Err(NoticeError::Incomplete(*item));
            }
            check_text(text, Self::ITEM_LEN_MAX).map_err(NoticeError::Rule)?;
        }
        Ok(())
    }
}

const fn is_letter(c: char) -> bool {
    c.is_ascii_alphabetic() || (matches!(c, '\u{c0}'..='\u{24f}') && !matches!(c, '×' | '÷'))
}

impl Notice {
    /// Longest notice that is read, in bytes.
    pub const LEN_MAX: usize = 64 << 10;

    /// Reads a notice, and only a complete one.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoticeError> {
        let Wire { controller, items, language, purpose, recipients, retention_days, v, version } =
            from_json_exact(bytes, Self::LEN_MAX)?;
        let text = NoticeText { items, language, version };
        let notice = Self { controller, purpose, recipients, retention_days, text, v };
        notice.check()?;
        if notice.to_bytes()? == bytes { Ok(notice) } else { Err(JsonError::NotCanonical.into()) }
    }

    /// The bytes that a request names by their digest.
    pub fn to_bytes(&self) -> Result<Vec<u8>, JsonError> {
        to_canonical_json(self)
    }

    /// What a request says of it.
    pub fn reference(&self) -> Result<NoticeReference, JsonError> {
        Ok(NoticeReference {
            digest: sha256(&[&self.to_bytes()?]),
            language: self.text.language.clone(),
            version: self.text.version.clone(),
        })
    }

    /// Whether it is the one that `request` names, and tells what that asks.
    pub fn explains(&self, request: &ConsentRequest) -> Result<(), NoticeMismatch> {
        if self.reference().ok().as_ref() != Some(&request.notice) {
            return Err(NoticeMismatch::Another);
        }
        let asked = &request.terms;
        let same = self.tells(asked.purpose, &asked.recipients, asked.retention_days);
        if same { Ok(()) } else { Err(NoticeMismatch::Terms) }
    }

    /// Whether these are the terms that it tells.
    pub fn tells(
        &self,
        purpose: Purpose,
        recipients: &[ControllerId],
        retention_days: u16,
    ) -> bool {
        self.purpose == purpose
            && self.recipients == recipients
            && self.retention_days == retention_days
    }

    /// Whether it tells at least this: she was told the most that happens.
    pub fn covers(
        &self,
        purpose: Purpose,
        recipients: &[ControllerId],
        retention_days: u16,
    ) -> bool {
        self.purpose == purpose
            && recipients.iter().all(|one| self.recipients.contains(one))
            && retention_days <= self.retention_days
    }

    /// Who asks, in law: art. 13(1)(a).
    pub const fn controller(&self) -> &LegalIdentity {
        &self.controller
    }

    /// The author's own version.
    pub fn version(&self) -> &str {
        &self.text.version
    }

    /// Language tag of its words.
    pub fn language(&self) -> &str {
        &self.text.language
    }

    /// Everything that is told, in the order of [`NoticeItem::ALL`].
    pub fn items(&self) -> impl Iterator<Item = (NoticeItem, &str)> {
        self.text.items.iter().map(|(item, text)| (*item, text.as_str()))
    }

    fn check(&self) -> Result<(), NoticeError> {
        let rules = || {
            check_version(self.v)?;
            self.controller.check()?;
            check_set(&self.recipients, 32)?;
            super::terms::check_retention(self.retention_days)
        };
        rules().map_err(NoticeError::Rule)?;
        self.text.check()?;
        if self.to_bytes()?.len() > Self::LEN_MAX {
            return Err(JsonError::TooLong { max: Self::LEN_MAX }.into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{format, string::ToString as _};

    use proptest::prelude::*;

    use super::*;
    use crate::consent::sample::{legal, notice, notice_text, request, terms};

    #[test]
    fn what_is_written_is_read_again() {
        let notice = notice();
        assert_eq!(Notice::parse(&notice.to_bytes().unwrap()).unwrap(), notice);
    }

    #[test]
    fn a_notice_that_leaves_out_any_item_cannot_be_made_or_read() {
        let whole = str::from_utf8(&notice().to_bytes().unwrap()).unwrap().to_string();
        for item in NoticeItem::ALL {
            let told = &notice_text().items[item];
            for nothing in ["", " ", "—", "no", "12345", "?!"] {
                let mut text = notice_text();
                text.items.insert(*item, nothing.to_string());
                let refused = text.of(legal(), &terms()).unwrap_err();
                assert!(matches!(refused, NoticeError::Incomplete(which) if which == *item));
                let member = format!("\"{}\":\"{told}\"", item.as_str());
                assert!(whole.contains(&member), "{member}");
                let emptied = format!("\"{}\":\"{nothing}\"", item.as_str());
                let other = whole.replace(&member, &emptied);
                let refused = Notice::parse(other.as_bytes()).unwrap_err();
                assert!(matches!(refused, NoticeError::Incomplete(which) if which == *item));
            }
            let mut text = notice_text();
            text.items.remove(item);
            let refused = text.of(legal(), &terms()).unwrap_err();
            assert!(matches!(refused, NoticeError::Incomplete(which) if which == *item));
        }
    }

    #[test]
    fn a_notice_explains_its_own_request_and_no_other() {
        let notice = notice();
        let named = |change: &dyn Fn(&mut ConsentRequest)| {
            let mut request = request();
            request.notice = notice.reference().unwrap();
            change(&mut request);
            notice.explains(&request)
        };
        assert_eq!(named(&|_| ()), Ok(()));
        assert_eq!(named(&|r| r.notice.language = "en".into()), Err(NoticeMismatch::Another));
        assert_eq!(named(&|r| r.notice.version = "2".into()), Err(NoticeMismatch::Another));
        assert_eq!(named(&|r| r.notice.digest = sha256(&[])), Err(NoticeMismatch::Another));
        assert_eq!(named(&|r| r.terms.retention_days = 29), Err(NoticeMismatch::Terms));
        assert_eq!(
            named(&|r| r.terms.purpose = Purpose::StaffGreeting),
            Err(NoticeMismatch::Terms)
        );
        let ads = ControllerId::parse("ads.example").unwrap();
        assert_eq!(named(&|r| r.terms.recipients.push(ads.clone())), Err(NoticeMismatch::Terms));
    }

    #[test]
    fn every_item_is_spelled_as_the_wire_spells_it() {
        for item in NoticeItem::ALL {
            let text = to_canonical_json(item).unwrap();
            assert_eq!(text, format!("\"{}\"", item.as_str()).into_bytes());
        }
        assert!(NoticeItem::ALL.is_sorted_by(|a, b| a < b));
    }

    proptest! {
        #[test]
        fn nothing_makes_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            drop(Notice::parse(&bytes));
        }
    }
}
