//! Where the key comes from: a key file, or a passphrase from a file, the environment, or the person.

use std::{
    fs::File,
    io::{BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use super::output::{Failure, Output};
use crate::keyring::{DeviceKey, Passphrase, ReadDeviceKeyError};

/// Longest passphrase, in bytes.
const LEN_MAX: u64 = 4096;

/// How often another one may be thought of at once.
const TRIES: usize = 5;

/// What the pages say of it, too (`passphrase-weak`).
const SOON_GUESSED: &str = "This passphrase is one of those that are tried first: it is short, or repeats \
     itself. Add two or three words to it.";

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
    pub(super) fn ask_new(&self, output: &mut Output<'_>) -> Result<Passphrase, Failure> {
        match self.given()? {
            Some(text) => chosen(text, output),
            None => typed_twice(output),
        }
    }

    fn given(&self) -> Result<Option<Zeroizing<String>>, Failure> {
        let Some(path) = &self.file else {
            return Ok(std::env::var("BESACE_PASSPHRASE").ok().map(Zeroizing::new));
        };
        first_line(path, "check --passphrase-file").map(Some)
    }
}

/// The passphrase that takes the place of another.
pub(super) fn ask_changed(
    file: Option<&Path>,
    output: &mut Output<'_>,
) -> Result<Passphrase, Failure> {
    if let Some(path) = file {
        return chosen(first_line(path, "check --new-passphrase-file")?, output);
    }
    match std::env::var("BESACE_NEW_PASSPHRASE") {
        Ok(text) => chosen(Zeroizing::new(text), output),
        Err(_) => typed_twice(output),
    }
}

/// A new one that nobody types: nobody can be asked about it, either.
fn chosen(text: Zeroizing<String>, output: &mut Output<'_>) -> Result<Passphrase, Failure> {
    let passphrase = check(text)?;
    if passphrase.is_soon_guessed() {
        output.note(SOON_GUESSED)?;
    }
    Ok(passphrase)
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

fn typed_twice(output: &mut Output<'_>) -> Result<Passphrase, Failure> {
    for _ in 0..TRIES {
        let first = prompt("New passphrase: ")?;
        if *first != *prompt("The same again: ")? {
            return Err(Failure::refused("the two passphrases differ", "try again"));
        }
        let passphrase = check(first)?;
        if !passphrase.is_soon_guessed() {
            return Ok(passphrase);
        }
        output.note(SOON_GUESSED)?;
        if output.ask("Write yes to keep it all the same: ")?.trim() == "yes" {
            return Ok(passphrase);
        }
    }
    Err(Failure::refused("no passphrase was chosen", "four or five words drawn by lot are best"))
}

fn prompt(text: &str) -> Result<Zeroizing<String>, Failure> {
    rpassword::prompt_password(text)
        .map(Zeroizing::new)
        .map_err(|_| Failure::refused("there is no terminal to ask for the passphrase", REMEDY))
}

fn check(text: Zeroizing<String>) -> Result<Passphrase, Failure> {
    Passphrase::new(text).map_err(|error| Failure::refused(error, REMEDY))
}
