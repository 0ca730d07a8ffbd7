//! Reads of single things from one snapshot of the index.

use bytes::Bytes;
use redb::{ReadTransaction, ReadableTable};

use super::multipart::UploadName;
use super::record::{BucketRecord, ObjectRecord, PartRecord, UploadRecord, decode};
use super::{BUCKETS, OBJECTS, PARTS, ROWS, Refusal, UPLOADS, object_key, upload_key};

/// All that was committed at one moment.
pub struct Snapshot {
    pub(super) transaction: ReadTransaction,
}

impl Snapshot {
    pub(super) fn new(transaction: ReadTransaction) -> Self {
        Self { transaction }
    }

    /// A bucket.
    pub fn bucket(&self, bucket: &str) -> Result<BucketRecord, Refusal> {
        let table = self.transaction.open_table(BUCKETS)?;
        let stored = table.get(bucket)?.ok_or(Refusal::NoSuchBucket)?;
        Ok(decode(stored.value())?)
    }

    /// All buckets, by name.
    pub fn buckets(&self) -> Result<Vec<(String, BucketRecord)>, Refusal> {
        let table = self.transaction.open_table(BUCKETS)?;
        let mut buckets = Vec::new();
        for entry in table.iter()? {
            let (name, record) = entry?;
            buckets.push((name.value().to_owned(), decode(record.value())?));
        }
        Ok(buckets)
    }

    /// An object. The bucket is looked at only if the object is not there.
    pub fn object(&self, bucket: &str, key: &str) -> Result<ObjectRecord, Refusal> {
        let table = self.transaction.open_table(OBJECTS)?;
        match table.get(object_key(bucket, key).as_slice())? {
            Some(stored) => Ok(decode(stored.value())?),
            None => self.bucket(bucket).and(Err(Refusal::NoSuchKey)),
        }
    }

    /// The bytes of a row.
    pub fn row(&self, id: u64) -> Result<Bytes, Refusal> {
        let table = self.transaction.open_table(ROWS)?;
        let row = table.get(id)?.ok_or_else(|| Refusal::Storage(format!("row {id} is not there")))?;
        Ok(Bytes::copy_from_slice(row.value()))
    }

    /// An upload.
    pub fn upload(&self, name: &UploadName) -> Result<UploadRecord, Refusal> {
        let table = self.transaction.open_table(UPLOADS)?;
        match table.get(upload_key(&name.bucket, &name.key, &name.id).as_slice())? {
            Some(stored) => Ok(decode(stored.value())?),
            None => self.bucket(&name.bucket).and(Err(Refusal::NoSuchUpload)),
        }
    }

    /// Up to `max` parts of an upload after part `after`, and whether there are more.
    pub fn parts(
        &self,
        name: &UploadName,
        after: u16,
        max: usize,
    ) -> Result<(Vec<(u16, PartRecord)>, bool), Refusal> {
        let table = self.transaction.open_table(PARTS)?;
        let mut parts = Vec::new();
        let first = after.saturating_add(1);
        for entry in table.range((name.id.as_str(), first)..=(name.id.as_str(), u16::MAX))? {
            let (key, value) = entry?;
            if parts.len() == max {
                return Ok((parts, true));
            }
            parts.push((key.value().1, decode(value.value())?));
        }
        Ok((parts, false))
    }
}
