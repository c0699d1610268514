//! Parts, which stand alike in requests and answers.

use super::{
    super::{
        conversation::{Content, Maker, Media, Part, Source, Thought},
        json::{self, Json, Object, Read, Unreadable},
        media,
        notes::Dropped,
        seal,
    },
    take,
};

/// Reads the parts of one content.
pub(super) fn read_parts(content: &mut Object<'_>, parts: &mut Vec<Part>, dropped: &mut Dropped) -> Read<()> {
    content.each("parts", |item| read_part(item, parts, dropped))
}

fn read_part(raw: &str, parts: &mut Vec<Part>, dropped: &mut Dropped) -> Read<()> {
    let mut part = Object::read(raw, "parts")?;
    let is_thought = part.bool("thought")?.unwrap_or(false);
    let signature = take(&mut part, "thoughtSignature").map(|raw| json::string(raw, "thoughtSignature")).transpose()?;
    let mut sealed = signature.filter(|text| !text.is_empty()).map(seal::of_base64_field);
    let text = part.text("text")?;
    if is_thought {
        let text = text.unwrap_or_default();
        // The seal of a thought that came in pieces stands on an empty last one.
        if let (true, Some(Part { content: Content::Reasoning(before), .. })) = (text.is_empty(), parts.last_mut())
            && before.seal.is_none()
        {
            before.seal = sealed;
        } else {
            parts.push(Content::Reasoning(Thought { text, seal: sealed }).into());
        }
        return Ok(());
    }
    if let Some(seal) = sealed.take() {
        parts.push(Content::Reasoning(Thought { text: String::new(), seal: Some(seal) }).into());
    }
    if let Some(text) = text {
        if !text.is_empty() {
            parts.push(media::text(text).into());
        }
    } else if let Some(raw) = take(&mut part, "inlineData") {
        let mut data = Object::read(raw, "inlineData")?;
        let mime = mime(&mut data)?;
        let name = take(&mut data, "displayName").map(|raw| json::string(raw, "displayName")).transpose()?;
        let source = Source::Base64(data.needed_text("data")?);
        let kind = media::kind_of(mime.as_deref().unwrap_or_default());
        parts.push(Content::Media(Media { kind, source, mime, name, detail: None }).into());
    } else if let Some(raw) = take(&mut part, "fileData") {
        let mut file = Object::read(raw, "fileData")?;
        let mime = mime(&mut file)?;
        let uri = take(&mut file, "fileUri").ok_or_else(|| Unreadable::new("fileUri", "a string"))?;
        let source = Source::Url(json::string(uri, "fileUri")?);
        let kind = media::kind_of(mime.as_deref().unwrap_or_default());
        parts.push(Content::Media(Media { kind, source, mime, name: None, detail: None }).into());
    } else if let Some(raw) = take(&mut part, "functionCall") {
        let mut call = Object::read(raw, "functionCall")?;
        let (id, thoughts) = seal::unpack(&call.text("id")?.unwrap_or_default());
        parts.extend(thoughts.into_iter().map(|thought| Part::from(Content::Reasoning(thought))));
        let name = call.needed_text("name")?;
        let arguments = call.take("args").unwrap_or("{}").to_owned();
        parts.push(Content::ToolCall { id, name, arguments }.into());
    } else if let Some(raw) = take(&mut part, "functionResponse") {
        parts.push(read_response(Object::read(raw, "functionResponse")?, dropped)?.into());
    }
    part.drop_rest("contents[].parts[].", dropped);
    Ok(())
}

fn mime(data: &mut Object<'_>) -> Read<Option<String>> {
    take(data, "mimeType").map(|raw| json::string(raw, "mimeType")).transpose()
}

/// What a function gave back. By Google's convention the object holds `output` or `error`.
fn read_response(mut response: Object<'_>, dropped: &mut Dropped) -> Read<Content> {
    let (id, _) = seal::unpack(&response.text("id")?.unwrap_or_default());
    let name = Some(response.needed_text("name")?);
    let raw = response.take("response").unwrap_or("{}");
    let mut parts = Vec::new();
    read_parts(&mut response, &mut parts, dropped)?;
    let mut object = Object::read(raw, "response")?;
    let keys: Vec<&str> = object.rest().map(|(key, _)| key).collect();
    let only = match keys.as_slice() {
        ["output"] => Some("output"),
        ["result"] => Some("result"),
        ["error"] => Some("error"),
        _ => None,
    };
    let text = match only.and_then(|key| object.take(key)) {
        Some(value) if json::is_string(value) => json::string(value, "response")?,
        Some(value) => value.to_owned(),
        None => raw.to_owned(),
    };
    parts.insert(0, media::text(text).into());
    Ok(Content::ToolResult { id, name, parts, is_error: only == Some("error") })
}

/// A call as a part.
pub(super) fn write_call(json: &mut Json, id: Option<&str>, name: &str, arguments: &str, signature: Option<&str>) {
    json.object(|json| {
        json.put_object("functionCall", |json| {
            json.put_text("id", id.filter(|id| !id.is_empty()));
            json.put("name", name);
            json.put_raw("args", &json::arguments_object(arguments));
        });
        json.put_text("thoughtSignature", signature);
    });
}

pub(super) fn write_text(json: &mut Json, text: &str, signature: Option<&str>) {
    json.object(|json| {
        json.put("text", text);
        json.put_text("thoughtSignature", signature);
    });
}

/// A thought as a part, its seal with it.
pub(super) fn write_thought(json: &mut Json, thought: &Thought) {
    json.object(|json| {
        json.put("text", &thought.text);
        json.put_bool("thought", true);
        json.put_text("thoughtSignature", thought.seal.as_ref().map(seal::to_base64_field).as_deref());
    });
}

/// Bytes as a part.
pub(super) fn write_bytes(json: &mut Json, mime: &str, data: &str) {
    json.object(|json| {
        json.put_object("inlineData", |json| {
            json.put("mimeType", mime);
            json.put("data", data);
        });
    });
}

/// Media as a part; false when they have neither bytes nor a URL.
pub(super) fn write_media(json: &mut Json, media: &Media) -> bool {
    match &media.source {
        Source::Base64(data) => write_bytes(json, media::mime(media), data),
        Source::Url(url) => json.object(|json| {
            json.put_object("fileData", |json| {
                json.put("mimeType", media::mime(media));
                json.put("fileUri", url);
            });
        }),
        Source::Text(text) => write_text(json, text, None),
        Source::FileId(_) => return false,
    }
    true
}

/// Whether it is Gemini's own signature, which belongs to the part behind it.
pub(super) fn own_signature(thought: &Thought) -> Option<&str> {
    thought.seal.as_ref().filter(|seal| seal.maker == Maker::Gemini).map(|seal| seal.data.as_str())
}
