//! Whether bytes are in canonical form, in one look and without memory.
//!
//! Decides exactly as reading them strictly and writing them again does; a property test holds the two
//! together. RFC 8785, section 3.2.

use alloc::vec::Vec;
use core::{cmp::Ordering, str};

use super::{JSON_DEPTH_MAX, JSON_INTEGER_MAX};

/// Whether `bytes` are one strict JSON value in the form of RFC 8785.
pub(super) fn is_canonical(bytes: &[u8]) -> bool {
    let mut look = Look(bytes);
    str::from_utf8(bytes).is_ok() && look.value(JSON_DEPTH_MAX).is_some() && look.0.is_empty()
}

/// The object `bytes`, which is canonical, with the list `name` empty, and the list's elements.
pub(super) fn split_list<'a>(bytes: &'a [u8], name: &[u8]) -> Option<(Vec<u8>, Vec<&'a str>)> {
    let mut look = Look(bytes);
    look.exactly(b"{")?;
    while look.text()? != name {
        look.exactly(b":")?;
        look.value(JSON_DEPTH_MAX)?;
        look.exactly(b",")?;
    }
    look.exactly(b":")?;
    look.exactly(b"[")?;
    let (before, _) = bytes.split_at_checked(bytes.len().checked_sub(look.0.len())?)?;
    let mut elements = Vec::new();
    while look.0.first()? != &b']' {
        let rest = look.0;
        look.value(JSON_DEPTH_MAX)?;
        let element = rest.get(..rest.len().checked_sub(look.0.len())?)?;
        elements.push(str::from_utf8(element).ok()?);
        let _last = look.exactly(b",");
    }
    Some(([before, look.0].concat(), elements))
}

/// What was not looked at yet. `None` from any step: not canonical.
struct Look<'a>(&'a [u8]);

impl<'a> Look<'a> {
    fn value(&mut self, depth: usize) -> Option<()> {
        match self.0.first()? {
            b'{' => self.object(depth.checked_sub(1)?),
            b'[' => self.array(depth.checked_sub(1)?),
            b'"' => self.text().map(drop),
            b'n' => self.exactly(b"null"),
            b't' => self.exactly(b"true"),
            b'f' => self.exactly(b"false"),
            _ => self.integer(),
        }
    }

    fn object(&mut self, depth: usize) -> Option<()> {
        self.exactly(b"{")?;
        if self.exactly(b"}").is_some() {
            return Some(());
        }
        let mut last: Option<&[u8]> = None;
        loop {
            let name = self.text()?;
            if last.is_some_and(|last| order(last, name) != Ordering::Less) {
                return None;
            }
            last = Some(name);
            self.exactly(b":")?;
            self.value(depth)?;
            if self.exactly(b"}").is_some() {
                return Some(());
            }
            self.exactly(b",")?;
        }
    }

    fn array(&mut self, depth: usize) -> Option<()> {
        self.exactly(b"[")?;
        if self.exactly(b"]").is_some() {
            return Some(());
        }
        loop {
            self.value(depth)?;
            if self.exactly(b"]").is_some() {
                return Some(());
            }
            self.exactly(b",")?;
        }
    }

    /// What stands between the quotation marks, as it is spelled.
    fn text(&mut self) -> Option<&'a [u8]> {
        self.exactly(b"\"")?;
        let all = self.0;
        let mut length = 0_usize;
        loop {
            let plain =
                all.get(length..)?.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=31))?;
            length = length.checked_add(plain)?;
            match all.get(length..)? {
                [b'"', rest @ ..] => {
                    self.0 = rest;
                    return all.get(..length);
                }
                [b'\\', b'"' | b'\\' | b'b' | b't' | b'n' | b'f' | b'r', ..] => {
                    length = length.checked_add(2)?;
                }
                [b'\\', b'u', b'0', b'0', high, low, ..] if is_control(*high, *low) => {
                    length = length.checked_add(6)?;
                }
                _ => return None,
            }
        }
    }

    fn integer(&mut self) -> Option<()> {
        let negative = self.exactly(b"-").is_some();
        let digits = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (number, rest) = self.0.split_at_checked(digits)?;
        // 2^53-1 has sixteen digits.
        let canonical = match number {
            [b'0'] => !negative,
            [] | [b'0', ..] => false,
            _ => digits <= 16,
        };
        let value = number.iter().fold(0_u64, |value, digit| {
            value.wrapping_mul(10).wrapping_add(u64::from(digit.wrapping_sub(b'0')))
        });
        self.0 = rest;
        (canonical && value <= JSON_INTEGER_MAX).then_some(())
    }

    fn exactly(&mut self, expected: &[u8]) -> Option<()> {
        self.0 = self.0.strip_prefix(expected)?;
        Some(())
    }
}

/// Whether `\u00` and these digits spell a control character that has no shorter spelling.
fn is_control(high: u8, low: u8) -> bool {
    match high {
        b'0' => matches!(low, b'0'..=b'7' | b'b' | b'e' | b'f'),
        b'1' => matches!(low, b'0'..=b'9' | b'a'..=b'f'),
        _ => false,
    }
}

/// The order of two names as they are spelled: by UTF-16 code units of what they say.
fn order(a: &[u8], b: &[u8]) -> Ordering {
    if a.iter().chain(b).all(|byte| byte.is_ascii() && *byte != b'\\') {
        return a.cmp(b);
    }
    units(a).cmp(units(b))
}

/// UTF-16 code units of a text that [`Look::text`] let through.
fn units(spelled: &[u8]) -> impl Iterator<Item = u16> {
    let mut chars = str::from_utf8(spelled).unwrap_or_default().chars();
    let unescaped = core::iter::from_fn(move || {
        let first = chars.next()?;
        if first != '\\' {
            return Some(first);
        }
        Some(match chars.next()? {
            'b' => '\u{8}',
            't' => '\t',
            'n' => '\n',
            'f' => '\u{c}',
            'r' => '\r',
            'u' => {
                let digits = chars.by_ref().take(4);
                let code = digits.fold(0_u32, |code, digit| {
                    code.wrapping_mul(16).wrapping_add(digit.to_digit(16).unwrap_or_default())
                });
                char::from_u32(code)?
            }
            other => other,
        })
    });
    unescaped.flat_map(|c| {
        let mut buffer = [0; 2];
        let length = c.encode_utf16(&mut buffer).len();
        buffer.into_iter().take(length)
    })
}
