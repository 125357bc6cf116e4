//! Where in a body a member stands (RFC 6901).

use serde_json::Value;

/// The pointer to the only member of this name in `json`.
///
/// Nothing where there are several, or where a name on the way is not spelled as ours are: a problem does
/// not repeat what was sent.
pub(super) fn to_member(json: &[u8], name: &str) -> Option<String> {
    let json: Value = serde_json::from_slice(json).ok()?;
    let mut found = Vec::new();
    collect(&json, name, &mut String::new(), &mut found);
    match <[String; 1]>::try_from(found) {
        Ok([pointer]) if pointer.len() <= POINTER_LEN_MAX => Some(pointer),
        Ok(_) | Err(_) => None,
    }
}

/// Longest pointer that is said, in bytes.
const POINTER_LEN_MAX: usize = 128;

fn collect(json: &Value, name: &str, path: &mut String, found: &mut Vec<String>) {
    let length = path.len();
    let mut below = |step: &str, value: &Value, wanted: bool| {
        path.push('/');
        path.push_str(step);
        if wanted {
            found.push(path.clone());
        }
        collect(value, name, path, found);
        path.truncate(length);
    };
    match json {
        Value::Object(members) => {
            for (member, value) in members.iter().filter(|(member, _)| is_ours(member)) {
                below(member, value, member == name);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                below(&index.to_string(), value, false);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Spelled as the members of our documents are.
fn is_ours(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    !name.is_empty() && name.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_member_is_found_and_nothing_is_repeated_that_is_not_spelled_as_ours() {
        let at = |json: &str, name| to_member(json.as_bytes(), name);
        assert_eq!(at(r#"{"a":1,"rssi":2}"#, "rssi").unwrap(), "/rssi");
        assert_eq!(at(r#"{"body":{"list":[{"b":1}]}}"#, "b").unwrap(), "/body/list/0/b");
        for (json, name) in [
            (r#"{"a":{"b":1},"b":2}"#, "b"),
            (r#"{"<script>":1}"#, "<script>"),
            (r#"{"Nour":{"b":1}}"#, "b"),
            (r#"{"a":1}"#, "b"),
            ("[", "b"),
        ] {
            assert_eq!(at(json, name), None, "{json}");
        }
        let long = "b".repeat(200);
        assert_eq!(at(&format!(r#"{{"{long}":1}}"#), &long), None);
    }
}
