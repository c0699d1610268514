//! Answers that are none, and streams that only open: what a client does not see of them when another target answers.

use std::time::Duration;

use llm_gateway::demo::{Chunk, Fault, Payload, Provider, ProviderOptions, Script};
use serde_json::{Value, json};

use super::{
    harness::gateway::{Rig, start_on},
    routing::{Pair, pair, provider_of},
};

fn body(text: &str, kind: &str) -> Script {
    let script = Script { body: Some(Payload::Text(text.to_owned())), ..Script::default() };
    script.with_header("content-type", kind)
}

/// The attempt rows of the newest of so many records: provider and kind of error.
async fn rows(rig: &Rig, records: usize) -> Vec<(String, Option<String>)> {
    let id = rig.records_when(records).await[0]["id"].as_str().unwrap().to_owned();
    let record = rig.client().get(&format!("/v1/records/{id}")).await.expect(200);
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let rows = record["attempt_rows"].as_array().unwrap().iter();
    rows.map(|row| (text(&row["provider"]).unwrap(), text(&row["error_kind"]))).collect()
}

fn overtaken(kind: &str) -> Vec<(String, Option<String>)> {
    vec![("one".to_owned(), Some(kind.to_owned())), ("two".to_owned(), None)]
}

#[tokio::test]
async fn an_answer_that_is_none_is_asked_for_elsewhere() {
    let page = "<html><script>var a = {\"error\": \"x\"}</script></html>";
    let error = |kind: &str| format!("{{\"error\":{{\"message\":\"no\",\"type\":\"{kind}\"}}}}");
    for (script, kind) in [
        (body(page, "text/html"), "upstream_protocol"),
        (body(page, "application/json"), "upstream_protocol"),
        (body("", "application/json"), "upstream_protocol"),
        (Script { status: Some(204), ..body("", "application/json") }, "upstream_protocol"),
        (body("{\"choices\":[", "application/json"), "upstream_protocol"),
        (Script::fault(Fault::ResetInBody { after_bytes: 0 }), "upstream_protocol"),
        (Script::fault(Fault::CloseInBody { after_bytes: 40 }), "upstream_protocol"),
        (body(&error("server_error"), "application/json"), "upstream_error"),
        (body(&error("overloaded_error"), "application/json"), "upstream_error"),
        (body(&error("rate_limit_exceeded"), "application/json"), "upstream_rate_limit"),
    ] {
        let pair = pair("retries = 0", "").await;
        pair.rig.upstream.always(Some(script.clone()));
        let answer = pair.ask("chat", false).await;
        assert_eq!((answer.status.as_u16(), provider_of(&answer)), (200, "two"), "{script:?}");
        assert!(answer.json()["choices"].is_array(), "{script:?}");
        assert_eq!(rows(&pair.rig, 1).await, overtaken(kind), "{script:?}");
    }
}

#[tokio::test]
async fn what_a_provider_sent_in_place_of_an_answer_is_told_as_it_came_when_nobody_answers() {
    let pair = pair("retries = 0", "").await;
    pair.rig.upstream.always(Some(body("", "application/json")));
    pair.two.always(Some(body("<html>busy</html>", "text/html")));
    let answer = pair.ask("chat", false).await;
    assert_eq!(
        (answer.status.as_u16(), provider_of(&answer), answer.text().as_str()),
        (200, "two", "<html>busy</html>")
    );
    assert_eq!(answer.headers["content-type"], "text/html");
    // What is wrong with the request is so everywhere.
    let wrong = "{\"error\":{\"message\":\"no\",\"type\":\"invalid_request_error\"}}";
    pair.rig.upstream.always(Some(body(wrong, "application/json")));
    let answer = pair.ask("chat", false).await;
    assert_eq!((answer.status.as_u16(), provider_of(&answer), answer.text().as_str()), (200, "one", wrong));
    assert_eq!(pair.calls(), (2, 1));
}

#[tokio::test]
async fn a_slow_answer_is_not_held_where_nobody_else_could_give_one() {
    let pair = pair("retries = 1", "").await;
    let chunk = |text: &str, after_ms| Chunk { payload: Payload::Text(text.to_owned()), after_ms };
    let parts =
        ["{\"choices\":[{\"message\":{\"role\":\"assistant\",", "\"content\":\"late\"},\"finish_reason\":\"stop\"}]}"];
    let chunks = vec![chunk(parts[0], 0), chunk(parts[1], 6_000)];
    let slow = Script { chunks: Some(chunks), ..Script::default() }.with_header("content-type", "application/json");
    pair.rig.upstream.always(Some(slow));
    let body = json!({"model": "one/gpt-4o", "messages": [{"role": "user", "content": "x"}]});
    let begun = std::time::Instant::now();
    let open = pair.rig.client().open(http::Method::POST, "/v1/chat/completions", Some(body.to_string().into())).await;
    assert!(open.status() == 200 && begun.elapsed() < Duration::from_secs(6), "the head waits for nobody");
    let whole = http_body_util::BodyExt::collect(open.into_body()).await.unwrap().to_bytes();
    assert_eq!(whole, parts.concat());
}

#[tokio::test]
async fn a_long_answer_is_relayed_as_it_comes() {
    let pair = pair("retries = 0", "").await;
    let text = json!({"choices": [{"message": {"role": "assistant", "content": "word ".repeat(40_000)}}]}).to_string();
    let broken = Script { fault: Some(Fault::CloseInBody { after_bytes: 150_000 }), ..body(&text, "application/json") };
    pair.rig.upstream.script(body(&text, "application/json"));
    assert_eq!(pair.ask("chat", false).await.text(), text);
    pair.rig.upstream.script(broken);
    let request = json!({"model": "chat", "messages": [{"role": "user", "content": "x"}]});
    assert!(pair.rig.client().try_post("/v1/chat/completions", &request).await.is_none(), "it breaks off");
    assert_eq!(pair.calls(), (2, 0), "nobody else is asked once it has begun");
}

#[tokio::test]
async fn an_answer_that_stops_short_is_asked_for_elsewhere() {
    let pair = opening(30, 0).await;
    pair.rig.upstream.always(Some(Script::fault(Fault::Stall { after_bytes: 20 })));
    let answer = pair.ask("chat", false).await;
    assert_eq!((answer.status.as_u16(), provider_of(&answer)), (200, "two"));
    assert_eq!(rows(&pair.rig, 1).await, overtaken("upstream_timeout"));
}

/// Two providers of which the first says nothing but the opening of a stream for so long.
async fn opening(first_token_secs: u64, content_after_ms: u64) -> Pair {
    let upstream = || Provider::spawn(ProviderOptions::default());
    let (one, two) = (upstream().await.unwrap(), upstream().await.unwrap());
    let provider = |id: &str, url: &str, more: &str| {
        format!(
            "[[providers]]\nid = \"{id}\"\nprovider_type = \"openai_compatible\"\napi_key = \"k\"\n\
             base_url = \"{url}/v1\"\nmodels = [\"gpt-4o\"]\n{more}"
        )
    };
    let limit = format!("first_token_timeout = {first_token_secs}\nidle_timeout = 3\n");
    let providers = provider("one", "{upstream}", &limit) + &provider("two", &two.url(), "");
    let more = "[routing]\nretries = 0\n[[models]]\nname = \"chat\"\ntargets = [\"one/gpt-4o\", \"two/gpt-4o\"]\n";
    let chunk = |text: &str, after_ms| Chunk { payload: Payload::Text(format!("data: {text}\n\n")), after_ms };
    let role = "{\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}";
    let word = "{\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"late\"},\"finish_reason\":\"stop\"}]}";
    let chunks = vec![chunk(role, 0), chunk(word, content_after_ms), chunk("[DONE]", 0)];
    let script = Script { chunks: Some(chunks), ..Script::default() };
    one.always(Some(script.with_header("content-type", "text/event-stream")));
    Pair { rig: start_on(one, &providers, more).await, two }
}

#[tokio::test]
async fn a_stream_that_only_opens_is_left_for_another_target_in_time() {
    let pair = opening(2, 60_000).await;
    let answer = pair.ask("chat", true).await;
    assert_eq!((answer.status.as_u16(), provider_of(&answer)), (200, "two"));
    assert_eq!(answer.text().matches("[DONE]").count(), 1);
    assert_eq!(rows(&pair.rig, 1).await, overtaken("upstream_timeout"));
}

#[tokio::test]
async fn an_opening_is_held_until_content_comes_where_somebody_else_could_answer() {
    let pair = opening(30, 2_000).await;
    let answer = pair.ask("chat", true).await;
    assert!(provider_of(&answer) == "one" && answer.text().contains("late"), "{}", answer.text());
    assert_eq!(pair.calls(), (1, 0));
}

#[tokio::test]
async fn who_has_no_fallback_gets_the_opening_soon() {
    const CONTENT_AFTER: Duration = Duration::from_secs(8);
    let pair = opening(30, 8_000).await;
    let body = json!({"model": "one/gpt-4o", "stream": true, "messages": [{"role": "user", "content": "x"}]});
    let begun = std::time::Instant::now();
    let open = pair.rig.client().open(http::Method::POST, "/v1/chat/completions", Some(body.to_string().into())).await;
    assert!(open.status() == 200 && begun.elapsed() < CONTENT_AFTER, "{:?}", begun.elapsed());
}
