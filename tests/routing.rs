//! Where a request goes: names of the operator's own, retries, fallbacks, breakers, sessions.

use std::time::Duration;

use llm_gateway::demo::{Chunk, Fault, Payload, Provider, ProviderOptions, Running, Script};
use serde_json::{Value, json};

use super::harness::{
    client::Answer,
    gateway::{Rig, start_on},
};

/// A gateway with the providers `one` and `two`, each an upstream of its own, and the named model `chat` over both.
pub(crate) struct Pair {
    pub(crate) rig: Rig,
    pub(crate) two: Running,
}

pub(crate) async fn pair(routing: &str, model: &str) -> Pair {
    let upstream = || Provider::spawn(ProviderOptions::default());
    let (one, two) = (upstream().await.unwrap(), upstream().await.unwrap());
    let provider = |id: &str, url: &str| {
        format!(
            "[[providers]]\nid = \"{id}\"\nprovider_type = \"openai_compatible\"\napi_key = \"sk-test-{id}\"\n\
             base_url = \"{url}/v1\"\nmodels = [\"gpt-4o\"]\n"
        )
    };
    let providers = provider("one", "{upstream}") + &provider("two", &two.url());
    let more = format!(
        "[routing]\nretry_backoff_ms = 1\n{routing}\n[[models]]\nname = \"chat\"\naliases = [\"talk\"]\n\
         targets = [\"one/gpt-4o\", \"two/gpt-4o\"]\n{model}\n"
    );
    Pair { rig: start_on(one, &providers, &more).await, two }
}

impl Pair {
    pub(crate) async fn ask(&self, model: &str, stream: bool) -> Answer {
        let body = json!({"model": model, "stream": stream, "messages": [{"role": "user", "content": "x"}]});
        self.rig.client().post("/v1/chat/completions", &body).await
    }

    /// Calls that each upstream saw.
    pub(crate) fn calls(&self) -> (usize, usize) {
        (self.rig.upstream.ledger().calls().len(), self.two.ledger().calls().len())
    }
}

pub(crate) fn refused(status: u16) -> Script {
    Script {
        status: Some(status),
        body: Some(Payload::Text("{\"error\":{\"message\":\"no\"}}".into())),
        ..Script::default()
    }
}

pub(crate) fn broken() -> Script {
    Script { fault: Some(Fault::ResetBeforeHead), ..Script::default() }
}

pub(crate) fn provider_of(answer: &Answer) -> &str {
    answer.headers["x-gateway-provider"].to_str().unwrap()
}

async fn newest(rig: &Rig, count: usize) -> Value {
    let id = rig.records_when(count).await[0]["id"].as_str().unwrap().to_owned();
    rig.client().get(&format!("/v1/records/{id}")).await.expect(200)
}

#[tokio::test]
async fn a_name_of_ones_own_leads_to_its_targets() {
    let pair = pair("", "").await;
    for name in ["chat", "talk"] {
        let answer = pair.ask(name, false).await;
        assert_eq!((answer.status.as_u16(), provider_of(&answer)), (200, "one"), "{name}");
        assert_eq!(pair.rig.upstream.ledger().last().unwrap().json().unwrap()["model"], "gpt-4o");
    }
    let record = newest(&pair.rig, 2).await;
    assert_eq!((&record["model_requested"], &record["provider"]), (&json!("talk"), &json!("one")));
}

#[tokio::test]
async fn what_fails_before_the_first_byte_is_tried_again_and_then_elsewhere() {
    for (fault, calls) in [
        // Again at the same target, then at the next.
        (broken(), (2, 1)),
        (refused(503), (2, 1)),
        (refused(429), (2, 1)),
        // A credential that is refused, or a model that is not there, will be so again.
        (refused(401), (1, 1)),
        (refused(404), (1, 1)),
    ] {
        for stream in [false, true] {
            let pair = pair("", "").await;
            pair.rig.upstream.always(Some(fault.clone()));
            let answer = pair.ask("chat", stream).await;
            assert_eq!((answer.status.as_u16(), provider_of(&answer)), (200, "two"), "{fault:?}");
            assert_eq!(pair.calls(), calls, "{fault:?} stream: {stream}");
            assert_eq!(answer.headers["x-gateway-attempts"].to_str().unwrap(), (calls.0 + calls.1).to_string());
            let record = newest(&pair.rig, 1).await;
            let rows = record["attempt_rows"].as_array().unwrap();
            assert_eq!((rows.len(), &record["outcome"]), (calls.0 + calls.1, &json!("ok")), "{record:#}");
            assert_eq!(rows.last().unwrap()["provider"], "two");
        }
    }
}

#[tokio::test]
async fn a_request_that_is_wrong_is_wrong_everywhere() {
    let pair = pair("", "").await;
    for status in [400, 413, 422] {
        pair.rig.upstream.script(refused(status));
        let answer = pair.ask("chat", false).await;
        assert_eq!(answer.status.as_u16(), status);
        assert_eq!(answer.body, "{\"error\":{\"message\":\"no\"}}", "the provider's own words");
    }
    assert_eq!(pair.calls(), (3, 0));
}

#[tokio::test]
async fn when_everybody_fails_the_client_gets_the_last_true_answer() {
    let pair = pair("retries = 0", "").await;
    pair.rig.upstream.always(Some(broken()));
    pair.two.always(Some(refused(503)));
    let answer = pair.ask("chat", true).await;
    assert_eq!((answer.status.as_u16(), provider_of(&answer)), (503, "two"));
    assert_eq!(answer.body, "{\"error\":{\"message\":\"no\"}}");
    let record = newest(&pair.rig, 1).await;
    assert_eq!((&record["error_kind"], &record["attempts"]), (&json!("upstream_error"), &json!(2)));
}

#[tokio::test]
async fn a_stream_that_dies_at_once_falls_back_as_if_nothing_had_been() {
    let role =
        "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n";
    let error = "data: {\"error\":{\"message\":\"overloaded\",\"type\":\"server_error\",\"code\":503}}\n\n";
    let chunk = |text: &str| Chunk { payload: Payload::Text(text.to_owned()), after_ms: 5 };
    let sse = || vec![("content-type".to_owned(), "text/event-stream".to_owned())];
    let deaths = [
        (
            "an error after the role",
            Script { chunks: Some(vec![chunk(role), chunk(error)]), headers: sse(), ..Script::default() },
        ),
        ("an end after the role", Script { chunks: Some(vec![chunk(role)]), headers: sse(), ..Script::default() }),
        (
            "a reset after the role",
            Script {
                chunks: Some(vec![chunk(role), chunk(role)]),
                headers: sse(),
                fault: Some(Fault::ResetInBody { after_bytes: role.len() + 20 }),
                ..Script::default()
            },
        ),
    ];
    for (what, death) in deaths {
        let pair = pair("retries = 0", "").await;
        pair.rig.upstream.always(Some(death.clone()));
        let answer = pair.ask("chat", true).await;
        assert_eq!((answer.status.as_u16(), provider_of(&answer)), (200, "two"), "{what}");
        let text = String::from_utf8_lossy(&answer.body);
        assert!(!text.contains("\"id\":\"c\"") && text.trim_end().ends_with("data: [DONE]"), "{what}: {text}");
        // With nobody else to ask, the status is true.
        pair.two.always(Some(death));
        let answer = pair.ask("chat", true).await;
        assert!(answer.status.is_server_error(), "{what}: {answer:?}");
    }
}

#[tokio::test]
async fn nothing_is_tried_again_once_content_has_gone_out() {
    let pair = pair("", "").await;
    pair.rig.upstream.script(Script { fault: Some(Fault::ResetInBody { after_bytes: 900 }), ..Script::default() });
    let answer = pair.ask("chat", true).await;
    assert_eq!((answer.status.as_u16(), pair.calls()), (200, (1, 0)));
    assert!(String::from_utf8_lossy(&answer.body).contains("upstream_protocol"), "{answer:?}");
}

#[tokio::test]
async fn a_dead_provider_is_left_alone_and_one_probe_finds_it_alive() {
    const COOLDOWN: Duration = Duration::from_secs(2);
    let pair = pair("retries = 0\nbreaker_failures = 3\nbreaker_cooldown = 2", "").await;
    pair.rig.upstream.always(Some(broken()));
    // The breaker opens after this, so that what is seen within the cooldown from here on is seen within its own.
    let begun = std::time::Instant::now();
    for _ in 0..10 {
        assert_eq!(provider_of(&pair.ask("chat", false).await), "two");
    }
    let calls = pair.calls();
    assert!(begun.elapsed() > COOLDOWN || calls == (3, 10), "{calls:?}: three failures in a row, and no more of it");
    pair.rig.upstream.always(None);
    let answer = pair.ask("chat", false).await;
    assert!(begun.elapsed() > COOLDOWN || provider_of(&answer) == "two", "the cooldown is not over");
    tokio::time::sleep(COOLDOWN).await;
    let before = pair.calls().0;
    assert_eq!(provider_of(&pair.ask("chat", false).await), "one");
    assert_eq!(pair.calls().0, before + 1);
}

#[tokio::test]
async fn a_provider_that_asked_to_be_left_alone_is_while_there_is_another() {
    let pair = pair("retries = 0", "").await;
    let limited = Script { headers: vec![("retry-after".to_owned(), "30".to_owned())], ..refused(429) };
    pair.rig.upstream.script(limited.clone());
    for _ in 0..3 {
        assert_eq!(provider_of(&pair.ask("chat", false).await), "two");
    }
    assert_eq!(pair.calls(), (1, 3));
    // Another caller's key may have room where this one has none: alone, it is asked all the same.
    let answer = pair.ask("one/gpt-4o", false).await;
    assert_eq!((answer.status.as_u16(), provider_of(&answer)), (200, "one"));
}

#[tokio::test]
async fn strategies_share_requests_out_and_sessions_stay() {
    let pair = pair("", "strategy = \"round_robin\"").await;
    for _ in 0..6 {
        pair.ask("chat", false).await;
    }
    assert_eq!(pair.calls(), (3, 3));
    let client = pair.rig.client().with("x-session-id", "s-1");
    let body = json!({"model": "chat", "messages": [{"role": "user", "content": "x"}]});
    let mut seats = Vec::new();
    for _ in 0..4 {
        seats.push(provider_of(&client.post("/v1/chat/completions", &body).await).to_owned());
    }
    assert_eq!(seats.iter().collect::<std::collections::BTreeSet<_>>().len(), 1, "{seats:?}");
}

#[tokio::test]
async fn a_conversation_stays_where_its_first_turns_were_answered() {
    let pair = pair("", "strategy = \"round_robin\"").await;
    let client = pair.rig.client();
    let turn = |role: &str, text: &str| json!({"role": role, "content": text});
    let mut seats = Vec::new();
    for talk in 0..4 {
        let mut messages = vec![turn("system", "be brief"), turn("user", &format!("talk {talk}"))];
        for reply in 0..3 {
            let body = json!({"model": "chat", "messages": messages});
            seats.push((talk, provider_of(&client.post("/v1/chat/completions", &body).await).to_owned()));
            messages.extend([turn("assistant", &format!("{reply}")), turn("user", "go on")]);
        }
    }
    let first: Vec<_> = seats.chunks(3).map(|talk| talk[0].clone()).collect();
    assert!(seats.chunks(3).all(|talk| talk.iter().all(|seat| *seat == talk[0])), "{seats:?}");
    // Requests that only begin alike are shared out: nothing of theirs is warm yet.
    assert!(first.iter().any(|seat| seat.1 == "one") && first.iter().any(|seat| seat.1 == "two"), "{first:?}");
}

#[tokio::test]
async fn fallbacks_come_after_every_target() {
    let pair = pair("retries = 0", "fallbacks = [\"two/gpt-4o-mini\"]\nstrategy = \"priority\"").await;
    pair.rig.upstream.always(Some(broken()));
    pair.two.script(refused(503));
    let answer = pair.ask("chat", false).await;
    assert_eq!(answer.headers["x-gateway-model"], "gpt-4o-mini");
    assert_eq!(answer.headers["x-gateway-attempts"], "3");
}

#[tokio::test]
async fn auto_and_profiles_choose_among_all_models_and_unknown_ones_are_told() {
    let pair = pair("", "").await;
    for name in ["auto", "auto:economy"] {
        let answer = pair.ask(name, false).await;
        assert_eq!((answer.status.as_u16(), &answer.headers["x-gateway-model"]), (200, &"gpt-4o".parse().unwrap()));
    }
    let answer = pair.ask("auto:cheapest", false).await;
    assert_eq!(answer.status, 400);
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    assert!(text.contains("balanced") && text.contains("economy"), "{text}");
    let answer = pair.ask("auto:private", false).await;
    assert!(String::from_utf8_lossy(&answer.body).contains("not on your own machines"), "{answer:?}");
}

#[tokio::test]
async fn a_name_that_leads_nowhere_is_answered_with_close_matches() {
    // The maker's own address: its models are known, so none of these names is asked there.
    let provider = "[[providers]]\nid = \"anthropic\"\napi_key = \"sk-test\"\n\
                    [[models]]\nname = \"house-chat\"\naliases = [\"hauschat\"]\ntargets = [\"anthropic/claude-sonnet-4-5\"]\n";
    let rig = start_on(Provider::spawn(ProviderOptions::default()).await.unwrap(), provider, "").await;
    for (typed, close) in [("hose-chat", "close matches: house-chat"), ("Hauschat", "close matches: hauschat")] {
        let body = json!({"model": typed, "messages": [{"role": "user", "content": "x"}]});
        let answer = rig.client().post("/v1/chat/completions", &body).await;
        assert_eq!(answer.code(404), "model_not_found");
        assert!(answer.text().contains(close), "{typed}: {}", answer.text());
    }
    let body = json!({"model": "nothing like it", "messages": [{"role": "user", "content": "x"}]});
    let answer = rig.client().post("/v1/chat/completions", &body).await;
    assert!(answer.code(404) == "model_not_found" && !answer.text().contains("close matches"), "{}", answer.text());
    // A key is told nothing of names that it may not use.
    let key = json!({"label": "k", "allowed_models": ["claude-sonnet-4-5"]});
    let key = rig.client().post("/v1/keys", &key).await.expect(201)["secret"].as_str().unwrap().to_owned();
    let client = rig.client().with("authorization", &format!("Bearer {key}"));
    let body = json!({"model": "hose-chat", "messages": [{"role": "user", "content": "x"}]});
    assert!(!client.post("/v1/chat/completions", &body).await.text().contains("house-chat"));
}

#[tokio::test]
async fn an_open_breaker_shows_in_the_api_and_in_the_metrics() {
    let pair = pair("retries = 0\nbreaker_failures = 2\nbreaker_cooldown = 60", "").await;
    pair.rig.upstream.always(Some(broken()));
    for _ in 0..3 {
        pair.ask("chat", false).await;
    }
    for invented in ["one/invented-1", "one/invented-2"] {
        pair.ask(invented, false).await;
    }
    let client = pair.rig.client();
    let all = client.get("/v1/providers").await.expect(200);
    let of = |id: &str| all["data"].as_array().unwrap().iter().find(|one| one["id"] == id).unwrap().clone();
    let (one, two) = (of("one"), of("two"));
    assert_eq!((&one["breaker"], &two["breaker"]), (&json!("open"), &json!("closed")));
    let worst = &one["model_health"][0];
    assert_eq!((&worst["model"], &worst["breaker"], &worst["failures"]), (&json!("gpt-4o"), &json!("open"), &json!(2)));
    assert!(worst["open_until"].is_string() && worst["error_rate"].as_f64() > Some(0.0), "{worst:#}");
    assert_eq!((&worst["latency_ms"], &worst["probing"]), (&Value::Null, &json!(false)));
    let well = &two["model_health"][0];
    assert_eq!((&well["breaker"], &well["open_until"], &well["calls"]), (&json!("closed"), &Value::Null, &json!(3)));
    assert!(well["latency_ms"].as_f64() > Some(0.0) && well["error_rate"] == 0.0, "{well:#}");
    let detail = client.get("/v1/providers/one").await.expect(200);
    assert_eq!(detail["model_health"].as_array().unwrap().len(), 3);
    let metrics = client.get("/metrics").await.text();
    let line = |model: &str, state: u8| {
        let labels = format!("provider=\"one\",model=\"{model}\"");
        let line = format!("llm_gateway_circuit_breaker_state{{{labels}}} {state}");
        assert!(metrics.contains(&line), "{line} is not in {metrics}");
    };
    line("gpt-4o", 2);
    line("other", 0);
    assert!(!metrics.contains("invented"), "{metrics}");
}

#[tokio::test]
async fn a_restart_does_not_forget_who_is_out_of_order() {
    let mut pair = pair("retries = 0\nbreaker_failures = 2\nbreaker_cooldown = 3", "").await;
    pair.rig.upstream.always(Some(broken()));
    for _ in 0..3 {
        pair.ask("chat", false).await;
    }
    let opened = std::time::Instant::now();
    assert_eq!(pair.calls(), (2, 3));
    pair.rig.upstream.always(None);
    pair.rig.restart().await;
    let shown = pair.rig.client().get("/v1/providers/one").await.expect(200);
    assert!(opened.elapsed() > Duration::from_secs(2) || shown["breaker"] == "open", "{shown:#}");
    let answer = pair.ask("chat", false).await;
    assert!(opened.elapsed() > Duration::from_secs(2) || provider_of(&answer) == "two", "{answer:?}");
    tokio::time::sleep(Duration::from_millis(3_100)).await;
    assert_eq!(provider_of(&pair.ask("chat", false).await), "one", "one probe finds it alive");
    pair.rig.restart().await;
    assert_eq!(pair.rig.client().get("/v1/providers/one").await.expect(200)["breaker"], "closed");
}
