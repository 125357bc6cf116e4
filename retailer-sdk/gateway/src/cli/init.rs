//! `init`: a gateway is there whole, or not at all.

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context as _;
use besace_retailer::{Identity, Retailer, ShopScope, SqliteStore};

use super::output;
use crate::{
    clock::{Clock as _, SystemClock},
    config::{Config, read_json},
    entropy::{Rng, SystemEntropy},
    http::Limits,
};

/// Makes store and configuration under other names, and gives them theirs once both are complete; then
/// prints the keys of the shops.
pub(super) fn init(folder: &Path, retailer: &Path, listen: SocketAddr) -> anyhow::Result<()> {
    let identity: Identity = read_json(retailer)?;
    for name in [Config::FILE, Config::STORE] {
        let there = folder.join(name).try_exists()?;
        anyhow::ensure!(!there, "there is a {name} in {} already", folder.display());
    }
    let new_folder = !folder.try_exists()?;
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let draft = Draft { folder };
    let keys = draft.clear().map_err(Into::into).and_then(|()| draft.write(identity, listen));
    if keys.is_err() {
        // Why it failed is worth more than that tidying up did, too.
        drop(draft.clear());
        if new_folder {
            drop(fs::remove_dir(folder));
        }
    }
    let keys = keys?;
    output::line("Keys of the shops, shown this once:");
    for key in keys {
        output::line(&key);
    }
    Ok(())
}

/// Files that are not a gateway yet.
struct Draft<'a> {
    folder: &'a Path,
}

impl Draft<'_> {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.new"))
    }

    /// Removes what another try left.
    fn clear(&self) -> io::Result<()> {
        let store = self.path(Config::STORE);
        let beside = ["-wal", "-shm", "-journal"].map(|end| format!("{}{end}", store.display()));
        let files = beside.into_iter().map(PathBuf::from);
        for file in files.chain([store, self.path(Config::FILE)]) {
            match fs::remove_file(file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }

    /// Writes both files; a line for each key.
    fn write(&self, identity: Identity, listen: SocketAddr) -> anyhow::Result<Vec<String>> {
        let mut rng = Rng::new(Arc::new(SystemEntropy));
        let store = SqliteStore::create(&self.path(Config::STORE))?;
        let mut retailer = Retailer::init(store, &identity, SystemClock.now(), &mut rng)?;
        let mut keys = Vec::new();
        for shop in &identity.shops {
            for (device, scopes) in [
                ("receiver", &[ShopScope::Sightings, ShopScope::Emitter][..]),
                ("screen", &[ShopScope::Arrivals]),
            ] {
                let name = format!("{}-{device}", shop.code);
                let key = retailer.add_shop_key(&name, shop.code, scopes, &mut rng)?;
                keys.push(format!("{name}  {}", *key.danger_text()));
            }
        }
        // Closing empties the write-ahead log into the file.
        drop(retailer);
        let config =
            Config { listen, limits: Limits::default(), retailer: identity, vouchers: None };
        config.create(&self.path(Config::FILE))?;
        // The configuration last: a store without one is no gateway yet, and `init` says that it is there.
        for name in [Config::STORE, Config::FILE] {
            fs::rename(self.path(name), self.folder.join(name))?;
        }
        Ok(keys)
    }
}
