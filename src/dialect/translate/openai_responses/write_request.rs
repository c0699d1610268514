//! Writing a request. Nothing is stored with OpenAI: sealed thoughts come along instead.

use super::{
    super::{
        Target,
        conversation::{Content, Format, Maker, Media, MediaKind, Part, Request, Role, Source, ToolChoice, Turn},
        json::Json,
        media,
        notes::{Dropped, Field, Unfit},
        seal,
    },
    items,
};

/// The longest id of a call that OpenAI takes.
const MAX_ID_BYTES: usize = 64;

/// Writes a request; what cannot be said is named as dropped.
///
/// # Errors
/// When leaving something out would change what was asked.
pub(crate) fn write_request(request: &Request, target: &Target, dropped: &mut Dropped) -> Result<Vec<u8>, Unfit> {
    let client = target.client;
    let asked = &request.sampling;
    if asked.n.is_some_and(|n| n > 1) {
        return Err(unfit(target, Field::N, "the API gives one answer"));
    }
    let mut failed = None;
    let body = Json::of(|json| {
        json.put("model", &request.model);
        json.put_array("input", |json| {
            let mut input = Input { target, dropped, failed: None, refusals: 0 };
            request.turns.iter().for_each(|turn| input.turn(json, turn));
            failed = input.failed;
        });
        json.put_bool("store", false);
        if request.stream {
            json.put_bool("stream", true);
        }
        json.put_some("max_output_tokens", asked.max_output_tokens);
        json.put_some("temperature", asked.temperature);
        json.put_some("top_p", asked.top_p);
        tools(json, request);
        text(json, request);
        json.put_array("include", |json| {
            json.text("reasoning.encrypted_content");
            if asked.logprobs == Some(true) {
                json.text("message.output_text.logprobs");
            }
        });
        json.put_some("top_logprobs", asked.top_logprobs.filter(|_| asked.logprobs == Some(true)));
        if let Some(reasoning) = &request.reasoning {
            json.put_object("reasoning", |json| {
                json.put_text("effort", reasoning.effort().map(|effort| target.effort(effort)));
                // Summaries are not for everybody: OpenAI refuses them to organisations that it has not verified.
                if reasoning.shown == Some(true) {
                    json.put("summary", "auto");
                }
            });
        }
        json.put_text("user", request.user.as_deref());
        if !request.metadata.is_empty() {
            json.put_object("metadata", |json| request.metadata.iter().for_each(|(key, value)| json.put(key, value)));
        }
        match request.service_tier.as_deref() {
            Some("standard_only") => dropped.field(client, Field::ServiceTier),
            tier => json.put_text("service_tier", tier),
        }
        let left_out = [
            (asked.top_k.is_some(), Field::TopK),
            (asked.seed.is_some(), Field::Seed),
            (!asked.stop.is_empty(), Field::Stop),
            (asked.frequency_penalty.is_some_and(|penalty| penalty != 0.0), Field::FrequencyPenalty),
            (asked.presence_penalty.is_some_and(|penalty| penalty != 0.0), Field::PresencePenalty),
            (request.tools.iter().any(|tool| tool.cache.is_some()), Field::ToolCache),
        ];
        left_out.into_iter().filter(|(is_said, _)| *is_said).for_each(|(_, field)| dropped.field(client, field));
    });
    failed.map_or(Ok(body), Err)
}

fn unfit(target: &Target, field: Field, why: &'static str) -> Unfit {
    Unfit { path: field.path(target.client).to_owned(), target: "openai_responses", why }
}

fn tools(json: &mut Json, request: &Request) {
    if request.tools.is_empty() {
        return;
    }
    json.put_array("tools", |json| {
        for tool in &request.tools {
            json.object(|json| {
                json.put("type", "function");
                json.put("name", &tool.name);
                json.put_text("description", tool.description.as_deref());
                json.put_raw("parameters", tool.schema.as_deref().unwrap_or(r#"{"type":"object","properties":{}}"#));
                // Unlike elsewhere, a schema is strict here unless somebody says that it is not.
                json.put_bool("strict", tool.strict.unwrap_or(false));
            });
        }
    });
    let function = |json: &mut Json, name: &str| {
        json.put("type", "function");
        json.put("name", name);
    };
    match &request.tool_choice {
        None => {}
        Some(ToolChoice::Auto) => json.put("tool_choice", "auto"),
        Some(ToolChoice::None) => json.put("tool_choice", "none"),
        Some(ToolChoice::Required) => json.put("tool_choice", "required"),
        Some(ToolChoice::Function(name)) => json.put_object("tool_choice", |json| function(json, name)),
        Some(ToolChoice::OneOf(names)) => json.put_object("tool_choice", |json| {
            json.put("type", "allowed_tools");
            json.put("mode", "required");
            json.put_array("tools", |json| names.iter().for_each(|name| json.object(|json| function(json, name))));
        }),
    }
    if let Some(parallel) = request.parallel_tool_calls {
        json.put_bool("parallel_tool_calls", parallel);
    }
}

fn text(json: &mut Json, request: &Request) {
    let format = request.format.as_ref().filter(|format| **format != Format::Text);
    if format.is_none() && request.verbosity.is_none() {
        return;
    }
    json.put_object("text", |json| {
        match format {
            Some(Format::Schema { name, description, schema, strict }) => json.put_object("format", |json| {
                json.put("type", "json_schema");
                json.put("name", name.as_deref().unwrap_or("answer"));
                json.put_text("description", description.as_deref());
                json.put_raw("schema", schema);
                json.put_bool("strict", strict.unwrap_or(false));
            }),
            Some(Format::Json) => json.put_object("format", |json| json.put("type", "json_object")),
            Some(Format::Text) | None => {}
        }
        json.put_text("verbosity", request.verbosity.as_deref());
    });
}

/// Writes turns as items.
struct Input<'a> {
    target: &'a Target,
    dropped: &'a mut Dropped,
    failed: Option<Unfit>,
    refusals: u32,
}

impl Input<'_> {
    fn turn(&mut self, json: &mut Json, turn: &Turn) {
        if turn.name.is_some() {
            self.dropped.field(self.target.client, Field::TurnName);
        }
        if turn.parts.iter().any(|part| part.cache.is_some()) {
            self.dropped.field(self.target.client, Field::Cache);
        }
        let role = match turn.role {
            Role::Assistant => {
                turn.parts.iter().for_each(|part| self.of_model(json, part));
                return;
            }
            Role::System => "system",
            Role::Developer => "developer",
            Role::User => "user",
        };
        let is_result = |part: &&Part| matches!(part.content, Content::ToolResult { .. });
        let (results, rest): (Vec<&Part>, Vec<&Part>) = turn.parts.iter().partition(is_result);
        for part in results {
            let Content::ToolResult { id, parts, is_error, .. } = &part.content else { continue };
            if *is_error {
                self.dropped.field(self.target.client, Field::ToolError);
            }
            json.object(|json| {
                json.put("type", "function_call_output");
                json.put("call_id", &seal::plain_id(id, MAX_ID_BYTES));
                match parts.as_slice() {
                    [] => json.put("output", ""),
                    [Part { content: Content::Text { text, .. }, .. }] => json.put("output", text),
                    parts => json.put_array("output", |json| parts.iter().for_each(|part| self.part(json, part))),
                }
            });
        }
        if !rest.is_empty() {
            json.object(|json| {
                json.put("type", "message");
                json.put("role", role);
                json.put_array("content", |json| rest.into_iter().for_each(|part| self.part(json, part)));
            });
        }
    }

    fn of_model(&mut self, json: &mut Json, part: &Part) {
        match &part.content {
            Content::Text { text, .. } => json.object(|json| {
                json.put("type", "message");
                json.put("role", "assistant");
                json.put("content", text);
            }),
            Content::Refusal(text) => {
                // Only whole items of an answer may hold refusals, and those have an id.
                self.refusals += 1;
                items::write_message(json, &format!("msg_{}", self.refusals), "completed", |json| {
                    items::write_refusal(json, text);
                });
            }
            Content::ToolCall { id, name, arguments } => json.object(|json| {
                json.put("type", "function_call");
                json.put("call_id", &seal::plain_id(id, MAX_ID_BYTES));
                json.put("name", name);
                json.put("arguments", if arguments.is_empty() { "{}" } else { arguments });
            }),
            Content::Reasoning(thought) => {
                if thought.seal.as_ref().is_some_and(|seal| seal.maker == Maker::Openai) {
                    items::write_reasoning(json, thought, "");
                } else {
                    self.dropped.field(self.target.client, Field::Thoughts);
                }
            }
            // What the model showed it cannot be shown again: OpenAI knows its own images by their ids.
            Content::Media(_) => self.dropped.field(self.target.client, Field::Image),
            Content::ToolResult { .. } => {}
        }
    }

    fn part(&mut self, json: &mut Json, part: &Part) {
        let Content::Media(media) = &part.content else {
            if let Content::Text { text, .. } | Content::Refusal(text) = &part.content {
                input_text(json, text);
            }
            return;
        };
        if let Err(why) = self.media(json, media) {
            self.failed.get_or_insert(why);
        }
    }

    fn media(&self, json: &mut Json, media: &Media) -> Result<(), Unfit> {
        match (media.kind, &media.source) {
            (_, Source::Text(text)) => input_text(json, text),
            (MediaKind::Image, source) => json.object(|json| {
                json.put("type", "input_image");
                json.put("detail", media.detail.as_deref().unwrap_or("auto"));
                match source {
                    Source::FileId(id) => json.put("file_id", id),
                    _ => json.put_text("image_url", media::to_url(media).as_deref()),
                }
            }),
            (MediaKind::File, source) => json.object(|json| {
                json.put("type", "input_file");
                match source {
                    Source::FileId(id) => json.put("file_id", id),
                    Source::Url(url) => json.put("file_url", url),
                    _ => {
                        json.put("filename", media.name.as_deref().unwrap_or("file.pdf"));
                        json.put_text("file_data", media::to_url(media).as_deref());
                    }
                }
            }),
            (MediaKind::Audio, _) => return Err(unfit(self.target, Field::Audio, "the API takes no sound")),
            (MediaKind::Video, _) => return Err(unfit(self.target, Field::Video, "the API takes no films")),
        }
        Ok(())
    }
}

fn input_text(json: &mut Json, text: &str) {
    json.object(|json| {
        json.put("type", "input_text");
        json.put("text", text);
    });
}
