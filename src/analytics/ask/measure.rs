//! What can be measured: quantities, and the statistic of them that is asked for.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::View;

/// In what a value is given, in bounds as well as in results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// US dollars.
    Usd,
    /// A number of things.
    Count,
    /// A number of tokens.
    Tokens,
    /// Milliseconds.
    Ms,
    /// A share, 0 to 1.
    Ratio,
    /// Output tokens per second.
    TokensPerSec,
    /// Bytes.
    Bytes,
    /// A signal's score, 0 to 1.
    Score,
}

/// What of the distribution over rows is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Statistic {
    /// The sum, the count, or the ratio of sums: the quantity as such.
    #[default]
    Total,
    /// The mean of the rows that have a value.
    Mean,
    /// The median.
    P50,
    /// The 90th percentile.
    P90,
    /// The 95th percentile.
    P95,
    /// The 99th percentile.
    P99,
    /// The largest.
    Max,
    /// The smallest.
    Min,
}

impl Statistic {
    /// Every statistic.
    pub const ALL: [Self; 8] =
        [Self::Total, Self::Mean, Self::P50, Self::P90, Self::P95, Self::P99, Self::Max, Self::Min];

    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Total => "total",
            Self::Mean => "mean",
            Self::P50 => "p50",
            Self::P90 => "p90",
            Self::P95 => "p95",
            Self::P99 => "p99",
            Self::Max => "max",
            Self::Min => "min",
        }
    }

    /// The percentile's share, 0 to 1.
    pub const fn quantile(self) -> Option<f64> {
        match self {
            Self::P50 => Some(0.5),
            Self::P90 => Some(0.9),
            Self::P95 => Some(0.95),
            Self::P99 => Some(0.99),
            _ => None,
        }
    }
}

macro_rules! quantities {
    ($($(#[doc = $doc:literal])+ $name:ident $text:literal $view:ident $unit:ident $spread:literal,)+) => {
        /// What is measured. Ratios are ratios of sums, never means of ratios.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Quantity {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Quantity {
            /// Every quantity.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The stable name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),+ }
            }

            /// The view whose rows it is measured over.
            pub const fn view(self) -> View {
                match self { $(Self::$name => View::$view),+ }
            }

            /// What its values are given in.
            pub const fn unit(self) -> Unit {
                match self { $(Self::$name => Unit::$unit),+ }
            }

            /// Whether single rows have a value, so that there is a mean, a maximum and a bound by row.
            pub const fn is_of_rows(self) -> bool {
                match self { $(Self::$name => $spread),+ }
            }
        }
    };
}

quantities! {
    /// Billed cost; rows of unknown price are in no sum and are counted by `UnknownPrice`.
    Cost "cost" Requests Usd true,
    /// What providers themselves said it cost.
    ProviderCost "provider_cost" Requests Usd true,
    /// Cost that cache hits avoided.
    Saved "saved" Requests Usd true,
    /// Cost ÷ requests.
    CostPerRequest "cost_per_request" Requests Usd false,
    /// Cost ÷ requests × 1,000.
    CostPer1kRequests "cost_per_1k_requests" Requests Usd false,
    /// Cost ÷ requests × 1,000,000.
    CostPer1mRequests "cost_per_1m_requests" Requests Usd false,
    /// Cost ÷ tokens × 1,000.
    CostPer1kTokens "cost_per_1k_tokens" Requests Usd false,
    /// Cost ÷ tokens × 1,000,000.
    CostPer1mTokens "cost_per_1m_tokens" Requests Usd false,
    /// Cost ÷ distinct requesters.
    CostPerRequester "cost_per_requester" Requests Usd false,
    /// Cost ÷ days of the window.
    BurnRate "burn_rate" Requests Usd false,
    /// Cost of the running calendar month so far ÷ its elapsed share; the window is the running month up to now.
    Projection "projection" Requests Usd false,
    /// All records.
    Requests "requests" Requests Count false,
    /// Records that called a provider and whose cost is unknown.
    UnknownPrice "unknown_price" Requests Count false,
    /// Records with outcome `ok`.
    Ok "ok" Requests Count false,
    /// Records with outcome `error`.
    Errors "errors" Requests Count false,
    /// Records with outcome `refused`.
    Refused "refused" Requests Count false,
    /// Records with outcome `client_disconnected`.
    Disconnects "disconnects" Requests Count false,
    /// Records that ended ok after at least one failed attempt.
    Failovers "failovers" Requests Count false,
    /// Attempts beyond the first of each record.
    Retries "retries" Requests Count true,
    /// Records answered from the response cache.
    CacheHits "cache_hits" Requests Count false,
    /// Records that asked the response cache in vain.
    CacheMisses "cache_misses" Requests Count false,
    /// Requests ÷ minutes of the window.
    RequestsPerMinute "requests_per_minute" Requests Count false,
    /// Requests ÷ hours of the window.
    RequestsPerHour "requests_per_hour" Requests Count false,
    /// Requests ÷ days of the window.
    RequestsPerDay "requests_per_day" Requests Count false,
    /// Distinct requesters.
    ActiveRequesters "active_requesters" Requests Count false,
    /// Distinct projects.
    ActiveProjects "active_projects" Requests Count false,
    /// Distinct teams.
    ActiveTeams "active_teams" Requests Count false,
    /// Distinct keys.
    ActiveKeys "active_keys" Requests Count false,
    /// Distinct models.
    ActiveModels "active_models" Requests Count false,
    /// Distinct providers.
    ActiveProviders "active_providers" Requests Count false,
    /// Distinct sessions.
    Sessions "sessions" Requests Count false,
    /// Input and output tokens.
    Tokens "tokens" Requests Tokens true,
    /// Uncached input, cache reads and cache writes.
    InputTokens "input_tokens" Requests Tokens true,
    /// Output, reasoning included.
    OutputTokens "output_tokens" Requests Tokens true,
    /// Input read from prompt caches.
    CacheReadTokens "cache_read_tokens" Requests Tokens true,
    /// Input written to prompt caches.
    CacheWriteTokens "cache_write_tokens" Requests Tokens true,
    /// Reasoning.
    ReasoningTokens "reasoning_tokens" Requests Tokens true,
    /// Tokens ÷ requests.
    TokensPerRequest "tokens_per_request" Requests Tokens false,
    /// Input tokens ÷ requests.
    InputTokensPerRequest "input_tokens_per_request" Requests Tokens false,
    /// Output tokens ÷ requests.
    OutputTokensPerRequest "output_tokens_per_request" Requests Tokens false,
    /// Tokens ÷ minutes of the window.
    TokensPerMinute "tokens_per_minute" Requests Tokens false,
    /// Tokens ÷ days of the window.
    TokensPerDay "tokens_per_day" Requests Tokens false,
    /// Errors ÷ requests.
    ErrorRate "error_rate" Requests Ratio false,
    /// Ok ÷ requests.
    SuccessRate "success_rate" Requests Ratio false,
    /// Refused ÷ requests.
    RefusedRate "refused_rate" Requests Ratio false,
    /// Client disconnects ÷ requests.
    DisconnectRate "disconnect_rate" Requests Ratio false,
    /// Hits ÷ (hits + misses); requests that by-passed the cache are left out.
    CacheHitRate "cache_hit_rate" Requests Ratio false,
    /// Failovers ÷ requests.
    FailoverRate "failover_rate" Requests Ratio false,
    /// Total time; of records with outcome `ok` where a statistic is taken, of every record in a bound by row.
    Latency "latency" Requests Ms true,
    /// Time to first token; records that have one, which are streamed.
    Ttft "ttft" Requests Ms true,
    /// Output tokens per second of generation, (latency − ttft) where it is known; Total is Σ tokens ÷ Σ seconds.
    Throughput "throughput" Requests TokensPerSec true,
    /// Bytes of request bodies.
    RequestBytes "request_bytes" Requests Bytes true,
    /// Bytes of answers.
    ResponseBytes "response_bytes" Requests Bytes true,
    /// Upstream calls.
    Attempts "attempts" Attempts Count false,
    /// Upstream calls with outcome `error`.
    FailedAttempts "failed_attempts" Attempts Count false,
    /// Failed upstream calls ÷ upstream calls.
    AttemptFailureRate "attempt_failure_rate" Attempts Ratio false,
    /// Time of an upstream call with outcome `ok`.
    AttemptLatency "attempt_latency" Attempts Ms true,
    /// What the sanitizer found: the sum of the rows' counts.
    Findings "findings" Findings Count false,
    /// Records in which the sanitizer found something.
    RequestsWithFindings "requests_with_findings" Findings Count false,
    /// Incidents that opened in the window.
    Incidents "incidents" Incidents Count false,
    /// From opening to closing, or to now.
    IncidentDuration "incident_duration" Incidents Ms true,
    /// Requests that incidents hit: the impacting ones.
    ImpactedRequests "impacted_requests" Incidents Count true,
    /// Candidates that a routing layer removed.
    RoutingDrops "routing_drops" RouteSteps Count false,
    /// Requests of which a routing layer removed at least one candidate.
    RequestsWithDrops "requests_with_drops" RouteSteps Count false,
    /// Signals.
    Signals "signals" Signals Count false,
    /// Mean score of signals.
    SignalScore "signal_score" Signals Score true,
    /// Spent in the running period of the budget.
    BudgetSpent "budget_spent" Budgets Usd true,
    /// The budget's limit.
    BudgetLimit "budget_limit" Budgets Usd true,
    /// What is left of it.
    BudgetRemaining "budget_remaining" Budgets Usd true,
    /// Spent ÷ limit of the running period; rows without a budget are left out.
    BudgetUsed "budget_used" Budgets Ratio true,
}

/// A quantity and its statistic. Its text is the quantity's name, followed by the statistic's unless that is the
/// total: `cost`, `latency_p95`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Measure {
    /// What is measured.
    pub quantity: Quantity,
    /// What of it.
    pub statistic: Statistic,
}

impl Measure {
    /// The quantity as such.
    pub const fn total(quantity: Quantity) -> Self {
        Self { quantity, statistic: Statistic::Total }
    }

    /// A statistic of the quantity.
    pub const fn of(quantity: Quantity, statistic: Statistic) -> Self {
        Self { quantity, statistic }
    }

    /// Every measure that can be asked for.
    pub fn all() -> impl Iterator<Item = Self> {
        Quantity::ALL
            .iter()
            .flat_map(|&quantity| Statistic::ALL.map(|statistic| Self { quantity, statistic }))
            .filter(|measure| measure.is_valid())
    }

    /// Whether there is such a measure: times and scores have no sum, counts and ratios have nothing but it.
    pub const fn is_valid(self) -> bool {
        match self.statistic {
            Statistic::Total => !matches!(
                self.quantity,
                Quantity::Latency
                    | Quantity::Ttft
                    | Quantity::AttemptLatency
                    | Quantity::IncidentDuration
                    | Quantity::SignalScore
            ),
            _ => self.quantity.is_of_rows(),
        }
    }

    /// Reads the stable text back. Of a quantity without a sum the plain name is what single rows have.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = Quantity::ALL.iter().find(|quantity| quantity.as_str() == text);
        plain.map(|quantity| Self::total(*quantity)).or_else(|| Self::all().find(|measure| measure.to_string() == text))
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.statistic {
            Statistic::Total => f.write_str(self.quantity.as_str()),
            statistic => write!(f, "{}_{}", self.quantity.as_str(), statistic.as_str()),
        }
    }
}

impl Serialize for Measure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Measure {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom(format!("there is no measure {text:?}")))
    }
}
