//! Immutable objects beside a log that its entries name: segments of history, and changed tags of archived runs.
//!
//! Which-before-which: the object is stored before the entry that names it is written; nothing is deleted. A segment's
//! name is the hash of its bytes, so two writers of the same segment write the same object. It must not know what the
//! bytes say.

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::keys;
use crate::port::{Created, Store, StoreError};

/// Why a segment could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SegmentError {
    /// The store gave no answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The object is not there.
    #[error("segment {0} of history is missing")]
    Missing(String),
    /// The object is not what its name says.
    #[error("segment {0} of history is damaged")]
    Damaged(String),
}

/// Stores a segment; its name belongs into the entry. Repeating it does no harm.
///
/// # Errors
/// When it is not certain that the object is stored: then no entry may name it.
pub async fn store_segment(store: &dyn Store, application: &str, body: Bytes) -> Result<String, StoreError> {
    let name = hash(&body);
    create(store, &keys::history_segment(application, &name), body).await?;
    Ok(name)
}

/// A segment's bytes; its hash is verified.
///
/// # Errors
/// [`SegmentError`].
pub async fn load_segment(store: &dyn Store, application: &str, name: &str) -> Result<Bytes, SegmentError> {
    let found = store.get(&keys::history_segment(application, name)).await?;
    let body = found.ok_or_else(|| SegmentError::Missing(name.to_owned()))?;
    if hash(&body) != name {
        return Err(SegmentError::Damaged(name.to_owned()));
    }
    Ok(body)
}

/// Stores changed tags of an archived run under their version. Repeating it does no harm.
///
/// # Errors
/// When it is not certain that the object is stored.
pub async fn store_tags(
    store: &dyn Store,
    application: &str,
    run: &str,
    version: u64,
    body: Bytes,
) -> Result<(), StoreError> {
    create(store, &keys::history_tags(application, run, version), body).await
}

/// The stored tags of an archived run that were changed last; `None` if there are none.
///
/// # Errors
/// [`StoreError`].
pub async fn find_tags(store: &dyn Store, application: &str, run: &str) -> Result<Option<Bytes>, StoreError> {
    let page = store.list(&keys::history_tags_of(application, run), "", 1).await?;
    match page.entries.first() {
        Some(newest) => store.get(&newest.key).await,
        None => Ok(None),
    }
}

async fn create(store: &dyn Store, key: &str, body: Bytes) -> Result<(), StoreError> {
    match store.create(key, body).await? {
        Created::Committed | Created::Exists => Ok(()),
        Created::Unknown if store.get(key).await?.is_some() => Ok(()),
        Created::Unknown => Err(StoreError::Unknown(format!("no answer about {key}"))),
    }
}

fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
