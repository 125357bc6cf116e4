//! Scanned codes: the body is the code as it comes from the scanner, `gtin` the article it stands for.

use besace_protocol::product::parse_scan;

use super::{Case, same};

pub(crate) fn check(case: &Case) -> Result<(), String> {
    let gtin = parse_scan(&case.body).map_err(|e| e.to_string())?;
    same("GTIN", &gtin.to_string(), case.text("gtin"))
}
