//! The effective limits and budgets.

use super::{Page, quote};
use crate::config::limits::{Algorithm, Budget, BudgetTerms, LimitSet, Limits, Scope};

pub(super) fn limits(page: &mut Page, limits: &Limits) {
    page.line("\n[limits]");
    amounts(page, &limits.global);
    for (scope, each) in &limits.each {
        set(page, &format!("limits.per_{}", scope.as_str()), Some(each));
    }
    for (scope, name, own) in &limits.named {
        let table = if *scope == Scope::Source { "sources" } else { "models" };
        set(page, &format!("limits.{table}.{}", quote(name)), Some(own));
    }
}

/// A table of limits, empty where limits are lifted.
pub(super) fn set(page: &mut Page, path: &str, set: Option<&LimitSet>) {
    if let Some(set) = set {
        page.line(&format!("[{path}]"));
        amounts(page, set);
    }
}

fn amounts(page: &mut Page, set: &LimitSet) {
    for (unit, period, key) in LimitSet::AMOUNTS {
        set.amount(unit, period).into_iter().for_each(|amount| page.raw(key, amount));
    }
    for (unit, key) in LimitSet::BURSTS {
        set.burst(unit).into_iter().for_each(|burst| page.raw(key, burst));
    }
    if set.algorithm != Algorithm::default() {
        page.text("algorithm", set.algorithm.as_str());
    }
}

pub(super) fn budget(page: &mut Page, budget: &Budget) {
    page.line("\n[[budgets]]");
    page.text("name", &budget.name);
    page.text("scope", budget.scope.as_str());
    page.option("subject", budget.subject.as_deref());
    terms(page, &budget.terms);
}

pub(super) fn terms(page: &mut Page, terms: &BudgetTerms) {
    page.text("limit_usd", &terms.limit_usd());
    page.text("period", terms.period.as_str());
    page.text("time_zone", &terms.time_zone);
    page.raw("warn_at", terms.warn_at());
    page.text("action", terms.action.as_str());
    page.raw("require_price", terms.require_price);
}
