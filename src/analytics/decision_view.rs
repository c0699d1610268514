//! A routing decision as the API shows it: every candidate, and what each of the five layers made of it.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    config::Weights,
    domain::{Abilities, Ability, Timestamp},
    routing::{Candidate, Decision, Facts, LAYERS, Layer, Reason, Score, Trace},
};

/// A routing decision. `null` means unknown, never 0.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DecisionView {
    /// How the model's name led to the candidates: `pinned`, `named`, `auto`, `header`, `default`, `known_model`,
    /// `native` or `nowhere`.
    pub rule: &'static str,
    /// The same in words.
    pub rule_text: &'static str,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// How layer 5 orders what is left.
    pub strategy: &'static str,
    /// Whether a session stays with the target that served it last.
    pub sticky: bool,
    /// What weighs layer 4.
    pub profile: ProfileView,
    /// What the request needs of a model.
    pub need: NeedView,
    /// How many candidates there were. Of more than 24 a stored decision keeps the head of its order and one of
    /// each kind that fell.
    pub candidate_count: usize,
    /// The candidates, in the order in which they were found. Everything below speaks of them by their place here.
    pub candidates: Vec<CandidateView>,
    /// The five layers in their order.
    pub layers: Vec<LayerView>,
    /// Who is tried, in this order, by place in `candidates`.
    pub order: Vec<usize>,
    /// How many more are tried after these.
    pub more_in_order: u32,
    /// What the client is told when there is nobody to ask.
    pub refusal: Option<String>,
}

/// The profile that weighs the factors of layer 4.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = DecisionProfile)]
pub struct ProfileView {
    /// Its name.
    pub id: String,
    /// How much each factor counts; only their proportions matter.
    pub weights: FactorsView,
    /// What a model must be able to do, whatever the request uses.
    pub needs: Vec<&'static str>,
    /// The least context window, in tokens.
    pub min_context_tokens: Option<u64>,
    /// Only providers on the operator's own machines.
    pub local_only: bool,
}

/// A number for each factor of layer 4.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = RoutingFactors)]
pub struct FactorsView {
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

/// What a request needs of a model.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = RoutingNeed)]
pub struct NeedView {
    /// Prompt tokens, estimated before the call.
    pub input_tokens: u64,
    /// The most output tokens that the client allows, if it says so.
    pub max_output_tokens: Option<u64>,
    /// What the endpoint is for (`chat`, `embeddings`, `images`, `speech`, `transcription`, `moderation`, `rerank`), and
    /// what the request uses: `tools`, `vision`, `audio`, `documents`, `json_schema`, `reasoning`, `streaming`.
    pub abilities: Vec<&'static str>,
    /// Always true: nobody has counted yet when a decision is made.
    pub estimated: bool,
}

/// One provider and model that could be asked, what was known of it, and what became of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = RoutingCandidate)]
pub struct CandidateView {
    /// Provider id.
    pub provider: String,
    /// The model to ask for.
    pub model: Option<String>,
    /// 0 for the targets of the name itself, one more for each fallback.
    pub tier: u16,
    /// Lower goes first (strategy `priority`).
    pub priority: u32,
    /// Share of the requests (strategy `weighted`).
    pub weight: u32,
    /// Whether it runs on the operator's own machines.
    pub local: bool,
    /// Its context window.
    pub context_tokens: Option<u64>,
    /// Most output tokens.
    pub output_tokens: Option<u64>,
    /// What it is known to be able to do.
    pub can: Vec<&'static str>,
    /// What it is known not to be able to do.
    pub cannot: Vec<&'static str>,
    /// How good its answers are, from 0 to 1.
    pub quality: Option<f32>,
    /// Microcents per million prompt tokens.
    pub input_microcents_per_mtok: Option<u64>,
    /// Microcents per million output tokens.
    pub output_microcents_per_mtok: Option<u64>,
    /// Moving average of the time to the first content, in milliseconds, peaks counting at once.
    pub latency_ms: Option<f32>,
    /// Share of calls that failed lately, from 0 to 1.
    pub error_rate: Option<f32>,
    /// Whether it served this session last.
    pub warm: bool,
    /// What the request was expected to cost there, in microcents.
    pub estimated_cost_microcents: Option<u64>,
    /// Its score, from layer 4 on.
    pub score: Option<ScoreView>,
    /// The layer at which it fell.
    pub fell_at: Option<&'static str>,
    /// Why it fell.
    pub reason: Option<ReasonView>,
    /// Its place in the order in which candidates are tried, from 0.
    pub place: Option<usize>,
}

/// A score, each factor from 0 (worst) to 1 (best).
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = RoutingScore)]
pub struct ScoreView {
    /// The mean of the factors under the profile's weights.
    pub total: f32,
    /// The factors.
    pub factors: FactorsView,
}

/// What one layer did.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = RoutingLayer)]
pub struct LayerView {
    /// `policy`, `capability`, `availability`, `score` or `selection`.
    pub layer: &'static str,
    /// The question that it answers.
    pub question: &'static str,
    /// How many candidates came to it.
    pub entered: usize,
    /// How many were left after it.
    pub left: usize,
    /// Who was left, by place in `candidates`.
    pub survivors: Vec<usize>,
    /// Who fell, and why.
    pub fallen: Vec<FallenView>,
    /// Nobody would have been left, so the layer let through whom it may: an open breaker is asked when there is
    /// nobody else, whoever names a model gets its provider's own answer, and models of which nobody knows what they
    /// are for are asked when none is known to be for it.
    pub overruled: bool,
}

/// A candidate that fell.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = RoutingFallen)]
pub struct FallenView {
    /// By place in `candidates`.
    pub candidate: usize,
    /// Why.
    pub reason: ReasonView,
    /// How many more fell as it did and were not kept.
    pub more: u32,
}

/// Why a candidate fell.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = RoutingReason)]
pub struct ReasonView {
    /// `provider_forbidden`, `model_forbidden`, `not_local`, `other_api`, `context_too_small`, `output_too_small`,
    /// `lacks`, `not_known_to`, `circuit_open`, `probing`, `rate_limited`, `over_limit` or `over_budget`.
    pub code: &'static str,
    /// The same in words.
    pub text: String,
    /// What it lacks, or is not known to do.
    pub ability: Option<&'static str>,
    /// Estimated tokens that are needed.
    pub needed_tokens: Option<u64>,
    /// Tokens that it has room for.
    pub available_tokens: Option<u64>,
    /// Until when it holds.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
}

impl DecisionView {
    /// A stored decision, made again.
    pub fn of_trace(trace: &Trace<'_>) -> Self {
        let decision = trace.decide();
        let refusal = trace.refusal.as_deref().map(str::to_owned);
        let mut view = Self::new(&trace.facts, &decision, refusal);
        view.candidate_count = trace.candidates();
        view.more_in_order = trace.more_in_order;
        if trace.more_in_order > 0 {
            // Nobody knows which places those have who are kept for another reason.
            for candidate in view.order.split_off(view.order.len().min(Trace::HEAD)) {
                view.more_in_order += 1;
                if let Some(candidate) = view.candidates.get_mut(candidate) {
                    candidate.place = None;
                }
            }
        }
        let mut left = view.candidate_count;
        for layer in &mut view.layers {
            layer.entered = left;
            for fallen in &mut layer.fallen {
                let like = trace.more_fallen.iter().find(|more| more.like as usize == fallen.candidate);
                fallen.more = like.map_or(0, |more| more.candidates);
                left = left.saturating_sub(1 + fallen.more as usize);
            }
            layer.left = left;
        }
        view
    }

    /// Provider and model that are tried first.
    pub fn first(&self) -> Option<(&str, Option<&str>)> {
        let first = self.candidates.get(*self.order.first()?)?;
        Some((&first.provider, first.model.as_deref()))
    }

    /// A decision with all that it rests on.
    pub fn new(facts: &Facts<'_>, decision: &Decision, refusal: Option<String>) -> Self {
        let mut candidates: Vec<CandidateView> =
            facts.candidates.iter().map(|candidate| CandidateView::new(facts, candidate)).collect();
        for (place, standing) in decision.order.iter().enumerate() {
            if let Some(candidate) = candidates.get_mut(standing.candidate) {
                (candidate.place, candidate.score) = (Some(place), standing.score.map(ScoreView::from));
            }
        }
        for (layer, dropped) in &decision.fallen {
            if let Some(candidate) = candidates.get_mut(dropped.candidate) {
                candidate.fell_at = Some(layer.as_str());
                candidate.reason = Some(ReasonView::from(dropped.reason));
            }
        }
        let profile = &facts.profile;
        Self {
            rule: facts.rule.as_str(),
            rule_text: facts.rule.words(),
            at: at(facts.at_us),
            strategy: facts.strategy.as_str(),
            sticky: facts.sticky,
            profile: ProfileView {
                id: profile.id.clone(),
                weights: FactorsView::from(profile.weights),
                needs: names(profile.needs),
                min_context_tokens: profile.min_context_tokens,
                local_only: profile.local_only,
            },
            need: NeedView {
                input_tokens: facts.need.input_tokens,
                max_output_tokens: facts.need.max_output_tokens,
                abilities: names(facts.need.abilities),
                estimated: true,
            },
            candidate_count: candidates.len(),
            layers: layers(candidates.len(), decision),
            order: decision.order.iter().map(|standing| standing.candidate).collect(),
            candidates,
            more_in_order: 0,
            refusal,
        }
    }
}

fn layers(candidates: usize, decision: &Decision) -> Vec<LayerView> {
    let mut standing: Vec<usize> = (0..candidates).collect();
    let view = |(layer, _): &(Layer, _)| {
        let entered = standing.len();
        let fallen: Vec<FallenView> = decision
            .fallen
            .iter()
            .filter(|(at, _)| at == layer)
            .map(|(_, dropped)| FallenView { candidate: dropped.candidate, reason: dropped.reason.into(), more: 0 })
            .collect();
        let mut has_fallen = vec![false; candidates];
        for one in &fallen {
            if let Some(flag) = has_fallen.get_mut(one.candidate) {
                *flag = true;
            }
        }
        standing.retain(|candidate| !has_fallen.get(*candidate).copied().unwrap_or_default());
        LayerView {
            layer: layer.as_str(),
            question: layer.question(),
            entered,
            left: standing.len(),
            survivors: standing.clone(),
            fallen,
            overruled: decision.overruled.contains(layer),
        }
    };
    LAYERS.iter().map(view).collect()
}

impl CandidateView {
    fn new(facts: &Facts<'_>, candidate: &Candidate<'_>) -> Self {
        let (capability, merits) = (&candidate.capability, &candidate.merits);
        Self {
            provider: candidate.provider.to_string(),
            model: candidate.model.as_deref().map(str::to_owned),
            tier: candidate.tier,
            priority: candidate.priority,
            weight: candidate.weight,
            local: candidate.local,
            context_tokens: capability.context_tokens,
            output_tokens: capability.output_tokens,
            can: names(capability.can),
            cannot: names(capability.cannot),
            quality: merits.quality,
            input_microcents_per_mtok: merits.input_microcents_per_mtok,
            output_microcents_per_mtok: merits.output_microcents_per_mtok,
            latency_ms: merits.latency_ms,
            error_rate: merits.error_rate,
            warm: merits.warm,
            estimated_cost_microcents: merits.estimated_microcents(&facts.need),
            score: None,
            fell_at: None,
            reason: None,
            place: None,
        }
    }
}

impl From<Score> for ScoreView {
    fn from(score: Score) -> Self {
        let Score { quality, price, latency, reliability, affinity, total } = score;
        Self { total, factors: FactorsView { quality, price, latency, reliability, affinity } }
    }
}

impl From<Weights> for FactorsView {
    fn from(weights: Weights) -> Self {
        let Weights { quality, price, latency, reliability, affinity } = weights;
        Self { quality, price, latency, reliability, affinity }
    }
}

impl From<Reason> for ReasonView {
    fn from(reason: Reason) -> Self {
        let view = Self {
            code: reason.code(),
            text: reason.to_string(),
            ability: None,
            needed_tokens: None,
            available_tokens: None,
            until: None,
        };
        match reason {
            Reason::Lacks { ability } | Reason::NotKnownTo { ability } => {
                Self { ability: Some(ability.as_str()), ..view }
            }
            Reason::ContextTooSmall { needed_tokens, context_tokens: available }
            | Reason::OutputTooSmall { needed_tokens, output_tokens: available } => {
                Self { needed_tokens: Some(needed_tokens), available_tokens: Some(available), ..view }
            }
            Reason::CircuitOpen { until_us } | Reason::RateLimited { until_us } | Reason::OverLimit { until_us } => {
                Self { until: Some(at(until_us)), ..view }
            }
            _ => view,
        }
    }
}

fn names(abilities: Abilities) -> Vec<&'static str> {
    abilities.iter().map(Ability::as_str).collect()
}

const fn at(unix_us: i64) -> Timestamp {
    Timestamp { unix_us }
}
