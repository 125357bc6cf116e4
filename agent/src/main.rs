//! `besace`: the shopper's program.

use std::{alloc::System, process::ExitCode, sync::Arc};

use besace_agent::{clock::SystemClock, entropy::SystemEntropy};
use zeroizing_alloc::ZeroAlloc;

/// Wipes what is freed: a library that copied a secret, or a page of hers, cannot be asked to.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<System> = ZeroAlloc(System);

fn main() -> ExitCode {
    besace_agent::run(std::env::args_os(), Arc::new(SystemClock), Arc::new(SystemEntropy))
}
