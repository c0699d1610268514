//! What a name leads to: models that are for what is asked, slips of the pen, and requests of the past read as they were.

use llm_gateway::demo::{Provider, ProviderOptions};
use serde_json::{Value, json};

use super::harness::gateway::{Rig, start_on};

/// OpenAI by its catalog, and a local server with two models of its own.
const TWO: &str = r#"
[[providers]]
id = "openai"
provider_type = "openai"
api_key = "sk-test"
base_url = "{upstream}/v1"
[[providers]]
id = "near"
provider_type = "local"
endpoint = "{upstream}"
models = ["house-vectors", "house-words"]
[[catalog]]
model = "house-vectors"
provider = "near"
capabilities = ["embeddings"]
"#;

async fn rig(providers: &str) -> Rig {
    start_on(Provider::spawn(ProviderOptions::default()).await.unwrap(), providers, "").await
}

async fn dry(rig: &Rig, question: Value) -> Value {
    rig.client().post("/v1/route", &question).await.expect(200)["decision"].take()
}

/// The models that are tried, and each that fell at layer 2 with its reason.
fn sorted_out(decision: &Value) -> (Vec<&str>, Vec<(&str, &str, &str)>) {
    let candidates = decision["candidates"].as_array().unwrap();
    let model =
        |place: &Value| candidates[usize::try_from(place.as_u64().unwrap()).unwrap()]["model"].as_str().unwrap();
    let order = decision["order"].as_array().unwrap().iter().map(model).collect();
    let word = |reason: &'_ Value, name: &str| reason[name].as_str().map(str::to_owned);
    let fallen = decision["layers"][1]["fallen"].as_array().unwrap().iter();
    let fallen = fallen.map(|one| {
        assert!(word(&one["reason"], "text").is_some());
        let (code, ability) = (one["reason"]["code"].as_str().unwrap(), one["reason"]["ability"].as_str().unwrap());
        (model(&one["candidate"]), code, ability)
    });
    (order, fallen.collect())
}

#[tokio::test]
async fn auto_asks_only_models_that_are_for_what_is_asked() {
    let rig = rig(TWO).await;
    let words = ["gpt-4o", "gpt-5", "o3"];
    let vectors = ["text-embedding-3-large", "text-embedding-3-small", "text-embedding-ada-002", "house-vectors"];
    let pictures = ["gpt-image-1", "gpt-image-1.5", "gpt-image-2", "chatgpt-image-latest"];

    let chat = dry(&rig, json!({"model": "auto"})).await;
    let (order, fallen) = sorted_out(&chat);
    assert!(words.iter().all(|model| order.contains(model)), "{order:?}");
    assert!(order.contains(&"house-words"), "a model of which nothing is known may well chat");
    for model in vectors.iter().chain(&pictures) {
        assert!(!order.contains(model) && fallen.contains(&(model, "lacks", "chat")), "{model}: {fallen:?}");
    }

    let embed = dry(&rig, json!({"model": "auto", "endpoint": "embeddings"})).await;
    let (mut order, fallen) = sorted_out(&embed);
    order.sort_unstable();
    let mut expected = vectors;
    expected.sort_unstable();
    assert_eq!(order, expected);
    assert!(fallen.contains(&("gpt-4o", "lacks", "embeddings")), "{fallen:?}");
    assert!(fallen.contains(&("house-words", "not_known_to", "embeddings")), "{fallen:?}");

    let images = dry(&rig, json!({"model": "auto", "endpoint": "images"})).await;
    let (order, fallen) = sorted_out(&images);
    assert!(pictures.iter().all(|model| order.contains(model)), "{order:?}");
    assert!(fallen.contains(&("gpt-4o", "lacks", "images")), "{fallen:?}");

    // No model here is known to judge, and one may: it is asked, and whoever is known not to is not.
    let moderations = dry(&rig, json!({"model": "auto", "endpoint": "moderations"})).await;
    let (order, _) = sorted_out(&moderations);
    assert!(order.contains(&"house-words") && !order.contains(&"gpt-4o"), "{order:?}");
    assert_eq!(moderations["layers"][1]["overruled"], true);

    let client = rig.client();
    let body = json!({"model": "auto", "input": "x"});
    let answer = client.post("/v1/embeddings", &body).await;
    let model = answer.headers["x-gateway-model"].to_str().unwrap().to_owned();
    assert!(answer.status == 200 && vectors.contains(&model.as_str()), "{model}: {}", answer.text());
    // Whoever names a model gets its provider's own answer.
    let body = json!({"model": "gpt-4o", "input": "x"});
    assert_eq!(client.post("/v1/embeddings", &body).await.headers["x-gateway-model"], "gpt-4o");
    // No model here is known to speak; no chat model is taken for one that does.
    let sound = json!({"model": "auto", "input": "x", "voice": "alloy"});
    let id = client.post("/v1/audio/speech", &sound).await.headers["x-gateway-record"].to_str().unwrap().to_owned();
    rig.records_when(3).await;
    let decision = client.get(&format!("/v1/records/{id}/route")).await.expect(200)["decision"].take();
    let (order, fallen) = sorted_out(&decision);
    assert!(order.contains(&"house-words") && !order.contains(&"gpt-4o"), "{order:?}");
    assert!(fallen.iter().any(|(_, code, ability)| (*code, *ability) == ("lacks", "speech")), "{fallen:?}");
}

#[tokio::test]
async fn a_misspelt_model_is_answered_with_close_matches_and_sent_to_nobody_who_has_a_list() {
    let ask = |rig: &Rig, model: &str| {
        let client = rig.client();
        let body = json!({"model": model, "messages": [{"role": "user", "content": "x"}]});
        async move { client.post("/v1/chat/completions", &body).await }
    };
    let listed = rig(TWO).await;
    for (typed, close) in [("gpt-4o-minni", "gpt-4o-mini"), ("gtp-4o", "gpt-4o"), ("house-wrods", "house-words")] {
        let answer = ask(&listed, typed).await;
        assert_eq!(answer.code(404), "model_not_found", "{typed}");
        let text = answer.text();
        assert!(text.contains("close matches: ") && text.contains(close), "{typed}: {text}");
        assert!(text.contains(&format!("openai/{typed}")), "and how to ask all the same: {text}");
    }
    assert_eq!(listed.upstream.ledger().calls().len(), 0);
    // Models that the catalog does not know yet, and whatever is pinned, are asked.
    for model in ["gpt-9-mini", "gpt-4o-mini-2031-01-01", "openai/gpt-4o-minni", "nothing-like-it"] {
        assert_eq!(ask(&listed, model).await.status, 200, "{model}");
        let sent = listed.upstream.ledger().last().unwrap().json().unwrap();
        assert_eq!(sent["model"], model.trim_start_matches("openai/"));
    }
    let pinned = listed.client().with("x-provider", "openai");
    let body = json!({"model": "gpt-4o-minni", "messages": [{"role": "user", "content": "x"}]});
    assert_eq!(pinned.post("/v1/chat/completions", &body).await.status, 200);

    // A stranger whose models nobody knows takes any name.
    let stranger = "[[providers]]\nid = \"stranger\"\nprovider_type = \"openai_compatible\"\napi_key = \"k\"\n\
                    base_url = \"{upstream}/v1\"\n";
    let open = rig(&format!("{TWO}{stranger}")).await;
    let answer = ask(&open, "gpt-4o-minni").await;
    assert_eq!((answer.status.as_u16(), &answer.headers["x-gateway-provider"]), (200, &"stranger".parse().unwrap()));
}

#[tokio::test]
async fn a_request_whose_model_nobody_was_known_to_serve_is_read_so_again() {
    let near = Provider::spawn(ProviderOptions::default()).await.unwrap();
    let providers = format!(
        "[[providers]]\nid = \"openai\"\nprovider_type = \"openai\"\napi_key = \"k\"\nbase_url = \"{{upstream}}/v1\"\n\
         [[providers]]\nid = \"near\"\nprovider_type = \"local\"\nendpoint = \"{}\"\n",
        near.url()
    );
    let rig = rig(&providers).await;
    let client = rig.client();
    let chat = |model: &str| json!({"model": model, "messages": [{"role": "user", "content": "x"}]});
    client.post("/v1/chat/completions", &chat("house-7b")).await.expect(200);
    client.with("x-provider", "openai").post("/v1/chat/completions", &chat("house-7b")).await.expect(200);
    for record in rig.records_when(2).await {
        let question = json!({"record_id": record["id"], "compare": "recorded"});
        let answer = client.post("/v1/route", &question).await.expect(200);
        let rules = (&answer["decision"]["rule"], &answer["compared"]["rule"]);
        assert!([json!("native"), json!("header")].contains(rules.0), "{answer:#}");
        assert_eq!((rules.0, &answer["moved"]), (rules.1, &json!(false)), "{answer:#}");
    }
    let replayed = client.post("/v1/route/replay", &json!({})).await.expect(200);
    assert_eq!((&replayed["replayed"], &replayed["moved"]), (&json!(2), &json!(0)), "{replayed:#}");
}
