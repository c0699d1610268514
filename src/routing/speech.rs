//! How the client's API and a provider's go together.
//!
//! By the type of the provider and the endpoint alone; what a model can do is the catalog's to know.

use super::facts::Speech;
use crate::{
    config::ProviderType,
    domain::{Api, Endpoint},
};

/// Whether a provider of this type speaks the API natively.
pub fn speaks(provider_type: ProviderType, api: Api) -> bool {
    match provider_type {
        ProviderType::Anthropic => api == Api::Anthropic,
        ProviderType::Gemini => api == Api::Gemini,
        ProviderType::Ollama => api == Api::Ollama,
        ProviderType::Openai | ProviderType::AzureOpenai | ProviderType::Local | ProviderType::OpenaiCompatible => {
            matches!(api, Api::OpenaiChat | Api::OpenaiResponses | Api::OpenaiEmbeddings | Api::Openai)
        }
    }
}

/// Whether a provider of this type can be asked what the endpoint asks, in its API or by translation.
pub fn can_ask(provider_type: ProviderType, endpoint: Endpoint) -> bool {
    speech(provider_type, endpoint) != Speech::Other
}

/// How the endpoint's API and that of a provider of this type go together.
pub(super) fn speech(provider_type: ProviderType, endpoint: Endpoint) -> Speech {
    // Anthropic has no embeddings. Who does not count is estimated for.
    let is_translatable = endpoint.is_conversation()
        || endpoint.is_counting()
        || (endpoint.is_embedding() && provider_type != ProviderType::Anthropic);
    match (speaks(provider_type, endpoint.api()), is_translatable) {
        (true, _) => Speech::Same,
        (false, true) => Speech::Translated,
        (false, false) => Speech::Other,
    }
}

/// The API in which a provider of this type is asked what the endpoint asks.
pub(super) fn asked_in(provider_type: ProviderType, endpoint: Endpoint) -> Api {
    if speech(provider_type, endpoint) != Speech::Translated {
        return endpoint.api();
    }
    match provider_type {
        ProviderType::Anthropic => Api::Anthropic,
        ProviderType::Gemini => Api::Gemini,
        ProviderType::Ollama => Api::Ollama,
        _ if endpoint.is_embedding() => Api::OpenaiEmbeddings,
        ProviderType::Openai | ProviderType::AzureOpenai | ProviderType::Local | ProviderType::OpenaiCompatible => {
            Api::OpenaiChat
        }
    }
}

/// The makers of an API before those who are compatible with it.
pub(super) const fn native_rank(provider_type: ProviderType) -> u8 {
    match provider_type {
        ProviderType::Openai | ProviderType::Anthropic | ProviderType::Gemini | ProviderType::Ollama => 0,
        ProviderType::AzureOpenai => 1,
        ProviderType::OpenaiCompatible => 2,
        ProviderType::Local => 3,
    }
}
