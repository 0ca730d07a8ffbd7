//! What can be done to buckets within a transaction.

use redb::ReadableTable;

use super::record::{BucketRecord, decode, encode};
use super::{Refusal, Transaction, object_key};

impl Transaction<'_> {
    /// Creates a bucket.
    pub fn create_bucket(&mut self, bucket: &str, region: &str) -> Result<(), Refusal> {
        if self.buckets.get(bucket)?.is_some() {
            return Err(Refusal::BucketExists);
        }
        let record = BucketRecord { created_ms: self.now_ms, region: region.into(), tags: Vec::new() };
        self.buckets.insert(bucket, encode(&record).as_slice())?;
        Ok(())
    }

    /// Deletes an empty bucket. Unfinished uploads do not count, as on S3: they go with it.
    pub fn delete_bucket(&mut self, bucket: &str) -> Result<(), Refusal> {
        self.need_bucket(bucket)?;
        let from = object_key(bucket, "");
        let first = self.objects.range(from.as_slice()..)?.next().transpose()?;
        if first.is_some_and(|(key, _)| key.value().starts_with(&from)) {
            return Err(Refusal::BucketNotEmpty);
        }
        self.drop_uploads(bucket)?;
        self.buckets.remove(bucket)?;
        Ok(())
    }

    /// Replaces a bucket's tags.
    pub fn tag_bucket(&mut self, bucket: &str, tags: Vec<(String, String)>) -> Result<(), Refusal> {
        let stored = self.buckets.get(bucket)?.ok_or(Refusal::NoSuchBucket)?;
        let mut record: BucketRecord = decode(stored.value())?;
        drop(stored);
        record.tags = tags;
        self.buckets.insert(bucket, encode(&record).as_slice())?;
        Ok(())
    }
}
