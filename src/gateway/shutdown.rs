//! How calls under way learn that the process ends, and how the process learns that they are over.
//!
//! It only tells and counts. What a call does with the news is decided where the call stands: a stream
//! ends with an error event, a request without an answer gets a 503, and both are recorded as such.

use std::{future::Future, pin::Pin, time::Duration};

use tokio::{
    task::JoinHandle,
    time::{Instant, timeout, timeout_at},
};
use tokio_util::{
    sync::{CancellationToken, WaitForCancellationFutureOwned},
    task::TaskTracker,
};

/// How long calls may take to end once they were told to.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// What the client of a call is told that the end of the process cut off.
pub(crate) const MESSAGE: &str = "the gateway is shutting down";

/// The end of the process, as the data plane sees it. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    cut: CancellationToken,
    detached: TaskTracker,
}

impl Shutdown {
    /// Cancelled when whatever is still under way must end now.
    pub const fn cut(&self) -> &CancellationToken {
        &self.cut
    }

    /// Waits for the calls that are read on for clients that have left, until `deadline`; then cuts
    /// them off, and everything else that may still be under way.
    pub async fn finish(&self, deadline: Instant) {
        self.detached.close();
        if timeout_at(deadline, self.detached.wait()).await.is_err() {
            self.cut.cancel();
            let _ = timeout(LAST_WORDS, self.detached.wait()).await;
        }
    }

    /// A task that may outlive its client's connection, and that the process waits for.
    pub(super) fn spawn<T: Send + 'static>(&self, task: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        self.detached.spawn(task)
    }

    /// Ready when everything must end, for a poll of one's own.
    pub(super) fn coming(&self) -> Pin<Box<WaitForCancellationFutureOwned>> {
        Box::pin(self.cut.clone().cancelled_owned())
    }
}
