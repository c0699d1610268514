//! The operator's own plugins: WebAssembly modules at every hook, and what hostile ones can do.

use std::{fmt::Write as _, time::Duration};

use llm_gateway::demo::{Fault, Script};
use serde_json::{Value, json};

use super::{chat_reply, chat_stream, said};
use crate::harness::gateway::{Rig, start_with};

/// A module whose hooks answer always the same, in the text form of WebAssembly.
fn module(hooks: &[(&str, Value)]) -> String {
    let (mut text, mut at) = (String::new(), 8);
    for (hook, answer) in hooks {
        let answer = answer.to_string();
        let said = ((at as u64) << 32) | answer.len() as u64;
        let escaped: String = answer.bytes().map(|byte| format!("\\{byte:02x}")).collect();
        write!(text, "(data (i32.const {at}) \"{escaped}\")\n(func (export \"{hook}\") (param i32 i32) (result i64) (i64.const {said}))\n").unwrap();
        at += answer.len();
    }
    with_memory(&text)
}

/// A module with these functions behind its memory and its allocator.
fn with_memory(functions: &str) -> String {
    format!(
        "(module (memory (export \"memory\") 8) (global $top (mut i32) (i32.const 65536))
        (func (export \"alloc\") (param $n i32) (result i32) (local $at i32)
            (local.set $at (global.get $top)) (global.set $top (i32.add (global.get $top) (local.get $n))) (local.get $at))
        (func (export \"dealloc\") (param i32 i32) (global.set $top (i32.const 65536)))
        {functions})"
    )
}

/// A gateway with these modules as plugins, by name; each with what its block says besides.
async fn with_modules(modules: &[(&str, &str, &str)], more: &str) -> (Rig, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let mut config = String::new();
    for (name, text, block) in modules {
        let path = directory.path().join(format!("{name}.wasm"));
        std::fs::write(&path, wat::parse_str(text).unwrap()).unwrap();
        write!(config, "[[plugins]]\nname = {name:?}\ntype = \"wasm\"\n{block}\nconfig = {{ module = {path:?} }}\n")
            .unwrap();
    }
    (start_with(&format!("{config}{more}")).await, directory)
}

fn reply(text: &str) -> Value {
    json!({"choices": [{"parts": [{"content": {"type": "text", "text": text}}], "finish": {"reason": "stop"}}]})
}

const CHAT: &str = "/v1/chat/completions";

fn hello(stream: bool) -> Value {
    json!({"model": "gpt-4o", "stream": stream, "messages": [{"role": "user", "content": "Hello"}]})
}

fn messages(stream: bool) -> Value {
    json!({"model": "openai/gpt-4o", "stream": stream, "max_tokens": 9, "messages": [{"role": "user", "content": "Hello"}]})
}

#[tokio::test]
async fn a_plugin_may_answer_before_anybody_is_asked_in_every_api() {
    for hook in ["before_model", "model_execute"] {
        let answer = json!({"verdict": "terminate", "reply": reply("from the plugin")});
        let (rig, _files) = with_modules(&[("answers", &module(&[(hook, answer)]), "")], "").await;
        let gemini = json!({"contents": [{"parts": [{"text": "Hello"}]}]});
        let ollama = |stream: bool| json!({"model": "llama3.2", "stream": stream, "messages": [{"role": "user", "content": "Hello"}]});
        let calls = [
            (CHAT, hello(false)),
            (CHAT, hello(true)),
            ("/v1/messages", messages(false)),
            ("/v1/messages", messages(true)),
            ("/v1/responses", json!({"model": "gpt-4o", "input": "Hello"})),
            ("/v1/responses", json!({"model": "gpt-4o", "input": "Hello", "stream": true})),
            ("/v1beta/models/gemini-2.5-flash:generateContent", gemini.clone()),
            ("/v1beta/models/gemini-2.5-flash:streamGenerateContent", gemini.clone()),
            ("/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse", gemini),
            ("/api/chat", ollama(false)),
            ("/api/chat", ollama(true)),
            ("/api/generate", json!({"model": "llama3.2", "stream": false, "prompt": "Hello"})),
        ];
        for (path, body) in &calls {
            let answer = rig.client().post(path, body).await;
            assert_eq!(answer.status, 200, "{hook} {path}: {}", answer.text());
            assert!(answer.text().contains("from the plugin"), "{hook} {path}: {}", answer.text());
        }
        assert!(rig.upstream.ledger().calls().is_empty(), "{hook}");
        let records = rig.records_when(calls.len()).await;
        assert!(
            records.iter().all(|record| record["outcome"] == "ok" && record["cost_microcents"] == 0),
            "{records:#?}"
        );
    }
}

#[tokio::test]
async fn a_plugin_refuses_with_its_own_status_in_the_clients_words() {
    let refusal = json!({"verdict": "terminate", "status": 451, "message": "not here \"today\""});
    let (rig, _files) = with_modules(&[("no", &module(&[("before_model", refusal)]), "")], "").await;
    let answer = rig.client().post(CHAT, &hello(true)).await;
    assert_eq!(answer.code(451), "plugin_refused");
    assert_eq!(answer.json()["error"]["message"], "not here \"today\"");
    let answer = rig.client().post("/v1/messages", &messages(false)).await.expect(451);
    assert_eq!((&answer["type"], &answer["error"]["message"]), (&json!("error"), &json!("not here \"today\"")));
    assert_eq!(rig.records_when(2).await[0]["outcome"], "refused");
}

#[tokio::test]
async fn a_plugin_changes_whole_answers_and_leaves_the_rest_as_it_is() {
    let change = json!({"verdict": "modify", "reply": {"id": "chatcmpl-1", "model": "gpt-4.1",
        "choices": [{"parts": [{"content": {"type": "text", "text": "changed"}}], "finish": {"reason": "stop"}}],
        "usage": {"input": 11, "output": 9, "estimated": false}}});
    let (rig, _files) = with_modules(&[("changes", &module(&[("after_model", change)]), "")], "").await;
    rig.upstream.script(chat_reply("as it was"));
    let answer = rig.client().post(CHAT, &hello(false)).await.expect(200);
    assert_eq!(answer["choices"][0]["message"]["content"], "changed", "{answer}");
    assert_eq!(answer["system_fingerprint"], "fp_1", "what no plugin touched stays: {answer}");
    rig.upstream.script(chat_reply("as it was"));
    let answer = rig.client().post("/v1/messages", &messages(false)).await.expect(200);
    assert_eq!(answer["content"][0]["text"], "changed", "{answer}");
    // Streams are for `after_chunk`.
    rig.upstream.script(chat_stream(&["as ", "it was"]));
    assert_eq!(said(&rig.client().post(CHAT, &hello(true)).await.text()), "as it was");
}

#[tokio::test]
async fn a_plugin_that_only_looks_leaves_an_answer_byte_for_byte() {
    let (rig, _files) = with_modules(&[("looks", &module(&[("after_model", json!({}))]), "")], "").await;
    let body = " {\"id\":\"x\", \"object\": \"chat.completion\",\"choices\":[ {\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"h\\u0069\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1} } ";
    let script = Script { body: Some(llm_gateway::demo::Payload::Text(body.to_owned())), ..chat_reply("") };
    rig.upstream.script(script);
    assert_eq!(rig.client().post(CHAT, &hello(false)).await.text(), body);
}

#[tokio::test]
async fn a_plugin_sees_chunks_changes_them_holds_them_and_ends_the_stream() {
    let at_chunk = |answer: Value| module(&[("after_chunk", answer)]);
    let (rig, _files) = with_modules(&[("x", &at_chunk(json!({"verdict": "modify", "text": "x"})), "")], "").await;
    for (path, body) in [(CHAT, hello(true)), ("/v1/messages", messages(true))] {
        rig.upstream.script(chat_stream(&["one", "two"]));
        let answer = rig.client().post(path, &body).await;
        // Two chunks, and one more word at the end of the block.
        assert_eq!(said(&answer.text()), "xxx", "{}", answer.text());
    }

    let (rig, _files) = with_modules(&[("holds", &at_chunk(json!({"verdict": "hold"})), "")], "").await;
    for (path, body) in [(CHAT, hello(true)), ("/v1/messages", messages(true))] {
        rig.upstream.script(chat_stream(&["one ", "two ", "three"]));
        let text = rig.client().post(path, &body).await.text();
        assert_eq!(text.matches("one two three").count(), 1, "held chunks leave together: {text}");
        assert!(text.contains("[DONE]") || text.contains("message_stop"), "{text}");
    }

    let stop = json!({"verdict": "terminate", "status": 403, "message": "enough"});
    let (rig, _files) = with_modules(&[("stops", &at_chunk(stop), "")], "").await;
    rig.upstream.script(chat_stream(&["one", "two"]));
    let text = rig.client().post(CHAT, &hello(true)).await.text();
    assert_eq!(said(&text), "", "{text}");
    assert!(text.contains("enough") && text.contains("plugin_refused") && !text.contains("[DONE]"), "{text}");
    let record = rig.only_record().await;
    assert_eq!((&record["outcome"], &record["error_kind"]), (&json!("error"), &json!("plugin_refused")));
}

#[tokio::test]
async fn geminis_growing_array_passes_plugins_too() {
    let hold = json!({"verdict": "hold"});
    let (rig, _files) = with_modules(&[("holds", &module(&[("after_chunk", hold)]), "")], "").await;
    let body = json!({"contents": [{"parts": [{"text": "Hello"}]}]});
    let answer = rig.client().post("/v1beta/models/gemini-2.5-flash:streamGenerateContent", &body).await;
    let array = answer.expect(200);
    assert!(array.as_array().is_some_and(|items| !items.is_empty()), "{array}");
    assert_eq!(rig.upstream.ledger().last().unwrap().query.as_deref(), Some("alt=sse"));
}

#[tokio::test]
async fn a_plugin_words_errors_anew_and_asks_again_within_bounds() {
    let anew = json!({"verdict": "modify", "status": 418, "message": "come back later"});
    let (rig, _files) = with_modules(&[("words", &module(&[("on_model_error", anew)]), "")], "").await;
    let failing = || Some(Script::fault(Fault::Refused { status: 500, retry_after_secs: None }));
    rig.upstream.always(failing());
    let answer = rig.client().post(CHAT, &hello(false)).await;
    assert_eq!(answer.expect(418)["error"]["message"], "come back later");

    let again = json!({"verdict": "reevaluate", "route": {"model": "gpt-4o-mini"}});
    let (rig, _files) = with_modules(&[("again", &module(&[("on_model_error", again)]), "")], "").await;
    rig.upstream.script(Script::fault(Fault::Refused { status: 400, retry_after_secs: None }));
    rig.client().post(CHAT, &hello(false)).await.expect(200);
    let models: Vec<Value> =
        rig.upstream.ledger().calls().iter().map(|call| call.json().unwrap()["model"].clone()).collect();
    assert_eq!(models, ["gpt-4o", "gpt-4o-mini"]);
    rig.upstream.always(Some(Script::fault(Fault::Refused { status: 400, retry_after_secs: None })));
    let before = rig.upstream.ledger().calls().len();
    assert_eq!(rig.client().post(CHAT, &hello(false)).await.status, 400);
    assert_eq!(rig.upstream.ledger().calls().len() - before, 4, "once, and three times more");
}

/// What a hostile module does when it is asked.
fn hostile() -> Vec<(&'static str, String)> {
    let hook = |body: &str| format!("(func (export \"before_model\") (param i32 i32) (result i64) {body})");
    let said = |text: &str| module(&[("before_model", Value::from(text))]);
    vec![
        ("endless", with_memory(&hook("(loop $on (br $on)) (i64.const 0)"))),
        (
            "greedy",
            with_memory(&hook(
                "(if (i32.eq (memory.grow (i32.const 65000)) (i32.const -1)) (then unreachable)) (i64.const 0)",
            )),
        ),
        (
            "growing",
            with_memory(&hook(
                "(loop $on (br_if $on (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable",
            )),
        ),
        ("panicking", with_memory(&hook("unreachable"))),
        ("deep", with_memory(&format!("(func $deep (result i64) (call $deep)) {}", hook("(call $deep)")))),
        // 100 MB of output, which do not even lie in its memory.
        ("flooding", with_memory(&hook("(i64.const 100000000)"))),
        ("outside", with_memory(&hook("(i64.const 0x7fffffff00000010)"))),
        ("dividing", with_memory(&hook("(i64.div_s (i64.const 1) (i64.const 0))"))),
        ("no-json", said("\u{1}").replace("\\22\\5cu0001\\22", "\\7b\\7b\\7b")),
        ("forging", module(&[("before_model", json!({"verdict": "modify", "provider_keys": true}))])),
        ("unfitting", module(&[("before_model", json!({"verdict": "hold"}))])),
        ("no-error", module(&[("before_model", json!({"verdict": "terminate", "status": 200, "message": "x"}))])),
        ("splitting", module(&[("before_model", json!({"verdict": "modify", "request": {"turns": 7}}))])),
        ("heavy", module(&[("before_model", json!({"data": {"x": "x".repeat(70_000)}}))])),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_hostile_modules_do_stays_with_them() {
    let modules = hostile();
    let mut blocks = Vec::new();
    for (name, text) in &modules {
        for mode in ["open", "closed"] {
            let block = format!("fail = \"{mode}\"\ntimeout_ms = 400\nprojects = [\"{name}-{mode}\"]");
            blocks.push((format!("{name}-{mode}"), text.clone(), block));
        }
    }
    let blocks: Vec<(&str, &str, &str)> = blocks.iter().map(|(a, b, c)| (a.as_str(), b.as_str(), c.as_str())).collect();
    let (rig, _files) = with_modules(&blocks, "").await;
    // Modules that never end are at work the whole time, more of them than there are places.
    let stop = tokio_util::sync::CancellationToken::new();
    let busy: Vec<_> = (0..4)
        .map(|_| {
            let (client, stop) = (rig.client().with("x-project", "endless-closed"), stop.clone());
            tokio::spawn(async move {
                while !stop.is_cancelled() {
                    assert_eq!(client.post(CHAT, &hello(false)).await.code(500), "plugin_failed");
                }
            })
        })
        .collect();
    for (name, _) in &modules {
        let before = rig.upstream.ledger().calls().len();
        let client = rig.client().with("x-project", &format!("{name}-closed"));
        let refused = client.post(CHAT, &hello(false)).await;
        assert_eq!(refused.code(500), "plugin_failed", "{name}");
        assert_eq!(rig.upstream.ledger().calls().len(), before, "{name}: nobody was asked");
        let passed = rig.client().with("x-project", &format!("{name}-open")).post(CHAT, &hello(false)).await;
        assert_eq!(passed.status, 200, "{name}: {}", passed.text());
        // Requests of others are answered while all this goes on.
        rig.client().post(CHAT, &hello(false)).await.expect(200);
    }
    stop.cancel();
    for task in busy {
        tokio::time::timeout(Duration::from_secs(60), task).await.expect("an end").unwrap();
    }
    rig.gateway.store().recorder.flush().await.unwrap();
    let incidents = rig.client().get("/v1/incidents?kind=plugin_failed&limit=500").await.expect(200);
    for (name, _) in &modules {
        for (mode, impact) in [("open", "mitigated"), ("closed", "customer_impacting")] {
            let subject = format!("{name}-{mode}");
            let found = incidents["data"].as_array().unwrap().iter().find(|one| one["subject"] == subject.as_str());
            assert_eq!(found.map(|one| &one["impact"]), Some(&json!(impact)), "{subject}: {incidents:#}");
        }
    }
    let list = rig.client().get("/v1/plugins").await.expect(200);
    let endless = list["data"].as_array().unwrap().iter().find(|one| one["name"] == "endless-open").unwrap();
    assert_eq!(endless["calls"][0]["failures"], 1, "{endless}");
    assert!(endless["last_failure"].as_str().unwrap().contains("timeout_ms"), "{endless}");
}

#[test]
fn modules_that_cannot_be_used_are_told_at_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let write =
        |name: &str, text: &str| std::fs::write(directory.path().join(name), wat::parse_str(text).unwrap()).unwrap();
    write("imports.wasm", "(module (import \"env\" \"read_file\" (func)))");
    write("empty.wasm", "(module)");
    write("bare.wasm", "(module (func (export \"before_model\") (param i32 i32) (result i64) (i64.const 0)))");
    write("typed.wasm", &with_memory("(func (export \"before_model\") (result i64) (i64.const 0))"));
    let about = json!({"name": "strict", "version": "2.1", "description": "d",
        "config_schema": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}});
    let described = module(&[("before_model", json!({})), ("describe_", about)]);
    let described = described.replace("(export \"describe_\") (param i32 i32)", "(export \"describe\")");
    write("described.wasm", &described);
    std::fs::write(directory.path().join("text.wasm"), "hello").unwrap();
    let names = ["imports", "empty", "bare", "typed", "described", "text", "missing"];
    let config: String = names
        .map(|name| {
            format!("[[plugins]]\nname = \"{name}\"\ntype = \"wasm\"\nconfig = {{ module = \"{name}.wasm\", settings = {{ n = \"one\" }} }}\n")
        })
        .concat();
    std::fs::write(directory.path().join("config.toml"), config).unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_llm-gateway"))
        .arg("check")
        .current_dir(directory.path())
        .env_clear()
        .output()
        .unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    for expected in [
        "config.toml:4: plugins.config.module: wants to import env.read_file",
        "config.toml:8: plugins.config.module: exports no hook",
        "config.toml:12: plugins.config.module: its answer cannot be used: it does not export memory",
        "config.toml:16: plugins.config.module: its answer cannot be used: it does not export before_model as",
        "config.toml:20: plugins.config.settings.n: must be of type integer",
        "config.toml:24: plugins.config.module: is no WebAssembly module",
        "config.toml:28: plugins.config.module: cannot be read",
    ] {
        assert!(errors.contains(expected), "{expected} is not in:\n{errors}");
    }
}
