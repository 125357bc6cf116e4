//! `besace health`: for whoever supervises `besace serve`.

use std::{io, net::SocketAddr};

use serde_json::json;

use super::output::{Failure, Output};
use crate::net;

/// Arguments of `besace health`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Address and port that the pages are served at.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7878", env = "BESACE_LISTEN")]
    listen: SocketAddr,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output<'_>) -> Result<(), Failure> {
    const REMEDY: &str = "look at what `besace serve` says, or give the --listen it was given";
    match net::is_well(arguments.listen) {
        Ok(true) => output.line(&json!({"status": "ok"}), &"ok"),
        Ok(false) => {
            let error = io::Error::other("whoever listens there says that it is not well");
            Err(Failure::could_not(&error, REMEDY))
        }
        Err(error) => Err(Failure::could_not(&error, REMEDY)),
    }
}
