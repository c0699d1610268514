//! What is left of a request's limits, in the headers that each API has for it.
//!
//! Forms: OpenAI "Rate limits in headers" (a time until the reset, as `6m0s`), Anthropic "Response headers" (the
//! moment of the reset, RFC 3339). Gemini and Ollama have none. Where a request has limits
//! here, these take the place of whatever the provider sent.

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::{
    domain::{ApiFamily, Timestamp},
    limits::{Head, Standing},
};

/// Limit, remaining, reset.
type Names = [&'static str; 3];

const OPENAI: [Names; 2] = [
    ["x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"],
    ["x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"],
];
const ANTHROPIC: [Names; 2] = [
    [
        "anthropic-ratelimit-requests-limit",
        "anthropic-ratelimit-requests-remaining",
        "anthropic-ratelimit-requests-reset",
    ],
    ["anthropic-ratelimit-tokens-limit", "anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset"],
];

pub(super) fn write(headers: &mut HeaderMap, family: ApiFamily, standing: &Standing, now: Timestamp) {
    let names = match family {
        ApiFamily::Openai => OPENAI,
        ApiFamily::Anthropic => ANTHROPIC,
        ApiFamily::Gemini | ApiFamily::Ollama => return,
    };
    if *standing == Standing::default() {
        return;
    }
    // Two sets of numbers would say two things.
    let prefix = if family == ApiFamily::Anthropic { "anthropic-ratelimit-" } else { "x-ratelimit-" };
    let theirs: Vec<HeaderName> = headers.keys().filter(|name| name.as_str().starts_with(prefix)).cloned().collect();
    for name in theirs {
        headers.remove(name);
    }
    for ([limit, remaining, reset], head) in names.into_iter().zip([standing.requests, standing.tokens]) {
        let Some(head) = head else { continue };
        headers.insert(HeaderName::from_static(limit), HeaderValue::from(head.limit));
        headers.insert(HeaderName::from_static(remaining), HeaderValue::from(head.remaining));
        if let Ok(value) = HeaderValue::try_from(told(family, &head, now)) {
            headers.insert(HeaderName::from_static(reset), value);
        }
    }
}

fn told(family: ApiFamily, head: &Head, now: Timestamp) -> String {
    match family {
        ApiFamily::Anthropic => {
            // To the second, and never too early.
            let up = Timestamp { unix_us: head.reset_at_us.saturating_add(999_999).div_euclid(1_000_000) * 1_000_000 };
            up.to_string().replace(".000Z", "Z")
        }
        _ => duration(head.reset_at_us.saturating_sub(now.unix_us).max(0)),
    }
}

/// A time as Go writes it: `12ms`, `8.64s`, `6m0s`, `23h59m59s`.
fn duration(micros: i64) -> String {
    let millis = micros.saturating_add(999) / 1_000;
    let (minutes, rest) = (millis / 60_000, millis % 60_000);
    let (seconds, fraction) = (rest / 1_000, rest % 1_000);
    match (minutes, seconds) {
        (0, 0) => format!("{fraction}ms"),
        (0, _) if fraction == 0 => format!("{seconds}s"),
        (0, _) => format!("{}s", format!("{seconds}.{fraction:03}").trim_end_matches('0')),
        (1..60, _) => format!("{minutes}m{}s", seconds + i64::from(fraction > 0)),
        _ => format!("{}h{}m{}s", minutes / 60, minutes % 60, seconds),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_openai_does() {
        let table = [
            (0, "0ms"),
            (11_001, "12ms"),
            (1_000_000, "1s"),
            (8_640_000, "8.64s"),
            (59_999_000, "59.999s"),
            (360_000_000, "6m0s"),
            (86_399_000_000, "23h59m59s"),
        ];
        for (micros, text) in table {
            assert_eq!(duration(micros), text);
        }
    }

    #[test]
    fn each_api_gets_its_own_headers() {
        let now = Timestamp::parse("2026-11-21T15:40:00Z").unwrap();
        let head = Head { limit: 60, remaining: 59, reset_at_us: now.unix_us + 1_000_000 };
        let standing = Standing { requests: Some(head), tokens: None };
        let written = |family| {
            let mut headers = HeaderMap::new();
            write(&mut headers, family, &standing, now);
            let mut lines: Vec<_> =
                headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
            lines.sort();
            lines
        };
        assert_eq!(
            written(ApiFamily::Openai),
            ["x-ratelimit-limit-requests: 60", "x-ratelimit-remaining-requests: 59", "x-ratelimit-reset-requests: 1s"]
        );
        assert_eq!(
            written(ApiFamily::Anthropic),
            [
                "anthropic-ratelimit-requests-limit: 60",
                "anthropic-ratelimit-requests-remaining: 59",
                "anthropic-ratelimit-requests-reset: 2026-11-21T15:40:01Z"
            ]
        );
        assert!(written(ApiFamily::Gemini).is_empty() && written(ApiFamily::Ollama).is_empty());
    }
}
