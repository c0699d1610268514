//! Configured prices that the bundled catalog contradicts, which mostly are a wrong unit.
//!
//! Only warns: the operator may have a contract that we do not know.

use super::{Catalog, PriceQuery};
use crate::{
    config::{Config, Provider},
    domain::{Timestamp, Usage},
};

/// A price that differs by more than this is doubted.
const FACTOR: i64 = 2;

/// One sentence for each provider `pricing` that is far from the catalog's price of the
/// provider's default model at that time.
pub fn doubtful_prices(config: &Config, at: Timestamp) -> Vec<String> {
    let catalog = Catalog::bundled(&[]);
    // Few tokens, so that no higher tier applies; one class at a time, since they may err apart.
    let input = Usage { input: Some(1_000), output: Some(0), ..Usage::default() };
    let output = Usage { input: Some(0), output: Some(1_000), ..Usage::default() };
    let mut doubts = Vec::new();
    for provider in &config.providers {
        for (class, usage) in [("input", &input), ("output", &output)] {
            doubts.extend(doubt(&catalog, provider, class, usage, at));
        }
    }
    doubts
}

fn doubt(catalog: &Catalog, provider: &Provider, class: &str, usage: &Usage, at: Timestamp) -> Option<String> {
    let (pricing, model) = (provider.pricing.as_ref()?, provider.default_model.as_deref()?);
    let query = PriceQuery {
        provider_id: &provider.id,
        catalog_provider: Catalog::catalog_provider_for(provider.provider_type, &provider.id, &provider.base_url),
        provider_pricing: None,
        model,
        asked_model: None,
        usage,
        at,
        service_tier: None,
    };
    let known = catalog.price(&query).cost?.0;
    let ours = catalog.price(&PriceQuery { provider_pricing: Some(pricing), ..query }).cost?.0;
    let is_near = ours <= known.saturating_mul(FACTOR) && known <= ours.saturating_mul(FACTOR);
    (!is_near).then(|| {
        format!(
            "providers.{}.pricing.{class}: differs from the catalog's price of {model} by more than a factor of \
             {FACTOR}; it is read as USD per million tokens",
            provider.id
        )
    })
}
