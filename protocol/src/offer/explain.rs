//! One sentence for every answer, in French and in English. `spec/offers.md#sentences`.

mod english;
mod french;

use alloc::{string::String, vec::Vec};

use super::{
    evaluate::{Finding, Scene, Truth, Witness},
    predicate::Predicate,
    text::Localized,
};
use crate::{lang::Language, party::ShopCode};

/// Of an offer that starts later, in French and in English.
pub(super) const NOT_YET: [&str; 2] = [french::NOT_YET, english::NOT_YET];

/// Of an offer that has ended, in French and in English.
pub(super) const OVER: [&str; 2] = [french::OVER, english::OVER];

/// The sentence that says what was found. `answers`: it is a reason to show the offer.
pub(super) fn explain(
    scene: &Scene<'_>,
    predicate: &Predicate,
    finding: &Finding<'_>,
    answers: bool,
) -> Localized<String> {
    match finding.truth {
        Truth::True => Localized {
            en: english::holds(scene, predicate, finding.witness, answers),
            fr: french::holds(scene, predicate, finding.witness, answers),
        },
        Truth::False => Localized {
            en: english::fails(scene, predicate, finding.witness),
            fr: french::fails(scene, predicate, finding.witness),
        },
        Truth::Unknown => Localized {
            en: english::unknown(predicate.uses()),
            fr: french::unknown(predicate.uses()),
        },
    }
}

/// How a retailer calls itself, else nothing: a sentence then says "this retailer".
fn retailer<'a>(scene: &Scene<'a>) -> Option<&'a str> {
    scene.retailer.and_then(|retailer| retailer.name.as_deref())
}

/// How a shop is called, else its code.
fn shop(scene: &Scene<'_>, code: ShopCode) -> String {
    let facts = scene.retailer.and_then(|retailer| retailer.shops.get(&code));
    let name = facts.and_then(|facts| facts.name.clone());
    name.unwrap_or_else(|| alloc::format!("{code}"))
}

/// The shop that decided, else all that the predicate names.
fn shops(scene: &Scene<'_>, codes: &[ShopCode], witness: Witness<'_>) -> Vec<String> {
    match witness {
        Witness::Shop(code) => alloc::vec![shop(scene, code)],
        _ => codes.iter().map(|code| shop(scene, *code)).collect(),
    }
}

/// `a`, `a or b`, `a, b or c`.
fn join(items: impl IntoIterator<Item = impl AsRef<str>>, last: &str) -> String {
    let items: Vec<_> = items.into_iter().collect();
    let mut out = String::new();
    for (i, item) in items.iter().enumerate() {
        let left = items.len().saturating_sub(i);
        match (i, left) {
            (0, _) => {}
            (_, 1) => out.push_str(last),
            _ => out.push_str(", "),
        }
        out.push_str(item.as_ref());
    }
    out
}

/// The sign of a language around a name.
const fn quotes(language: Language) -> (&'static str, &'static str) {
    match language {
        Language::Fr => ("«\u{a0}", "\u{a0}»"),
        Language::En => ("“", "”"),
    }
}

fn quote(name: &str, language: Language) -> String {
    let (open, close) = quotes(language);
    alloc::format!("{open}{name}{close}")
}
