//! The fixed table of upstream URLs.
//!
//! A path is the provider's configured base plus a constant, plus at most a model name (percent-encoded
//! as one segment) and a tail of harmless segments. `..`, empty segments and encoded slashes cannot pass.

use std::fmt::Write as _;

use http::Uri;

use crate::{
    config::{Provider, ProviderType},
    domain::Endpoint,
};

/// What of a request decides its upstream URL.
#[derive(Clone, Copy, Debug)]
pub struct Route<'a> {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// The model, for APIs that carry it in the path.
    pub model: Option<&'a str>,
    /// What follows the endpoint's root, without a leading slash (`generations`, `file-abc/content`).
    pub tail: &'a str,
    /// The client's query string.
    pub query: Option<&'a str>,
}

/// Why a URL could not be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// The tail holds something else than plain segments.
    #[error("path segment `{0}` is not allowed here")]
    Segment(String),
    /// Azure needs a deployment.
    #[error("azure provider `{0}` has no deployment and the request names no model")]
    NoDeployment(String),
    /// The result is not a URI.
    #[error("the provider's base_url and this path do not make a valid URL")]
    Invalid,
}

/// The URI to call.
pub fn upstream_uri(provider: &Provider, route: &Route<'_>) -> Result<Uri, UrlError> {
    let mut target = String::with_capacity(128);
    target.push_str(provider.base_url.as_str().trim_end_matches('/'));
    match provider.provider_type {
        ProviderType::AzureOpenai => azure_path(&mut target, provider, route)?,
        ProviderType::Openai | ProviderType::OpenaiCompatible | ProviderType::Local => {
            if provider.provider_type == ProviderType::Local {
                // The others' base URL is what an OpenAI SDK takes; a local server's is its root.
                target.push_str("/v1");
            }
            target.push_str(openai_path(route.endpoint));
            push_tail(&mut target, route.tail)?;
        }
        ProviderType::Anthropic => target.push_str(match route.endpoint {
            Endpoint::CountTokens => "/v1/messages/count_tokens",
            _ => "/v1/messages",
        }),
        ProviderType::Gemini => gemini_path(&mut target, route)?,
        ProviderType::Ollama => target.push_str(match route.endpoint {
            Endpoint::OllamaGenerate => "/api/generate",
            Endpoint::OllamaEmbed => "/api/embed",
            _ => "/api/chat",
        }),
    }
    push_query(&mut target, provider, route.query);
    target.parse().map_err(|_| UrlError::Invalid)
}

const fn openai_path(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::Responses => "/responses",
        Endpoint::Embeddings => "/embeddings",
        Endpoint::Completions => "/completions",
        Endpoint::Images => "/images",
        Endpoint::Audio => "/audio",
        Endpoint::Files => "/files",
        Endpoint::Batches => "/batches",
        Endpoint::Rerank => "/rerank",
        Endpoint::Moderations => "/moderations",
        _ => "/chat/completions",
    }
}

/// Azure OpenAI data-plane paths: deployments for what a model answers, resource-wide paths for the rest.
/// Source: Azure OpenAI REST reference (data plane inference).
fn azure_path(target: &mut String, provider: &Provider, route: &Route<'_>) -> Result<(), UrlError> {
    target.push_str("/openai");
    if matches!(route.endpoint, Endpoint::Responses | Endpoint::Files | Endpoint::Batches) {
        target.push_str(openai_path(route.endpoint));
        return push_tail(target, route.tail);
    }
    let deployment = provider.deployment.as_deref().or(route.model);
    let deployment = deployment.ok_or_else(|| UrlError::NoDeployment(provider.id.clone()))?;
    target.push_str("/deployments/");
    push_segment(target, deployment)?;
    target.push_str(openai_path(route.endpoint));
    push_tail(target, route.tail)
}

fn gemini_path(target: &mut String, route: &Route<'_>) -> Result<(), UrlError> {
    target.push_str("/v1beta/models/");
    push_segment(target, route.model.unwrap_or_default())?;
    target.push_str(match route.endpoint {
        Endpoint::StreamGenerateContent => ":streamGenerateContent",
        Endpoint::GeminiCountTokens => ":countTokens",
        Endpoint::EmbedContent => ":embedContent",
        Endpoint::BatchEmbedContents => ":batchEmbedContents",
        _ => ":generateContent",
    });
    Ok(())
}

/// Appends `/a/b` for the tail `a/b`, refusing whatever is not a plain segment.
fn push_tail(target: &mut String, tail: &str) -> Result<(), UrlError> {
    if tail.is_empty() {
        return Ok(());
    }
    for segment in tail.split('/') {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
        if segment.is_empty() || segment.bytes().all(|byte| byte == b'.') || !segment.bytes().all(plain) {
            return Err(UrlError::Segment(segment.escape_default().to_string()));
        }
        target.push('/');
        target.push_str(segment);
    }
    Ok(())
}

/// Appends one segment, percent-encoding everything that is not unreserved.
fn push_segment(target: &mut String, segment: &str) -> Result<(), UrlError> {
    if segment.is_empty() || segment.bytes().all(|byte| byte == b'.') || segment.len() > 512 {
        return Err(UrlError::Segment(segment.escape_default().to_string()));
    }
    for byte in segment.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            target.push(char::from(byte));
        } else {
            write!(target, "%{byte:02X}").map_err(|_| UrlError::Invalid)?;
        }
    }
    Ok(())
}

/// The client's query without credentials; Azure's `api-version` comes from the configuration.
fn push_query(target: &mut String, provider: &Provider, query: Option<&str>) {
    let azure_version = match provider.provider_type {
        ProviderType::AzureOpenai => provider.api_version.as_deref(),
        _ => None,
    };
    let mut separator = '?';
    if let Some(version) = azure_version {
        target.push_str("?api-version=");
        target.extend(url::form_urlencoded::byte_serialize(version.as_bytes()));
        separator = '&';
    }
    for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        let name = pair.split_once('=').map_or(pair, |(name, _)| name);
        // `key` is Gemini's credential; a name in percent-encoding could hide it.
        let decoded = url::form_urlencoded::parse(name.as_bytes()).next().map(|(name, _)| name.into_owned());
        let is_credential = decoded.is_some_and(|name| {
            ["key", "api_key", "api-key", "access_token"].iter().any(|secret| name.eq_ignore_ascii_case(secret))
        });
        if is_credential || (azure_version.is_some() && name.eq_ignore_ascii_case("api-version")) {
            continue;
        }
        target.push(separator);
        target.push_str(pair);
        separator = '&';
    }
}
