//! What a plugin costs that does nothing: a WebAssembly hook at a request and at a chunk. Figures are for comparing; nothing
//! asserts them. Besides criterion's means it prints the 99th percentile, which is what the contract bounds.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "criterion's macros make undocumented items"
)]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use criterion::{Criterion, criterion_group, criterion_main};
use llm_gateway::{
    config::{self, LoadOptions},
    dialect::translate::answer::{Block, Delta, Event},
    domain::Endpoint,
    plugins::{Asked, Chunks, Context, Hook, Plugins, Running, Tools},
    provider::{Egress, Resolver},
};

const MODULE: &str = r#"(module (memory (export "memory") 8) (global $top (mut i32) (i32.const 65536))
    (func (export "alloc") (param $n i32) (result i32) (local $at i32)
        (local.set $at (global.get $top)) (global.set $top (i32.add (global.get $top) (local.get $n))) (local.get $at))
    (func (export "dealloc") (param i32 i32) (global.set $top (i32.const 65536)))
    (func (export "before_model") (param i32 i32) (result i64) (i64.const 0))
    (func (export "after_chunk") (param i32 i32) (result i64) (i64.const 0)))"#;

/// A chain of one module that does nothing.
fn running() -> Running {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("noop.wasm"), wat::parse_str(MODULE).unwrap()).unwrap();
    let toml = "[[plugins]]\ntype = \"wasm\"\nconfig = { module = \"noop.wasm\" }\n";
    std::fs::write(directory.path().join("config.toml"), toml).unwrap();
    let options = LoadOptions { working_dir: directory.path().to_owned(), ..LoadOptions::default() };
    let config = config::load(&options).unwrap();
    let tools = Tools { egress: Egress::load(Resolver::default()), data_dir: directory.path().to_owned() };
    let plugins = Plugins::compile(&config, &config.providers, &tools, None).unwrap();
    let chain = plugins.anyone().of(None).unwrap();
    let mut context = Context::new(Endpoint::ChatCompletions, None);
    let body = format!(
        r#"{{"model":"gpt-4o","stream":true,"messages":[{{"role":"user","content":"{}"}}]}}"#,
        "a plain sentence of a prompt, ".repeat(34)
    );
    context.request = Asked::of(Endpoint::ChatCompletions, body.into());
    Running::begin(Arc::clone(chain), context)
}

fn p99(name: &str, mut call: impl FnMut()) {
    let mut took: Vec<Duration> = (0..20_000)
        .map(|_| {
            let began = Instant::now();
            call();
            began.elapsed()
        })
        .collect();
    took.sort_unstable();
    eprintln!("{name}: p50 {:?}, p99 {:?}", took[took.len() / 2], took[took.len() * 99 / 100]);
}

fn wasm(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut plugins = running();
    let mut at_request = || {
        runtime.block_on(plugins.run(Hook::BeforeModel));
    };
    p99("wasm/before_model", &mut at_request);
    c.bench_function("wasm/before_model", |b| b.iter(&mut at_request));
    let mut plugins = running();
    let mut chunks = Chunks::default();
    runtime.block_on(chunks.take(&mut plugins, vec![Event::Open(0, Block::Text)]));
    let mut at_chunk = || {
        let event = Event::Delta(0, Delta::Text(" word".to_owned()));
        runtime.block_on(chunks.take(&mut plugins, vec![event]));
    };
    p99("wasm/after_chunk", &mut at_chunk);
    c.bench_function("wasm/after_chunk", |b| b.iter(&mut at_chunk));
}

criterion_group!(benches, wasm);
criterion_main!(benches);
