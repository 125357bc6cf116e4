//! `besace offers`: which offers answer her, and why.

use std::fmt::Write as _;

use besace_protocol::{
    id::OfferId,
    lang::{Language, NO_BREAK_SPACE},
    party::ControllerId,
};
use serde_json::{Value, json};

use super::{Session, exchange::step_failure, output::Failure};
use crate::{
    engine::{Engine, EngineError, MatchedOffer, Offers, StepError},
    vault::ProfileField,
};

/// Arguments of `besace offers`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Language of the offers and of the reasons, `fr` or `en` [default: that of your profile].
    #[arg(long)]
    lang: Option<Language>,
    /// Say why this offer is not among them; its name stands in the answer with `--json`.
    #[arg(long, value_name = "OFFER", requires = "retailer")]
    why_not: Option<OfferId>,
    /// Only those of this retailer.
    #[arg(long, value_name = "DOMAIN")]
    retailer: Option<ControllerId>,
}

pub(super) fn run(session: &mut Session<'_, '_>, arguments: &Arguments) -> Result<(), Failure> {
    let engine = session.unlocked()?;
    let language = match arguments.lang {
        Some(language) => language,
        None => profile_language(engine)?,
    };
    if let (Some(offer), Some(domain)) = (arguments.why_not, &arguments.retailer) {
        let said = engine.why_not(domain, offer, language).map_err(failure)?;
        let said: Vec<&str> = said.iter().map(|sentence| sentence.reveal().as_str()).collect();
        let text = match (said.as_slice(), language) {
            ([], Language::Fr) => "Cette offre vous répond.".to_owned(),
            ([], Language::En) => "This offer answers you.".to_owned(),
            (said, _) => said.join("\n"),
        };
        return session.output.line(&json!({"offer": offer, "why_not": said}), &text);
    }
    let mut found = engine.offers(language).map_err(failure)?;
    if let Some(domain) = &arguments.retailer {
        found.offers.retain(|offer| offer.domain == *domain);
    }
    let offers: Vec<Value> = found.offers.iter().map(|offer| describe(offer, language)).collect();
    let answer = json!({
        "catalogues": found.catalogues,
        "expired": found.expired,
        "offers": offers,
    });
    session.output.line(&answer, &text(&found, language))
}

pub(super) fn failure(error: StepError) -> Failure {
    match error {
        StepError::Engine(cause) => cause.into(),
        other => step_failure(&other),
    }
}

pub(super) fn profile_language(engine: &Engine) -> Result<Language, EngineError> {
    let profile = engine.profile()?;
    let said = profile.get(ProfileField::Language);
    Ok(said.and_then(|tag| Language::parse(tag.reveal()).ok()).unwrap_or_default())
}

fn text(found: &Offers, language: Language) -> String {
    let mut text = String::new();
    for matched in &found.offers {
        let offer = &matched.offer;
        let benefit = offer.benefit().sentence(offer.price(), offer.prior_price(), language);
        let title = offer.title().get(language);
        let _infallible =
            write!(text, "{title}{NO_BREAK_SPACE}– {}\n  {benefit}\n", matched.retailer);
        for sentence in matched.sentences() {
            let _infallible = writeln!(text, "  {sentence}");
        }
    }
    for domain in &found.expired {
        let _infallible = match language {
            Language::Fr => writeln!(text, "Le catalogue de {domain} est périmé."),
            Language::En => writeln!(text, "The catalogue of {domain} has expired."),
        };
    }
    if text.is_empty() {
        text.push_str(match language {
            Language::Fr => "Aucune offre ne vous répond pour l'instant.",
            Language::En => "No offer answers you for now.",
        });
    }
    text
}

fn describe(matched: &MatchedOffer, language: Language) -> Value {
    let offer = &matched.offer;
    let why: Vec<Value> = matched
        .why
        .iter()
        .map(|why| json!({"sentence": why.sentence.reveal(), "uses": why.uses}))
        .collect();
    json!({
        "benefit": offer.benefit().sentence(offer.price(), offer.prior_price(), language),
        "body": offer.body().get(language),
        "category": offer.category(),
        "gtin": offer.gtin(),
        "offer": offer.id(),
        "price": offer.price(),
        "prior_price": offer.prior_price(),
        "retailer": {"domain": matched.domain, "name": matched.retailer},
        "title": offer.title().get(language),
        "until": offer.validity().not_after,
        "why": why,
    })
}
