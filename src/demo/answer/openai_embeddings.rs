//! OpenAI Embeddings (`platform.openai.com/docs/api-reference/embeddings`).

use serde_json::Value;

use super::{
    super::{
        reply::{Reply, Tokens},
        text::quote,
    },
    Ask, openai_chat, vectors,
};

/// `POST /v1/embeddings`, in either encoding.
pub(super) fn answer(ask: &Ask<'_>) -> Reply {
    let inputs = vectors::inputs(ask.body.get("input"));
    if inputs.is_empty() {
        return openai_chat::error(400);
    }
    let dimensions = ask.number("dimensions").unwrap_or(1536).clamp(1, 4096);
    let is_base64 = ask.body.get("encoding_format").and_then(Value::as_str) == Some("base64");
    let entries: Vec<String> = inputs
        .iter()
        .enumerate()
        .map(|(index, input)| {
            let vector = vectors::vector(input, usize::try_from(dimensions).unwrap_or(1));
            let embedding =
                if is_base64 { quote(&vectors::as_base64(&vector)) } else { vectors::as_array(&vector) };
            format!(
                "    {{\n      \"object\": \"embedding\",\n      \"index\": {index},\n      \"embedding\": {embedding}\n    }}"
            )
        })
        .collect();
    let input = inputs.iter().map(|input| input.len().div_ceil(4) as u64).sum::<u64>().max(1);
    let body = format!(
        "{{\n  \"object\": \"list\",\n  \"data\": [\n{}\n  ],\n  \"model\": {},\n  \"usage\": {{\n    \"prompt_tokens\": {input},\n    \"total_tokens\": {input}\n  }}\n}}\n",
        entries.join(",\n"),
        quote(&ask.model_name),
    );
    Reply::json(200, body).reporting(Tokens { input, ..Tokens::default() })
}
