//! How good a model's answers are: what benchmarks said before, moved by what was seen here. Pure.
//!
//! A score is read as a share of a success, so the belief is a beta distribution. What people say counts in full.
//! What outcomes say counts a little, up to a bound, and can only take away: that an answer came says nothing of
//! how good it was, that none came does.

use foldhash::HashMap;

/// So many human words weigh as much as the benchmarks.
const PRIOR_WEIGHT: f64 = 10.0;
/// What is believed of a model that nobody has measured.
const UNKNOWN_PRIOR: f64 = 0.5;
/// What an outcome weighs beside a human word, and all of them together at most.
const AUTOMATIC_WEIGHT: f64 = 0.05;
const MOST_AUTOMATIC: f64 = 5.0;
/// Half the width of an interval that holds nine of ten, in standard deviations.
const NINE_OF_TEN: f64 = 1.645;

/// Scores that were summed up.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Scores {
    /// How many.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
}

impl Scores {
    /// Adds others.
    pub fn add(&mut self, count: u64, sum: f64) {
        self.count = self.count.saturating_add(count);
        self.sum += sum;
    }

    /// Their mean; `None` when there are none.
    pub fn mean(self) -> Option<f64> {
        (self.count > 0).then(|| (self.sum / number(self.count)).clamp(0.0, 1.0))
    }
}

/// What was seen of a model.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Evidence {
    /// What people said.
    pub human: Scores,
    /// How its calls ended.
    pub automatic: Scores,
}

impl Evidence {
    /// Adds other evidence.
    pub fn add(&mut self, other: Self) {
        self.human.add(other.human.count, other.human.sum);
        self.automatic.add(other.automatic.count, other.automatic.sum);
    }
}

/// What is believed of a model. Shares from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Posterior {
    /// The expected score.
    pub mean: f64,
    /// In nine of ten cases it is this or better …
    pub low: f64,
    /// … and this or worse.
    pub high: f64,
}

impl Posterior {
    /// What is believed after evidence, of a model of which `prior` was believed.
    pub fn of(prior: Option<f64>, evidence: &Evidence) -> Self {
        let prior = prior.unwrap_or(UNKNOWN_PRIOR).clamp(0.0, 1.0);
        let said = evidence.human.sum.clamp(0.0, number(evidence.human.count));
        let (mut good, mut bad) = (
            prior.mul_add(PRIOR_WEIGHT, said),
            (1.0 - prior).mul_add(PRIOR_WEIGHT, number(evidence.human.count) - said),
        );
        if let Some(share) = evidence.automatic.mean() {
            let weight = (number(evidence.automatic.count) * AUTOMATIC_WEIGHT).min(MOST_AUTOMATIC);
            // As good as what else is believed, where the answer came whole.
            let share = share * good / (good + bad);
            good += weight * share;
            bad += weight * (1.0 - share);
        }
        let all = good + bad;
        let mean = good / all;
        let deviation = (mean * (1.0 - mean) / (all + 1.0)).sqrt();
        Self {
            mean,
            low: NINE_OF_TEN.mul_add(-deviation, mean).max(0.0),
            high: NINE_OF_TEN.mul_add(deviation, mean).min(1.0),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a belief needs no more than some digits")]
const fn number(count: u64) -> f64 {
    count as f64
}

/// What is believed of each model that was seen, by provider, model and task.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Qualities(HashMap<String, HashMap<String, HashMap<String, f32>>>);

impl Qualities {
    /// Notes a belief; a provider of `""` is any, a task of `""` none in particular.
    pub fn set(&mut self, provider: &str, model: &str, task: &str, quality: f32) {
        let models = self.0.entry(provider.to_owned()).or_default();
        models.entry(model.to_owned()).or_default().insert(task.to_owned(), quality);
    }

    /// What is believed; `None` where nothing was seen and the catalog's word holds.
    pub fn get(&self, provider: &str, model: &str, task: Option<&str>) -> Option<f32> {
        let of = |provider: &str| self.0.get(provider)?.get(model);
        let tasks = of(provider).or_else(|| of(""))?;
        task.and_then(|task| tasks.get(task)).or_else(|| tasks.get("")).copied()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn evidence(human: (u64, f64), automatic: (u64, f64)) -> Evidence {
        let scores = |(count, sum)| Scores { count, sum };
        Evidence { human: scores(human), automatic: scores(automatic) }
    }

    #[test]
    fn beliefs_move_from_the_prior_to_what_was_seen() {
        let none = (0, 0.0);
        let cases = [
            ("nothing was seen", Some(0.8), none, none, 0.8),
            ("nothing is known", None, none, none, 0.5),
            ("one praise", Some(0.5), (1, 1.0), none, 6.0 / 11.0),
            ("as many words as the prior weighs", Some(0.8), (10, 0.0), none, 0.4),
            ("many words", Some(0.2), (10_000, 9_000.0), none, 0.9),
            ("whole answers change nothing", Some(0.8), none, (1_000_000, 1_000_000.0), 0.8),
            ("failures take away", Some(0.8), none, (100, 0.0), 8.0 / 15.0),
            ("but never much", Some(0.8), none, (1_000_000, 0.0), 8.0 / 15.0),
        ];
        for (what, prior, human, automatic, expected) in cases {
            let mean = Posterior::of(prior, &evidence(human, automatic)).mean;
            assert!((mean - expected).abs() < 1e-3, "{what}: {mean}");
        }
    }

    #[test]
    fn a_model_is_looked_up_by_provider_and_task() {
        let mut known = Qualities::default();
        known.set("a", "m", "", 0.5);
        known.set("a", "m", "coding", 0.9);
        known.set("", "n", "", 0.3);
        let cases = [
            (("a", "m", None), Some(0.5)),
            (("a", "m", Some("coding")), Some(0.9)),
            (("a", "m", Some("poetry")), Some(0.5)),
            (("b", "m", None), None),
            (("b", "n", Some("coding")), Some(0.3)),
        ];
        for ((provider, model, task), expected) in cases {
            assert_eq!(known.get(provider, model, task), expected, "{provider}/{model} {task:?}");
        }
    }

    proptest! {
        #[test]
        fn a_belief_is_a_share_and_more_evidence_makes_it_firmer(
            prior in prop::option::of(0.0..=1.0_f64),
            (count, share) in (0..10_000_u64, 0.0..=1.0_f64),
            (calls, whole) in (0..1_000_000_u64, 0.0..=1.0_f64),
        ) {
            let scored = |factor: u64| Evidence {
                human: Scores { count: count * factor, sum: number(count * factor) * share },
                automatic: Scores { count: calls, sum: number(calls) * whole },
            };
            let one = Posterior::of(prior, &scored(1));
            prop_assert!((0.0..=1.0).contains(&one.mean) && one.low <= one.mean && one.mean <= one.high);
            prop_assert!(one.low >= 0.0 && one.high <= 1.0);
            let praised = Posterior::of(prior, &Evidence {
                human: Scores { count: count + 1, sum: number(count).mul_add(share, 1.0) },
                ..scored(1)
            });
            prop_assert!(praised.mean >= one.mean - 1e-12, "praise never harms");
        }
    }
}
