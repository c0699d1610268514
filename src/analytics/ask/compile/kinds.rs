//! What a compiler must know of measures and dimensions besides their SQL.

use crate::analytics::ask::{Dimension, Measure, Quantity, Statistic, Unit};

impl Measure {
    /// Whether the measure of a whole is the sum of its parts'.
    pub const fn is_additive(self) -> bool {
        matches!(self.statistic, Statistic::Total)
            && matches!(self.quantity.unit(), Unit::Usd | Unit::Count | Unit::Tokens | Unit::Bytes)
            && !matches!(
                self.quantity,
                Quantity::CostPerRequest
                    | Quantity::CostPer1kRequests
                    | Quantity::CostPer1mRequests
                    | Quantity::CostPer1kTokens
                    | Quantity::CostPer1mTokens
                    | Quantity::CostPerRequester
                    | Quantity::TokensPerRequest
                    | Quantity::InputTokensPerRequest
                    | Quantity::OutputTokensPerRequest
                    | Quantity::ActiveRequesters
                    | Quantity::ActiveProjects
                    | Quantity::ActiveTeams
                    | Quantity::ActiveKeys
                    | Quantity::ActiveModels
                    | Quantity::ActiveProviders
                    | Quantity::Sessions
                    | Quantity::RequestsWithFindings
                    | Quantity::RequestsWithDrops
            )
    }
}

impl Quantity {
    /// Whether it rests on prices, which may be unknown.
    pub const fn is_priced(self) -> bool {
        matches!(
            self,
            Self::Cost
                | Self::CostPerRequest
                | Self::CostPer1kRequests
                | Self::CostPer1mRequests
                | Self::CostPer1kTokens
                | Self::CostPer1mTokens
                | Self::CostPerRequester
                | Self::BurnRate
                | Self::Projection
        )
    }
}

impl Dimension {
    /// Whether its values come round again: hours of the day, days of the week.
    pub const fn is_cyclic(&self) -> bool {
        matches!(self, Self::HourOfDay | Self::Weekday)
    }
}
