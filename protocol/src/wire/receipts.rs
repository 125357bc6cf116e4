//! What somebody of a shop asks of a till receipt, and hears. `spec/till-receipts.md`.

use alloc::string::String;

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::{
    consent::{TillReceipt, is_number},
    id::Handle,
    party::ShopCode,
};

/// Body of `POST` [`TILL_RECEIPTS_PATH`](super::TILL_RECEIPTS_PATH): whether this one is somebody's.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FindReceipt {
    /// The number, as it is printed: 1 to 32 visible ASCII characters.
    #[serde(deserialize_with = "number")]
    pub number: String,
    /// Where it was printed.
    pub shop: ShopCode,
}

fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let number = String::deserialize(deserializer)?;
    if is_number(&number) { Ok(number) } else { Err(de::Error::custom("no number of a receipt")) }
}

impl core::fmt::Debug for FindReceipt {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("FindReceipt([private])")
    }
}

/// The answer: how many say that it is theirs, and where it is one, who under this grant, and what was told of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptFound {
    /// How many grants name it; a receipt is one person's.
    pub claims: u32,
    /// The handle of the one grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handle: Option<Handle>,
    /// What she told of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<TillReceipt>,
}

#[cfg(test)]
mod tests {
    use std::format;

    use super::*;

    #[test]
    fn what_no_shop_prints_is_not_asked_for() {
        let read = |number: &str| {
            let text = format!(r#"{{"number":"{number}","shop":"00000001"}}"#);
            serde_json::from_str::<FindReceipt>(&text).map(|asked| asked.number)
        };
        assert_eq!(read("2026-0001").unwrap(), "2026-0001");
        for bad in ["", "1 2", "é", "1\\n", &"1".repeat(33)] {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert!(read(&"1".repeat(32)).is_ok());
    }
}
