//! Whole answers, read and written.

use super::{
    super::{
        Envelope, Ids,
        answer::{Choice, Finish, FinishReason, Reply},
        conversation::{Citation, Content, MediaKind, Part, Thought},
        json::{self, Json, Object, Read, Unreadable},
        media,
        notes::{ANSWER_MEDIA, Dropped},
        seal,
    },
    finish_reason, finish_word, message, read_usage, write_usage,
};

pub(crate) fn read_reply(body: &str, ids: &mut Ids) -> Read<Reply> {
    let mut top = Object::read(body, "body")?;
    let mut reply = Reply {
        id: top.text("id")?,
        model: top.text("model")?,
        usage: top.take("usage").map(read_usage).unwrap_or_default(),
        service_tier: top.text("service_tier")?,
        choices: Vec::new(),
    };
    let choices = top.take("choices").ok_or_else(|| Unreadable::new("choices", "a list"))?;
    json::each(choices, "choices", |_, item| {
        let mut choice = Object::read(item, "choices")?;
        let mut parts = Vec::new();
        if let Some(mut message) = choice.object("message")? {
            message::read_assistant(&mut message, &mut parts, &mut Dropped::default())?;
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
        let reason = choice.text("finish_reason")?.map_or(FinishReason::Stop, |word| finish_reason(&word));
        let stop_sequence = choice.text("stop_reason").ok().flatten();
        let finish = finish(reason, stop_sequence, has_calls);
        let logprobs = choice.object("logprobs")?.and_then(|mut logprobs| logprobs.take("content"));
        reply.choices.push(Choice { parts, finish, logprobs: logprobs.map(str::to_owned) });
        Ok(())
    })?;
    if reply.choices.is_empty() {
        return Err(Unreadable::new("choices", "a list of at least one answer"));
    }
    Ok(reply)
}

/// Servers do not always say that they call, and vLLM says which stop text it met.
pub(super) fn finish(reason: FinishReason, stop_sequence: Option<String>, has_calls: bool) -> Finish {
    let reason = match (reason, &stop_sequence) {
        (FinishReason::Stop, _) if has_calls => FinishReason::ToolCalls,
        (FinishReason::Stop, Some(_)) => FinishReason::StopSequence,
        (reason, _) => reason,
    };
    Finish { reason, stop_sequence: stop_sequence.filter(|_| reason == FinishReason::StopSequence) }
}

pub(crate) fn write_reply(reply: &Reply, envelope: &Envelope, dropped: &mut Dropped) -> Vec<u8> {
    Json::of(|json| {
        json.put("id", &envelope.id(reply.id.as_deref(), "chatcmpl-"));
        json.put("object", "chat.completion");
        json.put_number("created", envelope.created);
        json.put("model", envelope.model(reply.model.as_deref()));
        json.put_array("choices", |json| {
            for (index, choice) in reply.choices.iter().enumerate() {
                json.object(|json| {
                    json.put_number("index", index);
                    json.put_object("message", |json| write_message(json, &choice.parts, dropped));
                    match &choice.logprobs {
                        Some(logprobs) => json.put_object("logprobs", |json| json.put_raw("content", logprobs)),
                        None => json.put_null("logprobs"),
                    }
                    json.put("finish_reason", finish_word(choice.finish.reason));
                });
            }
        });
        if !reply.usage.is_unknown() {
            write_usage(json.key("usage"), &reply.usage);
        }
        json.put_text("service_tier", reply.service_tier.as_deref());
    })
}

fn write_message(json: &mut Json, parts: &[Part], dropped: &mut Dropped) {
    let (mut text, mut refusal, mut thoughts) = (String::new(), String::new(), String::new());
    let mut sealed: Vec<Thought> = Vec::new();
    let mut calls = Vec::new();
    let mut cited: Vec<&Citation> = Vec::new();
    let mut images = Vec::new();
    for part in parts {
        match &part.content {
            Content::Text { text: more, citations } => {
                text.push_str(more);
                cited.extend(citations.iter().filter(|citation| citation.url.is_some()));
            }
            Content::Refusal(more) => refusal.push_str(more),
            Content::Reasoning(thought) => {
                thoughts.push_str(&thought.text);
                sealed.push(thought.clone());
            }
            Content::ToolCall { id, name, arguments } => {
                calls.push((seal::pack(id, &std::mem::take(&mut sealed)), name, arguments));
            }
            Content::Media(media) => match media::to_url(media).filter(|_| media.kind == MediaKind::Image) {
                Some(url) => images.push(url),
                None => dropped.path(ANSWER_MEDIA),
            },
            Content::ToolResult { .. } => {}
        }
    }
    json.put("role", "assistant");
    if text.is_empty() && (!calls.is_empty() || !refusal.is_empty()) {
        json.put_null("content");
    } else {
        json.put("content", &text);
    }
    if refusal.is_empty() {
        json.put_null("refusal");
    } else {
        json.put("refusal", &refusal);
    }
    if !thoughts.is_empty() {
        json.put("reasoning_content", &thoughts);
    }
    if !cited.is_empty() {
        json.put_array("annotations", |json| cited.iter().for_each(|citation| write_citation(json, citation)));
    }
    if !images.is_empty() {
        json.put_array("images", |json| {
            images.iter().enumerate().for_each(|(index, url)| message::write_image(json, index, url));
        });
    }
    if !calls.is_empty() {
        json.put_array("tool_calls", |json| {
            for (id, name, arguments) in calls {
                json.object(|json| {
                    json.put("id", &id);
                    json.put("type", "function");
                    json.put_object("function", |json| {
                        json.put("name", name);
                        json.put("arguments", if arguments.is_empty() { "{}" } else { arguments });
                    });
                });
            }
        });
    }
}

/// The API has room for the places of sources that have a URL.
pub(super) fn write_citation(json: &mut Json, citation: &Citation) {
    json.object(|json| {
        json.put("type", "url_citation");
        json.put_object("url_citation", |json| {
            json.put("url", citation.url.as_deref().unwrap_or_default());
            json.put("title", citation.title.as_deref().unwrap_or_default());
            json.put_number("start_index", citation.start.unwrap_or(0));
            json.put_number("end_index", citation.end.unwrap_or(0));
        });
    });
}
