//! Which model a name means: the match rules of the bundled catalog.
//!
//! Names are matched in lower case. Never a regular expression: a rule costs one pass over the name at most.

use std::borrow::Cow;

use serde::Deserialize;

/// One match rule.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Rule<'a> {
    #[serde(borrow)]
    Any(Vec<Rule<'a>>),
    #[serde(borrow)]
    All(Vec<Rule<'a>>),
    Is(&'a str),
    Starts(&'a str),
    Ends(&'a str),
    Contains(&'a str),
    /// The whole name, where `#` is a digit and a final `*` is anything.
    Shape(&'a str),
    /// Nowhere `-part` before another `-` or the end.
    WithoutPart(&'a str),
}

impl Rule<'_> {
    /// Whether a name in lower case is meant.
    pub(super) fn matches(&self, name: &str) -> bool {
        match self {
            Self::Any(rules) => rules.iter().any(|rule| rule.matches(name)),
            Self::All(rules) => rules.iter().all(|rule| rule.matches(name)),
            Self::Is(text) => name == *text,
            Self::Starts(text) => name.starts_with(text),
            Self::Ends(text) => name.ends_with(text),
            Self::Contains(text) => name.contains(text),
            Self::Shape(shape) => has_shape(name, shape),
            Self::WithoutPart(part) => !name.split('-').skip(1).any(|found| found == *part),
        }
    }
}

fn has_shape(name: &str, shape: &str) -> bool {
    let (shape, open) = shape.strip_suffix('*').map_or((shape, false), |shape| (shape, true));
    let fits = |(byte, expected): (u8, u8)| if expected == b'#' { byte.is_ascii_digit() } else { byte == expected };
    (name.len() == shape.len() || open && name.len() > shape.len()) && name.bytes().zip(shape.bytes()).all(fits)
}

/// A name in lower case, as rules want it.
pub(super) fn folded(name: &str) -> Cow<'_, str> {
    if name.bytes().any(|byte| !byte.is_ascii() || byte.is_ascii_uppercase()) {
        Cow::Owned(name.to_lowercase())
    } else {
        Cow::Borrowed(name)
    }
}

/// The name with `-20251211` spelled `-2025-12-11`, as the catalog has most dated names; `None` if it bears
/// no such date.
pub(super) fn with_dashed_dates(name: &str) -> Option<String> {
    let mut out = String::with_capacity(name.len() + 4);
    let mut rest = name;
    let mut changed = false;
    while let Some(at) = rest.find("-20") {
        let (before, from_dash) = rest.split_at(at);
        out.push_str(before);
        let date = from_dash.get(1..9).filter(|date| is_date(date));
        let ends = from_dash.get(9..).is_some_and(|after| after.is_empty() || after.starts_with(['-', ':']));
        if let (Some(date), true) = (date, ends) {
            let (year, month_day) = date.split_at(4);
            let (month, day) = month_day.split_at(2);
            out.extend(["-", year, "-", month, "-", day]);
            changed = true;
            rest = from_dash.get(9..).unwrap_or_default();
        } else {
            out.push('-');
            rest = from_dash.get(1..).unwrap_or_default();
        }
    }
    out.push_str(rest);
    changed.then_some(out)
}

fn is_date(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && jiff::civil::Date::strptime("%Y%m%d", text).is_ok()
}
