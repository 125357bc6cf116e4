//! What is on air: our two frames, the iBeacon that wakes phones, and what shops already emit.

mod eddystone;

pub use eddystone::Eddystone;

use alloc::vec::Vec;

use super::{EphemeralId, ShopFrame, ShopValue};
use crate::party::ShopCode;

/// The 16-bit UUID of our service data. Not bought yet: this one is assigned to nobody, for laboratories.
pub const SERVICE_UUID: u16 = 0xffff;

/// Longest advertisement that is read, in bytes: one unfragmented extended advertisement (Bluetooth 5).
/// What we emit fits the 31 bytes of a legacy one.
pub const ADVERTISEMENT_LEN_MAX: usize = 255;

/// The proximity UUID of every shop of every retailer: iOS watches at most twenty regions for an
/// application, so that one region must do. Derived as `spec/presence.md` says, and checked by a test.
pub const WAKE_UUID: [u8; 16] = [
    0x90, 0x76, 0x0f, 0xca, 0x39, 0x4d, 0x8c, 0x7b, 0xa3, 0x95, 0x68, 0x79, 0xf4, 0x89, 0x0f, 0x94,
];

/// Transmit power that our frames state, in dBm: one figure for all, since a calibrated one tells devices apart.
const POWER: i8 = -12;

/// First byte of our service data: version 1, kind.
const IDENTIFIER: u8 = 0x10;
const SHOP: u8 = 0x11;

/// Structure types: Bluetooth Assigned Numbers, section 2.3.
const FLAGS: u8 = 0x01;
const SERVICE_DATA_16: u8 = 0x16;
const MANUFACTURER: u8 = 0xff;

/// Apple's company identifier and the prefix of a proximity beacon, as they stand on air.
const IBEACON_PREFIX: [u8; 4] = [0x4c, 0x00, 0x02, 0x15];
/// What follows the company identifier in an `AltBeacon`.
const ALTBEACON_CODE: [u8; 2] = [0xbe, 0xac];

/// Why bytes from the air are not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseAdvertisementError {
    /// The structures do not fill the advertisement exactly, or it is too long.
    #[error("not a sequence of advertising structures")]
    Structure,
    /// None of the frames we read is in it: most of what is on air.
    #[error("no known frame")]
    Unknown,
    /// More than one of the frames we read, or something beside one of ours.
    #[error("more than one frame")]
    Several,
    /// A known frame with another length or value than its specification gives.
    #[error("malformed frame")]
    Frame,
}

/// One advertisement that was understood. There is no field for who sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Advertisement {
    /// Ours, from a phone, fob or Linux machine.
    Identifier(EphemeralId),
    /// Ours, from a shop; to be verified.
    Shop(ShopFrame),
    /// A proximity beacon; with [`WAKE_UUID`] it is a shop's call to listen.
    IBeacon(IBeacon),
    /// Read only.
    AltBeacon(AltBeacon),
    /// Read only.
    Eddystone(Eddystone),
}

impl Advertisement {
    /// Reads the payload of one advertisement: legacy (0 to 31 bytes) or extended (to 255).
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseAdvertisementError> {
        use ParseAdvertisementError::{Several, Unknown};
        let structures = structures(bytes)?;
        let mut found = None;
        for structure in &structures {
            if let Some(frame) = Self::read(structure)? {
                if found.is_some() {
                    return Err(Several);
                }
                found = Some(frame);
            }
        }
        let found = found.ok_or(Unknown)?;
        if matches!(found, Self::Identifier(_) | Self::Shop(_)) {
            // A name or a manufacturer's field beside our frame would tell devices apart.
            let beside = structures.iter().filter(|structure| structure.kind != FLAGS).count();
            if beside != 1 {
                return Err(Several);
            }
        }
        Ok(found)
    }

    /// The frame in one structure: `None` when it is none that we read.
    fn read(structure: &Structure<'_>) -> Result<Option<Self>, ParseAdvertisementError> {
        let frame = match (structure.kind, structure.data) {
            (SERVICE_DATA_16, [low, high, data @ ..]) => match u16::from_le_bytes([*low, *high]) {
                SERVICE_UUID => Some(read_ours(data)),
                eddystone::UUID => Some(Eddystone::read(data).map(Self::Eddystone)),
                _ => None,
            },
            (MANUFACTURER, data) if data.starts_with(&IBEACON_PREFIX) => {
                Some(IBeacon::read(data).map(Self::IBeacon))
            }
            (MANUFACTURER, [low, high, data @ ..]) if data.starts_with(&ALTBEACON_CODE) => {
                let company = u16::from_le_bytes([*low, *high]);
                Some(AltBeacon::read(company, data).map(Self::AltBeacon))
            }
            _ => None,
        };
        frame.map(|frame| frame.ok_or(ParseAdvertisementError::Frame)).transpose()
    }
}

/// `length type data`, length counting type and data.
struct Structure<'a> {
    kind: u8,
    data: &'a [u8],
}

/// The structures of an advertisement; a length of zero ends them, and only zeros may follow.
fn structures(bytes: &[u8]) -> Result<Vec<Structure<'_>>, ParseAdvertisementError> {
    use ParseAdvertisementError::Structure as Malformed;
    if bytes.len() > ADVERTISEMENT_LEN_MAX {
        return Err(Malformed);
    }
    let mut rest = bytes;
    let mut all = Vec::new();
    while let [length, after @ ..] = rest {
        if *length == 0 {
            return if after.iter().all(|byte| *byte == 0) { Ok(all) } else { Err(Malformed) };
        }
        let (structure, after) = after.split_at_checked(usize::from(*length)).ok_or(Malformed)?;
        let (kind, data) = structure.split_first().ok_or(Malformed)?;
        all.push(Structure { kind: *kind, data });
        rest = after;
    }
    Ok(all)
}

fn read_ours(data: &[u8]) -> Option<Advertisement> {
    match data {
        [IDENTIFIER, id @ .., power] if *power == POWER.to_be_bytes()[0] => {
            Some(Advertisement::Identifier(EphemeralId::from_bytes(id.try_into().ok()?)))
        }
        [SHOP, rest @ ..] => {
            let (code, value) = rest.split_first_chunk::<4>()?;
            let value = ShopValue::from_slice(value)?;
            Some(Advertisement::Shop(ShopFrame { code: ShopCode::from_bytes(*code), value }))
        }
        _ => None,
    }
}

impl EphemeralId {
    /// The advertisement that carries it: `15 16 FFFF 10 identifier power`.
    pub fn to_advertisement(&self) -> [u8; 22] {
        let [low, high] = SERVICE_UUID.to_le_bytes();
        let head = [0x15, SERVICE_DATA_16, low, high, IDENTIFIER];
        concat(&[&head, self.as_bytes(), &POWER.to_be_bytes()])
    }
}

impl ShopFrame {
    /// The advertisement that carries it: `18 16 FFFF 11 code value`.
    pub fn to_advertisement(&self) -> [u8; 25] {
        let [low, high] = SERVICE_UUID.to_le_bytes();
        let head = [0x18, SERVICE_DATA_16, low, high, SHOP];
        concat(&[&head, self.code.as_bytes(), self.value.as_bytes()])
    }
}

/// Apple's proximity beacon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IBeacon {
    /// Proximity UUID.
    pub uuid: [u8; 16],
    /// Major.
    pub major: u16,
    /// Minor.
    pub minor: u16,
    /// Received power at one metre, in dBm.
    pub power: i8,
}

impl IBeacon {
    /// What a shop emits between its frames to wake phones.
    pub fn wake(code: ShopCode) -> Self {
        let [a, b, c, d] = *code.as_bytes();
        Self {
            uuid: WAKE_UUID,
            major: u16::from_be_bytes([a, b]),
            minor: u16::from_be_bytes([c, d]),
            power: POWER,
        }
    }

    /// The shop that wakes, if this is such a beacon. It proves nothing.
    pub fn wakes(&self) -> Option<ShopCode> {
        let ([a, b], [c, d]) = (self.major.to_be_bytes(), self.minor.to_be_bytes());
        (self.uuid == WAKE_UUID).then(|| ShopCode::from_bytes([a, b, c, d]))
    }

    /// The advertisement that carries it: flags, then `1A FF 4C00 02 15 uuid major minor power`.
    pub fn to_advertisement(&self) -> [u8; 30] {
        concat(&[
            &[0x02, FLAGS, 0x06, 0x1a, MANUFACTURER],
            &IBEACON_PREFIX,
            &self.uuid,
            &self.major.to_be_bytes(),
            &self.minor.to_be_bytes(),
            &self.power.to_be_bytes(),
        ])
    }

    fn read(data: &[u8]) -> Option<Self> {
        let rest = data.strip_prefix(&IBEACON_PREFIX)?;
        let (uuid, rest) = rest.split_first_chunk::<16>()?;
        let [a, b, c, d, power] = *<&[u8; 5]>::try_from(rest).ok()?;
        Some(Self {
            uuid: *uuid,
            major: u16::from_be_bytes([a, b]),
            minor: u16::from_be_bytes([c, d]),
            power: i8::from_be_bytes([power]),
        })
    }
}

/// The open proximity beacon of Radius Networks (`AltBeacon/spec`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AltBeacon {
    /// Company identifier of its maker.
    pub company: u16,
    /// Beacon identifier.
    pub id: [u8; 20],
    /// Received power at one metre, in dBm.
    pub power: i8,
    /// Reserved for its maker.
    pub reserved: u8,
}

impl AltBeacon {
    fn read(company: u16, data: &[u8]) -> Option<Self> {
        let rest = data.strip_prefix(&ALTBEACON_CODE)?;
        let (id, rest) = rest.split_first_chunk::<20>()?;
        let [power, reserved] = *<&[u8; 2]>::try_from(rest).ok()?;
        Some(Self { company, id: *id, power: i8::from_be_bytes([power]), reserved })
    }
}

/// The parts one after the other; what would not fit is a bug that the tests of each frame would show.
fn concat<const N: usize>(parts: &[&[u8]]) -> [u8; N] {
    let mut all = [0; N];
    debug_assert_eq!(parts.iter().map(|part| part.len()).sum::<usize>(), N);
    for (to, from) in all.iter_mut().zip(parts.iter().copied().flatten()) {
        *to = *from;
    }
    all
}

#[cfg(test)]
mod tests {
    use std::{borrow::ToOwned as _, vec};

    use proptest::{collection, prelude::*};

    use super::*;
    use crate::crypto::{Label, labelled_hash};

    fn parse(digits: &str) -> Result<Advertisement, ParseAdvertisementError> {
        Advertisement::parse(&hex::decode(digits.replace(' ', "")).unwrap())
    }

    #[test]
    fn the_wake_uuid_is_the_one_that_the_label_gives() {
        let digest = labelled_hash(Label::PresenceWake, &[]);
        let mut uuid: [u8; 16] = digest.as_bytes()[..16].try_into().unwrap();
        uuid[6] = uuid[6] & 0x0f | 0x80;
        uuid[8] = uuid[8] & 0x3f | 0x80;
        assert_eq!(uuid, WAKE_UUID);
    }

    #[test]
    fn our_frames_have_the_bytes_of_the_specification() {
        let id = EphemeralId::from_bytes([0xab; 16]);
        insta::assert_snapshot!(hex::encode(id.to_advertisement()), @"1516ffff10ababababababababababababababababf4");
        let frame = ShopFrame {
            code: ShopCode::from_bytes([1, 2, 3, 4]),
            value: ShopValue::from_bytes([0xcd; 16]),
        };
        insta::assert_snapshot!(hex::encode(frame.to_advertisement()), @"1816ffff1101020304cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd");
        let wake = IBeacon::wake(frame.code);
        insta::assert_snapshot!(hex::encode(wake.to_advertisement()), @"0201061aff4c00021590760fca394d8c7ba3956879f4890f9401020304f4");
        assert_eq!(wake.wakes(), Some(frame.code));
    }

    #[test]
    fn only_zeros_may_follow_the_structures() {
        let id = "1516ffff10ababababababababababababababababf4";
        assert!(parse(&(id.to_owned() + "000000")).is_ok());
        for (suffix, error) in [
            ("0001", ParseAdvertisementError::Structure),
            ("01", ParseAdvertisementError::Structure),
            ("0509", ParseAdvertisementError::Structure),
            ("03096162", ParseAdvertisementError::Several), // a name beside ours
            (id, ParseAdvertisementError::Several),
        ] {
            assert_eq!(parse(&(id.to_owned() + suffix)), Err(error), "{suffix}");
        }
        assert!(parse(&("020106".to_owned() + id)).is_ok());
        assert_eq!(parse(""), Err(ParseAdvertisementError::Unknown));
        assert_eq!(parse("020106"), Err(ParseAdvertisementError::Unknown));
    }

    #[test]
    fn a_frame_one_byte_short_or_long_or_of_another_version_is_malformed() {
        for digits in [
            "1416ffff10abababababababababababababababf4",
            "1616ffff10abababababababababababababababababf4",
            "1516ffff10ababababababababababababababababf5", // another power
            "1516ffff20ababababababababababababababababf4",
            "1716ffff1101020304cdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
            "19ff4c00021590760fca394d8c7ba3956879f4890f94010203f4",
            "1aff1801beac0000000000000000000000000000000000000000c5", // the last byte lacks
        ] {
            let length = usize::from_str_radix(&digits[..2], 16).unwrap();
            assert_eq!(digits.len(), 2 * (length + 1), "{digits}");
            assert_eq!(parse(digits), Err(ParseAdvertisementError::Frame), "{digits}");
        }
    }

    #[test]
    fn an_altbeacon_is_read() {
        let frame = "1bff1801beac0102030405060708090a0b0c0d0e0f1011121314c500";
        let Ok(Advertisement::AltBeacon(read)) = parse(frame) else { panic!("not read") };
        assert_eq!((read.company, read.power, read.id[19]), (0x0118, -59, 0x14));
    }

    /// Structures with right lengths, whose data often begin like a frame we know.
    fn plausible() -> impl Strategy<Value = Vec<u8>> {
        let heads = prop::sample::select(vec![
            vec![0x16, 0xff, 0xff, 0x10],
            vec![0x16, 0xff, 0xff, 0x11],
            vec![0xff, 0x4c, 0x00, 0x02, 0x15],
            vec![0xff, 0x18, 0x01, 0xbe, 0xac],
            vec![0x16, 0xaa, 0xfe, 0x00],
            vec![0x16, 0xaa, 0xfe, 0x10],
            vec![0x16, 0xaa, 0xfe, 0x20, 0x00],
            vec![0x16, 0xaa, 0xfe, 0x30],
            vec![0x01],
        ]);
        collection::vec((heads, collection::vec(any::<u8>(), 0..26)), 1..6).prop_map(|structures| {
            let mut bytes = Vec::new();
            for (head, data) in structures {
                bytes.push(u8::try_from(head.len().saturating_add(data.len())).unwrap());
                bytes.extend(head);
                bytes.extend(data);
            }
            bytes
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn no_legacy_advertisement_makes_the_parser_panic(bytes in collection::vec(any::<u8>(), 0..=31)) {
            let _ = Advertisement::parse(&bytes).is_ok();
        }

        #[test]
        fn no_extended_advertisement_makes_the_parser_panic(bytes in collection::vec(any::<u8>(), 0..=255)) {
            let _ = Advertisement::parse(&bytes).is_ok();
        }

        #[test]
        fn no_plausible_advertisement_makes_the_parser_panic(bytes in plausible()) {
            let _ = Advertisement::parse(&bytes).is_ok();
        }

        #[test]
        fn what_we_emit_we_read(id in any::<[u8; 16]>(), code in any::<[u8; 4]>(), power in any::<i8>()) {
            let token = EphemeralId::from_bytes(id);
            prop_assert_eq!(Advertisement::parse(&token.to_advertisement()), Ok(Advertisement::Identifier(token)));
            let code = ShopCode::from_bytes(code);
            let frame = ShopFrame { code, value: ShopValue::from_bytes(id) };
            prop_assert_eq!(Advertisement::parse(&frame.to_advertisement()), Ok(Advertisement::Shop(frame)));
            let beacon = IBeacon { uuid: id, power, ..IBeacon::wake(code) };
            prop_assert_eq!(Advertisement::parse(&beacon.to_advertisement()), Ok(Advertisement::IBeacon(beacon)));
        }
    }
}
