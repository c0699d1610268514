//! How long pages of records and sums take over HTTP while records come in.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use llm_gateway::{Gateway, domain::Timestamp};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{Failure, client::Client, configured, quantile, record_on, resident_bytes, stock};

/// Times that each target is asked.
const TIMES: usize = 200;
/// Bars.
const MOST_P99_MS: f64 = 50.0;
const MOST_RSS_MIB: u64 = 150;

/// Filters by a name of a record's field; its value comes from a record.
const FIELDS: [&str; 17] = [
    "project",
    "source",
    "team",
    "key_id",
    "profile",
    "session_id",
    "provider",
    "model",
    "model_requested",
    "client_api",
    "provider_api",
    "endpoint",
    "outcome",
    "error_kind",
    "status",
    "stream",
    "cache",
];

pub(crate) async fn run(path: &Path) -> Result<(), Failure> {
    let stock = stock().await?;
    let gateway = Gateway::from_config(configured(path, "")?).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let client = Client::new(listener.local_addr()?);
    let stop = CancellationToken::new();
    let recorder = gateway.store().recorder.clone();
    let serving = tokio::spawn(gateway.clone().serve(listener, stop.clone()));
    let recording = tokio::spawn(record_on(recorder.clone(), stock, |_| {}));
    let most = Arc::new(AtomicU64::new(0));
    let watching = tokio::spawn({
        let most = Arc::clone(&most);
        async move {
            loop {
                most.fetch_max(resident_bytes(), Relaxed);
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    });
    tokio::time::sleep(Duration::from_secs(2)).await;

    let targets = targets(&client).await?;
    let mut all_hold = true;
    println!("{:>9} {:>9} {:>9} {:>9}   bar: p99 ≤ {MOST_P99_MS} ms", "first ms", "p50 ms", "p99 ms", "max ms");
    for target in &targets {
        let mut took = Vec::with_capacity(TIMES);
        for _ in 0..TIMES {
            let begun = Instant::now();
            client.get(target).await?;
            took.push(begun.elapsed().as_secs_f64() * 1_000.0);
        }
        // What is added up of closed hours and days is kept from then on.
        let first = took.first().copied().unwrap_or_default();
        took.sort_by(f64::total_cmp);
        let p99 = quantile(&took, 0.99);
        let mark = if p99 <= MOST_P99_MS { ' ' } else { '!' };
        all_hold &= p99 <= MOST_P99_MS;
        println!("{first:9.2} {:9.2} {p99:9.2} {:9.2} {mark} {target}", quantile(&took, 0.5), quantile(&took, 1.0));
        let name = target.split("&from=").next().unwrap_or_default().split("?from=").next().unwrap_or_default();
        println!("p99 {name}\t{p99}");
    }
    let stats = recorder.stats();
    let rss_mib = most.load(Relaxed) / (1 << 20);
    println!("recorded {} records, {} dropped; RSS {rss_mib} MiB (bar {MOST_RSS_MIB})", stats.written, stats.dropped);
    if !all_hold || rss_mib > MOST_RSS_MIB || stats.dropped > 0 {
        println!("A BAR IS MISSED");
    }
    recording.abort();
    watching.abort();
    stop.cancel();
    serving.await??;
    Ok(())
}

/// The first page plain, with each filter (a value of the newest records, of a record of three weeks ago, and one
/// that nothing has), with some pairs, and the sums.
async fn targets(client: &Client) -> Result<Vec<String>, Failure> {
    let days_ago = |days: i64| Timestamp { unix_us: Timestamp::now().unix_us - days * 86_400_000_000 };
    let newest: Value = serde_json::from_slice(&client.get("/v1/records?limit=500").await?)?;
    let old: Value = serde_json::from_slice(&client.get(&format!("/v1/records?limit=500&to={}", days_ago(21))).await?)?;
    let value = |page: &Value, field: &str| {
        let found = page["data"].as_array()?.iter().map(|record| &record[field]).find(|value| !value.is_null())?;
        Some(found.as_str().map_or_else(|| found.to_string(), str::to_owned))
    };
    let mut targets = vec!["/v1/records".to_owned()];
    for field in FIELDS {
        let mut values: Vec<String> = [&newest, &old].into_iter().filter_map(|page| value(page, field)).collect();
        values.push(match field {
            "client_api" | "provider_api" => "ollama".to_owned(),
            "endpoint" => "batches".to_owned(),
            "outcome" => "refused".to_owned(),
            "error_kind" => "internal".to_owned(),
            "status" => "599".to_owned(),
            "stream" => "false".to_owned(),
            "cache" => "hit".to_owned(),
            _ => "nothing-bears-this".to_owned(),
        });
        values.dedup();
        targets.extend(values.iter().map(|value| format!("/v1/records?{field}={value}")));
    }
    let text = |page: &Value, field: &str| value(page, field).unwrap_or_default();
    let (project, session) = (text(&newest, "project"), text(&old, "session_id"));
    let model = text(&newest, "model");
    targets.extend([
        "/v1/records?tags=k%3Dnothing".to_owned(),
        "/v1/records?project=".to_owned(),
        "/v1/records?session_id=".to_owned(),
        format!("/v1/records?project={project}&outcome=error"),
        format!("/v1/records?project={project}&model=nothing-bears-this"),
        format!("/v1/records?project={project}&model={model}&status=429"),
        format!("/v1/records?project={project}&session_id={session}"),
        format!("/v1/records?to={}", days_ago(14)),
        format!("/v1/records?outcome=error&to={}", days_ago(14)),
        format!("/v1/stats?from={}", days_ago(30)),
        format!("/v1/stats?project={project}&from={}", days_ago(30)),
        format!("/v1/stats/series?grain=day&from={}", days_ago(30)),
    ]);
    Ok(targets)
}
