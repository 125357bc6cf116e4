//! Where things are, from flags and environment.

use std::path::{Path, PathBuf};

use besace_protocol::{id::VaultId, log::WitnessPolicy};

/// The folder of one vault, and the names of what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultFolder {
    path: PathBuf,
    on_a_share: bool,
    outbox_key: Option<PathBuf>,
    mark: Option<MarkPlace>,
    witnesses: Witnesses,
}

/// Who has to cosign what retailers publish.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Witnesses {
    /// Nobody.
    #[default]
    Nobody,
    /// Those that this policy names.
    Named(WitnessPolicy),
    /// Somebody, and who is not known now: nothing that retailers publish counts until it is.
    Unknown,
}

/// Where the mark of a vault is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
enum MarkPlace {
    /// In this file.
    File(PathBuf),
    /// In a file of this folder that is named after the vault.
    Folder(PathBuf),
}

impl VaultFolder {
    /// This folder; it need not exist yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self { path, on_a_share: false, outbox_key: None, mark: None, witnesses: Witnesses::Nobody }
    }

    /// The same, with its mark in this file, which is best on another disk (`spec/rollback.md`). Without one
    /// it is noticed when pages are put back, and not when the whole file is.
    #[must_use]
    pub fn with_mark(self, mark: Option<PathBuf>) -> Self {
        Self { mark: mark.map(MarkPlace::File), ..self }
    }

    /// The same, with its mark in a file of this folder, named after the vault.
    #[must_use]
    pub fn with_marks_in(self, folder: Option<PathBuf>) -> Self {
        Self { mark: folder.map(MarkPlace::Folder), ..self }
    }

    /// The same, with witnesses who have to cosign what retailers publish (`spec/witness.md`).
    #[must_use]
    pub fn with_witnesses(self, witnesses: Witnesses) -> Self {
        Self { witnesses, ..self }
    }

    /// Who has to cosign what retailers publish.
    pub const fn witnesses(&self) -> &Witnesses {
        &self.witnesses
    }

    /// Where marks are kept unless somebody says otherwise: away from a person's data, so that who copies
    /// or puts back that leaves them alone.
    ///
    /// `state_home` and `home` are `XDG_STATE_HOME` and `HOME`; nothing is known without either.
    pub fn standard_marks(state_home: Option<PathBuf>, home: Option<PathBuf>) -> Option<PathBuf> {
        let state = absolute(state_home)
            .or_else(|| absolute(home).map(|home| home.join(".local").join("state")))?;
        Some(state.join("besace"))
    }

    /// The file with the mark of the vault of this name.
    pub fn mark(&self, vault: VaultId) -> Option<PathBuf> {
        Some(match self.mark.as_ref()? {
            MarkPlace::File(file) => file.clone(),
            MarkPlace::Folder(folder) => folder.join(format!("{vault}.mark")),
        })
    }

    /// Whether there is a place for a mark.
    pub const fn keeps_a_mark(&self) -> bool {
        self.mark.is_some()
    }

    /// The same, if it is `allowed` to be on a network share: she was told what may happen there.
    #[must_use]
    pub fn danger_on_a_share(self, allowed: bool) -> Self {
        Self { on_a_share: allowed, ..self }
    }

    /// Whether it may be on a network share.
    pub const fn may_be_on_a_share(&self) -> bool {
        self.on_a_share
    }

    /// `besace` in the folder where this system keeps a person's data.
    ///
    /// `data_home` and `home` are `XDG_DATA_HOME` and `HOME`; nothing is known without either.
    pub fn standard(data_home: Option<PathBuf>, home: Option<PathBuf>) -> Option<Self> {
        let data = absolute(data_home)
            .or_else(|| absolute(home).map(|home| home.join(".local").join("share")))?;
        Some(Self::new(data.join("besace")))
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The encrypted database.
    pub fn database(&self) -> PathBuf {
        self.path.join("vault.db")
    }

    /// The key slots; a vault exists when this file does.
    pub fn slots(&self) -> PathBuf {
        self.path.join("vault.slots.json")
    }

    /// Held by the one process that uses the vault.
    pub fn lock(&self) -> PathBuf {
        self.path.join("vault.lock")
    }

    /// A folder with what is being restored, until it is all there.
    pub fn restoring(&self) -> PathBuf {
        self.path.join("vault.restoring")
    }

    /// A folder with what is being written anew under a new root, until it is all there.
    pub fn rekeying(&self) -> PathBuf {
        self.path.join("vault.rekeying")
    }

    /// The same folder, once all of it is there: from then on it is the vault, wherever its files lie.
    pub fn rekeyed(&self) -> PathBuf {
        self.path.join("vault.rekeyed")
    }

    /// A folder with a backup that came in from a browser, until it is opened.
    pub fn receiving(&self) -> PathBuf {
        self.path.join("vault.incoming")
    }

    /// How often a wrong passphrase was tried; there only while it counts.
    pub fn attempts(&self) -> PathBuf {
        self.path.join("vault.attempts.json")
    }

    /// What arrived while the vault was locked (`spec/sealed.md`).
    pub fn inbox(&self) -> PathBuf {
        self.path.join("vault.inbox")
    }

    /// What waits to be sent while the vault is locked (`spec/sealed.md#outbox`).
    pub fn outbox(&self) -> PathBuf {
        self.path.join("vault.outbox")
    }

    /// What the outbox is sealed with.
    pub fn outbox_key(&self) -> PathBuf {
        self.outbox_key.clone().unwrap_or_else(|| self.outbox().join("key"))
    }

    /// The same, with what the outbox is sealed with in another file, such as one that a power cut empties.
    #[must_use]
    pub fn with_outbox_key(self, file: Option<PathBuf>) -> Self {
        Self { outbox_key: file, ..self }
    }

    /// A folder with the backup that is being made.
    pub fn backing_up(&self) -> PathBuf {
        self.path.join("vault.backup")
    }

    /// A folder with the vault of a rehearsed restore.
    pub fn rehearsing(&self) -> PathBuf {
        self.path.join("vault.rehearsal")
    }

    /// Stands there while a vault is being made.
    pub fn unfinished(&self) -> PathBuf {
        self.path.join("vault.unfinished")
    }
}

fn absolute(path: Option<PathBuf>) -> Option<PathBuf> {
    path.filter(|path| path.is_absolute())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_stands_where_she_said_or_under_the_name_of_the_vault() {
        let marks = |state: Option<&str>, home: Option<&str>| {
            VaultFolder::standard_marks(state.map(PathBuf::from), home.map(PathBuf::from))
        };
        assert_eq!(marks(Some("/s"), Some("/h")), Some("/s/besace".into()));
        assert_eq!(marks(Some("s"), Some("/h")), Some("/h/.local/state/besace".into()));
        assert_eq!(marks(None, None), None);
        let (folder, id) = (VaultFolder::new("/v"), VaultId::from_bytes([1; 16]));
        assert_eq!(folder.mark(id), None);
        let named = folder.clone().with_marks_in(marks(Some("/s"), None));
        assert_eq!(named.mark(id), Some(format!("/s/besace/{id}.mark").into()));
        assert_eq!(folder.with_mark(Some("/m".into())).mark(id), Some("/m".into()));
    }

    #[test]
    fn the_standard_folder_needs_an_absolute_home() {
        let standard = |data: Option<&str>, home: Option<&str>| {
            VaultFolder::standard(data.map(PathBuf::from), home.map(PathBuf::from))
        };
        assert_eq!(standard(Some("/d"), Some("/h")), Some(VaultFolder::new("/d/besace")));
        assert_eq!(standard(None, Some("/h")), Some(VaultFolder::new("/h/.local/share/besace")));
        assert_eq!(standard(Some("d"), Some("/h")), standard(None, Some("/h")));
        assert_eq!(standard(None, None), None);
    }
}
