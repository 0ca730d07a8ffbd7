//! The calls as JSON over HTTP, to each endpoint in turn.

use super::{CallError, ControlPlane};
use async_trait::async_trait;
use firesteel_protocol::{Answer, End, Ended, Exchange, Greeting, Hello, transport};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// How long a call may take beyond the time for which it asks to be held.
const PATIENCE: Duration = Duration::from_secs(20);

/// Control planes reached over HTTP; the one that answered last is asked first.
pub struct HttpControlPlane {
    http: reqwest::Client,
    endpoints: Vec<String>,
    token: String,
    turn: AtomicUsize,
}

impl HttpControlPlane {
    /// Speaks to `endpoints` (base URLs without a trailing slash) with a worker's token. Where they are https, `authority`
    /// (PEM) is trusted and nobody else; without one, whom the system trusts.
    pub fn new(
        endpoints: Vec<String>,
        token: String,
        authority: Option<&str>,
    ) -> Result<Self, reqwest::Error> {
        let mut builder = reqwest::Client::builder().no_proxy().connect_timeout(Duration::from_secs(5));
        if let Some(pem) = authority {
            builder = builder.tls_certs_only(reqwest::Certificate::from_pem_bundle(pem.as_bytes())?);
        }
        let http = builder.build()?;
        Ok(Self { http, endpoints, token, turn: AtomicUsize::new(0) })
    }

    /// Tries the endpoint whose turn it is; a failure gives the turn to the next.
    async fn call<Q: Serialize + Sync, A: DeserializeOwned>(
        &self,
        path: &str,
        body: &Q,
        held: Duration,
    ) -> Result<A, CallError> {
        let turn = self.turn.load(Ordering::Relaxed);
        let Some(endpoint) = self.endpoints.get(turn % self.endpoints.len().max(1)) else {
            return Err(CallError::Silent("the errand names no endpoint".to_owned()));
        };
        let answer = self.post(&format!("{endpoint}{path}"), body, held).await;
        if answer.is_err() {
            self.turn.store(turn.wrapping_add(1), Ordering::Relaxed);
        }
        answer
    }

    async fn post<Q: Serialize + Sync, A: DeserializeOwned>(
        &self,
        url: &str,
        body: &Q,
        held: Duration,
    ) -> Result<A, CallError> {
        let silent = |error: reqwest::Error| CallError::Silent(format!("{url}: {error}"));
        let sent = self.http.post(url).bearer_auth(&self.token).timeout(held + PATIENCE).json(body).send();
        let response = sent.await.map_err(silent)?;
        let status = response.status();
        if status.is_success() {
            return response.json().await.map_err(silent);
        }
        let text = format!("{url}: {status} {}", response.text().await.unwrap_or_default());
        Err(match status.as_u16() {
            401 | 403 => CallError::Refused(text),
            _ => CallError::Silent(text),
        })
    }
}

#[async_trait]
impl ControlPlane for HttpControlPlane {
    async fn hello(&self, hello: &Hello) -> Result<Greeting, CallError> {
        self.call(transport::HELLO, hello, Duration::ZERO).await
    }

    async fn exchange(&self, exchange: &Exchange) -> Result<Answer, CallError> {
        self.call(transport::EXCHANGE, exchange, Duration::from_millis(exchange.wait_ms)).await
    }

    async fn end(&self, end: &End) -> Result<Ended, CallError> {
        self.call(transport::END, end, Duration::ZERO).await
    }
}
