//! From the fields of one document to what the whole answer has said.

use super::{
    Facts, Framing, StreamError, classes, cost,
    counts::{Counts, Slot},
    fault::Fault,
    fields::{Field, Shape, Side},
};
use crate::{
    dialect::watch::Value,
    domain::{Endpoint, Microcents},
};

/// What one document (event, line, element, body) says. Kept apart until it is complete, because
/// what its fields mean depends on its kind, which may come last.
#[derive(Debug, Default)]
pub(super) struct Draft {
    kind: String,
    model: String,
    id: String,
    finish: String,
    status: String,
    tier: String,
    counts: Counts,
    text_bytes: u64,
    delta_bytes: u64,
    is_done: bool,
    sequence_number: Option<u64>,
    pub(super) has_content: bool,
    pub(super) is_error_event: bool,
    entry: Entry,
    cost: Option<Microcents>,
    fault: Fault,
    loose: Fault,
}

/// An entry of one of Gemini's lists of modalities.
#[derive(Debug, Default)]
struct Entry {
    modality: Modality,
    tokens: u64,
}

#[derive(Clone, Copy, Debug, Default)]
enum Modality {
    Audio,
    Image,
    #[default]
    Other,
}

impl Draft {
    /// Ready for the next document, with the buffers it has.
    pub(super) fn clear(&mut self) {
        for text in [&mut self.kind, &mut self.model, &mut self.id, &mut self.finish, &mut self.status, &mut self.tier]
        {
            text.clear();
        }
        self.counts = Counts::default();
        self.text_bytes = 0;
        self.delta_bytes = 0;
        self.is_done = false;
        self.sequence_number = None;
        self.has_content = false;
        self.is_error_event = false;
        self.entry = Entry::default();
        self.cost = None;
        self.fault.clear();
        self.loose.clear();
    }

    pub(super) fn see(&mut self, field: Field, value: Value<'_>) {
        match (field, value) {
            (Field::Text, Value::Text(bytes)) => {
                self.text_bytes = self.text_bytes.saturating_add(bytes);
                self.has_content = true;
            }
            (Field::Delta, Value::Text(bytes)) => {
                self.delta_bytes = self.delta_bytes.saturating_add(bytes);
                self.has_content = true;
            }
            (Field::Content, Value::Open | Value::Text(_)) => self.has_content = true,
            (Field::BlockKind, Value::String(kind)) => {
                self.has_content |= !matches!(kind, b"text" | b"thinking" | b"message" | b"reasoning");
            }
            (Field::Count(slot), Value::Number(digits)) => {
                if let Some(count) = whole(digits) {
                    self.counts.set(slot, count);
                }
            }
            (Field::Done, Value::Bool(is_done)) => self.is_done = is_done,
            (Field::Sequence, Value::Number(digits)) => self.sequence_number = whole(digits),
            (Field::Usd, Value::Number(digits)) => self.cost = cost::from_usd(digits),
            (Field::Ticks, Value::Number(digits)) => self.cost = cost::from_ticks(digits),
            (Field::Entry(_) | Field::Modality | Field::EntryTokens, value) => self.see_entry(field, value),
            (_, Value::String(text)) => self.see_text(field, text),
            (Field::Error, Value::Open) => self.fault.is_told = true,
            (Field::ErrorCode, Value::Number(digits)) => self.fault.number = whole(digits),
            (Field::LooseCode, Value::Number(digits)) => self.loose.number = whole(digits),
            _ => {}
        }
    }

    fn see_text(&mut self, field: Field, text: &[u8]) {
        let text = String::from_utf8_lossy(text);
        if text.is_empty() {
            return;
        }
        let is_message = matches!(field, Field::Error | Field::ErrorMessage | Field::LooseMessage);
        let text = if is_message { &*text } else { beginning(&text) };
        let place = match field {
            Field::Kind => return self.see_kind(text),
            Field::Model => &mut self.model,
            Field::Id => &mut self.id,
            Field::Finish => &mut self.finish,
            Field::Status => &mut self.status,
            Field::Tier => &mut self.tier,
            Field::Error => {
                self.fault.is_told = true;
                &mut self.fault.message
            }
            Field::ErrorMessage => &mut self.fault.message,
            Field::LooseMessage => &mut self.loose.message,
            Field::ErrorWord | Field::ErrorCode => return self.fault.word(text),
            Field::LooseCode => return self.loose.word(text),
            _ => return,
        };
        place.clear();
        place.push_str(text);
    }

    /// Mistral says `object: "error"` and beside it the error's own `type`.
    fn see_kind(&mut self, kind: &str) {
        if self.kind == "error" {
            self.loose.word(kind);
            return;
        }
        if kind == "error" && !self.kind.is_empty() {
            self.loose.word(&self.kind);
        }
        self.kind.clear();
        self.kind.push_str(kind);
    }

    fn see_entry(&mut self, field: Field, value: Value<'_>) {
        match (field, value) {
            (Field::Modality, Value::String(name)) => {
                self.entry.modality = match name {
                    b"AUDIO" => Modality::Audio,
                    b"IMAGE" => Modality::Image,
                    _ => Modality::Other,
                };
            }
            (Field::EntryTokens, Value::Number(digits)) => self.entry.tokens = whole(digits).unwrap_or(0),
            (Field::Entry(side), Value::Close) => {
                let entry = std::mem::take(&mut self.entry);
                let slot = match (side, entry.modality) {
                    (_, Modality::Other) => return,
                    (Side::Prompt, Modality::Audio) => Slot::AudioIn,
                    (Side::Prompt, Modality::Image) => Slot::ImageIn,
                    (Side::Cache, Modality::Audio) => Slot::CachedAudio,
                    (Side::Cache, Modality::Image) => Slot::CachedImage,
                    (Side::Candidates, Modality::Audio) => Slot::AudioOut,
                    (Side::Candidates, Modality::Image) => Slot::ImageOut,
                };
                self.counts.add(slot, entry.tokens);
            }
            _ => {}
        }
    }

    /// The error of this document, if it tells one.
    fn error(&self) -> Option<StreamError> {
        if self.fault.is_told {
            return Some(self.fault.to_error());
        }
        (self.kind == "error" || self.is_error_event).then(|| self.loose.to_error())
    }
}

/// The longest name, id or reason that is kept, in bytes; what is longer is none.
const MAX_NAME_BYTES: usize = 256;

fn beginning(text: &str) -> &str {
    let mut end = text.len().min(MAX_NAME_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// A count: a whole number, also when it is written as `12.0`.
fn whole(digits: &str) -> Option<u64> {
    let digits =
        digits.split_once('.').filter(|(_, rest)| rest.bytes().all(|b| b == b'0')).map_or(digits, |(all, _)| all);
    digits.parse().ok()
}

/// What the answer has said so far.
#[derive(Clone, Debug)]
pub(super) struct Sums {
    shape: Shape,
    endpoint: Endpoint,
    pub(super) framing: Framing,
    counts: Counts,
    facts: Facts,
    /// `[DONE]`, or the API's own last event.
    pub(super) is_done: bool,
    /// What should be JSON begins as something else.
    pub(super) is_foreign: bool,
    pub(super) content_started: bool,
    pub(super) documents: u64,
}

impl Sums {
    pub(super) fn new(shape: Shape, endpoint: Endpoint, framing: Framing) -> Self {
        Self {
            shape,
            endpoint,
            framing,
            counts: Counts::default(),
            facts: Facts::default(),
            is_done: false,
            is_foreign: false,
            content_started: false,
            documents: 0,
        }
    }

    /// Takes over what a document says.
    pub(super) fn fold(&mut self, draft: &Draft) {
        self.counts.overlay(&draft.counts);
        if draft.kind == "speech.audio.done"
            && let Some(spoken) = draft.counts.get(Slot::Completion)
        {
            // Speech counts what it put out without saying that all of it is audio.
            self.counts.set(Slot::AudioOut, spoken);
        }
        let facts = &mut self.facts;
        keep_first(&mut facts.model, &draft.model);
        keep_first(&mut facts.response_id, &draft.id);
        keep_last(&mut facts.service_tier, &draft.tier);
        keep_last(&mut facts.finish_reason, &draft.finish);
        facts.sequence_number = draft.sequence_number.or(facts.sequence_number);
        if draft.cost.is_some() {
            facts.provider_cost = draft.cost;
        }
        let delta_is_text = !draft.kind.contains("audio");
        let delta_bytes = if delta_is_text { draft.delta_bytes } else { 0 };
        facts.output_text_bytes = facts.output_text_bytes.saturating_add(draft.text_bytes).saturating_add(delta_bytes);
        self.content_started |= draft.has_content;
        if let (None, Some(error)) = (&facts.error, draft.error()) {
            facts.error = Some(error);
            self.is_done = true;
        }
        self.is_done |= draft.is_done || self.ends(draft);
    }

    /// Whether this document is the API's last one.
    fn ends(&mut self, draft: &Draft) -> bool {
        match self.shape {
            // Not every server sends `[DONE]`. A finish reason alone is not the end, because the usage
            // may follow it: who hangs up between the two must not hide it.
            Shape::Openai => {
                (self.facts.finish_reason.is_some() && self.counts.get(Slot::Completion).is_some())
                    || matches!(
                        draft.kind.as_str(),
                        "transcript.text.done"
                            | "speech.audio.done"
                            | "image_generation.completed"
                            | "image_edit.completed"
                    )
            }
            Shape::Responses => {
                let ends = matches!(draft.status.as_str(), "completed" | "incomplete" | "failed" | "cancelled");
                if ends && draft.finish.is_empty() {
                    keep_last(&mut self.facts.finish_reason, &draft.status);
                }
                ends
            }
            Shape::Anthropic => draft.kind == "message_stop",
            Shape::Gemini => !draft.finish.is_empty(),
            Shape::Ollama => false,
        }
    }

    /// See [`Facts::ended`].
    pub(super) const fn has_ended(&self) -> bool {
        match self.framing {
            Framing::Opaque => true,
            _ if self.is_foreign => false,
            Framing::Json => self.documents > 0,
            Framing::Sse | Framing::JsonArray | Framing::NdJson => self.is_done,
        }
    }

    pub(super) fn into_facts(self) -> Facts {
        let ended = self.has_ended();
        let mut facts = self.facts;
        facts.usage = classes::usage(self.shape, self.endpoint, &self.counts);
        facts.content_started = self.content_started;
        facts.ended = ended;
        facts.error = facts.error.filter(|_| !self.is_foreign);
        facts
    }
}

fn keep_first(place: &mut Option<String>, text: &str) {
    if place.is_none() && !text.is_empty() {
        *place = Some(text.to_owned());
    }
}

fn keep_last(place: &mut Option<String>, text: &str) {
    if !text.is_empty() && place.as_deref() != Some(text) {
        *place = Some(text.to_owned());
    }
}
