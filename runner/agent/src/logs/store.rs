//! What the log follower needs of an object store, and S3 as such a store.

use crate::s3::{S3Error, sort};
use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Largest part that one copy may carry (S3's limit is 5 GiB).
const LARGEST_COPY: u64 = 4 << 30;
const KEPT_IN_COPY_SOURCE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.');

/// An object's length and tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Bytes.
    pub length: u64,
    /// Entity tag.
    pub etag: String,
}

/// Where logs go: one bucket.
#[async_trait]
pub trait LogStore: Send + Sync {
    /// Writes a whole object; returns its tag.
    async fn put(&self, key: &str, body: Bytes) -> Result<String, S3Error>;
    /// Replaces an object (which must still have this tag) by its first `prefix` bytes and `tail`; returns its new tag.
    async fn extend(&self, key: &str, prefix: u64, etag: &str, tail: Bytes) -> Result<String, S3Error>;
    /// Length and tag, if there is such an object.
    async fn head(&self, key: &str) -> Result<Option<Head>, S3Error>;
    /// The content.
    async fn get(&self, key: &str) -> Result<Bytes, S3Error>;
}

/// A bucket of S3.
#[derive(Clone, Debug)]
pub struct S3LogStore {
    client: Client,
    bucket: String,
}

impl S3LogStore {
    /// Logs go to `bucket` through `client`.
    pub fn new(client: Client, bucket: impl Into<String>) -> Self {
        Self { client, bucket: bucket.into() }
    }

    async fn parts(
        &self,
        key: &str,
        upload: &str,
        prefix: u64,
        etag: &str,
        tail: Bytes,
    ) -> Result<Vec<CompletedPart>, S3Error> {
        let mut parts = Vec::new();
        for (first, last) in ranges(prefix) {
            let number = parts.len() as i32 + 1;
            let copied = self
                .client
                .upload_part_copy()
                .bucket(&self.bucket)
                .key(key)
                .upload_id(upload)
                .part_number(number)
                .copy_source(
                    utf8_percent_encode(&format!("{}/{key}", self.bucket), KEPT_IN_COPY_SOURCE).to_string(),
                )
                .copy_source_range(format!("bytes={first}-{last}"))
                .copy_source_if_match(etag);
            let copied = copied.send().await.map_err(sort)?;
            let tag = copied.copy_part_result().and_then(|part| part.e_tag()).map(str::to_owned);
            parts.push(CompletedPart::builder().part_number(number).set_e_tag(tag).build());
        }
        let number = parts.len() as i32 + 1;
        let added =
            self.client.upload_part().bucket(&self.bucket).key(key).upload_id(upload).part_number(number);
        let added = added.body(tail.into()).send().await.map_err(sort)?;
        parts.push(
            CompletedPart::builder().part_number(number).set_e_tag(added.e_tag().map(str::to_owned)).build(),
        );
        Ok(parts)
    }

    async fn complete(&self, key: &str, upload: &str, parts: Vec<CompletedPart>) -> Result<String, S3Error> {
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let call = self.client.complete_multipart_upload().bucket(&self.bucket).key(key).upload_id(upload);
        let done = call.multipart_upload(parts).send().await.map_err(sort)?;
        Ok(done.e_tag().unwrap_or_default().to_owned())
    }
}

/// Even ranges (first and last byte) of at most `LARGEST_COPY` that cover `length` bytes.
fn ranges(length: u64) -> impl Iterator<Item = (u64, u64)> {
    let count = length.div_ceil(LARGEST_COPY).max(1);
    (0..count).map(move |index| (length * index / count, length * (index + 1) / count - 1))
}

#[async_trait]
impl LogStore for S3LogStore {
    async fn put(&self, key: &str, body: Bytes) -> Result<String, S3Error> {
        let call = self.client.put_object().bucket(&self.bucket).key(key).content_type("application/gzip");
        let done = call.body(body.into()).send().await.map_err(sort)?;
        Ok(done.e_tag().unwrap_or_default().to_owned())
    }

    async fn extend(&self, key: &str, prefix: u64, etag: &str, tail: Bytes) -> Result<String, S3Error> {
        let call = self.client.create_multipart_upload().bucket(&self.bucket).key(key);
        let begun = call.content_type("application/gzip").send().await.map_err(sort)?;
        let upload = begun.upload_id().unwrap_or_default().to_owned();
        let parts = self.parts(key, &upload, prefix, etag, tail).await;
        let done = match parts {
            Ok(parts) => self.complete(key, &upload, parts).await,
            Err(error) => Err(error),
        };
        if done.is_err() {
            let abort = self.client.abort_multipart_upload().bucket(&self.bucket).key(key).upload_id(&upload);
            let _ = abort.send().await;
        }
        done
    }

    async fn head(&self, key: &str) -> Result<Option<Head>, S3Error> {
        match self.client.head_object().bucket(&self.bucket).key(key).send().await {
            Ok(found) => Ok(Some(Head {
                length: found.content_length().and_then(|length| u64::try_from(length).ok()).unwrap_or(0),
                etag: found.e_tag().unwrap_or_default().to_owned(),
            })),
            Err(error) if error.raw_response().is_some_and(|answer| answer.status().as_u16() == 404) => {
                Ok(None)
            }
            Err(error) => Err(sort(error)),
        }
    }

    async fn get(&self, key: &str) -> Result<Bytes, S3Error> {
        let found = self.client.get_object().bucket(&self.bucket).key(key).send().await.map_err(sort)?;
        let body = found.body.collect().await.map_err(|error| S3Error::Passing(error.to_string()))?;
        Ok(body.into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_cover_everything_once_in_parts_that_s3_accepts() {
        for length in [5 << 20, LARGEST_COPY, LARGEST_COPY + 1, 3 * LARGEST_COPY - 1] {
            let ranges: Vec<_> = ranges(length).collect();
            assert_eq!(ranges[0].0, 0);
            assert_eq!(ranges[ranges.len() - 1].1, length - 1);
            assert!(ranges.windows(2).all(|pair| pair[0].1 + 1 == pair[1].0));
            assert!(
                ranges.iter().all(|(first, last)| last - first < LARGEST_COPY && last - first + 1 >= 5 << 20)
            );
        }
    }
}
