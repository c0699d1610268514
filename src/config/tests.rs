//! The documented keys and variables are those of the code.

use std::sync::Arc;

use super::{
    presets::PRESETS,
    report::Report,
    schema::{SECTIONS, Shape, TLS_KEYS},
    tree::{self, Table, Value},
};

/// The example with every commented-out setting switched on.
fn whole_example() -> String {
    include_str!("../../config.example.toml")
        .lines()
        .map(|line| line.strip_prefix('#').filter(|rest| !rest.is_empty() && !rest.starts_with(' ')).unwrap_or(line))
        .map(|line| format!("{line}\n"))
        .collect()
}

fn inner_tables(value: &Value) -> Vec<&Table> {
    match value {
        Value::Table(table) => vec![table],
        Value::List(items) => items.iter().flat_map(|item| inner_tables(&item.value)).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn the_example_documents_every_key() {
    let report = Report::default();
    let root = tree::from_toml(&Arc::from("config.example.toml"), &whole_example(), &report);
    assert_eq!(report.finish(), Ok(Vec::new()));
    for section in &SECTIONS {
        let node = root.get(section.name).unwrap_or_else(|| panic!("[{}] is not in the example", section.name));
        let mut tables = inner_tables(&node.value);
        if section.shape == Shape::Map {
            tables = tables
                .into_iter()
                .flat_map(|table| table.entries.iter())
                .flat_map(|entry| inner_tables(&entry.2.value))
                .collect();
        }
        for key in section.keys {
            assert!(
                tables.iter().any(|table| table.get(key).is_some()),
                "{}.{key} is not in the example",
                section.name
            );
        }
        for (key, ..) in tables.iter().flat_map(|table| &table.entries) {
            let is_known = section.keys.contains(&key.as_str()) || section.name == "key_map" && key.ends_with("_key");
            assert!(is_known, "{}.{key} is in the example only", section.name);
        }
    }
}

#[test]
fn the_example_loads_with_every_setting_switched_on() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("config.toml"), whole_example()).unwrap();
    let variables = [
        "GATEWAY_ADMIN_PASSWORD",
        "GATEWAY_ADMIN_TOKEN",
        "ANTHROPIC_API_KEY",
        "OPENAI_API_KEY",
        "AZURE_OPENAI_API_KEY",
        "GROQ_API_KEY",
        "ALPHA_ANTHROPIC_KEY",
        "ALPHA_OPENAI_KEY",
        "WEBHOOK_SECRET",
        "SEARCH_KEY",
    ];
    let env = variables.map(|name| (name.to_owned(), format!("sk-test-{name}"))).into();
    let options = super::LoadOptions { working_dir: dir.path().to_owned(), env, ..super::LoadOptions::default() };
    assert_eq!(super::load(&options).unwrap().warnings, Vec::<String>::new());
}

#[test]
fn the_example_of_the_environment_lists_every_variable() {
    let listed: Vec<&str> = include_str!("../../.env.example")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('=').map(|(name, _)| name))
        .collect();
    let mut expected = vec!["LLM_PROVIDER".to_owned()];
    for preset in &PRESETS {
        expected.extend([preset.variable.to_owned(), preset.model_variable.to_owned()]);
    }
    expected.extend(
        [
            "PORT",
            "RUST_LOG",
            "LOG_LEVEL",
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "OTEL_EXPORTER_OTLP_HEADERS",
            "LLM_GATEWAY_MASTER_KEY",
        ]
        .map(str::to_owned),
    );
    for section in SECTIONS.iter().filter(|section| section.shape == Shape::Table) {
        let keys = section.keys.iter().filter(|key| !["actions", "patterns"].contains(key));
        let keys = keys.flat_map(|key| match *key {
            "tls" => TLS_KEYS.map(|inner| format!("tls__{inner}")).to_vec(),
            key => vec![key.to_owned()],
        });
        expected.extend(keys.map(|key| format!("LLM_GATEWAY_{}__{}", section.name, key).to_uppercase()));
    }
    assert_eq!(listed, expected);
}

/// Other rooms get their settings from the configuration, so the list above is complete.
#[test]
fn only_the_command_line_reads_the_environment() {
    fn sources(directory: &std::path::Path, found: &mut Vec<(String, String)>) {
        for entry in std::fs::read_dir(directory).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                sources(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push((path.to_string_lossy().into_owned(), std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let mut found = Vec::new();
    sources(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    let readers: Vec<&str> = found
        .iter()
        .filter(|(path, text)| {
            !path.ends_with("tests.rs")
                && !path.contains("/src/sanitize/tests/")
                && (text.contains("env::var") || text.contains("from_default_env"))
        })
        .map(|(path, _)| path.rsplit("/src/").next().unwrap_or(path))
        .collect();
    assert_eq!(readers, ["cli.rs"]);
}
