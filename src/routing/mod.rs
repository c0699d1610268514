//! From a request to a plan: which provider and model are tried, in which order, and why.
//!
//! Pure: no I/O, no clock, no global. A model's name is resolved to candidates, what is known of them is
//! gathered as [`Facts`], and five layers decide; the facts of a request are kept, and give the same decision
//! whenever they are asked again.

mod close;
mod facts;
mod layers;
mod profile;
mod quality;
mod question;
mod resolve;
mod speech;
mod trace;
#[cfg(test)]
mod tests;

use std::{borrow::Cow, sync::Arc};

pub use close::close_names;
pub use facts::{Availability, Candidate, Capability, Facts, Forbidden, Merits, Need, Rule, Speech};
pub use layers::{Decision, Dropped, LAYERS, Layer, Reason, Score, Sieve, Sieved, Standing, decide};
pub use profile::{DEFAULT_PROFILE, Profile};
pub use quality::{Evidence, Posterior, Qualities, Scores};
pub use question::{Found, Question, Resolved};
pub use resolve::{heard, lets_pass, resolve, serves, to_ask};
pub use speech::{can_ask, speaks};
pub use trace::{MoreFallen, Trace, TraceError};

use crate::{
    catalog::{Known, Offer, OfferPrice},
    config::{CallSettings, Provider, ProviderTimeouts, ProviderType},
    domain::{Api, Endpoint, Timestamp},
};

/// An ordered, non-empty list of attempts.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Tried in this order, the next one when the one before failed and nothing has gone out yet.
    pub targets: Vec<Target>,
    /// Layers that were overruled (see [`Sieved::overruled`]).
    pub overruled: Vec<Layer>,
}

/// What came of a question: a plan or none, and what is kept of it in any case.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The plan, or why there is none.
    pub outcome: Result<Plan, Unroutable>,
    /// The stored form of the [`Trace`].
    pub trace: Arc<[u8]>,
    /// The profile whose weights decided; `None` where the order came from elsewhere.
    pub profile: Option<Arc<str>>,
}

/// A decision with all that it rests on.
#[derive(Clone, Debug)]
pub struct Considered<'a> {
    /// Who could be asked and what is known of them; nobody where the name leads nowhere.
    pub facts: Facts<'a>,
    /// What the layers say of it.
    pub decision: Decision,
    /// Who the candidates are, in the order of the facts.
    pub found: Vec<Found<'a>>,
    /// Why nobody can be asked.
    pub refusal: Option<Unroutable>,
}

/// One upstream call to make.
#[derive(Clone, Debug)]
pub struct Target {
    /// Who is called.
    pub provider: Arc<Provider>,
    /// The model to ask for; `None` for paths that name none.
    pub model: Option<Arc<str>>,
    /// The API to speak.
    pub api: Api,
    /// The time limits of the call.
    pub timeouts: ProviderTimeouts,
    /// What the name that was asked for says of it.
    pub settings: Option<Arc<CallSettings>>,
}

/// What the running house knows of a candidate.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Observed {
    /// Whether it can be asked now.
    pub availability: Availability,
    /// See [`Merits::latency_ms`].
    pub latency_ms: Option<f32>,
    /// See [`Merits::error_rate`].
    pub error_rate: Option<f32>,
    /// See [`Merits::quality`].
    pub quality: Option<f32>,
    /// See [`Merits::warm`].
    pub warm: bool,
}

/// What the moment of a decision adds to it.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// When it is made.
    pub at: Timestamp,
    /// Counts decisions.
    pub turn: u64,
    /// A random number.
    pub dice: u64,
}

/// Why no plan could be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unroutable {
    /// Not one provider is configured and enabled.
    #[error("no provider is configured: add a [[providers]] block, set e.g. OPENAI_API_KEY, or POST /v1/providers")]
    NoProvider,
    /// No provider speaks this API.
    #[error("no configured provider speaks the {api} API of this endpoint (configured: {configured}){instead}")]
    NobodySpeaks {
        /// The endpoint's API.
        api: &'static str,
        /// What to ask instead, if there is something.
        instead: &'static str,
        /// Ids of the enabled providers that the key may use.
        configured: String,
    },
    /// The pinned provider does not speak the endpoint's API.
    #[error("provider `{provider}` does not speak the {api} API of this endpoint{instead}")]
    WrongApi {
        /// The pinned provider.
        provider: String,
        /// The endpoint's API.
        api: &'static str,
        /// What to ask instead, if there is something.
        instead: &'static str,
    },
    /// Whoever serves the model speaks another API, and those who speak this one do not serve it.
    #[error("model `{model}` is served by `{provider}`, which does not speak the {api} API of this endpoint{instead}")]
    ServedElsewhere {
        /// The model asked for.
        model: String,
        /// Who serves it.
        provider: String,
        /// The endpoint's API.
        api: &'static str,
        /// What to ask instead, if there is something.
        instead: &'static str,
    },
    /// Nobody is known to serve the model, and somebody a model that is spelled nearly so.
    #[error(
        "nobody is known to serve model `{model}`, which looks misspelt; `{provider}/{model}` is asked all the same"
    )]
    Misspelt {
        /// The model asked for.
        model: String,
        /// A provider that could be asked all the same.
        provider: String,
    },
    /// The wanted provider does not exist or is disabled.
    #[error("no enabled provider `{provider}` (enabled: {configured})")]
    UnknownProvider {
        /// The name that was asked for.
        provider: String,
        /// Ids of the enabled providers that the key may use.
        configured: String,
    },
    /// The wanted profile does not exist.
    #[error("no profile `{profile}` (known: {known})")]
    UnknownProfile {
        /// The name that was asked for.
        profile: String,
        /// The profiles that exist.
        known: String,
    },
    /// No target of a named model is there.
    #[error("not one target of model `{model}` is a configured and enabled provider")]
    NoTarget {
        /// The named model.
        model: String,
    },
    /// No model was named and no provider has a default one.
    #[error("no model was named (or `default`) and no provider has a default_model: name one of {known}")]
    NoDefaultModel {
        /// Some names that would work.
        known: String,
    },
    /// The caller's key or project may not use the model.
    #[error("this {who} may not use model `{model}` (allowed: {allowed})")]
    ModelForbidden {
        /// `key` or `project`, whichever says so.
        who: &'static str,
        /// The model asked for.
        model: String,
        /// What it may use.
        allowed: String,
    },
    /// The caller's key may not use the pinned provider.
    #[error("this key may not use provider {wanted} (allowed: {allowed})")]
    ProviderForbidden {
        /// The pinned provider.
        wanted: String,
        /// What the key may use.
        allowed: String,
    },
    /// Every model fell at layer 1 or 2.
    #[error("no model can serve this request: {why}")]
    NobodyCan {
        /// The reasons, counted.
        why: String,
    },
    /// Everyone who could serve the request is over a limit or a budget.
    #[error("nobody who could serve this request is available: {why}")]
    NobodyAvailable {
        /// The reasons, by provider.
        why: String,
        /// When the first may be available again, in microseconds since the Unix epoch.
        retry_at_us: Option<i64>,
    },
}

/// Makes the plan of a request, and what is kept of it. `observe` tells what the running house knows of a candidate.
pub fn plan<'a>(
    question: &Question<'a>,
    need: Need,
    moment: Moment,
    observe: impl Fn(&Provider, Option<&str>) -> Observed,
) -> Planned {
    let Considered { facts, decision, found, refusal } = consider(question, need, moment, observe);
    let words = refusal.as_ref().map(ToString::to_string);
    let trace = Trace::write(&facts, &decision, (question.provider_wanted, question.profile), words.as_deref()).into();
    let weighed = facts.strategy == crate::config::Strategy::BestScore;
    let profile = weighed.then(|| Arc::from(facts.profile.id.as_str()));
    if let Some(unroutable) = refusal {
        return Planned { outcome: Err(unroutable), trace, profile };
    }
    let target = |standing: &Standing| {
        let found = found.get(standing.candidate)?;
        let model = found.model.as_deref().map(Arc::from);
        let provider = Arc::clone(found.provider);
        let settings = found.settings.cloned();
        let timeouts = settings.as_ref().map_or(provider.timeouts, |own| own.timeouts(provider.timeouts));
        let api = speech::asked_in(provider.provider_type, question.endpoint);
        Some(Target { provider, model, api, timeouts, settings })
    };
    // Of a choice among all models no more are tried than the trace keeps.
    let most = if facts.rule == Rule::Auto { trace::KEPT_OF_ORDER } else { usize::MAX };
    let targets = decision.order.iter().take(most).filter_map(target).collect();
    Planned { outcome: Ok(Plan { targets, overruled: decision.overruled }), trace, profile }
}

/// Sends everybody whom the question leads to through the layers.
pub fn consider<'a>(
    question: &Question<'a>,
    need: Need,
    moment: Moment,
    observe: impl Fn(&Provider, Option<&str>) -> Observed,
) -> Considered<'a> {
    let purpose = question.endpoint.purpose().into_iter().collect();
    let need = Need { abilities: need.abilities.or(purpose), ..need };
    let resolved = match resolve(question) {
        Ok(resolved) => resolved,
        Err(unroutable) => {
            let facts = of_nobody(question, need, moment);
            let decision = decide(&facts);
            return Considered { facts, decision, found: Vec::new(), refusal: Some(unroutable) };
        }
    };
    let facts = gather(question, &resolved, need, moment, observe);
    let decision = decide(&facts);
    let refusal = decision.order.is_empty().then(|| unroutable(question, &facts, &decision));
    Considered { facts, decision, found: resolved.found, refusal }
}

/// The facts of a question that leads nowhere.
fn of_nobody(question: &Question<'_>, need: Need, moment: Moment) -> Facts<'static> {
    Facts {
        rule: Rule::Nowhere,
        at_us: moment.at.unix_us,
        need,
        profile: Profile::balanced(),
        strategy: question.strategy,
        sticky: question.sticky,
        turn: 0,
        dice: 0,
        candidates: Vec::new(),
    }
}

/// Everything that the layers look at.
pub fn gather<'a>(
    question: &Question<'a>,
    resolved: &Resolved<'a>,
    need: Need,
    moment: Moment,
    observe: impl Fn(&Provider, Option<&str>) -> Observed,
) -> Facts<'a> {
    let candidate = |found: &Found<'a>| {
        let provider = found.provider.as_ref();
        let observed = observe(provider, found.model.as_deref());
        let looked_up = || found.model.as_deref().map(|model| question.catalog.known(provider, model));
        let known = found.offer.map(|offer| offer.known).or_else(looked_up).unwrap_or_default();
        let merits = Merits {
            // What was learned here counts before what others measured.
            quality: observed.quality.or(known.quality),
            latency_ms: observed.latency_ms,
            error_rate: observed.error_rate,
            warm: observed.warm,
            ..list_price(question, found, moment.at)
        };
        Candidate {
            provider: Cow::Borrowed(provider.id.as_str()),
            model: found.model.clone(),
            tier: found.tier,
            priority: found.priority,
            weight: found.weight,
            forbidden: found.forbidden,
            local: matches!(provider.provider_type, ProviderType::Local | ProviderType::Ollama),
            capability: capability(question, found, &known),
            availability: observed.availability,
            merits,
        }
    };
    Facts {
        rule: resolved.rule,
        at_us: moment.at.unix_us,
        need,
        profile: resolved.profile.clone(),
        strategy: resolved.strategy,
        sticky: resolved.sticky,
        turn: if resolved.strategy == crate::config::Strategy::RoundRobin { moment.turn } else { 0 },
        dice: if resolved.strategy == crate::config::Strategy::Weighted { moment.dice } else { 0 },
        candidates: resolved.found.iter().map(candidate).collect(),
    }
}

/// What a million tokens cost there by the price lists of today.
fn list_price(question: &Question<'_>, found: &Found<'_>, at: Timestamp) -> Merits {
    let Some(model) = found.model.as_deref() else { return Merits::default() };
    let rates = match found.offer {
        Some(Offer { price: OfferPrice::Settled(rates), .. }) => rates,
        _ => question.catalog.list_price(found.provider, model, at),
    };
    Merits {
        input_microcents_per_mtok: rates.map(|(input, _)| input),
        output_microcents_per_mtok: rates.map(|(_, output)| output),
        ..Merits::default()
    }
}

/// What the model is known to be able to do, there and in the client's API.
fn capability(question: &Question<'_>, found: &Found<'_>, known: &Known) -> Capability {
    Capability {
        speech: speech::speech(found.provider.provider_type, question.endpoint),
        context_tokens: known.context_tokens,
        output_tokens: known.output_tokens,
        can: known.can,
        cannot: known.cannot,
    }
}

/// Every candidate is a model that the key or the project may not use.
fn model_forbidden(question: &Question<'_>, model: String) -> Unroutable {
    // Where both say what may be used, nobody is told more than holds for both.
    let both = || question.project_models.iter().filter(|name| question.allowed_models.contains(name)).cloned();
    let (who, allowed) = match (question.allowed_models, question.project_models) {
        (of_key, []) => ("key", of_key.join(", ")),
        ([], of_project) => ("project", of_project.join(", ")),
        _ => ("key", both().collect::<Vec<_>>().join(", ")),
    };
    Unroutable::ModelForbidden { who, model, allowed }
}

/// What to ask where nobody can be asked what was.
const fn instead(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::Completions => {
            ": it is forwarded as it is; ask POST /v1/chat/completions, which is translated for every provider"
        }
        _ => "",
    }
}

/// Says why everybody fell.
fn unroutable(question: &Question<'_>, facts: &Facts<'_>, decision: &Decision) -> Unroutable {
    let last = decision.fallen.last().map(|(layer, _)| *layer);
    let model = || question.model.unwrap_or("default").to_owned();
    let reasons = || decision.fallen.iter().map(|(_, dropped)| dropped.reason);
    if reasons().all(|reason| reason == Reason::ModelForbidden) {
        return model_forbidden(question, model());
    }
    if reasons().all(|reason| reason == Reason::ProviderForbidden) {
        let wanted = facts.candidates.first().map_or_else(String::new, |candidate| candidate.provider.to_string());
        return Unroutable::ProviderForbidden { wanted, allowed: question.allowed_providers.join(", ") };
    }
    if reasons().all(|reason| reason == Reason::OtherApi) {
        let provider = facts.candidates.first().map_or_else(String::new, |candidate| candidate.provider.to_string());
        let (api, instead) = (question.endpoint.api().as_str(), instead(question.endpoint));
        return Unroutable::ServedElsewhere { model: model(), provider, api, instead };
    }
    if last != Some(Layer::Availability) {
        return Unroutable::NobodyCan { why: counted(decision) };
    }
    let late = |reason: Reason| match reason {
        Reason::OverLimit { until_us } => Some(until_us),
        _ => None,
    };
    Unroutable::NobodyAvailable { why: counted(decision), retry_at_us: reasons().filter_map(late).min() }
}

/// The reasons and how many candidates each of them felled.
fn counted(decision: &Decision) -> String {
    let mut counts: Vec<(String, usize)> = Vec::new();
    for (_, dropped) in &decision.fallen {
        let word = dropped.reason.to_string();
        match counts.iter_mut().find(|(known, _)| *known == word) {
            Some((_, count)) => *count += 1,
            None => counts.push((word, 1)),
        }
    }
    let say = |(word, count): &(String, usize)| if *count == 1 { word.clone() } else { format!("{word} ({count}×)") };
    counts.iter().take(6).map(say).collect::<Vec<_>>().join(", ")
}
