//! Which header carries a provider's credential.

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::{config::ProviderType, domain::Secret};

/// Every header in which a client may send a credential; none of them is ever forwarded as it came.
pub static CREDENTIAL_HEADERS: [HeaderName; 4] = [
    header::AUTHORIZATION,
    HeaderName::from_static("x-api-key"),
    HeaderName::from_static("x-goog-api-key"),
    HeaderName::from_static("api-key"),
];

/// What a call is signed with.
#[derive(Clone, Debug)]
pub enum Credential {
    /// Nothing.
    None,
    /// A key of the operator's or of the virtual key's.
    Key(Secret),
}

impl Credential {
    /// Whether these bytes hold the credential. A key of less than 8 bytes proves nothing: it may be any word.
    pub fn is_in(&self, bytes: &[u8]) -> bool {
        match self {
            Self::Key(key) if key.expose().len() >= 8 => memchr::memmem::find(bytes, key.expose().as_bytes()).is_some(),
            _ => false,
        }
    }
}

/// Puts the credential where this provider type expects it. A key that cannot stand in a header
/// (control characters) is left out: the provider will refuse the call.
pub fn apply(provider_type: ProviderType, credential: &Credential, headers: &mut HeaderMap) {
    let Credential::Key(key) = credential else { return };
    let (name, text) = match provider_type {
        ProviderType::Anthropic => (HeaderName::from_static("x-api-key"), key.expose().to_owned()),
        ProviderType::Gemini => (HeaderName::from_static("x-goog-api-key"), key.expose().to_owned()),
        ProviderType::AzureOpenai => (HeaderName::from_static("api-key"), key.expose().to_owned()),
        ProviderType::Openai | ProviderType::Local | ProviderType::OpenaiCompatible | ProviderType::Ollama => {
            (header::AUTHORIZATION, format!("Bearer {}", key.expose()))
        }
    };
    if let Ok(mut value) = HeaderValue::from_str(&text) {
        value.set_sensitive(true);
        headers.insert(name, value);
    }
}
