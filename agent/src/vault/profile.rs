//! What she says about herself: one value a fact.

use std::collections::BTreeMap;

use besace_protocol::{private::Private, time::Timestamp};
use serde::{Deserialize, Serialize};

use super::{Vault, VaultError, column};

/// A fact about the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProfileField {
    /// Name as on a letter.
    Name,
    /// E-mail address.
    Email,
    /// First name by which she wants to be greeted; need not be hers.
    ChosenName,
    /// What staff may talk about, in her words.
    GreetingTopics,
    /// Birthday, `YYYY-MM-DD`.
    Birthday,
    /// Language of the pages and of greetings, `fr` or `en`.
    Language,
    /// The vault is a minor's until this day, `YYYY-MM-DD`: it gives no consent.
    MinorUntil,
}

/// The text names no fact of the profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not one of name, email, chosen_name, greeting_topics, birthday, language, minor_until")]
pub struct ParseProfileFieldError;

/// The value does not fit the fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    /// Longer than [`ProfileField::LEN_MAX`], or with line breaks or other control characters.
    #[error(
        "the value is longer than {} characters or has control characters",
        ProfileField::LEN_MAX
    )]
    Text,
    /// Not an address.
    #[error("an e-mail address has one @ with something on both sides")]
    Email,
    /// Not a date.
    #[error("a birthday is written YYYY-MM-DD")]
    Birthday,
    /// Not a date.
    #[error("the day on which the vault is a minor's no more is written YYYY-MM-DD")]
    MinorUntil,
    /// Not a language we speak.
    #[error("the language is `fr` or `en`")]
    Language,
}

/// The age from which a person consents alone to what information society services ask (GDPR art. 8; in France 15, article 45
/// of law 78-17). Elsewhere up to 16: there a vault is marked.
const CONSENT_AGE: i16 = 15;

impl ProfileField {
    /// Every fact there is.
    pub const ALL: [Self; 7] = [
        Self::Name,
        Self::Email,
        Self::ChosenName,
        Self::GreetingTopics,
        Self::Birthday,
        Self::Language,
        Self::MinorUntil,
    ];

    /// Longest value, in characters.
    pub const LEN_MAX: usize = 200;

    /// Its name in files and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Email => "email",
            Self::ChosenName => "chosen_name",
            Self::GreetingTopics => "greeting_topics",
            Self::Birthday => "birthday",
            Self::Language => "language",
            Self::MinorUntil => "minor_until",
        }
    }

    /// Reads its name.
    pub fn parse(text: &str) -> Result<Self, ParseProfileFieldError> {
        Self::ALL.into_iter().find(|field| field.as_str() == text).ok_or(ParseProfileFieldError)
    }

    /// Whether `value` can stand for this fact.
    pub fn check(self, value: &str) -> Result<(), ProfileError> {
        if value.chars().count() > Self::LEN_MAX || value.chars().any(char::is_control) {
            return Err(ProfileError::Text);
        }
        match self {
            Self::Email => match value.split_once('@') {
                Some((name, domain))
                    if !name.is_empty()
                        && !domain.is_empty()
                        && !domain.contains('@')
                        && !value.contains(char::is_whitespace) =>
                {
                    Ok(())
                }
                _ => Err(ProfileError::Email),
            },
            Self::Birthday => date(value).map(drop).ok_or(ProfileError::Birthday),
            Self::MinorUntil => date(value).map(drop).ok_or(ProfileError::MinorUntil),
            Self::Language if !matches!(value, "fr" | "en") => Err(ProfileError::Language),
            Self::Language | Self::Name | Self::ChosenName | Self::GreetingTopics => Ok(()),
        }
    }
}

/// A day in its one spelling.
fn date(value: &str) -> Option<jiff::civil::Date> {
    value.parse().ok().filter(|date: &jiff::civil::Date| date.to_string() == value)
}

impl std::str::FromStr for ProfileField {
    type Err = ParseProfileFieldError;

    fn from_str(text: &str) -> Result<Self, ParseProfileFieldError> {
        Self::parse(text)
    }
}

/// What she has said so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile(BTreeMap<ProfileField, Private<String>>);

impl Profile {
    /// One fact, if she said it.
    pub fn get(&self, field: ProfileField) -> Option<&Private<String>> {
        self.0.get(&field)
    }

    /// The day until which the vault is a minor's, if `today` is before it: that of the mark, or that on which
    /// whoever was born on the birthday is fifteen, the later one.
    pub fn minor_until(&self, today: jiff::civil::Date) -> Option<jiff::civil::Date> {
        let day = |field| self.get(field).and_then(|value| date(value.reveal()));
        let grown = day(ProfileField::Birthday).and_then(|born| {
            // Of 29 February, 28 February of a common year would be a day early.
            let years = jiff::Span::new().years(CONSENT_AGE);
            let on = born.checked_add(years).ok()?;
            if on.day() == born.day() { Some(on) } else { on.tomorrow().ok() }
        });
        day(ProfileField::MinorUntil).max(grown).filter(|until| today < *until)
    }

    /// Every fact she said, in the order of [`ProfileField::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (ProfileField, &Private<String>)> {
        self.0.iter().map(|(field, value)| (*field, value))
    }
}

impl Vault {
    /// The whole profile.
    pub fn profile(&self) -> Result<Profile, VaultError> {
        self.read(|db| {
            let mut statement = db.prepare("SELECT field, value FROM profile")?;
            let facts = statement.query_map([], |row| {
                Ok((column::parsed(row, 0, ProfileField::parse)?, Private::new(row.get(1)?)))
            })?;
            Ok(Profile(facts.collect::<Result<_, _>>()?))
        })
    }

    /// Sets one fact; an empty value removes it. Check it first with [`ProfileField::check`].
    pub fn set_profile(
        &self,
        field: ProfileField,
        value: Private<String>,
        now: Timestamp,
    ) -> Result<(), VaultError> {
        self.write(move |db| {
            if value.reveal().is_empty() {
                db.execute("DELETE FROM profile WHERE field = ?1", [field.as_str()])?;
            } else {
                db.execute(
                    "INSERT INTO profile (field, value, changed_at) VALUES (?1, ?2, ?3)
                     ON CONFLICT (field) DO UPDATE
                     SET value = excluded.value, changed_at = excluded.changed_at",
                    (field.as_str(), value.reveal(), column::from_time(now)),
                )?;
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_must_fit_its_fact() {
        for (field, good) in [
            (ProfileField::Name, "Nour El Khoury"),
            (ProfileField::Email, "nour@exemple.fr"),
            (ProfileField::Birthday, "1988-02-29"),
            (ProfileField::Language, "fr"),
            (ProfileField::MinorUntil, "2031-03-01"),
        ] {
            assert_eq!(field.check(good), Ok(()), "{good}");
        }
        for (field, bad, why) in [
            (ProfileField::Name, "a\nb", ProfileError::Text),
            (ProfileField::Email, "nour", ProfileError::Email),
            (ProfileField::Email, "a@b@c", ProfileError::Email),
            (ProfileField::Email, "@b", ProfileError::Email),
            (ProfileField::Birthday, "1989-02-29", ProfileError::Birthday),
            (ProfileField::Birthday, "29/02/1988", ProfileError::Birthday),
            (ProfileField::Language, "de", ProfileError::Language),
            (ProfileField::MinorUntil, "bientôt", ProfileError::MinorUntil),
        ] {
            assert_eq!(field.check(bad), Err(why), "{bad}");
        }
    }

    #[test]
    fn a_vault_is_a_minors_until_the_mark_and_the_birthday_say_otherwise() {
        let day = |text: &str| date(text).unwrap();
        let of = |facts: &[(ProfileField, &str)]| {
            let facts = facts.iter().map(|(field, value)| (*field, (*value).to_owned().into()));
            Profile(facts.collect())
        };
        let born = (ProfileField::Birthday, "2012-02-29");
        let mark = |day| (ProfileField::MinorUntil, day);
        for (facts, until) in [
            (vec![], None),
            (vec![born], Some("2027-03-01")),
            (vec![(ProfileField::Birthday, "1988-05-01")], None),
            (vec![mark("2028-01-01")], Some("2028-01-01")),
            (vec![born, mark("2026-01-01")], Some("2027-03-01")),
            (vec![born, mark("2028-01-01")], Some("2028-01-01")),
        ] {
            let profile = of(&facts);
            assert_eq!(profile.minor_until(day("2026-11-22")), until.map(day), "{facts:?}");
            if let Some(until) = until.map(day) {
                assert!(profile.minor_until(until.yesterday().unwrap()).is_some());
                assert_eq!(profile.minor_until(until), None);
            }
        }
    }

    #[test]
    fn a_field_has_one_name() {
        for field in ProfileField::ALL {
            assert_eq!(ProfileField::parse(field.as_str()), Ok(field));
        }
        assert_eq!(ProfileField::parse("Name"), Err(ParseProfileFieldError));
    }
}
