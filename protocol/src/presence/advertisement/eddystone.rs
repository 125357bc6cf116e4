//! Eddystone, read only (`google/eddystone`, protocol specification): what many shops still emit.

use alloc::string::String;

/// Service UUID of Eddystone.
pub(super) const UUID: u16 = 0xfeaa;

/// A frame of Eddystone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Eddystone {
    /// A fixed identifier.
    Uid {
        /// Transmitted power at 0 m, in dBm.
        power: i8,
        /// Whose beacons.
        namespace: [u8; 10],
        /// Which of them.
        instance: [u8; 6],
    },
    /// An address of the web.
    Url {
        /// Transmitted power at 0 m, in dBm.
        power: i8,
        /// The address, expanded. Somebody else's text: never opened by itself.
        url: String,
    },
    /// How the beacon is doing.
    Telemetry {
        /// Battery, in millivolts; 0 when it has none.
        battery_millivolts: u16,
        /// Temperature, in 1/256 degree Celsius; `i16::MIN` when it does not measure.
        temperature_256ths: i16,
        /// Advertisements since power-on.
        count: u32,
        /// Time since power-on, in tenths of a second.
        uptime_deciseconds: u32,
    },
    /// A rotating identifier: [`eddystone_ephemeral_id`](crate::presence::eddystone_ephemeral_id) computes it.
    Eid {
        /// Transmitted power at 0 m, in dBm.
        power: i8,
        /// The identifier.
        id: [u8; 8],
    },
}

impl Eddystone {
    /// What follows the UUID in the service data.
    pub(super) fn read(data: &[u8]) -> Option<Self> {
        match data {
            [0x00, power, rest @ ..] => {
                let (namespace, rest) = rest.split_first_chunk::<10>()?;
                let (instance, reserved) = rest.split_first_chunk::<6>()?;
                (reserved == [0, 0]).then_some(Self::Uid {
                    power: i8::from_be_bytes([*power]),
                    namespace: *namespace,
                    instance: *instance,
                })
            }
            [0x10, power, scheme, rest @ ..] => Some(Self::Url {
                power: i8::from_be_bytes([*power]),
                url: expand_url(*scheme, rest)?,
            }),
            // Version 0; version 1 is encrypted, and its key is not ours.
            [0x20, 0x00, rest @ ..] => {
                let [b0, b1, t0, t1, c0, c1, c2, c3, s0, s1, s2, s3] =
                    *<&[u8; 12]>::try_from(rest).ok()?;
                Some(Self::Telemetry {
                    battery_millivolts: u16::from_be_bytes([b0, b1]),
                    temperature_256ths: i16::from_be_bytes([t0, t1]),
                    count: u32::from_be_bytes([c0, c1, c2, c3]),
                    uptime_deciseconds: u32::from_be_bytes([s0, s1, s2, s3]),
                })
            }
            [0x30, power, id @ ..] => {
                Some(Self::Eid { power: i8::from_be_bytes([*power]), id: id.try_into().ok()? })
            }
            _ => None,
        }
    }
}

/// One byte of scheme, then 1 to 17 of text, in which 0 to 13 stand for common endings.
fn expand_url(scheme: u8, text: &[u8]) -> Option<String> {
    const SCHEMES: [&str; 4] = ["http://www.", "https://www.", "http://", "https://"];
    const ENDINGS: [&str; 14] = [
        ".com/", ".org/", ".edu/", ".net/", ".info/", ".biz/", ".gov/", ".com", ".org", ".edu",
        ".net", ".info", ".biz", ".gov",
    ];
    if !(1..=17).contains(&text.len()) {
        return None;
    }
    let mut url = String::from(*SCHEMES.get(usize::from(scheme))?);
    for byte in text {
        match ENDINGS.get(usize::from(*byte)) {
            Some(ending) => url.push_str(ending),
            None if (0x21..=0x7e).contains(byte) => url.push(char::from(*byte)),
            None => return None,
        }
    }
    Some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_expanded() {
        let read = |scheme, text: &[u8]| expand_url(scheme, text);
        assert_eq!(read(3, b"goo.gl/S6zT6P").as_deref(), Some("https://goo.gl/S6zT6P"));
        assert_eq!(read(1, b"example\x00x").as_deref(), Some("https://www.example.com/x"));
        for (scheme, text) in [
            (4, &b"example"[..]),
            (0, b""),
            (0, b"eighteen-letters-x"),
            (0, b"a b"),
            (0, b"a\x0e"),
            (0, b"a\x7f"),
            (0, b"a\xff"),
        ] {
            assert_eq!(read(scheme, text), None, "{scheme} {text:?}");
        }
    }

    #[test]
    fn each_frame_has_one_length() {
        for (first, rest, length) in [(0x00, 0, 20), (0x20, 0, 14), (0x30, 0, 10)] {
            for wrong in 0..30 {
                let mut data = std::vec![rest; wrong];
                if let Some(kind) = data.first_mut() {
                    *kind = first;
                }
                assert_eq!(Eddystone::read(&data).is_some(), wrong == length, "{first} {wrong}");
            }
        }
    }
}
