//! How the S3 store files each answer of a server, and how often it asks.
#[path = "common/s3.rs"]
mod s3;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::http::StatusCode;
use bytes::Bytes;
use firesteel_journal::{Created, S3Store, Store, StoreError};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

/// A server that says the same to everything, and counts.
async fn server(status: u16, code: &str) -> (S3Store, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let error =
        format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>As said.</Message></Error>");
    let body = if code.is_empty() { String::new() } else { error };
    let app = Router::new().fallback(move |_whole_request: Bytes| {
        count.fetch_add(1, Ordering::SeqCst);
        let answer = (StatusCode::from_u16(status).unwrap(), body.clone());
        async move { answer }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (S3Store::new(s3::client(&endpoint, "a", "b"), "state", ""), asked)
}

fn body() -> Bytes {
    Bytes::from_static(b"{}")
}

#[tokio::test]
async fn a_create_goes_out_once_and_every_doubt_is_unknown() {
    let exists = Some(Created::Exists);
    let unknown = Some(Created::Unknown);
    for (status, code, expected, requests) in [
        (200, "", Some(Created::Committed), 1),
        (200, "InternalError", unknown, 1),
        (412, "PreconditionFailed", exists, 1),
        (409, "ConditionalRequestConflict", unknown, 5),
        (500, "InternalError", unknown, 1),
        (503, "SlowDown", unknown, 1),
        (400, "RequestTimeout", unknown, 1),
        (403, "AccessDenied", None, 1),
        (404, "NoSuchBucket", None, 1),
        (400, "InvalidArgument", None, 1),
    ] {
        let (store, asked) = server(status, code).await;
        let created = store.create("k", body()).await;
        match expected {
            Some(expected) => assert_eq!(created, Ok(expected), "{status} {code}"),
            None => assert!(matches!(created, Err(StoreError::NotDone(_))), "{status} {created:?}"),
        }
        assert_eq!(asked.load(Ordering::SeqCst), requests, "{status} {code}");
    }
}

#[tokio::test]
async fn a_connection_that_breaks_is_unknown_and_not_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let read = stream.read(&mut [0; 4096]).await;
            count.fetch_add(usize::from(read.is_ok_and(|n| n > 0)), Ordering::SeqCst);
        }
    });
    let store = S3Store::new(s3::client(&endpoint, "a", "b"), "state", "");
    assert_eq!(store.create("k", body()).await, Ok(Created::Unknown));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    assert!(matches!(store.put("k", body()).await, Err(StoreError::Unknown(_))));
    assert!(asked.load(Ordering::SeqCst) > 2, "an overwrite is tried again by the SDK");
}

#[tokio::test]
async fn only_a_missing_key_is_none() {
    let (store, _) = server(404, "NoSuchKey").await;
    assert_eq!(store.get("k").await, Ok(None));
    let (store, _) = server(404, "NoSuchBucket").await;
    // In words that an operator can read.
    assert_eq!(store.get("k").await, Err(StoreError::NotDone("NoSuchBucket: As said.".to_owned())));
    let (store, asked) = server(503, "SlowDown").await;
    assert!(matches!(store.get("k").await, Err(StoreError::Unknown(_))));
    assert!(asked.load(Ordering::SeqCst) > 1, "a read is tried again by the SDK");
    let (store, _) = server(403, "AccessDenied").await;
    assert!(matches!(store.list("", "", 1).await, Err(StoreError::NotDone(_))));
    assert!(matches!(store.delete("k").await, Err(StoreError::NotDone(_))));
}
