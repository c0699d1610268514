//! Moderations (`platform.openai.com/docs/api-reference/moderations`) and reranking, in the shape
//! that the OpenAI-compatible services share (`jina.ai/reranker`, `docs.together.ai`).

use serde_json::Value;

use super::{
    super::{
        dice::Dice,
        reply::{Reply, Tokens},
        text::quote,
    },
    Ask, openai_chat, vectors,
};

const CATEGORIES: [&str; 13] = [
    "harassment",
    "harassment/threatening",
    "sexual",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm/intent",
    "self-harm/instructions",
    "self-harm",
    "sexual/minors",
    "violence",
    "violence/graphic",
];

/// `POST /v1/moderations`: nothing is ever flagged.
pub(super) fn moderate(ask: &mut Ask<'_>) -> Reply {
    let inputs = vectors::inputs(ask.body.get("input"));
    if inputs.is_empty() {
        return openai_chat::error(400);
    }
    let each = |value: &str| CATEGORIES.map(|name| format!(r#""{name}":{value}"#)).join(",");
    let result = format!(
        r#"{{"flagged":false,"categories":{{{}}},"category_scores":{{{}}},"category_applied_input_types":{{{}}}}}"#,
        each("false"),
        each("0.0001"),
        each(r#"["text"]"#),
    );
    let results = vec![result; inputs.len()].join(",");
    let id = ask.dice.id(29);
    let model = if ask.model_name.is_empty() { "omni-moderation-latest" } else { &ask.model_name };
    Reply::json(200, format!(r#"{{"id":"modr-{id}","model":{},"results":[{results}]}}"#, quote(model)))
}

/// `POST /v1/rerank`: documents by a score that depends on query and text alone.
pub(super) fn rerank(ask: &Ask<'_>) -> Reply {
    let Some(documents) = ask.body.get("documents").and_then(Value::as_array) else {
        return openai_chat::error(400);
    };
    let query = ask.body.get("query").and_then(Value::as_str).unwrap_or_default();
    let mut scored: Vec<(usize, f64)> = documents
        .iter()
        .enumerate()
        .map(|(index, document)| (index, Dice::of(format!("{query}\0{document}").as_bytes()).unit()))
        .collect();
    scored.sort_by(|left, right| right.1.total_cmp(&left.1));
    let keep = ask.number("top_n").and_then(|keep| usize::try_from(keep).ok()).unwrap_or(usize::MAX);
    let results: Vec<String> = scored
        .iter()
        .take(keep)
        .map(|(index, score)| format!(r#"{{"index":{index},"relevance_score":{score:.6}}}"#))
        .collect();
    let input = ask.prompt.tokens() + query.len().div_ceil(4) as u64;
    let body = format!(
        r#"{{"model":{},"object":"list","usage":{{"total_tokens":{input},"prompt_tokens":{input}}},"results":[{}]}}"#,
        quote(&ask.model_name),
        results.join(","),
    );
    Reply::json(200, body).reporting(Tokens { input, ..Tokens::default() })
}
