//! The words that people read: Fluent catalogues in `i18n/`, French first, English second.
//!
//! Both catalogues have the same messages, every message used exists and every message is used:
//! tests below read catalogues, templates and code.

use std::sync::LazyLock;

use besace_protocol::lang::Language;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue, concurrent::FluentBundle};
use unic_langid::LanguageIdentifier;

/// What `Accept-Language` (RFC 9110, section 12.5.4) likes best among ours; French where it says
/// nothing we understand.
pub fn negotiate(accept_language: &str) -> Language {
    const RANGES_MAX: usize = 16;
    let mut best = (0_u16, Language::default());
    for range in accept_language.split(',').take(RANGES_MAX) {
        let (tag, quality) = range.split_once(';').unwrap_or((range, "q=1"));
        let Ok(language) = Language::parse(tag.trim()) else { continue };
        let quality = parse_quality(quality.trim()).unwrap_or(0);
        if quality > best.0 {
            best = (quality, language);
        }
    }
    best.1
}

/// `q=0.8` in thousandths.
fn parse_quality(text: &str) -> Option<u16> {
    let (whole, rest) = text.strip_prefix("q=")?.split_at_checked(1)?;
    let fraction = rest.strip_prefix('.').unwrap_or(rest);
    if fraction.len() > 3 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    match whole {
        "0" => format!("{fraction:0<3}").parse().ok(),
        "1" => Some(1000),
        _ => None,
    }
}

/// The sentences of one language.
pub struct Texts {
    bundle: FluentBundle<FluentResource>,
}

impl Texts {
    /// The sentences of `language`.
    pub fn of(language: Language) -> &'static Self {
        static FR: LazyLock<Texts> = LazyLock::new(|| Texts::load(Language::Fr));
        static EN: LazyLock<Texts> = LazyLock::new(|| Texts::load(Language::En));
        match language {
            Language::Fr => &FR,
            Language::En => &EN,
        }
    }

    /// A sentence without variables.
    pub fn say(&self, key: &str) -> String {
        self.say_with(key, [])
    }

    /// A sentence with its variables.
    pub fn say_with<'a, const N: usize>(
        &self,
        key: &str,
        variables: [(&'a str, FluentValue<'a>); N],
    ) -> String {
        let arguments: FluentArgs<'_> = variables.into_iter().collect();
        let Some(pattern) = self.bundle.get_message(key).and_then(|message| message.value()) else {
            // Tests prove that every key exists; a reader of an untested build sees which one is not.
            return key.to_owned();
        };
        self.bundle.format_pattern(pattern, Some(&arguments), &mut Vec::new()).into_owned()
    }

    fn load(language: Language) -> Self {
        let identifier: LanguageIdentifier = language.as_str().parse().unwrap_or_default();
        let mut bundle = FluentBundle::new_concurrent(vec![identifier]);
        // What shoppers read in a terminal or a screen reader has no invisible marks in it; names
        // from outside are cleaned of direction marks where they come in (`view`).
        bundle.set_use_isolating(false);
        let resource = match FluentResource::try_new(source(language).to_owned()) {
            Ok(resource) | Err((resource, _)) => resource,
        };
        // Both catalogues are compiled in and tested to be without error or double.
        bundle.add_resource_overriding(resource);
        Self { bundle }
    }
}

/// The catalogue of `language`, compiled in.
const fn source(language: Language) -> &'static str {
    match language {
        Language::Fr => include_str!("../../i18n/fr.ftl"),
        Language::En => include_str!("../../i18n/en.ftl"),
    }
}

impl std::fmt::Debug for Texts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Texts").finish_non_exhaustive()
    }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "small figures of tests")]
mod tests;
