//! Personal data that does not print.

use core::fmt;

/// A value about a person: held, compared and stored, but never shown by `{:?}`.
///
/// There is no `Display`, no `Serialize` and no `Deref`: each place that looks inside says
/// [`reveal`](Self::reveal), which can be searched for.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Private<T>(T);

impl<T> Private<T> {
    /// Marks `value` as personal.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value. Ask yourself where it goes from here.
    pub const fn reveal(&self) -> &T {
        &self.0
    }

    /// The value, out of its wrapper.
    pub fn into_revealed(self) -> T {
        self.0
    }

    /// Another value about the same person.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Private<U> {
        Private(f(self.0))
    }
}

impl<T> From<T> for Private<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T> fmt::Debug for Private<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[private]")
    }
}

#[cfg(test)]
mod tests {
    use std::format;

    use super::*;

    #[test]
    fn debug_does_not_show_the_value() {
        let name = Private::new("Nour");
        insta::assert_snapshot!(format!("{name:?} {:?}", Some(&name)), @"[private] Some([private])");
    }
}
