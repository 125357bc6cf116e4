//! Whether the vault is what it was, and what its owner decides if it is not. `spec/rollback.md`.

use besace_protocol::{consent::Cause, id::VaultId, mark::Sitting};
use rand_core::RngCore as _;

use super::{Engine, EngineError, StepError};
use crate::vault::{Condition, Watch};

impl Engine {
    /// Whether what the vault says can be relied on; waits until it is known.
    pub fn settled_condition(&self) -> Result<Condition, EngineError> {
        let vault = self.vault()?;
        // What it refuses, the condition says.
        let _refused = vault.ensure_sound();
        Ok(vault.condition())
    }

    /// Her decision: goes on with what is here. Every log begins anew, anchored on the last head that is known;
    /// only then the vault is sound again. Says how many pseudonyms go on, and does nothing where nothing went
    /// back.
    pub fn go_on(&self) -> Result<usize, StepError> {
        let Condition::WentBack(how) = self.settled_condition()? else { return Ok(0) };
        let vault = self.vault()?;
        vault.go_on()?;
        match self.start_new_logs(Cause::Rollback) {
            Ok(count) => {
                vault.settle(None)?;
                Ok(count)
            }
            Err(error) => {
                vault.settle(Some(how))?;
                Err(error)
            }
        }
    }

    /// What a vault that is opened now is compared with.
    pub(super) fn watch(&self, vault: VaultId) -> Option<Watch> {
        let mark = self.0.folder.mark(vault)?;
        let mut sitting = [0; 16];
        self.rng().fill_bytes(&mut sitting);
        Some(Watch {
            mark,
            vault,
            sitting: Sitting::from_bytes(sitting),
            clock: std::sync::Arc::clone(&self.0.clock),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{path::Path, sync::Arc};

    use super::*;
    use crate::{
        clock::FixedClock,
        config::VaultFolder,
        engine::tests::passphrase,
        entropy::SystemEntropy,
        keyring::KdfParameters,
        vault::{Sign, WishContent},
    };

    fn engine(folder: &Path) -> Engine {
        let vault = VaultFolder::new(folder.join("vault")).with_mark(Some(folder.join("a.mark")));
        let now = besace_protocol::time::Timestamp::from_unix_seconds(1_795_300_000);
        Engine::start(vault, Arc::new(FixedClock::new(now)), Arc::new(SystemEntropy)).unwrap()
    }

    fn wish() -> WishContent {
        let text = besace_protocol::private::Private::new("un vélo".to_owned());
        WishContent { text, ..WishContent::default() }
    }

    #[test]
    fn a_vault_that_went_back_waits_for_her_decision() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("vault").join("vault.db");
        let first = engine(folder.path());
        first.create(&passphrase("p"), KdfParameters::SMALLEST).unwrap();
        first.lock();
        let old = std::fs::read(&file).unwrap();
        first.unlock(&passphrase("p")).unwrap();
        first.add_wish(wish()).unwrap();
        first.lock();
        std::fs::write(&file, &old).unwrap();
        first.unlock(&passphrase("p")).unwrap();
        let Condition::WentBack(how) = first.settled_condition().unwrap() else { panic!() };
        assert_eq!(how.sign, Sign::Older);
        assert!(how.known.unwrap().changes > how.here.unwrap().changes);
        assert!(matches!(first.add_wish(wish()), Err(EngineError::WentBack)));
        assert!(first.wishes().unwrap().is_empty());
        drop(first);
        let again = engine(folder.path());
        again.unlock(&passphrase("p")).unwrap();
        assert!(matches!(again.settled_condition().unwrap(), Condition::WentBack(_)));
        again.go_on().unwrap();
        again.add_wish(wish()).unwrap();
        again.lock();
        again.unlock(&passphrase("p")).unwrap();
        assert_eq!(again.settled_condition().unwrap(), Condition::Sound);
        assert_eq!(again.wishes().unwrap().len(), 1);
    }
}
