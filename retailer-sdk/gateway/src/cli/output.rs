//! The only place that prints.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what a command says is its answer")]

/// One line of an answer.
pub(super) fn line(text: &str) {
    println!("{text}");
}

/// What failed, and what to do: two lines.
pub(super) fn failure(what: &str, advice: &str) {
    eprintln!("besace-gateway: {what}");
    eprintln!("{advice}");
}
