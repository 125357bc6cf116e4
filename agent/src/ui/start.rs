//! What came back with a backup, as the page after it says.

use besace_protocol::time::Timestamp;

use super::{
    backup::moment,
    view::{Fact, Key},
    voice::Voice,
};
use crate::engine::Restored;

/// What came back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RestoredView {
    /// Of which moment it is.
    pub lead: String,
    /// How much of what.
    pub facts: Vec<Fact>,
    /// Whether there are grants among it, whose logs go on in new ones.
    pub grants: bool,
}

/// What came back, in numbers.
pub fn restored(voice: &Voice, what: &Restored, now: Timestamp) -> RestoredView {
    let when = moment(voice, what.at, now);
    let of = |table: &str| {
        let found = what.tables.iter().find(|(name, _)| name == table);
        found.map_or(0, |(_, rows)| *rows)
    };
    let counted = [
        (Key("restored-cards"), "cards"),
        (Key("restored-wishes"), "wishes"),
        (Key("restored-retailers"), "retailers"),
        (Key("restored-grants"), "grants"),
        (Key("restored-vouchers"), "vouchers"),
        (Key("restored-fixes"), "fixes"),
    ];
    let mut facts: Vec<Fact> = counted
        .into_iter()
        .map(|(key, table)| (key, of(table)))
        .filter(|(_, count)| *count > 0)
        .map(|(key, count)| Fact::new(voice, key, voice.number(count)))
        .collect();
    facts.push(Fact::new(voice, Key("restored-rows"), voice.number(what.rows)));
    let lead = voice.say_with("restored-lead", [("moment", when.into())]);
    RestoredView { lead, facts, grants: of("grants") > 0 }
}

#[cfg(test)]
mod tests {
    use besace_protocol::{id::VaultId, lang::Language};
    use jiff::tz::TimeZone;

    use super::*;

    #[test]
    fn what_came_back_is_counted_and_what_did_not_is_not_listed() {
        let now = Timestamp::from_unix_seconds(1_795_300_000);
        let what = Restored {
            vault: VaultId::from_bytes([1; 16]),
            at: now.minus(3600),
            schema: 10,
            rows: 1_240,
            tables: vec![("cards".to_owned(), 3), ("fixes".to_owned(), 1_200)],
        };
        let view = restored(&Voice::new(Language::En, TimeZone::UTC), &what, now);
        let facts: Vec<(&str, &str)> =
            view.facts.iter().map(|fact| (fact.label.as_str(), fact.value.as_str())).collect();
        assert_eq!(facts, [("Cards", "3"), ("Places you were", "1,200"), ("Rows in all", "1,240")]);
        assert!(view.lead.contains("21 November at 9.26 pm"), "{}", view.lead);
    }
}
