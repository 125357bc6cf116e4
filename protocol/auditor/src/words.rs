//! The sentences of a report in two languages. What the protocol's library says is English; French is written here.

mod french;

use std::{error::Error, fmt};

use besace_protocol::audit::{Assertion, Fault, Gap, MoreFindings, Severity, Unasserted, Verdict};

/// The language of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Language {
    /// English.
    #[default]
    En,
    /// French.
    Fr,
}

/// Titles and short words.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words {
    pub(crate) code: &'static str,
    pub(crate) title: &'static str,
    pub(crate) not_checked: &'static str,
    pub(crate) not_checked_lead: &'static str,
    pub(crate) all_checked: &'static str,
    pub(crate) findings: &'static str,
    pub(crate) no_findings: &'static str,
    pub(crate) held: &'static str,
    pub(crate) nothing_held: &'static str,
    pub(crate) beyond: &'static str,
    pub(crate) beyond_lead: &'static str,
    pub(crate) logs: &'static str,
    pub(crate) logs_lead: &'static str,
    pub(crate) what: &'static str,
    pub(crate) weight: &'static str,
    pub(crate) place: &'static str,
    pub(crate) entry: &'static str,
    pub(crate) why: &'static str,
    pub(crate) times: &'static str,
    pub(crate) log: &'static str,
    pub(crate) entries: &'static str,
    pub(crate) opened: &'static str,
    pub(crate) head: &'static str,
}

const ENGLISH: Words = Words {
    code: "en",
    title: "Audit of consent evidence",
    not_checked: "Could not be checked",
    not_checked_lead: "What stands here proves nothing, for or against anybody.",
    all_checked: "Nothing.",
    findings: "Does not hold",
    no_findings: "Nothing was found.",
    held: "Holds",
    nothing_held: "Nothing.",
    beyond: "No log shows",
    beyond_lead: "Logs alone prove none of this; nothing above speaks of it.",
    logs: "Logs",
    logs_lead: "The head names all that was read. Whoever was shown another one for as many entries was shown another log.",
    what: "Assertion",
    weight: "Weight",
    place: "File",
    entry: "Entry",
    why: "Why",
    times: "Checked",
    log: "Log",
    entries: "Entries",
    opened: "Opened and read",
    head: "Head",
};

impl Language {
    pub(crate) const fn words(self) -> Words {
        match self {
            Self::En => ENGLISH,
            Self::Fr => french::WORDS,
        }
    }

    pub(crate) fn verdict(self, verdict: Verdict, findings: u64) -> String {
        match (self, verdict, findings) {
            (Self::En, Verdict::Holds, _) => "Everything that was asserted holds.".to_owned(),
            (Self::En, Verdict::NotChecked, _) => {
                "Nothing was found, but not all of the evidence could be checked.".to_owned()
            }
            (Self::En, Verdict::Findings, 1) => "1 finding.".to_owned(),
            (Self::En, Verdict::Findings, count) => format!("{count} findings."),
            (Self::Fr, verdict, findings) => french::verdict(verdict, findings),
        }
    }

    pub(crate) const fn severity(self, severity: Severity) -> &'static str {
        match (self, severity) {
            (Self::En, Severity::Evidence) => "evidence",
            (Self::En, Severity::Breach) => "breach",
            (Self::En, Severity::Duty) => "duty",
            (Self::Fr, Severity::Evidence) => "preuve",
            (Self::Fr, Severity::Breach) => "manquement",
            (Self::Fr, Severity::Duty) => "obligation",
        }
    }

    pub(crate) const fn assertion(self, assertion: Assertion) -> &'static str {
        match self {
            Self::En => assertion.says(),
            Self::Fr => french::assertion(assertion),
        }
    }

    /// What nobody can check, and why.
    pub(crate) const fn unasserted(self, one: Unasserted) -> [&'static str; 2] {
        match self {
            Self::En => [one.says(), one.lacks()],
            Self::Fr => french::unasserted(one),
        }
    }

    pub(crate) fn more(self, more: &MoreFindings) -> String {
        match self {
            Self::En => more.to_string() + ".",
            Self::Fr => french::more(more),
        }
    }

    pub(crate) fn gap(self, gap: &Gap) -> String {
        match self {
            Self::En => sentence(gap),
            Self::Fr => french::gap(gap),
        }
    }

    pub(crate) fn fault(self, fault: &Fault) -> String {
        match self {
            Self::En => sentence(fault),
            Self::Fr => french::fault(fault),
        }
    }
}

/// What the library says of its causes, for those who look further: in English.
pub(crate) fn causes(fault: &Fault) -> Vec<String> {
    let first = fault.source();
    std::iter::successors(first, |cause| (*cause).source()).map(ToString::to_string).collect()
}

/// With a capital and a full stop.
fn sentence(text: &impl fmt::Display) -> String {
    let text = text.to_string();
    let mut letters = text.chars();
    // An identifier or an origin keeps its spelling.
    let head = text.split(' ').next().unwrap_or_default();
    let name = head.contains(['_', '.', '/']);
    match letters.next() {
        Some(first) if !name => format!("{}{}.", first.to_uppercase(), letters.as_str()),
        Some(_) | None => format!("{text}."),
    }
}
