//! Presence: `kind` says what is checked; figures stand in the header, published tables in the body.

use besace_protocol::{
    crypto::SecretBytes,
    id::Handle,
    party::{ControllerId, ShopCode},
    presence::{
        Advertisement, AltBeacon, Binding, ChainAnchor, Eddystone, EphemeralId, Epoch,
        ExposureNotificationKeys, IBeacon, PresenceRoot, ReleasedKeys, Scope, ShopFrame, ShopId,
        ShopValue, Till, eddystone_ephemeral_id, resolves_private_address,
    },
    time::{Day, Timestamp},
};

use super::{Case, same};

pub(crate) fn check(case: &Case) -> Result<(), String> {
    match case.text("kind") {
        "keys" => check_keys(case),
        "token" => check_token(case),
        "shop" => check_shop(case),
        "advertisement" => check_advertisement(case),
        "exposure-notification" => check_exposure_notification(case),
        "eddystone-eid" => check_eddystone_eid(case),
        "private-address" => check_private_address(case),
        other => panic!("unknown kind {other}"),
    }
}

fn check_keys(case: &Case) -> Result<(), String> {
    let day = Day::from_number(number(case, "day"));
    let handle = Handle::from_bytes(bytes(case.text("handle")));
    let key = root(case).day_key(day, &Scope::of(case.text("scope")));
    for (till, name) in [(Till::Excluded, "recognition"), (Till::Included, "till")] {
        let keys = key.release(till);
        let theirs = |what: &str| case.text(&format!("{name}-{what}"));
        same(name, &hex::encode(&*keys.danger_bytes()), theirs("keys"))?;
        let read = ReleasedKeys::from_slice(day, &keys.danger_bytes()).unwrap();
        same(name, &hex::encode(read.commitment(&handle).as_bytes()), theirs("commit"))?;
    }
    Ok(())
}

fn check_token(case: &Case) -> Result<(), String> {
    let epoch = Epoch::from_number(number(case, "epoch"));
    let token = EphemeralId::parse(case.text("token")).unwrap();
    let values: Vec<ShopValue> =
        case.text("shop-values").split(' ').map(|v| ShopValue::from_bytes(bytes(v))).collect();
    let key = root(case).day_key(epoch.day(), &Scope::of(case.text("scope")));
    let keys = key.release(Till::Excluded);
    let level = match keys.binding(epoch, &token, &values).ok_or("not of this grant and epoch")? {
        Binding::Here => "1",
        Binding::Nowhere => "0",
        Binding::Elsewhere => return Err("bound to another shop or minute".to_owned()),
    };
    let made = values.iter().map(Some).chain([None]).map(|value| key.ephemeral_id(epoch, value));
    assert!(made.flatten().any(|made| made == token), "what resolves can be made");
    same("level", level, case.text("level"))
}

fn check_shop(case: &Case) -> Result<(), String> {
    let code = ShopCode::parse(case.text("code")).unwrap();
    let domain = ControllerId::parse(case.text("domain")).unwrap();
    let day = Day::from_number(number(case, "day"));
    let value = |name| ShopValue::from_bytes(bytes(case.text(name)));
    let anchor = ChainAnchor::new(ShopId { domain, code }, day, value("anchor"));
    let clock = Timestamp::from_unix_seconds(number(case, "clock").into());
    let frame = ShopFrame { code, value: value("value") };
    let verified = anchor.verify(&frame, clock).map_err(|e| e.to_string())?;
    same("slot", &verified.slot().as_number().to_string(), case.text("slot"))?;
    same("gesture", if verified.needs_gesture() { "yes" } else { "no" }, case.text("gesture"))
}

fn check_advertisement(case: &Case) -> Result<(), String> {
    let on_air = hex::decode(case.text("bytes")).unwrap();
    let read = Advertisement::parse(&on_air).map_err(|e| e.to_string())?;
    let (reads, emitted) = match &read {
        Advertisement::Identifier(id) => {
            (format!("identifier {id}"), Some(id.to_advertisement().to_vec()))
        }
        Advertisement::Shop(frame) => {
            let ShopFrame { code, value } = frame;
            let reads = format!("shop {code} {}", hex::encode(value.as_bytes()));
            (reads, Some(frame.to_advertisement().to_vec()))
        }
        Advertisement::IBeacon(beacon) => {
            let IBeacon { uuid, major, minor, power } = beacon;
            let reads = format!("ibeacon {} {major} {minor} {power}", hex::encode(uuid));
            (reads, Some(beacon.to_advertisement().to_vec()))
        }
        Advertisement::AltBeacon(AltBeacon { company, id, power, reserved }) => {
            (format!("altbeacon {company} {} {power} {reserved}", hex::encode(id)), None)
        }
        Advertisement::Eddystone(frame) => (eddystone(frame), None),
    };
    same("reads", &reads, case.text("reads"))?;
    match emitted {
        Some(bytes) if case.find("emitted") == Some("yes") => {
            same("bytes", &hex::encode(bytes), case.text("bytes"))
        }
        _ => Ok(()),
    }
}

fn eddystone(frame: &Eddystone) -> String {
    match frame {
        Eddystone::Uid { power, namespace, instance } => {
            format!("eddystone-uid {power} {} {}", hex::encode(namespace), hex::encode(instance))
        }
        Eddystone::Url { power, url } => format!("eddystone-url {power} {url}"),
        Eddystone::Telemetry {
            battery_millivolts: battery,
            temperature_256ths: temperature,
            count,
            uptime_deciseconds: uptime,
        } => format!("eddystone-tlm {battery} {temperature} {count} {uptime}"),
        Eddystone::Eid { power, id } => format!("eddystone-eid {power} {}", hex::encode(id)),
    }
}

fn check_exposure_notification(case: &Case) -> Result<(), String> {
    let keys = ExposureNotificationKeys::derive(&bytes(case.text("exposure-key")));
    let mut count: u32 = 0;
    for [j, identifier, metadata] in lines(case) {
        let interval = number(case, "interval").checked_add(j.parse().unwrap()).unwrap();
        let ours = keys.identifier(interval);
        same("identifier", &hex::encode(ours), identifier)?;
        let encrypted = keys.metadata(ours, bytes(case.text("metadata")));
        same("metadata", &hex::encode(encrypted), metadata)?;
        count = count.checked_add(1).unwrap();
    }
    same("count", &count.to_string(), case.text("count"))
}

fn check_eddystone_eid(case: &Case) -> Result<(), String> {
    lines(case).try_for_each(|[key, exponent, seconds, identifier]| {
        let (exponent, seconds) = (exponent.parse().unwrap(), seconds.parse().unwrap());
        let ours = eddystone_ephemeral_id(&secret(key), exponent, seconds).ok_or("exponent")?;
        same("identifier", &hex::encode(ours), identifier)
    })
}

fn check_private_address(case: &Case) -> Result<(), String> {
    lines(case).try_for_each(|[key, address]| {
        let resolves = resolves_private_address(&secret(key), bytes(&address.replace(':', "")));
        if resolves { Ok(()) } else { Err(format!("{address} does not resolve")) }
    })
}

fn root(case: &Case) -> PresenceRoot {
    PresenceRoot::init_with(|to| *to = bytes(case.text("root")))
}

fn number(case: &Case, name: &str) -> u32 {
    case.text(name).parse().unwrap()
}

fn bytes<const N: usize>(digits: &str) -> [u8; N] {
    hex::decode(digits).unwrap().try_into().unwrap()
}

fn secret(digits: &str) -> SecretBytes<16> {
    SecretBytes::init_with(|to| *to = bytes(digits))
}

/// The words of each line of the body.
fn lines<const N: usize>(case: &Case) -> impl Iterator<Item = [&str; N]> {
    str::from_utf8(&case.body)
        .unwrap()
        .lines()
        .map(|line| line.split(' ').collect::<Vec<_>>().try_into().unwrap())
}
