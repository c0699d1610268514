//! Reading a request.

use super::{
    super::{
        conversation::{Content, Effort, Format, Reasoning, Request, Role, Sampling, Tool, ToolChoice, Turn},
        json::{self, Object, Read, Unreadable},
        notes::Dropped,
        parts::cache_mark,
        seal,
    },
    message,
};

/// Reads a request; what nobody knows is named as dropped.
pub(crate) fn read_request(body: &str, dropped: &mut Dropped) -> Read<Request> {
    let mut top = Object::read(body, "body")?;
    for legacy in ["functions", "function_call"] {
        if top.take(legacy).is_some() {
            return Err(Unreadable(format!("`{legacy}` cannot be translated: use `tools`")));
        }
    }
    let mut request = Request {
        model: top.text("model")?.unwrap_or_default(),
        stream: top.bool("stream")?.unwrap_or(false),
        stream_usage: top.object("stream_options")?.map_or(Ok(None), |mut options| options.bool("include_usage"))?
            == Some(true),
        parallel_tool_calls: top.bool("parallel_tool_calls")?,
        service_tier: top.text("service_tier")?,
        verbosity: top.text("verbosity")?,
        sampling: sampling(&mut top)?,
        ..Request::default()
    };
    let safety_identifier = top.text("safety_identifier")?;
    request.user = top.text("user")?.or(safety_identifier);
    if let Some(metadata) = top.object("metadata")? {
        for (key, value) in metadata.rest() {
            request.metadata.push((key.to_owned(), json::string(value, "metadata")?));
        }
    }
    if let Some(word) = top.text("reasoning_effort")? {
        let effort = Effort::parse(&word).ok_or_else(|| Unreadable::new("reasoning_effort", "a known effort"))?;
        request.reasoning = Some(Reasoning { effort: Some(effort), ..Reasoning::default() });
    }
    top.each("messages", |item| {
        request.turns.push(read_turn(item, dropped)?);
        Ok(())
    })?;
    top.each("tools", |item| {
        request.tools.push(read_tool(item, dropped)?);
        Ok(())
    })?;
    let choice = top.take("tool_choice").map(|raw| read_tool_choice(raw, &mut request.tools));
    request.tool_choice = choice.transpose()?;
    request.format = top.object("response_format")?.map(read_format).transpose()?;
    for modality in top.texts("modalities")? {
        if modality != "text" {
            return Err(Unreadable(format!("modality `{modality}` cannot be translated")));
        }
    }
    // Nothing is stored on this way, so only the wish for it is lost.
    if top.bool("store")? == Some(true) {
        dropped.path("store");
    }
    top.drop_rest("", dropped);
    Ok(request)
}

fn sampling(top: &mut Object<'_>) -> Read<Sampling> {
    let old = top.count("max_tokens")?;
    Ok(Sampling {
        max_output_tokens: top.count("max_completion_tokens")?.or(old),
        temperature: top.float("temperature")?,
        top_p: top.float("top_p")?,
        top_k: top.count("top_k")?,
        seed: top.integer("seed")?,
        stop: top.texts("stop")?,
        frequency_penalty: top.float("frequency_penalty")?,
        presence_penalty: top.float("presence_penalty")?,
        n: top.count("n")?,
        logprobs: top.bool("logprobs")?,
        top_logprobs: top.count("top_logprobs")?,
    })
}

fn read_turn(raw: &str, dropped: &mut Dropped) -> Read<Turn> {
    let mut message = Object::read(raw, "message")?;
    let role = message.needed_text("role")?;
    let mut turn = Turn { role: Role::User, name: message.text("name")?, parts: Vec::new() };
    match role.as_str() {
        "assistant" => {
            turn.role = Role::Assistant;
            message::read_assistant(&mut message, &mut turn.parts, dropped)?;
        }
        "tool" => {
            let (id, _) = seal::unpack(&message.needed_text("tool_call_id")?);
            let mut parts = Vec::new();
            let content = message.take("content").unwrap_or("\"\"");
            message::read_content(content, &mut parts, dropped)?;
            let name = turn.name.take();
            turn.parts.push(Content::ToolResult { id, name, parts, is_error: false }.into());
        }
        other => {
            turn.role = match other {
                "system" => Role::System,
                "developer" => Role::Developer,
                "user" => Role::User,
                _ => return Err(Unreadable::new("role", "system, developer, user, assistant or tool")),
            };
            let content = message.take("content").ok_or_else(|| Unreadable::new("content", "a string or a list"))?;
            message::read_content(content, &mut turn.parts, dropped)?;
        }
    }
    message.drop_rest("messages[].", dropped);
    Ok(turn)
}

fn read_tool(raw: &str, dropped: &mut Dropped) -> Read<Tool> {
    let mut tool = Object::read(raw, "tools")?;
    let kind = tool.text("type")?;
    let Some(mut function) = tool.object("function")? else {
        return Err(Unreadable(format!("a tool of type `{}` cannot be translated", kind.unwrap_or_default())));
    };
    let read = Tool {
        name: function.needed_text("name")?,
        description: function.text("description")?,
        schema: function.take("parameters").map(str::to_owned),
        strict: function.bool("strict")?,
        cache: cache_mark(&mut tool)?,
    };
    function.drop_rest("tools[].function.", dropped);
    tool.drop_rest("tools[].", dropped);
    Ok(read)
}

/// Where only some tools are allowed and none is demanded, the others are as good as not there.
fn read_tool_choice(raw: &str, tools: &mut Vec<Tool>) -> Read<ToolChoice> {
    let unknown = || Unreadable::new("tool_choice", "auto, none, required or a function");
    if json::is_string(raw) {
        return match json::string(raw, "tool_choice")?.as_str() {
            "auto" => Ok(ToolChoice::Auto),
            "none" => Ok(ToolChoice::None),
            "required" | "any" => Ok(ToolChoice::Required),
            _ => Err(unknown()),
        };
    }
    let mut choice = Object::read(raw, "tool_choice")?;
    if let Some(mut function) = choice.object("function")? {
        return Ok(ToolChoice::Function(function.needed_text("name")?));
    }
    let mut allowed = choice.object("allowed_tools")?.ok_or_else(unknown)?;
    let mut names = Vec::new();
    allowed.each("tools", |item| {
        let mut tool = Object::read(item, "tools")?;
        names.push(tool.object("function")?.ok_or_else(unknown)?.needed_text("name")?);
        Ok(())
    })?;
    match allowed.text("mode")?.as_deref() {
        Some("required") => Ok(ToolChoice::OneOf(names)),
        Some("auto") => {
            tools.retain(|tool| names.contains(&tool.name));
            Ok(ToolChoice::Auto)
        }
        _ => Err(unknown()),
    }
}

fn read_format(mut format: Object<'_>) -> Read<Format> {
    match format.needed_text("type")?.as_str() {
        "text" => Ok(Format::Text),
        "json_object" => Ok(Format::Json),
        "json_schema" => {
            let mut inner = format
                .object("json_schema")?
                .ok_or_else(|| Unreadable::new("response_format.json_schema", "an object"))?;
            Ok(Format::Schema {
                name: inner.text("name")?,
                description: inner.text("description")?,
                schema: inner.take("schema").unwrap_or("{}").to_owned(),
                strict: inner.bool("strict")?,
            })
        }
        other => Err(Unreadable(format!("a response_format of type `{other}` cannot be translated"))),
    }
}
