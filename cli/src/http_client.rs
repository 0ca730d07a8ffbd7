//! One HTTP client for the command line: hyper over TLS or plain. It must not know what it carries.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

/// A client with a pool of connections.
#[derive(Clone, Debug)]
pub struct HttpClient(Client<hyper_rustls::HttpsConnector<HttpConnector>, Full<Bytes>>);

/// An answer, read to its end.
pub type Answer = http::Response<Bytes>;

impl HttpClient {
    /// A client that trusts whom [`crate::trust`] says.
    pub fn new() -> anyhow::Result<Self> {
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_tls_config(crate::trust::client_config()?)
            .https_or_http()
            .enable_http1()
            .build();
        Ok(Self(Client::builder(TokioExecutor::new()).build(connector)))
    }

    /// Sends a request and reads the answer; at most a minute.
    pub async fn send(&self, request: http::Request<Bytes>) -> anyhow::Result<Answer> {
        let exchange = async {
            let (parts, body) = self.0.request(request.map(Full::new)).await?.into_parts();
            Ok(http::Response::from_parts(parts, body.collect().await?.to_bytes()))
        };
        tokio::time::timeout(PATIENCE, exchange).await?
    }
}
