//! The command line.

mod fetch;

use std::{
    error::Error,
    ffi::OsString,
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use besace_protocol::{
    audit::{Assertion, Finding, Gap, PinnedWitnesses, Policy, Report, Verdict},
    time::Timestamp,
};
use clap::Parser;

use crate::{Language, ReadBundleError, audit_folder, to_html, to_json, to_text};

/// Verifies a bundle of Besace consent evidence, from files alone.
///
/// Exit status: 0 everything asserted holds, 1 something does not, 2 it could not be checked.
#[derive(Debug, Parser)]
#[command(
    name = "besace-audit",
    version,
    after_help = "`besace-audit fetch https://DOMAIN`: getting a retailer's public log, and judging it."
)]
struct Arguments {
    /// Folder of the bundle.
    bundle: PathBuf,
    /// Your own file: pinned keys, heads of earlier visits, deadlines.
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    #[command(flatten)]
    telling: Telling,
}

/// By what else a bundle is judged, and how that is told.
#[derive(Debug, clap::Args)]
struct Telling {
    /// Witnesses of retailers' logs, and how many of whom are enough (C2SP tlog-policy): instead of those of the policy.
    #[arg(long, value_name = "FILE")]
    witnesses: Option<PathBuf>,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
    /// Write the report to this file too, as one page for a browser.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Language of that page.
    #[arg(long, value_enum, default_value_t, requires = "html")]
    lang: Language,
    /// If everything holds, write the policy with today's heads to this file, for the next visit.
    #[arg(long, value_name = "FILE")]
    remember: Option<PathBuf>,
}

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Everything asserted holds.
    Holds,
    /// Something does not.
    Findings,
    /// It could not be checked.
    NotChecked,
}

impl Exit {
    /// The exit status.
    pub const fn code(self) -> u8 {
        match self {
            Self::Holds => 0,
            Self::Findings => 1,
            Self::NotChecked => 2,
        }
    }
}

/// How the program ends after `report`.
pub const fn exit_of(report: &Report) -> Exit {
    match report.verdict {
        Verdict::Holds => Exit::Holds,
        Verdict::Findings => Exit::Findings,
        Verdict::NotChecked => Exit::NotChecked,
    }
}

/// Runs the program: the first of `arguments` is its name. `now` counts unless the policy says when.
pub fn run(
    arguments: impl IntoIterator<Item = OsString>,
    now: Timestamp,
    out: &mut impl Write,
    err: &mut impl Write,
) -> Exit {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let fetches = arguments.get(1).is_some_and(|first| first == "fetch");
    let parsed = if fetches {
        let rest = arguments.into_iter().skip(1);
        fetch::Arguments::try_parse_from(rest).map(Asked::Fetch)
    } else {
        Arguments::try_parse_from(arguments).map(Asked::Audit)
    };
    let asked = match parsed {
        Ok(asked) => asked,
        Err(error) if error.use_stderr() => {
            let _unread = write!(err, "{error}");
            return Exit::NotChecked;
        }
        Err(help) => {
            let _unread = write!(out, "{help}");
            return Exit::Holds;
        }
    };
    let answered = match asked {
        Asked::Audit(arguments) => answer(&arguments, now, out),
        Asked::Fetch(arguments) => fetch::answer(&arguments, now, out, err),
    };
    match answered {
        Ok(exit) => exit,
        Err(Failure { what, advice }) => {
            let _unread = writeln!(err, "besace-audit: {}\n{advice}", chain(what.as_ref()));
            Exit::NotChecked
        }
    }
}

/// What the program is asked for.
enum Asked {
    Audit(Arguments),
    Fetch(fetch::Arguments),
}

/// One line that says what failed, one that says what to do.
struct Failure {
    what: Box<dyn Error>,
    advice: &'static str,
}

fn advise<E: Error + 'static>(advice: &'static str) -> impl FnOnce(E) -> Failure {
    move |error| Failure { what: Box::new(error), advice }
}

fn read_policy(file: &Path) -> Result<Policy, Failure> {
    let policy = fs::read(file)
        .map_err(advise("give --policy a file of your own, as spec/audit.md describes it"))?;
    Policy::parse(&policy).map_err(advise("compare the policy with the example of spec/audit.md"))
}

fn answer(arguments: &Arguments, now: Timestamp, out: &mut impl Write) -> Result<Exit, Failure> {
    let Arguments { bundle, policy, telling } = arguments;
    let policy = telling.witnessed(read_policy(policy)?)?;
    judge(bundle, &policy, telling, now, Vec::new(), out)
}

impl Telling {
    /// The policy with the witnesses that were named instead of its own.
    fn witnessed(&self, policy: Policy) -> Result<Policy, Failure> {
        let Some(file) = &self.witnesses else { return Ok(policy) };
        let advice = "give --witnesses a policy of witnesses, as spec/witness.md describes it";
        let text = fs::read(file).map_err(advise(advice))?;
        let witnesses = Some(PinnedWitnesses::parse(&text).map_err(advise(advice))?);
        Ok(Policy { witnesses, ..policy })
    }
}

/// Judges what lies in a folder; `missed` is what only its fetching could show.
fn judge(
    bundle: &Path,
    policy: &Policy,
    arguments: &Telling,
    now: Timestamp,
    missed: Vec<Finding>,
    out: &mut impl Write,
) -> Result<Exit, Failure> {
    let mut report = audit_folder(bundle, policy, now).map_err(|error| {
        let advice = match &error {
            ReadBundleError::Unfinished { .. } => "fetch into it again, or into another folder",
            _ => "give the folder of a bundle: files and folders only, no links",
        };
        advise(advice)(error)
    })?;
    if !missed.is_empty() {
        if missed.iter().any(|finding| finding.assertion == Assertion::L2) {
            // The folder alone says that the file is not there, and not why.
            report.not_checked.retain(|gap| !matches!(gap, Gap::NotCosigned { .. }));
        }
        report.held.retain(|held| missed.iter().all(|found| found.assertion != held.assertion));
        report.findings.splice(0..0, missed);
        report.findings.sort_by_key(|found| found.severity);
        report.verdict = Verdict::Findings;
    }
    let text = if arguments.json {
        to_json(&report).map_err(advise("report this as a bug"))?
    } else {
        to_text(&report)
    };
    out.write_all(text.as_bytes()).map_err(advise("make room where the report goes"))?;
    if let Some(file) = &arguments.html {
        fs::write(file, to_html(&report, arguments.lang))
            .map_err(advise("choose another file for --html"))?;
    }
    if let (Some(file), Exit::Holds) = (&arguments.remember, exit_of(&report)) {
        let policy = policy.remembering(&report).to_bytes();
        let policy = policy.map_err(advise("report this as a bug"))?;
        fs::write(file, policy).map_err(advise("choose another file for --remember"))?;
    }
    Ok(exit_of(&report))
}

/// The sentence of an error and of its causes.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}
