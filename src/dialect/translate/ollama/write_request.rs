//! Writing a request.

use super::{
    super::{
        Target,
        conversation::{Content, Format, Media, MediaKind, Part, Request, Role, Source, Tool, ToolChoice, Turn},
        json::Json,
        notes::{Dropped, Field, Unfit},
    },
    message,
};

/// Writes a request; what cannot be said is named as dropped.
///
/// # Errors
/// When leaving something out would change what was asked.
pub(crate) fn write_request(request: &Request, target: &Target, dropped: &mut Dropped) -> Result<Vec<u8>, Unfit> {
    let client = target.client;
    let unfit = |field: Field, why| Unfit { path: field.path(client).to_owned(), target: "ollama", why };
    if request.sampling.n.is_some_and(|n| n > 1) {
        return Err(unfit(Field::N, "the API gives one answer"));
    }
    let is_forced =
        matches!(request.tool_choice, Some(ToolChoice::Required | ToolChoice::Function(_) | ToolChoice::OneOf(_)));
    if is_forced && !request.tools.is_empty() {
        return Err(unfit(Field::ToolChoice, "the API cannot demand a call"));
    }
    let mut failed = None;
    let body = Json::of(|json| {
        json.put("model", &request.model);
        json.put_array("messages", |json| {
            let mut messages = Messages { request, target, dropped, failed: None };
            request.turns.iter().for_each(|turn| messages.turn(json, turn));
            failed = messages.failed;
        });
        json.put_bool("stream", request.stream);
        if !request.tools.is_empty() && request.tool_choice != Some(ToolChoice::None) {
            json.put_array("tools", |json| request.tools.iter().for_each(|tool| write_tool(json, tool)));
        }
        match &request.format {
            Some(Format::Json) => json.put("format", "json"),
            Some(Format::Schema { schema, .. }) => json.put_raw("format", schema),
            Some(Format::Text) | None => {}
        }
        if let Some(reasoning) = &request.reasoning {
            json.put_bool("think", !reasoning.is_off());
        }
        options(json, request);
        let left_out = [
            (request.sampling.logprobs == Some(true), Field::Logprobs),
            (request.parallel_tool_calls == Some(false), Field::ParallelToolCalls),
            (request.user.is_some(), Field::User),
            (!request.metadata.is_empty(), Field::Metadata),
            (
                request.service_tier.as_deref().is_some_and(|tier| !matches!(tier, "auto" | "default")),
                Field::ServiceTier,
            ),
            (request.verbosity.is_some(), Field::Verbosity),
            (request.tools.iter().any(|tool| tool.strict == Some(true)), Field::ToolStrict),
            (request.tools.iter().any(|tool| tool.cache.is_some()), Field::ToolCache),
        ];
        left_out.into_iter().filter(|(is_said, _)| *is_said).for_each(|(_, field)| dropped.field(client, field));
    });
    failed.map_or(Ok(body), Err)
}

fn write_tool(json: &mut Json, tool: &Tool) {
    json.object(|json| {
        json.put("type", "function");
        json.put_object("function", |json| {
            json.put("name", &tool.name);
            json.put("description", tool.description.as_deref().unwrap_or_default());
            json.put_raw("parameters", tool.schema.as_deref().unwrap_or(r#"{"type":"object","properties":{}}"#));
        });
    });
}

fn options(json: &mut Json, request: &Request) {
    let asked = &request.sampling;
    let is_silent = asked.max_output_tokens.is_none()
        && asked.temperature.is_none()
        && asked.top_p.is_none()
        && asked.top_k.is_none()
        && asked.seed.is_none()
        && asked.stop.is_empty()
        && asked.frequency_penalty.is_none()
        && asked.presence_penalty.is_none();
    if is_silent {
        return;
    }
    json.put_object("options", |json| {
        json.put_some("num_predict", asked.max_output_tokens);
        json.put_some("temperature", asked.temperature);
        json.put_some("top_p", asked.top_p);
        json.put_some("top_k", asked.top_k);
        json.put_some("seed", asked.seed);
        json.put_some("frequency_penalty", asked.frequency_penalty);
        json.put_some("presence_penalty", asked.presence_penalty);
        if !asked.stop.is_empty() {
            json.put_array("stop", |json| asked.stop.iter().for_each(|stop| json.text(stop)));
        }
    });
}

struct Messages<'a> {
    request: &'a Request,
    target: &'a Target,
    dropped: &'a mut Dropped,
    failed: Option<Unfit>,
}

impl Messages<'_> {
    fn turn(&mut self, json: &mut Json, turn: &Turn) {
        if turn.name.is_some() {
            self.dropped.field(self.target.client, Field::TurnName);
        }
        if turn.parts.iter().any(|part| part.cache.is_some()) {
            self.dropped.field(self.target.client, Field::Cache);
        }
        let role = match turn.role {
            Role::System | Role::Developer => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        let mut rest = Vec::new();
        for part in &turn.parts {
            let Content::ToolResult { id, name, parts, is_error } = &part.content else {
                rest.push(part);
                continue;
            };
            if *is_error {
                self.dropped.field(self.target.client, Field::ToolError);
            }
            let name = name.clone().or_else(|| self.called(id).map(str::to_owned));
            let inner: Vec<&Part> = parts.iter().collect();
            json.object(|json| {
                json.put("role", "tool");
                json.put_text("tool_name", name.as_deref());
                if !id.is_empty() {
                    json.put("tool_call_id", id);
                }
                self.said(json, &inner);
            });
        }
        if !rest.is_empty() || turn.parts.is_empty() {
            json.object(|json| {
                json.put("role", role);
                self.said(json, &rest);
            });
        }
    }

    /// The function of a call.
    fn called(&self, wanted: &str) -> Option<&str> {
        self.request.turns.iter().flat_map(|turn| &turn.parts).find_map(|part| match &part.content {
            Content::ToolCall { id, name, .. } if id == wanted => Some(name.as_str()),
            _ => None,
        })
    }

    fn said(&mut self, json: &mut Json, parts: &[&Part]) {
        let (mut text, mut thoughts) = (Vec::new(), String::new());
        let mut images = Vec::new();
        let mut calls = Vec::new();
        for part in parts {
            match &part.content {
                Content::Text { text: more, .. } | Content::Refusal(more) => text.push(more.as_str()),
                Content::Reasoning(thought) if thought.seal.is_none() => thoughts.push_str(&thought.text),
                Content::Reasoning(_) => self.dropped.field(self.target.client, Field::Thoughts),
                Content::ToolCall { id, name, arguments } => calls.push((id, name, arguments)),
                Content::Media(Media { source: Source::Text(more), .. }) => text.push(more.as_str()),
                Content::Media(media) => match (media.kind, &media.source) {
                    (MediaKind::Image, Source::Base64(data)) => images.push(data),
                    (MediaKind::Image, _) => {
                        self.refuse(Field::Image, "the API needs the bytes, and the gateway fetches nothing");
                    }
                    (MediaKind::Audio, _) => self.refuse(Field::Audio, "the API takes no sound"),
                    (MediaKind::Video, _) => self.refuse(Field::Video, "the API takes no films"),
                    (MediaKind::File, _) => self.refuse(Field::File, "the API takes no files"),
                },
                Content::ToolResult { .. } => {}
            }
        }
        json.put("content", &text.join("\n"));
        if !thoughts.is_empty() {
            json.put("thinking", &thoughts);
        }
        if !images.is_empty() {
            json.put_array("images", |json| images.into_iter().for_each(|data| json.text(data)));
        }
        if !calls.is_empty() {
            json.put_array("tool_calls", |json| {
                calls.into_iter().for_each(|(id, name, arguments)| message::write_call(json, id, name, arguments));
            });
        }
    }

    fn refuse(&mut self, field: Field, why: &'static str) {
        let path = field.path(self.target.client).to_owned();
        self.failed.get_or_insert(Unfit { path, target: "ollama", why });
    }
}
