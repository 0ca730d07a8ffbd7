//! Presigned URLs of the older kind (signature version 2), which boto3 still makes unless it is told otherwise.
//!
//! s3s verifies them. What their signature leaves open is closed here: no parameter beside those that it covers, and the
//! `x-amz-*` parameters, which it covers as headers, become headers.

use http::{HeaderName, HeaderValue, Method, Request};
use s3s::{S3Error, S3ErrorCode, S3Result};

use crate::refused::Query;

/// The parameters of such a URL: its own, and those that its signature covers.
const COVERED: [&str; 13] = [
    "AWSAccessKeyId",
    "Expires",
    "Signature",
    "partNumber",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "uploadId",
    "uploads",
    "versionId",
];

/// Whether the request says that it is presigned this way.
pub fn is_presigned(query: Query<'_>) -> bool {
    query.get("Signature").is_some() || query.get("AWSAccessKeyId").is_some()
}

/// Refuses a parameter that could change the meaning of the request.
pub fn check(method: &Method, query: Query<'_>) -> S3Result<()> {
    let known = |name: &str| COVERED.contains(&name) || of_header(name);
    let other = query.pairs().find(|(name, _)| !name.is_empty() && !known(name));
    match other {
        _ if ![Method::GET, Method::HEAD, Method::PUT, Method::DELETE].contains(method) => {
            Err(S3Error::with_message(S3ErrorCode::InvalidRequest, "Please use AWS4-HMAC-SHA256."))
        }
        Some((name, _)) => Err(S3Error::with_message(
            S3ErrorCode::AccessDenied,
            format!("There were parameters present in the request which were not signed: {name}"),
        )),
        None => Ok(()),
    }
}

/// Makes headers of the parameters that were signed as headers.
pub fn with_headers<B>(mut request: Request<B>) -> Request<B> {
    let text = request.uri().query().unwrap_or_default().to_owned();
    let query = Query::new(&text);
    if !is_presigned(query) {
        return request;
    }
    for (name, value) in query.pairs().filter(|(name, _)| of_header(name)) {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(&value)) {
            request.headers_mut().entry(name).or_insert(value);
        }
    }
    request
}

fn of_header(name: &str) -> bool {
    name.starts_with("x-amz-") || matches!(name, "content-type" | "content-md5")
}
