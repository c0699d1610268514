//! What a provider's headers say of its rate limits, in the words of the client's API.
//!
//! OpenAI tells when a limit is whole again as a time from now (`6m0s`), Anthropic as a date. The other APIs have no
//! such headers. Sources: both makers' pages on rate limits.

use crate::domain::ApiFamily;

/// What is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    Requests,
    Tokens,
}

impl Of {
    const ALL: [Self; 2] = [Self::Requests, Self::Tokens];

    const fn word(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Tokens => "tokens",
        }
    }
}

/// A provider's limits under the client's names: name and value of each header. `get` finds a header of the
/// provider's answer, `now` is in seconds since the Unix epoch.
///
/// ```
/// use llm_gateway::{dialect::translate::limits, domain::ApiFamily};
/// let get = |name: &str| (name == "x-ratelimit-remaining-requests").then_some("9");
/// let told = limits::translate(ApiFamily::Openai, ApiFamily::Anthropic, get, 0);
/// assert_eq!(told, [("anthropic-ratelimit-requests-remaining".to_owned(), "9".to_owned())]);
/// ```
pub fn translate<'h>(
    provider: ApiFamily,
    client: ApiFamily,
    get: impl Fn(&str) -> Option<&'h str>,
    now: i64,
) -> Vec<(String, String)> {
    let mut told = Vec::new();
    for of in Of::ALL {
        for field in ["limit", "remaining", "reset"] {
            let (Some(from), Some(to)) = (name(provider, of, field), name(client, of, field)) else { continue };
            let Some(value) = get(&from) else { continue };
            let value = match field {
                "reset" => seconds(provider, value, now).map(|seconds| reset(client, seconds, now)),
                _ => value.parse::<u64>().ok().map(|count| count.to_string()),
            };
            told.extend(value.map(|value| (to, value)));
        }
    }
    told
}

fn name(family: ApiFamily, of: Of, field: &str) -> Option<String> {
    match family {
        ApiFamily::Openai => Some(format!("x-ratelimit-{field}-{}", of.word())),
        ApiFamily::Anthropic => Some(format!("anthropic-ratelimit-{}-{field}", of.word())),
        ApiFamily::Gemini | ApiFamily::Ollama => None,
    }
}

/// Seconds until a limit is whole again.
fn seconds(family: ApiFamily, value: &str, now: i64) -> Option<f64> {
    match family {
        ApiFamily::Anthropic => {
            let at: jiff::Timestamp = value.parse().ok()?;
            let left = at.as_second().saturating_sub(now).clamp(0, 1 << 31);
            i32::try_from(left).ok().map(f64::from)
        }
        _ => duration(value),
    }
}

/// Go's way to write a duration: `1h2m3.5s`, `20ms`.
fn duration(text: &str) -> Option<f64> {
    let mut seconds = 0.0;
    let mut rest = text.trim();
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, unit) = rest.split_at_checked(digits)?;
        let end = unit.find(|c: char| c.is_ascii_digit()).unwrap_or(unit.len());
        let (unit, more) = unit.split_at_checked(end)?;
        let scale = match unit {
            "h" => 3_600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            _ => return None,
        };
        seconds += number.parse::<f64>().ok()? * scale;
        rest = more;
    }
    (0.0..1e9).contains(&seconds).then_some(seconds)
}

fn reset(family: ApiFamily, seconds: f64, now: i64) -> String {
    match family {
        ApiFamily::Anthropic => {
            #[expect(clippy::cast_possible_truncation, reason = "less than 1e9, see `duration`")]
            let at = now.saturating_add(seconds.ceil() as i64);
            jiff::Timestamp::from_second(at).unwrap_or_default().to_string()
        }
        _ => format!("{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(provider: ApiFamily, client: ApiFamily, headers: &[(&str, &str)]) -> Vec<(String, String)> {
        let get = |name: &str| headers.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        translate(provider, client, get, 1_780_000_000)
    }

    #[test]
    fn limits_keep_their_meaning_under_other_names() {
        let openai = [
            ("x-ratelimit-limit-requests", "60"),
            ("x-ratelimit-remaining-tokens", "149984"),
            ("x-ratelimit-reset-requests", "1m0.5s"),
            ("x-ratelimit-reset-tokens", "soon"),
        ];
        let pairs = |list: &[(&str, &str)]| {
            list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Vec<_>>()
        };
        let anthropic = [
            ("anthropic-ratelimit-requests-limit", "60"),
            ("anthropic-ratelimit-requests-reset", "2026-05-28T20:27:41Z"),
            ("anthropic-ratelimit-tokens-remaining", "149984"),
        ];
        assert_eq!(told(ApiFamily::Openai, ApiFamily::Anthropic, &openai), pairs(&anthropic));
        let back = [
            ("x-ratelimit-limit-requests", "60"),
            ("x-ratelimit-reset-requests", "61s"),
            ("x-ratelimit-remaining-tokens", "149984"),
        ];
        assert_eq!(told(ApiFamily::Anthropic, ApiFamily::Openai, &anthropic), pairs(&back));
        assert_eq!(told(ApiFamily::Openai, ApiFamily::Gemini, &openai), []);
    }

    #[test]
    fn durations_are_read_or_not_at_all() {
        let rows = [("20ms", Some(0.02)), ("1h1m1s", Some(3_661.0)), ("6m0s", Some(360.0)), ("0s", Some(0.0))];
        for (text, seconds) in rows {
            assert_eq!(duration(text), seconds, "{text}");
        }
        for text in ["5", "s", "1x", "1..2s", "99999999999h", "-1s"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }
}
