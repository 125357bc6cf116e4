//! The auditor's assertions, as pure functions over evidence. `spec/audit.md`.
//!
//! Evidence is a [`Bundle`]: file names and bytes. What the auditor knows by other means is a
//! [`Policy`]: pinned keys, heads seen on earlier visits, deadlines. [`audit`] says what holds, what
//! does not, and first of all what could not be checked.
//!
//! The evidence is checked before anybody's conduct is judged: while one byte of it is refused,
//! conduct is not judged at all. It does not do: witnesses' cosignatures, notary logs, reading files.

mod books;
mod bundle;
mod conduct;
mod evidence;
mod policy;
mod reconcile;
mod report;
mod succession;

pub use bundle::{AddLogError, Bundle, BundlePath, LogFile, ParseBundlePathError};
pub use policy::{ParsePolicyError, PinnedController, Policy};
pub use report::{
    Assertion, Fault, Finding, Gap, Held, LogSummary, Place, Report, Severity, Verdict,
};

use alloc::{collections::BTreeMap, vec::Vec};

use self::{
    books::Books,
    conduct::Life,
    evidence::{CheckedLog, sort_files},
    reconcile::Statements,
    report::Findings,
    succession::Succession,
};
use crate::{id::GrantId, log::Origin, time::Timestamp};

/// Checks all of `bundle` against `policy` at `now`.
pub fn audit(bundle: &Bundle, policy: &Policy, now: Timestamp) -> Report {
    let mut out = Findings::default();
    let mut files = sort_files(bundle, &mut out);
    let mut logs: BTreeMap<Origin, CheckedLog> = BTreeMap::new();

    // Pinned logs first: grants in them name the keys of the others.
    for key in policy.log_keys() {
        if let Some(files) = files.logs.remove(key.origin())
            && let Some(log) = evidence::check_log(&key, &files, policy, &mut out)
        {
            logs.insert(key.origin().clone(), log);
        }
    }
    for key in books::log_keys_of_grants(&logs, policy) {
        if let Some(files) = files.logs.remove(key.origin())
            && let Some(log) = evidence::check_log(&key, &files, policy, &mut out)
        {
            logs.insert(key.origin().clone(), log);
        }
    }
    // Logs that go on from those: a continuation in a retailer's log names the key.
    let succession = Succession::read(&logs, policy, &mut out);
    for key in succession.log_keys() {
        if let Some(files) = files.logs.remove(key.origin())
            && let Some(log) = evidence::check_log(&key, &files, policy, &mut out)
        {
            logs.insert(key.origin().clone(), log);
        }
    }
    let chains = succession.chains(&logs, &mut out);
    for origin in files.logs.into_keys() {
        out.gap(Gap::UnknownLogKey { origin });
    }
    for remembered in policy.remembered_origins() {
        if !logs.contains_key(remembered) && !out.has_findings() {
            out.gap(Gap::RememberedLogAbsent { origin: remembered.clone() });
        }
    }

    let books: Vec<Books<'_>> = if out.has_findings() {
        Vec::new()
    } else {
        let read = |chain| Books::read(chain, &succession, policy, now, &mut out);
        chains.iter().map(read).collect()
    };
    let statements = if out.has_findings() {
        Statements::new()
    } else {
        reconcile::documents(&files.documents, &books, policy, &mut out)
    };
    if out.has_findings() {
        out.gap(Gap::ConductNotJudged);
    } else {
        judge(&books, &statements, policy, now, &mut out);
    }
    out.gap(Gap::Witnesses);
    out.into_report(logs.values().map(CheckedLog::summary).collect())
}

/// Conduct, log by log and then side by side.
fn judge(
    books: &[Books<'_>],
    statements: &Statements,
    policy: &Policy,
    now: Timestamp,
    out: &mut Findings,
) {
    let lives: Vec<(bool, BTreeMap<GrantId, Life<'_>>)> = books
        .iter()
        .map(|books| (books.retailer.is_some(), conduct::judge(books, policy, out)))
        .collect();
    let side = |retailer: bool| -> BTreeMap<GrantId, &Life<'_>> {
        lives
            .iter()
            .filter(|(is_retailer, _)| *is_retailer == retailer)
            .flat_map(|(_, lives)| lives.iter().map(|(id, life)| (*id, life)))
            .collect()
    };
    reconcile::lives(&side(false), &side(true), statements, policy, now, out);
}

#[cfg(test)]
mod tests;
