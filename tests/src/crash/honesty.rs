//! Whether an error says what is wrong: that the disk refused, and nothing else.

use besace_agent::engine::{Engine, EngineError, EngineState};

/// A step that stands on one that was not done. Only the script says it.
#[derive(Clone, Copy, Debug)]
pub struct NotYet;

impl std::fmt::Display for NotYet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("what this stands on was not done")
    }
}

/// `ENOSPC` and `EIO`.
const DISK_ERRORS: [i32; 2] = [super::shim::DISK_FULL, super::shim::DISK_BROKEN];

/// Whether the error, or one that caused it, names the disk; or says that the vault is locked, and it is.
pub fn is_honest(error: &anyhow::Error, engine: &Engine) -> bool {
    use rusqlite::ErrorCode::{CannotOpen, DiskFull, SystemIoFailure};
    error.chain().any(|cause| {
        let disk = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::raw_os_error);
        let database = cause.downcast_ref::<rusqlite::Error>();
        let code = database.and_then(rusqlite::Error::sqlite_error_code);
        // By its words: several errors pass this one on as their own.
        let locked = cause.to_string() == EngineError::Locked.to_string();
        disk.is_some_and(|code| DISK_ERRORS.contains(&code))
            || matches!(code, Some(DiskFull | SystemIoFailure | CannotOpen))
            || (locked && engine.state() != EngineState::Open)
    })
}
