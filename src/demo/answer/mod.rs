//! From a request to the normal reply: which API is spoken, which model answers, how fast.
//!
//! Pure: a reply depends on the request, the provider's facts and the call's number alone.

mod route;
mod dress;
mod vectors;
mod openai_chat;
mod openai_responses;
mod openai_embeddings;
mod openai_completions;
mod openai_media;
mod openai_files;
mod openai_judging;
mod openai_models;
mod anthropic;
mod gemini;
mod ollama;

use std::time::Duration;

use serde_json::Value;

use super::{
    dice::Dice,
    encode::{self, Encoding},
    models::{DemoModel, UNLISTED},
    provider::{Mood, ProviderOptions},
    reply::Reply,
    text::Prompt,
    wire::Request,
};

/// What an answer is made from.
struct Ask<'a> {
    request: &'a Request,
    body: Value,
    prompt: Prompt,
    model: DemoModel,
    /// The model's name as it was asked for.
    model_name: String,
    /// Seeded by prompt and model, so that equal requests get equal answers.
    dice: Dice,
    /// Seconds since the Unix epoch; fixed in a calm provider.
    now_secs: u64,
    options: &'a ProviderOptions,
}

impl Ask<'_> {
    fn flag(&self, name: &str) -> bool {
        self.body.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.body.get(name).and_then(Value::as_u64)
    }
}

/// Which family's errors and headers a path calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Openai,
    Azure,
    Anthropic,
    Gemini,
    Ollama,
}

/// The normal reply to a request, the provider's own troubles and pace included; with `echo_chars`
/// it says what it was asked (see [`super::Script`]).
pub(super) fn answer(request: &Request, options: &ProviderOptions, number: u64, echo_chars: Option<usize>) -> Reply {
    let family = route::family_of(request);
    if !has_right_key(request, options) {
        return refusal_in(family, 401);
    }
    let Ok(body) = read_body(request) else { return refusal_in(family, 400) };
    let model_name = route::model_name(request, &body);
    let is_unlisted_call = request.method == "POST" && !model_name.is_empty();
    let listed = options.models.iter().find(|model| model.id == model_name);
    if listed.is_none() && is_unlisted_call && options.mood == Mood::Lifelike {
        return refusal_in(family, 404);
    }
    let model = listed.copied().unwrap_or(UNLISTED);
    let prompt = Prompt::of(&body, echo_chars);
    let seed = format!("{model_name}\0{}\0{}", prompt.bytes, prompt.last);
    let mut dice = Dice::of(seed.as_bytes());
    let mut now_secs = 1_790_000_000;
    if options.mood == Mood::Lifelike {
        dice = Dice::new(dice.bits() ^ number);
        now_secs = u64::try_from(jiff::Timestamp::now().as_second()).unwrap_or_default();
        if dice.chance(model.error_rate) {
            let status = if family == Family::Anthropic { 529 } else { 503 };
            let status = dice.weigh(&[(429, 0.4), (500, 0.3), (status, 0.3)]).copied().unwrap_or(500);
            return refusal_in(family, status);
        }
    }
    let mut ask = Ask { request, body, prompt, model, model_name, dice, now_secs, options };
    let mut reply = route::route(&mut ask, family);
    if options.mood == Mood::Lifelike {
        set_pace(&mut reply, &ask.model, &mut ask.dice);
    }
    dress::dress(&mut reply, family, &mut ask.dice);
    reply
}

/// The API's own error body for a status, as the request's path calls for.
pub(super) fn refusal(request: &Request, status: u16) -> Reply {
    refusal_in(route::family_of(request), status)
}

fn refusal_in(family: Family, status: u16) -> Reply {
    let mut reply = match family {
        Family::Openai | Family::Azure => openai_chat::error(status),
        Family::Anthropic => anthropic::error(status),
        Family::Gemini => gemini::error(status),
        Family::Ollama => ollama::error(status),
    };
    if status == 429 {
        reply.set_header("retry-after", "1");
    }
    reply
}

fn has_right_key(request: &Request, options: &ProviderOptions) -> bool {
    let Some(key) = &options.require_key else { return true };
    let bearer = format!("Bearer {key}");
    request.header("authorization") == Some(bearer.as_str())
        || ["x-api-key", "api-key", "x-goog-api-key"].into_iter().any(|name| request.header(name) == Some(key))
}

/// The request's JSON; null when it says that it holds something else, an error when it lies.
fn read_body(request: &Request) -> Result<Value, ()> {
    let is_json = request.header("content-type").is_none_or(|value| value.contains("json"));
    if request.body.is_empty() || !is_json {
        return Ok(Value::Null);
    }
    let parsed = match request.header("content-encoding").map(Encoding::parse) {
        None => serde_json::from_slice(&request.body),
        Some(encoding) => {
            let plain = encoding.and_then(|encoding| encode::unpack(encoding, &request.body)).ok_or(())?;
            serde_json::from_slice(&plain)
        }
    };
    parsed.map_err(|_| ())
}

/// Pauses as the model's speed has them: to the first piece, then by the tokens of each further one.
fn set_pace(reply: &mut Reply, model: &DemoModel, dice: &mut Dice) {
    let scaled = |typical: f64, factor: f64| Duration::from_secs_f64((typical * factor / 1000.0).clamp(0.0, 60.0));
    let ttft_ms = f64::from(u32::try_from(model.ttft_ms).unwrap_or(u32::MAX));
    let token_ms = 1000.0 / f64::from(u32::try_from(model.tokens_per_s.max(1)).unwrap_or(u32::MAX));
    // What is thought is not seen, but waited for.
    let thought = f64::from(reply.tokens.map_or(0, |tokens| u32::try_from(tokens.reasoning).unwrap_or(u32::MAX)));
    reply.wait = scaled(ttft_ms, dice.skewed(0.35)) + scaled(token_ms * thought, 1.0);
    if reply.frames.len() > 1 {
        for frame in reply.frames.iter_mut().skip(1) {
            frame.after = scaled(token_ms, dice.skewed(0.5));
        }
    } else {
        let output = f64::from(reply.tokens.map_or(0, |tokens| u32::try_from(tokens.output).unwrap_or(u32::MAX)));
        reply.wait += scaled(token_ms * (output - thought).max(0.0), 1.0);
    }
}
