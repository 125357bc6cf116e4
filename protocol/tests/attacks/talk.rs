//! Messages of one negotiation put into another, and proposals that ask more than what they answer.

use besace_protocol::{
    consent::Terms,
    negotiation::{Action, Event, Message, Negotiation, NegotiationError, Side, UnverifiedMessage},
    party::{ControllerId, ShopCode},
};

use super::{
    List,
    talks::{NOW, STANDS, World, after, terms, whole},
};

/// What a side makes of a message that arrives: only what it writes down was taken.
fn heard(negotiation: &mut Negotiation, message: &Message) -> Result<(), String> {
    let read = UnverifiedMessage::parse(message.as_bytes()).map_err(|e| format!("{e:?}"))?;
    let message = read.verify(negotiation.matter()).map_err(|e| format!("{e:?}"))?;
    let said = negotiation.said().len();
    let done = negotiation.handle(Event::Hear(message), NOW.plus(60));
    let done = done.map_err(|e| format!("{e:?}"))?;
    let refused = done.iter().find_map(|action| match action {
        Action::Refuse(refusal) => Some(refusal.reason),
        _ => None,
    });
    match refused {
        Some(reason) if negotiation.said().len() == said => Err(format!("{reason:?}")),
        _ => Ok(()),
    }
}

pub(super) fn tries(list: &mut List) {
    let mut world = World::of("shop.example", 2, 1);
    let (own, other) = (whole(&mut world, 7), whole(&mut world, 8));
    for (count, next) in own.iter().enumerate() {
        for side in [Side::Subject, Side::Controller] {
            for (number, message) in other.iter().enumerate() {
                let attempt = heard(&mut after(&world, side, 7, &own, count), message);
                let name = format!("word {number} of another talk at place {count}, to {side:?}");
                list.tries(name, "\"Matter\"", attempt);
            }
        }
        let mut right = after(&world, other_than(next.by()), 7, &own, count);
        assert_eq!(heard(&mut right, next), Ok(()), "its own word {count} is heard");
    }
    wider(&mut world, &own, list);
    // A grant of what was proposed first, when something else was agreed to.
    let first = world.grant(&after(&world, Side::Subject, 7, &own, 1), NOW.plus(5));
    for (count, rule) in [(2, "Grant"), (3, "OutOfTurn"), (4, "Grant")] {
        let attempt = heard(&mut after(&world, Side::Controller, 7, &own, count), &first);
        list.tries(
            format!("grant of the first proposal heard at place {count}"),
            "\"Diverged\"",
            attempt,
        );
        let attempt = said(after(&world, Side::Subject, 7, &own, count), first.clone());
        let rule = format!("Inadmissible({rule}");
        list.tries(format!("grant of the first proposal said at place {count}"), rule, attempt);
    }
}

/// What a side makes of a word of its own that does not follow.
fn said(mut negotiation: Negotiation, message: Message) -> Result<(), NegotiationError> {
    negotiation.handle(Event::Say(message), NOW.plus(60)).map(|_| ())
}

const fn other_than(side: Side) -> Side {
    match side {
        Side::Subject => Side::Controller,
        Side::Controller => Side::Subject,
    }
}

/// Each dimension one step beyond what is answered.
fn wider(world: &mut World, own: &[Message], list: &mut List) {
    type Step = fn(&mut Terms);
    let steps: [(&str, Step); 8] = [
        ("more often", |t| t.frequency_per_day += 1),
        ("further back", |t| t.lookback_days += 1),
        ("further ahead", |t| t.release_ahead_days += 1),
        ("kept longer", |t| t.retention_days += 1),
        ("for longer", |t| t.valid_days += 1),
        ("in more shops", |t| t.shops.push(ShopCode::from_bytes([0, 0, 0, 3]))),
        ("for one more recipient", |t| {
            t.recipients = vec![ControllerId::parse("third.example").unwrap()];
        }),
        ("elsewhere", |t| "other.example".clone_into(&mut t.scope)),
    ];
    for (number, (name, step)) in (1..).zip(steps) {
        // To her first word he answers with more than the request; to his, she with more than his.
        for (count, hears) in [(1, Side::Subject), (2, Side::Controller)] {
            let says = after(world, other_than(hears), 7, own, count);
            let at = NOW.plus(20 + number);
            let mut proposal = says.propose(Terms { retention_days: 9, ..terms() }, STANDS, at);
            let answered = says.proposal().unwrap().payload().terms.clone();
            let mut wide = if hears == Side::Subject { terms() } else { answered };
            step(&mut wide);
            let by = if hears == Side::Subject { "the shop" } else { "her" };
            if let Err(rule) = wide.check() {
                list.tries(
                    format!("counter of {by} that asks {name}"),
                    "Bounds",
                    Err::<(), _>(rule),
                );
                continue;
            }
            proposal.as_mut().unwrap().terms = wide;
            let message = world.proposal(other_than(hears), proposal.unwrap());
            let attempt = heard(&mut after(world, hears, 7, own, count), &message);
            list.tries(format!("counter of {by} that asks {name}, heard"), "\"Diverged\"", attempt);
            let attempt = said(says, message);
            list.tries(
                format!("counter of {by} that asks {name}, said"),
                "Inadmissible(Terms)",
                attempt,
            );
        }
    }
}
