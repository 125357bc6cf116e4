//! What the operating system may write down of this process's memory: nothing. `spec/vault.md#memory`.

use std::io;

/// From now on no crash leaves an image of this process, and nobody but the administrator of the machine
/// reads its memory.
#[cfg(target_os = "linux")]
pub(crate) fn keep_to_itself() -> io::Result<()> {
    use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

/// From now on no crash leaves an image of this process.
#[cfg(all(unix, not(target_os = "linux")))]
pub(crate) fn keep_to_itself() -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    Ok(setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?)
}

/// Nothing can be asked for here.
#[cfg(not(unix))]
pub(crate) fn keep_to_itself() -> io::Result<()> {
    Ok(())
}
