//! Who signed an API request. The last signing key that was derived for an access key is kept.

use crate::operations::SERVICE;
use crate::ports::{Identities, Identity, Parts};
use firesteel_wire::shapes::Timestamp;
use firesteel_wire::sigv4::{self, Claim, SignedRequest, SigningKey};
use firesteel_wire::{ApiError, ErrorKind};
use http::HeaderMap;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Keys that are kept at most; then all are derived afresh.
const MOST_KEYS: usize = 1_000;

/// Headers besides `x-amz-*` that say something to this service.
const MEANT: [&str; 4] = ["authorization", "host", "content-type", "date"];

/// The key that was derived last for an access key.
struct Derived {
    day: String,
    secret: String,
    key: SigningKey,
}

pub(super) struct Verifier {
    parts: Parts,
    identities: Arc<dyn Identities>,
    keys: Mutex<BTreeMap<String, Derived>>,
}

impl Verifier {
    pub(super) fn new(parts: &Parts) -> Self {
        Self { parts: parts.clone(), identities: parts.identities.clone(), keys: Mutex::default() }
    }

    pub(super) fn verify(&self, parts: &http::request::Parts, body: &[u8]) -> Result<Identity, ApiError> {
        let headers = readable(&parts.headers)?;
        let body_sha256 = sigv4::sha256(body);
        let request = signed(parts, &headers, &body_sha256);
        let now = Timestamp(self.parts.world.now());
        let found = Cell::new(None);
        let lookup = |claim: &Claim<'_>| {
            let identity = self.identities.find(claim.access_key_id, claim.session_token)?;
            let key = self.key(claim, &identity);
            found.set(Some(identity));
            Some(key)
        };
        sigv4::verify(&request, now, &lookup, SERVICE, &self.parts.config.region)?;
        // The one whose secret has made the signature.
        let identity = found.take();
        let refuse = |kind, state: &str| {
            ApiError::new(kind, format!("The security token included in the request is {state}"))
        };
        let identity = identity.ok_or_else(|| refuse(ErrorKind::UnrecognizedClient, "invalid."))?;
        match identity.expires {
            Some(end) if end.0 <= now.0 => Err(refuse(ErrorKind::ExpiredToken, "expired")),
            _ => Ok(identity),
        }
    }

    /// Whether a request names a key of somebody who may call. It can be asked before the body has come.
    pub(super) fn knows(&self, parts: &http::request::Parts) -> bool {
        let Ok(headers) = readable(&parts.headers) else { return false };
        let known =
            |claim: &Claim<'_>| self.identities.find(claim.access_key_id, claim.session_token).is_some();
        sigv4::claims(&signed(parts, &headers, &[0; 32]), known)
    }

    fn key(&self, claim: &Claim<'_>, identity: &Identity) -> SigningKey {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = keys.get(claim.access_key_id)
            && (known.day.as_str(), &known.secret) == (claim.day, &identity.secret)
        {
            return known.key.clone();
        }
        let key = SigningKey::derive(&identity.secret, claim.day, claim.region, claim.service);
        if keys.len() >= MOST_KEYS {
            keys.clear();
        }
        let derived =
            Derived { day: claim.day.to_owned(), secret: identity.secret.clone(), key: key.clone() };
        keys.insert(claim.access_key_id.to_owned(), derived);
        key
    }
}

fn signed<'a>(
    parts: &'a http::request::Parts,
    headers: &'a [(&'a str, &'a str)],
    body_sha256: &'a [u8; 32],
) -> SignedRequest<'a> {
    SignedRequest {
        method: parts.method.as_str(),
        raw_path: parts.uri.path(),
        raw_query: parts.uri.query().unwrap_or_default(),
        headers,
        body_sha256,
    }
}

/// The headers that a signature can cover. One that is not visible ASCII is left out if it means nothing to AWS;
/// otherwise the request is refused, for it would go unread past the rule that every such header is signed.
fn readable(headers: &HeaderMap) -> Result<Vec<(&str, &str)>, ApiError> {
    let mut readable = Vec::with_capacity(headers.len());
    for (name, value) in headers {
        match value.to_str() {
            Ok(value) => readable.push((name.as_str(), value)),
            Err(_) if name.as_str().starts_with("x-amz-") || MEANT.contains(&name.as_str()) => {
                let text = format!("The value of the header '{name}' is not visible ASCII.");
                return Err(ApiError::new(ErrorKind::IncompleteSignature, text));
            }
            Err(_) => {}
        }
    }
    Ok(readable)
}
