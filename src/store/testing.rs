//! Records for the tests of this room.

use crate::domain::{Api, Attempt, CacheState, Endpoint, ErrorKind, Outcome, Record, RecordId, Timestamp, Usage};

/// A chat request that began at `at_us` and ended so.
pub(super) fn record(at_us: i64, outcome: Outcome, error_kind: Option<ErrorKind>) -> Record {
    Record {
        id: RecordId::new(),
        started_at: Timestamp { unix_us: at_us },
        project: None,
        source: None,
        team: None,
        key_id: None,
        key_label: None,
        profile: None,
        session_id: None,
        tags: Vec::new(),
        client_api: Api::OpenaiChat,
        endpoint: Endpoint::ChatCompletions,
        model_requested: None,
        provider: None,
        model: None,
        provider_api: None,
        stream: false,
        status: None,
        outcome,
        error_kind,
        finish_reason: None,
        provider_request_id: None,
        cache: CacheState::Bypass,
        latency_us: 0,
        ttft_us: None,
        usage: Usage::default(),
        cost: None,
        cost_unknown_reason: None,
        price_version: None,
        provider_cost: None,
        saved: None,
        findings: Vec::new(),
        request_bytes: 0,
        response_bytes: 0,
        route: None,
        attempts: Vec::new(),
    }
}

/// A call that ended so.
pub(super) fn attempt(provider: &str, status: Option<u16>, error_kind: Option<ErrorKind>) -> Attempt {
    Attempt {
        provider: provider.into(),
        model: Some("m".into()),
        provider_api: Api::OpenaiChat,
        started_at: Timestamp::default(),
        latency_us: 0,
        ttft_us: None,
        status,
        outcome: if error_kind.is_some() { Outcome::Error } else { Outcome::Ok },
        error_kind,
        provider_request_id: None,
        usage: Usage::default(),
        cost: None,
    }
}
