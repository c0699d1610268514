//! What `/metrics` tells of the data plane.
//!
//! Labels take few, known values: provider ids, endpoints, outcomes, error kinds, kinds of findings (those of
//! the rules and of the operator's own patterns). Never a model, a
//! project or a key, which clients could invent without end.

use std::{cell::RefCell, collections::HashMap, sync::Arc, time::Duration};

use metrics::{Counter, Histogram, counter, histogram};

use crate::domain::{Endpoint, ErrorKind, Outcome, Record};

/// Most sets of labels whose handles a thread keeps.
const KEPT: usize = 1_024;

type Labels = (Endpoint, Outcome, Option<ErrorKind>, Arc<str>);

/// The handles for one set of labels, each made when it is first counted on. Finding them by their labels costs
/// more than all that is counted.
#[derive(Default)]
struct Handles {
    requests: Option<Counter>,
    duration: Option<Histogram>,
    ttft: Option<Histogram>,
    input: Option<Counter>,
    output: Option<Counter>,
    cost: Option<Counter>,
    cost_unknown: Option<Counter>,
}

thread_local! {
    static HANDLES: RefCell<HashMap<Labels, Handles>> = RefCell::default();
}

/// Counts a finished record.
pub(super) fn observe(record: &Record) {
    let provider: Arc<str> = record.provider.clone().unwrap_or_else(|| Arc::from(""));
    let labels = (record.endpoint, record.outcome, record.error_kind, provider);
    HANDLES.with_borrow_mut(|known| {
        if known.len() >= KEPT {
            known.clear();
        }
        let provider = Arc::clone(&labels.3);
        count(record, &provider, known.entry(labels).or_default());
    });
    for found in &record.findings {
        counter!(
            "llm_gateway_findings_total",
            "kind" => Arc::clone(&found.kind), "action" => found.action.as_str(), "direction" => found.direction.as_str()
        )
        .increment(u64::from(found.count));
    }
}

fn count(record: &Record, provider: &Arc<str>, handles: &mut Handles) {
    let provider = || Arc::clone(provider);
    let endpoint = record.endpoint.as_str();
    let requests = handles.requests.get_or_insert_with(|| {
        let error_kind = record.error_kind.map_or("", |kind| kind.as_str());
        counter!(
            "llm_gateway_requests_total",
            "endpoint" => endpoint, "provider" => provider(), "outcome" => record.outcome.as_str(),
            "error_kind" => error_kind
        )
    });
    requests.increment(1);
    if record.outcome == Outcome::Ok {
        let duration = handles.duration.get_or_insert_with(
            || histogram!("llm_gateway_request_duration_seconds", "endpoint" => endpoint, "provider" => provider()),
        );
        duration.record(Duration::from_micros(record.latency_us));
    }
    if let Some(ttft_us) = record.ttft_us {
        let ttft = handles
            .ttft
            .get_or_insert_with(|| histogram!("llm_gateway_time_to_first_token_seconds", "provider" => provider()));
        ttft.record(Duration::from_micros(ttft_us));
    }
    let (input, output) = (record.usage.input_tokens(), record.usage.output_tokens());
    for (slot, kind, tokens) in [(&mut handles.input, "input", input), (&mut handles.output, "output", output)] {
        if let Some(tokens) = tokens {
            slot.get_or_insert_with(|| counter!("llm_gateway_tokens_total", "provider" => provider(), "kind" => kind))
                .increment(tokens);
        }
    }
    match record.cost {
        Some(cost) => handles
            .cost
            .get_or_insert_with(|| counter!("llm_gateway_cost_microcents_total", "provider" => provider()))
            .increment(u64::try_from(cost.0).unwrap_or(0)),
        None => handles
            .cost_unknown
            .get_or_insert_with(|| counter!("llm_gateway_cost_unknown_total", "provider" => provider()))
            .increment(1),
    }
}
