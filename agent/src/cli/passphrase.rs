//! Where the key comes from: a key file, or a passphrase from a file, the environment, or the person.

use std::{
    fs::File,
    io::{BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use super::output::Failure;
use crate::keyring::{DeviceKey, Passphrase, ReadDeviceKeyError};

/// Longest passphrase, in bytes.
const LEN_MAX: u64 = 4096;

const REMEDY: &str =
    "give it with --passphrase-file FILE, in BESACE_PASSPHRASE, or run this in a terminal";

/// Where the key comes from.
#[derive(Debug)]
pub(super) struct Source {
    file: Option<PathBuf>,
    key_file: Option<PathBuf>,
}

impl Source {
    pub(super) const fn new(file: Option<PathBuf>, key_file: Option<PathBuf>) -> Self {
        Self { file, key_file }
    }

    /// The key of a device, if a key file was named.
    pub(super) fn device_key(&self) -> Result<Option<DeviceKey>, Failure> {
        let Some(path) = &self.key_file else { return Ok(None) };
        DeviceKey::read(path).map(Some).map_err(|error| match &error {
            ReadDeviceKeyError::Io(_) => Failure::could_not(&error, "check --key-file"),
            ReadDeviceKeyError::Malformed => Failure::refused(
                &error,
                "name the file that `besace key add-device` wrote, or leave --key-file",
            ),
        })
    }

    /// Whether a person types the passphrase.
    pub(super) fn is_typed(&self) -> bool {
        self.file.is_none() && std::env::var_os("BESACE_PASSPHRASE").is_none()
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
        typed_twice()
    }

    fn given(&self) -> Result<Option<Zeroizing<String>>, Failure> {
        let Some(path) = &self.file else {
            return Ok(std::env::var("BESACE_PASSPHRASE").ok().map(Zeroizing::new));
        };
        first_line(path, "check --passphrase-file").map(Some)
    }
}

/// The passphrase that takes the place of another.
pub(super) fn ask_changed(file: Option<&Path>) -> Result<Passphrase, Failure> {
    if let Some(path) = file {
        return check(first_line(path, "check --new-passphrase-file")?);
    }
    match std::env::var("BESACE_NEW_PASSPHRASE") {
        Ok(text) => check(Zeroizing::new(text)),
        Err(_) => typed_twice(),
    }
}

fn first_line(path: &Path, remedy: &str) -> Result<Zeroizing<String>, Failure> {
    let mut line = Zeroizing::new(String::new());
    File::open(path)
        .and_then(|file| BufReader::new(file.take(LEN_MAX)).read_line(&mut line))
        .map_err(|error| Failure::could_not(&error, remedy))?;
    while line.ends_with(['\n', '\r']) {
        line.pop();
    }
    Ok(line)
}

/// A short text file, whole.
pub(super) fn read_file(path: &Path, remedy: &str) -> Result<Zeroizing<String>, Failure> {
    let mut text = Zeroizing::new(String::new());
    File::open(path)
        .and_then(|file| file.take(LEN_MAX).read_to_string(&mut text))
        .map_err(|error| Failure::could_not(&error, remedy))?;
    Ok(text)
}

fn typed_twice() -> Result<Passphrase, Failure> {
    let first = prompt("New passphrase: ")?;
    if *first == *prompt("The same again: ")? {
        check(first)
    } else {
        Err(Failure::refused("the two passphrases differ", "try again"))
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
