//! Configuration: precedence, what appears from where, and errors that lead to the line.

use std::{collections::BTreeMap, path::Path, sync::mpsc, time::Duration};

use llm_gateway::config::{
    self, Config, ConfigErrors, LoadOptions, OnClientDisconnect, Provider, ProviderKey, ProviderOrigin, Watcher,
};
use llm_gateway::domain::Timestamp;
use tempfile::TempDir;

type Variables<'a> = &'a [(&'a str, &'a str)];

fn options(dir: &Path, env: Variables<'_>) -> LoadOptions {
    let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    LoadOptions { config_path: None, port: None, working_dir: dir.to_owned(), env }
}

fn directory(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(dir.path().join(name), text).unwrap();
    }
    dir
}

fn load_files(files: &[(&str, &str)], env: Variables<'_>) -> Result<Config, ConfigErrors> {
    config::load(&options(directory(files).path(), env))
}

fn load(toml: &str, env: Variables<'_>) -> Result<Config, ConfigErrors> {
    load_files(&[("config.toml", toml)], env)
}

fn errors(toml: &str, env: Variables<'_>) -> Vec<String> {
    load(toml, env).unwrap_err().lines().to_vec()
}

fn provider<'a>(config: &'a Config, id: &str) -> &'a Provider {
    config.providers.iter().find(|provider| provider.id == id).unwrap_or_else(|| panic!("no provider {id}"))
}

fn key_of(provider: &Provider) -> &str {
    match &provider.key {
        ProviderKey::Own(secret) => secret.expose(),
        ProviderKey::Passthrough => "(passthrough)",
        ProviderKey::None => "(none)",
    }
}

#[test]
fn a_flag_wins_over_the_environment_over_the_file_over_the_default() {
    let table: [(&str, Variables<'_>, Option<u16>, u16); 6] = [
        ("", &[], None, 8930),
        ("[server]\nport = 1", &[], None, 1),
        ("[server]\nport = 1", &[("PORT", "2")], None, 2),
        ("[server]\nport = 1", &[("PORT", "2"), ("LLM_GATEWAY_SERVER__PORT", "3")], None, 3),
        ("[server]\nport = 1", &[("LLM_GATEWAY_SERVER__PORT", "3")], Some(4), 4),
        ("[server]\nport = \"${P:-5}\"", &[], None, 5),
    ];
    for (toml, env, port, expected) in table {
        let dir = directory(&[("config.toml", toml)]);
        let config = config::load(&LoadOptions { port, ..options(dir.path(), env) }).unwrap();
        assert_eq!(config.server.port, expected, "{toml} {env:?} {port:?}");
    }
}

#[test]
fn log_filters_have_short_forms() {
    let table: [(&str, Variables<'_>, &str); 5] = [
        ("", &[], "info"),
        ("[telemetry]\nlog = \"debug\"", &[], "debug"),
        ("[telemetry]\nlog = \"debug\"", &[("LOG_LEVEL", "WARNING")], "warn"),
        ("", &[("LOG_LEVEL", "INFO"), ("RUST_LOG", "llm_gateway=trace")], "llm_gateway=trace"),
        ("", &[("RUST_LOG", "error"), ("LLM_GATEWAY_TELEMETRY__LOG", "warn")], "warn"),
    ];
    for (toml, env, expected) in table {
        assert_eq!(load(toml, env).unwrap().telemetry.log, expected, "{toml} {env:?}");
    }
}

#[test]
fn any_key_can_be_set_from_the_environment() {
    let config = load(
        "[[providers]]\nid = \"my-openai\"\nprovider_type = \"openai\"\napi_key = \"sk-test-file\"",
        &[
            ("LLM_GATEWAY_SERVER__ALLOWED_HOSTS", "a.example, B.example"),
            ("LLM_GATEWAY_SERVER__ON_CLIENT_DISCONNECT", "drain"),
            ("LLM_GATEWAY_SERVER__DRAIN_TIMEOUT", "1.5"),
            ("LLM_GATEWAY_AUTH__REQUIRE_KEY", "true"),
            ("LLM_GATEWAY_AUTH__ADMIN_TOKEN", "token-test"),
            ("LLM_GATEWAY_PROVIDERS__MY_OPENAI__TIMEOUT", "7"),
            ("LLM_GATEWAY_PROVIDERS__VLLM__PROVIDER_TYPE", "local"),
            ("LLM_GATEWAY_PROVIDERS__VLLM__ENDPOINT", "http://localhost:8000"),
        ],
    )
    .unwrap();
    assert_eq!(config.server.allowed_hosts, ["a.example", "b.example"]);
    assert_eq!(
        config.server.on_client_disconnect,
        OnClientDisconnect::Drain { max_bytes: 8 << 20, max_time: Duration::from_millis(1500) }
    );
    assert!(config.auth.require_key);
    assert_eq!(config.auth.admin_token.unwrap().expose(), "token-test");
    assert_eq!(provider(&load_vllm(), "vllm").base_url.as_str(), "http://localhost:8000/");
    let table: BTreeMap<&str, &Provider> =
        config.providers.iter().map(|each| (each.id.as_str(), each.as_ref())).collect();
    assert_eq!(table["my-openai"].timeouts.total, Duration::from_secs(7));
    assert_eq!(table["vllm"].origin, ProviderOrigin::Environment);
}

fn load_vllm() -> Config {
    load(
        "",
        &[
            ("LLM_GATEWAY_PROVIDERS__VLLM__PROVIDER_TYPE", "local"),
            ("LLM_GATEWAY_PROVIDERS__VLLM__ENDPOINT", "http://localhost:8000/v1/"),
        ],
    )
    .unwrap()
}

#[test]
fn names_that_container_platforms_make_up_are_left_alone() {
    let env = [("LLM_GATEWAY_PORT", "tcp://10.0.0.1:80"), ("LLM_GATEWAY_SERVICE_HOST", "10.0.0.1")];
    assert_eq!(load("", &env).unwrap().server.port, 8930);
}

/// What may be mistyped, and what is said about it.
const MISTAKES: &[(&str, &str)] = &[
    ("[server]\n\nprot = 1", "config.toml:3: server.prot: unknown key; did you mean \"port\"?"),
    ("[sever]", "config.toml:1: sever: unknown section; did you mean \"server\"?"),
    ("port = 1", "config.toml:1: port: stands outside of any section; put it below [server]"),
    ("\n[[plugins]]", "config.toml:2: plugins.type: is missing; write for example type = \"model-router\""),
    (
        "[limits]\nrequests_per_minute = 0",
        "config.toml:2: limits.requests_per_minute: is out of range; write a whole number from 1 to 1000000000000",
    ),
    (
        "[limits.per_key]\nrequest_per_minute = 5",
        "config.toml:2: limits.per_key.request_per_minute: unknown key; did you mean \"requests_per_minute\"?",
    ),
    (
        "[limits]\nalgorithm = \"leaky\"",
        "config.toml:2: limits.algorithm: \"leaky\" is not known; write one of token_bucket, sliding_window",
    ),
    (
        "[limits]\nrequests_per_hour = 9\nalgorithm = \"sliding_window\"\nburst = 5",
        "config.toml:4: limits.burst: belongs to algorithm = \"token_bucket\"; a sliding window has none",
    ),
    (
        "[limits]\nrequests_per_hour = 9\ntoken_burst = 5",
        "config.toml:3: limits.token_burst: bounds nothing; give a limit of tokens as well",
    ),
    (
        "[[budgets]]\nlimit_usd = 5\nperiod = \"day\"",
        "config.toml:1: budgets.name: is missing; write for example name = \"all\"",
    ),
    (
        "[[budgets]]\nname = \"b\"\nperiod = \"day\"",
        "config.toml:1: budgets.limit_usd: is missing; write for example limit_usd = 50",
    ),
    (
        "[[budgets]]\nname = \"b\"\nlimit_usd = 5\nperiod = \"year\"",
        "config.toml:4: budgets.period: \"year\" is not known; write one of day, week, month",
    ),
    (
        "[[budgets]]\nname = \"b\"\nlimit_usd = 5\nperiod = \"day\"\ntime_zone = \"Mars/Base\"",
        "config.toml:5: budgets.time_zone: \"Mars/Base\" is not a time zone; write its IANA name, such as \"Europe/Berlin\"",
    ),
    (
        "[[budgets]]\nname = \"b\"\nsubject = \"x\"\nlimit_usd = 5\nperiod = \"day\"",
        "config.toml:3: budgets.subject: belongs to a scope; a global budget holds for all",
    ),
    (
        "[[budgets]]\nname = \"b\"\nlimit_usd = 5\nperiod = \"day\"\nwarn_at = 0",
        "config.toml:5: budgets.warn_at: would always warn; write a share above 0, such as 0.8",
    ),
    (
        "[[budgets]]\nname = \"b\"\nlimit_usd = 5\nperiod = \"day\"\n[[budgets]]\nname = \"b\"\nlimit_usd = 5\nperiod = \"day\"",
        "config.toml:6: budgets.name: \"b\" is used twice; choose another",
    ),
    (
        "[routing]\nstrategy = \"fastest\"",
        "config.toml:2: routing.strategy: \"fastest\" is not known; write one of priority, round_robin, weighted, \
         lowest_latency, cost_optimized, best_score",
    ),
    (
        "[routing]\nstrategy = \"cost_optimised\"",
        "config.toml:2: routing.strategy: \"cost_optimised\" is not known; did you mean \"cost_optimized\"?",
    ),
    ("[routing]\nretry_budget = 2", "config.toml:2: routing.retry_budget: is out of range; write a number from 0 to 1"),
    ("[[models]]", "config.toml:1: models.name: is missing; give the model the name that clients ask for"),
    (
        "[[models]]\nname = \"auto\"\ntargets = [\"openai/gpt-5\"]",
        "config.toml:2: models.name: \"auto\" is a reserved name; choose another",
    ),
    (
        "[[models]]\nname = \"a\"\ntargets = []",
        "config.toml:3: models.targets: write a list such as [\"openai/gpt-5\", { provider = \"azure\", model = \
         \"gpt-5\", weight = 2 }]",
    ),
    (
        "[[models]]\nname = \"a\"\ntargets = [{ model = \"gpt-5\" }]",
        "config.toml:3: models.targets.provider: is missing; name the provider that this target is at",
    ),
    (
        "[[models]]\nname = \"a\"\ntargets = [\"x/y\"]\n[[models]]\nname = \"b\"\naliases = [\"a\"]\ntargets = [\"x/y\"]",
        "config.toml:6: models.aliases: \"a\" is the name of another [[models]] block already; give each its own",
    ),
    (
        "[[profiles]]\nid = \"p\"\nneeds = [\"toolz\"]\nprice = 1",
        "config.toml:3: profiles.needs: \"toolz\" is no ability; did you mean \"tools\"?",
    ),
    (
        "[[profiles]]\nid = \"p\"",
        "config.toml:1: profiles: weighs nothing; give at least one of quality, price, latency, reliability, affinity",
    ),
    ("[server]\nport = 70000", "config.toml:2: server.port: is out of range; write a whole number from 0 to 65535"),
    ("[server]\nport = \"8930\"", "config.toml:2: server.port: is a string; write a whole number from 0 to 65535"),
    (
        "[server]\nhost = \"example\"",
        "config.toml:2: server.host: \"example\" is not an IP address; write 127.0.0.1, 0.0.0.0, ::1 or another one",
    ),
    (
        "[server]\nallowed_hosts = [\n\"ok\",\n\"http://no\"]",
        "config.toml:4: server.allowed_hosts: \"http://no\" is not a host name; write it without scheme, port or \"*\"",
    ),
    (
        "[server]\non_client_disconnect = \"drian\"",
        "config.toml:2: server.on_client_disconnect: \"drian\" is not known; write \"cancel\" or \"drain\"; did you mean \"drain\"?",
    ),
    ("server = 1", "config.toml:1: server: is a number; write it as a table"),
    ("[auth]\nrequire_key = 1", "config.toml:2: auth.require_key: is a number; write true or false"),
    ("[auth]\nadmin_token = \"\"", "config.toml:2: auth.admin_token: is empty; set it or remove the key"),
    (
        "[auth]\nadmin_token = \"a b\"",
        "config.toml:2: auth.admin_token: holds blanks or characters outside ASCII; paste the key without quotes, spaces or line breaks",
    ),
    (
        "[server]\nheader_timeout = 0",
        "config.toml:2: server.header_timeout: is out of range; write seconds above 0 and up to 86400",
    ),
    ("[server]\nport = 1\nport = 2", "config.toml:3: duplicate key; fix the TOML syntax"),
    (
        "[telemetry]\nlog = \"a=b=c\"",
        "config.toml:2: telemetry.log: is not a log filter; write a level (error, warn, info, debug, trace) or e.g. llm_gateway=debug",
    ),
    (
        "[sanitization.actions]\npii = \"masked\"",
        "config.toml:2: sanitization.actions.pii: \"masked\" is not known; did you mean \"mask\"?",
    ),
    (
        "[sanitization.actions]\npii = \"delete\"",
        "config.toml:2: sanitization.actions.pii: \"delete\" is not known; write one of off, log, redact, mask, block",
    ),
    ("[sanitization]\nactions = 1", "config.toml:2: sanitization.actions: is a number; write it as a table"),
    (
        "[sanitization]\nmax_match_bytes = 1",
        "config.toml:2: sanitization.max_match_bytes: is out of range; write a whole number from 64 to 1048576",
    ),
    (
        "[[sanitization.patterns]]\npattern = 'x'",
        "config.toml:1: sanitization.patterns.name: is missing; write for example name = \"ticket\"",
    ),
    (
        "[[sanitization.patterns]]\nname = \"1\"\npattern = 'x'",
        "config.toml:2: sanitization.patterns.name: \"1\" is no name; write a letter, then letters, digits, _ and -",
    ),
    (
        "[[sanitization.patterns]]\nname = \"a\"\npattern = 'x'\n[[sanitization.patterns]]\nname = \"A\"\npattern = 'y'",
        "config.toml:5: sanitization.patterns.name: \"A\" is used twice; choose another",
    ),
    (
        "[[sanitization.patterns]]\nname = \"a\"\npattern = 'x'\napply_to = \"reply\"",
        "config.toml:4: sanitization.patterns.apply_to: \"reply\" is not known; write one of request, response, both",
    ),
    (
        "[key_map.k.sanitization]\nscan_timeout = 1",
        "config.toml:2: key_map.*.sanitization.scan_timeout: unknown key; known are enabled, scan_credentials, redact_pii, compliance_gate, actions, patterns",
    ),
    (
        "[key_map.k.sanitization.actions]\npii = \"of\"",
        "config.toml:2: key_map.*.sanitization.actions.pii: \"of\" is not known; did you mean \"off\"?",
    ),
    (
        "[[projects]]\ndescription = \"x\"",
        "config.toml:1: projects.name: is missing; write for example name = \"search\"",
    ),
    ("[[projects]]\nname = \"v1\"", "config.toml:2: projects.name: \"v1\" is a reserved name; choose another project"),
    (
        "[[projects]]\nname = \"a\"\n[[projects]]\nname = \"a\"",
        "config.toml:4: projects.name: \"a\" is stated twice; keep one block",
    ),
    (
        "[[projects]]\nname = \"a\"\nsanitization = { redact_pii = 1 }",
        "config.toml:3: projects.sanitization.redact_pii: is a number; write true or false",
    ),
    (
        "[[providers]]\nprovider_type = \"openai\"",
        "config.toml:1: providers.id: is missing; give the provider a name, such as id = \"openai\"",
    ),
    (
        "[[providers]]\nid = \"x\"\nprovider_type = \"antropic\"",
        "config.toml:3: providers.provider_type: \"antropic\" is not known; did you mean \"anthropic\"?",
    ),
    (
        "[[providers]]\nid = \"x\"",
        "config.toml:2: providers.provider_type: is missing; write one of anthropic, openai, azure_openai, local, openai_compatible, gemini, ollama",
    ),
    ("[[providers]]\nid = \"auto\"", "config.toml:2: providers.id: \"auto\" is reserved; choose another id"),
    (
        "[[providers]]\nid = \"OpenAI\"",
        "config.toml:2: providers.id: \"OpenAI\" is not an id; use at most 64 lower-case letters, digits, \".\", \"_\" and \"-\", beginning with a letter or digit",
    ),
    (
        "[[providers]]\nid = \"openai\"\n[[providers]]\nid = \"openai\"",
        "config.toml:4: providers.id: \"openai\" is used at config.toml:2 already; give each provider its own id",
    ),
    (
        "[[providers]]\nid = \"groqq\"\nprovider_type = \"openai_compatible\"",
        "config.toml:2: providers.base_url: is missing, and the id is not one of the presets; write what the OpenAI SDK takes, such as https://api.example.com/v1; or did you mean id = \"groq\"?",
    ),
    (
        "[[providers]]\nid = \"a\"\nprovider_type = \"azure_openai\"",
        "config.toml:2: providers.endpoint: is missing; write the resource's root, such as https://myresource.openai.azure.com",
    ),
    (
        "[[providers]]\nid = \"a\"\nprovider_type = \"local\"",
        "config.toml:2: providers.endpoint: is missing; write the server's root, such as http://localhost:11434",
    ),
    (
        "[[providers]]\nid = \"openai\"\nbase_url = \"ftp://x\"",
        "config.toml:3: providers.base_url: has another scheme than http or https; write https://…",
    ),
    (
        "[[providers]]\nid = \"openai\"\nbase_url = \"https://me:pw@x\"",
        "config.toml:3: providers.base_url: holds a user name or password; give the credential as api_key",
    ),
    (
        "[[providers]]\nid = \"openai\"\nbase_url = \"https://x\"\nendpoint = \"https://x\"",
        "config.toml:4: providers.endpoint: and base_url are both given; keep one of them",
    ),
    (
        "[[providers]]\nid = \"openai\"\napi_key = \"sk-test\"\nenv_key = \"K\"",
        "config.toml:4: providers.env_key: and api_key are both given; keep one of them",
    ),
    (
        "[[providers]]\nid = \"openai\"\nenv_key = \"NOT_SET\"",
        "config.toml:3: providers.env_key: names an environment variable that is not set; set it, or disable the provider",
    ),
    (
        "[[providers]]\nid = \"openai\"\ndeployment = \"d\"",
        "config.toml:3: providers.deployment: belongs to provider_type = \"azure_openai\" only; remove it",
    ),
    (
        "[[providers]]\nid = \"openai\"\nweight = 2",
        "config.toml:3: providers.weight: is not supported by this version yet; remove it",
    ),
    (
        "[[providers]]\nid = \"openai\"\npricing = { inptu = 1 }",
        "config.toml:3: providers.pricing.inptu: unknown key; did you mean \"input\"?",
    ),
    (
        "[[providers]]\nid = \"openai\"\napi_key = \"${NOT_SET}\"",
        "config.toml:3: providers.api_key: the environment variable NOT_SET is not set; set it, or give a default as in ${NOT_SET:-default}",
    ),
    (
        "[[providers]]\nid = \"openai\"\napi_key = \"${NOT\"",
        "config.toml:3: providers.api_key: has \"${\" without \"}\"; write ${NAME}, or $${ for the characters themselves",
    ),
    ("[key_map.virtual]\nlable = \"x\"", "config.toml:2: key_map.*.lable: unknown key; did you mean \"label\"?"),
    (
        "[key_map.virtual]\nopnai_key = \"sk-test\"",
        "config.toml:2: key_map.*.opnai_key: belongs to no known provider; did you mean \"openai_key\"?",
    ),
    (
        "[key_map.virtual]\nproject = \"v1\"",
        "config.toml:2: key_map.*.project: \"v1\" is a reserved name; choose another project",
    ),
    ("[[catalog]]\ninput = 1", "config.toml:1: catalog.model: is missing; name the model exactly as the provider does"),
    (
        "[[catalog]]\nmodel = \"m\"\ninput = -1",
        "config.toml:3: catalog.input: is not a price; write USD as a number of at most 12 decimal places, such as 0.15",
    ),
    (
        "[[catalog]]\nmodel = \"m\"",
        "config.toml:1: catalog: states nothing of the model; give a price (input, cache_read, cache_write, cache_write_1h, input_audio, output, reasoning, output_audio, per_request) or a fact",
    ),
    (
        "[[catalog]]\nmodel = \"m\"\ncapabilities = [\"tool\"]",
        "config.toml:3: catalog.capabilities: \"tool\" is not known here; did you mean \"tools\"?",
    ),
    (
        "[[catalog]]\nmodel = \"m\"\ninput_modalities = [\"smell\"]",
        "config.toml:3: catalog.input_modalities: \"smell\" is not known here; known are text, image, audio, video, pdf",
    ),
    (
        "[[catalog]]\nmodel = \"m\"\nstatus = \"gone\"",
        "config.toml:3: catalog.status: is none of active, beta, deprecated",
    ),
    (
        "[[catalog]]\nmodel = \"m\"\nreleased_on = \"July\"",
        "config.toml:3: catalog.released_on: is not a date; write 2026-07-02, 2026-07 or 2026",
    ),
];

#[test]
fn every_error_leads_to_its_line_and_says_what_would_be_right() {
    for (toml, expected) in MISTAKES {
        let found = errors(toml, &[]);
        assert!(found.iter().any(|error| error == expected), "{toml}\nexpected: {expected}\nfound: {found:#?}");
    }
}

#[test]
fn errors_of_the_environment_name_the_variable() {
    let table = [
        ("LLM_GATEWAY_SERVER__PROT", "1", "LLM_GATEWAY_SERVER__PROT: unknown key in [server]; did you mean \"port\"?"),
        (
            "LLM_GATEWAY_SEVER__PORT",
            "1",
            "LLM_GATEWAY_SEVER__PORT: unknown section \"sever\"; did you mean \"server\"?",
        ),
        (
            "LLM_GATEWAY_PLUGINS__SIZE",
            "1",
            "LLM_GATEWAY_PLUGINS__SIZE: [plugins] cannot be set from the environment; use ${NAME} in the config file",
        ),
        (
            "LLM_GATEWAY_KEY_MAP__A__LABEL",
            "x",
            "LLM_GATEWAY_KEY_MAP__A__LABEL: [key_map] cannot be set from the environment; use ${NAME} in the config file",
        ),
        ("PORT", "http", "PORT: is out of range; write a whole number from 0 to 65535"),
        ("LOG_LEVEL", "loud", "LOG_LEVEL: is not a log level; write one of off, error, warn, info, debug, trace"),
        (
            "LLM_GATEWAY_SERVER__HOST",
            "sk-test-x",
            "LLM_GATEWAY_SERVER__HOST: what the variable holds is not an IP address; write 127.0.0.1, 0.0.0.0, ::1 or another one",
        ),
        (
            "LLM_GATEWAY_MASTER_KEY",
            "abc",
            "LLM_GATEWAY_MASTER_KEY: is not 64 hex digits; make one with: openssl rand -hex 32",
        ),
        (
            "LLM_PROVIDER",
            "deepseek",
            "LLM_PROVIDER: names deepseek, which is not configured; set DEEPSEEK_API_KEY, or write auto",
        ),
        ("LLM_PROVIDER", "nobody", "LLM_PROVIDER: names no configured provider; write auto or the id of one"),
    ];
    for (name, value, expected) in table {
        assert_eq!(errors("", &[(name, value)]), [expected]);
    }
}

#[test]
fn all_errors_are_told_at_once_in_the_order_of_the_file() {
    let found = errors("[server]\nprot = 1\nport = \"x\"\n[auth]\nrequire_key = \"no\"\n[nonsense_section]", &[]);
    let lines: Vec<&str> = found.iter().map(|error| error.split(": ").next().unwrap()).collect();
    assert_eq!(lines, ["config.toml:2", "config.toml:3", "config.toml:5", "config.toml:6"]);
}

#[test]
fn a_missing_default_file_is_fine_and_a_missing_named_one_is_not() {
    let dir = directory(&[]);
    assert_eq!(config::load(&options(dir.path(), &[])).unwrap().server.port, 8930);
    let named = LoadOptions { config_path: Some("other.toml".into()), ..options(dir.path(), &[]) };
    let text = config::load(&named).unwrap_err().to_string();
    assert_eq!(text, "other.toml: does not exist; check the path");
}

#[test]
fn files_that_are_no_config_are_refused() {
    let dir = directory(&[]);
    let file = dir.path().join("config.toml");
    std::fs::write(&file, vec![b'#'; (4 << 20) + 1]).unwrap();
    let text = config::load(&options(dir.path(), &[])).unwrap_err().to_string();
    assert_eq!(text, "config.toml: is larger than 4 MiB; check that it is the right file");
    std::fs::write(&file, b"[server]\nhost = \"\xff\"").unwrap();
    let text = config::load(&options(dir.path(), &[])).unwrap_err().to_string();
    assert_eq!(text, "config.toml:2: is not UTF-8; save the file as UTF-8");
    std::fs::write(&file, "\u{feff}[server]\r\nport = 1\r\n").unwrap();
    assert_eq!(config::load(&options(dir.path(), &[])).unwrap().server.port, 1);
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    assert!(
        config::load(&options(dir.path(), &[])).unwrap_err().to_string().starts_with("config.toml: cannot be read")
    );
}

#[test]
fn a_dotenv_beside_the_config_is_read_below_the_real_environment() {
    let files = [
        ("config.toml", ""),
        (".env", "# keys\nOPENAI_API_KEY=sk-test-a\nANTHROPIC_API_KEY='sk-test-b' # x\nexport PORT=9\nGROQ_API_KEY=\n"),
    ];
    let config = load_files(&files, &[("OPENAI_API_KEY", "sk-test-real")]).unwrap();
    assert_eq!(config.server.port, 9);
    assert_eq!(key_of(provider(&config, "openai")), "sk-test-real");
    assert_eq!(key_of(provider(&config, "anthropic")), "sk-test-b");
    assert_eq!(config.providers.len(), 2, "an empty variable brings no provider");
    let found = load_files(&[(".env", "A=1\nthis is sk-test-secret\n")], &[]).unwrap_err().to_string();
    assert_eq!(found, ".env:2: is not NAME=value; fix the line");
}

#[test]
fn variables_are_replaced_in_any_string() {
    let toml = "[[providers]]\nid = \"openai\"\napi_key = \"${KEY}\"\nbase_url = \"https://${HOST:-h.example}/${X:-}v1\"\nmodels = [\"$${literal}\", \"${M:-m}\"]\n[key_map.\"${TEAM}\"]\nlabel = \"${TEAM}\"";
    let config = load(toml, &[("KEY", "sk-test-k"), ("TEAM", "team-key")]).unwrap();
    let openai = provider(&config, "openai");
    assert_eq!(key_of(openai), "sk-test-k");
    assert_eq!(openai.base_url.as_str(), "https://h.example/v1");
    assert_eq!(openai.models, ["${literal}", "m"]);
    assert_eq!(config.key_map[0].key.expose(), "team-key");
}

#[test]
fn providers_appear_from_the_environment_alone_cheapest_first() {
    let config = load_files(
        &[],
        &[
            ("ANTHROPIC_API_KEY", "sk-test-1"),
            ("OPENAI_API_KEY", "sk-test-2"),
            ("DEEPSEEK_API_KEY", "sk-test-3"),
            ("GEMINI_API_KEY", "sk-test-4"),
            ("OLLAMA_HOST", "0.0.0.0"),
            ("GROQ_API_KEY", "sk-test-5"),
            ("OPENAI_MODEL", "gpt-5"),
            ("LLM_PROVIDER", "gemini"),
        ],
    )
    .unwrap();
    let found: Vec<(&str, &str, Option<&str>)> = config
        .providers
        .iter()
        .map(|each| (each.id.as_str(), each.base_url.as_str(), each.default_model.as_deref()))
        .collect();
    assert_eq!(
        found,
        [
            ("ollama", "http://127.0.0.1:11434/", None),
            ("deepseek", "https://api.deepseek.com/v1", Some("deepseek-chat")),
            ("gemini", "https://generativelanguage.googleapis.com/", Some("gemini-2.0-flash")),
            ("openai", "https://api.openai.com/v1", Some("gpt-5")),
            ("anthropic", "https://api.anthropic.com/", Some("claude-3-5-sonnet-20241022")),
            ("groq", "https://api.groq.com/openai/v1", None),
        ]
    );
    assert!(config.providers.is_sorted_by_key(|each| each.priority));
    assert_eq!(config.default_provider.as_deref(), Some("gemini"));
    assert_eq!(load_files(&[], &[("LLM_PROVIDER", "auto")]).unwrap().default_provider, None);
}

#[test]
fn a_block_wins_over_key_and_host_variables_and_model_variables_win_over_the_block() {
    let toml = "[[providers]]\nid = \"openai\"\napi_key = \"sk-test-block\"\ndefault_model = \"gpt-4o\"\n[[providers]]\nid = \"ollama\"\nprovider_type = \"local\"\nendpoint = \"http://localhost:1\"\n[[providers]]\nid = \"anthropic\"\nenabled = false";
    let env = [
        ("OPENAI_API_KEY", "sk-test-env"),
        ("OPENAI_MODEL", "gpt-5"),
        ("OLLAMA_HOST", "http://localhost:2"),
        ("ANTHROPIC_API_KEY", "sk-test-a"),
    ];
    let config = load(toml, &env).unwrap();
    assert_eq!(config.providers.len(), 3);
    assert_eq!(key_of(provider(&config, "openai")), "sk-test-block");
    assert_eq!(provider(&config, "openai").default_model.as_deref(), Some("gpt-5"));
    assert_eq!(provider(&config, "ollama").base_url.as_str(), "http://localhost:1/");
    assert_eq!(key_of(provider(&config, "anthropic")), "sk-test-a", "what the block leaves open comes from outside");
    assert!(!provider(&config, "anthropic").enabled);
}

#[test]
fn addresses_are_what_the_sdk_takes_or_the_root_of_the_server() {
    let table = [
        ("openai", "base_url", "https://x.example/v1/", "https://x.example/v1"),
        ("openai", "endpoint", "https://x.example", "https://x.example/v1"),
        ("openai_compatible", "endpoint", "https://x.example/api", "https://x.example/api/v1"),
        ("openai_compatible", "base_url", "https://x.example/api", "https://x.example/api"),
        ("anthropic", "base_url", "https://x.example/v1", "https://x.example/"),
        ("gemini", "base_url", "https://x.example/v1beta", "https://x.example/"),
        ("local", "base_url", "http://localhost:8000/v1", "http://localhost:8000/"),
        ("local", "endpoint", "http://localhost:11434", "http://localhost:11434/"),
        ("ollama", "endpoint", "http://localhost:11434", "http://localhost:11434/"),
        ("ollama", "endpoint", "box:1234", "http://box:1234/"),
        ("azure_openai", "endpoint", "https://r.openai.azure.com/", "https://r.openai.azure.com/"),
        ("azure_openai", "base_url", "https://r.openai.azure.com/openai/v1/", "https://r.openai.azure.com/"),
    ];
    for (kind, key, typed, expected) in table {
        let toml = format!("[[providers]]\nid = \"x\"\nprovider_type = \"{kind}\"\n{key} = \"{typed}\"");
        assert_eq!(provider(&load(&toml, &[]).unwrap(), "x").base_url.as_str(), expected, "{kind} {key} {typed}");
    }
}

#[test]
fn time_limits_fit_into_each_other() {
    let toml = "[[providers]]\nid = \"openai\"\napi_key = \"passthrough\"\ntimeout = 60";
    let config = load(toml, &[]).unwrap();
    let openai = provider(&config, "openai");
    assert_eq!(openai.key, ProviderKey::Passthrough);
    let seconds = [openai.timeouts.total, openai.timeouts.connect, openai.timeouts.first_token, openai.timeouts.idle];
    assert_eq!(seconds.map(|time| time.as_secs()), [60, 5, 60, 120]);
}

const REGISTRY: &str = r#"{
  "auto_priority": ["mine", "groq"],
  "providers": {
    "groq": {
      "kind": "openai_compatible",
      "base_url": "https://api.groq.com/openai/v1",
      "env_key": "GROQ_API_KEY",
      "env_model": "GROQ_CHAT",
      "default_model": "llama-3.3-70b-versatile",
      "timeout": 60,
      "features": { "tool_calls": true, "json_mode": false },
      "pricing": { "input_per_1k_microcents": 0.59, "output_per_1k_microcents": 0.79 }
    },
    "mine": { "kind": "openai_compatible", "env_key": "MINE_KEY", "default_model": "m" },
    "absent": { "kind": "anthropic", "env_key": "ABSENT_KEY", "default_model": "m" },
    "box": { "kind": "ollama", "env_host": "BOX_HOST", "default_model": "llama3" }
  }
}"#;

#[test]
fn providers_json_is_read_below_the_config_file() {
    let env = [("GROQ_API_KEY", "sk-test-g"), ("GROQ_CHAT", "other"), ("MINE_KEY", "sk-test-m"), ("BOX_HOST", "box:1")];
    let toml = "[[providers]]\nid = \"groq\"\ntimeout = 30";
    let config = load_files(&[("config.toml", toml), ("providers.json", REGISTRY)], &env).unwrap();
    let ids: Vec<&str> = config.providers.iter().map(|each| each.id.as_str()).collect();
    assert_eq!(ids, ["groq", "mine", "box"]);
    let groq = provider(&config, "groq");
    assert_eq!(groq.timeouts.total, Duration::from_secs(30));
    assert_eq!(key_of(groq), "sk-test-g");
    assert_eq!(groq.default_model.as_deref(), Some("other"));
    let price = groq.pricing.clone().unwrap();
    assert_eq!(price.input.unwrap().to_string(), "0.59", "USD per million tokens, whatever its name says");
    let mine = provider(&config, "mine");
    assert_eq!((mine.base_url.as_str(), mine.origin), ("https://api.openai.com/v1", ProviderOrigin::ProvidersJson));
    assert!(mine.priority < groq.priority);
    assert_eq!(provider(&config, "box").base_url.as_str(), "http://box:1/");
    assert!(!groq.features.json_mode && mine.features.json_mode);
    assert_eq!(config.warnings, Vec::<String>::new());
}

#[test]
fn errors_in_providers_json_name_the_line() {
    let table = [
        ("{\n\"providers\": [", "providers.json:2: invalid JSON at column 14; fix the syntax"),
        (
            "{\"providers\": {\n\"auto\": {\"kind\": \"gemini\"}}}",
            "providers.json:2: providers: \"auto\" is reserved; choose another id",
        ),
        ("[]", "providers.json: is not an object; write {\"<key>\": …}"),
        (
            "{\"providers\": {\n\"x\": {\n\"kind\": \"gemeni\"}}}",
            "providers.json:3: providers.provider_type: \"gemeni\" is not known; did you mean \"gemini\"?",
        ),
    ];
    for (json, expected) in table {
        let found = load_files(&[("providers.json", json)], &[]).unwrap_err();
        assert_eq!(found.lines(), [expected]);
    }
}

#[test]
fn virtual_keys_carry_their_own_provider_keys() {
    let toml = "[[providers]]\nid = \"my.groq\"\nprovider_type = \"openai_compatible\"\nbase_url = \"https://x.example\"\n[key_map.my-team-key]\nlabel = \"Team Alpha\"\nallowed_models = [\"gpt-4o\"]\nallowed_providers = [\"opnai\"]\nanthropic_key = \"sk-test-a\"\nopenai_key = \"sk-test-o\"\n\"my.groq_key\" = \"sk-test-g\"";
    let config = load(toml, &[]).unwrap();
    let key = &config.key_map[0];
    assert_eq!(key.key.expose(), "my-team-key");
    assert_eq!(key.label.as_deref(), Some("Team Alpha"));
    let owners: Vec<&str> = key.provider_keys.iter().map(|(owner, _)| owner.as_str()).collect();
    assert_eq!(owners, ["anthropic", "openai", "my.groq"]);
    assert!(
        config
            .warnings
            .iter()
            .any(|warning| warning
                == "config.toml:8: key_map.*.allowed_providers: \"opnai\" is not a configured provider"),
        "{:?}",
        config.warnings
    );
}

#[test]
fn prices_are_exact_decimals() {
    let toml = "[[catalog]]\nmodel = \"m\"\ninput = 0.1\noutput = \"0.30\"\ncache_read = 1e-3\nreasoning = 1_000\nper_request = 0";
    let price = load(toml, &[]).unwrap().catalog.remove(0).price;
    let text = |price: Option<_>| price.map(|price: rust_decimal::Decimal| price.to_string()).unwrap();
    assert_eq!(text(price.input), "0.1");
    assert_eq!(text(price.output), "0.3");
    assert_eq!(text(price.cache_read), "0.001");
    assert_eq!(text(price.reasoning), "1000");
    assert_eq!(text(price.per_request), "0");
    assert_eq!(price.input_audio, None);
}

#[test]
fn another_address_than_loopback_needs_an_admin_credential() {
    for host in ["0.0.0.0", "192.168.1.2", "::"] {
        let toml = format!("[server]\nhost = \"{host}\"");
        let expected = format!(
            "config.toml:2: server.host: {host} can be reached from other machines and no admin credential is set; \
             set auth.admin_password or LLM_GATEWAY_AUTH__ADMIN_TOKEN, or bind 127.0.0.1"
        );
        assert_eq!(errors(&toml, &[]), [expected]);
        let config = load(&toml, &[("LLM_GATEWAY_AUTH__ADMIN_TOKEN", "token-test")]).unwrap();
        assert!(config.auth.require_key, "keys are required where others can reach the gateway");
    }
    for host in ["127.0.0.1", "localhost", "::1", "127.0.0.2"] {
        assert!(!load(&format!("[server]\nhost = \"{host}\""), &[]).unwrap().auth.require_key);
    }
}

/// The configuration that the main seed shows, as its users have it.
const SEED: &str = r#"
[server]
port = 8930 # Listen port (default: 8930)
host = "127.0.0.1"
[[providers]]
id = "anthropic"
provider_type = "anthropic"
api_key = "sk-ant-..."
enabled = true
[[providers]]
id = "openai"
provider_type = "openai"
api_key = "sk-..."
enabled = true
[[providers]]
id = "azure"
provider_type = "azure_openai"
api_key = "..."
endpoint = "https://myresource.openai.azure.com"
deployment = "gpt-4o"
api_version = "2024-10-21"
enabled = true
[[providers]]
id = "ollama"
provider_type = "local"
endpoint = "http://localhost:11434"
enabled = true
[sanitization]
enabled = true
scan_credentials = true
redact_pii = false
compliance_gate = false
[key_map.my-team-key]
label = "Team Alpha"
anthropic_key = "sk-ant-..."
openai_key = "sk-..."
"#;

#[test]
fn the_config_of_existing_users_loads() {
    let config = load(SEED, &[]).unwrap();
    assert!(config.sanitization.enabled);
    assert_eq!(config.providers.len(), 4);
    assert_eq!(config.warnings, Vec::<String>::new());
}

#[test]
fn the_example_starts_as_it_is() {
    let example = include_str!("../config.example.toml");
    let variables = include_str!("../.env.example");
    let config = load_files(&[("config.toml", example), (".env", variables)], &[]).unwrap();
    assert_eq!(config::effective_toml(&config).replace(&config.storage.path.to_string_lossy().into_owned(), ""), {
        let default = load_files(&[], &[]).unwrap();
        config::effective_toml(&default).replace(&default.storage.path.to_string_lossy().into_owned(), "")
    });
    assert_eq!(config.warnings, Vec::<String>::new());
}

#[test]
fn the_effective_config_masks_every_secret_and_can_be_loaded_again() {
    let toml = "[auth]\nadmin_password = \"PLANTED1\"\nadmin_token = \"PLANTED2\"\n[[providers]]\nid = \"openai\"\napi_key = \"PLANTED3\"\npricing = { input = 0.1 }\nmodels = [\"a\\\"b\", \"${X:-$}{x}\"]\n[[providers]]\nid = \"azure\"\nprovider_type = \"azure_openai\"\nendpoint = \"https://r.example\"\napi_key = \"passthrough\"\n[key_map.PLANTED4]\nlabel = \"one\"\nopenai_key = \"PLANTED5\"\n[key_map.PLANTED6]\nteam = \"two\"\n[[catalog]]\nmodel = \"m\"\noutput = 0.30\nname = \"M\"\nstatus = \"beta\"\ncontext_window = 8192\nmax_output_tokens = 1024\ninput_modalities = [\"text\", \"pdf\"]\ncapabilities = [\"tools\"]\nprompt_cache = true\nquality = 0.5\nreleased_on = \"2026-07\"\n[server]\non_client_disconnect = \"drain\"\n[storage]\nretention_days = 3\n[sanitization]\nredact_pii = true\nscan_timeout = 0.5\n[sanitization.actions]\npii = \"mask\"\n[[sanitization.patterns]]\nname = \"t\"\npattern = 'T-[0-9]{3}\"'\nreplacement = \"\"\naction = \"log\"\n[[projects]]\nname = \"p\"\n[projects.sanitization]\ncompliance_gate = false\n[[projects.sanitization.patterns]]\nname = \"u\"\npattern = 'U'\napply_to = \"request\"\n[key_map.PLANTED4.sanitization.actions]\nemail = \"block\"\n[limits]\nrequests_per_hour = 7\nburst = 2\n[limits.per_source]\nalgorithm = \"sliding_window\"\ntokens_per_day = 9\n[limits.models.\"openai/x\"]\n[key_map.PLANTED4.limits]\ntokens_per_minute = 3\n[[key_map.PLANTED4.budgets]]\nlimit_usd = 0.5\nperiod = \"day\"\n[key_map.PLANTED4.metadata]\nowner = \"a\"\n[[budgets]]\nname = \"b\"\nscope = \"team\"\nsubject = \"t\"\nlimit_usd = \"12.25\"\nperiod = \"month\"\ntime_zone = \"Asia/Tokyo\"\nwarn_at = 0.75\naction = \"warn\"\nrequire_price = true";
    let env = [("GROQ_API_KEY", "PLANTED7"), ("LLM_GATEWAY_MASTER_KEY", &"ab".repeat(32))];
    let config = load(toml, &env).unwrap();
    let shown = config::effective_toml(&config);
    assert!(!shown.contains("PLANTED") && !shown.contains(&"ab".repeat(32)), "{shown}");
    let again = config::effective_toml(&load(&shown, &[]).unwrap());
    let bare = |text: &str| text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(bare(&shown), bare(&again));
}

#[test]
fn five_hundred_broken_configs_are_refused_without_a_panic_or_a_leak() {
    const PLANTED: &str = "sk-test-PLANTED-0123456789-abcdefghij";
    let whole: String = include_str!("../config.example.toml")
        .lines()
        .map(|line| line.strip_prefix('#').filter(|rest| !rest.is_empty() && !rest.starts_with(' ')).unwrap_or(line))
        .map(|line| format!("{line}\n"))
        .collect();
    let whole = whole.replace("${ALPHA_OPENAI_KEY}", PLANTED).replace("${AZURE_OPENAI_API_KEY}", PLANTED);
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |bound: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random % u64::try_from(bound).unwrap()).unwrap()
    };
    let noise: [&[u8]; 12] =
        [b"\"", b"[", b"]]", b"=", b"\n", b"${", b"\xff", b"\0", b"-1", b"e999", b"{{{{{{", b"'''"];
    let dir = directory(&[]);
    let mut refused = 0;
    for _ in 0..500 {
        let mut bytes = whole.clone().into_bytes();
        for _ in 0..=next(3) {
            let at = next(bytes.len());
            match next(3) {
                0 => bytes.truncate(at.max(1)),
                1 => drop(bytes.drain(at..(at + 1 + next(40)).min(bytes.len()))),
                _ => drop(bytes.splice(at..at, noise[next(noise.len())].iter().copied())),
            }
            bytes.push(b'\n');
        }
        std::fs::write(dir.path().join("config.toml"), &bytes).unwrap();
        if let Err(errors) = config::load(&options(dir.path(), &[])) {
            refused += 1;
            assert!(!errors.lines().is_empty());
            assert!(!errors.to_string().contains(PLANTED), "{errors}");
        }
    }
    assert!(refused > 250, "{refused}");
}

/// Puts a new file in the place of the old one, as editors do.
fn replace(dir: &Path, name: &str, text: &str) {
    let temporary = dir.join("replacement.tmp");
    std::fs::write(&temporary, text).unwrap();
    std::fs::rename(&temporary, dir.join(name)).unwrap();
}

#[test]
fn a_changed_file_is_loaded_and_a_broken_one_is_told() {
    let dir = directory(&[("config.toml", "[server]\nport = 1\nmax_headers = 20")]);
    let options = options(dir.path(), &[]);
    let running = config::load(&options).unwrap();
    let (send, changes) = mpsc::channel();
    let watcher = Watcher::spawn(options, &running, move |change| send.send(change).unwrap()).unwrap();
    let write = |name: &str, text: &str| {
        replace(dir.path(), name, text);
        changes.recv_timeout(Duration::from_secs(20)).unwrap()
    };
    let config = write("config.toml", "[server]\nport = 2\nmax_headers = 30").unwrap();
    assert_eq!((config.server.port, config.server.max_headers), (1, 30));
    assert_eq!(config.warnings, ["config.toml: server.port: has changed; restart the gateway for it to take effect"]);
    assert_eq!(
        write("config.toml", "[server]\nprot = 2").unwrap_err().lines(),
        ["config.toml:2: server.prot: unknown key; did you mean \"port\"?"]
    );
    let emptied = write("config.toml", " \n").unwrap_err();
    assert!(emptied.lines()[0].starts_with("config.toml: is empty and was not before"), "{emptied}");
    write("config.toml", "# nothing").unwrap();
    assert_eq!(provider(&write(".env", "OPENAI_API_KEY=sk-test").unwrap(), "openai").id, "openai");
    std::fs::remove_file(dir.path().join("config.toml")).unwrap();
    let gone = changes.recv_timeout(Duration::from_secs(20)).unwrap().unwrap_err();
    assert_eq!(gone.lines(), ["config.toml: does not exist; check the path"]);
    drop(watcher);
}

#[test]
fn no_moment_of_a_file_that_is_rewritten_in_place_counts() {
    let first = "[server]\nmax_headers = 20";
    let dir = directory(&[("config.toml", first), (".env", "OPENAI_API_KEY=sk-test")]);
    let options = options(dir.path(), &[]);
    let running = config::load(&options).unwrap();
    let (send, changes) = mpsc::channel();
    let _watcher = Watcher::spawn(options, &running, move |change| send.send(change).unwrap()).unwrap();
    for headers in 30..40 {
        for file in ["config.toml", ".env"] {
            let text = std::fs::read_to_string(dir.path().join(file)).unwrap();
            std::fs::write(dir.path().join(file), "").unwrap();
            std::thread::sleep(Duration::from_millis(50));
            std::fs::write(dir.path().join(file), text).unwrap();
        }
        std::fs::write(dir.path().join("config.toml"), format!("[server]\nmax_headers = {headers}")).unwrap();
        let config = changes.recv_timeout(Duration::from_secs(20)).unwrap().unwrap();
        assert_eq!(config.server.max_headers, headers);
        assert_eq!(provider(&config, "openai").id, "openai", "the .env counts as a whole too");
    }
    assert!(changes.try_recv().is_err());
}

#[test]
fn a_reload_cannot_open_the_admin_side_of_a_reachable_gateway() {
    let dir = directory(&[("config.toml", "[server]\nhost = \"0.0.0.0\"\n[auth]\nadmin_token = \"token-test\"")]);
    let options = options(dir.path(), &[]);
    let running = config::load(&options).unwrap();
    let (send, changes) = mpsc::channel();
    let _watcher = Watcher::spawn(options, &running, move |change| send.send(change).unwrap()).unwrap();
    // The address stays what is listened on, whatever the file says now.
    replace(dir.path(), "config.toml", "[server]\nhost = \"127.0.0.1\"\n");
    let refused = changes.recv_timeout(Duration::from_secs(20)).unwrap().unwrap_err();
    assert!(refused.lines()[0].contains("0.0.0.0 can be reached from other machines"), "{refused}");
    let text = "[server]\nhost = \"127.0.0.1\"\n[auth]\nadmin_token = \"token-other\"";
    replace(dir.path(), "config.toml", text);
    assert!(changes.recv_timeout(Duration::from_secs(20)).unwrap().unwrap().auth.require_key);
}

#[test]
fn a_price_far_from_the_catalog_is_doubted() {
    let registry = |input: &str, output: &str| {
        let json = format!(
            "{{\"providers\": {{\"openai\": {{\"kind\": \"openai_compatible\", \"env_key\": \"OPENAI_API_KEY\", \
             \"default_model\": \"gpt-4o\", \"pricing\": {{\"input_per_1k_microcents\": {input}, \
             \"output_per_1k_microcents\": {output}}}}}}}}}"
        );
        let config = load_files(&[("providers.json", &json)], &[("OPENAI_API_KEY", "sk-test")]).unwrap();
        llm_gateway::catalog::doubtful_prices(&config, Timestamp::parse("2026-01-01T00:00:00Z").unwrap())
    };
    // gpt-4o costs 2.50 and 10 USD per million tokens.
    assert_eq!(registry("2.5", "10"), Vec::<String>::new());
    assert_eq!(registry("5", "5"), Vec::<String>::new());
    assert_eq!(
        registry("0.0025", "21"),
        ["input", "output"].map(|class| format!(
            "providers.openai.pricing.{class}: differs from the catalog's price of gpt-4o by more than a factor of 2; \
             it is read as USD per million tokens"
        ))
    );
}

#[test]
fn what_projects_and_keys_state_is_laid_over_the_default() {
    let toml = "[sanitization]\nredact_pii = true\n[sanitization.actions]\nemail = \"log\"\niban = \"block\"\n\
                [[sanitization.patterns]]\nname = \"ticket\"\npattern = 'T1'\n\
                [[sanitization.patterns]]\nname = \"case\"\npattern = 'C1'\n\
                [key_map.k.sanitization]\nredact_pii = false\nactions = { email = \"mask\" }\n\
                [[key_map.k.sanitization.patterns]]\nname = \"Ticket\"\npattern = 'T2'\n";
    let config = load(toml, &[]).unwrap();
    let over = config.key_map[0].sanitization.as_ref().unwrap();
    let both = config.sanitization.with(over);
    assert!(config.sanitization.redact_pii && !both.redact_pii && both.scan_credentials);
    let actions: Vec<_> = both.actions.iter().map(|(name, action)| (name.as_str(), action.as_str())).collect();
    assert_eq!(actions, [("email", "log"), ("iban", "block"), ("email", "mask")], "the last one wins");
    let patterns: Vec<_> = both.patterns.iter().map(|pattern| pattern.pattern.as_str()).collect();
    assert_eq!(patterns, ["C1", "T2"]);
    assert_eq!(both.places.of("email"), Some("config.toml:14: key_map.*.sanitization.actions.email"));
    assert_eq!(both.places.of("case"), Some("config.toml:11: sanitization.patterns.pattern"));
    let json = over.to_json().to_string();
    assert_eq!(config::SanitizationOverride::from_json(&json, "").unwrap(), *over);
    let wrong = config::SanitizationOverride::from_json("{\"actions\": {\"pii\": \"masc\"}}", "body").unwrap_err();
    assert_eq!(wrong.lines(), ["body:1: sanitization.actions.pii: \"masc\" is not known; did you mean \"mask\"?"]);
}
