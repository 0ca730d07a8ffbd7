//! What a request presents as its signature, read strictly: each part once, each in its form. Nothing is believed here yet.

use std::borrow::Cow;

use super::canonical::{decoded, pairs};
use super::{Claim, LONGEST_PRESIGNED, SignedRequest, incomplete, moment};
use crate::shapes::Timestamp;
use crate::{ApiError, ErrorKind};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Where the signature stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// In the `Authorization` header.
    Header,
    /// In the query; good for so many seconds.
    Query { expires: i64 },
}

/// A signature's parts.
#[derive(Debug)]
pub(super) struct Presented<'a> {
    pub form: Form,
    pub access_key_id: Cow<'a, str>,
    pub day: Cow<'a, str>,
    pub region: Cow<'a, str>,
    pub service: Cow<'a, str>,
    pub signed_headers: Cow<'a, str>,
    pub signature: [u8; 32],
    pub date: Cow<'a, str>,
    pub signed_at: Timestamp,
    pub session_token: Option<Cow<'a, str>>,
}

/// For which service and region a request was signed, and by whom: enough to tell S3, STS and EMR Serverless apart on one port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope<'a> {
    /// The signing name, e.g. `emr-serverless`, `s3`, `sts`.
    pub service: Cow<'a, str>,
    /// The region, e.g. `us-east-1`.
    pub region: Cow<'a, str>,
    /// The access key id.
    pub access_key_id: Cow<'a, str>,
}

/// Reads the credential scope of a request without judging it; `None` if the request is not signed with Signature Version 4.
pub fn service_of<'a>(headers: &[(&'a str, &'a str)], raw_query: &'a str) -> Option<Scope<'a>> {
    let authorization = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("authorization"));
    let credential = match authorization.and_then(|(_, value)| value.trim().strip_prefix(ALGORITHM)) {
        Some(parts) => {
            Cow::Borrowed(parts.split(',').find_map(|part| part.trim().strip_prefix("Credential="))?)
        }
        None => query_value(raw_query, "X-Amz-Credential").ok()??,
    };
    let [access_key_id, _, region, service] = credential_parts(credential)?;
    Some(Scope { service, region, access_key_id })
}

impl<'a> Presented<'a> {
    /// Reads the signature of a request from its header or its query.
    pub fn read(request: &SignedRequest<'a>) -> Result<Self, ApiError> {
        let authorization = single_header(request, "authorization")?;
        let in_query = query_value(request.raw_query, "X-Amz-Signature")?;
        match (authorization, in_query) {
            (Some(value), None) => Self::from_header(request, value),
            (None, Some(signature)) => Self::from_query(request, &signature),
            (None, None) => {
                Err(ApiError::new(ErrorKind::MissingAuthenticationToken, "Missing Authentication Token"))
            }
            (Some(_), Some(_)) => {
                Err(incomplete("Only one of the Authorization header and X-Amz-Signature may be given."))
            }
        }
    }

    fn from_header(request: &SignedRequest<'a>, value: &'a str) -> Result<Self, ApiError> {
        let (algorithm, parts) = value.trim().split_once(' ').unwrap_or((value.trim(), ""));
        check_algorithm(algorithm)?;
        let (mut credential, mut signed_headers, mut signature) = (None, None, None);
        for part in parts.split(',').map(str::trim) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let slot = match name {
                "Credential" => &mut credential,
                "SignedHeaders" => &mut signed_headers,
                "Signature" => &mut signature,
                _ => return Err(incomplete(format!("'{name}' is not a part of the Authorization header."))),
            };
            if slot.replace(value).is_some() {
                return Err(incomplete(format!("The Authorization header has '{name}' twice.")));
            }
        }
        let needed = |part: Option<&'a str>, name: &str| {
            part.ok_or_else(|| incomplete(format!("Authorization header requires '{name}' parameter.")))
        };
        let date = single_header(request, "x-amz-date")?.ok_or_else(|| {
            incomplete("Authorization header requires existence of an 'X-Amz-Date' header.")
        })?;
        Self::assembled(
            Form::Header,
            Cow::Borrowed(needed(credential, "Credential")?),
            Cow::Borrowed(needed(signed_headers, "SignedHeaders")?),
            needed(signature, "Signature")?,
            Cow::Borrowed(date.trim()),
            single_header(request, "x-amz-security-token")?.map(Cow::Borrowed),
        )
    }

    fn from_query(request: &SignedRequest<'a>, signature: &str) -> Result<Self, ApiError> {
        let needed = |name: &'static str| {
            query_value(request.raw_query, name)?
                .ok_or_else(|| incomplete(format!("A presigned request requires '{name}'.")))
        };
        check_algorithm(&needed("X-Amz-Algorithm")?)?;
        let expires =
            needed("X-Amz-Expires")?.parse::<i64>().ok().filter(|s| (1..=LONGEST_PRESIGNED).contains(s));
        Self::assembled(
            Form::Query {
                expires: expires.ok_or_else(|| incomplete("X-Amz-Expires must be 1 to 604800 seconds."))?,
            },
            needed("X-Amz-Credential")?,
            needed("X-Amz-SignedHeaders")?,
            signature,
            needed("X-Amz-Date")?,
            query_value(request.raw_query, "X-Amz-Security-Token")?,
        )
    }

    fn assembled(
        form: Form,
        credential: Cow<'a, str>,
        signed_headers: Cow<'a, str>,
        signature: &str,
        date: Cow<'a, str>,
        session_token: Option<Cow<'a, str>>,
    ) -> Result<Self, ApiError> {
        let malformed = "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/aws4_request.";
        let [access_key_id, day, region, service] =
            credential_parts(credential).ok_or_else(|| incomplete(malformed))?;
        if !is_ordered(&signed_headers) {
            return Err(incomplete(
                "SignedHeaders must be lower-case header names, sorted, each once, separated by ';'.",
            ));
        }
        let signature = signature_bytes(signature)
            .ok_or_else(|| incomplete("Signature must be 64 lower-case hexadecimal digits."))?;
        let signed_at = moment::parse(&date)
            .ok_or_else(|| incomplete("X-Amz-Date must be in the form YYYYMMDDTHHMMSSZ."))?;
        Ok(Self {
            form,
            access_key_id,
            day,
            region,
            service,
            signed_headers,
            signature,
            date,
            signed_at,
            session_token,
        })
    }

    /// What is asked of the key lookup.
    pub fn claim(&self) -> Claim<'_> {
        Claim {
            access_key_id: &self.access_key_id,
            day: &self.day,
            region: &self.region,
            service: &self.service,
            session_token: self.session_token.as_deref(),
        }
    }

    /// `day/region/service/aws4_request`.
    pub fn scope(&self) -> String {
        [&self.day, &self.region, &self.service, "aws4_request"].join("/")
    }
}

fn check_algorithm(algorithm: &str) -> Result<(), ApiError> {
    match algorithm {
        ALGORITHM => Ok(()),
        other => Err(incomplete(format!("Unsupported AWS 'algorithm': '{other}'."))),
    }
}

fn single_header<'a>(request: &SignedRequest<'a>, name: &str) -> Result<Option<&'a str>, ApiError> {
    let mut found = request.headers.iter().filter(|(candidate, _)| candidate.eq_ignore_ascii_case(name));
    match (found.next(), found.next()) {
        (_, Some(_)) => Err(incomplete(format!("The header '{name}' is given twice."))),
        (first, None) => Ok(first.map(|(_, value)| *value)),
    }
}

fn query_value<'a>(raw_query: &'a str, name: &str) -> Result<Option<Cow<'a, str>>, ApiError> {
    let mut found = pairs(raw_query).filter(|(raw, _)| *decoded(raw) == *name.as_bytes());
    let text = match (found.next(), found.next()) {
        (None, _) => return Ok(None),
        (Some(_), Some(_)) => return Err(incomplete(format!("'{name}' is given twice."))),
        (Some((_, raw)), None) => match decoded(raw) {
            Cow::Borrowed(bytes) => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
            Cow::Owned(bytes) => String::from_utf8(bytes).ok().map(Cow::Owned),
        },
    };
    text.map(Some).ok_or_else(|| incomplete(format!("'{name}' is not valid UTF-8.")))
}

/// Access key id, day, region and service of `keyid/day/region/service/aws4_request`; none may be empty.
fn credential_parts(credential: Cow<'_, str>) -> Option<[Cow<'_, str>; 4]> {
    match credential {
        Cow::Borrowed(text) => Some(split_credential(text)?.map(Cow::Borrowed)),
        Cow::Owned(text) => Some(split_credential(&text)?.map(|part| Cow::Owned(part.to_owned()))),
    }
}

fn split_credential(text: &str) -> Option<[&str; 4]> {
    let mut parts = text.split('/');
    let found = [parts.next()?, parts.next()?, parts.next()?, parts.next()?];
    let complete = parts.next() == Some("aws4_request") && parts.next().is_none();
    (complete && found.iter().all(|part| !part.is_empty())).then_some(found)
}

fn is_ordered(signed_headers: &str) -> bool {
    let mut last = "";
    signed_headers.split(';').all(|name| {
        let follows = last < name && !name.bytes().any(|b| b.is_ascii_uppercase());
        last = name;
        follows
    })
}

fn signature_bytes(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    let lower = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    (lower && hex::decode_to_slice(text, &mut bytes).is_ok()).then_some(bytes)
}
