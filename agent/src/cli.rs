//! The command line.

pub mod serve;

use std::{ffi::OsString, process::ExitCode, sync::Arc};

use crate::{clock::Clock, entropy::Entropy};

/// Runs the program.
pub fn run(
    _arguments: impl IntoIterator<Item = OsString>,
    _clock: Arc<dyn Clock>,
    _entropy: Arc<dyn Entropy>,
) -> ExitCode {
    ExitCode::SUCCESS
}
