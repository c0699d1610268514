//! The one HTTP client: hyper's pooled client over TLS by rustls, and for providers in clear text (which speak
//! HTTP/1.1 alone) connections that are driven by whoever waits for the answer.
//!
//! It follows no redirect, uses no proxy, decodes no body and adds no header of its own but `host`.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response, uri::Scheme};
use http_body_util::combinators::UnsyncBoxBody;
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy,
    rt::{TokioExecutor, TokioTimer},
};
use rustls::{ClientConfig, RootCertStore};

use super::{
    connect::{ConnectError, Connector, Reach, Resolver},
    lane::{Lanes, UpstreamAnswer},
};
use crate::config::Provider;

/// What a provider may send over HTTP/2 for a client that does not read on: so much is held for it.
const STREAM_WINDOW_BYTES: u32 = 512 * 1024;

/// More than all streams of a connection can fill, so that one whose client does not read on never stops
/// the others.
const CONNECTION_WINDOW_BYTES: u32 = 1 << 30;

/// How long an idle connection is kept, and how many of them for a provider.
pub(super) const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
pub(super) const IDLE_MAX: usize = 512;

/// The largest head of an answer. Up to 100 lines hyper reads without asking for memory.
pub(super) const HEADERS_MAX: usize = 100;
pub(super) const HEAD_BYTES_MAX: usize = 256 * 1024;

/// Why a call got no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// No connection could be made.
    #[error(transparent)]
    Connect(ConnectError),
    /// The connection broke off, or what came is no HTTP.
    #[error(transparent)]
    Http(hyper::Error),
    /// Either of them, over TLS.
    #[error(transparent)]
    Pooled(legacy::Error),
}

impl CallError {
    /// Whether no connection could be made.
    pub fn is_connect(&self) -> bool {
        match self {
            Self::Connect(_) => true,
            Self::Http(_) => false,
            Self::Pooled(error) => error.is_connect(),
        }
    }

    /// Why no connection could be made, where the connector knows, and the deepest cause in words.
    pub fn causes(&self) -> (Option<&ConnectError>, String) {
        let mut connect = None;
        let mut cause: Option<&(dyn std::error::Error + 'static)> = match self {
            Self::Connect(error) => Some(error),
            Self::Http(error) => Some(error),
            Self::Pooled(error) => Some(error),
        };
        let mut deepest = String::new();
        while let Some(current) = cause {
            connect = connect.or_else(|| current.downcast_ref::<ConnectError>());
            deepest = current.to_string();
            cause = current.source();
        }
        (connect, deepest)
    }
}

/// The body of an upstream request.
pub type UpstreamBody = UnsyncBoxBody<Bytes, std::io::Error>;

/// What all clients share: whom they trust (loading the system's certificates takes milliseconds) and
/// where they look names up.
#[derive(Clone, Debug)]
pub struct Egress {
    tls: ClientConfig,
    resolver: Resolver,
}

/// One provider's client: its own pool, connect timeout and address rule.
#[derive(Clone, Debug)]
pub struct Client {
    lanes: Arc<Lanes>,
    pooled: legacy::Client<HttpsConnector<Connector>, UpstreamBody>,
}

impl Egress {
    /// Trust in the system's certificates, or Mozilla's list where the system has none (bare containers).
    pub fn load(resolver: Resolver) -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        let builder = ClientConfig::builder_with_provider(provider);
        let builder = builder.with_safe_default_protocol_versions();
        let config = match builder {
            Ok(builder) => builder.with_root_certificates(roots).with_no_client_auth(),
            // The default provider supports TLS 1.2 and 1.3; were it otherwise, the plain builder would say so too.
            Err(_) => ClientConfig::builder().with_root_certificates(roots).with_no_client_auth(),
        };
        Self { tls: config, resolver }
    }
}

impl Client {
    /// A client by a provider's rules.
    pub fn new(provider: &Provider, egress: &Egress) -> Self {
        Self::within(Reach::of(provider), provider.timeouts.connect, egress)
    }

    /// A client for an address that the operator wrote into the config file, wherever it lies.
    pub fn for_operator(connect_timeout: Duration, egress: &Egress) -> Self {
        Self::within(Reach::Anywhere, connect_timeout, egress)
    }

    fn within(reach: Reach, timeout: Duration, egress: &Egress) -> Self {
        let tcp = Connector { timeout, reach, resolver: egress.resolver.clone() };
        let https = hyper_rustls::HttpsConnectorBuilder::new()
            .with_tls_config(egress.tls.clone())
            .https_only()
            .enable_http1()
            .enable_http2()
            .wrap_connector(tcp.clone());
        let pooled = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(IDLE_MAX)
            // Only requests of which not a byte was written are tried again, on a fresh connection:
            // a pooled one may have been closed by the provider while it lay idle.
            .retry_canceled_requests(true)
            .http1_max_headers(HEADERS_MAX)
            .http1_max_buf_size(HEAD_BYTES_MAX)
            .http2_keep_alive_interval(Duration::from_secs(30))
            .http2_initial_stream_window_size(STREAM_WINDOW_BYTES)
            .http2_initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .build(https);
        Self { lanes: Lanes::new(tcp), pooled }
    }

    /// Sends a request and waits for the head of the answer.
    ///
    /// # Errors
    /// If there is no connection, or it ends before an answer.
    pub async fn send(&self, request: Request<UpstreamBody>) -> Result<Response<UpstreamAnswer>, CallError> {
        if request.uri().scheme() == Some(&Scheme::HTTP) {
            return self.lanes.send(request).await;
        }
        let response = self.pooled.request(request).await.map_err(CallError::Pooled)?;
        Ok(response.map(UpstreamAnswer::of))
    }
}
