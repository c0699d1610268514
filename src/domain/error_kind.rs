//! The one table of error kinds: what a record's `error_kind` and an error body's code may say.

/// Why a request failed or was refused. The text form is stable and documented in the README.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The request was malformed (400).
    InvalidRequest,
    /// Two different credentials were sent (400).
    ConflictingCredentials,
    /// No or an unknown, expired or revoked virtual key (401).
    Authentication,
    /// The key may not use this model or provider (403).
    PermissionDenied,
    /// A rule of the sanitizer forbids what the request or the answer holds (403).
    ContentBlocked,
    /// A plugin refused the request (403, or the status that it states).
    PluginRefused,
    /// The request cannot be put to a provider that speaks another API (400).
    NotTranslatable,
    /// No provider serves the model (404).
    ModelNotFound,
    /// No such route (404).
    NotFound,
    /// The method does not fit the route (405).
    MethodNotAllowed,
    /// The body is over the limit (413).
    RequestTooLarge,
    /// The client was too slow to send its request (408).
    RequestTimeout,
    /// A limit of requests or tokens is reached (429).
    RateLimitExceeded,
    /// A budget has not enough left (429).
    BudgetExceeded,
    /// A budget wants a known price, and the model has none (403).
    PriceUnknown,
    /// What was spent so far cannot be read yet (503).
    BudgetUnavailable,
    /// No provider is configured that could answer (503).
    NoProvider,
    /// The provider refused our credential (502).
    UpstreamAuthentication,
    /// The provider said 429 (429).
    UpstreamRateLimit,
    /// The provider said the request is wrong (its own 4xx is passed on).
    UpstreamRejected,
    /// The provider failed with 5xx (its own status is passed on).
    UpstreamError,
    /// The connection to the provider could not be made (502).
    UpstreamConnect,
    /// The provider was too slow: connecting, first byte or between chunks (504).
    UpstreamTimeout,
    /// The provider broke off or sent something that is not HTTP (502).
    UpstreamProtocol,
    /// The provider answered with a redirect, which is never followed (502).
    UpstreamRedirect,
    /// The gateway was stopped before the call had ended (503).
    ShuttingDown,
    /// The sanitizer could not check what it must check (500).
    SanitizerFailed,
    /// A plugin failed that must not (500).
    PluginFailed,
    /// The gateway itself failed (500).
    Internal,
}

impl ErrorKind {
    /// Every kind, for tables and tests.
    pub const ALL: [Self; 29] = [
        Self::InvalidRequest,
        Self::ConflictingCredentials,
        Self::Authentication,
        Self::PermissionDenied,
        Self::ContentBlocked,
        Self::PluginRefused,
        Self::NotTranslatable,
        Self::ModelNotFound,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::RequestTooLarge,
        Self::RequestTimeout,
        Self::RateLimitExceeded,
        Self::BudgetExceeded,
        Self::PriceUnknown,
        Self::BudgetUnavailable,
        Self::NoProvider,
        Self::UpstreamAuthentication,
        Self::UpstreamRateLimit,
        Self::UpstreamRejected,
        Self::UpstreamError,
        Self::UpstreamConnect,
        Self::UpstreamTimeout,
        Self::UpstreamProtocol,
        Self::UpstreamRedirect,
        Self::ShuttingDown,
        Self::SanitizerFailed,
        Self::PluginFailed,
        Self::Internal,
    ];

    /// The stable code: a record's `error_kind` and the `code` of an error body.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::ConflictingCredentials => "conflicting_credentials",
            Self::Authentication => "authentication",
            Self::PermissionDenied => "permission_denied",
            Self::ContentBlocked => "content_blocked",
            Self::PluginRefused => "plugin_refused",
            Self::NotTranslatable => "not_translatable",
            Self::ModelNotFound => "model_not_found",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::RequestTooLarge => "request_too_large",
            Self::RequestTimeout => "request_timeout",
            Self::RateLimitExceeded => "rate_limit_exceeded",
            Self::BudgetExceeded => "budget_exceeded",
            Self::PriceUnknown => "price_unknown",
            Self::BudgetUnavailable => "budget_unavailable",
            Self::NoProvider => "no_provider",
            Self::UpstreamAuthentication => "upstream_authentication",
            Self::UpstreamRateLimit => "upstream_rate_limit",
            Self::UpstreamRejected => "upstream_rejected",
            Self::UpstreamError => "upstream_error",
            Self::UpstreamConnect => "upstream_connect",
            Self::UpstreamTimeout => "upstream_timeout",
            Self::UpstreamProtocol => "upstream_protocol",
            Self::UpstreamRedirect => "upstream_redirect",
            Self::ShuttingDown => "shutting_down",
            Self::SanitizerFailed => "sanitizer_failed",
            Self::PluginFailed => "plugin_failed",
            Self::Internal => "internal",
        }
    }

    /// The HTTP status that the gateway answers with when it is the one who speaks.
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidRequest | Self::ConflictingCredentials | Self::NotTranslatable => 400,
            Self::Authentication => 401,
            Self::PermissionDenied | Self::ContentBlocked | Self::PluginRefused | Self::PriceUnknown => 403,
            Self::ModelNotFound | Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::RequestTimeout => 408,
            Self::RequestTooLarge => 413,
            Self::UpstreamRateLimit | Self::RateLimitExceeded | Self::BudgetExceeded => 429,
            Self::SanitizerFailed | Self::PluginFailed | Self::Internal => 500,
            Self::UpstreamAuthentication
            | Self::UpstreamRejected
            | Self::UpstreamError
            | Self::UpstreamConnect
            | Self::UpstreamProtocol
            | Self::UpstreamRedirect => 502,
            Self::NoProvider | Self::BudgetUnavailable | Self::ShuttingDown => 503,
            Self::UpstreamTimeout => 504,
        }
    }

    /// True when the gateway refused the request itself, before any provider was asked.
    pub const fn is_refusal(self) -> bool {
        matches!(
            self,
            Self::InvalidRequest
                | Self::ConflictingCredentials
                | Self::Authentication
                | Self::PermissionDenied
                | Self::ContentBlocked
                | Self::PluginRefused
                | Self::NotTranslatable
                | Self::ModelNotFound
                | Self::NotFound
                | Self::MethodNotAllowed
                | Self::RequestTooLarge
                | Self::RequestTimeout
                | Self::RateLimitExceeded
                | Self::BudgetExceeded
                | Self::PriceUnknown
                | Self::BudgetUnavailable
                | Self::NoProvider
        )
    }

    /// Reads the stable code back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}
