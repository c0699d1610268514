//! The vocabulary: which words stand for which measure, dimension, value or shape.
//!
//! Words of the trade only; names come from the database, times from the calendar. The first phrase of a quantity or
//! a dimension is the one that sentences are made of.

use super::{
    BoundOp as B, Dimension as D, Quantity as Q, Statistic as S, View as V,
    senses::{Entry, Sense as W, entry},
};

/// The vocabulary.
pub(super) const WORDS: &[&[Entry]] = &[MEASURES, RATIOS, OTHER_VIEWS, DIMENSIONS, VALUES, SHAPES, JOINTS];

const MEASURES: &[Entry] = &[
    entry(
        "cost|total cost|spend|spending|expenditure|expense|bill|invoice|billed cost|price|money|usd|dollar|buck|price tag|spend amount",
        W::Quantity(Q::Cost),
    ),
    entry(
        "spent|charge|charged|pay|paid|paying|burn|burnt|burned|burning|burn through|burned through|burning through|went through",
        W::Verb(Q::Cost),
    ),
    entry("costed|costing", W::Verb(Q::Cost)),
    entry(
        "provider reported cost|provider cost|reported cost|cost reported by provider|cost reported by the provider",
        W::Quantity(Q::ProviderCost),
    ),
    entry(
        "cache savings|saving|saved cost|cost saved|cost avoided|avoided cost|cost savings|savings from the cache|savings from cache",
        W::Quantity(Q::Saved),
    ),
    entry("save|saved|saving us|avoid|avoided", W::Save),
    entry(
        "requests|request|call|api call|query|traffic|volume|invocation|completion|hit|request count|call count|number of requests|number of calls|request volume|traffic volume|llm call|llm request|inference|record|prompt count|api request",
        W::Quantity(Q::Requests),
    ),
    entry("used|use|using|hammering|hammered|popular|sending|sent|made|make|calling|called", W::Verb(Q::Requests)),
    entry("usage|consumption|utilization|utilisation", W::Usage),
    entry(
        "requests of unknown price|unknown price|unpriced request|unpriced|request without a price|request without a known price|unknown cost|without a price|no known price|had no known price|have no known price|without known price|have no price|had no price|no price|without price",
        W::Quantity(Q::UnknownPrice),
    ),
    entry(
        "successful requests|ok request|success|succeeded|succeed|successful call|successful|requests that succeeded",
        W::Quantity(Q::Ok),
    ),
    entry(
        "errors|error|failure|failed request|failed call|failed query|broken request|unsuccessful request|erroring|errored",
        W::Quantity(Q::Errors),
    ),
    entry("fail|failed|failing|broke|broken|break|erred", W::Fail),
    entry(
        "refused requests|refused|refusal|refuse|blocked request|blocked|block|rejected request|rejected|reject|rejection|denied request|denied|deny|denial|turned away|blocked call|rejected call",
        W::Quantity(Q::Refused),
    ),
    entry(
        "client disconnects|client disconnect|disconnect|disconnected|client disconnected|cancelled|canceled|cancellation|aborted|abort|abandoned|hung up|hang up|client left|cancelled by the client|cancelled by client|canceled by the client|canceled by client|aborted by the client|aborted by client|disconnected by the client|gave up|cancelled request|canceled request|aborted request|client cancelled|client hung up",
        W::Quantity(Q::Disconnects),
    ),
    entry(
        "failovers|failover|failed over|fail over|fallback|fell back|fall back|mitigated request|hidden by failover|hidden by failovers|masked by failover|saved by failover|rescued by failover|recovered by failover|rescued|recovered after failure|saved by fallback|hidden by fallback|rescued by fallback",
        W::Quantity(Q::Failovers),
    ),
    entry("retries|retry|retried|re-tried", W::Quantity(Q::Retries)),
    entry(
        "cache hits|cache hit|cached request|cached response|cached answer|served from cache|served from the cache|answered from cache|answered from the cache|came from the cache|came from cache|hits of the cache",
        W::Quantity(Q::CacheHits),
    ),
    entry("cache misses|cache miss|missed the cache", W::Quantity(Q::CacheMisses)),
    entry(
        "active requesters|active requester|active user|unique user|distinct user|unique requester|distinct requester|unique client|unique caller|number of users|number of requesters|active client|unique app|active app|dau|mau|active people",
        W::Quantity(Q::ActiveRequesters),
    ),
    entry(
        "active projects|active project|unique project|distinct project|number of projects",
        W::Quantity(Q::ActiveProjects),
    ),
    entry("active teams|active team|unique team|distinct team|number of teams", W::Quantity(Q::ActiveTeams)),
    entry("active keys|active key|unique key|distinct key|number of keys|active api key", W::Quantity(Q::ActiveKeys)),
    entry(
        "active models|active model|unique model|distinct model|number of models|different model",
        W::Quantity(Q::ActiveModels),
    ),
    entry(
        "active providers|active provider|unique provider|distinct provider|number of providers|different provider",
        W::Quantity(Q::ActiveProviders),
    ),
    entry("sessions|distinct session|unique session|number of sessions", W::Quantity(Q::Sessions)),
    entry(
        "tokens|token|tok|toks|token usage|token consumption|total token|token count|token volume|tokens used",
        W::Quantity(Q::Tokens),
    ),
    entry(
        "input tokens|input token|prompt token|tokens in|input|context token|request token|tokens sent|prompt size",
        W::Quantity(Q::InputTokens),
    ),
    entry(
        "output tokens|output token|completion token|tokens out|output|generated token|response token|answer token|tokens generated|tokens produced|tokens written",
        W::Quantity(Q::OutputTokens),
    ),
    entry(
        "cached input tokens|cached token|cached input|cache read token|cache read|prompt cache token|cached prompt token|cache-read token|tokens read from cache|prompt cache read",
        W::Quantity(Q::CacheReadTokens),
    ),
    entry(
        "cache write tokens|cache write|cache-write token|tokens written to cache|prompt cache write",
        W::Quantity(Q::CacheWriteTokens),
    ),
    entry("reasoning tokens|reasoning token|thinking token|reasoning output", W::Quantity(Q::ReasoningTokens)),
    entry(
        "latency|latencies|response time|duration|total time|request time|end to end latency|e2e latency|processing time|response latency|took|take|taken|request duration|request latency|how long",
        W::Quantity(Q::Latency),
    ),
    entry(
        "time to first token|ttft|first token|first token latency|first-token latency|time to the first token|first token time|time-to-first-token|start latency",
        W::Quantity(Q::Ttft),
    ),
    entry(
        "throughput|tokens per second|tok/s|tokens/s|tokens / s|tps|tokens/sec|generation speed|output speed|tokens a second|tokens/second|token rate|output tokens per second",
        W::Quantity(Q::Throughput),
    ),
    entry(
        "request bytes|request size|body size|request body size|bytes sent|payload size",
        W::Quantity(Q::RequestBytes),
    ),
    entry("response bytes|response size|answer size|bytes received|response body size", W::Quantity(Q::ResponseBytes)),
];

const RATIOS: &[Entry] = &[
    entry(
        "burn rate|spend rate|spending rate|cost per day|daily burn|daily burn rate|run rate|cost rate|average daily cost|average daily spend|avg daily cost|avg daily spend|mean daily cost|mean daily spend|average cost per day|average spend per day|avg cost per day|avg spend per day|average spend a day|average cost a day|average cost each day",
        W::Quantity(Q::BurnRate),
    ),
    entry(
        "cost per request|cost per call|spend per request|spend per call|average cost per request|price per request|cost of a request|cost of a call|cost/request|request cost|cost per query|price per call|average request cost|cost a request|cost per completion",
        W::Quantity(Q::CostPerRequest),
    ),
    entry(
        "cost per 1k tokens|cost per thousand tokens|price per 1k tokens|cost per 1000 tokens|price per thousand tokens|cost per ktok",
        W::Quantity(Q::CostPer1kTokens),
    ),
    entry(
        "cost per 1m tokens|cost per million tokens|price per million tokens|price per 1m tokens|cost per 1 million tokens|cost per mtok|cost per 1000000 tokens|spend per million tokens|price per mtok|token price|cost per token|cost/1m tokens|cost/1m|unit cost|effective token price",
        W::Quantity(Q::CostPer1mTokens),
    ),
    entry(
        "per million tokens|per 1m tokens|per million token|per 1 million tokens|per mtok|per 1m",
        W::Quantity(Q::CostPer1mTokens),
    ),
    entry("per thousand tokens|per 1k tokens|per 1000 tokens", W::Quantity(Q::CostPer1kTokens)),
    entry(
        "cost per active requester|average cost per user|average spend per user|avg cost per user|avg spend per user|average cost per requester|cost per active user|spend per active user|average spend per requester|mean cost per user",
        W::Quantity(Q::CostPerRequester),
    ),
    entry(
        "tokens per request|tokens per call|token per request|average tokens|average token count|average tokens per request|tokens per query|avg tokens|average request tokens|mean tokens",
        W::Quantity(Q::TokensPerRequest),
    ),
    entry(
        "input tokens per request|prompt tokens per request|average prompt size|average input tokens|average prompt tokens|average input|average prompt length|average input tokens per request|avg input tokens|average context size|mean input tokens",
        W::Quantity(Q::InputTokensPerRequest),
    ),
    entry(
        "output tokens per request|completion tokens per request|average output tokens|average completion tokens|average output|average output tokens per request|average answer length|average response length|avg output tokens|mean output tokens",
        W::Quantity(Q::OutputTokensPerRequest),
    ),
    entry(
        "requests per minute|rpm|calls per minute|requests a minute|requests/min|queries per minute|average requests per minute",
        W::Quantity(Q::RequestsPerMinute),
    ),
    entry(
        "average requests per hour|requests per hour on average|average hourly requests|calls per hour on average|average calls per hour|average hourly calls",
        W::Quantity(Q::RequestsPerHour),
    ),
    entry(
        "average requests per day|requests per day on average|average daily requests|average calls per day|average daily calls|average daily traffic|avg requests per day|avg daily requests|mean requests per day",
        W::Quantity(Q::RequestsPerDay),
    ),
    entry(
        "tokens per minute|tpm|tokens a minute|tokens/min|average tokens per minute",
        W::Quantity(Q::TokensPerMinute),
    ),
    entry(
        "average tokens per day|average daily tokens|tokens per day on average|avg tokens per day|avg daily tokens|mean tokens per day|average daily token usage",
        W::Quantity(Q::TokensPerDay),
    ),
    entry(
        "error rate|failure rate|errors rate|rate of errors|rate of failures|failure ratio|error ratio|error percentage|failure percentage|reliability|unreliability|failed request rate",
        W::Quantity(Q::ErrorRate),
    ),
    entry("success rate|ok rate|success ratio|success percentage|rate of success", W::Quantity(Q::SuccessRate)),
    entry(
        "refusal rate|refused rate|block rate|rejection rate|rate of refusals|denial rate|blocked rate|reject rate",
        W::Quantity(Q::RefusedRate),
    ),
    entry(
        "disconnect rate|cancellation rate|abort rate|abandonment rate|client disconnect rate|cancel rate",
        W::Quantity(Q::DisconnectRate),
    ),
    entry(
        "cache hit rate|hit rate|cache hit ratio|hit ratio|caching rate|cache rate|cache efficiency|cache effectiveness|rate of cache hits|cache hit percentage|response cache hit rate",
        W::Quantity(Q::CacheHitRate),
    ),
    entry("failover rate|fallback rate|rate of failovers", W::Quantity(Q::FailoverRate)),
    entry(
        "projected month end cost|projected month end|projected month-end|month end projection|month-end projection|projected cost|projected spend|projected bill|projected spending|cost projection|spend projection|projection|forecast for this month|cost forecast for this month|month end forecast|end of month forecast|projected end of month|projected end of month cost|estimated bill|estimated month end|expected bill|month end estimate|forecast this month|forecasted month end|spend forecast for this month|projected total",
        W::Quantity(Q::Projection),
    ),
];

const OTHER_VIEWS: &[Entry] = &[
    entry(
        "upstream calls|upstream call|attempts|attempt|provider call|upstream request|provider attempt|upstream attempt",
        W::Quantity(Q::Attempts),
    ),
    entry(
        "failed attempts|failed attempt|failed upstream call|attempts that failed|upstream failure|upstream error|provider error|provider failure|failed provider call|attempt failure|attempt error",
        W::Quantity(Q::FailedAttempts),
    ),
    entry(
        "attempt failure rate|attempt error rate|upstream error rate|upstream failure rate|provider error rate|provider failure rate",
        W::Quantity(Q::AttemptFailureRate),
    ),
    entry("attempt latency|upstream latency|attempt duration|upstream response time", W::Quantity(Q::AttemptLatency)),
    entry(
        "findings|finding|sanitizer finding|sanitizer hit|sanitization finding|sensitive data finding|detection|detected",
        W::Quantity(Q::Findings),
    ),
    entry(
        "requests with findings|request with finding|request with a finding|flagged request",
        W::Quantity(Q::RequestsWithFindings),
    ),
    entry("redacted|redaction", W::Value(D::FindingAction, &["redact"])),
    entry("masked", W::Value(D::FindingAction, &["mask"])),
    entry("incidents|incident|outage", W::Quantity(Q::Incidents)),
    entry("incident duration|duration of incident|outage duration|incident length", W::Quantity(Q::IncidentDuration)),
    entry(
        "impacted requests|impacted request|affected request|requests affected|requests impacted|requests hit by incident|request hit by incident",
        W::Quantity(Q::ImpactedRequests),
    ),
    entry("open|ongoing|unresolved|active incident", W::Value(D::IncidentState, &["open"])),
    entry("closed|resolved", W::Value(D::IncidentState, &["closed"])),
    entry(
        "customer impacting|customer-impacting|impacting|customer facing|customer-facing",
        W::Value(D::Impact, &["customer_impacting"]),
    ),
    entry("mitigated", W::Value(D::Impact, &["mitigated"])),
    entry("notice|notices", W::Value(D::Impact, &["notice"])),
    entry(
        "routing drops|routing drop|dropped candidate|removed candidate|candidates dropped|candidates removed",
        W::Quantity(Q::RoutingDrops),
    ),
    entry("requests with routing drops|routing decision", W::Quantity(Q::RequestsWithDrops)),
    entry(
        "drop|dropped|remove|removed|skip|skipped|ruled out|rule out|filtered out|filter out|excluded by|took out|take out|eliminate|eliminated|discard|discarded|dropping",
        W::Dropped,
    ),
    entry("routing|router|routing layer|routing layers|routed", W::Dropped),
    entry("layer 1|policy layer|layer one|routing layer 1|routing policy|first layer", W::Value(D::Layer, &["policy"])),
    entry("layer 2|capability layer|layer two|routing layer 2|second layer", W::Value(D::Layer, &["capability"])),
    entry("layer 3|availability layer|layer three|routing layer 3|third layer", W::Value(D::Layer, &["availability"])),
    entry("layer 4|score layer|scoring layer|layer four|routing layer 4|fourth layer", W::Value(D::Layer, &["score"])),
    entry("layer 5|selection layer|layer five|routing layer 5|fifth layer", W::Value(D::Layer, &["selection"])),
    entry("signals|signal|feedback|feedback signal", W::Quantity(Q::Signals)),
    entry(
        "signal score|feedback score|quality score|mean signal score|signals score|average signal score|average feedback score|average quality score|score of signals|mean feedback score|average signal|average feedback",
        W::Quantity(Q::SignalScore),
    ),
    entry("budget|budgets", W::Budget),
    entry("spent budget|budget spent|spent of the budget|budget spend", W::Quantity(Q::BudgetSpent)),
    entry("budget limit|limit of the budget|size of the budget|budget size|budget amount", W::Quantity(Q::BudgetLimit)),
    entry(
        "remaining budget|budget remaining|budget left|left of the budget|left in the budget|budget headroom|budget room|unspent budget|remaining of the budget|available budget",
        W::Quantity(Q::BudgetRemaining),
    ),
    entry(
        "budget usage|budget utilization|budget utilisation|budget used|used budget|budget consumption|share of budget used|budget usage ratio|budget consumed",
        W::Quantity(Q::BudgetUsed),
    ),
    entry(
        "close to|closest to|near|nearest to|nearing|approaching|about to hit|about to exceed|over its|over their|over budget|close to hitting|closest to hitting|running out of|exceeding",
        W::CloseTo,
    ),
    entry("left|remaining|remain|headroom", W::Left),
];

const DIMENSIONS: &[Entry] = &[
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

const VALUES: &[Entry] = &[
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

const SHAPES: &[Entry] = &[
    entry("average|avg|mean|on average|averaged|typical", W::Statistic(S::Mean)),
    entry("median|p50|50th percentile|medians", W::Statistic(S::P50)),
    entry("p90|90th percentile|p 90", W::Statistic(S::P90)),
    entry("p95|95th percentile|95 percentile|p 95", W::Statistic(S::P95)),
    entry("p99|99th percentile|99 percentile|p 99|tail", W::Statistic(S::P99)),
    entry("maximum|max|peak|worst case", W::Statistic(S::Max)),
    entry("minimum|min|best case", W::Statistic(S::Min)),
    entry(
        "total|sum|overall|combined|aggregate|in total|altogether|sum of|all in all|in all|grand total",
        W::Statistic(S::Total),
    ),
    entry(
        "most|highest|biggest|largest|greatest|heaviest|maximal|more|leading|main|number one",
        W::Superlative(true, None),
    ),
    entry("least|lowest|smallest|fewest|lightest|less", W::Superlative(false, None)),
    entry("best", W::Best(true)),
    entry("worst", W::Best(false)),
    entry(
        "slowest|slow|longest|laggiest|slower|sluggish|most latent|slowest responding",
        W::Superlative(true, Some(Q::Latency)),
    ),
    entry("fastest|fast|quickest|quick|faster|quicker|shortest|speediest", W::Superlative(false, Some(Q::Latency))),
    entry(
        "most expensive|priciest|costliest|expensive|costly|pricey|pricy|most costly|highest spending|biggest spending|highest spend",
        W::Superlative(true, Some(Q::Cost)),
    ),
    entry("cheapest|cheap|least expensive|cheaper|most affordable|least costly", W::Superlative(false, Some(Q::Cost))),
    entry(
        "busiest|busy|most used|most popular|most active|most frequent|most called|used the most|used most|most requested|heaviest user|most heavily used|most common",
        W::Superlative(true, Some(Q::Requests)),
    ),
    entry(
        "least used|quietest|least popular|least active|least frequent|rarest|least common",
        W::Superlative(false, Some(Q::Requests)),
    ),
    entry("most reliable|most stable|least unreliable|most dependable", W::Superlative(false, Some(Q::ErrorRate))),
    entry(
        "least reliable|most unreliable|flakiest|unreliable|flaky|least stable|most error prone|most error-prone|error prone",
        W::Superlative(true, Some(Q::ErrorRate)),
    ),
    entry("top", W::Top(true)),
    entry("bottom", W::Top(false)),
    entry(
        "by|broken down by|break down by|breakdown by|grouped by|group by|split by|segmented by|sliced by|for each|for every|across all|across|broken out by|separated by|aggregated by|each|every|among|amongst|breakdown per|split per|ranked by|rank by|sorted by|sort by|ordered by|order by|split between|divided by|according to|in terms of|based on",
        W::By,
    ),
    entry("per|/", W::Per),
    entry(
        "except|except for|excluding|exclude|exclud|excl|other than|besides|apart from|aside from|minus|ignoring|ignore|but not|not|non|not counting|not including|leaving out|leave out|everything but|everyone but|all but|omitting|omit|without counting|not on|not from|not using|not for|not in|not by|not via|isnt|not to|arent|wasnt|werent|no longer",
        W::Not,
    ),
    entry(
        "without|without a|without an|without any|with no|have no|has no|having no|had no|no|missing|lacking|that have no|not set",
        W::Without,
    ),
    entry("only|just|solely|exclusively|alone|nothing but", W::Only),
    entry(
        "what share|what percentage|what percent|what fraction|what proportion|what portion|what part|how much percent|share|percentage|percent|proportion|fraction|portion|as a percentage|as percentage|as a share|as percent|as a percent|in percent|percentage of|share of|as shares|as a fraction|as a proportion|%|percentage wise|relative share|what %|percentages",
        W::Share,
    ),
    entry(
        "goes to|go to|going to|went to|comes from|come from|came from|is from|is due to|due to|attributable to|attributed to|accounted for by|account for|accounts for|accounted for|is spent on|spent on|was spent on|are|is|was|were|belongs to|belong to|ended in|ended with|ends in|end in|end with",
        W::Link,
    ),
    entry(
        "compare|comparing|comparison|comparison of|comparison between|compare between|difference between|side by side|head to head|how does|how do",
        W::Compare,
    ),
    entry(
        "vs|versus|v|compared to|compared with|against|relative to|in comparison to|in comparison with|vs.|as opposed to|compare to|compare with|compares to|compares with|than|over against",
        W::Versus,
    ),
    entry(
        "compared to the previous period|compared to previous period|vs the previous period|vs previous period|versus the previous period|compared with the previous period|against the previous period|vs prior period|compared to the prior period|vs the prior period|period over period|pop|with the previous period|compared to before|vs before|than before|compared with before|vs the period before|than the previous period|versus previous period|compared with previous period",
        W::AgainstPrevious,
    ),
    entry(
        "the week before|the month before|the day before|the quarter before|the year before|week before|month before|day before|the previous period|previous period|the period before|the one before|the previous one|the prior period|the week prior|the month prior|week before that|month before that|the previous week|the previous month",
        W::Before,
    ),
    entry(
        "grew|grow|grown|growth|increase|increased|rise|rose|risen|went up|go up|gone up|going up|jump|jumped|spike|spiked|surge|surged|climb|climbed|up|more expensive|growing|increasing|rising|go higher|higher|shoot up|shot up|explode|exploded|double|doubled",
        W::Change(Some(true)),
    ),
    entry(
        "fell|fall|fallen|shrank|shrink|shrunk|decrease|decreased|decline|declined|went down|go down|gone down|going down|dip|dipped|down|reduction|reduced|decreasing|falling|declining|lower",
        W::Change(Some(false)),
    ),
    entry("change|changed|changes|delta|difference|differ|move|moved|changing|evolution", W::Change(None)),
    entry(
        "why|how come|what drove|what is driving|what's driving|whats driving|what caused|drivers of|driver of|drivers|driver|what explains|explain|what made|root cause|reason for|reasons for|what's behind|what is behind|whats behind|what changed|driving|drove|contributed to|contributors to|contributor",
        W::Why,
    ),
    entry("cumulative|running total|cumulatively|accumulated|running sum|accumulating|cumulated", W::Cumulative),
    entry(
        "trend|trended|trending|trends|over time|timeline|time series|timeseries|evolve|evolved|developed|develop|history of|history|historical|progression|how has|through time",
        W::Trend,
    ),
    entry("which|what|whats|what're|which of", W::Which),
    entry(
        "how many|number of|count of|count|how often|how many times|amount of|no of|num|tally|# of|#|frequency of|number",
        W::HowMany,
    ),
    entry("how much|how high|how large|how big|what amount|how low|how good|how bad", W::HowMuch),
    entry("when did|when was|when were|when has|when is|when", W::WhenWas),
    entry(
        "list|list all|list of|show me the|show the|show all|give me the|see the|display the|pull up the|find|find the|find all|which were the|get the|open the|let me see the|details of|detail of|raw|log of|logs of",
        W::List,
    ),
    entry("latest|newest|most recent|recent|last", W::Latest(true)),
    entry("earliest|oldest|very first|first", W::Latest(false)),
    entry(
        "log|logs|trace|traces|individual requests|raw requests|single requests|request log|request logs|rows|transactions",
        W::Rows(V::Requests),
    ),
];

const JOINTS: &[Entry] = &[
    entry("and|&|+|,|;|as well as|plus|along with|together with|and also|x|×|then by", W::And),
    entry("or", W::Or),
    entry(
        "more than|over|above|greater than|exceeding|exceeded|exceed|exceeds|longer than|slower than|larger than|bigger than|higher than|>|upwards of|in excess of|beyond|that exceed|more expensive than|costing more than|took longer than|took more than",
        W::Bound(B::Above),
    ),
    entry("at least|no less than|not less than|>=|minimum of|min of|or more than|from at least", W::Bound(B::AtLeast)),
    entry(
        "less than|under|below|fewer than|shorter than|faster than|smaller than|lower than|<|cheaper than|quicker than",
        W::Bound(B::Below),
    ),
    entry("at most|no more than|not more than|up to|<=|maximum of|max of|no longer than", W::Bound(B::AtMost)),
    entry("=|==|equal to|equals|exactly|is exactly|equal", W::Bound(B::Equal)),
    entry("also|too|as well|additionally|in addition|add", W::Also),
    entry(
        "what about|how about|and what about|and how about|what of|how is it for|now for|now|same for|same but|the same for|same thing for|do the same for|same question for|and for|now show|instead|switch to|change to|make it|make that|try|rather|ok and|okay and",
        W::WhatAbout,
    ),
    entry("it|that|those|these|them|this|same|the same|such|one|ones|that one", W::Same),
    entry(
        "will|will be|end of the month|end of month|month end|month-end|by the end of the month|by month end|at the end of the month|by the end of this month|end of this month|eom",
        W::Projected,
    ),
    entry("the first is the answer|of which the first is the answer", W::FirstRow),
    entry(
        "caused it|caused that|caused this|caused them|caused those|is responsible|was responsible|is to blame|was to blame|caused the|is behind it|was behind it|responsible for it|responsible for that|responsible|cause|causes|causing",
        W::Caused,
    ),
    entry(STOP, W::Stop),
];

const STOP: &str = "active|tagged|labelled|labeled|found|caught|known|the|a|an|of|for|in|on|at|to|from|with|within|via|through|is|are|was|were|be|been|being|am|do|does|did|done|have|has|had|having|there|'s|'re|'ve|'m|'d|we|us|our|ours|i|me|my|mine|you|your|they|their|theirs|he|she|his|her|its|please|pls|plz|kindly|thanks|thank you|hey|hi|hello|yo|ok|okay|so|well|um|uh|like|can you|could you|would you|can|could|would|should|show|show me|show us|give|give me|give us|tell|tell me|tell us|display|see|get|fetch|pull|pull up|provide|present|report|print|plot|chart|graph|draw|visualize|visualise|let me know|let me see|let us|i want|i want to know|i want to see|i need|i need to know|i would like|i'd like|want|need|know|wonder|wondering|curious|looking for|look at|look|breakdown|break down|breakdown of|broken down|split|overview|summary|summary of|figure|figures|statistic|statistics|stat|stats|data|number|numbers|info|information|metric|metrics|value|values|all|any|every one|everyone|everybody|anyone|anybody|somebody|someone|each one|everything|anything|really|actually|currently|exactly|roughly|approximately|about|around|approx|far|already|still|yet|much|many|lot|lots|a lot|lot of|often|frequently|usually|how|if|whether|as|but|though|however|while|also want|went|go|goes|going|come|comes|came|coming|got|getting|have got|run|running|ran|set|seen|happen|happened|happening|occur|occurred|occuring|took place|experience|experienced|see any|serve|served|serving|handle|handled|handling|process|processed|processing|answered|answer|answers|send|receive|received|generate|generated|produce|produced|produces|consume|consumed|consumes|consuming|incur|incurred|associated|related|based|generated by|done by|issued|issue|our own|company|organisation|organization|org|gateway|llm gateway|ai|llms|genai|system|platform wide|here|in the system|responsible for|that are|that were|that was|that had|that have|which are|which were|which had|which have|who had|who have|with the|with a|with an|having the|has the|have the|had the|the whole|whole|entire|period|the period|time|times|period of time|window|time period|timeframe|time frame|range|respectively|ranked|rank|ranking|sorted|ordered|list me|grouped|group|rate|level|count them|separately|individually|different|various|certain|specific|particular|given|following|kind of|sort of|type of|the kind|the type|amount|amounts|size|quantity|up to now|until now|till now|to us|per se|out|off|into|onto|upon|his|hers|itself|themselves|ourselves|due|because|it's|i'm|were there|is there|are there|have there been|has there been|money on|quickly|again|ever|question|questions|?|!|.|:|(|)|[|]|{|}|\"|'|-|_|…|*|~|`|^|@|…";
