//! What the control plane may see of the running data plane: a look, and never a touch.

use std::sync::Arc;

use crate::{
    admin::{Lookout, ReadBody},
    config::Provider,
    domain::{Endpoint, Timestamp},
    gateway::{self, Memory},
    policy::Policy,
    provider::Vitals,
    routing::{Moment, Need, Observed},
};

/// The data plane's memory, as the control plane sees it.
pub(super) struct Watch(pub(super) Memory);

impl Lookout for Watch {
    fn observe(
        &self,
        policy: &Policy,
        request: (Endpoint, &Need),
        target: (&Provider, Option<&str>),
        session: Option<u64>,
        at: Timestamp,
    ) -> Observed {
        gateway::observe(policy, &self.0, request, target, session, at)
    }

    fn session(
        &self,
        policy: &Policy,
        caller: (Option<&str>, Option<&str>),
        label: Option<&str>,
        body: Option<(Endpoint, &str)>,
    ) -> Option<u64> {
        gateway::session(policy, caller, label, body)
    }

    fn moment(&self) -> Moment {
        Moment { at: Timestamp::now(), turn: self.0.next_turn(), dice: gateway::dice() }
    }

    fn live(&self) -> Vec<(String, Arc<[String]>)> {
        self.0.live_models.known()
    }

    fn read(&self, endpoint: Endpoint, body: &[u8]) -> Result<ReadBody, String> {
        let (model, stream, need) = gateway::read_need(endpoint, body)?;
        Ok(ReadBody { model, stream, need })
    }

    fn vitals(&self, at: Timestamp) -> Vec<(String, String, Vitals)> {
        self.0.health.all(at)
    }
}
