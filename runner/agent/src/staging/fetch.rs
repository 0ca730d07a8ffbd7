//! Objects to files: one request for small ones, parallel ranges for large ones.

use super::StagingError;
use crate::s3::{S3Error, sort};
use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use futures::{StreamExt, TryStreamExt, stream};
use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

/// Bytes of one range.
const CHUNK: u64 = 16 << 20;
/// Ranges of one object in flight.
const PARALLEL: usize = 6;
/// Tries of one range beyond the SDK's own (a body that breaks off is not tried again by the SDK).
const TRIES: u32 = 4;

/// Whoever brings objects.
#[async_trait]
pub trait Fetcher: Send + Sync {
    /// Writes the object to `path`; its length. `uri` is how errors name it.
    async fn fetch(&self, uri: &str, bucket: &str, key: &str, path: &Path) -> Result<u64, StagingError>;
}

/// S3 through the SDK.
#[derive(Clone, Debug)]
pub struct ParallelS3(pub Client);

struct Target<'a> {
    bucket: &'a str,
    key: &'a str,
    file: Arc<File>,
}

enum ChunkError {
    S3(S3Error),
    Disk(io::Error),
}

#[async_trait]
impl Fetcher for ParallelS3 {
    async fn fetch(&self, uri: &str, bucket: &str, key: &str, path: &Path) -> Result<u64, StagingError> {
        let disk = |source| StagingError::Write { path: path.to_owned(), source };
        // An archive that is unpacked meanwhile may have put a symlink there.
        let mut options = File::options();
        options.write(true).create(true).truncate(true).custom_flags(nix::libc::O_NOFOLLOW);
        let file = Arc::new(options.open(path).map_err(disk)?);
        let target = Target { bucket, key, file };
        let fetched = self.fetch_all(&target).await;
        fetched.map_err(|error| match error {
            ChunkError::S3(source) => StagingError::Fetch { uri: uri.to_owned(), source },
            ChunkError::Disk(source) => disk(source),
        })
    }
}

impl ParallelS3 {
    async fn fetch_all(&self, target: &Target<'_>) -> Result<u64, ChunkError> {
        let (total, etag) = self.chunk(target, 0, None).await?;
        let starts = (1..total.div_ceil(CHUNK)).map(|index| index * CHUNK);
        stream::iter(starts.map(|start| self.chunk(target, start, etag.as_deref())))
            .buffer_unordered(PARALLEL)
            .try_collect::<Vec<_>>()
            .await?;
        Ok(total)
    }

    /// Brings one range; the object's length and tag.
    async fn chunk(
        &self,
        target: &Target<'_>,
        start: u64,
        etag: Option<&str>,
    ) -> Result<(u64, Option<String>), ChunkError> {
        let mut tries = 1;
        loop {
            match self.chunk_once(target, start, etag).await {
                Err(ChunkError::S3(S3Error::Passing(_))) if tries < TRIES => tries += 1,
                Err(ChunkError::S3(S3Error::Refused { code, .. }))
                    if code == "InvalidRange" && start == 0 =>
                {
                    return Ok((0, None));
                }
                other => return other,
            }
        }
    }

    async fn chunk_once(
        &self,
        target: &Target<'_>,
        start: u64,
        etag: Option<&str>,
    ) -> Result<(u64, Option<String>), ChunkError> {
        let range = format!("bytes={start}-{}", start + CHUNK - 1);
        let call = self.0.get_object().bucket(target.bucket).key(target.key).range(range);
        let call = call.set_if_match(etag.map(str::to_owned));
        let mut given = call.send().await.map_err(|error| ChunkError::S3(sort(error)))?;
        let total = total_length(&given);
        let mut at = start;
        while let Some(bytes) = given.body.next().await {
            let bytes = bytes.map_err(|error| ChunkError::S3(S3Error::Passing(error.to_string())))?;
            target.file.write_all_at(&bytes, at).map_err(ChunkError::Disk)?;
            at += bytes.len() as u64;
        }
        Ok((total, given.e_tag))
    }
}

fn total_length(given: &GetObjectOutput) -> u64 {
    let whole = given.content_range().and_then(|range| range.rsplit('/').next()?.parse().ok());
    whole.unwrap_or_else(|| given.content_length().and_then(|length| u64::try_from(length).ok()).unwrap_or(0))
}
