//! One API request: who signed it, which operation it is, whether it is well formed; then the operation's answer.

use super::LARGEST_REQUEST;
use super::meters::Meters;
use super::signature::Verifier;
use crate::operations::{Caller, Service};
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use firesteel_wire::{ApiError, ErrorKind, Operation, Routed, route, validate};
use http::request::Parts;
use http_body::Body as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Largest body that is read of somebody who names no known key, bytes: signatures cover bodies, and memory is not to be
/// had for nothing.
const LARGEST_OF_A_STRANGER: u64 = 64 << 10;
/// How long a body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(60);

/// The API as requests find it.
pub(super) struct Api {
    service: Service,
    verifier: Verifier,
    meters: Meters,
}

impl Api {
    pub(super) fn new(service: Service) -> Self {
        Self { verifier: Verifier::new(service.parts()), service, meters: Meters::default() }
    }

    pub(super) async fn call(self: Arc<Self>, request: Request) -> Response {
        let began = Instant::now();
        let (parts, body) = request.into_parts();
        let mut operation = None;
        let answer = self.answer(&parts, body, &mut operation).await;
        let status = answer.as_ref().err().map_or(200, ApiError::status);
        self.meters.record(operation, status, began.elapsed());
        let id = self.request_id();
        let mut response = match answer {
            Ok(json) => respond(200, None, json),
            Err(error) => {
                if status >= 500 {
                    let (operation, detail) = (operation.map(Operation::name), error.detail.as_deref());
                    let request = String::from_utf8_lossy(&id);
                    tracing::error!(operation, request = &*request, detail, "{error}");
                }
                respond(status, Some(error.type_name()), error.body())
            }
        };
        if let Ok(id) = http::HeaderValue::from_bytes(&id) {
            response.headers_mut().insert("x-amzn-requestid", id);
        }
        response
    }

    /// What SDKs give their users as the request's id, and the log names: a UUID of version 4.
    fn request_id(&self) -> [u8; 36] {
        let world = &self.service.parts().world;
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&world.chance().to_be_bytes());
        bytes[8..].copy_from_slice(&world.chance().to_be_bytes());
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let mut id = [b'-'; 36];
        let digit = |value: u8| b"0123456789abcdef"[usize::from(value)];
        let places = (0..36).filter(|place| ![8, 13, 18, 23].contains(place));
        let digits = bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0x0f)]);
        places.zip(digits).for_each(|(place, digit)| id[place] = digit);
        id
    }

    async fn answer(
        &self,
        parts: &Parts,
        body: Body,
        operation: &mut Option<Operation>,
    ) -> Result<String, ApiError> {
        let is_small = body.size_hint().upper().is_some_and(|most| most <= LARGEST_OF_A_STRANGER);
        if !is_small && !self.verifier.knows(parts) {
            self.verifier.verify(parts, b"")?;
            return Err(not_whole());
        }
        let body = whole(body).await?;
        let identity = self.verifier.verify(parts, &body)?;
        let routed = read(parts, &body)?;
        *operation = Some(routed.operation);
        validate(routed.operation, &routed.input)?;
        let caller = Caller { arn: identity.arn, policy: identity.policy, host: host(parts) };
        self.service.call(caller, routed.operation, routed.input).await
    }
}

/// A body as it has arrived; most requests have none, and nothing is waited for.
async fn whole(body: Body) -> Result<Bytes, ApiError> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let body = tokio::time::timeout(PATIENCE, to_bytes(body, LARGEST_REQUEST)).await;
    body.map_err(|_| not_whole())?.map_err(unreadable)
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
