//! What an auditor brings along: kept apart from the bundle, and never taken from it.

use alloc::{collections::BTreeSet, string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use super::Report;
use crate::{
    consent::{ACKNOWLEDGEMENT_SECONDS, ERASURE_DAYS, VALID_DAYS_MAX},
    crypto::VerifyingKey,
    encoding::{JsonError, from_json, to_canonical_json},
    log::{
        LogKey, LogNumber, Origin, ParseWitnessPolicyError, UnverifiedCheckpoint, WitnessPolicy,
    },
    party::ControllerId,
    time::{DAY_SECONDS, Timestamp},
};

/// Longest policy that is read, in bytes.
const POLICY_LEN_MAX: usize = 1 << 20;

/// How old the cosignatures of a retailer's head may be before that is said, in seconds: as agents take them.
const COSIGNED_WITHIN_SECONDS: u64 = DAY_SECONDS;

/// Bytes that are not a policy.
#[derive(Debug, thiserror::Error)]
pub enum ParsePolicyError {
    /// Not the JSON of a policy.
    #[error("not the JSON of a policy")]
    Json(#[source] JsonError),
    /// Not version 1.
    #[error("policy of another version than 1")]
    Version,
    /// An item of `logs` is not a log key.
    #[error("log key {index} is not one")]
    LogKey {
        /// Which, from 0.
        index: usize,
    },
    /// An item of `remembered` is not a checkpoint.
    #[error("remembered checkpoint {index} is not one")]
    Remembered {
        /// Which, from 0.
        index: usize,
    },
    /// `witnesses` is not a policy of witnesses.
    #[error("not a policy of witnesses")]
    Witnesses(#[source] ParseWitnessPolicyError),
}

/// Whom the auditor believes that a head was shown to everybody, with the text that says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinnedWitnesses {
    text: String,
    policy: WitnessPolicy,
}

impl PinnedWitnesses {
    /// Reads a policy as `spec/witness.md#policy` describes it: C2SP's tlog-policy.
    pub fn parse(text: &[u8]) -> Result<Self, ParseWitnessPolicyError> {
        let policy = WitnessPolicy::parse(text)?;
        // What was read is ASCII.
        Ok(Self { text: String::from_utf8_lossy(text).into_owned(), policy })
    }

    /// The policy.
    pub const fn policy(&self) -> &WitnessPolicy {
        &self.policy
    }
}

/// A retailer whose keys the auditor knows by other means than the bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinnedController {
    /// The domain.
    pub domain: ControllerId,
    /// Signs its documents.
    pub key: VerifyingKey,
    /// Which of its logs it writes: above the first, it lost a store (`spec/restoration.md`).
    #[serde(default, skip_serializing_if = "LogNumber::is_first")]
    pub log: LogNumber,
    /// Signs the checkpoints of that log.
    pub log_key: VerifyingKey,
}

impl PinnedController {
    /// The log that it writes.
    pub fn log(&self) -> LogKey {
        LogKey::new(Origin::retailer_nth(&self.domain, self.log), self.log_key)
    }
}

/// The auditor's own file: pinned keys, heads of earlier visits, deadlines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How long a retailer may take to acknowledge a withdrawal, in seconds.
    pub acknowledge_within_seconds: u64,
    /// Retailers.
    pub controllers: Vec<PinnedController>,
    /// How old the cosignatures of a retailer's head may be before that is said, in seconds.
    pub cosigned_within_seconds: u64,
    /// How long it may take to erase what it held, after it acknowledged or the grant ran out, in seconds.
    pub erase_within_seconds: u64,
    /// Keys of other logs. A pseudonym's log need not be named: a valid grant names its key. Those that a retailer wrote
    /// before the one that is pinned may be named.
    pub logs: Vec<LogKey>,
    /// When the bundle is judged; the program's clock, if absent.
    pub now: Option<Timestamp>,
    /// Heads of earlier visits.
    pub remembered: Vec<UnverifiedCheckpoint>,
    /// How far two clocks may be apart, in seconds.
    pub skew_seconds: u64,
    /// How long a grant may be valid, in days.
    pub valid_days_max: u16,
    /// Who has to have cosigned the heads of retailers' logs; nobody is asked, if absent.
    pub witnesses: Option<PinnedWitnesses>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    #[serde(default = "default_acknowledge_within_seconds")]
    acknowledge_within_seconds: u64,
    controllers: Vec<PinnedController>,
    #[serde(default = "default_cosigned_within_seconds")]
    cosigned_within_seconds: u64,
    #[serde(default = "default_erase_within_seconds")]
    erase_within_seconds: u64,
    #[serde(default)]
    logs: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    now: Option<Timestamp>,
    #[serde(default)]
    remembered: Vec<String>,
    #[serde(default = "default_skew_seconds")]
    skew_seconds: u64,
    v: u8,
    #[serde(default = "default_valid_days_max")]
    valid_days_max: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    witnesses: Option<String>,
}

const fn default_cosigned_within_seconds() -> u64 {
    COSIGNED_WITHIN_SECONDS
}

const fn default_valid_days_max() -> u16 {
    VALID_DAYS_MAX
}

const fn default_acknowledge_within_seconds() -> u64 {
    ACKNOWLEDGEMENT_SECONDS
}

const fn default_erase_within_seconds() -> u64 {
    ERASURE_DAYS.saturating_mul(DAY_SECONDS)
}

const fn default_skew_seconds() -> u64 {
    90
}

impl Policy {
    /// Pins `controllers`; no other log, no memory, the usual deadlines.
    pub const fn new(controllers: Vec<PinnedController>) -> Self {
        Self {
            acknowledge_within_seconds: default_acknowledge_within_seconds(),
            controllers,
            cosigned_within_seconds: default_cosigned_within_seconds(),
            erase_within_seconds: default_erase_within_seconds(),
            logs: Vec::new(),
            now: None,
            remembered: Vec::new(),
            skew_seconds: default_skew_seconds(),
            valid_days_max: default_valid_days_max(),
            witnesses: None,
        }
    }

    /// Reads the JSON of a policy. It is written by hand, so any layout will do.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParsePolicyError> {
        let wire: Wire = from_json(bytes, POLICY_LEN_MAX).map_err(ParsePolicyError::Json)?;
        if wire.v != 1 {
            return Err(ParsePolicyError::Version);
        }
        let mut logs = Vec::new();
        for (index, text) in wire.logs.iter().enumerate() {
            logs.push(LogKey::parse(text).map_err(|_| ParsePolicyError::LogKey { index })?);
        }
        let mut remembered = Vec::new();
        for (index, text) in wire.remembered.iter().enumerate() {
            let head = UnverifiedCheckpoint::parse(text.as_bytes());
            remembered.push(head.map_err(|_| ParsePolicyError::Remembered { index })?);
        }
        let witnesses = wire.witnesses.map(|text| PinnedWitnesses::parse(text.as_bytes()));
        Ok(Self {
            acknowledge_within_seconds: wire.acknowledge_within_seconds,
            controllers: wire.controllers,
            cosigned_within_seconds: wire.cosigned_within_seconds,
            erase_within_seconds: wire.erase_within_seconds,
            logs,
            now: wire.now,
            remembered,
            skew_seconds: wire.skew_seconds,
            valid_days_max: wire.valid_days_max,
            witnesses: witnesses.transpose().map_err(ParsePolicyError::Witnesses)?,
        })
    }

    /// The JSON, canonically.
    pub fn to_bytes(&self) -> Result<Vec<u8>, JsonError> {
        to_canonical_json(&Wire {
            acknowledge_within_seconds: self.acknowledge_within_seconds,
            controllers: self.controllers.clone(),
            cosigned_within_seconds: self.cosigned_within_seconds,
            erase_within_seconds: self.erase_within_seconds,
            logs: self.logs.iter().map(|key| alloc::format!("{key}")).collect(),
            now: self.now,
            remembered: self.remembered.iter().map(|head| String::from(head.as_str())).collect(),
            skew_seconds: self.skew_seconds,
            v: 1,
            valid_days_max: self.valid_days_max,
            witnesses: self.witnesses.as_ref().map(|witnesses| witnesses.text.clone()),
        })
    }

    /// The same policy for the next visit: the heads that `report` read replace those remembered of
    /// the same logs; and the largest one with lines of witnesses.
    /// Only after a report that holds; a broken log is not to be remembered.
    #[must_use]
    pub fn remembering(&self, report: &Report) -> Self {
        let mut next = self.clone();
        let parse = |text: &String| UnverifiedCheckpoint::parse(text.as_bytes()).ok();
        for log in &report.logs {
            let Some(head) = parse(&log.head) else { continue };
            let others: Vec<_>;
            (next.remembered, others) = next
                .remembered
                .into_iter()
                .partition(|old| old.claimed_origin() != head.claimed_origin());
            let cosigned = others.into_iter().filter(has_lines_of_others);
            let cosigned = cosigned.chain(log.cosigned.as_ref().and_then(parse));
            let largest = cosigned.max_by_key(UnverifiedCheckpoint::claimed_size);
            next.remembered.push(head);
            next.remembered.extend(largest);
        }
        next
    }

    /// The pinned retailer of this domain.
    pub(super) fn controller(&self, domain: &ControllerId) -> Option<&PinnedController> {
        self.controllers.iter().find(|controller| controller.domain == *domain)
    }

    /// Which of the pinned retailers this is.
    pub(super) fn position(&self, domain: &ControllerId) -> usize {
        let at = self.controllers.iter().position(|controller| controller.domain == *domain);
        at.unwrap_or(usize::MAX)
    }

    /// The keys of all pinned logs.
    pub(super) fn log_keys(&self) -> impl Iterator<Item = LogKey> + '_ {
        self.controllers.iter().map(PinnedController::log).chain(self.logs.iter().cloned())
    }

    /// The logs of which a head is remembered.
    pub(super) fn remembered_origins(&self) -> BTreeSet<&Origin> {
        self.remembered.iter().map(UnverifiedCheckpoint::claimed_origin).collect()
    }
}

/// Whether somebody beside its log signed a head.
fn has_lines_of_others(head: &UnverifiedCheckpoint) -> bool {
    head.as_str().rsplit_once("\n\n").is_some_and(|(_, lines)| lines.lines().nth(1).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{SecretBytes, SigningKey};

    fn policy() -> Policy {
        let key = |fill| {
            SigningKey::from_seed(&SecretBytes::init_with(|seed: &mut [u8; 32]| seed.fill(fill)))
                .verifying_key()
        };
        Policy::new(alloc::vec![PinnedController {
            domain: ControllerId::parse("shop.example").unwrap(),
            key: key(1),
            log: LogNumber::FIRST,
            log_key: key(2),
        }])
    }

    #[test]
    fn a_policy_comes_back() {
        let bytes = policy().to_bytes().unwrap();
        assert_eq!(Policy::parse(&bytes).unwrap(), policy());
        let text = String::from_utf8(bytes).unwrap();
        insta::assert_snapshot!(text, @r#"{"acknowledge_within_seconds":86400,"controllers":[{"domain":"shop.example","key":"iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w","log_key":"gTl3Dqh9F19Wo1Rmw0x-zMuNipG07jeiXfYPW4_Js5Q"}],"cosigned_within_seconds":86400,"erase_within_seconds":2678400,"logs":[],"remembered":[],"skew_seconds":90,"v":1,"valid_days_max":396}"#);
    }

    #[test]
    fn a_policy_names_the_log_of_a_retailer_by_its_number_unless_it_is_the_first() {
        let mut policy = policy();
        for pinned in &mut policy.controllers {
            pinned.log = LogNumber::new(2).unwrap();
        }
        let text = String::from_utf8(policy.to_bytes().unwrap()).unwrap();
        assert!(text.contains(r#""log":2,"log_key""#), "{text}");
        assert_eq!(Policy::parse(text.as_bytes()).unwrap(), policy);
        let origins: Vec<Origin> = policy.log_keys().map(|key| key.origin().clone()).collect();
        assert_eq!(origins, [Origin::parse("shop.example/besace/2").unwrap()]);
        for bad in ["1", "0", "65", "null"] {
            let bad = text.replace(r#""log":2"#, &alloc::format!(r#""log":{bad}"#));
            assert!(Policy::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn deadlines_may_be_left_out_and_nothing_may_be_added() {
        let short = br#"{ "controllers": [], "v": 1 }"#;
        assert_eq!(Policy::parse(short).unwrap(), Policy::new(Vec::new()));
        let none = br#"{"controllers": [], "v": 1, "witnesses": "quorum none\n"}"#;
        let none = Policy::parse(none).unwrap();
        assert!(none.witnesses.as_ref().is_some_and(|witnesses| !witnesses.policy().asks()));
        assert_eq!(Policy::parse(&none.to_bytes().unwrap()).unwrap(), none);
        for bad in [
            r#"{"controllers":[],"v":2}"#,
            r#"{"controllers":[],"v":1,"trust":"everybody"}"#,
            r#"{"controllers":[],"logs":["x"],"v":1}"#,
            r#"{"controllers":[],"remembered":["x"],"v":1}"#,
            r#"{"controllers":[],"v":1,"witnesses":"quorum somebody\n"}"#,
        ] {
            assert!(Policy::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
