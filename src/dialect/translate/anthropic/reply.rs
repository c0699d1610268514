//! Whole answers, read and written.

use super::{
    super::{
        Envelope, Ids,
        answer::{Choice, FinishReason, Reply},
        conversation::{Content, Maker, Part},
        json::{Json, Object, Read, Unreadable},
        notes::{ANSWER_MEDIA, Dropped},
        seal,
    },
    blocks, finish, finish_word, read_usage, write_usage,
};
use crate::domain::Usage;

pub(crate) fn read_reply(body: &str, _ids: &mut Ids) -> Read<Reply> {
    let mut top = Object::read(body, "body")?;
    let mut parts = Vec::new();
    let content = top.take("content").ok_or_else(|| Unreadable::new("content", "a list"))?;
    blocks::read_content(content, &mut parts, &mut Dropped::default())?;
    let stop_sequence = top.text("stop_sequence")?;
    let finish = match top.text("stop_reason")? {
        Some(word) => finish(&word, stop_sequence),
        None => FinishReason::Stop.into(),
    };
    let mut usage = Usage::default();
    let mut service_tier = None;
    if let Some(raw) = top.take("usage") {
        read_usage(raw, &mut usage);
        service_tier = Object::read(raw, "usage")?.text("service_tier")?;
    }
    Ok(Reply {
        id: top.text("id")?,
        model: top.text("model")?,
        choices: vec![Choice { parts, finish, logprobs: None }],
        usage,
        service_tier,
    })
}

pub(crate) fn write_reply(reply: &Reply, envelope: &Envelope, dropped: &mut Dropped) -> Vec<u8> {
    let choice = reply.choices.first();
    let finish = choice.map_or(FinishReason::Stop.into(), |choice| choice.finish.clone());
    Json::of(|json| {
        json.put("id", &envelope.id(reply.id.as_deref(), "msg_"));
        json.put("type", "message");
        json.put("role", "assistant");
        json.put("model", envelope.model(reply.model.as_deref()));
        json.put_array("content", |json| {
            for part in choice.iter().flat_map(|choice| &choice.parts) {
                write_part(json, part, dropped);
            }
        });
        json.put("stop_reason", finish_word(finish.reason));
        match &finish.stop_sequence {
            Some(stop) => json.put("stop_sequence", stop),
            None => json.put_null("stop_sequence"),
        }
        write_usage(json.key("usage"), &reply.usage);
    })
}

fn write_part(json: &mut Json, part: &Part, dropped: &mut Dropped) {
    match &part.content {
        Content::Text { text, citations } => json.object(|json| {
            json.put("type", "text");
            json.put("text", text);
            if !citations.is_empty() {
                json.put_array("citations", |json| {
                    citations.iter().for_each(|citation| blocks::write_citation(json, citation));
                });
            }
        }),
        Content::Refusal(text) => blocks::write_text(json, text, None),
        Content::ToolCall { id, name, arguments } => blocks::write_call(json, id, name, arguments, None),
        Content::Reasoning(thought) => json.object(|json| {
            json.put("type", "thinking");
            json.put("thinking", &thought.text);
            let signature = thought.seal.as_ref().map(|seal| seal::to_field(seal, Maker::Anthropic));
            json.put("signature", signature.as_deref().unwrap_or_default());
        }),
        Content::Media(_) => dropped.path(ANSWER_MEDIA),
        Content::ToolResult { .. } => {}
    }
}
