//! The same offers as CEL programs, compiled beforehand.

use std::collections::HashMap;

use anyhow::{Context as _, Result};
use besace_protocol::{
    id::OfferId,
    lang::Language,
    offer::{Category, Offer, condition::Literal, predicate::Predicate},
    party::ControllerId,
    time::DAY_SECONDS,
};
use cel::{Context, Program, Value, objects::Key};

use super::{
    Matches,
    facts::{Facts, NOTHING, card, shop_number},
    world::Retailer,
};

/// Every offer as a program.
pub(super) fn compile(retailers: &[Retailer]) -> Result<Vec<(OfferId, Program)>> {
    let offers = retailers.iter().flat_map(|retailer| {
        retailer.catalogue.offers().iter().map(|offer| (&retailer.domain, offer))
    });
    let compiled = offers.map(|(domain, offer)| {
        let text = expression(domain, offer);
        Ok((offer.id(), Program::compile(&text).with_context(|| text.clone())?))
    });
    compiled.collect()
}

/// What an agent knows as variables.
pub(super) fn context(facts: &Facts) -> Context<'static, 'static> {
    let mut context = Context::default();
    let set =
        |keys: &mut dyn Iterator<Item = String>| map(keys.map(|key| (key, Value::Bool(true))));
    let numbers = |pairs: &mut dyn Iterator<Item = (String, i64)>| {
        map(pairs.map(|(key, number)| (key, Value::Int(number))))
    };
    let owned = |(key, number): (&&str, &i64)| ((*key).to_owned(), *number);
    let mut variable = |name: &str, value: Value| context.add_variable_from_value(name, value);
    variable("wished_articles", set(&mut facts.wished_articles.iter().cloned()));
    variable("wished_categories", numbers(&mut facts.wished_categories.iter().map(owned)));
    variable("interests", set(&mut facts.interests.iter().map(|name| (*name).to_owned())));
    variable("bought", numbers(&mut facts.bought.iter().map(owned)));
    variable("tiers", set(&mut facts.tiers.iter().cloned()));
    variable("metres", map(facts.metres.iter().map(|(shop, m)| (*shop, Value::Int(*m)))));
    variable("absences", numbers(&mut facts.absences.iter().map(|(of, n)| (of.clone(), *n))));
    variable("unvisited", set(&mut facts.unvisited.iter().cloned()));
    variable("minute", facts.minute.into());
    variable("weekday", facts.weekday.into());
    variable("sky", facts.sky.into());
    variable("degrees_known", facts.degrees.is_some().into());
    variable("degrees", facts.degrees.unwrap_or(0).into());
    variable("birthday_week", facts.birthday_week.into());
    context
}

/// The offers whose program says yes.
pub(super) fn matches(programs: &[(OfferId, Program)], context: &Context<'_, '_>) -> Matches {
    let says_yes = |program: &Program| matches!(program.execute(context), Ok(Value::Bool(true)));
    programs.iter().filter(|(_, program)| says_yes(program)).map(|(id, _)| *id).collect()
}

fn map<K: Into<Key>>(pairs: impl Iterator<Item = (K, Value)>) -> Value {
    pairs.map(|(key, value)| (key.into(), value)).collect::<HashMap<Key, Value>>().into()
}

fn expression(domain: &ControllerId, offer: &Offer) -> String {
    let clauses = offer.conditions().clauses().iter().map(|clause| {
        let literals = clause.literals().iter().map(|literal| match literal {
            Literal::Holds(predicate) => holds(domain, offer, predicate),
            Literal::Fails(predicate) => {
                let known = match predicate {
                    Predicate::Weather { .. } => format!("sky != \"{NOTHING}\""),
                    Predicate::Temperature { .. } => "degrees_known".to_owned(),
                    _ => "true".to_owned(),
                };
                format!("({known} && !{})", holds(domain, offer, predicate))
            }
        });
        format!("({})", literals.collect::<Vec<_>>().join(" || "))
    });
    clauses.collect::<Vec<_>>().join(" && ")
}

fn holds(domain: &ControllerId, offer: &Offer, predicate: &Predicate) -> String {
    let any = |parts: Vec<String>| format!("({})", parts.join(" || "));
    let listed = |variable: &str, names: Vec<&str>| format!("({variable} in {names:?})");
    let each = |categories: &[Category], part: &dyn Fn(&str) -> String| {
        any(categories.iter().map(|category| part(category.as_str())).collect())
    };
    match predicate {
        Predicate::WishGtin { gtins } => {
            let part = |gtin| format!("\"{gtin}\" in wished_articles");
            any(gtins.as_slice().iter().map(part).collect())
        }
        Predicate::WishCategory { categories } => each(categories.as_slice(), &|name| {
            let price = offer.price().minor;
            format!("(\"{name}\" in wished_categories && {price} <= wished_categories[\"{name}\"])")
        }),
        Predicate::Interest { categories } => {
            each(categories.as_slice(), &|name| format!("\"{name}\" in interests"))
        }
        Predicate::Bought { categories, within_days } => {
            let seconds = u64::from(*within_days) * DAY_SECONDS;
            each(categories.as_slice(), &|name| {
                format!("(\"{name}\" in bought && bought[\"{name}\"] <= {seconds})")
            })
        }
        Predicate::Tier { tiers } => {
            let part = |tier: &str| format!("\"{}\" in tiers", card(domain, tier));
            any(tiers.as_slice().iter().map(|tier| part(tier.as_str())).collect())
        }
        Predicate::Near { metres, shops } => {
            let part = |shop| format!("({shop} in metres && metres[{shop}] <= {metres})");
            any(shops.as_slice().iter().map(|code| part(shop_number(*code))).collect())
        }
        Predicate::TimeOfDay { from, to } => {
            let both = if from < to { "&&" } else { "||" };
            format!("(minute >= {from} {both} minute < {to})")
        }
        Predicate::Weekday { days } => {
            listed("weekday", days.as_slice().iter().map(|day| day.name(Language::En)).collect())
        }
        Predicate::Weather { skies } => {
            listed("sky", skies.as_slice().iter().map(|sky| sky.name(Language::En)).collect())
        }
        Predicate::Temperature { at_least, at_most } => {
            format!("(degrees_known && degrees >= {at_least} && degrees <= {at_most})")
        }
        Predicate::BirthdayWeek => "birthday_week".to_owned(),
        Predicate::PriceDrop { percent_at_least } => {
            format!("({} >= {percent_at_least})", offer.price_drop_percent().unwrap_or(0))
        }
        Predicate::Lapsed { weeks_at_least } => {
            format!("(\"{domain}\" in absences && absences[\"{domain}\"] >= {weeks_at_least})")
        }
        Predicate::FirstVisit => format!("(\"{domain}\" in unvisited)"),
        other => unreachable!("the generator makes no {other:?}"),
    }
}
