//! A wire tap: a relay on loopback that keeps every byte between the agent and a gateway.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    task::JoinHandle,
};

/// What went over one connection.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    /// From the agent.
    pub sent: Vec<u8>,
    /// To the agent.
    pub received: Vec<u8>,
}

type Recordings = Arc<Mutex<Vec<Recording>>>;

/// The relay. Dropping it ends the listener.
#[derive(Debug)]
pub struct WireTap {
    address: SocketAddr,
    recordings: Recordings,
    listener: JoinHandle<()>,
}

impl WireTap {
    /// Listens on a free loopback port and relays every connection to `target`.
    pub async fn start(target: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let recordings = Recordings::default();
        let shared = Arc::clone(&recordings);
        let listener = tokio::spawn(async move {
            while let Ok((agent, _)) = listener.accept().await {
                let Ok(gateway) = TcpStream::connect(target).await else { continue };
                let index = {
                    let mut all = shared.lock().unwrap_or_else(PoisonError::into_inner);
                    all.push(Recording::default());
                    all.len() - 1
                };
                let (agent_read, agent_write) = agent.into_split();
                let (gateway_read, gateway_write) = gateway.into_split();
                tokio::spawn(relay(agent_read, gateway_write, Arc::clone(&shared), index, true));
                tokio::spawn(relay(gateway_read, agent_write, Arc::clone(&shared), index, false));
            }
        });
        Ok(Self { address, recordings, listener })
    }

    /// Where the agent is led to.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Everything so far, a connection an element.
    pub fn recordings(&self) -> Vec<Recording> {
        self.recordings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Every byte so far, in both directions, one connection after the other.
    pub fn bytes(&self) -> Vec<u8> {
        self.recordings().into_iter().flat_map(|r| [r.sent, r.received].concat()).collect()
    }
}

impl Drop for WireTap {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

async fn relay(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    recordings: Recordings,
    index: usize,
    sent: bool,
) {
    let mut buffer = [0; 16 << 10];
    while let Ok(length) = from.read(&mut buffer).await {
        if length == 0 {
            break;
        }
        // Kept before it is passed on: whoever saw an answer finds it in the recording.
        {
            let mut all = recordings.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(recording) = all.get_mut(index) {
                let side = if sent { &mut recording.sent } else { &mut recording.received };
                side.extend_from_slice(&buffer[..length]);
            }
        }
        if to.write_all(&buffer[..length]).await.is_err() {
            break;
        }
    }
    // The other side may have closed already.
    let _closed = to.shutdown().await;
}
