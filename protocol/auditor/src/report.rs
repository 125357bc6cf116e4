//! Reports for people and for programs. What could not be checked stands first.

use std::fmt::{Display, Write as _};

use besace_protocol::audit::{Report, Unasserted, Verdict};
use serde::Serialize;

/// The report as text. The last line says what it comes to.
pub fn to_text(report: &Report) -> String {
    let mut text = String::new();
    section(&mut text, "Could not be checked", &report.not_checked);
    let told = report.findings.iter().map(ToString::to_string);
    let counted = report.more.iter().map(ToString::to_string);
    section(&mut text, "Does not hold", &told.chain(counted).collect::<Vec<_>>());
    let held = report.held.iter().map(|held| {
        format!("{} {} ({} checked)", held.assertion.id(), held.assertion.says(), held.checked)
    });
    section(&mut text, "Holds", &held.collect::<Vec<_>>());
    let beyond =
        Unasserted::ALL.iter().map(|one| format!("{} {}: {}", one.id(), one.says(), one.lacks()));
    section(&mut text, "No log shows", &beyond.collect::<Vec<_>>());
    let logs = report
        .logs
        .iter()
        .map(|log| format!("{}: {} entries, {} opened and read", log.origin, log.size, log.opened));
    section(&mut text, "Logs", &logs.collect::<Vec<_>>());
    let _infallible = match (report.verdict, report.count()) {
        (Verdict::Holds, _) => write!(text, "Everything that was asserted holds."),
        (Verdict::NotChecked, _) => {
            write!(text, "Nothing was found, but not all of the evidence could be checked.")
        }
        (Verdict::Findings, 1) => write!(text, "1 finding."),
        (Verdict::Findings, count) => write!(text, "{count} findings."),
    };
    text.push('\n');
    text
}

/// Who says it: the program and its version.
pub(crate) const VERIFIER: &str = concat!("besace-audit ", env!("CARGO_PKG_VERSION"));

#[derive(Serialize)]
struct Told<'a> {
    verifier: &'static str,
    #[serde(flatten)]
    report: &'a Report,
    not_asserted: &'static [Unasserted],
}

/// The report as one JSON object: `verifier`, `verdict`, `not_checked`, `findings`, `more`, `held`, `logs`,
/// `not_asserted`.
pub fn to_json(report: &Report) -> Result<String, serde_json::Error> {
    let told = Told { verifier: VERIFIER, report, not_asserted: Unasserted::ALL };
    let mut text = serde_json::to_string_pretty(&told)?;
    text.push('\n');
    Ok(text)
}

fn section(text: &mut String, title: &str, lines: &[impl Display]) {
    if lines.is_empty() {
        return;
    }
    // Writing to a String cannot fail.
    let _infallible = writeln!(text, "{title}");
    for line in lines {
        let _infallible = writeln!(text, "  {line}");
    }
    text.push('\n');
}
