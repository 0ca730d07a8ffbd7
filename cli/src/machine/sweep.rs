//! Removes everything under a run's own prefix: objects, and uploads that were never completed.

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::error::DisplayErrorContext;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use firesteel_agent::{Keyring, s3_client};
use firesteel_protocol::{Credentials, ObjectStore};
use firesteel_service::Sweep;

/// Sweeps in one store.
#[derive(Clone, Debug)]
pub struct S3Sweep(ObjectStore);

impl S3Sweep {
    /// Sweeps in this store.
    pub fn new(store: ObjectStore) -> Self {
        Self(store)
    }
}

#[async_trait]
impl Sweep for S3Sweep {
    async fn sweep(&self, uri: &str, credentials: &Credentials) -> bool {
        let Some((bucket, prefix)) = place(uri) else {
            tracing::error!(uri, "not a prefix that may be swept");
            return false;
        };
        let client = s3_client(&self.0, &Keyring::new(credentials.clone()));
        let swept = async {
            abort_uploads(&client, bucket, prefix).await?;
            delete_objects(&client, bucket, prefix).await
        };
        match swept.await {
            Ok(all) => all,
            Err(error) => {
                tracing::warn!(uri, error = %format!("{error:#}"), "could not be swept");
                false
            }
        }
    }
}

/// Bucket and prefix. Nothing less than a whole folder is swept, and never a whole bucket.
fn place(uri: &str) -> Option<(&str, &str)> {
    let (bucket, prefix) = uri.strip_prefix("s3://")?.split_once('/')?;
    let folder = prefix.ends_with('/') && !prefix.trim_matches('/').is_empty();
    (!bucket.is_empty() && folder).then_some((bucket, prefix))
}

fn said<E: std::error::Error>(error: E) -> anyhow::Error {
    anyhow::anyhow!("{}", DisplayErrorContext(error))
}

/// True when no object is left.
async fn delete_objects(client: &Client, bucket: &str, prefix: &str) -> anyhow::Result<bool> {
    let mut all = true;
    let mut after = None;
    loop {
        let page = client.list_objects_v2().bucket(bucket).prefix(prefix).set_start_after(after);
        let page = page.send().await.map_err(said)?;
        let keys: Vec<&str> = page.contents().iter().filter_map(|object| object.key()).collect();
        let Some(last) = keys.last().map(|key| (*key).to_owned()) else { return Ok(all) };
        let objects = keys.iter().map(|key| ObjectIdentifier::builder().key(*key).build());
        let delete =
            Delete::builder().set_objects(Some(objects.collect::<Result<_, _>>()?)).quiet(true).build()?;
        let deleted = client.delete_objects().bucket(bucket).delete(delete).send().await.map_err(said)?;
        all &= deleted.errors().is_empty();
        after = Some(last);
    }
}

async fn abort_uploads(client: &Client, bucket: &str, prefix: &str) -> anyhow::Result<()> {
    let (mut key, mut upload) = (None, None);
    loop {
        let page = client.list_multipart_uploads().bucket(bucket).prefix(prefix);
        let page = page.set_key_marker(key).set_upload_id_marker(upload).send().await.map_err(said)?;
        for open in page.uploads() {
            let abort = client.abort_multipart_upload().bucket(bucket).set_key(open.key.clone());
            let aborted = abort.set_upload_id(open.upload_id.clone()).send().await;
            // One that ended meanwhile is no harm.
            if let Err(error) = aborted
                && !error.as_service_error().is_some_and(|e| e.is_no_such_upload())
            {
                return Err(said(error));
            }
        }
        if page.is_truncated() != Some(true) {
            return Ok(());
        }
        (key, upload) = (page.next_key_marker, page.next_upload_id_marker);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_are_swept() {
        assert_eq!(place("s3://b/p/q/"), Some(("b", "p/q/")));
        for uri in ["s3://b", "s3://b/", "s3://b//", "s3://b/p", "s3:///p/", "file:///p/", ""] {
            assert_eq!(place(uri), None, "{uri}");
        }
    }
}
