//! What was spent, as the store tells it to the budgets.

use super::Microcents;

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
