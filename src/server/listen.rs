//! The accept loop: takes connections in, never more than allowed, and lets them end softly.
//!
//! `axum::serve` is not used because it has no protection against slow clients, does not turn
//! Nagle's algorithm off and cannot bound its stop.

use std::{future::Future, io::ErrorKind, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    connection::{Protocols, Visit},
    guard::Guard,
    seats::Seats,
    stop::Stop,
    tls::Tls,
};
use crate::config::{self, Config};

/// How a stop went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// Connections that were still busy after `shutdown_timeout` and were cut off.
    pub cut_connections: usize,
}

/// Where clients come in.
#[derive(Debug)]
pub struct Entrance {
    /// The socket.
    pub listener: TcpListener,
    /// `None` speaks clear text.
    pub tls: Option<Tls>,
}

impl From<TcpListener> for Entrance {
    fn from(listener: TcpListener) -> Self {
        Self { listener, tls: None }
    }
}

/// How long a connection may take to send its last bytes once it was cut.
const LAST_BYTES: Duration = Duration::from_secs(2);

/// Serves `router` behind the [`Guard`] until `stop` begins, then lets open requests finish for at
/// most `settings.shutdown_timeout`. As long as there are such, the socket stays open to answer
/// `/readyz`, and everything new, with 503.
///
/// Every request carries its peer's address as `ConnectInfo<SocketAddr>`.
pub async fn listen(entrance: impl Into<Entrance>, router: Router, settings: &config::Server, stop: Stop) -> Drained {
    let streams = TaskTracker::new();
    let door = Door::new(&router, settings, &streams);
    Listening::new(entrance.into(), stop, streams).serve(|| Arc::clone(&door)).await
}

/// As [`listen`], with the settings of the configuration that is current when a connection comes
/// in. Address, port and TLS stay what `entrance` has.
pub async fn listen_reloading(
    entrance: impl Into<Entrance>,
    router: Router,
    current: impl Fn() -> Arc<Config>,
    stop: Stop,
) -> Drained {
    let mut known = current();
    let streams = TaskTracker::new();
    let mut door = Door::new(&router, &known.server, &streams);
    let current_door = || {
        let config = current();
        if !Arc::ptr_eq(&config, &known) {
            door = Door::new(&router, &config.server, &streams);
            known = config;
        }
        Arc::clone(&door)
    };
    Listening::new(entrance.into(), stop, streams.clone()).serve(current_door).await
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
    fn new(router: &Router, settings: &config::Server, streams: &TaskTracker) -> Arc<Self> {
        let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        Arc::new(Self {
            guard: Arc::new(Guard::new(router.clone(), settings)),
            protocols: Protocols::new(settings, streams.clone()),
            max_connections: count(settings.max_connections),
            max_connections_per_address: count(settings.max_connections_per_address),
            shutdown_timeout: settings.shutdown_timeout,
        })
    }
}

/// A socket and those who came through it.
struct Listening {
    listener: TcpListener,
    tls: Option<Tls>,
    stop: Stop,
    seats: Seats,
    /// Connections from before the stop: the end waits for them.
    connections: JoinSet<()>,
    /// Connections that came during the stop: they are told so, and nobody waits for them.
    late: JoinSet<()>,
    /// Streams of HTTP/2 connections run beside them.
    streams: TaskTracker,
}

impl Listening {
    fn new(entrance: Entrance, stop: Stop, streams: TaskTracker) -> Self {
        let Entrance { listener, tls } = entrance;
        let (connections, late) = (JoinSet::new(), JoinSet::new());
        Self { listener, tls, stop, seats: Seats::default(), connections, late, streams }
    }

    async fn serve(mut self, mut current: impl FnMut() -> Arc<Door>) -> Drained {
        let begun = self.stop.begun.clone();
        loop {
            // Connections over the limit wait in the kernel's queue.
            let has_room = self.connections.len() < current().max_connections;
            tokio::select! {
                biased;
                () = begun.cancelled() => break,
                Some(ended) = self.connections.join_next() => log_panic(ended),
                (stream, peer) = accept(&self.listener), if has_room => {
                    if let Some(served) = self.admit(current(), stream, peer, begun.clone()) {
                        self.connections.spawn(served);
                    }
                }
            }
        }
        let door = current();
        let _ = timeout(door.shutdown_timeout, self.drain(&door)).await;
        self.end().await
    }

    /// The future that serves a connection, unless its address holds too many already: then it is
    /// closed at once, since waiting would hold up the clients behind it.
    fn admit(
        &self,
        door: Arc<Door>,
        stream: TcpStream,
        peer: SocketAddr,
        leave: CancellationToken,
    ) -> Option<impl Future<Output = ()> + Send + 'static> {
        let seat = self.seats.take(peer.ip(), door.max_connections_per_address)?;
        let visit = Visit { peer, tls: self.tls.clone(), leave, stopping: self.stop.begun.clone() };
        Some(async move {
            let _seat = seat;
            door.protocols.serve(stream, Arc::clone(&door.guard), visit).await;
        })
    }

    /// Waits until the connections from before the stop have ended, and tells those who come now.
    async fn drain(&mut self, door: &Arc<Door>) {
        loop {
            let has_room = self.connections.len() + self.late.len() < door.max_connections;
            tokio::select! {
                biased;
                ended = self.connections.join_next() => match ended {
                    Some(ended) => log_panic(ended),
                    None => return,
                },
                Some(ended) = self.late.join_next() => log_panic(ended),
                (stream, peer) = accept(&self.listener), if has_room => {
                    if let Some(served) = self.admit(Arc::clone(door), stream, peer, self.stop.cut.clone()) {
                        self.late.spawn(served);
                    }
                }
            }
        }
    }

    /// Closes the socket and ends what is left: softly, then not.
    async fn end(mut self) -> Drained {
        drop(self.listener);
        self.late.shutdown().await;
        let cut_connections = self.connections.len();
        if cut_connections > 0 {
            self.stop.cut.cancel();
            let all_ended = async {
                while let Some(ended) = self.connections.join_next().await {
                    log_panic(ended);
                }
            };
            let _ = timeout(LAST_BYTES, all_ended).await;
            self.connections.shutdown().await;
        }
        self.streams.close();
        // They end by themselves when their connection is gone; what they record must not come too late.
        let _ = timeout(LAST_BYTES, self.streams.wait()).await;
        Drained { cut_connections }
    }
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
