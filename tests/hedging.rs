//! A second call beside one that keeps silent: who answers first is heard, and both are accounted for.
//!
//! The providers here answer when they are told to, so that nothing depends on who is faster.

use std::{sync::Arc, time::Duration};

use axum::{Router, extract::State, http::StatusCode, response::Response};
use futures_util::future::join_all;
use http::Method;
use llm_gateway::demo::{Fault, Provider, ProviderOptions, Script};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::{
    harness::{
        client::{Answer, PATIENCE},
        gateway::{Rig, start_on},
    },
    routing::{Pair, pair, provider_of},
};

/// What a gated provider saw, and when it answers.
#[derive(Debug, Default)]
struct Gate {
    /// Calls that came, and of those the ones whose client left before an answer.
    calls: watch::Sender<(usize, usize)>,
    /// The status that all calls are answered with from now on.
    answer: watch::Sender<Option<u16>>,
}

/// Notes that a call was given up, unless it was answered.
struct Waiting(Arc<Gate>);

impl Drop for Waiting {
    fn drop(&mut self) {
        if self.0.answer.borrow().is_none() {
            self.0.calls.send_modify(|calls| calls.1 += 1);
        }
    }
}

impl Gate {
    async fn open() -> (Arc<Self>, String) {
        async fn hear(State(gate): State<Arc<Gate>>) -> Response {
            gate.calls.send_modify(|calls| calls.0 += 1);
            let waiting = Waiting(Arc::clone(&gate));
            let status = gate.answer.subscribe().wait_for(Option::is_some).await.unwrap().unwrap();
            drop(waiting);
            let answer = json!({
                "id": "chatcmpl-1", "object": "chat.completion", "model": "gpt-4o",
                "choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 11, "completion_tokens": 22}
            });
            let body = if status == 200 { answer } else { json!({"error": {"message": "no"}}) };
            let head = Response::builder().status(StatusCode::from_u16(status).unwrap());
            head.header("content-type", "application/json").body(body.to_string().into()).unwrap()
        }
        let gate = Arc::new(Self::default());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(hear).with_state(Arc::clone(&gate));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (gate, url)
    }

    /// Waits for so many calls, of which so many were given up.
    async fn saw(&self, calls: usize, given_up: usize) {
        let mut seen = self.calls.subscribe();
        let done = seen.wait_for(|seen| *seen == (calls, given_up));
        assert!(tokio::time::timeout(PATIENCE, done).await.is_ok(), "{:?}", self.calls.borrow());
    }
}

/// A gateway with two gated providers behind the name `chat`.
struct Gated {
    rig: Rig,
    one: Arc<Gate>,
    two: Arc<Gate>,
}

async fn gated(routing: &str) -> Gated {
    let ((one, url_one), (two, url_two)) = (Gate::open().await, Gate::open().await);
    let provider = |id: &str, url: &str| {
        format!(
            "[[providers]]\nid = \"{id}\"\nprovider_type = \"openai\"\napi_key = \"sk-test-{id}\"\n\
             base_url = \"{url}/v1\"\nmodels = [\"gpt-4o\"]\n"
        )
    };
    let providers = provider("one", &url_one) + &provider("two", &url_two);
    let more = format!(
        "[routing]\nretries = 0\nhedge_after_ms = 1\n{routing}\n[[models]]\nname = \"chat\"\n\
         targets = [\"one/gpt-4o\", \"two/gpt-4o\"]\n\
         [[budgets]]\nname = \"all\"\nscope = \"global\"\nlimit_usd = 100\nperiod = \"day\"\n\
         [limits.models.\"one/gpt-4o\"]\ntokens_per_day = 1000000\n"
    );
    let nobody = Provider::spawn(ProviderOptions::default()).await.unwrap();
    Gated { rig: start_on(nobody, &providers, &more).await, one, two }
}

impl Gated {
    /// Asks, and waits until both have been called for it.
    async fn ask(&self) -> tokio::task::JoinHandle<Answer> {
        let client = self.rig.client();
        let asking = tokio::spawn(async move { client.post("/v1/chat/completions", &chat("chat", false)).await });
        self.one.saw(1, 0).await;
        self.two.saw(1, 0).await;
        asking
    }

    /// Waits until the gateway knows that a provider failed.
    async fn knows_of_failure(&self, provider: &str) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let shown = self.rig.client().get(&format!("/v1/providers/{provider}")).await.expect(200);
            if shown["model_health"][0]["failures"] == 1 {
                return;
            }
            assert!(tokio::time::Instant::now() < deadline, "{shown:#}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

fn chat(model: &str, stream: bool) -> Value {
    json!({"model": model, "stream": stream, "messages": [{"role": "user", "content": "Hello out there"}]})
}

fn rows(record: &Value) -> Vec<(&str, &str)> {
    let rows = record["attempt_rows"].as_array().unwrap().iter();
    rows.map(|row| (row["provider"].as_str().unwrap(), row["outcome"].as_str().unwrap())).collect()
}

async fn walk(rig: &Rig, record: &Value) -> Vec<(String, bool)> {
    let route = rig.client().get(&format!("/v1/records/{}/route", record["id"].as_str().unwrap())).await.expect(200);
    let steps = route["walk"].as_array().unwrap().iter();
    steps.map(|step| (step["next"].as_str().unwrap().to_owned(), step["hedge"].as_bool().unwrap())).collect()
}

/// Nothing is set aside any more, and what was spent is what the record says.
async fn settled(rig: &Rig, record: &Value) {
    let budgets = rig.client().get("/v1/budgets").await.expect(200);
    let all = &budgets["data"][0];
    assert_eq!(all["reserved_microcents"], 0, "{all:#}");
    let spent = all["spent_microcents"].as_i64().unwrap() + all["assumed_microcents"].as_i64().unwrap();
    assert_eq!(Some(spent), record["cost_microcents"].as_i64(), "{all:#}");
}

#[tokio::test]
async fn a_silent_provider_is_overtaken_by_the_one_that_is_asked_beside_it() {
    for stream in [false, true] {
        let pair = pair("retries = 0\nhedge_after_ms = 1", "").await;
        pair.rig.upstream.always(Some(Script::fault(Fault::Silence)));
        let answer = pair.ask("chat", stream).await;
        assert_eq!((answer.status.as_u16(), provider_of(&answer)), (200, "two"));
        assert_eq!(answer.headers["x-gateway-attempts"], "2");
        assert!(pair.rig.upstream.ledger().finished(1, PATIENCE).await, "the loser is cancelled");
        assert!(pair.rig.upstream.ledger().last().unwrap().client_left);
        let record = pair.rig.only_record().await;
        assert_eq!(rows(&record), [("one", "cancelled"), ("two", "ok")], "{record:#}");
        assert_eq!((&record["outcome"], &record["provider"]), (&json!("ok"), &json!("two")));
        let steps = [("overtaken".to_owned(), false), ("answered".to_owned(), true)];
        assert_eq!(walk(&pair.rig, &record).await, steps);
        assert_eq!(pair.calls(), (1, 1));
        let incidents = pair.rig.client().get("/v1/incidents?provider=one").await.expect(200);
        assert_eq!(incidents["data"], json!([]));
        let shown = pair.rig.client().get("/v1/providers/one").await.expect(200);
        let health = &shown["model_health"][0];
        assert_eq!((&health["failures"], &health["breaker"]), (&json!(0), &json!("closed")), "nobody judges it");
        let metrics = pair.rig.client().get("/metrics").await.text();
        assert!(metrics.contains("llm_gateway_hedges_total{won=\"second\"}"), "{metrics}");
    }
}

#[tokio::test]
async fn both_calls_of_a_hedge_are_priced_and_settled() {
    let gated = gated("").await;
    let asking = gated.ask().await;
    gated.two.answer.send_replace(Some(200));
    let answer = asking.await.unwrap();
    assert_eq!((answer.status.as_u16(), provider_of(&answer)), (200, "two"));
    gated.one.saw(1, 1).await;
    let record = gated.rig.only_record().await;
    assert_eq!(rows(&record), [("one", "cancelled"), ("two", "ok")]);
    let (lost, won) = (&record["attempt_rows"][0], &record["attempt_rows"][1]);
    // What a provider does with a request that is given up nobody knows: its prompt may well be billed.
    assert_eq!((&lost["usage_estimated"], &lost["output_tokens"]), (&json!(true), &json!(0)));
    assert_eq!(
        (&won["input_tokens"], &won["output_tokens"], &won["usage_estimated"]),
        (&json!(11), &json!(22), &json!(false))
    );
    assert_eq!((&record["input_tokens"], &record["output_tokens"]), (&json!(11), &json!(22)));
    let cost = |row: &Value| row["cost_microcents"].as_i64().unwrap();
    assert!(cost(lost) > 0 && cost(won) > 0);
    assert_eq!(cost(&record), cost(lost) + cost(won));
    settled(&gated.rig, &record).await;
}

#[tokio::test]
async fn the_first_is_heard_when_the_second_fails_or_is_slower() {
    for second_fails in [false, true] {
        let gated = gated("").await;
        let asking = gated.ask().await;
        if second_fails {
            gated.two.answer.send_replace(Some(503));
            gated.knows_of_failure("two").await;
        }
        gated.one.answer.send_replace(Some(200));
        let answer = asking.await.unwrap();
        assert_eq!((answer.status.as_u16(), provider_of(&answer)), (200, "one"));
        let record = gated.rig.only_record().await;
        let second = if second_fails { ("two", "error") } else { ("two", "cancelled") };
        assert_eq!(rows(&record), [second, ("one", "ok")]);
        let next = if second_fails { "waited" } else { "overtaken" };
        assert_eq!(walk(&gated.rig, &record).await, [(next.to_owned(), true), ("answered".to_owned(), false)]);
        if !second_fails {
            gated.two.saw(1, 1).await;
        }
        settled(&gated.rig, &record).await;
    }
}

#[tokio::test]
async fn the_second_is_waited_for_when_the_first_fails() {
    let gated = gated("").await;
    let asking = gated.ask().await;
    gated.one.answer.send_replace(Some(500));
    gated.knows_of_failure("one").await;
    gated.two.answer.send_replace(Some(200));
    let answer = asking.await.unwrap();
    assert_eq!((answer.status.as_u16(), provider_of(&answer)), (200, "two"));
    let record = gated.rig.only_record().await;
    assert_eq!(rows(&record), [("one", "error"), ("two", "ok")]);
    assert_eq!(walk(&gated.rig, &record).await, [("waited".to_owned(), false), ("answered".to_owned(), true)]);
    settled(&gated.rig, &record).await;
    let incidents = gated.rig.client().get("/v1/incidents").await.expect(200);
    assert_eq!(incidents["data"][0]["impact"], "mitigated", "{incidents:#}");
}

#[tokio::test]
async fn when_both_fail_the_last_true_answer_is_told_and_no_call_is_made_twice_in_vain() {
    let gated = gated("max_attempts = 2").await;
    let asking = gated.ask().await;
    gated.one.answer.send_replace(Some(500));
    gated.knows_of_failure("one").await;
    gated.two.answer.send_replace(Some(503));
    let answer = asking.await.unwrap();
    assert_eq!((answer.status.as_u16(), provider_of(&answer)), (503, "two"));
    assert_eq!(answer.headers["x-gateway-attempts"], "2");
    let record = gated.rig.only_record().await;
    assert_eq!(
        (rows(&record), &record["error_kind"]),
        (vec![("one", "error"), ("two", "error")], &json!("upstream_error"))
    );
    gated.one.saw(1, 0).await;
    gated.two.saw(1, 0).await;
    settled(&gated.rig, &record).await;
}

#[tokio::test]
async fn a_client_that_leaves_cancels_both() {
    let gated = gated("").await;
    let asking = gated.ask().await;
    asking.abort();
    gated.one.saw(1, 1).await;
    gated.two.saw(1, 1).await;
    let record = gated.rig.only_record().await;
    assert_eq!(record["outcome"], "client_disconnected");
    assert_eq!(rows(&record), [("one", "client_disconnected"), ("two", "client_disconnected")]);
    settled(&gated.rig, &record).await;
    let shown = gated.rig.client().get("/v1/providers/one").await.expect(200);
    assert_eq!(shown["model_health"][0]["failures"], 0, "{shown:#}");
}

#[tokio::test]
async fn every_call_that_a_provider_saw_has_its_row_however_many_race() {
    let pair = pair("retries = 0\nhedge_after_ms = 1\nretry_budget = 1", "").await;
    pair.rig.upstream.always(Some(Script::fault(Fault::Silence)));
    // Up to ten at once may be asked beside a target, whatever its budget.
    for _ in 0..5 {
        let answers = join_all((0..8).map(|number| pair.ask("chat", number % 2 == 0))).await;
        assert!(answers.iter().all(|answer| answer.status == 200 && provider_of(answer) == "two"));
    }
    one_row_for_each_call(&pair, 40).await;
}

async fn one_row_for_each_call(pair: &Pair, records: usize) {
    let mut by_provider = (0, 0);
    for record in pair.rig.records_when(records).await {
        let whole = pair.rig.client().get(&format!("/v1/records/{}", record["id"].as_str().unwrap())).await.expect(200);
        for (provider, _) in rows(&whole) {
            if provider == "one" { by_provider.0 += 1 } else { by_provider.1 += 1 }
        }
    }
    assert_eq!(by_provider, pair.calls());
}

#[tokio::test]
async fn no_more_calls_are_made_beside_a_target_than_it_may_be_asked_again() {
    let pair = pair("retries = 0\nhedge_after_ms = 1\nretry_budget = 0", "timeout = 1").await;
    pair.rig.upstream.always(Some(Script::fault(Fault::Silence)));
    for number in 0..4 {
        let answer = pair.ask("chat", false).await;
        assert_eq!((answer.status.as_u16(), provider_of(&answer)), (200, "two"), "{number}");
    }
    let records = pair.rig.records_when(4).await;
    let newest =
        pair.rig.client().get(&format!("/v1/records/{}", records[0]["id"].as_str().unwrap())).await.expect(200);
    assert_eq!(rows(&newest), [("one", "error"), ("two", "ok")], "three is what a target starts with");
    assert_eq!(newest["attempt_rows"][0]["error_kind"], "upstream_timeout");
    one_row_for_each_call(&pair, 4).await;
}

#[tokio::test]
async fn what_cannot_be_sent_twice_and_what_has_begun_is_asked_once() {
    // Long enough for a call that should not be made; one that comes later is no failure of this test.
    let a_while = || tokio::time::sleep(Duration::from_millis(100));
    let gated = gated("").await;
    let client = gated.rig.client().with("content-type", "multipart/form-data; boundary=b");
    let form = "--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nhi\r\n--b--\r\n";
    let asking = tokio::spawn(async move { client.send(Method::POST, "/v1/files", Some(form.into())).await });
    gated.one.saw(1, 0).await;
    a_while().await;
    gated.one.answer.send_replace(Some(200));
    assert_eq!(asking.await.unwrap().status, 200);
    gated.two.saw(0, 0).await;

    let pair = pair("retries = 0\nhedge_after_ms = 60000", "").await;
    pair.rig.upstream.script(Script::fault(Fault::ResetInBody { after_bytes: 900 }));
    let answer = pair.ask("chat", true).await;
    a_while().await;
    assert_eq!((answer.status.as_u16(), provider_of(&answer), pair.calls()), (200, "one", (1, 0)));
}
