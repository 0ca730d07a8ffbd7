//! The port: what the journal needs of an object store, and how answers are told apart.
//!
//! This room must not know what is stored; it knows keys and bytes only. Every implementation passes
//! [`crate::suite`].

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

/// What became of a create-only write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// The object is stored and did not exist before.
    Committed,
    /// An object with this key exists; this request stored nothing. It may still be the same writer's
    /// object, written by an earlier request whose answer was lost.
    Exists,
    /// Nobody knows: the write may have happened, may happen yet, or may never happen.
    Unknown,
}

/// Why a request gave no answer. The two cases are never mixed up: a lost answer is not a failure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The request had certainly no effect and will have none.
    #[error("the store did not do it: {0}")]
    NotDone(String),
    /// The request may have had its effect, or may have it later.
    #[error("the store gave no answer: {0}")]
    Unknown(String),
}

/// One object in a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The whole key, relative to the store's root.
    pub key: String,
    /// Size of the object in bytes.
    pub size: u64,
}

/// One page of a listing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// Objects in ascending order of key (byte order).
    pub entries: Vec<Listed>,
    /// Whether keys after the last one exist.
    pub more: bool,
}

/// An object store with create-only writes and strongly consistent reads and listings.
///
/// Keys are relative to the root that the implementation was made with (bucket and prefix).
#[async_trait]
pub trait Store: Send + Sync {
    /// Stores `body` under `key` only if no such object exists (`PUT`, `If-None-Match: *`).
    ///
    /// # Errors
    /// Only when the write certainly did not and will not happen; every doubt is [`Created::Unknown`].
    async fn create(&self, key: &str, body: Bytes) -> Result<Created, StoreError>;

    /// Stores `body` under `key`, over whatever is there.
    ///
    /// # Errors
    /// [`StoreError::NotDone`] or [`StoreError::Unknown`].
    async fn put(&self, key: &str, body: Bytes) -> Result<(), StoreError>;

    /// The object's bytes, or `None` if there is no such object.
    ///
    /// # Errors
    /// When the store gave no answer; a read has no effect, so both kinds mean the same.
    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError>;

    /// Up to `limit` (1 to 1000) objects whose keys begin with `prefix` and are greater than
    /// `start_after` (a whole key; empty: from the beginning).
    ///
    /// # Errors
    /// As for [`Store::get`].
    async fn list(&self, prefix: &str, start_after: &str, limit: usize) -> Result<Page, StoreError>;

    /// Removes the object; removing what is not there is no error.
    ///
    /// # Errors
    /// [`StoreError::NotDone`] or [`StoreError::Unknown`].
    async fn delete(&self, key: &str) -> Result<(), StoreError>;
}

#[async_trait]
impl<S: Store + ?Sized> Store for Arc<S> {
    async fn create(&self, key: &str, body: Bytes) -> Result<Created, StoreError> {
        (**self).create(key, body).await
    }

    async fn put(&self, key: &str, body: Bytes) -> Result<(), StoreError> {
        (**self).put(key, body).await
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        (**self).get(key).await
    }

    async fn list(&self, prefix: &str, start_after: &str, limit: usize) -> Result<Page, StoreError> {
        (**self).list(prefix, start_after, limit).await
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        (**self).delete(key).await
    }
}
