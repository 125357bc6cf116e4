//! What did not work, as the caller reads it: a page for a person, a problem (RFC 9457) for a
//! program. The only place where status codes are chosen.

use std::fmt;

use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder, ResponseError,
    error::{PayloadError, UrlencodedError},
    http::{StatusCode, header},
};
use askama::Template as _;
use besace_protocol::{
    problem::{Problem, ProblemType},
    wire::PROBLEM_MEDIA_TYPE,
};

use super::speaker::Speaker;
use crate::{
    engine::{
        AdmitDeviceError, EngineError, HearDeviceError, StepError, TakeReportError, TillError,
    },
    exchange::ExchangeError,
    sealed::KeepLetterError,
    ui::page::{Frame, ProblemPage},
    vault::{is_for_room, is_read_only},
};

/// A request that was not carried out. Carries what the caller may know, and nothing else.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Refusal(ProblemType);

impl Refusal {
    pub(super) const FOREIGN: Self = Self(ProblemType::ForeignOrigin);
    pub(super) const LOCKED: Self = Self(ProblemType::Locked);
    pub(super) const MACHINE: Self = Self(ProblemType::Internal);
    pub(super) const MALFORMED: Self = Self(ProblemType::Malformed);
    pub(super) const METHOD: Self = Self(ProblemType::MethodNotAllowed);
    pub(super) const NO_ROOM: Self = Self(ProblemType::NoRoom);
    pub(super) const NOT_FOUND: Self = Self(ProblemType::NotFound);
    pub(super) const TOO_FAST: Self = Self(ProblemType::TooFast);
    pub(super) const TOO_LARGE: Self = Self(ProblemType::TooLarge);
    pub(super) const UNAUTHORIZED: Self = Self(ProblemType::Unauthorized);

    pub(super) const MEDIA_TYPE: Self = Self(ProblemType::MediaType);

    /// The answer with this problem.
    pub(super) const fn of(problem: ProblemType) -> Self {
        Self(problem)
    }

    /// Why a form was not read.
    pub(super) const fn from_form(error: &UrlencodedError) -> Self {
        match error {
            UrlencodedError::Overflow { .. } => Self::TOO_LARGE,
            UrlencodedError::ContentType => Self::MEDIA_TYPE,
            UrlencodedError::Payload(error) => Self::from_body(error),
            _ => Self::MALFORMED,
        }
    }

    /// Why a body was not read to its end.
    pub(super) const fn from_body(error: &PayloadError) -> Self {
        match error {
            PayloadError::Overflow => Self::TOO_LARGE,
            _ => Self::MALFORMED,
        }
    }

    /// Whatever made a handler or a parser give up.
    pub(super) fn from_error(error: &actix_web::Error) -> Self {
        if let Some(refusal) = error.as_error::<Self>() {
            return *refusal;
        }
        match error.as_response_error().status_code() {
            StatusCode::NOT_FOUND => Self::NOT_FOUND,
            StatusCode::METHOD_NOT_ALLOWED => Self::METHOD,
            StatusCode::PAYLOAD_TOO_LARGE => Self::TOO_LARGE,
            status if status.is_client_error() => Self::MALFORMED,
            _ => Self::MACHINE,
        }
    }

    /// The status of each problem this program answers with.
    pub(super) const fn status(self) -> StatusCode {
        match self.0 {
            ProblemType::Malformed | ProblemType::UnknownField => StatusCode::BAD_REQUEST,
            ProblemType::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            ProblemType::SignatureInvalid | ProblemType::ClockSkew | ProblemType::Unauthorized => {
                StatusCode::UNAUTHORIZED
            }
            ProblemType::WrongController
            | ProblemType::GrantExpired
            | ProblemType::GrantWithdrawn
            | ProblemType::GrantScope
            | ProblemType::RelaySuspected
            | ProblemType::ChallengeExpired
            | ProblemType::DebitNeeded
            | ProblemType::Forbidden
            | ProblemType::ForeignOrigin
            | ProblemType::ProofMissing
            | ProblemType::Superseded => StatusCode::FORBIDDEN,
            ProblemType::GrantMissing
            | ProblemType::RequestUnknown
            | ProblemType::NegotiationMissing
            | ProblemType::Unresolved
            | ProblemType::NotFound => StatusCode::NOT_FOUND,
            ProblemType::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            ProblemType::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            ProblemType::Replayed
            | ProblemType::GrantConflict
            | ProblemType::ContinuationConflict
            | ProblemType::AlreadySettled
            | ProblemType::AlreadyIssued
            | ProblemType::AlreadyRedeemed
            | ProblemType::HoldExpired
            | ProblemType::InProgress => StatusCode::CONFLICT,
            ProblemType::VoucherInvalid
            | ProblemType::VoucherExpired
            | ProblemType::BasketRulesNotMet
            | ProblemType::IdempotencyMismatch => StatusCode::UNPROCESSABLE_ENTITY,
            ProblemType::Locked => StatusCode::LOCKED,
            ProblemType::TooFast => StatusCode::TOO_MANY_REQUESTS,
            ProblemType::LogUnavailable
            | ProblemType::WentBack
            | ProblemType::Damaged
            | ProblemType::ClockInDoubt
            | ProblemType::Unmarked => StatusCode::SERVICE_UNAVAILABLE,
            ProblemType::NoRoom => StatusCode::INSUFFICIENT_STORAGE,
            ProblemType::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The sentence a person reads.
    fn sentence(self, speaker: &Speaker) -> String {
        let voice = speaker.voice();
        match self.0 {
            ProblemType::NotFound | ProblemType::Unresolved => voice.say("problem-not-found"),
            ProblemType::MethodNotAllowed => voice.say("problem-method"),
            ProblemType::ForeignOrigin | ProblemType::Forbidden => voice.say("problem-foreign"),
            ProblemType::TooLarge => voice.say("problem-too-large"),
            ProblemType::TooFast => voice.say("problem-too-fast"),
            ProblemType::Internal | ProblemType::LogUnavailable => voice.say("problem-machine"),
            ProblemType::WentBack => voice.say("problem-went-back"),
            ProblemType::Damaged => voice.say("problem-damaged"),
            ProblemType::NoRoom => voice.say("problem-no-room"),
            ProblemType::ClockInDoubt => voice.say("problem-clock"),
            ProblemType::Unmarked => voice.say("problem-unmarked"),
            ProblemType::GrantMissing
            | ProblemType::RequestUnknown
            | ProblemType::NegotiationMissing
            | ProblemType::GrantExpired
            | ProblemType::GrantWithdrawn
            | ProblemType::GrantConflict
            | ProblemType::Superseded
            | ProblemType::ContinuationConflict
            | ProblemType::ChallengeExpired
            | ProblemType::AlreadySettled
            | ProblemType::Replayed
            | ProblemType::AlreadyIssued
            | ProblemType::AlreadyRedeemed
            | ProblemType::HoldExpired
            | ProblemType::InProgress
            | ProblemType::VoucherExpired => voice.say("problem-gone"),
            ProblemType::Malformed
            | ProblemType::UnknownField
            | ProblemType::DebitNeeded
            | ProblemType::MediaType
            | ProblemType::SignatureInvalid
            | ProblemType::ClockSkew
            | ProblemType::WrongController
            | ProblemType::GrantScope
            | ProblemType::RelaySuspected
            | ProblemType::Unauthorized
            | ProblemType::Locked
            | ProblemType::ProofMissing
            | ProblemType::VoucherInvalid
            | ProblemType::BasketRulesNotMet
            | ProblemType::IdempotencyMismatch => voice.say("problem-malformed"),
        }
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.key())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.key())
    }
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        self.status()
    }
}

impl From<EngineError> for Refusal {
    #[deny(clippy::wildcard_enum_match_arm)]
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Locked => Self::LOCKED,
            EngineError::WentBack => Self(ProblemType::WentBack),
            EngineError::Damaged => Self(ProblemType::Damaged),
            EngineError::ClockInDoubt => Self(ProblemType::ClockInDoubt),
            EngineError::Unmarked(_) => Self(ProblemType::Unmarked),
            EngineError::NoRoom(_) | EngineError::ReadOnly => Self::NO_ROOM,
            EngineError::NotFound => Self::NOT_FOUND,
            EngineError::Profile(_) | EngineError::Card(_) | EngineError::Wish(_) => {
                Self::MALFORMED
            }
            EngineError::Identity(_) | EngineError::Vault(_) => Self::machine(&error),
        }
    }
}

impl From<StepError> for Refusal {
    #[deny(clippy::wildcard_enum_match_arm)]
    fn from(error: StepError) -> Self {
        match error {
            StepError::Engine(error) => error.into(),
            StepError::Stranger => Self::NOT_FOUND,
            StepError::RequestClosed
            | StepError::NoticeMissing
            | StepError::Paused
            | StepError::Mirror(_)
            | StepError::Minor
            | StepError::TooOften
            | StepError::Nobody
            | StepError::NotYet { .. }
            | StepError::TooSoon { .. } => Self(ProblemType::RequestUnknown),
            StepError::GrantOver => Self(ProblemType::GrantMissing),
            StepError::Beyond(_) => Self(ProblemType::GrantScope),
            StepError::Manifest(_)
            | StepError::OtherLog
            | StepError::Document(_)
            | StepError::Signature(_)
            | StepError::Catalogue(_)
            | StepError::Proof
            | StepError::Contradiction
            | StepError::Notice(_)
            | StepError::Erasure(_)
            | StepError::Uncompared
            | StepError::Unwitnessed
            | StepError::Answer
            | StepError::AnswerForm(_)
            | StepError::Make
            | StepError::Outbox(_) => Self::machine(&error),
        }
    }
}

impl From<AdmitDeviceError> for Refusal {
    #[deny(clippy::wildcard_enum_match_arm)]
    fn from(error: AdmitDeviceError) -> Self {
        match error {
            AdmitDeviceError::Stranger => Self::UNAUTHORIZED,
            AdmitDeviceError::TooFast { .. } => Self::TOO_FAST,
            AdmitDeviceError::Engine(error) => error.into(),
        }
    }
}

impl From<HearDeviceError> for Refusal {
    #[deny(clippy::wildcard_enum_match_arm)]
    fn from(error: HearDeviceError) -> Self {
        match error {
            HearDeviceError::Take(error) => error.into(),
            HearDeviceError::Admit(error) => error.into(),
            // The vault is locked, and this is not kept: the app sends it again, or another time.
            HearDeviceError::Keep(KeepLetterError::Full) => Self::LOCKED,
            HearDeviceError::Keep(KeepLetterError::Seal(_) | KeepLetterError::Io(_)) => {
                Self::machine(&error)
            }
        }
    }
}

impl From<TillError> for Refusal {
    #[deny(clippy::wildcard_enum_match_arm)]
    fn from(error: TillError) -> Self {
        match error {
            TillError::Step(error) => error.into(),
            TillError::Challenge(_) | TillError::Refused(_) => Self::MALFORMED,
            TillError::NotGranted => Self(ProblemType::GrantMissing),
            TillError::Clock => Self::machine(&error),
        }
    }
}

impl From<TakeReportError> for Refusal {
    #[deny(clippy::wildcard_enum_match_arm)]
    fn from(error: TakeReportError) -> Self {
        match error {
            TakeReportError::Report(reason) => {
                tracing::warn!(%reason, "a message of a device is refused");
                Self::MALFORMED
            }
            TakeReportError::Batch(reason) => {
                tracing::warn!(%reason, "a batch of a device is refused");
                Self::MALFORMED
            }
            TakeReportError::Clock => Self::MALFORMED,
            TakeReportError::Step(error) => error.into(),
        }
    }
}

impl From<ExchangeError> for Refusal {
    #[deny(clippy::wildcard_enum_match_arm)]
    fn from(error: ExchangeError) -> Self {
        match error {
            ExchangeError::Step(error) => error.into(),
            ExchangeError::Net(_) | ExchangeError::Broken => Self::machine(&error),
        }
    }
}

impl Refusal {
    /// A failure of this machine: the whole chain goes to the log, once, and none of it to the page; which says
    /// only that the disk takes no more, where that is why.
    pub(super) fn machine(error: &(dyn std::error::Error + 'static)) -> Self {
        let mut chain = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            chain.push_str(": ");
            chain.push_str(&cause.to_string());
            source = cause.source();
        }
        tracing::error!(chain, "a page could not be served");
        if is_for_room(error) || is_read_only(error) { Self::NO_ROOM } else { Self::MACHINE }
    }
}

/// Who reads the answer: a person in a language, or a program.
#[derive(Debug)]
pub(super) struct Asker {
    speaker: Speaker,
    is_person: bool,
}

impl Asker {
    /// A request that accepts HTML comes from a person's browser.
    pub(super) fn of(request: &HttpRequest) -> Self {
        let accept = request.headers().get(header::ACCEPT);
        let is_person = accept
            .and_then(|accept| accept.to_str().ok())
            .is_some_and(|accept| accept.contains("text/html"));
        Self { speaker: Speaker::of(request), is_person }
    }

    /// The answer to a request that was refused.
    pub(super) fn answer(&self, refusal: Refusal) -> HttpResponse {
        if !self.is_person {
            return problem(refusal);
        }
        if refusal == Refusal::LOCKED || refusal == Refusal::UNAUTHORIZED {
            return see_other("/unlock");
        }
        let voice = self.speaker.voice();
        let page = ProblemPage {
            frame: Frame::closed(voice, voice.say("problem-title")),
            sentence: refusal.sentence(&self.speaker),
            decide: refusal.0 == ProblemType::WentBack,
        };
        match page.render() {
            Ok(html) => html_answer(refusal.status(), html),
            Err(_) => problem(refusal),
        }
    }
}

/// A page with this status.
pub(super) fn html_answer(status: StatusCode, html: String) -> HttpResponse {
    HttpResponseBuilder::new(status).content_type("text/html; charset=utf-8").body(html)
}

/// "It is done; look there": the answer to a form.
pub(super) fn see_other(path: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, path)).finish()
}

fn problem(refusal: Refusal) -> HttpResponse {
    let status = refusal.status();
    let body = serde_json::to_vec(&Problem::new(refusal.0, status.as_u16())).unwrap_or_default();
    HttpResponseBuilder::new(status).content_type(PROBLEM_MEDIA_TYPE).body(body)
}

#[cfg(test)]
mod tests {
    use std::{error::Error, io};

    use rusqlite::ffi;

    use super::*;
    use crate::{
        backup::Trouble,
        engine::{BackupError, CreateError, RestoreError},
        export::ExportError,
        keyring::WriteFileError,
        restore::ReadBackupError,
        vault::{DumpError, LoadError, VaultError},
    };

    fn database(code: i32) -> rusqlite::Error {
        rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)
    }

    #[test]
    fn a_full_disk_is_told_as_one_wherever_it_was_met() {
        let file = || io::Error::from(io::ErrorKind::StorageFull);
        let load = || LoadError::Database(database(ffi::SQLITE_FULL));
        let dump = || ExportError::Dump(DumpError::Vault(database(ffi::SQLITE_FULL).into()));
        let vault = || EngineError::from(VaultError::from(database(ffi::SQLITE_IOERR_WRITE)));
        let full: [Box<dyn Error>; 10] = [
            Box::new(CreateError::Write(WriteFileError::Io(file()))),
            Box::new(CreateError::Io(io::ErrorKind::QuotaExceeded.into())),
            Box::new(RestoreError::Backup(ReadBackupError::Load(load()))),
            Box::new(RestoreError::Backup(ReadBackupError::Content(file()))),
            Box::new(RestoreError::Logs(StepError::Engine(vault()))),
            Box::new(BackupError::Export(dump())),
            Box::new(BackupError::Export(ExportError::Write(file()))),
            Box::new(ExportError::Engine(vault())),
            Box::new(CreateError::Io(io::ErrorKind::ReadOnlyFilesystem.into())),
            Box::new(LoadError::Database(database(ffi::SQLITE_READONLY))),
        ];
        for error in full {
            assert_eq!(Refusal::machine(&*error), Refusal::NO_ROOM, "{error:?}");
        }
        let other: [Box<dyn Error>; 3] = [
            Box::new(CreateError::Io(io::ErrorKind::NotFound.into())),
            Box::new(RestoreError::Backup(ReadBackupError::End)),
            Box::new(LoadError::Database(database(ffi::SQLITE_CONSTRAINT))),
        ];
        for error in other {
            assert_eq!(Refusal::machine(&*error), Refusal::MACHINE, "{error:?}");
        }
        for (error, trouble) in [
            (BackupError::Export(dump()), Trouble::Full),
            (BackupError::Unsound(ReadBackupError::Load(load())), Trouble::Full),
            (BackupError::Engine(vault()), Trouble::Full),
            (BackupError::WriteSlots(WriteFileError::Io(file())), Trouble::Full),
            (BackupError::Unsound(ReadBackupError::End), Trouble::Unsound),
            (BackupError::Io(io::ErrorKind::NotFound.into()), Trouble::Machine),
        ] {
            assert_eq!(error.trouble(), trouble, "{error:?}");
        }
    }

    #[test]
    fn each_problem_has_the_status_that_the_specification_gives_it() {
        let page = include_str!("../../../spec/http.md");
        for problem in ProblemType::ALL {
            let status = Refusal(*problem).status().as_u16();
            let row = format!("| `{}` | {status} | ", problem.key());
            assert!(page.lines().any(|line| line.starts_with(&row)), "{row}");
        }
    }
}
