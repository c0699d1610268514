//! One accepted connection, from its first byte to its close.
//!
//! HTTP/1.1 and HTTP/2 share a port, under TLS and without: the first bytes tell which it is. No
//! connection may stay open without a request for longer than its timers allow.

use std::{convert::Infallible, future::Future, net::SocketAddr, pin::pin, sync::Arc, task::Poll, time::Duration};

use axum::body::Bytes;
use futures_util::FutureExt as _;
use hyper::{
    Request,
    body::Incoming,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulConnection,
};
use tokio::{
    io::AsyncReadExt as _,
    net::TcpStream,
    time::{Instant, sleep, sleep_until, timeout_at},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    activity::{Activity, ServedBody, Socket, Wire},
    guard::{Guard, Reception},
    pace::{Pace, PacedBody},
    tls::Tls,
};
use crate::config;

/// What every HTTP/2 connection begins with (RFC 9113, section 3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The first byte of every TLS connection (RFC 8446, section 5.1).
const TLS_HANDSHAKE: u8 = 22;

/// How long an idle connection that was told to go may take to say good-bye.
const FAREWELL: Duration = Duration::from_secs(1);

/// A target or field name longer than this is refused by hyper itself, in its own words; below
/// it the guard refuses, in the words of the client's API.
const HEAD_BUFFER_BYTES: usize = 128 * 1024;

/// The two protocols, set up once and shared by all connections.
#[derive(Debug)]
pub(super) struct Protocols {
    http1: http1::Builder,
    http2: http2::Builder<Counted>,
    header_timeout: Duration,
    keep_alive_timeout: Duration,
    pace: Pace,
}

impl Protocols {
    /// `streams` is where HTTP/2 streams run, so that the end of the process can wait for them.
    pub(super) fn new(settings: &config::Server, streams: TaskTracker) -> Self {
        let max_header_bytes = usize::try_from(settings.max_header_bytes).unwrap_or(usize::MAX);
        let max_headers = usize::try_from(settings.max_headers).unwrap_or(usize::MAX);

        let mut http1 = http1::Builder::new();
        http1
            .timer(TokioTimer::new())
            // `Activity` is the timer for heads: hyper's would end idle connections as well.
            .header_read_timeout(None)
            .max_buf_size(HEAD_BUFFER_BYTES.max(max_header_bytes.saturating_mul(2)));
        if max_headers > 100 {
            // Up to 100 hyper parses on the stack; more needs an allocation a request.
            http1.max_headers(max_headers.saturating_add(1));
        }

        let mut http2 = http2::Builder::new(Counted(streams));
        http2
            .timer(TokioTimer::new())
            .max_concurrent_streams(100)
            .max_header_list_size(settings.max_header_bytes)
            .initial_stream_window_size(64 * 1024)
            .initial_connection_window_size(1024 * 1024)
            .max_send_buf_size(256 * 1024)
            // A peer that vanished during a stream is found by a ping, not by a full send buffer.
            .keep_alive_interval(Duration::from_secs(20))
            .keep_alive_timeout(Duration::from_secs(20));

        let (header_timeout, keep_alive_timeout) = (settings.header_timeout, settings.keep_alive_timeout);
        Self { http1, http2, header_timeout, keep_alive_timeout, pace: Pace::of(settings) }
    }

    /// Serves `stream` until it is closed by the client, by its timers or because it is to leave.
    pub(super) async fn serve(&self, stream: TcpStream, guard: Arc<Guard>, visit: Visit) {
        let activity = Activity::new(self.header_timeout, self.keep_alive_timeout);
        let first_bytes_by = Instant::now() + self.header_timeout;
        let Visit { peer, tls, leave, stopping } = visit;
        let begin = async {
            let (mut wire, speaks) = enter(stream, tls).await?;
            let (ahead, is_http2) = read_first_bytes(&mut wire).await?;
            std::io::Result::Ok((wire, speaks, ahead, is_http2))
        };
        let begun = tokio::select! {
            biased;
            begun = timeout_at(first_bytes_by, begin) => begun,
            // Perhaps its first bytes are on their way: they have a moment, to be told what is going on.
            () = leave.cancelled().then(|()| sleep(FAREWELL)) => return,
        };
        let Ok(Ok((wire, speaks, ahead, is_http2))) = begun else { return };

        let (service_activity, pace) = (Arc::clone(&activity), self.pace);
        let service = service_fn(move |request: Request<Incoming>| {
            let serving = service_activity.begin();
            let guard = Arc::clone(&guard);
            let reception = match speaks {
                Speaks::AsAsked if stopping.is_cancelled() => Reception::Stopping,
                Speaks::AsAsked => Reception::Open,
                Speaks::ClearTextToTls => Reception::ClearText,
            };
            let activity = Arc::clone(&service_activity);
            async move {
                let request = request.map(|body| PacedBody::wrap(body, pace, activity));
                let response = guard.answer(request, peer, reception).await;
                Ok::<_, Infallible>(response.map(|body| ServedBody { body, _serving: serving }))
            }
        });

        if is_http2 {
            let socket = TokioIo::new(Socket::new(wire, ahead, None));
            drive(self.http2.serve_connection(socket, service), &activity, &leave).await;
        } else {
            let socket = TokioIo::new(Socket::new(wire, ahead, Some(Arc::clone(&activity))));
            drive(self.http1.serve_connection(socket, service), &activity, &leave).await;
        }
    }
}

/// What is special about one connection.
pub(super) struct Visit {
    pub(super) peer: SocketAddr,
    /// `None` speaks clear text.
    pub(super) tls: Option<Tls>,
    /// Cancelled when it is to end as soon as nothing is under way on it.
    pub(super) leave: CancellationToken,
    /// Cancelled when the process takes no new requests.
    pub(super) stopping: CancellationToken,
}

/// Runs the streams of HTTP/2 connections where the end of the process can wait for them.
#[derive(Clone, Debug)]
struct Counted(TaskTracker);

impl<F: Future<Output: Send> + Send + 'static> hyper::rt::Executor<F> for Counted {
    fn execute(&self, stream: F) {
        self.0.spawn(stream);
    }
}

/// Whether the client speaks what is spoken here.
#[derive(Clone, Copy)]
enum Speaks {
    AsAsked,
    ClearTextToTls,
}

/// Shakes hands where TLS is spoken. Who begins in clear text there is let in to be told so, which helps
/// more than a closed connection.
async fn enter(stream: TcpStream, tls: Option<Tls>) -> std::io::Result<(Wire, Speaks)> {
    let Some(tls) = tls else { return Ok((Wire::Clear(stream), Speaks::AsAsked)) };
    let handshake = async {
        let mut first = [0];
        if stream.peek(&mut first).await? == 1 && first != [TLS_HANDSHAKE] {
            return Ok((Wire::Clear(stream), Speaks::ClearTextToTls));
        }
        Ok((Wire::Tls(Box::new(tls.accept(stream).await?)), Speaks::AsAsked))
    };
    tokio::time::timeout(tls.handshake_timeout(), handshake).await?
}

/// Reads until it is certain which protocol is spoken: at most the length of the preface, and
/// for a usual HTTP/1.1 request just what is there.
async fn read_first_bytes(stream: &mut Wire) -> std::io::Result<(Bytes, bool)> {
    let mut buffer = Vec::with_capacity(PREFACE.len());
    loop {
        let mut rest = (&mut *stream).take((PREFACE.len() - buffer.len()) as u64);
        if rest.read_buf(&mut buffer).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if !PREFACE.starts_with(&buffer) {
            return Ok((buffer.into(), false));
        }
        if buffer.len() == PREFACE.len() {
            return Ok((buffer.into(), true));
        }
    }
}

/// Runs a connection under its timers and ends it softly when told to.
async fn drive<C: GracefulConnection>(connection: C, activity: &Activity, stop: &CancellationToken) {
    let mut connection = pin!(connection);
    let mut stopping = pin!(stop.cancelled());
    let mut told_to_stop = false;
    let mut told_to_leave = false;
    // One timer a connection. It is moved forward only when it fires, so that the usual request
    // does not touch the timer wheel at all.
    let mut timer = pin!(sleep_until(activity.deadline().unwrap_or_else(Instant::now)));

    std::future::poll_fn(|cx| {
        if connection.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        if !told_to_stop && stopping.as_mut().poll(cx).is_ready() {
            told_to_stop = true;
            connection.as_mut().graceful_shutdown();
            if connection.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
            if activity.deadline().is_some() {
                // Perhaps in the middle of a head: the rest has a moment to come.
                told_to_leave = true;
                timer.as_mut().reset(Instant::now() + FAREWELL);
            }
        }
        if !told_to_leave
            && let Some(deadline) = activity.deadline()
            && deadline < timer.deadline()
        {
            timer.as_mut().reset(deadline);
        }
        while timer.as_mut().poll(cx).is_ready() {
            let now = Instant::now();
            match activity.deadline() {
                None => timer.as_mut().reset(now + activity.keep_alive_timeout()),
                Some(_) if told_to_leave => return Poll::Ready(()),
                Some(deadline) if deadline > now => timer.as_mut().reset(deadline),
                Some(_) => {
                    told_to_leave = true;
                    connection.as_mut().graceful_shutdown();
                    if connection.as_mut().poll(cx).is_ready() {
                        return Poll::Ready(());
                    }
                    timer.as_mut().reset(now + FAREWELL);
                }
            }
        }
        Poll::Pending
    })
    .await;
}
