//! `/v1/catalog`: which models there are, what they can do and cost, and how they have done here.

use std::{collections::BTreeSet, sync::Arc};

use axum::{Json, extract::State};
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, de::Error as _};
use utoipa::IntoParams;

use super::{
    catalog_view::{CatalogDetail, CatalogModel, Price},
    error::{ApiError, Code, ErrorBody},
    extract::{Id, Params},
    page::{List, PageParams},
    state::AdminState,
};
use crate::{
    analytics::{self, Measurements},
    catalog::{Card, Catalog},
    config::Provider,
    domain::{Abilities, Ability, ModelStatus, Timestamp},
    policy::Policy,
};

/// Which models; what is left out lets all pass. What is unknown of a model passes no filter on it.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct CatalogParams {
    /// Provider: a configured one's id, or the catalog's name for another.
    provider: Option<String>,
    /// Whether the provider is configured and enabled.
    configured: Option<bool>,
    /// Text in the id, the name or the family, in any case.
    q: Option<String>,
    /// All that it must be able to do, with commas between: `tools`, `vision`, `audio`, `documents`,
    /// `json_schema`, `reasoning`, `streaming`.
    #[serde(default, deserialize_with = "abilities")]
    #[param(value_type = Option<String>, example = "tools,vision")]
    capabilities: Option<Abilities>,
    /// Whether prompts can be cached.
    prompt_cache: Option<bool>,
    /// `active`, `beta` or `deprecated`.
    #[serde(default, deserialize_with = "status")]
    #[param(value_type = Option<String>)]
    status: Option<ModelStatus>,
    /// The context must hold at least so many tokens.
    min_context_window: Option<u64>,
    /// The answer may have at least so many tokens.
    min_output_tokens: Option<u64>,
    /// The most that a million input tokens may cost now, in USD.
    #[serde(default, deserialize_with = "usd")]
    #[param(value_type = Option<String>, example = "2.5")]
    max_input_price: Option<Decimal>,
    /// The most that a million output tokens may cost now, in USD.
    #[serde(default, deserialize_with = "usd")]
    #[param(value_type = Option<String>, example = "10")]
    max_output_price: Option<Decimal>,
}

/// List models
///
/// The models of the configured providers and those that the bundled catalog knows of others, by id.
#[utoipa::path(
    get, path = "/v1/catalog", operation_id = "listCatalog", tag = "Catalog", params(CatalogParams, PageParams),
    responses(
        (status = 200, description = "A page of models", body = List<CatalogModel>),
        (status = 400, description = "A query parameter is unknown or wrong; `param` names it", body = ErrorBody),
    )
)]
pub(super) async fn list(
    State(state): State<AdminState>,
    Params(params, page, _): Params<CatalogParams, PageParams>,
) -> Result<Json<List<CatalogModel>>, ApiError> {
    let now = Timestamp::now();
    let measured = analytics::measurements(&state.parts.store.history, now).await?;
    let policy = state.parts.policy.load();
    let wanted = |shelf: &Shelf| {
        params.provider.as_ref().is_none_or(|id| *id == shelf.id)
            && params.configured.is_none_or(|configured| configured == shelf.provider.is_some())
    };
    let mut found = Vec::new();
    for shelf in shelves(&policy, &measured).iter().filter(|shelf| wanted(shelf)) {
        for model in &shelf.models {
            let card = policy.catalog.card(&shelf.id, shelf.catalog_provider, model);
            if params.passes(&shelf.id, model, &card) {
                let entry = shelf.model(&policy.catalog, model, card, &measured, now).0;
                if params.affords(&entry) {
                    found.push(entry);
                }
            }
        }
    }
    found.sort_by(|a, b| a.id.cmp(&b.id));
    page.cut(found, |entry| entry.id.clone()).map(Json)
}

/// Show a model
///
/// By its id, or by its bare name: then the one at a configured provider comes first.
#[utoipa::path(
    get, path = "/v1/catalog/{*id}", operation_id = "getCatalogModel", tag = "Catalog",
    params(("id" = String, Path, description = "`provider/model`, slashes as they are", example = "openai/gpt-4o")),
    responses(
        (status = 200, description = "The model", body = CatalogDetail),
        (status = 404, description = "No model bears this id; the message names those that are spelled alike", body = ErrorBody),
    )
)]
pub(super) async fn show(State(state): State<AdminState>, Id(id): Id) -> Result<Json<CatalogDetail>, ApiError> {
    let now = Timestamp::now();
    let measured = analytics::measurements(&state.parts.store.history, now).await?;
    let policy = state.parts.policy.load();
    let shelves = shelves(&policy, &measured);
    let pinned = || {
        let (provider, model) = id.split_once('/')?;
        let shelf = shelves.iter().find(|shelf| shelf.id == provider)?;
        shelf.models.get(model).map(|model| (shelf, model))
    };
    let bare = || {
        let at = |is_configured: bool| {
            let mut those = shelves.iter().filter(move |shelf| shelf.provider.is_some() == is_configured);
            those.find_map(|shelf| shelf.models.get(id.as_str()).map(|model| (shelf, model)))
        };
        at(true).or_else(|| at(false))
    };
    let Some((shelf, model)) = pinned().or_else(bare) else { return Err(unknown(&id, &shelves)) };
    let card = policy.catalog.card(&shelf.id, shelf.catalog_provider, model);
    let scores = shelf.catalog_provider.map(|provider| Catalog::scores(provider, model)).unwrap_or_default();
    let (entry, prices) = shelf.model(&policy.catalog, model, card, &measured, now);
    let scores = scores.into_iter().map(Into::into).collect();
    Ok(Json(CatalogDetail { model: entry, prices, scores }))
}

/// Says which ids or names are spelled like the one that nothing bears.
fn unknown(id: &str, shelves: &[Shelf]) -> ApiError {
    let names: Vec<String> =
        shelves.iter().flat_map(|shelf| shelf.models.iter().map(|model| format!("{}/{model}", shelf.id))).collect();
    let mut close = Catalog::nearest(id, names.iter().map(String::as_str));
    if close.is_empty() {
        close = Catalog::nearest(id, shelves.iter().flat_map(|shelf| shelf.models.iter().map(String::as_str)));
    }
    let advice = if close.is_empty() { String::new() } else { format!("; close: {}", close.join(", ")) };
    ApiError::new(Code::NotFound, format!("the catalog has no such model{advice}"))
}

/// A provider and its models.
struct Shelf {
    id: String,
    /// `None` when nobody configured it.
    provider: Option<Arc<Provider>>,
    catalog_provider: Option<&'static str>,
    models: BTreeSet<String>,
}

/// The enabled providers, then those that only the catalog knows.
fn shelves(policy: &Policy, measured: &Measurements) -> Vec<Shelf> {
    let mut shelves: Vec<Shelf> = policy
        .providers
        .iter()
        .filter(|provider| provider.enabled)
        .map(|provider| {
            let known = Catalog::catalog_provider_for(provider.provider_type, &provider.id, &provider.base_url);
            let mut models: BTreeSet<String> = known.into_iter().flat_map(|known| bundled(policy, known)).collect();
            models.extend(provider.models.iter().chain(&provider.default_model).cloned());
            models.extend(policy.catalog.overridden_models(&provider.id).map(str::to_owned));
            models.extend(measured.models(&provider.id).map(str::to_owned));
            Shelf { id: provider.id.clone(), provider: Some(Arc::clone(provider)), catalog_provider: known, models }
        })
        .collect();
    for known in Catalog::card_providers() {
        if !shelves.iter().any(|shelf| shelf.id == known || shelf.catalog_provider == Some(known)) {
            let models = bundled(policy, known).collect();
            shelves.push(Shelf { id: known.to_owned(), provider: None, catalog_provider: Some(known), models });
        }
    }
    shelves
}

/// The models that the bundled catalog knows of a provider.
fn bundled(policy: &Policy, known: &'static str) -> impl Iterator<Item = String> {
    let listed = policy.catalog.models_of(known).iter().map(|card| card.id);
    listed.chain(Catalog::card_models(known)).map(str::to_owned)
}

impl Shelf {
    /// A model of the shelf, and all its prices.
    fn model(
        &self,
        catalog: &Catalog,
        model: &str,
        card: Card,
        measured: &Measurements,
        now: Timestamp,
    ) -> (CatalogModel, Vec<Price>) {
        let prices = catalog.price_list(self.provider.as_deref(), self.catalog_provider, model, now);
        let prices: Vec<Price> = prices.into_iter().map(Price::from).collect();
        let measured = self.provider.as_ref().and_then(|provider| measured.of(&provider.id, model));
        (CatalogModel::new((&self.id, model), self.provider.is_some(), card, &prices, measured), prices)
    }
}

impl CatalogParams {
    /// Whether a model passes the filters on what it is and can do.
    fn passes(&self, provider: &str, model: &str, card: &Card) -> bool {
        let at_least =
            |wanted: Option<u64>, has: Option<u64>| wanted.is_none_or(|wanted| has.is_some_and(|has| has >= wanted));
        let holds = |text: &str, part: &str| text.to_lowercase().contains(part);
        let is_named = |part: &str| {
            holds(&format!("{provider}/{model}"), part)
                || [&card.name, &card.family].into_iter().flatten().any(|text| holds(text, part))
        };
        self.q.as_ref().is_none_or(|part| is_named(&part.to_lowercase()))
            && self.capabilities.is_none_or(|wanted| wanted.without(card.can).is_empty())
            && self.prompt_cache.is_none_or(|wanted| card.prompt_cache == Some(wanted))
            && self.status.is_none_or(|wanted| card.status == Some(wanted))
            && at_least(self.min_context_window, card.context_window)
            && at_least(self.min_output_tokens, card.max_output_tokens)
    }

    /// Whether a model passes the filters on its price. An unknown one is never taken for cheap.
    fn affords(&self, entry: &CatalogModel) -> bool {
        let within = |most: Option<Decimal>, class: &str| {
            let rate = || entry.price.as_ref()?.rates.get(class)?.usd.parse::<Decimal>().ok();
            most.is_none_or(|most| rate().is_some_and(|rate| rate <= most))
        };
        within(self.max_input_price, "input") && within(self.max_output_price, "output")
    }
}

fn abilities<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<Abilities>, D::Error> {
    let text = String::deserialize(reader)?;
    let known = || D::Error::custom(format!("expected some of {}", Ability::ALL.map(Ability::as_str).join(", ")));
    text.split(',').map(|name| Ability::parse(name.trim()).ok_or_else(known)).collect::<Result<_, _>>().map(Some)
}

fn status<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<ModelStatus>, D::Error> {
    let text = String::deserialize(reader)?;
    let known =
        || D::Error::custom(format!("expected one of {}", ModelStatus::ALL.map(ModelStatus::as_str).join(", ")));
    ModelStatus::parse(&text).map(Some).ok_or_else(known)
}

fn usd<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<Decimal>, D::Error> {
    let text = String::deserialize(reader)?;
    let price = text.parse::<Decimal>().ok().filter(|price| !price.is_sign_negative());
    price.map(Some).ok_or_else(|| D::Error::custom("expected USD as a decimal, such as 2.5"))
}
