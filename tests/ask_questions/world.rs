//! A seeded world to ask questions of: a year of records, with what hand-written SQL needs to say what is right.

use std::{borrow::Cow, path::Path, sync::Arc};

use llm_gateway::{
    analytics::ask::{Purse, Surroundings},
    config::Strategy,
    domain::{
        Action, Api, Attempt, CacheState, Category, Direction, ErrorKind, Finding, Microcents, Outcome, Record,
        RecordId, Timestamp, Usage,
    },
    routing::{Availability, Candidate, Capability, Facts, Merits, Need, Profile, Rule, Trace, decide},
    store::Store,
};
use sqlx::{Connection as _, SqliteConnection};

use crate::store::{bare_record, text};

/// Wednesday.
pub(super) const NOW: &str = "2026-11-18T14:30:00Z";
const DAY_US: i64 = 86_400_000_000;
const RECORDS: u64 = 2_600;

/// Model, provider, price of a token in units of 15 microcents; one has no known price.
const MODELS: [(&str, &str, Option<u64>); 10] = [
    ("claude-opus-4-1", "anthropic", Some(7_400)),
    ("claude-sonnet-4-5", "anthropic", Some(1_430)),
    ("claude-haiku-4-5", "anthropic", Some(410)),
    ("gpt-5", "openai", Some(1_170)),
    ("gpt-5-mini", "openai", Some(230)),
    ("gpt-4o", "azure", Some(990)),
    ("gemini-2.5-pro", "gemini", Some(860)),
    ("gemini-2.5-flash", "gemini", Some(190)),
    ("deepseek-chat", "deepseek", Some(57)),
    ("llama3:8b", "local", None),
];
const PROJECTS: [&str; 7] = ["checkout", "support-bot", "search", "mobile-app", "data-pipeline", "test", ""];
const SOURCES: [&str; 7] = ["web-frontend", "nightly-batch", "vscode-ext", "slack-bot", "etl-worker", "jane", ""];
const TEAMS: [&str; 5] = ["alpha", "beta", "platform", "research", ""];
const KEYS: [&str; 5] = ["alpha-prod", "alpha-dev", "beta-prod", "ci-runner", ""];

/// A small generator: the same numbers for the same seed, for ever.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mixed = (self.0 ^ (self.0 >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        mixed ^ (mixed >> 29)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.roll() % end
    }

    fn percent(&mut self, share: u64) -> bool {
        self.below(100) < share
    }

    fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        // The first are met more often.
        let most = list.len() as u64;
        let at = self.below(most).min(self.below(most));
        list[usize::try_from(at).unwrap()]
    }
}

/// Fills a store, and puts beside the records what only the seed knows.
pub(super) async fn fill(store: &Store, database: &Path, seed: u64) -> Surroundings {
    let now = Timestamp::parse(NOW).unwrap().unix_us;
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut drops: Vec<(i64, &str, &str)> = Vec::new();
    for number in 0..RECORDS {
        let at = moment(&mut dice, now, number);
        let mut record = record(&mut dice, at);
        if dice.percent(30) {
            let away = ["anthropic", "openai", "gemini"][usize::try_from(dice.below(3)).unwrap()];
            let is_forbidden = dice.percent(30);
            record.route = Some(route(at, away, is_forbidden));
            drops.push((at, if is_forbidden { "policy" } else { "availability" }, away));
        }
        store.recorder.import(record);
        if number % 400 == 0 {
            store.recorder.flush().await.unwrap();
        }
    }
    store.recorder.flush().await.unwrap();
    let surroundings = surroundings(&mut dice);
    let mut database = SqliteConnection::connect(&format!("sqlite://{}", database.display())).await.unwrap();
    sqlx::query("CREATE TABLE gold_drops (at INTEGER, layer TEXT, provider TEXT)")
        .execute(&mut database)
        .await
        .unwrap();
    sqlx::query("CREATE TABLE gold_purses (scope TEXT, owner TEXT, spent INTEGER, cap INTEGER)")
        .execute(&mut database)
        .await
        .unwrap();
    for (at, layer, provider) in drops {
        let insert = sqlx::query("INSERT INTO gold_drops VALUES (?, ?, ?)").bind(at).bind(layer).bind(provider);
        insert.execute(&mut database).await.unwrap();
    }
    for purse in &surroundings.purses {
        let insert = sqlx::query("INSERT INTO gold_purses VALUES (?, ?, ?, ?)");
        let insert = insert
            .bind(&purse.scope)
            .bind(purse.owner.clone())
            .bind(purse.spent_microcents)
            .bind(purse.limit_microcents);
        insert.execute(&mut database).await.unwrap();
    }
    sqlx::query("DELETE FROM incidents").execute(&mut database).await.unwrap();
    for number in 0..24 {
        let opened = now - i64::try_from(dice.below(50 * 86_400)).unwrap() * 1_000_000 - number;
        let impact = ["customer_impacting", "mitigated", "notice"][usize::try_from(number % 3).unwrap()];
        let kind = ["provider_down", "timeouts", "rate_limited"][usize::try_from(dice.below(3)).unwrap()];
        sqlx::query(
            "INSERT INTO incidents (id, kind, provider, subject, impact, opened_at, last_seen_at, closed_at, reopened,
             impacting, mitigated, notices) VALUES (?, ?, 'openai', '', ?, ?, ?, ?, 0, 3, 2, 1)",
        )
        .bind(format!("inc_{seed}_{number}"))
        .bind(kind)
        .bind(impact)
        .bind(opened)
        .bind(opened + 60_000_000)
        .bind(opened + 120_000_000)
        .execute(&mut database)
        .await
        .unwrap();
    }
    database.close().await.unwrap();
    surroundings
}

/// In the middle of a minute of the last year, most of it lately; one day has no traffic.
fn moment(dice: &mut Dice, now: i64, number: u64) -> i64 {
    let minutes = match number % 10 {
        0..=1 => dice.below(37 * 60),
        2..=5 => dice.below(30 * 24 * 60),
        6..=7 => dice.below(100 * 24 * 60),
        _ => dice.below(345 * 24 * 60),
    };
    let at = now - i64::try_from(minutes + 1).unwrap() * 60_000_000 + 7_000_000 + i64::try_from(number).unwrap();
    let is_silent = (now - at) / DAY_US == 9;
    if is_silent { at - 30 * DAY_US } else { at }
}

fn some(value: &str) -> Option<Arc<str>> {
    if value.is_empty() { None } else { text(value) }
}

fn record(dice: &mut Dice, at: i64) -> Record {
    let (model, provider, price) = {
        let at = dice.below(10).min(dice.below(12));
        MODELS[usize::try_from(at).unwrap()]
    };
    let key = dice.pick(&KEYS);
    let stream = dice.percent(45);
    let outcome = match dice.below(100) {
        0..=5 => Outcome::Error,
        6..=10 => Outcome::Refused,
        11..=13 => Outcome::ClientDisconnected,
        _ => Outcome::Ok,
    };
    let is_hit = outcome == Outcome::Ok && dice.percent(8);
    let called = outcome != Outcome::Refused && !is_hit;
    let slowness = 300 + 170 * MODELS.iter().position(|(_, other, _)| *other == provider).unwrap() as u64;
    let slow = if dice.percent(7) { 25_000 } else { 0 };
    let latency_us = slowness * (1_000 + dice.below(9_000) + slow) / 2;
    let most_input = if dice.percent(10) { 120_000 } else { 8_000 };
    let usage = if called && outcome != Outcome::Error {
        Usage {
            input: Some(200 + dice.below(most_input)),
            cache_read: Some(dice.below(2_000)),
            cache_write_5m: Some(dice.below(300)),
            output: Some(20 + dice.below(1_800)),
            reasoning: Some(dice.below(400)),
            ..Usage::default()
        }
    } else {
        Usage::default()
    };
    let tokens = usage.input_tokens().unwrap_or(0) + usage.output_tokens().unwrap_or(0);
    let cost = if called {
        price.map(|price| Microcents(i64::try_from(15 * price * tokens).unwrap()))
    } else {
        Some(Microcents(0))
    };
    let leaks = outcome == Outcome::Refused && dice.percent(40);
    let jitter_us = dice.below(80_000);
    let mut attempts = Vec::new();
    if called {
        let failed_before = dice.percent(6);
        if failed_before {
            let other = ["openai", "anthropic", "gemini"][usize::try_from(dice.below(3)).unwrap()];
            attempts.push(attempt(dice, other, at, Outcome::Error, None));
        }
        let ended = if outcome == Outcome::Error { Outcome::Error } else { Outcome::Ok };
        attempts.push(attempt(dice, provider, at, ended, cost));
    }
    Record {
        id: RecordId::new(),
        started_at: Timestamp { unix_us: at },
        project: some(dice.pick(&PROJECTS)),
        source: some(dice.pick(&SOURCES)),
        team: some(dice.pick(&TEAMS)),
        key_id: some(key).map(|key| Arc::from(format!("key_{key}"))),
        key_label: some(key),
        tags: if dice.percent(50) {
            vec![("env".into(), dice.pick(&["prod", "staging", "dev"]).into())]
        } else {
            Vec::new()
        },
        model_requested: text(model),
        provider: if called { text(provider) } else { None },
        model: if outcome == Outcome::Refused { None } else { text(model) },
        provider_api: called.then_some(Api::OpenaiChat),
        stream,
        status: Some(if outcome == Outcome::Error { 502 } else { 200 }),
        outcome,
        error_kind: match outcome {
            Outcome::Error => attempts.last().and_then(|attempt| attempt.error_kind),
            Outcome::Refused if leaks => Some(ErrorKind::ContentBlocked),
            Outcome::Refused => Some(ErrorKind::RateLimitExceeded),
            _ => None,
        },
        cache: match (is_hit, dice.below(3)) {
            (true, _) => CacheState::Hit,
            (_, 0) => CacheState::Miss,
            _ => CacheState::Bypass,
        },
        latency_us,
        ttft_us: (stream && outcome == Outcome::Ok).then_some(latency_us / 5 + jitter_us),
        usage,
        cost,
        saved: is_hit.then(|| price.map(|price| Microcents(i64::try_from(price * 900).unwrap()))).flatten(),
        findings: if leaks || dice.percent(4) {
            let category = if leaks || dice.percent(50) { Category::Credentials } else { Category::Pii };
            vec![Finding {
                direction: Direction::Request,
                rule: "rule".into(),
                kind: "AWS_KEY".into(),
                category,
                place: "messages[0].content".into(),
                action: if leaks { Action::Block } else { Action::Redact },
                count: 1,
            }]
        } else {
            Vec::new()
        },
        attempts,
        ..bare_record()
    }
}

fn attempt(dice: &mut Dice, provider: &str, at: i64, outcome: Outcome, cost: Option<Microcents>) -> Attempt {
    const KINDS: [ErrorKind; 4] = [
        ErrorKind::UpstreamError,
        ErrorKind::UpstreamTimeout,
        ErrorKind::UpstreamRateLimit,
        ErrorKind::UpstreamConnect,
    ];
    let failed = outcome == Outcome::Error;
    let kind = KINDS[usize::try_from(dice.below(4).min(dice.below(4))).unwrap()];
    Attempt {
        provider: provider.into(),
        model: text("m"),
        provider_api: Api::OpenaiChat,
        started_at: Timestamp { unix_us: at + 1_000 },
        latency_us: 20_000,
        ttft_us: None,
        status: (!failed).then_some(200),
        outcome,
        error_kind: failed.then_some(kind),
        provider_request_id: None,
        usage: Usage::default(),
        cost,
    }
}

/// A decision that passed over `away`.
fn route(at: i64, away: &str, is_forbidden: bool) -> Arc<[u8]> {
    let candidate = |provider: &str| Candidate {
        provider: Cow::Owned(provider.to_owned()),
        model: Some(Cow::Borrowed("m")),
        tier: 0,
        priority: 1,
        weight: 1,
        forbidden: None,
        local: false,
        capability: Capability::default(),
        availability: Availability::default(),
        merits: Merits::default(),
    };
    let mut passed_over = candidate(away);
    if is_forbidden {
        passed_over.forbidden = Some(llm_gateway::routing::Forbidden::Provider);
    } else {
        passed_over.availability.open_until_us = Some(at + 60_000_000);
    }
    let facts = Facts {
        rule: Rule::KnownModel,
        at_us: at,
        need: Need::default(),
        profile: Profile::balanced(),
        strategy: Strategy::Priority,
        sticky: false,
        turn: 0,
        dice: 0,
        candidates: vec![candidate("deepseek"), passed_over],
    };
    Trace::write(&facts, &decide(&facts), (None, None), None).into()
}

fn surroundings(dice: &mut Dice) -> Surroundings {
    let keys = KEYS.into_iter().filter(|key| !key.is_empty());
    let key_labels = keys.clone().map(|key| (format!("key_{key}"), key.to_owned())).collect();
    let mut purse = |scope: &str, owner: &str| Purse {
        name: format!("{scope} {owner}"),
        scope: scope.to_owned(),
        owner: Some(owner.to_owned()),
        period: "month".to_owned(),
        limit_microcents: 50_000_000_000,
        spent_microcents: i64::try_from(1 + dice.below(49_000_000_000)).unwrap(),
    };
    // One key has no budget.
    let mut purses: Vec<Purse> = keys.take(3).map(|key| purse("key", key)).collect();
    purses.extend(["checkout", "search"].map(|project| purse("project", project)));
    Surroundings { key_labels, purses }
}

/// Views that gold statements are written over, so that each says only what it asks.
pub(super) async fn gold_connection(database: &Path) -> SqliteConnection {
    let mut connection = SqliteConnection::connect(&format!("sqlite://{}", database.display())).await.unwrap();
    let name = |column: &str| format!("coalesce({column}, '(none)') AS {column}");
    let named = ["project", "source", "team", "provider", "model", "error_kind"].map(name).join(", ");
    let sum = |columns: &[&str]| columns.iter().map(|c| format!("coalesce({c}, 0)")).collect::<Vec<_>>().join(" + ");
    let tokens_in = sum(&["input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens"]);
    let tokens_out = sum(&["output_tokens", "reasoning_tokens"]);
    let view = format!(
        "CREATE TEMP VIEW r AS SELECT seq, started_at AS at, {named}, stream, outcome, cache, latency_us, ttft_us,
         cost_microcents / 1e8 AS cost, saved_microcents, {tokens_in} AS tokens_in, {tokens_in} + {tokens_out} AS tokens
         FROM records"
    );
    sqlx::query(sqlx::AssertSqlSafe(view)).execute(&mut connection).await.unwrap();
    let attempts = "CREATE TEMP VIEW a AS SELECT started_at AS at, provider, outcome, error_kind FROM attempts";
    sqlx::query(attempts).execute(&mut connection).await.unwrap();
    connection
}
