//! What the log follower needs of an object store, and S3 as such a store.

use super::shipped::Begins;
use crate::s3::{S3Error, sort};
use async_trait::async_trait;
use aws_sdk_s3::Client;
use bytes::Bytes;
use std::collections::HashMap;

/// Metadata of a log object: number of full files before it, and bytes of the log in them.
pub const ARCHIVED: &str = "firesteel-archived";
const AT: &str = "firesteel-begins-at";

/// An object as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Bytes.
    pub length: u64,
    /// Entity tag.
    pub etag: String,
    /// Where it begins.
    pub begins: Begins,
}

/// Where logs go: one bucket.
#[async_trait]
pub trait LogStore: Send + Sync {
    /// Writes a whole object; returns its tag.
    async fn put(&self, key: &str, body: Bytes, begins: Begins) -> Result<String, S3Error>;
    /// Length, tag and place, if there is such an object.
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
}

/// What the metadata of an object say; an object without any begins at the beginning.
fn begins(metadata: Option<&HashMap<String, String>>) -> Begins {
    let text = |name: &str| metadata.and_then(|metadata| metadata.get(name));
    Begins {
        archived: text(ARCHIVED).and_then(|text| text.parse().ok()).unwrap_or(0),
        at: text(AT).and_then(|text| text.parse().ok()).unwrap_or(0),
    }
}

#[async_trait]
impl LogStore for S3LogStore {
    async fn put(&self, key: &str, body: Bytes, begins: Begins) -> Result<String, S3Error> {
        let mut call =
            self.client.put_object().bucket(&self.bucket).key(key).content_type("application/gzip");
        if begins.archived > 0 {
            call = call.metadata(ARCHIVED, begins.archived.to_string()).metadata(AT, begins.at.to_string());
        }
        let done = call.body(body.into()).send().await.map_err(sort)?;
        Ok(done.e_tag().unwrap_or_default().to_owned())
    }

    async fn head(&self, key: &str) -> Result<Option<Head>, S3Error> {
        match self.client.head_object().bucket(&self.bucket).key(key).send().await {
            Ok(found) => Ok(Some(Head {
                length: found.content_length().and_then(|length| u64::try_from(length).ok()).unwrap_or(0),
                etag: found.e_tag().unwrap_or_default().to_owned(),
                begins: begins(found.metadata()),
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
    fn an_object_says_where_it_begins() {
        let metadata = |pairs: &[(&str, &str)]| -> HashMap<String, String> {
            pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
        };
        assert_eq!(begins(None), Begins::default());
        let both = metadata(&[(ARCHIVED, "2"), (AT, "300")]);
        assert_eq!(begins(Some(&both)), Begins { archived: 2, at: 300 });
        assert_eq!(begins(Some(&metadata(&[("other", "2")]))), Begins::default());
    }
}
