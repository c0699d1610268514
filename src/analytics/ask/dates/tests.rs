//! Every rule as a row: words, and the window they mean on one Tuesday.

use super::*;
use crate::{analytics::ask::tokens::tokens, domain::Timestamp};

/// Tuesday.
const NOW: &str = "2027-03-09T10:20:00Z";

fn clock(now: &str) -> Clock {
    Clock::utc(Timestamp::parse(now).unwrap())
}

fn shown(us: i64) -> String {
    if us == 0 {
        return "…".to_owned();
    }
    let text = Timestamp { unix_us: us }.to_string();
    text.trim_end_matches(":00.000Z").trim_end_matches("T00:00").to_owned()
}

fn read_all(words: &str, clock: &Clock) -> String {
    let tokens = tokens(words);
    match read(&tokens, 0, clock) {
        Some((length, found)) if length == tokens.len() => match found {
            When::Range(range) => format!("{} {}", shown(range.from_us), shown(range.to_us)),
            When::OverPrevious(unit) => format!("over previous {unit:?}"),
            When::Ambiguous(_) => "ambiguous".to_owned(),
            other => format!("{other:?}"),
        },
        Some((length, found)) => format!("only {length} of {}: {found:?}", tokens.len()),
        None => "nothing".to_owned(),
    }
}

/// The window that words mean; `None` for one that is empty.
pub(super) fn read_at(words: &str, clock: &Clock) -> Option<(i64, i64)> {
    let tokens = tokens(words);
    match read(&tokens, 0, clock) {
        Some((length, When::Range(range))) if length == tokens.len() => Some((range.from_us, range.to_us)),
        Some((length, When::Future)) if length == tokens.len() => None,
        other => panic!("{words}: {other:?}"),
    }
}

#[test]
fn every_rule() {
    const TABLE: &str = include_str!("table.txt");
    let clock = clock(NOW);
    let now = "2027-03-09T10:20";
    let mut wrong = Vec::new();
    let rows = TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    for row in rows.clone() {
        let (words, expected) = row.split_once(" = ").unwrap();
        let found = read_all(words.trim(), &clock);
        if found != expected.trim().replace("now", now) && found != expected.trim() {
            wrong.push(format!("{words}: {found}, not {expected}"));
        }
    }
    assert!(rows.count() > 120);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
