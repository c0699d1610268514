//! The headers that come with every answer of an API family: request ids, rate limits, timings.

use super::{
    super::{dice::Dice, reply::Reply},
    Family,
};

/// Adds them to a reply.
pub(super) fn dress(reply: &mut Reply, family: Family, dice: &mut Dice) {
    let took_ms = dice.between(40, 900).to_string();
    let input = reply.tokens.unwrap_or_default().input;
    let mut headers = match family {
        Family::Openai | Family::Azure => vec![
            ("openai-processing-ms", took_ms),
            ("openai-version", "2020-10-01".to_owned()),
            ("x-ratelimit-limit-requests", "10000".to_owned()),
            ("x-ratelimit-limit-tokens", "2000000".to_owned()),
            ("x-ratelimit-remaining-requests", "9999".to_owned()),
            ("x-ratelimit-remaining-tokens", 2_000_000_u64.saturating_sub(input).to_string()),
            ("x-ratelimit-reset-requests", "6ms".to_owned()),
            ("x-ratelimit-reset-tokens", "0s".to_owned()),
        ],
        Family::Anthropic => vec![
            ("request-id", format!("req_011C{}", dice.id(20))),
            ("anthropic-organization-id", "00000000-0000-4000-8000-000000000000".to_owned()),
            ("anthropic-ratelimit-requests-limit", "4000".to_owned()),
            ("anthropic-ratelimit-requests-remaining", "3999".to_owned()),
            ("anthropic-ratelimit-requests-reset", "2026-09-21T14:13:20Z".to_owned()),
            ("anthropic-ratelimit-input-tokens-limit", "400000".to_owned()),
            ("anthropic-ratelimit-input-tokens-remaining", 400_000_u64.saturating_sub(input).to_string()),
            ("anthropic-ratelimit-input-tokens-reset", "2026-09-21T14:13:20Z".to_owned()),
        ],
        Family::Gemini => vec![("server-timing", format!("gfet4t7; dur={took_ms}")), ("vary", "Origin".to_owned())],
        Family::Ollama => Vec::new(),
    };
    match family {
        Family::Openai => {
            headers.push(("openai-organization", "demo".to_owned()));
            headers.push(("x-request-id", format!("req_{}", dice.hex(32))));
        }
        Family::Azure => {
            let id = format!("{}-{}-4{}-a{}-{}", dice.hex(8), dice.hex(4), dice.hex(3), dice.hex(3), dice.hex(12));
            headers.push(("apim-request-id", id.clone()));
            headers.push(("x-request-id", id));
            headers.push(("x-ms-region", "Demo".to_owned()));
        }
        _ => {}
    }
    reply.headers.extend(headers.into_iter().map(|(name, value)| (name.to_owned(), value.into_bytes())));
}
