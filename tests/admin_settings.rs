//! Settings, profiles and the test of a provider, over the API.

use http::Method;
use serde_json::{Value, json};

use super::harness::gateway::{start, start_with};
use llm_gateway::demo::{Fault, Script};

fn ids(list: &Value) -> Vec<&str> {
    list["data"].as_array().unwrap().iter().map(|entry| entry["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_profile_is_made_used_changed_and_removed() {
    let rig = start_with("[[profiles]]\nid = \"ours\"\nprice = 1\n").await;
    let client = rig.client();
    let list = client.get("/v1/profiles").await.expect(200);
    assert_eq!((list["data"].as_array().unwrap().len(), ids(&list)[0]), (10, "ours"), "nine are built in");
    let balanced = list["data"].as_array().unwrap().iter().find(|profile| profile["is_default"] == true).unwrap();
    assert_eq!((&balanced["id"], &balanced["origin"]), (&json!("balanced"), &json!("built_in")));

    let body = json!({"weights": {"price": 5, "quality": 1}, "needs": ["tools"]});
    let put = async |id: &str, body: &Value| {
        client.send(Method::PUT, &format!("/v1/profiles/{id}"), Some(body.to_string().into())).await
    };
    let made = put("night", &body).await.expect(201);
    assert_eq!(
        (&made["origin"], &made["weights"]["price"], &made["needs"]),
        (&json!("api"), &json!(5.0), &json!(["tools"]))
    );
    put("night", &json!({"weights": {"price": 1}})).await.expect(200);
    let chat = json!({"model": "auto:night", "messages": [{"role": "user", "content": "Hello"}]});
    client.post("/v1/chat/completions", &chat).await.expect(200);
    rig.gateway.store().recorder.flush().await.unwrap();
    let record = client.get("/v1/records?limit=1").await.expect(200)["data"][0].clone();
    assert_eq!(record["profile"], "night");

    client.send(Method::DELETE, "/v1/profiles/night", None).await.expect(204);
    assert_eq!(client.post("/v1/chat/completions", &chat).await.status, 400, "the name means nothing any more");
    assert_eq!(client.send(Method::DELETE, "/v1/profiles/night", None).await.code(404), "not_found");
    for (id, body, status, code) in [
        ("ours", json!({"weights": {"price": 1}}), 409, "config_defined"),
        ("x", json!({"weights": {}}), 400, "invalid_parameter"),
        ("x", json!({"weights": {"price": -1}}), 400, "invalid_parameter"),
        ("x", json!({"weights": {"price": 1}, "needs": ["wings"]}), 400, "invalid_parameter"),
        ("%20", json!({"weights": {"price": 1}}), 400, "invalid_parameter"),
        ("x", json!({"weights": {"price": 1}, "colour": 1}), 400, "unknown_parameter"),
    ] {
        assert_eq!(put(id, &body).await.code(status), code, "{id} {body}");
    }
    let log = client.get("/v1/audit?action=profile.put&outcome=ok").await.expect(200);
    assert_eq!(log["data"].as_array().unwrap().len(), 2);
    assert_eq!(log["data"][1]["changes"]["weights"]["to"]["price"], 5.0);
}

#[tokio::test]
async fn the_settings_show_what_is_in_force_and_no_secret() {
    let token = "admin-test-token-51ae27d0c8f94b1d9c11";
    let rig = start_with(&format!("[auth]\nadmin_token = \"{token}\"\n[routing]\nmax_attempts = 3\n")).await;
    let admin = rig.client().with("authorization", &format!("Bearer {token}"));
    let settings = admin.get("/v1/settings").await.expect(200);
    let config = settings["config"].as_str().unwrap();
    assert!(config.contains("max_attempts = 3") && config.contains("admin_token = \"***\""), "{config}");
    assert!(!settings.to_string().contains(token) && !settings.to_string().contains("sk-"), "{settings}");
    assert_eq!(settings["storage"]["retention_days"], Value::Null);
    assert!(settings["storage"]["used_bytes"].as_u64().unwrap() > 10_000);
    assert_eq!(settings["last_reload"], Value::Null);
    assert_eq!(rig.client().get("/v1/settings").await.status, 401);
}

#[tokio::test]
async fn a_provider_is_tested_without_a_record() {
    let rig = start().await;
    let client = rig.client();
    let test = async |id: &str| client.post(&format!("/v1/providers/{id}/test"), &json!({})).await;
    let providers = client.get("/v1/providers").await.expect(200);
    for id in ids(&providers) {
        let told = test(id).await.expect(200);
        assert_eq!(
            (&told["ok"], &told["status"], &told["error_kind"]),
            (&json!(true), &json!(200), &Value::Null),
            "{id}: {told}"
        );
    }
    rig.upstream.script(Script::fault(Fault::Redirect { status: 307, to: "/elsewhere".to_owned() }));
    let told = test(ids(&providers)[0]).await.expect(200);
    assert_eq!((&told["ok"], &told["error_kind"]), (&json!(false), &json!("upstream_redirect")), "{told}");
    let nobody = json!({"id": "nobody", "provider_type": "local", "endpoint": "http://127.0.0.1:9"});
    client.post("/v1/providers", &nobody).await.expect(201);
    let told = test("nobody").await.expect(200);
    assert_eq!(
        (&told["ok"], &told["error_kind"], &told["status"]),
        (&json!(false), &json!("upstream_connect"), &Value::Null)
    );
    assert_eq!(test("absent").await.code(404), "not_found");
    rig.gateway.store().recorder.flush().await.unwrap();
    assert_eq!(client.get("/v1/stats").await.expect(200)["total_requests"], 0);
}
