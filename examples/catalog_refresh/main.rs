//! Maintenance: regenerates `src/catalog/data/catalog.json` (prices) and `cards.json` (limits, abilities,
//! scores) from their two sources.
//!
//! `cargo run --example catalog_refresh -- <genai-prices crate directory> <model-facts.jsonl>`, from the root.
//!
//! Prices, match rules and price history come from the genai-prices crate's `data/prices.json` (MIT); exact
//! model names, deprecations and the list prices of providers that genai-prices does not know come from
//! models.dev facts (MIT). Decimals are copied as text and never pass through floating point. Anything that
//! the catalog's schema cannot say stops the run instead of being guessed.

mod cards;
mod rules;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::Path,
};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use self::rules::{rule, split_rule};

/// Whatever stops the run is printed and nothing is written.
type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

/// The state of the facts file; part of the price version of prices that come from it.
const FACTS_VERSION: &str = "2026-07-02";

/// The facts' provider names and ours. Providers left out are other doors to the same models.
const FACT_PROVIDERS: &[(&str, &str)] = &[
    ("alibaba", "alibaba"),
    ("anthropic", "anthropic"),
    ("azure", "azure"),
    ("cerebras", "cerebras"),
    ("cohere", "cohere"),
    ("deepinfra", "deepinfra"),
    ("deepseek", "deepseek"),
    ("fireworks-ai", "fireworks"),
    ("google", "google"),
    ("groq", "groq"),
    ("huggingface", "huggingface"),
    ("llama", "llama"),
    ("minimax", "minimax"),
    ("mistral", "mistral"),
    ("moonshotai", "moonshotai"),
    ("nvidia", "nvidia"),
    ("openai", "openai"),
    ("openrouter", "openrouter"),
    ("perplexity", "perplexity"),
    ("togetherai", "together"),
    ("vercel", "vercel"),
    ("xai", "x-ai"),
    ("zai", "zai"),
];

/// Names that stopped working after the facts were gathered: DeepSeek's release note of 2026-04-24.
const RETIRED: &[(&str, &str)] = &[("deepseek", "deepseek-chat"), ("deepseek", "deepseek-reasoner")];

/// Price keys of genai-prices and the token classes they are ours for. `None`: units that a usage does not
/// count (tool calls, pages, seconds, characters), which are left out.
const PRICE_KEYS: &[(&str, Option<&str>)] = &[
    ("input_mtok", Some("input")),
    ("cache_read_mtok", Some("cache_read")),
    ("cache_write_mtok", Some("cache_write")),
    ("cache_write_1h_mtok", Some("cache_write_1h")),
    ("input_audio_mtok", Some("input_audio")),
    ("cache_audio_read_mtok", Some("cache_read_audio")),
    ("input_image_mtok", Some("input_image")),
    ("output_mtok", Some("output")),
    ("output_reasoning_mtok", Some("reasoning")),
    ("output_audio_mtok", Some("output_audio")),
    ("output_image_mtok", Some("output_image")),
    ("requests_kcount", Some("per_request")),
    ("audio_hours", None),
    ("cache_image_read_mtok", None),
    ("input_annotated_document_kpages", None),
    ("input_audio_hours", None),
    ("input_document_kpages", None),
    ("input_mchars", None),
    ("input_text_messages_kcount", None),
    ("input_video_mtok", None),
    ("output_citation_mtok", None),
    ("output_video_mtok", None),
    ("storage_searches_kcount", None),
    ("web_searches_kcount", None),
];

#[derive(Deserialize)]
struct SourceProvider {
    id: String,
    model_match: Option<serde_json::Value>,
    #[serde(default)]
    fallback_model_providers: Vec<String>,
    models: Vec<SourceModel>,
}

#[derive(Deserialize)]
struct SourceModel {
    id: String,
    #[serde(rename = "match")]
    rule: serde_json::Value,
    #[serde(default)]
    deprecated: bool,
    context_window: Option<u64>,
    #[serde(default)]
    price_comments: String,
    prices: Box<RawValue>,
    #[serde(default)]
    price_variants: Vec<SourceVariant>,
}

type SourceRates = BTreeMap<String, Box<RawValue>>;

#[derive(Deserialize)]
struct SourceDated {
    constraint: Option<SourceConstraint>,
    prices: SourceRates,
}

#[derive(Deserialize)]
struct SourceVariant {
    when: BTreeMap<String, String>,
    constraint: Option<SourceConstraint>,
    prices: SourceRates,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceConstraint {
    start_date: Option<String>,
    start_time: Option<String>,
    end_time: Option<String>,
}

#[derive(Deserialize)]
struct SourceTiered {
    base: Box<RawValue>,
    tiers: Vec<SourceTier>,
}

#[derive(Deserialize)]
struct SourceTier {
    start: u64,
    price: Box<RawValue>,
}

#[derive(Deserialize)]
struct Fact {
    provider: String,
    model: String,
    status: Option<String>,
    cost: Option<BTreeMap<String, Box<RawValue>>>,
}

#[derive(Deserialize)]
struct FactTierSize {
    size: u64,
}

/// A provider as the catalog file has it.
#[derive(Default)]
struct Provider {
    id: String,
    home: Option<serde_json::Value>,
    falls_back_to: Vec<String>,
    listed: BTreeSet<String>,
    models: Vec<Model>,
}

/// A model as the catalog file has it; see `src/catalog/bundled.rs` for what the fields mean.
#[derive(Serialize)]
struct Model {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    is: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    like: Option<serde_json::Value>,
    prices: Vec<Price>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tiers: Vec<Price>,
}

#[derive(Serialize)]
struct Price {
    #[serde(skip_serializing_if = "Option::is_none")]
    tier: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hours: Option<(String, String)>,
    rates: BTreeMap<&'static str, String>,
}

fn main() -> Fallible<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(crate_dir), Some(facts_path)) = (arguments.next(), arguments.next()) else {
        return Err("usage: catalog_refresh <genai-prices crate directory> <model-facts.jsonl>".into());
    };
    let manifest = fs::read_to_string(Path::new(&crate_dir).join("Cargo.toml"))?;
    let manifest: toml::Table = manifest.parse()?;
    let version = manifest.get("package").and_then(|package| package.get("version")?.as_str());
    let version = version.ok_or("the crate directory's Cargo.toml names no version")?;
    let prices = fs::read_to_string(Path::new(&crate_dir).join("data/prices.json"))?;
    let sources: Vec<SourceProvider> = serde_json::from_str(&prices)?;
    let facts_text = fs::read_to_string(&facts_path)?;
    let facts: Vec<Fact> = facts_text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;

    let mut providers = sources.iter().map(provider).collect::<Fallible<Vec<_>>>()?;
    add_facts(&mut providers, &facts)?;
    let covered: BTreeSet<&str> = facts.iter().filter_map(|fact| catalog_id(&fact.provider)).collect();
    for (provider, source) in providers.iter_mut().zip(&sources) {
        list_current(provider, source, covered.contains(source.id.as_str()));
    }
    fs::write("src/catalog/data/catalog.json", render(version, &providers)?)?;
    let facts: Vec<cards::Fact> = facts_text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    fs::write("src/catalog/data/cards.json", cards::render(version, &facts, &sources, &providers)?)?;
    Ok(())
}

fn catalog_id(fact_provider: &str) -> Option<&'static str> {
    FACT_PROVIDERS.iter().find(|(theirs, _)| *theirs == fact_provider).map(|(_, ours)| *ours)
}

fn provider(source: &SourceProvider) -> Fallible<Provider> {
    Ok(Provider {
        id: source.id.clone(),
        home: source.model_match.as_ref().map(rule).transpose()?,
        falls_back_to: source.fallback_model_providers.clone(),
        models: source.models.iter().map(|model| priced_model(source, model)).collect::<Fallible<_>>()?,
        ..Provider::default()
    })
}

/// A model; OpenRouter's `:free` variants, which the source leaves without a price, are free by their name.
fn priced_model(provider: &SourceProvider, source: &SourceModel) -> Fallible<Model> {
    let mut model = model(source)?;
    if provider.id == "openrouter" && source.id.ends_with(":free") {
        for price in model.prices.iter_mut().filter(|price| price.rates.is_empty()) {
            price.rates = BTreeMap::from([("input", "0".to_owned()), ("output", "0".to_owned())]);
        }
    }
    Ok(model)
}

fn model(source: &SourceModel) -> Fallible<Model> {
    let (is, like) = split_rule(&source.rule)?;
    let dated: Vec<SourceDated> = if source.prices.get().starts_with('[') {
        serde_json::from_str(source.prices.get())?
    } else {
        vec![SourceDated { constraint: None, prices: serde_json::from_str(source.prices.get())? }]
    };
    let prices = dated.iter().map(|dated| price(None, dated.constraint.as_ref(), &dated.prices));
    let mut tiers = Vec::new();
    for variant in &source.price_variants {
        let tier = match variant.when.iter().next() {
            Some((key, value)) if variant.when.len() == 1 && (key == "service_tier" || key == "processing") => value,
            // A route or a kind of search is not something that an answer reports.
            _ => continue,
        };
        let tier = price(Some(tier.clone()), variant.constraint.as_ref(), &variant.prices)?;
        if !tier.rates.is_empty() {
            tiers.push(tier);
        }
    }
    Ok(Model { id: source.id.clone(), source: None, is, like, prices: prices.collect::<Fallible<_>>()?, tiers })
}

fn price(tier: Option<String>, constraint: Option<&SourceConstraint>, rates: &SourceRates) -> Fallible<Price> {
    let hours = match constraint.map(|c| (c.start_time.as_deref(), c.end_time.as_deref())) {
        None | Some((None, None)) => None,
        Some((Some(start), Some(end))) => Some((utc_minute(start)?, utc_minute(end)?)),
        Some(_) => return Err("a time of day needs both ends".into()),
    };
    let mut ours = BTreeMap::new();
    for (key, value) in rates {
        let (_, class) = PRICE_KEYS.iter().find(|(theirs, _)| theirs == key).ok_or(format!("new price key {key}"))?;
        if let (Some(class), false) = (class, value.get() == "null") {
            ours.insert(*class, rate(value, *class == "per_request")?);
        }
    }
    Ok(Price { tier, from: constraint.and_then(|c| c.start_date.clone()), hours, rates: ours })
}

/// `HH:MM` of a time that is given in UTC to the minute.
fn utc_minute(time: &str) -> Fallible<String> {
    time.strip_suffix(":00Z").map(str::to_owned).ok_or_else(|| format!("not a UTC minute: {time}").into())
}

/// `"2.5"`, or `"2.5 >200000 5"` when the rate depends on the input tokens of the whole request.
fn rate(value: &RawValue, per_thousand: bool) -> Fallible<String> {
    let decimal = |raw: &RawValue| -> Fallible<Decimal> {
        let value = Decimal::from_str_exact(raw.get()).or_else(|_| Decimal::from_scientific(raw.get()))?;
        let value = if per_thousand { value.checked_div(Decimal::ONE_THOUSAND).ok_or("overflow")? } else { value };
        let value = value.normalize();
        if value.is_sign_negative() || value.scale() > 18 {
            return Err(format!("cannot keep {value} exactly").into());
        }
        Ok(value)
    };
    if !value.get().starts_with('{') {
        return Ok(decimal(value)?.to_string());
    }
    let tiered: SourceTiered = serde_json::from_str(value.get())?;
    let mut text = decimal(&tiered.base)?.to_string();
    for tier in &tiered.tiers {
        write!(text, " >{} {}", tier.start, decimal(&tier.price)?)?;
    }
    Ok(text)
}

/// Lists the facts' current models and adds the prices of those that genai-prices does not know.
fn add_facts(providers: &mut Vec<Provider>, facts: &[Fact]) -> Fallible<()> {
    let calculator = genai_prices::Calculator::bundled();
    for fact in facts {
        let Some(id) = catalog_id(&fact.provider) else { continue };
        let index = providers.iter().position(|provider| provider.id == id).unwrap_or_else(|| {
            providers.push(Provider { id: id.to_owned(), ..Provider::default() });
            providers.len() - 1
        });
        let Some(provider) = providers.get_mut(index) else { continue };
        if fact.status.as_deref() != Some("deprecated") && !RETIRED.contains(&(id, &fact.model)) {
            provider.listed.insert(fact.model.clone());
        }
        let usage = genai_prices::Usage::new();
        let request = genai_prices::PriceRequest::new(&fact.model, &usage).with_provider_id(id);
        if calculator.calculate(&request).is_ok() {
            continue;
        }
        if let Some(price) = fact.cost.as_ref().map(fact_price).transpose()?.flatten() {
            provider.models.push(Model {
                id: fact.model.clone(),
                source: Some("models.dev"),
                is: vec![fact.model.to_lowercase()],
                like: None,
                prices: vec![price],
                tiers: Vec::new(),
            });
        }
    }
    Ok(())
}

/// A fact's list price; `None` for one of 0, which is a trial and not a price, and for ones with parts that
/// are not billed by token.
fn fact_price(cost: &BTreeMap<String, Box<RawValue>>) -> Fallible<Option<Price>> {
    let mut rates = BTreeMap::new();
    for (key, value) in cost {
        let class = match key.as_str() {
            "input" => "input",
            "output" => "output",
            "cache_read" | "cached_input" => "cache_read",
            "cache_write" | "cached_write" => "cache_write",
            "reasoning" => "reasoning",
            "input_audio" => "input_audio",
            "output_audio" => "output_audio",
            "tiers" => continue,
            _ => return Ok(None),
        };
        rates.insert(class, rate(value, false)?);
    }
    if let Some(tiers) = cost.get("tiers") {
        for tier in serde_json::from_str::<Vec<BTreeMap<String, Box<RawValue>>>>(tiers.get())? {
            let size: FactTierSize = serde_json::from_str(tier.get("tier").ok_or("a tier has no size")?.get())?;
            for (class, text) in &mut rates {
                if let Some(price) = tier.get(*class) {
                    write!(text, " >{} {}", size.size, rate(price, false)?)?;
                }
            }
        }
    }
    let free = ["input", "output"].iter().all(|class| rates.get(class).is_none_or(|rate| rate == "0"));
    Ok((!free).then_some(Price { tier: None, from: None, hours: None, rates }))
}

/// Lists genai-prices' own names: all of a provider that the facts do not cover, else those that were looked
/// at since the facts were gathered, because the others may have been retired long ago.
fn list_current(provider: &mut Provider, source: &SourceProvider, covered: bool) {
    for (model, source) in provider.models.iter().zip(&source.models) {
        let current = !source.deprecated && (!covered || is_fresh(source));
        let family = model.id.ends_with('-') || model.id.starts_with("ft:");
        let exact = !family && (model.is.is_empty() || model.is.contains(&model.id.to_lowercase()));
        let listed = provider.listed.iter().any(|name| name.eq_ignore_ascii_case(&model.id));
        if current && exact && !listed {
            provider.listed.insert(model.id.clone());
        }
    }
}

/// Whether its prices were looked at after the facts were gathered, and not in order to bury it.
fn is_fresh(source: &SourceModel) -> bool {
    let comments = &source.price_comments;
    let buried = ["retired", "deprecated"].iter().any(|word| comments.to_lowercase().contains(word));
    let date = |at: usize| comments.get(at..at + FACTS_VERSION.len()).filter(|date| *date > FACTS_VERSION);
    let mentioned = comments.match_indices("202").any(|(at, _)| date(at).is_some_and(|date| date.contains('-')));
    !source.price_variants.is_empty() || mentioned && !buried
}

fn render(version: &str, providers: &[Provider]) -> Fallible<String> {
    let mut out = String::from("{\"sources\":{\n");
    write!(out, " \"genai-prices\":\"{version}\",\n \"models.dev\":\"{FACTS_VERSION}\"\n}},\n\"providers\":[\n")?;
    for (index, provider) in providers.iter().enumerate() {
        let comma = if index == 0 { "" } else { ",\n" };
        write!(out, "{comma}{{\"id\":{}", serde_json::to_string(&provider.id)?)?;
        if let Some(home) = &provider.home {
            write!(out, ",\"home\":{home}")?;
        }
        if !provider.falls_back_to.is_empty() {
            write!(out, ",\"falls_back_to\":{}", serde_json::to_string(&provider.falls_back_to)?)?;
        }
        write!(out, ",\n \"listed\":{},\n \"models\":[", serde_json::to_string(&provider.listed)?)?;
        for (index, model) in provider.models.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(out, "{comma}\n  {}", serde_json::to_string(model)?)?;
        }
        out.push_str("]}");
    }
    out.push_str("\n]}\n");
    Ok(out)
}
