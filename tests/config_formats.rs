//! The config file in TOML, YAML and JSON: one schema, one meaning, errors that lead to the line; and a `gateway.yaml`
//! of an earlier gateway, carried over.

use std::{collections::BTreeMap, path::Path, sync::mpsc, time::Duration};

use llm_gateway::config::{self, Config, ConfigErrors, LoadOptions, ProviderKey, Watcher};
use llm_gateway::domain::Secret;
use serde_json::json;

use super::harness::gateway::start_with;

type Variables<'a> = &'a [(&'a str, &'a str)];

fn options(dir: &Path, file: &str, env: Variables<'_>) -> LoadOptions {
    let env: BTreeMap<_, _> = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    LoadOptions { config_path: Some(file.into()), port: None, working_dir: dir.to_owned(), env }
}

fn load(file: &str, text: &str, env: Variables<'_>) -> Result<Config, ConfigErrors> {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join(file), text).unwrap();
    config::load(&options(dir.path(), file, env)).map(|mut config| {
        config.storage.path = "data".into();
        config
    })
}

fn errors(file: &str, text: &str) -> Vec<String> {
    load(file, text, &[]).unwrap_err().lines().to_vec()
}

const TOML: &str = r#"
[server]
port = 3000
allowed_hosts = ["a.example"]
[auth]
require_key = true
[[providers]]
id = "openai"
api_key = "${KEY}"
timeout = 7.5
api_params = { temperature = 0.2, stop = ["x", "y"] }
pricing = { input = 0.15 }
[[models]]
name = "fast"
targets = ["openai/gpt-4o-mini", { provider = "openai", model = "gpt-4o", weight = 2, params = { metadata = { a = { b = 1 } } } }]
[[projects]]
name = "shop"
models = ["fast"]
keys = ["${KEY}-shop"]
[projects.limits]
requests_per_minute = 5
[key_map."${KEY}-team"]
label = "Team"
[sanitization.actions]
email = "mask"
"#;

const YAML: &str = r#"
server: &server
  port: 3000
  allowed_hosts: [a.example]
auth: {require_key: true}
providers:
  - id: openai
    api_key: "${KEY}"
    timeout: 7.5
    api_params:
      temperature: 0.2
      stop:
        - x
        - y
    pricing: {input: 0.15}
models:
  - name: fast
    targets:
      - openai/gpt-4o-mini
      - provider: openai
        model: gpt-4o
        weight: 2
        params: {metadata: {a: {b: 1}}}
projects:
  - name: shop
    models: [fast]
    keys: ["${KEY}-shop"]
    limits: {requests_per_minute: 5}
key_map:
  "${KEY}-team":
    label: Team
sanitization:
  actions: {email: mask}
budgets: # none yet
"#;

const JSON: &str = r#"{
  "server": {"port": 3000, "allowed_hosts": ["a.example"]},
  "auth": {"require_key": true},
  "providers": [{"id": "openai", "api_key": "${KEY}", "timeout": 7.5,
    "api_params": {"temperature": 0.2, "stop": ["x", "y"]}, "pricing": {"input": 0.15}}],
  "models": [{"name": "fast", "targets": ["openai/gpt-4o-mini",
    {"provider": "openai", "model": "gpt-4o", "weight": 2, "params": {"metadata": {"a": {"b": 1}}}}]}],
  "projects": [{"name": "shop", "models": ["fast"], "keys": ["${KEY}-shop"], "limits": {"requests_per_minute": 5}}],
  "key_map": {"${KEY}-team": {"label": "Team"}},
  "sanitization": {"actions": {"email": "mask"}}
}"#;

#[test]
fn one_schema_has_one_meaning_in_three_formats() {
    let shown = |file: &str, text: &str| {
        let config = load(file, text, &[("KEY", "sk-test"), ("LLM_GATEWAY_ROUTING__RETRIES", "3")]).unwrap();
        assert_eq!((config.server.port, config.routing.retries), (3000, 3), "{file}");
        assert_eq!(config.providers[0].key, ProviderKey::Own(Secret::new("sk-test")), "{file}");
        assert_eq!(config.warnings, Vec::<String>::new(), "{file}");
        let keys: Vec<_> = config.key_map.iter().map(|key| key.key.expose().to_owned()).collect();
        (config::effective_toml(&config), keys)
    };
    let toml = shown("gateway.toml", TOML);
    for (file, text) in [("gateway.yaml", YAML), ("gateway.YML", YAML), ("gateway.json", JSON)] {
        assert_eq!(shown(file, text), toml, "{file}");
    }
}

#[test]
fn errors_name_file_line_and_key_in_every_format() {
    let cases = [
        ("c.yaml", "server:\n  prot: 1", "c.yaml:2: server.prot: unknown key; did you mean \"port\"?"),
        ("c.yaml", "\nsever: {}", "c.yaml:2: sever: unknown section; did you mean \"server\"?"),
        (
            "c.yaml",
            "server:\n  port: 1\n  port: 2",
            "c.yaml:3: server.port: is stated at c.yaml:2 already; keep one of them",
        ),
        (
            "c.yaml",
            "server:\n  port: 0x1FFFF",
            "c.yaml:2: server.port: is out of range; write a whole number from 0 to 65535",
        ),
        // `no` is a word: whoever means false says so.
        ("c.yaml", "auth:\n  require_key: no", "c.yaml:2: auth.require_key: is a string; write true or false"),
        ("c.yaml", "server:\n\tport: 1", "c.yaml:2: "),
        ("c.yaml", "[1, 2]", "c.yaml:1: is a list; write sections"),
        (
            "c.yaml",
            "providers:\n  - id: groq\n    base_url: \"${NOT_SET}\"",
            "c.yaml:3: providers.base_url: the environment variable NOT_SET is not set",
        ),
        ("c.json", "{\n\"server\": {\n\"prot\": 1}}", "c.json:3: server.prot: unknown key; did you mean \"port\"?"),
        (
            "c.json",
            "{\"server\": {\"port\": 1,\n \"port\": 2}}",
            "c.json:2: server.port: is stated at c.json:1 already",
        ),
        ("c.json", "{\"server\": ", "c.json:1: invalid JSON"),
        ("c.json", "[]", "c.json: is not an object"),
        (
            "c.json",
            "{\"auth\": {\"require_key\": \"true\"}}",
            "c.json:1: auth.require_key: is a string; write true or false",
        ),
    ];
    for (file, text, expected) in cases {
        let told = errors(file, text);
        assert!(told[0].starts_with(expected), "{text}: {told:?}");
    }
}

#[test]
fn a_value_that_is_left_out_counts_as_not_stated() {
    for (file, text) in [
        ("c.yaml", "server:\n  port:\nproviders:\nlimits: ~"),
        ("c.json", "{\"server\": {\n\"port\": null}, \"providers\": null}"),
    ] {
        let config = load(file, text, &[]).unwrap();
        assert_eq!(config.server.port, 8930);
        assert_eq!(config.warnings, [format!("{file}:2: server.port: has no value and counts as not stated")]);
    }
}

#[test]
fn a_secret_in_any_format_is_in_no_message() {
    let secret = "sk-ant-secret-canary-0123456789abcdef";
    for (file, text) in [
        (
            "c.yaml",
            format!(
                "key_map:\n  {secret}: 5\n  {secret}: 6\n{secret}: 1\nproviders:\n  - {{id: {secret}, {secret}: {secret}}}"
            ),
        ),
        ("c.yaml", format!("server: {secret}: x")),
        ("c.json", format!("{{\"key_map\": {{\"{secret}\": 5, \"{secret}\": 6}}, \"{secret}\": 1}}")),
        ("c.json", format!("{{\"server\": {secret}")),
    ] {
        let told = errors(file, &text);
        assert!(!told.is_empty() && !told.concat().contains("canary"), "{told:?}");
    }
}

#[test]
fn yaml_is_watched_and_reloaded_like_toml() {
    let dir = tempfile::tempdir().unwrap();
    let write = |text: &str| {
        std::fs::write(dir.path().join("new"), text).unwrap();
        std::fs::rename(dir.path().join("new"), dir.path().join("gateway.yaml")).unwrap();
    };
    write("server: {max_headers: 20}");
    let options = options(dir.path(), "gateway.yaml", &[]);
    let running = config::load(&options).unwrap();
    let (send, changes) = mpsc::channel();
    let _watcher = Watcher::spawn(options, &running, move |change| send.send(change).unwrap()).unwrap();
    write("server: {max_headers: 30}");
    assert_eq!(changes.recv_timeout(Duration::from_secs(20)).unwrap().unwrap().server.max_headers, 30);
    write("server: {max_headers: 30");
    let refused = changes.recv_timeout(Duration::from_secs(20)).unwrap().unwrap_err();
    assert!(refused.lines()[0].starts_with("gateway.yaml:"), "{refused}");
}

/// The shape of the earlier gateway's documentation, on loopback.
const OLDER: &str = r#"
defaultProject: true
server:
  host: "127.0.0.1"
  port: 3000
models:
  - name: gpt-std
    isDefault: true
    provider:
      type: "openai"
      config:
        apiKey: "${OPENAI_API_KEY}"
        model: "gpt-4.1"
  - name: gpt-mini
    provider:
      type: "openai"
      config:
        apiKey: "${OPENAI_API_KEY}"
        model: "gpt-4.1-mini"
projects:
  - name: test
    description: "Test project"
  - name: production
    models:
      - name: claude-prod
        provider:
          type: anthropic
          config:
            apiKey: "${ANTHROPIC_PROD_KEY}"
      - gpt-mini
availablePlugins:
  - module: "@nullplatform/llm-gateway-clickhouse-tracer-plugin"
  - path: "./plugins/my-plugin/dist/index.js"
monitoring:
  enabled: true
  health_check:
    endpoint: "/healthz"
logging:
  level: "WARNING"
  format: json
"#;

#[test]
fn a_gateway_yaml_of_an_earlier_gateway_is_carried_over() {
    let env = [("OPENAI_API_KEY", "sk-o"), ("ANTHROPIC_PROD_KEY", "sk-a")];
    let config = load("gateway.yaml", OLDER, &env).unwrap();
    let providers: Vec<_> =
        config.providers.iter().map(|each| (each.id.as_str(), each.default_model.as_deref())).collect();
    assert_eq!(providers, [("openai", Some("gpt-4.1")), ("anthropic", None)]);
    assert_eq!(config.providers[1].key, ProviderKey::Own(Secret::new("sk-a")));
    let models: Vec<_> = config
        .models
        .iter()
        .map(|model| (model.name.as_str(), model.targets[0].provider.as_str(), model.targets[0].model.as_deref()))
        .collect();
    assert_eq!(
        models,
        [
            ("gpt-std", "openai", Some("gpt-4.1")),
            ("gpt-mini", "openai", Some("gpt-4.1-mini")),
            ("claude-prod", "anthropic", None)
        ]
    );
    assert_eq!(config.projects[0].description.as_deref(), Some("Test project"));
    assert_eq!(config.projects[1].models, ["claude-prod", "gpt-mini"]);
    assert_eq!((config.telemetry.log.as_str(), config.telemetry.log_json), ("warn", true));
    for told in [
        "gateway.yaml:9: models.provider: is an older form; write a provider and `targets` of the model",
        "gateway.yaml:25: projects.models: defines a model; define it under `models` and name it here",
        "gateway.yaml:33: availablePlugins: is not loaded",
        "gateway.yaml:37: monitoring.health_check.endpoint: is not used: the health check is at /health",
        "gateway.yaml:39: logging.level: is an older name; write telemetry.log",
    ] {
        assert!(config.warnings.iter().any(|warning| warning.starts_with(told)), "{told}: {:#?}", config.warnings);
    }
    // The module that is built in, and what is said as it is meant, need no word.
    assert!(!config.warnings.iter().any(|warning| warning.contains(":32:") || warning.contains("monitoring.enabled")));
}

#[test]
fn what_is_wrong_with_an_older_file_is_told_at_its_line() {
    let cases = [
        (
            "models:\n  - name: m\n    provider:\n      type: opnai\n      config: {model: x}",
            "g.yaml:4: providers.provider_type: \"opnai\" is not known; did you mean \"openai\"?",
        ),
        ("models:\n  - isDefault: true\n    provider: {type: openai, config: {}}", "g.yaml:2: models.name: is missing"),
    ];
    for (text, expected) in cases {
        let told = errors("g.yaml", text);
        assert!(told.iter().any(|line| line.starts_with(expected)), "{told:?}");
    }
    let config = load("g.yaml", "models:\n  - name: m\n    provider:\n      type: openai\n      config: {model: x, organization: o}\nlogging: {destinations: []}", &[]).unwrap();
    for told in
        ["g.yaml:5: models.provider.config.organization: is not used", "g.yaml:6: logging.destinations: is not used"]
    {
        assert!(config.warnings.iter().any(|warning| warning == told), "{:?}", config.warnings);
    }
}

#[tokio::test]
async fn a_project_may_use_its_models_and_no_others() {
    let rig = start_with(
        "[[models]]\nname = \"std\"\naliases = [\"standard\"]\ntargets = [\"openai/gpt-4o\"]\nfallbacks = [\"openai/gpt-4o-mini\"]\n\
         [[projects]]\nname = \"shop\"\ndescription = \"Web shop\"\nmodels = [\"std\", \"anthropic/claude-sonnet-4-5\"]\n\
         keys = [\"shop-test-key\"]\n[projects.limits]\nrequests_per_hour = 500\n\
         [[projects]]\nname = \"closed\"\nrequire_key = true\ncache = true\n\
         [key_map.narrow-test-key]\nlabel = \"Narrow\"\nproject = \"shop\"\nallowed_models = [\"anthropic/claude-sonnet-4-5\"]\n",
    )
    .await;
    let ask = |model: Option<&str>| {
        let mut body = json!({"messages": [{"role": "user", "content": "Hi"}]});
        model.into_iter().for_each(|model| body["model"] = model.into());
        body
    };
    let shop = rig.client().with("x-project", "shop");
    let path = "/v1/chat/completions";
    for model in [Some("std"), Some("standard"), Some("anthropic/claude-sonnet-4-5"), None] {
        let answer = shop.post(path, &ask(model)).await;
        assert_eq!(answer.status, 200, "{model:?}: {}", answer.text());
    }
    assert_eq!(rig.upstream.ledger().last().unwrap().json().unwrap()["model"], "gpt-4o", "none named: the first one");
    for model in ["gpt-4o", "openai/gpt-4o-mini", "gemini/gemini-2.5-flash"] {
        let answer = shop.post(path, &ask(Some(model))).await;
        assert_eq!(answer.code(403), "permission_denied", "{model}");
        assert!(answer.text().contains("this project may not use model"), "{}", answer.text());
        // Under no project, it is as it was.
        rig.client().post("/openai/v1/chat/completions", &ask(Some("gpt-4o"))).await.expect(200);
    }
    rig.client().post("/shop/openai/v1/chat/completions", &ask(Some("gpt-4o"))).await.expect(403);
    // Key and project must both allow it.
    let narrow = rig.client().with("authorization", "Bearer narrow-test-key");
    narrow.post(path, &ask(Some("std"))).await.expect(403);
    narrow.post(path, &ask(Some("anthropic/claude-sonnet-4-5"))).await.expect(200);
    // Lists show what is left, the operator's own names included.
    let ids = |list: &serde_json::Value| -> Vec<String> {
        list["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&shop.get("/v1/models").await.expect(200)), ["std", "claude-sonnet-4-5"]);
    assert_eq!(ids(&rig.client().get("/shop/openai/v1/models").await.expect(200)), ["std", "claude-sonnet-4-5"]);
    let all = ids(&rig.client().get("/v1/models").await.expect(200));
    assert!(all.contains(&"std".to_owned()) && all.contains(&"gpt-4o".to_owned()), "{all:?}");
}

#[tokio::test]
async fn a_projects_keys_belong_to_it_and_it_may_want_one() {
    let rig = start_with(
        "[[projects]]\nname = \"shop\"\ndescription = \"Web shop\"\nmodels = [\"openai/gpt-4o\"]\nkeys = [\"shop-test-key\"]\n\
         [projects.limits]\nrequests_per_hour = 500\n\
         [[projects]]\nname = \"closed\"\nrequire_key = true\ncache = true\n",
    )
    .await;
    let body = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]});
    let path = "/v1/chat/completions";
    let closed = rig.client().with("x-project", "closed");
    assert_eq!(closed.post(path, &body).await.code(401), "authentication");
    assert_eq!(closed.with("authorization", "Bearer nothing").post(path, &body).await.code(401), "authentication");
    closed.get("/v1/models").await.expect(401);
    // The key is one of its project, whatever the header says.
    closed.with("authorization", "Bearer shop-test-key").post(path, &body).await.expect(200);
    rig.client().post(path, &body).await.expect(200);
    let records = rig.records_when(4).await;
    let projects: Vec<_> = records.iter().map(|record| record["project"].as_str()).collect();
    assert_eq!(projects, [None, Some("shop"), Some("closed"), Some("closed")]);
    let listed = rig.client().get("/v1/projects").await.expect(200);
    let shop = listed["data"].as_array().unwrap().iter().find(|project| project["id"] == "shop").unwrap();
    let settings = json!({"description": "Web shop", "models": ["openai/gpt-4o"], "require_key": false, "cache": false,
        "limits": {"requests_per_hour": 500}});
    assert_eq!(shop["settings"], settings);
    assert_eq!(shop["total_requests"], 1);
    assert!(shop["keys"][0]["id"].as_str().unwrap().starts_with("key_map_"), "{shop}");
    assert!(!listed.to_string().contains("shop-test-key"));
}

#[tokio::test]
async fn a_project_of_the_config_is_listed_before_it_is_seen() {
    let rig = start_with("[[projects]]\nname = \"new\"\n").await;
    let listed = rig.client().get("/v1/projects").await.expect(200);
    assert_eq!(listed["data"][0]["id"], "new");
    assert_eq!((&listed["data"][0]["first_seen_at"], &listed["data"][0]["total_requests"]), (&json!(null), &json!(0)));
    assert_eq!(rig.client().get("/v1/projects?active_since_mins=5").await.expect(200)["data"], json!([]));
}

#[test]
fn projects_that_contradict_themselves_are_refused() {
    let cases = [
        (
            "[[projects]]\nname = \"a\"\nkeys = [\"k-1\"]\n[key_map.k-1]\nproject = \"b\"",
            "c.toml:3: projects.keys: holds a virtual key that is stated elsewhere too",
        ),
        (
            "[[projects]]\nname = \"a\"\nkeys = [\"k-1\"]\n[[projects]]\nname = \"b\"\nkeys = [\"k-1\"]",
            "c.toml:6: projects.keys: holds a virtual key",
        ),
        (
            "[[projects]]\nname = \"a\"\nkeys = [\"k 1\"]",
            "c.toml:3: projects.keys: has a virtual key that cannot be sent",
        ),
        (
            "[[projects]]\nname = \"a\"\nkeys = [\"k-1\"]\n[auth]\nadmin_token = \"k-1\"",
            "c.toml:5: auth.admin_token: is a virtual key",
        ),
    ];
    for (text, expected) in cases {
        let told = errors("c.toml", text);
        assert!(told[0].starts_with(expected), "{told:?}");
    }
    let same = "[[projects]]\nname = \"a\"\nkeys = [\"k-1\"]\n[key_map.k-1]\nproject = \"a\"\nlabel = \"L\"";
    assert_eq!(load("c.toml", same, &[]).unwrap().key_map.len(), 1);
}
