//! From her key to the first page, with two thousand offers to match and years of places in the vault.

use std::{net::TcpListener, path::Path, time::Instant};

use anyhow::{Context as _, Result, ensure};
use besace_agent::{
    engine::Engine,
    http::ServeOptions,
    keyring::{DeviceKey, Keyring, Secret},
    ui::{
        page::{Frame, Section, TodayPage},
        today,
        voice::Voice,
    },
    vault::{Fix, Vault, WishContent},
};
use besace_protocol::{crypto::SecretBytes, lang::Language, private::Private, time::Timestamp};
use jiff::tz::TimeZone;
use reqwest::{Client, header, redirect::Policy};

use super::{
    super::{
        Run,
        figures::{Figures, Sample},
        yardstick::{Both, Watch},
    },
    copy_in_clear, milliseconds,
    ways::{Deed, Orders, Other},
};
use crate::{
    shopper::WISHES,
    world::{PASSPHRASE, World},
};

/// When the first page is asked for: after the last fix.
const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_258_800);
/// From one lock to the next unlock, in seconds.
const AWAY_SECONDS: u64 = 3_600;
/// Fixes that are put into the vault in one transaction.
const PIECE: usize = 100_000;

/// Milliseconds from her key to the first page, by the parts that take them.
pub(super) fn measure(run: &Run, fixes: &[Fix], figures: &mut Figures) -> Result<()> {
    let runs = if run.quick { 2 } else { 21 };
    tokio::runtime::Runtime::new()?.block_on(async {
        let world = World::start(NOW, false).await?;
        let measured = in_a_world(&world, runs, fixes, figures).await;
        world.close().await;
        measured
    })
}

async fn in_a_world(
    world: &World,
    runs: usize,
    fixes: &[Fix],
    figures: &mut Figures,
) -> Result<()> {
    for house in [&world.lumen, &world.pont] {
        world.exchange.meet(&house.domain).await?;
    }
    for wish in WISHES {
        let personal = |text: &str| Private::new(text.to_owned());
        world.engine().add_wish(WishContent {
            text: personal(wish.text),
            gtin: wish.gtin.map(personal),
            category: wish.category.map(personal),
            max_price: wish.price_at_most,
            deadline: None,
        })?;
    }
    let (device, _) = world.engine().new_device_key()?;
    world.engine().add_device_key(&device)?;
    world.engine().lock();
    let (path, key) = (world.vault.join("vault.db"), key_of(world, &device)?);
    let vault = Vault::open(&path, &key)?;
    for piece in fixes.chunks(PIECE) {
        vault.add_fixes(piece.to_vec())?;
    }
    vault.close();

    let ours = without_argon2id(world, &device, runs)?;
    let plain = plainly(&path, &key, world.folder.path(), runs)?;
    let [unlocked, seen, shown] = ours.map(milliseconds);
    let name = "unlock_to_first_page_without_argon2id";
    figures.sample("unlock_without_argon2id_milliseconds", unlocked);
    figures.sample("unlock_to_first_page_data_without_argon2id_milliseconds", seen);
    figures.sample(&format!("{name}_milliseconds"), shown);
    figures.sample("plain_sqlite_to_offers_read_milliseconds", plain);
    figures.set(&format!("{name}_ratio_to_plain_sqlite"), shown.median / plain.median);

    let [page, cpu] = in_a_browser(world, runs.min(7)).await?;
    figures.sample("unlock_to_first_page_milliseconds", page.times(1e3));
    figures.sample("unlock_to_first_page_cpu_milliseconds", cpu.times(1e3));
    figures.note("unlock_to_first_page_kdf", "Argon2id with the smallest parameters is part of it");
    Ok(())
}

/// The key of the file in a world whose vault is locked.
fn key_of(world: &World, device: &DeviceKey) -> Result<SecretBytes<32>> {
    let keyring = Keyring::read(&world.vault.join("vault.slots.json"))?;
    Ok(keyring.unlock(Secret::Device(device))?.vault_key())
}

/// Seconds until the vault is open, until all is known that the page shows, until the page is written. An hour after it
/// was locked: a key file needs no stretching, and the rest is the same.
fn without_argon2id(world: &World, device: &DeviceKey, runs: usize) -> Result<[Vec<f64>; 3]> {
    let voice = Voice::new(Language::Fr, TimeZone::UTC);
    let mut taken = [const { Vec::new() }; 3];
    for _ in 0..runs {
        world.engine().lock();
        world.clock.reach(world.clock.now().plus(AWAY_SECONDS));
        let seconds = unlock_and_show(world.engine(), device, &voice)?;
        for (taken, seconds) in taken.iter_mut().zip(seconds) {
            taken.push(seconds);
        }
    }
    world.engine().lock();
    Ok(taken)
}

fn unlock_and_show(engine: &Engine, device: &DeviceKey, voice: &Voice) -> Result<[f64; 3]> {
    let begun = Instant::now();
    engine.unlock_with(Secret::Device(device))?;
    let unlocked = begun.elapsed();
    let view = today::view(voice, engine)?;
    let seen = begun.elapsed();
    let frame = Frame::open(voice, voice.say("today-title"), Section::Today, "/");
    let page = TodayPage { frame, view: &view }.to_string();
    let shown = begun.elapsed();
    ensure!(page.contains("<article") && !view.offers.is_empty(), "no offer stands on the page");
    Ok([unlocked, seen, shown].map(|taken| taken.as_secs_f64()))
}

/// What nobody can do without: the same rows from a file without a key, and each catalogue read as JSON once. No
/// signature is verified, nothing is matched, no page is written.
fn plainly(path: &Path, key: &SecretBytes<32>, folder: &Path, runs: usize) -> Result<Sample> {
    let plain = folder.join("plain.db");
    copy_in_clear(path, key, &plain)?;
    let mut other = Other::start(&Orders { path: plain, key: None, fixes: 0 })?;
    let taken = other.times(Deed::Offers(runs))?;
    Ok(milliseconds(taken.iter().map(|both| both.wall).collect()))
}

/// Seconds of unlocking in a form and reading the page of today, on the wall and of the processor.
async fn in_a_browser(world: &World, runs: usize) -> Result<[Sample; 2]> {
    let options = ServeOptions { hosts: Vec::new(), zone: TimeZone::UTC, claim: None };
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let (server, address) = besace_agent::http::serve(world.exchange.clone(), listener, options)?;
    let handle = server.handle();
    tokio::spawn(server);
    let client = Client::builder().no_proxy().redirect(Policy::none()).build()?;
    let site = format!("http://{address}");
    let mut taken = Vec::new();
    for _ in 0..runs {
        world.engine().lock();
        world.clock.reach(world.clock.now().plus(AWAY_SECONDS));
        taken.push(once(&client, &site).await?);
    }
    handle.stop(false).await;
    let clocks: [fn(&Both) -> f64; 2] = [|taken| taken.wall, |taken| taken.cpu];
    Ok(clocks.map(|clock| Sample::of(taken.iter().map(clock).collect())))
}

async fn once(client: &Client, site: &str) -> Result<Both> {
    let form = PASSPHRASE.replace(' ', "%20").replace('é', "%C3%A9");
    let watch = Watch::start();
    let unlock = client
        .post(format!("{site}/unlock"))
        .header(header::ORIGIN, site)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(format!("passphrase={form}"));
    let answer = unlock.send().await?;
    ensure!(answer.status().as_u16() == 303, "the vault did not open");
    let cookie = answer.headers().get(header::SET_COOKIE).context("a session")?.to_str()?;
    let cookie = cookie.split(';').next().context("a cookie")?.to_owned();
    let page = client.get(format!("{site}/")).header(header::COOKIE, cookie).send().await?;
    ensure!(page.status().as_u16() == 200, "the page was refused");
    let text = page.text().await?;
    let taken = watch.read();
    ensure!(text.contains("<article") || text.contains("Lumen"), "no offer stands on the page");
    Ok(taken)
}
