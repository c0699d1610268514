//! Everything that the `demo` command needs before the gateway starts: providers that listen, a
//! fresh directory, and a config file in it that names them.
//!
//! Reads nothing of the user's: no config, no `.env`, no key of the environment, so that a demo
//! can never call a real provider.

use std::{
    collections::BTreeMap,
    fs, io,
    net::{Ipv4Addr, SocketAddr},
    os::unix::fs::DirBuilderExt as _,
    path::PathBuf,
};

use crate::{
    config::{self, Config, ConfigErrors, LoadOptions},
    domain::Timestamp,
    policy::Policy,
    store::{Store, StoreError},
};

use super::{
    dice::Dice,
    findings, history,
    models::{self, DemoModel},
    provider::{Mood, Provider, ProviderOptions, Running},
    workload::KEYS,
};

/// Calls that a provider of the demo remembers.
const KEEP_CALLS: usize = 200;
/// Variables of the environment that a demo still heeds.
const HEEDED: [&str; 3] = ["RUST_LOG", "LOG_LEVEL", "PORT"];

/// Why a demo could not be prepared.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The directory or a listener could not be made.
    #[error("the demo could not be prepared: {0}")]
    Io(#[from] io::Error),
    /// The demo's own config is wrong, which is a bug or a bad `PORT`.
    #[error("the demo's configuration is invalid:\n{0}")]
    Config(#[from] ConfigErrors),
}

/// A demo that is ready to be served. Dropping it stops its providers and deletes its directory.
#[derive(Debug)]
pub struct Demo {
    /// The configuration to serve with.
    pub config: Config,
    /// Where that configuration was loaded from, for the watcher.
    pub options: LoadOptions,
    /// The providers, in the order of the configuration.
    pub providers: Vec<Running>,
    directory: Directory,
}

/// A directory of one's own that goes away with its owner.
#[derive(Debug)]
struct Directory(PathBuf);

impl Drop for Directory {
    fn drop(&mut self) {
        // Nothing can be done about a failure, and the system clears its temporary files some day.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// One provider of the demo: its id, its type, the key of its address in the config, its models.
struct Cast {
    id: &'static str,
    provider_type: &'static str,
    address: (&'static str, &'static str),
    models: &'static [DemoModel],
    more: &'static str,
}

const CAST: [Cast; 4] = [
    Cast {
        id: "demo-openai",
        provider_type: "openai",
        address: ("base_url", "/v1"),
        models: models::OPENAI,
        more: "api_key = \"demo-upstream-key-openai\"\ndefault_model = \"gpt-4o-mini\"\n",
    },
    Cast {
        id: "demo-anthropic",
        provider_type: "anthropic",
        address: ("base_url", ""),
        models: models::ANTHROPIC,
        more: "api_key = \"demo-upstream-key-anthropic\"\ndefault_model = \"claude-haiku-4-5-20251001\"\n",
    },
    Cast {
        id: "demo-gemini",
        provider_type: "gemini",
        address: ("base_url", ""),
        models: models::GEMINI,
        more: "api_key = \"demo-upstream-key-gemini\"\ndefault_model = \"gemini-2.5-flash\"\n",
    },
    Cast {
        id: "demo-local",
        provider_type: "local",
        address: ("endpoint", ""),
        models: models::LOCAL,
        // No catalog knows what the own hardware costs.
        more: "default_model = \"llama3.2:3b\"\npricing = { input = 0.02, output = 0.06 }\n",
    },
];

/// Starts the demo's providers and writes its configuration; `port` is the gateway's, as `--port`
/// gave it. `env` is the environment of the process, of which only the log level and `PORT` count.
///
/// # Errors
/// When a listener or the directory cannot be made, or `PORT` is no port.
pub async fn prepare(port: Option<u16>, env: &BTreeMap<String, String>) -> Result<Demo, DemoError> {
    let directory = make_directory()?;
    let mut text =
        String::from("# Written by `llm-gateway demo`, deleted when it ends.\n\n[telemetry]\nlog = \"warn\"\n");
    let mut providers = Vec::with_capacity(CAST.len());
    for cast in &CAST {
        let provider = Provider::spawn(ProviderOptions {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            mood: Mood::Lifelike,
            models: cast.models,
            require_key: None,
            keep_calls: KEEP_CALLS,
        })
        .await?;
        text.push_str(&provider_block(cast, &provider));
        providers.push(provider);
    }
    text.push_str(&key_map());
    text.push_str(findings::SETTINGS);
    let path = directory.0.join("config.toml");
    fs::write(&path, text)?;
    let options = LoadOptions {
        config_path: Some(path),
        port,
        working_dir: directory.0.clone(),
        env: HEEDED.iter().filter_map(|name| Some(((*name).to_owned(), env.get(*name)?.clone()))).collect(),
    };
    let config = config::load(&options)?;
    Ok(Demo { config, options, providers, directory })
}

fn make_directory() -> io::Result<Directory> {
    let seed = jiff::Timestamp::now().as_nanosecond().to_le_bytes();
    let name = format!("llm-gateway-demo-{}-{}", std::process::id(), Dice::of(&seed).hex(8));
    let path = std::env::temp_dir().join(name);
    fs::DirBuilder::new().mode(0o700).create(&path)?;
    Ok(Directory(path))
}

fn provider_block(cast: &Cast, provider: &Running) -> String {
    let (key, path) = cast.address;
    let names: Vec<String> = cast.models.iter().map(|model| format!("\"{}\"", model.id)).collect();
    format!(
        "\n[[providers]]\nid = \"{}\"\nprovider_type = \"{}\"\n{key} = \"{}{path}\"\n{}models = [{}]\n",
        cast.id,
        cast.provider_type,
        provider.url(),
        cast.more,
        names.join(", "),
    )
}

fn key_map() -> String {
    let mut text = String::new();
    for key in KEYS {
        let models: Vec<String> = key.models.iter().map(|model| format!("\"{model}\"")).collect();
        text.push_str(&format!(
            "\n[key_map.{}]\nlabel = \"{}\"\nteam = \"{}\"\nproject = \"{}\"\nallowed_models = [{}]\n",
            key.key,
            key.label,
            key.team,
            key.project,
            models.join(", "),
        ));
    }
    text
}

impl Demo {
    /// Writes the synthetic history up to now, routed by the rules of `policy`; `progress` is told the share that is done, in
    /// percent. Returns the number of records.
    ///
    /// # Errors
    /// When the store cannot write.
    pub async fn fill(&self, store: &Store, policy: &Policy, progress: impl FnMut(u8)) -> Result<u64, StoreError> {
        history::fill(store, policy, Timestamp::now(), progress).await
    }

    /// What is printed once the gateway listens at `gateway`: where to look and what to try.
    pub fn welcome(&self, gateway: SocketAddr) -> String {
        let data = self.directory.0.display();
        format!(
            r#"
llm-gateway demo: no key needed, nothing leaves this machine.

  Portal  http://{gateway}/
  Data    {data} (deleted at the end)

Try it in another terminal:

  curl -N http://{gateway}/v1/chat/completions \
    -H 'content-type: application/json' -H 'x-project: my-first-project' \
    -d '{{"model": "gpt-4o-mini", "stream": true, "messages": [{{"role": "user", "content": "Hello!"}}]}}'

Then see it in the portal, or with: curl 'http://{gateway}/v1/records?limit=1'
Ctrl-C ends the demo.
"#
        )
    }
}
