//! What was spent, as the store tells it to the budgets, and what the budgets say of it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Microcents;

/// A budget that passed a mark.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetMark {
    /// Its name.
    pub budget: Arc<str>,
    /// Whether nothing of it is left; else it is nearly used up (`warn_at`).
    pub is_used_up: bool,
}

/// What calls of one kind have cost since some moment. Names are empty where calls bear none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spend {
    /// Project.
    pub project: String,
    /// Requester.
    pub source: String,
    /// Team.
    pub team: String,
    /// Id of the key.
    pub key_id: String,
    /// Who was called.
    pub provider: String,
    /// The model that was asked for.
    pub model: String,
    /// What they cost together, as far as it is known.
    pub cost: Microcents,
    /// Calls of which it is not.
    pub unknown_calls: u64,
}
