//! Any bytes as a request, a signature or a paging token: understood or refused in AWS's form, and nobody is let in.

use firesteel_wire::arn::Arn;
use firesteel_wire::paging::{self, LONGEST_CURSOR, Page};
use firesteel_wire::shapes::{self, Timestamp};
use firesteel_wire::sigv4::{Claim, SignedRequest, SigningKey, service_of, sha256, verify};
use firesteel_wire::{ApiError, ErrorKind, Input, Operation, Routed, client, route, sizes, validate};

/// A request: method, path and query in a line each, then the body. It is routed, read and checked.
///
/// # Panics
/// If a promise is broken.
pub fn request(data: &[u8]) {
    let (lines, body) = split(data, 3);
    let [method, path, query] = [0, 1, 2].map(|n| lines.get(n).copied().unwrap_or_default());
    match arrived(method, path, query, body) {
        Err(error) => in_form(&error),
        Ok(routed) => {
            readable(routed.operation, routed.input.clone());
            sent_again(&routed);
        }
    }
}

/// A signed request: method, path and query in a line each, headers until an empty line, then the body.
///
/// # Panics
/// If it is let in, for nobody here has signed anything, or a promise is broken.
pub fn signature(data: &[u8]) {
    let (lines, rest) = split(data, 3);
    let [method, raw_path, raw_query] = [0, 1, 2].map(|n| lines.get(n).copied().unwrap_or_default());
    let text = std::str::from_utf8(rest).unwrap_or_default();
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let headers: Vec<(&str, &str)> = head.lines().filter_map(|line| line.split_once(':')).collect();
    let body_sha256 = sha256(body.as_bytes());
    let request = SignedRequest { method, raw_path, raw_query, headers: &headers, body_sha256: &body_sha256 };
    let keys = |claim: &Claim<'_>| Some(SigningKey::derive("secret", claim.day, claim.region, claim.service));
    let verdict = verify(&request, Timestamp(1_767_323_045_000), &keys, "emr-serverless", "us-east-1");
    let error = verdict.expect_err("let in");
    assert_eq!(error.status(), 403, "{error}");
    in_form(&error);
    if let Some(scope) = service_of(&headers, raw_query) {
        assert!(!scope.access_key_id.is_empty() && !scope.service.is_empty());
    }
}

/// A token in a line and a cursor after it; both also as an ARN and a size.
///
/// # Panics
/// If a hostile token is not refused as a ValidationException, or a promise is broken.
pub fn token(data: &[u8]) {
    let (lines, rest) = split(data, 1);
    let (token, cursor) =
        (lines.first().copied().unwrap_or_default(), std::str::from_utf8(rest).unwrap_or_default());
    let mut input = Input::new();
    input.insert("nextToken".to_owned(), token.into());
    match Page::of(Operation::ListJobRuns, &input) {
        Ok(page) => assert!(page.cursor.is_some_and(|cursor| cursor.len() <= token.len())),
        Err(error) => assert_eq!(error.kind, ErrorKind::Validation),
    }
    let made = paging::next_token(Operation::ListJobRuns, &Input::new(), cursor);
    assert_eq!(made.is_ok(), cursor.len() <= LONGEST_CURSOR);
    if let Ok(made) = made {
        input.insert("nextToken".to_owned(), made.into());
        let page = Page::of(Operation::ListJobRuns, &input).expect("our own token");
        assert_eq!(page.cursor.as_deref(), Some(cursor));
    }
    for text in [token, cursor] {
        if let Some(arn) = Arn::parse(text) {
            assert_eq!(arn.to_string(), text);
        }
        if let Some(cpu) = sizes::parse_vcpu(text) {
            assert_eq!(sizes::parse_vcpu(&sizes::print_vcpu(cpu)), Some(cpu));
        }
    }
}

fn arrived(method: &str, path: &str, query: &str, body: &[u8]) -> Result<Routed, ApiError> {
    let routed = route(method, path, query)?.with_body(body)?;
    validate(routed.operation, &routed.input)?;
    Ok(routed)
}

/// What has passed validation can be sent by our client, and arrives as the same operation with the same members each further time.
fn sent_again(routed: &Routed) {
    let again = |routed: &Routed| {
        let sent = client::request(routed.operation, &routed.input).ok()?;
        let body = sent.body.unwrap_or_default();
        Some(arrived(&sent.method, &sent.path, &sent.query, body.as_bytes()).expect("what we send ourselves"))
    };
    if let Some(second) = again(routed) {
        assert_eq!(second.operation, routed.operation);
        assert_eq!(again(&second), Some(second));
    }
}

/// What has passed validation is read into its structure without an error.
fn readable(operation: Operation, input: Input) {
    macro_rules! read {
        ($($operation:ident: $shape:ident),* $(,)?) => {
            match operation { $(Operation::$operation => shapes::decode::<shapes::$shape>(input).map(|_| ())),* }
        };
    }
    let outcome = read! {
        CancelJobRun: CancelJobRunRequest,
        CreateApplication: CreateApplicationRequest,
        DeleteApplication: DeleteApplicationRequest,
        GetApplication: GetApplicationRequest,
        GetDashboardForJobRun: GetDashboardForJobRunRequest,
        GetJobRun: GetJobRunRequest,
        GetResourceDashboard: GetResourceDashboardRequest,
        GetSession: GetSessionRequest,
        GetSessionEndpoint: GetSessionEndpointRequest,
        ListApplications: ListApplicationsRequest,
        ListJobRunAttempts: ListJobRunAttemptsRequest,
        ListJobRuns: ListJobRunsRequest,
        ListSessions: ListSessionsRequest,
        ListTagsForResource: ListTagsForResourceRequest,
        StartApplication: StartApplicationRequest,
        StartJobRun: StartJobRunRequest,
        StartSession: StartSessionRequest,
        StopApplication: StopApplicationRequest,
        TagResource: TagResourceRequest,
        TerminateSession: TerminateSessionRequest,
        UntagResource: UntagResourceRequest,
        UpdateApplication: UpdateApplicationRequest,
    };
    outcome.expect("validated, and yet unreadable");
}

/// An error as clients can read it: a message of at most 1024 characters, a body that is JSON, never our own fault.
fn in_form(error: &ApiError) {
    assert!(error.status() < 500, "{error}");
    assert!((1..=1024).contains(&error.message.chars().count()), "{error}");
    let body: serde_json::Value = serde_json::from_str(&error.body()).expect("JSON");
    assert_eq!(body["message"], error.message.as_str());
}

/// The first lines as text, and the bytes after them.
fn split(data: &[u8], count: usize) -> (Vec<&str>, &[u8]) {
    let mut pieces = data.splitn(count + 1, |byte| *byte == b'\n');
    let lines =
        pieces.by_ref().take(count).map(|line| std::str::from_utf8(line).unwrap_or_default()).collect();
    (lines, pieces.next().unwrap_or_default())
}
