//! Facts about OpenAI-compatible providers that no API tells.

use crate::config::{Provider, ProviderType};

/// Hosts that send usage on a chat stream without being asked by `stream_options`.
/// Source: recordings of these providers; some of them refuse or ignore the option.
const USAGE_UNASKED: [&str; 7] = [
    "openrouter.ai",
    "api.mistral.ai",
    "api.deepseek.com",
    "api.groq.com",
    "api.perplexity.ai",
    "api.x.ai",
    "api.cohere.ai",
];

/// Whether a chat stream of this provider tells its usage unasked.
pub fn reports_usage_unasked(provider: &Provider) -> bool {
    provider.provider_type == ProviderType::OpenaiCompatible
        && provider.base_url.host_str().is_some_and(|host| USAGE_UNASKED.contains(&host))
}
