//! A draft of routing rules: the sections `routing`, `models` and `profiles` as a JSON object, read as the config
//! file's are.
//!
//! It is tried and never put in force.

use std::sync::Arc;

use super::{
    report::{ConfigErrors, Place, Report, did_you_mean},
    routing::{self, NamedModel, ProfileBlock, Routing},
    sections, tree,
    types::Provider,
};

/// The sections that a draft may have.
const SECTIONS: [&str; 3] = ["routing", "models", "profiles"];

/// Rules to try. A section that is `None` stands as it is in force; one that is stated replaces it whole.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RoutingDraft {
    /// `routing`; keys that it leaves out have their defaults.
    pub routing: Option<Routing>,
    /// `models`
    pub models: Option<Vec<NamedModel>>,
    /// `profiles`
    pub profiles: Option<Vec<ProfileBlock>>,
}

impl RoutingDraft {
    /// Reads the JSON object; `origin` is what messages call it. Returns warnings beside it.
    ///
    /// # Errors
    /// Everything that is wrong, each with its line and key, in the words of the config file's reader.
    pub fn from_json(
        text: &str,
        origin: &str,
        providers: &[Arc<Provider>],
    ) -> Result<(Self, Vec<String>), ConfigErrors> {
        let (report, file) = (Report::default(), Arc::from(origin));
        let mut root = tree::from_json(&file, text, &report);
        let place = Place::file(&file);
        for (name, place, _) in root.entries.iter().filter(|(name, ..)| !SECTIONS.contains(&name.as_str())) {
            let hint = did_you_mean(name, SECTIONS);
            let right = if hint.is_empty() { format!("; known are {}", SECTIONS.join(", ")) } else { hint };
            report.error(place, "", format_args!("unknown section of a draft{right}"));
        }
        let states = |root: &tree::Table, name: &str| root.get(name).is_some();
        let (has_routing, has_models, has_profiles) =
            (states(&root, "routing"), states(&root, "models"), states(&root, "profiles"));
        let rules = routing::routing(&mut sections::open(&mut root, "routing", &place, &report));
        let models = routing::models(sections::items(&mut root, "models", &report), providers, &report);
        let profiles = routing::profiles(sections::items(&mut root, "profiles", &report), &report);
        let warnings = report.finish()?;
        let draft = Self {
            routing: has_routing.then_some(rules),
            models: has_models.then_some(models),
            profiles: has_profiles.then_some(profiles),
        };
        Ok((draft, warnings))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Strategy;

    fn read(text: &str) -> Result<RoutingDraft, String> {
        RoutingDraft::from_json(text, "draft", &[]).map(|(draft, _)| draft).map_err(|errors| errors.to_string())
    }

    #[test]
    fn a_draft_states_what_it_changes() {
        assert_eq!(read("{}"), Ok(RoutingDraft::default()));
        let draft = read(r#"{"routing": {"strategy": "round_robin"}, "models": [{"name": "m", "targets": ["p/x"]}]}"#);
        let draft = draft.unwrap();
        assert_eq!(
            draft.routing.map(|routing| (routing.strategy, routing.max_attempts)),
            Some((Strategy::RoundRobin, 4))
        );
        assert_eq!(draft.models.unwrap()[0].targets[0].provider, "p");
        assert_eq!(draft.profiles, None);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line_and_key() {
        let cases = [
            (r#"{"rooting": {}}"#, "draft:1: unknown section of a draft; did you mean \"routing\"?"),
            ("{\n\"routing\": {\"strategy\": \"rund_robin\"}}", "draft:2: routing.strategy"),
            (r#"{"models": [{"name": "auto", "targets": ["p/x"]}]}"#, "is a reserved name"),
            (r#"{"models": {"name": "x"}}"#, "write [[models]]"),
            (r#"{"profiles": [{"id": "p"}]}"#, "weighs nothing"),
            (r#"{"routing": {"strateg": "priority"}}"#, "did you mean"),
            ("{", "invalid JSON"),
        ];
        for (text, expected) in cases {
            let message = read(text).unwrap_err();
            assert!(message.contains(expected), "{text}: {message}");
        }
    }
}
