//! Tells another program when an incident opens, comes back or ends.
//!
//! Nobody ever waits for it: a bounded queue stands before the one task that sends, and what does not fit or cannot
//! be delivered is counted. The secret and the address's path reach no log line and no metric.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use serde::Serialize;
use tokio::{
    sync::{broadcast, mpsc},
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    analytics::IncidentView,
    config::Webhook,
    domain::{RecordId, Timestamp, signature},
    policy::PolicyCell,
    provider::{Client, Egress},
    store::{IncidentChange, IncidentNews},
};

/// Deliveries that may wait.
const QUEUE: usize = 256;
/// How long one try may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The pauses between tries.
const PAUSES: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(4), Duration::from_secs(15), Duration::from_secs(60)];

/// Counts a delivery by its ending: `delivered`, `failed` (given up) or `dropped` (found no place in the queue).
fn count(outcome: &'static str, count: u64) {
    metrics::counter!("llm_gateway_incident_webhooks_total", "outcome" => outcome).increment(count);
}

/// The body of a delivery.
#[derive(Serialize)]
struct Delivery {
    /// Bears the same id in every try.
    id: String,
    /// `incident.open` (also when it comes back) or `incident.close`.
    event: String,
    /// When it happened.
    at: Timestamp,
    /// The incident as it was then.
    incident: IncidentView,
}

/// Sends what is told until `stop` is cancelled; what then waits is not sent any more.
pub(crate) async fn run(
    mut news: broadcast::Receiver<IncidentNews>,
    policy: Arc<PolicyCell>,
    egress: Egress,
    stop: CancellationToken,
) {
    let (queue, waiting) = mpsc::channel(QUEUE);
    let sending = tokio::spawn(stop.clone().run_until_cancelled_owned(send_all(waiting, Arc::clone(&policy), egress)));
    while let Some(heard) = stop.run_until_cancelled(news.recv()).await {
        let told = match heard {
            Ok(told) => told,
            Err(broadcast::error::RecvError::Lagged(missed)) => {
                drop_some(missed);
                continue;
            }
            Err(broadcast::error::RecvError::Closed) => break,
        };
        if told.change == IncidentChange::Updated || policy.load().config.incidents.webhook.is_none() {
            continue;
        }
        let delivery = Delivery {
            id: RecordId::new().to_string(),
            event: format!("incident.{}", told.change.as_str()),
            at: Timestamp::now(),
            incident: IncidentView::from(&*told.incident),
        };
        if queue.try_send(delivery).is_err() {
            drop_some(1);
        }
    }
    drop(queue);
    // It ends by the same token.
    let _ = sending.await;
}

async fn send_all(mut waiting: mpsc::Receiver<Delivery>, policy: Arc<PolicyCell>, egress: Egress) {
    let client = Client::for_operator(PATIENCE, &egress);
    while let Some(delivery) = waiting.recv().await {
        match deliver(&client, &policy, &delivery).await {
            Ok(true) => count("delivered", 1),
            // Nobody wants to be told any more.
            Ok(false) => {}
            Err(why) => {
                count("failed", 1);
                tracing::warn!(why, event = delivery.event, "an incident could not be told to the webhook");
            }
        }
    }
}

/// Tries until it is taken or cannot be; by the settings of the moment. False when there is no webhook any more.
async fn deliver(client: &Client, policy: &PolicyCell, delivery: &Delivery) -> Result<bool, String> {
    let body = Bytes::from(serde_json::to_vec(delivery).map_err(|fault| fault.to_string())?);
    let mut pauses = PAUSES.iter();
    loop {
        let Some(webhook) = policy.load().config.incidents.webhook.clone() else { return Ok(false) };
        let request = request(&webhook, delivery, body.clone()).map_err(|fault| fault.to_string())?;
        // What it answers besides the status is of no interest, and is not read.
        let why = match timeout(PATIENCE, client.send(request)).await {
            Ok(Ok(answer)) if answer.status().is_success() => return Ok(true),
            Ok(Ok(answer)) => {
                let status = answer.status();
                let may_mend = status.is_server_error()
                    || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS);
                if !may_mend {
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

fn request(
    webhook: &Webhook,
    delivery: &Delivery,
    body: Bytes,
) -> http::Result<Request<crate::provider::UpstreamBody>> {
    let at = Timestamp::now().unix_secs().to_string();
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(webhook.url.as_str())
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::USER_AGENT, concat!("llm-gateway/", env!("CARGO_PKG_VERSION")))
        .header("x-gateway-event", &delivery.event)
        .header("x-gateway-delivery", &delivery.id)
        .header("x-gateway-timestamp", &at);
    if let Some(secret) = &webhook.secret {
        request = request.header("x-gateway-signature", signature(secret.expose().as_bytes(), &at, &body));
    }
    request.body(Full::new(body).map_err(|never| match never {}).boxed_unsync())
}

fn drop_some(some: u64) {
    count("dropped", some);
    tracing::warn!(some, "openings and endings of incidents are not told to the webhook: too many wait");
}
