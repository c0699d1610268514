//! Messages, which stand alike in requests and answers.

use super::super::{
    conversation::{Content, Media, MediaKind, Part, Source, Thought},
    json::{self, Json, Object, Read, Unreadable},
    media, seal,
};

/// Reads what was said: thoughts, text, images, calls.
pub(super) fn read_message(message: &mut Object<'_>, parts: &mut Vec<Part>) -> Read<()> {
    let mut calls: Vec<Part> = Vec::new();
    let mut sealed: Vec<Part> = Vec::new();
    message.each("tool_calls", |item| {
        let mut call = Object::read(item, "tool_calls")?;
        let mut function = call.object("function")?.ok_or_else(|| Unreadable::new("function", "an object"))?;
        let (id, thoughts) = seal::unpack(&call.text("id")?.unwrap_or_default());
        for thought in thoughts {
            let leads = calls.is_empty() && !seal::belongs_to_next(&thought);
            let into = if leads { &mut sealed } else { &mut calls };
            into.push(Content::Reasoning(thought).into());
        }
        let arguments = match function.take("arguments") {
            Some(raw) if json::is_string(raw) => json::string(raw, "arguments")?,
            other => other.unwrap_or("{}").to_owned(),
        };
        calls.push(Content::ToolCall { id, name: function.needed_text("name")?, arguments }.into());
        Ok(())
    })?;
    if let Some(text) = message.text("thinking")?.filter(|text| !text.is_empty() && sealed.is_empty()) {
        parts.push(Content::Reasoning(Thought { text, seal: None }).into());
    }
    parts.append(&mut sealed);
    if let Some(text) = message.text("content")?.filter(|text| !text.is_empty()) {
        parts.push(media::text(text).into());
    }
    message.each("images", |item| {
        let data = json::string(item, "images")?;
        let mime = image_mime(&data).map(str::to_owned);
        let media = Media { kind: MediaKind::Image, source: Source::Base64(data), mime, name: None, detail: None };
        parts.push(Content::Media(media).into());
        Ok(())
    })?;
    parts.append(&mut calls);
    Ok(())
}

/// The type of an image by the beginning of its base64, since the API does not say it.
fn image_mime(data: &str) -> Option<&'static str> {
    [("iVBORw0KGgo", "image/png"), ("/9j/", "image/jpeg"), ("R0lGOD", "image/gif"), ("UklGR", "image/webp")]
        .iter()
        .find_map(|(begins, mime)| data.starts_with(begins).then_some(*mime))
}

/// A call; the API's own are told apart by their order, but newer clients know an id.
pub(super) fn write_call(json: &mut Json, id: &str, name: &str, arguments: &str) {
    json.object(|json| {
        if !id.is_empty() {
            json.put("id", id);
        }
        json.put_object("function", |json| {
            json.put("name", name);
            json.put_raw("arguments", &json::arguments_object(arguments));
        });
    });
}
