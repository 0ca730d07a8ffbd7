//! The one door: each request goes to the room that its signature's service names.
//!
//! It reads a credential scope and a path, nothing else; whether a signature is right is for the rooms to say.

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use firesteel_embedded_s3::EmbeddedS3;
use firesteel_wire::sigv4::service_of;
use http::{HeaderValue, StatusCode, header};
use std::convert::Infallible;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};
use tower::ServiceExt;
use tower::util::BoxCloneSyncService;

/// Something that answers requests.
pub type Room = BoxCloneSyncService<Request, Response, Infallible>;

/// Paths that are the control plane's without a signature.
const UNSIGNED: [&str; 2] = ["/healthz", "/metrics"];
const RUNNERS: &str = "/runner/";
const DASHBOARDS: &str = "/dashboards/";
/// Logs by the links that EMR's clients make of a dashboard's URL; without its token, this is an object in a bucket.
const LOGS: &str = "/logs/";
const TOKEN: &str = "authToken=";

/// How far the door is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Closing {
    /// Everything is let in.
    Not,
    /// Nothing that changes the API's state.
    NothingNew,
}

/// Who gets which request.
pub struct Door {
    s3: Option<Room>,
    sts: Option<Room>,
    service: OnceLock<Room>,
    closing: AtomicU8,
}

impl Door {
    /// A door to S3 and STS; the control plane comes later, with [`Door::open`].
    pub fn new(s3: Room, sts: Room) -> Self {
        Self {
            s3: Some(s3),
            sts: Some(sts),
            service: OnceLock::new(),
            closing: AtomicU8::new(Closing::Not as u8),
        }
    }

    /// A door to a control plane alone.
    pub fn without_s3(service: Room) -> Self {
        let door = Self {
            s3: None,
            sts: None,
            service: OnceLock::new(),
            closing: AtomicU8::new(Closing::Not as u8),
        };
        door.open(service);
        door
    }

    /// Lets requests through to the control plane.
    pub fn open(&self, service: Room) {
        self.service.set(service).ok();
    }

    /// Begins to close.
    pub fn close(&self, closing: Closing) {
        self.closing.store(closing as u8, Ordering::Relaxed);
    }

    /// Answers a request.
    pub async fn answer(&self, request: Request) -> Response {
        let room = match self.choose(&request) {
            Ok(room) => room.clone(),
            Err(refusal) => return *refusal,
        };
        match room.oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }

    fn choose(&self, request: &Request) -> Result<&Room, Box<Response>> {
        let signed = Signed::read(request);
        let unserved = |name: &str| Box::new(unserved(name, self.serves(), request));
        match signed.as_deref() {
            Some("emr-serverless") if self.is_closing() && request.method() != http::Method::GET => {
                Err(Box::new(unavailable("The control plane is stopping.")))
            }
            Some("emr-serverless") => self.control_plane(),
            Some("s3") => self.s3.as_ref().ok_or_else(|| unserved("s3")),
            Some("sts") => self.sts.as_ref().ok_or_else(|| unserved("sts")),
            Some(other) => Err(unserved(other)),
            None if is_unsigned(request.uri()) => self.control_plane(),
            // S3 says what is amiss; without it the control plane does.
            None => self.s3.as_ref().map_or_else(|| self.control_plane(), Ok),
        }
    }

    fn control_plane(&self) -> Result<&Room, Box<Response>> {
        self.service.get().ok_or_else(|| Box::new(unavailable("The control plane is starting.")))
    }

    fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed) != Closing::Not as u8
    }

    fn serves(&self) -> &'static str {
        if self.s3.is_some() { "s3, sts and emr-serverless" } else { "emr-serverless" }
    }
}

/// The embedded S3 as a room.
pub fn s3(s3: &Arc<EmbeddedS3>) -> Room {
    let s3 = s3.clone();
    Room::new(tower::service_fn(move |request: Request| {
        let s3 = s3.clone();
        async move { Ok(s3.s3(request).await.map(Body::new)) }
    }))
}

/// Its STS as a room.
pub fn sts(s3: &Arc<EmbeddedS3>) -> Room {
    let s3 = s3.clone();
    Room::new(tower::service_fn(move |request: Request| {
        let s3 = s3.clone();
        async move { Ok(s3.sts(request).await.map(Body::new)) }
    }))
}

/// A router as a room.
pub fn router(router: axum::Router) -> Room {
    Room::new(router)
}

struct Signed;

impl Signed {
    /// The signing name in a request's credential scope.
    fn read(request: &Request) -> Option<String> {
        let authorization =
            request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let headers: Vec<(&str, &str)> =
            authorization.map(|value| ("authorization", value)).into_iter().collect();
        let scope = service_of(&headers, request.uri().query().unwrap_or_default())?;
        Some(scope.service.into_owned())
    }
}

fn is_unsigned(uri: &http::Uri) -> bool {
    let path = uri.path();
    let has_token = || uri.query().is_some_and(|query| query.split('&').any(|pair| pair.starts_with(TOKEN)));
    UNSIGNED.contains(&path)
        || path.starts_with(RUNNERS)
        || path.starts_with(DASHBOARDS)
        || path.starts_with(LOGS) && has_token()
}

/// The answer to a service that is not here, in the caller's dialect: XML for the query protocols, else JSON.
fn unserved(name: &str, serves: &str, request: &Request) -> Response {
    let name: String =
        name.chars().filter(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c)).take(64).collect();
    let message = format!("This is firesteel: it serves {serves}, not {name}.");
    let form = request
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
    if form || matches!(name.as_str(), "s3" | "sts") {
        let body = format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{UNSERVED}</Code><Message>{message}</Message></Error></ErrorResponse>"
        );
        return answer(StatusCode::BAD_REQUEST, "text/xml", None, body);
    }
    let body = serde_json::json!({"__type": UNSERVED, "message": message}).to_string();
    answer(StatusCode::BAD_REQUEST, "application/json", Some(UNSERVED), body)
}

const UNSERVED: &str = "UnsupportedServiceException";

fn unavailable(message: &str) -> Response {
    let body = serde_json::json!({"message": message}).to_string();
    answer(StatusCode::SERVICE_UNAVAILABLE, "application/json", Some("ServiceUnavailableException"), body)
}

fn answer(status: StatusCode, kind: &'static str, error: Option<&'static str>, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Some(error) = error {
        response.headers_mut().insert("x-amzn-errortype", HeaderValue::from_static(error));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;

    fn says(word: &'static str) -> Room {
        Room::new(tower::service_fn(move |_: Request| async move { Ok(Response::new(Body::from(word))) }))
    }

    fn whole() -> Door {
        let door = Door::new(says("s3"), says("sts"));
        door.open(says("service"));
        door
    }

    fn request(method: &str, uri: &str, service: Option<&str>, kind: &str) -> Request {
        let mut builder = http::Request::builder().method(method).uri(uri).header("content-type", kind);
        if let Some(service) = service {
            let value = format!(
                "AWS4-HMAC-SHA256 Credential=AKIA/20260102/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=00"
            );
            builder = builder.header("authorization", value);
        }
        builder.body(Body::empty()).unwrap()
    }

    async fn answered(door: &Door, request: Request) -> (u16, String) {
        let response = door.answer(request).await;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn the_signature_decides_then_the_path() {
        let presigned = "/b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIA%2F20260102%2Fus-east-1%2Fs3%2Faws4_request";
        let table = [
            ("/b/k", Some("s3"), "s3"),
            ("/healthz", Some("s3"), "s3"),
            ("/runner/v1/hello", Some("s3"), "s3"),
            ("/", Some("sts"), "sts"),
            ("/applications", Some("emr-serverless"), "service"),
            (presigned, None, "s3"),
            ("/b/k", None, "s3"),
            ("/healthz", None, "service"),
            ("/metrics", None, "service"),
            ("/runner/v1/hello", None, "service"),
            ("/runners", None, "s3"),
            ("/dashboards/00r/1/jobs/", None, "service"),
            ("/dashboards/key", Some("s3"), "s3"),
            ("/logs/SPARK_DRIVER/stdout.gz?authToken=x", None, "service"),
            ("/logs/SPARK_DRIVER/stdout.gz", None, "s3"),
        ];
        let door = whole();
        for (uri, service, room) in table {
            let found = answered(&door, request("GET", uri, service, "application/json")).await;
            assert_eq!(found, (200, room.to_owned()), "{uri} {service:?}");
        }
    }

    #[tokio::test]
    async fn another_service_is_named_in_its_own_dialect() {
        let door = whole();
        let (status, json) =
            answered(&door, request("POST", "/", Some("dynamodb"), "application/x-amz-json-1.0")).await;
        assert_eq!(status, 400);
        assert!(json.starts_with('{') && json.contains("s3, sts and emr-serverless, not dynamodb"), "{json}");
        let form = "application/x-www-form-urlencoded; charset=utf-8";
        let (status, xml) = answered(&door, request("POST", "/", Some("iam"), form)).await;
        assert_eq!(status, 400);
        assert!(xml.starts_with("<ErrorResponse>") && xml.contains("not iam"), "{xml}");
    }

    #[tokio::test]
    async fn without_s3_only_the_api_is_served() {
        let door = Door::without_s3(says("service"));
        let (status, text) = answered(&door, request("GET", "/b/k", Some("s3"), "")).await;
        assert_eq!(status, 400);
        assert!(text.contains("serves emr-serverless, not s3"), "{text}");
        assert_eq!(answered(&door, request("GET", "/x", None, "")).await, (200, "service".to_owned()));
    }

    #[tokio::test]
    async fn before_and_after_the_control_plane_s3_goes_on() {
        let door = Door::new(says("s3"), says("sts"));
        let api = |method: &str| request(method, "/applications", Some("emr-serverless"), "application/json");
        assert_eq!(answered(&door, api("GET")).await.0, 503);
        assert_eq!(answered(&door, request("GET", "/healthz", None, "")).await.0, 503);
        assert_eq!(answered(&door, request("PUT", "/b", Some("s3"), "")).await.0, 200);
        door.open(says("service"));
        assert_eq!(answered(&door, api("POST")).await.0, 200);
        door.close(Closing::NothingNew);
        assert_eq!(answered(&door, api("POST")).await.0, 503);
        assert_eq!(answered(&door, api("GET")).await.0, 200);
        assert_eq!(answered(&door, request("POST", "/runner/v1/end", None, "")).await.0, 200);
    }
}
