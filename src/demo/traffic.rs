//! Live traffic: a trickle of real requests, sent over HTTP to the gateway like any client's.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::json;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::domain::{Api, Endpoint};

use super::{
    dice::Dice,
    findings,
    workload::{KEYS, WORKLOADS, Workload},
};

/// Most requests under way at once.
const MAX_AT_ONCE: usize = 8;

/// What is unusual about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Twist {
    None,
    /// It names a model that nobody serves.
    UnknownModel,
    /// The client hangs up after the first bytes.
    HangUp,
}

/// Sends a request every second or three to the gateway at `gateway` until `stop` is cancelled;
/// requests that are then under way are dropped.
pub async fn trickle(gateway: SocketAddr, stop: CancellationToken) {
    let client: Client<HttpConnector, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let mut dice = Dice::new(u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or(1));
    let mut under_way = JoinSet::new();
    loop {
        let pause = Duration::from_millis(dice.between(1000, 3000));
        if tokio::time::timeout(pause, stop.cancelled()).await.is_ok() {
            return;
        }
        while under_way.try_join_next().is_some() {}
        if under_way.len() >= MAX_AT_ONCE {
            continue;
        }
        let twists = [(Twist::None, 0.94), (Twist::UnknownModel, 0.03), (Twist::HangUp, 0.03)];
        let twist = dice.weigh(&twists).copied().unwrap_or(Twist::None);
        let weighted: Vec<(&Workload, f64)> = WORKLOADS.iter().map(|work| (work, work.per_day)).collect();
        let Some(request) = dice.weigh(&weighted).and_then(|work| request(gateway, work, twist, &mut dice)) else {
            continue;
        };
        let client = client.clone();
        under_way.spawn(async move {
            // Whatever comes back, the gateway has recorded it; the demo has nothing to add.
            if let Ok(answer) = client.request(request).await {
                let mut body = answer.into_body();
                while let Some(Ok(_)) = body.frame().await {
                    if twist == Twist::HangUp {
                        return;
                    }
                }
            }
        });
    }
}

/// A request of a workload.
fn request(gateway: SocketAddr, work: &Workload, twist: Twist, dice: &mut Dice) -> Option<Request<Full<Bytes>>> {
    let prompt = dice.pick(work.prompts)?;
    // A number keeps the answers from all being the same.
    let prompt = format!("{prompt} (case {}){}", dice.between(100, 999), findings::in_traffic(dice));
    let model = if twist == Twist::UnknownModel { "gpt-4.9" } else { work.model };
    let context = context(work, dice);
    let messages = json!([{"role": "user", "content": prompt}]);
    let instructed = json!([{"role": "system", "content": context}, {"role": "user", "content": prompt}]);
    let limit = (work.tokens.1 * 2).max(16);
    let path = match work.endpoint {
        Endpoint::Messages => "/v1/messages".to_owned(),
        Endpoint::Responses => "/v1/responses".to_owned(),
        Endpoint::Embeddings => "/v1/embeddings".to_owned(),
        Endpoint::GenerateContent => format!("/v1beta/models/{model}:generateContent"),
        Endpoint::StreamGenerateContent => format!("/v1beta/models/{model}:streamGenerateContent?alt=sse"),
        _ => "/v1/chat/completions".to_owned(),
    };
    let body = match work.api() {
        Api::Anthropic => {
            let system = json!([{"type": "text", "text": context, "cache_control": {"type": "ephemeral"}}]);
            json!({"model": model, "max_tokens": limit, "stream": work.stream, "system": system, "messages": messages})
        }
        Api::OpenaiResponses => {
            json!({"model": model, "stream": work.stream, "instructions": context, "input": prompt})
        }
        Api::OpenaiEmbeddings => json!({"model": model, "input": format!("{prompt} {context}")}),
        Api::Gemini => json!({
            "systemInstruction": {"parts": [{"text": context}]},
            "contents": [{"role": "user", "parts": [{"text": prompt}]}],
        }),
        _ => json!({"model": model, "stream": work.stream, "messages": instructed}),
    };
    let mut request = Request::post(format!("http://{gateway}{path}"))
        .header("content-type", "application/json")
        .header("user-agent", "llm-gateway-demo")
        .header("x-project", work.project)
        .header("x-source", dice.pick(work.sources).copied()?);
    if work.api() == Api::Anthropic {
        request = request.header("anthropic-version", "2023-06-01");
    }
    if let Some(key) = work.key.and_then(|key| KEYS.get(key)) {
        request = request.header("authorization", format!("Bearer {}", key.key)).header("x-tags", "env=prod");
    }
    request.body(Full::new(Bytes::from(body.to_string()))).ok()
}

/// Instructions and documents that come with a prompt, as long as the workload's requests typically are.
fn context(work: &Workload, dice: &mut Dice) -> String {
    const PAGE: &str = "Answer from the documents below and say so when they do not hold the answer. ";
    // A token is about four bytes.
    let bytes = work.tokens.0.saturating_mul(4) / 100 * dice.between(60, 140);
    PAGE.repeat(usize::try_from(bytes).unwrap_or(0) / PAGE.len() + 1)
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Provider, ProviderOptions},
        *,
    };

    #[tokio::test]
    async fn every_workload_sends_a_request_that_its_api_answers() {
        let provider = Provider::spawn(ProviderOptions::default()).await.unwrap();
        let client: Client<HttpConnector, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
        let mut dice = Dice::new(1);
        for work in &WORKLOADS {
            let request = request(provider.addr(), work, Twist::None, &mut dice).unwrap();
            let answer = client.request(request).await.unwrap();
            assert_eq!(answer.status(), 200, "{work:?}");
            let call = provider.ledger().last().unwrap();
            let body = call.json().unwrap();
            assert!(body.get("model").and_then(|model| model.as_str()).is_none_or(|model| model == work.model));
            assert_eq!(call.header("x-project"), Some(work.project));
        }
    }

    #[tokio::test]
    async fn the_trickle_ends_when_it_is_told_to() {
        let stop = CancellationToken::new();
        stop.cancel();
        trickle(SocketAddr::from(([127, 0, 0, 1], 9)), stop).await;
    }
}
