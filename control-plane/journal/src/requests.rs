//! Bodies of requests: small ones stay in the entry, large ones are put first and named by their hash.
//!
//! Which-before-which: the object is stored before the entry that names it is written. Its name holds the day, so that
//! whoever sweeps an old one that no entry names does not take it from a writer who has just found it there. It must not
//! know what a body says.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::Millis;
use crate::keys::{self, Day};
use crate::port::{Created, Store, StoreError};

/// A body that no run of the state names is swept after this many days: a writer names what it has put within minutes.
pub const BODY_DAYS: i64 = 2;
/// A body of up to this many bytes of JSON stays inline.
pub const INLINE_BYTES: usize = 8 << 10;

/// A body, or where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Stored {
    /// The body itself.
    Inline(Value),
    /// In an object of its own.
    ByHash {
        /// Lower-case hex SHA-256 of the object's bytes.
        sha256: String,
        /// Size of the object in bytes.
        size: u64,
        /// The day in its name; none in names from before there was one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        day: Option<String>,
    },
}

/// Why a body could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// The store gave no answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The object is not there.
    #[error("request body {0} is missing")]
    Missing(String),
    /// The object is not what its name says.
    #[error("request body {0} is damaged")]
    Damaged(String),
}

/// Stores the body if it is large; returns what belongs into the entry. Repeating it does no harm.
///
/// # Errors
/// When it is not certain that the object is stored: then no entry may name it.
pub async fn store_body(
    store: &dyn Store,
    application: &str,
    body: Value,
    now: Millis,
) -> Result<Stored, StoreError> {
    let bytes = serde_json::to_vec(&body).map_err(|e| StoreError::NotDone(e.to_string()))?;
    if bytes.len() <= INLINE_BYTES {
        return Ok(Stored::Inline(body));
    }
    let (sha256, size, day) = (hash(&bytes), bytes.len() as u64, Day::of(now).to_string());
    let key = keys::request(application, Some(&day), &sha256);
    let stored = Stored::ByHash { sha256, size, day: Some(day) };
    match store.create(&key, Bytes::from(bytes)).await? {
        Created::Committed | Created::Exists => Ok(stored),
        Created::Unknown if store.get(&key).await?.is_some() => Ok(stored),
        Created::Unknown => Err(StoreError::Unknown(format!("no answer about {key}"))),
    }
}

/// The body, wherever it is; its hash and size are verified.
///
/// # Errors
/// [`BodyError`].
pub async fn load_body(store: &dyn Store, application: &str, stored: &Stored) -> Result<Value, BodyError> {
    let (sha256, size, day) = match stored {
        Stored::Inline(body) => return Ok(body.clone()),
        Stored::ByHash { sha256, size, day } => (sha256, *size, day.as_deref()),
    };
    let bytes = store
        .get(&keys::request(application, day, sha256))
        .await?
        .ok_or_else(|| BodyError::Missing(sha256.clone()))?;
    if bytes.len() as u64 != size || hash(&bytes) != *sha256 {
        return Err(BodyError::Damaged(sha256.clone()));
    }
    serde_json::from_slice(&bytes).map_err(|_| BodyError::Damaged(sha256.clone()))
}

/// Deletes bodies that are older than [`BODY_DAYS`] and that `named` says no to; looks at a thousand, the oldest days
/// first, and returns how many were deleted.
///
/// # Errors
/// [`StoreError`]; some may have been deleted.
pub async fn sweep_bodies(
    store: &dyn Store,
    application: &str,
    now: Millis,
    named: impl Fn(&str) -> bool + Send,
) -> Result<usize, StoreError> {
    let oldest_kept = Day::of(now).minus(BODY_DAYS);
    let page = store.list(&keys::requests(application), "", 1000).await?;
    let mut deleted = 0;
    for listed in &page.entries {
        let Some((day, sha256)) = keys::request_of(&listed.key) else { continue };
        if day < oldest_kept && !named(sha256) {
            store.delete(&listed.key).await?;
            deleted += 1;
        }
    }
    Ok(deleted)
}

fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
