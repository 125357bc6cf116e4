//! Small values in text: the body is the text, `kind` says of what. Where a value is bytes or a
//! number, `value` gives it, in hexadecimal or in decimal.

use besace_protocol::{
    crypto::{Digest, KeyId},
    encoding::{from_base64url, parse_decimal},
    lang::Language,
    money::Currency,
    party::ControllerId,
};

use super::{Case, same};

pub(crate) fn check(case: &Case) -> Result<(), String> {
    let text = str::from_utf8(&case.body).map_err(|e| e.to_string())?;
    match case.text("kind") {
        "base64url" => {
            let bytes = from_base64url(text).map_err(|e| e.to_string())?;
            same("bytes", &hex::encode(bytes), case.text("value"))
        }
        "currency" => {
            let currency = Currency::parse(text).ok_or("not a currency")?;
            same("text", currency.as_str(), text)
        }
        "decimal" => {
            let number = parse_decimal(text).ok_or("not a number")?;
            same("number", &number.to_string(), case.text("value"))
        }
        "digest" => {
            let digest = Digest::parse(text).ok_or("not a digest")?;
            same("bytes", &hex::encode(digest.as_bytes()), case.text("value"))
        }
        "domain" => {
            let domain = ControllerId::parse(text).map_err(|e| e.to_string())?;
            same("text", domain.as_str(), text)
        }
        "key-id" => {
            let key = KeyId::parse(text).ok_or("not a key id")?;
            same("text", &key.to_string(), text)
        }
        "language" => {
            let language = Language::parse(text).map_err(|e| e.to_string())?;
            same("language", language.as_str(), case.text("value"))
        }
        other => panic!("unknown kind {other}"),
    }
}
