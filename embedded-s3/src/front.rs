//! In front of s3s: its settings, and finishing touches on its answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use s3s::Body;
use s3s::config::{S3Config, StaticConfigProvider};
use s3s::service::{S3Service, S3ServiceBuilder};

use crate::access::Gate;
use crate::api::Api;
use crate::body::{Framing, Observed, reframe};
use crate::presigned::with_headers;
use crate::refused::{Query, XML_MAX, refused};

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
pub async fn answer(service: &S3Service, region: &str, request: Request<Body>) -> Response<Body> {
    let attributes = request.method() == Method::GET && has_parameter(&request, "attributes");
    let mut response = match refused(&request) {
        Err(error) => error.to_http_response().unwrap_or_else(|_| empty(StatusCode::INTERNAL_SERVER_ERROR)),
        Ok(()) => match service.call(observed(in_small_chunks(with_headers(request)))).await {
            Ok(response) => response,
            Err(_) => empty(StatusCode::INTERNAL_SERVER_ERROR),
        },
    };
    if response.status() == StatusCode::NOT_MODIFIED {
        *response.body_mut() = Body::empty();
    }
    static REQUESTS: AtomicU64 = AtomicU64::new(1);
    let id = format!("{:016X}", REQUESTS.fetch_add(1, Ordering::Relaxed));
    if response.status().is_client_error() || response.status().is_server_error() {
        rewrite(&mut response, |text| with_words(text, &id, region));
    } else if attributes {
        // Here alone S3 writes the entity tag without its quotes.
        rewrite(&mut response, |text| {
            let text = text.replace("<ETag>&quot;", "<ETag>").replace("&quot;</ETag>", "</ETag>");
            text.replace("<ETag>\"", "<ETag>").replace("\"</ETag>", "</ETag>")
        });
    }
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert("x-amz-request-id", id);
    }
    response
}

/// A body that is framed in chunks, in chunks that s3s can hold.
fn in_small_chunks(request: Request<Body>) -> Request<Body> {
    match Framing::of(request.headers()) {
        Some(framing) => request.map(|body| reframe(body, framing)),
        None => request,
    }
}

/// An error with the id of its request, and with S3's words if s3s has none.
fn with_words(text: &str, id: &str, region: &str) -> String {
    let mut more = format!("<RequestId>{id}</RequestId></Error>");
    if text.contains("<Code>AuthorizationHeaderMalformed</Code>") {
        // Some clients ask again with the region that they are told.
        more.insert_str(0, &format!("<Region>{region}</Region>"));
    }
    if !text.contains("<Message>") {
        let code = text.split("<Code>").nth(1).and_then(|rest| rest.split("</Code>").next());
        more.insert_str(0, &format!("<Message>{}</Message>", words(code.unwrap_or_default())));
    }
    text.replace("</Error>", &more)
}

fn words(code: &str) -> &'static str {
    match code {
        "SignatureDoesNotMatch" => {
            "The request signature we calculated does not match the signature you provided. Check your key and signing method."
        }
        "InvalidBucketName" => "The specified bucket is not valid.",
        "KeyTooLongError" => "Your key is too long",
        "InvalidURI" => "Couldn't parse the specified URI.",
        "MalformedXML" => {
            "The XML you provided was not well-formed or did not validate against our published schema"
        }
        "MissingContentLength" => "You must provide the Content-Length HTTP header.",
        "IncompleteBody" => {
            "You did not provide the number of bytes specified by the Content-Length HTTP header"
        }
        "MethodNotAllowed" => "The specified method is not allowed against this resource.",
        "InternalError" => "We encountered an internal error. Please try again.",
        _ => "The request was refused.",
    }
}

/// A list of what to delete is hashed on its way in: s3s takes its checksums for its own and checks none.
fn observed(mut request: Request<Body>) -> Request<Body> {
    let deletes = request.method() == Method::POST && has_parameter(&request, "delete");
    if !deletes || Framing::of(request.headers()).is_some() {
        return request;
    }
    let seen = Observed::new(request.headers());
    request.extensions_mut().insert(seen.clone());
    request.map(|body| seen.watch(body))
}

fn has_parameter(request: &Request<Body>, name: &str) -> bool {
    Query::new(request.uri().query().unwrap_or_default()).get(name).is_some()
}

/// Changes an XML body that is held whole.
fn rewrite(response: &mut Response<Body>, change: impl FnOnce(&str) -> String) {
    let is_xml =
        response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes() == b"application/xml");
    let body = response.body().bytes().filter(|_| is_xml);
    let changed = body.and_then(|body| std::str::from_utf8(&body).ok().map(change));
    if let Some(changed) = changed {
        response.headers_mut().remove(CONTENT_LENGTH);
        *response.body_mut() = Body::from(changed);
    }
}

/// An answer without a body.
pub fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
