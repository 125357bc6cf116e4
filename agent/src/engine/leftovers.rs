//! What a process that ended left in the folder of a vault: `spec/vault.md`.

use std::{
    fs,
    io::{self, ErrorKind},
};

use crate::{
    config::VaultFolder,
    file::{beside, remove_if_there, sync_folder},
};

/// Removes what nobody goes on with. To be called by whoever has the folder, before anything is made in it.
pub(super) fn remove(folder: &VaultFolder) -> io::Result<()> {
    if folder.slots().try_exists()? && folder.unfinished().try_exists()? {
        // The vault is whole. Should its slots be lost one day, this would say that nobody has a key of it.
        remove_if_there(&folder.unfinished())?;
        sync_folder(folder.path())?;
    }
    for left in [
        folder.restoring(),
        folder.backing_up(),
        folder.rehearsing(),
        folder.receiving(),
        beside(&folder.database(), ".examined"),
    ] {
        match fs::remove_dir_all(&left) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                tracing::warn!("what a former process left in the folder of the vault stays");
            }
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use besace_protocol::time::Timestamp;

    use crate::{
        clock::FixedClock,
        config::VaultFolder,
        engine::{
            CreateError, Engine,
            tests::{open_engine, passphrase},
        },
        entropy::SeededEntropy,
        keyring::KdfParameters,
    };

    fn start(folder: &VaultFolder) -> Engine {
        let clock = FixedClock::new(Timestamp::from_unix_seconds(1_795_300_000));
        Engine::start(folder.clone(), Arc::new(clock), Arc::new(SeededEntropy::new(2))).unwrap()
    }

    #[test]
    fn what_a_former_process_left_is_gone_at_the_next_start() {
        let (_folder, engine) = open_engine();
        let folder = engine.folder().clone();
        drop(engine);
        for left in [
            "vault.restoring",
            "vault.backup",
            "vault.rehearsal",
            "vault.incoming",
            "vault.db.examined",
        ] {
            let left = folder.path().join(left);
            std::fs::create_dir(&left).unwrap();
            std::fs::write(left.join("vault.db"), b"half").unwrap();
        }
        let engine = start(&folder);
        let mut names: Vec<_> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| !["vault.db-wal", "vault.db-shm"].contains(&name.as_str()))
            .collect();
        names.sort();
        assert_eq!(names, ["vault.db", "vault.inbox", "vault.lock", "vault.slots.json"]);
        engine.unlock(&passphrase("p")).unwrap();
    }

    #[test]
    fn a_vault_that_is_whole_is_not_taken_for_an_unfinished_one_later() {
        let (_folder, engine) = open_engine();
        let folder = engine.folder().clone();
        drop(engine);
        // A power cut took back that the name was removed.
        std::fs::write(folder.unfinished(), b"").unwrap();
        let engine = start(&folder);
        assert!(!folder.unfinished().exists());
        // Somebody takes the slots away, and means to put them back.
        let slots = std::fs::read(folder.slots()).unwrap();
        std::fs::remove_file(folder.slots()).unwrap();
        let refused = engine.create(&passphrase("new"), KdfParameters::SMALLEST);
        assert!(matches!(refused, Err(CreateError::SlotsMissing)));
        std::fs::write(folder.slots(), slots).unwrap();
        engine.unlock(&passphrase("p")).unwrap();
    }

    #[test]
    fn a_vault_that_was_not_finished_stays_unfinished() {
        let (_folder, engine) = open_engine();
        let folder = engine.folder().clone();
        drop(engine);
        std::fs::write(folder.unfinished(), b"").unwrap();
        std::fs::remove_file(folder.slots()).unwrap();
        let engine = start(&folder);
        engine.create(&passphrase("new"), KdfParameters::SMALLEST).unwrap();
    }
}
