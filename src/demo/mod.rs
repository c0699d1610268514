//! The demo provider, the synthetic history and the trickle of live traffic.
//!
//! The provider is a real HTTP server on loopback that speaks the providers' own APIs; it is also
//! the scripted upstream of the tests. Nothing here is ever reached in a normal start.

mod decisions;
mod dice;
mod findings;
mod models;
mod opinions;
mod reply;
mod text;
mod encode;
mod wire;
mod ledger;
mod script;
mod answer;
mod provider;
mod workload;
mod synthetic;
mod history;
mod traffic;
mod plan;

pub use encode::Encoding;
pub use history::{fill, hours};
pub use ledger::{Call, Counts, Ledger};
pub use models::{ANTHROPIC, DemoModel, GEMINI, LOCAL, OPENAI};
pub use plan::{Demo, DemoError, prepare};
pub use provider::{Mood, Provider, ProviderOptions, Running};
pub use reply::Tokens;
pub use script::{Chunk, Fault, Payload, SCRIPT_HEADER, Script};
pub use traffic::trickle;
