//! Carries circuit breakers over a restart: read at the start, written when one opens or closes.
//!
//! Beside the way of requests, which never waits for it.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{domain::OpenBreaker, provider::Health, store::Control};

/// How long a process that is killed may have known of an opened breaker alone.
const NOTED_AFTER: Duration = Duration::from_millis(500);

/// How long a store that failed is left alone: whoever changes keys waits for the same connection.
const AGAIN_AFTER: Duration = Duration::from_secs(10);

/// Takes over what the process before knew. Without it every breaker is closed, which the next failures mend.
pub(super) async fn restore(health: &Health, control: &Control) {
    match control.breakers().await {
        Ok(breakers) => breakers.iter().for_each(|breaker| health.restore(breaker)),
        Err(error) => tracing::warn!(%error, "the state of the circuit breakers could not be read"),
    }
}

/// Writes the breakers down whenever one has changed, until `stop` is cancelled, and then once more.
pub(super) async fn follow(health: &Health, control: &Control, stop: CancellationToken) {
    // What the start has read, or nothing: then whatever holds now is written.
    let mut written: Option<Vec<OpenBreaker>> = control.breakers().await.ok();
    let mut pause = NOTED_AFTER;
    loop {
        let is_over = stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none();
        pause = NOTED_AFTER;
        let open = health.open();
        if written.as_ref() != Some(&open) {
            match control.put_breakers(&open).await {
                Ok(()) => written = Some(open),
                Err(error) => {
                    tracing::warn!(%error, "the state of the circuit breakers could not be written");
                    pause = AGAIN_AFTER;
                }
            }
        }
        if is_over {
            return;
        }
    }
}
