//! A store in memory: the port's meaning in its plainest form, for tests and for the simulation.
//!
//! It never fails and never waits; faults are added from outside by [`crate::FaultyStore`].

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;

use crate::port::{Created, Listed, Page, Store, StoreError};

/// Objects in an ordered map behind one lock.
#[derive(Debug, Default)]
pub struct MemoryStore {
    objects: Mutex<BTreeMap<String, Bytes>>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Everything stored now, in order of key: for tests and for checks of a simulation.
    #[must_use]
    pub fn objects(&self) -> BTreeMap<String, Bytes> {
        self.locked().clone()
    }

    // Every critical section is one call on the map, so a poisoned lock still guards a whole map.
    fn locked(&self) -> MutexGuard<'_, BTreeMap<String, Bytes>> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn create(&self, key: &str, body: Bytes) -> Result<Created, StoreError> {
        let mut objects = self.locked();
        if objects.contains_key(key) {
            return Ok(Created::Exists);
        }
        objects.insert(key.to_owned(), body);
        Ok(Created::Committed)
    }

    async fn put(&self, key: &str, body: Bytes) -> Result<(), StoreError> {
        self.locked().insert(key.to_owned(), body);
        Ok(())
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        Ok(self.locked().get(key).cloned())
    }

    async fn list(&self, prefix: &str, start_after: &str, limit: usize) -> Result<Page, StoreError> {
        let objects = self.locked();
        let from = if start_after < prefix { Bound::Included(prefix) } else { Bound::Excluded(start_after) };
        let mut entries: Vec<Listed> = objects
            .range::<str, _>((from, Bound::Unbounded))
            .take_while(|(key, _)| key.starts_with(prefix))
            .take(limit.saturating_add(1))
            .map(|(key, body)| Listed { key: key.clone(), size: body.len() as u64 })
            .collect();
        let more = entries.len() > limit;
        entries.truncate(limit);
        Ok(Page { entries, more })
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.locked().remove(key);
        Ok(())
    }
}
