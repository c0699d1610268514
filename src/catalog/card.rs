//! A model's card: the bundled one with the operator's words laid over it.

use super::{
    Catalog,
    cards::{BundledCard, CARDS, purposes},
};
use crate::{
    config::{CardOverride, Provider},
    domain::{Abilities, Modality, ModelStatus},
};

/// What is known of a model at a provider. `None` is unknown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Card {
    /// The name for people.
    pub name: Option<String>,
    /// The maker's name for the line of models.
    pub family: Option<String>,
    /// Where its life stands.
    pub status: Option<ModelStatus>,
    /// Day, month or year of its release.
    pub released_on: Option<String>,
    /// Day, month or year at which its knowledge ends.
    pub knowledge_cutoff: Option<String>,
    /// Prompt and answer together, in tokens.
    pub context_window: Option<u64>,
    /// Longest prompt, in tokens.
    pub max_input_tokens: Option<u64>,
    /// Longest answer, in tokens.
    pub max_output_tokens: Option<u64>,
    /// What it takes.
    pub input_modalities: Option<Vec<Modality>>,
    /// What it makes.
    pub output_modalities: Option<Vec<Modality>>,
    /// What it is known to be able to do.
    pub can: Abilities,
    /// What it is known not to be able to do.
    pub cannot: Abilities,
    /// Whether prompts can be cached.
    pub prompt_cache: Option<bool>,
    /// Whether its weights are published.
    pub open_weights: Option<bool>,
    /// How good its answers are, before anyone here has judged them.
    pub quality: Option<Prior>,
    /// Whether the operator's configuration says any of this, or the price.
    pub overridden: bool,
}

/// A quality that others measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prior {
    /// Between 0 and 1; 0.5 is the average of the models that were measured.
    pub quality: f32,
    /// Benchmark scores that it rests on; `None` for the operator's own word.
    pub scores: Option<usize>,
}

/// A benchmark's score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Score {
    /// The benchmark.
    pub benchmark: &'static str,
    /// What it counts.
    pub metric: &'static str,
    /// The score, as a decimal.
    pub score: &'static str,
    /// What the model was run with; may be empty.
    pub run_with: &'static str,
    /// Where it was read.
    pub source: &'static str,
}

/// The part of a card that routing looks at, without a copy of any text.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Known {
    /// Prompt and answer together, in tokens.
    pub context_tokens: Option<u64>,
    /// Longest answer, in tokens.
    pub output_tokens: Option<u64>,
    /// What it is known to be able to do.
    pub can: Abilities,
    /// What it is known not to be able to do.
    pub cannot: Abilities,
    /// Whether it is told by an effort how much to think, and takes no budget of tokens.
    pub thinks_by_effort: bool,
    /// See [`Prior::quality`].
    pub quality: Option<f32>,
}

impl Catalog {
    /// The card of a model at a configured provider (`provider_id`) that is the catalog's `catalog_provider`.
    pub fn card(&self, provider_id: &str, catalog_provider: Option<&str>, model: &str) -> Card {
        let bundled = catalog_provider.and_then(|provider| CARDS.find(provider, model));
        let mut card = bundled.map(Card::from).unwrap_or_default();
        if let Some(entry) = self.override_for(provider_id, model) {
            card.overridden = true;
            card.lay_over(&entry.card);
            (card.can, card.cannot) = abilities_said(bundled, &entry.card, (card.can, card.cannot));
        }
        card
    }

    /// What routing wants to know of a model at a provider.
    pub fn known(&self, provider: &Provider, model: &str) -> Known {
        let catalog_provider = Self::catalog_provider_for(provider.provider_type, &provider.id, &provider.base_url);
        let bundled = catalog_provider.and_then(|provider| CARDS.find(provider, model));
        let mut known = bundled.map(Known::from).unwrap_or_default();
        if let Some(card) = self.override_for(&provider.id, model).map(|entry| &entry.card) {
            known.context_tokens = card.context_window.or(known.context_tokens);
            known.output_tokens = card.max_output_tokens.or(known.output_tokens);
            known.quality = card.quality.or(known.quality);
            (known.can, known.cannot) = abilities_said(bundled, card, (known.can, known.cannot));
        }
        known
    }

    /// The catalog's providers that have cards.
    pub fn card_providers() -> impl Iterator<Item = &'static str> {
        CARDS.providers()
    }

    /// The names of all models of one of the catalog's providers that have a card, deprecated ones included.
    pub fn card_models(catalog_provider: &str) -> impl Iterator<Item = &'static str> {
        CARDS.of(catalog_provider).iter().map(|card| card.id)
    }

    /// The models that the operator's `[[catalog]]` names for this provider or for all.
    pub fn overridden_models<'a>(&'a self, provider_id: &'a str) -> impl Iterator<Item = &'a str> {
        let is_meant = move |entry: &super::Override| entry.provider.as_deref().is_none_or(|id| id == provider_id);
        self.overrides.iter().filter(move |(_, entries)| entries.iter().any(is_meant)).map(|(model, _)| model.as_str())
    }

    /// The benchmark scores behind a card's quality.
    pub fn scores(catalog_provider: &str, model: &str) -> Vec<Score> {
        let scored = CARDS.find(catalog_provider, model).and_then(|card| CARDS.scored(card));
        let rows = scored.into_iter().flat_map(|scored| &scored.scores);
        rows.filter_map(|(benchmark, score, run_with, page)| {
            let (benchmark, metric) = CARDS.benchmarks.get(*benchmark)?;
            Some(Score { benchmark, metric, score, run_with, source: CARDS.pages.get(*page)? })
        })
        .collect()
    }
}

/// What a model can do and what not, when the operator has had his say: modalities tell what it is for where the bundled
/// card has no word of its own for that, and a list of capabilities is the whole truth about what it speaks of.
fn abilities_said(
    bundled: Option<&BundledCard>,
    said: &CardOverride,
    (mut can, mut cannot): (Abilities, Abilities),
) -> (Abilities, Abilities) {
    let mut say = |about: Abilities, those: Abilities| {
        can = can.without(about).or(those);
        cannot = cannot.without(about).or(about.without(those));
    };
    if said.input_modalities.is_some() || said.output_modalities.is_some() {
        let takes = said.input_modalities.clone().or_else(|| bundled?.input());
        let makes = said.output_modalities.clone().or_else(|| bundled?.output());
        if let (Some(takes), Some(makes), false) = (takes, makes, bundled.is_some_and(BundledCard::states_purposes)) {
            say(Abilities::PURPOSES, purposes(|kind| takes.contains(&kind), |kind| makes.contains(&kind)));
        }
    }
    if let Some(those) = said.capabilities {
        say(Abilities::SKILLS, those.and(Abilities::SKILLS));
        let purposes = those.and(Abilities::PURPOSES);
        if !purposes.is_empty() {
            say(Abilities::PURPOSES, purposes);
        }
    }
    (can, cannot)
}

impl From<&'static BundledCard> for Card {
    fn from(card: &'static BundledCard) -> Self {
        let (can, cannot) = card.abilities();
        let scored = CARDS.scored(card);
        Self {
            name: card.name.map(str::to_owned),
            family: card.family.map(str::to_owned),
            status: card.status(),
            released_on: card.released.map(str::to_owned),
            knowledge_cutoff: card.cutoff.map(str::to_owned),
            context_window: card.context,
            max_input_tokens: card.prompt.or(card.context),
            max_output_tokens: card.output,
            input_modalities: card.input(),
            output_modalities: card.output(),
            can,
            cannot,
            prompt_cache: card.says('c'),
            open_weights: card.says('w'),
            quality: scored
                .and_then(|scored| Some(Prior { quality: scored.quality()?, scores: Some(scored.scores.len()) })),
            overridden: false,
        }
    }
}

impl From<&'static BundledCard> for Known {
    fn from(card: &'static BundledCard) -> Self {
        let (can, cannot) = card.abilities();
        let quality = CARDS.scored(card).and_then(|scored| scored.quality());
        Self {
            context_tokens: card.context,
            output_tokens: card.output,
            can,
            cannot,
            thinks_by_effort: card.says('e') == Some(true),
            quality,
        }
    }
}

impl Card {
    /// Takes what the operator says in place of what is bundled.
    fn lay_over(&mut self, said: &CardOverride) {
        fn lay<T: Clone>(held: &mut Option<T>, said: Option<&T>) {
            if let Some(said) = said {
                *held = Some(said.clone());
            }
        }
        lay(&mut self.name, said.name.as_ref());
        lay(&mut self.family, said.family.as_ref());
        lay(&mut self.status, said.status.as_ref());
        lay(&mut self.released_on, said.released_on.as_ref());
        lay(&mut self.knowledge_cutoff, said.knowledge_cutoff.as_ref());
        // A new window makes the bundled bound of the prompt void.
        lay(&mut self.max_input_tokens, said.context_window.as_ref());
        lay(&mut self.context_window, said.context_window.as_ref());
        lay(&mut self.max_input_tokens, said.max_input_tokens.as_ref());
        lay(&mut self.max_output_tokens, said.max_output_tokens.as_ref());
        lay(&mut self.input_modalities, said.input_modalities.as_ref());
        lay(&mut self.output_modalities, said.output_modalities.as_ref());
        lay(&mut self.prompt_cache, said.prompt_cache.as_ref());
        lay(&mut self.open_weights, said.open_weights.as_ref());
        if let Some(quality) = said.quality {
            self.quality = Some(Prior { quality, scores: None });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::Ability, domain::Ability::*};

    #[test]
    fn what_a_model_is_for_is_told_by_its_card_its_modalities_and_the_operator() {
        let says = |model: &str, card: CardOverride| crate::config::CatalogOverride {
            provider: None,
            model: model.to_owned(),
            price: crate::config::PriceOverride::default(),
            card,
        };
        let stated = |those: &[Ability]| CardOverride {
            capabilities: Some(those.iter().copied().collect()),
            ..CardOverride::default()
        };
        let modalities = |input: Modality, output: Modality| CardOverride {
            input_modalities: Some(vec![input]),
            output_modalities: Some(vec![output]),
            ..CardOverride::default()
        };
        let catalog = Catalog::bundled(&[
            says("house-vectors", stated(&[Embeddings])),
            says("house-tools", stated(&[Tools])),
            says("house-voice", modalities(Modality::Text, Modality::Audio)),
            says("gpt-4o", stated(&[Tools, Chat, Images])),
            says("text-embedding-3-small", modalities(Modality::Text, Modality::Text)),
        ]);
        let cases: [(&str, &str, Option<&[Ability]>); 13] = [
            ("openai", "gpt-4o-mini", Some(&[Chat])),
            ("openai", "gpt-6-luna", Some(&[Chat])),
            ("openai", "text-embedding-3-large", Some(&[Embeddings])),
            ("openai", "gpt-image-1.5", Some(&[Images])),
            ("google", "gemini-2.5-flash-image", Some(&[Chat, Images])),
            ("google", "gemini-2.5-flash-preview-tts", Some(&[Speech])),
            ("groq", "whisper-large-v3", Some(&[Transcription])),
            ("mistral", "mistral-ocr-2512", Some(&[])),
            // What the operator says counts, as far as it speaks of that.
            ("none", "house-vectors", Some(&[Embeddings])),
            ("none", "house-tools", None),
            ("none", "house-voice", Some(&[Speech])),
            ("openai", "gpt-4o", Some(&[Chat, Images])),
            // Vectors are no modality, so none speaks against them.
            ("openai", "text-embedding-3-small", Some(&[Embeddings])),
        ];
        for (provider, model, expected) in cases {
            let card = catalog.card(provider, Some(provider), model);
            let is_known = !card.can.or(card.cannot).and(Abilities::PURPOSES).is_empty();
            let told = is_known.then(|| card.can.and(Abilities::PURPOSES));
            let expected: Option<Abilities> = expected.map(|those| those.iter().copied().collect());
            assert_eq!(told, expected, "{model}");
            assert!(
                told.is_none_or(|told| Abilities::PURPOSES.without(told).without(card.cannot).is_empty()),
                "{model}"
            );
        }
    }
}
