//! The record: what is kept of one request, and of each upstream call it made.

use std::sync::Arc;

use super::{Api, BudgetMark, Endpoint, ErrorKind, Finding, Microcents, RecordId, Timestamp, Usage};

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The client got its answer.
    Ok,
    /// A provider or the gateway failed.
    Error,
    /// The gateway refused the request (key, limit, sanitizer, bad request).
    Refused,
    /// The client hung up before the answer was complete.
    ClientDisconnected,
    /// Of calls, never of requests: given up because another call had answered (a hedge).
    Cancelled,
}

impl Outcome {
    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Refused => "refused",
            Self::ClientDisconnected => "client_disconnected",
            Self::Cancelled => "cancelled",
        }
    }

    /// Reads the stable name back.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Ok, Self::Error, Self::Refused, Self::ClientDisconnected, Self::Cancelled]
            .into_iter()
            .find(|outcome| outcome.as_str() == text)
    }
}

/// What the response cache did for a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CacheState {
    /// The cache was not asked.
    #[default]
    Bypass,
    /// The answer came from the cache.
    Hit,
    /// The cache was asked and had nothing.
    Miss,
}

impl CacheState {
    /// The stable name, also the value of `x-gateway-cache`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bypass => "bypass",
            Self::Hit => "hit",
            Self::Miss => "miss",
        }
    }

    /// Reads the stable name back.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Bypass, Self::Hit, Self::Miss].into_iter().find(|state| state.as_str() == text)
    }
}

/// One request to an inference endpoint, as the store keeps it. `None` is *unknown*, never 0.
///
/// Never holds prompt or answer text, nor any secret.
#[derive(Clone, Debug)]
pub struct Record {
    /// Time-ordered id, also in the response header `x-gateway-record`.
    pub id: RecordId,
    /// When the request's head had been read.
    pub started_at: Timestamp,
    /// Project, from the key, the URL or `x-project`.
    pub project: Option<Arc<str>>,
    /// Requester, from the key or `x-source`.
    pub source: Option<Arc<str>>,
    /// Team of the key.
    pub team: Option<Arc<str>>,
    /// Public id of the virtual key.
    pub key_id: Option<Arc<str>>,
    /// Label of the virtual key.
    pub key_label: Option<Arc<str>>,
    /// Routing profile.
    pub profile: Option<Arc<str>>,
    /// `x-session-id`.
    pub session_id: Option<Arc<str>>,
    /// `x-tags`, in the order they were sent.
    pub tags: Vec<(Arc<str>, Arc<str>)>,
    /// The API that the client spoke.
    pub client_api: Api,
    /// The endpoint it called.
    pub endpoint: Endpoint,
    /// The model as the client named it.
    pub model_requested: Option<Arc<str>>,
    /// The provider that gave (or failed to give) the answer.
    pub provider: Option<Arc<str>>,
    /// The model as the provider named it in its answer, else as it was asked for.
    pub model: Option<Arc<str>>,
    /// The API that the provider spoke.
    pub provider_api: Option<Api>,
    /// Whether the client asked for a stream.
    pub stream: bool,
    /// The HTTP status sent to the client; `None` when it left before any was sent.
    pub status: Option<u16>,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it failed or was refused.
    pub error_kind: Option<ErrorKind>,
    /// The provider's own word for why the answer ended (`stop`, `end_turn`, `STOP`, …).
    pub finish_reason: Option<Arc<str>>,
    /// The provider's id for the call.
    pub provider_request_id: Option<Arc<str>>,
    /// What the response cache did.
    pub cache: CacheState,
    /// From the head of the request to the last byte of the answer.
    pub latency_us: u64,
    /// From the head of the request to the first byte of content; streams only.
    pub ttft_us: Option<u64>,
    /// Token classes.
    pub usage: Usage,
    /// What it cost by our prices; `None` when it cannot be known.
    pub cost: Option<Microcents>,
    /// Why `cost` is unknown (`no_usage`, `no_price`, …).
    pub cost_unknown_reason: Option<&'static str>,
    /// The price that was used, so that history can be priced again.
    pub price_version: Option<Arc<str>>,
    /// What the provider itself said it cost.
    pub provider_cost: Option<Microcents>,
    /// What the response cache saved.
    pub saved: Option<Microcents>,
    /// What the sanitizer saw and did, bounded in number.
    pub findings: Vec<Finding>,
    /// Budgets that passed a mark by what this request cost: news for incidents, and not kept with the record.
    pub budget_marks: Vec<BudgetMark>,
    /// Plugins that failed on its way, each once: news for incidents, and not kept with the record.
    pub plugin_failures: Vec<Arc<str>>,
    /// Bytes of the request's body as received.
    pub request_bytes: u64,
    /// Bytes of the answer's body as sent.
    pub response_bytes: u64,
    /// One row per upstream call, in order.
    pub attempts: Vec<Attempt>,
    /// How it was decided where it goes, in the stored form of routing's trace; `None` when that was never asked,
    /// and in lists.
    pub route: Option<Arc<[u8]>>,
}

impl Record {
    /// Most places that a record tells findings of one by one.
    pub const MOST_FINDING_ROWS: usize = 64;

    /// The place of findings that are counted together.
    pub const ELSEWHERE: &str = "elsewhere";

    /// A request that has just come, of which nothing else is known yet. Until it is closed, its client has left.
    pub fn begun(started_at: Timestamp, endpoint: Endpoint) -> Self {
        Self {
            id: RecordId::new(),
            started_at,
            project: None,
            source: None,
            team: None,
            key_id: None,
            key_label: None,
            profile: None,
            session_id: None,
            tags: Vec::new(),
            client_api: endpoint.api(),
            endpoint,
            model_requested: None,
            provider: None,
            model: None,
            provider_api: None,
            stream: false,
            status: None,
            outcome: Outcome::ClientDisconnected,
            error_kind: None,
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
            budget_marks: Vec::new(),
            plugin_failures: Vec::new(),
            request_bytes: 0,
            response_bytes: 0,
            attempts: Vec::new(),
            route: None,
        }
    }

    /// Adds what the sanitizer saw. A request may hold any number of matches at any number of places,
    /// so past [`Self::MOST_FINDING_ROWS`] rows those of one rule and action are counted together.
    pub fn found(&mut self, mut finding: Finding) {
        if self.findings.len() >= Self::MOST_FINDING_ROWS {
            finding.place = Arc::from(Self::ELSEWHERE);
        }
        match self.findings.iter_mut().find(|row| row.is_like(&finding)) {
            Some(row) => row.count = row.count.saturating_add(finding.count),
            None => self.findings.push(finding),
        }
    }

    /// Number of sanitizer findings.
    pub fn finding_count(&self) -> u32 {
        self.findings.iter().fold(0, |sum, found| sum.saturating_add(found.count))
    }
}

/// One upstream call.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Provider id.
    pub provider: Arc<str>,
    /// The model that was asked of it.
    pub model: Option<Arc<str>>,
    /// The API that was spoken.
    pub provider_api: Api,
    /// When the call began.
    pub started_at: Timestamp,
    /// From the beginning of the call to its end.
    pub latency_us: u64,
    /// From the beginning of the call to the first byte of its body.
    pub ttft_us: Option<u64>,
    /// The provider's HTTP status; `None` when none came.
    pub status: Option<u16>,
    /// How this call ended.
    pub outcome: Outcome,
    /// Why it failed.
    pub error_kind: Option<ErrorKind>,
    /// The provider's id for the call.
    pub provider_request_id: Option<Arc<str>>,
    /// Token classes of this call.
    pub usage: Usage,
    /// What this call cost by our prices.
    pub cost: Option<Microcents>,
}
