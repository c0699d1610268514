//! The pure rooms that every request passes: steering, metering, sanitizing, pricing. Figures are for comparing
//! one run with another on the same machine; nothing asserts them.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "criterion's macros make undocumented items"
)]

use std::{
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use llm_gateway::{
    analytics::ask::{Parsed, compile, examples, parse},
    catalog::{Catalog, PriceQuery},
    config::{self, Budget, BudgetTerms, LimitSet, Limits, LoadOptions, Sanitization, Scope},
    dialect::{
        steer,
        translate::{Dropped, Envelope, Stream, Target, read_request, write_request},
        usage_chunk::Filter,
    },
    domain::{Action, Api, Direction, Endpoint, Microcents, Timestamp, Usage},
    gateway::tally::{Framing, Tally},
    limits::{Budgets, Caller, LimitRules, Payer, Take, Taken},
    policy::{Inquiry, Policy},
    provider::{Egress, Health, Resolver},
    routing::{self, Moment, Need, Observed, Trace},
    sanitize::{Framing as StreamFraming, Guard, LOOK_BACK, RuleSet, Vault},
    store::Snapshot,
};

/// The gateway's own.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn request(bytes: usize) -> String {
    let text = "a plain sentence of a prompt, ".repeat(bytes / 30);
    format!(r#"{{"model":"gpt-4o","stream":true,"messages":[{{"role":"user","content":"{text}"}}]}}"#)
}

fn chunk() -> &'static str {
    concat!(
        r#"data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1795256627,"model":"gpt-4o","#,
        r#""service_tier":"default","system_fingerprint":null,"choices":[{"index":0,"delta":{"content":" word"},"#,
        r#""logprobs":null,"finish_reason":null}],"usage":null}"#,
        "\n\n"
    )
}

fn steering(c: &mut Criterion) {
    let mut group = c.benchmark_group("steer");
    for bytes in [1 << 10, 64 << 10] {
        let body = request(bytes);
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(format!("{bytes} B"), |b| {
            b.iter(|| steer::read(Endpoint::ChatCompletions, black_box(body.as_bytes())).unwrap());
        });
    }
    group.finish();
}

fn metering(c: &mut Criterion) {
    let mut group = c.benchmark_group("stream event");
    group.throughput(Throughput::Bytes(chunk().len() as u64));
    let mut tally = Tally::new(Api::OpenaiChat, Endpoint::ChatCompletions, Framing::Sse);
    group.bench_function("tally", |b| b.iter(|| tally.feed(black_box(chunk().as_bytes()))));
    let mut filter = Filter::default();
    let mut out = Vec::with_capacity(1024);
    group.bench_function("usage-chunk filter", |b| {
        b.iter(|| {
            out.clear();
            filter.feed(black_box(chunk().as_bytes()), &mut out);
        });
    });
    group.finish();
}

const APIS: [Api; 5] = [Api::OpenaiChat, Api::OpenaiResponses, Api::Anthropic, Api::Gemini, Api::Ollama];

/// Some turns of an agent with tools, 16 KiB of Chat Completions.
fn conversation() -> String {
    let mut turns = vec![serde_json::json!({"role": "system", "content": "You help with the code of this house."})];
    let mut number = 0;
    while turns.iter().map(|turn| turn.to_string().len()).sum::<usize>() < 15 << 10 {
        number += 1;
        let call =
            serde_json::json!({"name": "read_file", "arguments": r#"{"path": "src/main.rs", "lines": [1, 200]}"#});
        let id = format!("call_{number}");
        turns.extend([
            serde_json::json!({"role": "user", "content": format!("Question {number}: {}", CHAT.get(..400).unwrap())}),
            serde_json::json!({"role": "assistant", "tool_calls": [{"id": id, "type": "function", "function": call}]}),
            serde_json::json!({"role": "tool", "tool_call_id": id, "content": CHAT}),
            serde_json::json!({"role": "assistant", "content": "It opens the stores and joins the rooms."}),
        ]);
    }
    let parameters = serde_json::json!({"type": "object", "properties": {"path": {"type": "string"}}});
    let tool = serde_json::json!({"type": "function", "function": {"name": "read_file", "parameters": parameters}});
    serde_json::json!({"model": "m", "stream": true, "max_tokens": 1000, "messages": turns, "tools": [tool]})
        .to_string()
}

fn envelope() -> Envelope {
    Envelope {
        nonce: "0192".to_owned(),
        created: 1_795_256_627,
        model: "m".to_owned(),
        stream_usage: true,
        gemini_sse: true,
        ollama_generate: false,
        echo: None,
    }
}

fn translating(c: &mut Criterion) {
    let mut group = c.benchmark_group("translate");
    let body = conversation();
    for provider in APIS {
        let target = Target {
            client: Api::OpenaiChat,
            max_output_tokens: Some(4_096),
            is_openai: false,
            asks_for_usage: true,
            thinks_by_effort: false,
        };
        let translated = || {
            let mut dropped = Dropped::default();
            let request = read_request(Api::OpenaiChat, black_box(&body), &mut dropped).unwrap();
            write_request(provider, &request, &target, &mut dropped).unwrap()
        };
        group.bench_function(format!("a request of {} B into {provider:?}", body.len()), |b| b.iter(translated));
        print_quantiles(&format!("a request into {provider:?}"), translated);
    }
    for client in APIS {
        let begun = || {
            let (mut stream, mut out) = (Stream::new(Api::OpenaiChat, client, envelope()), Vec::new());
            stream.feed(chunk().as_bytes(), &mut out);
            (stream, out)
        };
        group.bench_function(format!("an event into {client:?}"), |b| {
            b.iter_batched_ref(
                begun,
                |(stream, out)| stream.feed(black_box(chunk().as_bytes()), out),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

/// Text as models write it, with nothing in it that a rule would find.
const CHAT: &str = include_str!("chat.txt");

fn sanitizing(c: &mut Criterion) {
    let actions = [("credentials", Action::Redact), ("pii", Action::Redact)];
    let actions = actions.map(|(name, action)| (name.to_owned(), action)).to_vec();
    let settings = Sanitization { enabled: true, actions, ..Sanitization::default() };
    let rules = RuleSet::compile(&settings).unwrap();
    let mut found = Vec::new();
    let mut group = c.benchmark_group("sanitize");
    for bytes in [4 << 10, 256 << 10] {
        let text = CHAT.repeat(bytes / CHAT.len() + 1);
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(format!("clean text, {bytes} B"), |b| {
            b.iter(|| rules.scan(Direction::Request, black_box(&text), 0, true, &mut found));
        });
    }
    let log: String = (0..4_000)
        .map(|n| {
            format!(
                "2026-11-21T09:{:02}:{:02}.{:03}Z INFO worker-{} took {} ms, status=200 bytes={} id=8812-{n}\n",
                n / 60 % 60,
                n % 60,
                n * 7 % 1_000,
                n % 16,
                n * 13 % 977,
                n * 7_919
            )
        })
        .collect();
    let settled = rules.scan(Direction::Request, &log, 0, true, &mut found);
    assert!(settled == log.len() && found.is_empty(), "the log is clean");
    group.throughput(Throughput::Bytes(log.len() as u64));
    group.bench_function("clean log, mostly digits", |b| {
        b.iter(|| rules.scan(Direction::Request, black_box(&log), 0, true, &mut found));
    });
    // One event: a delta of about 20 bytes behind what is kept and what is still open.
    let pending = CHAT.get(..LOOK_BACK + 20).unwrap();
    group.throughput(Throughput::Elements(1));
    group.bench_function("stream event", |b| {
        b.iter(|| rules.scan(Direction::Response, black_box(pending), LOOK_BACK - 12, false, &mut found));
    });
    assert!(found.is_empty());
    let rules = Arc::new(rules);
    let mut guard =
        Guard::new(Arc::clone(&rules), Arc::new(Vault::default()), Api::OpenaiChat, StreamFraming::Sse, true);
    let mut out = Vec::with_capacity(4 << 10);
    group.bench_function("stream event, all of it", |b| {
        b.iter(|| {
            out.clear();
            guard.feed(black_box(chunk().as_bytes()), &mut out);
        });
    });
    group.bench_function("compile all rules", |b| b.iter(|| RuleSet::compile(black_box(&settings)).unwrap()));
    group.finish();
}

fn pricing(c: &mut Criterion) {
    let catalog = Catalog::bundled(&[]);
    let usage = Usage { input: Some(1_000), cache_read: Some(5_000), output: Some(700), ..Usage::default() };
    let query = PriceQuery {
        provider_id: "openai",
        catalog_provider: Some("openai"),
        provider_pricing: None,
        model: "gpt-4o-2024-08-06",
        asked_model: Some("gpt-4o"),
        usage: &usage,
        at: Timestamp::now(),
        service_tier: None,
    };
    c.bench_function("price", |b| b.iter(|| catalog.price(black_box(&query))));
}

fn limiting(c: &mut Criterion) {
    let mut group = c.benchmark_group("limits");
    let (key, project): (Arc<str>, Arc<str>) = (Arc::from("key_1"), Arc::from("search"));
    let caller = Caller { key: Some(&key), project: Some(&project), ..Caller::default() };
    let set = LimitSet::from_json(r#"{"requests_per_minute": 1000000000, "tokens_per_day": 1000000000}"#, "").unwrap();
    let none = LimitRules::default();
    let each = vec![(Scope::Key, set.clone()), (Scope::Project, set.clone())];
    let some = LimitRules::compile(&Limits { global: set, each, named: Vec::new() }, [], None);
    let take = Take { requests: 1, tokens: 100 };
    for (name, rules) in [("none", &none), ("all, key and project", &some)] {
        group.bench_function(name, |b| {
            b.iter(|| {
                let claims = rules.of_caller(black_box(caller));
                if claims.is_empty() {
                    return;
                }
                let now_us = Timestamp::now().unix_us;
                let (taken, standing) = Taken::take(&rules.limiter, claims, take, now_us).unwrap();
                black_box(standing);
                taken.settle(50, now_us);
            });
        });
    }
    group.finish();
    let mut group = c.benchmark_group("budgets");
    let terms = BudgetTerms::from_json(r#"{"limit_usd": "1000000", "period": "month"}"#, "").unwrap();
    let budget = |scope: Scope| Budget { name: scope.as_str().to_owned(), scope, subject: None, terms: terms.clone() };
    let budgets = Budgets::compile(&[budget(Scope::Global), budget(Scope::Key), budget(Scope::Provider)], [], None);
    budgets.unknown().for_each(|books| books.load(&[], Timestamp::now().unix_us));
    let payer = Payer { caller, provider: "openai", model: Some("gpt-4o") };
    group.bench_function("reserve and settle in three", |b| {
        b.iter(|| {
            let now_us = Timestamp::now().unix_us;
            let reservation = budgets.reserve(black_box(payer), Some(Microcents(1_000)), now_us).unwrap().unwrap();
            reservation.settle(Some(Microcents(0)), now_us);
        });
    });
    group.finish();
}

/// Four providers of so many models in all, and two names of the operator's own.
fn routing_policy(models: usize) -> Policy {
    let names: Vec<String> = (0..models / 4).map(|number| format!("\"model-{number}\"")).collect();
    let mut toml = String::new();
    for id in ["a", "b", "c", "d"] {
        toml.push_str(&format!(
            "[[providers]]\nid = \"{id}\"\nprovider_type = \"openai_compatible\"\napi_key = \"k\"\n\
             base_url = \"http://127.0.0.1:9/v1\"\nallow_private_network = true\nmodels = [{}]\n\
             pricing = {{ input = 1.0, output = 4.0 }}\n",
            names.join(", ")
        ));
    }
    toml.push_str(
        "[[models]]\nname = \"named\"\ntargets = [\"a/model-1\", \"b/model-1\"]\nfallbacks = [\"model-2\"]\n",
    );
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("config.toml"), toml).unwrap();
    let options = LoadOptions { working_dir: directory.path().to_owned(), ..LoadOptions::default() };
    let config = config::load(&options).unwrap();
    let egress = Egress::load(Resolver::default());
    Policy::compile(Arc::new(config), &Snapshot::default(), None, &egress).unwrap()
}

/// What routing adds to a request, its trace included; and a dry run.
fn routing(c: &mut Criterion) {
    let mut group = c.benchmark_group("route");
    let policy = routing_policy(2_000);
    let moment = Moment { at: Timestamp::now(), turn: 1, dice: 2 };
    let need = Need { input_tokens: 1_000, ..Need::default() };
    let health = Health::default();
    let rules = policy.routing_rules();
    for number in 0..20 {
        let model = format!("model-{number}");
        let call = health.begin("a", Some(&model), rules.routing, moment.at).unwrap();
        call.answered(Duration::from_millis(200 + number), moment.at);
    }
    let seen = |provider: &config::Provider, model: Option<&str>| match health.vitals(&provider.id, model, moment.at) {
        Some(vitals) => Observed { latency_ms: vitals.latency_ms.map(|ms| ms as f32), ..Observed::default() },
        None => Observed::default(),
    };
    for (name, model) in [("a named model", "named"), ("a known model", "model-7"), ("auto over 2000 models", "auto")] {
        let inquiry = Inquiry {
            fallbacks: &[],
            endpoint: Endpoint::ChatCompletions,
            model: Some(model),
            profile: None,
            provider_wanted: None,
            key: None,
            project: None,
        };
        let question = policy.question(rules, inquiry, &[]);
        group.bench_function(format!("a request for {name}"), |b| {
            b.iter(|| routing::plan(black_box(&question), need, moment, seen));
        });
        group.bench_function(format!("a dry run for {name}"), |b| {
            b.iter(|| routing::consider(black_box(&question), need, moment, seen));
        });
        let considered = routing::consider(&question, need, moment, seen);
        group.bench_function(format!("the trace for {name}"), |b| {
            b.iter(|| Trace::write(black_box(&considered.facts), &considered.decision, (None, None), None));
        });
        print_quantiles(&format!("a dry run for {name}"), || routing::consider(&question, need, moment, seen));
    }
    group.finish();
}

/// Criterion tells means; the bars are about p99.
fn print_quantiles<T>(name: &str, mut run: impl FnMut() -> T) {
    let mut times: Vec<Duration> = (0..5_000)
        .map(|_| {
            let begun = Instant::now();
            black_box(run());
            begun.elapsed()
        })
        .collect();
    times.sort_unstable();
    let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default();
    eprintln!("{name}: p50 {:?}, p99 {:?}", at(50), at(99));
}

/// A question from its words to its SQL; all verified examples in turn.
fn asking(c: &mut Criterion) {
    let mut group = c.benchmark_group("ask");
    let world = examples();
    let mut questions = world.all.iter().cycle();
    group.bench_function("parse and compile", |b| {
        b.iter(|| {
            let question = black_box(&questions.next().unwrap().question);
            match parse(question, &world.names, &world.clock, None) {
                Parsed::Understood(understood) => compile(&understood.spec, world.clock.now.unix_us, true),
                other => panic!("{question}: {other:?}"),
            }
        });
    });
    group.bench_function("parse with typos", |b| {
        b.iter(|| parse(black_box("spned by modle lsat week excludng comte-2"), &world.names, &world.clock, None));
    });
    group.finish();
}

criterion_group!(benches, steering, metering, sanitizing, translating, pricing, limiting, routing, asking);
criterion_main!(benches);
