//! Bodies of requests: small ones stay in the entry, large ones are put first and named by their hash.
//!
//! Which-before-which: the object is stored before the entry that names it is written. It must not know what a body
//! says.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::keys;
use crate::port::{Created, Store, StoreError};

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
pub async fn store_body(store: &dyn Store, application: &str, body: Value) -> Result<Stored, StoreError> {
    let bytes = serde_json::to_vec(&body).map_err(|e| StoreError::NotDone(e.to_string()))?;
    if bytes.len() <= INLINE_BYTES {
        return Ok(Stored::Inline(body));
    }
    let (sha256, size) = (hash(&bytes), bytes.len() as u64);
    let key = keys::request(application, &sha256);
    match store.create(&key, Bytes::from(bytes)).await? {
        Created::Committed | Created::Exists => Ok(Stored::ByHash { sha256, size }),
        Created::Unknown if store.get(&key).await?.is_some() => Ok(Stored::ByHash { sha256, size }),
        Created::Unknown => Err(StoreError::Unknown(format!("no answer about {key}"))),
    }
}

/// The body, wherever it is; its hash and size are verified.
///
/// # Errors
/// [`BodyError`].
pub async fn load_body(store: &dyn Store, application: &str, stored: &Stored) -> Result<Value, BodyError> {
    let (sha256, size) = match stored {
        Stored::Inline(body) => return Ok(body.clone()),
        Stored::ByHash { sha256, size } => (sha256, *size),
    };
    let bytes = store
        .get(&keys::request(application, sha256))
        .await?
        .ok_or_else(|| BodyError::Missing(sha256.clone()))?;
    if bytes.len() as u64 != size || hash(&bytes) != *sha256 {
        return Err(BodyError::Damaged(sha256.clone()));
    }
    serde_json::from_slice(&bytes).map_err(|_| BodyError::Damaged(sha256.clone()))
}

fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
