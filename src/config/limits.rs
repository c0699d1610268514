//! `[limits]` and `[[budgets]]`, and what providers, projects and keys state of their own.
//!
//! Says what may be used; counting is the room `limits`' work.

mod read;
mod json;

pub(super) use read::{budget_items, budgets, inner, limits, metadata};

use crate::domain::Microcents;

/// What a limit or a budget holds for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// All requests.
    Global,
    /// Those of a virtual key.
    Key,
    /// Those of a project.
    Project,
    /// Those of a requester (`x-source`).
    Source,
    /// Those of all keys of a team.
    Team,
    /// Calls of a provider.
    Provider,
    /// Calls of a model.
    Model,
}

impl Scope {
    /// Every scope, in the order in which accounts are locked.
    pub const ALL: [Self; 7] =
        [Self::Global, Self::Key, Self::Project, Self::Source, Self::Team, Self::Provider, Self::Model];

    /// The name in config files and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::Key => "key",
            Self::Project => "project",
            Self::Source => "source",
            Self::Team => "team",
            Self::Provider => "provider",
            Self::Model => "model",
        }
    }

    /// Reads the name back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text)
    }
}

/// What a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LimitUnit {
    /// Requests.
    Requests,
    /// Tokens of prompt and answer.
    Tokens,
}

impl LimitUnit {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Requests, Self::Tokens];

    /// The name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Tokens => "tokens",
        }
    }
}

/// In which time a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LimitPeriod {
    /// A minute.
    Minute,
    /// An hour.
    Hour,
    /// 24 hours.
    Day,
}

impl LimitPeriod {
    /// All, the shortest first.
    pub const ALL: [Self; 3] = [Self::Minute, Self::Hour, Self::Day];

    /// The name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    /// Its length in microseconds.
    pub const fn micros(self) -> i64 {
        match self {
            Self::Minute => 60_000_000,
            Self::Hour => 3_600_000_000,
            Self::Day => 86_400_000_000,
        }
    }
}

/// By which rule a limit lets through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// What was taken flows back evenly; a burst may be taken at once.
    #[default]
    TokenBucket,
    /// In no span of a period more than the amount.
    SlidingWindow,
}

impl Algorithm {
    /// Both.
    pub const ALL: [Self; 2] = [Self::TokenBucket, Self::SlidingWindow];

    /// The name in config files and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TokenBucket => "token_bucket",
            Self::SlidingWindow => "sliding_window",
        }
    }

    /// Reads the name back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == text)
    }
}

/// The limits of one subject; one that states none lifts those that would hold otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct LimitSet {
    amounts: [[Option<u64>; 3]; 2],
    bursts: [Option<u64>; 2],
    /// By which rule they let through.
    pub algorithm: Algorithm,
}

impl LimitSet {
    /// The keys of its table: unit, period, name.
    pub const AMOUNTS: [(LimitUnit, LimitPeriod, &str); 6] = [
        (LimitUnit::Requests, LimitPeriod::Minute, "requests_per_minute"),
        (LimitUnit::Requests, LimitPeriod::Hour, "requests_per_hour"),
        (LimitUnit::Requests, LimitPeriod::Day, "requests_per_day"),
        (LimitUnit::Tokens, LimitPeriod::Minute, "tokens_per_minute"),
        (LimitUnit::Tokens, LimitPeriod::Hour, "tokens_per_hour"),
        (LimitUnit::Tokens, LimitPeriod::Day, "tokens_per_day"),
    ];

    /// How many at once: unit and name.
    pub const BURSTS: [(LimitUnit, &str); 2] = [(LimitUnit::Requests, "burst"), (LimitUnit::Tokens, "token_burst")];

    /// How much of a unit in a period.
    pub fn amount(&self, unit: LimitUnit, period: LimitPeriod) -> Option<u64> {
        *self.amounts.get(unit as usize)?.get(period as usize)?
    }

    /// How much of a unit at once.
    pub fn burst(&self, unit: LimitUnit) -> Option<u64> {
        *self.bursts.get(unit as usize)?
    }

    fn set_amount(&mut self, unit: LimitUnit, period: LimitPeriod, amount: Option<u64>) {
        if let Some(place) = self.amounts.get_mut(unit as usize).and_then(|row| row.get_mut(period as usize)) {
            *place = amount;
        }
    }

    fn set_burst(&mut self, unit: LimitUnit, burst: Option<u64>) {
        if let Some(place) = self.bursts.get_mut(unit as usize) {
            *place = burst;
        }
    }

    /// Whether it states no limit.
    pub fn is_empty(&self) -> bool {
        self.amounts.iter().flatten().all(Option::is_none)
    }
}

/// `[limits]`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// For all requests together.
    pub global: LimitSet,
    /// For each subject of a scope that has none of its own: key, project, source, provider, model.
    pub each: Vec<(Scope, LimitSet)>,
    /// For one requester or model: scope, name, limits.
    pub named: Vec<(Scope, String, LimitSet)>,
}

/// How often a budget begins anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BudgetPeriod {
    /// At midnight.
    Day,
    /// At midnight before Monday.
    Week,
    /// At midnight before the first.
    Month,
}

impl BudgetPeriod {
    /// All.
    pub const ALL: [Self; 3] = [Self::Day, Self::Week, Self::Month];

    /// The name in config files and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    /// Reads the name back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|period| period.as_str() == text)
    }
}

/// What a used-up budget does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum BudgetAction {
    /// It refuses.
    #[default]
    Stop,
    /// It only warns.
    Warn,
}

impl BudgetAction {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Stop, Self::Warn];

    /// The name in config files and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Warn => "warn",
        }
    }

    /// Reads the name back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == text)
    }
}

/// The terms of a budget.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BudgetTerms {
    /// How much may be spent in a period.
    pub limit: Microcents,
    /// How often it begins anew.
    pub period: BudgetPeriod,
    /// Whose midnight that is, by its IANA name.
    pub time_zone: String,
    /// The share of the limit, in thousandths, from which on it warns.
    pub warn_at_permille: u16,
    /// What it does when it is used up.
    pub action: BudgetAction,
    /// Whether models without a known price are refused.
    pub require_price: bool,
}

/// One of `[[budgets]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Its unique name.
    pub name: String,
    /// What it holds for.
    pub scope: Scope,
    /// For whom of the scope; `None` gives each of them a budget of its own.
    pub subject: Option<String>,
    /// Its terms.
    pub terms: BudgetTerms,
}
