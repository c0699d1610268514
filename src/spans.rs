//! Tells an OpenTelemetry collector of every request: a span of its own, and one below it for each upstream call.
//!
//! OTLP over HTTP, in JSON. Nobody ever waits for it: spans are made of records that are already in the database, a
//! bounded queue stands before the one task that sends, and what does not fit or cannot be delivered is counted. No
//! prompt, answer or credential is in a span; the collector's own credential reaches no log line.

mod otlp;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use tokio::{
    sync::{broadcast, mpsc},
    time::{Instant, sleep, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    config::Otlp,
    domain::Record,
    policy::PolicyCell,
    provider::{Client, Egress, UpstreamBody},
    store::LiveRecord,
};

/// Most requests that are told at once.
const BATCH: usize = 512;
/// How long a request waits for others to be told with it.
const GATHERING: Duration = Duration::from_secs(1);
/// Batches that may wait.
const QUEUE: usize = 64;
/// How long one try may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The pauses between tries.
const PAUSES: [Duration; 4] =
    [Duration::from_millis(500), Duration::from_secs(2), Duration::from_secs(8), Duration::from_secs(30)];
/// How long the end of the process waits for what is still to be told.
const FAREWELL: Duration = Duration::from_secs(3);

/// Counts requests by what became of their spans: `exported`, `failed` (given up) or `dropped` (no place in the queue).
fn count(outcome: &'static str, requests: usize) {
    let requests = u64::try_from(requests).unwrap_or(u64::MAX);
    metrics::counter!("llm_gateway_otlp_requests_total", "outcome" => outcome).increment(requests);
}

/// Tells what is committed until `stop` is cancelled, and then what was committed before that.
pub(crate) async fn run(
    mut news: broadcast::Receiver<LiveRecord>,
    policy: Arc<PolicyCell>,
    egress: Egress,
    stop: CancellationToken,
) {
    let (queue, waiting) = mpsc::channel(QUEUE);
    let sending = tokio::spawn(send_all(waiting, Arc::clone(&policy), egress));
    let mut gathered: Vec<Arc<Record>> = Vec::new();
    let mut due = Instant::now();
    loop {
        tokio::select! {
            biased;
            heard = news.recv() => match heard {
                Ok(_) if policy.load().config.telemetry.otlp.is_none() => {}
                Ok(live) => {
                    if gathered.is_empty() {
                        due = Instant::now() + GATHERING;
                    }
                    gathered.push(live.record);
                    if gathered.len() >= BATCH {
                        hand_over(&queue, &mut gathered);
                    }
                }
                Err(broadcast::error::RecvError::Lagged(missed)) => drop_some(usize::try_from(missed).unwrap_or(usize::MAX)),
                Err(broadcast::error::RecvError::Closed) => break,
            },
            () = sleep_until(due), if !gathered.is_empty() => hand_over(&queue, &mut gathered),
            () = stop.cancelled() => break,
        }
    }
    hand_over(&queue, &mut gathered);
    drop(queue);
    let abort = sending.abort_handle();
    if timeout(FAREWELL, sending).await.is_err() {
        abort.abort();
        tracing::warn!("not all spans were told to the collector before the end");
    }
}

fn hand_over(queue: &mpsc::Sender<Vec<Arc<Record>>>, gathered: &mut Vec<Arc<Record>>) {
    let batch = std::mem::take(gathered);
    let requests = batch.len();
    if requests > 0 && queue.try_send(batch).is_err() {
        drop_some(requests);
    }
}

fn drop_some(requests: usize) {
    count("dropped", requests);
    tracing::warn!(requests, "requests are not told to the collector: too many wait");
}

async fn send_all(mut waiting: mpsc::Receiver<Vec<Arc<Record>>>, policy: Arc<PolicyCell>, egress: Egress) {
    let client = Client::for_operator(PATIENCE, &egress);
    while let Some(batch) = waiting.recv().await {
        match deliver(&client, &policy, &batch).await {
            Ok(true) => count("exported", batch.len()),
            // Nobody wants to be told any more.
            Ok(false) => {}
            Err(why) => {
                count("failed", batch.len());
                tracing::warn!(why, requests = batch.len(), "requests could not be told to the collector");
            }
        }
    }
}

/// Tries until it is taken or cannot be; by the settings of the moment. False when there is no collector any more.
async fn deliver(client: &Client, policy: &PolicyCell, batch: &[Arc<Record>]) -> Result<bool, String> {
    let mut pauses = PAUSES.iter();
    loop {
        let policy = policy.load();
        let Some(collector) = &policy.config.telemetry.otlp else { return Ok(false) };
        let body = serde_json::to_vec(&otlp::export(batch, &policy.providers)).map_err(|fault| fault.to_string())?;
        let request = request(collector, body.into()).map_err(|fault| fault.to_string())?;
        // What it answers besides the status is of no interest, and is not read.
        let why = match timeout(PATIENCE, client.send(request)).await {
            Ok(Ok(answer)) if answer.status().is_success() => return Ok(true),
            Ok(Ok(answer)) => {
                let status = answer.status();
                if !may_mend(status) {
                    return Err(format!("it answered {}", status.as_u16()));
                }
                format!("it answered {}", status.as_u16())
            }
            Ok(Err(_)) => "it cannot be reached".to_owned(),
            Err(_) => "it did not answer in time".to_owned(),
        };
        let Some(pause) = pauses.next() else { return Err(why) };
        sleep(*pause).await;
    }
}

/// Whether the protocol says to try again.
fn may_mend(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 502..=504)
}

fn request(collector: &Otlp, body: Bytes) -> http::Result<Request<UpstreamBody>> {
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(collector.traces_url().as_str())
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::USER_AGENT, concat!("llm-gateway/", env!("CARGO_PKG_VERSION")));
    for (name, value) in &collector.headers {
        request = request.header(name, value.expose());
    }
    request.body(Full::new(body).map_err(|never| match never {}).boxed_unsync())
}
