//! The crate as a library: a gateway built in code, back ends of one's own, answers whole and streamed, the router in
//! another application.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Body, routing::get};
use futures_util::{StreamExt as _, future::BoxFuture};
use http::Request;
use http_body_util::BodyExt as _;
use llm_gateway::{
    CompletionError, CompletionRequest, Gateway, Provider, ProviderAnswer, ProviderConfig, ProviderError,
    ProviderEvent, ProviderRequest, ProviderStream, config::Strategy,
};
use tower::ServiceExt as _;

/// Says its name and what was said to it, and counts; may be broken.
#[derive(Clone)]
struct Echo {
    name: &'static str,
    fails: Option<ProviderError>,
    calls: Arc<AtomicUsize>,
}

fn echo(name: &'static str) -> Echo {
    Echo { name, fails: None, calls: Arc::default() }
}

impl Provider for Echo {
    fn models(&self) -> Vec<String> {
        vec!["echo-1".to_owned()]
    }

    fn complete(&self, request: ProviderRequest) -> BoxFuture<'_, Result<ProviderAnswer, ProviderError>> {
        Box::pin(async move {
            self.calls.fetch_add(1, Ordering::SeqCst);
            match &self.fails {
                Some(error) => Err(error.clone()),
                None => {
                    let content = format!("{}: {}", self.name, request.last_text().unwrap_or_default());
                    Ok(ProviderAnswer { content, usage: Some((7, 3)) })
                }
            }
        })
    }

    fn stream(&self, request: ProviderRequest) -> BoxFuture<'_, Result<ProviderStream, ProviderError>> {
        Box::pin(async move {
            let answer = self.complete(request).await?;
            let words: Vec<_> =
                answer.content.split_inclusive(' ').map(|word| Ok(ProviderEvent::Text(word.to_owned()))).collect();
            let usage = Ok(ProviderEvent::Usage { input_tokens: 7, output_tokens: 3 });
            let end = if self.name == "breaking" { Err(ProviderError::unavailable("broke off")) } else { usage };
            Ok(futures_util::stream::iter(words.into_iter().chain([end])).boxed())
        })
    }
}

#[tokio::test]
async fn a_gateway_built_in_code_answers_and_records() {
    let directory = tempfile::tempdir().unwrap();
    let gateway = Gateway::builder(directory.path().join("data")).own("mine", echo("mine")).build().await.unwrap();
    let answer =
        gateway.complete(&CompletionRequest::new("echo-1", "Hello").labelled("x-project", "lib")).await.unwrap();
    assert_eq!((answer.content.as_str(), answer.provider.as_str()), ("mine: Hello", "mine"));
    assert_eq!(answer.body["usage"]["prompt_tokens"], 7);
    // The first model is the default one.
    assert_eq!(gateway.complete(&CompletionRequest::new("default", "Hi")).await.unwrap().content, "mine: Hi");
    let stats = gateway.stats().await.unwrap();
    assert_eq!((stats.totals.total_requests, stats.totals.input_tokens), (2, 14));
    assert_eq!(stats.providers["mine"].total_requests, 2);
    assert_eq!(stats.by_project.len(), 2);
    gateway.close().await.unwrap();
}

#[tokio::test]
async fn answers_come_as_streams_too() {
    let directory = tempfile::tempdir().unwrap();
    let gateway = Gateway::builder(directory.path())
        .own("mine", echo("mine"))
        .own("bad", echo("breaking"))
        .own("down", Echo { fails: Some(ProviderError::unavailable("down")), ..echo("down") })
        .toml("[routing]\nretries = 0")
        .build()
        .await
        .unwrap();
    let mut stream = gateway.stream(&CompletionRequest::new("mine/echo-1", "one two three")).await.unwrap();
    assert_eq!(stream.provider, "mine");
    let mut pieces = Vec::new();
    while let Some(chunk) = stream.next().await {
        pieces.push(chunk.unwrap().content);
    }
    assert_eq!(pieces.concat(), "mine: one two three");
    assert!(pieces.iter().filter(|piece| !piece.is_empty()).count() > 1, "{pieces:?}");
    let mut broken = gateway.stream(&CompletionRequest::new("bad/echo-1", "one two")).await.unwrap();
    let mut ends = Vec::new();
    while let Some(chunk) = broken.next().await {
        ends.push(chunk);
    }
    assert!(matches!(ends.last(), Some(Err(_))), "{ends:?}");
    assert!(ends.len() > 1 && broken.next().await.is_none());
    let refused = gateway.stream(&CompletionRequest::new("down/echo-1", "x")).await;
    assert!(matches!(refused, Err(CompletionError::Status { .. })), "{refused:?}");
    let stats = gateway.stats().await.unwrap();
    assert_eq!(stats.providers["mine"].streamed_requests, 1);
    assert_eq!(stats.providers["mine"].output_tokens, 3);
    gateway.close().await.unwrap();
}

#[tokio::test]
async fn strategy_fallback_limit_and_cache_are_those_that_were_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let (one, two) = (echo("one"), echo("two"));
    let broken = Echo { fails: Some(ProviderError::unavailable("down")), ..echo("broken") };
    let gateway = Gateway::builder(directory.path().join("turns"))
        .own("one", one.clone())
        .own("two", two.clone())
        .strategy(Strategy::RoundRobin)
        .toml("[routing]\nsticky = false\nretries = 0")
        .build()
        .await
        .unwrap();
    for question in ["a", "b", "c", "d"] {
        gateway.complete(&CompletionRequest::new("echo-1", question)).await.unwrap();
    }
    let calls = |echo: &Echo| echo.calls.load(Ordering::SeqCst);
    assert_eq!((calls(&one), calls(&two)), (2, 2));
    gateway.close().await.unwrap();

    let gateway = Gateway::builder(directory.path().join("falls"))
        .own("broken", broken.clone())
        .own("one", one.clone())
        .toml("[routing]\nretries = 0")
        .requests_per_hour(3)
        .cache(Duration::from_secs(3600))
        .build()
        .await
        .unwrap();
    let ask = || async { gateway.complete(&CompletionRequest::new("echo-1", "same")).await };
    assert_eq!(ask().await.unwrap().provider, "one");
    let before = calls(&one);
    assert_eq!(ask().await.unwrap().content, "one: same");
    assert_eq!((calls(&one), calls(&broken)), (before, 1), "the second answer is from memory");
    ask().await.unwrap();
    let over = ask().await.unwrap_err();
    assert!(matches!(over, CompletionError::Status { status: 429, .. }), "{over}");
    assert_eq!(gateway.stats().await.unwrap().totals.cached_requests, 2);
    gateway.close().await.unwrap();
}

#[tokio::test]
async fn a_back_ends_own_error_reaches_the_client_and_nobody_else_can_call_it() {
    let directory = tempfile::tempdir().unwrap();
    let picky = Echo { fails: Some(ProviderError::invalid("no such luck")), ..echo("picky") };
    let gateway = Gateway::builder(directory.path()).own("picky", picky.clone()).build().await.unwrap();
    let refused = gateway.complete(&CompletionRequest::new("echo-1", "x")).await.unwrap_err();
    assert!(
        matches!(&refused, CompletionError::Status { status: 400, message } if message.contains("no such luck")),
        "{refused}"
    );
    let address = gateway.policy().config.providers[0].base_url.clone();
    let (host, port) = (address.host_str().unwrap(), address.port().unwrap());
    let stranger = super::harness::client::Client::new(format!("{host}:{port}").parse().unwrap());
    let body = serde_json::json!({"model": "echo-1", "messages": []});
    for client in [stranger.with("x-a", "b"), stranger.with("authorization", "Bearer guess")] {
        assert_eq!(client.post("/v1/chat/completions", &body).await.status, 401);
        assert_eq!(client.get("/v1/models").await.status, 401);
    }
    assert_eq!(picky.calls.load(Ordering::SeqCst), 1);
    gateway.close().await.unwrap();
}

#[tokio::test]
async fn what_is_no_configuration_is_told_as_such() {
    let directory = tempfile::tempdir().unwrap();
    let builder = || Gateway::builder(directory.path());
    let cases = [
        (builder().provider(ProviderConfig::new("mystery").key("k")), "providers.provider_type: is missing"),
        (builder().toml("[sever]"), "did you mean \"server\"?"),
        (builder().own("same", echo("a")).own("same", echo("b")), "is used at"),
        (builder().burst(5), "bounds nothing"),
        (builder().toml("[auth]\nadmin_token = \"${NOT_GIVEN}\""), "NOT_GIVEN is not set"),
    ];
    for (builder, expected) in cases {
        let error = builder.build().await.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains(expected), "{expected}: {error}");
    }
    let given =
        builder().toml("[auth]\nadmin_token = \"${GIVEN}\"").environment([("GIVEN".into(), "token-${X}".into())]);
    let gateway = given.provider(ProviderConfig::new("groq").key("a${b").model("m")).build().await.unwrap();
    let policy = gateway.policy();
    assert_eq!(policy.config.auth.admin_token.as_ref().unwrap().expose(), "token-${X}");
    assert!(
        matches!(&policy.config.providers[0].key, llm_gateway::config::ProviderKey::Own(key) if key.expose() == "a${b")
    );
    gateway.close().await.unwrap();
}

#[tokio::test]
async fn the_router_can_be_mounted_in_another_application() {
    let directory = tempfile::tempdir().unwrap();
    let gateway = Gateway::builder(directory.path()).own("mine", echo("mine")).build().await.unwrap();
    let app = Router::new().route("/mine", get(|| async { "mine" })).merge(gateway.router());
    let call = |path: &str| Request::get(path).header("host", "localhost:8930").body(Body::empty()).unwrap();
    for (path, expected) in [("/mine", "mine"), ("/v1/models", "echo-1"), ("/health", "\"status\":\"ok\"")] {
        let answer = app.clone().oneshot(call(path)).await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        assert!(String::from_utf8_lossy(&body).contains(expected), "{path}: {body:?}");
    }
    gateway.close().await.unwrap();
}
