//! `/v1/plugins`: what stands on the way of requests, and what there is to put there.

use axum::{Json, extract::State};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{page::List, state::AdminState};
use crate::{
    config::PluginBlock,
    plugins::{Hook, Installed, kinds},
};

/// A plugin as it is configured, or a kind of plugin that could be.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Plugin)]
pub(super) struct PluginView {
    /// Its name in the configuration; `null` for a kind that nothing is configured of.
    #[schema(example = "router")]
    name: Option<String>,
    /// Its kind.
    #[schema(example = "model-router")]
    r#type: String,
    /// The project in whose block it stands; `null` for those of `[[plugins]]`.
    project: Option<String>,
    /// Its version.
    version: String,
    /// What it does.
    description: String,
    /// JSON Schema of its `config`.
    #[schema(value_type = Object)]
    config_schema: Value,
    /// The hooks that it has.
    hooks: Vec<&'static str>,
    /// `running`, `disabled` or `available`.
    state: &'static str,
    /// What its failure means for the request: `open` or `closed`; `null` for a kind.
    fail: Option<&'static str>,
    /// The longest time that one call of it may take; `null` for a kind.
    timeout_ms: Option<u64>,
    /// Its calls since it was installed, by hook.
    calls: Vec<PluginCalls>,
    /// Why it failed last.
    last_failure: Option<String>,
}

/// What became of a plugin's calls at a hook.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PluginCalls {
    /// The hook.
    #[schema(example = "before_model")]
    hook: &'static str,
    /// How many there were.
    calls: u64,
    /// How many of them failed.
    failures: u64,
}

/// List plugins
///
/// Those of the configuration in their order, then the kinds of which none is configured.
#[utoipa::path(
    get, path = "/v1/plugins", operation_id = "listPlugins", tag = "Plugins",
    responses((status = 200, description = "All plugins", body = List<PluginView>))
)]
pub(super) async fn list(State(state): State<AdminState>) -> Json<List<PluginView>> {
    let policy = state.parts.policy.load();
    let stated =
        policy.plugins.stated().map(|(project, block, installed)| view(project, block, installed.map(|each| &**each)));
    let mut views: Vec<PluginView> = stated.collect();
    for kind in kinds() {
        if views.iter().all(|view| view.r#type != kind.id) {
            views.push(PluginView { state: "available", ..of_kind(kind.id) });
        }
    }
    Json(List::whole(views))
}

/// What the kind says of itself.
fn of_kind(id: &str) -> PluginView {
    let kind = kinds().iter().find(|kind| kind.id == id);
    PluginView {
        name: None,
        r#type: id.to_owned(),
        project: None,
        version: kind.map(|kind| kind.version.to_owned()).unwrap_or_default(),
        description: kind.map(|kind| kind.description.to_owned()).unwrap_or_default(),
        config_schema: kind.and_then(|kind| serde_json::from_str(kind.schema).ok()).unwrap_or_default(),
        hooks: kind.map(|kind| kind.hooks.iter().map(Hook::as_str).collect()).unwrap_or_default(),
        state: "disabled",
        fail: None,
        timeout_ms: None,
        calls: Vec::new(),
        last_failure: None,
    }
}

fn view(project: Option<&str>, block: &PluginBlock, installed: Option<&Installed>) -> PluginView {
    let mut view = of_kind(&block.plugin_type);
    view.name = Some(block.name.clone());
    view.project = project.map(str::to_owned);
    view.fail = Some(block.fail.as_str());
    view.timeout_ms = u64::try_from(block.timeout.as_millis()).ok();
    let Some(installed) = installed else { return view };
    view.state = "running";
    view.hooks = installed.hooks().iter().map(Hook::as_str).collect();
    view.last_failure = installed.last_fault();
    let calls = installed.counts();
    view.calls = calls.map(|(hook, calls, failures)| PluginCalls { hook: hook.as_str(), calls, failures }).collect();
    if let Some(about) = installed.plugin().about() {
        let or = |own: &str, kind: String| if own.is_empty() { kind } else { own.to_owned() };
        view.version = or(&about.version, view.version);
        view.description = or(&about.description, view.description);
        view.config_schema = about.schema.clone().unwrap_or(view.config_schema);
    }
    view
}
