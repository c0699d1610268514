//! The headers of an answer: ours, and those of the provider's that may pass.
//!
//! A provider's key never leaves here, even if the provider echoes it.

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::{
    accept::Labels,
    call::{HOP_BY_HOP, connection_listed},
    rate_headers,
    record::OpenRecord,
};
use crate::{
    cache::Entry,
    dialect::translate::Dropped,
    domain::{ApiFamily, CacheState, Microcents, Timestamp},
    limits::Standing,
    provider::{CREDENTIAL_HEADERS, Credential},
    routing::Target,
};

/// Our own response headers, known piece by piece.
#[derive(Clone)]
pub(crate) struct Head {
    request_id: String,
    record_id: String,
    provider: Option<String>,
    model: Option<String>,
    attempts: u32,
    /// Fields that the target has no place for.
    dropped: Option<String>,
    cache: CacheState,
    cost: Option<Microcents>,
    /// Who failed before, and how.
    failures: Vec<String>,
    family: ApiFamily,
    /// What is left of the request's limits.
    standing: Standing,
}

/// Provider headers that would act on the client, or its browser, as if they were ours.
static NOT_OURS: [HeaderName; 13] = [
    header::SET_COOKIE,
    header::STRICT_TRANSPORT_SECURITY,
    header::ALT_SVC,
    header::SERVER,
    header::CONTENT_SECURITY_POLICY,
    header::CONTENT_SECURITY_POLICY_REPORT_ONLY,
    header::REFRESH,
    HeaderName::from_static("clear-site-data"),
    HeaderName::from_static("service-worker-allowed"),
    HeaderName::from_static("report-to"),
    HeaderName::from_static("reporting-endpoints"),
    HeaderName::from_static("nel"),
    HeaderName::from_static("x-request-id"),
];

/// Beginnings of the names of headers that are ours to send, or nobody's.
const NOT_OURS_PREFIXES: [&str; 2] = ["x-gateway-", "access-control-"];

/// Names the fields that had no place in the other side's API.
pub(super) const DROPPED: HeaderName = HeaderName::from_static("x-gateway-dropped");

impl Head {
    pub(crate) fn new(record: &OpenRecord, family: ApiFamily) -> Self {
        let record_id = record.id().map(|id| id.to_string()).unwrap_or_default();
        Self {
            request_id: record_id.clone(),
            record_id,
            provider: None,
            model: None,
            attempts: 0,
            dropped: None,
            cache: CacheState::Bypass,
            cost: None,
            failures: Vec::new(),
            family,
            standing: Standing::default(),
        }
    }

    pub(crate) fn label(&mut self, labels: &Labels) {
        if let Some(request_id) = &labels.request_id {
            self.request_id = request_id.to_string();
        }
    }

    pub(crate) fn target(&mut self, target: &Target) {
        self.provider = Some(target.provider.id.clone());
        self.model = target.model.as_deref().map(str::to_owned);
        self.attempts += 1;
        self.dropped = None;
    }

    /// Takes over what one of two calls at once told; `calls` were made for both together.
    pub(super) fn join(&mut self, last: Self, calls: u32) {
        let attempts = self.attempts + calls;
        *self = Self { attempts, ..last };
    }

    /// What of the request the present target has no place for.
    pub(super) fn dropped(&mut self, dropped: &Dropped) {
        self.dropped = (!dropped.is_empty()).then(|| dropped.to_string());
    }

    /// What the cache did.
    pub(super) const fn cached(&mut self, state: CacheState) {
        self.cache = state;
    }

    /// The answer was given before, and costs nothing now.
    pub(super) fn answered_from_cache(&mut self, entry: &Entry) {
        self.cache = CacheState::Hit;
        self.provider = entry.provider.as_deref().map(str::to_owned);
        self.model = entry.model.as_deref().map(str::to_owned);
        self.cost = Some(Microcents(0));
    }

    /// Tells the client which calls failed on the way to its answer.
    pub(super) fn failed(&mut self, record: &OpenRecord) {
        let attempts = record.so_far().map_or(&[][..], |record| &record.attempts);
        let failed = attempts.iter().filter_map(|attempt| {
            let (provider, kind) = (&attempt.provider, attempt.error_kind?.as_str());
            Some(match attempt.status {
                Some(status) => format!("{provider} {kind} {status}"),
                None => format!("{provider} {kind}"),
            })
        });
        self.failures = failed.collect();
    }

    /// What the answer cost, where that is known before its body goes out.
    pub(super) const fn cost(&mut self, cost: Option<Microcents>) {
        self.cost = cost;
    }

    /// Tells the client what is left of its limits.
    pub(crate) const fn limited(&mut self, standing: Standing) {
        self.standing = standing;
    }

    pub(crate) fn request_id(&self) -> &str {
        &self.request_id
    }

    /// Writes our headers. A name that cannot stand in a header is left out rather than altered.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        let mut put = |name: &'static str, text: &str| {
            if let Ok(value) = HeaderValue::from_bytes(text.as_bytes()) {
                headers.insert(HeaderName::from_static(name), value);
            }
        };
        put("x-request-id", &self.request_id);
        put("x-gateway-record", &self.record_id);
        if let Some(provider) = &self.provider {
            put("x-gateway-provider", provider);
        }
        if let Some(model) = &self.model {
            put("x-gateway-model", model);
        }
        put("x-gateway-cache", self.cache.as_str());
        if !self.failures.is_empty() {
            put("x-gateway-failures", &self.failures.join(", "));
        }
        if let Some(cost) = self.cost {
            put("x-gateway-cost-microcents", &cost.0.to_string());
        }
        // What had no place in the answer stands there already.
        if let Some(dropped) = &self.dropped {
            let all = match headers.get(DROPPED).and_then(|value| value.to_str().ok()) {
                Some(of_answer) => format!("{dropped},{of_answer}"),
                None => dropped.clone(),
            };
            if let Ok(value) = HeaderValue::from_str(&all) {
                headers.insert(DROPPED, value);
            }
        }
        headers.insert(HeaderName::from_static("x-gateway-attempts"), HeaderValue::from(self.attempts));
        rate_headers::write(headers, self.family, &self.standing, Timestamp::now());
    }
}

/// The provider's headers without those that end here, and without any that echo its key.
pub(super) fn passed_on(headers: &HeaderMap, credential: &Credential) -> HeaderMap {
    let listed = connection_listed(headers);
    let mut kept = HeaderMap::with_capacity(headers.len() + 8);
    for (name, value) in headers {
        let ends_here = HOP_BY_HOP.contains(name)
            || NOT_OURS.contains(name)
            || CREDENTIAL_HEADERS.contains(name)
            || NOT_OURS_PREFIXES.iter().any(|prefix| name.as_str().starts_with(prefix))
            || listed.iter().any(|listed| name.as_str().eq_ignore_ascii_case(listed));
        if !ends_here && !credential.is_in(value.as_bytes()) {
            kept.append(name.clone(), value.clone());
        }
    }
    kept
}

/// A header that is text.
pub(super) fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}
