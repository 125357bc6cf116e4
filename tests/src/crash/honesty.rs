//! Whether an error says what is wrong: that the disk refused, and nothing else.

use besace_agent::engine::{Engine, EngineError, EngineState};

use super::{
    life::Trouble,
    shim::{DISK_BROKEN, DISK_FULL},
};

/// A step that stands on one that was not done. Only the script says it.
#[derive(Clone, Copy, Debug)]
pub struct NotYet;

impl std::fmt::Display for NotYet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("what this stands on was not done")
    }
}

/// Whether the error, or one that caused it, names the disk; or says that the vault is locked, and it is.
pub fn is_honest(error: &anyhow::Error, engine: &Engine, trouble: Trouble) -> bool {
    use rusqlite::ErrorCode::{CannotOpen, DiskFull, SystemIoFailure};
    let broken = trouble == Trouble::Broken;
    let system = if broken { DISK_BROKEN } else { DISK_FULL };
    error.chain().any(|cause| {
        let file = cause.downcast_ref::<std::io::Error>();
        let disk = file.and_then(std::io::Error::raw_os_error);
        let full = file.is_some_and(|error| error.kind() == std::io::ErrorKind::StorageFull);
        let database = cause.downcast_ref::<rusqlite::Error>();
        let code = database.and_then(rusqlite::Error::sqlite_error_code);
        // By their words: several errors pass these on as their own.
        let says = |honest: EngineError| cause.to_string() == honest.to_string();
        disk == Some(system)
            || (full && !broken)
            || matches!(code, Some(DiskFull | SystemIoFailure | CannotOpen))
            || (broken && says(EngineError::Damaged))
            || (says(EngineError::Locked) && engine.state() != EngineState::Open)
    })
}
