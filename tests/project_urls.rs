//! The same endpoints under a project's own URL, and under that of an API.

use http::Method;
use serde_json::json;

use super::harness::gateway::{start, start_with};

#[tokio::test]
async fn every_api_answers_under_a_projects_url() {
    let rig = start().await;
    let hello = json!([{"role": "user", "content": "Hello"}]);
    let calls = [
        ("openai", "/v1/chat/completions", json!({"model": "gpt-4o", "messages": hello})),
        ("openai", "/v1/responses", json!({"model": "gpt-4o", "input": "Hello"})),
        ("openai", "/v1/embeddings", json!({"model": "text-embedding-3-small", "input": "Hello"})),
        ("anthropic", "/v1/messages", json!({"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": hello})),
        (
            "gemini",
            "/v1beta/models/gemini-2.5-flash:generateContent?alt=json",
            json!({"contents": [{"parts": [{"text": "Hello"}]}]}),
        ),
        ("ollama", "/api/chat", json!({"model": "llama3.2", "stream": false, "messages": hello})),
    ];
    for (count, (api, path, body)) in calls.iter().enumerate() {
        for (prefix, project) in [(format!("/shop%20one/{api}"), json!("shop one")), (format!("/{api}"), json!(null))] {
            let answer = rig.client().post(&format!("{prefix}{path}"), body).await;
            assert_eq!(answer.status, 200, "{prefix}{path}: {}", answer.text());
            let sent = rig.upstream.ledger().last().unwrap();
            assert!(sent.header("x-project").is_none() && !sent.path.contains("shop"), "{sent:?}");
            let records = rig.records_when(2 * count + 1 + usize::from(project.is_null())).await;
            assert_eq!(records[0]["project"], project, "{prefix}{path}");
        }
        // Under its own URL a body stays what it is.
        assert_eq!(rig.upstream.ledger().last().unwrap().json().unwrap(), *body);
    }
}

#[tokio::test]
async fn the_url_names_the_project_unless_the_key_does() {
    let rig = start_with(
        "[key_map.team-test-key]\nlabel = \"A\"\nproject = \"fixed\"\n\
         [[projects]]\nname = \"strict\"\nsanitization = { enabled = true, redact_pii = true }\n",
    )
    .await;
    let body = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "mail ann.smith@corp.example"}]});
    let client = rig.client().with("x-project", "other");
    client.post("/strict/openai/v1/chat/completions", &body).await.expect(200);
    assert!(!String::from_utf8_lossy(&rig.upstream.ledger().last().unwrap().body).contains("ann.smith"));
    client.with("x-api-key", "team-test-key").post("/strict/openai/v1/chat/completions", &body).await.expect(200);
    let records = rig.records_when(2).await;
    assert_eq!((&records[1]["project"], &records[0]["project"]), (&json!("strict"), &json!("fixed")));
}

#[tokio::test]
async fn lists_come_in_the_urls_api_and_what_is_not_there_in_its_words() {
    let rig = start().await;
    let list = rig.client().get("/shop/openai/v1/models").await.expect(200);
    assert_eq!(list["object"], "list");
    let list = rig.client().get("/shop/anthropic/v1/models").await.expect(200);
    assert!(list["has_more"].is_boolean(), "{list}");
    let list = rig.client().get("/shop/gemini/v1beta/models").await.expect(200);
    assert!(list["models"].is_array());
    assert!(rig.client().get("/ollama/api/tags").await.expect(200)["models"].is_array());
    let body = json!({"model": "gpt-4o", "messages": []});
    for (path, pointer) in [
        ("/shop/openai/v1/nothing", "/error/code"),
        ("/shop/anthropic/v1/nothing", "/error/type"),
        ("/shop/gemini/v1beta/nothing", "/error/status"),
        ("/shop/ollama/api/nothing", "/error"),
        ("/v1/openai/v1/chat/completions", "/error/code"),
        ("/docs/openai/v1/chat/completions", "/error/code"),
        ("/openai/openai/v1/chat/completions", "/error/code"),
        // Nothing but the data plane lies below a project.
        ("/shop/openai/v1/keys", "/error/code"),
        ("/shop/openai/v1/providers", "/error/code"),
    ] {
        let answer = rig.client().post(path, &body).await;
        let told = answer.expect(404);
        assert!(told.pointer(pointer).is_some_and(serde_json::Value::is_string), "{path}: {told}");
    }
    let answer = rig.client().send(Method::DELETE, "/shop/openai/v1/chat/completions", None).await;
    assert_eq!(answer.code(405), "method_not_allowed");
    assert!(rig.upstream.ledger().calls().iter().all(|call| call.method != "POST"));
}
