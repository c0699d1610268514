//! A streamed answer on its way past the plugins: read into neutral events, shown to them, written for the client.
//!
//! It exists only where a plugin wants to see chunks. While a plugin thinks, nothing of the stream is read on; how long
//! that may take is the plugin's own limit.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use super::{error::Refusal, hooks};
use crate::{
    dialect::translate::{Stream, answer::Event},
    plugins::{Chunks, Ending, Passed, Running},
};

/// The plugins of one stream, and what waits for them.
pub(crate) struct Stage {
    stream: Box<Stream>,
    pending: Vec<Event>,
    is_input_over: bool,
    state: State,
}

type Shown = (Box<(Running, Chunks)>, Passed);

enum State {
    Idle(Box<(Running, Chunks)>),
    Busy(Pin<Box<dyn Future<Output = Shown> + Send>>),
    /// A plugin ended the stream.
    Over,
}

/// What comes out.
pub(crate) enum Staged {
    /// Nothing waits any more; true when nothing will come either.
    Nothing(bool),
    /// Bytes for the client.
    Bytes(Vec<u8>),
    /// The last bytes for the client, and why the stream ends behind them.
    Ended(Vec<u8>, Box<Refusal>, Box<Running>),
}

impl Stage {
    pub(crate) fn new(stream: Box<Stream>, plugins: Running) -> Self {
        let state = State::Idle(Box::new((plugins, Chunks::default())));
        Self { stream, pending: Vec::new(), is_input_over: false, state }
    }

    /// Reads on.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        self.stream.read(bytes);
        self.pending.extend(self.stream.take_events());
    }

    /// The provider's body is over.
    pub(crate) fn end(&mut self) {
        if !self.is_input_over {
            self.is_input_over = true;
            self.stream.read_end();
            self.pending.extend(self.stream.take_events());
        }
    }

    /// Shows the plugins what waits.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Staged> {
        if matches!(self.state, State::Idle(_)) {
            if self.pending.is_empty() {
                return Poll::Ready(Staged::Nothing(self.is_input_over));
            }
            let events = std::mem::take(&mut self.pending);
            if let State::Idle(mut held) = std::mem::replace(&mut self.state, State::Over) {
                self.state = State::Busy(Box::pin(async move {
                    let (plugins, chunks) = &mut *held;
                    let passed = chunks.take(plugins, events).await;
                    (held, passed)
                }));
            }
        }
        let State::Busy(busy) = &mut self.state else { return Poll::Ready(Staged::Nothing(true)) };
        let (held, passed) = ready!(busy.as_mut().poll(context));
        let mut out = Vec::new();
        let (events, refusal) = match passed {
            Passed::Events(events) => (events, None),
            Passed::Ended(events, plugin, Ending::Refusal { status, message }) => {
                (events, Some(hooks::refused(&plugin, status, message)))
            }
            // A whole reply has no place in the middle of another.
            Passed::Ended(events, plugin, Ending::Reply(_)) | Passed::Failed(events, plugin) => {
                (events, Some(hooks::failed(&plugin)))
            }
        };
        self.stream.write_events(events, &mut out);
        match refusal {
            None => {
                self.state = State::Idle(held);
                Poll::Ready(Staged::Bytes(out))
            }
            Some(refusal) => {
                self.state = State::Over;
                Poll::Ready(Staged::Ended(out, Box::new(refusal), Box::new(held.0)))
            }
        }
    }

    /// The number of the next event where the client's API numbers them.
    pub(crate) fn next_sequence_number(&self) -> u64 {
        self.stream.next_sequence_number()
    }

    /// Whether the stream ended with an error of its own.
    pub(crate) fn has_failed(&self) -> bool {
        self.stream.has_failed()
    }

    /// The plugins, unless one of them is at work.
    pub(crate) fn into_plugins(self) -> Option<Running> {
        match self.state {
            State::Idle(held) => Some(held.0),
            State::Busy(_) | State::Over => None,
        }
    }
}
