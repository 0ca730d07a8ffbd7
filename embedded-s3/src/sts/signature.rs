//! Signature Version 4 of STS requests, in the `Authorization` header.
//!
//! s3s verifies S3's own; it does not serve other query APIs.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::answer::Fault;
use crate::access::{Keys, Stranger, now_ms};

/// The furthest a request's time may be from ours, in milliseconds.
const SKEW_MS: i64 = 15 * 60 * 1000;

/// What an `Authorization` header says.
struct Claim<'h> {
    access_key: &'h str,
    date: &'h str,
    region: &'h str,
    signed: Vec<&'h str>,
    signature: &'h str,
}

/// Verifies a request; answers the access key it was signed with.
pub fn verify(keys: &Keys, parts: &http::request::Parts, body: &[u8]) -> Result<String, Fault> {
    let header = parts.headers.get(http::header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let header = header.ok_or_else(|| {
        Fault::forbidden("MissingAuthenticationToken", "Request is missing Authentication Token")
    })?;
    let claim = read(header).ok_or_else(|| {
        Fault::bad_request(
            "IncompleteSignature",
            "The Authorization header is not one of AWS4-HMAC-SHA256 for sts".into(),
        )
    })?;
    let date = parts.headers.get("x-amz-date").and_then(|value| value.to_str().ok()).unwrap_or_default();
    check_time(date, claim.date)?;
    let secret = keys.secret_key(claim.access_key).ok_or_else(|| Fault::stranger(Stranger::Unknown))?;
    let canonical = canonical_request(parts, &claim.signed, body).ok_or_else(mismatch)?;
    let scope = format!("{}/{}/sts/aws4_request", claim.date, claim.region);
    let to_sign = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hex::encode(Sha256::digest(canonical)));
    let mut key = mac(format!("AWS4{secret}").as_bytes(), claim.date);
    for step in [claim.region, "sts", "aws4_request"] {
        key = mac(&key, step);
    }
    let expected = hex::encode(mac(&key, &to_sign));
    let genuine: bool = expected.as_bytes().ct_eq(claim.signature.as_bytes()).into();
    if genuine { Ok(claim.access_key.to_owned()) } else { Err(mismatch()) }
}

fn mismatch() -> Fault {
    Fault::forbidden(
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.",
    )
}

fn read(header: &str) -> Option<Claim<'_>> {
    let fields = header.strip_prefix("AWS4-HMAC-SHA256")?;
    let field =
        |name: &str| fields.split(',').find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='));
    let mut scope = field("Credential")?.rsplitn(5, '/');
    let (kind, service, region, date, access_key) =
        (scope.next()?, scope.next()?, scope.next()?, scope.next()?, scope.next()?);
    if kind != "aws4_request" || service != "sts" {
        return None;
    }
    let signed: Vec<&str> = field("SignedHeaders")?.split(';').collect();
    let signature = field("Signature")?;
    // Without the host a signature could be carried to another server; the others give it its time.
    signed.contains(&"host").then_some(Claim { access_key, date, region, signed, signature })
}

fn check_time(date: &str, scope_date: &str) -> Result<(), Fault> {
    let time = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", date)
        .and_then(|time| time.to_zoned(jiff::tz::TimeZone::UTC))
        .map_err(|_| {
            Fault::bad_request("IncompleteSignature", "Date must be in ISO-8601 'basic format'".into())
        })?;
    if !date.starts_with(scope_date) || scope_date.len() != 8 {
        return Err(Fault::forbidden(
            "SignatureDoesNotMatch",
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP",
        ));
    }
    let distance = now_ms() - time.timestamp().as_millisecond();
    if distance.abs() <= SKEW_MS {
        return Ok(());
    }
    let text = if distance > 0 { "Signature expired" } else { "Signature not yet current" };
    Err(Fault::forbidden("SignatureDoesNotMatch", format!("{text}: {date}")))
}

fn canonical_request(parts: &http::request::Parts, signed: &[&str], body: &[u8]) -> Option<String> {
    let mut pairs: Vec<&str> =
        parts.uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()).collect();
    pairs.sort_unstable();
    let query: Vec<String> = pairs
        .into_iter()
        .map(|pair| if pair.contains('=') { pair.to_owned() } else { format!("{pair}=") })
        .collect();
    let mut headers = String::new();
    for name in signed {
        let values = parts.headers.get_all(*name).into_iter();
        let values: Option<Vec<String>> = values
            .map(|value| Some(value.to_str().ok()?.split_whitespace().collect::<Vec<_>>().join(" ")))
            .collect();
        let values = values.filter(|values| !values.is_empty());
        let value = match values {
            Some(values) => values.join(","),
            // HTTP/2 carries the host in the address.
            None if *name == "host" => parts.uri.authority()?.to_string(),
            None => return None,
        };
        headers.push_str(&format!("{name}:{value}\n"));
    }
    Some(format!(
        "{}\n{}\n{}\n{headers}\n{}\n{}",
        parts.method,
        parts.uri.path(),
        query.join("&"),
        signed.join(";"),
        hex::encode(Sha256::digest(body))
    ))
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}
