//! The same offers in an A-Tree.

use std::collections::BTreeSet;

use a_tree::{ATree, AttributeDefinition, Event};
use anyhow::{Result, anyhow};
use besace_protocol::{
    id::OfferId,
    lang::Language,
    offer::{Category, Offer, condition::Literal, predicate::Predicate},
    party::ControllerId,
    time::DAY_SECONDS,
};

use super::{
    Matches,
    facts::{ENDLESS, Facts, NOTHING, card, shop_number},
    world::{ABSENCES, DISTANCES, Retailer},
};

/// A temperature that is not known.
const NO_DEGREES: i64 = -999;

/// The offers of some retailers.
pub(super) struct Tree {
    tree: ATree<usize>,
    ids: Vec<OfferId>,
}

impl Tree {
    pub(super) fn plant(retailers: &[Retailer]) -> Result<Self> {
        let tree = ATree::new(&definitions()).map_err(|error| anyhow!("{error}"))?;
        let mut planted = Self { tree, ids: Vec::new() };
        for retailer in retailers {
            for offer in retailer.catalogue.offers() {
                let text = expression(&retailer.domain, offer);
                let inserted = planted.tree.insert(&planted.ids.len(), &text);
                inserted.map_err(|error| anyhow!("{error} in {text}"))?;
                planted.ids.push(offer.id());
            }
        }
        Ok(planted)
    }

    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    /// What an agent knows as an event.
    pub(super) fn event(&self, facts: &Facts) -> Result<Event> {
        let mut event = self.tree.make_event();
        let all = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>();
        let interests: Vec<_> = facts.interests.iter().copied().collect();
        event.with_string_list("interests", &interests)?;
        let lapsed = ABSENCES.map(|weeks| {
            let away = facts.absences.iter().filter(|(_, since)| **since >= weeks.into());
            (format!("lapsed_{weeks}"), away.map(|(domain, _)| domain.clone()).collect())
        });
        let lists = [
            ("wished_articles".to_owned(), all(&facts.wished_articles)),
            ("tiers".to_owned(), all(&facts.tiers)),
            ("unvisited".to_owned(), all(&facts.unvisited)),
        ];
        for (name, list) in lists.into_iter().chain(lapsed) {
            let list: Vec<&str> = list.iter().map(String::as_str).collect();
            event.with_string_list(&name, &list)?;
        }
        for metres in DISTANCES {
            let near = facts.metres.iter().filter(|(_, away)| **away <= metres.into());
            let near: Vec<i64> = near.map(|(shop, _)| *shop).collect();
            event.with_integer_list(&format!("near_{metres}"), &near)?;
        }
        for category in Category::ALL {
            let name = category.as_str();
            let ceiling = facts.wished_categories.get(name).copied().unwrap_or(-1);
            event.with_integer(&of("ceiling", *category), ceiling)?;
            let age = facts.bought.get(name).copied().unwrap_or(ENDLESS);
            event.with_integer(&of("bought", *category), age)?;
        }
        event.with_integer("minute", facts.minute)?;
        event.with_integer("degrees", facts.degrees.unwrap_or(NO_DEGREES))?;
        event.with_string("weekday", facts.weekday)?;
        event.with_string("sky", facts.sky)?;
        event.with_boolean("birthday_week", facts.birthday_week)?;
        event.with_boolean("always", true)?;
        Ok(event.build()?)
    }

    pub(super) fn search(&self, event: &Event) -> Result<Matches> {
        let report = self.tree.search(event).map_err(|error| anyhow!("{error}"))?;
        Ok(report.matches().iter().map(|at| self.ids[**at]).collect())
    }
}

fn definitions() -> Vec<AttributeDefinition> {
    let strings = ["wished_articles", "tiers", "unvisited", "interests"].map(str::to_owned);
    let lapsed = ABSENCES.map(|weeks| format!("lapsed_{weeks}"));
    let mut all: Vec<_> =
        strings.iter().chain(&lapsed).map(|n| AttributeDefinition::string_list(n)).collect();
    all.extend(
        DISTANCES.map(|metres| AttributeDefinition::integer_list(&format!("near_{metres}"))),
    );
    for category in Category::ALL {
        all.push(AttributeDefinition::integer(&of("ceiling", *category)));
        all.push(AttributeDefinition::integer(&of("bought", *category)));
    }
    all.extend(["minute", "degrees"].map(AttributeDefinition::integer));
    all.extend(["weekday", "sky"].map(AttributeDefinition::string));
    all.extend(["birthday_week", "always"].map(AttributeDefinition::boolean));
    all
}

fn of(what: &str, category: Category) -> String {
    format!("{what}_{}", category.as_str().replace(['.', '-'], "_"))
}

fn expression(domain: &ControllerId, offer: &Offer) -> String {
    let clauses = offer.conditions().clauses().iter().map(|clause| {
        let literals = clause.literals().iter().map(|literal| match literal {
            Literal::Holds(predicate) => holds(domain, offer, predicate),
            Literal::Fails(predicate) => fails(predicate),
        });
        format!("({})", literals.collect::<Vec<_>>().join(" or "))
    });
    clauses.collect::<Vec<_>>().join(" and ")
}

fn holds(domain: &ControllerId, offer: &Offer, predicate: &Predicate) -> String {
    let any = |parts: Vec<String>| format!("({})", parts.join(" or "));
    let each = |categories: &[Category], part: &dyn Fn(Category) -> String| {
        any(categories.iter().map(|category| part(*category)).collect())
    };
    match predicate {
        Predicate::WishGtin { gtins } => {
            let gtins: Vec<_> = gtins.as_slice().iter().map(ToString::to_string).collect();
            format!("wished_articles one of {gtins:?}")
        }
        Predicate::WishCategory { categories } => each(categories.as_slice(), &|category| {
            format!("{} >= {}", of("ceiling", category), offer.price().minor)
        }),
        Predicate::Interest { categories } => {
            let names: Vec<_> = categories.as_slice().iter().map(|c| c.as_str()).collect();
            format!("interests one of {names:?}")
        }
        Predicate::Bought { categories, within_days } => {
            let seconds = u64::from(*within_days) * DAY_SECONDS;
            each(categories.as_slice(), &|category| {
                format!("{} <= {seconds}", of("bought", category))
            })
        }
        Predicate::Tier { tiers } => {
            let tiers: Vec<_> = tiers.as_slice().iter().map(|t| card(domain, t.as_str())).collect();
            format!("tiers one of {tiers:?}")
        }
        Predicate::Near { metres, shops } => {
            let shops: Vec<_> = shops.as_slice().iter().map(|code| shop_number(*code)).collect();
            format!("near_{metres} one of {shops:?}")
        }
        Predicate::TimeOfDay { from, to } => {
            let both = if from < to { "and" } else { "or" };
            format!("(minute >= {from} {both} minute < {to})")
        }
        Predicate::Weekday { .. } | Predicate::Weather { .. } => listed("in", predicate),
        Predicate::Temperature { at_least, at_most } => {
            format!("(degrees >= {at_least} and degrees <= {at_most})")
        }
        Predicate::BirthdayWeek => "birthday_week".to_owned(),
        // Known when the tree is planted, and it has no constants.
        Predicate::PriceDrop { percent_at_least } => {
            let holds = offer.price_drop_percent() >= Some(*percent_at_least);
            if holds { "always" } else { "not always" }.to_owned()
        }
        Predicate::Lapsed { weeks_at_least } => {
            format!("lapsed_{weeks_at_least} one of [\"{domain}\"]")
        }
        Predicate::FirstVisit => format!("unvisited one of [\"{domain}\"]"),
        other => unreachable!("the generator makes no {other:?}"),
    }
}

fn fails(predicate: &Predicate) -> String {
    match predicate {
        Predicate::Temperature { at_least, at_most } => {
            format!("(degrees <> {NO_DEGREES} and (degrees < {at_least} or degrees > {at_most}))")
        }
        Predicate::Weather { .. } => {
            format!("(sky <> \"{NOTHING}\" and {})", listed("not in", predicate))
        }
        _ => listed("not in", predicate),
    }
}

fn listed(operator: &str, predicate: &Predicate) -> String {
    let english = Language::En;
    match predicate {
        Predicate::Weekday { days } => {
            let days: Vec<_> = days.as_slice().iter().map(|day| day.name(english)).collect();
            format!("weekday {operator} {days:?}")
        }
        Predicate::Weather { skies } => {
            let skies: Vec<_> = skies.as_slice().iter().map(|sky| sky.name(english)).collect();
            format!("sky {operator} {skies:?}")
        }
        other => unreachable!("the generator negates no {other:?}"),
    }
}
