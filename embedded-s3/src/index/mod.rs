//! The index: which buckets, objects, uploads and parts there are, in one redb file.
//!
//! All writes go through one writer thread ([`Index::commit`]), which gathers what is queued into
//! one transaction with one fsync; reads are snapshots ([`Index::read`]) and never wait for it.
//! This room knows neither HTTP nor who asks.

mod buckets;
mod condition;
mod listing;
mod multipart;
mod objects;
mod record;
mod refusal;
mod snapshot;
mod transaction;
mod writer;

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};

pub use condition::{Condition, Wanted};
pub use listing::{Entry, Page, Query};
pub use multipart::{Completion, NamedPart, PartCopy, UploadName};
pub use objects::{Copy, NewBody, NewObject, ReadCondition, Reading};
pub use record::{About, Algorithm, ObjectRecord, Piece, Sum, UploadRecord};
pub use refusal::Refusal;
pub use snapshot::Snapshot;
pub use transaction::Transaction;

use crate::blobs::Blobs;
use writer::Writer;

/// The longest body that is kept in the object's own record, in bytes.
pub const HERE_MAX: usize = 2 * 1024;
/// The longest body that is kept in the index, in bytes; longer ones are blob files.
pub const INLINE_MAX: usize = 128 * 1024;

/// bucket → [`BucketRecord`]
const BUCKETS: TableDefinition<&str, &[u8]> = TableDefinition::new("buckets");
/// bucket, NUL, key → [`ObjectRecord`]
const OBJECTS: TableDefinition<&[u8], &[u8]> = TableDefinition::new("objects");
/// row → body of up to [`INLINE_MAX`] bytes
const ROWS: TableDefinition<u64, &[u8]> = TableDefinition::new("rows");
/// blob → number of pieces that name it
const BLOBS: TableDefinition<u64, u32> = TableDefinition::new("blobs");
/// bucket, NUL, key, NUL, upload id (32 hex digits) → [`UploadRecord`]
const UPLOADS: TableDefinition<&[u8], &[u8]> = TableDefinition::new("uploads");
/// upload id, part number → [`PartRecord`]
const PARTS: TableDefinition<(&str, u16), &[u8]> = TableDefinition::new("parts");

const CACHE_BYTES: usize = 16 * 1024 * 1024;

/// The database, which the writer may close and open again after a failure of the disk.
type Store = RwLock<Option<Database>>;

/// The index, open.
#[derive(Debug)]
pub struct Index {
    store: Arc<Store>,
    writer: Writer,
}

impl Index {
    /// Opens the index file and the blob folder beside it, sweeping blobs that no record names.
    pub fn open(root: &Path) -> Result<(Self, Arc<Blobs>), Refusal> {
        let path = root.join("index.redb");
        let database = open_database(&path)?;
        let (named, last_row) = take_stock(&database)?;
        let blobs = Arc::new(Blobs::open(root.join("blobs"), &named)?);
        crate::blobs::sync_folder(root)?;
        let store = Arc::new(RwLock::new(Some(database)));
        let writer = Writer::start(store.clone(), path, blobs.clone(), last_row)?;
        Ok((Self { store, writer }, blobs))
    }

    /// Reads from a snapshot of all that is committed.
    pub fn read<T>(&self, read: impl FnOnce(&Snapshot) -> Result<T, Refusal>) -> Result<T, Refusal> {
        let store = self.store.read().unwrap_or_else(PoisonError::into_inner);
        let database = store.as_ref().ok_or_else(|| Refusal::Storage("the index is closed".into()))?;
        read(&Snapshot::new(database.begin_read()?))
    }

    /// Runs `act` within the next commit and answers when that commit is durable.
    ///
    /// An `act` that refuses must not have changed anything. [`Refusal::Storage`] means that it is
    /// not known whether the change took effect.
    pub async fn commit<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Transaction<'_>) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        self.writer.commit(act).await
    }

    /// Lets the writer finish what is queued, stops it and closes the database.
    pub fn close(&self) {
        self.writer.stop();
        self.store.write().unwrap_or_else(PoisonError::into_inner).take();
    }
}

fn open_database(path: &Path) -> Result<Database, Refusal> {
    let database = Database::builder().set_cache_size(CACHE_BYTES).create(path)?;
    let transaction = database.begin_write()?;
    transaction.open_table(BUCKETS)?;
    transaction.open_table(OBJECTS)?;
    transaction.open_table(ROWS)?;
    transaction.open_table(BLOBS)?;
    transaction.open_table(UPLOADS)?;
    transaction.open_table(PARTS)?;
    transaction.commit()?;
    Ok(database)
}

/// The blobs that are named, and the highest row.
fn take_stock(database: &Database) -> Result<(HashSet<u64>, u64), Refusal> {
    let transaction = database.begin_read()?;
    let mut named = HashSet::new();
    for entry in transaction.open_table(BLOBS)?.iter()? {
        named.insert(entry?.0.value());
    }
    let last_row = transaction.open_table(ROWS)?.last()?.map_or(0, |(row, _)| row.value());
    Ok((named, last_row))
}

/// The key of an object.
fn object_key(bucket: &str, key: &str) -> Vec<u8> {
    let mut path = Vec::with_capacity(bucket.len() + 1 + key.len());
    path.extend_from_slice(bucket.as_bytes());
    path.push(0);
    path.extend_from_slice(key.as_bytes());
    path
}

/// The key of an upload.
fn upload_key(bucket: &str, key: &str, upload: &str) -> Vec<u8> {
    let mut path = object_key(bucket, key);
    path.push(0);
    path.extend_from_slice(upload.as_bytes());
    path
}
