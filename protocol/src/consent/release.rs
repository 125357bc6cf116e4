//! What leaves the agent under a grant: keys of a day, and data. Both travel sealed, a signed
//! document inside, and only after they stand in her own log.

use alloc::{collections::BTreeMap, string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use super::{
    answer::{self, Answers},
    intention::{self, Intention},
    remark::{self, Remark},
    till_receipt::{self, TillReceipt},
};
use crate::{
    crypto::Digest,
    document::{Document, DocumentRule, check_set, check_text, check_version},
    encoding::Bytes,
    id::{GrantId, Handle},
    jws::Typ,
    presence::ReleasedKeys,
    purpose::{DataCategory, Granularity},
    time::{Day, Timestamp},
};

/// The keys of one day, released under a grant of recognition, or with the till key of a loyalty account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// `commit(d)` of `spec/presence.md`, as it stands in both logs.
    pub commit: Digest,
    /// Which day.
    pub day: Day,
    /// Under which grant.
    pub grant: GrantId,
    /// Its handle.
    pub handle: Handle,
    /// `locator_key || binder_key`, 48 bytes; with `till_key`, where the purpose has one, 80.
    pub keys: Bytes,
    /// When.
    pub released: Timestamp,
    /// Version, 1.
    pub v: u8,
}

impl Document for Release {
    const TYP: Typ = Typ::Release;
    const LEN_MAX: usize = 8 << 10;

    fn check(&self) -> Result<(), DocumentRule> {
        check_version(self.v)?;
        let keys =
            ReleasedKeys::from_slice(self.day, &self.keys.0).map_err(|_| DocumentRule::Bounds)?;
        if self.commit == keys.commitment(&self.handle) {
            Ok(())
        } else {
            Err(DocumentRule::Commitment)
        }
    }
}

/// Personal data that leaves under a grant: a name and topics, all the wishes that a shop may answer now, or all the
/// answers that it may keep now.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disclosure {
    /// Her answers that the shop may keep, by question; 0 takes one back.
    #[serde(default, skip_serializing_if = "Answers::is_empty")]
    pub answers: Answers,
    /// The name she chose for this shop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen_name: Option<String>,
    /// When.
    pub disclosed: Timestamp,
    /// Everything that she says of the shop now; nothing at all takes back all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feedback: Option<Vec<Remark>>,
    /// Under which grant.
    pub grant: GrantId,
    /// Every till receipt that the shop may know as hers now; none at all takes back all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipts: Option<Vec<TillReceipt>>,
    /// Subjects she would like to be talked to about, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub topics: Vec<String>,
    /// Version, 1.
    pub v: u8,
    /// Every wish that the shop may answer now, by name; none at all takes back all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wishes: Option<Vec<Intention>>,
}

impl Disclosure {
    /// The categories of what it holds, sorted: the grant must name each.
    pub fn categories(&self) -> Vec<DataCategory> {
        let answers = self.answers.keys().map(|question| question.category());
        let name = self.chosen_name.as_ref().map(|_| DataCategory::ChosenName);
        let feedback = self.feedback.as_ref().map(|_| DataCategory::Feedback);
        let worded = self.feedback.iter().flatten().any(|remark| remark.words.is_some());
        let words = worded.then_some(DataCategory::FeedbackWords);
        let priced = self.receipts.iter().flatten().any(|receipt| receipt.total.is_some());
        let totals = priced.then_some(DataCategory::ReceiptTotals);
        let receipts = self.receipts.as_ref().map(|_| DataCategory::Receipts);
        let topics = (!self.topics.is_empty()).then_some(DataCategory::GreetingTopics);
        let detailed = self.wishes.iter().flatten().any(|wish| wish.detail.is_some());
        let detail = detailed.then_some(DataCategory::WishDetail);
        // That there is none is said of the wishes too.
        let wishes = self.wishes.as_ref().map(|_| DataCategory::WishKind);
        answers
            .chain(name)
            .chain(feedback)
            .chain(words)
            .chain(topics)
            .chain(totals)
            .chain(receipts)
            .chain(detail)
            .chain(wishes)
            .collect()
    }

    /// Whether it tells no wish, and of none more, than what was `told`: then it leaves as often as there is something to
    /// take back.
    pub fn tells_nothing_new(&self, told: &[Intention]) -> bool {
        let wishes_only = self.is_no_greeting()
            && self.answers.is_empty()
            && self.feedback.is_none()
            && self.receipts.is_none();
        let known = |one: &Intention| told.iter().any(|known| one.is_within(known));
        wishes_only && self.wishes.as_ref().is_some_and(|wishes| wishes.iter().all(known))
    }

    /// Whether it gives no answer beyond those that were `told`.
    pub fn answers_nothing_new(&self, told: &Answers) -> bool {
        let answers_only = self.is_no_greeting()
            && self.wishes.is_none()
            && self.feedback.is_none()
            && self.receipts.is_none();
        let known =
            |(question, choice): (_, &u8)| *choice == 0 || told.get(question) == Some(choice);
        answers_only && !self.answers.is_empty() && self.answers.iter().all(known)
    }

    /// Whether it is a list, and an empty one: it takes back whatever was told.
    pub fn takes_all_back(&self) -> bool {
        let empty = |list: Option<usize>| list.is_none_or(|len| len == 0);
        let lists = [
            self.wishes.as_ref().map(Vec::len),
            self.feedback.as_ref().map(Vec::len),
            self.receipts.as_ref().map(Vec::len),
        ];
        let alone = self.is_no_greeting() && self.answers.is_empty();
        alone && lists.iter().any(Option::is_some) && lists.into_iter().all(empty)
    }

    /// Whether it says nothing of the shop beyond what was `told`.
    pub fn remarks_nothing_new(&self, told: &[Remark]) -> bool {
        let others = self.wishes.is_some() || self.receipts.is_some();
        let alone = self.is_no_greeting() && self.answers.is_empty() && !others;
        let said = self.feedback.as_ref();
        alone && said.is_some_and(|said| said.iter().all(|remark| told.contains(remark)))
    }

    /// Whether it names no till receipt beyond those that were `told`.
    pub fn receipts_nothing_new(&self, told: &[TillReceipt]) -> bool {
        let others = self.wishes.is_some() || self.feedback.is_some();
        let alone = self.is_no_greeting() && self.answers.is_empty() && !others;
        let said = self.receipts.as_ref();
        alone && said.is_some_and(|said| said.iter().all(|receipt| told.contains(receipt)))
    }

    /// How finely it tells what it holds, by category: the thing itself, and of till receipts the day or the month.
    pub fn granularities(&self) -> BTreeMap<DataCategory, Granularity> {
        let finest = self.receipts.iter().flatten().map(TillReceipt::granularity).max();
        let granularity = |category| match category {
            DataCategory::Receipts => finest.unwrap_or(Granularity::Month),
            _ => Granularity::Exact,
        };
        let categories = self.categories();
        categories.into_iter().map(|category| (category, granularity(category))).collect()
    }

    const fn is_no_greeting(&self) -> bool {
        self.chosen_name.is_none() && self.topics.is_empty()
    }

    /// Whether it says the same, whenever it was said.
    pub fn says_the_same(&self, other: &Self) -> bool {
        Self { disclosed: other.disclosed, ..self.clone() } == *other
    }
}

impl core::fmt::Debug for Disclosure {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Disclosure({}, [private])", self.grant)
    }
}

impl Document for Disclosure {
    const TYP: Typ = Typ::Disclosure;
    const LEN_MAX: usize = 32 << 10;

    fn check(&self) -> Result<(), DocumentRule> {
        check_version(self.v)?;
        let silent = self.is_no_greeting()
            && self.wishes.is_none()
            && self.feedback.is_none()
            && self.receipts.is_none();
        if silent && self.answers.is_empty() {
            return Err(DocumentRule::List);
        }
        answer::check_answers(&self.answers)?;
        let feedback = self.feedback.as_deref().unwrap_or_default();
        remark::check_remarks(feedback, self.disclosed)?;
        let receipts = self.receipts.as_deref().unwrap_or_default();
        till_receipt::check_receipts(receipts, self.disclosed)?;
        intention::check_intentions(self.wishes.as_deref().unwrap_or_default())?;
        if let Some(name) = &self.chosen_name {
            check_text(name, 64)?;
        }
        check_set(&self.topics, 8)?;
        self.topics.iter().try_for_each(|topic| check_text(topic, 64))
    }
}

/// Associated data of a sealed release: type, grant, day.
pub fn release_context(grant: GrantId, day: Day) -> Vec<u8> {
    context(Typ::Release, grant, &day.as_number().to_be_bytes())
}

/// Associated data of a sealed disclosure: type and grant.
pub fn disclosure_context(grant: GrantId) -> Vec<u8> {
    context(Typ::Disclosure, grant, &[])
}

/// `type || 0x00 || grant (16 bytes) || extra`: the type has no zero byte, the rest a fixed size.
pub(super) fn context(typ: Typ, grant: GrantId, extra: &[u8]) -> Vec<u8> {
    [typ.as_str().as_bytes(), &[0], grant.as_bytes(), extra].concat()
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, format, string::ToString as _, vec};

    use super::*;
    use crate::{
        consent::{
            IntentionDetail, Month, Question, mail_context,
            sample::{NOW, key},
        },
        document::sign,
        id::{IntentionId, MailId},
        jws::Role,
        offer::Category,
    };

    fn disclosure() -> Disclosure {
        Disclosure {
            answers: Answers::new(),
            chosen_name: Some("Nour".to_string()),
            disclosed: NOW,
            feedback: None,
            grant: GrantId::from_bytes([1; 16]),
            receipts: None,
            topics: vec!["Randonnée".to_string()],
            v: 1,
            wishes: None,
        }
    }

    #[test]
    fn debug_shows_neither_name_nor_topics() {
        insta::assert_snapshot!(
            format!("{:?}", disclosure()),
            @"Disclosure(grant_01010101010101010101010101010101, [private])"
        );
        let signed = sign(disclosure(), Role::Subject, &key(1), NOW).unwrap();
        insta::assert_snapshot!(
            format!("{signed:?}"),
            @"Verified { jws: VerifiedJws(besace-disclosure+jws, 463 bytes), payload: Disclosure(grant_01010101010101010101010101010101, [private]) }"
        );
    }

    #[test]
    fn a_disclosure_names_the_categories_of_what_it_holds() {
        let categories = |name: bool, topics: bool| {
            let mut disclosure = disclosure();
            if !name {
                disclosure.chosen_name = None;
            }
            if !topics {
                disclosure.topics.clear();
            }
            (disclosure.check(), disclosure.categories())
        };
        let (name, topics) = (DataCategory::ChosenName, DataCategory::GreetingTopics);
        assert_eq!(categories(true, true), (Ok(()), vec![name, topics]));
        assert_eq!(categories(true, false), (Ok(()), vec![name]));
        assert_eq!(categories(false, true), (Ok(()), vec![topics]));
        assert_eq!(categories(false, false), (Err(DocumentRule::List), vec![]));
    }

    #[test]
    fn wishes_are_all_there_are_and_none_takes_them_back() {
        let wish = |id: u8| Intention {
            category: Category::Books,
            detail: None,
            id: IntentionId::from_bytes([id; 16]),
            price_band: None,
        };
        let says = |wishes: Vec<Intention>| Disclosure {
            chosen_name: None,
            topics: Vec::new(),
            wishes: Some(wishes),
            ..disclosure()
        };
        let (both, one, none) = (says(vec![wish(1), wish(2)]), says(vec![wish(2)]), says(vec![]));
        for said in [&both, &one, &none] {
            assert_eq!((said.check(), said.categories()), (Ok(()), vec![DataCategory::WishKind]));
            assert!(said.says_the_same(&Disclosure { disclosed: NOW.plus(9), ..said.clone() }));
            assert!(said.tells_nothing_new(said.wishes.as_ref().unwrap()));
        }
        let told = both.wishes.clone().unwrap();
        assert!(one.tells_nothing_new(&told) && none.tells_nothing_new(&told));
        assert!(none.tells_nothing_new(&[]) && !one.tells_nothing_new(&[]));
        assert!(!both.tells_nothing_new(&told[1..]) && !disclosure().tells_nothing_new(&told));
        assert!(!Disclosure { wishes: Some(vec![]), ..disclosure() }.tells_nothing_new(&told));
        let text = "trail shoes".to_string();
        let detail = IntentionDetail { gtin: None, max_price: None, text, until: None };
        let whole = says(vec![Intention { detail: Some(detail), ..wish(1) }]);
        assert_eq!(whole.categories(), [DataCategory::WishDetail, DataCategory::WishKind]);
    }

    #[test]
    fn an_answer_is_one_of_the_choices_and_is_given_once() {
        let says = |answers: &[(Question, u8)]| Disclosure {
            answers: answers.iter().copied().collect(),
            chosen_name: None,
            topics: Vec::new(),
            ..disclosure()
        };
        let told = says(&[(Question::Reach, 2), (Question::Visits, 3)]);
        assert_eq!(told.check(), Ok(()));
        assert_eq!(told.categories(), [DataCategory::AnswerReach, DataCategory::AnswerVisits]);
        for question in Question::ALL {
            assert_eq!(says(&[(*question, 0)]).check(), Ok(()), "it takes back");
            assert_eq!(says(&[(*question, question.choices())]).check(), Ok(()));
            let beyond = says(&[(*question, question.choices() + 1)]);
            assert_eq!(beyond.check(), Err(DocumentRule::Bounds), "{question:?}");
        }
        let nothing_new =
            |answers: &[(Question, u8)]| says(answers).answers_nothing_new(&told.answers);
        assert!(nothing_new(&[(Question::Reach, 2)]) && nothing_new(&[(Question::Visits, 0)]));
        assert!(!nothing_new(&[(Question::Reach, 1)]) && !nothing_new(&[(Question::Advice, 1)]));
        assert!(!disclosure().answers_nothing_new(&told.answers) && !told.tells_nothing_new(&[]));
    }

    #[test]
    fn remarks_are_all_there_are_and_none_takes_them_back() {
        let one = |rating| Remark {
            category: None,
            month: Month::new(2026, 11),
            rating: Some(rating),
            words: (rating == 2).then(|| "Un peu bruyant".to_string()),
        };
        let says = |remarks: &[Remark]| Disclosure {
            chosen_name: None,
            feedback: Some(remarks.to_vec()),
            topics: Vec::new(),
            ..disclosure()
        };
        let both = says(&[one(1), one(2)]);
        let named = [DataCategory::Feedback, DataCategory::FeedbackWords];
        assert_eq!((both.check(), both.categories()), (Ok(()), named.to_vec()));
        let told = both.feedback.clone().unwrap();
        for less in [says(&[]), says(&told[..1])] {
            assert_eq!((less.check(), less.categories()), (Ok(()), named[..1].to_vec()));
            assert!(less.remarks_nothing_new(&told));
        }
        assert!(!both.remarks_nothing_new(&told[..1]) && !disclosure().remarks_nothing_new(&told));
        assert!(!both.tells_nothing_new(&[]) && !both.answers_nothing_new(&Answers::new()));
    }

    #[test]
    fn a_release_commits_to_its_own_keys() {
        let day = Day::from_number(20_778);
        let handle = Handle::from_bytes([2; 16]);
        let keys = vec![7; 48];
        let commit = ReleasedKeys::from_slice(day, &keys).unwrap().commitment(&handle);
        let release = Release {
            commit,
            day,
            grant: GrantId::from_bytes([1; 16]),
            handle,
            keys: Bytes(keys),
            released: NOW,
            v: 1,
        };
        assert_eq!(release.check(), Ok(()));
        let of_another = [
            Release { day: day.plus(1), ..release.clone() },
            Release { handle: Handle::from_bytes([3; 16]), ..release.clone() },
            Release { keys: Bytes(vec![8; 48]), ..release.clone() },
            // With a till key, committed to as if there were none.
            Release { keys: Bytes(vec![7; 80]), ..release },
        ];
        for release in of_another {
            assert_eq!(release.check(), Err(DocumentRule::Commitment));
        }
        for len in [0, 47, 49, 79, 81] {
            let release = Release { keys: Bytes(vec![7; len]), ..release };
            assert_eq!(release.check(), Err(DocumentRule::Bounds), "{len}");
        }
    }

    #[test]
    fn no_two_sealed_messages_share_a_context() {
        let grants = [[0; 16], [1; 16]].map(GrantId::from_bytes);
        let days = [0, 1, 256].map(Day::from_number);
        let mail = [[0; 16], [1; 16]].map(MailId::from_bytes);
        let mut contexts = BTreeSet::new();
        for grant in grants {
            contexts.insert(disclosure_context(grant));
            contexts.extend(days.map(|day| release_context(grant, day)));
            contexts.extend(mail.map(|mail| mail_context(grant, mail)));
        }
        assert_eq!(contexts.len(), grants.len() * (1 + days.len() + mail.len()));
    }
}
