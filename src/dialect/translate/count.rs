//! Counting the tokens of a conversation before it is put to a model: asked of APIs that count, told to clients that ask.

use super::{
    Api, Dropped, Target, Unfit,
    conversation::Request,
    json::{Json, Object, Read, Unreadable},
    read_request as read_conversation, write_request as write_conversation,
};

/// The APIs that count.
pub const fn is_counted_by(provider: Api) -> bool {
    matches!(provider, Api::Anthropic | Api::Gemini | Api::OpenaiResponses)
}

/// Reads what a client wants counted.
///
/// # Errors
/// When it is not what the API demands.
pub fn read_request(client: Api, body: &str, dropped: &mut Dropped) -> Result<Request, Unreadable> {
    let wrapped = Object::read(body, "body")?.take("generateContentRequest").filter(|_| client == Api::Gemini);
    let Some(inner) = wrapped else { return read_conversation(client, body, dropped) };
    let mut inner = Object::read(inner, "generateContentRequest")?;
    // It repeats the URL's.
    inner.take("model");
    let bare = Json::of(|json| inner.rest().for_each(|(key, value)| json.put_raw(key, value)));
    read_conversation(client, &String::from_utf8_lossy(&bare), dropped)
}

/// What each API takes of a request that is only counted.
const fn counted_fields(provider: Api) -> &'static [&'static str] {
    match provider {
        Api::Anthropic => &["model", "system", "messages", "tools", "tool_choice", "thinking", "output_config"],
        _ => &["model", "input", "instructions", "tools", "tool_choice", "parallel_tool_calls", "reasoning", "text"],
    }
}

/// Writes a request to count for a provider that speaks `provider`, which must be one that counts.
///
/// # Errors
/// When leaving something out would change what was asked.
pub fn write_request(
    provider: Api,
    request: &Request,
    target: &Target,
    dropped: &mut Dropped,
) -> Result<Vec<u8>, Unfit> {
    let whole = write_conversation(provider, request, target, dropped)?;
    let whole = String::from_utf8_lossy(&whole);
    let fields = Object::read(&whole, "body").unwrap_or_default();
    let taken = counted_fields(provider);
    Ok(Json::of(|json| {
        if provider == Api::Gemini {
            return json.put_object("generateContentRequest", |json| {
                json.put("model", &format!("models/{}", request.model));
                fields.rest().for_each(|(key, value)| json.put_raw(key, value));
            });
        }
        fields.rest().filter(|(key, _)| taken.contains(key)).for_each(|(key, value)| json.put_raw(key, value));
    }))
}

/// Reads how many there are.
///
/// # Errors
/// When the answer does not say it.
pub fn read_reply(provider: Api, body: &str) -> Read<u64> {
    let name = if provider == Api::Gemini { "totalTokens" } else { "input_tokens" };
    Object::read(body, "body")?.count(name)?.ok_or_else(|| Unreadable::new(name, "a whole number"))
}

/// Tells a client how many there are.
pub fn write_reply(client: Api, tokens: u64) -> Vec<u8> {
    Json::of(|json| json.put_number(if client == Api::Gemini { "totalTokens" } else { "input_tokens" }, tokens))
}
