//! Each way in which a text can come piece by piece.

use serde_json::{Value, json};

use super::*;
use crate::{domain::Action, sanitize::testing::rules};

/// One way in which a text can come piece by piece.
pub(super) struct Way {
    pub(super) name: &'static str,
    pub(super) api: Api,
    pub(super) framing: Framing,
    pub(super) before: &'static [&'static str],
    /// An event with `"@"` in the place of the piece.
    pub(super) event: &'static str,
    pub(super) after: &'static [&'static str],
    /// Where the piece stands in an event.
    at: &'static str,
}

pub(super) const WAYS: &[Way] = &[
    Way {
        name: "chat",
        api: Api::OpenaiChat,
        framing: Framing::Sse,
        before: &["data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"index\":0}]}\n\n"],
        event: "data: {\"choices\":[{\"delta\":{\"content\":\"@\"},\"index\":0}]}\n\n",
        after: &[
            "data: {\"choices\":[{\"delta\":{},\"index\":0,\"finish_reason\":\"stop\"}]}\n\n",
            "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3}}\n\n",
            "data: [DONE]\n\n",
        ],
        at: "/choices/0/delta/content",
    },
    Way {
        name: "chat reasoning, lines of all kinds",
        api: Api::OpenaiChat,
        framing: Framing::Sse,
        before: &["\u{feff}: ping\r\n\r\n"],
        event: "event: x\r\ndata: {\"choices\":[{\"delta\":{\"content\":null,\r\ndata: \"reasoning_content\":\"@\"}}]}\r\n\r\n",
        after: &["data: {\"choices\":[{\"delta\":{\"content\":\"ok\"}}]}\r\rdata: [DONE]\n"],
        at: "/choices/0/delta/reasoning_content",
    },
    Way {
        name: "completions",
        api: Api::Openai,
        framing: Framing::Sse,
        before: &[],
        event: "data: {\"choices\":[{\"text\":\"@\",\"index\":0}]}\n\n",
        after: &["data: [DONE]\n\n"],
        at: "/choices/0/text",
    },
    Way {
        name: "responses",
        api: Api::OpenaiResponses,
        framing: Framing::Sse,
        before: &["event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"r\"}}\n\n"],
        event: "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"output_index\":0,\"content_index\":0,\"delta\":\"@\",\"obfuscation\":\"a1B2\"}\n\n",
        after: &[
            "data: {\"type\":\"response.output_text.done\",\"output_index\":0,\"content_index\":0,\"text\":\"\"}\n\n",
        ],
        at: "/delta",
    },
    Way {
        name: "anthropic",
        api: Api::Anthropic,
        framing: Framing::Sse,
        before: &[
            "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"content\":[]}}\n\n",
            "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
        ],
        event: "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"@\"}}\n\n",
        after: &[
            "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"signature_delta\",\"signature\":\"EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pkiMOYds\"}}\n\n",
            "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n",
            "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
        ],
        at: "/delta/text",
    },
    Way {
        name: "gemini",
        api: Api::Gemini,
        framing: Framing::Sse,
        before: &["data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"hm\",\"thought\":true}]}}]}\r\n\r\n"],
        event: "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"@\"}],\"role\":\"model\"},\"index\":0}]}\r\n\r\n",
        after: &[
            "data: {\"candidates\":[{\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"promptTokenCount\":1}}\r\n\r\n",
        ],
        at: "/candidates/0/content/parts/0/text",
    },
    Way {
        name: "gemini array",
        api: Api::Gemini,
        framing: Framing::JsonArray,
        before: &["[{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"hm ]}\\\"\",\"thought\":true}]}}]}\n"],
        event: ",\r\n{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"@\"}]}}]}",
        after: &["\n,\r\n{\"candidates\":[{\"finishReason\":\"STOP\"}]}\n", "]", "\n"],
        at: "/candidates/0/content/parts/0/text",
    },
    Way {
        name: "ollama",
        api: Api::Ollama,
        framing: Framing::NdJson,
        before: &["{\"message\":{\"thinking\":\"hm\"},\"done\":false}\n"],
        event: "{\"model\":\"llama3\",\"message\":{\"role\":\"assistant\",\"content\":\"@\"},\"done\":false}\n",
        after: &["{\"message\":{\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\"}"],
        at: "/message/content",
    },
    Way {
        name: "ollama generate",
        api: Api::Ollama,
        framing: Framing::NdJson,
        before: &[],
        event: "{\"response\":\"@\",\"done\":false}\n",
        after: &["{\"response\":\"\",\"done\":true}\n"],
        at: "/response",
    },
    Way {
        name: "chat tool call",
        api: Api::OpenaiChat,
        framing: Framing::Sse,
        before: &[
            "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"call_1\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}]}}]}\n\n",
        ],
        event: "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"@\"}}]}}]}\n\n",
        after: &["data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n"],
        at: "/choices/0/delta/tool_calls/0/function/arguments",
    },
    Way {
        name: "responses tool call",
        api: Api::OpenaiResponses,
        framing: Framing::Sse,
        before: &[],
        event: "data: {\"type\":\"response.function_call_arguments.delta\",\"output_index\":1,\"delta\":\"@\"}\n\n",
        after: &["data: {\"type\":\"response.completed\",\"response\":{\"output\":[]}}\n\n"],
        at: "/delta",
    },
    Way {
        name: "anthropic tool call",
        api: Api::Anthropic,
        framing: Framing::Sse,
        before: &[
            "data: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"tool_use\",\"id\":\"toolu_1\",\"name\":\"f\",\"input\":{}}}\n\n",
        ],
        event: "data: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"@\"}}\n\n",
        after: &["data: {\"type\":\"content_block_stop\",\"index\":1}\n\n"],
        at: "/delta/partial_json",
    },
];

impl Way {
    pub(super) fn stream(&self, pieces: &[String]) -> String {
        let quoted = |piece: &String| {
            let quoted = serde_json::to_string(piece).unwrap();
            self.event.replace("\"@\"", &quoted)
        };
        let events = pieces.iter().map(quoted).collect::<String>();
        format!("{}{events}{}", self.before.concat(), self.after.concat())
    }

    /// The data of all events.
    pub(super) fn documents(&self, stream: &str) -> Vec<Value> {
        let mut documents = Vec::new();
        let mut frames = Frames::new(self.framing);
        let mut ready = Vec::new();
        frames.feed(stream.as_bytes(), &mut ready);
        frames.finish(&mut ready);
        for frame in ready {
            let Frame::Event(raw) = frame else { continue };
            let data = frames.data(&raw);
            let bytes = data.bytes(&raw);
            if bytes.trim_ascii().is_empty() || bytes == b"[DONE]" {
                continue;
            }
            documents.push(serde_json::from_slice(bytes).unwrap_or_else(|fault| panic!("{fault}: {stream}")));
        }
        documents
    }

    /// The text that a client puts together.
    pub(super) fn joined(&self, stream: &str) -> String {
        let is_thought = |document: &Value| document.pointer("/candidates/0/content/parts/0/thought").is_some();
        let documents = self.documents(stream);
        let texts =
            documents.iter().filter(|document| !is_thought(document)).filter_map(|document| document.pointer(self.at));
        texts.map(|text| text.as_str().unwrap_or_default()).collect()
    }

    pub(super) fn run(&self, action: Action, vault: &Arc<Vault>, stream: &str, chunk: usize) -> (String, Guard) {
        let mut guard = Guard::new(rules(action), Arc::clone(vault), self.api, self.framing, true);
        let mut out = Vec::new();
        for bytes in stream.as_bytes().chunks(chunk) {
            guard.feed(bytes, &mut out);
        }
        guard.finish(&mut out);
        (String::from_utf8(out).unwrap(), guard)
    }
}

/// Every split in two, and one character a piece.
pub(super) fn splits(text: &str) -> Vec<Vec<String>> {
    let places: Vec<_> = text.char_indices().map(|(at, _)| at).collect();
    let mut all: Vec<Vec<String>> =
        places.iter().map(|at| vec![text[..*at].to_owned(), text[*at..].to_owned()]).collect();
    all.push(text.chars().map(String::from).collect());
    all
}

pub(super) const CHUNKS: [usize; 4] = [1, 3, 64, usize::MAX];

#[test]
fn a_stream_without_a_match_leaves_byte_for_byte() {
    let none = Arc::new(Vault::default());
    for way in WAYS {
        for pieces in splits("a [1] “quoted” \\ \"text\" \u{1f600}\n{x}: done.") {
            let stream = way.stream(&pieces);
            for chunk in CHUNKS {
                let (out, guard) = way.run(Action::Redact, &none, &stream, chunk);
                assert_eq!(out, stream, "{} in chunks of {chunk}: {:?}", way.name, guard.failure());
                assert!(guard.report().findings.is_empty());
            }
        }
    }
}

#[test]
fn an_answer_is_the_same_for_every_split_of_its_bytes() {
    let none = Arc::new(Vault::default());
    for way in WAYS {
        let stream = way.stream(&["a jo.d".to_owned(), "oe@acme-co".to_owned(), "rp.io b".to_owned()]);
        let (whole, _) = way.run(Action::Redact, &none, &stream, usize::MAX);
        assert_eq!(way.joined(&whole), "a [REDACTED|EMAIL] b", "{}", way.name);
        for cut in 0..stream.len() {
            let mut guard = Guard::new(rules(Action::Redact), Arc::clone(&none), way.api, way.framing, true);
            let mut out = Vec::new();
            guard.feed(&stream.as_bytes()[..cut], &mut out);
            guard.feed(&stream.as_bytes()[cut..], &mut out);
            guard.finish(&mut out);
            assert_eq!(String::from_utf8(out).unwrap(), whole, "{} cut at {cut}", way.name);
        }
    }
}

#[test]
fn a_match_is_caught_however_it_is_spread() {
    let none = Arc::new(Vault::default());
    for way in WAYS {
        for pieces in splits("Mail jo.doe@acme-corp.io, or\nmax@acme-corp.io") {
            let stream = way.stream(&pieces);
            for chunk in [1, usize::MAX] {
                let (out, guard) = way.run(Action::Redact, &none, &stream, chunk);
                assert_eq!(way.joined(&out), "Mail [REDACTED|EMAIL], or\n[REDACTED|EMAIL]", "{} {pieces:?}", way.name);
                assert_eq!(guard.report().findings.len(), 1);
                assert_eq!(guard.report().findings[0].count, 2);
            }
        }
    }
}

#[test]
fn inner_json_is_read_with_its_escapes_and_stays_json() {
    let none = Arc::new(Vault::default());
    let arguments = r#"{"to\u003A jo\u0040acme-corp.io": ["jo.doe\u0040acme-corp.io \"\ud83d\ude00", 12345678901, true, "x\n"], "n": 12}"#;
    let expected =
        json!({"to: [REDACTED|EMAIL]": ["[REDACTED|EMAIL] \"\u{1f600}", "[REDACTED|KEY]", true, "x\n"], "n": 12});
    for way in WAYS {
        for pieces in splits(arguments) {
            let (out, _) = way.run(Action::Redact, &none, &way.stream(&pieces), 5);
            let joined = way.joined(&out);
            let inner: Value =
                serde_json::from_str(&joined).unwrap_or_else(|fault| panic!("{fault} in {joined} ({})", way.name));
            assert_eq!(inner, expected, "{} {pieces:?}", way.name);
        }
    }
}

#[test]
fn what_was_masked_comes_back_across_any_split_and_at_its_level() {
    let mut vault = Vault::default();
    let original = "jo \"D\"\\o\ne@acme-corp.io";
    let placeholder = vault.placeholder("EMAIL", original).to_owned();
    let vault = Arc::new(vault);
    for way in WAYS {
        let unknown = "[EMAIL_zzzzzzzzzz_1] [[";
        for pieces in splits(&format!("{placeholder}{placeholder} is [{placeholder}] {unknown}")) {
            let (out, guard) = way.run(Action::Redact, &vault, &way.stream(&pieces), 7);
            let expected = format!("{original}{original} is [{original}] {unknown}");
            assert_eq!(way.joined(&out), expected, "{} {pieces:?}", way.name);
            assert!(guard.report().findings.is_empty(), "what comes back is not judged again");
        }
        for pieces in splits(&format!("{{\"to\": \"a {placeholder}\", \"{placeholder}\": 1}}")) {
            let (out, _) = way.run(Action::Redact, &vault, &way.stream(&pieces), 7);
            let inner: Value = serde_json::from_str(&way.joined(&out)).unwrap();
            assert_eq!(inner, json!({"to": format!("a {original}"), original: 1}), "{} {pieces:?}", way.name);
        }
    }
}

#[test]
fn choices_and_tool_calls_run_beside_each_other() {
    let none = Arc::new(Vault::default());
    let way = &WAYS[0];
    let texts = ["to jo.doe@acme-corp.io.", "by max@acme-corp.io!"];
    for (path, name) in [("choice", "content"), ("tool", "arguments")] {
        let mut stream = String::new();
        for (first, second) in texts[0].chars().zip(texts[1].chars().chain(std::iter::repeat(' '))) {
            for (index, c) in [(0, first), (1, second)] {
                let document = if path == "choice" {
                    json!({"choices": [{"index": index, "delta": {"content": c.to_string()}}]})
                } else {
                    json!({"choices": [{"delta": {"tool_calls": [{"index": index, "function": {"arguments": c.to_string()}}]}}]})
                };
                stream += &format!("data: {document}\n\n");
            }
        }
        stream += "data: [DONE]\n\n";
        let (out, _) = way.run(Action::Redact, &none, &stream, 9);
        let mut joined = [String::new(), String::new()];
        for document in way.documents(&out) {
            let choice = &document["choices"][0];
            let (index, text) = if path == "choice" {
                (&choice["index"], &choice["delta"]["content"])
            } else {
                let call = &choice["delta"]["tool_calls"][0];
                (&call["index"], &call["function"]["arguments"])
            };
            joined[usize::try_from(index.as_u64().unwrap()).unwrap()] += text.as_str().unwrap();
        }
        assert_eq!(joined[0], "to [REDACTED|EMAIL].", "{name}");
        assert!(joined[1].starts_with("by [REDACTED|EMAIL]!"), "{name}: {}", joined[1]);
    }
}

#[test]
fn only_what_could_become_a_match_waits() {
    let none = Arc::new(Vault::default());
    let way = &WAYS[0];
    let mut guard = Guard::new(rules(Action::Redact), none, way.api, way.framing, true);
    let event = |text: &str| way.event.replace('@', text);
    let mut out = Vec::new();
    guard.feed(event("to ").as_bytes(), &mut out);
    assert_eq!(out.len(), event("to ").len(), "clean text leaves at once");
    out.clear();
    guard.feed(event("jo").as_bytes(), &mut out);
    assert!(out.is_empty(), "a word may become an address");
    guard.feed(event(" and ").as_bytes(), &mut out);
    assert_eq!(out.len(), event("jo").len() + event(" and ").len());
}

#[test]
fn what_cannot_be_read_ends_an_answer_that_is_edited() {
    let none = Arc::new(Vault::default());
    let way = &WAYS[0];
    for bad in ["data: {\"choices\":[\n\n", "data: hello\n\n", "data: {\"a\":1,\"a\":2}\n\n", "data: {}}\n\n"] {
        let clean = way.event.replace('@', "a. ");
        let stream = format!("{clean}{bad}{clean}");
        let (out, guard) = way.run(Action::Redact, &none, &stream, 4);
        assert_eq!(out, clean);
        assert!(matches!(guard.failure(), Some(Failure::Unreadable(_))), "{bad}");
    }
}

#[test]
fn a_block_ends_the_answer_before_its_first_byte_leaves() {
    let none = Arc::new(Vault::default());
    for way in WAYS {
        for pieces in splits("a. jo.doe@acme-corp.io b") {
            let (out, guard) = way.run(Action::Block, &none, &way.stream(&pieces), 11);
            assert!(guard.report().blocked && guard.is_over());
            assert!(!way.joined(&out).contains("jo") && !out.contains("acme"), "{}: {out}", way.name);
            assert!(!guard.report().findings[0].place.is_empty());
        }
    }
}

#[test]
fn whole_texts_of_responses_agree_with_their_deltas() {
    let none = Arc::new(Vault::default());
    let text = "to jo.doe@acme-corp.io, max@acme-corp.io";
    let way = WAYS.iter().find(|way| way.name == "responses").unwrap();
    let mut stream = String::new();
    for c in text.chars() {
        stream += &way.event.replace("\"@\"", &serde_json::to_string(&c).unwrap());
    }
    let part = json!({"type": "output_text", "text": text, "annotations": []});
    let item = json!({"type": "message", "id": "msg_1", "content": [part]});
    for done in [
        json!({"type": "response.output_text.done", "output_index": 0, "content_index": 0, "text": text}),
        json!({"type": "response.content_part.done", "output_index": 0, "content_index": 0, "part": part}),
        json!({"type": "response.output_item.done", "output_index": 0, "item": item}),
        json!({"type": "response.completed", "response": {"id": "resp_1", "output": [item]}}),
    ] {
        stream += &format!("data: {done}\n\n");
    }
    let (out, _) = way.run(Action::Redact, &none, &stream, 13);
    let joined = way.joined(&out);
    assert_eq!(joined, "to [REDACTED|EMAIL], [REDACTED|EMAIL]");
    let documents = way.documents(&out);
    for (kind, at) in [
        ("response.output_text.done", "/text"),
        ("response.content_part.done", "/part/text"),
        ("response.output_item.done", "/item/content/0/text"),
        ("response.completed", "/response/output/0/content/0/text"),
    ] {
        let document = documents.iter().find(|document| document["type"] == kind).unwrap();
        assert_eq!(document.pointer(at).unwrap(), &json!(joined), "{kind}");
    }
}
