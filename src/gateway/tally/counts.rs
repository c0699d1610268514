//! The figures of a usage object, before they are made disjoint.

/// What a figure counts, by whatever name a provider has for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    Prompt,
    Completion,
    Total,
    Cached,
    CacheWrite,
    CacheWrite5m,
    CacheWrite1h,
    AudioIn,
    CachedAudio,
    ImageIn,
    CachedImage,
    /// Gemini: what tools put into the prompt, outside of the prompt's own count.
    ToolPrompt,
    Reasoning,
    AudioOut,
    ImageOut,
    /// Perplexity: tokens of citations; its mere presence tells how to read the other figures.
    Citation,
}

const SLOTS: usize = Slot::Citation as usize + 1;

/// One figure a slot; what was not reported is unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts([Option<u64>; SLOTS]);

impl Counts {
    pub(super) fn get(&self, slot: Slot) -> Option<u64> {
        self.0.get(slot as usize).copied().flatten()
    }

    /// Takes a figure; where one usage object has several names for the same thing, the largest
    /// holds (Mistral and others send an old name with 0 beside a new one).
    pub(super) fn set(&mut self, slot: Slot, count: u64) {
        if let Some(held) = self.0.get_mut(slot as usize) {
            *held = Some(held.map_or(count, |held| held.max(count)));
        }
    }

    /// Adds to a figure, for lists with an entry for each modality.
    pub(super) fn add(&mut self, slot: Slot, count: u64) {
        if let Some(held) = self.0.get_mut(slot as usize) {
            *held = Some(held.unwrap_or(0).saturating_add(count));
        }
    }

    /// Lays later figures over these: each one replaces, none that is missing takes one away.
    pub(super) fn overlay(&mut self, later: &Self) {
        for (held, new) in self.0.iter_mut().zip(later.0) {
            *held = new.or(*held);
        }
    }
}
