//! GTINs, days, single offers, and whole catalogues. `kind` says which.

use besace_protocol::{
    crypto::VerifyingKey,
    offer::{
        Gtin, Offer,
        calendar::{Date, Sales},
        catalogue::UnverifiedCatalogue,
    },
    party::ControllerId,
    time::Timestamp,
};

use super::{Case, same};

pub(crate) fn check(case: &Case) -> Result<(), String> {
    match case.text("kind") {
        "gtin" => check_gtin(case),
        "day" => check_day(case),
        "offer" => check_offer(case),
        "catalogue" => check_catalogue(case),
        other => panic!("unknown kind {other}"),
    }
}

fn check_gtin(case: &Case) -> Result<(), String> {
    let text = str::from_utf8(&case.body).map_err(|e| e.to_string())?;
    let gtin = match case.text("form") {
        "wire" => Gtin::parse(text),
        "printed" => Gtin::from_printed(text),
        other => panic!("unknown form {other}"),
    };
    let gtin = gtin.map_err(|e| e.to_string())?;
    same("wire", &gtin.to_string(), case.text("wire"))
}

fn check_day(case: &Case) -> Result<(), String> {
    let text = str::from_utf8(&case.body).map_err(|e| e.to_string())?;
    let [year, month, day] = text.split('-').collect::<Vec<_>>()[..] else {
        panic!("not a day: {text}");
    };
    let number = |text: &str| text.parse::<u16>().unwrap();
    let small = |text: &str| u8::try_from(number(text)).unwrap();
    let date = Date::new(number(year), small(month), small(day)).ok_or("no such day")?;
    let periods = Sales::ALL.iter().filter(|period| date.is_in(**period));
    let periods: Vec<_> = periods.map(|period| serde_json::to_value(period).unwrap()).collect();
    let periods: Vec<_> = periods.iter().filter_map(|value| value.as_str()).collect();
    same("sales", &periods.join(" "), case.find("sales").unwrap_or_default())?;
    let text = |value: serde_json::Value| value.as_str().unwrap().to_owned();
    same("weekday", &text(serde_json::to_value(date.weekday()).unwrap()), case.text("weekday"))?;
    same("season", &text(serde_json::to_value(date.season()).unwrap()), case.text("season"))
}

fn check_offer(case: &Case) -> Result<(), String> {
    let offer = Offer::parse(&case.body).map_err(|e| e.to_string())?;
    let again = besace_protocol::encoding::to_canonical_json(&offer).map_err(|e| e.to_string())?;
    if again == case.body { Ok(()) } else { Err("written otherwise".to_owned()) }
}

fn check_catalogue(case: &Case) -> Result<(), String> {
    let key = VerifyingKey::parse(case.text("key")).unwrap();
    let controller = ControllerId::parse(case.text("retailer")).unwrap();
    let now = Timestamp::from_unix_seconds(case.text("now").parse().unwrap());
    let read = UnverifiedCatalogue::parse(&case.body).map_err(|e| e.to_string())?;
    let read = read.verify(&key, &controller, now).map_err(|e| e.to_string())?;
    let list = |ids: Vec<String>| ids.join(" ");
    let accepted = read.offers().iter().map(|offer| offer.id().to_string()).collect();
    same("accepted", &list(accepted), case.find("accepted").unwrap_or_default())?;
    let set_aside = read.refused().iter().map(|refused| refused.index.to_string()).collect();
    same("set-aside", &list(set_aside), case.find("set-aside").unwrap_or_default())?;
    same("digest", &read.digest().to_string(), case.text("digest"))
}
