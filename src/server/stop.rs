//! What the process asks of the operating system: its signals as one graceful stop, and room for sockets.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// How a server is told to end, in two steps.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    /// No new request is taken on; those under way may finish.
    pub begun: CancellationToken,
    /// What is still under way after `shutdown_timeout` ends now. The server cancels it; whoever makes
    /// answers watches it.
    pub cut: CancellationToken,
}

/// Cancels the returned token on the first SIGTERM or SIGINT; a second one ends the process at
/// once with status 130.
///
/// # Errors
/// If the system refuses the signal handlers.
pub fn stop_on_signals() -> std::io::Result<CancellationToken> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let token = CancellationToken::new();
    let stop = token.clone();
    tokio::spawn(async move {
        either(&mut terminate, &mut interrupt).await;
        tracing::info!("stopping: open requests may finish; a second signal ends at once");
        stop.cancel();
        either(&mut terminate, &mut interrupt).await;
        tracing::warn!("stopped by a second signal");
        std::process::exit(130);
    });
    Ok(token)
}

/// Takes as many file descriptors as the system lets this process have: a connection needs one,
/// and another one upstream, and the usual soft limit is 1,024.
pub fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    // If it cannot be raised, the accept loop waits whenever descriptors run out.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}

async fn either(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
