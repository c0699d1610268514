//! The slowest that a client may send a request's body.
//!
//! Only time that the gateway spends waiting for the client counts: a body that is not read,
//! because a provider takes it slowly, is never too slow.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::body::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep_until};

use super::activity::Activity;
use crate::config;

/// How slow is too slow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// How long the client may be waited for before it has to be at least this fast, and how long
    /// it may be silent.
    patience: Duration,
    min_bytes_per_sec: u32,
}

impl Pace {
    pub(super) const fn of(settings: &config::Server) -> Self {
        Self { patience: settings.body_timeout, min_bytes_per_sec: settings.min_body_bytes_per_sec }
    }
}

/// A request's body that ends with an error of kind `TimedOut` when its client is too slow.
#[derive(Debug)]
pub(super) struct PacedBody {
    body: Incoming,
    pace: Pace,
    /// How much longer the client may be waited for. Each byte buys a little, never more than `patience`.
    credit: Duration,
    waiting_since: Option<Instant>,
    /// Made when the client is first waited for; a body that came with its head needs none.
    timer: Option<Pin<Box<Sleep>>>,
    /// Told when nobody reads the body to its end.
    activity: Arc<Activity>,
    ended: bool,
}

impl PacedBody {
    /// The body as the routes see it.
    pub(super) fn wrap(body: Incoming, pace: Pace, activity: Arc<Activity>) -> axum::body::Body {
        if body.is_end_stream() {
            return axum::body::Body::empty();
        }
        let credit = pace.patience;
        axum::body::Body::new(Self { body, pace, credit, waiting_since: None, timer: None, activity, ended: false })
    }

    fn has_come(&mut self, bytes: usize) {
        if let Some(since) = self.waiting_since.take() {
            self.credit = self.credit.saturating_sub(since.elapsed());
        }
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let bought = Duration::from_secs(1).saturating_mul(bytes) / self.pace.min_bytes_per_sec.max(1);
        self.credit = self.credit.saturating_add(bought).min(self.pace.patience);
    }

    /// Ready when the client has used its credit up.
    fn poll_too_slow(&mut self, cx: &mut Context<'_>) -> Poll<std::io::Error> {
        let deadline = *self.waiting_since.get_or_insert_with(Instant::now) + self.credit;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if timer.deadline() != deadline {
            timer.as_mut().reset(deadline);
        }
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(std::io::Error::new(std::io::ErrorKind::TimedOut, "the request body came too slowly"))
    }
}

impl Drop for PacedBody {
    fn drop(&mut self) {
        if !self.ended && !self.body.is_end_stream() {
            self.activity.left_unread();
        }
    }
}

impl Body for PacedBody {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(frame) => {
                let data = frame.as_ref().and_then(|frame| frame.as_ref().ok()).and_then(Frame::data_ref);
                let length = data.map(Bytes::len);
                self.has_come(length.unwrap_or(0));
                self.ended = length.is_none();
                Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
            }
            Poll::Pending => {
                let slow = ready!(self.poll_too_slow(cx));
                // Who was too slow already is not waited for any more.
                self.ended = true;
                Poll::Ready(Some(Err(slow.into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
