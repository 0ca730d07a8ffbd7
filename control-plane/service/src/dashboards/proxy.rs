//! One request carried to a Spark UI and its answer carried back. Only what is named here passes in either direction.

use super::paths;
use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use std::time::Duration;

/// How long a UI may take to take a connection, and to begin its answer.
const CONNECT: Duration = Duration::from_secs(2);
const ANSWER: Duration = Duration::from_secs(60);
/// Spark's UIs put this header's value before every path that they link to (`UIUtils.uiRoot`).
const CONTEXT: HeaderName = HeaderName::from_static("x-forwarded-context");

/// What a UI is told of a request.
const ASKED: [HeaderName; 8] = [
    header::ACCEPT,
    header::ACCEPT_ENCODING,
    header::ACCEPT_LANGUAGE,
    header::IF_MODIFIED_SINCE,
    header::IF_NONE_MATCH,
    header::IF_RANGE,
    header::RANGE,
    header::USER_AGENT,
];
/// What a browser is told of the answer: no cookies, no wider service workers, nothing of the connection.
const ANSWERED: [HeaderName; 15] = [
    header::ACCEPT_RANGES,
    header::CACHE_CONTROL,
    header::CONTENT_DISPOSITION,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::CONTENT_RANGE,
    header::CONTENT_TYPE,
    header::ETAG,
    header::EXPIRES,
    header::LAST_MODIFIED,
    header::RETRY_AFTER,
    header::VARY,
    header::X_CONTENT_TYPE_OPTIONS,
    header::X_FRAME_OPTIONS,
    header::X_XSS_PROTECTION,
];

/// A client of Spark's UIs.
#[derive(Clone)]
pub struct Proxy(Client<HttpConnector, Body>);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum NoAnswer {
    /// Nothing listens there (any more), or it does not take connections.
    #[error("nothing listens there")]
    Absent,
    /// It took the request and did not answer it as HTTP, or not in time.
    #[error("{0}")]
    Broken(String),
}

/// What is to be carried.
pub struct Carried<'a> {
    /// GET or HEAD.
    pub method: &'a Method,
    /// The headers as they came.
    pub headers: &'a HeaderMap,
    /// The dashboard's prefix.
    pub base: &'a str,
    /// Path below the prefix, checked.
    pub path: &'a str,
    /// Query without the token.
    pub query: &'a str,
    /// A header that the UI wants to see.
    pub key: Option<(HeaderName, HeaderValue)>,
}

impl Proxy {
    /// A client without connections yet.
    pub fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT));
        connector.set_nodelay(true);
        let idle = Duration::from_secs(20);
        Self(Client::builder(TokioExecutor::new()).pool_idle_timeout(idle).build(connector))
    }

    /// Carries a request to the UI at `address`: host and port.
    pub async fn carry(&self, address: &str, carried: Carried<'_>) -> Result<Response, NoAnswer> {
        let base = carried.base.to_owned();
        let request = outward(address, carried).map_err(|error| NoAnswer::Broken(error.to_string()))?;
        let answered = tokio::time::timeout(ANSWER, self.0.request(request)).await;
        let answer = answered.map_err(|_| NoAnswer::Broken("it does not answer".to_owned()))?;
        match answer {
            Ok(answer) => Ok(inward(answer.map(Body::new), &base)),
            Err(error) if error.is_connect() => Err(NoAnswer::Absent),
            Err(error) => Err(NoAnswer::Broken(format!("{error:?}"))),
        }
    }
}

fn outward(address: &str, carried: Carried<'_>) -> Result<Request<Body>, http::Error> {
    let path = if carried.path.is_empty() { "/" } else { carried.path };
    let query = if carried.query.is_empty() { String::new() } else { format!("?{}", carried.query) };
    let mut request = Request::builder()
        .method(carried.method)
        .uri(format!("http://{address}{path}{query}"))
        .header(CONTEXT, carried.base);
    for name in &ASKED {
        for value in carried.headers.get_all(name) {
            request = request.header(name, value);
        }
    }
    if let Some((name, value)) = carried.key {
        request = request.header(name, value);
    }
    request.body(Body::empty())
}

fn inward(answer: Response, base: &str) -> Response {
    let (parts, body) = answer.into_parts();
    let mut response = Response::new(body);
    *response.status_mut() = parts.status;
    let headers = response.headers_mut();
    for name in &ANSWERED {
        for value in parts.headers.get_all(name) {
            headers.append(name, value.clone());
        }
    }
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    if let Some(value) = parts.headers.get(header::LOCATION) {
        let leads = value.to_str().ok().and_then(|value| paths::location(value, base));
        match leads.and_then(|leads| HeaderValue::from_str(&leads).ok()) {
            Some(leads) => {
                headers.insert(header::LOCATION, leads);
            }
            None => return StatusOnly(StatusCode::BAD_GATEWAY).into(),
        }
    }
    response
}

struct StatusOnly(StatusCode);

impl From<StatusOnly> for Response {
    fn from(status: StatusOnly) -> Self {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status.0;
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(pairs: &[(&str, &str)]) -> Response {
        let mut answer = Response::builder().status(302);
        for (name, value) in pairs {
            answer = answer.header(*name, *value);
        }
        answer.body(Body::empty()).unwrap()
    }

    #[test]
    fn cookies_and_connections_stay_between_them() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("cookie", "firesteel-dashboard=t"),
            ("authorization", "secret"),
            ("connection", "upgrade"),
            ("x-forwarded-context", "/evil"),
            ("accept", "text/html"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let carried = Carried {
            method: &Method::GET,
            headers: &headers,
            base: "/dashboards/00r/1",
            path: "/jobs/",
            query: "a=1",
            key: None,
        };
        let sent = outward("127.0.0.9:4040", carried).unwrap();
        assert_eq!(sent.uri().to_string(), "http://127.0.0.9:4040/jobs/?a=1");
        let names: Vec<&str> = sent.headers().keys().map(HeaderName::as_str).collect();
        assert_eq!(names, ["x-forwarded-context", "accept"]);
        assert_eq!(sent.headers()["x-forwarded-context"], "/dashboards/00r/1");
    }

    #[test]
    fn answers_bring_no_cookies_and_lead_nowhere_else() {
        let came = answer(&[
            ("location", "http://127.0.0.9:4040/jobs/"),
            ("set-cookie", "a=b; Path=/"),
            ("service-worker-allowed", "/"),
            ("transfer-encoding", "chunked"),
            ("content-type", "text/html"),
        ]);
        let told = inward(came, "/dashboards/00r/1");
        assert_eq!(told.headers()["location"], "/dashboards/00r/1/jobs/");
        let names: Vec<&str> = told.headers().keys().map(HeaderName::as_str).collect();
        assert_eq!(names, ["content-type", "referrer-policy", "location"]);
        assert_eq!(inward(answer(&[("location", "/../x")]), "/dashboards/00r/1").status(), 502);
    }
}
