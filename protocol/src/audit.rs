//! The auditor's assertions, as pure functions over evidence. `spec/audit.md`.
//!
//! Evidence is a [`Bundle`]: file names and bytes. What the auditor knows by other means is a
//! [`Policy`]: pinned keys, heads seen on earlier visits, deadlines. [`audit`] says what holds, what
//! does not, and first of all what could not be checked.
//!
//! The evidence is checked before anybody's conduct is judged: while one byte of it is refused,
//! conduct is not judged at all. It does not do: notary logs, reading files.

//! A log is read part by part, in its order, and of what was read only that is kept which a later entry may
//! need: the grants that live, and little of those that ended. Reading the parts, where most of the
//! work is, may be shared among [`Workers`].

mod books;
mod bundle;
mod conduct;
mod cosigned;
mod entry;
mod evidence;
mod fault;
mod findings;
mod legible;
mod mandates;
mod openings;
mod part;
mod place;
mod policy;
mod reconcile;
mod report;
mod restorations;
mod source;
mod succession;
mod tiles;
mod tills;
mod transcript;
mod unasserted;

pub use bundle::{
    AddLogError, AddOpeningsError, Bundle, BundlePath, LogFile, ParseBundlePathError,
};
pub use fault::{Fault, Gap};
pub use legible::Legible;
pub use openings::{OpeningLineError, ParseOpeningsError, openings_of, parse_openings};
pub use place::Place;
pub use policy::{ParsePolicyError, PinnedController, PinnedWitnesses, Policy};
pub use report::{Assertion, Finding, Held, LogSummary, MoreFindings, Report, Severity, Verdict};
pub use source::{Files, OneByOne, Workers};
pub use unasserted::Unasserted;

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use self::{
    books::{Book, Context},
    entry::{Content, Entry},
    evidence::{CheckedLog, Desk, SortedFiles},
    findings::Findings,
    place::{Places, Spot},
    succession::{First, Succession, SuccessionReader},
};
use crate::{
    consent::RecordKind,
    log::{LogKey, Origin},
    time::Timestamp,
};

/// Checks all of `bundle` against `policy` at `now`.
pub fn audit(bundle: &Bundle, policy: &Policy, now: Timestamp) -> Report {
    let Ok(report) = audit_files(bundle, policy, now, &OneByOne);
    report
}

/// As [`audit`], for a bundle that lies elsewhere and may be larger than memory.
pub fn audit_files<F: Files, W: Workers>(
    files: &F,
    policy: &Policy,
    now: Timestamp,
    workers: &W,
) -> Result<Report, F::Error> {
    let mut out = Findings::default();
    let SortedFiles { logs, documents } = SortedFiles::of(files, &mut out);
    let watches = reconcile::claimed_counts(files, &documents, &mut out)?;
    let origins: Vec<Origin> = logs.keys().cloned().collect();
    let places = Places(&origins);
    let context = Context { policy, now, places, documents: &documents, watches: &watches };
    let desk = Desk { files, policy, now, workers };
    let mut shelf = Shelf {
        context,
        names: logs,
        logs: BTreeMap::new(),
        books: Vec::new(),
        named: NamedKeys::default(),
        form: Findings::default(),
    };

    // The retailers' logs first: grants and continuations in them name the keys of the others.
    let mut keys: BTreeMap<Origin, LogKey> = BTreeMap::new();
    let mut succession = Succession::default();
    for key in policy.log_keys() {
        if key.origin().controller().is_some() {
            shelf.retailer(&desk, &key, &mut succession, &mut out)?;
        } else {
            keys.entry(key.origin().clone()).or_insert(key);
        }
    }
    keys.retain(|origin, _| shelf.names.contains_key(origin));
    shelf.choose_keys(&desk, &succession, &mut keys)?;
    shelf.pseudonyms(&desk, &keys, &succession, &mut out)?;

    let Shelf { names, logs, books, form, .. } = shelf;
    for origin in names.into_keys() {
        out.gap(Gap::UnknownLogKey { origin });
    }
    for remembered in policy.remembered_origins() {
        if !logs.contains_key(remembered) && !out.has_findings() {
            out.gap(Gap::RememberedLogAbsent { origin: remembered.clone() });
        }
    }
    judge(files, books, (form, &logs), context, &mut out)?;
    if !policy.witnesses.as_ref().is_some_and(|witnesses| witnesses.policy().asks()) {
        out.gap(Gap::Witnesses);
    }
    Ok(out.into_report(logs.values().map(CheckedLog::summary).collect()))
}

/// Tier by tier: while one does not hold, the next does not count.
fn judge<F: Files>(
    files: &F,
    mut books: Vec<Book<'_>>,
    (form, logs): (Findings, &BTreeMap<Origin, CheckedLog>),
    context: Context<'_>,
    out: &mut Findings,
) -> Result<(), F::Error> {
    if !out.has_findings() {
        out.absorb(form);
        for book in &mut books {
            out.absorb(core::mem::take(&mut book.form));
        }
        restorations::reconcile(&books, logs, context, out);
    }
    if !out.has_findings() {
        reconcile::documents(files, &books, context, out)?;
        for book in &mut books {
            out.absorb(core::mem::take(&mut book.papers));
        }
    }
    if out.has_findings() {
        out.gap(Gap::ConductNotJudged);
        return Ok(());
    }
    for book in &mut books {
        out.absorb(core::mem::take(&mut book.conduct));
    }
    reconcile::lives(&books, context, out);
    Ok(())
}

/// The logs and books of a bundle, as far as they were read.
struct Shelf<'a> {
    context: Context<'a>,
    /// Files of logs that were not read yet.
    names: BTreeMap<Origin, BTreeSet<LogFile>>,
    /// Logs that hold.
    logs: BTreeMap<Origin, CheckedLog>,
    books: Vec<Book<'a>>,
    /// Keys that retailers' logs name for logs that are here.
    named: NamedKeys,
    /// As [`Book::form`], for what concerns no book alone.
    form: Findings,
}

/// The keys that are named for each log, and where each was named first.
#[derive(Debug, Default)]
struct NamedKeys(BTreeMap<Origin, BTreeMap<[u8; 32], (Spot, LogKey)>>);

impl NamedKeys {
    fn name(&mut self, key: LogKey, spot: Spot) {
        let keys = self.0.entry(key.origin().clone()).or_default();
        keys.entry(*key.verifying_key().as_bytes()).or_insert((spot, key));
    }
}

impl Shelf<'_> {
    /// Reads one retailer's log, if it is here.
    fn retailer<F: Files, W: Workers>(
        &mut self,
        desk: &Desk<'_, F, W>,
        key: &LogKey,
        succession: &mut Succession,
        out: &mut Findings,
    ) -> Result<(), F::Error> {
        let origin = key.origin();
        let (Some(domain), Some(number)) = (origin.controller(), origin.number()) else {
            return Ok(());
        };
        let Some(names) = self.names.remove(origin) else { return Ok(()) };
        let places = self.context.places;
        let log = places.log(origin);
        let mut book = Book::new(Vec::from([origin.clone()]), self.context);
        let mut reader = SuccessionReader::new(domain, number);
        let mut log_keys = NamedKeys::default();
        let mut begins = number.is_first();
        let held = desk.check_log(key, names, out, |mut entry: Entry| {
            let spot = Spot { log, index: entry.index };
            begins |= entry.index == 0;
            if let Ok(Content::Grant(grant)) = &entry.content {
                let given = grant.payload();
                let origin = Origin::of_log(&given.subject_log);
                // Keys of logs that are not here are not needed.
                if self.names.contains_key(&origin) {
                    log_keys.name(LogKey::new(origin, given.subject_log_key), spot);
                }
            }
            reader.take(&mut entry, spot, places);
            book.take(entry, spot, &reader.succession);
        })?;
        if let Some(log) = held {
            let SuccessionReader { succession: read, found, .. } = reader;
            out.absorb(found);
            if !begins {
                out.gap(Gap::RestorationNotShown { origin: origin.clone() });
            }
            succession.absorb(read, places, out);
            for (spot, key) in log_keys.0.into_values().flat_map(BTreeMap::into_values) {
                self.named.name(key, spot);
            }
            self.books.push(book);
            self.logs.insert(origin.clone(), log);
        }
        Ok(())
    }

    /// Adds the key of each log that is here and not pinned: the one that its head is signed with. Who named another one
    /// for that log would have the log blamed: G2.
    fn choose_keys<F: Files, W: Workers>(
        &mut self,
        desk: &Desk<'_, F, W>,
        succession: &Succession,
        keys: &mut BTreeMap<Origin, LogKey>,
    ) -> Result<(), F::Error> {
        for (key, spot) in succession.log_keys() {
            if self.names.contains_key(key.origin()) {
                self.named.name(key, spot);
            }
        }
        for (origin, named) in core::mem::take(&mut self.named.0) {
            if keys.contains_key(&origin) {
                continue;
            }
            let mut named: Vec<(Spot, LogKey)> = named.into_values().collect();
            named.sort_unstable_by_key(|(spot, _)| *spot);
            let Some(key) = desk.key_of(&origin, &named)? else { continue };
            for (spot, _) in named.iter().filter(|(_, other)| *other != key) {
                self.form.find(Assertion::G2, self.context.places.of(*spot), Fault::OtherLogKey);
            }
            keys.insert(origin, key);
        }
        Ok(())
    }

    /// Reads the logs of pseudonyms, those of one pseudonym one after the other.
    fn pseudonyms<F: Files, W: Workers>(
        &mut self,
        desk: &Desk<'_, F, W>,
        keys: &BTreeMap<Origin, LogKey>,
        succession: &Succession,
        out: &mut Findings,
    ) -> Result<(), F::Error> {
        let places = self.context.places;
        let known: BTreeSet<Origin> = keys.keys().cloned().collect();
        let mut firsts: BTreeMap<Origin, First> = BTreeMap::new();
        let mut begun: Vec<(Origin, Book<'_>)> = Vec::new();
        let chains = succession.chains(&known);
        let chained: BTreeSet<&Origin> = chains.iter().flatten().collect();
        let alone: Vec<Vec<Origin>> = known
            .iter()
            .filter(|origin| !chained.contains(origin))
            .map(|origin| Vec::from([origin.clone()]))
            .collect();
        for chain in chains.into_iter().chain(alone) {
            let mut book = Book::new(chain.clone(), self.context);
            for origin in &chain {
                let (Some(key), Some(names)) = (keys.get(origin), self.names.remove(origin)) else {
                    continue;
                };
                let log = places.log(origin);
                let held = desk.check_log(key, names, out, |entry: Entry| {
                    let spot = Spot { log, index: entry.index };
                    if entry.index == 0 {
                        firsts.insert(origin.clone(), First { spot, anchor: anchor_of(&entry) });
                    }
                    book.take(entry, spot, succession);
                })?;
                if let Some(log) = held {
                    self.logs.insert(origin.clone(), log);
                }
            }
            begun.extend(chain.into_iter().next().map(|first| (first, book)));
        }
        for (origin, first) in &firsts {
            if self.logs.contains_key(origin) {
                succession.check_anchor(origin, first, &self.logs, places, out);
            }
        }
        for (first, mut book) in begun {
            book.lost = succession.has_lost(&first, &self.logs, out);
            self.books.push(book);
        }
        Ok(())
    }
}

fn anchor_of(entry: &Entry) -> Option<crate::consent::Anchor> {
    match &entry.content {
        Ok(Content::Plain(record)) => match record.as_ref() {
            RecordKind::Anchor(anchor) => Some(anchor.clone()),
            _ => None,
        },
        Ok(_) | Err(_) => None,
    }
}

#[cfg(test)]
mod tests;
