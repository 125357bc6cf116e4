//! Verifies a bundle of Besace consent evidence from files alone. `spec/audit.md`.
//!
//! What is asserted lives in [`besace_protocol::audit`], as pure functions; this crate reads folders
//! and prints reports. It depends on neither the agent nor the gateway, and an audit asks nobody: no network,
//! no account, no cooperation of the parties beyond the files. Only [`fetch()`] goes out, for what a retailer shows to everybody.
//!
//! ```
//! use besace_audit::{Exit, audit_folder, exit_of};
//! use besace_protocol::{audit::Policy, time::Timestamp};
//!
//! let folder = tempfile::tempdir()?;
//! let report = audit_folder(folder.path(), &Policy::new(vec![]), Timestamp::default())?;
//! assert_eq!(exit_of(&report), Exit::NotChecked); // nothing is there to be checked
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod arguments;
pub mod clock;
mod fetch;
mod folder;
mod html;
mod net;
mod report;
mod threads;
mod words;

pub use arguments::{Exit, exit_of, run};
pub use fetch::{FetchError, Fetched, fetch};
pub use folder::{
    FILE_LEN_MAX, FILES_MAX, Folder, ReadBundleError, WriteBundleError, audit_folder, read_bundle,
    write_bundle,
};
pub use html::to_html;
pub use net::{GetError, Site};
pub use report::{to_json, to_text};
pub use threads::Threads;
pub use words::Language;
