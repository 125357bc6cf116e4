//! Strict JSON. `form: strict` reads any spelling and gives its `canonical` one; `form: canonical`
//! takes only the canonical bytes. `max` is the limit of the document, in bytes.

use besace_protocol::encoding::{check_json, from_json, from_json_exact, to_canonical_json};
use serde_json::Value;

use super::{Case, same};

pub(crate) fn check(case: &Case) -> Result<(), String> {
    let max = case.text("max").parse().unwrap();
    match case.text("form") {
        "strict" => {
            check_json(&case.body, max).map_err(|e| e.to_string())?;
            let value: Value = from_json(&case.body, max).map_err(|e| e.to_string())?;
            let canonical = to_canonical_json(&value).map_err(|e| e.to_string())?;
            same("canonical", str::from_utf8(&canonical).unwrap(), case.text("canonical"))
        }
        "canonical" => {
            from_json_exact::<Value>(&case.body, max).map(|_value| ()).map_err(|e| e.to_string())
        }
        other => panic!("unknown form {other}"),
    }
}
