//! Limits and budgets of a key as the API takes and shows them.
//!
//! The shape is that of the config file, and its values are checked by the same code.

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::{error::ApiError, sanitization_body::refused};
use crate::config::{Algorithm, BudgetTerms, LimitPeriod, LimitSet, LimitUnit};

/// Most budgets that a key may have.
const MAX_BUDGETS: usize = 16;

/// How much may be used in which time. What is left out is not limited.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = LimitSet)]
pub(super) struct LimitsBody {
    /// Requests in a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 60)]
    requests_per_minute: Option<u64>,
    /// Requests in an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    requests_per_hour: Option<u64>,
    /// Requests in 24 hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    requests_per_day: Option<u64>,
    /// Tokens of prompts and answers in a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tokens_per_minute: Option<u64>,
    /// Tokens of prompts and answers in an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tokens_per_hour: Option<u64>,
    /// Tokens of prompts and answers in 24 hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tokens_per_day: Option<u64>,
    /// Requests at once; by default as many as in the shortest limited time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    burst: Option<u64>,
    /// Tokens at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token_burst: Option<u64>,
    /// `token_bucket` (the default) or `sliding_window`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    algorithm: Option<String>,
}

/// How much may be spent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BudgetTerms)]
pub(super) struct BudgetBody {
    /// US dollars in a period; a number is taken too.
    #[serde(deserialize_with = "amount")]
    #[schema(example = "50")]
    limit_usd: String,
    /// `day`, `week` (from Monday) or `month`.
    #[schema(example = "month")]
    period: String,
    /// Whose midnight that is, by its IANA name; by default UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "Europe/Berlin")]
    time_zone: Option<String>,
    /// The share of the limit from which on it warns; by default 0.8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    warn_at: Option<f64>,
    /// What it does when it is used up: `stop` (the default) refuses, `warn` only warns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    action: Option<String>,
    /// Whether models without a known price are refused; by default not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    require_price: Option<bool>,
}

/// An amount as it was written.
fn amount<'de, D: Deserializer<'de>>(reader: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Amount {
        Text(String),
        Number(serde_json::Number),
    }
    Ok(match Amount::deserialize(reader)? {
        Amount::Text(text) => text,
        Amount::Number(number) => number.to_string(),
    })
}

impl LimitsBody {
    /// The checked limits.
    ///
    /// # Errors
    /// 400 that names `limits`.
    pub(super) fn checked(&self) -> Result<LimitSet, ApiError> {
        let text = serde_json::to_string(self).map_err(|fault| ApiError::internal(&fault))?;
        LimitSet::from_json(&text, "limits").map_err(|errors| refused("limits", &errors))
    }
}

/// The checked budgets.
///
/// # Errors
/// 400 that names `budgets`.
pub(super) fn checked_budgets(budgets: &[BudgetBody]) -> Result<Vec<BudgetTerms>, ApiError> {
    if budgets.len() > MAX_BUDGETS {
        return Err(ApiError::invalid("budgets", format!("`budgets` has more than {MAX_BUDGETS} entries")));
    }
    let checked = |budget: &BudgetBody| {
        let text = serde_json::to_string(budget).map_err(|fault| ApiError::internal(&fault))?;
        BudgetTerms::from_json(&text, "budgets").map_err(|errors| refused("budgets", &errors))
    };
    budgets.iter().map(checked).collect()
}

impl From<&LimitSet> for LimitsBody {
    fn from(set: &LimitSet) -> Self {
        use LimitPeriod::{Day, Hour, Minute};
        use LimitUnit::{Requests, Tokens};
        Self {
            requests_per_minute: set.amount(Requests, Minute),
            requests_per_hour: set.amount(Requests, Hour),
            requests_per_day: set.amount(Requests, Day),
            tokens_per_minute: set.amount(Tokens, Minute),
            tokens_per_hour: set.amount(Tokens, Hour),
            tokens_per_day: set.amount(Tokens, Day),
            burst: set.burst(Requests),
            token_burst: set.burst(Tokens),
            algorithm: (set.algorithm != Algorithm::default()).then(|| set.algorithm.as_str().to_owned()),
        }
    }
}

impl From<&BudgetTerms> for BudgetBody {
    fn from(terms: &BudgetTerms) -> Self {
        Self {
            limit_usd: terms.limit_usd(),
            period: terms.period.as_str().to_owned(),
            time_zone: Some(terms.time_zone.clone()),
            warn_at: Some(terms.warn_at()),
            action: Some(terms.action.as_str().to_owned()),
            require_price: Some(terms.require_price),
        }
    }
}
