//! The follower against a store that remembers every version, refuses, and loses answers.

use super::*;
use crate::s3::S3Error;
use async_trait::async_trait;
use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use std::collections::HashMap;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const PREFIX: &str = "logs/SPARK_DRIVER";
const PATIENCE: Duration = Duration::from_secs(20);

/// A bucket in memory.
#[derive(Default)]
struct Bucket {
    versions: Mutex<HashMap<String, Vec<Bytes>>>,
    faults: Mutex<Vec<Fault>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Fault {
    /// The write happens, its answer is lost.
    LostAnswer,
    /// Nothing happens, try again.
    Busy,
    /// Never.
    Denied,
}

impl Bucket {
    fn versions(&self, key: &str) -> Vec<Bytes> {
        self.versions.lock().unwrap().get(key).cloned().unwrap_or_default()
    }

    fn text(&self, name: &str) -> Vec<u8> {
        gunzip(self.versions(&format!("{PREFIX}/{name}")).last().unwrap())
    }

    fn write(&self, key: &str, body: Bytes) -> Result<String, S3Error> {
        let fault = {
            let mut faults = self.faults.lock().unwrap();
            match faults.last() {
                Some(Fault::Denied) if key.ends_with(TRUNCATED) => None,
                Some(Fault::Denied) => Some(Fault::Denied),
                _ => faults.pop(),
            }
        };
        match fault {
            Some(Fault::Busy) => return Err(S3Error::Passing("503".into())),
            Some(Fault::Denied) => {
                return Err(S3Error::Refused { code: "AccessDenied".into(), message: "no".into() });
            }
            _ => {}
        }
        let mut versions = self.versions.lock().unwrap();
        let versions = versions.entry(key.to_owned()).or_default();
        versions.push(body);
        match fault {
            Some(Fault::LostAnswer) => Err(S3Error::Passing("time-out".into())),
            _ => Ok(versions.len().to_string()),
        }
    }
}

#[async_trait]
impl LogStore for Bucket {
    async fn put(&self, key: &str, body: Bytes) -> Result<String, S3Error> {
        self.write(key, body)
    }
    async fn extend(&self, key: &str, prefix: u64, etag: &str, tail: Bytes) -> Result<String, S3Error> {
        let versions = self.versions(key);
        if etag != versions.len().to_string() {
            return Err(S3Error::Changed("412".into()));
        }
        let carried = &versions[versions.len() - 1][..prefix as usize];
        self.write(key, [carried, &tail[..]].concat().into())
    }
    async fn head(&self, key: &str) -> Result<Option<Head>, S3Error> {
        let versions = self.versions(key);
        Ok(versions.last().map(|body| Head { length: body.len() as u64, etag: versions.len().to_string() }))
    }
    async fn get(&self, key: &str) -> Result<Bytes, S3Error> {
        self.versions(key).pop().ok_or(S3Error::Changed("gone".into()))
    }
}

fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut raw = Vec::new();
    MultiGzDecoder::new(bytes).read_to_end(&mut raw).unwrap();
    raw
}

fn append(folder: &Path, name: &str, bytes: &[u8]) {
    crate::notes::append(&folder.join(name)).unwrap().write_all(bytes).unwrap();
}

fn noise(length: usize) -> Vec<u8> {
    (0..length).map(|_| rand::random::<u8>()).collect()
}

/// Every version begins with the one before it, and unpacks to a prefix of the file.
fn assert_only_ever_grew(bucket: &Bucket, name: &str, file: &[u8]) {
    let versions = bucket.versions(&format!("{PREFIX}/{name}"));
    assert!(versions.windows(2).all(|pair| pair[1].starts_with(&pair[0])), "a prefix changed");
    assert!(versions.iter().all(|version| file.starts_with(&gunzip(version))));
    assert_eq!(gunzip(versions.last().unwrap()), file);
}

#[tokio::test]
async fn empty_objects_are_there_before_the_first_byte() {
    let (bucket, folder) = (Arc::new(Bucket::default()), tempfile::tempdir().unwrap());
    let follower = Follower::begin(bucket.clone(), PREFIX, folder.path(), PATIENCE).await.unwrap();
    assert!(bucket.text("stdout.gz").is_empty() && bucket.text("stderr.gz").is_empty());
    assert_eq!(follower.finish(PATIENCE).await, LogsEnd { complete: true, why: None });
}

#[tokio::test]
async fn whatever_is_written_arrives_whole_through_faults_and_past_five_mebibytes() {
    let (bucket, folder) = (Arc::new(Bucket::default()), tempfile::tempdir().unwrap());
    let follower = Follower::begin(bucket.clone(), PREFIX, folder.path(), PATIENCE).await.unwrap();
    bucket.faults.lock().unwrap().extend([Fault::LostAnswer, Fault::Busy, Fault::LostAnswer, Fault::Busy]);
    let mut file = Vec::new();
    for size in [1, 100, 6 << 20, 10, 300_000, 5 << 20, 7] {
        let bytes = noise(size);
        append(folder.path(), "stdout", &bytes);
        file.extend(bytes);
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
    assert!(follower.finish(PATIENCE).await.complete);
    assert_only_ever_grew(&bucket, "stdout.gz", &file);
}

#[tokio::test]
async fn a_dead_runners_logs_are_salvaged_with_and_without_its_note() {
    for (size, with_note) in [(1_000, true), (1_000, false), (6 << 20, true), (6 << 20, false)] {
        let (bucket, root) = (Arc::new(Bucket::default()), tempfile::tempdir().unwrap());
        let folder = root.path().join("logs");
        std::fs::create_dir_all(&folder).unwrap();
        let follower = Follower::begin(bucket.clone(), PREFIX, &folder, PATIENCE).await.unwrap();
        let mut file = noise(size);
        append(&folder, "stdout", &file);
        while bucket.text("stdout.gz").len() < size {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        drop(follower);
        tokio::time::sleep(Duration::from_millis(200)).await;
        append(&folder, "stdout", b"the last words");
        file.extend(b"the last words");
        if !with_note {
            std::fs::remove_file(folder.join("stdout.shipped.json")).unwrap();
        }
        let store: Arc<dyn LogStore> = bucket.clone();
        assert!(salvage(root.path(), store, PREFIX, PATIENCE).await.complete);
        assert_only_ever_grew(&bucket, "stdout.gz", &file);
    }
}

#[tokio::test]
async fn a_bucket_that_refuses_at_the_start_is_an_error_and_later_leaves_a_marker() {
    let (bucket, folder) = (Arc::new(Bucket::default()), tempfile::tempdir().unwrap());
    bucket.faults.lock().unwrap().push(Fault::Denied);
    let begun = Follower::begin(bucket.clone(), PREFIX, folder.path(), PATIENCE).await;
    assert!(matches!(begun, Err(S3Error::Refused { .. })));
    bucket.faults.lock().unwrap().clear();
    let follower = Follower::begin(bucket.clone(), PREFIX, folder.path(), PATIENCE).await.unwrap();
    bucket.faults.lock().unwrap().push(Fault::Denied);
    append(folder.path(), "stdout", b"lost");
    let end = follower.finish(PATIENCE).await;
    assert!(!end.complete);
    let marker = bucket.versions(&format!("{PREFIX}/{TRUNCATED}")).pop().unwrap();
    assert_eq!(&marker[..], b"logs/SPARK_DRIVER/stdout.gz: 0 bytes are here; AccessDenied: no\n");
}

#[tokio::test]
async fn logs_that_are_lost_elsewhere_get_a_marker_that_says_where_they_end() {
    let bucket = Arc::new(Bucket::default());
    bucket.write(&format!("{PREFIX}/stdout.gz"), Bytes::from_static(b"12345")).unwrap();
    mark_truncated(&*bucket, PREFIX, "gone").await.unwrap();
    let marker = bucket.versions(&format!("{PREFIX}/{TRUNCATED}")).pop().unwrap();
    let text = "logs/SPARK_DRIVER/stdout.gz: 5 bytes are here, compressed; gone\n\
        logs/SPARK_DRIVER/stderr.gz: 0 bytes are here, compressed; gone\n";
    assert_eq!(std::str::from_utf8(&marker).unwrap(), text);
}
