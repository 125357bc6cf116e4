//! `bench`: figures of one part, each beside a yardstick of the same run. `tests/BENCH.md` says how to read them.
#![expect(clippy::print_stdout, reason = "this program talks to a person")]

use std::path::PathBuf;

use anyhow::{Result, ensure};
use besace_e2e::{
    bench::{Part, Run, audit_evidence, measure, serve_yardstick, write_evidence},
    crash::life::{Act, live},
};
use clap::Parser;

/// Measures one part of Besace on this machine. It judges nothing.
#[derive(Debug, Parser)]
#[command(name = "bench", version)]
struct Arguments {
    /// What to measure.
    #[arg(value_name = "NAME")]
    part: Part,
    /// Small sizes: seconds instead of minutes.
    #[arg(long)]
    quick: bool,
    /// Print one JSON object instead of a table.
    #[arg(long)]
    json: bool,
    /// One size only; the resolver measures each size in a process of its own.
    #[arg(long, value_name = "GRANTS", hide = true)]
    grants: Option<u32>,
    /// Disturbs one part of the life only; `crash` tries all.
    #[arg(long, value_name = "PART")]
    act: Option<Act>,
    /// One part of a scripted life; `crash` kills it.
    #[arg(long, value_name = "ORDERS", hide = true)]
    life: Option<String>,
    /// Evidence that was written before; `audit` checks it in a process of its own.
    #[arg(long, value_name = "FOLDER", hide = true)]
    evidence: Option<PathBuf>,
    /// With `audit`: writes the evidence there and keeps it, and measures nothing.
    #[arg(long, value_name = "DIR")]
    write: Option<PathBuf>,
    /// With `--write`: of how many entries.
    #[arg(long, value_name = "N", default_value_t = 70_000, requires = "write", value_parser = clap::value_parser!(u64).range(100..=1_000_000))]
    entries: u64,
    /// A file with less to do, told what to do line by line; `vault` is held against it.
    #[arg(long, value_name = "ORDERS", hide = true)]
    yardstick: Option<String>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if let Some(orders) = arguments.life {
        return live(&serde_json::from_str(&orders)?);
    }
    if let Some(orders) = arguments.yardstick {
        return serve_yardstick(&orders);
    }
    if let Some(folder) = arguments.evidence {
        println!("{}", audit_evidence(&folder)?.to_json());
        return Ok(());
    }
    if let Some(folder) = arguments.write {
        ensure!(arguments.part == Part::Audit, "only `audit` has evidence to write");
        let grants = write_evidence(arguments.entries, &folder)?;
        println!("{} entries, {grants} grants", arguments.entries);
        return Ok(());
    }
    let run = Run { quick: arguments.quick, grants: arguments.grants, act: arguments.act };
    let figures = measure(arguments.part, &run)?;
    if arguments.json {
        println!("{}", figures.to_json());
    } else {
        print!("{}", figures.to_table());
    }
    Ok(())
}
