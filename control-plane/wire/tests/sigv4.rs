//! Signature verification against the SDKs' own signer: what it signs is let in, and nothing else is.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings};
use aws_sigv4::sign::v4;
use firesteel_wire::ErrorKind;
use firesteel_wire::shapes::Timestamp;
use firesteel_wire::sigv4::{Caller, Claim, SignedRequest, SigningKey, service_of, sha256, verify};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use proptest::prelude::*;

const ACCESS_KEY: &str = "AKIDEXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const NOW: i64 = 1_767_323_045_000;

/// An owned request that a test can bend.
#[derive(Clone, Debug, PartialEq)]
struct Sent {
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

fn keys(claim: &Claim<'_>) -> Option<SigningKey> {
    (claim.access_key_id == ACCESS_KEY)
        .then(|| SigningKey::derive(SECRET, claim.day, claim.region, claim.service))
}

fn verdict_at(sent: &Sent, now: i64) -> Result<Caller, ErrorKind> {
    let headers: Vec<(&str, &str)> = sent.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let request = SignedRequest {
        method: &sent.method,
        raw_path: &sent.path,
        raw_query: &sent.query,
        headers: &headers,
        body_sha256: &sha256(&sent.body),
    };
    verify(&request, Timestamp(now), &keys, "emr-serverless", "us-east-1").map_err(|error| error.kind)
}

fn verdict(sent: &Sent) -> Result<Caller, ErrorKind> {
    verdict_at(sent, NOW)
}

/// Signs with aws-sigv4, as the SDKs do, and applies what it says.
fn signed_by_sdk(mut sent: Sent, secret: &str, token: Option<&str>, presign: Option<u64>) -> Sent {
    let identity = Credentials::new(ACCESS_KEY, secret, token.map(str::to_owned), None, "test").into();
    let mut settings = SigningSettings::default();
    if let Some(seconds) = presign {
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(Duration::from_secs(seconds));
    }
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region("us-east-1")
        .name("emr-serverless")
        .time(SystemTime::UNIX_EPOCH + Duration::from_millis(NOW as u64))
        .settings(settings)
        .build()
        .expect("complete parameters")
        .into();
    let mark = if sent.query.is_empty() { "" } else { "?" };
    let uri = format!("http://127.0.0.1:9400{}{mark}{}", sent.path, sent.query);
    let headers = sent.headers.iter().map(|(n, v)| (n.as_str(), v.as_str()));
    let signable =
        SignableRequest::new(&sent.method, uri, headers, SignableBody::Bytes(&sent.body)).expect("signable");
    let (instructions, _) = aws_sigv4::http_request::sign(signable, &params).expect("signs").into_parts();
    let (headers, params) = instructions.into_parts();
    sent.headers.extend(headers.iter().map(|h| (h.name().to_owned(), h.value().to_owned())));
    for (name, value) in params {
        let separator = if sent.query.is_empty() { "" } else { "&" };
        sent.query += &format!("{separator}{name}={}", utf8_percent_encode(&value, NON_ALPHANUMERIC));
    }
    sent
}

fn unsigned(method: &str, path: &str, query: &str, body: &str) -> Sent {
    let mut headers = vec![("host".to_owned(), "127.0.0.1:9400".to_owned())];
    if !body.is_empty() {
        headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
    }
    Sent { method: method.into(), path: path.into(), query: query.into(), headers, body: body.into() }
}

/// Five requests of different forms, all valid.
fn valid() -> Vec<Sent> {
    let tags = "/tags/arn%3Aaws%3Aemr-serverless%3Aus-east-1%3A123456789012%3A%2Fapplications%2Fa1";
    vec![
        signed_by_sdk(unsigned("GET", "/applications/a1", "", ""), SECRET, None, None),
        signed_by_sdk(
            unsigned("POST", "/applications/a1/jobruns", "", r#"{"name":"n"}"#),
            SECRET,
            Some("token+/="),
            None,
        ),
        signed_by_sdk(unsigned("DELETE", tags, "tagKeys=b%20c&tagKeys=a%3Ab", ""), SECRET, None, None),
        signed_by_sdk(
            unsigned("GET", "/applications", "states=STARTED&maxResults=5", ""),
            SECRET,
            None,
            Some(600),
        ),
        signed_by_sdk(
            unsigned("GET", "/applications/a1/jobruns/r1", "", ""),
            SECRET,
            Some("token+/="),
            Some(600),
        ),
    ]
}

#[test]
fn valid_requests_are_let_in_and_say_who_sent_them() {
    for (sent, (token, presigned)) in valid().iter().zip([
        (None, false),
        (Some("token+/="), false),
        (None, false),
        (None, true),
        (Some("token+/="), true),
    ]) {
        let expected = Caller {
            access_key_id: ACCESS_KEY.into(),
            session_token: token.map(str::to_owned),
            signed_at: Timestamp(NOW),
            presigned,
        };
        assert_eq!(verdict(sent), Ok(expected), "{sent:?}");
        let headers: Vec<(&str, &str)> = sent.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let scope = service_of(&headers, &sent.query).expect("a scope");
        assert_eq!(
            (&*scope.service, &*scope.region, &*scope.access_key_id),
            ("emr-serverless", "us-east-1", ACCESS_KEY)
        );
    }
}

#[test]
fn a_declared_hash_must_be_the_bodys() {
    let declaring = |hash: &str| {
        let mut sent = unsigned("POST", "/applications", "", "{}");
        sent.headers.push(("X-Amz-Content-Sha256".into(), hash.into()));
        verdict(&signed_by_sdk(sent, SECRET, None, None)).err()
    };
    assert_eq!(declaring("44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"), None);
    for other in ["UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", ""] {
        assert_eq!(declaring(other), Some(ErrorKind::InvalidSignature), "{other}");
    }
}

#[test]
fn a_request_with_two_signatures_is_refused() {
    let twice = signed_by_sdk(valid()[3].clone(), SECRET, None, None);
    assert_eq!(verdict(&twice).err(), Some(ErrorKind::IncompleteSignature));
}

/// The same request for any reader: pairs of the query decoded and sorted, header names in lower case, spaces collapsed.
fn meaning(sent: &Sent) -> Sent {
    let decoded = |text: &str| percent_decode_str(&text.replace('+', " ")).collect::<Vec<u8>>();
    let mut pairs: Vec<_> = sent
        .query
        .split('&')
        .filter(|piece| !piece.is_empty())
        .map(|piece| piece.split_once('=').unwrap_or((piece, "")))
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect();
    pairs.sort();
    let spaced = |value: &str| {
        value.split(' ').filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" ").replace(", ", ",")
    };
    let mut headers: Vec<_> = sent.headers.iter().map(|(n, v)| (n.to_ascii_lowercase(), spaced(v))).collect();
    headers.sort();
    Sent { query: format!("{pairs:?}"), headers, ..sent.clone() }
}

/// Every text that one byte replaced, removed or inserted makes of this one.
fn bent(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    let mut all = vec![text.to_uppercase(), text.to_lowercase(), format!("{text}/"), String::new()];
    for at in 0..letters.len() {
        for replacement in ["", "x", "0", "%", "A", ";"] {
            let head: String = letters[..at].iter().collect();
            let tail: String = letters[at + 1..].iter().collect();
            all.push(format!("{head}{replacement}{tail}"));
            all.push(format!("{head}{replacement}{}{tail}", letters[at]));
        }
    }
    all.retain(|other| other != text);
    all
}

fn mutations(sent: &Sent) -> Vec<Sent> {
    let mut all = Vec::new();
    let mut push = |change: &dyn Fn(&mut Sent)| {
        let mut other = sent.clone();
        change(&mut other);
        if meaning(&other) != meaning(sent) {
            all.push(other);
        }
    };
    bent(&sent.method).iter().for_each(|m| push(&|s| s.method.clone_from(m)));
    bent(&sent.path).iter().for_each(|p| push(&|s| s.path.clone_from(p)));
    bent(&sent.query).iter().for_each(|q| push(&|s| s.query.clone_from(q)));
    push(&|s| s.query += "&added=1");
    push(&|s| s.query = s.query.replace("600", "604800"));
    for index in 0..sent.headers.len() {
        if sent.headers[index].0 != "x-amz-user-agent" {
            bent(&sent.headers[index].1).iter().for_each(|v| push(&|s| s.headers[index].1.clone_from(v)));
            push(&|s| drop(s.headers.remove(index)));
            push(&|s| s.headers[index].0.push('x'));
            push(&|s| s.headers.push(s.headers[index].clone()));
        }
    }
    push(&|s| s.headers.push(("x-amz-target".into(), "evil".into())));
    push(&|s| s.headers.push(("X-Amz-Security-Token".into(), "evil".into())));
    push(&|s| s.headers.push(("X-Amz-Content-Sha256".into(), "UNSIGNED-PAYLOAD".into())));
    push(&|s| s.query += "&X-Amz-Signature=00");
    push(&|s| s.body.push(b' '));
    push(&|s| s.body = b"{}".to_vec());
    all
}

#[test]
fn no_mutation_of_a_valid_request_is_let_in() {
    let mut tried = 0;
    for sent in valid() {
        assert!(verdict(&sent).is_ok());
        for other in mutations(&sent) {
            assert!(verdict(&other).is_err(), "let in: {other:?}\ninstead of {sent:?}");
            tried += 1;
        }
    }
    assert!(tried >= 1000, "only {tried} mutations");
}

#[test]
fn other_secrets_services_regions_and_keys_are_refused() {
    let wrong = signed_by_sdk(
        unsigned("GET", "/applications", "", ""),
        "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEZ",
        None,
        None,
    );
    assert_eq!(verdict(&wrong), Err(ErrorKind::InvalidSignature));

    let sent = &valid()[0];
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
    let stranger =
        verify(&request, Timestamp(NOW), &nobody, "emr-serverless", "us-east-1").map_err(|e| e.kind);
    assert_eq!(stranger, Err(ErrorKind::UnrecognizedClient));
}

#[test]
fn time_is_bounded_on_both_sides() {
    let (header, query) = (&valid()[0], &valid()[3]);
    let minute = 60_000;
    let table = [
        (header, 5 * minute, None),
        (header, 5 * minute + 1, Some(ErrorKind::InvalidSignature)),
        (header, -5 * minute, None),
        (header, -5 * minute - 1, Some(ErrorKind::InvalidSignature)),
        (query, 10 * minute, None),
        (query, 10 * minute + 1, Some(ErrorKind::ExpiredToken)),
        (query, -5 * minute, None),
        (query, -5 * minute - 1, Some(ErrorKind::InvalidSignature)),
    ];
    for (sent, later, expected) in table {
        assert_eq!(verdict_at(sent, NOW + later).err(), expected, "{later}");
    }
    assert!(verdict_at(header, i64::MAX).is_err() && verdict_at(header, i64::MIN).is_err());
}

#[test]
fn what_is_not_a_signature_has_its_own_error() {
    let with = |value: &str| {
        let mut sent = valid()[0].clone();
        sent.headers.retain(|(name, _)| name != "authorization");
        sent.headers.push(("Authorization".into(), value.into()));
        verdict(&sent)
    };
    let good = "Credential=A/20260102/us-east-1/emr-serverless/aws4_request, SignedHeaders=host;x-amz-date";
    let signature = "0".repeat(64);
    let table = [
        ("", ErrorKind::IncompleteSignature),
        ("Bearer x", ErrorKind::IncompleteSignature),
        ("AWS4-HMAC-SHA256", ErrorKind::IncompleteSignature),
        (&format!("AWS4-HMAC-SHA256 {good}"), ErrorKind::IncompleteSignature),
        (&format!("AWS4-HMAC-SHA256 {good}, Signature=00"), ErrorKind::IncompleteSignature),
        (
            &format!("AWS4-HMAC-SHA256 {good}, Signature={signature}, Signature={signature}"),
            ErrorKind::IncompleteSignature,
        ),
        (&format!("AWS4-HMAC-SHA256 {good}, Signature={signature}, Extra=1"), ErrorKind::IncompleteSignature),
        (&format!("AWS4-HMAC-SHA256 {good}, Signature={signature}"), ErrorKind::UnrecognizedClient),
        (
            &format!("AWS4-HMAC-SHA256 {},Signature={signature}", good.replace("host;", "")),
            ErrorKind::InvalidSignature,
        ),
        (
            &format!("AWS4-HMAC-SHA256 {},Signature={signature}", good.replace("host;", "x;host;")),
            ErrorKind::IncompleteSignature,
        ),
        (
            &format!("AWS4-HMAC-SHA256 {},Signature={signature}", good.replace("A/", "/")),
            ErrorKind::IncompleteSignature,
        ),
        (
            &format!("AWS4-HMAC-SHA256 {},Signature={signature}", good.replace("0102", "0103")),
            ErrorKind::InvalidSignature,
        ),
    ];
    for (value, expected) in table {
        assert_eq!(with(value).err(), Some(expected), "{value}");
    }
    assert_eq!(
        verdict(&unsigned("GET", "/applications", "", "")).err(),
        Some(ErrorKind::MissingAuthenticationToken)
    );
    assert_eq!(service_of(&[("authorization", "Bearer x")], "a=b"), None);
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever the SDKs' signer signs, in both forms, is let in; with one character of its body changed it is not.
    #[test]
    fn agrees_with_the_sdks_signer(
        method in "GET|POST|PATCH|DELETE",
        segments in prop::collection::vec("[a-zA-Z][a-zA-Z0-9._~-]{0,8}|[a-z]%[2-7][0-9A-E][a-z]|%C3%A9", 0..5),
        query in prop::collection::vec(("[a-zA-Z_ -]{1,6}", "\\PC{0,6}"), 0..5),
        values in prop::collection::vec("[!-~]{1,5}( {1,3}[!-~]{1,5}){0,2}", 0..3),
        body in "\\PC{0,30}",
        token in prop::option::of("[A-Za-z0-9+/=]{1,40}"),
        presign in prop::option::of(1u64..604_800),
    ) {
        let query: Vec<String> = query.iter().map(|(n, v)| format!("{}={}", encoded(n), encoded(v))).collect();
        let mut sent = unsigned(&method, &format!("/{}", segments.join("/")), &query.join("&"), &body);
        sent.headers.extend(values.into_iter().enumerate().map(|(n, v)| (format!("X-Amz-Meta-{n}"), v)));
        let mut sent = signed_by_sdk(sent, SECRET, token.as_deref(), presign);
        let expected = (ACCESS_KEY.to_owned(), token, presign.is_some());
        prop_assert_eq!(verdict(&sent).map(|c| (c.access_key_id, c.session_token, c.presigned)), Ok(expected));
        sent.body.push(b'x');
        prop_assert_eq!(verdict(&sent).err(), Some(ErrorKind::InvalidSignature));
    }
}
