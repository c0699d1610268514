//! `[routing]`, `[[models]]` and `[[profiles]]`: where requests go.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    fields::{Fields, Stated},
    params::{self, CallSettings},
    report::{Report, did_you_mean},
    schema, sections,
    tree::{Node, Value},
    types::Provider,
};
use crate::domain::{Abilities, Ability};

/// `[routing]`
#[derive(Clone, Debug, PartialEq)]
pub struct Routing {
    /// How candidates are ordered where a named model states nothing else.
    pub strategy: Strategy,
    /// Whether a session stays with the target that served it last.
    pub sticky: bool,
    /// The profile of requests that name none.
    pub profile: Option<String>,
    /// Upstream calls that one request may make in all.
    pub max_attempts: u32,
    /// How often one target is tried again before the next one is.
    pub retries: u32,
    /// The first pause before a retry; it doubles with each further one, and half of it is drawn by lot.
    pub retry_backoff: Duration,
    /// Longest pause that is waited for because a provider asked for it (`Retry-After`).
    pub retry_after_max: Duration,
    /// Retries and fallbacks end so long after the request came.
    pub retry_deadline: Duration,
    /// Retries that a provider may be asked for, as a share of its calls of the last minute (0 to 1).
    pub retry_budget: f32,
    /// Failures in a row after which a provider's model is left alone; 0 never.
    pub breaker_failures: u32,
    /// How long it is left alone before one request probes it.
    pub breaker_cooldown: Duration,
    /// How long a target may keep silent before the next one is asked beside it; `None` never asks two at once.
    pub hedge_after: Option<Duration>,
    /// Whether outcomes (errors, truncated and empty answers, retries) count for a model's quality, a little.
    pub automatic_signals: bool,
}

impl Default for Routing {
    fn default() -> Self {
        Self {
            strategy: Strategy::Priority,
            sticky: true,
            profile: None,
            max_attempts: 4,
            retries: 1,
            retry_backoff: Duration::from_millis(250),
            retry_after_max: Duration::from_secs(5),
            retry_deadline: Duration::from_secs(30),
            retry_budget: 0.2,
            breaker_failures: 5,
            breaker_cooldown: Duration::from_secs(30),
            hedge_after: None,
            automatic_signals: true,
        }
    }
}

/// How the candidates of a request are ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// By `priority`, lower first.
    #[default]
    Priority,
    /// Each in turn.
    RoundRobin,
    /// By lot, in proportion to `weight`.
    Weighted,
    /// The fastest of late, measured to the first content.
    LowestLatency,
    /// The cheapest for this request.
    CostOptimized,
    /// The best by the profile's weights.
    BestScore,
}

impl Strategy {
    /// Every strategy, for tables and tests.
    pub const ALL: [Self; 6] =
        [Self::Priority, Self::RoundRobin, Self::Weighted, Self::LowestLatency, Self::CostOptimized, Self::BestScore];

    /// The name in config files and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Priority => "priority",
            Self::RoundRobin => "round_robin",
            Self::Weighted => "weighted",
            Self::LowestLatency => "lowest_latency",
            Self::CostOptimized => "cost_optimized",
            Self::BestScore => "best_score",
        }
    }

    /// Reads the name back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|strategy| strategy.as_str() == text)
    }
}

/// How much each factor of a score counts; only their proportions matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Weights {
    /// How good the answers are.
    pub quality: f32,
    /// How cheap they are.
    pub price: f32,
    /// How soon they begin.
    pub latency: f32,
    /// How rarely calls fail.
    pub reliability: f32,
    /// A warm prompt cache.
    pub affinity: f32,
}

/// `[[models]]`: a name of the operator's own, and where it leads.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedModel {
    /// What clients ask for.
    pub name: String,
    /// Further names for the same.
    pub aliases: Vec<String>,
    /// Where it leads.
    pub targets: Vec<ModelTarget>,
    /// How the targets are ordered; `None` is `routing.strategy`.
    pub strategy: Option<Strategy>,
    /// Whether a session stays with the target that served it last; `None` is `routing.sticky`.
    pub sticky: Option<bool>,
    /// What holds for calls to its targets that state nothing else.
    pub settings: Arc<CallSettings>,
    /// Names that are tried, in this order, when every target failed: `provider/model`, another named
    /// model (without its own fallbacks), or a model that a provider is known to serve.
    pub fallbacks: Vec<String>,
}

/// One target of a named model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelTarget {
    /// Provider id.
    pub provider: String,
    /// The model to ask for; `None` is the provider's default.
    pub model: Option<String>,
    /// Share of the requests (strategy `weighted`).
    pub weight: u32,
    /// Lower goes first (strategy `priority`); targets that state none keep their order.
    pub priority: u32,
    /// What holds for calls to it, those of the named model included.
    pub settings: Arc<CallSettings>,
}

/// `[[profiles]]`: a profile of the operator's own.
#[derive(Clone, Debug, PartialEq)]
pub struct ProfileBlock {
    /// Its name; one of a built-in profile replaces that.
    pub id: String,
    /// How much each factor counts.
    pub weights: Weights,
    /// What a model must be able to do, whatever the request uses.
    pub needs: Abilities,
    /// The least context window, in tokens.
    pub min_context_tokens: Option<u64>,
    /// Only providers on the operator's own machines.
    pub local_only: bool,
}

/// Names with a meaning of their own, which no model may take.
const RESERVED_MODELS: [&str; 2] = ["auto", "default"];

/// `[routing]`
pub(super) fn routing(fields: &mut Fields<'_>) -> Routing {
    let usual = Routing::default();
    let millis = |fields: &mut Fields<'_>, key: &str, usual: Duration| {
        fields.number(key, 0..=600_000).map_or(usual, Duration::from_millis)
    };
    Routing {
        strategy: strategy(fields).unwrap_or_default(),
        sticky: fields.flag("sticky").unwrap_or(usual.sticky),
        profile: fields.text("profile").map(|profile| profile.value),
        max_attempts: sections::small(fields, "max_attempts", 1, 16, usual.max_attempts),
        retries: sections::small(fields, "retries", 0, 8, usual.retries),
        retry_backoff: millis(fields, "retry_backoff_ms", usual.retry_backoff),
        retry_after_max: millis(fields, "retry_after_max_ms", usual.retry_after_max),
        retry_deadline: fields.seconds("retry_deadline").unwrap_or(usual.retry_deadline),
        retry_budget: fields.fraction("retry_budget", 1.0).unwrap_or(usual.retry_budget),
        breaker_failures: sections::small(fields, "breaker_failures", 0, 1_000, usual.breaker_failures),
        breaker_cooldown: fields.seconds("breaker_cooldown").unwrap_or(usual.breaker_cooldown),
        hedge_after: fields.number("hedge_after_ms", 0..=600_000).filter(|ms| *ms > 0).map(Duration::from_millis),
        automatic_signals: fields.flag("automatic_signals").unwrap_or(usual.automatic_signals),
    }
}

fn strategy(fields: &mut Fields<'_>) -> Option<Strategy> {
    let text = fields.text("strategy")?;
    let strategy = Strategy::parse(&text.value);
    if strategy.is_none() {
        let known = Strategy::ALL.map(Strategy::as_str);
        let hint = did_you_mean(&text.value, known);
        let right = if hint.is_empty() { format!("; write one of {}", known.join(", ")) } else { hint };
        fields.error_at(&text.place, "strategy", format_args!("{} is not known{right}", text.quoted()));
    }
    strategy
}

/// `[[models]]`
pub(super) fn models(nodes: Vec<Node>, providers: &[Arc<Provider>], report: &Report) -> Vec<NamedModel> {
    let mut models: Vec<NamedModel> = Vec::new();
    for node in nodes {
        let mut fields = Fields::of("models", node, report);
        if let Some(section) = schema::section("models") {
            fields.only(section);
        }
        let Some(name) = fields.text("name") else {
            fields.error("name", "is missing; give the model the name that clients ask for");
            continue;
        };
        let aliases = fields.list("aliases").unwrap_or_default();
        for (key, own) in std::iter::once(("name", &name)).chain(aliases.iter().map(|alias| ("aliases", alias))) {
            check_name(&fields, key, own, &models, providers);
        }
        let settings = params::call_settings(&mut fields, "models", report);
        let targets = targets(&mut fields, &settings, providers, report);
        let strategy = strategy(&mut fields);
        let sticky = fields.flag("sticky");
        let fallbacks = fields.list("fallbacks").unwrap_or_default().into_iter().map(|name| name.value).collect();
        let aliases = aliases.into_iter().map(|alias| alias.value).collect();
        models.push(NamedModel { name: name.value, aliases, targets, strategy, sticky, settings, fallbacks });
    }
    models
}

fn check_name(
    fields: &Fields<'_>,
    key: &str,
    name: &Stated<String>,
    models: &[NamedModel],
    providers: &[Arc<Provider>],
) {
    let text = name.value.as_str();
    let is_taken = |model: &NamedModel| model.name == text || model.aliases.iter().any(|alias| alias == text);
    let is_pin = |provider: &Arc<Provider>| text.split_once('/').is_some_and(|(prefix, _)| prefix == provider.id);
    let what = if RESERVED_MODELS.contains(&text) || text.starts_with("auto:") {
        "is a reserved name; choose another"
    } else if models.iter().any(is_taken) {
        "is the name of another [[models]] block already; give each its own"
    } else if providers.iter().any(is_pin) {
        "begins with a provider's id and a slash, which pins that provider; choose another"
    } else if text.len() > 256 || text.chars().any(char::is_control) {
        "is not a name; use up to 256 bytes of text"
    } else {
        return;
    };
    fields.error_at(&name.place, key, format_args!("{} {what}", name.quoted()));
}

fn targets(
    fields: &mut Fields<'_>,
    settings: &Arc<CallSettings>,
    providers: &[Arc<Provider>],
    report: &Report,
) -> Vec<ModelTarget> {
    let place = fields.place_of("targets");
    let items = match fields.node("targets") {
        Some(Node { value: Value::List(items), .. }) if !items.is_empty() => items,
        _ => {
            let right =
                "write a list such as [\"openai/gpt-5\", { provider = \"azure\", model = \"gpt-5\", weight = 2 }]";
            fields.error_at(&place, "targets", right);
            return Vec::new();
        }
    };
    items.into_iter().filter_map(|item| target(item, settings, providers, report)).collect()
}

fn target(
    item: Node,
    settings: &Arc<CallSettings>,
    providers: &[Arc<Provider>],
    report: &Report,
) -> Option<ModelTarget> {
    const PATH: &str = "models.targets";
    let (target, provider) = match item.value {
        Value::Text(text) => {
            let provider = text.split_once('/').map_or(text.as_str(), |(provider, _)| provider).to_owned();
            let model = text.split_once('/').map(|(_, model)| model.to_owned()).filter(|model| !model.is_empty());
            let stated = Stated { value: provider.clone(), place: item.place.clone(), shown: !item.from_env };
            (ModelTarget { provider, model, weight: 1, priority: 0, settings: Arc::clone(settings) }, stated)
        }
        _ => {
            let mut fields = Fields::of(PATH, item, report);
            fields.only_keys(&schema::TARGET_KEYS, &[]);
            let Some(provider) = fields.text("provider") else {
                fields.error("provider", "is missing; name the provider that this target is at");
                return None;
            };
            let model = fields.text("model").map(|model| model.value);
            let weight = sections::small(&mut fields, "weight", 0, 1_000_000, 1);
            let priority = sections::small(&mut fields, "priority", 0, 1_000_000, 0);
            let own = params::call_settings(&mut fields, PATH, report);
            let settings = Arc::new(Arc::unwrap_or_clone(own).over(settings));
            (ModelTarget { provider: provider.value.clone(), model, weight, priority, settings }, provider)
        }
    };
    sections::warn_unknown(
        &Fields::new(PATH, provider.place.clone(), super::tree::Table::default(), report),
        "provider",
        &provider,
        providers,
    );
    Some(target)
}

/// `[[profiles]]`
pub(super) fn profiles(nodes: Vec<Node>, report: &Report) -> Vec<ProfileBlock> {
    let mut profiles: Vec<ProfileBlock> = Vec::new();
    for node in nodes {
        let mut fields = Fields::of("profiles", node, report);
        if let Some(section) = schema::section("profiles") {
            fields.only(section);
        }
        let Some(id) = fields.text("id") else {
            fields.error("id", "is missing; give the profile a name");
            continue;
        };
        if profiles.iter().any(|other| other.id == id.value) {
            fields.error_at(&id.place, "id", format_args!("{} is stated twice; keep one block", id.quoted()));
        }
        let mut weight = |key: &str| fields.fraction(key, 1_000.0).unwrap_or_default();
        let weights = Weights {
            quality: weight("quality"),
            price: weight("price"),
            latency: weight("latency"),
            reliability: weight("reliability"),
            affinity: weight("affinity"),
        };
        if weights == Weights::default() {
            fields.error("", "weighs nothing; give at least one of quality, price, latency, reliability, affinity");
        }
        let needs = fields.list("needs").unwrap_or_default();
        let needs = needs.iter().filter_map(|need| ability(&fields, need)).collect();
        profiles.push(ProfileBlock {
            id: id.value,
            weights,
            needs,
            min_context_tokens: fields.number("min_context_tokens", 1..=1_000_000_000),
            local_only: fields.flag("local_only").unwrap_or_default(),
        });
    }
    profiles
}

fn ability(fields: &Fields<'_>, need: &Stated<String>) -> Option<Ability> {
    let ability = Ability::parse(&need.value);
    if ability.is_none() {
        let known = Ability::ALL.map(Ability::as_str);
        let hint = did_you_mean(&need.value, known);
        let right = if hint.is_empty() { format!("; known are {}", known.join(", ")) } else { hint };
        fields.error_at(&need.place, "needs", format_args!("{} is no ability{right}", need.quoted()));
    }
    ability
}
