//! Brings the sources together: flag over environment over config file over default.
//!
//! Reads four files at most, each bounded, and opens nothing else.

use std::{
    collections::BTreeMap,
    io::Read as _,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    ask, cache, carried, catalog,
    environment::Environment,
    incidents, key_map, limits, plugins, projects, providers, providers_json,
    report::{ConfigErrors, Place, Report, did_you_mean, quoted},
    routing, sanitization,
    schema::SECTIONS,
    sections, telemetry,
    tree::{self, Node, Table, Value},
    types::{Auth, Config, Server, Storage, Tls},
    yaml,
};

/// Where the configuration is looked for.
#[derive(Clone, Debug, Default)]
pub struct LoadOptions {
    /// `--config`; `None` is `config.toml` in the working directory, which may be missing.
    pub config_path: Option<PathBuf>,
    /// `--port`, which wins over everything.
    pub port: Option<u16>,
    /// What relative paths are relative to, and where `providers.json` lies.
    pub working_dir: PathBuf,
    /// The environment of the process.
    pub env: BTreeMap<String, String>,
}

/// The config file when none is named.
pub(super) const DEFAULT_FILE: &str = "config.toml";

/// A file that is larger than this is not a configuration.
pub(super) const MAX_FILE_BYTES: u64 = 4 << 20;

/// One of the files, with the name that messages use.
pub(super) struct Source {
    pub(super) path: PathBuf,
    pub(super) name: Arc<str>,
}

/// The files of a configuration, whether they exist or not.
pub(super) struct Sources {
    pub(super) config: Source,
    pub(super) dotenv: Source,
    pub(super) providers_json: Source,
}

impl Sources {
    /// Finds the files for these options.
    pub(super) fn of(options: &LoadOptions) -> Self {
        let source = |path: &Path| Source {
            path: options.working_dir.join(path),
            name: Arc::from(path.to_string_lossy().as_ref()),
        };
        let config = options.config_path.clone().unwrap_or_else(|| PathBuf::from(DEFAULT_FILE));
        Self {
            dotenv: source(&config.with_file_name(".env")),
            config: source(&config),
            providers_json: source(Path::new("providers.json")),
        }
    }
}

/// Reads and checks the whole configuration.
///
/// # Errors
///
/// Everything that is wrong, each with its file and line or its variable.
pub fn load(options: &LoadOptions) -> Result<Config, ConfigErrors> {
    load_beside(options, None)
}

/// Checks a configuration in TOML that stands in no file; relative paths in it are relative to the working directory.
///
/// # Errors
///
/// Everything that is wrong, each with its line or its variable.
pub fn from_toml(text: &str, env: &BTreeMap<String, String>) -> Result<Config, ConfigErrors> {
    let report = Report::default();
    let options = LoadOptions { env: env.clone(), ..LoadOptions::default() };
    let sources = Sources::of(&options);
    let environment = Environment::new(env, None, &report);
    let root = tree::from_toml(&Arc::from("config"), text, &report);
    let context = Context { environment: &environment, options: &options, sources: &sources, running: None };
    layered(root, Table::default(), &context, report)
}

/// What a running gateway cannot change.
pub(super) struct Fixed {
    host: IpAddr,
    port: u16,
    storage: PathBuf,
    tls: Option<Tls>,
}

impl Fixed {
    /// That of a running configuration.
    pub(super) fn of(config: &Config) -> Self {
        Self {
            host: config.server.host,
            port: config.server.port,
            storage: config.storage.path.clone(),
            tls: config.server.tls.clone(),
        }
    }

    /// Keeps the running address, so that everything that follows from it is decided by the
    /// address that is really listened on.
    fn keep_in_server(&self, server: &mut Server, place: &Place, report: &Report) {
        if std::mem::replace(&mut server.host, self.host) != self.host {
            report.warn(place, "server.host", NEEDS_RESTART);
        }
        if std::mem::replace(&mut server.port, self.port) != self.port {
            report.warn(place, "server.port", NEEDS_RESTART);
        }
        // The files themselves may change: they are watched.
        if server.tls != self.tls {
            server.tls.clone_from(&self.tls);
            report.warn(place, "server.tls", NEEDS_RESTART);
        }
    }

    fn keep_in_storage(&self, storage: &mut Storage, place: &Place, report: &Report) {
        if storage.path != self.storage {
            storage.path.clone_from(&self.storage);
            report.warn(place, "storage.path", NEEDS_RESTART);
        }
    }
}

const NEEDS_RESTART: &str = "has changed; restart the gateway for it to take effect";

/// Loads a configuration for a gateway that runs already, if there is one.
pub(super) fn load_beside(options: &LoadOptions, running: Option<&Fixed>) -> Result<Config, ConfigErrors> {
    let report = Report::default();
    let sources = Sources::of(options);
    let is_named = options.config_path.is_some();
    let dotenv = read(&sources.dotenv, Missing::Fine, &report);
    let environment =
        Environment::new(&options.env, dotenv.as_deref().map(|text| (&sources.dotenv.name, text)), &report);
    let text = read(&sources.config, if is_named { Missing::Wrong } else { Missing::Fine }, &report);
    let root = text.map(|text| parse(&sources.config, &text, &report)).unwrap_or_default();
    let json = read(&sources.providers_json, Missing::Fine, &report);
    let json = json.map(|text| tree::from_json(&sources.providers_json.name, &text, &report)).unwrap_or_default();
    let context = Context { environment: &environment, options, sources: &sources, running };
    layered(root, json, &context, report)
}

/// Lays the environment and the flags over what the file states, and checks the whole.
fn layered(mut root: Table, json: Table, context: &Context<'_>, report: Report) -> Result<Config, ConfigErrors> {
    // What a broken file seems to say is not worth checking.
    if !report.is_clean() {
        return Err(report.finish().err().unwrap_or_default());
    }
    let environment = context.environment;
    environment.substitute("", &mut root, &report);
    environment.overlay(&mut root, &report);
    short_forms(&mut root, environment, context.options.port, &report);
    only_sections(&mut root, &report);
    check(root, json, context, report)
}

/// Reads the config file in the format that its name ends in: `.yaml`, `.yml`, `.json`, else TOML.
fn parse(source: &Source, text: &str, report: &Report) -> Table {
    let ending = source.path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
    let mut root = match ending.as_deref() {
        Some("yaml" | "yml") => yaml::from_yaml(&source.name, text, report),
        Some("json") => tree::from_json_config(&source.name, text, report),
        _ => return tree::from_toml(&source.name, text, report),
    };
    tree::without_nulls(&mut root, "", report);
    carried::carry_over(&mut root, report);
    root
}

/// What the checks look at besides the values.
struct Context<'a> {
    environment: &'a Environment,
    options: &'a LoadOptions,
    sources: &'a Sources,
    running: Option<&'a Fixed>,
}

fn check(mut root: Table, json: Table, context: &Context<'_>, report: Report) -> Result<Config, ConfigErrors> {
    let environment = context.environment;
    let file = Place::file(&context.sources.config.name);
    let mut fields = sections::open(&mut root, "server", &file, &report);
    let host_place = fields.place_of("host");
    let mut server = sections::server(&mut fields, &context.options.working_dir, &report);
    let mut fields = sections::open(&mut root, "storage", &file, &report);
    let mut storage = sections::storage(&mut fields, environment, &context.options.working_dir, &report);
    if let Some(running) = context.running {
        running.keep_in_server(&mut server, &file, &report);
        running.keep_in_storage(&mut storage, &file, &report);
    }
    let mut fields = sections::open(&mut root, "auth", &file, &report);
    let token_place = fields.place_of("admin_token");
    let auth = sections::auth(&mut fields, &server);
    refuse_open_admin(&server, &auth, &host_place, &report);
    let telemetry = telemetry::telemetry(&mut sections::open(&mut root, "telemetry", &file, &report), &report);
    let sanitization = sanitization::read(sections::open(&mut root, "sanitization", &file, &report), &report);
    let entries = providers_json::entries(json, environment, &report);
    let blocks = sections::items(&mut root, "providers", &report);
    let providers = providers::read(blocks, entries, environment, &report);
    let default_provider = providers::default_provider(&providers, environment, &report);
    let directory = &context.options.working_dir;
    let (projects, keys) = projects::read(sections::items(&mut root, "projects", &report), directory, &report);
    let plugins = plugins::read("plugins", sections::items(&mut root, "plugins", &report), directory, &report);
    let key_map = key_map::read(root.take("key_map"), keys, &providers, &report);
    if key_map.iter().any(|key| Some(&key.key) == auth.admin_token.as_ref()) {
        report.error(&token_place, "auth.admin_token", "is a virtual key of [key_map] as well; choose another token");
    }
    let limit_rules = limits::limits(sections::open(&mut root, "limits", &file, &report), &report);
    let budgets = limits::budgets(sections::items(&mut root, "budgets", &report), &report);
    let routing_rules = routing::routing(&mut sections::open(&mut root, "routing", &file, &report));
    let translation = sections::translation(&mut sections::open(&mut root, "translation", &file, &report));
    let cache_rules = cache::cache(&mut sections::open(&mut root, "cache", &file, &report));
    let questions = ask::ask(&mut sections::open(&mut root, "ask", &file, &report));
    let models = routing::models(sections::items(&mut root, "models", &report), &providers, &report);
    let profiles = routing::profiles(sections::items(&mut root, "profiles", &report), &report);
    let catalog = catalog::read(sections::items(&mut root, "catalog", &report), &providers, &report);
    let incidents = incidents::incidents(&mut sections::open(&mut root, "incidents", &file, &report));
    let warnings = report.finish()?;
    Ok(Config {
        server,
        auth,
        providers,
        default_provider,
        key_map,
        projects,
        plugins,
        sanitization,
        limits: limit_rules,
        budgets,
        routing: routing_rules,
        translation,
        cache: cache_rules,
        ask: questions,
        models,
        profiles,
        catalog,
        incidents,
        storage,
        telemetry,
        warnings,
    })
}

/// Whether a missing file is an error.
enum Missing {
    Fine,
    Wrong,
}

fn read(source: &Source, missing: Missing, report: &Report) -> Option<String> {
    let place = Place::file(&source.name);
    let file = match std::fs::File::open(&source.path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            if matches!(missing, Missing::Wrong) {
                report.error(&place, "", "does not exist; check the path");
            }
            return None;
        }
        Err(error) => {
            report.error(&place, "", format_args!("cannot be read ({}); check its permissions", error.kind()));
            return None;
        }
    };
    let mut bytes = Vec::new();
    if let Err(error) = file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes) {
        report.error(&place, "", format_args!("cannot be read ({}); check that it is a file", error.kind()));
        return None;
    }
    if bytes.len() as u64 > MAX_FILE_BYTES {
        report.error(&place, "", "is larger than 4 MiB; check that it is the right file");
        return None;
    }
    match String::from_utf8(bytes) {
        // Editors on Windows put a byte order mark in front.
        Ok(text) => Some(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)),
        Err(error) => {
            let valid = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
            let line = valid.iter().filter(|byte| **byte == b'\n').count() + 1;
            report.error(&Place::Line(Arc::clone(&source.name), line), "", "is not UTF-8; save the file as UTF-8");
            None
        }
    }
}

/// `PORT`, `RUST_LOG`, `LOG_LEVEL` and those of OpenTelemetry, below the long form of the same key; `--port` above all.
fn short_forms(root: &mut Table, environment: &Environment, port: Option<u16>, report: &Report) {
    let level = environment.get("LOG_LEVEL").map(str::to_lowercase);
    let level = level.map(|level| if level == "warning" { "warn".to_owned() } else { level });
    let levels = ["off", "error", "warn", "info", "debug", "trace"];
    if level.as_ref().is_some_and(|level| !levels.contains(&level.as_str())) {
        let what = format!("is not a log level; write one of {}", levels.join(", "));
        report.error(&Place::variable("LOG_LEVEL"), "", what);
    }
    let level =
        level.map(|level| Node { value: Value::Text(level), place: Place::variable("LOG_LEVEL"), from_env: true });
    let port = port.map(|port| Node {
        value: Value::Number(port.to_string()),
        place: Place::variable("--port"),
        from_env: true,
    });
    put(root, "server", "port", environment.node("PORT"), Rank::BelowLongForm);
    put(root, "server", "port", port, Rank::Top);
    put(root, "telemetry", "log", environment.node("RUST_LOG").or(level), Rank::BelowLongForm);
    for (key, variable) in
        [("otlp_endpoint", "OTEL_EXPORTER_OTLP_ENDPOINT"), ("otlp_headers", "OTEL_EXPORTER_OTLP_HEADERS")]
    {
        put(root, "telemetry", key, environment.node(variable), Rank::BelowLongForm);
    }
}

enum Rank {
    BelowLongForm,
    Top,
}

fn put(root: &mut Table, section: &str, key: &str, node: Option<Node>, rank: Rank) {
    let Some(node) = node else { return };
    let Some(table) = root.inner(section, &node.place) else { return };
    let has_long_form = table.get(key).is_some_and(|node| matches!(node.place, Place::Variable(_)));
    if matches!(rank, Rank::Top) || !has_long_form {
        table.put(key, node);
    }
}

/// Refuses what stands at the top of the file and is no section of this version.
fn only_sections(root: &mut Table, report: &Report) {
    root.entries.retain(|(name, place, _)| {
        if SECTIONS.iter().any(|section| section.name == name) {
            return true;
        }
        let home = SECTIONS.iter().find(|section| section.keys.contains(&name.as_str()));
        let what = match home {
            Some(section) => format!("stands outside of any section; put it below [{}]", section.name),
            None => {
                let hint = did_you_mean(name, SECTIONS.iter().map(|section| section.name));
                let known = SECTIONS.map(|section| section.name).join(", ");
                let hint = if hint.is_empty() { format!("; known are {known}") } else { hint };
                format!("unknown section{hint}")
            }
        };
        let shown = if quoted(name).starts_with('"') { name.as_str() } else { "" };
        report.error(place, shown, what);
        false
    });
}

/// SECURITY: whoever can reach the address could else add providers and read every record.
fn refuse_open_admin(server: &Server, auth: &Auth, place: &Place, report: &Report) {
    if !server.host.is_loopback() && !auth.admin_is_closed() {
        let what = format!(
            "{} can be reached from other machines and no admin credential is set; \
             set auth.admin_password or LLM_GATEWAY_AUTH__ADMIN_TOKEN, or bind 127.0.0.1",
            server.host
        );
        report.error(place, "server.host", what);
    }
    if !server.host.is_loopback() && server.allowed_hosts.is_empty() {
        let what = "is empty: requests that name another host than a loopback one are refused; list the host names clients use";
        report.warn(place, "server.allowed_hosts", what);
    }
}
