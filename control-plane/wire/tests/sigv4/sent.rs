//! Requests that a test can bend, signed with aws-sigv4 as the SDKs sign.

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings};
use aws_sigv4::sign::v4;
use firesteel_wire::ErrorKind;
use firesteel_wire::shapes::Timestamp;
use firesteel_wire::sigv4::{Caller, Claim, SignedRequest, SigningKey, sha256, verify};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::time::{Duration, SystemTime};

pub const ACCESS_KEY: &str = "AKIDEXAMPLE";
pub const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
pub const TOKEN: &str = "token+/=";
/// 2026-01-02T03:04:05Z.
pub const NOW: i64 = 1_767_323_045_000;

/// An owned request.
#[derive(Clone, Debug, PartialEq)]
pub struct Sent {
    pub method: String,
    pub path: String,
    pub query: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// Who signs, when, and for what.
#[derive(Clone, Copy, Debug)]
pub struct Signing<'a> {
    pub access_key: &'a str,
    pub secret: &'a str,
    pub token: Option<&'a str>,
    /// As a URL that is good for so many seconds, instead of headers.
    pub presign: Option<u64>,
    pub region: &'a str,
    pub service: &'a str,
    /// Milliseconds since 1970.
    pub at: i64,
}

/// What the verifier expects, in headers and without a token.
pub const PLAIN: Signing<'static> = Signing {
    access_key: ACCESS_KEY,
    secret: SECRET,
    token: None,
    presign: None,
    region: "us-east-1",
    service: "emr-serverless",
    at: NOW,
};

impl Sent {
    /// Unsigned, with a host and, if there is a body, its type.
    pub fn new(method: &str, path: &str, query: &str, body: &str) -> Self {
        let mut headers = vec![("host".to_owned(), "127.0.0.1:9400".to_owned())];
        if !body.is_empty() {
            headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
        }
        Self { method: method.into(), path: path.into(), query: query.into(), headers, body: body.into() }
    }

    /// With one more header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Signed with aws-sigv4, as the SDKs do.
    pub fn signed(mut self, signing: Signing<'_>) -> Self {
        let (headers, params) = instructions(&self, signing);
        self.headers.extend(headers);
        for (name, value) in params {
            let separator = if self.query.is_empty() { "" } else { "&" };
            self.query += &format!("{separator}{name}={}", utf8_percent_encode(&value, NON_ALPHANUMERIC));
        }
        self
    }

    /// Who sent it, if it is let in at this moment.
    pub fn verdict_at(&self, now: i64) -> Result<Caller, ErrorKind> {
        let headers: Vec<(&str, &str)> = self.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let request = SignedRequest {
            method: &self.method,
            raw_path: &self.path,
            raw_query: &self.query,
            headers: &headers,
            body_sha256: &sha256(&self.body),
        };
        verify(&request, Timestamp(now), &keys, PLAIN.service, PLAIN.region).map_err(|error| error.kind)
    }

    /// Who sent it, if it is let in.
    pub fn verdict(&self) -> Result<Caller, ErrorKind> {
        self.verdict_at(NOW)
    }
}

/// One access key, good for every day, region and service: it is the verifier that must tell them apart.
pub fn keys(claim: &Claim<'_>) -> Option<SigningKey> {
    (claim.access_key_id == ACCESS_KEY)
        .then(|| SigningKey::derive(SECRET, claim.day, claim.region, claim.service))
}

type Pairs = Vec<(String, String)>;

/// The headers and parameters that the signer adds.
fn instructions(sent: &Sent, signing: Signing<'_>) -> (Pairs, Pairs) {
    let token = signing.token.map(str::to_owned);
    let identity = Credentials::new(signing.access_key, signing.secret, token, None, "test").into();
    let mut settings = SigningSettings::default();
    if let Some(seconds) = signing.presign {
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(Duration::from_secs(seconds));
    }
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(signing.region)
        .name(signing.service)
        .time(SystemTime::UNIX_EPOCH + Duration::from_millis(signing.at as u64))
        .settings(settings)
        .build()
        .expect("complete parameters")
        .into();
    let mark = if sent.query.is_empty() { "" } else { "?" };
    let uri = format!("http://127.0.0.1:9400{}{mark}{}", sent.path, sent.query);
    let headers = sent.headers.iter().map(|(n, v)| (n.as_str(), v.as_str()));
    let signable =
        SignableRequest::new(&sent.method, uri, headers, SignableBody::Bytes(&sent.body)).expect("signable");
    let (made, _) = aws_sigv4::http_request::sign(signable, &params).expect("signs").into_parts();
    let (headers, params) = made.into_parts();
    let headers = headers.iter().map(|h| (h.name().to_owned(), h.value().to_owned())).collect();
    (headers, params.into_iter().map(|(name, value)| (name.to_owned(), value.into_owned())).collect())
}

/// Five requests of different forms, all valid, with the token and form of each.
pub fn valid() -> Vec<(Sent, Signing<'static>)> {
    let tags = "/tags/arn%3Aaws%3Aemr-serverless%3Aus-east-1%3A123456789012%3A%2Fapplications%2Fa1";
    let (token, presign) = (Some(TOKEN), Some(600));
    let unsigned = [
        (Sent::new("GET", "/applications/a1", "", ""), PLAIN),
        (
            Sent::new("POST", "/applications/a1/jobruns", "", r#"{"name":"n"}"#)
                .header("x-amz-meta", "a")
                .header("X-Amz-Meta", "b"),
            Signing { token, ..PLAIN },
        ),
        (Sent::new("DELETE", tags, "tagKeys=b%20c&tagKeys=a%3Ab", ""), PLAIN),
        (Sent::new("GET", "/applications", "states=STARTED&maxResults=5", ""), Signing { presign, ..PLAIN }),
        (Sent::new("GET", "/applications/a1/jobruns/r1", "", ""), Signing { token, presign, ..PLAIN }),
    ];
    unsigned.into_iter().map(|(sent, signing)| (sent.signed(signing), signing)).collect()
}
