//! Requests as botocore really sends them (recorded by `botocore/record.py`): each is routed, read, checked and verified, and its input
//! comes back as it was given.

use std::collections::BTreeSet;

use firesteel_wire::shapes::Timestamp;
use firesteel_wire::sigv4::{Claim, SignedRequest, SigningKey, service_of, sha256, verify};
use firesteel_wire::{ErrorKind, Operation, client, route, validate};
use serde::Deserialize;
use serde_json::{Map, Value};

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

#[derive(Deserialize)]
struct Recording {
    requests: Vec<Recorded>,
}

#[derive(Deserialize)]
struct Recorded {
    operation: String,
    service: String,
    input: Map<String, Value>,
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: String,
    token: Option<String>,
}

impl Recorded {
    fn headers(&self) -> Vec<(&str, &str)> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    /// The moment of its signature.
    fn now(&self) -> Timestamp {
        let date = self
            .headers
            .iter()
            .find(|(name, _)| name == "x-amz-date")
            .map(|(_, value)| value)
            .expect("a date");
        let moment = jiff::fmt::strtime::parse("%Y%m%dT%H%M%SZ", date)
            .and_then(|t| t.to_datetime())
            .expect("a moment");
        Timestamp(moment.to_zoned(jiff::tz::TimeZone::UTC).expect("in range").timestamp().as_millisecond())
    }
}

fn recorded() -> Vec<Recorded> {
    let recording: Recording =
        serde_json::from_str(include_str!("botocore/requests.json")).expect("the recording reads");
    recording.requests
}

#[test]
fn every_operation_is_read_back_as_it_was_given() {
    let mut seen = BTreeSet::new();
    for request in recorded().iter().filter(|r| r.service == "emr-serverless") {
        let routed = route(&request.method, &request.path, &request.query)
            .and_then(|routed| routed.with_body(request.body.as_bytes()))
            .unwrap_or_else(|e| panic!("{}: {e}", request.operation));
        assert_eq!(routed.operation.name(), request.operation);
        assert_eq!(routed.input, request.input, "{}", request.operation);
        assert_eq!(validate(routed.operation, &routed.input), Ok(()), "{}", request.operation);
        seen.insert(routed.operation);
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), Operation::ALL);
}

#[test]
fn our_client_sends_what_botocore_sends() {
    // botocore writes the same fraction of a second with more zeros.
    let pairs =
        |query: &str| query.replace(".500000Z", ".5Z").split('&').map(str::to_owned).collect::<BTreeSet<_>>();
    for request in recorded().iter().filter(|r| r.service == "emr-serverless") {
        let operation = Operation::named(&request.operation).expect("an operation");
        let ours = client::request(operation, &request.input).expect("builds");
        assert_eq!(
            (ours.method.as_str(), ours.path.as_str()),
            (request.method.as_str(), request.path.as_str())
        );
        assert_eq!(pairs(&ours.query), pairs(&request.query), "{operation}");
        let body = |text: &str| serde_json::from_str::<Value>(text).ok();
        assert_eq!(ours.body.as_deref().and_then(body), body(&request.body), "{operation}");
    }
}

#[test]
fn every_signature_is_verified() {
    let keys = |claim: &Claim<'_>| Some(SigningKey::derive(SECRET, claim.day, claim.region, claim.service));
    let refused =
        |claim: &Claim<'_>| Some(SigningKey::derive("another", claim.day, claim.region, claim.service));
    for recorded in recorded() {
        let headers = recorded.headers();
        let request = SignedRequest {
            method: &recorded.method,
            raw_path: &recorded.path,
            raw_query: &recorded.query,
            headers: &headers,
            body_sha256: &sha256(recorded.body.as_bytes()),
        };
        let caller = verify(&request, recorded.now(), &keys, &recorded.service, "us-east-1")
            .unwrap_or_else(|e| panic!("{}: {e} {:?}", recorded.operation, e.detail));
        assert_eq!(
            (caller.access_key_id.as_str(), caller.session_token),
            ("AKIDEXAMPLE", recorded.token.clone())
        );
        let scope = service_of(&headers, &recorded.query).expect("a scope");
        assert_eq!(scope.service, recorded.service.as_str());
        let other = verify(&request, recorded.now(), &refused, &recorded.service, "us-east-1");
        assert_eq!(other.map_err(|e| e.kind), Err(ErrorKind::InvalidSignature));
    }
}
