//! Power losses: disks made from the trace, on which what was not synced is there, gone, or half there.

use std::collections::BTreeSet;

use anyhow::Result;
use besace_protocol::crypto::{Digest, sha256};
use rand::{SeedableRng as _, rngs::StdRng};

use super::{
    Report,
    check::{Expected, Finding, inspect},
    disk::{self, Content, Disk, Loss, Obeys},
    life, on_all_processors,
    reference::{Part, Reference},
    trace::{Deed, Event},
};

/// How many states are made before they are looked at: they stay in memory so long.
const AT_ONCE: usize = 64;

/// Most states that are made at one moment: beyond them, little is new.
const MOST_AT_A_MOMENT: usize = 12;

/// What power losses do, in turn; nothing lost is what killing is for.
const LOSSES: [Loss; 4] = [Loss::Torn, Loss::Reordered, Loss::Tail, Loss::Everything];

struct State<'a> {
    part: &'a Part,
    at: usize,
    loss: Loss,
    content: Content,
    expected: Expected,
}

/// Makes `count` different states, and looks at each.
pub fn run(reference: &Reference, count: usize, obeys: Obeys, report: &mut Report) -> Result<()> {
    let mut rng = StdRng::seed_from_u64(512);
    let mut seen: BTreeSet<Digest> = BTreeSet::new();
    let mut disk = Disk::with(obeys, &reference.begins)?;
    let mut waiting: Vec<State<'_>> = Vec::new();
    let all = reference.tried().map(moments).sum::<usize>().max(1);
    let mut passed = 0;
    for part in &reference.parts {
        for (at, event) in part.events.iter().enumerate() {
            if part.tried && is_moment(event) {
                passed += 1;
                // Spread over all moments; where nothing is at risk, those that are next get more.
                let wanted = (count * passed).div_ceil(all).saturating_sub(seen.len());
                for attempt in 0..wanted.min(MOST_AT_A_MOMENT) {
                    let loss = LOSSES[(passed + attempt) % LOSSES.len()];
                    let content = disk::without_shared_memory(disk.after(loss, &mut rng));
                    if disk.is_at_risk() && seen.insert(name(part, at, &content)) {
                        let expected = part.expected_at(at, part.known_before(at));
                        waiting.push(State { part, at, loss, content, expected });
                    }
                }
            }
            if waiting.len() >= AT_ONCE {
                look(reference, &mut waiting, report)?;
            }
            disk.apply(&event.deed)?;
        }
        disk.forget_open();
    }
    look(reference, &mut waiting, report)
}

/// Before a sync everything since the last one is at risk; before a word it must not be.
fn is_moment(event: &Event) -> bool {
    matches!(event.deed, Deed::Synced(_) | Deed::Said(_) | Deed::Written { .. } | Deed::Unlinked(_))
}

fn moments(part: &Part) -> usize {
    part.events.iter().filter(|event| is_moment(event)).count()
}

/// Two states are different if something else lies there, or something else was said.
fn name(part: &Part, at: usize, content: &Content) -> Digest {
    let said = part.words.iter().filter(|(when, _)| *when < at).count();
    let mut text = format!("{:?} {said}\n", part.act).into_bytes();
    for (path, bytes) in content {
        let digest = bytes.as_ref().map(|bytes| sha256(&[bytes]));
        text.extend(format!("{path} {digest:?}\n").into_bytes());
    }
    sha256(&[&text])
}

fn look(reference: &Reference, waiting: &mut Vec<State<'_>>, report: &mut Report) -> Result<()> {
    let found = on_all_processors(waiting, |state| {
        let case = tempfile::tempdir_in(&reference.folder)?;
        let path = case.path().join("case");
        disk::write(&state.content, &life::disk(&path))?;
        let State { part, at, loss, expected, .. } = state;
        let findings = inspect(&path, part.act, &reference.keys, expected, false)?;
        let place = format!("{:?} without power before event {at} ({loss:?})", part.act);
        if !findings.is_empty() {
            keep(&state.content, &place)?;
        }
        Ok(findings.into_iter().map(|finding| finding.at(&place)).collect::<Vec<Finding>>())
    })?;
    report.power_loss_states += waiting.len();
    report.extend(found.into_iter().flatten());
    waiting.clear();
    Ok(())
}

fn keep(content: &Content, place: &str) -> Result<()> {
    let Some(folder) = std::env::var_os("BESACE_CRASH_KEEP") else { return Ok(()) };
    let name: String =
        place.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let to = std::path::Path::new(&folder).join(name);
    if to.exists() { Ok(()) } else { disk::write(content, &to) }
}
