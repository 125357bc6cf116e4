//! `besace-gateway`: the retailer's server.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    besace_gateway::cli::run(besace_gateway::cli::Arguments::parse())
}
