//! `kill -9` in the midst of writes: every acknowledged write is there afterwards, and no orphan.
//!
//! The test runs itself again as the server that is to be killed.

mod common;

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use aws_credential_types::Credentials;
use aws_sdk_s3::config::RequestChecksumCalculation;
use aws_sdk_s3::primitives::ByteStream;
use common::{Served, bytes, client};
use firesteel_embedded_s3::{EmbeddedS3, OpenError};

const FOLDER: &str = "EMBEDDED_S3_CRASH_FOLDER";

/// Not a test by itself: the server, when the variable is set.
#[test]
fn server_to_be_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = Arc::new(EmbeddedS3::open(common::config(folder.as_ref())).unwrap());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("\nready http://{}", listener.local_addr().unwrap());
        let app = axum::Router::new().fallback(move |request: axum::extract::Request| {
            let store = store.clone();
            async move { store.s3(request).await.map(axum::body::Body::new) }
        });
        axum::serve(listener, app).await.unwrap();
    });
}

fn spawn(folder: &std::path::Path) -> (Child, String) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "server_to_be_killed", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let url = loop {
        let line = lines.next().expect("the server ended before it was ready").unwrap();
        if let Some(url) = line.strip_prefix("ready ") {
            break url.to_owned();
        }
    };
    (child, url)
}

/// Which body was put: in which round, by which writer, as its how-manieth.
type Version = (u64, u64, u64);

/// What is known of each key: the last version that was acknowledged, and those sent since.
type Known = Arc<Mutex<HashMap<String, (Option<Version>, Vec<Version>)>>>;

/// Bodies of all three kinds.
fn body((round, writer, at): Version) -> Vec<u8> {
    let len = [100, 10_000, 200_000][(at % 3) as usize];
    bytes(len, (round * 100 + writer) * 1_000_003 + at)
}

async fn write_until_killed(s3: aws_sdk_s3::Client, known: Known, round: u64, writer: u64) {
    for at in 0.. {
        let (key, version) = (format!("{writer}/{}", at % 20), (round, writer, at));
        known.lock().unwrap().entry(key.clone()).or_default().1.push(version);
        let put = s3.put_object().bucket("one").key(&key).body(ByteStream::from(body(version)));
        if put.send().await.is_err() {
            return;
        }
        known.lock().unwrap().insert(key, (Some(version), Vec::new()));
    }
}

fn acknowledged_in(known: &Known, round: u64) -> usize {
    known.lock().unwrap().values().filter(|(done, _)| done.is_some_and(|done| done.0 == round)).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_writes_survive_kill_9() {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let known = Known::default();
    for round in 0..3 {
        let (mut child, url) = spawn(folder.path());
        let credentials = Credentials::new("operator", "operator-secret", None, None, "test");
        let s3 = client(&url, credentials, RequestChecksumCalculation::WhenRequired);
        s3.create_bucket().bucket("one").send().await.unwrap();
        let writers =
            (0..8).map(|writer| tokio::spawn(write_until_killed(s3.clone(), known.clone(), round, writer)));
        let writers: Vec<_> = writers.collect();
        while acknowledged_in(&known, round) < 100 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        for writer in writers {
            writer.await.unwrap();
        }
    }
    let served = Served::on(folder).await;
    let s3 = served.operator();
    let known = std::mem::take(&mut *known.lock().unwrap());
    for (key, (done, sent)) in known {
        let Some(done) = done else { continue };
        let got = s3.get_object().bucket("one").key(&key).send().await.unwrap();
        let got = got.body.collect().await.unwrap().into_bytes();
        let is_known = std::iter::once(done).chain(sent).any(|version| body(version) == got);
        assert!(is_known, "{key} is neither what was acknowledged nor anything sent later");
    }
    let page = s3.list_objects_v2().bucket("one").send().await.unwrap();
    let large = page.contents().iter().filter(|object| object.size().unwrap() > 128 * 1024).count();
    assert_eq!(served.blob_files(), large, "each large object has its blob and there is no other");
}

#[tokio::test]
async fn a_second_opener_is_refused() {
    let served = Served::new().await;
    let second = EmbeddedS3::open(common::config(served.folder.path()));
    assert!(matches!(second, Err(OpenError::InUse(_))));
}
