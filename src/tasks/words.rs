//! What the task endpoints take and tell, field by field.

use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};
use utoipa::ToSchema;

/// What `classify` is asked.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct ClassifyAsk {
    /// What to classify, and how, in words.
    pub(super) prompt: String,
    /// A model by any name; `default` or none is the configured one.
    #[serde(default)]
    pub(super) model: Option<String>,
}

/// What `plan` is asked.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct PlanAsk<'a> {
    /// Whatever the plan rests on; the model reads it as it was written.
    #[serde(borrow)]
    #[schema(value_type = Object)]
    pub(super) context: &'a RawValue,
    /// The operator's word to the model.
    pub(super) system_prompt: String,
    /// A model by any name; `default` or none is the configured one.
    #[serde(default)]
    pub(super) model: Option<String>,
}

/// What `embed` is asked.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct EmbedAsk {
    /// What to embed.
    pub(super) text: Texts,
    /// An embedding model (default: `text-embedding-ada-002`).
    #[serde(default)]
    pub(super) model: Option<String>,
}

/// One text or several.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(untagged)]
pub(super) enum Texts {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

/// What a call was and cost; what the provider did not tell is `null`.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AiCallLog {
    /// Who answered.
    pub(super) provider: Option<String>,
    /// The model that was asked.
    pub(super) model: Option<String>,
    /// Tokens read.
    pub(super) prompt_tokens: Option<u64>,
    /// Tokens written.
    pub(super) completion_tokens: Option<u64>,
    /// Cost of all calls that were made, 1 = 10⁻⁸ USD; `null` without a known price.
    pub(super) cost_microcents: Option<i64>,
    /// From the request's head to the end of the provider's answer.
    pub(super) latency_ms: u64,
    /// Always true: what fails is an error.
    pub(super) success: bool,
}

/// What `classify` answers.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Classified {
    /// The JSON that the model answered, an object or a list.
    pub(super) classification: Value,
    /// The call.
    pub(super) ai_call_log: AiCallLog,
}

/// What `plan` answers.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Planned {
    /// The JSON that the model answered, an object or a list.
    pub(super) plan: Value,
    /// The call.
    pub(super) ai_call_log: AiCallLog,
}

/// What `embed` answers.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Embedded {
    /// One vector for each text, in their order.
    #[schema(value_type = Vec<Vec<f64>>)]
    pub(super) embeddings: Vec<Value>,
    /// The model that was asked.
    pub(super) model: Option<String>,
    /// How long each vector is.
    pub(super) dimensions: usize,
    /// The call.
    pub(super) ai_call_log: AiCallLog,
}

/// What goes wrong.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Failed {
    /// `All providers failed:` and a line for each (500), else why the request was refused.
    pub(super) detail: String,
    /// The word for it, as in the other APIs' errors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) code: Option<String>,
}

/// How the providers are.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TaskHealth)]
pub(super) struct Health {
    /// Always `healthy`: whoever is not does not answer.
    pub(super) status: &'static str,
    /// The providers that tasks may go to, in the order in which they are tried.
    pub(super) providers: Vec<HealthProvider>,
    /// Whether a provider is configured that can embed.
    pub(super) embeddings_available: bool,
}

/// One provider.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TaskHealthProvider)]
pub(super) struct HealthProvider {
    /// Its id.
    pub(super) name: String,
    /// The model for tasks that name none.
    pub(super) model: Option<String>,
}
