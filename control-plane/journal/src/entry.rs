//! The stored form of entries and checkpoints, with its version. Old bytes are kept in `tests/golden/` and reread.
//!
//! This room must not know where the bytes go.

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::fold::{Fold, Millis, Snapshot};

/// The version written today. A reader refuses any newer one: it cannot know what it would miss.
pub const FORMAT: u32 = 1;

/// One entry of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry<E> {
    /// Version of this form.
    pub format: u32,
    /// Its number; the first entry is 1.
    pub seq: u64,
    /// The writer's random mark, new for each entry: by it a writer recognises its own write.
    pub mark: String,
    /// When it was decided; never earlier than the entry before.
    pub at: Millis,
    /// What was decided, in order.
    pub events: Vec<E>,
}

#[derive(Serialize)]
struct RawEntry<'a> {
    format: u32,
    seq: u64,
    mark: &'a str,
    at: Millis,
    events: &'a [Box<RawValue>],
}

#[derive(Serialize)]
struct CheckpointOut<'a, F> {
    format: u32,
    seq: u64,
    at: Millis,
    state: &'a F,
}

#[derive(Deserialize)]
struct CheckpointIn<F> {
    seq: u64,
    at: Millis,
    state: F,
}

#[derive(Deserialize)]
struct Version {
    format: u32,
}

/// Why stored bytes cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// Written by a newer version of Firesteel.
    #[error("{key} has format {found}; this version of Firesteel reads up to {FORMAT}")]
    Newer {
        /// The object.
        key: String,
        /// Its version.
        found: u32,
    },
    /// Not what it should be.
    #[error("{key} cannot be read: {reason}")]
    Corrupt {
        /// The object.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// The bytes of an entry.
///
/// # Errors
/// When an event cannot be written as JSON (a map with keys that are no strings).
pub fn encode<E: Serialize>(entry: &Entry<E>) -> Result<Bytes, serde_json::Error> {
    serde_json::to_vec(entry).map(Bytes::from)
}

/// Reads the entry stored under `key`, which must be number `seq`.
///
/// # Errors
/// [`FormatError`].
pub fn decode<E: DeserializeOwned>(key: &str, seq: u64, body: &[u8]) -> Result<Entry<E>, FormatError> {
    let entry: Entry<E> = parse(key, body)?;
    if entry.seq == seq {
        Ok(entry)
    } else {
        Err(corrupt(key, &format!("it says that it is entry {}", entry.seq)))
    }
}

/// The bytes of an entry whose events are already JSON.
pub(crate) fn encode_raw(
    seq: u64,
    mark: &str,
    at: Millis,
    events: &[Box<RawValue>],
) -> Result<Bytes, serde_json::Error> {
    serde_json::to_vec(&RawEntry { format: FORMAT, seq, mark, at, events }).map(Bytes::from)
}

/// The bytes of a checkpoint.
///
/// # Errors
/// When the state cannot be written as JSON.
pub fn encode_checkpoint<F: Fold>(snapshot: &Snapshot<F>) -> Result<Bytes, serde_json::Error> {
    let Snapshot { seq, at, state } = snapshot;
    serde_json::to_vec(&CheckpointOut { format: FORMAT, seq: *seq, at: *at, state }).map(Bytes::from)
}

/// Reads the checkpoint stored under `key`.
///
/// # Errors
/// [`FormatError`].
pub fn decode_checkpoint<F: Fold>(key: &str, body: &[u8]) -> Result<Snapshot<F>, FormatError> {
    let CheckpointIn { seq, at, state } = parse(key, body)?;
    Ok(Snapshot { seq, at, state })
}

// The version is read first, alone: a newer form need not be readable in any other respect.
pub(crate) fn parse<T: DeserializeOwned>(key: &str, body: &[u8]) -> Result<T, FormatError> {
    let read = |e: serde_json::Error| corrupt(key, &e.to_string());
    let Version { format } = serde_json::from_slice(body).map_err(read)?;
    if format > FORMAT {
        return Err(FormatError::Newer { key: key.to_owned(), found: format });
    }
    serde_json::from_slice(body).map_err(read)
}

fn corrupt(key: &str, reason: &str) -> FormatError {
    FormatError::Corrupt { key: key.to_owned(), reason: reason.to_owned() }
}
