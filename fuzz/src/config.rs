//! The configuration: whatever stands in the files and the environment, there is a checked `Config` or a list
//! of errors, never a panic; and what is taken obeys the rules on which safety rests.

use std::{
    cell::OnceCell,
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use llm_gateway::config::{self, Config, LoadOptions, ProviderKey};
use tempfile::TempDir;

/// Lines that part the input: before the first is `config.toml`, behind them `.env`, the process's own
/// environment (`NAME=value` lines) and `providers.json`.
const PARTS: [&str; 3] = ["#--.env", "#--environment", "#--providers.json"];

/// The input is the text of the files, as [`PARTS`] says.
pub fn run(data: &[u8]) {
    thread_local!(static DIRECTORY: OnceCell<TempDir> = const { OnceCell::new() });
    DIRECTORY.with(|directory| {
        let directory = directory.get_or_init(|| tempfile::tempdir().unwrap());
        let options = written(data, directory.path());
        let first = config::load(&options);
        let second = config::load(&options);
        assert_eq!(format!("{first:?}"), format!("{second:?}"), "two readings of the same files differ");
        match first {
            Ok(config) => taken(&config, data),
            Err(errors) => {
                assert!(!errors.lines().is_empty(), "refused without a reason");
                for line in errors.lines() {
                    assert!(!line.trim().is_empty(), "an empty reason");
                    assert!(!line.contains(char::is_control), "a reason of two lines: {line:?}");
                }
            }
        }
    });
}

/// Writes the files of the input and says how to load them.
fn written(data: &[u8], directory: &Path) -> LoadOptions {
    let mut texts: [Vec<u8>; 4] = Default::default();
    let mut part = 0;
    for line in data.split_inclusive(|byte| *byte == b'\n') {
        match PARTS.iter().position(|mark| line.trim_ascii_end() == mark.as_bytes()) {
            Some(mark) => part = mark + 1,
            None => texts[part].extend_from_slice(line),
        }
    }
    let [toml, dotenv, environment, json] = texts;
    for (name, text) in [("config.toml", toml), (".env", dotenv), ("providers.json", json)] {
        let path = directory.join(name);
        if text.is_empty() && name != "config.toml" {
            let _ = fs::remove_file(path);
        } else {
            fs::write(path, text).unwrap();
        }
    }
    let environment = String::from_utf8_lossy(&environment);
    let pairs = environment.lines().filter_map(|line| line.split_once('='));
    let env: BTreeMap<String, String> = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    LoadOptions { working_dir: directory.to_owned(), env, ..LoadOptions::default() }
}

fn taken(config: &Config, data: &[u8]) {
    let server = &config.server;
    assert!(server.host.is_loopback() || config.auth.admin_is_closed(), "an open admin side on {}", server.host);
    assert!(server.host.is_loopback() || config.auth.require_key, "an open gateway on {}", server.host);
    assert!(server.max_body_bytes > 0 && server.max_connections > 0 && server.max_headers > 0);
    let ids: BTreeSet<_> = config.providers.iter().map(|provider| &provider.id).collect();
    assert_eq!(ids.len(), config.providers.len(), "two providers of one id");
    if let Some(id) = &config.default_provider {
        assert!(ids.contains(id), "the default provider {id} does not exist");
    }
    for provider in &config.providers {
        assert!(matches!(provider.base_url.scheme(), "http" | "https"), "base_url {}", provider.base_url);
        assert!(provider.base_url.host().is_some(), "base_url {}", provider.base_url);
        assert!(
            !provider.id.is_empty() && provider.id.bytes().all(|byte| byte.is_ascii_graphic()),
            "{:?}",
            provider.id
        );
    }
    let keys: BTreeSet<_> = config.key_map.iter().map(|key| key.key.expose()).collect();
    assert_eq!(keys.len(), config.key_map.len(), "one virtual key twice");
    for line in &config.warnings {
        assert!(!line.contains(char::is_control), "a warning of two lines: {line:?}");
    }
    hides_secrets(config, data);
}

/// A secret that stands once in the input is shown by neither the effective configuration nor a warning nor
/// the `Debug` form.
fn hides_secrets(config: &Config, data: &[u8]) {
    let own = config.providers.iter().filter_map(|provider| match &provider.key {
        ProviderKey::Own(key) => Some(key),
        ProviderKey::None | ProviderKey::Passthrough => None,
    });
    let mapped = config.key_map.iter().flat_map(|key| key.provider_keys.iter().map(|(_, key)| key).chain([&key.key]));
    let admin = config.auth.admin_password.iter().chain(&config.auth.admin_token);
    let shown = [config::effective_toml(config), config.warnings.join("\n"), format!("{config:?}")].concat();
    for secret in own.chain(mapped).chain(admin).chain(&config.storage.master_key).map(|secret| secret.expose()) {
        // A short one could be part of any word.
        if secret.len() >= 12 && data.windows(secret.len()).filter(|part| *part == secret.as_bytes()).count() == 1 {
            assert!(!shown.contains(secret), "a secret is shown: {secret}");
        }
    }
}
