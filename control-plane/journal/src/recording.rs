//! A store that counts: the number of requests is part of an operation's promise, and tests assert it.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;

use crate::port::{Created, Page, Store, StoreError};

/// Requests by kind, and bytes of bodies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Create-only writes.
    pub create: u64,
    /// Overwrites.
    pub put: u64,
    /// Reads, of absent objects too.
    pub get: u64,
    /// Pages of listings.
    pub list: u64,
    /// Removals.
    pub delete: u64,
    /// Bytes of all bodies sent.
    pub bytes_sent: u64,
    /// Bytes of all bodies received.
    pub bytes_received: u64,
}

/// Passes every request on and counts it.
#[derive(Debug)]
pub struct RecordingStore<S> {
    inner: S,
    counts: Mutex<Counts>,
}

impl<S: Store> RecordingStore<S> {
    /// Counts the requests to `inner`, from zero.
    pub fn new(inner: S) -> Self {
        Self { inner, counts: Mutex::default() }
    }

    /// The store behind.
    pub fn inner(&self) -> &S {
        &self.inner
    }

    /// What was counted since the last call of this function (or the beginning), and begins again at zero.
    pub fn take(&self) -> Counts {
        self.count(std::mem::take)
    }

    fn count<T>(&self, change: impl FnOnce(&mut Counts) -> T) -> T {
        change(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl<S: Store> Store for RecordingStore<S> {
    async fn create(&self, key: &str, body: Bytes) -> Result<Created, StoreError> {
        self.count(|counts| {
            counts.create += 1;
            counts.bytes_sent += body.len() as u64;
        });
        self.inner.create(key, body).await
    }

    async fn put(&self, key: &str, body: Bytes) -> Result<(), StoreError> {
        self.count(|counts| {
            counts.put += 1;
            counts.bytes_sent += body.len() as u64;
        });
        self.inner.put(key, body).await
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        self.count(|counts| counts.get += 1);
        let body = self.inner.get(key).await?;
        let size = body.as_ref().map_or(0, |body| body.len() as u64);
        self.count(|counts| counts.bytes_received += size);
        Ok(body)
    }

    async fn list(&self, prefix: &str, start_after: &str, limit: usize) -> Result<Page, StoreError> {
        self.count(|counts| counts.list += 1);
        self.inner.list(prefix, start_after, limit).await
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.count(|counts| counts.delete += 1);
        self.inner.delete(key).await
    }
}
