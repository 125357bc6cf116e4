//! `besace health`: for whoever supervises `besace serve`.

use std::{io, net::SocketAddr};

use serde_json::json;

use super::output::{Failure, Output};
use crate::net::{self, Health};

/// Arguments of `besace health`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Address and port that the pages are served at.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7878", env = "BESACE_LISTEN")]
    listen: SocketAddr,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output<'_>) -> Result<(), Failure> {
    let word = match net::ask_health(arguments.listen) {
        Ok(Health::Well) => return output.line(&json!({"status": "ok"}), &"ok"),
        Ok(Health::Unwell(word)) => word,
        Err(error) => {
            const REMEDY: &str =
                "look at what `besace serve` says, or give the --listen it was given";
            return Err(Failure::could_not(&error, REMEDY));
        }
    };
    let word = word.unwrap_or_else(|| "unwell".to_owned());
    let error = io::Error::other(format!("the vault that is served there is not well: {word}"));
    Err(Failure::could_not(&error, "open its page, or end it and ask `besace doctor`"))
}
