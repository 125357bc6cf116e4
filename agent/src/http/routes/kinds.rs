//! What there is to say of an address: its method, who calls, what it takes and gives.

use besace_protocol::{mandate::DELEGATE_CALL_LEN_MAX, wire::JWS_MEDIA_TYPE};

use crate::http::BODY_LEN_MAX;

/// The media type of forms with files (RFC 7578).
pub(super) const MULTIPART: &str = "multipart/form-data";

/// A method that some address takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Changes something.
    Post,
}

impl Method {
    /// As it stands in a request.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// Who may call an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Whoever can reach it from a page of ours.
    Everybody,
    /// She, in a browser where she showed the passphrase, while the vault is open.
    Owner,
    /// Whoever typed the code that the program showed, in this browser, while there is no vault.
    Claimant,
    /// A telephone or another device of hers, with a name and a password of its own.
    Device,
    /// Who has a mandate of hers, and signs each call.
    Delegate,
}

/// The body that an address takes.
#[derive(Clone, Copy, Debug)]
pub struct Takes {
    /// Its media type.
    pub media_type: &'static str,
    /// Its longest, in bytes.
    pub len_max: usize,
    /// What it is, in `schemas.json`.
    pub schema: &'static str,
    /// Whether nothing at all will do, too.
    pub or_nothing: bool,
}

impl Takes {
    /// The fields of a form of ours.
    pub(super) const fn form(schema: &'static str) -> Self {
        let media_type = "application/x-www-form-urlencoded";
        Self { media_type, len_max: BODY_LEN_MAX, schema, or_nothing: false }
    }

    /// Files from a form of ours.
    pub(super) const fn files(schema: &'static str, len_max: usize) -> Self {
        Self { media_type: MULTIPART, len_max, schema, or_nothing: false }
    }

    /// What devices send.
    pub(super) const fn json(schema: &'static str, len_max: usize) -> Self {
        Self { media_type: "application/json", len_max, schema, or_nothing: false }
    }

    /// What a delegate signs.
    pub(super) const fn call() -> Self {
        let (media_type, schema) = (JWS_MEDIA_TYPE, "DelegateCall");
        Self { media_type, len_max: DELEGATE_CALL_LEN_MAX, schema, or_nothing: false }
    }

    /// Which may be empty: an app asks whether somebody is there.
    pub(super) const fn or_nothing(self) -> Self {
        Self { or_nothing: true, ..self }
    }
}

/// What an address answers.
#[derive(Clone, Copy, Debug)]
pub enum Gives {
    /// A page.
    Page,
    /// Where to look now.
    SeeOther,
    /// A file of the pages: style, pictures.
    Asset,
    /// A file to be kept.
    File,
    /// JSON, as `schemas.json` has it under this name.
    Json(&'static str),
}
