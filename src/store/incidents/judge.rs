//! What a record tells of: its causes of incidents, and whom each hit. Pure.
//!
//! What the client itself is at fault for (a request that was wrong, a hang-up) tells of nothing.

use std::sync::Arc;

use crate::domain::{Action, Attempt, Category, ErrorKind, Impact, IncidentKind, Outcome, Record};

/// What makes failures equal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::store) struct Cause {
    pub(in crate::store) kind: IncidentKind,
    /// Who failed.
    pub(in crate::store) provider: Option<Arc<str>>,
    /// What tells causes of one kind and provider apart: a model, a project, an error of the gateway's.
    pub(in crate::store) subject: Option<Arc<str>>,
}

/// One cause that one record tells of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) struct Sighting {
    pub(in crate::store) cause: Cause,
    pub(in crate::store) impact: Impact,
    /// When it failed, in microseconds since the Unix epoch.
    pub(in crate::store) at_us: i64,
    /// The model that was asked.
    pub(in crate::store) model: Option<Arc<str>>,
    /// What went wrong, as the record tells it.
    pub(in crate::store) error: &'static str,
}

/// Everything a record tells of, each cause once. Allocates nothing for a record without fault.
pub(in crate::store) fn sightings(record: &Record) -> Vec<Sighting> {
    let mut seen = Vec::new();
    if record.error_kind.is_some() || record.attempts.iter().any(|attempt| attempt.error_kind.is_some()) {
        failures(record, &mut seen);
    }
    if record.cost_unknown_reason == Some("no_price") && record.outcome == Outcome::Ok {
        let cause = Cause {
            kind: IncidentKind::UnknownPrice,
            provider: record.provider.clone(),
            subject: record.model.clone(),
        };
        let (impact, model) = (Impact::Notice, record.model.clone());
        seen.push(Sighting { cause, impact, at_us: ended_us(record), model, error: "price_unknown" });
    }
    if record.findings.iter().any(|found| found.category == Category::Credentials && found.action != Action::Off) {
        let cause = Cause { kind: IncidentKind::SecretsFound, provider: None, subject: record.project.clone() };
        let (impact, model) = (Impact::Notice, record.model.clone().or_else(|| record.model_requested.clone()));
        seen.push(Sighting { cause, impact, at_us: ended_us(record), model, error: "credentials_found" });
    }
    for plugin in &record.plugin_failures {
        let cause = Cause { kind: IncidentKind::PluginFailed, provider: None, subject: Some(Arc::clone(plugin)) };
        // Who passes all the same was not hit; whose client left before the end, nobody knows.
        let impact = match (record.outcome, record.error_kind) {
            (_, Some(ErrorKind::PluginFailed)) => Impact::CustomerImpacting,
            (Outcome::Ok, _) => Impact::Mitigated,
            _ => Impact::Notice,
        };
        let model = record.model.clone().or_else(|| record.model_requested.clone());
        seen.push(Sighting { cause, impact, at_us: ended_us(record), model, error: "plugin_failed" });
    }
    for mark in &record.budget_marks {
        let subject = Some(Arc::clone(&mark.budget));
        let cause = Cause { kind: IncidentKind::BudgetBurn, provider: None, subject };
        let error = if mark.is_used_up { "budget_used_up" } else { "budget_warning" };
        let (impact, model) = (Impact::Notice, record.model.clone());
        seen.push(Sighting { cause, impact, at_us: ended_us(record), model, error });
    }
    seen
}

fn failures(record: &Record, seen: &mut Vec<Sighting>) {
    let Some(impact) = impact(record) else { return };
    for (number, attempt) in record.attempts.iter().enumerate() {
        let is_last = number + 1 == record.attempts.len();
        let Some((kind, error)) = attempt.error_kind.and_then(|kind| Some((kind_of(kind, attempt, is_last)?, kind)))
        else {
            continue;
        };
        let is_ours = kind == IncidentKind::Gateway;
        let cause = Cause {
            kind,
            provider: (!is_ours).then(|| Arc::clone(&attempt.provider)),
            subject: is_ours.then(|| Arc::from(error.as_str())),
        };
        if seen.iter().any(|sighting| sighting.cause == cause) {
            continue;
        }
        let at_us = attempt.started_at.unix_us.saturating_add_unsigned(attempt.latency_us);
        seen.push(Sighting { cause, impact, at_us, model: attempt.model.clone(), error: error.as_str() });
    }
    if !seen.is_empty() {
        return;
    }
    // Nobody was asked, or what failed was not the provider.
    let Some((kind, error)) = record.error_kind.and_then(|error| Some((kind_without_call(error)?, error))) else {
        return;
    };
    let subject = match kind {
        IncidentKind::Gateway => Some(Arc::from(error.as_str())),
        IncidentKind::BudgetBurn => record.project.clone(),
        _ => None,
    };
    let cause = Cause { kind, provider: None, subject };
    let impact = Impact::CustomerImpacting;
    let model = record.model_requested.clone();
    seen.push(Sighting { cause, impact, at_us: ended_us(record), model, error: error.as_str() });
}

/// Whom the failures of a record hit; `None` when nobody can tell, because the client left before it was over.
fn impact(record: &Record) -> Option<Impact> {
    match (record.outcome, record.error_kind) {
        (Outcome::Ok, _) => Some(Impact::Mitigated),
        // Who got an answer, and be it that the request is wrong, was not hit by what failed before.
        (Outcome::Error, Some(ErrorKind::UpstreamRejected)) => {
            let last = record.attempts.last();
            let is_fault = last.is_some_and(|last| kind_of(ErrorKind::UpstreamRejected, last, true).is_some());
            Some(if is_fault { Impact::CustomerImpacting } else { Impact::Mitigated })
        }
        (Outcome::Refused, Some(ErrorKind::ContentBlocked)) => Some(Impact::Mitigated),
        (Outcome::Error | Outcome::Refused, _) => Some(Impact::CustomerImpacting),
        (Outcome::ClientDisconnected | Outcome::Cancelled, _) => {
            let has_begun = record.status.is_some_and(|status| status < 300);
            has_begun.then_some(Impact::Mitigated)
        }
    }
}

/// What a failed call tells of; `is_last`: no other call was made for the request after it.
fn kind_of(error: ErrorKind, attempt: &Attempt, is_last: bool) -> Option<IncidentKind> {
    Some(match (error, attempt.status) {
        // Without as much as a head: nobody is there, or what is there has just died.
        (ErrorKind::UpstreamConnect, _) | (ErrorKind::UpstreamProtocol, None) => IncidentKind::ProviderDown,
        (ErrorKind::UpstreamRateLimit, _) => IncidentKind::RateLimited,
        (ErrorKind::UpstreamTimeout, _) => IncidentKind::Timeouts,
        // 402: no credit there. 403: not with this account.
        (ErrorKind::UpstreamAuthentication, _) | (ErrorKind::UpstreamRejected, Some(402 | 403)) => {
            IncidentKind::BadCredentials
        }
        (ErrorKind::UpstreamError | ErrorKind::UpstreamRedirect | ErrorKind::UpstreamProtocol, _) => {
            IncidentKind::ProviderErrors
        }
        // That another provider was asked after it says that the request was not what is wrong.
        (ErrorKind::UpstreamRejected, _) if !is_last => IncidentKind::ProviderErrors,
        (ErrorKind::Internal | ErrorKind::SanitizerFailed | ErrorKind::ShuttingDown, _) => IncidentKind::Gateway,
        _ => return None,
    })
}

/// What a request tells of for which nobody was called.
const fn kind_without_call(error: ErrorKind) -> Option<IncidentKind> {
    Some(match error {
        ErrorKind::NoProvider => IncidentKind::ProviderDown,
        ErrorKind::UpstreamRateLimit => IncidentKind::RateLimited,
        ErrorKind::BudgetExceeded => IncidentKind::BudgetBurn,
        ErrorKind::PriceUnknown => IncidentKind::UnknownPrice,
        ErrorKind::Internal | ErrorKind::SanitizerFailed | ErrorKind::ShuttingDown | ErrorKind::BudgetUnavailable => {
            IncidentKind::Gateway
        }
        _ => return None,
    })
}

fn ended_us(record: &Record) -> i64 {
    record.started_at.unix_us.saturating_add_unsigned(record.latency_us)
}

#[cfg(test)]
mod tests;
