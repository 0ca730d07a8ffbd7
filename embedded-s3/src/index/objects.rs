//! What can be done to whole objects within a transaction: put, copy, delete, tag.
//!
//! Each checks first and changes afterwards, so that a refusal leaves nothing behind.

use bytes::Bytes;

use super::record::{About, ObjectRecord, Sum, encode};
use super::{Condition, Piece, Refusal, Transaction, Wanted, object_key};
use crate::blobs::NewBlob;

/// A body that has been received whole and verified.
#[derive(Debug)]
pub enum NewBody {
    /// Up to [`INLINE_MAX`](super::INLINE_MAX) bytes.
    Bytes(Bytes),
    /// More: a blob file, complete and durable, with its length in bytes.
    Blob(NewBlob, u64),
}

/// An object to be put.
#[derive(Debug)]
pub struct NewObject {
    /// Bucket.
    pub bucket: String,
    /// Key.
    pub key: String,
    /// Entity tag without quotes.
    pub etag: String,
    /// Length in bytes.
    pub size: u64,
    /// What its writer said of it.
    pub about: About,
    /// Its checksum.
    pub sum: Option<Sum>,
    /// Its bytes.
    pub body: NewBody,
    /// What must hold at the commit.
    pub condition: Condition,
}

/// Conditions on what is read.
#[derive(Debug, Clone, Default)]
pub struct ReadCondition {
    /// `If-Match`.
    pub if_match: Option<Wanted>,
    /// `If-None-Match`.
    pub if_none_match: Option<Wanted>,
    /// `If-Modified-Since`, in milliseconds since the epoch.
    pub modified_since_ms: Option<i64>,
    /// `If-Unmodified-Since`, in milliseconds since the epoch.
    pub unmodified_since_ms: Option<i64>,
}

/// What conditions on a read come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// They hold.
    Holds,
    /// The caller has this version already.
    NotModified,
    /// They do not hold.
    Failed,
}

impl ReadCondition {
    /// Checks the conditions; HTTP dates count whole seconds, and entity tags go before dates (RFC 9110 §13.2.2).
    pub fn check(&self, record: &ObjectRecord) -> Reading {
        let fits = |wanted: &Wanted| {
            Condition { if_none_match: Some(wanted.clone()), ..Default::default() }
                .check(Some(&record.etag))
                .is_err()
        };
        let second = |ms: i64| ms.div_euclid(1000);
        let changed_after = |ms: i64| second(record.modified_ms) > second(ms);
        let failed = match &self.if_match {
            Some(wanted) => !fits(wanted),
            None => self.unmodified_since_ms.is_some_and(changed_after),
        };
        let unmodified = match &self.if_none_match {
            Some(wanted) => fits(wanted),
            None => self.modified_since_ms.is_some_and(|ms| !changed_after(ms)),
        };
        match (failed, unmodified) {
            (true, _) => Reading::Failed,
            (_, true) => Reading::NotModified,
            _ => Reading::Holds,
        }
    }
}

/// A copy within the store.
#[derive(Debug)]
pub struct Copy {
    /// Bucket and key that are read.
    pub from: (String, String),
    /// Bucket and key that are written.
    pub to: (String, String),
    /// What must hold of the source.
    pub source: ReadCondition,
    /// What must hold of the target.
    pub target: Condition,
    /// What the copy says of itself, if not what the source says; its tags are not looked at.
    pub about: Option<About>,
    /// The copy's tags, if not the source's.
    pub tags: Option<Vec<(String, String)>>,
}

impl Transaction<'_> {
    /// Puts an object, if its condition holds now.
    pub fn put_object(&mut self, new: NewObject) -> Result<(), Refusal> {
        self.need_bucket(&new.bucket)?;
        let old = self.object(&new.bucket, &new.key)?;
        new.condition.check(old.as_ref().map(|old| old.etag.as_str()))?;
        let record = ObjectRecord {
            etag: new.etag,
            size: new.size,
            modified_ms: self.now_ms,
            about: new.about,
            sum: new.sum,
            parts: Vec::new(),
            upload: None,
            pieces: self.take(new.body)?,
        };
        self.store(&new.bucket, &new.key, &record, old)
    }

    /// Copies an object without moving the bytes of blobs.
    pub fn copy_object(&mut self, copy: Copy) -> Result<ObjectRecord, Refusal> {
        self.need_bucket(&copy.from.0)?;
        self.need_bucket(&copy.to.0)?;
        let source = self.object(&copy.from.0, &copy.from.1)?.ok_or(Refusal::NoSuchKey)?;
        if copy.source.check(&source) != Reading::Holds {
            return Err(Refusal::PreconditionFailed);
        }
        let old = self.object(&copy.to.0, &copy.to.1)?;
        copy.target.check(old.as_ref().map(|old| old.etag.as_str()))?;
        let pieces = self.share(&source.pieces, 0, source.size)?;
        let mut about = copy.about.unwrap_or_else(|| source.about.clone());
        about.tags = copy.tags.unwrap_or(source.about.tags);
        let record = ObjectRecord {
            etag: source.etag,
            size: source.size,
            modified_ms: self.now_ms,
            about,
            sum: source.sum,
            parts: Vec::new(),
            upload: None,
            pieces,
        };
        self.store(&copy.to.0, &copy.to.1, &record, old)?;
        Ok(record)
    }

    /// Deletes an object; that there is none is no error, unless the condition wants one.
    pub fn delete_object(&mut self, bucket: &str, key: &str, condition: &Condition) -> Result<(), Refusal> {
        self.need_bucket(bucket)?;
        let old = self.object(bucket, key)?;
        condition.check(old.as_ref().map(|old| old.etag.as_str()))?;
        if let Some(old) = old {
            self.objects.remove(object_key(bucket, key).as_slice())?;
            self.release(&old.pieces)?;
        }
        Ok(())
    }

    /// Replaces an object's tags; its time and entity tag stay.
    pub fn tag_object(
        &mut self,
        bucket: &str,
        key: &str,
        tags: Vec<(String, String)>,
    ) -> Result<(), Refusal> {
        self.need_bucket(bucket)?;
        let mut record = self.object(bucket, key)?.ok_or(Refusal::NoSuchKey)?;
        record.about.tags = tags;
        self.objects.insert(object_key(bucket, key).as_slice(), encode(&record).as_slice())?;
        Ok(())
    }

    /// Takes in a body.
    pub(super) fn take(&mut self, body: NewBody) -> Result<Vec<Piece>, Refusal> {
        match body {
            NewBody::Bytes(bytes) => self.take_bytes(bytes),
            NewBody::Blob(blob, len) => self.take_blob(blob, len),
        }
    }

    /// Writes a record in the place of `old`, whose body is given up.
    pub(super) fn store(
        &mut self,
        bucket: &str,
        key: &str,
        record: &ObjectRecord,
        old: Option<ObjectRecord>,
    ) -> Result<(), Refusal> {
        self.objects.insert(object_key(bucket, key).as_slice(), encode(record).as_slice())?;
        match old {
            Some(old) => self.release(&old.pieces),
            None => Ok(()),
        }
    }
}
