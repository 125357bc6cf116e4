//! What the agent's radio is to the rest: two channels.
//!
//! Advertisements come in, emissions go out. Whatever holds the other end, `BlueZ` or the simulated ether of
//! the tests, gives no hardware address and no signal strength: there is no field for them.

use besace_protocol::presence::{RadioAddress, RadioTime};
use tokio::sync::mpsc;

/// Advertisements that wait to be looked at; more are dropped, and the shop repeats itself.
const HEARD_MAX: usize = 256;

/// The payload of an advertisement, and when it was received. Nothing about who sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// The advertising structures.
    pub payload: Vec<u8>,
    /// When, on this machine's clock.
    pub at: RadioTime,
}

/// What the radio is told. Each command replaces the one before: there is never more than one emission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RadioCommand {
    /// Advertise this.
    Emit(Broadcast),
    /// Be silent at once.
    Stop,
}

/// One payload from one address, every [`INTERVAL_MILLIS`](besace_protocol::presence::INTERVAL_MILLIS).
///
/// Address and payload change together: the radio unregisters the one advertisement and registers
/// another, and never updates one in place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broadcast {
    /// From this address.
    pub address: RadioAddress,
    /// These advertising structures.
    pub payload: [u8; 22],
    /// First advertisement.
    pub start: RadioTime,
    /// None from here on.
    pub stop: RadioTime,
}

/// The agent's end.
#[derive(Debug)]
pub struct Radio {
    /// What was heard.
    pub heard: mpsc::Receiver<Heard>,
    /// What is to be done; a stop is never refused for want of room.
    pub commands: mpsc::UnboundedSender<RadioCommand>,
}

/// The end of whatever has an antenna.
#[derive(Debug)]
pub struct Antenna {
    /// What was heard.
    pub heard: mpsc::Sender<Heard>,
    /// What is to be done.
    pub commands: mpsc::UnboundedReceiver<RadioCommand>,
}

/// Both ends of a radio.
pub fn channel() -> (Radio, Antenna) {
    let (heard_in, heard) = mpsc::channel(HEARD_MAX);
    let (commands, commands_out) = mpsc::unbounded_channel();
    (Radio { heard, commands }, Antenna { heard: heard_in, commands: commands_out })
}
