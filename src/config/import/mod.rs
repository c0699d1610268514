//! Configurations of other gateways, translated into this one's TOML: LiteLLM's `config.yaml` and `providers.json`.
//!
//! Pure: text goes in, text and notes come out. Whatever the file states is carried over, changed or left out, and a
//! note tells which; a secret that stands in the file becomes a reference to a variable and is never written out again.

mod deployments;
mod litellm;
mod notes;
mod page;
mod providers;
mod registry;
mod settings;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

pub use notes::{Note, Outcome};

use super::{
    report::{ConfigErrors, Place, Report},
    tree, yaml,
};
use notes::Notes;
use page::Page;

/// A translated configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// What the file was taken for.
    pub origin: &'static str,
    /// The config file to write.
    pub toml: String,
    /// What became of each thing that the file states, in its order.
    pub notes: Vec<Note>,
}

/// Translates a file; `name` is what messages call it, and its ending tells the format. `env` tells which variables
/// are set: an entry of `providers.json` counts only with its own.
///
/// # Errors
/// When it cannot be read, or is none of the files that this knows.
pub fn import(name: &str, text: &str, env: &BTreeMap<String, String>) -> Result<Imported, ConfigErrors> {
    let (file, report): (Arc<str>, _) = (Arc::from(name), Report::default());
    let is_json = name.to_ascii_lowercase().ends_with(".json");
    let root =
        if is_json { tree::from_json_config(&file, text, &report) } else { yaml::from_yaml(&file, text, &report) };
    let has = |key: &str| root.get(key).is_some();
    let place = Place::file(&file);
    let (mut notes, mut page) = (Notes::default(), Page::default());
    let origin = if !report.is_clean() {
        return Err(report.finish().err().unwrap_or_default());
    } else if has("model_list") || has("litellm_settings") || has("router_settings") || has("general_settings") {
        litellm::translate(root, &mut page, &mut notes);
        "LiteLLM config.yaml"
    } else if is_json && has("providers") {
        registry::translate(root, env, &mut page, &mut notes);
        "providers.json"
    } else {
        let what = if has("server") || has("models") || has("projects") || has("routing") {
            "looks like a configuration of this gateway, which needs no import; start with --config and this file"
        } else {
            "is neither a LiteLLM config (model_list) nor a providers.json (providers)"
        };
        report.error(&place, "", what);
        return Err(report.finish().err().unwrap_or_default());
    };
    Ok(Imported { origin, toml: page.into_toml(origin, name), notes: notes.into_list() })
}
