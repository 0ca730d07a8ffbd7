//! In front of s3s: its settings, and finishing touches on its answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderValue, Request, Response, StatusCode};
use s3s::config::{S3Config, StaticConfigProvider};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::Body;

use crate::access::Gate;
use crate::api::Api;
use crate::refused::refused;

/// The longest XML body: 10,000 parts with their checksums fit, in bytes.
const XML_MAX: usize = 4 * 1024 * 1024;

/// s3s over our operations and our gate.
pub fn service(api: Api, gate: Gate) -> S3Service {
    let mut config = S3Config::default();
    config.xml_max_body_size = XML_MAX;
    let mut builder = S3ServiceBuilder::new(api);
    builder.set_config(Arc::new(StaticConfigProvider::new(Arc::new(config))));
    builder.set_auth(gate.clone());
    builder.set_access(gate);
    builder.build()
}

/// Answers a request.
pub async fn answer(service: &S3Service, request: Request<Body>) -> Response<Body> {
    let mut response = match refused(&request) {
        Err(error) => error.to_http_response().unwrap_or_else(|_| empty(StatusCode::INTERNAL_SERVER_ERROR)),
        Ok(()) => match service.call(request).await {
            Ok(response) => response,
            Err(_) => empty(StatusCode::INTERNAL_SERVER_ERROR),
        },
    };
    if response.status() == StatusCode::NOT_MODIFIED {
        *response.body_mut() = Body::empty();
    }
    static REQUESTS: AtomicU64 = AtomicU64::new(1);
    let id = format!("{:016X}", REQUESTS.fetch_add(1, Ordering::Relaxed));
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert("x-amz-request-id", id);
    }
    response
}

/// An answer without a body.
pub fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
