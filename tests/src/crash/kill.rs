//! SIGKILL: the process ends between two events, or in the middle of a write.

use std::{collections::BTreeSet, fs, os::unix::process::ExitStatusExt as _, path::Path};

use anyhow::{Result, ensure};

use super::{
    Report,
    check::{Expected, Finding, inspect},
    life::{Act, Bug, Orders, Word},
    on_all_processors,
    reference::{Part, Reference, copy_case, learn},
    shim::{Fate, Shim},
    thinned,
    trace::Deed,
};

const SIGKILL: i32 = 9;

/// Kills at commit points, and between them, at most `most` times.
pub fn run(
    shim: &Shim,
    reference: &Reference,
    most: usize,
    bug: Option<Bug>,
    report: &mut Report,
) -> Result<()> {
    let mut commits = Vec::new();
    let mut others = Vec::new();
    for part in reference.tried() {
        let (at_syncs, between) = points(part);
        commits.extend(at_syncs.into_iter().map(|event| (part, event)));
        others.extend(between.into_iter().map(|event| (part, event)));
    }
    let chosen = thinned(&commits, most);
    let room = most.saturating_sub(chosen.len()).min(commits.len() / 2);
    report.commit_points += chosen.len();
    let mut points = chosen;
    points.extend(thinned(&others, room));
    let found = on_all_processors(&points, |(part, event)| at(shim, reference, part, *event, bug))?;
    for findings in found.into_iter().flatten() {
        report.kill_points += 1;
        report.extend(findings);
    }
    Ok(())
}

/// The events just before and just after which something is made durable or gets another name, and all others.
fn points(part: &Part) -> (Vec<u64>, Vec<u64>) {
    let numbered = part.events.iter().filter_map(|event| Some((event.number?, &event.deed)));
    let mut commits = Vec::new();
    let mut others = Vec::new();
    for (number, deed) in numbered.clone() {
        match deed {
            Deed::Synced(_) | Deed::Renamed { .. } | Deed::Unlinked(_) => {
                commits.extend([number, number + 1]);
            }
            _ => others.push(number),
        }
    }
    let last = numbered.map(|(number, _)| number).max().unwrap_or(0);
    commits.retain(|number| *number <= last);
    commits.dedup();
    others.retain(|number| commits.binary_search(number).is_err());
    (commits, others)
}

/// Nothing if the process was not killed.
fn at(
    shim: &Shim,
    reference: &Reference,
    part: &Part,
    event: u64,
    bug: Option<Bug>,
) -> Result<Option<Vec<Finding>>> {
    let case = tempfile::tempdir_in(&reference.folder)?;
    let path = case.path().canonicalize()?.join("case");
    copy_case(&part.before, &path)?;
    let orders =
        Orders { bug, ..Orders::new(&path, part.act).after(&reference.given).after(&part.known) };
    let ended = shim.live(&orders, Fate::KilledAt(event))?;
    // It came to its end before: this time there were fewer events.
    if ended.status.success() {
        return Ok(None);
    }
    ensure!(
        ended.status.signal() == Some(SIGKILL),
        "{:?} was to be killed at event {event}, and ended with {}: {}",
        part.act,
        ended.status,
        ended.complaints,
    );
    let words: Vec<Word> = ended.lines.iter().filter_map(|line| Word::parse(line)).collect();
    let mut expected = expected(part, &words);
    if bug.is_some() {
        expected.contents = None;
    }
    let meets = bug.is_none() && !matches!(part.act, Act::Start | Act::Upgrade);
    let findings = inspect(&path, part.act, &reference.keys, &expected, meets)?;
    let place = format!("{:?} killed at event {event} ({})", part.act, step(part, &words));
    keep_if(&findings, &path, &place)?;
    Ok(Some(findings.into_iter().map(|finding| finding.at(&place)).collect()))
}

/// What the killed process said, and what the undisturbed one had in its database from there to its next word. By words,
/// as the number of an event may be another one in every run: the pages are written by a thread of their own.
fn expected(part: &Part, words: &[Word]) -> Expected {
    let heard = |count: usize| part.words.get(count).map(|(at, _)| *at);
    let from = words.len().checked_sub(1).and_then(heard).unwrap_or(0);
    let until = heard(words.len()).unwrap_or(part.events.len());
    let (contents, outdated) = part.contents_between(from, until);
    let mut expected = Expected {
        said: part.known.clone(),
        contents: Some(contents),
        outdated,
        ..Expected::default()
    };
    let changed_by =
        |step| part.changes.get(step).into_iter().flatten().map(|(name, _)| name.clone());
    expected.open = if part.known.is_empty() { changed_by(&0).collect() } else { BTreeSet::new() };
    for word in words {
        match word {
            Word::Begin(step) => expected.open = changed_by(step).collect(),
            Word::Done(_, change) => {
                expected.open.clear();
                learn(&mut expected.said, change);
            }
            Word::Refused { .. } | Word::Room | Word::End => {}
        }
    }
    expected
}

fn step(part: &Part, words: &[Word]) -> String {
    match words.last() {
        Some(Word::Begin(step)) => format!("in {:?}", part.act.steps()[*step]),
        Some(Word::Done(step, _)) => format!("after {:?}", part.act.steps()[*step]),
        _ => "at the beginning".to_owned(),
    }
}

/// Keeps what was found at a place that `BESACE_CRASH_KEEP` names, to be looked at.
pub(super) fn keep_if(findings: &[Finding], case: &Path, place: &str) -> Result<()> {
    let Some(folder) = std::env::var_os("BESACE_CRASH_KEEP") else { return Ok(()) };
    if findings.is_empty() {
        return Ok(());
    }
    let name: String =
        place.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let to = Path::new(&folder).join(name);
    if !to.exists() {
        fs::create_dir_all(&folder)?;
        copy_case(case, &to)?;
    }
    Ok(())
}
