//! Which limits hold for whom, as `[limits]`, providers, projects and keys state them.
//!
//! A subject's own limits stand in the place of those that hold for each of its scope; the global ones hold besides.

use std::{collections::HashMap, sync::Arc};

use super::{
    limiter::{Claim, Limiter},
    rate::RateSet,
};
use crate::config::{LimitSet, Limits, Scope};

/// Scopes that are known when a request comes.
const CALLER: [Scope; 4] = [Scope::Global, Scope::Key, Scope::Project, Scope::Source];
/// Scopes that are known when a call is made.
const TARGET: [Scope; 2] = [Scope::Provider, Scope::Model];

/// The compiled rules.
#[derive(Debug, Default)]
pub struct LimitRules {
    /// The counters, which outlive the rules.
    pub limiter: Arc<Limiter>,
    /// For each subject of a scope.
    each: [Option<Arc<RateSet>>; Scope::ALL.len()],
    /// For one subject.
    named: [HashMap<Arc<str>, Arc<RateSet>>; Scope::ALL.len()],
}

/// Who asks. `None` where a request bears no such name.
#[derive(Clone, Copy, Debug, Default)]
pub struct Caller<'a> {
    /// The key's id.
    pub key: Option<&'a Arc<str>>,
    /// The project.
    pub project: Option<&'a Arc<str>>,
    /// The requester.
    pub source: Option<&'a Arc<str>>,
    /// The key's team.
    pub team: Option<&'a Arc<str>>,
}

impl Caller<'_> {
    pub(super) fn name(&self, scope: Scope) -> Option<&Arc<str>> {
        match scope {
            Scope::Key => self.key,
            Scope::Project => self.project,
            Scope::Source => self.source,
            Scope::Team => self.team,
            Scope::Global | Scope::Provider | Scope::Model => None,
        }
    }
}

impl LimitRules {
    /// Compiles the rules; `named` are those of providers, projects and keys. Counters go on from `before`.
    pub fn compile<'a>(
        limits: &'a Limits,
        named: impl IntoIterator<Item = (Scope, &'a str, &'a LimitSet)>,
        before: Option<&Self>,
    ) -> Self {
        let mut rules =
            Self { limiter: before.map(|before| Arc::clone(&before.limiter)).unwrap_or_default(), ..Self::default() };
        let global = (!limits.global.is_empty()).then_some((Scope::Global, &limits.global));
        for (scope, set) in limits.each.iter().map(|(scope, set)| (*scope, set)).chain(global) {
            if let Some(place) = rules.each.get_mut(scope as usize).filter(|_| !set.is_empty()) {
                *place = Some(RateSet::of(set));
            }
        }
        let own = limits.named.iter().map(|(scope, name, set)| (*scope, name.as_str(), set));
        for (scope, name, set) in own.chain(named) {
            if let Some(names) = rules.named.get_mut(scope as usize) {
                names.insert(Arc::from(name), RateSet::of(set));
            }
        }
        rules
    }

    fn holds_any(&self, scopes: &[Scope]) -> bool {
        scopes.iter().any(|scope| {
            let place = *scope as usize;
            self.each.get(place).is_some_and(Option::is_some)
                || self.named.get(place).is_some_and(|all| !all.is_empty())
        })
    }

    fn named(&self, scope: Scope, name: &str) -> Option<(&Arc<str>, &Arc<RateSet>)> {
        self.named.get(scope as usize)?.get_key_value(name)
    }

    fn each(&self, scope: Scope) -> Option<&Arc<RateSet>> {
        self.each.get(scope as usize)?.as_ref()
    }

    /// What a request counts for, whoever answers it; empty where nothing is limited.
    pub fn of_caller(&self, caller: Caller<'_>) -> Vec<Claim> {
        if !self.holds_any(&CALLER) {
            return Vec::new();
        }
        let claim = |scope: Scope| {
            let name = caller.name(scope);
            let rates = name.and_then(|name| self.named(scope, name)).map(|(_, rates)| rates);
            let rates = Arc::clone(rates.or_else(|| self.each(scope))?);
            let subject = name.map_or_else(|| Arc::from(""), Arc::clone);
            (!rates.rates.is_empty()).then_some(Claim { scope, subject, rates })
        };
        CALLER.into_iter().filter_map(claim).collect()
    }

    /// Whether calls of any provider or model are limited.
    pub fn limits_targets(&self) -> bool {
        self.holds_any(&TARGET)
    }

    /// What a call counts for. A model is limited by the name `provider/model`, else by its own, else as each.
    pub fn of_target(&self, provider: &str, model: Option<&str>) -> Vec<Claim> {
        if !self.limits_targets() {
            return Vec::new();
        }
        let of_provider = self.named(Scope::Provider, provider).map(|(name, rates)| (Arc::clone(name), rates));
        let of_provider = of_provider.or_else(|| Some((Arc::from(provider), self.each(Scope::Provider)?)));
        let of_model = model.and_then(|model| {
            let whole: Arc<str> = format!("{provider}/{model}").into();
            let own = self.named(Scope::Model, &whole).or_else(|| self.named(Scope::Model, model));
            let own = own.map(|(name, rates)| (Arc::clone(name), rates));
            own.or_else(|| Some((whole, self.each(Scope::Model)?)))
        });
        let claim = |scope: Scope, found: Option<(Arc<str>, &Arc<RateSet>)>| {
            let (subject, rates) = found?;
            (!rates.rates.is_empty()).then(|| Claim { scope, subject, rates: Arc::clone(rates) })
        };
        [claim(Scope::Provider, of_provider), claim(Scope::Model, of_model)].into_iter().flatten().collect()
    }

    /// Every limit with its subject; `None` stands for each of the scope.
    pub fn all(&self) -> Vec<(Scope, Option<Arc<str>>, Arc<RateSet>)> {
        let mut all = Vec::new();
        for scope in Scope::ALL {
            all.extend(self.each(scope).map(|rates| (scope, None, Arc::clone(rates))));
            let named = self.named.get(scope as usize).into_iter().flatten();
            all.extend(named.map(|(name, rates)| (scope, Some(Arc::clone(name)), Arc::clone(rates))));
        }
        all
    }

    /// Subjects that are limited as each of their scope and have used something.
    pub fn active(&self, scope: Scope, now_us: i64) -> Vec<Arc<str>> {
        let mut names = self.limiter.subjects(scope, now_us);
        names.retain(|name| self.named(scope, name).is_none());
        names
    }
}
