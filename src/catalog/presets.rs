//! Which of the catalog's providers a configured provider is, by its type, the host of its base URL and its id.

use url::Url;

use crate::config::ProviderType;

/// The catalog's provider, the hosts it answers at (and their subdomains), and further ids that mean it.
const PRESETS: &[(&str, &[&str], &[&str])] = &[
    ("alibaba", &["dashscope.aliyuncs.com", "dashscope-intl.aliyuncs.com"], &["qwen", "dashscope"]),
    ("anthropic", &["api.anthropic.com"], &["claude"]),
    ("arcee", &["api.arcee.ai"], &[]),
    ("avian", &["api.avian.io"], &[]),
    ("aws", &["amazonaws.com"], &["bedrock", "amazon-bedrock"]),
    (
        "azure",
        &["openai.azure.com", "azure-api.net", "cognitiveservices.azure.com", "services.ai.azure.com"],
        &["azure_openai", "azure-openai"],
    ),
    ("baseten", &["inference.baseten.co"], &[]),
    ("cerebras", &["api.cerebras.ai"], &[]),
    ("cohere", &["api.cohere.ai", "api.cohere.com"], &[]),
    ("databricks", &["cloud.databricks.com", "azuredatabricks.net", "gcp.databricks.com"], &[]),
    ("deepinfra", &["api.deepinfra.com"], &[]),
    ("deepseek", &["api.deepseek.com"], &[]),
    ("doubleword", &["api.doubleword.ai"], &[]),
    ("fireworks", &["api.fireworks.ai"], &["fireworks-ai", "fireworks_ai"]),
    ("github-copilot", &["api.githubcopilot.com"], &[]),
    ("google", &["googleapis.com"], &["gemini", "vertex"]),
    ("groq", &["api.groq.com"], &[]),
    ("huggingface", &["router.huggingface.co"], &[]),
    ("llama", &["api.llama.com"], &[]),
    ("meta", &["api.meta.ai"], &[]),
    ("minimax", &["api.minimax.io", "api.minimaxi.com", "api.minimax.com"], &[]),
    ("mistral", &["api.mistral.ai"], &["mistralai"]),
    ("moonshotai", &["api.moonshot.ai", "api.moonshot.cn"], &["moonshot", "kimi"]),
    ("novita", &["api.novita.ai"], &[]),
    ("nvidia", &["integrate.api.nvidia.com"], &[]),
    ("openai", &["api.openai.com"], &[]),
    ("openrouter", &["openrouter.ai"], &[]),
    ("ovhcloud", &["oai.endpoints.kepler.ai.cloud.ovh.net"], &[]),
    ("perplexity", &["api.perplexity.ai"], &[]),
    ("together", &["api.together.xyz", "api.together.ai"], &["togetherai", "together-ai", "together_ai"]),
    ("vercel", &["ai-gateway.vercel.sh"], &[]),
    ("voyageai", &["api.voyageai.com"], &["voyage"]),
    ("x-ai", &["api.x.ai"], &["xai", "x_ai", "grok"]),
    ("zai", &["api.z.ai"], &["z-ai", "z_ai"]),
    ("zhipuai", &["open.bigmodel.cn"], &["zhipu"]),
];

/// See [`super::Catalog::catalog_provider_for`].
pub(super) fn catalog_provider(provider_type: ProviderType, id: &str, base_url: &Url) -> Option<&'static str> {
    let by_type = match provider_type {
        ProviderType::Local | ProviderType::Ollama => return None,
        ProviderType::AzureOpenai => return Some("azure"),
        ProviderType::Openai => Some("openai"),
        ProviderType::Anthropic => Some("anthropic"),
        ProviderType::Gemini => Some("google"),
        ProviderType::OpenaiCompatible => None,
    };
    let host = base_url.host_str().unwrap_or_default();
    let at_host =
        |known: &&str| host.strip_suffix(*known).is_some_and(|before| before.is_empty() || before.ends_with('.'));
    let by_host = PRESETS.iter().find(|(_, hosts, _)| hosts.iter().any(at_host));
    let by_id = || PRESETS.iter().find(|(name, _, ids)| *name == id || ids.contains(&id));
    by_host.map(|(name, ..)| *name).or(by_type).or_else(|| by_id().map(|(name, ..)| *name))
}
