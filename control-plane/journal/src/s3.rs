//! The port over aws-sdk-s3: one bucket, one prefix.
//!
//! The SDK repeats requests that got no answer, and a repeated create that had in fact won is answered 412. So
//! create-only writes go out exactly once, and every doubt is handed to the caller, who settles it by reading.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;

use crate::port::{Created, Listed, Page, Store, StoreError};

/// How often a create is repeated after 409 ConditionalRequestConflict: S3 says that it did not happen.
const CONFLICTS: u32 = 5;
const CONFLICT_PAUSE: Duration = Duration::from_millis(20);

/// A bucket, and the prefix below which everything is kept.
#[derive(Debug, Clone)]
pub struct S3Store {
    client: Client,
    bucket: String,
    prefix: String,
}

impl S3Store {
    /// Keeps everything in `bucket` below `prefix` (empty: the whole bucket; a missing final slash is added).
    /// Time-outs and retries of reads, overwrites and removals are the client's.
    #[must_use]
    pub fn new(client: Client, bucket: impl Into<String>, prefix: &str) -> Self {
        let prefix = prefix.trim_matches('/');
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        Self { client, bucket: bucket.into(), prefix }
    }

    fn full(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    // One create, sent once. `None`: S3 reports a conflict with another request that is under way.
    async fn create_once(&self, key: &str, body: Bytes) -> Result<Option<Created>, StoreError> {
        let once = aws_sdk_s3::config::Builder::new().retry_config(RetryConfig::disabled());
        let sent = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(self.full(key))
            .if_none_match("*")
            .content_type("application/json")
            .body(ByteStream::from(body))
            .customize()
            .config_override(once)
            .send()
            .await;
        let error = match sent {
            Ok(_) => return Ok(Some(Created::Committed)),
            Err(error) => error,
        };
        match status(&error) {
            Some(412) => Ok(Some(Created::Exists)),
            Some(409) => Ok(None),
            _ => match classify(&error) {
                StoreError::Unknown(reason) => {
                    tracing::debug!(key, reason, "a create has no answer");
                    Ok(Some(Created::Unknown))
                }
                not_done => Err(not_done),
            },
        }
    }
}

#[async_trait]
impl Store for S3Store {
    async fn create(&self, key: &str, body: Bytes) -> Result<Created, StoreError> {
        for conflict in 0..CONFLICTS {
            if let Some(created) = self.create_once(key, body.clone()).await? {
                return Ok(created);
            }
            tokio::time::sleep(CONFLICT_PAUSE * 2_u32.pow(conflict)).await;
        }
        Ok(Created::Unknown)
    }

    async fn put(&self, key: &str, body: Bytes) -> Result<(), StoreError> {
        let request = self.client.put_object().bucket(&self.bucket).key(self.full(key));
        let request = request.content_type("application/json").body(ByteStream::from(body));
        request.send().await.map(drop).map_err(|error| classify(&error))
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        let request = self.client.get_object().bucket(&self.bucket).key(self.full(key));
        let found = match request.send().await {
            Ok(found) => found,
            Err(error) if error.as_service_error().is_some_and(|e| e.is_no_such_key()) => {
                return Ok(None);
            }
            Err(error) => return Err(classify(&error)),
        };
        let body = found.body.collect().await;
        body.map(|body| Some(body.into_bytes())).map_err(|error| StoreError::Unknown(causes(&error)))
    }

    async fn list(&self, prefix: &str, start_after: &str, limit: usize) -> Result<Page, StoreError> {
        let limit = i32::try_from(limit.clamp(1, 1000)).unwrap_or(1000);
        let mut request =
            self.client.list_objects_v2().bucket(&self.bucket).prefix(self.full(prefix)).max_keys(limit);
        if !start_after.is_empty() {
            request = request.start_after(self.full(start_after));
        }
        let page = request.send().await.map_err(|error| classify(&error))?;
        let entries = page.contents().iter().filter_map(|object| {
            let key = object.key()?.strip_prefix(&self.prefix)?.to_owned();
            Some(Listed { key, size: u64::try_from(object.size()?).ok()? })
        });
        Ok(Page { entries: entries.collect(), more: page.is_truncated() == Some(true) })
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        let request = self.client.delete_object().bucket(&self.bucket).key(self.full(key));
        request.send().await.map(drop).map_err(|error| classify(&error))
    }
}

type Answer = aws_sdk_s3::config::http::HttpResponse;

fn status<E>(error: &SdkError<E, Answer>) -> Option<u16> {
    error.raw_response().map(|response| response.status().as_u16())
}

// Only a client error that S3 itself spelled out is certain; whatever went wrong on the way there or back is not.
fn classify<E>(error: &SdkError<E, Answer>) -> StoreError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let reason = words(error);
    let certain = match error {
        SdkError::ConstructionFailure(_) => true,
        SdkError::DispatchFailure(failure) => failure.is_user(),
        SdkError::ServiceError(answer) => {
            let refused = status(error).is_some_and(|status| (400..500).contains(&status));
            refused && answer.err().code() != Some("RequestTimeout")
        }
        _ => false,
    };
    if certain { StoreError::NotDone(reason) } else { StoreError::Unknown(reason) }
}

/// What S3 says, else what was met on the way: an operator reads it when `serve` cannot start.
fn words<E>(error: &SdkError<E, Answer>) -> String
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    match error.as_service_error().map(|said| (said.code(), said.message())) {
        Some((Some(code), Some(message))) => format!("{code}: {message}"),
        _ => causes(error),
    }
}

fn causes(error: &dyn std::error::Error) -> String {
    let chain = std::iter::successors(Some(error), |error| error.source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
