//! Records on their way to a plugin's last hook: a bounded queue and one task, which nobody waits for.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use super::{context::Context, hooks::Hook, run::Installed};

/// Records that may wait for one plugin.
const QUEUE: usize = 4_096;

/// How long the end of the process waits for what is still in a queue.
const DRAIN: Duration = Duration::from_secs(10);

enum Job {
    /// With its plugin, which lives as long as it has something to do.
    Record(Arc<Installed>, Arc<Context>),
    /// Told when everything before it is done.
    Drained(oneshot::Sender<()>),
}

/// The queue of one plugin. Its task begins with the first record.
#[derive(Debug, Default)]
pub(super) struct Queue(OnceLock<mpsc::Sender<Job>>);

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Job")
    }
}

impl Queue {
    /// Puts a record in; false when there is no place for it.
    pub(super) fn push(&self, owner: &Arc<Installed>, context: Arc<Context>) -> bool {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return false };
        let sender = self.0.get_or_init(|| {
            let (sender, waiting) = mpsc::channel(QUEUE);
            runtime.spawn(work(waiting));
            sender
        });
        sender.try_send(Job::Record(Arc::clone(owner), context)).is_ok()
    }

    /// Waits until everything that was put in is done, for a bounded time.
    pub(super) async fn drained(&self) {
        let Some(sender) = self.0.get() else { return };
        let (told, done) = oneshot::channel();
        let drained = async {
            if sender.send(Job::Drained(told)).await.is_ok() {
                let _ = done.await;
            }
        };
        let _ = timeout(DRAIN, drained).await;
    }
}

/// It ends when the plugin is gone, whose queue this is, and nothing waits any more.
async fn work(mut waiting: mpsc::Receiver<Job>) {
    while let Some(job) = waiting.recv().await {
        match job {
            Job::Record(installed, context) => {
                let mut context = Arc::unwrap_or_clone(context);
                // A failure is counted and logged where it happens; here it changes nothing.
                let _ = installed.call(Hook::DetachedAfterResponse, &mut context).await;
            }
            Job::Drained(told) => {
                let _ = told.send(());
            }
        }
    }
}
