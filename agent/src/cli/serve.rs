//! `besace serve`: her pages, for her own browser.

use std::{
    net::{SocketAddr, TcpListener},
    time::Duration,
};

use anyhow::{Context as _, bail};
use jiff::tz::TimeZone;

use crate::{
    engine::{Engine, EngineState},
    errands,
    exchange::Exchange,
    http::{self, ClaimCode, ServeOptions},
    net::{DevRetailers, Net},
};

/// Arguments of `besace serve`.
#[derive(Clone, Debug, clap::Args)]
pub struct ServeArguments {
    /// Address and port to listen at.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7878", env = "BESACE_LISTEN")]
    pub listen: SocketAddr,
    /// Listen where other machines can reach the pages, too; the way there is not encrypted.
    #[arg(long)]
    pub listen_anywhere: bool,
    /// A name, beside localhost, under which browsers may ask for the pages; may be repeated.
    #[arg(long, value_name = "NAME", env = "BESACE_HOST", value_delimiter = ',')]
    pub host: Vec<String>,
    /// Lock the vault when you have not used its pages for so many minutes; 0: never. What it does by
    /// itself does not count as use.
    #[arg(long, value_name = "MINUTES", default_value_t = 480, env = "BESACE_LOCK_AFTER")]
    pub lock_after: u64,
    /// The zone of the clock on your wall.
    #[arg(long, value_name = "ZONE", default_value = "Europe/Paris", env = "BESACE_TIME_ZONE")]
    pub time_zone: String,
}

/// Serves the pages of `engine` until the process is told to end, then locks the vault. `announce`
/// hears the address once browsers can reach it, and the code for whoever makes the vault, where there is none.
pub fn serve(
    engine: &Engine,
    dev: DevRetailers,
    arguments: ServeArguments,
    announce: impl FnOnce(SocketAddr, Option<&ClaimCode>),
) -> anyhow::Result<()> {
    let listen = arguments.listen;
    if !listen.ip().is_loopback() && !arguments.listen_anywhere {
        bail!("{listen} can be reached from other machines; say --listen-anywhere if you mean it");
    }
    let zone = TimeZone::get(&arguments.time_zone)
        .with_context(|| format!("there is no time zone {}", arguments.time_zone))?;
    let exchange = Exchange::new(engine.clone(), Net::new(dev)?);
    let listener =
        TcpListener::bind(listen).with_context(|| format!("cannot listen at {listen}"))?;
    let claim =
        (engine.state() == EngineState::Missing).then(|| ClaimCode::generate(&mut engine.rng()));
    let options = ServeOptions { hosts: arguments.host, zone, claim: claim.clone() };
    let served = then_lock(engine, async {
        let errands = actix_web::rt::spawn(errands::run(exchange.clone()));
        let idle = actix_web::rt::spawn(lock_when_idle(engine.clone(), arguments.lock_after));
        let backups = actix_web::rt::spawn(errands::back_up(engine.clone()));
        let (server, address) = http::serve(exchange, listener, options)?;
        let (handle, end) = (server.handle(), end()?);
        actix_web::rt::spawn(async move {
            end.await;
            handle.stop(true).await;
        });
        announce(address, claim.as_ref());
        let ended = server.await;
        errands.abort();
        idle.abort();
        backups.abort();
        ended
    });
    served.context("the server stopped")
}

/// Runs `work`, then locks the vault, then waits for threads that are still at something: the transfer of a backup may
/// hang on a server or on a disk, and whoever ends the process meanwhile must find a vault that was closed well.
fn then_lock<T>(engine: &Engine, work: impl Future<Output = T>) -> T {
    let system = actix_web::rt::System::new();
    let done = system.block_on(work);
    engine.lock();
    done
}

/// Looks a few times a minute whether she is still there.
async fn lock_when_idle(engine: Engine, minutes: u64) {
    const TICK: Duration = Duration::from_secs(15);
    let seconds = minutes.saturating_mul(60);
    if seconds == 0 {
        return;
    }
    let mut ticks = tokio::time::interval(TICK);
    loop {
        ticks.tick().await;
        let engine = engine.clone();
        let locked = tokio::task::spawn_blocking(move || engine.lock_if_idle(seconds)).await;
        if matches!(locked, Ok(true)) {
            tracing::info!("locked: nobody used the pages");
        }
    }
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

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_thread_that_hangs_does_not_keep_the_vault_open() {
        const LONG: Duration = Duration::from_mins(1);
        let (_folder, engine) = crate::engine::tests::open_engine();
        let (locked, hears) = mpsc::channel();
        let mut changes = engine.grant_changes();
        let seen = engine.clone();
        let watcher = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            while seen.state() == EngineState::Open {
                runtime.block_on(changes.changed()).unwrap();
            }
            locked.send(()).unwrap();
        });
        let found = then_lock(&engine, async {
            // As one in the middle of a transfer: it ends no sooner than the vault is locked.
            let (says, found) = mpsc::channel();
            let (begins, began) = tokio::sync::oneshot::channel();
            drop(tokio::task::spawn_blocking(move || {
                begins.send(()).unwrap();
                says.send(hears.recv_timeout(LONG).is_ok()).unwrap();
            }));
            began.await.unwrap();
            found
        });
        assert!(found.recv().unwrap(), "the vault was locked while the thread was still there");
        watcher.join().unwrap();
    }
}
