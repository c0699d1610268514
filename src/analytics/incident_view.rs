//! Incidents in the shape that the API and the webhook send.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    domain::Timestamp,
    store::{Incident, IncidentDetail, IncidentFacet},
};

/// Failures of one cause that came close together.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Incident)]
pub struct IncidentView {
    /// Its id.
    #[schema(example = "inc_0190163d8694739baea5966c26f8ad91")]
    pub id: String,
    /// `open` or `closed`.
    #[schema(example = "open")]
    pub state: &'static str,
    /// What it is about: `provider_down`, `rate_limited`, `timeouts`, `bad_credentials`, `provider_errors`,
    /// `budget_burn`, `unknown_price`, `secrets_found`,
    /// `plugin_failed` or `gateway`.
    #[schema(example = "provider_down")]
    pub kind: &'static str,
    /// The worst of its requests: `customer_impacting` (a client got a failure), `mitigated` (the clients got their
    /// answers after attempts that failed) or `notice` (no answer suffered).
    #[schema(example = "mitigated")]
    pub impact: &'static str,
    /// Who failed; `null` when it was nobody else or no provider could be asked.
    #[schema(example = "openai")]
    pub provider: Option<String>,
    /// What tells causes of one kind apart: the model of `unknown_price`, the project of `secrets_found` and
    /// `budget_burn`, the error of `gateway`.
    pub subject: Option<String>,
    /// Its first failure.
    #[schema(value_type = String, format = DateTime)]
    pub opened_at: Timestamp,
    /// Its newest failure.
    #[schema(value_type = String, format = DateTime)]
    pub last_seen_at: Timestamp,
    /// When it was over: `incidents.quiet_time` after its newest failure.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub closed_at: Option<Timestamp>,
    /// How often it came back soon after it was over.
    pub reopened: u32,
    /// All its requests.
    pub requests: u64,
    /// Requests whose client got a failure.
    pub impacting_requests: u64,
    /// Requests whose client got its answer all the same.
    pub mitigated_requests: u64,
    /// Requests that did not suffer.
    pub notice_requests: u64,
    /// When somebody took notice of it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub acknowledged_at: Option<Timestamp>,
    /// What somebody wrote to it, as it was written: show it as text.
    pub note: Option<String>,
}

/// An incident with its requests.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = IncidentDetail)]
pub struct IncidentDetailView {
    #[serde(flatten)]
    incident: IncidentView,
    /// Its minutes that had failures, oldest first; the newest two days of them.
    timeline: Vec<IncidentMinuteView>,
    /// Its first 200 requests.
    records: Vec<IncidentRecordView>,
    /// Projects that were hit.
    projects: Vec<AffectedView>,
    /// Requesters that were hit.
    sources: Vec<AffectedView>,
    /// Models that were asked.
    models: Vec<AffectedView>,
    /// What went wrong, as the records tell it.
    errors: Vec<AffectedView>,
    /// Who answered instead.
    mitigated_by: Vec<MitigationView>,
}

/// A minute of an incident.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = IncidentMinute)]
pub(super) struct IncidentMinuteView {
    /// Its beginning.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Requests whose client got a failure.
    impacting: u64,
    /// Requests whose client got its answer all the same.
    mitigated: u64,
    /// Requests that did not suffer.
    notices: u64,
}

/// A request of an incident.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = IncidentRecord)]
pub(super) struct IncidentRecordView {
    /// The record; `storage.retention_days` may have deleted it.
    record_id: String,
    /// When it failed.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// `customer_impacting`, `mitigated` or `notice`.
    impact: &'static str,
    /// The model that was asked.
    model: Option<String>,
    /// What went wrong.
    #[schema(example = "upstream_connect")]
    error: String,
}

/// Requests of an incident that have something in common.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = IncidentAffected)]
pub(super) struct AffectedView {
    /// What they have in common; `null` for those without, or for the rest.
    name: Option<String>,
    /// Whether this stands for all names beyond the first hundred.
    is_rest: bool,
    /// How many there are.
    requests: u64,
}

/// Who answered instead.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = IncidentMitigation)]
pub(super) struct MitigationView {
    /// The provider that answered; `null` for the rest.
    provider: Option<String>,
    /// The model that answered.
    model: Option<String>,
    /// `failover` (another provider), `fallback_model` (another model of the same provider) or `retry` (the same
    /// once more).
    by: &'static str,
    /// How many requests.
    requests: u64,
}

impl From<&Incident> for IncidentView {
    fn from(incident: &Incident) -> Self {
        Self {
            id: incident.id.clone(),
            state: if incident.closed_at.is_some() { "closed" } else { "open" },
            kind: incident.kind.as_str(),
            impact: incident.impact.as_str(),
            provider: incident.provider.clone(),
            subject: incident.subject.clone(),
            opened_at: incident.opened_at,
            last_seen_at: incident.last_seen_at,
            closed_at: incident.closed_at,
            reopened: incident.reopened,
            requests: incident.requests(),
            impacting_requests: incident.impacting,
            mitigated_requests: incident.mitigated,
            notice_requests: incident.notices,
            acknowledged_at: incident.acknowledged_at,
            note: incident.note.clone(),
        }
    }
}

impl From<&IncidentDetail> for IncidentDetailView {
    fn from(detail: &IncidentDetail) -> Self {
        let facets = |facet: &'static str| detail.facets.iter().filter(move |one| one.facet == facet);
        let affected = |facet| {
            let view = |one: &IncidentFacet| AffectedView {
                name: one.name.clone(),
                is_rest: one.is_rest,
                requests: one.requests,
            };
            facets(facet).map(view).collect()
        };
        let asked: Vec<&str> = facets("model").filter_map(|one| one.name.as_deref()).collect();
        let mitigation = |one: &IncidentFacet| {
            let (provider, model) = one.name.as_deref().and_then(|name| name.split_once('/')).unzip();
            let is_same = provider.is_some() && provider == detail.incident.provider.as_deref();
            let by = match model {
                _ if !is_same => "failover",
                Some(model) if !asked.contains(&model) => "fallback_model",
                _ => "retry",
            };
            let model = model.filter(|model| !model.is_empty()).map(str::to_owned);
            MitigationView { provider: provider.map(str::to_owned), model, by, requests: one.requests }
        };
        Self {
            incident: IncidentView::from(&detail.incident),
            timeline: detail
                .minutes
                .iter()
                .map(|minute| IncidentMinuteView {
                    at: minute.at,
                    impacting: minute.impacting,
                    mitigated: minute.mitigated,
                    notices: minute.notices,
                })
                .collect(),
            records: detail
                .records
                .iter()
                .map(|record| IncidentRecordView {
                    record_id: record.record_id.to_string(),
                    at: record.at,
                    impact: record.impact.as_str(),
                    model: record.model.clone(),
                    error: record.error.clone(),
                })
                .collect(),
            projects: affected("project"),
            sources: affected("source"),
            models: affected("model"),
            errors: affected("error"),
            mitigated_by: facets("mitigated_by").map(mitigation).collect(),
        }
    }
}
