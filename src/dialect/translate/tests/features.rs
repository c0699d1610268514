//! Feature by feature: what every client says it by, and what every provider is told. One golden file a feature, a
//! line a pair, read by eye; `tests/sdk/node` checks each line against the types of the provider's own client.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::*;

/// Requests by feature and client, as the clients' own libraries write them.
const FEATURES: &str = include_str!("features.json");

fn told(client: Api, provider: Api, body: &str) -> String {
    let mut dropped = Dropped::default();
    let request = match read_request(client, body, &mut dropped) {
        Ok(request) => request,
        Err(error) => return format!("unreadable: {error}"),
    };
    match write_request(provider, &request, &target(client), &mut dropped) {
        Ok(body) if dropped.is_empty() => String::from_utf8(body).unwrap(),
        Ok(body) => format!("dropped {dropped}: {}", String::from_utf8(body).unwrap()),
        Err(unfit) => format!("refused: {unfit}"),
    }
}

#[test]
fn every_feature_goes_from_every_client_to_every_provider() {
    let features: BTreeMap<String, BTreeMap<String, Box<RawValue>>> = serde_json::from_str(FEATURES).unwrap();
    assert!(features.len() > 20);
    for (feature, clients) in &features {
        let mut text = String::new();
        for client in APIS {
            let Some(body) = clients.get(client.as_str()) else { continue };
            for provider in APIS {
                let told = told(client, provider, body.get());
                assert!(!told.starts_with("unreadable"), "{feature}: {client:?}: {told}");
                text += &format!("{} to {}: {told}\n", client.as_str(), provider.as_str());
            }
        }
        golden(&format!("feature_{feature}"), &text);
    }
}
