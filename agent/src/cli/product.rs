//! `besace product`: what your besace knows of the article in your hand.

use std::{fmt::Write as _, path::PathBuf};

use besace_protocol::{
    lang::{Language, NO_BREAK_SPACE},
    private::Private,
    product::SCAN_LEN_MAX,
};
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::{
    Session,
    offers::{failure, profile_language},
    output::Failure,
};
use crate::{
    engine::{LookAtProductError, PriorClaim, ProductAnswer, ProductOffer},
    ui::{
        product::{self, ProductView},
        voice::Voice,
    },
    vault::SeenPrice,
};

/// Arguments of `besace product`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The number under the bars, what a scanner types, or the link in a code or tag.
    #[arg(required_unless_present = "file")]
    code: Option<String>,
    /// File with what a tag holds (NDEF), or with a code that cannot be typed.
    #[arg(long, value_name = "FILE", conflicts_with = "code")]
    file: Option<PathBuf>,
    /// Language of the answer, `fr` or `en` [default: that of your profile].
    #[arg(long)]
    lang: Option<Language>,
}

pub(super) fn run(session: &mut Session<'_, '_>, arguments: Arguments) -> Result<(), Failure> {
    let engine = session.unlocked()?;
    let language = match arguments.lang {
        Some(language) => language,
        None => profile_language(engine)?,
    };
    let code = match (arguments.code, arguments.file) {
        (Some(code), _) => code.into_bytes(),
        (None, Some(file)) => read(&file)?,
        (None, None) => Vec::new(), // clap asks for one of the two
    };
    let answer = engine.look_at_product(&code, language).map_err(|error| match error {
        LookAtProductError::Code(cause) => {
            Failure::refused(cause, "give the number under the bars, 8 to 14 digits")
        }
        LookAtProductError::Step(error) => failure(error),
    })?;
    let voice = Voice::new(language, TimeZone::get("Europe/Paris").unwrap_or(TimeZone::UTC));
    let view = product::view(&voice, &answer, engine.now());
    session.output.line(&describe(&answer, language), &text(&view))
}

/// One byte more than is read, so that what is too long is seen to be.
fn read(file: &std::path::Path) -> Result<Vec<u8>, Failure> {
    use std::io::Read as _;
    let limit = u64::try_from(SCAN_LEN_MAX).unwrap_or(u64::MAX).saturating_add(1);
    let mut code = Vec::new();
    std::fs::File::open(file)
        .and_then(|opened| opened.take(limit).read_to_end(&mut code))
        .map_err(|error| Failure::refused(&error, "say with --file which file holds the code"))?;
    Ok(code)
}

fn text(view: &ProductView) -> String {
    let mut text = format!("{}\n", view.number);
    for offer in view.offers.iter().chain(&view.comparison) {
        let title = &offer.title;
        let _infallible =
            writeln!(text, "{title}{NO_BREAK_SPACE}– {}\n  {}", offer.retailer, offer.price);
        for sentence in offer.claim.iter().chain(&offer.missing) {
            let _infallible = writeln!(text, "  {sentence}");
        }
    }
    for sentence in view.lowest.iter().chain(&view.wishes).chain(&view.nothing) {
        let _infallible = writeln!(text, "{sentence}");
    }
    text
}

fn describe(answer: &ProductAnswer, language: Language) -> Value {
    let offers = |offers: &[ProductOffer]| -> Vec<Value> {
        offers.iter().map(|seen| offer(seen, language)).collect()
    };
    let wishes: Vec<Value> = answer
        .wishes
        .iter()
        .map(|wish| json!({"price_fits": wish.price_fits, "text": wish.text.reveal(), "wish": wish.id}))
        .collect();
    json!({
        "catalogues": answer.catalogues,
        "comparison": offers(&answer.comparison),
        "gtin": answer.gtin,
        "history": answer.history.iter().map(seen).collect::<Vec<_>>(),
        "lowest": answer.lowest.as_ref().map(seen),
        "offers": offers(&answer.offers),
        "wishes": wishes,
    })
}

fn offer(seen: &ProductOffer, language: Language) -> Value {
    let offer = &seen.offer;
    let claim = seen.claim.as_ref().map(|claim| match claim {
        PriorClaim::Confirmed => json!({"confirmed": true}),
        PriorClaim::NotConfirmed(lower) => json!({"confirmed": false, "seen": self::seen(lower)}),
        PriorClaim::Unknown(since) => json!({"confirmed": null, "since": since}),
    });
    let missing: Vec<&String> = seen.missing.iter().map(Private::reveal).collect();
    json!({
        "claim": claim,
        "gtin": offer.gtin(),
        "missing": missing,
        "offer": offer.id(),
        "price": offer.price(),
        "prior_price": offer.prior_price(),
        "retailer": {"domain": seen.domain, "name": seen.retailer},
        "title": offer.title().get(language),
    })
}

fn seen(price: &SeenPrice) -> Value {
    json!({
        "domain": price.domain,
        "first_seen": price.first_seen,
        "last_seen": price.last_seen,
        "price": price.price,
    })
}
