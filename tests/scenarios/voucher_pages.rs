//! Vouchers on her pages, from an offer to a till that takes one: `spec/redemption.md`, over HTTP.
#![expect(clippy::unwrap_used, reason = "a scenario that cannot go on fails")]

use std::net::TcpListener;

use actix_web::dev::ServerHandle;
use besace_agent::{http::ServeOptions, vault::WishContent};
use besace_e2e::{
    shopper::WISHES,
    world::{Answer, PASSPHRASE, World},
};
use besace_protocol::{money::Money, private::Private, problem::ProblemType, time::Timestamp};
use jiff::tz::TimeZone;
use reqwest::{Client, header, redirect::Policy};

/// Wednesday, 18 November 2026, 10:00 in Lyon.
pub(super) const NOW: Timestamp = Timestamp::from_unix_seconds(1_794_992_400);

/// Her browser, at the pages of an agent that has vouchers and wishes.
pub(super) struct Browser {
    client: Client,
    site: String,
    cookie: String,
    server: ServerHandle,
}

impl Browser {
    pub(super) async fn open(world: &World) -> Self {
        let options = ServeOptions { hosts: Vec::new(), zone: TimeZone::UTC, claim: None };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (server, address) =
            besace_agent::http::serve(world.exchange.clone(), listener, options).unwrap();
        let handle = server.handle();
        tokio::spawn(server);
        let client = Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
        let mut browser = Self {
            client,
            site: format!("http://{address}"),
            cookie: String::new(),
            server: handle,
        };
        let passphrase = PASSPHRASE.replace(' ', "%20").replace('é', "%C3%A9");
        let answer = browser.post("/unlock", &format!("passphrase={passphrase}")).await;
        let cookie = answer.headers().get(header::SET_COOKIE).unwrap().to_str().unwrap();
        cookie.split(';').next().unwrap().clone_into(&mut browser.cookie);
        browser
    }

    pub(super) async fn get(&self, path: &str) -> (u16, String) {
        let request = self.client.get(format!("{}{path}", self.site));
        let answer = request.header(header::COOKIE, &self.cookie).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    async fn post(&self, path: &str, form: &str) -> reqwest::Response {
        self.client
            .post(format!("{}{path}", self.site))
            .header(header::ORIGIN, &self.site)
            .header(header::COOKIE, &self.cookie)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form.to_owned())
            .send()
            .await
            .unwrap()
    }

    /// Status and page after a button.
    pub(super) async fn press(&self, path: &str, form: &str) -> (u16, String) {
        let answer = self.post(path, form).await;
        (answer.status().as_u16(), answer.text().await.unwrap())
    }
}

impl Browser {
    /// Stops serving its pages.
    pub(super) async fn leave(&self) {
        self.server.stop(false).await;
    }
}

pub(super) async fn world() -> World {
    let world = World::start(NOW, false).await.unwrap();
    world.lumen.give_vouchers(NOW).unwrap();
    for wish in WISHES {
        let personal = |text: &str| Private::new(text.to_owned());
        let content = WishContent {
            text: personal(wish.text),
            gtin: wish.gtin.map(personal),
            category: wish.category.map(personal),
            max_price: wish.price_at_most,
            deadline: None,
        };
        world.engine().add_wish(content).unwrap();
    }
    world.exchange.meet(&world.lumen.domain).await.unwrap();
    world.exchange.fetch_vouchers(&world.lumen.domain).await.unwrap();
    world.clock.reach(NOW.plus(3_600));
    world.exchange.fetch_vouchers(&world.lumen.domain).await.unwrap();
    world
}

/// What stands between two texts.
fn between<'a>(page: &'a str, before: &str, after: &str) -> &'a str {
    page.split_once(before).unwrap().1.split_once(after).unwrap().0
}

/// A text of a page without its escapes.
fn unescaped(text: &str) -> String {
    text.replace("&#38;", "&").replace("&#60;", "<").replace("&#62;", ">")
}

#[tokio::test]
async fn from_an_offer_to_the_till_she_reads_what_the_shop_learns_and_shows_one() {
    let world = world().await;
    let browser = Browser::open(&world).await;
    let (_, today) = browser.get("/").await;
    let path = format!("/vouchers/{}/", world.lumen.domain);
    let class = between(&today, &format!("href=\"{path}"), "\"");
    let (status, ask) = browser.get(&format!("{path}{class}")).await;
    assert_eq!(status, 200);
    assert!(ask.contains("À la caisse, ce bon ne dit que «"), "{ask}");
    assert!(ask.contains("votre besace s’arrête à 12"), "{ask}");
    assert!(!ask.contains("<svg viewBox=\"0 0 73"), "nothing is shown before the gesture");
    assert_eq!(world.engine().vouchers().unwrap()[0].told_millibits, 0);

    let form = format!("domain={}&class={class}", world.lumen.domain);
    let (status, shown) = browser.press("/vouchers/show", &form).await;
    assert_eq!(status, 200);
    // Version 12 has 65 modules, and a quiet zone of four on each side.
    assert!(shown.contains("viewBox=\"0 0 73 73\""), "a QR code 12-L");
    let text = unescaped(between(&shown, "<pre class=\"exact\" tabindex=\"0\">", "</pre>"));
    let basket = Money::euro_cents(20_000);
    assert!(matches!(world.lumen.redeem(basket, &text).await.unwrap(), Answer::Given(_)));
    match world.lumen.redeem(basket, &text).await.unwrap() {
        Answer::Refused(problem) => assert_eq!(problem.key, ProblemType::AlreadyRedeemed),
        Answer::Given(redeemed) => panic!("{redeemed:?}"),
    }
    // Another of the same basket: she is asked, and nothing is shown.
    let other = if class == "0" { "1" } else { "0" };
    let form = format!("domain={}&class={other}", world.lumen.domain);
    let (status, asked) = browser.press("/vouchers/show", &form).await;
    assert_eq!(status, 409);
    assert!(asked.contains("les deux viennent de la même personne"), "{asked}");
    assert!(asked.contains("name=\"linked\" value=\"yes\""));
    assert!(!asked.contains("viewBox=\"0 0 73 73\""));
    let (status, _) = browser.press("/vouchers/show", &format!("{form}&linked=yes")).await;
    assert_eq!(status, 200);

    // The till took it: one less.
    let nullifier = between(&shown, "name=\"nullifier\" value=\"", "\"");
    let before: usize =
        world.engine().vouchers().unwrap()[0].classes.iter().map(|held| held.left).sum();
    let answer = browser.post("/vouchers/mark", &format!("nullifier={nullifier}&used=yes")).await;
    assert_eq!(answer.status().as_u16(), 303);
    let after: usize =
        world.engine().vouchers().unwrap()[0].classes.iter().map(|held| held.left).sum();
    assert_eq!(after + 1, before);
    browser.server.stop(false).await;
    world.close().await;
}

#[tokio::test]
async fn what_is_not_there_and_what_is_misspelled_shows_nothing() {
    let world = world().await;
    let browser = Browser::open(&world).await;
    let domain = world.lumen.domain.clone();
    for path in [
        format!("/vouchers/{domain}/15"),
        format!("/vouchers/{domain}/00"),
        format!("/vouchers/{domain}/16"),
        "/vouchers/quincaillerie.example/0".to_owned(),
        "/vouchers/%2e%2e/0".to_owned(),
    ] {
        assert_eq!(browser.get(&path).await.0, 404, "{path}");
    }
    for (path, form, status) in [
        ("/vouchers/show", format!("domain={domain}&class=15"), 404),
        ("/vouchers/show", format!("domain={domain}&class=0&linked=no"), 400),
        ("/vouchers/mark", "nullifier=AAAA&used=yes".to_owned(), 400),
        ("/vouchers/mark", format!("nullifier={}&used=maybe", "A".repeat(43)), 400),
        ("/vouchers/mark", format!("nullifier={}&used=yes", "A".repeat(43)), 404),
    ] {
        assert_eq!(browser.press(path, &form).await.0, status, "{path} {form}");
    }
    assert_eq!(world.engine().vouchers().unwrap()[0].told_millibits, 0);
    // A locked vault shows nothing at all.
    world.engine().lock();
    let (status, _) = browser.press("/vouchers/show", &format!("domain={domain}&class=0")).await;
    assert_eq!(status, 423);
    browser.server.stop(false).await;
    world.close().await;
}
