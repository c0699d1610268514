//! Content blocks, which stand alike in requests and answers.

use super::super::{
    conversation::{CacheMark, Citation, Content, Maker, Media, MediaKind, Part, Source, Thought},
    json::{self, Json, Object, Read, Unreadable},
    media,
    notes::Dropped,
    parts::{cache_mark, read_content as read_list},
    seal,
};

/// The longest id of a call that is sent to a provider.
const MAX_ID_BYTES: usize = 64;

/// Reads `content`: a string or a list of blocks.
pub(super) fn read_content(raw: &str, parts: &mut Vec<Part>, dropped: &mut Dropped) -> Read<()> {
    read_list(raw, parts, |item, parts| read_block(item, parts, dropped))
}

fn read_block(raw: &str, parts: &mut Vec<Part>, dropped: &mut Dropped) -> Read<()> {
    let mut block = Object::read(raw, "content")?;
    let cache = cache_mark(&mut block)?;
    let kind = block.needed_text("type")?;
    let content = match kind.as_str() {
        "text" => {
            let text = block.needed_text("text")?;
            let mut citations = Vec::new();
            block.each("citations", |item| {
                citations.push(read_citation(Object::read(item, "citations")?)?);
                Ok(())
            })?;
            Content::Text { text, citations }
        }
        "image" => Content::Media(read_source(&mut block, MediaKind::Image)?),
        "document" => {
            let mut media = read_source(&mut block, MediaKind::File)?;
            media.name = block.text("title")?;
            Content::Media(media)
        }
        "search_result" => {
            let mut text = Vec::new();
            text.extend(block.text("title")?);
            text.extend(block.text("source")?);
            block.each("content", |item| {
                text.push(Object::read(item, "content")?.needed_text("text")?);
                Ok(())
            })?;
            media::text(text.join("\n"))
        }
        "tool_use" => {
            let (id, _) = seal::unpack(&block.needed_text("id")?);
            let name = block.needed_text("name")?;
            let arguments = block.take("input").unwrap_or("{}").to_owned();
            block.take("caller");
            Content::ToolCall { id, name, arguments }
        }
        "tool_result" => {
            let mut inner = Vec::new();
            if let Some(content) = block.take("content") {
                read_content(content, &mut inner, dropped)?;
            }
            let (id, _) = seal::unpack(&block.needed_text("tool_use_id")?);
            let is_error = block.bool("is_error")?.unwrap_or(false);
            Content::ToolResult { id, name: None, parts: inner, is_error }
        }
        "thinking" => {
            let signature = block.text("signature")?.filter(|signature| !signature.is_empty());
            let text = block.text("thinking")?.unwrap_or_default();
            Content::Reasoning(Thought { text, seal: signature.map(|text| seal::of_field(text, Maker::Anthropic)) })
        }
        "redacted_thinking" => {
            let data = block.needed_text("data")?;
            Content::Reasoning(Thought {
                text: String::new(),
                seal: Some(seal::of_field(data, Maker::AnthropicRedacted)),
            })
        }
        // What Anthropic's own tools left in the conversation tells another model nothing it could use.
        other if other.starts_with("server_tool_") || other.ends_with("_tool_result") => {
            dropped.path(&format!("messages[].content[].{other}"));
            return Ok(());
        }
        other => return Err(Unreadable(format!("a block of type `{other}` cannot be translated"))),
    };
    block.drop_rest("messages[].content[].", dropped);
    parts.push(Part { content, cache });
    Ok(())
}

fn read_source(block: &mut Object<'_>, kind: MediaKind) -> Read<Media> {
    let mut source = block.object("source")?.ok_or_else(|| Unreadable::new("source", "an object"))?;
    let mime = source.text("media_type")?;
    let source = match source.needed_text("type")?.as_str() {
        "base64" => Source::Base64(source.needed_text("data")?),
        "text" => Source::Text(source.needed_text("data")?),
        "url" => Source::Url(source.needed_text("url")?),
        "file" => Source::FileId(source.needed_text("file_id")?),
        "content" => {
            let mut parts = Vec::new();
            if let Some(content) = source.take("content") {
                read_content(content, &mut parts, &mut Dropped::default())?;
            }
            let texts = parts.into_iter().filter_map(|part| match part.content {
                Content::Text { text, .. } => Some(text),
                _ => None,
            });
            Source::Text(texts.collect::<Vec<_>>().join("\n"))
        }
        other => return Err(Unreadable(format!("a source of type `{other}` cannot be translated"))),
    };
    Ok(Media { kind, source, mime, name: None, detail: None })
}

pub(super) fn read_citation(mut citation: Object<'_>) -> Read<Citation> {
    let document = citation.text("document_title")?;
    Ok(Citation {
        url: citation.text("url")?,
        title: citation.text("title")?.or(document),
        quote: citation.text("cited_text")?,
        start: citation.count("start_char_index")?,
        end: citation.count("end_char_index")?,
    })
}

/// A source as a web result, the one form that needs no document in the request.
pub(super) fn write_citation(json: &mut Json, citation: &Citation) {
    json.object(|json| {
        json.put("type", "web_search_result_location");
        json.put("url", citation.url.as_deref().unwrap_or_default());
        json.put("title", citation.title.as_deref().unwrap_or_default());
        json.put("encrypted_index", "");
        json.put("cited_text", citation.quote.as_deref().unwrap_or_default());
    });
}

/// A mark as its field.
pub(super) fn write_cache(json: &mut Json, cache: Option<CacheMark>) {
    if let Some(mark) = cache {
        json.put_object("cache_control", |json| {
            json.put("type", "ephemeral");
            if mark == CacheMark::Long {
                json.put("ttl", "1h");
            }
        });
    }
}

pub(super) fn write_text(json: &mut Json, text: &str, cache: Option<CacheMark>) {
    json.object(|json| {
        json.put("type", "text");
        json.put("text", text);
        write_cache(json, cache);
    });
}

pub(super) fn write_call(json: &mut Json, id: &str, name: &str, arguments: &str, cache: Option<CacheMark>) {
    json.object(|json| {
        json.put("type", "tool_use");
        json.put("id", &seal::plain_id(id, MAX_ID_BYTES));
        json.put("name", name);
        json.put_raw("input", &json::arguments_object(arguments));
        write_cache(json, cache);
    });
}

pub(super) fn call_id(id: &str) -> std::borrow::Cow<'_, str> {
    seal::plain_id(id, MAX_ID_BYTES)
}
