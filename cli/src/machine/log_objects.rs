//! Workers' logs as objects in S3.

use super::history_server::said;
use async_trait::async_trait;
use firesteel_agent::logs::ARCHIVED;
use firesteel_agent::{Keyring, s3_client};
use firesteel_protocol::{Credentials, ObjectStore};
use firesteel_service::{LogStream, Logs, NoLog};
use futures::StreamExt;
use futures::stream;

/// Logs in one store.
#[derive(Clone, Debug)]
pub struct S3Logs(ObjectStore);

impl S3Logs {
    /// Logs in this store.
    pub fn new(store: ObjectStore) -> Self {
        Self(store)
    }
}

#[async_trait]
impl Logs for S3Logs {
    async fn read(&self, bucket: &str, key: &str, credentials: &Credentials) -> Result<LogStream, NoLog> {
        let client = s3_client(&self.0, &Keyring::new(credentials.clone()));
        let object = match client.get_object().bucket(bucket).key(key).send().await {
            Ok(object) => object,
            Err(error) if error.as_service_error().is_some_and(|error| error.is_no_such_key()) => {
                return Err(NoLog::Absent);
            }
            Err(error) => return Err(NoLog::Unreadable(said(error))),
        };
        let length = object.content_length.and_then(|length| u64::try_from(length).ok());
        let archived =
            object.metadata().and_then(|metadata| metadata.get(ARCHIVED)?.parse().ok()).unwrap_or(0);
        let body = stream::unfold(object.body, |mut body| async move {
            let piece = body.next().await?;
            Some((piece.map_err(std::io::Error::other), body))
        });
        Ok(LogStream { length, archived, body: body.boxed() })
    }
}
