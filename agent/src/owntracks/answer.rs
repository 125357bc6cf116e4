//! What the agent says back to the app: the shops she is in, as friends on its map, and the shops she
//! has met, as regions to watch.

use besace_protocol::{
    crypto::sha256,
    presence::{ShopId, WAKE_UUID},
    time::Timestamp,
};
use serde_json::{Value, json};

use crate::vault::Position;

/// A shop, as the app shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownShop {
    /// Which.
    pub id: ShopId,
    /// The retailer's name and the shop's.
    pub name: String,
    /// Its middle.
    pub centre: Position,
    /// How far it reaches, in metres.
    pub radius_metres: u16,
}

/// A card and a place for each shop she is in, then `regions` if there are any.
pub fn answer(here: &[ShownShop], regions: Option<Value>, now: Timestamp) -> Value {
    let mut messages = Vec::new();
    for shop in here {
        let tid = tracker_id(&shop.id);
        messages.push(json!({"_type": "card", "name": shop.name, "tid": tid}));
        messages.push(json!({
            "_type": "location",
            "acc": shop.radius_metres,
            "lat": degrees(shop.centre.latitude_e7()),
            "lon": degrees(shop.centre.longitude_e7()),
            "tid": tid,
            "tst": now,
        }));
    }
    messages.extend(regions);
    Value::Array(messages)
}

/// The command that makes the app watch these shops, by place and by emitter. `made_at` is the key of a
/// region in the app: the place in the list makes it another one for each shop.
pub fn shops_as_regions(shops: &[ShownShop]) -> Value {
    let uuid = uuid();
    let regions: Vec<Value> = shops
        .iter()
        .map(|shop| {
            let [a, b, c, d] = *shop.id.code.as_bytes();
            json!({
                "_type": "waypoint",
                "desc": format!("{}/{}", shop.id.domain, shop.id.code),
                "lat": degrees(shop.centre.latitude_e7()),
                "lon": degrees(shop.centre.longitude_e7()),
                "major": u16::from_be_bytes([a, b]),
                "minor": u16::from_be_bytes([c, d]),
                "rad": shop.radius_metres,
                "tst": region_key(&shop.id),
                "uuid": uuid,
            })
        })
        .collect();
    json!({
        "_type": "cmd",
        "action": "setWaypoints",
        "waypoints": {"_type": "waypoints", "waypoints": regions},
    })
}

/// Two letters that stand for a shop on the map; two of 961 shops may share them.
pub fn tracker_id(shop: &ShopId) -> String {
    const LETTERS: &[u8; 31] = b"ABCDEFGHJKLMNPQRSTUVWXYZ2345678";
    let [first, second, ..] = *digest(shop).as_bytes();
    let letter = |byte: u8| LETTERS.get(usize::from(byte % 31)).map_or('A', |b| char::from(*b));
    [letter(first), letter(second)].into_iter().collect()
}

/// A moment that no region of hers was made at: the apps know a region by it.
fn region_key(shop: &ShopId) -> u32 {
    let [_, _, a, b, c, ..] = *digest(shop).as_bytes();
    u32::from_be_bytes([0, a, b, c])
}

fn digest(shop: &ShopId) -> besace_protocol::crypto::Digest {
    sha256(&[shop.domain.as_str().as_bytes(), b"/", shop.code.as_bytes()])
}

fn uuid() -> String {
    let digits = hex::encode_upper(WAKE_UUID);
    let part = |from, to| digits.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

fn degrees(e7: i32) -> f64 {
    f64::from(e7) / 1e7
}
