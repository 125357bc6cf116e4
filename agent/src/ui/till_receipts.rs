//! Her till receipts, as a page shows them: each one, whether its shop may know, and a form for one more.

use std::collections::BTreeMap;

use besace_protocol::{
    party::ControllerId,
    purpose::Purpose,
    time::{DAY_SECONDS, Day, Timestamp},
};

use super::{
    view::{Fact, Key, plain},
    voice::Voice,
};
use crate::{
    engine::{Engine, StepError},
    vault::StoredReceipt,
};

/// Longest name of a retailer or a shop, in characters.
const NAME_MAX: usize = 80;

/// The page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReceiptsView {
    /// Each of them, the newest first.
    pub receipts: Vec<ReceiptView>,
    /// The shops of the retailers that she has met: `domain code`, for the form, and in words.
    pub shops: Vec<(String, String)>,
}

/// One till receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptView {
    /// Its name here, for addresses.
    pub id: u32,
    /// What she calls it, or its shop.
    pub name: String,
    /// Shop, number, day, what was paid.
    pub facts: Vec<Fact>,
    /// Whether its shop may know.
    pub told: bool,
    /// Who knows, in a sentence.
    pub note: String,
}

/// What stands in the form: as it was typed, where it was not taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReceiptFields {
    /// `domain code`.
    pub shop: String,
    /// As it is printed.
    pub number: String,
    /// Its day.
    pub day: String,
    /// What was paid.
    pub total: String,
    /// What she calls it.
    pub label: String,
    /// Why it was not taken.
    pub refusal: Option<String>,
}

/// Where one may be told: the name over the door, and for how many days the shop keeps it.
type Keepers = BTreeMap<ControllerId, (String, u32)>;

/// The page, as things stand now.
pub fn view(voice: &Voice, engine: &Engine) -> Result<ReceiptsView, StepError> {
    let now = engine.now();
    let mut keepers = Keepers::new();
    for known in engine.live_for(Purpose::Receipts)? {
        let days = u32::from(known.grant.terms.retention_days);
        let keeper = keepers.entry(known.grant.controller).or_default();
        *keeper = (plain(&known.display_name, NAME_MAX), keeper.1.max(days));
    }
    let (mut shops, mut names) = (Vec::new(), BTreeMap::new());
    for manifest in engine.retailers()? {
        let manifest = manifest.payload();
        let retailer = plain(&manifest.legal.display_name, NAME_MAX);
        for shop in &manifest.shops {
            let name = format!("{retailer}, {}", plain(&shop.name, NAME_MAX));
            names.insert((manifest.controller.clone(), shop.code), name.clone());
            shops.push((format!("{} {}", manifest.controller, shop.code), name));
        }
    }
    let receipts = engine.till_receipts()?;
    let shop_of = |one: &StoredReceipt| {
        let content = &one.content;
        let name = names.get(&(content.domain.clone(), content.shop)).cloned();
        name.unwrap_or_else(|| content.domain.to_string())
    };
    let receipts = receipts.iter().rev();
    Ok(ReceiptsView {
        receipts: receipts.map(|one| receipt(voice, one, &shop_of(one), &keepers, now)).collect(),
        shops,
    })
}

fn receipt(
    voice: &Voice,
    one: &StoredReceipt,
    shop: &str,
    keepers: &Keepers,
    now: Timestamp,
) -> ReceiptView {
    let content = &one.content;
    let label = plain(content.label.reveal(), 200);
    let mut facts = Vec::new();
    if !label.is_empty() {
        facts.push(Fact::new(voice, Key("receipt-shop"), shop));
    }
    facts.push(Fact::new(voice, Key("receipt-number"), plain(content.number.reveal(), 32)));
    // A day is one of the calendar, wherever she is.
    let noon = content.day.start().plus(DAY_SECONDS / 2);
    facts.push(Fact::new(voice, Key("receipt-day"), voice.date(noon, now)));
    if let Some(total) = content.total {
        facts.push(Fact::new(voice, Key("receipt-total"), voice.money(total)));
    }
    let note = match (one.told_at, keepers.get(&content.domain)) {
        (None, _) => voice.say("receipt-hers"),
        (Some(_), None) => voice.say("receipt-told-nobody"),
        (Some(at), Some((retailer, days))) => {
            let who = [("retailer", retailer.clone().into())];
            if Day::of(now) < Day::of(at).plus(*days) {
                voice.say_with("receipt-told", who)
            } else {
                voice.say_with("receipt-over", who)
            }
        }
    };
    let name = if label.is_empty() { shop.to_owned() } else { label };
    ReceiptView { id: one.id, name, facts, told: one.told_at.is_some(), note }
}

#[cfg(test)]
mod tests {
    use besace_protocol::{lang::Language, money::Money, party::ShopCode, private::Private};
    use jiff::tz::TimeZone;

    use super::*;
    use crate::vault::ReceiptContent;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_300_000);

    #[test]
    fn who_may_know_of_a_receipt_is_said_in_words() {
        let voice = Voice::new(Language::En, TimeZone::get("Europe/Paris").unwrap());
        let domain = ControllerId::parse("shop.example").unwrap();
        let keepers = Keepers::from([(domain.clone(), ("Maison Lumen".to_owned(), 30))]);
        let say = |told_at, keepers: &Keepers, label: &str| {
            let content = ReceiptContent {
                domain: domain.clone(),
                number: Private::new("2026-0001".to_owned()),
                shop: ShopCode::from_bytes([0, 0, 0, 1]),
                day: Day::of(NOW),
                total: Some(Money::euro_cents(8_990)),
                label: Private::new(label.to_owned()),
            };
            let one = StoredReceipt { id: 1, content, told_at };
            receipt(&voice, &one, "Maison Lumen, Lyon", keepers, NOW)
        };
        let hers = say(None, &keepers, "");
        assert_eq!((hers.name.as_str(), hers.facts.len()), ("Maison Lumen, Lyon", 3));
        insta::assert_snapshot!(hers.note, @"Yours alone.");
        let told = say(Some(NOW), &keepers, "Boots");
        assert_eq!((told.name.as_str(), told.facts.len()), ("Boots", 4));
        insta::assert_snapshot!(told.note, @"Maison Lumen may know that it is yours. Whenever somebody there looks it up, you read it under “Consent”.");
        let nobody = say(Some(NOW), &Keepers::new(), "");
        insta::assert_snapshot!(nobody.note, @"Yours alone, until you allow its shop to know your receipts.");
        let over = say(Some(NOW.minus(30 * DAY_SECONDS)), &keepers, "");
        insta::assert_snapshot!(over.note, @"Maison Lumen has forgotten it: the agreed time is over. To tell it again, take it back first.");
    }
}
