//! The words of the house: plain data that every room shares, and the arithmetic on them.
//!
//! Nothing here does I/O, reads a clock or knows a wire format.

mod ability;
mod api;
mod breaker;
mod error_kind;
mod finding;
mod id;
mod incident;
mod key;
mod modality;
mod money;
mod network;
mod record;
mod secret;
mod signature;
mod spend;
mod time;
mod usage;

pub use ability::{Abilities, Ability};
pub use api::{Api, ApiFamily, Endpoint};
pub use breaker::OpenBreaker;
pub use error_kind::ErrorKind;
pub use finding::{Action, Category, Direction, Finding};
pub use id::RecordId;
pub use incident::{Impact, IncidentKind};
pub use key::{KeyHash, VirtualKey};
pub use modality::{Modality, ModelStatus};
pub use money::Microcents;
pub use network::Network;
pub use record::{Attempt, CacheState, Outcome, Record};
pub use secret::Secret;
pub use signature::signature;
pub use spend::{BudgetMark, Spend};
pub use time::Timestamp;
pub use usage::Usage;
