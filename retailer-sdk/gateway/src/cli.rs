//! The command line.

mod bridge;
mod grant;
mod init;
mod output;
mod papers;
mod restore;

use std::{
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::Context as _;
use besace_protocol::{id::GrantId, party::ShopCode, time::Timestamp};
use besace_retailer::{Identity, MarkError, RequestDraft, Retailer, ShopScope, SqliteStore};
use clap::{Parser, Subcommand};

use crate::{
    clock::{Clock as _, SystemClock},
    config::{self, Config, ConfigError, read_bytes, read_json},
    entropy::{Rng, SystemEntropy},
    http,
    net::{self, Witnesses},
};

/// The retailer's server.
#[derive(Debug, Parser)]
#[command(name = "besace-gateway", version, about)]
pub struct Arguments {
    /// Folder of configuration and store.
    #[arg(long, global = true, default_value = "gateway", env = "BESACE_GATEWAY_FOLDER")]
    folder: PathBuf,
    /// Folder of the marks that say how far logs were signed: kept apart from the folder, so that a store that is put back
    /// is noticed. By default a folder of the account's home.
    #[arg(long, global = true, env = "BESACE_GATEWAY_MARKS")]
    marks: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make configuration, store and keys from a JSON file that says who the retailer is.
    Init {
        /// Domain, legal identity and shops.
        retailer: PathBuf,
        /// Where the server is to listen.
        #[arg(long, default_value = "127.0.0.1:8480")]
        listen: SocketAddr,
    },
    /// Serve agents and shops until interrupted.
    Serve {
        /// Instead of the address of the configuration.
        #[arg(long, env = "BESACE_GATEWAY_LISTEN")]
        listen: Option<SocketAddr>,
    },
    /// Ask the server whether it is well.
    Health {
        /// Instead of the address of the configuration.
        #[arg(long, env = "BESACE_GATEWAY_LISTEN")]
        listen: Option<SocketAddr>,
    },
    /// Keys of tills, receivers and screens.
    #[command(subcommand)]
    Key(Key),
    /// Grants that shoppers gave.
    #[command(subcommand)]
    Grant(grant::Grant),
    /// Consent requests.
    #[command(subcommand)]
    Request(Publish),
    /// The catalogue.
    #[command(subcommand)]
    Catalogue(Publish),
    /// Erasures that recipients have to be told about.
    #[command(subcommand)]
    Erasure(Erasure),
    /// The clock of this machine.
    #[command(subcommand)]
    Clock(ClockCommand),
    /// Print the keys that tills without a network check vouchers with.
    TillKeys,
    /// Stand between a scanner and a till: vouchers go in, the shop's own coupons come out.
    Bridge(bridge::BridgeArguments),
    /// What a bridge took and has to upload.
    #[command(subcommand)]
    Spent(bridge::Spent),
    /// Write the papers of a privacy officer into a new folder: record of processing, notice, impact assessment, clause for
    /// a host, desk for rights.
    Papers(papers::PapersArguments),
    /// Write the evidence for an auditor into a new folder: the log and what opens it.
    Evidence {
        /// The folder.
        to: PathBuf,
    },
    /// After the store went back in time and nothing newer is left: archive its log, end every grant, begin the next log.
    Restore(restore::RestoreArguments),
}

#[derive(Debug, Subcommand)]
enum Key {
    /// Make a key and print it, this once.
    Add {
        /// What to call it.
        name: String,
        /// Code of the shop it is bound to, eight hexadecimal digits.
        #[arg(long, value_parser = parse_shop)]
        shop: ShopCode,
        /// What it may be used for: sightings, arrivals, emitter, catalogue, tills, redemptions, wishes, answers, feedback,
        /// receipts.
        #[arg(long, required = true, value_delimiter = ',', value_parser = parse_scope)]
        scope: Vec<ShopScope>,
    },
    /// List all keys, without the keys.
    List,
    /// End a key at once.
    Revoke {
        /// Which.
        name: String,
    },
}

#[derive(Debug, Subcommand)]
enum Publish {
    /// Sign, log and publish what a JSON file says.
    Publish {
        /// The file.
        file: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
enum Erasure {
    /// List grants that are over and whose recipients have to be told to erase, with the last day for it.
    List,
    /// Say that every recipient of a grant was told: the erasure is signed.
    Told {
        /// Which grant.
        #[arg(value_parser = parse_grant)]
        grant: GrantId,
    },
}

#[derive(Debug, Subcommand)]
enum ClockCommand {
    /// Say that it is right, though it leapt: what is due is done again.
    Confirm,
}

fn parse_grant(text: &str) -> Result<GrantId, String> {
    GrantId::parse(text).map_err(|error| error.to_string())
}

fn parse_shop(text: &str) -> Result<ShopCode, String> {
    ShopCode::parse(text).map_err(|error| error.to_string())
}

fn parse_scope(text: &str) -> Result<ShopScope, String> {
    let scope = ShopScope::ALL.iter().find(|scope| scope.as_str() == text);
    scope.copied().ok_or_else(|| {
        let all: Vec<_> = ShopScope::ALL.iter().map(|scope| scope.as_str()).collect();
        format!("not one of {}", all.join(", "))
    })
}

/// Carries out a command line. Exit 0: done; 2: could not.
pub fn run(arguments: Arguments) -> ExitCode {
    let Arguments { folder, marks, command } = arguments;
    match carry_out(&folder, marks, command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::failure(&format!("{error:#}"), "see `besace-gateway --help`");
            ExitCode::from(2)
        }
    }
}

fn carry_out(folder: &Path, marks: Option<PathBuf>, command: Command) -> anyhow::Result<()> {
    let now = SystemClock.now();
    let mut rng = Rng::new(Arc::new(SystemEntropy));
    let marks = marks.or_else(config::marks);
    let marks = marks.as_deref();
    match command {
        Command::Init { retailer, listen } => init::init(folder, &retailer, listen),
        Command::Serve { listen } => serve(folder, marks, listen),
        Command::Health { listen } => {
            let address = address(folder, listen)?;
            let well = net::is_well(address).with_context(|| format!("asked {address}"))?;
            anyhow::ensure!(well, "whoever listens at {address} says that it is not well");
            output::line("ok");
            Ok(())
        }
        Command::Key(Key::Add { name, shop, scope }) => {
            let key = open(folder, marks)?.add_shop_key(&name, shop, &scope, &mut rng)?;
            output::line(&key.danger_text());
            Ok(())
        }
        Command::Key(Key::List) => {
            for entry in open_to_read(folder, marks)?.shop_keys()? {
                output::line(&entry.to_string());
            }
            Ok(())
        }
        Command::Key(Key::Revoke { name }) => {
            anyhow::ensure!(
                open(folder, marks)?.revoke_shop_key(&name)?,
                "there is no key of this name"
            );
            Ok(())
        }
        Command::Grant(command) => grant::grant(folder, marks, command, now, &mut rng),
        Command::Request(Publish::Publish { file }) => {
            let draft: RequestDraft = read_json(&file)?;
            let id = open_in_time(folder, marks, now)?.publish_request(draft, now, &mut rng)?;
            output::line(&id.to_string());
            Ok(())
        }
        Command::Catalogue(Publish::Publish { file }) => {
            let mut retailer = open_in_time(folder, marks, now)?;
            let count = retailer.publish_catalogue(&read_bytes(&file)?, now, &mut rng)?;
            output::line(&format!("{count} offers"));
            Ok(())
        }
        Command::Erasure(Erasure::List) => {
            for owed in open_to_read(folder, marks)?.owed_erasures(now)? {
                let recipients: Vec<_> = owed.recipients.iter().map(ToString::to_string).collect();
                let (grant, due) = (owed.grant, owed.due.as_unix_seconds());
                output::line(&format!("{grant} due={due} {}", recipients.join(" ")));
            }
            Ok(())
        }
        Command::Erasure(Erasure::Told { grant }) => {
            open_in_time(folder, marks, now)?.recipients_told(grant, now, &mut rng)?;
            Ok(())
        }
        Command::Clock(ClockCommand::Confirm) => {
            let mut retailer = open(folder, marks)?;
            retailer.confirm_clock(now)?;
            retailer.tidy(now, &mut rng)?;
            Ok(())
        }
        Command::TillKeys => {
            output::line(&String::from_utf8(open(folder, marks)?.till_keys(now)?)?);
            Ok(())
        }
        Command::Bridge(arguments) => bridge::bridge(arguments),
        Command::Spent(command) => bridge::spent(command),
        Command::Papers(arguments) => {
            let retailer = open_now(folder, marks)?;
            papers::papers(folder, &retailer, &arguments, now)
        }
        Command::Evidence { to } => {
            let count = write_evidence(&open_to_read(folder, marks)?, &to)?;
            output::line(&format!("{count} files"));
            Ok(())
        }
        Command::Restore(arguments) => restore::restore(folder, marks, &arguments),
    }
}

/// Writes a bundle file by file; nothing that is there already is touched.
fn write_evidence(retailer: &Retailer, to: &Path) -> anyhow::Result<usize> {
    let bundle = retailer.audit_bundle()?;
    std::fs::create_dir(to).with_context(|| format!("cannot make {}", to.display()))?;
    for (name, bytes) in bundle.files() {
        let path = to.join(name);
        path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
        std::fs::write(path, bytes)?;
    }
    Ok(bundle.files().len())
}

/// The store, held against its mark, and what the mark says if the store is older, or another one.
fn held(
    folder: &Path,
    marks: Option<&Path>,
) -> anyhow::Result<(Config, SqliteStore, Option<MarkError>)> {
    let config = Config::read(folder)?;
    let path = folder.join(Config::STORE);
    let (store, kept) = match marks {
        Some(marks) => {
            let (store, kept) = SqliteStore::open_marked(&path, marks)?;
            (store, Some(kept))
        }
        None => (SqliteStore::open(&path)?, None),
    };
    let mut gone_back = None;
    match kept {
        None => output::failure(
            "there is no place for a mark, so nobody notices when the store is put back",
            "name a folder: BESACE_GATEWAY_MARKS",
        ),
        Some(Err(error @ MarkError::Io { .. })) => {
            let error = anyhow::Error::from(error);
            output::failure(&format!("{error:#}"), "nobody notices when the store is put back");
        }
        Some(Err(
            error @ (MarkError::WentBack { .. } | MarkError::Left { .. } | MarkError::Other { .. }),
        )) => {
            gone_back = Some(error);
        }
        Some(kept) => kept?,
    }
    Ok((config, store, gone_back))
}

/// For what only looks: nothing can be written to the store, and neither what is due nor a changed configuration is. A store that
/// went back is opened too, with a warning.
fn open_to_read(folder: &Path, marks: Option<&Path>) -> anyhow::Result<Retailer> {
    let (config, store, gone_back) = held(folder, marks)?;
    let retailer = Retailer::open_to_read(store)?;
    same_domain(&retailer, &config)?;
    if let Some(gone_back) = gone_back {
        output::failure(
            &gone_back.to_string(),
            "what is shown is as old as this copy: keys revoked and consents withdrawn since are in it",
        );
    }
    Ok(retailer)
}

/// As [`open_to_read`], but not where the store went back: what is written from it is held to be so.
fn open_now(folder: &Path, marks: Option<&Path>) -> anyhow::Result<Retailer> {
    let (config, store, gone_back) = held(folder, marks)?;
    gone_back.map_or(Ok(()), Err)?;
    let retailer = Retailer::open_to_read(store)?;
    same_domain(&retailer, &config)?;
    Ok(retailer)
}

fn open(folder: &Path, marks: Option<&Path>) -> anyhow::Result<Retailer> {
    let (config, store, gone_back) = held(folder, marks)?;
    gone_back.map_or(Ok(()), Err)?;
    catch_up(config, store)
}

/// For what bears the time: not by a clock that is in doubt.
fn open_in_time(folder: &Path, marks: Option<&Path>, now: Timestamp) -> anyhow::Result<Retailer> {
    let retailer = open(folder, marks)?;
    retailer.check_clock(now)?;
    Ok(retailer)
}

fn same_domain(retailer: &Retailer, config: &Config) -> anyhow::Result<()> {
    anyhow::ensure!(
        retailer.identity().domain == config.retailer.domain,
        "the store is of another domain than the configuration"
    );
    Ok(())
}

fn catch_up(config: Config, store: SqliteStore) -> anyhow::Result<Retailer> {
    let (now, mut rng) = (SystemClock.now(), Rng::new(Arc::new(SystemEntropy)));
    let (mut retailer, leap) = Retailer::open_unless_leapt(store, now, &mut rng)?;
    let leapt = leap.is_some();
    if let Some(leap) = leap {
        output::failure(&leap.to_string(), "the gateway goes on all the same");
    }
    same_domain(&retailer, &config)?;
    if leapt {
        // What is published bears the time.
        return Ok(retailer);
    }
    if *retailer.identity() != config.retailer {
        let Identity { domain: _, legal, shops } = config.retailer;
        retailer.set_profile(legal, shops, now, &mut rng)?;
    }
    retailer.follow_voucher_plan(config.vouchers.as_ref(), now, &mut rng)?;
    Ok(retailer)
}

fn address(folder: &Path, listen: Option<SocketAddr>) -> Result<SocketAddr, ConfigError> {
    listen.map_or_else(|| Config::read(folder).map(|config| config.listen), Ok)
}

/// How often, and after what pause, the end looks whether the threads of the server let go of the store: 10 s.
const LET_GO_TRIES: usize = 2_000;
const LET_GO_PAUSE: Duration = Duration::from_millis(5);

/// What is logged unless `RUST_LOG` says otherwise. The server's library calls it an error when a stranger sends
/// half a request; an error of ours is a bug or a broken machine.
const LOG_FILTER: &str = "info,actix_http::h1::dispatcher=off";

fn serve(folder: &Path, marks: Option<&Path>, listen: Option<SocketAddr>) -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env()
                .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(LOG_FILTER)),
        )
        .with_writer(std::io::stderr)
        .init();
    let limits = Config::read(folder)?.limits;
    let witnesses = Config::read_witnesses(folder)?.map(Witnesses::new).transpose()?;
    let address = address(folder, listen)?;
    let retailer = Arc::new(Mutex::new(open(folder, marks)?));
    let listener =
        TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let kept = Arc::clone(&retailer);
    let served = runtime.block_on(async move {
        if let Some(witnesses) = witnesses {
            let (retailer, clock) = (Arc::downgrade(&retailer), Arc::new(SystemClock));
            tokio::spawn(witnesses.keep_asking(retailer, clock));
        }
        let (server, address) = http::serve_within(
            limits,
            retailer,
            listener,
            Arc::new(SystemClock),
            Arc::new(SystemEntropy),
        )?;
        let (handle, end) = (server.handle(), end()?);
        tokio::spawn(async move {
            end.await;
            handle.stop(true).await;
        });
        output::line(&format!("listening on http://{address}"));
        server.await?;
        Ok(())
    });
    drop(runtime);
    // The server says that it ended before its threads let go of the store: whoever is last closes it, and if
    // the process ended first, nobody would.
    for _ in 0..LET_GO_TRIES {
        if Arc::strong_count(&kept) == 1 {
            break;
        }
        std::thread::park_timeout(LET_GO_PAUSE);
    }
    served
}

/// When somebody ends this: a person with Ctrl-C, or a supervisor with SIGTERM. Both are heard from the
/// moment that this returns.
#[cfg(unix)]
fn end() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut by_hand, mut supervisor) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = by_hand.recv() => {}
            _ = supervisor.recv() => {}
        }
    })
}

/// When a person ends this with Ctrl-C.
#[cfg(not(unix))]
fn end() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async {
        drop(tokio::signal::ctrl_c().await);
    })
}
