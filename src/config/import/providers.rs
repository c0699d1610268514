//! Which of our providers a LiteLLM deployment calls.
//!
//! A key that stands in the file is never written out again: it becomes a variable, and a note says which.

use super::{
    deployments::{environment_name, take_text, toml_text},
    notes::Notes,
    page::{Page, Section, variable},
};
use crate::config::{presets::Preset, report::Place, tree::Table, types::ProviderType};

/// LiteLLM's prefixes of providers that are known here: prefix, id, the variable from which LiteLLM takes the key.
const KNOWN: [(&str, &str, &str); 28] = [
    ("openai", "openai", "OPENAI_API_KEY"),
    ("text-completion-openai", "openai", "OPENAI_API_KEY"),
    ("anthropic", "anthropic", "ANTHROPIC_API_KEY"),
    ("gemini", "gemini", "GEMINI_API_KEY"),
    ("ollama", "ollama", ""),
    ("ollama_chat", "ollama", ""),
    ("azure", "azure", "AZURE_API_KEY"),
    ("groq", "groq", "GROQ_API_KEY"),
    ("deepseek", "deepseek", "DEEPSEEK_API_KEY"),
    ("mistral", "mistral", "MISTRAL_API_KEY"),
    ("xai", "xai", "XAI_API_KEY"),
    ("openrouter", "openrouter", "OPENROUTER_API_KEY"),
    ("together_ai", "together", "TOGETHERAI_API_KEY"),
    ("fireworks_ai", "fireworks", "FIREWORKS_AI_API_KEY"),
    ("perplexity", "perplexity", "PERPLEXITYAI_API_KEY"),
    ("cerebras", "cerebras", "CEREBRAS_API_KEY"),
    ("nvidia_nim", "nvidia", "NVIDIA_NIM_API_KEY"),
    ("deepinfra", "deepinfra", "DEEPINFRA_API_KEY"),
    ("sambanova", "sambanova", "SAMBANOVA_API_KEY"),
    ("moonshot", "moonshot", "MOONSHOT_API_KEY"),
    ("zai", "zai", "ZAI_API_KEY"),
    ("dashscope", "dashscope", "DASHSCOPE_API_KEY"),
    ("minimax", "minimax", "MINIMAX_API_KEY"),
    ("huggingface", "huggingface", "HUGGINGFACE_API_KEY"),
    ("novita", "novita", "NOVITA_API_KEY"),
    ("cohere", "cohere", "COHERE_API_KEY"),
    ("cohere_chat", "cohere", "COHERE_API_KEY"),
    ("azure_openai", "azure", "AZURE_API_KEY"),
];

/// Prefixes of servers that speak OpenAI's API at an address of one's own, and the variable that may hold it.
const COMPATIBLE: [(&str, &str); 8] = [
    ("openai_like", "OPENAI_LIKE_API_BASE"),
    ("custom_openai", ""),
    ("hosted_vllm", "HOSTED_VLLM_API_BASE"),
    ("lm_studio", "LM_STUDIO_API_BASE"),
    ("llamafile", "LLAMAFILE_API_BASE"),
    ("xinference", "XINFERENCE_API_BASE"),
    ("litellm_proxy", "LITELLM_PROXY_API_BASE"),
    ("docker_model_runner", "DOCKER_MODEL_RUNNER_API_BASE"),
];

/// Prefixes that LiteLLM knows and this gateway does not.
const UNSUPPORTED: [&str; 26] = [
    "bedrock",
    "bedrock_converse",
    "sagemaker",
    "sagemaker_chat",
    "vertex_ai",
    "vertex_ai_beta",
    "azure_ai",
    "azure_text",
    "watsonx",
    "databricks",
    "snowflake",
    "replicate",
    "cloudflare",
    "predibase",
    "ai21",
    "ai21_chat",
    "nlp_cloud",
    "aleph_alpha",
    "petals",
    "voyage",
    "jina_ai",
    "triton",
    "github",
    "github_copilot",
    "oci",
    "text-completion-codestral",
];

/// What people write where a server wants no key.
const NO_KEY: [&str; 9] =
    ["none", "empty", "dummy", "fake-key", "not-needed", "no-key", "lm-studio", "ollama", "anything"];

/// Where a deployment is, and with what key, as the file states it.
#[derive(Default)]
pub(super) struct Address {
    base: Option<String>,
    key: Option<String>,
    version: Option<String>,
}

impl Address {
    /// Takes it out of `litellm_params`.
    pub(super) fn take(params: &mut Table) -> Self {
        let base = take_text(params, "api_base").or(take_text(params, "base_url"));
        Self { base, key: take_text(params, "api_key"), version: take_text(params, "api_version") }
    }
}

/// One provider.
struct Provider {
    id: String,
    kind: &'static str,
    /// `base_url` or `endpoint`, with its value as TOML.
    address: Option<(&'static str, String)>,
    key: Option<String>,
    version: Option<String>,
    default_model: Option<String>,
    /// What deployments that share it have in common.
    identity: [Option<String>; 4],
}

/// All of them.
#[derive(Default)]
pub(super) struct Providers(Vec<Provider>);

impl Providers {
    /// The id of the provider that a deployment calls, and the model that it is asked for.
    pub(super) fn of(
        &mut self,
        model: &str,
        custom: Option<&str>,
        address: Address,
        (place, path): (&Place, &str),
        notes: &mut Notes,
    ) -> Result<(String, String), String> {
        if model.is_empty() {
            return Err("litellm_params has no model".to_owned());
        }
        if model == "*" && custom.is_none() {
            return Err(
                "a provider appears when its variable is set (OPENAI_API_KEY, …), with all its models".to_owned()
            );
        }
        let (prefix, served) = split(model, custom, &address, (place, path), notes)?;
        if address.base.as_deref().and_then(|base| url::Url::parse(base).ok()).is_some_and(|url| has_secret(&url)) {
            return Err("its api_base holds a credential, which a provider's key is for".to_owned());
        }
        let kind = kind_of(&prefix, address.base.as_deref());
        let identity = [Some(kind.id.clone()), address.base.clone(), address.key.clone(), address.version.clone()];
        if let Some(known) = self.0.iter().find(|known| known.identity == identity) {
            return Ok((known.id.clone(), served));
        }
        let taken = |id: &str| self.0.iter().any(|known| known.id == id);
        let numbered = (2..).map(|number| format!("{}-{number}", kind.id));
        let id = std::iter::once(kind.id.clone()).chain(numbered).find(|id| !taken(id)).unwrap_or_default();
        let key = key(&id, &kind, &address, (place, path), notes);
        let base = address.base.as_deref().map(toml_text).or_else(|| kind.base_variable.map(variable));
        let is_azure = kind.kind == ProviderType::AzureOpenai.as_str();
        if base.is_none() && kind.needs_address {
            return Err("it has no api_base".to_owned());
        }
        let base_key = if is_azure || kind.is_root { "endpoint" } else { "base_url" };
        let version = address.version.as_deref().map(toml_text).filter(|_| is_azure);
        let address = base.map(|base| (base_key, base));
        self.0.push(Provider { id: id.clone(), kind: kind.kind, address, key, version, default_model: None, identity });
        Ok((id, served))
    }

    /// Makes a model the default one of its provider.
    pub(super) fn set_default(&mut self, id: &str, model: &str) {
        if let Some(provider) = self.0.iter_mut().find(|provider| provider.id == id) {
            provider.default_model = Some(model.to_owned());
        }
    }

    /// Writes the `[[providers]]` blocks; `common` holds what LiteLLM states for all.
    pub(super) fn write(&self, common: &[(&'static str, String)], page: &mut Page) {
        for provider in &self.0 {
            let mut section = Section::item("providers");
            section.text("id", &provider.id).text("provider_type", provider.kind);
            section.each([("api_key", provider.key.as_ref()), ("api_version", provider.version.as_ref())]);
            section.each(provider.address.iter().map(|(key, value)| (*key, Some(value))));
            if let Some(model) = &provider.default_model {
                section.text("default_model", model);
            }
            section.each(common.iter().map(|(key, value)| (*key, Some(value))));
            page.push(section);
        }
    }
}

/// How a prefix is spoken to.
struct Kind {
    id: String,
    kind: &'static str,
    /// LiteLLM's variable for the key.
    variable: Option<&'static str>,
    base_variable: Option<&'static str>,
    needs_address: bool,
    /// The address is the server's root.
    is_root: bool,
}

fn kind_of(prefix: &str, base: Option<&str>) -> Kind {
    let compatible = ProviderType::OpenaiCompatible.as_str();
    if let Some((_, base_variable)) = COMPATIBLE.iter().find(|(name, _)| *name == prefix) {
        let base_variable = Some(*base_variable).filter(|name| !name.is_empty());
        let id = base.and_then(host_id).unwrap_or_else(|| prefix.replace('_', "-"));
        return Kind { id, kind: compatible, variable: None, base_variable, needs_address: true, is_root: false };
    }
    let (_, id, variable) = KNOWN.iter().find(|(name, ..)| *name == prefix).copied().unwrap_or(("", "openai", ""));
    let variable = Some(variable).filter(|name| !name.is_empty());
    if id == "azure" {
        let (kind, base_variable) = (ProviderType::AzureOpenai.as_str(), Some("AZURE_API_BASE"));
        return Kind { id: id.to_owned(), kind, variable, base_variable, needs_address: true, is_root: true };
    }
    let kind = Preset::by_id(id).map_or(compatible, |preset| preset.provider_type.as_str());
    let is_elsewhere = base.is_some_and(|base| id == "openai" && !base.contains("api.openai.com"));
    if is_elsewhere || id == "huggingface" && base.is_some() {
        let host = base.and_then(host_id).unwrap_or_else(|| "openai-compatible".to_owned());
        let is_root = id == "huggingface";
        return Kind { id: host, kind: compatible, variable: None, base_variable: None, needs_address: true, is_root };
    }
    Kind { id: id.to_owned(), kind, variable, base_variable: None, needs_address: false, is_root: id == "ollama" }
}

fn has_secret(url: &url::Url) -> bool {
    !url.username().is_empty() || url.password().is_some() || url.query().is_some()
}

/// An id from an address: its host and port.
fn host_id(base: &str) -> Option<String> {
    let url = url::Url::parse(base).ok()?;
    let host = url.host_str()?.trim_matches(['[', ']']).replace(':', "-").to_ascii_lowercase();
    let id = url.port().map_or(host.clone(), |port| format!("{host}-{port}"));
    let is_first = id.starts_with(|first: char| first.is_ascii_alphanumeric());
    (is_first && id.len() <= 60).then_some(id)
}

/// The prefix of the provider, and the model without it.
fn split(
    model: &str,
    custom: Option<&str>,
    address: &Address,
    (place, path): (&Place, &str),
    notes: &mut Notes,
) -> Result<(String, String), String> {
    let is_known = |prefix: &str| {
        KNOWN.iter().any(|(name, ..)| *name == prefix) || COMPATIBLE.iter().any(|(name, _)| *name == prefix)
    };
    let refused = |prefix: &str| format!("provider {prefix} is not supported by this gateway");
    if let Some(custom) = custom {
        let served = model.strip_prefix(custom).and_then(|rest| rest.strip_prefix('/')).unwrap_or(model);
        return if is_known(custom) { Ok((custom.to_owned(), served.to_owned())) } else { Err(refused(custom)) };
    }
    if let Some((prefix, served)) = model.split_once('/') {
        if is_known(prefix) {
            // `azure/responses/…`, `ollama/…` and the like name the deployment last.
            let served = if prefix == "azure" { served.rsplit('/').next().unwrap_or(served) } else { served };
            return Ok((prefix.to_owned(), served.to_owned()));
        }
        if UNSUPPORTED.contains(&prefix) {
            return Err(refused(prefix));
        }
    }
    let prefix = if model.starts_with("claude") { "anthropic" } else { "openai" };
    if address.base.is_none()
        && !["gpt-", "o1", "o3", "o4", "claude", "text-embedding-", "dall-e", "whisper", "tts-", "chatgpt-"]
            .iter()
            .any(|known| model.starts_with(known))
    {
        notes.changed(place, path, format!("names no provider; taken for {prefix}'s"));
    }
    Ok((prefix.to_owned(), model.to_owned()))
}

/// The credential as TOML.
fn key(id: &str, kind: &Kind, address: &Address, (place, path): (&Place, &str), notes: &mut Notes) -> Option<String> {
    let is_ollama = kind.kind == ProviderType::Ollama.as_str();
    let Some(stated) = address.key.as_deref() else { return kind.variable.map(variable) };
    if let Some(name) = environment_name(stated) {
        return Some(variable(name));
    }
    if (kind.variable.is_none() || is_ollama) && NO_KEY.contains(&stated.to_ascii_lowercase().as_str()) {
        return None;
    }
    let letters = id.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' });
    let name = match letters.collect::<String>() {
        name if name.starts_with(|first: char| first.is_ascii_digit()) => format!("HOST_{name}_API_KEY"),
        name => format!("{name}_API_KEY"),
    };
    let what = format!(
        "the key itself stands in the file and is not written out again; put it into the environment as {name}"
    );
    notes.changed(place, &format!("{path}.api_key"), what);
    Some(variable(&name))
}
