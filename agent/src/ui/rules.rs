//! Her rules as a page shows them, and in words wherever one of them decided.

use besace_protocol::{
    consent::{Benefit, Dimension, Terms, guesses},
    document::Verified,
    negotiation::{Bounds, Rule, RuleName, Verdict},
    party::{ControllerId, Manifest, Shop, ShopCode},
    purpose::Purpose,
    time::Timestamp,
};

use super::{
    terms,
    view::{Fact, Key, plain},
    voice::Voice,
};
use crate::engine::{BeyondRule, Engine, StepError, rule_ends};

/// Longest name of a retailer or a shop, in characters.
const NAME_MAX: usize = 80;

/// The page of rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RulesView {
    /// Each rule, by number.
    pub rules: Vec<RuleView>,
    /// Retailers that a rule may be for: domain and name.
    pub retailers: Vec<(String, String)>,
    /// What a rule may be about: its word in the form, and in words.
    pub purposes: Vec<(&'static str, String)>,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleView {
    /// Its number, for addresses.
    pub number: String,
    /// `Règle 3, confirmée le 12 mars`.
    pub title: String,
    /// That it holds no more.
    pub ended: Option<String>,
    /// What it says.
    pub facts: Vec<Fact>,
}

/// What stands in the form: as it was typed, where it was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFields {
    /// What for.
    pub purpose: String,
    /// For which retailer; empty is all.
    pub retailer: String,
    /// `give` or `refuse`.
    pub verdict: String,
    /// Most uses a day.
    pub a_day: String,
    /// Most days that it is kept.
    pub kept: String,
    /// Most days that a grant lives.
    pub valid: String,
    /// Codes of shops; empty is all.
    pub shops: String,
    /// Kind of the least benefit.
    pub kind: String,
    /// How much that is.
    pub least: String,
    /// Whether to propose less where more is asked.
    pub less: bool,
    /// Why it was not taken.
    pub refusal: Option<String>,
}

impl Default for RuleFields {
    fn default() -> Self {
        let text = str::to_owned;
        Self {
            purpose: text(Purpose::Recognition.as_str()),
            retailer: String::new(),
            verdict: text("give"),
            a_day: text("4"),
            kept: text("10"),
            valid: text("180"),
            shops: String::new(),
            kind: text("service"),
            least: String::new(),
            less: true,
            refusal: None,
        }
    }
}

/// The page, as things stand now.
pub fn view(voice: &Voice, engine: &Engine) -> Result<RulesView, StepError> {
    let manifests = engine.retailers()?;
    let known: Vec<&Manifest> = manifests.iter().map(Verified::payload).collect();
    let name = |manifest: &&Manifest| {
        (manifest.controller.to_string(), plain(&manifest.legal.display_name, NAME_MAX))
    };
    let retailers = known.iter().map(name).collect();
    let rules = engine.rules()?;
    let unconfirmed = engine.unconfirmed_rules()?;
    let mut views = Vec::new();
    for rule in &rules {
        let mut view = one(voice, rule, &known, engine.now());
        if unconfirmed.contains(&rule.name.number) {
            view.ended = Some(voice.say("rule-set-aside"));
        }
        views.push(view);
    }
    let purposes = Purpose::ALL.iter();
    let purposes = purposes.map(|one| (one.as_str(), terms::purpose(voice, *one))).collect();
    Ok(RulesView { rules: views, retailers, purposes })
}

fn one(voice: &Voice, rule: &Rule, known: &[&Manifest], now: Timestamp) -> RuleView {
    let date = |at| ("date", voice.date(at, now).into());
    let number = rule.name.number.to_string();
    let end = rule_ends(rule);
    let title = [("number", number.as_str().into()), date(rule.name.confirmed)];
    let ended = (now >= end).then(|| voice.say_with("rule-ended", [date(end)]));
    let fact = |key, value| Fact::new(voice, key, value);
    let mut facts = vec![
        fact(Key("consent-why"), terms::purpose(voice, rule.purpose)),
        fact(Key("rule-retailer"), retailers(voice, rule, known)),
    ];
    match &rule.verdict {
        Verdict::Refuse => facts.push(fact(Key("rule-verdict"), voice.say("rule-refuse"))),
        Verdict::Give { bounds, narrow } => {
            facts.push(fact(Key("rule-verdict"), voice.say("rule-give")));
            let terms = most(rule.purpose, bounds, Vec::new());
            facts.push(fact(Key("consent-what"), terms::what(voice, &terms)));
            facts.extend(within(voice, bounds, *narrow));
            facts.push(fact(Key("rule-mirror"), mirrors(voice, rule, bounds, known)));
        }
    }
    if ended.is_none() {
        facts.push(fact(Key("rule-holds"), voice.date(end, now)));
    }
    RuleView { title: voice.say_with("rule-title", title), number, ended, facts }
}

/// The widest terms that a rule gives, in these shops.
fn most(purpose: Purpose, bounds: &Bounds, shops: Vec<ShopCode>) -> Terms {
    Terms {
        base_benefit_conditional: false,
        benefit: bounds.benefit.clone(),
        categories: bounds.categories.clone(),
        frequency_per_day: bounds.frequency_per_day,
        lookback_days: bounds.lookback_days,
        purpose,
        recipients: bounds.recipients.clone(),
        release_ahead_days: bounds.release_ahead_days,
        retention_days: bounds.retention_days,
        scope: String::new(),
        shops,
        valid_days: bounds.valid_days,
    }
}

/// What each retailer that she knows, and that the rule is for, could guess from the most that it gives.
pub fn mirrors(voice: &Voice, rule: &Rule, bounds: &Bounds, known: &[&Manifest]) -> String {
    let is_for = |manifest: &&&Manifest| {
        rule.controllers.as_ref().is_none_or(|named| named.contains(&manifest.controller))
    };
    let sentence = |manifest: &&Manifest| {
        let name = plain(&manifest.legal.display_name, NAME_MAX);
        mirror_of(voice, &name, &manifest.shops, rule.purpose, bounds)
    };
    let sentences: Vec<String> = known.iter().filter(is_for).filter_map(sentence).collect();
    if sentences.is_empty() { voice.say("rule-mirror-later") } else { sentences.join(" ") }
}

fn mirror_of(
    voice: &Voice,
    name: &str,
    shops: &[Shop],
    purpose: Purpose,
    bounds: &Bounds,
) -> Option<String> {
    let given = |code: &ShopCode| bounds.shops.as_ref().is_none_or(|shops| shops.contains(code));
    let codes: Vec<ShopCode> = shops.iter().map(|shop| shop.code).filter(given).collect();
    if codes.is_empty() {
        return None;
    }
    let most = most(purpose, bounds, codes);
    Some(match guesses(shops, &most) {
        Ok(guesses) => terms::mirror_of(voice, name, &guesses, &most),
        Err(_) => voice.say_with("rule-mirror-none", [("retailer", name.into())]),
    })
}

fn within(voice: &Voice, bounds: &Bounds, narrow: bool) -> Vec<Fact> {
    let fact = |key, value| Fact::new(voice, key, value);
    let shops = bounds.shops.as_ref().map_or_else(
        || voice.say("rule-shops-all"),
        |shops| shops.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    );
    let rest = if narrow { voice.say("rule-else-less") } else { voice.say("rule-else-ask") };
    vec![
        fact(Key("rule-a-day"), bounds.frequency_per_day.to_string()),
        fact(Key("rule-kept"), bounds.retention_days.to_string()),
        fact(Key("rule-valid"), bounds.valid_days.to_string()),
        fact(Key("consent-where"), shops),
        fact(Key("rule-least"), least(voice, &bounds.benefit)),
        fact(Key("rule-else"), rest),
    ]
}

fn least(voice: &Voice, benefit: &Benefit) -> String {
    if benefit.amount.is_none() {
        voice.say("rule-least-none")
    } else {
        terms::benefit(voice, benefit)
    }
}

fn retailers(voice: &Voice, rule: &Rule, known: &[&Manifest]) -> String {
    let Some(named) = &rule.controllers else { return voice.say("rule-retailer-all") };
    let name = |domain: &ControllerId| {
        let manifest = known.iter().find(|manifest| manifest.controller == *domain);
        let name = manifest.map(|manifest| plain(&manifest.legal.display_name, NAME_MAX));
        name.unwrap_or_else(|| domain.to_string())
    };
    named.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// "accepted by your rule 3 of 12 March".
pub fn accepted(voice: &Voice, rule: RuleName, now: Timestamp) -> String {
    voice.say_with("rule-accepted", name(voice, rule, now))
}

/// "Refused by your rule 3 of 12 March."
pub fn refused(voice: &Voice, rule: RuleName, now: Timestamp) -> String {
    voice.say_with("rule-refused", name(voice, rule, now))
}

/// "It goes beyond your rule 3 of 12 March: how long it is kept."
pub fn beyond(voice: &Voice, beyond: &BeyondRule, now: Timestamp) -> String {
    let what = words(voice, &beyond.dimensions);
    let [number, date] = name(voice, beyond.rule, now);
    voice.say_with("rule-beyond", [number, date, ("what", what.into())])
}

pub(super) fn words(voice: &Voice, dimensions: &[Dimension]) -> String {
    let words: Vec<String> = dimensions.iter().map(|one| dimension(voice, *one)).collect();
    words.join(", ")
}

fn name<'a>(
    voice: &Voice,
    rule: RuleName,
    now: Timestamp,
) -> [(&'a str, fluent_bundle::FluentValue<'a>); 2] {
    let number = ("number", rule.number.to_string().into());
    [number, ("date", voice.date(rule.confirmed, now).into())]
}

fn dimension(voice: &Voice, dimension: Dimension) -> String {
    match dimension {
        Dimension::BaseBenefit => voice.say("beyond-base-benefit"),
        Dimension::Benefit => voice.say("beyond-benefit"),
        Dimension::Categories => voice.say("beyond-categories"),
        Dimension::Frequency => voice.say("beyond-frequency"),
        Dimension::Lookback => voice.say("beyond-lookback"),
        Dimension::Purpose => voice.say("beyond-purpose"),
        Dimension::Recipients => voice.say("beyond-recipients"),
        Dimension::ReleaseAhead => voice.say("beyond-ahead"),
        Dimension::Retention => voice.say("beyond-retention"),
        Dimension::Scope => voice.say("beyond-scope"),
        Dimension::Shops => voice.say("beyond-shops"),
        Dimension::Validity => voice.say("beyond-validity"),
    }
}

#[cfg(test)]
mod tests {
    use besace_protocol::{
        consent::BenefitKind,
        lang::Language,
        party::ShopKind,
        purpose::{DataCategory, Granularity},
    };
    use jiff::tz::TimeZone;

    use super::*;

    #[test]
    fn a_rule_says_what_each_shop_that_it_is_for_could_guess() {
        let bounds = Bounds {
            benefit: Benefit { amount: None, kind: BenefitKind::Service, until: None },
            categories: [(DataCategory::Presence, Granularity::Exact)].into(),
            frequency_per_day: 1,
            lookback_days: 0,
            recipients: Vec::new(),
            release_ahead_days: 0,
            retention_days: 10,
            shops: None,
            valid_days: 90,
        };
        let shop = |(kind, n): (Option<ShopKind>, u8)| Shop {
            code: ShopCode::from_bytes([0, 0, 0, n]),
            kind,
            latitude_e7: 0,
            longitude_e7: 0,
            name: "Lyon".into(),
            radius_metres: 60,
            scope: "lumen.example/fr/*".into(),
            till_keys: vec![],
        };
        let fr = Voice::new(Language::Fr, TimeZone::UTC);
        let say = |kinds: &[Option<ShopKind>], bounds: &Bounds| {
            let shops: Vec<Shop> = kinds.iter().copied().zip(1..).map(shop).collect();
            mirror_of(&fr, "Maison Lumen", &shops, Purpose::Recognition, bounds)
        };
        let (bakery, pets) = (Some(ShopKind::Bakery), Some(ShopKind::Pets));
        insta::assert_snapshot!(say(&[bakery], &bounds).unwrap(), @"Avec cela, Maison Lumen pourrait deviner vos horaires et si vous habitez ou travaillez à côté.");
        insta::assert_snapshot!(say(&[bakery, pets], &bounds).unwrap(), @"Avec cela, Maison Lumen pourrait deviner vos horaires, le quartier où vous vivez, si vous habitez ou travaillez à côté et si vous avez un animal.");
        insta::assert_snapshot!(say(&[bakery, None], &bounds).unwrap(), @"Chez Maison Lumen, rien n’est montré ni donné : personne ne sait dire ce qu’on pourrait en deviner.");
        let second = Bounds { shops: Some(vec![ShopCode::from_bytes([0, 0, 0, 2])]), ..bounds };
        insta::assert_snapshot!(say(&[bakery, pets], &second).unwrap(), @"Avec cela, Maison Lumen pourrait deviner vos horaires et si vous avez un animal.");
        assert_eq!(say(&[bakery], &second), None);
    }

    #[test]
    fn a_decision_is_said_with_the_rule_and_its_day() {
        // 12 March 2026, noon.
        let confirmed = Timestamp::from_unix_seconds(1_773_316_800);
        let rule = RuleName { confirmed, number: 3, version: 1 };
        let voice = |language| Voice::new(language, TimeZone::get("Europe/Paris").unwrap());
        let (fr, en) = (voice(Language::Fr), voice(Language::En));
        insta::assert_snapshot!(accepted(&fr, rule, confirmed), @"acceptée par votre règle 3 du 12 mars");
        insta::assert_snapshot!(accepted(&en, rule, confirmed), @"accepted by your rule 3 of 12 March");
        let dimensions = vec![Dimension::Retention, Dimension::Shops];
        let wide = BeyondRule { rule, dimensions };
        insta::assert_snapshot!(beyond(&fr, &wide, confirmed), @"Cela va plus loin que votre règle 3 du 12 mars : le temps de conservation, les boutiques.");
        insta::assert_snapshot!(beyond(&en, &wide, confirmed), @"It goes beyond your rule 3 of 12 March: how long it is kept, in which shops.");
    }
}
