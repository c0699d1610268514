//! What each request must know, compiled from the configuration and the control store, and
//! swapped as one whole: a request sees the old policy or the new one, never a mixture.
//!
//! No request ever waits here: reading the policy is one atomic load.

mod inquiry;
mod rules;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use arc_swap::ArcSwap;
use sha2::{Digest as _, Sha256};

use self::rules::{ByProject, Compiler, Sets};
pub use self::{
    inquiry::{Drafted, Inquiry, RoutingRules},
    rules::check_rules,
};
use crate::{
    catalog::Catalog,
    config::{BudgetTerms, Config, ConfigErrors, LimitSet, MappedKey, Project, Provider, SanitizationOverride, Scope},
    domain::{KeyHash, Secret, Timestamp},
    limits::{Budgets, LimitRules},
    plugins::{Chain, Plugins, Scope as Chains, Tools},
    provider::{Client, Egress},
    routing::Profile,
    store::{Snapshot, StoredKey},
};

/// The compiled policy.
#[derive(Debug)]
pub struct Policy {
    /// The configuration it was compiled from.
    pub config: Arc<Config>,
    /// Enabled and disabled providers of the config file, the environment and the control store, by priority.
    pub providers: Vec<Arc<Provider>>,
    /// The HTTP client of each provider, by provider id.
    pub clients: HashMap<String, Client>,
    /// Virtual keys by the hash of the whole key, revoked and expired ones included.
    pub keys: HashMap<KeyHash, Arc<KeyFacts>>,
    /// The operator's own profiles.
    pub profiles: Vec<Profile>,
    /// Models and prices, with the operator's overrides.
    pub catalog: Arc<Catalog>,
    /// SHA-256 of everything in it that shapes answers: under another one, a kept answer is another.
    pub answers: [u8; 32],
    /// Who may use how much, and the counters of that.
    pub limits: LimitRules,
    /// Who may spend how much, and the books about it.
    pub budgets: Budgets,
    /// What stands on the way of requests.
    pub plugins: Plugins,
    /// The sanitizer's rules of requests whose key states none.
    rules: ByProject,
    /// Every compiled set of rules.
    rule_sets: Sets,
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
    /// Whether the response cache serves it; `None` leaves it to the project.
    pub cache: Option<bool>,
    /// What it states over its project's sanitization.
    pub sanitization: Option<SanitizationOverride>,
    rules: Option<ByProject>,
    /// Its own chains, where a plugin names it.
    chains: Option<Chains>,
    /// What it may use, in place of `[limits.per_key]`.
    pub limits: Option<LimitSet>,
    /// What it may spend.
    pub budgets: Vec<BudgetTerms>,
    /// The operator's own words about it.
    pub metadata: BTreeMap<String, String>,
    /// From when on it is refused.
    pub expires_at: Option<Timestamp>,
    /// Whether it was revoked.
    pub revoked: bool,
}

impl Policy {
    /// Compiles a policy. Clients of providers that did not change are kept from `previous`, so that a
    /// reload breaks no connection.
    ///
    /// # Errors
    /// When rules of the sanitizer cannot be compiled.
    pub fn compile(
        config: Arc<Config>,
        control: &Snapshot,
        previous: Option<&Self>,
        egress: &Egress,
    ) -> Result<Self, ConfigErrors> {
        let mut providers = config.providers.clone();
        // What the config file defines wins over what was added at run time under the same id.
        let added = control.providers.iter().filter(|added| !config.providers.iter().any(|known| known.id == added.id));
        providers.extend(added.cloned());
        providers.sort_by_key(|provider| provider.priority);
        let clients =
            providers.iter().map(|provider| (provider.id.clone(), client(provider, previous, egress))).collect();
        let from_store = control.keys.iter().map(|key| (key.hash, KeyFacts::from(key)));
        let from_config = config.key_map.iter().map(|key| (KeyHash::of(key.key.expose()), KeyFacts::from(key)));
        let tools = Tools { egress: egress.clone(), data_dir: config.storage.path.clone() };
        let plugins = Plugins::compile(&config, &providers, &tools, previous.map(|policy| &policy.plugins))?;
        let mut compiler = Compiler::new(&config, previous.map(|policy| &policy.rule_sets));
        let rules = compiler.by_project(None, plugins.anyone(), "sanitization");
        let keys: HashMap<KeyHash, Arc<KeyFacts>> = from_store
            .chain(from_config)
            .map(|(hash, mut key)| {
                let names = [Some(&*key.id), key.label.as_deref()];
                key.chains = plugins.scope(&names.into_iter().flatten().collect::<Vec<_>>());
                let over = key.sanitization.as_ref();
                if over.is_some() || key.chains.is_some() {
                    let chains = key.chains.as_ref().unwrap_or_else(|| plugins.anyone());
                    key.rules = Some(compiler.by_project(over, chains, &format!("key {}: sanitization", key.id)));
                }
                (hash, Arc::new(key))
            })
            .collect();
        let rule_sets = compiler.finish()?;
        let catalog = match previous {
            Some(policy) if policy.config.catalog == config.catalog => Arc::clone(&policy.catalog),
            _ => Arc::new(Catalog::bundled(&config.catalog)),
        };
        let added = control.profiles.iter().filter(|added| !config.profiles.iter().any(|known| known.id == added.id));
        let profiles: Vec<Profile> = config.profiles.iter().chain(added).map(Profile::from).collect();
        let answers = answers(&config, &providers, &profiles);
        let limits = limits(&config, &providers, &keys, previous);
        let of_keys = keys.values().flat_map(|key| key.budgets.iter().map(|terms| (&*key.id, terms)));
        let budgets = Budgets::compile(&config.budgets, of_keys, previous.map(|policy| &policy.budgets));
        Ok(Self {
            config,
            answers,
            providers,
            clients,
            keys,
            profiles,
            catalog,
            limits,
            budgets,
            plugins,
            rules,
            rule_sets,
        })
    }
}

/// The identity of what shapes answers, whatever key asks: providers, names, profiles, the catalog's word.
fn answers(config: &Config, providers: &[Arc<Provider>], profiles: &[Profile]) -> [u8; 32] {
    // Secrets do not show in `Debug`; an answer is the same whichever key of the operator's paid for it.
    let projects: Vec<_> = config.projects.iter().map(|project| (&project.name, &project.models)).collect();
    let shown = format!(
        "{providers:?} {profiles:?} {projects:?} {:?} {:?} {:?} {:?} {:?} {:?}",
        config.models,
        config.routing,
        config.catalog,
        config.default_provider,
        config.plugins,
        config.projects.iter().map(|project| &project.plugins).collect::<Vec<_>>(),
    );
    Sha256::digest(shown).into()
}

impl Policy {
    /// What the operator decides about a project; `None` where nothing is said of it.
    pub fn project(&self, name: Option<&str>) -> Option<&Project> {
        let name = name?;
        self.config.projects.iter().find(|known| known.name == name)
    }

    /// Whether requests of a project need a virtual key.
    pub fn requires_key(&self, project: Option<&str>) -> bool {
        self.project(project).and_then(|project| project.require_key).unwrap_or(self.config.auth.require_key)
    }

    /// The plugins on the way of requests with this key and of this project; `None` when there are none.
    pub fn chain_for<'a>(&'a self, key: Option<&'a KeyFacts>, project: Option<&str>) -> Option<&'a Arc<Chain>> {
        key.and_then(|key| key.chains.as_ref()).unwrap_or_else(|| self.plugins.anyone()).of(project)
    }

    /// Whether the response cache serves requests with this key and of this project: the key's word, else the
    /// project's, else that of `[cache]`.
    pub fn is_cached(&self, key: Option<&KeyFacts>, project: Option<&str>) -> bool {
        let of_project = || self.project(project)?.cache;
        key.and_then(|key| key.cache).or_else(of_project).unwrap_or(self.config.cache.enabled)
    }
}

/// The limits of the config file and those of providers, projects and keys.
fn limits(
    config: &Config,
    providers: &[Arc<Provider>],
    keys: &HashMap<KeyHash, Arc<KeyFacts>>,
    previous: Option<&Policy>,
) -> LimitRules {
    let of_providers = providers.iter().map(|provider| (Scope::Provider, provider.id.as_str(), &provider.limits));
    let of_projects = config.projects.iter().map(|project| (Scope::Project, project.name.as_str(), &project.limits));
    let of_keys = keys.values().map(|key| (Scope::Key, &*key.id, &key.limits));
    let stated = of_providers.chain(of_projects).chain(of_keys);
    let stated = stated.filter_map(|(scope, name, limits)| Some((scope, name, limits.as_ref()?)));
    LimitRules::compile(&config.limits, stated, previous.map(|policy| &policy.limits))
}

fn client(provider: &Provider, previous: Option<&Policy>, egress: &Egress) -> Client {
    let unchanged = previous.and_then(|policy| {
        let before = policy.providers.iter().find(|before| before.id == provider.id)?;
        let same = before.base_url == provider.base_url
            && before.timeouts.connect == provider.timeouts.connect
            && before.allow_private_network == provider.allow_private_network
            && before.origin == provider.origin;
        same.then(|| policy.clients.get(&provider.id).cloned()).flatten()
    });
    unchanged.unwrap_or_else(|| Client::new(provider, egress))
}

impl From<&StoredKey> for KeyFacts {
    fn from(key: &StoredKey) -> Self {
        Self {
            id: Arc::from(key.id.as_str()),
            label: key.fields.label.as_deref().map(Arc::from),
            team: key.fields.team.as_deref().map(Arc::from),
            project: key.fields.project.as_deref().map(Arc::from),
            allowed_models: key.fields.allowed_models.clone(),
            allowed_providers: key.fields.allowed_providers.clone(),
            provider_keys: key.fields.provider_keys.clone().into_iter().collect(),
            cache: None,
            sanitization: key.fields.sanitization.clone(),
            rules: None,
            chains: None,
            limits: key.fields.limits.clone(),
            budgets: key.fields.budgets.clone(),
            metadata: key.fields.metadata.clone(),
            expires_at: key.fields.expires_at,
            revoked: key.revoked_at.is_some(),
        }
    }
}

impl From<&MappedKey> for KeyFacts {
    fn from(key: &MappedKey) -> Self {
        // The id must be stable and must not be the hash that identifies the key.
        let digest = Sha256::digest([b"key_map id: ", key.key.expose().as_bytes()].concat());
        let digest = hex::encode(digest);
        Self {
            id: Arc::from(format!("key_map_{}", digest.get(..12).unwrap_or_default())),
            label: key.label.as_deref().map(Arc::from),
            team: key.team.as_deref().map(Arc::from),
            project: key.project.as_deref().map(Arc::from),
            allowed_models: key.allowed_models.clone(),
            allowed_providers: key.allowed_providers.clone(),
            provider_keys: key.provider_keys.clone(),
            cache: key.cache,
            sanitization: key.sanitization.clone(),
            rules: None,
            chains: None,
            limits: key.limits.clone(),
            budgets: key.budgets.clone(),
            metadata: key.metadata.clone(),
            expires_at: None,
            revoked: false,
        }
    }
}

/// The one place where the current policy hangs.
#[derive(Debug)]
pub struct PolicyCell(ArcSwap<Policy>);

impl PolicyCell {
    /// A cell that holds `policy`.
    pub fn new(policy: Policy) -> Self {
        let policy = Arc::new(policy);
        stock(&policy);
        Self(ArcSwap::new(policy))
    }

    /// The policy as it is now.
    pub fn load(&self) -> Arc<Policy> {
        self.0.load_full()
    }

    /// Puts a new policy in place for every request that begins from now on.
    pub fn store(&self, policy: Policy) {
        let policy = Arc::new(policy);
        stock(&policy);
        self.0.store(policy);
    }
}

/// Looks up what there is to know of every provider's models, beside whoever waits: the first request that chooses
/// among all of them should not have to.
fn stock(policy: &Arc<Policy>) {
    let is_missing = |provider: &&Arc<Provider>| provider.enabled && policy.catalog.shelf_at_hand(provider).is_none();
    if !policy.providers.iter().any(|provider| is_missing(&provider)) {
        return;
    }
    let policy = Arc::clone(policy);
    // Where there is no thread for it, the first request does it.
    let _ = std::thread::Builder::new().name("shelves".to_owned()).spawn(move || {
        for provider in policy.providers.iter().filter(|provider| provider.enabled) {
            policy.catalog.shelf(provider);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::LoadOptions, provider::Resolver};

    #[test]
    fn what_a_policy_needs_of_the_catalog_is_looked_up_before_a_request_asks() {
        let directory = tempfile::tempdir().unwrap();
        let toml =
            "[[providers]]\nid = \"openai\"\napi_key = \"k\"\n[[providers]]\nid = \"anthropic\"\napi_key = \"k\"\n";
        std::fs::write(directory.path().join("config.toml"), toml).unwrap();
        let options = LoadOptions { working_dir: directory.path().to_owned(), ..LoadOptions::default() };
        let compile = || {
            let config = Arc::new(crate::config::load(&options).unwrap());
            Policy::compile(config, &Snapshot::default(), None, &Egress::load(Resolver::default())).unwrap()
        };
        let cell = PolicyCell::new(compile());
        let is_stocked = || {
            let policy = cell.load();
            policy.providers.iter().all(|provider| policy.catalog.shelf_at_hand(provider).is_some())
        };
        let wait = || {
            (0..2_000).any(|_| {
                is_stocked() || {
                    std::thread::sleep(std::time::Duration::from_millis(10));
                    false
                }
            })
        };
        assert!(wait(), "at the start");
        cell.store(compile());
        assert!(wait(), "and when it changes");
    }
}
