//! The sentences in English.

use alloc::{format, string::String};

use super::{
    super::{
        category::Category,
        context::Wish,
        evaluate::{Scene, Witness},
        predicate::{Predicate, Uses},
    },
    join, quote, retailer, shops,
};
use crate::lang::{Language, NO_BREAK_SPACE};

const EN: Language = Language::En;

/// What was found to hold.
pub(super) fn holds(
    scene: &Scene<'_>,
    predicate: &Predicate,
    witness: Witness<'_>,
    answers: bool,
) -> String {
    let at = retailer(scene).unwrap_or("this retailer");
    match (predicate, witness) {
        (Predicate::WishGtin { .. }, Witness::Wish(wish)) => {
            let sought = quote(&wish.title, EN);
            format!("You are looking for {sought}{}{}.", ceiling(scene, wish), tail(answers))
        }
        (Predicate::WishCategory { .. }, Witness::Wish(wish)) => {
            let sought = match wish.category {
                Some(category) => String::from(category.sought(EN)),
                None => quote(&wish.title, EN),
            };
            format!("You are looking for {sought}{}{}.", ceiling(scene, wish), tail(answers))
        }
        (Predicate::WishPrice, Witness::Wish(wish)) => {
            let ceiling = wish.price_at_most.unwrap_or_else(|| scene.offer.price());
            let (title, ceiling) = (quote(&wish.title, EN), EN.money(ceiling));
            let price = EN.money(scene.offer.price());
            format!("You would pay {ceiling} at most for {title}: the price is {price}.")
        }
        (Predicate::Interest { .. }, Witness::Category(category)) => {
            format!("You take an interest in {}.", category.name(EN))
        }
        (Predicate::Bought { within_days, .. }, Witness::Category(category)) => {
            format!("You bought {} in the last {within_days} days.", category.name(EN))
        }
        (Predicate::Tier { .. }, Witness::Tier(tier)) => {
            format!("You have {} status at {at}.", quote(tier.as_str(), EN))
        }
        (Predicate::Near { metres, shops: codes }, witness) => {
            let names = names(scene, codes.as_slice(), witness);
            format!("You are within {} of the {names} shop.", distance(*metres))
        }
        (Predicate::Arrival { shops: codes }, witness) => {
            format!("You are coming into the {} shop.", names(scene, codes.as_slice(), witness))
        }
        (Predicate::TimeOfDay { from, to }, _) => {
            format!("It is between {} and {}.", clock(*from), clock(*to))
        }
        (Predicate::Weekday { days }, _) => {
            format!("Today is {}.", join(days.as_slice().iter().map(|d| d.name(EN)), " or "))
        }
        (Predicate::Season { seasons }, _) => {
            format!("It is {}.", join(seasons.as_slice().iter().map(|s| s.name(EN)), " or "))
        }
        (Predicate::Sales { periods }, _) => {
            let periods = join(periods.as_slice().iter().map(|p| p.name(EN)), " or ");
            format!("This is the time: {periods}.")
        }
        (Predicate::Weather { skies }, _) => {
            let skies = join(skies.as_slice().iter().map(|s| s.name(EN)), " or ");
            format!("The weather near you: {skies}.")
        }
        (Predicate::Temperature { at_least, at_most }, _) => {
            format!("It is between {at_least} and {at_most}{NO_BREAK_SPACE}°C near you.")
        }
        (Predicate::BirthdayWeek, _) => String::from("It is the week of your birthday."),
        (Predicate::Household { .. }, Witness::Number(1)) => {
            String::from("There is one person in your home.")
        }
        (Predicate::Household { .. }, Witness::Number(people)) => {
            format!("There are {people} people in your home.")
        }
        (Predicate::BasketCategory { .. }, Witness::Category(category)) => {
            format!("Your basket holds {}.", category.name(EN))
        }
        (Predicate::BasketTotal { at_least }, _) => {
            format!("Your basket comes to {} or more.", EN.money(*at_least))
        }
        (Predicate::PriceDrop { .. }, Witness::Number(percent)) => {
            format!("The price has dropped by {percent}%.")
        }
        (Predicate::FirstVisit, _) => format!("This would be your first visit to {at}."),
        (Predicate::Lapsed { .. }, Witness::Number(1)) => {
            format!("Your last visit to {at} was a week ago.")
        }
        (Predicate::Lapsed { .. }, Witness::Number(weeks)) => {
            format!("Your last visit to {at} was {weeks} weeks ago.")
        }
        (predicate, _) => format!("This offer answers {}.", predicate.uses().name(EN)),
    }
}

/// What was found not to hold.
pub(super) fn fails(scene: &Scene<'_>, predicate: &Predicate, witness: Witness<'_>) -> String {
    let at = retailer(scene).unwrap_or("this retailer");
    match (predicate, witness) {
        (
            Predicate::WishGtin { .. } | Predicate::WishCategory { .. } | Predicate::WishPrice,
            Witness::Wish(Wish { title, price_at_most: Some(ceiling), .. }),
        ) => {
            let (title, ceiling) = (quote(title, EN), EN.money(*ceiling));
            let price = EN.money(scene.offer.price());
            format!("You would pay {ceiling} at most for {title}: the price is {price}.")
        }
        (Predicate::WishGtin { .. }, _) => String::from("None of your wishes names this article."),
        (Predicate::WishCategory { categories }, _) => {
            format!("None of your wishes is about {}.", departments(categories.as_slice()))
        }
        (Predicate::WishPrice, _) => {
            String::from("None of your wishes sets a price for this article.")
        }
        (Predicate::Interest { categories }, _) => {
            format!("Your interests do not include {}.", departments(categories.as_slice()))
        }
        (Predicate::Bought { categories, within_days }, _) => {
            let names = departments(categories.as_slice());
            format!("You did not buy {names} in the last {within_days} days.")
        }
        (Predicate::Tier { tiers }, _) => {
            let names = tiers.as_slice().iter().map(|tier| quote(tier.as_str(), EN));
            format!("You do not have {} status at {at}.", join(names, " or "))
        }
        (Predicate::Near { metres, shops: codes }, _) => {
            let names = names(scene, codes.as_slice(), Witness::Nothing);
            format!("You are more than {} from the {names} shop.", distance(*metres))
        }
        (Predicate::Arrival { shops: codes }, _) => {
            let names = names(scene, codes.as_slice(), Witness::Nothing);
            format!("You are not coming into the {names} shop.")
        }
        (Predicate::TimeOfDay { from, to }, _) => {
            format!("It is not between {} and {}.", clock(*from), clock(*to))
        }
        (Predicate::Weekday { days }, _) => {
            format!("Today is not {}.", join(days.as_slice().iter().map(|d| d.name(EN)), " or "))
        }
        (Predicate::Season { seasons }, _) => {
            format!("It is not {}.", join(seasons.as_slice().iter().map(|s| s.name(EN)), " or "))
        }
        (Predicate::Sales { periods }, _) => {
            let periods = join(periods.as_slice().iter().map(|p| p.name(EN)), " or ");
            format!("This is not the time: {periods}.")
        }
        (Predicate::Weather { skies }, _) => {
            let skies = join(skies.as_slice().iter().map(|s| s.name(EN)), " or ");
            format!("The weather near you is not {skies}.")
        }
        (Predicate::Temperature { at_least, at_most }, _) => {
            format!("It is not between {at_least} and {at_most}{NO_BREAK_SPACE}°C near you.")
        }
        (Predicate::BirthdayWeek, _) => String::from("It is not the week of your birthday."),
        (Predicate::Household { at_least, at_most }, _) if at_least == at_most => {
            format!("The number of people in your home is not {at_least}.")
        }
        (Predicate::Household { at_least, at_most }, _) => {
            format!("The number of people in your home is not between {at_least} and {at_most}.")
        }
        (Predicate::BasketCategory { categories }, _) => {
            format!("Your basket holds no {}.", departments(categories.as_slice()))
        }
        (Predicate::BasketTotal { at_least }, _) => {
            format!("Your basket comes to less than {}.", EN.money(*at_least))
        }
        (Predicate::PriceDrop { percent_at_least }, _) => {
            format!("The price has not dropped by {percent_at_least}%.")
        }
        (Predicate::FirstVisit, _) => format!("This would not be your first visit to {at}."),
        (Predicate::Lapsed { .. }, Witness::Nothing) => {
            format!("Your besace knows of no visit to {at}.")
        }
        (Predicate::Lapsed { weeks_at_least: 1 }, _) => {
            format!("Your last visit to {at} was less than a week ago.")
        }
        (Predicate::Lapsed { weeks_at_least }, _) => {
            format!("Your last visit to {at} was less than {weeks_at_least} weeks ago.")
        }
    }
}

/// What is not known.
pub(super) fn unknown(uses: Uses) -> String {
    format!("Your besace does not know {}.", uses.name(EN))
}

/// What is shown instead of a clause: it starts later.
pub(super) const NOT_YET: &str = "This offer has not started yet.";

/// What is shown instead of a clause: it has ended.
pub(super) const OVER: &str = "This offer is over.";

const fn tail(answers: bool) -> &'static str {
    if answers { ": this offer answers" } else { "" }
}

/// " under €90"; equal prices are not under.
fn ceiling(scene: &Scene<'_>, wish: &Wish) -> String {
    match wish.price_at_most {
        Some(ceiling) if ceiling == scene.offer.price() => {
            format!(" for {} at most", EN.money(ceiling))
        }
        Some(ceiling) => format!(" under {}", EN.money(ceiling)),
        None => String::new(),
    }
}

fn departments(categories: &[Category]) -> String {
    join(categories.iter().map(|category| category.name(EN)), " or ")
}

fn names(scene: &Scene<'_>, codes: &[crate::party::ShopCode], witness: Witness<'_>) -> String {
    join(shops(scene, codes, witness).iter().map(|name| quote(name, EN)), " or ")
}

fn distance(metres: u32) -> String {
    match (metres / 1_000, metres % 1_000 / 100, metres % 100) {
        (km @ 1.., 0, 0) => format!("{km}{NO_BREAK_SPACE}km"),
        (km @ 1.., tenth, 0) => format!("{km}.{tenth}{NO_BREAK_SPACE}km"),
        _ => format!("{metres}{NO_BREAK_SPACE}m"),
    }
}

/// `17:30`.
fn clock(minute: u16) -> String {
    format!("{}:{:02}", minute / 60, minute % 60)
}
