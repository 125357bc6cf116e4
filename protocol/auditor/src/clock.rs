//! The one place where this program reads the clock.

use std::time::{SystemTime, UNIX_EPOCH};

use besace_protocol::time::Timestamp;

/// Now; the Unix epoch, for a clock that stands before it.
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix_seconds(since.as_secs())
}
