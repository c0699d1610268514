//! Writing a request.

use super::super::{
    Target,
    conversation::{Content, Format, Media, MediaKind, Part, Request, Role, Source, ToolChoice, Turn},
    json::Json,
    media,
    notes::{Dropped, Field, Unfit},
    seal,
};

/// The longest id of a call that OpenAI takes.
const MAX_ID_BYTES: usize = 40;

/// Writes a request; what cannot be said is named as dropped.
///
/// # Errors
/// When leaving something out would change what was asked.
pub(crate) fn write_request(request: &Request, target: &Target, dropped: &mut Dropped) -> Result<Vec<u8>, Unfit> {
    let client = target.client;
    let mut unfit = None;
    let body = Json::of(|json| {
        json.put("model", &request.model);
        json.put_array("messages", |json| {
            let loop_begins = current_loop(request);
            for (place, turn) in request.turns.iter().enumerate() {
                let thinks_on = place >= loop_begins;
                if let Err(why) = (Messages { json, target, dropped, thinks_on }).turn(turn) {
                    unfit.get_or_insert(why);
                }
            }
        });
        if request.stream {
            json.put_bool("stream", true);
            if target.asks_for_usage {
                json.put_object("stream_options", |json| json.put_bool("include_usage", true));
            }
        }
        let limit = if target.is_openai { "max_completion_tokens" } else { "max_tokens" };
        let sampling = &request.sampling;
        json.put_some(limit, sampling.max_output_tokens);
        json.put_some("temperature", sampling.temperature);
        json.put_some("top_p", sampling.top_p);
        json.put_some("seed", sampling.seed);
        json.put_some("frequency_penalty", sampling.frequency_penalty);
        json.put_some("presence_penalty", sampling.presence_penalty);
        json.put_some("n", sampling.n.filter(|n| *n != 1));
        json.put_some("logprobs", sampling.logprobs);
        json.put_some("top_logprobs", sampling.top_logprobs);
        if sampling.top_k.is_some() {
            // OpenAI refuses it; most servers that follow it take it, but not all.
            dropped.field(client, Field::TopK);
        }
        if !sampling.stop.is_empty() {
            json.put_array("stop", |json| sampling.stop.iter().for_each(|stop| json.text(stop)));
        }
        tools(json, request, target, dropped);
        format(json, request.format.as_ref());
        if let Some(reasoning) = &request.reasoning {
            json.put_text("reasoning_effort", reasoning.effort().map(|effort| target.effort(effort)));
        }
        json.put_text("user", request.user.as_deref());
        match request.service_tier.as_deref() {
            Some("standard_only") => dropped.field(client, Field::ServiceTier),
            Some(tier) if target.is_openai => json.put("service_tier", tier),
            Some("auto" | "default") | None => {}
            Some(_) => dropped.field(client, Field::ServiceTier),
        }
        if !request.metadata.is_empty() {
            if target.is_openai {
                json.put_object("metadata", |json| {
                    request.metadata.iter().for_each(|(key, value)| json.put(key, value))
                });
            } else {
                dropped.field(client, Field::Metadata);
            }
        }
        match &request.verbosity {
            Some(verbosity) if target.is_openai => json.put("verbosity", verbosity),
            Some(_) => dropped.field(client, Field::Verbosity),
            None => {}
        }
    });
    unfit.map_or(Ok(body), Err)
}

/// The turn at which the present exchange with tools began: thoughts before it are nobody's business any more.
fn current_loop(request: &Request) -> usize {
    let is_asked = |turn: &Turn| {
        turn.role == Role::User && turn.parts.iter().any(|part| !matches!(part.content, Content::ToolResult { .. }))
    };
    request.turns.iter().rposition(is_asked).unwrap_or(0)
}

fn tools(json: &mut Json, request: &Request, target: &Target, dropped: &mut Dropped) {
    if request.tools.is_empty() {
        return;
    }
    json.put_array("tools", |json| {
        for tool in &request.tools {
            json.object(|json| {
                json.put("type", "function");
                json.put_object("function", |json| {
                    json.put("name", &tool.name);
                    json.put_text("description", tool.description.as_deref());
                    json.put_raw(
                        "parameters",
                        tool.schema.as_deref().unwrap_or(r#"{"type":"object","properties":{}}"#),
                    );
                    if let Some(strict) = tool.strict {
                        json.put_bool("strict", strict);
                    }
                });
            });
            if tool.cache.is_some() {
                dropped.field(target.client, Field::ToolCache);
            }
        }
    });
    match &request.tool_choice {
        None => {}
        Some(ToolChoice::Auto) => json.put("tool_choice", "auto"),
        Some(ToolChoice::None) => json.put("tool_choice", "none"),
        Some(ToolChoice::Required) => json.put("tool_choice", "required"),
        Some(ToolChoice::Function(name)) => json.put_object("tool_choice", |json| {
            json.put("type", "function");
            json.put_object("function", |json| json.put("name", name));
        }),
        Some(ToolChoice::OneOf(names)) => json.put_object("tool_choice", |json| {
            json.put("type", "allowed_tools");
            json.put_object("allowed_tools", |json| {
                json.put("mode", "required");
                json.put_array("tools", |json| {
                    for name in names {
                        json.object(|json| {
                            json.put("type", "function");
                            json.put_object("function", |json| json.put("name", name));
                        });
                    }
                });
            });
        }),
    }
    if let Some(parallel) = request.parallel_tool_calls {
        json.put_bool("parallel_tool_calls", parallel);
    }
}

fn format(json: &mut Json, format: Option<&Format>) {
    match format {
        None | Some(Format::Text) => {}
        Some(Format::Json) => json.put_object("response_format", |json| json.put("type", "json_object")),
        Some(Format::Schema { name, description, schema, strict }) => json.put_object("response_format", |json| {
            json.put("type", "json_schema");
            json.put_object("json_schema", |json| {
                json.put("name", name.as_deref().unwrap_or("answer"));
                json.put_text("description", description.as_deref());
                json.put_raw("schema", schema);
                if let Some(strict) = strict {
                    json.put_bool("strict", *strict);
                }
            });
        }),
    }
}

/// Writes the messages of a turn.
struct Messages<'a> {
    json: &'a mut Json,
    target: &'a Target,
    dropped: &'a mut Dropped,
    /// Whether the turn belongs to the present exchange with tools.
    thinks_on: bool,
}

impl Messages<'_> {
    fn turn(&mut self, turn: &Turn) -> Result<(), Unfit> {
        if turn.parts.iter().any(|part| part.cache.is_some()) {
            self.dropped.field(self.target.client, Field::Cache);
        }
        match turn.role {
            Role::System | Role::Developer => {
                let role = if turn.role == Role::Developer && self.target.is_openai { "developer" } else { "system" };
                let text = joined(&turn.parts, "\n\n");
                self.message(role, turn.name.as_deref(), |json| json.put("content", &text));
                Ok(())
            }
            Role::Assistant => {
                self.assistant(turn);
                Ok(())
            }
            Role::User => self.user(turn),
        }
    }

    fn message(&mut self, role: &str, name: Option<&str>, fill: impl FnOnce(&mut Json)) {
        self.json.object(|json| {
            json.put("role", role);
            json.put_text("name", name);
            fill(json);
        });
    }

    fn assistant(&mut self, turn: &Turn) {
        let mut thoughts = String::new();
        for part in &turn.parts {
            if let Content::Reasoning(thought) = &part.content {
                if self.thinks_on && thought.seal.is_none() && !self.target.is_openai {
                    thoughts.push_str(&thought.text);
                } else if self.thinks_on {
                    self.dropped.field(self.target.client, Field::Thoughts);
                }
            }
            if matches!(&part.content, Content::Media(media) if !matches!(media.source, Source::Text(_))) {
                // What the model showed it cannot be shown again.
                self.dropped.field(self.target.client, Field::Image);
            }
        }
        let text = joined(&turn.parts, "");
        let refusal: String = turn
            .parts
            .iter()
            .filter_map(|part| if let Content::Refusal(text) = &part.content { Some(text.as_str()) } else { None })
            .collect();
        let is_call = |part: &&Part| matches!(part.content, Content::ToolCall { .. });
        let calls: Vec<&Part> = turn.parts.iter().filter(is_call).collect();
        self.message("assistant", turn.name.as_deref(), |json| {
            if text.is_empty() && (!calls.is_empty() || !refusal.is_empty()) {
                json.put_null("content");
            } else {
                json.put("content", &text);
            }
            if !refusal.is_empty() {
                json.put("refusal", &refusal);
            }
            if !thoughts.is_empty() {
                json.put("reasoning_content", &thoughts);
            }
            if calls.is_empty() {
                return;
            }
            json.put_array("tool_calls", |json| {
                for part in calls {
                    if let Content::ToolCall { id, name, arguments } = &part.content {
                        json.object(|json| {
                            json.put("id", &call_id(id));
                            json.put("type", "function");
                            json.put_object("function", |json| {
                                json.put("name", name);
                                json.put("arguments", if arguments.is_empty() { "{}" } else { arguments });
                            });
                        });
                    }
                }
            });
        });
    }

    /// Results become messages of their own, before what the user says; media in them, which the API has no place
    /// for, go to the user's message behind.
    fn user(&mut self, turn: &Turn) -> Result<(), Unfit> {
        let mut rest: Vec<&Part> = Vec::new();
        let mut of_tools: Vec<&Part> = Vec::new();
        for part in &turn.parts {
            let Content::ToolResult { id, parts, is_error, .. } = &part.content else {
                rest.push(part);
                continue;
            };
            if *is_error {
                self.dropped.field(self.target.client, Field::ToolError);
            }
            let text = joined(parts, "\n");
            self.message("tool", None, |json| {
                json.put("tool_call_id", &call_id(id));
                json.put("content", &text);
            });
            of_tools.extend(parts.iter().filter(|part| matches!(part.content, Content::Media(_))));
        }
        of_tools.append(&mut rest);
        if of_tools.is_empty() {
            return Ok(());
        }
        if let [Part { content: Content::Text { text, .. }, .. }] = of_tools.as_slice() {
            self.message("user", turn.name.as_deref(), |json| json.put("content", text));
            return Ok(());
        }
        let mut unfit = None;
        let target = self.target;
        let dropped = &mut *self.dropped;
        self.json.object(|json| {
            json.put("role", "user");
            json.put_text("name", turn.name.as_deref());
            json.put_array("content", |json| {
                for part in of_tools {
                    if let Err(why) = user_part(json, &part.content, target, dropped) {
                        unfit.get_or_insert(why);
                    }
                }
            });
        });
        unfit.map_or(Ok(()), Err)
    }
}

fn user_part(json: &mut Json, content: &Content, target: &Target, dropped: &mut Dropped) -> Result<(), Unfit> {
    match content {
        Content::Text { text, .. } => json.object(|json| {
            json.put("type", "text");
            json.put("text", text);
        }),
        Content::Media(media) => return user_media(json, media, target),
        Content::Reasoning(_) => dropped.field(target.client, Field::Thoughts),
        Content::Refusal(_) | Content::ToolCall { .. } | Content::ToolResult { .. } => {}
    }
    Ok(())
}

fn user_media(json: &mut Json, media: &Media, target: &Target) -> Result<(), Unfit> {
    let unfit =
        |field: Field, why| Err(Unfit { path: field.path(target.client).to_owned(), target: "openai_chat", why });
    match (media.kind, &media.source) {
        (_, Source::Text(text)) => json.object(|json| {
            json.put("type", "text");
            json.put("text", text);
        }),
        (MediaKind::Image, _) => {
            let Some(url) = media::to_url(media) else {
                return unfit(Field::Image, "an image must be a URL or its bytes, not the id of a file");
            };
            json.object(|json| {
                json.put("type", "image_url");
                json.put_object("image_url", |json| {
                    json.put("url", &url);
                    json.put_text("detail", media.detail.as_deref());
                });
            });
        }
        (MediaKind::Audio, Source::Base64(data)) => {
            let Some(format) = media::audio_format(media) else {
                return unfit(Field::Audio, "sound must be wav or mp3");
            };
            json.object(|json| {
                json.put("type", "input_audio");
                json.put_object("input_audio", |json| {
                    json.put("data", data);
                    json.put("format", format);
                });
            });
        }
        (MediaKind::Audio, _) => {
            return unfit(Field::Audio, "sound must come as bytes, and the gateway fetches nothing");
        }
        (MediaKind::Video, _) => return unfit(Field::Video, "the API takes no films"),
        (MediaKind::File, Source::Url(_)) => {
            return unfit(Field::File, "a file must come as bytes, and the gateway fetches nothing");
        }
        (MediaKind::File, Source::FileId(id)) => json.object(|json| {
            json.put("type", "file");
            json.put_object("file", |json| json.put("file_id", id));
        }),
        (MediaKind::File, Source::Base64(_)) => json.object(|json| {
            json.put("type", "file");
            json.put_object("file", |json| {
                json.put("filename", media.name.as_deref().unwrap_or("file.pdf"));
                json.put_text("file_data", media::to_url(media).as_deref());
            });
        }),
    }
    Ok(())
}

fn call_id(id: &str) -> std::borrow::Cow<'_, str> {
    if !id.is_empty() && id.len() <= MAX_ID_BYTES { id.into() } else { seal::plain_id(id, MAX_ID_BYTES) }
}

/// The texts of parts, one behind the other.
fn joined(parts: &[Part], between: &str) -> String {
    let texts: Vec<&str> = parts
        .iter()
        .filter_map(|part| match &part.content {
            Content::Text { text, .. } => Some(text.as_str()),
            Content::Media(Media { source: Source::Text(text), .. }) => Some(text.as_str()),
            _ => None,
        })
        .collect();
    texts.join(between)
}
