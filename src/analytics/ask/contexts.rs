//! Words whose meaning lies in those around them: settled before anything else is read.

use super::{
    Dimension, Quantity as Q, QuerySpec, View,
    link::{Item, What},
    senses::Sense,
};

static NOT: Sense = Sense::Not;
static SHARE: Sense = Sense::Share;
static IN_RESPONSES: Sense = Sense::Value(Dimension::FindingDirection, &["response"]);
static REQUESTS: Sense = Sense::Quantity(Q::Requests);
static COST: Sense = Sense::Quantity(Q::Cost);
static CACHE_READ: Sense = Sense::Quantity(Q::CacheReadTokens);
static CACHE_HITS: Sense = Sense::Quantity(Q::CacheHits);
static ERROR_KIND: Sense = Sense::Dimension(Dimension::ErrorKind);
static FINDING_KIND: Sense = Sense::Dimension(Dimension::FindingKind);
static INCIDENT_KIND: Sense = Sense::Dimension(Dimension::IncidentKind);
static SIGNAL_KIND: Sense = Sense::Dimension(Dimension::SignalKind);

/// Gives these words their meaning.
pub(super) fn settle(items: &mut [Item], previous: Option<&QuerySpec>) {
    settle_exceptions(items);
    settle_rates(items);
    settle_endpoints(items);
    settle_cached(items);
    settle_kinds(items, previous);
    // "Request cost" is that of one, "requests cost" that of all.
    for item in items.iter_mut().filter(|item| item.sense() == Some(&Sense::Quantity(Q::CostPerRequest))) {
        if item.text == "requests cost" {
            item.what = What::Word(&COST);
        }
    }
}

/// "Anything but x" is all else; in "but only x" the word says nothing.
fn settle_exceptions(items: &mut [Item]) {
    for at in 0..items.len() {
        let loud = |from: usize| {
            let rest = items.iter().skip(from);
            rest.filter(|item| !matches!(item.what, What::Word(Sense::Stop | Sense::Dimension(_))))
        };
        let is_but = items.get(at).is_some_and(|item| item.text == "but" && item.sense() == Some(&Sense::Stop));
        let is_name = loud(at + 1).next().is_some_and(|item| matches!(item.what, What::Name { .. }));
        let is_only = loud(at + 1).nth(1).is_some_and(|item| item.sense() == Some(&Sense::Only));
        if let Some(item) = items.get_mut(at).filter(|_| is_but && is_name && !is_only) {
            item.what = What::Word(&NOT);
        }
    }
}

/// The "timeout rate" and the "rate of refused requests" are shares of all requests; other rates are phrases of their own.
fn settle_rates(items: &mut [Item]) {
    let is_state = |item: &Item| match &item.what {
        What::Status(_) => true,
        What::Word(Sense::Value(dimension, _)) => super::sharing::is_state(dimension),
        What::Word(Sense::Quantity(quantity)) => super::measuring::narrowing(*quantity).is_some(),
        _ => false,
    };
    for at in 0..items.len() {
        let is_rate = items.get(at).and_then(Item::sense) == Some(&Sense::Rate);
        let before = at.checked_sub(1).and_then(|before| items.get(before)).is_some_and(is_state);
        let after = items.iter().skip(at + 1).find(|item| item.sense() != Some(&Sense::Stop)).is_some_and(is_state);
        if let Some(item) = items.get_mut(at).filter(|_| is_rate && (before || after)) {
            item.what = What::Word(&SHARE);
        }
    }
}

/// "Responses" and "messages" are endpoints where they are called so, else what requests are called besides; findings
/// in responses are those of answers.
fn settle_endpoints(items: &mut [Item]) {
    let has_findings = items.iter().any(|item| match item.sense() {
        Some(Sense::Quantity(quantity)) => quantity.view() == View::Findings,
        _ => false,
    });
    for at in 0..items.len() {
        let text =
            |place: Option<usize>| place.and_then(|place| items.get(place)).map_or("", |item| item.text.as_str());
        let is_response = text(Some(at)) == "responses";
        let is_word = (is_response || text(Some(at)) == "messages")
            && matches!(items.get(at).map(|item| &item.what), Some(What::Name { .. }));
        let is_called = matches!(text(at.checked_sub(1)), "to" | "on" | "via" | "through" | "endpoint" | "api")
            || matches!(text(Some(at + 1)), "endpoint" | "api" | "requests" | "calls" | "request" | "call");
        let sense = if is_response && has_findings { &IN_RESPONSES } else { &REQUESTS };
        if let Some(item) = items.get_mut(at).filter(|_| is_word && !is_called) {
            item.what = What::Word(sense);
        }
    }
}

/// Tokens are cached in a provider's prompt cache, requests in the gateway's response cache.
fn settle_cached(items: &mut [Item]) {
    for at in 0..items.len() {
        if items.get(at).and_then(Item::sense) != Some(&Sense::Cached) {
            continue;
        }
        let quantity = |place: usize| match items.get(place)?.sense()? {
            Sense::Quantity(quantity) => Some((place, *quantity)),
            _ => None,
        };
        let is_input = |found: &(usize, Q)| matches!(found.1, Q::Tokens | Q::InputTokens);
        // "Tokens of cached" is of what was cached; "tokens were cached" are the tokens themselves.
        let is_object = at
            .checked_sub(1)
            .and_then(|before| items.get(before))
            .is_some_and(|before| matches!(before.text.as_str(), "of" | "for" | "on" | "only" | "from"));
        let said_before = (0..at).rev().find_map(quantity).filter(|_| !is_object);
        let tokens = match said_before {
            Some(found) => Some(found).filter(is_input),
            None => quantity(at + 1).filter(is_input),
        };
        if let Some(item) = items.get_mut(at) {
            item.what = What::Word(if tokens.is_some() { &CACHE_READ } else { &CACHE_HITS });
        }
        if let Some(noun) = tokens.and_then(|(place, _)| items.get_mut(place)) {
            noun.is_used = true;
        }
    }
}

/// "Errors by kind" is by the kind of error; a follow-up may leave the noun to the question before.
fn settle_kinds(items: &mut [Item], previous: Option<&QuerySpec>) {
    let own = items.iter().find_map(|item| match item.sense()? {
        Sense::Quantity(quantity) => kind_of(*quantity),
        Sense::Fail => Some(&ERROR_KIND),
        _ => None,
    });
    let earlier = || previous?.measures.iter().find_map(|measure| kind_of(measure.quantity));
    let Some(kind) = own.or_else(earlier) else { return };
    for item in items.iter_mut().filter(|item| item.sense() == Some(&Sense::Kind)) {
        item.what = What::Word(kind);
    }
}

const fn kind_of(quantity: Q) -> Option<&'static Sense> {
    Some(match quantity {
        Q::Errors | Q::ErrorRate | Q::Refused | Q::RefusedRate | Q::FailedAttempts | Q::AttemptFailureRate => {
            &ERROR_KIND
        }
        Q::Findings | Q::RequestsWithFindings => &FINDING_KIND,
        Q::Incidents | Q::IncidentDuration | Q::ImpactedRequests => &INCIDENT_KIND,
        Q::Signals | Q::SignalScore => &SIGNAL_KIND,
        _ => return None,
    })
}
