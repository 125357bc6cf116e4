//! A disk without room, or one that breaks: from the N-th write on everything is refused, until there is room again.

use anyhow::{Result, ensure};

use super::{
    Report,
    check::{Expected, Finding, inspect},
    kill::keep_if,
    life::{Act, Bug, Orders, Step, Trouble, Word},
    on_all_processors,
    reference::{Part, Reference, copy_case, learn},
    shim::{DISK_BROKEN, DISK_FULL, Fate, Shim},
    thinned,
    trace::Deed,
};

/// The first part is tried at every write, the others at every sixth.
const ELSEWHERE: usize = 6;

/// Refuses from each write on that needs room, at most `most` times; at some of them the disk is not full but broken.
pub fn run(
    shim: &Shim,
    reference: &Reference,
    most: usize,
    bug: Option<Bug>,
    report: &mut Report,
) -> Result<()> {
    let mut points = Vec::new();
    for part in reference.tried() {
        if part.act == Act::Bulk {
            continue;
        }
        let writes = count(part);
        let each = if part.act == Act::Start { 1 } else { ELSEWHERE };
        points.extend((1..=writes).step_by(each).map(|write| (part, write, DISK_FULL)));
        points.extend((1..=writes).step_by(ELSEWHERE * 2).map(|write| (part, write, DISK_BROKEN)));
    }
    let points = thinned(&points, most);
    let found = on_all_processors(&points, |(part, write, error)| {
        at(shim, reference, part, *write, *error, bug)
    })?;
    for findings in found {
        let Some(findings) = findings else { continue };
        report.disk_full_points += 1;
        report.extend(findings);
    }
    Ok(())
}

/// How many of the events need room, at least.
fn count(part: &Part) -> u64 {
    let takes_room = |deed: &Deed| match deed {
        Deed::Written { .. } | Deed::MadeFolder(_) | Deed::Linked(..) => true,
        Deed::Opened { creates, .. } => *creates,
        _ => false,
    };
    let numbered = part.events.iter().filter(|event| event.number.is_some());
    u64::try_from(numbered.filter(|event| takes_room(&event.deed)).count()).unwrap_or(u64::MAX)
}

/// Nothing if the disk never refused: the life takes a little less room than was counted.
fn at(
    shim: &Shim,
    reference: &Reference,
    part: &Part,
    write: u64,
    error: i32,
    bug: Option<Bug>,
) -> Result<Option<Vec<Finding>>> {
    let case = tempfile::tempdir_in(&reference.folder)?;
    let path = case.path().canonicalize()?.join("case");
    copy_case(&part.before, &path)?;
    let trouble = Some(if error == DISK_FULL { Trouble::Full } else { Trouble::Broken });
    let orders = Orders {
        trouble,
        bug,
        ..Orders::new(&path, part.act).after(&reference.given).after(&part.known)
    };
    let ended = shim.live(&orders, Fate::RefusedFrom(write, error))?;
    if !ended.was_refused() {
        return Ok(None);
    }
    let kind = if error == DISK_FULL { "full" } else { "broken" };
    let place = format!("{:?}, disk {kind} from write {write} on", part.act);
    let words: Vec<Word> = ended.lines.iter().filter_map(|line| Word::parse(line)).collect();
    let mut findings = Vec::new();
    let expected = hear(part, &words, &mut findings);
    let began = words.iter().any(|word| matches!(word, Word::Begin(_)));
    if words.last() != Some(&Word::End) && (began || !is_refused_at_start(&ended.complaints)) {
        let complaints = ended.complaints.trim();
        findings.push(Finding::Dishonest(format!("ended with {}: {complaints}", ended.status)));
    }
    ensure!(bug.is_some() || !words.is_empty() || !ended.complaints.is_empty(), "{place}: silence");
    findings.extend(inspect(&path, part.act, &reference.keys, &expected, false)?);
    keep_if(&findings, &path, &place)?;
    Ok(Some(findings.into_iter().map(|finding| finding.at(&place)).collect()))
}

/// A program that cannot even take its folder says why, and ends.
fn is_refused_at_start(complaints: &str) -> bool {
    ["os error 28", "os error 5"].iter().any(|word| complaints.contains(word))
        && !complaints.contains("panicked")
}

fn hear(part: &Part, words: &[Word], findings: &mut Vec<Finding>) -> Expected {
    let mut expected = Expected { said: part.known.clone(), ..Expected::default() };
    let mut room = false;
    // Of a vault from elsewhere nothing is known before the first step is done.
    let first_done = words.iter().any(|word| matches!(word, Word::Done(0, _)));
    if part.known.is_empty() && !first_done {
        expected.open = part.changes.get(&0).into_iter().flatten().map(|c| c.0.clone()).collect();
    }
    for word in words {
        match word {
            Word::Done(_, change) => learn(&mut expected.said, change),
            Word::Refused { step, change, honest, why } => {
                if !honest {
                    findings.push(Finding::Dishonest(why.clone()));
                } else if room {
                    findings.push(Finding::Corrupt(format!("does not go on: {why}")));
                } else if !change.is_empty() && part.act.steps()[*step].is_one() {
                    findings.push(Finding::Dishonest(format!("done all the same: {why}")));
                }
                learn(&mut expected.said, change);
                if part.act.steps()[*step] == Step::Rekey {
                    // It may have been done, in a vault that nobody could look into for want of room.
                    let changed = part.changes.get(step).into_iter().flatten();
                    expected.open.extend(changed.map(|(name, _)| name.clone()));
                }
            }
            Word::Room => room = true,
            Word::Begin(_) | Word::End => {}
        }
    }
    expected
}
