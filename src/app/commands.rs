//! What the program's commands do, each from a checked configuration to its end. How they are called is `cli`'s.

use std::{
    collections::BTreeMap,
    io::Write as _,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio::net::TcpListener;

use super::{AppError, Gateway};
use crate::{
    analytics::ask::{Answer, Asker, Clock, Dimension, EXACT_FOR, Runner, Sandbox, Surroundings, names_of},
    config::{Config, LoadOptions},
    demo,
    domain::Timestamp,
    server,
    store::{self, Store},
    telemetry,
};

/// The `openapi` command: the document of the whole API, as indented JSON.
pub fn openapi() -> String {
    server::openapi().to_pretty_json().unwrap_or_default()
}

/// The `backup` command: the path of the copy that was made.
///
/// # Errors
/// If the data directory cannot be read or the copy not be written.
pub async fn backup(config: &Config, to: Option<&Path>) -> Result<PathBuf, AppError> {
    Ok(store::backup(&config.storage, to).await?)
}

/// The `ask` command: answers a question from the data directory, beside a gateway that may be serving it, without a
/// model.
///
/// # Errors
/// If the data directory cannot be read or the question not be run.
pub async fn ask(config: &Config, question: &str) -> Result<Answer, AppError> {
    let database = std::path::absolute(Store::usage_file(&config.storage)).map_err(AppError::Runtime)?;
    let history = store::open_history(&config.storage).await?;
    let keys = store::open_control(&config.storage).await?.snapshot().await?.keys;
    let key_labels: BTreeMap<String, String> =
        keys.into_iter().filter_map(|key| Some((key.id, key.fields.label?))).collect();
    let providers = config.providers.iter().map(|provider| (Dimension::Provider, provider.id.clone()));
    let names = Arc::new(names_of(history.names().await?, &key_labels, providers));
    let surroundings = Surroundings { key_labels: key_labels.into_iter().collect(), purses: Vec::new() };
    let runner = Runner {
        sandbox: Sandbox::new(own_program()?, database),
        surroundings,
        deadline: config.ask.sql_timeout,
        exact_for: EXACT_FOR,
    };
    let asker = Asker { runner, names, clock: Clock::utc(Timestamp::now()), model: None };
    Ok(asker.answer(question, None).await?)
}

/// The `serve` command: from a checked configuration to a clean end.
///
/// # Errors
/// If the gateway cannot start, or cannot write its records at the end.
pub async fn serve(config: Config, options: LoadOptions) -> Result<(), AppError> {
    telemetry::init_logs(&config.telemetry)?;
    let stop = server::stop_on_signals().map_err(AppError::Signals)?;
    server::raise_file_limit();
    let address = SocketAddr::new(config.server.host, config.server.port);
    let data: PathBuf = config.storage.path.clone();
    // The port comes first: a second gateway on the same port must not touch the data of the first.
    let listener = listen(address).await?;
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    let providers = config.providers.iter().filter(|provider| provider.enabled).count();
    let scheme = if config.server.tls.is_some() { "https" } else { "http" };
    let gateway = Gateway::from_config(config).await?.answering_by(own_program()?)?;
    let _watcher = gateway.watch(options);
    let address = listener.local_addr().unwrap_or(address);
    tracing::info!(%address, data = %data.display(), providers, "serving; the portal is at {scheme}://{address}/");
    gateway.serve(listener, stop).await
}

/// The `demo` command: demo providers, a fresh database with some weeks of history, and live traffic.
///
/// # Errors
/// If the demo cannot be prepared or the gateway cannot start.
pub async fn demo(port: Option<u16>, env: &BTreeMap<String, String>) -> Result<(), AppError> {
    let demo = demo::prepare(port, env).await?;
    telemetry::init_logs(&demo.config.telemetry)?;
    let stop = server::stop_on_signals().map_err(AppError::Signals)?;
    let listener = listen(SocketAddr::new(demo.config.server.host, demo.config.server.port)).await?;
    let address = listener.local_addr().map_err(AppError::Runtime)?;
    let gateway = Gateway::from_config(demo.config.clone()).await?.answering_by(own_program()?)?;
    let progress = |percent: u8| say(&format!("\rwriting history: {percent:>3} %"));
    let written = demo.fill(&gateway.store, &gateway.policy(), progress).await?;
    say(&format!("\rwriting history: {written} records\n{}\n", demo.welcome(address)));
    let _watcher = gateway.watch(demo.options.clone());
    let traffic = tokio::spawn(demo::trickle(address, stop.clone()));
    let served = gateway.serve(listener, stop).await;
    let _ = traffic.await;
    served
}

/// The program that runs the SQL of questions: this one.
fn own_program() -> Result<PathBuf, AppError> {
    Sandbox::own_program().map_err(AppError::Runtime)
}

/// Tells the person at the terminal how far things are.
fn say(text: &str) {
    // A closed terminal is no reason to stop serving.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

async fn listen(address: SocketAddr) -> Result<TcpListener, AppError> {
    TcpListener::bind(address).await.map_err(|source| AppError::Listen { address, source })
}
