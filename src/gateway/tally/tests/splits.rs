//! Foreign bytes of every kind: the same facts for every split, and never a panic.

use proptest::prelude::*;

use super::*;

const SHAPES: [(Api, Endpoint); 6] = [
    (Api::OpenaiChat, Endpoint::ChatCompletions),
    (Api::OpenaiResponses, Endpoint::Responses),
    (Api::Anthropic, Endpoint::Messages),
    (Api::Gemini, Endpoint::StreamGenerateContent),
    (Api::Ollama, Endpoint::OllamaChat),
    (Api::Openai, Endpoint::Images),
];

const FRAMINGS: [Framing; 5] = [Framing::Sse, Framing::Json, Framing::JsonArray, Framing::NdJson, Framing::Opaque];

/// Pieces that real streams are made of, whole and broken.
const SCRAPS: &[&[u8]] = &[
    b"data: ",
    b"event: error\n",
    b"\n",
    b"\r",
    b"\r\n\r\n",
    b"\n\n",
    b"\xef\xbb\xbf",
    b": comment\n",
    b"[DONE]",
    b"{\"choices\":[{\"delta\":{\"content\":\"a\\u00e9\\ud83d\\ude00\\n\"},\"finish_reason\":\"stop\"}]}",
    b"{\"usage\":{\"prompt_tokens\":12,\"completion_tokens\":34,\"total_tokens\":50}}",
    b"{\"type\":\"message_delta\",\"usage\":{\"output_tokens\":5}}",
    b"{\"usageMetadata\":{\"promptTokenCount\":7,\"promptTokensDetails\":[{\"modality\":\"AUDIO\",\"tokenCount\":3}]}}",
    b"{\"response\":{\"status\":\"completed\",\"usage\":{\"input_tokens\":3}}}",
    b"{\"done\":true,\"eval_count\":9,\"error\":\"x\"}",
    b"{\"error\":{\"code\":429,\"message\":\"\xff\xfe\"}}",
    b"[",
    b"]",
    b",",
    b"}",
    b"\"",
    b"\\",
    b"\\ud83d",
    b"\xc3",
];

fn scraps() -> impl Strategy<Value = Vec<u8>> + use<> {
    prop::collection::vec(prop::sample::select(SCRAPS), 0..12).prop_map(|scraps| scraps.concat())
}

proptest! {
    #[test]
    fn facts_are_the_same_for_every_split(body in scraps(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(body.len() + 1)).collect();
        at.sort_unstable();
        for (api, endpoint) in SHAPES {
            for framing in FRAMINGS {
                let mut whole = Tally::new(api, endpoint, framing);
                whole.feed(&body);
                let mut parts = Tally::new(api, endpoint, framing);
                let mut from = 0;
                for to in at.iter().copied().chain([body.len()]) {
                    parts.feed(&body[from..to]);
                    from = to;
                }
                prop_assert_eq!(whole.facts(), parts.facts());
            }
        }
    }

    #[test]
    fn random_bytes_do_no_harm(body in prop::collection::vec(any::<u8>(), 0..400)) {
        for (api, endpoint) in SHAPES {
            for framing in FRAMINGS {
                let mut tally = Tally::new(api, endpoint, framing);
                tally.feed(&body);
                let mut facts = tally.facts();
                facts.estimate_missing(u64::MAX);
            }
        }
    }
}
