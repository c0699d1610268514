//! Reading a request.

use super::{
    super::{
        conversation::{Effort, Format, Part, Reasoning, Request, Role, Sampling, Tool, ToolChoice, Turn},
        json::{Object, Read, Unreadable},
        notes::Dropped,
        parts::cache_mark,
    },
    blocks,
};

/// Reads a request; what nobody knows is named as dropped.
pub(crate) fn read_request(body: &str, dropped: &mut Dropped) -> Read<Request> {
    let mut top = Object::read(body, "body")?;
    let mut request = Request {
        model: top.text("model")?.unwrap_or_default(),
        stream: top.bool("stream")?.unwrap_or(false),
        // Anthropic's streams always tell what was used.
        stream_usage: true,
        service_tier: top.text("service_tier")?,
        sampling: Sampling {
            max_output_tokens: top.count("max_tokens")?,
            temperature: top.float("temperature")?,
            top_p: top.float("top_p")?,
            top_k: top.count("top_k")?,
            stop: top.texts("stop_sequences")?,
            ..Sampling::default()
        },
        ..Request::default()
    };
    if let Some(mut metadata) = top.object("metadata")? {
        request.user = metadata.text("user_id")?;
        metadata.drop_rest("metadata.", dropped);
    }
    let mut system = Vec::new();
    if let Some(raw) = top.take("system") {
        blocks::read_content(raw, &mut system, dropped)?;
    }
    if !system.is_empty() {
        request.turns.push(Turn { role: Role::System, name: None, parts: system });
    }
    top.each("messages", |item| {
        let mut message = Object::read(item, "messages")?;
        let role = match message.needed_text("role")?.as_str() {
            "user" => Role::User,
            "assistant" => Role::Assistant,
            "system" => Role::System,
            _ => return Err(Unreadable::new("role", "user, assistant or system")),
        };
        let mut parts: Vec<Part> = Vec::new();
        let content = message.take("content").ok_or_else(|| Unreadable::new("content", "a string or a list"))?;
        blocks::read_content(content, &mut parts, dropped)?;
        message.drop_rest("messages[].", dropped);
        request.turns.push(Turn { role, name: None, parts });
        Ok(())
    })?;
    top.each("tools", |item| {
        request.tools.push(read_tool(item, dropped)?);
        Ok(())
    })?;
    if let Some(mut choice) = top.object("tool_choice")? {
        request.parallel_tool_calls = choice.bool("disable_parallel_tool_use")?.map(|off| !off);
        request.tool_choice = Some(match choice.needed_text("type")?.as_str() {
            "auto" => ToolChoice::Auto,
            "any" => ToolChoice::Required,
            "none" => ToolChoice::None,
            "tool" => ToolChoice::Function(choice.needed_text("name")?),
            _ => return Err(Unreadable::new("tool_choice.type", "auto, any, tool or none")),
        });
    }
    request.reasoning = read_reasoning(&mut top, &mut request.format)?;
    if top.take("cache_control").is_some() {
        dropped.path("cache_control");
    }
    top.drop_rest("", dropped);
    Ok(request)
}

fn read_tool(raw: &str, dropped: &mut Dropped) -> Read<Tool> {
    let mut tool = Object::read(raw, "tools")?;
    if let Some(kind) = tool.text("type")?.filter(|kind| kind != "custom") {
        return Err(Unreadable(format!("a tool of type `{kind}` cannot be translated")));
    }
    let read = Tool {
        name: tool.needed_text("name")?,
        description: tool.text("description")?,
        schema: tool.take("input_schema").map(str::to_owned),
        strict: tool.bool("strict")?,
        cache: cache_mark(&mut tool)?,
    };
    // How its arguments are sent, not what they are.
    tool.take("eager_input_streaming");
    tool.drop_rest("tools[].", dropped);
    Ok(read)
}

/// `thinking` and `output_config`, and the form of the answer that stands beside the effort.
fn read_reasoning(top: &mut Object<'_>, format: &mut Option<Format>) -> Read<Option<Reasoning>> {
    let mut reasoning = None;
    if let Some(mut thinking) = top.object("thinking")? {
        let shown = thinking.text("display")?.map(|display| display != "omitted");
        reasoning = Some(match thinking.needed_text("type")?.as_str() {
            "enabled" => Reasoning { budget_tokens: thinking.count("budget_tokens")?, shown, effort: None },
            "disabled" => Reasoning { effort: Some(Effort::Off), shown, budget_tokens: None },
            _ => Reasoning { shown, ..Reasoning::default() },
        });
    }
    let mut output = top.object("output_config")?.unwrap_or_default();
    if let Some(word) = output.text("effort")? {
        let effort = Effort::parse(&word).ok_or_else(|| Unreadable::new("output_config.effort", "a known effort"))?;
        let reasoning = reasoning.get_or_insert_default();
        // An effort beside thinking that is off is about words only.
        reasoning.effort = reasoning.effort.or(Some(effort));
    }
    let beta = top.object("output_format")?;
    if let Some(mut schema) = output.object("format")?.or(beta) {
        *format = Some(Format::Schema {
            name: None,
            description: None,
            schema: schema.take("schema").unwrap_or("{}").to_owned(),
            strict: Some(true),
        });
    }
    Ok(reasoning)
}
