//! Token usage in disjoint classes.

use serde::{Deserialize, Serialize};

/// What one call used, in classes that never overlap, so that each can be priced on its own.
///
/// `None` means *unknown* (the provider never said), which is not the same as `Some(0)`.
/// `reasoning` and the audio and image classes are carved out of the totals that a provider
/// reports; where a provider lumps them together they stay in `input` or `output`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Input tokens that were neither read from nor written to a prompt cache, text and images alike.
    pub input: Option<u64>,
    /// Input tokens read from a prompt cache.
    pub cache_read: Option<u64>,
    /// Input tokens written to a prompt cache that lives five minutes (or the provider's default).
    pub cache_write_5m: Option<u64>,
    /// Input tokens written to a prompt cache that lives one hour.
    pub cache_write_1h: Option<u64>,
    /// Audio input tokens that were not cached.
    pub input_audio: Option<u64>,
    /// Audio input tokens read from a prompt cache.
    pub cache_read_audio: Option<u64>,
    /// Image input tokens, where the provider reports them apart.
    pub input_image: Option<u64>,
    /// Output tokens that are neither reasoning, audio nor image.
    pub output: Option<u64>,
    /// Reasoning (thinking) tokens.
    pub reasoning: Option<u64>,
    /// Audio output tokens.
    pub output_audio: Option<u64>,
    /// Image output tokens.
    pub output_image: Option<u64>,
    /// True when any class was counted by the gateway instead of reported by the provider.
    pub estimated: bool,
}

impl Usage {
    /// All input tokens, whatever their class; `None` when no class is known.
    pub fn input_tokens(&self) -> Option<u64> {
        total([
            self.input,
            self.cache_read,
            self.cache_write_5m,
            self.cache_write_1h,
            self.input_audio,
            self.cache_read_audio,
            self.input_image,
        ])
    }

    /// All output tokens, reasoning included; `None` when no class is known.
    pub fn output_tokens(&self) -> Option<u64> {
        total([self.output, self.reasoning, self.output_audio, self.output_image])
    }

    /// Tokens read from a prompt cache, audio included; `None` when unknown.
    pub fn cache_read_tokens(&self) -> Option<u64> {
        total([self.cache_read, self.cache_read_audio])
    }

    /// Tokens written to a prompt cache of any lifetime; `None` when unknown.
    pub fn cache_write_tokens(&self) -> Option<u64> {
        total([self.cache_write_5m, self.cache_write_1h])
    }

    /// True when nothing at all is known.
    pub fn is_unknown(&self) -> bool {
        self.input_tokens().is_none() && self.output_tokens().is_none()
    }
}

fn total<const N: usize>(classes: [Option<u64>; N]) -> Option<u64> {
    classes.into_iter().flatten().fold(None, |sum: Option<u64>, class| Some(sum.unwrap_or(0).saturating_add(class)))
}
