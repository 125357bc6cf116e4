//! Asking a program of ours on this machine whether it is well.

use std::{
    io::{self, Read as _, Write as _},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    time::Duration,
};

/// Longest time to wait for each step.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Whether the pages that are served at `listen` say that they are well; where they listen at every
/// address, the loopback is asked.
pub(crate) fn is_well(listen: SocketAddr) -> io::Result<bool> {
    const WELL: &[u8; 13] = b"HTTP/1.1 200 ";
    let address = nearest(listen);
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    let request = format!("GET /healthz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut status = [0; WELL.len()];
    stream.read_exact(&mut status)?;
    Ok(status == *WELL)
}

fn nearest(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, thread};

    use super::*;

    fn asked(answer: &'static [u8]) -> io::Result<bool> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = [0; 24];
            stream.read_exact(&mut asked).unwrap();
            assert_eq!(&asked, b"GET /healthz HTTP/1.1\r\nH");
            stream.write_all(answer).unwrap();
        });
        let said = is_well(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)));
        server.join().unwrap();
        said
    }

    #[test]
    fn only_two_hundred_is_well() {
        assert!(asked(b"HTTP/1.1 200 OK\r\n\r\n").unwrap());
        assert!(!asked(b"HTTP/1.1 503 Service Unavailable\r\n\r\n").unwrap());
        assert!(asked(b"HTTP/1.1").is_err());
    }

    #[test]
    fn nobody_at_the_address_is_an_error() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        assert!(is_well(address).is_err());
    }

    #[test]
    fn every_address_means_the_loopback() {
        for (listen, asked) in
            [("0.0.0.0:1", "127.0.0.1:1"), ("[::]:2", "[::1]:2"), ("10.0.0.1:3", "10.0.0.1:3")]
        {
            assert_eq!(nearest(listen.parse().unwrap()).to_string(), asked);
        }
    }
}
