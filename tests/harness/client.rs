//! A plain HTTP client for the tests: sends exactly what it is told, follows nothing, adds nothing.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client as Pool, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;

/// Longest time a test waits for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A client of one server.
#[derive(Clone)]
pub(crate) struct Client {
    address: SocketAddr,
    headers: HeaderMap,
    scheme: &'static str,
    pool: Pool<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

/// A whole answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self::of(address, "http", super::dial::trusting(&[]))
    }

    /// A client that speaks TLS to a server with one of these certificates.
    pub(crate) fn over_tls(address: SocketAddr, tls: rustls::ClientConfig) -> Self {
        Self::of(address, "https", tls)
    }

    fn of(address: SocketAddr, scheme: &'static str, tls: rustls::ClientConfig) -> Self {
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().build();
        Self { address, scheme, headers: HeaderMap::new(), pool: Pool::builder(TokioExecutor::new()).build(connector) }
    }

    /// The same client, sending this header with every request.
    pub(crate) fn with(&self, name: &'static str, value: &str) -> Self {
        let mut client = self.clone();
        client.headers.insert(name, value.parse().unwrap());
        client
    }

    pub(crate) async fn get(&self, target: &str) -> Answer {
        self.send(Method::GET, target, None).await
    }

    pub(crate) async fn delete(&self, target: &str) -> Answer {
        self.send(Method::DELETE, target, None).await
    }

    pub(crate) async fn post(&self, target: &str, body: &Value) -> Answer {
        self.send(Method::POST, target, Some(body.to_string().into())).await
    }

    /// The whole answer, or `None` when the server went away in between.
    pub(crate) async fn try_post(&self, target: &str, body: &Value) -> Option<Answer> {
        let mut request = Request::post(format!("{}://{}{target}", self.scheme, self.address))
            .header("content-type", "application/json");
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(Bytes::from(body.to_string()))).unwrap();
        let (head, body) = self.pool.request(request).await.ok()?.into_parts();
        let body = body.collect().await.ok()?.to_bytes();
        Some(Answer { status: head.status, headers: head.headers, body })
    }

    pub(crate) async fn patch(&self, target: &str, body: &Value) -> Answer {
        self.send(Method::PATCH, target, Some(body.to_string().into())).await
    }

    /// Sends a request, with JSON as content type if it has a body and no other type was set.
    pub(crate) async fn send(&self, method: Method, target: &str, body: Option<Bytes>) -> Answer {
        let answer = self.open(method, target, body).await;
        let (head, body) = answer.into_parts();
        let body = tokio::time::timeout(PATIENCE, body.collect()).await.expect("an answer in time").unwrap().to_bytes();
        Answer { status: head.status, headers: head.headers, body }
    }

    /// Sends a request and returns as soon as the answer's head has come.
    pub(crate) async fn open(
        &self,
        method: Method,
        target: &str,
        body: Option<Bytes>,
    ) -> http::Response<hyper::body::Incoming> {
        let mut request = Request::builder().method(method).uri(format!("{}://{}{target}", self.scheme, self.address));
        if body.is_some() && !self.headers.contains_key("content-type") {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(body.unwrap_or_default())).unwrap();
        tokio::time::timeout(PATIENCE, self.pool.request(request)).await.expect("an answer in time").unwrap()
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|fault| panic!("not JSON ({fault}): {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The JSON of an answer that must have this status.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        if self.body.is_empty() { Value::Null } else { self.json() }
    }

    /// The code of an error that must have this status.
    #[track_caller]
    pub(crate) fn code(&self, status: u16) -> String {
        self.expect(status)["error"]["code"].as_str().expect("an error code").to_owned()
    }
}
