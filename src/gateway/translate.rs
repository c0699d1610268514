//! Between the client's API and the provider's, where they differ.
//!
//! It decides how a request is put to a target and how the answer comes back, and does neither itself: that is
//! `dialect::translate`. The same API on both sides never comes here.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::{
    accept::{Inbound, InboundBody},
    error::Refusal,
    tally::Framing,
};
use crate::{
    config::{Provider, ProviderType},
    dialect::{
        splice,
        translate::{
            self, Dropped, Echo, Envelope, Field, Stream,
            answer::Reply,
            conversation::{Format, Request},
            count, embedding,
        },
    },
    domain::{Ability, Api, Endpoint, ErrorKind, Timestamp},
    policy::Policy,
    provider,
    routing::Target,
};

/// The longest whole answer that is translated.
pub(super) const MAX_REPLY_BYTES: usize = 64 << 20;

/// Beginnings of the names of headers that mean something in one API only.
const OF_ONE_API: [&str; 5] = ["anthropic-", "openai-", "x-goog-", "x-ratelimit-", "x-stainless-"];

/// A request as a target of another API gets it, and what turns its answer back.
pub(crate) struct Translated {
    pub(super) body: Bytes,
    /// What follows the endpoint's root in the provider's path.
    pub(super) tail: &'static str,
    pub(super) query: Option<&'static str>,
    pub(super) way_back: WayBack,
    pub(super) dropped: Dropped,
}

/// What turns a provider's answer into the client's.
#[derive(Clone, Debug)]
pub(crate) struct WayBack {
    /// The API in which the provider was asked.
    pub(super) api: Api,
    /// The provider's endpoint.
    pub(super) endpoint: Endpoint,
    client: Api,
    envelope: Envelope,
    is_stream: bool,
    answer: AnswerKind,
}

/// What the answer tells.
#[derive(Clone, Copy, Debug)]
enum AnswerKind {
    /// What a model said.
    Conversation,
    /// A number of tokens.
    Count,
    /// Vectors, for a client of this endpoint, which may want base64.
    Vectors(Endpoint, bool),
}

/// Puts a request to a target of another API; `nonce` is what no other answer has.
pub(super) fn request(inbound: &Inbound, target: &Target, policy: &Policy, nonce: &str) -> Result<Translated, Refusal> {
    let judged =
        judged(inbound).ok_or_else(|| Refusal::new(ErrorKind::NotTranslatable, "an upload cannot be translated"))?;
    let text = std::str::from_utf8(&judged)
        .map_err(|_| Refusal::new(ErrorKind::InvalidRequest, "the body is not valid UTF-8"))?;
    let translated = if inbound.endpoint.is_embedding() {
        embedding(inbound, target, text, nonce)?
    } else {
        conversation(inbound, target, policy, text, nonce)?
    };
    let dropped = &translated.dropped;
    if !policy.config.translation.drop_unsupported && !dropped.is_empty() {
        let (id, api) = (&target.provider.id, translated.way_back.api.as_str());
        let message = format!("provider `{id}` speaks {api}, which has no place for: {dropped}");
        return Err(Refusal::new(ErrorKind::NotTranslatable, message));
    }
    Ok(translated)
}

/// The body as the sanitizer let it through; `None` for uploads.
fn judged(inbound: &Inbound) -> Option<Bytes> {
    let InboundBody::Whole { raw, plain } = &inbound.body else { return None };
    let source = plain.as_ref().unwrap_or(raw);
    let edits = &inbound.edits;
    Some(if edits.is_empty() { source.clone() } else { splice::splice(source, &mut edits.clone()) })
}

fn unfit(why: &impl std::fmt::Display) -> Refusal {
    Refusal::new(ErrorKind::NotTranslatable, why.to_string())
}

/// A conversation that is to be answered, or only counted.
fn conversation(
    inbound: &Inbound,
    target: &Target,
    policy: &Policy,
    text: &str,
    nonce: &str,
) -> Result<Translated, Refusal> {
    let client = inbound.endpoint.api();
    let is_counted = inbound.endpoint.is_counting();
    let mut dropped = Dropped::default();
    let read = match inbound.endpoint {
        Endpoint::OllamaGenerate => {
            translate::generate_as_chat(text).and_then(|text| translate::read_request(client, &text, &mut dropped))
        }
        _ if is_counted => count::read_request(client, text, &mut dropped),
        _ => translate::read_request(client, text, &mut dropped),
    };
    let mut asked = read.map_err(|error| unfit(&error))?;
    asked.model = target.model.as_deref().unwrap_or_default().to_owned();
    asked.stream = inbound.stream;
    let provider = &target.provider;
    if asks_for_json(inbound, provider) {
        asked.format = Some(Format::Json);
    }
    let known = target.model.as_deref().map(|model| policy.catalog.known(provider, model)).unwrap_or_default();
    if asked.reasoning.is_some() && known.cannot.has(Ability::Reasoning) {
        // Clients that think by habit ask models for it that cannot, and would be refused.
        if asked.reasoning.take().is_some_and(|reasoning| !reasoning.is_off()) {
            dropped.field(client, Field::Reasoning);
        }
    }
    let facts = translate::Target {
        client,
        max_output_tokens: known.output_tokens,
        is_openai: matches!(provider.provider_type, ProviderType::Openai | ProviderType::AzureOpenai),
        asks_for_usage: !provider::reports_usage_unasked(provider),
        thinks_by_effort: known.thinks_by_effort,
    };
    let api = if is_counted { counting_api(target) } else { api_for(target, &asked) };
    let body = if is_counted {
        count::write_request(api, &asked, &facts, &mut dropped)
    } else {
        translate::write_request(api, &asked, &facts, &mut dropped)
    };
    let body = body.map_err(|unfit| self::unfit(&unfit))?;
    let mut envelope = envelope(nonce, &asked.model);
    envelope.stream_usage = asked.stream_usage;
    envelope.gemini_sse = has_alt_sse(inbound);
    envelope.ollama_generate = inbound.endpoint == Endpoint::OllamaGenerate;
    envelope.echo = (client == Api::OpenaiResponses).then(|| Arc::new(Echo::of_unkept(text)));
    let endpoint = if is_counted { counting_endpoint(api) } else { endpoint(api, asked.stream) };
    let answer = if is_counted { AnswerKind::Count } else { AnswerKind::Conversation };
    Ok(Translated {
        body: body.into(),
        tail: if is_counted && api == Api::OpenaiResponses { "input_tokens" } else { "" },
        query: (endpoint == Endpoint::StreamGenerateContent).then_some("alt=sse"),
        way_back: WayBack { api, endpoint, client, envelope, is_stream: asked.stream, answer },
        dropped,
    })
}

fn embedding(inbound: &Inbound, target: &Target, text: &str, nonce: &str) -> Result<Translated, Refusal> {
    let client = inbound.endpoint.api();
    let mut dropped = Dropped::default();
    let mut asked = embedding::read_request(inbound.endpoint, text, &mut dropped).map_err(|error| unfit(&error))?;
    asked.model = target.model.as_deref().unwrap_or_default().to_owned();
    let api = target.api;
    let body = embedding::write_request(api, client, &asked, &mut dropped);
    let endpoint = match api {
        Api::Gemini => Endpoint::BatchEmbedContents,
        Api::Ollama => Endpoint::OllamaEmbed,
        _ => Endpoint::Embeddings,
    };
    let answer = AnswerKind::Vectors(inbound.endpoint, asked.as_base64);
    let envelope = envelope(nonce, &asked.model);
    let way_back = WayBack { api, endpoint, client, envelope, is_stream: false, answer };
    Ok(Translated { body: body.into(), tail: "", query: None, way_back, dropped })
}

fn envelope(nonce: &str, model: &str) -> Envelope {
    Envelope {
        nonce: nonce.chars().filter(char::is_ascii_alphanumeric).collect(),
        created: Timestamp::now().unix_us / 1_000_000,
        model: model.to_owned(),
        stream_usage: false,
        gemini_sse: false,
        ollama_generate: false,
        echo: None,
    }
}

/// The API in which a target is asked to count.
fn counting_api(target: &Target) -> Api {
    if target.provider.provider_type == ProviderType::Openai { Api::OpenaiResponses } else { target.api }
}

/// Whether a target counts tokens itself.
pub(super) fn counts(target: &Target) -> bool {
    count::is_counted_by(counting_api(target))
}

const fn counting_endpoint(api: Api) -> Endpoint {
    match api {
        Api::Gemini => Endpoint::GeminiCountTokens,
        Api::OpenaiResponses => Endpoint::Responses,
        _ => Endpoint::CountTokens,
    }
}

/// Whether a provider is to be asked for JSON, which a task's client could not ask for itself.
pub(super) fn asks_for_json(inbound: &Inbound, provider: &Provider) -> bool {
    // Anthropic's API has no word for it.
    matches!(inbound.called, Endpoint::Classify | Endpoint::Plan)
        && provider.features.json_mode
        && provider.provider_type != ProviderType::Anthropic
}

/// The API in which a target is asked: its provider's, and of OpenAI's two the one that can say it. Only Responses
/// thinks while it calls tools and gives the thoughts back; only Chat Completions knows the rest.
fn api_for(target: &Target, asked: &Request) -> Api {
    let is_openai = target.provider.provider_type == ProviderType::Openai;
    let thinks = asked.reasoning.as_ref().is_some_and(|reasoning| !reasoning.is_off());
    let sampling = &asked.sampling;
    let is_of_chat = sampling.n.is_some_and(|n| n > 1)
        || !sampling.stop.is_empty()
        || sampling.seed.is_some()
        || sampling.frequency_penalty.is_some()
        || sampling.presence_penalty.is_some();
    if target.api == Api::OpenaiChat && is_openai && thinks && !asked.tools.is_empty() && !is_of_chat {
        return Api::OpenaiResponses;
    }
    target.api
}

const fn endpoint(api: Api, stream: bool) -> Endpoint {
    match (api, stream) {
        (Api::OpenaiResponses, _) => Endpoint::Responses,
        (Api::Anthropic, _) => Endpoint::Messages,
        (Api::Gemini, true) => Endpoint::StreamGenerateContent,
        (Api::Gemini, false) => Endpoint::GenerateContent,
        (Api::Ollama, _) => Endpoint::OllamaChat,
        (Api::OpenaiChat | Api::OpenaiEmbeddings | Api::Openai, _) => Endpoint::ChatCompletions,
    }
}

/// Takes out what described the client's body, or means something in its API only.
pub(super) fn headers(headers: &mut HeaderMap) {
    remove_foreign(headers);
    headers.remove(header::CONTENT_ENCODING);
    headers.remove(header::ACCEPT);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
}

fn remove_foreign(headers: &mut HeaderMap) {
    let is_foreign = |name: &&HeaderName| OF_ONE_API.iter().any(|prefix| name.as_str().starts_with(prefix));
    let foreign: Vec<HeaderName> = headers.keys().filter(is_foreign).cloned().collect();
    for name in foreign {
        headers.remove(name);
    }
}

/// The query of a request whose stream plugins look at: Gemini's must come as events.
pub(super) fn readable_query(inbound: &Inbound) -> Option<String> {
    if inbound.endpoint != Endpoint::StreamGenerateContent || has_alt_sse(inbound) {
        return inbound.query.clone();
    }
    let rest = inbound.query.iter().flat_map(|query| query.split('&'));
    let rest = rest.filter(|pair| !pair.is_empty() && !pair.starts_with("alt="));
    Some(std::iter::once("alt=sse").chain(rest).collect::<Vec<_>>().join("&"))
}

fn has_alt_sse(inbound: &Inbound) -> bool {
    inbound.query.as_deref().is_some_and(|query| query.split('&').any(|pair| pair == "alt=sse"))
}

impl WayBack {
    /// What reads and writes the answer of a target of the client's own API.
    pub(super) fn alike(inbound: &Inbound, model: &str, stream_usage: bool, nonce: &str) -> Self {
        let api = inbound.endpoint.api();
        let mut envelope = envelope(nonce, model);
        envelope.stream_usage = stream_usage;
        envelope.gemini_sse = has_alt_sse(inbound);
        envelope.ollama_generate = inbound.endpoint == Endpoint::OllamaGenerate;
        if api == Api::OpenaiResponses {
            envelope.echo = judged(inbound).map(|body| Arc::new(Echo::of(&String::from_utf8_lossy(&body))));
        }
        let (endpoint, is_stream) = (inbound.endpoint, inbound.stream);
        Self { api, endpoint, client: api, envelope, is_stream, answer: AnswerKind::Conversation }
    }

    /// A provider's whole answer; `None` when it cannot be read as one.
    pub(super) fn read(&self, body: &[u8]) -> Option<Reply> {
        translate::read_reply(self.api, &String::from_utf8_lossy(body), &self.envelope.nonce).ok()
    }

    /// A whole answer as the client gets it, and what had no place in it.
    pub(super) fn write(&self, reply: &Reply) -> (Vec<u8>, Dropped) {
        let mut dropped = Dropped::default();
        let body = translate::write_reply(self.client, reply, &self.envelope, &mut dropped);
        (body, dropped)
    }

    /// How the client's answer is framed.
    pub(super) fn framing(&self) -> Framing {
        match (self.is_stream, self.client, self.envelope.gemini_sse) {
            (false, ..) => Framing::Json,
            (true, Api::Ollama, _) => Framing::NdJson,
            (true, Api::Gemini, false) => Framing::JsonArray,
            (true, ..) => Framing::Sse,
        }
    }

    /// Makes the provider's headers describe the client's body.
    pub(super) fn describe(&self, headers: &mut HeaderMap, framing: Framing) {
        for name in [header::CONTENT_LENGTH, header::CONTENT_ENCODING, header::TRANSFER_ENCODING, header::ETAG] {
            headers.remove(name);
        }
        let kind = match framing {
            Framing::Sse => "text/event-stream; charset=utf-8",
            Framing::NdJson => "application/x-ndjson",
            Framing::Json | Framing::JsonArray | Framing::Opaque => "application/json",
        };
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        let get = |name: &str| headers.get(name)?.to_str().ok();
        let (provider, client) = (self.api.family(), self.client.family());
        let told = translate::limits::translate(provider, client, get, self.envelope.created);
        remove_foreign(headers);
        for (name, value) in told {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                headers.insert(name, value);
            }
        }
    }

    /// What translates a stream.
    pub(super) fn stream(&self) -> Box<Stream> {
        Box::new(Stream::new(self.api, self.client, self.envelope.clone()))
    }

    /// A whole answer in the client's API, and what had no place in it.
    pub(super) fn reply(&self, body: &[u8]) -> Option<(Vec<u8>, Dropped)> {
        let text = String::from_utf8_lossy(body);
        let mut dropped = Dropped::default();
        match self.answer {
            AnswerKind::Conversation => {}
            AnswerKind::Count => {
                let tokens = count::read_reply(self.api, &text).ok()?;
                return Some((count::write_reply(self.client, tokens), dropped));
            }
            AnswerKind::Vectors(endpoint, as_base64) => {
                let reply = embedding::read_reply(self.api, &text).ok()?;
                return Some((embedding::write_reply(endpoint, &reply, &self.envelope, as_base64), dropped));
            }
        }
        let reply = translate::read_reply(self.api, &text, &self.envelope.nonce).ok()?;
        let body = translate::write_reply(self.client, &reply, &self.envelope, &mut dropped);
        Some((body, dropped))
    }

    /// An error's status and body in the client's API.
    pub(super) fn error(&self, status: u16, body: &[u8]) -> (u16, Vec<u8>) {
        self.fault(&translate::fault::read(status, body))
    }

    /// The same of an error that was told inside an answer, by the words that were found there.
    pub(super) fn told(&self, status: Option<u16>, words: &[String], message: String) -> (u16, Vec<u8>) {
        let status = status.unwrap_or(translate::fault::INSIDE);
        self.fault(&translate::fault::told(status, words, Some(message)))
    }

    fn fault(&self, fault: &translate::answer::Fault) -> (u16, Vec<u8>) {
        translate::fault::write(self.client.family(), fault, &self.envelope.nonce)
    }
}
