//! A whole gateway on port 0: the real router behind the real guard, a real store in a temporary
//! directory, and the scripted provider as its upstream.

use std::{collections::BTreeMap, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use llm_gateway::{
    Gateway,
    config::{self, LoadOptions},
    demo::{Provider, ProviderOptions, Running},
    provider::Resolver,
};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;

use super::{
    client::{Client, PATIENCE},
    dial::{Dial, trusting},
};

/// The operator's keys, as unique text that must never be seen anywhere else.
pub(crate) const OPENAI_KEY: &str = "sk-test-canary-openai-5d41402abc4b2a76";
pub(crate) const ANTHROPIC_KEY: &str = "sk-ant-test-canary-9719d911017c592";
pub(crate) const GEMINI_KEY: &str = "test-canary-gemini-b9719d911017c592";

/// A running gateway and its upstream.
pub(crate) struct Rig {
    pub(crate) address: SocketAddr,
    pub(crate) upstream: Running,
    pub(crate) gateway: Gateway,
    pub(crate) data: tempfile::TempDir,
    /// What a client must trust, where TLS is spoken.
    pub(crate) tls: Option<rustls::ClientConfig>,
    stop: CancellationToken,
    serving: Option<tokio::task::JoinHandle<()>>,
}

/// A gateway with one provider of each kind, all of them the scripted upstream.
pub(crate) async fn start() -> Rig {
    start_with("").await
}

/// The same with more configuration. `{upstream}` in it stands for the upstream's root URL.
pub(crate) async fn start_with(more: &str) -> Rig {
    let upstream = Provider::spawn(ProviderOptions::default()).await.unwrap();
    start_on(upstream, &standard_providers(), more).await
}

/// The providers of [`start`].
pub(crate) fn standard_providers() -> String {
    format!(
        r#"
[[providers]]
id = "openai"
provider_type = "openai"
api_key = "{OPENAI_KEY}"
base_url = "{{upstream}}/v1"

[[providers]]
id = "anthropic"
provider_type = "anthropic"
api_key = "{ANTHROPIC_KEY}"
base_url = "{{upstream}}"

[[providers]]
id = "gemini"
provider_type = "gemini"
api_key = "{GEMINI_KEY}"
base_url = "{{upstream}}"

[[providers]]
id = "ollama"
provider_type = "ollama"
endpoint = "{{upstream}}"
"#
    )
}

/// A gateway on a given upstream with exactly this configuration.
pub(crate) async fn start_on(upstream: Running, providers: &str, more: &str) -> Rig {
    start_resolving(upstream, providers, more, Resolver::default()).await
}

/// The same, looking names up with `resolver`.
pub(crate) async fn start_resolving(upstream: Running, providers: &str, more: &str, resolver: Resolver) -> Rig {
    launch(tempfile::tempdir().unwrap(), upstream, providers, more, "", resolver).await
}

/// The gateway of [`start`] with its data in `data` below this directory, and more settings of `[storage]`.
pub(crate) async fn start_in(directory: tempfile::TempDir, storage: &str) -> Rig {
    let upstream = Provider::spawn(ProviderOptions::default()).await.unwrap();
    launch(directory, upstream, &standard_providers(), "", storage, Resolver::default()).await
}

async fn launch(
    data: tempfile::TempDir,
    upstream: Running,
    providers: &str,
    more: &str,
    storage: &str,
    resolver: Resolver,
) -> Rig {
    let text = format!("{more}\n{providers}").replace("{upstream}", &upstream.url());
    // A test that scripts one fault means one call; those about retries say so themselves.
    let routing = if text.contains("[routing]") { "" } else { "[routing]\nretries = 0\n" };
    let text = format!("{text}\n{routing}");
    let text = format!("{text}\n[storage]\npath = {:?}\n{storage}", data.path().join("data"));
    std::fs::write(data.path().join("config.toml"), text).unwrap();
    let Life { gateway, address, tls, stop, serving } = begin(data.path(), resolver).await;
    Rig { address, upstream, gateway, data, tls, stop, serving: Some(serving) }
}

/// A gateway from its start to its stop.
struct Life {
    gateway: Gateway,
    address: SocketAddr,
    tls: Option<rustls::ClientConfig>,
    stop: CancellationToken,
    serving: tokio::task::JoinHandle<()>,
}

/// A gateway on a directory that holds its configuration.
async fn begin(directory: &Path, resolver: Resolver) -> Life {
    let options =
        LoadOptions { config_path: None, port: None, working_dir: directory.to_owned(), env: BTreeMap::new() };
    let config = config::load(&options).unwrap_or_else(|errors| panic!("{errors}"));
    let tls = config.server.tls.as_ref().map(|tls| trusting(&[tls.cert_file.as_path()]));
    let gateway = Gateway::resolving(config, resolver).await.unwrap();
    let gateway = gateway.answering_by(env!("CARGO_BIN_EXE_llm-gateway").into()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let serving = tokio::spawn({
        let (gateway, stop) = (gateway.clone(), stop.clone());
        async move { gateway.serve(listener, stop).await.unwrap() }
    });
    Life { gateway, address, tls, stop, serving }
}

impl Rig {
    pub(crate) fn client(&self) -> Client {
        match &self.tls {
            Some(tls) => Client::over_tls(self.address, tls.clone()),
            None => Client::new(self.address),
        }
    }

    /// How to reach it with bytes of one's own.
    pub(crate) fn dial(&self) -> Dial {
        Dial { address: self.address, tls: self.tls.clone().map(|tls| TlsConnector::from(Arc::new(tls))) }
    }

    /// All records, newest first, once everything that was finished is written.
    pub(crate) async fn records(&self) -> Vec<Value> {
        self.gateway.store().recorder.flush().await.unwrap();
        let mut records = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self.client().get(&format!("/v1/records?limit=500{cursor}")).await.expect(200);
            records.extend(page["data"].as_array().unwrap().iter().cloned());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return records,
            }
        }
    }

    /// The records, as soon as there are `count` of them.
    pub(crate) async fn records_when(&self, count: usize) -> Vec<Value> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let records = self.records().await;
            if records.len() >= count || tokio::time::Instant::now() > deadline {
                assert_eq!(records.len(), count, "records: {records:#?}");
                return records;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The one record there is, with its attempt rows.
    pub(crate) async fn only_record(&self) -> Value {
        let id = self.records_when(1).await[0]["id"].as_str().unwrap().to_owned();
        self.client().get(&format!("/v1/records/{id}")).await.expect(200)
    }

    /// Stops gracefully and starts anew on the same data, at another port.
    pub(crate) async fn restart(&mut self) {
        self.stop().await;
        let Life { gateway, address, tls, stop, serving } = begin(self.data.path(), Resolver::default()).await;
        (self.gateway, self.address, self.tls, self.stop) = (gateway, address, tls, stop);
        self.serving = Some(serving);
    }

    /// Stops gracefully and waits until everything is written and closed.
    pub(crate) async fn stop(&mut self) {
        self.stop.cancel();
        if let Some(serving) = self.serving.take() {
            tokio::time::timeout(PATIENCE, serving).await.expect("a stop in time").unwrap();
        }
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
