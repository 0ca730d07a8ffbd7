//! `kill -9` in the midst of writes: every acknowledged write is there afterwards, and no orphan.
//!
//! The test runs itself again as the server that is to be killed.

mod common;

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use aws_credential_types::Credentials;
use aws_sdk_s3::config::RequestChecksumCalculation;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
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

/// What a key may hold: a body, or none.
type Held = Option<Version>;

/// What is known of each key: what was acknowledged last, and what was asked for since.
#[derive(Default)]
struct Key {
    done: Option<Held>,
    asked: Vec<Held>,
}

type Known = Arc<Mutex<HashMap<String, Key>>>;

/// Bodies of all three kinds.
fn body((round, writer, at): Version) -> Vec<u8> {
    let len = [100, 10_000, 200_000][(at % 3) as usize];
    bytes(len, (round * 100 + writer) * 1_000_003 + at)
}

/// Puts a body as an upload of one part.
async fn put_in_parts(s3: &aws_sdk_s3::Client, key: &str, body: Vec<u8>) -> Option<()> {
    let begun = s3.create_multipart_upload().bucket("one").key(key).send().await.ok()?;
    let id = begun.upload_id?;
    let part = s3.upload_part().bucket("one").key(key).upload_id(&id).part_number(1);
    let part = part.body(ByteStream::from(body)).send().await.ok()?;
    let part = CompletedPart::builder().part_number(1).set_e_tag(part.e_tag).build();
    let parts = CompletedMultipartUpload::builder().parts(part).build();
    let done = s3.complete_multipart_upload().bucket("one").key(key).upload_id(&id);
    done.multipart_upload(parts).send().await.ok().map(drop)
}

/// Puts, puts in parts, copies and deletes, until a request fails. The keys are this writer's alone.
async fn write_until_killed(s3: aws_sdk_s3::Client, known: Known, round: u64, writer: u64) -> Option<()> {
    // What was put last, whole, in this round.
    let mut last: Option<(String, Version)> = None;
    for at in 0.. {
        let (key, version) = (format!("{writer}/{}", at % 19), (round, writer, at));
        let (act, held) = match (at % 5, &last) {
            (3, Some((from, source))) if *from != key => ("copy", Some(*source)),
            (4, _) => ("delete", None),
            (1, _) => ("parts", Some(version)),
            _ => ("put", Some(version)),
        };
        known.lock().unwrap().entry(key.clone()).or_default().asked.push(held);
        match act {
            "copy" => {
                let from = format!("one/{}", last.as_ref()?.0);
                s3.copy_object().bucket("one").key(&key).copy_source(from).send().await.ok().map(drop)
            }
            "delete" => s3.delete_object().bucket("one").key(&key).send().await.ok().map(drop),
            "parts" => put_in_parts(&s3, &key, body(version)).await,
            _ => {
                let put = s3.put_object().bucket("one").key(&key);
                put.body(ByteStream::from(body(version))).send().await.ok().map(drop)
            }
        }?;
        match (act, &last) {
            ("put" | "parts", _) => last = Some((key.clone(), version)),
            (_, Some((from, _))) if *from == key => last = None,
            _ => {}
        }
        known.lock().unwrap().insert(key, Key { done: Some(held), asked: Vec::new() });
    }
    None
}

fn acknowledged_in(known: &Known, round: u64) -> usize {
    let known = known.lock().unwrap();
    known.values().filter(|key| key.done.flatten().is_some_and(|done| done.0 == round)).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_writes_survive_kill_9() {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let known = Known::default();
    for round in 0..4 {
        let (mut child, url) = spawn(folder.path());
        let credentials = Credentials::new("operator", "operator-secret", None, None, "test");
        let s3 = client(&url, credentials, RequestChecksumCalculation::WhenRequired);
        s3.create_bucket().bucket("one").send().await.unwrap();
        let writers =
            (0..8).map(|writer| tokio::spawn(write_until_killed(s3.clone(), known.clone(), round, writer)));
        let writers: Vec<_> = writers.collect();
        while acknowledged_in(&known, round) < 80 {
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
    for (key, known) in known {
        let got = s3.get_object().bucket("one").key(&key).send().await.ok();
        let got = match got {
            Some(got) => Some(got.body.collect().await.unwrap().into_bytes()),
            None => None,
        };
        let may_hold = |held: &Held| held.map(body).as_deref() == got.as_deref();
        let is_known = may_hold(&known.done.unwrap_or(None)) || known.asked.iter().any(may_hold);
        assert!(is_known, "{key} is neither what was acknowledged nor anything asked for later");
    }
    nothing_is_left_behind(&served, &s3).await;
}

/// Each large body has its one file, whoever shares it; and when all is deleted there is none.
async fn nothing_is_left_behind(served: &Served, s3: &aws_sdk_s3::Client) {
    let uploads = s3.list_multipart_uploads().bucket("one").send().await.unwrap();
    for upload in uploads.uploads() {
        let abort = s3.abort_multipart_upload().bucket("one").set_key(upload.key.clone());
        abort.set_upload_id(upload.upload_id.clone()).send().await.unwrap();
    }
    let page = s3.list_objects_v2().bucket("one").send().await.unwrap();
    let large = page.contents().iter().filter(|object| object.size().unwrap() > 128 * 1024);
    let bodies: HashSet<_> = large.map(|object| object.e_tag().unwrap().to_owned()).collect();
    assert!(bodies.len() > 10);
    assert_eq!(served.blob_files(), bodies.len(), "each large body has its blob and there is no other");
    for object in page.contents() {
        s3.delete_object().bucket("one").key(object.key().unwrap()).send().await.unwrap();
    }
    assert_eq!(served.blob_files(), 0);
}

#[tokio::test]
async fn a_second_opener_is_refused() {
    let served = Served::new().await;
    let second = EmbeddedS3::open(common::config(served.folder.path()));
    assert!(matches!(second, Err(OpenError::InUse(_))));
}
