//! The accept loop: takes connections in, never more than allowed, and lets them end softly.
//!
//! `axum::serve` is not used because it has no protection against slow clients, does not turn
//! Nagle's algorithm off and cannot bound its stop.

use std::{io::ErrorKind, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{connection::Protocols, guard::Guard};
use crate::config;

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
    let guard = Arc::new(Guard::new(router, settings));
    let protocols = Arc::new(Protocols::new(settings));
    let seats = Arc::new(Semaphore::new(usize::try_from(settings.max_connections).unwrap_or(usize::MAX >> 4)));
    let mut connections = JoinSet::new();

    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(ended) = connections.join_next() => log_panic(ended),
            (stream, peer, seat) = accept(&listener, &seats) => {
                let (protocols, guard, stop) = (Arc::clone(&protocols), Arc::clone(&guard), stop.clone());
                connections.spawn(async move {
                    protocols.serve(stream, peer, guard, stop).await;
                    drop(seat);
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
    let _ = timeout(settings.shutdown_timeout, all_ended).await;
    let cut_connections = connections.len();
    connections.shutdown().await;
    Drained { cut_connections }
}

/// The next connection. Waits while all seats are taken, so that the queue stays in the kernel,
/// and for a moment after an error of the whole process (no file descriptor, no memory), because
/// trying again at once would only burn a core.
async fn accept(listener: &TcpListener, seats: &Arc<Semaphore>) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
    let mut pause = Duration::from_millis(10);
    loop {
        let Ok(seat) = Arc::clone(seats).acquire_owned().await else {
            // The semaphore is never closed.
            return std::future::pending().await;
        };
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Without this a small chunk waits for the client's delayed acknowledgement: 40 ms.
                let _ = stream.set_nodelay(true);
                return (stream, peer, seat);
            }
            Err(error) if concerns_one_connection(error.kind()) => {}
            Err(error) => {
                tracing::warn!(%error, pause_ms = pause.as_millis(), "cannot accept a connection");
                drop(seat);
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
        let seats = Arc::new(Semaphore::new(1));
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, peer, _seat) = accept(&listener, &seats).await;
        assert!(stream.nodelay().unwrap());
        assert_eq!(peer, client.local_addr().unwrap());
    }
}
