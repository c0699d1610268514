//! What records tell of, as a table.

use super::*;
use crate::{
    domain::{BudgetMark, Direction, Finding},
    store::testing::{attempt, record},
};

/// What happens | outcome and error kind | calls as provider/status/error | what it tells of, as
/// kind@provider=impact.
const CASES: &str = "
all is well                          | ok                                          | b/200                                                    |
failed over                          | ok                                          | a/-/upstream_connect b/200                               | provider_down@a=mitigated
tried again                          | ok                                          | b/-/upstream_protocol b/200                              | provider_down@b=mitigated
all are dead                         | error upstream_connect                      | a/-/upstream_connect b/-/upstream_connect                | provider_down@a=customer_impacting provider_down@b=customer_impacting
twice the same                       | error upstream_connect                      | a/-/upstream_connect a/-/upstream_connect                | provider_down@a=customer_impacting
two causes                           | error upstream_rate_limit                   | a/-/upstream_timeout a/429/upstream_rate_limit           | timeouts@a=customer_impacting rate_limited@a=customer_impacting
a stream that breaks                 | error upstream_protocol                     | a/200/upstream_protocol                                  | provider_errors@a=customer_impacting
5xx                                  | error upstream_error                        | a/500/upstream_error                                     | provider_errors@a=customer_impacting
a redirect                           | error upstream_redirect                     | a/302/upstream_redirect                                  | provider_errors@a=customer_impacting
our key is refused                   | error upstream_authentication               | a/401/upstream_authentication                            | bad_credentials@a=customer_impacting
no credit there                      | error upstream_rejected                     | a/402/upstream_rejected                                  | bad_credentials@a=customer_impacting
the client's 400                     | error upstream_rejected                     | a/400/upstream_rejected                                  |
the client's own key                 | error upstream_rejected                     | a/401/upstream_rejected                                  |
the client's 400 after a failure     | error upstream_rejected                     | a/-/upstream_connect b/400/upstream_rejected             | provider_down@a=mitigated
no such model there, but elsewhere   | ok                                          | a/404/upstream_rejected b/200                            | provider_errors@a=mitigated
left amid the answer                 | client_disconnected                         | b/200                                                    |
left amid the answer of the second   | client_disconnected                         | a/-/upstream_connect b/200                               | provider_down@a=mitigated
left before an answer                | client_disconnected                         | a/-/upstream_connect b/-                                 |
blocked after failing over           | refused content_blocked                     | a/-/upstream_connect b/200                               | provider_down@a=mitigated
everybody is left alone              | refused no_provider                         |                                                          | provider_down@-=customer_impacting
over the provider's limit            | refused upstream_rate_limit                 |                                                          | rate_limited@-=customer_impacting
a bad request                        | refused invalid_request                     |                                                          |
no key                               | refused authentication                      |                                                          |
over our own limit                   | refused rate_limit_exceeded                 |                                                          |
over its budget                      | refused budget_exceeded                     |                                                          | budget_burn@-=customer_impacting
without a price that is required     | refused price_unknown                       |                                                          | unknown_price@-=customer_impacting
a slow client                        | refused request_timeout                     |                                                          |
a bug                                | error internal                              |                                                          | gateway@-=customer_impacting
stopped amid a call                  | error shutting_down                         | a/200/shutting_down                                      | gateway@-=customer_impacting
";

#[test]
fn a_budget_that_passes_a_mark_is_a_notice_of_its_own() {
    let mark = |budget: &str, is_used_up| BudgetMark { budget: budget.into(), is_used_up };
    let mut one = record(0, Outcome::Ok, None);
    one.budget_marks = vec![mark("soft", false), mark("hard", true)];
    let told: Vec<_> = sightings(&one)
        .into_iter()
        .map(|seen| (seen.cause.kind, seen.cause.subject, seen.impact, seen.error))
        .collect();
    let notice = |budget: &str, error| (IncidentKind::BudgetBurn, Some(budget.into()), Impact::Notice, error);
    assert_eq!(told, [notice("soft", "budget_warning"), notice("hard", "budget_used_up")]);
}

#[test]
fn each_ending_tells_of_its_causes_and_whom_they_hit() {
    let mut count = 0;
    for line in CASES.lines().filter(|line| !line.is_empty()) {
        let [what, ending, calls, expected] = line.split('|').map(str::trim).collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let (outcome, kind) = ending.split_once(' ').unwrap_or((ending, ""));
        let mut one = record(0, Outcome::parse(outcome).unwrap(), ErrorKind::parse(kind));
        let call = |call: &str| {
            let [provider, status, error] = [0, 1, 2].map(|at| call.split('/').nth(at).unwrap_or_default());
            attempt(provider, status.parse().ok(), ErrorKind::parse(error))
        };
        one.attempts = calls.split_whitespace().map(call).collect();
        if one.outcome == Outcome::ClientDisconnected {
            one.status = one.attempts.last().and_then(|call| call.status);
        }
        let told = sightings(&one).into_iter().map(|seen| {
            let provider = seen.cause.provider.as_deref().unwrap_or("-").to_owned();
            format!("{}@{provider}={}", seen.cause.kind.as_str(), seen.impact.as_str())
        });
        assert_eq!(told.collect::<Vec<_>>(), expected.split_whitespace().collect::<Vec<_>>(), "{what}");
        count += 1;
    }
    assert_eq!(count, 29);
}

#[test]
fn prices_and_secrets_are_notices() {
    let mut one = record(0, Outcome::Ok, None);
    (one.cost_unknown_reason, one.model) = (Some("no_price"), Some("m".into()));
    let seen = sightings(&one);
    assert_eq!((seen[0].cause.kind, seen[0].impact), (IncidentKind::UnknownPrice, Impact::Notice));
    assert_eq!(seen[0].cause.subject.as_deref(), Some("m"));
    one.cost_unknown_reason = Some("no_usage");
    assert_eq!(sightings(&one), []);
    let finding = |category, action| Finding {
        direction: Direction::Request,
        rule: "r".into(),
        kind: "K".into(),
        category,
        place: "p".into(),
        action,
        count: 1,
    };
    one.findings = vec![finding(Category::Pii, Action::Redact)];
    assert_eq!(sightings(&one), []);
    one.findings.push(finding(Category::Credentials, Action::Log));
    let seen = sightings(&one);
    assert_eq!((seen[0].cause.kind, seen[0].impact), (IncidentKind::SecretsFound, Impact::Notice));
}

#[test]
fn a_failure_is_seen_when_its_call_ended() {
    let mut one = record(1_000_000, Outcome::Ok, None);
    let mut failed = attempt("a", None, Some(ErrorKind::UpstreamTimeout));
    (failed.started_at.unix_us, failed.latency_us) = (1_000_100, 5_000_000);
    one.attempts = vec![failed, attempt("b", Some(200), None)];
    assert_eq!(sightings(&one)[0].at_us, 6_000_100);
}
