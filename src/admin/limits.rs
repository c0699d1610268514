//! `/v1/limits`: who may use how much, and how much of it is used.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    error::{ApiError, ErrorBody},
    extract::Params,
    page::{List, PageParams},
    state::AdminState,
};
use crate::{
    config::{Algorithm, Scope},
    domain::Timestamp,
    limits::{LimitRules, Rate, RateSet, Used},
};

/// A limit, for one subject or for each of a scope.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Limit)]
pub(super) struct LimitView {
    /// What it holds for: `global`, `key`, `project`, `source`, `provider` or `model`.
    #[schema(example = "key")]
    scope: &'static str,
    /// For whom of the scope: a key's id, a name, `provider/model`; `""` for requests that bear none; `null` for
    /// all requests, or where it is the rule for each that has none of its own.
    subject: Option<String>,
    /// Whether it is such a rule; then nothing is used of itself, and those it holds for are listed besides.
    for_each: bool,
    /// `requests` or `tokens`.
    #[schema(example = "requests")]
    unit: &'static str,
    /// `minute`, `hour` or `day`.
    #[schema(example = "minute")]
    period: &'static str,
    /// `token_bucket` or `sliding_window`.
    algorithm: &'static str,
    /// How much in a period.
    limit: u64,
    /// How much at once, of a token bucket.
    burst: Option<u64>,
    /// How much of it is used now.
    used: Option<u64>,
    /// How much may be taken now.
    remaining: Option<u64>,
    /// When all of it is there again, if nothing more is taken.
    #[schema(value_type = Option<String>, format = DateTime)]
    reset_at: Option<Timestamp>,
}

/// List limits
///
/// The rules, and everybody who has used something of his own or of one that holds for each.
#[utoipa::path(
    get, path = "/v1/limits", operation_id = "listLimits", tag = "Limits", params(PageParams),
    responses(
        (status = 200, description = "A page of limits", body = List<LimitView>),
        (status = 400, description = "A query parameter is unknown or wrong; `param` names it", body = ErrorBody),
    )
)]
pub(super) async fn list(
    State(state): State<AdminState>,
    Params(page, ..): Params<PageParams>,
) -> Result<Json<List<LimitView>>, ApiError> {
    let now = Timestamp::now();
    let policy = state.parts.policy.load();
    let rules = &policy.limits;
    let mut limits = Vec::new();
    for (scope, subject, rates) in rules.all() {
        match subject {
            None if scope == Scope::Global => limits.extend(used(rules, scope, None, &rates, now)),
            Some(subject) => limits.extend(used(rules, scope, Some(&subject), &rates, now)),
            None => {
                limits.extend(rates.rates.iter().map(|rate| LimitView::new(scope, None, rate, None)));
                for subject in rules.active(scope, now.unix_us) {
                    limits.extend(used(rules, scope, Some(&subject), &rates, now));
                }
            }
        }
    }
    limits.sort_by_cached_key(place);
    page.cut(limits, place).map(Json)
}

fn used(
    rules: &LimitRules,
    scope: Scope,
    subject: Option<&Arc<str>>,
    rates: &RateSet,
    now: Timestamp,
) -> Vec<LimitView> {
    let used = rules.limiter.used(scope, subject.map_or("", |subject| subject), rates, now.unix_us);
    used.iter().map(|used| LimitView::new(scope, subject, &used.rate, Some(used))).collect()
}

/// Its place in the list: by scope, the rules for each before the subjects, by subject, unit and period.
fn place(limit: &LimitView) -> String {
    let number = Scope::ALL.iter().position(|scope| scope.as_str() == limit.scope).unwrap_or_default();
    let period = ["minute", "hour", "day"].iter().position(|period| *period == limit.period).unwrap_or_default();
    let subject = limit.subject.as_ref().map(|subject| format!("1{subject}")).unwrap_or_default();
    format!("{number}\u{0}{subject}\u{0}{}{period}", limit.unit)
}

impl LimitView {
    fn new(scope: Scope, subject: Option<&Arc<str>>, rate: &Rate, used: Option<&Used>) -> Self {
        Self {
            scope: scope.as_str(),
            subject: subject.map(ToString::to_string),
            for_each: used.is_none(),
            unit: rate.unit.as_str(),
            period: rate.period.as_str(),
            algorithm: rate.algorithm.as_str(),
            limit: rate.amount,
            burst: (rate.algorithm == Algorithm::TokenBucket).then_some(rate.capacity),
            used: used.map(|used| used.used),
            remaining: used.map(|used| rate.capacity.saturating_sub(used.used)),
            reset_at: used.map(|used| Timestamp { unix_us: used.reset_at_us }),
        }
    }
}
