//! Calls: signed by `subject` for `address`, received at `now`; `message` and `says` are the message
//! id and the body of one that holds.

use besace_protocol::{call::UnverifiedCall, crypto::VerifyingKey, time::Timestamp};
use serde_json::Value;

use super::{Case, same};

pub(crate) fn check(case: &Case) -> Result<(), String> {
    let subject = VerifyingKey::parse(case.text("subject")).unwrap();
    let now = Timestamp::from_unix_seconds(case.text("now").parse().unwrap());
    let call = UnverifiedCall::parse(&case.body)
        .map_err(|e| e.to_string())?
        .verify::<Value>(&subject, case.text("address"), now)
        .map_err(|e| e.to_string())?;
    same("message", &call.message.to_string(), case.text("message"))?;
    same("body", &call.body.to_string(), case.text("says"))
}
