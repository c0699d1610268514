//! Measures as SQL, over the roll-up and over rows. Ratios are ratios of sums.

use super::{Binder, Place, QUARTER_US, dimensions::compared, is_timed};
use crate::analytics::ask::{Measure, Quantity, QuerySpec, Statistic, Window};

const DAY_US: f64 = 86_400e6;

/// The times of a statement.
#[derive(Clone, Debug)]
pub(super) struct Times {
    pub(super) now_us: i64,
    window: Window,
    compare: Option<Window>,
    /// Days that one group covers, where each covers a piece of the window.
    grain_days: Option<f64>,
    /// The spec itself says how the rows ended.
    names_outcomes: bool,
}

/// Which rows a measure is taken over: a condition, or all; and how long the time is that they lie in.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    condition: Option<String>,
    window: Window,
    grain_days: Option<f64>,
    names_outcomes: bool,
}

impl Times {
    pub(super) fn of(spec: &QuerySpec, now_us: i64) -> Self {
        use crate::analytics::ask::Dimension as D;
        let grain_days = spec.grain().map(|grain| match grain {
            D::Hour => 1.0 / 24.0,
            D::Week => 7.0,
            D::Month => 365.25 / 12.0,
            D::Quarter => 365.25 / 4.0,
            D::Year => 365.25,
            _ => 1.0,
        });
        let filtered = spec.filters.iter().map(|filter| &filter.dimension);
        let names_outcomes = spec
            .dimensions
            .iter()
            .chain(filtered)
            .any(|dimension| matches!(dimension, D::Outcome | D::ErrorKind | D::Status));
        Self { now_us, window: spec.window.clone(), compare: compared(spec), grain_days, names_outcomes }
    }

    /// How many values a statistic rests on.
    pub(super) fn samples(&self, measure: Measure, place: Place) -> Option<String> {
        samples(measure, place, self.names_outcomes)
    }

    /// All rows of the statement, where only the window's are read.
    pub(super) fn now(&self, condition: Option<&str>) -> Scope {
        Scope {
            condition: condition.map(str::to_owned),
            window: self.window.clone(),
            grain_days: self.grain_days,
            names_outcomes: self.names_outcomes,
        }
    }

    /// The rows of the window, where those of two are read.
    pub(super) fn window(&self, place: Place, binder: &mut Binder) -> Scope {
        Scope { condition: Some(lies_in(&self.window, place, binder)), ..self.now(None) }
    }

    /// The rows of the window that it is set against.
    pub(super) fn compare(&self, place: Place, binder: &mut Binder) -> Scope {
        let window = self.compare.as_ref().unwrap_or(&self.window);
        let condition = Some(lies_in(window, place, binder));
        Scope { condition, window: window.clone(), grain_days: None, names_outcomes: self.names_outcomes }
    }

    /// The rows that are read: those of the window, or of both.
    pub(super) fn both(&self, spec: &QuerySpec, place: Place, binder: &mut Binder) -> String {
        if !is_timed(spec.view) {
            return String::new();
        }
        let window = lies_in(&self.window, place, binder);
        match self.compare.as_ref().filter(|_| spec.grain().is_none()) {
            None => window,
            Some(compare) => format!("(({window}) OR ({}))", lies_in(compare, place, binder)),
        }
    }
}

impl Scope {
    /// The same where a condition holds besides.
    pub(super) fn and(mut self, more: Option<&str>) -> Self {
        self.condition = match (self.condition.take(), more) {
            (Some(one), Some(other)) => Some(format!("{one} AND {other}")),
            (one, other) => one.or_else(|| other.map(str::to_owned)),
        };
        self
    }

    /// An aggregate over the rows, where `more` holds of them too.
    fn over(&self, aggregate: &str, more: Option<&str>) -> String {
        match (&self.condition, more) {
            (None, None) => aggregate.to_owned(),
            (Some(one), None) => format!("{aggregate} FILTER (WHERE {one})"),
            (None, Some(other)) => format!("{aggregate} FILTER (WHERE {other})"),
            (Some(one), Some(other)) => format!("{aggregate} FILTER (WHERE {one} AND {other})"),
        }
    }

    fn sum(&self, what: &str) -> String {
        format!("coalesce({}, 0)", self.over(&format!("sum({what})"), None))
    }

    fn sum_where(&self, what: &str, more: &str) -> String {
        format!("coalesce({}, 0)", self.over(&format!("sum({what})"), Some(more)))
    }

    fn distinct(&self, what: &str) -> String {
        self.over(&format!("count_distinct({what})"), None)
    }

    /// Days that the rows lie in, as an expression; all time begins with the first row.
    #[allow(clippy::cast_precision_loss, reason = "a day has fewer microseconds than a double has digits")]
    fn days(&self, binder: &mut Binder) -> String {
        if let Some(days) = self.grain_days {
            return binder.real(days);
        }
        if self.window.from_us > 0 {
            return binder.real((self.window.to_us - self.window.from_us) as f64 / DAY_US);
        }
        let end = binder.integer(self.window.to_us);
        format!("(({end} - min(started_us)) / {DAY_US:e})")
    }
}

/// Whether a row lies in a window.
fn lies_in(window: &Window, place: Place, binder: &mut Binder) -> String {
    let (column, from, to) = match place {
        Place::Raw | Place::Sessions => ("started_us", window.from_us, window.to_us),
        // The quarter that runs counts in.
        Place::Days | Place::Quarters => {
            ("quarter_hour", window.from_us / QUARTER_US, (window.to_us + QUARTER_US - 1) / QUARTER_US)
        }
    };
    let to = binder.integer(to);
    if window.from_us <= 0 {
        return format!("{column} < {to}");
    }
    let from = binder.integer(from);
    format!("{column} >= {from} AND {column} < {to}")
}

/// Whether it is a sum over the length of the time that the rows lie in.
pub(super) const fn is_per_time(quantity: Quantity) -> bool {
    use Quantity as Q;
    matches!(
        quantity,
        Q::BurnRate
            | Q::RequestsPerMinute
            | Q::RequestsPerHour
            | Q::RequestsPerDay
            | Q::TokensPerMinute
            | Q::TokensPerDay
    )
}

/// Whether the roll-up has what the measure takes; percentiles it has nearly.
pub(super) const fn is_rolled_up(measure: Measure) -> bool {
    use Quantity as Q;
    match measure.statistic {
        Statistic::Total => !matches!(
            measure.quantity,
            Q::Failovers | Q::FailoverRate | Q::Retries | Q::ActiveKeys | Q::Sessions | Q::Throughput
        ),
        Statistic::Mean | Statistic::P50 | Statistic::P90 | Statistic::P95 | Statistic::P99 => {
            matches!(measure.quantity, Q::Latency | Q::Ttft)
        }
        Statistic::Max | Statistic::Min => false,
    }
}

/// What a single row has of a quantity.
pub(super) fn of_row(quantity: Quantity, binder: &mut Binder, now_us: i64) -> String {
    use Quantity as Q;
    match quantity {
        Q::Cost => "cost_usd".to_owned(),
        Q::ProviderCost => "(provider_cost_microcents / 1e8)".to_owned(),
        Q::Saved => "saved_usd".to_owned(),
        Q::Latency | Q::AttemptLatency => "latency_ms".to_owned(),
        Q::Ttft => "ttft_ms".to_owned(),
        Q::Throughput => "(output_tokens * 1e3 / nullif(latency_ms - ttft_ms, 0))".to_owned(),
        Q::IncidentDuration => {
            let now = binder.integer(now_us);
            format!("((coalesce(closed_us, {now}) - started_us) / 1e3)")
        }
        Q::Retries => "max(attempts - 1, 0)".to_owned(),
        Q::SignalScore => "score".to_owned(),
        Q::BudgetSpent => "spent_usd".to_owned(),
        Q::BudgetLimit => "limit_usd".to_owned(),
        Q::BudgetRemaining => "(limit_usd - spent_usd)".to_owned(),
        Q::BudgetUsed => "(1.0 * spent_microcents / nullif(limit_microcents, 0))".to_owned(),
        // The rest are columns of their own name.
        other => other.as_str().to_owned(),
    }
}

/// Which rows a statistic of a quantity is taken over, besides those asked for: latencies are of what ended ok, unless
/// the spec names how its rows ended.
const fn usual(quantity: Quantity, names_outcomes: bool) -> Option<&'static str> {
    match quantity {
        Quantity::Latency | Quantity::AttemptLatency if names_outcomes => None,
        Quantity::Latency | Quantity::AttemptLatency => Some("outcome = 'ok'"),
        Quantity::Ttft => Some("streamed"),
        Quantity::Throughput => Some("ttft_ms IS NOT NULL AND latency_ms > ttft_ms AND output_tokens IS NOT NULL"),
        _ => None,
    }
}

fn samples(measure: Measure, place: Place, names_outcomes: bool) -> Option<String> {
    let value = match (place, measure.quantity) {
        (Place::Days | Place::Quarters, Quantity::Ttft) => "sum(ttft_requests)".to_owned(),
        (Place::Days | Place::Quarters, _) => "sum(requests)".to_owned(),
        (Place::Raw | Place::Sessions, quantity) => {
            let mut binder = Binder::default();
            match quantity {
                Quantity::IncidentDuration => "count(*)".to_owned(),
                quantity => format!("count({})", of_row(quantity, &mut binder, 0)),
            }
        }
    };
    let counted = usual(measure.quantity, names_outcomes)
        .map_or_else(|| value.clone(), |more| format!("{value} FILTER (WHERE {more})"));
    Some(format!("coalesce({counted}, 0)"))
}

/// A measure over a scope.
pub(super) fn sql(measure: Measure, place: Place, scope: &Scope, now_us: i64, binder: &mut Binder) -> String {
    if measure.statistic == Statistic::Total {
        return total(measure.quantity, place, scope, now_us, binder);
    }
    let usual = usual(measure.quantity, scope.names_outcomes);
    if place.is_roll_up() {
        let (histogram, sum, count) = match measure.quantity {
            Quantity::Ttft => ("ttft_histogram", "ttft_ms", "ttft_requests"),
            _ => ("latency_histogram", "latency_ms", "requests"),
        };
        return match measure.statistic.quantile() {
            Some(share) => {
                let share = binder.real(share);
                scope.over(&format!("p_merged({histogram}, {share})"), usual)
            }
            None => {
                let sum = scope.over(&format!("sum({sum})"), usual);
                let count = scope.over(&format!("sum({count})"), usual);
                format!("{sum} / nullif({count}, 0)")
            }
        };
    }
    let value = of_row(measure.quantity, binder, now_us);
    let aggregate = match measure.statistic {
        Statistic::Total | Statistic::Mean => format!("avg({value})"),
        Statistic::Max => format!("max({value})"),
        Statistic::Min => format!("min({value})"),
        percentile => {
            let share = binder.real(percentile.quantile().unwrap_or(0.5));
            format!("p({value}, {share})")
        }
    };
    scope.over(&aggregate, usual)
}

#[allow(clippy::too_many_lines, reason = "one arm a quantity: the table of what they are")]
fn total(quantity: Quantity, place: Place, scope: &Scope, now_us: i64, binder: &mut Binder) -> String {
    use Quantity as Q;
    let rolled = place.is_roll_up();
    let requests = if rolled { scope.sum("requests") } else { scope.over("count(*)", None) };
    let with = |outcome: &str| {
        let is = format!("outcome = '{outcome}'");
        if rolled { scope.sum_where("requests", &is) } else { scope.over("count(*)", Some(&is)) }
    };
    let cached = |state: &str| {
        let is = format!("cache = '{state}'");
        if rolled { scope.sum_where("requests", &is) } else { scope.over("count(*)", Some(&is)) }
    };
    let unknown = scope.sum(if rolled { "unknown_cost" } else { "cost_unknown" });
    let microcents = scope.sum("cost_microcents");
    // Nothing known is not nothing.
    let cost = format!("CASE WHEN {unknown} > 0 AND {microcents} = 0 THEN NULL ELSE {microcents} / 1e8 END");
    let tokens = format!("({} + {})", scope.sum("input_tokens"), scope.sum("output_tokens"));
    let ratio = |part: &str, whole: &str| format!("1.0 * ({part}) / nullif({whole}, 0)");
    match quantity {
        Q::Cost => cost,
        Q::ProviderCost => format!("{} / 1e8", scope.sum("provider_cost_microcents")),
        Q::Saved => format!("{} / 1e8", scope.sum("saved_microcents")),
        Q::CostPerRequest => ratio(&cost, &requests),
        Q::CostPer1kRequests => format!("1e3 * ({cost}) / nullif({requests}, 0)"),
        Q::CostPer1mRequests => format!("1e6 * ({cost}) / nullif({requests}, 0)"),
        Q::CostPer1kTokens => format!("1e3 * ({cost}) / nullif({tokens}, 0)"),
        Q::CostPer1mTokens => format!("1e6 * ({cost}) / nullif({tokens}, 0)"),
        Q::CostPerRequester => ratio(&cost, &scope.distinct("requester")),
        Q::BurnRate => format!("({cost}) / {}", scope.days(binder)),
        Q::Projection => {
            let share = binder.real(elapsed_share(&scope.window));
            format!("({cost}) / {share}")
        }
        Q::Requests | Q::Signals | Q::Incidents | Q::Attempts | Q::RoutingDrops => requests,
        Q::UnknownPrice => unknown,
        Q::Ok => with("ok"),
        Q::Errors | Q::FailedAttempts => with("error"),
        Q::Refused => with("refused"),
        Q::Disconnects => with("client_disconnected"),
        Q::Failovers => scope.sum("failed_over"),
        Q::Retries => scope.sum("max(attempts - 1, 0)"),
        Q::CacheHits => cached("hit"),
        Q::CacheMisses => cached("miss"),
        Q::RequestsPerMinute => format!("({requests}) / ({} * 1440.0)", scope.days(binder)),
        Q::RequestsPerHour => format!("({requests}) / ({} * 24.0)", scope.days(binder)),
        Q::RequestsPerDay => format!("({requests}) / {}", scope.days(binder)),
        Q::ActiveRequesters => scope.distinct("requester"),
        Q::ActiveProjects => scope.distinct("project"),
        Q::ActiveTeams => scope.distinct("team"),
        Q::ActiveKeys => scope.distinct("key_id"),
        Q::ActiveModels => scope.distinct("model"),
        Q::ActiveProviders => scope.distinct("provider"),
        Q::Sessions => scope.distinct("session"),
        Q::Tokens => tokens,
        Q::InputTokens
        | Q::OutputTokens
        | Q::CacheReadTokens
        | Q::CacheWriteTokens
        | Q::ReasoningTokens
        | Q::RequestBytes
        | Q::ResponseBytes
        | Q::ImpactedRequests => scope.sum(quantity.as_str()),
        Q::TokensPerRequest => ratio(&tokens, &requests),
        Q::InputTokensPerRequest => ratio(&scope.sum("input_tokens"), &requests),
        Q::OutputTokensPerRequest => ratio(&scope.sum("output_tokens"), &requests),
        Q::TokensPerMinute => format!("({tokens}) / ({} * 1440.0)", scope.days(binder)),
        Q::TokensPerDay => format!("({tokens}) / {}", scope.days(binder)),
        Q::ErrorRate | Q::AttemptFailureRate => ratio(&with("error"), &requests),
        Q::SuccessRate => ratio(&with("ok"), &requests),
        Q::RefusedRate => ratio(&with("refused"), &requests),
        Q::DisconnectRate => ratio(&with("client_disconnected"), &requests),
        Q::CacheHitRate => ratio(&cached("hit"), &format!("({} + {})", cached("hit"), cached("miss"))),
        Q::FailoverRate => ratio(&scope.sum("failed_over"), &requests),
        Q::Throughput => {
            let known = usual(Q::Throughput, false).unwrap_or("TRUE");
            let time = scope.over("sum(latency_ms - ttft_ms)", Some(known));
            format!("1e3 * {} / nullif({time}, 0)", scope.over("sum(output_tokens)", Some(known)))
        }
        Q::Findings => scope.sum("count"),
        Q::RequestsWithFindings | Q::RequestsWithDrops => scope.distinct("record_seq"),
        // A budget that is nearly used up does not hide behind one that is not.
        Q::BudgetUsed => scope.over(&format!("max({})", of_row(quantity, binder, now_us)), None),
        Q::BudgetSpent | Q::BudgetLimit | Q::BudgetRemaining => scope.sum(&of_row(quantity, binder, now_us)),
        Q::Latency | Q::Ttft | Q::AttemptLatency | Q::IncidentDuration | Q::SignalScore => {
            scope.over(&format!("avg({})", of_row(quantity, binder, now_us)), usual(quantity, scope.names_outcomes))
        }
    }
}

/// How much of the calendar month that a window begins with is over at its end.
#[allow(clippy::cast_precision_loss)]
fn elapsed_share(window: &Window) -> f64 {
    let end = jiff::Timestamp::from_microsecond(window.from_us).ok().and_then(|from| {
        let month = from.to_zoned(jiff::tz::TimeZone::UTC).first_of_month().ok()?.start_of_day().ok()?;
        month.checked_add(jiff::Span::new().months(1)).ok().map(|next| next.timestamp().as_microsecond())
    });
    let whole = end.map_or(1, |end| end - window.from_us).max(1);
    ((window.to_us - window.from_us) as f64 / whole as f64).clamp(1e-6, 1.0)
}
