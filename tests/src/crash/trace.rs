//! What a process did to its files, as the shim wrote it down.

use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};

/// How a trace begins; the shim writes it when it is loaded.
pub const FIRST_LINE: &[u8] = b"besace trace 1\n";

/// Something that happened, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its number; what only reads, or is no matter of the disk, has none.
    pub number: Option<u64>,
    /// What it was.
    pub deed: Deed,
}

/// What happened. Paths are below the watched folder, which itself is the empty path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// A file or a folder was opened.
    Opened {
        /// Its number in the process.
        fd: i32,
        /// Where it is.
        path: String,
        /// Made if it was not there.
        creates: bool,
        /// Made empty.
        empties: bool,
    },
    /// A number means nothing any more.
    Closed(i32),
    /// A second number for the same.
    Duplicated(i32, i32),
    /// Bytes.
    Written {
        /// Into what.
        fd: i32,
        /// Where, in bytes.
        at: usize,
        /// Which.
        bytes: Vec<u8>,
    },
    /// What was done to it is to last.
    Synced(i32),
    /// Cut, or grown with zeros.
    Truncated(i32, usize),
    /// From one name to another, which may have meant something else before.
    Renamed {
        /// The name before.
        from: String,
        /// The name now.
        to: String,
        /// Both names stay, for each other's.
        swaps: bool,
    },
    /// A name is gone.
    Unlinked(String),
    /// A folder is there.
    MadeFolder(String),
    /// A folder is gone.
    RemovedFolder(String),
    /// A second name.
    Linked(String, String),
    /// A piece of what the process said to its parent.
    Said(Vec<u8>),
    /// Something left through the network.
    Sent,
}

/// `O_CREAT` and `O_TRUNC` of Linux, on the processors that we build for.
const CREATES: i64 = 0o100;
const EMPTIES: i64 = 0o1000;
/// `RENAME_EXCHANGE`.
const SWAPS: i32 = 2;

/// Reads what follows the first line of a trace of what happened below `root`.
pub fn parse(mut rest: &[u8], root: &Path) -> Result<Vec<Event>> {
    let root = root.to_str().context("a path is text")?;
    let mut events = Vec::new();
    while !rest.is_empty() {
        let head = take(&mut rest, 29)?;
        let number = u64::from_le_bytes(head[1..9].try_into()?);
        let fd = i32::from_le_bytes(head[9..13].try_into()?);
        let a = i64::from_le_bytes(head[13..21].try_into()?);
        let [one, two] = [&head[21..25], &head[25..29]]
            .map(|bytes| bytes.try_into().map(u32::from_le_bytes).unwrap_or_default());
        let one = take(&mut rest, usize::try_from(one)?)?;
        let two = take(&mut rest, usize::try_from(two)?)?;
        let path = |bytes: &[u8]| -> Result<String> {
            let path = std::str::from_utf8(bytes)?;
            let below = path.strip_prefix(root).context("a path outside of the watched folder")?;
            Ok(below.trim_start_matches('/').to_owned())
        };
        let deed = match head[0] {
            1 => Deed::Opened {
                fd,
                path: path(one)?,
                creates: a & CREATES != 0,
                empties: a & EMPTIES != 0,
            },
            2 => Deed::Closed(fd),
            3 => Deed::Written { fd, at: usize::try_from(a)?, bytes: one.to_vec() },
            4 => Deed::Synced(fd),
            5 => Deed::Truncated(fd, usize::try_from(a)?),
            6 => Deed::Renamed { from: path(one)?, to: path(two)?, swaps: fd & SWAPS != 0 },
            7 => Deed::Unlinked(path(one)?),
            8 => Deed::MadeFolder(path(one)?),
            9 => Deed::RemovedFolder(path(one)?),
            10 => Deed::Linked(path(one)?, path(two)?),
            11 => Deed::Duplicated(fd, i32::try_from(a)?),
            12 => Deed::Said(one.to_vec()),
            13 => Deed::Sent,
            kind => bail!("the shim knows no event {kind}"),
        };
        events.push(Event { number: (number > 0).then_some(number), deed });
    }
    ensure!(!events.is_empty(), "nothing happened at all");
    Ok(events)
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Result<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(count).context("the trace ends in an event")?;
    *rest = left;
    Ok(taken)
}

impl Deed {
    /// Whether somebody outside could know of everything before it.
    pub const fn is_public(&self) -> bool {
        matches!(self, Self::Said(_) | Self::Sent)
    }

    /// Whether it changes a file or its names.
    pub const fn changes(&self) -> bool {
        matches!(
            self,
            Self::Written { .. }
                | Self::Truncated(..)
                | Self::Renamed { .. }
                | Self::Unlinked(_)
                | Self::MadeFolder(_)
                | Self::RemovedFolder(_)
                | Self::Linked(..)
        )
    }
}
