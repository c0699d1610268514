//! Every request keeps why it went where it went; what is kept decides the same again; a dry run moves nothing.

use std::time::Duration;

use llm_gateway::{demo::Script, domain::RecordId, routing::Trace, store::RecordFilter};
use serde_json::{Value, json};

use super::{
    harness::gateway::{Rig, start_with},
    routing::{Pair, broken, pair, provider_of, refused},
};

/// Provider and model of each in the order in which they are tried.
fn order(decision: &Value) -> Vec<(String, Option<String>)> {
    let candidates = &decision["candidates"];
    let name = |place: &Value| {
        let one = &candidates[usize::try_from(place.as_u64().unwrap()).unwrap()];
        (one["provider"].as_str().unwrap().to_owned(), one["model"].as_str().map(str::to_owned))
    };
    decision["order"].as_array().unwrap().iter().map(name).collect()
}

/// Each record's stored trace decides again as it did: those who were called are, in this order, among those who
/// were to be tried, and the first of them is the first. Returns how many were looked at.
async fn check_all(rig: &Rig) -> usize {
    let mut checked = 0;
    for record in rig.records().await {
        let id = RecordId::parse(record["id"].as_str().unwrap()).unwrap();
        let history = &rig.gateway.store().history;
        let stored = history.record(id).await.unwrap().unwrap();
        let Some(bytes) = history.route(stored.seq).await.unwrap() else { continue };
        let trace = Trace::read(&bytes).unwrap();
        let decision = trace.decide();
        let mut tried = decision.order.iter().map(|standing| {
            let candidate = &trace.facts.candidates[standing.candidate];
            (candidate.provider.to_string(), candidate.model.as_deref().map(str::to_owned))
        });
        let mut called: Vec<_> = (stored.record.attempts.iter())
            .map(|attempt| (attempt.provider.to_string(), attempt.model.as_deref().map(str::to_owned)))
            .collect();
        called.dedup();
        for (place, target) in called.iter().enumerate() {
            let found = tried.position(|one| one == *target);
            assert!(found.is_some(), "{target:?} of {called:?} was not to be tried: {trace:#?}");
            assert!(place > 0 || found == Some(0), "{called:?} does not begin with the first: {trace:#?}");
        }
        assert_eq!(trace.refusal.is_some(), decision.order.is_empty(), "{trace:#?}");
        // The API says the same.
        let shown = rig.client().get(&format!("/v1/records/{id}/route")).await.expect(200);
        assert_eq!(order(&shown["decision"]).len(), decision.order.len());
        assert_eq!(shown["walk"].as_array().unwrap().len(), stored.record.attempts.len());
        checked += 1;
    }
    checked
}

async fn route_of(rig: &Rig, record: &Value) -> Value {
    rig.client().get(&format!("/v1/records/{}/route", record["id"].as_str().unwrap())).await.expect(200)
}

#[tokio::test]
async fn requests_of_every_kind_keep_what_decides_the_same_again() {
    let more = "fallbacks = [\"two/gpt-4o-mini\"]\nstrategy = \"round_robin\"";
    let pair = pair("retries = 1\nbreaker_failures = 3\nbreaker_cooldown = 60", more).await;
    for stream in [false, true] {
        for model in [
            "chat",
            "talk",
            "gpt-4o",
            "one/gpt-4o",
            "auto",
            "auto:economy",
            "auto:private",
            "auto:none",
            "unheard-of",
            "nobody/gpt-4o",
            "default",
            "",
        ] {
            pair.ask(model, stream).await;
        }
    }
    let sticky = pair.rig.client().with("x-session-id", "s").with("x-profile", "speed");
    for model in ["chat", "auto", "gpt-4o"] {
        sticky.post("/v1/chat/completions", &json!({"model": model, "messages": []})).await;
    }
    pair.rig.upstream.script(refused(401));
    pair.ask("chat", false).await;
    // The breaker opens, then keeps requests away.
    pair.rig.upstream.always(Some(broken()));
    for _ in 0..8 {
        pair.ask("chat", true).await;
    }
    // Everybody is out of order, and asked all the same.
    pair.two.always(Some(broken()));
    for _ in 0..8 {
        pair.ask("gpt-4o", false).await;
    }
    pair.rig.upstream.always(None);
    let limited = Script { headers: vec![("retry-after".to_owned(), "30".to_owned())], ..refused(429) };
    pair.two.always(Some(limited));
    for _ in 0..3 {
        pair.ask("chat", false).await;
    }
    let asked = pair.rig.records().await.len();
    assert_eq!(check_all(&pair.rig).await, asked, "every one of them was routed or refused by routing");
}

#[tokio::test]
async fn all_apis_keep_theirs() {
    let rig = start_with("").await;
    let client = rig.client();
    let hi = json!([{"role": "user", "content": "hi"}]);
    let requests = [
        ("/v1/chat/completions", json!({"model": "gpt-4o", "messages": hi})),
        ("/v1/responses", json!({"model": "gpt-4o", "input": "hi"})),
        ("/v1/messages", json!({"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": hi})),
        ("/v1beta/models/gemini-2.5-flash:generateContent", json!({"contents": [{"parts": [{"text": "hi"}]}]})),
        ("/api/chat", json!({"model": "llama3.2", "messages": hi, "stream": false})),
        ("/v1/embeddings", json!({"model": "text-embedding-3-small", "input": "hi"})),
        ("/v1/chat/completions", json!({"model": "auto", "messages": hi})),
        ("/v1/messages", json!({"model": "gpt-4o", "max_tokens": 9, "messages": hi})),
    ];
    for (path, body) in &requests {
        client.post(path, body).await;
    }
    assert_eq!(check_all(&rig).await, requests.len());
    let answer = client.post("/v1/route", &json!({"model": "auto", "input_tokens": 10_000_000})).await.expect(200);
    let capability = &answer["decision"]["layers"][1];
    assert!(capability["left"].as_u64() < capability["entered"].as_u64(), "there is no such context window");
    let is_too_small = |fallen: &Value| fallen["reason"]["code"] == "context_too_small";
    assert!(capability["fallen"].as_array().unwrap().iter().any(is_too_small), "{capability:#}");
    // What is known to cost less does in a replay too.
    let draft = json!({"models": [{"name": "gpt-4o", "targets": ["openai/gpt-4o-mini"]}]});
    let question = json!({"filters": {"model_requested": "gpt-4o", "outcome": "ok"}, "draft": draft});
    let replay = client.post("/v1/route/replay", &question).await.expect(200);
    let cost = &replay["moves"][0]["cost"];
    assert_eq!((&replay["moved"], &cost["known"]), (&json!(3), &json!(3)), "{replay:#}");
    assert!(cost["before_microcents"].as_i64() > cost["after_microcents"].as_i64(), "{cost:#}");
    assert!(
        cost["after_microcents"].as_i64() > Some(0) && cost["difference_microcents"].as_i64() < Some(0),
        "{cost:#}"
    );
    // Among the catalog's many models the trace stays small.
    let stored = rig.gateway.store().history.records(&RecordFilter::default(), None, 100).await.unwrap().records;
    let auto = stored.iter().find(|stored| stored.record.model_requested.as_deref() == Some("auto")).unwrap();
    let bytes = rig.gateway.store().history.route(auto.seq).await.unwrap().unwrap();
    let trace = Trace::read(&bytes).unwrap();
    assert!(trace.candidates() > trace.facts.candidates.len(), "{}", trace.candidates());
    assert!(bytes.len() < 2_500, "{} bytes for {} candidates", bytes.len(), trace.candidates());
    let shown = rig.client().get(&format!("/v1/records/{}/route", auto.record.id)).await.expect(200);
    let decision = &shown["decision"];
    let layers = decision["layers"].as_array().unwrap();
    assert_eq!(layers[0]["entered"], decision["candidate_count"]);
    let in_order = decision["order"].as_array().unwrap().len() as u64 + decision["more_in_order"].as_u64().unwrap();
    assert_eq!(layers[4]["left"], in_order);
}

#[tokio::test]
async fn a_record_shows_its_layers_and_the_attempts_that_followed() {
    let pair = pair("retries = 1", "fallbacks = [\"two/gpt-4o-mini\"]").await;
    pair.rig.upstream.always(Some(broken()));
    let client = pair.rig.client().with("x-session-id", "s-1");
    let body =
        json!({"model": "chat", "max_tokens": 7, "messages": [{"role": "user", "content": "word ".repeat(120)}]});
    assert_eq!(provider_of(&client.post("/v1/chat/completions", &body).await), "two");
    let record = pair.rig.records_when(1).await.remove(0);
    let shown = route_of(&pair.rig, &record).await;
    let decision = &shown["decision"];
    assert_eq!((&decision["rule"], &decision["strategy"]), (&json!("named"), &json!("priority")));
    assert_eq!(decision["need"]["max_output_tokens"], 7);
    assert_eq!(decision["need"]["estimated"], true);
    assert!(decision["need"]["input_tokens"].as_u64().unwrap() >= 100, "{decision:#}");
    let names: Vec<_> = decision["layers"].as_array().unwrap().iter().map(|layer| layer["layer"].clone()).collect();
    assert_eq!(names, ["policy", "capability", "availability", "score", "selection"]);
    assert_eq!(order(decision)[0], ("one".to_owned(), Some("gpt-4o".to_owned())));
    assert_eq!(order(decision)[2].1.as_deref(), Some("gpt-4o-mini"));
    let first = &decision["candidates"][0];
    assert!(first["score"]["total"].as_f64().is_some(), "{first:#}");
    assert_eq!(first["estimated_cost_microcents"], Value::Null, "nobody knows this service's prices");
    let walk: Vec<_> = shown["walk"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| (step["provider"].as_str().unwrap(), step["next"].as_str().unwrap()))
        .collect();
    assert_eq!(walk, [("one", "retried"), ("one", "fell_back"), ("two", "answered")]);
    assert_eq!(shown["walk"][0]["error_kind"], "upstream_protocol");
    assert_eq!((&shown["walk"][2]["candidate"], &shown["record"]["id"]), (&json!(1), &record["id"]));
}

#[tokio::test]
async fn who_falls_says_at_which_layer_and_why() {
    let pair = pair("retries = 0\nbreaker_failures = 1\nbreaker_cooldown = 60", "").await;
    pair.rig.upstream.script(broken());
    pair.ask("chat", false).await;
    assert_eq!(provider_of(&pair.ask("chat", false).await), "two");
    let record = pair.rig.records_when(2).await.remove(0);
    let decision = route_of(&pair.rig, &record).await["decision"].take();
    let availability = &decision["layers"][2];
    assert_eq!((&availability["entered"], &availability["left"]), (&json!(2), &json!(1)));
    let fallen = &availability["fallen"][0];
    assert_eq!((&fallen["candidate"], &fallen["reason"]["code"]), (&json!(0), &json!("circuit_open")));
    assert_eq!(fallen["reason"]["text"], "the circuit breaker is open");
    assert!(fallen["reason"]["until"].as_str().is_some(), "{fallen:#}");
    assert_eq!(
        (&decision["candidates"][0]["fell_at"], &decision["candidates"][1]["place"]),
        (&json!("availability"), &json!(0))
    );
}

#[tokio::test]
async fn who_was_refused_by_routing_sees_why_and_who_never_got_there_is_told_so() {
    let pair = pair("", "").await;
    pair.ask("auto:private", false).await;
    pair.ask("auto:none", false).await;
    let records = pair.rig.records_when(2).await;
    let unknown = route_of(&pair.rig, &records[0]).await["decision"].take();
    assert_eq!((&unknown["rule"], &unknown["candidate_count"]), (&json!("nowhere"), &json!(0)));
    assert!(unknown["refusal"].as_str().unwrap().contains("no profile `none`"), "{unknown:#}");
    let private = route_of(&pair.rig, &records[1]).await["decision"].take();
    assert_eq!(private["layers"][0]["fallen"][0]["reason"]["code"], "not_local");
    assert_eq!((&private["layers"][0]["left"], &private["layers"][4]["entered"]), (&json!(0), &json!(0)));
    assert!(private["refusal"].as_str().unwrap().contains("not on your own machines"), "{private:#}");

    let body = json!({"model": "chat", "messages": "no list", "model ": 1});
    pair.rig.client().with("x-tags", "=").post("/v1/chat/completions", &body).await;
    let record = pair.rig.records_when(3).await.remove(0);
    let answer = pair.rig.client().get(&format!("/v1/records/{}/route", record["id"].as_str().unwrap())).await;
    assert_eq!(answer.code(404), "not_found");
    assert!(answer.text().contains("no routing trace"), "{}", answer.text());
}

async fn try_route(pair: &Pair, question: Value) -> Value {
    pair.rig.client().post("/v1/route", &question).await.expect(200)
}

#[tokio::test]
async fn a_dry_run_says_where_the_next_request_goes_and_moves_nothing() {
    let pair = pair("breaker_failures = 1\nbreaker_cooldown = 2\nretries = 0", "strategy = \"round_robin\"").await;
    let body = json!({"model": "chat", "messages": [{"role": "user", "content": "x"}]});
    for turn in 0..4 {
        let mut firsts = Vec::new();
        for _ in 0..3 {
            let answer = try_route(&pair, json!({"body": body})).await;
            firsts.push(order(&answer["decision"])[0].0.clone());
        }
        firsts.dedup();
        assert_eq!(pair.rig.records().await.len(), turn, "a dry run makes no record");
        assert_eq!(firsts, [provider_of(&pair.ask("chat", false).await).to_owned()], "turn {turn}");
    }
    assert_eq!(pair.calls(), (2, 2), "and calls nobody");
    // Nor does it take the one probe of a half-open breaker.
    const COOLDOWN: Duration = Duration::from_secs(2);
    pair.rig.upstream.script(broken());
    let begun = std::time::Instant::now();
    pair.ask("one/gpt-4o", false).await;
    let answer = try_route(&pair, json!({"model": "one/gpt-4o"})).await;
    let is_overruled = answer["decision"]["layers"][2]["overruled"] == true;
    assert!(begun.elapsed() > COOLDOWN || is_overruled, "{answer:#}");
    tokio::time::sleep(COOLDOWN).await;
    for _ in 0..3 {
        let answer = try_route(&pair, json!({"model": "one/gpt-4o"})).await;
        assert_eq!(answer["decision"]["layers"][2]["overruled"], false, "{answer:#}");
    }
    assert_eq!(pair.ask("one/gpt-4o", false).await.status, 200);
}

#[tokio::test]
async fn a_dry_run_knows_where_a_session_was_served_last() {
    let pair = pair("", "strategy = \"round_robin\"").await;
    let first = |answer: &Value| order(&answer["decision"])[0].0.clone();
    let turn = |role: &str, text: &str| json!({"role": role, "content": text});
    let begun = json!({"model": "chat", "messages": [turn("user", "a talk")]});
    let gone_on =
        json!({"model": "chat", "messages": [turn("user", "a talk"), turn("assistant", "yes"), turn("user", "go on")]});
    let client = pair.rig.client().with("x-project", "p");
    let labelled = client.with("x-session-id", "s-1").post("/v1/chat/completions", &begun).await;
    let talked = client.post("/v1/chat/completions", &begun).await;
    assert_ne!(provider_of(&labelled), provider_of(&talked), "each in turn");
    for _ in 0..2 {
        // Whoever's turn it is.
        pair.ask("chat", false).await;
        let of_session = json!({"body": begun, "project": "p", "session_id": "s-1"});
        assert_eq!(first(&try_route(&pair, of_session).await), provider_of(&labelled));
        let of_talk = json!({"body": gone_on, "project": "p"});
        assert_eq!(first(&try_route(&pair, of_talk).await), provider_of(&talked));
    }
    // Another project's session of that name is another session.
    let mut others = Vec::new();
    for _ in 0..2 {
        let question = json!({"body": begun, "project": "q", "session_id": "s-1"});
        others.push(first(&try_route(&pair, question).await));
        pair.ask("chat", false).await;
    }
    assert_ne!(others[0], others[1], "it goes by turns");
}

#[tokio::test]
async fn a_dry_run_heeds_all_that_bears_on_a_request() {
    let pair = pair("", "").await;
    let key = json!({"label": "k", "allowed_providers": ["two"]});
    let key_id = pair.rig.client().post("/v1/keys", &key).await.expect(201)["id"].clone();
    let answer = try_route(&pair, json!({"model": "gpt-4o", "key_id": key_id})).await;
    assert_eq!(order(&answer["decision"]), [("two".to_owned(), Some("gpt-4o".to_owned()))]);
    let question = json!({"model": "auto", "profile": "speed", "input_tokens": 10_000_000, "stream": true});
    let answer = try_route(&pair, question).await;
    assert_eq!(answer["decision"]["need"]["input_tokens"], 10_000_000);
    assert_eq!(answer["decision"]["need"]["abilities"], json!(["chat", "streaming"]));
    assert_eq!(answer["decision"]["profile"]["id"], "speed");
    let answer = try_route(&pair, json!({"model": "auto:private"})).await;
    assert!(answer["decision"]["refusal"].as_str().unwrap().contains("not on your own machines"), "{answer:#}");
    let image = json!({"model": "x", "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "u"}}]}]});
    let answer = try_route(&pair, json!({"body": image, "model": "chat"})).await;
    assert_eq!(answer["request"]["model"], "chat");
    assert_eq!(answer["decision"]["need"]["abilities"], json!(["chat", "vision"]));

    for (question, param) in [
        (json!({"endpoint": "nowhere"}), "endpoint"),
        (json!({"endpoint": "messages", "client_api": "openai"}), "client_api"),
        (json!({"key_id": "key_00000000000000000000"}), "key_id"),
        (json!({"abilities": ["flying"]}), "abilities"),
        (json!({"body": {"model": 1}}), "body"),
        (json!({"compare": "recorded"}), "compare"),
        (json!({"record_id": "x", "model": "m"}), "model"),
        (json!({"draft": {"routing": {"strategy": "best"}}}), "draft"),
        (json!({"modell": "m"}), "modell"),
    ] {
        let answer = pair.rig.client().post("/v1/route", &question).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["error"]["param"]),
            (400, &json!(param)),
            "{}",
            answer.text()
        );
    }
}

#[tokio::test]
async fn a_draft_is_tried_on_a_record_and_compared_and_never_in_force() {
    let pair = pair("", "").await;
    pair.ask("chat", false).await;
    let record = pair.rig.records_when(1).await.remove(0);
    let draft = json!({"models": [{"name": "chat", "targets": ["two/gpt-4o", "nobody/x"]}]});
    let answer = try_route(&pair, json!({"record_id": record["id"], "draft": draft, "compare": "recorded"})).await;
    assert_eq!((&answer["rules"], &answer["moved"]), (&json!("draft"), &json!(true)));
    assert_eq!(order(&answer["decision"]), [("two".to_owned(), Some("gpt-4o".to_owned()))]);
    assert_eq!(order(&answer["compared"])[0].0, "one");
    assert!(answer["warnings"].to_string().contains("nobody"), "{answer:#}");
    let answer = try_route(&pair, json!({"record_id": record["id"], "compare": "recorded"})).await;
    assert_eq!((&answer["rules"], &answer["moved"]), (&json!("active"), &json!(false)));
    let answer = try_route(&pair, json!({"model": "chat", "draft": draft, "compare": "active"})).await;
    assert_eq!((&answer["moved"], &answer["compared_with"]), (&json!(true), &json!("active")));
    assert_eq!(provider_of(&pair.ask("chat", false).await), "one");
    // The record tells the profile that decided; the client asked for none, so that another default holds.
    pair.ask("auto", false).await;
    let record = pair.rig.records_when(3).await.remove(0);
    assert_eq!(record["profile"], "balanced");
    let draft = json!({"routing": {"profile": "economy"}});
    let answer = try_route(&pair, json!({"record_id": record["id"], "draft": draft})).await;
    assert_eq!(
        (&answer["decision"]["profile"]["id"], &answer["request"]["profile"]),
        (&json!("economy"), &Value::Null)
    );

    let wrong = json!({"model": "chat", "draft": {"models": [{"name": "chat"}], "routing": {"max_attempts": 99}}});
    let answer = pair.rig.client().post("/v1/route", &wrong).await;
    assert_eq!(answer.code(400), "invalid_parameter");
    assert!(
        answer.text().contains("models.targets") && answer.text().contains("routing.max_attempts"),
        "{}",
        answer.text()
    );
}

#[tokio::test]
async fn a_replay_tells_who_would_have_moved_and_what_that_would_have_cost() {
    let pair = pair("", "").await;
    for _ in 0..4 {
        pair.ask("chat", false).await;
    }
    for _ in 0..2 {
        pair.ask("two/gpt-4o", false).await;
    }
    pair.ask("auto:none", false).await;
    pair.rig.client().with("x-tags", "=").post("/v1/chat/completions", &json!({})).await;
    pair.rig.records_when(8).await;
    let replay = |question: Value| {
        let client = pair.rig.client();
        async move { client.post("/v1/route/replay", &question).await.expect(200) }
    };
    let same = replay(json!({})).await;
    assert_eq!((&same["requests"], &same["replayed"], &same["without_trace"]), (&json!(8), &json!(7), &json!(1)));
    assert_eq!((&same["moved"], &same["stayed"], &same["complete"]), (&json!(0), &json!(7), &json!(true)));
    assert_eq!(same["cost"]["difference_microcents"], 0);

    let models = |target: &str| json!({"draft": {"models": [{"name": "chat", "targets": [target]}]}});
    let moved = replay(models("two/gpt-4o")).await;
    assert_eq!((&moved["moved"], &moved["stayed"]), (&json!(4), &json!(3)));
    let one = &moved["moves"][0];
    assert_eq!(one["from"], json!({"provider": "one", "model": "gpt-4o"}));
    assert_eq!((&one["to"]["provider"], &one["requests"]), (&json!("two"), &json!(4)));
    // Both are the same service without a price, so that the costs are unknown and not 0.
    assert_eq!((&one["cost"]["unknown"], &one["cost"]["known"]), (&json!(4), &json!(0)));
    // It was measured: two requests went there.
    assert_eq!((&one["latency"]["known"], &one["latency"]["after_ms"].is_number()), (&json!(4), &true));
    let unmeasured = replay(models("two/gpt-4o-mini")).await;
    assert_eq!(
        unmeasured["moves"][0]["latency"],
        json!({"known": 0, "unknown": 4, "before_ms": null, "after_ms": null, "difference_ms": null})
    );

    let unnamed = replay(json!({"draft": {"models": []}})).await;
    assert_eq!(unnamed["moves"][0]["to"], json!({"provider": "one", "model": "chat"}), "a name like any other");
    let served = replay(json!({"draft": {"profiles": [{"id": "none", "price": 1}]}})).await;
    assert_eq!((&served["now_served"], &served["moved"]), (&json!(1), &json!(1)));
    let filtered = replay(json!({"filters": {"provider": "two"}})).await;
    assert_eq!(filtered["requests"], 2);
    let long_ago = replay(json!({"from": "2020-01-01T00:00:00Z", "to": "2020-01-02T00:00:00Z"})).await;
    assert_eq!((&long_ago["requests"], &long_ago["complete"]), (&json!(0), &json!(true)));
    for (question, part) in [
        (json!({"filters": {"providr": "x"}}), "providr"),
        (json!({"form": "2020-01-01T00:00:00Z"}), "from"),
        (json!({"draft": {"models": 1}}), "models"),
        (json!({"from": "2020-01-01T00:00:00Z", "filters": {"from": "2020-01-01T00:00:00Z"}}), "once"),
    ] {
        let answer = pair.rig.client().post("/v1/route/replay", &question).await;
        assert!(answer.status == 400 && answer.text().contains(part), "{}", answer.text());
    }
    let count = pair.calls();
    assert_eq!((count, pair.rig.records().await.len()), ((4, 2), 8), "a replay calls nobody and records nothing");
}
