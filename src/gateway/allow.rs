//! What limits and budgets say to a request: when it comes, when its text is known, and before each upstream call.
//!
//! Decides nothing itself; counting is the room `limits`' work. Where nothing is limited, nothing is done.

use super::{accept::Inbound, error::Refusal, head::Head, identify::Caller, need, record::OpenRecord};
use crate::{
    catalog::{Catalog, PriceQuery},
    config::{LimitUnit, Provider, Scope},
    domain::{BudgetMark, Endpoint, ErrorKind, Microcents, Timestamp, Usage},
    limits::{self, Denial, Payer, Refused, Reservation, Take, Taken},
    policy::Policy,
    routing::{Availability, Need, Target},
};

/// Output tokens that a limit counts for a request before its answer is known; the answer puts it right.
const USUAL_OUTPUT_TOKENS: u64 = 500;

/// Output tokens for which money is set aside when neither the client nor the catalog bounds the answer.
const UNBOUNDED_OUTPUT_TOKENS: u64 = 4_096;

const ONE_REQUEST: Take = Take { requests: 1, tokens: 0 };

/// What a request is expected to use.
#[derive(Clone, Copy, Debug)]
pub(super) struct Estimate {
    input_tokens: u64,
    max_output_tokens: Option<u64>,
    endpoint: Endpoint,
    /// When the request came, which decides the day that it is paid in.
    at: Timestamp,
}

impl Estimate {
    pub(super) fn of(inbound: &Inbound, at: Timestamp) -> Self {
        let (input_tokens, max_output_tokens) = need::tokens(inbound);
        Self { input_tokens, max_output_tokens, endpoint: inbound.endpoint, at }
    }

    /// That of a request which is not made.
    pub(super) const fn of_need(endpoint: Endpoint, need: &Need, at: Timestamp) -> Self {
        Self { input_tokens: need.input_tokens, max_output_tokens: need.max_output_tokens, endpoint, at }
    }

    const fn writes_text(&self) -> bool {
        !self.endpoint.is_embedding()
    }

    /// Tokens that limits count until the truth is known.
    fn tokens(&self) -> u64 {
        let output = match self.max_output_tokens {
            _ if !self.endpoint.is_billable() || !self.writes_text() => 0,
            Some(most) => most.min(USUAL_OUTPUT_TOKENS),
            None => USUAL_OUTPUT_TOKENS,
        };
        self.input_tokens.saturating_add(output)
    }

    /// What a call of a target takes from its limits.
    fn take(&self) -> Take {
        Take { requests: 1, tokens: self.tokens() }
    }

    /// What a call costs at most, as far as that can be told before it is made; `None` without a known price.
    fn cost(&self, catalog: &Catalog, target: &Target) -> Option<Microcents> {
        let provider = &target.provider;
        let model = target.model.as_deref()?;
        let bounded = || {
            let known = catalog.known(provider, model).output_tokens;
            let most = self.max_output_tokens.unwrap_or(UNBOUNDED_OUTPUT_TOKENS);
            known.map_or(most, |known| most.min(known))
        };
        let output = if self.writes_text() { bounded() } else { 0 };
        let usage = Usage { input: Some(self.input_tokens), output: Some(output), ..Usage::default() };
        let catalog_provider = Catalog::catalog_provider_for(provider.provider_type, &provider.id, &provider.base_url);
        let query = PriceQuery {
            provider_id: &provider.id,
            catalog_provider,
            provider_pricing: provider.pricing.as_ref(),
            model,
            asked_model: None,
            usage: &usage,
            at: self.at,
            service_tier: None,
        };
        catalog.price(&query).cost
    }
}

/// What was taken and set aside for one upstream call.
#[derive(Debug, Default)]
pub(super) struct Funds {
    taken: Option<Taken>,
    reservation: Option<Reservation>,
}

impl Funds {
    /// The call is over: `tokens` where they are known, and the cost where it is. Tells which budgets passed a mark.
    pub(super) fn settle(self, tokens: Option<u64>, cost: Option<Microcents>, now: Timestamp) -> Vec<BudgetMark> {
        if let Some(taken) = self.taken {
            let tokens = tokens.unwrap_or(taken.tokens());
            taken.settle(tokens, now.unix_us);
        }
        self.reservation.map(|reservation| reservation.settle(cost, now.unix_us)).unwrap_or_default()
    }

    /// The call is not made.
    pub(super) fn undo(self, now: Timestamp) {
        if let Some(taken) = self.taken {
            taken.undo(now.unix_us);
        }
        if let Some(reservation) = self.reservation {
            reservation.settle(Some(Microcents(0)), now.unix_us);
        }
    }
}

/// The tokens that an attempt used: nothing where nothing was billed, `None` where nobody counted them.
pub(super) fn tokens_of(usage: &Usage, cost: Option<Microcents>) -> Option<u64> {
    match (usage.input_tokens(), usage.output_tokens()) {
        (None, None) => (cost == Some(Microcents(0))).then_some(0),
        (input, output) => Some(input.unwrap_or(0).saturating_add(output.unwrap_or(0))),
    }
}

fn caller_of(caller: &Caller) -> limits::Caller<'_> {
    let key = caller.key.as_deref();
    limits::Caller {
        key: key.map(|key| &key.id),
        project: caller.project.as_ref(),
        source: caller.source.as_ref(),
        team: key.and_then(|key| key.team.as_ref()),
    }
}

/// Counts the request.
pub(super) fn request(
    policy: &Policy,
    caller: &Caller,
    record: &mut OpenRecord,
    head: &mut Head,
) -> Result<(), Refusal> {
    let claims = policy.limits.of_caller(caller_of(caller));
    if claims.is_empty() {
        return Ok(());
    }
    let now = Timestamp::now();
    match Taken::take(&policy.limits.limiter, claims, ONE_REQUEST, now.unix_us) {
        Ok((taken, standing)) => {
            head.limited(standing);
            record.admitted(taken);
            Ok(())
        }
        Err(denial) => {
            head.limited(denial.standing);
            Err(over_limit(&denial, now))
        }
    }
}

/// Counts the tokens that the request is expected to use, where they are limited.
pub(super) fn tokens(inbound: &Inbound, record: &mut OpenRecord, head: &mut Head) -> Result<(), Refusal> {
    let estimate = Estimate::of(inbound, record.started_at());
    let Some(taken) = record.admission().filter(|taken| taken.counts_tokens()) else { return Ok(()) };
    let now = Timestamp::now();
    let standing = taken.take_tokens(estimate.tokens(), now.unix_us);
    head.limited(standing.as_ref().map_or_else(|denial| denial.standing, |standing| *standing));
    standing.map(drop).map_err(|denial| over_limit(&denial, now))
}

/// Adds to what is known of a candidate whether its own limits and budgets have room.
pub(super) fn observe(
    policy: &Policy,
    provider: &Provider,
    model: Option<&str>,
    estimate: &Estimate,
    availability: &mut Availability,
) {
    // Thousands of candidates are not to ask the clock each where there is nothing to compare it with.
    let now_us = || estimate.at.unix_us.max(Timestamp::now().unix_us);
    if policy.limits.limits_targets() {
        let claims = policy.limits.of_target(&provider.id, model);
        let take = estimate.take();
        availability.limited_until_us = policy.limits.limiter.closed_until(&claims, take, now_us());
    }
    if policy.budgets.holds_targets() && estimate.endpoint.is_billable() {
        availability.over_budget = policy.budgets.is_used_up(&provider.id, model, now_us());
    }
}

/// Takes from the limits of a target and sets money aside for a call of it.
pub(super) fn fund(policy: &Policy, caller: &Caller, target: &Target, estimate: &Estimate) -> Result<Funds, Refusal> {
    let mut funds = Funds::default();
    let (provider, model) = (target.provider.id.as_str(), target.model.as_deref());
    let claims = policy.limits.of_target(provider, model);
    if !claims.is_empty() {
        let now = Timestamp::now();
        let take = estimate.take();
        let taken = Taken::take(&policy.limits.limiter, claims, take, now.unix_us);
        funds.taken = Some(taken.map_err(|denial| over_limit(&denial, now))?.0);
    }
    if !policy.budgets.is_empty() && estimate.endpoint.is_billable() {
        let payer = Payer { caller: caller_of(caller), provider, model };
        let cost = estimate.cost(&policy.catalog, target);
        match policy.budgets.reserve(payer, cost, estimate.at.unix_us) {
            Ok(reservation) => funds.reservation = reservation,
            Err(refused) => {
                let now = Timestamp::now();
                funds.undo(now);
                return Err(not_paid(&refused, model, now));
            }
        }
    }
    Ok(funds)
}

fn secs_until(at_us: i64, now: Timestamp) -> u64 {
    u64::try_from((at_us - now.unix_us).max(0)).unwrap_or(0).div_ceil(1_000_000).max(1)
}

/// Whom a limit or budget is for, in words.
fn whose(scope: Scope, subject: &str) -> String {
    match (scope, subject) {
        (Scope::Global, _) => "all requests together".to_owned(),
        (_, "") => format!("requests that name no {}", scope.as_str()),
        _ => format!("{} `{subject}`", scope.as_str()),
    }
}

fn over_limit(denial: &Denial, now: Timestamp) -> Refusal {
    let Denial { scope, subject, rate, asked, free_at_us, .. } = denial;
    metrics::counter!(
        "llm_gateway_limited_total", "scope" => scope.as_str(), "unit" => rate.unit.as_str()
    )
    .increment(1);
    let (unit, period, whose) = (rate.unit.as_str(), rate.period.as_str(), whose(*scope, subject));
    let limit = format!("the limit of {} {unit} per {period} for {whose}", rate.amount);
    let retry_after_secs = free_at_us.map(|at| secs_until(at, now));
    let message = match (retry_after_secs, rate.unit) {
        (Some(secs), _) => format!("{limit} is reached; there is room again in {secs} s"),
        (None, LimitUnit::Tokens) => {
            format!("this request needs about {asked} tokens, more than {limit} ever lets through at once")
        }
        (None, LimitUnit::Requests) => format!("{limit} lets nothing through"),
    };
    Refusal { retry_after_secs, ..Refusal::new(ErrorKind::RateLimitExceeded, message) }
}

fn not_paid(refused: &Refused, model: Option<&str>, now: Timestamp) -> Refusal {
    let told = |kind: ErrorKind, scope: &'static str, message: String| {
        metrics::counter!("llm_gateway_budget_refusals_total", "scope" => scope, "code" => kind.as_str()).increment(1);
        Refusal::new(kind, message)
    };
    match refused {
        Refused::UsedUp { rule, subject, until_us } => {
            let scope = rule.books.scope();
            let (name, whose) = (&rule.name, whose(scope, subject));
            let (limit, period) = (rule.terms.limit_usd(), rule.terms.period.as_str());
            let until = Timestamp { unix_us: *until_us };
            let message = format!(
                "the budget `{name}` of {limit} USD a {period} for {whose} has not enough left for this request; it begins anew at {until}"
            );
            let refusal = told(ErrorKind::BudgetExceeded, scope.as_str(), message);
            Refusal { retry_after_secs: Some(secs_until(*until_us, now)), ..refusal }
        }
        Refused::PriceUnknown { rule } => {
            let model = model.unwrap_or("none");
            let message = format!(
                "the price of model `{model}` is not known, and the budget `{}` wants a known one (require_price): give it in [[catalog]]",
                rule.name
            );
            told(ErrorKind::PriceUnknown, rule.books.scope().as_str(), message)
        }
        Refused::NotKnown => {
            let message = "what was spent so far cannot be read from the store yet; try again soon";
            Refusal { retry_after_secs: Some(1), ..told(ErrorKind::BudgetUnavailable, "global", message.to_owned()) }
        }
    }
}
