//! Writing a stream: events to chunks. One role delta per choice, calls by index, usage if asked for, `[DONE]`.

use std::collections::BTreeMap;

use super::{
    super::{
        Envelope,
        answer::{Block, Delta, Event},
        conversation::{Media, MediaKind},
        fault,
        json::Json,
        media,
        notes::ANSWER_MEDIA_COMMENT,
        seal::Pending,
    },
    finish_word,
    message::write_image,
    reply::write_citation,
    write_usage,
};
use crate::domain::{Api, Usage};

/// Writes one event after the other.
#[derive(Debug)]
pub(crate) struct Writer {
    envelope: Envelope,
    id: String,
    model: String,
    choices: BTreeMap<u32, Choice>,
    usage: Usage,
}

#[derive(Debug, Default)]
struct Choice {
    calls: u64,
    /// Whether arguments of the open call have come.
    has_arguments: bool,
    images: usize,
    open: Option<Block>,
    pending: Pending,
}

impl Writer {
    pub(crate) fn new(envelope: Envelope) -> Self {
        let (id, model) = (envelope.id(None, "chatcmpl-"), envelope.model.clone());
        Self { envelope, id, model, choices: BTreeMap::new(), usage: Usage::default() }
    }

    pub(crate) fn event(&mut self, event: Event, out: &mut Vec<u8>) {
        match event {
            Event::Start { id, model } => {
                self.id = self.envelope.id(id.as_deref(), "chatcmpl-");
                self.model = self.envelope.model(model.as_deref()).to_owned();
                self.begin(0, out);
            }
            Event::Open(index, block) => {
                self.begin(index, out);
                self.open(index, block, out);
            }
            Event::Delta(index, delta) => self.delta(index, delta, out),
            Event::Close(index) => {
                let Some(choice) = self.choices.get_mut(&index) else { return };
                choice.pending.close();
                let open = choice.open.take();
                if matches!(open, Some(Block::ToolCall { .. })) && !choice.has_arguments {
                    // Clients parse what has come.
                    self.arguments(index, "{}", out);
                }
            }
            Event::Finish(index, finish) => {
                self.begin(index, out);
                self.chunk(index, Some(finish_word(finish.reason)), out, |_| {}, None);
            }
            Event::Usage(usage) => self.usage = usage,
            Event::End => {
                if self.envelope.stream_usage && !self.usage.is_unknown() {
                    let usage = self.usage;
                    let body = Json::of(|json| {
                        self.head(json);
                        json.put_array("choices", |_| {});
                        write_usage(json.key("usage"), &usage);
                    });
                    out.extend(fault::sse(None, &body));
                }
                out.extend_from_slice(b"data: [DONE]\n\n");
            }
            Event::Fault(fault) => out.extend(fault::write_event(Api::OpenaiChat, &fault, 0, &self.envelope.nonce)),
        }
    }

    /// The one role delta of a choice.
    fn begin(&mut self, index: u32, out: &mut Vec<u8>) {
        if self.choices.contains_key(&index) {
            return;
        }
        self.choices.insert(index, Choice::default());
        let role = |json: &mut Json| {
            json.put("role", "assistant");
            json.put("content", "");
            json.put_null("refusal");
        };
        self.chunk(index, None, out, role, None);
    }

    fn open(&mut self, index: u32, block: Block, out: &mut Vec<u8>) {
        let Some(choice) = self.choices.get_mut(&index) else { return };
        choice.open = Some(block.clone());
        choice.has_arguments = false;
        let (id, name) = match block {
            Block::ToolCall { id, name } => (id, name),
            Block::Media(media) => return self.media(index, &media, out),
            Block::Text | Block::Reasoning | Block::Refusal => return,
        };
        let (id, number) = (choice.pending.pack(&id), choice.calls);
        choice.calls += 1;
        let call = |json: &mut Json| {
            json.put_array("tool_calls", |json| {
                json.object(|json| {
                    json.put_number("index", number);
                    json.put("id", &id);
                    json.put("type", "function");
                    json.put_object("function", |json| {
                        json.put("name", &name);
                        json.put("arguments", "");
                    });
                });
            });
        };
        self.chunk(index, None, out, call, None);
    }

    fn delta(&mut self, index: u32, delta: Delta, out: &mut Vec<u8>) {
        let Some(choice) = self.choices.get_mut(&index) else { return };
        match (delta, &choice.open) {
            (Delta::Text(text), Some(Block::ToolCall { .. })) => {
                choice.has_arguments = true;
                self.arguments(index, &text, out);
            }
            (Delta::Text(text), Some(Block::Reasoning)) => {
                choice.pending.text(&text);
                self.chunk(index, None, out, |json| json.put("reasoning_content", &text), None);
            }
            (Delta::Text(text), Some(Block::Refusal)) => {
                self.chunk(index, None, out, |json| json.put("refusal", &text), None);
            }
            (Delta::Text(text), _) => self.chunk(index, None, out, |json| json.put("content", &text), None),
            (Delta::Seal(seal), _) => choice.pending.seal(seal),
            (Delta::Citation(citation), _) if citation.url.is_some() => {
                let annotation =
                    |json: &mut Json| json.put_array("annotations", |json| write_citation(json, &citation));
                self.chunk(index, None, out, annotation, None);
            }
            (Delta::Citation(_), _) => {}
            (Delta::Logprobs(list), _) => self.chunk(index, None, out, |_| {}, Some(&list)),
        }
    }

    /// More of the arguments of the open call.
    fn arguments(&self, index: u32, text: &str, out: &mut Vec<u8>) {
        let number = self.choices.get(&index).map_or(0, |choice| choice.calls.saturating_sub(1));
        let arguments = |json: &mut Json| {
            json.put_array("tool_calls", |json| {
                json.object(|json| {
                    json.put_number("index", number);
                    json.put_object("function", |json| json.put("arguments", text));
                });
            });
        };
        self.chunk(index, None, out, arguments, None);
    }

    fn media(&mut self, index: u32, media: &Media, out: &mut Vec<u8>) {
        let Some(url) = media::to_url(media).filter(|_| media.kind == MediaKind::Image) else {
            return out.extend_from_slice(ANSWER_MEDIA_COMMENT);
        };
        let Some(choice) = self.choices.get_mut(&index) else { return };
        let place = choice.images;
        choice.images += 1;
        let images = |json: &mut Json| json.put_array("images", |json| write_image(json, place, &url));
        self.chunk(index, None, out, images, None);
    }

    fn head(&self, json: &mut Json) {
        json.put("id", &self.id);
        json.put("object", "chat.completion.chunk");
        json.put_number("created", self.envelope.created);
        json.put("model", &self.model);
    }

    fn chunk(
        &self,
        index: u32,
        finish: Option<&str>,
        out: &mut Vec<u8>,
        delta: impl FnOnce(&mut Json),
        logprobs: Option<&str>,
    ) {
        let body = Json::of(|json| {
            self.head(json);
            json.put_array("choices", |json| {
                json.object(|json| {
                    json.put_number("index", index);
                    json.put_object("delta", delta);
                    match logprobs {
                        Some(list) => json.put_object("logprobs", |json| json.put_raw("content", list)),
                        None => json.put_null("logprobs"),
                    }
                    match finish {
                        Some(word) => json.put("finish_reason", word),
                        None => json.put_null("finish_reason"),
                    }
                });
            });
            if self.envelope.stream_usage {
                json.put_null("usage");
            }
        });
        out.extend(fault::sse(None, &body));
    }
}
