//! Reading a request.

use super::{
    super::{
        conversation::{Content, Effort, Format, Part, Reasoning, Request, Role, Sampling, Tool, ToolChoice, Turn},
        json::{self, Object, Read, Unreadable},
        media,
        notes::Dropped,
        seal,
    },
    items,
};

/// What rests on state that lies with OpenAI.
const KEPT_THERE: [&str; 3] = ["previous_response_id", "conversation", "prompt"];

/// Reads a request; what nobody knows is named as dropped.
pub(crate) fn read_request(body: &str, dropped: &mut Dropped) -> Read<Request> {
    let mut top = Object::read(body, "body")?;
    for kept in KEPT_THERE {
        if top.take(kept).is_some() {
            return Err(Unreadable(format!(
                "`{kept}` cannot be translated: what it names lies with OpenAI; send the whole conversation as `input`"
            )));
        }
    }
    if top.bool("background")? == Some(true) {
        return Err(Unreadable("`background` cannot be translated".to_owned()));
    }
    let mut request = Request {
        model: top.text("model")?.unwrap_or_default(),
        stream: top.bool("stream")?.unwrap_or(false),
        stream_usage: true,
        parallel_tool_calls: top.bool("parallel_tool_calls")?,
        service_tier: top.text("service_tier")?,
        sampling: Sampling {
            max_output_tokens: top.count("max_output_tokens")?,
            temperature: top.float("temperature")?,
            top_p: top.float("top_p")?,
            top_logprobs: top.count("top_logprobs")?,
            ..Sampling::default()
        },
        ..Request::default()
    };
    let safety_identifier = top.text("safety_identifier")?;
    request.user = top.text("user")?.or(safety_identifier);
    if let Some(metadata) = top.object("metadata")? {
        for (key, value) in metadata.rest() {
            request.metadata.push((key.to_owned(), json::string(value, "metadata")?));
        }
    }
    if let Some(instructions) = top.text("instructions")? {
        let parts = vec![media::text(instructions).into()];
        request.turns.push(Turn { role: Role::System, name: None, parts });
    }
    match top.take("input") {
        Some(raw) if json::is_string(raw) => {
            let parts = vec![media::text(json::string(raw, "input")?).into()];
            request.turns.push(Turn { role: Role::User, name: None, parts });
        }
        Some(raw) => json::each(raw, "input", |index, item| {
            read_item(item, &mut request.turns, dropped).map_err(|error| error.within("input", index))
        })?,
        None => {}
    }
    top.each("tools", |item| {
        request.tools.push(read_tool(item, dropped)?);
        Ok(())
    })?;
    let choice = top.take("tool_choice").map(|raw| read_tool_choice(raw, &mut request.tools));
    request.tool_choice = choice.transpose()?;
    if let Some(mut text) = top.object("text")? {
        request.verbosity = text.text("verbosity")?;
        request.format = text.object("format")?.map(read_format).transpose()?;
    }
    if let Some(mut reasoning) = top.object("reasoning")? {
        let word = reasoning.text("effort")?;
        let effort = word.map(|word| Effort::parse(&word).ok_or_else(|| Unreadable::new("reasoning.effort", "known")));
        let legacy = reasoning.text("generate_summary")?;
        let shown = reasoning.text("summary")?.or(legacy).map(|_| true);
        request.reasoning = Some(Reasoning { effort: effort.transpose()?, shown, budget_tokens: None });
    }
    for wish in top.texts("include")? {
        match wish.as_str() {
            // Sealed thoughts always come along.
            "reasoning.encrypted_content" => {}
            "message.output_text.logprobs" => request.sampling.logprobs = Some(true),
            other => dropped.path(&format!("include.{other}")),
        }
    }
    if top.bool("store")? == Some(true) {
        dropped.path("store");
    }
    if top.text("truncation")?.is_some_and(|truncation| truncation != "disabled") {
        dropped.path("truncation");
    }
    top.take("stream_options");
    top.drop_rest("", dropped);
    Ok(request)
}

/// The turn that items of this role go to: the last one, if it is of the same role and made of items.
fn turn(turns: &mut Vec<Turn>, role: Role) -> &mut Vec<Part> {
    if turns.last().is_none_or(|turn| turn.role != role) {
        turns.push(Turn { role, name: None, parts: Vec::new() });
    }
    let last = turns.len() - 1;
    #[allow(clippy::indexing_slicing, reason = "there is one: it was pushed if there was none")]
    &mut turns[last].parts
}

fn read_item(raw: &str, turns: &mut Vec<Turn>, dropped: &mut Dropped) -> Read<()> {
    let mut item = Object::read(raw, "input")?;
    let kind = item.text("type")?.unwrap_or_else(|| "message".to_owned());
    match kind.as_str() {
        "message" => {
            let role = match item.needed_text("role")?.as_str() {
                "system" => Role::System,
                "developer" => Role::Developer,
                "user" => Role::User,
                "assistant" => Role::Assistant,
                _ => return Err(Unreadable::new("role", "system, developer, user or assistant")),
            };
            let content = item.take("content").ok_or_else(|| Unreadable::new("content", "a string or a list"))?;
            let mut parts = Vec::new();
            items::read_content(content, &mut parts, dropped)?;
            if role == Role::Assistant {
                turn(turns, role).append(&mut parts);
            } else {
                turns.push(Turn { role, name: None, parts });
            }
        }
        "function_call" => {
            let (id, thoughts) = seal::unpack(&item.needed_text("call_id")?);
            let call = Content::ToolCall {
                id,
                name: item.needed_text("name")?,
                arguments: item.text("arguments")?.unwrap_or_default(),
            };
            let parts = turn(turns, Role::Assistant);
            parts.extend(thoughts.into_iter().map(|thought| Part::from(Content::Reasoning(thought))));
            parts.push(call.into());
        }
        "function_call_output" => {
            let (id, _) = seal::unpack(&item.needed_text("call_id")?);
            let mut parts = Vec::new();
            items::read_content(item.take("output").unwrap_or("\"\""), &mut parts, dropped)?;
            turn(turns, Role::User).push(Content::ToolResult { id, name: None, parts, is_error: false }.into());
        }
        "reasoning" => {
            let thought = items::read_reasoning(&mut item)?;
            turn(turns, Role::Assistant).push(Content::Reasoning(thought).into());
        }
        "image_generation_call" => match items::read_image(&mut item)? {
            Some(image) => turn(turns, Role::Assistant).push(Content::Media(image).into()),
            // The id alone means something to OpenAI only.
            None => {
                dropped.path("input[].image_generation_call");
                return Ok(());
            }
        },
        "item_reference" => {
            return Err(Unreadable("`item_reference` cannot be translated: the item lies with OpenAI".to_owned()));
        }
        // What OpenAI's own tools left in the conversation tells another model nothing it could use.
        other => {
            dropped.path(&format!("input[].{other}"));
            return Ok(());
        }
    }
    item.take("id");
    item.take("status");
    item.drop_rest("input[].", dropped);
    Ok(())
}

fn read_tool(raw: &str, dropped: &mut Dropped) -> Read<Tool> {
    let mut tool = Object::read(raw, "tools")?;
    let kind = tool.text("type")?.unwrap_or_default();
    if kind != "function" {
        return Err(Unreadable(format!("a tool of type `{kind}` cannot be translated")));
    }
    let read = Tool {
        name: tool.needed_text("name")?,
        description: tool.text("description")?,
        schema: tool.take("parameters").map(str::to_owned),
        strict: tool.bool("strict")?,
        cache: None,
    };
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
            "required" => Ok(ToolChoice::Required),
            _ => Err(unknown()),
        };
    }
    let mut choice = Object::read(raw, "tool_choice")?;
    match choice.text("type")?.as_deref() {
        Some("function") => Ok(ToolChoice::Function(choice.needed_text("name")?)),
        Some("allowed_tools") => {
            let mut names = Vec::new();
            choice.each("tools", |item| {
                names.push(Object::read(item, "tools")?.needed_text("name")?);
                Ok(())
            })?;
            match choice.text("mode")?.as_deref() {
                Some("required") => Ok(ToolChoice::OneOf(names)),
                Some("auto") => {
                    tools.retain(|tool| names.contains(&tool.name));
                    Ok(ToolChoice::Auto)
                }
                _ => Err(unknown()),
            }
        }
        _ => Err(unknown()),
    }
}

fn read_format(mut format: Object<'_>) -> Read<Format> {
    match format.needed_text("type")?.as_str() {
        "text" => Ok(Format::Text),
        "json_object" => Ok(Format::Json),
        "json_schema" => Ok(Format::Schema {
            name: format.text("name")?,
            description: format.text("description")?,
            schema: format.take("schema").unwrap_or("{}").to_owned(),
            strict: format.bool("strict")?,
        }),
        other => Err(Unreadable(format!("a text.format of type `{other}` cannot be translated"))),
    }
}
