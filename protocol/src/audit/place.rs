//! Where in the evidence something lies, and how that is written.

use alloc::string::{String, ToString as _};
use core::fmt;

use serde::Serialize;

use super::{BundlePath, LogFile, openings::number_of};
use crate::log::Origin;

/// Where in the evidence.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The file of the bundle, or `policy` for what the auditor remembers.
    pub file: String,
    /// The entry of the log, where the fault lies in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<u64>,
}

impl Place {
    pub(super) fn new(file: &impl fmt::Display, entry: Option<u64>) -> Self {
        Self { file: file.to_string(), entry }
    }

    /// The folder of the log it lies in; empty for what lies in none.
    pub(super) fn log(&self) -> &str {
        let parts = ["/checkpoint", "/cosigned", "/openings/", "/seen/", "/tile/"];
        let ends = parts.iter().filter_map(|part| self.file.find(part));
        match ends.min() {
            Some(end) if self.file.starts_with("logs/") => self.file.get(..end).unwrap_or_default(),
            _ => "",
        }
    }
}

/// An opened entry: of which log, and its index. Small, since one is kept for much that may be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Spot {
    /// Which of the bundle's logs, counted from 0.
    pub(super) log: u32,
    pub(super) index: u64,
}

/// Where the spots of a bundle are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places<'a>(pub(super) &'a [Origin]);

impl Places<'_> {
    /// Which log this is.
    pub(super) fn log(self, origin: &Origin) -> u32 {
        self.0.binary_search(origin).ok().and_then(|at| u32::try_from(at).ok()).unwrap_or(u32::MAX)
    }

    pub(super) fn of(self, spot: Spot) -> Place {
        let file = LogFile::Openings(number_of(spot.index));
        match usize::try_from(spot.log).ok().and_then(|log| self.0.get(log)) {
            Some(origin) => Place::new(&BundlePath::Log(origin.clone(), file), Some(spot.index)),
            None => Place::new(&file, Some(spot.index)),
        }
    }
}
