//! What is refused though nobody has altered it, and with which error.

use crate::sent::{NOW, PLAIN, Sent, Signing, keys, valid};
use firesteel_wire::ErrorKind;
use firesteel_wire::shapes::Timestamp;
use firesteel_wire::sigv4::{Claim, SignedRequest, service_of, sha256, verify};

const MINUTE: i64 = 60_000;

#[test]
fn a_declared_hash_must_be_the_bodys() {
    let declaring = |hash: &str| {
        let sent = Sent::new("POST", "/applications", "", "{}").header("X-Amz-Content-Sha256", hash);
        sent.signed(PLAIN).verdict().err()
    };
    assert_eq!(declaring("44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"), None);
    for other in ["UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", ""] {
        assert_eq!(declaring(other), Some(ErrorKind::InvalidSignature), "{other}");
    }
}

#[test]
fn a_request_with_two_signatures() {
    let twice = valid()[3].0.clone().signed(PLAIN);
    assert_eq!(twice.verdict().err(), Some(ErrorKind::IncompleteSignature));
}

/// Signed without a flaw, but by somebody else, for something else or at another time.
#[test]
fn signed_for_another() {
    use ErrorKind::{ExpiredToken, InvalidSignature, UnrecognizedClient};
    let late = |later: i64| Signing { at: NOW + later, ..PLAIN };
    let table = [
        (Signing { secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEZ", ..PLAIN }, InvalidSignature),
        (Signing { secret: "", ..PLAIN }, InvalidSignature),
        (Signing { access_key: "AKIDEXAMPLF", ..PLAIN }, UnrecognizedClient),
        (Signing { access_key: "akidexample", ..PLAIN }, UnrecognizedClient),
        (Signing { region: "us-east-2", ..PLAIN }, InvalidSignature),
        (Signing { region: "US-EAST-1", ..PLAIN }, InvalidSignature),
        (Signing { service: "s3", ..PLAIN }, InvalidSignature),
        (Signing { service: "sts", ..PLAIN }, InvalidSignature),
        (Signing { service: "emr-containers", ..PLAIN }, InvalidSignature),
        (late(5 * MINUTE + 1000), InvalidSignature),
        (late(-5 * MINUTE - 1000), InvalidSignature),
        (late(24 * 60 * MINUTE), InvalidSignature),
        (late(-24 * 60 * MINUTE), InvalidSignature),
        (Signing { presign: Some(60), ..late(-2 * MINUTE) }, ExpiredToken),
        (Signing { presign: Some(604_800), ..late(5 * MINUTE + 1000) }, InvalidSignature),
    ];
    for (signing, expected) in table {
        for (method, path, body) in [("GET", "/applications", ""), ("POST", "/applications", "{}")] {
            let sent = Sent::new(method, path, "", body).signed(signing);
            assert_eq!(sent.verdict().err(), Some(expected), "{signing:?}");
        }
    }
}

#[test]
fn verified_for_another() {
    let sent = &valid()[0].0;
    let headers: Vec<(&str, &str)> = sent.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let request = SignedRequest {
        method: "GET",
        raw_path: &sent.path,
        raw_query: "",
        headers: &headers,
        body_sha256: &sha256(b""),
    };
    let kind = |service: &str, region: &str| {
        verify(&request, Timestamp(NOW), &keys, service, region).map_err(|e| e.kind)
    };
    assert!(kind("emr-serverless", "us-east-1").is_ok());
    assert_eq!(kind("sts", "us-east-1"), Err(ErrorKind::InvalidSignature));
    assert_eq!(kind("emr-serverless", "eu-west-1"), Err(ErrorKind::InvalidSignature));
    let nobody = |_: &Claim<'_>| None;
    let stranger = verify(&request, Timestamp(NOW), &nobody, "emr-serverless", "us-east-1");
    assert_eq!(stranger.map_err(|e| e.kind), Err(ErrorKind::UnrecognizedClient));
}

#[test]
fn what_is_not_a_signature_has_its_own_error() {
    use ErrorKind::{IncompleteSignature, InvalidSignature, UnrecognizedClient};
    let with = |value: &str| {
        let mut sent = valid()[0].0.clone();
        sent.headers.retain(|(name, _)| name != "authorization");
        sent.header("Authorization", value).verdict()
    };
    let good = "Credential=A/20260102/us-east-1/emr-serverless/aws4_request, SignedHeaders=host;x-amz-date";
    let zeros = "0".repeat(64);
    let other =
        |from: &str, to: &str| format!("AWS4-HMAC-SHA256 {},Signature={zeros}", good.replace(from, to));
    let table = [
        (String::new(), IncompleteSignature),
        ("Bearer x".to_owned(), IncompleteSignature),
        ("AWS4-HMAC-SHA256".to_owned(), IncompleteSignature),
        (format!("AWS4-HMAC-SHA256 {good}"), IncompleteSignature),
        (format!("AWS4-HMAC-SHA256 {good}, Signature=00"), IncompleteSignature),
        (format!("AWS4-HMAC-SHA256 {good}, Signature={zeros}, Signature={zeros}"), IncompleteSignature),
        (format!("AWS4-HMAC-SHA256 {good}, Signature={zeros}, Extra=1"), IncompleteSignature),
        (format!("AWS4-HMAC-SHA256 {good}, Signature={zeros}"), UnrecognizedClient),
        (other("host;", ""), InvalidSignature),
        (other("host;", "x;host;"), IncompleteSignature),
        (other("A/", "/"), IncompleteSignature),
        (other("0102", "0103"), InvalidSignature),
    ];
    for (value, expected) in table {
        assert_eq!(with(&value).err(), Some(expected), "{value}");
    }
    let unsigned = Sent::new("GET", "/applications", "", "");
    assert_eq!(unsigned.verdict().err(), Some(ErrorKind::MissingAuthenticationToken));
    assert_eq!(service_of(&[("authorization", "Bearer x")], "a=b"), None);
}
