//! Providers that are known by id: where they are reached and which variables configure them.
//!
//! A flat table. Base URLs are those that each provider's own documentation gives to the OpenAI
//! SDK (or to its own SDK for `openai`, `anthropic`, `gemini` and `ollama`), looked up in November 2026.

use super::types::ProviderType;

/// One known provider.
#[derive(Debug)]
pub(super) struct Preset {
    /// The id that selects it.
    pub(super) id: &'static str,
    /// How it is spoken to.
    pub(super) provider_type: ProviderType,
    /// What its SDK takes as base URL.
    pub(super) base_url: &'static str,
    /// The variable that holds its key, or its address for `ollama`.
    pub(super) variable: &'static str,
    /// The variable that holds its default model.
    pub(super) model_variable: &'static str,
    /// The default model when nothing else names one.
    pub(super) default_model: Option<&'static str>,
}

impl Preset {
    /// Whether its variable holds an address and not a key.
    pub(super) fn is_reached_by_host(&self) -> bool {
        self.provider_type == ProviderType::Ollama
    }

    /// Finds a preset by provider id.
    pub(super) fn by_id(id: &str) -> Option<&'static Self> {
        PRESETS.iter().find(|preset| preset.id == id)
    }
}

const fn compatible(
    id: &'static str,
    base_url: &'static str,
    variable: &'static str,
    model_variable: &'static str,
) -> Preset {
    let provider_type = ProviderType::OpenaiCompatible;
    Preset { id, provider_type, base_url, variable, model_variable, default_model: None }
}

/// The presets, cheapest first for the five that are tried by default: the order in which providers
/// from the environment alone are tried.
pub(super) const PRESETS: [Preset; 23] = [
    Preset {
        id: "ollama",
        provider_type: ProviderType::Ollama,
        base_url: "http://localhost:11434",
        variable: "OLLAMA_HOST",
        model_variable: "OLLAMA_MODEL",
        default_model: None,
    },
    Preset {
        id: "deepseek",
        provider_type: ProviderType::OpenaiCompatible,
        base_url: "https://api.deepseek.com/v1",
        variable: "DEEPSEEK_API_KEY",
        model_variable: "DEEPSEEK_MODEL",
        default_model: Some("deepseek-chat"),
    },
    Preset {
        id: "gemini",
        provider_type: ProviderType::Gemini,
        base_url: "https://generativelanguage.googleapis.com",
        variable: "GEMINI_API_KEY",
        model_variable: "GEMINI_MODEL",
        default_model: Some("gemini-2.0-flash"),
    },
    Preset {
        id: "openai",
        provider_type: ProviderType::Openai,
        base_url: "https://api.openai.com/v1",
        variable: "OPENAI_API_KEY",
        model_variable: "OPENAI_MODEL",
        default_model: Some("gpt-4o-mini"),
    },
    Preset {
        id: "anthropic",
        provider_type: ProviderType::Anthropic,
        base_url: "https://api.anthropic.com",
        variable: "ANTHROPIC_API_KEY",
        model_variable: "ANTHROPIC_MODEL",
        default_model: Some("claude-3-5-sonnet-20241022"),
    },
    compatible("groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY", "GROQ_MODEL"),
    compatible("together", "https://api.together.xyz/v1", "TOGETHER_API_KEY", "TOGETHER_MODEL"),
    compatible("mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY", "MISTRAL_MODEL"),
    compatible("xai", "https://api.x.ai/v1", "XAI_API_KEY", "XAI_MODEL"),
    compatible("openrouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY", "OPENROUTER_MODEL"),
    compatible("fireworks", "https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY", "FIREWORKS_MODEL"),
    compatible("zai", "https://api.z.ai/api/paas/v4", "ZAI_API_KEY", "ZAI_MODEL"),
    compatible("moonshot", "https://api.moonshot.ai/v1", "MOONSHOT_API_KEY", "MOONSHOT_MODEL"),
    compatible("perplexity", "https://api.perplexity.ai", "PERPLEXITY_API_KEY", "PERPLEXITY_MODEL"),
    compatible("cerebras", "https://api.cerebras.ai/v1", "CEREBRAS_API_KEY", "CEREBRAS_MODEL"),
    compatible("nvidia", "https://integrate.api.nvidia.com/v1", "NVIDIA_API_KEY", "NVIDIA_MODEL"),
    compatible("deepinfra", "https://api.deepinfra.com/v1/openai", "DEEPINFRA_API_KEY", "DEEPINFRA_MODEL"),
    compatible("sambanova", "https://api.sambanova.ai/v1", "SAMBANOVA_API_KEY", "SAMBANOVA_MODEL"),
    compatible("cohere", "https://api.cohere.ai/compatibility/v1", "COHERE_API_KEY", "COHERE_MODEL"),
    compatible(
        "dashscope",
        "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
        "DASHSCOPE_API_KEY",
        "DASHSCOPE_MODEL",
    ),
    compatible("minimax", "https://api.minimax.io/v1", "MINIMAX_API_KEY", "MINIMAX_MODEL"),
    compatible("huggingface", "https://router.huggingface.co/v1", "HUGGINGFACE_API_KEY", "HUGGINGFACE_MODEL"),
    compatible("novita", "https://api.novita.ai/openai/v1", "NOVITA_API_KEY", "NOVITA_MODEL"),
];
