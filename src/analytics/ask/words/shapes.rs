//! Statistics, ranks, comparisons, joints, and the words that say nothing.

use super::super::{
    BoundOp as B, Quantity as Q, Statistic as S, View as V,
    senses::{Entry, Sense as W, entry},
};

pub(super) const SHAPES: &[Entry] = &[
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
    entry(
        "highest first|largest first|most first|biggest first|most expensive first|descending|in descending order|desc",
        W::Superlative(true, None),
    ),
    entry(
        "lowest first|smallest first|least first|cheapest first|least expensive first|ascending|in ascending order|asc",
        W::Superlative(false, None),
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
    entry(
        "reliable|most reliable|most stable|least unreliable|most dependable",
        W::Superlative(false, Some(Q::ErrorRate)),
    ),
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
    entry("rate|ratio", W::Rate),
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
        "list|list all|list all the|show me all|show me all the|list of|show me the|show the|show all|give me the|see the|display the|pull up the|find|find the|find all|which were the|get the|open the|let me see the|details of|detail of|raw|log of|logs of",
        W::List,
    ),
    entry("latest|newest|most recent|recent|last", W::Latest(true)),
    entry("earliest|oldest|very first|first", W::Latest(false)),
    entry(
        "log|logs|trace|traces|individual requests|raw requests|single requests|request log|request logs|rows|transactions",
        W::Rows(V::Requests),
    ),
];

pub(super) const JOINTS: &[Entry] = &[
    entry("and|&|+|,|;|as well as|plus|along with|together with|and also|x|×|then by", W::And),
    entry("or", W::Or),
    entry(
        "more than|over|above|greater than|exceeding|exceeded|exceed|exceeds|longer than|slower than|larger than|bigger than|higher than|>|upwards of|in excess of|beyond|that exceed|more expensive than|costing more than|took longer than|took more than|took over|lasted over|lasting over|lasted longer than|lasted more than|taking over|taking longer than|taking more than|took above",
        W::Bound(B::Above),
    ),
    entry("at least|no less than|not less than|>=|minimum of|min of|or more than|from at least", W::Bound(B::AtLeast)),
    entry(
        "less than|under|below|fewer than|shorter than|faster than|smaller than|lower than|<|cheaper than|quicker than",
        W::Bound(B::Below),
    ),
    entry(
        "at most|no more than|not more than|up to|<=|maximum of|max of|no longer than|answered within|answered in under|completed within|finished within|served within|took within|done within|responded within",
        W::Bound(B::AtMost),
    ),
    entry("=|==|equal to|equals|exactly|is exactly|equal", W::Bound(B::Equal)),
    entry("also|too|as well|additionally|in addition|add", W::Also),
    entry(
        "what about|how about|and what about|and how about|what of|how is it for|now for|now|same for|same but|the same for|same thing for|do the same for|same question for|and for|now show|instead|switch to|change to|make it|make that|try|rather|ok and|okay and",
        W::WhatAbout,
    ),
    entry(
        "which one|which ones|which of them|which of these|which of those|it|that|those|these|them|this|same|the same|such|one|ones|that one",
        W::Same,
    ),
    entry(
        "will|will be|end of the month|end of month|month end|month-end|by the end of the month|by month end|at the end of the month|by the end of this month|end of this month|eom",
        W::Projected,
    ),
    entry("the first is the answer|of which the first is the answer", W::FirstRow),
    entry(
        "caused it|caused that|caused this|caused them|caused those|is responsible|was responsible|is to blame|was to blame|caused the|is behind it|was behind it|responsible for it|responsible for that|responsible|cause|causes|causing",
        W::Caused,
    ),
    entry("in ms|in milliseconds|in msec|in millis|in seconds|in secs|ms|milliseconds", W::Stop),
    entry(STOP, W::Stop),
];

const STOP: &str = "where|opened|distribution|distributed|active|tagged|labelled|labeled|found|caught|known|the|a|an|of|for|in|on|at|to|from|with|within|via|through|is|are|was|were|be|been|being|am|do|does|did|done|have|has|had|having|there|'s|'re|'ve|'m|'d|we|us|our|ours|i|me|my|mine|you|your|they|their|theirs|he|she|his|her|its|please|pls|plz|kindly|thanks|thank you|hey|hi|hello|yo|ok|okay|so|well|um|uh|like|can you|could you|would you|can|could|would|should|show|show me|show us|give|give me|give us|tell|tell me|tell us|display|see|get|fetch|pull|pull up|provide|present|report|print|plot|chart|graph|draw|visualize|visualise|let me know|let me see|let us|i want|i want to know|i want to see|i need|i need to know|i would like|i'd like|want|need|know|wonder|wondering|curious|looking for|look at|look|breakdown|break down|breakdown of|broken down|split|overview|summary|summary of|figure|figures|statistic|statistics|stat|stats|data|number|numbers|info|information|metric|metrics|value|values|all|any|every one|everyone|everybody|anyone|anybody|somebody|someone|each one|everything|anything|really|actually|currently|exactly|roughly|approximately|about|around|approx|far|already|still|yet|much|many|lot|lots|a lot|lot of|often|frequently|usually|how|if|whether|as|but|though|however|while|also want|went|go|goes|going|come|comes|came|coming|got|getting|have got|run|running|ran|set|seen|happen|happened|happening|occur|occurred|occuring|took place|experience|experienced|see any|serve|served|serving|handle|handled|handling|process|processed|processing|answered|answer|answers|send|receive|received|generate|generated|produce|produced|produces|consume|consumed|consumes|consuming|incur|incurred|associated|related|based|generated by|done by|issued|issue|our own|company|organisation|organization|org|gateway|llm gateway|ai|llms|genai|system|platform wide|here|in the system|responsible for|that are|that were|that was|that had|that have|which are|which were|which had|which have|who had|who have|with the|with a|with an|having the|has the|have the|had the|the whole|whole|entire|period|the period|time|times|period of time|window|time period|timeframe|time frame|range|respectively|ranked|rank|ranking|sorted|ordered|list me|grouped|group|level|count them|separately|individually|different|various|certain|specific|particular|given|following|kind of|sort of|type of|the kind|the type|amount|amounts|size|quantity|up to now|until now|till now|to us|per se|out|off|into|onto|upon|his|hers|itself|themselves|ourselves|due|because|it's|i'm|were there|is there|are there|have there been|has there been|money on|quickly|again|ever|question|questions|?|!|.|:|(|)|[|]|{|}|\"|'|-|_|…|*|~|`|^|@|…";
