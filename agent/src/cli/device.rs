//! `besace device`: telephones that report where she is.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Session, import::moment, output::Failure};
use crate::engine::AddDeviceError;

/// Commands of `besace device`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Add a telephone, and show what to type into its app (`OwnTracks`).
    Add {
        /// A name for it, such as phone.
        name: String,
    },
    /// Show them all.
    List,
    /// Take a telephone's password back.
    Revoke {
        /// Its name.
        name: String,
    },
}

pub(super) fn run(session: &mut Session<'_, '_>, command: Command) -> Result<(), Failure> {
    let engine = session.unlocked()?;
    match command {
        Command::Add { name } => {
            let password = engine.add_device(&name).map_err(|error| match error {
                AddDeviceError::Name => Failure::refused(&error, "choose a name such as phone"),
                AddDeviceError::Taken => {
                    Failure::refused(&error, "choose another name, or revoke it first")
                }
                AddDeviceError::Engine(error) => error.into(),
            })?;
            let text = format!(
                "Type this into OwnTracks, under Preferences, Connection:\n  \
                 Mode      HTTP\n  \
                 URL       http://YOUR-MACHINE:7878/owntracks\n  \
                 User      {name}\n  \
                 Password  {}\n  \
                 Encryption key: leave it empty.\n\
                 The password is shown only now. Serve with `besace serve --listen-anywhere --listen \
                 0.0.0.0:7878 --host YOUR-MACHINE`.",
                password.as_str()
            );
            let members =
                json!({"device": name, "password": password.as_str(), "path": "/owntracks"});
            session.output.line(&members, &text)
        }
        Command::List => {
            let devices = engine.devices()?;
            let text = devices.iter().fold(String::new(), |mut text, device| {
                let heard = device.heard_at.map_or_else(|| "never heard".to_owned(), moment);
                let _infallible = writeln!(text, "{}  {heard}", device.name);
                text
            });
            let devices: Vec<Value> = devices
                .iter()
                .map(|device| {
                    json!({"added_at": device.added_at, "device": device.name, "heard_at": device.heard_at})
                })
                .collect();
            session.output.line(&json!({"devices": devices}), &text)
        }
        Command::Revoke { name } => {
            engine.revoke_device(&name)?;
            session.output.line(&json!({"revoked": name}), &format!("{name} may report no more."))
        }
    }
}
