//! The only room that knows every other: it opens the stores, builds the rooms' states and joins their routes.
//!
//! No decision about a request is made here.

mod breakers;
mod commands;
mod lookout;
mod questions;

use std::{
    collections::{BTreeMap, btree_map::Entry},
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::Router;
use bytes::Bytes;
use tokio::{net::TcpListener, sync::Mutex};
use tokio_util::sync::CancellationToken;

pub use commands::{ask, backup, demo, openapi, serve};

use crate::{
    admin::{self, AdminParts, AdminState},
    analytics::{
        self,
        ask::{AskError, Sandbox},
    },
    catalog::Catalog,
    complete::{Completer, Completion, CompletionError, CompletionRequest, CompletionStream},
    config::{Config, ConfigErrors, LoadOptions, Watcher},
    demo,
    domain::{Spend, Timestamp},
    gateway::{self, GatewayState, Memory, Shutdown},
    own::Served,
    policy::{Policy, PolicyCell},
    portal,
    provider::{Egress, Resolver},
    server, spans,
    store::{self, Action, Actor, Deed, Ending, Judging, StatsFilter, Store, StoreError},
    tasks, telemetry, webhook,
};

/// Why the gateway could not start or stop.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// What the configuration or a key states cannot be put in force.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// The data directory could not be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The address could not be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// `host:port`.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The signal handlers could not be set.
    #[error("cannot watch for signals: {0}")]
    Signals(std::io::Error),
    /// The asynchronous runtime could not be started, or the working directory not be read.
    #[error("cannot start: {0}")]
    Runtime(std::io::Error),
    /// Certificate and key cannot be used.
    #[error("server.tls: {0}")]
    Tls(#[from] server::TlsError),
    /// The demo could not be prepared.
    #[error(transparent)]
    Demo(#[from] demo::DemoError),
    /// A question could not be answered.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// The logs could not be set up.
    #[error(transparent)]
    Logs(#[from] telemetry::TelemetryError),
}

/// How often what is believed of each model is brought up to date, at least.
const ASSESS_INTERVAL: Duration = Duration::from_secs(5);

/// How soon a running gateway notices what another process changed in the control store.
const FOLLOW_INTERVAL: Duration = Duration::from_secs(1);

/// Longest time that a start or a reload waits to learn what was spent; afterwards it is asked again and again.
const SPEND_WAIT: Duration = Duration::from_secs(2);

/// Errors of a refused configuration that the audit log keeps.
const NOTED_ERRORS: usize = 20;

/// A gateway with open stores and a compiled policy, ready to be mounted or served.
///
/// ```no_run
/// # async fn run(options: llm_gateway::config::LoadOptions) -> Result<(), Box<dyn std::error::Error>> {
/// use llm_gateway::{Gateway, config};
///
/// let gateway = Gateway::from_config(config::load(&options)?).await?;
/// let router: axum::Router = gateway.router();
/// # drop(router);
/// gateway.close().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Gateway {
    store: Store,
    reloader: Reloader,
    metrics: telemetry::Metrics,
    memory: Memory,
    started_at: Instant,
    stopping: CancellationToken,
    shutdown: Shutdown,
    sandbox: Option<Sandbox>,
    /// Back ends of the program that it is part of.
    own: Arc<[Served]>,
}

/// Compiles the policy anew, one compilation at a time, so that no change can be lost to another.
#[derive(Clone)]
struct Reloader {
    store: Store,
    policy: Arc<PolicyCell>,
    egress: Egress,
    turn: Arc<Mutex<()>>,
}

impl Reloader {
    /// Takes over a new configuration, or only the control store's changes.
    async fn reload(&self, config: Option<Config>) -> Result<(), AppError> {
        let _turn = self.turn.lock().await;
        let before = self.policy.load();
        let snapshot = self.store.control.snapshot().await?;
        let is_new = config.is_some();
        let config = config.map_or_else(|| Arc::clone(&before.config), Arc::new);
        let policy = Policy::compile(config, &snapshot, Some(&before), &self.egress)?;
        if is_new {
            // A configuration that cannot be written down is not taken over.
            self.store.control.log(&Actor::Config, &Deed::done(Action::ConfigReload, None)).await?;
        }
        self.learn_spend(&policy).await;
        self.store.recorder.judge_by(judging(&policy.config));
        self.policy.store(policy);
        Ok(())
    }

    /// Lets new budgets know what was spent before they were watched. A store that does not answer in time is asked
    /// again by [`Self::follow_spend`]; until then they refuse (503).
    async fn learn_spend(&self, policy: &Policy) {
        if policy.budgets.unknown().next().is_none() {
            return;
        }
        match tokio::time::timeout(SPEND_WAIT, self.read_spend(policy)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "what was spent cannot be read; budgets refuse until it can"),
            Err(_) => tracing::warn!("what was spent cannot be read in time; budgets refuse until it can"),
        }
    }

    async fn read_spend(&self, policy: &Policy) -> Result<(), StoreError> {
        // What a killed process left in the spool counts too.
        self.store.recorder.flush().await?;
        let now = Timestamp::now();
        let mut read: BTreeMap<i64, Vec<Spend>> = BTreeMap::new();
        for books in policy.budgets.unknown() {
            let since = books.since_us(now.unix_us);
            if let Entry::Vacant(place) = read.entry(since) {
                place.insert(self.store.history.spend(Timestamp { unix_us: since }).await?);
            }
            books.load(read.get(&since).map_or(&[], Vec::as_slice), now.unix_us);
        }
        Ok(())
    }

    /// Asks again for what was spent, as long as a budget does not know it, until `stop` is cancelled.
    async fn follow_spend(self, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(FOLLOW_INTERVAL)).await.is_some() {
            self.learn_spend(&self.policy.load()).await;
        }
    }

    /// Writes down that a changed configuration or certificate was refused. Its errors never hold a value that may be secret.
    async fn note_refused(&self, why: &str, errors: impl IntoIterator<Item = String>) {
        let mut deed = Deed::undone(Action::ConfigReload, None, Ending::Refused(why.to_owned()));
        let lines: Vec<String> = errors.into_iter().take(NOTED_ERRORS).collect();
        deed.changes.insert("errors".to_owned(), lines.into());
        if let Err(error) = self.store.control.log(&Actor::Config, &deed).await {
            tracing::error!(%error, "a refused configuration could not be written to the audit log");
        }
    }

    /// Takes over what the `keys` command changes from another process, until `stop` is cancelled.
    async fn follow_store(self, stop: CancellationToken) {
        let mut seen = self.store.control.revision().await.ok();
        while stop.run_until_cancelled(tokio::time::sleep(FOLLOW_INTERVAL)).await.is_some() {
            let Ok(revision) = self.store.control.revision().await else { continue };
            if seen.replace(revision) == Some(revision) {
                continue;
            }
            if let Err(error) = self.reload(None).await {
                tracing::error!(%error, "keys or providers have changed but cannot be read; the old ones stay");
                seen = None;
            }
        }
    }
}

impl Gateway {
    /// Opens the data directory and compiles the policy.
    ///
    /// # Errors
    /// If the data directory cannot be used.
    pub async fn from_config(config: Config) -> Result<Self, AppError> {
        Self::resolving(config, Resolver::default()).await
    }

    /// The same, with a way of its own to look providers' names up.
    ///
    /// # Errors
    /// If the data directory cannot be used.
    pub async fn resolving(config: Config, resolver: Resolver) -> Result<Self, AppError> {
        // Reading some hundred certificates and the catalog takes a while, in which the disk can be waited for.
        let read = tokio::task::spawn_blocking(move || {
            Catalog::warm_up();
            Egress::load(resolver)
        });
        let store = store::open_judging(&config.storage, judging(&config)).await?;
        let egress = read.await.map_err(|panic| AppError::Runtime(panic.into()))?;
        let snapshot = store.control.snapshot().await?;
        // Plugins take their handles for metrics when they are compiled.
        let metrics = telemetry::Metrics::of_process();
        let policy = Arc::new(PolicyCell::new(Policy::compile(Arc::new(config), &snapshot, None, &egress)?));
        let reloader = Reloader { store: store.clone(), policy, egress, turn: Arc::default() };
        reloader.learn_spend(&reloader.policy.load()).await;
        let memory = Memory::default();
        breakers::restore(&memory.health, &store.control).await;
        let (started_at, stopping) = (Instant::now(), CancellationToken::new());
        let shutdown = Shutdown::default();
        Ok(Self {
            store,
            reloader,
            metrics,
            memory,
            started_at,
            stopping,
            shutdown,
            sandbox: None,
            own: Arc::default(),
        })
    }

    /// The same, with back ends that are served as long as it lives.
    pub(crate) fn keeping(mut self, own: Vec<Served>) -> Self {
        self.own = own.into();
        self
    }

    /// The same, answering questions about the records (`/v1/ask`, `/v1/sql`). Their SQL runs in processes of `program`,
    /// which must be this crate's own binary.
    ///
    /// # Errors
    /// If the working directory, which a relative data directory lies in, cannot be read.
    pub fn answering_by(mut self, program: PathBuf) -> Result<Self, AppError> {
        let database = Store::usage_file(&self.reloader.policy.load().config.storage);
        let database = std::path::absolute(database).map_err(AppError::Runtime)?;
        self.sandbox = Some(Sandbox::new(program, database));
        Ok(self)
    }

    /// Every route: the inference endpoints, the admin API and the portal, for an application of one's own.
    ///
    /// ```
    /// # let directory = tempfile::tempdir().unwrap();
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use axum::{Router, routing::get};
    /// use llm_gateway::{Gateway, ProviderConfig};
    ///
    /// # let data = directory.path();
    /// let provider = ProviderConfig::new("openai").key("sk-key");
    /// let gateway = Gateway::builder(data).provider(provider).build().await?;
    /// let app: Router = Router::new().route("/mine", get(|| async { "a route of my own" })).merge(gateway.router());
    /// # use tower::ServiceExt as _;
    /// # let call = |path| http::Request::get(path).header("host", "localhost:8930").body(axum::body::Body::empty());
    /// # for path in ["/mine", "/health", "/v1/models"] {
    /// #     assert_eq!(app.clone().oneshot(call(path)?).await?.status(), 200);
    /// # }
    /// // axum::serve(listener, app) as usual; at the end:
    /// gateway.close().await?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub fn router(&self) -> Router {
        self.router_for_port(self.reloader.policy.load().config.server.port)
    }

    fn router_for_port(&self, port: u16) -> Router {
        let reloader = self.reloader.clone();
        let admin = AdminState::new(AdminParts {
            policy: Arc::clone(&self.reloader.policy),
            store: self.store.clone(),
            reload: Arc::new(move || {
                let reloader = reloader.clone();
                Box::pin(async move { reloader.reload(None).await.map_err(|error| error.to_string()) })
            }),
            metrics: self.metrics.clone(),
            openapi: Bytes::from(server::openapi().to_json().unwrap_or_default()),
            port,
            started_at: self.started_at,
            stopping: self.stopping.clone(),
            lookout: Arc::new(lookout::Watch(self.memory.clone())),
            sandbox: self.sandbox.clone(),
            complete: questions::completing(self.completer(), self.store.clone()),
        });
        let data_plane = gateway::router(self.data_plane()).merge(tasks::router(self.tasks()));
        server::router(data_plane, admin::router(admin), portal::router())
    }

    fn tasks(&self) -> tasks::TasksState {
        let gateway = self.data_plane();
        let policy = Arc::clone(&gateway.policy);
        let door: tasks::Door = Arc::new(move |endpoint, shape, request| {
            Box::pin(gateway::serve_task(gateway.clone(), endpoint, shape, request))
        });
        tasks::TasksState { door, policy }
    }

    /// Asks for one chat completion.
    ///
    /// # Errors
    /// If the gateway refuses the request or the provider fails.
    pub async fn complete(&self, request: &CompletionRequest) -> Result<Completion, CompletionError> {
        self.completer().complete(request).await
    }

    /// Asks for one chat completion and hands its text out as it comes.
    ///
    /// # Errors
    /// If the gateway refuses the request or the provider fails before its answer begins.
    pub async fn stream(&self, request: &CompletionRequest) -> Result<CompletionStream, CompletionError> {
        self.completer().stream(request).await
    }

    /// What was used so far: totals, rates and latencies, by provider, model and more.
    ///
    /// # Errors
    /// If the records cannot be read.
    pub async fn stats(&self) -> Result<analytics::Stats, AppError> {
        self.store.recorder.flush().await?;
        Ok(analytics::stats(&self.store.history, &StatsFilter::default()).await?)
    }

    /// What other rooms ask models by.
    fn completer(&self) -> Completer {
        Completer::new(gateway::router(self.data_plane()))
    }

    fn data_plane(&self) -> GatewayState {
        GatewayState {
            policy: Arc::clone(&self.reloader.policy),
            recorder: self.store.recorder.clone(),
            memory: self.memory.clone(),
            shutdown: self.shutdown.clone(),
        }
    }

    /// The stores, for commands and the demo's history.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The policy in force, for the demo's history.
    pub fn policy(&self) -> Arc<Policy> {
        self.reloader.policy.load()
    }

    /// Serves on `listener` until `stop` is cancelled, then lets open requests finish, writes every
    /// record and closes the stores.
    ///
    /// # Errors
    /// If the certificate cannot be used, or records could not be written at the end.
    pub async fn serve(self, listener: TcpListener, stop: CancellationToken) -> Result<(), AppError> {
        let tls = self.reloader.policy.load().config.server.tls.as_ref().map(server::Tls::open).transpose()?;
        let port = listener.local_addr().map_or(0, |address| address.port());
        let router = self.router_for_port(port);
        let stopping = self.stopping.clone();
        let watched = stop.clone();
        let stopped_at = tokio::spawn(async move {
            watched.cancelled().await;
            stopping.cancel();
            tokio::time::Instant::now()
        });
        tokio::spawn(self.reloader.clone().follow_store(stop.clone()));
        tokio::spawn(self.reloader.clone().follow_spend(stop.clone()));
        tokio::spawn(self.metrics.clone().fold_until(stop.clone()));
        tokio::spawn(self.clone().assess_models(stop.clone()));
        let (news, policy) = (self.store.recorder.incident_news(), Arc::clone(&self.reloader.policy));
        tokio::spawn(webhook::run(news, policy, self.reloader.egress.clone(), stop.clone()));
        // It goes on until nothing can open a breaker any more.
        let drained_all = CancellationToken::new();
        let breakers = tokio::spawn({
            let (health, control, end) =
                (Arc::clone(&self.memory.health), self.store.control.clone(), drained_all.clone());
            async move { breakers::follow(&health, &control, end).await }
        });
        if let Some(tls) = tls.clone() {
            let (reloader, runtime) = (self.reloader.clone(), tokio::runtime::Handle::current());
            let refused = move |error: server::TlsError| {
                let reloader = reloader.clone();
                runtime.spawn(async move { reloader.note_refused("invalid_certificate", [error.to_string()]).await });
            };
            tokio::spawn(tls.follow(stop.clone(), refused));
        }
        let told_all = CancellationToken::new();
        let (news, policy) = (self.store.recorder.live(), Arc::clone(&self.reloader.policy));
        let telling = tokio::spawn(spans::run(news, policy, self.reloader.egress.clone(), told_all.clone()));
        let policy = Arc::clone(&self.reloader.policy);
        let current = move || Arc::clone(&policy.load().config);
        let stop = server::Stop { begun: stop, cut: self.shutdown.cut().clone() };
        let drained = server::listen_reloading(server::Entrance { listener, tls }, router, current, stop).await;
        let stopped_at = stopped_at.await.unwrap_or_else(|_| tokio::time::Instant::now());
        self.shutdown.finish(stopped_at + self.reloader.policy.load().config.server.shutdown_timeout).await;
        if drained.cut_connections > 0 {
            tracing::warn!(connections = drained.cut_connections, "cut off after server.shutdown_timeout");
        }
        drained_all.cancel();
        // A panic of it was reported when it happened.
        let _ = breakers.await;
        // What the last requests left is told too. Where it cannot be written, closing says so.
        let _ = self.store.recorder.flush().await;
        told_all.cancel();
        let _ = telling.await;
        self.close().await
    }

    /// Keeps what the router believes of each model in step with the signals, until `stop` is cancelled.
    async fn assess_models(self, stop: CancellationToken) {
        let mut signals = self.store.recorder.signals_changed();
        loop {
            match analytics::qualities(&self.store.history, &self.reloader.policy.load()).await {
                Ok(known) => self.memory.quality.store(Arc::new(known)),
                // What was believed before is nearly as good.
                Err(error) => tracing::warn!(%error, "the signals cannot be read"),
            }
            tokio::select! {
                () = stop.cancelled() => return,
                // Somebody said something; the sums of outcomes can wait.
                _ = signals.changed() => {}
                () = tokio::time::sleep(ASSESS_INTERVAL) => {}
            }
        }
    }

    /// Writes every record and closes the stores.
    ///
    /// # Errors
    /// If records could not be written.
    pub async fn close(self) -> Result<(), AppError> {
        // What plugins still hold may be records of requests that are over.
        self.reloader.policy.load().plugins.close().await;
        self.store.close().await.map_err(AppError::from)
    }

    /// Applies config changes while serving; an invalid one is logged and leaves everything as it is.
    fn watch(&self, options: LoadOptions) -> Option<Watcher> {
        let reloader = self.reloader.clone();
        let runtime = tokio::runtime::Handle::current();
        let running = Arc::clone(&self.reloader.policy.load().config);
        let watcher = Watcher::spawn(options, &running, move |loaded| match loaded {
            Ok(config) => {
                let reloader = reloader.clone();
                runtime.spawn(async move {
                    let warnings = config.warnings.clone();
                    match reloader.reload(Some(config)).await {
                        Ok(()) => {
                            warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
                            tracing::info!("the changed configuration is in force");
                        }
                        Err(AppError::Config(errors)) => {
                            tracing::error!(%errors, "the changed configuration is invalid; the old one stays");
                            reloader.note_refused("invalid_config", errors.lines().iter().cloned()).await;
                        }
                        Err(error) => tracing::error!(%error, "the changed configuration could not be applied"),
                    }
                });
            }
            Err(errors) => {
                tracing::error!(%errors, "the changed configuration is invalid; the old one stays");
                let reloader = reloader.clone();
                runtime.spawn(
                    async move { reloader.note_refused("invalid_config", errors.lines().iter().cloned()).await },
                );
            }
        });
        watcher.inspect_err(|error| tracing::warn!(%error, "config changes are not watched")).ok()
    }
}

fn judging(config: &Config) -> Judging {
    Judging { incidents: config.incidents.clone(), automatic_signals: config.routing.automatic_signals }
}
