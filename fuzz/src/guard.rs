//! The guard of a stream: what leaves is the same for every way to cut it, and is what came when nothing was found.

use std::sync::Arc;

use llm_gateway::{
    domain::Api,
    sanitize::{Framing, Guard, RuleSet, Vault},
};

use super::{cuts, rules::SETS};

const WAYS: [(Api, Framing); 8] = [
    (Api::OpenaiChat, Framing::Sse),
    (Api::OpenaiResponses, Framing::Sse),
    (Api::Anthropic, Framing::Sse),
    (Api::Gemini, Framing::Sse),
    (Api::Gemini, Framing::JsonArray),
    (Api::Ollama, Framing::NdJson),
    (Api::OpenaiChat, Framing::Json),
    (Api::Openai, Framing::Text),
];

/// What came out, what was found, and whether it ended before its end.
type Outcome = (Vec<u8>, String, bool);

/// The first byte chooses API and framing (`A` is the first), the rest is a stream.
pub fn run(data: &[u8]) {
    let Some((choice, stream)) = data.split_first() else { return };
    let (api, framing) = WAYS[usize::from(choice.wrapping_sub(b'A')) % WAYS.len()];
    for rules in SETS.iter() {
        let whole = fed(rules, api, framing, &[stream]);
        if whole.1 == "[]" && !whole.2 {
            assert_eq!(whole.0, stream, "what has nothing in it has changed");
        }
        for feeds in cuts::of(stream) {
            assert_eq!(fed(rules, api, framing, &feeds), whole, "what leaves depends on the split");
        }
    }
}

fn fed(rules: &Arc<RuleSet>, api: Api, framing: Framing, feeds: &[&[u8]]) -> Outcome {
    let mut guard = Guard::new(Arc::clone(rules), Arc::new(Vault::default()), api, framing, true);
    let mut out = Vec::new();
    for feed in feeds {
        guard.feed(feed, &mut out);
    }
    guard.finish(&mut out);
    (out, format!("{:?}", guard.report().findings), guard.is_over())
}
