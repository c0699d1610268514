//! What a connection is doing, so that a slow or silent client can be told from a working one.
//!
//! hyper's own header timer cannot tell a client that has sent nothing yet (which may idle for a
//! minute between two requests) from one that drips a head, and does not watch a connection that
//! never sent a byte. This file counts; it must never close anything itself.

use std::{
    future::Future as _,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::body::{Body, Bytes};
use http_body::{Frame, SizeHint};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep, sleep},
};
use tokio_rustls::server::TlsStream;

/// How long what a client still sends is read and thrown away, so that it sees the answer: a system that
/// closes a connection with unread bytes resets it, and a reset can take the answer away.
const LINGER: Duration = Duration::from_secs(3);

/// The facts about one connection, written by its socket, its service and its bodies.
#[derive(Debug)]
pub(super) struct Activity {
    opened: Instant,
    /// How long a head may take.
    header_timeout: Duration,
    /// How long it may be silent between two requests.
    keep_alive_timeout: Duration,
    /// Requests that have been read and not yet been answered to the last byte.
    in_flight: AtomicU32,
    served: AtomicBool,
    /// Whether the last request was answered although its body had not been read to the end.
    unread: AtomicBool,
    /// Microseconds after `opened` at which the last answer ended.
    idle_since_us: AtomicU64,
    /// Microseconds after `opened` at which the first byte of the next head came; 0 is "none yet".
    head_since_us: AtomicU64,
}

impl Activity {
    /// A connection that was accepted at this moment.
    pub(super) fn new(header_timeout: Duration, keep_alive_timeout: Duration) -> Arc<Self> {
        Arc::new(Self {
            opened: Instant::now(),
            header_timeout,
            keep_alive_timeout,
            in_flight: AtomicU32::new(0),
            served: AtomicBool::new(false),
            unread: AtomicBool::new(false),
            idle_since_us: AtomicU64::new(0),
            head_since_us: AtomicU64::new(0),
        })
    }

    /// How long the connection may be silent between two requests.
    pub(super) const fn keep_alive_timeout(&self) -> Duration {
        self.keep_alive_timeout
    }

    /// When the connection has to be closed if nothing happens; `None` while a request is served.
    ///
    /// The first head has `header_timeout` from the accept on, whenever its first byte comes.
    pub(super) fn deadline(&self) -> Option<Instant> {
        if self.in_flight.load(Ordering::Acquire) > 0 {
            return None;
        }
        if !self.served.load(Ordering::Acquire) {
            return Some(self.opened + self.header_timeout);
        }
        let head_since_us = self.head_since_us.load(Ordering::Acquire);
        Some(if head_since_us > 0 {
            self.opened + Duration::from_micros(head_since_us) + self.header_timeout
        } else {
            self.opened + Duration::from_micros(self.idle_since_us.load(Ordering::Acquire)) + self.keep_alive_timeout
        })
    }

    /// Counts a request that has been read; it is being served until the answer is dropped.
    pub(super) fn begin(self: &Arc<Self>) -> Serving {
        self.in_flight.fetch_add(1, Ordering::AcqRel);
        self.served.store(true, Ordering::Release);
        self.head_since_us.store(0, Ordering::Release);
        self.unread.store(false, Ordering::Release);
        Serving(Arc::clone(self))
    }

    /// Notes that the rest of a request's body was not wanted.
    pub(super) fn left_unread(&self) {
        self.unread.store(true, Ordering::Release);
    }

    fn bytes_came(&self) {
        if self.in_flight.load(Ordering::Acquire) == 0 && self.head_since_us.load(Ordering::Acquire) == 0 {
            self.head_since_us.store(self.now_us(), Ordering::Release);
        }
    }

    fn now_us(&self) -> u64 {
        // At least 1, because 0 stands for "none yet".
        u64::try_from(self.opened.elapsed().as_micros()).unwrap_or(u64::MAX).max(1)
    }
}

/// Held for as long as one request is being served.
#[derive(Debug)]
pub(super) struct Serving(Arc<Activity>);

impl Drop for Serving {
    fn drop(&mut self) {
        // The time is written first: whoever sees no request in flight must see the new time.
        self.0.idle_since_us.store(self.0.now_us(), Ordering::Release);
        self.0.in_flight.fetch_sub(1, Ordering::AcqRel);
    }
}

/// An answer's body, which keeps its connection marked as serving.
#[derive(Debug)]
pub(super) struct ServedBody {
    pub(super) body: Body,
    pub(super) _serving: Serving,
}

impl http_body::Body for ServedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// What bytes travel on. One type for both keeps one copy of the whole HTTP machinery.
#[derive(Debug)]
pub(super) enum Wire {
    Clear(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// Does the same with either wire.
macro_rules! on_wire {
    ($self:expr, $stream:ident => $call:expr) => {
        match $self {
            Wire::Clear($stream) => $call,
            Wire::Tls($stream) => $call,
        }
    };
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        on_wire!(self.get_mut(), stream => Pin::new(stream).poll_read(cx, buf))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        on_wire!(self.get_mut(), stream => Pin::new(stream).poll_write(cx, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        on_wire!(self.get_mut(), stream => Pin::new(stream).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        on_wire!(self.get_mut(), stream => Pin::new(stream).poll_shutdown(cx))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        on_wire!(self.get_mut(), stream => Pin::new(stream).poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        on_wire!(self, stream => stream.is_write_vectored())
    }
}

/// The socket, with the bytes that were read to tell the protocol, and an eye on new ones.
#[derive(Debug)]
pub(super) struct Socket {
    stream: Wire,
    /// Bytes that were read already and are given out first.
    ahead: Bytes,
    /// `None` where bytes between two requests do not begin a head (HTTP/2 talks on its own).
    activity: Option<Arc<Activity>>,
    linger: Option<Pin<Box<Sleep>>>,
}

impl Socket {
    pub(super) const fn new(stream: Wire, ahead: Bytes, activity: Option<Arc<Activity>>) -> Self {
        Self { stream, ahead, activity, linger: None }
    }
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        if !self.ahead.is_empty() {
            let length = self.ahead.len().min(buf.remaining());
            buf.put_slice(&self.ahead.split_to(length));
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        if buf.filled().len() > before
            && let Some(activity) = &self.activity
        {
            activity.bytes_came();
        }
        Poll::Ready(Ok(()))
    }
}

impl Socket {
    /// Reads on for nothing until the client has gone too.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let timer = self.linger.get_or_insert_with(|| Box::pin(sleep(LINGER)));
        if timer.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        let mut scrap = [0; 8 * 1024];
        for _ in 0..64 {
            let mut unwanted = ReadBuf::new(&mut scrap);
            match ready!(Pin::new(&mut self.stream).poll_read(cx, &mut unwanted)) {
                Ok(()) if !unwanted.filled().is_empty() => {}
                _ => return Poll::Ready(()),
            }
        }
        // Others have their turn.
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        if self.linger.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
            if !self.activity.as_ref().is_some_and(|activity| activity.unread.load(Ordering::Acquire)) {
                return Poll::Ready(Ok(()));
            }
        }
        self.poll_linger(cx).map(Ok)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
