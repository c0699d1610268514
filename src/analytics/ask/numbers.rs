//! Numbers with their unit: `$100`, `50k`, `10 seconds`, `25 cents`, `5%`.

use super::{
    Unit,
    tokens::{Token, TokenKind},
};

/// A number as it was written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Number {
    /// In the unit: dollars, milliseconds, a share of 1, bytes; as written where there is none.
    pub(super) value: f64,
    /// What it is a number of, when that was said.
    pub(super) unit: Option<Unit>,
}

/// Reads the number that begins at a token; how many tokens it takes.
pub(super) fn read(tokens: &[Token], at: usize) -> Option<(usize, Number)> {
    let first = tokens.get(at)?;
    if first.is_any(&["$", "us$"]) {
        let (length, number) = plain(tokens, at + 1)?;
        let cents = tokens.get(at + 1 + length).is_some_and(|token| token.is_any(&["usd", "dollars"]));
        return Some((length + 1 + usize::from(cents), Number { value: number, unit: Some(Unit::Usd) }));
    }
    if first.kind == TokenKind::Word
        && let Some(number) = glued(&first.text)
    {
        return Some((1, number));
    }
    if let Some(found) = article(tokens, at) {
        return Some(found);
    }
    let (length, value) = plain(tokens, at)?;
    let unit =
        tokens.get(at + length).and_then(|token| factor(&token.text).filter(|_| token.kind != TokenKind::Quoted));
    // A word as number ("one model") has no sign behind it.
    Some(match unit {
        Some((unit, factor)) => (length + 1, Number { value: value * factor, unit: Some(unit) }),
        None => (length, Number { value, unit: None }),
    })
}

/// `a minute`, `half an hour`, `a dollar`, `a thousand`, where something is compared with it: `longer than a minute`.
fn article(tokens: &[Token], at: usize) -> Option<(usize, Number)> {
    const COMPARING: [&str; 18] = [
        "than",
        "over",
        "above",
        "under",
        "below",
        "least",
        "most",
        "exceed",
        "exceeds",
        "exceeded",
        "exceeding",
        "beyond",
        "to",
        "within",
        ">",
        "<",
        ">=",
        "<=",
    ];
    let is = |place: usize, words: &[&str]| tokens.get(place).is_some_and(|token| token.is_any(words));
    let half = usize::from(is(at, &["half"]));
    let is_led = at.checked_sub(1).and_then(|at| tokens.get(at)).is_some_and(|token| token.is_any(&COMPARING));
    if !is_led || !is(at + half, &["a", "an", "one"]) {
        return None;
    }
    let mut value = if half == 1 { 0.5 } else { 1.0 };
    let mut length = half + 1;
    while let Some(factor) = tokens.get(at + length).and_then(|token| magnitude(&token.text)) {
        value *= factor;
        length += 1;
    }
    let unit =
        tokens.get(at + length).filter(|token| token.kind == TokenKind::Word).and_then(|token| factor(&token.text));
    match unit {
        Some((unit, factor)) => Some((length + 1, Number { value: value * factor, unit: Some(unit) })),
        None => (length > half + 1).then_some((length, Number { value, unit: None })),
    }
}

/// Digits or a word, with a magnitude behind: `50k`, `1.5 million`, `ten thousand`.
fn plain(tokens: &[Token], at: usize) -> Option<(usize, f64)> {
    let first = tokens.get(at)?;
    let (mut length, mut value) = match first.kind {
        TokenKind::Number => (1, first.text.parse().ok()?),
        TokenKind::Word => match with_magnitude(&first.text) {
            Some(value) => (1, value),
            None => (1, of_word(&first.text)?),
        },
        _ => return None,
    };
    // "1.5k" is cut at the point that stands between digits only.
    while let Some(factor) = tokens.get(at + length).and_then(|token| magnitude(&token.text)) {
        value *= factor;
        length += 1;
    }
    Some((length, value))
}

fn of_word(text: &str) -> Option<f64> {
    const WORDS: [(&str, f64); 19] = [
        ("zero", 0.0),
        ("one", 1.0),
        ("two", 2.0),
        ("three", 3.0),
        ("four", 4.0),
        ("five", 5.0),
        ("six", 6.0),
        ("seven", 7.0),
        ("eight", 8.0),
        ("nine", 9.0),
        ("ten", 10.0),
        ("eleven", 11.0),
        ("twelve", 12.0),
        ("fifteen", 15.0),
        ("twenty", 20.0),
        ("thirty", 30.0),
        ("fifty", 50.0),
        ("half", 0.5),
        ("once", 1.0),
    ];
    WORDS.iter().find(|(word, _)| *word == text).map(|(_, value)| *value)
}

fn magnitude(text: &str) -> Option<f64> {
    Some(match text {
        "k" | "thousand" => 1e3,
        "mil" | "mio" | "million" | "millions" => 1e6,
        "hundred" => 1e2,
        "billion" | "bn" => 1e9,
        _ => return None,
    })
}

/// `50k`, `1m`
fn with_magnitude(text: &str) -> Option<f64> {
    let (number, ending) = split(text)?;
    let factor = match ending {
        "k" => 1e3,
        "m" | "mm" => 1e6,
        "b" | "bn" => 1e9,
        _ => return None,
    };
    Some(number * factor)
}

/// A number and its unit in one word: `10s`, `250ms`, `5kb`.
fn glued(text: &str) -> Option<Number> {
    let (number, ending) = split(text)?;
    let (unit, factor) = factor(ending)?;
    Some(Number { value: number * factor, unit: Some(unit) })
}

fn split(text: &str) -> Option<(f64, &str)> {
    let digits = text.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
    let (number, ending) = text.split_at_checked(digits)?;
    Some((number.parse().ok()?, ending))
}

fn factor(text: &str) -> Option<(Unit, f64)> {
    Some(match text {
        "$" | "usd" | "dollar" | "dollars" | "buck" | "bucks" => (Unit::Usd, 1.0),
        "cent" | "cents" | "¢" => (Unit::Usd, 0.01),
        "ms" | "millisecond" | "milliseconds" | "msec" | "millis" => (Unit::Ms, 1.0),
        "s" | "sec" | "secs" | "second" | "seconds" => (Unit::Ms, 1e3),
        "min" | "mins" | "minute" | "minutes" => (Unit::Ms, 6e4),
        "hour" | "hours" | "h" | "hr" | "hrs" => (Unit::Ms, 3.6e6),
        "%" | "percent" | "pct" => (Unit::Ratio, 0.01),
        "kb" | "kilobytes" | "kib" => (Unit::Bytes, 1024.0),
        "mb" | "megabytes" | "mib" => (Unit::Bytes, 1_048_576.0),
        "bytes" | "byte" => (Unit::Bytes, 1.0),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analytics::ask::tokens::tokens;

    #[test]
    fn numbers_come_in_their_unit() {
        for (text, value, unit) in [
            ("$100", 100.0, Some(Unit::Usd)),
            ("100 dollars", 100.0, Some(Unit::Usd)),
            ("$1.5k", 1500.0, Some(Unit::Usd)),
            ("25 cents", 0.25, Some(Unit::Usd)),
            ("50k", 50_000.0, None),
            ("1.5 million", 1_500_000.0, None),
            ("1,000", 1000.0, None),
            ("10 seconds", 10_000.0, Some(Unit::Ms)),
            ("10s", 10_000.0, Some(Unit::Ms)),
            ("250ms", 250.0, Some(Unit::Ms)),
            ("5%", 0.05, Some(Unit::Ratio)),
            ("ten", 10.0, None),
            ("2 minutes", 120_000.0, Some(Unit::Ms)),
        ] {
            let tokens = tokens(text);
            let (length, number) = read(&tokens, 0).unwrap();
            assert_eq!((length, number.unit), (tokens.len(), unit), "{text}");
            assert!((number.value - value).abs() < 1e-9, "{text}: {}", number.value);
        }
    }
}
