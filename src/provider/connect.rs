//! The connector: resolves, checks every address, connects to the very address that was checked.
//!
//! It never uses a proxy of the environment and never connects to an address that it did not check.

use std::{
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::Uri;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::{
    config::{Provider, ProviderOrigin},
    domain::Network,
};

/// Why no connection could be made.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The URL has no host.
    #[error("the provider's URL has no host")]
    NoHost,
    /// The name could not be resolved.
    #[error("host name `{0}` could not be resolved")]
    Resolve(String),
    /// Every address lies in a network that this provider may not use.
    #[error("`{0}` resolves to an address in a network that this provider may not use")]
    Private(String),
    /// Too slow.
    #[error("no connection within {0:?}")]
    TimedOut(Duration),
    /// Refused or unreachable.
    #[error("connecting failed: {0}")]
    Io(#[from] io::Error),
}

/// Which networks a provider may lie in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Any: the operator wrote the address into the config file.
    Anywhere,
    /// The internet, private networks and this machine, but no link-local address (cloud metadata).
    OwnNetworks,
    /// The internet alone.
    Internet,
}

impl Reach {
    /// What a provider's definition allows.
    pub(crate) const fn of(provider: &Provider) -> Self {
        match (provider.allow_private_network, &provider.origin) {
            (false, _) => Self::Internet,
            (true, ProviderOrigin::Api) => Self::OwnNetworks,
            (true, _) => Self::Anywhere,
        }
    }

    fn covers(self, address: IpAddr) -> bool {
        match Network::of(address) {
            Network::Public => true,
            Network::Private | Network::Loopback => self != Self::Internet,
            Network::Reserved => self == Self::Anywhere,
        }
    }
}

/// Where host names are looked up: by default the system's resolver, else a function from a name to
/// its addresses, for tests and for programs that have names of their own.
#[derive(Clone, Default)]
pub struct Resolver(Option<Arc<Lookup>>);

type Lookup = dyn Fn(&str) -> Vec<IpAddr> + Send + Sync;

impl Resolver {
    /// Looks every name up with `lookup`; an empty list means that there is no such host.
    pub fn of(lookup: impl Fn(&str) -> Vec<IpAddr> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(lookup)))
    }

    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        match &self.0 {
            Some(lookup) => Ok(lookup(host).into_iter().map(|address| SocketAddr::new(address, port)).collect()),
            None => Ok(tokio::net::lookup_host((host, port)).await?.collect()),
        }
    }
}

impl std::fmt::Debug for Resolver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "Resolver(function)" } else { "Resolver(system)" })
    }
}

/// A TCP connector with one provider's rules.
#[derive(Clone, Debug)]
pub(crate) struct Connector {
    pub(crate) timeout: Duration,
    pub(crate) reach: Reach,
    pub(crate) resolver: Resolver,
}

impl tower_service::Service<Uri> for Connector {
    type Response = TokioIo<TcpStream>;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let rules = self.clone();
        Box::pin(async move {
            match tokio::time::timeout(rules.timeout, connect(uri, &rules)).await {
                Ok(connected) => connected.map(TokioIo::new),
                Err(_) => Err(ConnectError::TimedOut(rules.timeout)),
            }
        })
    }
}

/// Looks the name up once; what is checked is what is connected to.
async fn connect(uri: Uri, rules: &Connector) -> Result<TcpStream, ConnectError> {
    let host = uri.host().ok_or(ConnectError::NoHost)?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
    let addresses = match host.parse::<IpAddr>() {
        Ok(ip) => vec![SocketAddr::new(ip, port)],
        Err(_) => rules.resolver.resolve(host, port).await.map_err(|_| ConnectError::Resolve(host.to_owned()))?,
    };
    let mut last = ConnectError::Resolve(host.to_owned());
    for address in addresses {
        if !rules.reach.covers(address.ip()) {
            last = ConnectError::Private(host.to_owned());
            continue;
        }
        match TcpStream::connect(address).await {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => last = ConnectError::Io(error),
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reach_covers_its_networks() {
        let cases = [
            ("8.8.8.8", [true, true, true]),
            ("10.1.2.3", [true, true, false]),
            ("::ffff:127.0.0.1", [true, true, false]),
            ("169.254.169.254", [true, false, false]),
            ("0.0.0.0", [true, false, false]),
        ];
        for (text, expected) in cases {
            let address = text.parse().unwrap();
            let covered = [Reach::Anywhere, Reach::OwnNetworks, Reach::Internet].map(|reach| reach.covers(address));
            assert_eq!(covered, expected, "{text}");
        }
    }
}
