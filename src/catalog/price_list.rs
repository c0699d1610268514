//! The price list of a model as it is shown: every price of the one source that counts, by class and date.

use std::sync::Arc;

use super::{
    BUNDLED, Catalog,
    bundled::{InForce, Price},
    bundled_version, config_version,
    rates::{ListedRate, Rates},
};
use crate::{config::Provider, domain::Timestamp};

/// One price and when it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedPrice {
    /// The service tier whose price it is; `None` for the standard one.
    pub tier: Option<&'static str>,
    /// The day (UTC) on which it began, where it was not always so.
    pub from: Option<&'static str>,
    /// The hours of the day (UTC) in which it holds, where it does not always.
    pub hours: Option<(&'static str, &'static str)>,
    /// Whether it is the one that a request at the asked time would be priced by (of its tier).
    pub in_force: bool,
    /// The rates by class.
    pub rates: Vec<ListedRate>,
    /// Names the price, as records do.
    pub version: Arc<str>,
}

impl Catalog {
    /// The prices of a model at a configured provider, or at one of the catalog's that nobody configured;
    /// of the first source that has any: `[[catalog]]`, the provider's `pricing`, the bundled list.
    pub fn price_list(
        &self,
        provider: Option<&Provider>,
        catalog_provider: Option<&str>,
        model: &str,
        at: Timestamp,
    ) -> Vec<ListedPrice> {
        let stated = |rates: &Rates, version| {
            vec![ListedPrice { tier: None, from: None, hours: None, in_force: true, rates: rates.listed(), version }]
        };
        let id = provider.map_or_else(|| catalog_provider.unwrap_or_default(), |provider| provider.id.as_str());
        if let Some(entry) = self.price_override_for(id, model) {
            return stated(&entry.rates, Arc::clone(&entry.version));
        }
        if let Some(pricing) = provider.and_then(|provider| provider.pricing.as_ref()) {
            return stated(&Rates::from(pricing), config_version(id, "*", pricing));
        }
        let Some(found) = catalog_provider.and_then(|provider| BUNDLED.find(provider, model)) else {
            return Vec::new();
        };
        let standard = found.in_force(at, None).map(|prices| prices.standard);
        let Some(standard) = standard else { return Vec::new() };
        let listed = |price: &'static Price, prices: InForce<'static>, in_force| ListedPrice {
            tier: price.tier,
            from: price.from.map(|day| day.text),
            hours: price.hours.map(|(start, end)| (start.text, end.text)),
            in_force,
            rates: price.listed(),
            version: bundled_version(&found, &prices),
        };
        let plain = found
            .model
            .prices
            .iter()
            .map(|price| listed(price, InForce { standard: price, tier: None }, std::ptr::eq(price, standard)));
        let tiers = found.own_tiers().iter().map(|price| {
            let chosen = found.in_force(at, price.tier).and_then(|prices| prices.tier);
            let in_force = chosen.is_some_and(|chosen| std::ptr::eq(chosen, price));
            listed(price, InForce { standard, tier: Some(price) }, in_force)
        });
        plain.chain(tiers).filter(|price| !price.rates.is_empty()).collect()
    }
}
