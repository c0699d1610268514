//! What an OpenTelemetry collector is told, as it hears it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use serde_json::{Value, json};

use super::harness::{
    client::PATIENCE,
    gateway::{Rig, start_with},
};

/// A collector that is away for its first `away` calls, and what it heard.
#[derive(Default)]
struct Collector {
    away: usize,
    heard: Mutex<Vec<(StatusCode, HeaderMap, Value)>>,
}

impl Collector {
    async fn start(away: usize) -> (Arc<Self>, String) {
        async fn hear(State(collector): State<Arc<Collector>>, headers: HeaderMap, body: Bytes) -> StatusCode {
            let mut heard = collector.heard.lock().unwrap();
            let is_away = heard.len() < collector.away;
            let status = if is_away { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
            heard.push((status, headers, serde_json::from_slice(&body).unwrap()));
            status
        }
        let collector = Arc::new(Self { away, ..Self::default() });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route("/v1/traces", post(hear)).with_state(Arc::clone(&collector));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (collector, url)
    }

    /// The spans that it took.
    fn spans(&self) -> Vec<Value> {
        let heard = self.heard.lock().unwrap();
        let taken = heard.iter().filter(|(status, ..)| status.is_success());
        taken
            .flat_map(|(.., body)| body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap().clone())
            .collect()
    }

    async fn spans_when(&self, count: usize) -> Vec<Value> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while self.spans().len() < count {
            assert!(tokio::time::Instant::now() < deadline, "{:#?}", self.heard.lock().unwrap());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.spans()
    }
}

/// The attributes of a span by name, as bare values.
fn attributes(span: &Value) -> BTreeMap<String, Value> {
    let bare = |value: &Value| value.as_object().unwrap().values().next().unwrap().clone();
    let pairs = span["attributes"].as_array().unwrap().iter();
    pairs.map(|pair| (pair["key"].as_str().unwrap().to_owned(), bare(&pair["value"]))).collect()
}

async fn ask(rig: &Rig, text: &str) -> u16 {
    let body = json!({"model": "chat", "messages": [{"role": "user", "content": text}]});
    let client = rig.client().with("x-project", "atlas").with("x-session-id", "s-1").with("x-tags", "feature=search");
    client.post("/v1/chat/completions", &body).await.status.as_u16()
}

const MODELS: &str = "[[models]]\nname = \"chat\"\ntargets = [\"openai/gpt-4o\"]\n";

#[tokio::test]
async fn a_collector_is_told_of_every_request_and_of_each_of_its_calls() {
    let (collector, url) = Collector::start(0).await;
    let rig = start_with(&format!(
        "{MODELS}[routing]\nretries = 1\nretry_backoff_ms = 1\n[telemetry]\notlp_endpoint = \"{url}/\"\n\
         otlp_headers = {{ authorization = \"Bearer canary-otlp\" }}\n"
    ))
    .await;
    rig.upstream.script(serde_json::from_value(json!({"fault": {"kind": "refused", "status": 503}})).unwrap());
    assert_eq!(ask(&rig, "a prompt that nobody tells").await, 200);
    let spans = collector.spans_when(3).await;
    let record = rig.only_record().await;
    let id = record["id"].as_str().unwrap().replace('-', "");
    let (root, calls) = spans.split_first().unwrap();
    assert!(spans.iter().all(|span| span["traceId"] == *id), "{spans:#?}");
    let mut ids: Vec<_> = spans.iter().map(|span| span["spanId"].as_str().unwrap()).collect();
    assert!(ids.iter().all(|id| id.len() == 16 && u64::from_str_radix(id, 16).is_ok_and(|id| id > 0)));
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 3);
    assert_eq!((&root["name"], &root["kind"], &root["parentSpanId"]), (&json!("chat chat"), &json!(2), &Value::Null));
    for call in calls {
        assert_eq!(
            (&call["name"], &call["kind"], &call["parentSpanId"]),
            (&json!("chat gpt-4o"), &json!(3), &root["spanId"])
        );
    }
    assert_eq!(calls[0]["status"], json!({"code": 2, "message": "upstream_error"}));
    assert_eq!((&calls[1]["status"], &root["status"]), (&json!({}), &json!({})));
    let told = attributes(root);
    let expected = json!({
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "chat",
        "gen_ai.conversation.id": "s-1", "llm_gateway.project": "atlas", "llm_gateway.tag.feature": "search",
        "llm_gateway.outcome": "ok", "llm_gateway.attempts": "2", "llm_gateway.record": record["id"],
        "gen_ai.response.model": record["model"], "gen_ai.response.finish_reasons": {"values": [{"stringValue": record["finish_reason"]}]},
        "gen_ai.usage.input_tokens": record["input_tokens"].to_string(),
        "gen_ai.usage.output_tokens": record["output_tokens"].to_string(),
        "llm_gateway.cost_microcents": record["cost_microcents"].to_string(),
        "http.response.status_code": "200", "llm_gateway.stream": false,
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(told.get(name), Some(value), "{name} in {told:#?}");
    }
    let nanos = |span: &Value, name: &str| span[name].as_str().unwrap().parse::<u64>().unwrap();
    assert!(spans.iter().all(|span| nanos(span, "startTimeUnixNano") <= nanos(span, "endTimeUnixNano")));
    {
        let heard = collector.heard.lock().unwrap();
        assert!(heard.iter().all(|(_, headers, _)| headers["authorization"] == "Bearer canary-otlp"));
        assert!(!format!("{heard:?}").contains("a prompt that nobody tells"));
    }
    let settings = rig.client().get("/v1/settings").await.text();
    assert!(!settings.contains("canary-otlp") && settings.contains("otlp_endpoint"), "{settings}");
}

#[tokio::test]
async fn a_collector_that_is_away_holds_nothing_up_and_is_told_later() {
    let (collector, url) = Collector::start(1).await;
    let mut rig = start_with(&format!("{MODELS}[telemetry]\notlp_endpoint = \"{url}\"\n")).await;
    for _ in 0..5 {
        assert_eq!(ask(&rig, "x").await, 200);
    }
    assert_eq!(collector.spans_when(10).await.len(), 10);
    // What came last is told before the process ends.
    assert_eq!(ask(&rig, "x").await, 200);
    rig.stop().await;
    assert_eq!(collector.spans().len(), 12);
}

#[test]
fn the_variables_of_opentelemetry_are_heard_and_a_header_that_cannot_be_sent_is_told() {
    use llm_gateway::config::{LoadOptions, load};
    let dir = tempfile::tempdir().unwrap();
    let load = |headers: &str| {
        let endpoint = "http://collector:4318".to_owned();
        let env = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint), ("OTEL_EXPORTER_OTLP_HEADERS", headers.to_owned())];
        let env = env.map(|(name, value)| (name.to_owned(), value)).into();
        load(&LoadOptions { working_dir: dir.path().to_owned(), env, ..LoadOptions::default() })
    };
    let otlp = load("authorization=Basic%20YTpi,x-scope=a").unwrap().telemetry.otlp.unwrap();
    assert_eq!(otlp.traces_url().as_str(), "http://collector:4318/v1/traces");
    let headers: Vec<_> = otlp.headers.iter().map(|(name, value)| (name.as_str(), value.expose())).collect();
    assert_eq!(headers, [("authorization", "Basic YTpi"), ("x-scope", "a")]);
    for wrong in ["canary-without-a-name", "a b=canary", "x-scope=a%0Acanary"] {
        let errors = load(wrong).unwrap_err().to_string();
        assert!(errors.contains("OTEL_EXPORTER_OTLP_HEADERS") && !errors.contains("canary"), "{errors}");
    }
}
