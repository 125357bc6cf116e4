//! A vault that went back in time, as the page of her decision shows it. `spec/rollback.md`.

use besace_protocol::time::Timestamp;

use super::{
    backup::moment,
    view::{Fact, Key, plain},
    voice::Voice,
};
use crate::engine::{Moment, Sign, WentBack};

/// What was noticed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WentBackView {
    /// How it shows.
    pub sign: String,
    /// What is missing, and of when what is here is.
    pub facts: Vec<Fact>,
    /// Where the vault is.
    pub folder: String,
}

/// What was noticed, in words.
pub fn view(voice: &Voice, how: &WentBack, folder: &str, now: Timestamp) -> WentBackView {
    let mut facts = Vec::new();
    if let Some(missing) = missing(how) {
        let key = Key("went-back-missing-label");
        facts.push(Fact::new(voice, key, changes(voice, missing)));
    }
    let said = |at: Moment| moment(voice, at.at, now);
    if let Some(known) = how.known {
        facts.push(Fact::new(voice, Key("went-back-known-label"), said(known)));
    }
    if let Some(here) = how.here {
        facts.push(Fact::new(voice, Key("went-back-here-label"), said(here)));
    }
    WentBackView { sign: voice.say(sign(how.sign).0), facts, folder: plain(folder, 400) }
}

/// How many changes are known of and not here.
pub fn missing(how: &WentBack) -> Option<u64> {
    let (known, here) = how.known.zip(how.here)?;
    known.changes.checked_sub(here.changes).filter(|missing| *missing > 0)
}

fn changes(voice: &Voice, count: u64) -> String {
    let number = voice.number(count);
    voice.say_with("went-back-changes", [("count", count.into()), ("number", number.into())])
}

const fn sign(sign: Sign) -> Key {
    match sign {
        Sign::Older => Key("went-back-older"),
        Sign::Elsewhere => Key("went-back-elsewhere"),
        Sign::Mixed => Key("went-back-mixed"),
        Sign::MarkMissing => Key("went-back-mark-missing"),
        Sign::MarkForeign => Key("went-back-mark-foreign"),
        Sign::MarkOlder => Key("went-back-mark-older"),
        Sign::Retailer => Key("went-back-retailer"),
    }
}

#[cfg(test)]
mod tests {
    use besace_protocol::lang::Language;
    use jiff::tz::TimeZone;

    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_300_000);

    #[test]
    fn what_is_missing_and_since_when_is_said() {
        let voice = Voice::new(Language::En, TimeZone::UTC);
        let of = |changes, ago| Some(Moment { at: NOW.minus(ago), changes });
        let how = WentBack { sign: Sign::Older, known: of(1_812, 60), here: of(590, 90_000) };
        let view = view(&voice, &how, "/srv/besace", NOW);
        let facts: Vec<(&str, &str)> =
            view.facts.iter().map(|fact| (fact.label.as_str(), fact.value.as_str())).collect();
        assert_eq!(
            facts,
            [
                ("Missing", "1,222 changes"),
                ("Last known", "21 November at 10.25 pm"),
                ("Here now", "20 November at 9.26 pm"),
            ]
        );
        let newer = WentBack { known: how.here, here: how.known, ..how };
        assert_eq!(missing(&newer), None, "a vault with more changes lacks none that is known");
        assert_eq!(missing(&WentBack { known: None, ..how }), None);
    }
}
