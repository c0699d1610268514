//! Model cards and prices: which models a provider is known to serve, and what a call cost.
//!
//! Pure: no I/O and no clock; the time of a request is an argument. Money is exact.

use std::sync::Arc;

use crate::{
    config::CatalogOverride,
    domain::{Microcents, Timestamp, Usage},
};

/// The bundled catalog with the operator's overrides laid over it.
#[derive(Debug)]
pub struct Catalog {}

/// One question to the price function.
#[derive(Clone, Copy, Debug)]
pub struct PriceQuery<'a> {
    /// The provider's id in our configuration (matched against `[[catalog]]` overrides).
    pub provider_id: &'a str,
    /// The catalog's own id of that provider (`openai`, `anthropic`, `azure`, `google`, `x-ai`, …), if known.
    pub catalog_provider: Option<&'a str>,
    /// The provider's `pricing` of the config, if any.
    pub provider_pricing: Option<&'a crate::config::PriceOverride>,
    /// The model as the provider named it.
    pub model: &'a str,
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
    /// The catalog that this binary was built with, under the operator's overrides.
    pub fn bundled(_overrides: &[CatalogOverride]) -> Self {
        Self {}
    }

    /// What a call cost.
    pub fn price(&self, _query: &PriceQuery<'_>) -> Priced {
        Priced { cost: None, unknown_reason: Some("no_price"), version: None }
    }
}
