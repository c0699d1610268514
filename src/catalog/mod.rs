//! Model cards and prices: which models a provider is known to serve, and what a call cost.
//!
//! Pure: no I/O and no clock; the time of a request is an argument. Money is exact, and a price that is not
//! known is never taken for zero.

mod bundled;
mod card;
mod cards;
mod doubtful;
mod presets;
mod price_list;
mod rates;
mod rules;
mod shelf;

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock},
};

use serde::Deserialize;
use url::Url;

use self::{
    bundled::{BUNDLED, DEFAULT_SOURCE, Found, InForce},
    rates::{Applied, Rates, Unknown},
    rules::folded,
};
pub use self::{
    card::{Card, Known, Prior, Score},
    doubtful::doubtful_prices,
    price_list::ListedPrice,
    rates::{ListedRate, ListedStep},
    shelf::{Offer, OfferPrice, Shelf},
};
use crate::{
    config::{CardOverride, CatalogOverride, PriceOverride, Provider, ProviderType},
    domain::{Microcents, Timestamp, Usage},
};

/// The bundled catalog with the operator's overrides laid over it.
#[derive(Debug)]
pub struct Catalog {
    /// `[[catalog]]` entries by model.
    overrides: HashMap<String, Vec<Override>>,
    /// What was looked up for routing.
    shelves: shelf::Shelves,
}

/// A `[[catalog]]` entry.
#[derive(Debug)]
struct Override {
    provider: Option<String>,
    /// Empty when the entry states no price.
    rates: Rates,
    version: Arc<str>,
    card: CardOverride,
}

/// A model that a provider serves under this exact name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct ModelCard {
    /// The name that requests use.
    pub id: &'static str,
}

/// One question to the price function.
#[derive(Clone, Copy, Debug)]
pub struct PriceQuery<'a> {
    /// The provider's id in our configuration (matched against `[[catalog]]` overrides).
    pub provider_id: &'a str,
    /// The catalog's own id of that provider (`openai`, `anthropic`, `azure`, `google`, `x-ai`, …), if known.
    pub catalog_provider: Option<&'a str>,
    /// The provider's `pricing` of the config, if any.
    pub provider_pricing: Option<&'a PriceOverride>,
    /// The model as the provider named it.
    pub model: &'a str,
    /// The model that the provider was asked for: it counts where `model` is a private name (a deployment, a
    /// file) that has no price, and an override of it holds for the snapshot that answered.
    pub asked_model: Option<&'a str>,
    /// What was used.
    pub usage: &'a Usage,
    /// When the request began.
    pub at: Timestamp,
    /// `flex`, `priority`, `batch`, … as the provider reported it.
    pub service_tier: Option<&'a str>,
}

/// The answer of the price function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Priced {
    /// The exact decimal sum, rounded once, half up; `None` when it cannot be known.
    pub cost: Option<Microcents>,
    /// Why it is unknown: `no_usage`, `no_price`.
    pub unknown_reason: Option<&'static str>,
    /// Names the price that was used, so that the sum can be computed again.
    pub version: Option<Arc<str>>,
}

impl Catalog {
    /// Decodes the bundled catalog now, which otherwise the first call waits for.
    pub fn warm_up() {
        LazyLock::force(&BUNDLED);
    }

    /// The catalog that this binary was built with, under the operator's overrides.
    pub fn bundled(overrides: &[CatalogOverride]) -> Self {
        let mut by_model: HashMap<String, Vec<Override>> = HashMap::new();
        for entry in overrides {
            let provider = entry.provider.as_deref().unwrap_or("*");
            let version = config_version(provider, &entry.model, &entry.price);
            by_model.entry(entry.model.clone()).or_default().push(Override {
                provider: entry.provider.clone(),
                rates: Rates::from(&entry.price),
                version,
                card: entry.card.clone(),
            });
        }
        Self { overrides: by_model, shelves: shelf::Shelves::default() }
    }

    /// What a call cost, from the first of: the `[[catalog]]` entry of this provider and model, the one of the
    /// model at any provider, the provider's `pricing`, the bundled catalog.
    ///
    /// - An override is the whole price. It knows no tiers; a class without a rate is priced as its parent
    ///   (cache read, cache write, audio and image as input; one-hour writes as writes; reasoning, audio and
    ///   image as output), and tokens of an input or output without any rate make the price unknown.
    /// - Bundled prices are those in force when the request began, for the tier that the provider reported.
    ///   One that depends on the context is chosen by all input tokens, cached ones included, and then holds
    ///   for the whole request; the threshold itself is still below it.
    /// - A cost needs both totals, input and output (embeddings report `Some(0)` output); what a provider
    ///   bills besides tokens and requests (searches, pages, seconds) is not in it.
    /// - Nothing is free by assumption: a model of a `local` or `ollama` provider has no price but a
    ///   configured one.
    pub fn price(&self, query: &PriceQuery<'_>) -> Priced {
        self.priced(query, true)
    }

    /// The version is a text of its own for each call: who does not want it should not pay for it.
    fn priced(&self, query: &PriceQuery<'_>, with_version: bool) -> Priced {
        let names = [Some(query.model), query.asked_model.filter(|asked| *asked != query.model)];
        let mut names = names.into_iter().flatten();
        if let Some(entry) = names.clone().find_map(|model| self.price_override_for(query.provider_id, model)) {
            let rates = Applied { standard: &entry.rates, tier: None };
            return priced(rates, query.usage, with_version, || Arc::clone(&entry.version));
        }
        if let Some(price) = query.provider_pricing {
            let rates = Rates::from(price);
            let rates = Applied { standard: &rates, tier: None };
            return priced(rates, query.usage, with_version, || config_version(query.provider_id, "*", price));
        }
        let found = query.catalog_provider.and_then(|provider| names.find_map(|name| BUNDLED.find(provider, name)));
        let in_force = found.and_then(|found| Some((found, found.in_force(query.at, query.service_tier)?)));
        match in_force {
            Some((found, prices)) => {
                priced(prices.rates(), query.usage, with_version, || bundled_version(&found, &prices))
            }
            None => Priced { cost: None, unknown_reason: Some("no_price"), version: None },
        }
    }

    /// Microcents per million prompt and output tokens of a plain call now; `None` when either is not known.
    pub fn list_price(&self, provider: &Provider, model: &str, at: Timestamp) -> Option<(u64, u64)> {
        // Small enough for the lowest step of prices that depend on the context.
        const SAMPLE_TOKENS: u64 = 1_000;
        let catalog_provider = Self::catalog_provider_for(provider.provider_type, &provider.id, &provider.base_url);
        let cost = |input: u64, output: u64| {
            let usage = Usage { input: Some(input), output: Some(output), ..Usage::default() };
            let query = PriceQuery {
                provider_id: &provider.id,
                catalog_provider,
                provider_pricing: provider.pricing.as_ref(),
                model,
                asked_model: None,
                usage: &usage,
                at,
                service_tier: None,
            };
            u64::try_from(self.priced(&query, false).cost?.0).ok()
        };
        let per_request = cost(0, 0)?;
        let per_mtok = |sample: u64| sample.saturating_sub(per_request).saturating_mul(1_000_000 / SAMPLE_TOKENS);
        Some((per_mtok(cost(SAMPLE_TOKENS, 0)?), per_mtok(cost(0, SAMPLE_TOKENS)?)))
    }

    fn override_for(&self, provider_id: &str, model: &str) -> Option<&Override> {
        let entries = self.overrides.get(model)?;
        let own = entries.iter().find(|entry| entry.provider.as_deref() == Some(provider_id));
        own.or_else(|| entries.iter().find(|entry| entry.provider.is_none()))
    }

    /// The override that states a price, of those that [`Self::override_for`] chooses from.
    fn price_override_for(&self, provider_id: &str, model: &str) -> Option<&Override> {
        let priced = || self.overrides.get(model).into_iter().flatten().filter(|entry| !entry.rates.is_empty());
        let own = priced().find(|entry| entry.provider.as_deref() == Some(provider_id));
        own.or_else(|| priced().find(|entry| entry.provider.is_none()))
    }

    /// The current models of one of the catalog's providers, sorted by name; empty for an unknown provider.
    pub fn models_of(&self, catalog_provider: &str) -> &'static [ModelCard] {
        BUNDLED.provider(catalog_provider).map_or(&[], |provider| provider.listed.as_slice())
    }

    /// Which of the catalog's providers a configured one is: by the host of its base URL, else by its type,
    /// else (for `openai_compatible`) by its id. `None` for `local` and `ollama` and for strangers.
    pub fn catalog_provider_for(provider_type: ProviderType, id: &str, base_url: &Url) -> Option<&'static str> {
        presets::catalog_provider(provider_type, id, base_url)
    }

    /// Whether one of the catalog's providers serves `model`: as a current model, as one that has a price there,
    /// or as a new name that only its maker would give (which never bears another's prefix).
    pub fn serves(&self, catalog_provider: &str, model: &str) -> bool {
        let is_home = |rule: &rules::Rule<'_>| {
            let name = folded(model);
            !name.contains('/') && rule.matches(&name)
        };
        let home = || BUNDLED.provider(catalog_provider)?.home.as_ref();
        self.knows(catalog_provider, model) || home().is_some_and(is_home)
    }

    /// The same, but for new names.
    pub fn knows(&self, catalog_provider: &str, model: &str) -> bool {
        let Some(provider) = BUNDLED.provider(catalog_provider) else { return false };
        provider.find(&folded(model)).is_some() || provider.listed.iter().any(|card| card.id == model)
    }

    /// Up to three of `candidates` that are spelled most like `model`, the closest first.
    pub fn nearest<'a>(model: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
        // The measure is quadratic, and nobody misspells a name of that length.
        if model.len() > 128 {
            return Vec::new();
        }
        let name = folded(model);
        let scored = candidates.into_iter().map(|known| (strsim::normalized_damerau_levenshtein(&name, known), known));
        let mut close: Vec<_> = scored.filter(|(likeness, _)| *likeness >= 0.6).collect();
        close.sort_by(|(a, a_name), (b, b_name)| b.total_cmp(a).then_with(|| a_name.cmp(b_name)));
        close.dedup_by_key(|(_, name)| *name);
        close.into_iter().take(3).map(|(_, name)| name).collect()
    }
}

fn priced(rates: Applied<'_>, usage: &Usage, with_version: bool, version: impl FnOnce() -> Arc<str>) -> Priced {
    match rates.cost(usage) {
        Ok(cost) => Priced { cost: Some(cost), unknown_reason: None, version: with_version.then(version) },
        Err(Unknown::Usage) => Priced { cost: None, unknown_reason: Some("no_usage"), version: None },
        Err(Unknown::Price) => Priced { cost: None, unknown_reason: Some("no_price"), version: None },
    }
}

/// `config/openai/gpt-5#input=1.25,output=10`: it states its rates, since a config file leaves no history.
fn config_version(provider: &str, model: &str, price: &PriceOverride) -> Arc<str> {
    format!("config/{provider}/{model}#{}", rates::describe(price)).into()
}

/// `genai-prices@0.2.1/openai/o3#2025-06-10+batch@2026-10-14`: source, entry, and which of its prices.
fn bundled_version(found: &Found<'_>, prices: &InForce<'_>) -> Arc<str> {
    let source = found.model.source.unwrap_or(DEFAULT_SOURCE);
    let version = BUNDLED.sources.get(source).copied().unwrap_or_default();
    let mut text = format!("{source}@{version}/{}/{}", found.provider.id, found.model.id);
    if let Some(day) = prices.standard.from {
        text.extend(["#", day.text]);
    }
    if let Some((start, end)) = prices.standard.hours {
        text.extend(["#", start.text, "-", end.text]);
    }
    if let Some(tier) = prices.tier {
        text.extend(["+", tier.tier.unwrap_or_default()]);
        text.extend(tier.from.into_iter().flat_map(|day| ["@", day.text]));
    }
    text.into()
}
