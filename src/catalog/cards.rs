//! What models are and can do, besides their prices: the bundled file's schema and the lookup in it.
//!
//! `data/cards.json` is written by `examples/catalog_refresh` and never by hand. It is decoded when somebody
//! first asks for a card, not at the start, and its texts are not copied.

use std::{collections::HashMap, sync::LazyLock};

use serde::Deserialize;

use super::rules::folded;
use crate::domain::{Abilities, Ability, Modality, ModelStatus};

const TEXT: &str = include_str!("data/cards.json");

/// The bundled cards. A test decodes them, so the empty ones are never seen.
pub(super) static CARDS: LazyLock<Cards> = LazyLock::new(|| Cards::decode(TEXT).unwrap_or_default());

/// Everything in the file, with the names indexed.
#[derive(Debug, Default, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub(super) struct Cards {
    /// Name and metric of each benchmark.
    pub(super) benchmarks: Vec<(&'static str, &'static str)>,
    /// Where scores were read.
    pub(super) pages: Vec<&'static str>,
    /// Scores, by the name of the model without date and seller.
    models: HashMap<&'static str, Scored>,
    providers: Vec<Shelf>,
}

/// The scores of a model, which are the same wherever it is served.
#[derive(Debug, Deserialize)]
pub(super) struct Scored {
    /// Between 0 and 1: see `qualities` in `examples/catalog_refresh/cards.rs`.
    quality: &'static str,
    /// Place of the benchmark, score, what it was run with, place of the page.
    pub(super) scores: Vec<(usize, &'static str, &'static str, usize)>,
}

/// The cards of one provider.
#[derive(Debug, Deserialize)]
struct Shelf {
    id: &'static str,
    cards: Vec<BundledCard>,
    #[serde(skip)]
    by_id: HashMap<String, usize>,
}

/// A card of the file.
#[derive(Debug, Deserialize)]
pub(super) struct BundledCard {
    pub(super) id: &'static str,
    #[serde(default)]
    pub(super) name: Option<&'static str>,
    #[serde(default)]
    pub(super) family: Option<&'static str>,
    #[serde(default)]
    pub(super) released: Option<&'static str>,
    #[serde(default)]
    pub(super) cutoff: Option<&'static str>,
    /// Prompt and answer together, in tokens.
    #[serde(default)]
    pub(super) context: Option<u64>,
    /// The longest prompt, where it is shorter than the context.
    #[serde(default)]
    pub(super) prompt: Option<u64>,
    /// The longest answer.
    #[serde(default)]
    pub(super) output: Option<u64>,
    /// What it takes, a letter each: text, image, audio, video, pdf. Nothing when unknown.
    #[serde(default, rename = "in")]
    input_kinds: &'static str,
    /// What it makes.
    #[serde(default, rename = "out")]
    output_kinds: &'static str,
    /// `t`ools, `j`son schema, `r`easoning, `s`treaming, prompt `c`ache, open `w`eights, `p`df,
    /// thinks by `e`ffort and takes no budget.
    #[serde(default)]
    can: &'static str,
    /// The same of what it is known not to have.
    #[serde(default)]
    cannot: &'static str,
    /// What it is for, where its modalities do not tell: `c`hat, `e`mbeddings, `i`mages, `s`peech, `t`ranscription,
    /// `m`oderation, `r`erank; anything else is no endpoint's.
    #[serde(default, rename = "for")]
    purposes: Option<&'static str>,
    #[serde(default)]
    status: Option<&'static str>,
    /// Its key in `models`.
    #[serde(default)]
    scored: Option<&'static str>,
}

impl Cards {
    fn decode(text: &'static str) -> Result<Self, serde_json::Error> {
        let mut cards: Self = serde_json::from_str(text)?;
        for shelf in &mut cards.providers {
            shelf.by_id =
                shelf.cards.iter().enumerate().map(|(index, card)| (folded(card.id).into_owned(), index)).collect();
        }
        Ok(cards)
    }

    /// The catalog's providers that have cards.
    pub(super) fn providers(&self) -> impl Iterator<Item = &'static str> {
        self.providers.iter().map(|shelf| shelf.id)
    }

    /// The cards of a provider, by name.
    pub(super) fn of(&self, provider: &str) -> &[BundledCard] {
        self.shelf(provider).map_or(&[], |shelf| shelf.cards.as_slice())
    }

    /// The card of a model by its exact name, in whatever case, with or without Gemini's `models/` before it.
    pub(super) fn find(&self, provider: &str, model: &str) -> Option<&BundledCard> {
        let shelf = self.shelf(provider)?;
        let name = folded(model);
        let find = |name: &str| shelf.cards.get(*shelf.by_id.get(name)?);
        find(&name).or_else(|| find(name.strip_prefix("models/")?))
    }

    /// The scores of a card's model.
    pub(super) fn scored(&self, card: &BundledCard) -> Option<&Scored> {
        self.models.get(card.scored?)
    }

    fn shelf(&self, provider: &str) -> Option<&Shelf> {
        self.providers.iter().find(|shelf| shelf.id == provider)
    }
}

impl Scored {
    pub(super) fn quality(&self) -> Option<f32> {
        self.quality.parse().ok()
    }
}

impl BundledCard {
    /// Whether a letter is known to hold or not to hold.
    pub(super) fn says(&self, letter: char) -> Option<bool> {
        match (self.can.contains(letter), self.cannot.contains(letter)) {
            (true, _) => Some(true),
            (false, true) => Some(false),
            (false, false) => None,
        }
    }

    pub(super) fn input(&self) -> Option<Vec<Modality>> {
        modalities(self.input_kinds)
    }

    pub(super) fn output(&self) -> Option<Vec<Modality>> {
        modalities(self.output_kinds)
    }

    pub(super) fn status(&self) -> Option<ModelStatus> {
        // The source marks what is special; a card with modalities is one of its own.
        let usual = (!self.input_kinds.is_empty()).then_some(ModelStatus::Active);
        self.status.map_or(usual, ModelStatus::parse)
    }

    /// Whether it says itself what it is for, because its modalities do not tell.
    pub(super) const fn states_purposes(&self) -> bool {
        self.purposes.is_some()
    }

    /// What it is for, if that is known.
    fn purposes(&self) -> Option<Abilities> {
        if let Some(letters) = self.purposes {
            let purpose = |letter| match letter {
                'c' => Some(Ability::Chat),
                'e' => Some(Ability::Embeddings),
                'i' => Some(Ability::Images),
                's' => Some(Ability::Speech),
                't' => Some(Ability::Transcription),
                'm' => Some(Ability::Moderation),
                'r' => Some(Ability::Rerank),
                _ => None,
            };
            return Some(letters.chars().filter_map(purpose).collect());
        }
        let is_known = !self.input_kinds.is_empty() && !self.output_kinds.is_empty();
        let has = |letters: &str, wanted| letters.chars().any(|letter| modality(letter) == Some(wanted));
        is_known.then(|| purposes(|kind| has(self.input_kinds, kind), |kind| has(self.output_kinds, kind)))
    }

    /// What it is known to be able to do, and what not.
    pub(super) fn abilities(&self) -> (Abilities, Abilities) {
        let takes = |letter| (!self.input_kinds.is_empty()).then(|| self.input_kinds.contains(letter));
        let purposes = self.purposes();
        let known = |ability| match ability {
            Ability::Tools => self.says('t'),
            Ability::Vision => takes('i'),
            Ability::Audio => takes('a'),
            Ability::Documents => self.says('p'),
            Ability::JsonSchema => self.says('j'),
            Ability::Reasoning => self.says('r'),
            Ability::Streaming => self.says('s'),
            purpose => purposes.map(|purposes| purposes.has(purpose)),
        };
        let those = |wanted| Ability::ALL.into_iter().filter(|ability| known(*ability) == Some(wanted)).collect();
        (those(true), those(false))
    }
}

/// What a model is for by what it takes and makes. Vectors, verdicts and orders are no modality: who makes them has to
/// say so.
pub(super) fn purposes(takes: impl Fn(Modality) -> bool, makes: impl Fn(Modality) -> bool) -> Abilities {
    let by_modality = [
        (Ability::Chat, takes(Modality::Text) && makes(Modality::Text)),
        (Ability::Images, makes(Modality::Image)),
        (Ability::Speech, takes(Modality::Text) && makes(Modality::Audio)),
        (Ability::Transcription, takes(Modality::Audio) && makes(Modality::Text)),
    ];
    by_modality.into_iter().filter(|(_, is_so)| *is_so).map(|(ability, _)| ability).collect()
}

fn modalities(letters: &str) -> Option<Vec<Modality>> {
    (!letters.is_empty()).then(|| letters.chars().filter_map(modality).collect())
}

const fn modality(letter: char) -> Option<Modality> {
    match letter {
        't' => Some(Modality::Text),
        'i' => Some(Modality::Image),
        'a' => Some(Modality::Audio),
        'v' => Some(Modality::Video),
        'p' => Some(Modality::Pdf),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundled_cards_decode_and_every_reference_resolves() {
        let cards = Cards::decode(TEXT).unwrap();
        let mut scored = 0;
        for shelf in &cards.providers {
            assert_eq!(shelf.by_id.len(), shelf.cards.len(), "{}: two cards of one name", shelf.id);
            for card in &shelf.cards {
                let known = |letters: &str, all: &str| letters.chars().all(|letter| all.contains(letter));
                assert!(known(card.input_kinds, "tiavp") && known(card.output_kinds, "tiavp"), "{card:?}");
                assert!(card.purposes.is_none_or(|letters| known(letters, "ceistmr-")), "{card:?}");
                assert!(known(card.can, "tjrescwp") && known(card.cannot, "tjrscwp"), "{card:?}");
                assert!(card.status.is_none_or(|status| ModelStatus::parse(status).is_some()), "{card:?}");
                assert_eq!(card.scored.is_some(), cards.scored(card).is_some(), "{card:?}");
                scored += usize::from(card.scored.is_some());
            }
        }
        for scored in cards.models.values() {
            assert!(scored.quality().is_some_and(|quality| (0.0..=1.0).contains(&quality)), "{scored:?}");
            assert!(!scored.scores.is_empty());
            for (benchmark, score, _, page) in &scored.scores {
                assert!(*benchmark < cards.benchmarks.len() && *page < cards.pages.len());
                score.parse::<rust_decimal::Decimal>().unwrap();
            }
        }
        assert!(cards.providers.len() > 20 && scored > 100, "{} providers, {scored} scored", cards.providers.len());
    }
}
