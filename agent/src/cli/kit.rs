//! `besace kit`: the spare of her key, on paper.

use std::{
    fmt::Write as _,
    io::{IsTerminal as _, Write as _},
    path::{Path, PathBuf},
};

use besace_protocol::lang::Language;
use jiff::tz::TimeZone;
use serde_json::json;

use super::{Session, key, output::Failure};
use crate::{
    engine::Engine,
    file::new_file,
    keyring::{RecoveryKit, Secret},
    ui::{kit, voice::Voice},
};

/// Said wherever somebody might rest on one key alone.
pub(super) const BOTH_LOST: &str =
    "If passphrase and kit are both lost, nobody can open the vault again, not even us.";

/// Clears the terminal and what it scrolled away.
const WIPE: &str = "\u{1b}[2J\u{1b}[3J\u{1b}[H";

/// How often the words may be typed back at once.
const TRIES: usize = 5;

/// Commands of `besace kit`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Make a kit: fifteen words that open the vault when the passphrase is lost.
    Make {
        /// Write a page to be printed here, instead of showing the words; it must not be there yet.
        #[arg(long, value_name = "FILE.html")]
        page: Option<PathBuf>,
        /// The words in French (fr) or English (en) [default: that of your terminal].
        #[arg(long, value_name = "LANGUAGE")]
        language: Option<String>,
    },
    /// Type the words back: from then on the kit counts.
    Confirm(WordsArguments),
    /// Write the page of a kit again, from its words.
    Print {
        /// The page; it must not be there yet.
        #[arg(value_name = "FILE.html")]
        page: PathBuf,
        /// The words in French (fr) or English (en) [default: that of your terminal].
        #[arg(long, value_name = "LANGUAGE")]
        language: Option<String>,
        #[command(flatten)]
        words: WordsArguments,
    },
}

/// Where the words of a kit come from.
#[derive(Debug, clap::Args)]
pub(super) struct WordsArguments {
    /// File with the words of the kit; else `BESACE_KIT`, else you are asked.
    #[arg(long, value_name = "FILE")]
    pub(super) kit_file: Option<PathBuf>,
}

pub(super) fn run(session: &mut Session<'_, '_>, command: &Command) -> Result<(), Failure> {
    match command {
        Command::Make { page, language } => {
            session.unlocked()?;
            make(session, page.as_deref(), language.as_deref())
        }
        Command::Confirm(words) => {
            let kit = read(session, words)?;
            confirm(session, &kit)
        }
        Command::Print { page, language, words } => {
            let kit = read(session, words)?;
            let engine = session.engine.clone();
            engine.check_key(Secret::Kit(&kit)).map_err(|error| key::shown(&error, session))?;
            write_page(&engine, &kit, page, speak(language.as_deref())?)?;
            said_page(session, page)
        }
    }
}

/// Makes a kit in the vault that is open; where a person sits, she types it back at once.
pub(super) fn make(
    session: &mut Session<'_, '_>,
    page: Option<&Path>,
    language: Option<&str>,
) -> Result<(), Failure> {
    let language = speak(language)?;
    let engine = session.engine.clone();
    let kit = engine.make_kit().map_err(key::failure)?;
    if let Some(page) = page {
        write_page(&engine, &kit, page, language)?;
        said_page(session, page)?;
    } else {
        let words = kit.words(language);
        let shown = words.iter().zip(1_usize..).fold(String::new(), |mut text, (word, number)| {
            let end = if number.is_multiple_of(5) { '\n' } else { ' ' };
            let _infallible = write!(text, "{number:>3}. {word:<9}{end}");
            text
        });
        session.output.line(
            &json!({"words": *words}),
            &format!(
                "{shown}\nThese words are the spare of your key. Write them down or print them, and keep \
                 them away from home: whoever finds them can open the vault.\n{BOTH_LOST}"
            ),
        )?;
    }
    if !is_attended(session) {
        return session.output.note("It counts once you type it back: besace kit confirm");
    }
    session
        .output
        .ask("When the words are on paper, press Enter: they will be wiped from here. ")?;
    session.output.note(WIPE)?;
    for _ in 0..TRIES {
        let typed = session.output.ask("Type the fifteen words back: ")?;
        session.output.note(WIPE)?;
        match RecoveryKit::parse(&typed) {
            Ok(typed) => match engine.prove_kit(&typed) {
                Ok(()) => return proven(session),
                Err(error) => session.output.note(&error.to_string())?,
            },
            Err(error) => session.output.note(&error.to_string())?,
        }
    }
    Err(Failure::refused(
        "the words were not typed back, so nothing rests on this kit",
        "find your paper and say `besace kit confirm`, or make another with `besace kit make`",
    ))
}

/// Whether a person sits there: what she must do at once is asked of her only then.
pub(super) fn is_attended(session: &Session<'_, '_>) -> bool {
    !session.output.is_json() && std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

fn confirm(session: &mut Session<'_, '_>, kit: &RecoveryKit) -> Result<(), Failure> {
    let engine = session.engine.clone();
    engine.unlock_with(Secret::Kit(kit)).map_err(|error| key::shown(&error, session))?;
    engine.prove_kit(kit).map_err(key::failure)?;
    proven(session)
}

fn proven(session: &mut Session<'_, '_>) -> Result<(), Failure> {
    session.output.line(
        &json!({"proven": true}),
        &format!("It is proven: this kit opens the vault. Keep it away from home.\n{BOTH_LOST}"),
    )
}

/// The words, from wherever they come.
pub(super) fn read(
    session: &mut Session<'_, '_>,
    arguments: &WordsArguments,
) -> Result<RecoveryKit, Failure> {
    let text = match &arguments.kit_file {
        Some(path) => super::passphrase::read_file(path, "check --kit-file")?,
        None => match std::env::var("BESACE_KIT") {
            Ok(text) => zeroize::Zeroizing::new(text),
            Err(_) => session.output.ask("The fifteen words of the kit: ")?,
        },
    };
    RecoveryKit::parse(&text)
        .map_err(|error| Failure::refused(error, "compare them with your paper, word by word"))
}

/// French or English.
fn speak(named: Option<&str>) -> Result<Language, Failure> {
    if let Some(name) = named {
        return Language::parse(name)
            .map_err(|_| Failure::refused("there is no such list of words", "write fr or en"));
    }
    let of_the_terminal = std::env::var("LANG").unwrap_or_default();
    Ok(if of_the_terminal.starts_with("fr") { Language::Fr } else { Language::En })
}

fn write_page(
    engine: &Engine,
    kit: &RecoveryKit,
    path: &Path,
    language: Language,
) -> Result<(), Failure> {
    const REMEDY: &str = "name a file that is not there yet, in a folder you may write to";
    let keys = engine.keys().map_err(|error| Failure::could_not(&error, "look at the folder"))?;
    let voice = Voice::new(language, TimeZone::UTC);
    let html = kit::sheet(&voice, kit, keys.vault, engine.now())
        .and_then(|sheet| kit::document(&voice, &sheet))
        .map_err(|error| Failure::could_not(&error, "try again"))?;
    let written = new_file(path).and_then(|mut file| {
        file.write_all(html.as_bytes())?;
        file.sync_all()
    });
    written.map_err(|error| {
        Failure::refused(format!("{} could not be written: {error}", path.display()), REMEDY)
    })
}

fn said_page(session: &mut Session<'_, '_>, page: &Path) -> Result<(), Failure> {
    let page = page.display().to_string();
    session.output.line(
        &json!({"page": page}),
        &format!(
            "The kit is in {page}. Print it, then delete the file: whoever reads it can open the vault."
        ),
    )
}
