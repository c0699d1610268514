//! What the admin handlers stand on. Built once, by `app.rs`.
//!
//! Never holds a secret of its own: credentials are read from the policy, where a reload replaces them.

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use super::{
    ask::NameCell,
    error::{ApiError, Code},
    login::Door,
    lookout::Lookout,
    sql::Gauge,
};
use crate::{
    analytics::ask::{Complete, Sandbox},
    policy::PolicyCell,
    store::Store,
    telemetry::Metrics,
};

/// Compiles the policy anew from the current config and the control store, and puts it in place.
/// When it answers `Ok`, the next request sees what was changed.
pub type Reload = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// What `app.rs` gives the admin room.
pub struct AdminParts {
    /// The policy as the data plane sees it; also the source of the admin credential.
    pub policy: Arc<PolicyCell>,
    /// Control state and history.
    pub store: Store,
    /// Called after every change of a key or provider, before the change is answered.
    pub reload: Reload,
    /// Renders `/metrics`.
    pub metrics: Metrics,
    /// The whole OpenAPI document as JSON (gateway and admin), as `/openapi.json` answers it.
    pub openapi: Bytes,
    /// The port that is really listened on, which `/health` tells.
    pub port: u16,
    /// When the process began to serve.
    pub started_at: Instant,
    /// Cancelled when the gateway begins to stop: readiness goes, live streams end.
    pub stopping: CancellationToken,
    /// A look at the data plane.
    pub lookout: Arc<dyn Lookout>,
    /// Runs the SQL of questions; without it they are not answered.
    pub sandbox: Option<Sandbox>,
    /// Asks a model through the data plane.
    pub complete: Complete,
}

/// The admin room's state; cheap to clone.
#[derive(Clone)]
pub struct AdminState {
    pub(super) parts: Arc<AdminParts>,
    pub(super) door: Arc<Door>,
    /// Stirred whenever a credential may have become void, so that live streams look again.
    pub(super) doubt: tokio::sync::watch::Sender<()>,
    turn: Arc<tokio::sync::Mutex<()>>,
    /// One replay of past requests at a time.
    pub(super) replays: Arc<tokio::sync::Semaphore>,
    /// Counts questions.
    pub(super) questions: Arc<Gauge>,
    /// What questions may mention.
    pub(super) names: Arc<NameCell>,
}

impl AdminState {
    /// Takes the parts over. Starts nothing.
    pub fn new(parts: AdminParts) -> Self {
        let doubt = tokio::sync::watch::Sender::new(());
        Self {
            parts: Arc::new(parts),
            door: Arc::new(Door::new()),
            doubt,
            turn: Arc::default(),
            replays: Arc::new(tokio::sync::Semaphore::new(1)),
            questions: Arc::default(),
            names: Arc::default(),
        }
    }

    /// Changes control state: one change at a time, on disk and in the running policy before it is
    /// answered, and carried through even if the caller hangs up half-way.
    ///
    /// # Errors
    /// Those of `work`, and `internal` when the policy cannot be compiled anew.
    pub(super) async fn change<T, F>(&self, work: F) -> Result<T, ApiError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, ApiError>> + Send + 'static,
    {
        let state = self.clone();
        let task = tokio::spawn(async move {
            let _turn = state.turn.lock().await;
            let done = work.await?;
            (state.parts.reload)().await.map_err(|cause| {
                tracing::error!(cause, "the policy could not be compiled after a change over the API");
                ApiError::new(Code::Internal, "the change is stored but not in effect; the log says why")
            })?;
            Ok(done)
        });
        task.await.map_err(|fault| ApiError::internal(&fault))?
    }
}
