//! Every client API against every provider API: requests, answers and streams as golden files, read by eye; streams at
//! every split; round trips; hostile bytes.

mod beside;
mod documents;
mod faults;
mod features;
mod hostile;
mod images;
mod replies;
mod requests;
mod round_trip;
mod rules;
mod stream_ends;
mod streams;

use super::*;

/// The five dialects.
const APIS: [Api; 5] = [Api::OpenaiChat, Api::OpenaiResponses, Api::Anthropic, Api::Gemini, Api::Ollama];

fn target(client: Api) -> Target {
    Target { client, max_output_tokens: Some(64_000), is_openai: true, asks_for_usage: true, thinks_by_effort: false }
}

fn envelope() -> Envelope {
    Envelope {
        nonce: "0198c0de".to_owned(),
        created: 1_780_000_000,
        model: "asked-model".to_owned(),
        stream_usage: true,
        gemini_sse: true,
        ollama_generate: false,
        echo: None,
    }
}

/// JSON, indented, with the keys in the order in which they were written.
fn pretty(json: &[u8]) -> String {
    let raw: &serde_json::value::RawValue = serde_json::from_slice(json).expect("what is written is JSON");
    let mut out = String::new();
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    let mut characters = raw.get().chars().peekable();
    while let Some(c) = characters.next() {
        if in_string {
            out.push(c);
            in_string = escaped || c != '"';
            escaped = c == '\\' && !escaped;
            continue;
        }
        match c {
            '{' | '[' => {
                out.push(c);
                if matches!(characters.peek(), Some('}' | ']')) {
                    out.extend(characters.next());
                    continue;
                }
                depth += 1;
                out.push('\n');
                out.push_str(&" ".repeat(depth));
            }
            '}' | ']' => {
                depth -= 1;
                out.push('\n');
                out.push_str(&" ".repeat(depth));
                out.push(c);
            }
            ',' => {
                out.push_str(",\n");
                out.push_str(&" ".repeat(depth));
            }
            ' ' => {}
            '"' => {
                in_string = true;
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

fn golden(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("tests/golden");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}
