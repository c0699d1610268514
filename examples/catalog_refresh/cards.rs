//! What models are and can do, beside their prices: `src/catalog/data/cards.json`.
//!
//! Limits, modalities, abilities, dates and scores are models.dev's facts; the context of models that these do
//! not know is genai-prices'. What no source says is left out, which means unknown.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{FACT_PROVIDERS, FACTS_VERSION, Fallible, Provider, SourceProvider};

/// Providers whose facts make cards although their prices come from elsewhere.
const FURTHER_DOORS: &[(&str, &str)] = &[("amazon-bedrock", "aws"), ("github-copilot", "github-copilot")];

/// A line of the facts file, as far as cards need it.
#[derive(Deserialize)]
pub(super) struct Fact {
    provider: String,
    model: String,
    name: String,
    family: Option<String>,
    release_date: String,
    knowledge: Option<String>,
    limit: Limit,
    modalities: Modalities,
    attachment: bool,
    reasoning: bool,
    #[serde(default)]
    reasoning_options: Vec<ReasoningOption>,
    tool_call: bool,
    structured_output: Option<bool>,
    open_weights: bool,
    status: Option<String>,
    cost: Option<BTreeMap<String, Box<RawValue>>>,
    #[serde(default)]
    benchmarks: Vec<Benchmark>,
}

#[derive(Deserialize)]
struct ReasoningOption {
    #[serde(rename = "type")]
    kind: String,
}

impl Fact {
    /// True where it takes an effort and no budget; nothing is said of those that take a budget or neither.
    fn thinks_by_effort(&self) -> Option<bool> {
        let takes = |kind: &str| self.reasoning_options.iter().any(|option| option.kind == kind);
        (takes("effort") && !takes("budget_tokens")).then_some(true)
    }
}

#[derive(Deserialize)]
struct Limit {
    context: u64,
    input: Option<u64>,
    output: u64,
}

#[derive(Deserialize)]
struct Modalities {
    input: Vec<String>,
    output: Vec<String>,
}

#[derive(Deserialize)]
struct Benchmark {
    name: String,
    metric: String,
    score: Box<RawValue>,
    source: String,
    dataset: Option<String>,
    version: Option<String>,
    harness: Option<String>,
    variant: Option<String>,
}

/// A card as the file has it; see `src/catalog/cards.rs` for what the fields mean.
#[derive(Default, Serialize)]
struct Card {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    family: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    released: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cutoff: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<u64>,
    #[serde(rename = "in", skip_serializing_if = "String::is_empty")]
    input_kinds: String,
    #[serde(rename = "out", skip_serializing_if = "String::is_empty")]
    output_kinds: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    can: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    cannot: String,
    #[serde(rename = "for", skip_serializing_if = "Option::is_none")]
    purposes: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scored: Option<String>,
}

/// One benchmark in one of its forms.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Series {
    name: String,
    metric: String,
}

/// The scores of one model and where each was read: by series and by what it was run with.
type Scores = BTreeMap<(Series, String), (Decimal, String)>;

/// The whole file.
pub(super) fn render(
    version: &str,
    facts: &[Fact],
    sources: &[SourceProvider],
    providers: &[Provider],
) -> Fallible<String> {
    let scores = scores(facts)?;
    let series: BTreeSet<&Series> =
        scores.values().flat_map(|scores| scores.keys().map(|(series, _)| series)).collect();
    let series: Vec<&Series> = series.into_iter().collect();
    let qualities = qualities(&scores);
    let mut out = String::from("{\"sources\":{\n");
    write!(out, " \"genai-prices\":\"{version}\",\n \"models.dev\":\"{FACTS_VERSION}\"\n}},\n\"benchmarks\":[")?;
    for (index, series) in series.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        write!(out, "{comma}\n {}", serde_json::to_string(&(&series.name, &series.metric))?)?;
    }
    let pages: BTreeSet<&str> =
        scores.values().flat_map(|scores| scores.values().map(|(_, page)| page.as_str())).collect();
    let pages: Vec<&str> = pages.into_iter().collect();
    write!(out, "\n],\n\"pages\":{}", serde_json::to_string_pretty(&pages)?)?;
    out.push_str(",\n\"models\":{");
    for (index, (model, scores)) in scores.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        let place = |wanted: &Series| series.iter().position(|series| *series == wanted);
        let row = |((series, by), (score, page)): (&(Series, String), &(Decimal, String))| {
            (place(series), score.normalize().to_string(), by.clone(), pages.iter().position(|known| known == page))
        };
        let rows: Vec<_> = scores.iter().map(row).collect();
        let quality = qualities.get(model).ok_or("a model with scores has no quality")?;
        let entry = serde_json::json!({ "quality": format!("{quality:.3}"), "scores": rows });
        write!(out, "{comma}\n {}:{entry}", serde_json::to_string(model)?)?;
    }
    out.push_str("\n},\n\"providers\":[\n");
    for (index, provider) in providers.iter().enumerate() {
        let comma = if index == 0 { "" } else { ",\n" };
        write!(out, "{comma}{{\"id\":{},\"cards\":[", serde_json::to_string(&provider.id)?)?;
        for (index, card) in cards_of(provider, facts, sources, &scores).values().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(out, "{comma}\n {}", serde_json::to_string(card)?)?;
        }
        out.push_str("]}");
    }
    out.push_str("\n]}\n");
    Ok(out)
}

fn cards_of(
    provider: &Provider,
    facts: &[Fact],
    sources: &[SourceProvider],
    scores: &BTreeMap<String, Scores>,
) -> BTreeMap<String, Card> {
    let doors = FACT_PROVIDERS.iter().chain(FURTHER_DOORS);
    let names: Vec<&str> = doors.filter(|(_, ours)| *ours == provider.id).map(|(theirs, _)| *theirs).collect();
    let mut cards = BTreeMap::new();
    for fact in facts.iter().filter(|fact| names.contains(&fact.provider.as_str())) {
        cards.insert(fact.model.clone(), card(fact, scores));
    }
    let source = sources.iter().find(|source| source.id == provider.id);
    for model in source.into_iter().flat_map(|source| &source.models) {
        let known = provider.listed.iter().find(|name| name.eq_ignore_ascii_case(&model.id));
        if let (Some(id), Some(context)) = (known, model.context_window) {
            let scored = Some(plain_name(id)).filter(|name| scores.contains_key(name));
            let purposes = named_purpose(id).or_else(|| priced_purpose(provider, &model.id));
            let bare = Card { id: id.clone(), context: Some(context), scored, purposes, ..Card::default() };
            cards.entry(id.clone()).or_insert(bare);
        }
    }
    // What is for sale and said to be no chat model has a card, even when nothing else is known of it.
    for id in &provider.listed {
        if let Some(purposes) = named_purpose(id) {
            let bare = || Card { id: id.clone(), purposes: Some(purposes), ..Card::default() };
            cards.entry(id.clone()).or_insert_with(bare);
        }
    }
    cards
}

/// What models of these names are for, where no source says it in another way; see `src/catalog/cards.rs` for the
/// letters. The first that a name holds counts.
const NAMED_PURPOSES: &[(&str, &str)] = &[
    ("rerank", "r"),
    ("embed", "e"),
    ("voyage-", "e"),
    ("/bge-", "e"),
    ("moderation", "m"),
    ("transcribe", "t"),
    ("whisper", "t"),
    ("gpt-image", "i"),
    ("chatgpt-image", "i"),
    ("dall-e", "i"),
    ("imagen", "i"),
    ("mistral-ocr", "-"),
];

/// Who has a window, and is paid for the text that it reads and writes and for nothing else that it makes, chats.
fn priced_purpose(provider: &Provider, model: &str) -> Option<&'static str> {
    let rates = &provider.models.iter().find(|priced| priced.id == model)?.prices.last()?.rates;
    let makes_media = rates.contains_key("output_image") || rates.contains_key("output_audio");
    (rates.contains_key("input") && rates.contains_key("output") && !makes_media).then_some("c")
}

fn named_purpose(model: &str) -> Option<&'static str> {
    let name = model.to_lowercase();
    // `tts` is a word of its own in such names.
    let speaks = || name.split(['-', '/', '_', '.']).any(|word| word == "tts").then_some("s");
    let named = NAMED_PURPOSES.iter().find(|(part, _)| name.contains(part)).map(|(_, purpose)| *purpose);
    named.or_else(speaks)
}

fn card(fact: &Fact, scores: &BTreeMap<String, Scores>) -> Card {
    let kinds = |words: &[String]| -> String {
        let letter = |word: &String| match word.as_str() {
            "text" => Some('t'),
            "image" => Some('i'),
            "audio" => Some('a'),
            "video" => Some('v'),
            "pdf" => Some('p'),
            _ => None,
        };
        words.iter().filter_map(letter).collect()
    };
    let (input_kinds, output_kinds) = (kinds(&fact.modalities.input), kinds(&fact.modalities.output));
    let named = [Some(fact.model.as_str()), fact.family.as_deref()].into_iter().flatten().find_map(named_purpose);
    // What makes pictures and has no room for a prompt's tokens is no chat model that can draw as well.
    let draws_only = output_kinds.contains('i') && fact.limit.context == 0;
    let purposes = named.or_else(|| draws_only.then_some("i"));
    let embeds = purposes == Some("e");
    // A price for cached input is the only thing that tells of a cache; without one nothing is known.
    let caches =
        fact.cost.as_ref().is_some_and(|cost| cost.contains_key("cache_read") || cost.contains_key("cached_input"));
    let abilities = [
        ('t', Some(fact.tool_call)),
        ('j', fact.structured_output),
        ('r', Some(fact.reasoning)),
        ('e', fact.thinks_by_effort()),
        // Every chat API of these providers can stream text; vectors and pictures come whole.
        ('s', Some(output_kinds.contains('t') && !embeds)),
        ('c', caches.then_some(true)),
        ('w', Some(fact.open_weights)),
        // A model that takes attachments of no named kind takes pictures or documents: not known which.
        ('p', (!fact.attachment || input_kinds.contains('p')).then_some(input_kinds.contains('p'))),
    ];
    let those =
        |wanted: bool| abilities.iter().filter(|(_, can)| *can == Some(wanted)).map(|(letter, _)| *letter).collect();
    let scored = plain_name(&fact.model);
    Card {
        id: fact.model.clone(),
        name: Some(fact.name.clone()).filter(|name| *name != fact.model),
        family: fact.family.clone(),
        released: Some(fact.release_date.clone()).filter(|date| !date.is_empty()),
        cutoff: fact.knowledge.clone().filter(|date| !date.is_empty()),
        // The source writes 0 where it does not know.
        context: Some(fact.limit.context).filter(|tokens| *tokens > 0),
        prompt: fact.limit.input.filter(|tokens| *tokens > 0 && *tokens != fact.limit.context),
        output: Some(fact.limit.output).filter(|tokens| *tokens > 0),
        input_kinds,
        output_kinds,
        can: those(true),
        cannot: those(false),
        purposes,
        status: fact.status.clone(),
        scored: scores.contains_key(&scored).then_some(scored),
    }
}

/// A model's name without who sells it, how dots are written and of which day it is, so that scores which the
/// facts have at one provider count at all of them. Names that differ in anything else stay different.
fn plain_name(model: &str) -> String {
    let name = model.rsplit('/').next().unwrap_or(model).to_lowercase();
    // Bedrock: `us.anthropic.claude-…-v1:0`.
    let name =
        ["us.", "eu.", "global.", "apac.", "au.", "jp."].iter().find_map(|at| name.strip_prefix(at)).unwrap_or(&name);
    let makers =
        ["anthropic.", "amazon.", "meta.", "mistral.", "deepseek.", "qwen.", "openai.", "moonshotai.", "minimax."];
    let name = makers.iter().find_map(|maker| name.strip_prefix(maker)).unwrap_or(name);
    let name = name.split(['@', ':']).next().unwrap_or(name);
    let name = ["-v1", "-v2"].iter().find_map(|version| name.strip_suffix(version)).unwrap_or(name);
    let name = name.replace('.', "-");
    let is_date = |text: &str| text.starts_with("20") && text.bytes().all(|byte| byte.is_ascii_digit());
    match name.rsplit_once('-') {
        Some((before, day)) if day.len() == 8 && is_date(day) => before.to_owned(),
        _ => name,
    }
}

fn scores(facts: &[Fact]) -> Fallible<BTreeMap<String, Scores>> {
    let mut models: BTreeMap<String, Scores> = BTreeMap::new();
    for fact in facts {
        for benchmark in &fact.benchmarks {
            let form = [&benchmark.dataset, &benchmark.version]
                .into_iter()
                .flatten()
                .fold(String::new(), |text, part| text + " " + part);
            let series = Series { name: format!("{}{form}", benchmark.name), metric: benchmark.metric.clone() };
            let by: Vec<&str> =
                [&benchmark.harness, &benchmark.variant].into_iter().flatten().map(String::as_str).collect();
            let score = Decimal::from_str_exact(benchmark.score.get())?;
            models
                .entry(plain_name(&fact.model))
                .or_default()
                .insert((series, by.join(", ")), (score, benchmark.source.clone()));
        }
    }
    Ok(models)
}

/// A quality between 0 and 1 for each model: how many points it is above or below the average model, on
/// benchmarks that are as hard as they are.
///
/// Not every model was in every benchmark, so the points are fitted: a score is the benchmark's level plus the
/// model's merit, both by least squares, the merit drawn towards 0 as if by one more average result. A model's
/// best result counts where it was run with several tools.
#[allow(clippy::cast_precision_loss, reason = "a merit has three places")]
fn qualities(models: &BTreeMap<String, Scores>) -> BTreeMap<String, f64> {
    let mut results: Vec<(&str, &Series, f64)> = Vec::new();
    for (model, scores) in models {
        let mut best: BTreeMap<&Series, f64> = BTreeMap::new();
        for ((series, _), (score, _)) in scores {
            let score = f64::try_from(*score).unwrap_or_default();
            best.entry(series).and_modify(|held| *held = held.max(score)).or_insert(score);
        }
        results.extend(best.into_iter().map(|(series, score)| (model.as_str(), series, score)));
    }
    let mut merits: BTreeMap<&str, f64> = BTreeMap::new();
    for _ in 0..200 {
        let mut levels: BTreeMap<&Series, (f64, f64)> = BTreeMap::new();
        for (model, series, score) in &results {
            let level = levels.entry(series).or_default();
            *level = (level.0 + score - merits.get(model).copied().unwrap_or(0.0), level.1 + 1.0);
        }
        let mut sums: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
        for (model, series, score) in &results {
            let level = levels.get(series).map_or(0.0, |(sum, count)| sum / count);
            let sum = sums.entry(model).or_default();
            *sum = (sum.0 + score - level, sum.1 + 1.0);
        }
        merits = sums.into_iter().map(|(model, (sum, count))| (model, sum / (count + 1.0))).collect();
    }
    merits.into_iter().map(|(model, merit)| (model.to_owned(), (0.5 + merit / 100.0).clamp(0.0, 1.0))).collect()
}
