//! How long a provider may be silent in the middle of an answer.

use std::{
    future::Future as _,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::{Instant, Sleep};

/// The idle timer of an answer: one timer, re-armed only when it fires. Only the time counts in which
/// the provider was waited for: a client that reads slowly does not use up its patience.
pub(crate) struct Patience {
    idle: Duration,
    /// When the whole call must be over, if it must.
    deadline: Option<Instant>,
    /// Since when nothing has come although it was asked for.
    waiting_since: Option<Instant>,
    timer: Pin<Box<Sleep>>,
}

impl Patience {
    pub(crate) fn new(idle: Duration, deadline: Option<Instant>) -> Self {
        let due = earlier(Instant::now() + idle, deadline);
        Self { idle, deadline, waiting_since: None, timer: Box::pin(tokio::time::sleep_until(due)) }
    }

    /// Something came.
    pub(super) fn answered(&mut self) {
        self.waiting_since = None;
    }

    /// Ready when nothing has come for too long.
    pub(super) fn poll_over(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let since = *self.waiting_since.get_or_insert_with(Instant::now);
        loop {
            ready!(self.timer.as_mut().poll(context));
            let due = earlier(since + self.idle, self.deadline);
            if Instant::now() >= due {
                return Poll::Ready(());
            }
            self.timer.as_mut().reset(due);
        }
    }
}

fn earlier(due: Instant, deadline: Option<Instant>) -> Instant {
    deadline.map_or(due, |deadline| due.min(deadline))
}
