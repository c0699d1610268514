//! What is believed of each model: the catalog's word, and the signals that came.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    catalog::Catalog,
    policy::Policy,
    routing::{Evidence, Posterior, Qualities, Scores},
    store::{History, SignalOrigin, SignalSum, StoreError},
};

/// What is believed of a model's answers, and why.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct QualityView {
    /// Provider; `null` for signals about the model wherever it runs.
    #[schema(example = "openai")]
    pub provider: Option<String>,
    /// Model.
    #[schema(example = "gpt-5")]
    pub model: String,
    /// What it was used for; `null` for everything together.
    #[schema(example = "coding")]
    pub task: Option<String>,
    /// The expected score, 0 to 1; what layer 4 of the routing goes by.
    pub mean: f64,
    /// In nine of ten cases the true score lies between these two.
    pub interval: [f64; 2],
    /// What was believed before any signal: from benchmarks, the config, or all tasks together; `null` when
    /// nothing was.
    pub prior: Option<f64>,
    /// What people said.
    pub human: SignalCounts,
    /// How calls ended; weighs little, and never more than a few human words.
    pub automatic: SignalCounts,
}

/// Signals of one origin.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct SignalCounts {
    /// How many.
    pub samples: u64,
    /// Their mean score; `null` when there are none.
    pub mean: Option<f64>,
    /// How many of each kind.
    pub kinds: BTreeMap<String, u64>,
}

/// What was seen of one provider's model at one task.
#[derive(Default)]
struct Seen {
    human: BTreeMap<String, Scores>,
    automatic: BTreeMap<String, Scores>,
}

impl Seen {
    fn add(&mut self, sum: &SignalSum) {
        let kinds = match sum.origin {
            SignalOrigin::Human => &mut self.human,
            SignalOrigin::Automatic => &mut self.automatic,
        };
        kinds.entry(sum.kind.clone()).or_default().add(sum.count, sum.score);
    }

    fn evidence(&self) -> Evidence {
        let all = |kinds: &BTreeMap<String, Scores>| {
            let mut all = Scores::default();
            kinds.values().for_each(|scores| all.add(scores.count, scores.sum));
            all
        };
        Evidence { human: all(&self.human), automatic: all(&self.automatic) }
    }
}

/// Provider, model, task; empty for any.
type Place = (String, String, String);

/// Every model of which something was seen, by provider, model and task; the whole before its tasks.
///
/// # Errors
/// When the database fails.
pub async fn assess(history: &History, policy: &Policy) -> Result<Vec<QualityView>, StoreError> {
    let sums = history.signal_sums().await?;
    let mut seen: BTreeMap<Place, Seen> = BTreeMap::new();
    let mut add = |provider: &str, sum: &SignalSum| {
        let mut tasks = vec![""];
        if !sum.task.is_empty() {
            tasks.push(&sum.task);
        }
        for task in tasks {
            seen.entry((provider.to_owned(), sum.model.clone(), task.to_owned())).or_default().add(sum);
        }
    };
    for sum in &sums {
        add(&sum.provider, sum);
    }
    // What is said of a model as such counts wherever it runs.
    for sum in sums.iter().filter(|sum| sum.provider.is_empty()) {
        let mut providers: Vec<&str> = sums
            .iter()
            .filter(|other| other.model == sum.model && !other.provider.is_empty())
            .map(|other| other.provider.as_str())
            .collect();
        providers.sort_unstable();
        providers.dedup();
        providers.into_iter().for_each(|provider| add(provider, sum));
    }
    let mut wholes: BTreeMap<(&str, &str), f64> = BTreeMap::new();
    let mut views = Vec::with_capacity(seen.len());
    // Sorted, so the whole (task "") comes before its tasks.
    for ((provider, model, task), seen) in &seen {
        let whole = wholes.get(&(provider.as_str(), model.as_str())).copied().filter(|_| !task.is_empty());
        let prior = whole.or_else(|| prior(policy, provider, model));
        let evidence = seen.evidence();
        let Posterior { mean, low, high } = Posterior::of(prior, &evidence);
        wholes.entry((provider, model)).or_insert(mean);
        views.push(QualityView {
            provider: some(provider),
            model: model.clone(),
            task: some(task),
            mean,
            interval: [low, high],
            prior,
            human: counts(evidence.human, &seen.human),
            automatic: counts(evidence.automatic, &seen.automatic),
        });
    }
    Ok(views)
}

/// The same for the router.
///
/// # Errors
/// When the database fails.
pub async fn qualities(history: &History, policy: &Policy) -> Result<Qualities, StoreError> {
    let mut known = Qualities::default();
    for view in assess(history, policy).await? {
        #[expect(clippy::cast_possible_truncation, reason = "a score needs no more than some digits")]
        let mean = view.mean as f32;
        known.set(
            view.provider.as_deref().unwrap_or_default(),
            &view.model,
            view.task.as_deref().unwrap_or_default(),
            mean,
        );
    }
    Ok(known)
}

/// The catalog's word.
fn prior(policy: &Policy, provider: &str, model: &str) -> Option<f64> {
    if let Some(provider) = policy.providers.iter().find(|known| known.id == provider) {
        return policy.catalog.known(provider, model).quality.map(f64::from);
    }
    let anywhere = policy.providers.iter().filter(|known| provider.is_empty() && known.enabled);
    anywhere.into_iter().find_map(|known| policy.catalog.known(known, model).quality).map(f64::from).or_else(|| {
        let known = Catalog::card_providers().into_iter().find(|known| *known == provider)?;
        policy.catalog.card(provider, Some(known), model).quality.map(|prior| f64::from(prior.quality))
    })
}

fn some(name: &str) -> Option<String> {
    (!name.is_empty()).then(|| name.to_owned())
}

fn counts(all: Scores, kinds: &BTreeMap<String, Scores>) -> SignalCounts {
    let kinds = kinds.iter().map(|(kind, scores)| (kind.clone(), scores.count)).collect();
    SignalCounts { samples: all.count, mean: all.mean(), kinds }
}
