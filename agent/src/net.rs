//! The only way out of the agent.
//!
//! Public files and calls go to a retailer's domain over https, and only to public addresses
//! ([`besace_protocol::address`]). Each pseudonym has its own client, hence its own connections and
//! TLS sessions; public files are fetched by another one, so that the network does not join what
//! pairwise keys keep apart. No cookies, no redirects, no proxy from the environment, no version.

mod delegate;
mod guard;
mod health;
mod s3;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use besace_protocol::{
    encoding::from_json,
    id::Generation,
    party::{ControllerId, ParseControllerIdError},
    problem::{Problem, ProblemType},
    wire::{JWS_MEDIA_TYPE, PROBLEM_MEDIA_TYPE, call_address},
};
use reqwest::{Client, ClientBuilder, RequestBuilder, header, redirect};

use self::guard::PublicResolver;
pub use self::s3::{Bucket, BucketError};
pub(crate) use self::{
    delegate::{DelegateCallError, call_as_delegate},
    health::{Health, ask_health},
};

/// Longest time for one exchange.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Longest problem answer that is read, in bytes.
const PROBLEM_LEN_MAX: usize = 8 << 10;

/// Domains that lead to a loopback address instead, without TLS, for demos and tests. All else is as it is elsewhere: the
/// domain stands in signatures and in `Host`, and no two domains share a connection.
#[derive(Clone, Debug, Default)]
pub struct DevRetailers(BTreeMap<ControllerId, SocketAddr>);

/// `--dev-retailer` was not of the form `DOMAIN=http://127.0.0.1:PORT`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseDevRetailerError {
    /// No domain before the equals sign.
    #[error("a development retailer is written DOMAIN=http://127.0.0.1:PORT")]
    Form,
    /// Not a domain.
    #[error("the part before the equals sign is not a domain")]
    Domain(#[source] ParseControllerIdError),
    /// Somewhere else than this machine.
    #[error("a development retailer must be on this machine's loopback address")]
    NotLoopback,
}

impl DevRetailers {
    /// Reads one `DOMAIN=http://127.0.0.1:PORT`.
    pub fn add(&mut self, text: &str) -> Result<(), ParseDevRetailerError> {
        let (domain, address) = text.split_once('=').ok_or(ParseDevRetailerError::Form)?;
        let domain = ControllerId::parse(domain).map_err(ParseDevRetailerError::Domain)?;
        let address = address.strip_prefix("http://").ok_or(ParseDevRetailerError::Form)?;
        let address: SocketAddr = address.parse().map_err(|_| ParseDevRetailerError::Form)?;
        if !address.ip().is_loopback() {
            return Err(ParseDevRetailerError::NotLoopback);
        }
        self.insert(domain, address)
    }

    /// Leads `domain` to `address`, which must be loopback.
    pub fn insert(
        &mut self,
        domain: ControllerId,
        address: SocketAddr,
    ) -> Result<(), ParseDevRetailerError> {
        if !address.ip().is_loopback() {
            return Err(ParseDevRetailerError::NotLoopback);
        }
        self.0.insert(domain, address);
        Ok(())
    }
}

/// An exchange that did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    /// No client could be made.
    #[error("the network client could not be set up")]
    Setup(#[source] reqwest::Error),
    /// No answer: no route, refused, timed out, not a public address, or a broken connection.
    #[error("no answer from {domain}")]
    Unreachable {
        /// Whom we asked.
        domain: ControllerId,
        /// What the client said.
        #[source]
        source: reqwest::Error,
    },
    /// The answer is longer than it may be.
    #[error("the answer is longer than {max} bytes")]
    TooLong {
        /// The limit, in bytes.
        max: usize,
    },
    /// A clear no.
    #[error("refused: {}", .0.key())]
    Refused(ProblemType),
    /// Neither an answer nor a problem of the protocol.
    #[error("the answer is not of the protocol")]
    NotUnderstood,
}

impl NetError {
    /// Whether nobody answered, as against an answer that was no use.
    pub const fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }
}

/// The clients. Clones share them.
#[derive(Clone, Debug)]
pub struct Net(Arc<Clients>);

#[derive(Debug)]
struct Clients {
    dev: DevRetailers,
    public: Client,
    pseudonyms: Mutex<BTreeMap<Generation, Client>>,
}

impl Net {
    /// Clients that reach retailers over https, and `dev` ones on loopback.
    pub fn new(dev: DevRetailers) -> Result<Self, NetError> {
        // Fails only when a provider is installed already, which serves as well.
        let _installed_before = rustls::crypto::ring::default_provider().install_default();
        Ok(Self(Arc::new(Clients {
            public: new_client(&dev).map_err(NetError::Setup)?,
            dev,
            pseudonyms: Mutex::new(BTreeMap::new()),
        })))
    }

    /// A public file of at most `max` bytes: a bare GET, the same for everybody.
    pub async fn fetch(
        &self,
        domain: &ControllerId,
        path: &str,
        max: usize,
    ) -> Result<Vec<u8>, NetError> {
        let request = self.0.public.get(self.route(domain, path));
        exchange(domain, request, max).await
    }

    /// A signed call under a pseudonym; the answer has at most `max` bytes.
    pub async fn call(
        &self,
        pseudonym: &Generation,
        domain: &ControllerId,
        path: &str,
        body: Vec<u8>,
        max: usize,
    ) -> Result<Vec<u8>, NetError> {
        let request = self
            .pseudonym_client(pseudonym)?
            .post(self.route(domain, path))
            .header(header::CONTENT_TYPE, JWS_MEDIA_TYPE)
            .body(body);
        exchange(domain, request, max).await
    }

    /// Forgets the connections of a pseudonym that is over.
    pub fn forget(&self, pseudonym: &Generation) {
        let mut clients = self.0.pseudonyms.lock().unwrap_or_else(PoisonError::into_inner);
        clients.remove(pseudonym);
    }

    fn pseudonym_client(&self, pseudonym: &Generation) -> Result<Client, NetError> {
        let mut clients = self.0.pseudonyms.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(pseudonym) {
            return Ok(client.clone());
        }
        let client = new_client(&self.0.dev).map_err(NetError::Setup)?;
        clients.insert(*pseudonym, client.clone());
        Ok(client)
    }

    fn route(&self, domain: &ControllerId, path: &str) -> String {
        match self.0.dev.0.get(domain) {
            Some(address) => format!("http://{domain}:{}{path}", address.port()),
            None => call_address(domain, path),
        }
    }
}

/// A client with connections, TLS sessions and look-ups of its own.
fn new_client(dev: &DevRetailers) -> Result<Client, reqwest::Error> {
    let led = dev.0.iter();
    led.fold(builder(), |builder, (domain, address)| builder.resolve(domain.as_str(), *address))
        .build()
}

fn builder() -> ClientBuilder {
    Client::builder()
        .dns_resolver(Arc::new(PublicResolver))
        .no_proxy()
        .redirect(redirect::Policy::none())
        .timeout(TIMEOUT)
        .connect_timeout(TIMEOUT)
        .pool_max_idle_per_host(1)
}

async fn exchange(
    domain: &ControllerId,
    request: RequestBuilder,
    max: usize,
) -> Result<Vec<u8>, NetError> {
    let unreachable = |source| NetError::Unreachable { domain: domain.clone(), source };
    let mut response = request.send().await.map_err(unreachable)?;
    let is_problem = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(PROBLEM_MEDIA_TYPE.as_bytes()));
    let success = response.status().is_success();
    let max = if success { max } else { PROBLEM_LEN_MAX };
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if body.len().saturating_add(chunk.len()) > max {
            return Err(NetError::TooLong { max });
        }
        body.extend_from_slice(&chunk);
    }
    if success {
        return Ok(body);
    }
    if is_problem && let Ok(problem) = from_json::<Problem>(&body, PROBLEM_LEN_MAX) {
        return Err(NetError::Refused(problem.key));
    }
    Err(NetError::NotUnderstood)
}

#[cfg(test)]
mod tls;

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead as _, BufReader, Write as _},
        net::TcpListener,
    };

    use super::*;

    #[test]
    fn development_retailers_stay_on_loopback() {
        let mut dev = DevRetailers::default();
        assert_eq!(dev.add("shop.example=http://127.0.0.1:8080"), Ok(()));
        assert_eq!(dev.add("shop.example=http://[::1]:8080"), Ok(()));
        for (bad, error) in [
            ("shop.example=http://192.168.1.1:80", ParseDevRetailerError::NotLoopback),
            ("shop.example=https://127.0.0.1:80", ParseDevRetailerError::Form),
            ("shop.example=http://localhost:80", ParseDevRetailerError::Form),
            ("shop.example", ParseDevRetailerError::Form),
        ] {
            assert_eq!(dev.add(bad), Err(error), "{bad}");
        }
        assert!(matches!(
            dev.add("SHOP=http://127.0.0.1:1"),
            Err(ParseDevRetailerError::Domain(_))
        ));
    }

    /// What came over one connection: the path of each request.
    type Paths = Arc<Mutex<Vec<Vec<String>>>>;

    /// Answers every request of every connection, which stays open, and keeps what was asked for.
    fn server(paths: &Paths) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let paths = Arc::clone(paths);
        std::thread::spawn(move || {
            for (index, socket) in listener.incoming().enumerate() {
                let (socket, paths) = (socket.unwrap(), Arc::clone(&paths));
                paths.lock().unwrap().push(Vec::new());
                std::thread::spawn(move || {
                    let mut lines = BufReader::new(&socket).lines();
                    // Bodies are empty here.
                    while let Some(Ok(first)) = lines.next() {
                        let path = first.split(' ').nth(1).unwrap().to_owned();
                        paths.lock().unwrap()[index].push(path);
                        lines.find(|line| line.as_ref().is_ok_and(String::is_empty));
                        let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
                        (&socket).write_all(answer.as_bytes()).unwrap();
                    }
                });
            }
        });
        address.to_string()
    }

    #[tokio::test]
    async fn pseudonyms_and_what_everybody_reads_share_no_connection_at_one_address() {
        let paths = Paths::default();
        let address = server(&paths);
        let mut dev = DevRetailers::default();
        let shops = ["a.example", "b.example"];
        for shop in shops {
            dev.add(&format!("{shop}=http://{address}")).unwrap();
        }
        let net = Net::new(dev).unwrap();
        let shops = shops.map(|shop| ControllerId::parse(shop).unwrap());
        // Two shops, and two pseudonyms at one of them.
        let pseudonyms = [(1, &shops[0], "/one"), (2, &shops[1], "/two"), (3, &shops[1], "/three")];
        for round in 0..3 {
            for (number, shop, path) in pseudonyms {
                let pseudonym = Generation::from_bytes([number; 16]);
                net.call(&pseudonym, shop, path, Vec::new(), 2).await.unwrap();
                net.fetch(shop, "/public", 2).await.unwrap();
            }
            if round == 1 {
                net.forget(&Generation::from_bytes([1; 16]));
            }
        }
        let seen = paths.lock().unwrap();
        for connection in seen.iter() {
            assert!(connection.iter().all(|path| *path == connection[0]), "{seen:?}");
        }
        // They do last; one that was forgotten does not. What everybody reads is read over one for each shop.
        let of = |path: &str| seen.iter().filter(|paths| paths[0] == path).count();
        assert_eq!(["/one", "/two", "/three", "/public"].map(of), [2, 1, 1, 2], "{seen:?}");
    }
}
