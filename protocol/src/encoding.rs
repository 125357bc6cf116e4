//! One spelling for one value: strict JSON, canonical bytes, unpadded base64url, decimal numbers.
//!
//! `spec/encoding.md`. Everything here refuses rather than repairs.

mod base45;
mod base64;
mod decimal;
mod json;

pub use self::base45::{Base45Error, from_base45, to_base45};
pub use self::base64::{Base64Error, Bytes, from_base64, from_base64url, to_base64, to_base64url};
pub use decimal::parse_decimal;
pub(crate) use json::split_list;
pub use json::{
    JSON_DEPTH_MAX, JSON_INTEGER_MAX, JsonError, check_json, from_json, from_json_exact,
    to_canonical_json,
};
