//! The sentences in French. No participle says whether a man or a woman reads.

use alloc::{format, string::String, vec::Vec};

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

const FR: Language = Language::Fr;

/// What was found to hold.
pub(super) fn holds(
    scene: &Scene<'_>,
    predicate: &Predicate,
    witness: Witness<'_>,
    answers: bool,
) -> String {
    let at = at_retailer(scene);
    let sentence = match (predicate, witness) {
        (Predicate::WishGtin { .. }, Witness::Wish(wish)) => {
            let sought = quote(&wish.title, FR);
            format!("Vous cherchez {sought}{}{}.", ceiling(scene, wish), tail(answers))
        }
        (Predicate::WishCategory { .. }, Witness::Wish(wish)) => {
            let sought = match wish.category {
                Some(category) => String::from(category.sought(FR)),
                None => quote(&wish.title, FR),
            };
            format!("Vous cherchez {sought}{}{}.", ceiling(scene, wish), tail(answers))
        }
        (Predicate::WishPrice, Witness::Wish(wish)) => {
            let ceiling = wish.price_at_most.unwrap_or_else(|| scene.offer.price());
            let (title, ceiling) = (quote(&wish.title, FR), FR.money(ceiling));
            let price = FR.money(scene.offer.price());
            format!("Vous mettez {ceiling} au plus pour {title} : le prix est de {price}.")
        }
        (Predicate::Interest { .. }, Witness::Category(category)) => {
            format!("Le rayon {} vous intéresse.", quote(category.name(FR), FR))
        }
        (Predicate::Bought { within_days, .. }, Witness::Category(category)) => {
            let name = quote(category.name(FR), FR);
            format!("Vous avez acheté au rayon {name} ces {within_days} derniers jours.")
        }
        (Predicate::Tier { .. }, Witness::Tier(tier)) => {
            format!("Vous avez le statut {} {at}.", quote(tier.as_str(), FR))
        }
        (Predicate::Near { metres, shops: codes }, witness) => {
            let distance = distance(*metres);
            format!(
                "Vous êtes à {distance} au plus de la boutique {}.",
                names(scene, codes.as_slice(), witness)
            )
        }
        (Predicate::Arrival { shops: codes }, witness) => {
            format!("Vous entrez dans la boutique {}.", names(scene, codes.as_slice(), witness))
        }
        (Predicate::TimeOfDay { from, to }, _) => {
            format!("Il est entre {} et {}.", clock(*from), clock(*to))
        }
        (Predicate::Weekday { days }, _) => {
            format!("C'est {}.", join(days.as_slice().iter().map(|d| d.name(FR)), " ou "))
        }
        (Predicate::Season { seasons }, _) => {
            format!("C'est {}.", join(seasons.as_slice().iter().map(|s| s.name(FR)), " ou "))
        }
        (Predicate::Sales { periods }, _) => {
            let periods = join(periods.as_slice().iter().map(|p| p.name(FR)), " ou ");
            format!("C'est la période : {periods}.")
        }
        (Predicate::Weather { skies }, _) => {
            let skies = join(skies.as_slice().iter().map(|s| s.name(FR)), " ou ");
            format!("Le temps près de vous : {skies}.")
        }
        (Predicate::Temperature { at_least, at_most }, _) => {
            format!("Il fait entre {at_least} et {at_most} °C près de vous.")
        }
        (Predicate::BirthdayWeek, _) => String::from("C'est la semaine de votre anniversaire."),
        (Predicate::Household { .. }, Witness::Number(1)) => {
            String::from("Il y a une personne chez vous.")
        }
        (Predicate::Household { .. }, Witness::Number(people)) => {
            format!("Il y a {people} personnes chez vous.")
        }
        (Predicate::BasketCategory { .. }, Witness::Category(category)) => {
            let name = quote(category.name(FR), FR);
            format!("Votre panier contient un article du rayon {name}.")
        }
        (Predicate::BasketTotal { at_least }, _) => {
            format!("Votre panier atteint {}.", FR.money(*at_least))
        }
        (Predicate::PriceDrop { .. }, Witness::Number(percent)) => {
            format!("Le prix a baissé de {percent} %.")
        }
        (Predicate::FirstVisit, _) => format!("Ce serait votre première visite {at}."),
        (Predicate::Lapsed { .. }, Witness::Number(1)) => {
            format!("Votre dernière visite {at} remonte à une semaine.")
        }
        (Predicate::Lapsed { .. }, Witness::Number(weeks)) => {
            format!("Votre dernière visite {at} remonte à {weeks} semaines.")
        }
        (predicate, _) => {
            format!("Cette offre répond à {}.", predicate.uses().name(FR))
        }
    };
    set(&sentence)
}

/// What was found not to hold.
pub(super) fn fails(scene: &Scene<'_>, predicate: &Predicate, witness: Witness<'_>) -> String {
    let at = at_retailer(scene);
    let sentence = match (predicate, witness) {
        (
            Predicate::WishGtin { .. } | Predicate::WishCategory { .. } | Predicate::WishPrice,
            Witness::Wish(Wish { title, price_at_most: Some(ceiling), .. }),
        ) => {
            let (title, ceiling) = (quote(title, FR), FR.money(*ceiling));
            let price = FR.money(scene.offer.price());
            format!("Vous mettez {ceiling} au plus pour {title} : le prix est de {price}.")
        }
        (Predicate::WishGtin { .. }, _) => {
            String::from("Aucun de vos souhaits ne nomme cet article.")
        }
        (Predicate::WishCategory { categories }, _) => {
            format!("Aucun de vos souhaits n'est au rayon {}.", departments(categories.as_slice()))
        }
        (Predicate::WishPrice, _) => {
            String::from("Aucun de vos souhaits ne fixe de prix pour cet article.")
        }
        (Predicate::Interest { categories }, _) => {
            let names = departments(categories.as_slice());
            format!("Vos centres d'intérêt ne comptent pas le rayon {names}.")
        }
        (Predicate::Bought { categories, within_days }, _) => {
            let names = departments(categories.as_slice());
            format!("Vous n'avez rien acheté au rayon {names} ces {within_days} derniers jours.")
        }
        (Predicate::Tier { tiers }, _) => {
            let names = tiers.as_slice().iter().map(|tier| quote(tier.as_str(), FR));
            format!("Vous n'avez pas le statut {} {at}.", join(names, " ou "))
        }
        (Predicate::Near { metres, shops: codes }, _) => {
            let names = names(scene, codes.as_slice(), Witness::Nothing);
            format!("Vous êtes à plus de {} de la boutique {names}.", distance(*metres))
        }
        (Predicate::Arrival { shops: codes }, _) => {
            let names = names(scene, codes.as_slice(), Witness::Nothing);
            format!("Vous n'entrez pas dans la boutique {names}.")
        }
        (Predicate::TimeOfDay { from, to }, _) => {
            format!("Il n'est pas entre {} et {}.", clock(*from), clock(*to))
        }
        (Predicate::Weekday { days }, _) => {
            format!("Ce n'est {}.", neither(days.as_slice().iter().map(|d| d.name(FR))))
        }
        (Predicate::Season { seasons }, _) => {
            format!("Ce n'est {}.", neither(seasons.as_slice().iter().map(|s| s.name(FR))))
        }
        (Predicate::Sales { periods }, _) => {
            let periods = join(periods.as_slice().iter().map(|p| p.name(FR)), " ou ");
            format!("Nous sommes hors période : {periods}.")
        }
        (Predicate::Weather { skies }, _) => {
            let skies = neither(skies.as_slice().iter().map(|s| s.name(FR)));
            format!("Le temps près de vous : {skies}.")
        }
        (Predicate::Temperature { at_least, at_most }, _) => {
            format!("Il ne fait pas entre {at_least} et {at_most} °C près de vous.")
        }
        (Predicate::BirthdayWeek, _) => {
            String::from("Ce n'est pas la semaine de votre anniversaire.")
        }
        (Predicate::Household { at_least, at_most }, _) if at_least == at_most => {
            format!("Le nombre de personnes chez vous n'est pas {at_least}.")
        }
        (Predicate::Household { at_least, at_most }, _) => {
            format!("Le nombre de personnes chez vous n'est pas entre {at_least} et {at_most}.")
        }
        (Predicate::BasketCategory { categories }, _) => {
            let names = departments(categories.as_slice());
            format!("Votre panier ne contient rien du rayon {names}.")
        }
        (Predicate::BasketTotal { at_least }, _) => {
            format!("Votre panier n'atteint pas {}.", FR.money(*at_least))
        }
        (Predicate::PriceDrop { percent_at_least }, _) => {
            format!("Le prix n'a pas baissé de {percent_at_least} %.")
        }
        (Predicate::FirstVisit, _) => format!("Ce ne serait pas votre première visite {at}."),
        (Predicate::Lapsed { .. }, Witness::Nothing) => {
            format!("Votre besace ne connaît pas de visite {at}.")
        }
        (Predicate::Lapsed { weeks_at_least: 1 }, _) => {
            format!("Votre dernière visite {at} remonte à moins d'une semaine.")
        }
        (Predicate::Lapsed { weeks_at_least }, _) => {
            format!("Votre dernière visite {at} remonte à moins de {weeks_at_least} semaines.")
        }
    };
    set(&sentence)
}

/// What is not known.
pub(super) fn unknown(uses: Uses) -> String {
    set(&format!("Votre besace ne connaît pas {}.", uses.name(FR)))
}

/// What is shown instead of a clause: it starts later.
pub(super) const NOT_YET: &str = "Cette offre n'a pas encore commencé.";

/// What is shown instead of a clause: it has ended.
pub(super) const OVER: &str = "Cette offre est finie.";

const fn tail(answers: bool) -> &'static str {
    if answers { " : cette offre y répond" } else { "" }
}

/// " à moins de 90 €"; equal prices are not less.
fn ceiling(scene: &Scene<'_>, wish: &Wish) -> String {
    match wish.price_at_most {
        Some(ceiling) if ceiling == scene.offer.price() => {
            format!(" à {} au plus", FR.money(ceiling))
        }
        Some(ceiling) => format!(" à moins de {}", FR.money(ceiling)),
        None => String::new(),
    }
}

fn at_retailer(scene: &Scene<'_>) -> String {
    retailer(scene)
        .map_or_else(|| String::from("dans cette enseigne"), |name| format!("chez {name}"))
}

fn departments(categories: &[Category]) -> String {
    join(categories.iter().map(|category| quote(category.name(FR), FR)), " ou ")
}

fn names(scene: &Scene<'_>, codes: &[crate::party::ShopCode], witness: Witness<'_>) -> String {
    join(shops(scene, codes, witness).iter().map(|name| quote(name, FR)), " ou ")
}

/// `pas lundi`, `ni lundi ni mardi`.
fn neither(items: impl Iterator<Item = &'static str>) -> String {
    let items: Vec<_> = items.collect();
    match items.as_slice() {
        [one] => format!("pas {one}"),
        many => format!("ni {}", many.join(" ni ")),
    }
}

fn distance(metres: u32) -> String {
    match (metres / 1_000, metres % 1_000 / 100, metres % 100) {
        (km @ 1.., 0, 0) => format!("{km}{NO_BREAK_SPACE}km"),
        (km @ 1.., tenth, 0) => format!("{km},{tenth}{NO_BREAK_SPACE}km"),
        _ => format!("{metres}{NO_BREAK_SPACE}m"),
    }
}

/// `17 h`, `17 h 30`.
fn clock(minute: u16) -> String {
    match (minute / 60, minute % 60) {
        (hour, 0) => format!("{hour}{NO_BREAK_SPACE}h"),
        (hour, minute) => format!("{hour}{NO_BREAK_SPACE}h{NO_BREAK_SPACE}{minute:02}"),
    }
}

/// Puts no-break spaces where French typography has them.
fn set(sentence: &str) -> String {
    let mut out = String::with_capacity(sentence.len());
    let mut letters = sentence.chars().peekable();
    while let Some(c) = letters.next() {
        let before = matches!(letters.peek(), Some(':' | ';' | '?' | '!' | '€' | '%' | '»' | '°'));
        let after = out.ends_with('«');
        out.push(if c == ' ' && (before || after) { NO_BREAK_SPACE } else { c });
    }
    out
}
