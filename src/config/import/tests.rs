//! Files as people have them, translated, loaded again and compared.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{Imported, Outcome, import};
use crate::config::{self, Config, LoadOptions, Provider, ProviderKey, Strategy as Order};

const VARIABLES: [&str; 12] = [
    "OPENAI_API_KEY",
    "ANTHROPIC_API_KEY",
    "GROQ_API_KEY",
    "AZURE_API_KEY",
    "AZURE_API_KEY_EU",
    "AZURE_API_KEY_CA",
    "AZURE_2_API_KEY",
    "AZURE_API_BASE",
    "HUGGINGFACE_API_KEY",
    "LITELLM_MASTER_KEY",
    "DEEPSEEK_API_KEY",
    "HF_KEY",
];

fn env(names: &[&str]) -> BTreeMap<String, String> {
    let value = |name: &str| {
        if name.ends_with("_BASE") { "https://base.example.com/".to_owned() } else { format!("value-of-{name}") }
    };
    names.iter().map(|name| ((*name).to_owned(), value(name))).collect()
}

fn load(toml: &str, variables: BTreeMap<String, String>) -> Config {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("config.toml"), toml).unwrap();
    let options = LoadOptions {
        config_path: Some("config.toml".into()),
        working_dir: dir.path().to_owned(),
        env: variables,
        ..LoadOptions::default()
    };
    config::load(&options).unwrap_or_else(|errors| panic!("{errors}\n{toml}"))
}

fn translated(yaml: &str) -> (Imported, Config) {
    let imported = import("config.yaml", yaml, &BTreeMap::new()).unwrap_or_else(|errors| panic!("{errors}"));
    let config = load(&imported.toml, env(&VARIABLES));
    (imported, config)
}

fn provider<'a>(config: &'a Config, id: &str) -> &'a Provider {
    config.providers.iter().find(|provider| provider.id == id).unwrap_or_else(|| panic!("no provider {id}"))
}

fn key_of(provider: &Provider) -> &str {
    match &provider.key {
        ProviderKey::Own(secret) => secret.expose(),
        _ => "",
    }
}

/// Targets of a named model as `provider/model xWEIGHT`.
fn targets(config: &Config, name: &str) -> Vec<String> {
    let model = config.models.iter().find(|model| model.name == name).unwrap_or_else(|| panic!("no model {name}"));
    let shown = |target: &config::ModelTarget| {
        format!("{}/{} x{}", target.provider, target.model.as_deref().unwrap_or_default(), target.weight)
    };
    model.targets.iter().map(shown).collect()
}

fn outcome(imported: &Imported, key: &str) -> Vec<Outcome> {
    let outcomes: Vec<_> =
        imported.notes.iter().filter(|note| note.key.contains(key)).map(|note| note.outcome).collect();
    assert!(!outcomes.is_empty(), "nothing is said of {key}: {:#?}", imported.notes);
    outcomes
}

const START: &str = r#"
model_list:
  - model_name: gpt-4o
    litellm_params:
      model: azure/gpt-4o-eu
      api_base: https://my-endpoint-europe.openai.azure.com/
      api_key: "os.environ/AZURE_API_KEY_EU"
      rpm: 6
  - model_name: bedrock-claude-v1
    litellm_params:
      model: bedrock/anthropic.claude-instant-v1
      aws_region_name: us-east-1
  - model_name: gpt-4o
    litellm_params:
      model: azure/gpt-4o-ca
      api_base: https://my-endpoint-canada.openai.azure.com/
      api_key: "os.environ/AZURE_API_KEY_CA"
      api_version: "2024-06-01"
      rpm: 18
  - model_name: vllm-models
    litellm_params:
      model: openai/facebook/opt-125m
      api_base: http://0.0.0.0:4000/v1
      api_key: none
      rpm: 1440
    model_info:
      version: 2
  - model_name: claude
    litellm_params:
      model: anthropic/claude-sonnet-4-5
      api_key: os.environ/ANTHROPIC_API_KEY
      temperature: 0.2
      max_tokens: 20
  - model_name: "*"
    litellm_params:
      model: openai/*
      api_key: os.environ/OPENAI_API_KEY

litellm_settings:
  drop_params: True
  success_callback: ["langfuse"]

general_settings:
  master_key: sk-1234
  alerting: ["slack"]
"#;

#[test]
fn the_usual_file_means_the_same() {
    let (imported, config) = translated(START);
    assert_eq!(imported.origin, "LiteLLM config.yaml");
    assert_eq!(targets(&config, "gpt-4o"), ["azure/gpt-4o-eu x6", "azure-2/gpt-4o-ca x18"]);
    assert_eq!(config.models[0].strategy, Some(Order::Weighted));
    assert_eq!(key_of(provider(&config, "azure")), "value-of-AZURE_API_KEY_EU");
    assert_eq!(key_of(provider(&config, "azure-2")), "value-of-AZURE_API_KEY_CA");
    assert_eq!(provider(&config, "azure-2").api_version.as_deref(), Some("2024-06-01"));
    assert_eq!(provider(&config, "azure").base_url.as_str(), "https://my-endpoint-europe.openai.azure.com/");
    let local = provider(&config, "0.0.0.0-4000");
    assert_eq!((local.base_url.as_str(), &local.key), ("http://0.0.0.0:4000/v1", &ProviderKey::None));
    assert_eq!(targets(&config, "vllm-models"), ["0.0.0.0-4000/facebook/opt-125m x1"]);
    let claude = &config.models.iter().find(|model| model.name == "claude").unwrap().targets[0];
    assert_eq!(serde_json::to_string(&claude.settings.params).unwrap(), r#"{"max_tokens":20,"temperature":0.2}"#);
    assert_eq!(key_of(provider(&config, "openai")), "value-of-OPENAI_API_KEY");
    assert!(config.translation.drop_unsupported && config.auth.require_key);
    assert_eq!(config.auth.admin_token.as_ref().unwrap().expose(), "value-of-LITELLM_MASTER_KEY");
    assert_eq!(config.server.port, 4000);
    assert!(
        imported.toml.contains("[limits.models.\"azure/gpt-4o-eu\"]\nrequests_per_minute = 6\n"),
        "{}",
        imported.toml
    );
    for key in ["bedrock-claude-v1", "success_callback", "alerting"] {
        assert_eq!(outcome(&imported, key), [Outcome::Left], "{key}");
    }
    assert_eq!(outcome(&imported, "master_key"), [Outcome::Changed; 2]);
    assert_eq!(outcome(&imported, "model_list[6]"), [Outcome::Carried]);
    assert!(!imported.toml.contains("sk-1234") && !format!("{:?}", imported.notes).contains("sk-1234"));
    assert!(imported.notes.iter().all(|note| note.place.starts_with("config.yaml:")), "{:#?}", imported.notes);
}

#[test]
fn retries_fallbacks_and_aliases_are_carried_over() {
    let (imported, config) = translated(
        r#"
model_list:
  - model_name: zephyr-beta
    litellm_params: {model: huggingface/HuggingFaceH4/zephyr-7b-beta, api_base: "http://0.0.0.0:8001", rpm: 60}
  - model_name: zephyr-beta
    litellm_params: {model: huggingface/HuggingFaceH4/zephyr-7b-beta, api_base: "http://0.0.0.0:8002", rpm: 600}
  - model_name: gpt-4o
    litellm_params: {model: gpt-4o, api_key: os.environ/OPENAI_API_KEY, timeout: 5, stream_timeout: 0.5, max_retries: 4}
  - model_name: gpt-3.5-turbo-16k
    litellm_params: {model: gpt-3.5-turbo-16k}

litellm_settings:
  num_retries: 3
  request_timeout: 10
  fallbacks: [{"zephyr-beta": ["gpt-4o"]}]
  context_window_fallbacks: [{"zephyr-beta": ["gpt-3.5-turbo-16k"]}, {"gpt-4o": ["gpt-3.5-turbo-16k"]}]
  content_policy_fallbacks: [{"gpt-4o": ["zephyr-beta"]}]
  allowed_fails: 3

router_settings:
  routing_strategy: latency-based-routing
  model_group_alias: {"gpt-4": "gpt-4o", "other": "nothing"}
  num_retries: 20
  timeout: 30
  cooldown_time: 45
  redis_host: redis.internal
"#,
    );
    let fallbacks = |name: &str| config.models.iter().find(|model| model.name == name).unwrap().fallbacks.clone();
    assert_eq!(fallbacks("zephyr-beta"), ["gpt-4o", "gpt-3.5-turbo-16k"]);
    assert_eq!(fallbacks("gpt-4o"), ["gpt-3.5-turbo-16k"]);
    assert_eq!(config.models[0].strategy, Some(Order::LowestLatency));
    assert_eq!(config.models[1].aliases, ["gpt-4"]);
    // What both sections state, the router's decides; more than is possible becomes what is.
    assert_eq!((config.routing.retries, config.routing.breaker_failures), (8, 4));
    assert_eq!(config.routing.breaker_cooldown.as_secs(), 45);
    assert_eq!(provider(&config, "openai").timeouts.total.as_secs(), 30);
    let target = &config.models[1].targets[0].settings;
    assert_eq!((target.total.unwrap().as_secs(), target.first_token.unwrap().as_millis()), (5, 500));
    assert_eq!(provider(&config, "0.0.0.0-8001").base_url.as_str(), "http://0.0.0.0:8001/v1");
    for key in ["content_policy_fallbacks", "redis_host", "alias.other", "max_retries", "litellm_settings.num_retries"]
    {
        assert_eq!(outcome(&imported, key), [Outcome::Left], "{key}");
    }
    assert_eq!(outcome(&imported, "router_settings.num_retries"), [Outcome::Changed]);
    assert_eq!(outcome(&imported, "context_window_fallbacks"), [Outcome::Changed; 2]);
    assert!(!config.translation.drop_unsupported, "LiteLLM refuses what it cannot carry over, unless told to drop it");
}

#[test]
fn prices_budgets_cache_and_credentials_are_carried_over() {
    let (imported, config) = translated(
        r#"
credential_list:
  - credential_name: azure_default
    credential_values: {api_key: os.environ/AZURE_API_KEY, api_base: os.environ/AZURE_API_BASE, api_version: "2023-05-15"}
    credential_info: {description: "Production"}
model_list:
  - model_name: chat
    litellm_params: {model: azure/chatgpt-v-2, litellm_credential_name: azure_default, tpm: 20_000}
    model_info: {input_cost_per_token: 0.0000025, base_model: azure/gpt-4o, max_input_tokens: 128000}
  - model_name: chat
    litellm_params: {model: groq/llama-3.3-70b-versatile, output_cost_per_token: 7.9e-07, weight: 3}
litellm_settings:
  cache: true
  cache_params: {type: redis, host: localhost, ttl: 600}
  max_budget: 100
  budget_duration: 30d
  json_logs: yes
  default_fallbacks: [deepseek/deepseek-chat]
general_settings:
  completion_model: chat
  max_request_size_mb: 4
  maximum_spend_logs_retention_period: 30d
  database_url: postgresql://user:secret-password@db/litellm
environment_variables:
  REDIS_PASSWORD: redis-secret
"#,
    );
    assert_eq!(targets(&config, "chat"), ["azure/chatgpt-v-2 x20000", "groq/llama-3.3-70b-versatile x3"]);
    let azure = provider(&config, "azure");
    assert_eq!(
        (azure.base_url.as_str(), azure.api_version.as_deref()),
        ("https://base.example.com/", Some("2023-05-15"))
    );
    assert_eq!(azure.default_model.as_deref(), Some("chatgpt-v-2"));
    let price = |id: &str| config.catalog.iter().find(|card| card.provider.as_deref() == Some(id)).unwrap().clone();
    assert_eq!(price("azure").price.input.unwrap().to_string(), "2.5");
    assert_eq!(price("azure").card.max_input_tokens, Some(128_000));
    assert_eq!(price("groq").price.output.unwrap().to_string(), "0.79");
    assert!(config.cache.enabled && config.telemetry.log_json);
    assert_eq!(config.cache.ttl.as_secs(), 600);
    assert_eq!((config.budgets.len(), config.budgets[0].terms.period.as_str()), (1, "month"));
    assert_eq!((config.server.max_body_bytes, config.storage.retention_days), (4 << 20, Some(30)));
    assert_eq!(config.models[0].fallbacks, ["deepseek/deepseek-chat"]);
    let everything = format!("{}{:?}", imported.toml, imported.notes);
    assert!(!everything.contains("secret-password") && !everything.contains("redis-secret"), "{everything}");
    for key in ["database_url", "environment_variables", "base_model", "cache_params.host"] {
        assert_eq!(outcome(&imported, key), [Outcome::Left], "{key}");
    }
}

#[test]
fn a_key_that_stands_in_the_file_becomes_a_variable_that_is_named() {
    let yaml = r#"
model_list:
  - {model_name: a, litellm_params: {model: openai/gpt-4o, api_key: sk-first-secret}}
  - {model_name: b, litellm_params: {model: openai/gpt-4o, api_key: sk-other-secret}}
  - {model_name: c, litellm_params: {model: azure/x, api_base: "https://a.example.com", api_key: secret-3}}
  - {model_name: d, litellm_params: {model: azure/x, api_base: "https://b.example.com", api_key: secret-4}}
"#;
    let imported = import("config.yaml", yaml, &BTreeMap::new()).unwrap();
    let told: Vec<&str> = imported
        .notes
        .iter()
        .filter_map(|note| note.what.split_once("environment as "))
        .map(|(_, name)| name)
        .collect();
    assert_eq!(told, ["OPENAI_API_KEY", "OPENAI_2_API_KEY", "AZURE_API_KEY", "AZURE_2_API_KEY"]);
    assert!(!format!("{imported:?}").contains("secret"));
    let config = load(&imported.toml, env(&told));
    assert_eq!(key_of(provider(&config, "openai-2")), "value-of-OPENAI_2_API_KEY");
}

#[test]
fn a_registry_means_the_same_as_when_it_is_read_directly() {
    let json = r#"{
  "auto_priority": ["groq", "hugging"],
  "providers": {
    "groq": {
      "kind": "openai_compatible", "base_url": "https://api.groq.com/openai/v1", "env_key": "GROQ_API_KEY",
      "env_model": "GROQ_MODEL", "default_model": "llama-3.3-70b-versatile", "timeout": 60,
      "features": {"tool_calls": true, "json_mode": false},
      "pricing": {"input_per_1k_microcents": 0.59, "output_per_1k_microcents": 0.79}
    },
    "hugging": {"kind": "openai_compatible", "base_url": "https://hf.example.com/v1", "env_key": "HF_KEY",
      "default_model": "m", "api_params": {"max_tokens": 4096, "temperature": 0.1}},
    "openai": {"kind": "openai_compatible", "env_key": "OPENAI_API_KEY", "default_model": "gpt-4o-mini",
      "model_params": {"o3": {"reasoning_effort": "low"}}},
    "ollama": {"kind": "ollama", "env_host": "OLLAMA_HOST", "env_model": "OLLAMA_MODEL", "default_model": "qwen2.5-coder:14b"}
  }
}"#;
    for variables in [
        env(&["GROQ_API_KEY", "HF_KEY", "OPENAI_API_KEY"]),
        env(&["GROQ_API_KEY", "GROQ_MODEL"]),
        [("OLLAMA_HOST".to_owned(), "http://gpu:11434".to_owned()), ("OLLAMA_MODEL".to_owned(), "m2".to_owned())]
            .into(),
    ] {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("providers.json"), json).unwrap();
        let options =
            LoadOptions { working_dir: dir.path().to_owned(), env: variables.clone(), ..LoadOptions::default() };
        let direct = config::load(&options).unwrap();
        let imported = import("providers.json", json, &variables).unwrap();
        let config = load(&imported.toml, variables);
        let enabled = |config: &Config| -> Vec<String> {
            let mut shown: Vec<_> = config
                .providers
                .iter()
                .filter(|provider| provider.enabled)
                .map(|provider| {
                    let same = Provider { origin: config::ProviderOrigin::Config, priority: 0, ..(**provider).clone() };
                    format!("{same:?} {}", key_of(provider))
                })
                .collect();
            shown.sort();
            shown
        };
        assert_eq!(enabled(&config), enabled(&direct), "{}", imported.toml);
    }
}

#[test]
fn other_files_are_refused_with_what_to_do() {
    let cases = [
        ("a.yaml", "server: {port: 1}", "needs no import"),
        ("a.json", "{\"x\": 1}", "is neither a LiteLLM config"),
        ("a.yaml", "a: [", "fix the YAML syntax"),
        ("a.yaml", "", "is neither a LiteLLM config"),
    ];
    for (name, text, expected) in cases {
        let message = import(name, text, &BTreeMap::new()).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
}

proptest! {
    /// Whatever stands in the file, what comes out is TOML and says nothing of what may be a secret.
    #[test]
    fn any_deployment_becomes_toml(
        model in "[a-z_]{0,12}/?[ -~]{0,12}",
        base in prop::option::of("https?://[a-z.:0-9/]{1,20}|os.environ/[A-Z_]{0,8}|[ -~]{0,12}"),
        key in prop::option::of("sk-[a-z0-9]{20}"),
        name in "[ -~é]{1,20}",
        extra in "[a-z_]{1,12}",
        value in "[ -~]{0,12}",
    ) {
        let mut params = serde_json::json!({"model": model, extra: value});
        base.into_iter().for_each(|base| drop(params.as_object_mut().unwrap().insert("api_base".to_owned(), base.into())));
        if let Some(key) = &key {
            params.as_object_mut().unwrap().insert("api_key".to_owned(), key.clone().into());
        }
        let yaml = serde_json::json!({"model_list": [{"model_name": name, "litellm_params": params}]}).to_string();
        let imported = import("config.yaml", &yaml, &BTreeMap::new()).unwrap();
        let parsed: Result<toml::Table, _> = imported.toml.parse();
        prop_assert!(parsed.is_ok(), "{}", imported.toml);
        if let Some(key) = key {
            let shown = format!("{imported:?}");
            prop_assert!(!shown.contains(&key));
        }
    }
}
