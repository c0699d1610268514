//! The sanitizer's rules of each caller, compiled once per change of the policy.
//!
//! What a project states is laid over `[sanitization]`, what a key states over that. Equal settings
//! share one compiled set, and sets that a reload does not change are kept.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use super::{KeyFacts, Policy};
use crate::{
    config::{Config, ConfigErrors, Sanitization, SanitizationOverride, SanitizationPattern},
    domain::Direction,
    plugins::{Chain, Scope as Chains},
    sanitize::{Effect, RuleError, RuleSet},
};

/// Most different sets of rules; each takes memory and time to compile.
const MOST_SETS: usize = 512;

/// The rules of callers that share a key's statement, by project.
#[derive(Clone, Debug)]
pub(super) struct ByProject {
    /// For requests of projects that state nothing; `None` when nothing is looked for.
    any: Option<Arc<RuleSet>>,
    /// For projects that state something.
    of: HashMap<String, Option<Arc<RuleSet>>>,
}

impl ByProject {
    fn of(&self, project: Option<&str>) -> Option<&Arc<RuleSet>> {
        project.and_then(|project| self.of.get(project)).unwrap_or(&self.any).as_ref()
    }
}

/// Compiled sets by their settings.
pub(super) type Sets = HashMap<Sanitization, Arc<RuleSet>>;

/// Compiles the rules of one policy.
pub(super) struct Compiler<'a> {
    config: &'a Config,
    before: Option<&'a Sets>,
    sets: Sets,
    errors: Vec<String>,
}

impl<'a> Compiler<'a> {
    /// Begins a compilation; what `before` has compiled is taken over.
    pub(super) fn new(config: &'a Config, before: Option<&'a Sets>) -> Self {
        Self { config, before, sets: Sets::new(), errors: Vec::new() }
    }

    /// The rules of callers whose key states `over`; `owner` names the key where the settings have no place.
    /// Patterns that plugins lend come on top.
    pub(super) fn by_project(
        &mut self,
        over: Option<&SanitizationOverride>,
        chains: &Chains,
        owner: &str,
    ) -> ByProject {
        let config = self.config;
        let laid = |below: &Sanitization, project: Option<&str>| {
            let settings = over.map_or_else(|| below.clone(), |over| below.with(over));
            with_patterns(settings, chains.of(project).map_or(&[], |chain| Chain::patterns(chain)))
        };
        let any = self.set(laid(&config.sanitization, None), owner);
        let stated = |name: &str| {
            let project = config.projects.iter().find(|project| project.name == name);
            project.and_then(|project| project.sanitization.as_ref())
        };
        let stating = config.projects.iter().filter(|project| project.sanitization.is_some());
        let names: BTreeSet<&str> = stating.map(|project| project.name.as_str()).chain(chains.projects()).collect();
        let mut of = HashMap::new();
        for name in names {
            let below = stated(name).map(|own| config.sanitization.with(own));
            let settings = laid(below.as_ref().unwrap_or(&config.sanitization), Some(name));
            of.insert(name.to_owned(), self.set(settings, owner));
        }
        ByProject { any, of }
    }

    fn set(&mut self, settings: Sanitization, owner: &str) -> Option<Arc<RuleSet>> {
        let known = self.sets.get(&settings).or_else(|| self.before?.get(&settings)).cloned();
        let rules = match known {
            Some(rules) => rules,
            None if self.sets.len() >= MOST_SETS => {
                let what = format!("projects and keys state more than {MOST_SETS} different sets of rules; share some");
                self.fault(what);
                return None;
            }
            None => match RuleSet::compile(&settings) {
                Ok(rules) => Arc::new(rules),
                Err(error) => {
                    self.fault(told(&settings, &error, owner));
                    return None;
                }
            },
        };
        let does_anything = Direction::ALL.into_iter().any(|way| rules.effect(way) != Effect::Nothing);
        self.sets.insert(settings, Arc::clone(&rules));
        does_anything.then_some(rules)
    }

    /// What is laid over every project's settings is wrong for each of them, and told once.
    fn fault(&mut self, what: String) {
        if !self.errors.contains(&what) {
            self.errors.push(what);
        }
    }

    /// The sets that were needed.
    ///
    /// # Errors
    /// What of the settings could not be compiled, each with its place.
    pub(super) fn finish(self) -> Result<Sets, ConfigErrors> {
        if self.errors.is_empty() { Ok(self.sets) } else { Err(ConfigErrors::from_lines(self.errors)) }
    }
}

/// Settings with patterns that plugins lend. Where nothing else is looked for, nothing else is looked for then.
fn with_patterns(settings: Sanitization, lent: &[SanitizationPattern]) -> Sanitization {
    if lent.is_empty() {
        return settings;
    }
    let mut settings = match settings.enabled {
        true => settings,
        false => Sanitization {
            enabled: true,
            scan_credentials: false,
            redact_pii: false,
            compliance_gate: false,
            actions: Vec::new(),
            patterns: Vec::new(),
            ..settings
        },
    };
    settings.patterns.retain(|own| !lent.iter().any(|one| one.name.eq_ignore_ascii_case(&own.name)));
    settings.patterns.extend(lent.iter().cloned());
    settings
}

/// The error with the place at which the wrong thing was stated.
fn told(settings: &Sanitization, error: &RuleError, owner: &str) -> String {
    let name = match error {
        RuleError::Pattern { name, .. } | RuleError::UnknownName { name, .. } => name.as_str(),
        RuleError::TooLarge(_) => "",
    };
    format!("{}: {error}", settings.places.of(name).unwrap_or(owner))
}

/// Whether the sanitizer's rules of a configuration can be put in force.
///
/// # Errors
/// What is wrong, each with its place.
pub fn check_rules(config: &Config) -> Result<(), ConfigErrors> {
    let mut compiler = Compiler::new(config, None);
    let none = Chains::default();
    compiler.by_project(None, &none, "sanitization");
    for over in config.key_map.iter().filter_map(|key| key.sanitization.as_ref()) {
        compiler.by_project(Some(over), &none, "key_map.*.sanitization");
    }
    compiler.finish().map(|_| ())
}

impl Policy {
    /// The rules for requests with this key and of this project; `None` when nothing is looked for.
    pub fn rules_for<'a>(&'a self, key: Option<&'a KeyFacts>, project: Option<&str>) -> Option<&'a Arc<RuleSet>> {
        key.and_then(|key| key.rules.as_ref()).unwrap_or(&self.rules).of(project)
    }

    /// The settings behind [`Self::rules_for`], for showing and trying them.
    pub fn sanitization_for(&self, key: Option<&KeyFacts>, project: Option<&str>) -> Sanitization {
        let mut settings = self.config.sanitization.clone();
        let of_project = self.project(project).and_then(|project| project.sanitization.as_ref());
        let of_key = key.and_then(|key| key.sanitization.as_ref());
        for over in of_project.into_iter().chain(of_key) {
            settings = settings.with(over);
        }
        settings
    }

    /// The rules of these settings, compiled already if they are in force.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn compiled(&self, settings: Sanitization) -> Result<Arc<RuleSet>, ConfigErrors> {
        if let Some(rules) = self.rule_sets.get(&settings) {
            return Ok(Arc::clone(rules));
        }
        let compiled = RuleSet::compile(&settings).map(Arc::new);
        compiled.map_err(|error| ConfigErrors::from_lines(vec![told(&settings, &error, "sanitization")]))
    }

    /// Refuses what a key may not state: settings that would not compile.
    ///
    /// # Errors
    /// What is wrong, with its place.
    pub fn check_override(&self, over: &SanitizationOverride) -> Result<(), ConfigErrors> {
        let mut compiler = Compiler::new(&self.config, Some(&self.rule_sets));
        compiler.by_project(Some(over), self.plugins.anyone(), "sanitization");
        compiler.finish().map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config, domain::Action};

    fn config_of(toml: &str) -> Config {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("config.toml"), toml).unwrap();
        let options =
            config::LoadOptions { working_dir: directory.path().to_owned(), ..config::LoadOptions::default() };
        config::load(&options).unwrap()
    }

    const TOML: &str = "
[sanitization]
enabled = true
[[projects]]
name = \"clinic\"
[projects.sanitization]
compliance_gate = true
[[projects]]
name = \"plain\"
";

    #[test]
    fn equal_settings_share_one_set_and_a_change_keeps_what_it_does_not_touch() {
        let config = config_of(TOML);
        let off = SanitizationOverride {
            actions: vec![("email".to_owned(), Action::Off)],
            ..SanitizationOverride::default()
        };
        let mut compiler = Compiler::new(&config, None);
        let all = compiler.by_project(None, &Chains::default(), "");
        let one = compiler.by_project(Some(&off), &Chains::default(), "");
        let same = compiler.by_project(Some(&off.clone()), &Chains::default(), "");
        let nothing = compiler.by_project(Some(&SanitizationOverride::default()), &Chains::default(), "");
        let sets = compiler.finish().unwrap();
        assert_eq!(sets.len(), 4, "the default and the key's, each for the one project that states something");
        let at = |rules: &ByProject, project: Option<&str>| Arc::clone(rules.of(project).unwrap());
        assert!(Arc::ptr_eq(&at(&one, None), &at(&same, Some("plain"))));
        assert!(Arc::ptr_eq(&at(&all, None), &at(&nothing, Some("unknown"))));
        assert!(Arc::ptr_eq(&at(&all, Some("clinic")), &at(&nothing, Some("clinic"))));
        assert!(!Arc::ptr_eq(&at(&one, Some("clinic")), &at(&one, None)));
        assert_eq!(at(&one, Some("clinic")).action("email"), Action::Off, "the key's word is the last");
        assert_eq!(at(&one, Some("clinic")).action("openai_api_key"), Action::Block, "the project's stays");

        let changed = config_of(&TOML.replace("compliance_gate = true", "redact_pii = true"));
        let mut compiler = Compiler::new(&changed, Some(&sets));
        let after = compiler.by_project(None, &Chains::default(), "");
        assert!(Arc::ptr_eq(&at(&all, None), &at(&after, None)));
        assert!(!Arc::ptr_eq(&at(&all, Some("clinic")), &at(&after, Some("clinic"))));
    }

    #[test]
    fn sets_are_bounded_and_off_is_nothing_at_all() {
        let config = config_of("");
        let mut compiler = Compiler::new(&config, None);
        assert!(compiler.by_project(None, &Chains::default(), "").of(None).is_none());
        for number in 0..=MOST_SETS {
            let pattern = crate::config::SanitizationPattern {
                name: format!("p{number}"),
                pattern: "x".to_owned(),
                replacement: None,
                apply_to: crate::config::ApplyTo::Both,
                action: None,
            };
            let over = SanitizationOverride { patterns: vec![pattern], ..SanitizationOverride::default() };
            compiler.by_project(Some(&over), &Chains::default(), "");
        }
        assert!(compiler.finish().unwrap_err().to_string().contains("more than 512"));
    }
}
