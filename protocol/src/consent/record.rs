//! What stands in the logs: a signed document as it travelled, or one of the plain records below.
//!
//! A plain record is canonical JSON with the member `kind`; a signed one is the bytes of its JWS.
//! `spec/consent.md#records` says who writes which into whose log.

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use super::continuation::{Cause, LogHead};
use crate::{
    crypto::{Digest, Label, labelled_hash},
    encoding::{
        Bytes, JSON_INTEGER_MAX, JsonError, from_base64url, from_json_exact, parse_decimal,
        to_canonical_json,
    },
    id::{GrantId, IntentionId, LogId},
    jws::{ParseJwsError, UnverifiedJws},
    party::ShopCode,
    purpose::DataCategory,
    time::{Day, Timestamp},
};

/// Longest record, in bytes: a catalogue or a manifest is logged by its digest, all else whole.
pub const RECORD_LEN_MAX: usize = 64 << 10;

/// A record of either kind, not checked against any key.
#[derive(Clone, Debug)]
pub enum Record {
    /// The bytes of a signed document.
    Signed(UnverifiedJws),
    /// A plain record.
    Plain(RecordKind),
}

impl Record {
    /// Reads a record: a JWS, or a plain record in canonical form.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseRecordError> {
        if bytes.starts_with(b"{\"payload\":") {
            return UnverifiedJws::parse(bytes, RECORD_LEN_MAX)
                .map(Self::Signed)
                .map_err(ParseRecordError::Signed);
        }
        RecordKind::parse(bytes).map(Self::Plain).map_err(ParseRecordError::Plain)
    }
}

/// Bytes that are no record.
#[derive(Debug, thiserror::Error)]
pub enum ParseRecordError {
    /// Looks like a signed document, but is none.
    #[error("record is not a signed document")]
    Signed(#[source] ParseJwsError),
    /// Not one of the plain records either.
    #[error("record is of no known kind")]
    Plain(#[source] JsonError),
}

/// The plain records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RecordKind {
    /// Hers: keys of a day are about to leave.
    Released(Released),
    /// Hers: data is about to leave.
    Disclosed(Disclosed),
    /// The retailer's: keys of a day arrived.
    ReleaseReceived(Released),
    /// The retailer's: data arrived.
    DisclosureReceived(DisclosureReceived),
    /// The retailer's: something was done under a grant.
    Use(UseRecord),
    /// The retailer's: keys or data were deleted.
    Deleted(Deleted),
    /// The retailer's: a public document was published.
    Published(Published),
    /// Hers, and first in its log: what the log before it came to.
    Anchor(Anchor),
    /// The retailer's: a continuation left out what she had shown.
    Discrepancy(Discrepancy),
    /// Her vault's own: a delegate acted for her.
    Delegated(Delegated),
}

impl RecordKind {
    /// Reads canonical JSON: an object, as [`to_bytes`](Self::to_bytes) writes it.
    pub fn parse(bytes: &[u8]) -> Result<Self, JsonError> {
        // Most of what an auditor reads: a use in its one spelling is read as it is written.
        if let Some(record) = UseRecord::read_as_written(bytes) {
            return Ok(Self::Use(record));
        }
        Self::parse_json(bytes)
    }

    fn parse_json(bytes: &[u8]) -> Result<Self, JsonError> {
        let record: Self = from_json_exact(bytes, RECORD_LEN_MAX)?;
        if let Self::Use(UseRecord { action, intention, .. }) = &record
            && (*action == Action::WishAccepted) != intention.is_some()
        {
            let source =
                serde_json::Error::custom("a wish is of its acceptance, and of no other use");
            return Err(JsonError::Malformed { line: 0, column: 0, source });
        }
        // Members without their names, in an array, would be a second spelling.
        if record.to_bytes()? == bytes { Ok(record) } else { Err(JsonError::NotCanonical) }
    }

    /// The canonical bytes that are committed to.
    pub fn to_bytes(&self) -> Result<Vec<u8>, JsonError> {
        to_canonical_json(self)
    }
}

/// What a delegate called for, and her agent is about to do. `spec/mandate.md#record`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delegated {
    /// When.
    pub at: Timestamp,
    /// The call, as the delegate signed it.
    pub call: Bytes,
}

/// Keys of one day, by commitment only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Released {
    /// When.
    pub at: Timestamp,
    /// `commit(d)` of `spec/presence.md`.
    pub commit: Digest,
    /// Which day.
    pub day: Day,
    /// Under which grant.
    pub grant: GrantId,
}

/// Data that leaves, by digest only: values have no place in a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disclosed {
    /// When.
    pub at: Timestamp,
    /// Which categories, sorted, at least one.
    #[serde(deserialize_with = "increasing")]
    pub categories: Vec<DataCategory>,
    /// SHA-256 of the signed disclosure's bytes.
    pub digest: Digest,
    /// Under which grant.
    pub grant: GrantId,
}

/// Data that arrived, by digest only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DisclosureReceived {
    /// When.
    pub at: Timestamp,
    /// SHA-256 of the signed disclosure's bytes: equals the one in her log.
    pub digest: Digest,
    /// Under which grant.
    pub grant: GrantId,
}

/// One use under a grant: gapless by `counter`, chained by `prev`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UseRecord {
    /// What was done.
    pub action: Action,
    /// When.
    pub at: Timestamp,
    /// 1, 2, 3 … for each grant.
    pub counter: u64,
    /// Under which grant.
    pub grant: GrantId,
    /// Which wish was accepted; of no other use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intention: Option<IntentionId>,
    /// Head of the chain before this use.
    pub prev: Digest,
    /// Where.
    pub shop: ShopCode,
}

impl UseRecord {
    /// Takes nothing that the reader of JSON would refuse or read otherwise, and all that it takes.
    fn read_as_written(bytes: &[u8]) -> Option<Self> {
        let rest = core::str::from_utf8(bytes).ok()?.strip_prefix("{\"action\":\"")?;
        let (action, rest) = rest.split_once("\",\"at\":")?;
        let (at, rest) = rest.split_once(",\"counter\":")?;
        let (counter, rest) = rest.split_once(",\"grant\":\"")?;
        let (grant, rest) = rest.split_once("\",\"kind\":\"use\",\"prev\":\"")?;
        let (prev, rest) = rest.split_once("\",\"shop\":\"")?;
        let number = |text| parse_decimal(text).filter(|number| *number <= JSON_INTEGER_MAX);
        Some(Self {
            action: Action::parse(action)?,
            at: Timestamp::from_unix_seconds(number(at)?),
            counter: number(counter)?,
            grant: GrantId::parse(grant).ok()?,
            intention: None,
            prev: Digest::from_bytes(from_base64url(prev).ok()?.try_into().ok()?),
            shop: ShopCode::parse(rest.strip_suffix("\"}")?).ok()?,
        })
    }
}

/// What was done under a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// An ephemeral identifier resolved, bound to shop and time.
    Recognised,
    /// One resolved that was bound to nothing.
    RecognisedUnbound,
    /// The chosen name was shown to staff.
    Greeted,
    /// Her phone or her code said at a till who is there.
    Identified,
    /// She signed for an amount at a till.
    Debited,
    /// The shop accepted a wish: it may learn the rest of it.
    WishAccepted,
    /// Somebody of the shop asked whether a till receipt is hers, and heard that it is.
    ReceiptFound,
}

impl Action {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "recognised" => Some(Self::Recognised),
            "recognised_unbound" => Some(Self::RecognisedUnbound),
            "greeted" => Some(Self::Greeted),
            "identified" => Some(Self::Identified),
            "debited" => Some(Self::Debited),
            "receipt_found" => Some(Self::ReceiptFound),
            // With the wish it is about: read as any JSON is.
            _ => None,
        }
    }
}

/// Count and head of the uses under one grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UseHead {
    /// How many uses there were.
    pub count: u64,
    /// Head of their chain.
    pub head: Digest,
}

/// A set, in its one order.
fn increasing<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Ord,
{
    let items = Vec::<T>::deserialize(deserializer)?;
    if items.is_sorted_by(|a, b| a < b) {
        Ok(items)
    } else {
        Err(D::Error::custom("not strictly increasing"))
    }
}

impl UseHead {
    /// Before the first use: bound to the grant.
    pub fn start(grant: GrantId) -> Self {
        Self { count: 0, head: labelled_hash(Label::UseChain, &[grant.as_bytes()]) }
    }

    /// Whether `record` is the use that comes next: neither one left out nor one told twice.
    pub fn precedes(&self, record: &UseRecord) -> bool {
        self.count.checked_add(1) == Some(record.counter) && record.prev == self.head
    }

    /// After one more use: `head = SHA-256(Label("besace log/v1 use chain") || salt[32] ||
    /// SHA-256(record))`. Salted, so that a head that is kept says nothing about a record that is not;
    /// labelled, so that it equals no leaf.
    #[must_use]
    pub fn after(self, salt: &[u8; 32], record: &[u8]) -> Self {
        let digest = crate::crypto::sha256(&[record]);
        Self {
            count: self.count.saturating_add(1),
            head: labelled_hash(Label::UseChain, &[salt, digest.as_bytes()]),
        }
    }
}

/// Deletion at the retailer's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deleted {
    /// When.
    pub at: Timestamp,
    /// Days whose keys were deleted, sorted; none where a grant had none.
    #[serde(deserialize_with = "increasing")]
    pub days: Vec<Day>,
    /// Under which grant.
    pub grant: GrantId,
    /// Why.
    pub reason: Deletion,
}

/// Why something was deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deletion {
    /// The day is over.
    DayOver,
    /// The grant was withdrawn.
    Withdrawn,
    /// The grant expired.
    Expired,
    /// The controller ended it.
    Revoked,
    /// Another grant took its place.
    Superseded,
}

/// A public document, by digest: the bytes are public anyway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Published {
    /// When.
    pub at: Timestamp,
    /// SHA-256 of the JWS bytes.
    pub digest: Digest,
}

/// The head of the log that this one goes on from, as the first entry of the new one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Anchor {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub cause: Cause,
    /// The last head of it that is known.
    #[serde(deserialize_with = "head")]
    pub head: LogHead,
    /// The log that was left.
    pub log: LogId,
}

/// What a retailer held against the head that a continuation names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Discrepancy {
    /// When.
    pub at: Timestamp,
    /// Digest of the continuation's payload.
    pub continuation: Digest,
    /// The checkpoint of the log that was left, as she had signed and shown it.
    pub shown: String,
}

/// A head that a log can have.
fn head<'de, D: Deserializer<'de>>(deserializer: D) -> Result<LogHead, D::Error> {
    let head = LogHead::deserialize(deserializer)?;
    if head.check().is_ok() { Ok(head) } else { Err(D::Error::custom("not the head of a log")) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_record_is_an_object() {
        let at = Timestamp::from_unix_seconds(5);
        let record = RecordKind::Published(Published { at, digest: crate::crypto::sha256(&[]) });
        let object = record.to_bytes().unwrap();
        assert_eq!(RecordKind::parse(&object).unwrap(), record);
        let digest = crate::crypto::sha256(&[]);
        for array in [
            std::format!(r#"["published",5,"{digest}"]"#),
            std::format!(r#"["published",[5,"{digest}"]]"#),
            std::format!(r#"["published",{{"at":5,"digest":"{digest}"}}]"#),
        ] {
            assert!(RecordKind::parse(array.as_bytes()).is_err(), "{array}");
        }
    }

    fn use_record() -> RecordKind {
        let grant = GrantId::from_bytes([1; 16]);
        RecordKind::Use(UseRecord {
            action: Action::Recognised,
            at: Timestamp::from_unix_seconds(5),
            counter: 1,
            grant,
            intention: None,
            prev: UseHead::start(grant).head,
            shop: ShopCode::from_bytes([0, 0, 0, 1]),
        })
    }

    #[test]
    fn a_record_comes_back_and_has_one_spelling() {
        let bytes = use_record().to_bytes().unwrap();
        assert_eq!(RecordKind::parse(&bytes).unwrap(), use_record());
        let text = String::from_utf8(bytes).unwrap();
        for other in [
            text.replace("\"at\":5", "\"at\":5,\"name\":\"x\""),
            text.replace("\"at\":5", "\"at\": 5"),
            text.replace("\"kind\":\"use\"", "\"kind\":\"used\""),
            text.replace("\"counter\":1,", ""),
        ] {
            assert!(RecordKind::parse(other.as_bytes()).is_err(), "{other}");
        }
    }

    #[test]
    fn heads_of_two_salts_differ_and_count_up() {
        let start = UseHead::start(GrantId::from_bytes([1; 16]));
        let (a, b) = (start.after(&[1; 32], b"record"), start.after(&[2; 32], b"record"));
        assert_eq!((a.count, b.count), (1, 1));
        assert_ne!(a.head, b.head);
    }

    #[test]
    fn the_next_use_has_the_next_number_and_the_last_head() {
        let grant = GrantId::from_bytes([1; 16]);
        let RecordKind::Use(first) = use_record() else { panic!() };
        let head = UseHead::start(grant);
        assert!(head.precedes(&first));
        for bad in [
            UseRecord { counter: 0, ..first.clone() },
            UseRecord { counter: 2, ..first.clone() },
            UseRecord { prev: UseHead::start(GrantId::from_bytes([2; 16])).head, ..first },
        ] {
            assert!(!head.precedes(&bad), "{bad:?}");
        }
        let RecordKind::Use(first) = use_record() else { panic!() };
        let later = head.after(&[7; 32], &use_record().to_bytes().unwrap());
        assert!(!later.precedes(&first));
        assert!(later.precedes(&UseRecord { counter: 2, prev: later.head, ..first }));
    }

    #[test]
    fn a_wish_is_of_its_acceptance_and_of_no_other_use() {
        let RecordKind::Use(used) = use_record() else { panic!() };
        let wish = Some(IntentionId::from_bytes([3; 16]));
        for (action, intention, reads) in [
            (Action::WishAccepted, wish, true),
            (Action::WishAccepted, None, false),
            (Action::Recognised, wish, false),
            (Action::Recognised, None, true),
        ] {
            let record = RecordKind::Use(UseRecord { action, intention, ..used.clone() });
            let read = RecordKind::parse(&record.to_bytes().unwrap());
            assert_eq!(read.is_ok_and(|read| read == record), reads, "{action:?} {intention:?}");
        }
    }

    #[test]
    fn categories_and_days_have_one_order() {
        let grant = GrantId::from_bytes([1; 16]);
        let deleted = |days: &str| {
            let text = alloc::format!(
                "{{\"at\":5,\"days\":[{days}],\"grant\":\"{grant}\",\"kind\":\"deleted\",\"reason\":\"withdrawn\"}}"
            );
            RecordKind::parse(text.as_bytes()).is_ok()
        };
        assert!(deleted("") && deleted("1") && deleted("1,2"));
        assert!(!deleted("2,1") && !deleted("1,1"));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _unread = Record::parse(&bytes).is_ok();
        }

        #[test]
        fn no_changed_record_reads_as_the_same(at in any::<prop::sample::Index>(), to in any::<u8>()) {
            let good = use_record().to_bytes().unwrap();
            let mut bytes = good.clone();
            bytes[at.index(good.len())] = to;
            if let Ok(Record::Plain(record)) = Record::parse(&bytes) {
                prop_assert_eq!(record == use_record(), bytes == good);
            }
        }

        #[test]
        fn both_readers_of_a_use_agree(
            action in 0..5_usize,
            at in any::<prop::sample::Index>(),
            to in any::<u8>(),
        ) {
            let RecordKind::Use(mut record) = use_record() else { unreachable!() };
            record.action = [
                Action::Recognised,
                Action::RecognisedUnbound,
                Action::Greeted,
                Action::Identified,
                Action::Debited,
            ][action];
            let mut bytes = RecordKind::Use(record.clone()).to_bytes().unwrap();
            prop_assert_eq!(UseRecord::read_as_written(&bytes), Some(record));
            let at = at.index(bytes.len());
            bytes[at] = to;
            let json = RecordKind::parse_json(&bytes).ok();
            prop_assert_eq!(UseRecord::read_as_written(&bytes).map(RecordKind::Use), json);
        }

        #[test]
        fn every_plain_record_comes_back(record in any_record()) {
            let bytes = record.to_bytes().unwrap();
            prop_assert_eq!(RecordKind::parse(&bytes).unwrap(), record);
        }
    }

    fn any_record() -> impl Strategy<Value = RecordKind> {
        let at = (0..1_u64 << 53).prop_map(Timestamp::from_unix_seconds);
        let digest = any::<[u8; 32]>().prop_map(Digest::from_bytes);
        let grant = any::<[u8; 16]>().prop_map(GrantId::from_bytes);
        let days = prop::collection::btree_set(any::<u32>(), 0..4);
        let days = days.prop_map(|days| days.into_iter().map(Day::from_number).collect::<Vec<_>>());
        (at, digest, grant, days, 1_u64..1 << 53, 0..10).prop_map(
            |(at, digest, grant, days, counter, kind)| {
                let day = days.first().copied().unwrap_or(Day::from_number(0));
                let released = Released { at, commit: digest, day, grant };
                match kind {
                    0 => RecordKind::Released(released),
                    1 => RecordKind::ReleaseReceived(released),
                    2 => RecordKind::Disclosed(Disclosed {
                        at,
                        categories: Vec::from([DataCategory::ChosenName]),
                        digest,
                        grant,
                    }),
                    3 => RecordKind::DisclosureReceived(DisclosureReceived { at, digest, grant }),
                    4 => RecordKind::Use(UseRecord {
                        action: Action::Greeted,
                        at,
                        counter,
                        grant,
                        intention: None,
                        prev: digest,
                        shop: ShopCode::from_bytes([0, 0, 0, 1]),
                    }),
                    5 => {
                        RecordKind::Deleted(Deleted { at, days, grant, reason: Deletion::DayOver })
                    }
                    6 => RecordKind::Anchor(Anchor {
                        at,
                        cause: Cause::Restore,
                        head: LogHead { root: digest, size: counter },
                        log: LogId::from_bytes([1; 16]),
                    }),
                    8 => RecordKind::Delegated(Delegated {
                        at,
                        call: Bytes(digest.as_bytes().to_vec()),
                    }),
                    7 => RecordKind::Discrepancy(Discrepancy {
                        at,
                        continuation: digest,
                        shown: alloc::format!("{grant}\n{counter}\n"),
                    }),
                    _ => RecordKind::Published(Published { at, digest }),
                }
            },
        )
    }
}
