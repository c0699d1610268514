//! Whole answers, read and written.

use super::{
    super::{
        Envelope, Ids,
        answer::{Choice, FinishReason, Reply},
        conversation::{Content, Thought},
        json::{Json, Object, Read, Unreadable},
        media,
        notes::{ANSWER_CITATIONS, ANSWER_MEDIA, Dropped},
        seal,
    },
    Said, finish_reason, message, read_usage, write_end, write_head, write_said,
};

pub(crate) fn read_reply(body: &str, ids: &mut Ids) -> Read<Reply> {
    let mut top = Object::read(body, "body")?;
    let mut parts = Vec::new();
    let mut said = top.object("message")?.ok_or_else(|| Unreadable::new("message", "an object"))?;
    message::read_message(&mut said, &mut parts)?;
    let mut has_calls = false;
    for part in &mut parts {
        if let Content::ToolCall { id, .. } = &mut part.content {
            has_calls = true;
            if id.is_empty() {
                *id = ids.call();
            }
        }
    }
    let finish = finish_reason(&top.text("done_reason")?.unwrap_or_default(), has_calls).into();
    Ok(Reply {
        id: None,
        model: top.text("model")?,
        usage: read_usage(&mut top)?,
        choices: vec![Choice { parts, finish, logprobs: None }],
        service_tier: None,
    })
}

pub(crate) fn write_reply(reply: &Reply, envelope: &Envelope, dropped: &mut Dropped) -> Vec<u8> {
    let choice = reply.choices.first();
    let (mut text, mut thoughts) = (String::new(), String::new());
    let mut sealed: Vec<Thought> = Vec::new();
    let (mut calls, mut image) = (Vec::new(), None);
    for part in choice.iter().flat_map(|choice| &choice.parts) {
        match &part.content {
            Content::Text { text: more, citations } => {
                if !citations.is_empty() {
                    dropped.path(ANSWER_CITATIONS);
                }
                text.push_str(more);
            }
            Content::Refusal(more) => text.push_str(more),
            Content::Reasoning(thought) => {
                thoughts.push_str(&thought.text);
                sealed.push(thought.clone());
            }
            Content::ToolCall { id, name, arguments } => {
                calls.push((seal::pack(id, &std::mem::take(&mut sealed)), name, arguments));
            }
            Content::Media(media) => match media::image_data(media) {
                // Only `/api/generate` has a place, and for one: Ollama's own client fails on images in a message.
                Some(data) if envelope.ollama_generate && image.is_none() => image = Some(data),
                _ => dropped.path(ANSWER_MEDIA),
            },
            Content::ToolResult { .. } => {}
        }
    }
    Json::of(|json| {
        write_head(json, envelope, reply.model.as_deref());
        let thinking = Some(&*thoughts).filter(|thoughts| !thoughts.is_empty());
        let said = Said { text: &text, thinking, image };
        write_said(json, envelope, &said, |json| {
            if !calls.is_empty() {
                json.put_array("tool_calls", |json| {
                    calls.iter().for_each(|(id, name, arguments)| message::write_call(json, id, name, arguments));
                });
            }
        });
        let reason = choice.map_or(FinishReason::Stop, |choice| choice.finish.reason);
        write_end(json, reason, &reply.usage);
    })
}
