//! The accept loop: takes connections in, never more than allowed, and lets them end softly.
//!
//! `axum::serve` is not used because it has no protection against slow clients, does not turn
//! Nagle's algorithm off and cannot bound its stop.

use std::{io::ErrorKind, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{connection::Protocols, guard::Guard, seats::Seats};
use crate::config::{self, Config};

/// How a stop went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// Connections that were still busy after `shutdown_timeout` and were cut off.
    pub cut_connections: usize,
}

/// Serves `router` behind the [`Guard`] until `stop` is cancelled, then lets open requests finish
/// for at most `settings.shutdown_timeout`.
///
/// Every request carries its peer's address as `ConnectInfo<SocketAddr>`.
pub async fn listen(
    listener: TcpListener,
    router: Router,
    settings: &config::Server,
    stop: CancellationToken,
) -> Drained {
    let door = Door::new(&router, settings);
    accept_until(listener, || Arc::clone(&door), stop).await
}

/// As [`listen`], with the settings of the configuration that is current when a connection comes
/// in. Address and port stay what `listener` has.
pub async fn listen_reloading(
    listener: TcpListener,
    router: Router,
    current: impl Fn() -> Arc<Config>,
    stop: CancellationToken,
) -> Drained {
    let mut known = current();
    let mut door = Door::new(&router, &known.server);
    let current_door = || {
        let config = current();
        if !Arc::ptr_eq(&config, &known) {
            door = Door::new(&router, &config.server);
            known = config;
        }
        Arc::clone(&door)
    };
    accept_until(listener, current_door, stop).await
}

/// What the connections that come in under one configuration share.
struct Door {
    guard: Arc<Guard>,
    protocols: Protocols,
    max_connections: usize,
    max_connections_per_address: usize,
    shutdown_timeout: Duration,
}

impl Door {
    fn new(router: &Router, settings: &config::Server) -> Arc<Self> {
        let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        Arc::new(Self {
            guard: Arc::new(Guard::new(router.clone(), settings)),
            protocols: Protocols::new(settings),
            max_connections: count(settings.max_connections),
            max_connections_per_address: count(settings.max_connections_per_address),
            shutdown_timeout: settings.shutdown_timeout,
        })
    }
}

async fn accept_until(
    listener: TcpListener,
    mut current: impl FnMut() -> Arc<Door>,
    stop: CancellationToken,
) -> Drained {
    let mut connections = JoinSet::new();
    let seats = Seats::default();
    loop {
        // Connections over the limit wait in the kernel's queue.
        let has_room = connections.len() < current().max_connections;
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(ended) = connections.join_next() => log_panic(ended),
            (stream, peer) = accept(&listener), if has_room => {
                let (door, stop) = (current(), stop.clone());
                // Closed at once: waiting would hold up the clients behind it.
                let Some(seat) = seats.take(peer.ip(), door.max_connections_per_address) else { continue };
                connections.spawn(async move {
                    let _seat = seat;
                    door.protocols.serve(stream, peer, Arc::clone(&door.guard), stop).await;
                });
            }
        }
    }

    // Closing the socket first makes the system refuse new connections at once.
    drop(listener);
    let all_ended = async {
        while let Some(ended) = connections.join_next().await {
            log_panic(ended);
        }
    };
    let _ = timeout(current().shutdown_timeout, all_ended).await;
    let cut_connections = connections.len();
    connections.shutdown().await;
    Drained { cut_connections }
}

/// The next connection. Waits for a moment after an error of the whole process (no file
/// descriptor, no memory), because trying again at once would only burn a core.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    let mut pause = Duration::from_millis(10);
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Without this a small chunk waits for the client's delayed acknowledgement: 40 ms.
                let _ = stream.set_nodelay(true);
                return (stream, peer);
            }
            Err(error) if concerns_one_connection(error.kind()) => {}
            Err(error) => {
                tracing::warn!(%error, pause_ms = pause.as_millis(), "cannot accept a connection");
                sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(1));
            }
        }
    }
}

fn concerns_one_connection(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::ConnectionRefused | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset)
}

fn log_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!("a connection's task panicked");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_accepted_socket_sends_small_chunks_at_once() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, peer) = accept(&listener).await;
        assert!(stream.nodelay().unwrap());
        assert_eq!(peer, client.local_addr().unwrap());
    }
}
