//! Her rules: what there is, one more, one again, one less.

use std::collections::BTreeSet;

use actix_web::{http::StatusCode, web};
use besace_protocol::{
    consent::{Benefit, BenefitKind},
    negotiation::{Bounds, Verdict},
    party::{ControllerId, ShopCode},
    purpose::{Granularity, Purpose},
};
use serde::Deserialize;

use super::{
    Site,
    answer::{Answer, Yes, ask, page},
    refusal::{Refusal, see_other},
    session::Session,
    speaker::Speaker,
};
use crate::{
    engine::{ConfirmRuleError, EngineError, RuleDraft},
    typed::euro,
    ui::{
        page::{Frame, RulesPage, Section},
        rules::{self, RuleFields},
    },
};

/// Days that keys may be handed over ahead under a rule of this page.
const RELEASE_AHEAD_DAYS: u8 = 1;

pub(super) async fn rules_page(_: Session, site: web::Data<Site>, speaker: Speaker) -> Answer {
    answer(&site, &speaker, StatusCode::OK, &RuleFields::default()).await
}

async fn answer(site: &Site, speaker: &Speaker, status: StatusCode, fields: &RuleFields) -> Answer {
    let voice = speaker.voice().clone();
    let view = ask(site, move |engine| rules::view(&voice, engine)).await?;
    let voice = speaker.voice();
    let frame = Frame::open(voice, voice.say("rules-title"), Section::Consent, "/rules");
    page(status, &RulesPage { frame, view: &view, fields })
}

/// A rule as she fills it in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleForm {
    a_day: String,
    kept: String,
    kind: BenefitKind,
    least: String,
    less: Option<Yes>,
    purpose: Purpose,
    retailer: String,
    shops: String,
    valid: String,
    verdict: Says,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Says {
    Give,
    Refuse,
}

pub(super) async fn add(
    _: Session,
    site: web::Data<Site>,
    speaker: Speaker,
    form: web::Form<RuleForm>,
) -> Answer {
    let form = form.into_inner();
    let Some(draft) = form.draft() else {
        return not_taken(&site, &speaker, form, "rule-bad").await;
    };
    let engine = site.engine().clone();
    let added = web::block(move || engine.add_rule(draft)).await;
    match added.map_err(|error| Refusal::machine(&error))? {
        Ok(name) => Ok(see_other(&format!("/rules#rule-{}", name.number))),
        Err(ConfirmRuleError::Engine(error)) => Err(error.into()),
        Err(ConfirmRuleError::Rule(_)) => not_taken(&site, &speaker, form, "rule-bad").await,
        Err(ConfirmRuleError::Shops) => not_taken(&site, &speaker, form, "rule-bad-shops").await,
        Err(ConfirmRuleError::Many) => not_taken(&site, &speaker, form, "rule-many").await,
    }
}

async fn not_taken(site: &Site, speaker: &Speaker, form: RuleForm, why: &str) -> Answer {
    let voice = speaker.voice();
    let refusal = match why {
        "rule-bad-shops" => voice.say("rule-bad-shops"),
        "rule-many" => voice.say("rule-many"),
        _ => voice.say("rule-bad"),
    };
    let verdict = if form.verdict == Says::Give { "give" } else { "refuse" };
    let kind = match form.kind {
        BenefitKind::Service => "service",
        BenefitKind::MonthlyCredit => "monthly_credit",
        BenefitKind::WelcomeCredit => "welcome_credit",
    };
    let fields = RuleFields {
        purpose: form.purpose.as_str().to_owned(),
        retailer: form.retailer,
        verdict: verdict.to_owned(),
        a_day: form.a_day,
        kept: form.kept,
        valid: form.valid,
        shops: form.shops,
        kind: kind.to_owned(),
        least: form.least,
        less: form.less.is_some(),
        refusal: Some(refusal),
    };
    answer(site, speaker, Refusal::MALFORMED.status(), &fields).await
}

impl RuleForm {
    /// What she means; none if a field says nothing that a rule can.
    fn draft(&self) -> Option<RuleDraft> {
        let controllers = match self.retailer.as_str() {
            "" => None,
            domain => Some(BTreeSet::from([ControllerId::parse(domain).ok()?])),
        };
        let purpose = self.purpose;
        if self.verdict == Says::Refuse {
            return Some(RuleDraft { controllers, purpose, verdict: Verdict::Refuse });
        }
        let shops = self.shops.split([' ', ',']).filter(|code| !code.is_empty());
        let shops: BTreeSet<ShopCode> =
            shops.map(|code| ShopCode::parse(code).ok()).collect::<Option<_>>()?;
        let amount = match self.kind {
            BenefitKind::Service => None,
            BenefitKind::MonthlyCredit | BenefitKind::WelcomeCredit => Some(euro(&self.least)?),
        };
        let exact = |category: &_| (*category, Granularity::Exact);
        let ahead = if purpose.releases().is_some() { RELEASE_AHEAD_DAYS } else { 0 };
        let bounds = Bounds {
            benefit: Benefit { amount, kind: self.kind, until: None },
            categories: purpose.categories().iter().map(exact).collect(),
            frequency_per_day: number(&self.a_day)?,
            lookback_days: 0,
            recipients: Vec::new(),
            release_ahead_days: ahead,
            retention_days: number(&self.kept)?,
            shops: (!shops.is_empty()).then(|| shops.into_iter().collect()),
            valid_days: number(&self.valid)?,
        };
        let verdict = Verdict::Give { bounds, narrow: self.less.is_some() };
        Some(RuleDraft { controllers, purpose, verdict })
    }
}

fn number(text: &str) -> Option<u16> {
    let text = text.trim();
    let digits = text.len() <= 4 && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// She confirms a rule again, as it stands.
pub(super) async fn again(_: Session, site: web::Data<Site>, number: web::Path<String>) -> Answer {
    let number: u32 = number.parse().map_err(|_| Refusal::NOT_FOUND)?;
    let engine = site.engine().clone();
    let confirmed = web::block(move || {
        let rules = engine.rules()?;
        let rule = rules.into_iter().find(|rule| rule.name.number == number);
        let rule = rule.ok_or(EngineError::NotFound)?;
        let draft = RuleDraft {
            controllers: rule.controllers,
            purpose: rule.purpose,
            verdict: rule.verdict,
        };
        engine.change_rule(number, draft)
    });
    match confirmed.await.map_err(|error| Refusal::machine(&error))? {
        Ok(name) => Ok(see_other(&format!("/rules#rule-{}", name.number))),
        Err(ConfirmRuleError::Engine(error)) => Err(error.into()),
        Err(ConfirmRuleError::Rule(_) | ConfirmRuleError::Shops | ConfirmRuleError::Many) => {
            Err(Refusal::NOT_FOUND)
        }
    }
}

pub(super) async fn remove(_: Session, site: web::Data<Site>, number: web::Path<String>) -> Answer {
    let number: u32 = number.parse().map_err(|_| Refusal::NOT_FOUND)?;
    ask(&site, move |engine| engine.remove_rule(number)).await?;
    Ok(see_other("/rules"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_strictly() {
        assert_eq!(number(" 12 "), Some(12));
        for bad in ["", "-1", "+1", "1.5", "12345"] {
            assert_eq!(number(bad), None, "{bad}");
        }
    }
}
