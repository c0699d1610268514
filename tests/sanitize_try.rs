//! `POST /v1/sanitize` shows what the sanitizer would find and do, whatever it is given.

use serde_json::{Value, json};

use super::harness::gateway::{Rig, start, start_with};

const RULES: &str = r#"
[sanitization]
enabled = true
redact_pii = true
[[sanitization.patterns]]
name = "ticket"
pattern = "TICKET-[0-9]+"
[[projects]]
name = "clinic"
[projects.sanitization]
compliance_gate = true
[key_map.try-key]
project = "clinic"
[key_map.try-key.sanitization]
compliance_gate = false
[key_map.try-key.sanitization.actions]
email = "mask"
"#;

async fn attempt(rig: &Rig, question: Value) -> Value {
    rig.client().post("/v1/sanitize", &question).await.expect(200)
}

#[tokio::test]
async fn a_text_is_tried_against_the_rules_in_force() {
    let rig = start_with(RULES).await;
    let answer = attempt(&rig, json!({"text": "Grüße an ada@lovelace.org, TICKET-7"})).await;
    assert_eq!(answer["text"], "Grüße an [REDACTED|EMAIL], [REDACTED|TICKET]");
    assert_eq!((&answer["blocked"], &answer["enabled"]), (&json!(false), &json!(true)));
    let places: Vec<_> = answer["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|found| {
            (
                found["kind"].as_str().unwrap(),
                found["category"].as_str().unwrap(),
                found["start"].as_u64().unwrap(),
                found["end"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(places, [("EMAIL", "pii", 9, 25), ("TICKET", "custom", 27, 35)], "in characters, not bytes");
    let clean = attempt(&rig, json!({"text": "nothing to see"})).await;
    assert_eq!((&clean["text"], &clean["findings"]), (&json!("nothing to see"), &json!([])));
}

#[tokio::test]
async fn a_project_and_a_key_have_rules_of_their_own() {
    let rig = start_with(RULES).await;
    let text = "to ada@lovelace.org";
    let gated = attempt(&rig, json!({"text": text, "project": "clinic"})).await;
    assert_eq!((&gated["blocked"], &gated["text"]), (&json!(true), &Value::Null));
    let keys = rig.client().get("/v1/keys").await.expect(200);
    let id = keys["data"][0]["id"].as_str().unwrap();
    let masked = attempt(&rig, json!({"text": text, "key_id": id})).await;
    let placeholder = masked["text"].as_str().unwrap().strip_prefix("to ").unwrap();
    assert_eq!(masked["placeholders"], json!({placeholder: "ada@lovelace.org"}));
    let view = rig.client().get(&format!("/v1/sanitize/rules?key_id={id}")).await.expect(200);
    let action = |view: &Value, id: &str| {
        let rules = view["rules"].as_array().unwrap();
        rules.iter().find(|rule| rule["id"] == id).unwrap()["action"].as_str().unwrap().to_owned()
    };
    assert_eq!((action(&view, "email"), action(&view, "openai_api_key")), ("mask".to_owned(), "log".to_owned()));
    let view = rig.client().get("/v1/sanitize/rules").await.expect(200);
    assert_eq!((action(&view, "email"), action(&view, "openai_api_key")), ("redact".to_owned(), "log".to_owned()));
    assert_eq!(view["patterns"][0]["replacement"], "[REDACTED|TICKET]");
    assert_eq!(
        rig.client().post("/v1/sanitize", &json!({"text": "x", "key_id": "nobody"})).await.code(404),
        "not_found"
    );
}

#[tokio::test]
async fn a_body_is_tried_in_both_directions_and_stays_byte_for_byte_but_for_the_matches() {
    let rig = start_with(RULES).await;
    let request = json!({"model": "m", "messages": [{"role": "user", "content": "I am ada@lovelace.org"}]});
    let answer = attempt(&rig, json!({"request": request, "rules": {"actions": {"email": "mask"}}})).await;
    let content = answer["request"]["messages"][0]["content"].as_str().unwrap();
    let placeholder = content.strip_prefix("I am ").unwrap();
    assert_eq!(answer["placeholders"][placeholder], "ada@lovelace.org");
    assert_eq!(answer["findings"][0]["place"], "messages[0].content");
    let response = json!({"choices": [{"message": {"role": "assistant", "content": "ask TICKET-12"}}]});
    let answer = attempt(&rig, json!({"response": response})).await;
    assert_eq!(answer["response"]["choices"][0]["message"]["content"], "ask [REDACTED|TICKET]");
    let odd = br#"{"request": {"messages" : [ {"content":"\u0061da@lovelace.org","x":1.50} ] , "model":"m"}}"#;
    let answer = rig.client().send(http::Method::POST, "/v1/sanitize", Some(bytes::Bytes::from_static(odd))).await;
    answer.expect(200);
    let kept = r#"{"messages" : [ {"content":"[REDACTED|EMAIL]","x":1.50} ] , "model":"m"}"#;
    assert!(answer.text().contains(kept), "{}", answer.text());
}

#[tokio::test]
async fn rules_can_be_brought_along_and_bad_ones_are_told() {
    let rig = start().await;
    let off = attempt(&rig, json!({"text": "ada@lovelace.org"})).await;
    assert_eq!((&off["enabled"], &off["findings"]), (&json!(false), &json!([])));
    let own = json!({"patterns": [{"name": "n", "pattern": "[0-9]{4}", "replacement": "#", "apply_to": "response"}]});
    let sent = attempt(&rig, json!({"text": "1234", "rules": own})).await;
    assert_eq!(sent["text"], "1234");
    let answered = attempt(&rig, json!({"text": "1234", "direction": "response", "rules": own})).await;
    assert_eq!(answered["text"], "#");
    for (question, param) in [
        (json!({}), "text"),
        (json!({"text": "a", "request": {}}), "text"),
        (json!({"text": "a", "direction": "sideways"}), "direction"),
        (json!({"request": {}, "direction": "request"}), "direction"),
        (json!({"text": "a", "rules": {"patterns": [{"name": "p", "pattern": "(a"}]}}), "rules"),
        (json!({"text": "a", "rules": {"actions": {"emial": "log"}}}), "rules"),
        (json!({"text": "a", "rules": {}, "project": "p"}), "rules"),
        (json!({"text": "a", "rulez": {}}), "rulez"),
    ] {
        let answer = rig.client().post("/v1/sanitize", &question).await.expect(400);
        assert_eq!(answer["error"]["param"], param, "{question}: {answer}");
    }
}

#[tokio::test]
async fn hostile_questions_are_answered_or_refused_soon() {
    let rig = start().await;
    let everything = json!({"redact_pii": true, "actions": {"credentials": "redact"}});
    // Patterns that take exponential time elsewhere.
    for pattern in ["(a+)+$", "(a|aa)+$", "(.*a){12}$", "(?s).*.*.*x", "a?".repeat(60).as_str()] {
        let rules = json!({"patterns": [{"name": "p", "pattern": pattern}]});
        let question = json!({"text": format!("{}!", "a".repeat(30_000)), "rules": rules});
        let answer = rig.client().post("/v1/sanitize", &question).await;
        assert!([200, 400].contains(&answer.status.as_u16()), "{pattern}: {}", answer.text());
    }
    let long = format!("{}ada@lovelace.org", "x@".repeat(60_000));
    let answer = attempt(&rig, json!({"text": long, "rules": everything})).await;
    assert!(answer["text"].as_str().unwrap().contains("[REDACTED|"));
    let huge = json!({"text": "a".repeat(300 * 1024)});
    assert_eq!(rig.client().post("/v1/sanitize", &huge).await.code(413), "request_too_large");
    let deep = format!("{{\"request\": {}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let deep = rig.client().send(http::Method::POST, "/v1/sanitize", Some(deep.into())).await;
    assert_eq!(deep.status.as_u16(), 400);
    let twice = br#"{"rules": {"redact_pii": true}, "request": {"content": "a", "con\u0074ent": "ada@lovelace.org"}}"#;
    let twice = rig.client().send(http::Method::POST, "/v1/sanitize", Some(bytes::Bytes::from_static(twice))).await;
    assert_eq!(twice.expect(400)["error"]["param"], "request");
}
