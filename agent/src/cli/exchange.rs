//! Going out from the command line, and saying what went wrong on the way.

use std::future::Future;

use super::{Session, import::moment, output::Failure};
use crate::{
    engine::StepError,
    exchange::{Exchange, ExchangeError},
    net::{Net, NetError},
};

/// Runs one exchange of the unlocked engine.
pub(super) fn run<T, F>(
    session: &mut Session<'_, '_>,
    work: impl FnOnce(Exchange) -> F,
) -> Result<T, Failure>
where
    F: Future<Output = Result<T, ExchangeError>>,
{
    let dev = session.dev_retailers.clone();
    let engine = session.unlocked()?.clone();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::could_not(&error, "close other programs and try again"))?;
    runtime.block_on(async {
        let net = Net::new(dev).map_err(|error| failure(&error.into()))?;
        work(Exchange::new(engine, net)).await.map_err(|error| failure(&error))
    })
}

/// What an exchange that failed means, and what to do.
pub(super) fn failure(error: &ExchangeError) -> Failure {
    match error {
        ExchangeError::Step(error) => step_failure(error),
        ExchangeError::Net(cause @ NetError::Unreachable { .. }) => {
            Failure::could_not(cause, "try again later; nothing was lost")
        }
        ExchangeError::Net(cause @ NetError::Refused(_)) => {
            Failure::refused(cause, "look at `besace consent list`; nothing was lost")
        }
        ExchangeError::Net(cause) => {
            Failure::could_not(cause, "the retailer has to repair this; nothing was lost")
        }
        ExchangeError::Broken => Failure::could_not(error, "try again; nothing was lost"),
    }
}

/// What a step that failed means, and what to do.
pub(super) fn step_failure(error: &StepError) -> Failure {
    match error {
        StepError::Engine(cause) => {
            Failure::could_not(cause, "nothing was changed; look at the disk and try again")
        }
        StepError::Stranger => Failure::refused(error, "meet it first: `besace retailer meet`"),
        StepError::RequestClosed | StepError::Paused | StepError::TooOften => {
            Failure::refused(error, "see what is open with `besace consent requests`")
        }
        StepError::Mirror(_) => {
            Failure::refused_because(error, "see what is open with `besace consent requests`")
        }
        StepError::Minor => Failure::refused(
            error,
            "offers and vouchers need none; see `minor_until` and birthday in `besace profile show`",
        ),
        StepError::GrantOver | StepError::Beyond(_) => {
            Failure::refused(error, "see what you gave with `besace consent list`")
        }
        StepError::NoticeMissing => {
            Failure::refused(error, "fetch it with `besace retailer refresh`")
        }
        StepError::Manifest(_)
        | StepError::OtherLog
        | StepError::Document(_)
        | StepError::Signature(_)
        | StepError::Catalogue(_)
        | StepError::Proof
        | StepError::Notice(_)
        | StepError::Erasure(_)
        | StepError::Answer
        | StepError::AnswerForm(_) => Failure::refused_because(
            error,
            "nothing was accepted; if it happens again, do not trust this retailer",
        ),
        StepError::Contradiction => Failure::refused_because(
            error,
            "nothing was accepted; do not trust this retailer: see `besace retailer list`",
        ),
        StepError::Uncompared => Failure::could_not(
            error,
            "try again later; nothing was accepted, and nothing is told to this retailer until then",
        ),
        StepError::Unwitnessed => Failure::could_not(
            error,
            "try again later; nothing was accepted; whom you ask for is in the file of --witnesses",
        ),
        StepError::Nobody => Failure::refused(
            error,
            "there is nobody to leave; see whom you have met with `besace retailer list`",
        ),
        StepError::NotYet { from } => Failure::refused(
            format_args!("{error} before {} UTC", moment(*from)),
            "wait until then; nothing of yours is told to it meanwhile",
        ),
        StepError::TooSoon { from } => Failure::refused(
            format_args!("{error}: who begins again and again is known by it"),
            format_args!(
                "it will be possible from {} UTC; to stop everything now: `besace consent withdraw`",
                moment(*from)
            ),
        ),
        StepError::Outbox(_) => Failure::could_not(
            error,
            "look at the disk; what could not leave stays in the vault, and is said when it is open",
        ),
        StepError::Make => Failure::could_not(error, "nothing was sent; try again"),
    }
}
