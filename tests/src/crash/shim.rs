//! What stands between a process and the disk: a small library in C, compiled when it is needed.
//!
//! It needs a C compiler, as building the vault's database does. What cannot be compiled or loaded is an error: a run
//! without it would find nothing.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Output},
};

use anyhow::{Context as _, Result, bail, ensure};

use super::{life::Orders, trace};

const SOURCE: &str = include_str!("shim.c");

/// `ENOSPC`.
pub const DISK_FULL: i32 = 28;
/// `EIO`.
pub const DISK_BROKEN: i32 = 5;

/// The compiled library, and the program whose lives it watches.
#[derive(Clone, Debug)]
pub struct Shim {
    library: PathBuf,
    /// The program `bench`.
    program: PathBuf,
}

/// What the library does to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It writes down everything.
    Recorded,
    /// It ends the process by SIGKILL at this event, which is not done, or half of it.
    KilledAt(u64),
    /// From this write on the disk refuses, with this error, until there is room.
    RefusedFrom(u64, i32),
}

/// How a life under the library ended.
#[derive(Debug)]
pub struct Ended {
    /// What it said, line by line.
    pub lines: Vec<String>,
    /// What it said to nobody in particular.
    pub complaints: String,
    /// How the process ended.
    pub status: ExitStatus,
    /// What the library wrote down, after its first line.
    pub trace: Vec<u8>,
}

impl Shim {
    /// Compiles the library into `folder`; `program` is `bench`.
    pub fn compile(folder: &Path, program: &Path) -> Result<Self> {
        let (source, library) = (folder.join("shim.c"), folder.join("shim.so"));
        fs::write(&source, SOURCE)?;
        let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
        let mut command = Command::new(&compiler);
        command.args(["-O2", "-shared", "-fPIC", "-o"]).arg(&library).arg(&source);
        let output = command.args(["-ldl", "-pthread"]).output();
        let Output { status, stderr, .. } =
            output.with_context(|| format!("{} was not started", compiler.display()))?;
        ensure!(status.success(), "no shim: {}", String::from_utf8_lossy(&stderr));
        Ok(Self { library, program: program.to_owned() })
    }

    /// Lives a part of the life in a process of its own, below this library.
    pub fn live(&self, orders: &Orders, fate: Fate) -> Result<Ended> {
        let written = orders.case.join("trace");
        let mut command = Command::new(&self.program);
        command.args(orders.arguments()?);
        command.env("LD_PRELOAD", &self.library);
        command.env("BESACE_SHIM_ROOT", orders.disk());
        command.env("BESACE_SHIM_TRACE", &written);
        match fate {
            Fate::Recorded => command.env("BESACE_SHIM_RECORD", "1"),
            Fate::KilledAt(event) => command.env("BESACE_SHIM_KILL", event.to_string()),
            Fate::RefusedFrom(write, error) => command
                .env("BESACE_SHIM_FAIL", write.to_string())
                .env("BESACE_SHIM_ERRNO", error.to_string()),
        };
        let output = command.output().context("the program was not started")?;
        let written = fs::read(&written).unwrap_or_default();
        let Some(trace) = written.strip_prefix(trace::FIRST_LINE) else {
            bail!("the shim was not loaded: {}", String::from_utf8_lossy(&output.stderr));
        };
        let said = String::from_utf8_lossy(&output.stdout);
        Ok(Ended {
            lines: said.lines().map(str::to_owned).collect(),
            complaints: String::from_utf8_lossy(&output.stderr).into_owned(),
            status: output.status,
            trace: trace.to_vec(),
        })
    }
}

impl Ended {
    /// Whether the disk refused anything.
    pub fn was_refused(&self) -> bool {
        self.trace.ends_with(b"refused\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_that_cannot_be_compiled_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let nowhere = folder.path().join("no such folder");
        assert!(Shim::compile(&nowhere, Path::new("bench")).is_err());
    }

    #[test]
    fn a_program_that_did_not_load_it_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        // Statically nothing, dynamically nobody: a script's interpreter loads no empty library.
        let library = folder.path().join("shim.so");
        fs::write(&library, b"").unwrap();
        let shim = Shim { library, program: PathBuf::from("/bin/true") };
        let orders = Orders::new(folder.path(), super::super::life::Act::Start);
        let error = shim.live(&orders, Fate::Recorded).unwrap_err();
        assert!(error.to_string().starts_with("the shim was not loaded"), "{error}");
    }
}
