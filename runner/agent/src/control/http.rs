//! The calls as JSON over HTTP, to each endpoint in turn.

use super::{CallError, ControlPlane};
use async_trait::async_trait;
use firesteel_protocol::{Answer, End, Ended, Exchange, Greeting, Hello, transport};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a call may take beyond the time for which it asks to be held.
const PATIENCE: Duration = Duration::from_secs(20);

/// Control planes reached over HTTP; the one that answered last is asked first.
pub struct HttpControlPlane {
    http: reqwest::Client,
    token: String,
    turns: Mutex<Turns>,
}

/// Whom to ask: the first of all, until it gives no answer.
struct Turns {
    /// Those of the errand: they may come back at any time.
    first: Vec<String>,
    all: Vec<String>,
}

impl Turns {
    fn new(first: Vec<String>) -> Self {
        Self { all: first.clone(), first }
    }

    /// This one gave no answer: it is the last to be asked again.
    fn failed(&mut self, silent: &str) {
        if self.all.first().is_some_and(|asked| asked == silent) {
            self.all.rotate_left(1);
        }
    }

    /// An answer has named all that are there; the errand's own are asked after those, and whose turn it is keeps it.
    fn learn(&mut self, there: &[String]) {
        let asked = self.all.first().cloned();
        let mut all: Vec<String> = Vec::new();
        for url in asked.iter().chain(there).chain(&self.first) {
            if !all.contains(url) {
                all.push(url.clone());
            }
        }
        self.all = all;
    }
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
        Ok(Self { http, token, turns: Mutex::new(Turns::new(endpoints)) })
    }

    fn turns(&self) -> MutexGuard<'_, Turns> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tries the endpoint whose turn it is; a failure gives the turn to the next.
    async fn call<Q: Serialize + Sync, A: DeserializeOwned>(
        &self,
        path: &str,
        body: &Q,
        held: Duration,
    ) -> Result<A, CallError> {
        let Some(endpoint) = self.turns().all.first().cloned() else {
            return Err(CallError::Silent("the errand names no endpoint".to_owned()));
        };
        let answer = self.post(&format!("{endpoint}{path}"), body, held).await;
        if answer.is_err() {
            self.turns().failed(&endpoint);
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
        let held = Duration::from_millis(exchange.wait_ms);
        let answer: Answer = self.call(transport::EXCHANGE, exchange, held).await?;
        if !answer.endpoints.is_empty() {
            self.turns().learn(&answer.endpoints);
        }
        Ok(answer)
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

    #[test]
    fn control_planes_are_asked_in_turn_and_new_ones_are_learned() {
        let urls = |names: &str| names.chars().map(|name| name.to_string()).collect::<Vec<_>>();
        let mut turns = Turns::new(urls("ab"));
        turns.failed("a");
        assert_eq!(turns.all, urls("ba"));
        turns.failed("a");
        assert_eq!(turns.all, urls("ba"), "of a call that was begun before");
        turns.learn(&urls("bc"));
        assert_eq!(turns.all, urls("bca"), "the one that answers keeps its turn");
        turns.failed("b");
        turns.learn(&urls("cd"));
        assert_eq!(turns.all, urls("cdab"), "those of the errand may come back");
        turns.failed("c");
        turns.failed("d");
        assert_eq!(turns.all, urls("abcd"));
    }

    /// Answers every exchange in this way.
    async fn answering(answer: Answer) -> (String, tokio::task::JoinHandle<()>) {
        let answers = axum::routing::post(move || async move { axum::Json(answer.clone()) });
        let app = axum::Router::new().route(transport::EXCHANGE, answers);
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", socket.local_addr().unwrap());
        (url, tokio::spawn(async move { axum::serve(socket, app).await.unwrap() }))
    }

    #[tokio::test]
    async fn who_was_only_told_of_is_asked_when_all_others_are_gone() {
        let (new, _) = answering(Answer { digest: 2, ..Answer::default() }).await;
        let (old, first) = answering(Answer { digest: 1, endpoints: vec![new], ..Answer::default() }).await;
        let plane = HttpControlPlane::new(vec![old.clone()], "token".to_owned(), None).unwrap();
        let exchange = json!({"worker": "w", "mark": "m", "fence": 1, "seen": 0, "wait_ms": 0});
        let exchange: Exchange = serde_json::from_value(exchange).unwrap();
        assert_eq!(plane.exchange(&exchange).await.unwrap().digest, 1);
        first.abort();
        plane.turns().failed(&old);
        assert_eq!(plane.exchange(&exchange).await.unwrap().digest, 2);
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
