//! From the passphrase in a browser's form to the first page, with two thousand offers to match.

use std::net::TcpListener;

use anyhow::{Context as _, Result, ensure};
use besace_agent::{http::ServeOptions, vault::WishContent};
use besace_protocol::{private::Private, time::Timestamp};
use jiff::tz::TimeZone;
use reqwest::{Client, header, redirect::Policy};

use super::super::{
    figures::Sample,
    yardstick::{Both, Watch},
};
use crate::{
    shopper::WISHES,
    world::{PASSPHRASE, World},
};

/// Seconds of unlocking and reading the page of today, on the wall and of the processor.
pub(super) fn seconds(runs: usize) -> Result<[Sample; 2]> {
    tokio::runtime::Runtime::new()?.block_on(async {
        let world = World::start(Timestamp::from_unix_seconds(1_795_258_800), false).await?;
        let measured = unlock_and_read(&world, runs).await;
        world.close().await;
        measured
    })
}

async fn unlock_and_read(world: &World, runs: usize) -> Result<[Sample; 2]> {
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
    let options = ServeOptions { hosts: Vec::new(), zone: TimeZone::UTC };
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let (server, address) = besace_agent::http::serve(world.exchange.clone(), listener, options)?;
    let handle = server.handle();
    tokio::spawn(server);
    let client = Client::builder().no_proxy().redirect(Policy::none()).build()?;
    let site = format!("http://{address}");
    let mut taken = Vec::new();
    for _ in 0..runs {
        world.engine().lock();
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
