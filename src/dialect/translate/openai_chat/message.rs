//! Messages, which stand alike in requests and answers.

use super::super::{
    conversation::{Citation, Content, Media, MediaKind, Part, Source, Thought},
    json::{self, Json, Object, Read, Unreadable},
    media,
    notes::Dropped,
    parts::{cache_mark, read_content as read_list},
    seal,
};

/// Reads `content`: a string or a list of parts.
pub(super) fn read_content(raw: &str, parts: &mut Vec<Part>, dropped: &mut Dropped) -> Read<()> {
    read_list(raw, parts, |item, parts| read_part(item, parts, dropped))
}

fn read_part(raw: &str, parts: &mut Vec<Part>, dropped: &mut Dropped) -> Read<()> {
    let mut part = Object::read(raw, "content")?;
    let cache = cache_mark(&mut part)?;
    let kind = part.needed_text("type")?;
    let content = match kind.as_str() {
        "text" => media::text(part.needed_text("text")?),
        "refusal" => Content::Refusal(part.needed_text("refusal")?),
        "thinking" => {
            // Mistral's thoughts: a list of texts in the part.
            let mut text = String::new();
            part.each("thinking", |item| {
                text.push_str(&Object::read(item, "thinking")?.text("text")?.unwrap_or_default());
                Ok(())
            })?;
            Content::Reasoning(Thought { text, seal: None })
        }
        "image_url" => {
            let mut image = part.object("image_url")?.ok_or_else(|| Unreadable::new("image_url", "an object"))?;
            let mut media = media::of_url(image.needed_text("url")?, MediaKind::Image);
            media.detail = image.text("detail")?;
            Content::Media(media)
        }
        "input_audio" => {
            let mut audio = part.object("input_audio")?.ok_or_else(|| Unreadable::new("input_audio", "an object"))?;
            let source = Source::Base64(audio.needed_text("data")?);
            let mime = audio.text("format")?.map(|format| media::audio_mime(&format));
            Content::Media(Media { kind: MediaKind::Audio, source, mime, name: None, detail: None })
        }
        "file" => {
            let mut file = part.object("file")?.ok_or_else(|| Unreadable::new("file", "an object"))?;
            let name = file.text("filename")?;
            let mut media = match (file.text("file_data")?, file.text("file_id")?) {
                (Some(data), _) => media::of_file_data(data),
                (None, Some(id)) => {
                    Media { kind: MediaKind::File, source: Source::FileId(id), mime: None, name: None, detail: None }
                }
                (None, None) => return Err(Unreadable::new("file", "an object with file_data or file_id")),
            };
            media.name = name;
            Content::Media(media)
        }
        other => return Err(Unreadable(format!("a part of type `{other}` cannot be translated"))),
    };
    part.drop_rest("messages[].content[].", dropped);
    parts.push(Part { content, cache });
    Ok(())
}

/// Reads what the model said: thoughts, text, refusal, calls.
pub(super) fn read_assistant(message: &mut Object<'_>, parts: &mut Vec<Part>, dropped: &mut Dropped) -> Read<()> {
    let mut calls: Vec<Part> = Vec::new();
    let mut sealed: Vec<Part> = Vec::new();
    message.each("tool_calls", |item| {
        let (call, thoughts) = read_call(item)?;
        for thought in thoughts {
            // Thoughts before the first call came before everything else in the turn; a bare seal belongs to its call.
            let leads = calls.is_empty() && !seal::belongs_to_next(&thought);
            let into = if leads { &mut sealed } else { &mut calls };
            into.push(Content::Reasoning(thought).into());
        }
        calls.push(call.into());
        Ok(())
    })?;
    let thought = message.take_any(&["reasoning", "reasoning_content"]).filter(|raw| json::is_string(raw));
    if let (Some(thought), true) = (thought, sealed.is_empty()) {
        let text = json::string(thought, "reasoning_content")?;
        if !text.is_empty() {
            parts.push(Content::Reasoning(Thought { text, seal: None }).into());
        }
    }
    parts.append(&mut sealed);
    if let Some(content) = message.take("content") {
        read_content(content, parts, dropped)?;
    }
    if let Some(refusal) = message.text("refusal")?.filter(|refusal| !refusal.is_empty()) {
        parts.push(Content::Refusal(refusal).into());
    }
    message.each("images", |item| {
        parts.extend(read_image(item)?.map(|image| Part::from(Content::Media(image))));
        Ok(())
    })?;
    let mut citations = Vec::new();
    message.each("annotations", |item| {
        citations.extend(read_annotation(item)?);
        Ok(())
    })?;
    if let Some(Part { content: Content::Text { citations: of_text, .. }, .. }) =
        parts.iter_mut().rev().find(|part| matches!(part.content, Content::Text { .. }))
    {
        *of_text = citations;
    }
    parts.append(&mut calls);
    Ok(())
}

/// A source with a URL.
pub(super) fn read_annotation(raw: &str) -> Read<Option<Citation>> {
    let Some(mut url) = Object::read(raw, "annotations")?.object("url_citation")? else { return Ok(None) };
    Ok(Some(Citation {
        url: url.text("url")?,
        title: url.text("title")?,
        quote: None,
        start: url.count("start_index")?,
        end: url.count("end_index")?,
    }))
}

/// An image that the model made, as OpenRouter and those who follow it tell it.
pub(super) fn read_image(raw: &str) -> Read<Option<Media>> {
    let mut image = Object::read(raw, "images")?;
    let url = image.object("image_url")?.map_or(Ok(None), |mut inner| inner.text("url"))?;
    Ok(url.map(|url| media::of_url(url, MediaKind::Image)))
}

/// The same, written; only for images that have a URL or bytes.
pub(super) fn write_image(json: &mut Json, index: usize, url: &str) {
    json.object(|json| {
        json.put("type", "image_url");
        json.put_number("index", index);
        json.put_object("image_url", |json| json.put("url", url));
    });
}

/// One call, and the thoughts that its id carries.
fn read_call(raw: &str) -> Read<(Content, Vec<Thought>)> {
    let mut call = Object::read(raw, "tool_calls")?;
    let (id, thoughts) = seal::unpack(&call.text("id")?.unwrap_or_default());
    let mut function =
        call.object("function")?.ok_or_else(|| Unreadable("only calls of functions can be translated".to_owned()))?;
    let name = function.needed_text("name")?;
    let arguments = match function.take("arguments") {
        Some(raw) if json::is_string(raw) => json::string(raw, "arguments")?,
        // Some servers send the object itself.
        Some(raw) => raw.to_owned(),
        None => String::new(),
    };
    Ok((Content::ToolCall { id, name, arguments }, thoughts))
}
