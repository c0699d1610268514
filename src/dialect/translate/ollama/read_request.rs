//! Reading a request.

use std::collections::VecDeque;

use super::{
    super::{
        conversation::{Content, Effort, Format, Part, Reasoning, Request, Role, Sampling, Tool, Turn},
        json::{self, Object, Read, Unreadable},
        notes::Dropped,
        seal,
    },
    message,
};

/// Reads a request; what nobody knows is named as dropped.
pub(crate) fn read_request(body: &str, dropped: &mut Dropped) -> Read<Request> {
    let mut top = Object::read(body, "body")?;
    let mut request = Request {
        model: top.text("model")?.unwrap_or_default(),
        stream: top.bool("stream")?.unwrap_or(true),
        stream_usage: true,
        ..Request::default()
    };
    let mut open: VecDeque<(String, String)> = VecDeque::new();
    let mut made = 0_u32;
    top.each("messages", |item| {
        let mut message = Object::read(item, "messages")?;
        let turn = read_turn(&mut message, &mut open, &mut made)?;
        message.drop_rest("messages[].", dropped);
        request.turns.push(turn);
        Ok(())
    })?;
    top.each("tools", |item| {
        let mut tool = Object::read(item, "tools")?;
        tool.take("type");
        let mut function = tool.object("function")?.ok_or_else(|| Unreadable::new("function", "an object"))?;
        request.tools.push(Tool {
            name: function.needed_text("name")?,
            description: function.text("description")?,
            schema: function.take("parameters").map(str::to_owned),
            strict: function.bool("strict")?,
            cache: None,
        });
        function.drop_rest("tools[].function.", dropped);
        tool.drop_rest("tools[].", dropped);
        Ok(())
    })?;
    request.format = match top.take("format") {
        None | Some("\"\"") => None,
        Some("\"json\"") => Some(Format::Json),
        Some(schema) if schema.starts_with('{') => {
            Some(Format::Schema { name: None, description: None, schema: schema.to_owned(), strict: None })
        }
        Some(_) => return Err(Unreadable::new("format", "`json` or a schema")),
    };
    request.reasoning = match top.take("think") {
        None => None,
        Some("true") => Some(Reasoning { effort: Some(Effort::Medium), ..Reasoning::default() }),
        Some("false") => Some(Reasoning { effort: Some(Effort::Off), ..Reasoning::default() }),
        Some(raw) => {
            let effort = Effort::parse(&json::string(raw, "think")?);
            let effort = effort.ok_or_else(|| Unreadable::new("think", "true, false, low, medium or high"))?;
            Some(Reasoning { effort: Some(effort), ..Reasoning::default() })
        }
    };
    if let Some(options) = top.object("options")? {
        request.sampling = read_options(options, dropped)?;
    }
    request.sampling.logprobs = top.bool("logprobs")?;
    request.sampling.top_logprobs = top.count("top_logprobs")?;
    top.drop_rest("", dropped);
    Ok(request)
}

fn read_turn(message: &mut Object<'_>, open: &mut VecDeque<(String, String)>, made: &mut u32) -> Read<Turn> {
    let role = match message.needed_text("role")?.as_str() {
        "system" => Role::System,
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "tool" => {
            let name = message.text("tool_name")?;
            let given = message.text("tool_call_id")?.map(|id| seal::unpack(&id).0);
            // A result belongs to the first call that has no result yet: of its name, if it says one.
            let is_its = |(of, call): &(String, String)| match (&given, &name) {
                (Some(id), _) => call == id,
                (None, Some(name)) => of == name,
                (None, None) => true,
            };
            let found = open.iter().position(is_its).and_then(|place| open.remove(place));
            let id = found.map(|(_, id)| id).or(given).unwrap_or_default();
            let mut parts = Vec::new();
            message::read_message(message, &mut parts)?;
            let parts = vec![Content::ToolResult { id, name, parts, is_error: false }.into()];
            return Ok(Turn { role: Role::User, name: None, parts });
        }
        _ => return Err(Unreadable::new("role", "system, user, assistant or tool")),
    };
    let mut parts: Vec<Part> = Vec::new();
    message::read_message(message, &mut parts)?;
    for part in &mut parts {
        if let Content::ToolCall { id, name, .. } = &mut part.content {
            *made += 1;
            if id.is_empty() {
                *id = format!("call_{made}");
            }
            open.push_back((name.clone(), id.clone()));
        }
    }
    Ok(Turn { role, name: None, parts })
}

fn read_options(mut options: Object<'_>, dropped: &mut Dropped) -> Read<Sampling> {
    // Negative numbers stand for no limit.
    let limit = options.float("num_predict")?.filter(|limit| *limit >= 0.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative; casts saturate")]
    let max_output_tokens = limit.map(|limit| limit as u64);
    let sampling = Sampling {
        max_output_tokens,
        temperature: options.float("temperature")?,
        top_p: options.float("top_p")?,
        top_k: options.count("top_k")?,
        seed: options.integer("seed")?,
        stop: options.texts("stop")?,
        frequency_penalty: options.float("frequency_penalty")?,
        presence_penalty: options.float("presence_penalty")?,
        ..Sampling::default()
    };
    options.drop_rest("options.", dropped);
    Ok(sampling)
}
