//! The plan's decisions as tables of cases.

use std::{collections::BTreeMap, sync::Arc};

use super::*;
use crate::{
    catalog::Catalog,
    config::{self, LoadOptions, Strategy},
    domain::{Endpoint, Timestamp},
};

/// Providers as a config file would define them, disabled ones included.
fn providers(toml: &str) -> Vec<Arc<Provider>> {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("config.toml"), toml).unwrap();
    let options =
        LoadOptions { working_dir: directory.path().to_owned(), env: BTreeMap::new(), ..LoadOptions::default() };
    config::load(&options).unwrap_or_else(|errors| panic!("{errors}")).providers
}

const TWO_OPENAIS: &str = r#"
[[providers]]
id = "groq"
provider_type = "openai_compatible"
api_key = "k"
models = ["llama-3.3-70b-versatile"]
[[providers]]
id = "openai"
provider_type = "openai"
api_key = "k"
default_model = "gpt-4o-mini"
[[providers]]
id = "anthropic"
provider_type = "anthropic"
api_key = "k"
[[providers]]
id = "near"
provider_type = "local"
endpoint = "http://127.0.0.1:9"
[[providers]]
id = "resting"
provider_type = "openai"
api_key = "k"
enabled = false
"#;

struct Case {
    endpoint: Endpoint,
    model: Option<&'static str>,
    header: Option<&'static str>,
    allowed_providers: &'static [&'static str],
    allowed_models: &'static [&'static str],
    project_models: &'static [&'static str],
}

const CHAT: Case = Case {
    endpoint: Endpoint::ChatCompletions,
    model: None,
    header: None,
    allowed_providers: &[],
    allowed_models: &[],
    project_models: &[],
};

fn decide(case: &Case) -> Result<(String, Option<String>, Rule), Unroutable> {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let providers = providers(TWO_OPENAIS);
    let (allowed_providers, allowed_models) = (owned(case.allowed_providers), owned(case.allowed_models));
    let project_models = owned(case.project_models);
    let catalog = Catalog::bundled(&[]);
    let live = [("near".to_owned(), Arc::from(["phi-local".to_owned()]))];
    let question = Question {
        fallbacks: &[],
        endpoint: case.endpoint,
        model: case.model,
        profile: None,
        provider_wanted: case.header,
        providers: &providers,
        models: &[],
        profiles: &[],
        default_profile: None,
        strategy: Strategy::Priority,
        sticky: true,
        default_provider: None,
        allowed_providers: &allowed_providers,
        allowed_models: &allowed_models,
        project_models: &project_models,
        catalog: &catalog,
        live: &live,
    };
    let moment = Moment { at: Timestamp { unix_us: 1 }, turn: 0, dice: 0 };
    let planned = plan(&question, Need::default(), moment, |_, _| Observed::default());
    let plan = planned.outcome?;
    let rule = Trace::read(&planned.trace).unwrap().facts.rule;
    let first = plan.targets.first().expect("a plan has a target");
    Ok((first.provider.id.clone(), first.model.as_deref().map(str::to_owned), rule))
}

#[test]
fn close_names_are_those_that_the_caller_may_ask_for() {
    let providers = providers(TWO_OPENAIS);
    let catalog = Catalog::bundled(&[]);
    let close = |typed: &str, allowed_models: &[String], allowed_providers: &[String]| {
        let question = Question {
            fallbacks: &[],
            endpoint: Endpoint::ChatCompletions,
            model: Some(typed),
            profile: None,
            provider_wanted: None,
            providers: &providers,
            models: &[],
            profiles: &[],
            default_profile: None,
            strategy: Strategy::Priority,
            sticky: true,
            default_provider: None,
            allowed_providers,
            allowed_models,
            project_models: &[],
            catalog: &catalog,
            live: &[],
        };
        close_names(&question, typed)
    };
    assert_eq!(close("llama-3.3-70b-versatil", &[], &[]), ["llama-3.3-70b-versatile"]);
    assert_eq!(close("gtp-4o", &[], &[])[0], "gpt-4o", "two letters that changed places");
    assert!(close("gpt-4o-minni", &[], &[]).len() <= 3);
    assert_eq!(close("gpt-4o-minni", &["gpt-4o-mini".to_owned()], &[]), ["gpt-4o-mini"]);
    assert!(close("gpt-4o-minni", &[], &["groq".to_owned()]).is_empty());
    assert!(close("", &[], &[]).is_empty() && close(&"x".repeat(1_000), &[], &[]).is_empty());
}

#[test]
fn a_request_goes_where_its_model_says() {
    let rows = [
        ("a pin", Case { model: Some("groq/anything"), ..CHAT }, ("groq", Some("anything"), Rule::Pinned)),
        ("a pin of a name with slashes", Case { model: Some("groq/a/b"), ..CHAT }, ("groq", Some("a/b"), Rule::Pinned)),
        ("a slash that is no pin", Case { model: Some("a/b"), ..CHAT }, ("openai", Some("a/b"), Rule::Native)),
        (
            "a listed model",
            Case { model: Some("llama-3.3-70b-versatile"), ..CHAT },
            ("groq", Some("llama-3.3-70b-versatile"), Rule::KnownModel),
        ),
        ("a catalog model", Case { model: Some("gpt-4o"), ..CHAT }, ("openai", Some("gpt-4o"), Rule::KnownModel)),
        ("an unknown model", Case { model: Some("new"), ..CHAT }, ("openai", Some("new"), Rule::Native)),
        (
            "a live local model",
            Case { model: Some("phi-local"), ..CHAT },
            ("near", Some("phi-local"), Rule::KnownModel),
        ),
        (
            "a pinned default",
            Case { model: Some("openai/default"), ..CHAT },
            ("openai", Some("gpt-4o-mini"), Rule::Pinned),
        ),
        ("no model", CHAT, ("openai", Some("gpt-4o-mini"), Rule::Default)),
        ("default", Case { model: Some("default"), ..CHAT }, ("openai", Some("gpt-4o-mini"), Rule::Default)),
        (
            "a header where no model decides",
            Case { endpoint: Endpoint::Files, header: Some("groq"), ..CHAT },
            ("groq", None, Rule::Header),
        ),
        ("files of the default", Case { endpoint: Endpoint::Files, ..CHAT }, ("openai", None, Rule::Default)),
        (
            "another API",
            Case { endpoint: Endpoint::Messages, model: Some("unheard-of"), ..CHAT },
            ("anthropic", Some("unheard-of"), Rule::Native),
        ),
        (
            "a pin of a provider of another API",
            Case { model: Some("anthropic/claude"), ..CHAT },
            ("anthropic", Some("claude"), Rule::Pinned),
        ),
        (
            "a catalog model that another API serves",
            Case { endpoint: Endpoint::Messages, model: Some("gpt-4o"), ..CHAT },
            ("openai", Some("gpt-4o"), Rule::KnownModel),
        ),
        (
            "the default of another API",
            Case { endpoint: Endpoint::Messages, ..CHAT },
            ("openai", Some("gpt-4o-mini"), Rule::Default),
        ),
        (
            "an unknown model where nobody speaks the API",
            Case { endpoint: Endpoint::GenerateContent, model: Some("g"), ..CHAT },
            ("near", Some("g"), Rule::Native),
        ),
        (
            "a key with one provider",
            Case { model: Some("new"), allowed_providers: &["groq"], ..CHAT },
            ("groq", Some("new"), Rule::Native),
        ),
    ];
    for (name, case, (provider, model, rule)) in rows {
        let expected = (provider.to_owned(), model.map(str::to_owned), rule);
        assert_eq!(decide(&case), Ok(expected), "{name}");
    }
}

#[test]
fn what_cannot_be_served_says_why() {
    let rows = [
        ("a disabled provider", Case { model: Some("resting/gpt-4o"), ..CHAT }, "no enabled provider `resting`"),
        (
            "the wrong API",
            Case { endpoint: Endpoint::Embeddings, model: Some("anthropic/claude"), ..CHAT },
            "does not speak the openai_embeddings API",
        ),
        (
            "nobody who embeds",
            Case { endpoint: Endpoint::EmbedContent, model: Some("g"), allowed_providers: &["anthropic"], ..CHAT },
            "no configured provider",
        ),
        (
            "nobody but makers who do not list it",
            Case { model: Some("new"), allowed_providers: &["anthropic"], ..CHAT },
            "no configured provider speaks",
        ),
        (
            "no default",
            Case { endpoint: Endpoint::Messages, allowed_providers: &["anthropic"], ..CHAT },
            "no provider has a default_model",
        ),
        ("a foreign model", Case { model: Some("gpt-4o"), allowed_models: &["o3"], ..CHAT }, "may not use model"),
        ("a foreign default", Case { allowed_models: &["o3"], ..CHAT }, "may not use model"),
        ("a foreign provider", Case { model: Some("openai/x"), allowed_providers: &["groq"], ..CHAT }, "may not use"),
        ("an unknown header", Case { endpoint: Endpoint::Files, header: Some("x"), ..CHAT }, "no enabled provider `x`"),
    ];
    for (name, case, expected) in rows {
        let message = decide(&case).map_err(|error| error.to_string()).unwrap_err();
        assert!(message.contains(expected), "{name}: {message}");
    }
}
