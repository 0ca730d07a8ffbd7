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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use std::sync::Arc;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;
    use tokio_rustls::rustls::ServerConfig;
    use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
    use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

    /// Answers every request over TLS with `{}`; its URL, and the certificate to trust.
    async fn served() -> (String, String) {
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()).into();
        let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()));
        let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let config = builder.with_single_cert(vec![made.cert.der().clone()], key).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}", socket.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((stream, _)) = socket.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let mut head = [0; 4096];
                let _ = stream.read(&mut head).await;
                let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        });
        (url, made.cert.pem())
    }

    #[tokio::test]
    async fn an_authority_of_its_own_is_trusted_and_nobody_else() {
        let ((url, authority), (_, other)) = (served().await, served().await);
        for (trusted, expected) in
            [(Some(authority.as_str()), true), (Some(other.as_str()), false), (None, false)]
        {
            let plane = HttpControlPlane::new(vec![url.clone()], "token".to_owned(), trusted).unwrap();
            let answer = plane.call::<Value, Value>("/x", &json!({}), Duration::ZERO).await;
            assert_eq!(answer.is_ok(), expected, "{answer:?}");
        }
    }
}
