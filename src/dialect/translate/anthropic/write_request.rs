//! Writing a request.

use super::{
    super::{
        Target,
        conversation::{Content, Effort, Format, Maker, Part, Request, Role, Tool, ToolChoice, Turn},
        json::Json,
        notes::{Dropped, Field, Unfit},
    },
    blocks,
    messages::Messages,
};

/// What is asked for when neither the client nor the catalog knows how much the model may write: as much as the
/// smallest model of the API writes.
const MAX_TOKENS: u64 = 4_096;
/// The least that the API takes as a budget for thoughts.
const MIN_BUDGET_TOKENS: u64 = 1_024;

/// Writes a request; what cannot be said is named as dropped.
///
/// # Errors
/// When leaving something out would change what was asked.
pub(crate) fn write_request(request: &Request, target: &Target, dropped: &mut Dropped) -> Result<Vec<u8>, Unfit> {
    let client = target.client;
    if request.sampling.n.is_some_and(|n| n > 1) {
        return Err(unfit(target, Field::N, "the API gives one answer"));
    }
    let max_tokens = request.sampling.max_output_tokens.or(target.max_output_tokens).unwrap_or(MAX_TOKENS);
    let max_tokens = target.max_output_tokens.map_or(max_tokens, |most| max_tokens.min(most)).max(1);
    let thinks = thinking(request, target, max_tokens, dropped);
    let mut failed = None;
    let body = Json::of(|json| {
        json.put("model", &request.model);
        json.put_number("max_tokens", max_tokens);
        system(json, request);
        json.put_array("messages", |json| {
            let mut messages = Messages { target, dropped, failed: None };
            messages.write(json, &request.turns, thinks.is_on());
            failed = messages.failed;
        });
        tools(json, request);
        match thinks {
            Thinks::Budget(tokens) => json.put_object("thinking", |json| {
                json.put("type", "enabled");
                json.put_number("budget_tokens", tokens);
            }),
            Thinks::Adaptive => json.put_object("thinking", |json| json.put("type", "adaptive")),
            Thinks::Off | Thinks::Unsaid => {}
        }
        output_config(json, request, target, thinks, dropped);
        sampling(json, request, target, thinks.is_on(), dropped);
        if request.stream {
            json.put_bool("stream", true);
        }
        if let Some(user) = &request.user {
            json.put_object("metadata", |json| json.put("user_id", user));
        }
        match request.service_tier.as_deref() {
            Some("auto") | None => {}
            Some("default" | "standard_only") => json.put("service_tier", "standard_only"),
            Some(_) => dropped.field(client, Field::ServiceTier),
        }
        if !request.metadata.is_empty() {
            dropped.field(client, Field::Metadata);
        }
        if request.verbosity.is_some() {
            dropped.field(client, Field::Verbosity);
        }
    });
    failed.map_or(Ok(body), Err)
}

pub(super) fn unfit(target: &Target, field: Field, why: &'static str) -> Unfit {
    Unfit { path: field.path(target.client).to_owned(), target: "anthropic", why }
}

/// How the model is asked to think.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Thinks {
    Unsaid,
    Off,
    Budget(u64),
    Adaptive,
}

impl Thinks {
    const fn is_on(self) -> bool {
        matches!(self, Self::Budget(_) | Self::Adaptive)
    }
}

/// Thinking is left out where the API would refuse the request because of it, which is named.
fn thinking(request: &Request, target: &Target, max_tokens: u64, dropped: &mut Dropped) -> Thinks {
    let Some(reasoning) = &request.reasoning else { return Thinks::Unsaid };
    if reasoning.is_off() {
        return Thinks::Off;
    }
    let is_forced =
        matches!(request.tool_choice, Some(ToolChoice::Required | ToolChoice::Function(_) | ToolChoice::OneOf(_)));
    let budget = reasoning.budget_tokens().unwrap_or(Effort::Medium.budget_tokens());
    let budget = budget.max(MIN_BUDGET_TOKENS).min(max_tokens.saturating_sub(1));
    let has_room = target.thinks_by_effort || budget >= MIN_BUDGET_TOKENS;
    if (is_forced && !request.tools.is_empty()) || !has_room || is_thoughtless(request) {
        dropped.field(target.client, Field::Reasoning);
        return Thinks::Off;
    }
    if target.thinks_by_effort { Thinks::Adaptive } else { Thinks::Budget(budget) }
}

/// Whether the model is in the middle of calling tools, and the thoughts with which it began are gone: the API
/// refuses to think on without them.
fn is_thoughtless(request: &Request) -> bool {
    let is_asked = |turn: &Turn| {
        turn.role == Role::User && turn.parts.iter().any(|part| !matches!(part.content, Content::ToolResult { .. }))
    };
    let begins = request.turns.iter().rposition(is_asked).map_or(0, |place| place + 1);
    let mut answers = request.turns.iter().skip(begins).filter(|turn| turn.role == Role::Assistant);
    answers.next().is_some_and(|turn| {
        let calls = turn.parts.iter().any(|part| matches!(part.content, Content::ToolCall { .. }));
        calls && !turn.parts.iter().any(|part| is_own_thought(&part.content))
    })
}

fn is_own_thought(content: &Content) -> bool {
    let Content::Reasoning(thought) = content else { return false };
    thought.seal.as_ref().is_some_and(|seal| matches!(seal.maker, Maker::Anthropic | Maker::AnthropicRedacted))
}

/// The operator's word stands outside of the messages, wherever it stood.
fn system(json: &mut Json, request: &Request) {
    let is_system = |turn: &&Turn| matches!(turn.role, Role::System | Role::Developer);
    let parts: Vec<&Part> = request.turns.iter().filter(is_system).flat_map(|turn| &turn.parts).collect();
    let texts = || {
        parts.iter().filter_map(|part| match &part.content {
            Content::Text { text, .. } if !text.trim().is_empty() => Some((text, part.cache)),
            _ => None,
        })
    };
    match (texts().count(), texts().next()) {
        (0, _) | (_, None) => {}
        (1, Some((text, None))) => json.put("system", text),
        _ => json.put_array("system", |json| texts().for_each(|(text, cache)| blocks::write_text(json, text, cache))),
    }
}

fn tools(json: &mut Json, request: &Request) {
    // The API wants to know the tools of calls that were made, even if no more may be.
    let past: Vec<Tool> = if request.tools.is_empty() { past_tools(request) } else { Vec::new() };
    let is_past = !past.is_empty();
    let named: Option<&[String]> = match &request.tool_choice {
        Some(ToolChoice::OneOf(names)) => Some(names),
        _ => None,
    };
    let offered = request.tools.iter().chain(&past).filter(|tool| named.is_none_or(|names| names.contains(&tool.name)));
    let offered: Vec<&Tool> = offered.collect();
    if offered.is_empty() {
        return;
    }
    json.put_array("tools", |json| {
        for tool in offered {
            json.object(|json| {
                json.put("name", &tool.name);
                json.put_text("description", tool.description.as_deref());
                json.put_raw("input_schema", tool.schema.as_deref().unwrap_or(r#"{"type":"object"}"#));
                if tool.strict == Some(true) {
                    json.put_bool("strict", true);
                }
                blocks::write_cache(json, tool.cache);
            });
        }
    });
    let (word, name) = match &request.tool_choice {
        _ if is_past => ("none", None),
        Some(ToolChoice::None) => ("none", None),
        Some(ToolChoice::Required | ToolChoice::OneOf(_)) => ("any", None),
        Some(ToolChoice::Function(name)) => ("tool", Some(name)),
        Some(ToolChoice::Auto) => ("auto", None),
        None if request.parallel_tool_calls == Some(false) => ("auto", None),
        None => return,
    };
    json.put_object("tool_choice", |json| {
        json.put("type", word);
        json.put_text("name", name.map(String::as_str));
        if request.parallel_tool_calls == Some(false) && word != "none" {
            json.put_bool("disable_parallel_tool_use", true);
        }
    });
}

fn past_tools(request: &Request) -> Vec<Tool> {
    let mut tools: Vec<Tool> = Vec::new();
    for part in request.turns.iter().flat_map(|turn| &turn.parts) {
        if let Content::ToolCall { name, .. } = &part.content
            && !tools.iter().any(|tool| tool.name == *name)
        {
            tools.push(Tool { name: name.clone(), description: None, schema: None, strict: None, cache: None });
        }
    }
    tools
}

fn output_config(json: &mut Json, request: &Request, target: &Target, thinks: Thinks, dropped: &mut Dropped) {
    let effort = request.reasoning.as_ref().filter(|_| thinks == Thinks::Adaptive).and_then(|asked| asked.effort());
    let schema = match &request.format {
        Some(Format::Schema { schema, .. }) => Some(schema),
        Some(Format::Json) => {
            dropped.field(target.client, Field::Format);
            None
        }
        Some(Format::Text) | None => None,
    };
    if effort.is_none() && schema.is_none() {
        return;
    }
    json.put_object("output_config", |json| {
        if let Some(effort) = effort {
            let word = match effort {
                Effort::Off | Effort::Minimal => "low",
                other => other.as_str(),
            };
            json.put("effort", word);
        }
        if let Some(schema) = schema {
            json.put_object("format", |json| {
                json.put("type", "json_schema");
                json.put_raw("schema", schema);
            });
        }
    });
}

fn sampling(json: &mut Json, request: &Request, target: &Target, thinks: bool, dropped: &mut Dropped) {
    let asked = &request.sampling;
    let client = target.client;
    // Models that take an effort take none of these any more.
    let takes_none = target.thinks_by_effort;
    let mut temperature = None;
    match asked.temperature {
        None => {}
        // What they would do anyway is not said.
        Some(asked) if (takes_none || thinks) && (asked - 1.0).abs() <= f64::EPSILON => {}
        Some(_) if takes_none || thinks => dropped.field(client, Field::Temperature),
        Some(said) if said >= 1.0 => {
            // The scale ends at 1 here and at 2 elsewhere. It is 1 too where nothing is said.
            if said > 1.0 {
                dropped.field(client, Field::Temperature);
            }
            temperature = asked.top_p.is_none().then_some(1.0);
        }
        Some(said) => temperature = Some(said),
    }
    json.put_some("temperature", temperature);
    match asked.top_p {
        // The API takes one of both.
        Some(top_p) if takes_none || temperature.is_some() || (thinks && top_p < 0.95) => {
            dropped.field(client, Field::TopP);
        }
        top_p => json.put_some("top_p", top_p),
    }
    if (takes_none || thinks) && asked.top_k.is_some() {
        dropped.field(client, Field::TopK);
    } else {
        json.put_some("top_k", asked.top_k);
    }
    let stops: Vec<&String> = asked.stop.iter().filter(|stop| !stop.trim().is_empty()).collect();
    if stops.len() < asked.stop.len() {
        dropped.field(client, Field::Stop);
    }
    if !stops.is_empty() {
        json.put_array("stop_sequences", |json| stops.into_iter().for_each(|stop| json.text(stop)));
    }
    let left_out = [
        (asked.seed.is_some(), Field::Seed),
        (asked.frequency_penalty.is_some_and(|penalty| penalty != 0.0), Field::FrequencyPenalty),
        (asked.presence_penalty.is_some_and(|penalty| penalty != 0.0), Field::PresencePenalty),
        (asked.logprobs == Some(true), Field::Logprobs),
    ];
    left_out.into_iter().filter(|(is_said, _)| *is_said).for_each(|(_, field)| dropped.field(client, field));
}
