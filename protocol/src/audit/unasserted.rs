//! What an auditor would like to assert and cannot: whoever has the logs alone, has nothing to check it by.

use serde::{Serialize, Serializer, ser::SerializeStruct as _};

macro_rules! unasserted {
    ($($(#[$doc:meta])* $name:ident: $says:literal, $lacks:literal;)*) => {
        /// What no report says anything about, and says so. `spec/audit.md#not-asserted`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Unasserted {
            $($(#[$doc])* $name,)*
        }

        impl Unasserted {
            /// All there is.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its id, among those of assertions.
            pub const fn id(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }

            /// What would have to hold.
            pub const fn says(self) -> &'static str {
                match self { $(Self::$name => $says,)* }
            }

            /// Why nobody can check it.
            pub const fn lacks(self) -> &'static str {
                match self { $(Self::$name => $lacks,)* }
            }
        }
    };
}

unasserted! {
    /// Notary.
    L6: "a notary has each vault's heads",
        "there is no notary: a vault's own log is shown to nobody (it would tie a shopper's logs together)";
    /// Pause.
    G8: "a refusal is not followed by the same request before the pause is over",
        "a request is published for everybody; no log says to whom it was shown, and her agent keeps the pause at home";
    /// Steps.
    W3: "withdrawing took no more steps than giving",
        "steps on a page leave no entry; tests of the programs count them";
    /// Export.
    W5: "an export was delivered, and verifies",
        "she exports by herself, at home: nobody else takes part who could log it";
    /// Clocks.
    O2: "changes of clocks and of keys are entries",
        "changes of keys are (S1, S2); a clock that was set leaves none but moments that run backwards (L8)";
}

/// As an object of `id`, `says` and `lacks`.
impl Serialize for Unasserted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Unasserted", 3)?;
        object.serialize_field("id", self.id())?;
        object.serialize_field("says", self.says())?;
        object.serialize_field("lacks", self.lacks())?;
        object.end()
    }
}
