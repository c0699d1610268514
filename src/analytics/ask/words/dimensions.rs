//! By what rows are grouped, and the values that need no database.

use super::super::{
    Dimension as D,
    senses::{Entry, Sense as W, entry},
};

pub(super) const DIMENSIONS: &[Entry] = &[
    entry("provider|vendor|backend|upstream|llm provider|model provider|ai provider", W::Dimension(D::Provider)),
    entry("model|llm|engine|model name|ai model", W::Dimension(D::Model)),
    entry("requested model|model requested|model asked for|model as requested", W::Dimension(D::ModelRequested)),
    entry("model family|family|families|model families", W::Dimension(D::Family)),
    entry("project|workspace", W::Dimension(D::Project)),
    entry(
        "requester|user|caller|client|app|source|application|developer|person|people|individual|service|consumer|x-source|spender",
        W::Dimension(D::Requester),
    ),
    entry("who|whose|whom", W::Who),
    entry("team|group|department|squad|org unit|business unit", W::Dimension(D::Team)),
    entry("key|api key|virtual key|key label|api-key|access key|gateway key", W::Dimension(D::Key)),
    entry("profile|routing profile", W::Dimension(D::Profile)),
    entry("session|conversation|session id|thread", W::Dimension(D::Session)),
    entry("endpoint|route|path|api endpoint|api route", W::Dimension(D::Endpoint)),
    entry("client api|api dialect|api format|dialect", W::Dimension(D::ClientApi)),
    entry("provider api|upstream api", W::Dimension(D::ProviderApi)),
    entry("outcome|status|result|request status|request outcome", W::Dimension(D::Outcome)),
    entry("http status|status code|http code|response code|http status code", W::Dimension(D::Status)),
    entry(
        "error kind|error type|error code|kind of error|type of error|kinds of error|types of error|what error|which error|what kind of error|what kinds of error|what type of error|what types of error|kind of failure|error reason|failure reason|failure type|failure kind|reason of failure|error class|error category|refusal reason|reason for refusal|reason|block reason|types of failure",
        W::Dimension(D::ErrorKind),
    ),
    entry("finish reason|stop reason|finish_reason", W::Dimension(D::FinishReason)),
    entry("cache state|cache status|cache result|cache outcome", W::Dimension(D::Cache)),
    entry("cache|response cache|caching", W::CacheWord),
    entry(
        "streamed or not|streaming flag|stream flag|streaming or not|streaming vs non streaming|streaming vs non-streaming|streaming mode",
        W::Dimension(D::Streamed),
    ),
    entry("failed over or not", W::Dimension(D::FailedOver)),
    entry("finding category|category of finding|sanitizer category|category", W::Dimension(D::FindingCategory)),
    entry(
        "finding kind|kind of finding|finding type|type of finding|sanitizer rule|kinds of finding|types of finding|what findings|sensitive data type",
        W::Dimension(D::FindingKind),
    ),
    entry("finding action|sanitizer action|action taken|action", W::Dimension(D::FindingAction)),
    entry("finding direction|direction", W::Dimension(D::FindingDirection)),
    entry(
        "incident kind|incident type|kind of incident|type of incident|kinds of incident|types of incident",
        W::Dimension(D::IncidentKind),
    ),
    entry("impact|severity|incident impact|incident severity", W::Dimension(D::Impact)),
    entry("incident state|state of incident|incident status", W::Dimension(D::IncidentState)),
    entry("incident subject|subject", W::Dimension(D::Subject)),
    entry("layer|which layer", W::Dimension(D::Layer)),
    entry("drop reason|reason of drop|reason for dropping|routing reason|why dropped", W::Dimension(D::DropReason)),
    entry("signal kind|kind of signal|signal type|type of signal|feedback kind", W::Dimension(D::SignalKind)),
    entry("signal origin|origin of signal|signal source", W::Dimension(D::SignalOrigin)),
    entry("task", W::Dimension(D::Task)),
    entry("budget scope|kind of budget|budget kind|budget type", W::Dimension(D::BudgetScope)),
    entry("budget owner|owner of budget", W::Dimension(D::BudgetOwner)),
    entry("budget period|period of budget", W::Dimension(D::BudgetPeriod)),
    entry("hour", W::Dimension(D::Hour)),
    entry("day|date|calendar day", W::Dimension(D::Day)),
    entry("week|calendar week", W::Dimension(D::Week)),
    entry("month|calendar month", W::Dimension(D::Month)),
    entry("quarter|calendar quarter", W::Dimension(D::Quarter)),
    entry("year|calendar year", W::Dimension(D::Year)),
    entry("hour of day|hour of the day|time of day|time of the day|hours of the day", W::Dimension(D::HourOfDay)),
    entry("weekday|day of week|day of the week|days of the week", W::Dimension(D::Weekday)),
    entry("hourly|hour by hour|an hour|every hour|each hour", W::Grain(D::Hour)),
    entry("daily|day by day|a day|day-by-day|every day|each day|per-day|day to day", W::Grain(D::Day)),
    entry("weekly|week by week|a week|every week|each week", W::Grain(D::Week)),
    entry("monthly|month by month|a month|every month|each month", W::Grain(D::Month)),
    entry("quarterly|every quarter|each quarter", W::Grain(D::Quarter)),
    entry("yearly|annual|annually|every year|each year", W::Grain(D::Year)),
];

pub(super) const VALUES: &[Entry] = &[
    entry("streaming|streamed|stream|streaming request|streamed request", W::Value(D::Streamed, &["true"])),
    entry(
        "non streaming|non-streaming|non streamed|non-streamed|unstreamed|not streamed|nonstreaming|buffered",
        W::Value(D::Streamed, &["false"]),
    ),
    entry("timeout|timed out|time out|timing out", W::Value(D::ErrorKind, &["upstream_timeout", "request_timeout"])),
    entry(
        "rate limited|rate-limited|rate limit|rate-limit|throttled|rate limiting|throttling|rate limit error|rate limit hit",
        W::Value(D::ErrorKind, &["rate_limit_exceeded", "upstream_rate_limit"]),
    ),
    entry(
        "over budget refusal|budget exceeded|exceeded budget|exceeded their budget|out of budget",
        W::Value(D::ErrorKind, &["budget_exceeded"]),
    ),
    entry(
        "content blocked|blocked content|compliance block|compliance gate",
        W::Value(D::ErrorKind, &["content_blocked"]),
    ),
    entry(
        "authentication error|auth error|authentication failure|auth failure|unauthorized|unauthenticated|bad key|invalid key|bad credential",
        W::Value(D::ErrorKind, &["authentication", "upstream_authentication"]),
    ),
    entry(
        "connection error|connect error|connection failure|unreachable",
        W::Value(D::ErrorKind, &["upstream_connect"]),
    ),
    entry("server error|5xx|5xxs|500s|5xx error|upstream 5xx", W::Value(D::Status, &["5xx"])),
    entry("client error|4xx|4xxs|4xx error", W::Value(D::Status, &["4xx"])),
    entry(
        "secret|credential|leak|leaked|leaking|exposed|leaked credential|leaked secret|credential finding|credential leak|leaked key|leaked api key|secrets found|credentials found|secret found|credential found|leaked password|leaked token|secret leak|exposed credential|exposed secret|leaking credentials|leaking secrets|credentials leaked|secrets leaked|containing secrets|containing credentials|with secrets|with credentials|secrets detected|credentials detected|detected secret|detected credential",
        W::Value(D::FindingCategory, &["credentials"]),
    ),
    entry(
        "pii|personal data|personally identifiable information|pii finding|personal information",
        W::Value(D::FindingCategory, &["pii"]),
    ),
    entry("custom pattern|custom rule|own pattern", W::Value(D::FindingCategory, &["custom"])),
    entry("human|by people|from people", W::Value(D::SignalOrigin, &["human"])),
    entry("automatic", W::Value(D::SignalOrigin, &["automatic"])),
    entry("unattributed|unassigned", W::Value(D::Project, &[""])),
];
