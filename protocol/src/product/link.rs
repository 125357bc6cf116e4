//! GS1 Digital Link (URI syntax): the address of a product's page, of any domain, in which the product is
//! named as in an element string. Nothing is ever fetched from it.

use super::{ParseScanError, only};
use crate::offer::Gtin;

/// Identifiers of other things, of which a GTIN may be an attribute.
const OTHER_KEYS: [&str; 14] = [
    "00", "253", "255", "401", "402", "414", "417", "8003", "8004", "8006", "8010", "8013", "8017",
    "8018",
];
/// The earlier words for what qualifies a GTIN, beside its number.
const QUALIFIER_WORDS: [&str; 3] = ["cpv", "lot", "ser"];

/// What follows `http://` or `https://`, in small letters or in capitals.
pub(super) fn after_scheme(text: &str) -> Option<&str> {
    ["https://", "http://", "HTTPS://", "HTTP://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme))
}

/// The GTIN of a link without its scheme.
pub(super) fn gtin_in(link: &str) -> Result<Gtin, ParseScanError> {
    if link.bytes().any(|byte| !is_of_a_uri(byte)) {
        return Err(ParseScanError::Form);
    }
    let link = link.split('#').next().unwrap_or_default();
    let (address, query) = link.split_once('?').unwrap_or((link, ""));
    let (domain, path) = address.split_once('/').ok_or(ParseScanError::Form)?;
    if domain.is_empty() || domain.bytes().any(|byte| b"_~@!$&'()*+,;=%".contains(&byte)) {
        return Err(ParseScanError::Form);
    }
    let of_path = gtin_of_path(path)?;
    let mut found = of_path;
    for (key, value) in query.split(['&', ';']).filter_map(|pair| pair.split_once('=')) {
        if key == "01" {
            found = only(found, Gtin::from_printed(value)?)?;
        }
    }
    // In the query alone it counts only as an attribute of something that the path names.
    let named = of_path.is_some() || names_something(path);
    found.filter(|_| named).ok_or(ParseScanError::NoGtin)
}

/// The rightmost `01/NUMBER` after which there are only identifiers with values.
fn gtin_of_path(path: &str) -> Result<Option<Gtin>, ParseScanError> {
    let mut qualified = true;
    let mut segments = path.rsplit('/');
    while let (Some(value), Some(key)) = (segments.next(), segments.next()) {
        if qualified && matches!(key, "01" | "gtin") {
            return Ok(Some(Gtin::from_printed(value)?));
        }
        qualified = qualified && !value.is_empty() && is_identifier(key);
    }
    Ok(None)
}

/// Whether the path ends with the identifier of something else, its value, and what qualifies it.
fn names_something(path: &str) -> bool {
    let mut segments = path.rsplit('/');
    while let (Some(value), Some(key)) = (segments.next(), segments.next()) {
        if value.is_empty() || !is_identifier(key) {
            return false;
        }
        if OTHER_KEYS.contains(&key) {
            return true;
        }
    }
    false
}

fn is_identifier(key: &str) -> bool {
    let digits = matches!(key.len(), 2..=4) && key.bytes().all(|byte| byte.is_ascii_digit());
    digits || QUALIFIER_WORDS.contains(&key)
}

/// RFC 3986, section 2.
const fn is_of_a_uri(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'.'
                | b'_'
                | b'~'
                | b':'
                | b'/'
                | b'?'
                | b'#'
                | b'['
                | b']'
                | b'@'
                | b'!'
                | b'$'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'*'
                | b'+'
                | b','
                | b';'
                | b'='
                | b'%'
        )
}
