//! `besace`: the shopper's program.

use std::{process::ExitCode, sync::Arc};

use besace_agent::{clock::SystemClock, entropy::SystemEntropy};

fn main() -> ExitCode {
    besace_agent::run(std::env::args_os(), Arc::new(SystemClock), Arc::new(SystemEntropy))
}
