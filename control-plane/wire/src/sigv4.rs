//! AWS Signature Version 4 for services other than S3, as values: who signed this request, and is the signature theirs?
//!
//! Two forms: an `Authorization` header, and a presigned query string. The canonical path is the raw path encoded once more, the query is
//! sorted by encoded name and then value, the payload hash is that of the body received. This module does not know where keys are kept or
//! what a session token holds; it asks a [`KeyLookup`] and hands the token back.

mod canonical;
mod key;
mod moment;
mod presented;

use subtle::ConstantTimeEq;

use crate::shapes::Timestamp;
use crate::{ApiError, ErrorKind};
use canonical::canonical_request;
pub use key::{SigningKey, sha256};
use presented::{Form, Presented};
pub use presented::{Scope, service_of};

/// How far a signature's time may lie from now, in milliseconds.
pub const SKEW: i64 = 5 * 60 * 1000;

/// The longest life of a presigned URL, in seconds.
pub const LONGEST_PRESIGNED: i64 = 7 * 24 * 3600;

/// A request as received.
#[derive(Clone, Copy, Debug)]
pub struct SignedRequest<'a> {
    /// The HTTP method.
    pub method: &'a str,
    /// The path, still percent-encoded.
    pub raw_path: &'a str,
    /// The query without its `?`, still percent-encoded.
    pub raw_query: &'a str,
    /// All headers in order; over HTTP/2 the caller puts the authority in as `host`.
    pub headers: &'a [(&'a str, &'a str)],
    /// SHA-256 of the body ([`sha256`]).
    pub body_sha256: &'a [u8; 32],
}

/// What a signature claims, for the lookup of its key.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// The access key id.
    pub access_key_id: &'a str,
    /// The day of the credential scope, `YYYYMMDD`.
    pub day: &'a str,
    /// The region of the credential scope.
    pub region: &'a str,
    /// The service of the credential scope.
    pub service: &'a str,
    /// The session token that came along; not yet proved genuine.
    pub session_token: Option<&'a str>,
}

/// Finds the signing key for a claim: derives it with [`SigningKey::derive`], or takes it from a cache by access key and day.
pub trait KeyLookup {
    /// The key, or `None` if there is no such access key.
    fn signing_key(&self, claim: &Claim<'_>) -> Option<SigningKey>;
}

impl<F: Fn(&Claim<'_>) -> Option<SigningKey>> KeyLookup for F {
    fn signing_key(&self, claim: &Claim<'_>) -> Option<SigningKey> {
        self(claim)
    }
}

/// Who signed a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The access key id whose secret made the signature.
    pub access_key_id: String,
    /// The session token, covered by the signature; what it says is for the caller of [`verify`] to check.
    pub session_token: Option<String>,
    /// When it was signed.
    pub signed_at: Timestamp,
    /// Whether it came as a presigned URL.
    pub presigned: bool,
}

/// Verifies a request's signature for one service and region.
///
/// Errors, all 403: MissingAuthenticationToken (unsigned), IncompleteSignature (malformed), UnrecognizedClient (unknown key), ExpiredToken
/// (a presigned URL past its time), InvalidSignature (anything else, the mismatch included).
pub fn verify(
    request: &SignedRequest<'_>,
    now: Timestamp,
    keys: &impl KeyLookup,
    service: &str,
    region: &str,
) -> Result<Caller, ApiError> {
    let presented = Presented::read(request)?;
    check_scope(&presented, service, region)?;
    check_time(&presented, now)?;
    check_signed_headers(request, &presented)?;
    check_declared_hash(request)?;
    let key = keys.signing_key(&presented.claim()).ok_or_else(|| {
        let message = "The security token included in the request is invalid.";
        ApiError::new(ErrorKind::UnrecognizedClient, message)
            .with_detail(format!("access key {}", presented.access_key_id))
    })?;
    let canonical_sha256 = sha256(&canonical_request(request, &presented.signed_headers, presented.form));
    let expected = key.signature(&presented.date, &presented.scope(), &canonical_sha256);
    if !bool::from(expected.ct_eq(&presented.signature)) {
        return Err(mismatch(&presented, &canonical_sha256));
    }
    Ok(Caller {
        access_key_id: presented.access_key_id.into_owned(),
        session_token: presented.session_token.map(std::borrow::Cow::into_owned),
        signed_at: presented.signed_at,
        presigned: matches!(presented.form, Form::Query { .. }),
    })
}

/// Whether the request at least claims a key that is `known`; nothing is verified, and the body's hash is not looked at.
pub fn claims(request: &SignedRequest<'_>, known: impl Fn(&Claim<'_>) -> bool) -> bool {
    Presented::read(request).is_ok_and(|presented| known(&presented.claim()))
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorKind::InvalidSignature, message)
}

fn incomplete(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorKind::IncompleteSignature, message)
}

fn mismatch(presented: &Presented<'_>, canonical_sha256: &[u8; 32]) -> ApiError {
    invalid(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing \
         method. Consult the service documentation for details.",
    )
    .with_detail(format!(
        "access key {}, signed headers {}, SHA-256 of the canonical request {}",
        presented.access_key_id,
        presented.signed_headers,
        hex::encode(canonical_sha256)
    ))
}

fn check_scope(presented: &Presented<'_>, service: &str, region: &str) -> Result<(), ApiError> {
    if presented.service != service {
        return Err(invalid(format!("Credential should be scoped to correct service: '{service}'.")));
    }
    if presented.region != region {
        return Err(invalid(format!(
            "Credential should be scoped to a valid region, not '{}'.",
            presented.region
        )));
    }
    let day = presented.date.get(..8).unwrap_or_default();
    if presented.day != day {
        return Err(invalid(format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{}' != '{day}', from '{}'.",
            presented.day, presented.date
        )));
    }
    Ok(())
}

fn check_time(presented: &Presented<'_>, now: Timestamp) -> Result<(), ApiError> {
    let (signed, date) = (presented.signed_at.0, &presented.date);
    let text = |milliseconds| moment::format(Timestamp(milliseconds));
    if signed > now.0.saturating_add(SKEW) {
        let latest = text(now.0.saturating_add(SKEW));
        let message = format!(
            "Signature not yet current: {date} is still later than {latest} ({} + 5 min.)",
            text(now.0)
        );
        return Err(invalid(message));
    }
    match presented.form {
        Form::Header if signed < now.0.saturating_sub(SKEW) => {
            let earliest = text(now.0.saturating_sub(SKEW));
            Err(invalid(format!(
                "Signature expired: {date} is now earlier than {earliest} ({} - 5 min.)",
                text(now.0)
            )))
        }
        Form::Query { expires } if signed.saturating_add(expires * 1000) < now.0 => {
            let end = text(signed.saturating_add(expires * 1000));
            Err(ApiError::new(
                ErrorKind::ExpiredToken,
                format!("Signature expired: {end} is now earlier than {}.", text(now.0)),
            ))
        }
        _ => Ok(()),
    }
}

/// `host` must be signed, every `x-amz-*` header present must be signed, and every header said to be signed must be present.
fn check_signed_headers(request: &SignedRequest<'_>, presented: &Presented<'_>) -> Result<(), ApiError> {
    let signed = || presented.signed_headers.split(';');
    if !signed().any(|name| name == "host") {
        return Err(invalid("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."));
    }
    for (name, _) in request.headers {
        let is_amz = name.get(..6).is_some_and(|prefix| prefix.eq_ignore_ascii_case("x-amz-"));
        if is_amz && !signed().any(|signed| signed.eq_ignore_ascii_case(name)) {
            return Err(invalid(format!(
                "The header '{}' must be a 'SignedHeader' in the AWS Authorization.",
                name.to_ascii_lowercase()
            )));
        }
    }
    match signed().find(|name| !request.headers.iter().any(|(present, _)| present.eq_ignore_ascii_case(name)))
    {
        Some(absent) => Err(invalid(format!("The header '{absent}' is named as signed but absent."))),
        None => Ok(()),
    }
}

/// These services take no unsigned or streaming payloads: where a hash is declared it must be the body's.
fn check_declared_hash(request: &SignedRequest<'_>) -> Result<(), ApiError> {
    let mut declared =
        request.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("x-amz-content-sha256"));
    if declared.all(|(_, value)| value.trim() == hex::encode(request.body_sha256)) {
        Ok(())
    } else {
        Err(invalid("The header 'x-amz-content-sha256' does not match the body."))
    }
}
