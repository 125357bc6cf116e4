//! Consent in words: how something ended, and who looked her up.

use besace_protocol::{consent::Action, time::Timestamp};

use super::voice::Voice;

/// How a grant or a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// She stopped it, and the retailer signed for that.
    Stopped,
    /// She stopped it; the retailer has not signed for that yet.
    StopPending,
    /// It ran out.
    Expired(Timestamp),
    /// The retailer ended it.
    Revoked(Timestamp),
    /// She said no; it may not be asked again before this moment.
    Refused(Timestamp),
}

/// What she reads about the end of something with `retailer`.
pub fn ended(voice: &Voice, retailer: &str, end: End, now: Timestamp) -> String {
    let who = || ("retailer", retailer.to_owned().into());
    let when = |at| ("date", voice.date(at, now).into());
    match end {
        End::Stopped => voice.say_with("stopped", [who()]),
        End::StopPending => voice.say_with("stop-pending", [who()]),
        End::Expired(at) => voice.say_with("consent-ended-expired", [when(at)]),
        End::Revoked(at) => voice.say_with("consent-ended-revoked", [who(), when(at)]),
        End::Refused(until) => voice.say_with("refused", [when(until)]),
    }
}

/// "On Tuesday 3 March at 5.42 pm, Maison Lumen (Lyon) knew you were coming in. …"
pub fn looked_up(
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
            looked_up(&voice(language), shop, Action::Recognised, AT, GIVEN, AT)
        };
        insta::assert_snapshot!(say(Language::Fr), @"Mardi 10 mars à 17 h 42, Maison Lumen (Lyon) a su que vous entriez. Vous l’aviez permis le 3 mars ; en voici la preuve.");
        insta::assert_snapshot!(say(Language::En), @"On Tuesday 10 March at 5.42 pm, Maison Lumen (Lyon) knew you were coming in. You had allowed it on 3 March; here is the proof.");
    }

    #[test]
    fn every_end_has_its_sentence() {
        let say = |end| ended(&voice(Language::En), "Maison Lumen", end, AT);
        insta::assert_snapshot!(say(End::Stopped), @"It has stopped. From this moment your besace is silent to Maison Lumen. What you have earned stays yours.");
        insta::assert_snapshot!(say(End::StopPending), @"Maison Lumen isn’t answering. For you, it has stopped; we will keep telling them until they sign for it.");
        insta::assert_snapshot!(say(End::Expired(AT)), @"Ran out on 10 March.");
        insta::assert_snapshot!(say(End::Revoked(AT)), @"Maison Lumen ended it on 10 March.");
        insta::assert_snapshot!(say(End::Refused(AT)), @"It’s a no, and it’s understood. This request will not come back before 10 March.");
    }
}
