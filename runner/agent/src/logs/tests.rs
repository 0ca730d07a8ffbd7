//! The follower against a store that remembers every version, refuses, and loses answers.

use super::follow::Follower;
use super::shipped::Limits;
use super::*;
use crate::s3::S3Error;
use async_trait::async_trait;
use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use std::collections::HashMap;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const PREFIX: &str = "logs/SPARK_DRIVER";
const PATIENCE: Duration = Duration::from_secs(20);

/// A bucket in memory.
#[derive(Default)]
struct Bucket {
    versions: Mutex<HashMap<String, Vec<Bytes>>>,
    faults: Mutex<Vec<Fault>>,
    begins: Mutex<HashMap<String, Begins>>,
    uploaded: AtomicU64,
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
    async fn put(&self, key: &str, body: Bytes, begins: Begins) -> Result<String, S3Error> {
        self.uploaded.fetch_add(body.len() as u64, Ordering::Relaxed);
        let etag = self.write(key, body)?;
        self.begins.lock().unwrap().insert(key.to_owned(), begins);
        Ok(etag)
    }
    async fn head(&self, key: &str) -> Result<Option<Head>, S3Error> {
        let versions = self.versions(key);
        let begins = self.begins.lock().unwrap().get(key).copied().unwrap_or_default();
        Ok(versions.last().map(|body| Head {
            length: body.len() as u64,
            etag: versions.len().to_string(),
            begins,
        }))
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
async fn whatever_is_written_arrives_whole_through_faults() {
    let (bucket, folder) = (Arc::new(Bucket::default()), tempfile::tempdir().unwrap());
    let follower = Follower::begin(bucket.clone(), PREFIX, folder.path(), PATIENCE).await.unwrap();
    bucket.faults.lock().unwrap().extend([Fault::LostAnswer, Fault::Busy, Fault::LostAnswer, Fault::Busy]);
    let mut file = Vec::new();
    for size in [1, 100, 1 << 20, 10, 300_000, 7] {
        let bytes = noise(size);
        append(folder.path(), "stdout", &bytes);
        file.extend(bytes);
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
    assert!(follower.finish(PATIENCE).await.complete);
    assert_only_ever_grew(&bucket, "stdout.gz", &file);
}

/// Files of a few lines.
const SMALL: Limits = Limits { raw: 1_000, packed: 1 << 20 };

fn lines(from: usize, to: usize) -> Vec<u8> {
    (from..to).flat_map(|number| format!("line {number} {:0>1$}\n", "", number % 90).into_bytes()).collect()
}

impl Bucket {
    /// The text of the full files and of the newest, each as it stands; checks that each says where it begins.
    fn files(&self, stream: &str) -> Vec<Vec<u8>> {
        let newest = format!("{PREFIX}/{stream}.gz");
        let begins = |key: &str| self.begins.lock().unwrap().get(key).copied().unwrap_or_default();
        let (count, mut files, mut at) = (begins(&newest).archived, Vec::new(), 0);
        for number in 0..=count {
            let full = format!("{PREFIX}/archived/{stream}_{}.gz", number + 1);
            let key = if number < count { &full } else { &newest };
            assert_eq!(begins(key), Begins { archived: number, at }, "{key}");
            files.push(gunzip(self.versions(key).last().unwrap()));
            at += files[files.len() - 1].len() as u64;
        }
        files
    }
}

fn assert_rotated(bucket: &Bucket, file: &[u8]) {
    let files = bucket.files("stdout");
    assert_eq!(files.concat(), file);
    let (newest, full) = files.split_last().unwrap();
    assert!(newest.len() <= 1_000 && full.iter().all(|file| (800..=1_000).contains(&file.len())));
    assert!(full.iter().all(|file| file.ends_with(b"\n")), "whole lines");
}

#[tokio::test]
async fn files_that_are_full_are_archived_through_faults() {
    let (bucket, folder) = (Arc::new(Bucket::default()), tempfile::tempdir().unwrap());
    let follower =
        Follower::begin_with(SMALL, bucket.clone(), PREFIX, folder.path(), PATIENCE).await.unwrap();
    bucket.faults.lock().unwrap().extend([Fault::LostAnswer, Fault::Busy, Fault::LostAnswer, Fault::Busy]);
    for part in 0..5 {
        append(folder.path(), "stdout", &lines(part * 20, part * 20 + 20));
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
    assert!(follower.finish(PATIENCE).await.complete);
    assert_rotated(&bucket, &lines(0, 100));
    assert_eq!(bucket.files("stderr"), [Vec::<u8>::new()]);
}

#[tokio::test]
async fn archived_logs_are_salvaged_with_and_without_a_note() {
    for with_note in [true, false] {
        let (bucket, root) = (Arc::new(Bucket::default()), tempfile::tempdir().unwrap());
        let folder = root.path().join("logs");
        std::fs::create_dir_all(&folder).unwrap();
        let follower = Follower::begin_with(SMALL, bucket.clone(), PREFIX, &folder, PATIENCE).await.unwrap();
        append(&folder, "stdout", &lines(0, 50));
        while bucket.files("stdout").concat() != lines(0, 50) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        drop(follower);
        tokio::time::sleep(Duration::from_millis(200)).await;
        append(&folder, "stdout", &lines(50, 100));
        if !with_note {
            std::fs::remove_file(folder.join("stdout.shipped.json")).unwrap();
        }
        let store: Arc<dyn LogStore> = bucket.clone();
        assert!(salvage::salvage_with(SMALL, root.path(), store, PREFIX, PATIENCE).await.complete);
        assert_rotated(&bucket, &lines(0, 100));
    }
}

#[tokio::test]
async fn a_runner_that_dies_between_archive_and_newest_loses_and_repeats_nothing() {
    let (bucket, root) = (Arc::new(Bucket::default()), tempfile::tempdir().unwrap());
    let folder = root.path().join("logs");
    std::fs::create_dir_all(&folder).unwrap();
    let follower = Follower::begin_with(SMALL, bucket.clone(), PREFIX, &folder, PATIENCE).await.unwrap();
    append(&folder, "stdout", &lines(0, 10));
    while bucket.files("stdout").concat() != lines(0, 10) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    drop(follower);
    tokio::time::sleep(Duration::from_millis(200)).await;
    // It was archived with more than the newest object holds.
    let full = format!("{PREFIX}/archived/stdout_1.gz");
    bucket.put(&full, shipped::member(&lines(0, 17)).unwrap().into(), Begins::default()).await.unwrap();
    append(&folder, "stdout", &lines(10, 60));
    let store: Arc<dyn LogStore> = bucket.clone();
    assert!(salvage::salvage_with(SMALL, root.path(), store, PREFIX, PATIENCE).await.complete);
    assert_rotated(&bucket, &lines(0, 60));
}

#[tokio::test]
async fn a_driver_that_prints_much_costs_little_more_than_what_it_prints() {
    let (bucket, folder) = (Arc::new(Bucket::default()), tempfile::tempdir().unwrap());
    let limits = Limits { raw: 2 << 20, packed: 1 << 20 };
    let follower =
        Follower::begin_with(limits, bucket.clone(), PREFIX, folder.path(), PATIENCE).await.unwrap();
    let mut text = Vec::new();
    while text.len() < 16 << 20 {
        // A third of it cannot be compressed.
        text.extend(
            format!("26/11/21 12:00:00 INFO TaskSetManager: Finished task {}\n", hex::encode(noise(20)))
                .bytes(),
        );
    }
    for part in text.chunks(1 << 20) {
        append(folder.path(), "stdout", part);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(follower.finish(PATIENCE).await.complete);
    assert!(bucket.files("stdout").concat() == text, "every byte is there");
    let kept: usize =
        bucket.versions.lock().unwrap().values().map(|versions| versions[versions.len() - 1].len()).sum();
    let uploaded = bucket.uploaded.load(Ordering::Relaxed);
    assert!(uploaded < 2 * kept as u64, "{uploaded} bytes were uploaded for {kept}");
    // What is archived is given back to the disk, where the file system can do that.
    let file = std::fs::metadata(folder.path().join("stdout")).unwrap();
    assert_eq!(file.len(), text.len() as u64);
}

#[tokio::test]
async fn a_dead_runners_logs_are_salvaged_with_and_without_its_note() {
    for (size, with_note) in [(1_000, true), (1_000, false), (1 << 20, true), (1 << 20, false)] {
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
    let begins = Begins { archived: 3, at: 1_000 };
    bucket.put(&format!("{PREFIX}/stdout.gz"), Bytes::from_static(b"12345"), begins).await.unwrap();
    mark_truncated(&*bucket, PREFIX, "gone").await.unwrap();
    let marker = bucket.versions(&format!("{PREFIX}/{TRUNCATED}")).pop().unwrap();
    let text = "logs/SPARK_DRIVER/stdout.gz: 5 bytes are here, compressed after 3 in archived/; gone\n\
        logs/SPARK_DRIVER/stderr.gz: 0 bytes are here, compressed; gone\n";
    assert_eq!(std::str::from_utf8(&marker).unwrap(), text);
}
