//! Limits and budgets as JSON, of the shape of their tables: how the control store keeps those of a key.

use std::sync::Arc;

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::{Algorithm, BudgetTerms, LimitSet, read};
use crate::{
    config::{
        fields::Fields,
        report::{ConfigErrors, Place, Report},
        tree,
    },
    domain::Microcents,
};

impl LimitSet {
    /// Reads a JSON object of the shape of `[limits.per_key]`.
    ///
    /// # Errors
    /// Everything that is wrong with it, as for a config file of the name `origin`.
    pub fn from_json(text: &str, origin: &str) -> Result<Self, ConfigErrors> {
        from_json("limits", text, origin, read::checked_set)
    }

    /// The JSON object that [`Self::from_json`] reads.
    pub fn to_json(&self) -> Value {
        let mut object = Map::new();
        for (unit, period, key) in Self::AMOUNTS {
            object.extend(self.amount(unit, period).map(|amount| (key.to_owned(), amount.into())));
        }
        for (unit, key) in Self::BURSTS {
            object.extend(self.burst(unit).map(|burst| (key.to_owned(), burst.into())));
        }
        if self.algorithm != Algorithm::default() {
            object.insert("algorithm".to_owned(), self.algorithm.as_str().into());
        }
        object.into()
    }
}

impl BudgetTerms {
    /// Reads a JSON object of the shape of `[[key_map.<key>.budgets]]`.
    ///
    /// # Errors
    /// Everything that is wrong with it, as for a config file of the name `origin`.
    pub fn from_json(text: &str, origin: &str) -> Result<Self, ConfigErrors> {
        let terms = from_json("budgets", text, origin, read::checked_terms)?;
        terms.ok_or_else(ConfigErrors::default)
    }

    /// The JSON object that [`Self::from_json`] reads.
    pub fn to_json(&self) -> Value {
        json!({
            "limit_usd": self.limit_usd(),
            "period": self.period.as_str(),
            "time_zone": self.time_zone,
            "warn_at": self.warn_at(),
            "action": self.action.as_str(),
            "require_price": self.require_price,
        })
    }

    /// The limit in US dollars, exactly, as text.
    pub fn limit_usd(&self) -> String {
        usd(self.limit)
    }

    /// The share from which on it warns.
    pub fn warn_at(&self) -> f64 {
        f64::from(self.warn_at_permille) / 1e3
    }
}

fn usd(amount: Microcents) -> String {
    Decimal::new(amount.0, 8).normalize().to_string()
}

fn from_json<T>(path: &str, text: &str, origin: &str, read: impl FnOnce(Fields<'_>) -> T) -> Result<T, ConfigErrors> {
    let (report, file) = (Report::default(), Arc::from(origin));
    let table = tree::from_json(&file, text, &report);
    let result = read(Fields::new(path, Place::file(&file), table, &report));
    report.finish().map(|_| result)
}
