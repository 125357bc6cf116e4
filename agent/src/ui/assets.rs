//! Style sheet and icon, compiled in. Their addresses carry a digest, so that a browser may keep them
//! for ever and a new build is seen at once.

use std::sync::LazyLock;

use besace_protocol::crypto::sha256;

/// A file that holds nothing about anybody.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    /// Its content.
    pub bytes: &'static [u8],
    /// Its media type.
    pub media_type: &'static str,
}

static STYLESHEET: LazyLock<String> = LazyLock::new(|| address("besace", "css", STYLESHEET_BYTES));
static ICON: LazyLock<String> = LazyLock::new(|| address("besace", "svg", ICON_BYTES));
const STYLESHEET_TEXT: &str = include_str!("../../assets/besace.css");
const STYLESHEET_BYTES: &[u8] = STYLESHEET_TEXT.as_bytes();
const ICON_BYTES: &[u8] = include_bytes!("../../assets/besace.svg");

/// Address of the style sheet.
pub fn stylesheet_path() -> &'static str {
    &STYLESHEET
}

/// The style sheet itself, for a page that stands alone.
pub const fn stylesheet() -> &'static str {
    STYLESHEET_TEXT
}

/// Address of the icon.
pub fn icon_path() -> &'static str {
    &ICON
}

/// The asset at this address, if it is one of this build.
pub fn find(path: &str) -> Option<Asset> {
    if path == stylesheet_path() {
        Some(Asset { bytes: STYLESHEET_BYTES, media_type: "text/css; charset=utf-8" })
    } else if path == icon_path() {
        Some(Asset { bytes: ICON_BYTES, media_type: "image/svg+xml" })
    } else {
        None
    }
}

/// `/assets/name-<16 hexadecimal digits of SHA-256>.extension`.
fn address(name: &str, extension: &str, bytes: &[u8]) -> String {
    let digest = sha256(&[bytes]);
    let short = hex::encode(digest.as_bytes().get(..8).unwrap_or_default());
    format!("/assets/{name}-{short}.{extension}")
}
