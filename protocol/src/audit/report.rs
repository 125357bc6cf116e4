//! What an audit says: first what could not be checked, then what does not hold, then what does.

use alloc::{
    boxed::Box,
    collections::BTreeMap,
    string::{String, ToString as _},
    vec::Vec,
};
use core::{
    error::Error,
    fmt,
    mem::{Discriminant, discriminant},
};

use serde::{Serialize, Serializer};

use super::{BundlePath, LogFile, OpeningLineError, openings::number_of};
use crate::{
    consent::{GrantMismatch, NoticeError, NoticeMismatch, ParseRecordError, WithdrawalMismatch},
    crypto::Digest,
    document::ParseDocumentError,
    id::{GrantId, RequestId},
    jws::VerifyJwsError,
    log::{
        OpeningError, Origin, ParseBundleError, ParseCheckpointError, SignedCheckpoint,
        VerifyCheckpointError,
    },
    time::Day,
};

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The bundle is not what was signed: nothing in it proves anything until that is cleared up.
    Evidence,
    /// Something was done that no grant allowed, or was hidden.
    Breach,
    /// A duty was met late or not at all.
    Duty,
}

macro_rules! assertions {
    ($($(#[$doc:meta])* $name:ident: $severity:ident = $says:literal;)*) => {
        /// What is asserted. `spec/audit.md#assertions` explains each; ids never change their meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
        pub enum Assertion {
            $($(#[$doc])* $name,)*
        }

        impl Assertion {
            /// Every assertion there is.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its id.
            pub const fn id(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }

            /// What has to hold.
            pub const fn says(self) -> &'static str {
                match self { $(Self::$name => $says,)* }
            }

            /// How much it weighs when it does not.
            pub const fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)* }
            }
        }
    };
}

assertions! {
    /// Files.
    B1: Evidence = "the bundle holds the files of its form, all of them and no other";
    /// Heads.
    L1: Evidence = "each head is signed by its log alone, with the key that is pinned for it";
    /// Memory.
    L3: Evidence = "each log begins with every head of it that was seen before";
    /// Tiles.
    L4: Evidence = "each entry stands in its tile, and the tiles give the root of the head";
    /// Forks.
    L5: Evidence = "no log has two heads of one size";
    /// Openings.
    L7: Evidence = "each opening fits its entry";
    /// Moments.
    L8: Duty = "the moments in a log do not run backwards";
    /// Signatures.
    G1: Evidence = "each document is signed by the parties it needs, with the keys it names";
    /// Form: also one purpose, an end, how consent was expressed, no hold on ordinary benefits.
    G2: Evidence = "each record has the form and keeps the rules of the specification";
    /// Requests.
    G3: Breach = "each grant takes the terms of a request that was open, word for word";
    /// Notices.
    G4: Duty = "the notice of each grant is archived, is the one it names, and tells what GDPR art. 13 asks";
    /// Succession, in the retailer's log.
    S1: Evidence = "each continuation is signed by both keys and begins where its pseudonym stood";
    /// Succession, in hers.
    S2: Evidence = "each log that goes on from another begins with an anchor to the head that its continuation names";
    /// Liveness.
    U1: Breach = "each use, release and disclosure names a grant that was live at that entry";
    /// After the end.
    U2: Breach = "nothing is used, released or disclosed after a withdrawal";
    /// Terms.
    U3: Breach = "each use keeps within shops, frequency, categories and days of its grant";
    /// Purpose.
    U4: Breach = "what was done is of the purpose that was granted";
    /// Two logs.
    U5: Breach = "what one log says was received, the other says was sent";
    /// Order.
    U6: Breach = "what left was logged before it arrived";
    /// Counters.
    U8: Breach = "the uses under each grant are counted without a gap and chained";
    /// Statements.
    U9: Breach = "the counts that the retailer signed are those of the uses that were shown";
    /// Acknowledgement.
    W1: Duty = "each withdrawal was acknowledged in time";
    /// Deletion.
    W2: Duty = "the keys of each released day were deleted when the day or the grant was over";
}

/// Why an assertion does not hold.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each variant says in its message what it means")]
pub enum Fault {
    #[error("a file of this name does not belong into a bundle")]
    UnknownFile,
    #[error("the file is missing")]
    Missing,
    #[error("the tree of this head has no such file")]
    NotOfThisTree,
    #[error("the bytes are not those that the file name says")]
    OtherBytes,
    #[error("nothing in the bundle names this document")]
    UnnamedDocument,
    #[error("the manifest is not the retailer's, or has other keys than the pinned ones")]
    Manifest,
    #[error("not a head")]
    ParseCheckpoint(#[source] ParseCheckpointError),
    #[error("the head does not hold")]
    Checkpoint(#[source] VerifyCheckpointError),
    #[error("the file name says another size")]
    OtherSize,
    #[error("the log is shorter than the head of {seen} entries that was seen")]
    Shorter { seen: u64 },
    #[error("the log does not begin with the head of {seen} entries that was seen")]
    Rewritten { seen: u64 },
    #[error("another root was signed for the same size")]
    Forked,
    #[error("the tile is malformed")]
    ParseTile(#[source] ParseBundleError),
    #[error("the entry is not the one in its tile")]
    Entry,
    #[error("the hash is not the one that the entries give")]
    TileHash,
    #[error("the tiles give another root than the head")]
    Root,
    #[error("does not open this entry")]
    OpeningLine(#[source] OpeningLineError),
    #[error("the log has no such entry")]
    NoSuchEntry,
    #[error("does not open this entry")]
    Opening(#[source] OpeningError),
    #[error("not a record")]
    ParseRecord(#[source] ParseRecordError),
    #[error("not a document of its type")]
    ParseDocument(#[source] ParseDocumentError),
    #[error("a document that does not belong into this log")]
    ForeignDocument,
    #[error("begins where no pseudonym of this log stood")]
    NoPseudonym,
    #[error("the log was left before: it goes on in two others")]
    LeftTwice,
    #[error("leaves out what had been shown, though nothing was lost")]
    LeftOut,
    #[error("no retailer's log here says that this log goes on from another")]
    NoContinuation,
    #[error("the log does not begin with the anchor that its continuation names")]
    NoAnchor,
    #[error("the log that it goes on from is not in the bundle")]
    NoOldLog,
    #[error("the log that it goes on from was written on after it had been left")]
    WrittenOn,
    #[error("no key is pinned for its controller")]
    NoPinnedKey,
    #[error("the signatures do not hold")]
    Signature(#[source] VerifyJwsError),
    #[error("the moment lies {seconds} s before that of an earlier entry")]
    Backwards { seconds: u64 },
    #[error("{grant} was given before, with other words")]
    GrantTwice { grant: GrantId },
    #[error("{grant} does not answer the request it names")]
    NotTheRequest {
        grant: GrantId,
        #[source]
        source: GrantMismatch,
    },
    #[error("not a complete notice")]
    Notice(#[source] NoticeError),
    #[error("not the notice of {request}")]
    NotItsNotice {
        request: RequestId,
        #[source]
        source: NoticeMismatch,
    },
    #[error("does not belong to {grant}")]
    NotTheGrant {
        grant: GrantId,
        #[source]
        source: WithdrawalMismatch,
    },
    #[error("no such grant stands before this entry: {grant}")]
    NoGrant { grant: GrantId },
    #[error("{grant} had not been given at that moment")]
    BeforeGiven { grant: GrantId },
    #[error("{grant} had expired at that moment")]
    Expired { grant: GrantId },
    #[error("{grant} was withdrawn at entry {withdrawn}")]
    AfterWithdrawal { grant: GrantId, withdrawn: u64 },
    #[error("{grant} had been withdrawn for {seconds} s")]
    LongAfterWithdrawal { grant: GrantId, seconds: u64 },
    #[error("{grant} does not name this shop")]
    Shop { grant: GrantId },
    #[error("{grant} allows {allowed} uses a day in a shop; this is one more")]
    Frequency { grant: GrantId, allowed: u16 },
    #[error("{grant} does not name this category")]
    Category { grant: GrantId },
    #[error("{grant} releases no keys of that day at that moment")]
    ReleasedDay { grant: GrantId },
    #[error("{grant} is for another purpose")]
    Purpose { grant: GrantId },
    #[error("uses {first} to {last} of {grant} are not shown")]
    Hidden { grant: GrantId, first: u64, last: u64 },
    #[error("{grant} has had a use of this number before")]
    CountedTwice { grant: GrantId },
    #[error("does not follow the use before it of {grant}")]
    Chain { grant: GrantId },
    #[error("the retailer signed {stated} uses of {grant}; {shown} are shown")]
    Stated { grant: GrantId, stated: u64, shown: u64 },
    #[error("the retailer signed another head of the uses of {grant}")]
    StatedHead { grant: GrantId },
    #[error("the other log does not say that this was sent")]
    NeverSent,
    #[error("arrived {seconds} s before it was logged as sent")]
    ArrivedFirst { seconds: u64 },
    #[error("acknowledged {seconds} s after the withdrawal of {grant}")]
    AcknowledgedLate { grant: GrantId, seconds: u64 },
    #[error("the withdrawal of {grant} was never acknowledged")]
    NeverAcknowledged { grant: GrantId },
    #[error("the acknowledgement leaves out day {} of {grant}", day.as_number())]
    NotDeleted { grant: GrantId, day: Day },
    #[error("day {} of {grant} was deleted {seconds} s after its end", day.as_number())]
    DeletedLate { grant: GrantId, day: Day, seconds: u64 },
}

/// Where in the evidence.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The file of the bundle, or `policy` for what the auditor remembers.
    pub file: String,
    /// The entry of the log, where the fault lies in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<u64>,
}

impl Place {
    pub(super) fn new(file: &impl fmt::Display, entry: Option<u64>) -> Self {
        Self { file: file.to_string(), entry }
    }
}

/// An opened entry: of which log, and its index. Small, since one is kept for much that may be found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot {
    /// Which of the bundle's logs, counted from 0.
    pub(super) log: u32,
    pub(super) index: u64,
}

/// Where the spots of a bundle are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places<'a>(pub(super) &'a [Origin]);

impl Places<'_> {
    /// Which log this is.
    pub(super) fn log(self, origin: &Origin) -> u32 {
        self.0.binary_search(origin).ok().and_then(|at| u32::try_from(at).ok()).unwrap_or(u32::MAX)
    }

    pub(super) fn of(self, spot: Spot) -> Place {
        let file = LogFile::Openings(number_of(spot.index));
        match usize::try_from(spot.log).ok().and_then(|log| self.0.get(log)) {
            Some(origin) => Place::new(&BundlePath::Log(origin.clone(), file), Some(spot.index)),
            None => Place::new(&file, Some(spot.index)),
        }
    }
}

/// Something that does not hold.
#[derive(Debug, Serialize)]
pub struct Finding {
    /// What should have held.
    pub assertion: Assertion,
    /// How much that weighs.
    pub severity: Severity,
    /// Where.
    #[serde(flatten)]
    pub place: Place,
    /// Why it does not.
    #[serde(serialize_with = "with_causes")]
    pub fault: Fault,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.assertion.id(), self.place.file)?;
        if let Some(entry) = self.place.entry {
            write!(f, ", entry {entry}")?;
        }
        write!(f, ": {}", causes(&self.fault))
    }
}

/// Something that could not be checked, and so proves nothing either way.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each variant says in its message what it means")]
pub enum Gap {
    #[error("{origin}: no key for this log is pinned, and no grant here names one; not read")]
    UnknownLogKey { origin: Origin },
    #[error("{origin}: a head is remembered, but the log is not in the bundle")]
    RememberedLogAbsent { origin: Origin },
    #[error("{origin}: {count} of {size} entries are not opened; what they hold is not known")]
    Unopened { origin: Origin, count: u64, size: u64 },
    #[error(
        "{origin}: no earlier head is known, so what was removed before the first look does not show"
    )]
    NoMemory { origin: Origin },
    #[error(
        "{count} documents were not read: what names them may stand in a log that was not read"
    )]
    UnreadDocuments { count: u64 },
    #[error("conduct was not judged, because evidence was refused")]
    ConductNotJudged,
    #[error("{grant}: the request it answers is not opened")]
    NoRequest { grant: GrantId },
    #[error("{grant}: the notice with digest {notice} is not in the bundle")]
    NoNotice { grant: GrantId, notice: Digest },
    #[error("{grant}: no signed count of uses is in the bundle")]
    NoStatement { grant: GrantId },
    #[error("{grant}: the retailer's log is not in the bundle, so its uses are not known")]
    OneSided { grant: GrantId },
    #[error("{grant}: her log is not in the bundle, so what she sent is not known")]
    HersAbsent { grant: GrantId },
    #[error("{grant}: {count} things she logged as sent are not shown as received")]
    NotShownReceived { grant: GrantId, count: u64 },
    #[error(
        "{origin}: entries were lost with the file that was restored; what they held is not known"
    )]
    LostEntries { origin: Origin },
    #[error("{grant}: that {count} things were sent may have stood in what was lost")]
    SentLost { grant: GrantId, count: u64 },
    #[error("{grant}: {count} counted uses are not shown; only she can open them")]
    UsesNotShown { grant: GrantId, count: u64 },
    #[error("{grant}: withdrawn, not yet acknowledged; the time for it is not over")]
    AcknowledgementPending { grant: GrantId },
    #[error("{grant}: deletion of the keys of {count} days is not shown")]
    DeletionNotShown { grant: GrantId, count: u64 },
    #[error("{count} more like this one: {like}")]
    More { count: u64, like: Box<Self> },
    #[error(
        "witnesses' cosignatures are not read: two people who never compare heads could be shown two logs"
    )]
    Witnesses,
}

impl Gap {
    /// Whether a part of the bundle stayed unread because of it: then "holds" may not be said.
    pub const fn is_blocking(&self) -> bool {
        // Of those that block there are few: none is counted only.
        matches!(
            self,
            Self::UnknownLogKey { .. }
                | Self::RememberedLogAbsent { .. }
                | Self::UnreadDocuments { .. }
                | Self::ConductNotJudged
        )
    }
}

impl Serialize for Gap {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// An assertion that held wherever it was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Held {
    /// What was asserted.
    pub assertion: Assertion,
    /// On how many pieces of evidence.
    pub checked: u64,
}

/// A log that was read whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogSummary {
    /// Its name.
    pub origin: String,
    /// How many entries.
    pub size: u64,
    /// How many of them are opened.
    pub opened: u64,
    /// Its head: what an auditor remembers until the next visit.
    pub head: String,
}

impl LogSummary {
    pub(super) fn new(head: &SignedCheckpoint, opened: u64) -> Self {
        Self {
            origin: head.origin().to_string(),
            size: head.size(),
            opened,
            head: head.as_str().to_string(),
        }
    }
}

/// What it comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Everything that was asserted holds.
    Holds,
    /// Something does not.
    Findings,
    /// Nothing was found, but part of the bundle could not be read, or there was nothing to read.
    NotChecked,
}

/// All of it, in the order in which it is to be read.
#[derive(Debug, Serialize)]
pub struct Report {
    /// What it comes to.
    pub verdict: Verdict,
    /// What could not be checked.
    pub not_checked: Vec<Gap>,
    /// What does not hold, weightiest first.
    pub findings: Vec<Finding>,
    /// What holds.
    pub held: Vec<Held>,
    /// The logs that were read whole.
    pub logs: Vec<LogSummary>,
}

/// Most gaps of one kind that are told one by one; the rest is counted. A retailer's log without its
/// shoppers' has three for each grant.
const LIKE_GAPS_MAX: u64 = 100;

/// Collects as the audit goes along.
#[derive(Debug, Default)]
pub(super) struct Findings {
    gaps: Vec<Gap>,
    /// How many there are of each kind.
    kinds: Vec<(Discriminant<Gap>, u64)>,
    found: Vec<Finding>,
    checked: BTreeMap<Assertion, u64>,
}

impl Findings {
    pub(super) fn find(&mut self, assertion: Assertion, place: Place, fault: Fault) {
        let severity = assertion.severity();
        self.found.push(Finding { assertion, severity, place, fault });
    }

    pub(super) fn gap(&mut self, gap: Gap) {
        let kind = discriminant(&gap);
        let at = self.kinds.iter().position(|(other, _)| *other == kind);
        let Some((_, count)) = at.and_then(|at| self.kinds.get_mut(at)) else {
            self.kinds.push((kind, 1));
            return self.gaps.push(gap);
        };
        if *count >= LIKE_GAPS_MAX && !gap.is_blocking() {
            *count = count.saturating_add(1);
        } else if !self.gaps.contains(&gap) {
            *count = count.saturating_add(1);
            self.gaps.push(gap);
        }
    }

    /// One more piece of evidence was held against `assertion`, whatever came out.
    pub(super) fn checked(&mut self, assertion: Assertion) {
        self.checked_times(assertion, 1);
    }

    pub(super) fn checked_times(&mut self, assertion: Assertion, times: u64) {
        if times > 0 {
            let count = self.checked.entry(assertion).or_default();
            *count = count.saturating_add(times);
        }
    }

    /// As [`checked`](Self::checked), and reports `fault` if there is one. True if there is none.
    pub(super) fn check(
        &mut self,
        assertion: Assertion,
        fault: Option<Fault>,
        place: impl FnOnce() -> Place,
    ) -> bool {
        self.checked(assertion);
        let Some(fault) = fault else { return true };
        self.find(assertion, place(), fault);
        false
    }

    /// Takes over what was collected apart.
    pub(super) fn absorb(&mut self, other: Self) {
        let told = |kind| other.gaps.iter().filter(|gap| discriminant(*gap) == kind).count();
        let untold: Vec<(Discriminant<Gap>, u64)> = other
            .kinds
            .iter()
            .map(|(kind, all)| {
                (*kind, all.saturating_sub(u64::try_from(told(*kind)).unwrap_or(u64::MAX)))
            })
            .collect();
        for gap in other.gaps {
            self.gap(gap);
        }
        for (kind, count) in untold {
            if let Some((_, own)) = self.kinds.iter_mut().find(|(own, _)| *own == kind) {
                *own = own.saturating_add(count);
            }
        }
        self.found.extend(other.found);
        for (assertion, count) in other.checked {
            self.checked_times(assertion, count);
        }
    }

    pub(super) fn has_blocking_gap(&self) -> bool {
        self.gaps.iter().any(Gap::is_blocking)
    }

    pub(super) fn has_findings(&self) -> bool {
        !self.found.is_empty()
    }

    pub(super) fn into_report(self, logs: Vec<LogSummary>) -> Report {
        let Self { mut gaps, kinds, found: mut findings, checked } = self;
        for (kind, count) in kinds {
            let told = gaps.iter().filter(|gap| discriminant(*gap) == kind).count();
            let untold = count.saturating_sub(u64::try_from(told).unwrap_or(u64::MAX));
            let last = gaps.iter().rposition(|gap| discriminant(gap) == kind);
            if untold > 0
                && let Some(last) = last
                && let Some(like) = gaps.get(last).cloned()
            {
                let more = Gap::More { count: untold, like: Box::new(like) };
                gaps.insert(last.saturating_add(1), more);
            }
        }
        findings.sort_by(|a, b| {
            (a.severity, &a.place, a.assertion).cmp(&(b.severity, &b.place, b.assertion))
        });
        let held = checked
            .into_iter()
            .filter(|(assertion, _)| !findings.iter().any(|f| f.assertion == *assertion))
            .map(|(assertion, checked)| Held { assertion, checked })
            .collect();
        let verdict = if !findings.is_empty() {
            Verdict::Findings
        } else if logs.is_empty() || gaps.iter().any(Gap::is_blocking) {
            Verdict::NotChecked
        } else {
            Verdict::Holds
        };
        Report { verdict, not_checked: gaps, findings, held, logs }
    }
}

/// The sentence of an error and of its causes.
fn causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

fn with_causes<S: Serializer>(fault: &Fault, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&causes(fault))
}
