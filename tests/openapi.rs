//! `openapi/openapi.json` says what the code does: it is written from the handlers' own types.

use std::collections::BTreeMap;

use serde_json::Value;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/openapi.json");
const COMMAND: &str = "UPDATE_OPENAPI=1 cargo test --test promises openapi::";

fn written() -> String {
    let mut text = llm_gateway::server::openapi().to_pretty_json().expect("a document");
    text.push('\n');
    text
}

fn operations(document: &Value) -> Vec<(String, Value)> {
    let paths = document["paths"].as_object().expect("paths");
    let of_path = |(path, item): (&String, &Value)| {
        let item: BTreeMap<String, Value> = serde_json::from_value(item.clone()).expect("a path item");
        let path = path.clone();
        item.into_iter().map(move |(method, operation)| (format!("{} {path}", method.to_uppercase()), operation))
    };
    paths.iter().flat_map(of_path).collect()
}

#[test]
fn the_checked_in_document_is_fresh() {
    let written = written();
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::create_dir_all(concat!(env!("CARGO_MANIFEST_DIR"), "/openapi")).unwrap();
        std::fs::write(FILE, &written).unwrap();
    }
    let kept = std::fs::read_to_string(FILE).unwrap_or_default();
    assert!(kept == written, "openapi/openapi.json is not what the code says; run: {COMMAND}");
}

#[test]
fn the_document_is_openapi_3_1_and_names_this_version() {
    let document: Value = serde_json::from_str(&written()).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn every_operation_can_be_understood_by_a_stranger() {
    let document: Value = serde_json::from_str(&written()).unwrap();
    let mut ids = std::collections::BTreeSet::new();
    for (name, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
        assert!(!id.is_empty() && ids.insert(id.clone()), "{name}: the operation id {id:?} is missing or taken");
        assert!(operation["summary"].is_string(), "{name} has no summary");
        assert!(operation["tags"].as_array().is_some_and(|tags| tags.len() == 1), "{name} has not one tag");
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            assert!(parameter["description"].is_string(), "{name}: {} has no description", parameter["name"]);
        }
        for (status, response) in operation["responses"].as_object().expect("responses") {
            assert!(response["description"].is_string_and_not_empty(), "{name}: {status} has no description");
        }
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let text = written();
    let document: Value = serde_json::from_str(&text).unwrap();
    for reference in text.split("\"$ref\": \"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(document.pointer(reference).is_some(), "{reference} leads nowhere");
    }
}

trait Filled {
    fn is_string_and_not_empty(&self) -> bool;
}

impl Filled for Value {
    fn is_string_and_not_empty(&self) -> bool {
        self.as_str().is_some_and(|text| !text.is_empty())
    }
}

#[test]
fn no_two_rooms_mean_different_things_by_one_name() {
    let parts = [llm_gateway::admin::openapi(), llm_gateway::gateway::openapi(), llm_gateway::tasks::openapi()];
    let mut schemas: BTreeMap<String, Value> = BTreeMap::new();
    let mut tags = BTreeMap::new();
    for part in &parts {
        let part: Value = serde_json::from_str(&part.to_json().unwrap()).unwrap();
        for (name, schema) in part["components"]["schemas"].as_object().into_iter().flatten() {
            let known = schemas.entry(name.clone()).or_insert_with(|| schema.clone());
            assert_eq!(known, schema, "two schemas are called {name}: the document would show one of them for both");
        }
        for tag in part["tags"].as_array().into_iter().flatten() {
            assert_eq!(tags.insert(tag["name"].to_string(), tag.clone()), None, "two tags are called {}", tag["name"]);
        }
    }
    assert!(schemas.len() > 50 && tags.len() > 10);
}
