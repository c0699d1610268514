//! What `/metrics` tells of the data plane.
//!
//! Labels take few, known values: provider ids, endpoints, outcomes, error kinds, kinds of findings (those of
//! the rules and of the operator's own patterns). Never a model, a
//! project or a key, which clients could invent without end.

use std::sync::Arc;

use metrics::{counter, histogram};

use crate::domain::{Outcome, Record};

/// Counts a finished record.
pub(super) fn observe(record: &Record) {
    let endpoint = record.endpoint.as_str();
    let provider: Arc<str> = record.provider.clone().unwrap_or_else(|| Arc::from(""));
    let outcome = record.outcome.as_str();
    let error_kind = record.error_kind.map_or("", |kind| kind.as_str());
    counter!(
        "llm_gateway_requests_total",
        "endpoint" => endpoint, "provider" => Arc::clone(&provider), "outcome" => outcome, "error_kind" => error_kind
    )
    .increment(1);
    let seconds = |micros: u64| std::time::Duration::from_micros(micros);
    if record.outcome == Outcome::Ok {
        histogram!("llm_gateway_request_duration_seconds", "endpoint" => endpoint, "provider" => Arc::clone(&provider))
            .record(seconds(record.latency_us));
    }
    if let Some(ttft) = record.ttft_us {
        histogram!("llm_gateway_time_to_first_token_seconds", "provider" => Arc::clone(&provider))
            .record(seconds(ttft));
    }
    let usage = &record.usage;
    for (kind, tokens) in [("input", usage.input_tokens()), ("output", usage.output_tokens())] {
        if let Some(tokens) = tokens {
            counter!("llm_gateway_tokens_total", "provider" => Arc::clone(&provider), "kind" => kind).increment(tokens);
        }
    }
    for found in &record.findings {
        counter!(
            "llm_gateway_findings_total",
            "kind" => Arc::clone(&found.kind), "action" => found.action.as_str(), "direction" => found.direction.as_str()
        )
        .increment(u64::from(found.count));
    }
    match record.cost {
        Some(cost) => counter!("llm_gateway_cost_microcents_total", "provider" => Arc::clone(&provider))
            .increment(u64::try_from(cost.0).unwrap_or(0)),
        None => counter!("llm_gateway_cost_unknown_total", "provider" => Arc::clone(&provider)).increment(1),
    }
}
