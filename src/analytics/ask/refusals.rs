//! Questions that are declined by what they ask for: orders, secrets, what nobody recorded, the future.
//!
//! Word lists, on purpose: what is refused here never reaches a model.

use super::{
    DeclineKind, Declined,
    tokens::{Token, TokenKind},
};

/// Words that change something when a sentence begins with them.
const ORDERS: [&str; 34] = [
    "drop",
    "delete",
    "update",
    "insert",
    "alter",
    "truncate",
    "create",
    "grant",
    "revoke",
    "attach",
    "detach",
    "pragma",
    "vacuum",
    "reindex",
    "replace",
    "remove",
    "erase",
    "wipe",
    "purge",
    "reset",
    "rotate",
    "disable",
    "enable",
    "execute",
    "exec",
    "rename",
    "modify",
    "destroy",
    "overwrite",
    "kill",
    "restart",
    "shutdown",
    "set",
    "import",
];

/// What may stand before such a word without making it a question.
const POLITE: [&str; 33] = [
    "please", "pls", "now", "then", "and", "also", "just", "can", "could", "would", "will", "you", "i", "want", "to",
    "need", "us", "let", "lets", "'s", "me", "go", "ahead", "first", "next", "kindly", "so", "ok", "okay", "hey", "yo",
    "finally", "must",
];

/// Pieces of SQL and of the database's inside.
const SQL: [&str; 28] = [
    "sqlite_",
    "drop table",
    "drop view",
    "drop index",
    "drop the",
    "insert into",
    "delete from",
    "delete all",
    "truncate table",
    "alter table",
    "create table",
    "create view",
    "union select",
    "union all",
    "attach database",
    "load_extension",
    "information_schema",
    "select *",
    "select * from",
    "select count",
    "pragma_",
    "or 1=1",
    "or '1'='1",
    "' or '",
    "; --",
    "';",
    "readfile(",
    "writefile(",
];

/// Attempts to give orders to whoever reads.
const INJECTIONS: [&str; 26] = [
    "ignore your",
    "ignore all previous",
    "ignore previous",
    "ignore the previous",
    "ignore all",
    "ignore the above",
    "ignore any",
    "ignore instructions",
    "disregard",
    "forget your",
    "forget all",
    "forget previous",
    "forget everything",
    "system prompt",
    "your instructions",
    "your prompt",
    "you are now",
    "act as",
    "pretend",
    "jailbreak",
    "developer mode",
    "override your",
    "bypass the",
    "new instructions",
    "reveal your",
    "admin mode",
];

/// Things that nobody may see, in whatever question.
const SECRETS: [&str; 30] = [
    "password",
    "passwords",
    "passwd",
    "passphrase",
    "key hash",
    "key hashes",
    "hash of",
    "hashes",
    "secret key",
    "secret keys",
    "private key",
    "private keys",
    "master key",
    "encryption key",
    "admin token",
    "bearer token",
    "session cookie",
    "session cookies",
    "session token",
    "cookies",
    "api secret",
    "client secret",
    "environment variable",
    "environment variables",
    "env vars",
    "provider key",
    "provider keys",
    "plaintext",
    "key value",
    "key values",
];

/// Words of secrets that are harmless where something is measured about them.
const KEYS: [&str; 12] = [
    "key",
    "keys",
    "secret",
    "secrets",
    "credential",
    "credentials",
    "api-key",
    "api-keys",
    "hash",
    "cookie",
    "vault",
    "certificate",
];

/// Verbs that ask to be shown something.
const SHOWS: [&str; 20] = [
    "show", "list", "give", "print", "reveal", "dump", "tell", "export", "get", "display", "read", "send", "leak",
    "output", "return", "expose", "email", "share", "decrypt", "whats",
];

/// What is not recorded: its words, why, and what can be asked instead.
const UNRECORDED: [(&[&str], &str, &[&str]); 8] = [
    (
        &[
            "happy",
            "happier",
            "happiness",
            "satisfied",
            "satisfaction",
            "satisfying",
            "sentiment",
            "nps",
            "csat",
            "mood",
            "unhappy",
            "frustrated",
            "delighted",
            "like our",
            "enjoy",
            "complain",
            "complaints",
            "complained",
        ],
        "how satisfied people are is not recorded, only the signals that were given",
        &["average signal score by model", "signals by model"],
    ),
    (
        &[
            "ask about",
            "asked about",
            "asking about",
            "asks about",
            "talk about",
            "talking about",
            "talked about",
            "topic",
            "topics",
            "prompt text",
            "prompt content",
            "prompts say",
            "prompts contain",
            "content of the prompt",
            "content of prompts",
            "conversation content",
            "said in",
            "wrote in",
            "write about",
            "writing about",
            "chatting about",
            "discuss",
            "discussing",
            "discussed",
            "what questions",
            "which questions",
            "common question",
            "common questions",
            "the text of",
            "the prompts",
            "the answers say",
            "message content",
            "contents of",
            "the wording",
            "keywords",
            "users ask",
            "people ask",
            "asked the most",
            "actual prompt",
            "actual prompts",
            "read the prompt",
            "show me prompts",
            "show prompts",
            "what did they ask",
            "what people ask",
        ],
        "the text of prompts and answers is not seen by analytics",
        &["requests by project", "requests by model"],
    ),
    (
        &[
            "accuracy",
            "accurate",
            "correctness",
            "hallucinate",
            "hallucinated",
            "hallucination",
            "hallucinations",
            "correct answers",
            "right answers",
            "good answers",
            "bad answers",
            "answer quality",
            "quality of the answers",
            "quality of answers",
            "smartest",
            "most intelligent",
            "helpful",
        ],
        "whether answers are right is not recorded, only the signals that were given",
        &["average signal score by model"],
    ),
    (
        &[
            "country",
            "countries",
            "region",
            "regions",
            "city",
            "cities",
            "geography",
            "location",
            "locations",
            "ip address",
            "ip addresses",
            "continent",
        ],
        "where requests come from is not recorded, only the requester, project, team and key",
        &["requests by requester"],
    ),
    (
        &[
            "revenue",
            "profit",
            "profits",
            "margin",
            "roi",
            "return on investment",
            "earn",
            "earned",
            "income",
            "conversion rate",
        ],
        "what is earned is not recorded, only what is spent",
        &["cost by project"],
    ),
    (
        &["carbon", "co2", "emissions", "energy", "electricity", "footprint", "watt", "kwh"],
        "the use of energy is not recorded",
        &["tokens by model"],
    ),
    (
        &["cpu", "gpu", "memory usage", "ram", "disk usage", "disk space", "uptime", "server load", "bandwidth cost"],
        "the load of machines is not recorded here; the metrics have it",
        &["requests by hour today"],
    ),
    (
        &[
            "salary",
            "salaries",
            "weather",
            "stock price",
            "joke",
            "poem",
            "recipe",
            "translate",
            "meaning of life",
            "who are you",
            "your name",
            "write code",
            "write me",
        ],
        "only the gateway's own records can be asked",
        &["cost this month by model", "error rate today"],
    ),
];

const FORECAST: [&str; 17] = [
    "will we",
    "will it",
    "will our",
    "will the",
    "will i",
    "will cost",
    "will be",
    "forecast",
    "predict",
    "prediction",
    "predicted",
    "going to cost",
    "going to spend",
    "going to be",
    "expect to spend",
    "are we going to",
    "end of the year",
];

/// What keeps a question about the future answerable: the running month.
const THIS_MONTH: [&str; 7] =
    ["this month", "month end", "month-end", "end of month", "end of the month", "current month", "projected"];

/// Why a question must not be answered, if so.
pub(super) fn refusal(question: &str, tokens: &[Token]) -> Option<Declined> {
    let lower = question.to_lowercase();
    let words = spaced(tokens);
    let has = |list: &[&str]| list.iter().any(|phrase| words.contains(&format!(" {phrase} ")));
    if is_order(tokens) || SQL.iter().any(|piece| lower.contains(piece)) || has_select(tokens) {
        return Some(declined(
            DeclineKind::Forbidden,
            "Ask only reads: it changes nothing and runs no statement out of a question",
            &["cost this month", "requests yesterday by model"],
            None,
        ));
    }
    if INJECTIONS.iter().any(|piece| words.contains(&format!(" {piece} "))) {
        return Some(declined(
            DeclineKind::Forbidden,
            "a question cannot give other instructions",
            &["cost yesterday", "requests yesterday by model"],
            None,
        ));
    }
    if has(&SECRETS) && !is_about_findings(&words) {
        return Some(secrets());
    }
    let shows = tokens.iter().any(|token| token.is_any(&SHOWS))
        || words.starts_with(" what are ")
        || words.starts_with(" what is ")
        || words.starts_with(" what 's ");
    if shows && has(&KEYS) && !is_measured(tokens) && !is_about_findings(&words) {
        return Some(secrets());
    }
    for (phrases, reason, instead) in UNRECORDED {
        if has(phrases) {
            return Some(declined(DeclineKind::NotRecorded, reason, instead, None));
        }
    }
    (has(&FORECAST) && !has(&THIS_MONTH)).then(|| {
        declined(
            DeclineKind::Forecast,
            "there is no forecast beyond the running month",
            &["projected month end", "cost by month this year"],
            None,
        )
    })
}

fn declined(kind: DeclineKind, reason: &str, instead: &[&str], page: Option<&'static str>) -> Declined {
    let r#try = instead.iter().map(|text| (*text).to_owned()).collect();
    Declined { kind, reason: reason.to_owned(), r#try, page }
}

fn secrets() -> Declined {
    declined(
        DeclineKind::Forbidden,
        "keys and other secrets are not in reach of Ask; providers and keys have their own pages, which never show one again",
        &["cost by key", "requests by provider"],
        Some("/providers"),
    )
}

/// The words with one blank around each.
fn spaced(tokens: &[Token]) -> String {
    let mut words = " ".to_owned();
    for token in tokens {
        words.push_str(&token.text.to_lowercase());
        words.push(' ');
    }
    words
}

/// Whether a sentence or a part of it begins with an order.
fn is_order(tokens: &[Token]) -> bool {
    tokens.iter().enumerate().any(|(at, token)| {
        if token.kind == TokenKind::Quoted || !token.is_any(&ORDERS) {
            return false;
        }
        let led = tokens.get(..at).unwrap_or_default();
        let clause =
            led.iter().rposition(|before| before.is_any(&[";", ".", "!", "?", ":", ","])).map_or(0, |end| end + 1);
        let before = led.get(clause..).unwrap_or_default();
        // "Then", "and": the order may follow a question.
        let joint = before.iter().rposition(|word| word.is_any(&["then", "and"])).map_or(0, |end| end + 1);
        let is_polite = |words: &[Token]| words.iter().all(|word| word.is_any(&POLITE));
        let next = tokens.get(at + 1);
        let is_noun = next
            .is_none_or(|next| next.is_any(&["in", "of", "by", "rate", "?", "reason", "reasons", "limit", "count"]));
        let tail = before.get(joint..).unwrap_or_default();
        let follows_joint =
            joint > 0 && tail.is_empty() && !next.is_some_and(|next| next.is_any(&["errors", "requests"]));
        !is_noun && (is_polite(before) || (follows_joint && !is_verb_of_routing(led)))
    })
}

/// "How often did layer 3 skip and drop x" is a question.
fn is_verb_of_routing(before: &[Token]) -> bool {
    before.iter().any(|token| token.is_any(&["routing", "layer", "router"]))
}

/// `select … from …`
fn has_select(tokens: &[Token]) -> bool {
    let select = tokens.iter().position(|token| token.is("select"));
    select.is_some_and(|at| tokens.iter().skip(at).any(|token| token.is("from")))
}

/// Whether secrets are what the sanitizer found.
fn is_about_findings(words: &str) -> bool {
    [
        " leaked ",
        " leak ",
        " leaks ",
        " found ",
        " finding ",
        " findings ",
        " detected ",
        " redacted ",
        " blocked ",
        " block ",
        " masked ",
        " sanitizer ",
        " leaking ",
        " exposed ",
        " refused ",
        " caught ",
    ]
    .iter()
    .any(|word| words.contains(word))
}

/// Whether something is measured about keys.
fn is_measured(tokens: &[Token]) -> bool {
    tokens.iter().any(|token| {
        token.is_any(&[
            "cost",
            "costs",
            "spend",
            "spent",
            "spending",
            "requests",
            "request",
            "calls",
            "tokens",
            "token",
            "usage",
            "use",
            "used",
            "uses",
            "errors",
            "error",
            "rate",
            "latency",
            "budget",
            "budgets",
            "traffic",
            "many",
            "much",
            "expensive",
            "bill",
            "incidents",
            "top",
            "active",
            "most",
            "least",
            "money",
            "throughput",
            "percentage",
            "share",
            "closest",
        ])
    })
}
