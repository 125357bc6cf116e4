//! What happens in a run, in words.

use besace_protocol::negotiation::{Action, Event, Message, Side};

pub(super) fn told(event: &Event) -> String {
    match event {
        Event::Hear(message) => format!("hears {}", kind(message)),
        Event::Say(message) => format!("says {}", kind(message)),
        Event::Delivered => "knows that it arrived".to_owned(),
        Event::Tick => "is woken".to_owned(),
    }
}

pub(super) const fn next(action: &Action) -> &'static str {
    match action {
        Action::Record(_) => "record",
        Action::Send(_) => "send",
        Action::Decide(_) => "decide",
        Action::Refuse(_) => "refuse",
        Action::Withdraw(_) => "withdraw",
        Action::Close(_) => "close",
    }
}

pub(super) fn word(message: &Message) -> &'static str {
    match message {
        Message::Agreement(_) => "agreement",
        Message::Grant(_) if message.by() == Side::Controller => "countersigned grant",
        Message::Grant(_) => "grant",
        Message::Proposal(one) if one.payload().turn == 1 => "first proposal",
        Message::Proposal(one) if one.payload().turn == 2 => "second proposal",
        Message::Proposal(_) => "last proposal",
        Message::Refusal(_) => "refusal",
    }
}

fn kind(message: &Message) -> String {
    let digest = message.digest().to_string();
    let name = match message {
        Message::Agreement(_) => "agreement".to_owned(),
        Message::Grant(grant) if message.by() == Side::Controller => {
            format!("countersigned grant of {:?}", grant.payload().proposal)
        }
        Message::Grant(_) => "grant".to_owned(),
        Message::Proposal(one) => format!("proposal {}", one.payload().turn),
        Message::Refusal(one) => format!("refusal ({:?})", one.payload().reason),
    };
    format!("{name} {}", &digest[..6])
}
