//! What there is to say of an address: its method, who calls, what it takes and gives.

use besace_retailer::ShopScope;

use crate::http::body::Form;

/// A method that some address takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Changes something, or asks with a signature.
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
    /// Whoever can reach it; nobody is asked who it is.
    Everybody,
    /// The pseudonym that signed the call in the body.
    Subject,
    /// Whoever shows a shop key with this scope.
    Shop(ShopScope),
}

/// The body that an address takes.
#[derive(Clone, Copy, Debug)]
pub struct Takes {
    /// Its one media type.
    pub media_type: &'static str,
    /// Its longest, in bytes.
    pub len_max: usize,
    /// What it is, in `schemas.json`; of a call, its `body` member.
    pub schema: &'static str,
}

impl Takes {
    pub(super) const fn of<F: Form>(schema: &'static str) -> Self {
        Self { media_type: F::MEDIA_TYPE, len_max: F::LEN_MAX, schema }
    }
}

/// What an address answers.
#[derive(Clone, Copy, Debug)]
pub enum Gives {
    /// JSON, as `schemas.json` has it under this name.
    Json(&'static str),
    /// Text for people or for other programs.
    Text,
    /// Bytes.
    Bytes,
}
