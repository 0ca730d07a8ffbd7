//! What is answered, in the words of s3s.

use s3s::S3Error;
use s3s::dto::{Checksum, ChecksumType, ETag, Metadata, Owner};

use super::Api;
use super::request::from_ms;
use crate::index::{Algorithm, ObjectRecord, Sum};

/// An entity tag.
pub fn etag(tag: &str) -> Option<ETag> {
    Some(ETag::Strong(tag.to_owned()))
}

/// A checksum in the field of its algorithm.
pub fn checksum(sum: Option<&Sum>) -> Checksum {
    let mut answer = Checksum::default();
    if let Some(sum) = sum {
        place(&mut answer, sum.algorithm, sum.value.clone());
        answer.checksum_type = Some(checksum_type(sum.composite));
    }
    answer
}

/// Several checksums, each in the field of its algorithm.
pub fn checksums(sums: Vec<(Algorithm, String)>) -> Checksum {
    let mut answer = Checksum::default();
    for (algorithm, value) in sums {
        place(&mut answer, algorithm, value);
    }
    answer
}

/// How a checksum was computed.
pub fn checksum_type(composite: bool) -> ChecksumType {
    ChecksumType::from_static(if composite { ChecksumType::COMPOSITE } else { ChecksumType::FULL_OBJECT })
}

fn place(answer: &mut Checksum, algorithm: Algorithm, value: String) {
    let field = match algorithm {
        Algorithm::Crc32 => &mut answer.checksum_crc32,
        Algorithm::Crc32c => &mut answer.checksum_crc32c,
        Algorithm::Crc64Nvme => &mut answer.checksum_crc64nvme,
        Algorithm::Sha1 => &mut answer.checksum_sha1,
        Algorithm::Sha256 => &mut answer.checksum_sha256,
    };
    *field = Some(value);
}

/// User metadata.
pub fn metadata(record: &ObjectRecord) -> Option<Metadata> {
    let metadata = &record.about.metadata;
    (!metadata.is_empty()).then(|| metadata.iter().cloned().collect())
}

impl Api {
    /// The one owner of everything here.
    pub(super) fn owner(&self) -> Owner {
        Owner { display_name: None, id: Some(self.account.clone()) }
    }
}

/// 304, with the headers that RFC 9110 wants and without a body.
pub fn not_modified(record: &ObjectRecord) -> S3Error {
    let mut error = S3Error::new(s3s::S3ErrorCode::NotModified);
    error.set_status_code(http::StatusCode::NOT_MODIFIED);
    let mut headers = http::HeaderMap::new();
    if let Ok(value) = format!("\"{}\"", record.etag).parse() {
        headers.insert(http::header::ETAG, value);
    }
    let mut date = Vec::new();
    let written = from_ms(record.modified_ms).format(s3s::dto::TimestampFormat::HttpDate, &mut date);
    if let (Ok(()), Ok(value)) = (written, http::HeaderValue::from_bytes(&date)) {
        headers.insert(http::header::LAST_MODIFIED, value);
    }
    error.set_headers(headers);
    error
}
