//! Requests as an SDK signs them, and answers held against the service model's shapes.

use super::ports::Clock;
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use axum::body::{Body, to_bytes};
use firesteel_journal::Clock as _;
use http::{HeaderMap, Request};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::time::{Duration, SystemTime};
use tower::ServiceExt;

pub const ACCESS_KEY: &str = "AKIDEXAMPLE";
pub const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
pub const ENDPOINT: &str = "http://127.0.0.1:9400";

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub async fn of(router: axum::Router, request: Request<Body>) -> Self {
        let response = router.oneshot(request).await.expect("the router always answers");
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.expect("a whole body");
        let text = String::from_utf8(body.to_vec()).expect("text");
        Self { status: parts.status.as_u16(), headers: parts.headers, text }
    }

    /// The JSON of a success.
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text);
        self.json()
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).expect("JSON")
    }

    /// A success of this shape: every required member is there, and no member that the model lacks.
    pub fn shape<T: DeserializeOwned + Serialize>(&self) -> T {
        let json = self.ok();
        let shape: T = serde_json::from_value(json.clone()).expect("the shape");
        assert_eq!(serde_json::to_value(&shape).expect("JSON"), json, "required and known members");
        shape
    }

    /// A text member of a success.
    pub fn member(&self, name: &str) -> String {
        self.ok()[name].as_str().expect(name).to_owned()
    }

    /// Status, type and message of an error as restJson1 has it.
    pub fn error(&self) -> (u16, String, String) {
        assert_ne!(self.status, 200, "a success: {}", self.text);
        let kind = self.headers.get("x-amzn-errortype").expect("an error type").to_str().expect("ASCII");
        let message = self.json()["message"].as_str().expect("a message").to_owned();
        (self.status, kind.to_owned(), message)
    }

    #[track_caller]
    pub fn refused(&self, status: u16, kind: &str, message: &str) {
        assert_eq!(self.error(), (status, kind.to_owned(), message.to_owned()));
    }

    /// Status and type of an error.
    pub fn kind(&self) -> (u16, String) {
        let (status, kind, _) = self.error();
        (status, kind)
    }
}

/// A request signed with the known key.
pub fn signed(clock: &Clock, method: &str, target: &str, body: impl Into<Vec<u8>>) -> Request<Body> {
    signed_by(clock, (ACCESS_KEY, SECRET), method, target, body.into(), &[])
}

/// A request signed with any key and further headers.
pub fn signed_by(
    clock: &Clock,
    key: (&str, &str),
    method: &str,
    target: &str,
    body: Vec<u8>,
    headers: &[(&str, &str)],
) -> Request<Body> {
    let identity = Credentials::new(key.0, key.1, None, None, "test").into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(super::REGION)
        .name("emr-serverless")
        .time(SystemTime::UNIX_EPOCH + Duration::from_millis(clock.now() as u64))
        .settings(SigningSettings::default())
        .build()
        .expect("complete parameters")
        .into();
    let mut all = vec![("host", "127.0.0.1:9400")];
    if !body.is_empty() {
        all.push(("content-type", "application/json"));
    }
    all.extend(headers);
    let signable = SignableRequest::new(
        method,
        format!("{ENDPOINT}{target}"),
        all.iter().copied(),
        SignableBody::Bytes(&body),
    );
    let (instructions, _) = sign(signable.expect("signable"), &params).expect("signs").into_parts();
    let mut request = Request::builder().method(method).uri(target);
    for (name, value) in all {
        request = request.header(name, value);
    }
    for header in instructions.into_parts().0 {
        request = request.header(header.name().to_owned(), header.value().to_owned());
    }
    request.body(Body::from(body)).expect("a request")
}
