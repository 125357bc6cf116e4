//! A person who loses her passphrase, her kit, or both: `spec/vault.md#slots`, over HTTP.
#![expect(clippy::unwrap_used, reason = "a scenario that cannot go on fails")]

use std::{net::TcpListener, sync::Arc};

use actix_web::dev::ServerHandle;
use besace_agent::{
    clock::FixedClock,
    config::VaultFolder,
    engine::Engine,
    entropy::SeededEntropy,
    exchange::Exchange,
    http::ServeOptions,
    keyring::{KdfParameters, Passphrase},
    net::{DevRetailers, Net},
    vault::ProfileField,
};
use besace_protocol::time::Timestamp;
use jiff::tz::TimeZone;
use reqwest::{Client, Response, header, redirect::Policy};

const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_300_000);
const PASSPHRASE: &str = "passphrase=trois+petits+pois";

/// She, at her browser, with a fresh vault that knows her name.
struct She {
    client: Client,
    site: String,
    cookie: String,
    engine: Engine,
    server: ServerHandle,
    _folder: tempfile::TempDir,
}

impl She {
    fn begins() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let engine = Engine::start(
            VaultFolder::new(folder.path()),
            Arc::new(FixedClock::new(NOW)),
            Arc::new(SeededEntropy::new(7)),
        )
        .unwrap();
        let passphrase = Passphrase::new("trois petits pois".to_owned()).unwrap();
        engine.create(&passphrase, KdfParameters::SMALLEST).unwrap();
        engine.set_profile(ProfileField::Name, "Nour".to_owned().into()).unwrap();
        engine.lock();
        let exchange = Exchange::new(engine.clone(), Net::new(DevRetailers::default()).unwrap());
        let options = ServeOptions { hosts: Vec::new(), zone: TimeZone::UTC, claim: None };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (server, address) = besace_agent::http::serve(exchange, listener, options).unwrap();
        let handle = server.handle();
        tokio::spawn(server);
        Self {
            client: Client::builder().no_proxy().redirect(Policy::none()).build().unwrap(),
            site: format!("http://{address}"),
            cookie: String::new(),
            engine,
            server: handle,
            _folder: folder,
        }
    }

    async fn reads(&self, path: &str) -> String {
        let request = self.client.get(format!("{}{path}", self.site));
        let answer = request.header(header::COOKIE, &self.cookie).send().await.unwrap();
        answer.text().await.unwrap()
    }

    async fn sends(&self, path: &str, form: &str) -> Response {
        let request = self.client.post(format!("{}{path}", self.site));
        request
            .header(header::ORIGIN, &self.site)
            .header(header::COOKIE, &self.cookie)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form.to_owned())
            .send()
            .await
            .unwrap()
    }

    /// She gets in, and is led to `leads_to`.
    async fn gets_in(&mut self, path: &str, form: &str, leads_to: &str) {
        let answer = self.sends(path, form).await;
        assert_eq!(answer.headers().get(header::LOCATION).unwrap(), leads_to);
        let cookie = answer.headers().get(header::SET_COOKIE).unwrap().to_str().unwrap();
        cookie.split(';').next().unwrap().clone_into(&mut self.cookie);
        let profile = self.engine.profile().unwrap();
        assert_eq!(profile.get(ProfileField::Name).unwrap().reveal(), "Nour");
    }

    async fn locks(&mut self) {
        assert_eq!(self.sends("/lock", "").await.status().as_u16(), 303);
        self.cookie.clear();
    }

    /// A kit, on paper and typed back; the words as a form writes them.
    async fn makes_a_kit(&self) -> String {
        let page = self.sends("/kit", PASSPHRASE).await.text().await.unwrap();
        let words = page.split("<li><span>").skip(1).map(|rest| rest.split('<').next().unwrap());
        let words = words.collect::<Vec<_>>().join("+");
        let proven = self.sends("/kit/proof", &format!("words={words}")).await;
        assert_eq!(proven.headers().get(header::LOCATION).unwrap(), "/kit");
        words
    }
}

#[tokio::test]
async fn the_passphrase_is_lost_and_the_kit_is_in_hand() {
    let mut she = She::begins();
    she.gets_in("/unlock", PASSPHRASE, "/kit").await;
    let words = she.makes_a_kit().await;
    she.locks().await;
    for _ in 0..5 {
        let wrong = she.sends("/unlock", "passphrase=un+petit+pois").await;
        assert_eq!(wrong.status().as_u16(), 403);
    }
    assert_eq!(she.sends("/unlock", PASSPHRASE).await.status().as_u16(), 429);
    let form = format!("words={words}&passphrase=lune+rousse+en+hiver&again=lune+rousse+en+hiver");
    she.gets_in("/unlock/kit", &form, "/").await;
    she.locks().await;
    // She waits no more: what was tried was tried on the passphrase that is gone.
    she.gets_in("/unlock", "passphrase=lune+rousse+en+hiver", "/").await;
    she.server.stop(false).await;
}

#[tokio::test]
async fn the_kit_is_lost_and_the_passphrase_is_in_hand() {
    let mut she = She::begins();
    she.gets_in("/unlock", PASSPHRASE, "/kit").await;
    let lost = she.makes_a_kit().await;
    she.locks().await;
    she.gets_in("/unlock", PASSPHRASE, "/").await;
    let found = she.makes_a_kit().await;
    assert_ne!(lost, found);
    let old = she.engine.keys().unwrap().slots[1].id;
    let removed = she.sends(&format!("/keys/{old}/remove"), PASSPHRASE).await;
    assert_eq!(removed.headers().get(header::LOCATION).unwrap(), "/keys");
    she.locks().await;
    let form = |words: &str| {
        format!("words={words}&passphrase=lune+rousse+en+hiver&again=lune+rousse+en+hiver")
    };
    assert_eq!(she.sends("/unlock/kit", &form(&lost)).await.status().as_u16(), 403);
    she.gets_in("/unlock/kit", &form(&found), "/").await;
    she.server.stop(false).await;
}

#[tokio::test]
async fn both_are_lost_and_she_is_told_plainly() {
    let mut she = She::begins();
    she.gets_in("/unlock", PASSPHRASE, "/kit").await;
    let told = she.reads("/kit").await;
    assert!(told.contains("ferme votre besace pour toujours"), "at creation");
    let page = she.sends("/kit", "").await.text().await.unwrap();
    assert!(page.contains("personne ne pourra rouvrir, pas même nous"), "on the paper");
    she.locks().await;
    let words = "abandon+".repeat(14) + "address";
    let form = format!("words={words}&passphrase=lune+rousse+en+hiver&again=lune+rousse+en+hiver");
    let refused = she.sends("/unlock/kit", &form).await;
    assert_eq!(refused.status().as_u16(), 403);
    let told = refused.text().await.unwrap();
    assert!(told.contains("personne ne peut rouvrir cette besace, pas même nous"), "and then");
    she.server.stop(false).await;
}
