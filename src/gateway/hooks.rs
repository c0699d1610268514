//! Where plugins are asked on the way of a request, and what their words do to it.
//!
//! Between sanitize and plan the request may become another; whatever a plugin wrote passes the sanitizer once more.
//! What a plugin left alone stays byte for byte. It decides nothing: the decisions are the plugins' own.

use std::sync::Arc;

use bytes::Bytes;
use http::{StatusCode, header};

use super::{
    accept::{Inbound, InboundBody, Labels},
    answer::{Answer, AnswerBody},
    error::Refusal,
    identify::Caller,
    record::OpenRecord,
    sanitize,
    tally::Framing,
    translate::WayBack,
};
use crate::{
    dialect::{
        steer,
        translate::{self, Dropped, Stream, answer::Reply, patch},
    },
    domain::{Api, Endpoint, ErrorKind},
    plugins::{Asked, Context, Decision, Ending, Hook, ModelError, Running, TargetFacts},
    policy::Policy,
    provider::CREDENTIAL_HEADERS,
    routing::Plan,
    sanitize::RuleSet,
};

/// How the way goes on.
pub(super) enum Step {
    /// As it would have.
    On,
    /// It ends here with this answer.
    Answered(Box<Answer>),
}

/// Sends the caller's plugins on the way of a request and asks them before a plan is made. Costs nothing where there
/// are none.
pub(super) async fn before(
    policy: &Policy,
    inbound: &mut Inbound,
    caller: &Caller,
    labels: &Labels,
    rules: Option<&Arc<RuleSet>>,
    record: &mut OpenRecord,
) -> Result<Step, Refusal> {
    let chain = policy.chain_for(caller.key.as_deref(), caller.project.as_deref());
    let Some(chain) = chain.filter(|chain| !chain.is_silent()) else { return Ok(Step::On) };
    let context = context(inbound, caller, labels, chain.models(), record);
    let looks = [Hook::AfterModel, Hook::AfterChunk].into_iter().any(|hook| chain.has(hook));
    inbound.is_looked_at = looks && inbound.endpoint.is_conversation();
    record.accompany(Running::begin(Arc::clone(chain), context));
    Box::pin(evaluate(inbound, rules, record)).await
}

/// Asks the plugins of `before_model`, as often as they want within bounds, and puts their words into force.
async fn evaluate(
    inbound: &mut Inbound,
    rules: Option<&Arc<RuleSet>>,
    record: &mut OpenRecord,
) -> Result<Step, Refusal> {
    let mut is_rewritten = false;
    loop {
        match record.ask_plugins(Hook::BeforeModel).await {
            None => break,
            Some(Decision::Proceed { is_changed }) => {
                is_rewritten |= is_changed;
                break;
            }
            Some(Decision::Reevaluate { is_changed }) => is_rewritten |= is_changed,
            Some(Decision::Terminate(plugin, ending)) => return ended(&plugin, ending, inbound, record),
            Some(Decision::Failed(plugin)) => return Err(failed(&plugin)),
        }
    }
    let Some(plugins) = record.plugins() else { return Ok(Step::On) };
    if let Some(route) = &plugins.context.route {
        inbound.model = Some(Arc::from(route.model.as_str()));
        inbound.fallbacks.clone_from(&route.fallbacks);
    }
    if is_rewritten {
        let request = plugins.context.request.read().map(Arc::clone);
        let request = request.map_err(|why| Refusal::new(ErrorKind::PluginFailed, why))?;
        rewrite(inbound, &request)?;
        sanitize::again(rules.cloned(), inbound, record).await?;
    }
    Ok(Step::On)
}

/// Asks the plugins that may answer in the model's place.
pub(super) async fn execute(inbound: &mut Inbound, plan: &Plan, record: &mut OpenRecord) -> Result<Step, Refusal> {
    if let (Some(plugins), Some(target)) = (record.plugins(), plan.targets.first()) {
        let (provider, model) = (target.provider.id.clone(), target.model.clone());
        plugins.context.target = Some(TargetFacts { provider, model });
    }
    match Box::pin(record.ask_plugins(Hook::ModelExecute)).await {
        None | Some(Decision::Proceed { .. } | Decision::Reevaluate { .. }) => Ok(Step::On),
        Some(Decision::Terminate(plugin, ending)) => ended(&plugin, ending, inbound, record),
        Some(Decision::Failed(plugin)) => Err(failed(&plugin)),
    }
}

/// What becomes of a request that nobody answered.
pub(super) enum Mended {
    /// This, in the end.
    Ended(Result<Answer, Refusal>),
    /// The way is gone again with this request.
    Again(Box<Inbound>),
}

/// Asks the plugins of `on_model_error` about an outcome; `spare` is the request as it was before the plan.
pub(super) async fn mend(
    outcome: Result<Answer, Refusal>,
    spare: &mut Inbound,
    rules: Option<&Arc<RuleSet>>,
    record: &mut OpenRecord,
) -> Mended {
    let told = match &outcome {
        Ok(Answer { status, body: AnswerBody::Whole { kind, .. }, .. }) => {
            Some((*kind, status.as_u16(), "the provider answered with an error".to_owned()))
        }
        Ok(_) => None,
        Err(refusal) if refusal.client_gone || is_final(refusal.kind) => None,
        Err(refusal) => {
            Some((refusal.kind, refusal.status.unwrap_or_else(|| refusal.kind.status()), refusal.message.clone()))
        }
    };
    let (Some((kind, status, message)), Some(plugins)) = (told, record.plugins()) else {
        return Mended::Ended(outcome);
    };
    let error = ModelError { kind: kind.as_str(), status, message };
    plugins.context.error = Some(error.clone());
    match record.ask_plugins(Hook::OnModelError).await {
        None => Mended::Ended(outcome),
        Some(Decision::Proceed { .. }) => {
            let told = record.plugins().and_then(|plugins| plugins.context.error.take());
            match told.filter(|told| *told != error) {
                None => Mended::Ended(outcome),
                Some(told) => {
                    Mended::Ended(Err(Refusal { status: Some(told.status), ..Refusal::new(kind, told.message) }))
                }
            }
        }
        Some(Decision::Terminate(plugin, ending)) => Mended::Ended(match ended(&plugin, ending, spare, record) {
            Ok(Step::Answered(answer)) => Ok(*answer),
            Ok(Step::On) => outcome,
            Err(refusal) => Err(refusal),
        }),
        Some(Decision::Failed(plugin)) => Mended::Ended(Err(failed(&plugin))),
        Some(Decision::Reevaluate { is_changed }) => {
            let Some(mut inbound) = spare.again() else { return Mended::Ended(outcome) };
            if is_changed {
                let request = record.plugins().and_then(|plugins| plugins.context.request.read().ok().cloned());
                let rewritten = request.map_or(Ok(()), |request| rewrite(&mut inbound, &request));
                if let Err(refusal) = rewritten {
                    return Mended::Ended(Err(refusal));
                }
            }
            match Box::pin(evaluate(&mut inbound, rules, record)).await {
                Ok(Step::On) => Mended::Again(Box::new(inbound)),
                Ok(Step::Answered(answer)) => Mended::Ended(Ok(*answer)),
                Err(refusal) => Mended::Ended(Err(refusal)),
            }
        }
    }
}

/// Whether plugins shape what the client gets beyond the request, so that no copy of it is kept for others.
pub(super) fn shape_answers(record: &OpenRecord) -> bool {
    [Hook::ModelExecute, Hook::AfterModel, Hook::AfterChunk].into_iter().any(|hook| record.has_hook(hook))
}

/// A copy to go the way again with, where a plugin might want that.
pub(super) fn spare(inbound: &Inbound, record: &OpenRecord) -> Option<Box<Inbound>> {
    if record.has_hook(Hook::OnModelError) { inbound.again().map(Box::new) } else { None }
}

/// Failures that no plugin is asked about: they are the gateway's or a plugin's own.
const fn is_final(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::ShuttingDown
            | ErrorKind::PluginFailed
            | ErrorKind::PluginRefused
            | ErrorKind::ContentBlocked
            | ErrorKind::SanitizerFailed
    )
}

/// What the client is told when a plugin failed that must not.
pub(super) fn failed(plugin: &str) -> Refusal {
    Refusal::new(ErrorKind::PluginFailed, format!("the plugin `{plugin}` failed, and nothing passes without it"))
}

/// A plugin stops the request.
pub(super) fn refused(plugin: &str, status: u16, message: String) -> Refusal {
    let kind = if status == 401 { ErrorKind::Authentication } else { ErrorKind::PluginRefused };
    let message = if message.is_empty() { format!("the plugin `{plugin}` refused the request") } else { message };
    Refusal { status: Some(status), ..Refusal::new(kind, message) }
}

fn ended(plugin: &str, ending: Ending, inbound: &Inbound, record: &mut OpenRecord) -> Result<Step, Refusal> {
    match ending {
        Ending::Refusal { status, message } => Err(refused(plugin, status, message)),
        Ending::Reply(reply) => answered(plugin, &reply, inbound, record).map(Box::new).map(Step::Answered),
    }
}

/// A plugin's reply as the client's API has it, judged by the sanitizer like any other.
fn answered(plugin: &str, reply: &Reply, inbound: &Inbound, record: &mut OpenRecord) -> Result<Answer, Refusal> {
    if !inbound.endpoint.is_conversation() {
        tracing::warn!(plugin, "it answered a request that is no conversation");
        return Err(failed(plugin));
    }
    let nonce = record.id().map(|id| id.to_string()).unwrap_or_default();
    let way_back = WayBack::alike(inbound, inbound.model.as_deref().unwrap_or_default(), true, &nonce);
    let mut bytes = if inbound.stream {
        let (mut stream, mut bytes) = (way_back.stream(), Vec::new());
        Stream::write_events(&mut stream, reply.clone().into_events(), &mut bytes);
        bytes
    } else {
        way_back.write(reply).0
    };
    let framing = way_back.framing();
    if let Some(watch) = &inbound.watch {
        let mut guard = sanitize::AnswerGuard::new(watch.guard(inbound.endpoint.api(), guarded(framing)));
        let mut judged = guard.feed(&bytes).to_vec();
        judged.extend_from_slice(&guard.finish());
        record.found(guard.take_findings());
        if let Some(refusal) = guard.end() {
            return Err(refusal.clone());
        }
        if guard.edits() {
            bytes = judged;
        }
    }
    let mut headers = http::HeaderMap::new();
    way_back.describe(&mut headers, framing);
    Ok(Answer::new(StatusCode::OK, headers, AnswerBody::Kept { bytes: bytes.into(), is_stream: inbound.stream }))
}

const fn guarded(framing: Framing) -> crate::sanitize::Framing {
    match framing {
        Framing::Sse => crate::sanitize::Framing::Sse,
        Framing::NdJson => crate::sanitize::Framing::NdJson,
        Framing::JsonArray => crate::sanitize::Framing::JsonArray,
        Framing::Json | Framing::Opaque => crate::sanitize::Framing::Json,
    }
}

/// Puts a plugin's request in the place of the client's. What the plugin left as it was stays byte for byte.
fn rewrite(inbound: &mut Inbound, wanted: &translate::conversation::Request) -> Result<(), Refusal> {
    let fault = |why: &dyn std::fmt::Display| {
        tracing::warn!(%why, "a plugin's request cannot be written in the client's API");
        Refusal::new(ErrorKind::PluginFailed, "what a plugin made of the request cannot be asked for in this API")
    };
    let api = inbound.endpoint.api();
    let body = inbound.judged_body().filter(|_| inbound.endpoint.is_conversation());
    let Some(body) = body else { return Err(fault(&"it is no conversation")) };
    let text = std::str::from_utf8(&body).map_err(|error| fault(&error))?;
    let mut dropped = Dropped::default();
    let bytes = if inbound.endpoint == Endpoint::OllamaGenerate {
        patch::generate(text, wanted).ok_or_else(|| fault(&"it is more than a prompt"))?
    } else {
        let before = translate::read_request(api, text, &mut dropped).map_err(|error| fault(&error))?;
        // Which model is asked and how it answers is decided elsewhere.
        let mut after = wanted.clone();
        (after.model, after.stream) = (before.model.clone(), before.stream);
        after.stream_usage = before.stream_usage;
        let target = translate::Target {
            client: api,
            max_output_tokens: None,
            is_openai: api == Api::OpenaiResponses || api == Api::OpenaiChat,
            asks_for_usage: false,
            thinks_by_effort: false,
        };
        let mut unsaid = Dropped::default();
        let old = translate::write_request(api, &before, &target, &mut Dropped::default());
        let old = old.map_err(|error| fault(&error))?;
        let new = translate::write_request(api, &after, &target, &mut unsaid).map_err(|error| fault(&error))?;
        let patched = patch::patch(text, &old, &new).ok_or_else(|| fault(&"the body is no object"))?;
        let is_touched = |path: &&String| patched.keys.iter().any(|key| path.starts_with(key.as_str()));
        dropped.paths().iter().chain(unsaid.paths()).filter(is_touched).for_each(|path| inbound.dropped.path(path));
        patched.body
    };
    let bytes = Bytes::from(bytes);
    let steering = steer::read(inbound.endpoint, &bytes).map_err(|error| fault(&error))?;
    inbound.text_tokens = steering.request_text_tokens;
    inbound.steering = Some(steering);
    inbound.body = InboundBody::Whole { raw: bytes, plain: None };
    inbound.edits = Vec::new();
    inbound.headers.remove(header::CONTENT_ENCODING);
    Ok(())
}

/// What plugins see of a request.
fn context(
    inbound: &Inbound,
    caller: &Caller,
    labels: &Labels,
    models: &Arc<[String]>,
    record: &OpenRecord,
) -> Context {
    let mut context = Context::new(inbound.called, caller.presented.clone());
    let id = record.id().map(|id| id.to_string()).unwrap_or_default();
    context.request_id = labels.request_id.clone().unwrap_or_else(|| Arc::from(id));
    context.project.clone_from(&caller.project);
    context.source.clone_from(&caller.source);
    context.key_id = caller.key.as_ref().map(|key| Arc::clone(&key.id));
    context.client_api = inbound.endpoint.api();
    context.method = inbound.method.clone();
    context.headers = headers(inbound);
    context.query = query(inbound);
    context.client_ip = inbound.peer;
    context.stream = inbound.stream;
    context.available_models = Arc::clone(models);
    if let Some(body) = inbound.judged_body() {
        context.request = Asked::of(inbound.endpoint, body);
    }
    let tags = labels.tags.iter().map(|(name, value)| (name.to_string(), value.to_string().into()));
    context.metadata = tags.collect();
    context.started_at = record.started_at();
    context
}

fn headers(inbound: &Inbound) -> Vec<(String, String)> {
    let is_secret = |name: &http::HeaderName| {
        CREDENTIAL_HEADERS.contains(name)
            || [header::COOKIE, header::PROXY_AUTHORIZATION].contains(name)
            || super::call::HOP_BY_HOP.contains(name)
    };
    let shown = inbound.headers.iter().filter(|(name, _)| !is_secret(name));
    shown.filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))).collect()
}

fn query(inbound: &Inbound) -> Vec<(String, String)> {
    let query = inbound.query.as_deref().unwrap_or_default();
    let pairs = url::form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name != "key");
    pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}
