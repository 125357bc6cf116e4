//! Bodies that let themselves be waited for, through the whole application.

use std::time::Duration;

use super::*;

/// No patience at all: whatever is waited for is late.
const NONE: body::Patience = body::Patience { whole: Duration::ZERO, piece: Duration::ZERO };

#[actix_web::test]
async fn a_form_that_never_ends_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    let house = waiting(VaultFolder::new(folder.path()), None, NONE);
    for path in ["/start", "/unlock", "/unlock/kit", "/language"] {
        let answer = send_stalling(&house, post(path, ""), "code=").await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{path}");
    }
    let whole = send(&house, post("/start", "code=00000000")).await;
    assert_eq!(whole.status(), StatusCode::FORBIDDEN, "what is there is not waited for");
}

#[test]
fn a_form_has_twenty_seconds_and_a_piece_of_a_file_a_minute() {
    let page = include_str!("../../../../spec/http.md");
    let body::Patience { whole, piece } = body::Patience::default();
    let said = format!("a body {}", whole.as_secs());
    let of_files = format!("each piece of one {}", piece.as_secs());
    assert!(page.contains(&said) && page.contains(&of_files), "{said}, {of_files}");
}
