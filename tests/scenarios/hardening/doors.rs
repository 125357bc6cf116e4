//! Every row of the agent's table of routes, knocked at without a session, with a wrong one, from another
//! page, under another name, and while the vault is locked.

use besace_agent::{
    engine::NewDevice,
    http::{Method, ROUTES, Route, Who, problems},
    vault::DeviceApp,
};
use besace_protocol::problem::ProblemType;

use crate::hostile::{Agent, probe::Answer};

/// A name for every parameter, well formed and of nothing.
fn address(route: &Route) -> String {
    let kind = match route.name {
        "card" => "card",
        "give" | "refuse" => "request",
        _ => "grant",
    };
    let id = format!("{kind}_{}", "0".repeat(32));
    route.path.replace("{id}", &id).replace("{name}", "nothing.css")
}

struct Knock<'a> {
    agent: &'a Agent,
    route: &'a Route,
    headers: Vec<(&'static str, String)>,
}

impl<'a> Knock<'a> {
    /// As a program on this machine does, or a browser in a page of ours.
    fn at(agent: &'a Agent, route: &'a Route) -> Self {
        let knock = Self { agent, route, headers: Vec::new() };
        match &route.takes {
            Some(takes) => knock.with("Content-Type", takes.media_type),
            None => knock,
        }
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn in_our_page(self) -> Self {
        let own = format!("http://{}", self.agent.host);
        self.with("Origin", own).with("Sec-Fetch-Site", "same-origin")
    }

    fn answer(&self) -> Answer {
        let headers: Vec<(&str, &str)> =
            self.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.agent.ask(self.route.method.as_str(), &address(self.route), &headers, b"")
    }

    fn problem(&self) -> ProblemType {
        let answer = self.answer();
        let said = answer.problem();
        let said = said.unwrap_or_else(|| panic!("{}: {answer:?}", self.route.name)).key;
        let may = problems(self.route);
        assert!(
            may.contains(&said),
            "{} says {said:?}, which its row does not have",
            self.route.name
        );
        said
    }
}

#[test]
fn what_is_hers_opens_to_her_session_alone() {
    let agent = Agent::start();
    let other = Agent::start();
    let session = agent.open();
    // Both draw from the same seeded entropy: the third is one that this agent never gave.
    let foreign = [other.open(), other.open(), other.open()];
    let foreign = foreign[2].replace(&other.port(), &agent.port());
    let ended = agent.open();
    let leave = ROUTES.iter().find(|route| route.name == "leave").unwrap();
    let left = Knock::at(&agent, leave).in_our_page().with("Cookie", &ended).answer();
    assert_eq!(left.status, 303);
    let name = session.split('=').next().unwrap();
    for route in ROUTES.iter().filter(|route| route.who == Who::Owner) {
        let knock = || Knock::at(&agent, route).in_our_page();
        assert_eq!(knock().problem(), ProblemType::Unauthorized, "{}", route.name);
        let wrong = [
            format!("{name}={}", "A".repeat(43)),
            format!("{name}="),
            format!("{session}="),
            foreign.clone(),
            ended.clone(),
            session.replace(name, "besace_session_1"),
        ];
        for cookie in wrong {
            let refused = knock().with("Cookie", &cookie).problem();
            assert_eq!(refused, ProblemType::Unauthorized, "{} {cookie}", route.name);
        }
        // A key or a password of something else is no session.
        for credentials in ["Basic cGhvbmU6cGhvbmU=", "Bearer AAAA"] {
            let refused = knock().with("Authorization", credentials).problem();
            assert_eq!(refused, ProblemType::Unauthorized, "{}", route.name);
        }
        // A person is led to where the passphrase is asked for.
        let led = knock().with("Accept", "text/html").answer();
        assert_eq!(led.status, 303, "{}", route.name);
        assert!(led.head.to_lowercase().contains("location: /unlock\r\n"), "{}", led.head);
        // With it, whatever it says, it is no longer that.
        if !["lock", "leave"].contains(&route.name) {
            let answer = knock().with("Cookie", &session).answer();
            assert!(![401, 423].contains(&answer.status), "{}: {answer:?}", route.name);
        }
    }
    agent.engine.lock();
    for route in ROUTES.iter().filter(|route| route.who == Who::Owner) {
        let refused = Knock::at(&agent, route).in_our_page().with("Cookie", &session).problem();
        assert_eq!(refused, ProblemType::Locked, "{}", route.name);
    }
}

#[test]
fn another_page_or_name_reaches_nothing_whoever_is_logged_in() {
    let agent = Agent::start();
    let session = agent.open();
    let own = format!("http://{}", agent.host);
    for route in ROUTES {
        let name = route.name;
        let knock = || Knock::at(&agent, route).with("Cookie", &session);
        for origin in ["null", "http://evil.example", "https://127.0.0.1", "http://127.0.0.1:1"] {
            let refused = knock().with("Origin", origin).problem();
            assert_eq!(refused, ProblemType::ForeignOrigin, "{name} from {origin}");
            let refused = knock().with("Origin", origin).with("Sec-Fetch-Site", "same-origin");
            assert_eq!(refused.problem(), ProblemType::ForeignOrigin, "{name} from {origin}");
        }
        for site in ["cross-site", "same-site", "anything"] {
            let refused = knock().with("Sec-Fetch-Site", site).problem();
            assert_eq!(refused, ProblemType::ForeignOrigin, "{name} {site}");
            // Not by a form that leads here, either.
            let form = knock().with("Sec-Fetch-Site", site).with("Sec-Fetch-Mode", "navigate");
            let form = form.with("Sec-Fetch-Dest", "document").answer();
            let link = route.method == Method::Get && site != "anything";
            assert!(link || form.status == 403, "{name} {site}: {form:?}");
        }
        if route.method == Method::Post {
            let typed = knock().with("Sec-Fetch-Site", "none").problem();
            assert_eq!(typed, ProblemType::ForeignOrigin, "{name}");
            if ![Who::Device, Who::Delegate].contains(&route.who) {
                let bare = knock().problem();
                assert_eq!(
                    bare,
                    ProblemType::ForeignOrigin,
                    "{name}: a POST says where it is from"
                );
            }
        }
        // A name that somebody else points at our address.
        for host in ["evil.example", "evil.example:80", "127.0.0.1", "localhost:1"] {
            let answer = agent.ask_as(
                host,
                route.method.as_str(),
                &address(route),
                &[("Cookie", session.as_str()), ("Origin", own.as_str())],
            );
            let said = answer.problem().map(|problem| problem.key);
            assert_eq!(said, Some(ProblemType::ForeignOrigin), "{name} as {host}");
        }
    }
    assert!(agent.engine.cards().is_ok(), "and the vault is still open");
}

#[test]
fn a_device_shows_its_own_name_and_password() {
    let agent = Agent::start();
    let session = agent.open();
    for app in [DeviceApp::OwnTracks, DeviceApp::Overland] {
        let name = format!("phone-{app:?}").to_lowercase();
        let device = NewDevice { name, app, sealed: false, shows_shops: false };
        agent.engine.add_device(device).unwrap();
    }
    for route in ROUTES.iter().filter(|route| route.who == Who::Device) {
        for credentials in [
            None,
            Some("Basic"),
            Some("Basic "),
            Some("Basic cGhvbmU6"),
            Some("Basic cGhvbmU6cGhvbmU="),
            Some("Basic OnBob25l"),
            Some("Bearer cGhvbmU6cGhvbmU"),
            Some("Digest username=\"phone\""),
        ] {
            let mut knock = Knock::at(&agent, route).with("Cookie", &session);
            if let Some(credentials) = credentials {
                knock = knock.with("Authorization", credentials);
            }
            let refused = knock.problem();
            let no = matches!(refused, ProblemType::Unauthorized | ProblemType::TooFast);
            assert!(no, "{} with {credentials:?}: {refused:?}", route.name);
        }
    }
}
