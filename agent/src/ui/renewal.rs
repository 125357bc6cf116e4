//! Renewing as pages show it: when a grant ends, and what a yes would change. `spec/renewal.md`.

use besace_protocol::time::Timestamp;

use super::{rules, view::RenewView, voice::Voice};
use crate::engine::{Change, GrantView, OpenRequest};

/// One quiet line, and a button: without it the grant ends by itself.
pub fn renew(voice: &Voice, retailer: &str, known: &GrantView, now: Timestamp) -> RenewView {
    let until = voice.date(known.grant.expires, now);
    RenewView {
        sentence: voice.say_with("renew-ends", [("date", until.into())]),
        label: format!("{} ({})", voice.say("renew-again"), retailer),
    }
}

/// What a yes would change of what she gave before.
fn change(voice: &Voice, change: &Change) -> Vec<String> {
    let mut said = vec![voice.say("renew-replaces")];
    if !change.worse.is_empty() {
        said.push(
            voice.say_with("renew-more", [("what", rules::words(voice, &change.worse).into())]),
        );
    }
    if !change.better.is_empty() {
        said.push(
            voice.say_with("renew-less", [("what", rules::words(voice, &change.better).into())]),
        );
    }
    if said.len() == 1 {
        said.push(voice.say("renew-same"));
    }
    said
}

/// What is said beside a request: what it changes of what she gave, and in what it goes beyond her rules.
pub fn beside(voice: &Voice, open: &OpenRequest, now: Timestamp) -> Vec<String> {
    let changes = open.change.iter().flat_map(|one| change(voice, one));
    changes.chain(open.beyond.iter().map(|one| rules::beyond(voice, one, now))).collect()
}
