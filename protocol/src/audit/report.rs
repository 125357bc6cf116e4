//! What an audit says: first what could not be checked, then what does not hold, then what does.

use alloc::{
    string::{String, ToString as _},
    vec::Vec,
};
use core::{error::Error, fmt};

use serde::{Serialize, Serializer};

use super::{Fault, Gap, Place, legible::Legible};
use crate::log::SignedCheckpoint;

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
    /// Witnesses.
    L2: Evidence = "enough witnesses of the policy cosigned a head of each retailer's log";
    /// Memory.
    L3: Evidence = "each log begins with every head of it that was seen before";
    /// Tiles.
    L4: Evidence = "each entry stands in its tile, and the tiles give the root of the head";
    /// Forks.
    L5: Evidence = "no log has two heads of one size";
    /// Openings.
    L7: Evidence = "each opening fits its entry";
    /// Moments.
    L8: Duty = "the moments in a log do not run backwards, nor ahead of its witnesses";
    /// Signatures.
    G1: Evidence = "each document is signed by the parties it needs, with the keys it names";
    /// Form: also one purpose, an end, how consent was expressed, no hold on ordinary benefits.
    G2: Evidence = "each record has the form and keeps the rules of the specification";
    /// Requests.
    G3: Breach = "each grant takes the terms of a request that was open, or of a proposal that stood, word for word";
    /// Notices.
    G4: Duty = "the notice of each grant is archived, is the one it names, and tells what GDPR art. 13 asks";
    /// Purpose, in the notice.
    G5: Breach = "each grant is for the purpose, the recipients and the retention that its notice tells, or less where it was negotiated";
    /// An end.
    G7: Breach = "each grant ends, and within the time that the policy allows";
    /// Succession, in the retailer's log.
    S1: Evidence = "each continuation is signed by both keys and begins where its pseudonym stood";
    /// Succession, in hers.
    S2: Evidence = "each log that goes on from another begins with an anchor to the head that its continuation names";
    /// Succession, of a retailer.
    S3: Evidence = "each log of a retailer after the first begins with the restoration by which every grant before it ended, and nothing else does";
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
    /// Pseudonyms.
    U7: Breach = "no pseudonym's key stands in the logs of two retailers";
    /// Counters.
    U8: Breach = "the uses under each grant are counted without a gap and chained";
    /// Statements.
    U9: Breach = "the counts that the retailer signed are those of the uses that were shown";
    /// Mandates.
    U10: Breach = "what was done for her was called for by the delegate of a mandate that allowed it then";
    /// Acknowledgement.
    W1: Duty = "each withdrawal was acknowledged in time";
    /// Deletion.
    W2: Duty = "the keys of each released day were deleted when the day or the grant was over";
    /// Objection.
    W4: Breach = "nobody is made a proposal while an objection of theirs counts in the log";
    /// Renewal.
    W6: Breach = "who renews gives a new grant in the place of one, and nothing is done under that one afterwards";
    /// Erasure.
    W8: Duty = "all that a grant allowed was erased in time after its end, and whoever else had it was told";
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
        write!(f, "{} {}", self.assertion.id(), Legible(&self.place.file))?;
        if let Some(entry) = self.place.entry {
            write!(f, ", entry {entry}")?;
        }
        write!(f, ": {}", causes(&self.fault))
    }
}

/// Findings beyond those that anybody reads one by one: of one assertion, in one log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MoreFindings {
    /// What should have held.
    pub assertion: Assertion,
    /// How much that weighs.
    pub severity: Severity,
    /// Folder of the log; empty for what belongs to none.
    pub log: String,
    /// How many are not told.
    pub count: u64,
}

impl fmt::Display for MoreFindings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { assertion, log, count, .. } = self;
        let log = if log.is_empty() { "the bundle" } else { log };
        write!(f, "{} {}: {count} more like these", assertion.id(), Legible(log))
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
    /// The head that enough witnesses of the policy cosigned, with their lines: that is remembered too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cosigned: Option<String>,
}

impl LogSummary {
    pub(super) fn new(
        head: &SignedCheckpoint,
        opened: u64,
        cosigned: Option<&SignedCheckpoint>,
    ) -> Self {
        Self {
            origin: head.origin().to_string(),
            size: head.size(),
            opened,
            head: head.as_str().to_string(),
            cosigned: cosigned.map(|head| head.as_str().to_string()),
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
    /// What else does not hold, counted.
    pub more: Vec<MoreFindings>,
    /// What holds.
    pub held: Vec<Held>,
    /// The logs that were read whole.
    pub logs: Vec<LogSummary>,
}

impl Report {
    /// How many findings there are, told or counted.
    pub fn count(&self) -> u64 {
        let told = u64::try_from(self.findings.len()).unwrap_or(u64::MAX);
        self.more.iter().fold(told, |count, more| count.saturating_add(more.count))
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
