//! `webhook`: the operator's own plugin behind a URL.
//!
//! The body is the same JSON that a WebAssembly module gets, signed with its time, so that the receiver can tell ours
//! from others' and new ones from old. Only the last hook, for which nobody waits, is tried more than once.

use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use serde::Deserialize;
use tokio::time::{sleep, timeout};
use url::Url;

use super::{
    Fault, Plugin, Ruling, Shared, Verdict,
    context::Context,
    hooks::{Hook, Hooks},
    registry::{Kind, Tools, settings},
    schema::Misfit,
    wire,
};
use crate::{
    config::PluginBlock,
    domain::{RecordId, Secret, Timestamp, signature},
    provider::{Client, UpstreamBody},
};

pub(super) const KIND: Kind = Kind {
    id: "webhook",
    version: "1.0.0",
    description: "Asks a program of the operator's over HTTP at the listed hooks, with a signed body.",
    schema: r#"{
        "type": "object", "additionalProperties": false, "required": ["url", "hooks"],
        "properties": {
            "url": {"description": "Where to POST to, http or https.", "type": "string", "pattern": "^https?://"},
            "secret": {"description": "Signs each body: x-gateway-signature.", "type": "string", "minLength": 1},
            "hooks": {
                "type": "array", "minItems": 1, "uniqueItems": true,
                "items": {"enum": ["before_model", "model_execute", "after_model", "after_chunk", "on_model_error",
                                   "detached_after_response"]}
            },
            "accumulated": {
                "description": "Whether chunks come with all the text before them.", "type": "boolean", "default": false
            },
            "max_answer_bytes": {"type": "integer", "minimum": 64, "maximum": 67108864, "default": 4194304}
        }
    }"#,
    hooks: Hooks::of(&Hook::ALL),
    build,
};

/// The pauses between tries at the last hook.
const PAUSES: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(4), Duration::from_secs(15)];

#[derive(Deserialize)]
struct Settings {
    url: String,
    secret: Option<String>,
    hooks: Vec<String>,
    #[serde(default)]
    accumulated: bool,
    max_answer_bytes: Option<usize>,
}

struct Webhook {
    name: String,
    url: Url,
    secret: Option<Secret>,
    hooks: Hooks,
    accumulated: bool,
    answer_bytes: usize,
    patience: Duration,
    client: Client,
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The address's path often is a secret.
        f.debug_struct("Webhook").field("name", &self.name).field("host", &self.url.host_str()).finish_non_exhaustive()
    }
}

fn build(block: &PluginBlock, tools: &Tools) -> Result<Shared, Vec<Misfit>> {
    let settings: Settings = settings(block)?;
    let wrong = |reason: String| vec![Misfit { path: "url".to_owned(), reason }];
    let url = Url::parse(&settings.url).map_err(|fault| wrong(format!("is not a URL: {fault}")))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("must not hold a user name or password; use secret".to_owned()));
    }
    let hooks: Vec<Hook> = settings.hooks.iter().filter_map(|name| Hook::parse(name)).collect();
    Ok(Arc::new(Webhook {
        name: block.name.clone(),
        url,
        secret: settings.secret.map(Secret::new),
        hooks: Hooks::of(&hooks),
        accumulated: settings.accumulated,
        answer_bytes: settings.max_answer_bytes.unwrap_or(4 << 20),
        patience: block.timeout,
        client: Client::for_operator(block.timeout, &tools.egress),
    }))
}

/// Why a try came to nothing.
struct Missed {
    fault: Fault,
    may_mend: bool,
}

impl Webhook {
    async fn ask(&self, hook: Hook, context: &mut Context) -> Result<Verdict, Fault> {
        let body = Bytes::from(wire::told(hook, &self.name, context, self.accumulated));
        let id = RecordId::new().to_string();
        let mut pauses = PAUSES.iter().filter(|_| hook == Hook::DetachedAfterResponse);
        loop {
            match timeout(self.patience, self.once(hook, &id, body.clone()))
                .await
                .unwrap_or(Err(Missed { fault: Fault::TimedOut, may_mend: true }))
            {
                Ok(answer) => return wire::verdict(&answer, context),
                Err(Missed { fault, may_mend }) => match pauses.next().filter(|_| may_mend) {
                    Some(pause) => sleep(*pause).await,
                    None => return Err(fault),
                },
            }
        }
    }

    /// One try; the id is the same in every one.
    async fn once(&self, hook: Hook, id: &str, body: Bytes) -> Result<Bytes, Missed> {
        let failed = |what: String, may_mend: bool| Missed { fault: Fault::Failed(what), may_mend };
        let request = self.request(hook, id, body).map_err(|error| failed(error.to_string(), false))?;
        let sent = self.client.send(request).await;
        let answer = sent.map_err(|_| failed("it cannot be reached".to_owned(), true))?;
        let status = answer.status();
        if !status.is_success() {
            let may_mend = status.is_server_error()
                || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS);
            return Err(failed(format!("it answered {}", status.as_u16()), may_mend));
        }
        let mut upstream = answer.into_body();
        let mut read = BytesMut::new();
        while let Some(frame) = upstream.frame().await {
            let frame = frame.map_err(|_| failed("it broke its answer off".to_owned(), true))?;
            let Ok(data) = frame.into_data() else { continue };
            if read.len() + data.len() > self.answer_bytes {
                let fault = Fault::OverLimit(format!("its answer is larger than {} bytes", self.answer_bytes));
                return Err(Missed { fault, may_mend: false });
            }
            read.extend_from_slice(&data);
        }
        Ok(read.freeze())
    }

    fn request(&self, hook: Hook, id: &str, body: Bytes) -> http::Result<Request<UpstreamBody>> {
        let at = Timestamp::now().unix_secs().to_string();
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(self.url.as_str())
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::USER_AGENT, concat!("llm-gateway/", env!("CARGO_PKG_VERSION")))
            .header("x-gateway-hook", hook.as_str())
            .header("x-gateway-delivery", id)
            .header("x-gateway-timestamp", &at);
        if let Some(secret) = &self.secret {
            request = request.header("x-gateway-signature", signature(secret.expose().as_bytes(), &at, &body));
        }
        request.body(Full::new(body).map_err(|never| match never {}).boxed_unsync())
    }
}

impl Plugin for Webhook {
    fn hooks(&self) -> Hooks {
        self.hooks
    }

    fn at<'a>(&'a self, hook: Hook, context: &'a mut Context) -> Ruling<'a> {
        Box::pin(self.ask(hook, context))
    }
}
