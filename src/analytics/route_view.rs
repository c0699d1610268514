//! How a recorded request was routed, as the API shows it: the decision, and the attempts that followed.

use serde::Serialize;
use utoipa::ToSchema;

use super::{decision_view::DecisionView, record_view::RecordView};
use crate::{
    domain::{Attempt, Outcome},
    routing::Trace,
    store::StoredRecord,
};

/// How a recorded request was routed.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = RecordRoute)]
pub struct RouteView {
    /// The record, with its upstream calls in `attempt_rows`.
    pub record: RecordView,
    /// The decision, made again from the facts that were kept.
    pub decision: DecisionView,
    /// The upstream calls as they went: one for each of `attempt_rows`.
    pub walk: Vec<StepView>,
}

/// One upstream call, and what followed it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = RouteStep)]
pub struct StepView {
    /// Who was called, by place in the decision's `candidates`.
    pub candidate: Option<usize>,
    /// Provider id.
    pub provider: String,
    /// The model that was asked of it.
    pub model: Option<String>,
    /// How the call ended.
    pub outcome: &'static str,
    /// The provider's HTTP status.
    pub status: Option<u16>,
    /// Why it failed.
    pub error_kind: Option<&'static str>,
    /// Whether it began while another call was under way, which had kept silent for `hedge_after_ms`.
    pub hedge: bool,
    /// `answered`; `retried`, at the same target; `fell_back`, to the next; `overtaken`, by a call beside it that
    /// answered first; `waited`, for a call beside it; or `ended`, because nobody was left or another call would not
    /// have helped.
    pub next: &'static str,
}

impl RouteView {
    /// Joins a record with its trace.
    pub fn new(stored: &StoredRecord, trace: &Trace<'_>) -> Self {
        let decision = DecisionView::of_trace(trace);
        let attempts = &stored.record.attempts;
        let walk = attempts
            .iter()
            .enumerate()
            .map(|(number, attempt)| {
                let hedge = attempts.iter().any(|other| began_amid(attempt, other));
                StepView { hedge, ..StepView::new(attempt, attempts.get(number + 1), &decision) }
            })
            .collect();
        Self { record: RecordView::detail(stored), decision, walk }
    }
}

impl StepView {
    fn new(attempt: &Attempt, then: Option<&Attempt>, decision: &DecisionView) -> Self {
        let is_called = |place: &&usize| {
            let candidate = decision.candidates.get(**place);
            candidate.is_some_and(|one| {
                *one.provider == *attempt.provider && one.model.as_deref() == attempt.model.as_deref()
            })
        };
        let next = match then {
            _ if attempt.outcome == Outcome::Cancelled => "overtaken",
            Some(then) if began_amid(then, attempt) || began_amid(attempt, then) => "waited",
            Some(then) if then.provider == attempt.provider && then.model == attempt.model => "retried",
            Some(_) => "fell_back",
            None if attempt.outcome == Outcome::Ok => "answered",
            None => "ended",
        };
        Self {
            candidate: decision.order.iter().find(is_called).copied(),
            provider: attempt.provider.to_string(),
            model: attempt.model.as_deref().map(str::to_owned),
            outcome: attempt.outcome.as_str(),
            status: attempt.status,
            error_kind: attempt.error_kind.map(crate::domain::ErrorKind::as_str),
            hedge: false,
            next,
        }
    }
}

/// Whether a call began while `other` was under way.
fn began_amid(call: &Attempt, other: &Attempt) -> bool {
    let (began, other_began) = (call.started_at.unix_us, other.started_at.unix_us);
    other_began < began && began < other_began.saturating_add_unsigned(other.latency_us)
}
