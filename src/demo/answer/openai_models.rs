//! OpenAI model lists (`platform.openai.com/docs/api-reference/models`).

use super::{
    super::{models::DemoModel, reply::Reply, text::quote},
    Ask, openai_chat,
};

/// `GET /v1/models`
pub(super) fn list(models: &[DemoModel]) -> Reply {
    let entries: Vec<String> = models.iter().map(entry).collect();
    Reply::json(200, format!("{{\n  \"object\": \"list\",\n  \"data\": [\n{}\n  ]\n}}\n", entries.join(",\n")))
}

/// `GET /v1/models/{id}`
pub(super) fn one(ask: &Ask<'_>, rest: &str) -> Reply {
    let id = rest.strip_prefix("models/").unwrap_or(rest);
    ask.options
        .models
        .iter()
        .find(|model| model.id == id)
        .map_or_else(|| openai_chat::error(404), |model| Reply::json(200, format!("{}\n", entry(model).trim_start())))
}

fn entry(model: &DemoModel) -> String {
    format!(
        "    {{\n      \"id\": {},\n      \"object\": \"model\",\n      \"created\": {},\n      \"owned_by\": {}\n    }}",
        quote(model.id),
        model.created,
        quote(model.owned_by),
    )
}
