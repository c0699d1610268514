//! Which budgets a call is paid from, and what they say to it.
//!
//! Every budget that fits holds. What was spent is kept by scope, subject, period and time zone, so that it outlives
//! a reload in which a budget got another limit or name.

use std::{collections::HashMap, sync::Arc};

use super::{
    ledger::{Books, Reservation, Stake},
    rules::Caller,
};
use crate::{
    config::{Budget, BudgetAction, BudgetTerms, Scope},
    domain::{BudgetMark, Microcents, Spend},
};

/// A budget.
#[derive(Debug)]
pub struct BudgetRule {
    /// Its name: that of the config, or the key's id for a key's own.
    pub name: Arc<str>,
    /// Its terms.
    pub terms: BudgetTerms,
    /// What was spent.
    pub books: Arc<Books>,
}

/// Who pays, and to whom.
#[derive(Clone, Copy, Debug, Default)]
pub struct Payer<'a> {
    /// Who asks.
    pub caller: Caller<'a>,
    /// Who is called.
    pub provider: &'a str,
    /// The model that is asked for.
    pub model: Option<&'a str>,
}

/// Why a call may not be made.
#[derive(Clone, Debug)]
pub enum Refused {
    /// A budget has not enough left.
    UsedUp {
        /// Which.
        rule: Arc<BudgetRule>,
        /// Whose.
        subject: Arc<str>,
        /// When it begins anew, in microseconds since the Unix epoch.
        until_us: i64,
    },
    /// A budget wants a known price.
    PriceUnknown {
        /// Which.
        rule: Arc<BudgetRule>,
    },
    /// What was spent before the process began is not known yet.
    NotKnown,
}

/// The subject that past calls count for in books of this kind.
pub(super) fn subject_of(spend: &Spend, scope: Scope, wanted: Option<&Arc<str>>) -> Option<Arc<str>> {
    let name = match scope {
        Scope::Global => "",
        Scope::Key => &spend.key_id,
        Scope::Project => &spend.project,
        Scope::Source => &spend.source,
        Scope::Team => &spend.team,
        Scope::Provider => &spend.provider,
        Scope::Model => return model_subject(&spend.provider, &spend.model, wanted),
    };
    match wanted {
        Some(wanted) => (**wanted == *name).then(|| Arc::clone(wanted)),
        None => Some(Arc::from(name)),
    }
}

/// A model's subject: `provider/model` each on its own; a wanted one fits by that name or by the model's alone.
fn model_subject(provider: &str, model: &str, wanted: Option<&Arc<str>>) -> Option<Arc<str>> {
    let Some(wanted) = wanted else { return Some(format!("{provider}/{model}").into()) };
    let whole = || wanted.strip_prefix(provider).and_then(|rest| rest.strip_prefix('/')) == Some(model);
    (**wanted == *model || whole()).then(|| Arc::clone(wanted))
}

impl BudgetRule {
    /// The mark that what was spent passes, if it passes one; tells the log and the metrics.
    pub(super) fn watch(&self, subject: &str, before: i64, after: i64) -> Option<BudgetMark> {
        let limit = self.terms.limit.0;
        let warn_at = i128::from(limit) * i128::from(self.terms.warn_at_permille) / 1_000;
        let passes = |mark: i128| i128::from(before) < mark && mark <= i128::from(after);
        let scope = self.books.scope().as_str();
        let mark = |is_used_up| Some(BudgetMark { budget: Arc::clone(&self.name), is_used_up });
        if passes(i128::from(limit)) {
            tracing::warn!(budget = %self.name, scope, subject, limit_microcents = limit, "a budget is used up");
            metrics::counter!("llm_gateway_budgets_used_up_total", "scope" => scope).increment(1);
            mark(true)
        } else if passes(warn_at) {
            tracing::warn!(
                budget = %self.name, scope, subject, spent_microcents = after, limit_microcents = limit,
                "a budget is nearly used up"
            );
            metrics::counter!("llm_gateway_budget_warnings_total", "scope" => scope).increment(1);
            mark(false)
        } else {
            None
        }
    }

    /// From how much on it warns.
    pub fn warns_at(&self) -> Microcents {
        let mark = i128::from(self.terms.limit.0) * i128::from(self.terms.warn_at_permille) / 1_000;
        Microcents(i64::try_from(mark).unwrap_or(i64::MAX))
    }
}

/// All budgets.
#[derive(Debug, Default)]
pub struct Budgets {
    all: Vec<Arc<BudgetRule>>,
    /// Those that hold for each of a scope.
    each: [Vec<Arc<BudgetRule>>; Scope::ALL.len()],
    /// Those of one subject. Models are looked up by two names.
    named: [HashMap<Arc<str>, Vec<Arc<BudgetRule>>>; Scope::ALL.len()],
}

impl Budgets {
    /// Compiles the budgets of the config and those of keys (id and terms). What was spent goes on from `before`.
    pub fn compile<'a>(
        budgets: &[Budget],
        of_keys: impl IntoIterator<Item = (&'a str, &'a BudgetTerms)>,
        before: Option<&Self>,
    ) -> Self {
        let mut compiled = Self::default();
        for budget in budgets {
            compiled.add(&budget.name, budget.scope, budget.subject.as_deref(), &budget.terms, before);
        }
        for (id, terms) in of_keys {
            compiled.add(id, Scope::Key, Some(id), terms, before);
        }
        compiled
    }

    fn add(&mut self, name: &str, scope: Scope, subject: Option<&str>, terms: &BudgetTerms, before: Option<&Self>) {
        let known = before.into_iter().flat_map(|before| before.of(scope, subject)).chain(self.of(scope, subject));
        let books = known.map(|rule| &rule.books).find(|books| books.are_of(scope, subject, terms)).cloned();
        let books = books.unwrap_or_else(|| Arc::new(Books::open(scope, subject.map(Arc::from), terms)));
        let rule = Arc::new(BudgetRule { name: Arc::from(name), terms: terms.clone(), books });
        match subject {
            None => self.each.get_mut(scope as usize).into_iter().for_each(|each| each.push(Arc::clone(&rule))),
            Some(subject) => {
                if let Some(named) = self.named.get_mut(scope as usize) {
                    named.entry(Arc::from(subject)).or_default().push(Arc::clone(&rule));
                }
            }
        }
        self.all.push(rule);
    }

    /// The budgets of a scope and subject, each of the scope for `None`.
    fn of(&self, scope: Scope, subject: Option<&str>) -> &[Arc<BudgetRule>] {
        let rules = match subject {
            None => self.each.get(scope as usize),
            Some(subject) => self.named.get(scope as usize).and_then(|named| named.get(subject)),
        };
        rules.map_or(&[], Vec::as_slice)
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// All of them.
    pub fn all(&self) -> &[Arc<BudgetRule>] {
        &self.all
    }

    /// Budgets whose books do not know yet what was spent before.
    pub fn unknown(&self) -> impl Iterator<Item = &Arc<Books>> {
        self.all.iter().map(|rule| &rule.books).filter(|books| !books.is_known())
    }

    fn stakes(&self, payer: Payer<'_>, scopes: &[Scope]) -> Vec<Stake> {
        let mut stakes: Vec<Stake> = Vec::new();
        let mut add = |rule: &Arc<BudgetRule>, subject: Arc<str>| match stakes
            .iter_mut()
            .find(|stake| Arc::ptr_eq(&stake.books, &rule.books))
        {
            Some(stake) => stake.rules.push(Arc::clone(rule)),
            None => stakes.push(Stake::new(rule, subject)),
        };
        for scope in scopes.iter().copied() {
            let name: Arc<str> = match scope {
                Scope::Provider => Arc::from(payer.provider),
                Scope::Model => {
                    model_subject(payer.provider, payer.model.unwrap_or_default(), None).unwrap_or_default()
                }
                _ => payer.caller.name(scope).cloned().unwrap_or_default(),
            };
            self.of(scope, None).iter().for_each(|rule| add(rule, Arc::clone(&name)));
            let bare = payer.model.filter(|model| scope == Scope::Model && **model != *name);
            for own in [Some(&*name), bare].into_iter().flatten() {
                let own_rules = self.of(scope, Some(own));
                own_rules.iter().for_each(|rule| add(rule, rule.books.subject().cloned().unwrap_or_default()));
            }
        }
        stakes
    }

    /// Sets money aside for a call, in every budget that it is paid from or in none; `amount` is an estimate, `None`
    /// for a call without a known price. `None` where no budget holds.
    ///
    /// # Errors
    /// When a budget does not let it be made.
    pub fn reserve(
        &self,
        payer: Payer<'_>,
        amount: Option<Microcents>,
        at_us: i64,
    ) -> Result<Option<Reservation>, Refused> {
        let stakes = self.stakes(payer, &Scope::ALL);
        if stakes.is_empty() {
            return Ok(None);
        }
        Reservation::make(stakes, amount, at_us).map(Some)
    }

    /// Whether a budget of the provider's or model's own has nothing left.
    pub fn is_used_up(&self, provider: &str, model: Option<&str>, now_us: i64) -> bool {
        let payer = Payer { provider, model, ..Payer::default() };
        self.stakes(payer, &[Scope::Provider, Scope::Model]).iter().any(|stake| {
            let purse = stake.books.purse(&stake.subject, now_us);
            let hard = stake.rules.iter().filter(|rule| rule.terms.action == BudgetAction::Stop);
            stake.books.is_known() && hard.into_iter().any(|rule| !purse.fits(None, rule.terms.limit.0))
        })
    }

    /// Whether any budget is of a provider or model.
    pub fn holds_targets(&self) -> bool {
        self.all.iter().any(|rule| matches!(rule.books.scope(), Scope::Provider | Scope::Model))
    }
}
