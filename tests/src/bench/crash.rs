//! `bench crash`: what is lost when processes are killed, the power fails, or the disk is full.

use std::collections::BTreeSet;

use anyhow::Result;

use super::{Run, figures::Figures, yardstick::Watch};
use crate::crash::{self, Size, check::Finding};

pub(super) fn measure(run: &Run) -> Result<Figures> {
    let program = std::env::current_exe()?;
    let size = if run.quick { Size::QUICK } else { Size::WHOLE };
    let watch = Watch::start();
    let mut figures = Figures::default();
    if !run.quick && run.act.is_none() {
        let proofs = crash::prove(&program)?;
        figures.count("planted_faults", proofs.len());
        figures
            .count("planted_faults_found", proofs.iter().filter(|(_, found)| *found > 0).count());
    }
    let report = crash::run(&program, size, run.act)?;
    for (name, count) in [
        ("kill_points", report.kill_points),
        ("kill_points_at_commits", report.commit_points),
        ("power_loss_states", report.power_loss_states),
        ("disk_full_points", report.disk_full_points),
        ("acknowledged_lost", report.count(Finding::is_lost)),
        ("corrupt", report.count(Finding::is_corrupt)),
        ("dishonest_errors", report.count(Finding::is_dishonest)),
    ] {
        figures.count(name, count);
    }
    // The first of each place: others follow from it.
    let mut places = BTreeSet::new();
    let firsts = report.findings.iter().filter(|finding| places.insert(finding.place()));
    for (number, finding) in firsts.enumerate().take(40) {
        figures.note(&format!("finding_{number}"), &format!("{finding:?}"));
    }
    figures.set("wall_seconds", watch.read().wall);
    Ok(figures)
}
