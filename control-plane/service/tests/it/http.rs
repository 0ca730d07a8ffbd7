//! The edge: signatures, sizes, hostile input, health and metrics.

use crate::world::{ACCESS_KEY, RELEASE, SECRET, World, signed, signed_by, stories, to_desk};
use axum::body::Body;
use firesteel_protocol::transport;
use http::{HeaderValue, Request};
use serde_json::json;

stories! {
    refuses_unsigned_and_wrongly_signed_requests,
    refuses_headers_that_no_signature_covers,
    refuses_large_bodies,
    waits_for_no_large_body_of_a_stranger,
    names_what_it_does_not_serve,
    takes_hostile_json,
    takes_hostile_paths_and_queries,
    is_healthy_without_a_signature,
    counts_what_it_does,
}

const NEW: &str = "/applications";

fn body() -> Vec<u8> {
    json!({ "type": "SPARK", "releaseLabel": RELEASE, "clientToken": "t" }).to_string().into_bytes()
}

async fn refuses_unsigned_and_wrongly_signed_requests(world: World) {
    let unsigned = Request::get(NEW).body(Body::empty()).expect("a request");
    let kind = world.send(unsigned).await.kind();
    assert_eq!(kind, (403, "MissingAuthenticationTokenException".to_owned()));
    for (key, expected) in [
        ((ACCESS_KEY, "another secret"), "InvalidSignatureException"),
        (("AKIDNOBODY", SECRET), "UnrecognizedClientException"),
    ] {
        let request = signed_by(&world.clock, key, "POST", NEW, body(), &[]);
        assert_eq!(world.send(request).await.kind(), (403, expected.to_owned()));
    }
    let (parts, _) = signed(&world.clock, "POST", NEW, body()).into_parts();
    let altered = String::from_utf8(body()).expect("text").replace("\"t\"", "\"u\"");
    let kind = world.send(Request::from_parts(parts, Body::from(altered))).await.kind();
    assert_eq!(kind, (403, "InvalidSignatureException".to_owned()));
    let old = signed(&world.clock, "GET", NEW, "");
    tokio::time::sleep(std::time::Duration::from_secs(301)).await;
    assert_eq!(world.send(old).await.kind(), (403, "InvalidSignatureException".to_owned()));
    let listed = world.send(signed(&world.clock, "GET", NEW, "")).await;
    assert_eq!(listed.ok(), json!({ "applications": [] }), "nothing came of it");
}

async fn refuses_headers_that_no_signature_covers(world: World) {
    for value in ["plain", "\u{e9}t\u{e9}"] {
        let mut request = signed(&world.clock, "GET", NEW, "");
        let value = HeaderValue::from_bytes(value.as_bytes()).expect("a value");
        request.headers_mut().insert("x-amz-target", value);
        assert_eq!(world.send(request).await.status, 403);
    }
    let mut request = signed(&world.clock, "GET", NEW, "");
    let signature = request.headers()["authorization"].clone();
    request.headers_mut().insert("authorization", HeaderValue::from_bytes(b"\xff").expect("a value"));
    request.headers_mut().append("authorization", signature);
    assert_eq!(world.send(request).await.status, 403);
    let mut request = signed(&world.clock, "GET", NEW, "");
    request.headers_mut().insert("x-client-note", HeaderValue::from_bytes(b"\xc3\xa9").expect("a value"));
    assert_eq!(world.send(request).await.status, 200);
}

async fn refuses_large_bodies(world: World) {
    let filler = |size: usize| {
        let empty = String::from_utf8(body()).expect("text").replace('}', ",\"x\":\"\"}");
        let room = size - empty.len();
        empty.replace("\"x\":\"", &format!("\"x\":\"{}", "x".repeat(room))).into_bytes()
    };
    let fits = filler(1 << 20);
    assert_eq!(fits.len(), 1 << 20);
    assert_eq!(world.send(signed(&world.clock, "POST", NEW, fits)).await.status, 200);
    let answer = world.send(signed(&world.clock, "POST", NEW, filler((1 << 20) + 1))).await;
    assert_eq!(answer.kind(), (413, "RequestEntityTooLargeException".to_owned()));
    let call = format!("\"{}\"", "x".repeat(16 << 20));
    assert_eq!(world.send(to_desk(transport::HELLO, "t", call)).await.status, 413);
}

/// Bodies that never end: who is not known is told so at once.
async fn waits_for_no_large_body_of_a_stranger(world: World) {
    let endless =
        || Body::from_stream(futures::stream::pending::<Result<Vec<u8>, std::convert::Infallible>>());
    let began = tokio::time::Instant::now();
    let unsigned = Request::post(NEW).body(endless()).expect("a request");
    let kind = world.send(unsigned).await.kind();
    assert_eq!(kind, (403, "MissingAuthenticationTokenException".to_owned()));
    let stranger = signed_by(&world.clock, ("AKIDNOBODY", SECRET), "POST", NEW, Vec::new(), &[]);
    let kind = world.send(stranger.map(|_| endless())).await.kind();
    assert_eq!(kind, (403, "UnrecognizedClientException".to_owned()));
    assert!(began.elapsed() < std::time::Duration::from_secs(1));
    let known = signed(&world.clock, "POST", NEW, "");
    let kind = world.send(known.map(|_| endless())).await.kind();
    assert_eq!(kind, (408, "RequestTimeoutException".to_owned()));
}

async fn names_what_it_does_not_serve(world: World) {
    for (method, target) in [
        ("GET", "/"),
        ("PUT", "/applications"),
        ("POST", "/applications/a/b/c/d"),
        ("DELETE", "/applications"),
        ("GET", "/runner/v2/hello"),
    ] {
        let answer = world.send(signed(&world.clock, method, target, "")).await;
        assert_eq!(answer.kind(), (404, "UnknownOperationException".to_owned()), "{method} {target}");
    }
}

async fn takes_hostile_json(world: World) {
    let app = world.application(json!({})).await;
    let run = format!("/applications/{app}/jobruns");
    let deep =
        |open: &str, close: &str| format!("{{\"x\":{}1{}}}", open.repeat(20_000), close.repeat(20_000));
    let hostile = [
        String::new(),
        "null".into(),
        "[]".into(),
        "\"text\"".into(),
        "1e999".into(),
        "{".into(),
        "{\"clientToken\":1e400}".into(),
        "{\"clientToken\":\"\\ud800\"}".into(),
        deep("[", "]"),
        deep("{\"x\":", "}"),
        json!({ "clientToken": ["t"], "executionRoleArn": {}, "jobDriver": "x" }).to_string(),
        json!({ "clientToken": "t", "executionRoleArn": "arn:aws:iam::::", "jobDriver": {} }).to_string(),
        json!({ "clientToken": "t", "executionTimeoutMinutes": -9_223_372_036_854_775_808i64 }).to_string(),
        json!({ "clientToken": "t", "tags": { "a": null } }).to_string(),
    ];
    for text in hostile {
        for (method, target) in [("POST", NEW), ("POST", run.as_str())] {
            let answer = world.send(signed(&world.clock, method, target, text.clone())).await;
            assert_eq!(answer.status, 400, "{method} {target} {:.80} {}", text, answer.text);
            assert!(answer.json()["message"].is_string());
        }
    }
    let bytes = world.send(signed(&world.clock, "POST", NEW, b"{\"type\":\"\xff\"}".to_vec())).await;
    assert_eq!(bytes.status, 400);
}

async fn takes_hostile_paths_and_queries(world: World) {
    let app = world.application(json!({})).await;
    for target in [
        format!("/applications/{app}/jobruns?maxResults=99999999999999999999"),
        format!("/applications/{app}/jobruns?maxResults=many"),
        format!("/applications/{app}/jobruns?createdAtAfter=yesterday"),
        format!("/applications/{app}/jobruns?nextToken=%00"),
        format!("/applications/{app}/jobruns?states=%FF"),
        "/applications/%FF".to_owned(),
        "/applications/..%2F..".to_owned(),
        format!("/applications/{app}/jobruns/{}", "0".repeat(65)),
    ] {
        let answer = world.send(signed(&world.clock, "GET", &target, "")).await;
        // What is no UTF-8 may also have no signature that both sides agree on.
        assert!(matches!(answer.kind().0, 400 | 403), "{target} {}", answer.text);
    }
    for target in [
        format!("/applications/{app}/jobruns?createdAtAfter=9999-12-30T00:00:00Z"),
        format!("/applications/{app}/jobruns?createdAtBefore=0001-01-01T00:00:00Z&unknown=x"),
    ] {
        let answer = world.send(signed(&world.clock, "GET", &target, "")).await;
        assert_eq!(answer.text, "{\"jobRuns\":[]}", "{target}");
    }
}

async fn is_healthy_without_a_signature(world: World) {
    let get = || Request::get("/healthz").body(Body::empty()).expect("a request");
    for _ in 0..2 {
        let answer = world.send(get()).await;
        assert_eq!((answer.status, answer.text.as_str()), (200, "ok\n"));
    }
}

async fn counts_what_it_does(world: World) {
    let app = world.application(json!({})).await;
    world.run(&app, json!({})).await;
    world.driver().await;
    let get = Request::get("/metrics").body(Body::empty()).expect("a request");
    let answer = world.send(get).await;
    assert_eq!(answer.status, 200);
    for name in [
        "firesteel_applications",
        "firesteel_job_runs_in_state",
        "firesteel_workers",
        "firesteel_api_seconds_count{operation=\"StartJobRun\",status=\"200\"}",
    ] {
        assert!(answer.text.contains(name), "{name} in {}", answer.text);
    }
}
