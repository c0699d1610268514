//! Ollama's own API: a JSON document a line.

use super::*;

const LINES: &str = concat!(
    r#"{"model":"llama3.2","created_at":"2026-01-01T00:00:00Z","message":{"role":"assistant","content":"","thinking":"Hm"},"done":false}"#,
    "\n",
    r#"{"model":"llama3.2","created_at":"2026-01-01T00:00:00Z","message":{"role":"assistant","content":"Hi \u00e9"},"done":false}"#,
    "\n",
);
const LAST: &str = concat!(
    r#"{"model":"llama3.2","created_at":"2026-01-01T00:00:00Z","message":{"role":"assistant","content":""},"done_reason":"stop","done":true,"total_duration":4883583458,"load_duration":1334875,"prompt_eval_count":26,"prompt_eval_duration":342546000,"eval_count":282,"eval_duration":4535599000}"#,
    "\n",
);

fn chat(body: &str) -> Facts {
    read(Api::Ollama, Endpoint::OllamaChat, Framing::NdJson, body)
}

#[test]
fn the_last_line_counts_and_ends() {
    let facts = chat(&[LINES, LAST].concat());
    assert_eq!(facts.usage, Usage { input: Some(26), output: Some(282), ..Usage::default() });
    assert_eq!(facts.finish_reason.as_deref(), Some("stop"));
    assert_eq!(facts.model.as_deref(), Some("llama3.2"));
    assert_eq!(facts.output_text_bytes, 2 + 5);
    assert!(facts.ended);
    assert!(!chat(LINES).ended);
}

#[test]
fn an_answer_without_a_stream_is_the_same_line() {
    let facts = chat(LAST.trim_end());
    assert_eq!(facts.usage.output, Some(282));
    assert!(facts.ended);
}

#[test]
fn an_error_midway_is_a_line_of_its_own() {
    let facts = chat(&[LINES, "{\"error\":\"model runner has unexpectedly stopped\"}\n"].concat());
    assert_eq!(facts.error, error(ErrorKind::UpstreamError, None, "model runner has unexpectedly stopped"));
    assert!(facts.ended);
}

#[test]
fn a_broken_line_does_not_spoil_the_next_one() {
    let facts = chat(&["{\"message\":{\"content\":\"cut \n", LAST].concat());
    assert_eq!(facts.usage.output, Some(282));
    assert!(facts.ended);
}

#[test]
fn embeddings_count_their_prompt() {
    let body = r#"{"model":"all-minilm","embeddings":[[0.01,-0.002]],"total_duration":14143917,"load_duration":1019500,"prompt_eval_count":8}"#;
    let facts = json(Api::Ollama, Endpoint::OllamaEmbed, body);
    assert_eq!(facts.usage, Usage { input: Some(8), output: Some(0), ..Usage::default() });
}

#[test]
fn generate_has_its_text_at_the_top() {
    let facts = read(
        Api::Ollama,
        Endpoint::OllamaGenerate,
        Framing::NdJson,
        "{\"model\":\"m\",\"response\":\"abc\",\"done\":false}\n",
    );
    assert_eq!(facts.output_text_bytes, 3);
}
