//! Records for the tests of this room.

use crate::domain::{Api, Attempt, Endpoint, ErrorKind, Outcome, Record, Timestamp, Usage};

/// A chat request that began at `at_us` and ended so.
pub(super) fn record(at_us: i64, outcome: Outcome, error_kind: Option<ErrorKind>) -> Record {
    let begun = Record::begun(Timestamp { unix_us: at_us }, Endpoint::ChatCompletions);
    Record { outcome, error_kind, ..begun }
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
