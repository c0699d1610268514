//! Whole answers, read and written.

use super::{
    super::{
        Envelope, Ids,
        answer::{Choice, FinishReason, Reply},
        conversation::{Content, Part},
        json::{Json, Object, Read, Unreadable},
        notes::{ANSWER_CITATIONS, ANSWER_MEDIA, Dropped},
    },
    finish_reason, finish_word, parts, read_usage, write_usage,
};

pub(crate) fn read_reply(body: &str, ids: &mut Ids) -> Read<Reply> {
    let mut top = Object::read(body, "body")?;
    let mut reply = Reply {
        id: top.text("responseId")?,
        model: top.text("modelVersion")?,
        usage: top.take("usageMetadata").map(read_usage).unwrap_or_default(),
        ..Reply::default()
    };
    top.each("candidates", |item| {
        let mut candidate = Object::read(item, "candidates")?;
        let mut parts = Vec::new();
        if let Some(mut content) = candidate.object("content")? {
            parts::read_parts(&mut content, &mut parts, &mut Dropped::default())?;
        }
        let mut has_calls = false;
        for part in &mut parts {
            if let Content::ToolCall { id, .. } = &mut part.content {
                has_calls = true;
                if id.is_empty() {
                    *id = ids.call();
                }
            }
        }
        let word = candidate.text("finishReason")?.unwrap_or_default();
        let finish = finish_reason(&word, has_calls).into();
        reply.choices.push(Choice { parts, finish, logprobs: None });
        Ok(())
    })?;
    if reply.choices.is_empty() {
        // A prompt that was refused has no candidates, and nothing else has none.
        top.take("promptFeedback").ok_or_else(|| Unreadable::new("candidates", "a list of at least one answer"))?;
        reply.choices.push(Choice { parts: Vec::new(), finish: FinishReason::ContentFilter.into(), logprobs: None });
    }
    Ok(reply)
}

pub(crate) fn write_reply(reply: &Reply, envelope: &Envelope, dropped: &mut Dropped) -> Vec<u8> {
    Json::of(|json| {
        json.put_array("candidates", |json| {
            for (index, choice) in reply.choices.iter().enumerate() {
                json.object(|json| {
                    json.put_object("content", |json| {
                        json.put_array("parts", |json| {
                            choice.parts.iter().for_each(|part| write_part(json, part, dropped));
                        });
                        json.put("role", "model");
                    });
                    json.put("finishReason", finish_word(choice.finish.reason));
                    json.put_number("index", index);
                });
            }
        });
        if !reply.usage.is_unknown() {
            write_usage(json.key("usageMetadata"), &reply.usage);
        }
        json.put("modelVersion", envelope.model(reply.model.as_deref()));
        json.put("responseId", &envelope.id(reply.id.as_deref(), ""));
    })
}

fn write_part(json: &mut Json, part: &Part, dropped: &mut Dropped) {
    match &part.content {
        Content::Text { text, citations } => {
            if !citations.is_empty() {
                dropped.path(ANSWER_CITATIONS);
            }
            parts::write_text(json, text, None);
        }
        Content::Refusal(text) => parts::write_text(json, text, None),
        Content::Reasoning(thought) => parts::write_thought(json, thought),
        Content::ToolCall { id, name, arguments } => parts::write_call(json, Some(id), name, arguments, None),
        Content::Media(media) => {
            if !parts::write_media(json, media) {
                dropped.path(ANSWER_MEDIA);
            }
        }
        Content::ToolResult { .. } => {}
    }
}
