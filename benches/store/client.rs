//! One keep-alive connection to the gateway under test.

use std::net::SocketAddr;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::{
    client::legacy::{Client as Pool, connect::HttpConnector},
    rt::TokioExecutor,
};

use super::Failure;

/// A client of one gateway.
#[derive(Clone)]
pub(crate) struct Client {
    address: SocketAddr,
    pool: Pool<HttpConnector, Empty<Bytes>>,
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, pool: Pool::builder(TokioExecutor::new()).build_http() }
    }

    /// The body of an answer that must be a 200.
    pub(crate) async fn get(&self, target: &str) -> Result<Bytes, Failure> {
        let request = Request::get(format!("http://{}{target}", self.address)).body(Empty::new())?;
        let (head, body) = self.pool.request(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        if head.status.as_u16() == 200 {
            Ok(body)
        } else {
            Err(format!("{target}: {}: {}", head.status, String::from_utf8_lossy(&body)).into())
        }
    }
}
