//! The words of incidents: what went wrong, and whom it hit.

/// What an incident is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IncidentKind {
    /// A provider could not be reached, or hung up without an answer.
    ProviderDown,
    /// A provider asked to be left alone (429).
    RateLimited,
    /// A provider was too slow.
    Timeouts,
    /// A provider refused our credential, or its account may not be used.
    BadCredentials,
    /// A provider failed in any other way: 5xx, broken answers, redirects.
    ProviderErrors,
    /// A budget is used up, or nearly.
    BudgetBurn,
    /// An answer could not be priced.
    UnknownPrice,
    /// Credentials were found in what clients sent or providers answered.
    SecretsFound,
    /// A plugin failed; what that meant for requests is its operator's word.
    PluginFailed,
    /// The gateway itself failed.
    Gateway,
}

impl IncidentKind {
    /// Every kind, for tables and tests.
    pub const ALL: [Self; 10] = [
        Self::ProviderDown,
        Self::RateLimited,
        Self::Timeouts,
        Self::BadCredentials,
        Self::ProviderErrors,
        Self::BudgetBurn,
        Self::UnknownPrice,
        Self::SecretsFound,
        Self::PluginFailed,
        Self::Gateway,
    ];

    /// The stable name, in the configuration, in the API and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ProviderDown => "provider_down",
            Self::RateLimited => "rate_limited",
            Self::Timeouts => "timeouts",
            Self::BadCredentials => "bad_credentials",
            Self::ProviderErrors => "provider_errors",
            Self::BudgetBurn => "budget_burn",
            Self::UnknownPrice => "unknown_price",
            Self::SecretsFound => "secrets_found",
            Self::PluginFailed => "plugin_failed",
            Self::Gateway => "gateway",
        }
    }

    /// Reads the stable name back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// Whom it hit. The order is that of severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Impact {
    /// Nobody's answer suffered, but somebody should know.
    Notice,
    /// The client got its answer, after an attempt that failed.
    Mitigated,
    /// The client got a failure that it had not caused.
    CustomerImpacting,
}

impl Impact {
    /// Every impact, the least first.
    pub const ALL: [Self; 3] = [Self::Notice, Self::Mitigated, Self::CustomerImpacting];

    /// The stable name, in the API and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Mitigated => "mitigated",
            Self::CustomerImpacting => "customer_impacting",
        }
    }

    /// Reads the stable name back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|impact| impact.as_str() == text)
    }
}
