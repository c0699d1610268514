//! Settings of the sanitizer: what cannot be put in force is refused with its place, and never half taken over.

use serde_json::json;

use super::harness::{
    client::Answer,
    gateway::{Rig, start, start_with},
};

async fn key_with(rig: &Rig, sanitization: serde_json::Value) -> Answer {
    rig.client().post("/v1/keys", &json!({"label": "k", "sanitization": sanitization})).await
}

#[tokio::test]
async fn a_key_states_its_own_rules_over_the_api_and_the_audit_log_tells_it() {
    let rig = start().await;
    let rules = json!({
        "redact_pii": true,
        "actions": {"email": "mask", "credentials": "block"},
        "patterns": [{"name": "ticket", "pattern": "TICKET-[0-9]+", "replacement": "", "apply_to": "request", "action": "log"}],
    });
    let made = key_with(&rig, rules.clone()).await.expect(201);
    assert_eq!(made["sanitization"], rules);
    let target = format!("/v1/keys/{}", made["id"].as_str().unwrap());
    assert_eq!(rig.client().get(&target).await.expect(200)["sanitization"], rules);
    let other = json!({"actions": {"pii": "log"}});
    let changed = rig.client().patch(&target, &json!({"sanitization": other})).await.expect(200);
    assert_eq!(changed["sanitization"], other, "it is replaced as a whole");
    assert_eq!(rig.client().patch(&target, &json!({"label": "l"})).await.expect(200)["sanitization"], other);
    let cleared = rig.client().patch(&target, &json!({"sanitization": null})).await.expect(200);
    assert!(cleared["sanitization"].is_null());
    let audit = rig.client().get("/v1/audit").await.expect(200);
    let changes: Vec<_> =
        audit["data"].as_array().unwrap().iter().map(|entry| &entry["changes"]["sanitization"]).collect();
    assert!(changes.iter().any(|change| change.to_string().contains("TICKET-[0-9]+")), "{changes:?}");
}

#[tokio::test]
async fn rules_that_cannot_be_are_refused_by_the_api_with_what_would_be_right() {
    let rig = start().await;
    let cases = [
        (json!({"actions": {"emial": "mask"}}), "did you mean email"),
        (json!({"actions": {"pii": "masked"}}), "did you mean \"mask\"?"),
        (json!({"patterns": [{"name": "p", "pattern": "a(b"}]}), "unclosed group"),
        (json!({"patterns": [{"name": "p", "pattern": "(?=a)b"}]}), "look-around"),
        (json!({"patterns": [{"name": "p", "pattern": "(a{1000}){1000}"}]}), "p"),
        (json!({"patterns": [{"name": "Email", "pattern": "a"}]}), "choose another"),
        (json!({"patterns": [{"name": "", "pattern": "a"}]}), "is empty"),
        (json!({"patterns": [{"name": "p", "pattern": "a"}, {"name": "P", "pattern": "b"}]}), "is used twice"),
        (json!({"patterns": [{"name": "p", "pattern": "x".repeat(5_000)}]}), "is longer than 4096 bytes"),
        (json!({"patterns": vec![json!({"name": "p", "pattern": "a"}); 300]}), "more than 256 patterns"),
    ];
    for (rules, told) in cases {
        let answer = key_with(&rig, rules.clone()).await;
        let body = answer.expect(400);
        assert_eq!(body["error"]["param"], "sanitization", "{body}");
        let message = body["error"]["message"].as_str().unwrap();
        assert!(message.contains(told), "{rules}: {message}");
    }
    let unknown = key_with(&rig, json!({"redact_pi": true})).await.expect(400);
    assert!(unknown["error"]["message"].as_str().unwrap().contains("redact_pi"), "{unknown}");
    assert_eq!(rig.client().get("/v1/keys").await.expect(200)["data"], json!([]), "nothing was stored");
}

#[tokio::test]
async fn what_is_wrong_for_every_project_is_told_once() {
    let rig = start_with("[[projects]]\nname = \"a\"\n[projects.sanitization]\nenabled = true\n[[projects]]\nname = \"b\"\n[projects.sanitization]\nenabled = true\nredact_pii = true\n").await;
    let answer = key_with(&rig, json!({"actions": {"emial": "mask"}})).await.expect(400);
    let message = answer["error"]["message"].as_str().unwrap();
    assert_eq!(message.matches("did you mean").count(), 1, "{message}");
}

#[tokio::test]
async fn a_start_with_rules_that_cannot_be_is_refused_with_file_line_and_key() {
    let cases = [
        ("[sanitization.actions]\nemial = \"mask\"", "config.toml:2: sanitization.actions.emial"),
        (
            "[[sanitization.patterns]]\nname = \"p\"\naction = \"log\"\npattern = 'a(b'",
            "config.toml:4: sanitization.patterns.pattern",
        ),
        (
            "[[projects]]\nname = \"a\"\n[projects.sanitization.actions]\nnope = \"log\"",
            "config.toml:4: projects.sanitization.actions.nope",
        ),
        (
            "[key_map.secret-key]\n[key_map.secret-key.sanitization.actions]\nnope = \"log\"",
            "config.toml:3: key_map.*.sanitization.actions.nope",
        ),
    ];
    for (toml, place) in cases {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("config.toml"), toml).unwrap();
        let options = llm_gateway::config::LoadOptions { working_dir: dir.path().to_owned(), ..Default::default() };
        let config = llm_gateway::config::load(&options).unwrap();
        let errors = llm_gateway::policy::check_rules(&config).unwrap_err();
        assert_eq!(errors.lines().len(), 1, "{errors}");
        assert!(errors.lines()[0].starts_with(place), "{errors}");
        assert!(!errors.to_string().contains("secret-key"));
        let refused = llm_gateway::Gateway::from_config(config).await.map(|_| ()).unwrap_err();
        assert!(refused.to_string().starts_with(place), "{refused}");
    }
}
