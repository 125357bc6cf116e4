//! `besace device`: telephones that report where she is.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Session, import::moment, output::Failure};
use crate::{
    engine::{AddDeviceError, AddedDevice, NewDevice},
    owntracks::SharedSecret,
    vault::{Device, DeviceApp},
};

/// Commands of `besace device`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Add a telephone, and show what to type into its app.
    Add {
        /// A name for it, such as phone.
        name: String,
        /// Its app: owntracks or overland.
        #[arg(long, default_value = "owntracks")]
        app: DeviceApp,
        /// The app encrypts what it sends (`OwnTracks` only).
        #[arg(long)]
        encrypted: bool,
        /// The app is given the shops you have met, to watch for them (`OwnTracks` only).
        #[arg(long)]
        shops: bool,
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
        Command::Add { name, app, encrypted, shops } => {
            let new = NewDevice { name, app, sealed: encrypted, shows_shops: shops };
            let added = engine.add_device(new.clone()).map_err(|error| match error {
                AddDeviceError::Name => Failure::refused(&error, "choose a name such as phone"),
                AddDeviceError::Taken => {
                    Failure::refused(&error, "choose another name, or revoke it first")
                }
                AddDeviceError::App => {
                    Failure::refused(&error, "leave --encrypted and --shops, or use OwnTracks")
                }
                AddDeviceError::Secret(_) => Failure::could_not(&error, "try again"),
                AddDeviceError::Engine(error) => error.into(),
            })?;
            session.output.line(&members(&new, &added), &what_to_type(&new, &added))
        }
        Command::List => {
            let devices = engine.devices()?;
            let text = devices.iter().fold(String::new(), |mut text, device| {
                let heard = device.heard_at.map_or_else(|| "never heard".to_owned(), moment);
                let sealed = if device.sealed { ", encrypted" } else { "" };
                let shops = if device.shows_shops { ", watches shops" } else { "" };
                let Device { name, app, .. } = device;
                let app = app.as_str();
                let _infallible = writeln!(text, "{name}  {heard}  {app}{sealed}{shops}");
                text
            });
            let devices: Vec<Value> = devices.iter().map(describe).collect();
            session.output.line(&json!({"devices": devices}), &text)
        }
        Command::Revoke { name } => {
            engine.revoke_device(&name)?;
            session.output.line(&json!({"revoked": name}), &format!("{name} may report no more."))
        }
    }
}

fn describe(device: &Device) -> Value {
    json!({
        "added_at": device.added_at,
        "app": device.app.as_str(),
        "device": device.name,
        "encrypted": device.sealed,
        "heard_at": device.heard_at,
        "shops": device.shows_shops,
    })
}

/// Where the app is pointed to.
const fn path(app: DeviceApp) -> &'static str {
    match app {
        DeviceApp::OwnTracks => "/owntracks",
        DeviceApp::Overland => "/overland",
    }
}

fn members(new: &NewDevice, added: &AddedDevice) -> Value {
    json!({
        "app": new.app.as_str(),
        "device": new.name,
        "encryption_key": added.secret.as_ref().map(SharedSecret::danger_text),
        "password": added.password.as_str(),
        "path": path(new.app),
    })
}

fn what_to_type(new: &NewDevice, added: &AddedDevice) -> String {
    let (name, path, password) = (&new.name, path(new.app), added.password.as_str());
    let app = match new.app {
        DeviceApp::OwnTracks => {
            let key = added.secret.as_ref().map_or("leave it empty", SharedSecret::danger_text);
            let shops = if new.shows_shops {
                "\n  Remote commands and remote configuration: on"
            } else {
                ""
            };
            format!(
                "Type this into OwnTracks, under Preferences, Connection:\n  \
                 Mode            HTTP\n  \
                 URL             http://YOUR-MACHINE:7878{path}\n  \
                 User            {name}\n  \
                 Password        {password}\n  \
                 Encryption key  {key}{shops}"
            )
        }
        DeviceApp::Overland => format!(
            "Type this into Overland, under Settings, Receiver Endpoint:\n  \
             URL           http://YOUR-MACHINE:7878{path}\n  \
             Access Token  {name}.{password}"
        ),
    };
    format!(
        "{app}\n\
         It is shown only now. Serve with `besace serve --listen-anywhere --listen 0.0.0.0:7878 \
         --host YOUR-MACHINE`."
    )
}
