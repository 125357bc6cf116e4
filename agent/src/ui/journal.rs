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
    let way = match entry.direction {
        Direction::Out => Way::Left,
        Direction::In => Way::Came,
    };
    let what = voice.say_with(
        "journal-line",
        [
            ("what", kind(voice, &entry.kind).into()),
            ("domain", entry.domain.as_str().into()),
            ("bytes", entry.bytes.into()),
            ("number", voice.number(entry.bytes).into()),
        ],
    );
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
        "log" | "checkpoint" | "tile" => voice.say("kind-log"),
        "grant" => voice.say("kind-grant"),
        "withdrawal" => voice.say("kind-withdrawal"),
        "release" => voice.say("kind-release"),
        "disclosure" => voice.say("kind-disclosure"),
        "mailbox" | "mail" => voice.say("kind-mailbox"),
        "mailbox_acknowledgement" => voice.say("kind-acknowledgement"),
        other => plain(other, 40),
    }
}
