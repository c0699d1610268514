//! Totals and their break-downs.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::record_view::milliseconds;
use crate::store::{Aggregate, Dimension, FindingSum, History, IncidentFilter, StatsFilter, StoreError};

/// `GET /v1/stats`
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Stats {
    /// Over all requests that the filter lets pass.
    #[serde(flatten)]
    pub totals: Measures,
    /// By provider id; requests that reached no provider are not listed.
    pub providers: BTreeMap<String, Measures>,
    /// By model that answered.
    pub by_model: Vec<GroupStats>,
    /// By project.
    pub by_project: Vec<GroupStats>,
    /// By requester.
    pub by_source: Vec<GroupStats>,
    /// By team.
    pub by_team: Vec<GroupStats>,
    /// By virtual key id.
    pub by_key: Vec<GroupStats>,
    /// What the sanitizer found, by kind, action and direction, the most frequent first.
    pub by_finding: Vec<FindingStats>,
    /// Incidents that were going on between `from` and `to`, of the provider and project if these are given; other
    /// filters do not narrow them.
    pub incidents: IncidentStats,
}

/// How many incidents there were.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct IncidentStats {
    /// All of them.
    pub total: u64,
    /// Of these, not over yet.
    pub open: u64,
    /// Clients got failures.
    pub customer_impacting: u64,
    /// All clients got their answers, from others.
    pub mitigated: u64,
    /// No answer suffered.
    pub notice: u64,
}

/// How often the sanitizer found one kind and did one thing about it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FindingStats {
    /// What was found, as it stands in `[REDACTED|KIND]`.
    pub kind: String,
    /// `credentials`, `pii` or `custom`.
    pub category: &'static str,
    /// `log`, `redact`, `mask` or `block`.
    pub action: &'static str,
    /// `request` or `response`.
    pub direction: &'static str,
    /// Findings.
    pub count: u64,
}

/// One row of a break-down.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct GroupStats {
    /// The group's name; `null` for requests that have none.
    pub name: Option<String>,
    /// Its sums.
    #[serde(flatten)]
    pub measures: Measures,
}

/// Sums, rates and percentiles of a group of requests. Rates and percentiles are `null` when there is nothing to divide by.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct Measures {
    /// Requests.
    pub total_requests: u64,
    /// Answered from the response cache.
    pub cached_requests: u64,
    /// Ended with outcome `error`.
    pub failed_requests: u64,
    /// Refused by the gateway.
    pub refused_requests: u64,
    /// Given up by the client.
    pub disconnected_requests: u64,
    /// Streamed.
    pub streamed_requests: u64,
    /// Share of requests with outcome `ok`, 0 to 1.
    pub success_rate: Option<f64>,
    /// Share of requests answered from the response cache, 0 to 1.
    pub cache_hit_rate: Option<f64>,
    /// Mean latency in milliseconds.
    pub avg_latency_ms: Option<f64>,
    /// Median latency in milliseconds, to within 3.2 %, as all percentiles.
    pub p50_latency_ms: Option<f64>,
    /// 95th percentile of the latency.
    pub p95_latency_ms: Option<f64>,
    /// 99th percentile of the latency.
    pub p99_latency_ms: Option<f64>,
    /// Mean time to first token in milliseconds; streams only.
    pub avg_ttft_ms: Option<f64>,
    /// Median time to first token.
    pub p50_ttft_ms: Option<f64>,
    /// 95th percentile of the time to first token.
    pub p95_ttft_ms: Option<f64>,
    /// 99th percentile of the time to first token.
    pub p99_ttft_ms: Option<f64>,
    /// All input tokens that are known.
    pub input_tokens: u64,
    /// Of these, read from prompt caches.
    pub cache_read_tokens: u64,
    /// Of these, written to prompt caches.
    pub cache_write_tokens: u64,
    /// All output tokens that are known.
    pub output_tokens: u64,
    /// Of these, reasoning.
    pub reasoning_tokens: u64,
    /// Requests that called a provider and whose input tokens are unknown.
    pub unknown_input_requests: u64,
    /// Requests that called a provider and whose output tokens are unknown.
    pub unknown_output_requests: u64,
    /// Requests that called a provider and of which no token class is known.
    pub unknown_usage_requests: u64,
    /// Requests whose usage was partly counted by the gateway.
    pub estimated_usage_requests: u64,
    /// Sum of the known costs in USD, for display; `total_cost_microcents` is exact.
    pub total_cost: f64,
    /// Sum of the known costs in microcents (10⁻⁸ USD).
    pub total_cost_microcents: i64,
    /// Requests that called a provider and whose cost is unknown and therefore in no sum.
    pub unknown_cost_requests: u64,
    /// What providers themselves said it cost, in microcents.
    pub provider_cost_microcents: i64,
    /// What the response cache saved, in microcents.
    pub saved_microcents: i64,
    /// Sanitizer findings.
    pub findings: u64,
    /// Upstream calls.
    pub attempts: u64,
    /// Bytes of request bodies.
    pub request_bytes: u64,
    /// Bytes of response bodies.
    pub response_bytes: u64,
}

impl From<&Aggregate> for Measures {
    fn from(sum: &Aggregate) -> Self {
        let quantile = |histogram: &crate::store::Histogram, share| histogram.quantile_us(share).map(milliseconds);
        Self {
            total_requests: sum.requests,
            cached_requests: sum.cache_hits,
            failed_requests: sum.errors,
            refused_requests: sum.refused,
            disconnected_requests: sum.client_disconnected,
            streamed_requests: sum.streams,
            success_rate: ratio(sum.ok, sum.requests),
            cache_hit_rate: ratio(sum.cache_hits, sum.requests),
            avg_latency_ms: ratio(sum.latency_us, sum.requests).map(|us| us / 1_000.0),
            p50_latency_ms: quantile(&sum.latency, 0.5),
            p95_latency_ms: quantile(&sum.latency, 0.95),
            p99_latency_ms: quantile(&sum.latency, 0.99),
            avg_ttft_ms: ratio(sum.ttft_us, sum.ttft_count).map(|us| us / 1_000.0),
            p50_ttft_ms: quantile(&sum.ttft, 0.5),
            p95_ttft_ms: quantile(&sum.ttft, 0.95),
            p99_ttft_ms: quantile(&sum.ttft, 0.99),
            input_tokens: sum.input_tokens,
            cache_read_tokens: sum.cache_read_tokens,
            cache_write_tokens: sum.cache_write_tokens,
            output_tokens: sum.output_tokens,
            reasoning_tokens: sum.reasoning_tokens,
            unknown_input_requests: sum.unknown_input,
            unknown_output_requests: sum.unknown_output,
            unknown_usage_requests: sum.unknown_usage,
            estimated_usage_requests: sum.estimated_usage,
            total_cost: crate::domain::Microcents(sum.cost_microcents).as_usd(),
            total_cost_microcents: sum.cost_microcents,
            unknown_cost_requests: sum.unknown_cost,
            provider_cost_microcents: sum.provider_cost_microcents,
            saved_microcents: sum.saved_microcents,
            findings: sum.findings,
            attempts: sum.attempts,
            request_bytes: sum.request_bytes,
            response_bytes: sum.response_bytes,
        }
    }
}

/// Totals and break-downs of what `filter` lets pass, each list by falling cost, then requests.
///
/// # Errors
/// When the database fails.
pub async fn stats(history: &History, filter: &StatsFilter) -> Result<Stats, StoreError> {
    const BY: [Dimension; 6] =
        [Dimension::Provider, Dimension::Model, Dimension::Project, Dimension::Source, Dimension::Team, Dimension::Key];
    let (totals, groups) = history.totals(filter, &BY).await?;
    let findings = history.finding_sums(filter).await?;
    let (provider, project) = (filter.provider.clone(), filter.project.clone());
    let of_incidents =
        IncidentFilter { provider, project, from: filter.from, to: filter.to, ..IncidentFilter::default() };
    let incidents = history.incident_counts(&of_incidents).await?;
    let mut groups = groups.into_iter();
    let mut next = || groups.next().unwrap_or_default();
    let providers = next();
    Ok(Stats {
        totals: Measures::from(&totals),
        providers: providers
            .iter()
            .filter(|(name, _)| !name.is_empty())
            .map(|(name, sum)| (name.clone(), Measures::from(sum)))
            .collect(),
        by_model: listed(next()),
        by_project: listed(next()),
        by_source: listed(next()),
        by_team: listed(next()),
        by_key: listed(next()),
        by_finding: findings.into_iter().map(FindingStats::from).collect(),
        incidents: IncidentStats {
            total: incidents.impacting + incidents.mitigated + incidents.notices,
            open: incidents.open,
            customer_impacting: incidents.impacting,
            mitigated: incidents.mitigated,
            notice: incidents.notices,
        },
    })
}

impl From<FindingSum> for FindingStats {
    fn from(sum: FindingSum) -> Self {
        Self {
            kind: sum.kind,
            category: sum.category.as_str(),
            action: sum.action.as_str(),
            direction: sum.direction.as_str(),
            count: sum.count,
        }
    }
}

fn listed(groups: BTreeMap<String, Aggregate>) -> Vec<GroupStats> {
    let mut rows: Vec<_> = groups
        .into_iter()
        .map(|(name, sum)| GroupStats {
            name: Some(name).filter(|name| !name.is_empty()),
            measures: Measures::from(&sum),
        })
        .collect();
    rows.sort_by_key(|row| std::cmp::Reverse((row.measures.total_cost_microcents, row.measures.total_requests)));
    rows
}

#[allow(clippy::cast_precision_loss, reason = "a rate is a display value")]
pub(super) fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
