//! What plugins outside of this program are told, and what they may answer: JSON both ways.
//!
//! Whatever comes back is foreign: it is read into types that take nothing unknown, and its size is bounded by whoever
//! received it. docs/plugins.md describes both sides.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::{
    Changes, Ending, Fault, Verdict,
    context::{Chunk, Context, ModelError, Route, TargetFacts},
    hooks::Hook,
};
use crate::{
    dialect::translate::{answer::Reply, conversation::Request},
    domain::{Record, Usage},
};

/// The most that plugins of one chain may tell each other, as JSON.
const MOST_DATA_BYTES: usize = 64 << 10;

/// What a plugin is told at a hook. What has no meaning there is left out.
#[derive(Serialize)]
struct Told<'a> {
    hook: &'static str,
    plugin: &'a str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<&'a str>,
    client_api: &'static str,
    endpoint: &'static str,
    method: &'a str,
    stream: bool,
    headers: Map<String, Json>,
    query: Map<String, Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_ip: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<&'a str>,
    available_models: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<&'a Request>,
    /// Why the request cannot be shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_unreadable: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<&'a Route>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<&'a TargetFacts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply: Option<&'a Reply>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a ModelError>,
    retry_count: u32,
    metadata: &'a Map<String, Json>,
    data: &'a Map<String, Json>,
    metrics: Metrics,
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<RecordFacts<'a>>,
}

/// What a plugin is told of a chunk: little, since there are many.
#[derive(Serialize)]
struct ToldChunk<'a> {
    hook: &'static str,
    plugin: &'a str,
    request_id: &'a str,
    chunk: Option<&'a Chunk>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accumulated: Option<&'a str>,
    data: &'a Map<String, Json>,
}

#[derive(Serialize)]
struct Metrics {
    started_at_us: i64,
    duration_us: u64,
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    usage: Usage,
}

/// What the closed record says.
#[derive(Serialize)]
struct RecordFacts<'a> {
    id: String,
    status: Option<u16>,
    outcome: &'static str,
    error_kind: Option<&'static str>,
    provider: Option<&'a str>,
    model: Option<&'a str>,
    model_requested: Option<&'a str>,
    finish_reason: Option<&'a str>,
    cache: &'static str,
    latency_us: u64,
    ttft_us: Option<u64>,
    cost_microcents: Option<i64>,
    request_bytes: u64,
    response_bytes: u64,
    attempts: usize,
}

impl<'a> RecordFacts<'a> {
    fn of(record: &'a Record) -> Self {
        Self {
            id: record.id.to_string(),
            status: record.status,
            outcome: record.outcome.as_str(),
            error_kind: record.error_kind.map(|kind| kind.as_str()),
            provider: record.provider.as_deref(),
            model: record.model.as_deref(),
            model_requested: record.model_requested.as_deref(),
            finish_reason: record.finish_reason.as_deref(),
            cache: record.cache.as_str(),
            latency_us: record.latency_us,
            ttft_us: record.ttft_us,
            cost_microcents: record.cost.map(|cost| cost.0),
            request_bytes: record.request_bytes,
            response_bytes: record.response_bytes,
            attempts: record.attempts.len(),
        }
    }
}

/// What a plugin is told at a hook, as JSON; `accumulated` says whether it wants a stream's text so far with each chunk.
pub(super) fn told(hook: Hook, plugin: &str, context: &Context, accumulated: bool) -> Vec<u8> {
    if hook == Hook::AfterChunk {
        let told = ToldChunk {
            hook: hook.as_str(),
            plugin,
            request_id: &context.request_id,
            chunk: context.chunk.as_ref(),
            accumulated: accumulated.then_some(context.accumulated.as_str()),
            data: &context.data,
        };
        return serde_json::to_vec(&told).unwrap_or_default();
    }
    let (request, request_unreadable) = match context.request.read() {
        Ok(request) => (Some(&**request), None),
        Err(why) => (None, Some(why)),
    };
    let object = |pairs: &[(String, String)]| {
        pairs.iter().map(|(name, value)| (name.clone(), Json::from(value.as_str()))).collect::<Map<_, _>>()
    };
    let told = Told {
        hook: hook.as_str(),
        plugin,
        request_id: &context.request_id,
        project: context.project.as_deref(),
        source: context.source.as_deref(),
        key_id: context.key_id.as_deref(),
        client_api: context.client_api.as_str(),
        endpoint: context.endpoint.as_str(),
        method: context.method.as_str(),
        stream: context.stream,
        headers: object(&context.headers),
        query: object(&context.query),
        client_ip: context.client_ip.map(|ip| ip.to_string()),
        user_agent: context.header("user-agent"),
        available_models: &context.available_models,
        request,
        request_unreadable,
        route: context.route.as_ref(),
        target: context.target.as_ref(),
        reply: context.reply.as_ref(),
        error: context.error.as_ref(),
        retry_count: context.retry_count,
        metadata: &context.metadata,
        data: &context.data,
        metrics: Metrics {
            started_at_us: context.started_at.unix_us,
            duration_us: u64::try_from(context.began.elapsed().as_micros()).unwrap_or(u64::MAX),
            input_tokens: context.usage.input_tokens(),
            output_tokens: context.usage.output_tokens(),
            usage: context.usage,
        },
        record: context.record.as_deref().map(RecordFacts::of),
    };
    serde_json::to_vec(&told).unwrap_or_default()
}

/// What a plugin may answer.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Said {
    verdict: Word,
    request: Option<Request>,
    route: Option<Route>,
    reply: Option<Reply>,
    text: Option<String>,
    status: Option<u16>,
    message: Option<String>,
    data: Option<Map<String, Json>>,
    metadata: Option<Map<String, Json>>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Word {
    #[default]
    Continue,
    Modify,
    Terminate,
    Reevaluate,
    SkipRemaining,
    Hold,
}

/// Reads what a plugin answered; nothing at all is `continue`.
pub(super) fn verdict(answer: &[u8], context: &mut Context) -> Result<Verdict, Fault> {
    if answer.trim_ascii().is_empty() {
        return Ok(Verdict::Continue);
    }
    // A list of fields would do for the library.
    if !answer.trim_ascii().starts_with(b"{") {
        return Err(Fault::Nonsense("it is no object".to_owned()));
    }
    // The library's words name a place and a type, never a value.
    let said: Said = serde_json::from_slice(answer).map_err(|error| {
        Fault::Nonsense(format!("{:?} error at line {}, column {}", error.classify(), error.line(), error.column()))
    })?;
    let Said { verdict, request, route, reply, text, status, message, data, metadata } = said;
    keep(&mut context.data, data)?;
    keep(&mut context.metadata, metadata)?;
    let error = match verdict {
        Word::Terminate => None,
        _ => status.map(|status| (status, message.clone().unwrap_or_default())),
    };
    Ok(match verdict {
        Word::Continue => Verdict::Continue,
        Word::SkipRemaining => Verdict::SkipRemaining,
        Word::Hold => Verdict::HoldChunk,
        Word::Modify => Verdict::Modify(Box::new(Changes { request, route, reply, text, error })),
        Word::Reevaluate => Verdict::Reevaluate(Box::new(Changes { request, route, ..Changes::default() })),
        Word::Terminate => Verdict::Terminate(Box::new(match reply {
            Some(reply) => Ending::Reply(Box::new(reply)),
            None => Ending::Refusal { status: status.unwrap_or(403), message: message.unwrap_or_default() },
        })),
    })
}

/// Takes over what a plugin tells those behind it.
fn keep(known: &mut Map<String, Json>, told: Option<Map<String, Json>>) -> Result<(), Fault> {
    let Some(told) = told else { return Ok(()) };
    known.extend(told);
    if serde_json::to_vec(known).map_or(usize::MAX, |text| text.len()) > MOST_DATA_BYTES {
        known.clear();
        return Err(Fault::OverLimit(format!("data and metadata may be {MOST_DATA_BYTES} bytes each")));
    }
    Ok(())
}
