//! One API request: who signed it, which operation it is, whether it is well formed; then the operation's answer.

use super::LARGEST_REQUEST;
use super::signature::Verifier;
use crate::operations::{Caller, Service};
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use firesteel_wire::{ApiError, ErrorKind, Operation, Routed, route, validate};
use http::request::Parts;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) async fn call(
    State((service, verifier)): State<(Service, Arc<Verifier>)>,
    request: Request,
) -> Response {
    let began = Instant::now();
    let (parts, body) = request.into_parts();
    let mut operation = None;
    let answer = answer(&service, &verifier, &parts, body, &mut operation).await;
    let status = answer.as_ref().err().map_or(200, ApiError::status);
    let name = operation.map_or("unknown", Operation::name);
    metrics::histogram!("firesteel_api_seconds", "operation" => name, "status" => status.to_string())
        .record(began.elapsed());
    let id = request_id(&service);
    let mut response = match answer {
        Ok(json) => respond(200, None, json),
        Err(error) => {
            if status >= 500 {
                tracing::error!(operation = name, request = id, detail = error.detail.as_deref(), "{error}");
            }
            respond(status, Some(error.type_name()), error.body())
        }
    };
    if let Ok(id) = http::HeaderValue::from_str(&id) {
        response.headers_mut().insert("x-amzn-requestid", id);
    }
    response
}

/// What SDKs give their users as the request's id, and the log names: a UUID.
fn request_id(service: &Service) -> String {
    let world = &service.parts().world;
    let (one, other) = (world.chance(), world.chance());
    let [time, version, variant] = [one >> 32, one >> 16 & 0xffff, other >> 48];
    format!(
        "{time:08x}-{version:04x}-4{:03x}-{:04x}-{:012x}",
        one & 0xfff,
        variant & 0x3fff | 0x8000,
        other & 0xffff_ffff_ffff
    )
}

async fn answer(
    service: &Service,
    verifier: &Verifier,
    parts: &Parts,
    body: Body,
    operation: &mut Option<Operation>,
) -> Result<String, ApiError> {
    let body = tokio::time::timeout(PATIENCE, to_bytes(body, LARGEST_REQUEST)).await;
    let body = body.map_err(|_| not_whole())?.map_err(unreadable)?;
    let identity = verifier.verify(parts, &body)?;
    let routed = read(parts, &body)?;
    *operation = Some(routed.operation);
    validate(routed.operation, &routed.input)?;
    let caller = Caller { arn: identity.arn, policy: identity.policy, host: host(parts) };
    service.call(caller, routed.operation, routed.input).await
}

/// The host that the client has asked, port included; every signature covers it.
fn host(parts: &Parts) -> Option<String> {
    let header = parts.headers.get(http::header::HOST).and_then(|value| value.to_str().ok());
    let host = header.or_else(|| parts.uri.authority().map(|authority| authority.as_str()))?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    (!host.is_empty() && host.len() <= 255 && host.bytes().all(plain)).then(|| host.to_owned())
}

fn read(parts: &Parts, body: &[u8]) -> Result<Routed, ApiError> {
    let query = parts.uri.query().unwrap_or_default();
    route(parts.method.as_str(), parts.uri.path(), query)?.with_body(body)
}

fn unreadable(error: axum::Error) -> ApiError {
    let too_large =
        std::error::Error::source(&error).is_some_and(|s| s.is::<http_body_util::LengthLimitError>());
    if too_large {
        return ApiError::too_large(LARGEST_REQUEST);
    }
    not_whole().with_detail(error.to_string())
}

fn not_whole() -> ApiError {
    ApiError::new(ErrorKind::RequestTimeout, "The request body did not arrive whole.")
}

fn respond(status: u16, error: Option<&'static str>, json: String) -> Response {
    let mut response = Response::new(Body::from(json));
    *response.status_mut() =
        http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    if let Some(kind) = error {
        headers.insert("x-amzn-errortype", http::HeaderValue::from_static(kind));
    }
    response
}
