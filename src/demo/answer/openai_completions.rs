//! OpenAI's older text completions (`platform.openai.com/docs/api-reference/completions`).

use super::{
    super::{
        reply::{Reply, Tokens},
        text::{self, quote},
    },
    Ask, openai_chat,
};

/// `POST /v1/completions`
pub(super) fn answer(ask: &mut Ask<'_>) -> Reply {
    if ask.body.get("prompt").is_none() {
        return openai_chat::error(400);
    }
    let id = format!("cmpl-{}", ask.dice.id(29));
    let limit = ask.number("max_tokens").unwrap_or(16);
    let (pieces, is_cut) = text::answer(&ask.prompt, &mut ask.dice, Some(limit));
    let finish = if is_cut { "length" } else { "stop" };
    let tokens = Tokens { input: ask.prompt.tokens(), output: pieces.len() as u64, ..Tokens::default() };
    let usage = format!(
        r#"{{"prompt_tokens":{},"completion_tokens":{},"total_tokens":{}}}"#,
        tokens.input,
        tokens.output,
        tokens.input + tokens.output,
    );
    let start = format!(r#"{{"id":{},"object":"text_completion","created":{},"#, quote(&id), ask.now_secs,);
    let model = quote(&ask.model_name);
    if !ask.flag("stream") {
        let body = format!(
            r#"{start}"model":{model},"choices":[{{"text":{},"index":0,"logprobs":null,"finish_reason":"{finish}"}}],"usage":{usage}}}"#,
            quote(&pieces.concat()),
        );
        return Reply::json(200, body).reporting(tokens);
    }
    let wants_usage = openai_chat::wants_usage(ask);
    let end = if wants_usage { r#","usage":null}"# } else { "}" };
    let chunk = |text: &str, finish: &str| {
        format!(
            "data: {start}\"choices\":[{{\"text\":{},\"index\":0,\"logprobs\":null,\"finish_reason\":{finish}}}],\"model\":{model}{end}\n\n",
            quote(text),
        )
    };
    let mut frames: Vec<String> = pieces.iter().map(|piece| chunk(piece, "null")).collect();
    frames.push(chunk("", &quote(finish)));
    if wants_usage {
        frames.push(format!("data: {start}\"choices\":[],\"model\":{model},\"usage\":{usage}}}\n\n"));
    }
    frames.push("data: [DONE]\n\n".to_owned());
    Reply::stream("text/event-stream", frames).reporting(tokens)
}
