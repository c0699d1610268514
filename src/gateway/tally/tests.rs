//! The traps of real streams, one promise each; every body is read whole and at every split.

use super::*;

/// Reads `body` whole, byte by byte and at every single split; all must agree.
fn read(api: Api, endpoint: Endpoint, framing: Framing, body: &str) -> Facts {
    let facts = |cuts: &[&[u8]]| {
        let mut tally = Tally::new(api, endpoint, framing);
        for cut in cuts {
            tally.feed(cut);
        }
        tally.facts()
    };
    let bytes = body.as_bytes();
    let whole = facts(&[bytes]);
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(facts(&single), whole, "byte by byte");
    // Every split of a short body, a sample of a long one's.
    for at in (0..=bytes.len()).step_by(1 + bytes.len() / 4_000) {
        let (head, tail) = bytes.split_at(at);
        assert_eq!(facts(&[head, tail]), whole, "split at {at}");
    }
    whole
}

fn chat(body: &str) -> Facts {
    read(Api::OpenaiChat, Endpoint::ChatCompletions, Framing::Sse, body)
}

#[test]
fn openai_sends_usage_in_a_last_chunk_without_choices() {
    let facts = chat(concat!(
        "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"gpt-4o-mini-2024-07-18\",\"service_tier\":\"default\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null},\"logprobs\":null,\"finish_reason\":null}],\"usage\":null}\n\n",
        "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"gpt-4o-mini-2024-07-18\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"H\\u00e9llo\"},\"logprobs\":null,\"finish_reason\":null}],\"usage\":null}\n\n",
        "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"gpt-4o-mini-2024-07-18\",\"choices\":[{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":null}\n\n",
        "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"gpt-4o-mini-2024-07-18\",\"choices\":[],\"usage\":{\"prompt_tokens\":2006,\"completion_tokens\":300,\"total_tokens\":2306,\"prompt_tokens_details\":{\"cached_tokens\":1920,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":64,\"audio_tokens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}\n\n",
        "data: [DONE]\n\n",
    ));
    assert_eq!(
        facts,
        Facts {
            usage: Usage {
                input: Some(86),
                cache_read: Some(1920),
                input_audio: Some(0),
                output: Some(236),
                reasoning: Some(64),
                output_audio: Some(0),
                ..Usage::default()
            },
            model: Some("gpt-4o-mini-2024-07-18".into()),
            finish_reason: Some("stop".into()),
            response_id: Some("chatcmpl-1".into()),
            content_started: true,
            ended: true,
            error: None,
            provider_cost: None,
            service_tier: Some("default".into()),
            output_text_bytes: 6,
        }
    );
}
