//! Everything that left this machine and everything that came, by days.

use super::{
    view::{JournalDay, JournalEntry, JournalView, Way, plain},
    voice::Voice,
};
use crate::vault::{self, Direction};

/// Most lines on the page.
pub const LINES_MAX: u32 = 500;

/// The page of these entries, the newest first.
pub fn view(voice: &Voice, entries: &[vault::JournalEntry]) -> JournalView {
    let same_day = |a: &vault::JournalEntry, b: &vault::JournalEntry| {
        voice.local_day(a.at) == voice.local_day(b.at)
    };
    let days = entries
        .chunk_by(same_day)
        .map(|day| JournalDay {
            date: day.first().map(|entry| voice.day_of_week(entry.at)).unwrap_or_default(),
            entries: day.iter().map(|entry| line(voice, entry)).collect(),
        })
        .collect();
    JournalView { days }
}

fn line(voice: &Voice, entry: &vault::JournalEntry) -> JournalEntry {
    let stopped = entry.kind.ends_with("_stopped");
    let way = match entry.direction {
        // It was about to leave when she withdrew.
        Direction::Out if stopped => Way::Stayed,
        Direction::Out => Way::Left,
        Direction::In => Way::Came,
    };
    let what = kind(voice, &entry.kind);
    let domain = entry.domain.as_str();
    let what = match entry.direction {
        Direction::Out if stopped => {
            voice.say_with("journal-stopped", [("what", what.into()), ("domain", domain.into())])
        }
        // A question without a body: only that it was asked.
        Direction::Out if entry.bytes == 0 => {
            voice.say_with("journal-asked", [("what", what.into()), ("domain", domain.into())])
        }
        Direction::Out | Direction::In => voice.say_with(
            "journal-line",
            [
                ("what", what.into()),
                ("domain", domain.into()),
                ("bytes", entry.bytes.into()),
                ("number", voice.number(entry.bytes).into()),
            ],
        ),
    };
    JournalEntry {
        time: voice.time(entry.at),
        machine_time: Voice::machine_time(entry.at),
        way,
        what,
    }
}

/// What a kind of message is to a person.
fn kind(voice: &Voice, kind: &str) -> String {
    match kind {
        "manifest" => voice.say("kind-manifest"),
        "request" | "requests" => voice.say("kind-requests"),
        "notice" => voice.say("kind-notice"),
        "catalogue" => voice.say("kind-catalogue"),
        "log" | "checkpoint" | "tile" | "restorations" => voice.say("kind-log"),
        "grant" => voice.say("kind-grant"),
        "withdrawal" => voice.say("kind-withdrawal"),
        "objection" => voice.say("kind-objection"),
        "erasure" => voice.say("kind-erasure"),
        "release" => voice.say("kind-release"),
        "disclosure" => voice.say("kind-disclosure"),
        "grant_stopped" => voice.say("kind-grant-stopped"),
        "release_stopped" => voice.say("kind-release-stopped"),
        "disclosure_stopped" => voice.say("kind-disclosure-stopped"),
        "grant_cut" => voice.say("kind-grant-cut"),
        "release_cut" => voice.say("kind-release-cut"),
        "disclosure_cut" => voice.say("kind-disclosure-cut"),
        "mailbox" | "mail" => voice.say("kind-mailbox"),
        "continuation" => voice.say("kind-continuation"),
        "last_head" => voice.say("kind-last-head"),
        "mailbox_acknowledgement" => voice.say("kind-acknowledgement"),
        "voucher_keys" => voice.say("kind-voucher-keys"),
        "vouchers" => voice.say("kind-vouchers"),
        "till_answer" => voice.say("kind-till-answer"),
        "till_debit" => voice.say("kind-till-debit"),
        other => plain(other, 40),
    }
}

#[cfg(test)]
mod tests {
    use besace_protocol::{lang::Language, party::ControllerId, time::Timestamp};
    use jiff::tz::TimeZone;

    use super::*;

    #[test]
    fn what_left_and_came_is_said_by_days() {
        let entry = |seconds, direction, kind: &str, bytes| vault::JournalEntry {
            at: Timestamp::from_unix_seconds(1_772_556_125_u64.saturating_sub(seconds)),
            direction,
            domain: ControllerId::parse("lumen.example").unwrap(),
            kind: kind.to_owned(),
            bytes,
        };
        let entries = [
            entry(0, Direction::In, "catalogue", 1_204_988),
            entry(1, Direction::Out, "catalogue", 0),
            entry(2, Direction::Out, "release_stopped", 0),
            entry(2, Direction::Out, "disclosure_cut", 1_204),
            entry(86_400, Direction::Out, "grant", 1),
            entry(86_401, Direction::Out, "new\u{202e}kind", 2),
        ];
        let voice = Voice::new(Language::En, TimeZone::get("Europe/Paris").unwrap());
        let lines: Vec<String> = view(&voice, &entries)
            .days
            .iter()
            .flat_map(|day| {
                let line = |entry: &JournalEntry| {
                    format!("{} {}: {}", entry.time, entry.way.word(&voice), entry.what)
                };
                std::iter::once(day.date.clone()).chain(day.entries.iter().map(line))
            })
            .collect();
        insta::assert_snapshot!(lines.join("\n"), @"
        Tuesday 3 March
        5.42 pm Came: a catalogue of offers · lumen.example · 1,204,988 bytes
        5.42 pm Left: a catalogue of offers · asked of lumen.example
        5.42 pm Here: the keys of a day, stopped before they left · for lumen.example
        5.42 pm Left: what you allowed to be told, cut off on its way: it may have arrived · lumen.example · 1,204 bytes
        Monday 2 March
        5.42 pm Left: a grant · lumen.example · one byte
        5.42 pm Left: newkind · lumen.example · 2 bytes
        ");
    }
}
