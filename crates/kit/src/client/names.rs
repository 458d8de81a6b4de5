//! Names to addresses, by what `/etc/resolv.conf` says.
//!
//! Owns the resolver, made at the first name: an address needs none. Must never go through the C
//! library. Reads `/etc/resolv.conf` and `/etc/hosts`, talks to name servers.

use hickory_resolver::TokioResolver;
use hyper_util::client::legacy::connect::dns::Name;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use tower::Service;

/// The resolver of a client.
#[derive(Clone, Default)]
pub(super) struct Names(Arc<OnceLock<TokioResolver>>);

impl Names {
    fn resolver(&self) -> io::Result<&TokioResolver> {
        if let Some(resolver) = self.0.get() {
            return Ok(resolver);
        }
        let made = TokioResolver::builder_tokio().and_then(hickory_resolver::ResolverBuilder::build);
        let made = made.map_err(io::Error::other)?;
        Ok(self.0.get_or_init(|| made))
    }

    async fn look_up(self, name: Name) -> io::Result<std::vec::IntoIter<SocketAddr>> {
        let found = self.resolver()?.lookup_ip(name.as_str()).await.map_err(io::Error::other)?;
        let addresses: Vec<SocketAddr> = found.iter().map(|ip| SocketAddr::new(ip, 0)).collect();
        Ok(addresses.into_iter())
    }
}

impl Service<Name> for Names {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        Box::pin(self.clone().look_up(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{IpAddr, Ipv4Addr};

    #[tokio::test]
    async fn a_name_of_the_hosts_file_is_found() {
        let name = "localhost".parse().unwrap();
        let found: Vec<SocketAddr> = Names::default().call(name).await.unwrap().collect();
        assert!(found.iter().any(|a| a.ip() == IpAddr::V4(Ipv4Addr::LOCALHOST)), "{found:?}");
    }

    #[tokio::test]
    async fn a_name_that_cannot_exist_is_an_error() {
        let name = "nothing.invalid".parse().unwrap();
        assert!(Names::default().call(name).await.is_err());
    }
}
