//! Which plugins there are, and from the configuration to chains of them.
//!
//! Settings are checked against the schema of their kind before a plugin is built; every error names file, line and key.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

use super::{
    Shared, auth,
    chain::{Chain, Scope},
    clickhouse,
    hooks::Hooks,
    logger, prompts, regex_hider, router,
    run::Installed,
    schema::{Misfit, Schema},
    wasm, webhook,
};
use crate::{
    config::{Config, ConfigErrors, PluginBlock, Provider},
    provider::{Egress, Resolver},
};

/// A kind of plugin that the gateway brings along.
#[derive(Debug)]
pub struct Kind {
    /// Its `type` in the configuration.
    pub id: &'static str,
    /// Its version.
    pub version: &'static str,
    /// What it does, for people.
    pub description: &'static str,
    /// JSON Schema of its `config`.
    pub schema: &'static str,
    /// The hooks that plugins of this kind may have.
    pub hooks: Hooks,
    /// Builds one from settings that fit the schema; what cannot be used all the same is told by path.
    pub build: fn(&PluginBlock, &Tools) -> Result<Shared, Vec<Misfit>>,
}

/// What a plugin may use of the house.
#[derive(Clone, Debug)]
pub struct Tools {
    /// How to call somebody: the one client, under the rules for addresses of the config file.
    pub egress: Egress,
    /// The directory of the gateway's data, in which a plugin may make one of its own.
    pub data_dir: PathBuf,
}

/// Every kind, by name.
static KINDS: [Kind; 8] = [
    auth::KIND,
    clickhouse::KIND,
    logger::KIND,
    router::KIND,
    prompts::KIND,
    regex_hider::KIND,
    wasm::KIND,
    webhook::KIND,
];

/// Every kind of plugin that the gateway brings along.
pub fn kinds() -> &'static [Kind] {
    &KINDS
}

/// The plugins of a policy.
#[derive(Debug, Default)]
pub struct Plugins {
    placed: Vec<Placed>,
    /// Projects whose chain may not be that of all others.
    projects: BTreeSet<String>,
    models: Arc<[String]>,
    anyone: Scope,
}

/// A plugin and where it was stated.
#[derive(Debug)]
struct Placed {
    /// The project in whose block it stands.
    project: Option<String>,
    block: PluginBlock,
    /// `None` when it is switched off.
    installed: Option<Arc<Installed>>,
}

impl Plugins {
    /// Builds the plugins; those that did not change are kept from `previous`, with what they know.
    ///
    /// # Errors
    /// What does not fit, each with its place.
    pub fn compile(
        config: &Config,
        providers: &[Arc<Provider>],
        tools: &Tools,
        previous: Option<&Self>,
    ) -> Result<Self, ConfigErrors> {
        let of_projects = config.projects.iter();
        let of_projects =
            of_projects.flat_map(|project| project.plugins.iter().map(|block| (Some(project.name.as_str()), block)));
        let (mut placed, mut errors) = (Vec::new(), Vec::new());
        for (project, block) in config.plugins.iter().map(|block| (None, block)).chain(of_projects) {
            let kept = previous.and_then(|before| before.find(project, block));
            let installed = match kept {
                Some(kept) => Some(kept),
                // What is switched off must be right all the same.
                None => match install(block, tools) {
                    Ok(installed) => block.enabled.then(|| Arc::new(installed)),
                    Err(misfits) => {
                        errors.extend(misfits);
                        None
                    }
                },
            };
            placed.push(Placed { project: project.map(str::to_owned), block: block.clone(), installed });
        }
        if !errors.is_empty() {
            return Err(ConfigErrors::from_lines(errors));
        }
        let projects = config.plugins.iter().flat_map(|block| block.projects.iter().cloned());
        let stating = config.projects.iter().filter(|project| !project.plugins.is_empty());
        let projects = projects.chain(stating.map(|project| project.name.clone())).collect();
        let mut plugins = Self { placed, projects, models: models(config, providers), anyone: Scope::default() };
        plugins.anyone = plugins.scope_of(&[]);
        Ok(plugins)
    }

    fn find(&self, project: Option<&str>, block: &PluginBlock) -> Option<Arc<Installed>> {
        let same = self.placed.iter().find(|known| known.project.as_deref() == project && known.block == *block)?;
        same.installed.clone().filter(|installed| installed.plugin().is_current())
    }

    /// The chains of requests whose key nobody names.
    pub const fn anyone(&self) -> &Scope {
        &self.anyone
    }

    /// The chains of a key with these names (id and label); `None` when no plugin names it.
    pub fn scope(&self, names: &[&str]) -> Option<Scope> {
        let is_named = self.placed.iter().any(|each| each.block.keys.iter().any(|key| names.contains(&key.as_str())));
        is_named.then(|| self.scope_of(names))
    }

    fn scope_of(&self, names: &[&str]) -> Scope {
        let of = self.projects.iter().map(|project| (project.clone(), self.chain(names, Some(project))));
        Scope { any: self.chain(names, None), of: of.collect() }
    }

    /// The default plugins in their order, then the project's; a project's takes the place of the one of its name.
    fn chain(&self, names: &[&str], project: Option<&str>) -> Option<Arc<Chain>> {
        let is_for = |block: &PluginBlock| {
            let by_project =
                block.projects.is_empty() || block.projects.iter().any(|known| Some(known.as_str()) == project);
            let by_key = block.keys.is_empty() || block.keys.iter().any(|key| names.contains(&key.as_str()));
            by_project && by_key
        };
        let mut chain: Vec<(&str, Option<Arc<Installed>>)> = Vec::new();
        for each in self.placed.iter().filter(|each| is_for(&each.block)) {
            let installed = || each.installed.clone();
            match &each.project {
                None => chain.push((&each.block.name, installed())),
                Some(own) if Some(own.as_str()) == project => {
                    match chain.iter_mut().find(|(name, _)| *name == each.block.name) {
                        Some((_, place)) => *place = installed(),
                        None => chain.push((&each.block.name, installed())),
                    }
                }
                Some(_) => {}
            }
        }
        Chain::of(chain.into_iter().filter_map(|(_, installed)| installed).collect(), &self.models)
    }

    /// Every plugin as it was stated, those that are switched off included: the project, the block, what runs.
    pub fn stated(&self) -> impl Iterator<Item = (Option<&str>, &PluginBlock, Option<&Arc<Installed>>)> {
        self.placed.iter().map(|each| (each.project.as_deref(), &each.block, each.installed.as_ref()))
    }

    /// Waits for what nobody waited for, within bounds, and lets every plugin write what it holds.
    pub async fn close(&self) {
        let running = self.placed.iter().filter_map(|each| each.installed.as_ref());
        futures_util::future::join_all(running.map(|installed| installed.close())).await;
    }
}

/// Checks a block and builds its plugin.
fn install(block: &PluginBlock, tools: &Tools) -> Result<Installed, Vec<String>> {
    let Some(kind) = KINDS.iter().find(|kind| kind.id == block.plugin_type) else {
        let known: Vec<&str> = KINDS.iter().map(|kind| kind.id).collect();
        let near = known.iter().map(|id| (strsim::damerau_levenshtein(id, &block.plugin_type), *id)).min();
        let hint = near.filter(|(distance, _)| *distance <= 3).map(|(_, id)| format!("; did you mean \"{id}\"?"));
        let hint = hint.unwrap_or_else(|| format!("; known are {}", known.join(", ")));
        return Err(vec![format!("{}: there is no such plugin{hint}", block.place_of("type"))]);
    };
    let told = |misfits: Vec<Misfit>| misfits.iter().map(|misfit| told(block, misfit)).collect::<Vec<_>>();
    let schema = serde_json::from_str(kind.schema).map_err(|fault| fault.to_string()).and_then(Schema::read);
    let schema =
        schema.map_err(|fault| vec![format!("{}: the schema of {} is broken: {fault}", block.name, kind.id)])?;
    let misfits = schema.check(&block.config);
    if !misfits.is_empty() {
        return Err(told(misfits));
    }
    let plugin = (kind.build)(block, tools).map_err(told)?;
    Ok(Installed::new(block.clone(), kind, plugin))
}

/// A misfit with its place in the file.
fn told(block: &PluginBlock, misfit: &Misfit) -> String {
    let path = match misfit.path.as_str() {
        "" => "config".to_owned(),
        path => format!("config.{path}"),
    };
    format!("{}: {}", block.place_of(&path), misfit.reason)
}

/// The names that may be asked for: the operator's, then each provider's.
fn models(config: &Config, providers: &[Arc<Provider>]) -> Arc<[String]> {
    let named = config.models.iter().map(|model| model.name.clone());
    let enabled = providers.iter().filter(|provider| provider.enabled);
    let of_providers = enabled.flat_map(|provider| {
        let models = provider.models.iter().chain(provider.default_model.iter());
        models.map(|model| format!("{}/{model}", provider.id))
    });
    let mut seen = BTreeSet::new();
    named.chain(of_providers).filter(|name| seen.insert(name.clone())).collect()
}

/// Whether the plugins of a configuration can be put in force.
///
/// # Errors
/// What does not fit, each with its place.
pub fn check(config: &Config) -> Result<(), ConfigErrors> {
    if config.plugins.is_empty() && config.projects.iter().all(|project| project.plugins.is_empty()) {
        return Ok(());
    }
    let tools = Tools { egress: Egress::load(Resolver::default()), data_dir: config.storage.path.clone() };
    Plugins::compile(config, &config.providers, &tools, None).map(|_| ())
}

/// The settings of a kind, read into its own type. What the schema lets through and the type does not take is an error
/// of ours, and told as one of the operator's.
pub(super) fn settings<T: serde::de::DeserializeOwned>(block: &PluginBlock) -> Result<T, Vec<Misfit>> {
    serde_path_to_error::deserialize(&block.config).map_err(|error| {
        let path = error.path().to_string();
        vec![Misfit { path: if path == "." { String::new() } else { path }, reason: error.inner().to_string() }]
    })
}
