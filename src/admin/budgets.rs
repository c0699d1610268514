//! `/v1/budgets`: who may spend how much, and how much of it is spent.

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
    config::Scope,
    domain::Timestamp,
    limits::{BudgetRule, Purse},
};

/// A budget, for one subject or for each of a scope. Money is in microcents (10⁻⁸ USD).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Budget)]
pub(super) struct BudgetView {
    /// Its name in the config; the key's id for a key's own.
    #[schema(example = "search-month")]
    name: String,
    /// What it holds for: `global`, `key`, `project`, `source`, `team`, `provider` or `model`.
    #[schema(example = "project")]
    scope: &'static str,
    /// For whom of the scope; `""` for requests that bear no such name; `null` for all requests, or where it is the
    /// rule for each of the scope.
    subject: Option<String>,
    /// Whether it is such a rule; then nothing is spent of itself, and those it holds for are listed besides.
    for_each: bool,
    /// `day`, `week` or `month`.
    #[schema(example = "month")]
    period: &'static str,
    /// Whose midnight the period begins at.
    time_zone: String,
    /// How much may be spent in a period.
    limit_microcents: i64,
    /// What calls are known to have cost.
    spent_microcents: Option<i64>,
    /// What is set aside for calls under way.
    reserved_microcents: Option<i64>,
    /// Estimates of calls whose cost never became known; they count as spent.
    assumed_microcents: Option<i64>,
    /// What is left; below 0 when calls cost more than was set aside for them.
    remaining_microcents: Option<i64>,
    /// Calls in this period whose cost is not known.
    unknown_calls: Option<u64>,
    /// The share of the limit from which on it warns.
    warn_at: f64,
    /// Whether that share is spent.
    warning: bool,
    /// Whether all of it is spent.
    used_up: bool,
    /// What it does then: `stop` refuses, `warn` only warns.
    #[schema(example = "stop")]
    action: &'static str,
    /// Whether models without a known price are refused.
    require_price: bool,
    /// Beginning of the present period.
    #[schema(value_type = Option<String>, format = DateTime)]
    window_start: Option<Timestamp>,
    /// Beginning of the next one.
    #[schema(value_type = Option<String>, format = DateTime)]
    window_end: Option<Timestamp>,
    /// Whether it is known what was spent before the gateway was started. Until then a budget that stops refuses.
    known: bool,
}

/// List budgets
///
/// The rules, and everybody who has spent something under one that holds for each.
#[utoipa::path(
    get, path = "/v1/budgets", operation_id = "listBudgets", tag = "Limits", params(PageParams),
    responses(
        (status = 200, description = "A page of budgets", body = List<BudgetView>),
        (status = 400, description = "A query parameter is unknown or wrong; `param` names it", body = ErrorBody),
    )
)]
pub(super) async fn list(
    State(state): State<AdminState>,
    Params(page, ..): Params<PageParams>,
) -> Result<Json<List<BudgetView>>, ApiError> {
    let now_us = Timestamp::now().unix_us;
    let policy = state.parts.policy.load();
    let mut budgets = Vec::new();
    for (number, rule) in policy.budgets.all().iter().enumerate() {
        let books = &rule.books;
        match books.subject() {
            Some(subject) => {
                budgets.push((number, BudgetView::new(rule, Some(subject), Some(books.purse(subject, now_us)))));
            }
            None if books.scope() == Scope::Global => {
                budgets.push((number, BudgetView::new(rule, None, Some(books.purse("", now_us)))));
            }
            None => {
                budgets.push((number, BudgetView::new(rule, None, None)));
                let purses = books.purses(now_us).into_iter();
                budgets.extend(
                    purses.map(|(subject, purse)| (number, BudgetView::new(rule, Some(&subject), Some(purse)))),
                );
            }
        }
    }
    // Each budget's rule first, then its subjects by name; a key may have two budgets of one name.
    let place = |(number, budget): &(usize, BudgetView)| {
        let subject = budget.subject.as_ref().map(|subject| format!("1{subject}")).unwrap_or_default();
        format!("{}\u{0}{number:08}\u{0}{subject}", budget.name)
    };
    budgets.sort_by_cached_key(place);
    let List { data, next_cursor } = page.cut(budgets, place)?;
    Ok(Json(List { data: data.into_iter().map(|(_, budget)| budget).collect(), next_cursor }))
}

impl BudgetView {
    fn new(rule: &BudgetRule, subject: Option<&std::sync::Arc<str>>, purse: Option<Purse>) -> Self {
        let terms = &rule.terms;
        let spent = purse.map_or(0, |purse| purse.spent.saturating_add(purse.assumed));
        let at = |unix_us: i64| Timestamp { unix_us };
        Self {
            name: rule.name.to_string(),
            scope: rule.books.scope().as_str(),
            subject: subject.map(ToString::to_string),
            for_each: purse.is_none(),
            period: terms.period.as_str(),
            time_zone: terms.time_zone.clone(),
            limit_microcents: terms.limit.0,
            spent_microcents: purse.map(|purse| purse.spent),
            reserved_microcents: purse.map(|purse| purse.reserved),
            assumed_microcents: purse.map(|purse| purse.assumed),
            remaining_microcents: purse.map(|purse| terms.limit.0.saturating_sub(purse.used())),
            unknown_calls: purse.map(|purse| purse.unknown_calls),
            warn_at: terms.warn_at(),
            warning: purse.is_some() && spent >= rule.warns_at().0,
            used_up: purse.is_some() && spent >= terms.limit.0,
            action: terms.action.as_str(),
            require_price: terms.require_price,
            window_start: purse.map(|purse| at(purse.span.start_us)),
            window_end: purse.map(|purse| at(purse.span.end_us)),
            known: rule.books.is_known(),
        }
    }
}
