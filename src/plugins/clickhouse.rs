//! `clickhouse-tracer`: one row in ClickHouse for each request, over its HTTP interface.
//!
//! A record goes to a spool on disk first; a task of its own sends whole segments, each under a token by which the server
//! knows one that it has already. A server that is away for a while loses nothing, as long as the spool has room; nobody
//! waits for it. No prompt, answer or credential is ever in a row.

mod row;
mod spool;

use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, header};
use http_body_util::{BodyExt as _, Full, Limited};
use serde::Deserialize;
use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use url::Url;

use self::spool::{Segment, Spool};
use super::{
    Fault, Plugin, Ruling, Shared, Verdict,
    context::Context,
    hooks::{Hook, Hooks},
    registry::{Kind, Tools, settings},
    ruled,
    schema::Misfit,
};
use crate::{
    config::PluginBlock,
    domain::{Record, Secret},
    provider::{Client, Egress, UpstreamBody},
};

pub(super) const KIND: Kind = Kind {
    id: "clickhouse-tracer",
    version: "1.0.0",
    description: "Writes one row for each request into a table of ClickHouse, which it makes: who asked, who answered, \
                  tokens, times and cost. What the server cannot take now waits on disk, within bounds.",
    schema: r#"{
        "type": "object", "additionalProperties": false, "required": ["clickhouse"],
        "properties": {
            "clickhouse": {
                "type": "object", "additionalProperties": false, "required": ["url"],
                "properties": {
                    "url": { "description": "The server's HTTP interface, such as http://localhost:8123.", "type": "string", "minLength": 1 },
                    "username": { "type": "string", "default": "default" },
                    "password": { "type": "string", "default": "" },
                    "database": { "description": "Made if it does not exist.", "type": "string", "default": "default", "minLength": 1 },
                    "table": { "description": "Made if it does not exist.", "type": "string", "default": "traces", "minLength": 1 }
                }
            },
            "flushInterval": { "description": "Milliseconds after which rows are sent that are fewer than a batch.", "type": "integer", "minimum": 10, "maximum": 3600000, "default": 10000 },
            "batchSize": { "description": "Rows that are sent together.", "type": "integer", "minimum": 1, "maximum": 1000000, "default": 10000 },
            "spoolBytes": { "description": "Most bytes of rows that wait on disk; newer ones are dropped then, and counted.", "type": "integer", "minimum": 65536, "maximum": 1099511627776, "default": 268435456 }
        }
    }"#,
    hooks: HOOKS,
    build,
};

const HOOKS: Hooks = Hooks::of(&[Hook::DetachedAfterResponse]);

/// How long one call of the server may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// The first pause after a failure, and the longest.
const PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How long the end of the process waits for what can still be sent.
const LAST_PATIENCE: Duration = Duration::from_secs(5);
/// As much as is read of the server's words.
const WORDS_BYTES_MAX: usize = 4 * 1024;

/// What the operator states.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Settings {
    clickhouse: Server,
    flush_interval: Option<u64>,
    batch_size: Option<usize>,
    spool_bytes: Option<u64>,
}

#[derive(Clone, Deserialize)]
struct Server {
    url: String,
    username: Option<String>,
    password: Option<String>,
    database: Option<String>,
    table: Option<String>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Server")
    }
}

fn build(block: &PluginBlock, tools: &Tools) -> Result<Shared, Vec<Misfit>> {
    let settings: Settings = settings(block)?;
    let directory = tools.data_dir.join("plugins").join(format!("clickhouse-{}", block.name));
    ClickhouseTracer::new(settings, directory, &tools.egress).map(|tracer| Arc::new(tracer) as Shared)
}

/// The plugin.
#[derive(Debug)]
pub struct ClickhouseTracer {
    inner: Arc<Inner>,
    /// Ends the task when the plugin is dropped.
    stop: CancellationToken,
    sending: OnceLock<()>,
}

#[derive(Debug)]
struct Inner {
    spool: Spool,
    target: Target,
    client: Client,
    flush_interval: Duration,
    /// A segment is full.
    full: Notify,
    /// One sends at a time.
    turn: tokio::sync::Mutex<Ready>,
}

/// Whether the table is known to be there.
#[derive(Debug, Default)]
struct Ready(bool);

/// Where rows go.
#[derive(Debug)]
struct Target {
    url: Url,
    user: HeaderValue,
    password: Option<Secret>,
    /// In back ticks.
    database: String,
    /// In back ticks, with its database.
    table: String,
}

impl Drop for ClickhouseTracer {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl ClickhouseTracer {
    /// A tracer by settings of the plugin's schema, with its spool in `directory`, which is made when it is needed.
    ///
    /// # Errors
    /// What cannot be used of the settings.
    pub fn from_json(config: serde_json::Value, directory: PathBuf, egress: &Egress) -> Result<Self, String> {
        let settings: Settings = serde_json::from_value(config).map_err(|error| error.to_string())?;
        Self::new(settings, directory, egress)
            .map_err(|misfits| misfits.iter().map(|misfit| format!("{}: {}", misfit.path, misfit.reason)).collect())
    }

    fn new(settings: Settings, directory: PathBuf, egress: &Egress) -> Result<Self, Vec<Misfit>> {
        let target = Target::read(settings.clickhouse)?;
        let spool = Spool::new(
            directory,
            settings.batch_size.unwrap_or(10_000),
            settings.spool_bytes.unwrap_or(256 * 1024 * 1024),
        );
        let inner = Inner {
            spool,
            target,
            client: Client::for_operator(Duration::from_secs(5), egress),
            flush_interval: Duration::from_millis(settings.flush_interval.unwrap_or(10_000)),
            full: Notify::new(),
            turn: tokio::sync::Mutex::default(),
        };
        let tracer = Self { inner: Arc::new(inner), stop: CancellationToken::new(), sending: OnceLock::new() };
        // What an earlier life left is sent without waiting for a new record.
        tracer.begin();
        Ok(tracer)
    }

    fn begin(&self) {
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            self.sending.get_or_init(|| {
                let inner = Arc::clone(&self.inner);
                runtime.spawn(self.stop.clone().run_until_cancelled_owned(inner.send_for_ever()));
            });
        }
    }

    /// Puts a record into the spool. False when there is no room for it.
    ///
    /// # Errors
    /// When the disk fails.
    pub async fn trace(&self, record: &Record) -> std::io::Result<bool> {
        self.begin();
        let line = row::line(record);
        let inner = Arc::clone(&self.inner);
        // The disk may take its time; the runtime's own threads may not.
        let put =
            tokio::task::spawn_blocking(move || inner.spool.put(&line)).await.map_err(std::io::Error::other)??;
        if put.is_full {
            self.inner.full.notify_one();
        }
        if !put.is_kept {
            metrics::counter!("llm_gateway_clickhouse_tracer_rows_total", "outcome" => "dropped").increment(1);
        }
        Ok(put.is_kept)
    }

    /// Sends what waits, as long as the server takes it and there is time; the rest stays on disk.
    pub async fn flush(&self) -> Result<(), String> {
        timeout(LAST_PATIENCE, self.inner.send_all()).await.unwrap_or_else(|_| Err("there was no time".to_owned()))
    }
}

impl Plugin for ClickhouseTracer {
    fn hooks(&self) -> Hooks {
        HOOKS
    }

    fn detached_after_response<'a>(&'a self, context: &'a mut Context) -> Ruling<'a> {
        let Some(record) = context.record.clone() else { return ruled(Ok(Verdict::Continue)) };
        Box::pin(async move {
            match self.trace(&record).await {
                Ok(true) => Ok(Verdict::Continue),
                Ok(false) => Err(Fault::OverLimit("the spool is full, and the server does not take rows".to_owned())),
                Err(error) => Err(Fault::Failed(format!("the spool cannot be written: {}", error.kind()))),
            }
        })
    }

    fn close(&self) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async {
            if let Err(why) = self.flush().await {
                tracing::warn!(why, "rows for ClickHouse stay on disk until the next start");
            }
        })
    }
}

impl Inner {
    async fn send_for_ever(self: Arc<Self>) {
        let mut pause = PAUSE;
        loop {
            tokio::select! {
                () = self.full.notified() => {}
                () = sleep(self.flush_interval) => {}
            }
            while let Err(why) = self.send_all().await {
                tracing::warn!(why, "ClickHouse takes no rows; they wait on disk");
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            pause = PAUSE;
        }
    }

    /// Sends every segment, the oldest first.
    async fn send_all(self: &Arc<Self>) -> Result<(), String> {
        let mut ready = self.turn.lock().await;
        let inner = Arc::clone(self);
        let segments = tokio::task::spawn_blocking(move || inner.spool.take()).await;
        let segments = segments.map_err(|_| "the spool's thread failed")?.map_err(|error| error.kind().to_string())?;
        for segment in segments {
            if !ready.0 {
                self.make_table().await?;
                ready.0 = true;
            }
            if let Err(why) = self.send(&segment).await {
                // It may have been dropped by somebody; it is made anew before the next try.
                ready.0 = false;
                return Err(why);
            }
            let inner = Arc::clone(self);
            let rows = segment.rows;
            let gone = tokio::task::spawn_blocking(move || inner.spool.remove(&segment)).await;
            gone.map_err(|_| "the spool's thread failed")?.map_err(|error| error.kind().to_string())?;
            metrics::counter!("llm_gateway_clickhouse_tracer_rows_total", "outcome" => "written").increment(rows);
        }
        Ok(())
    }

    async fn make_table(&self) -> Result<(), String> {
        let Target { database, table, .. } = &self.target;
        self.call(&format!("CREATE DATABASE IF NOT EXISTS {database}"), &[], Bytes::new()).await?;
        self.call(&format!("CREATE TABLE IF NOT EXISTS {table} ({}", row::COLUMNS), &[], Bytes::new()).await
    }

    async fn send(&self, segment: &Segment) -> Result<(), String> {
        let path = segment.path.clone();
        let body = tokio::task::spawn_blocking(move || spool::whole_lines(&path)).await;
        let body = body.map_err(|_| "the spool's thread failed")?.map_err(|error| error.kind().to_string())?;
        if body.is_empty() {
            return Ok(());
        }
        let statement = format!("INSERT INTO {} FORMAT JSONEachRow", self.target.table);
        // The server knows a segment again that it took without our hearing of it.
        let settings = [
            ("insert_deduplication_token", segment.token.as_str()),
            ("input_format_skip_unknown_fields", "1"),
            ("date_time_input_format", "best_effort"),
        ];
        self.call(&statement, &settings, Bytes::from(body)).await
    }

    /// One call of the server; its words only where it refuses.
    async fn call(&self, statement: &str, settings: &[(&str, &str)], body: Bytes) -> Result<(), String> {
        let mut url = self.target.url.clone();
        url.query_pairs_mut().append_pair("query", statement).extend_pairs(settings);
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(url.as_str())
            .header("x-clickhouse-user", &self.target.user)
            .header(header::CONTENT_LENGTH, body.len())
            .header(header::CONTENT_TYPE, "application/x-ndjson");
        if let Some(password) = &self.target.password {
            request = request.header("x-clickhouse-key", password.expose());
        }
        let body: UpstreamBody = Full::new(body).map_err(|never| match never {}).boxed_unsync();
        let request = request.body(body).map_err(|error| error.to_string())?;
        let answer = timeout(PATIENCE, self.client.send(request)).await.map_err(|_| "it did not answer in time")?;
        let answer = answer.map_err(|_| "it cannot be reached")?;
        let status = answer.status();
        let words = timeout(PATIENCE, Limited::new(answer.into_body(), WORDS_BYTES_MAX).collect()).await;
        if status.is_success() {
            return Ok(());
        }
        let words = words.ok().and_then(Result::ok).map(|words| words.to_bytes()).unwrap_or_default();
        let first =
            String::from_utf8_lossy(&words).lines().next().unwrap_or_default().chars().take(200).collect::<String>();
        Err(format!("it answered {}: {first}", status.as_u16()))
    }
}

impl Target {
    fn read(server: Server) -> Result<Self, Vec<Misfit>> {
        let mut misfits = Vec::new();
        let mut wrong = |key: &str, reason: &str| {
            misfits.push(Misfit { path: format!("clickhouse.{key}"), reason: reason.to_owned() });
        };
        let url = Url::parse(&server.url).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let url = url.filter(|url| url.username().is_empty() && url.password().is_none() && url.query().is_none());
        if url.is_none() {
            wrong("url", "is no address of a server; write for example http://localhost:8123, and the user apart");
        }
        let database = server.database.unwrap_or_else(|| "default".to_owned());
        let table = server.table.unwrap_or_else(|| "traces".to_owned());
        for (key, name) in [("database", &database), ("table", &table)] {
            if !is_name(name) {
                wrong(key, "is no name; write letters, digits and \"_\"");
            }
        }
        let user = HeaderValue::from_str(server.username.as_deref().unwrap_or("default")).ok();
        if user.is_none() {
            wrong("username", "cannot be sent in a header");
        }
        let password = server.password.filter(|password| !password.is_empty());
        if password.as_ref().is_some_and(|password| HeaderValue::from_str(password).is_err()) {
            wrong("password", "cannot be sent in a header");
        }
        let (Some(url), Some(user), true) = (url, user, misfits.is_empty()) else { return Err(misfits) };
        let table = format!("`{database}`.`{table}`");
        Ok(Self { url, user, password: password.map(Secret::new), database: format!("`{database}`"), table })
    }
}

/// A name that needs no escaping anywhere.
fn is_name(name: &str) -> bool {
    name.len() <= 128
        && name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
