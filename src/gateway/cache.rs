//! Between plan and call: an answer from memory, or the means to keep the one that comes.
//!
//! What a key is made of stands here and in `docs/cache.md`. Nothing is shared between callers: who asks is part
//! of every key, and so is the body as the caller wrote it, before the sanitizer changed it. What is kept is what
//! the client got, and only if it is a whole answer with status 200.

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method, StatusCode, header};

use super::{
    accept::{Inbound, InboundBody, LABEL_HEADERS, Labels},
    answer::{Answer, AnswerBody},
    call::{HOP_BY_HOP, PRIVATE, connection_listed},
    head::Head,
    identify::Caller,
    memory::Memory,
    record::OpenRecord,
};
use crate::{
    cache::{Entry, Key, KeyBuilder, Lead, ResponseCache, Seat},
    config,
    dialect::canonical,
    domain::{CacheState, Direction, Endpoint, KeyHash, Record},
    policy::Policy,
    provider::CREDENTIAL_HEADERS,
    sanitize::RuleSet,
};

/// Bodies beyond this are not looked up: hashing them costs more than the odd hit saves.
const MAX_REQUEST_BYTES: usize = 4 << 20;

/// From this size on a body is hashed beside the runtime's own threads, which others wait for.
const ASIDE_FROM_BYTES: usize = 256 << 10;

/// Headers that tell of the client, its trace or its connection, and shape no answer. All others that go to a
/// provider are part of the key.
static SHAPELESS: [HeaderName; 13] = [
    header::CACHE_CONTROL,
    header::CONTENT_ENCODING,
    header::DATE,
    header::PRAGMA,
    header::USER_AGENT,
    HeaderName::from_static("idempotency-key"),
    HeaderName::from_static("priority"),
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
    HeaderName::from_static("baggage"),
    HeaderName::from_static("b3"),
    HeaderName::from_static("x-client-request-id"),
    HeaderName::from_static("x-amzn-trace-id"),
];

/// Beginnings of the names of such headers.
const SHAPELESS_PREFIXES: [&str; 3] = ["x-stainless-", "sec-", "x-b3-"];

/// Headers of an answer that are kept with it: those that describe its body. All others tell of the one call.
static KEPT: [HeaderName; 2] = [header::CONTENT_TYPE, header::CONTENT_ENCODING];

/// Fields that make an OpenAI Responses call change something, so that it must be made each time.
const LASTING: [&str; 2] = ["background", "conversation"];

/// What the cache says to a request.
pub(super) enum Looked {
    /// The answer, and its record filled in.
    Hit(Answer),
    /// The call must be made; its answer may be kept.
    Go(Option<Box<Keeper>>),
}

/// Keeps a copy of an answer on its way out.
pub(super) struct Keeper {
    cache: Arc<ResponseCache>,
    key: Key,
    settings: config::Cache,
    rules: Option<Arc<RuleSet>>,
    headers: HeaderMap,
    is_stream: bool,
    copy: Vec<u8>,
    /// Others may wait for this answer until this is dropped.
    _lead: Option<Lead>,
}

/// Everything that a look-up rests on.
#[derive(Clone, Copy)]
pub(super) struct LookUp<'a> {
    pub(super) policy: &'a Policy,
    pub(super) memory: &'a Memory,
    pub(super) inbound: &'a Inbound,
    pub(super) caller: &'a Caller,
    pub(super) labels: &'a Labels,
    pub(super) rules: Option<&'a Arc<RuleSet>>,
}

/// A request that may be answered from memory.
pub(super) struct Question {
    cache: Arc<ResponseCache>,
    settings: config::Cache,
    rules: Option<Arc<RuleSet>>,
    wish: Wish,
    /// The key but for the body.
    key: KeyBuilder,
    body: Bytes,
    endpoint: Endpoint,
}

impl LookUp<'_> {
    /// What there is to look up; `None` when the answer is not to be kept.
    pub(super) fn question(self) -> Option<Question> {
        let inbound = self.inbound;
        let wish = Wish::of(&inbound.headers);
        if !self.policy.is_cached(self.caller.key.as_deref(), self.caller.project.as_deref()) || wish == Wish::NoStore {
            return None;
        }
        if !is_cacheable(inbound.endpoint) || inbound.method != Method::POST || inbound.steering.is_none() {
            return None;
        }
        let InboundBody::Whole { raw, plain } = &inbound.body else { return None };
        let body = plain.as_ref().unwrap_or(raw).clone();
        if body.len() > MAX_REQUEST_BYTES {
            return None;
        }
        let mut key = KeyBuilder::default();
        self.add_caller(&mut key);
        self.add_request(&mut key);
        Some(Question {
            cache: Arc::clone(&self.memory.responses),
            settings: self.policy.config.cache.clone(),
            rules: self.rules.cloned(),
            wish,
            key,
            body,
            endpoint: inbound.endpoint,
        })
    }

    /// Who asks, and what that decides.
    fn add_caller(self, key: &mut KeyBuilder) {
        key.add("policy", self.policy.answers);
        match (&self.caller.key, &self.caller.presented) {
            (Some(own), _) => {
                key.add("key", own.id.as_bytes());
                own.allowed_models.iter().for_each(|model| key.add("allowed model", model));
                own.allowed_providers.iter().for_each(|provider| key.add("allowed provider", provider));
            }
            // It may be forwarded, and it tells strangers apart where no key is required.
            (None, Some(presented)) => key.add("credential", KeyHash::of(presented.expose()).0),
            (None, None) => {}
        }
        key.add_some("project", self.caller.project.as_deref());
    }

    /// What is asked, but for the body.
    fn add_request(self, key: &mut KeyBuilder) {
        let inbound = self.inbound;
        key.add("endpoint", inbound.called.as_str());
        key.add("tail", &inbound.tail);
        key.add_some("model", inbound.model.as_deref());
        key.add_some("profile", self.labels.profile.as_deref());
        key.add_some("provider", self.labels.provider.as_deref());
        for (name, value) in inbound.query.iter().flat_map(|query| url::form_urlencoded::parse(query.as_bytes())) {
            // The credential is the caller's.
            if name != "key" {
                key.add("query", name.as_bytes());
                key.add("value", value.as_bytes());
            }
        }
        let mut headers: Vec<_> = shaping(&inbound.headers).collect();
        // A stable sort: values of one name keep their order.
        headers.sort_by_key(|(name, _)| name.as_str());
        for (name, value) in headers {
            key.add(name.as_str(), value);
        }
    }
}

impl Question {
    /// Looks it up. It waits only for another request that asks the same, and not for long.
    pub(super) async fn look_up(self, record: &mut OpenRecord, head: &mut Head) -> Looked {
        let Self { cache, settings, rules, wish, key, body, endpoint } = self;
        let digest = if body.len() < ASIDE_FROM_BYTES {
            digest(&body, endpoint)
        } else {
            tokio::task::spawn_blocking(move || digest(&body, endpoint)).await.ok().flatten()
        };
        let Some(digest) = digest else { return Looked::Go(None) };
        let key = key.with("body", digest).finish();
        cache.resize(settings.max_bytes);
        let mut lead = None;
        if wish == Wish::Any {
            let find = || cache.get(&key, rules.as_ref());
            let mut found = find();
            if found.is_none() {
                match cache.join(&key) {
                    Seat::Lead(first) => lead = Some(first),
                    Seat::Behind(landed) => {
                        let _ = tokio::time::timeout(settings.wait, landed.cancelled()).await;
                    }
                }
                // Whoever was before us may have landed by now.
                found = find();
            }
            if let Some(entry) = found {
                return hit(&entry, record, head);
            }
            record.cached(CacheState::Miss);
            head.cached(CacheState::Miss);
        }
        Looked::Go(Some(Box::new(Keeper {
            cache,
            key,
            settings,
            rules,
            headers: HeaderMap::new(),
            is_stream: false,
            copy: Vec::new(),
            _lead: lead,
        })))
    }
}

/// The headers that go to the provider and may shape its answer.
fn shaping(headers: &HeaderMap) -> impl Iterator<Item = (&HeaderName, &[u8])> {
    let listed = connection_listed(headers);
    headers.iter().map(|(name, value)| (name, value.as_bytes())).filter(move |(name, _)| {
        let ends_here = HOP_BY_HOP.contains(name)
            || PRIVATE.contains(name)
            || CREDENTIAL_HEADERS.contains(name)
            || LABEL_HEADERS.contains(name)
            || listed.iter().any(|listed| name.as_str().eq_ignore_ascii_case(listed));
        let is_shapeless =
            SHAPELESS.contains(name) || SHAPELESS_PREFIXES.iter().any(|prefix| name.as_str().starts_with(prefix));
        !ends_here && !is_shapeless
    })
}

/// The body's digest; `None` for what must be called each time.
fn digest(body: &Bytes, endpoint: Endpoint) -> Option<canonical::ValueDigest> {
    let mut is_lasting = false;
    let digest = canonical::digest(std::str::from_utf8(body).ok()?, |field| {
        is_lasting |= endpoint == Endpoint::Responses && !field.is_off && LASTING.contains(&&*field.key);
    });
    digest.ok().filter(|_| !is_lasting)
}

/// The endpoints whose answers depend on the request alone and change nothing at the provider.
const fn is_cacheable(endpoint: Endpoint) -> bool {
    match endpoint {
        Endpoint::ChatCompletions
        | Endpoint::Responses
        | Endpoint::Completions
        | Endpoint::Embeddings
        | Endpoint::Rerank
        | Endpoint::Moderations
        | Endpoint::Messages
        | Endpoint::CountTokens
        | Endpoint::GenerateContent
        | Endpoint::StreamGenerateContent
        | Endpoint::GeminiCountTokens
        | Endpoint::EmbedContent
        | Endpoint::BatchEmbedContents
        | Endpoint::OllamaChat
        | Endpoint::OllamaGenerate
        | Endpoint::OllamaEmbed
        | Endpoint::Classify
        | Endpoint::Plan
        | Endpoint::Embed
        | Endpoint::TaskChat => true,
        Endpoint::Images | Endpoint::Audio | Endpoint::Files | Endpoint::Batches => false,
    }
}

/// What the client says of caches (`cache-control`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Any,
    /// A fresh answer, which may be kept.
    NoCache,
    /// No trace of it.
    NoStore,
}

impl Wish {
    fn of(headers: &HeaderMap) -> Self {
        let values = headers.get_all(header::CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
        let words = values.flat_map(|value| value.split(',')).map(str::trim);
        let mut wish = Self::Any;
        for word in words {
            if word.eq_ignore_ascii_case("no-store") {
                return Self::NoStore;
            }
            if word.eq_ignore_ascii_case("no-cache") || word.eq_ignore_ascii_case("max-age=0") {
                wish = Self::NoCache;
            }
        }
        wish
    }
}

fn hit(entry: &Arc<Entry>, record: &mut OpenRecord, head: &mut Head) -> Looked {
    record.answered_from_cache(entry);
    head.answered_from_cache(entry);
    let mut headers = entry.headers.clone();
    headers.insert(header::AGE, entry.kept_at.elapsed().as_secs().into());
    let body = AnswerBody::Kept { bytes: entry.body.clone(), is_stream: entry.is_stream };
    Looked::Hit(Answer { status: StatusCode::OK, headers, body, keeper: None })
}

impl Keeper {
    /// Whether an answer with this head may be kept. If so, what of the head is kept with it.
    pub(super) fn begin(
        mut self: Box<Self>,
        status: StatusCode,
        headers: &HeaderMap,
        is_stream: bool,
    ) -> Option<Box<Self>> {
        let too_long = headers
            .get(header::CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok()?.parse::<u64>().ok())
            .is_some_and(|length| length > self.settings.max_entry_bytes);
        if status != StatusCode::OK || too_long {
            return None;
        }
        for name in &KEPT {
            if let Some(value) = headers.get(name) {
                self.headers.insert(name.clone(), value.clone());
            }
        }
        self.is_stream = is_stream;
        Some(self)
    }

    /// Copies what the client gets. `false` when it has become too much to be kept.
    pub(super) fn add(&mut self, bytes: &[u8]) -> bool {
        let fits = (self.copy.len() + bytes.len()) as u64 <= self.settings.max_entry_bytes;
        if fits {
            self.copy.extend_from_slice(bytes);
        }
        fits
    }

    /// The answer is whole: keeps it with what its record says.
    pub(super) fn keep(self: Box<Self>, record: &Record) {
        let findings = record.findings.iter().filter(|found| found.direction == Direction::Response);
        self.cache.put(
            self.key,
            Entry {
                body: self.copy.into(),
                headers: self.headers,
                is_stream: self.is_stream,
                provider: record.provider.clone(),
                model: record.model.clone(),
                provider_api: record.provider_api,
                finish_reason: record.finish_reason.clone(),
                usage: record.usage,
                cost: record.cost,
                price_version: record.price_version.clone(),
                findings: findings.cloned().collect(),
                rules: self.rules,
                kept_at: Instant::now(),
                ttl: self.settings.ttl,
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clients_say_of_caches_is_heard() {
        let table = [
            (&["max-age=60"][..], Wish::Any),
            (&["no-cache"], Wish::NoCache),
            (&["private, No-Cache"], Wish::NoCache),
            (&["max-age=0"], Wish::NoCache),
            (&["no-cache", "no-store"], Wish::NoStore),
            (&["no-store, no-cache"], Wish::NoStore),
        ];
        for (values, wish) in table {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::CACHE_CONTROL, http::HeaderValue::from_static(value));
            }
            assert_eq!(Wish::of(&headers), wish, "{values:?}");
        }
    }

    #[test]
    fn every_header_that_reaches_a_provider_counts_but_those_that_shape_nothing() {
        let mut headers = HeaderMap::new();
        for name in [
            "anthropic-beta",
            "openai-organization",
            "accept",
            "x-custom",
            "user-agent",
            "x-stainless-retry-count",
            "authorization",
            "x-session-id",
            "traceparent",
            "host",
            "connection",
            "x-hop",
        ] {
            headers.insert(HeaderName::from_static(name), http::HeaderValue::from_static("x-hop"));
        }
        let mut names: Vec<_> = shaping(&headers).map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["accept", "anthropic-beta", "openai-organization", "x-custom"]);
    }
}
