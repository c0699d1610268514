//! What the control plane asks of the running data plane, for dry runs and for showing how providers fare.
//!
//! Nothing here moves a counter, takes a turn, begins a probe or calls anybody.

use std::sync::Arc;

use crate::{
    config::Provider,
    domain::{Endpoint, Timestamp},
    policy::Policy,
    provider::Vitals,
    routing::{Moment, Need, Observed},
};

/// A look at the data plane; `app.rs` gives it.
pub trait Lookout: Send + Sync {
    /// What it would know of a candidate now if such a request came: how it fares, whether its limits and budgets
    /// have room, and whether the session was served there.
    fn observe(
        &self,
        policy: &Policy,
        request: (Endpoint, &Need),
        target: (&Provider, Option<&str>),
        session: Option<u64>,
        at: Timestamp,
    ) -> Observed;

    /// The session that such a request would go on with: its label's, else the conversation that its body continues.
    fn session(
        &self,
        policy: &Policy,
        caller: (Option<&str>, Option<&str>),
        label: Option<&str>,
        body: Option<(Endpoint, &str)>,
    ) -> Option<u64>;

    /// What a decision would be made with now. The turn is seen, not taken.
    fn moment(&self) -> Moment;

    /// What local servers said lately that they serve, by provider id.
    fn live(&self) -> Vec<(String, Arc<[String]>)>;

    /// Reads a request's body as the data plane would.
    ///
    /// # Errors
    /// When it cannot be understood, in words for people.
    fn read(&self, endpoint: Endpoint, body: &[u8]) -> Result<ReadBody, String>;

    /// How every provider's models fare that were ever called, by provider and model; a model of `""` is none.
    fn vitals(&self, at: Timestamp) -> Vec<(String, String, Vitals)>;
}

/// What a body says that bears on where it goes.
#[derive(Clone, Debug)]
pub struct ReadBody {
    /// The model that it names.
    pub model: Option<String>,
    /// Whether it asks for a stream.
    pub stream: bool,
    /// What it needs of a model.
    pub need: Need,
}
