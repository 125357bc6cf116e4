//! The shopper of the demo: who she is, what she carries, where she went, what she wishes for.

use besace_protocol::money::Money;

/// What her profile says.
#[derive(Clone, Copy, Debug)]
pub struct Profile {
    /// As on a letter.
    pub name: &'static str,
    /// Her address.
    pub email: &'static str,
    /// What she wants to be called by in a shop; not her name.
    pub chosen_name: &'static str,
    /// What staff may talk about.
    pub greeting_topics: &'static str,
    /// `YYYY-MM-DD`.
    pub birthday: &'static str,
}

/// One line of her wishlist.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    /// In her words.
    pub text: &'static str,
    /// An article, as printed on it.
    pub gtin: Option<&'static str>,
    /// Where it is filed (`spec/categories.md`).
    pub category: Option<&'static str>,
    /// The most she wants to pay.
    pub price_at_most: Option<Money>,
}

/// Her profile.
pub const PROFILE: Profile = Profile {
    name: "Éléonore Vasseur-Quinhot",
    email: "eleonore.vq@courrier-lyonnais.example",
    chosen_name: "Nora",
    greeting_topics: "la randonnée et le café",
    birthday: "1987-05-14",
};

/// Her wishes. What they are filed under is public; her words are not in any catalogue.
pub const WISHES: [Wish; 6] = [
    Wish {
        text: "Godillots légers pour la Vanoise avec Thibault",
        gtin: None,
        category: Some("shoes.walking"),
        price_at_most: Some(Money::euro_cents(9_000)),
    },
    Wish {
        text: "Remplacer celle qui fuit depuis Pâques",
        gtin: None,
        category: Some("kitchen.coffee"),
        price_at_most: Some(Money::euro_cents(5_500)),
    },
    Wish {
        text: "De quoi réviser au calme chez mamie Odile",
        gtin: None,
        category: Some("electronics.audio"),
        price_at_most: Some(Money::euro_cents(8_000)),
    },
    Wish {
        text: "Le même santoku que chez Adélaïde",
        gtin: Some(SANTOKU),
        category: None,
        price_at_most: Some(Money::euro_cents(14_000)),
    },
    Wish {
        text: "Percer enfin le mur du vestibule",
        gtin: None,
        category: Some("diy.power-tools"),
        price_at_most: Some(Money::euro_cents(12_000)),
    },
    Wish {
        text: "Quelque chose de doux pour janvier",
        gtin: None,
        category: None,
        price_at_most: None,
    },
];

/// A kitchen knife of Maison Lumen.
const SANTOKU: &str = "3760123009010";

/// A Saturday in Lyon: home, a café, Bellecour, the shop of Maison Lumen, home. 402 points, two
/// segments, with the noise of a phone in a pocket.
pub const TRACK: &str = include_str!("../fixtures/demo/lyon-saturday.gpx");

/// Nine cards as Catima exports them.
pub const CARDS: &str = include_str!("../fixtures/demo/catima.csv");

/// Words that must not leave her agent: name, address, wishes, numbers of her cards, notes on them,
/// and where she lives.
///
/// Her chosen name is not one of them: a grant may disclose it.
pub fn canaries() -> Vec<String> {
    let mut words: Vec<&str> = vec![
        PROFILE.name,
        "Vasseur",
        "Quinhot",
        PROFILE.email,
        "eleonore.vq",
        PROFILE.birthday,
        // Numbers of her cards, and what she wrote on them.
        "2904417730582",
        "KB-0098-Ümlaut-31",
        "PTD 7731 0042 58",
        "PTD7731004258",
        "LOE-55120-Q",
        "TDR9920771364500871",
        "30118805",
        "PHT*40077Z",
        "A6610045B",
        "RSC#20770918",
        "Käse & Brötchen",
        "Potiron doré",
        "Terreaux",
        "Demander Solène",
        "la onzième offerte",
        // Where she lives, as the track writes it and in units of 10^-7 degrees.
        "45.747176",
        "4.843848",
        "457471760",
        "48438480",
    ];
    words.extend(WISHES.iter().map(|wish| wish.text));
    words.extend(["Godillots", "Thibault", "mamie Odile", "Adélaïde", "vestibule"]);
    words.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests;
