//! Looks names up, and forgets every address that is not public: checked at the moment of use, so a
//! name that changes its mind between two look-ups gains nothing.

use std::{io, net::SocketAddr};

use besace_protocol::address::is_public;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

#[derive(Debug)]
pub(super) struct PublicResolver;

impl Resolve for PublicResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            // One private address among public ones is an attempt, not an accident: refuse all.
            if found.is_empty() || found.iter().any(|address| !is_public(address.ip())) {
                return Err(io::Error::other("the name leads to no public address").into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_that_leads_home_is_refused() {
        let name: Name = "localhost".parse().unwrap();
        assert!(PublicResolver.resolve(name).await.is_err());
    }
}
