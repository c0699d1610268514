//! Who uses the demo gateway, for what and when: the one cast of the synthetic history and of the
//! live traffic.

use crate::domain::{Api, Endpoint};

/// A virtual key of the demo.
#[derive(Clone, Copy, Debug)]
pub(super) struct DemoKey {
    /// The key that clients send.
    pub(super) key: &'static str,
    /// Its label.
    pub(super) label: &'static str,
    /// Its team.
    pub(super) team: &'static str,
    /// The project that it fixes.
    pub(super) project: &'static str,
    /// Models it may use; empty means all.
    pub(super) models: &'static [&'static str],
}

/// When a project is busy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rhythm {
    /// People at work: weekdays, by day.
    Office,
    /// The public: every day, with a long evening.
    Public,
    /// A job that runs in the small hours.
    Night,
    /// A job that runs around the clock.
    Steady,
}

/// One use of the gateway: a kind of request that a project sends again and again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Workload {
    /// Project.
    pub(super) project: &'static str,
    /// Requesters that send it.
    pub(super) sources: &'static [&'static str],
    /// The virtual key's place in [`KEYS`]; `None` sends no key.
    pub(super) key: Option<usize>,
    /// Endpoint.
    pub(super) endpoint: Endpoint,
    /// Provider id.
    pub(super) provider: &'static str,
    /// Model.
    pub(super) model: &'static str,
    /// Whether answers are streamed.
    pub(super) stream: bool,
    /// Typical input and output, in tokens.
    pub(super) tokens: (u64, u64),
    /// Share of the input that the provider's prompt cache holds, when it holds any.
    pub(super) cached: f64,
    /// Requests on a normal weekday.
    pub(super) per_day: f64,
    /// When.
    pub(super) rhythm: Rhythm,
    /// What live traffic asks.
    pub(super) prompts: &'static [&'static str],
}

impl Workload {
    /// The API that is spoken on both sides.
    pub(super) const fn api(&self) -> Api {
        self.endpoint.api()
    }
}

/// The virtual keys.
pub(super) const KEYS: [DemoKey; 5] = [
    DemoKey {
        key: "demo-key-support",
        label: "Support bot",
        team: "customer-care",
        project: "support-bot",
        models: &["gpt-4o-mini", "claude-haiku-4-5-20251001"],
    },
    DemoKey { key: "demo-key-review", label: "Code review", team: "engineering", project: "code-review", models: &[] },
    DemoKey {
        key: "demo-key-docs",
        label: "Docs assistant",
        team: "engineering",
        project: "docs-assistant",
        models: &[],
    },
    DemoKey { key: "demo-key-search", label: "Search index", team: "platform", project: "search-index", models: &[] },
    DemoKey { key: "demo-key-data", label: "Invoices", team: "data", project: "invoice-extraction", models: &[] },
];

const SUPPORT: [&str; 4] = [
    "My parcel has not arrived. What can I do?",
    "How do I change the address of my order?",
    "The app says my card was declined. Why?",
    "Can I return shoes that I wore once?",
];
const REVIEW: [&str; 3] = [
    "Review this change: the retry loop now sleeps between attempts.",
    "Is this migration safe to run while the service is up?",
    "Suggest names for a type that holds a request's cost.",
];
const DOCS: [&str; 3] = [
    "How do I rotate an API key?",
    "What does error 429 mean and what should my client do?",
    "Show me a minimal streaming client in Python.",
];
const INVOICES: [&str; 2] = [
    "Extract number, date and total from: Invoice 2026-1187, 3 November, EUR 1,204.50.",
    "Extract the supplier and the due date from: ACME Ltd, payable within 30 days of 12 October.",
];
const PLAY: [&str; 4] = [
    "Write a haiku about proxies.",
    "Explain backpressure to a child.",
    "Compare three ways to store time series.",
    "What is the capital of Iceland?",
];
const TEXTS: [&str; 2] = ["A long article about lighthouses.", "Product description: a folding bicycle."];

const fn work(
    project: &'static str,
    key: Option<usize>,
    endpoint: Endpoint,
    at: (&'static str, &'static str),
) -> Workload {
    Workload {
        project,
        sources: &["web"],
        key,
        endpoint,
        provider: at.0,
        model: at.1,
        stream: true,
        tokens: (800, 200),
        cached: 0.0,
        per_day: 100.0,
        rhythm: Rhythm::Office,
        prompts: &PLAY,
    }
}

/// Everything that goes on.
pub(super) const WORKLOADS: [Workload; 14] = [
    Workload {
        sources: &["web-widget", "mobile-app"],
        tokens: (1400, 140),
        cached: 0.6,
        per_day: 330.0,
        rhythm: Rhythm::Public,
        prompts: &SUPPORT,
        ..work("support-bot", Some(0), Endpoint::ChatCompletions, ("demo-openai", "gpt-4o-mini"))
    },
    Workload {
        sources: &["web-widget", "mobile-app"],
        tokens: (1900, 210),
        cached: 0.7,
        per_day: 190.0,
        rhythm: Rhythm::Public,
        prompts: &SUPPORT,
        ..work("support-bot", Some(0), Endpoint::Messages, ("demo-anthropic", "claude-haiku-4-5-20251001"))
    },
    Workload {
        sources: &["ci", "editor"],
        tokens: (9000, 700),
        cached: 0.8,
        per_day: 150.0,
        prompts: &REVIEW,
        ..work("code-review", Some(1), Endpoint::Messages, ("demo-anthropic", "claude-sonnet-4-5-20250929"))
    },
    Workload {
        sources: &["ci"],
        tokens: (7000, 500),
        cached: 0.5,
        per_day: 45.0,
        prompts: &REVIEW,
        ..work("code-review", Some(1), Endpoint::Messages, ("demo-anthropic", "claude-sonnet-4-20250514"))
    },
    Workload {
        sources: &["editor"],
        tokens: (3500, 900),
        cached: 0.4,
        per_day: 60.0,
        prompts: &REVIEW,
        ..work("code-review", Some(1), Endpoint::Responses, ("demo-openai", "gpt-5"))
    },
    Workload {
        sources: &["docs-site"],
        tokens: (2600, 260),
        cached: 0.5,
        per_day: 130.0,
        rhythm: Rhythm::Public,
        prompts: &DOCS,
        ..work("docs-assistant", Some(2), Endpoint::Responses, ("demo-openai", "gpt-5-mini"))
    },
    Workload {
        sources: &["docs-site", "slack-app"],
        tokens: (2200, 300),
        per_day: 55.0,
        prompts: &DOCS,
        ..work("docs-assistant", Some(2), Endpoint::ChatCompletions, ("demo-openai", "gpt-4o"))
    },
    Workload {
        sources: &["indexer"],
        stream: false,
        tokens: (620, 0),
        per_day: 170.0,
        rhythm: Rhythm::Night,
        prompts: &TEXTS,
        ..work("search-index", Some(3), Endpoint::Embeddings, ("demo-openai", "text-embedding-3-small"))
    },
    Workload {
        sources: &["indexer"],
        stream: false,
        tokens: (580, 0),
        per_day: 60.0,
        rhythm: Rhythm::Night,
        prompts: &TEXTS,
        ..work("search-index", Some(3), Endpoint::Embeddings, ("demo-local", "nomic-embed-text"))
    },
    Workload {
        sources: &["airflow"],
        stream: false,
        tokens: (1800, 110),
        per_day: 120.0,
        rhythm: Rhythm::Steady,
        prompts: &INVOICES,
        ..work("invoice-extraction", Some(4), Endpoint::GenerateContent, ("demo-gemini", "gemini-2.5-flash"))
    },
    Workload {
        sources: &["airflow"],
        stream: false,
        tokens: (2400, 150),
        per_day: 50.0,
        rhythm: Rhythm::Steady,
        prompts: &INVOICES,
        ..work("invoice-extraction", Some(4), Endpoint::ChatCompletions, ("demo-openai", "gpt-4o-mini"))
    },
    Workload {
        sources: &["ada-laptop", "linus-laptop", "grace-laptop"],
        tokens: (500, 380),
        per_day: 70.0,
        ..work("playground", None, Endpoint::ChatCompletions, ("demo-local", "llama3.2:3b"))
    },
    Workload {
        sources: &["ada-laptop", "linus-laptop"],
        tokens: (900, 420),
        per_day: 45.0,
        ..work("playground", None, Endpoint::ChatCompletions, ("demo-local", "qwen2.5-coder:7b"))
    },
    Workload {
        sources: &["grace-laptop"],
        tokens: (1100, 600),
        per_day: 25.0,
        ..work("playground", None, Endpoint::StreamGenerateContent, ("demo-gemini", "gemini-2.5-pro"))
    },
];

/// How busy a project is in one hour of the week, 1 being its mean on a normal weekday.
///
/// `hour` is that of the day in UTC, `weekday` counts from 0 for Monday.
pub(super) const fn busyness(rhythm: Rhythm, weekday: u32, hour: u32) -> f64 {
    let is_weekend = weekday >= 5;
    match rhythm {
        Rhythm::Office => match (is_weekend, hour) {
            (true, 8..=19) => 0.15,
            (false, 7 | 18 | 19) => 1.2,
            (false, 8 | 12 | 17) => 2.1,
            (false, 9..=11 | 13..=16) => 2.9,
            _ => 0.05,
        },
        Rhythm::Public => {
            let day = match hour {
                0..=5 => 0.25,
                6..=8 => 0.8,
                9..=16 => 1.3,
                17..=21 => 1.7,
                _ => 0.7,
            };
            if is_weekend { day * 0.8 } else { day }
        }
        Rhythm::Night => match hour {
            1..=3 => 7.0,
            4 => 2.5,
            _ => 0.02,
        },
        Rhythm::Steady => {
            if is_weekend {
                0.6
            } else {
                1.0
            }
        }
    }
}
