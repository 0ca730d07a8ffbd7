//! Multipart uploads within a transaction: create, put a part, copy a part, complete, abort.
//!
//! Completion moves no bytes: the object takes over the pieces of its parts.

use redb::ReadableTable;

use super::objects::{NewBody, ReadCondition, Reading};
use super::record::{Algorithm, ObjectRecord, PartMark, PartRecord, Sum, UploadRecord, decode, encode};
use super::{Condition, Refusal, Transaction, object_key, upload_key};
use crate::digest;

/// The least length of a part that is not the last, in bytes.
const PART_MIN: u64 = 5 * 1024 * 1024;

/// Which upload is meant.
#[derive(Debug, Clone)]
pub struct UploadName {
    /// Bucket.
    pub bucket: String,
    /// Key.
    pub key: String,
    /// Upload id.
    pub id: String,
}

/// A part to be made of a stretch of an object.
#[derive(Debug)]
pub struct PartCopy {
    /// The upload.
    pub upload: UploadName,
    /// Part number.
    pub number: u16,
    /// Bucket and key that are read.
    pub from: (String, String),
    /// What must hold of the source.
    pub source: ReadCondition,
    /// First and last byte, if not all.
    pub range: Option<(u64, u64)>,
}

/// A part as the caller of a completion names it.
#[derive(Debug)]
pub struct NamedPart {
    /// Part number.
    pub number: u16,
    /// Entity tag without quotes.
    pub etag: Option<String>,
    /// Checksums in base64.
    pub sums: Vec<(Algorithm, String)>,
}

/// The completion of an upload.
#[derive(Debug)]
pub struct Completion {
    /// The upload.
    pub upload: UploadName,
    /// The parts it is to have, in order.
    pub parts: Vec<NamedPart>,
    /// What must hold at the commit.
    pub condition: Condition,
    /// The checksums that the caller says the object has.
    pub sums: Vec<(Algorithm, String)>,
    /// The size that the caller says the object has.
    pub size: Option<u64>,
}

impl Transaction<'_> {
    /// Begins an upload.
    pub fn create_upload(&mut self, name: &UploadName, mut record: UploadRecord) -> Result<(), Refusal> {
        self.need_bucket(&name.bucket)?;
        record.initiated_ms = self.now_ms;
        self.uploads.insert(name.path().as_slice(), encode(&record).as_slice())?;
        Ok(())
    }

    /// Puts a part, in the place of one of the same number.
    pub fn put_part(
        &mut self,
        name: &UploadName,
        number: u16,
        etag: String,
        size: u64,
        sum: Option<Sum>,
        body: NewBody,
    ) -> Result<(), Refusal> {
        self.upload(name)?;
        let pieces = self.take(body)?;
        let part = PartRecord { etag, size, modified_ms: self.now_ms, sum, pieces };
        self.store_part(name, number, &part)
    }

    /// Makes a part of a stretch of an object, without moving the bytes of blobs.
    ///
    /// Its entity tag and checksum are those of the source if all of it is taken; otherwise the
    /// entity tag only names the stretch, because the bytes are not read.
    pub fn copy_part(&mut self, copy: PartCopy) -> Result<PartRecord, Refusal> {
        self.upload(&copy.upload)?;
        self.need_bucket(&copy.from.0)?;
        let source = self.object(&copy.from.0, &copy.from.1)?.ok_or(Refusal::NoSuchKey)?;
        if copy.source.check(&source) != Reading::Holds {
            return Err(Refusal::PreconditionFailed);
        }
        let (from, to) = match copy.range {
            None => (0, source.size),
            Some((first, last)) if first <= last && last < source.size => (first, last + 1),
            Some(_) => return Err(Refusal::InvalidRange),
        };
        let whole = (from, to) == (0, source.size);
        let etag = match whole && !source.etag.contains('-') {
            true => source.etag.clone(),
            false => digest::md5_hex(format!("{} {from} {to}", source.etag).as_bytes()),
        };
        let pieces = self.share(&source.pieces, from, to)?;
        let sum = source.sum.filter(|sum| whole && !sum.composite);
        let part = PartRecord { etag, size: to - from, modified_ms: self.now_ms, sum, pieces };
        self.store_part(&copy.upload, copy.number, &part)?;
        Ok(part)
    }

    /// Completes an upload, if its condition holds now. A repeated completion answers as the first did.
    pub fn complete_upload(&mut self, completion: Completion) -> Result<ObjectRecord, Refusal> {
        let name = &completion.upload;
        self.need_bucket(&name.bucket)?;
        let old = self.object(&name.bucket, &name.key)?;
        let upload = match self.upload(name) {
            Err(Refusal::NoSuchUpload) => {
                let done = old.filter(|old| old.upload.as_deref() == Some(&name.id));
                return done.ok_or(Refusal::NoSuchUpload);
            }
            upload => upload?,
        };
        completion.condition.check(old.as_ref().map(|old| old.etag.as_str()))?;
        let parts = self.named_parts(name, &completion.parts)?;
        let record = assemble(&upload, name, parts, self.now_ms);
        check_against(&record, &completion)?;
        for part in &completion.parts {
            self.parts.remove((name.id.as_str(), part.number))?;
        }
        self.drop_upload(&name.path(), &name.id)?;
        self.store(&name.bucket, &name.key, &record, old)?;
        Ok(record)
    }

    /// Ends an upload and gives up its parts.
    pub fn abort_upload(&mut self, name: &UploadName) -> Result<(), Refusal> {
        self.need_bucket(&name.bucket)?;
        self.upload(name)?;
        self.drop_upload(&name.path(), &name.id)
    }

    /// Ends all uploads of a bucket.
    pub(super) fn drop_uploads(&mut self, bucket: &str) -> Result<(), Refusal> {
        let from = object_key(bucket, "");
        let mut found = Vec::new();
        for entry in self.uploads.range(from.as_slice()..)? {
            let path = entry?.0.value().to_vec();
            if !path.starts_with(&from) {
                break;
            }
            found.push(path);
        }
        for path in found {
            let id = String::from_utf8_lossy(&path[path.len().saturating_sub(32)..]).into_owned();
            self.drop_upload(&path, &id)?;
        }
        Ok(())
    }

    fn drop_upload(&mut self, path: &[u8], id: &str) -> Result<(), Refusal> {
        let mut left = Vec::new();
        for entry in self.parts.range((id, 0)..=(id, u16::MAX))? {
            let (key, value) = entry?;
            left.push((key.value().1, decode::<PartRecord>(value.value())?));
        }
        for (number, part) in left {
            self.parts.remove((id, number))?;
            self.release(&part.pieces)?;
        }
        self.uploads.remove(path)?;
        Ok(())
    }

    fn upload(&self, name: &UploadName) -> Result<UploadRecord, Refusal> {
        let stored = self.uploads.get(name.path().as_slice())?.ok_or(Refusal::NoSuchUpload)?;
        Ok(decode(stored.value())?)
    }

    fn store_part(&mut self, name: &UploadName, number: u16, part: &PartRecord) -> Result<(), Refusal> {
        let key = (name.id.as_str(), number);
        let old = self.parts.insert(key, encode(part).as_slice())?;
        let old = old.map(|old| decode::<PartRecord>(old.value())).transpose()?;
        match old {
            Some(old) => self.release(&old.pieces),
            None => Ok(()),
        }
    }

    /// The stored parts that a completion names, checked against what it says of them.
    fn named_parts(&self, name: &UploadName, named: &[NamedPart]) -> Result<Vec<(u16, PartRecord)>, Refusal> {
        if named.windows(2).any(|pair| pair[0].number >= pair[1].number) {
            return Err(Refusal::InvalidPartOrder);
        }
        let mut parts = Vec::with_capacity(named.len());
        for named in named {
            let stored = self.parts.get((name.id.as_str(), named.number))?.ok_or(Refusal::InvalidPart)?;
            let part: PartRecord = decode(stored.value())?;
            if named.etag.as_ref().is_some_and(|etag| *etag != part.etag) {
                return Err(Refusal::InvalidPart);
            }
            if let Some(sum) = &part.sum
                && named
                    .sums
                    .iter()
                    .any(|(algorithm, value)| *algorithm == sum.algorithm && *value != sum.value)
            {
                return Err(Refusal::InvalidPart);
            }
            parts.push((named.number, part));
        }
        match parts.split_last() {
            None => Err(Refusal::InvalidRequest("You must specify at least one part".into())),
            Some((_, others)) if others.iter().any(|(_, part)| part.size < PART_MIN) => {
                Err(Refusal::PartTooSmall)
            }
            Some(_) => Ok(parts),
        }
    }
}

impl UploadName {
    fn path(&self) -> Vec<u8> {
        upload_key(&self.bucket, &self.key, &self.id)
    }
}

/// The object that parts make.
fn assemble(
    upload: &UploadRecord,
    name: &UploadName,
    parts: Vec<(u16, PartRecord)>,
    now_ms: i64,
) -> ObjectRecord {
    let algorithm = upload.algorithm.unwrap_or(Algorithm::Crc64Nvme);
    let sums: Option<Vec<(&str, u64)>> = parts
        .iter()
        .map(|(_, part)| {
            let sum = part.sum.as_ref().filter(|sum| sum.algorithm == algorithm)?;
            Some((sum.value.as_str(), part.size))
        })
        .collect();
    let sum = sums.and_then(|sums| digest::of_parts(algorithm, upload.composite, &sums));
    ObjectRecord {
        etag: digest::etag_of_parts(parts.iter().map(|(_, part)| part.etag.as_str())),
        size: parts.iter().map(|(_, part)| part.size).sum(),
        modified_ms: now_ms,
        about: upload.about.clone(),
        sum,
        upload: Some(name.id.clone()),
        parts: parts
            .iter()
            .map(|(number, part)| PartMark {
                number: *number,
                size: part.size,
                sum: upload.algorithm.and(part.sum.as_ref()).map(|sum| sum.value.clone()),
            })
            .collect(),
        pieces: parts.into_iter().flat_map(|(_, part)| part.pieces).collect(),
    }
}

fn check_against(record: &ObjectRecord, completion: &Completion) -> Result<(), Refusal> {
    if completion.size.is_some_and(|size| size != record.size) {
        return Err(Refusal::InvalidRequest(
            "The provided 'x-amz-mp-object-size' header does not match what was computed.".into(),
        ));
    }
    let Some(sum) = &record.sum else { return Ok(()) };
    let differs = |value: &str| match sum.composite {
        // A composite checksum may be given with or without its count of parts.
        true => value != sum.value && Some(value) != sum.value.split_once('-').map(|(bare, _)| bare),
        false => value != sum.value,
    };
    match completion.sums.iter().find(|(algorithm, value)| *algorithm == sum.algorithm && differs(value)) {
        Some((algorithm, _)) => Err(Refusal::BadDigest(digest::mismatch(*algorithm))),
        None => Ok(()),
    }
}
