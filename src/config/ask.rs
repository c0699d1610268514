//! `[ask]`: questions about the records.

use std::time::Duration;

use super::fields::Fields;
use crate::domain::Secret;

/// `[ask]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// The model that reads what the parser cannot, by any name that clients may use; without one the parser is alone.
    pub model: Option<String>,
    /// The virtual key that the model is asked with, where keys are required.
    pub model_key: Option<Secret>,
    /// Longest time that a model may take for one question, mended answers included.
    pub model_timeout: Duration,
    /// Whether the model may write SQL of its own where the form of questions does not fit.
    pub free_sql: bool,
    /// Whether rows of an answer may be sent to the model, which then explains them.
    pub explain_with_rows: bool,
    /// Longest time that one statement may run.
    pub sql_timeout: Duration,
    /// Questions and statements together that may be asked in a minute.
    pub requests_per_minute: u64,
}

impl Default for Ask {
    fn default() -> Self {
        Self {
            model: None,
            model_key: None,
            model_timeout: Duration::from_secs(10),
            free_sql: false,
            explain_with_rows: false,
            sql_timeout: Duration::from_secs(2),
            requests_per_minute: 120,
        }
    }
}

/// `[ask]`
pub(super) fn ask(fields: &mut Fields<'_>) -> Ask {
    let usual = Ask::default();
    Ask {
        model: fields.text("model").map(|model| model.value),
        model_key: fields.secret("model_key"),
        model_timeout: fields.seconds("model_timeout").unwrap_or(usual.model_timeout),
        free_sql: fields.flag("free_sql").unwrap_or(usual.free_sql),
        explain_with_rows: fields.flag("explain_with_rows").unwrap_or(usual.explain_with_rows),
        sql_timeout: fields.number("sql_timeout_ms", 100..=3_000).map_or(usual.sql_timeout, Duration::from_millis),
        requests_per_minute: fields.number("requests_per_minute", 1..=100_000).unwrap_or(usual.requests_per_minute),
    }
}
