//! The one configuration file: strict JSON beside the store.

use std::{
    fs,
    io::{self, Write as _},
    net::SocketAddr,
    path::{Path, PathBuf},
};

use besace_protocol::{
    encoding::{JsonError, from_json},
    log::{ParseWitnessPolicyError, WitnessPolicy},
};
use besace_retailer::{Identity, VoucherPlan};
use serde::{Deserialize, Serialize};

use crate::http::Limits;

/// Longest configuration that is read, in bytes: 1024 shops of some 600 bytes.
const LEN_MAX: usize = 1 << 20;

/// What an operator decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the server listens, unless the command line says otherwise.
    pub listen: SocketAddr,
    /// How fast callers may be.
    #[serde(default)]
    pub limits: Limits,
    /// Who the retailer is: published at the next start when it changes.
    pub retailer: Identity,
    /// Which vouchers it gives, from the next week without keys on; none if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vouchers: Option<VoucherPlan>,
}

/// The configuration was not read or written.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The disk refused, or there is no such file.
    #[error("{path} could not be read or written")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the disk said.
        #[source]
        source: io::Error,
    },
    /// Not strict JSON with exactly the members of the configuration.
    #[error("{path} is not a configuration")]
    Json {
        /// Which file.
        path: PathBuf,
        /// Where and what.
        #[source]
        source: JsonError,
    },
    /// Not a policy of witnesses.
    #[error("{path} is not a policy of witnesses")]
    Witnesses {
        /// Which file.
        path: PathBuf,
        /// Where and what.
        #[source]
        source: ParseWitnessPolicyError,
    },
    /// A policy that nobody's cosignature is needed for.
    #[error("{path} says `quorum none`: name who has to cosign, or remove the file")]
    NoQuorum {
        /// Which file.
        path: PathBuf,
    },
}

impl Config {
    /// Name of the file in the gateway's folder.
    pub const FILE: &'static str = "gateway.json";
    /// Name of the store in the gateway's folder.
    pub const STORE: &'static str = "gateway.db";
    /// Name of the file in the gateway's folder that says who is asked to cosign the log (C2SP tlog-policy).
    pub const WITNESSES: &'static str = "witnesses";

    /// Reads the configuration of a folder.
    pub fn read(folder: &Path) -> Result<Self, ConfigError> {
        read_json(&folder.join(Self::FILE))
    }

    /// Reads who is asked to cosign the log; nobody if there is no such file.
    pub fn read_witnesses(folder: &Path) -> Result<Option<WitnessPolicy>, ConfigError> {
        let path = folder.join(Self::WITNESSES);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(ConfigError::Io { path, source }),
        };
        match WitnessPolicy::parse(&bytes) {
            // It would hold for what nobody cosigned, and for ever.
            Ok(policy) if !policy.asks() => Err(ConfigError::NoQuorum { path }),
            Ok(policy) => Ok(Some(policy)),
            Err(source) => Err(ConfigError::Witnesses { path, source }),
        }
    }

    /// Writes it to a new file.
    pub fn create(&self, path: &Path) -> Result<(), ConfigError> {
        let io = |source| ConfigError::Io { path: path.to_owned(), source };
        let mut text =
            serde_json::to_string_pretty(self).map_err(|error| io(io::Error::other(error)))?;
        text.push('\n');
        let mut file =
            fs::OpenOptions::new().write(true).create_new(true).open(path).map_err(io)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(io)
    }
}

/// Folder of the marks that say how far logs were signed, unless one is named: outside of the gateway's folder, so that
/// whoever puts that back does not put them back with it. None for an account without a home.
pub fn marks() -> Option<PathBuf> {
    let named = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let state = named("XDG_STATE_HOME").or_else(|| Some(named("HOME")?.join(".local/state")));
    Some(state?.join("besace-gateway"))
}

/// Reads a strict JSON file.
pub fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, ConfigError> {
    let bytes = read_bytes(path)?;
    from_json(&bytes, LEN_MAX).map_err(|source| ConfigError::Json { path: path.to_owned(), source })
}

/// Reads a file.
pub fn read_bytes(path: &Path) -> Result<Vec<u8>, ConfigError> {
    fs::read(path).map_err(|source| ConfigError::Io { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_that_asks_for_nobody_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Config::read_witnesses(folder.path()).unwrap().is_none());
        fs::write(folder.path().join(Config::WITNESSES), "quorum none\n").unwrap();
        let refused = Config::read_witnesses(folder.path()).unwrap_err();
        assert!(matches!(refused, ConfigError::NoQuorum { .. }), "{refused}");
    }
}
