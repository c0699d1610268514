//! A model of the catalog as the API shows it.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    analytics::Measured,
    catalog::{Card, ListedPrice, Score},
    domain::{Ability, Modality, ModelStatus},
};

/// A model at a provider. `null` means unknown.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct CatalogModel {
    /// `provider/model`, as requests may name it.
    pub(super) id: String,
    /// The id of a configured provider, else the catalog's name for one that is not.
    pub(super) provider: String,
    /// Whether requests can go there: the provider is configured and enabled.
    pub(super) configured: bool,
    /// The model as the provider names it.
    pub(super) model: String,
    /// The name for people.
    pub(super) name: Option<String>,
    /// The maker's name for the line of models.
    pub(super) family: Option<String>,
    /// Where its life stands.
    #[schema(value_type = Option<String>)]
    pub(super) status: Option<&'static str>,
    /// Day, month or year of its release.
    pub(super) released_on: Option<String>,
    /// Day, month or year at which its knowledge ends.
    pub(super) knowledge_cutoff: Option<String>,
    /// Prompt and answer together, in tokens.
    pub(super) context_window: Option<u64>,
    /// Longest prompt, in tokens.
    pub(super) max_input_tokens: Option<u64>,
    /// Longest answer, in tokens.
    pub(super) max_output_tokens: Option<u64>,
    /// What it takes: `text`, `image`, `audio`, `video`, `pdf`.
    #[schema(value_type = Option<Vec<String>>)]
    pub(super) input_modalities: Option<Vec<&'static str>>,
    /// What it makes.
    #[schema(value_type = Option<Vec<String>>)]
    pub(super) output_modalities: Option<Vec<&'static str>>,
    /// What it can do.
    pub(super) capabilities: Capabilities,
    /// Whether prompts can be cached.
    pub(super) prompt_cache: Option<bool>,
    /// Whether its weights are published.
    pub(super) open_weights: Option<bool>,
    /// The standard price in force now.
    pub(super) price: Option<Price>,
    /// How good it is, by published benchmarks or the configuration.
    pub(super) quality: Option<Quality>,
    /// What was measured here in the last 30 days.
    pub(super) measured: Option<Measured>,
    /// Whether the configuration states any of this.
    pub(super) overridden: bool,
}

/// A model with everything that is known of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct CatalogDetail {
    #[serde(flatten)]
    pub(super) model: CatalogModel,
    /// All its prices, past ones and those of service tiers included.
    pub(super) prices: Vec<Price>,
    /// The benchmark scores behind its quality.
    pub(super) scores: Vec<BenchmarkScore>,
}

/// What a model can do; `null` where nobody says.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(super) struct Capabilities {
    /// Calls tools.
    tools: Option<bool>,
    /// Reads images.
    vision: Option<bool>,
    /// Hears audio.
    audio: Option<bool>,
    /// Reads documents such as PDF.
    documents: Option<bool>,
    /// Answers in a JSON schema.
    json_schema: Option<bool>,
    /// Reasons before it answers.
    reasoning: Option<bool>,
    /// Streams.
    streaming: Option<bool>,
    /// Answers in words.
    chat: Option<bool>,
    /// Turns texts into vectors.
    embeddings: Option<bool>,
    /// Makes images.
    images: Option<bool>,
    /// Makes speech of text.
    speech: Option<bool>,
    /// Makes text of speech.
    transcription: Option<bool>,
    /// Judges texts by a policy.
    moderation: Option<bool>,
    /// Orders documents by how well they answer.
    rerank: Option<bool>,
}

/// A price and when it holds.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Price {
    /// The service tier; `null` for the standard price.
    #[schema(value_type = Option<String>)]
    tier: Option<&'static str>,
    /// The day (UTC) on which it began; `null` when it always was.
    #[schema(value_type = Option<String>)]
    from: Option<&'static str>,
    /// The hours of the day (UTC) in which it holds, as beginning and end; `null` for all.
    #[schema(value_type = Option<Vec<String>>)]
    hours: Option<[&'static str; 2]>,
    /// Whether it is the one that holds now, of its tier.
    pub(super) in_force: bool,
    /// By class: `input`, `cache_read`, `cache_write`, `cache_write_1h`, `input_audio`, `cache_read_audio`,
    /// `input_image`, `output`, `reasoning`, `output_audio`, `output_image`, `per_request`.
    #[schema(value_type = std::collections::BTreeMap<String, Rate>)]
    pub(super) rates: BTreeMap<&'static str, Rate>,
    /// Names the price, as the records do that were priced by it.
    version: String,
}

/// A rate as exact decimals.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Rate {
    /// USD per million tokens; per request for `per_request`.
    pub(super) usd: String,
    /// What it is instead for requests with more input tokens than a threshold.
    above: Vec<Step>,
}

/// A step of a rate.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = RateStep)]
struct Step {
    /// It holds for requests with more input tokens than this.
    input_tokens: u64,
    /// USD per million tokens.
    usd: String,
}

/// A quality and what it rests on.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(super) struct Quality {
    /// From 0 to 1; 0.5 is the average of the models that were measured.
    prior: f32,
    /// Benchmark scores that it rests on; `null` when the configuration states it.
    scores: Option<usize>,
}

/// A published benchmark score.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(super) struct BenchmarkScore {
    /// The benchmark.
    benchmark: &'static str,
    /// What it counts.
    metric: &'static str,
    /// The score, as a decimal.
    score: &'static str,
    /// What the model was run with; may be empty.
    run_with: &'static str,
    /// Where it was read.
    source: &'static str,
}

impl CatalogModel {
    /// Puts together what is known.
    pub(super) fn new(
        (provider, model): (&str, &str),
        configured: bool,
        card: Card,
        prices: &[Price],
        measured: Option<Measured>,
    ) -> Self {
        let known = |ability| match (card.can.has(ability), card.cannot.has(ability)) {
            (true, _) => Some(true),
            (false, true) => Some(false),
            (false, false) => None,
        };
        let names = |kinds: Option<Vec<Modality>>| kinds.map(|kinds| kinds.into_iter().map(Modality::as_str).collect());
        Self {
            id: format!("{provider}/{model}"),
            provider: provider.to_owned(),
            configured,
            model: model.to_owned(),
            status: card.status.map(ModelStatus::as_str),
            capabilities: Capabilities {
                tools: known(Ability::Tools),
                vision: known(Ability::Vision),
                audio: known(Ability::Audio),
                documents: known(Ability::Documents),
                json_schema: known(Ability::JsonSchema),
                reasoning: known(Ability::Reasoning),
                streaming: known(Ability::Streaming),
                chat: known(Ability::Chat),
                embeddings: known(Ability::Embeddings),
                images: known(Ability::Images),
                speech: known(Ability::Speech),
                transcription: known(Ability::Transcription),
                moderation: known(Ability::Moderation),
                rerank: known(Ability::Rerank),
            },
            name: card.name,
            family: card.family,
            released_on: card.released_on,
            knowledge_cutoff: card.knowledge_cutoff,
            context_window: card.context_window,
            max_input_tokens: card.max_input_tokens,
            max_output_tokens: card.max_output_tokens,
            input_modalities: names(card.input_modalities),
            output_modalities: names(card.output_modalities),
            prompt_cache: card.prompt_cache,
            open_weights: card.open_weights,
            price: prices.iter().find(|price| price.in_force && price.tier.is_none()).cloned(),
            quality: card.quality.map(|prior| Quality { prior: prior.quality, scores: prior.scores }),
            measured,
            overridden: card.overridden,
        }
    }
}

impl From<ListedPrice> for Price {
    fn from(price: ListedPrice) -> Self {
        let rate = |rate: crate::catalog::ListedRate| {
            let step =
                |step: crate::catalog::ListedStep| Step { input_tokens: step.input_tokens, usd: step.usd.to_string() };
            (rate.class, Rate { usd: rate.usd.to_string(), above: rate.above.into_iter().map(step).collect() })
        };
        Self {
            tier: price.tier,
            from: price.from,
            hours: price.hours.map(|(start, end)| [start, end]),
            in_force: price.in_force,
            rates: price.rates.into_iter().map(rate).collect(),
            version: price.version.as_ref().to_owned(),
        }
    }
}

impl From<Score> for BenchmarkScore {
    fn from(score: Score) -> Self {
        let Score { benchmark, metric, score, run_with, source } = score;
        Self { benchmark, metric, score, run_with, source }
    }
}
