//! Writing a stream by OpenAI's grammar: every event numbered, every item added, filled and done, and the whole answer
//! once more in the last event.

use super::{
    super::{
        Envelope,
        answer::{Block, Delta, Event, Fault, FaultKind, FinishReason},
        conversation::{Citation, Seal, Thought},
        fault,
        json::Json,
        media,
        notes::ANSWER_MEDIA_COMMENT,
    },
    Response, items, status,
};
use crate::domain::{Api, Usage};

/// The longest answer that is repeated at its end; a longer one ends with an error.
const MAX_ANSWER_BYTES: usize = 32 << 20;

/// Writes one event after the other.
#[derive(Debug)]
pub(crate) struct Writer {
    envelope: Envelope,
    id: String,
    model: String,
    has_started: bool,
    sequence_number: u64,
    open: Option<Item>,
    /// Items that are done, as JSON.
    done: Vec<String>,
    bytes: usize,
    finish: FinishReason,
    usage: Usage,
    is_too_long: bool,
}

/// The item under way.
#[derive(Debug)]
struct Item {
    id: String,
    block: Block,
    text: String,
    citations: Vec<Citation>,
    /// Log probabilities of the text, one behind the other.
    logprobs: String,
    seal: Option<Seal>,
}

impl Writer {
    pub(crate) fn new(envelope: Envelope) -> Self {
        Self {
            id: envelope.id(None, "resp_"),
            model: envelope.model.clone(),
            envelope,
            has_started: false,
            sequence_number: 0,
            open: None,
            done: Vec::new(),
            bytes: 0,
            finish: FinishReason::Stop,
            usage: Usage::default(),
            is_too_long: false,
        }
    }

    pub(crate) fn event(&mut self, event: Event, out: &mut Vec<u8>) {
        if self.is_too_long {
            return;
        }
        match event {
            Event::Start { id, model } => {
                self.id = self.envelope.id(id.as_deref(), "resp_");
                self.model = self.envelope.model(model.as_deref()).to_owned();
                self.start(out);
            }
            Event::Open(0, block) => {
                self.start(out);
                self.added(block, out);
            }
            Event::Delta(0, delta) => self.delta(delta, out),
            Event::Close(0) => self.close(out),
            Event::Finish(0, finish) => self.finish = finish.reason,
            Event::Usage(usage) => self.usage = usage,
            Event::End => {
                self.start(out);
                let (status, why) = status(self.finish);
                let name = match status {
                    "incomplete" => "response.incomplete",
                    "failed" => "response.failed",
                    _ => "response.completed",
                };
                self.response(name, status, why, out);
            }
            Event::Fault(fault) => self.fault(&fault, out),
            // The API gives one answer, and asked for one.
            Event::Open(..) | Event::Delta(..) | Event::Close(_) | Event::Finish(..) => {}
        }
    }

    pub(crate) const fn next_sequence_number(&self) -> u64 {
        self.sequence_number
    }

    fn fault(&self, fault: &Fault, out: &mut Vec<u8>) {
        out.extend(fault::write_event(Api::OpenaiResponses, fault, self.sequence_number, &self.envelope.nonce));
    }

    fn start(&mut self, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.has_started, true) {
            self.response("response.created", "in_progress", None, out);
            self.response("response.in_progress", "in_progress", None, out);
        }
    }

    /// An event of the whole answer as far as it is.
    fn response(&mut self, name: &str, status: &str, why: Option<&str>, out: &mut Vec<u8>) {
        let body = Json::of(|json| {
            json.put("type", name);
            json.put_number("sequence_number", self.sequence_number);
            let usage = if status == "in_progress" { &Usage::default() } else { &self.usage };
            let response = Response { id: &self.id, model: &self.model, status, why, usage, service_tier: None };
            response.write(json.key("response"), &self.envelope, |json| {
                self.done.iter().for_each(|item| json.raw(item));
            });
        });
        self.sequence_number += 1;
        out.extend(fault::sse(Some(name), &body));
    }

    /// An event of the item under way.
    fn write(&mut self, name: &str, out: &mut Vec<u8>, fill: impl FnOnce(&mut Json, &Item)) {
        let Some(item) = &self.open else { return };
        let body = Json::of(|json| {
            json.put("type", name);
            json.put_number("sequence_number", self.sequence_number);
            json.put_number("output_index", self.done.len());
            fill(json, item);
        });
        self.sequence_number += 1;
        out.extend(fault::sse(Some(name), &body));
    }

    fn added(&mut self, block: Block, out: &mut Vec<u8>) {
        self.close(out);
        let prefix = match block {
            Block::Text | Block::Refusal => "msg",
            Block::Reasoning => "rs",
            Block::ToolCall { .. } => "fc",
            Block::Media(ref media) => {
                let Some(data) = media::image_data(media) else {
                    return out.extend_from_slice(ANSWER_MEDIA_COMMENT);
                };
                if self.outgrows(data.len(), out) {
                    return;
                }
                "ig"
            }
        };
        let id = format!("{prefix}_{}_{}", self.envelope.nonce, self.done.len());
        let is_message = prefix == "msg";
        let is_thought = prefix == "rs";
        let is_image = prefix == "ig";
        self.open =
            Some(Item { id, block, text: String::new(), citations: Vec::new(), logprobs: String::new(), seal: None });
        self.write("response.output_item.added", out, |json, item| {
            item.write(json.key("item"), "in_progress", false);
        });
        if is_message {
            self.write("response.content_part.added", out, |json, item| {
                json.put("item_id", &item.id);
                json.put_number("content_index", 0);
                item.write_part(json.key("part"), false);
            });
        } else if is_thought {
            self.write("response.reasoning_summary_part.added", out, |json, item| {
                json.put("item_id", &item.id);
                json.put_number("summary_index", 0);
                summary(json.key("part"), "");
            });
        } else if is_image {
            for step in ["in_progress", "generating"] {
                let name = format!("response.image_generation_call.{step}");
                self.write(&name, out, |json, item| json.put("item_id", &item.id));
            }
        }
    }

    /// Whether the answer becomes too long to be repeated; then the stream is over.
    fn outgrows(&mut self, bytes: usize, out: &mut Vec<u8>) -> bool {
        self.bytes = self.bytes.saturating_add(bytes);
        self.is_too_long = self.bytes > MAX_ANSWER_BYTES;
        if self.is_too_long {
            let message = "the answer is too long to be repeated at its end, as this API demands".to_owned();
            self.fault(&Fault { kind: FaultKind::Server, message }, out);
        }
        self.is_too_long
    }

    fn delta(&mut self, delta: Delta, out: &mut Vec<u8>) {
        let Some(item) = &mut self.open else { return };
        match delta {
            Delta::Text(text) => {
                item.text.push_str(&text);
                let (name, index) = match item.block {
                    Block::Text => ("response.output_text.delta", Some("content_index")),
                    Block::Refusal => ("response.refusal.delta", Some("content_index")),
                    Block::Reasoning => ("response.reasoning_summary_text.delta", Some("summary_index")),
                    Block::ToolCall { .. } => ("response.function_call_arguments.delta", None),
                    Block::Media(_) => return,
                };
                let is_text = item.block == Block::Text;
                self.write(name, out, |json, item| {
                    json.put("item_id", &item.id);
                    if let Some(index) = index {
                        json.put_number(index, 0);
                    }
                    json.put("delta", &text);
                    if is_text {
                        json.put_array("logprobs", |_| {});
                    }
                });
                self.outgrows(text.len(), out);
            }
            Delta::Seal(seal) => item.seal = Some(seal),
            Delta::Citation(citation) if citation.url.is_some() => {
                let place = item.citations.len();
                item.citations.push(citation.clone());
                self.write("response.output_text.annotation.added", out, |json, item| {
                    json.put("item_id", &item.id);
                    json.put_number("content_index", 0);
                    json.put_number("annotation_index", place);
                    items::write_citation(json.key("annotation"), &citation);
                });
            }
            Delta::Logprobs(list) => {
                // They come behind the text that they are of, so only what repeats it can tell them.
                let list = list.trim();
                let inner = list.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(list).trim();
                let comma = if item.logprobs.is_empty() || inner.is_empty() { "" } else { "," };
                item.logprobs.push_str(comma);
                item.logprobs.push_str(inner);
                self.outgrows(list.len(), out);
            }
            Delta::Citation(_) => {}
        }
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        let Some(item) = &self.open else { return };
        match item.block {
            Block::Text | Block::Refusal => {
                let (name, key) = match item.block {
                    Block::Text => ("response.output_text.done", "text"),
                    _ => ("response.refusal.done", "refusal"),
                };
                self.write(name, out, |json, item| {
                    json.put("item_id", &item.id);
                    json.put_number("content_index", 0);
                    json.put(key, &item.text);
                    if key == "text" {
                        json.put_raw("logprobs", &format!("[{}]", item.logprobs));
                    }
                });
                self.write("response.content_part.done", out, |json, item| {
                    json.put("item_id", &item.id);
                    json.put_number("content_index", 0);
                    item.write_part(json.key("part"), true);
                });
            }
            Block::Reasoning => {
                self.write("response.reasoning_summary_text.done", out, |json, item| {
                    json.put("item_id", &item.id);
                    json.put_number("summary_index", 0);
                    json.put("text", &item.text);
                });
                self.write("response.reasoning_summary_part.done", out, |json, item| {
                    json.put("item_id", &item.id);
                    json.put_number("summary_index", 0);
                    summary(json.key("part"), &item.text);
                });
            }
            Block::ToolCall { .. } => {
                self.write("response.function_call_arguments.done", out, |json, item| {
                    json.put("item_id", &item.id);
                    json.put("arguments", item.arguments());
                });
            }
            Block::Media(_) => self.write("response.image_generation_call.completed", out, |json, item| {
                json.put("item_id", &item.id);
            }),
        }
        self.write("response.output_item.done", out, |json, item| item.write(json.key("item"), "completed", true));
        if let Some(item) = self.open.take() {
            let mut json = Json::default();
            item.write(&mut json, "completed", true);
            self.done.push(String::from_utf8(json.into_bytes()).unwrap_or_default());
        }
    }
}

fn summary(json: &mut Json, text: &str) {
    json.object(|json| {
        json.put("type", "summary_text");
        json.put("text", text);
    });
}

impl Item {
    fn arguments(&self) -> &str {
        if self.text.is_empty() { "{}" } else { &self.text }
    }

    fn write(&self, json: &mut Json, status: &str, is_done: bool) {
        match &self.block {
            Block::Text | Block::Refusal => items::write_message(json, &self.id, status, |json| {
                if is_done {
                    self.write_part(json, true);
                }
            }),
            Block::Reasoning => {
                let thought = Thought { text: self.text.clone(), seal: self.seal.clone() };
                items::write_reasoning(json, &thought, &self.id);
            }
            Block::ToolCall { id, name } => {
                let arguments = if is_done { self.arguments() } else { "" };
                items::write_call(json, &self.id, status, id, name, arguments);
            }
            Block::Media(media) => {
                let data = media::image_data(media).filter(|_| is_done);
                items::write_image(json, &self.id, status, data, media::mime(media));
            }
        }
    }

    fn write_part(&self, json: &mut Json, is_done: bool) {
        let text = if is_done { self.text.as_str() } else { "" };
        match self.block {
            Block::Refusal => items::write_refusal(json, text),
            _ => items::write_text(json, text, &self.citations, Some(&format!("[{}]", self.logprobs))),
        }
    }
}
