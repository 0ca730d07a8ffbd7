//! The other side: signing a request with an `Authorization` header, for our own command line.

use super::canonical::canonical_request;
use super::presented::Form;
use super::{SignedRequest, SigningKey, moment, sha256};
use crate::shapes::Timestamp;

/// Whose signature, for which service and region.
#[derive(Clone, Copy)]
pub struct Signer<'a> {
    /// The access key id.
    pub access_key_id: &'a str,
    /// Its secret.
    pub secret: &'a str,
    /// The session token, if the key is a temporary one.
    pub session_token: Option<&'a str>,
    /// The signing name, e.g. `emr-serverless`.
    pub service: &'a str,
    /// The region.
    pub region: &'a str,
}

/// The headers to add to a request: `x-amz-date`, `x-amz-security-token` if there is a token, and `authorization`. All headers that the
/// request already has are signed, and must be sent as they are; `host` must be among them.
pub fn sign(request: &SignedRequest<'_>, signer: &Signer<'_>, now: Timestamp) -> Vec<(&'static str, String)> {
    let date = moment::format(now);
    let day = date.get(..8).unwrap_or_default();
    let mut headers = request.headers.to_vec();
    headers.push(("x-amz-date", &date));
    headers.extend(signer.session_token.map(|token| ("x-amz-security-token", token)));
    let mut names: Vec<String> = headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    names.sort_unstable();
    names.dedup();
    let signed_headers = names.join(";");

    let complete = SignedRequest { headers: &headers, ..*request };
    let hash = sha256(&canonical_request(&complete, &signed_headers, Form::Header));
    let scope = [day, signer.region, signer.service, "aws4_request"].join("/");
    let key = SigningKey::derive(signer.secret, day, signer.region, signer.service);
    let signature = hex::encode(key.signature(&date, &scope, &hash));
    let credential = format!("{}/{scope}", signer.access_key_id);
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={signed_headers}, Signature={signature}"
    );
    let mut added = vec![("x-amz-date", date)];
    added.extend(signer.session_token.map(|token| ("x-amz-security-token", token.to_owned())));
    added.push(("authorization", authorization));
    added
}
