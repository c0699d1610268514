//! Writing the turns: user and model in alternation, results first, nothing empty.

use super::{
    super::{
        Target,
        conversation::{Content, Maker, Media, MediaKind, Part, Role, Source, Turn},
        json::Json,
        media,
        notes::{Dropped, Field, Unfit},
    },
    blocks,
    write_request::unfit,
};

/// What stands for a user who has not said anything: the API wants one to begin, and to say something.
const NOTHING: &str = ".";

/// Writes the turns: user and model in alternation, results first.
pub(super) struct Messages<'a> {
    pub(super) target: &'a Target,
    pub(super) dropped: &'a mut Dropped,
    pub(super) failed: Option<Unfit>,
}

impl Messages<'_> {
    pub(super) fn write(&mut self, json: &mut Json, turns: &[Turn], thinks: bool) {
        let mut merged: Vec<(Role, Vec<&Part>)> = Vec::new();
        for turn in turns.iter().filter(|turn| matches!(turn.role, Role::User | Role::Assistant)) {
            if turn.name.is_some() {
                self.dropped.field(self.target.client, Field::TurnName);
            }
            match merged.last_mut() {
                Some((role, parts)) if *role == turn.role => parts.extend(&turn.parts),
                _ => merged.push((turn.role, turn.parts.iter().collect())),
            }
        }
        if merged.first().is_none_or(|(role, _)| *role == Role::Assistant) {
            json.object(|json| {
                json.put("role", "user");
                json.put("content", NOTHING);
            });
        }
        let last = merged.len().saturating_sub(1);
        for (place, (role, mut parts)) in merged.into_iter().enumerate() {
            let is_user = role == Role::User;
            if is_user {
                parts.sort_by_key(|part| !matches!(part.content, Content::ToolResult { .. }));
            }
            json.object(|json| {
                json.put("role", if is_user { "user" } else { "assistant" });
                // Words that the model is to go on with may not end in space.
                let trims = !is_user && place == last;
                self.content(json, &parts, trims, thinks);
            });
        }
    }

    fn content(&mut self, json: &mut Json, parts: &[&Part], trims: bool, thinks: bool) {
        if let [Part { content: Content::Text { text, .. }, cache: None }] = parts {
            let text = if trims { text.trim_end() } else { text };
            json.put("content", if text.trim().is_empty() { NOTHING } else { text });
            return;
        }
        json.put_array("content", |json| {
            let mut written = 0;
            for (place, part) in parts.iter().enumerate() {
                let trims = trims && place + 1 == parts.len();
                written += usize::from(self.part(json, part, trims, thinks));
            }
            if written == 0 {
                blocks::write_text(json, NOTHING, None);
            }
        });
    }

    /// Writes one block; tells whether there was one.
    fn part(&mut self, json: &mut Json, part: &Part, trims: bool, thinks: bool) -> bool {
        match &part.content {
            Content::Text { text, .. } | Content::Refusal(text) => {
                let text = if trims { text.trim_end() } else { text };
                if text.trim().is_empty() {
                    return false;
                }
                blocks::write_text(json, text, part.cache);
            }
            Content::Media(media) => {
                if let Err(why) = self.media(json, media, part) {
                    self.failed.get_or_insert(why);
                }
            }
            Content::ToolCall { id, name, arguments } => blocks::write_call(json, id, name, arguments, part.cache),
            Content::ToolResult { id, parts, is_error, .. } => json.object(|json| {
                json.put("type", "tool_result");
                json.put("tool_use_id", &blocks::call_id(id));
                let parts: Vec<&Part> = parts
                    .iter()
                    .filter(|part| {
                        matches!(&part.content, Content::Text { text, .. } if !text.trim().is_empty())
                            || matches!(&part.content, Content::Media(_))
                    })
                    .collect();
                if !parts.is_empty() {
                    self.content(json, &parts, false, thinks);
                }
                if *is_error {
                    json.put_bool("is_error", true);
                }
                blocks::write_cache(json, part.cache);
            }),
            Content::Reasoning(thought) => match &thought.seal {
                Some(seal) if thinks && seal.maker == Maker::Anthropic => json.object(|json| {
                    json.put("type", "thinking");
                    json.put("thinking", &thought.text);
                    json.put("signature", &seal.data);
                }),
                Some(seal) if thinks && seal.maker == Maker::AnthropicRedacted => json.object(|json| {
                    json.put("type", "redacted_thinking");
                    json.put("data", &seal.data);
                }),
                _ => {
                    self.dropped.field(self.target.client, Field::Thoughts);
                    return false;
                }
            },
        }
        true
    }

    fn media(&mut self, json: &mut Json, media: &Media, part: &Part) -> Result<(), Unfit> {
        let refuse = |field, why| Err(unfit(self.target, field, why));
        let mime = media::mime(media);
        let kind = match media.kind {
            MediaKind::Image => "image",
            MediaKind::File => "document",
            MediaKind::Audio => return refuse(Field::Audio, "the API takes no sound"),
            MediaKind::Video => return refuse(Field::Video, "the API takes no films"),
        };
        let is_text = mime.starts_with("text/") || mime == "application/json";
        let decoded = match &media.source {
            Source::Base64(data) if kind == "document" && is_text => decode(data),
            _ => None,
        };
        match &media.source {
            Source::FileId(_) => return refuse(Field::File, "the file lies with another provider"),
            Source::Base64(_) if kind == "document" && mime != "application/pdf" && decoded.is_none() => {
                return refuse(Field::File, "files must be PDF or plain text");
            }
            _ => {}
        }
        if media.detail.as_deref().is_some_and(|detail| detail != "auto") {
            self.dropped.field(self.target.client, Field::Detail);
        }
        json.object(|json| {
            json.put("type", kind);
            json.put_object("source", |json| match (&media.source, &decoded) {
                (Source::Text(text), _) | (_, Some(text)) => {
                    json.put("type", "text");
                    json.put("media_type", "text/plain");
                    json.put("data", text);
                }
                (Source::Base64(data), None) => {
                    json.put("type", "base64");
                    json.put("media_type", mime);
                    json.put("data", data);
                }
                (Source::Url(url) | Source::FileId(url), None) => {
                    json.put("type", "url");
                    json.put("url", url);
                }
            });
            if kind == "document" {
                json.put_text("title", media.name.as_deref());
            }
            blocks::write_cache(json, part.cache);
        });
        Ok(())
    }
}

fn decode(data: &str) -> Option<String> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    STANDARD.decode(data).ok().and_then(|bytes| String::from_utf8(bytes).ok())
}
