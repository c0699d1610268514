//! Model lists in the shape of each API.
//!
//! It only writes what it is given; which models there are is decided elsewhere.

use serde::Serialize;

use crate::domain::Timestamp;

/// One model of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelEntry<'a> {
    /// The name under which a client asks for it.
    pub id: &'a str,
    /// The provider's id in our configuration.
    pub provider: &'a str,
    /// Who made it.
    pub owned_by: &'a str,
    /// When it came out, in seconds since the Unix epoch; 0 when unknown.
    pub created: i64,
}

/// `GET /v1/models`: `{object:"list", data:[{id, object:"model", created, owned_by, provider}]}`.
pub fn openai_list(models: &[ModelEntry<'_>]) -> Vec<u8> {
    #[derive(Serialize)]
    struct List<'a> {
        object: &'static str,
        data: Vec<OpenaiModel<'a>>,
    }
    bytes(&List { object: "list", data: models.iter().map(OpenaiModel::of).collect() })
}

/// `GET /v1/models/{id}`.
pub fn openai_one(model: &ModelEntry<'_>) -> Vec<u8> {
    bytes(&OpenaiModel::of(model))
}

/// `GET /v1/models` as Anthropic has it; always one page.
pub fn anthropic_list(models: &[ModelEntry<'_>]) -> Vec<u8> {
    #[derive(Serialize)]
    struct List<'a> {
        data: Vec<AnthropicModel<'a>>,
        has_more: bool,
        first_id: Option<&'a str>,
        last_id: Option<&'a str>,
    }
    bytes(&List {
        data: models.iter().map(AnthropicModel::of).collect(),
        has_more: false,
        first_id: models.first().map(|model| model.id),
        last_id: models.last().map(|model| model.id),
    })
}

/// `GET /v1/models/{id}` as Anthropic has it.
pub fn anthropic_one(model: &ModelEntry<'_>) -> Vec<u8> {
    bytes(&AnthropicModel::of(model))
}

/// `GET /v1beta/models`: `{models:[{name:"models/…", …}]}`; always one page.
pub fn gemini_list(models: &[ModelEntry<'_>]) -> Vec<u8> {
    #[derive(Serialize)]
    struct List<'a> {
        models: Vec<GeminiModel<'a>>,
    }
    bytes(&List { models: models.iter().map(GeminiModel::of).collect() })
}

/// `GET /v1beta/models/{id}`.
pub fn gemini_one(model: &ModelEntry<'_>) -> Vec<u8> {
    bytes(&GeminiModel::of(model))
}

/// `GET /api/tags`.
pub fn ollama_tags(models: &[ModelEntry<'_>]) -> Vec<u8> {
    #[derive(Serialize)]
    struct List<'a> {
        models: Vec<OllamaModel<'a>>,
    }
    bytes(&List { models: models.iter().map(OllamaModel::of).collect() })
}

#[derive(Serialize)]
struct OpenaiModel<'a> {
    id: &'a str,
    object: &'static str,
    created: i64,
    owned_by: &'a str,
    provider: &'a str,
}

impl<'a> OpenaiModel<'a> {
    const fn of(model: &ModelEntry<'a>) -> Self {
        let ModelEntry { id, provider, owned_by, created } = *model;
        Self { id, object: "model", created, owned_by, provider }
    }
}

#[derive(Serialize)]
struct AnthropicModel<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    id: &'a str,
    display_name: &'a str,
    created_at: Timestamp,
}

impl<'a> AnthropicModel<'a> {
    const fn of(model: &ModelEntry<'a>) -> Self {
        let created_at = Timestamp { unix_us: model.created.saturating_mul(1_000_000) };
        Self { kind: "model", id: model.id, display_name: model.id, created_at }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GeminiModel<'a> {
    name: String,
    display_name: &'a str,
    supported_generation_methods: [&'static str; 5],
}

impl<'a> GeminiModel<'a> {
    fn of(model: &ModelEntry<'a>) -> Self {
        Self {
            name: format!("models/{}", model.id),
            display_name: model.id,
            supported_generation_methods: [
                "generateContent",
                "streamGenerateContent",
                "countTokens",
                "embedContent",
                "batchEmbedContents",
            ],
        }
    }
}

#[derive(Serialize)]
struct OllamaModel<'a> {
    name: &'a str,
    model: &'a str,
    modified_at: Timestamp,
    size: u64,
    digest: &'static str,
    details: OllamaDetails<'a>,
}

#[derive(Serialize)]
struct OllamaDetails<'a> {
    parent_model: &'static str,
    format: &'static str,
    family: &'a str,
    families: [&'a str; 1],
    parameter_size: &'static str,
    quantization_level: &'static str,
}

impl<'a> OllamaModel<'a> {
    const fn of(model: &ModelEntry<'a>) -> Self {
        Self {
            name: model.id,
            model: model.id,
            modified_at: Timestamp { unix_us: model.created.saturating_mul(1_000_000) },
            size: 0,
            digest: "",
            details: OllamaDetails {
                parent_model: "",
                format: "",
                family: model.owned_by,
                families: [model.owned_by],
                parameter_size: "",
                quantization_level: "",
            },
        }
    }
}

/// Serialising plain data of strings and numbers cannot fail; were it to, the list would be empty.
fn bytes(list: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(list).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const MODELS: [ModelEntry<'static>; 2] = [
        ModelEntry { id: "gpt-5", provider: "openai", owned_by: "openai", created: 1_754_524_800 },
        ModelEntry { id: "a\"\r\nb", provider: "local", owned_by: "unknown", created: 0 },
    ];

    fn read(bytes: &[u8]) -> Value {
        serde_json::from_slice(bytes).unwrap()
    }

    #[test]
    fn the_openai_list_names_the_provider() {
        let list = read(&openai_list(&MODELS));
        assert_eq!(list["object"], "list");
        assert_eq!(
            list["data"][0],
            json!({"id":"gpt-5","object":"model","created":1_754_524_800,"owned_by":"openai","provider":"openai"})
        );
        assert_eq!(list["data"][1]["id"], "a\"\r\nb");
        assert_eq!(read(&openai_one(&MODELS[0])), list["data"][0]);
    }

    #[test]
    fn the_anthropic_list_is_one_page() {
        let list = read(&anthropic_list(&MODELS));
        assert_eq!(list["has_more"], false);
        assert_eq!(list["first_id"], "gpt-5");
        assert_eq!(list["last_id"], "a\"\r\nb");
        assert_eq!(list["data"][0]["created_at"], "2025-08-07T00:00:00.000Z");
        assert_eq!(read(&anthropic_one(&MODELS[0]))["type"], "model");
        assert!(read(&anthropic_list(&[]))["first_id"].is_null());
    }

    #[test]
    fn gemini_and_ollama_have_their_own_words() {
        assert_eq!(read(&gemini_list(&MODELS))["models"][0]["name"], "models/gpt-5");
        assert_eq!(read(&gemini_one(&MODELS[0]))["displayName"], "gpt-5");
        let tags = read(&ollama_tags(&MODELS));
        assert_eq!(tags["models"][0]["name"], "gpt-5");
        assert_eq!(tags["models"][0]["modified_at"], "2025-08-07T00:00:00.000Z");
    }
}
