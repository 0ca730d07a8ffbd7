//! In front of s3s: requests that it would take and must not, and finishing touches on answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use s3s::config::{S3Config, StaticConfigProvider};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, S3Error, S3ErrorCode};

use crate::access::Gate;
use crate::api::Api;

/// The longest XML body: 10,000 parts with their checksums fit, in bytes.
const XML_MAX: usize = 4 * 1024 * 1024;
/// The longest life of a presigned URL, in seconds.
const PRESIGNED_MAX: u64 = 7 * 24 * 60 * 60;

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
        Some(error) => error.to_http_response().unwrap_or_else(|_| empty(StatusCode::INTERNAL_SERVER_ERROR)),
        None => match service.call(request).await {
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

/// Why a request is not even looked at: old signatures and uploads by HTML forms, which s3s knows
/// and which would be ways around what is checked here.
fn refused(request: &Request<Body>) -> Option<S3Error> {
    let headers = request.headers();
    let query = request.uri().query().unwrap_or_default();
    let parameter = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    let authorization = text(headers, header::AUTHORIZATION);
    if authorization.is_some_and(|value| !value.starts_with("AWS4-HMAC-SHA256"))
        || parameter("Signature").is_some()
        || parameter("AWSAccessKeyId").is_some()
    {
        return Some(S3Error::with_message(
            S3ErrorCode::InvalidRequest,
            "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
        ));
    }
    if text(headers, header::CONTENT_TYPE).is_some_and(|value| value.starts_with("multipart/form-data"))
        && request.method() == http::Method::POST
    {
        return Some(S3Error::with_message(
            S3ErrorCode::NotImplemented,
            "uploads by HTML forms are not supported",
        ));
    }
    let scope = authorization.or(parameter("X-Amz-Credential")).unwrap_or_default();
    if scope.contains("/sts/aws4_request") || scope.contains("%2Fsts%2Faws4_request") {
        return Some(S3Error::with_message(
            S3ErrorCode::AuthorizationHeaderMalformed,
            "The authorization header is malformed; incorrect service \"sts\". This endpoint belongs to \"s3\".",
        ));
    }
    let expires = parameter("X-Amz-Expires").and_then(|seconds| seconds.parse::<u64>().ok());
    if expires.is_some_and(|seconds| seconds > PRESIGNED_MAX) {
        return Some(S3Error::with_message(
            S3ErrorCode::AuthorizationQueryParametersError,
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds",
        ));
    }
    None
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}
