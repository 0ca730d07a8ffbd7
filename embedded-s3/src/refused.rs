//! Requests that s3s would take and must not: what it checks too little of, and what it would do under another name.
//!
//! It looks at address and headers alone; who asks, and whether the signature is right, is for others to say.

use std::borrow::Cow;

use http::{HeaderMap, Method, Request, header};
use percent_encoding::percent_decode_str;
use s3s::{S3Error, S3ErrorCode, S3Result};

use crate::presigned;

/// The longest life of a presigned URL, in seconds.
const PRESIGNED_MAX: i128 = 7 * 24 * 60 * 60;
/// The longest XML body: 10,000 parts with their checksums fit, in bytes.
pub const XML_MAX: usize = 4 * 1024 * 1024;
const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// Headers that the signature covers by another way, that prove themselves, or that mean nothing.
const COVERED: [&str; 4] = ["x-amz-content-sha256", "x-amz-date", "x-amz-security-token", "x-amz-user-agent"];
/// What `x-amz-acl` may say where everything belongs to one owner.
const OWNERS_ACLS: [&str; 2] = ["private", "bucket-owner-full-control"];
/// Storage classes of S3 from which an object can be read at once. All are kept alike.
const CLASSES: [&str; 8] = [
    "STANDARD",
    "REDUCED_REDUNDANCY",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER_IR",
    "EXPRESS_ONEZONE",
    "OUTPOSTS",
];
/// Headers that ask for what is not there and would be missed.
const UNKNOWN_HEADERS: [&str; 5] = [
    "x-amz-server-side-encryption-customer-",
    "x-amz-copy-source-server-side-encryption-customer-",
    "x-amz-object-lock-",
    "x-amz-bucket-object-lock-enabled",
    "x-amz-object-annotation",
];

/// Why a request is not even looked at.
pub fn refused<B>(request: &Request<B>) -> S3Result<()> {
    let (headers, query) = (request.headers(), Query::new(request.uri().query().unwrap_or_default()));
    signed_as_it_must(request.method(), headers, query)?;
    nothing_unsigned(headers, query)?;
    known_subresource(request.method(), request.uri().path(), query)?;
    if headers.get("content-md5").is_some_and(|md5| md5.is_empty()) {
        return refuse(S3ErrorCode::InvalidDigest, "The Content-MD5 you specified was invalid.");
    }
    let len = text(headers, header::CONTENT_LENGTH).and_then(|len| len.parse::<usize>().ok());
    if *request.method() == Method::POST && len.is_some_and(|len| len > XML_MAX) {
        return refuse(S3ErrorCode::MaxMessageLengthExceeded, "Your request was too big.");
    }
    headers.iter().try_for_each(|(name, value)| known_header(name.as_str(), value.as_bytes()))
}

fn signed_as_it_must(method: &Method, headers: &HeaderMap, query: Query<'_>) -> S3Result<()> {
    let authorization = text(headers, header::AUTHORIZATION);
    if authorization.is_some_and(|value| !value.starts_with(ALGORITHM)) {
        return refuse(
            S3ErrorCode::InvalidRequest,
            "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
        );
    }
    let older = presigned::is_presigned(query);
    if older {
        presigned::check(method, query)?;
    }
    if authorization.is_some() && (older || query.get("X-Amz-Signature").is_some()) {
        return refuse(
            S3ErrorCode::InvalidArgument,
            "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified",
        );
    }
    let form = text(headers, header::CONTENT_TYPE).is_some_and(|kind| {
        kind.get(..19).is_some_and(|kind| kind.eq_ignore_ascii_case("multipart/form-data"))
    });
    if form && *method == Method::POST {
        return refuse(S3ErrorCode::NotImplemented, "uploads by HTML forms are not supported");
    }
    let presigned = query.get("X-Amz-Credential");
    let region = authorization.and_then(|text| text.split("Credential=").nth(1)?.split('/').nth(2));
    if region.is_some_and(|region| {
        region.contains(|letter: char| {
            !letter.is_ascii_lowercase() && !letter.is_ascii_digit() && letter != '-'
        })
    }) {
        return refuse(
            S3ErrorCode::AuthorizationHeaderMalformed,
            "The authorization header is malformed; the region is wrong",
        );
    }
    if [authorization, presigned.as_deref()]
        .into_iter()
        .flatten()
        .any(|scope| scope.contains("/sts/aws4_request"))
    {
        return refuse(
            S3ErrorCode::AuthorizationHeaderMalformed,
            "The authorization header is malformed; incorrect service \"sts\". This endpoint belongs to \"s3\".",
        );
    }
    let amiss = match query.get("X-Amz-Expires").map(|seconds| seconds.parse::<i128>()) {
        Some(Err(_)) => "X-Amz-Expires should be a number",
        Some(Ok(..0)) => "X-Amz-Expires must be non-negative",
        Some(Ok(seconds)) if seconds > PRESIGNED_MAX => {
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds"
        }
        _ => return Ok(()),
    };
    refuse(S3ErrorCode::AuthorizationQueryParametersError, amiss)
}

/// Whoever holds a presigned URL must not make another operation of it: `x-amz-copy-source` turns a PUT of their own bytes
/// into a copy of somebody else's.
fn nothing_unsigned(headers: &HeaderMap, query: Query<'_>) -> S3Result<()> {
    let authorization = text(headers, header::AUTHORIZATION);
    let signed = match query.get("X-Amz-SignedHeaders") {
        Some(signed) => signed,
        None => {
            let Some(authorization) = authorization else { return Ok(()) };
            let signed = authorization.split("SignedHeaders=").nth(1).unwrap_or_default();
            Cow::Borrowed(signed.split(',').next().unwrap_or_default().trim())
        }
    };
    let is_signed = |name: &str| signed.split(';').any(|signed| signed.eq_ignore_ascii_case(name));
    let mut named = headers.keys().map(header::HeaderName::as_str);
    match named.find(|name| name.starts_with("x-amz-") && !COVERED.contains(name) && !is_signed(name)) {
        Some(name) => refuse(
            S3ErrorCode::AccessDenied,
            format!("There were headers present in the request which were not signed: {name}"),
        ),
        None => Ok(()),
    }
}

/// s3s takes a request with a subresource that it does not know for one without: `DELETE /bucket?metadataConfiguration`
/// would delete the bucket.
fn known_subresource(method: &Method, path: &str, query: Query<'_>) -> S3Result<()> {
    let of_object = path.trim_start_matches('/').split_once('/').is_some_and(|(_, key)| !key.is_empty());
    let known: &[&str] = match (method, of_object) {
        (&Method::PUT, false) => &[
            "accelerate",
            "acl",
            "analytics",
            "cors",
            "encryption",
            "intelligent-tiering",
            "inventory",
            "lifecycle",
            "logging",
            "metrics",
            "notification",
            "object-lock",
            "ownershipControls",
            "policy",
            "publicAccessBlock",
            "replication",
            "requestPayment",
            "tagging",
            "versioning",
            "website",
        ],
        (&Method::PUT, true) => &["acl", "legal-hold", "retention", "tagging"],
        (&Method::DELETE, false) => &[
            "analytics",
            "cors",
            "encryption",
            "intelligent-tiering",
            "inventory",
            "lifecycle",
            "metadataTable",
            "metrics",
            "ownershipControls",
            "policy",
            "publicAccessBlock",
            "replication",
            "tagging",
            "website",
        ],
        (&Method::DELETE, true) => &["tagging"],
        (&Method::POST, false) => &["delete", "metadataTable"],
        (&Method::POST, true) => &["restore", "select", "uploads"],
        _ => return Ok(()),
    };
    let unknown = query.pairs().find(|(name, value)| {
        value.is_empty() && !name.is_empty() && name != "versionId" && !known.contains(&&**name)
    });
    match unknown {
        Some((name, _)) => refuse(
            S3ErrorCode::NotImplemented,
            format!("The subresource \"{name}\" implies functionality that is not implemented"),
        ),
        None => Ok(()),
    }
}

fn known_header(name: &str, value: &[u8]) -> S3Result<()> {
    let is_one_of = |known: &[&str]| known.iter().any(|known| known.as_bytes() == value);
    if name == "x-amz-acl" && !is_one_of(&OWNERS_ACLS) || name.starts_with("x-amz-grant-") {
        let code = S3ErrorCode::Custom("AccessControlListNotSupported".into());
        return refuse(code, "The bucket does not allow ACLs");
    }
    if name == "x-amz-storage-class" && !is_one_of(&CLASSES) {
        return refuse(S3ErrorCode::InvalidStorageClass, "The storage class you specified is not valid");
    }
    let off = value.eq_ignore_ascii_case(b"false") || value.is_empty();
    if !off && UNKNOWN_HEADERS.iter().any(|unknown| name.starts_with(unknown)) {
        return refuse(
            S3ErrorCode::NotImplemented,
            format!("A header you provided implies functionality that is not implemented: {name}"),
        );
    }
    Ok(())
}

fn refuse(code: S3ErrorCode, message: impl Into<Cow<'static, str>>) -> S3Result<()> {
    let mut error = S3Error::with_message(code, message);
    if error.status_code().is_none() {
        error.set_status_code(http::StatusCode::BAD_REQUEST);
    }
    Err(error)
}

/// A query string, whose names may be spelled with percent signs as well as its values.
#[derive(Clone, Copy)]
pub struct Query<'q>(&'q str);

impl<'q> Query<'q> {
    /// The query string of an address.
    pub fn new(text: &'q str) -> Self {
        Self(text)
    }

    /// Names and values, decoded.
    pub fn pairs(self) -> impl Iterator<Item = (Cow<'q, str>, Cow<'q, str>)> {
        let decode = |text: &'q str| percent_decode_str(text).decode_utf8_lossy();
        self.0
            .split('&')
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(move |(name, value)| (decode(name), decode(value)))
    }

    /// The value of the first parameter of this name.
    pub fn get(self, name: &str) -> Option<Cow<'q, str>> {
        self.pairs().find(|(known, _)| known == name).map(|(_, value)| value)
    }
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}
