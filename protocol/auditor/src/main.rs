//! `besace-audit`: verifies a bundle of evidence from files alone.

use std::{
    io::{stderr, stdout},
    process::ExitCode,
};

fn main() -> ExitCode {
    let now = besace_audit::clock::now();
    let exit = besace_audit::run(std::env::args_os(), now, &mut stdout(), &mut stderr());
    ExitCode::from(exit.code())
}
