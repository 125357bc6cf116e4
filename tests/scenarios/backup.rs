//! Backups to a server that speaks S3: a real one, on the loopback.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use besace_agent::{
    backup::{S3Target, StoreError, Target, Trouble},
    clock::FixedClock,
    config::VaultFolder,
    engine::{BackupError, Engine, EngineError, EngineState},
    entropy::SeededEntropy,
    keyring::{KdfParameters, Passphrase},
    net::Bucket,
    vault::ProfileField,
};
use besace_e2e::canary::leaks;
use besace_protocol::time::Timestamp;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use s3s::{auth::SimpleAuth, service::S3ServiceBuilder};
use tokio::{runtime::Runtime, task::JoinHandle};

const ACCESS: &str = "besace-access";
const SECRET: &str = "besace-secret-besace-secret";
const BUCKET: &str = "copies";
const NAME: &str = "Zénobie Quintin";

/// A server with one bucket in a folder, and one key to it.
struct Server {
    folder: tempfile::TempDir,
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Server {
    fn start(runtime: &Runtime) -> Self {
        Self::start_with(runtime, || {})
    }

    /// The same; it does `before` whenever somebody calls.
    fn start_with(runtime: &Runtime, before: impl Fn() + Send + 'static) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(BUCKET)).unwrap();
        let mut builder = S3ServiceBuilder::new(s3s_fs::FileSystem::new(folder.path()).unwrap());
        builder.set_auth(SimpleAuth::from_single(ACCESS, SECRET));
        let service = builder.build();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let serving = runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            while let Ok((socket, _)) = listener.accept().await {
                let service = service.clone();
                before();
                tokio::spawn(async move {
                    let http = Builder::new(TokioExecutor::new());
                    // A client that goes away is nobody's fault.
                    let _gone = http.serve_connection(TokioIo::new(socket), service).await;
                });
            }
        });
        Self { folder, address, serving }
    }

    fn target(&self, secret: &str) -> Target {
        Target::S3(S3Target {
            endpoint: format!("http://{}", self.address),
            bucket: BUCKET.to_owned(),
            prefix: "nour/vault".to_owned(),
            region: "us-east-1".to_owned(),
            access_key: ACCESS.to_owned(),
            secret_key: secret.to_owned().into(),
        })
    }

    /// What lies in the bucket under her prefix, by name.
    fn objects(&self) -> Vec<PathBuf> {
        let folder = self.folder.path().join(BUCKET).join("nour/vault");
        let found = fs::read_dir(folder).map(|found| found.map(|entry| entry.unwrap().path()));
        let mut found: Vec<_> = found.map(Iterator::collect).unwrap_or_default();
        found.sort();
        found
    }

    /// The newest backup in the bucket.
    fn newest(&self) -> PathBuf {
        let of_backup = |path: &&PathBuf| path.extension().is_some_and(|end| end == "age");
        self.objects().iter().rfind(of_backup).unwrap().clone()
    }
}

struct Home {
    engine: Engine,
    runtime: Runtime,
    clock: Arc<FixedClock>,
    _folder: tempfile::TempDir,
}

/// A vault with her name in it.
fn home() -> Home {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(FixedClock::new(Timestamp::from_unix_seconds(1_795_300_000)));
    let vault = VaultFolder::new(folder.path().join("vault"));
    let engine =
        Engine::start(vault, Arc::clone(&clock) as _, Arc::new(SeededEntropy::new(1))).unwrap();
    engine.create(&passphrase(), KdfParameters::SMALLEST).unwrap();
    engine.set_profile(ProfileField::Name, NAME.to_owned().into()).unwrap();
    Home { engine, runtime: runtime(), clock, _folder: folder }
}

fn passphrase() -> Passphrase {
    Passphrase::new("soleil de minuit".to_owned()).unwrap()
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

impl Home {
    fn back_up(&self) -> Result<u64, BackupError> {
        self.engine.back_up("s3", self.runtime.handle()).map(|kept| kept.bytes)
    }

    fn failure(&self) -> Option<Trouble> {
        self.engine.backup_places().unwrap().remove(0).failure
    }
}

fn bytes_of(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap()
}

#[test]
fn a_long_file_travels_in_parts_and_comes_back_as_it_was() {
    let runtime = runtime();
    let server = Server::start(&runtime);
    let Target::S3(target) = server.target(SECRET) else { unreachable!() };
    let bucket = Bucket::open(&target, runtime.handle().clone(), Duration::from_hours(1)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    // Two parts of the 5 MiB that travel at once and a piece, exactly two, less than one, and nothing.
    for (name, length) in [("a", (10 << 20) + 5), ("b", 10 << 20), ("c", 100), ("d", 0)] {
        let (file, back) = (folder.path().join(name), folder.path().join("back"));
        let bytes: Vec<u8> =
            (0..length).map(|n: u32| n.to_le_bytes()[usize::from(n.is_multiple_of(3))]).collect();
        fs::write(&file, &bytes).unwrap();
        bucket.put(name, &file, || ()).unwrap();
        let came = bucket.get(name, &back, u64::from(length)).unwrap();
        assert_eq!(came, u64::from(length));
        assert!(bytes_of(&back) == bytes, "{name}");
    }
    assert!(matches!(bucket.get("a", &folder.path().join("back"), 100), Err(StoreError::TooLong)));
    assert!(matches!(bucket.get("e", &folder.path().join("back"), 100), Err(StoreError::Missing)));
    assert!(matches!(bucket.put("c", &folder.path().join("a"), || ()), Err(StoreError::Taken)));
    assert_eq!(bucket.get("c", &folder.path().join("back"), 100).unwrap(), 100);
    let mut names = bucket.list("").unwrap();
    names.sort();
    assert_eq!(names, ["a", "b", "c", "d"]);
    bucket.remove("a").unwrap();
    bucket.remove("a").unwrap();
    assert_eq!(bucket.list("").unwrap().len(), 3);
}

#[test]
fn a_backup_goes_to_an_s3_server_comes_back_and_is_rehearsed() {
    let home = home();
    let server = Server::start(&home.runtime);
    home.engine.add_backup_place("s3", server.target(SECRET), 2).unwrap();
    let bytes = home.back_up().unwrap();
    let there = server.newest();
    let sealed = bytes_of(&there);
    assert_eq!(u64::try_from(sealed.len()).unwrap(), bytes);
    assert!(sealed.starts_with(b"age-encryption.org/v1\n"));
    assert_eq!(leaks(&sealed, &[NAME, SECRET, "profile"]), []);
    let kept = home.engine.rehearse("s3", home.runtime.handle()).unwrap();
    assert!(kept.rows > 0 && kept.rehearsed_at.is_some());

    // Two may stay: of four, the two newest, and beside them the one that was rehearsed.
    for _ in 0..3 {
        home.clock.advance(86_400);
        home.back_up().unwrap();
    }
    let stay = home.engine.backups_there("s3", home.runtime.handle()).unwrap();
    assert_eq!(stay.len(), 3);
    assert!(stay.iter().any(|(name, _)| *name == kept.name), "the rehearsed one is not let go");
    assert_eq!(server.objects().len(), 6, "each with its slots, and no part of an upload");
}

#[test]
fn a_vault_that_she_locks_while_its_backup_travels_stays_locked_and_the_backup_is_whole() {
    let home = home();
    let (locks, once) = (home.engine.clone(), AtomicBool::new(true));
    let server = Server::start_with(&home.runtime, move || {
        if once.swap(false, Ordering::SeqCst) {
            locks.lock();
        }
    });
    home.engine.add_backup_place("s3", server.target(SECRET), 2).unwrap();
    assert!(matches!(home.back_up(), Err(BackupError::Engine(EngineError::Locked))));
    assert_eq!(home.engine.state(), EngineState::Locked);
    assert_eq!(server.objects().len(), 2);
    // It was not noted, and counts as none until somebody looked at it.
    home.engine.unlock(&passphrase()).unwrap();
    let place = home.engine.backup_places().unwrap().remove(0);
    assert_eq!((place.last, place.failure), (None, None));
    let kept = home.engine.rehearse("s3", home.runtime.handle()).unwrap();
    assert_eq!(home.engine.backup_places().unwrap().remove(0).last, Some(kept));
}

#[test]
fn what_an_s3_server_does_wrong_is_said_and_takes_no_backup_away() {
    let home = home();
    let server = Server::start(&home.runtime);
    home.engine.add_backup_place("s3", server.target(SECRET), 2).unwrap();
    home.back_up().unwrap();
    let first = bytes_of(&server.newest());

    // Half of it is gone: the rehearsal says so.
    let newest = server.newest();
    fs::write(&newest, &first[..first.len() / 2]).unwrap();
    let refused = home.engine.rehearse("s3", home.runtime.handle()).unwrap_err();
    assert_eq!(refused.trouble(), Trouble::Unsound, "{refused:?}");
    fs::write(&newest, &first).unwrap();
    home.engine.rehearse("s3", home.runtime.handle()).unwrap();

    // Another key than the server's.
    home.engine.remove_backup_place("s3").unwrap();
    home.engine.add_backup_place("s3", server.target("not the key"), 2).unwrap();
    home.clock.advance(60);
    let refused = home.back_up().unwrap_err();
    assert_eq!((refused.trouble(), home.failure()), (Trouble::Denied, Some(Trouble::Denied)));
    assert!(!refused.to_string().contains(BUCKET), "{refused}");
    assert!(!format!("{refused:?}").contains("not the key"), "{refused:?}");
    assert_eq!(bytes_of(&newest), first, "what lay there still does");

    // Nobody there.
    home.engine.remove_backup_place("s3").unwrap();
    home.engine.add_backup_place("s3", server.target(SECRET), 2).unwrap();
    server.serving.abort();
    home.runtime.block_on(server.serving).unwrap_err();
    home.clock.advance(60);
    assert_eq!(home.back_up().unwrap_err().trouble(), Trouble::Unreachable);
    assert_eq!(home.failure(), Some(Trouble::Unreachable));
}
