//! Reading a request. The model and whether it streams stand in the URL.

use std::collections::VecDeque;

use super::{
    super::{
        conversation::{Content, Effort, Format, Part, Reasoning, Request, Role, Tool, ToolChoice, Turn},
        json::{self, Object, Read, Unreadable},
        notes::Dropped,
        seal,
    },
    parts, schema, take,
};

/// Reads a request; what nobody knows is named as dropped.
pub(crate) fn read_request(body: &str, dropped: &mut Dropped) -> Read<Request> {
    let mut top = Object::read(body, "body")?;
    let mut request = Request { stream_usage: true, ..Request::default() };
    if let Some(raw) = take(&mut top, "systemInstruction") {
        let mut turn = Turn { role: Role::System, name: None, parts: Vec::new() };
        parts::read_parts(&mut Object::read(raw, "systemInstruction")?, &mut turn.parts, dropped)?;
        request.turns.push(turn);
    }
    let mut calls = Calls::default();
    top.each("contents", |item| {
        let mut content = Object::read(item, "contents")?;
        let role = match content.text("role")?.as_deref() {
            None | Some("user" | "function" | "tool") => Role::User,
            Some("model") => Role::Assistant,
            Some(_) => return Err(Unreadable::new("role", "user or model")),
        };
        let mut parts = Vec::new();
        parts::read_parts(&mut content, &mut parts, dropped)?;
        calls.name(&mut parts);
        content.drop_rest("contents[].", dropped);
        match request.turns.last_mut() {
            Some(turn) if role == Role::Assistant && turn.role == role => turn.parts.append(&mut parts),
            _ => request.turns.push(Turn { role, name: None, parts }),
        }
        Ok(())
    })?;
    let of_model = request.turns.iter_mut().filter(|turn| turn.role == Role::Assistant);
    of_model.for_each(|turn| turn.parts = joined(std::mem::take(&mut turn.parts)));
    top.each("tools", |item| read_tools(item, &mut request.tools, dropped))?;
    if let Some(raw) = take(&mut top, "toolConfig") {
        read_tool_config(Object::read(raw, "toolConfig")?, &mut request, dropped)?;
    }
    if let Some(raw) = take(&mut top, "generationConfig") {
        read_config(Object::read(raw, "generationConfig")?, &mut request, dropped)?;
    }
    top.drop_rest("", dropped);
    Ok(request)
}

/// What the model said comes back in the pieces in which it was streamed: a thought is one again, with its seal behind
/// its last piece, and so is a text.
fn joined(pieces: Vec<Part>) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::with_capacity(pieces.len());
    for piece in pieces {
        match (parts.last_mut().map(|part| &mut part.content), piece.content) {
            (Some(Content::Reasoning(whole)), Content::Reasoning(more))
                if whole.seal.is_none() && !seal::belongs_to_next(&more) =>
            {
                whole.text.push_str(&more.text);
                whole.seal = more.seal;
            }
            (Some(Content::Text { text, .. }), Content::Text { text: more, .. }) => text.push_str(&more),
            (_, content) => parts.push(content.into()),
        }
    }
    parts
}

/// Gives ids to calls that have none, and to the results that belong to them: by name, in their order.
#[derive(Default)]
struct Calls {
    made: u32,
    open: VecDeque<(String, String)>,
}

impl Calls {
    fn name(&mut self, parts: &mut [Part]) {
        for part in parts {
            match &mut part.content {
                Content::ToolCall { id, name, .. } => {
                    self.made += 1;
                    if id.is_empty() {
                        *id = format!("call_{}", self.made);
                    }
                    self.open.push_back((name.clone(), id.clone()));
                }
                Content::ToolResult { id, name, .. } => {
                    let is_its = |(of, call): &(String, String)| {
                        if id.is_empty() { Some(of) == name.as_ref() } else { call == id }
                    };
                    if let Some(call) = self.open.iter().position(is_its).and_then(|place| self.open.remove(place)) {
                        *id = call.1;
                    }
                }
                _ => {}
            }
        }
    }
}

fn read_tools(raw: &str, tools: &mut Vec<Tool>, dropped: &mut Dropped) -> Read<()> {
    let mut group = Object::read(raw, "tools")?;
    if let Some(list) = take(&mut group, "functionDeclarations") {
        json::each(list, "functionDeclarations", |_, item| {
            let mut function = Object::read(item, "functionDeclarations")?;
            let own = function.take("parameters").map(schema::to_json_schema);
            let standard = take(&mut function, "parametersJsonSchema").map(str::to_owned);
            tools.push(Tool {
                name: function.needed_text("name")?,
                description: function.text("description")?,
                schema: standard.or(own),
                strict: None,
                cache: None,
            });
            function.drop_rest("tools[].functionDeclarations[].", dropped);
            Ok(())
        })?;
    }
    match group.rest().next() {
        Some((kind, _)) => Err(Unreadable(format!("tool `{kind}` is Gemini's own and cannot be translated"))),
        None => Ok(()),
    }
}

fn read_tool_config(mut config: Object<'_>, request: &mut Request, dropped: &mut Dropped) -> Read<()> {
    if let Some(raw) = take(&mut config, "functionCallingConfig") {
        let mut calling = Object::read(raw, "functionCallingConfig")?;
        let mut names = Vec::new();
        if let Some(list) = take(&mut calling, "allowedFunctionNames") {
            json::each(list, "allowedFunctionNames", |_, item| {
                names.push(json::string(item, "allowedFunctionNames")?);
                Ok(())
            })?;
        }
        request.tool_choice = match (calling.text("mode")?.as_deref(), names.len()) {
            (Some("ANY"), 0) => Some(ToolChoice::Required),
            (Some("ANY"), 1) => names.pop().map(ToolChoice::Function),
            (Some("ANY"), _) => Some(ToolChoice::OneOf(names)),
            (Some("NONE"), _) => Some(ToolChoice::None),
            (Some("AUTO" | "VALIDATED"), _) => Some(ToolChoice::Auto),
            _ => None,
        };
    }
    config.drop_rest("toolConfig.", dropped);
    Ok(())
}

fn read_config(mut config: Object<'_>, request: &mut Request, dropped: &mut Dropped) -> Read<()> {
    let mut count = |name: &str| match take(&mut config, name) {
        Some(raw) => raw.parse::<f64>().map(Some).map_err(|_| Unreadable::new(name, "a number")),
        None => Ok(None),
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "casts from floats saturate")]
    let whole = |number: Option<f64>| number.map(|number| number as u64);
    let sampling = &mut request.sampling;
    sampling.temperature = count("temperature")?;
    sampling.top_p = count("topP")?;
    sampling.top_k = whole(count("topK")?);
    sampling.n = whole(count("candidateCount")?);
    sampling.max_output_tokens = whole(count("maxOutputTokens")?);
    sampling.presence_penalty = count("presencePenalty")?;
    sampling.frequency_penalty = count("frequencyPenalty")?;
    sampling.seed = config.integer("seed")?;
    if let Some(list) = take(&mut config, "stopSequences") {
        json::each(list, "stopSequences", |_, item| {
            sampling.stop.push(json::string(item, "stopSequences")?);
            Ok(())
        })?;
    }
    let mime = take(&mut config, "responseMimeType").map(|raw| json::string(raw, "responseMimeType")).transpose()?;
    let standard = take(&mut config, "responseJsonSchema").map(str::to_owned);
    let schema = take(&mut config, "responseSchema").map(schema::to_json_schema);
    request.format = match (standard.or(schema), mime.as_deref()) {
        (Some(schema), _) => Some(Format::Schema { name: None, description: None, schema, strict: None }),
        (None, Some("application/json")) => Some(Format::Json),
        (None, None | Some("text/plain")) => None,
        (None, Some(other)) => return Err(Unreadable(format!("responseMimeType `{other}` cannot be translated"))),
    };
    if let Some(list) = take(&mut config, "responseModalities") {
        json::each(list, "responseModalities", |_, item| match json::string(item, "responseModalities")?.as_str() {
            "TEXT" => Ok(()),
            other => Err(Unreadable(format!("modality `{other}` cannot be translated"))),
        })?;
    }
    if let Some(raw) = take(&mut config, "thinkingConfig") {
        request.reasoning = Some(read_thinking(Object::read(raw, "thinkingConfig")?)?);
    }
    config.drop_rest("generationConfig.", dropped);
    Ok(())
}

fn read_thinking(mut thinking: Object<'_>) -> Read<Reasoning> {
    let budget = take(&mut thinking, "thinkingBudget")
        .map(|raw| raw.parse::<i64>().map_err(|_| Unreadable::new("thinkingBudget", "a whole number")));
    let shown = take(&mut thinking, "includeThoughts").map(|raw| raw == "true");
    let level = take(&mut thinking, "thinkingLevel").map(|raw| json::string(raw, "thinkingLevel")).transpose()?;
    let effort = level.and_then(|level| Effort::parse(&level.to_ascii_lowercase()));
    // A negative budget leaves it to the model.
    let budget_tokens = budget.transpose()?.and_then(|budget| u64::try_from(budget).ok());
    Ok(Reasoning { effort, budget_tokens, shown })
}
