//! What she would like, as a page shows it: each wish, who hears of it, and a form for one more.

use besace_protocol::{
    offer::Category,
    purpose::Purpose,
    time::{DAY_SECONDS, Day, Timestamp},
};

use super::{
    view::{Fact, Key, plain},
    voice::Voice,
};
use crate::{
    engine::{Engine, StepError},
    vault::{Wish, WishContent},
};

/// Longest name of a retailer, in characters.
const NAME_MAX: usize = 80;

/// The page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WishesView {
    /// Which shops hear of what she shows, in a sentence.
    pub heard: String,
    /// Each wish, the newest first.
    pub wishes: Vec<WishView>,
    /// Kinds of things, for the form and in words.
    pub categories: Vec<(&'static str, &'static str)>,
}

/// One wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WishView {
    /// Its name, for addresses.
    pub id: String,
    /// Her words.
    pub text: String,
    /// What it is filed under, what it may cost, until when.
    pub facts: Vec<Fact>,
    /// Whether shops may hear of it.
    pub shown: bool,
    /// Whether there is a way to show it.
    pub can_show: bool,
    /// Who hears of it, or why nobody does.
    pub note: String,
}

/// What stands in the form: as it was typed, where it was not taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WishFields {
    /// Her words.
    pub text: String,
    /// The kind of thing.
    pub category: String,
    /// The price.
    pub max_price: String,
    /// The last day.
    pub deadline: String,
    /// Why it was not taken.
    pub refusal: Option<String>,
}

/// The page, as things stand now.
pub fn view(voice: &Voice, engine: &Engine) -> Result<WishesView, StepError> {
    let now = engine.now();
    let hear = engine.live_for(Purpose::WishBroadcast)?;
    let mut names: Vec<String> =
        hear.iter().map(|known| plain(&known.display_name, NAME_MAX)).collect();
    names.sort();
    names.dedup();
    let heard = if names.is_empty() {
        voice.say("wishes-nobody")
    } else {
        voice.say_with("wishes-heard", [("retailers", names.join(", ").into())])
    };
    let kind = |one: &Category| (one.as_str(), one.name(voice.language()));
    let wishes = engine.wishes().map_err(StepError::from)?;
    Ok(WishesView {
        heard,
        wishes: wishes.iter().rev().map(|one| wish(voice, one, names.is_empty(), now)).collect(),
        categories: Category::ALL.iter().map(kind).collect(),
    })
}

fn wish(voice: &Voice, one: &Wish, nobody: bool, now: Timestamp) -> WishView {
    let WishContent { text, gtin, category, max_price, deadline } = &one.content;
    let category = category.as_ref().and_then(|words| Category::find(words.reveal()));
    let mut facts = Vec::new();
    if let Some(category) = category {
        facts.push(Fact::new(voice, Key("wish-category"), category.name(voice.language())));
    }
    if let Some(gtin) = gtin {
        facts.push(Fact::new(voice, Key("wish-gtin"), gtin.reveal().as_str()));
    }
    if let Some(price) = max_price {
        facts.push(Fact::new(voice, Key("wish-price"), voice.money(*price)));
    }
    if let Some(deadline) = deadline {
        // A day is one of the calendar, wherever she is.
        let noon = Day::of(*deadline).start().plus(DAY_SECONDS / 2);
        facts.push(Fact::new(voice, Key("wish-until"), voice.date(noon, now)));
    }
    let over = deadline.is_some_and(|deadline| now >= deadline);
    let sensitive = category.is_some_and(Category::is_sensitive);
    let at_home = over || sensitive || category.is_none();
    let note = if over {
        voice.say("wish-over")
    } else if sensitive {
        voice.say("wish-sensitive")
    } else if category.is_none() {
        voice.say("wish-unnamed")
    } else if !one.shown {
        voice.say("wish-hidden")
    } else if nobody {
        voice.say("wish-shown-nobody")
    } else {
        voice.say("wish-shown")
    };
    WishView {
        id: one.id.to_string(),
        text: plain(text.reveal(), WishContent::LEN_MAX),
        facts,
        shown: one.shown,
        can_show: !at_home && !one.shown,
        note,
    }
}

#[cfg(test)]
mod tests {
    use besace_protocol::{id::WishId, lang::Language, money::Money, private::Private};
    use jiff::tz::TimeZone;

    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_300_000);

    fn kept(category: Option<&str>, deadline: Option<Timestamp>, shown: bool) -> Wish {
        let personal = |text: &str| Private::new(text.to_owned());
        Wish {
            id: WishId::from_bytes([1; 16]),
            content: WishContent {
                text: personal("Chaussures"),
                gtin: None,
                category: category.map(personal),
                max_price: Some(Money::euro_cents(9_000)),
                deadline,
            },
            shown,
            created_at: NOW,
        }
    }

    #[test]
    fn what_never_leaves_cannot_be_shown_and_says_why() {
        let voice = Voice::new(Language::En, TimeZone::get("Europe/Paris").unwrap());
        let say = |one: &Wish, nobody| {
            let view = wish(&voice, one, nobody, NOW);
            (view.note, view.can_show)
        };
        let shoes = Some("chaussures de marche");
        let hidden = say(&kept(shoes, None, false), false);
        insta::assert_snapshot!(hidden.0, @"It stays here. Your besace holds it against the offers it reads.");
        assert!(hidden.1);
        let unnamed = say(&kept(None, None, false), false);
        insta::assert_snapshot!(unnamed.0, @"It stays here: without a kind of thing, there is nothing to tell a shop.");
        let sensitive = say(&kept(Some("health.pregnancy"), None, true), false);
        insta::assert_snapshot!(sensitive.0, @"It stays here: this kind of thing is told to no shop.");
        let over = say(&kept(shoes, Some(NOW), true), false);
        insta::assert_snapshot!(over.0, @"It stays here: its last day is over.");
        assert!(!unnamed.1 && !sensitive.1 && !over.1);
        let shown = say(&kept(shoes, Some(NOW.plus(1)), true), false);
        insta::assert_snapshot!(shown.0, @"Those shops hear of it with the next exchange: its kind and the order of its price.");
        let nobody = say(&kept(shoes, None, true), true);
        insta::assert_snapshot!(nobody.0, @"A shop will hear of it as soon as you allow one to.");
        assert!(!shown.1 && !nobody.1, "it is shown already");
    }

    #[test]
    fn a_last_day_is_the_day_of_the_calendar_east_and_west() {
        for zone in ["Europe/Paris", "Pacific/Honolulu", "Asia/Tokyo"] {
            let voice = Voice::new(Language::En, TimeZone::get(zone).unwrap());
            let last = Timestamp::from_unix_seconds(1_798_761_599); // 2026-12-31T23:59:59Z
            let view = wish(&voice, &kept(None, Some(last), false), false, NOW);
            let until = view.facts.iter().find(|fact| fact.label == "Last day").unwrap();
            assert_eq!(until.value, "31 December", "{zone}");
        }
    }
}
