//! Strict JSON: RFC 8259 with RFC 8785 (JCS) as the only way we write it.
//!
//! Refused: duplicate members, floats and exponents, integers beyond 2^53-1, more than
//! [`JSON_DEPTH_MAX`] levels, trailing bytes, lists in place of structures, `null` for what is absent.
//! `serde_json` alone keeps the last duplicate silently.

mod canonical;
mod named;

use alloc::{
    borrow::Cow,
    string::{String, ToString as _},
    vec::Vec,
};
use core::fmt::{self, Write as _};

use serde::{
    Serialize,
    de::{
        DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor,
    },
};

use self::{canonical::is_canonical, named::Named};

/// Deepest nesting of arrays and objects that is read.
pub const JSON_DEPTH_MAX: usize = 16;

/// Largest absolute value of an integer: 2^53 - 1, what every JSON reader keeps exactly.
pub const JSON_INTEGER_MAX: u64 = (1 << 53) - 1;

/// Bytes that are not the JSON we speak.
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    /// Longer than the limit of the document.
    #[error("longer than {max} bytes")]
    TooLong {
        /// The limit, in bytes.
        max: usize,
    },
    /// Not strict JSON, or not the members that the document names.
    #[error("not the strict JSON of this document (line {line}, column {column})")]
    Malformed {
        /// Line of the first fault, from 1; 0 when it has no place.
        line: usize,
        /// Column of the first fault, from 1; 0 when it has no place.
        column: usize,
        /// What the reader said.
        #[source]
        source: serde_json::Error,
    },
    /// Well formed, but spelled otherwise than RFC 8785 does.
    #[error("not in canonical form (RFC 8785)")]
    NotCanonical,
}

impl JsonError {
    /// The member that the document does not have, if that is the fault; as it was sent.
    pub fn unknown_member(&self) -> Option<String> {
        let Self::Malformed { source, .. } = self else { return None };
        // `serde` says it in its text only; a test below holds it to that.
        let said = source.to_string();
        let (name, _) = said.strip_prefix("unknown field `")?.split_once("`, ")?;
        Some(String::from(name))
    }

    fn malformed(source: serde_json::Error) -> Self {
        Self::Malformed { line: source.line(), column: source.column(), source }
    }
}

/// The JSON values we accept; members sorted by the bytes of their names, none twice.
enum Json<'a> {
    Null,
    Bool(bool),
    Integer(i64),
    Text(Cow<'a, str>),
    Array(Vec<Self>),
    Object(Vec<(Cow<'a, str>, Self)>),
}

/// Checks that `bytes` are strict JSON of at most `max` bytes, without giving them a type.
pub fn check_json(bytes: &[u8], max: usize) -> Result<(), JsonError> {
    parse(bytes, max).map(|_| ())
}

/// A document of at most `max` bytes. Put `#[serde(deny_unknown_fields)]` on its types.
pub fn from_json<T: DeserializeOwned>(bytes: &[u8], max: usize) -> Result<T, JsonError> {
    typed(&parse(bytes, max)?, bytes)
}

/// As [`from_json`], and the bytes must be the canonical form: used where a file has one spelling.
pub fn from_json_exact<T: DeserializeOwned>(bytes: &[u8], max: usize) -> Result<T, JsonError> {
    let json = parse(bytes, max)?;
    if !is_canonical(bytes) {
        return Err(JsonError::NotCanonical);
    }
    typed(&json, bytes)
}

/// The value, by the names of its members. Where it has none, the bytes say in which line.
fn typed<T: DeserializeOwned>(json: &Json<'_>, bytes: &[u8]) -> Result<T, JsonError> {
    T::deserialize(Named(json)).map_err(|source| {
        JsonError::malformed(serde_json::from_slice::<T>(bytes).err().unwrap_or(source))
    })
}

/// Takes a long list out of a canonical object: the object with `name` empty, and the elements as they are
/// spelled. `None`: not canonical, or there is no such list.
pub(crate) fn split_list<'a>(bytes: &'a [u8], name: &str) -> Option<(Vec<u8>, Vec<&'a str>)> {
    if !is_canonical(bytes) {
        return None;
    }
    canonical::split_list(bytes, name.as_bytes())
}

/// The canonical bytes (RFC 8785) of a document made of integers, texts, booleans, arrays, objects.
///
/// Fails on a float, on an integer beyond 2^53-1 and on a map whose keys are not texts.
pub fn to_canonical_json<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, JsonError> {
    let bytes = serde_json::to_vec(value).map_err(JsonError::malformed)?;
    if is_canonical(&bytes) {
        return Ok(bytes); // its members stand in the order of their names
    }
    Ok(parse(&bytes, usize::MAX)?.to_canonical().into_bytes())
}

fn parse(bytes: &[u8], max: usize) -> Result<Json<'_>, JsonError> {
    if bytes.len() > max {
        return Err(JsonError::TooLong { max });
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let json = Depth(JSON_DEPTH_MAX).deserialize(&mut reader).map_err(JsonError::malformed)?;
    reader.end().map_err(JsonError::malformed)?;
    Ok(json)
}

impl Json<'_> {
    fn to_canonical(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(true) => out.push_str("true"),
            Self::Bool(false) => out.push_str("false"),
            Self::Integer(n) => {
                // Writing to a String cannot fail.
                let _infallible = write!(out, "{n}");
            }
            Self::Text(text) => write_text(text, out),
            Self::Array(items) => {
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    item.write(out);
                }
                out.push(']');
            }
            Self::Object(members) => {
                // RFC 8785 sorts by UTF-16 code units, which differs from byte order only for
                // names beyond the basic plane; ours are ASCII, foreign ones are sorted here.
                let mut sorted: Vec<_> = members.iter().collect();
                sorted.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
                out.push('{');
                for (i, (name, value)) in sorted.into_iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    write_text(name, out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }
}

/// RFC 8785, section 3.2.2.2.
fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            c if c < ' ' => {
                let _infallible = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Levels that may still be opened.
#[derive(Clone, Copy)]
struct Depth(usize);

impl<'de> DeserializeSeed<'de> for Depth {
    type Value = Json<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Depth {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        self.0.checked_sub(1).map(Self).ok_or_else(|| E::custom("nested too deep"))
    }
}

impl<'de> Visitor<'de> for Depth {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object, array, text, integer, boolean or null")
    }

    fn visit_unit<E>(self) -> Result<Json<'de>, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json<'de>, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Json<'de>, E> {
        if value.unsigned_abs() > JSON_INTEGER_MAX {
            return Err(E::custom("integer beyond 2^53-1"));
        }
        Ok(Json::Integer(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Json<'de>, E> {
        i64::try_from(value)
            .map_err(|_| E::custom("integer beyond 2^53-1"))
            .and_then(|value| self.visit_i64(value))
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<Json<'de>, E> {
        Err(E::custom("a number must be an integer without fraction or exponent"))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Owned(String::from(value))))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json<'de>, A::Error> {
        let deeper = self.deeper()?;
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(deeper)? {
            items.push(item);
        }
        Ok(Json::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json<'de>, A::Error> {
        let deeper = self.deeper()?;
        let mut members: Vec<(Cow<'de, str>, Json<'de>)> = Vec::new();
        let mut sorted = true;
        while let Some(name) = map.next_key_seed(Name)? {
            let value = map.next_value_seed(deeper)?;
            sorted = sorted && members.last().is_none_or(|(last, _)| *last < name);
            members.push((name, value));
        }
        if !sorted {
            members.sort_by(|(a, _), (b, _)| a.cmp(b));
            if members.windows(2).any(|pair| matches!(pair, [(a, _), (b, _)] if a == b)) {
                return Err(A::Error::custom("duplicate member"));
            }
        }
        Ok(Json::Object(members))
    }
}

/// The name of a member, borrowed where it is spelled without escapes.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(String::from(value)))
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString as _;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_member_that_a_document_does_not_have_is_named() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct One {
            #[serde(rename = "a")]
            _a: u8,
        }
        let refusal = |text: &str| from_json::<One>(text.as_bytes(), 100).unwrap_err();
        assert_eq!(refusal(r#"{"a":1,"b":2}"#).unknown_member().unwrap(), "b");
        assert_eq!(refusal(r#"{"b":2}"#).unknown_member().unwrap(), "b");
        for other in [r#"{"a":"unknown field `b`, "}"#, "{}", "{", r#"{"a":1,"a":1}"#] {
            assert_eq!(refusal(other).unknown_member(), None, "{other}");
        }
    }

    #[test]
    fn members_have_names_and_what_is_absent_is_left_out() {
        #[derive(Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields, rename_all = "snake_case")]
        enum Choice {
            Price,
            Off(u8),
            Pair(u8, u8),
            Named { a: u8 },
        }
        #[derive(Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Outer {
            choices: Vec<Choice>,
            inner: Option<Inner>,
            pair: (i8, String),
        }
        #[derive(Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Inner {
            a: u8,
        }
        let read = |text: &str| from_json::<Outer>(text.as_bytes(), 999);
        let good = r#"{"choices":["price",{"off":1},{"pair":[2,3]},{"named":{"a":4}}],"inner":{"a":5},"pair":[-6,"x"]}"#;
        let value = read(good).unwrap();
        assert_eq!(to_canonical_json(&value).unwrap(), good.as_bytes());
        assert_eq!(read(r#"{"choices":[],"pair":[0,""]}"#).unwrap().inner, None);
        for bad in [
            r#"[[],null,[0,""]]"#,
            r#"{"choices":[],"inner":[5],"pair":[0,""]}"#,
            r#"{"choices":[],"inner":null,"pair":[0,""]}"#,
            r#"{"choices":[{"price":null}],"pair":[0,""]}"#,
            r#"{"choices":[{"named":[4]}],"pair":[0,""]}"#,
            r#"{"choices":[{"off":1,"pair":[2,3]}],"pair":[0,""]}"#,
            r#"{"choices":[{}],"pair":[0,""]}"#,
            r#"{"choices":[1],"pair":[0,""]}"#,
            r#"{"choices":{},"pair":[0,""]}"#,
        ] {
            assert!(matches!(read(bad), Err(JsonError::Malformed { .. })), "{bad}");
        }
        let unknown = read(r#"{"choices":[],"inner":{"a":5,"b":6},"pair":[0,""]}"#).unwrap_err();
        assert_eq!(unknown.unknown_member().unwrap(), "b");
        let Err(JsonError::Malformed { line, column, .. }) = read("{\"choices\":[],\n\"pair\":0}")
        else {
            panic!("refused, with its place");
        };
        assert_eq!((line, column), (2, 8));
    }

    #[test]
    fn what_a_lenient_reader_lets_through_is_refused() {
        let deep = [&b"[".repeat(17)[..], &b"]".repeat(17)[..]].concat();
        let cases: &[&[u8]] = &[
            b"{\"a\":1,\"a\":2}",
            b"{\"a\":{\"b\":1,\"b\":1}}",
            b"1.0",
            b"1e3",
            b"-0.0",
            b"9007199254740992",
            b"-9007199254740992",
            b"18446744073709551615",
            b"{} {}",
            b"",
            b"{\"a\":1,}",
            b"\"\\ud800\"",
            b"\xff",
            b"NaN",
            &deep,
        ];
        for case in cases {
            assert!(check_json(case, 4096).is_err(), "{}", String::from_utf8_lossy(case));
        }
        assert!(check_json(&[b"[".repeat(16), b"]".repeat(16)].concat(), 4096).is_ok());
        assert!(matches!(check_json(b"[1,2]", 4), Err(JsonError::TooLong { max: 4 })));
    }

    #[test]
    fn canonical_form_is_demanded_where_a_file_has_one_spelling() {
        assert!(from_json_exact::<serde_json::Value>(b"{\"a\":1,\"b\":2}", 99).is_ok());
        for other in
            ["{\"b\":2,\"a\":1}", "{\"a\":1, \"b\":2}", "{\"a\":1,\"b\":2}\n", "\"\\u0041\""]
        {
            assert!(
                matches!(
                    from_json_exact::<serde_json::Value>(other.as_bytes(), 99),
                    Err(JsonError::NotCanonical)
                ),
                "{other}"
            );
        }
    }

    #[test]
    fn a_list_is_taken_out_of_an_object_as_it_is_spelled() {
        let split = |text: &'static str| split_list(text.as_bytes(), "b");
        let (rest, elements) = split(r#"{"a":[1],"b":[{"x":"]"},2,[3]],"c":"b"}"#).unwrap();
        assert_eq!(
            (&*rest, &*elements),
            (&br#"{"a":[1],"b":[],"c":"b"}"#[..], &[r#"{"x":"]"}"#, "2", "[3]"][..])
        );
        let (rest, elements) = split(r#"{"b":[]}"#).unwrap();
        assert_eq!((&*rest, elements.len()), (&br#"{"b":[]}"#[..], 0));
        for none in
            [r#"{"a":{"b":[1]}}"#, r#"{"b":1}"#, r#"[{"b":[1]}]"#, r#"{"b":[1], "c":2}"#, "{}", ""]
        {
            assert_eq!(split(none), None, "{none}");
        }
    }

    fn any_json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            (-9_007_199_254_740_991_i64..=9_007_199_254_740_991).prop_map(Into::into),
            any::<String>().prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
                prop::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|m| serde_json::Value::Object(m.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn one_look_at_the_bytes_decides_as_writing_them_again_does(
            value in any_json(),
            place in any::<prop::sample::Index>(),
            byte in any::<u8>(),
        ) {
            let mut bytes = to_canonical_json(&value).unwrap();
            prop_assert!(is_canonical(&bytes));
            let place = place.index(bytes.len());
            bytes[place] = byte;
            let written = parse(&bytes, usize::MAX).map(|json| json.to_canonical().into_bytes());
            prop_assert_eq!(is_canonical(&bytes), written.is_ok_and(|again| again == bytes));
        }

        #[test]
        fn canonical_bytes_agree_with_another_implementation(value in any_json()) {
            let ours = to_canonical_json(&value).unwrap();
            let theirs = serde_json_canonicalizer::to_vec(&value).unwrap();
            prop_assert_eq!(ours, theirs);
        }

        #[test]
        fn arbitrary_bytes_never_panic_and_errors_do_not_quote_them(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Err(error) = check_json(&bytes, 128) {
                prop_assert!(error.to_string().len() < 120);
            }
        }
    }
}
