//! `restore`: a store went back in time, and nothing newer is left. `spec/restoration.md`.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context as _;
use besace_protocol::audit::Bundle;
use besace_retailer::{LostRetailer, MarkError, SqliteStore};
use clap::Args;

use super::{output, same_domain};
use crate::{
    clock::{Clock as _, SystemClock},
    config::{Config, read_bytes},
    entropy::{Rng, SystemEntropy},
};

#[derive(Debug, Args)]
pub(super) struct RestoreArguments {
    /// The last head of the log that somebody has, as it was signed: a witness, an auditor, a shopper.
    #[arg(long)]
    head: Option<PathBuf>,
    /// Say that entries are lost, where neither the mark nor a head shows it.
    #[arg(long)]
    lost: bool,
    /// Folder for the evidence of the log that is left: a new or an empty one. It holds the proof of consent for as long as
    /// the law wants it, and nothing else does from then on.
    #[arg(long)]
    archive: PathBuf,
}

/// Ends every grant, and begins the next log.
pub(super) fn restore(
    folder: &Path,
    marks: Option<&Path>,
    arguments: &RestoreArguments,
) -> anyhow::Result<()> {
    let config = Config::read(folder)?;
    let gave = arguments.head.as_deref().map(read_bytes).transpose()?;
    let mut store = SqliteStore::open(&folder.join(Config::STORE))?;
    match marks.map(|marks| store.keep_mark(marks)) {
        // The mark decides below; what cannot be read or written would have to be, afterwards.
        Some(Err(MarkError::WentBack { .. } | MarkError::Left { .. })) | None => {}
        Some(kept) => kept?,
    }
    if marks.is_none() {
        output::failure(
            "there is no place for a mark, so nobody notices when the store is put back",
            "name a folder: BESACE_GATEWAY_MARKS",
        );
    }
    let copy = LostRetailer::open(store)?;
    same_domain(copy.retailer(), &config)?;
    let last = copy.last_known(marks, gave.as_deref(), arguments.lost)?;
    write_archive(&copy.audit_bundle()?, &arguments.archive)?;
    let (_, grants) = copy.retailer().count_grants()?;
    let (size, kept, number) = (last.size(), last.kept(), last.number().get());
    let mut rng = Rng::new(Arc::new(SystemEntropy));
    let retailer = copy.begin_next_log(last, marks, SystemClock.now(), &mut rng)?;
    output::line(&format!("{} is begun", retailer.log_key().origin()));
    output::line(&format!("{kept} of {size} entries of log {number} were left"));
    output::line(&format!(
        "{grants} active grants of this copy ended, with what was held under them"
    ));
    let good = retailer.shop_keys()?.into_iter().filter(|key| !key.revoked).count();
    output::line(&format!(
        "{good} keys of shops are good, also those that were revoked since the copy: see `key list`"
    ));
    Ok(())
}

/// Writes the bundle and waits until it is on the disk: what is destroyed afterwards stands nowhere else.
fn write_archive(bundle: &Bundle, to: &Path) -> anyhow::Result<()> {
    let named = || format!("cannot write to {}", to.display());
    if to.try_exists().with_context(named)? {
        let empty = fs::read_dir(to).with_context(named)?.next().is_none();
        anyhow::ensure!(empty, "{} is not empty: name a new folder", to.display());
    } else {
        private_folder(to).with_context(named)?;
    }
    let mut folders = vec![to.to_owned()];
    for (name, bytes) in bundle.files() {
        let path = to.join(name);
        for parent in path.ancestors().skip(1).take_while(|parent| *parent != to) {
            if !folders.iter().any(|known| known == parent) {
                folders.push(parent.to_owned());
            }
        }
        path.parent().map_or(Ok(()), fs::create_dir_all).with_context(named)?;
        let mut file = fs::File::create_new(&path).with_context(named)?;
        file.write_all(bytes).and_then(|()| file.sync_all()).with_context(named)?;
    }
    // A name is on the disk once its folder is.
    let beside = to.parent().filter(|parent| !parent.as_os_str().is_empty());
    folders.push(beside.map_or_else(|| PathBuf::from("."), Path::to_owned));
    for folder in folders {
        sync_folder(&folder).with_context(named)?;
    }
    Ok(())
}

#[cfg(unix)]
fn private_folder(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().mode(0o700).create(path)
}

#[cfg(not(unix))]
fn private_folder(path: &Path) -> std::io::Result<()> {
    fs::create_dir(path)
}

#[cfg(unix)]
fn sync_folder(path: &Path) -> std::io::Result<()> {
    fs::File::open(path)?.sync_all()
}

/// Folders cannot be opened here; the files were synced.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> std::io::Result<()> {
    Ok(())
}
