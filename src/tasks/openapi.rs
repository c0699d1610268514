//! The task endpoints' part of the API document.

#![allow(dead_code, reason = "the functions carry the attributes that the document is made of")]

use utoipa::{OpenApi, openapi::OpenApi as Document};

use super::words::{Classified, ClassifyAsk, EmbedAsk, Embedded, Failed, Health, PlanAsk, Planned};

/// The document of the task endpoints.
pub fn openapi() -> Document {
    let mut document = Tasks::openapi();
    let no_scopes: [&str; 0] = [];
    let keys = ["virtual_key", "x_api_key", "x_goog_api_key"];
    for operation in document.paths.paths.values_mut().filter_map(|item| item.post.as_mut()) {
        operation.security =
            Some(keys.map(|name| utoipa::openapi::security::SecurityRequirement::new(name, no_scopes)).to_vec());
    }
    document
}

#[derive(OpenApi)]
#[openapi(
    paths(classify, plan, embed, chat, health, old_classify, old_plan, old_embed),
    tags((name = "Tasks", description = "One question in, JSON out: the provider is chosen here, cheapest first."))
)]
struct Tasks;

#[utoipa::path(
    post, path = "/api/v1.0/classify", operation_id = "classify", tag = "Tasks", summary = "Classify what a prompt names",
    request_body = ClassifyAsk,
    responses((status = 200, description = "What the model answered, read as JSON", body = Classified),
        (status = "default", description = "Why there is none", body = Failed))
)]
fn classify() {}

#[utoipa::path(
    post, path = "/api/v1.0/plan", operation_id = "plan", tag = "Tasks", summary = "Make a plan of a context",
    request_body = PlanAsk<'_>,
    responses((status = 200, description = "What the model answered, read as JSON", body = Planned),
        (status = "default", description = "Why there is none", body = Failed))
)]
fn plan() {}

#[utoipa::path(
    post, path = "/api/v1.0/embed", operation_id = "embed", tag = "Tasks", summary = "Embed a text or several",
    request_body = EmbedAsk,
    responses((status = 200, description = "The vectors", body = Embedded),
        (status = "default", description = "Why there are none", body = Failed))
)]
fn embed() {}

#[utoipa::path(
    post, path = "/api/v1.0/chat/completions", operation_id = "taskChat", tag = "Tasks",
    summary = "Chat Completions, cheapest provider first; reasoning_content and tool_calls are always there",
    request_body(content = Object, description = "As Chat Completions define it"),
    responses((status = 200, description = "As Chat Completions define it", body = Object),
        (status = "default", description = "Why there is none", body = Failed))
)]
fn chat() {}

#[utoipa::path(
    get, path = "/api/v1.0/health", operation_id = "taskHealth", tag = "Tasks", summary = "The providers that tasks may go to",
    responses((status = 200, description = "The providers", body = Health))
)]
fn health() {}

#[utoipa::path(
    post, path = "/classify", operation_id = "oldClassify", tag = "Tasks", summary = "Use /api/v1.0/classify",
    request_body = ClassifyAsk,
    responses((status = 200, description = "As there, with a Deprecation header", body = Classified),
        (status = "default", description = "Why there is none", body = Failed))
)]
#[deprecated]
fn old_classify() {}

#[utoipa::path(
    post, path = "/plan", operation_id = "oldPlan", tag = "Tasks", summary = "Use /api/v1.0/plan",
    request_body = PlanAsk<'_>,
    responses((status = 200, description = "As there, with a Deprecation header", body = Planned),
        (status = "default", description = "Why there is none", body = Failed))
)]
#[deprecated]
fn old_plan() {}

#[utoipa::path(
    post, path = "/embed", operation_id = "oldEmbed", tag = "Tasks", summary = "Use /api/v1.0/embed",
    request_body = EmbedAsk,
    responses((status = 200, description = "As there, with a Deprecation header", body = Embedded),
        (status = "default", description = "Why there are none", body = Failed))
)]
#[deprecated]
fn old_embed() {}
