//! One write transaction, and the pieces of bodies it takes in and gives up.
//!
//! Reference counts of blobs change only here.

use bytes::Bytes;
use redb::{ReadableTable, Table, WriteTransaction};

use super::record::{ObjectRecord, Piece, decode};
use super::{BLOBS, BUCKETS, HERE_MAX, OBJECTS, PARTS, ROWS, Refusal, UPLOADS, object_key};
use crate::blobs::NewBlob;

type Bytes2<'t> = Table<'t, &'static [u8], &'static [u8]>;

/// A write transaction that is being filled.
pub struct Transaction<'t> {
    pub(super) buckets: Table<'t, &'static str, &'static [u8]>,
    pub(super) objects: Bytes2<'t>,
    pub(super) uploads: Bytes2<'t>,
    pub(super) parts: Table<'t, (&'static str, u16), &'static [u8]>,
    pub(super) rows: Table<'t, u64, &'static [u8]>,
    blobs: Table<'t, u64, u32>,
    /// The time of this commit, in milliseconds since the epoch.
    pub(super) now_ms: i64,
    last_row: u64,
    freed: Vec<u64>,
    adopted: Vec<NewBlob>,
}

/// What is left to do when a transaction has been committed, or has failed.
#[derive(Default)]
pub(super) struct Aftermath {
    /// Blobs that nothing names any more.
    pub freed: Vec<u64>,
    /// New blobs that are named now.
    pub adopted: Vec<NewBlob>,
    /// The highest row in use.
    pub last_row: u64,
}

impl<'t> Transaction<'t> {
    pub(super) fn open(write: &'t WriteTransaction, last_row: u64, now_ms: i64) -> Result<Self, Refusal> {
        Ok(Self {
            buckets: write.open_table(BUCKETS)?,
            objects: write.open_table(OBJECTS)?,
            uploads: write.open_table(UPLOADS)?,
            parts: write.open_table(PARTS)?,
            rows: write.open_table(ROWS)?,
            blobs: write.open_table(BLOBS)?,
            now_ms,
            last_row,
            freed: Vec::new(),
            adopted: Vec::new(),
        })
    }

    pub(super) fn end(self) -> Aftermath {
        Aftermath { freed: self.freed, adopted: self.adopted, last_row: self.last_row }
    }

    /// Refuses if the bucket is not there.
    pub(super) fn need_bucket(&self, bucket: &str) -> Result<(), Refusal> {
        match self.buckets.get(bucket)? {
            Some(_) => Ok(()),
            None => Err(Refusal::NoSuchBucket),
        }
    }

    /// An object, if it is there.
    pub(super) fn object(&self, bucket: &str, key: &str) -> Result<Option<ObjectRecord>, Refusal> {
        let stored = self.objects.get(object_key(bucket, key).as_slice())?;
        Ok(stored.map(|bytes| decode(bytes.value())).transpose()?)
    }

    /// Takes in bytes that are not stored yet.
    pub(super) fn take_bytes(&mut self, bytes: Bytes) -> Result<Vec<Piece>, Refusal> {
        if bytes.is_empty() {
            return Ok(Vec::new());
        }
        if bytes.len() <= HERE_MAX {
            return Ok(vec![Piece::Here(bytes)]);
        }
        self.last_row += 1;
        self.rows.insert(self.last_row, bytes.as_ref())?;
        Ok(vec![Piece::Row { id: self.last_row, len: bytes.len() as u64 }])
    }

    /// Takes in a blob file that is complete and durable.
    pub(super) fn take_blob(&mut self, blob: NewBlob, len: u64) -> Result<Vec<Piece>, Refusal> {
        let id = blob.id();
        self.blobs.insert(id, 1)?;
        self.adopted.push(blob);
        Ok(vec![Piece::File { blob: id, offset: 0, len }])
    }

    /// Shares `from..to` of a body: blobs gain a reference, what lies in the index is copied.
    pub(super) fn share(&mut self, pieces: &[Piece], from: u64, to: u64) -> Result<Vec<Piece>, Refusal> {
        let mut shared = Vec::new();
        let mut start = 0;
        for piece in pieces {
            let end = start + piece.len();
            let (low, high) = (from.max(start), to.min(end));
            if low < high {
                shared.extend(self.share_piece(piece, low - start, high - start)?);
            }
            start = end;
        }
        Ok(shared)
    }

    fn share_piece(&mut self, piece: &Piece, from: u64, to: u64) -> Result<Vec<Piece>, Refusal> {
        match piece {
            Piece::Here(bytes) => self.take_bytes(bytes.slice(from as usize..to as usize)),
            Piece::Row { id, .. } => {
                let row = self.rows.get(id)?.ok_or_else(|| missing("row", *id))?;
                let bytes = Bytes::copy_from_slice(&row.value()[from as usize..to as usize]);
                drop(row);
                self.take_bytes(bytes)
            }
            Piece::File { blob, offset, .. } => {
                let references = self.references(*blob)?;
                self.blobs.insert(blob, references + 1)?;
                Ok(vec![Piece::File { blob: *blob, offset: offset + from, len: to - from }])
            }
        }
    }

    /// Gives up a body.
    pub(super) fn release(&mut self, pieces: &[Piece]) -> Result<(), Refusal> {
        for piece in pieces {
            match piece {
                Piece::Here(_) => {}
                Piece::Row { id, .. } => {
                    self.rows.remove(id)?;
                }
                Piece::File { blob, .. } => match self.references(*blob)? {
                    0 | 1 => {
                        self.blobs.remove(blob)?;
                        self.freed.push(*blob);
                    }
                    references => {
                        self.blobs.insert(blob, references - 1)?;
                    }
                },
            }
        }
        Ok(())
    }

    fn references(&self, blob: u64) -> Result<u32, Refusal> {
        Ok(self.blobs.get(blob)?.ok_or_else(|| missing("blob", blob))?.value())
    }
}

fn missing(what: &str, id: u64) -> Refusal {
    Refusal::Storage(format!("{what} {id} is named but not there"))
}
