//! Where the passphrase comes from: a file, the environment, or the person.

use std::{
    fs::File,
    io::{BufRead as _, BufReader, Read as _},
    path::PathBuf,
};

use zeroize::Zeroizing;

use super::output::Failure;
use crate::keyring::Passphrase;

/// Longest passphrase, in bytes.
const LEN_MAX: u64 = 4096;

const REMEDY: &str =
    "give it with --passphrase-file FILE, in BESACE_PASSPHRASE, or run this in a terminal";

/// Where the passphrase comes from.
#[derive(Debug)]
pub(super) struct Source {
    file: Option<PathBuf>,
}

impl Source {
    pub(super) const fn new(file: Option<PathBuf>) -> Self {
        Self { file }
    }

    /// The passphrase of a vault.
    pub(super) fn ask(&self) -> Result<Passphrase, Failure> {
        let text = match self.given()? {
            Some(text) => text,
            None => prompt("Passphrase: ")?,
        };
        check(text)
    }

    /// The passphrase of a new vault: typed twice where it is typed.
    pub(super) fn ask_new(&self) -> Result<Passphrase, Failure> {
        if let Some(text) = self.given()? {
            return check(text);
        }
        let first = prompt("New passphrase: ")?;
        if *first == *prompt("The same again: ")? {
            check(first)
        } else {
            Err(Failure::refused("the two passphrases differ", "try again"))
        }
    }

    fn given(&self) -> Result<Option<Zeroizing<String>>, Failure> {
        let Some(path) = &self.file else {
            return Ok(std::env::var("BESACE_PASSPHRASE").ok().map(Zeroizing::new));
        };
        let mut line = Zeroizing::new(String::new());
        File::open(path)
            .and_then(|file| BufReader::new(file.take(LEN_MAX)).read_line(&mut line))
            .map_err(|error| Failure::could_not(&error, "check --passphrase-file"))?;
        while line.ends_with(['\n', '\r']) {
            line.pop();
        }
        Ok(Some(line))
    }
}

fn prompt(text: &str) -> Result<Zeroizing<String>, Failure> {
    rpassword::prompt_password(text)
        .map(Zeroizing::new)
        .map_err(|_| Failure::refused("there is no terminal to ask for the passphrase", REMEDY))
}

fn check(text: Zeroizing<String>) -> Result<Passphrase, Failure> {
    Passphrase::new(text).map_err(|error| Failure::refused(error, REMEDY))
}
