//! `bench audit`: a retailer's whole log checked by an auditor, from files alone.

mod evidence;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};
use besace_audit::{Folder, audit_folder};
use besace_protocol::{
    audit::{Files as _, Policy, Verdict},
    crypto::sha256,
    time::Timestamp,
};

use super::{
    Run,
    figures::Figures,
    yardstick::{Watch, memory, number},
};

/// A grant is given, used so often less two, and withdrawn.
const ENTRIES_PER_GRANT: u64 = 50;

pub(super) fn measure(run: &Run) -> Result<Figures> {
    let entries = if run.quick { 20_000 } else { 1_000_000 };
    let grants = entries / ENTRIES_PER_GRANT;
    let mut figures = of_size(entries, grants)?;
    let tenth = of_size(entries / 10, grants / 10)?;
    // The same grants and withdrawals, and a tenth of the uses between them.
    let seldom = of_size((entries - 2 * grants) / 10 + 2 * grants, grants)?;
    let peak = |figures: &Figures| figures.get("peak_rss_bytes").context("a peak of memory");
    let ratio = |other: &Figures| -> Result<f64> { Ok(peak(&figures)? / peak(other)?) };
    let (to_tenth, to_seldom) = (ratio(&tenth)?, ratio(&seldom)?);
    figures.set("peak_rss_ratio_to_a_tenth", to_tenth);
    figures.set("peak_rss_bytes_at_a_tenth", peak(&tenth)?);
    figures.set("peak_rss_ratio_to_a_tenth_of_the_uses", to_seldom);
    figures.set("peak_rss_bytes_at_a_tenth_of_the_uses", peak(&seldom)?);
    Ok(figures)
}

/// Writes evidence of so many entries, and keeps it: `evidence` with earlier heads, `proofs` and `policy.json` below
/// `folder`.
pub(super) fn write(entries: u64, folder: &Path) -> Result<u64> {
    // A tree of one entry, one full tile, and one in the midst of a tile.
    let grants = entries / ENTRIES_PER_GRANT;
    evidence::write(entries, grants, &[1, 256, 35_000], folder)?;
    Ok(grants)
}

/// Writes evidence here, and has it audited in a process of its own: what writing needs would hide what
/// auditing needs.
fn of_size(entries: u64, grants: u64) -> Result<Figures> {
    let folder = tempfile::tempdir()?;
    evidence::write(entries, grants, &[], folder.path())?;
    let mut command = Command::new(std::env::current_exe()?);
    let output = command.args(["audit", "--json", "--evidence"]).arg(folder.path()).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut figures = Figures::from_json(&output.stdout).context("figures of one size")?;
    figures.count("grants_count", grants);
    figures.count("withdrawals_count", grants);
    Ok(figures)
}

/// Audits what [`of_size`] wrote, and then only hashes it.
pub(super) fn of_folder(folder: &Path) -> Result<Figures> {
    let mut figures = Figures::default();
    let policy = Policy::parse(&fs::read(folder.join("policy.json"))?)?;
    let folder: PathBuf = folder.join("evidence");
    let watch = Watch::start();
    let report = audit_folder(&folder, &policy, Timestamp::default())?;
    let spent = watch.read();
    let peak = memory()?.1;
    ensure!(
        report.verdict == Verdict::Holds,
        "{:?}: {:?}",
        report.verdict,
        report.findings.first()
    );
    let [log] = &report.logs[..] else { anyhow::bail!("one log was written") };
    ensure!(log.size == log.opened, "{} of {} entries were read", log.opened, log.size);

    let watch = Watch::start();
    let files = Folder::list(&folder)?;
    let (mut bytes, mut count) = (0, 0_u64);
    for name in files.names() {
        let file = files.read(name)?;
        std::hint::black_box(sha256(&[&file]));
        bytes += u64::try_from(file.len())?;
        count += 1;
    }
    let hashed = watch.read();

    figures.count("events", log.size);
    figures.count("peak_rss_bytes", peak);
    figures.set("seconds", spent.wall);
    figures.set("cpu_seconds", spent.cpu);
    figures.set("cpu_ratio_to_wall", spent.cpu / spent.wall);
    figures.set("events_per_second", number(log.size) / spent.wall);
    figures.count("evidence_bytes", bytes);
    figures.count("evidence_files_count", count);
    figures.set("sha256_seconds", hashed.wall);
    figures.set("ratio_to_sha256", spent.wall / hashed.wall);
    figures.set("cpu_ratio_to_sha256", spent.cpu / hashed.cpu);
    Ok(figures)
}
