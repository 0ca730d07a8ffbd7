//! Salvage of logs: from a dead worker's folder of the process substrate, by the runner's own means.

use async_trait::async_trait;
use firesteel_agent::event_logs;
use firesteel_agent::logs::{S3LogStore, mark_truncated};
use firesteel_agent::{Keyring, s3_client};
use firesteel_core::id::WorkerId;
use firesteel_protocol::{Credentials, LogDestination, ObjectStore};
use firesteel_service::Salvage;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How long S3 may refuse or be away before the logs are given up.
const PATIENCE: Duration = Duration::from_secs(20);

/// The folders of the process substrate on this machine.
#[derive(Clone, Debug)]
pub struct FolderSalvage {
    workers: PathBuf,
}

impl FolderSalvage {
    /// The workers of the process substrate whose root this is.
    pub fn new(root: PathBuf) -> Self {
        Self { workers: root.join("workers") }
    }
}

#[async_trait]
impl Salvage for FolderSalvage {
    async fn salvage(
        &self,
        worker: &WorkerId,
        store: &ObjectStore,
        logs: &LogDestination,
        credentials: &Credentials,
    ) -> bool {
        let folder = self.workers.join(worker.as_str());
        let client = s3_client(store, &Keyring::new(credentials.clone()));
        if !folder.is_dir() {
            let store = S3LogStore::new(client, logs.bucket.clone());
            let why = "the rest is on a host that is lost";
            let marked = tokio::time::timeout(PATIENCE, mark_truncated(&store, &logs.prefix, why));
            if !matches!(marked.await, Ok(Ok(()))) {
                tracing::warn!(%worker, "could not say beside its logs where they end");
            }
            return false;
        }
        if let Some(run) = logs.prefix.strip_suffix("/SPARK_DRIVER") {
            let to = format!("s3://{}/{run}/sparklogs/", logs.bucket);
            if let Err(error) = event_logs::salvage(client.clone(), &to, &folder, PATIENCE).await {
                tracing::warn!(%worker, error, "the driver's event logs are not whole in S3");
            }
        }
        let store = Arc::new(S3LogStore::new(client, logs.bucket.clone()));
        let end = firesteel_agent::logs::salvage(&folder, store, &logs.prefix, PATIENCE).await;
        if !end.complete {
            tracing::warn!(%worker, why = end.why.as_deref(), "the worker's logs are not whole in S3");
        }
        end.complete
    }
}
