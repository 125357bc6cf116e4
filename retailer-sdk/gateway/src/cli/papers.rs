//! `papers`: for a privacy officer. `spec/papers.md`.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use besace_protocol::time::Timestamp;
use besace_retailer::Retailer;
use clap::Args;

use super::output;
use crate::{
    config::Config,
    papers::{Facts, Lang, write},
};

#[derive(Debug, Args)]
pub(super) struct PapersArguments {
    /// Their language: fr or en.
    #[arg(long, default_value_t = Lang::Fr)]
    lang: Lang,
    /// The folder: a new one.
    #[arg(long)]
    out: PathBuf,
    /// As of when, in seconds since 1970; now if left out.
    #[arg(long)]
    time: Option<u64>,
}

/// Writes them file by file; nothing that is there already is touched.
pub(super) fn papers(
    folder: &Path,
    retailer: &Retailer,
    arguments: &PapersArguments,
    now: Timestamp,
) -> anyhow::Result<()> {
    let now = arguments.time.map_or(now, Timestamp::from_unix_seconds);
    let config = Config::read(folder)?;
    let witnesses = Config::read_witnesses(folder)?;
    let facts = Facts::read(retailer, &config, witnesses.as_ref(), now)?;
    let papers = write(&facts, arguments.lang)?;
    let to = &arguments.out;
    fs::create_dir(to).with_context(|| format!("cannot make {}", to.display()))?;
    for paper in &papers.files {
        // Of whoever asked for them alone: the desk names grants.
        private(&to.join(&paper.name))?.write_all(paper.text.as_bytes())?;
        output::line(&paper.name);
    }
    output::line(&match (arguments.lang, papers.gaps) {
        (Lang::Fr, 0) => "rien à compléter".to_owned(),
        (Lang::Fr, gaps) => format!("{gaps} à compléter"),
        (Lang::En, 0) => "nothing to be completed".to_owned(),
        (Lang::En, gaps) => format!("{gaps} to be completed"),
    });
    Ok(())
}

#[cfg(unix)]
fn private(path: &Path) -> std::io::Result<fs::File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn private(path: &Path) -> std::io::Result<fs::File> {
    fs::OpenOptions::new().write(true).create_new(true).open(path)
}
