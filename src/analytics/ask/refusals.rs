//! Questions that are declined by what they ask for: orders, secrets, what nobody recorded, the future.
//!
//! Word lists, on purpose: what is refused here never reaches a model.

mod lists;

use self::lists::{FORECAST, INJECTIONS, KEYS, ORDERS, POLITE, SECRETS, SHOWS, SQL, THIS_MONTH, UNRECORDED};
use super::{
    DeclineKind, Declined, Names,
    tokens::{Token, TokenKind},
};

/// Why a question must not be answered, if so.
pub(super) fn refusal(question: &str, tokens: &[Token], names: &Names) -> Option<Declined> {
    let lower = question.to_lowercase();
    let words = spaced(tokens);
    let has = |list: &[&str]| list.iter().any(|phrase| words.contains(&format!(" {phrase} ")));
    if is_order(tokens) || SQL.iter().any(|piece| lower.contains(piece)) || has_select(tokens) {
        return Some(declined(
            DeclineKind::Forbidden,
            "Ask only reads: it changes nothing and runs no statement out of a question",
            &["cost this month", "requests yesterday by model"],
            None,
        ));
    }
    if INJECTIONS.iter().any(|piece| words.contains(&format!(" {piece} "))) {
        return Some(declined(
            DeclineKind::Forbidden,
            "a question cannot give other instructions",
            &["cost yesterday", "requests yesterday by model"],
            None,
        ));
    }
    if has(&SECRETS) && !is_about_findings(&words) {
        return Some(secrets());
    }
    let shows = tokens.iter().any(|token| token.is_any(&SHOWS))
        || words.starts_with(" what are ")
        || words.starts_with(" what is ")
        || words.starts_with(" what 's ");
    if shows && has(&KEYS) && !is_measured(tokens) && !is_about_findings(&words) {
        return Some(secrets());
    }
    for (phrases, reason, instead) in UNRECORDED {
        // A project may be called "topics".
        if phrases.iter().any(|phrase| words.contains(&format!(" {phrase} ")) && !names.has_value(phrase)) {
            return Some(declined(DeclineKind::NotRecorded, reason, instead, None));
        }
    }
    (has(&FORECAST) && !has(&THIS_MONTH)).then(|| {
        declined(
            DeclineKind::Forecast,
            "there is no forecast beyond the running month",
            &["projected month end", "cost by month this year"],
            None,
        )
    })
}

fn declined(kind: DeclineKind, reason: &str, instead: &[&str], page: Option<&'static str>) -> Declined {
    let r#try = instead.iter().map(|text| (*text).to_owned()).collect();
    Declined { kind, reason: reason.to_owned(), r#try, page }
}

fn secrets() -> Declined {
    declined(
        DeclineKind::Forbidden,
        "keys and other secrets are not in reach of Ask; providers and keys have their own pages, which never show one again",
        &["cost by key", "requests by provider"],
        Some("/providers"),
    )
}

/// The words with one blank around each.
fn spaced(tokens: &[Token]) -> String {
    let mut words = " ".to_owned();
    for token in tokens.iter().filter(|token| token.kind != TokenKind::Quoted) {
        words.push_str(&token.text.to_lowercase());
        words.push(' ');
    }
    words
}

/// Whether a sentence or a part of it begins with an order.
fn is_order(tokens: &[Token]) -> bool {
    tokens.iter().enumerate().any(|(at, token)| {
        if token.kind == TokenKind::Quoted || !token.is_any(&ORDERS) {
            return false;
        }
        let led = tokens.get(..at).unwrap_or_default();
        let clause =
            led.iter().rposition(|before| before.is_any(&[";", ".", "!", "?", ":", ","])).map_or(0, |end| end + 1);
        let before = led.get(clause..).unwrap_or_default();
        // "Then", "and": the order may follow a question.
        let joint = before.iter().rposition(|word| word.is_any(&["then", "and"])).map_or(0, |end| end + 1);
        let is_polite = |words: &[Token]| words.iter().all(|word| word.is_any(&POLITE));
        let next = tokens.get(at + 1);
        let is_noun = next
            .is_none_or(|next| next.is_any(&["in", "of", "by", "rate", "?", "reason", "reasons", "limit", "count"]));
        let tail = before.get(joint..).unwrap_or_default();
        let follows_joint =
            joint > 0 && tail.is_empty() && !next.is_some_and(|next| next.is_any(&["errors", "requests"]));
        !is_noun && (is_polite(before) || (follows_joint && !is_verb_of_routing(led)))
    })
}

/// "How often did layer 3 skip and drop x" is a question.
fn is_verb_of_routing(before: &[Token]) -> bool {
    before.iter().any(|token| token.is_any(&["routing", "layer", "router"]))
}

/// `select … from …`
fn has_select(tokens: &[Token]) -> bool {
    let select = tokens.iter().position(|token| token.is("select"));
    select.is_some_and(|at| tokens.iter().skip(at).any(|token| token.is("from")))
}

/// Whether secrets are what the sanitizer found.
fn is_about_findings(words: &str) -> bool {
    [
        " leaked ",
        " leak ",
        " leaks ",
        " found ",
        " finding ",
        " findings ",
        " detected ",
        " redacted ",
        " blocked ",
        " block ",
        " masked ",
        " sanitizer ",
        " leaking ",
        " exposed ",
        " refused ",
        " caught ",
    ]
    .iter()
    .any(|word| words.contains(word))
}

/// Whether something is measured about keys.
fn is_measured(tokens: &[Token]) -> bool {
    tokens.iter().any(|token| {
        token.is_any(&[
            "cost",
            "costs",
            "spend",
            "spent",
            "spending",
            "requests",
            "request",
            "calls",
            "tokens",
            "token",
            "usage",
            "use",
            "used",
            "uses",
            "errors",
            "error",
            "rate",
            "latency",
            "budget",
            "budgets",
            "traffic",
            "many",
            "much",
            "expensive",
            "bill",
            "incidents",
            "top",
            "active",
            "most",
            "least",
            "money",
            "throughput",
            "percentage",
            "share",
            "closest",
        ])
    })
}
