//! What retailers remember, true and made up.

use besace_protocol::{
    consent::{Cause, LogHead},
    crypto::{Digest, SigningKey, sha256},
    id::LogId,
    keys::RootKey,
    log::Checkpoint,
};

use super::*;
use crate::{
    engine::{
        EngineError,
        fixtures::{fixtures, opened},
        succession::Draft,
    },
    vault::Condition,
};

/// A vault with grants and releases, her pseudonym, and the head of its log.
struct Lived {
    _folder: tempfile::TempDir,
    engine: Engine,
    pseudonym: Pseudonym,
    size: u64,
}

impl Lived {
    fn new() -> Self {
        let (_, path) = fixtures().remove(0);
        let (folder, engine) = opened(&path);
        let pseudonym = engine.vault().unwrap().pseudonyms().unwrap().remove(0);
        let log = engine.vault().unwrap().log(pseudonym.log).unwrap().unwrap();
        let size = u64::try_from(log.entries.len()).unwrap();
        Self { _folder: folder, engine, pseudonym, size }
    }

    fn signer(&self, log: &LogId) -> SigningKey {
        let Pseudonym { domain, facet, generation, .. } = &self.pseudonym;
        self.engine.root().unwrap().pairwise_log_key(domain, *facet, generation, log)
    }

    fn root(&self, size: u64) -> Digest {
        self.engine.vault().unwrap().log_root(self.pseudonym.log, size).unwrap().unwrap()
    }

    /// The retailer says that this is her last head.
    fn hear(&self, checkpoint: Option<String>) -> Result<(), StepError> {
        self.hear_all(checkpoint, &[])
    }

    fn hear_all(&self, checkpoint: Option<String>, went_on: &[Vec<u8>]) -> Result<(), StepError> {
        let continuations = went_on.iter().cloned().map(Into::into).collect();
        let answer = serde_json::to_vec(&LastHead { checkpoint, continuations }).unwrap();
        self.engine.accept_last_head(self.pseudonym.generation, &answer)
    }

    /// How another copy of this vault went on from the log that is written here, under this cause.
    fn went_on_elsewhere(&self, cause: Cause, to: LogId) -> Vec<u8> {
        let Pseudonym { domain, facet, generation, log, .. } = &self.pseudonym;
        let root = self.engine.root().unwrap();
        let theirs = match cause {
            Cause::Rekey => RootKey::generate(&mut self.engine.rng()),
            Cause::Restore | Cause::Rollback => {
                RootKey::init_with(|to| to.copy_from_slice(root.danger_expose()))
            }
        };
        let next = theirs.pairwise(domain, *facet, generation);
        let draft = Draft {
            cause,
            now: self.engine.now(),
            controller: domain.clone(),
            from: (
                *log,
                self.signer(log).verifying_key(),
                root.pairwise(domain, *facet, generation).signing,
            ),
            to: (
                to,
                theirs.pairwise_log_key(domain, *facet, generation, &to).verifying_key(),
                next.signing,
                next.sealing,
            ),
        };
        draft.sign(LogHead::empty()).unwrap()
    }

    /// The retailer is told how she went on, and writes it into its log; a new sitting begins.
    fn told(&self) {
        let vault = self.engine.vault().unwrap();
        let (generation, now) = (self.pseudonym.generation, self.engine.now());
        vault.settle_continuations(generation, usize::MAX, now).unwrap();
        drop(vault);
        self.engine.lock();
        self.engine.unlock(&crate::engine::tests::passphrase("une besace bien fermée")).unwrap();
        assert!(self.is_asked());
    }

    fn is_asked(&self) -> bool {
        !self.engine.unasked_heads(&self.pseudonym.domain).unwrap().is_empty()
    }

    fn went_back(&self) -> bool {
        matches!(
            self.engine.settled_condition().unwrap(),
            Condition::WentBack(WentBack { sign: Sign::Retailer, .. })
        )
    }
}

fn head(log: &LogId, size: u64, root: Digest, signer: &SigningKey) -> String {
    let head = Checkpoint { origin: Origin::of_log(log), size, root }.sign(signer).unwrap();
    head.as_str().to_owned()
}

#[test]
fn a_head_that_stands_in_the_vault_is_well() {
    let lived = Lived::new();
    assert!(lived.size > 3);
    let log = lived.pseudonym.log;
    for size in 1..=lived.size {
        lived.hear(Some(head(&log, size, lived.root(size), &lived.signer(&log)))).unwrap();
    }
    lived.hear(None).unwrap();
    assert!(!lived.went_back());
}

#[test]
fn a_retailer_is_asked_once_after_each_unlock() {
    let lived = Lived::new();
    assert!(lived.is_asked());
    lived.hear(None).unwrap();
    assert!(!lived.is_asked());
    lived.engine.lock();
    lived.engine.unlock(&crate::engine::tests::passphrase("une besace bien fermée")).unwrap();
    assert!(lived.is_asked());
    lived.engine.accept_no_head(lived.pseudonym.generation).unwrap();
    assert!(!lived.is_asked());
}

#[test]
fn a_head_that_does_not_stand_in_the_vault_stops_everything() {
    for case in ["larger", "another of its size", "another smaller one", "of a log begun elsewhere"]
    {
        let lived = Lived::new();
        let (ours, elsewhere) = (lived.pseudonym.log, LogId::from_bytes([9; 16]));
        let (log, size) = match case {
            "larger" => (ours, lived.size + 1),
            "another of its size" => (ours, lived.size),
            "another smaller one" => (ours, lived.size - 1),
            _ => (elsewhere, 2),
        };
        let told = head(&log, size, sha256(&[b"what is not here"]), &lived.signer(&log));
        let refused = lived.hear(Some(told.clone()));
        assert!(matches!(refused, Err(StepError::Engine(EngineError::WentBack))), "{case}");
        assert!(lived.went_back(), "{case}");
        let refused = lived.engine.refuse(besace_protocol::id::RequestId::from_bytes([1; 16]));
        assert!(
            matches!(refused, Err(StepError::Engine(EngineError::WentBack))),
            "{case}: {refused:?}"
        );
        assert!(lived.engine.due_releases(&lived.pseudonym.domain).is_err(), "{case}");
        assert_eq!(lived.engine.refresh_outbox().unwrap(), 0, "{case}");
        // She goes on; what was told is not forgotten on the way.
        assert_eq!(lived.engine.go_on().unwrap(), 1, "{case}");
        assert_eq!(lived.engine.settled_condition().unwrap(), Condition::Sound, "{case}");
        for check in lived.engine.verify_logs().unwrap() {
            assert_eq!(check.fault, None, "{case}: {}", check.id);
        }
        // What she decided in view of is no news: the same true answer stops nothing again.
        lived.told();
        lived.hear(Some(told)).unwrap();
        assert!(!lived.went_back() && !lived.is_asked(), "{case}");
    }
}

#[test]
fn a_way_she_went_elsewhere_stops_the_vault_once() {
    for cause in [Cause::Restore, Cause::Rollback, Cause::Rekey] {
        let lived = Lived::new();
        let one = lived.went_on_elsewhere(cause, LogId::from_bytes([7; 16]));
        let other = lived.went_on_elsewhere(cause, LogId::from_bytes([8; 16]));
        lived.hear_all(None, std::slice::from_ref(&one)).unwrap_err();
        assert!(lived.went_back(), "{cause:?}");
        lived.engine.go_on().unwrap();
        lived.told();
        lived.hear_all(None, &[one]).unwrap();
        assert!(!lived.went_back(), "{cause:?}");
        // Another one is news.
        lived.told();
        lived.hear_all(None, &[other]).unwrap_err();
        assert!(lived.went_back(), "{cause:?}");
    }
}

#[test]
fn what_was_told_and_not_decided_on_stays_news() {
    let lived = Lived::new();
    let one = lived.went_on_elsewhere(Cause::Restore, LogId::from_bytes([7; 16]));
    let vault = lived.engine.vault().unwrap();
    let now = lived.engine.now();
    // As a vault without a mark finds it after a restart.
    vault.put_told_logs(vec![LogId::from_bytes([7; 16])], &lived.pseudonym.domain, now).unwrap();
    lived.hear_all(None, &[one]).unwrap_err();
    assert!(lived.went_back());
}

#[test]
fn what_she_did_not_sign_for_this_log_counts_for_nothing() {
    let lived = Lived::new();
    let log = lived.pseudonym.log;
    let root = sha256(&[b"made up"]);
    let size = lived.size + 4;
    let stranger = SigningKey::generate(&mut lived.engine.rng());
    let own = lived.engine.vault().unwrap().log_ids().unwrap().remove(0).0;
    let own_signer = lived.engine.root().unwrap().vault_log_key(&own);
    let good = head(&log, size, root, &lived.signer(&log));
    let mut cosigned = good.clone();
    cosigned.push_str(good.lines().last().unwrap());
    cosigned.push('\n');
    let of_the_shop =
        head(&log, size, root, &stranger).replace(&log.to_string(), "lumen.example/besace");
    for (case, text) in [
        ("another key", head(&log, size, root, &stranger)),
        ("her own log of all", head(&own, size, root, &own_signer)),
        ("the name of one log, the key of another", head(&log, size, root, &lived.signer(&own))),
        ("a line of her other log", head(&own, size, root, &lived.signer(&own))),
        ("the retailer's", of_the_shop),
        ("signed twice", cosigned),
        ("another size than signed", good.replacen(&format!("\n{size}\n"), "\n99\n", 1)),
        ("nothing", String::new()),
        ("no note", "log".to_owned()),
        ("huge", "a".repeat(1 << 20)),
    ] {
        let refused = lived.hear(Some(text));
        assert!(
            matches!(refused, Err(StepError::Answer | StepError::AnswerForm(_))),
            "{case}: {refused:?}"
        );
        assert!(!lived.went_back(), "{case}");
        assert!(lived.is_asked(), "{case}: it is asked again");
    }
    for bytes in
        ["", "null", "[]", "{\"checkpoint\":7}", "{\"x\":1}", "{}", "{\"continuations\":[\"e30\"]}"]
    {
        let heard = lived.engine.accept_last_head(lived.pseudonym.generation, bytes.as_bytes());
        assert!(heard.is_err(), "{bytes}");
    }
    assert!(!lived.went_back());
}
