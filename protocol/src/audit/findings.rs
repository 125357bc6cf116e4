//! What an audit collects as it goes along.

use alloc::{
    boxed::Box,
    collections::BTreeMap,
    string::{String, ToString as _},
    vec::Vec,
};
use core::mem::{Discriminant, discriminant};

use super::{
    Assertion, Fault, Finding, Gap, Held, LogSummary, MoreFindings, Place, Report, Verdict,
};

/// Most gaps of one kind that are told one by one; the rest is counted. A retailer's log without its
/// shoppers' has three for each grant.
const LIKE_GAPS_MAX: u64 = 100;

/// Most findings of one kind in one log that are told one by one; the rest is counted. A liar writes as
/// many as a bundle has bytes.
const LIKE_FINDINGS_MAX: u64 = 1000;

/// Collects as the audit goes along.
#[derive(Debug, Default)]
pub(super) struct Findings {
    gaps: Vec<Gap>,
    /// How many there are of each kind.
    kinds: Vec<(Discriminant<Gap>, u64)>,
    found: Vec<Finding>,
    /// How many there are of each kind, by assertion and log.
    alike: BTreeMap<(Assertion, String), Kinds>,
    checked: BTreeMap<Assertion, u64>,
}

#[derive(Debug, Default)]
struct Kinds(Vec<(Discriminant<Fault>, u64)>);

impl Findings {
    pub(super) fn find(&mut self, assertion: Assertion, place: Place, fault: Fault) {
        let severity = assertion.severity();
        self.keep(Finding { assertion, severity, place, fault });
    }

    fn keep(&mut self, finding: Finding) {
        let kind = discriminant(&finding.fault);
        if self.count(finding.assertion, finding.place.log(), kind, 1) <= LIKE_FINDINGS_MAX {
            self.found.push(finding);
        }
    }

    /// Counts so many more findings of one kind; how many there are then.
    fn count(
        &mut self,
        assertion: Assertion,
        log: &str,
        kind: Discriminant<Fault>,
        more: u64,
    ) -> u64 {
        let Kinds(kinds) = self.alike.entry((assertion, log.to_string())).or_default();
        let Some((_, count)) = kinds.iter_mut().find(|(other, _)| *other == kind) else {
            kinds.push((kind, more));
            return more;
        };
        *count = count.saturating_add(more);
        *count
    }

    pub(super) fn gap(&mut self, gap: Gap) {
        let kind = discriminant(&gap);
        let at = self.kinds.iter().position(|(other, _)| *other == kind);
        let Some((_, count)) = at.and_then(|at| self.kinds.get_mut(at)) else {
            self.kinds.push((kind, 1));
            return self.gaps.push(gap);
        };
        if *count >= LIKE_GAPS_MAX {
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
        for finding in other.found {
            self.keep(finding);
        }
        for ((assertion, log), Kinds(kinds)) in other.alike {
            for (kind, count) in kinds {
                self.count(assertion, &log, kind, count.saturating_sub(LIKE_FINDINGS_MAX));
            }
        }
        for (assertion, count) in other.checked {
            self.checked_times(assertion, count);
        }
    }

    /// Whether part of the bundle went unread. A cosigned head that is not there hides no entry.
    pub(super) fn has_unread(&self) -> bool {
        let unread = |gap: &Gap| gap.is_blocking() && !matches!(gap, Gap::NotCosigned { .. });
        self.gaps.iter().any(unread)
    }

    pub(super) fn has_findings(&self) -> bool {
        !self.found.is_empty()
    }

    pub(super) fn into_report(self, logs: Vec<LogSummary>) -> Report {
        let Self { mut gaps, kinds, found: mut findings, alike, checked } = self;
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
        let more = alike.into_iter().map(|((assertion, log), Kinds(kinds))| {
            let untold = kinds.iter().map(|(_, count)| count.saturating_sub(LIKE_FINDINGS_MAX));
            let count = untold.fold(0, u64::saturating_add);
            MoreFindings { assertion, severity: assertion.severity(), log, count }
        });
        let more = more.filter(|more| more.count > 0).collect();
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
        Report { verdict, not_checked: gaps, findings, more, held, logs }
    }
}
