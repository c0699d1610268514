//! Writing a request.

use super::{
    super::{
        Target,
        conversation::{Content, Effort, Format, Media, MediaKind, Part, Request, Role, Source, ToolChoice, Turn},
        json::{self, Json},
        media,
        notes::{Dropped, Field, Unfit},
    },
    parts,
};

/// Google's word for calls that another model made: models that demand a signature let them pass with it.
const UNSIGNED: &str = "skip_thought_signature_validator";
/// What stands for a user who has not said anything.
const NOTHING: &str = ".";

/// Writes a request; what cannot be said is named as dropped.
///
/// # Errors
/// When leaving something out would change what was asked.
pub(crate) fn write_request(request: &Request, target: &Target, dropped: &mut Dropped) -> Result<Vec<u8>, Unfit> {
    let mut failed = None;
    let body = Json::of(|json| {
        let is_system = |turn: &&Turn| matches!(turn.role, Role::System | Role::Developer);
        let system: Vec<&str> = request
            .turns
            .iter()
            .filter(is_system)
            .flat_map(|turn| &turn.parts)
            .filter_map(|part| match &part.content {
                Content::Text { text, .. } if !text.is_empty() => Some(text.as_str()),
                _ => None,
            })
            .collect();
        if !system.is_empty() {
            json.put_object("systemInstruction", |json| {
                json.put_array("parts", |json| system.iter().for_each(|text| parts::write_text(json, text, None)));
            });
        }
        json.put_array("contents", |json| {
            let mut contents = Contents { request, target, dropped, failed: None };
            contents.write(json);
            failed = contents.failed;
        });
        tools(json, request, target, dropped);
        json.put_object("generationConfig", |json| config(json, request, target, dropped));
    });
    failed.map_or(Ok(body), Err)
}

fn tools(json: &mut Json, request: &Request, target: &Target, dropped: &mut Dropped) {
    if request.tools.is_empty() {
        return;
    }
    json.put_array("tools", |json| {
        json.object(|json| {
            json.put_array("functionDeclarations", |json| {
                for tool in &request.tools {
                    json.object(|json| {
                        json.put("name", &tool.name);
                        json.put_text("description", tool.description.as_deref());
                        if let Some(schema) = &tool.schema {
                            json.put_raw("parametersJsonSchema", schema);
                        }
                    });
                    if tool.cache.is_some() {
                        dropped.field(target.client, Field::ToolCache);
                    }
                    if tool.strict == Some(true) {
                        dropped.field(target.client, Field::ToolStrict);
                    }
                }
            });
        });
    });
    let (mode, names): (_, &[String]) = match &request.tool_choice {
        None => return,
        Some(ToolChoice::Auto) => ("AUTO", &[]),
        Some(ToolChoice::None) => ("NONE", &[]),
        Some(ToolChoice::Required) => ("ANY", &[]),
        Some(ToolChoice::Function(name)) => ("ANY", std::slice::from_ref(name)),
        Some(ToolChoice::OneOf(names)) => ("ANY", names),
    };
    json.put_object("toolConfig", |json| {
        json.put_object("functionCallingConfig", |json| {
            json.put("mode", mode);
            if !names.is_empty() {
                json.put_array("allowedFunctionNames", |json| names.iter().for_each(|name| json.text(name)));
            }
        });
    });
}

fn config(json: &mut Json, request: &Request, target: &Target, dropped: &mut Dropped) {
    let asked = &request.sampling;
    json.put_some("temperature", asked.temperature);
    json.put_some("topP", asked.top_p);
    json.put_some("topK", asked.top_k);
    json.put_some("candidateCount", asked.n.filter(|n| *n != 1));
    json.put_some("maxOutputTokens", asked.max_output_tokens);
    json.put_some("presencePenalty", asked.presence_penalty);
    json.put_some("frequencyPenalty", asked.frequency_penalty);
    json.put_some("seed", asked.seed);
    if !asked.stop.is_empty() {
        json.put_array("stopSequences", |json| asked.stop.iter().for_each(|stop| json.text(stop)));
    }
    match &request.format {
        Some(Format::Json) => json.put("responseMimeType", "application/json"),
        Some(Format::Schema { schema, .. }) => {
            json.put("responseMimeType", "application/json");
            json.put_raw("responseJsonSchema", schema);
        }
        Some(Format::Text) | None => {}
    }
    if let Some(reasoning) = &request.reasoning {
        json.put_object("thinkingConfig", |json| {
            if target.thinks_by_effort {
                match reasoning.effort() {
                    Some(Effort::Off | Effort::Minimal | Effort::Low) => json.put("thinkingLevel", "low"),
                    Some(Effort::Medium) => json.put("thinkingLevel", "medium"),
                    Some(_) => json.put("thinkingLevel", "high"),
                    None => {}
                }
            } else {
                json.put_some("thinkingBudget", reasoning.budget_tokens());
            }
            if !reasoning.is_off() && reasoning.shown != Some(false) {
                json.put_bool("includeThoughts", true);
            }
        });
    }
    let left_out = [
        (asked.logprobs == Some(true), Field::Logprobs),
        (request.parallel_tool_calls == Some(false), Field::ParallelToolCalls),
        (request.user.is_some(), Field::User),
        (!request.metadata.is_empty(), Field::Metadata),
        (request.service_tier.as_deref().is_some_and(|tier| !matches!(tier, "auto" | "default")), Field::ServiceTier),
        (request.verbosity.is_some(), Field::Verbosity),
    ];
    left_out.into_iter().filter(|(is_said, _)| *is_said).for_each(|(_, field)| dropped.field(target.client, field));
}

/// Writes the turns: user and model in alternation.
struct Contents<'a> {
    request: &'a Request,
    target: &'a Target,
    dropped: &'a mut Dropped,
    failed: Option<Unfit>,
}

impl Contents<'_> {
    fn write(&mut self, json: &mut Json) {
        let mut merged: Vec<(Role, Vec<&Part>)> = Vec::new();
        for turn in self.request.turns.iter().filter(|turn| matches!(turn.role, Role::User | Role::Assistant)) {
            if turn.name.is_some() {
                self.dropped.field(self.target.client, Field::TurnName);
            }
            if turn.parts.iter().any(|part| part.cache.is_some()) {
                self.dropped.field(self.target.client, Field::Cache);
            }
            match merged.last_mut() {
                Some((role, parts)) if *role == turn.role => parts.extend(&turn.parts),
                _ => merged.push((turn.role, turn.parts.iter().collect())),
            }
        }
        if merged.first().is_none_or(|(role, _)| *role == Role::Assistant) {
            merged.insert(0, (Role::User, Vec::new()));
        }
        for (role, mut parts) in merged {
            if role == Role::User {
                // Results are told apart by name and order only: they stand as the calls stood.
                parts.sort_by_key(|part| match &part.content {
                    Content::ToolResult { id, .. } => self.call(id).map_or(0, |(place, _)| place),
                    _ => usize::MAX,
                });
            }
            json.object(|json| {
                json.put("role", if role == Role::User { "user" } else { "model" });
                json.put_array("parts", |json| self.parts(json, &parts));
            });
        }
    }

    /// The place and the name of the call that has this id.
    fn call(&self, id: &str) -> Option<(usize, &str)> {
        let all = self.request.turns.iter().flat_map(|turn| &turn.parts);
        let calls = all.filter_map(|part| match &part.content {
            Content::ToolCall { id, name, .. } => Some((id.as_str(), name.as_str())),
            _ => None,
        });
        calls.enumerate().find(|(_, (of, _))| *of == id).map(|(place, (_, name))| (place, name))
    }

    fn parts(&mut self, json: &mut Json, parts: &[&Part]) {
        let mut signature: Option<&str> = None;
        let mut has_signed = false;
        let mut written = 0;
        for part in parts {
            written += 1;
            match &part.content {
                Content::Text { text, .. } | Content::Refusal(text) => {
                    let signature = signature.take();
                    if text.is_empty() && signature.is_none() {
                        written -= 1;
                    } else {
                        parts::write_text(json, text, signature);
                    }
                }
                Content::Reasoning(thought) => {
                    written -= 1;
                    match parts::own_signature(thought) {
                        Some(own) => signature = Some(own),
                        None => self.dropped.field(self.target.client, Field::Thoughts),
                    }
                }
                Content::ToolCall { name, arguments, .. } => {
                    // Of several calls at once only the first is signed.
                    let unsigned = (self.target.thinks_by_effort && !has_signed).then_some(UNSIGNED);
                    has_signed = true;
                    parts::write_call(json, None, name, arguments, signature.take().or(unsigned));
                }
                Content::ToolResult { id, name, parts, is_error } => {
                    let name =
                        self.call(id).map_or_else(|| name.clone().unwrap_or_default(), |(_, name)| name.to_owned());
                    self.result(json, &name, parts, *is_error);
                }
                Content::Media(media) => self.media(json, media),
            }
        }
        if let Some(signature) = signature {
            parts::write_text(json, "", Some(signature));
        } else if written == 0 {
            parts::write_text(json, NOTHING, None);
        }
    }

    fn result(&mut self, json: &mut Json, name: &str, inner: &[Part], is_error: bool) {
        let texts = inner.iter().filter_map(|part| match &part.content {
            Content::Text { text, .. } => Some(text.as_str()),
            _ => None,
        });
        let text = texts.collect::<Vec<_>>().join("\n");
        json.object(|json| {
            json.put_object("functionResponse", |json| {
                json.put("name", name);
                if !is_error && json::is_object(&text) {
                    json.put_raw("response", &text);
                } else {
                    let key = if is_error { "error" } else { "output" };
                    json.put_object("response", |json| json.put(key, &text));
                }
            });
        });
        for part in inner {
            if let Content::Media(media) = &part.content {
                self.media(json, media);
            }
        }
    }

    fn media(&mut self, json: &mut Json, media: &Media) {
        let field = match media.kind {
            MediaKind::Image => Field::Image,
            MediaKind::Audio => Field::Audio,
            MediaKind::Video => Field::Video,
            MediaKind::File => Field::File,
        };
        let mut refuse = |why| {
            let path = field.path(self.target.client).to_owned();
            self.failed.get_or_insert(Unfit { path, target: "gemini", why });
        };
        match &media.source {
            Source::Base64(data) => parts::write_bytes(json, media::mime(media), data),
            Source::Text(text) => parts::write_text(json, text, None),
            Source::Url(url) if is_googles(url) => json.object(|json| {
                json.put_object("fileData", |json| {
                    json.put_text("mimeType", media.mime.as_deref());
                    json.put("fileUri", url);
                });
            }),
            Source::Url(_) => refuse("the API needs the bytes, and the gateway fetches nothing"),
            Source::FileId(_) => refuse("the file lies with another provider"),
        }
        if media.detail.as_deref().is_some_and(|detail| detail != "auto") {
            self.dropped.field(self.target.client, Field::Detail);
        }
    }
}

/// Whether it is a place from which Google takes files by itself.
fn is_googles(url: &str) -> bool {
    ["https://generativelanguage.googleapis.com/", "gs://", "https://www.youtube.com/", "https://youtu.be/"]
        .iter()
        .any(|place| url.starts_with(place))
}
