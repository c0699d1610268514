//! Numbers as people read them.

use crate::analytics::ask::{Unit, Value};

/// A value with its unit.
pub fn shown(value: &Value, unit: Option<Unit>) -> String {
    match (value, unit) {
        (Value::Text(text), _) => text.clone(),
        (Value::Null, _) => "unknown".to_owned(),
        (value, None) => value.number().map_or_else(String::new, plain),
        (value, Some(unit)) => value.number().map_or_else(String::new, |number| with_unit(number, unit)),
    }
}

/// A number with its unit.
pub(super) fn with_unit(number: f64, unit: Unit) -> String {
    let sign = if number < 0.0 { "-" } else { "" };
    let size = number.abs();
    match unit {
        Unit::Usd => format!("{sign}${}", money(size)),
        Unit::Count => plain(number),
        Unit::Tokens => format!("{} tokens", plain(number)),
        Unit::Ms => format!("{sign}{}", duration(size)),
        Unit::Ratio => format!("{sign}{} %", grouped(size * 100.0, if size < 0.1 { 2 } else { 1 })),
        Unit::TokensPerSec => format!("{} tokens/s", plain(number)),
        Unit::Bytes if size >= 1e6 => format!("{sign}{} MB", grouped(size / 1e6, 1)),
        Unit::Bytes => format!("{} bytes", plain(number)),
        Unit::Score => grouped(number, 2),
    }
}

fn money(size: f64) -> String {
    let digits = if size == 0.0 || size >= 0.995 {
        2
    } else if size >= 0.01 {
        4
    } else {
        6
    };
    grouped(size, digits)
}

fn duration(ms: f64) -> String {
    match ms {
        ms if ms < 1_000.0 => format!("{} ms", grouped(ms, 0)),
        ms if ms < 120_000.0 => format!("{} s", grouped(ms / 1e3, 2)),
        ms if ms < 7_200_000.0 => format!("{} min", grouped(ms / 6e4, 1)),
        ms => format!("{} h", grouped(ms / 3.6e6, 1)),
    }
}

fn plain(number: f64) -> String {
    let digits = if number.fract().abs() < 1e-9 || number.abs() >= 1e3 { 0 } else { 2 };
    grouped(number, digits)
}

/// With commas between thousands.
fn grouped(number: f64, digits: usize) -> String {
    let text = format!("{:.digits$}", number.abs());
    let (whole, rest) = text.split_once('.').map_or((text.as_str(), None), |(whole, rest)| (whole, Some(rest)));
    let mut out = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(rest) = rest {
        out.push('.');
        out.push_str(rest);
    }
    let is_zero = !text.contains(|digit: char| ('1'..='9').contains(&digit));
    if number < 0.0 && !is_zero { format!("-{out}") } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        for (number, unit, text) in [
            (1204.1, Unit::Usd, "$1,204.10"),
            (-141.0, Unit::Usd, "-$141.00"),
            (0.0412, Unit::Usd, "$0.0412"),
            (0.0, Unit::Usd, "$0.00"),
            (1_234_567.0, Unit::Count, "1,234,567"),
            (12.5, Unit::Count, "12.50"),
            (850.0, Unit::Ms, "850 ms"),
            (12_345.0, Unit::Ms, "12.35 s"),
            (0.123, Unit::Ratio, "12.3 %"),
            (0.0123, Unit::Ratio, "1.23 %"),
            (5e6, Unit::Bytes, "5.0 MB"),
            (0.8, Unit::Score, "0.80"),
            (50_000.0, Unit::Tokens, "50,000 tokens"),
        ] {
            assert_eq!(with_unit(number, unit), text);
        }
        assert_eq!(shown(&Value::Null, Some(Unit::Usd)), "unknown");
    }
}
