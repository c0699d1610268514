//! The list of models that a provider itself tells: one cheap call, at a path of the table here.

use bytes::Bytes;
use http::{HeaderValue, Request};
use http_body_util::{BodyExt as _, Full};
use serde::Deserialize;

use super::{Credential, UpstreamBody, UrlError, apply_credential};
use crate::config::{Provider, ProviderType};

/// Anthropic refuses calls that name no version.
const ANTHROPIC_VERSION: &str = "2023-06-01";

/// Asks a provider what it serves.
///
/// # Errors
/// When its address and the path make no URI.
pub fn models_request(provider: &Provider, credential: &Credential) -> Result<Request<UpstreamBody>, UrlError> {
    let path = match provider.provider_type {
        ProviderType::Openai | ProviderType::OpenaiCompatible => "/models",
        ProviderType::Local | ProviderType::Anthropic => "/v1/models",
        ProviderType::Gemini => "/v1beta/models",
        ProviderType::Ollama => "/api/tags",
        ProviderType::AzureOpenai => "/openai/models",
    };
    let mut uri = format!("{}{path}", provider.base_url.as_str().trim_end_matches('/'));
    if let (ProviderType::AzureOpenai, Some(version)) = (provider.provider_type, &provider.api_version) {
        uri.push_str("?api-version=");
        uri.extend(url::form_urlencoded::byte_serialize(version.as_bytes()));
    }
    let mut request = Request::new(Full::new(Bytes::new()).map_err(|never| match never {}).boxed_unsync());
    *request.uri_mut() = uri.parse().map_err(|_| UrlError::Invalid)?;
    if provider.provider_type == ProviderType::Anthropic {
        request.headers_mut().insert("anthropic-version", HeaderValue::from_static(ANTHROPIC_VERSION));
    }
    apply_credential(provider.provider_type, credential, request.headers_mut());
    Ok(request)
}

#[derive(Deserialize)]
struct Models {
    /// OpenAI, Anthropic and those who follow them.
    data: Option<Vec<Model>>,
    /// Gemini and Ollama.
    models: Option<Vec<Model>>,
}

#[derive(Deserialize)]
struct Model {
    id: Option<String>,
    name: Option<String>,
}

/// The names in an answer; `None` when it is no list of models.
pub fn model_names(body: &[u8]) -> Option<Vec<String>> {
    let Models { data, models } = serde_json::from_slice(body).ok()?;
    Some(data.or(models)?.into_iter().filter_map(|model| model.id.or(model.name)).collect())
}

#[cfg(test)]
mod tests {
    use super::model_names;

    #[test]
    fn every_apis_list_is_read_and_nothing_else() {
        let cases = [
            (r#"{"object":"list","data":[{"id":"gpt-4o","object":"model"}]}"#, Some(vec!["gpt-4o"])),
            (r#"{"data":[{"type":"model","id":"claude"}],"has_more":false}"#, Some(vec!["claude"])),
            (r#"{"models":[{"name":"llama3.2:3b","size":1}]}"#, Some(vec!["llama3.2:3b"])),
            (r#"{"models":[{"name":"models/gemini"}]}"#, Some(vec!["models/gemini"])),
            (r#"{"data":[]}"#, Some(vec![])),
            (r#"{"error":{}}"#, None),
            ("<html>", None),
        ];
        for (body, names) in cases {
            assert_eq!(model_names(body.as_bytes()), names.map(|names| names.into_iter().map(str::to_owned).collect()));
        }
    }
}
