//! `besace-demo`: two retailers, a shopper and an auditor on this machine, and the story they play.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this program talks to a person")]

use std::{net::TcpListener, process::ExitCode, time::Duration};

use anyhow::{Context as _, Result};
use besace_agent::http::ServeOptions;
use besace_e2e::{
    story::{StepReport, Story},
    world::PASSPHRASE,
};
use clap::Parser;

/// Plays the whole of Besace on this machine: nothing leaves the loopback, nothing is kept afterwards unless you say so.
#[derive(Debug, Parser)]
#[command(name = "besace-demo", version)]
struct Arguments {
    /// Play without waiting, then end.
    #[arg(long)]
    once: bool,
    /// Print what was seen as one JSON object; implies --once.
    #[arg(long)]
    json: bool,
    /// Address of the shopper's pages.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7878")]
    listen: std::net::SocketAddr,
    /// Keep what the auditor is handed: a folder `evidence`, and `policy.json`; beside it receipts and proofs, and in `moved` evidence and policy of what she did under new keys. DIR must not exist.
    #[arg(long, value_name = "DIR")]
    evidence: Option<std::path::PathBuf>,
    /// Play nothing; make a vault of this version to keep, with a row in every table.
    #[arg(long, value_name = "DIR", hide = true)]
    fixture: Option<std::path::PathBuf>,
}

/// Time to read a step.
const READING: Duration = Duration::from_secs(4);

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    match runtime.block_on(play(&arguments)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => failed(&error),
    }
}

fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("besace-demo: {error:#}");
    ExitCode::from(2)
}

async fn play(arguments: &Arguments) -> Result<bool> {
    if let Some(folder) = &arguments.fixture {
        besace_e2e::fixture::make(folder).await?;
        return Ok(true);
    }
    let once = arguments.once || arguments.json;
    let mut story = Story::begin(!once).await?;
    if let Some(folder) = &arguments.evidence {
        let advice = || format!("{} is not made; give --evidence a new folder", folder.display());
        std::fs::create_dir(folder).with_context(advice)?;
        story.evidence = Some(folder.clone());
    }
    let pages = if once { None } else { Some(serve(arguments, &story)?) };
    let json = arguments.json;
    let reports = story
        .play(|report| async move {
            if !json {
                tell(&report);
            }
            if !once {
                tokio::time::sleep(READING).await;
            }
        })
        .await;
    let all = reports.iter().all(|report| report.ok);
    if all && arguments.evidence.is_some() {
        story.go_on_under_new_keys().await?;
    }
    if json {
        println!("{}", serde_json::json!({ "steps": reports }));
    } else if all {
        println!("\nAll {} steps held.", reports.len());
    }
    if let Some(pages) = pages {
        println!("The page stays open until you press Ctrl-C.");
        tokio::signal::ctrl_c().await?;
        pages.stop(false).await;
    }
    story.world.close().await;
    Ok(all)
}

fn serve(arguments: &Arguments, story: &Story) -> Result<actix_web::dev::ServerHandle> {
    let listener = TcpListener::bind(arguments.listen).with_context(|| {
        let address = arguments.listen;
        format!("no page on {address}; close what uses it, or choose another with --listen")
    })?;
    let options = ServeOptions {
        hosts: Vec::new(),
        zone: jiff::tz::TimeZone::get("Europe/Paris")?,
        claim: None,
    };
    let (server, address) =
        besace_agent::http::serve(story.world.exchange.clone(), listener, options)?;
    let handle = server.handle();
    tokio::spawn(server);
    println!("Her pages: http://{address}/   passphrase: {PASSPHRASE}\n");
    Ok(handle)
}

fn tell(report: &StepReport) {
    let mark = if report.ok { "✓" } else { "✗" };
    println!("{mark} {:<30} {}", report.name.replace('_', " "), report.detail);
}
