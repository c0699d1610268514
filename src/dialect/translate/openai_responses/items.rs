//! Items, which stand alike in requests and answers.

use super::super::{
    conversation::{Citation, Content, Maker, Media, MediaKind, Part, Seal, Source, Thought},
    json::{self, Json, Object, Read, Unreadable},
    media,
    notes::Dropped,
    seal,
};

/// Reads the content of a message: a string or a list of parts.
pub(super) fn read_content(raw: &str, parts: &mut Vec<Part>, dropped: &mut Dropped) -> Read<()> {
    if json::is_string(raw) {
        let text = json::string(raw, "content")?;
        if !text.is_empty() {
            parts.push(media::text(text).into());
        }
        return Ok(());
    }
    json::each(raw, "content", |index, item| {
        read_part(item, parts, dropped).map_err(|error| error.within("content", index))
    })
}

fn read_part(raw: &str, parts: &mut Vec<Part>, dropped: &mut Dropped) -> Read<()> {
    let mut part = Object::read(raw, "content")?;
    let content = match part.needed_text("type")?.as_str() {
        "input_text" | "output_text" | "text" => {
            let text = part.needed_text("text")?;
            let mut citations = Vec::new();
            part.each("annotations", |item| {
                citations.extend(read_annotation(Object::read(item, "annotations")?)?);
                Ok(())
            })?;
            part.take("logprobs");
            Content::Text { text, citations }
        }
        "refusal" => Content::Refusal(part.needed_text("refusal")?),
        "input_image" => {
            let detail = part.text("detail")?;
            let mut media = match (part.text("image_url")?, part.text("file_id")?) {
                (Some(url), _) => media::of_url(url, MediaKind::Image),
                (None, Some(id)) => of_file(id, MediaKind::Image),
                (None, None) => return Err(Unreadable::new("input_image", "an image_url or a file_id")),
            };
            media.detail = detail;
            Content::Media(media)
        }
        "input_file" => {
            let name = part.text("filename")?;
            let mut media = match (part.text("file_data")?, part.text("file_url")?, part.text("file_id")?) {
                (Some(data), ..) => media::of_file_data(data),
                (None, Some(url), _) => media::of_url(url, MediaKind::File),
                (None, None, Some(id)) => of_file(id, MediaKind::File),
                (None, None, None) => return Err(Unreadable::new("input_file", "a file")),
            };
            media.name = name;
            Content::Media(media)
        }
        "input_audio" => {
            let mut audio = part.object("input_audio")?.ok_or_else(|| Unreadable::new("input_audio", "an object"))?;
            let source = Source::Base64(audio.needed_text("data")?);
            let mime = audio.text("format")?.map(|format| media::audio_mime(&format));
            Content::Media(Media { kind: MediaKind::Audio, source, mime, name: None, detail: None })
        }
        other => return Err(Unreadable(format!("a part of type `{other}` cannot be translated"))),
    };
    part.drop_rest("input[].content[].", dropped);
    parts.push(content.into());
    Ok(())
}

fn of_file(id: String, kind: MediaKind) -> Media {
    Media { kind, source: Source::FileId(id), mime: None, name: None, detail: None }
}

/// A source with a URL; other kinds name files that only OpenAI has.
pub(super) fn read_annotation(mut annotation: Object<'_>) -> Read<Option<Citation>> {
    let Some(url) = annotation.text("url")? else { return Ok(None) };
    Ok(Some(Citation {
        url: Some(url),
        title: annotation.text("title")?,
        quote: None,
        start: annotation.count("start_index")?,
        end: annotation.count("end_index")?,
    }))
}

/// A reasoning item. Its id is kept with what is sealed, for OpenAI wants both back.
pub(super) fn read_reasoning(item: &mut Object<'_>) -> Read<Thought> {
    let id = item.text("id")?.unwrap_or_default();
    let mut texts = Vec::new();
    for list in ["summary", "content"] {
        item.each(list, |part| {
            texts.extend(Object::read(part, list)?.text("text")?);
            Ok(())
        })?;
    }
    let sealed = item.text("encrypted_content")?.filter(|data| !data.is_empty());
    let seal = sealed.map(|data| match seal::of_field(data, Maker::Openai) {
        Seal { maker: Maker::Openai, data } => Seal { maker: Maker::Openai, data: format!("{id}:{data}") },
        foreign => foreign,
    });
    Ok(Thought { text: texts.join("\n\n"), seal })
}

/// A reasoning item; `id` where the seal brings none of its own.
pub(super) fn write_reasoning(json: &mut Json, thought: &Thought, id: &str) {
    let (id, sealed) = match &thought.seal {
        Some(Seal { maker: Maker::Openai, data }) => match data.split_once(':') {
            Some((own, data)) => (own, Some(data.to_owned())),
            None => (id, Some(data.clone())),
        },
        Some(foreign) => (id, Some(seal::to_field(foreign, Maker::Openai))),
        None => (id, None),
    };
    json.object(|json| {
        json.put("type", "reasoning");
        json.put("id", id);
        json.put_array("summary", |json| {
            if !thought.text.is_empty() {
                json.object(|json| {
                    json.put("type", "summary_text");
                    json.put("text", &thought.text);
                });
            }
        });
        json.put_text("encrypted_content", sealed.as_deref());
    });
}

/// A message of the model with one part.
pub(super) fn write_message(json: &mut Json, id: &str, status: &str, part: impl FnOnce(&mut Json)) {
    json.object(|json| {
        json.put("type", "message");
        json.put("id", id);
        json.put("status", status);
        json.put("role", "assistant");
        json.put_array("content", part);
    });
}

pub(super) fn write_text(json: &mut Json, text: &str, citations: &[Citation], logprobs: Option<&str>) {
    json.object(|json| {
        json.put("type", "output_text");
        json.put("text", text);
        json.put_array("annotations", |json| {
            citations
                .iter()
                .filter(|citation| citation.url.is_some())
                .for_each(|citation| write_citation(json, citation));
        });
        json.put_raw("logprobs", logprobs.unwrap_or("[]"));
    });
}

pub(super) fn write_citation(json: &mut Json, citation: &Citation) {
    json.object(|json| {
        json.put("type", "url_citation");
        json.put("url", citation.url.as_deref().unwrap_or_default());
        json.put("title", citation.title.as_deref().unwrap_or_default());
        json.put_number("start_index", citation.start.unwrap_or(0));
        json.put_number("end_index", citation.end.unwrap_or(0));
    });
}

pub(super) fn write_refusal(json: &mut Json, text: &str) {
    json.object(|json| {
        json.put("type", "refusal");
        json.put("refusal", text);
    });
}

/// An image that the model made. Its format has no other place.
pub(super) fn read_image(item: &mut Object<'_>) -> Read<Option<Media>> {
    let mime = item.text("output_format")?.map(|format| format!("image/{format}"));
    let source = item.text("result")?.filter(|data| !data.is_empty()).map(Source::Base64);
    Ok(source.map(|source| Media { kind: MediaKind::Image, source, mime, name: None, detail: None }))
}

/// The same, written; `data` is its base64, once it is done.
pub(super) fn write_image(json: &mut Json, id: &str, status: &str, data: Option<&str>, mime: &str) {
    json.object(|json| {
        json.put("type", "image_generation_call");
        json.put("id", id);
        json.put("status", status);
        json.put_text("output_format", mime.strip_prefix("image/"));
        match data {
            Some(data) => json.put("result", data),
            None => json.put_null("result"),
        }
    });
}

/// A call of the model.
pub(super) fn write_call(json: &mut Json, id: &str, status: &str, call_id: &str, name: &str, arguments: &str) {
    json.object(|json| {
        json.put("type", "function_call");
        json.put("id", id);
        json.put("status", status);
        json.put("call_id", call_id);
        json.put("name", name);
        json.put("arguments", arguments);
    });
}
