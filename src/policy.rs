//! What each request must know, compiled from the configuration and the control store, and
//! swapped as one whole: a request sees the old policy or the new one, never a mixture.
//!
//! No request ever waits here: reading the policy is one atomic load.

use std::{collections::HashMap, sync::Arc};

use arc_swap::ArcSwap;

use crate::{
    catalog::Catalog,
    config::{Config, Provider},
    domain::{KeyHash, Secret, Timestamp},
};

/// The compiled policy.
#[derive(Debug)]
pub struct Policy {
    /// The configuration it was compiled from.
    pub config: Arc<Config>,
    /// Enabled and disabled providers of the config file, the environment and the control store, by priority.
    pub providers: Vec<Arc<Provider>>,
    /// Virtual keys by the hash of the whole key, revoked and expired ones included.
    pub keys: HashMap<KeyHash, Arc<KeyFacts>>,
    /// Models and prices, with the operator's overrides.
    pub catalog: Arc<Catalog>,
}

/// What a virtual key stands for.
#[derive(Debug)]
pub struct KeyFacts {
    /// Public id (`key_…`), for `[key_map]` keys derived from the hash.
    pub id: Arc<str>,
    /// Shown in records.
    pub label: Option<Arc<str>>,
    /// Team that its requests are accounted to.
    pub team: Option<Arc<str>>,
    /// Project that it fixes, whatever `x-project` says.
    pub project: Option<Arc<str>>,
    /// Models it may use; empty means all.
    pub allowed_models: Vec<String>,
    /// Providers it may use; empty means all.
    pub allowed_providers: Vec<String>,
    /// Its own provider keys, by provider type or provider id.
    pub provider_keys: Vec<(String, Secret)>,
    /// From when on it is refused.
    pub expires_at: Option<Timestamp>,
    /// Whether it was revoked.
    pub revoked: bool,
}

/// The one place where the current policy hangs.
#[derive(Debug)]
pub struct PolicyCell(ArcSwap<Policy>);

impl PolicyCell {
    /// A cell that holds `policy`.
    pub fn new(policy: Policy) -> Self {
        Self(ArcSwap::from_pointee(policy))
    }

    /// The policy as it is now.
    pub fn load(&self) -> Arc<Policy> {
        self.0.load_full()
    }

    /// Puts a new policy in place for every request that begins from now on.
    pub fn store(&self, policy: Policy) {
        self.0.store(Arc::new(policy));
    }
}
