//! A witness (C2SP tlog-witness) over real HTTP on loopback. It keeps its heads in files, as one must.

use std::{
    fs::{self, File},
    io::Write as _,
    net::TcpListener,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use actix_web::{App, HttpResponse, HttpServer, dev::ServerHandle, web};
use anyhow::Result;
use besace_agent::config::{VaultFolder, Witnesses};
use besace_protocol::{
    crypto::{SecretBytes, SigningKey, sha256},
    log::{
        ADD_CHECKPOINT_LEN_MAX, ADD_CHECKPOINT_PATH, Checkpoint, Cosignature, LogKey, Origin,
        SignedCheckpoint, TREE_SIZE_MEDIA_TYPE, UnverifiedAddCheckpoint, UnverifiedCheckpoint,
        WitnessKey, WitnessName, WitnessPolicy, WitnessRefusal, tree_size,
    },
};
use tokio::sync::Semaphore;

use crate::world::{World, WorldClock};

/// How a witness behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// As it should.
    Honest,
    /// Answers once it is let go, and then as it should.
    Slow,
    /// Cosigns another head than it was asked for.
    Wrong,
    /// Says that it cosigned a larger head than there ever was.
    Boasting,
    /// Answers without end.
    Endless,
}

/// A witness that runs.
#[derive(Debug)]
pub struct TestWitness {
    /// Its key.
    pub key: WitnessKey,
    /// Its address, C2SP's submission prefix.
    pub address: String,
    state: web::Data<State>,
    server: ServerHandle,
}

#[derive(Debug)]
struct State {
    folder: PathBuf,
    name: WitnessName,
    signer: SigningKey,
    logs: Vec<LogKey>,
    clock: Arc<WorldClock>,
    manner: Manner,
    /// Reading, judging and writing a head are one.
    turn: Mutex<()>,
    let_go: Semaphore,
    asked: AtomicUsize,
}

impl TestWitness {
    /// Starts the witness with this number, with what it keeps in `folder`.
    pub fn start(
        number: u8,
        folder: &Path,
        logs: Vec<LogKey>,
        clock: Arc<WorldClock>,
        manner: Manner,
    ) -> Result<Self> {
        let signer = SigningKey::from_seed(&SecretBytes::init_with(|seed| seed.fill(number)));
        let name = WitnessName::parse(&format!("witness.example/w{number}"))?;
        let key = WitnessKey::new(name.clone(), signer.verifying_key());
        let folder = folder.join(format!("witness-{number}"));
        fs::create_dir_all(&folder)?;
        let (turn, let_go, asked) = (Mutex::new(()), Semaphore::new(0), AtomicUsize::new(0));
        let state = State { folder, name, signer, logs, clock, manner, turn, let_go, asked };
        let state = web::Data::new(state);
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = format!("http://{}", listener.local_addr()?);
        let shared = web::Data::clone(&state);
        let server = HttpServer::new(move || {
            App::new()
                .app_data(web::Data::clone(&shared))
                .app_data(web::PayloadConfig::new(ADD_CHECKPOINT_LEN_MAX))
                .route(ADD_CHECKPOINT_PATH, web::post().to(add_checkpoint))
        })
        .workers(1)
        .disable_signals()
        .listen(listener)?
        .run();
        let handle = server.handle();
        tokio::spawn(server);
        Ok(Self { key, address, state, server: handle })
    }

    /// Its line in a policy.
    pub fn line(&self, name: &str) -> String {
        format!("witness {name} {} {}\n", self.key, self.address)
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.state.asked.load(Ordering::SeqCst)
    }

    /// Lets a slow one answer, now and from now on.
    pub fn let_go(&self) {
        self.state.let_go.add_permits(Semaphore::MAX_PERMITS >> 1);
    }

    /// Ends it.
    pub async fn close(self) {
        self.server.stop(false).await;
    }
}

impl State {
    fn path(&self, origin: &Origin) -> PathBuf {
        self.folder.join(hex::encode(sha256(&[origin.as_str().as_bytes()]).as_bytes()))
    }

    fn last(&self, key: &LogKey) -> Result<Option<SignedCheckpoint>> {
        let path = self.path(key.origin());
        if !path.exists() {
            return Ok(None);
        }
        Ok(Some(UnverifiedCheckpoint::parse(&fs::read(path)?)?.verify(key)?))
    }

    /// The new head takes the place of the last one, on the disk.
    fn keep(&self, head: &SignedCheckpoint) -> Result<()> {
        let path = self.path(head.origin());
        let new = path.with_extension("new");
        let mut file = File::create(&new)?;
        file.write_all(head.as_str().as_bytes())?;
        file.sync_all()?;
        fs::rename(new, path)?;
        File::open(&self.folder)?.sync_all()?;
        Ok(())
    }

    fn judge(&self, body: &[u8]) -> Result<HttpResponse> {
        let Ok(request) = UnverifiedAddCheckpoint::parse(body) else {
            return Ok(HttpResponse::BadRequest().finish());
        };
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let key = self.logs.iter().find(|key| key.origin() == request.claimed_origin());
        let last = key.map(|key| self.last(key)).transpose()?.flatten();
        let head = match request.judge(key, last.as_ref()) {
            Ok(head) => head,
            Err(WitnessRefusal::UnknownLog) => return Ok(HttpResponse::NotFound().finish()),
            Err(WitnessRefusal::NotSigned) => return Ok(HttpResponse::Forbidden().finish()),
            Err(WitnessRefusal::Backwards) => return Ok(HttpResponse::BadRequest().finish()),
            Err(WitnessRefusal::OtherSize { size }) => {
                let mut answer = HttpResponse::Conflict();
                return Ok(answer.content_type(TREE_SIZE_MEDIA_TYPE).body(tree_size(size)));
            }
            Err(WitnessRefusal::Inconsistent) => {
                return Ok(HttpResponse::UnprocessableEntity().finish());
            }
        };
        self.keep(&head)?;
        let line = Cosignature::sign(&head, &self.name, &self.signer, self.clock.now())?;
        Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(line.to_string()))
    }
}

async fn add_checkpoint(state: web::Data<State>, body: web::Bytes) -> HttpResponse {
    state.asked.fetch_add(1, Ordering::SeqCst);
    match state.manner {
        Manner::Honest | Manner::Wrong => {}
        Manner::Slow => {
            if let Ok(permit) = state.let_go.acquire().await {
                permit.forget();
            }
        }
        Manner::Boasting => {
            let mut answer = HttpResponse::Conflict();
            return answer.content_type(TREE_SIZE_MEDIA_TYPE).body(tree_size(1 << 40));
        }
        Manner::Endless => return HttpResponse::Ok().body("x".repeat(1 << 20)),
    }
    let judged = if state.manner == Manner::Wrong { wrong(&state) } else { state.judge(&body) };
    judged.unwrap_or_else(|_| HttpResponse::InternalServerError().finish())
}

/// Another head cosigned than the one that was asked for.
fn wrong(state: &State) -> Result<HttpResponse> {
    let Some(key) = state.logs.first() else {
        return Ok(HttpResponse::NotFound().finish());
    };
    let root = sha256(&[b"another head"]);
    let other = Checkpoint { origin: key.origin().clone(), size: 1, root }.sign(&state.signer)?;
    let line = Cosignature::sign(&other, &state.name, &state.signer, state.clock.now())?;
    Ok(HttpResponse::Ok().body(line.to_string()))
}

impl World {
    /// Her agent is started again, and counts what shops publish only as `policy` says. It is locked.
    pub fn ask_witnesses(&mut self, policy: &WitnessPolicy) -> Result<()> {
        self.shut_down()?;
        let folder = VaultFolder::new(&self.vault)
            .with_mark(Some(self.mark()))
            .with_witnesses(Witnesses::Named(policy.clone()));
        self.exchange = self.start_agent(folder)?;
        Ok(())
    }
}
