//! Who looked her up, in words: when, where, what for, and by which leave of hers.

use besace_protocol::{consent::Action, time::Timestamp};

use super::{
    view::{LookUpView, plain},
    voice::Voice,
};
use crate::engine::LookUp;

/// Longest name of a retailer or of a shop, in characters.
const NAME_MAX: usize = 80;

/// One use of what she allows, as its page shows it.
pub(super) fn view(voice: &Voice, used: &LookUp, now: Timestamp) -> LookUpView {
    let (retailer, shop) = (plain(&used.display_name, NAME_MAX), plain(&used.shop, NAME_MAX));
    let names = (retailer.as_str(), shop.as_str());
    LookUpView {
        sentence: sentence(voice, names, used.action, used.at, used.allowed_at, now),
        proof: Some(used.proof.clone()),
    }
}

/// "On Tuesday 3 March at 5.42 pm, Maison Lumen (Lyon) knew you were coming in. …"
fn sentence(
    voice: &Voice,
    (retailer, shop): (&str, &str),
    action: Action,
    at: Timestamp,
    given: Timestamp,
    now: Timestamp,
) -> String {
    let variables = [
        ("moment", voice.moment(at).into()),
        ("retailer", retailer.to_owned().into()),
        ("shop", shop.to_owned().into()),
        ("date", voice.date(given, now).into()),
    ];
    let sentence = match action {
        Action::Recognised | Action::RecognisedUnbound => {
            voice.say_with("looked-up-recognised", variables)
        }
        Action::Greeted => voice.say_with("looked-up-greeted", variables),
        Action::Identified => voice.say_with("looked-up-identified", variables),
        Action::Debited => voice.say_with("looked-up-debited", variables),
        Action::WishAccepted => voice.say_with("looked-up-wish", variables),
        Action::ReceiptFound => voice.say_with("looked-up-receipt", variables),
    };
    capitalised(&sentence)
}

/// French weekdays begin small; sentences do not.
fn capitalised(sentence: &str) -> String {
    let mut rest = sentence.chars();
    rest.next().map(|first| first.to_uppercase().chain(rest).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use besace_protocol::lang::Language;
    use jiff::tz::TimeZone;

    use super::*;

    /// 2026-03-10T16:42:05Z, a Tuesday; given a week earlier.
    const AT: Timestamp = Timestamp::from_unix_seconds(1_773_160_925);
    const GIVEN: Timestamp = Timestamp::from_unix_seconds(1_772_556_125);

    fn voice(language: Language) -> Voice {
        Voice::new(language, TimeZone::get("Europe/Paris").unwrap())
    }

    #[test]
    fn who_looked_her_up_is_said_with_when_where_and_by_which_leave() {
        let say = |language| {
            let shop = ("Maison Lumen", "Lyon");
            sentence(&voice(language), shop, Action::Recognised, AT, GIVEN, AT)
        };
        insta::assert_snapshot!(say(Language::Fr), @"Mardi 10 mars à 17 h 42, Maison Lumen (Lyon) a su que vous entriez. Vous l’aviez permis le 3 mars ; en voici la preuve.");
        insta::assert_snapshot!(say(Language::En), @"On Tuesday 10 March at 5.42 pm, Maison Lumen (Lyon) knew you were coming in. You had allowed it on 3 March; here is the proof.");
    }
}
