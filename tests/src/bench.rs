//! Figures of the parts, each beside a yardstick of the same run. They judge nothing.
//!
//! Machines differ and are busy: read the ratios. `tests/BENCH.md` says what each figure is.

mod audit;
mod crash;
mod figures;
mod log;
mod matching;
mod resolver;
mod vault;
mod voucher;
mod yardstick;

use std::path::Path;

use anyhow::Result;

pub use self::figures::Figures;
use crate::crash::life::Act;

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// From a sighting to its grant, among up to ten million.
    Resolver,
    /// Offers against what the agent knows.
    Matching,
    /// What a retailer writes down before it answers.
    Log,
    /// Her encrypted file.
    Vault,
    /// From a blinded message to a till.
    Voucher,
    /// A retailer's log of a million entries, all of it opened, before an auditor.
    Audit,
    /// Killed processes, power losses, full disks: what is lost.
    Crash,
}

/// How to measure.
#[derive(Clone, Copy, Debug, Default)]
pub struct Run {
    /// Small sizes.
    pub quick: bool,
    /// One size of the resolver only.
    pub grants: Option<u32>,
    /// One part of the life of `crash` only.
    pub act: Option<Act>,
}

/// The other side of `bench vault`: a file with less to do, in a process of its own.
pub fn serve_yardstick(orders: &str) -> Result<()> {
    vault::serve_yardstick(orders)
}

/// One run of `bench audit`, over evidence that was written before.
pub fn audit_evidence(folder: &Path) -> Result<Figures> {
    audit::of_folder(folder)
}

/// Writes what `bench audit` audits, of so many entries, and keeps it; how many grants there are in it.
pub fn write_evidence(entries: u64, folder: &Path) -> Result<u64> {
    audit::write(entries, folder)
}

/// Measures one part.
pub fn measure(part: Part, run: &Run) -> Result<Figures> {
    let mut figures = match part {
        Part::Resolver => resolver::measure(run)?,
        Part::Matching => matching::measure(run)?,
        Part::Log => log::measure(run)?,
        Part::Vault => vault::measure(run)?,
        Part::Voucher => voucher::measure(run)?,
        Part::Audit => audit::measure(run)?,
        Part::Crash => crash::measure(run)?,
    };
    if run.grants.is_none() {
        figures.describe(part, run.quick);
    }
    Ok(figures)
}
