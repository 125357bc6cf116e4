//! One address on loopback behind which several retailers live, as at a provider's: who listens there sees who calls, when,
//! and everything that is said.

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use besace_protocol::{party::ControllerId, time::Timestamp};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use crate::world::WorldClock;

/// Longest head of a request that is read before it is known where it goes, in bytes.
const HEAD_MAX: usize = 16 << 10;

/// What went over one connection.
#[derive(Clone, Debug)]
pub struct Passed {
    /// Whom its first request was for.
    pub domain: ControllerId,
    /// Every piece that was sent, and when.
    pub sent: Vec<(Timestamp, Vec<u8>)>,
}

type Seen = Arc<Mutex<Vec<Passed>>>;

/// Who listens there. Dropping it ends the listener.
#[derive(Debug)]
pub struct Crossroads {
    address: SocketAddr,
    seen: Seen,
    listener: JoinHandle<()>,
}

impl Crossroads {
    /// Listens on a free loopback port and leads each connection to the gateway of the domain that its first request
    /// names. A connection that names another one is closed.
    pub async fn open(
        gateways: BTreeMap<ControllerId, SocketAddr>,
        clock: Arc<WorldClock>,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let seen = Seen::default();
        let shared = Arc::clone(&seen);
        let gateways = Arc::new(gateways);
        let listener = tokio::spawn(async move {
            while let Ok((agent, _)) = listener.accept().await {
                let passing =
                    pass(agent, Arc::clone(&gateways), Arc::clone(&shared), Arc::clone(&clock));
                tokio::spawn(passing);
            }
        });
        Ok(Self { address, seen, listener })
    }

    /// Where every domain is.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Everything so far, a connection an element, in the order of their first requests.
    pub fn seen(&self) -> Vec<Passed> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Crossroads {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

/// The domain that a head names, once all of it is there.
fn named(head: &[u8]) -> Option<ControllerId> {
    let text = std::str::from_utf8(head).ok()?;
    let (head, _) = text.split_once("\r\n\r\n")?;
    let host = head.lines().find_map(|line| line.strip_prefix("host: "))?;
    let (domain, _port) = host.split_once(':').unwrap_or((host, ""));
    ControllerId::parse(domain).ok()
}

async fn pass(
    mut agent: TcpStream,
    gateways: Arc<BTreeMap<ControllerId, SocketAddr>>,
    seen: Seen,
    clock: Arc<WorldClock>,
) -> io::Result<()> {
    let (mut head, mut buffer) = (Vec::new(), [0; 16 << 10]);
    let domain = loop {
        let length = agent.read(&mut buffer).await?;
        head.extend_from_slice(&buffer[..length]);
        // A body may follow that is no text: only the head is.
        let end = head.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4);
        match end.and_then(|end| named(&head[..end])) {
            Some(domain) => break domain,
            None if length == 0 || end.is_some() || head.len() > HEAD_MAX => return Ok(()),
            None => {}
        }
    };
    let Some(gateway) = gateways.get(&domain) else { return Ok(()) };
    let gateway = TcpStream::connect(gateway).await?;
    let index = {
        let mut all = seen.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(Passed { domain, sent: vec![(clock.now(), head.clone())] });
        all.len() - 1
    };
    let (mut from_gateway, mut to_gateway) = gateway.into_split();
    let (mut from_agent, mut to_agent) = agent.into_split();
    to_gateway.write_all(&head).await?;
    tokio::spawn(async move {
        let copied = tokio::io::copy(&mut from_gateway, &mut to_agent).await;
        // The other side may have closed already.
        let _closed = to_agent.shutdown().await;
        copied
    });
    loop {
        let length = from_agent.read(&mut buffer).await?;
        if length == 0 {
            return to_gateway.shutdown().await;
        }
        // Kept before it is passed on: whoever saw an answer finds it here.
        {
            let mut all = seen.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(passed) = all.get_mut(index) {
                passed.sent.push((clock.now(), buffer[..length].to_vec()));
            }
        }
        to_gateway.write_all(&buffer[..length]).await?;
    }
}
