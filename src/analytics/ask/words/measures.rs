//! What is measured.

use super::super::{
    Dimension as D, Quantity as Q,
    senses::{Entry, Sense as W, entry},
};

pub(super) const MEASURES: &[Entry] = &[
    entry(
        "cost|total cost|spend|spending|expenditure|expense|bill|invoice|billed cost|price paid|money|usd|dollar|buck|price tag|spend amount",
        W::Quantity(Q::Cost),
    ),
    entry(
        "spent|charge|charged|pay|paid|paying|burn|burnt|burned|burning|burn through|burned through|burning through|went through|waste|wasted",
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
        "cache hits|cache hit|cached request|cached response|cached answer|served from cache|served from the cache|answered from cache|answered from the cache|hits of the cache|cached call|cached completion|response cache hit",
        W::Quantity(Q::CacheHits),
    ),
    entry(
        "cached|came from the cache|came from cache|come from the cache|came out of the cache|read from the cache|read from cache|read from the prompt cache|read from prompt cache|taken from the cache|prompt cached|prompt-cached|were in the cache",
        W::Cached,
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
        "input tokens|input token|prompt token|input|context token|request token|tokens sent|prompt size",
        W::Quantity(Q::InputTokens),
    ),
    entry(
        "output tokens|output token|completion token|output|generated token|response token|answer token|tokens generated|tokens produced|tokens written",
        W::Quantity(Q::OutputTokens),
    ),
    entry(
        "cached input tokens|cached token|cached input|cache read token|cache read|prompt cache token|cached prompt token|cache-read token|tokens read from cache|tokens read from the cache|tokens read from the prompt cache|prompt cache read|prompt cache hit token|cached prompt|cached context",
        W::Quantity(Q::CacheReadTokens),
    ),
    entry(
        "cache write tokens|cache write|cache-write token|tokens written to cache|tokens written to the cache|tokens written to the prompt cache|prompt cache write",
        W::Quantity(Q::CacheWriteTokens),
    ),
    entry("reasoning tokens|reasoning token|thinking token|reasoning output", W::Quantity(Q::ReasoningTokens)),
    entry(
        "latency|latencies|response time|duration|total time|request time|end to end latency|e2e latency|processing time|response latency|took|take|taken|lasted|lasting|request duration|request latency|how long",
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

pub(super) const RATIOS: &[Entry] = &[
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
        "cost per 1m tokens|cost per million tokens|price per million tokens|price per 1m tokens|cost per 1 million tokens|cost per mtok|cost per 1000000 tokens|spend per million tokens|price per mtok|token price|cost per token|cost/1m tokens|cost/1m|unit cost|effective token price|price|list price",
        W::Quantity(Q::CostPer1mTokens),
    ),
    entry(
        "per million tokens|per 1m tokens|per million token|per 1 million tokens|per mtok|per 1m|per token",
        W::PerMany(Q::CostPer1mTokens),
    ),
    entry("per thousand tokens|per 1k tokens|per 1000 tokens|per ktok", W::PerMany(Q::CostPer1kTokens)),
    entry(
        "per request|per call|per query|per api call|per llm call|per completion|per single request|for each request|for each call|for one request|for one call",
        W::PerMany(Q::CostPerRequest),
    ),
    entry(
        "cost per 1k requests|cost per 1000 requests|cost per thousand requests|cost per 1000 calls|cost per 1k calls|cost per thousand calls|cost per 1000 queries",
        W::Quantity(Q::CostPer1kRequests),
    ),
    entry(
        "cost per 1m requests|cost per million requests|cost per 1 million requests|cost per million calls|cost per 1m calls",
        W::Quantity(Q::CostPer1mRequests),
    ),
    entry(
        "per million requests|per 1m requests|per 1 million requests|per million calls|per 1m calls",
        W::PerMany(Q::CostPer1mRequests),
    ),
    entry(
        "per 1k requests|per 1000 requests|per thousand requests|per 1 thousand requests|per 1000 calls|per 1k calls|per thousand calls|per 1000 queries|per 1k queries|per thousand queries|for 1000 requests|for every 1000 requests|per 1000 api calls",
        W::PerMany(Q::CostPer1kRequests),
    ),
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
        "requests per minute|rpm|calls per minute|requests a minute|requests/min|queries per minute|average requests per minute|request rate|call rate|traffic rate|rate of requests|rate of calls|query rate",
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

pub(super) const OTHER_VIEWS: &[Entry] = &[
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
