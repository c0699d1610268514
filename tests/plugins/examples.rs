//! The example plugins, as `examples/plugins/build.sh` built them (`make test` does that first).

use std::path::PathBuf;

use serde_json::{Value, json};

use super::{chat_stream, said};
use crate::harness::gateway::start_with;

/// A module that was built; `None`, with a word on it, where it was not.
#[expect(clippy::print_stderr, reason = "whoever runs the tests should know what was left out")]
fn built(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/example-plugins").join(name);
    if !path.exists() {
        eprintln!("skipped: {} is not there; `make example-plugins` builds it", path.display());
        return None;
    }
    Some(path)
}

fn ask(text: &str, stream: bool) -> Value {
    json!({"model": "gpt-4o", "stream": stream, "messages": [{"role": "user", "content": text}]})
}

#[tokio::test]
async fn the_example_in_rust_refuses_topics_and_holds_pieces_of_words() {
    let Some(path) = built("topics.wasm") else { return };
    let rig = start_with(&format!(
        "[[plugins]]\nname = \"topics\"\ntype = \"wasm\"\n\
         config = {{ module = {path:?}, settings = {{ topics = [\"Politics\", \"caf\\u00e9\"] }} }}\n"
    ))
    .await;
    let client = rig.client();
    for text in ["Tell me of POLITICS", "Meet me at the Caf\u{e9} \u{1f600}"] {
        let answer = client.post("/v1/chat/completions", &ask(text, false)).await;
        assert_eq!(answer.code(403), "plugin_refused");
        assert!(answer.text().contains("we do not talk about"), "{}", answer.text());
    }
    rig.upstream.script(chat_stream(&["Hel", "lo th", "ere, ", "fri", "end"]));
    let text = client.post("/v1/chat/completions", &ask("Hello", true)).await.text();
    assert_eq!(said(&text), "Hello there, friend");
    for whole in ["\"Hello there, \"", "\"friend\""] {
        assert!(text.contains(whole), "{whole} is no piece of {text}");
    }
    let list = client.get("/v1/plugins").await.expect(200);
    let topics = &list["data"][0];
    assert_eq!((&topics["version"], &topics["hooks"]), (&json!("1.0.0"), &json!(["before_model", "after_chunk"])));
    assert_eq!(topics["config_schema"]["required"], json!(["topics"]));
}

#[tokio::test]
async fn the_example_in_assemblyscript_signs_streams() {
    let Some(path) = built("signed.wasm") else { return };
    let rig =
        start_with(&format!("[[plugins]]\nname = \"signed\"\ntype = \"wasm\"\nconfig = {{ module = {path:?} }}\n"))
            .await;
    // The same instance answers one request after the other.
    for _ in 0..20 {
        rig.upstream.script(chat_stream(&["Hello ", "there"]));
        let answer = rig.client().post("/v1/chat/completions", &ask("x", true)).await;
        assert_eq!(said(&answer.text()), "Hello there\n-- answered by a machine", "{}", answer.text());
    }
}
