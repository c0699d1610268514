//! Between the client's API and the provider's, where they differ.
//!
//! It decides how a request is put to a target and how the answer comes back, and does neither itself: that is
//! `dialect::translate`. The same API on both sides never comes here.

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
            self, Dropped, Envelope, Field, Stream,
            conversation::{Format, Request},
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
}

/// Puts a request to a target of another API; `nonce` is what no other answer has.
pub(super) fn request(inbound: &Inbound, target: &Target, policy: &Policy, nonce: &str) -> Result<Translated, Refusal> {
    let client = inbound.endpoint.api();
    let InboundBody::Whole { raw, plain } = &inbound.body else {
        return Err(Refusal::new(ErrorKind::NotTranslatable, "an upload cannot be translated"));
    };
    let source = plain.as_ref().unwrap_or(raw);
    let judged =
        if inbound.edits.is_empty() { source.clone() } else { splice::splice(source, &mut inbound.edits.clone()) };
    let text = std::str::from_utf8(&judged)
        .map_err(|_| Refusal::new(ErrorKind::InvalidRequest, "the body is not valid UTF-8"))?;
    let mut dropped = Dropped::default();
    let mut asked = translate::read_request(client, text, &mut dropped)
        .map_err(|error| Refusal::new(ErrorKind::NotTranslatable, error.to_string()))?;
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
    let api = api_for(target, &asked);
    let body = translate::write_request(api, &asked, &facts, &mut dropped)
        .map_err(|unfit| Refusal::new(ErrorKind::NotTranslatable, unfit.to_string()))?;
    if !policy.config.translation.drop_unsupported && !dropped.is_empty() {
        let message = format!("provider `{}` speaks {}, which has no place for: {dropped}", provider.id, api.as_str());
        return Err(Refusal::new(ErrorKind::NotTranslatable, message));
    }
    let is_sse = inbound.query.as_deref().is_some_and(|query| query.split('&').any(|pair| pair == "alt=sse"));
    let envelope = Envelope {
        nonce: nonce.chars().filter(char::is_ascii_alphanumeric).collect(),
        created: Timestamp::now().unix_us / 1_000_000,
        model: asked.model.clone(),
        stream_usage: asked.stream_usage,
        gemini_sse: is_sse,
    };
    let endpoint = endpoint(api, asked.stream);
    Ok(Translated {
        body: body.into(),
        query: (endpoint == Endpoint::StreamGenerateContent).then_some("alt=sse"),
        way_back: WayBack { api, endpoint, client, envelope, is_stream: asked.stream },
        dropped,
    })
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

impl WayBack {
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
        let reply = translate::read_reply(self.api, &text, &self.envelope.nonce).ok()?;
        let mut dropped = Dropped::default();
        let body = translate::write_reply(self.client, &reply, &self.envelope, &mut dropped);
        Some((body, dropped))
    }

    /// An error's status and body in the client's API.
    pub(super) fn error(&self, status: u16, body: &[u8]) -> (u16, Vec<u8>) {
        let fault = translate::fault::read(status, body);
        translate::fault::write(self.client.family(), &fault, &self.envelope.nonce)
    }
}
