//! The store at a distance: each request takes some milliseconds, so that others come in between.

use async_trait::async_trait;
use bytes::Bytes;
use firesteel_journal::{Created, MemoryStore, Page, RecordingStore, Store, StoreError};
use std::sync::Arc;
use std::time::Duration;

/// A store that is a few milliseconds away.
pub struct Distant(pub Arc<RecordingStore<Arc<MemoryStore>>>);

async fn travel() {
    tokio::time::sleep(Duration::from_millis(3)).await;
}

#[async_trait]
impl Store for Distant {
    async fn create(&self, key: &str, body: Bytes) -> Result<Created, StoreError> {
        travel().await;
        let created = self.0.create(key, body).await;
        travel().await;
        created
    }

    async fn put(&self, key: &str, body: Bytes) -> Result<(), StoreError> {
        travel().await;
        self.0.put(key, body).await?;
        travel().await;
        Ok(())
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        travel().await;
        let body = self.0.get(key).await;
        travel().await;
        body
    }

    async fn list(&self, prefix: &str, start_after: &str, limit: usize) -> Result<Page, StoreError> {
        travel().await;
        let page = self.0.list(prefix, start_after, limit).await;
        travel().await;
        page
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        travel().await;
        self.0.delete(key).await
    }
}
