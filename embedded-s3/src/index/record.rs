//! What the index remembers of buckets, objects, uploads and parts, and how it is written down.
//!
//! Values only: this file knows neither the database nor HTTP. Every stored value begins with one
//! byte of format version, so that a later format can tell old bytes from new.

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The format version that this build writes.
const FORMAT: u8 = 1;

/// A stored value that this build cannot read.
#[derive(Debug, thiserror::Error)]
#[error("a stored record is of unknown format or damaged")]
pub struct BadRecord;

/// Writes a record: format byte, then postcard.
pub fn encode<T: Serialize>(record: &T) -> Vec<u8> {
    // Postcard fails only on types without a fixed shape; the records below have none.
    postcard::to_extend(record, vec![FORMAT]).unwrap_or_default()
}

/// Reads a record back.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, BadRecord> {
    match bytes.split_first() {
        Some((&FORMAT, rest)) => postcard::from_bytes(rest).map_err(|_| BadRecord),
        _ => Err(BadRecord),
    }
}

/// A bucket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BucketRecord {
    /// When it was created, in milliseconds since the epoch.
    pub created_ms: i64,
    /// The region it was asked for.
    pub region: String,
    /// Its tags.
    pub tags: Vec<(String, String)>,
}

/// Everything of an object that its writer said and gets back unchanged.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// `Content-Type`, as given.
    pub content_type: Option<String>,
    /// `Content-Encoding`, without `aws-chunked`.
    pub content_encoding: Option<String>,
    /// `Content-Language`.
    pub content_language: Option<String>,
    /// `Content-Disposition`.
    pub content_disposition: Option<String>,
    /// `Cache-Control`.
    pub cache_control: Option<String>,
    /// `Expires`, in milliseconds since the epoch.
    pub expires_ms: Option<i64>,
    /// `x-amz-website-redirect-location`.
    pub redirect: Option<String>,
    /// `x-amz-meta-*`, without the prefix.
    pub metadata: Vec<(String, String)>,
    /// Object tags.
    pub tags: Vec<(String, String)>,
}

/// The checksum algorithms of S3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Algorithm {
    /// CRC-32 (ISO-HDLC).
    Crc32,
    /// CRC-32C (Castagnoli).
    Crc32c,
    /// CRC-64/NVME, S3's default.
    Crc64Nvme,
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
}

/// A checksum that was verified or computed here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sum {
    /// How it was computed.
    pub algorithm: Algorithm,
    /// Base64; a composite one ends in `-N`.
    pub value: String,
    /// Whether it is a checksum of the parts' checksums.
    pub composite: bool,
}

/// One stretch of bytes of a body.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Piece {
    /// Up to [`HERE_MAX`](crate::index::HERE_MAX) bytes, in the record itself.
    Here(Bytes),
    /// Up to [`INLINE_MAX`](crate::index::INLINE_MAX) bytes, in a row of the index that this piece alone owns.
    Row {
        /// The row.
        id: u64,
        /// Its length in bytes.
        len: u64,
    },
    /// A stretch of a blob file, which other pieces may share.
    File {
        /// The blob.
        blob: u64,
        /// First byte in the blob file.
        offset: u64,
        /// Length in bytes.
        len: u64,
    },
}

impl Piece {
    /// Length in bytes.
    pub fn len(&self) -> u64 {
        match self {
            Piece::Here(bytes) => bytes.len() as u64,
            Piece::Row { len, .. } | Piece::File { len, .. } => *len,
        }
    }
}

/// A part as a finished multipart object remembers it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PartMark {
    /// Part number, 1 to 10,000.
    pub number: u16,
    /// Length in bytes.
    pub size: u64,
    /// The part's own checksum in the upload's algorithm.
    pub sum: Option<String>,
}

/// An object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ObjectRecord {
    /// Entity tag without quotes.
    pub etag: String,
    /// Length in bytes.
    pub size: u64,
    /// Last modified, in milliseconds since the epoch.
    pub modified_ms: i64,
    /// What its writer said of it.
    pub about: About,
    /// Its checksum, if it is known.
    pub sum: Option<Sum>,
    /// Its parts, if it was uploaded in parts.
    pub parts: Vec<PartMark>,
    /// The upload that made it, so that a repeated completion is recognised.
    pub upload: Option<String>,
    /// Its bytes.
    pub pieces: Vec<Piece>,
}

/// A multipart upload that is neither completed nor aborted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UploadRecord {
    /// When it was begun, in milliseconds since the epoch.
    pub initiated_ms: i64,
    /// What the object will say of itself.
    pub about: About,
    /// The checksum algorithm its creator asked for.
    pub algorithm: Option<Algorithm>,
    /// Whether the checksum is to be one of checksums.
    pub composite: bool,
}

/// An uploaded part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PartRecord {
    /// Entity tag without quotes.
    pub etag: String,
    /// Length in bytes.
    pub size: u64,
    /// When it was uploaded, in milliseconds since the epoch.
    pub modified_ms: i64,
    /// Its checksum, if it is known.
    pub sum: Option<Sum>,
    /// Its bytes.
    pub pieces: Vec<Piece>,
}
