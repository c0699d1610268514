//! From a provider's figures to disjoint token classes.
//!
//! Providers report totals with parts of them; what is subtracted here is subtracted once, and never
//! below zero. No provider is known by name: shapes tell themselves apart.

use super::{
    counts::{Counts, Slot},
    fields::Shape,
};
use crate::domain::{Endpoint, Usage};

/// The usage that `counts` stand for.
///
/// An endpoint that is not billed has none: a batch, asked after ten times, tells its usage ten times.
pub(super) fn usage(shape: Shape, endpoint: Endpoint, counts: &Counts) -> Usage {
    if !endpoint.is_billable() {
        return Usage::default();
    }
    let mut usage = match shape {
        Shape::Openai | Shape::Responses => openai(endpoint, counts),
        Shape::Anthropic => anthropic(counts),
        Shape::Gemini => gemini(counts),
        Shape::Ollama => {
            Usage { input: counts.get(Slot::Prompt), output: counts.get(Slot::Completion), ..Usage::default() }
        }
    };
    let makes_no_text = matches!(
        endpoint,
        Endpoint::Embeddings
            | Endpoint::Rerank
            | Endpoint::EmbedContent
            | Endpoint::BatchEmbedContents
            | Endpoint::OllamaEmbed
    );
    if makes_no_text && usage.input.is_some() && usage.output.is_none() {
        usage.output = Some(0);
    }
    usage
}

/// Takes `part` out of `rest`, at most what is there.
fn carve(rest: &mut Option<u64>, part: Option<u64>) -> Option<u64> {
    let (Some(left), Some(part)) = (rest.as_mut(), part) else { return part };
    let part = part.min(*left);
    *left -= part;
    Some(part)
}

fn openai(endpoint: Endpoint, counts: &Counts) -> Usage {
    let total = counts.get(Slot::Total);
    // Voyage and Jina report the total of an embedding and nothing else.
    let only_total = counts.get(Slot::Prompt).is_none() && counts.get(Slot::Completion).is_none();
    let mut input = if only_total && !makes_output(endpoint) { total } else { counts.get(Slot::Prompt) };
    let mut output = counts.get(Slot::Completion);
    let reasoning = match (reasoning_apart(endpoint, counts), counts.get(Slot::Reasoning)) {
        (Some(apart), _) => Some(apart),
        (None, inside) => carve(&mut output, inside),
    };
    let cache_read = carve(&mut input, counts.get(Slot::Cached));
    let cache_write_5m = carve(&mut input, counts.get(Slot::CacheWrite));
    let input_audio = carve(&mut input, counts.get(Slot::AudioIn));
    let input_image = carve(&mut input, counts.get(Slot::ImageIn));
    let output_audio = carve(&mut output, counts.get(Slot::AudioOut));
    let image_out = counts.get(Slot::ImageOut);
    // The images API counts the picture as output without saying so again in details.
    let image_out = if endpoint == Endpoint::Images { image_out.or(output) } else { image_out };
    let output_image = carve(&mut output, image_out);
    Usage {
        input,
        cache_read,
        cache_write_5m,
        input_audio,
        input_image,
        output,
        reasoning,
        output_audio,
        output_image,
        ..Usage::default()
    }
}

const fn makes_output(endpoint: Endpoint) -> bool {
    !matches!(endpoint, Endpoint::Embeddings | Endpoint::Rerank)
}

/// Reasoning tokens that lie outside of the completion tokens; `None` when they lie inside or there
/// are none.
///
/// xAI leaves them out: its total is prompt + completion + reasoning. Gemini's OpenAI-compatible
/// endpoint leaves them out and does not name them: its total is larger than the sum. Perplexity's
/// research models leave them out of the total too, known by the citation tokens beside them.
fn reasoning_apart(endpoint: Endpoint, counts: &Counts) -> Option<u64> {
    let completion = counts.get(Slot::Completion)?;
    let spoken = counts.get(Slot::Prompt)?.checked_add(completion)?;
    match (counts.get(Slot::Reasoning), counts.get(Slot::Total)) {
        (Some(reasoning), Some(total)) if reasoning > 0 && spoken.checked_add(reasoning) == Some(total) => {
            Some(reasoning)
        }
        (Some(reasoning), _) => (reasoning > completion || counts.get(Slot::Citation).is_some()).then_some(reasoning),
        (None, Some(total)) if total > spoken && endpoint == Endpoint::ChatCompletions => Some(total - spoken),
        (None, _) => None,
    }
}

/// Anthropic's input tokens are only those that no cache had a part in; thinking is output.
fn anthropic(counts: &Counts) -> Usage {
    let (split_5m, split_1h) = (counts.get(Slot::CacheWrite5m), counts.get(Slot::CacheWrite1h));
    // The total may be newer than its split by lifetime, so it decides.
    let (cache_write_5m, cache_write_1h) = match counts.get(Slot::CacheWrite) {
        Some(written) => {
            let long = split_1h.map(|long| long.min(written));
            (Some(written - long.unwrap_or(0)), long)
        }
        None => (split_5m, split_1h),
    };
    let mut output = counts.get(Slot::Completion);
    let reasoning = carve(&mut output, counts.get(Slot::Reasoning));
    Usage {
        input: counts.get(Slot::Prompt),
        cache_read: counts.get(Slot::Cached),
        cache_write_5m,
        cache_write_1h,
        output,
        reasoning,
        ..Usage::default()
    }
}

/// Gemini's prompt includes what was cached, but not what tools put into it; candidates exclude
/// thoughts. Figures that are zero are left out.
fn gemini(counts: &Counts) -> Usage {
    let prompt = counts.get(Slot::Prompt);
    let tools = counts.get(Slot::ToolPrompt);
    let thoughts = counts.get(Slot::Reasoning);
    let mut output = counts.get(Slot::Completion).or_else(|| {
        let others = prompt?.checked_add(tools.unwrap_or(0))?.checked_add(thoughts.unwrap_or(0))?;
        counts.get(Slot::Total)?.checked_sub(others)
    });
    let mut input = prompt;
    let mut cached = carve(&mut input, counts.get(Slot::Cached));
    let cache_read_audio = cached.is_some().then(|| carve(&mut cached, counts.get(Slot::CachedAudio))).flatten();
    let fresh = |all: Slot, cached: Option<u64>| counts.get(all).map(|all| all.saturating_sub(cached.unwrap_or(0)));
    let input_audio = carve(&mut input, fresh(Slot::AudioIn, cache_read_audio));
    let input_image = carve(&mut input, fresh(Slot::ImageIn, counts.get(Slot::CachedImage)));
    let input = match (input, tools) {
        (Some(input), Some(tools)) => Some(input.saturating_add(tools)),
        (input, tools) => input.or(tools),
    };
    let output_audio = carve(&mut output, counts.get(Slot::AudioOut));
    let output_image = carve(&mut output, counts.get(Slot::ImageOut));
    Usage {
        input,
        cache_read: cached,
        cache_read_audio,
        input_audio,
        input_image,
        output,
        reasoning: thoughts,
        output_audio,
        output_image,
        ..Usage::default()
    }
}
