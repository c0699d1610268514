//! Whole answers, read and written.

use super::{
    super::{
        Envelope, Ids,
        answer::{Choice, FinishReason, Reply},
        conversation::{Content, Part},
        json::{self, Json, Object, Read, Unreadable},
        media,
        notes::{ANSWER_MEDIA, Dropped},
    },
    Response, finish_reason, items, read_usage, status,
};

pub(crate) fn read_reply(body: &str, _ids: &mut Ids) -> Read<Reply> {
    let mut top = Object::read(body, "body")?;
    let mut parts = Vec::new();
    let mut has_calls = false;
    let output = top.take("output").ok_or_else(|| Unreadable::new("output", "a list"))?;
    json::each(output, "output", |_, raw| {
        let mut item = Object::read(raw, "output")?;
        match item.text("type")?.as_deref() {
            Some("message") => {
                if let Some(content) = item.take("content") {
                    items::read_content(content, &mut parts, &mut Dropped::default())?;
                }
            }
            Some("function_call") => {
                has_calls = true;
                parts.push(
                    Content::ToolCall {
                        id: item.needed_text("call_id")?,
                        name: item.needed_text("name")?,
                        arguments: item.text("arguments")?.unwrap_or_default(),
                    }
                    .into(),
                );
            }
            Some("image_generation_call") => {
                parts.extend(items::read_image(&mut item)?.map(|image| Part::from(Content::Media(image))));
            }
            Some("reasoning") => parts.push(Content::Reasoning(items::read_reasoning(&mut item)?).into()),
            _ => {}
        }
        Ok(())
    })?;
    let why = top.object("incomplete_details")?.map_or(Ok(None), |mut details| details.text("reason"))?;
    let finish = finish_reason(&top.text("status")?.unwrap_or_default(), why.as_deref(), has_calls).into();
    Ok(Reply {
        id: top.text("id")?,
        model: top.text("model")?,
        choices: vec![Choice { parts, finish, logprobs: None }],
        usage: top.take("usage").map(read_usage).unwrap_or_default(),
        service_tier: top.text("service_tier")?,
    })
}

pub(crate) fn write_reply(reply: &Reply, envelope: &Envelope, dropped: &mut Dropped) -> Vec<u8> {
    let choice = reply.choices.first();
    let (status, why) = status(choice.map_or(FinishReason::Stop, |choice| choice.finish.reason));
    let id = envelope.id(reply.id.as_deref(), "resp_");
    let response = Response {
        id: &id,
        model: envelope.model(reply.model.as_deref()),
        status,
        why,
        usage: &reply.usage,
        service_tier: reply.service_tier.as_deref(),
    };
    let mut json = Json::default();
    response.write(&mut json, envelope, |json| {
        for (place, part) in choice.iter().flat_map(|choice| &choice.parts).enumerate() {
            let id = |prefix: &str| format!("{prefix}_{}_{place}", envelope.nonce);
            match &part.content {
                Content::Text { text, citations } => items::write_message(json, &id("msg"), "completed", |json| {
                    let logprobs = choice.and_then(|choice| choice.logprobs.as_deref());
                    items::write_text(json, text, citations, logprobs);
                }),
                Content::Refusal(text) => {
                    items::write_message(json, &id("msg"), "completed", |json| items::write_refusal(json, text));
                }
                Content::ToolCall { id: call_id, name, arguments } => {
                    let arguments = if arguments.is_empty() { "{}" } else { arguments };
                    items::write_call(json, &id("fc"), "completed", call_id, name, arguments);
                }
                Content::Reasoning(thought) => items::write_reasoning(json, thought, &id("rs")),
                Content::Media(media) => match media::image_data(media) {
                    Some(data) => items::write_image(json, &id("ig"), "completed", Some(data), media::mime(media)),
                    None => dropped.path(ANSWER_MEDIA),
                },
                Content::ToolResult { .. } => {}
            }
        }
    });
    json.into_bytes()
}
