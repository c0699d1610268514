//! The meter: the same facts for every split, whatever a provider sends.

use llm_gateway::{
    domain::{Api, Endpoint},
    gateway::tally::{Facts, Framing, Tally},
};

use super::cuts;

/// One of each table, and one of each endpoint that reads it in a way of its own.
const SHAPES: [(Api, Endpoint); 9] = [
    (Api::OpenaiChat, Endpoint::ChatCompletions),
    (Api::OpenaiResponses, Endpoint::Responses),
    (Api::Anthropic, Endpoint::Messages),
    (Api::Gemini, Endpoint::StreamGenerateContent),
    (Api::Ollama, Endpoint::OllamaChat),
    (Api::OpenaiEmbeddings, Endpoint::Embeddings),
    (Api::Openai, Endpoint::Images),
    (Api::Openai, Endpoint::Batches),
    (Api::Gemini, Endpoint::BatchEmbedContents),
];

const FRAMINGS: [Framing; 5] = [Framing::Sse, Framing::Json, Framing::JsonArray, Framing::NdJson, Framing::Opaque];

/// The longest text that a fact may be, whatever was sent: what the scanner captures, and some bytes for
/// characters in the place of broken ones.
const MAX_FACT_BYTES: usize = 16 << 10;

/// The first byte chooses API and endpoint (`0` to `8`), the rest is an answer's body.
pub fn run(data: &[u8]) {
    let Some((choice, body)) = data.split_first() else { return };
    let (api, endpoint) = SHAPES[usize::from(choice.wrapping_sub(b'0')) % SHAPES.len()];
    for framing in FRAMINGS {
        let whole = read(api, endpoint, framing, &[body]);
        for feeds in cuts::of(body) {
            assert_eq!(read(api, endpoint, framing, &feeds), whole, "{framing:?}: the facts depend on the split");
        }
        check(&whole, framing, body);
    }
}

/// Facts after all feeds; asking for them midway changes nothing.
fn read(api: Api, endpoint: Endpoint, framing: Framing, feeds: &[&[u8]]) -> Facts {
    let mut tally = Tally::new(api, endpoint, framing);
    let mut began = false;
    for feed in feeds {
        tally.feed(feed);
        assert!(!began || tally.content_started(), "content that had begun has not begun any more");
        began = tally.content_started();
        // Facts are not free; feeds of one byte would make this the whole run.
        if feeds.len() < 8 {
            assert_eq!(began, tally.facts().content_started, "two answers to whether content has begun");
        }
    }
    tally.facts()
}

fn check(facts: &Facts, framing: Framing, body: &[u8]) {
    let texts = [&facts.model, &facts.finish_reason, &facts.response_id, &facts.service_tier];
    let message = facts.error.as_ref().map(|error| &error.message);
    for text in texts.into_iter().filter_map(Option::as_ref).chain(message) {
        assert!(text.len() <= MAX_FACT_BYTES, "a fact of {} bytes", text.len());
    }
    if let Some(status) = facts.error.as_ref().and_then(|error| error.status) {
        assert!((400..600).contains(&status), "an error with status {status}");
    }
    assert!(facts.output_text_bytes <= body.len() as u64, "more text than was sent");
    assert!(!facts.usage.estimated, "the meter itself never guesses");
    if framing == Framing::Opaque {
        assert_eq!(facts, &Facts { ended: true, ..Facts::default() }, "facts from what cannot be read");
    }
    let mut estimated = facts.clone();
    estimated.estimate_missing(400);
    let (input, output) = (facts.usage.input_tokens(), facts.usage.output_tokens());
    assert!(estimated.usage.input_tokens().is_some() && estimated.usage.output_tokens().is_some());
    assert!(input.is_none() || estimated.usage.input_tokens() == input, "an estimate over a known figure");
    assert!(estimated.usage.output_tokens() >= output, "an estimate below what was reported");
    if facts.ended && input.is_some() && output.is_some() {
        assert_eq!(&estimated, facts, "an estimate where all was known");
    }
}
