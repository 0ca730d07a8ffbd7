//! Ships what a dead runner left behind in its worker's folder.

use super::follow::{Follower, LogsEnd};
use super::shipped::{Begins, LIMITS, Limits, Note, Shipped};
use super::store::{Head, LogStore};
use super::stream::{Stream, note_path};
use super::{STREAMS, TRUNCATED};
use crate::s3::S3Error;
use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Brings the logs in `folder` (a worker's folder) to `store` under `prefix`, going on where the dead runner stopped.
///
/// Nothing else may write these objects meanwhile: call it only when the runner is dead.
pub async fn salvage(folder: &Path, store: Arc<dyn LogStore>, prefix: &str, patience: Duration) -> LogsEnd {
    salvage_with(LIMITS, folder, store, prefix, patience).await
}

pub(super) async fn salvage_with(
    limits: Limits,
    folder: &Path,
    store: Arc<dyn LogStore>,
    prefix: &str,
    patience: Duration,
) -> LogsEnd {
    let mut streams = Vec::new();
    for (file, object) in STREAMS {
        let (file, key) = (folder.join("logs").join(file), format!("{prefix}/{object}"));
        match resume(&*store, &key, &file, limits).await {
            Ok(shipped) => streams.push(Stream { store: store.clone(), key, file, shipped }),
            Err(error) => return LogsEnd { complete: false, why: Some(format!("{key}: {error}")) },
        }
    }
    Follower::over(streams, store, prefix).finish(patience).await
}

/// Says beside logs that nobody can bring to S3 any more where each of them ends.
pub async fn mark_truncated(store: &dyn LogStore, prefix: &str, why: &str) -> Result<(), S3Error> {
    let mut text = String::new();
    for (_, object) in STREAMS {
        let key = format!("{prefix}/{object}");
        let head = store.head(&key).await?;
        let (length, archived) = head.map_or((0, 0), |head| (head.length, head.begins.archived));
        let after = if archived > 0 { format!(" after {archived} in archived/") } else { String::new() };
        text.push_str(&format!("{key}: {length} bytes are here, compressed{after}; {why}\n"));
    }
    store.put(&format!("{prefix}/{TRUNCATED}"), Bytes::from(text), Begins::default()).await.map(drop)
}

async fn resume(store: &dyn LogStore, key: &str, file: &Path, limits: Limits) -> Result<Shipped, S3Error> {
    let note: Option<Note> =
        std::fs::read(note_path(file)).ok().and_then(|text| serde_json::from_slice(&text).ok());
    let Some(Head { length, etag, begins }) = store.head(key).await? else {
        // What is archived may be gone from the disk.
        let begins = note.map_or(Begins::default(), |note| note.begins);
        return Shipped::new(begins, limits).map_err(|error| S3Error::Passing(error.to_string()));
    };
    let content = store.get(key).await?.to_vec();
    let raw = match note.filter(|note| note.etag == etag && note.length == length) {
        Some(note) => note.raw,
        None => raw_length(&content)
            .map(|length| begins.at + length)
            .map_err(|error| S3Error::Refused { code: "NotGzip".to_owned(), message: error.to_string() })?,
    };
    Ok(Shipped::found(begins, raw, content, limits))
}

fn raw_length(content: &[u8]) -> std::io::Result<u64> {
    let mut decoder = MultiGzDecoder::new(content);
    let mut buffer = [0; 64 * 1024];
    let mut length = 0;
    loop {
        match decoder.read(&mut buffer)? {
            0 => return Ok(length),
            read => length += read as u64,
        }
    }
}
