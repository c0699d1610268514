//! Step 8, relay: the provider's body to the client, chunk by chunk as it arrives, seen by the tally.
//!
//! Never holds a body (events wait only for the sanitizer), never re-frames one. A client that hangs up drops this body; what then happens
//! upstream is decided here.

use std::{
    future::Future as _,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::{error::Refusal, flow::Flow, shutdown, stage::Staged};
use crate::{dialect::error_body, domain::ErrorKind, plugins::Running, store::Spooling};

/// The body of an answer on its way to the client.
pub(crate) struct RelayBody {
    /// `None` once the answer is complete.
    flow: Option<Box<Flow>>,
    /// The last of a complete answer, which goes when the record stands in the spool.
    last: Option<Last>,
    /// What was taken before the head was sent.
    ahead: Next,
    /// Bytes still owed when the provider announced a length and nothing is cut out.
    remaining: Option<u64>,
}

/// What the client does not have yet of an answer that is complete here.
struct Last {
    recorded: Spooling,
    frame: Next,
}

/// What a body gives when it is asked for more.
type Next = Option<Result<Frame<Bytes>, axum::BoxError>>;

impl RelayBody {
    /// The body of an answer. One of known length that is here as a whole waits for its record now, so that it
    /// leaves in one piece with its head: two would cost the system, and the client, twice the work.
    pub(crate) async fn of(flow: Box<Flow>, announced_length: Option<u64>) -> axum::body::Body {
        let is_empty = flow.held.is_empty() && flow.upstream.is_end_stream();
        let mut body = Self { flow: Some(flow), last: None, ahead: None, remaining: announced_length };
        if is_empty {
            if let Some(flow) = body.flow.take() {
                // The server never asks for the body of an answer that has none (204, HEAD, length 0).
                flow.close().await;
            }
        } else if announced_length.is_some() {
            let first = body.first().await;
            if body.flow.is_none()
                && let Some(Ok(frame)) = &first
                && let Some(whole) = frame.data_ref()
            {
                return whole.clone().into();
            }
            body.ahead = first;
        }
        axum::body::Body::new(MakingWay { body, failed: None })
    }

    /// What is here already. Waits for nothing but the record of an answer that is complete.
    async fn first(&mut self) -> Next {
        std::future::poll_fn(|context| match Pin::new(&mut *self).poll_frame(context) {
            Poll::Pending if self.last.is_none() => Poll::Ready(None),
            polled => polled,
        })
        .await
    }

    /// The answer is over: its record must be in the spool before `frame`, the last of it, leaves.
    fn end_with(&mut self, recorded: Spooling, frame: Next) {
        self.last = Some(Last { recorded, frame });
    }
}

impl Body for RelayBody {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Next> {
        if let Some(first) = self.ahead.take() {
            return Poll::Ready(Some(first));
        }
        loop {
            if let Some(last) = &mut self.last {
                ready!(Pin::new(&mut last.recorded).poll(context));
                let frame = last.frame.take();
                self.last = None;
                return Poll::Ready(frame);
            }
            let Some(flow) = &mut self.flow else { return Poll::Ready(None) };
            let mut is_over = false;
            if let Some(stage) = &mut flow.stage {
                match stage.poll(context) {
                    Poll::Pending => {
                        ready!(flow.cut.as_mut().poll(context));
                        self.broken(ErrorKind::ShuttingDown);
                        continue;
                    }
                    Poll::Ready(Staged::Nothing(nothing_comes)) => is_over = nothing_comes,
                    Poll::Ready(Staged::Bytes(bytes)) => {
                        let delivered = flow.staged(bytes);
                        if flow.refused().is_some() {
                            self.refused(delivered);
                        } else if let Some(frame) = data(delivered) {
                            return Poll::Ready(Some(frame));
                        }
                        continue;
                    }
                    Poll::Ready(Staged::Ended(bytes, refusal, plugins)) => {
                        self.stopped(bytes, &refusal, *plugins);
                        continue;
                    }
                }
            }
            if is_over {
                self.finished();
                continue;
            }
            let next = match flow.held.pop_front() {
                Some(first) => Poll::Ready(Some(Ok(Frame::data(first)))),
                None => Pin::new(&mut flow.upstream).poll_frame(context),
            };
            let frame = match next {
                Poll::Pending => {
                    if flow.cut.as_mut().poll(context).is_ready() {
                        self.broken(ErrorKind::ShuttingDown);
                    } else {
                        ready!(flow.patience.poll_over(context));
                        self.broken(ErrorKind::UpstreamTimeout);
                    }
                    continue;
                }
                Poll::Ready(Some(Ok(frame))) => frame,
                Poll::Ready(Some(Err(_))) => {
                    self.broken(ErrorKind::UpstreamProtocol);
                    continue;
                }
                Poll::Ready(None) => {
                    match &mut flow.stage {
                        // What the plugins have not seen yet comes first.
                        Some(stage) => stage.end(),
                        None => self.finished(),
                    }
                    continue;
                }
            };
            flow.patience.answered();
            // Trailers are hop-by-hop for us.
            let Ok(chunk) = frame.into_data() else { continue };
            let delivered = flow.pass(chunk);
            if flow.refused().is_some() {
                self.refused(delivered);
                continue;
            }
            if flow.edits() && !flow.meter.is_readable() {
                // What cannot be decoded any more cannot be filtered, and must not vanish silently.
                self.broken(ErrorKind::UpstreamProtocol);
                continue;
            }
            if let Some(remaining) = &mut self.remaining {
                *remaining = remaining.saturating_sub(delivered.len() as u64);
                if *remaining == 0
                    && let Some(flow) = self.flow.take()
                {
                    self.end_with(flow.complete(), data(delivered));
                    continue;
                }
            }
            if let Some(frame) = data(delivered) {
                return Poll::Ready(Some(frame));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.flow.is_none() && self.last.is_none() && self.ahead.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let ahead = match &self.ahead {
            Some(Ok(frame)) => frame.data_ref().map_or(0, |data| data.len() as u64),
            _ => 0,
        };
        self.remaining.map_or_else(SizeHint::default, |remaining| SizeHint::with_exact(remaining + ahead))
    }
}

fn data(bytes: Bytes) -> Next {
    (!bytes.is_empty()).then(|| Ok(Frame::data(bytes)))
}

impl RelayBody {
    /// The answer is complete.
    fn finished(&mut self) {
        let Some(mut flow) = self.flow.take() else { return };
        let rest = flow.last_bytes();
        if flow.refused().is_some() {
            self.flow = Some(flow);
            return self.refused(rest);
        }
        self.end_with(flow.complete(), data(rest));
    }

    /// A plugin ends the stream; `bytes` may still leave.
    fn stopped(&mut self, bytes: Vec<u8>, refusal: &Refusal, plugins: Running) {
        let Some(mut flow) = self.flow.take() else { return };
        flow.back(plugins);
        let mut last = flow.staged(bytes).to_vec();
        last.extend_from_slice(&flow.held_back(Vec::new()));
        self.ended_by(flow, refusal.kind, &refusal.message, &last);
    }

    /// The upstream failed in the middle, or the process ends: an event stream ends with its API's own error event,
    /// any other body by breaking off, since its head already promised more.
    fn broken(&mut self, kind: ErrorKind) {
        let Some(mut flow) = self.flow.take() else { return };
        if kind == ErrorKind::ShuttingDown && self.remaining.is_none() && flow.meter.facts().ended {
            // The client has all it asked for; only the provider had not hung up yet.
            let rest = flow.last_bytes();
            if flow.refused().is_some() {
                self.flow = Some(flow);
                return self.refused(rest);
            }
            return self.end_with(flow.close(), data(rest));
        }
        let message = match kind {
            ErrorKind::UpstreamTimeout => "the provider sent nothing for too long",
            ErrorKind::ShuttingDown => shutdown::MESSAGE,
            _ => "the provider broke the answer off",
        };
        let last = if flow.is_event_stream { flow.held_back(Vec::new()) } else { Bytes::new() };
        self.ended_by(flow, kind, message, &last);
    }

    /// The sanitizer lets nothing more through; `last` is what left before.
    fn refused(&mut self, last: Bytes) {
        let Some(flow) = self.flow.take() else { return };
        if let Some(Refusal { kind, message, .. }) = flow.refused().cloned() {
            self.ended_by(flow, kind, &message, &last);
        }
    }

    /// Sends `last`, and in a stream the error's own event behind it; any other body breaks off.
    fn ended_by(&mut self, mut flow: Box<Flow>, kind: ErrorKind, message: &str, last: &[u8]) {
        let event = if self.remaining.is_some() {
            None
        } else if flow.is_event_stream {
            let number = flow.next_sequence_number();
            let event = error_body::stream_event(flow.client_api, kind, message, &flow.request_id, number);
            Some([flow.boundary(), &event].concat())
        } else {
            flow.element_opening().map(|opening| {
                let family = flow.client_api.family();
                let element = error_body::body(family, kind, kind.status(), message, &flow.request_id);
                [opening, &element, b"]"].concat()
            })
        };
        let Some(event) = event else {
            return self.end_with(flow.fail(kind), Some(Err(message.into())));
        };
        flow.record.sent(event.len());
        self.end_with(flow.fail(kind), data([last, &event].concat().into()));
    }
}

/// A body whose failure waits until what came before it is on its way: hyper throws away what it has not written
/// yet, the head of the answer too, when a body fails, and writes when a body has to be waited for.
struct MakingWay<B: Body> {
    body: B,
    failed: Option<B::Error>,
}

impl<B: Body<Error: Unpin> + Unpin> Body for MakingWay<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        if let Some(error) = self.failed.take() {
            return Poll::Ready(Some(Err(error)));
        }
        match ready!(Pin::new(&mut self.body).poll_frame(context)) {
            Some(Err(error)) => {
                self.failed = Some(error);
                context.waker().wake_by_ref();
                Poll::Pending
            }
            next => Poll::Ready(next),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.failed.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for RelayBody {
    fn drop(&mut self) {
        if let Some(flow) = self.flow.take() {
            flow.abandoned();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use hyper_util::rt::TokioIo;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn what_came_before_a_failure_is_written() {
        let service = hyper::service::service_fn(|_| async {
            let pieces: [Result<_, std::io::Error>; 2] =
                [Ok(Frame::data(Bytes::from_static(b"half"))), Err(std::io::ErrorKind::UnexpectedEof.into())];
            let body = http_body_util::StreamBody::new(futures_util::stream::iter(pieces));
            Ok::<_, Infallible>(http::Response::new(MakingWay { body, failed: None }))
        });
        let (mut client, server) = tokio::io::duplex(4096);
        let serving = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(server), service);
        let mut heard = String::new();
        let asking = async {
            client.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
            client.read_to_string(&mut heard).await.unwrap();
        };
        let (served, ()) = tokio::join!(serving, asking);
        assert!(served.is_err(), "the connection breaks off");
        assert!(heard.starts_with("HTTP/1.1 200 OK\r\n") && heard.ends_with("\r\n4\r\nhalf\r\n"), "{heard}");
    }
}
