//! From the answer of the way to a task's answer, or to its error.

use std::time::Instant;

use axum::{body::Body, response::Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header, response::Parts};
use http_body_util::{BodyExt as _, Limited};
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    lenient,
    words::{AiCallLog, Classified, Embedded, Failed, Planned},
};
use crate::domain::Endpoint;

/// An answer longer than this is not read into memory.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// Answers a task; `began` is when its request came.
pub(super) async fn answer(endpoint: Endpoint, response: Response, began: Instant) -> Response {
    let (head, body) = response.into_parts();
    let is_stream = text(&head.headers, "content-type").is_some_and(|kind| kind.starts_with("text/event-stream"));
    if is_stream && head.status.is_success() {
        return Response::from_parts(head, body);
    }
    let Ok(body) = Limited::new(body, ANSWER_BYTES_MAX).collect().await.map(|body| body.to_bytes()) else {
        return failed(head, &json!({"error": {"message": "the answer broke off"}}));
    };
    let told: Value = serde_json::from_slice(&body).unwrap_or_default();
    if !head.status.is_success() {
        return failed(head, &told);
    }
    let log = log(&head.headers, &told, began);
    let said = || told.pointer("/choices/0/message/content").and_then(Value::as_str).and_then(lenient::read);
    let answer = match endpoint {
        Endpoint::Classify => said().map(|classification| written(&Classified { classification, ai_call_log: log })),
        Endpoint::Plan => said().map(|plan| written(&Planned { plan, ai_call_log: log })),
        Endpoint::Embed => embedded(&told, log).map(|embedded| written(&embedded)),
        _ => return completed(head, told, body),
    };
    match answer {
        Some(answer) => with_body(head, StatusCode::OK, answer),
        None => {
            let provider = text(&head.headers, "x-gateway-provider").unwrap_or("provider").to_owned();
            let failures = [past_failures(&head.headers), vec![format!("{provider}: its answer holds no JSON")]];
            all_failed(head, &failures.concat())
        }
    }
}

/// What the call was and cost; what the provider did not tell is `null`.
fn log(headers: &HeaderMap, told: &Value, began: Instant) -> AiCallLog {
    let tokens = |pointer| told.pointer(pointer).and_then(Value::as_u64);
    // Embeddings write nothing.
    let writes_nothing = told.get("object").and_then(Value::as_str) == Some("list");
    AiCallLog {
        provider: text(headers, "x-gateway-provider").map(str::to_owned),
        model: text(headers, "x-gateway-model").map(str::to_owned),
        prompt_tokens: tokens("/usage/prompt_tokens"),
        completion_tokens: tokens("/usage/completion_tokens").or_else(|| writes_nothing.then_some(0)),
        cost_microcents: text(headers, "x-gateway-cost-microcents").and_then(|text| text.parse().ok()),
        latency_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        success: true,
    }
}

fn embedded(told: &Value, log: AiCallLog) -> Option<Embedded> {
    let entries = told.get("data")?.as_array()?;
    let embeddings: Vec<Value> = entries.iter().map(|entry| entry.get("embedding").cloned()).collect::<Option<_>>()?;
    let dimensions = embeddings.first().and_then(Value::as_array).map_or(0, Vec::len);
    Some(Embedded { embeddings, model: log.model.clone(), dimensions, ai_call_log: log })
}

fn written(answer: &impl Serialize) -> Bytes {
    serde_json::to_vec(answer).unwrap_or_default().into()
}

/// A chat's answer, in which thoughts and calls stand even where there are none.
fn completed(head: Parts, mut told: Value, body: Bytes) -> Response {
    let choices = told.get_mut("choices").and_then(Value::as_array_mut).into_iter().flatten();
    for message in choices.filter_map(|choice| choice.get_mut("message").and_then(Value::as_object_mut)) {
        for name in ["reasoning_content", "tool_calls"] {
            message.entry(name).or_insert(Value::Null);
        }
    }
    let body = if told.is_object() { Bytes::from(told.to_string()) } else { body };
    let status = head.status;
    with_body(head, status, body)
}

/// An error: 500 with every provider's failure where providers failed, else its own status.
fn failed(head: Parts, told: &Value) -> Response {
    let message = told.pointer("/error/message").and_then(Value::as_str).unwrap_or("no reason was given");
    let mut failures = past_failures(&head.headers);
    if let Some(last) = failures.last_mut() {
        *last = format!("{last}: {message}");
        return all_failed(head, &failures);
    }
    let code = told.pointer("/error/code").and_then(Value::as_str).map(str::to_owned);
    let (status, detail) = (head.status, message.to_owned());
    with_body(head, status, written(&Failed { detail, code }))
}

fn all_failed(head: Parts, failures: &[String]) -> Response {
    let detail = format!("All providers failed:\n{}", failures.join("\n"));
    with_body(head, StatusCode::INTERNAL_SERVER_ERROR, written(&Failed { detail, code: None }))
}

/// `<name>: <why>` for each call that failed.
fn past_failures(headers: &HeaderMap) -> Vec<String> {
    let told = text(headers, "x-gateway-failures").unwrap_or_default();
    let failures = told.split(", ").filter(|failure| !failure.is_empty());
    failures.map(|failure| failure.replacen(' ', ": ", 1)).collect()
}

/// The head with another body.
fn with_body(head: Parts, status: StatusCode, body: Bytes) -> Response {
    let mut response = Response::from_parts(head, Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for name in [header::CONTENT_LENGTH, header::CONTENT_ENCODING, header::TRANSFER_ENCODING, header::ETAG] {
        headers.remove(name);
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
